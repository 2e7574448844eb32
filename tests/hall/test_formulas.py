"""Activations and costs as objects: what they say, what they refuse, and where they are taken."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import Network, activations, costs, equations

WITH_PARAMETERS = {  # how it is called, and the object it then equals and shows itself as
    "leaky_relu(slope=0.2)": activations.leaky_relu(slope=0.2),
    "leaky_relu(slope=0.0)": activations.leaky_relu(0),
    "elu(alpha=2.0)": activations.elu(np.float32(2)),
    "swish(beta=1.5)": activations.swish(1.5),
    "huber(delta=2.0)": costs.huber(delta=2),
    "quantile(levels=(0.1, 0.9))": costs.quantile(np.array([0.1, 0.9])),
    "quantile(levels=(0.25,))": costs.quantile(0.25),
    "log_likelihood(smoothing=0.1)": costs.log_likelihood(smoothing=0.1),
}
DEFAULTS = {
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "swish": {"beta": 1.0},
    "huber": {"delta": 1.0},
    "quantile": {"levels": (0.5,)},
    "log_likelihood": {"smoothing": 0.0},
}
EVERY = [(activations, name) for name in chainrule.ACTIVATIONS] + [
    (costs, name) for name in chainrule.COSTS
]


@pytest.mark.parametrize(("module", "name"), EVERY, ids=lambda value: str(value)[-20:])
def test_there_is_an_object_for_every_name(module, name):
    formula = getattr(module, name)()
    assert dataclasses.asdict(formula) == DEFAULTS.get(name, {})
    assert formula.name == formula.shown == name
    assert type(formula).__doc__


@pytest.mark.parametrize("text", WITH_PARAMETERS)
def test_objects_are_values(text):
    formula = WITH_PARAMETERS[text]
    assert repr(formula) == text
    again = eval(text, {**vars(activations), **vars(costs)})
    assert again == formula
    assert hash(again) == hash(formula)
    assert formula.shown is formula
    assert formula != type(formula)()
    for twin in (pickle.loads(pickle.dumps(formula)), copy.copy(formula), copy.deepcopy(formula)):
        assert twin == formula
        assert type(twin) is type(formula)
    field = dataclasses.fields(formula)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(formula, field, 0.5)


def test_different_formulas_differ():
    objects = [getattr(module, name)() for module, name in EVERY]
    objects += WITH_PARAMETERS.values()
    for i, one in enumerate(objects):
        assert [other == one for other in objects].count(True) == 1, (i, one)


BAD = {
    "slope -1": (
        lambda: activations.leaky_relu(-0.1),
        ["slope of leaky_relu", "0 to 1e30", "-0.1"],
    ),
    "slope NaN": (lambda: activations.leaky_relu(np.nan), ["slope of leaky_relu", "nan"]),
    "slope text": (lambda: activations.leaky_relu("0.1"), ["slope of leaky_relu", "'0.1'"]),
    "slope True": (lambda: activations.leaky_relu(True), ["slope of leaky_relu", "True"]),
    "slope 1e31": (lambda: activations.leaky_relu(1e31), ["slope of leaky_relu", "1e+31"]),
    "alpha 0": (lambda: activations.elu(0), ["alpha of elu", "1e-30 to 1e30", "0"]),
    "alpha inf": (lambda: activations.elu(np.inf), ["alpha of elu", "inf"]),
    "beta -1": (lambda: activations.swish(beta=-1), ["beta of swish", "-1"]),
    "delta 0": (lambda: costs.huber(0), ["delta of huber", "got 0"]),
    "delta list": (lambda: costs.huber([1.0]), ["delta of huber", "[1.0]"]),
    "level 0": (lambda: costs.quantile(0), ["levels of quantile", "between 0 and 1", "0"]),
    "level 1": (lambda: costs.quantile([0.5, 1.0]), ["levels of quantile", "between 0 and 1"]),
    "level NaN": (lambda: costs.quantile([np.nan]), ["levels of quantile", "nan"]),
    "levels twice": (lambda: costs.quantile([0.5, 0.1, 0.5]), ["levels of quantile", "different"]),
    "no levels": (lambda: costs.quantile([]), ["levels of quantile", "one or more", "[]"]),
    "levels text": (lambda: costs.quantile("0.5"), ["levels of quantile", "'0.5'"]),
    "levels (1, 2)": (lambda: costs.quantile([[0.1, 0.2]]), ["levels of quantile", "[0.1, 0.2]"]),
    "smoothing 1": (lambda: costs.log_likelihood(1.0), ["smoothing of log_likelihood", "1.0"]),
    "smoothing -0.1": (lambda: costs.log_likelihood(-0.1), ["smoothing of log_likelihood", "-0.1"]),
}


@pytest.mark.parametrize(("call", "fragments"), BAD.values(), ids=BAD)
def test_parameters_are_checked(call, fragments):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert [f for f in fragments if f not in str(caught.value)] == [], caught.value


# ---------------------------------------------------------------- in a network


def test_a_network_shows_names_where_they_say_it_all():
    net = Network(
        [4, 8, 8, 8, 3],
        hidden=[activations.leaky_relu(slope=0.2), "tanh", activations.elu()],
        output=activations.softmax(),
        cost=costs.log_likelihood(smoothing=0.1),
        seed=0,
    )
    assert net.hidden == (activations.leaky_relu(slope=0.2), "tanh", "elu")
    assert net.output == "softmax"
    assert net.cost == costs.log_likelihood(0.1)
    assert repr(net) == (
        "Network([4, 8, 8, 8, 3], hidden=[leaky_relu(slope=0.2), 'tanh', 'elu'], "
        "output='softmax', cost=log_likelihood(smoothing=0.1), bias=True, dtype='float32', seed=0)"
    )
    again = eval(repr(net), {"Network": Network, **vars(activations), **vars(costs)})
    assert (again.hidden, again.output, again.cost) == (net.hidden, net.output, net.cost)
    x = np.random.default_rng(0).normal(size=(5, 4))
    for twin in (again, pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert (twin.hidden, twin.cost, repr(twin)) == (net.hidden, net.cost, repr(net))
        np.testing.assert_array_equal(twin(x), net(x))
        assert twin.evaluate(x, [0, 1, 2, 0, 1]) == net.evaluate(x, [0, 1, 2, 0, 1])


def test_one_object_stands_for_all_hidden_layers():
    net = Network([2, 3, 4, 1], hidden=activations.swish(beta=2.0))
    assert net.hidden == (activations.swish(beta=2.0),) * 2
    assert Network([2, 1], hidden=activations.swish(beta=2.0)).hidden == ()


def test_the_parameter_makes_the_difference():
    x = np.array([[-1.0, 2.0]])
    outs = []
    for slope in (0.0, 0.5):
        output = activations.leaky_relu(slope=slope)
        net = Network([2, 2], output=output, bias=False, dtype="float64", seed=0)
        net.weights[0][...] = np.eye(2)
        outs.append(net(x)[0].tolist())
    assert outs == [[0.0, 2.0], [-0.5, 2.0]]


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ({"hidden": activations.softmax()}, ["softmax", "output layer", "hidden"]),
        ({"hidden": [activations.tanh]}, ["hidden activation", "name", "tanh"]),
        ({"hidden": costs.huber()}, ["hidden", "huber"]),
        ({"output": costs.huber()}, ["output activation", "huber"]),
        ({"cost": activations.elu()}, ["cost", "elu"]),
        ({"cost": costs.huber}, ["cost", "huber"]),
        ({"cost": costs.Cost()}, ["cost", "Cost"]),
        ({"cost": "hubre"}, ["'hubre'", "mean 'huber'"]),
        ({"hidden": "leaky-relu"}, ["'leaky-relu'", "mean 'leaky_relu'"]),
        ({"cost": costs.log_likelihood(0.1)}, ["'log_likelihood'", "'softmax'", "'sigmoid'"]),
        ({"cost": "poisson"}, ["'poisson'", "output='exponential'"]),
        ({"cost": "gaussian"}, ["'gaussian'", "output='identity'"]),
    ],
    ids=str,
)
def test_what_a_network_refuses(options, fragments):
    with pytest.raises((ValueError, TypeError)) as caught:
        Network([3, 4, 2], **options)
    assert [f for f in fragments if f not in str(caught.value)] == [], caught.value


def test_the_equations_take_objects():
    rng = np.random.default_rng(0)
    z, y, w, delta = (rng.normal(size=shape) for shape in ((5, 6), (5, 2), (4, 6), (5, 4)))
    cost, activation = costs.quantile([0.1, 0.5, 0.9]), activations.elu(alpha=0.5)
    got = equations.bp1(z, y, activation=activation, cost=cost)
    np.testing.assert_allclose(got, oracle.bp1(z, y, activation, cost), rtol=1e-13)
    np.testing.assert_allclose(equations.bp1(z[0], y[0], activation=activation, cost=cost), got[0])
    got = equations.bp2(w, delta, z, activation=activation)
    np.testing.assert_allclose(got, oracle.bp2(delta, w, z, activation), rtol=1e-13, atol=1e-15)
    with pytest.raises(ValueError, match=r"one shape, over 3 columns; got \(5, 6\) and \(5, 6\)"):
        equations.bp1(z, z, cost=cost)
    with pytest.raises(ValueError, match=r"takes 3 outputs for each target.* got 4"):
        equations.bp1(z[:, :4], y, cost=cost)
    with pytest.raises(ValueError, match=r"z and y must have one shape; got \(5, 6\) and \(5, 2\)"):
        equations.bp1(z, y)
    hinge = equations.bp1(z, z > 0, activation="identity", cost="hinge")
    np.testing.assert_array_equal(hinge, np.where(np.abs(z) < 1, -np.sign(z), 0))
