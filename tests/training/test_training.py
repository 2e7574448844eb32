"""`fit` against the oracle step by step, and its promises: same bits, short batches, divergence."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

import chainrule
import oracle
from oracle import assert_close

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # errors of many steps add up
RULES = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
}


def assert_same_parameters(net, twin, tolerance):
    for got, expected in zip(net.weights, twin.weights, strict=True):
        assert_close(got, expected, tolerance)
    if net.bias:
        for got, expected in zip(net.biases, twin.biases, strict=True):
            assert_close(got, expected, tolerance)


def both(net, x, y, *, epochs, batch_size, learning_rate, l2=0.0, **rule):
    """Train `net` and the oracle's copy of it; (history, what the oracle saw, the copy)."""
    twin = oracle.copy_of(net)
    options = {"epochs": epochs, "batch_size": batch_size, "l2": l2}
    seen = oracle.train(twin, x, y, **options, bias=net.bias, learning_rate=learning_rate, **rule)
    optimizer = chainrule.SGD(learning_rate, **rule)
    return net.fit(x, y, optimizer=optimizer, shuffle=False, **options), seen, twin


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "names",
    [("sigmoid", "sigmoid", "quadratic"), ("tanh", "softmax", "log_likelihood")],
    ids=lambda names: names[-1],
)
def test_steps(draw_problem, names, rule, l2, bias, dtype):
    """47 rows in batches of 10: the last batch has 7, and dividing it by 10 would show."""
    hidden, output, cost = names
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, y = draw_problem((5, 17, 3), 47, **options)
    start = net.parameters.copy()
    history, seen, twin = both(
        net, x, y, epochs=4, batch_size=10, learning_rate=0.3, l2=l2, **RULES[rule]
    )
    assert_same_parameters(net, twin, TOLERANCE[dtype])
    assert_close(history.cost, seen, TOLERANCE[dtype])
    assert np.abs(net.parameters - start).max() > 0.1  # or nothing was tested


@pytest.mark.parametrize(
    ("rows", "batch_size"),
    [(47, 1), (47, 1000), (1501, 1501), (4001, 3000)],
    ids=["one", "above m", "above a tile", "tiles and a rest"],
)
@pytest.mark.parametrize("rule", RULES)
def test_batch_sizes(draw_problem, rows, batch_size, rule):
    net, x, y = draw_problem((5, 33, 3), rows, hidden="tanh")
    history, seen, twin = both(
        net, x, y, epochs=2, batch_size=batch_size, learning_rate=0.1, **RULES[rule]
    )
    assert_same_parameters(net, twin, TOLERANCE["float64"])
    assert_close(history.cost, seen, TOLERANCE["float64"])


def test_no_hidden_layer(draw_problem):
    net, x, y = draw_problem((5, 3), 47, hidden=[], output="identity")
    _, _, twin = both(net, x, y, epochs=3, batch_size=10, learning_rate=0.05, l2=0.1)
    assert_same_parameters(net, twin, TOLERANCE["float64"])


def test_labels_train_like_one_hot_rows(draw_problem):
    net, x, _ = draw_problem((5, 17, 3), 47, output="softmax", cost="log_likelihood")
    labels = np.random.default_rng(0).integers(3, size=47)
    twin = oracle.copy_of(net)
    rows = oracle.one_hot(labels, 3)
    oracle.train(twin, x, rows, epochs=3, batch_size=10, learning_rate=0.3)
    net.fit(x, labels, optimizer=chainrule.SGD(0.3), epochs=3, batch_size=10, shuffle=False)
    assert_same_parameters(net, twin, TOLERANCE["float64"])


# ---------------------------------------------------------------- the same bits


def trained(problem, epochs, seed=1, **options):
    """A new network after fit(epochs[0]), fit(epochs[1]), ... with shuffling."""
    x, y = problem
    net = chainrule.Network([5, 17, 3], seed=seed, **options)
    costs = []
    for number in epochs:
        optimizer = chainrule.SGD(0.2, momentum=0.9)
        costs.append(net.fit(x, y, optimizer=optimizer, epochs=number, batch_size=10).cost)
    return net, np.concatenate(costs)


@pytest.fixture(params=["float32", "float64"])
def problem(request, draw_problem):
    _, x, y = draw_problem((5, 17, 3), 47, dtype=request.param)
    return x, y


def test_two_fits_of_15_epochs_are_one_of_30(problem):
    dtype = problem[0].dtype
    once, costs_once = trained(problem, [30], dtype=dtype)
    twice, costs_twice = trained(problem, [15, 15], dtype=dtype)
    assert once.parameters.tobytes() == twice.parameters.tobytes()
    assert costs_once.tobytes() == costs_twice.tobytes()
    assert len(costs_once) == len(costs_twice) == 30
    assert once.epochs_trained == twice.epochs_trained == 30
    shorter, _ = trained(problem, [29], dtype=dtype)
    assert shorter.parameters.tobytes() != once.parameters.tobytes()


def test_a_seed_settles_every_bit(problem):
    dtype = problem[0].dtype
    first, costs = trained(problem, [5], seed=1, dtype=dtype)
    again, costs_again = trained(problem, [5], seed=1, dtype=dtype)
    other, _ = trained(problem, [5], seed=2, dtype=dtype)
    assert first.parameters.tobytes() == again.parameters.tobytes()
    assert costs.tobytes() == costs_again.tobytes()
    assert not np.any(first.parameters == other.parameters)


# ---------------------------------------------------------------- shuffling


def visits(rows, batch_size, epochs, seed=0, shuffle=True):
    """The weights of a network in which row i touches weight i alone.

    X is the unit matrix and C = ½(1 - w_i)², so a row in a batch of m_b with η = 1/2 multiplies
    1 - w_i by 1 - 1/(2 m_b). For powers of two all of it is exact, and w tells how often, and in
    batches of which size, each row was seen.
    """
    net = chainrule.Network(
        [rows, 1], output="identity", bias=False, init="zeros", dtype="float64", seed=seed
    )
    x, y = np.eye(rows), np.ones((rows, 1))
    options = {"epochs": epochs, "batch_size": batch_size, "shuffle": shuffle}
    net.fit(x, y, optimizer=chainrule.SGD(0.5), **options)
    return net.weights[0][0]


@pytest.mark.parametrize("epochs", [1, 2, 5])
@pytest.mark.parametrize("rows", [1, 2, 17, 300])
def test_every_row_is_seen_once_an_epoch(rows, epochs):
    np.testing.assert_array_equal(visits(rows, 1, epochs), np.full(rows, 1 - 0.5**epochs))


def test_the_short_batch_is_counted_by_its_own_size():
    weights = visits(50, 8, 1)
    assert sorted(weights) == [1 / 16] * 48 + [1 / 4] * 2


def rows_in_the_short_batch(**options):
    return set(np.flatnonzero(visits(50, 8, 1, **options) == 1 / 4))


def test_rows_are_shuffled():
    assert rows_in_the_short_batch(shuffle=False) == {48, 49}
    seen = [rows_in_the_short_batch(seed=seed) for seed in range(300)]
    assert all(len(rows) == 2 for rows in seen)
    # 600 places among 50 rows: 12 each, and 5 standard deviations (3.4) around that.
    counts = np.bincount([row for rows in seen for row in rows], minlength=50)
    assert counts.min() > 0
    assert counts.max() < 30


def test_each_epoch_has_an_order_of_its_own():
    # A row in the short batch of two in both epochs ends at 1 - (3/4)². With one order for all
    # epochs that would be two rows every time.
    twice = [np.sum(visits(50, 8, 2, seed=seed) == 1 - 0.75**2) for seed in range(20)]
    assert sum(twice) < 10


# ---------------------------------------------------------------- learning


@pytest.mark.parametrize(("batch_size", "learning_rate"), [(32, 0.1), (10, 0.02)])
def test_digits(batch_size, learning_rate):
    x, labels = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1400], order[1400:]
    net = chainrule.Network(
        [64, 64, 10], hidden="relu", output="softmax", cost="log_likelihood", init="he", seed=0
    )
    before = net.evaluate(x[test], labels[test])["accuracy"]
    history = net.fit(
        x[train],
        labels[train],
        optimizer=chainrule.SGD(learning_rate, momentum=0.9),
        epochs=15,
        batch_size=batch_size,
        validation_data=(x[test], labels[test]),
    )
    after = net.evaluate(x[test], labels[test])
    assert before < 0.4
    assert after["accuracy"] > 0.95
    assert history.cost[-1] < 0.1 * history.cost[0]
    assert history.validation_accuracy[-1] == after["accuracy"]
    assert history.validation_cost[-1] == pytest.approx(after["cost"])
    correct = net.feedforward(x[test]).argmax(axis=1) == labels[test]
    assert after["accuracy"] == pytest.approx(correct.mean())


# ---------------------------------------------------------------- divergence


def least_squares(dtype, sizes):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.random((40, 2))
    net = chainrule.Network(sizes, hidden="identity", output="identity", dtype=dtype, seed=3)
    return net, x.astype(dtype), y.astype(dtype)


# Without a hidden layer a step multiplies the distance from the best w by 1 - ηλ, with λ about 1.5:
# the cost grows some thousandfold in an epoch of five steps, and overflows after several.
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("sizes", "step"), [((3, 2), 2.0), ((3, 4, 2), 0.7)], ids=["flat", "deep"])
def test_divergence(dtype, rule, sizes, step):
    options = {"optimizer": chainrule.SGD(step, **RULES[rule]), "batch_size": 8, "shuffle": False}
    net, x, y = least_squares(dtype, sizes)
    with pytest.raises(chainrule.DivergenceError) as caught:
        net.fit(x, y, epochs=500, **options)
    finished = net.epochs_trained
    assert (2 if sizes == (3, 2) else 0) <= finished < 500
    assert len(net.history) == finished
    assert isinstance(caught.value, ArithmeticError)
    layers = "|".join(str(layer) for layer in range(2, len(sizes) + 1))
    assert re.search(rf"\bepoch {finished}\b", str(caught.value)), str(caught.value)
    assert re.search(rf"\blayer ({layers})\b", str(caught.value)), str(caught.value)

    # What is left is what the last finished epoch left, and the next epoch does diverge.
    assert np.all(np.isfinite(net.parameters))
    again, _, _ = least_squares(dtype, sizes)
    if finished:
        again.fit(x, y, epochs=finished, **options)
    assert net.parameters.tobytes() == again.parameters.tobytes()
    assert all(np.all(np.isfinite(state)) for state in net.optimizer_state.values())
    with pytest.raises(chainrule.DivergenceError):
        again.fit(x, y, epochs=1, **options)


def test_training_goes_on_after_divergence():
    net, x, y = least_squares("float64", (3, 2))
    options = {"batch_size": 20, "shuffle": False}
    net.fit(x, y, optimizer=chainrule.SGD(5.0), epochs=3, **options)
    with pytest.raises(chainrule.DivergenceError):
        net.fit(x, y, optimizer=chainrule.SGD(5.0, momentum=0.9), epochs=500, **options)
    best = np.linalg.lstsq(np.c_[x, np.ones(40)], y, rcond=None)[0]
    net.parameters[...] /= np.abs(net.parameters).max()
    net.fit(x, y, optimizer=chainrule.SGD(0.1), epochs=400, batch_size=40)
    np.testing.assert_allclose(net.weights[0], best[:3].T, rtol=0, atol=1e-6)
