"""Targets of one output of each sample: what an action was worth, all other outputs left alone."""

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers


def targets_of_actions(actions, q, m: int, n: int) -> tuple[NDArray, NDArray]:
    """Return targets (m, n) and their weights (m, n): 1 for the action of each sample, else 0.

    Parameters
    ----------
    actions : array (m,)
        Whole numbers from 0 to n - 1.
    q : array (m,)
        The target of the output that each names.
    m, n : int
        How many samples and targets there are.

    Raises
    ------
    ValueError, TypeError
        For actions or targets that do not fit.
    """
    chosen, values = as_numbers("actions", actions), as_numbers("y", q)
    if chosen.dtype.kind not in "iu":
        raise TypeError(f"actions must be whole numbers; got dtype {chosen.dtype}")
    for name, given in (("actions", chosen), ("y", values)):
        if given.shape != (m,):
            raise ValueError(
                f"with actions, {name} must be ({m},), a number for each sample; "
                f"got shape {given.shape}"
            )
    outside = (chosen < 0) | (chosen >= n)
    if outside.any():
        where = int(np.argmax(outside))
        raise ValueError(
            f"actions must be from 0 to {n - 1}, one of the {n} targets; "
            f"actions[{where}] is {chosen[where]}"
        )
    weights = np.zeros((m, n))
    weights[np.arange(m), chosen] = 1
    return np.repeat(values[:, None], n, axis=1), weights
