"""The sizes of a network's layers, and how many parameters they make."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import pairwise

from chainrule.checks.arrays import MAX_SIZE
from chainrule.checks.options import check_whole


def check_sizes(sizes: Iterable[int]) -> tuple[int, ...]:
    """Return `sizes` as a tuple of ints, two or more."""
    try:
        if isinstance(sizes, Set | Mapping):  # in which order?
            raise TypeError
        sizes = tuple(check_whole("each of sizes", n) for n in sizes)
    except TypeError:
        raise TypeError(
            f"sizes must be a sequence of whole numbers such as [784, 30, 10]; got {sizes!r}"
        ) from None
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least an input and an output layer; got {sizes}")
    for n in sizes:
        if not 1 <= n <= MAX_SIZE:
            raise ValueError(f"each of sizes must be from 1 to 2**31 - 1; got {n} in {sizes}")
    n_parameters = count_parameters(sizes)
    if n_parameters > 2**40:
        raise ValueError(
            f"sizes {sizes} make {n_parameters} parameters; at most 2**40 are possible"
        )
    return sizes


def count_parameters(sizes: Sequence[int], bias: bool = True, scale: bool = False) -> int:
    """Return how many weights and biases there are, with a scale for each input where asked."""
    return sum((n_in + bias) * n_out for n_in, n_out in pairwise(sizes)) + scale * sizes[0]
