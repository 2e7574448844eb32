"""How much each sample counts in the cost: sample weights and class weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_real
from chainrule.checks.classes import shown
from chainrule.checks.options import check_index, check_not_negative


def weights_of(
    name: str, sample_weight, class_weight, targets: Any, dtype, part: bool = False
) -> tuple[NDArray, int]:
    """Return the weight of each sample, (m,) in `dtype`, and the power of two taken out of them.

    A common factor means nothing to a mean, so that the largest is scaled to about 1, in float64;
    by a power of two, which changes no bit. Weights that are too small beside it to be divided by
    are 0. One of the two is given, or both.

    Parameters
    ----------
    name : str
        What messages call sample_weight.
    sample_weight : array (m,), or None
        Not negative, finite, not all 0.
    class_weight : dict of int to float, "balanced", or None
        The weight of each class; 1 for those not named. "balanced": m / (k·count), for a class
        that occurs `count` times, k classes in all. Multiplied with sample_weight.
    targets : Targets
        Or, without class_weight, anything of length m.
    part : bool
        Whether all may be 0.

    Raises
    ------
    ValueError, TypeError
        For weights that do not fit; class weights for targets that are not classes.
    """
    weights = np.ones(len(targets))
    if sample_weight is not None:
        weights = as_real(name, sample_weight, np.dtype(np.float64))
        if weights.shape != (len(targets),):
            raise ValueError(
                f"{name} must be ({len(targets)},), a weight for each sample; "
                f"got shape {weights.shape}"
            )
        if (weights < 0).any():
            where = int(np.argmax(weights < 0))
            raise ValueError(f"{name} must not be negative; {name}[{where}] is {weights[where]}")
    shares, exponents = np.frexp(weights)
    if class_weight is not None:  # the product may be beyond float64
        # take: an index by int32 crashes where NumPy finds no memory for its buffers
        others, more = np.frexp(_class_weights(class_weight, targets).take(targets.classes))
        shares, further = np.frexp(shares * others)
        exponents = exponents + more + further
    if not shares.any():
        if part:
            return np.zeros(len(targets), dtype), 0
        raise ValueError("the weights of all samples are 0; at least one must count")
    exponent = int(exponents[shares > 0].max())
    return without_tiny(np.ldexp(shares, exponents - exponent).astype(dtype)), exponent


def without_tiny(weights: NDArray) -> NDArray:
    """Return weights, of which the largest is about 1, with 0 for those not to be divided by."""
    numbers = np.finfo(weights.dtype)
    weights[weights < numbers.tiny / numbers.eps] = 0
    return weights


def balanced(counts: NDArray) -> NDArray:
    """Return the weight of each class of which there are so many, (classes,)."""
    return counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))


def _class_weights(class_weight, targets):
    """Return the weight of each class, (classes,)."""
    if not targets.are_classes:
        raise ValueError(
            "class_weight needs targets that are classes: integer labels, one-hot rows, or a "
            "column of 0 and 1"
        )
    known = targets.n_classes
    if isinstance(class_weight, str) and class_weight == "balanced":
        return balanced(np.bincount(targets.classes, minlength=known))
    if not isinstance(class_weight, dict):
        raise TypeError(
            "class_weight must be a dict such as {0: 1.0, 1: 5.0}, or 'balanced'; "
            f"got {class_weight!r}"
        )
    weights = np.ones(known)
    for label, weight in class_weight.items():
        place = _place_of(label, known, targets.names)
        check_not_negative(f"class_weight[{label!r}]", weight)
        weights[place] = weight
    return weights


def _place_of(label, n_classes, names):
    """Return the place of a class among all of them."""
    if names is None:
        return check_index("each class of class_weight", label, 0, n_classes - 1)
    if label not in names.tolist():
        raise ValueError(f"each class of class_weight must be one of {shown(names)}; got {label!r}")
    return names.tolist().index(label)
