"""L-BFGS that ends where scikit-learn's does."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.training.full_batch.cost import Point
from chainrule.training.full_batch.lbfgs import LBFGS, Pair

LEAST_FALL = 1e7 * np.finfo(float).eps  # scipy's: of an iteration that is not the last, by its cost


class _Enough(Exception):  # noqa: N818 - not an error
    pass


@dataclass(frozen=True, eq=False, repr=False)
class LimitedLBFGS(LBFGS):
    """`LBFGS` for one fit.

    Parameters
    ----------
    most : int
        How often the cost and its gradient may be evaluated, from the start on.
    """

    most: int = 15000
    ends: list[Any] = field(default_factory=list, compare=False)

    @property
    def has_ended(self) -> bool:
        """Whether it ended for that."""
        return bool(self.ends)

    def minimize(
        self, at: Callable[[NDArray], Point], point: Point, pairs: list[Pair]
    ) -> Iterator[tuple[Point, list[Pair]]]:
        """Yield a point and the last pairs for each iteration, as `LBFGS` does."""
        left = self.most - 1  # the start was one

        def counted(w: NDArray) -> Point:
            nonlocal left
            if left <= 0:
                raise _Enough
            left -= 1
            return at(w)

        with suppress(_Enough):
            for there, last in super().minimize(counted, point, pairs):
                yield there, last
                fall = point.value - there.value
                if fall <= LEAST_FALL * max(abs(point.value), abs(there.value), 1):
                    break
                point = there
        if left <= 0:
            self.ends.append(True)
