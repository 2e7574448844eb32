"""One sample forward: the quick way and the checked way give the same, and refuse the same."""

import pickle
import threading

import numpy as np
import pytest

import chainrule as cr
import oracle

DTYPES = ["float32", "float64"]


def network(dtype="float32", **options):
    options = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"} | options
    return cr.Network([5, 7, 3], dtype=dtype, seed=0, **options)


def sample(dtype="float32"):
    return np.random.default_rng(1).normal(size=5).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_a_row_of_many(dtype, bias):
    net, x = network(dtype, bias=bias), sample(dtype)
    outputs = net.feedforward(x)
    assert outputs.shape == (3,)
    assert outputs.dtype == dtype
    assert outputs.tobytes() == net.feedforward(x[None])[0].tobytes() == net(x).tobytes()
    assert outputs.tobytes() == net.feedforward(x, threads=1).tobytes()
    expected = oracle.feedforward(oracle.copy_of(net), x[None].astype(float))[-1]
    expected = expected[-1] if isinstance(expected, list) else expected
    np.testing.assert_allclose(
        outputs, np.ravel(expected), rtol=1e-5 if dtype == "float32" else 1e-13
    )


def test_a_network_of_one_layer_and_of_a_user_s_activation():
    class Cube:
        def value(self, z):
            return z**3

        def slope(self, z, a):
            return 3 * z**2

    for net in (cr.Network([5, 3], seed=0), network(hidden=Cube())):
        assert net(sample()).tobytes() == net(sample()[None])[0].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_is_written_and_returned(dtype):
    net, x = network(dtype), sample(dtype)
    expected = net(x)
    out = np.full(3, np.nan, dtype)
    assert net.feedforward(x, out=out) is out
    np.testing.assert_array_equal(out, expected)
    many = np.full((600, 3), np.nan, dtype)
    X = np.tile(x, (600, 1))
    assert net.feedforward(X, out=many) is many
    np.testing.assert_array_equal(many, net(X))
    # what the quick way does not take
    out[:] = np.nan
    for given in (list(map(float, x)), x.astype(">f8"), np.repeat(x, 2)[::2]):
        assert net.feedforward(given, out=out) is out
        np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_each_call_has_a_result_of_its_own():
    net = network()
    first, second = net(sample()), net(-sample())
    assert not np.shares_memory(first, second)
    assert (first != second).any()


def test_it_sees_the_parameters_as_they_are():
    net, x = network(), sample()
    before = net(x)
    net.weights[0][:] *= 2
    assert (net(x) != before).any()
    assert net(x).tobytes() == net(x[None])[0].tobytes()
    twin = pickle.loads(pickle.dumps(net))
    assert twin(x).tobytes() == net(x).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(dtype, value):
    x = sample(dtype)
    x[3] = value
    with pytest.raises(ValueError, match=r"X must be finite; X\[0, 3\]|X must be finite; X\[3\]"):
        network(dtype).feedforward(x)


def test_what_does_not_fit_is_refused():
    net = network()
    for x in (
        np.zeros(4, "f4"),
        np.zeros(6, "f4"),
        np.zeros((0, 5), "f4"),
        np.zeros((1, 1, 5), "f4"),
    ):
        with pytest.raises(ValueError, match="X must"):
            net.feedforward(x)
    with pytest.raises(TypeError, match="masked entries"):
        net.feedforward(np.ma.masked_greater(sample(), 0))


def bad_outs():
    read_only = np.zeros(3, "f4")
    read_only.setflags(write=False)
    yield [0.0] * 3, TypeError, "out must be a NumPy array; got list"
    yield np.zeros(2, "f4"), ValueError, r"shape \(3,\) in C order; got float32 of shape \(2,\)"
    yield np.zeros(3), ValueError, "must be a writable float32 array .* got float64"
    yield np.zeros(6, "f4")[::2], ValueError, "not in C order"
    yield read_only, ValueError, "read-only"
    yield np.zeros(3, ">f4"), ValueError, "out must be"


@pytest.mark.parametrize(("out", "error", "message"), list(bad_outs()))
def test_a_bad_out_is_refused(out, error, message):
    before = np.array(out).copy()
    with pytest.raises(error, match=message):
        network().feedforward(sample(), out=out)
    np.testing.assert_array_equal(out, before)


def test_an_out_that_overlaps_the_input():
    net = cr.Network([4, 4], seed=0)
    X = np.random.default_rng(0).normal(size=(8, 4)).astype("f4")
    with pytest.raises(ValueError, match="out must not overlap X"):
        net.feedforward(X, out=X)
    x = X[0].copy()
    expected = net(x)
    net.feedforward(x, out=x)  # of one sample all is read before anything is written
    np.testing.assert_array_equal(x, expected)


def test_threads_may_ask_one_network():
    net, xs = network(), np.random.default_rng(0).normal(size=(50, 5)).astype("f4")
    expected = [net(x).tobytes() for x in xs]
    wrong = []

    def ask():
        for _ in range(40):
            wrong.extend(i for i, x in enumerate(xs) if net(x).tobytes() != expected[i])

    running = [threading.Thread(target=ask) for _ in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert not wrong
