"""Explanations of the estimators for tables."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance

from chainrule.sklearn import TabularClassifier, TabularRegressor
from chainrule.tables.recipe import Recipe

pandas = pytest.importorskip("pandas")
SMALL = Recipe(members=2, hidden=(8,), epochs=40)


def table(m=200):
    rng = np.random.default_rng(4)
    X = pandas.DataFrame({
        "noise": rng.normal(size=m),
        "colour": rng.choice(["red", "green", "blue"], m),
        "length": rng.normal(10, 3, m),
    })  # fmt: skip
    return X, (X["length"] - 10) + 4 * (X["colour"] == "red")


@pytest.fixture(scope="module", params=["classes", "values"])
def fitted(request):
    X, score = table()
    if request.param == "classes":
        return X, score > 2, TabularClassifier(SMALL, random_state=0).fit(X, score > 2)
    return X, score, TabularRegressor(SMALL, random_state=0).fit(X, score)


def test_permutation_importance_finds_what_counts(fitted):
    X, y, estimator = fitted
    found = permutation_importance(estimator, X, y, n_repeats=3, random_state=0).importances_mean
    assert min(found[1:]) > 10 * abs(found[0])
    assert min(found[1:]) > 0.05


def test_so_do_attributions(fitted):
    X, _, estimator = fitted
    added = estimator.attributions(X)
    assert added.shape == X.shape
    strength = np.abs(added).mean(axis=0)
    assert min(strength[1:]) > 3 * strength[0]
    np.testing.assert_array_equal(added, estimator.predictor_.attributions(X))
    with pytest.raises(ValueError, match="length"):
        estimator.attributions(X[["noise", "colour"]])


def test_their_picture_has_the_names_of_columns(fitted):
    figure = pytest.importorskip("matplotlib.figure")
    X, _, estimator = fitted
    ax = estimator.plot_attributions(X, ax=figure.Figure().subplots())
    assert {label.get_text() for label in ax.get_yticklabels()} == set(X.columns)
