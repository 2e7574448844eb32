"""Numbers as inputs: centred and scaled robustly, bent smoothly at the ends, holes beside.

z = s(x - median), s = 1/(q75 - q25), and what the network reads is z/√(1 + (z/3)²), between -3
and 3, so that no outlier is louder than that (Holzmüller et al., "Better by Default", 2024). Beside
it may stand 1 where the number is missing, and a piecewise-linear encoding (Gorishniy et al., "On
Embeddings for Numerical Features", 2022), with which a small network learns sharp steps: of each
bin, -1 below it, 1 above it, a line between, and 0 where the number is missing.

An encoding more is a term of `Number.width` and some lines of `Number.learn` and `Numbers.encode`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core import _core
from chainrule.tables.state import fields

BEND = 3.0  # the largest |input|
FAR = 1e100  # beyond it z is as good as infinite, and its square is not finite


@dataclass(frozen=True, eq=False)
class Number:
    """What is known of one column of numbers.

    Attributes
    ----------
    median, scale : float
        z = scale·(x - median).
    indicator : bool
        Whether an input says where it is missing.
    edges : ndarray (k + 1,) float64
        Of the bins, growing; none without bins.

    Raises
    ------
    ValueError
        For what no column has.
    """

    median: float
    scale: float
    indicator: bool
    edges: NDArray

    def __post_init__(self):
        edges = self.edges
        is_fine = edges.dtype == np.float64 and edges.ndim == 1 and len(edges) != 1
        if not (is_fine and np.isfinite([self.median, self.scale, *edges]).all()):
            raise ValueError(f"expected finite numbers and growing edges, got {self!r:.200}")
        with np.errstate(over="ignore"):
            steps = np.diff(edges)
        if not (self.scale >= 0 and (steps > 0).all() and np.isfinite(steps).all()):
            raise ValueError(f"expected a scale of 0 or above and growing edges, got {self!r:.200}")

    @classmethod
    def learn(cls, x: NDArray, bins: int, indicators: bool) -> "Number":
        """Learn from numbers (m,) in float64, of which some are there and none is infinite.

        Raises
        ------
        ValueError
            For numbers so large, or so close to each other, that float64 does not hold the scale.
        """
        present = x[~np.isnan(x)]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            low, q25, median, q75, high = np.quantile(present, (0, 0.25, 0.5, 0.75, 1)).tolist()
            scale = np.reciprocal(q75 - q25) if q75 > q25 else 2 * np.reciprocal(high - low)
            edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)))
        if high > low and not np.isfinite([median, scale, edges[-1] - edges[0]]).all():
            raise ValueError(
                f"its numbers, from {low} to {high}, are too far from each other, or too near, for "
                "a scale in float64"
            )
        return cls(
            median,
            float(scale) if high > low else 0.0,
            indicators and len(present) < len(x),
            edges if len(edges) > 2 else np.empty(0),  # a single bin says no more than z
        )

    @property
    def width(self) -> int:
        """How many inputs it becomes: z, the indicator, the bins."""
        return 1 + self.indicator + self.bins

    @property
    def bins(self) -> int:
        """How many of them are bins, the last ones."""
        return max(len(self.edges) - 1, 0)

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        return asdict(self)

    @classmethod
    def of(cls, state: Any) -> "Number":
        """Make the one that has that state, or raise ValueError."""
        return cls(**fields(state, median=float, scale=float, indicator=bool, edges=np.ndarray))


class Numbers:
    """All columns of numbers at once.

    Parameters
    ----------
    numbers : sequence of Number
    starts : sequence of int
        The first of the inputs that each becomes.
    """

    def __init__(self, numbers: Sequence[Number], starts: Sequence[int]):
        self._given = numbers, starts
        bins = [each.edges for each in numbers]
        self._code = _core.NumberCode(
            np.array([each.median for each in numbers]),
            np.array([each.scale for each in numbers]),
            np.concatenate([np.empty(0), *bins]),
            np.array(starts, np.int64),
            np.array([each.indicator for each in numbers], np.int64),
            np.cumsum([0, *map(len, bins)], dtype=np.int64),
            BEND,
            FAR,
        )

    def __reduce__(self) -> Any:
        return Numbers, self._given

    def encode(self, x: NDArray, out: NDArray) -> tuple[int, int] | None:
        """Write what becomes of numbers x (m, n), float64, into out (m, width).

        Returns
        -------
        tuple of int, or None
            (row, place) of the first number that is infinite; out is not to be used then.
        """
        found: tuple[int, int] | None = self._code.encode(x, out)
        return found
