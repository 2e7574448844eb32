"""The big picture of backpropagation: a gradient as a sum over all paths through the network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import ArrayLike

from chainrule.checks.arrays import as_numbers, first_activations
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_index
from chainrule.core import _core
from chainrule.model.model import check_network
from chainrule.network import Network


@dataclass(frozen=True)
class Path:
    """One way from a weight to the cost.

    Attributes
    ----------
    neurons : tuple of int
        (j, q, ..., n, m): the neuron of each layer l ... L that it goes through.
    factors : tuple of float
        (δ^L_m, w^L_mn, σ'(z^{L-1}_n), ..., w^{l+1}_qj, σ'(z^l_j), a^{l-1}_k): from the cost back to
        the weight, as the formula stands in the book.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> path = cr.paths(net, [0.5, -1.0], [1.0], layer=2, j=0, k=1)[0]
    >>> path.neurons, len(path.factors)
    ((0, 0), 4)
    """

    neurons: tuple[int, ...]
    factors: tuple[float, ...]

    @property
    def product(self) -> float:
        """The factors multiplied: what this path adds to the gradient."""
        return math.prod(self.factors)


class Paths(Sequence):
    """All paths from one weight, or bias, to the cost; ``str()`` writes them out.

    Attributes
    ----------
    layer, j, k : int
        Of the weight w^l_jk; k is None for the bias b^l_j.
    total : float
        The sum of all products: the gradient by the paths.
    backprop : float
        The same gradient as `Network.backprop` finds it.

    Examples
    --------
    >>> import math
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 4, 1], seed=0)
    >>> found = cr.paths(net, [0.5, -1.0], [1.0], layer=2, j=0, k=1)
    >>> len(found)  # through each of the four neurons of layer 3
    4
    >>> math.isclose(found.total, found.backprop, rel_tol=1e-5)
    True
    """

    def __init__(self, net, layer, j, k, found, backprop):
        self.layer, self.j, self.k = layer, j, k
        self.total = math.fsum(path.product for path in found)
        self.backprop = backprop
        self._found = found
        self._output_layer = len(net.sizes)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index):
        return self._found[index]

    def __repr__(self):
        slope = _slope(self.layer, self.j, self.k)
        return f"<Paths: {slope} = {self.total:.6g} by {_number_of_paths(self)}>"

    def __str__(self):
        last = self._output_layer
        steps = [f"w^{i} · σ'(z^{i - 1})" for i in range(last, self.layer, -1)]
        end = "1" if self.k is None else f"a^{self.layer - 1}"
        lines = [
            f"{_slope(self.layer, self.j, self.k)} is the sum over {_number_of_paths(self)} "
            f"of {' · '.join([f'δ^{last}', *steps, end])}"
        ]
        names = [" → ".join(map(str, path.neurons)) for path in self]
        width = max(map(len, [*names, "backprop"]))
        for name, path in zip(names, self, strict=True):
            factors = " · ".join(f"{factor:11.4g}" for factor in path.factors)
            lines.append(f"{name:{width}}  {factors} = {path.product:13.6g}")
        right = len(lines[-1]) - width
        lines += [f"{'total':{width}}{self.total:{right}.6g}"]
        lines += [f"{'backprop':{width}}{self.backprop:{right}.6g}"]
        return "\n".join(lines)


@known_options()
def paths(
    net: Network,
    x: ArrayLike,
    y: ArrayLike,
    layer: int,
    j: int,
    k: int | None,
    *,
    limit: int = 10_000,
) -> Paths:
    """Find ∂C/∂w^l_jk of one sample as the sum over all paths from that weight to the cost.

    A change of w^l_jk changes a^l_j, that all of layer l+1, and so on up to the cost. Along one
    path through the neurons j, q, ..., n, m the rates of change multiply, and the paths add up
    (Nielsen, chapter 2, "Backpropagation: the big picture"):

        ∂C/∂w^l_jk = Σ ∂C/∂a^L_m · ∂a^L_m/∂a^{L-1}_n · ... · ∂a^{l+1}_q/∂a^l_j · ∂a^l_j/∂w^l_jk

    with ∂a^{l+1}_q/∂a^l_j = σ'(z^{l+1}_q) w^{l+1}_qj and ∂a^l_j/∂w^l_jk = σ'(z^l_j) a^{l-1}_k.
    Here ∂C/∂a^L_m and the σ'(z^L_m) that follows it are one factor, δ^L_m = ∂C/∂z^L_m (BP1). That
    is the same product, and it holds as well where the two cannot stand apart: in a softmax every
    output depends on every z^L_m, and for cross-entropy they would be ∞ · 0 at a saturated neuron.

    Parameters
    ----------
    net : Network
    x : array (n_1,)
        One sample.
    y : array (n_L,), or an integer label
        Its target.
    layer : int
        l, from 2 to L.
    j : int
        The neuron in layer l, from 0 to n_l - 1.
    k : int or None
        The neuron in layer l-1 that the weight comes from, from 0 to n_{l-1} - 1. None is for the
        bias b^l_j: the last factor then is 1 instead of a^{l-1}_k.
    limit : int, default 10_000
        The most paths to compute. There are n_{l+1} n_{l+2} ... n_L.

    Returns
    -------
    Paths
        A sequence of `Path`, each with its neurons, factors and product. z, a and δ^L are those of
        ``net.trace``, in its precision; products and their sum are taken in float64.

    Raises
    ------
    ValueError, TypeError
        For a layer, neuron or sample that the network has not, or for more paths than `limit`,
        before anything is computed.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 2, 2], hidden="tanh", output="identity", dtype="float64", seed=0)
    >>> print(cr.paths(net, [0.5, -1], [1, 0], layer=2, j=1, k=0))
    ∂C/∂w^2_1,0 is the sum over 2 paths of δ^3 · w^3 · σ'(z^2) · a^1
    1 → 0          -1.655 ·      0.6697 ·      0.7763 ·         0.5 =      -0.43026
    1 → 1         -0.1937 ·     -0.8948 ·      0.7763 ·         0.5 =      0.067283
    total                                                                 -0.362977
    backprop                                                              -0.362977
    """
    check_network(net)
    layer, j, k = _check_place(net, layer, j, k)
    layers_above = net.sizes[layer:]
    count = math.prod(layers_above)
    if count > check_count("limit", limit, least=1):
        raise ValueError(
            f"from layer {layer} there are {count} paths, more than limit={limit}; "
            "take a later layer or a smaller network, or raise the limit"
        )
    X, Y = _one_sample(net, x, y)

    trace, nabla = net.trace(X, Y), net.backprop(X, Y)
    weights, delta = net.weights, trace.delta[-1][0]
    layers = zip(net._hidden, trace.z, trace.a, strict=False)
    primes = [_prime(activation, z, a) for activation, z, a in layers]
    i = layer - 2
    if k is None:
        last, slope = 1.0, nabla.biases[i][j]
    else:
        inputs = first_activations(net._plan, net._inputs(X)[0], net.dtype)
        inputs = net.scale * inputs if net.scale.size else inputs
        last, slope = [inputs, *trace.a][i][0, k], nabla.weights[i][j, k]

    found = []
    for neurons in product([j], *map(range, layers_above)):
        factors = [last]
        for at, (below, above) in enumerate(pairwise(neurons), start=i):
            factors += [primes[at][below], weights[at + 1][above, below]]
        factors.append(delta[neurons[-1]])
        found.append(Path(neurons, tuple(map(float, reversed(factors)))))
    return Paths(net, layer, j, k, found, float(slope))


def _check_place(net, layer, j, k):
    """Return layer, j and k as ints, or None for k, if the network has such a weight or bias."""
    layer = check_index("layer", layer, 2, len(net.sizes))
    j = check_index(f"j, a neuron of layer {layer},", j, 0, net.sizes[layer - 1] - 1)
    if k is not None:
        k = check_index(f"k, a neuron of layer {layer - 1},", k, 0, net.sizes[layer - 2] - 1)
    elif not net.bias:
        raise ValueError("k=None is for a bias, and the network has none; say which k")
    return layer, j, k


def _one_sample(net, x, y):
    """Return x and y as the rows (1, n_1) and (1, targets), or as the label (1,)."""
    x, y = as_numbers("x", x), as_numbers("y", y)
    n_in, n_out = net.sizes[0], net.sizes[-1] // net._cost.outputs_per_target
    if x.shape != (n_in,):
        raise ValueError(f"x must be one sample, ({n_in},); got shape {x.shape}")
    is_label = n_out > 1 and y.dtype.kind in "iub"
    if y.shape != (n_out,) and not (y.shape == () and (is_label or n_out == 1)):
        raise ValueError(
            f"y must be the target of one sample, ({n_out},) or an integer label; "
            + (f"got shape {y.shape}" if y.shape else f"got {y}")
        )
    if y.shape == () and is_label:
        y = np.asarray(check_index("y, a label,", int(y), 0, n_out - 1))
    return x[None], y[None]


def _prime(activation, z, a):
    """Return σ'(z) (n_l,) from z and a = σ(z), (1, n_l)."""
    prime = np.ones_like(a)
    _core.activation_prime(activation.compiled, z, a, prime)
    return prime[0]


def _slope(layer, j, k):
    return f"∂C/∂b^{layer}_{j}" if k is None else f"∂C/∂w^{layer}_{j},{k}"


def _number_of_paths(found):
    return f"{len(found)} path{'' if len(found) == 1 else 's'}"
