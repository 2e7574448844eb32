"""The book's ``mnist_loader``: MNIST as arrays, or as the lists of columns its networks take."""

import os
from pathlib import Path

import numpy as np

from chainrule.datasets import load_mnist

__all__ = ["load_data", "load_data_wrapper", "vectorized_result"]


def load_data(path=None):
    """Load MNIST as arrays.

    Parameters
    ----------
    path : path-like, optional
        The book's ``mnist.pkl.gz``, a folder with the IDX files, or the one above, if they are in
        its ``mnist``. By default the environment variable CHAINRULE_DATA names it; where that is
        not set, it is ``../data/mnist.pkl.gz`` as in the book.

    Returns
    -------
    training_data, validation_data, test_data : tuples (images, digits)
        images float32 (m, 784), digits int64 (m,); m is 50,000, 10,000 and 10,000.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from chainrule.book import mnist_loader
    >>> def write(path, array):  # an IDX file of unsigned bytes
    ...     head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    ...     written = path.write_bytes(head + array.tobytes())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part, m in ("train", 10_005), ("t10k", 10):  # images of 2x2 pixels
    ...         images, labels = np.ones((m, 2, 2), np.uint8), np.zeros(m, np.uint8)
    ...         write(Path(folder, f"{part}-images-idx3-ubyte"), images)
    ...         write(Path(folder, f"{part}-labels-idx1-ubyte"), labels)
    ...     training_data, validation_data, test_data = mnist_loader.load_data(folder)
    >>> training_data[0].shape, training_data[1].shape
    ((5, 4), (5,))
    """
    if path is None:
        path = os.environ.get("CHAINRULE_DATA") or "../data/mnist.pkl.gz"
    path = Path(path)
    if (path / "mnist").is_dir():
        path /= "mnist"
    if not path.exists():
        raise FileNotFoundError(
            f"no MNIST at '{path}': name a folder with the IDX files, or the book's mnist.pkl.gz, "
            f"as the path (on a command line by --data), or in the environment variable "
            f"CHAINRULE_DATA"
        )
    return load_mnist(path)


def load_data_wrapper(path=None):
    """Load MNIST as the lists that the book's networks take.

    Parameters
    ----------
    path : path-like, optional
        As for `load_data`.

    Returns
    -------
    training_data : list of pairs (x, y) of columns (784, 1) and (10, 1)
    validation_data, test_data : lists of pairs of a column x (784, 1) and a digit y

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from chainrule.book import mnist_loader
    >>> def write(path, array):  # an IDX file of unsigned bytes
    ...     head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    ...     written = path.write_bytes(head + array.tobytes())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part, m in ("train", 10_005), ("t10k", 10):  # images of 2x2 pixels
    ...         images, labels = np.ones((m, 2, 2), np.uint8), np.zeros(m, np.uint8)
    ...         write(Path(folder, f"{part}-images-idx3-ubyte"), images)
    ...         write(Path(folder, f"{part}-labels-idx1-ubyte"), labels)
    ...     training_data, validation_data, test_data = mnist_loader.load_data_wrapper(folder)
    >>> x, y = training_data[0]
    >>> len(training_data), x.shape, y.shape
    (5, (4, 1), (10, 1))
    """
    training, validation, test = load_data(path)
    training_data = [(_column(x), vectorized_result(y)) for x, y in zip(*training, strict=True)]
    validation_data = [(_column(x), y) for x, y in zip(*validation, strict=True)]
    test_data = [(_column(x), y) for x, y in zip(*test, strict=True)]
    return training_data, validation_data, test_data


def vectorized_result(j):
    """Return the column (10, 1) that is 1.0 in place j and 0.0 elsewhere.

    Examples
    --------
    >>> from chainrule.book.mnist_loader import vectorized_result
    >>> vectorized_result(3).ravel()
    array([0., 0., 0., 1., 0., 0., 0., 0., 0., 0.])
    """
    column = np.zeros((10, 1))
    column[j] = 1.0
    return column


def _column(image):
    return image.reshape(-1, 1)
