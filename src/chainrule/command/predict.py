"""The command ``chainrule predict``: the answer to each row of a file, piece by piece."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from chainrule.command.csv_file import Layout
from chainrule.command.models import Asked, open_model
from chainrule.command.reading import File, check_names, check_output, opened, pieces
from chainrule.results.whole_file import write_whole

PREDICTION = "prediction"


def run_predict(
    model: str, data: str, output: str | None, proba: bool, keep: Sequence[str], layout: Layout
) -> None:
    """Write the answer to each row of a table as CSV, in the order of the rows.

    Of all rows only a piece is in memory at a time.

    Parameters
    ----------
    model : str
        Of a network, an ensemble, a table's model or an estimator, in a file.
    data : str
        A CSV or Parquet file; "-" for stdin.
    output : str or None
        The file to write, whole or not at all; stdout if not given.
    proba : bool
        Whether the probability of each class is written, too.
    keep : sequence of str
        Columns of the table that are written before the answers.
    layout : Layout
        Of a CSV file.

    Raises
    ------
    ImportError
        Without pandas.
    OSError, ValueError
        For files and columns that do not fit, by the line.
    """
    asked = Asked(open_model(model))
    if proba and not asked.gives_probabilities:
        asked.probabilities(None)  # says why there are none
    if output is not None:
        check_output(output, data, model)
    with opened(data, layout) as table:
        check_names(table, keep, "to keep")
        lines = _lines(asked, table, proba, list(keep))
        if output is None:
            _write(sys.stdout.buffer, lines)
        else:
            write_whole(output, lambda file: _write(file, lines))


def _write(file: BinaryIO, lines: Iterator[bytes]) -> None:
    for each in lines:
        file.write(each)
        file.flush()


def _lines(asked: Asked, table: File, proba: bool, keep: list[str]) -> Iterator[bytes]:
    """Yield the lines of the answers, those of a piece at once; first the names."""
    holds = asked.columns_of(table, keep)
    names = None
    for piece in pieces(table, holds, keep=keep, holes=asked.takes_holes):
        columns = _answers(asked, piece.frame, proba)
        if names is None:
            names = [*keep, *columns]
            yield _as_csv([_checked(names)])
        yield _as_csv(list(zip(*piece.kept, *columns.values(), strict=True)))
    if names is None:
        yield _as_csv([_checked([*keep, PREDICTION])])


def _answers(asked: Asked, frame: Any, proba: bool) -> dict[str, list]:
    """Return the columns of answers to the rows of a frame, by their names."""
    found = asked.predict(frame)
    if found.ndim == 1:
        columns = {PREDICTION: found}
    else:
        columns = {f"{PREDICTION}_{k + 1}": each for k, each in enumerate(found.T)}
    if asked.levels is not None:
        values = asked.quantiles(frame).T
        columns |= {f"quantile_{q:g}": each for q, each in zip(asked.levels, values, strict=True)}
    if proba:
        p = asked.probabilities(frame)
        called = range(1, p.shape[1] + 1) if asked.classes is None else asked.classes.tolist()
        columns |= {f"probability_{each}": of for each, of in zip(called, p.T, strict=True)}
    # The shortest digits that give the same number back, in its own precision.
    return {
        name: (each.astype(str) if each.dtype.kind == "f" else each).tolist()
        for name, each in columns.items()
    }


def _checked(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"the answers have a column {twice!r} of their own; leave it out of --keep"
        )
    return names


def _as_csv(rows: Sequence[Sequence]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
