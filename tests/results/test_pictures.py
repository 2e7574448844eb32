"""What all methods that draw have in common."""

import inspect
import re
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.course.descent import Descent
from chainrule.results.pictures import documents_axes
from chainrule.training.range_test import LearningRateRange
from children import python


@pytest.mark.parametrize("kind", [cr.History, Descent, LearningRateRange])
def test_every_plot_documents_its_axes(kind):
    lines = inspect.getdoc(kind.plot).splitlines()
    at = [lines.index(title) for title in ("Parameters", "Returns", "Raises")]
    assert at == sorted(at)
    assert [lines[i + 2] for i in at] == [
        "ax : matplotlib Axes, optional", "ax : matplotlib Axes", "ImportError",
    ]  # fmt: skip
    assert [lines[i + 1] for i in at] == ["-" * 10, "-" * 7, "-" * 6]


ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py")]


def test_every_example_keeps_its_picture():
    """A script that drops the axes shows nothing; the last cell of a notebook does."""
    plot = re.compile(r"\b(?:history|found|way)\.plot\((?:f=\w+)?\)(.{,15})")
    after = [rest for path in PAGES for rest in plot.findall(path.read_text(encoding="utf-8"))]
    assert len(after) >= 6
    assert {rest for rest in after if not rest.startswith("`` there")} == {".figure.savefig"}


def test_what_a_method_says_itself_comes_after_that():
    def plot(ax=None, *, f=None):
        """Draw.

        More of it.

        Parameters
        ----------
        f : callable
            What to draw.

        Examples
        --------
        >>> plot()
        """

    assert documents_axes(plot) is plot
    assert plot.__doc__ == inspect.cleandoc("""Draw.

        More of it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new pyplot figure by default.
        f : callable
            What to draw.

        Returns
        -------
        ax : matplotlib Axes
            ``ax.figure.savefig("curves.png")`` writes the picture, ``matplotlib.pyplot.show()``
            opens it.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> plot()""")


def test_the_package_needs_no_docstrings():
    python("-OO", "-c", "import chainrule")
