"""What "standard" scalings become: by the mean and spread of the samples that are trained on."""

import numpy as np

from chainrule.checks.moments import mean_and_spread
from chainrule.checks.samples import Samples
from chainrule.checks.sparse_rows import SparseRows
from chainrule.model.model import Model
from chainrule.model.scaling import as_input_scaling, as_output_scaling


def standardize(net: Model, samples: Samples, *others: Samples) -> None:
    """Set the scalings of samples where they are open: by them alone, and alike for the others.

    Each input becomes (x - μ)/s and each target (y - μ)/s, with mean μ and spread s as the samples
    are weighted; sparse inputs, whose zeros stay zeros, x/s. The network gets them with its first
    epoch (`Model._settle`).

    Raises
    ------
    ValueError
        For numbers of which there is no spread.
    """
    if samples.scaling.is_open:
        mean, spread = _moments("X", samples.X, samples.weights)
        shift = np.zeros_like(mean) if isinstance(samples.X, SparseRows) else -mean / spread
        scaling = as_input_scaling(1 / spread, shift, net.sizes[0], net.dtype)
        for part in (samples, *others):
            part.read_by(scaling)
    if samples.output_scaling.is_open:
        weights, of_targets = samples.weights, samples.output_weights
        if of_targets is not None:
            weights = of_targets if weights is None else weights[:, None] * of_targets
        mean, spread = _moments("y", samples.targets.given, weights)
        output = as_output_scaling(spread, mean, net._cost, net.sizes[-1], net.dtype)
        for part in (samples, *others):
            part.learn_by(output)


def _moments(name, rows, weights):
    try:
        return mean_and_spread(rows, weights)
    except ValueError as error:
        raise ValueError(f"{name} cannot be standardised: {error}") from None
