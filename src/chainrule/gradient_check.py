"""The gradient by differences, and backpropagation checked against it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import _core
from chainrule.arrays import Targets, as_inputs
from chainrule.differences import STEPS, rounding_of, worst
from chainrule.gradient import Gradient
from chainrule.network import Network
from chainrule.options import check_name, check_number, check_trainable


class NumericalGradient(Gradient):
    """The gradient by differences, in float64, shaped like the network's parameters.

    Attributes
    ----------
    parameters, weights, biases, cost
        As of `Gradient`.
    passes : int
        How many times all samples went forward.
    """

    def __init__(self, parameters: NDArray, net: Network, cost: float, passes: int):
        super().__init__(parameters, net.sizes, net.bias, cost)
        self.passes = passes


def numerical_gradient(
    net: Network, X: ArrayLike, Y: ArrayLike, *, scheme: str = "central"
) -> NumericalGradient:
    """Return the mean gradient of the cost by differences: the naive way, a pass for every weight.

    ∂C/∂w ≈ (C(w + h) - C(w)) / h, forward, in n_parameters + 1 passes; or
    ∂C/∂w ≈ (C(w + h) - C(w - h)) / 2h, central, in 2 n_parameters + 1.

    Parameters
    ----------
    net : Network
        Taken to float64 for this, and not changed.
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
    """
    inputs, targets = _in_float64(net, X, Y)
    check_trainable(net)
    check_name("scheme", scheme, STEPS)
    nabla = np.empty(net.parameters.size)
    parameters = net.parameters.astype(np.float64)
    data = net._plan, parameters, inputs, targets.Y, targets.labels
    everywhere = np.arange(nabla.size)
    cost, passes = _core.numerical_gradient(
        *data, everywhere, STEPS[scheme], scheme == "central", nabla
    )
    return NumericalGradient(nabla, net, cost, passes)


class GradientCheck:
    """How well backpropagation agrees with differences; printed, a table with a row per layer.

    Attributes
    ----------
    errors : dict of str to float
        The worst relative error in the weights ("W^2") and in the biases ("b^2") of each layer;
        NaN where nothing was compared, as rounding hides all of the array's entries: those of a
        dead layer, or of one whose gradient has vanished.
    worst : float
        The largest of them, or NaN if there is none.
    passed : bool
        Whether all are numbers, and at most `tolerance`.
    tolerance : float
    passes : int
        Forward passes that the differences took.
    """

    def __init__(self, errors, entries, tolerance, rounding, passes, note):
        self.errors = errors
        self.tolerance = tolerance
        self.passes = passes
        self._entries = entries
        self._rounding = rounding
        self._note = note

    @property
    def worst(self) -> float:
        """The largest error."""
        return max((e for e in self.errors.values() if not np.isnan(e)), default=np.nan)

    @property
    def passed(self) -> bool:
        """Whether every array was compared and agrees."""
        return all(error <= self.tolerance for error in self.errors.values())

    def __bool__(self):
        return self.passed

    def __repr__(self):
        return (
            f"<GradientCheck: {'passed' if self.passed else 'FAILED'}, worst relative error "
            f"{self.worst:.1e}, tolerance {self.tolerance:.0e}>"
        )

    def __str__(self):
        head = f"{'':6}{'worst error':>12}  {'at':<12}{'backprop':>14}{'differences':>14}"
        lines = [head]
        for name, error in self.errors.items():
            if np.isnan(error):
                limit = f"{self._rounding:.0e}"
                lines.append(f"{name:6}{'-':>12}  no entry above {limit}: nothing to compare")
                continue
            place, ours, theirs = self._entries[name]
            at = "[" + ", ".join(map(str, place)) + "]"
            mark = "" if error <= self.tolerance else "  <- too large"
            lines.append(f"{name:6}{error:12.1e}  {at:<12}{ours:14.6e}{theirs:14.6e}{mark}")
        verdict = "passed" if self.passed else "FAILED"
        lines.append(f"{verdict}: tolerance {self.tolerance:.0e}; {self.passes} forward passes")
        return "\n".join(lines + ([self._note] if self._note else []))


def check_gradient(
    net: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    scheme: str = "central",
    tolerance: float | None = None,
) -> GradientCheck:
    """Compare `net.backprop` with the gradient by differences, layer by layer.

    The relative error of an entry is (|g - n| - r) / max(|g|, |n|, s/100), or 0 if that is less. s
    is the largest entry of its W^l or b^l, and r = 10 ε C / h what rounding of the cost C may do to
    a difference (h, ε: see `numerical_gradient`, at |w| <= 1). Both gradients are computed in
    float64, whatever the network's dtype: float32 leaves too few digits to tell a wrong gradient
    from rounding. At the kink of relu differences are wrong, and a large error there need not be
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
        The error that still passes: 1e-5 for central, 1e-3 for forward differences.

    Returns
    -------
    GradientCheck
        ``print(check)`` shows the table; ``check.passed`` is the verdict, and the check's truth.

    Raises
    ------
    ValueError, TypeError
        For data or options that do not fit, and where the cost is not finite.

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
    numerical = numerical_gradient(net, X, Y, scheme=scheme)
    if not np.isfinite(numerical.cost):
        raise ValueError(
            f"the cost of net on these samples is {numerical.cost}; a gradient can be checked only "
            "where the cost is finite. Try smaller parameters or inputs."
        )
    rounding = rounding_of(numerical.cost, scheme)
    inputs, targets = _in_float64(net, X, Y)
    flat = np.empty(net.parameters.size)
    parameters = net.parameters.astype(np.float64)
    _core.gradient(net._plan, parameters, inputs, targets.Y, targets.labels, flat)
    backprop = Gradient(flat, net.sizes, net.bias)

    errors, entries = {}, {}
    for i in range(len(backprop.weights)):
        for symbol, ours, theirs in (
            ("W", backprop.weights[i], numerical.weights[i]),
            *((("b", backprop.biases[i], numerical.biases[i]),) if net.bias else ()),
        ):
            name = f"{symbol}^{i + 2}"
            errors[name], entries[name] = worst(ours, theirs, rounding)
    note = (
        "computed in float64 from the network's float32 parameters"
        if net.dtype == np.float32
        else ""
    )
    return GradientCheck(errors, entries, tolerance, rounding, numerical.passes, note)


def _in_float64(net: Network, X: ArrayLike, Y: ArrayLike) -> tuple[NDArray, Targets]:
    if not isinstance(net, Network):
        raise TypeError(f"net must be a chainrule.Network; got {type(net).__name__}")
    inputs = as_inputs(X, net.sizes[0], np.dtype(np.float64))
    return inputs, Targets(Y, len(inputs), net.sizes[-1], np.dtype(np.float64), net._cost)
