"""Scikit-learn's checks of estimators with each parameter off its default, for each solver.

Those that fail fail for scikit-learn's own class with the same parameters, and are listed.
"""

from unittest import SkipTest

import pytest

theirs = pytest.importorskip("sklearn.neural_network")
from sklearn.utils import estimator_checks  # noqa: E402

import chainrule as cr  # noqa: E402
import chainrule.sklearn as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def look(net, history):
    """A callback, which can be pickled."""


# What each needs to learn in few epochs as much as the checks ask for.
QUICK = {
    "adam": {"max_iter": 20, "learning_rate_init": 0.05},
    "sgd": {"max_iter": 50, "learning_rate_init": 0.01},
    "lbfgs": {"max_iter": 10},
}
QUICK_CLASSIFIER = QUICK | {"sgd": {"max_iter": 30, "learning_rate_init": 0.05}}
# Others beside it where a parameter has an effect with them alone; a number tells two values apart.
OF_ANY = {
    "hidden_layer_sizes": {"hidden_layer_sizes": (30, 20)},
    "activation": {"activation": "tanh"},
    "activation 2": {"activation": "logistic"},
    "alpha": {"alpha": 0.1},
    "random_state": {"random_state": 3},
    "tol": {"tol": 1e-2},
    "verbose": {"verbose": True},
    "warm_start": {"warm_start": True},
}
OF_STEPS = {
    "batch_size": {"batch_size": 25},
    "shuffle": {"shuffle": False},
    "early_stopping": {"early_stopping": True},
    "validation_fraction": {"early_stopping": True, "validation_fraction": 0.3},
    "n_iter_no_change": {"n_iter_no_change": 2},
}
THEIRS = {
    "adam": OF_ANY | OF_STEPS | {
        "beta_1": {"beta_1": 0.5},
        "beta_2": {"beta_2": 0.9},
        "epsilon": {"epsilon": 1e-3},
    },
    "sgd": OF_ANY | OF_STEPS | {
        "learning_rate": {"learning_rate": "adaptive"},
        "power_t": {"learning_rate": "invscaling", "power_t": 0.1},
        "momentum": {"momentum": 0.5},
        "nesterovs_momentum": {"nesterovs_momentum": False},
    },
    "lbfgs": OF_ANY | {"max_fun": {"max_fun": 40}},
}  # fmt: skip
OURS = {
    "solver": {"solver": cr.RMSprop(0.01)},
    "solver 2": {"solver": cr.LBFGS(), "alpha": 0.1},
    "activation 5": {"activation": ["gelu"]},
    "cost": {"cost": cr.costs.huber(1.0)},
    "init": {"init": "he"},
    "l1": {"l1": 1e-4},
    "l2": {"l2": 1e-3},
    "max_norm": {"max_norm": 3.0},
    "clip_norm": {"clip_norm": 1.0},
    "clip_value": {"clip_value": 0.5},
    "average": {"average": 0.5},
    "dropout": {"dropout": 0.1},
    "dtype": {"dtype": "float64"},
    "keep_optimizer": {"keep_optimizer": True},
    "callbacks": {"callbacks": [look]},
    "progress": {"progress": False},
    "threads": {"threads": 1},
    "max_seconds": {"max_seconds": 100},
}
IDENTITY = {"activation 3": {"activation": "identity"}}
POISSON = {"loss": {"loss": "poisson"}}
OF_ONE = {
    ("MLPClassifier", "adam"): OURS | IDENTITY | {"class_weight": {"class_weight": "balanced"}},
    ("MLPClassifier", "sgd"): IDENTITY,
    ("MLPClassifier", "lbfgs"): IDENTITY,
    ("MLPRegressor", "adam"): OURS | IDENTITY | POISSON | {
        "out_activation": {"out_activation": "leaky_relu", "cost": "quadratic"},
        "quantiles": {"loss": "quantile", "quantiles": 0.4},
    },
    # whose rate has to be small, with which it learns too little
    ("MLPRegressor", "sgd"): {
        "activation 4": {"activation": "identity", "learning_rate_init": 1e-5},
        "loss": {"loss": "poisson", "learning_rate_init": 1e-6},
    },
    ("MLPRegressor", "lbfgs"): IDENTITY | POISSON,
}  # fmt: skip
# Of metrics fit wants validation data; the outputs of a classifier other than its own are no
# probabilities; what is quick is off its default everywhere.
WITHOUT = {
    "MLPClassifier": {"metrics", "out_activation", "max_iter", "learning_rate_init"},
    "MLPRegressor": {"metrics", "max_iter", "learning_rate_init"},
}

WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
HELD_OUT = WEIGHTS | {
    "check_estimators_partial_fit_n_features",
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
}
# {parameter: checks that fail, for scikit-learn's own class too}
FAIL = {
    "MLPClassifier": {
        "warm_start": {
            "check_classifiers_multilabel_representation_invariance",
            "check_supervised_y_2d",
        },
        "early_stopping": HELD_OUT | {
            "check_classifiers_one_label",
            "check_estimators_nan_inf",
            "check_fit2d_1feature",
        },
    },
    "MLPRegressor": {
        "warm_start": {"check_supervised_y_2d"},
        "activation 4": {"check_regressors_train"},
        "loss": {"check_regressors_train"},
        "early_stopping": HELD_OUT | {
            "check_estimators_nan_inf",
            "check_fit2d_1feature",
            "check_regressors_no_decision_function",
        },
    },
}  # fmt: skip
for of_one in FAIL.values():
    of_one |= {"batch_size": WEIGHTS, "validation_fraction": HELD_OUT, "power_t": WEIGHTS}
# What is dropped goes by the place of a sample, so that one that counts twice is not two;
# "balanced" counts samples, whatever their weights, and of one class each.
FAIL_FOR_OURS = {
    "dropout": WEIGHTS,
    "class_weight": WEIGHTS | {
        "check_classifiers_multilabel_representation_invariance",
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
        "check_classifiers_multilabel_output_format_decision_function",
    },
}  # fmt: skip

CASES = [
    (name, solver, parameter, {"solver": solver} | quick[solver] | setting)
    for name, quick in (("MLPClassifier", QUICK_CLASSIFIER), ("MLPRegressor", QUICK))
    for solver in QUICK
    for parameter, setting in (THEIRS[solver] | OF_ONE[name, solver]).items()
]
LISTED = [case for case in CASES if case[2] in FAIL[case[0]]]


@pytest.fixture(autouse=True)
def data_as_they_were(monkeypatch):
    """Of all checks together, which before scikit-learn 1.8 make them positive for good."""
    monkeypatch.setattr(estimator_checks, "REGRESSION_DATASET", None)


def names(cases):
    return ["-".join(case[:3]) for case in cases]


def checks_that_fail(estimator, of=None):
    """Return {name of a check: what it raises} of those that fail, `of` these alone if given."""
    failed = {}
    for each, check in estimator_checks.estimator_checks_generator(estimator):
        name = check.func.__name__
        if of is None or name in of:
            try:
                check(each)
            except SkipTest:
                pass
            except Exception as error:
                failed[name] = error
    return failed


@pytest.mark.parametrize(("name", "solver", "parameter", "setting"), CASES, ids=names(CASES))
def test_a_parameter_off_its_default(name, solver, parameter, setting):
    failed = checks_that_fail(getattr(ours, name)(**setting))
    allowed = FAIL[name].get(parameter, set()) | FAIL_FOR_OURS.get(parameter, set())
    assert not {check: error for check, error in failed.items() if check not in allowed}


@pytest.mark.parametrize(("name", "solver", "parameter", "setting"), LISTED, ids=names(LISTED))
def test_what_fails_fails_for_scikit_learns_own(name, solver, parameter, setting):
    """Of a class of the same name, since for its own the checks know settings that pass."""
    own = getattr(theirs, name)
    derived = type(name, (own,), {"__init__": own.__init__})
    assert (
        checks_that_fail(derived(**setting), FAIL[name][parameter]).keys() == FAIL[name][parameter]
    )


@pytest.mark.parametrize("name", FAIL)
def test_no_parameter_is_left_out(name):
    of_all = {parameter.partition(" ")[0] for of, _, parameter, _ in CASES if of == name}
    estimator = getattr(ours, name)
    assert of_all | WITHOUT[name] == set(estimator().get_params())
    assert not of_all & WITHOUT[name]
    defaults = estimator().get_params()
    for _, _, parameter, setting in (case for case in CASES if case[0] == name):
        changed = parameter.partition(" ")[0]
        assert setting[changed] is not defaults[changed]
