"""Classes as a file holds them: numbers as an array, text as the numbers of its characters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.files.record import is_plain

_LARGEST_CHARACTER = 0x10FFFF


def written_labels(classes: NDArray[Any]) -> Any:
    """Return classes (k,) as a record takes them; text as its characters (k, longest).

    Raises
    ------
    ValueError
        For a dtype that a file cannot hold.
    """
    if classes.dtype.kind == "U":
        characters = classes.astype(classes.dtype.newbyteorder("="))
        values: Any = characters.view(np.uint32).reshape(len(classes), -1)
    else:
        values = classes.tolist() if classes.dtype == object else classes
    if not is_plain(values):
        raise ValueError(f"a file cannot hold classes of {classes.dtype}; use float64")
    return values


def read_labels(values: Any) -> NDArray[Any]:
    """Return the classes that `written_labels` wrote.

    Raises
    ------
    ValueError
        For what it cannot have written.
    """
    if are_text(values):
        return np.array(values, object)
    if type(values) is np.ndarray and values.ndim == 1:
        return values
    if type(values) is np.ndarray and values.dtype == np.uint32 and values.ndim == 2:
        if values.size == 0 or values.max() > _LARGEST_CHARACTER:
            raise ValueError("expected the characters of classes, got other numbers")
        return values.view(f"U{values.shape[1]}").ravel()
    raise ValueError(f"expected classes of numbers or text, got {values!r:.60}")


def are_text(values: Any) -> bool:
    """Whether it is a list of strings alone."""
    return type(values) is list and all(type(each) is str for each in values)
