"""Training with the doctor's visit after it: what ``fit(..., diagnose=True)`` does."""

import copy
from collections.abc import Generator

from chainrule.doctor.diagnose import examine
from chainrule.results.history import History
from chainrule.results.progress import say
from chainrule.training.endings import DivergenceError
from chainrule.training.full_batch.training import FullBatchTraining
from chainrule.training.training import EPOCHS_PER_CALL, Training
from chainrule.training.transaction import go_through


def run(training: Training | FullBatchTraining) -> History:
    """Run a training, with the doctor's visit behind it where that is asked for."""
    go_through(course(training, EPOCHS_PER_CALL))
    return training.history


def course(training: Training | FullBatchTraining, at_once: int = 1) -> Generator[None]:
    """Return the course of a training, as `run` goes through it."""
    if not training.options.diagnose:
        return training.course(at_once)
    if training.samples is None:
        raise ValueError(
            "diagnose=True needs the samples as arrays X and y; with batches from an iterable ask "
            "when training has ended, chainrule.diagnose(net, X, y) with some of the samples"
        )
    if training.samples.complete() is None:
        raise ValueError(
            "diagnose=True needs samples whose targets are all there, which it looks at; each of "
            "these misses some"
        )
    return _diagnosed(training, at_once)


def _diagnosed(training, at_once):
    """Train, and tell and keep what the doctor finds."""
    try:
        yield from training.course(at_once)
    except DivergenceError:
        if training.net.history is training.history:  # else a callback's, before training began
            _visit(training)
        raise
    _visit(training)


def _visit(training):
    """Diagnose the network by the samples that it was trained on and those that were held out.

    Of both by those whose targets are all there.
    """
    validation, history, net = training.validation, training.history, training.net
    if net._plan is None:  # without an epoch it has no scaling yet
        net = copy.copy(net)
        net._settle(training.samples)
    history.diagnosis = examine(
        net,
        training.samples.complete().unweighted(),
        None if validation is None else validation.samples.complete(),
        history,
        training.optimizer,
    )
    say(history.diagnosis)
