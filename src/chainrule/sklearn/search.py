"""`SearchCV`: scikit-learn's searches, with all candidates and folds trained together."""

import time
from math import ceil, floor, log
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._search_successive_halving import BaseSuccessiveHalving, _top_k
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from chainrule.sklearn.fits import network_of
from chainrule.sklearn.folds import Folds


class SearchCV(BaseSearchCV):
    """A search over parameters of our estimators, by cross-validation, of all at once.

    What ``sklearn.model_selection.GridSearchCV`` and ``RandomizedSearchCV`` find, to the last bit
    but for the times: all candidates are trained on all folds side by side, as
    `chainrule.fit_many` does, in one process and on one X.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or a Pipeline that ends in one
        The steps before are fitted once a fold for all candidates that have the same parameters of
        these.
    space : dict or list of dict
        Of parameters by name: lists of values, or distributions with ``rvs`` to draw from.
    method : {"grid", "random", "halving"}, default "grid"
        "grid": all combinations. "random": `n_iter` draws. "halving": all combinations, or `n_iter`
        draws where there are distributions, begin together; at each rung, a number of epochs, the
        best 1/factor go on from where they stand, up to the estimator's `max_iter` (Jamieson and
        Talwalkar, 2016); the rungs are those of ``HalvingGridSearchCV`` by `max_iter`.
    n_iter : int, default 10
    factor : float, default 3
    scoring, cv, refit, error_score, return_train_score
        As in ``GridSearchCV``.
    random_state : int or RandomState, optional
        Of the draws.
    verbose : int, default 0
        1: how many fits there are; from 2 on also the progress of training.
    threads : int, optional
        How many in all; by default as many as there are cores.
    n_jobs : int, optional
        In how many parts the candidates go to the workers of joblib's backend, each of which trains
        its part together; by default all are trained here. Not for "halving".

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_,
    refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As of ``GridSearchCV``. With "halving" `cv_results_` has "iter" and "n_resources" (epochs).
    n_candidates_, n_resources_ : list of int
        With "halving": how many candidates each rung had, and how many epochs it went to.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule.sklearn import MLPClassifier, SearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((10,), max_iter=1000, tol=1e-2, random_state=0)
    >>> search = SearchCV(model, {"learning_rate_init": [0.01, 0.03, 0.1]}, cv=3).fit(X, y)
    >>> len(search.cv_results_["params"]), bool(search.best_score_ > 0.9)
    (3, True)
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012 - as scikit-learn has it
        **{k: v for k, v in BaseSearchCV._parameter_constraints.items() if k != "pre_dispatch"},
        "space": [dict, list],
        "method": [StrOptions({"grid", "random", "halving"})],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "random_state": ["random_state"],
        "threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator,
        space,
        *,
        method="grid",
        n_iter=10,
        factor=3,
        scoring=None,
        cv=None,
        refit=True,
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        verbose=0,
        threads=None,
        n_jobs=None,
    ):
        super().__init__(
            estimator, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv, verbose=verbose,
            error_score=error_score, return_train_score=return_train_score,
        )  # fmt: skip
        self.space, self.method, self.n_iter, self.factor = space, method, n_iter, factor
        self.random_state, self.threads = random_state, threads

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
    def fit(self, X, y=None, **params):
        """Train and score all candidates on all folds, and the best one on all of X.

        Parameters
        ----------
        X, y : as the estimator's `fit` takes them
        **params
            As in ``GridSearchCV.fit``: `sample_weight`, `groups` and others.

        Returns
        -------
        SearchCV
            Itself.

        Raises
        ------
        TypeError
            For an estimator that is not ours, before anything is trained.
        ValueError
            As by ``GridSearchCV``, and for callbacks of scikit-learn's.
        """
        network_of(self.estimator)
        if vars(self).get("_skl_callbacks"):  # from scikit-learn 1.9 on
            raise ValueError(
                "SearchCV does not call scikit-learn's callbacks: set_callbacks() takes them off; "
                "give the estimator chainrule's, callbacks=..., or search with GridSearchCV"
            )
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = cv.get_n_splits(X, y, **routed.splitter.split)
        rows = np.arange(X.shape[0] if hasattr(X, "shape") else len(X))
        splits = [
            (rows[train], rows[test]) for train, test in cv.split(X, y, **routed.splitter.split)
        ]
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.n_splits_} splits, got {len(splits)}"
            )
        if not splits:
            raise ValueError("cv must have splits; got none")
        data = {
            "X": X, "y": y, "splits": splits, "given": routed.estimator.fit,
            "error_score": self.error_score, "threads": self.threads, "shows": self.verbose > 1,
        }  # fmt: skip
        how = {
            "scorer": scorers, "score_params": routed.scorer.score,
            "return_train_score": self.return_train_score,
        }  # fmt: skip
        find = self._halved if self.method == "halving" else self._all_of_them
        results, first = find(self._candidates(), data, how)
        self.multimetric_ = isinstance(first, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self._choose(refit_metric, results)
        if self.refit:
            self._fit_the_best(X, y, routed.estimator.fit)
        self.scorer_ = getattr(scorers, "_scorers", scorers)  # of several metrics a dict
        self.cv_results_ = results
        return self

    def _candidates(self):
        """Return the parameters of each."""
        spaces = [self.space] if isinstance(self.space, dict) else self.space
        values = [value for each in spaces if isinstance(each, dict) for value in each.values()]
        draws = any(hasattr(value, "rvs") for value in values)
        if self.method == "grid" or (self.method == "halving" and not draws):
            found = list(ParameterGrid(self.space))
        else:
            found = list(ParameterSampler(self.space, self.n_iter, random_state=self.random_state))
        if not found:
            raise ValueError("space must have candidates; got none")
        return found

    def _all_of_them(self, candidates, data, how):
        """Return the results of all candidates, and the first one's test scores."""
        self._say(len(candidates))
        parts = min(joblib.effective_n_jobs(self.n_jobs), len(candidates))
        if parts == 1:
            out = evaluated(self.estimator, candidates, how, **data)
        else:
            found = Parallel(n_jobs=self.n_jobs)(
                delayed(evaluated)(self.estimator, candidates[i::parts], how, **data)
                for i in range(parts)
            )
            out = [None] * (len(candidates) * self.n_splits_)
            for i, part in enumerate(found):
                for k, result in enumerate(part):
                    own, fold = divmod(k, self.n_splits_)
                    out[(i + own * parts) * self.n_splits_ + fold] = result
        self._check_failures(out)
        return self._format_results(candidates, self.n_splits_, out), out[0]["test_scores"]

    def _halved(self, candidates, data, how):
        """Return the results of all rungs, and the first candidate's test scores."""
        if self.n_jobs not in (None, 1) or isinstance(self.scoring, (list, tuple, dict)):
            raise ValueError('method="halving" is for one metric, and for n_jobs=None')
        estimator = self.estimator
        resource, most = "max_iter", network_of(estimator).max_iter
        if isinstance(estimator, Pipeline):
            resource = f"{estimator.steps[-1][0]}__max_iter"
        if any(resource in each for each in candidates):
            raise ValueError(
                f'method="halving" goes by {resource}; leave it out of space, and set it in the '
                "estimator to the most epochs that any candidate may have"
            )
        rungs = rungs_of(len(candidates), most, self.factor)
        self.n_candidates_, self.n_resources_ = [], rungs
        folds, n = Folds(estimator, **data), self.n_splits_
        fits = folds.begin([{**each, resource: rungs[-1]} for each in candidates])
        parameters, out, more = [], [], {"iter": [], "n_resources": []}

        def score():
            """Score those that are left; return the results so far."""
            rung, count = len(self.n_candidates_), len(fits) // n
            folds.look_at(fits)
            self._say(count)
            parameters.extend({**fit.parameters, resource: rungs[rung]} for fit in fits[::n])
            now = folds.score(fits, **how)
            self._check_failures(now)
            out.extend(now)
            more["iter"] += [rung] * count
            more["n_resources"] += [rungs[rung]] * count
            self.n_candidates_.append(count)
            return self._format_results(parameters, n, out, more)

        def on_rung(nets, _):
            nonlocal fits
            results = score()
            rung, count = len(self.n_candidates_) - 1, len(fits) // n
            now = [id(each) for each in parameters[-count:]]
            best = _top_k(results, ceil(count / self.factor), rung)
            places = [now.index(id(each)) for each in best]
            fits = [fit for i in places for fit in fits[i * n : (i + 1) * n]]
            left = {id(fit.last.network_) for fit in fits if fit.error is None}
            return [i for i, net in enumerate(nets) if id(net) in left]

        folds.train(fits, rungs[:-1], on_rung)
        return score(), out[0]["test_scores"]

    def _check_failures(self, out):
        """Warn of fits that have failed, raise if all have."""
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)

    def _choose(self, metric, results):
        """Choose the best candidate."""
        choose = self._select_best_index
        if self.method == "halving" and not callable(self.refit):
            choose = BaseSuccessiveHalving._select_best_index  # of the last rung
        self.best_index_ = choose(self.refit, metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _fit_the_best(self, X, y, given):
        self.best_estimator_ = clone(self.estimator).set_params(
            **clone(self.best_params_, safe=False)
        )
        began = time.time()
        self.best_estimator_.fit(X, y, **given)
        self.refit_time_ = time.time() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _say(self, candidates):
        if self.verbose > 0:
            n = self.n_splits_
            print(
                f"Fitting {n} folds for each of {candidates} candidates, totalling "
                f"{candidates * n} fits"
            )


def evaluated(estimator: Any, candidates: Any, how: Any, **data: Any) -> list[dict[str, Any]]:
    """Return what becomes of candidates on all folds, as scikit-learn writes it down."""
    folds = Folds(estimator, **data)
    fits = folds.begin(candidates)
    folds.train(fits)
    return folds.score(fits, **how)


def rungs_of(candidates: int, most: int, factor: float) -> list[int]:
    """Return to how many epochs each rung goes: scikit-learn's rule, min_resources="exhaust"."""
    wanted = 1 + floor(log(candidates, factor))
    least = max(1, int(most // factor ** (wanted - 1)))
    possible = 1 + floor(log(most // least, factor))
    return [min(int(factor**rung * least), most) for rung in range(min(wanted, possible))]
