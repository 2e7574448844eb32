"""What several networks say together, by what their outputs mean.

Each kind turns what the networks say of some samples, (K, m, n_L), into `parts` (K, m, p), numbers
whose weighted mean over the networks says it all: `joined` makes of that mean what they say
together. So a network more or less is one addition (`select`).

======================  ==========================================================================
cost                    together
======================  ==========================================================================
gaussian                the mean and the variance of the mixture of the K normal distributions:
                        μ = Σ w_k μ_k and σ² = Σ w_k (σ_k² + (μ_k - μ)²), the law of total variance
any other               Σ w_k a_k; of cross_entropy, log_likelihood and poisson as logarithms,
                        from z, for the cost: ln Σ w_k e^(ln a_k)
======================  ==========================================================================
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.model import passes
from chainrule.network import Network
from chainrule.sweeps.asked import Asked

Floats = NDArray[np.float64]
LEAST = np.finfo(np.float64).tiny


class Pool:
    """Outputs that are numbers: their mean.

    ask: what of a network's samples (m, n_1) is taken, (m, n_L).
    """

    ask: ClassVar[Callable[..., NDArray]] = staticmethod(passes.outputs)

    def __init__(self, said: Floats):
        self.parts = said

    def joined(self, mean: Floats) -> Floats:
        """Return the mean (m, n_L)."""
        return mean


class Moments(Pool):
    """Means and ln(variances): those of the mixture.

    Squares are of distances from the mean of all networks, so that they do not cancel out.
    """

    def __init__(self, said: Floats):
        self._n = said.shape[2] // 2
        means, variances = said[:, :, : self._n], np.exp(said[:, :, self._n :])
        self._center = means.mean(axis=0)
        apart = means - self._center
        self.parts = np.concatenate([apart, apart**2, variances], axis=2)

    def joined(self, mean: Floats) -> Floats:
        """Return μ and ln σ², (m, 2n)."""
        apart, square, variance = np.split(mean, 3, axis=1)
        total = variance + np.maximum(square - apart**2, 0)
        return np.concatenate([self._center + apart, np.log(np.maximum(total, LEAST))], axis=1)


class _Logarithms(Pool):
    """Outputs whose logarithms the cost takes: ln of their mean, from z^L, whatever rounds to 0.

    ln a_k less the largest of all networks is a power that can be added.
    """

    ask: ClassVar[Callable[..., NDArray]] = staticmethod(passes.weighted_inputs)

    def __init__(self, z: Floats):
        logs = self._logs(z)
        self._largest = logs.max(axis=0)
        self.parts = np.exp(logs - self._largest)

    @staticmethod
    def _logs(z: Floats) -> Floats:
        raise NotImplementedError

    def joined(self, mean: Floats) -> Floats:
        """Return the logarithms of the mean."""
        return self._largest + np.log(np.maximum(mean, LEAST))


class Rates(_Logarithms):
    """a = e^z."""

    @staticmethod
    def _logs(z: Floats) -> Floats:
        return z


class Classes(_Logarithms):
    """a = softmax(z), which is also that of ln a."""

    @staticmethod
    def _logs(z: Floats) -> Floats:
        return z - np.logaddexp.reduce(z, axis=2, keepdims=True)


class Sides(_Logarithms):
    """a = σ(z): of both a and 1 - a."""

    @staticmethod
    def _logs(z: Floats) -> Floats:
        return np.concatenate([-np.logaddexp(0, -z), -np.logaddexp(0, z)], axis=2)

    def joined(self, mean: Floats) -> Floats:
        """Return z = ln a - ln(1 - a) of the mean a."""
        yes, no = np.split(super().joined(mean), 2, axis=1)
        return yes - no


POOLS: dict[str, type[Pool]] = {
    "gaussian": Moments,
    "poisson": Rates,
    "log_likelihood": Classes,
    "cross_entropy": Sides,
}


def pool_of(net: Network) -> type[Pool]:
    """Return how networks like this one speak together to their cost."""
    return POOLS.get(net._cost.name, Pool)


def head_of(net: Network) -> Network:
    """Return a network whose outputs are its inputs, with the cost and the answers of `net`.

    So the cost of what all say together is computed as that of one network.
    """
    n, pool = net.sizes[-1], pool_of(net)
    head = Network(
        [n, n],
        output=net.output if issubclass(pool, _Logarithms) else "identity",
        cost=net.cost,
        init=lambda rng, n_in, n_out: (np.eye(n_in), np.zeros(n_out)),
        dtype="float64",
        output_scale=net.output_scale,
        output_shift=net.output_shift,
    )
    head._answers, head._named = net._answers, net._named
    return head


def mean_of(parts: Floats, shares: Floats) -> Floats:
    """Return Σ shares_k parts_k, in that order."""
    total = np.zeros(parts.shape[1:])
    for part, share in zip(parts, shares, strict=True):
        total += share * part
    return total


def joined(asked: Asked, net: Network, shares: Floats) -> Floats:
    """Return what all say together, as the input of `head_of(net)`, (m, n_L)."""
    pool, found = pool_of(net), []
    for some in asked.pieces():
        said = pool(asked.together(some, pool.ask))
        found.append(said.joined(mean_of(said.parts, shares)))
    return net._output_scaling.outputs(np.concatenate(found))
