"""Z = A Wᵀ + b and BP1 to BP4, one test an equation, each fed with what the step before it gave.

Feeding BP2 with the δ^{l+1} and z^l of the trace (and so on) means that a wrong equation fails its
own test and no other. `test_whole` then goes from X to the gradient in one piece.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

import oracle
from oracle import TOLERANCE, assert_close

HIDDEN = ["sigmoid", "tanh", "relu", "identity"]
DTYPES = ["float32", "float64"]


class Case(NamedTuple):
    hidden: object
    output: object
    cost: object
    dtype: str = "float64"
    bias: bool = True
    sizes: tuple = (5, 17, 33, 3)
    rows: int = 7

    def __str__(self):
        sizes = "-".join(map(str, self.sizes))
        bias = "bias" if self.bias else "nobias"
        parts = (self.hidden, self.output, self.cost, self.dtype, bias, f"{sizes}x{self.rows}")
        return " ".join(map(str, parts))


EVERY_PAIR = [
    Case(hidden, output, cost, dtype, bias)
    for hidden, (output, cost), dtype, bias in product(HIDDEN, oracle.PAIRS, DTYPES, [True, False])
]


def wide_enough(cost):
    """Sizes with two targets of several outputs each, or with three of one."""
    each = oracle.outputs_per_target(cost)
    return (5, 17, 33, 2 * each if each > 1 else 3)


EVERY_FORMULA = [
    Case(hidden, output, cost, dtype, True, wide_enough(cost))
    for (hidden, output, cost), dtype in product(
        [(hidden, "sigmoid", "quadratic") for hidden in oracle.HIDDEN]
        + [("tanh", *pair) for pair in oracle.EVERY_PAIR],
        DTYPES,
    )
]

# One output, one neuron, one row, no hidden layer, widths beside multiples of 16, tiles of rows.
SHAPES = [
    ((3, 1), 1),
    ((4, 3), 7),
    ((19, 16), 50),
    ((2, 1, 2), 1),
    ((5, 17, 1), 2),
    ((5, 33, 4), 50),
    ((7, 16, 31, 15, 2), 2),
    ((6, 17, 3), 1501),
    ((4, 33, 9, 2), 3001),
]
EVERY_SHAPE = [
    Case(*names, dtype, True, sizes, rows)
    for names, dtype, (sizes, rows) in product(
        [
            ("sigmoid", "sigmoid", "quadratic"),
            ("tanh", "sigmoid", "cross_entropy"),
            ("relu", "softmax", "log_likelihood"),
        ],
        DTYPES,
        SHAPES,
    )
    if not (names[1] == "softmax" and sizes[-1] == 1)  # a softmax of one is 1: no gradient
]
CASES = list(dict.fromkeys(EVERY_PAIR + EVERY_FORMULA + EVERY_SHAPE))


class Found(NamedTuple):
    net: object
    x: np.ndarray
    y: np.ndarray
    trace: object
    nabla: object
    twin: oracle.Net

    def below(self, i):
        """a^{l-1} for the layer of weights[i]."""
        return oracle.float64(self.trace.a[i - 1] if i else self.x)

    def z(self, i):
        return oracle.float64(self.trace.z[i])

    def delta(self, i):
        return oracle.float64(self.trace.delta[i])


@pytest.fixture
def found(case, solved):
    return solved(case)


@pytest.fixture(scope="module")
def solved(draw_problem):
    @cache
    def solve(case):
        net, x, y = draw_problem(
            case.sizes,
            case.rows,
            cost=case.cost,
            dtype=case.dtype,
            hidden=case.hidden,
            output=case.output,
            bias=case.bias,
        )
        return Found(net, x, y, net.trace(x, y), net.backprop(x, y), oracle.copy_of(net))

    return solve


def cases(which=lambda case: True):
    return pytest.mark.parametrize("case", [c for c in CASES if which(c)], ids=str)


def has_hidden(case):
    return len(case.sizes) > 2


@cases()
def test_weighted_input_and_activation(case, found):
    tolerance = TOLERANCE[case.dtype]
    layers = len(case.sizes) - 1
    assert len(found.trace.z) == len(found.trace.a) == len(found.trace.delta) == layers
    for i, name in enumerate(found.twin.activations):
        w, b = found.twin.weights[i], found.twin.biases[i]
        assert found.trace.z[i].dtype == found.trace.a[i].dtype == case.dtype
        assert_close(found.z(i), oracle.weighted_input(w, b, found.below(i)), tolerance)
        assert_close(found.trace.a[i], oracle.activate(name, found.z(i)), tolerance)
    assert_close(found.net.feedforward(found.x), oracle.float64(found.trace.a[-1]), tolerance)


@cases()
def test_bp1(case, found):
    expected = oracle.bp1(found.z(-1), oracle.float64(found.y), case.output, case.cost)
    assert_close(found.trace.delta[-1], expected, TOLERANCE[case.dtype])


@cases(has_hidden)
def test_bp2(case, found):
    for i, name in enumerate(found.twin.hidden):
        above = found.delta(i + 1), found.twin.weights[i + 1]
        assert_close(found.delta(i), oracle.bp2(*above, found.z(i), name), TOLERANCE[case.dtype])


@cases(lambda case: case.bias)
def test_bp3(case, found):
    assert len(found.nabla.biases) == len(case.sizes) - 1
    for i, got in enumerate(found.nabla.biases):
        delta = found.delta(i)
        # Terms of both signs cancel: what rounding is relative to is the sum of their sizes.
        scale = oracle.bp3(np.abs(delta)).max()
        assert_close(got, oracle.bp3(delta), TOLERANCE[case.dtype], scale)


@cases()
def test_bp4(case, found):
    for i, got in enumerate(found.nabla.weights):
        delta, below = found.delta(i), found.below(i)
        scale = oracle.bp4(np.abs(delta), np.abs(below)).max()
        assert_close(got, oracle.bp4(delta, below), TOLERANCE[case.dtype], scale)


@cases()
def test_whole(case, found):
    """From X to every gradient and the cost, nothing taken from the trace."""
    nabla_w, nabla_b, cost = oracle.backprop(found.twin, found.x, found.y)
    zs, activations = oracle.feedforward(found.twin, found.x)
    tolerance = 10 * TOLERANCE[case.dtype]  # errors pass through all layers
    assert_close(found.net.feedforward(found.x), activations[-1], tolerance)
    assert_close(found.trace.delta[0], oracle.deltas(found.twin, zs, found.y)[0], tolerance)
    for got, expected in zip(found.nabla.weights, nabla_w, strict=True):
        assert_close(got, expected, tolerance)
    if case.bias:
        for got, expected in zip(found.nabla.biases, nabla_b, strict=True):
            assert_close(got, expected, tolerance)
    assert_close(found.nabla.cost, cost, tolerance)
    assert_close(found.net.evaluate(found.x, found.y)["cost"], cost, tolerance)


@pytest.mark.parametrize("bias", [True, False])
def test_flat_gradient_is_laid_out_like_the_parameters(draw_problem, bias):
    net, x, y = draw_problem((5, 17, 3), 7, bias=bias)
    nabla = net.backprop(x, y)
    pieces = []
    for i, w in enumerate(nabla.weights):
        pieces += [w.ravel(), nabla.biases[i]] if bias else [w.ravel()]
    assert bias or (len(nabla.biases) == 0 and len(net.biases) == 0)
    assert nabla.parameters.shape == net.parameters.shape
    np.testing.assert_array_equal(nabla.parameters, np.concatenate(pieces))
    assert nabla.parameters.any()


def test_one_name_a_hidden_layer(draw_problem):
    net, x, y = draw_problem((5, 9, 8, 7, 3), 7, hidden=["tanh", "relu", "sigmoid"])
    assert net.hidden == ("tanh", "relu", "sigmoid")
    nabla_w, _, _ = oracle.backprop(oracle.copy_of(net), x, y)
    for got, expected in zip(net.backprop(x, y).weights, nabla_w, strict=True):
        assert_close(got, expected, TOLERANCE["float64"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
def test_integer_labels_equal_one_hot_rows(draw_problem, output, cost, dtype):
    net, x, _ = draw_problem((5, 17, 4), 50, output=output, cost=cost, dtype=dtype)
    labels = np.random.default_rng(1).integers(4, size=50)
    rows = oracle.one_hot(labels, 4).astype(dtype)
    expected, got = net.backprop(x, rows), net.backprop(x, labels)
    assert_close(got.parameters, expected.parameters, TOLERANCE[dtype])
    assert_close(got.cost, expected.cost, TOLERANCE[dtype])
    by_rows, by_label = net.trace(x, rows), net.trace(x, labels)
    assert_close(by_label.delta[-1], by_rows.delta[-1], TOLERANCE[dtype])
    assert net.evaluate(x, labels)["accuracy"] == net.evaluate(x, rows)["accuracy"]
    best = net.feedforward(x).argmax(axis=1)
    assert net.evaluate(x, labels)["accuracy"] == pytest.approx((best == labels).mean())


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_sample_alone(draw_problem, dtype):
    net, x, _ = draw_problem((5, 17, 3), 7, dtype=dtype)
    expected = oracle.feedforward(oracle.copy_of(net), x)[1][-1]
    assert_close(net.feedforward(x[2]), expected[2], TOLERANCE[dtype])
    assert_close(net(x), expected, TOLERANCE[dtype])
