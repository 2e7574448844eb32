"""All arrays that users give are checked and converted here, before anything changes.

What comes out is what the compiled core takes: C-contiguous, aligned, native byte order, the
network's dtype (labels: int32; inputs: one of `_core.INPUTS`), finite (inputs: as the network reads
them). Arrays that are so already pass without a copy.
"""

import math
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.frames import AS_IT_IS, Frame, ReadFrame, is_frame, is_series, series_numbers
from chainrule.checks.picked_rows import RowsOf
from chainrule.checks.sparse_rows import SparseRows, as_sparse_rows, is_sparse
from chainrule.core import _core

MAX_SIZE = 2**31 - 1  # BLAS counts rows and columns in 32-bit integers
PIECE = 2**16  # numbers that are converted at a time, only to look at them

Inputs: TypeAlias = NDArray | SparseRows | RowsOf  # (m, n_1), as the core takes them


class Scaling(Protocol):
    """What a network does to inputs before it reads them (`model/scaling.py`)."""

    @property
    def is_open(self) -> bool:
        """Whether the first `fit` has yet to set it."""
        ...

    def check_set(self) -> None:
        """Raise if it is open."""

    def __bool__(self) -> bool:
        """Whether it does anything."""

    def limit(self, dtype) -> float:
        """Return a number: where |x| is below it, what is read of x is finite in `dtype`."""

    def apply(self, x, columns, dtype) -> NDArray:
        """Return what is read of numbers x in these columns."""


def as_numbers(name, array, hint="", *, missing=False) -> NDArray:
    """Return `array` as an array of real numbers; `hint` is added if it holds none.

    Frames are taken too, and series (`chainrule.checks.frames`): of these what is missing becomes
    NaN if `missing` allows it.
    """
    if type(array) is np.ndarray and array.dtype.kind in "fiub":
        return array
    if not isinstance(array, np.ndarray):
        if is_frame(array):
            return Frame(name, array).numbers(missing=missing)
        if is_series(array):
            array = series_numbers(name, array, missing=missing)
    if np.ma.is_masked(array):
        raise TypeError(f"{name} has masked entries, whose mask would be lost; fill them first")
    try:
        given = np.asarray(array)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from None
    if given.dtype.kind not in "fiub":
        if hasattr(array, "toarray"):
            hint = "; a sparse matrix? use .toarray()"
        elif isinstance(array, dict) or (isinstance(array, list) and _are_dicts(array)):
            hint = "; rows by the names of columns? make them a frame, pandas.DataFrame([row])"
        elif name.endswith("X") and given.ndim == 2 and any(map(_is_text, given[:1].flat)):
            hint = f"; one-hot encode text, or {AS_IT_IS}"
        raise TypeError(f"{name} must hold real numbers; got dtype {given.dtype}{hint}")
    return given


def _is_text(value):
    return isinstance(value, str)


def _are_dicts(rows):
    return len(rows) > 0 and isinstance(rows[0], dict)


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


def as_real(name, array, dtype, of=None) -> NDArray:
    """Return `array` in C order and `dtype` (float32 or float64); finite values only.

    `of` is what the user gave, for messages, if that is not `array`.
    """
    if _core.is_ready(array, dtype, math.inf):
        return array
    given = as_numbers(name, array)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused below
        converted = np.require(given, dtype, ["C", "A"])
    if not _core.all_finite(converted.reshape(-1)):
        place = np.argmin(np.isfinite(converted))
        raise _not_finite(name, given, place, dtype, array if of is None else of)
    return converted


def _not_finite(name, given, place, dtype, of, scaled=False):
    """Return the error of entry number `place` of `given`, made of what the user gave, `of`."""
    where = np.unravel_index(place, given.shape)
    called = Frame(name, of).entry(where) if is_frame(of) else entry(name, where)
    too_large = f", too large for {np.dtype(dtype)}{' once it is scaled' if scaled else ''}"
    return ValueError(
        f"{name} must be finite; {called} is {given[where]}"
        + ("" if not np.isfinite(given[where]) else too_large)
    )


def as_stored(name, array, dtype, scaling=None, columns=None, of=None) -> NDArray:
    """Return `array` in C order, as numbers that the core takes for inputs.

    In its own dtype if that is one of them, for the core converts row by row; else in `dtype`, or
    in float64 where numbers that float32 does not hold are to be scaled. What the network reads of
    each, by its `Scaling` or as it is, is finite in `dtype`.

    The last axis is that of the inputs, unless `columns` says for each number which it is. `of` is
    what the user gave, for messages, if that is not `array`.
    """
    limit = scaling.limit(dtype) if scaling else math.inf
    if _core.is_ready(array, dtype, limit):
        return array
    given, of = as_numbers(name, array), array if of is None else of
    if given.dtype.name in _core.INPUTS:
        stored = np.require(given, given.dtype.newbyteorder("="), ["C", "A"])
    elif not scaling:
        return as_real(name, given, dtype, of)
    else:
        exact = np.can_cast(given.dtype, np.float32)
        stored = as_real(name, given, dtype if exact else np.float64, of)
    if (scaling or stored.dtype.kind == "f") and not _all_below(stored, dtype, scaling):
        _check_pieces(name, given, stored, dtype, scaling, columns, of)
    return stored


def _all_below(stored, dtype, scaling):
    """Whether every |x| is so small that what is read of it is finite: enough, not necessary."""
    if scaling:
        limit = scaling.limit(dtype)
    else:
        narrower = stored.dtype.itemsize > np.dtype(dtype).itemsize
        limit = float(np.finfo(dtype).max) if narrower else math.inf
    if limit == math.inf:
        return stored.dtype.kind != "f" or _core.all_finite(stored.reshape(-1))
    if stored.dtype.kind == "f":
        return _core.all_below(stored.reshape(-1), limit)
    if stored.size == 0 or 2 ** (8 * stored.itemsize) < limit:  # all that the dtype holds
        return True
    return max(-int(stored.min()), int(stored.max())) < limit


def _check_pieces(name, given, stored, dtype, scaling, columns, of):
    """Raise if what is read of an entry is not finite; no copy is made but of pieces.

    `of` is what the user gave, `given` its numbers, `stored` the same as the core takes them.
    """
    width = stored.shape[-1] if columns is None else 1
    rows = stored.reshape(-1, width) if columns is None else stored
    step = max(1, PIECE // width)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        read = _read(rows[some], slice(None) if columns is None else columns[some], dtype, scaling)
        if not _core.all_finite(read.reshape(-1)):
            place = start * width + np.argmin(np.isfinite(read))
            raise _not_finite(name, given, place, dtype, of, bool(scaling))


def _read(numbers, columns, dtype, scaling):
    """Return what is read of numbers in these columns; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if scaling:
            return scaling.apply(numbers, columns, dtype)
        return numbers.astype(dtype, copy=False)


def as_inputs(
    X,
    width,
    dtype,
    name="X",
    *,
    scaling: Scaling | None = None,
    names=None,
    written="list(net.input_names)",
) -> Inputs:
    """Return inputs as (m, width), m >= 1, for a network of that dtype; see `as_stored`.

    If X is a frame, `names` are those that its columns must have, and `written` how users write
    them.
    """
    if not isinstance(X, np.ndarray):
        if isinstance(X, RowsOf):
            return _as_picked(name, X, width, dtype, scaling, names, written)
        if is_frame(X):
            Frame(name, X).check_names(names, written)
        if is_sparse(X):
            X = as_sparse_rows(name, X)
            _check_shape(name, X.shape, width)
            X.data = as_stored(f"{name}.data", X.data, dtype, scaling, X.indices)
            return X
    numbers = as_numbers(name, X)
    _check_shape(name, numbers.shape, width)
    return as_stored(name, numbers, dtype, scaling, of=X)


def as_asked(X, width, dtype, *, scaling: Scaling, names) -> tuple[Inputs, bool]:
    """Return inputs that a network is asked about, and whether it is a single sample (width,)."""
    if is_frame(X) or is_sparse(X) or isinstance(X, RowsOf):
        return as_inputs(X, width, dtype, scaling=scaling, names=names), False
    given = as_numbers("X", X)
    single = given.ndim == 1
    if single and given.shape != (width,):
        raise ValueError(f"X must be (samples, {width}), or ({width},); got shape {given.shape}")
    if single:
        given = as_stored("X", given, dtype, scaling)[None, :]
    return as_inputs(given, width, dtype, scaling=scaling), single


def _as_picked(name, X, width, dtype, scaling, names, written):
    """Return rows of inputs, they alone looked at; no copy where the core takes the inputs."""
    of = as_sparse_rows(name, X.of) if is_sparse(X.of) else X.of
    frame = of if isinstance(of, ReadFrame) else None
    if frame is not None:
        Frame(name, frame).check_names(names, written)
        of = frame.numbers
    _check_shape(name, of.shape, width)
    numbers = of.data if isinstance(of, SparseRows) else of
    as_it_is = numbers.flags.c_contiguous and numbers.flags.aligned and numbers.dtype.isnative
    if not as_it_is or numbers.dtype.name not in _core.INPUTS:
        return as_inputs(of[X.rows], width, dtype, name, scaling=scaling)
    picked, step = RowsOf(of, X.rows), max(1, PIECE // width)
    if scaling or numbers.dtype.kind == "f":
        for start in range(0, len(picked), step):
            piece = picked[start : start + step]
            if not _all_below(
                piece.data if isinstance(piece, SparseRows) else piece, dtype, scaling
            ):
                if frame is not None:
                    return as_inputs(frame[X.rows], width, dtype, name, scaling=scaling)
                for row in X.rows[start : start + step]:
                    as_inputs(of[row : row + 1], width, dtype, f"{name}[{row}:]", scaling=scaling)
    return picked


def _check_shape(name, shape, width):
    """Raise for what is not (m, width), m >= 1."""
    if len(shape) != 2 or shape[1] != width:
        hint = " (for a single sample, use x[None, :])" if shape == (width,) else ""
        if len(shape) == 2:
            hint = f": {name} has {shape[1]} columns, for Network([{shape[1]}, ...])"
        raise ValueError(f"{name} must be (samples, {width}); got shape {shape}{hint}")
    if shape[0] == 0:
        raise ValueError(f"{name} must have at least one sample; got shape {shape}")
    if shape[0] > MAX_SIZE:
        raise ValueError(f"{name} must have fewer than 2**31 samples; got {shape[0]}")


def first_activations(plan, X, dtype) -> NDArray:
    """Return a^1 in the network's dtype: the inputs X of `as_inputs` as the network reads them."""
    if isinstance(X, np.ndarray) and X.dtype == dtype and not plan.scales_inputs:
        return X
    a = np.empty(X.shape, dtype)
    _core.first_activations(plan, X, a)
    return a


def check_out(out, shape, dtype, inputs, parameters) -> NDArray:
    """Return `out` if results of that shape and dtype, of `inputs`, can be written there."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array; got {type(out).__name__}")
    flags = out.flags
    if out.shape != shape or out.dtype != dtype or not (flags.carray and out.dtype.isnative):
        raise ValueError(
            f"out must be a writable {dtype} array of shape {shape} in C order; got {out.dtype} of "
            f"shape {out.shape}{'' if flags.writeable else ', read-only'}"
            f"{'' if flags.c_contiguous else ', not in C order'}"
        )
    of = inputs.of if isinstance(inputs, RowsOf) else inputs
    numbers = of if isinstance(of, np.ndarray) else of.data
    if np.may_share_memory(out, numbers):
        raise ValueError("out must not overlap X; give an array of its own")
    if np.may_share_memory(out, parameters):
        raise ValueError("out must not overlap the network's parameters; give an array of its own")
    return out


def aligned_empty(n, dtype) -> NDArray:
    """Return an uninitialised (n,) array on a 64-byte boundary: one cache line, one register."""
    dtype = np.dtype(dtype)
    block = np.empty(n * dtype.itemsize + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + n * dtype.itemsize].view(dtype)
