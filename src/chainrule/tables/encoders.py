"""Which encoder a column has: by what it holds and users say, or as a file has it."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.categories import Category
from chainrule.tables.columns import (
    DATES,
    DURATIONS,
    MIXED,
    NUMBERS,
    TEXT,
    TRUTH,
    Table,
    Values,
    numbers_of,
)
from chainrule.tables.dates import Date
from chainrule.tables.numbers import Number
from chainrule.tables.state import fields

Encoder: TypeAlias = Number | Category | Date

TAKES = {  # what a column may hold, by what it held when it was learned; "nothing" it always may
    NUMBERS: {NUMBERS, TRUTH},
    TRUTH: {NUMBERS, TRUTH},
    TEXT: {TEXT},
    MIXED: {TEXT, MIXED, NUMBERS, TRUTH},
    DATES: {DATES},
    DURATIONS: {DURATIONS},
}
KINDS: dict[Any, str] = {Number: "number", Category: "category", Date: "date"}
LEFT_OUT = "left out"
MANY = 50  # different values, from which on text may be ids, and integers row numbers
DENSE = 4  # numbers there are for each row, up to which chance would draw some twice


def read(state: Any) -> tuple[str, Encoder | None]:
    """Return what a column held and its encoder, None if it is left out, as its state says.

    Raises
    ------
    ValueError
        For a state that no column has.
    """
    kind = state.get("kind") if type(state) is dict else None
    if kind == LEFT_OUT:
        known = fields(state, holds=str, kind=str)
        return known["holds"], None
    known = fields(state, holds=str, kind=str, encoder=dict)
    holds = known["holds"]
    by_kind = {written: encoder for encoder, written in KINDS.items()}
    if kind not in by_kind:
        raise ValueError(f"expected a column of a kind that there is, got {state!r:.200}")
    encoder = by_kind[kind].of(known["encoder"])
    if isinstance(encoder, Category):
        may_hold = [TEXT, MIXED] if encoder.are_text else [NUMBERS, TRUTH]
    else:
        may_hold = [DATES] if isinstance(encoder, Date) else [NUMBERS, DURATIONS]
    if holds not in may_hold:
        raise ValueError(f"expected a column that holds {' or '.join(may_hold)}, got {holds!r:.40}")
    return holds, encoder


def chosen(categorical: Any, table: Table) -> set[int]:
    """Return the places of the columns that users call categorical.

    Raises
    ------
    ValueError
        For what names no columns of the table.
    """
    if isinstance(categorical, str) and categorical == "auto":
        return set()
    if isinstance(categorical, str) or not hasattr(categorical, "__iter__"):
        raise ValueError(
            "categorical must be 'auto', or a list of names or places of columns; "
            f"got {categorical!r}"
        )
    given = list(categorical)
    if given and all(isinstance(each, bool | np.bool_) for each in given):
        if len(given) != table.width:
            raise ValueError(
                f"categorical must be a mask of {table.width} columns; got {len(given)}"
            )
        return set(np.flatnonzero(given).tolist())
    names = table.names or ()
    places = set()
    for each in given:
        if isinstance(each, int | np.integer) and str(each) not in names:
            if not 0 <= each < table.width:
                raise ValueError(
                    f"categorical must be places from 0 to {table.width - 1}; got {each}"
                )
            places.add(int(each))
        elif str(each) in names:
            places.add(names.index(str(each)))
        else:
            raise ValueError(
                f"categorical must name columns of {table.name}; there is none called {each!r}"
            )
    return places


def learned(
    table: Table,
    place: int,
    values: Values,
    is_chosen: bool,
    bins: int,
    indicators: bool,
    least_count: int,
    scale_categories: bool,
) -> tuple[Encoder | None, str | None]:
    """Return the encoder of a column, None if it is left out, and what is to be told of it.

    Raises
    ------
    ValueError
        For dates that are chosen as categories, and numbers that float64 cannot scale.
    """
    called, holds, array = table.called(place), values.holds, values.array
    present = len(array) - np.count_nonzero(values.missing)
    if present == 0:
        return None, f"{called} is left out, since all of it is missing"
    if holds in (TEXT, MIXED, TRUTH) or is_chosen or values.is_category:
        if holds in (DATES, DURATIONS):
            raise ValueError(f"categorical: {called} holds {holds}, which are no categories")
        category = Category.learn(values, least_count, scale_categories)
        n = 0 if category is None else len(category.categories)
        if category is None:
            return None, f"{called} is left out, since no category occurs {least_count} times"
        if holds in (TEXT, MIXED) and not is_chosen and n > max(MANY, present / 2):
            return None, (
                f"{called} is left out, since it looks like ids or free text: {n} different values "
                f"in {len(array)} rows; name it in categorical to keep it"
            )
        return category, None
    if holds == DATES:
        return Date.learn(array, bins, indicators), None
    try:
        number = Number.learn(numbers_of(values), bins, indicators)
    except ValueError as error:
        raise ValueError(f"{table.name}: {called}: {error}") from None
    return number, _said_of_integers(called, array)


def _said_of_integers(called: str, array: NDArray) -> str | None:
    """Return what is to be told of integers that look like the numbers of rows, or ids."""
    if array.dtype.kind not in "iu" or len(array) <= MANY:
        return None
    if (np.diff(array) == 1).all():
        return f"{called} only counts the rows; leave it out if it means nothing"
    span = int(array.max()) - int(array.min())
    if span < DENSE * len(array) and len(np.unique(array)) == len(array):
        return (
            f"{called} has another whole number in each row, as ids do; leave it out if it is one"
        )
    return None
