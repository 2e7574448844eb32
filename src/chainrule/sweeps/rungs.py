"""Rungs: after so many epochs the networks of a sweep wait for each other, and some go on."""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers
from chainrule.checks.options import check_count
from chainrule.network import Network
from chainrule.results.history import History

Figures = dict[str, NDArray[np.float64]]
Choice = Callable[[list[Network], Figures], Any]


def check_rungs(rungs: Any, epochs: int) -> list[int]:
    """Return `fit_many`'s rungs as numbers of epochs, those before the end.

    Raises
    ------
    ValueError, TypeError
        For what is neither a number of epochs nor several that grow.
    """
    if rungs is None:
        return []
    if isinstance(rungs, int | np.integer) and not isinstance(rungs, bool):
        every = check_count("rungs", rungs, least=1)
        return list(range(every, epochs, every))
    try:
        given = [check_count(f"rungs[{i}]", rung, least=1) for i, rung in enumerate(rungs)]
    except TypeError as error:
        raise TypeError(
            f"rungs must be a number of epochs, or several: after which all wait; {error}"
        ) from None
    if any(later <= rung for rung, later in pairwise(given)):
        raise ValueError(f"rungs must grow, such as [1, 3, 9]; got {given}")
    return [rung for rung in given if rung < epochs]


def figures_of(histories: Iterable[History]) -> Figures:
    """Return their latest figures by name, (k,) each, NaN where one has none."""
    histories = list(histories)
    names = dict.fromkeys(name for history in histories for name in history if name != "epoch")
    return {name: latest(histories, name) for name in names}


def latest(histories: Iterable[History], name: str) -> NDArray[np.float64]:
    """Return their latest figure of that name, (k,), NaN where one has none."""
    figures = (history.latest(name) if name in history else None for history in histories)
    return np.array([math.nan if figure is None else figure for figure in figures])


def best_first(figures: NDArray[np.float64], larger_is_better: bool) -> NDArray[np.intp]:
    """Return whose figures are best, from the best down, equal ones in their order; NaN last."""
    return np.argsort(-figures if larger_is_better else figures, kind="stable")


def chosen(choice: Any, count: int) -> list[int]:
    """Return which of so many networks go on, by what `on_rung` says: indices, or a mask.

    Raises
    ------
    ValueError, TypeError
        For what is neither.
    """
    if choice is None:
        return list(range(count))
    what = f"what on_rung returns must be indices from 0 to {count - 1}, or a mask ({count},)"
    given = as_numbers("what on_rung returns", choice)
    if given.dtype.kind == "b" and given.shape == (count,):
        given = np.flatnonzero(given)
    if given.size == 0:
        return []
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise TypeError(f"{what}; got {choice!r:.200}")
    if given.min() < 0 or given.max() >= count:
        raise ValueError(f"{what}; got {given.min()} to {given.max()}")
    return [int(i) for i in np.unique(given)]
