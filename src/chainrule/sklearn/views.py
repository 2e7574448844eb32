"""`coefs_` and `intercepts_`: lists of the arrays that a network has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Views(list[Any]):
    """Arrays, one a layer. To assign one writes into it: it stays the network's."""

    def __init__(self, name: str, arrays: Sequence[NDArray[Any]]):
        super().__init__(arrays)
        self._name = name

    def __setitem__(self, i: Any, value: Any) -> None:
        views = self[i] if isinstance(i, slice) else [self[i]]
        write(self._name, views, value if isinstance(i, slice) else [value])

    def __reduce__(self) -> Any:
        return list, (list(self),)  # a copy is not the network's


def write(name: str, views: Sequence[NDArray[Any]], values: Any) -> None:
    """Write values into arrays, all of them or, where one does not fit, none.

    Raises
    ------
    ValueError
        For another number of arrays, other shapes, and what is not finite.
    """
    arrays = [np.asarray(each) for each in values]
    shapes, wanted = ([each.shape for each in some] for some in (arrays, views))
    if shapes != wanted:
        raise ValueError(f"{name} must have the shapes {wanted}; got {shapes}")
    cast = [each.astype(view.dtype) for each, view in zip(arrays, views, strict=True)]
    if not all(np.isfinite(each).all() for each in cast):
        raise ValueError(f"{name} must be finite")
    for view, each in zip(views, cast, strict=True):
        view[...] = each
