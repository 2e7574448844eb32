"""Hessians, times a vector and of outputs by inputs, against differences of first derivatives."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
import oracle
from chainrule.core import _core
from chainrule.model.second_derivatives import ALONG, SECOND_SLOPES
from differences import AGREEMENT, differences
from refusals import refuse
from users_functions import Focal, Sine

SMOOTH = [*SECOND_SLOPES, cr.activations.swish(beta=2.5)]
FOR_ANY_OUTPUT = [cost for cost in ALONG if _core.COST_OUTPUTS[cost] is None]
PAIRS = [
    *((output, cost) for output in [*SMOOTH, "softmax"] for cost in FOR_ANY_OUTPUT),
    *((_core.COST_OUTPUTS[cost], cost) for cost in ALONG if _core.COST_OUTPUTS[cost]),
    ("softmax", cr.costs.log_likelihood(smoothing=0.2)),
]
SCALINGS = {
    "input_scale": [0.5, 2.0, -1.5], "input_shift": [0.1, 0.0, 0.3],
    "output_scale": [3.0, 0.25], "output_shift": -1.0,
}  # fmt: skip


def draw(hidden="tanh", output="identity", cost="quadratic", sizes=(3, 5, 4, 2), **options):
    """A network in float64 and seven samples: targets are shares for those who want these."""
    rng = np.random.default_rng(3)
    options = {"dtype": "float64", "seed": 1} | options
    net = cr.Network(sizes, hidden=hidden, output=output, cost=cost, **options)
    n = sizes[-1] // oracle.outputs_per_target(cost)
    return net, rng.normal(size=(7, sizes[0])) / 2, rng.random((7, n))


def check(found, expected, tolerance=AGREEMENT):
    largest = np.abs(expected).max()
    assert largest > 1e-4
    assert np.abs(found - expected).max() <= tolerance * largest


def hessian(net, X, Y):
    """H, column by column."""
    return np.stack(
        [net.hessian_vector(X, Y, e).parameters for e in np.eye(net.parameters.size)], axis=1
    )


def check_hessian(net, X, Y):
    found = hessian(net, X, Y)
    check(found, differences(lambda: net.backprop(X, Y).parameters.copy(), net.parameters))
    check(found, found.T, 1e-12)
    v = np.random.default_rng(0).normal(size=net.parameters.size)
    check(net.hessian_vector(X, Y, v).parameters, found @ v, 1e-12)


@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_every_output_with_every_cost(output, cost):
    check_hessian(*draw("tanh", output, cost))


@pytest.mark.parametrize("hidden", SMOOTH)
def test_every_hidden_activation(hidden):
    check_hessian(*draw(hidden))


SHAPES = {
    "no biases": {"bias": False},
    "one layer": {"sizes": (3, 2), "hidden": [], "output": "tanh"},
    "one output": {"sizes": (3, 8, 1)},
    "two activations": {"hidden": ["gelu", "tanh"]},
    "scalings": SCALINGS,
}


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_networks_of_all_shapes(options):
    check_hessian(*draw(**options))


def test_labels_and_rows_that_do_not_sum_to_1():
    net, X, Y = draw(output="softmax", cost="log_likelihood")
    labels = np.arange(7) % 2
    check_hessian(net, X, labels)
    v = np.ones(net.parameters.size)
    one_hot = net.hessian_vector(X, np.eye(2)[labels], v).parameters
    assert net.hessian_vector(X, labels, v).parameters.tobytes() == one_hot.tobytes()
    check_hessian(net, X, 3 * Y)


def test_x_may_be_sparse_or_of_whole_numbers():
    net, X, Y = draw()
    v = np.ones(net.parameters.size)
    whole = np.round(6 * X).astype("i4")
    expected = net.hessian_vector(whole.astype(float), Y, v).parameters
    for given in (whole, sparse.csr_array(whole)):
        assert net.hessian_vector(given, Y, v).parameters.tobytes() == expected.tobytes()


def test_a_float32_network_has_them_to_its_own_rounding():
    net, X, Y = draw(dtype="float32")
    twin, _, _ = draw()
    twin.parameters = net.parameters
    X, Y = X.astype("f4"), Y.astype("f4")
    v = np.random.default_rng(0).normal(size=net.parameters.size)
    found = net.hessian_vector(X, Y, v)
    assert found.parameters.dtype == np.float32
    check(found.parameters, twin.hessian_vector(X, Y, v).parameters, 1e-7)
    by_input = net.input_hessian(X[0])
    assert by_input.dtype == np.float32
    check(by_input, twin.input_hessian(X[0]), 1e-7)


def test_it_is_laid_out_as_a_gradient_and_takes_one():
    net, X, Y = draw()
    nabla = net.backprop(X, Y)
    product = net.hessian_vector(X, Y, nabla)
    assert [each.shape for each in product.weights] == [each.shape for each in net.weights]
    same = net.hessian_vector(X, Y, nabla.parameters)
    assert product.parameters.tobytes() == same.parameters.tobytes()


@pytest.mark.parametrize("output", [*SMOOTH, "softmax"])
@pytest.mark.parametrize("scaled", [{}, SCALINGS], ids=["as they are", "scaled"])
def test_outputs_by_inputs(output, scaled):
    net, X, _ = draw(["swish", "sigmoid"], output, **scaled)
    x = X[0].copy()
    expected = differences(lambda: net.jacobian(x).copy(), x)
    for k in range(2):
        found = net.input_hessian(x, output=k)
        check(found, expected[k])
        check(found, found.T, 1e-12)
    assert net.input_hessian(x).tobytes() == net.input_hessian(x.tolist(), output=0).tobytes()


def test_a_network_of_one_layer_by_its_inputs():
    net = cr.Network([2, 1], output="exponential", init=lambda *_: ([[1.0, 2.0]], [0.0]))
    assert net.input_hessian([0.0, 0.0]).tolist() == [[1, 2], [2, 4]]
    assert not cr.Network([2, 1], output="identity", seed=0).input_hessian([1.0, 2.0]).any()


NOT_SMOOTH = [name for name in cr.ACTIVATIONS if name not in SECOND_SLOPES and name != "softmax"]


@pytest.mark.parametrize("name", [*NOT_SMOOTH, Sine(2.0)], ids=[*NOT_SMOOTH, "own"])
def test_activations_without_a_second_derivative_are_refused_by_name(name):
    said = name if isinstance(name, str) else "Sine()"
    v = np.ones(53)
    for options, layer in (({"hidden": ["tanh", name]}, 3), ({"output": name}, 4)):
        net, X, Y = draw(**options)
        fragments = [f"the activation of layer {layer}, {said}, has no second", "tanh, softplus"]
        refuse(lambda: net.hessian_vector(X, Y, v), ValueError, fragments, net)  # noqa: B023
        refuse(lambda: net.input_hessian(X[0]), ValueError, fragments, net)  # noqa: B023


NO_SECOND = [name for name in cr.COSTS if name not in ALONG]


@pytest.mark.parametrize("cost", [*NO_SECOND, Focal(2.0)], ids=[*NO_SECOND, "own"])
def test_costs_without_a_second_derivative_are_refused_by_name(cost):
    net, X, Y = draw(output="softmax", cost=cost)
    said = cost if isinstance(cost, str) else "Focal()"
    fragments = [f"the cost, {said}, has no second derivative", "quadratic, squared_error"]
    refuse(lambda: net.hessian_vector(X, Y.round(), np.ones(53)), ValueError, fragments, net)
    assert net.input_hessian(X[0]).any()  # where the cost does not count


def test_what_does_not_fit_is_refused():
    net, X, Y = draw()
    v = np.ones(net.parameters.size)
    for call, kind, fragments in (
        (lambda: net.hessian_vector(X, Y, v[1:]), ValueError, ["v must have", "(54,)", "(53,)"]),
        (lambda: net.hessian_vector(X, Y, v * np.nan), ValueError, ["v must be finite", "v[0]"]),
        (lambda: net.hessian_vector(X, Y, "up"), TypeError, ["v must hold real numbers"]),
        (lambda: net.hessian_vector(X[:, 1:], Y, v), ValueError, ["X must be (samples, 3)"]),
        (lambda: net.hessian_vector(X, Y[1:], v), ValueError, ["y must have a target for each"]),
        (lambda: net.input_hessian(X), ValueError, ["x must be one sample, (3,)", "(7, 3)"]),
        (lambda: net.input_hessian(X[0], output=2), ValueError, ["output must be from 0 to 1"]),
        (lambda: net.input_hessian(X[0], output=True), TypeError, ["whole number"]),
        (lambda: net.input_hessian([1.0, np.inf, 0.0]), ValueError, ["must be finite"]),
    ):
        refuse(call, kind, fragments, net)
