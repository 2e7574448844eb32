"""The picture of what counts most in an answer."""

import numpy as np
import pytest

from chainrule.results.strongest import draw_strongest

figure = pytest.importorskip("matplotlib.figure")
NAMES = [f"column {k}" for k in range(12)]


def bars_of(ax):
    labels = [label.get_text() for label in ax.get_yticklabels()]
    return dict(zip(labels, [bar.get_width() for bar in ax.patches], strict=True))


def test_of_many_rows_it_shows_the_mean_size():
    added = np.outer([1, -1, 1], np.linspace(-3, 2, 12))
    given = figure.Figure().subplots()
    ax = draw_strongest(NAMES, added, given)
    assert ax is given
    bars = bars_of(ax)
    order = sorted(range(12), key=lambda k: -abs(added[0, k]))[:10]
    assert list(bars) == [NAMES[k] for k in order]
    np.testing.assert_allclose(list(bars.values()), np.abs(added[0, order]))
    bottom, top = ax.get_ylim()
    assert bottom > top  # the strongest on top
    assert ax.get_xlabel() == "added to the answers, mean size"
    ax.figure.canvas.draw()


def test_of_one_row_it_shows_the_signs():
    added = np.array([[0.5, -2.0, 1.0]])
    ax = draw_strongest(NAMES, added, figure.Figure().subplots(), most=2)
    assert bars_of(ax) == {"column 1": -2, "column 2": 1}
    assert len({bar.get_facecolor() for bar in ax.patches}) == 2
    assert ax.get_xlabel() == "added to the answer"
