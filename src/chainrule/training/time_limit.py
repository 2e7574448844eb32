"""The time that a fit may take: ``fit(max_seconds=)``."""

from time import monotonic

from chainrule.training.endings import StopTraining


class TimeLimit:
    """A callback that ends training after the epoch by which so many seconds have gone.

    Parameters
    ----------
    seconds : float

    Attributes
    ----------
    has_passed : bool
        Whether it ended the last `fit`.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self.has_passed = False

    def on_train_begin(self, net):
        """Begin to count."""
        self.has_passed, self._end = False, monotonic() + self._seconds

    def on_epoch_end(self, net, history):
        """End training where it is time."""
        if monotonic() >= self._end:
            self.has_passed = True
            raise StopTraining
