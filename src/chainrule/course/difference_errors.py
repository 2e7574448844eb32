"""How far a gradient by differences may be from the right one: rounding, and neglected terms."""

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation, UserActivation
from chainrule.checks.arrays import Inputs, first_activations
from chainrule.core import _core
from chainrule.equations import bp2, bp3, bp4
from chainrule.network import Network
from chainrule.results.gradient import Gradient

# plan, parameters, X, Y and labels, as the core takes them
Data = tuple[_core.Plan, NDArray, Inputs, NDArray | None, NDArray | None]

EPS = np.finfo(float).eps
# What makes a bound of the estimate below. Of random networks of smooth units, with up to nine
# hidden layers, at a fit or not, one in a thousand or fewer is off by more, all at or near a fit.
SAFETY = 20


def difference_errors(net: Network, data: Data, cost: float, step: float) -> Gradient:
    """Estimate for each parameter the error r of its derivative by differences, in float64.

        r = 20 ε/h (c (c + A) + J² (1 + A^{l-1}) + h J Z)

    with h at |w| <= 1. The first term is what rounding does to the cost, and so over h to a
    difference: C is right to ε C, and an output, right to ε A, moves it by up to √C times that
    (c = √C + 20 ε A; for C = ½‖y - a‖² the slope ∂C/∂a is √2C). J² = mean ‖∂z^L/∂w‖² is the second
    derivative of the cost where it fits, at C = 0, and J² A^{l-1} of the size of the third. The
    differences neglect h times the one or h² times the other; h² is ε/h if they are central, and h
    is ε/h if not. The last term is that of z^L, right to ε Z, where δ^L has changed by h J on the
    way to w ± h.

    A, A^{l-1} and Z are the largest |a^L|, |a^{l-1}| and √(Σ w²a² + b²) of a z^L: of its terms, as
    their roundings are independent. Of s, |w^2 a^1| is in the place of A^{l-1}.

    Parameters
    ----------
    net : Network
    data : Data
        In float64 (X as `as_inputs` returns it).
    cost : float
        C.
    step : float
        h.
    """
    plan, parameters, X, *_ = data
    first = first_activations(plan, X, np.float64)
    inputs = net.scale * first if net.scale.size else first  # which layer 2 reads
    z, a, delta = ([np.empty((len(inputs), n)) for n in net.sizes[1:]] for _ in range(3))
    _core.trace(*data, z, a, delta)
    a2 = [np.square(layer) for layer in (inputs, *a)]  # a2[i] goes into weights[i]
    squares = Gradient(np.square(parameters), net.sizes, net.bias)
    z2 = a2[-2] @ squares.weights[-1].T + (squares.biases[-1] if net.bias else 0)
    largest = np.sqrt(a2[-1].max())
    c = np.sqrt(abs(cost)) + SAFETY * EPS * largest

    J2 = _squared_jacobian(net, parameters, z, a2, first)
    moved = step * np.sqrt(J2.parameters * z2.max())
    for layer, W in zip(a2, J2.weights, strict=False):
        W *= 1 + np.sqrt(layer.max())
    if net.scale.size:
        J2.scale[...] *= 1 + np.abs(first).max() * np.abs(net.weights[0]).max()
    r = c * (c + largest) + J2.parameters + moved
    return Gradient(SAFETY * EPS / step * r, net.sizes, net.bias)


def _squared_jacobian(
    net: Network, parameters: NDArray, z: list[NDArray], a2: list[NDArray], first: NDArray
) -> Gradient:
    """Return Σ_q (∂z^L_q/∂w)², the mean over samples, by BP2 to BP4 for one output at a time."""
    weights = Gradient(parameters, net.sizes, net.bias).weights
    total = Gradient(np.zeros_like(parameters), net.sizes, net.bias)
    for q in range(net.sizes[-1]):
        delta = np.zeros_like(z[-1])  # ∂z^L_q/∂z^l
        delta[:, q] = 1
        for i in reversed(range(len(z))):
            total.weights[i][...] += bp4(delta**2, a2[i])
            if net.bias:
                total.biases[i][...] += bp3(delta**2)
            if i:
                delta = _back(weights[i], delta, z[i - 1], net._hidden[i - 1])
            elif net.scale.size:  # ∂z^L_q/∂s = a^1 ⊙ (δ^2 W^2)
                total.scale[...] += np.square(first * (delta @ weights[0])).mean(axis=0)
    return total


def _back(W: NDArray, delta: NDArray, z: NDArray, activation: Activation) -> NDArray:
    """BP2, also for an activation of the user's."""
    if isinstance(activation, UserActivation):
        own = activation.function
        return (delta @ W) * own.slope(z, own.value(z))
    return bp2(W, delta, z, activation=activation)
