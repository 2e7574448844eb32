"""The costs, each with its formula: C_x of one sample, whose mean over the samples is the cost.

Over 400 lines for the docstrings alone, which are the reference that `help` shows.

A network takes the name, ``cost="huber"``, or, to choose the parameter, an object:

>>> import chainrule as cr
>>> cr.Network([4, 8, 2], output="identity", cost=cr.costs.huber(delta=2.0), seed=0).cost
huber(delta=2.0)

Objects are immutable, and equal where formula and parameter are. a is the output a^L and y the
target; Σ goes over the outputs. The kernels are in ``csrc/kernels/costs.h``, which output
activation a cost is for in ``csrc/chainrule.h``.

A cost of your own is any object with two methods, for any output activation:

- ``value(a, y)`` returns C_x of each of m samples, (m,), from outputs and targets (m, n_L);
- ``delta(z, a, y)`` returns δ^L = ∂C_x/∂z^L, (m, n_L), where a = σ(z): BP1 with the σ' in it.

They are called with read-only arrays in the network's dtype (labels as one-hot rows), or in float64
to be checked: before the first training `delta` is held against differences of `value` (see
`chainrule.model.own_functions`). The arrays are valid during the call; copy what you want to keep.

>>> import numpy as np
>>> class LogCosh:  # with an identity output
...     def value(self, a, y):
...         return np.log(np.cosh(a - y)).sum(axis=1)
...     def delta(self, z, a, y):
...         return np.tanh(a - y)
>>> net = cr.Network([4, 8, 2], output="identity", cost=LogCosh(), seed=0)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.fields import Checks
from chainrule.checks.formulas import (
    Formula,
    UserFormula,
    check_positive_parameter,
    find_formula,
)
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_number
from chainrule.checks.words import words
from chainrule.core import _core


@dataclass(frozen=True, eq=False, repr=False)
class Cost(Formula):
    """A cost, with its parameters if it has some."""

    coupling = ""  # why C_x is no sum over the targets of a sample, where it is none
    has_units = True  # targets are numbers, which outputs tell in their units
    # whether C_x is least where each output is its target, of whatever numbers these are
    is_least_at_target = True
    # from where to where targets are, as `read_targets` sees to; all of these it takes as they are
    span = (-math.inf, math.inf)

    @property
    def outputs_per_target(self) -> int:
        """How many outputs of the network there are for each target."""
        return 1

    @property
    def low(self) -> int:
        """The target of all classes but the sample's own, whose target is 1."""
        return _core.COST_LOWS[self.name]

    def in_units(
        self, scale: NDArray[Any], shift: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return what outputs are multiplied by, and what is added, (n_L,), to be in units.

        scale and shift (n,) are those of the targets, learned as (y - shift)/scale.
        """
        return self.lay_out(scale[None])[0], self.lay_out(shift[None])[0]

    def compiled(self, n_outputs: int) -> tuple[str, tuple[float, ...]]:
        """How the core takes it: name and parameters, for n_L outputs."""
        return self.name, self.parameters

    def read_targets(self, name: str, Y: NDArray[Any]) -> NDArray[Any]:
        """Return the targets Y (m, n) as its formula has them.

        Raises
        ------
        ValueError
            Unless the cost is defined for them.
        """
        return Y

    def lay_out(self, Y: NDArray[Any]) -> NDArray[Any]:
        """Return targets (m, n), or their weights, as (m, n_L): a column for each output."""
        return Y


class quadratic(Cost):
    """½Σ(y - a)²; ∂C/∂a = a - y. Targets: any numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", cost="quadratic", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[2.0]], [[5.0]])["cost"], 3)
    4.5
    """


class squared_error(Cost):
    """Σ(y - a)²; ∂C/∂a = 2(a - y). Targets: any numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", cost="squared_error", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[2.0]], [[5.0]])["cost"], 3)
    9.0
    """


class absolute_error(Cost):
    """Σ|y - a|; ∂C/∂a = sign(a - y), 0 at a = y. Targets: any numbers. Outputs tend to medians.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", cost="absolute_error", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[2.0]], [[5.0]])["cost"], 3)
    3.0
    """


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class huber(Cost):
    """Σ ½r² where |r| <= δ, else δ(|r| - ½δ), with r = y - a; ∂C/∂a = a - y, cut off at ±δ.

    Quadratic for small errors and straight for large ones, so that outliers pull no harder than
    others (Huber, 1964). Targets: any numbers.

    Parameters
    ----------
    delta : float, default 1.0
        δ > 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", cost=cr.costs.huber(delta=1.0), bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[2.0]], [[5.0]])["cost"], 3)
    2.5
    """

    delta: float = 1.0

    _checks: ClassVar[Checks] = {"delta": check_positive_parameter}


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class quantile(Cost):
    """Σ τ(y - a) where y > a, else (1 - τ)(a - y); ∂C/∂a = -τ or 1 - τ, 0 at a = y.

    Each output tends to the τ-quantile of its target (Koenker and Bassett, 1978). With k levels and
    n targets the network has n·k outputs: of the first target the k levels in their order, then of
    the second. Targets: (m, n), any numbers.

    Parameters
    ----------
    levels : float or sequence of float, default 0.5
        The τ of each output of a target, 0 < τ < 1, all different; kept as a tuple.

    Examples
    --------
    >>> import chainrule as cr
    >>> cost = cr.costs.quantile([0.1, 0.5, 0.9])
    >>> net = cr.Network([4, 8, 6], output="identity", cost=cost, seed=0)  # two targets a sample
    """

    levels: float | Sequence[float] = 0.5

    def __post_init__(self) -> None:
        given: Any = self.levels
        levels = tuple(given) if np.ndim(given) else (given,)
        for level in levels:
            check_number(
                "each of levels of quantile", level, lambda x: 0 < x < 1, "a number between 0 and 1"
            )
        levels = tuple(map(float, levels))
        if not levels or len(set(levels)) < len(levels):
            raise ValueError(
                f"levels of quantile must be one or more, all different; got {given!r}"
            )
        object.__setattr__(self, "levels", levels)

    @property
    def _kept(self) -> tuple[float, ...]:
        # a field has one type, for what is given and for what __post_init__ made of it, a tuple
        return cast("tuple[float, ...]", self.levels)

    @property
    def outputs_per_target(self) -> int:
        """A level each."""
        return len(self._kept)

    def compiled(self, n_outputs: int) -> tuple[str, tuple[float, ...]]:
        """Give each output its level."""
        return self.name, self._kept * (n_outputs // len(self._kept))

    def lay_out(self, Y: NDArray[Any]) -> NDArray[Any]:
        """Repeat each target for all its levels, side by side."""
        return np.repeat(Y, len(self._kept), axis=1)


class hinge(Cost):
    """Σ max(0, 1 - ya) for y = ±1; ∂C/∂a = -y where ya < 1, else 0: a soft margin.

    Targets: one column of -1 and 1, or of 0 and 1, which are taken as -1 and 1; or, for several
    outputs, labels or one-hot rows: each class against the rest.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", cost="hinge", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[0.4]], [[1]])["cost"], 3)
    0.6
    """

    has_units = is_least_at_target = False
    span = (math.inf, -math.inf)  # two values alone

    def read_targets(self, name: str, Y: NDArray[Any]) -> NDArray[Any]:
        """Accept two values alone, and take 0 as -1."""
        if not (((Y == -1) | (Y == 1)).all() or ((Y == 0) | (Y == 1)).all()):
            found = ", ".join(map(str, np.unique(Y)[:5]))
            raise ValueError(
                f"{name} must hold -1 and 1, or 0 and 1, alone for the hinge cost; it holds {found}"
            )
        return np.where(Y == 0, Y.dtype.type(-1), Y)


class cross_entropy(Cost):
    """-Σ y ln a + (1 - y) ln(1 - a), for a sigmoid output; δ^L = a - y. Targets: from 0 to 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="sigmoid", cost="cross_entropy", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[0.0]], [[1]])["cost"], 3)
    0.693
    """

    has_units = is_least_at_target = False
    span = (0.0, 1.0)

    def read_targets(self, name: str, Y: NDArray[Any]) -> NDArray[Any]:
        """Accept probabilities."""
        if ((Y < 0) | (Y > 1)).any():
            raise ValueError(
                f"{name} must lie in [0, 1] for the cross_entropy cost; it spans [{Y.min()}, "
                f"{Y.max()}]. For numbers in units write Network(..., task='regression'); classes "
                "may be text, or with several outputs whole numbers"
            )
        return Y


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class log_likelihood(Cost):
    """-Σ t ln a with t = (1 - s)y + s/n_L, for a softmax output; δ^L = a - t.

    With s = 0 it is -ln a_y of the class y. Otherwise the targets are smoothed, so that no output
    has to become 1 (Szegedy et al., 2016). Targets: labels, or rows of a sum of 1; of rows of
    another sum Σy, t = (1 - s)y + sΣy/n_L and δ^L = aΣy - t.

    Parameters
    ----------
    smoothing : float, default 0.0
        0 <= s < 1.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([2, 2], output="softmax", cost="log_likelihood", bias=False)
    >>> net.weights[0][:] = np.eye(2)  # so that z is the input
    >>> round(net.evaluate([[0.0, 0.0]], [1])["cost"], 3)  # ln 2: both classes are as likely
    0.693
    >>> smooth = cr.costs.log_likelihood(smoothing=0.1)
    >>> cr.Network([2, 8, 2], output="softmax", cost=smooth, seed=0).cost
    log_likelihood(smoothing=0.1)
    """

    smoothing: float = 0.0

    coupling = "log_likelihood is of the class of a sample, that is of all its outputs together"
    has_units = is_least_at_target = False
    span = (0.0, math.inf)

    _checks: ClassVar[Checks] = {
        "smoothing": partial(
            check_number, valid=lambda x: 0 <= x < 1, expected="a number from 0 to below 1"
        )
    }

    def read_targets(self, name: str, Y: NDArray[Any]) -> NDArray[Any]:
        """Accept shares of the classes."""
        _refuse_negative(self, name, Y)
        return Y


class poisson(Cost):
    """Σ(a - y ln a), for an exponential output, the rate; δ^L = a - y.

    That is -ln of the Poisson probability of the count y, without its ln y!, in which a does not
    occur. Targets: 0 or more, whole or not.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="exponential", cost="poisson", bias=False)
    >>> net.parameters[:] = 1  # so that z is the input
    >>> round(net.evaluate([[1.0]], [[2]])["cost"], 3)
    0.718
    """

    has_units = is_least_at_target = False
    span = (0.0, math.inf)

    def read_targets(self, name: str, Y: NDArray[Any]) -> NDArray[Any]:
        """Accept counts."""
        _refuse_negative(self, name, Y)
        return Y


class gaussian(Cost):
    """½Σ s + (y - μ)²e^-s, for an identity output of n means μ, then n s = ln(variance).

    That is -ln of the normal density, without its ½ln 2π. δ^L is (μ - y)e^-s for the means, and
    ½(1 - (y - μ)²e^-s) for the s. Targets: (m, n), any numbers, for 2n outputs.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> net = cr.Network([1, 8, 2], hidden="tanh", output="identity", cost="gaussian", seed=0)
    >>> history = net.fit(X, X**2, optimizer=cr.Adam(0.01), epochs=100)
    >>> mean, log_variance = net(X).T
    >>> mean.shape, bool(history.cost[-1] < history.cost[0])
    ((100,), True)
    """

    is_least_at_target = False

    @property
    def outputs_per_target(self) -> int:
        """A mean and the logarithm of a variance."""
        return 2

    def lay_out(self, Y: NDArray[Any]) -> NDArray[Any]:
        """Set the targets beside the means, and again beside the variances."""
        return np.concatenate([Y, Y], axis=1)

    def in_units(
        self, scale: NDArray[Any], shift: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """ln(variance) gains 2 ln(scale)."""
        return np.append(scale, np.ones_like(scale)), np.append(shift, 2 * np.log(scale))


COSTS: dict[str, type[Cost]] = {name: globals()[name] for name in _core.COSTS}

# What other tools call them.
WORDS = words(
    {
        "Use 'squared_error', the sum over the outputs, or 'quadratic', half of it.": "mse MSE "
        "MSELoss mean_squared_error MeanSquaredError squared_loss least_squares l2 L2 rmse l2_loss "
        "root_mean_squared_error sse",
        "Use 'absolute_error'.": "mae MAE l1 L1 L1Loss l1_loss mean_absolute_error absolute_loss "
        "MeanAbsoluteError lad",
        "Use 'cross_entropy', with output='sigmoid'.": "bce BCE BCELoss BCEWithLogitsLoss logloss "
        "binary_crossentropy binary_cross_entropy binary_cross_entropy_with_logits "
        "BinaryCrossentropy log_loss logistic",
        "Use 'log_likelihood', with output='softmax'; for labels of two classes, or several a "
        "sample, 'cross_entropy', with output='sigmoid'.": "crossentropy CrossEntropyLoss ce CE "
        "CrossEntropy",
        "Use 'log_likelihood', with output='softmax'.": "nll NLL NLLLoss nll_loss "
        "categorical_crossentropy sparse_categorical_crossentropy categorical_cross_entropy "
        "CategoricalCrossentropy SparseCategoricalCrossentropy softmax_cross_entropy "
        "negative_log_likelihood multinomial mlogloss",
        "Use 'huber'.": "smooth_l1 SmoothL1Loss smooth_l1_loss HuberLoss huber_loss",
        "Use 'quantile', or chainrule.costs.quantile([0.1, 0.5, 0.9]).": "pinball pinball_loss "
        "quantile_loss mean_pinball_loss median",
        "Use 'hinge'.": "HingeLoss hinge_loss svm margin MultiMarginLoss",
        "Use 'poisson', with output='exponential'.": "PoissonNLLLoss poisson_nll poisson_nll_loss",
        "Use 'gaussian', with output='identity'.": "GaussianNLLLoss gaussian_nll normal",
    }
)


class OwnCost(Protocol):
    """What a cost of your own is: any object with these methods."""

    def value(self, a: NDArray[Any], y: NDArray[Any], /) -> NDArray[Any]:
        """Return C_x of each of m samples, (m,)."""
        ...

    def delta(self, z: NDArray[Any], a: NDArray[Any], y: NDArray[Any], /) -> NDArray[Any]:
        """Return δ^L, like z."""
        ...


class UserCost(UserFormula, Cost):
    """A cost of the user's: an object with value(a, y) and delta(z, a, y)."""

    methods = ("value", "delta")
    coupling = "a cost of your own is one number a sample"
    is_least_at_target = False  # nobody knows

    @property
    def low(self) -> int:
        """Labels become one-hot rows of 0 and 1."""
        return 0

    def compiled(self, n_outputs: int) -> tuple[Any, tuple[float, ...]]:
        """How the core takes it: the object calls Python."""
        return self.function, ()


def find_cost(given: Any, output: str, n_outputs: int) -> Cost:
    """Return the cost that `given` is or names, if it is for that output activation and width."""
    if (own := UserCost.of("cost", given)) is not None:
        return own
    cost = find_formula("cost", given, COSTS, COSTS, WORDS)
    needed = _core.COST_OUTPUTS[cost.name]
    if needed not in (None, output):
        fitting = [c for c in COSTS if _core.COST_OUTPUTS[c] in (None, output)]
        raise ValueError(
            f"cost '{cost.name}' is for output='{needed}'; got output='{output}'. "
            f"Costs for '{output}': {', '.join(fitting)}"
        )
    each = cost.outputs_per_target
    if n_outputs % each:
        raise ValueError(
            f"cost '{cost.name}' takes {each} outputs for each target, so their number must be a "
            f"multiple of {each}; got {n_outputs}"
        )
    return cost


def _refuse_negative(cost: Cost, name: str, Y: NDArray[Any]) -> None:
    if (Y < 0).any():
        raise ValueError(
            f"{name} must not be negative for the {cost.name} cost; its least is {Y.min()}"
        )
