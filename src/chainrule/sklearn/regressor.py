"""`MLPRegressor`: numbers."""

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule.costs import COSTS, gaussian, quantile
from chainrule.sklearn.classifier import has_steps
from chainrule.sklearn.parameters import CONSTRAINTS, INSIDE
from chainrule.sklearn.perceptron import DTYPES, Perceptron

# loss: (scikit-learn's word for the output, ours, the cost)
LOSSES = {
    "squared_error": ("identity", "identity", "quadratic"),
    "poisson": ("exp", "exponential", "poisson"),
    # and such as scikit-learn has not
    "absolute_error": ("identity", "identity", "absolute_error"),
    "huber": ("identity", "identity", "huber"),
    "quantile": ("identity", "identity", "quantile"),
    "gaussian": ("identity", "identity", "gaussian"),
}


class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron for numbers, with the interface of scikit-learn's.

    All parameters, attributes and methods of ``sklearn.neural_network.MLPRegressor`` are there,
    with its defaults, and from the same `random_state` it comes to the same parameters but for
    rounding. Beyond these:

    Parameters
    ----------
    loss : str, default "squared_error"
        "poisson" likewise; "absolute_error", "huber"; "quantile", for `quantiles` in the place of
        means; "gaussian", for a mean and a standard deviation of each target, which
        ``predict(X, return_std=True)`` returns. `cost` comes to the same with such an object.
    quantiles : float or sequence of float, default 0.5
        Of loss="quantile": which, each between 0 and 1.
    hidden_layer_sizes, activation, solver, ..., max_fun
        As scikit-learn's. `activation` may also be any of `chainrule.activations`, or one for each
        hidden layer; `solver` any optimiser of chainrule, with its schedule, "lbfgs" is
        `chainrule.LBFGS`. `alpha` is `fit`'s l2_of_batch: α/(2Σw)·Σ‖W‖² of a mini-batch.
    cost, out_activation : str or object, optional
        In the place of scikit-learn's: any of `chainrule.costs` and `chainrule.activations`.
    init : str or callable, optional
        In the place of scikit-learn's uniform draws: any of `chainrule.INITIALIZERS`, or a function
        of (rng, n_in, n_out) that returns W (n_out, n_in) and b (n_out,).
    l1, l2, max_norm, clip_norm, clip_value, dropout, metrics, progress, threads, max_seconds
        As options of `chainrule.Network.fit`; off if not given.
    average : float, optional
        Likewise; the network then has the moving average of its parameters.
    dtype : dtype, optional
        Of the network: that of X where it is float32, else float64.
    keep_optimizer : bool, default False
        With warm_start: go on with the optimiser's state too.
    callbacks : callback, or list of callbacks, optional
        As `chainrule.Network.fit` takes them.

    Attributes
    ----------
    network_ : chainrule.Network
        The network.
    coefs_, intercepts_ : list of ndarray
        Of each layer the weights (n_in, n_out) and biases (n_out,): writable views into it.
    loss_, loss_curve_, best_loss_ : float, list of float, float
        The loss of the last epoch, of each, and the least; none of full-batch solvers but `loss_`.
    validation_scores_, best_validation_score_ : list of float, float
        With early_stopping, else None; `best_loss_` is None with it.
    n_iter_, t_ : int
        Epochs of the last fit, and samples seen in all.
    has_stopped_ : bool
        Whether early stopping has ended a series of `partial_fit`.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As scikit-learn's.
    n_outputs_ : int
        The number of targets. The network has an output for each quantile of each, or two for mean
        and ln(variance).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from chainrule.sklearn import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = MLPRegressor("huber", (20,), learning_rate_init=0.01, tol=0.1, random_state=0)
    >>> model = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> model.score(X, y) > 0.4, model.predict(X[:3]).shape
    (True, (3,))
    """

    _parameter_constraints = CONSTRAINTS | {
        "loss": [StrOptions(set(LOSSES))],
        "quantiles": [INSIDE, "array-like"],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        quantiles=0.5,
        cost=None,
        out_activation=None,
        init=None,
        l1=None,
        l2=None,
        max_norm=None,
        clip_norm=None,
        clip_value=None,
        average=None,
        dropout=None,
        dtype=None,
        keep_optimizer=False,
        callbacks=None,
        metrics=None,
        progress=None,
        threads=None,
        max_seconds=None,
    ):
        self._keep(locals())

    # ------------------------------------------------------------ training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, validation_data=None):
        """Fit the network to X and numbers y.

        Parameters
        ----------
        X : array, sparse matrix or frame (m, n_features)
        y : array (m,) or (m, n_outputs)
        sample_weight : array (m,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Evaluated after each epoch, for ``network_.history`` and callbacks; with early_stopping
            the score is of these, and nothing is held out of X.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(has_steps)
    def partial_fit(self, X, y, sample_weight=None, *, validation_data=None):
        """Go once through the given data, in mini-batches.

        Parameters
        ----------
        X, y, sample_weight, validation_data
            As for `fit`. With early_stopping each call ends with a score, of `validation_data` or
            of what is held out of X; where it has not become better for more than n_iter_no_change
            calls, ``has_stopped_`` is true, the best parameters are there again, and further calls
            change nothing.

        Returns
        -------
        MLPRegressor
            Itself.
        """
        if sample_weight is None and validation_data is None and self._step(X, y):
            return self
        return self._partial_fit(X, y, sample_weight, validation_data)

    @_fit_context(prefer_skip_nested_validation=True)
    def _partial_fit(self, X, y, sample_weight, validation_data):
        return self._fit(X, y, sample_weight, validation_data, True)

    def _validated(self, X, y, incremental, reset, classes):
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=DTYPES, reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y.reshape(len(y), -1)

    def _encoded(self, y):
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        return y.reshape(len(y), -1)

    def _formulas(self):
        name, output, cost = LOSSES[self.loss]
        if cost == "quantile":
            cost = quantile(self.quantiles)
        return name, self.out_activation or output, self.cost or cost

    def _width(self, y):
        cost = self._formulas()[2]
        cost = COSTS[cost]() if isinstance(cost, str) else cost
        return y.shape[1] * getattr(cost, "outputs_per_target", 1)

    def _targets(self, y):
        return y

    def _targets_at_hand(self, y):
        """Return the targets of plain numbers; None where they want a closer look."""
        if y.dtype.char not in "fd" or y.ndim not in (1, 2):
            return None
        y = y[:, None] if y.ndim == 1 else y if y.shape[1] > 1 else None
        return y if y is not None and y.shape[1] == self.n_outputs_ else None

    def _strata(self, y):
        return None

    def _offsets(self, y):
        if self.loss != "poisson" or self.cost is not None:
            return None
        return (xlogy(y, y) - y).sum(axis=1)  # the deviance is counted from y

    def _divisor(self):
        """Squares are a mean over outputs there, though their gradient is of the sum."""
        is_mean = self.loss == "squared_error" and self.cost is None
        return self.n_outputs_ if is_mean else 1

    def _scorer(self, X, y, weights, rows=None):
        def score(net):
            outputs = self._outputs_at(net, X, rows)
            return self._score_of(outputs, y, weights) if np.isfinite(outputs).all() else np.nan

        return score

    def _class_weight(self):
        return None

    # ------------------------------------------------------------ answers

    def predict(self, X, return_std=False):
        """Return the numbers for samples X.

        Parameters
        ----------
        X : array, sparse matrix or frame (m, n_features)
        return_std : bool, default False
            Whether to return standard deviations too; for the gaussian cost.

        Returns
        -------
        values : ndarray (m,), or (m, n_outputs) for several targets
            Of the gaussian cost the means. Of several quantiles (m, quantiles), for several targets
            (m, n_outputs, quantiles), in their order.
        std : ndarray like values
            With return_std alone.

        Raises
        ------
        ValueError
            For return_std where the network has learned no deviations.
        """
        outputs, n = self._outputs(X), self.n_outputs_
        is_gaussian = isinstance(self.network_._cost, gaussian)
        if return_std and not is_gaussian:
            raise ValueError(
                "return_std=True is for an estimator with loss='gaussian', or the gaussian cost; "
                f"this one has learned by {self.network_.cost!r}"
            )
        if outputs.shape[1] == n:
            return outputs[:, 0] if n == 1 else outputs
        values = self._parts(outputs)
        if n == 1:
            values = values[:, 0]
        if not is_gaussian:
            return values
        mean, std = values[..., 0], np.exp(values[..., 1] / 2)
        return (mean, std) if return_std else mean

    def _parts(self, outputs):
        """Return outputs by targets, (m, n_outputs, k): quantiles, or mean and ln(variance)."""
        m, n = len(outputs), self.n_outputs_
        if isinstance(self.network_._cost, gaussian):
            return outputs.reshape(m, 2, n).swapaxes(1, 2)
        return outputs.reshape(m, n, -1)

    def score(self, X, y, sample_weight=None):
        """Return R² of the predictions: of means; of quantiles that of the median.

        Without the median it is D² of the pinball loss, `sklearn.metrics.d2_pinball_score`, its
        mean over the quantiles: 1 at best as R², 0 for the quantiles of y whatever X.

        Parameters
        ----------
        X : array, sparse matrix or frame (m, n_features)
        y : array (m,) or (m, n_outputs)
        sample_weight : array (m,), optional

        Returns
        -------
        float
        """
        if "network_" not in vars(self) or not isinstance(self.network_._cost, quantile):
            return super().score(X, y, sample_weight)
        return self._score_of(self._outputs(X), np.asarray(y).reshape(len(y), -1), sample_weight)

    def _score_of(self, outputs, y, weights):
        """Return the score of outputs (m, n_L) on targets y (m, n_outputs)."""
        parts, cost = self._parts(outputs), self.network_._cost
        levels = cost.levels if isinstance(cost, quantile) else (0.5,)
        if 0.5 in levels:
            return float(r2_score(y, parts[..., levels.index(0.5)], sample_weight=weights))
        scores = [
            d2_pinball_score(y, parts[..., i], sample_weight=weights, alpha=level)
            for i, level in enumerate(levels)
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self):
        """Say of counts that they are not below 0."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson" and self.cost is None
        return tags
