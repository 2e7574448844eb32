"""Checks of single options, before anything changes: names, numbers, counts, flags, dtype, seed.

What users give is Any until it has been looked at.
"""

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule.checks.words import NONE, hint

BOOLEANS = bool, np.bool_  # made once: `bool | np.bool_` takes as long as a check by it


def check_name(kind: str, name: Any, known: Iterable[str], others: Mapping[str, str] = NONE) -> str:
    """Return `name` if it is one of `known`, else raise with the nearest known one.

    Parameters
    ----------
    kind : str
        What the name is of, for the message: "hidden activation", "cost".
    name : str
        The user's choice.
    known : iterable of str
        The names there are.
    others : dict of str to str, optional
        What to use in the place of words that are none (`chainrule.checks.words`).

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If it is not known.
    """
    known = list(known)
    if not isinstance(name, str):
        raise TypeError(f"{kind} must be a name, one of {', '.join(known)}; got {name!r}")
    if name not in known:
        raise ValueError(
            f"unknown {kind} '{name}'.{hint(name, known, others)} Known: {', '.join(known)}"
        )
    return str(name)  # not a subclass, such as NumPy's


def check_number(name: str, value: Any, valid: Callable[[float], bool], expected: str) -> None:
    """Raise unless `value` is a finite number that is `valid`; `expected` says which are."""
    value = check_real(name, value, expected)
    try:
        ok = math.isfinite(value) and valid(value)
    except OverflowError:  # a whole number beyond all floats
        ok = False
    if not ok:
        raise ValueError(f"{name} must be {expected}; got {value!r}")


def check_positive(name: str, value: Any) -> None:
    """Raise unless `value` is a finite number above 0."""
    check_number(name, value, lambda x: x > 0, "a positive number")


def check_not_negative(name: str, value: Any) -> None:
    """Raise unless `value` is a finite number, 0 or more."""
    check_number(name, value, lambda x: x >= 0, "a number, 0 or more")


def check_above_1(name: str, value: Any) -> None:
    """Raise unless `value` is a finite number above 1."""
    check_number(name, value, lambda x: x > 1, "a number above 1")


def check_share(name: str, value: Any) -> None:
    """Raise unless `value` is in (0, 1): a part of something, neither none of it nor all."""
    check_number(name, value, lambda x: 0 < x < 1, f"in 0 < {name} < 1")


def check_part(name: str, value: float) -> None:
    """Raise unless `value` is from 0 to 1, both of them allowed."""
    check_number(name, value, lambda x: 0 <= x <= 1, "a number from 0 to 1")


def check_keep(name: str, value: Any) -> None:
    """Raise unless `value` is in [0, 1): how much of something is kept from step to step."""
    check_number(name, value, lambda x: 0 <= x < 1, f"in 0 <= {name} < 1")


def check_real(name: str, value: Any, expected: str = "a number") -> Any:
    """Return `value` if it is a real number, of Python or of NumPy; it need not be finite."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, BOOLEANS) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {expected}; got {value!r}")
    return value


def check_count(name: str, value: Any, least: int) -> int:
    """Return `value` as an int of at least `least`."""
    value = check_whole(name, value)
    if value < least:
        raise ValueError(f"{name} must be {least} or more; got {value}")
    return value


def check_index(name: str, value: Any, first: int, last: int) -> int:
    """Return `value` as an int from `first` to `last`."""
    value = check_whole(name, value)
    if not first <= value <= last:
        raise ValueError(f"{name} must be from {first} to {last}; got {value}")
    return value


def check_whole(name: str, value: Any) -> int:
    """Return `value` as an int if it is a whole number, of Python or of NumPy."""
    try:
        if isinstance(value, BOOLEANS):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number; got {value!r}") from None


def check_function(name: str, value: Any) -> Callable[..., Any]:
    """Return `value` if it can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function; got {value!r}")
    return value


def check_text(name: str, value: Any) -> str:
    """Return `value` if it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string; got {value!r}")
    return value


def check_utf8(name: str, value: str) -> bytes:
    """Return text in UTF-8, if that can hold it: not half of a pair of UTF-16."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be text that UTF-8 can hold; got {value!r}") from None


def check_flag(name: str, value: Any) -> bool:
    """Return `value` as a bool if it is True or False."""
    if not isinstance(value, BOOLEANS):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64 in native byte order."""
    try:
        if dtype is None:  # to NumPy that is float64
            raise TypeError
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64; got {dtype!r}") from None
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64; got {dtype}")
    return np.dtype(dtype.name)  # that of all arrays, which is known at once


def check_precision(precision: Any, dtype: np.dtype) -> str:
    """Return the name of the type that the factors of products are rounded to."""
    if precision is None:
        return dtype.name
    if not isinstance(precision, str):
        raise TypeError(f"precision must be a name; got {type(precision).__name__}")
    if precision == "bfloat16" and dtype != np.float32:
        raise ValueError(
            f"precision='bfloat16' is for dtype='float32': sums and parameters are of that type; "
            f"got dtype='{dtype}'. Leave one of the two out"
        )
    if precision not in (dtype.name, "bfloat16"):
        raise ValueError(f"precision must be '{dtype}' or 'bfloat16'; got {precision!r}")
    return precision


def check_seed(seed: Any) -> int:
    """Return `seed` as an int; a fresh one for None."""
    if seed is None:
        return int.from_bytes(os.urandom(8)) >> 1
    seed = check_whole("seed", seed)
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be in 0 <= seed < 2**64; got {seed}")
    return seed
