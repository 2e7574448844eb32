"""Tables from files, for all commands: opened by what they are, and read as a model knows them."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chainrule.checks.words import hint
from chainrule.command.csv_file import CsvFile, Layout, Piece
from chainrule.command.kinds import GUESSED, guessed, settled
from chainrule.command.parquet_file import MAGIC, ParquetFile
from chainrule.results.whole_file import check_place

EXTRA = 'pip install "chainrule[command]" brings it'
ROWS = 16_384  # of a piece
STDIN = "-"
File = CsvFile | ParquetFile


def check_extra(*modules: str) -> None:
    """Raise ImportError, which names the extra, unless all these packages are installed."""
    from importlib import import_module

    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            name = {"sklearn": "scikit-learn"}.get(module, module.partition(".")[0])
            raise ImportError(f"this needs {name}: {EXTRA}") from error


@contextmanager
def opened(path: str, layout: Layout) -> Iterator[File]:
    """Open a table, that of stdin for "-"; whether it is CSV or Parquet, its first bytes tell.

    Raises
    ------
    ImportError
        Without pandas.
    OSError, ValueError
        For what is none.
    """
    check_extra("pandas")
    if path == STDIN:
        yield _known(sys.stdin.buffer, "stdin", layout)
        return
    with open(path, "rb") as file:
        if path.lower().endswith((".tsv", ".tab")) and layout.separator is None:
            layout = layout._replace(separator="\t")
        yield _known(file, os.fspath(path), layout)


def _known(file: Any, called: str, layout: Layout) -> File:
    if file.peek(len(MAGIC))[: len(MAGIC)] == MAGIC:
        return ParquetFile(file, called)
    return CsvFile(file, called, layout)


def check_names(table: File, names: Iterable[str], what: str) -> None:
    """Raise ValueError for a name that no column has, with the nearest."""
    for name in names:
        if name not in table.names:
            shown = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
            raise ValueError(
                f"{table.called}: there is no column {name!r} {what}.{hint(name, table.names)} "
                f"Its columns: {shown}"
            )


def check_output(path: str, *inputs: str) -> None:
    """Raise OSError for a place where no file can be, ValueError for that of an input."""
    check_place(path)
    for given in inputs:
        if os.path.exists(path) and os.path.exists(given) and os.path.samefile(path, given):
            raise ValueError(f"{path} would be written in the place of {given}, which is read")


def pieces(
    table: File,
    holds: Mapping[str, str],
    *,
    keep: Sequence[str] = (),
    holes: bool = True,
    may_miss: str | None = None,
) -> Iterator[Piece]:
    """Yield a table, piece by piece, its columns read as they were learned.

    Parameters
    ----------
    table : CsvFile or ParquetFile
    holds : dict of str to str
        Of each column that is wanted what it must hold, by the words of `chainrule.tables.columns`.
    keep : sequence of str
        Columns whose fields are wanted as they are.
    holes : bool
        Whether values may be missing; in the column `may_miss` they always may.

    Raises
    ------
    ValueError
        For what is not what a column must hold, by its line.
    """
    dtypes = {name: str for name, it in holds.items() if it not in GUESSED}
    for piece in table.pieces(ROWS, list(holds), dtypes, keep):
        columns = {
            name: settled(
                piece.frame[name], it, name, table, piece.places, holes or name == may_miss
            )
            for name, it in holds.items()
        }
        yield piece._replace(frame=_frame(columns, len(piece.places)))


def whole(table: File, leave: Iterable[str] = ()) -> Piece:
    """Return all rows, each column by what it looks like: numbers, truth values, dates or text.

    Parameters
    ----------
    table : CsvFile or ParquetFile
    leave : iterable of str
        Columns that are not wanted.

    Raises
    ------
    ValueError
        For a file without rows.
    """
    left = set(leave)
    wanted = [name for name in table.names if name not in left]
    found = next(table.pieces(None, wanted, None, ()), None)
    if found is None or len(found.places) == 0:
        raise ValueError(f"{table.called} has names of columns, and no rows below them")
    columns = {name: guessed(found.frame[name], name, table, found.places) for name in wanted}
    return found._replace(frame=_frame(columns, len(found.places)))


def _frame(columns: Mapping[str, Any], m: int) -> Any:
    import pandas

    return pandas.DataFrame(columns, index=range(m))
