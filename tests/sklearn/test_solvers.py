"""What scikit-learn's tests of its private solver objects mean, seen from outside.

Those of `test_mlp.py` that its classes pass by their private parts alone: each holds here for its
own class and for ours.
"""

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn.neural_network")
from sklearn.datasets import load_digits  # noqa: E402

import chainrule.sklearn as ours  # noqa: E402
from chainrule.sklearn.fitting import Task, trained_alone  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FEW = [[3.0, 2.0], [1.0, 6.0], [5.0, 6.0], [-2.0, -4.0]], [1, 1, 1, 0]
DIGITS, NUMBERS = load_digits(n_class=2, return_X_y=True)
DIGITS, NUMBERS = DIGITS[:100] / 16, NUMBERS[:100]
PLAIN = {"solver": "sgd", "momentum": 0.0, "random_state": 1}
both = pytest.mark.parametrize("module", [theirs, ours], ids=["theirs", "ours"])


def parameters(estimator):
    """Return all of them in one vector, a copy."""
    return np.concatenate([each.ravel() for each in (*estimator.coefs_, *estimator.intercepts_)])


def set_parameters(estimator, values):
    ends = np.cumsum([each.size for each in (*estimator.coefs_, *estimator.intercepts_)])
    parts = np.split(values, ends[:-1])
    for each, part in zip((*estimator.coefs_, *estimator.intercepts_), parts, strict=True):
        each[:] = part.reshape(each.shape)


def step_from(estimator, values, X, y):
    """Return by how much one step over all samples changes these parameters."""
    set_parameters(estimator, values)
    return parameters(estimator.partial_fit(X, y)) - values


# ------------------------------------------------------------ test_fit


@both
def test_one_step_is_the_one_worked_out_by_hand(module):
    """h = σ(xW¹ + b¹), o = σ(hW² + b²), δ² = o - y, δ¹ = h(1 - h) ⊙ δ²W²ᵀ; ∇W = aᵀδ + αW."""
    x, W1, b1 = np.array([[0.6, 0.8, 0.7]]), np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]), 0.1
    W2, b2, alpha, rate = np.array([[0.1], [0.2]]), 1.0, 0.1, 0.1
    estimator = module.MLPClassifier(
        hidden_layer_sizes=2, activation="logistic", alpha=alpha, learning_rate_init=rate, **PLAIN
    )
    estimator.partial_fit(x, [0], classes=[0, 1])
    for each, value in zip(
        (*estimator.coefs_, *estimator.intercepts_), (W1, W2, b1, b2), strict=True
    ):
        each[:] = value
    estimator.partial_fit(x, [0])

    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    o = 1 / (1 + np.exp(-(h @ W2 + b2)))
    assert (h[0, 0], h[0, 1], o[0, 0]) == pytest.approx((0.67918, 0.57444, 0.76545), abs=1e-5)
    delta2 = o - 0
    delta1 = h * (1 - h) * (delta2 @ W2.T)
    expected = (
        W1 - rate * (x.T @ delta1 + alpha * W1), W2 - rate * (h.T @ delta2 + alpha * W2),
        b1 - rate * delta1[0], b2 - rate * delta2[0],
    )  # fmt: skip
    found = (*estimator.coefs_, *estimator.intercepts_)
    for each, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(each, value, rtol=1e-12)
    assert estimator.predict_proba(x)[0, 1] == pytest.approx(0.739, abs=5e-4)


# ------------------------------------------------------------ test_gradient

TASKS = {
    "two classes": ("MLPClassifier", np.arange(6) % 2, {}),
    "three classes": ("MLPClassifier", np.arange(6) % 3, {}),
    "several labels": ("MLPClassifier", np.c_[np.arange(6) % 2, np.arange(6) % 3 == 0] * 1, {}),
    "numbers": ("MLPRegressor", np.linspace(-1, 1, 6) ** 2, {}),
    "counts": ("MLPRegressor", np.arange(6) % 3, {"loss": "poisson"}),
}


@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 2.0, 0.0, 1.0, 3.0]])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TASKS)
def test_the_step_is_the_gradient_of_the_loss(task, activation, weights):
    """By central differences of `loss_`, which is that of the parameters before the step."""
    name, y, more = TASKS[task]
    X = np.random.RandomState(42).randn(6, 5)
    weights = None if weights is None else np.array(weights)
    settings = {"activation": activation, "hidden_layer_sizes": 4, "alpha": 0.3} | more
    estimator = getattr(ours, name)(learning_rate_init=1.0, **settings, **PLAIN)
    classes = {"classes": np.unique(y)} if name == "MLPClassifier" else {}
    estimator.partial_fit(X, y, sample_weight=weights, **classes)

    def loss(values):
        set_parameters(estimator, values)
        return estimator.partial_fit(X, y, sample_weight=weights).loss_

    start = np.random.RandomState(0).randn(len(parameters(estimator))) / 3
    loss(start)
    gradient = start - parameters(estimator)  # at a rate of 1
    assert (np.abs(gradient) > 1e-3).mean() > 0.7
    h = 1e-5
    for i, each in enumerate(np.eye(len(start))):
        by_differences = (loss(start + h * each) - loss(start - h * each)) / (2 * h)
        assert gradient[i] == pytest.approx(by_differences, rel=1e-6, abs=1e-8), i


@pytest.mark.parametrize("task", TASKS)
def test_lbfgs_descends_on_the_same_loss(task):
    name, y, more = TASKS[task]
    X = np.random.RandomState(42).randn(6, 5)
    settings = {"hidden_layer_sizes": 4, "alpha": 0.3, "random_state": 1} | more
    minimum = getattr(ours, name)(solver="lbfgs", max_iter=3, **settings).fit(X, y)
    other = getattr(ours, name)(solver="sgd", max_iter=1, **settings).fit(X, y)
    step_from(other, parameters(minimum), X, y)
    assert other.loss_ == pytest.approx(minimum.loss_, rel=1e-12)
    assert other.loss_curve_[0] > minimum.loss_


# ------------------------------------------------------------ the learning rates


def rate_left(module, estimator, X, y):
    """Return the learning rate of its next step.

    By the ratio of that step to the one of a rate of 1 from the same parameters.
    """
    hidden = estimator.hidden_layer_sizes
    unit = module.MLPClassifier(hidden, learning_rate_init=1.0, max_iter=1, **PLAIN).fit(X, y)
    start = parameters(estimator)
    whole = step_from(unit, start, X, y)
    assert np.abs(whole).max() > 1e-4
    return step_from(estimator, start, X, y) @ whole / (whole @ whole)


@both
@pytest.mark.parametrize(("kind", "rate"), [("constant", 0.1), ("invscaling", 0.1 / 9**0.25)])
def test_the_rate_after_a_warm_start_goes_by_all_samples_seen(module, kind, rate):
    settings = {"warm_start": True, "max_iter": 1, "learning_rate_init": 0.1, "power_t": 0.25}
    estimator = module.MLPClassifier(4, learning_rate=kind, **settings, **PLAIN)
    estimator.fit(*FEW).fit(*FEW)
    assert rate_left(module, estimator, *FEW) == pytest.approx(rate, rel=1e-9)


@both
def test_an_adaptive_rate_falls_until_nothing_is_left_of_it(module):
    """By 5, from 1e-3 until it is below 1e-6, whenever so many epochs were no better."""
    X, y = FEW[0][:2], [1, 0]
    settings = {"learning_rate": "adaptive", "tol": 0.5, "max_iter": 3000}
    estimator = module.MLPClassifier(**settings, **PLAIN).fit(X, y)
    assert estimator.n_iter_ == 1 + 11 * 6  # the first is better than none
    assert rate_left(module, estimator, X, y) == pytest.approx(1e-3 / 5**5, rel=1e-6)


# ------------------------------------------------------------ n_iter_no_change


def epochs_by_rule(losses, tol, most):
    """Return after which epoch `most` and one more in a row were no better by `tol`."""
    best, count = np.inf, 0
    for epoch, loss in enumerate(losses, 1):
        count = count + 1 if loss > best - tol else 0
        best = min(best, loss)
        if count > most:
            return epoch
    return None


@both
@pytest.mark.parametrize("most", [2, 5, 10, 50, 100])
def test_training_ends_after_so_many_epochs_that_are_no_better(module, most):
    settings = {"tol": 0.01, "max_iter": 3000, "n_iter_no_change": most}
    estimator = module.MLPClassifier(solver="sgd", random_state=1, **settings)
    estimator.fit(DIGITS, NUMBERS)
    losses = estimator.loss_curve_
    assert most + 1 < len(losses) == estimator.n_iter_ < 3000
    assert epochs_by_rule(losses, 0.01, most) == estimator.n_iter_


@both
def test_without_an_end_of_its_own_it_comes_to_the_last_epoch(module):
    settings = {"tol": 1e9, "max_iter": 300, "n_iter_no_change": np.inf}
    estimator = module.MLPClassifier(solver="sgd", random_state=1, **settings)
    estimator.fit(DIGITS, NUMBERS)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 300
    assert epochs_by_rule(estimator.loss_curve_, 1e9, 298) == 300  # only the first was better


def test_what_a_callback_raises_comes_out_as_it_is():
    """Also StopIteration, which would end the generator that a fit is."""

    class Raises:
        def fit(self, X, y):
            raise StopIteration("by a callback")

    def course():
        yield Task(Raises(), None, None, {})

    with pytest.raises(StopIteration, match="by a callback"):
        trained_alone(course())
