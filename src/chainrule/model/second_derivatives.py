"""Second derivatives by the R-operator (Pearlmutter, 1994): R{f} = ∂f(w + r v)/∂r at r = 0.

R{f} is how f changes as what it hangs by goes along v. Each equation of feedforward and of
backpropagation has its R{·} by the rules of differentiation, so that a Hessian times a vector takes
about as long as two gradients, and no Hessian. All is float64, whatever the network's dtype, in
NumPy: the four equations in `core/equations.pxd` are the fast path.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.checks.arrays import Inputs, first_activations
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.gradient import layer_views

Layers = Sequence[NDArray]  # one array a layer


def _bell(z):
    """Return s(1 - s) for s = 1/(1 + e^-z)."""
    t = np.exp(-np.abs(z))
    return t / (1 + t) ** 2


def _mish(z):
    """Return σ'' of mish: with t = tanh(ln(1 + e^z)) and s as above, t'(2 + z(1 - s - 2ts))."""
    softplus = np.logaddexp(0, z)
    t, s = np.tanh(softplus), -np.expm1(-softplus)
    return (1 - t) * (1 + t) * s * (2 + z * (1 - s - 2 * t * s))


# σ''(z) from z, a = σ(z) and the parameter, of those that have one everywhere. Of elu, selu and
# softsign it jumps at 0, of the others σ' does.
SECOND_SLOPES: dict[str, Callable[..., NDArray]] = {
    "sigmoid": lambda z, a: a * (1 - a) * (1 - 2 * a),
    "tanh": lambda z, a: -2 * a * (1 - a**2),
    "softplus": lambda z, a: _bell(z),
    "gelu": lambda z, a: (2 - z**2) * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    "swish": lambda z, a, beta: beta * _bell(beta * z) * (2 - beta * z * np.tanh(beta * z / 2)),
    "mish": lambda z, a: _mish(z),
    "exponential": lambda z, a: a,
    "identity": lambda z, a: np.zeros_like(z),
}


def _gaussian(a, y, R_a):
    mean, s = np.split(a, 2, axis=1)
    R_mean, R_s = np.split(R_a, 2, axis=1)
    r, precision = mean - np.split(y, 2, axis=1)[0], np.exp(-s)
    return np.hstack([(R_mean - r * R_s) * precision, (r**2 * R_s / 2 - r * R_mean) * precision])


# R{∇_a C} from a, y and R{a}; R{δ^L} for the costs that are for one output activation.
ALONG: dict[str, Callable[..., NDArray]] = {
    "quadratic": lambda a, y, R_a: R_a,
    "squared_error": lambda a, y, R_a: 2 * R_a,
    "cross_entropy": lambda a, y, R_a: R_a,
    "log_likelihood": lambda a, y, R_a: y.sum(axis=1, keepdims=True) * R_a,
    "poisson": lambda a, y, R_a: R_a,
    "gaussian": _gaussian,
}


def check_smooth(net: Model) -> None:
    """Raise ValueError for an activation that has no second derivative everywhere."""
    for layer, activation in enumerate((*net._hidden, net._output), start=2):
        if activation.name != "softmax":
            _check_known(f"the activation of layer {layer}", activation.name, SECOND_SLOPES)


def check_smooth_cost(net: Model) -> None:
    """Raise ValueError for a cost that has none."""
    _check_known("the cost", net._cost.name, ALONG)


def _check_known(what, name, known):
    if name not in known:
        raise ValueError(
            f"{what}, {name}, has no second derivative everywhere, or none that is known; "
            f"those that have: {', '.join(known)}"
        )


def hessian_vector(net: Model, samples: Samples, v: NDArray) -> NDArray:
    """Return H v = R{∂C/∂w}, (n_parameters,) in float64: H has the ∂²C/∂w_i∂w_j of the mean cost.

    v is (n_parameters,). Weights of samples and outputs do not count.
    """
    weights, biases, s = _layers(net, net.parameters)
    V, V_b, v_s = _layers(net, v)
    x = _first(net, samples.X)
    z, a = _feedforward(net, weights, biases, x * s if s.size else x)
    R_first = x * v_s if s.size else np.zeros_like(x)
    R_z, R_a = _feedforward_along(net, weights, V, V_b, z, a, R_first)
    y = _targets(net, samples)
    # ∇_a C, or δ^L itself, which identity outputs leave as it is; and R{·} of it
    g = np.empty_like(y)
    cost = net._cost.compiled(net.sizes[-1])
    _core.bp1(("identity", 0.0), cost, z[-1], a[-1], y, g)
    R_g = ALONG[net._cost.name](a[-1], y, R_a[-1])
    if _core.COST_OUTPUTS[net._cost.name] is None:
        g, R_g = _bp1_along(net._output, z[-1], a[-1], R_z[-1], R_a[-1], g, R_g)
    delta, R_delta = _bp2_along(net, weights, V, z, a, R_z, g, R_g)
    out = np.empty(net.parameters.size)
    by_weights, by_biases, by_scale = _layers(net, out)
    for i, by_weight in enumerate(by_weights):
        # BP4: R{∂C/∂W^l} = R{δ^l}ᵀ a^{l-1} + (δ^l)ᵀ R{a^{l-1}}
        by_weight[:] = (R_delta[i].T @ a[i] + delta[i].T @ R_a[i]) / len(y)
        if net.bias:  # BP3: R{∂C/∂b^l} = R{δ^l}
            by_biases[i][:] = R_delta[i].mean(axis=0)
    if s.size:  # of ∂C/∂s = a^1 ⊙ (δ^2 W^2)
        by_scale[:] = (x * (R_delta[0] @ weights[0] + delta[0] @ V[0])).mean(axis=0)
    return out


def input_hessian(net: Model, x: Inputs, output: int) -> NDArray:
    """Return ∂²a^L_k/∂x_i∂x_j of one sample x (1, n_1) for the output k, (n_1, n_1) in float64.

    Row i is R{∂a^L_k/∂x} along x_i: all n_1 directions go through the network as a batch.
    """
    weights, biases, s = _layers(net, net.parameters)
    V, V_b, _ = _layers(net, np.zeros(net.parameters.size))  # the parameters stay
    scale = np.ones(net.sizes[0]) if net._scaling.for_core is None else net._scaling.for_core[0]
    first = _first(net, x)
    if s.size:
        first, scale = first * s, scale * s
    z, a = _feedforward(net, weights, biases, first)
    R_z, R_a = _feedforward_along(net, weights, V, V_b, z, a, np.diag(scale))
    g = np.zeros_like(a[-1])
    g[0, output] = 1
    ends = _bp1_along(net._output, z[-1], a[-1], R_z[-1], R_a[-1], g, np.zeros_like(R_a[-1]))
    _, R_delta = _bp2_along(net, weights, V, z, a, R_z, *ends)
    by_inputs = R_delta[0] @ weights[0] * scale
    of = net._output_scaling.for_core
    return by_inputs if of is None else by_inputs * of[0, output]


def _layers(net, flat):
    return layer_views(flat.astype(np.float64, copy=False), net.sizes, net.bias)


def _first(net: Model, X: Inputs) -> NDArray:
    """Return a^1."""
    return first_activations(net._plan, X, net.dtype).astype(np.float64)


def _targets(net: Model, samples: Samples) -> NDArray:
    """Return the targets as (m, n_L)."""
    labels, Y = samples.targets.labels, samples.targets.Y
    if labels is None:
        return Y.astype(np.float64)
    return np.where(labels[:, None] == np.arange(net.sizes[-1]), 1.0, net._cost.low)


def _activations(net: Model) -> tuple[Activation, ...]:
    return *net._hidden, net._output


def _slopes(activation: Activation, z: NDArray, a: NDArray) -> tuple[NDArray, NDArray]:
    """Return σ'(z) and σ''(z), neuron by neuron."""
    slope = np.ones_like(z)
    _core.activation_prime(activation.compiled, z, a, slope)
    return slope, SECOND_SLOPES[activation.name](z, a, *activation.parameters)


def _feedforward(
    net: Model, weights: Layers, biases: Layers, first: NDArray
) -> tuple[Layers, Layers]:
    """Return z^2 ... z^L and a^1 ... a^L: z^l = a^{l-1} (W^l)ᵀ + b^l, a^l = σ(z^l).

    first: a^1, or s ⊙ a^1 where there is an s.
    """
    z, a = [], [first]
    for i, activation in enumerate(_activations(net)):
        z.append(a[i] @ weights[i].T + (biases[i] if net.bias else 0))
        a.append(np.empty_like(z[i]))
        _core.activate(activation.compiled, z[i], a[i + 1])
    return z, a


def _feedforward_along(
    net: Model, weights: Layers, V: Layers, V_b: Layers, z: Layers, a: Layers, R_first: NDArray
) -> tuple[Layers, Layers]:
    """Return R{z^2} ... R{z^L} and R{a^1} ... R{a^L}, of which the first is given."""
    R_z, R_a = [], [R_first]
    for i, activation in enumerate(_activations(net)):
        # R{z^l} = R{a^{l-1}} (W^l)ᵀ + a^{l-1} (V^l)ᵀ + v^l
        R_z.append(R_a[i] @ weights[i].T + a[i] @ V[i].T + (V_b[i] if net.bias else 0))
        if activation.name == "softmax":  # R{a_j} = a_j (R{z_j} - Σ_k a_k R{z_k})
            R_a.append(a[i + 1] * (R_z[i] - _sums(a[i + 1] * R_z[i])))
        else:  # R{a^l} = σ'(z^l) ⊙ R{z^l}
            R_a.append(_slopes(activation, z[i], a[i + 1])[0] * R_z[i])
    return R_z, R_a


def _bp1_along(
    output: Activation,
    z: NDArray,
    a: NDArray,
    R_z: NDArray,
    R_a: NDArray,
    g: NDArray,
    R_g: NDArray,
) -> tuple[NDArray, NDArray]:
    """Return δ^L and R{δ^L} from g = ∇_a C and R{g}; z, a and their R{·} are those of layer L."""
    if output.name == "softmax":  # δ_j = a_j (g_j - Σ_k a_k g_k)
        centred = g - _sums(a * g)
        return a * centred, R_a * centred + a * (R_g - _sums(R_a * g + a * R_g))
    slope, second = _slopes(output, z, a)
    return g * slope, R_g * slope + g * second * R_z


def _bp2_along(
    net: Model,
    weights: Layers,
    V: Layers,
    z: Layers,
    a: Layers,
    R_z: Layers,
    delta: NDArray,
    R_delta: NDArray,
) -> tuple[Layers, Layers]:
    """Return δ^2 ... δ^L and R{δ^2} ... R{δ^L} from the last of each."""
    deltas, R_deltas = [delta], [R_delta]
    for i in range(len(z) - 2, -1, -1):
        slope, second = _slopes(net._hidden[i], z[i], a[i + 1])
        # δ^l = (δ^{l+1} W^{l+1}) ⊙ σ'(z^l), and by the product rule R{δ^l} =
        # (R{δ^{l+1}} W^{l+1} + δ^{l+1} V^{l+1}) ⊙ σ'(z^l) + (δ^{l+1} W^{l+1}) ⊙ σ''(z^l) ⊙ R{z^l}
        back = deltas[0] @ weights[i + 1]
        R_back = R_deltas[0] @ weights[i + 1] + deltas[0] @ V[i + 1]
        deltas.insert(0, back * slope)
        R_deltas.insert(0, R_back * slope + back * second * R_z[i])
    return deltas, R_deltas


def _sums(rows):
    return rows.sum(axis=1, keepdims=True)
