"""Derivatives held against differences: what is common to every such check."""

import numpy as np
from numpy.typing import NDArray

# h = step · max(1, |w|): where the errors of rounding and of the neglected terms are about equal
STEPS = {"forward": np.finfo(float).eps ** (1 / 2), "central": np.finfo(float).eps ** (1 / 3)}
# Entries below this share of their array's largest are compared with that share instead of with
# themselves: of such small ones the difference has few digits that are right.
SMALL_ENTRY = 1e-2


def worst(ours: NDArray, theirs: NDArray):
    """Return the largest relative error, and where it is with the two values there.

    The error of an entry is |g - n| / max(|g|, |n|, s/100), where s is the largest of all. NaN and
    None where both are 0 throughout.
    """
    scale = np.maximum(np.abs(ours), np.abs(theirs))
    if not scale.any():
        return np.nan, None
    errors = np.abs(ours - theirs) / np.maximum(scale, SMALL_ENTRY * scale.max())
    place = np.unravel_index(int(np.argmax(errors)), errors.shape)
    return float(errors[place]), (tuple(map(int, place)), ours[place], theirs[place])
