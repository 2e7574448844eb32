"""The preparation of a table: learned from one, it makes numbers for a network of any like it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.options import check_count
from chainrule.checks.sparse_rows import SparseRows
from chainrule.tables.categories import Categories, Category
from chainrule.tables.columns import DATES, DURATIONS, MIXED, NOTHING, Table, Values
from chainrule.tables.dates import Date, days_since
from chainrule.tables.encoders import KINDS, LEFT_OUT, TAKES, Encoder, chosen, learned, read
from chainrule.tables.numbers import Number, Numbers
from chainrule.tables.sparse import SparseLayout
from chainrule.tables.state import fields

ROWS = 1024  # whose numbers are encoded at a time, so that they stay in cache


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the table.

    Attributes
    ----------
    name : str or None
    kind : "number", "category", "date", or "left out"
    where : slice
        The inputs of the network that it becomes.
    holds : str
        What it held when it was learned, one of the words of `chainrule.tables.columns`.
    encoder : Number, Category, Date, or None
        What makes numbers of it; None if it is left out.
    """

    name: str | None
    holds: str
    encoder: Encoder | None
    where: slice

    @property
    def kind(self) -> str:
        """What it is to the network."""
        return LEFT_OUT if self.encoder is None else KINDS[type(self.encoder)]


class Preparation:
    """What is known of a table, by which rows like its own become inputs of a network.

    `Preparation.learn(X)` makes one.

    Attributes
    ----------
    names : tuple of str, or None
        Of the columns; None for an array and a frame without names.
    columns : tuple of Column
        What becomes of each column of the table.
    width : int
        Inputs of the network.
    of_bins, of_categories : ndarray (width,) of bool
        Which of these are bins of numbers, and which say one of several categories.
    """

    def __init__(self, names: tuple[str, ...] | None, known: Sequence[tuple[str, Encoder | None]]):
        columns, start = [], 0
        for place, (holds, encoder) in enumerate(known):
            end = start + (0 if encoder is None else encoder.width)
            name = None if names is None else names[place]
            columns.append(Column(name, holds, encoder, slice(start, end)))
            start = end
        self.names, self.columns, self.width = names, tuple(columns), start
        self.of_bins, self.of_categories = np.zeros((2, start), bool)
        kept = [place for place, column in enumerate(columns) if column.encoder is not None]
        self._plain = [  # what may be read in one piece
            place
            for place in kept
            if isinstance(columns[place].encoder, Number) and columns[place].holds != DURATIONS
        ]
        self._others = [place for place in kept if place not in set(self._plain)]
        self._of_numbers, numbers, categories = [], [], []  # each with its first input
        for place in self._plain + self._others:
            encoder, start = columns[place].encoder, columns[place].where.start
            if isinstance(encoder, Category):
                categories.append((encoder, start))
                continue
            assert encoder is not None  # `kept` has none of those
            self._of_numbers.append(place)
            number = encoder.days if isinstance(encoder, Date) else encoder
            numbers.append((number, start))
            self.of_bins[start + number.width - number.bins : start + number.width] = True
            if isinstance(encoder, Date):
                categories += encoder.parts_from(start)
        for category, start in categories:
            self.of_categories[start : start + category.width] = not category.signed
        self._sparse = SparseLayout.of(self.width, categories)
        if self._sparse is not None:
            numbers, categories = self._sparse.dense(numbers), self._sparse.dense(categories)
        self._numbers = Numbers(*zip(*numbers, strict=True)) if numbers else None
        self._categories = Categories(*zip(*categories, strict=True)) if categories else None

    # ------------------------------------------------------------ learning

    @classmethod
    def learn(
        cls,
        X: Any,
        *,
        categorical: str | ArrayLike = "auto",
        bins: int = 0,
        indicators: bool = True,
        least_count: int = 1,
        scale_categories: bool = False,
    ) -> "Preparation":
        """Learn how to prepare a table, and tables like it.

        Parameters
        ----------
        X : frame or array-like (m, n)
            Of pandas, polars, pyarrow or what is like them; or an array, or a list of rows.
        categorical : "auto", or array-like of str, int or bool
            The columns that are categories, besides those of text, truth values and categorical
            types: their names, their places, or a mask (n,).
        bins : int
            The most bins of the piecewise-linear encoding of each number; 0 for none.
        indicators : bool
            Whether a column of numbers with holes becomes an input that says where they are.
        least_count : int
            Categories that occur less often are as if they were never seen.
        scale_categories : bool
            Whether the inputs of categories, 0 and 1 or ±1, are centred, scaled and bent as numbers
            are, as RealMLP has it; two categories are ±1 then also where some are missing.

        Warns
        -----
        UserWarning
            For columns that are left out, since all is missing or they look like ids or free text;
            and for integers that only count the rows.

        Raises
        ------
        TypeError
            For columns that hold anything but numbers, text, truth values, dates and durations.
        ValueError
            For infinite numbers, an unknown column in `categorical`, and a table in which there is
            nothing to learn from.
        """
        check_count("bins", bins, 0)
        check_count("least_count", least_count, 1)
        table = Table(X, typed=True)
        named = chosen(categorical, table)
        known: list[tuple[str, Encoder | None]] = []
        told, varies = [], False
        for place in range(table.width):
            values = table.column(place)
            if len(values.array) == 0:
                raise ValueError(f"{table.name} must have at least one row")
            if values.holds != NOTHING and not values.is_known:
                raise table.unreadable(place, values.holds)
            table.check_finite(place, values)
            encoder, remark = learned(
                table,
                place,
                values,
                place in named,
                bins,
                indicators,
                least_count,
                scale_categories,
            )
            known.append((values.holds, encoder))
            varies = varies or (encoder is not None and values.varies)
            told += [remark] if remark else []
        if not varies:
            raise ValueError(
                f"{table.name} has nothing to learn from: each column is always the same"
                + "".join(f"; {each}" for each in told)
            )
        for remark in told:
            warnings.warn(f"{table.name}: {remark}", stacklevel=2)
        return cls(table.names, known)

    # ------------------------------------------------------------ use

    def transform(self, X: Any, rows: NDArray | None = None) -> NDArray | SparseRows:
        """Return a table as inputs (m, width) for a network, in float32.

        They are `SparseRows` where there are so many categories that nearly all inputs are 0.

        Parameters
        ----------
        X : frame or array-like (m, n)
            With the columns that were learned, in their order; the names count where both have
            some.
        rows : ndarray of int, or None
            Which of the rows count; the others are not looked at.

        Raises
        ------
        ValueError
            For columns that are missing, unknown or out of place, and for infinite numbers.
        TypeError
            For a column that holds something else than when it was learned.
        """
        table = Table(X, rows)
        self._check_columns(table)
        m = len(table)
        if m == 0:
            raise ValueError(f"{table.name} must have at least one row")
        numbers, series, places = self._read(table)
        width, layout, encoded = self.width, self._sparse, places
        if layout is not None:
            width, encoded = layout.dense_width, layout.encoded(places)
        out = np.zeros((m, width), np.float32)
        for start in range(0, m, ROWS):
            some = slice(start, start + ROWS)
            if self._numbers is not None:
                infinite = self._numbers.encode(_joined(numbers, series, some), out[some])
                if infinite is not None:
                    row, j = infinite
                    raise table.infinite(start + row, self._of_numbers[j])
            if self._categories is not None:
                self._categories.encode([each[some] for each in encoded], out[some])
        return out if layout is None else layout.joined(out, places)

    def _read(self, table):
        """Read a table, all of whose kinds are looked at.

        Returns
        -------
        numbers : ndarray (m, k) or None
            What could be read in one piece.
        series : list of ndarray (m,)
            The columns of numbers after them.
        places : list of ndarray (m,)
            Of the categories.
        """
        numbers = table.numbers(self._plain) if self._plain else None
        series: list[NDArray] = []
        places: list[NDArray] = []
        for place in self._others if numbers is not None else self._plain + self._others:
            values, encoder = self._column(table, place), self.columns[place].encoder
            if isinstance(encoder, Category):
                table.check_finite(place, values)
                places.append(encoder.places(values))
            elif isinstance(encoder, Date):
                series.append(days_since(encoder.begin, values.array))
                places += encoder.places(values.array)
            else:
                series.append(values.array)
        return numbers, series, places

    def _check_columns(self, table):
        if table.names is not None and self.names is not None:
            written = list(self.names)
            table.frame.check_names(self.names, written, numbers=False)
        elif table.width != len(self.columns):
            raise ValueError(
                f"{table.name} must have {len(self.columns)} columns, as it has learned; "
                f"got {table.width}"
            )

    def _column(self, table, place):
        """Read a column, which must be of the kind that was learned."""
        holds = self.columns[place].holds
        values = table.column(place, as_text=holds == MIXED)
        if values.holds in TAKES[holds]:
            return values
        if values.holds == NOTHING or (values.is_known and values.missing.all()):
            hole, dtype = ("NaT", "M8[us]") if holds == DATES else (np.nan, np.float64)
            return Values(holds, np.full(len(values.array), hole, dtype))
        row = table.first_unlike(place, TAKES[holds])
        raise TypeError(
            f"{table.called(place)} must hold {holds}, as it has learned; "
            f"{table.entry(row, place)} is {table.shown(row, place)}"
        )

    # ------------------------------------------------------------ files

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it: plain values and arrays."""
        columns = [
            {"holds": each.holds, "kind": each.kind}
            | ({} if each.encoder is None else {"encoder": each.encoder.state()})
            for each in self.columns
        ]
        return {"names": None if self.names is None else list(self.names), "columns": columns}

    @classmethod
    def of(cls, state: Any) -> "Preparation":
        """Make the one that has that state.

        Raises
        ------
        ValueError
            For what `state` cannot have written.
        """
        has_names = type(state) is dict and state.get("names") is not None
        known = fields(state, names=list if has_names else type(None), columns=list)
        names, columns = known["names"], known["columns"]
        if has_names:
            are_text = set(map(type, names)) == {str}
            if not are_text or not len(set(names)) == len(names) == len(columns):
                raise ValueError(f"expected a name for each column, got {names!r:.200}")
        return cls(tuple(names) if has_names else None, [read(each) for each in columns])


def _joined(numbers, series, rows):
    """Return some rows of all numbers (some, n) in float64."""
    pieces = [] if numbers is None else [numbers[rows]]
    if not series:
        return pieces[0].astype(np.float64, copy=False)
    return np.column_stack(pieces + [each[rows] for each in series]).astype(np.float64, copy=False)
