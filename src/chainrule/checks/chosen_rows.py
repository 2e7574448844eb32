"""Some rows of what users give, chosen before it is looked at any further: `fit(rows=)`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers
from chainrule.checks.frames import ReadFrame, is_frame, is_series
from chainrule.checks.picked_rows import pick
from chainrule.checks.sparse_rows import is_sparse


def choose(rows, X, y, sample_weight, output_weight) -> tuple[Any, Any, Any, Any]:
    """Return the rows alone of X, y and the weights, as `fit` takes them; no closer look is taken.

    Raises
    ------
    ValueError, TypeError
        For what are no rows of X, and where y or the weights have not as many as X.
    """
    X, rows, m = choose_inputs(rows, X)
    if rows is None:
        return X, y, sample_weight, output_weight
    if output_weight is not None and np.ndim(output_weight) > 1:  # else it is of all rows alike
        output_weight = taken("output_weight", output_weight, rows, m)
    if sample_weight is not None:
        sample_weight = taken("sample_weight", sample_weight, rows, m)
    return X, taken("y", y, rows, m), sample_weight, output_weight


def choose_inputs(rows, X) -> tuple[Any, NDArray[np.int32] | None, int]:
    """Return the rows alone of X, without a copy where there is a way; the rows, and of how many.

    Where X has no rows, they are None: it is told where X is looked at.
    """
    table = X if is_frame(X) or is_sparse(X) else as_numbers("X", X)
    if not hasattr(table, "shape"):
        raise TypeError(f"rows cannot be chosen of a {type(X).__name__}; give its rows as X")
    if not table.shape:
        return X, None, 0
    m = table.shape[0]
    rows = as_rows(rows, m)
    is_read = not is_frame(table) or isinstance(table, ReadFrame)
    picked = pick(table, rows) if is_read and len(table.shape) == 2 else None
    return taken("X", table, rows, m) if picked is None else picked, rows, m


def as_rows(rows, m: int) -> NDArray[np.int32]:
    """Return `fit`'s rows, numbers of rows or a mask (m,), as numbers from 0 to m - 1.

    Raises
    ------
    ValueError, TypeError
        For what is neither, and for none at all.
    """
    given = as_numbers("rows", rows)
    if given.dtype.kind == "b" and given.shape == (m,):
        given = np.flatnonzero(given)
    if given.size == 0:
        raise ValueError("rows must be one or more rows of X; got none")
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(
            f"rows must be whole numbers from 0 to {m - 1}, in a vector, or a mask ({m},) of True "
            f"and False; got dtype {given.dtype}, shape {given.shape}"
        )
    wrong = (given < 0) | (given >= m)
    if wrong.any():
        where = int(np.argmax(wrong))
        raise ValueError(f"rows must be from 0 to {m - 1}; rows[{where}] is {given[where]}")
    return given.astype(np.int32)


def taken(name, given, rows, m):
    """Return some rows of an array, a list, a frame or a series, as one of the same kind."""
    n = len(given) if hasattr(given, "__len__") else m  # what has none is told later
    if n != m:
        raise ValueError(f"{name} must have {m} rows as X has, also those left out; got {n}")
    if isinstance(given, list | tuple):
        return [given[row] for row in rows]
    if is_frame(given) or is_series(given):
        if hasattr(given, "iloc"):  # as pandas'
            return given.iloc[rows]
        if hasattr(type(given), "take"):  # as pyarrow's
            return given.take(rows)
        return given[rows]
    array = np.asanyarray(given)
    return array[rows] if array.ndim else given
