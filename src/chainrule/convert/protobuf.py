"""Protocol buffers: messages as dicts, written to bytes and read from bytes that nobody trusts.

A message is a sequence of fields. Each begins with a varint, 8·number + wire type, and by that type
come a varint (0), eight bytes (1), a length as a varint and so many bytes (2), or four bytes (5). A
varint has seven bits a byte, the lowest first, and the highest bit set but in the last. Numbers
that are repeated stand in one field of type 2, one behind the other, or each in a field of its own.

What a `Message` does not name is skipped. Messages that hold themselves cannot be told to it, so
that reading goes no deeper than what is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from chainrule.checks.options import check_utf8

INT, FLOAT, DOUBLE, TEXT, BYTES = "int", "float", "double", "text", "bytes"
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5
OF_FLOATS: dict[Any, tuple[int, np.dtype[Any]]] = {
    FLOAT: (FOUR, np.dtype("<f4")),
    DOUBLE: (EIGHT, np.dtype("<f8")),
}
MOST_FIELDS = 200_000  # of a file, with the integers of lists; each becomes objects of Python


class Field(NamedTuple):
    """One field: its number, what it holds, and whether it is a list."""

    number: int
    kind: "str | Message"
    repeated: bool = False


@dataclass(frozen=True, eq=False)
class Message:
    """What there is in a message: its fields by name."""

    name: str
    fields: Mapping[str, Field]

    @cached_property
    def empty(self) -> dict[str, Any]:
        """What is read of a message without any field: empty tuples where there may be several."""
        return {
            name: () if field.repeated else _EMPTY.get(field.kind)
            for name, field in self.fields.items()
        }

    @cached_property
    def by_number(self) -> dict[int, tuple[str, Field]]:
        """The same by number."""
        return {field.number: (name, field) for name, field in self.fields.items()}


# ---------------------------------------------------------------- writing


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a message.

    Parameters
    ----------
    message : Message
    values : dict
        By the names of its fields: int, float, str, bytes, or a dict for a message; lists of these
        where there are several, arrays for those of floats.
    """
    pieces: list[bytes] = []
    for name, value in values.items():
        number, kind, repeated = message.fields[name]
        if repeated and kind in OF_FLOATS:
            _, dtype = OF_FLOATS[kind]
            content = np.asarray(value, dtype).tobytes()
            pieces += [_key(number, LENGTH), _varint(len(content)), content]
        elif repeated and kind == INT:
            content = b"".join(map(_varint, value))
            pieces += [_key(number, LENGTH), _varint(len(content)), content]
        else:
            for each in value if repeated else [value]:
                pieces += _written(number, kind, each)
    return b"".join(pieces)


def _written(number, kind, value):
    """Return one field in pieces."""
    if kind == INT:
        return [_key(number, VARINT), _varint(value)]
    if kind in OF_FLOATS:
        wire, dtype = OF_FLOATS[kind]
        return [_key(number, wire), np.asarray(value, dtype).tobytes()]
    if isinstance(kind, Message):
        content = encode(kind, value)
    else:
        content = check_utf8("a name", value) if kind == TEXT else value
    return [_key(number, LENGTH), _varint(len(content)), content]


def _key(number, wire):
    return _varint(number << 3 | wire)


def _varint(value):
    value &= 2**64 - 1  # negative ones by their two's complement
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    content.append(value)
    return bytes(content)


# ---------------------------------------------------------------- reading


def decode(message: Message, content: bytes) -> dict[str, Any]:
    """Return a message of bytes, all of whose fields are checked.

    Returns
    -------
    dict
        As `encode` takes it, with all fields of the message: where one is not there (), 0, "", or
        None for a message. Lists of floats are arrays.

    Raises
    ------
    ValueError
        For bytes that are none, and for more than `MOST_FIELDS` fields.
    """
    return _Reader(content).message(message, 0, len(content))


class _Reader:
    """Bytes, the place up to which they are read, and how many fields may yet come."""

    def __init__(self, content):
        self.content, self.view = content, memoryview(content)
        self.at, self.left = 0, MOST_FIELDS

    def message(self, message, begin, end):
        """Read the message that stands there."""
        values, several = message.empty.copy(), {}
        seen = set()
        self.at = begin
        while self.at < end:
            number, wire = divmod(self.varint(end, message.name), 8)
            known = message.by_number.get(number)
            if known is None:
                self.skip(number, wire, end, message.name)
                continue
            name, (_, kind, repeated) = known
            called = f"{message.name}.{name}"
            if name in seen and not repeated:
                raise ValueError(f"expected {called} once, got it again")
            seen.add(name)
            if not repeated:
                values[name] = self.one(kind, wire, end, called)
            elif wire == LENGTH and (kind == INT or kind in OF_FLOATS):
                several.setdefault(name, []).extend(self.packed(kind, end, called))
            else:
                several.setdefault(name, []).append(self.one(kind, wire, end, called))
        for name, found in several.items():
            are_floats = message.fields[name].kind in OF_FLOATS
            values[name] = np.hstack(found) if are_floats else found
        return values

    def one(self, kind, wire, end, called):
        """Read one value."""
        wanted = VARINT if kind == INT else OF_FLOATS.get(kind, (LENGTH,))[0]
        if wire != wanted:
            raise ValueError(f"expected {called} as wire type {wanted}, got {wire}")
        if kind == INT:
            return _signed(self.varint(end, called))
        if kind in OF_FLOATS:
            dtype = OF_FLOATS[kind][1]
            return np.frombuffer(self.take(dtype.itemsize, end, called), dtype)[0]
        begin, stop = self.length(end, called)
        if isinstance(kind, Message):
            value: Any = self.message(kind, begin, stop)
        else:
            value = self.content[begin:stop]
            if kind == TEXT:
                try:
                    value = value.decode()
                except UnicodeDecodeError:
                    raise ValueError(f"expected {called} as text in UTF-8") from None
        self.at = stop
        return value

    def packed(self, kind, end, called):
        """Read numbers that stand in one field: a list of int, or of one array."""
        begin, stop = self.length(end, called)
        if kind == INT:
            self.at, found = begin, []
            while self.at < stop:
                found.append(_signed(self.varint(stop, called)))
            return found
        self.at, dtype = stop, OF_FLOATS[kind][1]
        if (stop - begin) % dtype.itemsize:
            raise ValueError(
                f"expected {called} as numbers of {dtype.itemsize} bytes, got {stop - begin} bytes"
            )
        return [np.frombuffer(self.view[begin:stop], dtype)]

    def skip(self, number, wire, end, called):
        """Go past a field that is not told."""
        if number == 0 or wire not in (VARINT, EIGHT, LENGTH, FOUR):
            raise ValueError(f"expected a field of {called}, got number {number}, type {wire}")
        if wire == VARINT:
            self.varint(end, called)
        elif wire == LENGTH:
            self.at = self.length(end, called)[1]
        else:
            self.take(8 if wire == EIGHT else 4, end, called)

    def length(self, end, called):
        """Read a length; return where that which is so long begins and ends."""
        n = self.varint(end, called)
        if n > end - self.at:
            raise ValueError(f"{called} is said to be {n} bytes long; {end - self.at} are left")
        return self.at, self.at + n

    def take(self, n, end, called):
        if n > end - self.at:
            raise ValueError(f"expected {n} bytes of {called}; {end - self.at} are left")
        self.at += n
        return self.view[self.at - n : self.at]

    def varint(self, end, called):
        """Read a number from 0 to 2**64 - 1."""
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"expected at most {MOST_FIELDS} fields and integers, got more")
        value = 0
        for shift in range(0, 70, 7):
            if self.at == end:
                raise ValueError(f"{called} ends within a number")
            byte = self.content[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
        if byte > 127 or value >= 2**64:
            raise ValueError(f"expected a number of 64 bits in {called}, got a longer one")
        return value


_EMPTY: dict[Any, Any] = {INT: 0, FLOAT: 0.0, DOUBLE: 0.0, TEXT: "", BYTES: b""}


def _signed(value):
    return value - 2**64 if value >= 2**63 else value
