"""What a network answers with: classes, rows of 0 and 1 for several labels, or values."""

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.classes import places_of
from chainrule.model.model import Model


def answers_of(net: Model, outputs: NDArray) -> NDArray:
    """Return what outputs (m, n_L) say: classes (m,), rows of 0 and 1 (m, n_L), or values.

    Values are the outputs themselves, (m, n_L), or (m,) where there is one output.
    """
    low = net._cost.low
    if net.answers == "classes":
        places = places_of(outputs, low)
        return places if net._named is None else net._named[places]
    if net.answers == "multilabel":
        return (outputs > (low + 1) / 2).astype(np.int64)
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs
