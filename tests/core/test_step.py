"""Networks of step units: all but training, which is refused with the reason."""

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import Network

DTYPES = ["float32", "float64"]


def draw(sizes=(5, 17, 33, 3), rows=700, **options):
    """(net, X, Y) of small whole numbers: every z is exact, and z = 0 occurs in every layer."""
    rng = np.random.default_rng(0)
    net = Network(sizes, **{"hidden": "step", "output": "step", "seed": 0, **options})
    net.parameters[:] = rng.integers(-2, 3, net.parameters.size)
    x = rng.integers(-2, 3, (rows, sizes[0])).astype(net.dtype)
    return net, x, rng.integers(2, size=(rows, sizes[-1])).astype(net.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(5, 17, 33, 3), (4, 1), (3, 16, 2)])
def test_feedforward(sizes, dtype):
    net, x, _ = draw(sizes, dtype=dtype)
    z, a = oracle.feedforward(oracle.copy_of(net), x)
    assert all((layer == 0).any() and (layer > 0).any() and (layer < 0).any() for layer in z)
    np.testing.assert_array_equal(net(x), a[-1])
    np.testing.assert_array_equal(net(x[3]), a[-1][3])
    assert net(x).dtype == dtype


@pytest.mark.parametrize("cost", ["quadratic", "squared_error"])
def test_evaluate(cost):
    net, x, y = draw(cost=cost)
    wrong = np.count_nonzero(net(x) != y)
    share = {"quadratic": 0.5, "squared_error": 1.0}[cost]
    assert net.evaluate(x, y)["cost"] == pytest.approx(share * wrong / len(x), rel=1e-12)
    net, x, y = draw((4, 1))
    assert 0 < net.evaluate(x, y)["accuracy"] == (net(x) == y).mean() < 1


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_costs_that_are_for_other_outputs(cost):
    with pytest.raises(ValueError, match=f"'{cost}' is for output=.*; got output='step'"):
        Network([2, 1], output="step", cost=cost)


def test_the_same_network_comes_back(tmp_path):
    net, x, _ = draw(hidden=["tanh", "step"])
    net.save(tmp_path / "net.npz")
    back = chainrule.load(tmp_path / "net.npz")
    assert (back.hidden, back.output) == (("tanh", "step"), "step")
    assert back(x).tobytes() == net(x).tobytes()


def ways_to_train(net, x, y):
    return {
        "fit": lambda: net.fit(x, y, epochs=1),
        "backprop": lambda: net.backprop(x, y),
        "trace": lambda: net.trace(x, y),
        "jacobian": lambda: net.jacobian(x),
        "sensitivity": lambda: net.sensitivity(x[0]),
        "numerical_gradient": lambda: chainrule.numerical_gradient(net, x[:1], y[:1]),
    }


WAYS = ["fit", "backprop", "trace", "jacobian", "sensitivity", "numerical_gradient"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("names", "layer"),
    [
        ({"hidden": "step", "output": "step"}, 2),
        ({"hidden": ["sigmoid", "step"], "output": "sigmoid"}, 3),
        ({"hidden": "sigmoid", "output": "step"}, 4),
    ],
)
def test_training_is_refused_and_changes_nothing(names, layer, way):
    net, x, y = draw(**names)
    before = net.parameters.tobytes()
    with pytest.raises(ValueError, match=rf"layer {layer} .*flips .*derivative.* sigmoid .*train"):
        ways_to_train(net, x, y)[way]()
    assert net.parameters.tobytes() == before
    assert (net.epochs_trained, net.history, net.optimizer_state) == (0, None, {})


@pytest.mark.parametrize("way", WAYS)
def test_step_named_for_no_layer_refuses_nothing(way):
    net, x, y = draw((4, 2), hidden="step", output="sigmoid")
    ways_to_train(net, x, y)[way]()


def test_all_activations_but_the_step_are_held_to_their_gradients():
    assert set(oracle.ACTIVATION) == set(chainrule.ACTIVATIONS)
    assert {oracle.name_of(output) for output, _ in oracle.EVERY_PAIR} == set(
        chainrule.ACTIVATIONS
    ) - {"step"}
