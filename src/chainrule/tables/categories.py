"""Categories as inputs: ±1 for two, else one-hot; what is missing or was never seen is 0."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.columns import MIXED, TEXT, Values, numbers_of, text_of
from chainrule.tables.numbers import Number, Numbers
from chainrule.tables.state import fields

SIGNS = np.array([-1, 1, 0], np.float32)  # of the first, the second, and none


class Category:
    """What is known of one column of categories.

    Parameters
    ----------
    categories : list of str, or list of numbers
        Sorted and all different.
    signed : bool
        Whether it becomes one input of ±1, which only two categories can.
    medians, scales : ndarray (width,) float64
        By which these inputs are then treated as numbers are; (0,) if they stay as they are.

    Attributes
    ----------
    width : int
        How many inputs it becomes.

    Raises
    ------
    ValueError
        For what no column has.
    """

    def __init__(self, categories: list, signed: bool, medians: NDArray, scales: NDArray):
        self.categories, self.signed = categories, signed
        kinds = set(map(type, categories))
        are_text = kinds == {str}
        if not (are_text or kinds <= {int, float}):
            raise ValueError(f"expected a list of text or of numbers, got {categories!r:.200}")
        grow = all(a < b for a, b in pairwise(categories))
        if not grow or categories[:1] != categories[:1] or (signed and len(categories) != 2):
            raise ValueError(f"expected sorted categories, two if ±1, got {categories!r:.200}")
        self.width = 1 if signed else len(categories)
        self._medians, self._scales = medians, scales
        if not medians.shape == scales.shape or medians.shape not in {(0,), (self.width,)}:
            raise ValueError(f"expected {self.width} medians and scales, got {medians!r:.200}")
        as_numbers = [
            Number(median, scale, False, np.empty(0))
            for median, scale in zip(medians.tolist(), scales.tolist(), strict=True)
        ]
        self._inputs = Numbers(as_numbers, range(len(as_numbers))) if as_numbers else None
        self._place = {each: place for place, each in enumerate(categories)}
        self._numbers = None if are_text else np.array(categories)

    @classmethod
    def learn(cls, values: Values, least_count: int = 1, scaled: bool = False) -> "Category":
        """Learn from a column in which something is there.

        Of categories that occur less often than `least_count`, none is known. If `scaled`, two are
        ±1 also where some are missing, and the inputs are treated as numbers.
        """
        if values.holds in (TEXT, MIXED):
            counts: dict = {}
            for each in values.array.tolist():
                if isinstance(each, str):
                    counts[each] = counts.get(each, 0) + 1
            found = sorted(counts.items())
        else:
            present = values.array[~np.isnan(numbers_of(values))]
            present = present + 0 if present.dtype.kind == "b" else present
            unique, n = np.unique(present, return_counts=True)
            found = list(zip(unique.tolist(), n.tolist(), strict=True))
        kept = [each for each, n in found if n >= least_count]
        seen = sum(n for _, n in found if n >= least_count)
        signed = len(kept) == 2 and (scaled or seen == len(values.array))
        plain = cls(kept, signed, np.empty(0), np.empty(0))
        if not scaled:
            return plain
        inputs = np.zeros((len(values.array), plain.width))
        plain.encode(plain.places(values), inputs)
        numbers = [Number.learn(x, bins=0, indicators=False) for x in inputs.T]
        medians, scales = (
            np.array([getattr(each, name) for each in numbers]) for name in ("median", "scale")
        )
        return cls(kept, signed, medians, scales)

    @property
    def varies(self) -> bool:
        """Whether there is anything to learn from it."""
        return len(self.categories) > 1

    def places(self, values: Values) -> NDArray:
        """Return the place of each value among the categories, (m,); -1 for none of them."""
        if self._numbers is None:
            place, given = self._place.get, text_of(values).tolist()
            return np.fromiter((place(each, -1) for each in given), np.intp, len(given))
        numbers = values.array
        places = np.searchsorted(self._numbers, numbers).clip(max=len(self.categories) - 1)
        return np.where(self._numbers[places] == numbers, places, -1)

    def encode(self, places: NDArray, out: NDArray) -> None:
        """Write what becomes of places (m,) into out (m, width), which is 0."""
        if self.signed:
            out[:, 0] = SIGNS[places]
        else:
            known = np.flatnonzero(places >= 0)
            out[known, places[known]] = 1
        if self._inputs is not None:
            self._inputs.encode(out.astype(np.float64), out)

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        return {"categories": self.categories, "signed": self.signed,
                "medians": self._medians, "scales": self._scales}  # fmt: skip

    @classmethod
    def of(cls, state: Any) -> "Category":
        """Make the one that has that state, or raise ValueError."""
        kinds = {"categories": list, "signed": bool, "medians": np.ndarray, "scales": np.ndarray}
        return cls(**fields(state, **kinds))
