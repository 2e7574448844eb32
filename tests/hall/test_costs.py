"""Each cost by hand, its targets, and that training with it finds what it is for."""

import math
from statistics import NormalDist

import numpy as np
import pytest

import oracle
from chainrule import SGD, Network, check_gradient, costs, paths

DTYPES = ["float32", "float64"]


def of_outputs(cost, a, y, *, output="identity", dtype="float64"):
    """The cost of the outputs a (m, n_L), made by a network that passes its input on."""
    z = np.atleast_2d(np.asarray(a, float))
    z = {"exponential": np.log, "softmax": np.log}.get(output, np.array)(z)
    n = z.shape[1]
    net = Network([n, n], output=output, cost=cost, bias=False, dtype=dtype, seed=0)
    net.weights[0][...] = np.eye(n)
    return net.evaluate(z, y)["cost"]


def test_no_cost_is_left_out():
    assert set(oracle.COST) == set(costs.COSTS)
    assert {oracle.name_of(cost) for _, cost in oracle.EVERY_PAIR} == set(costs.COSTS)


# ---------------------------------------------------------------- values by hand


BY_HAND = {
    "quadratic": ("quadratic", [[1, -2]], [[0, 1]], 0.5 * (1 + 9)),
    "squared error": ("squared_error", [[1, -2]], [[0, 1]], 10),
    "absolute error": ("absolute_error", [[1, -2]], [[0, 1]], 4),
    "mean of absolute errors": ("absolute_error", [[1], [2], [6]], [0, 0, 0], 3),
    "huber, small": (costs.huber(2.0), [[1, -0.5]], [[0, 0]], 0.5 + 0.125),
    "huber, large": (costs.huber(2.0), [[5, -3]], [[0, 0]], 2 * 4 + 2 * 2),
    "huber, where they meet": (costs.huber(2.0), [[2]], [0], 2),
    "huber of 1": ("huber", [[3]], [0], 2.5),
    "quantile, below": (costs.quantile(0.75), [[1]], [3], 1.5),
    "quantile, above": (costs.quantile(0.75), [[3]], [1], 0.5),
    "quantile, at": (costs.quantile(0.75), [[3]], [3], 0),
    "half of absolute error": ("quantile", [[1, -2]], [[0, 1]], 2),
    "levels of two targets": (
        costs.quantile([0.25, 0.75]),
        [[0, 0, 10, 10]],  # both levels of the first target, then of the second
        [[4, 6]],
        0.25 * 4 + 0.75 * 4 + 0.75 * 4 + 0.25 * 4,
    ),
    "hinge, wrong": ("hinge", [[-2]], [1], 3),
    "hinge, in the margin": ("hinge", [[0.25]], [1], 0.75),
    "hinge, right": ("hinge", [[4]], [1], 0),
    "hinge, 0 is -1": ("hinge", [[4]], [0], 5),
    "hinge of labels": ("hinge", [[2, -0.5, 0.5]], [2], 3 + 0.5 + 0.5),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cost", "a", "y", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_by_hand(cost, a, y, expected, dtype):
    assert of_outputs(cost, a, y, dtype=dtype) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_best_constant_is_the_empirical_quantile(level):
    y = np.random.default_rng(0).permutation(101) / 10
    found = {c: of_outputs(costs.quantile(level), np.full((101, 1), c), y) for c in sorted(y)}
    best = min(found, key=found.get)
    assert best == np.quantile(y, level, method="inverted_cdf")
    naive = np.mean([level * (v - 3) if v > 3 else (1 - level) * (3 - v) for v in y])
    assert found[3.0] == pytest.approx(naive, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_smoothing_in_closed_form(smoothing):
    """(1 - s)(-ln a_y) + s times the mean of all -ln a_j."""
    a = np.array([[0.7, 0.1, 0.15, 0.05], [0.25] * 4])
    cost, logs = costs.log_likelihood(smoothing), -np.log(a)
    expected = (1 - smoothing) * logs[[0, 1], [2, 0]] + smoothing * logs.mean(axis=1)
    got = of_outputs(cost, a, [2, 0], output="softmax")
    assert got == pytest.approx(expected.mean(), rel=1e-13)
    assert of_outputs(cost, [[0.25] * 4], [1], output="softmax") == pytest.approx(math.log(4))


@pytest.mark.parametrize(("rate", "count"), [(0.5, 0), (3.0, 2), (20.0, 31), (1e-3, 1)])
def test_poisson_is_minus_ln_of_the_probability(rate, count):
    probability = count * math.log(rate) - rate - math.lgamma(count + 1)
    got = of_outputs("poisson", [[rate]], [count], output="exponential")
    assert got == pytest.approx(-probability - math.lgamma(count + 1), rel=1e-13)


@pytest.mark.parametrize(("mean", "sd", "y"), [(0, 1, 0.3), (2, 0.1, 1.7), (-3, 50, 60), (1, 2, 1)])
def test_gaussian_is_minus_ln_of_the_density(mean, sd, y):
    got = of_outputs("gaussian", [[mean, 2 * math.log(sd)]], [y])
    assert got == pytest.approx(
        -math.log(NormalDist(mean, sd).pdf(y)) - math.log(2 * math.pi) / 2, rel=1e-12, abs=1e-12
    )


def test_gaussian_of_two_targets():
    """Both means, then both logarithms of variances."""
    together = of_outputs("gaussian", [[1, 2, 0.5, -1]], [[3, 1]])
    first, second = of_outputs("gaussian", [[1, 0.5]], [3]), of_outputs("gaussian", [[2, -1]], [1])
    assert together == pytest.approx(first + second, rel=1e-14)


# ---------------------------------------------------------------- targets


def network(cost, n_outputs, **options):
    output = {"poisson": "exponential"}.get(cost, "identity")
    return Network([3, 4, n_outputs], output=output, cost=cost, dtype="float64", seed=0, **options)


RNG = np.random.default_rng(1)
X = RNG.normal(size=(8, 3))
LABELS = np.array([0, 1, 2, 1, 0, 2, 2, 1])
BINARY = np.array([0, 1, 1, 0, 1, 0, 0, 1])

SAME_TARGETS = {
    "hinge: 0 and 1": ("hinge", 1, BINARY, 2.0 * BINARY[:, None] - 1),
    "hinge: booleans": ("hinge", 1, BINARY == 1, 2 * BINARY - 1),
    "hinge: labels": ("hinge", 3, LABELS, np.eye(3)[LABELS]),
    "hinge: one-hot rows": ("hinge", 3, np.eye(3)[LABELS], 2 * np.eye(3)[LABELS] - 1),
    "quantile: whole numbers are no labels": (costs.quantile([0.1, 0.9]), 2, LABELS, LABELS * 1.0),
    "quantile: a column": (costs.quantile([0.1, 0.9]), 2, LABELS, LABELS[:, None]),
    "gaussian: whole numbers": ("gaussian", 2, LABELS, LABELS[:, None] * 1.0),
    "absolute error: labels": ("absolute_error", 3, LABELS, np.eye(3)[LABELS]),
}


@pytest.mark.parametrize(("cost", "n", "one", "other"), SAME_TARGETS.values(), ids=SAME_TARGETS)
def test_equal_targets(cost, n, one, other):
    net = network(cost, n)
    assert net.evaluate(X, one) == net.evaluate(X, other)
    np.testing.assert_array_equal(
        net.backprop(X, one).parameters, net.backprop(X, other).parameters
    )
    trained = []
    for y in (one, other):
        net = network(cost, n)
        history = net.fit(X, y, optimizer=SGD(0.05), epochs=3, batch_size=3, validation_data=(X, y))
        trained.append((net.parameters.tobytes(), history.validation_cost.tobytes()))
    assert trained[0] == trained[1]


BAD_TARGETS = {
    "quantile: one per output": (costs.quantile([0.1, 0.9]), 4, np.ones((8, 4)), ["(samples, 2)"]),
    "quantile: labels": (costs.quantile([0.1, 0.9]), 4, LABELS, ["(samples, 2)", "(8,)"]),
    "gaussian: one per output": ("gaussian", 2, np.ones((8, 2)), ["(samples, 1) or (samples,)"]),
    "gaussian: labels": ("gaussian", 4, LABELS, ["(samples, 2)", "(8,)"]),
    "gaussian: NaN": ("gaussian", 2, np.full(8, np.nan), ["y must be finite"]),
    "poisson: negative": ("poisson", 1, LABELS - 1.0, ["negative", "poisson", "-1.0"]),
    "hinge: three values": ("hinge", 1, LABELS, ["-1 and 1, or 0 and 1", "0.0, 1.0, 2.0"]),
    "hinge: -1, 0 and 1": ("hinge", 1, LABELS - 1, ["-1 and 1", "hinge", "-1.0, 0.0, 1.0"]),
    "hinge: shares": ("hinge", 2, np.full((8, 2), 0.5), ["-1 and 1", "0.5"]),
    "hinge: label 3": ("hinge", 2, LABELS, ["labels from 0 to 1", "y[2] is 2"]),
}


@pytest.mark.parametrize(("cost", "n", "y", "fragments"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets(cost, n, y, fragments):
    net = network(cost, n)
    for method in (net.fit, net.evaluate, net.backprop, net.trace):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is looked at
            method(X, y)
        assert [f for f in fragments if f not in str(caught.value)] == [], caught.value
    assert net.epochs_trained == 0


@pytest.mark.parametrize(
    ("cost", "n", "each"),
    [
        (costs.quantile([0.1, 0.5, 0.9]), 4, 3),
        (costs.quantile([0.2, 0.1]), 1, 2),
        ("gaussian", 3, 2),
    ],
    ids=str,
)
def test_the_number_of_outputs_fits_the_cost(cost, n, each):
    with pytest.raises(
        ValueError, match=f"{each} outputs for each target.*multiple of {each}.*{n}"
    ):
        network(cost, n)


@pytest.mark.parametrize("cost", ["gaussian", costs.quantile([0.5, 0.9])], ids=str)
def test_everything_takes_fewer_targets_than_outputs(cost):
    net, y = network(cost, 4), RNG.normal(size=(8, 2))
    assert check_gradient(net, X, y).passed
    assert net.trace(X, y).delta[-1].shape == (8, 4)
    found = paths(net, X[0], y[0], 2, 1, 0)
    assert found.total == pytest.approx(net.backprop(X[:1], y[:1]).weights[0][1, 0], rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_accuracy_of_a_hinge(dtype):
    """With one output its sign decides; with several the largest."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(700, 3))
    net = Network([3, 1], output="identity", cost="hinge", dtype=dtype, seed=0)
    y = rng.integers(2, size=700)
    right = np.mean((net(x)[:, 0] > 0) == y)
    assert 0.3 < right < 0.7
    assert np.mean((net(x)[:, 0] > 0.5) == y) != right
    for targets in (y, 2 * y - 1):
        assert net.evaluate(x, targets)["accuracy"] == right
    net = Network([3, 4], output="identity", cost="hinge", dtype=dtype, seed=0)
    labels = rng.integers(4, size=700)
    assert net.evaluate(x, labels)["accuracy"] == np.mean(net(x).argmax(axis=1) == labels)
    assert "accuracy" not in net.evaluate(x, 2 * rng.integers(2, size=(700, 4)) - 1)


def test_accuracy_of_the_others_is_as_it_was():
    net = Network([3, 1], output="identity", seed=0)
    assert "accuracy" not in net.evaluate(X, 2 * BINARY - 1)
    assert net.evaluate(X, BINARY)["accuracy"] == np.mean((net(X)[:, 0] > 0.5) == BINARY)
    assert "accuracy" not in network("gaussian", 2).evaluate(X, BINARY)
    assert "accuracy" not in network(costs.quantile([0.5, 0.9]), 2).evaluate(X, BINARY)


# ---------------------------------------------------------------- what training finds


def groups(n, seed=0):
    """Inputs 0 and 1, half of the n samples each, and a generator."""
    x = np.repeat([0.0, 1.0], n // 2)[:, None]
    return x, np.random.default_rng(seed)


def trained(cost, output, x, y, n_outputs, *, rates=(0.5, 0.05, 0.005), epochs=200):
    """A line through two points: any value at 0 and at 1."""
    net = Network([1, n_outputs], output=output, cost=cost, init="zeros", dtype="float64", seed=0)
    for rate in rates:
        net.fit(x, y, optimizer=SGD(rate), epochs=epochs, batch_size=200)
    return net


def test_quantile_heads_reach_the_empirical_quantiles():
    levels = [0.1, 0.5, 0.9]
    x, rng = groups(2000)
    y = np.where(x[:, 0] == 0, rng.normal(size=2000), 3 + rng.exponential(size=2000))
    net = trained(costs.quantile(levels), "identity", x, y, 3)
    for group in (0.0, 1.0):
        own = y[x[:, 0] == group]
        below = np.mean(own[:, None] < net([[group]]), axis=0)
        np.testing.assert_allclose(below, levels, atol=0.01)


def test_two_targets_have_their_levels_side_by_side():
    x, rng = groups(2000)
    y = np.column_stack([rng.normal(size=2000), 10 + rng.normal(size=2000)])
    net = trained(costs.quantile([0.25, 0.75]), "identity", x, y, 4, rates=(2.0, 0.2, 0.02))
    expected = np.quantile(y, [0.25, 0.75], axis=0).T.ravel()
    np.testing.assert_allclose(net([[0.5]])[0], expected, atol=0.05)


def test_gaussian_recovers_means_and_variances():
    x, rng = groups(2000)
    y = np.where(x[:, 0] == 0, 1 + 0.5 * rng.normal(size=2000), -2 + 2 * rng.normal(size=2000))
    net = trained("gaussian", "identity", x, y, 2, rates=(0.1, 0.02))
    for group in (0.0, 1.0):
        own = y[x[:, 0] == group]
        mean, log_variance = net([[group]])[0]
        assert mean == pytest.approx(own.mean(), abs=0.02)
        assert math.exp(log_variance) == pytest.approx(own.var(), rel=0.03)


def test_poisson_finds_the_rates():
    x, rng = groups(2000)
    y = rng.poisson(np.where(x[:, 0] == 0, 0.7, 6.0))
    net = trained("poisson", "exponential", x, y, 1, rates=(0.1, 0.01))
    for group in (0.0, 1.0):
        assert net([[group]])[0, 0] == pytest.approx(y[x[:, 0] == group].mean(), rel=0.01)


def test_outliers_move_huber_and_absolute_error_less_than_quadratic():
    x, rng = groups(1000)
    y = rng.normal(size=1000)
    y[::20] = 100.0
    found = {}
    for cost in ("quadratic", costs.huber(1.5), "absolute_error"):
        net = trained(cost, "identity", x, y, 1)
        found[oracle.name_of(cost)] = net([[0.5]])[0, 0]
    assert found["quadratic"] == pytest.approx(y.mean(), abs=0.2)
    assert found["absolute_error"] == pytest.approx(np.median(y), abs=0.02)
    # where the slopes clip(c - y, ±δ) add up to 0
    assert abs(np.clip(found["huber"] - y, -1.5, 1.5).mean()) < 1e-3
    assert 0 < found["huber"] < 0.3


def test_hinge_separates_two_classes():
    rng = np.random.default_rng(3)
    y = rng.integers(2, size=400)
    x = rng.normal(size=(400, 2)) + np.where(y == 1, 3.0, -3.0)[:, None]
    net = Network([2, 1], output="identity", cost="hinge", dtype="float64", seed=0)
    net.fit(x, y, optimizer=SGD(0.1), epochs=50, batch_size=20)
    scores = net.evaluate(x, y)
    assert scores["accuracy"] >= 0.99
    assert scores["cost"] < 0.05


def test_smoothing_keeps_outputs_from_certainty():
    x = np.eye(3)
    net = Network(
        [3, 3], output="softmax", cost=costs.log_likelihood(smoothing=0.3), dtype="float64", seed=0
    )
    net.fit(x, [0, 1, 2], optimizer=SGD(1.0), epochs=3000, batch_size=3)
    np.testing.assert_allclose(net(x), 0.7 * np.eye(3) + 0.1, atol=1e-6)
