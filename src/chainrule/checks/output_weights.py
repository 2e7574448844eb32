"""How much each target counts in the cost of its sample: output weights, 0 for what is missing."""

import math

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers, as_real, entry
from chainrule.checks.frames import Frame, is_frame
from chainrule.checks.options import check_name


def check_missing(name: str, value) -> str:
    """Return `fit`'s missing_targets if it is a word for what to do with them."""
    return check_name(name, value, ["refuse", "skip"])


def without_missing(
    name: str, y, given: NDArray, missing_targets: str, part: bool = False
) -> tuple[NDArray, NDArray | None]:
    """Return targets (m, n) with another one in the place of each NaN, and where these are, if any.

    That other one, the smallest there is, makes nothing infinite or undefined of an output whose
    weight is 0. `y` is what the user gave; of a `part` of the samples all may be missing.

    Raises
    ------
    ValueError
        For missing targets, unless missing_targets is "skip" and some are not missing.
    """
    if given.dtype.kind != "f" or not given.size or not math.isnan(given.min()):
        return given, None
    missing = np.isnan(given)
    count = np.count_nonzero(missing)
    if missing_targets != "skip":
        where = tuple(map(int, np.argwhere(missing)[0]))
        first = Frame(name, y).entry(where) if is_frame(y) else entry(name, where[: np.ndim(y)])
        raise ValueError(
            f"{name} must be finite; it misses {count} of {missing.size} values: leave those "
            "samples out, fill the values in, or let those alone count that are there, "
            f"fit(..., missing_targets='skip'). {first} is nan"
        )
    if count == missing.size:
        if part:
            return np.zeros_like(given), missing
        raise ValueError(f"{name} misses all of its {count} values; at least one must be there")
    least = given.flat[np.nanargmin(np.abs(given))]
    return np.where(missing, least, given), missing


def output_weights_of(
    name: str,
    output_weight,
    missing: NDArray | None,
    shape: tuple[int, int],
    dtype,
    cost,
    part: bool = False,
) -> NDArray | None:
    """Return the weight of each target, `shape` (m, n), or None where all count alike.

    Either has output_weight, or some are missing, or both.

    Parameters
    ----------
    name : str
        What messages call output_weight.
    output_weight : array (m, n), or (n,) for all samples alike, or None
        Not negative, finite in `dtype`, not all 0.
    missing : ndarray of bool (m, n), or None
        What gets weight 0.
    cost : chainrule.costs.Cost
    part : bool
        Whether all may be 0.

    Raises
    ------
    ValueError, TypeError
        For weights that do not fit, and for a cost that is no sum over targets.
    """
    given = np.ones(shape[1]) if output_weight is None else as_numbers(name, output_weight)
    if cost.coupling:
        asked = name if missing is None else "missing_targets='skip'"
        raise ValueError(
            f"{asked} needs a cost that is a sum over the targets of a sample, to count each by a "
            f"weight of its own; {cost.coupling}. Use sample_weight, or another cost"
        )
    if given.shape not in (shape, shape[1:]):
        raise ValueError(
            f"{name} must be {shape}, a weight for each target of each sample, or "
            f"({shape[1]},) for all samples alike; got shape {given.shape}"
        )
    weights = as_real(name, given, dtype)
    if (weights < 0).any():
        where = np.unravel_index(np.argmax(weights < 0), weights.shape)
        raise ValueError(f"{name} must not be negative; {entry(name, where)} is {given[where]}")
    if missing is None and (weights == 1).all():
        return None
    weights = np.array(np.broadcast_to(weights, shape), order="C")
    if missing is not None:
        weights[missing] = 0
    if not weights.any() and not part:
        raise ValueError("the weights of all targets are 0; at least one must count")
    return weights
