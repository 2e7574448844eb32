"""Targets that are missing: refused, or left out of the cost by a weight of 0."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from oracle import TOLERANCE, assert_close
from problems import targets_for
from refusals import refuse

QUANTILES = cr.costs.quantile([0.1, 0.5, 0.9])
PAIRS = [
    *itertools.product(["identity"], ["quadratic", "absolute_error", "huber", "hinge", QUANTILES]),
    ("softmax", "hinge"),
    ("tanh", "quadratic"),
    ("sigmoid", "cross_entropy"),
    ("exponential", "poisson"),
    ("identity", "gaussian"),
]
by_pair = pytest.mark.parametrize(("output", "cost"), PAIRS, ids=map(str, PAIRS))
by_optimizer = pytest.mark.parametrize(
    "optimizer", [cr.Adam(0.01), cr.LBFGS()], ids=["Adam", "LBFGS"]
)


def problem(output="identity", cost="quadratic", dtype="float32", rows=50):
    """(net, X, Y, Y with NaN in the place of many, all of the first row among them)."""
    net = cr.Network([5, 7, 6], hidden="tanh", output=output, cost=cost, dtype=dtype, seed=4)
    rng = np.random.default_rng(rows)
    X, Y = rng.normal(size=(rows, 5)), targets_for(cost, rng, rows, 6).astype(float)
    Y = np.tanh(Y) if output == "tanh" else Y  # within its reach
    holes = rng.random(Y.shape) < 0.4
    holes[0] = True
    return net, X, Y, np.where(holes, np.nan, Y)


@by_pair
@by_optimizer
def test_they_count_as_any_target_whose_weight_is_0(output, cost, optimizer, dtype):
    (net, X, Y, holes), (twin, *_) = problem(output, cost, dtype), problem(output, cost, dtype)
    weights = ~np.isnan(holes)
    options = {"optimizer": optimizer, "epochs": 3}
    got = net.fit(X, holes, missing_targets="skip", validation_data=(X, holes), **options)
    expected = twin.fit(
        X, Y, output_weight=weights, validation_data=(X, Y, None, weights), **options
    )
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert got.cost.tobytes() == expected.cost.tobytes()
    assert got.validation_cost.tobytes() == expected.validation_cost.tobytes()
    skipped = net.evaluate(X, holes, missing_targets="skip")
    assert skipped == {"cost": net.evaluate(X, Y, output_weight=weights)["cost"]}
    nabla = net.backprop(X, holes, missing_targets="skip")
    assert_close(nabla.parameters, net.backprop(X, Y, output_weight=weights).parameters, 1e-300)


def test_with_weights_of_targets_both_count():
    (net, X, Y, holes), (twin, *_) = problem(), problem()
    u = np.random.default_rng(0).random(Y.shape)
    w = np.random.default_rng(1).random(len(Y))
    net.fit(X, holes, sample_weight=w, output_weight=u, missing_targets="skip", epochs=2)
    twin.fit(X, Y, sample_weight=w, output_weight=u * ~np.isnan(holes), epochs=2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


def test_a_sample_without_any_target_counts_in_the_mean():
    net, X, Y, _ = problem(dtype="float64")
    Y[25:] = np.nan
    got = net.evaluate(X, Y, missing_targets="skip")["cost"]
    assert got == pytest.approx(net.evaluate(X[:25], Y[:25])["cost"] / 2, rel=1e-12)


def test_batches_may_miss_some(dtype):
    (net, X, _, holes), (twin, *_) = problem(dtype=dtype), problem(dtype=dtype)
    parts = [slice(i, i + 16) for i in range(0, 50, 16)]
    options = {"missing_targets": "skip", "epochs": 3, "optimizer": cr.SGD(0.1)}
    got = net.fit([(X[part], holes[part]) for part in parts], **options)
    expected = twin.fit(X, holes, batch_size=16, shuffle=False, **options)
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert_close(got.cost, expected.cost, TOLERANCE[dtype])


def test_a_split_takes_them_along_and_metrics_see_nan():
    net, X, _, holes = problem()
    seen = []
    history = net.fit(X, holes, missing_targets="skip", validation_split=0.3, epochs=2,
                      metrics={"m": lambda y, a: seen.append(y.copy()) or 0.0})  # fmt: skip
    assert history["m"].tolist() == [0, 0]
    assert np.isfinite(history.validation_cost).all()
    assert np.isnan(seen[0]).any()
    there = ~np.isnan(seen[0])
    known = holes[~np.isnan(holes)].astype(np.float32)
    assert np.isin(seen[0][there], known).all()


def test_seven_tenths_may_miss():
    """Three waves of one input; every second row has one of them at most."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (600, 1))
    Y = np.sin(X + np.array([0, 1, 2]))
    holes = np.where(rng.random(Y.shape) < 0.7, np.nan, Y)
    net = cr.Network([1, 20, 3], hidden="tanh", output="identity", seed=0)
    net.fit(X, holes, missing_targets="skip", optimizer=cr.LBFGS(), epochs=300)
    assert np.abs(net(X) - Y).max() < 0.05
    zeros = cr.Network([1, 20, 3], hidden="tanh", output="identity", seed=0)
    zeros.fit(X, np.nan_to_num(holes), optimizer=cr.LBFGS(), epochs=300)
    assert np.abs(zeros(X) - Y).max() > 0.3


@pytest.mark.parametrize(("n_out", "kind"), [(1, "classes"), (3, "multilabel")])
def test_what_is_predicted_is_as_if_all_were_there(n_out, kind):
    X = np.random.default_rng(0).normal(size=(40, 5))
    Y = (X[:, :n_out] > 0).astype(float)
    Y[::3, 0] = np.nan
    net = cr.Network([5, n_out], cost="cross_entropy", seed=0)
    history = net.fit(X, Y, missing_targets="skip", epochs=3, validation_data=(X, Y))
    assert net.answers == kind
    assert len(history["validation_accuracy"]) == 0
    assert "accuracy" not in net.evaluate(X, Y, missing_targets="skip")


def test_scaling_that_learns_is_by_those_that_are_there(dtype):
    """The same as with the numbers that come of it."""
    net, X, Y, holes = problem(dtype=dtype)
    Y, holes = 1e6 + 1e3 * Y, 1e6 + 1e3 * holes
    w, u = np.random.default_rng(0).random(50), np.random.default_rng(1).random(Y.shape)
    v = w[:, None] * u * ~np.isnan(holes)
    mean = (v * Y).sum(axis=0) / v.sum(axis=0)
    spread = np.sqrt((v * (Y - mean) ** 2).sum(axis=0) / v.sum(axis=0))
    options = {"hidden": "tanh", "output": "identity", "dtype": dtype, "seed": 4}
    net = cr.Network([5, 7, 6], output_scale="standard", **options)
    twin = cr.Network([5, 7, 6], **options)
    given = {"sample_weight": w, "output_weight": u, "missing_targets": "skip", "epochs": 3}
    history = net.fit(X, holes, validation_data=(X, holes), **given)
    assert_close(net.output_shift, mean, TOLERANCE[dtype], scale=1e3)
    assert_close(net.output_scale, spread, 100 * TOLERANCE[dtype])
    twin.fit(X, (holes - mean) / spread, **given)
    assert_close(net.parameters, twin.parameters, 10 * TOLERANCE[dtype])
    assert np.isfinite(history.validation_cost).all()


def test_what_has_no_weight_may_be_out_of_reach():
    net, X, Y, holes = problem("tanh")
    given = np.where(np.isnan(holes), -999, Y)
    net.fit(X, given, output_weight=~np.isnan(holes), epochs=1)
    refuse(lambda: net.fit(X, given), ValueError, ["within the reach", "-999"], net)


# ---------------------------------------------------------------- frames and series


def test_frames_may_miss_some():
    pd = pytest.importorskip("pandas")
    (net, X, _, holes), *twins = problem(), problem(), problem()
    net.fit(X, holes, missing_targets="skip", epochs=2)
    names = list("abcdef")
    nullable = pd.DataFrame(holes, columns=names).convert_dtypes()
    objects = pd.DataFrame(holes, columns=names).astype(object)
    for (twin, *_), frame in zip(
        twins, (nullable, objects.where(objects.notna(), None)), strict=True
    ):
        twin.fit(X, frame, missing_targets="skip", epochs=2)
        assert twin.parameters.tobytes() == net.parameters.tobytes()
    refuse(lambda: net.fit(X, nullable), ValueError,
           ["y must be finite", "missing_targets='skip'", "row 0", "column 'a'"], net)  # fmt: skip


def test_polars_and_series_may_miss_some():
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(30, 5))
    y = [None, *np.arange(29.0)]
    found = set()
    for given in (
        np.array([np.nan, *y[1:]]), pl.Series(y), pd.Series(y), pd.Series(y, dtype="Float64"),
        pl.DataFrame({"y": y}), pd.Series([None, *range(29)], dtype="Int64"),
    ):  # fmt: skip
        net = cr.Network([5, 4, 1], output="identity", seed=0)
        net.fit(X, given, missing_targets="skip", epochs=2)
        found.add(net.parameters.tobytes())
        assert np.isfinite(net.parameters).all()
        refuse(lambda net=net, y=given: net.fit(X, y), ValueError,
               ["misses 1 of 30", "missing_targets='skip'"], net)  # fmt: skip
    assert len(found) == 1


# ---------------------------------------------------------------- refused


def test_without_the_option_they_are_refused_and_it_is_named():
    net, X, Y, holes = problem()
    fragments = ["y must be finite", "misses", "of 300 values", "missing_targets='skip'", "y[0, 0]"]
    for call in (
        lambda: net.fit(X, holes),
        lambda: net.fit(X, holes, optimizer=cr.LBFGS()),
        lambda: net.fit(X, Y, validation_data=(X, holes)),
        lambda: net.evaluate(X, holes),
        lambda: net.backprop(X, holes),
        lambda: net.trace(X, holes),
        lambda: cr.diagnose(net, X, holes),
        lambda: cr.check_gradient(net, X, holes),
    ):
        refuse(call, ValueError, fragments, net)
    refuse(lambda: net.fit([(X, holes)]), ValueError, fragments)


def test_all_missing_is_refused():
    net, X, Y, _ = problem()
    one = np.where(np.arange(6) == 1, np.nan, Y)
    options = {"missing_targets": "skip", "output_weight": [0, 1, 0, 0, 0, 0]}
    refuse(lambda: net.fit(X, one, **options), ValueError, ["weights of all targets are 0"], net)
    refuse(lambda: net.fit(X, Y * np.nan, missing_targets="skip"), ValueError,
           ["y misses all of its 300 values"], net)  # fmt: skip


def test_infinite_ones_are_not_missing():
    net, X, _, holes = problem()
    holes[3, 2] = np.inf
    refuse(lambda: net.fit(X, holes, missing_targets="skip"), ValueError,
           ["y must be finite", "y[3, 2] is inf"], net)  # fmt: skip


def test_labels_are_never_missing():
    pd = pytest.importorskip("pandas")
    net = cr.Network([5, 4, 3], output="softmax", cost="log_likelihood", seed=0)
    X = np.ones((6, 5))
    for given in (
        pd.Series([0, 1, 2, pd.NA, 0, 1], dtype="Int64"),
        np.array([0, 1, 2, np.nan, 0, 1]),
    ):
        refuse(lambda y=given: net.fit(X, y, missing_targets="skip"), ValueError, ["y"], net)


@pytest.mark.parametrize("given", ["drop", "Skip"])
def test_another_word_is_refused(given):
    net, X, Y, _ = problem()
    refuse(
        lambda: net.fit(X, Y, missing_targets=given), ValueError, ["missing_targets", "skip"], net
    )
    refuse(lambda: net.evaluate(X, Y, missing_targets=given), ValueError, ["missing_targets"], net)


def test_the_doctor_looks_at_samples_whose_targets_are_all_there():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    Y = np.tanh(X[:, :2] + X[:, 2:4])
    holes = np.where(rng.random(Y.shape) < 0.5, np.nan, Y)
    options = {"missing_targets": "skip", "optimizer": cr.LBFGS(), "epochs": 200}
    options |= {"validation_data": (X, holes), "diagnose": True}
    net = cr.Network([5, 10, 2], hidden="tanh", output="identity", dtype="float64", seed=0)
    diagnosis = net.fit(X, holes, **options).diagnosis
    assert diagnosis.samples == (~np.isnan(holes)).all(axis=1).sum()
    there = ~np.isnan(holes).any(axis=1)
    assert repr(diagnosis) == repr(cr.diagnose(net, X[there], Y[there]))
    holes[:, 0] = np.where(np.isnan(holes[:, 1]), holes[:, 0], np.nan)
    refuse(lambda: net.fit(X, holes, **options), ValueError, ["diagnose=True", "all there"], net)


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_targets_in_any_order_of_memory(kind):
    """Column by column, as frames have them."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.normal(size=(60, 2))
    y[::2, 1] = np.nan
    other = np.asfortranarray(y)
    if kind == "frame":
        pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
        other = pandas.DataFrame({"a": y[:, 0], "b": y[:, 1]})
    weights = {"output_weight": np.asfortranarray(rng.random((60, 2)))}
    results = []
    for targets in (y, other):
        net = cr.Network([4, 8, 2], task="regression", seed=0)
        skip = {"missing_targets": "skip"}
        net.fit(x, targets, epochs=2, validation_data=(x, targets), **skip)
        results.append([
            net.parameters, net.history.validation_cost,
            net.evaluate(x, targets, **skip, **weights)["cost"],
            net.backprop(x, targets, **skip).parameters,
            net.trainer(cr.SGD(0.1), missing_targets="skip").step(x, targets),
        ])  # fmt: skip
    for mine, its in zip(*results, strict=True):
        np.testing.assert_array_equal(mine, its)
