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
    """
    training, validation, test = load_data(path)
    training_data = [(_column(x), vectorized_result(y)) for x, y in zip(*training, strict=True)]
    validation_data = [(_column(x), y) for x, y in zip(*validation, strict=True)]
    test_data = [(_column(x), y) for x, y in zip(*test, strict=True)]
    return training_data, validation_data, test_data


def vectorized_result(j):
    """Return the column (10, 1) that is 1.0 in place j and 0.0 elsewhere."""
    column = np.zeros((10, 1))
    column[j] = 1.0
    return column


def _column(image):
    return image.reshape(-1, 1)
