"""What scikit-learn refuses is refused with its type of error, and changes nothing."""

import warnings

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
from sklearn.datasets import make_classification  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402

import chainrule.sklearn as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = make_classification(100, 6, n_informative=4, n_classes=3, random_state=0)
SPOILT = np.where(np.arange(600).reshape(100, 6) == 7, np.nan, X)
WEIGHTS = np.ones(100)
BOTH = ("MLPClassifier", "MLPRegressor")


def everything(estimator):
    """Return all that an estimator has, in a form that can be compared."""
    found = {name: repr(value) for name, value in vars(estimator).items()}
    found.pop("_steps", None)  # made anew with each call that needs it
    if "network_" in vars(estimator):
        net = estimator.network_
        found["network_"] = id(net), net.parameters.tobytes(), repr(net.optimizer_state)
    return found


def error_of(module, name, method, fitted, arguments, parameters):
    """Return what a call raises, which has to change nothing where the estimator is ours."""
    estimator = getattr(module, name)(random_state=0, max_iter=3)
    if fitted:
        estimator.fit(X, LABELS)
    estimator.set_params(**parameters)
    before = everything(estimator) if module is ours else None
    with pytest.raises(Exception) as error:  # noqa: PT011 - of any type: they are compared
        getattr(estimator, method)(*arguments)
    if module is ours:
        assert everything(estimator) == before
    return error.value


def assert_alike(name, method, fitted, arguments, parameters=None):
    """Both raise the same type and message, but for the name of the module."""
    expected, found = (
        error_of(module, name, method, fitted, arguments, parameters or {})
        for module in (theirs, ours)
    )
    assert type(found) is type(expected)
    assert str(found) == str(expected)


DATA = {
    "a NaN": (SPOILT, LABELS),
    "an infinity": (np.where(np.isnan(SPOILT), np.inf, SPOILT), LABELS),
    "one dimension": (X[:, 0], LABELS),
    "three dimensions": (X[None], LABELS),
    "no rows": (X[:0], LABELS[:0]),
    "no columns": (X[:, :0], LABELS),
    "text": (np.full(X.shape, "a"), LABELS),
    "complex numbers": (X + 1j, LABELS),
    "fewer labels": (X, LABELS[1:]),
    "no labels": (X, None),
    "labels that are NaN": (X, np.where(LABELS == 2, np.nan, LABELS)),
    "few weights": (X, LABELS, WEIGHTS[1:]),
    "weights in two dimensions": (X, LABELS, X),
    "a weight that is NaN": (X, LABELS, np.where(LABELS == 2, np.nan, WEIGHTS)),
}


@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", BOTH)
def test_data_that_cannot_be_fitted(name, data, fitted):
    assert_alike(name, "fit", fitted, DATA[data])


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", BOTH)
def test_data_that_cannot_be_stepped_on(name, data):
    assert_alike(name, "partial_fit", True, DATA[data])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
@pytest.mark.parametrize("data", list(DATA)[:8])
def test_data_that_cannot_be_answered(data, method):
    arguments = DATA[data] if method == "score" else DATA[data][:1]
    assert_alike("MLPClassifier", method, True, arguments)


@pytest.mark.parametrize("width", [5, 7])
@pytest.mark.parametrize("method", ["partial_fit", "predict"])
@pytest.mark.parametrize("name", BOTH)
def test_another_number_of_features(name, method, width):
    wide = np.tile(X, 2)[:, :width]
    assert_alike(name, method, True, (wide, LABELS) if method == "partial_fit" else (wide,))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "score"])
def test_before_it_is_fitted(method):
    arguments = (X, LABELS) if method == "score" else (X,)
    assert_alike("MLPClassifier", method, False, arguments)
    assert issubclass(NotFittedError, ValueError)


@pytest.mark.parametrize(
    "y",
    [
        np.linspace(0, 1, 100),
        np.c_[LABELS, LABELS[::-1]],
        np.array([1, "a", None, 2.0] * 25, dtype=object),
    ],
    ids=["numbers", "several classes", "objects"],
)
@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
def test_targets_that_are_no_classes(y, fitted):
    assert_alike("MLPClassifier", "fit", fitted, (X, y))


CLASSES = {
    "none in the first call": (False, LABELS, None),
    "not all of them": (False, LABELS, [0, 1]),
    "others than y has": (False, LABELS, [3, 4, 5]),
    "another list later": (True, LABELS, [0, 1, 2, 3]),
    "a new one later": (True, LABELS + 1, None),
    "text among numbers": (True, np.array(["a", "b", "c"])[LABELS], None),
}


@pytest.mark.parametrize("case", CLASSES)
def test_bad_classes_change_nothing(case):
    fitted, y, classes = CLASSES[case]
    assert_alike("MLPClassifier", "partial_fit", fitted, (X, y, None, classes))


def test_after_bad_classes_good_ones_may_come():
    estimator, other = (ours.MLPClassifier(random_state=0) for _ in range(2))
    with pytest.raises(ValueError, match="classes"):
        estimator.partial_fit(X, LABELS, classes=[0, 1])
    for each in (estimator, other):
        each.partial_fit(X, LABELS, classes=[0, 1, 2])
    assert everything(estimator)["network_"][1:] == everything(other)["network_"][1:]


@pytest.mark.parametrize("y", [LABELS[LABELS < 2], LABELS + 1], ids=["fewer", "others"])
def test_a_warm_start_with_other_classes(y):
    inputs = X[: len(y)]
    their, our = (module.MLPClassifier(max_iter=3, warm_start=True) for module in (theirs, ours))
    messages = []
    for each in (their, our):
        each.fit(X, LABELS)
        with pytest.raises(ValueError, match="same classes") as error:
            each.fit(inputs, y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


PARAMETERS = {
    "hidden_layer_sizes": [-1, (5, 0), "a"],
    "activation": ["tan", 3],
    "solver": ["newton", None],
    "alpha": [-1, "a", None],
    "batch_size": [0, 2.5, "all"],
    "learning_rate": ["fast", 0.1],
    "learning_rate_init": [0, -1.0],
    "power_t": [-0.5],
    "max_iter": [0, 2.5],
    "shuffle": ["yes"],
    "random_state": ["seed", -1],
    "tol": [-1],
    "verbose": [-1, "a"],
    "warm_start": ["yes"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": [2.5],
    "early_stopping": ["yes"],
    "validation_fraction": [-0.1, 1.0],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0],
    "n_iter_no_change": [0, 2.5],
    "max_fun": [0],
}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [(name, value) for name, values in PARAMETERS.items() for value in values],
)
def test_parameters_that_cannot_be(parameter, value):
    """Of the same type, naming the parameter; what is possible is more than with scikit-learn."""
    given = {parameter: value}
    expected, found = (
        error_of(module, "MLPClassifier", "fit", True, (X, LABELS), given)
        for module in (theirs, ours)
    )
    assert type(found) is type(expected)
    named, ours_named = (str(error).split(" must be ")[0] for error in (expected, found))
    assert ours_named == named


def test_every_parameter_of_scikit_learns_is_tried():
    assert PARAMETERS.keys() == theirs.MLPClassifier().get_params().keys()


def test_a_loss_that_is_not_known():
    """There are more here, and so the list of them is longer."""
    expected, found = (
        error_of(module, "MLPRegressor", "fit", True, (X, LABELS), {"loss": "hinge"})
        for module in (theirs, ours)
    )
    assert type(found) is type(expected)
    named, ours_named = (str(error).split(" must be ")[0] for error in (expected, found))
    assert ours_named == named


def test_counts_below_0_are_refused():
    """As scikit-learn's regressors for counts do; its perceptron has a loss of nan from then on."""
    with pytest.raises(ValueError, match="y must not be negative"):
        ours.MLPRegressor(loss="poisson").fit(X, X[:, 0])
    their = theirs.MLPRegressor(loss="poisson", max_iter=2, random_state=0).fit(X, X[:, 0])
    assert np.isnan(their.loss_)


@pytest.mark.parametrize("module", [theirs, ours], ids=["theirs", "ours"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_fit_that_diverges(module):
    """The message is scikit-learn's; with early stopping it ends with a warning and a nan."""
    wild = {"solver": "sgd", "learning_rate_init": 1e3, "random_state": 0, "max_iter": 20}
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        module.MLPRegressor(**wild).fit(X, LABELS)
    with pytest.warns(ConvergenceWarning):
        stopped = module.MLPRegressor(early_stopping=True, **wild).fit(X, LABELS)
    assert np.isnan(stopped.validation_scores_[-1])
    if module is ours:
        assert all(np.isfinite(W).all() for W in stopped.coefs_)


def test_the_last_finite_weights_stay_where_a_fit_diverges():
    estimator = ours.MLPRegressor(
        solver="sgd", learning_rate_init=1e3, random_state=0, callbacks=lambda net, history: None
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="non-finite"):
            estimator.fit(X, LABELS)
    assert np.isfinite(estimator.network_.parameters).all()
    assert np.isfinite(estimator.predict(X)).all()
