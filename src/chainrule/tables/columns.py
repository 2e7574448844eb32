"""What the columns of a table hold: read from a frame, an array, or a list of rows.

Frames are known by what they can do, as in `chainrule.checks.frames`. Each column is read by
itself, into an array of one of few forms, whatever package it came from.
"""

from collections.abc import Sequence, Set
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.checks import frames
from chainrule.checks.frames import (
    ADVICE,
    CATEGORIES,
    OTHER_ADVICE,
    Frame,
    decoded,
    from_objects,
    kind_of,
)

NUMBERS, TRUTH, TEXT, MIXED, DATES, DURATIONS, NOTHING = (
    "numbers", "truth values", "text", "text and numbers", "dates", "durations", "nothing",
)  # fmt: skip
KNOWN = {NUMBERS, TRUTH, TEXT, MIXED, DATES, DURATIONS}
BYTES = "bytes"
OF_DTYPES = {"f": NUMBERS, "i": NUMBERS, "u": NUMBERS, "b": TRUTH, "M": DATES, "m": DURATIONS}
FEW = 16  # rows that are read in one piece, though they become objects
DAY = 86400 * 10**6  # microseconds


class Values(NamedTuple):
    """A column, or some rows of it.

    Attributes
    ----------
    holds : str
        One of the words above, "nothing" where all is missing; or what else it holds, which is of
        no use: lists, say.
    array : ndarray (m,)
        Numbers: of any real dtype, NaN where missing; truth values: bool, or 0, 1 and NaN. Text,
        also with numbers among it: objects, of which all but `str` are missing. Dates:
        datetime64[us] in UTC, NaT where missing. Durations: float64, in days.
    is_category : bool
        Whether the frame says that these are categories.
    """

    holds: str
    array: NDArray
    is_category: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it holds something of use."""
        return self.holds in KNOWN

    @property
    def missing(self) -> NDArray:
        """Which values are missing, (m,) bool."""
        if self.array.dtype.kind == "O":
            return np.array([not isinstance(each, str) for each in self.array], bool)
        return self.array != self.array  # NaN and NaT

    @property
    def varies(self) -> bool:
        """Whether the values differ, or some are missing and some are not."""
        return bool(self.missing.any() or (self.array != self.array[0]).any())


class Fields:
    """An array (m,) with named fields as a frame: their names, and a column for each."""

    def __init__(self, array: NDArray):
        self._array, self.columns = array, list(array.dtype.names or ())
        self.shape = len(array), len(self.columns)

    def __len__(self):
        return len(self._array)

    def __getitem__(self, name: str) -> NDArray:
        return self._array[name]


def with_names(X: Any) -> Any:
    """Return X itself; an array with named fields as `Fields`."""
    return Fields(X) if isinstance(X, np.ndarray) and X.dtype.names and X.ndim == 1 else X


class Table:
    """A table as it was given, whose columns are read one by one.

    Parameters
    ----------
    X : frame, array-like (m, n), array (m,) with named fields
    rows : ndarray of int, or None
        Which of its rows count; all.
    typed : bool
        Whether the types count that a frame says its columns have: then it is read by columns.
    name : str
        What messages call it.

    Attributes
    ----------
    frame : Frame or None
    array : ndarray (m, n) or None
        All in one piece, if it is no frame, or one of few rows, whose columns take long to get.
    names : tuple of str, or None
    width : int
        n.

    Raises
    ------
    TypeError, ValueError
        For what is no table.
    """

    def __init__(
        self, X: Any, rows: NDArray | None = None, *, typed: bool = False, name: str = "X"
    ):
        self.name, self.rows = name, None if rows is None else np.asarray(rows)
        self._length = self._first = None  # of the first column that was read, and which it is
        self.frame: Frame | None = None
        self.array: NDArray | None = None
        self.names: tuple[str, ...] | None = None
        X = with_names(X)
        if type(X) is not np.ndarray and frames.is_frame(X):
            self.frame = Frame(name, X)
            self.names, self.width = self.frame.names, len(self.frame.keys)
            if not typed:
                self.array = _few_rows(X)
        else:
            self.array = _as_table(name, X)
            self.width = self.array.shape[1]

    def __len__(self):
        if self.rows is not None:
            return len(self.rows)
        if self.array is None and self._length is None:
            self._read(0)
        return self._length if self.array is None else len(self.array)

    def column(self, place: int, as_text: bool = False) -> Values:
        """Read a column.

        Parameters
        ----------
        place : int
        as_text : bool
            Whether objects of any kinds are categories, by what `str` makes of them.

        Raises
        ------
        TypeError
            For one that becomes no array.
        """
        array, is_category = self._read(place)
        return self._values(place, array, is_category, as_text)

    def numbers(self, places: list[int]) -> NDArray | None:
        """Return columns in one piece (m, n), if all of them are numbers; else None.

        They are in their own dtype, and without a copy if these are all columns.
        """
        if (array := self.array) is None or array.dtype.kind not in "fiuO":
            return None
        if self.rows is not None:
            array = array[self.rows]
        if len(places) < self.width:
            array = array[:, places]
        if array.dtype.kind != "O":
            return array
        kinds = set(map(kind_of, set(map(type, array.ravel().tolist()))))
        return from_objects(array) if kinds <= {frames.NUMBER, frames.MISSING} else None

    def _read(self, place):
        """Return a column as an array (m,), its rows that count, and whether it is categorical."""
        is_category = False
        if self.array is not None:
            array = self.array[:, place]
        else:
            try:
                array, is_category = _as_array(self.frame.given[self.frame.keys[place]])
            except (MemoryError, RecursionError):
                raise
            except Exception as error:  # of its own package
                raise TypeError(
                    f"{self.name} must hold columns that become arrays; {self.called(place)} does "
                    f"not: {error}"
                ) from error
            self._check_length(place, array)
        return array if self.rows is None else array[self.rows], is_category

    def _check_length(self, place, array):
        if self._length is None:
            self._length, self._first = len(array), place
        elif len(array) != self._length:
            raise ValueError(
                f"{self.name} must have columns of one length; {self.called(self._first)} has "
                f"{self._length} rows, {self.called(place)} {len(array)}"
            )

    def _values(self, place, array, is_category=False, as_text=False):
        if array.ndim != 1 or array.dtype.kind in "cSV":
            what = {"c": frames.COMPLEX, "S": BYTES}.get(array.dtype.kind, frames.NESTED)
            return Values(frames.NESTED if array.ndim != 1 else what, array)
        if (holds := OF_DTYPES.get(array.dtype.kind)) is None:
            array = array.astype(object, copy=False)
            return self._of_objects(place, array, is_category, as_text)
        if holds == DATES:
            array = array.astype("datetime64[us]", copy=False)
        elif holds == DURATIONS:
            array = _days(array)
        return Values(holds, array, is_category)

    def _of_objects(self, place, array, is_category, as_text):
        """Read Python objects, which may be of several kinds."""
        kinds = {each: kind_of(each) for each in set(map(type, array))}
        floats = {each for each in kinds if issubclass(each, float | np.floating)}
        if len(kinds) > 1 and all(it != it for it in array if type(it) in floats):
            for each in floats:  # NaN among text is a hole, no number
                kinds[each] = frames.MISSING
        present = {each: kind for each, kind in kinds.items() if kind != frames.MISSING}
        found = set(present.values())
        if any(issubclass(each, bytes) for each in present):
            return Values(BYTES, array)
        if not found:
            return Values(NOTHING, np.full(len(array), np.nan))
        if found == {frames.TEXT}:
            return Values(TEXT, array, is_category)
        if as_text or found == {frames.TEXT, frames.NUMBER}:
            return Values(MIXED, _as_text(array, present), is_category)
        if found == {frames.NUMBER}:
            truth = all(issubclass(each, bool | np.bool_) for each in present)
            return Values(TRUTH if truth else NUMBERS, from_objects(array), is_category)
        if is_category:
            return Values(MIXED, _as_text(array, present), is_category)
        if found == {frames.DATE}:
            if any(issubclass(each, time) for each in present):
                return Values("times of day", array)
            return Values(DATES, _dates(array, present))
        if found == {frames.DURATION}:
            return Values(DURATIONS, _days(np.array(array.tolist(), "timedelta64[us]")))
        return Values(" and ".join(sorted(found)), array)

    def unreadable(self, place: int, what: str) -> TypeError:
        """Return the error of a column that holds anything else than what is listed above."""
        advice = ADVICE[what] if what in (frames.NESTED, frames.COMPLEX) else OTHER_ADVICE
        if what == BYTES:
            advice = "decode {them}, such as numpy.char.decode"
        return TypeError(
            f"{self.name} must hold numbers, text, truth values, dates or durations; "
            f"{self.called(place)} holds {what}: {advice.format(them='them')}"
        )

    def first_unlike(self, place: int, takes: Set[str]) -> int:
        """Return the first of the rows whose value is there and is none of what `takes` says."""
        array, _ = self._read(place)
        for row in range(len(array)):
            values = self._values(place, array[row : row + 1])
            if values.holds not in {*takes, NOTHING} and not (
                values.is_known and values.missing[0]
            ):
                return row
        return 0

    def check_finite(self, place: int, values: Values) -> None:
        """Raise ValueError for a column with an infinite number."""
        if values.holds in (NUMBERS, DURATIONS) and (infinite := np.isinf(values.array)).any():
            raise self.infinite(int(np.argmax(infinite)), place)

    def infinite(self, row: int, place: int) -> ValueError:
        """Return the error of an infinite number, by its place among the rows that count."""
        return ValueError(
            f"{self.name} must be finite; {self.entry(row, place)} is {self.shown(row, place)}"
        )

    def called(self, place: int) -> str:
        """Return how messages call a column."""
        return f"column {place if self.frame is None else self.frame.keys[place]!r}"

    def entry(self, row: int, place: int) -> str:
        """Return how messages call an entry, by its place among the rows that count."""
        row = row if self.rows is None else int(self.rows[row])
        if self.frame is None:
            return f"{self.name}[{row}, {place}]"
        return self.frame.entry((row, place))

    def shown(self, row: int, place: int) -> str:
        """Return an entry as it was given, for a message."""
        value = self._read(place)[0][row]
        return f"{value.item() if isinstance(value, np.generic) else value!r:.60}"


def numbers_of(values: Values) -> NDArray:
    """Return numbers, truth values or durations as float64 (m,), NaN where they are missing."""
    return values.array.astype(np.float64, copy=False)


def text_of(values: Values) -> NDArray:
    """Return text, or numbers as text, as objects (m,); all but `str` are missing."""
    if values.holds in (TEXT, MIXED):
        return values.array
    array = values.array.astype(object)
    return _as_text(array, dict.fromkeys(set(map(type, array)), frames.NUMBER))


def _few_rows(X):
    """Return a frame of few rows in one piece (m, n), which is soon there; else None."""
    kind = type(X)
    if hasattr(kind, "iloc") and len(X) <= FEW:  # as those of pandas
        return X.iloc[0].to_numpy()[None] if len(X) == 1 else np.asarray(X)
    if callable(getattr(kind, "rows", None)) and len(X) <= FEW:  # as those of polars
        rows = X.rows()
        array = np.empty((len(rows), len(X.columns)), object)
        for row, values in enumerate(rows):
            for place, value in enumerate(values):  # one by one, as a value may be a list
                array[row, place] = value
        return array
    return None


def _as_array(column):
    """Return a column of a frame as an array, and whether its type says that it is categorical."""
    # Of the class first: what a class has not, polars' series look for long.
    kind = type(column)
    is_of_arrow = hasattr(kind, "type")
    dtype = column.type if is_of_arrow else column.dtype if hasattr(kind, "dtype") else None
    is_category = not isinstance(dtype, np.dtype) and bool(CATEGORIES.match(str(dtype)))
    if not hasattr(kind, "array"):
        plain = is_of_arrow or not hasattr(kind, "to_numpy")
        return np.asarray(decoded(column)) if plain else column.to_numpy(), is_category
    column = column.array  # of pandas: what it holds, which is sooner asked than the series
    if not isinstance(dtype, np.dtype) and dtype.kind == "M":  # with a time zone, or of pyarrow
        return column.to_numpy("M8[us]"), False
    if not isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return column.to_numpy(np.float64, na_value=np.nan), False
    return np.asarray(column), is_category


def _as_table(name, X):
    """Return what is no frame as an array (m, n); objects where it is not all of one kind."""
    if hasattr(type(X), "tocsr"):
        raise TypeError(f"{name} is a sparse matrix; give it dense, {name}.toarray()")
    if isinstance(X, dict) or (isinstance(X, Sequence) and X and isinstance(X[0], dict)):
        raise TypeError(
            f"{name} has rows by the names of columns; make them a frame, pandas.DataFrame([row])"
        )
    if np.ma.is_masked(X):
        raise TypeError(f"{name} has masked entries, whose mask would be lost; fill them first")
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
            array = np.array(X, object)  # else the text swallows the numbers beside it
    except ValueError as error:  # ragged lists
        raise ValueError(f"{name} is not a rectangular table: {error}") from None
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be a table (rows, columns); got shape {array.shape}. For a single row, "
            f"use [{name}]; for a single column, {name}[:, None]"
        )
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no columns")
    return array


def _as_text(array, present):
    """Return objects as text; None for what is missing. A whole number has one form, 1, not 1.0."""
    text = np.full(len(array), None, object)
    for row, each in enumerate(array):
        if type(each) in present and each == each:
            whole = isinstance(each, float | np.floating) and each == np.floor(each)
            text[row] = str(int(each) if whole and np.isfinite(each) else each)
    return text


def _dates(array, present):
    """Return date objects as datetime64[us], in UTC; NaT for what is missing."""
    return np.array(
        [_date(each) if type(each) in present else None for each in array], "datetime64[us]"
    )


def _date(given):
    if hasattr(given, "to_timestamp"):  # a pandas.Period
        given = given.to_timestamp()
    if isinstance(given, datetime):
        return (given if given.tzinfo is None else given.astimezone(UTC)).replace(tzinfo=None)
    return given


def _days(durations):
    """Return timedelta64 as float64, in days; NaN for what is missing."""
    return durations / np.timedelta64(1, "D")
