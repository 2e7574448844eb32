"""Network(task=): what learns data as they are; and targets that outputs cannot reach."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Network
from chainrule.activations import ACTIVATIONS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3)) * [1.0, 1e-3, 100.0] + [0.0, 0.0, 1e4]
PRICE = 3000 + 800 * np.sin(X[:, 0]) + 4e5 * X[:, 1]

OF_NUMBERS = {"input_scale": "standard", "output_scale": "standard"}
OF_OTHERS = {"input_scale": "standard", "output_scale": 1.0}
TABLE = {
    "regression": ("regression", 2, {}, ("identity", "quadratic", OF_NUMBERS)),
    "huber": ("regression", 1, {"cost": "huber"}, ("identity", "huber", OF_NUMBERS)),
    "quantiles": (
        "regression", 2, {"cost": cr.costs.quantile([0.1, 0.9])},
        ("identity", cr.costs.quantile([0.1, 0.9]), OF_NUMBERS)),
    "counts": ("regression", 1, {"cost": "poisson"}, ("exponential", "poisson", OF_OTHERS)),
    "positive": ("regression", 1, {"output": "softplus"}, ("softplus", "quadratic", OF_OTHERS)),
    "classes": ("classification", 3, {}, ("softmax", "log_likelihood", OF_OTHERS)),
    "two classes": ("classification", 1, {}, ("sigmoid", "cross_entropy", OF_OTHERS)),
    "each alone": ("classification", 3, {"output": "sigmoid"},
                   ("sigmoid", "cross_entropy", OF_OTHERS)),
    "margin": ("classification", 3, {"cost": "hinge"}, ("identity", "hinge", OF_OTHERS)),
    "labels": ("multilabel", 4, {}, ("sigmoid", "cross_entropy", OF_OTHERS)),
}  # fmt: skip


@pytest.mark.parametrize(("task", "n", "given", "expected"), TABLE.values(), ids=TABLE)
def test_what_a_task_chooses(task, n, given, expected):
    net = Network([3, 8, n], task=task, seed=0, **given)
    output, cost, scales = expected
    assert (net.output, net.cost, net.hidden) == (output, cost, ("tanh",))
    assert {name: getattr(net, name) for name in scales} == scales
    twin = Network([3, 8, n], output=output, cost=cost, hidden="tanh", init="glorot", seed=0)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_what_is_given_stays():
    given = {
        "hidden": "relu", "init": "zeros", "input_scale": 0.5, "output_scale": 2.0,
    }  # fmt: skip
    net = Network([3, 8, 1], task="regression", **given)
    assert (net.hidden, net.input_scale, net.output_scale) == (("relu",), 0.5, 2.0)
    assert not net.parameters.any()
    shifted = Network([3, 8, 1], task="regression", input_shift=1.0, output_shift=[2.0])
    assert (shifted.input_scale, shifted.output_scale) == (1.0, 1.0)


def test_raw_prices_are_learned_with_no_other_option():
    net = Network([3, 30, 1], task="regression", seed=0)
    net.fit(X, PRICE, optimizer=cr.Adam(0.01), epochs=100)
    assert 1 - ((net.predict(X) - PRICE) ** 2).mean() / PRICE.var() > 0.9


def test_names_of_classes_are_learned():
    y = np.where(X[:, 0] > 0, "dear", "cheap")
    net = Network([3, 8, 1], task="classification", seed=0)
    net.fit(X, y, optimizer=cr.Adam(0.01), epochs=50)
    assert (net.predict(X) == y).mean() > 0.95


def test_bad_tasks():
    with pytest.raises(
        ValueError, match="task='regression' is for numbers and counts; got cost='hi"
    ):
        Network([3, 1], task="regression", cost="hinge")
    with pytest.raises(ValueError, match=r"unknown task 'regresion'\. Did you mean 'regression'"):
        Network([3, 1], task="regresion")
    with pytest.raises(TypeError, match="task must be a name"):
        Network([3, 1], task=1)


# ---------------------------------------------------------------- reach


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_reach_is_what_an_activation_comes_near(name):
    if name == "softmax":
        return
    kinds = [ACTIVATIONS[name]()]
    if kinds[0].parameters:
        kinds.append(ACTIVATIONS[name](0.3))
    for activation in kinds:
        net = Network([1, 1], output=activation, init=lambda *_: ([[1.0]], [0.0]), dtype="float64")
        z = np.concatenate([np.linspace(-40, 40, 80001), [-1e6, -500.0, 500.0, 1e6]])
        a = net(z[np.abs(z) < (600 if name == "exponential" else 1e7), None])
        for bound, found in zip(activation.reach, (a.min(), a.max()), strict=True):
            if np.isfinite(bound):
                assert found == pytest.approx(bound, abs=2e-6)
            else:
                assert abs(found) >= 1e4


OUT_OF_REACH = {
    "sigmoid": ("sigmoid", "quadratic", 1.5), "tanh": ("tanh", "absolute_error", -1.01),
    "relu": ("relu", "huber", -0.1), "softmax": ("softmax", "squared_error", 2.0),
    "elu": (cr.activations.elu(0.5), "quantile", -0.6), "swish": ("swish", "quadratic", -0.3),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:softmax learns slowly")
@pytest.mark.parametrize("optimizer", [None, cr.LBFGS()])
@pytest.mark.parametrize(("output", "cost", "y"), OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_targets_out_of_reach_are_refused(output, cost, y, optimizer):
    net = Network([3, 4, 2], output=output, cost=cost, seed=0)
    targets = np.full((400, 2), 0.5)
    net.fit(X / 1e4, targets, optimizer=optimizer, epochs=0)
    targets[7, 1] = y
    message = r"within the reach of output=.*; it spans .* write Network\(\[3, 4, 2\], task="
    with pytest.raises(ValueError, match=message):
        net.fit(X / 1e4, targets, optimizer=optimizer)
    with pytest.raises(ValueError, match="within the reach"):
        net.fit([(X / 1e4, targets)], epochs=1)
    assert net.epochs_trained == 0
    net.evaluate(X / 1e4, targets)


def test_targets_that_do_not_count_may_lie_anywhere():
    net, y = Network([3, 4, 2], seed=0), np.full((400, 2), 0.5)
    y[3], y[5, 1] = -999, -999
    weights, of_targets = np.ones(400), np.ones((400, 2))
    weights[3], of_targets[5, 1] = 0, 0
    net.fit(X / 1e4, y, sample_weight=weights, output_weight=of_targets, epochs=1)
    with pytest.raises(ValueError, match="within the reach"):
        net.fit(X / 1e4, y, sample_weight=weights, epochs=1)


def test_targets_at_the_edge_of_reach_pass():
    net = Network([3, 4, 1], output="tanh", seed=0)
    net.fit(X / 1e4, np.sign(X[:, 0]), epochs=1)


def test_what_is_scaled_into_reach_passes():
    net = Network([3, 4, 1], output="sigmoid", output_scale=6000.0, output_shift=0.0, seed=0)
    net.fit(X / 1e4, PRICE.clip(0, 6000), epochs=1)
    with pytest.raises(ValueError, match="once it is scaled; it spans 0 to 2"):
        net.fit(X / 1e4, np.linspace(0, 12000, 400))


def test_softmax_with_quadratic_warns_once():
    net = Network([3, 4, 2], output="softmax", seed=0)
    y = (X[:, 0] > 0).astype(int)
    with pytest.warns(UserWarning, match="softmax learns slowly by cost='quadratic'.*log_likeli"):
        net.fit(X / 1e4, y, epochs=1)
    net.fit(X / 1e4, y, epochs=1)
    Network([3, 4, 2], output="softmax", seed=0).fit(X / 1e4, y, optimizer=cr.LBFGS(), epochs=1)
