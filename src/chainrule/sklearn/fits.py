"""The fit of one candidate on one fold: what comes before its training, and what after it."""

import copy
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from chainrule.checks.picked_rows import RowsOf
from chainrule.sklearn.fitting import Task, answered, settle
from chainrule.sklearn.perceptron import Perceptron
from chainrule.sweeps.sweep import Member
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.fit import prepare


def network_of(estimator: Any) -> Perceptron:
    """Return the estimator that has the network: itself, or the last step of a Pipeline.

    Raises
    ------
    TypeError
        For any that is not ours.
    """
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, Perceptron):
        raise TypeError(
            "SearchCV is for chainrule.sklearn's MLPClassifier and MLPRegressor, or a Pipeline "
            f"whose last step is one; got {type(estimator).__name__}"
            + (f" whose last step is a {type(last).__name__}" if last is not estimator else "")
            + ". For others there is scikit-learn's GridSearchCV"
        )
    return last


class Fit:
    """The fit of one candidate on one fold.

    Attributes
    ----------
    parameters : dict
    estimator : Perceptron or Pipeline
        With these parameters, not fitted before it is over.
    train : ndarray of int
        The rows of the fold to train on.
    task : Task
        What the network is to be trained on, where it has come to that.
    member : Member, or None
        Its training.
    error : Exception, or None
        What has ended it.
    """

    task: Task
    trace: TracebackType | None = None  # of the error, which grows when that is raised again

    def __init__(self, estimator: Any, parameters: dict[str, Any], train: NDArray[Any]):
        self.estimator, self.parameters, self.train = estimator, parameters, train
        self.last = network_of(self.estimator)
        self.course: Any = None  # a Course, until the fit is over
        self.member: Member | None = None
        self.error: Exception | None = None
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """Spent so far, but for what comes after training."""
        trained = self.member.training.history.seconds.sum() if self.member else 0.0
        return self._seconds + float(trained)

    def begin(self, prepared_for: Callable[["Fit"], Any], check: Callable[[], Any]) -> None:
        """Do all that comes before training.

        prepared_for : function of a Fit that returns the Prepared of its fold
        check : function that raises for parameters that are not allowed
        """
        began = perf_counter()
        try:
            prepared = prepared_for(self)
            check()
            if isinstance(self.estimator, Pipeline):
                self.estimator.steps = [*prepared.steps, self.estimator.steps[-1]]
            given = {"sample_weight": None, "validation_data": None, **prepared.given}
            self.course = self.last._course(None, None, checked=prepared, **given)
            self.task = next(self.course)
        except Exception as error:
            self._fail(error)
        self._seconds = perf_counter() - began

    def join(self, threads: int) -> None:
        """Become a member of a sweep, with the training that is asked for."""
        net, X, y, options = on_the_whole(self.task)
        given: Any = {name: value for name, value in options.items() if name != "progress"}
        try:
            self.member = Member(net, prepare(net, X, y, {**given, "threads": threads}))
        except Exception as error:
            self._end(error)

    def look(self) -> None:
        """See whether the training is over, and let the fit end with it."""
        member = self.member
        if self.course is not None and member is not None and member.is_over:
            self._end(member.error or member.training.history)

    def _end(self, answer: Any) -> None:
        course, self.course = self.course, None
        try:
            answered(course, answer)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.course, self.error, self.trace = None, error, error.__traceback__

    def fitted(self) -> Any:
        """Return the estimator, or as long as its training is not over a copy as it stands."""
        if self.course is None:
            return self.estimator
        last = copy.copy(self.last)
        last.network_ = last.network_.copy()
        settle(last)
        for callback in last._given_callbacks():
            if isinstance(callback, EarlyStopping) and callback.best_parameters is not None:
                callback.restore(last.network_)
        if not isinstance(self.estimator, Pipeline):
            return last
        whole = copy.copy(self.estimator)
        whole.steps = [*whole.steps[:-1], (whole.steps[-1][0], last)]
        return whole


def on_the_whole(task: Task) -> Task:
    """Return a task on rows of X as one on all of X, with `rows`."""
    net, X, y, options = task
    if not isinstance(X, RowsOf):
        return task

    def spread(given: Any) -> NDArray[Any]:
        at_all = np.zeros((X.of.shape[0], *given.shape[1:]), given.dtype)
        at_all[X.rows] = given
        return at_all

    rows, weights = options.get("rows"), options["sample_weight"]
    own = {
        "rows": X.rows if rows is None else X.rows[rows],
        "sample_weight": None if weights is None else spread(weights),
    }
    return Task(net, X.of, spread(y), options | own)
