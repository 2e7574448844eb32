"""A user's own activations and costs, held against differences before they train anything.

Both are called with float64 arrays of four random rows, z from N(0, 1). σ'(z) from ``slope`` must
be (σ(z + h) - σ(z - h)) / 2h of ``value``, where h has a random sign for every neuron, so that an
activation whose neurons depend on each other is found out too. δ^L from ``delta`` must be
(C(σ(z + h)) - C(σ(z - h))) / 2h of ``value``, one output at a time, at up to ten outputs, with
targets from the data. The relative error of an entry, |g - n| / max(|g|, |n|, s/100) where s is the
largest entry, may be 1e-4, beyond what rounding explains; differences of smooth functions are right
to some 1e-9. Entries that are not finite, as of a logarithm at z < 0, are left out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation, UserActivation
from chainrule.checks.targets import Targets
from chainrule.core import _core
from chainrule.costs import UserCost

# h = step · max(1, |w|): where the errors of rounding and of the neglected terms are about equal
STEPS = {"forward": np.finfo(float).eps ** (1 / 2), "central": np.finfo(float).eps ** (1 / 3)}
# Entries below this share of their array's largest are compared with that share instead of with
# themselves: of such small ones the difference has few digits that are right.
SMALL_ENTRY = 1e-2

ROWS, MOST_OUTPUTS, TOLERANCE = 4, 10, 1e-4
# Costs are right to some ε C, so a difference to some ε C / h. In networks of ten layers, whose
# first learn next to nothing, up to 7 times that was seen.
ROUNDING = 10


def check_slope_of(activation: Activation, width: int):
    """Raise ValueError unless ``slope`` is the derivative of ``value``, for `width` neurons.

    Activations of the package pass without a look.
    """
    if not isinstance(activation, UserActivation):
        return
    rng = np.random.default_rng(0)
    z = _shown(rng.normal(size=(ROWS, width)))
    h = STEPS["central"] * np.maximum(1, np.abs(z)) * rng.choice([-1.0, 1.0], z.shape)
    with np.errstate(all="ignore"):
        a = _activated(activation, z)
        slope = activation.function.slope(z, a)
        slope = _shaped(f"slope(z, a) of {activation.name}", slope, z.shape)
        above, below = _shown(z + h), _shown(z - h)
        rise = _activated(activation, above) - _activated(activation, below)
        of = f"slope(z, a) of {activation.name}"
        _compare(of, "value(z)", slope, rise / (above - below), a, z)


def check_delta_of(cost: UserCost, output: Activation, targets: Targets, width: int):
    """Raise ValueError unless ``delta`` is the derivative of ``value`` by z^L, for `width` outputs.

    The targets of a few random rows are taken for it.
    """
    rng = np.random.default_rng(0)
    rows = rng.integers(len(targets), size=ROWS)
    y = np.eye(width)[targets.labels[rows]] if targets.Y is None else targets.Y[rows]
    y = _shown(y.astype(np.float64))
    z = _shown(rng.normal(size=(ROWS, width)))
    outputs = np.sort(rng.permutation(width)[:MOST_OUTPUTS])
    slopes = np.empty((ROWS, len(outputs)))
    with np.errstate(all="ignore"):
        delta = cost.function.delta(z, _activated(output, z), y)
        delta = _shaped(f"delta(z, a, y) of {cost.name}", delta, z.shape)
        for column, j in enumerate(outputs):
            h = np.zeros(width)
            h[j] = STEPS["central"]
            above, below = (_costs(cost, output, z + way, y) for way in (h, -h))
            slopes[:, column] = (above - below) / (2 * h[j])
        of = f"delta(z, a, y) of {cost.name}"
        cost_of = _costs(cost, output, z, y)
        of_value = "value(a, y) by z^L"
        _compare(of, of_value, delta[:, outputs], slopes, cost_of, z[:, outputs], outputs)


def _costs(cost: UserCost, output: Activation, z: NDArray, y: NDArray) -> NDArray:
    value = cost.function.value(_activated(output, _shown(z)), y)
    return _shaped(f"value(a, y) of {cost.name}", value, (len(z),))


def _activated(activation: Activation, z: NDArray) -> NDArray:
    """Return σ(z), read-only."""
    if isinstance(activation, UserActivation):
        a = activation.function.value(z)
        return _shown(_shaped(f"value(z) of {activation.name}", a, z.shape))
    a = np.empty_like(z)
    _core.activate(activation.compiled, z, a)
    return _shown(a)


def _shown(array: NDArray) -> NDArray:
    """Return a read-only copy or view, as a user's functions see the core's arrays."""
    view = array.view()
    view.setflags(write=False)
    return view


def _shaped(what: str, result, shape: tuple[int, ...]) -> NDArray:
    if getattr(result, "shape", None) != shape:
        got = f"shape {result.shape}" if hasattr(result, "shape") else type(result).__name__
        if getattr(result, "shape", None) == (shape[0], shape[0]):
            got += " ((m,) beside (m, 1) makes (m, m): a and y are (m, n_L))"
        raise ValueError(f"{what} must return an array of shape {shape}; got {got}")
    if result.dtype.kind not in "fiub":
        raise TypeError(f"{what} must return real numbers; got dtype {result.dtype}")
    return result


def _compare(what, of, ours, theirs, values, z, columns=None):
    compared = np.isfinite(ours) & np.isfinite(theirs)
    if not compared.any():
        raise ValueError(f"{what} or {of} is not finite at any of {z.size} random z from N(0, 1)")
    rounding = _rounding_of(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    ours, theirs = (np.where(compared, slopes, 0.0) for slopes in (ours, theirs))
    error, entry = _worst(ours, theirs, rounding)
    if not error > TOLERANCE:  # NaN: 0 throughout
        return
    (row, column), got, expected = entry
    neuron = column if columns is None else columns[column]
    raise ValueError(
        f"{what} is not the derivative of its {of}: at z[{row}, {neuron}] = {z[row, column]:.6g} "
        f"of random z it gives {got:.6g}, central differences of value {expected:.6g} "
        f"(relative error {error:.1e}, at most {TOLERANCE:.0e} allowed)"
    )


def _rounding_of(value: float) -> float:
    """Return how far rounding may take the difference quotient of a function of such a value."""
    return ROUNDING * np.finfo(float).eps * abs(value) / STEPS["central"]


def relative_errors(ours: NDArray, theirs: NDArray, rounding: float = 0.0) -> NDArray:
    """Return (|g - n| - rounding) / max(|g|, |n|, s/100) of each entry, where s is the largest.

    Where some are not finite: infinite for these, 0 for the others.
    """
    scale = np.maximum(np.abs(ours), np.abs(theirs))
    if not np.isfinite(scale).all():
        return np.where(np.isfinite(scale), 0.0, np.inf)
    least = max(SMALL_ENTRY * scale.max(), np.finfo(float).tiny)  # no division by 0
    return np.maximum(np.abs(ours - theirs) - rounding, 0) / np.maximum(scale, least)


def _worst(ours: NDArray, theirs: NDArray, rounding: float = 0.0) -> tuple[float, Any]:
    """Return the largest relative error, and where it is with the two values there.

    NaN and None where none of the values is larger than `rounding`.
    """
    if max(np.abs(ours).max(), np.abs(theirs).max()) <= rounding:
        return np.nan, None
    errors = relative_errors(ours, theirs, rounding)
    place = np.unravel_index(int(np.argmax(errors)), errors.shape)
    return float(errors[place]), (tuple(map(int, place)), ours[place], theirs[place])
