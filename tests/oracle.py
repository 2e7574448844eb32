"""The definitions, written a second time in plain NumPy float64, to test the compiled core against.

Nothing here is fast and nothing here is shared with the package. Axis letters in the einsum specs:
s is a sample, j a neuron of layer l, k a neuron of layer l-1 (or, in BP2, of layer l+1).
Lists hold one entry a layer with weights, so index i belongs to layer l = i + 2.
"""

from dataclasses import dataclass

import numpy as np

# ---------------------------------------------------------------- activations and derivatives


def sigmoid(z):
    """σ(z) = 1 / (1 + e⁻ᶻ); only e to a power ≤ 0 is ever taken, so nothing overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z):
    """ln(1 + eᶻ) = max(z, 0) + ln(1 + e^-|z|); -ln σ(z) = softplus(-z)."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def softmax(z):
    """a_j = e^{z_j} / Σ_k e^{z_k}, row by row; the largest z is taken off first."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    """ln a_j = z_j - ln Σ_k e^{z_k}, row by row; the e⁰ of the largest z is the 1 of log1p."""
    shifted = z - z.max(axis=1, keepdims=True)
    rest = np.exp(np.sort(shifted)[:, :-1]).sum(axis=1, keepdims=True)
    return shifted - np.log1p(rest)


ACTIVATION = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "identity": lambda z: z,
    "step": lambda z: np.where(z > 0, 1.0, 0.0),  # no derivative to train by: not in PRIME
    "softmax": softmax,
}

PRIME = {  # σ'(z), for the activations that work neuron by neuron
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "identity": np.ones_like,
}


def pull_back(activation, z, gradient):
    """From ∂C/∂a to ∂C/∂z: gradient ⊙ σ'(z).

    Softmax mixes its row: ∂a_k/∂z_j = a_k ([k=j] - a_j), so ∂C/∂z_j = a_j (g_j - Σ_k a_k g_k).
    """
    if activation != "softmax":
        return gradient * PRIME[activation](z)
    a = softmax(z)
    return a * (gradient - np.einsum("sk,sk->s", a, gradient)[:, None])


# ---------------------------------------------------------------- costs, one number a sample


def half_square(z, y, output):
    """½ ‖y - a‖²."""
    return 0.5 * ((y - ACTIVATION[output](z)) ** 2).sum(axis=1)


def cross_entropy(z, y, output):
    """-Σ y ln a + (1-y) ln(1-a), with -ln a = softplus(-z) and -ln(1-a) = softplus(z)."""
    return (y * softplus(-z) + (1.0 - y) * softplus(z)).sum(axis=1)


def log_likelihood(z, y, output):
    """-ln a_y; y is one-hot, so this is -Σ y_j ln a_j."""
    return -(y * log_softmax(z)).sum(axis=1)


COST = {
    "quadratic": half_square,
    "squared_error": lambda z, y, output: 2.0 * half_square(z, y, output),
    "cross_entropy": cross_entropy,
    "log_likelihood": log_likelihood,
}

# Every output activation that can be trained, and every cost that may go with it.
PAIRS = [
    (output, cost)
    for cost in ("quadratic", "squared_error")
    for output in ("sigmoid", "tanh", "relu", "identity", "softmax")
] + [("sigmoid", "cross_entropy"), ("softmax", "log_likelihood")]


def mean_cost(net, z, y):
    """C = (1/m) Σ_s C_s."""
    return COST[net.cost](z, y, net.output).mean()


# ---------------------------------------------------------------- the network and BP1 to BP4


@dataclass
class Net:
    """Weights (n_l, n_{l-1}) and biases (n_l,) with the names of what is applied to them."""

    weights: list
    biases: list
    hidden: tuple
    output: str
    cost: str

    @property
    def activations(self):
        return (*self.hidden, self.output)


def float64(array):
    return np.array(array, dtype=np.float64)  # always a copy


def copy_of(net):
    """The float64 copy of a chainrule.Network; a network without biases gets zeros."""
    biases = net.biases if net.bias else [np.zeros(len(w)) for w in net.weights]
    return Net(
        [float64(w) for w in net.weights],
        [float64(b) for b in biases],
        tuple(net.hidden),
        net.output,
        net.cost,
    )


def weighted_input(w, b, a):
    """Z = A Wᵀ + b."""
    return np.einsum("sk,jk->sj", a, w) + b


def feedforward(net, x):
    """All z^l and a^l, layer by layer."""
    zs, activations, a = [], [], float64(x)
    for w, b, name in zip(net.weights, net.biases, net.activations, strict=True):
        z = weighted_input(w, b, a)
        a = ACTIVATION[name](z)
        zs.append(z)
        activations.append(a)
    return zs, activations


def bp1(z, y, output, cost):
    """δ^L = ∇_a C ⊙ σ'(z^L), a row a sample.

    For cross_entropy with σ and log_likelihood with softmax the product is a - y.
    """
    a = ACTIVATION[output](z)
    if cost in ("cross_entropy", "log_likelihood"):
        return a - y
    factor = {"quadratic": 1.0, "squared_error": 2.0}[cost]
    return pull_back(output, z, factor * (a - y))


def bp2(delta_above, w_above, z, activation):
    """δ^l = (δ^{l+1} W^{l+1}) ⊙ σ'(z^l)."""
    return pull_back(activation, z, np.einsum("sk,kj->sj", delta_above, w_above))


def bp3(delta):
    """∂C/∂b^l = column sums of δ^l, over m for the mean cost."""
    return np.einsum("sj->j", delta) / len(delta)


def bp4(delta, a_below):
    """∂C/∂W^l = (δ^l)ᵀ A^{l-1}, over m for the mean cost."""
    return np.einsum("sj,sk->jk", delta, a_below, optimize=True) / len(delta)


def deltas(net, zs, y):
    """δ^2, ..., δ^L."""
    found = [bp1(zs[-1], float64(y), net.output, net.cost)]
    for i in reversed(range(len(zs) - 1)):
        found.insert(0, bp2(found[0], net.weights[i + 1], zs[i], net.hidden[i]))
    return found


def backprop(net, x, y):
    """(∂C/∂W, ∂C/∂b, C): lists by layer, and the mean cost."""
    zs, activations = feedforward(net, x)
    below = [float64(x), *activations[:-1]]
    delta = deltas(net, zs, y)
    nabla_w = [bp4(d, a) for d, a in zip(delta, below, strict=True)]
    return nabla_w, [bp3(d) for d in delta], mean_cost(net, zs[-1], float64(y))


def one_hot(labels, classes):
    return np.eye(classes)[np.asarray(labels)]


# ---------------------------------------------------------------- stochastic gradient descent


def step(w, v, g, learning_rate, momentum=0.0, nesterov=False):
    """v ← μv - ηg; w ← w + v. Nesterov: w ← w + μv - ηg, with the new v."""
    v = momentum * v - learning_rate * g
    return w + (momentum * v - learning_rate * g if nesterov else v), v


def train(net, x, y, *, epochs, batch_size, l2=0.0, bias=True, **rule):
    """SGD on `net` in place, rows in their order; the mean cost seen in each epoch.

    Each mini-batch is a mean over its own rows, the last and short one too. L2 adds l2 W to the
    gradient of the weights and nothing to that of the biases. The cost is that of each mini-batch
    before its step, a mean over the rows of the epoch, without the L2 term.
    """
    velocity_w = [np.zeros_like(w) for w in net.weights]
    velocity_b = [np.zeros_like(b) for b in net.biases]
    costs = []
    for _ in range(epochs):
        seen = 0.0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            nabla_w, nabla_b, cost = backprop(net, x[rows], y[rows])
            seen += cost * len(x[rows])
            for i, w in enumerate(net.weights):
                g = nabla_w[i] + l2 * w
                net.weights[i], velocity_w[i] = step(w, velocity_w[i], g, **rule)
                if bias:
                    b = net.biases[i]
                    net.biases[i], velocity_b[i] = step(b, velocity_b[i], nabla_b[i], **rule)
        costs.append(seen / len(x))
    return np.array(costs)


# ---------------------------------------------------------------- comparing

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of the largest number compared with


def assert_close(got, expected, tolerance, scale=None):
    """|got - expected| ≤ tolerance · scale, where scale is max |expected| unless given.

    An expected array of nothing but zeros would pass for code that does nothing: refused.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"shape {got.shape}, expected {expected.shape}"
    assert np.any(expected != 0), "nothing to compare: expected is empty or all zeros"
    scale = np.abs(expected).max() if scale is None else scale
    error = np.abs(got - expected).max()
    assert error <= tolerance * scale, f"off by {error:.3g}, {error / scale:.3g} of the scale"
