"""How training ends before its epochs are over."""

from typing import Any

import numpy as np


class DivergenceError(ArithmeticError):
    """The cost stopped being finite, or what the optimiser keeps of the gradient did.

    A network is as its last finished epoch, or step, left it. Only of a `Trainer`, which looks at
    what the optimiser keeps every 32 steps, the steps up to then are taken.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> net = cr.Network([1, 1], output="identity", seed=0)
    >>> try:
    ...     net.fit(X, 3 * X, optimizer=cr.SGD(1e3), epochs=1000)
    ... except cr.DivergenceError:
    ...     bool(np.isfinite(net.parameters).all())
    True
    """


class StopTraining(Exception):  # noqa: N818 - not an error
    """A callback raises it to end `fit` quietly: after the batch, or the epoch, that it saw last.

    The other callbacks of the same event are still called. Raised by a batch hook, it leaves the
    parameters as the batches done left them; their epoch is not finished, so it is neither in the
    history nor in `epochs_trained`, and a later `fit` begins it anew, those batches again: only
    what ends after whole epochs goes on to the bytes of one that never stopped.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def stop_when_good(net, history):
    ...     if history.cost[-1] < 0.1:
    ...         raise cr.StopTraining
    >>> net = cr.Network([2, 1], output="identity", seed=0)
    >>> history = net.fit(np.eye(2), np.ones(2), epochs=1000, callbacks=stop_when_good)
    >>> bool(history.cost[-1] < 0.1), len(history) < 1000
    (True, True)
    """


COST = "the cost stopped being finite"


def lost_state(optimizer: Any, dtype: np.dtype) -> str:
    """Return what to say in the place of `COST` where the optimiser's state stopped being that."""
    room = ", where dtype='float64' has room," if dtype == np.float32 else ""
    return f"what {type(optimizer).__name__} keeps of the gradient grew beyond {dtype}{room}"


def diverged(layer: int, epoch: int, advice: str, what: str = COST) -> DivergenceError:
    """Return the error of an `epoch` in which `what` happened, first in `layer`."""
    return DivergenceError(
        f"{what} in epoch {epoch} (counted from 0), first at layer {layer}; the network is as that "
        f"epoch found it. {advice}"
    )


def step_diverged(layer: int, step: int, advice: str, what: str = COST) -> DivergenceError:
    """Return the error of a single `step` in which `what` happened, first in `layer`."""
    when, after = "", "that step was not taken, those before it were"
    if what != COST:
        when = " or shortly before"
        after = (
            "these steps were taken, and others would be none: go back to a state that was kept, "
            "trainer.restore(state), or begin with a new network"
        )
    return DivergenceError(
        f"{what} in step {step} of the epoch (counted from 0){when}, first at layer {layer}; "
        f"{after}. {advice}"
    )
