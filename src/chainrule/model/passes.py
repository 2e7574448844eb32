"""What a network computes for samples that are checked already."""

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import Inputs, first_activations
from chainrule.checks.given_gradients import GivenGradients
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.gradient import Gradient, Sensitivity, Trace

Threads = tuple[int, int]  # as `check_threads` returns them
ALONE = (1, 0)


def outputs(net: Model, X: Inputs, threads: Threads = ALONE, out: NDArray | None = None) -> NDArray:
    """Return what `net` says, (m, n_L), a^L as it is scaled; written into `out` if given."""
    if out is None:
        out = np.empty((len(X), net.sizes[-1]), net.dtype)
    _core.feedforward(net._plan, net.parameters, X, out, *threads)
    return out


def weighted_inputs(net: Model, X: Inputs, threads: Threads = ALONE) -> NDArray:
    """Return z^L (m, n_L), of which the output activation makes a^L."""
    activations = [*(each.compiled for each in net._hidden), ("identity", 0.0)]
    scalings = net._scaling.for_core, None
    plan = _core.Plan(
        net.sizes, activations, ("quadratic", ()), net.bias, *scalings, net._trainable_scale,
        net._rounds,
    )  # fmt: skip
    z = np.empty((len(X), net.sizes[-1]), net.dtype)
    _core.feedforward(plan, net.parameters, X, z, *threads)
    return z


def evaluate(net: Model, samples: Samples, threads: Threads = ALONE) -> tuple[float, float, float]:
    """Return the mean cost, how many answers are right, and of how many; all by their weights."""
    return _core.evaluate(net._plan, net.parameters, *samples.for_core, *threads)


def gradient(
    net: Model,
    samples: Samples | GivenGradients,
    threads: Threads = ALONE,
    *,
    inputs: bool = False,
) -> Gradient:
    """Return the mean gradient of the cost, by BP1-BP4; samples and targets by their weights.

    If asked with ∂C_i/∂x_i of each sample, whatever its weight; X is dense then.
    """
    parameters = net.parameters
    nabla = np.empty(len(parameters), net.dtype)
    X, Y, labels, weights, U = samples.for_core
    by_inputs = None
    if inputs and weights is None:
        by_inputs = np.empty(X.shape, net.dtype)
    cost: float | None = _core.gradient(
        net._plan, parameters, X, Y, labels, nabla, weights, U, *threads, samples.given,
        by_inputs,
    )  # fmt: skip
    if inputs and by_inputs is None:
        by_inputs = gradient(net, samples.unweighted(), threads, inputs=True).inputs
    if samples.given:
        cost = None
    return Gradient(nabla, net.sizes, net.bias, cost, by_inputs)


def trace(net: Model, samples: Samples, *, gradients: bool = False) -> Trace:
    """Return z, a and δ of every layer for every sample; if asked, each sample's own gradient.

    Weights do not count.
    """
    m = len(samples)
    z, a, delta = ([np.empty((m, n), net.dtype) for n in net.sizes[1:]] for _ in range(3))
    data = net._plan, net.parameters, *samples.for_core[:3]
    _core.trace(*data, z, a, delta)
    if not gradients:
        return Trace(z, a, delta)
    nabla = np.empty((m, net.parameters.size), net.dtype)
    _core.sample_gradients(*data, nabla)
    return Trace(z, a, delta, Gradient(nabla, net.sizes, net.bias))


def sensitivity(net: Model, x: Inputs) -> Sensitivity:
    """Return the derivatives of each output for one sample x (1, n_1), by parameters and inputs."""
    n_out = net.sizes[-1]
    by_parameter = np.empty((n_out, net.parameters.size), net.dtype)
    by_input = np.empty((n_out, net.sizes[0]), net.dtype)
    a = first_activations(net._plan, x, net.dtype)
    _core.sensitivity(net._plan, net.parameters, a, by_parameter, by_input)
    return Sensitivity(by_parameter, net.sizes, net.bias, by_input)


def jacobian(net: Model, X: Inputs) -> NDArray:
    """Return the derivative of each output by each input of each sample, (m, n_L, n_1)."""
    a = first_activations(net._plan, X, net.dtype)
    out = np.empty((len(X), net.sizes[-1], net.sizes[0]), net.dtype)
    _core.jacobian(net._plan, net.parameters, a, out)
    return out
