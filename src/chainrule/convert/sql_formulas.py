"""What SQL says for activations, numbers, names and classes, as text.

Every expression is NULL where its argument is; but for the activation exponential, e is taken to
powers up to 350 alone, and never to so low a one that a database would stop at it.
"""

from collections.abc import Callable
from typing import Any

from chainrule.checks.options import check_utf8

HIGHEST = "350E0"
LOWEST = "-350E0"  # e^-350 is 1e-152, whose square there still is; below, 0 is taken for e^z

SELU = 1.0507009873554805, 1.6732632423543772  # λ, α

# a = σ(z), of z and, where one is in RATES, of e = e^(-rate |z|), for a parameter p.
FORMULAS: dict[str, Callable[[str, str, str], str]] = {
    "sigmoid": lambda z, e, p: (
        f"CASE WHEN {z} >= 0 THEN 1 / (1 + {e}) WHEN {z} < 0 THEN {e} / (1 + {e}) END"
    ),
    "tanh": lambda z, e, p: (
        f"CASE WHEN {z} >= 0 THEN 2 / (1 + {e}) - 1 WHEN {z} < 0 THEN 1 - 2 / (1 + {e}) END"
    ),
    "relu": lambda z, e, p: f"CASE WHEN {z} > 0 THEN {z} WHEN {z} <= 0 THEN 0E0 END",
    "leaky_relu": lambda z, e, p: f"CASE WHEN {z} > 0 THEN {z} WHEN {z} <= 0 THEN {p} * {z} END",
    "elu": lambda z, e, p: f"CASE WHEN {z} > 0 THEN {z} WHEN {z} <= 0 THEN {p} * ({e} - 1) END",
    "selu": lambda z, e, p: (
        f"CASE WHEN {z} > 0 THEN {number(SELU[0])} * {z} "
        f"WHEN {z} <= 0 THEN {number(SELU[0] * SELU[1])} * ({e} - 1) END"
    ),
    "softplus": lambda z, e, p: (
        f"CASE WHEN {z} > 0 THEN {z} + LN(1 + {e}) WHEN {z} <= 0 THEN LN(1 + {e}) END"
    ),
    "swish": lambda z, e, p: (
        f"CASE WHEN {z} >= 0 THEN {z} / (1 + {e}) WHEN {z} < 0 THEN {z} * {e} / (1 + {e}) END"
    ),
    "mish": lambda z, e, p: (
        f"CASE WHEN {z} >= 0 THEN {z} * (1 + 2 * {e}) / (1 + 2 * {e} + 2 * {e} * {e}) "
        f"WHEN {z} < 0 THEN {z} * ({e} * {e} + 2 * {e}) / ({e} * {e} + 2 * {e} + 2) END"
    ),
    "softsign": lambda z, e, p: f"{z} / (1 + ABS({z}))",
    "hard_sigmoid": lambda z, e, p: (
        f"CASE WHEN {z} >= 3 THEN 1E0 WHEN {z} <= -3 THEN 0E0 "
        f"WHEN {z} > -3 THEN {z} / 6 + 0.5E0 END"
    ),
    "exponential": lambda z, e, p: power(z),
    "step": lambda z, e, p: f"CASE WHEN {z} > 0 THEN 1E0 WHEN {z} <= 0 THEN 0E0 END",
}
RATES = {"sigmoid": "1", "tanh": "2", "elu": "1", "selu": "1", "softplus": "1", "mish": "1"}


def power(z: str) -> str:
    """Return e^z, 0 where that is less than 1e-152."""
    return f"CASE WHEN {z} > {LOWEST} THEN EXP({z}) WHEN {z} <= {LOWEST} THEN 0E0 END"


def share(z: str, values: list[str]) -> str:
    """Return e^z over the sum of e to all the values: 1/Σ e^(value - z); less than 1e-152 is 0."""
    terms = []
    for value in values:
        d = f"({value} - {z})"
        terms.append(
            f"CASE WHEN {d} > {HIGHEST} THEN 1E152 WHEN {d} > {LOWEST} THEN EXP({d}) "
            f"WHEN {d} <= {LOWEST} THEN 0E0 END"
        )
    return f"1 / ({' + '.join(terms)})"


def largest(values: list[str], chosen: list[str]) -> str:
    """Return what is chosen for the first of the values that no other exceeds; NULL for NULLs."""
    if len(values) == 1:
        return f"CASE WHEN {values[0]} = {values[0]} THEN {chosen[0]} END"
    cases = []
    for j, (value, then) in enumerate(zip(values, chosen, strict=True)):
        others = [f"{value} >= {other}" for k, other in enumerate(values) if k != j]
        cases.append(f"WHEN {' AND '.join(others)} THEN {then}")
    return f"CASE {' '.join(cases)} END"


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    if not name or "\0" in name:
        raise ValueError(f"expected a name that a database may have; got {name!r}")
    check_utf8("a name in SQL", name)
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(value: Any) -> str:
    """Return a class as SQL writes it."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError(f"SQL has no text with a zero character; got the class {value!r}")
        check_utf8("a class in SQL", value)
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else number(value)


def number(value: Any) -> str:
    """Return a number as a double, which an exponent makes of it: all of its bits come back."""
    text = repr(float(value))
    return text.replace("e", "E") if "e" in text else f"{text}E0"
