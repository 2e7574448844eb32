"""What C calls things, and how it writes numbers and text."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of C99 and C++17, and what the written file calls its own.
_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit
export extern false float for friend goto if inline int long mutable namespace new noexcept not
not_eq nullptr operator or or_eq private protected public register reinterpret_cast restrict
return short signed sizeof static static_assert static_cast struct switch template this
thread_local throw true try typedef typeid typename typeof union unsigned using virtual void
volatile wchar_t while xor xor_eq main
"""
KEYWORDS = frozenset(_WORDS.split())
# What the headers that the file includes have made macros or types of, here or on some system.
_MACROS = re.compile(
    r"U?INT\w*_(MIN|MAX|WIDTH|C)|(SIZE|PTRDIFF|WCHAR|WINT|SIG_ATOMIC|RAND)_(MIN|MAX|WIDTH)|\w+_t"
    r"|NULL|S?NAN\w*|INFINITY|HUGE_VAL\w*|MAXFLOAT|(M|FP|MATH)_\w+|\w+_ENDIAN|BYTE_ORDER"
    r"|EXIT_\w+|MB_CUR_MAX|FD_SETSIZE|NFDBITS|W(CONTINUED|EXITED|STOPPED|UNTRACED|NOHANG|NOWAIT)"
    r"|DOMAIN|SING|OVERFLOW|UNDERFLOW|[PT]LOSS|linux|unix|math_errhandling|signgam"
    r"|RESTRICT|UNROLLED|SELF_TEST|REAL"
)
WIDTH = 110


def checked_name(name: Any) -> str:
    """Return what functions begin with, if C can call them so.

    Raises
    ------
    ValueError
        For anything else.
    """
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,40}", name)):
        raise ValueError(
            "name must be a word that C knows as a name: at most 41 letters, digits and _, a "
            f"letter first; got {name!r}"
        )
    if name in KEYWORDS:
        raise ValueError(f"name must not be a word of C or C++ itself; got {name!r}")
    return name


def name_of(text: str) -> str:
    """Return a name that C can have, like this text."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:40]
    if not name or name[0].isdigit():
        name = f"c_{name}".rstrip("_")
    return f"{name}_" if name in KEYWORDS or _MACROS.fullmatch(name) else name


def names_of(texts: Iterable[str], macros: str | None = None) -> list[str]:
    """Return such a name for each text, all different, also where case does not count.

    None begins as the file's own macros do, where that is said.
    """
    found: dict[str, None] = {}
    names = []
    for text in texts:
        first, k = name_of(text), 2
        if macros is not None and first.startswith(macros):
            first = f"c_{first}"
        name = first
        while name.lower() in found:
            name, k = f"{first}_{k}", k + 1
        found[name.lower()] = None
        names.append(name)
    return names


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """Return a number as a constant that is read as the same bits."""
    return f"{dtype.type(value)!s}{'f' if dtype == np.float32 else ''}"


def numbers(values: NDArray[Any], indent: str = "    ") -> str:
    """Return numbers of a real dtype as constants with commas, in lines."""
    suffix = "f" if values.dtype == np.float32 else ""
    return lines([f"{each!s}{suffix}" for each in values.ravel()], indent)


def lines(words: Iterable[str], indent: str = "    ") -> str:
    """Return words with commas, in lines of at most `WIDTH` characters where they fit."""
    done: list[str] = []
    line = indent
    for word in words:
        if len(line) + len(word) + 1 > WIDTH and line.strip():
            done.append(line.rstrip())
            line = indent
        line += f"{word}, "
    return "\n".join([*done, line.rstrip().rstrip(",")])


def array(name: str, values: NDArray[Any], size: str = "") -> str:
    """Return the definition of an array of constants."""
    kind = "float" if values.dtype == np.float32 else "double"
    return f"static const {kind} {name}[{size or values.size}] = {{\n{numbers(values)}\n}};\n"


def text(value: str) -> str:
    """Return text as a string of C, in UTF-8."""
    escaped = []
    for byte in value.encode("utf-8", "surrogatepass"):
        letter = chr(byte)
        plain = 32 <= byte < 127 and letter not in '"\\?'
        escaped.append(letter if plain else f"\\{byte:03o}")
    return f'"{"".join(escaped)}"'


def comment(value: str) -> str:
    """Return text as it may stand in a comment: printable ASCII that does not end it."""
    shown = value.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return shown.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")
