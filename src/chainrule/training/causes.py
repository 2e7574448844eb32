"""Why a cost may have stopped being finite, as far as the data tell."""

from typing import Any

import numpy as np

from chainrule.checks.arrays import first_activations
from chainrule.checks.moments import mean_and_spread
from chainrule.checks.samples import Samples
from chainrule.model.model import Model

# Initial weights are about 1/√n_in, so that inputs of size 1 give z of size 1. With inputs of
# size 5 a third of sigmoid neurons begin saturated (|z| > 4.4), and a step of W is 25 times as far.
LARGE = 5.0
# The step of the output's bias is the learning rate times the error, so with the usual 0.1 ... 1,
# targets of size 10 throw the first steps far off.
LARGE_TARGET = 10.0
HOPELESS = 1e6  # of a parameter: no rate brings it back
SOME = 2000  # rows, which mostly tell


def likely_cause(net: Model, samples: Samples | None, optimizer: Any) -> str:
    """Return sentences for a `DivergenceError`: what of the data is large, or else the rate.

    Both are looked at as the network has them: x and y once they are scaled.
    """
    largest = float(np.abs(net.parameters).max())
    if largest > HOPELESS:
        return (
            f"Its parameters are as large as {largest:.2g} already: begin with a new network, or "
            "go back to a state that was kept."
        )
    causes = []
    if samples is not None:
        some = samples.of_rows(np.arange(min(SOME, len(samples))))
        if net._cost.has_units and some.targets.labels is None:
            y = some.output_scaling.learned(some.targets.given)
            causes += _large("targets", "y", y, LARGE_TARGET, some.output_scaling, None)
        a = first_activations(net._plan, some.X, net.dtype)
        causes += _large("inputs", "X", a, LARGE, some.scaling, net.input_names)
    if causes:
        return f"{' '.join(causes)} Or try a smaller learning_rate."
    rate = getattr(optimizer, "learning_rate", None)
    numbers = f", {rate / 10:.3g} instead of {rate:.3g}" if isinstance(rate, int | float) else ""
    sizes = "" if samples is None else "Inputs and targets are of a size to learn from. "
    return f"{sizes}Try a tenth of the learning_rate{numbers}, or clip_norm=1."


def _large(what, variable, numbers, limit, scaling, names):
    try:
        mean, spread = mean_and_spread(numbers, ~np.isnan(numbers))
    except ValueError as error:  # larger than any mean
        return [f"Likely cause: in the {what}, {error}."]
    worst = int(np.hypot(mean, spread).argmax())
    if np.hypot(mean[worst], spread[worst]) <= limit:
        return []
    option = next(iter(scaling.defaults))
    cause = f"the {what} are not scaled"
    advice = f"write Network(..., {option}='standard')"
    if scaling:
        cause = f"the {what} are large also by the network's {option}"
        advice = "make a network anew for data other than those that it was made for"
    return [
        f"Likely cause: {cause}, {column(variable, worst, names)} has mean {mean[worst]:.4g} and "
        f"standard deviation {spread[worst]:.4g}; {advice}."
    ]


def column(variable: str, place: int, names: tuple[str, ...] | None) -> str:
    """Return how users write a column, by its name where it has one."""
    return f"{variable}[:, {place}]" if names is None else f"{variable}[{names[place]!r}]"
