"""What programs do with scikit-learn's perceptrons, they do with these, side by side."""

import copy
import pickle

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris, make_regression  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402

import chainrule as cr  # noqa: E402
import chainrule.sklearn as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
INPUTS, VALUES = make_regression(120, 5, noise=5, random_state=0)
VALUES = VALUES / VALUES.std()
MODULES = pytest.mark.parametrize("module", [theirs, ours], ids=["theirs", "ours"])


def classifier(module=ours, **parameters):
    made = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 5} | parameters
    return module.MLPClassifier(**made)


def regressor(module=ours, **parameters):
    made = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 5} | parameters
    return module.MLPRegressor(**made)


def assert_alike(call, tolerance=1e-9):
    """Call with both modules; what comes back is the same."""
    expected, found = call(theirs), call(ours)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------ classes of one's own


def extended(module):
    class Extended(module.MLPClassifier):
        def __init__(self, extra=1, random_state=None):
            super().__init__((6,), random_state=random_state, max_iter=3)
            self.extra = extra

    return Extended(random_state=0)


def passed_on(module):
    class PassedOn(module.MLPClassifier):
        def __init__(self, **parameters):
            super().__init__(**parameters)

    return PassedOn(random_state=0, max_iter=3)


def preset(module):
    class Preset(module.MLPClassifier):
        def __init__(self, hidden_layer_sizes=(6,), random_state=0):
            super().__init__(hidden_layer_sizes, random_state=random_state, max_iter=3)

        @property
        def depth(self):
            return len(self.hidden_layer_sizes)

    return Preset()


@pytest.mark.parametrize("make", [extended, passed_on, preset])
def test_classes_derived_from_them(make):
    assert_alike(lambda module: make(module).fit(X, LABELS).predict_proba(X))


def test_a_parameter_that_a_derived_class_does_not_name_counts_in_steps():
    def run(module):
        estimator = preset(module)
        for alpha in (1e-4, 3.0):
            estimator.alpha = alpha
            for _ in range(3):
                estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
        return estimator.predict_proba(X)

    assert_alike(run)


# ------------------------------------------------------------ parameters as lists


@MODULES
def test_a_layer_is_exchanged(module):
    estimators = [classifier(module, random_state=seed).fit(X, LABELS) for seed in range(3)]
    mean = copy.deepcopy(estimators[0])
    for layer in range(2):
        mean.coefs_[layer] = np.mean([each.coefs_[layer] for each in estimators], axis=0)
        mean.intercepts_[layer] = np.mean([each.intercepts_[layer] for each in estimators], axis=0)
    hidden = np.maximum(X @ mean.coefs_[0] + mean.intercepts_[0], 0)
    z = hidden @ mean.coefs_[1] + mean.intercepts_[1]
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mean.predict_proba(X), expected, rtol=1e-9)
    assert expected != pytest.approx(estimators[0].predict_proba(X), rel=1e-3)


def test_all_layers_are_exchanged_or_none():
    estimator = classifier().fit(X, LABELS)
    bits = estimator.network_.parameters.tobytes()
    for values in (
        [np.zeros((4, 6)), np.zeros((7, 3))],
        [np.zeros((4, 6))],
        [0.5, np.ones((6, 3))],
        [np.zeros((4, 6)), np.full((6, 3), np.nan)],
    ):
        with pytest.raises(ValueError, match="coefs_ must"):
            estimator.coefs_ = values
        with pytest.raises(ValueError, match="coefs_ must"):
            estimator.coefs_[:] = values
    with pytest.raises(ValueError, match="intercepts_ must"):
        estimator.intercepts_[0] = 1.0
    assert estimator.network_.parameters.tobytes() == bits
    estimator.coefs_[:] = [np.ones((4, 6)), np.ones((6, 3))]
    assert (estimator.network_.weights[1] == 1).all()
    loaded = pickle.loads(pickle.dumps(estimator.coefs_))
    assert type(loaded) is list
    assert len(estimator.coefs_ + estimator.intercepts_) == 4


# ------------------------------------------------------------ parameters that have no part in it


@pytest.mark.parametrize("rate", ["adaptive", "invscaling"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_kind_of_rate_is_for_sgd_alone(solver, rate):
    settings = {"learning_rate": rate, "tol": 10.0, "n_iter_no_change": 2, "max_iter": 40}
    settings |= {"solver": solver, "learning_rate_init": 0.01}
    assert_alike(lambda module: [classifier(module, **settings).fit(X, LABELS).n_iter_])
    steps = classifier(**settings | {"solver": cr.RMSprop(0.01)}).fit(X, LABELS)
    assert steps.n_iter_ == 4


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.Philox, np.random.SFC64])
def test_generators_of_any_kind(bits):
    def run(module):
        generator = np.random.RandomState(bits(1))
        return classifier(module, random_state=generator).fit(X, LABELS).predict_proba(X)

    assert_alike(run)


def test_momentum_of_1_is_named():
    with pytest.raises(ValueError, match="The 'momentum' parameter of MLPClassifier"):
        classifier(solver="sgd", momentum=1.0).fit(X, LABELS)


def test_counts_whose_mini_batch_has_no_weight():
    weights = np.where(np.arange(120) < 60, 0.0, 1.0)
    counts = np.abs(VALUES)
    settings = {
        "loss": "poisson",
        "batch_size": 30,
        "shuffle": False,
        "solver": "sgd",
        "momentum": 0,
    }
    estimator = regressor(**settings).fit(INPUTS, counts, weights)
    twin = regressor(**settings).fit(INPUTS[60:], counts[60:])
    assert estimator.loss_curve_ == pytest.approx(twin.loss_curve_, rel=1e-6)


# ------------------------------------------------------------ partial_fit


def diverging(module, as_it_is):
    estimator = regressor(module, solver="sgd", learning_rate_init=1e3)
    for _ in range(50):
        estimator.partial_fit(as_it_is(INPUTS * 10), as_it_is(VALUES * 100))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("as_it_is", [np.asarray, np.ndarray.tolist], ids=["plain", "lists"])
@MODULES
def test_a_step_that_diverges(module, as_it_is):
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        diverging(module, as_it_is)


@pytest.mark.parametrize("as_it_is", [np.asarray, np.ndarray.tolist], ids=["plain", "lists"])
def test_a_step_behind_which_the_optimiser_would_stand_still(as_it_is):
    estimator = classifier()
    for _ in range(3):
        estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
    before = estimator.network_.parameters.tobytes(), estimator.t_, estimator.loss_curve_[:]
    state = {name: a.tobytes() for name, a in estimator.network_.optimizer_state.items()}
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        estimator.partial_fit(as_it_is(X * 1e200), as_it_is(LABELS))
    assert before == (estimator.network_.parameters.tobytes(), estimator.t_, estimator.loss_curve_)
    now = {name: a.tobytes() for name, a in estimator.network_.optimizer_state.items()}
    assert now == state
    estimator.partial_fit(X, LABELS)
    assert estimator.t_ == 600


@MODULES
def test_a_warm_start_wants_all_classes_in_steps_too(module):
    estimator = classifier(module, warm_start=True)
    for _ in range(2):
        estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="same classes"):
        estimator.partial_fit(X[:50], LABELS[:50])


def test_what_is_refused_draws_nothing():
    states = np.random.RandomState(0), np.random.RandomState(0)
    for state, spoilt in zip(states, (True, False), strict=True):
        estimator = classifier(random_state=state)
        for _ in range(2):
            estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
        if spoilt:
            with pytest.raises(ValueError, match="NaN"):
                estimator.partial_fit(X * np.nan, LABELS)
    assert states[0].randint(10**9) == states[1].randint(10**9)


def test_a_callback_that_comes_later_is_called():
    seen = []
    estimator = classifier(callbacks=[])
    for _ in range(3):
        estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
    estimator.callbacks.append(lambda net, history: seen.append(len(history)))
    estimator.partial_fit(X, LABELS)
    assert seen == [1]


def test_steps_leave_no_history_of_another_call():
    estimator = classifier()
    for _ in range(3):
        estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
    assert estimator.network_.history is None
    assert len(estimator.loss_curve_) == 3


@pytest.mark.parametrize("as_it_is", [np.asarray, np.ndarray.tolist], ids=["plain", "lists"])
def test_an_interrupted_step_is_told(as_it_is, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    estimator = classifier().partial_fit(X, LABELS, classes=[0, 1, 2])
    estimator.partial_fit(X, LABELS)
    monkeypatch.setattr(type(estimator._steps._trainer), "step", interrupt)
    monkeypatch.setattr(cr.Network, "fit", interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        assert estimator.partial_fit(as_it_is(X), as_it_is(LABELS)).n_iter_ == 0
    assert estimator.t_ == 300


# ------------------------------------------------------------ what is refused, and what changes


REFUSED = {
    "activations": ({"activation": ["relu", "relu"]}, "activation must be one, or one for each"),
    "no activation": ({"activation": [3]}, "The 'activation' parameter of MLPClassifier"),
    "parts of units": ({"hidden_layer_sizes": (5.0,)}, "hidden_layer_sizes must be whole"),
    "class weights": ({"class_weight": {9: 1.0}}, "each class of class_weight"),
    "a rate": ({"solver": cr.LBFGS(), "dropout": 0.1}, "dropout cannot be used with solver=LBFGS"),
    "averages": ({"solver": "lbfgs", "average": 0.9}, "average cannot be used with solver='lbfgs'"),
    "metrics": ({"metrics": [len]}, "validation_data"),
}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("refused", REFUSED)
def test_a_refused_fit_leaves_what_was_fitted(refused, warm_start):
    parameters, message = REFUSED[refused]
    estimator = classifier(warm_start=warm_start).fit(X, LABELS)
    answers, net = estimator.predict_proba(X), estimator.network_
    state = {name: a.tobytes() for name, a in net.optimizer_state.items()}
    now = {name: value for name, value in vars(estimator).items() if name.endswith("_")}
    now = copy.deepcopy(now)
    estimator.set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X if warm_start else X[:, :3], LABELS)
    assert estimator.network_ is net
    assert {name: a.tobytes() for name, a in net.optimizer_state.items()} == state
    assert estimator.predict_proba(X).tobytes() == answers.tobytes()
    for name, value in now.items():
        if name != "network_":
            assert np.array_equal(getattr(estimator, name), value), name


def test_a_refused_first_fit_leaves_it_unfitted():
    estimator = classifier(class_weight={9: 1.0})
    with pytest.raises(ValueError, match="class_weight"):
        estimator.fit(X, LABELS)
    with pytest.raises(NotFittedError):
        estimator.predict(X)
    assert estimator.set_params(class_weight=None).fit(X, LABELS).score(X, LABELS) > 0


@pytest.mark.parametrize(("make", "change"), [
    (regressor, {"loss": "poisson"}), (regressor, {"activation": "tanh"}),
    (regressor, {"hidden_layer_sizes": (7,)}), (classifier, {"dtype": "float32"}),
    (classifier, {"cost": cr.costs.log_likelihood(smoothing=0.1)}),
])  # fmt: skip
def test_a_warm_start_keeps_its_network(make, change):
    y = LABELS if make is classifier else np.abs(VALUES)
    inputs = X if make is classifier else INPUTS
    estimator = make(warm_start=True).fit(inputs, y).set_params(**change)
    name = next(iter(change))
    for warm_start, again in ((True, "fit"), (True, "partial_fit"), (False, "partial_fit")):
        estimator.set_params(warm_start=warm_start)
        with pytest.raises(ValueError, match=f"the network was made with {name}="):
            getattr(estimator, again)(inputs, y)
    estimator.set_params(warm_start=False).fit(inputs, y)
    assert make(**change).fit(inputs, y).loss_ == pytest.approx(estimator.loss_)


def test_a_parameter_that_cannot_be_is_named_before_a_step():
    estimator = classifier().fit(X, LABELS).set_params(alpha=-1.0)
    with pytest.raises(ValueError, match="The 'alpha' parameter of MLPClassifier"):
        estimator.partial_fit(X, LABELS)


def test_ctrl_c_amid_the_checks_leaves_what_was_fitted(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    estimator = classifier().fit(X, LABELS)
    answers = estimator.predict_proba(X)
    monkeypatch.setattr(ours.MLPClassifier, "_validation", interrupt)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X[:, :3], LABELS > 0)
    assert estimator.n_features_in_ == 4
    assert estimator.predict_proba(X).tobytes() == answers.tobytes()


def test_lbfgs_that_a_callback_ends_can_be_kept(tmp_path):
    def fail(net, history):
        raise OSError("a full disk")

    estimator = classifier(solver="lbfgs", callbacks=fail)
    with pytest.raises(OSError, match="full disk"):
        estimator.fit(X, LABELS)
    assert type(estimator.network_.optimizer) is cr.LBFGS
    estimator.network_.save(tmp_path / "net.npz")
    assert cr.load(tmp_path / "net.npz").optimizer == estimator.network_.optimizer


@pytest.mark.parametrize("given", [(X,), True, (X, LABELS, None, None), {"X": X, "y": LABELS}])
def test_validation_data_are_pairs_or_triples(given):
    with pytest.raises(ValueError, match=r"\(X, y\) or \(X, y, sample_weight\)"):
        classifier().fit(X, LABELS, validation_data=given)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_cost_that_ends_early_stopping_is_told():
    estimator = regressor(
        solver="sgd",
        learning_rate_init=1e3,
        early_stopping=True,
        max_iter=60,
        activation="identity",
    )
    with pytest.warns(ConvergenceWarning, match="stopped being finite after"):
        estimator.fit(INPUTS * 100, VALUES * 100)
    assert np.isnan(estimator.validation_scores_[-1])
    assert np.isfinite(estimator.predict(INPUTS)).all()


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_steps_after_a_full_batch_solver(way):
    estimator = classifier(solver="lbfgs", warm_start=way == "fit").fit(X, LABELS)
    assert not hasattr(estimator, "loss_curve_")
    estimator.set_params(solver="adam")
    getattr(estimator, way)(X, LABELS)
    assert len(estimator.loss_curve_) == (5 if way == "fit" else 1)
    clone(estimator).set_params(solver="lbfgs", warm_start=False).fit(X, LABELS)
    estimator.set_params(solver="lbfgs", warm_start=False).fit(X, LABELS)
    assert not hasattr(estimator, "loss_curve_")
