"""Estimators of tables in files: they come back with their parameters and the same answers."""

import os

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.exceptions import NotFittedError

import chainrule as cr
import chainrule.sklearn as ours
from chainrule.files import record as records
from chainrule.sklearn import TabularClassifier, TabularRegressor
from chainrule.tables.predictor import Predictor
from chainrule.tables.recipe import Recipe

M = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(M, 3))
NUMBERS[::7, 1] = np.nan
LABELS = np.array(["no", "yes", "größer"])[np.arange(M) % 3]
VALUES = NUMBERS[:, 0] + 5
SMALL = Recipe(members=2, hidden=(6,), epochs=3)
FITTED = {
    "classes": (TabularClassifier(SMALL, random_state=0, calibrate=True), LABELS),
    "classes by name": (
        TabularClassifier("fast", random_state=np.int64(3), class_weight={"no": 2.0, "yes": 1.0},
                          categorical_features=np.array([False, False, True])),
        LABELS,
    ),
    "values": (TabularRegressor(SMALL, random_state=0, refit=True, metric="mae"), VALUES),
    "quantiles": (TabularRegressor(SMALL, quantiles=np.array([0.1, 0.9]), threads=1), VALUES),
}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.npz"


@pytest.fixture(scope="module")
def fitted():
    return TabularClassifier(SMALL, random_state=0).fit(NUMBERS, LABELS)


@pytest.mark.parametrize("name", FITTED)
def test_what_was_saved_answers_to_the_same_bits(name, path):
    estimator, y = FITTED[name]
    estimator.fit(NUMBERS, y).save(path)
    back = ours.load(path)
    assert type(back) is type(estimator)
    assert np.array_equal(back.predict(NUMBERS), estimator.predict(NUMBERS))
    assert back.score(NUMBERS, y) == estimator.score(NUMBERS, y)
    assert back.n_features_in_ == 3
    assert not hasattr(back, "feature_names_in_")
    other = {"quantiles": "predict_quantiles", "values": "predict"}.get(name, "predict_proba")
    assert np.array_equal(*(getattr(each, other)(NUMBERS) for each in (back, estimator)))
    alone = cr.load(path)
    assert isinstance(alone, Predictor)
    assert np.array_equal(alone.predict(NUMBERS), estimator.predict(NUMBERS))


@pytest.mark.parametrize("name", FITTED)
def test_parameters_come_back(name, path):
    estimator, y = FITTED[name]
    estimator.fit(NUMBERS, y).save(path)
    back = ours.load(path)
    for parameter, value in estimator.get_params().items():
        found = getattr(back, parameter)
        assert found == (value.tolist() if hasattr(value, "tolist") else value)
    again = back.fit(NUMBERS, y)
    if estimator.random_state is not None:
        assert np.array_equal(again.predict(NUMBERS), estimator.predict(NUMBERS))


def test_names_of_columns_come_back(path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(NUMBERS, columns=["länge", "b", "c"])
    TabularRegressor(SMALL).fit(frame, VALUES).save(path)
    back = ours.load(path)
    assert back.feature_names_in_.tolist() == ["länge", "b", "c"]
    assert back.feature_names_in_.dtype == object
    with pytest.raises(ValueError, match="same order"):
        back.predict(frame[["b", "länge", "c"]])
    with pytest.raises(ValueError, match="out of place"):
        cr.load(path).predict(frame[["b", "länge", "c"]])


def test_before_it_is_fitted_there_is_nothing_to_save(path):
    with pytest.raises(NotFittedError):
        TabularClassifier().save(path)
    assert not path.exists()


def test_what_a_file_cannot_hold_is_named(path, fitted):
    table = TabularClassifier(SMALL, random_state=np.random.RandomState(0)).fit(NUMBERS, LABELS)
    with pytest.raises(ValueError, match=r"cannot hold random_state=.*set_params\(random_state="):
        table.save(path)

    class Own(TabularClassifier):
        pass

    with pytest.raises(ValueError, match=r"estimators of chainrule\.sklearn, not a Own"):
        Own(SMALL).fit(NUMBERS, LABELS).save(path)
    assert not path.exists()


def test_other_files_are_no_estimators(path, fitted):
    fitted.predictor_.save(path)
    with pytest.raises(ValueError, match=r"expected an estimator .* got a model without one"):
        ours.load(path)
    with pytest.raises(ValueError, match=r"is no checkpoint|cannot be loaded"):
        cr.resume(path, NUMBERS, LABELS)


FORGED = {
    "an unknown class": (lambda f: f.update(estimator="Pipe"), "expected one of"),
    "another class": (lambda f: f.update(estimator="TabularRegressor"), "expected parameters of"),
    "a class of one network": (lambda f: f.update(estimator="MLPClassifier"), "one network"),
    "a class that is none": (lambda f: f.update(estimator=["a"]), "expected one of"),
    "a field more": (lambda f: f.update(more=1), "expected a record of"),
    "an unknown parameter": (lambda f: f["parameters"].update(more=1), "parameters of"),
    "a wrong parameter": (lambda f: f["parameters"].update(refit=3), "'refit' parameter"),
    "a wrong recipe": (lambda f: f["parameters"]["preset"].update(members=0), "members must be"),
    "a recipe of more": (lambda f: f["parameters"]["preset"].update(more=0), "more"),
    "names that are none": (lambda f: f.update(has_names=True), "names of columns"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_parts_are_refused(name, path, fitted):
    change, message = FORGED[name]
    original = records.written

    def written(fields):
        change(fields)
        return original(fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "written", written)
        fitted.save(path)
    with pytest.raises(ValueError, match=message) as caught:
        ours.load(path)
    assert str(caught.value).startswith(f"{os.fspath(path)} cannot be loaded: ")


def test_values_are_of_no_classifier(path):
    TabularRegressor(SMALL).fit(NUMBERS, VALUES).save(path)
    original = records.written
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            records, "written",
            lambda f: original(f | {"estimator": "TabularClassifier", "parameters": {}}),
        )  # fmt: skip
        TabularRegressor(SMALL).fit(NUMBERS, VALUES).save(path)
    with pytest.raises(ValueError, match="for a classifier alone"):
        ours.load(path)
