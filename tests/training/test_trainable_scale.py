"""Network(trainable_scale=True): a scale s of the inputs that is learned with the weights."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from optimizer_cases import CASES, DEFAULT_RATE, TOLERANCE
from optimizer_oracle import Replay
from oracle import assert_close

DTYPES = ["float32", "float64"]
S = [1.5, -0.5, 0.0, 0.25, 2.0]  # at 0 a gradient is easily lost
RATES = [(0.5, 2.0), (1.5, 0.25), 6.0]
PENALTIES = {"l1": 0.01, "l2": 0.1, "max_norm": 0.9, "clip_norm": 0.05, "average": 0.8}


def drawn(draw_problem, rows=47, sizes=(5, 7, 3), dtype="float64", **options):
    """(net, x, y): a network whose s is S, and data."""
    options = {"hidden": "tanh"} | options
    net, x, y = draw_problem(sizes, rows, dtype=dtype, trainable_scale=True, **options)
    net.scale[:] = S
    return net, x, y


def plain(net, **options):
    """The network with W^2 diag s in the place of W^2 and s."""
    twin = cr.Network(net.sizes, hidden=net.hidden, dtype=net.dtype, seed=0, **options)
    twin.parameters = net.parameters[: twin.parameters.size]
    twin.weights[0][:] *= net.scale
    return twin


def test_it_begins_at_1_at_the_end_of_the_parameters():
    net = cr.Network([3, 4, 2], trainable_scale=True, seed=0)
    twin = cr.Network([3, 4, 2], seed=0)
    assert net.parameters.size == twin.parameters.size + 3
    assert (net.parameters[:-3] == twin.parameters).all()
    assert (net.scale == 1).all()
    assert twin.scale is None
    net.parameters[-3:] = [1, 2, 3]
    assert net.scale.tolist() == [1, 2, 3]
    net.scale[0] = 5
    assert net.parameters[-3] == 5
    assert "trainable_scale=True" in repr(net)
    assert "trainable_scale" not in repr(twin)


def test_it_does_nothing_while_it_is_1(draw_problem):
    _, x, _ = drawn(draw_problem)
    net = cr.Network([5, 7, 3], trainable_scale=True, dtype="float64", seed=0)
    twin = cr.Network([5, 7, 3], dtype="float64", seed=0)
    assert (net(x) == twin(x)).all()
    assert (net(x[0]) == twin(x[0])).all()


def test_all_that_is_asked_reads_s_x(draw_problem):
    net, x, y = drawn(draw_problem)
    twin = plain(net)
    for ask in (
        lambda net: net(x),
        lambda net: net(x[0]),
        lambda net: net(x[0].tolist()),
        lambda net: net.predict(x),
        lambda net: net.feedforward(x, threads=2),
        lambda net: net.evaluate(x, y)["cost"],
        lambda net: net.backprop(x, y, inputs=True).inputs,
        lambda net: net.jacobian(x),
        lambda net: net.jacobian(x[0]),
        lambda net: net.sensitivity(x[0]).inputs,
        lambda net: net.input_hessian(x[0], output=1),
        lambda net: np.concatenate(net.trace(x, y).delta, axis=1),
    ):
        assert_close(ask(net), ask(twin), 1e-12)


def test_a_written_scale_counts_at_once(draw_problem):
    net, x, _ = drawn(draw_problem)
    net.scale[:] = S[::-1]
    assert_close(net(x), plain(net)(x), 1e-12)
    net.weights[0][:] *= 2
    assert_close(net(x[0]), plain(net)(x[0]), 1e-12)


def by_differences(f, w, h=1e-6):
    """∂f/∂w, central, entry by entry of the writable w."""
    found = np.empty(w.size)
    for i, kept in enumerate(w.copy()):
        w[i] = kept + h
        above = f()
        w[i] = kept - h
        found[i] = (above - f()) / (2 * h)
        w[i] = kept
    return found


@pytest.mark.parametrize("rows", [47, 700])  # of one tile, and of groups of tiles
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_by_differences(draw_problem, rows, weighted):
    net, x, y = drawn(draw_problem, rows)
    weights = {"sample_weight": np.linspace(0, 2, rows)} if weighted else {}
    nabla = net.backprop(x, y, **weights)
    assert nabla.scale.shape == (5,)
    assert np.abs(nabla.scale).min() > 1e-5
    expected = by_differences(lambda: net.evaluate(x, y, **weights)["cost"], net.parameters)
    assert np.abs(expected[-5:]).min() > 1e-5
    assert_close(nabla.parameters, expected, 1e-8)


def test_gradients_of_samples_and_of_outputs_by_differences(draw_problem):
    net, x, y = drawn(draw_problem, 3)
    nabla = net.trace(x, y, gradients=True).gradients
    s = net.sensitivity(x[1])
    for i in range(3):
        of_cost = by_differences(
            lambda i=i: net.evaluate(x[i : i + 1], y[i : i + 1])["cost"], net.scale
        )
        of_output = by_differences(lambda i=i: net(x[1])[i], net.scale)
        assert np.abs(of_cost).min() > 1e-5
        assert_close(nabla.scale[i], of_cost, 1e-8)
        assert_close(s.scale[i], of_output, 1e-8)


def test_hessian_by_differences_of_gradients(draw_problem):
    net, x, y = drawn(draw_problem)
    v = np.random.default_rng(3).normal(size=net.parameters.size)
    kept, h = net.parameters.copy(), 1e-5
    ends = []
    for step in (h, -h):
        net.parameters = kept + step * v
        ends.append(net.backprop(x, y).parameters)
    net.parameters = kept
    expected = (ends[0] - ends[1]) / (2 * h)
    found = net.hessian_vector(x, y, v)
    assert np.abs(expected[-5:]).min() > 1e-4
    assert_close(found.scale, expected[-5:], 1e-8)
    assert_close(found.parameters, expected, 1e-8)


class Oracle:
    """[5, 7, 3] with tanh, sigmoid and the quadratic cost: (m, n) arrays, float64, no more."""

    def __init__(self, net):
        self.at = [each.copy() for each in (*net.weights, *net.biases, net.scale)]

    def gradient(self, x, y):
        W2, W3, b2, b3, s = self.at
        a2 = np.tanh(x @ (W2 * s).T + b2)
        a3 = 1 / (1 + np.exp(-(a2 @ W3.T + b3)))
        delta3 = (a3 - y) * a3 * (1 - a3) / len(x)
        delta2 = delta3 @ W3 * (1 - a2**2)
        by_E = delta2.T @ x
        return [by_E * s, delta3.T @ a2, delta2.sum(0), delta3.sum(0), (W2 * by_E).sum(0)]

    @property
    def parameters(self):
        W2, W3, b2, b3, s = self.at
        return np.concatenate([W2.ravel(), b2, W3.ravel(), b3, s])


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_20_steps_of_an_oracle(draw_problem, rule):
    net, x, y = drawn(draw_problem, 40)
    oracle, m, v = Oracle(net), [0] * 5, [0] * 5
    start, factors, rate = net.parameters.copy(), [0.5, 1.5, 2.0, 0.25, 6.0], 0.05
    for t in range(1, 21):
        batch = slice((t - 1) % 4 * 10, (t - 1) % 4 * 10 + 10)
        for k, g in enumerate(oracle.gradient(x[batch], y[batch])):
            if rule == "Adam":
                m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.95 * v[k] + 0.05 * g**2
                g = m[k] / (1 - 0.9**t) / (np.sqrt(v[k] / (1 - 0.95**t)) + 1e-8)
            oracle.at[k] = oracle.at[k] - rate * factors[k] * g
    optimizer = cr.SGD(rate) if rule == "SGD" else cr.Adam(rate, beta2=0.95)
    net.fit(x, y, optimizer=optimizer, epochs=5, batch_size=10, shuffle=False, rates=RATES)
    assert_close(net.parameters, oracle.parameters, 1e-11)
    assert np.abs(net.parameters - start).min() > 1e-6


@pytest.mark.parametrize("limits", [{}, PENALTIES], ids=["plain", "penalties"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_every_optimizer(draw_problem, case, dtype, limits):
    """By the replay in NumPy, which decays weights alone."""
    name, settings = CASES[case]
    net, x, y = drawn(draw_problem, dtype=dtype)
    twin, _, _ = drawn(draw_problem)
    twin.parameters = net.parameters
    replay = Replay(twin, name, **{k: v for k, v in settings.items() if k != "learning_rate"})
    factors = [1.0] * 5 if name == "Rprop" else [0.5, 2.0, 1.5, 0.25, 6.0]
    parts = (net.weights[0], net.biases[0], net.weights[1], net.biases[1], net.scale)
    each = np.concatenate([np.full(p.size, f) for p, f in zip(parts, factors, strict=True)])
    rate = settings.get("learning_rate", DEFAULT_RATE[name])
    start = net.scale.copy()
    for _ in range(5):
        given = itertools.repeat(rate if name == "Rprop" else rate * each)
        replay.epoch(x.astype(float), y.astype(float), 10, given, **limits)
    rates = None if name == "Rprop" else RATES
    rule = getattr(cr, name)(**settings)
    net.fit(x, y, optimizer=rule, epochs=5, batch_size=10, shuffle=False, rates=rates, **limits)
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert np.abs(net.scale - start).max() > 10 * TOLERANCE[dtype]
    for state in rule.states:
        assert_close(net.optimizer_state[state], replay.state[state], 100 * TOLERANCE[dtype])
    if limits:
        assert_close(net.optimizer_state["average"], replay.average, TOLERANCE[dtype])


@pytest.mark.parametrize("rows", [47, 1101])
@pytest.mark.parametrize("sizes", [(5, 40, 3), (5, 300, 300, 3)])  # by samples, by neurons
def test_threads_change_no_bit(draw_problem, rows, sizes):
    found = set()
    for threads in (1, 2, 3):
        net, x, y = drawn(draw_problem, rows, sizes, dtype="float32")
        net.fit(x, y, optimizer=cr.Adam(0.01), epochs=2, batch_size=rows, threads=threads)
        found.add(net.parameters.tobytes())
    assert len(found) == 1


def test_0_freezes_it(draw_problem):
    net, x, y = drawn(draw_problem)
    options = {"optimizer": cr.Adam(0.01), "epochs": 2, "batch_size": 10}
    net.fit(x, y, **options)
    before, state = net.parameters.copy(), net.optimizer_state["mean"].copy()
    net.fit(x, y, **options, rates=[1, 1, 0])
    assert (net.scale == before[-5:]).all()
    assert (net.optimizer_state["mean"][-5:] == state[-5:]).all()
    assert (net.parameters[:-5] != before[:-5]).mean() > 0.9
    frozen = net.parameters.copy()
    net.fit(x, y, **options, rates=[0, 0, 1])
    assert (net.parameters[:-5] == frozen[:-5]).all()
    assert (net.scale != frozen[-5:]).all()
