"""Frames: tables whose columns have names, as those of pandas and polars, and their series.

They are known by what they can do, so that none of these packages is imported: a frame has
`columns`, the names, and gives each column by its name, ``frame[name]``; a series has `to_numpy`.
Whatever is no number is told by the names of its columns, with what to do about it.

The names of a frame count: a network keeps those of its first `fit`. Those of
``DataFrame(array)``, the numbers 0 ... n-1 in order, count as none, so that such a frame is as its
array. Other names that are no strings (years, say) count as what `str` makes of them.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from functools import lru_cache
from numbers import Complex, Number, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core import _core

MOST_SHOWN = 6  # names in a message
PLAIN = {float, int, bool, np.float64, np.int64, np.bool_}  # what NumPy makes floats of at once
CATEGORIES = re.compile("category|Categorical|Enum|dictionary")  # how their dtypes are written
NUMBER, MISSING, TEXT, CATEGORY, DATE, DURATION, NESTED, COMPLEX = (
    "number", "missing", "text", "categories", "dates", "durations", "lists", "complex numbers",
)  # fmt: skip

ENCODE = "one-hot encode {them}, `{encode}`"
ADVICE = {  # what columns may hold, and what to do about it; worst first
    TEXT: ENCODE,
    CATEGORY: ENCODE,
    DATE: "make numbers of {them}, such as the year, the month or the seconds since a first one",
    DURATION: "make numbers of {them}, `{column}.dt.total_seconds()`",
    NESTED: "give each of their entries a column of its own",
    COMPLEX: "give the real and the imaginary part a column each",
}
AS_THEY_ARE = {TEXT, CATEGORY, DATE, DURATION}  # what estimators of tables take
AS_IT_IS = "give the table as it is to TabularClassifier or TabularRegressor of chainrule.sklearn"
OTHER_ADVICE = "make numbers of {them}, or leave {them} out"


def is_frame(given: object) -> bool:
    """Whether it is a table whose columns have names."""
    if isinstance(given, np.ndarray) or not hasattr(given, "__getitem__"):
        return False
    # Of the class first: to ask a polars.LazyFrame itself for its columns takes long and warns.
    has_columns = hasattr(type(given), "columns") or hasattr(given, "columns")
    return has_columns and not callable(getattr(type(given), "columns", None))


def is_series(given: object) -> bool:
    """Whether it is a column of a frame, or made like one."""
    return not isinstance(given, np.ndarray) and hasattr(given, "to_numpy")


def names_of(name: str, given: object) -> tuple[str, ...] | None:
    """Return the names of a frame, as `Frame` has them; None for what has none."""
    return Frame(name, given).names if is_frame(given) else None


class ReadFrame:
    """A frame whose numbers were read once, for all that are to read them.

    Attributes
    ----------
    frame : frame
        As it was given.
    columns : list
        By what it gives its columns.
    numbers : ndarray (m, n)
        NaN for what is missing.
    """

    def __init__(self, frame: Any, numbers: NDArray):
        self.frame, self.numbers = frame, numbers
        self.columns = Frame("X", frame).keys
        self.shape = numbers.shape

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Any) -> "ReadFrame":
        """Return some of the rows."""
        return ReadFrame(self.frame, self.numbers[rows])


class Frame:
    """A table whose columns have names, as it was given.

    Parameters
    ----------
    name : str
        What messages call it.
    given : frame

    Attributes
    ----------
    keys : list
        By what it gives its columns, in their order.
    names : tuple of str, or None
        The same as strings; None for 0 ... n-1.

    Raises
    ------
    ValueError, TypeError
        For two columns of one name, no columns, and a frame that is yet to be computed.
    """

    def __init__(self, name: str, given: Any):
        self._read = given.numbers if isinstance(given, ReadFrame) else None
        if self._read is not None:
            given = given.frame
        self.name, self.given = name, given
        if self._can("collect"):  # as polars' LazyFrame
            raise TypeError(f"{name} is a {type(given).__name__}; give what its collect() returns")
        # Of pyarrow's tables `columns` are the columns themselves.
        keys = given.column_names if self._can("column_names") else given.columns
        self.keys = keys.tolist() if hasattr(keys, "tolist") else list(keys)
        if not self.keys:
            raise ValueError(f"{name} has no columns")
        names = tuple(map(str, self.keys))
        if len(set(names)) < len(names):
            twice = next(each for each in names if names.count(each) > 1)
            raise ValueError(
                f"{name} has more than one column called {twice!r}; give each a name of its own"
            )
        self.names = None if self.keys == list(range(len(names))) else names

    def numbers(self, *, missing: bool = False) -> NDArray:
        """Return the columns as one array (m, n) of real numbers; NaN for what may be missing.

        In float64, or in a smaller type of those that the core takes for inputs if that holds all
        of the columns' numbers as they are; without a copy where the frame has one.

        Raises
        ------
        TypeError
            For columns that hold anything but real numbers; it names them all.
        ValueError
            For missing values, unless `missing` allows them; it says how many.
        """
        array = self._in_one_piece() if self._read is None else self._read
        if array is None:
            array = self._joined([self._column(key) for key in self.keys])
        if not missing and array.size and array.dtype.kind == "f" and np.isnan(array.min()):
            raise self._incomplete(array)
        return array

    def check_names(
        self, known: tuple[str, ...] | None, written: str, *, numbers: bool = True
    ) -> None:
        """Raise for other names than those known, or in another order.

        Parameters
        ----------
        known : tuple of str, or None
            Where there are none, or the frame has none, all is well.
        written : str
            How users write `known` as a list.
        numbers : bool
            Whether all columns must be numbers, so that users have encoded the others.

        Raises
        ------
        ValueError
            It says which name is missing, unknown or out of place.
        TypeError
            As `numbers`, where names are missing: text explains why one-hot columns are.
        """
        if known is None or self.names is None or self.names == known:
            return
        if numbers and not set(known) <= set(self.names):
            self.numbers()
        raise self._misnamed(known, written, numbers)

    def entry(self, where: Sequence[int]) -> str:
        """Return how messages call an entry of the array, by its row and column."""
        row, column = where
        return f"row {row} (counted from 0) of column {self.keys[column]!r}"

    def _can(self, name):
        # Of the class: as attributes of their own, frames have their columns too.
        return hasattr(type(self.given), name)

    @property
    def _variable(self):
        """How users call it: X_val for "validation X"."""
        *role, variable = self.name.split()
        return f"{variable}_val" if role == ["validation"] else variable

    def _in_one_piece(self):
        """Return the array that the frame is made of, if there is one and the core takes it."""
        dtypes = self.given.dtypes if self._can("dtypes") else ()
        types = set(map(str, set(dtypes)))
        dtype = types.pop().lower() if len(types) == 1 else None
        array = np.asarray(self.given) if dtype in _core.INPUTS else None
        return None if array is None or array.dtype.name != dtype else array

    def _column(self, key):
        """Return a column as real numbers, NaN for what is missing; or what else it holds."""
        column = self.given[key]
        if CATEGORIES.match(str(getattr(column, "dtype", ""))):
            return CATEGORY
        try:
            array = np.asarray(decoded(column))
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # of its own package
            raise TypeError(
                f"{self.name} must hold real numbers; column {key!r} does not become an array: "
                f"{error}"
            ) from error
        if array.ndim != 1:
            return NESTED
        if array.dtype.kind != "O":
            return array if array.dtype.kind in "fiub" else kind_of(array.dtype.type)
        kinds = {kind_of(each) for each in set(map(type, array))} - {NUMBER, MISSING}
        if not kinds:
            return from_objects(array)
        return next((kind for kind in ADVICE if kind in kinds), min(kinds))

    def _joined(self, columns):
        """Return columns as one array, in the smallest type of `_core.INPUTS` that holds them."""
        if any(isinstance(column, str) for column in columns):
            raise self._no_numbers(columns)
        m = len(columns[0])
        for key, column in zip(self.keys, columns, strict=True):
            if len(column) != m:
                raise ValueError(
                    f"{self.name} must have columns of one length; column {self.keys[0]!r} has {m} "
                    f"rows, column {key!r} {len(column)}"
                )
        common = np.result_type(np.uint8, *{column.dtype for column in columns})
        dtype = common if common.name in _core.INPUTS else np.dtype(np.float64)
        array = np.empty((m, len(columns)), dtype)
        with np.errstate(over="ignore"):  # beyond float64: infinite, and refused as that
            for place, column in enumerate(columns):
                array[:, place] = column
        return array

    def _no_numbers(self, columns):
        """Return the error of columns that hold no real numbers, each kind with its advice."""
        others: dict[str, list] = {}
        for key, column in zip(self.keys, columns, strict=True):
            if isinstance(column, str):
                others.setdefault(column, []).append(key)
        told = []
        for kind, keys in others.items():
            several = len(keys) > 1
            encode = f"pandas.get_dummies({self._variable})"
            if self._can("to_dummies"):  # as polars' frames
                encode = f"{self._variable}.to_dummies({keys[:MOST_SHOWN]})"
            advice = ADVICE.get(kind, OTHER_ADVICE).format(
                them="them" if several else "it",
                encode=encode,
                column=f"{self._variable}[{keys[0]!r}]",
            )
            which = f"columns {_listed(keys)} hold" if several else f"column {keys[0]!r} holds"
            told.append(f"{which} {kind}: {advice}")
        if AS_THEY_ARE.issuperset(others):
            told.append(f"or {AS_IT_IS}")
        return TypeError(f"{self.name} must hold real numbers; {'; '.join(told)}")

    def _incomplete(self, array):
        """Return the error of an array with missing values."""
        counts = np.isnan(array).sum(axis=0)
        where = np.flatnonzero(counts)
        shown = where[:MOST_SHOWN]
        told = [f"column {self.keys[place]!r} misses {counts[place]}" for place in shown]
        told[0] += f" of {len(array)}"
        if len(where) > len(told):
            told.append(f"and {len(where) - len(told)} more columns miss some")
        return ValueError(
            f"{self.name} must have no missing values; {', '.join(told)}: impute them, for example "
            "by the median, or leave those rows out"
        )

    def _misnamed(self, known, written, numbers):
        """Return the error of other names than those known, or of another order."""
        had, wanted = set(self.names), set(known)
        missing = [column for column in known if column not in had]
        unknown = [column for column in self.names if column not in wanted]
        found = [
            f"{_listed(some)} {'are' if len(some) > 1 else 'is'} {what}"
            for some, what in ((missing, "missing"), (unknown, "unknown"))
            if some
        ]
        if not found:
            pairs = enumerate(zip(self.names, known, strict=True))
            place, (column, right) = next(it for it in pairs if it[1][0] != it[1][1])
            found.append(f"{column!r} is out of place, at {place} where {right!r} belongs")
        return ValueError(
            f"{self.name} must have the columns that the network is trained on, in their order; "
            f"{', '.join(found)}: {self._advice_on_names(bool(missing), written, numbers)}"
        )

    def _advice_on_names(self, some_miss, written, numbers):
        X = self._variable
        if some_miss and numbers and self._can("reindex"):
            return (
                "give what is missing; for one-hot columns that do not occur here, "
                f"{X}.reindex(columns={written}, fill_value=0)"
            )
        if some_miss:
            return "give what is missing"
        are_strings = all(isinstance(key, str) for key in self.keys)
        first = "" if are_strings else f", after {X}.columns = {X}.columns.astype(str)"
        return f"write {X}[{written}]{first}"


def series_numbers(name: str, series: Any, *, missing: bool = False) -> NDArray:
    """Return a series as an array: of numbers, of integers if it has no others, or as it is.

    Raises
    ------
    ValueError
        For missing values among numbers, unless `missing` allows them; it says how many.
    """
    array = np.asarray(series)
    if array.dtype.kind == "O":
        types = set(map(type, array.flat))
        if {kind_of(each) for each in types} - {NUMBER, MISSING}:
            return array
        whole = all(issubclass(each, int | np.integer | np.bool_) for each in types)
        array = np.array(array.tolist()) if whole else from_objects(array)
    if array.dtype.kind == "f" and not missing and (count := np.count_nonzero(np.isnan(array))):
        raise ValueError(
            f"{name} misses {count} of {array.size} values: leave those samples out, "
            "or fill the values in"
        )
    return array


def decoded(column: Any) -> Any:
    """Return a column itself, or of pyarrow's dictionaries what their places stand for.

    pyarrow takes a missing place for the last one (version 26).
    """
    # Of the class first: what polars' series do not have, they look for long.
    is_of_arrow = hasattr(type(column), "type") and hasattr(column.type, "index_type")
    return column.cast(column.type.value_type) if is_of_arrow else column


@lru_cache(maxsize=256)
def kind_of(kind: type) -> str:
    """Return what objects of that class are."""
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):  # pandas' NA and NaT
        return MISSING
    for classes, what in (
        ((str, bytes), TEXT),
        ((date, time, np.datetime64), DATE),
        ((timedelta, np.timedelta64), DURATION),  # the latter is an integer to NumPy
        ((Real, np.bool_), NUMBER),
        ((Complex,), COMPLEX),
        ((Number,), NUMBER),  # Decimal
    ):
        if issubclass(kind, classes):
            return what
    if kind.__name__ == "Period":  # of pandas
        return DATE
    nested = hasattr(kind, "__len__") or issubclass(kind, np.void)
    return NESTED if nested else f"values of type {kind.__name__}"


def from_objects(array):
    """Return numbers that are Python objects as float64, NaN for what is missing."""
    types = set(map(type, array.flat))
    if types <= PLAIN:
        with suppress(OverflowError):
            return array.astype(np.float64)
    kinds = {each: kind_of(each) for each in types}
    numbers = (np.nan if kinds[type(it)] == MISSING else _float(it) for it in array.flat)
    return np.fromiter(numbers, np.float64, array.size).reshape(array.shape)


def _float(number):
    try:
        return float(number)
    except OverflowError:  # an integer beyond float64
        return np.inf if number > 0 else -np.inf


def _listed(names):
    shown = ", ".join(map(repr, names[:MOST_SHOWN]))
    return shown if len(names) <= MOST_SHOWN else f"{shown} and {len(names) - MOST_SHOWN} more"
