"""Gradient descent for any function of an array, with every step kept to look at."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_numbers, as_real
from chainrule.checks.keywords import known_options
from chainrule.checks.options import (
    check_count,
    check_flag,
    check_function,
    check_not_negative,
    check_positive,
    check_real,
)
from chainrule.results.pictures import (
    BLUE,
    LIGHT_BLUE,
    ORANGE,
    documents_axes,
    line_style,
    open_axes,
    open_course,
)
from chainrule.training.endings import DivergenceError

_EPS = np.finfo(float).eps
# A step of a monotone descent must bring this share of the fall η‖∇f‖² that the slope promises
# (Armijo's rule). Mere "no rise" would let it jump between two points of one height for ever.
_SHARE = 1e-4
# Where the slope promises a fall of no more than this times ε|f|, that f does not fall says nothing
# about the gradient.
_ROUNDING = 1e3


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """Where a descent ended, and the way it took.

    Attributes
    ----------
    w : ndarray, the shape of w0
        The last point.
    value : float
        f(w).
    gradient : ndarray, the shape of w0
        ∇f(w).
    converged : bool
        Whether no entry of the gradient is larger than the tolerance.
    reason : str
        Why it ended: "converged", "max_steps reached", "steps are lost in rounding", or, if
        monotone, "no step along -gradient lets f fall: is the gradient right?".
    steps : int
        How many were taken.
    path : ndarray (steps + 1, *w0.shape)
        Every point, from w0 to w.
    values : ndarray (steps + 1,)
        f at every point of the path.
    f_calls, gradient_calls : int
        How often f and the given gradient were evaluated; a numerical gradient takes two f_calls
        for each entry of w.

    Examples
    --------
    >>> import chainrule as cr
    >>> way = cr.gradient_descent(lambda w: (w**2).sum(), [3.0, -4.0], learning_rate=0.1)
    >>> way.converged, way.w.round(6).tolist(), way.path.shape == (way.steps + 1, 2)
    (True, [0.0, -0.0], True)
    """

    w: NDArray
    value: float
    gradient: NDArray
    converged: bool
    reason: str
    steps: int
    path: NDArray
    values: NDArray
    f_calls: int
    gradient_calls: int

    def __repr__(self):
        end, why = ("converged", "") if self.converged else ("not converged", f" ({self.reason})")
        plural = "" if self.steps == 1 else "s"
        return f"<Descent: {end} after {self.steps} step{plural}{why}, value {self.value:.6g}>"

    @documents_axes
    def plot(self, ax=None, *, f: Callable | None = None):
        """Draw the values step by step, or for two variables the path over the contours of f.

        Parameters
        ----------
        f : callable, optional
            The function that was descended, of a w with two entries: draw the path in their plane.
            Between two neighboring contours lies the same area. f is evaluated 80 x 80 times.

        Returns
        -------
            The values are on a logarithmic scale if all are positive.

        Raises
        ------
        ValueError
            If f is given and w has not two entries, or f is finite nowhere around the path.
        """
        if f is not None and self.w.size != 2:
            raise ValueError(f"contours need a w with two entries; got shape {self.w.shape}")
        if f is not None:
            return _draw_path(ax, f, self.path)
        ax = open_course(ax, "step")
        ax.plot(self.values, color=BLUE, **line_style(self.values))
        ax.set_ylabel("f(w)")
        if (self.values > 0).all():
            ax.set_yscale("log")
        return ax


@known_options()
def gradient_descent(
    f: Callable[[NDArray], float],
    w0: ArrayLike,
    gradient: Callable[[NDArray], ArrayLike] | None = None,
    *,
    learning_rate: float = 0.1,
    max_steps: int = 1000,
    tolerance: float = 1e-8,
    monotone: bool = False,
) -> Descent:
    """Walk downhill from w0 in steps Δw = -η ∇f(w) until the ground is level.

    For small steps Δf ≈ ∇f·Δw, so this choice makes Δf ≈ -η‖∇f‖² ≤ 0 (Nielsen, chapter 1). With η
    too large the estimate fails and f may rise; `monotone` then takes a smaller step.

    The descent ends when no entry of ∇f is larger than `tolerance` (it has converged), after
    `max_steps`, or where a step no longer changes w because it is lost in the rounding; `reason`
    says which.

    Parameters
    ----------
    f : callable
        Takes an array of float64 shaped like w0, its own copy, and returns a number.
    w0 : array of any shape, or a number
        Where to begin; finite. It is not changed.
    gradient : callable, optional
        Takes what f takes and returns ∇f, shaped like w0. Without it the central difference
        (f(w + h e_i) - f(w - h e_i)) / 2h stands for each ∂f/∂w_i, with h = ∛ε max(1, |w_i|) and
        ε = 2⁻⁵², which makes the error of truncation, about h²|f'''|/6, as small as that of
        rounding, about ε|f|/h: for an f around 1 it is some 1e-10, so a smaller tolerance is in
        vain.
    learning_rate : float, default 0.1
        η, positive.
    max_steps : int, default 1000
        Of which every point is kept.
    tolerance : float, default 1e-8
        The largest |∂f/∂w_i| that counts as level.
    monotone : bool, default False
        Never let f rise: halve η until f falls by at least 10⁻⁴ η‖∇f‖² (Armijo's rule), in each
        step anew from `learning_rate`. Where no halving helps, because f falls by less than its
        rounding, w stays and the descent ends; `converged` still speaks of the gradient alone.

    Returns
    -------
    Descent
        The last w, f and ∇f there, whether it has converged, and the whole path.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, an f that returns no number, a gradient of another shape,
        or an f or gradient that is not finite at w0.
    DivergenceError
        When w, f or the gradient stops being finite; it names the step. Exceptions and warnings of
        f and of gradient pass through.

    Examples
    --------
    >>> import chainrule as cr
    >>> halving = cr.gradient_descent(lambda w: w**2, 8.0, lambda w: 2 * w, learning_rate=0.25)
    >>> halving.path[:4]
    array([8., 4., 2., 1.])
    >>> cr.gradient_descent(lambda w: (w[0] - 1) ** 2 + 3 * (w[1] + 2) ** 2, [0, 0]).w.round(6)
    array([ 1., -2.])
    """
    w = np.array(as_real("w0", w0, np.float64))
    if not w.size:
        raise ValueError(f"w0 must have at least one entry; got shape {w.shape}")
    check_positive("learning_rate", learning_rate)
    max_steps = check_count("max_steps", max_steps, least=0)
    check_not_negative("tolerance", tolerance)
    monotone = check_flag("monotone", monotone)
    function = _Function(f, gradient)

    value = function.value(w)
    _check_finite("f", value, 0, learning_rate)
    nabla = function.gradient(w)
    _check_finite("the gradient", nabla, 0, learning_rate)
    path, values, stuck = [w], [value], ""
    while not (converged := bool(np.abs(nabla).max() <= tolerance)) and len(path) <= max_steps:
        w, value = _step(function, w, value, nabla, float(learning_rate), monotone)
        if np.array_equal(w, path[-1]):
            stuck = _why_stuck(w, value, nabla, float(learning_rate), monotone)
            break
        _check_finite("w", w, len(path), learning_rate)
        _check_finite("f", value, len(path), learning_rate)
        nabla = function.gradient(w)
        _check_finite("the gradient", nabla, len(path), learning_rate)
        path.append(w)
        values.append(value)
    reason = "converged" if converged else stuck or "max_steps reached"
    return Descent(
        w, values[-1], nabla, converged, reason, len(path) - 1, np.stack(path), np.array(values),
        function.f_calls, function.gradient_calls,
    )  # fmt: skip


class _Function:
    """f and its gradient: each result is checked, each call is counted."""

    def __init__(self, f, gradient):
        self._f = check_function("f", f)
        self._gradient = None if gradient is None else check_function("gradient", gradient)
        self.f_calls = self.gradient_calls = 0

    def value(self, w):
        self.f_calls += 1
        return float(check_real("what f returns", self._f(w.copy())))

    def gradient(self, w):
        if self._gradient is None:
            return _central_difference(self.value, w)
        self.gradient_calls += 1
        nabla = as_numbers("what gradient returns", self._gradient(w.copy()))
        if nabla.shape != w.shape:
            raise ValueError(
                f"gradient must return an array of w0's shape {w.shape}; got {nabla.shape}"
            )
        return np.array(nabla, np.float64)


def _central_difference(f, w):
    nabla, near = np.empty_like(w), w.copy()
    for i in np.ndindex(w.shape):
        h = np.cbrt(_EPS) * max(1.0, abs(w[i]))
        up, down = w[i] + h, w[i] - h  # rounded; up - down is the distance really taken
        near[i] = up
        above = f(near)
        near[i] = down
        below = f(near)
        near[i] = w[i]
        nabla[i] = (above - below) / (up - down)
    return nabla


def _step(function, w, value, nabla, eta, monotone):
    """Return w - η∇f and f there; in a monotone descent with an η that lets f fall."""
    while True:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is seen below
            new = np.asarray(w - eta * nabla)
            fall = float(np.vdot(w - new, nabla))  # η‖∇f‖², from the step as it was rounded
        if np.array_equal(new, w):
            return w, value
        new_value = function.value(new) if np.isfinite(new).all() else np.nan
        if not monotone or new_value <= value - _SHARE * fall:
            return new, new_value
        eta /= 2


def _why_stuck(w, value, nabla, eta, monotone):
    """Say why no step was taken from w."""
    with np.errstate(over="ignore"):
        step = w - eta * nabla
        fall = eta * float(np.vdot(nabla, nabla))
    if not monotone or np.array_equal(step, w) or fall <= _ROUNDING * _EPS * abs(value):
        return "steps are lost in rounding"
    return "no step along -gradient lets f fall: is the gradient right?"


def _check_finite(name, value, step, learning_rate):
    if np.isfinite(value).all():
        return
    if not step:
        raise ValueError(f"f and its gradient must be finite at w0; {name} is not")
    raise DivergenceError(
        f"{name} stopped being finite in step {step} (counted from 1) of the descent. "
        f"Try a learning_rate smaller than {learning_rate}, or monotone=True"
    )


def _draw_path(ax, f, path):
    """Draw the contours of f around the path (steps + 1, ...) of two variables, and the path."""
    points = path.reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = 0.7 * (high - low).max() or 1.0  # from the middle of a square around the path
    x, y = np.linspace((low + high) / 2 - reach, (low + high) / 2 + reach, 80).T
    heights = np.array([[f(np.reshape([u, v], path.shape[1:])) for u in x] for v in y])
    heights = np.ma.masked_invalid(heights)
    if heights.mask.all():
        raise ValueError(
            "contours need an f that is finite somewhere around the path; it is not. "
            "plot() without f draws the values step by step"
        )
    ax = open_axes(ax)
    levels = np.unique(np.quantile(heights.compressed(), np.linspace(0.02, 0.98, 14)))
    ax.contour(x, y, heights, levels=levels, colors=LIGHT_BLUE, linewidths=0.8)
    ax.plot(*points.T, color=ORANGE, **line_style(points))
    ax.plot(*points[-1], marker="*", markersize=11, color=BLUE)
    ax.set_aspect("equal")  # so that a step stands at a right angle to its contour
    ax.set_xlabel("first entry of w")
    ax.set_ylabel("second entry of w")
    return ax
