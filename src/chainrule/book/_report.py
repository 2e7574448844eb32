"""Our figures beside the book's: what is within the spread of the runs, as text and as a page."""

import os
from statistics import median, stdev

import numpy as np

import chainrule
from chainrule.core import _core
from chainrule.results.whole_file import write_whole

BEGIN = "<!-- written by: python -m chainrule.book all --markdown -->"
END = "<!-- end of what is written -->"
_HEAD = ["figure", "book", "median (range)", "verdict", "s a run"]
_WIDTHS = (48, 6, 24, 8, 7)


class Result:
    """The runs of an experiment.

    Parameters
    ----------
    experiment : Experiment
    runs : list of lists of float
        For each seed a number for each figure.
    seconds : list of float
        How long each run took.
    """

    def __init__(self, experiment, runs, seconds):
        self.experiment = experiment
        self.runs = runs
        self.seconds = seconds

    def rows(self):
        """Return for each figure its name, the book's, ours, the verdict, and the least seconds."""
        form, figures = self.experiment.form, self.experiment.figures
        seconds = f"{min(self.seconds):.2g}"
        rows = []
        for (name, book), ours in zip(figures.items(), zip(*self.runs, strict=True), strict=True):
            least, middle, most = (f"{f(ours):{form}}" for f in (min, median, max))
            spread = f" ({least} – {most})" if len(ours) > 1 else ""
            rows.append([name, book, middle + spread, verdict(ours, float(book)), seconds])
            seconds = ""
        return rows


def verdict(ours, book):
    """Say whether the book's number lies "within" the spread of ours, or "differs".

    The spread goes from the least to the greatest, widened on both sides by the standard deviation
    from run to run. A single run has none: "–".
    """
    if len(ours) < 2:
        return "–"
    deviation = stdev(ours)
    return "within" if min(ours) - deviation <= book <= max(ours) + deviation else "differs"


def text_head():
    """Return the first line of the table for a terminal."""
    return _line("    " + _HEAD[0], _HEAD[1:])


def text(result):
    """Return the lines of an experiment in the table for a terminal."""
    record = result.experiment
    lines = [f"{record.id}  {record.title}", *(f"    {setting}" for setting in record.settings)]
    lines += [_line("    " + name, cells) for name, *cells in result.rows()]
    return "\n".join([*lines, f"    ({record.remark})"] if record.remark else lines)


def _line(name, cells):
    cells = zip([name, *cells], _WIDTHS, strict=True)
    return " ".join(f"{cell:<{width}}" for cell, width in cells).rstrip()


def markdown(results):
    """Return the table in Markdown, under a line that says what ran."""
    seeds = max(len(result.runs) // result.experiment.runs_per_seed for result in results)
    many = "".join(
        f", {len(result.runs)} of {result.experiment.id}"
        for result in results
        if result.experiment.runs_per_seed > 1
    )
    head = ["id", "experiment", *_HEAD, "remark"]
    table = [head, ["---"] * len(head)]
    for result in results:
        record = result.experiment
        first = [record.id, "<br>".join([record.title, *map(str, record.settings)])]
        for row in result.rows():
            table.append([*first, *row, record.remark if first[0] else ""])
            first = ["", ""]
    return "\n".join(
        [
            f"chainrule {chainrule.__version__}, SIMD {_core.simd_name()}, NumPy {np.__version__}; "
            f"{seeds} run{'s' if seeds > 1 else ''} of each"
            f"{many}, "
            f"{sum(sum(result.seconds) for result in results):.0f} s in all.",
            "",
            *(f"| {' | '.join(cells)} |" for cells in table),
        ]
    )


class Page:
    """A Markdown page whose part between two marker lines, `table`, is to be written anew.

    Raises
    ------
    OSError
        If there is no folder for it, or it cannot be read.
    ValueError
        If the page is there without the markers.
    """

    def __init__(self, path):
        self.path = path
        self.before = self.table = self.after = ""
        if not os.path.exists(path):
            folder = os.path.dirname(os.path.abspath(path))
            if not os.path.isdir(folder):
                raise FileNotFoundError(f"no folder '{folder}' to write '{path}' in")
            return
        with open(path, encoding="utf-8") as file:
            page = file.read()
        self.before, begin, rest = page.partition(BEGIN + "\n")
        table, end, self.after = rest.partition(END + "\n")
        self.table = table.strip()
        if not (begin and end):
            raise ValueError(
                f"'{path}' is there without the lines '{BEGIN}' and '{END}', between which the "
                f"table goes: add them, or name a new file"
            )

    def write(self, table):
        """Put the table between the markers; the file is written whole or not at all."""
        page = f"{self.before}{BEGIN}\n\n{table}\n\n{END}\n{self.after}"
        write_whole(self.path, lambda file: file.write(page.encode()))
