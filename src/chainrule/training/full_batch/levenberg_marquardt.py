"""Levenberg-Marquardt: least squares by the Jacobian of the outputs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.fields import Checks
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_above_1, check_number
from chainrule.checks.other_tools import OF_FULL_BATCH
from chainrule.core import _core
from chainrule.training.full_batch.cost import CURVATURE_OF_COST, FullBatchOptimizer, Point
from chainrule.training.optimizer_state import like_parameters

MOST_PARAMETERS = 5000
LEAST_DAMPING, MOST_DAMPING = 1e-20, 1e20  # float32 holds both


@known_options(OF_FULL_BATCH)
@dataclass(frozen=True, eq=False, repr=False)
class LevenbergMarquardt(FullBatchOptimizer):
    """Between Gauss and Newton's step and the gradient's (Marquardt, 1963; Hagan, Menhaj, 1994).

    For networks of up to 5,000 parameters with the cost quadratic or squared_error: each epoch is
    one iteration over all samples. With r = a^L - y, J (m·n_L, n_parameters) the derivatives of the
    outputs by the parameters, and f = C + (l2/2)Σ‖W‖², the step p solves

        ((c/m) JᵀJ + l2 D + μ 1) p = -∇f,   ∇f = (c/m) Jᵀr + l2 D w,

    where c is 1 for quadratic, 2 for squared_error, and D has 1 on the diagonal for weights, 0 for
    biases. These are the source's (JᵀJ + μ 1) p = -Jᵀr divided by the number of samples, so that μ,
    as l2, does not depend on it. If f falls, the step is made and μ divided by `factor` for the
    next iteration; if not, or if f is not finite, or rounding has made the matrix indefinite, μ is
    multiplied by it and the step tried again. f never rises.

    Near a minimum where all residuals vanish the error is squared in each iteration. Training ends
    before its epochs are over, and the history is shorter, when no entry of ∇f is larger than
    `tolerance`, or when no step lowers f, however small. In float64 the default tolerance is within
    reach. In float32 C, ∇C and J are evaluated in float32, all else in float64: f comes to some
    10⁻⁷ of itself above the minimum, ∇f to about 10⁻⁵.

    The matrix and its Cholesky factor take 16 n² bytes for n parameters (400 MB for 5,000), and J a
    tile of samples at a time. μ is the state "damping": an array like the parameters, all of one
    number.

    Parameters
    ----------
    damping : float, default 0.01
        μ to begin with, from 1e-20 to 1e20, between which it stays.
    factor : float, default 10
        What μ is divided or multiplied by, above 1.
    tolerance : float, default 1e-8
        The largest |∂f/∂w_i| that counts as level.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> net = cr.Network([1, 10, 1], hidden="tanh", output="identity", dtype="float64", seed=0)
    >>> history = net.fit(X, np.sin(3 * X), optimizer=cr.LevenbergMarquardt(), epochs=50)
    >>> bool(history.cost[-1] < 1e-7)
    True
    """

    damping: float = 0.01
    factor: float = 10.0

    _checks: ClassVar[Checks] = FullBatchOptimizer._checks | {
        "damping": partial(
            check_number,
            valid=lambda x: LEAST_DAMPING <= x <= MOST_DAMPING,
            expected=f"from {LEAST_DAMPING} to {MOST_DAMPING}",
        ),
        "factor": check_above_1,
    }

    def check(self, net):
        """Raise for another cost, or too many parameters."""
        if net._cost.name not in CURVATURE_OF_COST:  # its own name, as one may not be hashable
            raise ValueError(
                "LevenbergMarquardt is for costs that are sums of squares, "
                f"{' and '.join(CURVATURE_OF_COST)}; this network has cost='{net.cost}'. "
                "Use LBFGS instead"
            )
        n = net.parameters.size
        if n > MOST_PARAMETERS:
            raise ValueError(
                f"LevenbergMarquardt is for at most {MOST_PARAMETERS} parameters; this network has "
                f"{n}, for which JᵀJ and its factor would take {16 * n * n / 1e6:,.0f} MB. "
                "Use LBFGS instead"
            )

    def resumed_state(self, net):
        """Return the damping of `net.optimizer_state`, if it holds nothing else."""
        if net.optimizer_state.keys() != {"damping"}:
            return {}
        values = like_parameters("damping", net.optimizer_state["damping"], net.parameters)
        if not (values == values[0]).all() or not values[0] > 0:
            raise ValueError(
                'optimizer_state["damping"] must hold one positive number in all its entries; '
                f"they go from {values.min()} to {values.max()}"
            )
        return {"damping": values}

    def iterations(self, function, point, state):
        """Yield the points of `minimize`, with its damping as an array like the parameters."""
        first = float(state["damping"][0]) if state else self.damping
        for there, damping in self.minimize(function.at, function.curvature, point, first):
            yield there, {"damping": np.full_like(there.w, damping)}

    def minimize(
        self,
        at: Callable[[NDArray], Point],
        curvature: Callable[[Point], NDArray],
        point: Point,
        damping: float,
    ) -> Iterator[tuple[Point, float]]:
        """Yield a point, and the damping to go on with, for each iteration."""
        while not self.is_level(point):
            found = self.fall(at, curvature(point), point, damping)
            if found is None:
                return
            point, damping = found
            damping = max(damping / self.factor, LEAST_DAMPING)
            damping = float(point.w.dtype.type(damping))  # as it will be kept
            yield point, damping

    def fall(
        self, at: Callable[[NDArray], Point], A: NDArray, point: Point, damping: float
    ) -> tuple[Point, float] | None:
        """Return a lower point and the damping that led to it, or None if there is none.

        A (n, n) is the curvature at `point`, by its lower triangle.
        """
        while damping <= MOST_DAMPING:
            step = damped_step(A, damping, point.gradient)
            if step is not None:
                there = at(point.w + step)
                if np.array_equal(there.w, point.w):
                    return None
                if there.is_finite and there.value < point.value:
                    return there, damping
            damping *= self.factor
        return None


def damped_step(A: NDArray, damping: float, gradient: NDArray) -> NDArray | None:
    """Return -(A + μ 1)⁻¹ ∇f, or None where the matrix is not positive definite."""
    damped, step = A.copy(), -gradient
    damped.flat[:: len(A) + 1] += damping
    return step if _core.solve_positive_definite(damped, step) else None
