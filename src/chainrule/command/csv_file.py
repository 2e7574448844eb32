"""A CSV file, record by record: all of it is checked, and no more than a piece is in memory.

Python's csv module says where records end and how many fields they have, so that a message names
the line; pandas makes columns of a piece.
"""

import codecs
import csv
import io
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

SEPARATORS = ",;\t|"  # the first of those that divide the first line into most fields
LONGEST = 1 << 24  # bytes of a line: what has longer ones is no table
CODE = re.compile(rb'(?:^|[,"])0\d+(?:[,"\r\n]|$)')  # a field of digits that begins with 0
# How files begin that are often taken for CSV.
FOREIGN = {
    b"PK\x03\x04": "a workbook of Excel or another zip archive; save the sheet as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old workbook of Excel; save the sheet as CSV UTF-8",
    b"\x1f\x8b": "compressed; unpack it first",
    codecs.BOM_UTF16_LE: "text in UTF-16; save it as CSV UTF-8",
    codecs.BOM_UTF16_BE: "text in UTF-16; save it as CSV UTF-8",
}

# What Python's csv module says, and what is meant.
SAID = {
    "unexpected end": 'a quotation mark " is opened here and never closed',
    "field larger": "a field has more than 131,072 characters; perhaps a quotation mark is missing",
    "expected after": 'a field has text after its closing quotation mark "',
    "new-line": "lines end with the single character CR; save the file as CSV UTF-8",
}


class Layout(NamedTuple):
    """How a CSV file is written.

    Attributes
    ----------
    separator : str or None
        Between the fields; None for that of `SEPARATORS` which the first line has most of.
    decimal : str
        What stands before the decimals of a number, "." or ",".
    encoding : str
        Of its text.
    header : bool
        Whether the first line has the names of the columns; else they are c1, c2, ...
    """

    separator: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    header: bool = True


class Piece(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    frame : pandas.DataFrame (m, columns)
        The columns that were asked for.
    kept : list of list of str
        Of each column that is to be kept its fields (m,), as they stand in the file.
    places : sequence of int (m,)
        Where each row is, counted from 1: its line, or its row where there are no lines.
    """

    frame: Any
    kept: list[list[str]]
    places: Sequence[int]


class CsvFile:
    """A CSV file that is open, its names read.

    Parameters
    ----------
    file : binary file
        Read once, from the beginning to the end.
    called : str
        Its name in messages.
    layout : Layout

    Attributes
    ----------
    names : tuple of str
        Of the columns, in their order.
    unit : "line"
        What the places of rows count.

    Raises
    ------
    ValueError
        For what is no CSV file, by the line, and for names that are no good.
    """

    unit = "line"

    def __init__(self, file: BinaryIO, called: str, layout: Layout):
        _check_encoding(layout.encoding)
        self._file, self.called, self._layout = file, called, layout
        self._line = self._offset = 0  # lines and bytes read so far
        self._raw: list[bytes] = []  # the lines of the record that is being read
        first = self._next_line()
        if not first.strip():
            raise ValueError(
                f"{called} is empty or begins with an empty line; the first line must have the "
                "names of the columns, with a row below it for each case"
            )
        self.separator = layout.separator or _separator(first)
        self._reader = csv.reader(self._lines(first), delimiter=self.separator, strict=True)
        first_row = self._row(1)
        assert first_row is not None  # it is not empty
        self._waiting = [] if layout.header else [(first_row, b"".join(self._raw), 1)]
        self.names = self._names_of(first_row)

    # ------------------------------------------------------------ lines

    def _next_line(self) -> str:
        """Return a line as text, as it is in the file; nothing at its end."""
        raw = self._file.readline(LONGEST)
        self._line += 1
        if self._line == 1:
            for beginning, what in FOREIGN.items():
                if raw.startswith(beginning):
                    raise ValueError(f"{self.called} is {what}")
            self._offset = len(raw) - len(raw := raw.removeprefix(codecs.BOM_UTF8))
        if len(raw) == LONGEST:
            raise self._refusal(self._line, f"longer than {LONGEST:,} bytes: this is no CSV file")
        if b"\0" in raw:
            raise self._refusal(self._line, "holds a byte 0: this is no CSV file")
        self._raw.append(raw)
        try:
            text = raw.decode(self._layout.encoding)
        except UnicodeDecodeError as error:
            byte = self._offset + error.start
            raise self._refusal(
                self._line,
                f"byte {raw[error.start]:#04x}, the {byte + 1}. of the file, is not in the "
                f"encoding {self._layout.encoding}; save the file as CSV UTF-8, or name its "
                "encoding, such as --encoding cp1252",
            ) from None
        self._offset += len(raw)
        return text

    def _lines(self, first: str) -> Iterator[str]:
        line = first
        while line:
            yield line
            line = self._next_line()

    def _row(self, begin: int) -> list[str] | None:
        """Return the fields of the record that begins in that line, None at the end of the file.

        Its lines are then in `_raw`.
        """
        try:
            return next(self._reader, None)
        except csv.Error as error:
            what = str(error)
            said = next((say for part, say in SAID.items() if part in what), what)
            raise self._refusal(begin, said) from None

    def _records(self) -> Iterator[tuple[list[str], bytes, int]]:
        """Yield of each record its fields, its bytes and its first line; all that are not empty."""
        yield from self._waiting
        width = len(self.names)
        while True:
            self._raw.clear()
            begin = self._line + 1
            row = self._row(begin)
            if row is None:
                return
            raw = b"".join(self._raw)
            if not row or (len(row) == 1 < width and not row[0].strip()):
                continue  # an empty line
            if len(row) != width:
                raise self._refusal(
                    begin,
                    f"expected {width} fields, as the first line has, separated by "
                    f"{self.separator!r}; got {len(row)}",
                )
            yield row, raw, begin

    def _refusal(self, line: int, what: str) -> ValueError:
        return ValueError(f"{self.called}: line {line}: {what}")

    # ------------------------------------------------------------ names

    def _names_of(self, row: list[str]) -> tuple[str, ...]:
        if not self._layout.header:
            return tuple(f"c{k + 1}" for k in range(len(row)))
        # An index that pandas has written has no name, and it reads it by this one.
        names = tuple(name or f"Unnamed: {k}" for k, name in enumerate(row))
        if all(map(_is_number, row)):
            raise self._refusal(
                1, "must have the names of the columns, and has numbers alone; if the file has no "
                "such line, give --no-header, and the columns are called c1, c2, ..."
            )  # fmt: skip
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise self._refusal(1, f"more than one column is called {twice!r}; rename one")
        return names

    # ------------------------------------------------------------ pieces

    def pieces(
        self,
        rows: int | None,
        wanted: Sequence[str],
        dtypes: Mapping[str, Any] | None,
        keep: Sequence[str],
    ) -> Iterator[Piece]:
        """Yield the table, piece by piece.

        Parameters
        ----------
        rows : int or None
            Of a piece; None for all in one.
        wanted : sequence of str
            The columns of the frames.
        dtypes : dict of str to dtype, or None
            Of those that pandas is not to guess. None to have it guess all but codes, numbers
            that begin with 0 such as 007, which are text then.
        keep : sequence of str
            Columns whose fields are kept as they are.
        """
        import pandas

        code = re.compile(CODE.pattern.replace(b",", re.escape(self.separator.encode())))
        places_of_kept = [self.names.index(name) for name in keep]
        records = self._records()
        while True:
            raw, lines, codes = [], array("q"), set()
            kept: list[list[str]] = [[] for _ in keep]
            for row, content, line in islice(records, rows):
                raw.append(content)
                lines.append(line)
                if dtypes is None and code.search(content):
                    codes |= {k for k, each in enumerate(row) if _is_code(each)}
                for fields, place in zip(kept, places_of_kept, strict=True):
                    fields.append(row[place])
            if not raw:
                return
            if not raw[-1].endswith((b"\n", b"\r")):  # the end of the file
                raw[-1] += b"\n"
            known: Any = {self.names[k]: str for k in codes} if dtypes is None else dict(dtypes)
            frame = pandas.read_csv(
                io.BytesIO(b"".join(raw)), header=None, names=list(self.names), dtype=known,
                usecols=list(wanted), sep=self.separator, decimal=self._layout.decimal,
                encoding=self._layout.encoding, index_col=False, skip_blank_lines=False,
                low_memory=False,
            )[list(wanted)]  # fmt: skip
            if len(frame) != len(lines):
                raise self._refusal(
                    lines[0], f"expected {len(lines)} rows from here on, and pandas reads "
                    f"{len(frame)}: a quotation mark is not where it should be"
                )  # fmt: skip
            del raw
            yield Piece(frame, kept, lines)


def _check_encoding(name: str) -> None:
    try:
        is_fine = "\n".encode(name) == b"\n"
    except (LookupError, TypeError):
        raise ValueError(
            f"unknown encoding {name!r}; utf-8, latin-1 and cp1252 are common"
        ) from None
    if not is_fine:
        raise ValueError(f"files in {name} are not read; save the file as CSV UTF-8")


def _separator(first: str) -> str:
    """Return what separates the fields of the first line."""
    line = first.splitlines()[0]  # of old Macintosh files; what they are is told later
    counts = [len(next(csv.reader([line], delimiter=each))) for each in SEPARATORS]
    return SEPARATORS[counts.index(max(counts))]


def _is_code(text: str) -> bool:
    return len(text) > 1 and text[0] == "0" and text.isdigit()


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
