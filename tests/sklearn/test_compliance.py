"""What scikit-learn asks of estimators, and what its own tests ask of its perceptrons."""

import pytest

pytest.importorskip("sklearn")
from sklearn.utils.estimator_checks import estimator_checks_generator

from chainrule.sklearn import MLPClassifier, MLPRegressor
from children import attempt

# What each needs to learn as much as the checks ask for.
SOLVERS = {"adam": 50, "sgd": 200, "lbfgs": 50}
# They set or read solver objects that are private to scikit-learn.
OF_PRIVATE_SOLVERS = (
    "test_fit", "test_gradient", "test_learning_rate_warmstart", "test_adaptive_learning_rate",
    "test_n_iter_no_change", "test_n_iter_no_change_inf",
)  # fmt: skip
IN_ITS_PLACE = """
import sklearn.neural_network as place
from chainrule.sklearn import MLPClassifier, MLPRegressor
place.MLPClassifier, place.MLPRegressor = MLPClassifier, MLPRegressor
"""


ESTIMATORS = [
    estimator(solver=solver, max_iter=max_iter)
    for estimator in (MLPClassifier, MLPRegressor)
    for solver, max_iter in SOLVERS.items()
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [each for estimator in ESTIMATORS for each in estimator_checks_generator(estimator)],
    ids=lambda each: each.func.__name__ if hasattr(each, "func") else repr(each),
)
def test_every_check_of_an_estimator(estimator, check):
    check(estimator)


def test_its_own_tests_of_its_perceptrons(tmp_path):
    (tmp_path / "in_its_place.py").write_text(IN_ITS_PLACE)
    tests = "sklearn.neural_network.tests.test_mlp"
    deselected = [f"--deselect=::{name}" for name in OF_PRIVATE_SOLVERS]
    code = f"""if True:
        import sys; sys.path.insert(0, {str(tmp_path)!r})
        import pytest
        sys.exit(pytest.main(["-q", "-p", "in_its_place", "-p", "no:cacheprovider", "--pyargs",
                              {tests!r}, *{deselected!r}]))
    """
    done = attempt("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert " passed" in done.stdout
