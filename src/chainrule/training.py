"""Training: Python runs the epochs, the compiled core runs each one."""

import numpy as np

from chainrule import _core
from chainrule.arrays import Targets, as_inputs
from chainrule.carried import carried_state
from chainrule.history import History
from chainrule.optimizers import check_optimizer
from chainrule.options import (
    check_count,
    check_flag,
    check_name,
    check_not_negative,
    check_number,
    check_positive,
    check_trainable,
)
from chainrule.progress import Progress
from chainrule.sample_weights import weights_of

EPOCHS_PER_CALL = 1000
RATES_PER_CALL = 10**6  # unless one epoch has more
RECORDS = ("layers",)


class DivergenceError(ArithmeticError):
    """The cost stopped being finite; a network is as its last finished epoch left it."""


def fit(
    net,
    X,
    y,
    *,
    optimizer,
    epochs,
    batch_size,
    sample_weight,
    class_weight,
    shuffle,
    validation_data,
    record,
    progress,
    average,
    **penalties_and_limits,
):
    """Train `net`; `Network.fit` documents it."""
    check_trainable(net)
    X = as_inputs(X, net.sizes[0], net.dtype)
    targets = Targets(y, len(X), net.sizes[-1], net.dtype, net._cost)
    weights = weights_of(sample_weight, class_weight, targets, net.dtype)
    optimizer = check_optimizer(optimizer)
    schedule = optimizer.schedule
    recipe = recipe_of(optimizer, average=average, **penalties_and_limits)
    epochs = check_count("epochs", epochs, least=0)
    batch_size = min(check_count("batch_size", batch_size, least=1), len(X))
    shuffle, progress = check_flag("shuffle", shuffle), check_flag("progress", progress)
    record = None if record is None else check_name("record", record, RECORDS)
    validation = None if validation_data is None else Validation(net, validation_data)
    measures = validation.measures if validation else []
    check_monitor(schedule, measures)
    state = carried_state(
        net.optimizer_state, optimizer, schedule, average is not None, net.parameters
    )
    s, t = [state.get(name) for name in (*optimizer.states, None, None)[:2]]
    steps = state.get("steps", np.zeros(1, np.uint64))  # not kept where they do not matter

    before = net.history, net.optimizer_state
    layers = len(net.sizes) - 1 if record == "layers" else 0
    history = History(net.epochs_trained, measures, layers)
    plateau = Plateau(schedule, state, history) if schedule.state else None
    steps_per_epoch = -(-len(X) // batch_size)
    # Where nothing happens between epochs, many of them are one call.
    epochs_per_call = 1
    if not (progress or validation or plateau):
        epochs_per_call = min(EPOCHS_PER_CALL, max(1, RATES_PER_CALL // steps_per_epoch))
    try:
        net.history, net.optimizer_state = history, state
        with Progress(progress, epochs, len(X)) as shown:
            while len(history) < epochs:
                count = min(epochs_per_call, epochs - len(history))
                layer = _core.train(
                    net._plan, net.parameters, recipe, s, t, state.get("average"), steps,
                    X, targets.Y, targets.labels, weights, None, batch_size, shuffle, net.seed,
                    schedule.coming(state, count, steps_per_epoch), None, count,
                    net._clock, *history.core_columns,
                )  # fmt: skip
                check_finite(layer, net.epochs_trained)
                if validation:
                    history.measure(**validation.evaluate(net))
                if plateau:
                    plateau.look()
                shown.epoch_done(history)
    except MemoryError:
        net.history = before[0] if not len(history) else history  # not even begun
        raise
    finally:
        if plateau:
            plateau.look()
        if not len(history):  # it ended in the first epoch: all is as it was
            net.optimizer_state = before[1]
    return history


def recipe_of(optimizer, *, l1, l2, max_norm, clip_norm, clip_value, average):
    """Return the checked options of `fit` as the core takes them."""
    check_not_negative("l1", l1)
    check_not_negative("l2", l2)
    limits = {"max_norm": max_norm, "clip_norm": clip_norm, "clip_value": clip_value}
    limits = {name: value for name, value in limits.items() if value is not None}
    for name, value in limits.items():
        check_positive(name, value)
    if average is not None:
        check_number("average", average, lambda x: 0 < x < 1, "in 0 < average < 1")
        limits["average"] = average
    settings = {name: getattr(optimizer, ours) for name, ours in optimizer.settings.items()}
    return _core.Recipe(optimizer.kernel, **settings, l1=l1, l2=l2, **limits)


def check_monitor(schedule, measures):
    """Raise if the schedule waits for a figure that will not come."""
    if schedule.state and schedule.monitor not in ("cost", *measures):
        needed = "validation_data"
        if measures:
            needed += " whose targets are classes"
        raise ValueError(f"ReduceOnPlateau(monitor={schedule.monitor!r}) needs {needed}")


class Plateau:
    """Shows each finished epoch's figure to the schedule once, wherever training is interrupted."""

    def __init__(self, schedule, state, history):
        self.schedule, self.state, self.history = schedule, state[schedule.state], history
        self.seen = 0  # epochs

    def look(self):
        """Bring the state up to the last epoch, unless its figure is missing."""
        if len(self.history) == self.seen:
            return
        figure = self.history.latest(self.schedule.monitor)
        if figure is not None:  # one statement, so that no signal comes between the two
            self.state[:], self.seen = self.schedule.after(self.state, figure), len(self.history)


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
        self.targets = Targets(y, len(self.X), net.sizes[-1], net.dtype, net._cost, "validation y")
        self.measures = ["validation_cost"]
        if self.targets.are_classes:
            self.measures.append("validation_accuracy")

    def evaluate(self, net):
        """Return the measures on `net` as it is now."""
        cost, correct, total = _core.evaluate(
            net._plan, net.parameters, self.X, self.targets.Y, self.targets.labels
        )
        return dict(zip(self.measures, (cost, correct / total), strict=False))


def check_finite(layer, epoch):
    """Raise if `epoch` ended because the cost was not finite, first in `layer`; 0: it was."""
    if layer:
        raise DivergenceError(
            f"the cost stopped being finite in epoch {epoch} (counted from 0), first at layer "
            f"{layer}; the network is as that epoch found it. Try a smaller learning_rate, or "
            "inputs scaled to about -1 ... 1."
        )
