"""`SearchCV`: the numbers of scikit-learn's own searches of our estimators, to the last bit."""

import threading
import tracemalloc
import warnings
from collections import Counter
from unittest import SkipTest

import numpy as np
import pytest
from scipy import sparse

pytest.importorskip("sklearn")
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    ShuffleSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import chainrule as cr
import sklearn
from chainrule.sklearn import MLPClassifier, MLPRegressor, SearchCV

X, LABELS = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
INPUTS, VALUES = make_regression(90, 5, noise=5, random_state=0)
VALUES = VALUES / 100
RNG = np.random.default_rng(0)
WEIGHTS = RNG.random(120) + 0.1
GROUPS = np.arange(120) % 7
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "batch_size": 16, "random_state": 0}
SPACE = {"alpha": [1e-4, 1.0], "learning_rate_init": [0.001, 0.1]}
CLASSIFIER = MLPClassifier(**SMALL)
REGRESSOR = MLPRegressor(**SMALL)
OF_TIME = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")
NOT_CONVERGED = "ignore::sklearn.exceptions.ConvergenceWarning"


def searched(search, *data, **given):
    """Fit a search; return it, and how often it warned of what."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*data, **given)
    return search, Counter(
        (each.category, str(each.message).split("\nBelow")[0]) for each in caught
    )


def assert_same_results(ours, theirs):
    assert list(ours) == list(theirs)
    for name in ours.keys() - set(OF_TIME):
        if name == "params":
            assert repr(ours[name]) == repr(theirs[name])
        else:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
            assert ours[name].dtype == theirs[name].dtype


def assert_same_search(ours, theirs, data):
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    for name in ("best_index_", "best_score_", "n_splits_", "multimetric_", "n_features_in_"):
        assert getattr(ours, name, None) == getattr(theirs, name, None), name
    assert hasattr(ours, "best_estimator_") == hasattr(theirs, "best_estimator_")
    if hasattr(theirs, "best_estimator_"):
        np.testing.assert_array_equal(ours.predict(data), theirs.predict(data))


def compare(estimator, space, *data, given=None, make=GridSearchCV, own=None, **options):
    ours, its = searched(
        SearchCV(clone(estimator), space, **(own or {}), **options), *data, **(given or {})
    )
    theirs, expected = searched(make(clone(estimator), space, **options), *data, **(given or {}))
    assert its == expected
    assert_same_search(ours, theirs, data[0])
    assert np.isfinite(theirs.cv_results_["mean_fit_time"]).all()
    return ours


def also(estimator, **parameters):
    return clone(estimator).set_params(**parameters)


CASES = {
    "classes": (CLASSIFIER, SPACE, X, LABELS),
    "two classes, text": (CLASSIFIER, SPACE, X, np.where(LABELS > 0, "yes", "no")),
    "several labels": (CLASSIFIER, SPACE, X, np.c_[LABELS > 0, LABELS > 1].astype(int)),
    "numbers": (REGRESSOR, SPACE, INPUTS, VALUES),
    "several numbers": (REGRESSOR, SPACE, INPUTS, np.c_[VALUES, -VALUES]),
    "float32": (CLASSIFIER, SPACE, X.astype("f4"), LABELS),
    "bytes": (CLASSIFIER, SPACE, (X * 20 + 128).astype("u1"), LABELS),
    "columns": (CLASSIFIER, SPACE, np.asfortranarray(X), LABELS),
    "lists": (REGRESSOR, SPACE, INPUTS.tolist(), VALUES.tolist()),
    "sparse": (CLASSIFIER, SPACE, sparse.csr_array(np.where(X > 1, X, 0)), LABELS),
    "sparse columns": (CLASSIFIER, SPACE, sparse.csc_matrix(np.where(X > 1, X, 0)), LABELS),
    "a space of two": (CLASSIFIER, [SPACE, {"activation": ["tanh", "logistic"]}], X, LABELS),
    "structures": (CLASSIFIER, {"hidden_layer_sizes": [(3,), (9, 4)]}, X, LABELS),
    "early stopping": (
        also(CLASSIFIER, early_stopping=True, max_iter=30, n_iter_no_change=2), SPACE, X, LABELS,
    ),
    "early stopping of numbers": (also(REGRESSOR, early_stopping=True), SPACE, INPUTS, VALUES),
    "weights of classes": (
        CLASSIFIER, {"class_weight": [None, "balanced", {0: 1, 1: 5, 2: 1}]}, X, LABELS,
    ),
    "solvers": (
        CLASSIFIER,
        {"solver": ["lbfgs", "sgd", "adam", cr.AdamW(cr.OneCycle(0.1, 5)), cr.LBFGS()]}, X, LABELS,
    ),
    "adaptive": (
        also(CLASSIFIER, solver="sgd", max_iter=30, tol=0.1, n_iter_no_change=1),
        {"learning_rate": ["adaptive", "invscaling"]}, X, LABELS,
    ),
    "more of ours": (
        CLASSIFIER, {"dropout": [None, 0.3], "average": [None, 0.9], "cost": [None, "quadratic"]},
        X, LABELS,
    ),
    "losses": (REGRESSOR, {"loss": ["squared_error", "huber", "quantile"]}, INPUTS, VALUES),
    "a state for each": (
        also(CLASSIFIER, random_state=np.random.RandomState(3)), SPACE, X, LABELS,
    ),
    "batches too large": (also(CLASSIFIER, batch_size=500), SPACE, X, LABELS),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_a_grid_search(case):
    compare(*CASES[case], cv=3)


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads(threads):
    compare(CLASSIFIER, SPACE, X, LABELS, cv=3, own={"threads": threads})


def test_draws_of_parameters():
    space = {"alpha": loguniform(1e-5, 1), "activation": ["tanh", "relu"]}
    compare(
        CLASSIFIER, space, X, LABELS, make=RandomizedSearchCV, own={"method": "random"}, n_iter=4,
        random_state=0, cv=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    "cv",
    [
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
        ShuffleSplit(2, train_size=0.4, test_size=0.2, random_state=0),
        [(np.r_[0:60, 0:30], np.r_[60:120]), (np.arange(120) > 40, np.arange(120) <= 40)],
    ],
    ids=["repeated", "shuffled", "with repeats, and masks"],
)
def test_any_splits(cv):
    compare(CLASSIFIER, SPACE, X, LABELS, cv=cv)


def test_weights_and_groups():
    compare(
        CLASSIFIER, SPACE, X, LABELS, cv=GroupKFold(3),
        given={"sample_weight": WEIGHTS, "groups": GROUPS},
    )  # fmt: skip
    compare(
        also(CLASSIFIER, solver="lbfgs"), SPACE, X, LABELS, given={"sample_weight": WEIGHTS}, cv=3
    )
    compare(
        also(CLASSIFIER, early_stopping=True), SPACE, X, LABELS, cv=3,
        given={"sample_weight": WEIGHTS},
    )  # fmt: skip


def test_validation_data():
    given = {"validation_data": (X[:30], LABELS[:30])}
    compare(also(CLASSIFIER, early_stopping=True), SPACE, X, LABELS, given=given, cv=3)


def test_what_fit_does_not_know():
    with pytest.raises(TypeError, match="'classes'"):
        SearchCV(CLASSIFIER, SPACE, error_score="raise").fit(X, LABELS, classes=[0, 1, 2])


@pytest.mark.parametrize("refit", ["accuracy", "neg_log_loss", False])
def test_several_metrics(refit):
    scoring = ["accuracy", "neg_log_loss"]
    compare(
        CLASSIFIER, SPACE, X, LABELS, scoring=scoring, refit=refit, cv=3, return_train_score=True
    )


def test_a_choice_and_a_score_of_ones_own():
    def simplest(results):
        return int(np.argmax(results["param_alpha"].astype(float)))

    def score(estimator, X, y):
        assert type(estimator) is MLPClassifier
        assert "fit" not in vars(estimator)
        return {"good": estimator.score(X, y), "epochs": estimator.n_iter_}

    ours = compare(CLASSIFIER, SPACE, X, LABELS, refit=simplest, cv=3)
    assert not hasattr(ours, "best_score_")
    compare(CLASSIFIER, SPACE, X, LABELS, scoring=score, refit="good", cv=3)


def test_metadata_is_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        asks = clone(CLASSIFIER).set_fit_request(sample_weight=True)
        asks.set_score_request(sample_weight=True)
        given = {"sample_weight": WEIGHTS}
        compare(asks, SPACE, X, LABELS, given=given, cv=3)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), asks)
        scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
        space = {"mlpclassifier__alpha": [0.1, 1]}
        compare(pipeline, space, X, LABELS, given=given, cv=3, scoring=scoring)


def test_frames_with_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    frame["a"] = frame["a"].round().astype(int)
    ours = compare(CLASSIFIER, SPACE, frame, pandas.Series(LABELS), cv=3)
    assert list(ours.feature_names_in_) == list("abcdef")


@pytest.mark.parametrize("order", ["C", "a map"])
def test_x_is_there_once(order, tmp_path):
    large = RNG.random((5_000, 500))
    if order == "a map":
        np.save(tmp_path / "x.npy", large)
        large = np.load(tmp_path / "x.npy", mmap_mode="r")
    estimator = MLPClassifier((2,), max_iter=1, batch_size=5_000, random_state=0)
    search = SearchCV(estimator, {"alpha": [0.1, 0.2, 0.3, 0.4]}, cv=5, refit=False)
    tracemalloc.start()
    searched(search, large, np.arange(5_000) % 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * large.nbytes  # of 20 fits: X[test] of one, a fifth, and what they keep of y


# ------------------------------------------------------------ failures


@pytest.mark.parametrize("score", [np.nan, -1.0])
def test_some_candidates_fail(score):
    space = {"learning_rate_init": [0.01, 1e300], "solver": ["sgd"], "alpha": [0.0, -1.0]}
    compare(CLASSIFIER, space, X, LABELS, error_score=score, cv=3)


@pytest.mark.filterwarnings(NOT_CONVERGED, "ignore:One or more")
def test_why_they_have_failed():
    search = SearchCV(CLASSIFIER, {"alpha": [0.0, -1.0]}, cv=3)
    with pytest.warns(FitFailedWarning, match=r"(?s)3 fits failed with.*'alpha' parameter"):
        search.fit(X, LABELS)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"alpha": [-1.0, 1.0]}, "'alpha' parameter"),
        ({"solver": ["sgd"], "learning_rate_init": [1e300]}, "non-finite"),
        ({"dropout": [[0.5, 0.5]]}, "dropout must be one"),
    ],
    ids=["refused at the beginning", "in training", "by fit"],
)
def test_errors_are_raised_where_that_is_asked_for(space, message):
    with pytest.raises(ValueError, match=message):
        SearchCV(CLASSIFIER, space, error_score="raise", cv=3).fit(X, LABELS)


def test_all_have_failed():
    bad = X.copy()
    bad[0] = np.nan
    for data, more in ((bad, {"cv": ShuffleSplit(2, train_size=119, random_state=0)}), (X, {})):
        space = {"alpha": [-1.0]} if more == {} else SPACE
        texts = []
        for kind in (SearchCV, GridSearchCV):
            with pytest.raises(ValueError, match="fits failed") as caught:
                kind(CLASSIFIER, space, **more).fit(data, LABELS)
            texts.append(str(caught.value).split("Below")[0])
            assert str(caught.value).count("Traceback") == 1
        assert texts[0] == texts[1]


def test_one_fold_with_what_is_not_finite():
    bad = X.copy()
    bad[119] = np.inf
    cv = [(np.arange(60), np.arange(60, 110)), (np.arange(60, 120), np.arange(50))]
    ours, its = searched(SearchCV(CLASSIFIER, SPACE, cv=cv, refit=False), bad, LABELS)
    theirs, expected = searched(GridSearchCV(CLASSIFIER, SPACE, cv=cv, refit=False), bad, LABELS)
    assert its == expected
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert np.isfinite(ours.cv_results_["split0_test_score"]).all()
    assert np.isnan(ours.cv_results_["split1_test_score"]).all()


def test_a_score_that_fails():
    def score(estimator, X, y):
        raise ArithmeticError("no score")

    ours, its = searched(SearchCV(CLASSIFIER, SPACE, scoring=score, refit=False), X, LABELS)
    theirs, expected = searched(
        GridSearchCV(CLASSIFIER, SPACE, scoring=score, refit=False), X, LABELS
    )
    assert len(its) == len(expected)
    assert_same_results(ours.cv_results_, theirs.cv_results_)


# ------------------------------------------------------------ pipelines


class Counted(BaseEstimator):
    """A scaler that counts how often it is fitted, over all of its copies."""

    fits = 0

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        type(self).fits += 1
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return (X - self.mean_) * self.factor


@pytest.mark.parametrize("make", ["steps", "memory"])
def test_a_pipeline(make, tmp_path):
    memory = str(tmp_path) if make == "memory" else None
    pipeline = make_pipeline(StandardScaler(), CLASSIFIER, memory=memory)
    compare(pipeline, {f"mlpclassifier__{k}": v for k, v in SPACE.items()}, X, LABELS, cv=3)


def test_parameters_of_its_steps():
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("reduce", PCA(random_state=0)), ("net", CLASSIFIER)]
    )
    space = {
        "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "reduce__n_components": [2, 4],
        "net__alpha": [0.0, 1.0],
    }
    ours = compare(
        pipeline, space, X, LABELS, cv=2, scoring="neg_log_loss", return_train_score=True
    )
    assert ours.best_estimator_.named_steps["net"].network_.sizes[0] in (2, 4)


def test_what_a_pipeline_is_given():
    pipeline = Pipeline([("scale", StandardScaler()), ("net", CLASSIFIER)])
    given = {"scale__sample_weight": WEIGHTS, "net__sample_weight": WEIGHTS[::-1]}
    compare(pipeline, {"net__alpha": [0.0, 1.0]}, X, LABELS, given=given, cv=3)


def test_steps_that_leave_frames_or_sparse_rows():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    columns = ColumnTransformer([("scale", StandardScaler(), ["a", "c"])], remainder="passthrough")
    columns.set_output(transform="pandas")
    compare(
        make_pipeline(columns, CLASSIFIER), {"mlpclassifier__alpha": [0, 1]}, frame, LABELS, cv=3
    )


def test_steps_are_fitted_once_a_fold_for_each_of_their_settings():
    Counted.fits = 0
    pipeline = Pipeline([("scale", Counted()), ("net", CLASSIFIER)])
    space = {"scale__factor": [1.0, 2.0], "net__alpha": [0.0, 0.5, 1.0]}
    searched(SearchCV(pipeline, space, cv=3, refit=False), X, LABELS)
    assert Counted.fits == 2 * 3


def test_steps_that_fail():
    pipeline = Pipeline([("reduce", PCA()), ("net", CLASSIFIER)])
    compare(pipeline, {"reduce__n_components": [2, 50], "net__alpha": [0.0, 1.0]}, X, LABELS, cv=3)


# ------------------------------------------------------------ halving


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize(
    "kind",
    ["plain", "early stopping", "average", "pipeline", "a callback that stops", "full batches"],
)
def test_halving_goes_on_to_the_numbers_of_fits_of_their_own(kind, factor):
    """As `HalvingGridSearchCV`, which trains from the start at each rung."""
    estimator = also(CLASSIFIER, max_iter=18)
    space, name = dict(SPACE, activation=["tanh", "relu"]), "max_iter"
    if kind == "early stopping":
        estimator.set_params(early_stopping=True, n_iter_no_change=2)
    if kind == "average":
        estimator.set_params(average=0.9)
    if kind == "a callback that stops":
        estimator.set_params(callbacks=cr.EarlyStopping("cost", patience=5), solver="sgd")
        space["learning_rate_init"] = [0.1, 3.0]
    if kind == "full batches":
        estimator.set_params(solver="lbfgs")
    if kind == "pipeline":
        estimator, name = (
            Pipeline([("scale", StandardScaler()), ("net", estimator)]),
            "net__max_iter",
        )
        space = {f"net__{k}": v for k, v in space.items()}
    ours, _ = searched(SearchCV(estimator, space, method="halving", factor=factor, cv=3), X, LABELS)
    theirs, _ = searched(
        HalvingGridSearchCV(
            estimator, space, resource=name, max_resources=18, factor=factor, cv=3,
            return_train_score=False,
        ), X, LABELS,
    )  # fmt: skip
    assert_same_search(ours, theirs, X)
    assert ours.n_resources_ == theirs.n_resources_
    assert ours.n_candidates_ == theirs.n_candidates_


def test_halving_trains_no_epoch_twice():
    seen = []

    class Count:
        def on_epoch_end(self, net, history):
            seen.append(1)

    estimator = also(CLASSIFIER, max_iter=9, callbacks=Count())
    search, _ = searched(
        SearchCV(estimator, {"alpha": np.logspace(-4, 0, 9)}, method="halving", cv=2, refit=False),
        X, LABELS,
    )  # fmt: skip
    assert search.n_resources_ == [1, 3, 9]
    assert search.n_candidates_ == [9, 3, 1]
    assert len(seen) == 2 * (9 * 1 + 3 * 2 + 1 * 6)


def test_halving_with_some_that_fail_and_some_at_rest():
    space = {"learning_rate_init": [0.01, 0.1, 1e300], "solver": ["sgd"], "tol": [0.0, 10.0]}
    estimator = also(CLASSIFIER, max_iter=12, n_iter_no_change=1)
    ours, _ = searched(SearchCV(estimator, space, method="halving", factor=2, cv=2), X, LABELS)
    theirs, _ = searched(
        HalvingGridSearchCV(
            estimator, space, resource="max_iter", max_resources=12, factor=2, cv=2,
            return_train_score=False,
        ), X, LABELS,
    )  # fmt: skip
    assert_same_search(ours, theirs, X)


@pytest.mark.filterwarnings(NOT_CONVERGED)
def test_halving_where_all_that_are_left_fail():
    def fail(net, history):
        if len(history) == 5:
            raise OSError("a full disk")

    estimator = also(CLASSIFIER, max_iter=12, callbacks=fail)
    search = SearchCV(estimator, SPACE, method="halving", factor=2, cv=2)
    with pytest.raises(ValueError, match="All the 4 fits failed"):  # of the second rung
        search.fit(X, LABELS)
    assert search.n_candidates_ == [4]


def test_halving_of_draws():
    search = SearchCV(
        also(CLASSIFIER, max_iter=4), {"alpha": loguniform(1e-5, 1)}, method="halving", n_iter=4,
        factor=2, random_state=0, cv=2,
    )  # fmt: skip
    searched(search, X, LABELS)
    assert search.n_candidates_ == [4, 2, 1]
    assert search.cv_results_["n_resources"].tolist() == [1] * 4 + [2] * 2 + [4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": {"max_iter": [1, 2]}}, "leave it out of space"),
        ({"scoring": ["accuracy"], "refit": "accuracy"}, "one metric"),
        ({"n_jobs": 2}, "n_jobs=None"),
    ],
)
def test_what_halving_cannot_do(options, message):
    with pytest.raises(ValueError, match=message):
        SearchCV(CLASSIFIER, **{"space": SPACE, "method": "halving"} | options).fit(X, LABELS)


# ------------------------------------------------------------ the object


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())]
)
def test_estimators_that_are_not_ours_are_sent_to_grid_search(estimator):
    with pytest.raises(TypeError, match="GridSearchCV"):
        SearchCV(estimator, {"C": [1]}).fit(X, LABELS)


def test_a_last_step_that_is_not_ours():
    pipeline = Pipeline([("scale", StandardScaler()), ("net", CLASSIFIER)])
    with pytest.raises(TypeError, match="GridSearchCV"):
        SearchCV(pipeline, {"net": [CLASSIFIER, LogisticRegression()]}).fit(X, LABELS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "bayes"}, "'method' parameter"),
        ({"space": 3}, "'space' parameter"),
        ({"threads": 0}, "'threads' parameter"),
        ({"factor": 1}, "'factor' parameter"),
        ({"space": {"eta": [1]}}, "eta"),
        ({"space": []}, "space must have"),
        ({"space": [3], "method": "halving"}, "is not a dict"),
        ({"cv": []}, "cv must have splits"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SearchCV(**{"estimator": CLASSIFIER, "space": SPACE} | options).fit(X, LABELS)


def test_nothing_of_the_data_and_the_estimator_changes():
    inputs, labels, estimator = X.copy(), LABELS.copy(), clone(CLASSIFIER)
    before = dict(vars(estimator))
    search, _ = searched(SearchCV(estimator, SPACE, cv=3), inputs, labels)
    np.testing.assert_array_equal(inputs, X)
    assert vars(estimator) == before
    assert repr(clone(search)) == repr(SearchCV(estimator, SPACE, cv=3))


def test_it_is_one_estimator_among_others():
    search, _ = searched(SearchCV(CLASSIFIER, SPACE, cv=3), X, LABELS)
    assert search.score(X, LABELS) == search.best_estimator_.score(X, LABELS)
    np.testing.assert_array_equal(search.predict_proba(X), search.best_estimator_.predict_proba(X))
    inner = SearchCV(CLASSIFIER, {"alpha": [0.0, 1.0]}, cv=2)
    outer, _ = searched(
        GridSearchCV(make_pipeline(StandardScaler(), inner), {"searchcv__factor": [2, 3]}, cv=2),
        X, LABELS,
    )  # fmt: skip
    assert np.isfinite(outer.cv_results_["mean_test_score"]).all()


def test_callbacks_of_scikit_learn_are_refused():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has them")
    search = SearchCV(CLASSIFIER, SPACE).set_callbacks(callback.ScoringMonitor(scoring="accuracy"))
    with pytest.raises(ValueError, match="set_callbacks"):
        search.fit(X, LABELS)


def test_ctrl_c_ends_the_search():
    def interrupt(net, history):
        raise KeyboardInterrupt

    search = SearchCV(also(CLASSIFIER, callbacks=interrupt), SPACE, cv=3)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, LABELS)
    assert threading.active_count() <= before
    assert not hasattr(search, "cv_results_")


def test_what_it_tells(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SearchCV(CLASSIFIER, SPACE, cv=3, verbose=1).fit(X, LABELS)
    assert (
        capsys.readouterr().out == "Fitting 3 folds for each of 4 candidates, totalling 12 fits\n"
    )


SMALLER = {"hidden_layer_sizes": (5,), "max_iter": 40, "solver": "lbfgs", "random_state": 0}


@pytest.mark.filterwarnings(NOT_CONVERGED, "ignore::UserWarning", "ignore:invalid value")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        each
        for kind in (MLPClassifier, MLPRegressor)
        for each in estimator_checks_generator(
            SearchCV(kind(**SMALLER), {"alpha": [0.01, 0.1]}, cv=2, error_score="raise")
        )
    ],
    ids=lambda each: each.func.__name__ if hasattr(each, "func") else type(each.estimator).__name__,
)
def test_the_checks_of_scikit_learn(estimator, check):
    try:
        check(estimator)
    except SkipTest as why:
        pytest.skip(str(why))
