"""Dates as inputs: the days since the first of the training, month, day of the week and hour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.categories import Category
from chainrule.tables.columns import DAY, NUMBERS, Values
from chainrule.tables.numbers import Number
from chainrule.tables.state import fields

HOUR = DAY // 24
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
        found = [Category.learn(Values(NUMBERS, part)) for part in calendar_parts(dates)]
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
        pairs = zip(self.parts, calendar_parts(dates), strict=True)
        return [part.places(Values(NUMBERS, each)) for part, each in pairs if part is not None]

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


def calendar_parts(dates: NDArray) -> list[NDArray]:
    """Return months (m,), 1 to 12, weekdays, 0 for Monday, hours, 0 to 23; NaN where missing."""
    months = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1.0
    hours = dates.astype(np.int64) // HOUR
    weekdays = (hours // 24 + 3) % 7 + 0.0  # 1970: a Thursday
    hours = hours % 24 + 0.0
    parts = [months, weekdays, hours]
    missing = np.isnat(dates)
    for part in parts:
        part[missing] = np.nan
    return parts
