"""The columns of a table as JavaScript, and rows to try them with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.sparse_rows import SparseRows
from chainrule.convert.js_literals import literal
from chainrule.tables.categories import Category
from chainrule.tables.columns import DATES, DAY, DURATIONS, MIXED, NUMBERS, TEXT, TRUTH
from chainrule.tables.dates import MOST, Date
from chainrule.tables.encoders import Encoder
from chainrule.tables.numbers import Number
from chainrule.tables.preparation import Column, Preparation

READERS = {  # the functions of js_table.js that read an entry, by what its column holds
    NUMBERS: "number", TRUTH: "number", DURATIONS: "duration", TEXT: "text", MIXED: "mixed",
    DATES: "date",
}  # fmt: skip
EXACT = 2**53  # above it there are whole numbers that JavaScript does not know


def columns_js(preparation: Preparation) -> str:
    """Return what is known of each column."""
    lines = [f"  {_column(each)},\n" for each in preparation.columns]
    return "const columns = [\n" + "".join(lines) + "];\n"


def _column(column: Column) -> str:
    name = literal(column.name)
    if column.encoder is None:
        return f"{{ name: {name}, read: null, encode: null }}"
    return f"{{ name: {name}, read: {READERS[column.holds]}, encode: {_encode(column.encoder)} }}"


def _encode(encoder: Encoder) -> str:
    if isinstance(encoder, Number):
        return f"ofNumber({literal(_number(encoder))})"
    if isinstance(encoder, Category):
        return f"ofCategory({literal(_category(encoder))})"
    days = literal(_number(encoder.days))
    parts = literal([None if part is None else _category(part) for part in encoder.parts])
    return f"ofDate({{ begin: {encoder.begin}n, days: {days}, parts: {parts} }})"


def _number(number: Number) -> dict[str, Any]:
    return {
        "median": number.median, "scale": number.scale, "indicator": number.indicator,
        "edges": number.edges.tolist(),
    }  # fmt: skip


def _category(category: Category) -> dict[str, Any]:
    check_exact("categories", category.categories)
    return {
        "categories": category.categories, "signed": category.signed,
        "inputs": [{"median": each.median, "scale": each.scale} for each in category.inputs],
    }  # fmt: skip


def check_exact(what: str, called: Sequence[Any]) -> None:
    """Raise for whole numbers that are one and the same in JavaScript."""
    for each in called:
        if not isinstance(each, str) and abs(each) > EXACT:
            raise ValueError(
                f"expected {what} that are text, or numbers up to 2**53, beyond which JavaScript "
                f"does not tell whole numbers apart; got {each}"
            )


def trial_rows(preparation: Preparation, m: int) -> tuple[list[list[Any]], NDArray[np.float64]]:
    """Return m rows that try what columns may hold, as JavaScript has them, and what they become.

    Returns
    -------
    rows : list of list
        Numbers, text, truth values, None.
    prepared : ndarray (m, width)
    """
    given = np.empty((m, len(preparation.columns)), object)
    rows: list[list[Any]] = [[] for _ in range(m)]
    for place, column in enumerate(preparation.columns):
        tried = _trials(column)
        for i, row in enumerate(rows):
            given[i, place] = each = tried[(i + place) % len(tried)]
            row.append(_as_js(each))
    prepared = preparation.transform(given)
    dense = prepared.dense() if isinstance(prepared, SparseRows) else prepared
    return rows, dense.astype(np.float64)


def _trials(column: Column) -> list[Any]:
    """Return entries of a column for `transform`: usual ones, a hole, and what was never seen."""
    encoder = column.encoder
    if encoder is None:
        return [None]
    if isinstance(encoder, Category):
        known = encoder.categories
        unseen = max(known, key=len) + "?" if encoder.are_text else known[-1] + 1
        if column.holds == TRUTH:
            return [False, None, True]
        return [known[0], unseen, known[-1], None, *known[1:-1]]
    number = encoder.days if isinstance(encoder, Date) else encoder
    with np.errstate(over="ignore", divide="ignore"):
        step = float(np.reciprocal(number.scale)) if number.scale else 1.0
    tried = [number.median + k * step for k in (0.0, -1.0, 0.3, 2.0)]
    tried = [each for each in tried if np.isfinite(each)]
    if column.holds == DURATIONS:
        return [np.timedelta64(_microseconds(each), "us") for each in tried] + [None]
    if isinstance(encoder, Date):
        begin = encoder.begin
        return [np.datetime64(_microseconds(each, begin), "us") for each in tried] + [None]
    return [*tried, None]


def _microseconds(days: float, begin: int = 0) -> int:
    return max(min(begin + int(days * DAY), MOST), -MOST)


def _as_js(entry: Any) -> Any:
    """Return an entry as it is given to the module."""
    if isinstance(entry, np.datetime64):
        return str(np.datetime_as_string(entry))
    return float(entry / np.timedelta64(1, "D")) if isinstance(entry, np.timedelta64) else entry
