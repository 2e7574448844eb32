"""Derivatives held against differences: what is common to every such check."""

import numpy as np
from numpy.typing import NDArray

# h = step · max(1, |w|): where the errors of rounding and of the neglected terms are about equal
STEPS = {"forward": np.finfo(float).eps ** (1 / 2), "central": np.finfo(float).eps ** (1 / 3)}
# Entries below this share of their array's largest are compared with that share instead of with
# themselves: of such small ones the difference has few digits that are right.
SMALL_ENTRY = 1e-2
# Costs are right to some ε C, so a difference to some ε C / h. In networks of ten layers, whose
# first learn next to nothing, up to 7 times that was seen.
ROUNDING = 10


def rounding_of(value: float, scheme: str) -> float:
    """Return how far rounding may take the difference quotient of a function of such a value."""
    return ROUNDING * np.finfo(float).eps * abs(value) / STEPS[scheme]


def worst(ours: NDArray, theirs: NDArray, rounding: float = 0.0):
    """Return the largest relative error, and where it is with the two values there.

    The error of an entry is (|g - n| - rounding) / max(|g|, |n|, s/100), where s is the largest of
    all; infinite for one that is not finite. NaN and None where none is larger than `rounding`.
    """
    scale = np.maximum(np.abs(ours), np.abs(theirs))
    if scale.max() <= rounding:
        return np.nan, None
    if np.isfinite(scale).all():
        excess = np.maximum(np.abs(ours - theirs) - rounding, 0)
        errors = excess / np.maximum(scale, SMALL_ENTRY * scale.max())
    else:
        errors = np.where(np.isfinite(scale), 0.0, np.inf)
    place = np.unravel_index(int(np.argmax(errors)), errors.shape)
    return float(errors[place]), (tuple(map(int, place)), ours[place], theirs[place])
