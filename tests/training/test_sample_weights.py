"""Weights of samples, of whatever size: a common factor of them means nothing.

What they do to a step is tested in `test_penalties.py`.
"""

import numpy as np
import pytest

import chainrule as cr
from chainrule.checks.samples import Samples
from chainrule.training.full_batch.cost import FullBatch
from differences import differences
from oracle import TOLERANCE, assert_close

ROWS, BATCH = 64, 10
CLASSES = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"}
# 1e-300 ... 1e307 times these: the largest double is 1.8e308
WEIGHTS = np.random.default_rng(1).uniform(0, 3, ROWS)


def network(dtype="float64", n_out=3, **options):
    return cr.Network([6, 8, n_out], dtype=dtype, seed=3, **options)


def labelled():
    rng = np.random.default_rng(5)
    return rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS)


def answers(dtype, weights, **options):
    """All that weights of samples go into, as arrays by name."""
    X, y = labelled()
    found = {}
    for name, rule in (("SGD", cr.SGD(0.3)), ("Adam", cr.Adam(0.01)), ("LBFGS", cr.LBFGS())):
        net = network(dtype, **CLASSES)
        if name != "LBFGS":
            options = options | {"record": "layers"}
        else:
            options = {key: value for key, value in options.items() if key != "record"}
        history = net.fit(
            X, y, optimizer=rule, epochs=3, batch_size=BATCH, sample_weight=weights,
            validation_data=(X, y, weights), **options,
        )  # fmt: skip
        found[name] = net.parameters
        for figure in ("cost", "validation_cost", "validation_accuracy"):
            found[f"{name} {figure}"] = getattr(history, figure)
        if name != "LBFGS":
            found[f"{name} layers"] = history.delta_norms
    net = network(dtype, hidden="tanh", output="identity")
    net.fit(X, X[:, :3], optimizer=cr.LevenbergMarquardt(), epochs=3, sample_weight=weights)
    found["LevenbergMarquardt"] = net.parameters
    found["backprop"] = net.backprop(X, X[:, :3], sample_weight=weights).parameters
    found["evaluate"] = np.array(net.evaluate(X, X[:, :3], sample_weight=weights)["cost"])
    return found


@pytest.mark.parametrize("power", [-990, -140, -3, 5, 140, 1020])
def test_a_power_of_two_changes_not_a_bit(dtype, power):
    expected, got = answers(dtype, WEIGHTS), answers(dtype, WEIGHTS * 2.0**power)
    for name, figures in expected.items():
        assert got[name].tobytes() == figures.tobytes(), name


@pytest.mark.parametrize("factor", [1e-300, 1e-40, 1e40, 1e307])
def test_another_factor_changes_the_rounding_alone(dtype, factor):
    expected, got = answers(dtype, WEIGHTS), answers(dtype, WEIGHTS * factor)
    for name, figures in expected.items():
        assert_close(got[name], figures, 100 * TOLERANCE[dtype])


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_a_product_with_class_weights_beyond_all_floats(dtype, factor):
    X, y = labelled()
    nets = network(dtype, **CLASSES), network(dtype, **CLASSES)
    for net, by in zip(nets, (1, factor), strict=True):
        by_class = {0: 2 * by, 1: by, 2: 0.5 * by}
        net.fit(X, y, sample_weight=WEIGHTS * by, class_weight=by_class, epochs=3)
    assert_close(nets[1].parameters, nets[0].parameters, TOLERANCE[dtype])
    twin = network(dtype, **CLASSES)
    twin.fit(X, y, sample_weight=WEIGHTS * np.array([2, 1, 0.5])[y], epochs=3)
    assert twin.parameters.tobytes() == nets[0].parameters.tobytes()


@pytest.mark.parametrize("tiny", [1e-37, 1e-44, 1e-150, 1e-308])
def test_a_mini_batch_of_weights_too_small_to_divide_by_makes_no_step(dtype, tiny):
    """Alone in it they would be divided by themselves: no step, or one that is as good as any."""
    X, y = labelled()
    weights = np.ones(ROWS)
    weights[3] = tiny
    nets = network(dtype, **CLASSES), network(dtype, **CLASSES)
    for net, weight in zip(nets, (tiny, 0 if dtype == "float32" or tiny < 1e-292 else 1),
                           strict=True):  # fmt: skip
        weights[3] = weight
        net.fit(X, y, sample_weight=weights, batch_size=1, epochs=2, optimizer=cr.SGD(0.5))
    assert_close(nets[0].parameters, nets[1].parameters, 1e-12)
    assert np.isfinite(nets[0].history.cost).all()


def batches(factors, dtype):
    """Mini-batches whose weights are by a factor of their own larger, and the same as arrays."""
    X, y = labelled()
    weights = WEIGHTS * np.repeat(factors, BATCH)[:ROWS]
    parts = [slice(i, i + BATCH) for i in range(0, ROWS, BATCH)]
    return X, y, weights, [(X[part], y[part], weights[part]) for part in parts]


@pytest.mark.parametrize("factor", [1, 1e-300, 1e307])
def test_batches_keep_their_weight_beside_each_other(dtype, factor):
    X, y, weights, given = batches(factor * np.array([0.01, 1, 0.5, 1e-3, 0.2, 1, 0.03]), dtype)
    ours, theirs = network(dtype, **CLASSES), network(dtype, **CLASSES)
    options = {"epochs": 3, "record": "layers", "optimizer": cr.SGD(0.3)}
    got = ours.fit(given, **options)
    expected = theirs.fit(X, y, sample_weight=weights, batch_size=BATCH, shuffle=False, **options)
    tolerance = TOLERANCE[dtype]
    assert_close(ours.parameters, theirs.parameters, tolerance)
    assert_close(got.cost, expected.cost, tolerance)
    assert_close(got.delta_norms, expected.delta_norms, 10 * tolerance)


def test_batches_of_any_weights_beside_each_other():
    """The cost of an epoch is the mean by weights that float64 does not hold together."""
    *_, given = batches(np.array([1e-300, 1, 1e307, 1, 1e307, 1e-300, 1]), "float64")
    net = network(**CLASSES)
    heavy = [given[2], given[4]]
    sums = [(weights / 1e307).sum() for _, _, weights in heavy]
    costs = [net.evaluate(X, y, sample_weight=weights)["cost"] for X, y, weights in heavy]
    history = net.fit(given, optimizer=cr.SGD(1e-300), epochs=1, record="layers")
    assert history.cost[0] == pytest.approx(np.dot(sums, costs) / sum(sums), rel=1e-13)
    assert np.isfinite(history.delta_norms).all()


def test_batches_without_weights_count_as_weights_of_1():
    X, y = labelled()
    halves = [(X[:32], y[:32]), (X[32:], y[32:], np.full(32, 8.0))]
    net = network(**CLASSES)
    first, second = (net.evaluate(*half[:2])["cost"] for half in halves)
    cost = net.fit(halves, optimizer=cr.SGD(1e-300), epochs=1).cost[0]
    assert cost == pytest.approx((first + 8 * second) / 9, rel=1e-13)


# ---------------------------------------------------------------- all samples at once

TIMES = np.random.default_rng(0).integers(0, 4, ROWS)
TOGETHER = {"LBFGS": cr.LBFGS(), "LevenbergMarquardt": cr.LevenbergMarquardt()}


@pytest.mark.parametrize("optimizer", TOGETHER.values(), ids=TOGETHER)
def test_with_all_samples_at_once_a_weight_of_k_is_k_times_the_row(optimizer):
    X, _ = labelled()
    Y = np.sin(X[:, :3])
    options = {"optimizer": optimizer, "epochs": 5, "l2": 1e-3}
    nets = [network(hidden="tanh", output="identity") for _ in range(3)]
    got = nets[0].fit(X, Y, sample_weight=TIMES, **options)
    expected = nets[1].fit(np.repeat(X, TIMES, axis=0), np.repeat(Y, TIMES, axis=0), **options)
    assert_close(nets[0].parameters, nets[1].parameters, 1e-9)
    assert_close(got.cost, expected.cost, 1e-10)
    nets[2].fit(X, Y, **options)
    assert np.abs(nets[2].parameters - nets[0].parameters).max() > 1e-3


@pytest.mark.parametrize("optimizer", TOGETHER.values(), ids=TOGETHER)
def test_with_all_samples_at_once_class_weights_are_sample_weights(optimizer):
    X, y = labelled()
    options = {"optimizer": optimizer, "epochs": 4}
    nets = [network() for _ in range(3)]
    nets[0].fit(X, y, class_weight={0: 4.0, 2: 0.5}, **options)
    nets[1].fit(X, y, sample_weight=np.array([4, 1, 0.5])[y], **options)
    nets[2].fit(X, y, **options)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    assert np.abs(nets[2].parameters - nets[0].parameters).max() > 1e-3


def test_the_curvature_counts_by_weight(dtype):
    X, _ = labelled()
    times = np.repeat(np.arange(ROWS), TIMES)
    net = network(dtype, hidden="tanh", output="identity")
    functions = [
        FullBatch(net, Samples(net, X, X[:, :3], TIMES), 0.1, (1, 0)),
        FullBatch(net, Samples(net, X[times], X[times, :3]), 0.1, (1, 0)),
    ]
    got, expected = (np.tril(each.curvature(each.at(net.parameters))) for each in functions)
    assert_close(got, expected, TOLERANCE[dtype])


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("options", [CLASSES, {"hidden": "tanh", "output": "identity"}])
def test_backprop_is_the_slope_of_the_weighted_cost(options):
    X, y = labelled()
    net = network(**options)
    got = net.backprop(X, y, sample_weight=WEIGHTS).parameters
    cost = differences(
        lambda: np.array(net.evaluate(X, y, sample_weight=WEIGHTS)["cost"]), net.parameters
    )
    assert_close(got, cost, 1e-8)
    assert np.abs(got - net.backprop(X, y).parameters).max() > 1e-3


@pytest.mark.parametrize("rows", [60, 1101])
def test_a_step_goes_along_what_backprop_returns(rows):
    rng = np.random.default_rng(2)
    X, Y, weights = rng.normal(size=(rows, 6)), rng.random((rows, 3)), rng.random(rows)
    net, twin = network(), network()
    net.fit(X, Y, optimizer=cr.SGD(0.5), epochs=1, batch_size=rows, sample_weight=weights)
    twin.parameters -= 0.5 * twin.backprop(X, Y, sample_weight=weights).parameters
    assert_close(net.parameters, twin.parameters, 1e-13)


def test_validation_counts_by_its_weights_and_metrics_do_not():
    X, y = labelled()
    net, seen = network(**CLASSES), []
    history = net.fit(
        X, y, epochs=2, validation_data=(X, y, WEIGHTS),
        metrics={"m": lambda truth, found: seen.append((len(truth), len(found))) or 0.5},
        callbacks=cr.EarlyStopping("validation_cost"),
    )  # fmt: skip
    expected = net.evaluate(X, y, sample_weight=WEIGHTS)
    best = history.validation_cost.argmin()
    assert history.validation_cost[best] == expected["cost"]
    assert history.validation_accuracy[best] == expected["accuracy"]
    assert expected["cost"] != net.evaluate(X, y)["cost"]
    assert seen == [(ROWS, ROWS)] * 2
    with pytest.raises(ValueError, match=r"sample_weight must be \(64,\)"):
        net.fit(X, y, validation_data=(X, y, WEIGHTS[1:]))


# ---------------------------------------------------------------- batches that do not count


@pytest.mark.parametrize("kind", ["weights", "missing", "output weights"])
def test_a_batch_that_does_not_count_makes_no_step(kind):
    """As of arrays, of which a mini-batch may be such."""
    rng = np.random.default_rng(0)
    x, y, w, u = rng.normal(size=(90, 3)), rng.random((90, 2)), np.ones(90), np.ones((90, 2))
    options = {}
    if kind == "weights":
        w[30:60], options = 0, {"sample_weight": w}
    elif kind == "missing":
        y[30:60] = np.nan
    else:
        u[30:60], options = 0, {"output_weight": u}
    skip = {"missing_targets": "skip"} if kind == "missing" else {}
    how = {"optimizer": cr.Adam(), "epochs": 3, **skip}
    twin, net = (cr.Network([3, 5, 2], hidden="tanh", seed=0) for _ in range(2))
    twin.fit(x, y, batch_size=30, shuffle=False, **options, **how)
    rows = [slice(k, k + 30) for k in (0, 30, 60)]
    net.fit([(x[r], y[r], w[r], u[r]) for r in rows], **how)
    np.testing.assert_array_equal(net.parameters, twin.parameters)
    assert net.optimizer_state["steps"] == twin.optimizer_state["steps"] == 9


def test_weights_of_validation_data_are_called_so():
    net = cr.Network([3, 2], seed=0)
    x, y = np.ones((9, 3)), np.zeros((9, 2))
    for wrong, name in (((np.ones(90),), "sample_weight"), ((None, np.ones(90)), "output_weight")):
        with pytest.raises(ValueError, match=f"validation {name} must be"):
            net.fit(x, y, validation_data=(x, y, *wrong))
