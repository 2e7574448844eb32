"""What a fit that does nothing leaves behind: all that the network had from before."""

from typing import Protocol

from numpy.typing import NDArray

from chainrule.checks.samples import Samples
from chainrule.model.model import Model
from chainrule.results.history import History


class KeptBatches(Protocol):
    """What says whether batches of an epoch that was not finished are kept."""

    kept_batches: bool


class Transaction:
    """Around a fit, in which `net` has its history, state and names of inputs.

    What it had comes back if need be. The state and the names come back where no epoch was finished
    and no batch of one is kept; the history where `begun` has not been set. What ended for want of
    memory before its first epoch had not begun.

    Parameters
    ----------
    net : Model
    history : History
        Of this fit.
    hooks : KeptBatches, optional
        Without them no batches are kept.
    """

    def __init__(self, net: Model, history: History, hooks: KeptBatches | None = None):
        self._net, self._history, self._hooks = net, history, hooks
        self._before = net.history, net.optimizer_state
        self._settled = net._input_names, net._named, net._answers
        self.begun = False

    def __enter__(self) -> "Transaction":
        return self  # and changes nothing: a signal may come before the block begins

    def begin(self, state: dict[str, NDArray], samples: Samples | None) -> None:
        """Give the network the history and the state of this fit, and what its samples settle."""
        self._net.history, self._net.optimizer_state = self._history, state
        if samples is not None:
            self._net._settle(samples)

    def __exit__(self, kind, *_) -> None:
        done = len(self._history) > 0
        if not self.begun or (kind is not None and issubclass(kind, MemoryError) and not done):
            self._net.history = self._before[0]
        if not (done or (self._hooks is not None and self._hooks.kept_batches)):
            self._net.optimizer_state = self._before[1]
            self._net._input_names, self._net._named, self._net._answers = self._settled
