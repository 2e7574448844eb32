"""Regression to quantiles, and to means with standard deviations."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")
import scipy.sparse
from scipy.stats import norm
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import chainrule as cr
from chainrule.sklearn import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = np.c_[X[:, 0] + RNG.normal(size=200), X[:, 1] ** 2]
WEIGHTS = RNG.random(200)
LEVELS = [0.1, 0.5, 0.9]


def regressor(**parameters):
    return MLPRegressor(
        **{"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 5} | parameters
    )


# ------------------------------------------------------------ what is learned is what was drawn


def straight(**parameters):
    """Return what learns straight lines, to the minimum of its cost."""
    return regressor(
        activation="identity", hidden_layer_sizes=(4,), alpha=0, n_iter_no_change=np.inf,
        solver=cr.Adam(cr.CosineDecay(0.03, epochs=40)), max_iter=40, **parameters,
    )  # fmt: skip


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values), axis=0))


def test_quantiles_are_those_of_the_noise():
    """Of y = 2x + e with e exponential, whose τ-quantile is -ln(1 - τ), its density there 1 - τ.

    From m samples a quantile is known to √(τ(1-τ)/m)/density, a line of them to √2 times that in
    the mean over x; and at the least cost a share τ of the samples is below it.
    """
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (2500, 1))
    y = 2 * x[:, 0] + rng.exponential(size=2500)
    levels = np.array([0.1, 0.5, 0.9])
    found = straight(loss="quantile", quantiles=levels).fit(x, y).predict(x)
    np.testing.assert_allclose((y[:, None] < found).mean(axis=0), levels, atol=0.01)
    truth = 2 * x - np.log(1 - levels)
    deviations = np.sqrt(2 * levels * (1 - levels) / 2500) / (1 - levels)
    assert (root_mean_square(found - truth) < 3 * deviations).all()


def test_deviations_are_those_of_the_noise():
    """Of y = x + σe with e normal and ln σ = 0.7x - 0.5, straight as the mean.

    A line with its two numbers is known from m samples to √(2/m) of the noise: the mean to 3 % of
    σ, and ln σ, whose noise is √(1/2), to 2 %, in the mean over x.
    """
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (2500, 1))
    truth = np.exp(0.7 * x[:, 0] - 0.5)
    y = x[:, 0] + truth * rng.normal(size=2500)
    mean, std = straight(loss="gaussian").fit(x, y).predict(x, return_std=True)
    assert root_mean_square((mean - x[:, 0]) / truth) < 3 * np.sqrt(2 / 2500)
    assert root_mean_square(np.log(std / truth)) < 3 * np.sqrt(1 / 2500)
    assert np.mean(y < mean + norm.ppf(0.9) * std) == pytest.approx(0.9, abs=0.02)


def test_a_median_by_weights():
    """Without inputs a network has only a median to learn, that of the weights."""
    y = np.arange(9.0)
    weights = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1.0])
    estimator = regressor(
        loss="absolute_error", solver=cr.SGD(cr.CosineDecay(1.0, epochs=100)), max_iter=100, tol=0,
        n_iter_no_change=np.inf, alpha=0,
    )  # fmt: skip
    estimator.fit(np.zeros((9, 1)), y, sample_weight=weights)
    assert estimator.predict([[0.0]])[0] == pytest.approx(7, abs=0.05)


# ------------------------------------------------------------ answers

ONE, TWO = Y[:, 0], Y
# Of predict(X) without the samples.
SHAPES = {
    "a quantile": ({"loss": "quantile", "quantiles": 0.9}, ONE, ()),
    "a quantile in a list": ({"loss": "quantile", "quantiles": [0.9]}, ONE, ()),
    "a quantile of each": ({"loss": "quantile", "quantiles": 0.9}, TWO, (2,)),
    "quantiles": ({"loss": "quantile", "quantiles": LEVELS}, ONE, (3,)),
    "quantiles of each": ({"loss": "quantile", "quantiles": np.array(LEVELS)}, TWO, (2, 3)),
    "an object": ({"cost": cr.costs.quantile(LEVELS)}, TWO, (2, 3)),
    "a mean": ({"loss": "gaussian"}, ONE, ()),
    "means": ({"loss": "gaussian"}, TWO, (2,)),
    "means by the cost": ({"cost": "gaussian"}, TWO, (2,)),
    "a median": ({"loss": "absolute_error"}, ONE, ()),
    "robust means": ({"loss": "huber"}, TWO, (2,)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    parameters, y, shape = SHAPES[name]
    estimator = regressor(**parameters).fit(X, y)
    assert estimator.predict(X).shape == (200, *shape)
    assert estimator.n_outputs_ == (1 if y.ndim == 1 else 2)
    each = estimator.network_._cost.outputs_per_target
    assert estimator.coefs_[-1].shape == (8, each * estimator.n_outputs_)
    assert estimator.out_activation_ == "identity"
    assert np.isfinite(estimator.score(X, y))


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one", "two"])
def test_the_outputs_are_laid_out_as_the_costs_say(y):
    n = 1 if y.ndim == 1 else 2
    estimator = regressor(loss="gaussian").fit(X, y)
    outputs = estimator.network_(X)
    mean, std = estimator.predict(X, return_std=True)
    np.testing.assert_array_equal(mean.reshape(200, n), outputs[:, :n])
    np.testing.assert_allclose(std.reshape(200, n) ** 2, np.exp(outputs[:, n:]))
    assert (std.shape, std.dtype) == (mean.shape, mean.dtype)
    estimator = regressor(loss="quantile", quantiles=LEVELS).fit(X, y)
    outputs, found = estimator.network_(X), estimator.predict(X).reshape(200, n, 3)
    for target in range(n):
        for i in range(3):
            np.testing.assert_array_equal(found[:, target, i], outputs[:, 3 * target + i])


@pytest.mark.parametrize(
    ("by_word", "by_object"),
    [
        ({"loss": "gaussian"}, {"cost": "gaussian"}),
        ({"loss": "quantile"}, {"cost": "quantile"}),
        ({"loss": "quantile", "quantiles": LEVELS}, {"cost": cr.costs.quantile(LEVELS)}),
        ({"loss": "absolute_error"}, {"cost": "absolute_error"}),
        ({"loss": "huber"}, {"cost": cr.costs.huber(1.0)}),
    ],
)
def test_words_are_the_costs(by_word, by_object):
    nets = [regressor(**parameters).fit(X, Y).network_ for parameters in (by_word, by_object)]
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    assert nets[0].cost == nets[1].cost


@pytest.mark.parametrize(
    "parameters", [{}, {"loss": "quantile", "quantiles": LEVELS}, {"loss": "huber"}]
)
def test_deviations_are_asked_of_those_that_have_them(parameters):
    with pytest.raises(ValueError, match=r"return_std=True is for .* loss='gaussian'"):
        regressor(**parameters).fit(X, ONE).predict(X, return_std=True)


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [
        (0.0, "'quantiles' parameter"),
        (1.5, "'quantiles' parameter"),
        ("median", "'quantiles' parameter"),
        ([0.5, 1.0], "between 0 and 1"),
        ([0.5, 0.5], "all different"),
        ([], "one or more"),
    ],
)
def test_quantiles_that_are_none(quantiles, message):
    with pytest.raises(ValueError, match=message):
        regressor(loss="quantile", quantiles=quantiles).fit(X, ONE)


# ------------------------------------------------------------ scores


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "by weights"])
def test_the_score_is_of_the_mean_or_the_median(y, weights):
    estimator = regressor(loss="gaussian").fit(X, y)
    expected = r2_score(y, estimator.predict(X), sample_weight=weights)
    assert estimator.score(X, y, weights) == expected
    estimator = regressor(loss="quantile", quantiles=[0.9, 0.5]).fit(X, y)
    median = estimator.predict(X)[..., 1]
    expected = r2_score(y, median, sample_weight=weights)
    assert estimator.score(X, y, weights) == expected


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "by weights"])
def test_without_the_median_it_is_of_the_pinball_loss(y, weights):
    levels = [0.2, 0.9]
    estimator = regressor(loss="quantile", quantiles=levels).fit(X, y)
    found = estimator.predict(X)
    each = [
        d2_pinball_score(y, found[..., i], sample_weight=weights, alpha=level)
        for i, level in enumerate(levels)
    ]
    assert estimator.score(X, y, weights) == np.mean(each)
    one = regressor(loss="quantile", quantiles=0.9).fit(X, y)
    expected = d2_pinball_score(y, one.predict(X), sample_weight=weights, alpha=0.9)
    assert one.score(X, y, weights) == expected


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "gaussian"},
        {"loss": "quantile", "quantiles": LEVELS},
        {"loss": "quantile", "quantiles": [0.2, 0.9]},
    ],
    ids=["gaussian", "with the median", "without"],
)
def test_early_stopping_goes_by_the_score(parameters, y):
    held_out = X[150:], y[150:], WEIGHTS[150:]
    scores = []
    estimator = regressor(
        early_stopping=True, n_iter_no_change=np.inf,
        callbacks=lambda *_: scores.append(estimator.score(*held_out)), **parameters,
    )  # fmt: skip
    estimator.fit(X[:150], y[:150], validation_data=held_out)
    assert len(scores) == 5
    assert estimator.validation_scores_ == scores
    assert estimator.best_validation_score_ == max(scores)
    assert estimator.score(*held_out) == max(scores)
    split = regressor(early_stopping=True, **parameters).fit(X, y, WEIGHTS)
    assert np.isfinite(split.validation_scores_).all()


def test_searches_and_cross_validation_use_it():
    pipeline = make_pipeline(StandardScaler(), regressor(loss="quantile", quantiles=[0.2, 0.8]))
    assert np.isfinite(cross_val_score(pipeline, X, ONE, cv=3)).all()
    search = GridSearchCV(regressor(), {"loss": ["gaussian", "huber", "quantile"]}, cv=2)
    assert np.isfinite(search.fit(X, ONE).cv_results_["mean_test_score"]).all()


# ------------------------------------------------------------ as any other

DISTRIBUTIONS = {
    "quantiles": {"loss": "quantile", "quantiles": LEVELS},
    "gaussian": {"loss": "gaussian"},
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_data_and_copies(name):
    parameters = DISTRIBUTIONS[name]
    estimator = regressor(**parameters, dtype="float64").fit(X, Y)
    sparse = clone(estimator).fit(scipy.sparse.csr_array(X), Y)
    np.testing.assert_allclose(sparse.predict(scipy.sparse.csr_array(X)), estimator.predict(X))
    single = regressor(**parameters).fit(X.astype("f4"), Y)
    assert single.predict(X.astype("f4")).dtype == np.float32
    np.testing.assert_allclose(single.predict(X), estimator.predict(X), atol=1e-4)
    other = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, other):
        each.partial_fit(X, Y, WEIGHTS)
    assert estimator.predict(X).tobytes() == other.predict(X).tobytes()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("y", [ONE, TWO], ids=["one", "two"])
def test_steps_are_those_of_the_whole_way(name, y):
    """Plain arrays of one mini-batch take a way of their own, lists do not."""
    estimator, other = (regressor(**DISTRIBUTIONS[name]) for _ in range(2))
    for _ in range(4):
        estimator.partial_fit(X, y)
        other.partial_fit(X, y.tolist())
    assert estimator._steps is not None
    assert other._steps is None
    assert estimator.network_.parameters.tobytes() == other.network_.parameters.tobytes()
    np.testing.assert_allclose(estimator.loss_curve_, other.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_other_solvers(name, solver):
    parameters = DISTRIBUTIONS[name] | {"solver": solver, "max_iter": 200}
    estimator = regressor(**parameters).fit(X, ONE, WEIGHTS)
    assert estimator.score(X, ONE) > 0.2


# They ask that there is one number a sample.
OF_ONE_NUMBER = {
    "check_regressors_train", "check_estimator_sparse_array", "check_estimator_sparse_matrix",
}  # fmt: skip
CHECKED = {
    "gaussian": ({"loss": "gaussian"}, set()),
    "gaussian by the cost": ({"cost": "gaussian"}, set()),
    "huber": ({"loss": "huber"}, set()),
    "absolute_error": ({"loss": "absolute_error"}, set()),
    "a quantile": ({"loss": "quantile"}, set()),
    "quantiles": ({"loss": "quantile", "quantiles": LEVELS}, OF_ONE_NUMBER),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CHECKED)
def test_every_check_of_an_estimator(name):
    parameters, expected = CHECKED[name]
    failed = set()
    checks = estimator_checks_generator(
        MLPRegressor(max_iter=20, learning_rate_init=0.01, **parameters)
    )
    for estimator, check in checks:
        try:
            check(estimator)
        except pytest.skip.Exception:
            pass
        except Exception as error:
            if type(error).__name__ != "SkipTest":
                failed.add(check.func.__name__)
    assert failed == expected
