"""Quantiles of what several networks say of the same samples."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_real
from chainrule.core import _core
from chainrule.network import Network

Floats = NDArray[np.float64]
HALVINGS = 64  # of where a quantile may be: to the last bits of float64


def check_levels(net: Network, q: ArrayLike) -> Floats:
    """Return the levels `q` of quantiles, of networks like this one, as an array, () or (Q,).

    Raises
    ------
    ValueError, TypeError
        For what are no levels, or not those that the network has learned.
    """
    levels = as_real("q", q, np.float64)
    if levels.ndim > 1 or levels.size == 0:
        raise ValueError(f"q must be a level, or a list of levels; got shape {levels.shape}")
    if ((levels < 0) | (levels > 1)).any():
        raise ValueError(f"q must be from 0 to 1; got {levels.tolist()}")
    if net._cost.name == "quantile":
        if not np.isclose(levels.reshape(-1, 1), _known(net)).any(axis=1).all():
            raise ValueError(
                f"q must be among the levels that the networks have learned, "
                f"{', '.join(map(str, _known(net)))}; got {levels.tolist()}"
            )
    elif net._cost.name == "gaussian" and ((levels == 0) | (levels == 1)).any():
        raise ValueError("q must be above 0 and below 1, as normal distributions have no ends")
    return levels


def quantiles_of(net: Network, said: Floats, shares: Floats, levels: Floats) -> Floats:
    """Return the quantiles (Q, m, n) of what networks like `net` say, (K, m, n_L).

    Of the mixture of their normal distributions for gaussian; the mean of theirs for quantile;
    else of what they say.
    """
    if net._cost.name == "gaussian":
        means, logs = np.split(said, 2, axis=2)
        return np.array([_of_mixture(q, means, np.exp(logs / 2), shares) for q in levels.tolist()])
    if net._cost.name == "quantile":
        mean = (shares[:, None, None] * said).sum(axis=0)
        by_level = mean.reshape(len(mean), -1, len(_known(net)))
        places = np.abs(levels[:, None] - _known(net)).argmin(axis=1)
        return by_level[:, :, places].transpose(2, 0, 1)
    return _of_numbers(levels, said, shares)


def _known(net: Network) -> list[float]:
    cost: Any = net._cost
    return list(cost.levels)


def _of_numbers(levels: Floats, said: Floats, shares: Floats) -> Floats:
    """Return quantiles between numbers in their order, each in the middle of its share.

    Straight between two, and level outside (Hazen, 1914): of equal shares those of
    ``numpy.quantile(said, q, axis=0, method="hazen")``.
    """
    order = np.argsort(said, axis=0, kind="stable")
    values, share = np.take_along_axis(said, order, axis=0), shares[order]
    places = np.cumsum(share, axis=0) - share / 2
    found = np.empty((len(levels), *said.shape[1:]))
    for i, q in enumerate(levels):
        above = (places < q).sum(axis=0, keepdims=True)
        ends = above - 1, above
        (a, b), (from_place, to_place) = (
            [np.take_along_axis(each, end.clip(0, len(said) - 1), axis=0)[0] for end in ends]
            for each in (values, places)
        )
        width = np.where(to_place > from_place, to_place - from_place, 1)
        found[i] = a + (b - a) * ((q - from_place) / width).clip(0, 1)
    return found


def _of_mixture(q: float, means: Floats, deviations: Floats, shares: Floats) -> Floats:
    """Return v where Σ w_k Φ((v - μ_k)/σ_k) = q, which lies between the quantiles of each."""
    from statistics import NormalDist  # only here: it takes a tenth of the time of the import

    deviations = np.maximum(deviations, np.finfo(np.float64).tiny)
    each = means + NormalDist().inv_cdf(q) * deviations
    low, high = each.min(axis=0), each.max(axis=0)
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        below = np.zeros(middle.shape)
        for mean, deviation, share in zip(means, deviations, shares, strict=True):
            below += share * _normal((middle - mean) / deviation)
        low, high = np.where(below < q, middle, low), np.where(below < q, high, middle)
    return low + (high - low) / 2


def _normal(x: Floats) -> Floats:
    """Return Φ(x), out of gelu(x) = xΦ(x)."""
    x = np.where(np.abs(x) < np.finfo(np.float64).tiny, np.finfo(np.float64).tiny, x)
    product = np.empty_like(x)
    _core.activate(("gelu", 0.0), x, product)
    return product / x
