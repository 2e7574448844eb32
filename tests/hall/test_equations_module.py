"""`chainrule.equations`: each function alone against its definition, and all of them in a chain.

What they give is also what `Network.trace` and `Network.backprop` give, bit by bit, since both run
the same kernels on the same shapes.
"""

import inspect
from itertools import product

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import equations
from chainrule.equations import bp1, bp2, bp3, bp4, hadamard
from oracle import TOLERANCE, assert_close

DTYPES = ["float32", "float64"]
HIDDEN = ["sigmoid", "tanh", "relu", "identity"]
SHAPES = [(1, 1, 1), (1, 3, 5), (7, 5, 3), (33, 17, 19), (513, 9, 4), (40, 300, 250)]

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_hidden = pytest.mark.parametrize("activation", HIDDEN)
each_pair = pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape)))


def draw(dtype, *shape, seed=0):
    """Normal numbers, none within 0.01 of 0, where relu has its kink."""
    values = np.random.default_rng([seed, *shape]).normal(size=shape)
    return (values + np.copysign(0.01, values)).astype(dtype)


def targets(cost, dtype, m, n):
    rng = np.random.default_rng([m, n])
    if cost == "log_likelihood":
        return oracle.one_hot(rng.integers(n, size=m), n).astype(dtype)
    return rng.random((m, n)).astype(dtype)


def test_the_module_exports_its_five_functions():
    assert equations.__all__ == ["bp1", "bp2", "bp3", "bp4", "hadamard"]
    for name in equations.__all__:
        assert inspect.getdoc(getattr(equations, name))
    assert chainrule.equations is equations


# ---------------------------------------------------------------- one equation at a time


@each_dtype
@each_pair
@each_shape
def test_bp1(output, cost, shape, dtype):
    m, n, _ = shape
    if n == 1 and output == "softmax":
        n = 2  # a softmax of one is 1: no error
    z, y = draw(dtype, m, n), targets(cost, dtype, m, n)
    z[0] = np.abs(z[0])  # a relu has something on
    got = bp1(z, y, activation=output, cost=cost)
    assert got.dtype == dtype
    expected = oracle.bp1(oracle.float64(z), oracle.float64(y), output, cost)
    assert_close(got, expected, TOLERANCE[dtype])
    assert_close(bp1(z[0], y[0], activation=output, cost=cost), expected[0], TOLERANCE[dtype], 1)


def test_bp1_of_a_softmax_whose_targets_do_not_sum_to_one():
    """-Σ y ln a has the error a Σy - y."""
    z, y = draw("float64", 4, 3), np.random.default_rng(1).random((4, 3))
    expected = oracle.softmax(z) * y.sum(axis=1, keepdims=True) - y
    assert np.abs(expected - (oracle.softmax(z) - y)).max() > 0.01
    assert_close(bp1(z, y, activation="softmax", cost="log_likelihood"), expected, 1e-12)


@each_dtype
@each_hidden
@each_shape
def test_bp2(activation, shape, dtype):
    m, n, n_following = shape
    w, delta = draw(dtype, n_following, n, seed=1), draw(dtype, m, n_following, seed=2)
    z = np.abs(draw(dtype, m, n, seed=3)) if m == 1 else draw(dtype, m, n, seed=3)  # relu: some on
    got = bp2(w, delta, z, activation=activation)
    assert got.dtype == dtype
    args = oracle.float64(delta), oracle.float64(w), oracle.float64(z), activation
    expected = oracle.bp2(*args)
    # What rounding is relative to, where terms of both signs cancel.
    scale = oracle.bp2(np.abs(args[0]), np.abs(args[1]), args[2], activation).max()
    assert_close(got, expected, TOLERANCE[dtype], scale)
    alone = bp2(w, delta[0], z[0], activation=activation)
    assert alone.shape == (n,)
    assert_close(alone, expected[0], TOLERANCE[dtype], scale)


@each_dtype
@each_shape
def test_bp3(shape, dtype):
    m, n, _ = shape
    delta = draw(dtype, m, n)
    got = bp3(delta)
    assert got.dtype == dtype
    exact = oracle.float64(delta)
    assert_close(got, oracle.bp3(exact), TOLERANCE[dtype], oracle.bp3(np.abs(exact)).max())
    np.testing.assert_array_equal(bp3(delta[0]), delta[0])  # of one sample it is δ itself


@each_dtype
@each_shape
def test_bp4(shape, dtype):
    m, n, n_below = shape
    delta, a = draw(dtype, m, n, seed=1), draw(dtype, m, n_below, seed=2)
    got = bp4(delta, a)
    assert got.dtype == dtype
    exact = oracle.float64(delta), oracle.float64(a)
    scale = oracle.bp4(*map(np.abs, exact)).max()
    assert_close(got, oracle.bp4(*exact), TOLERANCE[dtype], scale)
    assert_close(bp4(delta[0], a[0]), np.outer(exact[0][0], exact[1][0]), TOLERANCE[dtype])


@each_dtype
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4)])
def test_hadamard(shape, dtype):
    s, t = draw(dtype, *shape, seed=1), draw(dtype, *shape, seed=2)
    got = hadamard(s, t)
    assert got.dtype == dtype
    assert got.shape == shape
    expected = [float(x) * float(y) for x, y in zip(s.flat, t.flat, strict=True)]
    assert_close(np.ravel(got), np.array(expected), TOLERANCE[dtype])


def test_by_hand():
    """σ(0) = 1/2 and σ'(0) = 1/4."""
    assert hadamard([1, 2], [3, 4]).tolist() == [3, 8]
    assert bp1([0.0], [1.0]).tolist() == [-0.125]
    assert bp1([0.0], [1.0], cost="squared_error").tolist() == [-0.25]
    assert bp1([0.0], [1.0], cost="cross_entropy").tolist() == [-0.5]
    assert bp2([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0], [0.0, 0.0]).tolist() == [7.75, 10.5]
    assert bp3([[1.0, 2.0], [3.0, 6.0]]).tolist() == [2, 4]
    assert bp4([2.0, 3.0], [5.0, 7.0, 11.0]).tolist() == [[10, 14, 22], [15, 21, 33]]
    assert bp4([[2.0], [4.0]], [[1.0], [3.0]]).tolist() == [[7]]  # (2·1 + 4·3) / 2


def test_the_defaults_are_those_of_a_network():
    z, y, w = draw("float64", 4, 3), draw("float64", 4, 3, seed=1), draw("float64", 3, 3)
    np.testing.assert_array_equal(bp1(z, y), bp1(z, y, activation="sigmoid", cost="quadratic"))
    np.testing.assert_array_equal(bp2(w, y, z), bp2(w, y, z, activation="sigmoid"))


# ---------------------------------------------------------------- a whole gradient


def gradient_of(net, x, y):
    """δ, ∂C/∂W and ∂C/∂b of all layers, by the functions alone."""
    trace = net.trace(x, y)
    delta = [bp1(trace.z[-1], y, activation=net.output, cost=net.cost)]
    for i in reversed(range(len(net.hidden))):
        name = net.hidden[i]
        delta.insert(0, bp2(net.weights[i + 1], delta[0], trace.z[i], activation=name))
    below = [x, *trace.a[:-1]]
    return delta, [bp4(d, a) for d, a in zip(delta, below, strict=True)], [bp3(d) for d in delta]


@each_dtype
@each_pair
@each_hidden
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
def test_a_gradient_by_hand_has_the_bits_of_backprop(
    draw_problem, activation, output, cost, bias, dtype
):
    options = {"hidden": activation, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, y = draw_problem((5, 17, 33, 3), 40, **options)
    delta, by_weights, by_biases = gradient_of(net, x, y)
    for got, expected in zip(delta, net.trace(x, y).delta, strict=True):
        assert expected.any()
        np.testing.assert_array_equal(got, expected)
    nabla = net.backprop(x, y)
    for got, expected in zip(by_weights, nabla.weights, strict=True):
        assert expected.any()
        np.testing.assert_array_equal(got, expected)
    for got, expected in zip(by_biases, nabla.biases, strict=bias):
        assert expected.any()
        np.testing.assert_array_equal(got, expected)


@each_dtype
@pytest.mark.parametrize(
    ("sizes", "rows"),
    [((4, 3), 1), ((5, 1, 2), 1), ((300, 250, 10), 512), ((5, 9, 3), 1500)],
    ids=["flat", "one neuron", "large enough for a BLAS", "tiles"],
)
def test_a_gradient_by_hand_in_other_shapes(draw_problem, sizes, rows, dtype):
    hidden = ["tanh"] * (len(sizes) - 2)
    net, x, y = draw_problem(sizes, rows, hidden=hidden, output="identity", dtype=dtype)
    _, by_weights, by_biases = gradient_of(net, x, y)
    nabla = net.backprop(x, y)
    for got, expected in zip(by_weights + by_biases, nabla.weights + nabla.biases, strict=True):
        assert_close(got, oracle.float64(expected), TOLERANCE[dtype])
        if rows <= 512:  # more go tile by tile through a network, and all at once here
            np.testing.assert_array_equal(got, expected)


# ---------------------------------------------------------------- dtypes and layouts

CALLS = {
    "hadamard": (hadamard, [(4, 3), (4, 3)]),
    "bp1": (bp1, [(4, 3), (4, 3)]),
    "bp2": (bp2, [(3, 5), (4, 3), (4, 5)]),
    "bp3": (bp3, [(4, 3)]),
    "bp4": (bp4, [(4, 3), (4, 5)]),
}
each_call = pytest.mark.parametrize(("function", "shapes"), CALLS.values(), ids=CALLS)


@each_call
def test_float32_stays_and_all_else_becomes_float64(function, shapes):
    arrays = [draw("float32", *shape, seed=i) for i, shape in enumerate(shapes)]
    assert function(*arrays).dtype == np.float32
    swapped = [a.astype(">f4") for a in arrays]
    assert function(*swapped).dtype == np.float32
    np.testing.assert_array_equal(function(*swapped), function(*arrays))
    for i in range(len(arrays)):
        mixed = [a.astype("float64") if i == j else a for j, a in enumerate(arrays)]
        assert function(*mixed).dtype == np.float64
    for dtype in ("float64", ">f8", "float16", "int8", "uint64", "bool"):
        others = [np.abs(10 * a).astype(dtype) for a in arrays]
        got = function(*others)
        assert got.dtype == np.dtype("float64")
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, function(*[a.astype("float64") for a in others]))
    assert function(*[a.tolist() for a in arrays]).dtype == np.float64


@each_call
@each_dtype
def test_layout_does_not_matter_and_nothing_is_written_to(function, shapes, dtype):
    arrays = [draw(dtype, *shape, seed=i) for i, shape in enumerate(shapes)]
    kept = [a.copy() for a in arrays]
    expected = function(*arrays)
    assert expected.any()
    assert expected.flags.owndata or expected.base is not None
    spread = [np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2] for a in arrays]
    for others in (map(np.asfortranarray, arrays), spread, [a[::-1].copy()[::-1] for a in arrays]):
        np.testing.assert_array_equal(function(*others), expected)
    for a, before in zip(arrays, kept, strict=True):
        a.flags.writeable = False
        np.testing.assert_array_equal(a, before)
    result = function(*arrays)
    np.testing.assert_array_equal(result, expected)
    assert not any(np.shares_memory(result, a) for a in arrays)


# ---------------------------------------------------------------- what is refused

ONE, TWO = np.ones((4, 3)), np.ones((4, 2))
BAD = {
    "bp1 shapes": (lambda: bp1(ONE, TWO), ValueError, ["z and y", "(4, 3)", "(4, 2)"]),
    "bp1 batch and sample": (lambda: bp1(ONE, ONE[0]), ValueError, ["(4, 3) and (3,)"]),
    "bp1 no broadcasting": (lambda: bp1(ONE, ONE[:1]), ValueError, ["(4, 3) and (1, 3)"]),
    "bp1 number": (lambda: bp1(1.0, 1.0), ValueError, ["z must be (samples, neurons)", "()"]),
    "bp1 empty": (lambda: bp1([], []), ValueError, ["not empty", "(0,)"]),
    "bp1 no neurons": (lambda: bp1(ONE[:, :0], ONE[:, :0]), ValueError, ["not empty", "(4, 0)"]),
    "bp1 3-d": (lambda: bp1(ONE[None], ONE[None]), ValueError, ["z must be", "(1, 4, 3)"]),
    "bp1 nan": (lambda: bp1([np.nan], [0]), ValueError, ["z must be finite", "z[0] is nan"]),
    "bp1 inf": (lambda: bp1([0], [np.inf]), ValueError, ["y must be finite", "y[0] is inf"]),
    "bp1 text": (lambda: bp1("abc", [0]), TypeError, ["z must hold real numbers", "<U3"]),
    "bp1 none": (lambda: bp1([0], None), TypeError, ["y must hold real numbers", "object"]),
    "bp1 complex": (lambda: bp1([1j], [0]), TypeError, ["z must hold real", "complex128"]),
    "bp1 ragged": (lambda: bp1([[1], [1, 2]], [0]), ValueError, ["z is not a rectangular"]),
    "bp1 activation": (
        lambda: bp1(ONE, ONE, activation="sigmod"),
        ValueError,
        ["unknown activation 'sigmod'", "Did you mean 'sigmoid'?", "step, softmax"],
    ),
    "bp1 cost": (
        lambda: bp1(ONE, ONE, cost="quadratc"),
        ValueError,
        ["unknown cost 'quadratc'", "Did you mean 'quadratic'?"],
    ),
    "bp1 no name": (lambda: bp1(ONE, ONE, cost=None), TypeError, ["cost must be a name", "None"]),
    "bp1 pair": (
        lambda: bp1(ONE, ONE, activation="tanh", cost="cross_entropy"),
        ValueError,
        ["output='sigmoid'", "output='tanh'", "quadratic, squared_error"],
    ),
    "bp1 other pair": (
        lambda: bp1(ONE, ONE, cost="log_likelihood"),
        ValueError,
        ["output='softmax'", "cross_entropy"],
    ),
    "bp2 transposed": (
        lambda: bp2(np.ones((5, 3)), ONE, np.ones((4, 5))),
        ValueError,
        ["weights must be (n_{l+1}, n_l)", "(5, 3), (4, 3) and (4, 5)"],
    ),
    "bp2 samples": (
        lambda: bp2(np.ones((3, 5)), ONE, np.ones((1, 5))),
        ValueError,
        ["delta (m, n_{l+1}) and z (m, n_l)", "(1, 5)"],
    ),
    "bp2 vector": (lambda: bp2(np.ones(3), ONE, ONE), ValueError, ["weights", "(3,)"]),
    "bp2 numbers": (lambda: bp2(1.0, 1.0, 1.0), ValueError, ["weights", "(), () and ()"]),
    "bp2 empty": (lambda: bp2(np.ones((3, 5)), ONE[:0], np.ones((0, 5))), ValueError, ["empty"]),
    "bp2 3-d": (lambda: bp2(np.eye(3), ONE[None], ONE[None]), ValueError, ["z must be"]),
    "bp2 softmax": (
        lambda: bp2(np.eye(3), ONE, ONE, activation="softmax"),
        ValueError,
        ["softmax is for the output layer"],
    ),
    "bp2 activation": (
        lambda: bp2(np.eye(3), ONE, ONE, activation="reluu"),
        ValueError,
        ["unknown hidden activation 'reluu'", "Did you mean 'relu'?"],
    ),
    "bp1 cross-entropy": (
        lambda: bp1(ONE, 1.5 * ONE, cost="cross_entropy"),
        ValueError,
        ["y must lie in [0, 1] for the cross_entropy cost; it spans [1.5, 1.5]"],
    ),
    "bp1 log-likelihood": (
        lambda: bp1(ONE, -ONE, activation="softmax", cost="log_likelihood"),
        ValueError,
        ["y must not be negative for the log_likelihood cost; its least is -1"],
    ),
    "bp2 nan": (
        lambda: bp2([[np.nan]], [1], [1]),
        ValueError,
        ["weights must be finite", "weights[0, 0] is nan"],
    ),
    "bp2 text": (lambda: bp2([[1]], ["a"], [1]), TypeError, ["delta must hold real numbers"]),
    "bp3 empty": (lambda: bp3(ONE[:0]), ValueError, ["delta must be", "not empty", "(0, 3)"]),
    "bp3 number": (lambda: bp3(1.0), ValueError, ["delta must be", "()"]),
    "bp3 text": (lambda: bp3(["a"]), TypeError, ["delta must hold real numbers"]),
    "bp4 samples": (lambda: bp4(ONE, TWO[:3]), ValueError, ["same samples", "(4, 3) and (3, 2)"]),
    "bp4 batch and sample": (lambda: bp4(ONE, TWO[0]), ValueError, ["(4, 3) and (2,)"]),
    "bp4 numbers": (lambda: bp4(1.0, 1.0), ValueError, ["delta must be", "()"]),
    "bp4 empty": (lambda: bp4(ONE[:0], TWO[:0]), ValueError, ["not empty", "(0, 3)"]),
    "bp4 inf": (lambda: bp4([1], [-np.inf]), ValueError, ["a must be finite", "a[0] is -inf"]),
    "hadamard shapes": (lambda: hadamard(ONE, ONE[0]), ValueError, ["(4, 3) and (3,)"]),
    "hadamard nan": (lambda: hadamard([1], [np.nan]), ValueError, ["t[0] is nan"]),
    "hadamard text": (lambda: hadamard("a", [1]), TypeError, ["s must hold real numbers"]),
}


@pytest.mark.parametrize(("call", "exception", "fragments"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused(call, exception, fragments):
    with pytest.raises(exception) as caught:
        call()
    missing = [fragment for fragment in fragments if fragment not in str(caught.value)]
    assert not missing, f"{missing} not in: {caught.value}"


@pytest.mark.parametrize(
    ("output", "cost", "dtype"), [(o, c, d) for (o, c), d in product(oracle.PAIRS, DTYPES)]
)
def test_large_inputs_stay_finite(output, cost, dtype):
    """σ saturates, and no e^z overflows."""
    z = np.array([[1e4, -1e4, 0.0], [0.5, -0.3, 0.1]], dtype)
    y = np.array([[1, 0, 0], [1, 0, 0]], dtype)
    got = bp1(z, y, activation=output, cost=cost)
    assert_close(got, oracle.bp1(oracle.float64(z), oracle.float64(y), output, cost), 1e-5)
