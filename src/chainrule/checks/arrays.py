"""All arrays that users give are checked and converted here, before anything changes.

What comes out is what the compiled core takes: C-contiguous, aligned, native byte order, the
network's dtype (labels: int32; inputs: one of `_core.INPUTS`), finite. Arrays that are so already
pass without a copy.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.frames import Frame, is_frame, is_series, series_numbers
from chainrule.checks.sparse_rows import SparseRows, as_sparse_rows, is_sparse
from chainrule.core import _core

MAX_SIZE = 2**31 - 1  # BLAS counts rows and columns in 32-bit integers
PIECE = 2**16  # numbers that are converted at a time, only to look at them

Inputs: TypeAlias = NDArray | SparseRows  # (m, n_1), as the core takes them


def as_numbers(name, array, hint="") -> NDArray:
    """Return `array` as an array of real numbers; `hint` is added if it holds none.

    Frames are taken too, and series (`chainrule.checks.frames`).
    """
    if not isinstance(array, np.ndarray):
        if is_frame(array):
            return Frame(name, array).numbers()
        if is_series(array):
            array = series_numbers(name, array)
    if np.ma.is_masked(array):
        raise TypeError(f"{name} has masked entries, whose mask would be lost; fill them first")
    try:
        given = np.asarray(array)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from None
    if given.dtype.kind not in "fiub":
        if hasattr(array, "toarray"):
            hint = "; a sparse matrix? use .toarray()"
        raise TypeError(f"{name} must hold real numbers; got dtype {given.dtype}{hint}")
    return given


def entry(name, where):
    """Return how an entry of an array is written, or the name of a single number."""
    return f"{name}[{', '.join(map(str, where))}]" if len(where) else name


def as_binary(name, array) -> NDArray:
    """Return `array` as numbers (or booleans) that are all 0 or 1."""
    given = as_numbers(name, array)
    wrong = (given != 0) & (given != 1)
    if wrong.any():
        where = np.unravel_index(np.argmax(wrong), wrong.shape)
        raise ValueError(f"{name} must hold 0 and 1 alone; {entry(name, where)} is {given[where]}")
    return given


def as_real(name, array, dtype) -> NDArray:
    """Return `array` in C order and `dtype` (float32 or float64); finite values only."""
    given = as_numbers(name, array)
    with np.errstate(
        over="ignore"
    ):  # a number too large for dtype becomes infinite, and is refused below
        converted = np.require(given, dtype, ["C", "A"])
    if not _core.all_finite(converted.reshape(-1)):
        raise _not_finite(name, given, np.argmin(np.isfinite(converted)), dtype, array)
    return converted


def _not_finite(name, given, place, dtype, array):
    """Return the error of entry number `place` of `given`, made of `array`."""
    where = np.unravel_index(place, given.shape)
    called = Frame(name, array).entry(where) if is_frame(array) else entry(name, where)
    return ValueError(
        f"{name} must be finite; {called} is {given[where]}"
        + ("" if not np.isfinite(given[where]) else f", too large for {dtype}")
    )


def as_stored(name, array, dtype) -> NDArray:
    """Return `array` in C order, finite in `dtype`, as numbers that the core takes for inputs.

    In its own dtype if that is one of them, for the core converts row by row; else in `dtype`.
    """
    given = as_numbers(name, array)
    if given.dtype.name not in _core.INPUTS:
        return as_real(name, given, dtype)
    stored = np.require(given, given.dtype.newbyteorder("="), ["C", "A"])
    if stored.dtype.kind == "f":
        _check_finite(name, stored, dtype, array)
    return stored


def _check_finite(name, stored, dtype, array):
    """Raise if a float of `stored`, made of `array`, is not finite in `dtype`.

    No copy is made but of pieces.
    """
    numbers, narrower = stored.reshape(-1), stored.dtype.itemsize > np.dtype(dtype).itemsize
    step = PIECE if narrower else max(1, numbers.size)
    for start in range(0, numbers.size, step):
        piece = numbers[start : start + step]
        with np.errstate(over="ignore"):  # becomes infinite
            piece = piece.astype(dtype) if narrower else piece
        if not _core.all_finite(piece):
            raise _not_finite(name, stored, start + np.argmin(np.isfinite(piece)), dtype, array)


def as_inputs(X, width, dtype, name="X", names=None, written="list(net.input_names)") -> Inputs:
    """Return inputs as (m, width), m >= 1, for a network of that dtype; see `as_stored`.

    If X is a frame, `names` are those that its columns must have, and `written` how users write
    them.
    """
    if is_frame(X):
        Frame(name, X).check_names(names, written)
    if is_sparse(X):
        X = as_sparse_rows(name, X)
        X.data = as_stored(f"{name}.data", X.data, dtype)
    else:
        X = as_stored(name, X, dtype)
    if len(X.shape) != 2 or X.shape[1] != width:
        hint = " (for a single sample, use x[None, :])" if X.shape == (width,) else ""
        raise ValueError(f"{name} must be (samples, {width}); got shape {X.shape}{hint}")
    if X.shape[0] == 0:
        raise ValueError(f"{name} must have at least one sample; got shape {X.shape}")
    if X.shape[0] > MAX_SIZE:
        raise ValueError(f"{name} must have fewer than 2**31 samples; got {X.shape[0]}")
    return X


def first_activations(plan, X, dtype) -> NDArray:
    """Return a^1 in the network's dtype: the inputs X of `as_inputs` as the network reads them."""
    if isinstance(X, np.ndarray) and X.dtype == dtype and not plan.scales_inputs:
        return X
    a = np.empty(X.shape, dtype)
    _core.first_activations(plan, X, a)
    return a


def check_out(out, shape, dtype, inputs) -> NDArray:
    """Return `out` if results of that shape and dtype can be written there from `inputs`."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array; got {type(out).__name__}")
    flags = out.flags
    if out.shape != shape or out.dtype != dtype or not (flags.carray and out.dtype.isnative):
        raise ValueError(
            f"out must be a writable {dtype} array of shape {shape} in C order; got {out.dtype} of "
            f"shape {out.shape}{'' if flags.writeable else ', read-only'}"
            f"{'' if flags.c_contiguous else ', not in C order'}"
        )
    numbers = inputs if isinstance(inputs, np.ndarray) else inputs.data
    if np.may_share_memory(out, numbers):
        raise ValueError("out must not overlap X; give an array of its own")
    return out


def aligned_empty(n, dtype) -> NDArray:
    """Return an uninitialised (n,) array on a 64-byte boundary: one cache line, one register."""
    dtype = np.dtype(dtype)
    block = np.empty(n * dtype.itemsize + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + n * dtype.itemsize].view(dtype)
