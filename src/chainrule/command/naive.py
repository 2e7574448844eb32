"""What the core computes, number by number in plain Python: for `chainrule check` to compare with.

Slow, in float64, and written from the definitions alone: each activation and each cost is a formula
here, and derivatives are central differences of these. Shapes as everywhere: a sample a row.
"""

from collections.abc import Callable
from math import erf, exp, expm1, log, log1p, sqrt, tanh

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEP = 6e-6  # of central differences: about the cube root of what float64 resolves


def sigmoid(z: float) -> float:
    """1/(1 + e^-z), without overflow."""
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))


ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * expm1(z)),
    "softplus": lambda z: max(z, 0.0) + log1p(exp(-abs(z))),
    "gelu": lambda z: z * (1 + erf(z / sqrt(2))) / 2,
    "swish": lambda z: z * sigmoid(z),
    "mish": lambda z: z * tanh(max(z, 0.0) + log1p(exp(-abs(z)))),
    "softsign": lambda z: z / (1 + abs(z)),
    "hard_sigmoid": lambda z: min(max(z / 6 + 0.5, 0.0), 1.0),
    "exponential": exp,
    "identity": lambda z: z,
    "step": lambda z: 1.0 if z > 0 else 0.0,
}
JUMPS = {"step"}  # without a slope

# Of one output; a sample's cost is the sum of them. Not gaussian's: means, then ln variances.
COSTS: dict[str, Callable[[float, float], float]] = {
    "quadratic": lambda a, y: (y - a) ** 2 / 2,
    "squared_error": lambda a, y: (y - a) ** 2,
    "absolute_error": lambda a, y: abs(y - a),
    "huber": lambda a, y: (y - a) ** 2 / 2 if abs(y - a) <= 1 else abs(y - a) - 0.5,
    "quantile": lambda a, y: abs(y - a) / 2,
    "hinge": lambda a, y: max(0.0, 1 - (2 * y - 1) * a),
    "cross_entropy": lambda a, y: -y * log(a) - (1 - y) * log(1 - a),
    "log_likelihood": lambda a, y: -y * log(a),
    "poisson": lambda a, y: a - y * log(a),
}


def activated(name: str, z: Floats) -> Floats:
    """σ(z) for z (m, n), entry by entry; softmax row by row."""
    if name != "softmax":
        return np.array([[ACTIVATIONS[name](value) for value in row] for row in z.tolist()])
    powers = [[exp(value - max(row)) for value in row] for row in z.tolist()]
    return np.array([[power / sum(row) for power in row] for row in powers])


def slope(name: str, z: Floats) -> Floats:
    """σ'(z) for z (m, n), neuron by neuron."""
    return (activated(name, z + STEP) - activated(name, z - STEP)) / (2 * STEP)


def mean_cost(name: str, a: Floats, y: Floats) -> float:
    """Return the mean over the samples of C_x for a (m, n_L) and y (m, n)."""
    if name == "gaussian":
        mu, s = np.split(a, 2, axis=1)
        return float(((s + (y - mu) ** 2 * np.exp(-s)) / 2).sum(axis=1).mean())
    total = 0.0
    for outputs, targets in zip(a.tolist(), y.tolist(), strict=True):
        total += sum(map(COSTS[name], outputs, targets))
    return total / len(a)


def product(a: Floats, b: Floats) -> Floats:
    """Return A B by loops: neither by a BLAS nor by the core."""
    return np.einsum("ik,kj->ij", a, b, optimize=False)


class NaiveNetwork:
    """The parameters and formulas of a network in float64, and its passes in loops."""

    def __init__(self, net):
        self.weights = [w.astype(float) for w in net.weights]
        self.biases = [b.astype(float) for b in net.biases]
        self.activations = [*net.hidden, net.output]
        self.cost_name = net.cost

    def forward(self, x: Floats) -> tuple[list[Floats], list[Floats]]:
        """Return z^l and a^l of each layer with weights: z_j = Σ_k w_jk a_k + b_j."""
        zs, layers = [], [x]
        for w, b, name in zip(self.weights, self.biases, self.activations, strict=True):
            z = np.array(
                [
                    [sum(map(float.__mul__, row, a)) + bias for row, bias in zip(w, b, strict=True)]
                    for a in layers[-1].tolist()
                ]
            )
            zs.append(z)
            layers.append(activated(name, z))
        return zs, layers

    def cost(self, x: Floats, y: Floats) -> float:
        """Return the mean cost."""
        return mean_cost(self.cost_name, self.forward(x)[1][-1], y)

    def backprop(self, x: Floats, y: Floats) -> Floats:
        """Return the mean gradient, (n_parameters,), by the four equations in loops."""
        zs, layers = self.forward(x)
        delta = self.output_delta(zs[-1], y)
        parts: list[Floats] = []
        for i in reversed(range(len(self.weights))):
            m, w = len(x), self.weights[i]
            nabla_w = np.zeros_like(w)
            for s, j, k in np.ndindex(m, *w.shape):  # BP4
                nabla_w[j, k] += delta[s, j] * layers[i][s, k] / m
            nabla_b = [sum(column) / m for column in delta.T.tolist()]  # BP3
            parts[:0] = [nabla_w.ravel(), np.array(nabla_b)]
            if i:
                back = np.zeros_like(zs[i - 1])
                for s, k, j in np.ndindex(*back.shape, len(w)):  # BP2
                    back[s, k] += delta[s, j] * w[j, k]
                delta = back * slope(self.activations[i - 1], zs[i - 1])
        return np.concatenate(parts)

    def output_delta(self, z: Floats, y: Floats) -> Floats:
        """BP1: return ∂C_x/∂z^L (m, n_L), by differences of the cost, output by output."""
        delta = np.empty_like(z)
        for s, j in np.ndindex(*z.shape):
            costs = []
            for step in (STEP, -STEP):
                moved = z[s : s + 1].copy()
                moved[0, j] += step
                a = activated(self.activations[-1], moved)
                costs.append(mean_cost(self.cost_name, a, y[s : s + 1]))
            delta[s, j] = (costs[0] - costs[1]) / (2 * STEP)
        return delta

    def differences(self, x: Floats, y: Floats) -> Floats:
        """Return the mean gradient, by differences of the cost for each parameter alone."""
        found = []
        for array in (
            each for pair in zip(self.weights, self.biases, strict=True) for each in pair
        ):
            for place in np.ndindex(*array.shape):
                costs, before = [], array[place]
                for step in (STEP, -STEP):
                    array[place] = before + step
                    costs.append(self.cost(x, y))
                array[place] = before
                found.append((costs[0] - costs[1]) / (2 * STEP))
        return np.array(found)


# ---------------------------------------------------------------- optimisers
# One step: w (n_parameters,) and its mean gradient g at learning rate r, step number t from 1 on;
# s is a dict of what is carried. `chainrule.optimizers` has the formulas.


def sgd(s, w, g, r, t):
    """Momentum 0.9, with Nesterov's look-ahead."""
    s["v"] = 0.9 * s.get("v", 0) - r * g
    return w + 0.9 * s["v"] - r * g


def adagrad(s, w, g, r, t):
    """Over the root of the sum of squares."""
    s["s"] = s.get("s", 0) + g**2
    return w - r * g / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(s, w, g, r, t):
    """Over the root of the mean square."""
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * g**2
    return w - r * g / (np.sqrt(s["s"]) + 1e-8)


def adam(s, w, g, r, t):
    """Mean over the root of the mean square, both corrected."""
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g
    s["r"] = 0.999 * s.get("r", 0) + 0.001 * g**2
    return w - r * (s["s"] / (1 - 0.9**t)) / (np.sqrt(s["r"] / (1 - 0.999**t)) + 1e-8)


def adamw(s, w, g, r, t):
    """With weights alone, which decay by 0.01."""
    return adam(s, w, g, r, t) - 0.01 * r * w


def adamax(s, w, g, r, t):
    """Mean over the largest."""
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g
    s["r"] = np.maximum(0.999 * s.get("r", 0), abs(g) + 1e-8)
    return w - r * (s["s"] / (1 - 0.9**t)) / s["r"]


def rprop(s, w, g, r, t):
    """By signs alone."""
    signs = np.sign(g) * np.sign(s.get("g", 0 * g))
    s["d"] = s.get("d", r + 0 * g) * np.select([signs > 0, signs < 0], [1.2, 0.5], 1)
    s["d"] = np.clip(s["d"], 1e-6, 50)
    s["g"] = np.where(signs < 0, 0, g)
    return w - np.sign(s["g"]) * s["d"]


STEPS = {
    "SGD": sgd,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": adamw,
    "Adamax": adamax,
    "Rprop": rprop,
}
