"""Training: Python runs the epochs, the compiled core runs each one."""

from time import perf_counter

import numpy as np

from chainrule import _core
from chainrule.arrays import Targets, aligned_empty, as_inputs, as_real
from chainrule.full_batch import FullBatch, FullBatchOptimizer
from chainrule.history import History
from chainrule.optimizers import SGD
from chainrule.options import check_count, check_flag, check_name, check_number, check_trainable
from chainrule.progress import Progress

EPOCHS_PER_CALL = 1000
RECORDS = ("layers",)


class DivergenceError(ArithmeticError):
    """The cost stopped being finite; a network is as its last finished epoch left it."""


def fit(
    net, X, y, *, optimizer, epochs, batch_size, l2, shuffle, validation_data, record, progress
):
    """Train `net`; `Network.fit` documents it."""
    check_trainable(net)
    X = as_inputs(X, net.sizes[0], net.dtype)
    targets = Targets(y, len(X), net.sizes[-1], net.dtype, net.cost)
    optimizer = SGD() if optimizer is None else optimizer
    if not isinstance(optimizer, SGD | FullBatchOptimizer):
        raise TypeError(
            "optimizer must be a chainrule.SGD, LBFGS or LevenbergMarquardt, such as "
            f"chainrule.SGD(); got {optimizer!r}"
        )
    epochs = check_count("epochs", epochs, least=0)
    batch_size = min(check_count("batch_size", batch_size, least=1), len(X))
    check_number("l2", l2, lambda x: x >= 0, "a number, 0 or more")
    shuffle, progress = check_flag("shuffle", shuffle), check_flag("progress", progress)
    record = None if record is None else check_name("record", record, RECORDS)
    validation = None if validation_data is None else Validation(net, validation_data)

    if isinstance(optimizer, FullBatchOptimizer):
        function = FullBatch(net, X, targets, l2)
        return fit_full_batch(net, function, optimizer, epochs, validation, record, progress)

    velocity = velocity_of(net) if optimizer.momentum else None

    before = net.history, net.optimizer_state
    history = net.history = History(
        net.epochs_trained,
        validation.measures if validation else (),
        layers=len(net.sizes) - 1 if record == "layers" else 0,
    )
    net.optimizer_state = {} if velocity is None else {"velocity": velocity}
    # Where nothing happens between epochs, many of them are one call.
    epochs_per_call = 1 if progress or validation else EPOCHS_PER_CALL
    try:
        with Progress(progress, epochs, len(X)) as shown:
            while len(history) < epochs:
                layer = _core.train(
                    net._plan, net.parameters, velocity, X, targets.Y, targets.labels, None,
                    batch_size, shuffle, net.seed,
                    optimizer.learning_rate, optimizer.momentum, optimizer.nesterov, l2,
                    min(epochs_per_call, epochs - len(history)),
                    net._clock, *history.core_columns,
                )  # fmt: skip
                check_finite(layer, net.epochs_trained)
                if validation:
                    history.measure(**validation.evaluate(net))
                shown.epoch_done(history)
    except MemoryError:
        net.history = before[0] if not len(history) else history  # not even begun
        raise
    finally:
        if epochs and not len(history):  # it ended in the first epoch: all is as it was
            net.optimizer_state = before[1]
    return history


def velocity_of(net):
    """Return the velocity that momentum goes on with: the network's, or 0 at the beginning."""
    n = net.parameters.size
    velocity = aligned_empty(n, net.dtype)
    given = net.optimizer_state.get("velocity", np.zeros(n, net.dtype))
    given = as_real('optimizer_state["velocity"]', given, net.dtype)
    if given.shape != (n,):
        raise ValueError(
            f'optimizer_state["velocity"] must have the shape ({n},) of the parameters; '
            f"got {given.shape}"
        )
    velocity[:] = given
    return velocity


def fit_full_batch(net, function, optimizer, epochs, validation, record, progress):
    """Train `net` by an optimiser of all samples at once; an epoch is one of its iterations."""
    optimizer.check(net)
    if record is not None:
        raise ValueError(
            f"record={record!r} is taken from mini-batches, which {type(optimizer).__name__} has "
            "not; use SGD to record it"
        )
    carried = optimizer.carried(net)

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
    costs, seconds = history.core_columns
    try:
        net.history, net.optimizer_state = history, state
        with Progress(progress, epochs, function.samples) as shown:
            began = perf_counter()
            for _, (point, goes_on_with) in zip(range(epochs), iterations(), strict=False):
                entries = [(costs, point.cost), (seconds, perf_counter() - began)]
                _core.accept(net.parameters, point.w, net._clock, state, goes_on_with, entries)
                if validation:
                    history.measure(**validation.evaluate(net))
                shown.epoch_done(history)
                began = perf_counter()
    except MemoryError:
        net.history = before[0] if not len(history) else history  # not even begun
        raise
    finally:
        if not len(history):  # it ended in the first epoch: all is as it was
            net.optimizer_state = before[1]
    return history


class Validation:
    """Checked validation data, and the names of what is measured on it."""

    def __init__(self, net, data):
        try:
            X, y = data
        except (TypeError, ValueError):
            raise TypeError(
                f"validation_data must be a pair (X, y); got {type(data).__name__}"
            ) from None
        self.X = as_inputs(X, net.sizes[0], net.dtype, "validation X")
        self.targets = Targets(y, len(self.X), net.sizes[-1], net.dtype, net.cost, "validation y")
        self.measures = ["validation_cost"]
        if self.targets.are_classes:
            self.measures.append("validation_accuracy")

    def evaluate(self, net):
        """Return the measures on `net` as it is now."""
        cost, correct = _core.evaluate(
            net._plan, net.parameters, self.X, self.targets.Y, self.targets.labels
        )
        return dict(zip(self.measures, (cost, correct / len(self.X)), strict=False))


def check_finite(layer, epoch):
    """Raise if `epoch` ended because the cost was not finite, first in `layer`; 0: it was."""
    if layer:
        raise DivergenceError(
            f"the cost stopped being finite in epoch {epoch} (counted from 0), first at layer "
            f"{layer}; the network is as that epoch found it. Try a smaller learning_rate, or "
            "inputs scaled to about -1 ... 1."
        )
