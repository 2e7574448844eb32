"""How training ends before its epochs are over."""


class DivergenceError(ArithmeticError):
    """The cost stopped being finite; a network is as its last finished epoch, or step, left it."""


class StopTraining(Exception):  # noqa: N818 - not an error
    """A callback raises it to end `fit` quietly: after the batch, or the epoch, that it saw last.

    The other callbacks of the same event are still called. Raised by a batch hook, it leaves the
    parameters as the batches done left them; their epoch is not finished, so it is neither in the
    history nor in `epochs_trained`, and a later `fit` begins it anew, those batches again: only
    what ends after whole epochs goes on to the bytes of one that never stopped.

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


def diverged(layer: int, epoch: int, advice: str) -> DivergenceError:
    """Return the error of an `epoch` whose cost was not finite, first in `layer`."""
    return DivergenceError(
        f"the cost stopped being finite in epoch {epoch} (counted from 0), first at layer "
        f"{layer}; the network is as that epoch found it. {advice}"
    )


def step_diverged(layer: int, step: int, advice: str) -> DivergenceError:
    """Return the error of a single `step` whose cost was not finite, first in `layer`."""
    return DivergenceError(
        f"the cost stopped being finite in step {step} of the epoch (counted from 0), first at "
        f"layer {layer}; that step was not taken, those before it were. {advice}"
    )
