"""The setting of the slides: no biases, C₀ = (y - y')², one example at a time in the given order.

Their algorithm, written out neuron by neuron as they have it, is the oracle.
"""

import math

import numpy as np
import pytest

from chainrule import SGD, Network


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def as_on_the_slides(weights, examples, learning_rate, rounds):
    """Train lists of weight matrices w[l][j][k] in place; return the error after each example."""
    errors = []
    for x, y in examples * rounds:
        outputs = [list(x)]
        for w in weights:
            outputs.append([sigmoid(sum(a * b for a, b in zip(row, outputs[-1], strict=True)))
                            for row in w])  # fmt: skip
        result = outputs[-1]
        errors.append(sum((t - r) ** 2 for t, r in zip(y, result, strict=True)))
        # δ = -2 (y - y') σ'(z) at the output, and σ' = y' (1 - y')
        delta = [-2 * (t - r) * r * (1 - r) for t, r in zip(y, result, strict=True)]
        for l in reversed(range(len(weights))):  # noqa: E741
            below = [
                sum(weights[l][j][k] * delta[j] for j in range(len(delta))) * a * (1 - a)
                for k, a in enumerate(outputs[l])
            ]
            for j, d in enumerate(delta):
                for k, a in enumerate(outputs[l]):
                    weights[l][j][k] -= learning_rate * d * a
            delta = below
    return errors


@pytest.mark.parametrize("sizes", [[2, 1], [2, 2, 1], [3, 5, 4, 2]])
def test_their_algorithm_step_by_step_equals_ours(sizes):
    rng = np.random.default_rng(1)
    X, Y = rng.random((6, sizes[0])), rng.random((6, sizes[-1]))
    net = Network(
        sizes, bias=False, cost="squared_error", init="small", dtype="float64", seed=2
    )  # fmt: skip
    assert len(net.biases) == 0
    assert 0 < np.abs(net.parameters).max() <= 0.05
    theirs = [W.tolist() for W in net.weights]
    for x, y in zip(X, Y, strict=True):  # step by step
        (error,) = as_on_the_slides(theirs, [(x.tolist(), y.tolist())], 0.5, 1)
        before = net.parameters.copy()
        history = net.fit(
            x[None], y[None], optimizer=SGD(0.5), batch_size=1, shuffle=False, epochs=1
        )
        assert np.abs(net.parameters - before).max() > 1e-4  # it does learn
        assert history.cost[0] == pytest.approx(error, rel=1e-12)
        for W, w in zip(net.weights, theirs, strict=True):
            np.testing.assert_allclose(W, w, rtol=1e-12, atol=1e-15)


def test_many_rounds_in_one_call_equal_theirs():
    rng = np.random.default_rng(3)
    X, Y = rng.random((5, 3)), rng.random((5, 2))
    net = Network(
        [3, 4, 2], bias=False, cost="squared_error", init="small", dtype="float64", seed=4
    )
    theirs = [W.tolist() for W in net.weights]
    errors = as_on_the_slides(theirs, list(zip(X.tolist(), Y.tolist(), strict=True)), 1.0, 200)
    history = net.fit(X, Y, optimizer=SGD(1.0), batch_size=1, shuffle=False, epochs=200)
    np.testing.assert_allclose(history.cost, np.reshape(errors, (200, 5)).mean(axis=1), rtol=1e-9)
    assert history.cost[-1] < 0.8 * history.cost[0]
    for W, w in zip(net.weights, theirs, strict=True):
        np.testing.assert_allclose(W, w, rtol=1e-9)
