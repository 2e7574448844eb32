"""What threads bring where there are more cores than were measured, by a model.

A step is handed out to N threads in whole units: 32 samples, or 16 neurons of a layer, or groups of
samples. The thread with the most of them takes

    busiest(N) = sum over the parts of a step of share · ⌈units / N⌉ / units

of the time of one thread, where a part's share is that of its floating-point operations. What two
threads take more than that, rest = t(2) - busiest(2) · t(1), is lost to meetings, which grow with N
as the core takes them to grow (src/chainrule/core/team.pxi), or to caches, memory and a host that
threads share. Nobody knows which, so there are two answers, a worst and a best one:

    t(N) = busiest(N) · t(1) + rest · (1 + N/10) / 1.2        all of it to meetings
    t(N) = busiest(N) · t(1) · t(2) / (busiest(2) · t(1))     none of it

It holds for the project's own kernels (AVX-512: all products), and knows nothing of sockets, of
hyper-threads, of memory that sixteen cores share, or of a clock that falls as more of them work.
"""

from itertools import pairwise
from math import ceil

SAMPLES, NEURONS = 32, 16  # of a unit
MOST_SAMPLES, FEW_PARAMETERS = 512, 1 << 15  # of a tile; for a step shared by samples
SAMPLES_OF_A_GROUP, MOST_GROUPS, MOST_BYTES = 256, 16, 1 << 24


def parts_of(case):
    """Return (floating-point operations, units) of each part of a step."""
    layers = list(pairwise(case.sizes))
    products = [n_in * n_out for n_in, n_out in layers]
    parameters = sum(products) + sum(case.sizes[1:])
    if case.batch > MOST_SAMPLES:
        groups = 1
        while (
            groups * SAMPLES_OF_A_GROUP < case.batch
            and groups < MOST_GROUPS
            and 2 * groups * 4 * parameters <= MOST_BYTES
        ):
            groups *= 2
        return [(1, groups)]
    down = [(n, ceil(n_out / NEURONS)) for n, (_, n_out) in zip(products, layers, strict=True)]
    if parameters <= FEW_PARAMETERS and case.batch > SAMPLES:
        return [*down, (2 * sum(products) - products[0], ceil(case.batch / SAMPLES))]
    back = [(n, ceil(n_in / NEURONS)) for n, (n_in, _) in zip(products, layers, strict=True)]
    return [*down, *down, *back[1:]]


def busiest(case, threads):
    parts = parts_of(case)
    done = sum(work * ceil(units / threads) / units for work, units in parts)
    return done / sum(work for work, _ in parts)


def faster(case, threads, one, two):
    """Return how many times as fast as one so many threads are, at worst and at best.

    one, two : seconds of a step with one thread, and with two
    """
    rest = max(0.0, two - busiest(case, 2) * one)
    alike = busiest(case, threads) * one
    return one / (alike + rest * (1 + threads / 10) / 1.2), one / (
        alike * (1 + rest / (two - rest))
    )
