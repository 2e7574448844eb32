"""Batches that come one by one, for data that do not fit in memory."""

from collections.abc import Iterable, Iterator

from chainrule.options import check_count
from chainrule.samples import Samples


class Batches:
    """The mini-batches of `fit`'s iterable, checked as they come.

    Parameters
    ----------
    net : Network
    given : iterable, or function
        What is gone through in each epoch, or a function without arguments that returns it. A batch
        is a tuple (X, y) or (X, y, sample_weight), each as `fit` takes them.
    steps : int or None
        How many batches make an epoch; None: all that there are.
    epochs : int
        How many epochs are to come.
    class_weight : dict or None
        As in `fit`.

    Raises
    ------
    ValueError, TypeError
        For what cannot be gone through as often as asked.
    """

    def __init__(self, net, given, steps, epochs, class_weight):
        if not (callable(given) or isinstance(given, Iterable)) or hasattr(given, "__array__"):
            raise TypeError(
                "without y, X must be an iterable of batches (X, y), or a function that returns "
                f"one; got {type(given).__name__}. Targets? fit(X, y)"
            )
        self._net, self._given, self._class_weight = net, given, class_weight
        # One that is its own iterator can be gone through once; it goes on from epoch to epoch.
        self._goes_on = isinstance(given, Iterator)
        if steps is not None:
            steps = check_count("steps_per_epoch", steps, least=1)
        elif self._goes_on and epochs > 1:
            raise ValueError(
                f"a {type(given).__name__} can be gone through only once, not in {epochs} epochs; "
                "give the function that makes it, or epochs=1, or steps_per_epoch"
            )
        elif hasattr(given, "__len__"):
            steps = check_count("the number of batches", len(given), least=1)
        self.steps = steps
        self._batches = given if self._goes_on else None
        self.count = self.samples = 0  # that came in this epoch

    def begin_epoch(self):
        """Go to the first batch."""
        self.count = self.samples = 0
        if not self._goes_on:
            given = self._given() if callable(self._given) else self._given
            self._batches = iter(given)

    def following(self):
        """Return the next batch as the core takes it, or None at the end of the epoch."""
        if self.count == self.steps:
            return None
        try:
            batch = next(self._batches)
        except StopIteration:
            if self.count == 0 or self.steps is not None:
                raise ValueError(
                    f"expected {self.steps or 'some'} batches in epoch {self._net.epochs_trained} "
                    f"(counted from 0); the iterable ended after {self.count}"
                ) from None
            return None
        return self._checked(batch)

    def _checked(self, batch):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise TypeError(
                "a batch must be (X, y) or (X, y, sample_weight); "
                f"batch {self.count} is a {type(batch).__name__}"
            )
        X, y, *sample_weight = batch
        try:
            samples = Samples(self._net, X, y, *(sample_weight or [None]), self._class_weight)
        except (TypeError, ValueError) as error:
            error.add_note(f"(batch {self.count} of epoch {self._net.epochs_trained})")
            raise
        self.count += 1
        self.samples += len(samples)
        return samples.for_core
