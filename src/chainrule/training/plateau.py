"""What `ReduceOnPlateau` needs of training: a figure to wait for, shown to it after each epoch."""

import zlib

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.samples import Samples
from chainrule.schedules import ReduceOnPlateau
from chainrule.training.optimizer_state import PLATEAU_DATA, UNSEEN, check_kept, kinds_of


def begin_best(
    state: dict[str, NDArray], schedule: ReduceOnPlateau, samples: Samples | None
) -> None:
    """Begin the best in `state` anew where it is of other samples than those watched from now on.

    Which these are is kept. Of batches from an iterable it is not known, nor in a state of the
    first versions: these go on.
    """
    before = state.pop(PLATEAU_DATA, None)
    if samples is None:
        return
    state[PLATEAU_DATA] = now = fingerprint(samples)
    if before is not None and (before != now).any():
        state[schedule.state][1:] = schedule.begin()[1:]
        state.pop(UNSEEN, None)  # that figure would be of the others


def fingerprint(samples: Samples) -> NDArray:
    """Return how many samples there are, and a checksum of their targets and weights, (2,)."""
    if samples.of_all is not None:
        return samples.of_all
    checksum = 0
    for values in samples.for_core[1:]:
        if values is not None:
            checksum = zlib.crc32(np.ascontiguousarray(values).data, checksum)
    return np.array([len(samples), checksum], np.uint64)


class Plateau:
    """Shows each finished epoch's figure to the schedule once, wherever training is interrupted."""

    def __init__(self, schedule, state, history):
        self.schedule, self.state, self.history = schedule, state, history
        self._kinds = kinds_of(state)
        self.seen = len(history)  # epochs

    def look(self):
        """Bring the state up to the last epoch; note where its validation was interrupted."""
        if len(self.history) == self.seen:
            return
        figure = self.history.latest(self.schedule.monitor)
        if figure is None:
            self.state[UNSEEN] = np.ones(1, np.uint64)
        else:
            self._show(figure)

    def catch_up(self, net, validation):
        """Make up for the validation of the last epoch, if it was interrupted."""
        if UNSEEN in self.state:
            self._show(validation.evaluate(net)[self.schedule.monitor])
            del self.state[UNSEEN]

    def _show(self, figure):
        check_kept(self.state, self._kinds)
        seen = self.state[self.schedule.state]
        # One statement, so that no signal comes between the two.
        seen[:], self.seen = self.schedule.after(seen, figure), len(self.history)
