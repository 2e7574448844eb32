"""One sample forward: the quick way and the checked way give the same, and refuse the same."""

import pickle
import threading

import numpy as np
import pytest

import chainrule as cr
import oracle
from chainrule.core import _core
from chainrule.model import passes

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


def test_a_class_for_one_sample():
    net, x = network(), sample()
    assert net.predict(x) == net.predict([x])[0] == net(x).argmax()
    net.classes = ["a", "b", "c"]
    assert net.predict(x.tolist()) == "abc"[net(x).argmax()]
    one = cr.Network([5, 1], output="identity", seed=0)
    assert one.predict(x).shape == ()
    assert one.predict(x[None]).shape == (1,)


UNLIMITED = {"hidden": "leaky_relu", "output": "identity", "cost": "quadratic"}
SCALINGS = {
    "as it is": {},
    "scaled": {
        "input_scale": [0.5, 1 / 3, 2.0, 0.1, 3.0], "input_shift": [0.1, -2.0, 0.0, 1e3, 7.0],
        "output_scale": [3.0, 0.1, 1 / 7], "output_shift": -4.0,
    },
}  # fmt: skip
each_scaling = pytest.mark.parametrize("scaling", SCALINGS.values(), ids=SCALINGS)

# Further numbers apart than float32 has digits for, some of them between two of its numbers.
NUMBERS = [16777217.0, -3.0, 0.1 + 2**-30, 2**40 + 1.0, 1 / 3]
WHOLE = [16777217, -3, 0, 2**53, -(2**40) - 1]
SIMPLE = {
    **{kind: np.array([250, 3, 0, 7, 99], kind) for kind in _core.INPUTS},
    "large int64": np.array([16777217, -3, 0, 2**62 + 1, -(2**40) - 1]),
    "close float64": np.array(NUMBERS),
    "row": np.array([NUMBERS]),
    "row of float32": np.array([NUMBERS], "f4"),
    "a row of many": np.array([NUMBERS, NUMBERS])[1:],
    "list": NUMBERS,
    "tuple": tuple(NUMBERS),
    "list of NumPy's": [*np.array(NUMBERS)],
    "whole numbers": WHOLE,
    "mixed": [16777217, 0.1, 2**53, -4.0, -(2**53)],
}
OTHERS = {
    "strided": np.repeat(np.array(NUMBERS), 2)[::2],
    "the other byte order": np.array(NUMBERS, ">f8"),
    "another type": np.array([250, 3, 0, 7, 99], "u4"),
    "not aligned": np.frombuffer(b"." + np.array(NUMBERS).tobytes(), "f8", offset=1),
    "truth values": [True, False, True, True, False],
    "with a truth value": [True, 1.5, 0.0, 2.0, 3.0],
    "huge whole numbers": [2**53 + 1, 1, 2, 3, 4],
    "beyond int64": [2**63, 1, 2, 3, 4],
    "a row in a list": [NUMBERS],
    "float32 in a list": [*np.array(NUMBERS, "f4")],
    "a memory map's class": np.array(NUMBERS).view(np.recarray),
}


def the_checked_way(net, x):
    """What `feedforward` and `jacobian` give without the quick way."""
    inputs, single = net._inputs(x)
    found = passes.outputs(net, inputs), passes.jacobian(net, inputs)
    return [each[0] if single else each for each in found]


def the_quick_way(net, x, out=None):
    return (
        _core.feedforward_one(net._plan, net.parameters, x, out),
        _core.jacobian_one(net._plan, net.parameters, x),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@each_scaling
@pytest.mark.parametrize("x", SIMPLE.values(), ids=SIMPLE)
def test_the_quick_way_takes_it_to_the_same_bits(x, scaling, dtype):
    net = network(dtype, **UNLIMITED, **scaling)
    expected = the_checked_way(net, x)
    assert all(np.isfinite(each).all() and each.any() for each in expected)
    for one, other in zip(the_quick_way(net, x), expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype == dtype
        assert one.tobytes() == other.tobytes()
    outputs, jacobian = expected
    assert net(x).tobytes() == net(x, threads=1).tobytes() == outputs.tobytes()
    assert net.jacobian(x).tobytes() == jacobian.tobytes()
    out = np.full_like(outputs, np.nan)
    assert net.feedforward(x, out=out) is out
    assert out.tobytes() == outputs.tobytes()
    assert net.predict(x).tobytes() == outputs.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@each_scaling
@pytest.mark.parametrize("x", OTHERS.values(), ids=OTHERS)
def test_what_the_quick_way_leaves(x, scaling, dtype):
    net = network(dtype, **UNLIMITED, **scaling)
    expected = the_checked_way(net, x)
    assert the_quick_way(net, x) == (None, None)
    assert net(x).tobytes() == expected[0].tobytes()
    assert net.jacobian(x).tobytes() == expected[1].tobytes()


def test_a_jacobian_that_takes_long_goes_the_way_of_which_a_signal_is_heard():
    net = cr.Network([5, 1000, 1000, 3], seed=0)
    assert _core.jacobian_one(net._plan, net.parameters, sample()) is None
    assert net.jacobian(sample()).shape == (3, 5)


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
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39, 1e308])
@pytest.mark.parametrize("scaling", [{}, {"input_scale": 10.0}], ids=["as it is", "scaled"])
@pytest.mark.parametrize("form", [np.array, list, tuple, lambda x: np.array([x])])
def test_what_is_not_finite_is_refused(dtype, value, scaling, form):
    """Also what is too large for the network's dtype, or once it is scaled."""
    x = sample(dtype).tolist()
    x[3] = value
    net, x = network(dtype, **scaling), form(x)
    if dtype == "float64" and np.isfinite(value * scaling.get("input_scale", 1.0)):
        assert np.isfinite(net(x)).all()
        return
    for ask in (net, net.predict, net.jacobian):
        with pytest.raises(ValueError, match=r"X must be finite; X\[(0, )?3\]"):
            ask(x)


def test_what_does_not_fit_is_refused():
    net = network()
    for threads in (0, True, 1.0, 257):
        with pytest.raises((TypeError, ValueError), match="threads must be"):
            net(sample(), threads=threads)
    for x, message in (
        ([1.0] * 4, "shape"),
        ([[1.0] * 5] * 2 + [[1.0]], "rectangular"),
        (["a"] * 5, "real numbers"),
        ([None] * 5, "real numbers"),
        ([1.0, 2.0, [3.0], 4.0, 5.0], "rectangular"),
    ):
        for ask in (net, net.predict, net.jacobian):
            with pytest.raises((TypeError, ValueError), match=f"X .*{message}"):
                ask(x)
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
    yield np.zeros((1, 3), "f4"), ValueError, r"shape \(3,\) in C order; got float32 of shape \(1"
    yield np.frombuffer(bytearray(13), "f4", 3, 1), ValueError, "out must be"


@pytest.mark.parametrize(("out", "error", "message"), list(bad_outs()))
def test_a_bad_out_is_refused(out, error, message):
    before = np.array(out).copy()
    with pytest.raises(error, match=message):
        network().feedforward(sample(), out=out)
    np.testing.assert_array_equal(out, before)


def test_an_out_that_overlaps_the_input():
    net = cr.Network([4, 4], seed=0)
    X = np.random.default_rng(0).normal(size=(8, 4)).astype("f4")
    for rows in (X, X[:1]):
        with pytest.raises(ValueError, match="out must not overlap X"):
            net.feedforward(rows, out=rows)
    assert net(X[:1], out=X[1:2]).tobytes() == net(X[0]).tobytes()
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("where", ["W", "b", "across the end", "rows"])
def test_out_that_overlaps_the_parameters_is_refused(where, dtype):
    net = cr.Network([3, 4, 4], dtype=dtype, seed=0)
    x, before = np.ones(3, dtype), net.parameters.copy()
    out = {"W": net.weights[1][0], "b": net.biases[0], "across the end": net.biases[1],
           "rows": net.weights[1]}[where]  # fmt: skip
    X = np.ones((4, 3), dtype) if where == "rows" else x
    for given in (X, X.tolist(), X.astype("f8")):
        with pytest.raises(ValueError, match="out must not overlap the network's parameters"):
            net(given, out=out)
    np.testing.assert_array_equal(net.parameters, before)
    apart = np.empty((4, 4) if where == "rows" else 4, dtype)
    assert net(X, out=apart) is apart
