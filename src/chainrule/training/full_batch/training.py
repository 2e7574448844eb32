"""Training by an optimiser of all samples at once: an epoch is one of its iterations."""

from time import perf_counter

import numpy as np

from chainrule import _core
from chainrule.arrays import Targets, as_inputs
from chainrule.full_batch import FullBatch
from chainrule.history import History
from chainrule.options import check_count, check_flag, check_learns, check_not_negative
from chainrule.progress import Progress
from chainrule.threads import check_threads
from chainrule.training import DivergenceError
from chainrule.validation import Validation, checked_pair


def fit_full_batch(
    net,
    X,
    y,
    *,
    optimizer,
    epochs,
    batch_size,
    shuffle,
    l2,
    validation_data,
    progress,
    threads,
    **others,
):
    """Train `net`; `Network.fit` documents it. batch_size and shuffle have no meaning here."""
    check_learns(net)
    if y is None:
        raise ValueError(
            f"{type(optimizer).__name__} needs all samples at once, as arrays X and y; for batches "
            "from an iterable use SGD or Adam"
        )
    X = as_inputs(X, net.sizes[0], net.dtype)
    targets = Targets(y, len(X), net.sizes[-1], net.dtype, net._cost)
    check_count("batch_size", batch_size, least=1)
    check_flag("shuffle", shuffle)
    check_not_negative("l2", l2)
    epochs = check_count("epochs", epochs, least=0)
    progress = check_flag("progress", progress)
    threads = check_threads(threads)
    given = [name for name, value in others.items() if is_asked_for(name, value)]
    if given:
        instead = "; in the place of validation_split give validation_data"
        raise ValueError(
            f"{', '.join(given)} cannot be used with {type(optimizer).__name__}, which minimises "
            "the mean cost of all samples with l2 alone; use SGD or Adam for the others"
            + (instead if "validation_split" in given else "")
        )
    validation = None
    if validation_data is not None:
        validation = Validation(net, *checked_pair(net, validation_data), {}, threads)
    optimizer.check(net)
    carried = optimizer.carried(net)
    net._check_delta(targets)
    function = FullBatch(net, X, targets, l2, threads)

    def iterations():
        start = function.at(net.parameters)
        if not start.is_finite:
            raise DivergenceError(
                f"the cost or its gradient is not finite where epoch {net.epochs_trained} (counted "
                f"from 0) begins, first at layer {function.diverged_layer(start)}; nothing has "
                "changed. Try inputs scaled to about -1 ... 1, or other initial parameters."
            )
        yield from optimizer.iterations(function, start, carried)

    before = net.history, net.optimizer_state
    history, state = History(net.epochs_trained, validation.measures if validation else ()), {}
    costs, rates, seconds = history.core_columns[:3]
    try:
        net.history, net.optimizer_state = history, state
        with Progress(progress, epochs) as shown:
            began = perf_counter()
            for _, (point, goes_on_with) in zip(range(epochs), iterations(), strict=False):
                took = perf_counter() - began
                entries = [(costs, point.cost), (rates, np.nan), (seconds, took)]
                _core.accept(net.parameters, point.w, net._clock, state, goes_on_with, entries)
                if validation:
                    history.measure(**validation.evaluate(net))
                shown.epoch_done(history, function.samples)
                began = perf_counter()
    except MemoryError:
        net.history = before[0] if not len(history) else history  # not even begun
        raise
    finally:
        if not len(history):  # it ended in the first epoch: all is as it was
            net.optimizer_state = before[1]
    return history


def is_asked_for(name, option):
    """Whether an option of `fit` is more than nothing."""
    if option is None or option is False:
        return False
    if name in ("l1", "dropout"):
        return not np.array_equal(option, np.zeros(np.shape(option)))
    if name in ("callbacks", "class_weight", "metrics", "record") and hasattr(option, "__len__"):
        return len(option) > 0
    return True
