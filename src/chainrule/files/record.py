"""What a file has beside its network: values of many kinds, as JSON and plain arrays.

A number, a string, a truth value and None stand in the JSON as they are, and so does a list of
them; a tuple is ``{"tuple": [...]}``, a dict ``{"dict": [[key, value], ...]}``, an object of the
package ``{"object": {"name": ...}}``, and an array ``{"array": name, "shape": [...]}``, whose
numbers stand in the archive under that name.
"""

import json
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.files.header import check_nesting, without_twins
from chainrule.files.objects import is_held, read_object, written_object

MEMBER = "training"  # of the archive
DEEPEST = 32
ARRAYS = f"{MEMBER}."  # how their names begin
DTYPES = tuple(
    np.dtype(kind).name
    for kind in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
)


class NotPlain(TypeError):  # noqa: N818 - an answer, not an error
    """A value that a file cannot hold."""


def plain(value: Any, arrays: dict[str, NDArray]) -> Any:
    """Return what JSON holds of a value; its arrays come into `arrays`.

    Raises
    ------
    NotPlain
        For one that is more than numbers, names and objects of the package, such as a function.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.name in DTYPES:
        name = f"{ARRAYS}{len(arrays)}"
        arrays[name] = value.ravel()
        return {"array": name, "shape": list(value.shape)}
    if isinstance(value, Mapping):
        pairs = [[plain(key, arrays), plain(each, arrays)] for key, each in value.items()]
        return {"dict": pairs}
    if is_held(value):
        return {"object": written_object(value)}
    if isinstance(value, list | tuple | Set):
        each_of = sorted(value) if isinstance(value, Set) else value
        found = [plain(each, arrays) for each in each_of]
        return {"tuple": found} if isinstance(value, tuple) else found
    raise NotPlain(type(value).__name__)


def is_plain(value: Any) -> bool:
    """Whether a file can hold it."""
    try:
        plain(value, {})
    except NotPlain:
        return False
    return True


def value_of(written: Any, arrays: Mapping[str, NDArray]) -> Any:
    """Return the value that `plain` wrote; a list for what was a set.

    Raises
    ------
    ValueError
        For what it cannot have written.
    """
    if type(written) is list:
        return [value_of(each, arrays) for each in written]
    if type(written) is not dict:
        return written
    try:
        if written.keys() == {"dict"}:
            pairs = [[value_of(part, arrays) for part in pair] for pair in written["dict"]]
            return dict(pairs)
        if written.keys() == {"array", "shape"}:
            return arrays[written["array"]].reshape(written["shape"])
        if written.keys() == {"tuple"}:
            return tuple(value_of(each, arrays) for each in written["tuple"])
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"expected a dict, a tuple or an array, got {written!s:.60}") from error
    if written.keys() == {"object"}:
        return read_object(written["object"])
    raise ValueError(
        f"expected a dict, a tuple, an array or an object, got one of {', '.join(written):.60}"
    )


def written(fields: dict[str, Any]) -> dict[str, NDArray]:
    """Return the arrays of an archive that `fields` are, by their names.

    Raises
    ------
    NotPlain
        For fields that a file cannot hold.
    """
    arrays: dict[str, NDArray] = {}
    record = {name: plain(value, arrays) for name, value in fields.items()}
    record["arrays"] = {name: [a.dtype.name, a.size] for name, a in arrays.items()}
    return {MEMBER: np.frombuffer(json.dumps(record).encode(), np.uint8), **arrays}


def parse(text: bytes) -> dict[str, Any]:
    """Return the record out of its bytes; what its arrays must be stands in ``"arrays"``.

    Raises
    ------
    ValueError
        For what is no record.
    """
    try:
        check_nesting(text.decode(), DEEPEST)
        record = json.loads(text, object_pairs_hook=without_twins)
    except ValueError as error:
        raise ValueError(f"expected {MEMBER!r} in JSON, got {text[:40]!r} ({error})") from error
    if type(record) is not dict or type(record.get("arrays")) is not dict:
        raise ValueError(f"expected {MEMBER!r} to be an object with 'arrays', got {text[:40]!r}")
    for name, kind in record["arrays"].items():
        is_kind = type(kind) is list and len(kind) == 2 and kind[0] in DTYPES
        if not (name.startswith(ARRAYS) and is_kind and type(kind[1]) is int and kind[1] >= 0):
            raise ValueError(f"expected the dtype and the size of {name[:40]!r}, got {kind!r:.60}")
    return record


def fields_of(
    record: dict[str, Any], arrays: Mapping[str, NDArray], expected: dict[str, type]
) -> dict[str, Any]:
    """Return the fields that `written` wrote, each of its type.

    Raises
    ------
    ValueError
        For those that are missing, unknown or of another type.
    """
    found = {name: value_of(each, arrays) for name, each in record.items() if name != "arrays"}
    kinds = {name: type(each) for name, each in found.items()}
    if kinds != expected:
        shown = ", ".join(f"{name} ({kind.__name__})" for name, kind in expected.items())
        raise ValueError(f"expected a record of {shown}; got {str(kinds)[:200]}")
    return found
