"""The preparation of a table in operators of ONNX, with the arithmetic of `chainrule.tables`.

All is in float64 until it is what the network reads. What stands together is written together, as
`Numbers` and `Categories` have it; a last Gather brings the inputs into their order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.convert.onnx_file import BOOLEAN, DOUBLES, INT64, SINGLE, STRING
from chainrule.convert.onnx_graph import Graph
from chainrule.tables.categories import Category
from chainrule.tables.columns import DAY
from chainrule.tables.dates import Date
from chainrule.tables.numbers import BEND, FAR, Number
from chainrule.tables.preparation import Preparation

HOUR = DAY // 24
MISSING = np.int64(-(2**63))  # of dates, as NumPy's NaT
# The calendar repeats after 400 years; they are counted from a first of March, 719468 days before
# 1970, so that the day that may be missing is the last of a year.
DAYS_OF_400_YEARS, MARCH = 146_097, 719_468


def write_preparation(graph: Graph, preparation: Preparation) -> tuple[str, list[dict[str, Any]]]:
    """Write how the columns of a table become inputs of its networks.

    Returns
    -------
    inputs : str
        The name of these, (N, width) in float32.
    columns : list of dict
        Of each column that counts "input", its name; "holds", one of the words of
        `chainrule.tables.columns`; "missing", what is given where it is missing, "NaN" for NaN.

    Raises
    ------
    ValueError
        For categories that float64 or UTF-8 does not hold.
    """
    columns, kept = [], []
    for k, column in enumerate(preparation.columns):  # all inputs first: their names are free yet
        encoder = column.encoder
        if encoder is None:
            continue
        element = DOUBLES
        missing: str | int = "NaN"
        if isinstance(encoder, Date):
            element, missing = INT64, int(MISSING)
        elif isinstance(encoder, Category) and encoder.are_text:
            element, missing = STRING, missing_text(encoder.categories)
        name = graph.input(column.name or f"column_{k}", element, 1)
        columns.append({"input": name, "holds": column.holds, "missing": missing})
        kept.append((name, encoder, column.where.start))
    writer = _Writer(graph)
    for each in kept:
        writer.column(*each)
    return writer.joined(), columns


def missing_text(categories: list[str]) -> str:
    """Return a text that is none of the categories: "" where it can be."""
    text = ""
    while text in categories:
        text += "?"
    return text


class _Writer:
    """Collects numbers, each (N, 1), and the inputs that categories have become."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.numbers: list[tuple[str, Number, int]] = []  # each with its first input
        self.done: list[tuple[str, Sequence[int]]] = []  # tensors with the inputs they are

    def column(self, tensor: str, encoder: Any, start: int) -> None:
        """Write a column whose inputs begin at `start`."""
        if isinstance(encoder, Number):
            self.numbers.append((tensor, encoder, start))
        elif isinstance(encoder, Category):
            self.category(tensor, encoder, start)
        else:
            self.date(tensor, encoder, start)

    def date(self, dates: str, encoder: Date, start: int) -> None:
        """Write the days since the first of the training, and parts of the calendar."""
        add, constant = self.graph.add, self.graph.constant
        missing = add("Equal", dates, constant(MISSING))
        begin = constant(np.int64(encoder.begin))
        there = add("Where", missing, begin, dates)
        days = add("Div", self.cast(add("Sub", there, begin), DOUBLES), constant(np.float64(DAY)))
        days = add("Where", missing, constant(np.float64("nan")), days)
        self.numbers.append((days, encoder.days, start))
        starts = iter(encoder.parts_from(start))
        for part, of in zip(encoder.parts, (self.months, self.weekdays, self.hours), strict=True):
            if part is not None:
                found = add("Where", missing, constant(np.int64(-1)), of(there))
                self.category(self.cast(found, DOUBLES), *next(starts))

    def days(self, dates):
        """Return whole days since 1970, also before it: Mod has the sign of what it divides by."""
        time = self.graph.add("Mod", dates, self.graph.constant(np.int64(DAY)))
        return self.over(self.graph.add("Sub", dates, time), DAY)

    def months(self, dates):
        """Return months, 1 to 12."""
        add, constant = self.graph.add, self.graph.constant
        shifted = add("Add", self.days(dates), constant(np.int64(MARCH)))
        day = add("Mod", shifted, constant(np.int64(DAYS_OF_400_YEARS)))  # of 400 years, from 0
        # Without the days that leap years have more, all years are of 365.
        leap = add("Sub", self.over(day, 36_524), self.over(day, 1_460))
        leap = add("Sub", leap, self.over(day, DAYS_OF_400_YEARS - 1))
        year = self.over(add("Add", day, leap), 365)
        days = add("Mul", year, constant(np.int64(365)))
        days = add("Add", days, self.over(year, 4))
        days = add("Sub", days, self.over(year, 100))
        of_year = add("Sub", day, days)
        # From March on, five months have 153 days.
        fifths = add("Add", add("Mul", of_year, constant(np.int64(5))), constant(np.int64(2)))
        month = add("Add", self.over(fifths, 153), constant(np.int64(2)))  # of March 2
        month = add("Mod", month, constant(np.int64(12)))
        return add("Add", month, constant(np.int64(1)))

    def weekdays(self, dates):
        """Return days of the week, 0 for Monday; 1970 began with a Thursday."""
        add, constant = self.graph.add, self.graph.constant
        return add(
            "Mod", add("Add", self.days(dates), constant(np.int64(3))), constant(np.int64(7))
        )

    def hours(self, dates):
        """Return hours, 0 to 23."""
        time = self.graph.add("Mod", dates, self.graph.constant(np.int64(DAY)))
        return self.over(time, HOUR)

    def over(self, tensor, n):
        """Return whole numbers, 0 or more, or multiples of n, divided by n."""
        return self.graph.add("Div", tensor, self.graph.constant(np.int64(n)))

    def category(self, tensor: str, encoder: Category, start: int) -> None:
        """Write ±1, or 1 for the one that it is."""
        add, constant = self.graph.add, self.graph.constant
        places = encoder.categories
        if encoder.are_text:
            tensor = add(
                "LabelEncoder", tensor, ml=True, keys_strings=places,
                values_int64s=list(range(len(places))), default_int64=-1,
            )  # fmt: skip
            known = np.arange(len(places), dtype=np.int64)
        else:
            check_numbers(tensor, places)
            known = np.array(places, np.float64)
        inputs = self.cast(add("Equal", tensor, constant(known)), DOUBLES)
        if encoder.signed:
            inputs = add("MatMul", inputs, constant(np.array([[-1.0], [1.0]])))
        if encoder.inputs:
            inputs = self.bent(inputs, encoder.inputs)
        self.done.append((inputs, range(start, start + encoder.width)))

    def bent(self, tensor, numbers):
        """Write z/√(1 + (z/3)²) of z = s(x - median), for numbers of which none is missing."""
        median, scale = (
            self.graph.constant(np.array([getattr(each, name) for each in numbers]))
            for name in ("median", "scale")
        )
        add, constant = self.graph.add, self.graph.constant
        z = add("Mul", add("Sub", tensor, median), scale)
        z = add("Clip", z, constant(np.float64(-FAR)), constant(np.float64(FAR)))
        part = add("Div", z, constant(np.float64(BEND)))
        root = add("Sqrt", add("Add", add("Mul", part, part), constant(np.float64(1))))
        return add("Div", z, root)

    def all_numbers(self):
        """Write all that becomes of the columns of numbers."""
        add, constant = self.graph.add, self.graph.constant
        tensors, numbers, starts = zip(*self.numbers, strict=True)
        x = add("Concat", *tensors, axis=1)
        missing = add("IsNaN", x)
        # A hole is as the median, whose z is 0.
        medians = constant(np.array([each.median for each in numbers]))
        self.done.append((self.bent(add("Where", missing, medians, x), numbers), starts))
        marked = np.array([k for k, each in enumerate(numbers) if each.indicator], np.int64)
        if len(marked):
            marks = add("Gather", self.cast(missing, DOUBLES), constant(marked), axis=1)
            self.done.append((marks, [starts[k] + 1 for k in marked]))
        if any(each.bins for each in numbers):
            self.bins(x, missing, numbers, starts)

    def bins(self, x, missing, numbers, starts):
        """Write -1 below each bin, 1 above it, a line between, 0 where the number is missing."""
        add, constant = self.graph.add, self.graph.constant
        of_bin = constant(np.repeat(np.arange(len(numbers)), [each.bins for each in numbers]))
        low, high = (
            np.concatenate([each.edges[part] for each in numbers])
            for part in (slice(None, -1), slice(1, None))
        )
        below = add("Sub", add("Gather", x, of_bin, axis=1), constant(low))
        inside = add("Div", below, constant(high - low))
        holes = self.cast(add("Gather", self.cast(missing, DOUBLES), of_bin, axis=1), BOOLEAN)
        inside = add("Where", holes, constant(np.float64(0.5)), inside)
        inside = add("Sub", add("Mul", inside, constant(np.float64(2))), constant(np.float64(1)))
        inside = add("Clip", inside, constant(np.float64(-1)), constant(np.float64(1)))
        places = [
            start + 1 + each.indicator + k
            for start, each in zip(starts, numbers, strict=True)
            for k in range(each.bins)
        ]
        self.done.append((inside, places))

    def joined(self) -> str:
        """Write all inputs in their order."""
        if self.numbers:
            self.all_numbers()
        tensors, places = zip(*self.done, strict=True)
        joined = self.graph.add("Concat", *tensors, axis=1)
        order = np.argsort(np.concatenate([np.array(each) for each in places]))
        ordered = self.graph.add("Gather", joined, self.graph.constant(order), axis=1)
        return self.cast(ordered, SINGLE)

    def cast(self, tensor, element):
        return self.graph.add("Cast", tensor, to=element)


def check_numbers(name: str, categories: list[Any]) -> None:
    """Raise for whole numbers that are too large for float64."""
    for each in categories:
        if float(each) != each:
            raise ValueError(
                f"column {name!r} has the category {each}, which float64, as which the column is "
                "given, does not hold; make text of such numbers before fit"
            )
