"""scikit-learn's own perceptrons: both ways, held against what they predict."""

import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_sklearn, to_sklearn
from random_networks import draw_network

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

import chainrule.sklearn

HIDDEN = ["identity", "sigmoid", "tanh", "relu"]
RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, size=(90, 4))
Y = np.arange(90) % 3


def said_by(estimator, X):
    """What it predicts as our networks say it, (m, n_L)."""
    if not hasattr(estimator, "predict_proba"):
        return estimator.predict(X).reshape(len(X), -1)
    shares = estimator.predict_proba(X)
    return shares[:, 1:] if estimator.n_outputs_ == 1 else shares


def test_200_networks_go_and_come_back():
    exact = 0
    for seed in range(200):
        outputs = ["softmax", "identity", "exponential", "sigmoid"]
        hidden = [HIDDEN[seed % 4]]
        net, some = draw_network(seed, hidden=hidden, outputs=outputs, scaled=bool(seed // 4 % 2))
        estimator = to_sklearn(net)
        wanted = net(some)
        if net.output == "softmax" and net.sizes[-1] == 2:  # one logistic there
            wanted = wanted[:, 1:]
        said = said_by(estimator, some)
        assert said.dtype == net.dtype
        bound = 64 * np.finfo(net.dtype).eps * max(1, abs(wanted).max())
        assert abs(said - wanted).max() <= bound, seed
        again = from_sklearn(estimator)
        assert (again.dtype, again.answers) == (net.dtype, net.answers)
        if net.answers == "values":
            assert again.cost == net.cost
        else:
            assert (estimator.predict(some) == net.predict(some)).all()
            assert (again.predict(some) == net.predict(some)).all()
        if not net._scaling and not net._output_scaling and net.scale.size == 0:
            exact += wanted.shape == again(some).shape
            if wanted.shape[1] == net.sizes[-1]:
                np.testing.assert_array_equal(again(some), wanted)
        assert abs(again(some) - wanted).max() <= bound
    assert exact > 90


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_what_scikit_learn_has_trained(kind, dtype, activation):
    estimator = kind(hidden_layer_sizes=(7, 5), activation=activation, random_state=0)
    classes = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    estimator.partial_fit(X.astype(dtype), Y, **classes)
    net = from_sklearn(estimator)
    assert net.dtype == dtype
    assert net.cost == ("log_likelihood" if classes else "quadratic")
    bound = 64 * np.finfo(dtype).eps
    some = X.astype(dtype)
    np.testing.assert_allclose(net(some), said_by(estimator, some), rtol=bound, atol=bound)
    np.testing.assert_allclose(net.predict(some), estimator.predict(some), rtol=bound, atol=bound)


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        (np.array(["no", "yes"], object)[Y % 2], "no"),
        (np.array([7, 9, 30])[Y], 7),
        (np.array([1.0, 2.0, 4.0])[Y], 1),
        (Y > 0, False),
        (np.array(list("abc"))[Y], "a"),
    ],
)
def test_classes_keep_their_names(labels, first):
    estimator = MLPClassifier((5,), random_state=0).partial_fit(
        X, labels, classes=np.unique(labels)
    )
    net = from_sklearn(estimator)
    assert net.classes[0] == first
    assert (net.predict(X) == estimator.predict(X)).all()
    again = to_sklearn(net)
    assert (again.predict(X) == estimator.predict(X)).all()
    assert (again.classes_ == estimator.classes_).all()


def test_classes_that_are_fractions_are_refused():
    estimator = MLPClassifier((5,)).partial_fit(X, Y % 2, classes=[0, 1])
    estimator.classes_ = np.array([0.5, 1.0])
    with pytest.raises(TypeError, match="text, whole numbers or booleans"):
        from_sklearn(estimator)


def test_several_labels_a_sample():
    several = (X[:, :3] > 2).astype(int)
    estimator = MLPClassifier((5,), random_state=0).partial_fit(X, several, classes=[0, 1, 2])
    net = from_sklearn(estimator)
    assert net.answers == "multilabel"
    assert (net.predict(X) == estimator.predict(X)).all()


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        StandardScaler(with_mean=False, with_std=False),
        MinMaxScaler((-1, 3)),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        RobustScaler(with_scaling=False),
    ],
)
def test_a_pipeline_s_scalers_become_the_scaling_of_the_inputs(scaler):
    scaled = scaler.fit_transform(X)
    last = MLPRegressor(hidden_layer_sizes=(5,), random_state=0).partial_fit(
        StandardScaler().fit_transform(scaled), Y
    )
    second = StandardScaler().fit(scaled)
    pipeline = make_pipeline(scaler, "passthrough", second, last)
    net = from_sklearn(pipeline)
    assert net._scaling
    np.testing.assert_allclose(net.predict(X), pipeline.predict(X), rtol=1e-11, atol=1e-11)


def test_the_names_of_the_columns_come_along():
    pd = pytest.importorskip("pandas", reason="needs pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    estimator = MLPRegressor(hidden_layer_sizes=(5,), random_state=0).partial_fit(frame, Y)
    net = from_sklearn(estimator)
    assert net.input_names == tuple("abcd")
    np.testing.assert_allclose(net.predict(frame), estimator.predict(frame), rtol=1e-12)
    assert to_sklearn(net).feature_names_in_.tolist() == list("abcd")


def test_counts():
    estimator = MLPRegressor(hidden_layer_sizes=(5,), loss="poisson", random_state=0).partial_fit(
        X, Y
    )
    net = from_sklearn(estimator)
    assert (net.output, net.cost) == ("exponential", "poisson")
    assert to_sklearn(net).loss == "poisson"


def test_it_goes_on_there_and_the_network_stays():
    net = cr.Network([4, 6, 3], hidden="tanh", output="softmax", cost="log_likelihood", seed=0)
    before = net.parameters.copy()
    estimator = to_sklearn(net)
    assert (estimator.t_, estimator.n_iter_, estimator.loss_curve_) == (0, 0, [])
    assert not hasattr(estimator, "loss_")
    said, W = estimator.predict_proba(X), estimator.coefs_[0].copy()
    estimator.partial_fit(X, Y)  # Adam's first step is the learning rate, whatever the gradient
    np.testing.assert_allclose(abs(estimator.coefs_[0] - W), 1e-3, rtol=0.01)
    for _ in range(29):
        estimator.partial_fit(X, Y)
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[0]
    assert not np.allclose(estimator.predict_proba(X), said)
    assert (net.parameters == before).all()
    assert pickle.loads(pickle.dumps(estimator)).t_ == 30 * 90
    assert clone(estimator).hidden_layer_sizes == (6,)


def test_the_book_s_classes_of_sigmoids():
    net = cr.Network([4, 6, 3], hidden="sigmoid", output="sigmoid", cost="cross_entropy", seed=0)
    net.classes = ["a", "b", "c"]
    estimator = to_sklearn(net)
    assert (estimator.predict(X) == net.predict(X)).all()
    again = from_sklearn(estimator)
    assert (again.predict(X) == net.predict(X)).all()
    np.testing.assert_array_equal(again(X), net(X))


@pytest.mark.parametrize("scaled", [False, True])
def test_our_own_estimators(scaled):
    options = {"activation": ["swish", "elu"], "cost": cr.costs.huber(0.5), "random_state": 0}
    ours = chainrule.sklearn.MLPRegressor(hidden_layer_sizes=(5, 4), **options)
    first = StandardScaler().fit(X)
    ours.partial_fit(first.transform(X) if scaled else X, Y * 1.0)
    estimator = make_pipeline(first, ours) if scaled else ours
    net = from_sklearn(estimator)
    assert (net.hidden, net.cost) == (("swish", "elu"), cr.costs.huber(0.5))
    np.testing.assert_allclose(net.predict(X), estimator.predict(X), rtol=1e-12)
    classifier = chainrule.sklearn.MLPClassifier((5,), random_state=0)
    classifier.partial_fit(X, np.array([0.0, 1.0, 5.0])[Y], classes=[0.0, 1.0, 5.0])
    np.testing.assert_array_equal(from_sklearn(classifier).predict(X), classifier.predict(X))


class Own(StandardScaler):
    pass


@pytest.mark.parametrize(
    ("make", "kind", "fragment"),
    [
        (lambda: LogisticRegression().fit(X, Y), TypeError, "expected an MLPClassifier"),
        (lambda: 3, TypeError, "got 3"),
        (MLPClassifier, ValueError, "MLPClassifier is not fitted yet"),
        (chainrule.sklearn.MLPClassifier, ValueError, "MLPClassifier is not fitted yet"),
        (lambda: make_pipeline(StandardScaler(), MLPRegressor()), ValueError, "StandardScaler is"),
        (lambda: make_pipeline(Normalizer(), MLPRegressor()), TypeError, "got Normalizer"),
        (lambda: make_pipeline(Own(), MLPRegressor()), TypeError, "got Own"),
        (lambda: make_pipeline(StandardScaler().fit(X)), TypeError, "or a Pipeline of one"),
        (
            lambda: make_pipeline(MinMaxScaler(clip=True).fit(X), MLPRegressor()),
            ValueError,
            "cuts inputs off",
        ),
    ],
)  # fmt: skip
def test_other_estimators_are_refused(make, kind, fragment):
    with pytest.raises(kind, match=fragment):
        from_sklearn(make())


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"hidden": ["relu", "tanh"]}, "one activation for all hidden layers.*got relu, tanh"),
        ({"hidden": "swish"}, "got swish"),
        ({"output": "tanh"}, "got values of 3 with the output 'tanh'"),
        ({"output": "sigmoid", "output_scale": 2.0, "hidden": "relu"}, "got relu, sigmoid"),
    ],
)
def test_networks_that_scikit_learn_has_not_are_refused(options, fragment):
    net = cr.Network([4, 5, 6, 3], **{"hidden": "tanh", "output": "identity"} | options, seed=0)
    with pytest.raises(ValueError, match=fragment):
        to_sklearn(net)


def test_two_sigmoids_and_a_margin_are_refused():
    two = cr.Network([4, 2], cost="cross_entropy", seed=0)
    two.classes = ["a", "b"]
    with pytest.raises(ValueError, match="got classes of 2 with the output 'sigmoid'"):
        to_sklearn(two)
    with pytest.raises(ValueError, match="got classes of 1 with the output 'identity'"):
        to_sklearn(cr.Network([4, 1], output="identity", cost="hinge", seed=0))


def test_tables_and_ensembles_are_refused():
    table = chainrule.sklearn.TabularRegressor(preset="fast", random_state=0).fit(X, Y * 1.0)
    for model in (table, cr.Ensemble([cr.Network([2, 1], seed=k) for k in range(2)])):
        with pytest.raises(ValueError, match="to_sklearn holds "):
            to_sklearn(model)
    with pytest.raises(ValueError, match="from_sklearn holds "):
        from_sklearn(table)
