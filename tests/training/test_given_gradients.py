"""Derivatives given in the place of a cost, the gradients by inputs, and steps by them.

Held against backpropagation written out in NumPy float64 (`oracle`), and against differences.
"""

import itertools

import numpy as np
import pytest

import chainrule as cr
import oracle
from carried import carried
from differences import AGREEMENT, differences
from oracle import assert_close
from refusals import refuse

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
SIZES = [5, 7, 6, 3]


def problem(dtype="float64", rows=20, **options):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(rows, SIZES[0])).astype(dtype)
    G = rng.normal(size=(rows, SIZES[-1])).astype(dtype)
    options = {"hidden": ["tanh", "softplus"], "output": "identity"} | options
    return cr.Network(SIZES, dtype=dtype, seed=2, **options), X, G


def by_hand(net, X, given, by_outputs, weights=None):
    """Return ∂C/∂W, ∂C/∂b by layer, means by weight, and each sample's own ∂C_i/∂a^1."""
    twin = oracle.copy_of(net)
    zs, activations = oracle.feedforward(twin, X)
    weights = np.ones(len(X)) if weights is None else weights
    delta = oracle.float64(given)
    if by_outputs:
        delta = oracle.pull_back(twin.activations[-1], zs[-1], delta)
    share = (weights / weights.sum())[:, None]
    nabla_w, nabla_b = [], []
    for i in range(len(zs) - 1, -1, -1):
        below = activations[i - 1] if i else oracle.float64(X)
        nabla_w.insert(0, (share * delta).T @ below)
        nabla_b.insert(0, (share * delta).sum(axis=0))
        pulled = delta @ twin.weights[i]
        delta = oracle.pull_back(twin.activations[i - 1], zs[i - 1], pulled) if i else pulled
    return nabla_w, nabla_b, delta


@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax", "tanh", "exponential"])
@pytest.mark.parametrize("way", ["output_gradient", "output_delta"])
@pytest.mark.parametrize("weighted", [False, True])
def test_backprop_by_hand(output, way, weighted, dtype):
    cost = "log_likelihood" if output == "softmax" else "quadratic"
    net, X, G = problem(dtype, output=output, cost=cost)
    weights = np.random.default_rng(3).uniform(0.5, 2, len(X)) if weighted else None
    nabla = net.backprop(X, **{way: G}, inputs=True, sample_weight=weights)
    expected = by_hand(net, X, G, way == "output_gradient", weights)
    for got, wanted in zip((nabla.weights, nabla.biases), expected[:2], strict=True):
        for ours, theirs in zip(got, wanted, strict=True):
            assert np.abs(theirs).max() > 1e-3
            assert_close(ours, theirs, TOLERANCE[dtype])
    assert_close(nabla.inputs, expected[2], TOLERANCE[dtype])
    assert nabla.inputs.shape == X.shape
    assert nabla.cost is None


class Loss:
    """L(a) = Σ sin(a_0 a_1) + a_2³, any function that the package does not know."""

    @staticmethod
    def value(a):
        return np.sin(a[:, 0] * a[:, 1]) + a[:, 2] ** 3

    @staticmethod
    def slope(a):
        inner = np.cos(a[:, 0] * a[:, 1])
        return np.stack([inner * a[:, 1], inner * a[:, 0], 3 * a[:, 2] ** 2], axis=1)


SCALES = {"input_scale": [2.0, 0.5, 1, 3, 1], "input_shift": 0.1,
          "output_scale": [2.0, 0.5, 1.5], "output_shift": [0.3, 0, -1]}  # fmt: skip


@pytest.mark.parametrize("options", [{}, SCALES, {"output": "softmax"}])
def test_gradients_agree_with_differences(options):
    """Of what the network says, in its units, by parameters and by inputs as they are given."""
    net, X, _ = problem(**options)
    nabla = net.backprop(X, output_gradient=Loss.slope(net(X)), inputs=True)
    by_parameters = differences(lambda: Loss.value(net(X)).mean(), net.parameters)
    scale = np.abs(by_parameters).max()
    assert scale > 0.01
    assert np.abs(nabla.parameters - by_parameters).max() < AGREEMENT * scale
    flat = X.reshape(-1)
    by_inputs = differences(lambda: Loss.value(net(X)).sum(), flat).reshape(X.shape)
    assert np.abs(by_inputs).max() > 0.01
    assert np.abs(nabla.inputs - by_inputs).max() < AGREEMENT * max(1, np.abs(by_inputs).max())


@pytest.mark.parametrize("options", [{}, SCALES])
def test_inputs_of_a_cost_agree_with_differences_whatever_the_weights(options):
    net, X, Y = problem(**options)

    def own_costs():
        return np.sum([net.evaluate(x[None], y[None])["cost"] for x, y in zip(X, Y, strict=True)])

    expected = differences(own_costs, X.reshape(-1)).reshape(X.shape)
    for weights in (None, np.linspace(0, 2, len(X))):
        nabla = net.backprop(X, Y, inputs=True, sample_weight=weights)
        assert np.abs(expected).max() > 0.01
        assert np.abs(nabla.inputs - expected).max() < AGREEMENT * np.abs(expected).max()
        assert nabla.cost == net.evaluate(X, Y, sample_weight=weights)["cost"]
    assert net.backprop(X, Y).inputs is None


def test_inputs_by_the_jacobian():
    net, X, G = problem(**SCALES)
    own = net.backprop(X, output_gradient=G, inputs=True).inputs
    np.testing.assert_allclose(own, np.einsum("mq,mqk->mk", G, net.jacobian(X)), atol=1e-12)


@pytest.mark.parametrize("rows", [1, 700, 3000])  # a tile, tiles, groups of tiles
@pytest.mark.parametrize("threads", [1, 2])
def test_the_bits_of_the_cost_whose_derivative_it_is(rows, threads, dtype):
    net, X, Y = problem(dtype, rows)
    expected = net.backprop(X, Y, inputs=True, threads=1)
    trace = net.trace(X, Y)
    for given in ({"output_delta": trace.delta[-1]}, {"output_gradient": trace.a[-1] - Y}):
        nabla = net.backprop(X, **given, inputs=True, threads=threads)
        assert nabla.parameters.tobytes() == expected.parameters.tobytes()
        assert nabla.inputs.tobytes() == expected.inputs.tobytes()


def test_a_delta_of_softmax_where_the_output_underflows():
    net, X, _ = problem("float32", output="softmax", cost="log_likelihood")
    net.biases[-1][:] = [0, -200, 0]
    actions, returns = np.full(len(X), 1), np.linspace(-1, 2, len(X), dtype="f4")
    delta = returns[:, None] * (net(X) - np.eye(3, dtype="f4")[actions])  # ∂(-R ln π)/∂z
    nabla = net.backprop(X, output_delta=delta)
    assert np.isfinite(nabla.parameters).all()
    assert nabla.biases[-1][1] == pytest.approx(-returns.mean(), rel=1e-5)


@pytest.mark.parametrize("way", ["output_gradient", "output_delta"])
@pytest.mark.parametrize("options", [{}, SCALES])
def test_steps_by_given_derivatives(way, options, dtype):
    net, X, G = problem(dtype, **options)
    twin, apart = net.copy(), net.copy()
    nabla = twin.backprop(X, **{way: G})
    trainer = net.trainer(cr.SGD(0.5))
    assert trainer.step(X, **{way: G}) is None
    assert_close(net.parameters, twin.parameters - 0.5 * nabla.parameters, TOLERANCE[dtype])
    assert np.abs(net.parameters - twin.parameters).max() > 0.01
    assert (trainer.steps, trainer.samples) == (1, len(X))
    net, other = apart, apart.copy()
    step, apply = (
        net.trainer(cr.Adam(0.1), clip_norm=0.5),
        other.trainer(cr.Adam(0.1), clip_norm=0.5),
    )
    for given in (G, G.astype("f8"), G.tolist(), np.asfortranarray(G)):
        apply.apply(other.backprop(X, **{way: given}))
        step.step(X, **{way: given})
        assert carried(net) == carried(other)


def test_given_derivatives_with_sample_weights_dropout_and_one_output():
    net = cr.Network([5, 8, 1], dtype="float64", output="identity", seed=1)
    X, Y = np.random.default_rng(0).normal(size=(2, 12, 5))
    weights = np.linspace(0, 1, 12)
    twin = net.copy()
    ours, theirs = (n.trainer(cr.Adam(), dropout=0.5) for n in (net, twin))
    y = Y[:, 0].copy()
    for _ in range(3):
        # of one output the derivative may be (m,), as targets
        theirs.step(X, y, sample_weight=weights)
        state = twin.optimizer_state["mean_square"].copy()
        assert ours.step(X, output_delta=np.ones(12), sample_weight=weights) is None
        assert not np.array_equal(state, net.optimizer_state["mean_square"])
    assert (ours.steps, ours.samples) == (3, 36)


@pytest.mark.parametrize("integers", ["i4", "i8", "u1"])
@pytest.mark.parametrize("cost", ["quadratic", "huber", "absolute_error"])
def test_an_action_costs_its_output_alone(cost, integers, dtype):
    (net, X, Y), (twin, *_) = problem(dtype, cost=cost), problem(dtype, cost=cost)
    rng = np.random.default_rng(8)
    actions = rng.integers(0, 3, len(X))
    q = Y[:, 0].copy()
    ours, theirs = net.trainer(cr.Adam()), twin.trainer(cr.Adam())
    for value in (q, q.astype("f8"), q.tolist(), q):
        got = ours.step(X, value, actions=actions.astype(integers))
        one_hot = np.eye(3)[actions]
        expected = theirs.step(X, Y[:, :1].repeat(3, axis=1), output_weight=one_hot)
        assert got == expected > 0
        assert net.parameters.tobytes() == twin.parameters.tobytes()
    outputs = net(X)[np.arange(len(X)), actions]
    if cost == "quadratic":
        mean = ((outputs - q) ** 2).mean() / 2
        assert ours.step(X, q, actions=actions) == pytest.approx(mean, rel=1e-4)


def test_actions_with_scaled_outputs_levels_and_sample_weights():
    rng = np.random.default_rng(8)
    actions, w = rng.integers(0, 3, 20), rng.uniform(1, 2, 20)
    scaled, X, Y = problem(**SCALES)
    levels = cr.costs.quantile([0.1, 0.5])
    of_levels = cr.Network([5, 7, 6], dtype="float64", output="identity", cost=levels, seed=0)
    for net in (scaled, of_levels):
        twin, q = net.copy(), Y[:, 0].copy()
        ours, theirs = net.trainer(cr.Adam()), twin.trainer(cr.Adam())
        for weights in (None, w, None):
            got = ours.step(X, q, actions=actions, sample_weight=weights)
            expected = theirs.step(
                X, q[:, None].repeat(3, axis=1), output_weight=np.eye(3)[actions],
                sample_weight=weights,
            )  # fmt: skip
            assert got == expected
            assert net.parameters.tobytes() == twin.parameters.tobytes()


def test_actions_of_a_cost_that_is_no_sum_over_outputs():
    net, X, _ = problem(output="softmax", cost="log_likelihood")
    trainer = net.trainer(cr.Adam())
    for _ in range(2):
        refuse(
            lambda: trainer.step(X, np.ones(20), actions=np.zeros(20, int)),
            ValueError,
            ["sum over the targets", "log_likelihood is of the class"],
            net,
        )


# ------------------------------------------------------------------------------ apply


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": cr.Adam()},
        {"optimizer": cr.SGD(0.1, momentum=0.9), "l1": 1e-3, "l2": 1e-2},
        {"optimizer": cr.RMSprop(), "clip_value": 0.01, "clip_norm": 0.02, "max_norm": 0.8},
        {"optimizer": cr.AdamW(cr.StepDecay(0.1, 0.5, 1)), "average": 0.5, "steps_per_epoch": 3},
        {"optimizer": cr.SGD(0.1), "clip_norm": 0.1},
    ],
    ids=lambda options: repr(options["optimizer"])[:12],
)
def test_an_applied_gradient_is_a_step(options, dtype):
    net, X, Y = problem(dtype)
    twin = net.copy()
    ours, theirs = net.trainer(**options), twin.trainer(**options)
    for _ in range(2):
        for flat in (False, True, False):
            nabla = net.backprop(X, Y)
            ours.apply(nabla.parameters.tolist() if flat else nabla)
            theirs.step(X, Y)
            assert carried(net) == carried(twin)
        ours.end_epoch()
        theirs.end_epoch()
    assert ours.steps == 0
    assert np.abs(net.parameters - problem(dtype)[0].parameters).max() > 1e-3


def test_an_applied_gradient_of_plain_descent():
    net, *_ = problem()
    before = net.parameters.copy()
    net.trainer(cr.SGD(0.5), l2=0.1).apply(np.ones_like(before))
    expected = before - 0.5
    start = 0
    for n_in, n_out in itertools.pairwise(SIZES):
        expected[start : start + n_in * n_out] -= 0.05 * before[start : start + n_in * n_out]
        start += (n_in + 1) * n_out
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-12)


def test_apply_refuses_and_leaves_what_it_was_given():
    net, X, Y = problem()
    trainer = net.trainer(cr.Adam(), clip_value=0.01)
    nabla = net.backprop(X, Y)
    kept = nabla.parameters.copy()
    trainer.apply(nabla)
    np.testing.assert_array_equal(nabla.parameters, kept)
    for wrong, exception, fragments in (
        (kept[1:], ValueError, ["gradient must have the shape"]),
        (np.full_like(kept, np.nan), ValueError, ["gradient must be finite"]),
        ("steep", TypeError, ["gradient must hold real numbers"]),
    ):
        refuse(lambda w=wrong: trainer.apply(w), exception, fragments, net)
    assert trainer.steps == 1


# ------------------------------------------------------------------------------ refusals


def test_backprop_refuses():
    net, X, G = problem()
    for options, exception, fragments in (
        ({}, TypeError, ["exactly one of", "got none"]),
        ({"Y": G, "output_delta": G}, TypeError, ["y and output_delta"]),
        ({"output_gradient": G, "output_delta": G}, TypeError, ["exactly one"]),
        ({"output_gradient": G[1:]}, ValueError, ["output_gradient must be (20, 3)"]),
        ({"output_delta": G * np.inf}, ValueError, ["output_delta must be finite"]),
        ({"output_delta": G, "output_weight": G}, ValueError, ["multiply output_delta by it"]),
        ({"Y": G, "inputs": 1}, TypeError, ["inputs must be True or False"]),
    ):
        refuse(lambda o=options: net.backprop(X, **o), exception, fragments, net)
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    refuse(lambda: net.backprop(sparse, G, inputs=True), TypeError, ["X.toarray()"], net)
    nabla = net.backprop(sparse, output_gradient=G)
    np.testing.assert_allclose(
        nabla.parameters, net.backprop(X, output_gradient=G).parameters, atol=1e-14
    )
    steps, *_ = problem(hidden="step")
    refuse(lambda: steps.backprop(X, output_gradient=G), ValueError, ["step units"], steps)
    opened, *_ = problem(input_scale="standard")
    refuse(lambda: opened.backprop(X, output_gradient=G), ValueError, ["first fit"], opened)
