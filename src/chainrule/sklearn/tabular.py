"""What `TabularClassifier` and `TabularRegressor` have in common: parameters, checks, habits."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from chainrule.checks.frames import Frame, is_frame
from chainrule.sklearn.parameters import ABOVE_0, AT_LEAST_1, INSIDE
from chainrule.sklearn.refusals import unless_refused
from chainrule.sklearn.table_file import SavedTable
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.columns import with_names
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation
from chainrule.tables.recipe import METRICS, PRESETS, Recipe, recipe_of
from chainrule.tables.targets import Targets
from chainrule.tables.training import train


def constraints(task: str) -> dict[str, Any]:
    """Return what each parameter may be, of the estimator for classes or for values."""
    return {
        "preset": [StrOptions(set(PRESETS)), Recipe],
        "n_members": [AT_LEAST_1, None],
        "metric": [StrOptions(set(METRICS[task])), None],
        "categorical_features": [StrOptions({"auto"}), "array-like"],
        "validation_fraction": [INSIDE, None],
        "refit": ["boolean"],
        "time_limit": [ABOVE_0, None],
        "random_state": ["random_state"],
        "threads": [AT_LEAST_1, None],
        "progress": ["boolean"],
    }


class Tabular(SavedTable, BaseEstimator):
    """An estimator for tables as they are: `TabularClassifier`, `TabularRegressor`."""

    predictor_: Predictor

    @property
    def preparation_(self) -> Preparation:
        """What makes numbers of a row."""
        return self._fitted("preparation_").preparation

    @property
    def ensemble_(self) -> Ensemble:
        """The networks."""
        return self._fitted("ensemble_").ensemble

    def _fitted(self, name: str) -> Predictor:
        predictor: Predictor | None = vars(self).get("predictor_")
        if predictor is None:
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted")
        return predictor

    def __sklearn_tags__(self) -> Any:
        """Missing values, words and categories are welcome."""
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.non_deterministic = self.time_limit is not None
        return tags

    # ------------------------------------------------------------ training

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        name = getattr(y, "name", None)  # of a series
        with unless_refused(self):
            y, weights = self._checked(X, y, sample_weight)
            targets, weights, options = self._read(y, weights)
            recipe = recipe_of(self.preset, targets.task).of(
                members=self.n_members, metric=self.metric, held_out=self.validation_fraction
            )
            self.predictor_, self.history_ = train(
                recipe, X, targets, sample_weight=weights, categorical=self.categorical_features,
                refit=self.refit, time_limit=self.time_limit, threads=self.threads,
                seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
                progress=self.progress, **options,
            )  # fmt: skip
            self.predictor_.target = name if isinstance(name, str) and name else None
        return self

    def _read(self, y: Any, weights: Any) -> tuple[Targets, Any, dict[str, Any]]:
        """Return targets, the weights of their rows, and what `train` is to know besides."""
        raise NotImplementedError

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Check X as scikit-learn does, but for what its columns hold; return y and weights (m,).

        X itself stays as it was given: the preparation reads it.
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        self._look_at(X, reset=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, ensure_non_negative=True, dtype=np.float64
            )
        return y, sample_weight

    def _look_at(self, X: Any, reset: bool = False) -> None:
        """Note or check how many columns there are, and their names."""
        X = with_names(X)
        if is_frame(X):
            Frame("X", X)  # whose messages name columns
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)

    # ------------------------------------------------------------ answers

    def _ask(self, answer: str, X: Any, **options: Any) -> Any:
        """Return what a method of the predictor answers, if X looks like what was fitted."""
        own = vars(self)
        if "predictor_" not in own:
            check_is_fitted(self)
        predictor: Predictor = own["predictor_"]
        if predictor.preparation.names is not None:
            is_known = is_frame(with_names(X))  # whose names the preparation compares
        else:
            is_known = type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind == "f" and len(X) > 0
            is_known = is_known and X.shape[1] == own["n_features_in_"]
        if not is_known:
            self._look_at(X)
        try:
            return getattr(predictor, answer)(X, **options)
        except ValueError:
            if not is_known or "feature_names_in_" in own:
                self._look_at(X)  # in scikit-learn's words, where it is a matter of names
            raise

    def predict(self, X: Any) -> Any:
        """Return the class, or the value, of each row, (m,).

        Parameters
        ----------
        X : frame or array (m, n_features)
            With the columns of `fit`, in their order.
        """
        return self._ask("predict", X)

    def attributions(self, X: Any, **options: Any) -> Any:
        """Return what each column has added to the answer of each row, (m, n_features).

        Integrated gradients, whose sum over a row is the probability of its class, or its value,
        less that of a row with nothing but medians.

        Parameters
        ----------
        X : frame or array (m, n_features)
        **options
            method, output and tolerance, as of `chainrule.tables.predictor.Predictor.attributions`.
        """
        return self._ask("attributions", X, **options)

    def plot_attributions(self, X: Any, **options: Any) -> Any:
        """Draw the ten columns that have added most to the answers; return matplotlib's axes.

        Parameters
        ----------
        X : frame or array (m, n_features)
        **options
            most and ax, as of `chainrule.tables.predictor.Predictor.plot_attributions`, and those
            of `attributions`.
        """
        return self._ask("plot_attributions", X, **options)
