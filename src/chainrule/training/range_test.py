"""The learning-rate range test: which learning rates make the cost fall."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_number, check_positive
from chainrule.checks.other_tools import OF_FIT
from chainrule.checks.samples import Samples
from chainrule.checks.threads import check_threads
from chainrule.model import passes
from chainrule.model.model import Model, check_learns, check_network
from chainrule.model.reach import check_reach
from chainrule.model.standard import standardize
from chainrule.optimizers import Adam, Optimizer, Rprop, check_optimizer
from chainrule.results.pictures import BLUE, LIGHT_BLUE, ORANGE, documents_axes, open_course
from chainrule.training.endings import DivergenceError
from chainrule.training.fit_options import OPTIONS, read_options
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.training import Training

# How much of the moving average of the costs is kept, and how far above its least the test ends.
_KEEP, _HOPELESS = 0.9, 4
# Samples of a step, and samples whose cost is watched. Watching the mini-batches themselves, or
# steps of 32, the suggestion is in the noise on some tables (docs/rates.md).
_OF_STEP, _WATCHED = 512, 2048


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateRange:
    """What the range test saw.

    Attributes
    ----------
    rates : ndarray (steps,)
        The learning rate of each step.
    costs : ndarray (steps,)
        The cost before each step, of the same samples each time: all, or 2048 drawn from more.
    smoothed : ndarray (steps,)
        Their moving average c ← 0.9 c + 0.1 C, divided by 1 - 0.9ᵗ for its beginning at 0.
    suggestion : float
        The rate where `smoothed` falls most steeply over ln η, on the way to its least; without the
        first ten steps (or half of less than twenty), in which the average is of few costs.
    """

    rates: NDArray
    costs: NDArray
    smoothed: NDArray
    suggestion: float

    def __repr__(self):
        return (
            f"<LearningRateRange: {len(self.rates)} steps from {self.rates[0]:.3g} "
            f"to {self.rates[-1]:.3g}, suggestion {self.suggestion:.3g}>"
        )

    @documents_axes
    def plot(self, ax=None):
        """Draw the costs over the learning rate, on a logarithmic scale, with the suggestion."""
        ax = open_course(ax, "learning rate")
        ax.set_xscale("log")
        ax.plot(self.rates, self.costs, color=LIGHT_BLUE, linewidth=1, label="before each step")
        ax.plot(self.rates, self.smoothed, color=BLUE, linewidth=1.8, label="smoothed")
        label = f"suggestion {self.suggestion:.3g}"
        ax.axvline(self.suggestion, color=ORANGE, linewidth=1.2, label=label)
        least, most = self.costs.min(), self.smoothed.max()
        margin = (most - least) / 20
        ax.set_ylim(least - margin, most + margin)  # the last costs may be many times all others
        ax.set_ylabel("cost per sample", color=BLUE)
        ax.legend(frameon=False)
        return ax


@known_options(OF_FIT | dict.fromkeys(OPTIONS, "It is an option of fit(...)."))
def learning_rate_range(
    net: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int | None = None,
) -> LearningRateRange:
    """Train a copy of `net` with a learning rate that grows in each step, and watch the cost.

    η goes from `low` to `high` by equal factors (Smith, 2017). Where the cost falls, η is large
    enough; where it rises, too large. The test ends early when the cost is no longer finite, or
    its moving average has risen by more than four times what it began with.

    Parameters
    ----------
    net : Network
        It stays as it is.
    X : array (m, n_1)
    y : array (m, n_L), or integer labels (m,)
    optimizer : SGD, Adam, ..., optional
        Whose learning rate to look for, with its other settings. If not given the network's last,
        ``net.optimizer``; for a network never trained ``Adam()``.
    low, high : float, default 1e-6 and 10
        0 < low < high.
    steps : int, default 100
        2 or more.
    batch_size : int, optional
        Samples of a step, from a new order whenever all have been seen; min(512, m) if not given.

    Returns
    -------
    LearningRateRange
        .rates, .costs and .smoothed, .suggestion, .plot()

    Raises
    ------
    ValueError, TypeError
        For data or options that do not fit; for optimisers that have no learning rate to look for,
        as Rprop; and if the cost falls at none of the rates.
    DivergenceError
        If the cost is not finite before the first step, or after it.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 4))
    >>> y = np.sin(X[:, 0])
    >>> net = cr.Network([4, 16, 1], hidden="tanh", output="identity", seed=0)
    >>> found = cr.learning_rate_range(net, X, y)
    >>> 1e-3 < found.suggestion < 0.1
    True
    >>> history = net.fit(X, y, optimizer=cr.Adam(found.suggestion / 3), epochs=20)
    """
    check_network(net)
    if optimizer is None:
        optimizer = net._optimizer or Adam()
    if isinstance(optimizer, Rprop | FullBatchOptimizer):
        kind = type(optimizer).__name__
        raise ValueError(f"{kind} finds its own steps; there is no learning rate to look for")
    optimizer = check_optimizer(optimizer)
    check_positive("low", low)
    check_number("high", high, lambda x: x > low, f"a number above low, {low}")
    steps = check_count("steps", steps, least=3)
    batch_size = check_count("batch_size", _OF_STEP if batch_size is None else batch_size, least=1)
    net = copy.copy(net)
    net.optimizer_state = {}
    check_learns(net)
    samples = Samples(net, X, y, learns=True)
    standardize(net, samples)
    check_reach(net, samples)
    net._settle(samples)
    m, threads, rng = len(samples), check_threads(None), np.random.default_rng(net.seed)
    batches, watched = _batches(m, batch_size, rng), samples
    if m > _WATCHED:
        watched = samples.of_rows(np.sort(rng.choice(m, _WATCHED, replace=False)))
    rates = np.geomspace(low, high, steps)
    costs: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for step, rate in enumerate(rates, start=1):
        cost = passes.evaluate(net, watched, threads)[0]
        if not np.isfinite(cost):
            break
        costs.append(cost)
        average = _KEEP * average + (1 - _KEEP) * cost
        smoothed.append(average / (1 - _KEEP**step))
        least = min(smoothed)  # below 0 for some costs
        if smoothed[-1] - least > _HOPELESS * max(abs(least), abs(smoothed[0])):
            break
        rows = next(batches)
        rule = replace(optimizer, learning_rate=float(rate))
        options = read_options({"optimizer": rule, "epochs": 1, "batch_size": len(rows)})
        try:
            Training(net, samples.of_rows(rows), options).run()
        except DivergenceError:
            if step == 1:
                raise
            break
    if not costs:
        raise DivergenceError(
            "the cost is not finite before the first step. Try inputs scaled to about -1 ... 1, or "
            "other initial parameters"
        )
    seen = rates[: len(costs)], np.array(costs), np.array(smoothed)
    return LearningRateRange(*seen, suggestion_of(seen[0], seen[2]))


def suggestion_of(rates: NDArray, smoothed: NDArray) -> float:
    """Return the rate where `smoothed` falls most steeply; ValueError where it does not fall."""
    first, least = min(10, len(rates) // 2), int(np.argmin(smoothed))
    if least <= first:
        raise ValueError(
            f"the cost falls at no learning rate from {rates[0]:.3g} to {rates[-1]:.3g}, where it "
            f"goes from {smoothed[0]:.4g} to {smoothed[-1]:.4g}. After a short fit, "
            "chainrule.diagnose(net, X, y) says what keeps the network from learning; or give a "
            "smaller low=, or more steps=. (A network that is trained already has nothing left to "
            "learn.)"
        )
    slopes = np.gradient(smoothed, np.log(rates))
    return float(rates[first + np.argmin(slopes[first : least + 1])])


def _batches(m, batch_size, rng):
    """Yield the rows of one mini-batch after another, for ever."""
    while True:
        order = rng.permutation(m)
        yield from (order[start : start + batch_size] for start in range(0, m, batch_size))
