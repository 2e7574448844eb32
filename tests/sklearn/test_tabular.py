"""The estimators of tables: what scikit-learn asks of them, frames, labels, and its tools."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from chainrule.sklearn import TabularClassifier, TabularRegressor
from chainrule.tables.recipe import Recipe

BOTH = [TabularClassifier, TabularRegressor]
# Which rows are held out hangs by how many there are: so for all that hold some out.
NOT_EQUIVALENT = {"check_sample_weight_equivalence_on_dense_data"}
SMALL = Recipe(members=2, hidden=(8,), epochs=15)
RNG = np.random.default_rng(0)
M = 80
NUMBERS = RNG.normal(size=M)
WORDS = np.array(["red", "blue", "green"])[RNG.integers(3, size=M)]
FLAGS = RNG.random(M) > 0.5
DAYS = np.datetime64("2021-01-01") + RNG.integers(0, 700, size=M)
COLUMNS = {
    "size": np.where(np.arange(M) % 9 == 4, np.nan, NUMBERS),
    "colour": np.where(np.arange(M) % 7 == 3, None, WORDS),
    "old": FLAGS,
    "day": DAYS.astype("datetime64[us]"),
}
LABELS = np.where((WORDS == "red") ^ FLAGS, "yes", "no")
VALUES = NUMBERS + 3 * FLAGS


@pytest.fixture(scope="module")
def frame():
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def fitted(kind, X, **parameters):
    y = LABELS if kind is TabularClassifier else VALUES
    return kind(**{"preset": SMALL, "random_state": 0, **parameters}).fit(X, y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (estimator, check)
        for kind in BOTH
        for estimator, check in estimator_checks_generator(kind())
        if getattr(check, "func", check).__name__ not in NOT_EQUIVALENT
    ],
    ids=lambda each: each.func.__name__ if hasattr(each, "func") else repr(each),
)
def test_every_check_of_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_frames_of_any_package_are_alike(kind, package, frame):
    pytest.importorskip(package)
    other = made_by(package, frame)
    ours, theirs = fitted(kind, frame), fitted(kind, other)
    assert list(theirs.feature_names_in_) == list(COLUMNS)
    assert np.array_equal(ours.predict(frame), theirs.predict(other))
    assert np.array_equal(ours.predict(other), theirs.predict(frame))


def made_by(package, frame):
    if package == "polars":
        import polars

        return polars.from_pandas(frame)
    import pyarrow

    return pyarrow.Table.from_pandas(frame)


def test_it_learns_a_table_as_it_is(frame):
    table = fitted(TabularClassifier, frame, preset="default")
    assert table.score(frame, LABELS) > 0.9
    assert table.classes_.tolist() == ["no", "yes"]
    p = table.predict_proba(frame)
    assert np.array_equal(table.classes_[p.argmax(axis=1)], table.predict(frame))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(table.predict_log_proba(frame), np.log(p))
    assert len(table.ensemble_) == len(table.history_) == 7
    assert table.preparation_.names == tuple(COLUMNS)
    assert fitted(TabularRegressor, frame, preset="default").score(frame, VALUES) > 0.8


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_the_target_has_the_name_of_its_series(package, frame):
    series = pytest.importorskip(package).Series
    labels = ["a", "b"] * (len(frame) // 2) + ["a"] * (len(frame) % 2)
    for name in ("kind", None):
        y = series(labels, name=name) if package == "pandas" else series(name or "", labels)
        assert TabularClassifier("fast", random_state=0).fit(frame, y).predictor_.target == name
    assert TabularClassifier("fast", random_state=0).fit(frame, labels).predictor_.target is None


def test_a_list_of_rows():
    rows = [list(row) for row in zip(NUMBERS, WORDS, FLAGS, strict=True)]
    table = fitted(TabularClassifier, rows)
    assert table.n_features_in_ == 3
    assert table.predict([[0.5, "red", False]]).shape == (1,)


@pytest.mark.parametrize("kind", BOTH)
def test_an_array_with_named_fields_is_a_frame(kind, frame):
    numbers = frame[["size", "old"]].assign(text=frame["colour"], more=NUMBERS)
    records = numbers.to_records(index=False)
    ours, theirs = fitted(kind, numbers), fitted(kind, np.array(records.tolist(), records.dtype))
    assert theirs.preparation_.names == tuple(numbers)
    assert theirs.n_features_in_ == 4
    assert np.array_equal(theirs.predict(records), ours.predict(numbers))
    assert np.array_equal(theirs.predict(numbers), ours.predict(records))
    with pytest.raises(ValueError, match="'text' is out of place"):
        theirs.predict(records[["text", "old", "size", "more"]])


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(object), LABELS == "yes", np.where(LABELS == "yes", 7, -7),
        np.where(LABELS == "yes", 2.0, 1.0), LABELS.tolist(),
    ],
    ids=["objects", "booleans", "integers", "floats", "a list"],
)  # fmt: skip
def test_labels_of_any_kind(labels, frame):
    expected = fitted(TabularClassifier, frame)
    table = TabularClassifier(SMALL, random_state=0).fit(frame, labels)
    assert np.array_equal(table.predict_proba(frame), expected.predict_proba(frame))
    assert table.predict(frame).dtype == np.asarray(labels).dtype
    assert table.score(frame, labels) == expected.score(frame, LABELS)


@pytest.mark.parametrize("kind", BOTH)
def test_copies(kind, frame):
    table = fitted(kind, frame)
    answer = table.predict(frame)
    assert np.array_equal(pickle.loads(pickle.dumps(table)).predict(frame), answer)
    twin = clone(table)
    assert not hasattr(twin, "predictor_")
    assert not hasattr(twin, "ensemble_")
    assert np.array_equal(fitted(kind, frame, **twin.get_params()).predict(frame), answer)


@pytest.mark.parametrize("kind", BOTH)
def test_the_same_state_makes_the_same_bits(kind, frame):
    answers = [
        fitted(kind, frame, random_state=state, threads=threads).predict(frame)
        for state, threads in [(1, 1), (1, 2), (np.random.RandomState(1), None), (2, None)]
    ]
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[2])
    other = fitted(kind, frame, random_state=2).ensemble_[0].parameters
    assert not np.array_equal(other, fitted(kind, frame, random_state=1).ensemble_[0].parameters)


def test_a_pipeline_and_a_search(frame):
    pipeline = make_pipeline(
        FunctionTransformer(lambda X: X[["size", "old"]]), TabularRegressor(SMALL, random_state=0)
    )
    search = GridSearchCV(pipeline, {"tabularregressor__n_members": [1, 2]}, cv=2)
    search.fit(frame, VALUES)
    assert search.best_estimator_.predict(frame).shape == (M,)
    found = search.cv_results_["mean_test_score"]
    assert np.isfinite(found).all()
    assert found[0] != found[1]


def test_importance_of_columns(frame):
    table = fitted(TabularRegressor, frame, preset="default")
    found = permutation_importance(table, frame, VALUES, n_repeats=2, random_state=0)
    means = dict(zip(COLUMNS, found.importances_mean, strict=True))
    assert min(means["old"], means["size"]) > 5 * max(abs(means["day"]), abs(means["colour"]))


def test_weights_of_classes(frame):
    weights = {"yes": 30.0, "no": 1.0}
    plain, heavy = (
        fitted(TabularClassifier, frame, class_weight=each).predict(frame)
        for each in (None, weights)
    )
    assert (heavy == "yes").sum() > (plain == "yes").sum()
    by_rows = TabularClassifier(SMALL, random_state=0).fit(
        frame, LABELS, sample_weight=np.where(LABELS == "yes", 30.0, 1.0)
    )
    assert np.array_equal(by_rows.predict(frame), heavy)
    both = TabularClassifier(SMALL, random_state=0, class_weight="balanced").fit(
        frame, LABELS, sample_weight=np.where(LABELS == "yes", 1.0, 2.0)
    )
    counts = {label: (label == LABELS).sum() for label in ("no", "yes")}
    product = [M / 2 / counts[label] * (1 if label == "yes" else 2) for label in LABELS]
    once = TabularClassifier(SMALL, random_state=0).fit(frame, LABELS, sample_weight=product)
    assert np.array_equal(both.predict_proba(frame), once.predict_proba(frame))


def test_parameters_reach_training(frame):
    table = fitted(
        TabularClassifier, frame, n_members=3, validation_fraction=0.4, metric="log_loss"
    )
    assert len(table.ensemble_) == 3
    assert fitted(TabularClassifier, frame, calibrate=True).predictor_.temperature != 1
    again = fitted(TabularRegressor, frame, refit=True)
    assert "validation_cost" not in again.history_[0]
    limited = fitted(
        TabularRegressor, frame, preset=Recipe(epochs=10**6, patience=10**6), time_limit=0.05
    )
    assert len(limited.history_[0]) < 10**5
    chosen = fitted(TabularRegressor, frame.assign(code=np.arange(M) % 3),
                    categorical_features=["code"])  # fmt: skip
    assert chosen.preparation_.columns[-1].kind == "category"


def test_progress_is_shown(frame, capsys):
    fitted(TabularRegressor, frame, progress=True)
    assert capsys.readouterr().err


def test_quantiles(frame):
    table = fitted(TabularRegressor, frame, quantiles=[0.2, 0.45, 0.9])
    found = table.predict_quantiles(frame)
    assert found.shape == (M, 3)
    assert np.array_equal(table.predict(frame), found[:, 1])
    assert table.predictor_.levels == (0.2, 0.45, 0.9)


def test_names_are_compared(frame):
    table = fitted(TabularClassifier, frame)
    with pytest.raises(ValueError, match="must be in the same order"):
        table.predict(frame[list(COLUMNS)[::-1]])
    with pytest.raises(ValueError, match="now missing:\n- old"):
        table.predict(frame.drop(columns="old"))
    with pytest.raises(ValueError, match="unseen at fit time:\n- more"):
        table.predict(frame.assign(more=1))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        table.predict(frame.to_numpy())


def everything(estimator):
    return {name: repr(value) for name, value in vars(estimator).items()}


SPOILT = {
    "one class": ({}, lambda X, y: (X, np.full(M, "yes")), "1 class, 'yes'"),
    "a missing label": ({}, lambda X, y: (X, np.where(np.arange(M) == 5, None, y)), r"y\[5\] is"),
    "an infinite number": (
        {}, lambda X, y: (X.assign(size=np.inf), y), "row 0 .* of column 'size' is inf"
    ),
    "nothing there": ({}, lambda X, y: (X[["size"]] * np.nan, y), "nothing to learn from"),
    "a frame to be computed": ({}, lambda X, y: (lazy(X), y), r"what its collect\(\) returns"),
    "a name twice": (
        {}, lambda X, y: (X.set_axis(["size"] * 4, axis=1), y), "one column called 'size'"
    ),
    "no rows": ({}, lambda X, y: (X[:0], y[:0]), "n_samples = 0"),
    "one row": ({}, lambda X, y: (X[:1], y[:1]), "1 class"),
    "fewer targets": ({}, lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
    "no targets": ({}, lambda X, y: (X, None), "requires y to be passed"),
    "a sparse matrix": ({}, lambda X, y: (sparse(), y), "[Ss]parse"),
    "numbers that are no classes": ({}, lambda X, y: (X, VALUES), "Unknown label type"),
    "a preset": ({"preset": "huge"}, lambda X, y: (X, y), "'preset' parameter"),
    "a metric": ({"metric": "rmse"}, lambda X, y: (X, y), "'metric' parameter"),
    "too much held out": ({"validation_fraction": 0.999}, lambda X, y: (X, y), "held out"),
    "an unknown column": ({"categorical_features": ["no"]}, lambda X, y: (X, y), "'no'"),
    "an unknown class": ({"class_weight": {"maybe": 1.0}}, lambda X, y: (X, y), "class_weight"),
}  # fmt: skip


def lazy(X):
    return pytest.importorskip("polars").from_pandas(X).lazy()


def sparse():
    return pytest.importorskip("scipy.sparse").csr_array(np.eye(M))


@pytest.mark.filterwarnings("ignore:X. column:UserWarning")
@pytest.mark.parametrize("spoil", SPOILT)
def test_what_is_refused_changes_nothing(spoil, frame):
    parameters, spoilt, message = SPOILT[spoil]
    table = fitted(TabularClassifier, frame).set_params(**parameters)
    before, answer = everything(table), table.predict_proba(frame)
    X, y = spoilt(frame, LABELS)
    with pytest.raises((ValueError, TypeError), match=message):
        table.fit(X, y)
    assert everything(table) == before
    assert np.array_equal(table.predict_proba(frame), answer)


@pytest.mark.parametrize("quantiles", [[], [0.5, 0.1], [0.0, 0.5], [0.1, 0.1], [[0.5]]])
def test_levels_that_are_none(quantiles, frame):
    with pytest.raises(ValueError, match="levels between 0 and 1"):
        fitted(TabularRegressor, frame, quantiles=quantiles)
