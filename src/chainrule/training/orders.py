"""The orders in which epochs go through the rows, where a function of the user's says them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_numbers
from chainrule.core import _core

CALLED = "what the function given as shuffle returns"


class Orders:
    """What the core calls before each epoch: the order that `function` returns of m rows, checked.

    It is an int32 array (m,), the same one each time.

    Raises
    ------
    ValueError, TypeError
        For what has not each of 0 ... m - 1 once.
    """

    def __init__(self, function: Callable[[int], ArrayLike], m: int):
        self._function = function
        self._order, self._seen = np.empty(m, np.int32), np.empty(m, np.uint8)

    def __call__(self) -> NDArray[np.int32]:
        """Return the order of an epoch."""
        given = self._function(len(self._order))
        if not _core.read_order(given, self._order, self._seen):
            self._read(given)
        return self._order

    def _read(self, given):
        """Read what is no array as the core takes it; raise if it is no order."""
        m = len(self._order)
        places = as_numbers(CALLED, given)
        if places.dtype.kind not in "iu" or places.shape != (m,):
            raise ValueError(
                f"{CALLED} must be ({m},), whole numbers from 0 to {m - 1}; "
                f"got dtype {places.dtype}, shape {places.shape}"
            )
        places = np.ascontiguousarray(places, np.int64)
        if not _core.read_order(places, self._order, self._seen):
            counts = np.bincount(places[(places >= 0) & (places < m)], minlength=m)
            row = int(np.argmin(counts))
            raise ValueError(f"{CALLED} must have each of 0 to {m - 1} once; {row} is not there")
