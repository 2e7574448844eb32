"""Learning-rate schedules: η as a function of how far training has come.

Over 400 lines for one table of them all: each is a few lines and the words that say its formula.
In the formulas e is the position of a step in epochs: the whole epochs done, and the share of this
epoch's steps that were taken before it, whatever the rows and the mini-batches of each `fit`. The
epochs done are kept in `net.optimizer_state["epochs"]`: a later `fit` goes on where it stands.
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.fields import CheckedFields, Checks
from chainrule.checks.keywords import known_options
from chainrule.checks.options import (
    check_count,
    check_name,
    check_not_negative,
    check_number,
    check_part,
    check_positive,
    check_real,
    check_share,
)
from chainrule.checks.other_tools import OF_FIGURES, OF_SCHEDULES

Floats = NDArray[np.float64]
State = dict[str, NDArray[Any]]  # net.optimizer_state

# What ReduceOnPlateau can watch, and the sign that makes less of it better.
MONITORS = {"cost": 1, "validation_cost": 1, "validation_accuracy": -1}


def check_lower_rate(name: str, value: float, learning_rate: float) -> None:
    """Raise unless `value` is a rate to come down to from `learning_rate`; 0 and itself are."""
    expected = f"from 0 to the learning_rate, {learning_rate}"
    check_number(name, value, lambda rate: 0 <= rate <= learning_rate, expected)


class Schedule(CheckedFields):
    """A learning rate that changes from step to step. A subclass says `_at(epoch)`."""

    counts_epochs = True  # whether the rate depends on how far training has come

    @property
    def state(self) -> str | None:
        """The name of what it carries in net.optimizer_state besides, if anything."""
        return None

    def _at(self, epoch: Floats) -> Floats:
        """Return η at the positions `epoch`, an array (k,) of epochs since the beginning."""
        raise NotImplementedError

    def rates(self, done: float, epochs: int, steps_per_epoch: int) -> Floats:
        """Return η of each step of so many epochs after those `done`, (epochs·steps_per_epoch,)."""
        begins = done + np.arange(epochs, dtype=np.float64)
        within = np.arange(steps_per_epoch, dtype=np.float64) / steps_per_epoch
        return self._at((begins[:, None] + within).reshape(-1))

    def coming(self, state: State, epochs: int, steps_per_epoch: int) -> Floats:
        """Return η of each step of the coming epochs; or (1,), where it is one for all of them."""
        return self.rates(float(state["epochs"][0]), epochs, steps_per_epoch)

    def check_end(self, state: State, epochs: int) -> None:
        """Raise if the coming epochs go on where η has come down to nothing for good."""


LearningRate = float | Schedule | Callable[[float], float]


class EndingSchedule(Schedule):
    """One that comes to its last learning rate after `epochs`."""

    epochs: float
    final_rate: float = 0.0  # to train on with after that; 0: to train on is refused
    _or_else: ClassVar[str] = ""  # what else to do where it is over

    def check_end(self, state: State, epochs: int) -> None:
        """Raise if the last of the coming epochs has the last learning rate throughout."""
        last = float(state["epochs"][0]) + epochs
        if epochs and last >= self.epochs + 1 and self.final_rate == 0:
            rate = self._at(np.array([float(self.epochs)]))[0]
            raise ValueError(
                f"{type(self).__name__}(epochs={self.epochs}) comes down to learning rate "
                f"{rate:.3g} in epoch {self.epochs}, and this fit would go on to epoch "
                f"{math.ceil(last)}, counted since the optimiser began. Make the schedule longer "
                "(epochs of all fits together), train for fewer epochs, "
                f"{self._or_else}or begin it anew with net.optimizer_state = {{}}"
            )


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class Constant(Schedule):
    """η(e) = η: what a number stands for.

    Parameters
    ----------
    learning_rate : float
        η, positive.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.Constant(0.1)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1, 0.1, 0.1, 0.1])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float

    _checks: ClassVar[Checks] = {"learning_rate": check_positive}

    counts_epochs = False

    def _at(self, epoch: Floats) -> Floats:
        return np.full(len(epoch), float(self.learning_rate))

    def coming(self, state: State, epochs: int, steps_per_epoch: int) -> Floats:
        """Return η, (1,)."""
        return np.array([float(self.learning_rate)])


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class StepDecay(Schedule):
    """η(e) = η₀ f^⌊e/E⌋: lower by a factor every E epochs.

    Parameters
    ----------
    learning_rate : float
        η₀, positive.
    factor : float, default 0.5
        f, 0 < f < 1.
    epochs : float, default 10
        E, positive.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.StepDecay(0.1, factor=0.5, epochs=2)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1 , 0.1 , 0.05, 0.05])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    factor: float = 0.5
    epochs: float = 10

    _checks: ClassVar[Checks] = {
        "learning_rate": check_positive,
        "factor": check_share,
        "epochs": check_positive,
    }

    def _at(self, epoch: Floats) -> Floats:
        return float(self.learning_rate) * float(self.factor) ** np.floor(
            epoch / float(self.epochs)
        )


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class ExponentialDecay(Schedule):
    """η(e) = η₀ f^e: lower by a factor in every epoch, a little in every step.

    Parameters
    ----------
    learning_rate : float
        η₀, positive.
    factor : float, default 0.95
        f, 0 < f < 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.ExponentialDecay(0.1, factor=0.5)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1   , 0.05  , 0.025 , 0.0125])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    factor: float = 0.95

    _checks: ClassVar[Checks] = {"learning_rate": check_positive, "factor": check_share}

    def _at(self, epoch: Floats) -> Floats:
        return float(self.learning_rate) * float(self.factor) ** epoch


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class InverseScaling(Schedule):
    """η(e) = η₀ / (1+e)^p: slower and slower (Robbins and Monro, 1951, ask for ½ < p <= 1).

    Parameters
    ----------
    learning_rate : float
        η₀, positive.
    power : float, default 0.5
        p, positive.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.InverseScaling(0.1)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1   , 0.0707, 0.0577, 0.05  ])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    power: float = 0.5

    _checks: ClassVar[Checks] = {"learning_rate": check_positive, "power": check_positive}

    def _at(self, epoch: Floats) -> Floats:
        return float(self.learning_rate) / (1 + epoch) ** float(self.power)


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class CosineDecay(EndingSchedule):
    """Down along half a cosine, after a linear rise if asked (Loshchilov and Hutter, 2017).

    η(e) = η₀ e/w while e < w, then η₁ + (η₀-η₁) (1 + cos π(e-w)/(E-w))/2, and η₁ from e = E on;
    to train on where η₁ is 0 is refused. With a rise the first step is made with rate 0.

    Parameters
    ----------
    learning_rate : float
        η₀, positive: the highest.
    epochs : float
        E, positive: where the way down ends.
    warmup_epochs : float, default 0
        w, 0 <= w < E.
    final_rate : float, default 0
        η₁, 0 <= η₁ <= η₀.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.CosineDecay(0.1, epochs=4)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1   , 0.0854, 0.05  , 0.0146])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    epochs: float
    _: KW_ONLY
    warmup_epochs: float = 0.0
    final_rate: float = 0.0

    _checks: ClassVar[Checks] = {"learning_rate": check_positive, "epochs": check_positive}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(
            "warmup_epochs", self.warmup_epochs, lambda w: 0 <= w < self.epochs,
            f"from 0 to below epochs, {self.epochs}",
        )  # fmt: skip
        check_lower_rate("final_rate", self.final_rate, self.learning_rate)

    _or_else: ClassVar[str] = "let it end above 0, "

    def _at(self, epoch: Floats) -> Floats:
        highest, last = float(self.learning_rate), float(self.final_rate)
        rise, end = float(self.warmup_epochs), float(self.epochs)
        down = half_cosine(highest, last, (epoch - rise) / (end - rise))
        return np.where(epoch < rise, highest * epoch / rise, down) if rise else down


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class FlatCosine(EndingSchedule):
    """Flat at first, then down along half a cosine.

    η(e) = η₀ while e < fE, then η₁ + (η₀-η₁) (1 + cos π(e-fE)/(E-fE))/2, and η₁ from e = E on; to
    train on where η₁ is 0 is refused.

    Parameters
    ----------
    learning_rate : float
        η₀, positive.
    epochs : float
        E, positive: where the way down ends.
    flat : float, default 0.5
        f, 0 < f < 1: the share of the epochs before the way down.
    final_rate : float, default 0
        η₁, 0 <= η₁ <= η₀.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.FlatCosine(0.1, epochs=4)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.1 , 0.1 , 0.1 , 0.05])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    epochs: float
    _: KW_ONLY
    flat: float = 0.5
    final_rate: float = 0.0

    _checks: ClassVar[Checks] = {
        "learning_rate": check_positive,
        "epochs": check_positive,
        "flat": check_share,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        check_lower_rate("final_rate", self.final_rate, self.learning_rate)

    _or_else: ClassVar[str] = "let it end above 0, "

    def _at(self, epoch: Floats) -> Floats:
        end, level = float(self.epochs), float(self.flat) * float(self.epochs)
        way = (epoch - level) / (end - level)
        return half_cosine(float(self.learning_rate), float(self.final_rate), way)


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class CosLog4(EndingSchedule):
    """Four cosine waves, each about twice as long as the one before (RealMLP, arXiv 2407.04491).

    η(e) = η (1 - cos(2π log₂(1 + 15 e/E)))/2: from 0 up to η and down to 0 four times, where
    e/E = 1/15, 3/15, 7/15 and 1; to train on after that is refused. The first step is made with
    rate 0.

    Parameters
    ----------
    learning_rate : float
        η, positive: the highest.
    epochs : float
        E, positive: where the last wave ends.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.CosLog4(0.1, epochs=15)
    >>> schedule.rates(0, epochs=15, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.    , 0.    , 0.093 , 0.    , 0.0718, 0.093 , 0.0324, 0.    ,
           0.0259, 0.0718, 0.0984, 0.093 , 0.0653, 0.0324, 0.0083])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    epochs: float

    _checks: ClassVar[Checks] = {"learning_rate": check_positive, "epochs": check_positive}

    def _at(self, epoch: Floats) -> Floats:
        waves = np.log2(1 + 15 * np.clip(epoch / float(self.epochs), 0, 1))
        return float(self.learning_rate) * (1 - np.cos(2 * math.pi * waves)) / 2


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class OneCycle(EndingSchedule):
    """Up along half a cosine and down along another (Smith and Topin, 2018).

    With p = r·E: from s·η to η for e from 0 to p, then down to f·η at e = E; to train on after that
    is refused. Each way from a to b is a + (b-a) (1 - cos πx)/2 where x goes from 0 to 1. The
    momentum stays as it is.

    Parameters
    ----------
    learning_rate : float
        η, positive: the highest.
    epochs : float
        E, positive: where the cycle ends.
    rise : float, default 0.3
        r, 0 < r < 1: the share of the epochs that goes up.
    start_factor, final_factor : float, default 0.04 and 4e-6
        s and f, from 0 to 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> schedule = cr.OneCycle(0.1, epochs=4)
    >>> schedule.rates(0, epochs=4, steps_per_epoch=1).round(4)  # from epoch 0 on, of each step
    array([0.004 , 0.0936, 0.0812, 0.0283])
    >>> optimizer = cr.SGD(schedule)
    """

    learning_rate: float
    epochs: float
    _: KW_ONLY
    rise: float = 0.3
    start_factor: float = 0.04
    final_factor: float = 4e-6

    _checks: ClassVar[Checks] = {
        "learning_rate": check_positive,
        "epochs": check_positive,
        "rise": check_share,
        "start_factor": check_part,
        "final_factor": check_part,
    }

    def _at(self, epoch: Floats) -> Floats:
        highest, top = float(self.learning_rate), float(self.rise) * float(self.epochs)
        start, last = highest * float(self.start_factor), highest * float(self.final_factor)
        up = half_cosine(start, highest, epoch / top)
        down = half_cosine(highest, last, (epoch - top) / (float(self.epochs) - top))
        return np.where(epoch < top, up, down)


@dataclass(frozen=True, eq=False, repr=False)
class Function(Schedule):
    """η(e) = function(e) >= 0, called for every step with a float: what a function stands for.

    It is tried at once with e = 0.
    """

    function: Callable[[float], float]

    def __post_init__(self) -> None:
        self._rate(0.0)

    def _at(self, epoch: Floats) -> Floats:
        return np.array([self._rate(e) for e in epoch.tolist()])

    def _rate(self, epoch: float) -> float:
        rate = self.function(epoch)
        check_not_negative(f"learning_rate({epoch:g})", rate)
        return float(rate)


@known_options(OF_SCHEDULES)
@dataclass(frozen=True, eq=False, repr=False)
class ReduceOnPlateau(Schedule):
    """Lower by a factor when there was no progress for some epochs.

    η = max(η₀ fᵏ, min_rate), where k counts the reductions. After each epoch the figure `monitor`
    is looked at; k goes up when it has not been better than its best for `patience` epochs in a
    row, which are then counted anew. k, that count and the best are the state ``plateau_`` with the
    monitor's name, (3,) in float64. Where a `fit` watches other samples than the last one, the best
    and that count begin anew, as figures of both do not compare; the reductions stay. The state
    "plateau_data" (2,) tells them apart: their number and a checksum of targets and weights. Where
    Ctrl-C ended a validation, the next `fit` makes up for it first; till then a state is "unseen".

    Parameters
    ----------
    learning_rate : float
        η₀, positive.
    factor : float, default 0.1
        f, 0 < f < 1.
    patience : int, default 10
        1 or more.
    min_rate : float, default 0
        0 <= min_rate <= η₀.
    monitor : str, default "cost"
        A column of the `History`: "cost" (of training), "validation_cost" or
        "validation_accuracy"; the latter two need validation_data.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, y = np.eye(2), np.ones(2)
    >>> net = cr.Network([2, 1], output="identity", init="zeros", seed=0)
    >>> rule = cr.SGD(cr.ReduceOnPlateau(0.5, factor=0.1, patience=5))
    >>> history = net.fit(X, y, optimizer=rule, epochs=200)
    >>> history.learning_rate[0], bool(history.learning_rate[-1] < 0.5)
    (np.float64(0.5), True)
    """

    learning_rate: float
    factor: float = 0.1
    patience: int = 10
    _: KW_ONLY
    min_rate: float = 0.0
    monitor: str = "cost"

    _checks: ClassVar[Checks] = {
        "learning_rate": check_positive,
        "factor": check_share,
        "patience": partial(check_count, least=1),
    }

    counts_epochs = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_lower_rate("min_rate", self.min_rate, self.learning_rate)
        check_name("monitor", self.monitor, MONITORS, OF_FIGURES)

    @property
    def state(self) -> str:
        """Where what it has seen is kept in net.optimizer_state."""
        return f"plateau_{self.monitor}"

    @staticmethod
    def begin() -> Floats:
        """Return the state before the first epoch: no reductions, none waited, no best yet."""
        return np.array([0, 0, np.finfo(np.float64).max])

    def coming(self, state: State, epochs: int, steps_per_epoch: int) -> Floats:
        """Return η as it stands, (1,)."""
        reductions = int(state[self.state][0])
        rate = float(self.learning_rate) * float(self.factor) ** reductions
        return np.array([max(rate, float(self.min_rate))])

    def after(self, state: Floats, figure: float) -> tuple[float, float, float]:
        """Return the state after an epoch with this figure, as `state` was before it."""
        reductions, waited, best = state
        value = MONITORS[self.monitor] * figure
        if value < best:
            return reductions, 0, value
        if waited + 1 < self.patience:
            return reductions, waited + 1, best
        return reductions + 1, 0, best


def as_schedule(learning_rate: LearningRate) -> Schedule:
    """Return what `learning_rate` stands for: a number, a schedule, or a function of the epoch."""
    if isinstance(learning_rate, Schedule):
        return learning_rate
    if callable(learning_rate) and not isinstance(learning_rate, type):
        return Function(learning_rate)
    expected = "a positive number, a schedule such as chainrule.StepDecay(0.1), or a function"
    number: Any = learning_rate  # or a class, which is refused
    check_real("learning_rate", number, expected)
    return Constant(number)


def half_cosine(start: float, end: float, x: Floats) -> Floats:
    """Go from start to end along half a cosine while x goes from 0 to 1; stay there outside."""
    return start + (end - start) * (1 - np.cos(math.pi * np.clip(x, 0, 1))) / 2
