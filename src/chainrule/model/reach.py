"""Whether what a network shall answer is within the reach of its output activation."""

import math
import warnings
from typing import Any

from chainrule.checks.samples import Samples
from chainrule.model.model import Model

ANY = -math.inf, math.inf


def check_reach(net: Model, samples: Samples) -> None:
    """Raise if outputs could not come near the targets, where the cost is least at a = y.

    Those that do not count may lie anywhere.
    """
    targets, weights = samples.targets, samples.weights
    least, most = reach = net._output.reach
    if reach == ANY or not net._cost.is_least_at_target or targets.Y is None:
        return
    counts: Any = True if targets.U is None else targets.U > 0  # (m, n_L)
    if weights is not None:
        counts = counts & (weights > 0)[:, None]
    low = float(targets.Y.min(where=counts, initial=math.inf))
    high = float(targets.Y.max(where=counts, initial=-math.inf))
    if least <= low and high <= most:
        return
    raise ValueError(
        f"y must lie within the reach of output={net.output!r}, from {least:g} to {most:g}"
        f"{', once it is scaled' if net._output_scaling else ''}; it spans {low:g} to {high:g}. "
        f"For numbers in units write Network({list(net.sizes)}, task='regression')"
    )


def warn_of_slow_pair(net: Model) -> None:
    """Warn once, before the first training, of softmax with a cost that it learns slowly by."""
    if net._output.name == "softmax" and net._cost.is_least_at_target and net.history is None:
        warnings.warn(
            f"softmax learns slowly by cost={net.cost!r}, whose gradient is small where an answer "
            "is plainly wrong; for classes take cost='log_likelihood'",
            stacklevel=5,  # where users call fit
        )
