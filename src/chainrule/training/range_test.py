"""The learning-rate range test: which learning rates make the cost fall."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_number, check_positive
from chainrule.checks.other_tools import OF_FIT
from chainrule.checks.samples import Samples
from chainrule.model.model import Model, check_learns
from chainrule.model.reach import check_reach
from chainrule.model.standard import standardize
from chainrule.optimizers import Optimizer, Rprop, check_optimizer
from chainrule.results.pictures import BLUE, LIGHT_BLUE, ORANGE, documents_axes, open_course
from chainrule.training.endings import DivergenceError
from chainrule.training.fit_options import read_options
from chainrule.training.training import Training

# How much of the moving average of the costs is kept, and how far above its least the test ends.
_KEEP, _HOPELESS = 0.9, 4


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateRange:
    """What the range test saw.

    Attributes
    ----------
    rates : ndarray (steps,)
        The learning rate of each step.
    costs : ndarray (steps,)
        The cost of each step's mini-batch before the step.
    smoothed : ndarray (steps,)
        Their moving average c ← 0.9 c + 0.1 C, divided by 1 - 0.9ᵗ for its beginning at 0.
    """

    rates: NDArray
    costs: NDArray
    smoothed: NDArray

    @property
    def suggestion(self) -> float | None:
        """The rate where `smoothed` falls most steeply over ln η, on the way to its least.

        The first ten steps (or half of less than twenty) are left out, in which the average is
        still of few costs; None if the least is among them.
        """
        first, least = min(10, len(self.rates) // 2), int(np.argmin(self.smoothed))
        if least <= first:
            return None
        slopes = np.gradient(self.smoothed, np.log(self.rates))
        return float(self.rates[first + np.argmin(slopes[first : least + 1])])

    def __repr__(self):
        suggestion = "none" if self.suggestion is None else f"{self.suggestion:.3g}"
        return (
            f"<LearningRateRange: {len(self.rates)} steps from {self.rates[0]:.3g} "
            f"to {self.rates[-1]:.3g}, suggestion {suggestion}>"
        )

    @documents_axes
    def plot(self, ax=None):
        """Draw the costs over the learning rate, on a logarithmic scale, with the suggestion."""
        ax = open_course(ax, "learning rate")
        ax.set_xscale("log")
        ax.plot(self.rates, self.costs, color=LIGHT_BLUE, linewidth=1, label="mini-batch")
        ax.plot(self.rates, self.smoothed, color=BLUE, linewidth=1.8, label="smoothed")
        if self.suggestion is not None:
            label = f"suggestion {self.suggestion:.3g}"
            ax.axvline(self.suggestion, color=ORANGE, linewidth=1.2, label=label)
        ax.set_ylabel("cost per sample", color=BLUE)
        ax.legend(frameon=False)
        return ax


@known_options(OF_FIT)
def learning_rate_range(
    net: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
) -> LearningRateRange:
    """Train a copy of `net` with a learning rate that grows in each step, and watch the cost.

    η goes from `low` to `high` by equal factors (Smith, 2017). Where the cost falls, η is large
    enough; where it rises, too large. The test ends early when the cost is no longer finite, or
    its moving average above four times its least.

    Parameters
    ----------
    net : Network
        It stays as it is.
    X : array (m, n_1)
    y : array (m, n_L), or integer labels (m,)
    optimizer : SGD, Adam, ..., optional
        Whose learning rate to look for, with its other settings; ``SGD()`` if not given.
    low, high : float, default 1e-6 and 10
        0 < low < high.
    steps : int, default 100
        2 or more.
    batch_size : int, default 32
        Samples in a mini-batch, from a new order whenever all have been seen.

    Returns
    -------
    LearningRateRange
        .rates, .costs and .smoothed, .suggestion, .plot()

    Raises
    ------
    ValueError, TypeError
        For data or options that do not fit, and for Rprop, which has no learning rate to look for.
    DivergenceError
        If the cost is not finite in the first step.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 4))
    >>> y = X[:, 0] * X[:, 1]
    >>> net = cr.Network([4, 16, 1], hidden="tanh", output="identity", seed=0)
    >>> found = cr.learning_rate_range(net, X, y, optimizer=cr.Adam())
    >>> 1e-6 < found.suggestion < 10
    True
    """
    optimizer = check_optimizer(optimizer)
    if isinstance(optimizer, Rprop):
        raise ValueError("Rprop finds its own steps; there is no learning rate to look for")
    check_positive("low", low)
    check_number("high", high, lambda x: x > low, f"a number above low, {low}")
    steps = check_count("steps", steps, least=2)
    batch_size = check_count("batch_size", batch_size, least=1)
    net = copy.copy(net)
    net.optimizer_state = {}
    check_learns(net)
    samples = Samples(net, X, y, learns=True)
    standardize(net, samples)
    check_reach(net, samples.targets)
    net._settle(samples)
    batches = _batches(len(samples), batch_size, np.random.default_rng(net.seed))
    rates = np.geomspace(low, high, steps)
    costs: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for step, rate in enumerate(rates, start=1):
        rows = next(batches)
        rule = replace(optimizer, learning_rate=float(rate))
        try:
            options = read_options({"optimizer": rule, "epochs": 1, "batch_size": len(rows)})
            history = Training(net, samples.of_rows(rows), options).run()
        except DivergenceError:
            if not costs:
                raise
            break
        costs.append(history.cost[0])
        average = _KEEP * average + (1 - _KEEP) * costs[-1]
        smoothed.append(average / (1 - _KEEP**step))
        if smoothed[-1] > _HOPELESS * min(smoothed):
            break
    return LearningRateRange(rates[: len(costs)], np.array(costs), np.array(smoothed))


def _batches(m, batch_size, rng):
    """Yield the rows of one mini-batch after another, for ever."""
    while True:
        order = rng.permutation(m)
        yield from (order[start : start + batch_size] for start in range(0, m, batch_size))
