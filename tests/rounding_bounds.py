"""How far float32 may be off: a bound for each output, carried from layer to layer.

Each layer's error is that of its inputs, through the weights, and the roundings of its own sum and
activation. An activation counts as off by `OWN` units in the last place of what it works with.
"""

import numpy as np

from chainrule.convert.assembly import activation_of
from oracle import activate

U = 2.0**-24  # half the distance from 1 to the next float32
OWN = 4
# Functions of which a part is the difference of numbers so large, whose roundings stay.
AMONG = {"sigmoid": 1.0, "tanh": 1.0, "elu": 1.0, "selu": 1.8, "softplus": 1.0,
         "hard_sigmoid": 1.0, "softmax": 1.0}  # fmt: skip
STEEPEST = {"gelu": 1.13, "swish": 1.1, "mish": 1.1}  # |σ'|, where σ falls and rises


def outputs_and_bounds(blueprint, X):
    """Return Σ share_k said_k in float64, (m, n_L), and by how much one in float32 may be off.

    Any order of the sums is allowed for; not an activation that jumps.
    """
    total, bound = 0.0, 0.0
    for chain, share in zip(blueprint.chains, blueprint.shares, strict=True):
        a, off = chain_and_bounds(chain, X.astype(np.float64))
        total, bound = total + share * a, bound + share * off
    return total, bound + U * np.abs(total)


def chain_and_bounds(chain, a):
    off = U * np.abs(a)
    if chain.scaling is not None:
        scale, shift = chain.scaling
        off = off * np.abs(scale) + 3 * U * (np.abs(a * scale) + np.abs(shift))
        a = a * scale + shift
    for layer in chain.layers:
        W, b = layer.weights.astype(np.float64), layer.biases.astype(np.float64)
        z = a @ W.T + b
        sums = (np.abs(a) + off) @ np.abs(W).T + np.abs(b)
        off = off @ np.abs(W).T + (layer.n_in + 3) * U * sums
        a, off = activated(layer, z, off)
    if chain.output_scaling is not None:
        scale, shift = chain.output_scaling
        a, off = a * scale + shift, off * np.abs(scale)
        off = off + 2 * U * np.abs(a)
    return a, off


def activated(layer, z, off):
    activation, name = activation_of(layer.activation, layer.parameter), layer.activation
    a = activate(activation, z)
    if name == "softmax":
        moved = a * np.expm1(2 * off.max(axis=1, keepdims=True))
    elif name in STEEPEST:
        moved = off * STEEPEST[name]
    else:  # σ grows
        ends = activate(activation, z + off), activate(activation, z - off)
        moved = np.maximum(ends[0] - a, a - ends[1])
    among = np.abs(z) if name in STEEPEST else AMONG.get(name, 0.0)
    with np.errstate(over="ignore"):
        size = np.abs(z) if name == "exponential" else 1.0
    return a, moved + OWN * U * (np.abs(a) * np.maximum(size, 1.0) + among)
