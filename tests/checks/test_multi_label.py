"""Several labels a sample: rows of 0 and 1 on sigmoid outputs, against loops over single labels."""

from math import exp, log, tanh

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = RNG.integers(0, 2, size=(30, 3))  # among them rows of no label, and of all three


def network(dtype="float64"):
    return cr.Network([4, 5, 3], hidden="tanh", cost="cross_entropy", dtype=dtype, seed=1)


def outputs_of(parameters, x):
    """Activations of both layers for one sample, neuron by neuron."""
    W2, b2, W3, b3 = parameters
    hidden = [tanh(sum(w * v for w, v in zip(row, x, strict=True)) + b)
              for row, b in zip(W2, b2, strict=True)]  # fmt: skip
    z = [sum(w * v for w, v in zip(row, hidden, strict=True)) + b
         for row, b in zip(W3, b3, strict=True)]  # fmt: skip
    return hidden, [1 / (1 + exp(-each)) for each in z]


def cost_of(a, y):
    """The sum over labels of -ln of the probability that the output gives to what is true."""
    return sum(-log(p) if label else -log(1 - p) for p, label in zip(a, y, strict=True))


def descend(parameters, rows, rate):
    """A step on the samples `rows`: each label is a logistic regression on the hidden layer."""
    W3 = parameters[2]
    steps = [np.zeros_like(array) for array in parameters]
    for s in rows:
        hidden, a = outputs_of(parameters, X[s])
        for j in range(3):
            error = a[j] - Y[s, j]
            steps[3][j] += error
            for k in range(5):
                steps[2][j, k] += error * hidden[k]
                below = error * W3[j, k] * (1 - hidden[k] ** 2)
                steps[1][k] += below
                steps[0][k] += below * X[s]
    for array, step in zip(parameters, steps, strict=True):
        array -= rate * step / len(rows)


def arrays_of(net):
    """W^2, b^2, W^3 and b^3."""
    return [array.copy() for pair in zip(net.weights, net.biases, strict=True) for array in pair]


def test_the_targets_are_truly_of_several_labels():
    assert {0, 1, 2, 3} == set(Y.sum(axis=1))


@pytest.mark.parametrize(("dtype", "precision"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("given", [int, float, bool])
def test_training_is_the_loop_over_samples_and_labels(dtype, precision, given):
    net = network(dtype)
    expected = [array.astype(float) for array in arrays_of(net)]
    net.fit(X, Y.astype(given), optimizer=cr.SGD(0.5), epochs=4, batch_size=8, shuffle=False)
    for _ in range(4):
        for start in range(0, 30, 8):
            descend(expected, range(start, min(start + 8, 30)), 0.5)
    for got, array in zip(arrays_of(net), expected, strict=True):
        np.testing.assert_allclose(got, array, rtol=0, atol=precision)


def test_evaluation_has_the_cost_alone():
    net = network()
    costs = [cost_of(outputs_of(arrays_of(net), x)[1], y) for x, y in zip(X, Y, strict=True)]
    scores = net.evaluate(X, Y)
    assert scores == {"cost": pytest.approx(np.mean(costs), rel=1e-12)}
    weights = RNG.random(30)
    weighted = net.evaluate(X, Y, sample_weight=weights)
    assert weighted == {"cost": pytest.approx(weights @ costs / weights.sum(), rel=1e-12)}


def test_rows_of_one_label_each_are_classes():
    net, one = network(), np.eye(3)[RNG.integers(3, size=30)]
    right = net(X).argmax(axis=1) == one.argmax(axis=1)
    assert net.evaluate(X, one)["accuracy"] == right.mean()


def test_metrics_are_shown_rows_of_labels():
    """The share of labels that are right, and of rows that are right throughout."""
    metrics = {
        "labels_right": lambda truth, said: np.mean((said > 0.5) == truth),
        "rows_right": lambda truth, said: np.mean(((said > 0.5) == truth).all(axis=1)),
    }
    net = network()
    history = net.fit(X, Y, epochs=3, validation_data=(X, Y), metrics=metrics)
    said = np.array([outputs_of(arrays_of(net), x)[1] for x in X]) > 0.5
    right = said == Y
    assert history["labels_right"][-1] == right.mean()
    assert history["rows_right"][-1] == right.all(axis=1).mean()
    assert history.validation_accuracy.size == 0


def test_labels_that_depend_on_inputs_are_learned():
    truth = np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, 0] + X[:, 1] > 0]
    net = network("float32")
    net.fit(X, truth, optimizer=cr.Adam(0.02), epochs=400)
    assert ((net(X) > 0.5) == truth).all()


def test_weights_of_classes_are_refused():
    net = network()
    before = net.parameters.copy()
    with pytest.raises(ValueError, match="class_weight needs targets that are classes"):
        net.fit(X, Y, class_weight="balanced")
    np.testing.assert_array_equal(net.parameters, before)
