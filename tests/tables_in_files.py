"""What the tests of the commands on tables share: the penguins, models of them, and a call."""

import csv
import io
import re
from pathlib import Path

from chainrule.__main__ import main

PENGUINS = Path(__file__).parents[1] / "docs" / "penguins.csv"
FAST = ["--preset", "fast"]


def run(capsysbinary, *arguments):
    """Return what the command printed, which has to succeed."""
    status = main([*map(str, arguments)])
    out, err = capsysbinary.readouterr()
    assert status == 0, err
    return out.decode()


def refused(capsysbinary, *arguments):
    """Return the one line on stderr of a command that has to refuse what it is given."""
    status = main([*map(str, arguments)])
    err = capsysbinary.readouterr().err.decode()
    assert status == 2
    (line,) = [each for each in err.splitlines() if each.startswith("chainrule: error: ")]
    assert err.endswith(f"{line}\n")
    return line.removeprefix("chainrule: error: ")


def rows_of(text):
    """The rows of CSV text, each as a dict."""
    return list(csv.DictReader(io.StringIO(text)))


def figures(text):
    """The numbers that stand behind words at the beginning of lines."""
    found = re.findall(r"^(accuracy|guessing|log loss|RMSE|MAE|R²) +([\d.-]+)(%?)", text, re.M)
    return {name: float(number) / (100 if percent else 1) for name, number, percent in found}


def write(path, text):
    """Write a file of text in UTF-8, or of bytes."""
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


def train(target, path):
    """Train a model of the penguins quickly."""
    assert main(["train", str(PENGUINS), "--target", target, "-o", str(path), *FAST]) == 0
    return path
