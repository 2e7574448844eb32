"""What a blueprint says, in plain NumPy, for all that is written from one."""

import numpy as np

from chainrule.convert.assembly import activation_of
from oracle import activate


def said(blueprint, X):
    """Σ share_k said_k, (m, n_L), in float64."""
    total = 0.0
    for chain, share in zip(blueprint.chains, blueprint.shares, strict=True):
        a = X.astype(np.float64)
        if chain.scaling is not None:
            a = a * chain.scaling[0] + chain.scaling[1]
        for layer in chain.layers:
            z = a @ layer.weights.astype(np.float64).T + layer.biases
            a = activate(activation_of(layer.activation, layer.parameter), z)
        if chain.output_scaling is not None:
            a = a * chain.output_scaling[0] + chain.output_scaling[1]
        total = total + share * a
    return total
