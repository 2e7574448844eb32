"""How far a network in float64 may be from the exact one, whatever order its sums are taken in.

Layer by layer, with u = 2^-53 and errors E of what comes in (Higham, "Accuracy and Stability of
Numerical Algorithms", 2002, section 3.1, as a running bound):

    E(z) = |W| E(a) + (n + 2) u (|W||a| + |b|),    E(σ(z)) = slope·E(z) + (8 + |pz|) u |σ(z)|,

where n terms are summed, no slope of σ is above `slope`, and σ itself is right to 8 roundings, or
to those of the product pz with its parameter. A softmax adds up n powers besides.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.convert.blueprint import Blueprint, Chain, Layer
from chainrule.core import _core

Floats = NDArray[np.float64]

U = 2.0**-53
# The largest |σ'|, rounded up; of leaky_relu and elu for a parameter of at most 1, of softmax of
# all outputs together. That of exponential hangs by z.
SLOPES = {
    "sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1.0, "elu": 1.0,
    "selu": 1.7580993408473769, "softplus": 1.0, "gelu": 1.129, "swish": 1.09984, "mish": 1.089,
    "softsign": 1.0, "hard_sigmoid": 1 / 6 + 1e-9, "identity": 1.0, "softmax": 1.0, "step": np.inf,
}  # fmt: skip


def exactly(blueprint: Blueprint, x: ArrayLike) -> tuple[Floats, Floats]:
    """Return what a model says of numbers x (m, n_in), and how far rounding may have led.

    Parameters
    ----------
    blueprint : Blueprint
    x : array-like (m, n_in)

    Returns
    -------
    outputs, error : ndarray (m, n_L)
        Σ share_k said_k in float64, and the bound on the distance of any two evaluations in
        float64. It is infinite where a step may fall on either side.
    """
    given = np.asarray(x, np.float64)
    total, error, size = (np.zeros((len(given), blueprint.n_out)) for _ in range(3))
    for chain, share in zip(blueprint.chains, blueprint.shares.tolist(), strict=True):
        with np.errstate(over="ignore", invalid="ignore"):  # the bound is infinite then, or NaN
            outputs, off = _chain(chain, given)
        total += share * outputs
        error += share * off
        size += share * np.abs(outputs)
    return total, 2 * (error + (len(blueprint.chains) + 2) * U * size)


def _chain(chain: Chain, x: Floats) -> tuple[Floats, Floats]:
    """Return what one network says (m, n_L), and how far each evaluation may be from the truth."""
    a, error = _scaled(chain.scaling, x, np.zeros_like(x))
    for layer in chain.layers:
        a, error = _fired(layer, a, error)
    return _scaled(chain.output_scaling, a, error)


def _scaled(scaling: tuple[Floats, Floats] | None, a: Floats, error: Floats) -> tuple[Floats, Any]:
    if scaling is None:
        return a, error
    scale, shift = scaling
    return a * scale + shift, error * np.abs(scale) + 3 * U * (np.abs(a * scale) + np.abs(shift))


def _fired(layer: Layer, a: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return a^l and its error for a^{l-1} and its error."""
    weights, biases = (each.astype(np.float64) for each in (layer.weights, layer.biases))
    size = np.abs(weights)
    z = a @ weights.T + biases
    off = error @ size.T + (layer.n_in + 2) * U * (np.abs(a) @ size.T + np.abs(biases))
    fired = np.empty_like(z)
    _core.activate((layer.activation, layer.parameter), z, fired)
    if layer.activation == "step":
        return fired, np.where(np.abs(z) <= off, np.inf, 0.0)
    many, slope = 0, np.ones(1)
    if layer.activation == "exponential":
        slope = np.exp(z + off)
    else:
        stretched = layer.parameter if layer.activation in ("leaky_relu", "elu") else 1.0
        slope = slope * SLOPES[layer.activation] * max(1.0, stretched)
    if layer.activation == "softmax":  # differences of the z, whose powers are added up
        off = off.max(axis=1, keepdims=True) + 2 * U * np.abs(z).max(axis=1, keepdims=True)
        many = layer.n_out
    return fired, slope * off + (8 + many + np.abs(layer.parameter * z)) * U * np.abs(fired)
