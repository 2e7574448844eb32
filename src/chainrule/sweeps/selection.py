"""Which networks, and how often each, are best together on samples (Caruana et al., 2004)."""

import math

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.samples import Samples
from chainrule.checks.threads import check_threads
from chainrule.model import passes
from chainrule.network import Network
from chainrule.sweeps.pooling import Pool


def select(
    pool: Pool, head: Network, samples: Samples, size: int, figure: str, threads: int | None
) -> NDArray[np.float64]:
    """Return how often each network is taken, (K,).

    One after the other that which makes those taken so far, and itself, best together, the first
    of equals; a network may come again. Of the sets in a row the first of the best is the answer.

    Parameters
    ----------
    pool : Pool
        What the networks say.
    head : Network
        As `head_of` returns it.
    samples : Samples
        Of `head`, with any inputs.
    size : int
        How many to take.
    figure : str
        "cost" or "accuracy"; of equal accuracies the cost decides.
    threads : int, optional
    """
    given = check_threads(threads)
    total, counts = np.zeros(pool.parts.shape[1:]), np.zeros(len(pool.parts))
    best, answer = (math.inf, math.inf), counts
    for taken in range(1, size + 1):
        figures = []
        for part in pool.parts:
            mean = pool.joined((total + part) / taken)
            samples.X = head._output_scaling.outputs(mean)
            cost, correct, _ = passes.evaluate(head, samples, given)
            cost = cost if cost < math.inf else math.inf  # NaN compares with nothing
            figures.append((-correct if figure == "accuracy" else cost, cost))
        k = min(range(len(figures)), key=figures.__getitem__)
        total += pool.parts[k]
        counts[k] += 1
        if figures[k] < best:
            best, answer = figures[k], counts.copy()
    return answer
