"""The way through one fit; and where it does nothing, all is as it was before."""

from collections.abc import Generator
from contextlib import closing, suppress

from numpy.typing import NDArray

from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.optimizers import Optimizer
from chainrule.results.history import History
from chainrule.training.callbacks import Callbacks
from chainrule.training.endings import StopTraining
from chainrule.training.full_batch.cost import FullBatchOptimizer


def go_through(epochs: Generator[None]) -> None:
    """Train to the end of a course, or where an exception ends it."""
    with closing(epochs):  # where a signal comes between two epochs, it ends here and now
        for _ in epochs:
            pass


class Transaction:
    """A fit, in which `net` has its history and state; what it had comes back if need be.

    The state, the optimiser, and what the samples settle, come back where no epoch was finished and
    no batch of one is kept; the history where training had not begun. What ended for want of memory
    before its first epoch had not begun.

    Parameters
    ----------
    net : Model
    history : History
        Of this fit.
    callbacks : Callbacks
    hooks : _core.Hooks, optional
        Without them no batches are kept.
    """

    def __init__(
        self,
        net: Model,
        history: History,
        callbacks: Callbacks,
        hooks: _core.Hooks | None = None,
    ):
        self._net, self._history, self._callbacks, self._hooks = net, history, callbacks, hooks
        self._before = net.history, net._optimizer, net.optimizer_state
        self._settled = net._settled
        self._begun = False

    def course(
        self,
        optimizer: Optimizer | FullBatchOptimizer,
        state: dict[str, NDArray],
        samples: Samples | None,
        epochs: Generator[None],
    ) -> Generator[None]:
        """Train by `epochs` with `optimizer`, from `state` on; samples settle what is open."""
        net, callbacks = self._net, self._callbacks
        try:
            net.history = self._history
            net._go_by(optimizer, state)
            if samples is not None:
                net._settle(samples)
            callbacks.call("on_train_begin", net)
            self._begun = True
            with suppress(StopTraining):  # of one that had stopped before
                callbacks.resume()
                yield from epochs
            callbacks.call("on_train_end", net, self._history)
        except StopTraining:  # at the beginning or the end; there is nothing left to stop
            self._begun = True
        except MemoryError:
            self._begun = self._begun and len(self._history) > 0
            if self._begun:
                callbacks.mend(net)
            raise
        except Exception:
            if self._begun:
                callbacks.mend(net)
            raise
        finally:
            self._put_back()
            callbacks.leave(net, self._history)

    def _put_back(self):
        if not self._begun:
            self._net.history = self._before[0]
        if not (len(self._history) or (self._hooks is not None and self._hooks.kept_batches)):
            self._net._go_by(*self._before[1:])
            self._net._settled = self._settled
