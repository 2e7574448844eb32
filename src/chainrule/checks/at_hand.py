"""Inputs read once for several networks, so that none has to copy them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers
from chainrule.checks.frames import Frame, ReadFrame, is_frame
from chainrule.checks.sparse_rows import as_sparse_rows, is_sparse
from chainrule.core import _core


def at_hand(name: str, X: Any) -> Any:
    """Return X as the core reads it in place, with all its numbers and names, if there is a way.

    Each network's own checks are still to come, and tell what is wrong with it.
    """
    if is_sparse(X):
        X = as_sparse_rows(name, X)
        X.data = _in_place(X.data)
        return X
    if not is_frame(X):
        return _in_place(as_numbers(name, X))
    try:
        return ReadFrame(X, Frame(name, X).numbers(missing=True))
    except TypeError:  # columns that are no numbers
        return X


def _in_place(numbers: NDArray) -> NDArray:
    small = numbers.dtype.kind in "biu" and numbers.dtype.itemsize < 8
    if (small or numbers.dtype == np.float16) and numbers.dtype.name not in _core.INPUTS:
        numbers = numbers.astype(np.float64)
    return np.require(numbers, numbers.dtype.newbyteorder("="), ["C", "A"])
