"""`TabularRegressor`: a value of each row of a table, or quantiles of it."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context

from chainrule.sklearn.tabular import Tabular, constraints
from chainrule.tables.recipe import VALUES
from chainrule.tables.targets import values_of


class TabularRegressor(RegressorMixin, Tabular):
    """Values of the rows of a table as it is: numbers, words, truth values, dates, holes.

    As `TabularClassifier`; values are learned standardised, and the mean of what the networks say
    is the answer.

    Parameters
    ----------
    preset : str or Recipe, default "default"
        "fast", "default" or "best": by what recipe, the longer the better; or "realmlp", that of
        RealMLP-TD-S (arXiv 2407.04491): one network of three layers of 256.
    n_members, categorical_features, validation_fraction, refit, time_limit, random_state, threads,
    progress
        As of `TabularClassifier`.
    metric : "rmse" or "mae", optional
        Of the rows held out, by which the best epoch is chosen; of quantiles it is their cost.
    quantiles : sequence of float, optional
        Levels in 0 < q < 1, from the least to the largest: learn these quantiles of the values, for
        `predict_quantiles`; `predict` returns the one nearest to the median.

    Attributes
    ----------
    predictor_, preparation_, ensemble_, history_, n_features_in_, feature_names_in_
        As of `TabularClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.sklearn import TabularRegressor
    >>> x = np.linspace(0, 1, 60)[:, None]
    >>> table = TabularRegressor(random_state=0).fit(x, 3 * x[:, 0])
    >>> bool(abs(table.predict([[0.5]])[0] - 1.5) < 0.2)
    True
    """

    _parameter_constraints = constraints(VALUES) | {"quantiles": ["array-like", None]}

    def __init__(
        self,
        preset="default",
        *,
        n_members=None,
        metric=None,
        categorical_features="auto",
        quantiles=None,
        validation_fraction=None,
        refit=False,
        time_limit=None,
        random_state=None,
        threads=None,
        progress=False,
    ):
        self.preset = preset
        self.n_members = n_members
        self.metric = metric
        self.categorical_features = categorical_features
        self.quantiles = quantiles
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.time_limit = time_limit
        self.random_state = random_state
        self.threads = threads
        self.progress = progress

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit to rows X and their values y.

        Parameters
        ----------
        X : frame or array (m, n_features)
            As `TabularClassifier.fit` takes it.
        y : numbers (m,)
        sample_weight : array (m,), optional

        Returns
        -------
        TabularRegressor
            Itself.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, by column and row, before anything is trained.
        """
        return self._fit(X, y, sample_weight)

    def _read(self, y, weights):
        levels = None if self.quantiles is None else _levels(self.quantiles)
        return values_of(y), weights, {"levels": levels}

    def predict_quantiles(self, X):
        """Return a value for each level of `quantiles`, (m, levels), in their order."""
        return self._ask("predict_quantiles", X)


def _levels(given: Any) -> tuple[float, ...]:
    levels = np.asarray(given, np.float64)
    inside = levels.ndim == 1 and levels.size and (levels > 0).all() and (levels < 1).all()
    if not inside or (np.diff(levels) <= 0).any():
        raise ValueError(
            "quantiles must be levels between 0 and 1, from the least to the largest, such as "
            f"[0.1, 0.5, 0.9]; got {given!r}"
        )
    return tuple(levels.tolist())
