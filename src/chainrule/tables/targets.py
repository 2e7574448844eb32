"""What is to be predicted of each row of a table: a class of any labels, or a value."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.recipe import CLASSES, VALUES


class Targets(NamedTuple):
    """Targets as networks learn them, and what they are called.

    Attributes
    ----------
    y : ndarray (m,)
        The place of each class, int32; or each value's (v - shift)/scale, float32.
    classes : ndarray (k,) or None
        Sorted, of the dtype that they were given in; None for values.
    scale, shift : float
        The spread and the mean of the values.
    """

    y: NDArray[Any]
    classes: NDArray[Any] | None = None
    scale: float = 1.0
    shift: float = 0.0

    @property
    def task(self) -> str:
        """What they are: "classes" or "values"."""
        return VALUES if self.classes is None else CLASSES


def classes_of(y: Any) -> Targets:
    """Return labels (m,), of text, truth values, whole numbers or what else can be sorted.

    Raises
    ------
    ValueError, TypeError
        For a label that is missing, labels that cannot be sorted, and for one class alone.
    """
    given = _vector(y)
    _refuse_missing(given)
    try:
        classes, places = np.unique(given, return_inverse=True)
    except TypeError:
        kinds = sorted({type(each).__name__ for each in given})
        raise TypeError(
            f"y must hold labels of one kind, which can be sorted; got {' and '.join(kinds)}"
        ) from None
    if len(classes) < 2:
        raise ValueError(
            f"y must hold two classes or more; got 1 class, {classes.tolist()[0]!r}, in all of "
            f"{len(given)} rows"
        )
    return Targets(places.astype(np.int32), classes)


def values_of(y: Any) -> Targets:
    """Return numbers (m,), standardised.

    Raises
    ------
    ValueError, TypeError
        For what is no number, is missing or infinite, by its row.
    """
    given = _vector(y)
    _refuse_missing(given)
    if given.dtype.kind in "Mm":
        raise TypeError(
            f"y must hold numbers; got {'dates' if given.dtype.kind == 'M' else 'durations'}: make "
            "numbers of them, such as days since a first one"
        )
    try:
        values = given.astype(np.float64)
    except (ValueError, TypeError):
        row, each = next((i, v) for i, v in enumerate(given.tolist()) if not _is_number(v))
        raise ValueError(f"y must hold numbers; y[{row}] is {each!r}") from None
    if not (finite := np.isfinite(values)).all():
        row = int(np.argmin(finite))
        raise ValueError(f"y must hold finite numbers; y[{row}] is {values[row]}: infinity")
    shift = float(values.mean())
    scale = float(values.std()) or 1.0
    return Targets(((values - shift) / scale).astype(np.float32), None, scale, shift)


def _vector(y: Any) -> NDArray[Any]:
    given = np.asarray(y)
    if given.ndim != 1:
        raise ValueError(f"y must have one target for each row, (m,); got shape {given.shape}")
    if len(given) == 0:
        raise ValueError("y has no rows; got n_samples = 0")
    return given


def _refuse_missing(given: NDArray[Any]) -> None:
    """Raise ValueError for the first target that is missing."""
    if given.dtype.kind in "fMm":
        missing = np.isnan(given)
    elif given.dtype.kind == "O":  # None, NaN, pandas' NA and NaT
        missing = np.fromiter((each is None or _is_missing(each) for each in given), bool)
    else:
        return
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"y must not miss targets; y[{row}] is {given[row]}, and {int(missing.sum())} of "
            f"{len(given)} are missing (NaN): leave those rows out"
        )


def _is_missing(value: Any) -> bool:
    return type(value).__name__ == "NAType" or value != value


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (ValueError, TypeError):
        return False
    return True
