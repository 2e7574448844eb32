"""What is refused changes nothing of an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Begun:
    """A callback that knows whether training has begun: all has been checked then."""

    is_so = False

    def on_train_begin(self, net: Any) -> None:
        """Know it."""
        self.is_so = True


@contextmanager
def unless_refused(estimator: Any) -> Iterator[Begun]:
    """Put back all that was assigned to `estimator` where an error comes before training begins.

    Classes, names and the number of features that scikit-learn's checks note as they go; a new
    network, or the state of the optimiser of that which is there.
    """
    before, begun = dict(vars(estimator)), Begun()
    net: Any = before.get("network_")
    carried = net and (net.optimizer, net.optimizer_state)
    try:
        yield begun
    except BaseException:  # Ctrl-C amid the checks too
        if not begun.is_so:
            estimator.__dict__ = before
            if carried:
                net.optimizer, net.optimizer_state = carried
        raise
