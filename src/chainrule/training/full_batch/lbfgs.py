"""L-BFGS: steps from the gradients of the last iterations, along which the cost never rises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.fields import Checks
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count
from chainrule.checks.other_tools import OF_FULL_BATCH
from chainrule.training.full_batch.cost import FullBatchOptimizer, Point
from chainrule.training.optimizer_state import like_parameters

Pair = tuple[NDArray, NDArray]

# Wolfe's conditions: what share of the fall that the slope promises a step must bring, and how
# much of the slope it may leave.
_FALL, _SLOPE = 1e-4, 0.9
_TRIALS = 40  # of a line search


@known_options(OF_FULL_BATCH)
@dataclass(frozen=True, eq=False, repr=False)
class LBFGS(FullBatchOptimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal, 1980).

    For small and medium networks on data that fit into memory: each epoch is one iteration over all
    samples. With f = C + (l2/2)Σ‖W‖² and g = ∇f it goes from w to w + αp, where p = -Hg and H
    stands for the inverse of ∇²f. H follows from the last pairs s = w' - w and y = g' - g by

        H' = (1 - ρ s yᵀ) H (1 - ρ y sᵀ) + ρ s sᵀ,   ρ = 1/(yᵀs),

    beginning with (sᵀy/yᵀy) 1 of the newest pair; the two loops of Nocedal and Wright, Numerical
    Optimization (2006), algorithm 7.4, give Hg without a matrix. α is tried from 1 (in the first
    iteration from min(1, 1/‖g‖)) until Wolfe's conditions hold,

        f(w + αp) <= f(w) + 10⁻⁴ α gᵀp   and   g(w + αp)ᵀp >= 0.9 gᵀp,

    where the first may be replaced by g(w + αp)ᵀp <= -(1 - 2·10⁻⁴) gᵀp if f does not rise (Hager
    and Zhang, 2005): close to the minimum f is lost in rounding before its slope is. A trial that
    is not finite counts as too long a step. f never rises.

    Training ends before its epochs are over, and the history is shorter, when no entry of g is
    larger than `tolerance`, or when no step is found, even along -g, because f changes by less than
    its rounding. In float64 the default tolerance is within reach. In float32 C and ∇C are
    evaluated in float32, all else in float64: f comes to some 10⁻⁷ of itself above the minimum, g
    to about 10⁻⁵.

    The pairs are the states "s0", "y0" (the oldest), "s1", "y1" and so on.

    Parameters
    ----------
    history : int, default 10
        How many pairs are kept: two arrays like the parameters for each.
    tolerance : float, default 1e-8
        The largest |∂f/∂w_i| that counts as level.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> net = cr.Network([1, 10, 1], hidden="tanh", output="identity", dtype="float64", seed=0)
    >>> history = net.fit(X, np.sin(3 * X), optimizer=cr.LBFGS(), epochs=200)
    >>> bool(history.cost[-1] < 1e-6)
    True
    """

    history: int = 10

    _checks: ClassVar[Checks] = FullBatchOptimizer._checks | {
        "history": partial(check_count, least=1)
    }

    def resumed_state(self, net):
        """Return the pairs of `net.optimizer_state`, if it holds nothing else."""
        names = _names(len(net.optimizer_state) // 2)
        if net.optimizer_state.keys() != set(names):
            return {}
        return {
            name: like_parameters(name, net.optimizer_state[name], net.parameters) for name in names
        }

    def iterations(self, function, point, state):
        """Yield the points of `minimize`, with its pairs by their names."""
        values = list(state.values())
        pairs = list(zip(values[::2], values[1::2], strict=True))[-self.history :]
        for there, last in self.minimize(function.at, point, pairs):
            flat = [values for pair in last for values in pair]
            yield there, dict(zip(_names(len(last)), flat, strict=True))

    def minimize(
        self, at: Callable[[NDArray], Point], point: Point, pairs: list[Pair]
    ) -> Iterator[tuple[Point, list[Pair]]]:
        """Yield a point and the last pairs (s, y), the newest last, for each iteration."""
        while not self.is_level(point):
            direction = -two_loops(point.gradient, pairs)
            first = 1.0 if pairs else 1 / max(1.0, np.sqrt(dot(direction, direction)))
            there = line_search(at, point, direction, first)
            if there is None and pairs:
                pairs = []  # the curvature they tell of may be another than here: down the slope
                continue
            if there is None:
                return
            pairs = [*pairs, *pair_between(point, there)][-self.history :]
            point = there
            yield point, pairs


def _names(count):
    return [f"{letter}{i}" for i in range(count) for letter in "sy"]


def dot(a: NDArray, b: NDArray) -> np.float64:
    """aᵀb, summed in an order that depends on the length alone; BLAS's depends on its threads."""
    return (a * b).sum()


@np.errstate(all="ignore")  # a direction that is not finite is no way down
def two_loops(gradient: NDArray, pairs: list[Pair]) -> NDArray:
    """Return Hg in float64 from the pairs (s, y), the newest last; g itself without any."""
    q, first_loop = gradient.copy(), []
    for pair in reversed(pairs):
        s, y = (values.astype(np.float64, copy=False) for values in pair)
        rho = 1 / dot(y, s)
        alpha = rho * dot(s, q)
        q -= alpha * y
        first_loop.append((s, y, rho, alpha))
    if pairs:
        s, y, rho, _ = first_loop[0]
        q /= rho * dot(y, y)
    for s, y, rho, alpha in reversed(first_loop):
        q += (alpha - rho * dot(y, q)) * s
    return q


@np.errstate(over="ignore", invalid="ignore")
def pair_between(point: Point, there: Point) -> list[Pair]:
    """Return [(s, y)] in the network's dtype, or [] where the curvature yᵀs is lost in rounding."""
    pair = there.w - point.w, (there.gradient - point.gradient).astype(point.w.dtype)
    s, y = (values.astype(np.float64, copy=False) for values in pair)
    least = np.finfo(np.float64).eps * np.sqrt(dot(s, s) * dot(y, y))
    return [pair] if least < dot(s, y) < np.inf else []


@np.errstate(over="ignore", invalid="ignore")
def line_search(
    at: Callable[[NDArray], Point], start: Point, direction: NDArray, first: float
) -> Point | None:
    """Return a point start.w + α·direction for an α that satisfies Wolfe's conditions.

    `first` is the first α tried. The bracket from `low`, where f has fallen enough but goes on
    falling, to `high`, where it has not fallen enough, is narrowed by cubic interpolation. If it
    grows too narrow for the precision, that is `low`; None if it is still the start.
    """
    slope = dot(start.gradient, direction)
    if not slope < 0:
        return None
    low, high, alpha = (0.0, start, slope), None, first
    for _ in range(_TRIALS):
        there = at(start.w + alpha * direction)
        if np.array_equal(there.w, low[1].w):
            break
        slope_there = dot(there.gradient, direction)
        if not (there.is_finite and _falls_enough(start, slope, alpha, there, slope_there)):
            high = alpha, there, slope_there
        elif slope_there < _SLOPE * slope:
            low = alpha, there, slope_there
        else:
            return there
        alpha = 2 * alpha if high is None else _between(low, high)
    return low[1] if low[0] else None


def _falls_enough(start, slope, alpha, there, slope_there):
    return there.value <= start.value + _FALL * alpha * slope or (
        there.value <= start.value and slope_there <= (2 * _FALL - 1) * slope
    )


def _between(low, high):
    """Return where the cubic through both ends, with their slopes, is least; not near either end.

    Nocedal and Wright, equation 3.59.
    """
    (a, here, slope), (b, there, slope_there) = low, high
    half = (a + b) / 2
    if not there.is_finite:
        return half
    d1 = slope + slope_there - 3 * (here.value - there.value) / (a - b)
    square = d1 * d1 - slope * slope_there
    if square < 0:
        return half
    d2 = np.sqrt(square)
    below = slope_there - slope + 2 * d2
    least = b - (b - a) * (slope_there + d2 - d1) / below if below else half
    return min(max(least, a + 0.1 * (b - a)), b - 0.1 * (b - a))
