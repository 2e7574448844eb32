"""The table of features: whatever it says we have has a test, and all that we have is in it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.optimizers import Optimizer
from chainrule.schedules import Schedule
from chainrule.training.full_batch.cost import FullBatchOptimizer

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
HEAD = "| feature | chainrule | scikit-learn | PyTorch | Keras |"
LINK = re.compile(r'\[(?:yes|and)\]\((?P<file>\S+) "(?P<test>\w+)"\)')


def rows():
    """(feature, our cell, the others' cells) of every line of every table."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and line != HEAD:
            feature, ours, *others = (cell.strip() for cell in line.strip("|").split("|"))
            yield feature, ours, others


ROWS = list(rows())


@cache
def functions_of(path):
    """The names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("feature", "ours", "others"), [pytest.param(*row, id=row[0]) for row in ROWS]
)
def test_a_line_says_no_or_names_its_tests(feature, ours, others):
    assert len(others) == 3
    assert all(others)
    if ours == "no":
        return
    links = list(LINK.finditer(ours))
    assert links
    assert ", ".join(link[0] for link in links) == ours
    for link in links:
        path = (PAGE.parent / link["file"]).resolve()
        assert path.parent.parent == Path(__file__).parents[1]
        assert link["test"].startswith("test_")
        assert link["test"] in functions_of(path)


def test_each_feature_has_one_line():
    features = [feature for feature, _, _ in ROWS]
    assert len(set(features)) == len(features) > 100


def subclasses_exported(kind):
    return {name for name in cr.__all__ if isinstance(it := getattr(cr, name), type)
            and issubclass(it, kind)}  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        set(cr.ACTIVATIONS),
        set(cr.COSTS),
        set(cr.INITIALIZERS),
        subclasses_exported(Optimizer),
        subclasses_exported(FullBatchOptimizer),
        subclasses_exported(Schedule),
    ],
    ids=["activations", "costs", "initializers", "optimizers", "full batch", "schedules"],
)
def test_nothing_is_without_a_line(names):
    had = {
        name
        for feature, ours, _ in ROWS
        if ours != "no"
        for name in re.findall(r"`(\w+)`", feature)
    }
    assert names
    assert not names - had
