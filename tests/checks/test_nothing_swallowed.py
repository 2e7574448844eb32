"""A shortage of memory, or of stack, is told as that, not as a fault of what was given."""

import gzip
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import datasets

ERRORS = [MemoryError, RecursionError]


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", ERRORS)
def test_while_the_book_s_pickle_is_read(error, tmp_path, monkeypatch):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(())))
    monkeypatch.setattr(datasets._ArrayUnpickler, "load", failing(error))
    with pytest.raises(error):
        datasets.load_mnist(path)


@pytest.mark.parametrize("error", ERRORS)
def test_while_a_column_becomes_an_array(error):
    class Column:
        __array__ = failing(error)

    class Frame:
        columns = ("a",)

        def __getitem__(self, name):
            return Column()

        def __len__(self):
            return 3

    with pytest.raises(error):
        cr.Network([1, 1])(Frame())


def test_while_options_of_full_batch_training_are_looked_at(monkeypatch):
    net = cr.Network([2, 1], output="identity", seed=0)
    x, options = np.ones((4, 2)), {"optimizer": cr.LBFGS(), "l1": 0.0, "dropout": [0.0]}
    monkeypatch.setattr(np, "zeros", failing(MemoryError))
    with pytest.raises(MemoryError):
        net.fit(x, np.ones(4), **options)
