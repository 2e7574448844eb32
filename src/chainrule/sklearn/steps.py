"""`partial_fit` of one mini-batch after the other: a step, without what the first one needs."""

from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from chainrule.sklearn.draws import Draws
from chainrule.sklearn.stopping import Rules
from chainrule.training.endings import StopTraining

# Parameters with which there is more to do than to step.
BEYOND_STEPS = (
    "early_stopping", "verbose", "callbacks", "class_weight", "metrics", "progress", "average",
    "max_seconds",
)  # fmt: skip


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
        self._given = [(name, getattr(estimator, name)) for name in estimator._get_param_names()]
        self._net, self._rate = estimator.network_, estimator._rate
        options = estimator._options([], None)
        options = {name: value for name, value in options.items() if name not in BEYOND_STEPS}
        rule = estimator._rule(self._rate)
        self._trainer = self._net.trainer(rule, steps_per_epoch=1, **options)
        self._order: NDArray[Any] = np.arange(0)

    @staticmethod
    def suit(estimator: Any) -> bool:
        """Whether a call is a step and nothing else, for an estimator that is fitted."""
        rule = estimator._rule(estimator._rate)
        beyond = any(getattr(estimator, name, None) for name in BEYOND_STEPS)
        return not beyond and not rule.schedule.state

    def take(self, X: NDArray[Any], y: Any) -> bool:
        """Take a step; False, and nothing done, where this is no matter of a step alone.

        X: plain, (m, n_features).
        """
        est, m = self._estimator, len(X)
        now = vars(est)
        is_as_it_was = all(now[name] is value for name, value in self._given)
        if not (is_as_it_was and now["network_"] is self._net and now["_rate"] is self._rate):
            return False
        if type(y) is not np.ndarray or y.ndim == 0 or len(y) != m or m == 0:
            return False
        targets = est._targets_at_hand(y)
        if targets is None or est._size_of_batches(m) != m:
            return False
        if est.shuffle:
            order = self._order_of(m)
            X, targets = X.take(order, axis=0), targets.take(order, axis=0)
        penalty = self._trainer.penalty(m)
        try:
            cost: Any = self._trainer.step(X, targets)
        except (ValueError, TypeError):  # the whole way says what it is
            return False
        self._trainer.end_epoch()
        est.n_iter_ = 0
        loss = cost / est._divisor() + est._offset(targets) + penalty
        with suppress(StopTraining):  # there is nothing more to stop
            Rules(est, m, self._rate, None, None).note(self._net, loss)
        return True

    def _order_of(self, m: int) -> NDArray[Any]:
        """Return the order that scikit-learn's next shuffle of m samples has."""
        seed = self._estimator.random_state
        if not isinstance(seed, Integral):
            return Draws(check_random_state(seed)).shuffled(m)(m)
        if len(self._order) != m:  # else it is that of every call
            self._order = Draws(check_random_state(seed)).shuffled(m)(m)
        return self._order
