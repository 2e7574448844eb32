"""Many fits of our estimators at once: all candidates of a search on all folds, on one X."""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from time import perf_counter
from traceback import format_exception
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._validation import _score
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.validation import _check_method_params

from chainrule.checks.at_hand import at_hand
from chainrule.checks.picked_rows import RowsOf
from chainrule.checks.threads import check_threads
from chainrule.sklearn.fits import Fit, network_of
from chainrule.sklearn.perceptron import DTYPES
from chainrule.sweeps.rungs import Choice
from chainrule.sweeps.sweep import Sweep


class Once:
    """A function that is called once: then it has the same answer, or the same error, for all."""

    def __init__(self, function: Callable[[], Any]):
        self._function: Callable[[], Any] | None = function
        self._answer: Any = None
        self._error: Exception | None = None

    def __call__(self) -> Any:
        """Return the answer, or raise."""
        if self._function is not None:
            function, self._function = self._function, None
            try:
                self._answer = function()
            except Exception as error:
                self._error, self._trace = error, error.__traceback__
        if self._error is not None:
            raise self._error.with_traceback(self._trace)
        return self._answer


class Prepared:
    """What a network of a fold learns from, for all candidates that have the same.

    X and y, with what an estimator has noted of them; of a Pipeline, as its steps leave X.

    Parameters
    ----------
    fit : Fit
        The first of them.
    X, y : of the fold
    given : dict
        What `fit` is given beside them.
    whole : array or SparseRows (m, n), or None
        X of all folds, so that none needs a copy.
    """

    def __init__(self, fit: Fit, X: Any, y: Any, given: dict[str, Any], whole: Any):
        self.steps: list[Any] = []
        self.given = given
        if isinstance(fit.estimator, Pipeline):
            caught = Caught(fit.last)
            pipeline = clone(fit.estimator)
            pipeline.steps[-1] = (pipeline.steps[-1][0], caught)
            pipeline.fit(X, y, **given)
            self.steps = pipeline.steps[:-1]
            X, y, self.given = caught.X_, caught.y_, caught.given_
            whole = None
        signature(fit.last.fit).bind(X, y, **self.given)  # raises for what is no argument of it
        first = clone(fit.last)
        before = set(vars(first))
        self.X, self.y = first._validated(X, y, False, True, None)
        self.noted = {name: value for name, value in vars(first).items() if name not in before}
        if whole is not None and whole.dtype == self.X.dtype:
            self.X = RowsOf(whole, fit.train.astype(np.int32))
        else:
            self.X = at_hand("X", self.X)

    def noted_in(self, estimator: Any) -> tuple[Any, Any]:
        """Return X and y, as if `estimator` had looked at them."""
        vars(estimator).update(self.noted)
        return self.X, self.y


class Caught(BaseEstimator):
    """The last step of a Pipeline, which keeps what it would be fitted on."""

    def __init__(self, estimator: Any):
        self.estimator = estimator

    def get_metadata_routing(self) -> Any:
        """Return what the estimator asks for."""
        return self.estimator.get_metadata_routing()

    def fit(self, X: Any, y: Any = None, **given: Any) -> "Caught":
        """Keep it."""
        self.X_, self.y_, self.given_ = X, y, given
        return self


class Folds:
    """The fits of some candidates on all folds.

    Parameters
    ----------
    estimator : Perceptron or Pipeline
    X, y : as `fit` takes them
    splits : list of (train, test)
        Rows.
    given : dict
        What `fit` is given beside them, of all rows.
    error_score : "raise" or float
    threads : int, optional
    shows : bool
        Whether to tell of each that is over.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, splits: Any, given: dict[str, Any],
        error_score: Any, threads: int | None, shows: bool,
    ):  # fmt: skip
        self._estimator, self._X, self._y, self._splits = estimator, X, y, splits
        self._given, self._error_score = given, error_score
        self._cores, self._shows = max(check_threads(threads)), shows
        self._whole, self._is_plain = None, False
        if not isinstance(estimator, Pipeline):
            self._whole, self._is_plain = as_a_whole(X)
        self._prepared: dict[Any, Once] = {}

    def begin(self, candidates: list[dict[str, Any]]) -> list[Fit]:
        """Return the fits of candidates, each on all folds, as far as they come untrained."""
        fits = []
        for parameters in candidates:
            candidate = clone(self._estimator).set_params(**clone(parameters, safe=False))
            check = Once(network_of(candidate)._validate_params)
            for number, (train, _) in enumerate(self._splits):
                fit = Fit(clone(candidate), parameters, train)
                fit.begin(partial(self._prepared_for, number), check)
                self._raise_if_asked(fit)
                fits.append(fit)
        return fits

    def _prepared_for(self, number: int, fit: Fit) -> Prepared:
        """Return what the fold is to this candidate, the same to all with the same steps."""
        key = number, hash_of_steps(fit)
        if key not in self._prepared:
            X, y = self._rows_to_see(fit.train), _safe_indexing(self._y, fit.train)
            given = _check_method_params(self._X, params=self._given, indices=fit.train)
            self._prepared[key] = Once(partial(Prepared, fit, X, y, given, self._whole))
        found: Prepared = self._prepared[key]()
        return found

    def _rows_to_see(self, rows: NDArray[Any]) -> Any:
        """Return rows of X to be looked at; where there is nothing to be seen, one of them often.

        That is no copy. Networks read X itself.
        """
        if self._is_plain:
            return np.broadcast_to(self._X[:1], (len(rows), self._X.shape[1]))
        return _safe_indexing(self._X, rows)

    def train(
        self, fits: list[Fit], rungs: Sequence[int] = (), on_rung: Choice | None = None
    ) -> None:
        """Train the networks of fits, as `fit_many` does."""
        some = [fit for fit in fits if fit.course is not None]
        for fit in some:
            fit.join(threads=max(1, self._cores // len(some)))
            self._raise_if_asked(fit)
        members = [fit.member for fit in some if fit.member is not None]
        if members:
            Sweep(members, self._cores, self._shows, rungs, on_rung).run()
        self.look_at(fits)

    def look_at(self, fits: list[Fit]) -> None:
        """Let those fits end whose training is over."""
        for fit in fits:
            fit.look()
            self._raise_if_asked(fit)

    def _raise_if_asked(self, fit: Fit) -> None:
        if fit.error is not None and self._error_score == "raise":
            raise fit.error

    def score(
        self, fits: list[Fit], scorer: Any, score_params: Any, return_train_score: bool
    ) -> list[dict[str, Any]]:
        """Return what scikit-learn writes down of each fit, all trained, for `cv_results_`."""
        n = len(self._splits)
        how = scorer, score_params, return_train_score
        of_folds = [self._scores_of(number, fits[number::n], *how) for number in range(n)]
        return [each for of_candidate in zip(*of_folds, strict=True) for each in of_candidate]

    def _scores_of(self, number, fits, scorer, score_params, return_train_score):
        """Return the results of the fits of one fold; its rows of X are copied for all of them."""
        train, test = self._splits[number]
        parts = {"test": test, "train": train} if return_train_score else {"test": test}
        data = {part: self._part(rows, score_params) for part, rows in parts.items()}
        return [self._scored(fit, data, scorer) | {"n_test_samples": len(test)} for fit in fits]

    def _part(self, rows: NDArray[Any], score_params: Any) -> tuple[Any, Any, Any]:
        """Return rows of X and y, and of what scorers are given beside them."""
        X, y = (each if each is None else _safe_indexing(each, rows) for each in (self._X, self._y))
        return X, y, _check_method_params(self._X, params=score_params, indices=rows)

    def _scored(self, fit: Fit, data: dict[str, Any], scorer: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"fit_error": None, "fit_time": fit.seconds, "score_time": 0.0}
        if fit.error is not None:
            lines = format_exception(type(fit.error), fit.error, fit.trace)
            found["fit_error"] = "".join(lines)
        else:
            estimator = fit.fitted()
        for part, (X, y, params) in data.items():
            began = perf_counter()
            if fit.error is None:
                scores = _score(estimator, X, y, scorer, params, self._error_score)
            elif isinstance(scorer, _MultimetricScorer):
                scores = dict.fromkeys(scorer._scorers, self._error_score)
            else:
                scores = self._error_score
            found[f"{part}_scores"] = scores
            if part == "test":
                found["score_time"] = perf_counter() - began
        return found


def as_a_whole(X: Any) -> tuple[Any, bool]:
    """Return X as networks read it in place, for all folds; None where that is not possible.

    And whether it is an array of finite numbers, with which no fold can find any fault.
    """
    try:
        checked = check_array(X, accept_sparse="csr", dtype=DTYPES, ensure_all_finite=False)
    except (ValueError, TypeError):  # which each fold is told
        return None, False
    is_plain = isinstance(X, np.ndarray) and checked.dtype == X.dtype
    try:
        assert_all_finite(checked)
    except ValueError:
        is_plain = False
    return at_hand("X", checked), is_plain


def hash_of_steps(fit: Fit) -> str:
    """Return a hash of the parameters of a candidate by which its Pipeline prepares X."""
    if not isinstance(fit.estimator, Pipeline):
        return ""
    last = fit.estimator.steps[-1][0]
    own = {name: value for name, value in fit.parameters.items() if name.split("__")[0] != last}
    return str(joblib.hash(own))
