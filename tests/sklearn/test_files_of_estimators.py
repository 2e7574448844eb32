"""Estimators in model files: what was saved predicts, and goes on, to the same bits."""

import os
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer

import chainrule as cr
import chainrule.sklearn as ours
from chainrule.files import record as records
from chainrule.files.model_file import write_network
from users_functions import Focal, Sine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = make_classification(60, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
VALUES = np.c_[X[:, 0] ** 2, X[:, 1] - X[:, 2]]
NAMES = np.array(["b", "a", "größe"])
WEIGHTS = np.random.default_rng(0).random(60)


def classifier(**parameters):
    return ours.MLPClassifier(
        **{"hidden_layer_sizes": (7,), "random_state": 0, "max_iter": 4} | parameters
    )


def regressor(**parameters):
    return ours.MLPRegressor(
        **{"hidden_layer_sizes": (7,), "random_state": 0, "max_iter": 4} | parameters
    )


SGD = {"solver": "sgd", "learning_rate_init": 0.1}
# What is fitted, and to what.
FITTED = {
    "classes": (classifier(), LABELS),
    "classes of bytes": (classifier(), LABELS.astype(np.uint8)),
    "classes of floats": (classifier(), LABELS - 1.0),
    "truth values": (classifier(), LABELS > 0),
    "text": (classifier(), NAMES[LABELS]),
    "text with room": (classifier(), NAMES.astype("<U20")[LABELS]),
    "text of another byte order": (classifier(), NAMES.astype(">U6")[LABELS]),
    "text in objects": (classifier(), NAMES.astype(object)[LABELS]),
    "several labels": (classifier(), np.c_[LABELS > 0, LABELS == 2].astype(int)),
    "numbers": (regressor(), VALUES[:, 0]),
    "several numbers": (regressor(), VALUES),
    "counts": (regressor(loss="poisson"), LABELS),
    "quantiles": (regressor(loss="quantile", quantiles=(0.1, 0.5)), VALUES),
    "means and deviations": (regressor(cost=cr.costs.gaussian()), VALUES),
    "sgd": (classifier(**SGD), LABELS),
    "sgd, invscaling": (classifier(**SGD, learning_rate="invscaling"), LABELS),
    "sgd, adaptive": (regressor(**SGD, learning_rate="adaptive", n_iter_no_change=1), VALUES),
    "lbfgs": (regressor(solver="lbfgs"), VALUES),
    "an iteration over all": (classifier(solver=cr.LBFGS(history=3)), LABELS),
    "early stopping": (classifier(early_stopping=True, n_iter_no_change=np.inf), LABELS),
    "early stopping, stopped": (classifier(early_stopping=True, tol=9, n_iter_no_change=1), LABELS),
    "an average": (classifier(average=0.5, hidden_layer_sizes=[7, 6]), LABELS),
    "a warm start": (classifier(warm_start=True, keep_optimizer=True), LABELS),
    "objects": (
        classifier(
            solver=cr.RMSprop(cr.CosineDecay(0.01, epochs=40)),
            activation=["tanh", cr.activations.leaky_relu(slope=0.2)],
            hidden_layer_sizes=np.array([6, 5]),
            cost=cr.costs.log_likelihood(smoothing=0.1),
            callbacks=(cr.EarlyStopping("cost", patience=3), cr.Log(every=2)),
        ),
        LABELS,
    ),
    "numbers of NumPy": (
        classifier(
            alpha=np.float32(0.01), random_state=np.int64(3), batch_size=np.int32(7),
            class_weight={np.int64(0): np.float64(2.0), 1: 1.0}, dtype=np.float32, dropout=[0.1],
        ),
        LABELS,
    ),
}  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.npz"


def again(estimator, path, **options):
    estimator.save(path)
    return ours.load(path, **options)


def same(a, b):
    """Whether two values are the same to the last bit, of the same kinds."""
    if isinstance(a, np.ndarray):
        a, b = (each.astype(each.dtype.newbyteorder("=")) for each in (a, b))
        return a.dtype == b.dtype and a.tolist() == b.tolist()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, cr.Network):
        states = [{n: s.tobytes() for n, s in net.optimizer_state.items()} for net in (a, b)]
        return states[0] == states[1] and a.parameters.tobytes() == b.parameters.tobytes()
    if isinstance(a, LabelBinarizer):
        return a.y_type_ == b.y_type_ and same(a.classes_, b.classes_)
    if type(a).__name__ == "Rate":
        return vars(a) == vars(b)
    return type(a) is type(b) and (a == b or a != a)


def assert_same(estimator, other):
    """All attributes but the parameters, and what it answers with, are the same."""
    found, expected = other.__getstate__(), estimator.__getstate__()
    assert found.keys() == expected.keys()
    for name in expected.keys() - estimator.get_params().keys() - {"_made_of"}:
        assert same(found[name], expected[name]), name
    answer = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    for name in ("predict", answer):
        results = [getattr(each, name)(X) for each in (estimator, other)]
        assert same(*results)


@pytest.mark.parametrize("name", FITTED)
def test_what_was_saved_goes_on_to_the_same_bits(name, path):
    estimator, y = FITTED[name]
    estimator.fit(X, y)
    other = again(estimator, path)
    assert type(other) is type(estimator)
    assert_same(estimator, other)
    assert other.score(X, y, WEIGHTS) == estimator.score(X, y, WEIGHTS)
    for each in (estimator, other):
        if hasattr(each, "partial_fit") and not each.early_stopping:
            each.partial_fit(X, y, WEIGHTS).partial_fit(X[:20], y[:20])
    assert_same(estimator, other)
    if estimator.early_stopping:
        for each in (estimator, other):
            with pytest.raises(ValueError, match="held out"):
                each.partial_fit(X, y)
            each.partial_fit(X, y, validation_data=(X, y))
    assert_same(estimator, other)
    for each in (estimator, other):
        each.set_params(warm_start=True).fit(X, y)
    assert_same(estimator, other)


@pytest.mark.parametrize("name", FITTED)
def test_parameters_come_back_as_they_were(name, path):
    estimator, y = FITTED[name]
    expected = estimator.fit(X, y).get_params() | {"callbacks": repr(estimator.callbacks)}
    found = again(estimator, path)
    found = found.get_params() | {"callbacks": repr(found.callbacks)}
    if expected["dtype"] is not None:
        expected["dtype"] = np.dtype(expected["dtype"]).name
    np.testing.assert_equal(found, expected)
    kinds = [{n: type(each) for n, each in of.items()} for of in (found, expected)]
    differ = {n for n in expected if kinds[0][n] is not kinds[1][n]}
    assert all(isinstance(expected[each], np.generic) for each in differ)


def test_one_class(path):
    other = again(classifier().fit(X, np.full(60, 3)), path)
    assert other.classes_.tolist() == [3]


def test_partial_fit_alone(path):
    estimator = classifier(**SGD, learning_rate="invscaling")
    estimator.partial_fit(X[:9], LABELS[:9], classes=[0, 1, 2, 7])
    other = again(estimator, path)
    for each in (estimator, other):
        each.partial_fit(X, LABELS)
    assert_same(estimator, other)
    with pytest.raises(ValueError, match="7"):
        other.partial_fit(X, LABELS + 5)


def test_steps_of_plain_arrays(path):
    """The one in memory has what it keeps from step to step, the other makes it anew."""
    estimator = regressor(**SGD, learning_rate="adaptive", n_iter_no_change=1)
    estimator.fit(X, VALUES)
    for i in range(3):
        estimator.partial_fit(X[i : i + 20], VALUES[i : i + 20])
    assert estimator._steps is not None
    other = again(estimator, path)
    for each in (estimator, other):
        for i in range(9):
            each.partial_fit(X[i : i + 20], VALUES[i : i + 20])
    assert_same(estimator, other)


def test_early_stopping_over_many_calls_goes_on(path):
    estimator = classifier(early_stopping=True, n_iter_no_change=2, tol=0.0)
    for _ in range(3):
        estimator.partial_fit(X, LABELS, classes=[0, 1, 2])
    other = again(estimator, path)
    for each in (estimator, other):
        while not each.has_stopped_:
            each.partial_fit(X, LABELS)
    assert_same(estimator, other)


@pytest.mark.parametrize("dtype", ["f4", "u1"])
def test_it_follows_the_data_as_before(dtype, path):
    data = (X * 10).astype(dtype)
    estimator = classifier().fit(data, LABELS)
    other = again(estimator, path)
    assert other.network_.dtype == estimator.network_.dtype
    assert_same(estimator.partial_fit(data, LABELS), other.partial_fit(data, LABELS))


def test_names_of_features_are_kept_and_checked(path):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=["länge", "b", "c", "d", "e"])
    other = again(regressor().fit(table, VALUES), path)
    assert other.feature_names_in_.dtype == object
    assert other.feature_names_in_.tolist() == list(table.columns)
    assert other.n_features_in_ == 5
    with pytest.raises(ValueError, match="feature names"):
        other.predict(table[["b", "länge", "c", "d", "e"]])


def test_the_history_is_kept(path):
    estimator = classifier().fit(X, LABELS, validation_data=(X, LABELS))
    other = again(estimator, path)
    for name in ("cost", "validation_cost", "validation_accuracy"):
        np.testing.assert_array_equal(
            other.network_.history[name], estimator.network_.history[name]
        )


def test_the_network_alone_is_loaded_too(path):
    estimator = classifier().fit(X, LABELS)
    estimator.save(path)
    net = cr.load(path)
    assert net(X).tobytes() == estimator.network_(X).tobytes()
    with pytest.raises(ValueError, match="is no checkpoint"):
        cr.resume(path, X, LABELS)


def test_objects_of_ones_own_are_given_again(path):
    sine = Sine(2.0)
    estimator = classifier(hidden_layer_sizes=(6, 5), activation=[sine, "tanh"], cost=Focal(2.0))
    estimator.fit(X, LABELS).save(path)
    with pytest.raises(ValueError, match=r"chainrule\.load\(path, own="):
        ours.load(path)
    own = {"Sine": Sine(2.0), "Focal": Focal(2.0)}
    other = ours.load(path, own=own)
    assert other.activation[0] is own["Sine"]
    assert other.cost is own["Focal"]
    assert_same(estimator.partial_fit(X, LABELS), other.partial_fit(X, LABELS))
    other.set_params(cost=Focal(3.0))
    with pytest.raises(ValueError, match="cannot hold cost="):
        other.save(path)


def test_nothing_in_it_is_a_pickle(path):
    regressor().fit(X, VALUES).save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive)


def test_the_same_estimator_is_the_same_file(tmp_path):
    estimator = classifier().fit(X, NAMES[LABELS])
    for name in ("a", "b"):
        estimator.save(tmp_path / name)
    members = [dict(np.load(tmp_path / name)) for name in ("a", "b")]
    np.testing.assert_equal(*members)


def test_before_it_is_fitted_there_is_nothing_to_save(path):
    with pytest.raises(NotFittedError):
        classifier().save(path)
    assert not path.exists()


def look(*_):
    """A function of a user's own."""


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": np.random.RandomState(0)},
        {"callbacks": look},
        {"callbacks": [cr.EarlyStopping("cost"), look]},
        {"solver": cr.SGD(lambda epochs: 0.1)},
        {"init": lambda rng, n_in, n_out: (np.zeros((n_out, n_in)), np.ones(n_out))},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_what_a_file_cannot_hold_is_named(parameters, path):
    estimator = classifier(**parameters).fit(X, LABELS)
    (name,) = parameters
    with pytest.raises(ValueError, match=rf"cannot hold {name}=.*set_params\({name}=\.\.\.\)"):
        estimator.save(path)
    assert not path.exists()
    estimator.set_params(**{name: classifier().get_params()[name]}).save(path)
    assert_same(estimator, ours.load(path))


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant == np.finfo(float).nmant, reason="there are no longer numbers"
)
def test_classes_that_a_file_cannot_hold(path):
    estimator = classifier().fit(X, LABELS.astype(np.longdouble))
    with pytest.raises(ValueError, match="cannot hold classes of float"):
        estimator.save(path)


def test_a_callback_that_writes_where_a_file_says_is_not_kept(path, tmp_path):
    estimator = classifier(callbacks=cr.Checkpoint(tmp_path / "run.npz")).fit(X, LABELS)
    with pytest.raises(ValueError, match="cannot hold callbacks="):
        estimator.save(path)


def test_a_class_derived_from_it_is_not_kept(path):
    class Own(ours.MLPClassifier):
        pass

    with pytest.raises(ValueError, match=r"estimators of chainrule\.sklearn, not a Own"):
        Own(max_iter=1).fit(X, LABELS).save(path)


def test_what_could_not_be_loaded_is_not_saved(path):
    estimator = classifier().fit(X, LABELS)
    estimator.loss_curve_ = [None]
    with pytest.raises(ValueError, match=r"this estimator cannot be saved: .*loss_curve_"):
        estimator.save(path)
    estimator.loss_curve_, estimator.alpha = [], -1.0
    with pytest.raises(ValueError, match="'alpha' parameter"):
        estimator.save(path)
    assert not path.exists()


def test_what_has_no_estimator_is_refused(path):
    net = cr.Network([5, 3, 1], seed=0)
    net.save(path)
    with pytest.raises(ValueError, match=r"expected an estimator.*chainrule\.load\(path\)"):
        ours.load(path)
    net.fit(X, LABELS > 0, epochs=1, callbacks=cr.Checkpoint(path))
    with pytest.raises(ValueError, match=r"expected an estimator.*chainrule\.load\(path\)"):
        ours.load(path)
    with pytest.raises(TypeError, match="file name"):
        ours.load(3)
    with pytest.raises(FileNotFoundError):
        ours.load(path.with_name("none.npz"))


# ------------------------------------------------------------ forged parts

MAKE = {
    "classes": lambda: classifier().fit(X, LABELS),
    "text": lambda: classifier().fit(X, NAMES[LABELS]),
    "adaptive": lambda: regressor(**SGD, learning_rate="adaptive").fit(X, VALUES),
    "by score": lambda: classifier(early_stopping=True).fit(X, LABELS),
}


def forged(kind, path, change):
    """Write an estimator's file, whose fields `change` has changed."""
    estimator = MAKE[kind]()
    estimator.save(path)
    fields = {}
    original = records.written

    def written(given):
        fields.update(given)
        return original(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "written", written)
        estimator.save(path)
    change(fields)
    write_network(estimator.network_, path, original(fields))


def of_part(part, **values):
    return lambda fields: fields[part].update(values)


FORGED = {
    "a class that is none": ("classes", lambda f: f.update(estimator="Pipe"), "expected one of"),
    "numbers with classes": ("classes", lambda f: f.update(estimator="MLPRegressor"), "class"),
    "classes for numbers": (
        "adaptive", of_part("classes", values=np.arange(2), is_multilabel=False), "classes"
    ),
    "no classes": ("classes", lambda f: f.update(classes={}), "classes for a classifier"),
    "a field more": ("classes", lambda f: f.update(more=1), "expected a record of"),
    "a field of another kind": ("classes", lambda f: f.update(history=[]), "expected a record of"),
    "an unknown parameter": ("classes", of_part("parameters", more=1), "expected parameters of"),
    "a wrong parameter": ("classes", of_part("parameters", alpha=-1), "'alpha' parameter"),
    "a wrong solver": (
        "classes", of_part("parameters", solver=cr.costs.huber()), "'solver' parameter"
    ),
    "a wrong dtype": ("classes", of_part("parameters", dtype="object"), "expected dtype"),
    "wrong callbacks": ("classes", of_part("parameters", callbacks=["os.system"]), "callback"),
    "a wrong object of one's own": (
        "classes", of_part("parameters", activation={"own": "Sine"}), "Sine"
    ),
    "an unknown attribute": ("classes", of_part("fitted", predict=1), "got .*predict"),
    "no attributes": ("classes", lambda f: f.update(fitted={}), "expected out_activation_"),
    "an attribute missing": ("text", lambda f: f["fitted"].pop("best_loss_"), "best_loss_"),
    "an attribute of another type": ("classes", of_part("fitted", t_=1.5), "t_=1.5"),
    "a count below 0": ("classes", of_part("fitted", n_iter_=-1), "n_iter_=-1"),
    "a truth value": ("classes", of_part("fitted", n_iter_=True), "n_iter_=True"),
    "a curve of text": ("classes", of_part("fitted", loss_curve_=["a"]), "loss_curve_"),
    "too few best parameters": (
        "by score", lambda f: f["fitted"].update(_best_parameters=np.ones(3)), "best parameters"
    ),
    "best parameters that are none": (
        "by score", lambda f: f["fitted"]["_best_parameters"].fill(np.nan), "finite numbers"
    ),
    "classes unsorted": ("classes", of_part("classes", values=np.array([0, 2, 1])), "sorted"),
    "too few classes": ("classes", of_part("classes", values=np.arange(2)), "classes of 3"),
    "classes twice": ("classes", of_part("classes", values=np.array([0, 0, 1])), "each once"),
    "classes in a table": ("classes", of_part("classes", values=np.ones((3, 1))), "or text"),
    "classes that are none": ("classes", of_part("classes", values=[1, "a", None]), "text"),
    "classes of another field": ("classes", of_part("classes", more=1), "more"),
    "several labels": ("text", of_part("classes", is_multilabel=True), "classes of 3"),
    "characters that are none": (
        "text", of_part("classes", values=np.full((3, 1), 2**32 - 1, np.uint32)), "characters"
    ),
    "no characters": (
        "text", of_part("classes", values=np.empty((3, 0), np.uint32)), "characters"
    ),
    "names of too few features": (
        "classes", lambda f: f.update(feature_names=["a"]), "5 names of features"
    ),
    "names that are numbers": (
        "classes", lambda f: f.update(feature_names=[1, 2, 3, 4, 5]), "5 names of features"
    ),
    "a rate of too many": ("adaptive", lambda f: f["rate"].append(1), "rate"),
    "a rate that is none": (
        "adaptive", lambda f: f.update(rate=["adaptive", 0.1, 0.5, float("nan")]), "learning rate"
    ),
    "a rate of no kind": (
        "adaptive", lambda f: f.update(rate=[None, 0.1, 0.5, 0.1]), "learning rate"
    ),
    "a history of nothing": ("classes", lambda f: f.update(history={"a": 1}), "columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_parts_are_refused(name, path):
    kind, change, message = FORGED[name]
    forged(kind, path, change)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message) as caught:
            ours.load(path)
    assert str(caught.value).startswith(f"{os.fspath(path)} cannot be loaded: ")
    assert isinstance(cr.load(path), cr.Network)
