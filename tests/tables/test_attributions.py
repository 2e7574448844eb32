"""What columns of a table have added to its answers."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule.tables.recipe import Recipe
from chainrule.tables.targets import classes_of, values_of
from chainrule.tables.temperature import tempered
from chainrule.tables.training import train

SMALL = Recipe(members=2, hidden=(8,), epochs=30)


def table(m=150):
    """Numbers with holes, three categories, and a column that is always the same."""
    rng = np.random.default_rng(1)
    X = np.empty((m, 4), object)
    X[:, 0] = rng.normal(size=m)
    X[:, 1] = rng.choice(["red", "green", "blue"], m)
    X[:, 2] = rng.normal(size=m) * 100
    X[:, 3] = None
    score = 2 * X[:, 0].astype(float) + 3 * (X[:, 1] == "red")
    X[:5, 0] = None
    return X, score


@pytest.fixture(scope="module")
def of_classes():
    X, score = table()
    y = np.array(["low", "middle", "high"])[np.digitize(score, [0, 2])]
    with pytest.warns(UserWarning, match="left out"):
        predictor, _ = train(SMALL, X, classes_of(y), calibrate=True)
    return X, predictor


@pytest.fixture(scope="module")
def of_values():
    X, score = table()
    with pytest.warns(UserWarning, match="left out"):
        predictor, _ = train(SMALL, X, values_of(50 * score - 200))
    return X, predictor


def medians(predictor):
    """What the networks say where all inputs are 0."""
    return predictor.ensemble.feedforward(np.zeros((1, predictor.preparation.width)))


def test_of_values_they_sum_in_their_units(of_values):
    X, predictor = of_values
    added = predictor.attributions(X)
    assert added.shape == X.shape
    assert added.dtype == np.float64
    begin = predictor.scale * medians(predictor)[0, 0] + predictor.shift
    missed = added.sum(axis=1) - (predictor.predict(X) - begin)
    assert np.abs(missed).max() < 1.01e-3 * predictor.scale
    assert (added[:, 3] == 0).all()
    strength = np.abs(added).mean(axis=0)
    assert min(strength[:2]) > 3 * strength[2]
    assert (added[X[:, 1] == "red", 1] > 0).all()


def test_of_classes_they_are_of_the_one_that_is_predicted(of_classes):
    X, predictor = of_classes
    added = predictor.attributions(X, tolerance=1e-4)
    p = predictor.predict_proba(X)
    of_each = [predictor.attributions(X, output=c, tolerance=1e-4) for c in predictor.classes]
    places = p.argmax(axis=1)
    expected = np.stack(of_each)[places, np.arange(len(X))]
    np.testing.assert_allclose(added, expected, rtol=0, atol=1e-9)
    begin = tempered(medians(predictor), predictor.temperature)
    sums = np.stack([each.sum(axis=1) for each in of_each], axis=1)
    np.testing.assert_allclose(sums, p - begin, rtol=0, atol=1.02e-4)
    assert np.abs(sums).max() > 0.3
    assert abs(predictor.temperature - 1) > 0.1


def test_a_column_has_the_sum_of_its_inputs(of_values):
    X, predictor = of_values
    inputs = predictor.preparation.transform(X)
    by_input = sum(net.jacobian(inputs)[:, 0] for net in predictor.ensemble) / 2 * inputs
    at = [column.where for column in predictor.preparation.columns]
    assert [where.stop - where.start for where in at] == [2, 3, 1, 0]
    expected = predictor.scale * np.stack([by_input[:, where].sum(axis=1) for where in at], axis=1)
    added = predictor.attributions(X, method="gradient")
    np.testing.assert_allclose(added, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(added).max() > 1


def test_of_quantiles_they_are_of_the_middle_one_or_the_one_that_is_named():
    X, score = table()
    levels = (0.1, 0.5, 0.9)
    predictor, _ = train(SMALL, X[:, :3], values_of(score), levels=levels)
    begin = predictor.scale * medians(predictor)[0].astype(float) + predictor.shift
    inputs = predictor.preparation.transform(X[:, :3])
    said = predictor.scale * predictor.ensemble.feedforward(inputs) + predictor.shift
    for place, level in enumerate(levels):
        added = predictor.attributions(X[:, :3], output=level)
        missed = added.sum(axis=1) - (said[:, place] - begin[place])
        assert np.abs(missed).max() < 1.01e-3 * predictor.scale
    middle = predictor.attributions(X[:, :3], output=0.5)
    np.testing.assert_array_equal(predictor.attributions(X[:, :3]), middle)


def test_what_there_is_not_is_refused(of_classes, of_values):
    X, predictor = of_classes
    with pytest.raises(
        ValueError, match=r"output must be one of \['high', 'low', 'middle'\].*'hi'"
    ):
        predictor.attributions(X, output="hi")
    with pytest.raises(ValueError, match=r"unknown method 'integral'.*'integrated'"):
        predictor.attributions(X, method="integral")
    with pytest.raises(ValueError, match=r"tolerance must be .*got 0"):
        predictor.attributions(X, tolerance=0)
    X, predictor = of_values
    with pytest.raises(
        ValueError, match=r"output must be None, as there is one value a row; got 0.5"
    ):
        predictor.attributions(X, output=0.5)


def test_a_picture_shows_the_strongest(of_values):
    figure = pytest.importorskip("matplotlib.figure")
    X, predictor = of_values
    ax = predictor.plot_attributions(X, most=2, ax=figure.Figure().subplots())
    added = np.abs(predictor.attributions(X)).mean(axis=0)
    assert [bar.get_width() for bar in ax.patches] == sorted(added, reverse=True)[:2]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"column {k}" for k in np.argsort(-added)[:2]]


def test_also_where_inputs_have_a_scale_to_train():
    X, score = table()
    predictor, _ = train(replace(SMALL, scale_rate=6.0), X[:, :3], values_of(score))
    added = predictor.attributions(X[:, :3])
    begin = predictor.scale * medians(predictor)[0, 0] + predictor.shift
    missed = added.sum(axis=1) - (predictor.predict(X[:, :3]) - begin)
    assert np.abs(missed).max() < 1.01e-3 * predictor.scale
    assert any((net.scale != 1).any() for net in predictor.ensemble)
