"""When training ends, by scikit-learn's rules of `tol` and `n_iter_no_change`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.training.endings import StopTraining

LEAST_RATE = 1e-6  # of learning_rate="adaptive"
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class Rate:
    """The learning rate of ``solver="sgd"``, which changes between epochs alone.

    Parameters
    ----------
    kind : {"constant", "invscaling", "adaptive"}
    first : float
        That of the first epoch.
    power : float
        p of invscaling: first / (t+1)^p after t samples.
    """

    def __init__(self, kind: str, first: float, power: float):
        self.kind, self.first, self.power, self.now = kind, first, power, first

    def __call__(self, epochs: Any) -> Any:
        """Return it, whatever the number of epochs: `chainrule.schedules` asks so."""
        return np.full_like(np.asarray(epochs, float), self.now)

    def begins_as(self, other: "Rate") -> bool:
        """Whether both are of the same parameters."""
        return (self.kind, self.first, self.power) == (other.kind, other.first, other.power)

    def after(self, samples: int) -> None:
        """Let an epoch end; `samples`: seen in all."""
        if self.kind == "invscaling":
            self.now = self.first / (samples + 1) ** self.power

    def lower(self) -> bool:
        """Lower an adaptive one; return whether there is nothing left to lower."""
        if self.kind != "adaptive" or self.now <= LEAST_RATE:
            return True
        self.now /= 5
        return False


class Rules:
    """A callback that keeps scikit-learn's figures of each epoch in an estimator, and stops it.

    Parameters
    ----------
    estimator : Perceptron
    samples : int
        How many are trained on, by which `t_` grows.
    rate : Rate
    loss : function of History
        Returns the loss of its last epoch.
    score : function of a network, or None
        Returns the score on what is held out; None without early stopping.
    """

    def __init__(self, estimator: Any, samples: int, rate: Rate, loss: Any, score: Any):
        self._estimator, self._samples, self._rate = estimator, samples, rate
        self._loss, self._score = loss, score
        self.has_converged = False

    def on_epoch_end(self, net: Any, history: Any) -> None:
        """Note the figures of an epoch."""
        self.note(net, self._loss(history))

    def note(self, net: Any, loss: float) -> None:
        """Note the loss of an epoch and the score; end training without progress."""
        est = self._estimator
        est.n_iter_ += 1
        est.loss_ = float(loss)
        est.t_ += self._samples
        est.loss_curve_.append(est.loss_)
        if est.verbose:
            print(f"Iteration {est.n_iter_}, loss = {est.loss_:.8f}")
        is_better = self._by_loss(est) if self._score is None else self._by_score(est, net)
        est._no_improvement_count = 0 if is_better else est._no_improvement_count + 1
        self._rate.after(est.t_)
        if est._no_improvement_count > est.n_iter_no_change:
            what = "Training loss" if self._score is None else "Validation score"
            message = (
                f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change} "
                "consecutive epochs."
            )
            if self._rate.lower():
                if est.verbose:
                    print(message, "Stopping.")
                self.has_converged = True
                raise StopTraining
            est._no_improvement_count = 0
            if est.verbose:
                print(message, f"Setting learning rate to {self._rate.now:f}")

    def _by_loss(self, est):
        is_better = not est.loss_ > est.best_loss_ - est.tol
        est.best_loss_ = min(est.best_loss_, est.loss_)
        return is_better

    def _by_score(self, est, net):
        score = self._score(net)
        est.validation_scores_.append(score)
        if est.verbose:
            print(f"Validation score: {score:f}")
        is_better = not score < est.best_validation_score_ + est.tol
        if score > est.best_validation_score_:
            est.best_validation_score_ = score
            est._best_parameters = net.parameters.copy()
        return is_better


def mean_of_batches(values: NDArray[Any], weights: NDArray[Any], size: int) -> float:
    """Return the mean over mini-batches, by their samples, of each one's mean by weight.

    values, weights: (m,), in mini-batches of so many; those without weight are no steps.
    """
    starts = np.arange(0, len(values), size)
    totals, sums = np.add.reduceat(weights, starts), np.add.reduceat(weights * values, starts)
    counts, sizes = totals > 0, np.diff(starts, append=len(values))
    return float(np.average(sums[counts] / totals[counts], weights=sizes[counts]))
