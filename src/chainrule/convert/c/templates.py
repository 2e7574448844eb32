"""The pieces of C in the folder pieces: those that a model needs, in the type of its numbers."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

MARK = re.compile(r"^/\*: (\w+)( float| double)?(?: needs ([\w ]+))? \*/\n", re.MULTILINE)
FILES = ("numbers", "activations", "slopes", "tables", "layers", "backward", "fixed")
# What stands for what in a type: the largest number, one beyond which e^-x is 0, the least normal
# one, and what is rounded to float, as tables prepare it.
WORDS = {
    "float": {
        "HUGE_REAL": "3.4028235e+38f",
        "FAR_REAL": "104.0f",
        "TINY_REAL": "1.1754944e-38f",
        "NARROW": "(float)",
    },
    "double": {
        "HUGE_REAL": "1.7976931348623157e+308",
        "FAR_REAL": "746.0",
        "TINY_REAL": "2.2250738585072014e-308",
        "NARROW": "(double)(float)",
    },
}


def type_of(dtype: np.dtype[Any]) -> str:
    """Return what C calls a real dtype."""
    return "float" if dtype == np.float32 else "double"


def in_type(text: str, kind: str) -> str:
    """Return text with `real` and what goes by it in the type "float" or "double"."""
    for word, constant in WORDS[kind].items():
        text = text.replace(word, constant)
    text = re.sub(r"REAL\(([^()]*)\)", r"\1f" if kind == "float" else r"\1", text)
    text = re.sub(r"\bbits\b", "uint32_t" if kind == "float" else "uint64_t", text)
    return re.sub(r"\breal\b", kind, text)


@cache
def _pieces() -> tuple[list[str], dict[str, tuple[str, list[str], str]]]:
    """Return names in their order, and of each with its type: (text, what it needs, name)."""
    folder, order, found = files("chainrule.convert.c").joinpath("pieces"), [], {}
    for file in FILES:
        text = folder.joinpath(f"{file}.c").read_text(encoding="utf-8")
        marks = list(MARK.finditer(text))
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        for mark, end in zip(marks, ends, strict=True):
            name, kind, needs = mark[1], (mark[2] or "").strip(), (mark[3] or "").split()
            order.append(name + kind)
            found[name + kind] = (text[mark.end() : end].strip() + "\n", needs, name)
    return order, found


def piece(name: str, kind: str, words: Mapping[str, str] | None = None) -> str:
    """Return one piece in a type, with words of its own replaced."""
    _, found = _pieces()
    text = found[name if name in found else name + kind][0]
    for word, meant in (words or {}).items():
        text = text.replace(word, meant)
    return in_type(text, kind)


def pieces(names: Iterable[str], kind: str) -> str:
    """Return pieces and all that they need, each once, in the order in which C wants them."""
    order, found = _pieces()
    wanted: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        key = name if name in found else name + kind
        if key not in wanted:
            wanted.add(key)
            ahead += found[key][1]
    return "\n".join(in_type(found[key][0], kind) for key in order if key in wanted)
