"""Numbers that go by layer: for the weights and the biases of each, or for both together."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.options import check_real

ByLayer = Sequence[float | tuple[float, float]]
EACH = "a list with a pair (weights, biases), or one number for both, for each layer"


def is_by_layer(value: Any) -> bool:
    """Whether it is no single number, but has some."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def check_by_layer(
    name: str, value: Any, check: Callable[[str, Any], Any]
) -> tuple[float | tuple[float, float], ...]:
    """Return `value` as a tuple of numbers and pairs of Python's; each number is checked.

    How many there must be, a network says: `spread`.

    Raises
    ------
    TypeError
        For what is no such list.
    ValueError, TypeError
        For a number that `check` refuses, with its place.
    """
    if not is_by_layer(value) or not len(value):
        raise TypeError(f"{name} must be {EACH}; got {value!r}")

    def number(place, each):
        check(place, each)
        return float(check_real(place, each))

    entries: list[float | tuple[float, float]] = []
    for i, each in enumerate(value):
        place = f"{name}[{i}]"
        if not is_by_layer(each):
            entries.append(number(place, each))
        elif len(pair := tuple(each)) == 2:
            weights, biases = (number(f"{place}[{k}]", pair[k]) for k in range(2))
            entries.append((weights, biases))
        else:
            raise ValueError(f"{place} must be a pair (weights, biases), or a number; got {each!r}")
    return tuple(entries)


def spread(name: str, entries: ByLayer, layers: int, scale: bool = False) -> NDArray[np.float64]:
    """Return what `check_by_layer` returned as an array, (2·layers,), a pair for each layer.

    scale: the inputs have a scale to train, whose number comes last; it is a pair more.

    Raises
    ------
    ValueError
        Where there are not as many as `layers`, and one for the scale, or that is a pair.
    """
    if len(entries) != layers + scale:
        and_scale = ", and then one number for net.scale" if scale else ""
        raise ValueError(
            f"{name} must be {EACH} but the input, {layers} here{and_scale}; got {len(entries)}"
        )
    if scale and isinstance(entries[-1], tuple):
        raise ValueError(f"{name}[{layers}] is for net.scale, one number; got {entries[-1]}")
    return np.array(
        [each if isinstance(each, tuple) else (each, each) for each in entries]
    ).reshape(-1)
