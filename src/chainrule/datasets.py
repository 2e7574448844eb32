"""Data sets for the examples: MNIST from its original files, and scikit-learn's 8x8 digits.

Every file is data only: IDX files are checked against their own header, and the pickle of the book
is read by an unpickler that can build numeric arrays and nothing else.
"""

import gzip
import io
import math
import pickle
import re
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_digits8x8", "load_idx", "load_mnist"]

Pair = tuple[NDArray[np.float32], NDArray[np.int64]]  # images, labels

VALIDATION = 10_000  # the last so many of the training file, as the book splits it
IDX_STEMS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def load_mnist(path: str | PathLike[str]) -> tuple[Pair, Pair, Pair]:
    """Load MNIST, or any set in the same files, split as in the book.

    Parameters
    ----------
    path : path-like
        A folder with the four IDX files, gzipped or not, or the book's ``mnist.pkl.gz`` (or a
        folder with it). The pickle is read without running anything it contains.

    Returns
    -------
    train, validation, test : tuples (images, labels)
        images float32 (m, pixels), grey levels / 256, so in [0, 1); labels int64 (m,).
        The last 10,000 of the training file are the validation set.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from chainrule.datasets import load_mnist
    >>> def write(path, array):  # an IDX file of unsigned bytes
    ...     head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    ...     written = path.write_bytes(head + array.tobytes())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part, m in ("train", 10_005), ("t10k", 10):  # images of 2x2 pixels
    ...         images, labels = np.ones((m, 2, 2), np.uint8), np.zeros(m, np.uint8)
    ...         write(Path(folder, f"{part}-images-idx3-ubyte"), images)
    ...         write(Path(folder, f"{part}-labels-idx1-ubyte"), labels)
    ...     train, validation, test = load_mnist(folder)
    >>> [images.shape for images, labels in (train, validation, test)]
    [(5, 4), (10000, 4), (10, 4)]
    """
    path = Path(path)
    if path.is_dir() and (path / "mnist.pkl.gz").is_file() and not _idx_file(path, "train", 0):
        path = path / "mnist.pkl.gz"
    if path.is_file():
        return _load_pickle(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no MNIST at '{path}': expected {_expected()}")
    images, labels = _load_pair(path, "train")
    if len(images) <= VALIDATION:
        raise ValueError(
            f"'{path}' has {len(images)} training images, but the last {VALIDATION} of them are "
            f"the validation set: expected more"
        )
    split = len(images) - VALIDATION
    train, validation = (images[:split], labels[:split]), (images[split:], labels[split:])
    return train, validation, _load_pair(path, "test")


def load_digits8x8() -> Pair:
    """Load the 1,797 handwritten digits of 8x8 grey levels that scikit-learn brings along.

    Returns
    -------
    images, labels : float32 (1797, 64) in [0, 1], int64 (1797,)

    Examples
    --------
    >>> from chainrule.datasets import load_digits8x8
    >>> images, labels = load_digits8x8()
    >>> images.shape, labels[:10].tolist()
    ((1797, 64), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "the 8x8 digits come with scikit-learn: pip install chainrule[demo]"
        ) from error
    images, labels = map(np.asarray, load_digits(return_X_y=True))  # their types allow frames
    return (images / 16).astype(np.float32), labels.astype(np.int64)


def load_idx(path: str | PathLike[str]) -> NDArray[np.uint8]:
    r"""Load an IDX file of unsigned bytes, gzipped or not.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    array : uint8, of the shape the file declares

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> from chainrule.datasets import load_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "two-by-three-ubyte")
    ...     with open(path, "wb") as file:
    ...         size = file.write(b"\0\0\x08\2" + b"\0\0\0\2" + b"\0\0\0\3" + bytes(range(6)))
    ...     load_idx(path)
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8)
    """
    try:
        with _open(path) as file:
            head = file.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08" or head[3] == 0:
                raise ValueError(
                    f"'{path}' is not an IDX file of unsigned bytes: expected it to begin with "
                    f"00 00 08 and the number of dimensions, got {head.hex(' ') or 'nothing'}"
                )
            sizes = file.read(4 * head[3])
            if len(sizes) < 4 * head[3]:
                raise ValueError(f"'{path}' is truncated: it ends inside its header")
            shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
            data = file.read(math.prod(shape) + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"'{path}' is truncated or damaged: {error}") from error
    if len(data) != math.prod(shape):
        found = "more" if len(data) > math.prod(shape) else f"{len(data)}: it is truncated"
        raise ValueError(
            f"'{path}' declares the shape {shape}, so {math.prod(shape)} bytes; it has {found}"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


# ---------------------------------------------------------------- MNIST as IDX files


def _load_pair(folder: Path, part: str) -> Pair:
    """Images and labels of "train" or "test"."""
    of_images, of_labels = (_idx_file(folder, part, i) for i in (0, 1))
    if of_images is None or of_labels is None:
        missing = IDX_STEMS[part][0 if of_images is None else 1]
        raise FileNotFoundError(f"no {missing} in '{folder}': expected {_expected()}")
    images, labels = load_idx(of_images), load_idx(of_labels)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise ValueError(
            f"'{folder}': expected images (m, rows, columns) and labels (m,) of the same m, "
            f"got {images.shape} and {labels.shape}"
        )
    pixels = images.reshape(len(images), math.prod(images.shape[1:]))
    return pixels.astype(np.float32) / np.float32(256), labels.astype(np.int64)


def _idx_file(folder: Path, part: str, i: int) -> Path | None:
    """Return the path of IDX_STEMS[part][i] in the folder, gzipped or not, or None."""
    stem = IDX_STEMS[part][i]
    return next((p for p in (folder / f"{stem}.gz", folder / stem) if p.is_file()), None)


def _expected() -> str:
    return "a folder with the four IDX files (train-images-idx3-ubyte.gz ...) or mnist.pkl.gz"


def _open(path: str | PathLike[str]) -> gzip.GzipFile | io.BufferedReader:
    """Open a file for reading bytes, through gzip if that is what it begins with."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else open(path, "rb")


# ---------------------------------------------------------------- MNIST as the book's pickle
# What it holds is Any until it has been looked at.


def _load_pickle(path: Path) -> tuple[Pair, Pair, Pair]:
    """Return the three (images, labels) of mnist.pkl.gz."""
    try:
        with _open(path) as file:
            sets = _ArrayUnpickler(file, encoding="bytes").load()
        pairs = [tuple(part.array for part in pair) for pair in sets]
        if [len(pair) for pair in pairs] != [2, 2, 2]:
            raise TypeError("it does not hold three pairs of arrays")
    except (MemoryError, RecursionError):  # no fault of the file's
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise ValueError(
            f"'{path}' was refused: expected a pickle of three pairs (images, labels) of numeric "
            f"NumPy arrays, and nothing else; {error}"
        ) from error
    for images, labels in pairs:
        good = images.ndim == 2 and images.dtype.kind == "f" and labels.dtype.kind in "iu"
        if not good or labels.shape != images.shape[:1]:
            raise ValueError(
                f"'{path}': expected float images (m, pixels) and integer labels (m,), got "
                f"{images.dtype} {images.shape} and {labels.dtype} {labels.shape}"
            )
    train, validation, test = ((x.astype(np.float32), y.astype(np.int64)) for x, y in pairs)
    return train, validation, test


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the few names that pickled arrays use, and stands in for each of them.

    NumPy's own functions are not called: given a crafted dtype or state they are not safe.
    """

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core.", "numpy.core.")  # its name since NumPy 2
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


class _Function:
    """Something a pickle may call, and may not change: it takes no state."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setstate__(self, state: Any) -> NoReturn:
        raise pickle.UnpicklingError("it sets the state of a function")


class _Dtype:
    """Stands in for numpy.dtype: numbers only, so no object, structured or void dtype."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, *_flags: Any) -> None:
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not re.fullmatch("[<>=|]?(f[248]|[iu][1248])", code):
            raise pickle.UnpicklingError(f"it has an array of dtype {code!r}")
        self.dtype: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _version, order, *rest = state
        if any(part is not None for part in rest[:3]):
            raise pickle.UnpicklingError("it has a structured dtype")
        known: Any = order.decode("ascii") if isinstance(order, bytes) else order
        self.dtype = self.dtype.newbyteorder(known)


class _Array:
    """Stands in for numpy.ndarray."""

    __slots__ = ("array",)

    array: NDArray[Any]

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, fortran, data = state
        self.array = _array(data, dtype, shape, "F" if fortran else "C")


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    """Return the array over these bytes, which must be as many as the shape needs."""
    if not (isinstance(data, bytes | bytearray) and isinstance(dtype, _Dtype)):
        raise pickle.UnpicklingError("it has an array whose data is not plain bytes")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.dtype.itemsize != len(data):
        raise pickle.UnpicklingError(f"it has an array {shape} with {len(data)} bytes of data")
    return np.frombuffer(data, dtype.dtype).reshape(shape, order=order)


def _reconstruct(kind: Any, _shape: Any, _code: Any) -> _Array:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("it rebuilds something other than numpy.ndarray")
    return _Array()


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.array = _array(data, dtype, shape, order)
    return array


def _encode(text: Any, encoding: Any) -> Any:
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"it has bytes encoded as {encoding!r}")
    return text.encode("latin1")


_NDARRAY = object()
_STAND_INS = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Function(_Dtype),
    ("numpy.core.multiarray", "_reconstruct"): _Function(_reconstruct),
    ("numpy.core.numeric", "_frombuffer"): _Function(_frombuffer),
    ("_codecs", "encode"): _Function(_encode),  # bytes, as Python 3 writes them for Python 2
}
