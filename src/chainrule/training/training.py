"""Training: Python runs the epochs, the compiled core runs each one."""

import numpy as np

from chainrule import _core
from chainrule.arrays import MAX_SIZE
from chainrule.batches import Batches
from chainrule.callbacks import Callbacks, StopTraining
from chainrule.carried import carried_state
from chainrule.history import History
from chainrule.optimizers import check_optimizer
from chainrule.options import (
    check_count,
    check_dropout,
    check_flag,
    check_learns,
    check_not_negative,
    check_number,
    check_positive,
    check_records,
)
from chainrule.plateau import Plateau
from chainrule.progress import Progress
from chainrule.samples import Samples
from chainrule.threads import check_threads
from chainrule.validation import Validation, check_figure, check_metrics, checked_pair

EPOCHS_PER_CALL = 1000
RATES_PER_CALL = 10**6  # unless one epoch has more
RECORDS = ("layers", "gradients")


class DivergenceError(ArithmeticError):
    """The cost stopped being finite; a network is as its last finished epoch left it."""


class Training:
    """One call of `Network.fit`, which documents the options.

    All is checked when it is made; `run` is the first to change anything.
    """

    def __init__(
        self,
        net,
        X,
        y,
        *,
        optimizer,
        epochs,
        batch_size,
        steps_per_epoch,
        sample_weight,
        class_weight,
        shuffle,
        dropout,
        validation_data,
        validation_split,
        metrics,
        record,
        callbacks,
        progress,
        threads,
        average,
        **penalties_and_limits,
    ):
        check_learns(net)
        self.net = net
        self.epochs = check_count("epochs", epochs, least=0)
        self.batches = None
        if y is None:
            check_options_of_batches(sample_weight, class_weight, validation_split)
            self.batches = Batches(net, X, steps_per_epoch, self.epochs, class_weight)
        elif steps_per_epoch is not None:
            raise ValueError(
                "steps_per_epoch is for batches from an iterable, fit(batches); of arrays all "
                "samples are an epoch, in mini-batches of batch_size"
            )
        else:
            self.samples = Samples(net, X, y, sample_weight, class_weight)
        self.optimizer = check_optimizer(optimizer)
        check_epsilon(self.optimizer, net.dtype)
        self.recipe = recipe_of(self.optimizer, average=average, **penalties_and_limits)
        self.shuffle = check_flag("shuffle", shuffle) and self.batches is None
        self.threads = check_threads(threads)
        self.dropout = check_dropout(dropout, len(net.sizes) - 2)
        self.validation = self._validation(validation_data, validation_split, metrics)
        most = MAX_SIZE if self.batches else len(self.samples)
        self.batch_size = min(check_count("batch_size", batch_size, least=1), most)
        self.callbacks = Callbacks(callbacks)
        self.progress = check_flag("progress", progress)
        self.schedule = self.optimizer.schedule
        self.steps_per_epoch = self._steps_per_epoch()
        measures = self.validation.measures if self.validation else []
        if self.schedule.state:
            check_figure("ReduceOnPlateau", self.schedule.monitor, measures)
        self.state = carried_state(
            net.optimizer_state, self.optimizer, self.schedule, average is not None, net.parameters
        )
        self.schedule.check_end(self.state, self.epochs, self.steps_per_epoch)
        self._uncounted = np.zeros(1, np.uint64)  # steps, where they do not matter
        records = check_records(record, RECORDS)
        layers = len(net.sizes) - 1 if "layers" in records else 0
        self.history = History(net.epochs_trained, measures, layers, "gradients" in records)
        self.callbacks.check(self.history)

    def _validation(self, data, split, metrics):
        """Return what is measured after each epoch, or None; a split keeps its rows for it."""
        metrics = check_metrics(metrics)
        if data is None and split is None:
            if metrics:
                raise ValueError("metrics need validation_data or validation_split")
            return None
        if data is not None and split is not None:
            raise ValueError("validation_data and validation_split: give one of the two")
        if split is None:
            return Validation(self.net, *checked_pair(self.net, data), metrics, self.threads)
        held_out = self.samples.hold_out(split, self.net.seed)
        return Validation(self.net, *held_out, metrics, self.threads)

    def _steps_per_epoch(self):
        """Return how many steps an epoch has; None: that is not known, and the rate stays."""
        if self.batches is None:
            return -(-len(self.samples) // self.batch_size)
        if self.batches.steps is None and self.schedule.counts_steps:
            raise ValueError(
                f"a {type(self.schedule).__name__} of the learning rate needs steps_per_epoch, or "
                "batches that have a length"
            )
        return self.batches.steps

    def run(self):
        """Train, and return the history."""
        net, history = self.net, self.history
        before = net.history, net.optimizer_state
        self.plateau = Plateau(self.schedule, self.state, history) if self.schedule.state else None
        self.hooks = self.callbacks.batch_hooks()
        begun = False
        try:
            net.history, net.optimizer_state = history, self.state
            self.callbacks.call("on_train_begin", net)
            begun = True
            self._epochs()
            self.callbacks.call("on_train_end", net, history)
        except StopTraining:  # at the beginning or the end; there is nothing left to stop
            begun = True
        except MemoryError:
            begun = begun and len(history) > 0
            raise
        finally:
            if self.plateau:
                self.plateau.look()
            if not begun:
                net.history = before[0]
            if not (len(history) or self.hooks.kept_batches):  # all is as it was
                net.optimizer_state = before[1]
        return history

    def _epochs(self):
        """Train until the last epoch is done, or a callback says stop."""
        per_call = 1
        # Where nothing happens between epochs, many of them are one call.
        between = self.progress or self.validation or self.plateau or self.callbacks
        if not between and self.batches is None:
            per_call = min(EPOCHS_PER_CALL, max(1, RATES_PER_CALL // self.steps_per_epoch))
        if self.plateau:
            self.plateau.catch_up(self.net, self.validation)
        with Progress(self.progress, self.epochs) as shown:
            try:
                while len(self.history) < self.epochs:
                    self.callbacks.call("on_epoch_begin", self.net, self.net.epochs_trained)
                    self._train(min(per_call, self.epochs - len(self.history)))
                    if self.validation:
                        self.history.measure(**self.validation.evaluate(self.net))
                    if self.plateau:
                        self.plateau.look()
                    shown.epoch_done(self.history, self._samples_per_epoch())
                    self.callbacks.call("on_epoch_end", self.net, self.history)
            except StopTraining:
                return

    def _samples_per_epoch(self):
        return len(self.samples) if self.batches is None else self.batches.samples

    def _train(self, count):
        """Train for `count` epochs without a look between them."""
        net, state = self.net, self.state
        s, t = [state.get(name) for name in (*self.optimizer.states, None, None)[:2]]
        steps = state.get("steps", self._uncounted)
        data, stream = (None,) * 4, None
        if self.batches is None:
            data = self.samples.for_core
        else:
            self.batches.begin_epoch()
            stream = _core.Stream(self.batches.following)
        layer = _core.train(
            net._plan, net.parameters, self.recipe, s, t, state.get("average"), steps,
            *data, None, self.batch_size, self.shuffle, net.seed,
            self.schedule.coming(state, count, self.steps_per_epoch),
            self.dropout, count, net._clock, *self.history.core_columns, self.hooks, stream,
            *self.threads,
        )  # fmt: skip
        self.history.diverged = layer > 0
        check_finite(layer, net.epochs_trained)


def check_options_of_batches(sample_weight, class_weight, validation_split):
    """Raise for options of `fit` that need all samples, where these come batch by batch."""
    if sample_weight is not None:
        raise ValueError(
            "sample_weight is for arrays; from an iterable the weights of its samples come with "
            "each batch, (X, y, sample_weight)"
        )
    if validation_split is not None:
        raise ValueError(
            "validation_split needs arrays to take samples from; with batches from an iterable "
            "give validation_data=(X, y)"
        )
    if isinstance(class_weight, str):
        raise ValueError(
            f"class_weight={class_weight!r} counts all samples before training, which batches "
            "from an iterable do not allow; give the weights, such as {0: 1.0, 1: 5.0}"
        )


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


def check_epsilon(optimizer, dtype):
    """Raise for an epsilon that is 0 as a number of the network's: a gradient of 0 would be 0/0."""
    epsilon = getattr(optimizer, "epsilon", 1)
    if dtype.type(epsilon) == 0:
        raise ValueError(
            f"epsilon must not vanish in {dtype}, whose least number is "
            f"{np.finfo(dtype).smallest_subnormal:.1g}; got {epsilon}"
        )


def check_finite(layer, epoch):
    """Raise if `epoch` ended because the cost was not finite, first in `layer`; 0: it was."""
    if layer:
        raise DivergenceError(
            f"the cost stopped being finite in epoch {epoch} (counted from 0), first at layer "
            f"{layer}; the network is as that epoch found it. Try a smaller learning_rate, or "
            "inputs scaled to about -1 ... 1."
        )
