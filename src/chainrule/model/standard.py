"""What "standard" scalings become: by the mean and spread of the samples that are trained on."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.moments import Moments, moments_of, spread_of
from chainrule.checks.samples import Samples
from chainrule.checks.sparse_rows import SparseRows
from chainrule.model.model import Model
from chainrule.model.scaling import as_input_scaling, as_output_scaling


def standardize(
    net: Model,
    samples: Samples,
    *others: Samples,
    look: Callable[[Any, NDArray | None], Moments] = moments_of,
) -> None:
    """Set the scalings of samples where they are open: by them alone, and alike for the others.

    Each input becomes (x - μ)/s and each target (y - μ)/s, with mean μ and spread s as the samples
    are weighted; sparse inputs, whose zeros stay zeros, x/s. The network gets them with its first
    epoch (`Model._settle`). look: what returns the moments of rows with weights, as `moments_of`.

    Raises
    ------
    ValueError
        For numbers of which there is no spread.
    """
    if samples.scaling.is_open:
        with _named("X"):
            mean, spread = spread_of(look(samples.X, samples.weights))
            is_sparse = isinstance(samples.X[:1], SparseRows)
            shift = np.zeros_like(mean) if is_sparse else -mean / spread
            scaling = as_input_scaling(1 / spread, shift, net.sizes[0], net.dtype)
        for part in (samples, *others):
            part.read_by(scaling)
    if samples.output_scaling.is_open:
        with _named("y"):
            mean, spread = spread_of(look(samples.targets.given, _weights_of_targets(samples)))
            output = as_output_scaling(spread, mean, net._cost, net.sizes[-1], net.dtype)
        for part in (samples, *others):
            part.learn_by(output)


def _weights_of_targets(samples):
    """Return the weights by which targets count, (m, n) or (m,), or None."""
    if samples.output_weights is None:
        return samples.weights
    weights = samples.output_weights.astype(np.float64)
    weights /= weights.max()  # a common factor means nothing to a mean
    return weights if samples.weights is None else samples.weights[:, None] * weights


@contextmanager
def _named(name):
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name} cannot be standardised: {error}") from None
