"""What the columns of a file hold: guessed where it is learned from, else as it was learned."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.tables.columns import DATES, DURATIONS, NUMBERS, TRUTH

GUESSED = {NUMBERS, TRUTH}  # which pandas reads itself; all else is text at first
DATE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
DECIMAL_COMMA = r"[+-]?\d+,\d+"
TRUTH_VALUES = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}


class Source(Protocol):
    """A file, for messages."""

    called: str
    unit: str


def settled(
    series: Any, holds: str, name: str, source: Source, places: Sequence[int], holes: bool = True
) -> Any:
    """Return a column of a piece as what it must hold; what is missing stays missing.

    Parameters
    ----------
    series : pandas.Series (m,)
    holds : str
        A word of `chainrule.tables.columns`; columns of any other are left as they are.
    name : str
        Of the column.
    source : Source
    places : sequence of int (m,)
        Of the rows in it.
    holes : bool
        Whether values may be missing.

    Raises
    ------
    ValueError
        For the first value that is none of these, by its place.
    """
    import pandas

    if not holes:
        _check_all(series.isna(), series, "must have a value everywhere", name, source, places)
    if holds not in CONVERTED or not _is_text(series):
        found = series
    else:
        found = CONVERTED[holds](pandas, series)
        _check_all(
            found.isna() & series.notna(), series, f"must hold {holds}", name, source, places
        )
    if holds in (NUMBERS, DURATIONS) and found.dtype.kind == "f":
        infinite = pandas.Series(np.isinf(found.to_numpy(np.float64, na_value=np.nan)))
        _check_all(infinite, series, "must be finite", name, source, places)
    return found


def guessed(series: Any, name: str, source: Source, places: Sequence[int]) -> Any:
    """Return a column as pandas has read it, or its dates, if all of it are dates.

    Raises
    ------
    ValueError
        For numbers with decimal commas, which it has read as text, and for infinite ones.
    """
    import pandas

    if not _is_text(series):
        return settled(series, NUMBERS, name, source, places)
    present = series.dropna().astype(str)
    if len(present) and present.str.fullmatch(DECIMAL_COMMA).mean() > 0.5:
        raise ValueError(
            f"{source.called}: column {name!r} holds numbers with a decimal comma, such as "
            f"{present[present.str.fullmatch(DECIMAL_COMMA)].iloc[0]!r}; give --decimal ,"
        )
    if len(present) and present.str.fullmatch(DATE).all():
        dates = CONVERTED[DATES](pandas, series)
        return series if (dates.isna() & series.notna()).any() else dates
    return series


def _is_text(series: Any) -> bool:
    return str(series.dtype) in ("str", "string", "object")


def _check_all(wrong: Any, series: Any, what: str, name: str, source: Source, places: Any) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{source.called}: {source.unit} {places[row]}: column {name!r} {what}; it is "
            f"{str(series.iloc[row])[:60]!r} there"
        )


def _truth(pandas: Any, series: Any) -> Any:
    words = series.astype(object).map(lambda each: str(each).lower(), na_action="ignore")
    return words.map(TRUTH_VALUES).astype(np.float64)


CONVERTED: dict[str, Any] = {
    NUMBERS: lambda pandas, series: pandas.to_numeric(series.astype(object), errors="coerce"),
    TRUTH: _truth,
    DATES: lambda pandas, series: pandas.to_datetime(
        series, format="ISO8601", errors="coerce", utc=True
    ),
    DURATIONS: lambda pandas, series: pandas.to_timedelta(series, errors="coerce"),
}
