"""The history as a CSV file: whole at the end, or line by line while training goes on.

A line per epoch; a column per figure, and one per layer of those that are recorded by layer
(delta_norm_2 ... delta_norm_L, saturation_2 ... saturation_L). Numbers are written so that reading
them gives the same bits; what an epoch lacks is ``nan``.
"""

import csv
import io
import os
from os import PathLike

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag
from chainrule.results.whole_file import write_whole


def write_csv(history, path: str | PathLike):
    """Write the file `path`, all of it or nothing; `History.to_csv` documents it."""
    lines = [_line(history.figures(i)) for i in range(len(history))]
    text = _line(history.figure_names()) + "".join(lines)
    write_whole(path, lambda file: file.write(text.encode()))


@known_options()
class CSVLog:
    r"""A callback that adds a line to a CSV file after each epoch.

    The file has what `History.to_csv` would write so far. A line is added by one call of the
    operating system, so that an interruption leaves whole lines; an epoch whose training was
    interrupted has none.

    Parameters
    ----------
    path : str or path object
        Begun anew by each `fit`, with the line of names.
    append : bool, default False
        Go on with the file where there is one, if it has the same names: for a `fit` that continues
        another. Where `resume` goes on with a fit, the lines of its epochs are written anew, those
        of the checkpoint, so that none is there twice.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import chainrule as cr
    >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
    >>> net = cr.Network([2, 1], seed=0)
    >>> history = net.fit(np.eye(2), np.ones(2), epochs=3, callbacks=cr.CSVLog(path))
    >>> with open(path) as file:
    ...     len(file.readlines()), file.seek(0), file.readline()
    (4, 0, 'epoch,cost,learning_rate,seconds\n')
    """

    def __init__(self, path: str | PathLike, append: bool = False):
        self.path = os.fspath(path)
        self.append = check_flag("append", append)

    def check_history(self, history):
        """Check that the names of a file to go on with are the same, before training begins."""
        if not self._goes_on():
            return
        names = _line(history.figure_names()).encode()
        with open(self.path, "rb") as file:
            found = file.readline()
        if found != names:
            raise ValueError(
                f"{self.path} has other columns: {found.decode(errors='replace').strip()}; "
                f"this training writes {names.decode().strip()}. Give another path, or "
                "append=False to begin the file anew"
            )

    def on_train_begin(self, net):
        """Write the names, if the file does not go on, and what a resumed fit has so far."""
        history = net.history
        self.check_history(history)
        goes_on = self._goes_on()
        if goes_on and not len(history):
            return
        lines = self._before(history) if goes_on else _line(history.figure_names()).encode()
        lines += b"".join(_line(history.figures(i)).encode() for i in range(len(history)))
        with open(self.path, "wb") as file:
            file.write(lines)

    def _before(self, history):
        """Return the names, and the lines of the epochs before those of a history."""
        with open(self.path, "rb") as file:
            names, *lines = file.readlines()
        return names + b"".join(
            line for line in lines if int(line.partition(b",")[0]) < history.first_epoch
        )

    def _goes_on(self):
        return self.append and os.path.exists(self.path) and os.path.getsize(self.path) > 0

    def on_epoch_end(self, net, history):
        """Add the line of the last epoch."""
        line = _line(history.figures(len(history) - 1)).encode()
        with open(self.path, "ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            written = file.write(line)
            if written != len(line):
                file.truncate(end)
                raise OSError(f"{self.path}: wrote {written} of {len(line)} bytes of a line")

    def __repr__(self):
        return f"CSVLog({self.path!r}, append={self.append})"


def _line(values) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
