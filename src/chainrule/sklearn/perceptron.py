"""What the two estimators have in common: a network, trained by scikit-learn's rules."""

import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from chainrule.network import Network
from chainrule.optimizers import SGD, Adam
from chainrule.sklearn.draws import Draws
from chainrule.sklearn.fitting import descend, minimise, trained_alone
from chainrule.sklearn.model_file import OF_STEPS, Saved
from chainrule.sklearn.parameters import (
    CONSTRAINTS,
    OF_FIT,
    check_unchanged,
    hidden_sizes,
    made_of,
)
from chainrule.sklearn.refusals import unless_refused
from chainrule.sklearn.steps import Steps
from chainrule.sklearn.stopping import Rate
from chainrule.sklearn.views import Views, write
from chainrule.training.callbacks import Callbacks
from chainrule.training.full_batch.cost import FullBatchOptimizer

# What X may be of, as the core reads it; all else becomes float64.
DTYPES = (np.float64, np.float32, np.uint8, np.int16, np.uint16, np.int32, np.int64)
ACTIVATIONS = {"logistic": "sigmoid"}  # of scikit-learn, where another word is ours
NUMBERS_AT_ONCE = 2**20  # of X, in a copy


class Perceptron(Saved, BaseEstimator):
    """A multi-layer perceptron with scikit-learn's parameters: `MLPClassifier`, `MLPRegressor`."""

    _parameter_constraints = CONSTRAINTS

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep the arguments of `__init__` as they are, as scikit-learn wants it."""
        self.__dict__.update((name, value) for name, value in given.items() if name != "self")

    @classmethod
    @cache  # clones, searches and checks ask for them again and again
    def _get_param_names(cls) -> list[str]:
        names: list[str] = super()._get_param_names()
        return names

    # ------------------------------------------------------------ what is fitted

    @property
    def coefs_(self) -> Views:
        """The weights of each layer, (n_in, n_out): writable views into `network_`."""
        return Views("coefs_", [W.T for W in self._fitted("coefs_").weights])

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        write("coefs_", self.coefs_, values)

    @property
    def intercepts_(self) -> Views:
        """The biases of each layer, (n_out,): writable views into `network_`."""
        return Views("intercepts_", self._fitted("intercepts_").biases)

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        write("intercepts_", self.intercepts_, values)

    def _fitted(self, name: str) -> Network:
        net: Network | None = vars(self).get("network_")
        if net is None:
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted")
        return net

    def __getstate__(self) -> dict[str, Any]:
        """All but what `partial_fit` makes anew."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_steps", None)
        return state

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ------------------------------------------------------------ training

    def _step(self, X: Any, y: Any) -> bool:
        """Whether a `partial_fit` was a step and nothing else, which is done then."""
        if "_rate" not in vars(self) or not self._is_plain(X):
            return False
        steps = vars(self).get("_steps")
        if steps is None:
            self._validate_params()
            check_unchanged(self)
            if Steps.suit(self):
                steps = self._steps = Steps(self)
        return steps is not None and steps.take(X, y)

    def _fit(self, *given: Any) -> Any:
        return trained_alone(self._course(*given))

    def _course(
        self, X, y, sample_weight, validation_data, incremental=False, classes=None, checked=None
    ):
        """Go through a fit; yield what the network is to be trained on, and be sent its history.

        checked : Prepared, optional
            X and y, of which a closer look has been taken already.
        """
        hidden = hidden_sizes(self)
        is_first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        with unless_refused(self) as begun:
            if checked is None:
                X, y = self._validated(X, y, incremental, is_first, classes)
            else:
                X, y = checked.noted_in(self)
            if sample_weight is not None:
                sample_weight = _check_sample_weight(sample_weight, y)
            validation = self._validation(validation_data)
            self._steps: Steps | None = None
            draws = Draws(check_random_state(self.random_state))
            if is_first:
                self._begin(draws, [X.shape[1], *hidden, self._width(y)], X.dtype)
            check_unchanged(self)
            if self._is_stochastic():
                yield from descend(self, draws, X, y, sample_weight, incremental, validation, begun)
            else:
                yield from minimise(self, X, y, sample_weight, validation, begun)
        return self

    def _is_stochastic(self) -> bool:
        return self.solver != "lbfgs" and not isinstance(self.solver, FullBatchOptimizer)

    def _begin(self, draws: Draws, sizes: list[int], dtype: Any) -> None:
        """Make the network anew, with what scikit-learn counts from the first fit on."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_, output, cost = self._formulas()
        hidden = self.activation
        if isinstance(hidden, str):
            hidden = ACTIVATIONS.get(hidden, hidden)
        if self.dtype is None:
            dtype = np.float32 if dtype == np.float32 else np.float64
        else:
            dtype = self.dtype
        self.network_ = Network(
            sizes, hidden=hidden, output=output, cost=cost, dtype=dtype,
            init=draws.initializer(self.activation) if self.init is None else self.init,
            seed=draws.seed(),
        )  # fmt: skip
        self.n_outputs_ = sizes[-1] // self.network_._cost.outputs_per_target
        self._made_of = made_of(self)
        for name in OF_STEPS:
            self.__dict__.pop(name, None)

    def _width(self, y):
        """Return how many outputs the network has for targets y (m, n)."""
        return y.shape[1]

    def _watch(self) -> None:
        """Begin to go by the loss, or with early stopping by the score."""
        by_score = self.early_stopping
        self.best_loss_ = None if by_score else np.inf
        self.validation_scores_: list[float] | None = [] if by_score else None
        self.best_validation_score_ = -np.inf if by_score else None
        self._no_improvement_count = 0
        self.has_stopped_, self._best_parameters = False, None

    def _offsets(self, y):
        """Return what scikit-learn's cost of each sample has beyond ours, (m,); None: nothing."""

    def _divisor(self):
        """Return by how much its cost is smaller."""
        return 1

    def _offset(self, y):
        """Return the mean of `_offsets`."""
        offsets = self._offsets(y)
        return 0 if offsets is None else offsets.mean()

    def _known(self, y):
        """Raise for classes of y that were not there before."""

    def _validation(self, given):
        """Return validation data (X, y, sample_weight or None), as `_validated` does; or None."""
        if given is None:
            return None
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight)")
        X, y, *weights = given
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=DTYPES, reset=False)
        check_consistent_length(X, y)
        self._known(y)
        y = self._encoded(y)
        if weights and weights[0] is not None:
            return X, y, _check_sample_weight(weights[0], X)
        return X, y, None

    def _options(self, rules, validation):
        """Return the options of `Network.fit` that stand in parameters."""
        options = {name: getattr(self, name) for name in OF_FIT}
        options |= {
            "callbacks": [*rules, *self._given_callbacks()],
            "class_weight": self._class_weight(),
            "validation_data": validation and self._validation_targets(*validation),
        }
        options = {name: value for name, value in options.items() if value is not None}
        return options | {"l2_of_batch": self.alpha}

    def _validation_targets(self, X, y, weights):
        return (X, self._targets(y)) if weights is None else (X, self._targets(y), weights)

    def _given_callbacks(self) -> list[Any]:
        given = self.callbacks
        return [] if given is None else list(Callbacks(given).given)

    def _size_of_batches(self, m: int, stacklevel: int = 5) -> int:
        if self.batch_size == "auto":
            return min(200, m)
        if self.batch_size > m:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=stacklevel,
            )
        return min(self.batch_size, m)

    def _rule(self, rate: Rate) -> Any:
        """Return the optimiser."""
        if self.solver == "adam":
            betas = {"beta1": self.beta_1, "beta2": self.beta_2}
            return Adam(self.learning_rate_init, **betas, epsilon=self.epsilon, epsilon_hat=True)
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            by_epoch = self.learning_rate_init if rate.kind == "constant" else rate
            return SGD(by_epoch, momentum=self.momentum, nesterov=nesterov)
        return self.solver

    def _is_plain(self, X: Any) -> bool:
        """Whether there is nothing in X to be looked at but its numbers: an array of the width."""
        if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.char not in "fd":
            return False
        own = vars(self)
        return X.shape[1] == own["n_features_in_"] and "feature_names_in_" not in own

    # ------------------------------------------------------------ answers

    @staticmethod
    def _outputs_at(net: Network, X: Any, rows: Any) -> Any:
        """Return the outputs for some rows of X, or for all, without a copy as large as these."""
        if rows is None:
            return net(X)
        some = max(1, NUMBERS_AT_ONCE // X.shape[1])
        parts = [net(X[rows[i : i + some]]) for i in range(0, len(rows), some)]
        return np.concatenate(parts)

    def _outputs(self, X: Any) -> Any:
        """Return the outputs (m, n_outputs) for X, which scikit-learn checks where need be."""
        if "network_" not in vars(self):
            check_is_fitted(self)
        net: Network = self.network_
        if self._is_plain(X):
            try:
                return net(X)
            except ValueError:  # scikit-learn has messages of its own
                pass
        return net(validate_data(self, X, accept_sparse=["csr", "csc"], reset=False))
