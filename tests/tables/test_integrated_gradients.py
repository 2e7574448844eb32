"""Integrated gradients against sums that must come out, and against a slow oracle."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.checks.sparse_rows import as_sparse_rows
from chainrule.tables.attributions import AT_ONCE, NODES, Answer, integrated_gradients, of_columns
from oracle import ACTIVATION, softmax

KINDS = {
    "values": {"output": "identity", "cost": "quadratic"},
    "classes": {"output": "softmax", "cost": "log_likelihood"},
}


def ensemble(kind, hidden, dtype="float64", sizes=(4, 7, 5), weights=(1, 3)):
    sizes = (*sizes, 3 if kind == "classes" else 1)
    nets = [
        cr.Network(sizes, hidden=hidden, init="large", seed=k, dtype=dtype, **KINDS[kind])
        for k in range(len(weights))
    ]
    return cr.Ensemble(nets, weights)


def rows(m, kind, inputs=4):
    rng = np.random.default_rng(3)
    x = 2 * rng.standard_normal((m, inputs))
    return x, rng.integers(0, 3 if kind == "classes" else 1, m)


def answer(nets, x, picked, hidden):
    """f (m,) in plain NumPy."""
    said = []
    for net in nets:
        a = x
        for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
            a = ACTIVATION[hidden](a @ w.T + b)
        z = a @ net.weights[-1].T + net.biases[-1]
        said.append(softmax(z) if z.shape[1] > 1 else z)
    mean = np.average(said, axis=0, weights=nets.weights)
    return mean[np.arange(len(x)), picked]


@pytest.mark.parametrize("hidden", ["tanh", "mish", "selu"])
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_integrals_of_differences(kind, hidden):
    nets = ensemble(kind, hidden)
    x, picked = rows(5, kind)
    points = ((np.arange(2000)[:, None, None] + 0.5) / 2000 * x).reshape(-1, 4)
    many, expected = np.tile(picked, 2000), np.zeros(x.shape)
    for k in range(4):
        step = 1e-5 * np.eye(4)[k]
        up, down = (answer(nets, points + h, many, hidden) for h in (step, -step))
        expected[:, k] = x[:, k] * ((up - down) / 2e-5).reshape(-1, 5).mean(axis=0)
    largest = np.abs(expected).max()
    found, _ = integrated_gradients(Answer(nets, picked), x, 3e-4 * largest)
    assert np.abs(expected).max(axis=1).min() > 0.01 * largest
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * largest)


@pytest.mark.parametrize("hidden", ["tanh", "selu", "relu"])
@pytest.mark.parametrize("kind", KINDS)
def test_they_sum_to_what_the_answer_has_gained(kind, hidden, dtype):
    nets = ensemble(kind, hidden, dtype)
    x, picked = rows(40, kind)
    x = x.astype(dtype)
    gained = answer(nets, x, picked, hidden) - answer(nets, 0 * x, picked, hidden)
    for tolerance in np.abs(gained).max() * np.array([1e-2, 1e-3]):
        found, missed = integrated_gradients(Answer(nets, picked), x, tolerance)
        assert missed.max() <= tolerance
        assert np.abs(found.sum(axis=1) - gained).max() < 1.01 * tolerance


def test_of_a_linear_network_they_are_its_products():
    nets = ensemble("values", "identity")
    x, picked = rows(6, "values")
    by_net = [net.weights[2] @ net.weights[1] @ net.weights[0] for net in nets]
    expected = x * np.average(by_net, axis=0, weights=[1, 3])
    for found in (
        integrated_gradients(Answer(nets, picked), x, 1e-9)[0],
        x * Answer(nets, picked).slopes(x),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_gradients_are_those_at_the_row_itself():
    nets = ensemble("classes", "tanh")
    x, picked = rows(6, "classes")
    found = x * Answer(nets, picked).slopes(x)
    for k in range(4):
        step = 1e-6 * np.eye(4)[k]
        up, down = (answer(nets, x + h, picked, "tanh") for h in (step, -step))
        np.testing.assert_allclose(found[:, k], x[:, k] * (up - down) / 2e-6, atol=1e-8)


ALL = [slice(k, k + 1) for k in range(4)]


@pytest.mark.parametrize("sparse", [False, True])
def test_many_rows_are_as_some_and_columns_have_the_sums_of_their_inputs(sparse):
    nets = ensemble("classes", "tanh")
    x, picked = rows(AT_ONCE // (4 * NODES) + 7, "classes")
    x[:, 1] *= x[:, 1] > 0
    expected = [
        integrated_gradients(Answer(nets, picked[part]), x[part], 1e-6)[0]
        for part in (slice(0, 3), slice(-9, None))
    ]
    if sparse:
        x = as_sparse_rows("X", pytest.importorskip("scipy.sparse").csr_array(x))
    found = of_columns(Answer(nets, picked), x, ALL, 1e-6)
    np.testing.assert_allclose(found[:3], expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[-9:], expected[1], rtol=0, atol=1e-12)
    pairs = of_columns(Answer(nets, picked), x, [slice(0, 3), slice(3, 3), slice(3, 4)], 1e-6)
    together = [found[:, :3].sum(axis=1), np.zeros(len(found)), found[:, 3]]
    np.testing.assert_allclose(pairs, np.stack(together, axis=1), rtol=0, atol=1e-12)


def test_what_cannot_be_reached_is_said():
    nets = ensemble("values", "relu", "float32")
    x, picked = rows(3, "values")
    with pytest.warns(UserWarning, match=r"of 3 rows do not sum .* within 1e-12.*larger tolerance"):
        of_columns(Answer(nets, picked), x, ALL, 1e-12)


@pytest.mark.parametrize("temperature", [0.6, 2.5])
def test_with_a_temperature_they_are_of_the_tempered_probability(temperature):
    nets = ensemble("classes", "tanh")
    x, picked = rows(20, "classes")
    of_all = np.stack([answer(nets, x, np.full(20, k), "tanh") for k in range(3)], axis=1)
    at_0 = np.stack([answer(nets, 0 * x, np.full(20, k), "tanh") for k in range(3)], axis=1)
    f = [(p ** (1 / temperature)) for p in (of_all, at_0)]
    f = [(p / p.sum(axis=1, keepdims=True))[np.arange(20), picked] for p in f]
    found, _ = integrated_gradients(Answer(nets, picked, temperature), x, 1e-6)
    np.testing.assert_allclose(found.sum(axis=1), f[0] - f[1], rtol=0, atol=1e-6)
    plain, _ = integrated_gradients(Answer(nets, picked), x, 1e-6)
    assert np.abs(found - plain).max() > 0.02
