"""The model of a table: which rows it holds out, which epoch it keeps, and what it then says."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.checks.sparse_rows import is_sparse
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation
from chainrule.tables.recipe import PRESETS, Recipe, recipe_of
from chainrule.tables.targets import classes_of, values_of
from chainrule.tables.temperature import temperature_of, tempered
from chainrule.tables.training import held_out, train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0.3).astype(int) + (X[:, 1] > 0.5)]
VALUES = X[:, 0] ** 2 + X[:, 1]
SMALL = Recipe(members=3, hidden=(8,), epochs=6, batch_size=256)


def parameters(predictor):
    return np.concatenate([net.parameters for net in predictor.ensemble])


def splits(recipe, targets, seed=0):
    """Return the rows that each network of a training with that seed holds out."""
    return held_out(recipe, targets.y, np.arange(len(targets.y)), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("share", "members"), [(0.15, 5), (0.2, 5), (0.5, 2), (0.33, 3), (0.01, 4)]
)
@pytest.mark.parametrize("m", [40, 91, 360])
def test_rows_are_held_out_once_and_of_all_classes(share, members, m):
    y = np.random.default_rng(1).integers(3, size=m)
    recipe = Recipe(held_out=share, members=members)
    rows = np.arange(m) * 2 + 1
    labels = np.zeros(2 * m, int)
    labels[rows] = y
    found = held_out(recipe, labels, rows, np.random.default_rng(0))
    n = max(1, round(share * m))
    assert [len(each) for each in found] == [n] * members
    together = np.concatenate(found)
    assert set(together) <= set(rows)
    if n * members <= m:
        assert len(set(together)) == n * members
    for each in found:
        shares = np.bincount(labels[each], minlength=3) - n * np.bincount(y) / m
        assert np.abs(shares).max() <= 1 + 1e-9


def test_one_split_for_all():
    first, *others = splits(replace(SMALL, shared_split=True), classes_of(LABELS))
    assert all(np.array_equal(first, each) for each in others)


def test_rows_held_out_are_not_trained_on():
    targets, recipe = classes_of(LABELS), replace(SMALL, members=1)
    predictor, histories = train(recipe, X, targets)
    net, inputs = predictor.ensemble[0], predictor.preparation.transform(X)
    (held,) = splits(recipe, targets)
    own = np.setdiff1d(np.arange(90), held)
    twin = cr.Network(
        [3, 8, 3], hidden="selu", output="softmax", init="lecun", seed=net.seed,
        cost=cr.costs.log_likelihood(smoothing=0.1),
    )  # fmt: skip
    twin.fit(
        inputs[own], targets.y[own], **recipe.descent(3, 6), batch_size=len(own), epochs=6,
        validation_data=(inputs[held], targets.y[held]),
        callbacks=cr.EarlyStopping("validation_accuracy", 100, ties="last"),
    )  # fmt: skip
    assert np.array_equal(twin.parameters, net.parameters)
    figures = [each["validation_accuracy"] for each in (twin.history, histories[0])]
    assert np.array_equal(*figures)


@pytest.mark.parametrize(
    ("metric", "figure"), [("error", "validation_accuracy"), ("log_loss", "validation_cost")]
)
def test_the_best_epoch_is_kept(metric, figure):
    targets, recipe = classes_of(LABELS), replace(SMALL, metric=metric, epochs=12)
    predictor, histories = train(recipe, X, targets)
    inputs = predictor.preparation.transform(X)
    for net, history, held in zip(
        predictor.ensemble, histories, splits(recipe, targets), strict=True
    ):
        found = net.evaluate(inputs[held], targets.y[held])
        column = history[figure]
        best = max(column) if metric == "error" else min(column)
        assert found["accuracy" if metric == "error" else "cost"] == best
        assert len(history) == 12


def test_the_best_epoch_of_values_by_their_mean_error():
    targets = values_of(VALUES)
    predictor, histories = train(replace(SMALL, metric="mae"), X, targets)
    inputs = predictor.preparation.transform(X)
    for net, history, held in zip(
        predictor.ensemble, histories, splits(SMALL, targets), strict=True
    ):
        error = np.abs(net.predict(inputs[held]) - targets.y[held]).mean()
        assert error == pytest.approx(min(history["mae"]), rel=1e-6)


def test_the_answer_is_the_mean():
    predictor, _ = train(SMALL, X, classes_of(LABELS))
    p = np.mean([net(predictor.preparation.transform(X)) for net in predictor.ensemble], axis=0)
    np.testing.assert_allclose(predictor.predict_proba(X), p, atol=1e-6)
    assert np.array_equal(predictor.predict(X), np.array(["a", "b", "c"])[p.argmax(axis=1)])
    predictor, _ = train(SMALL, X, values_of(VALUES))
    a = np.mean([net(predictor.preparation.transform(X)) for net in predictor.ensemble], axis=0)
    expected = a[:, 0] * VALUES.std() + VALUES.mean()
    np.testing.assert_allclose(predictor.predict(X), expected, atol=1e-5)
    assert predictor.predict(X).shape == (90,)


@pytest.mark.parametrize(
    "targets", [classes_of(LABELS), values_of(VALUES)], ids=["classes", "values"]
)
def test_the_same_seed_makes_the_same_bits_with_any_number_of_threads(targets):
    models = [parameters(train(SMALL, X, targets, seed=3, threads=k)[0]) for k in (1, 2, 3)]
    assert np.array_equal(models[0], models[1])
    assert np.array_equal(models[0], models[2])
    assert not np.array_equal(models[0], parameters(train(SMALL, X, targets, seed=4)[0]))


def test_rows_without_weight_are_as_if_not_there():
    weights = np.ones(90)
    weights[::4] = 0
    spoilt = LABELS.copy()
    spoilt[::4] = "a"
    kinds = [train(SMALL, X, classes_of(y), sample_weight=weights)[0] for y in (LABELS, spoilt)]
    assert np.array_equal(*map(parameters, kinds))


def test_weights_count():
    weights = np.where(LABELS == "a", 50.0, 1.0)
    plain, heavy = (
        train(SMALL, X, classes_of(LABELS), sample_weight=each)[0] for each in (None, weights)
    )
    assert (heavy.predict(X) == "a").sum() > (plain.predict(X) == "a").sum()


def test_again_on_all_rows():
    targets, recipe = values_of(VALUES), replace(SMALL, epochs=30)
    _, first = train(recipe, X, targets)
    predictor, again = train(recipe, X, targets, refit=True)
    best = [1 + int(np.argmin(history["validation_cost"])) for history in first]
    assert [len(history) for history in again] == [round(np.mean(best))] * 3
    assert all("validation_cost" not in history for history in again)
    net = predictor.ensemble[0]
    twin = cr.Network([3, 8, 1], hidden="selu", output="identity", init="lecun", seed=net.seed)
    twin.fit(
        predictor.preparation.transform(X), targets.y, **recipe.descent(3, 30),
        epochs=len(again[0]), batch_size=90,
    )  # fmt: skip
    assert np.array_equal(twin.parameters, net.parameters)


def test_the_temperature_is_the_best_one():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(400, 3))
    y = np.array([rng.choice(3, p=np.exp(r) / np.exp(r).sum()) for r in z])
    weights = rng.random(400)

    def probabilities(z):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    def cost(T):  # as if there were one row more of each class
        logs = np.log(tempered(p, T))
        rows = 400 * np.average(logs[np.arange(400), y], weights=weights)
        return -(rows + 3 * np.average(logs.mean(axis=1), weights=weights))

    p = probabilities(z / 0.4)  # too sure
    T = temperature_of(p, y, weights)
    assert cost(T) <= min(cost(T * 1.01), cost(T / 1.01))
    assert 2 < T < 3
    np.testing.assert_allclose(tempered(p, 2.5), probabilities(z), rtol=1e-9)


def test_a_few_right_answers_do_not_make_it_sure():
    p, y = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), np.array([0, 1, 0])
    assert 0.5 < tempered(p, temperature_of(p, y, None)).max(axis=1).min() < 0.9


def test_calibrated_probabilities():
    targets = classes_of(LABELS)
    plain, _ = train(SMALL, X, targets)
    predictor, _ = train(SMALL, X, targets, calibrate=True)
    assert predictor.temperature not in (1, plain.temperature)
    expected = tempered(plain.predict_proba(X), predictor.temperature)
    np.testing.assert_allclose(predictor.predict_proba(X), expected, rtol=1e-6)
    inputs = plain.preparation.transform(X)
    said, places = [], []
    for net, held in zip(plain.ensemble, splits(SMALL, targets), strict=True):
        said.append(net(inputs[held]))
        places.append(targets.y[held])
    T = temperature_of(np.concatenate(said), np.concatenate(places), None)
    assert predictor.temperature == pytest.approx(T, rel=1e-6)


def test_quantiles():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (400, 1))
    y = 100 + 10 * x[:, 0] + rng.normal(size=400) * 5
    predictor, _ = train(replace(SMALL, epochs=60), x, values_of(y), levels=(0.1, 0.5, 0.9))
    found = predictor.predict_quantiles(x)
    assert found.shape == (400, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= found).mean(axis=0), [0.1, 0.5, 0.9], atol=0.06)
    assert np.array_equal(predictor.predict(x), found[:, 1])
    x = rng.uniform(-1, 1, (4000, 1))  # as well of rows that it has not seen
    low, _, high = predictor.predict_quantiles(x).T
    y = 100 + 10 * x[:, 0] + rng.normal(size=4000) * 5
    assert ((low <= y) & (y <= high)).mean() == pytest.approx(0.8, abs=0.06)


def test_values_far_from_0_keep_their_digits():
    y = 1e9 + VALUES
    near, far = (train(SMALL, X, values_of(each))[0].predict(X) for each in (VALUES, y))
    np.testing.assert_allclose(far - 1e9, near, atol=1e-3)


def test_many_categories_stay_sparse():
    codes = np.array([f"c{i}" for i in np.arange(1400) % 700], object)
    rows = np.array([codes, RNG.normal(size=1400)], object).T
    effect = RNG.normal(size=700)[np.arange(1400) % 700]
    predictor, _ = train(replace(SMALL, epochs=30), rows, values_of(effect))
    assert is_sparse(predictor.preparation.transform(rows))
    left = np.var(predictor.predict(rows) - effect) / np.var(effect)
    assert left < 0.5
    predictor, _ = train(SMALL, rows, classes_of(effect > 0), calibrate=True)
    assert predictor.predict_proba(rows[:1]).shape == (1, 2)


def test_a_time_limit_ends_training():
    _, histories = train(replace(SMALL, epochs=10**6, patience=10**6), X, values_of(VALUES),
                         time_limit=0.05)  # fmt: skip
    assert all(1 <= len(history) < 10**5 for history in histories)
    _, histories = train(SMALL, X, values_of(VALUES), time_limit=1e-9, refit=True)
    assert [len(history) for history in histories] == [1] * 3


def test_networks_keep_nothing_of_their_training():
    predictor, _ = train(SMALL, X, values_of(VALUES))
    assert all(net.optimizer_state == {} and net.history is None for net in predictor.ensemble)


def test_too_few_rows_to_hold_out():
    with pytest.raises(ValueError, match="n_samples = 1 with weight"):
        train(SMALL, X, values_of(VALUES), sample_weight=np.eye(90)[0])
    with pytest.raises(ValueError, match="90 would be held out"):
        train(replace(SMALL, held_out=0.999), X, values_of(VALUES))


def test_a_metric_is_of_classes_or_of_values():
    with pytest.raises(ValueError, match="one of error, log_loss for classes; got 'rmse'"):
        train(replace(SMALL, metric="rmse"), X, classes_of(LABELS))
    with pytest.raises(ValueError, match="one of rmse, mae for values; got 'error'"):
        train(replace(SMALL, metric="error"), X, values_of(VALUES))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("members", 0), ("hidden", [64]), ("hidden", (0,)), ("activation", "softmax"),
        ("init", "no"), ("bins", -1), ("least_count", 0), ("learning_rate", 0.0),
        ("schedule", "linear"), ("beta1", 1.0), ("beta2", -0.1), ("weight_decay", -1),
        ("epochs", 0), ("batch_size", 0), ("dropout", 1.0), ("smoothing", 1.0),
        ("held_out", 0.0), ("shared_split", 1), ("metric", "auc"), ("ties", "all"),
        ("patience", 0),
    ],
)  # fmt: skip
def test_a_recipe_checks_its_fields(field, value):
    with pytest.raises((ValueError, TypeError), match=f"{field}|{value!r}"):
        Recipe(**{field: value})


def test_recipes_have_names():
    assert recipe_of("default", "classes") is PRESETS["default"]["classes"]
    assert recipe_of(SMALL, "values") is SMALL
    assert SMALL.of(members=None, metric="mae") == replace(SMALL, metric="mae")
    with pytest.raises(ValueError, match=r"unknown preset 'deflaut'.*'default'"):
        recipe_of("deflaut", "values")


@pytest.mark.parametrize("schedule", ["constant", "cosine", "flat_cosine", "coslog4"])
def test_the_optimizer_is_as_the_recipe_says(schedule):
    recipe = Recipe(schedule=schedule, learning_rate=0.3, beta2=0.9, weight_decay=0.2)
    made = recipe.descent(3, 100)["optimizer"]
    assert (made.beta2, made.weight_decay) == (0.9, 0.2)
    assert (
        made.learning_rate
        == {
            "constant": cr.Constant(0.3),
            "cosine": cr.CosineDecay(0.3, 100),
            "flat_cosine": cr.FlatCosine(0.3, 100),
            "coslog4": cr.CosLog4(0.3, 100),
        }[schedule]
    )


def test_a_predictor_says_what_it_is():
    predictor, _ = train(SMALL, X, classes_of(LABELS))
    assert repr(predictor) == "Predictor of 3 classes from 3 columns, by 3 networks"
    with pytest.raises(ValueError, match="quantiles"):
        predictor.predict_quantiles(X)
    predictor, _ = train(SMALL, X, values_of(VALUES))
    with pytest.raises(ValueError, match="this predicts values"):
        predictor.predict_proba(X)
    assert isinstance(predictor, Predictor)
    assert isinstance(predictor.preparation, Preparation)


def test_every_other_network_reads_the_bins():
    rng = np.random.default_rng(4)
    X = np.empty((80, 2), object)
    X[:, 0], X[:, 1] = rng.standard_normal(80), rng.choice(["a", "b", "c"], 80)
    recipe = replace(SMALL, bins=3, bins_scale=0.2, categories_scale=0.5)
    with_bins, without = [1, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5], [1, 0, 0, 0, 0.5, 0.5, 0.5]
    y = values_of(np.arange(80.0))
    for bins_for, expected in (
        ("all", [with_bins] * 3),
        ("half", [with_bins, without, with_bins]),
    ):
        predictor, _ = train(replace(recipe, bins_for=bins_for), X, y)
        scales = [net.input_scale for net in predictor.ensemble]
        np.testing.assert_allclose(scales, expected)


@pytest.mark.parametrize(
    ("given", "m", "epochs", "batch_size"),
    [
        ({}, 50, 100, 50),
        ({}, 1000, 100, 64),
        ({}, 5000, 100, 128),
        ({}, 10**6, 100, 256),
        ({"steps": 6000}, 1000, 100, 64),
        ({"steps": 6000}, 43000, 35, 256),
        ({"steps": 6000}, 10**6, 10, 256),
        ({"steps": 600, "batch_size": 20}, 1000, 12, 20),
        ({"least_steps": 300}, 68, 150, 64),
        ({"least_steps": 300}, 1000, 100, 64),
        ({"epochs": 7, "batch_size": 2000}, 1000, 7, 1000),
    ],
)
def test_how_long_training_is(given, m, epochs, batch_size):
    assert Recipe(**given).lengths(m) == {"epochs": epochs, "batch_size": batch_size}
