"""What the pictures have in common: colors, axes, and the message where matplotlib is missing."""

import io

BLUE, LIGHT_BLUE, ORANGE, GREY = "#1f5f99", "#7fb2dd", "#c8641e", "#d9d9d9"
FIGURE = {"figsize": (6.4, 4.0), "layout": "constrained"}


def check_matplotlib(what):
    """Raise ImportError unless matplotlib is installed, for `what` needs it."""
    try:
        import matplotlib  # noqa: F401
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


def style_course(ax, counted):
    """Make `ax` ready for a course over whole numbers: the epochs or steps `counted` along x."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel(counted)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=GREY, linewidth=0.6)
    ax.set_axisbelow(True)


def line_style(values):
    """Return a line's width and marker: dots show where the values are while they are few."""
    return {"marker": "o" if len(values) <= 40 else "", "markersize": 3.5, "linewidth": 1.8}
