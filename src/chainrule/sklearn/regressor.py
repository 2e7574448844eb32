"""`MLPRegressor`: numbers."""

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule.sklearn.classifier import has_steps
from chainrule.sklearn.parameters import CONSTRAINTS
from chainrule.sklearn.perceptron import DTYPES, Perceptron

# loss: (scikit-learn's word for the output, ours, the cost)
LOSSES = {
    "squared_error": ("identity", "identity", "quadratic"),
    "poisson": ("exp", "exponential", "poisson"),
}


class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron for numbers, with the interface of scikit-learn's.

    All parameters, attributes and methods of ``sklearn.neural_network.MLPRegressor`` are there,
    with its defaults, and from the same `random_state` it comes to the same parameters but for
    rounding. Beyond these:

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, ..., max_fun
        As scikit-learn's. `activation` may also be any of `chainrule.activations`, or one for each
        hidden layer; `solver` any optimiser of chainrule, with its schedule, "lbfgs" is
        `chainrule.LBFGS`. `alpha` is `fit`'s l2_of_batch: α/(2Σw)·Σ‖W‖² of a mini-batch.
    cost, out_activation : str or object, optional
        In the place of scikit-learn's: any of `chainrule.costs` and `chainrule.activations`.
    init : str or callable, optional
        In the place of scikit-learn's uniform draws: any of `chainrule.INITIALIZERS`.
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
        The network. `coefs_` and `intercepts_` are writable views into it.
    """

    _parameter_constraints = CONSTRAINTS | {"loss": [StrOptions(set(LOSSES))]}

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
            Evaluated after each epoch, for ``network_.history`` and callbacks.

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
        return name, self.out_activation or output, self.cost or cost

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
            predicted = self._outputs_at(net, X, rows)
            if not np.isfinite(predicted).all():
                return np.nan
            return float(r2_score(y, predicted, sample_weight=weights))

        return score

    def _class_weight(self):
        return None

    # ------------------------------------------------------------ answers

    def predict(self, X):
        """Return the numbers, (m,) or (m, n_outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def __sklearn_tags__(self):
        """Say of counts that they are not below 0."""
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson" and self.cost is None
        return tags
