"""Dates as inputs: the days since the first of the training, month, day of the week and hour."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.categories import Category
from chainrule.tables.columns import DAY, NUMBERS, Values
from chainrule.tables.numbers import Number
from chainrule.tables.state import fields

MOST = 2**62  # microseconds; between two dates there is less than int64 holds


class Date:
    """What is known of one column of dates.

    Parameters
    ----------
    begin : int
        The first date, in microseconds since 1970.
    days : Number
        The days since then.
    parts : list of Category
        Of the month, 1 to 12, the day of the week, 0 for Monday, and the hour, 0 to 23; None where
        it is always the same.

    Attributes
    ----------
    width : int
        How many inputs it becomes.

    Raises
    ------
    ValueError
        For what no column has.
    """

    def __init__(self, begin: int, days: Number, parts: "list[Category | None]"):
        self.begin, self.days, self.parts = begin, days, parts
        if not -MOST <= begin <= MOST:
            raise ValueError(f"expected a date in microseconds since 1970, got {begin}")
        self.width = days.width + sum(part.width for part in parts if part is not None)

    @classmethod
    def learn(cls, dates: NDArray, bins: int, indicators: bool) -> "Date":
        """Learn from dates (m,), of which some are there, in datetime64[us]."""
        begin = int(dates[~np.isnat(dates)].min().astype(np.int64))
        found = [Category.learn(part_of(dates, each)) for each in PARTS]
        parts = [part if part and len(part.categories) > 1 else None for part in found]
        return cls(begin, Number.learn(days_since(begin, dates), bins, indicators), parts)

    def parts_from(self, start: int) -> list[tuple[Category, int]]:
        """Return the categories, each with the first of its inputs, if those of all begin there."""
        start += self.days.width
        found = []
        for part in self.parts:
            if part is not None:
                found.append((part, start))
                start += part.width
        return found

    def places(self, dates: NDArray) -> list[NDArray]:
        """Return the places of dates (m,) among each of these categories, (m,); -1 for none."""
        pairs = zip(self.parts, PARTS, strict=True)
        return [part.places(part_of(dates, each)) for part, each in pairs if part is not None]

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        parts = [None if part is None else part.state() for part in self.parts]
        return {"begin": self.begin, "days": self.days.state(), "parts": parts}

    @classmethod
    def of(cls, state: Any) -> "Date":
        """Make the one that has that state, or raise ValueError."""
        known = fields(state, begin=int, days=dict, parts=list)
        if len(known["parts"]) != 3:
            raise ValueError(
                f"expected the month, the weekday and the hour, got {known['parts']!r:.200}"
            )
        parts = [None if part is None else Category.of(part) for part in known["parts"]]
        return cls(known["begin"], Number.of(known["days"]), parts)


def days_since(begin: int, dates: NDArray) -> NDArray:
    """Return the days from `begin` (microseconds since 1970) to dates (m,); NaN where missing."""
    days = (dates.astype(np.int64) - begin) / DAY
    days[np.isnat(dates)] = np.nan
    return days


def months(dates: NDArray) -> NDArray:
    """Return 1 to 12 for dates (m,)."""
    return dates.astype("datetime64[M]").astype(np.int64) % 12 + 1.0


def weekdays(dates: NDArray) -> NDArray:
    """Return 0 for Monday to 6 for dates (m,)."""
    return (dates.astype(np.int64) // DAY + 3) % 7 + 0.0  # 1970 began with a Thursday


def hours(dates: NDArray) -> NDArray:
    """Return 0 to 23 for dates (m,)."""
    return dates.astype(np.int64) % DAY // (DAY // 24) + 0.0


PARTS = months, weekdays, hours


def part_of(dates: NDArray, part: Callable[[NDArray], NDArray]) -> Values:
    """Return one of these of dates (m,) in datetime64[us]; NaN where they are missing."""
    found = part(dates)
    found[np.isnat(dates)] = np.nan
    return Values(NUMBERS, found)
