"""What `ReduceOnPlateau` needs of training: a figure to wait for, shown to it after each epoch."""

import numpy as np

from chainrule.training.optimizer_state import UNSEEN


class Plateau:
    """Shows each finished epoch's figure to the schedule once, wherever training is interrupted."""

    def __init__(self, schedule, state, history):
        self.schedule, self.state, self.history = schedule, state, history
        self.seen = 0  # epochs

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
        seen = self.state[self.schedule.state]
        # One statement, so that no signal comes between the two.
        seen[:], self.seen = self.schedule.after(seen, figure), len(self.history)
