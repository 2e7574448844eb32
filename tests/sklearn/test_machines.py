"""Searches by the workers of joblib's backends: Dask, Ray; the numbers are those of one process."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
import joblib
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule.sklearn import MLPClassifier, SearchCV

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::DeprecationWarning"
)

X, LABELS = make_classification(400, 20, random_state=0)
NETWORK = MLPClassifier((5,), max_iter=3, random_state=0)
SPACE = {"alpha": [1e-4, 1.0], "learning_rate_init": [0.001, 0.1, 1.0], "solver": ["adam", "lbfgs"]}
SEARCHES = [GridSearchCV, SearchCV]


def results(search, *data):
    """Return all of `cv_results_` but the times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = search.fit(*data).cv_results_
    return {name: values for name, values in found.items() if "_time" not in name}


def assert_same_as_here(kind, estimator=NETWORK, space=SPACE):
    elsewhere = results(kind(estimator, space, cv=3), X, LABELS)
    np.testing.assert_equal(elsewhere, here(kind(estimator, space, cv=3)))


def here(search):
    """Return the results of a search in this process alone."""
    with joblib.parallel_config("sequential"):
        return results(search, X, LABELS)


class Sent:
    """X, which counts how often it is pickled in this process."""

    pickled = 0

    def __init__(self, X):
        self.X, self.shape, self.dtype, self.ndim = X, X.shape, X.dtype, X.ndim

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.X, dtype)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, rows):
        return self.X[rows]

    def __sizeof__(self):
        return self.X.nbytes

    def __reduce__(self):
        Sent.pickled += 1
        return np.asarray, (self.X,)


@pytest.fixture(scope="module")
def dask():
    """Two worker processes of Dask."""
    distributed = pytest.importorskip("distributed", reason="pip install distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        yield


@pytest.fixture(scope="module")
def ray():
    """Two workers of Ray."""
    found = pytest.importorskip("ray", reason="pip install ray")
    joblib_of_ray = pytest.importorskip("ray.util.joblib")
    found.init(num_cpus=2, include_dashboard=False, logging_level="error")
    joblib_of_ray.register_ray()
    with joblib.parallel_config("ray", n_jobs=2):
        yield
    found.shutdown()


@pytest.mark.parametrize("kind", SEARCHES)
def test_the_workers_of_dask(dask, kind):
    assert joblib.effective_n_jobs() == 2
    assert_same_as_here(kind)


def test_a_pipeline_by_the_workers_of_dask(dask):
    pipeline = make_pipeline(StandardScaler(), NETWORK)
    assert_same_as_here(SearchCV, pipeline, {"mlpclassifier__alpha": [0.0, 0.1, 1.0]})


@pytest.mark.parametrize("kind", SEARCHES)
def test_dask_is_sent_the_data_once_for_each_worker(dask, kind):
    Sent.pickled = 0
    results(kind(NETWORK, SPACE, cv=3, refit=False), Sent(X), LABELS)
    assert 1 <= Sent.pickled <= 2  # there are 36 fits


def test_more_workers_than_candidates(dask):
    assert_same_as_here(SearchCV, space={"alpha": [0.1]})


@pytest.mark.parametrize("kind", SEARCHES)
def test_the_workers_of_ray(ray, kind):
    assert_same_as_here(kind)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_backends_of_joblib(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        assert_same_as_here(SearchCV)


def test_jobs_that_are_asked_for():
    with joblib.parallel_config("threading"):
        parts = results(SearchCV(NETWORK, SPACE, cv=3, n_jobs=5), X, LABELS)
    np.testing.assert_equal(parts, here(SearchCV(NETWORK, SPACE, cv=3)))
