"""How each layer is, over the samples that went through it."""

from dataclasses import dataclass

import numpy as np

from chainrule.doctor.findings import percent
from chainrule.equations import bp2

# A unit is saturated where |σ'(z)| is below this share of its largest value, as in
# `History.saturation`: it then learns less than a twentieth as fast as it could.
SATURATED = 1 / 20

# How an activation may fail: flat on both sides, with the largest σ', or on the left alone. Those
# not named (identity, leaky_relu, ...) are nowhere flat.
LARGEST_SLOPE = {"sigmoid": 1 / 4, "hard_sigmoid": 1 / 6, "tanh": 1.0, "softsign": 1.0}
FLAT_ON_THE_LEFT = ("relu", "elu", "selu", "softplus", "gelu", "swish", "mish", "exponential")


@dataclass(frozen=True)
class Layer:
    """How one layer is, over the samples looked at.

    Attributes
    ----------
    number : int
        l, from 2 to L.
    activation : str
    units : int
        n_l.
    saturated : float
        Share of units, over samples, whose |σ'(z)| is below a twentieth of its largest value (relu:
        that are off); NaN for softmax.
    stuck : int
        How many units are so for every sample.
    delta : float
        The root mean square of ‖δ^l‖ over samples, each of its own cost.
    weights : float
        ‖W^l‖, the root of the sum of squares.
    """

    number: int
    activation: str
    units: int
    saturated: float
    stuck: int
    delta: float
    weights: float


class Layers(tuple):
    """The layers l = 2 ... L; printed, a table."""

    __slots__ = ()

    def __str__(self):
        names = [layer.activation for layer in self]
        width = max(map(len, [*names, "activation"]))
        head = f"layer  {'activation':{width}}  units  saturated  stuck      ‖δ‖      ‖W‖"
        rows = [
            f"{layer.number:5}  {layer.activation:{width}}  {layer.units:5}  "
            f"{'-' if np.isnan(layer.saturated) else percent(layer.saturated):>9}  "
            f"{layer.stuck:5}  {layer.delta:7.2g}  {layer.weights:7.3g}"
            for layer in self
        ]
        return "\n".join([head, *rows])


def name_of(activation):
    """Return the name of an activation, also of one with parameters."""
    return getattr(activation, "name", activation)


def measure_layers(net, trace):
    """Return `Layers`, and for each where its units are saturated, (m, n_l); None for softmax."""
    layers, saturated = [], []
    for i, activation in enumerate((*net.hidden, net.output)):
        where = _saturated(activation, trace.z[i])
        layers.append(
            Layer(
                i + 2,
                name_of(activation),
                net.sizes[i + 1],
                np.nan if where is None else float(where.mean()),
                0 if where is None else int(where.all(axis=0).sum()),
                length(trace.delta[i]),
                length(net.weights[i].reshape(1, -1)),
            )
        )
        saturated.append(where)
    return Layers(layers), saturated


def _saturated(activation, z):
    if name_of(activation) == "softmax" or not np.isfinite(z).all():
        return None
    one, units = np.ones((1, 1), z.dtype), z.reshape(-1, 1)
    slopes = bp2(one, np.ones_like(units), units, activation=activation).reshape(z.shape)
    return np.abs(slopes) < SATURATED * LARGEST_SLOPE.get(name_of(activation), 1.0)


def length(array):
    """Return the root of the mean over rows of ‖row‖², in float64 and without overflow."""
    largest = float(np.abs(array).max())
    if largest == 0 or not np.isfinite(largest):
        return largest
    scaled = array.astype(np.float64) / largest
    return largest * float(np.sqrt((scaled**2).sum() / len(array)))
