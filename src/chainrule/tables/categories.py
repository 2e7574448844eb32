"""Categories as inputs: ±1 for two, else one-hot; what is missing or was never seen is 0."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core import _core
from chainrule.tables.columns import FEW, MIXED, TEXT, Values, numbers_of, text_of
from chainrule.tables.numbers import Number, Numbers
from chainrule.tables.state import fields


class Category:
    """What is known of one column of categories.

    Parameters
    ----------
    categories : list of str, or list of numbers
        Sorted and all different.
    signed : bool
        Whether it becomes one input of ±1, which only two categories can.
    medians, scales : sequence of float
        By which these inputs, `width`, are then treated as numbers are; none if they stay as they
        are.

    Attributes
    ----------
    are_text : bool
        Whether they are text; else they are numbers.
    width : int
        How many inputs it becomes.
    inputs : list of Number
        What these are treated as; none if they stay as they are.

    Raises
    ------
    ValueError
        For what no column has.
    """

    def __init__(
        self, categories: list, signed: bool, medians: Sequence = (), scales: Sequence = ()
    ):
        self.categories, self.signed = categories, signed
        kinds = set(map(type, categories))
        self.are_text = kinds == {str}
        if not (self.are_text or (kinds and kinds <= {int, float})):
            raise ValueError(f"expected a list of text or of numbers, got {categories!r:.200}")
        self._numbers = None if self.are_text else np.array(categories)
        if self._numbers is not None:
            is_fine = self._numbers.dtype.kind in "iuf" and np.isfinite(self._numbers).all()
            if not is_fine:
                raise ValueError(f"expected finite numbers, got {categories!r:.200}")
        if not all(a < b for a, b in pairwise(categories)) or (signed and len(categories) != 2):
            raise ValueError(f"expected sorted categories, two if ±1, got {categories!r:.200}")
        self.width = 1 if signed else len(categories)
        fit = len(medians) == len(scales) and len(scales) in {0, self.width}
        if not fit or not set(map(type, [*medians, *scales])) <= {float}:
            raise ValueError(
                f"expected {self.width} medians and scales, or none; got {medians!r:.200} and "
                f"{scales!r:.200}"
            )
        self.inputs = [
            Number(median, scale, False, np.empty(0))
            for median, scale in zip(medians, scales, strict=True)
        ]
        self._place = {each: place for place, each in enumerate(categories)}

    @classmethod
    def learn(cls, values: Values, least_count: int = 1, scaled: bool = False) -> "Category | None":
        """Learn from a column the categories that occur `least_count` times; None if none does.

        If `scaled`, two are ±1 also where some are missing, and the inputs are treated as numbers.
        """
        if values.holds in (TEXT, MIXED):
            counts: dict = {}
            for each in values.array.tolist():
                if isinstance(each, str):
                    counts[str(each)] = counts.get(each, 0) + 1  # of NumPy, too
            found = sorted(counts.items())
        else:
            present = values.array[~np.isnan(numbers_of(values))]
            present = present + 0 if present.dtype.kind == "b" else present
            unique, n = np.unique(present, return_counts=True)
            found = list(zip(unique.tolist(), n.tolist(), strict=True))
        kept = [each for each, n in found if n >= least_count]
        seen = sum(n for _, n in found if n >= least_count)
        if not kept:
            return None
        signed = len(kept) == 2 and (scaled or seen == len(values.array))
        plain = cls(kept, signed)
        if not scaled:
            return plain
        inputs = np.zeros((len(values.array), plain.width), np.float32)
        Categories([plain], [0]).encode([plain.places(values)], inputs)
        numbers = [Number.learn(x, bins=0, indicators=False) for x in inputs.T.astype(np.float64)]
        return cls(
            kept, signed, [each.median for each in numbers], [each.scale for each in numbers]
        )

    def places(self, values: Values) -> NDArray:
        """Return the place of each value among the categories, (m,) int; -1 for none of them."""
        if self._numbers is None or len(values.array) <= FEW:
            array = values.array if self._numbers is not None else text_of(values)
            place, given = self._place.get, array.tolist()
            return np.fromiter((place(each, -1) for each in given), np.int32, len(given))
        numbers = values.array
        places = np.searchsorted(self._numbers, numbers).clip(max=len(self.categories) - 1)
        return np.where(self._numbers[places] == numbers, places, -1)

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        state = {"categories": self.categories, "signed": self.signed}
        if self.inputs:
            state["medians"] = [each.median for each in self.inputs]
            state["scales"] = [each.scale for each in self.inputs]
        return state

    @classmethod
    def of(cls, state: Any) -> "Category":
        """Make the one that has that state, or raise ValueError."""
        scaled = type(state) is dict and "medians" in state
        more = {"medians": list, "scales": list} if scaled else {}
        return cls(**fields(state, categories=list, signed=bool, **more))


class Categories:
    """All columns of categories at once.

    Parameters
    ----------
    categories : sequence of Category
    starts : sequence of int
        The first of the inputs that each becomes.
    """

    def __init__(self, categories: Sequence[Category], starts: Sequence[int]):
        self._starts = np.array(starts, np.int64)
        self._signed = np.array([each.signed for each in categories], np.int64)
        scaled = [
            (number, start + k)
            for category, start in zip(categories, starts, strict=True)
            for k, number in enumerate(category.inputs)
        ]
        self._scaled = np.array([at for _, at in scaled], np.intp)
        self._as_numbers = Numbers(*zip(*scaled, strict=True)) if scaled else None

    def encode(self, places: Sequence[NDArray], out: NDArray) -> None:
        """Write what becomes of categories into out (m, width), which is 0.

        `places` of each column (m,) among its categories are -1 for what is none of them.
        """
        _core.encode_categories(np.array(places, np.int32), self._starts, self._signed, out)
        if self._as_numbers is not None:
            self._as_numbers.encode(out[:, self._scaled].astype(np.float64), out)
