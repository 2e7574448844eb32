"""The gradient by differences, and backpropagation checked against it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_name, check_number
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.course.difference_errors import Data, difference_errors
from chainrule.model.model import check_network, check_trainable
from chainrule.model.own_functions import STEPS, relative_errors
from chainrule.network import Network
from chainrule.results.gradient import Gradient

# Differences speak of an array whose largest entry is this many times what rounding may do: then
# that hides no error above 1 % of it.
CLEAR = 100
NOT_CHECKED = "not checked"


class NumericalGradient(Gradient):
    """The gradient by differences, in float64, shaped like the network's parameters.

    Attributes
    ----------
    parameters, weights, biases, cost
        As of `Gradient`.
    passes : int
        How many times all samples went forward.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> naive = cr.numerical_gradient(net, [[0.5, -1.0]], [[1.0]])
    >>> naive.passes == 2 * net.parameters.size + 1
    True
    """

    cost: float  # always there

    def __init__(self, parameters: NDArray, net: Network, cost: float, passes: int):
        super().__init__(parameters, net.sizes, net.bias, cost)
        self.passes = passes


@known_options()
def numerical_gradient(
    net: Network, X: ArrayLike, Y: ArrayLike, *, scheme: str = "central"
) -> NumericalGradient:
    """Return the mean gradient of the cost by differences: the naive way, a pass for every weight.

    ∂C/∂w ≈ (C(w + h) - C(w)) / h, forward, in n_parameters + 1 passes; or
    ∂C/∂w ≈ (C(w + h) - C(w - h)) / 2h, central, in 2 n_parameters + 1.

    Parameters
    ----------
    net : Network
        Taken to float64 for this, also from bfloat16, and not changed.
    X : array (m, n_1)
    Y : array (m, n_L), or integer labels (m,)
    scheme : str, default "central"
        "central" or "forward". h is max(1, |w|) times ε^(1/3), or ε^(1/2), for the ε = 2.2e-16 of
        float64.

    Returns
    -------
    NumericalGradient

    Raises
    ------
    ValueError, TypeError
        For data or a scheme that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], dtype="float64", seed=0)
    >>> X, Y = [[0.5, -1.0]], [[1.0]]
    >>> naive = cr.numerical_gradient(net, X, Y)
    >>> bool(np.allclose(naive.parameters, net.backprop(X, Y).parameters, atol=1e-8))
    True
    """
    check_name("scheme", scheme, STEPS)
    return _by_differences(net, _in_float64(net, X, Y), scheme)


class GradientCheck:
    """How well backpropagation agrees with differences; printed, a table with a row per array.

    Attributes
    ----------
    errors : dict of str to float
        The worst relative error in the weights ("W^2") and in the biases ("b^2") of each layer;
        NaN where the array could not be checked, as rounding may hide what is wrong with it: in a
        dead layer, in one whose gradient has vanished, or at a perfect fit.
    worst : float
        The largest of them, or NaN if there is none.
    verdict : str
        "passed" if all arrays agree, "FAILED" if one does not, else "not checked: " and those
        that could not be.
    passed : bool
        Whether the verdict is "passed".
    tolerance : float
    passes : int
        Forward passes that the differences took.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> check = cr.check_gradient(net, [[0.5, -1.0]], [[1.0]])
    >>> check.passed, sorted(check.errors)
    (True, ['W^2', 'W^3', 'b^2', 'b^3'])
    """

    def __init__(self, rows, tolerance, passes, note):
        self.errors = {name: row.error for name, row in rows.items()}
        self.tolerance = tolerance
        self.passes = passes
        self._rows = rows
        self._note = note

    @property
    def worst(self) -> float:
        """The largest error."""
        return max((e for e in self.errors.values() if not np.isnan(e)), default=np.nan)

    @property
    def verdict(self) -> str:
        """Whether backpropagation and differences agree, as far as that can be told."""
        if any(row.differs for row in self._rows.values()):
            return "FAILED"
        hidden = [name for name, error in self.errors.items() if np.isnan(error)]
        return f"{NOT_CHECKED}: {', '.join(hidden)}" if hidden else "passed"

    @property
    def passed(self) -> bool:
        """Whether every array was compared and agrees."""
        return self.verdict == "passed"

    def __bool__(self):
        return self.passed

    def __repr__(self):
        worst = "" if np.isnan(self.worst) else f"worst relative error {self.worst:.1e}, "
        return f"<GradientCheck: {self.verdict}; {worst}tolerance {self.tolerance:.0e}>"

    def __str__(self):
        lines = [f"{'':6}{'worst error':>12}  {'at':<12}{'backprop':>14}{'differences':>14}"]
        lines += [f"{name:6}{row.text(self.tolerance)}" for name, row in self._rows.items()]
        lines.append(
            f"{self.verdict}; tolerance {self.tolerance:.0e}, {self.passes} forward passes"
        )
        return "\n".join(lines + ([self._note] if self._note else []))


@known_options()
def check_gradient(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    scheme: str = "central",
    tolerance: float | None = None,
) -> GradientCheck:
    """Compare `net.backprop` with the gradient by differences, layer by layer.

    The relative error of an entry is |g - n| / max(|g|, |n|, s/100), where s is the largest entry
    of its W^l or b^l. Both gradients are computed in float64, whatever the network's dtype: float32
    leaves too few digits to tell a wrong gradient from rounding. precision="bfloat16" does not
    count either: what it rounds has no derivative.

    Right ones may still differ by some r, which rounding and neglected terms make: around 20 ε C/h
    for a cost C that is not small, and not 0 at a perfect fit (the formula is in
    `chainrule.course.difference_errors`).

    An array has failed where |g - n| - r in the place of |g - n| still gives more than `tolerance`.
    It has passed if not, and s is above 100 r. Else it is not checked.

    At the kink of relu differences are wrong, and a large error there need not be
    backpropagation's.

    Parameters
    ----------
    net : Network
        Not changed.
    X : array (m, n_1)
    Y : array (m, n_L), or integer labels (m,)
    scheme : str, default "central"
        As for `numerical_gradient`.
    tolerance : float, optional
        The error that still passes, beyond r: 1e-5 for central, 1e-3 for forward differences.

    Returns
    -------
    GradientCheck
        ``print(check)`` shows the table; ``check.passed`` is the verdict, and the check's truth.

    Raises
    ------
    ValueError, TypeError
        For data or options that do not fit, and where the cost is not finite, or squares are not.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([3, 4, 2], hidden="tanh", dtype="float64", seed=0)
    >>> X, Y = np.eye(3), np.array([[1, 0], [0, 1], [1, 1]])
    >>> cr.check_gradient(net, X, Y).passed
    True
    """
    if tolerance is None:
        tolerance = 1e-3 if scheme == "forward" else 1e-5
    check_number("tolerance", tolerance, lambda x: x > 0, "a number above 0")
    check_name("scheme", scheme, STEPS)
    data = _in_float64(net, X, Y)
    numerical = _by_differences(net, data, scheme)
    if not np.isfinite(numerical.cost):
        raise ValueError(
            f"the cost of net on these samples is {numerical.cost}; a gradient can be checked only "
            "where the cost is finite. Try smaller parameters or inputs."
        )
    backprop = Gradient(np.empty(net.parameters.size), net.sizes, net.bias)
    _core.gradient(*data, backprop.parameters)
    try:
        with np.errstate(over="raise", invalid="raise"):
            unsure = difference_errors(net, data, numerical.cost, STEPS[scheme])
    except FloatingPointError:
        raise ValueError(
            "the parameters, inputs or outputs of net are so large that their squares overflow, by "
            "which rounding is estimated. Try smaller ones."
        ) from None
    rows = {}
    for i in range(len(backprop.weights)):
        rows[f"W^{i + 2}"] = _Row(
            backprop.weights[i], numerical.weights[i], unsure.weights[i].max(), tolerance
        )
        if net.bias:
            rows[f"b^{i + 2}"] = _Row(
                backprop.biases[i], numerical.biases[i], unsure.biases[i].max(), tolerance
            )
    if net.scale.size:
        rows["s"] = _Row(backprop.scale, numerical.scale, unsure.scale.max(), tolerance)
    note = (
        "computed in float64 from the network's float32 parameters"
        if net.dtype == np.float32
        else ""
    ) + ", without rounding to bfloat16" * net._rounds
    return GradientCheck(rows, tolerance, numerical.passes, note)


class _Row:
    """W^l or b^l by both ways: the largest relative error, where it is, and what it says."""

    def __init__(self, ours: NDArray, theirs: NDArray, rounding: float, tolerance: float):
        errors, largest = relative_errors(ours, theirs), np.maximum(abs(ours), abs(theirs)).max()
        self.rounding = rounding
        self.differs = bool((relative_errors(ours, theirs, rounding) > tolerance).any())
        self.checked = self.differs or largest > CLEAR * rounding
        self.place = tuple(map(int, np.unravel_index(int(np.argmax(errors)), errors.shape)))
        self.error = float(errors[self.place]) if self.checked else np.nan
        self.values = ours[self.place], theirs[self.place]

    def text(self, tolerance):
        """Return what follows the array's name in the table."""
        if not self.checked:
            return f"{'-':>12}  {NOT_CHECKED}: no entry above {CLEAR * self.rounding:.0e}"
        place = "[" + ", ".join(map(str, self.place)) + "]"
        mark = "  <- too large" if self.differs else "  (rounding)" * (self.error > tolerance)
        return f"{self.error:12.1e}  {place:<12}{self.values[0]:14.6e}{self.values[1]:14.6e}{mark}"


def _in_float64(net: Network, X: ArrayLike, Y: ArrayLike) -> Data:
    """Check the data, and return them with plan and parameters as the core takes them."""
    check_network(net)
    check_trainable(net)
    samples = Samples(net, X, Y, dtype=np.float64)
    return net._plan, net.parameters.astype(np.float64), *samples.for_core[:3]


def _by_differences(net: Network, data: Data, scheme: str) -> NumericalGradient:
    nabla = np.empty(net.parameters.size)
    cost, passes = _core.numerical_gradient(
        *data, np.arange(nabla.size), STEPS[scheme], scheme == "central", nabla
    )
    return NumericalGradient(nabla, net, cost, passes)
