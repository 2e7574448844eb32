"""The cost of all samples as a function of the parameters, and what minimises it as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import aligned_empty, first_activations
from chainrule.checks.fields import CheckedFields, Checks
from chainrule.checks.options import check_not_negative
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.gradient import layer_views

# ∂²C_x/∂a², the same for every output: what makes a sum of squares of the cost.
CURVATURE_OF_COST = {"quadratic": 1.0, "squared_error": 2.0}

NUMBERS_AT_ONCE = 2**21  # of the Jacobian: 16 MB


class Point(NamedTuple):
    """Parameters w (n_parameters,), and the function there."""

    w: NDArray  # in the network's dtype
    cost: float  # the mean over the samples, without the penalty
    value: float  # with it: what is minimised
    gradient: NDArray  # of the value, float64

    @property
    def is_finite(self) -> bool:
        """Whether it can be compared with others and descended from."""
        numbers = self.value, self.gradient, self.w
        return all(bool(np.isfinite(each).all()) for each in numbers)


class FullBatch:
    """f(w) = C + (l2/2)Σ‖W‖², where C is the mean cost of all samples, by their weights.

    C and ∇C are evaluated in the network's dtype, by `threads` as `check_threads` returns them; all
    else in float64.
    """

    def __init__(self, net: Model, samples: Samples, l2: float, threads: tuple[int, int]):
        self._threads = threads
        self._plan, self._cost, self._dtype = net._plan, net._cost.name, net.dtype
        self._data = samples.for_core
        self._decay = np.zeros(net.parameters.size)  # l2 for weights, 0 for biases
        for W in layer_views(self._decay, net.sizes, net.bias)[0]:
            W[...] = float(l2)

    @np.errstate(over="ignore", invalid="ignore")  # who asks looks whether the point is finite
    def at(self, w: NDArray) -> Point:
        """Return the function and its gradient at w, rounded to the network's dtype."""
        rounded, nabla = (aligned_empty(w.size, self._dtype) for _ in range(2))
        rounded[:] = w
        X, Y, labels, weights, U = self._data
        cost = _core.gradient(self._plan, rounded, X, Y, labels, nabla, weights, U, *self._threads)
        decay = self._decay * rounded
        return Point(rounded, cost, cost + float(np.sum(decay * rounded)) / 2, nabla + decay)

    def diverged_layer(self, point: Point) -> int:
        """Return the first layer where a point is not finite."""
        return _core.diverged_layer(self._plan, point.w, *self._data)

    def curvature(self, point: Point) -> NDArray:
        """Return the Gauss-Newton approximation of ∇²f, float64 (n_parameters, n_parameters).

        It is (c/m) JᵀJ + l2 on the diagonal of weights, where J (m·n_L, n_parameters) has the
        derivatives of the outputs and c is `CURVATURE_OF_COST`: ∇²f without the second derivatives
        of the outputs, which count little where the residuals are small. With weights it is
        (c/Σw) JᵀVJ, where V is diagonal and has for each output the product of its own weight and
        its sample's. The lower triangle alone has a meaning.
        """
        X, _, _, weights, U = self._data
        m, n, n_out = len(X), point.w.size, self._plan.sizes[-1]
        counted = m if weights is None else weights.sum(dtype=np.float64)
        rows = min(m, max(1, NUMBERS_AT_ONCE // (n_out * n)))
        A, J = np.diag(self._decay), np.empty((rows, n_out, n), self._dtype)
        for start in range(0, m, rows):
            some = slice(start, start + rows)
            x = first_activations(self._plan, X[some], self._dtype)
            _core.parameter_jacobian(self._plan, point.w, x, J[: len(x)])
            tile = J[: len(x)].astype(np.float64, copy=False)
            if weights is not None:
                tile *= np.sqrt(weights[some, None, None], dtype=np.float64)
            if U is not None:
                tile *= np.sqrt(U[some, :, None], dtype=np.float64)
            _core.add_gram(tile.reshape(-1, n), A, CURVATURE_OF_COST[self._cost] / counted)
        return A


@dataclass(frozen=True, eq=False, repr=False)
class FullBatchOptimizer(CheckedFields):
    """An optimiser that sees all samples in each iteration, which is an epoch of `Network.fit`."""

    tolerance: float = field(default=1e-8, kw_only=True)

    _checks: ClassVar[Checks] = {"tolerance": check_not_negative}

    def check(self, net) -> None:
        """Raise if it cannot train `net`."""

    def resumed_state(self, net) -> dict[str, NDArray]:
        """Return what it goes on with of `net.optimizer_state`; nothing after another optimiser."""
        raise NotImplementedError

    def iterations(
        self, function: FullBatch, point: Point, state: dict[str, NDArray]
    ) -> Iterator[tuple[Point, dict[str, NDArray]]]:
        """Yield better and better points, each with the state that the next iteration goes on with.

        They end where no entry of the gradient is larger than the tolerance, or no step lowers the
        function any more.
        """
        raise NotImplementedError

    def is_level(self, point: Point) -> bool:
        """Whether no entry of the gradient is larger than the tolerance."""
        return bool(np.abs(point.gradient).max() <= self.tolerance)
