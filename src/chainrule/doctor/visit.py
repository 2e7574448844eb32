"""Training with the doctor's visit after it: what ``fit(..., diagnose=True)`` does."""

import numpy as np

from chainrule.arrays import as_inputs
from chainrule.doctor import diagnose
from chainrule.optimizers import SGD
from chainrule.progress import say
from chainrule.training import DivergenceError
from chainrule.validation import split_rows


def fit_and_diagnose(net, X, y, options):
    """Do ``net.fit(X, y, **options)``, and tell and keep what the doctor finds."""
    if y is None:
        raise ValueError(
            "diagnose=True needs the samples as arrays X and y; with batches from an iterable ask "
            "when training has ended, chainrule.diagnose(net, X, y) with some of the samples"
        )
    before = net.history
    try:
        history = net.fit(X, y, **options)
    except DivergenceError:
        if net.history is not before:  # else a callback's, before the training of `net` began
            _visit(net, X, y, net.history, **options)
        raise
    _visit(net, X, y, history, **options)
    return history


def _visit(net, X, y, history, *, optimizer, validation_data, validation_split, **_):
    """Diagnose `net` with the samples that it was trained on and those that were held out."""
    if validation_split is not None:
        X, y = as_inputs(X, net.sizes[0], net.dtype), np.asarray(y)
        rows, held_out = split_rows(len(X), validation_split, net.seed)
        validation_data = X[held_out], y[held_out]
        X, y = X[rows], y[rows]
    optimizer = SGD() if optimizer is None else optimizer
    history.diagnosis = diagnose(
        net, X, y, validation_data=validation_data, history=history, optimizer=optimizer
    )
    say(history.diagnosis)
