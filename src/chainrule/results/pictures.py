"""What the pictures have in common: axes, colors, what is documented of them, matplotlib."""

import inspect
import io
import re
from collections.abc import Callable
from typing import Any, TypeVar

BLUE, LIGHT_BLUE, ORANGE, GREY = "#1f5f99", "#7fb2dd", "#c8641e", "#d9d9d9"
FIGURE: dict[str, Any] = {"figsize": (6.4, 4.0), "layout": "constrained"}

# What every method that draws on axes documents, by the sections of its docstring.
_OF_AXES = {
    "Parameters": "ax : matplotlib Axes, optional\n"
    "    Where to draw; a new pyplot figure by default.",
    "Returns": 'ax : matplotlib Axes\n    ``ax.figure.savefig("curves.png")`` writes the picture, '
    "``matplotlib.pyplot.show()``\n    opens it.",
    "Raises": "ImportError\n    If matplotlib is not installed.",
}
_Method = TypeVar("_Method", bound=Callable)


def documents_axes(method: _Method) -> _Method:
    """Decorate a method that takes `ax` and returns it: its docstring says so, as all of them do.

    What its own sections Parameters, Returns and Raises say comes after that.
    """
    if method.__doc__:  # there is none with python -OO
        summary, *own = re.split(r"\n\n(\w+)\n-+\n", inspect.cleandoc(method.__doc__))
        sections = {title: [text] for title, text in _OF_AXES.items()}
        for title, text in zip(own[::2], own[1::2], strict=True):
            sections.setdefault(title, []).append(text)
        parts = ("\n".join([title, "-" * len(title), *texts]) for title, texts in sections.items())
        method.__doc__ = "\n\n".join([summary, *parts])
    return method


def check_matplotlib(what):
    """Raise ImportError unless matplotlib is installed, for `what` needs it."""
    try:
        import matplotlib.figure  # noqa: F401  (no pyplot: it picks a backend)
    except ImportError as error:
        raise ImportError(
            f'{what} needs matplotlib: pip install "chainrule[demo]" brings it'
        ) from error


def open_axes(ax=None):
    """Return `ax`, or the axes of a new pyplot figure; raise ImportError without matplotlib."""
    if ax is not None:
        return ax
    check_matplotlib("plot()")
    # Only here, since pyplot picks a backend for the whole process.
    from matplotlib import pyplot

    return pyplot.subplots(**FIGURE)[1]


def png_of(draw) -> bytes:
    """Return the picture that draw(ax) makes, as a PNG file; pyplot keeps no figure of it."""
    from matplotlib.figure import Figure

    figure, file = Figure(**FIGURE), io.BytesIO()
    draw(figure.subplots())
    figure.savefig(file, format="png")
    return file.getvalue()


def open_course(ax, along):
    """Return axes as `open_axes` does, ready for a course: over the epochs or steps `along` x."""
    ax = open_axes(ax)
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel(along)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=GREY, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def line_style(values):
    """Return a line's width and marker: dots show where the values are while they are few."""
    return {"marker": "o" if len(values) <= 40 else "", "markersize": 3.5, "linewidth": 1.8}
