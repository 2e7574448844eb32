"""History as arrays and as a picture, and the progress that is shown while it grows."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import chainrule
from chainrule import progress
from chainrule.history import History
from chainrule.progress import Progress


def grow(epochs, *, first=0, validation=True, accuracy=True):
    measures = ["validation_cost"] * validation + ["validation_accuracy"] * accuracy
    history = History(first, measures)
    for epoch in range(first, first + epochs):
        finish_epoch(history, 1.0 / (epoch + 1), 0.25)
        scores = (2.0 / (epoch + 1), 1 - 0.5 / (epoch + 1))[not validation :]
        history.measure(**dict(zip(measures, scores, strict=False)))
    return history


def finish_epoch(history, cost, seconds):
    """Do what the core does at the end of an epoch."""
    for column, figure in zip(history.core_columns[:3], (cost, cost / 8, seconds), strict=True):
        column.append(figure)


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


def test_progress_writes_one_line_per_epoch_where_stderr_is_no_terminal(capsys):
    with Progress(True, 12) as shown:
        for epochs in (1, 2, 3):
            shown.epoch_done(grow(epochs), 250_000)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("epoch  2/12  cost 0.5000  validation 1.0000, 75.00%  0 s left")
    assert lines[1].endswith("  1.00M samples/s")
    assert "\r" not in err


def test_progress_without_validation(capsys):
    with Progress(True, 1) as shown:
        shown.epoch_done(grow(1, validation=False, accuracy=False), 10)
    assert capsys.readouterr().err == "epoch 1/1  cost 1.0000  0 s left  40.0 samples/s\n"


def test_progress_is_silent_unless_enabled(capsys):
    with Progress(False, 1) as shown:
        shown.epoch_done(grow(1), 10)
    X, y = np.eye(2), np.arange(2)
    chainrule.Network([2, 2], seed=0).fit(X, y, epochs=2)
    assert capsys.readouterr() == ("", "")


def test_fit_shows_progress(capsys):
    X, y = np.eye(2), np.arange(2)
    chainrule.Network([2, 2], seed=0).fit(X, y, epochs=2, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]


def test_training_goes_on_when_nobody_reads_the_progress(monkeypatch):
    class ClosedPipe:
        writes = 0

        def write(self, text):
            ClosedPipe.writes += 1
            raise BrokenPipeError

        def isatty(self):
            return False

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stderr", ClosedPipe())
    net = chainrule.Network([2, 2], seed=0)
    assert len(net.fit(np.eye(2), np.arange(2), epochs=3, progress=True)) == 3
    assert ClosedPipe.writes == 1
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    assert len(net.fit(np.eye(2), np.arange(2), epochs=3, progress=True)) == 3


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0.00"),
        (7, "7.00"),
        (999.4, "999"),
        (999.6, "1.00k"),
        (1234567, "1.23M"),
        (2e18, "2.00E"),
    ],
)
def test_counts_have_three_digits_and_a_unit(number, text):
    assert progress._count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (75, "1:15"), (3661, "1:01:01")],
)
def test_durations(seconds, text):
    assert progress._duration(seconds) == text


FIT = """
import sys
if sys.argv[2] == "no tqdm":
    sys.modules["tqdm"] = sys.modules["tqdm.auto"] = None
import numpy as np, chainrule
net = chainrule.Network([2, 2], seed=0)
net.fit(np.eye(2), np.arange(2), epochs=int(sys.argv[1]), progress=True)
"""


def in_terminal(epochs, tqdm, columns):
    """What a fit shows on a terminal so many columns wide."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-W", "error", "-c", FIT, str(epochs), tqdm]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode()


@pytest.mark.parametrize(
    ("epochs", "tqdm", "columns", "lines", "bar"),
    [
        (3, "tqdm", 80, 3, True),
        (101, "tqdm", 80, 1, True),  # the bar alone, with the last epoch's line beside it
        (3, "no tqdm", 80, 3, False),
        (3, "tqdm", 0, 3, False),
    ],
)
def test_a_terminal_gets_lines_and_a_live_bar(epochs, tqdm, columns, lines, bar):
    shown = in_terminal(epochs, tqdm, columns)
    assert f"epoch {epochs}/{epochs}  cost " in shown
    left = [line for line in shown.split("\n") if "  cost " in line]
    assert len(left) == lines
    assert ("| " in shown) == bar


def test_a_notebook_gets_the_bar_alone_and_no_warning_without_widgets(monkeypatch, capsys):
    class IPython:
        config = ("IPKernelApp",)

        @staticmethod
        def get_ipython():
            return IPython

    # tqdm warns when it is first imported in a notebook without ipywidgets.
    for name in [name for name in sys.modules if name.split(".")[0] in ("tqdm", "ipywidgets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", IPython)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    # Recorded, since tqdm takes a warning that is raised as an error for a missing notebook.
    with (
        warnings.catch_warnings(record=True, action="always") as caught,
        Progress(True, 2) as shown,
    ):
        shown.epoch_done(grow(1), 10)
        shown.epoch_done(grow(2), 10)
    assert not caught
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "epoch 2/2  cost 0.5000" in err
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        del sys.modules[name]  # what was imported as in a notebook
