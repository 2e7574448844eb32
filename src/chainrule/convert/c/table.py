"""The rows of a table in C: a struct with a field a column, and its preparation."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.c import names, templates
from chainrule.convert.c.source import POINTER, Source
from chainrule.tables.categories import Categories, Category
from chainrule.tables.columns import DAY, DURATIONS
from chainrule.tables.dates import Date
from chainrule.tables.numbers import BEND, Number
from chainrule.tables.preparation import Column, Preparation

MOST = 2**53  # up to which a double holds every whole number
MISSING_DATE = "INT64_MIN"
PARTS = ("month", "weekday", "hour")
TEST_ROWS = 8


@dataclass
class Table:
    """What becomes of the columns of a preparation.

    Attributes
    ----------
    low, high : ndarray (width,)
        The least and the largest of each prepared input.
    fields : list of str
        The names of the fields, of those columns that are not left out.
    """

    preparation: Preparation
    name: str
    dtype: np.dtype[Any]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    fields: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[Column]:
        """Those that are not left out."""
        return [each for each in self.preparation.columns if each.encoder is not None]

    @property
    def given(self) -> str:
        """The parameter of the functions."""
        return f"const struct {self.name}_row *row"

    @property
    def prepared(self) -> str:
        """The lines that make numbers x of a row."""
        kind = templates.type_of(self.dtype)
        return f"    {kind} x[{self.preparation.width}];\n    prepare(row, x);\n"


def write_table(source: Source, preparation: Preparation, name: str, dtype: np.dtype[Any]) -> Table:
    """Add the struct, the names of categories, and `prepare`.

    Raises
    ------
    ValueError
        For categories that are whole numbers beyond what a double holds.
    """
    width = preparation.width
    table = Table(preparation, name, dtype, np.full(width, -BEND), np.full(width, BEND))
    table.low[preparation.of_bins], table.high[preparation.of_bins] = -1, 1
    called = [
        each.name if each.name is not None else f"column_{place}"
        for place, each in enumerate(preparation.columns)
        if each.encoder is not None
    ]
    table.fields = names.names_of(called, f"{name.upper()}_")
    lines, calls = [], []
    for column, title, field_name in zip(table.columns, called, table.fields, strict=True):
        lines.append(_field(table, column, title, field_name))
        calls += _calls(source, table, column, field_name)
    source.includes.append("math.h")
    struct = "\n".join(lines)
    source.declared.insert(0, f"/* A row of the table */\nstruct {name}_row {{\n{struct}\n}};\n")
    kind = templates.type_of(dtype)
    body = "\n".join(f"    {call};" for call in calls)
    source.functions.append(
        f"/* The row as the networks read it */\n"
        f"static void prepare({table.given}, {kind} *a)\n{{\n{body}\n}}\n"
    )
    return table


def _field(table: Table, column: Column, title: str, called: str) -> str:
    encoder = column.encoder
    if isinstance(encoder, Date):
        kind, what = "int64_t", f"microseconds since 1970 in UTC; {MISSING_DATE} where missing"
    elif isinstance(encoder, Category) and encoder.are_text:
        kind, what = "int32_t", f"place in {table.name}_{called}_names; -1 for none of them"
    elif isinstance(encoder, Category):
        shown = ", ".join(f"{each:g}" for each in encoder.categories[:8])
        more = ", ..." if len(encoder.categories) > 8 else ""
        kind, what = "double", f"one of {shown}{more}; NAN where missing"
    else:
        unit = "days" if column.holds == DURATIONS else "number"
        kind, what = "double", f"{unit}; NAN where missing"
    of = "" if title == called else f"{names.comment(title[:60])}: "
    return f"    {kind} {called}; /* {of}{what} */"


def _calls(source: Source, table: Table, column: Column, called: str) -> list[str]:
    """Return the calls that prepare a column."""
    encoder, start = column.encoder, column.where.start
    if isinstance(encoder, Number):
        return _number(source, table, encoder, f"row->{called}", start, called)
    if isinstance(encoder, Category):
        if encoder.are_text:
            _write_names(source, f"{table.name}_{called}_names", encoder.categories)
            source.needed.append("place_of_code")
            place = f"place_of_code(row->{called}, {len(encoder.categories)}U)"
            return [_category(source, table, encoder, place, start, called)]
        return [_known(source, table, encoder, f"row->{called}", start, called)]
    assert isinstance(encoder, Date)  # there is no other kind
    source.needed.append("days_since")
    days = f"days_since(INT64_C({encoder.begin}), row->{called})"
    calls = _number(source, table, encoder.days, days, start, called)
    starts = iter(encoder.parts_from(start))
    for part, of in zip(encoder.parts, PARTS, strict=True):
        if part is not None:
            source.needed.append(f"{of}_of")
            category, at = next(starts)
            given = f"{of}_of(row->{called})"
            calls.append(_known(source, table, category, given, at, f"{called}_{of}"))
    return calls


def _number(
    source: Source, table: Table, number: Number, x: str, start: int, called: str
) -> list[str]:
    float64 = np.dtype(np.float64)
    median, scale = (names.number(each, float64) for each in (number.median, number.scale))
    source.needed.append("number_input")
    calls = [f"a[{start}] = number_input({x}, {median}, {scale})"]
    if number.indicator:
        one, zero = (names.number(each, table.dtype) for each in (1, 0))
        calls.append(f"a[{start + 1}] = ({x} != {x}) ? {one} : {zero}")
        table.low[start + 1], table.high[start + 1] = 0, 1
    if number.bins:
        source.needed.append("bins_input")
        edges = source.constant(f"edges_{called}", number.edges)
        at = start + 1 + number.indicator
        calls.append(f"bins_input({x}, {edges}, {number.bins}U, &a[{at}])")
    return calls


def _known(
    source: Source, table: Table, category: Category, x: str, start: int, called: str
) -> str:
    """Return the call for categories that are numbers."""
    if max(map(abs, category.categories)) > MOST:
        raise ValueError(
            f"column {called!r} has categories beyond 2**53, which a double does not tell apart"
        )
    source.needed.append("place_of")
    known = source.constant(f"known_{called}", np.array(category.categories, np.float64))
    n = len(category.categories)
    return _category(source, table, category, f"place_of({x}, {known}, {n}U)", start, called)


def _category(
    source: Source, table: Table, category: Category, place: str, start: int, called: str
) -> str:
    n = len(category.categories)
    # what each place becomes, that of none last
    rows = np.zeros((n + 1, category.width), np.float32)
    Categories([category], [0]).encode([np.array([*range(n), -1])], rows)
    where = slice(start, start + category.width)
    table.low[where], table.high[where] = rows.min(axis=0), rows.max(axis=0)
    if category.signed:
        signs = source.constant(f"signs_{called}", rows[:, 0].astype(table.dtype))
        return f"a[{start}] = {signs}[{place}]"
    if not category.inputs:
        source.needed.append("one_hot")
        return f"one_hot({place}, {n}U, &a[{start}])"
    source.needed.append("one_of")
    on = source.constant(f"on_{called}", np.diagonal(rows).astype(table.dtype))
    off = source.constant(f"off_{called}", rows[n].astype(table.dtype))
    return f"one_of({place}, {n}U, {on}, {off}, &a[{start}])"


def _write_names(source: Source, called: str, categories: list[str]) -> None:
    n = len(categories)
    source.declared.append(f"extern const char *const {called}[{n}];\n")
    strings = names.lines([names.text(each) for each in categories])
    source.constants.append(f"const char *const {called}[{n}] = {{\n{strings}\n}};\n")
    source.flash += sum(
        POINTER + len(each.encode("utf-8", "surrogatepass")) + 1 for each in categories
    )


# ------------------------------------------------------------ rows for the self-test


def drawn(table: Table) -> tuple[str, NDArray[Any]]:
    """Return rows as C has them, and the prepared inputs (TEST_ROWS, width) of the same rows."""
    rng = np.random.default_rng(0)
    written: list[list[str]] = [[] for _ in range(TEST_ROWS)]
    X = np.full((TEST_ROWS, len(table.preparation.columns)), None, object)
    for place, column in enumerate(table.preparation.columns):
        if column.encoder is not None:
            for row in range(TEST_ROWS):
                is_missing = rng.random() < 0.2
                X[row, place], text = _drawn(column, rng, is_missing)
                written[row].append(text)
    rows = ",\n".join(f"        {{{', '.join(row)}}}" for row in written)
    prepared: Any = table.preparation.transform(X)
    inputs = prepared.dense() if hasattr(prepared, "dense") else prepared
    return (
        f"    static const struct {table.name}_row rows[{TEST_ROWS}] = {{\n{rows}\n    }};\n",
        inputs,
    )


def _drawn(column: Column, rng: np.random.Generator, is_missing: bool) -> tuple[Any, str]:
    """Return a value of a column, for Python and for C."""
    encoder, float64 = column.encoder, np.dtype(np.float64)
    if isinstance(encoder, Category):
        place = -1 if is_missing else int(rng.integers(len(encoder.categories)))
        if encoder.are_text:
            return (None if place < 0 else encoder.categories[place]), f"{place}"
        value = np.nan if place < 0 else float(encoder.categories[place])
        return value, "(double)NAN" if place < 0 else names.number(value, float64)
    if isinstance(encoder, Date):
        if is_missing:
            return None, MISSING_DATE
        when = encoder.begin + int(rng.integers(1000 * DAY))
        return np.datetime64(when, "us"), f"INT64_C({when})"
    assert isinstance(encoder, Number)  # there is no other kind
    if is_missing:
        return None, "(double)NAN"
    x = encoder.median + rng.normal() / (encoder.scale or 1.0)
    if column.holds == DURATIONS:
        given = np.timedelta64(int(np.clip(x, -1e5, 1e5) * DAY), "us")
        return given, names.number(given / np.timedelta64(1, "D"), float64)
    return x, names.number(x, float64)
