"""Values as JavaScript writes them, and the parts of it that stand in files."""

import json
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray


def part(name: str) -> str:
    """Return the text of a file of this folder."""
    return files(__package__).joinpath(name).read_text("utf-8")


def literal(value: Any) -> str:
    """Return a value as JavaScript, also in a page of HTML: in ASCII, and without a <."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def numbers_js(array: NDArray[Any]) -> str:
    """Return an array (n,) or (m, n) as a typed array, a line for each row.

    Numbers are the shortest that give back the same in the array's dtype.
    """
    rows = np.atleast_2d(array)
    lines = ["  " + ", ".join(map(_shortest, row)) + "," for row in rows]
    return f"new {array.dtype.name.capitalize()}Array([\n" + "\n".join(lines) + "\n])"


def _shortest(number: np.floating[Any]) -> str:
    """Return the shortest decimal; it is read as a double, and rounded again where it is none."""
    text = str(number)
    return text if type(number)(float(text)) == number else repr(float(number))
