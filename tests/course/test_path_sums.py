"""The gradient as a sum over paths: by hand, against the definitions, and against backprop."""

import doctest
import importlib
from itertools import product
from math import log

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import paths
from problems import draw_problem

SIZES = (3, 4, 3, 2)


# ---------------------------------------------------------------- by hand


@pytest.fixture
def chain():
    """The four neurons in a row of the book's chapter 5, behind the input x = 4; y = 1.

    The biases are such that every a is a fraction: σ(ln r) = r/(1+r), σ'(ln r) = r/(1+r)².
        z_1 = ¼·4 + b_1  = ln 3    a_1 = 3/4   σ'(z_1) = 3/16     b_1 = ln 3 - 1
        z_2 = 2·¾ + b_2  = 0       a_2 = 1/2   σ'(z_2) = 1/4      b_2 = -3/2
        z_3 = -3·½ + b_3 = ln 4    a_3 = 4/5   σ'(z_3) = 4/25     b_3 = ln 4 + 3/2
        z_4 = 5·⅘ + b_4  = ln 1.5  a_4 = 3/5   σ'(z_4) = 6/25     b_4 = ln 1.5 - 4
    C = ½(y - a_4)², so ∂C/∂a_4 = a_4 - y = -2/5 and δ_4 = -2/5 · 6/25 = -0.096.
    """
    net = chainrule.Network([1, 1, 1, 1, 1], dtype="float64", seed=0)
    weights, biases = [0.25, 2, -3, 5], [log(3) - 1, -1.5, log(4) + 1.5, log(1.5) - 4]
    for i in range(4):
        net.weights[i][...], net.biases[i][...] = weights[i], biases[i]
    return net


def test_the_chain_of_chapter_5(chain):
    # ∂C/∂b_1 = σ'(z_1) w_2 σ'(z_2) w_3 σ'(z_3) w_4 σ'(z_4) ∂C/∂a_4
    #         = 3/16 · 2 · 1/4 · (-3) · 4/25 · 5 · (-0.096)
    #         = 0.1875 · 2 = 0.375;  · 0.25 = 0.09375;  · (-3) = -0.28125;  · 0.16 = -0.045;
    #           · 5 = -0.225;  · (-0.096) = 0.0216
    found = paths(chain, [4], [1], layer=2, j=0, k=None)
    (path,) = found
    assert path.neurons == (0, 0, 0, 0)
    factors = [-0.096, 5, 4 / 25, -3, 1 / 4, 2, 3 / 16, 1]
    np.testing.assert_allclose(path.factors, factors, rtol=1e-13)
    assert path.product == pytest.approx(0.0216, rel=1e-13)
    assert found.total == path.product
    assert found.backprop == pytest.approx(0.0216, rel=1e-13)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (2, 4 * 0.0216),  # ∂C/∂w_1 = ∂C/∂b_1 · x
        (3, 0.0432),  # a_1 σ'(z_2) w_3 σ'(z_3) w_4 δ_4 = 3/4 · 1/4 · (-3) · 4/25 · 5 · (-0.096)
        (4, -0.0384),  # a_2 σ'(z_3) w_4 δ_4 = 1/2 · 4/25 · 5 · (-0.096)
        (5, -0.0768),  # a_3 δ_4 = 4/5 · (-0.096)
    ],
)
def test_the_weights_of_the_chain(chain, layer, expected):
    assert paths(chain, [4], [1], layer, 0, 0).total == pytest.approx(expected, rel=1e-13)


def test_written_out(chain):
    assert str(paths(chain, [4], [1], 4, 0, 0)).splitlines() == [
        "∂C/∂w^4_0,0 is the sum over 1 path of δ^5 · w^5 · σ'(z^4) · a^3",
        "0 → 0          -0.096 ·           5 ·        0.16 ·         0.5 =       -0.0384",
        "total                                                                   -0.0384",
        "backprop                                                                -0.0384",
    ]
    found = paths(chain, [4], [1], 2, 0, None)
    assert str(found).startswith(
        "∂C/∂b^2_0 is the sum over 1 path of "
        "δ^5 · w^5 · σ'(z^4) · w^4 · σ'(z^3) · w^3 · σ'(z^2) · 1\n0 → 0 → 0 → 0 "
    )
    assert repr(found) == "<Paths: ∂C/∂b^2_0 = 0.0216 by 1 path>"


def test_each_path_has_its_line():
    net, x, y = draw_problem(SIZES, 1, hidden="tanh", output="softmax")
    found = paths(net, x[0], y[0], 2, 3, 1)
    assert repr(found).endswith(" by 6 paths>")
    heading, *lines, total, backprop = str(found).splitlines()
    assert "6 paths of δ^4 · w^4 · σ'(z^3) · w^3 · σ'(z^2) · a^1" in heading
    assert len({len(line) for line in [*lines, total, backprop]}) == 1
    for path, line in zip(found, lines, strict=True):
        assert line.startswith(" → ".join(map(str, path.neurons)))
        left, right = line[len("3 → 0 → 0") :].split("=")
        np.testing.assert_allclose(list(map(float, left.split("·"))), path.factors, rtol=1e-3)
        assert float(right) == pytest.approx(path.product, rel=1e-5)
    assert float(total.split()[1]) == pytest.approx(found.total, rel=1e-5)
    assert float(backprop.split()[1]) == pytest.approx(found.backprop, rel=1e-5)


# ---------------------------------------------------------------- every weight of a network


def places(sizes, bias):
    """(layer, j, k) of every weight, and with k = None of every bias."""
    for layer in range(2, len(sizes) + 1):
        for j in range(sizes[layer - 1]):
            ks = list(range(sizes[layer - 2]))
            yield from ((layer, j, k) for k in ks + [None] * bias)


def check_all(net, x, y, tolerance, expected):
    """The total for every parameter, against gradients `expected` (weights, biases)."""
    weights, biases = expected
    for layer, j, k in places(net.sizes, net.bias):
        found = paths(net, x, y, layer, j, k)
        wanted = biases[layer - 2][j] if k is None else weights[layer - 2][j, k]
        scale = sum(abs(path.product) for path in found)
        assert abs(found.total - wanted) <= tolerance * scale, (layer, j, k)
        assert abs(found.backprop - wanted) <= tolerance * scale, (layer, j, k)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
@pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
def test_the_paths_add_up_to_the_gradient(hidden, output, cost, bias):
    net, x, y = draw_problem(SIZES, 1, hidden=hidden, output=output, cost=cost, bias=bias)
    nabla = net.backprop(x, y)
    check_all(net, x[0], y[0], 1e-12, (nabla.weights, nabla.biases))
    check_all(net, x[0], y[0], 1e-12, oracle.backprop(oracle.copy_of(net), x, y)[:2])


@pytest.mark.parametrize("hidden", oracle.HIDDEN, ids=str)
def test_of_every_hidden_activation(hidden):
    net, x, y = draw_problem(SIZES, 1, hidden=hidden)
    check_all(net, x[0], y[0], 1e-12, oracle.backprop(oracle.copy_of(net), x, y)[:2])


@pytest.mark.parametrize(
    ("output", "cost"), [("identity", "gaussian"), ("tanh", chainrule.costs.quantile([0.1, 0.6]))]
)
def test_of_costs_with_two_outputs_for_a_target(output, cost):
    net, x, y = draw_problem((3, 4, 4), 1, hidden="gelu", output=output, cost=cost)
    assert y.shape == (1, 2)
    check_all(net, x[0], y[0], 1e-12, oracle.backprop(oracle.copy_of(net), x, y)[:2])


@pytest.mark.parametrize("hidden", ["sigmoid", "relu"])
def test_in_float32(hidden):
    net, x, y = draw_problem(SIZES, 1, hidden=hidden, dtype="float32")
    check_all(net, x[0], y[0], 2e-6, oracle.backprop(oracle.copy_of(net), x, y)[:2])


def test_each_hidden_layer_has_its_own_activation():
    hidden = ["tanh", "sigmoid"]
    net, x, y = draw_problem(SIZES, 1, hidden=hidden, output="softmax", cost="log_likelihood")
    check_all(net, x[0], y[0], 1e-12, oracle.backprop(oracle.copy_of(net), x, y)[:2])


@pytest.mark.parametrize("layer", [2, 3, 4])
def test_the_factors_are_those_of_the_formula(layer):
    net, x, y = draw_problem(SIZES, 1, hidden=["tanh", "sigmoid"], output="identity")
    twin = oracle.copy_of(net)
    zs, activations = oracle.feedforward(twin, x)
    z = {layer: zs[layer - 2][0] for layer in (2, 3, 4)}
    a = {1: x[0], **{layer: activations[layer - 2][0] for layer in (2, 3, 4)}}
    w = {layer: twin.weights[layer - 2] for layer in (2, 3, 4)}
    prime = {2: lambda z: 1 - np.tanh(z) ** 2, 3: oracle.PRIME["sigmoid"], 4: lambda z: 1.0}
    j, k = 1, 2
    found = paths(net, x[0], y[0], layer, j, k)
    above = [range(n) for n in SIZES[layer:]]
    assert [path.neurons for path in found] == list(product([j], *above))
    for path in found:
        at = dict(zip(range(layer, 5), path.neurons, strict=True))
        # ∂C/∂a^L_m σ'(z^L_m), w^L_mn, σ'(z^{L-1}_n), ..., a^{l-1}_k
        expected = [(a[4][at[4]] - y[0][at[4]]) * prime[4](z[4][at[4]])]
        for upper in range(4, layer, -1):
            expected.append(w[upper][at[upper], at[upper - 1]])
            expected.append(prime[upper - 1](z[upper - 1][at[upper - 1]]))
        expected.append(a[layer - 1][k])
        np.testing.assert_allclose(path.factors, expected, rtol=1e-12)
        assert path.product == pytest.approx(np.prod(expected), rel=1e-12)
    assert len(found) == len(list(found)) == np.prod(SIZES[layer:], dtype=int)
    assert found[-1] == list(found)[-1]
    assert (found.layer, found.j, found.k) == (layer, j, k)


def test_saturated_cross_entropy():
    # a = σ(800) = 1 exactly and y = 0: ∂C/∂a is ∞ and σ' is 0, their product δ = a - y is 1.
    net = chainrule.Network([1, 1], cost="cross_entropy", dtype="float64", init="zeros")
    net.weights[0][...] = 400
    found = paths(net, [2.0], [0.0], 2, 0, 0)
    assert found[0].factors == (1.0, 2.0)
    assert found.total == found.backprop == 2.0


def test_labels_stand_for_one_hot_rows():
    net, x, _ = draw_problem((3, 4, 3), 1, output="softmax", cost="log_likelihood")
    label = paths(net, x[0], 2, 2, 1, 1)
    row = paths(net, x[0], [0, 0, 1], 2, 1, 1)
    assert [path.factors for path in label] == [path.factors for path in row]
    assert label.total == pytest.approx(net.backprop(x, np.array([2])).weights[0][1, 1], rel=1e-12)


def test_one_output_takes_a_number():
    net, x, _ = draw_problem((3, 2, 1), 1)
    assert paths(net, x[0], 0.5, 2, 1, 1).total == paths(net, x[0], [0.5], 2, 1, 1).total


# ---------------------------------------------------------------- what is refused


class Untouched(chainrule.Network):
    """A network that may be asked for nothing but its shape."""

    def trace(self, X, Y):
        raise AssertionError("computed something")

    backprop = trace


def ask(net, **given):
    return paths(net, **{"x": [1, 2, 3], "y": [0, 1], "layer": 2, "j": 0, "k": 0, **given})


BAD = {
    "layer 1": ({"layer": 1}, ValueError, "layer must be from 2 to 4; got 1"),
    "layer 5": ({"layer": 5}, ValueError, "layer must be from 2 to 4; got 5"),
    "layer 2.0": ({"layer": 2.0}, TypeError, "layer must be a whole number"),
    "j 4": ({"j": 4}, ValueError, "j, a neuron of layer 2, must be from 0 to 3; got 4"),
    "j -1": ({"j": -1}, ValueError, "j, a neuron of layer 2, must be from 0 to 3; got -1"),
    "j None": ({"j": None}, TypeError, "j, a neuron of layer 2, must be a whole number"),
    "k 3": ({"k": 3}, ValueError, "k, a neuron of layer 1, must be from 0 to 2; got 3"),
    "k above": ({"layer": 4, "k": 3}, ValueError, "k, a neuron of layer 3, must be from 0 to 2"),
    "limit 5": ({"limit": 5}, ValueError, "from layer 2 there are 6 paths, more than limit=5"),
    "limit 0": ({"limit": 0}, ValueError, "limit must be 1 or more"),
    "two samples": ({"x": np.ones((2, 3))}, ValueError, r"one sample, \(3,\); got shape \(2, 3\)"),
    "a row": ({"x": np.ones((1, 3))}, ValueError, r"x must be one sample, \(3,\); got .*\(1, 3\)"),
    "x short": ({"x": [1, 2]}, ValueError, r"x must be one sample, \(3,\); got shape \(2,\)"),
    "y long": ({"y": [0, 1, 0]}, ValueError, r"one sample, \(2,\) or an integer label; .*\(3,\)"),
    "y rows": (
        {"y": np.ones((2, 2))},
        ValueError,
        r"y must be .* one sample, .*got shape \(2, 2\)",
    ),
    "x text": ({"x": "abc"}, TypeError, "x must hold real numbers"),
}


@pytest.mark.parametrize(("given", "exception", "message"), list(BAD.values()), ids=list(BAD))
def test_bad_input_is_refused_before_anything_is_computed(given, exception, message):
    with pytest.raises(exception, match=message):
        ask(Untouched(SIZES, seed=0), **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": [1, 2, np.nan]}, "must be finite"),
        ({"y": [0, np.inf]}, "y must be finite"),
        ({"y": 2}, "y, a label, must be from 0 to 1; got 2"),
        ({"y": 0.5}, r"y must be the target of one sample, \(2,\) or an integer label; got 0.5"),
    ],
)
def test_values_that_do_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        ask(chainrule.Network(SIZES, seed=0), **given)


def test_the_limit_is_reached_at_the_limit():
    assert len(ask(chainrule.Network(SIZES, seed=0), limit=6)) == 6
    wide = Untouched([3, 1, 100, 101, 2], seed=0)
    with pytest.raises(ValueError, match="there are 20200 paths, more than limit=10000"):
        ask(wide)


def test_no_bias_to_ask_for():
    with pytest.raises(ValueError, match="k=None is for a bias, and the network has none"):
        ask(Untouched(SIZES, bias=False, seed=0), k=None)


def test_no_network():
    with pytest.raises(TypeError, match=r"net must be a chainrule\.Network; got list"):
        ask([3, 2])


def test_the_example():
    results = doctest.testmod(importlib.import_module("chainrule.course.path_sums"))
    assert results.attempted > 0
    assert results.failed == 0
