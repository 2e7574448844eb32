"""The picture of what `chainrule train` has come to: how right the answers are, and by what."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.command.models import Asked
from chainrule.command.scores import ClassScore, score_of
from chainrule.results.pictures import BLUE, GREY, ORANGE
from chainrule.results.strongest import draw_strongest
from chainrule.results.whole_file import write_whole

FORMATS = ("png", "svg", "pdf")
ROWS = 200  # that attributions are asked of
DOTS = 5000
MOST_CLASSES = 20  # whose names stand at the axes
LETTERS = 16


def draw(path: str, asked: Asked, frame: Any, target: Any, rows: str) -> None:
    """Write a picture: confusions, or predicted against true, and the strongest columns.

    Parameters
    ----------
    path : str
        Its ending says which of `FORMATS`.
    asked : Asked
        Of a table's model.
    frame : pandas.DataFrame (m, columns)
    target : pandas.Series (m,)
    rows : str
        Which ones these are.
    """
    # Not pyplot: this one needs no screen and changes nothing in the process.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=150, layout="constrained")
    answers, columns = figure.subplots(1, 2)
    score: Any = score_of(asked.classes)
    said = asked.predict(frame)
    score.add(target.to_numpy(), said, None)
    if isinstance(score, ClassScore):
        _draw_confusion(answers, score)
        answers.set_title(f"{score.accuracy:.1%} right, on {rows}")
    else:
        _draw_values(answers, target.to_numpy(np.float64), said, str(target.name))
        answers.set_title(f"RMSE {score.rmse:.4g}, on {rows}")
    some = frame.iloc[np.linspace(0, len(frame) - 1, min(ROWS, len(frame))).astype(int)]
    names = [str(name) for name in frame.columns]
    draw_strongest(names, asked.model.attributions(some), columns)
    columns.set_title("the columns that count most")
    picture = io.BytesIO()
    figure.savefig(picture, format=_format_of(path))
    write_whole(path, lambda file: file.write(picture.getvalue()))


def check_picture(path: str) -> None:
    """Raise ValueError for a name that ends as no picture does."""
    if _format_of(path) not in FORMATS:
        raise ValueError(f"a picture ends with one of .{', .'.join(FORMATS)}; got {path!r}")


def _format_of(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _draw_confusion(ax: Any, score: ClassScore) -> None:
    """Draw how often each class was answered with each, darker by the share of the true class."""
    counts = score.confusion
    if counts is None:
        ax.set_axis_off()
        return
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    k = len(counts)
    if k <= MOST_CLASSES:
        names = [
            name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in score.called
        ]
        upright = max(map(len, names)) * k <= 40
        ax.set_xticks(
            range(k), names, rotation=0 if upright else 60, ha="center" if upright else "right"
        )
        ax.set_yticks(range(k), names)
        for (i, j), n in np.ndenumerate(counts):
            if n:
                ax.text(j, i, f"{n:,}", ha="center", va="center", fontsize=11 if k < 8 else 7,
                        color="white" if shares[i, j] > 0.5 else "black")  # fmt: skip
    else:
        ax.set_xticks([])
        ax.set_yticks([])
    which = "" if k <= MOST_CLASSES else f", {k} classes in their order"
    ax.set_xlabel(f"answer{which}")
    ax.set_ylabel(f"true{which}")


def _draw_values(ax: Any, truth: NDArray[Any], said: NDArray[Any], name: str) -> None:
    some = np.linspace(0, len(truth) - 1, min(DOTS, len(truth))).astype(int)
    low, high = min(truth.min(), said.min()), max(truth.max(), said.max())
    ax.plot([low, high], [low, high], color=ORANGE, linewidth=1.2, zorder=1)
    ax.scatter(truth[some], said[some], s=14 if len(some) < 1000 else 5, color=BLUE, alpha=0.6,
               linewidths=0, zorder=2)  # fmt: skip
    ax.set_xlabel(f"true {name}")
    ax.set_ylabel(f"predicted {name}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=GREY, linewidth=0.6)
    ax.set_axisbelow(True)
