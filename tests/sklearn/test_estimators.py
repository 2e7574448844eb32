"""What the estimators have beside scikit-learn's: the network, its options, data as they are."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_regression

import chainrule as cr
import chainrule.sklearn as ours
from children import python

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = make_classification(300, 12, n_informative=8, n_classes=3, random_state=0)
INPUTS, VALUES = make_regression(200, 8, n_targets=2, noise=5, random_state=0)


def classifier(**parameters):
    return ours.MLPClassifier(**{"random_state": 0, "max_iter": 10} | parameters)


def regressor(**parameters):
    return ours.MLPRegressor(**{"random_state": 0, "max_iter": 10} | parameters)


def test_parameters_are_writable_views_into_the_one_network():
    estimator = classifier().fit(X, LABELS)
    net = estimator.network_
    assert isinstance(net, cr.Network)
    assert [W.shape for W in estimator.coefs_] == [(12, 100), (100, 3)]
    for W, b, ours_W, ours_b in zip(
        estimator.coefs_, estimator.intercepts_, net.weights, net.biases, strict=True
    ):
        assert np.shares_memory(W, ours_W)
        assert np.shares_memory(b, ours_b)
    estimator.coefs_[1][:] = 0
    assert not net.weights[1].any()
    estimator.coefs_ = [np.ones((12, 100)), np.ones((100, 3))]
    assert (net.weights[0] == 1).all()
    assert cr.diagnose(net, X, LABELS)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_before_it_is_fitted_there_are_none(make):
    assert not hasattr(make(), "coefs_")
    assert not hasattr(make(), "intercepts_")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_have_views_of_their_own_and_go_on(again):
    estimator = classifier().fit(X, LABELS)
    other = again(estimator)
    assert np.shares_memory(other.coefs_[0], other.network_.parameters)
    for each in (estimator, other):
        each.partial_fit(X, LABELS)
    assert estimator.network_.parameters.tobytes() == other.network_.parameters.tobytes()
    assert not hasattr(clone(estimator), "network_")


def test_types_follow_the_data():
    assert classifier().fit(X.astype("f4"), LABELS).network_.dtype == np.float32
    assert classifier().fit(X, LABELS).network_.dtype == np.float64
    assert classifier(dtype="float32").fit(X, LABELS).network_.dtype == np.float32
    images, y = load_digits(return_X_y=True)
    as_bytes = classifier().fit(images.astype(np.uint8), y)
    as_numbers = classifier().fit(images, y)
    assert as_bytes.network_.parameters.tobytes() == as_numbers.network_.parameters.tobytes()


BEYOND = {
    "a cost": {"cost": "hinge", "out_activation": "identity"},
    "an object": {"cost": cr.costs.log_likelihood(smoothing=0.1)},
    "layers of their own": {"hidden_layer_sizes": (9, 7), "activation": ["gelu", "softsign"]},
    "an optimiser": {"solver": cr.RMSprop(cr.CosineDecay(0.01, epochs=60))},
    "Levenberg": {"solver": cr.LBFGS(), "alpha": 0.1},
    "limits": {"dropout": 0.3, "l1": 1e-4, "l2": 1e-3, "max_norm": 2.0, "clip_norm": 1.0},
    "an average": {"average": 0.9},
    "class weights": {"class_weight": {0: 1.0, 1: 2.0, 2: 3.0}},
    "balanced": {"class_weight": "balanced"},
    "an initialiser": {"init": "he"},
}


@pytest.mark.parametrize("beyond", BEYOND)
def test_what_scikit_learn_has_not_changes_the_result(beyond):
    plain = classifier(max_iter=50).fit(X, LABELS)
    other = classifier(max_iter=50, **BEYOND[beyond]).fit(X, LABELS)
    assert other.network_.parameters.tobytes() != plain.network_.parameters.tobytes()
    assert other.score(X, LABELS) > 0.4
    twin = classifier(max_iter=50, **BEYOND[beyond]).fit(X, LABELS)
    assert other.network_.parameters.tobytes() == twin.network_.parameters.tobytes()


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "by weights"])
@pytest.mark.parametrize("solver", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_a_full_batch_solver_never_lets_the_cost_rise(solver, weighted):
    """The weights count: those of no weight might as well not be there."""
    kept = np.arange(len(INPUTS)) % 3 > 0
    weights = np.where(kept, 2.0, 0.0) if weighted else None
    rows = kept if weighted else slice(None)
    made = {"hidden_layer_sizes": (6,), "activation": "tanh", "solver": solver, "max_iter": 30}
    estimator = regressor(**made, alpha=0).fit(INPUTS, VALUES / 100, sample_weight=weights)
    costs = estimator.network_.history.cost
    assert (np.diff(costs) <= 0).all()
    assert costs[-1] < costs[0] / 10
    twin = regressor(**made, alpha=0).fit(INPUTS[rows], VALUES[rows] / 100)
    assert estimator.predict(INPUTS) == pytest.approx(twin.predict(INPUTS), rel=1e-3, abs=1e-3)


def test_weights_of_classes_go_by_their_names():
    names = np.array(["b", "a", "c"])[LABELS]
    by_name = classifier(class_weight={"a": 5.0, "b": 1.0, "c": 1.0}).fit(X, names)
    by_sample = classifier().fit(X, names, sample_weight=np.where(names == "a", 5.0, 1.0))
    assert by_name.network_.parameters.tobytes() == by_sample.network_.parameters.tobytes()


def test_where_all_are_of_one_class_it_is_answered():
    """However the output, which has nothing to learn from, lies."""
    estimator = classifier(early_stopping=True).fit(X, np.full(len(X), "it"))
    estimator.intercepts_[1][:] = 100
    assert (estimator.predict(X) == "it").all()
    assert estimator.best_validation_score_ == 1


def test_weights_of_classes_that_there_are_not_are_named():
    with pytest.raises(ValueError, match=r"class_weight must be one of \[0 1 2\]; got 'a'"):
        classifier(class_weight={0: 1.0, "a": 2.0}).fit(X, LABELS)


def test_callbacks_and_validation_data():
    seen = []
    estimator = classifier(callbacks=lambda net, history: seen.append(history.validation_cost[-1]))
    estimator.fit(X[:200], LABELS[:200], validation_data=(X[200:], LABELS[200:]))
    assert len(seen) == 10
    assert estimator.network_.history.validation_accuracy[-1] == pytest.approx(
        estimator.score(X[200:], LABELS[200:])
    )


def test_what_a_callback_or_the_time_ends_has_not_come_to_the_last_iteration():
    def stop(net, history):
        raise cr.StopTraining

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert classifier(callbacks=stop).fit(X, LABELS).n_iter_ == 1
        assert classifier(max_seconds=1e-9).fit(X, LABELS).n_iter_ == 1


def test_an_interruption_is_told_and_leaves_the_last_epoch():
    def interrupt(net, history):
        if len(history) == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user") as caught:
        estimator = classifier(callbacks=interrupt).fit(X, LABELS)
    assert len(caught) == 1
    assert estimator.n_iter_ == 3


def test_a_warm_start_may_keep_the_state_of_the_optimiser():
    once = classifier(max_iter=10, shuffle=False).fit(X, LABELS)
    twice = classifier(max_iter=5, shuffle=False, warm_start=True, keep_optimizer=True)
    twice.fit(X, LABELS).fit(X, LABELS)
    assert once.network_.parameters.tobytes() == twice.network_.parameters.tobytes()


@pytest.mark.parametrize("rows", [1, 3])
def test_a_plain_array_and_any_other_give_the_same(rows):
    estimator = classifier().fit(X, LABELS)
    plain = estimator.predict_proba(X[:rows])
    assert plain.tobytes() == estimator.predict_proba(X[:rows].tolist()).tobytes()
    assert np.log(plain).tobytes() == estimator.predict_log_proba(X[:rows]).tobytes()
    for wrong in (X[:rows, :-1], X[:rows] * np.nan, X[0]):
        with pytest.raises(ValueError, match=r"features|NaN|2D"):
            estimator.predict(wrong)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "adamw"}, "'solver' parameter"),
        ({"activation": "tan"}, "'activation' parameter"),
        ({"dropout": 1.5}, "'dropout' parameter"),
        ({"cost": "mse"}, "'cost' parameter"),
        ({"alpha": -1}, "'alpha' parameter"),
    ],
)
def test_parameters_that_cannot_be_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(X, LABELS)


def test_a_cost_that_is_not_finite_is_told_in_scikit_learns_words():
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        regressor(solver="sgd", learning_rate_init=1e3).fit(INPUTS, VALUES)


def test_the_extra_is_named_where_scikit_learn_is_missing():
    code = """if True:
        import sys
        sys.modules["sklearn"] = None
        import chainrule.sklearn
        try:
            chainrule.sklearn.MLPClassifier
        except ImportError as error:
            print(error)
    """
    assert "pip install 'chainrule[sklearn]'" in python("-c", code)


def test_the_package_itself_does_not_import_scikit_learn():
    code = "import sys, chainrule; assert not any(n.startswith('sklearn') for n in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


MEASURED = """if True:
    import sys, threading
    import numpy as np
    from chainrule.sklearn import MLPClassifier

    def private():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

    X = np.memmap(sys.argv[1], dtype="f4", mode="w+", shape=(150000, 1000))  # 600 MB
    X[::7, 0] = 1
    y = np.arange(len(X)) % 2
    estimator = MLPClassifier((5,), max_iter=2, random_state=0, early_stopping=sys.argv[2] == "1")
    estimator.fit(X[:999], y[:999])
    before, most, over = private(), 0, threading.Event()

    def watch():
        global most
        while not over.wait(0.002):
            most = max(most, private())

    thread = threading.Thread(target=watch)
    thread.start()
    estimator.fit(X, y)
    over.set()
    thread.join()
    print((most - before) / 1000)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("early_stopping", [0, 1])
def test_a_memory_map_is_read_where_it_lies(tmp_path, early_stopping):
    """Also the 60 MB that are held out."""
    megabytes = float(python("-W", "ignore", "-c", MEASURED, tmp_path / "X", early_stopping))
    assert megabytes < 50
