"""Training by mini-batches: Python runs the epochs, the compiled core runs each one."""

from collections.abc import Generator, Iterable, Sequence
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import MAX_SIZE
from chainrule.checks.by_layer import is_by_layer, spread
from chainrule.checks.options import check_number
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.optimizers import Optimizer, Rprop
from chainrule.results.history import History
from chainrule.results.progress import Progress
from chainrule.training.batches import Batches
from chainrule.training.causes import likely_cause
from chainrule.training.endings import COST, StopTraining, diverged, lost_state
from chainrule.training.optimizer_state import check_kept, kinds_of, resumed_state
from chainrule.training.orders import Orders
from chainrule.training.plateau import Plateau, begin_best
from chainrule.training.transaction import Transaction, go_through
from chainrule.training.validation import Validation, check_figure

# columns for fit's `record`
RECORDED = {"gradients": ("gradient_norm",), "objective": ("objective", "penalty")}
EPOCHS_PER_CALL = 1000
RATES_PER_CALL = 10**6  # unless one epoch has more
LIMITS = (  # of the recipe
    "l1", "l2", "l2_of_batch", "max_norm", "clip_norm", "clip_value", "average",
)  # fmt: skip


class Training:
    """One call of `Network.fit`, which documents the options.

    All is checked when it is made; `run` is the first to change anything.

    Parameters
    ----------
    net : Model
    samples : Samples or Batches
        All that it is trained on, or what hands that out batch by batch.
    options : SimpleNamespace
        As `read_options` returns them.
    held_out : Samples, optional
        Those of validation_split.
    so_far : History, optional
        Of the epochs that are done of it: a fit that goes on.
    """

    def __init__(
        self,
        net: Model,
        samples: Samples | Batches,
        options: SimpleNamespace,
        held_out: Samples | None = None,
        so_far: History | None = None,
    ):
        self.net, self.options = net, options
        self.optimizer: Optimizer = options.optimizer
        self.schedule = self.optimizer.schedule
        self.recipe = recipe_of(options, net)
        self.samples = self.batches = None
        if isinstance(samples, Batches):
            self.batches = samples
        else:
            net._check_delta(samples.targets)
            self.samples = samples
        self.validation = self._validation_of(held_out)
        if self.batches is not None and self.validation:
            self.batches.like = self.validation.samples
        most = MAX_SIZE if self.samples is None else len(self.samples)
        if options.drop_last and options.batch_size > most:
            raise ValueError(
                f"drop_last=True leaves out a mini-batch of fewer than batch_size="
                f"{options.batch_size} samples, and so all {most} to train on; give a batch_size "
                f"of {most} or less"
            )
        self.batch_size = min(options.batch_size, most)
        self.steps_per_epoch = self._steps_per_epoch()
        measures = self.validation.measures if self.validation else []
        averaging = options.average is not None
        rules = self.optimizer, self.schedule
        self.state = resumed_state(
            net.optimizer_state, *rules, averaging, net.parameters, self.steps_per_epoch
        )
        if self.schedule.state:
            check_figure("ReduceOnPlateau", self.schedule.monitor, measures)
            watched = self.samples
            if self.validation and self.schedule.monitor != "cost":
                watched = self.validation.samples
            begin_best(self.state, self.schedule, watched)
        layers = len(net.sizes) - 1 if "layers" in options.record else 0
        recorded = [column for name in sorted(options.record) for column in RECORDED.get(name, ())]
        self.history = History(net.epochs_trained, measures, layers, recorded).after(so_far)
        self.schedule.check_end(self.state, options.epochs - len(self.history))
        self._kinds = kinds_of(self.state)
        options.callbacks.check(self.history)
        self._log = _core.Log(*self.history.core_columns)
        self._data = self._data_for_core()

    def _validation_of(self, held_out):
        """Return what is measured after each epoch, or None."""
        return Validation.of(self.net, self.options, held_out, self.samples)

    def _steps_per_epoch(self):
        """Return how many steps an epoch has; None: that is not known, and the rate stays."""
        if self.batches is None:
            whole, rest = divmod(len(self.samples), self.batch_size)
            return whole + (rest > 0 and not self.options.drop_last)
        if self.batches.steps is None and self.schedule.counts_epochs:
            raise ValueError(
                f"a {type(self.schedule).__name__} of the learning rate needs steps_per_epoch, or "
                "batches that have a length"
            )
        return self.batches.steps

    def run(self) -> History:
        """Train, and return the history."""
        go_through(self.course(EPOCHS_PER_CALL))
        return self.history

    def course(self, at_once: int = 1) -> Generator[None]:
        """Train, and yield after each epoch, or `at_once` of them where nothing happens between.

        What is thrown in there counts as raised by a callback. It may go on in another thread.
        """
        net, history, callbacks = self.net, self.history, self.options.callbacks
        self.plateau = Plateau(self.schedule, self.state, history) if self.schedule.state else None
        self.hooks = callbacks.batch_hooks()
        transaction = Transaction(net, history, callbacks, self.hooks)
        yield from transaction.course(
            self.optimizer, self.state, self.samples, self._train(at_once)
        )

    def _train(self, at_once):
        """Train, and let ReduceOnPlateau see each finished epoch however it ends."""
        try:
            yield from self._epochs(at_once)
        finally:
            if self.plateau:
                self.plateau.look()

    def _epochs(self, at_once):
        """Train until the last epoch is done, or a callback says stop."""
        per_call = 1
        # Where nothing happens between epochs, many of them are one call.
        options, epochs = self.options, self.options.epochs
        callbacks = options.callbacks
        between = options.progress or self.validation or self.plateau or callbacks
        if not between and self.batches is None:
            per_call = min(at_once, max(1, RATES_PER_CALL // self.steps_per_epoch))
        if self.plateau:
            self.plateau.catch_up(self.net, self.validation)
        with Progress(options.progress, epochs, len(self.history)) as shown:
            try:
                while len(self.history) < epochs:
                    callbacks.call("on_epoch_begin", self.net, self.net.epochs_trained)
                    self._some_epochs(min(per_call, epochs - len(self.history)))
                    if self.validation:
                        self.history.measure(**self.validation.evaluate(self.net))
                    if self.plateau:
                        self.plateau.look()
                    shown.epoch_done(self.history, self._samples_per_epoch())
                    callbacks.call("on_epoch_end", self.net, self.history)
                    yield
            except StopTraining:
                return

    def _samples_per_epoch(self):
        if self.batches is not None:
            return self.batches.n_samples
        return min(len(self.samples), self.steps_per_epoch * self.batch_size)

    def _some_epochs(self, count):
        """Train for `count` epochs without a look between them."""
        net = self.net
        check_kept(self.state, self._kinds)
        if self.batches is not None:
            self.batches.begin_epoch()
        state = state_for_core(net, self.optimizer, self.state)
        layer = _core.train(
            net._plan,
            net.parameters,
            self.recipe,
            state,
            self._data,
            self._log,
            self.schedule.coming(self.state, count, self.steps_per_epoch),
            count,
            self.hooks,
            *self.options.threads,
        )
        self._check_diverged(layer, state.overflown)

    def _check_diverged(self, layer, overflown=False):
        """Raise if a cost was not finite, or if `overflown` a state, first in a layer; 0: none."""
        net = self.net
        self.history.diverged = layer > 0
        if layer:
            advice = likely_cause(net, self.samples, self.optimizer)
            what = lost_state(self.optimizer, net.dtype) if overflown else COST
            raise diverged(layer, net.epochs_trained, advice, what)

    def _data_for_core(self):
        """Return what is learned from, in which mini-batches and order."""
        size, seed, shuffle = self.batch_size, self.net.seed, self.options.shuffle
        if self.batches is not None:
            stream = _core.Stream(self.batches.following)
            return _core.Data(batch_size=size, seed=seed, stream=stream)
        return _core.Data(
            *self.samples.for_core, batch_size=size, drop_last=self.options.drop_last,
            shuffle=bool(shuffle), seed=seed,
            draw=Orders(shuffle, len(self.samples)) if callable(shuffle) else None,
            exponent=self.samples.exponent,
        )  # fmt: skip


def state_for_core(
    net: Model, optimizer: Optimizer, state: dict[str, NDArray]
) -> _core.TrainingState:
    """Return what training goes on with; its arrays are those in `state` now."""
    s, t = (*(state[name] for name in optimizer.states), None, None)[:2]
    steps = state["steps"] if "steps" in state else np.zeros(1, np.uint64)
    epochs = state["epochs"] if "epochs" in state else np.zeros(1)
    return _core.TrainingState(s, t, state.get("average"), steps, epochs, net._clock)


def recipe_of(options: SimpleNamespace, net: Model) -> _core.Recipe:
    """Return the optimiser with penalties, limits and dropout as the core takes them.

    Raises
    ------
    ValueError, TypeError
        For what does not fit the network.
    """
    optimizer = options.optimizer
    settings = {name: getattr(optimizer, ours) for name, ours in optimizer.settings.items()}
    settings |= check_epsilon(optimizer, net)
    dropout = check_dropout(options.dropout, len(net.sizes) - 2)
    limits = {name: getattr(options, name) for name in LIMITS}
    limits = {name: value for name, value in limits.items() if value}  # what is 0 is off
    factors = check_rates(options, net)
    return _core.Recipe(optimizer.kernel, **settings, **limits, dropout=dropout, factors=factors)


def check_rates(options: SimpleNamespace, net: Model) -> NDArray | None:
    """Return the factors of the learning rate, a pair for each layer, or None if all are 1."""
    if options.rates is None:
        return None
    factors = spread("rates", options.rates, len(net.sizes) - 1, net._trainable_scale)
    if isinstance(options.optimizer, Rprop) and not np.isin(factors, (0, 1)).all():
        raise ValueError(
            "rates must be 0 (frozen) or 1 with Rprop, which has a step of its own for each "
            f"parameter and no learning rate to multiply; got {options.rates}"
        )
    return factors


def check_epsilon(optimizer, net):
    """Return the settings of an epsilon that goes by layer: none, where one number is all.

    Raises for one that is 0 as a number of the network's: a gradient of 0 would be 0/0.
    """
    epsilon = getattr(optimizer, "epsilon", 1)
    by_layer = is_by_layer(epsilon)
    if by_layer:
        each = spread("epsilon", epsilon, len(net.sizes) - 1, net._trainable_scale)
    else:
        each = np.array([epsilon])
    if (each.astype(net.dtype) == 0).any():
        raise ValueError(
            f"epsilon must not vanish in {net.dtype}, whose least number is "
            f"{np.finfo(net.dtype).smallest_subnormal:.1g}; got {epsilon}"
        )
    return {"epsilon": each[0], "epsilons": each} if by_layer else {}


def check_dropout(dropout: float | Sequence[float], layers: int) -> NDArray | None:
    """Return the probability of each of `layers` hidden layers, (layers,), or None if all are 0."""
    each = [dropout] * layers
    if isinstance(dropout, Iterable) and np.ndim(dropout):
        each = list(dropout)
        if len(each) != layers:
            raise ValueError(
                "dropout must be one probability, or one for each of the "
                f"{layers} hidden layers; got {len(each)}"
            )
    for p in each or [dropout]:
        check_number("dropout", p, lambda p: 0 <= p < 1, "a probability, 0 <= p < 1")
    if not layers and dropout:
        raise ValueError(f"there is no hidden layer to drop units of; got dropout={dropout!r}")
    return np.array(each, np.float64) if any(each) else None
