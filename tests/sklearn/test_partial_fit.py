"""`partial_fit`: a step at hand is that of the whole way; early stopping over many calls."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import make_classification, make_regression

import chainrule as cr
import chainrule.sklearn as ours

X, LABELS = make_classification(300, 12, n_informative=8, n_classes=3, random_state=0)
INPUTS, VALUES = make_regression(300, 8, n_targets=2, noise=5, random_state=0)
VALUES = VALUES / 100
NAMES = np.array(["b", "a", "c"])[LABELS]

CASES = {
    "classes": ("MLPClassifier", X, LABELS, {}),
    "text": ("MLPClassifier", X, NAMES, {}),
    "two classes": ("MLPClassifier", X, LABELS > 0, {}),
    "one number": ("MLPRegressor", INPUTS, VALUES[:, 0], {}),
    "numbers": ("MLPRegressor", INPUTS, VALUES, {}),
    "counts": ("MLPRegressor", INPUTS, (VALUES[:, 0] > 0) * 2.0, {"loss": "poisson"}),
    "float32": ("MLPClassifier", X.astype("f4"), LABELS, {}),
    "invscaling": ("MLPClassifier", X, LABELS, {"solver": "sgd", "learning_rate": "invscaling"}),
    "adaptive": ("MLPRegressor", INPUTS, VALUES, {
        "solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0}),
    "in order": ("MLPClassifier", X, LABELS, {"shuffle": False}),
    "limits": ("MLPClassifier", X, LABELS, {
        "l1": 0.01, "l2": 0.1, "dropout": 0.2, "max_norm": 1.0, "clip_norm": 0.1}),
    "a schedule": ("MLPClassifier", X, LABELS, {"solver": cr.RMSprop(cr.CosineDecay(0.01, 40))}),
}  # fmt: skip


def calls(name, inputs, y, parameters, change=lambda X, y: (X, y), seed=lambda: 3):
    """Return an estimator after ten calls, of whose data `change` makes others."""
    estimator = getattr(ours, name)(random_state=seed(), **parameters)
    further = {"classes": np.unique(y)} if name == "MLPClassifier" else {}
    for i in range(10):
        rows = slice(25 * i, 25 * i + 25 + i % 3)
        estimator.partial_fit(*change(inputs[rows], y[rows]), **further)
    return estimator


def everything(estimator):
    fitted = {k: v for k, v in vars(estimator).items() if k.endswith("_") and k != "network_"}
    return fitted, estimator.network_.parameters.tobytes(), estimator._no_improvement_count


@pytest.mark.parametrize(
    "seed", [lambda: 3, lambda: np.random.RandomState(3)], ids=["number", "generator"]
)
@pytest.mark.parametrize("case", CASES)
def test_a_step_at_hand_is_that_of_the_whole_way(case, seed, monkeypatch):
    steps = calls(*CASES[case], seed=seed)
    assert steps._steps is not None
    weighted = lambda X, y: (X, y, np.ones(len(X), X.dtype))  # noqa: E731 - to the same bits
    whole = calls(*CASES[case], weighted, seed=seed)
    assert whole._steps is None
    (a, bits, count), (b, other_bits, other_count) = everything(steps), everything(whole)
    assert bits == other_bits
    assert count == other_count
    assert a.keys() == b.keys()
    np.testing.assert_allclose(a.pop("loss_curve_"), b.pop("loss_curve_"), rtol=1e-14)
    for name in a:
        if isinstance(a[name], float):
            assert a[name] == pytest.approx(b[name], rel=1e-14)
        else:
            assert np.array_equal(a[name], b[name]), name


@pytest.mark.parametrize("change", [
    {"learning_rate_init": 0.1}, {"alpha": 1.0}, {"batch_size": 20}, {"beta_1": 0.5},
    {"early_stopping": True, "validation_fraction": 0.2}, {"shuffle": False},
])  # fmt: skip
def test_a_parameter_changed_meanwhile_counts(change):
    changed, other = (calls(*CASES["classes"]) for _ in range(2))
    changed.set_params(**change)
    changed.partial_fit(X[:30], LABELS[:30])
    other = copy.deepcopy(other).set_params(**change)
    other.partial_fit(X[:30].tolist(), LABELS[:30].tolist())
    assert changed.network_.parameters.tobytes() == other.network_.parameters.tobytes()
    other = calls(*CASES["classes"]).partial_fit(X[:30], LABELS[:30])
    assert changed.network_.parameters.tobytes() != other.network_.parameters.tobytes()


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_and_fits_between_steps(again):
    estimator = calls(*CASES["classes"])
    other = again(estimator)
    for _ in range(2):
        other.partial_fit(X[:30], LABELS[:30])
    other.network_.fit(X[:30], LABELS[:30], epochs=1)
    for _ in range(2):
        other.partial_fit(X[:30], LABELS[:30])
    assert other._steps is not None
    assert len(other.loss_curve_) == 14


BAD = {
    "another class": (X[:3], [0, 1, 3], "classes not in"),
    "NaN": (X[:3] * np.nan, [0, 1, 2], "NaN"),
    "a width": (X[:3, :5], [0, 1, 2], "5 features"),
    "lengths": (X[:3], [0, 1], "inconsistent numbers"),
    "nothing": (X[:0], [], "0 sample"),
    "a vector": (X[0], [0], "2D array"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_data_change_nothing(bad):
    estimator = calls(*CASES["classes"])
    before, bits, count = copy.deepcopy(everything(estimator))
    inputs, labels, message = BAD[bad]
    for classes in (None, np.arange(3)):
        with pytest.raises(ValueError, match=message):
            estimator.partial_fit(inputs, np.array(labels, LABELS.dtype), classes=classes)
    with pytest.raises(ValueError, match="classes"):
        estimator.partial_fit(X[:3], LABELS[:3], classes=[0, 1, 5])
    after, bits_after, count_after = everything(estimator)
    assert (bits, count) == (bits_after, count_after)
    assert before.pop("loss_curve_") == after.pop("loss_curve_")
    np.testing.assert_equal(before, after)
    assert estimator.partial_fit(X[:9], LABELS[:9]).t_ == before["t_"] + 9


# ------------------------------------------------------------ early stopping


@pytest.mark.parametrize("held_out", ["of each call", "given"])
@pytest.mark.parametrize(("name", "inputs", "y"), [
    ("MLPClassifier", X, NAMES), ("MLPRegressor", INPUTS, VALUES)])  # fmt: skip
def test_calls_end_where_the_score_becomes_no_better(name, inputs, y, held_out):
    estimator = getattr(ours, name)(
        random_state=0, early_stopping=True, n_iter_no_change=4, learning_rate_init=0.01
    )
    further = {"validation_data": (inputs[200:], y[200:])} if held_out == "given" else {}
    if name == "MLPClassifier":
        further["classes"] = np.unique(y)
    parameters = []
    for _ in range(500):
        estimator.partial_fit(inputs[:200], y[:200], **further)
        parameters.append(estimator.network_.parameters.copy())
        if estimator.has_stopped_:
            break
    scores = estimator.validation_scores_
    assert len(scores) == len(parameters) < 500
    best = int(np.argmax(scores))
    assert estimator.best_validation_score_ == max(scores)
    assert max(scores) < max(scores[:-5]) + estimator.tol  # five calls without progress
    assert parameters[-1].tobytes() == parameters[best].tobytes()
    if held_out == "given":
        assert estimator.score(inputs[200:], y[200:]) == pytest.approx(max(scores), rel=1e-12)
    estimator.partial_fit(inputs[:200], y[:200], **further)
    assert len(estimator.validation_scores_) == len(scores)
    assert estimator.network_.parameters.tobytes() == parameters[best].tobytes()
    estimator.fit(inputs, y)  # which begins anew
    assert not estimator.has_stopped_


def test_a_fit_goes_by_the_validation_data_it_is_given():
    estimator = ours.MLPClassifier(random_state=0, early_stopping=True, n_iter_no_change=3)
    estimator.fit(X[:200], NAMES[:200], validation_data=(X[200:], NAMES[200:]))
    history = estimator.network_.history
    assert estimator.t_ == 200 * estimator.n_iter_  # nothing was held out of these
    assert estimator.validation_scores_ == pytest.approx(history.validation_accuracy)
    assert estimator.score(X[200:], NAMES[200:]) == max(estimator.validation_scores_)
    weights = np.where(NAMES[200:] == "a", 1.0, 0.0)
    estimator.fit(X[:200], NAMES[:200], validation_data=(X[200:], NAMES[200:], weights))
    found = estimator.score(X[200:], NAMES[200:], sample_weight=weights)
    assert found == pytest.approx(max(estimator.validation_scores_))


@pytest.mark.parametrize(("given", "message"), [
    ((X[:9, :3], NAMES[:9]), "3 features"),
    ((X[:9], NAMES[:8]), "inconsistent numbers"),
    ((X[:9], np.full(9, "d")), "unseen|not in"),
    ((X[:9], NAMES[:9], np.full(9, -1.0)), "negative|Negative"),
])  # fmt: skip
def test_validation_data_that_do_not_fit(given, message):
    estimator = ours.MLPClassifier(random_state=0, max_iter=2)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, NAMES, validation_data=given)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_a_fit_held_out_is_not_trained_on():
    """After it partial_fit stops early by given data alone."""
    estimator = ours.MLPClassifier(early_stopping=True, max_iter=5, random_state=0)
    estimator.fit(X, LABELS)
    before = estimator.network_.parameters.copy()
    with pytest.raises(ValueError, match="does not support early_stopping=True after a fit"):
        estimator.partial_fit(X, LABELS)
    assert (estimator.network_.parameters == before).all()
    estimator.partial_fit(X, LABELS, validation_data=(X[:50], LABELS[:50]))
    assert len(estimator.validation_scores_) == 6
    estimator.fit(X, LABELS, validation_data=(X[:50], LABELS[:50])).partial_fit(X, LABELS)


@pytest.mark.parametrize("nothing", [{"progress": False}, {"callbacks": []}, {"metrics": {}}])
def test_an_option_that_is_off_is_nothing(nothing):
    estimator, plain = (ours.MLPClassifier(random_state=0, **more) for more in (nothing, {}))
    for each in (estimator, plain):
        for _ in range(3):
            each.partial_fit(X, LABELS, classes=np.unique(LABELS))
    assert estimator.network_.parameters.tobytes() == plain.network_.parameters.tobytes()
