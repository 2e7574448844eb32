"""Categories as inputs: ±1 for two, else one-hot; what is missing or was never seen is 0."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.columns import MIXED, TEXT, Values, numbers_of, text_of
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

    Attributes
    ----------
    width : int
        How many inputs it becomes.

    Raises
    ------
    ValueError
        For what no column has.
    """

    def __init__(self, categories: list, signed: bool):
        self.categories, self.signed = categories, signed
        kinds = set(map(type, categories))
        are_text = kinds == {str}
        if not (are_text or kinds <= {int, float}):
            raise ValueError(f"expected a list of text or of numbers, got {categories!r:.200}")
        grow = all(a < b for a, b in pairwise(categories))
        if not grow or categories[:1] != categories[:1] or (signed and len(categories) != 2):
            raise ValueError(f"expected sorted categories, two if ±1, got {categories!r:.200}")
        self.width = 1 if signed else len(categories)
        self._place = {each: place for place, each in enumerate(categories)}
        self._numbers = None if are_text else np.array(categories)

    @classmethod
    def learn(cls, values: Values, least_count: int = 1) -> "Category":
        """Learn from a column in which something is there.

        Of categories that occur less often than `least_count`, none is known.
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
        return cls(kept, len(kept) == 2 and seen == len(values.array))

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

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        return {"categories": self.categories, "signed": self.signed}

    @classmethod
    def of(cls, state: Any) -> "Category":
        """Make the one that has that state, or raise ValueError."""
        return cls(**fields(state, categories=list, signed=bool))
