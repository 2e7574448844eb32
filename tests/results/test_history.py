"""History as arrays and as a picture."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import chainrule
from chainrule.results.history import History
from histories import finish_epoch, grow


def test_columns_are_plain_arrays_with_an_entry_per_epoch():
    history = grow(3, first=5)
    np.testing.assert_array_equal(history.epoch, [5, 6, 7])
    np.testing.assert_array_equal(history.cost, [1 / 6, 1 / 7, 1 / 8])
    np.testing.assert_array_equal(history.learning_rate, [1 / 48, 1 / 56, 1 / 64])
    np.testing.assert_array_equal(history.seconds, [0.25] * 3)
    np.testing.assert_array_equal(history.validation_cost, [2 / 6, 2 / 7, 2 / 8])
    np.testing.assert_array_equal(history.validation_accuracy, [1 - 0.5 / e for e in (6, 7, 8)])
    assert history.epoch.dtype == np.int64
    for name in ("cost", "learning_rate", "seconds", "validation_cost", "validation_accuracy"):
        assert type(history[name]) is np.ndarray
        assert history[name].dtype == np.float64
        np.testing.assert_array_equal(history[name], getattr(history, name))


def test_columns_that_were_handed_out_stay_as_they_are():
    history = grow(2)
    cost = history.cost
    finish_epoch(history, 7.0, 1.0)
    cost[:] = -1
    np.testing.assert_array_equal(history.cost, [1, 0.5, 7])


def test_reads_like_a_mapping_of_the_columns_that_have_values():
    history = grow(2, accuracy=False)
    columns = ["epoch", "cost", "learning_rate", "seconds", "validation_cost"]
    assert list(history) == history.keys() == columns
    assert dict(history).keys() == set(history)
    assert history["validation_accuracy"].shape == (0,)
    assert len(history) == 2
    with pytest.raises(KeyError, match=r"expected one of epoch, cost, .* got 'loss'"):
        history["loss"]


def test_repr_says_how_far_it_went():
    assert repr(History()) == "<History: no epoch finished>"
    assert repr(grow(1, validation=False, accuracy=False)) == ("<History: 1 epoch, cost 1, 0.25 s>")
    assert repr(grow(4)) == (
        "<History: 4 epochs, cost 0.25, validation cost 0.5, validation accuracy 87.50%, 1 s>"
    )


def test_of_a_fit_goes_on_counting_and_is_kept_by_the_network():
    X, y = np.eye(4), np.arange(4)
    net = chainrule.Network([4, 4], seed=0)
    assert list(net.fit(X, y, epochs=2).epoch) == [0, 1]
    history = net.fit(X, y, epochs=3, validation_data=(X, y))
    assert list(history.epoch) == [2, 3, 4]
    assert net.history is history
    assert history.validation_accuracy[-1] == net.evaluate(X, y)["accuracy"]
    assert history.validation_cost[-1] == net.evaluate(X, y)["cost"]
    assert np.all(history.seconds > 0)


@pytest.mark.parametrize("accuracy", [True, False])
@pytest.mark.parametrize("validation", [True, False])
def test_plot_draws_each_curve(validation, accuracy):
    history = grow(5, validation=validation, accuracy=accuracy)
    given = Figure().subplots()
    ax = history.plot(given)
    assert ax is given
    assert ax.get_xlabel() == "epoch"
    assert ax.get_ylabel() == "cost per sample"
    curves = {line.get_label(): line for a in ax.figure.axes for line in a.lines}
    expected = {"training cost": history.cost}
    if validation:
        expected["validation cost"] = history.validation_cost
    if accuracy:
        expected["validation accuracy"] = 100 * history.validation_accuracy
        assert ax.figure.axes[1].get_ylabel() == "accuracy (%)"
    assert curves.keys() == expected.keys()
    for label, values in expected.items():
        np.testing.assert_array_equal(curves[label].get_xdata(), history.epoch)
        np.testing.assert_array_equal(curves[label].get_ydata(), values)
    legend = ax.figure.axes[0].get_legend()
    shown = [text.get_text() for text in legend.get_texts()] if legend else ["training cost"]
    assert shown == list(expected)
    ax.figure.canvas.draw()


def test_plot_makes_a_figure_of_its_own():
    before = pyplot.get_fignums()
    ax = grow(2).plot()
    assert len(pyplot.get_fignums()) == len(before) + 1
    pyplot.close(ax.figure)


def test_plot_of_nothing():
    with pytest.raises(ValueError, match="at least one finished epoch"):
        History().plot()


def test_plot_names_the_extra_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[demo\]"'):
        grow(1).plot()
