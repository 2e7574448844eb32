"""Layers without scalings, for tools that have no place for them.

The input's goes into the first layer, W(s ⊙ x + t) + b = (W diag s)x + (Wt + b); the output's into
the last where σ is the identity, and becomes one more layer, diag(s)a + t, where it is not.
"""

import numpy as np

from chainrule.convert.blueprint import Chain, Floats, Layer


def folded(chain: Chain, way: str) -> tuple[Layer, ...]:
    """Return layers that compute what the chain does, its scalings in their weights.

    Everything is computed in float64 and rounded to the chain's dtype once; layers that no scaling
    touches are the chain's own.

    Raises
    ------
    ValueError
        For numbers that the dtype cannot hold then; `way` says what is not written.
    """
    layers = list(chain.layers)
    if chain.scaling is not None:
        scale, shift = chain.scaling
        W, b = _exact(layers[0])
        layers[0] = _with(layers[0], W * scale, b + W @ shift)
    if chain.output_scaling is not None:
        scale, shift = chain.output_scaling
        if layers[-1].activation != "identity":
            n = chain.sizes[-1]
            layers.append(Layer(np.eye(n), np.zeros(n), "identity", 0.0))
        W, b = _exact(layers[-1])
        layers[-1] = _with(layers[-1], scale[:, None] * W, scale * b + shift)
    return tuple(_rounded(layer, i, chain.dtype, way) for i, layer in enumerate(layers))


def _exact(layer: Layer) -> tuple[Floats, Floats]:
    return layer.weights.astype(np.float64), layer.biases.astype(np.float64)


def _with(layer: Layer, W: Floats, b: Floats) -> Layer:
    return Layer(W, b, layer.activation, layer.parameter)


def _rounded(layer: Layer, i: int, dtype: np.dtype, way: str) -> Layer:
    with np.errstate(over="ignore"):  # what overflows is refused below
        W, b = (each.astype(dtype, copy=False) for each in (layer.weights, layer.biases))
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError(
            f"{way} has no place for the scaling of the network, and with it in the weights of "
            f"layer {i + 2} these are too large for {dtype}"
        )
    return Layer(W, b, layer.activation, layer.parameter)
