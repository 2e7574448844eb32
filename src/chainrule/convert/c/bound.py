"""How far the C file can be from the model: a running error analysis, from the weights.

Both compute z = b + W a with n + 1 roundings of each term at most, in whatever order, fused or
not, so each is within γ(|W||a| + |b|) of the exact sum of its own a, γ = (n + 1)u/(1 - (n + 1)u)
(Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1). From layer to layer

    |z - z'| <= |W| |a - a'| + (γ + γ')(|W||a| + |b|)
    |a - a'| <= Lip(σ) |z - z'| + (e + e')|a|

with |a| the largest that each neuron can have for inputs between the least and the largest, and e
the errors of σ itself, in units in the last place: those that tests hold both to.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS
from chainrule.convert.blueprint import Chain
from chainrule.convert.c.program import Program
from chainrule.convert.rounding import SLOPES

Floats = NDArray[np.float64]

# The most units in the last place that σ is off, in C and in the model (docs/numerics.md).
ULPS = {
    "sigmoid": 4.0, "tanh": 4.0, "relu": 0.0, "leaky_relu": 2.0, "elu": 4.0, "selu": 4.0,
    "softplus": 4.0, "gelu": 6.0, "swish": 5.0, "mish": 6.0, "softsign": 2.0, "hard_sigmoid": 2.0,
    "exponential": 2.0, "identity": 0.0, "step": 0.0,
}  # fmt: skip
FAR = 80.0  # e^-80/n is a normal number of float32 for up to a thousand classes
SAFETY = 1 + 1e-6  # for the roundings of these numbers themselves


@dataclass
class Reach:
    """What is known of the activations, or the weighted inputs, of a layer on both sides.

    Attributes
    ----------
    low, high : ndarray (n,)
        Between which both are.
    apart : ndarray (n,)
        By how much they differ at most.
    logs : float
        By how much the logarithms of probabilities do; infinity where that is not known.
    """

    low: Floats
    high: Floats
    apart: Floats
    logs: float = np.inf

    @property
    def size(self) -> Floats:
        """The largest there is of either, without its sign."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def widened(self, by: Floats) -> "Reach":
        """Let both be off by so much more, and add it to how much they differ."""
        return Reach(self.low - by, self.high + by, self.apart + by)


class Units:
    """Roundings of both sides: of the C file's dtype, and of the model's."""

    def __init__(self, ours: np.dtype[Any], theirs: np.dtype[Any]):
        infos = np.finfo(ours), np.finfo(theirs)
        self.u = sum(float(info.eps) / 2 for info in infos)
        self.tiny = sum(float(info.smallest_subnormal) for info in infos)
        self.largest = min(float(info.max) for info in infos) / 4
        # of weights that the model has in float64 and the file in float32
        self.converted = float(infos[0].eps) / 2 if infos[0].eps > infos[1].eps else 0.0

    def gamma(self, n: int) -> float:
        """Return γ + γ' of n roundings."""
        return n * self.u / (1 - n * self.u) if n * self.u < 0.5 else np.inf


def bound_of(program: Program, low: Floats, high: Floats, what: str) -> Floats:
    """Return by how much each output can differ from the model's, (n_L,).

    Parameters
    ----------
    low, high : ndarray (n_1,)
        The least and the largest of each input.
    what : "inputs", "scaled" or "prepared"
        Of what they are the least and the largest: of x, of a^1, or of a table's prepared inputs,
        which both sides have to the last bit.
    """
    blueprint = program.blueprint
    theirs = np.result_type(*(chain.dtype for chain in blueprint.chains))
    apart, size, logs = np.zeros(program.n_out), np.zeros(program.n_out), 0.0
    with np.errstate(all="ignore"):
        for chain, share in zip(blueprint.chains, blueprint.shares, strict=True):
            units = Units(program.dtype, chain.dtype)
            said = _said(chain, units, low, high, what)
            apart += share * said.apart
            size += share * said.size
            logs = max(logs, said.logs)
        units = Units(program.dtype, theirs)
        if len(blueprint.chains) > 1:
            apart += (len(blueprint.chains) + 3) * units.u * size
        if program.is_tempered:
            logs += (len(blueprint.chains) + 3) * units.u
            apart = _tempered(apart, logs, blueprint.temperature, units, theirs)
        if program.is_sorted:
            apart = np.full_like(apart, apart.max())
    return np.where(np.isfinite(apart), apart * SAFETY, np.inf)


def _said(chain: Chain, units: Units, low: Floats, high: Floats, what: str) -> Reach:
    """Return the reach of what one network says."""
    a = Reach(low, high, np.zeros(len(low)))
    if chain.scaling is not None:
        a = _scaled(a, chain.scaling, units, is_known=what == "scaled")
    for layer in chain.layers:
        W, b = layer.weights.astype(np.float64), layer.biases.astype(np.float64)
        up, down = np.maximum(W, 0), np.minimum(W, 0)
        size = np.abs(W) @ a.size + np.abs(b)
        off = (units.gamma(layer.n_in + 1) + units.converted) * size
        off = off + (layer.n_in + 1) * units.tiny
        z = Reach(
            up @ a.low + down @ a.high + b, up @ a.high + down @ a.low + b, np.abs(W) @ a.apart
        )
        z = z.widened(off)
        if not (z.size < units.largest).all():
            return Reach(z.low, z.high, np.full(layer.n_out, np.inf))
        a = _activated(layer.activation, layer.parameter, z, units)
    return a if chain.output_scaling is None else _scaled(a, chain.output_scaling, units)


def _scaled(a: Reach, pair: tuple[Floats, Floats], units: Units, is_known: bool = False) -> Reach:
    """Return the reach of scale·a + shift; if it is known, a is that already."""
    scale, shift = pair
    if is_known:
        ends = Reach(a.low, a.high, np.zeros_like(a.low))
        size = ends.size + 2 * np.abs(shift)
    else:
        one, other = a.low * scale + shift, a.high * scale + shift
        ends = Reach(np.minimum(one, other), np.maximum(one, other), np.abs(scale) * a.apart)
        size = a.size * np.abs(scale) + np.abs(shift)
    return ends.widened(5 * units.u * size + 5 * units.tiny)


def _activated(name: str, p: float, z: Reach, units: Units) -> Reach:
    if name == "softmax":
        n = len(z.low)
        off = 2 * units.u * (n / 2 + np.log(n) + 6) + (n + 2) * units.tiny
        apart = np.full(n, z.apart.max() / 2)
        a = Reach(np.zeros(n), np.ones(n), np.minimum(apart, 1)).widened(np.full(n, off))
        spread = z.high.max() - z.low.min()
        if spread < FAR:  # no probability is so small that it is rounded to a subnormal
            a.logs = 2 * z.apart.max() + off + 2 * units.u * spread
        return a
    low, high = _ends(name, p, z.low, z.high)
    slope: Any = np.exp(z.high) if name == "exponential" else SLOPES[name]
    if name in ("leaky_relu", "elu"):
        slope = max(1.0, p)
    apart = np.minimum(slope * z.apart, high - low) if name != "identity" else z.apart
    apart = np.where(z.apart == 0, 0.0, apart)
    off = 2 * ULPS[name] * units.u * np.maximum(np.abs(low), np.abs(high))
    off = off + (4 + z.size) * units.tiny  # where z multiplies a subnormal number
    if name == "swish":  # βz is rounded too, and β: t² σ'(t)/β of that is below 0.44/β
        off = off + 4 * units.u * 0.44 / p
    return Reach(low, high, apart).widened(off)


def _ends(name: str, p: float, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the least and the largest a there is for z between two numbers."""
    if name in ("gelu", "swish", "mish"):  # which fall before they rise
        kind: Any = ACTIVATIONS[name]
        least = (kind(p) if kind().parameters else kind()).reach[0]
        return np.where(low < 0, least * 1.001, 0.0), np.maximum(high, 0)
    value = _VALUES[name]
    return value(low, p), value(high, p)


_VALUES: dict[str, Any] = {
    "sigmoid": lambda z, p: np.exp(-np.logaddexp(0, -z)),
    "tanh": lambda z, p: np.tanh(z),
    "relu": lambda z, p: np.maximum(z, 0),
    "leaky_relu": lambda z, p: np.where(z < 0, p * z, z),
    "elu": lambda z, p: np.where(z < 0, p * np.expm1(np.minimum(z, 0)), z),
    "selu": lambda z, p: (
        1.0507009873554805 * np.where(z < 0, 1.6732632423543772 * np.expm1(np.minimum(z, 0)), z)
    ),
    "softplus": lambda z, p: np.logaddexp(0, z),
    "softsign": lambda z, p: z / (1 + np.abs(z)),
    "hard_sigmoid": lambda z, p: np.clip(z / 6 + 0.5, 0, 1),
    "exponential": lambda z, p: np.exp(z),
    "identity": lambda z, p: z,
    "step": lambda z, p: (z > 0).astype(float),
}


def _tempered(
    apart: Floats, logs: float, temperature: float, units: Units, theirs: np.dtype[Any]
) -> Floats:
    """Return how far p^s/Σp^s with s = 1/T can be off.

    That is the softmax of s ln p, so no more than half of s|ln p - ln p'|, where that is known; and
    |a^s - b^s| <= |a - b|^s for s <= 1, where Σp^s >= 1, and s|a - b| for s > 1, where of n
    probabilities Σp^s >= n^(1 - s).
    """
    s, n = 1 / temperature, len(apart)
    least = apart + float(np.finfo(theirs).tiny)  # which stands for 0
    powers = least**s if s <= 1 else s * least
    total = 1.0 if s <= 1 else n ** (1 - s)
    off = 2 * units.u * (n / 2 + np.log(n) + 10)
    by_logs = (logs + 4 * units.u * (FAR + np.log(n))) * s / 2 if n < 1000 else np.inf
    return np.minimum(np.minimum((powers + powers.sum()) / total, by_logs) + off, 1.0)
