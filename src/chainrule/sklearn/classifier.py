"""`MLPClassifier`: labels, probabilities."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import validate_data

from chainrule.sklearn.parameters import CONSTRAINTS
from chainrule.sklearn.perceptron import DTYPES, Perceptron


def has_steps(estimator: Perceptron) -> bool:
    """Raise AttributeError, so that there is no partial_fit, for a solver of all samples."""
    if not estimator._is_stochastic():
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron for classes, with the interface of scikit-learn's.

    All parameters, attributes and methods of ``sklearn.neural_network.MLPClassifier`` are there,
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
        In the place of scikit-learn's uniform draws: any of `chainrule.INITIALIZERS`, or a function
        of (rng, n_in, n_out) that returns W (n_out, n_in) and b (n_out,).
    l1, l2, max_norm, clip_norm, clip_value, dropout, metrics, progress, threads, max_seconds
        As options of `chainrule.Network.fit`; off if not given.
    average : float, optional
        Likewise; the network then has the moving average of its parameters.
    class_weight : dict of label to float, or "balanced", optional
        How much the samples of each class count; not for several labels a sample.
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
    classes_ : ndarray
        The classes, sorted.
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

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule.sklearn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), solver="lbfgs", random_state=0, max_iter=2000).fit(X, y)
    >>> model.score(X, y) > 0.95, model.predict_proba(X).shape
    (True, (150, 3))
    """

    _parameter_constraints = CONSTRAINTS | {"class_weight": [dict, StrOptions({"balanced"}), None]}

    def __init__(
        self,
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
        class_weight=None,
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
        """Fit the network to X and labels y.

        Parameters
        ----------
        X : array, sparse matrix or frame (m, n_features)
        y : labels (m,), or rows of 0 and 1 (m, n_outputs) for several labels a sample
        sample_weight : array (m,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Evaluated after each epoch, for ``network_.history`` and callbacks; with early_stopping
            the score is of these, and nothing is held out of X.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(has_steps)
    def partial_fit(self, X, y, sample_weight=None, classes=None, *, validation_data=None):
        """Go once through the given data, in mini-batches.

        Parameters
        ----------
        X, y, sample_weight, validation_data
            As for `fit`. With early_stopping each call ends with a score, of `validation_data` or
            of what is held out of X; where it has not become better for more than n_iter_no_change
            calls, ``has_stopped_`` is true, the best parameters are there again, and further calls
            change nothing.
        classes : labels, needed in the first call
            All that may come.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        is_known = classes is None or (
            "classes_" in vars(self) and np.array_equal(classes, self.classes_)
        )
        plain = sample_weight is None and validation_data is None and is_known
        if plain and self._step(X, y):
            return self
        return self._partial_fit(X, y, sample_weight, classes, validation_data)

    @_fit_context(prefer_skip_nested_validation=True)
    def _partial_fit(self, X, y, sample_weight, classes, validation_data):
        return self._fit(X, y, sample_weight, validation_data, True, classes)

    def _validated(self, X, y, incremental, reset, classes):
        if incremental and _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            is_multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer.fit(y if is_multilabel else classes)
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=DTYPES, reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif not self.warm_start:
            self._known(y)
        else:
            classes = unique_labels(y)
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        # (m, k) of truth values, (m, 1) for two classes
        return X, self._encoded(y)

    def _known(self, y):
        """Raise for classes of y that were not there before."""
        classes = unique_labels(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _encoded(self, y):
        return self._label_binarizer.transform(y).astype(bool)

    def _formulas(self):
        """Return the output's name in scikit-learn, the output and the cost."""
        if self._label_binarizer.y_type_ == "multiclass":
            return "softmax", self.out_activation or "softmax", self.cost or "log_likelihood"
        return "logistic", self.out_activation or "sigmoid", self.cost or "cross_entropy"

    def _targets(self, y):
        """Return what the network learns: numbers of classes, or rows of 0 and 1."""
        if self._label_binarizer.y_type_ == "multiclass":
            return y.argmax(axis=1)
        return y.astype(self.network_.dtype)

    def _targets_at_hand(self, y):
        """Return the targets of plain labels; None where they want a closer look."""
        classes, kind = self.classes_, self._label_binarizer.y_type_
        if y.ndim != 1 or y.dtype != classes.dtype or y.dtype.kind == "O":
            return None
        numbers = classes.searchsorted(y)
        if not (classes.take(numbers, mode="clip") == y).all():
            return None
        return numbers if kind == "multiclass" else numbers.astype(self.network_.dtype)

    def _strata(self, y):
        return y if self.n_outputs_ == 1 else None

    def _scorer(self, X, y, weights, rows=None):
        truth = self._numbers(y)

        def score(net):
            right = self._numbers_of(self._outputs_at(net, X, rows)) == truth
            if right.ndim == 2:
                right = right.all(axis=1)
            return float(np.average(right, weights=weights))

        return score

    def _numbers(self, y):
        if self._label_binarizer.y_type_ == "multiclass":
            return y.argmax(axis=1)
        return y[:, 0] if y.shape[1] == 1 else y

    def _numbers_of(self, outputs):
        """Return the number of the class of each row, or of several labels truth values."""
        if self._label_binarizer.y_type_ == "multiclass":
            return outputs.argmax(axis=1)
        above = outputs > 0.5
        if above.shape[1] > 1:
            return above
        return above[:, 0] & (len(self.classes_) > 1)  # where all y are of one class, it is that

    def _class_weight(self):
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        numbers = {label: i for i, label in enumerate(self.classes_.tolist())}
        if unknown := [label for label in self.class_weight if label not in numbers]:
            raise ValueError(
                f"each class of class_weight must be one of {self.classes_}; got {unknown[0]!r}"
            )
        return {numbers[label]: weight for label, weight in self.class_weight.items()}

    # ------------------------------------------------------------ answers

    def predict(self, X):
        """Return the class of each sample, or rows of 0 and 1 for several labels."""
        outputs = self._outputs(X)
        numbers = self._numbers_of(outputs)
        if numbers.ndim == 2:
            return numbers.astype(int)
        return self.classes_.take(numbers.astype(int, copy=False))

    def predict_proba(self, X):
        """Return the probability of each class, (m, n_classes)."""
        p = self._outputs(X)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def predict_log_proba(self, X):
        """Return its logarithm."""
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        """Several labels a sample are possible."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
