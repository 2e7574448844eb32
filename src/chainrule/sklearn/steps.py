"""`partial_fit` of one mini-batch after the other: a step, without what the first one needs."""

import warnings
from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from chainrule.sklearn.draws import Draws
from chainrule.sklearn.stopping import NOT_FINITE, Rules
from chainrule.training.endings import DivergenceError, StopTraining

# Parameters with which there is more to do than to step.
BEYOND_STEPS = (
    "early_stopping", "verbose", "callbacks", "class_weight", "metrics", "progress", "average",
    "max_seconds", "warm_start",
)  # fmt: skip


def asks_for_more(estimator: Any) -> bool:
    """Whether a parameter wants more than steps."""
    own = vars(estimator)
    return any(own.get(name) for name in BEYOND_STEPS)


class Steps:
    """What `partial_fit` keeps from one call to the next.

    It comes to the same parameters as without it, where X and y are plain arrays of one mini-batch
    at most. For all else there is the whole way, with its messages.

    Parameters
    ----------
    estimator : Perceptron
        Fitted, and of parameters that :meth:`suit`.
    """

    def __init__(self, estimator: Any):
        self._estimator = estimator
        own = vars(estimator).items()
        self._given = [(k, value) for k, value in own if not k.startswith("_") and k[-1] != "_"]
        self._net, self._rate = estimator.network_, estimator._rate
        self._net.history = None  # steps write none
        options = estimator._options([], None)
        options = {name: value for name, value in options.items() if name not in BEYOND_STEPS}
        rule = estimator._rule(self._rate)
        self._trainer = self._net.trainer(rule, steps_per_epoch=1, **options)
        self._order: NDArray[Any] = np.arange(0)

    @staticmethod
    def suit(estimator: Any) -> bool:
        """Whether a call is a step and nothing else, for an estimator that is fitted."""
        rule = estimator._rule(estimator._rate)
        return not (asks_for_more(estimator) or rule.schedule.state)

    def take(self, X: NDArray[Any], y: Any) -> bool:
        """Take a step; False, and nothing done, where this is no matter of a step alone.

        X: plain, (m, n_features).
        """
        est, m = self._estimator, len(X)
        now = vars(est)
        is_as_it_was = all(now.get(name) is value for name, value in self._given)
        if not (is_as_it_was and now["network_"] is self._net and now["_rate"] is self._rate):
            return False
        if asks_for_more(est):  # of a list that was empty
            return False
        if type(y) is not np.ndarray or y.ndim == 0 or len(y) != m or m == 0:
            return False
        targets = est._targets_at_hand(y)
        if targets is None or est._size_of_batches(m) != m:
            return False
        is_drawn = est.shuffle and not isinstance(est.random_state, Integral)
        if is_drawn and not (np.isfinite(X).all() and np.isfinite(targets).all()):
            return False  # refused, it draws nothing
        penalty, before = self._trainer.penalty(m), None
        try:
            before = self._trainer.state()
            if est.shuffle:
                order = self._order_of(m)
                X, targets = X.take(order, axis=0), targets.take(order, axis=0)
            cost: Any = self._trainer.step(X, targets)
            self._check_state()
        except (ValueError, TypeError):  # the whole way says what it is
            return False
        except DivergenceError as error:  # undone, as a fit undoes its epoch
            est.n_iter_ = 0
            self._trainer.restore(before)
            raise ValueError(NOT_FINITE) from error
        except KeyboardInterrupt:
            est.n_iter_ = 0
            if before is not None:
                self._trainer.restore(before)
            warnings.warn("Training interrupted by user.", stacklevel=4)
            return True
        self._trainer.end_epoch()
        est.n_iter_ = 0
        loss = cost / est._divisor() + est._offset(targets) + penalty
        with suppress(StopTraining):  # there is nothing more to stop
            Rules(est, m, self._rate, None, None).note(self._net, loss)
        return True

    def _check_state(self) -> None:
        """Raise where no step would follow this one."""
        if not all(np.isfinite(each).all() for each in self._net.optimizer_state.values()):
            raise DivergenceError("what the optimiser keeps of the gradient is not finite")

    def _order_of(self, m: int) -> NDArray[Any]:
        """Return the order that scikit-learn's next shuffle of m samples has."""
        seed = self._estimator.random_state
        if not isinstance(seed, Integral):
            return Draws(check_random_state(seed)).shuffled(m)(m)
        if len(self._order) != m:  # else it is that of every call
            self._order = Draws(check_random_state(seed)).shuffled(m)(m)
        return self._order
