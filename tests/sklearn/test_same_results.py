"""With equal settings the estimators give scikit-learn's results: the same numbers are drawn."""

import warnings

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
from sklearn.datasets import load_digits, make_classification, make_regression  # noqa: E402

import chainrule.sklearn as ours  # noqa: E402
import sklearn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = make_classification(300, 12, n_informative=8, n_classes=3, random_state=0)
INPUTS, VALUES = make_regression(200, 8, n_targets=2, noise=5, random_state=0)
VALUES = VALUES / 100
WEIGHTS = np.random.default_rng(0).random(300)
COUNTS = np.random.default_rng(0).poisson(np.exp(INPUTS[:, 0] / 2))

IS_OLD = sklearn.__version__.startswith(("1.7.", "1.8."))
SETTINGS = {
    "as they are": {},
    "sgd": {"solver": "sgd"},
    "sgd, invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "sgd, adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e-2},
    "sgd, momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "sgd, plain": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
    "in order": {"shuffle": False},
    "small batches": {"batch_size": 17, "hidden_layer_sizes": (10, 7)},
    "logistic": {"activation": "logistic"},
    "tanh": {"activation": "tanh", "alpha": 0.5},
    "identity": {"activation": "identity"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
    "adam's settings": {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, "learning_rate_init": 0.01},
}  # fmt: skip
TASKS = {
    "classes": ("MLPClassifier", X, LABELS, {}),
    "two classes": ("MLPClassifier", X, LABELS > 0, {}),
    "text": ("MLPClassifier", X, np.array(["b", "a", "c"])[LABELS], {}),
    "several labels": ("MLPClassifier", X, np.c_[LABELS > 0, LABELS == 2].astype(int), {}),
    "numbers": ("MLPRegressor", INPUTS, VALUES[:, 0], {}),
    "several numbers": ("MLPRegressor", INPUTS, VALUES, {}),
    "counts": ("MLPRegressor", INPUTS, COUNTS, {"loss": "poisson"}),
}


def both(name, inputs, y, weights=None, **settings):
    """Return scikit-learn's estimator and ours, fitted."""
    fitted = []
    for module in (theirs, ours):
        estimator = getattr(module, name)(random_state=3, **settings)
        fitted.append(estimator.fit(inputs, y, sample_weight=weights))
    return fitted


def assert_alike(their, our, inputs, tolerance=1e-9):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(their, name), getattr(our, name), strict=True):
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    for name in ("loss_curve_", "validation_scores_"):
        expected = getattr(their, name, None)
        if expected is not None:
            np.testing.assert_allclose(getattr(our, name), expected, rtol=tolerance)
    scalars = ("n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_", "out_activation_")
    assert [getattr(our, name) for name in scalars] == [getattr(their, name) for name in scalars]
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        expected = getattr(their, name, None)
        found = getattr(our, name, None)
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found == pytest.approx(expected, rel=tolerance)
    np.testing.assert_allclose(our.predict(inputs[:9]) == their.predict(inputs[:9]), 1)


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "by weights"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_twenty_epochs(setting, task, weighted):
    if task == "text" and setting == "early stopping" and IS_OLD:
        pytest.skip("scikit-learn has a score of text from 1.9 on")
    name, inputs, y, more = TASKS[task]
    weights = WEIGHTS[: len(inputs)] if weighted else None
    their, our = both(name, inputs, y, weights, max_iter=20, **more | SETTINGS[setting])
    if name == "MLPRegressor":  # the sums are other ones in the last bits
        assert np.allclose(our.predict(inputs), their.predict(inputs), rtol=1e-7, atol=1e-9)
        their.predict = our.predict
    else:
        np.testing.assert_allclose(our.predict_proba(inputs), their.predict_proba(inputs), 1e-7)
    assert_alike(their, our, inputs)


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "by weights"])
@pytest.mark.parametrize("task", TASKS)
def test_lbfgs_comes_to_the_same_minimum(task, weighted):
    """Of units that are linear, whose minima are all as low."""
    name, inputs, y, more = TASKS[task]
    weights = WEIGHTS[: len(inputs)] if weighted else None
    settings = {"solver": "lbfgs", "alpha": 0.1, "hidden_layer_sizes": (6,), "tol": 1e-6}
    settings |= {"max_iter": 3000, "activation": "identity"} | more
    their, our = both(name, inputs, y, weights, **settings)
    assert our.loss_ == pytest.approx(their.loss_, rel=1e-3)


@pytest.mark.parametrize(("solver", "rate"), [("adam", 1e-3), ("sgd", 0.05)])
def test_to_the_end_of_training(solver, rate):
    """Calm runs, to their own ends."""
    inputs, y = load_digits(return_X_y=True)
    settings = {"solver": solver, "tol": 1e-3, "learning_rate_init": rate, "activation": "tanh"}
    their, our = both("MLPClassifier", inputs[:400] / 16, y[:400], max_iter=400, **settings)
    assert their.n_iter_ < 400
    assert_alike(their, our, inputs / 16, 1e-6)


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_once_through_again_and_again(task):
    name, inputs, y, _ = TASKS[task]
    their, our = (getattr(module, name)(random_state=3) for module in (theirs, ours))
    for _ in range(5):
        for rows in (slice(0, 120), slice(120, 200)):
            further = {"classes": np.unique(y)} if task == "classes" else {}
            for estimator in (their, our):
                estimator.partial_fit(inputs[rows], y[rows], **further)
    their.predict = our.predict
    assert_alike(their, our, inputs)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_warm_start(solver):
    settings = {"solver": solver, "warm_start": True, "max_iter": 5}
    their, our = both("MLPClassifier", X, LABELS, **settings)
    for estimator in (their, our):
        estimator.fit(X, LABELS)
    assert_alike(their, our, X)


def test_the_warnings_are_theirs():
    messages = []
    for module in (theirs, ours):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.MLPClassifier(max_iter=2, batch_size=1000).fit(X, LABELS)
        messages.append([str(each.message) for each in caught])
    assert messages[0] == messages[1]
    assert len(messages[0]) == 2


def test_what_is_printed_is_theirs(capsys):
    shown = []
    for module in (theirs, ours):
        module.MLPClassifier(max_iter=3, verbose=True, random_state=0).fit(X, LABELS)
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
