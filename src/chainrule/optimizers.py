"""Optimisers: what a step makes of the gradient. The arithmetic is in `csrc/kernels/updates.h`.

Over 400 lines for the docstrings alone, which are the reference that `help` shows.

In the formulas g is the mini-batch's mean gradient with its penalties (`fit`'s l1 and l2), η the
learning rate, t = 1, 2, ... the number of the step; all is entry by entry. What an optimiser
carries from step to step stands in `net.optimizer_state`, so that a later `fit` goes on with it.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from numpy.typing import NDArray

from chainrule.checks.by_layer import ByLayer, check_by_layer, is_by_layer
from chainrule.checks.fields import LATER, CheckedFields, Checks
from chainrule.checks.keywords import known_options
from chainrule.checks.options import (
    check_above_1,
    check_flag,
    check_keep,
    check_not_negative,
    check_number,
    check_positive,
    check_share,
)
from chainrule.checks.other_tools import OF_OPTIMIZERS
from chainrule.schedules import LearningRate, Schedule, as_schedule


def _check_epsilon(name: str, value: Any) -> None:
    """Raise unless ε is a positive number, or such numbers by layer."""
    if is_by_layer(value):
        check_by_layer(name, value, check_positive)
    else:
        check_positive(name, value)


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer(CheckedFields):
    """The part common to all: a learning rate, and what the compiled core is told.

    An optimiser is a subclass and a function of the name `kernel` in `csrc/kernels/updates.h`.
    """

    kernel: ClassVar[str]
    states: ClassVar[tuple[str, ...]] = ()  # the arrays it carries: the kernel's s and t
    settings: ClassVar[dict[str, str]] = {}  # what `_core.Recipe` calls each of its settings
    counts_steps: ClassVar[bool] = False  # whether a step depends on its number t

    learning_rate: LearningRate

    _checks: ClassVar[Checks] = {"learning_rate": lambda _, rate: as_schedule(rate)}

    def __post_init__(self) -> None:
        """Check the fields, and keep an ε for each layer where nobody can change it."""
        super().__post_init__()
        epsilon = getattr(self, "epsilon", 0)
        if is_by_layer(epsilon):
            fixed = check_by_layer("epsilon", epsilon, check_positive)
            object.__setattr__(self, "epsilon", fixed)

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule."""
        return as_schedule(self.learning_rate)

    def begin(self, name: str, values: NDArray[Any]) -> None:
        """Fill `values` (n_parameters,) with what the state `name` is before the first step."""
        values[:] = 0


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked.

    Plain: w ← w - η g. With momentum μ: v ← μ v - η g and w ← w + v; with Nesterov's look-ahead
    w ← w + μ v - η g. That is the book's momentum (chapter 3). v begins at 0; it is the state
    "velocity".

    Parameters
    ----------
    learning_rate : float, schedule or function, default 0.1
        η, positive; or how it changes (`chainrule.schedules`).
    momentum : float, default 0
        μ, 0 <= μ < 1.
    nesterov : bool, default False
        Look ahead (Sutskever et al., 2013); needs momentum.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.SGD(0.5, momentum=0.9)
    SGD(learning_rate=0.5, momentum=0.9, nesterov=False)
    """

    kernel: ClassVar[str] = "sgd"
    settings: ClassVar[dict[str, str]] = {"beta1": "momentum", "nesterov": "nesterov"}

    learning_rate: LearningRate = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    _checks: ClassVar[Checks] = Optimizer._checks | {
        "momentum": check_keep,
        "nesterov": check_flag,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True needs momentum above 0, for example momentum=0.9")

    @property
    def states(self) -> tuple[str, ...]:  # type: ignore[override]  # known of an object alone
        """The velocity, where there is momentum."""
        return ("velocity",) if self.momentum else ()


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class Adagrad(Optimizer):
    """Smaller steps for the parameters that have moved much (Duchi, Hazan and Singer, 2011).

    s ← s + g², w ← w - η g/(√s + ε). s begins at 0; it is the state "sum_of_squares".

    Parameters
    ----------
    learning_rate : float, schedule or function, default 0.01
        η, positive; or how it changes.
    epsilon : float, or list by layer, default 1e-10
        ε, positive; or one for each layer, a number or a pair (of the weights, of the biases).

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.Adagrad(0.1), epochs=50)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['sum_of_squares']
    """

    kernel: ClassVar[str] = "adagrad"
    states: ClassVar[tuple[str, ...]] = ("sum_of_squares",)
    settings: ClassVar[dict[str, str]] = {"epsilon": "epsilon"}

    learning_rate: LearningRate = 0.01
    epsilon: float | ByLayer = 1e-10

    _checks: ClassVar[Checks] = Optimizer._checks | {"epsilon": _check_epsilon}


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class RMSprop(Optimizer):
    """Each parameter's gradient over its size of late (Tieleman and Hinton, 2012, lecture 6e).

    s ← ρ s + (1-ρ) g², w ← w - η g/(√s + ε). s begins at 0; it is the state "mean_square".

    Parameters
    ----------
    learning_rate : float, schedule or function, default 0.01
        η, positive; or how it changes.
    rho : float, default 0.99
        ρ, 0 <= ρ < 1: how much of s is kept.
    epsilon : float, or list by layer, default 1e-8
        ε, positive; or by layer, as for Adagrad.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.RMSprop(0.01), epochs=50)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['mean_square']
    """

    kernel: ClassVar[str] = "rmsprop"
    states: ClassVar[tuple[str, ...]] = ("mean_square",)
    settings: ClassVar[dict[str, str]] = {"beta2": "rho", "epsilon": "epsilon"}

    learning_rate: LearningRate = 0.01
    rho: float = 0.99
    epsilon: float | ByLayer = 1e-8

    _checks: ClassVar[Checks] = Optimizer._checks | {"rho": check_keep, "epsilon": _check_epsilon}


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveMoments(Optimizer):
    """The part common to Adam's kind: a mean of the gradient, over a measure of its size."""

    settings: ClassVar[dict[str, str]] = {name: name for name in ("beta1", "beta2", "epsilon")}
    counts_steps: ClassVar[bool] = True

    learning_rate: LearningRate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float | ByLayer = 1e-8

    _checks: ClassVar[Checks] = Optimizer._checks | {
        "beta1": check_keep,
        "beta2": check_keep,
        "epsilon": _check_epsilon,
    }


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class Adam(AdaptiveMoments):
    """Momentum over size, both corrected for their beginning (Kingma and Ba, 2015).

    s ← β₁ s + (1-β₁) g, r ← β₂ r + (1-β₂) g²,
    w ← w - η (s/(1-β₁ᵗ)) / (√(r/(1-β₂ᵗ)) + ε). s and r begin at 0; they are the states "mean" and
    "mean_square", and t is "steps". With epsilon_hat it is, as at the end of the paper's section 2,
    w ← w - η (√(1-β₂ᵗ)/(1-β₁ᵗ)) s/(√r + ε).

    Parameters
    ----------
    learning_rate : float, schedule or function, default 0.001
        η, positive; or how it changes.
    beta1, beta2 : float, default 0.9 and 0.999
        β₁ and β₂, 0 <= β < 1: how much of s and r is kept.
    epsilon : float, or list by layer, default 1e-8
        ε, positive; or by layer, as for Adagrad: with ``rates`` of `fit` that trains the weights of
        z = xW/√d + b by Adam as those of z = xW, each with rate η/√d and ε√d.
    epsilon_hat : bool, default False
        Whether ε is the paper's ε̂, which is added before the correction, as scikit-learn and
        Keras do: in the first steps it counts more, by 1/√(1-β₂ᵗ).

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.Adam(0.01), epochs=50)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['epochs', 'mean', 'mean_square', 'steps']
    """

    kernel: ClassVar[str] = "adam"
    states: ClassVar[tuple[str, ...]] = ("mean", "mean_square")
    settings: ClassVar[dict[str, str]] = AdaptiveMoments.settings | {"epsilon_hat": "epsilon_hat"}

    epsilon_hat: bool = field(default=False, kw_only=True, metadata=LATER)

    _checks: ClassVar[Checks] = AdaptiveMoments._checks | {"epsilon_hat": check_flag}


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019).

    As Adam, but W ← (1 - η d) W before the step; biases do not decay. Its states are Adam's.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, epsilon_hat
        As for Adam.
    weight_decay : float, default 0.01
        d, 0 or more.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.AdamW(0.01), epochs=50)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['epochs', 'mean', 'mean_square', 'steps']
    """

    settings: ClassVar[dict[str, str]] = Adam.settings | {"decay": "weight_decay"}

    weight_decay: float = 0.01

    _checks: ClassVar[Checks] = Adam._checks | {"weight_decay": check_not_negative}


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class Adamax(AdaptiveMoments):
    """Adam with the largest gradient in the place of its mean square (Kingma and Ba, 2015).

    s ← β₁ s + (1-β₁) g, r ← max(β₂ r, |g| + ε), w ← w - η (s/(1-β₁ᵗ)) / r. s and r begin at 0; they
    are the states "mean" and "largest", and t is "steps".

    Parameters
    ----------
    learning_rate : float, schedule or function, default 0.002
        η, positive; or how it changes.
    beta1, beta2, epsilon
        As for Adam.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.Adamax(0.1), epochs=50)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['epochs', 'largest', 'mean', 'steps']
    """

    kernel: ClassVar[str] = "adamax"
    states: ClassVar[tuple[str, ...]] = ("mean", "largest")

    learning_rate: LearningRate = 2e-3


@known_options(OF_OPTIMIZERS)
@dataclass(frozen=True, eq=False, repr=False)
class Rprop(Optimizer):
    """A step of its own for each parameter, by the gradient's sign alone (Riedmiller, Braun, 1993).

    Where g has the sign it had before, the step Δ grows: Δ ← Δ·grow. Where the sign has changed,
    Δ ← Δ·shrink and no step is made (nor counted as a sign). Else w ← w - sign(g) Δ. It is for
    batches of all samples: the signs of mini-batches are mostly noise. The last g and Δ are the
    states "previous_gradient" and "step_size".

    Parameters
    ----------
    learning_rate : float, default 0.01
        Where each Δ begins, from min_step to max_step. A number: Rprop has no schedule but its own.
    shrink, grow : float, default 0.5 and 1.2
        0 < shrink < 1 < grow.
    min_step, max_step : float, default 1e-6 and 50
        What Δ is kept between, 0 < min_step <= max_step.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=cr.Rprop(), epochs=50, batch_size=100)
    >>> bool(history.cost[-1] < history.cost[0] / 2)
    True
    >>> sorted(net.optimizer_state)
    ['previous_gradient', 'step_size']
    """

    kernel: ClassVar[str] = "rprop"
    states: ClassVar[tuple[str, ...]] = ("previous_gradient", "step_size")
    settings: ClassVar[dict[str, str]] = {
        "beta1": "shrink",
        "beta2": "grow",
        "least": "min_step",
        "most": "max_step",
    }

    learning_rate: float = 0.01
    shrink: float = 0.5
    grow: float = 1.2
    min_step: float = 1e-6
    max_step: float = 50.0

    _checks: ClassVar[Checks] = {
        "shrink": check_share,
        "grow": check_above_1,
        "min_step": check_positive,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(
            "max_step", self.max_step, lambda x: x >= self.min_step, "a number from min_step on"
        )
        check_number(
            "learning_rate",
            self.learning_rate,
            lambda x: self.min_step <= x <= self.max_step,
            "a number from min_step to max_step, where Rprop's own steps begin",
        )

    def begin(self, name: str, values: NDArray[Any]) -> None:
        """Fill the step sizes with the learning rate, the previous gradient with 0."""
        values[:] = self.learning_rate if name == "step_size" else 0


OPTIMIZERS = {kind.__name__: kind for kind in (SGD, Adagrad, RMSprop, Adam, AdamW, Adamax, Rprop)}


def check_optimizer(optimizer: object) -> Optimizer:
    """Return `optimizer` if it is one of this module."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    given = optimizer if isinstance(optimizer, str) else getattr(optimizer, "__name__", "")
    known = [*OPTIMIZERS, "LBFGS", "LevenbergMarquardt"]  # the last two go by FullBatchOptimizer
    names = {name.lower(): name for name in known}
    name = names.get(given.lower().replace("_", ""), "SGD")
    raise TypeError(
        f"optimizer must be an optimiser with its settings, such as chainrule.{name}(); "
        f"got {optimizer!r}. Known: {', '.join(known)}"
    )
