"""Inputs that are some rows of others, which stay where they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowsOf:
    """Rows of inputs, in an order of their own and with repeats, without a copy of the inputs.

    The core reads them where they stand; slices and the like are copies.

    Attributes
    ----------
    of : ndarray (m, n_1) or SparseRows
    rows : ndarray (k,) int32
        From 0 to m - 1.
    """

    def __init__(self, of: Any, rows: NDArray[np.int32]):
        self.of, self.rows = of, rows

    @property
    def shape(self) -> tuple[int, int]:
        """(k, n_1)."""
        return len(self.rows), self.of.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""
        return self.of.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, some) -> Any:
        """Return some of them, by a slice or an array of indices, as an array or a SparseRows."""
        return self.of[self.rows[some]]


def pick(X: Any, rows: NDArray[np.int32]) -> RowsOf:
    """Return rows of X without a copy; X is an array, a SparseRows or a RowsOf one of these."""
    return RowsOf(X.of, X.rows[rows]) if isinstance(X, RowsOf) else RowsOf(X, rows)
