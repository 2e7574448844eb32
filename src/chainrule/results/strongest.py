"""The picture of what counts most in an answer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.results.pictures import BLUE, GREY, ORANGE, open_axes


def draw_strongest(names: Sequence[str], added: NDArray[np.float64], ax=None, most: int = 10):
    """Draw what the strongest columns have added to the answers, the strongest on top.

    Of one row the bars say it with its sign; of several, the mean of its size.

    Parameters
    ----------
    names : sequence of str
        Of the n columns.
    added : ndarray (m, n)
        What each has added in each row.
    ax : matplotlib Axes, optional
    most : int
        How many columns there are at most.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = open_axes(ax)
    size = np.abs(added).mean(axis=0)
    strongest = np.argsort(-size, kind="stable")[:most]
    lengths = (added[0] if len(added) == 1 else size)[strongest]
    places = np.arange(len(strongest))
    ax.barh(places, lengths, height=0.7, color=[ORANGE if x < 0 else BLUE for x in lengths])
    ax.set_yticks(places, [names[k] for k in strongest])
    ax.invert_yaxis()
    ax.set_xlabel("added to the answer" if len(added) == 1 else "added to the answers, mean size")
    ax.axvline(0, color="black", linewidth=0.8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GREY, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax
