"""The definitions, written a second time in plain NumPy float64, to test the compiled core against.

Nothing here is fast and nothing here is shared with the package. Axis letters in the einsum specs:
s is a sample, j a neuron of layer l, k a neuron of layer l-1 (or, in BP2, of layer l+1).
Lists hold one entry a layer with weights, so index i belongs to layer l = i + 2.
"""

import math
from dataclasses import astuple, dataclass
from itertools import product

import numpy as np

from chainrule import activations, costs  # to name them with their parameters, nothing else


def name_of(formula):
    """The name of an activation or a cost that is given as a name or as an object."""
    return formula if isinstance(formula, str) else type(formula).__name__


def parameters_of(formula):
    """The values of its parameters; none for a name, which stands for the default."""
    return () if isinstance(formula, str) else astuple(formula)


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


def elu(z, alpha=1.0):
    """z, or α(eᶻ - 1) on the left."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))


def elu_prime(z, alpha=1.0):
    """1, or αeᶻ on the left."""
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


SELU = 1.0507009873554805, 1.6732632423543772  # λ, α

normal = np.vectorize(lambda z: math.erfc(-z / math.sqrt(2)) / 2, otypes=[float])  # Φ


def density(z):
    """φ(z) = e^(-z²/2)/√(2π)."""
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


ACTIVATION = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0, z, slope * z),
    "elu": elu,
    "selu": lambda z: SELU[0] * elu(z, SELU[1]),
    "softplus": softplus,
    "gelu": lambda z: z * normal(z),
    "swish": lambda z, beta=1.0: z * sigmoid(beta * z),
    "mish": lambda z: z * np.tanh(softplus(z)),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hard_sigmoid": lambda z: np.clip(z / 6 + 0.5, 0.0, 1.0),
    "exponential": np.exp,
    "identity": lambda z: z,
    "step": lambda z: np.where(z > 0, 1.0, 0.0),  # no derivative to train by: not in PRIME
    "softmax": softmax,
}

PRIME = {  # σ'(z), for the activations that work neuron by neuron
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": lambda z: 1.0 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0, 1.0, slope),
    "elu": elu_prime,
    "selu": lambda z: SELU[0] * elu_prime(z, SELU[1]),
    "softplus": sigmoid,
    "gelu": lambda z: normal(z) + z * density(z),
    "swish": lambda z, beta=1.0: sigmoid(beta * z) * (1 + beta * z * sigmoid(-beta * z)),
    "mish": lambda z: np.tanh(softplus(z)) + z * sigmoid(z) / np.cosh(softplus(z)) ** 2,
    "softsign": lambda z: (1 + np.abs(z)) ** -2.0,
    "hard_sigmoid": lambda z: (np.abs(z) < 3) / 6.0,
    "exponential": np.exp,
    "identity": np.ones_like,
}

# Where an activation has no derivative.
KINKS = {"relu": [0], "leaky_relu": [0], "elu": [0], "selu": [0], "hard_sigmoid": [-3, 3]}


def activate(activation, z):
    """σ(z), row by row."""
    return ACTIVATION[name_of(activation)](z, *parameters_of(activation))


def prime(activation, z):
    """σ'(z), neuron by neuron."""
    return PRIME[name_of(activation)](z, *parameters_of(activation))


def pull_back(activation, z, gradient):
    """From ∂C/∂a to ∂C/∂z: gradient ⊙ σ'(z).

    Softmax mixes its row: ∂a_k/∂z_j = a_k ([k=j] - a_j), so ∂C/∂z_j = a_j (g_j - Σ_k a_k g_k).
    """
    if activation != "softmax":
        return gradient * prime(activation, z)
    a = softmax(z)
    return a * (gradient - np.einsum("sk,sk->s", a, gradient)[:, None])


# ---------------------------------------------------------------- costs, one number a sample
# of z^L, a^L (m, n_L), the targets as the user gives them, and the parameters


def half_square(z, a, y):
    """½ ‖y - a‖²."""
    return 0.5 * ((y - a) ** 2).sum(axis=1)


def huber(z, a, y, delta=1.0):
    """½r² for |r| ≤ δ, then straight on."""
    r = np.abs(y - a)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).sum(axis=1)


def quantile(z, a, y, levels=(0.5,)):
    """max(τr, (τ - 1)r): of each target its levels stand side by side in a."""
    r = y[:, :, None] - a.reshape(*y.shape, len(levels))
    tau = np.array(levels)
    return np.maximum(tau * r, (tau - 1) * r).sum(axis=(1, 2))


def quantile_gradient(a, y, levels=(0.5,)):
    """-τ below the target, 1 - τ above."""
    above = a.reshape(*y.shape, len(levels)) > y[:, :, None]
    return (above - np.array(levels)).reshape(a.shape)


def signs(y):
    """Classes 0 and 1 as -1 and 1."""
    return np.where(y == 0, -1.0, y)


def hinge(z, a, y):
    """max(0, 1 - ya)."""
    return np.maximum(0.0, 1 - signs(y) * a).sum(axis=1)


def cross_entropy(z, a, y):
    """-Σ y ln a + (1-y) ln(1-a), with -ln a = softplus(-z) and -ln(1-a) = softplus(z)."""
    return (y * softplus(-z) + (1.0 - y) * softplus(z)).sum(axis=1)


def smoothed(y, smoothing):
    """The part 1 - s of y, and s spread evenly; y is a distribution."""
    return (1 - smoothing) * y + smoothing / y.shape[1]


def log_likelihood(z, a, y, smoothing=0.0):
    """-ln a_y; y is one-hot, so this is -Σ y_j ln a_j."""
    return -(smoothed(y, smoothing) * log_softmax(z)).sum(axis=1)


def gaussian(z, a, y):
    """½(s + (y - μ)² e⁻ˢ) with the means μ and the logarithms s of the variances."""
    mean, s = np.split(a, 2, axis=1)
    return 0.5 * (s + (y - mean) ** 2 / np.exp(s)).sum(axis=1)


def gaussian_delta(a, y):
    """∂/∂μ and ∂/∂s of it."""
    mean, s = np.split(a, 2, axis=1)
    return np.hstack([(mean - y) / np.exp(s), 0.5 - 0.5 * (y - mean) ** 2 / np.exp(s)])


COST = {
    "quadratic": half_square,
    "squared_error": lambda z, a, y: 2.0 * half_square(z, a, y),
    "absolute_error": lambda z, a, y: np.abs(y - a).sum(axis=1),
    "huber": huber,
    "quantile": quantile,
    "hinge": hinge,
    "cross_entropy": cross_entropy,
    "log_likelihood": log_likelihood,
    "poisson": lambda z, a, y: (np.exp(z) - y * z).sum(axis=1),
    "gaussian": gaussian,
}

COST_GRADIENT = {  # ∂C/∂a, for the costs that go with any output
    "quadratic": lambda a, y: a - y,
    "squared_error": lambda a, y: 2.0 * (a - y),
    "absolute_error": lambda a, y: np.sign(a - y),
    "huber": lambda a, y, delta=1.0: np.clip(a - y, -delta, delta),
    "quantile": quantile_gradient,
    "hinge": lambda a, y: np.where(signs(y) * a < 1, -signs(y), 0.0),
}

COST_DELTA = {  # δ^L, for those that go with one
    "cross_entropy": lambda a, y: a - y,
    "log_likelihood": lambda a, y, smoothing=0.0: a - smoothed(y, smoothing),
    "poisson": lambda a, y: a - y,
    "gaussian": gaussian_delta,
}

KINK_DISTANCE = {  # how far the cost is from where it has no derivative, or no second one
    "absolute_error": lambda a, y: np.abs(a - y),
    "huber": lambda a, y, delta=1.0: np.abs(np.abs(a - y) - delta),
    "quantile": lambda a, y, levels=(0.5,): np.abs(a - np.repeat(y, len(levels), axis=1)),
    "hinge": lambda a, y: np.abs(1 - signs(y) * a),
}

# The first networks there were: output and cost, crossed with the hidden layers of most tests.
PAIRS = [
    (output, cost)
    for cost in ("quadratic", "squared_error")
    for output in ("sigmoid", "tanh", "relu", "identity", "softmax")
] + [("sigmoid", "cross_entropy"), ("softmax", "log_likelihood")]

# Every activation that can be trained in a hidden layer; every output with every cost for it.
HIDDEN = [
    *PRIME,
    activations.leaky_relu(slope=0.3),
    activations.elu(alpha=0.5),
    activations.swish(beta=2.5),
]
ANY_OUTPUT_COSTS = [
    *COST_GRADIENT,
    costs.huber(delta=0.4),
    costs.quantile([0.2, 0.5, 0.95]),
]
EVERY_PAIR = [
    *product([*HIDDEN, "softmax"], ANY_OUTPUT_COSTS),
    ("sigmoid", "cross_entropy"),
    ("softmax", "log_likelihood"),
    ("softmax", costs.log_likelihood(smoothing=0.2)),
    ("exponential", "poisson"),
    ("identity", "gaussian"),
]


def outputs_per_target(cost):
    """How many outputs each target has."""
    levels = parameters_of(cost)[0] if name_of(cost) == "quantile" and cost != "quantile" else [0]
    return 2 if cost == "gaussian" else len(levels)


def mean_cost(net, z, y):
    """C = (1/m) Σ_s C_s."""
    a = activate(net.output, z)
    return COST[name_of(net.cost)](z, a, y, *parameters_of(net.cost)).mean()


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
        a = activate(name, z)
        zs.append(z)
        activations.append(a)
    return zs, activations


def bp1(z, y, output, cost):
    """δ^L = ∇_a C ⊙ σ'(z^L), a row a sample.

    For cross_entropy with σ and log_likelihood with softmax the product is a - y.
    """
    a, name, parameters = activate(output, z), name_of(cost), parameters_of(cost)
    if name in COST_DELTA:
        return COST_DELTA[name](a, y, *parameters)
    return pull_back(output, z, COST_GRADIENT[name](a, y, *parameters))


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
