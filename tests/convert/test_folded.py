"""Layers with the scalings in them say what the network says, and the parts of a model fit."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert.assembly import assembled, named_classes
from chainrule.convert.blueprint import Layer, blueprint_of, one_chain
from chainrule.convert.folded import folded
from chainrule.convert.stack import Stack
from random_networks import HIDDEN, draw_network

SMOOTH = [each for each in HIDDEN if each != "step"]


@pytest.mark.parametrize("seed", range(100))
def test_folded_layers_say_the_same(seed):
    net, X = draw_network(seed, hidden=SMOOTH, outputs=["softmax", *SMOOTH])
    chain = one_chain(blueprint_of(net), "this")
    layers = folded(chain, "this")
    assert {each.weights.dtype for each in layers} == {net.dtype}
    again = assembled(layers, dtype=net.dtype)
    bound = 1e-4 if net.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(again(X), net(X), rtol=bound, atol=bound)
    if not net._scaling and not net._output_scaling and net.scale.size == 0:
        for layer, W in zip(layers, net.weights, strict=True):
            assert (layer.weights == W).all()


def test_an_output_that_is_no_sum_becomes_a_layer_more():
    net = cr.Network([2, 3], output="tanh", output_scale=[2, 3, 4], output_shift=5, seed=0)
    layers = folded(one_chain(blueprint_of(net), "this"), "this")
    assert [each.activation for each in layers] == ["tanh", "identity"]
    assert layers[1].weights.tolist() == np.diag([2.0, 3.0, 4.0]).tolist()
    assert layers[1].biases.tolist() == [5, 5, 5]


def test_a_product_that_the_dtype_cannot_hold_is_refused():
    net = cr.Network([1, 1], output="identity", input_scale=1e30, seed=0)
    net.weights[0][:] = 1e20
    with pytest.raises(
        ValueError, match=r"to_torch .* weights of layer 2 .* too large for float32"
    ):
        folded(one_chain(blueprint_of(net), "to_torch"), "to_torch")


@pytest.mark.parametrize(
    ("cost", "n_out"), [("gaussian", 4), (cr.costs.quantile([0.1, 0.5, 0.9]), 6)]
)
def test_costs_with_several_outputs_a_target_keep_their_units(cost, n_out):
    units = {"output_scale": [2.0, 3.0], "output_shift": [1.0, 5.0]}
    net = cr.Network([3, n_out], output="identity", cost=cost, seed=0, **units)
    blueprint = blueprint_of(net)
    assert blueprint.learned_by == net._cost
    (chain,) = blueprint.chains
    made = {"output_scaling": chain.output_scaling, "cost": blueprint.learned_by}
    again = assembled(chain.layers, **made)
    X = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(again(X), net(X))
    assert again.output_scale.tolist() == [2, 3]
    scale, shift = chain.output_scaling
    with pytest.raises(ValueError, match="scaled one by one do not go with cost"):
        assembled(chain.layers, **made | {"output_scaling": (scale + np.arange(n_out), shift)})


def test_a_cost_of_your_own_gives_way_to_the_usual_one():
    class Focal:
        def value(self, a, y):
            return ((a - y) ** 4).sum(axis=1)

        def delta(self, z, a, y):
            return 4 * (a - y) ** 3 * a * (1 - a)

    blueprint = blueprint_of(cr.Network([2, 1], cost=Focal(), seed=0))
    assert blueprint.learned_by.name == "cross_entropy"


def test_zeros_for_biases_are_biases_if_it_is_said():
    layer = Layer(np.ones((2, 3)), np.zeros(2), "tanh", 0.0)
    assert not assembled([layer]).bias
    assert assembled([layer], bias=True).bias
    assert not blueprint_of(cr.Network([3, 2], bias=False, seed=0)).chains[0].bias


def test_classes_that_are_whole_numbers():
    assert named_classes([1.0, 3.0]).dtype == np.int64
    assert named_classes(np.array([1, 3], object)).tolist() == [1, 3]
    assert named_classes(np.array(["a", "b"], object)).tolist() == ["a", "b"]
    assert named_classes([0.5, 1.0]).tolist() == [0.5, 1.0]
    assert named_classes([1e300, 2e300]).dtype == np.float64


# ---------------------------------------------------------------- parts that do not fit


def linear(stack, n_in=2, n_out=3, biases=None):
    stack.linear("part", np.ones((n_out, n_in)), biases)


@pytest.mark.parametrize(
    ("parts", "kind", "fragment"),
    [
        (lambda s: s.linear("part", [1.0], None), ValueError, r"part must be \(n_out, n_in\)"),
        (lambda s: s.linear("part", np.ones((0, 2)), None), ValueError, "got shape"),
        (lambda s: linear(s, biases=[1.0]), ValueError, r"biases of part must be \(3,\)"),
        (lambda s: linear(s, biases=[1.0, np.nan, 0]), ValueError, "biases of part must be finite"),
        (lambda s: s.linear("part", [["a"]], None), TypeError, "real numbers"),
        (lambda s: (linear(s), linear(s)), ValueError, "part reads 2 numbers, the layer before"),
        (lambda s: s.activation("part", "relu"), ValueError, "stands before all weights"),
        (lambda s: s.activation("part", "relu6"), ValueError, "'relu' is near it"),
        (
            lambda s: (linear(s), s.activation("a", "relu"), s.activation("b", "tanh")),
            ValueError,
            "b follows 'relu'",
        ),
        (
            lambda s: (linear(s), s.scaling("part", 2, 0), linear(s, 3)),
            ValueError,
            "follows a scaling that stands between layers",
        ),
        (lambda s: (linear(s), s.scaling("part", [1, 2], 0)), ValueError, "one for each column"),
        (lambda s: s.scaling("part", [1, 2], [1, 2, 3]), ValueError, "one for each column"),
        (lambda s: s.scaling("part", np.inf, 0), ValueError, "scale of part must be finite"),
        (
            lambda s: (linear(s), s.activation("a", "relu"), s.activate(None, "tanh")),
            ValueError,
            "ends in 'relu'; leave output out",
        ),
    ],
)
def test_a_part_that_does_not_go_on_is_refused(parts, kind, fragment):
    with pytest.raises(kind, match=fragment):
        parts(Stack())


def test_scalings_one_after_the_other():
    stack = Stack()
    stack.scaling("a", [2.0, 3.0], 1.0)
    stack.scaling("b", 10.0, [5.0, 6.0])
    stack.linear("c", np.eye(2), None)
    stack.scaling("d", 2.0, 1.0)
    stack.scaling("e", 3.0, 1.0)
    net = stack.network()
    assert net.dtype == np.float64
    assert net.input_scale.tolist() == [20, 30]
    assert net.input_shift.tolist() == [15, 16]
    assert (net.output_scale, net.output_shift) == (6, 4)
