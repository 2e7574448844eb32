"""Inputs with few numbers that are not 0, in compressed sparse rows, as SciPy's CSR has them.

SciPy's other formats (COO, CSC, ...) are converted to it, by their `tocsr`.
"""

from copy import copy

import numpy as np
from numpy.typing import NDArray

from chainrule.core import _core

PARTS = ("data", "indices", "indptr", "shape")


class SparseRows:
    """Rows of a matrix (m, n_1) of which only some numbers are kept; all others are 0.

    Attributes
    ----------
    data : ndarray (k,)
        The numbers, row by row.
    indices : ndarray (k,) int32
        The column of each; in a row they grow.
    indptr : ndarray (m + 1,) int64
        Where each row begins in both, and the last one ends.
    shape : tuple of int
        (m, n_1).
    """

    format = "csr"

    def __init__(self, data, indices, indptr, shape):
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""
        return self.data.dtype

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows) -> "SparseRows":
        """Return some of the rows, by a slice or an array of indices."""
        begins, ends = self.indptr[:-1][rows], self.indptr[1:][rows]
        indptr = np.concatenate(([0], np.cumsum(ends - begins)))
        kept = np.arange(indptr[-1]) + np.repeat(begins - indptr[:-1], ends - begins)
        shape = (len(begins), self.shape[1])
        return SparseRows(self.data[kept], self.indices[kept], indptr, shape)

    def dense(self) -> NDArray:
        """Return all numbers, (m, n_1)."""
        out = np.zeros(self.shape, self.dtype)
        out[np.repeat(np.arange(len(self)), np.diff(self.indptr)), self.indices] = self.data
        return out


def is_sparse(X) -> bool:
    """Whether it is made like SciPy's csr_matrix and csr_array, or can be converted to such."""
    return not isinstance(X, np.ndarray) and (_is_csr(X) or hasattr(type(X), "tocsr"))


def _is_csr(X):
    return getattr(X, "format", None) == "csr" and all(hasattr(X, part) for part in PARTS)


def as_sparse_rows(name, X) -> SparseRows:
    """Return X, checked but for its numbers, without a copy of these and of their columns.

    What is in another format is converted, which copies. A matrix whose columns are not sorted in
    each row, or stand there twice, is sorted and summed up in a copy.

    Raises
    ------
    ValueError
        For what is no matrix, or one that points outside of itself.
    """
    if isinstance(X, SparseRows):  # which was checked when it was made
        return copy(X)
    if len(X.shape) != 2:
        raise ValueError(
            f"{name} must be a matrix (samples, inputs); got shape {X.shape}; a single sample? "
            "use .toarray()"
        )
    if not _is_csr(X):
        X = X.tocsr()
    rows = _checked(name, X)
    if not _core.has_sorted_rows(rows.indices, rows.indptr):
        X = X.copy()
        X.sum_duplicates()
        rows = _checked(name, X)
    return rows


def _checked(name, X):
    m, n = map(int, X.shape)
    data = np.asarray(X.data)
    indices, indptr = (_whole(f"{name}.{part}", getattr(X, part)) for part in PARTS[1:3])
    if data.ndim != 1:
        raise ValueError(f"{name}.data must be a vector; got shape {data.shape}")
    most = min(len(indices), len(data))
    grows = indptr.shape == (m + 1,) and (indptr[1:] >= indptr[:-1]).all()
    if not grows or indptr[0] != 0:
        raise ValueError(f"{name}.indptr must be {m + 1} numbers that grow from 0")
    if indptr[-1] > most:
        raise ValueError(f"{name}.indptr must end at {most} or before; got {indptr[-1]}")
    indices = indices[: indptr[-1]]
    if len(indices) and not 0 <= indices.min() <= indices.max() < n:
        where = int(np.argmax((indices < 0) | (indices >= n)))
        raise ValueError(
            f"{name}.indices must be columns from 0 to {n - 1}; "
            f"{name}.indices[{where}] is {indices[where]}"
        )
    indices = np.require(indices, np.int32, ["C", "A"])
    indptr = np.array(indptr, np.int64)  # our own: the core relies on what was checked
    return SparseRows(data[: indptr[-1]], indices, indptr, (m, n))


def _whole(name, part):
    """Return places in a matrix as a vector of whole numbers of any type."""
    part = np.asarray(part)
    if part.ndim != 1 or part.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be a vector of whole numbers; got dtype {part.dtype}, shape {part.shape}"
        )
    return part
