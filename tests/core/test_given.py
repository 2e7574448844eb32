"""What users give, looked at in one call: let through only where a closer look lets it through."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.core import _core

DTYPES = ["float32", "float64"]
LARGEST = {name: float(np.finfo(name).max) for name in DTYPES}


def read_only(x):
    x.setflags(write=False)
    return x


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_ready(dtype):
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(dtype)
    largest = np.full(3, -LARGEST[dtype], dtype)
    for given in (x, x[0], x[:, None], x[2:4], x[:0], np.array(1, dtype), read_only(x), largest):
        assert _core.is_ready(given, np.dtype(dtype), np.inf)
        assert _core.is_ready(given, dtype, np.inf)
        assert _core.is_ready(given, np.dtype(dtype).newbyteorder("="), np.inf)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not(dtype):
    x, other = np.ones((6, 4), dtype), {"float32": "float64", "float64": "float32"}[dtype]
    not_aligned = np.frombuffer(b"." + x.tobytes(), dtype, offset=1)
    for given in (
        x.T, x[:, ::2], x.astype(other), x.astype(dtype).astype(np.dtype(dtype).newbyteorder()),
        x.astype(int), x.astype(object), x.astype(complex), np.ma.array(x), x.view(np.recarray),
        x.tolist(), 1.0, None, not_aligned,
    ):  # fmt: skip
        assert not _core.is_ready(given, dtype, np.inf)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 16, 33, 100])
def test_every_number_counts(dtype, n):
    for i in range(n):
        for value in (np.nan, np.inf, -np.inf, 3.0, -4.0):
            x = np.ones(n, dtype)
            x[i] = value
            assert _core.is_ready(x, dtype, np.inf) == np.isfinite(value)
            assert not _core.is_ready(x, dtype, 3.0)
            assert _core.is_ready(x, dtype, 4.5) == (abs(value) < 4.5)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_labels_are_copied_where_all_are_of_outputs(dtype):
    y = np.random.default_rng(0).integers(0, 10, 100).astype(dtype)
    y[:2] = 0, 9
    labels = _core.labels_of(read_only(y), 10)
    assert labels.dtype == np.int32
    assert labels.tolist() == y.tolist()
    assert not np.shares_memory(labels, y)
    assert _core.labels_of(y, 9) is None
    wrong = [-1, 10, 2**31, 2**32, -(2**32), 2**62] if dtype == "int64" else [10]
    for i in (0, 50, 99):
        for value in wrong:
            other = y.copy()
            other[i] = value
            assert _core.labels_of(other, 10) is None


def test_what_are_no_plain_labels():
    y = np.arange(6)
    for given in (
        y[::2], y[:0], y[:, None], y.astype(float), y.astype("u8"), y.astype(">i8"), y > 2,
        y.tolist(), None, y.astype(str), y.astype("m8[s]"), np.int64(3),
    ):  # fmt: skip
        assert _core.labels_of(given, 10) is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("low", [0, -1])
def test_rows_with_a_single_1(dtype, low):
    rng = np.random.default_rng(0)
    for shape in ((40, 1), (40, 3)):
        Y = np.where(rng.random(shape) < 0.4, 1, low).astype(dtype)
        expected = int(((Y == 1).sum(axis=1) == 1).sum())
        assert 0 < expected < 40
        assert _core.rows_of_one(Y, low) == expected
        for i in (0, 39):
            for value in (0.5, np.nan, 2.0, -1 - low):
                other = Y.copy()
                other[i, -1] = value
                assert _core.rows_of_one(other, low) == -1


def test_a_gradient_s_layers_are_views_into_it():
    net = cr.Network([3, 4, 2], seed=0)
    nabla = net.backprop(np.ones((5, 3)), np.ones((5, 2)))
    for arrays, of_net in ((nabla.weights, net.weights), (nabla.biases, net.biases)):
        assert [each.shape for each in arrays] == [each.shape for each in of_net]
        assert all(np.shares_memory(each, nabla.parameters) for each in arrays)
    assert nabla.weights is nabla.weights
    nabla.biases[-1][:] = 7
    assert nabla.parameters[-2:].tolist() == [7, 7]
