"""The tools of scikit-learn around our estimators: what they give with its own in their place."""

import pickle

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
import joblib  # noqa: E402
from sklearn.base import clone, is_classifier, is_regressor  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor  # noqa: E402
from sklearn.datasets import make_classification, make_regression  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    AdaBoostClassifier,
    BaggingRegressor,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.inspection import permutation_importance  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402
from sklearn.utils import estimator_html_repr, get_tags  # noqa: E402

import chainrule.sklearn as ours  # noqa: E402
import sklearn  # noqa: E402
from chainrule.checks.threads import available_cores  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = make_classification(240, 8, n_informative=6, n_classes=3, random_state=0)
INPUTS, VALUES = make_regression(200, 6, noise=5, random_state=0)
VALUES = VALUES / 100
WEIGHTS = np.random.default_rng(0).random(240)
BOTH = ("MLPClassifier", "MLPRegressor")


def classifiers(**parameters):
    """Return scikit-learn's and ours."""
    settings = {"max_iter": 40, "learning_rate_init": 0.01, "random_state": 0} | parameters
    return theirs.MLPClassifier(**settings), ours.MLPClassifier(**settings)


def regressors(**parameters):
    settings = {"max_iter": 40, "learning_rate_init": 0.01, "random_state": 0} | parameters
    return theirs.MLPRegressor(**settings), ours.MLPRegressor(**settings)


def assert_alike(results, least=None):
    """Scikit-learn's and ours: the same to 1e-7; `least`: of what a mean may be."""
    expected, found = results
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    assert least is None or np.mean(found) > least


# ------------------------------------------------------------ around one estimator


def test_a_pipeline():
    pipelines = [make_pipeline(StandardScaler(), each).fit(X, LABELS) for each in classifiers()]
    assert_alike([each.predict_proba(X) for each in pipelines])
    assert_alike([each.score(X, LABELS) for each in pipelines], 0.85)
    assert pipelines[1][:-1].transform(X).shape == X.shape


def test_columns_of_several_kinds():
    pandas = pytest.importorskip("pandas")
    names = ["a", "b", "c", "d", "e", "f"]
    frame = pandas.DataFrame(INPUTS, columns=names)
    frame["where"] = np.array(["here", "there"])[(VALUES > 0).astype(int)]
    columns = ColumnTransformer(
        [("text", OneHotEncoder(), ["where"]), ("numbers", StandardScaler(), names)],
        sparse_threshold=1.0,
    )
    pipelines = [make_pipeline(columns, each).fit(frame, VALUES) for each in regressors()]
    assert_alike([each.predict(frame) for each in pipelines])
    assert_alike([each.score(frame, VALUES) for each in pipelines], 0.9)


def test_a_target_that_is_transformed():
    wrapped = [
        TransformedTargetRegressor(each, func=np.log, inverse_func=np.exp) for each in regressors()
    ]
    rates = np.exp(VALUES)
    assert_alike([each.fit(INPUTS, rates).predict(INPUTS) for each in wrapped])
    assert_alike([each.score(INPUTS, rates) for each in wrapped], 0.8)


def test_probabilities_that_are_calibrated():
    wrapped = [CalibratedClassifierCV(each, cv=3).fit(X, LABELS) for each in classifiers()]
    assert_alike([each.predict_proba(X) for each in wrapped])
    assert_alike([each.score(X, LABELS) for each in wrapped], 0.85)


# ------------------------------------------------------------ searches and scores


def test_a_grid_search():
    grid = {"alpha": [1e-4, 10.0], "hidden_layer_sizes": [(2,), (20, 10)]}
    searches = [GridSearchCV(each, grid, cv=3).fit(X, LABELS) for each in classifiers()]
    assert_alike([each.cv_results_["mean_test_score"] for each in searches])
    assert searches[1].best_params_ == {"alpha": 1e-4, "hidden_layer_sizes": (20, 10)}
    assert searches[1].best_score_ > 0.7
    assert_alike([each.predict_proba(X) for each in searches])


def test_a_grid_of_what_is_ours():
    grid = {"dropout": [None, 0.9], "activation": ["gelu", ["softsign"]]}
    search = GridSearchCV(classifiers()[1], grid, cv=3).fit(X, LABELS)
    assert search.best_params_["dropout"] is None
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0.05


def test_a_search_by_halves():
    grid = {"learning_rate_init": [1e-5, 1e-2], "activation": ["tanh", "relu"]}
    searches = [
        HalvingGridSearchCV(each, grid, cv=3, min_resources=80, random_state=0).fit(X, LABELS)
        for each in classifiers()
    ]
    assert_alike([each.cv_results_["mean_test_score"] for each in searches])
    assert searches[1].n_iterations_ > 1
    assert searches[1].best_params_["learning_rate_init"] == 1e-2
    assert searches[1].best_params_ == searches[0].best_params_


def test_scores_of_a_cross_validation_in_two_processes():
    assert_alike(
        [cross_val_score(each, INPUTS, VALUES, cv=4, n_jobs=2) for each in regressors()], 0.8
    )


def test_a_learning_curve_by_and_by():
    """With incremental learning each part is one partial_fit."""
    curves = [
        learning_curve(
            each, X, LABELS, cv=3, train_sizes=[40, 80, 160], exploit_incremental_learning=True
        )
        for each in classifiers()
    ]
    assert_alike([np.hstack(each[1:]) for each in curves])
    whole = [learning_curve(each, X, LABELS, cv=3, train_sizes=[40, 160]) for each in classifiers()]
    assert_alike([np.hstack(each[1:]) for each in whole])
    few, all_of_them = whole[1][2].mean(axis=1)
    assert all_of_them > few + 0.05


def test_the_importance_of_features():
    """The labels go by the last three inputs alone."""
    y = (X[:, 5:] @ [1.0, -2.0, 3.0] > 0).astype(int)
    found = [
        permutation_importance(each.fit(X, y), X, y, n_repeats=3, random_state=0).importances
        for each in classifiers()
    ]
    assert_alike(found)
    assert found[1][5:].min() > found[1][:5].max()


# ------------------------------------------------------------ several estimators


def test_many_outputs_by_an_estimator_each():
    labels = np.c_[LABELS, LABELS > 0]
    each_label = [MultiOutputClassifier(each).fit(X, labels) for each in classifiers()]
    assert_alike([np.hstack(each.predict_proba(X)) for each in each_label])
    assert_alike([each.score(X, labels) for each in each_label], 0.75)
    values = np.c_[VALUES, VALUES**2]
    each_value = [MultiOutputRegressor(each).fit(INPUTS, values) for each in regressors()]
    assert_alike([each.predict(INPUTS) for each in each_value])
    by_and_by = [
        MultiOutputClassifier(each).partial_fit(X, labels, [np.arange(3), np.arange(2)])
        for each in classifiers()
    ]
    assert_alike([np.hstack(each.predict_proba(X)) for each in by_and_by])


def test_a_bag():
    bags = [
        BaggingRegressor(each, 3, random_state=0).fit(INPUTS, VALUES, sample_weight=WEIGHTS[:200])
        for each in regressors()
    ]
    assert_alike([each.predict(INPUTS) for each in bags])
    assert_alike([each.score(INPUTS, VALUES) for each in bags], 0.8)


def test_a_vote():
    votes = [
        VotingClassifier([("net", each), ("line", LogisticRegression())], voting="soft")
        for each in classifiers()
    ]
    assert_alike([each.fit(X, LABELS).predict_proba(X) for each in votes])
    assert_alike([each.score(X, LABELS) for each in votes], 0.8)


def test_a_stack():
    stacks = [
        StackingRegressor([("net", each), ("line", Ridge())], cv=3).fit(INPUTS, VALUES)
        for each in regressors()
    ]
    assert_alike([each.predict(INPUTS) for each in stacks])
    assert_alike([each.score(INPUTS, VALUES) for each in stacks], 0.9)


def test_boosting_by_sample_weights():
    boosts = [
        AdaBoostClassifier(each, n_estimators=5, random_state=0).fit(X, LABELS)
        for each in classifiers(hidden_layer_sizes=(2,))
    ]
    assert_alike([[each.predict_proba(X) for each in boost.estimators_] for boost in boosts])
    assert_alike([each.estimator_weights_ for each in boosts])
    assert_alike([each.predict_proba(X) for each in boosts])
    first = boosts[1].estimators_[0]
    assert boosts[1].score(X, LABELS) > first.score(X, LABELS) + 0.05


# ------------------------------------------------------------ metadata


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_to_fit_and_to_score():
    requests = [
        each.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        for each in classifiers()
    ]
    searches = [
        GridSearchCV(each, {"alpha": [1e-4, 1.0]}, cv=3).fit(X, LABELS, sample_weight=WEIGHTS)
        for each in requests
    ]
    assert_alike([each.cv_results_["mean_test_score"] for each in searches])
    by_score = clone(requests[1]).set_score_request(sample_weight=False)
    by_fit = clone(requests[1]).set_fit_request(sample_weight=False)
    params = {"sample_weight": WEIGHTS}
    scores = {
        cross_validate(each, X, LABELS, cv=3, params=params)["test_score"].tobytes()
        for each in (requests[1], by_score, by_fit)
    }
    assert len(scores) == 3
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
        GridSearchCV(classifiers()[1], {}, cv=3).fit(X, LABELS, sample_weight=WEIGHTS)


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_to_partial_fit():
    values = np.c_[VALUES, VALUES**2]
    weighted, plain = (
        [
            MultiOutputRegressor(each.set_partial_fit_request(sample_weight=wanted))
            for each in regressors()
        ]
        for wanted in (True, None)
    )
    for each in weighted:
        each.partial_fit(INPUTS, values, sample_weight=WEIGHTS[:200])
    assert_alike([each.predict(INPUTS) for each in weighted])
    plain[1].partial_fit(INPUTS, values)
    assert not np.allclose(plain[1].predict(INPUTS), weighted[1].predict(INPUTS))


@pytest.mark.usefixtures("routing")
def test_validation_data_are_routed_to_fit():
    estimator = classifiers()[1].set_fit_request(validation_data=True)
    pipeline = make_pipeline(estimator).fit(
        X[:200], LABELS[:200], validation_data=(X[200:], LABELS[200:])
    )
    history = pipeline[-1].network_.history
    assert len(history.validation_cost) == 40
    assert history.validation_accuracy[-1] == pytest.approx(pipeline.score(X[200:], LABELS[200:]))


def test_requests_are_those_of_scikit_learns_and_validation_data():
    for name in BOTH:
        their, our = (getattr(module, name)().get_metadata_routing() for module in (theirs, ours))
        for method in ("score", "predict", "predict_proba"):
            is_ours = (name, method) == ("MLPRegressor", "predict")
            expected = {"return_std": None} if is_ours else getattr(their, method).requests
            assert getattr(our, method).requests == expected
        for method in ("fit", "partial_fit"):
            expected = getattr(their, method).requests | {"validation_data": None}
            assert getattr(our, method).requests == expected


# ------------------------------------------------------------ frames


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("name", BOTH)
def test_names_of_features(name, kind):
    """They are kept, and one that is missing, new or elsewhere is told in scikit-learn's words."""
    frames = pytest.importorskip(kind)
    names = [f"column {i}" for i in range(8)]
    frame = frames.DataFrame(dict(zip(names, X.T, strict=True)))
    y = frames.Series(LABELS)
    estimators = [getattr(module, name)(max_iter=5, random_state=0) for module in (theirs, ours)]
    for each in estimators:
        each.fit(frame, y)
    if not hasattr(estimators[0], "feature_names_in_"):
        pytest.skip(f"this scikit-learn knows no names of {kind}")
    for each in estimators:
        assert each.feature_names_in_.tolist() == names
    assert_alike([each.predict(frame) for each in estimators])
    other = frames.DataFrame(dict(zip([*names[:-1], "another"], X.T, strict=True)))
    for wrong in (frame[names[::-1]], frame[names[:-1]], other):
        messages = []
        for each in estimators:
            with pytest.raises(ValueError, match="feature names") as error:
                each.predict(wrong)
            messages.append(str(error.value).replace(type(each).__module__, ""))
        assert messages[1] == messages[0]
    for each in estimators:
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            each.predict(X)


def test_an_output_set_to_pandas_brings_names_to_the_estimator():
    pytest.importorskip("pandas")
    pipeline = make_pipeline(StandardScaler(), regressors()[1]).set_output(transform="pandas")
    pipeline.fit(INPUTS, VALUES)
    assert pipeline[-1].feature_names_in_.tolist() == [f"x{i}" for i in range(6)]
    plain = make_pipeline(StandardScaler(), regressors()[1]).fit(INPUTS, VALUES)
    assert pipeline.predict(INPUTS).tobytes() == plain.predict(INPUTS).tobytes()


# ------------------------------------------------------------ copies


def as_by_pickle(estimator, folder):
    return pickle.loads(pickle.dumps(estimator))


def as_by_joblib(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib")


def as_by_a_memory_map(estimator, folder):
    joblib.dump(estimator, folder / "estimator.joblib")
    return joblib.load(folder / "estimator.joblib", mmap_mode="r")


def as_by_cloudpickle(estimator, folder):
    cloudpickle = pytest.importorskip("cloudpickle")  # joblib needs it, from 1.6 on
    return pickle.loads(cloudpickle.dumps(estimator))


@pytest.mark.parametrize(
    "again", [as_by_pickle, as_by_joblib, as_by_a_memory_map, as_by_cloudpickle]
)
@pytest.mark.parametrize("name", BOTH)
def test_copies_answer_alike_and_go_on(name, again, tmp_path):
    estimator = getattr(ours, name)(max_iter=5, random_state=0).fit(X, LABELS)
    copied = again(make_pipeline(StandardScaler(), estimator), tmp_path)[-1]
    assert copied.predict(X).tobytes() == estimator.predict(X).tobytes()
    assert copied.get_params() == estimator.get_params()
    for each in (estimator, copied):
        each.partial_fit(X, LABELS)
    assert copied.predict(X).tobytes() == estimator.predict(X).tobytes()


def test_cloudpickle_takes_functions_of_ones_own():
    cloudpickle = pytest.importorskip("cloudpickle")
    seen = []
    estimator = classifiers()[1].set_params(callbacks=lambda net, history: seen.append(1))
    with pytest.raises(Exception, match=r"lambda|local object"):
        pickle.dumps(estimator)
    other = pickle.loads(cloudpickle.dumps(estimator)).fit(X, LABELS)
    assert_alike([estimator.fit(X, LABELS).predict_proba(X), other.predict_proba(X)])
    assert len(seen) == 40


@pytest.mark.parametrize("name", BOTH)
def test_clones_have_the_parameters_and_nothing_fitted(name):
    estimator = getattr(ours, name)(hidden_layer_sizes=(7, 5), dropout=[0.1, 0.2], max_iter=3)
    estimator.fit(X, LABELS)
    other = clone(estimator)
    assert other.get_params() == estimator.get_params()
    assert other.dropout is not estimator.dropout
    assert not [attribute for attribute in vars(other) if attribute.endswith("_")]


@pytest.mark.parametrize("name", BOTH)
def test_parameters_are_scikit_learns_and_more(name):
    """With the same defaults, in the same order; set by name, those of steps too."""
    their, our = (getattr(module, name)() for module in (theirs, ours))
    assert our.get_params().items() >= their.get_params().items()
    assert our.set_params(alpha=0.5, dropout=0.1).get_params()["alpha"] == 0.5
    assert our.dropout == 0.1
    pipeline = make_pipeline(our).set_params(**{f"{name.lower()}__l1": 0.25})
    assert pipeline[-1].l1 == 0.25
    with pytest.raises(ValueError, match="Invalid parameter 'epochs'"):
        our.set_params(epochs=3)


# ------------------------------------------------------------ what they are


@pytest.mark.parametrize("name", BOTH)
def test_tags_are_scikit_learns(name):
    their, our = (getattr(module, name)() for module in (theirs, ours))
    assert get_tags(our) == get_tags(their)
    assert is_classifier(our) == is_classifier(their)
    assert is_regressor(our) == is_regressor(their)


@pytest.mark.parametrize("name", BOTH)
def test_a_picture_of_it_names_what_is_off_its_default(name):
    estimator = getattr(ours, name)(alpha=0.125, dropout=0.375)
    assert repr(estimator) == f"{name}(alpha=0.125, dropout=0.375)"
    html = estimator._repr_html_()
    assert name in html
    assert "0.125" in html
    assert "0.375" in html
    assert "Not fitted" in html
    fitted = make_pipeline(StandardScaler(), estimator.set_params(max_iter=2)).fit(X, LABELS)
    whole = estimator_html_repr(fitted)
    assert name in whole
    assert "Not fitted" not in whole


def test_processes_of_joblib_share_the_cores():
    counts = joblib.Parallel(n_jobs=2)(joblib.delayed(available_cores)() for _ in range(2))
    assert max(counts) <= max(1, joblib.cpu_count() // 2)
