"""The progress that fit shows: lines, a live bar in terminals and notebooks, or nothing at all."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import chainrule
from chainrule import progress
from chainrule.progress import Progress
from test_history import grow


def test_progress_writes_one_line_per_epoch_where_stderr_is_no_terminal(capsys):
    with Progress(True, 12, samples_per_epoch=250_000) as shown:
        for epochs in (1, 2, 3):
            shown.epoch_done(grow(epochs))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("epoch  2/12  cost 0.5000  validation 1.0000, 75.00%  0 s left")
    assert lines[1].endswith("  1.00M samples/s")
    assert "\r" not in err


def test_progress_without_validation(capsys):
    with Progress(True, 1, samples_per_epoch=10) as shown:
        shown.epoch_done(grow(1, validation=False, accuracy=False))
    assert capsys.readouterr().err == "epoch 1/1  cost 1.0000  0 s left  40.0 samples/s\n"


def test_progress_is_silent_unless_enabled(capsys):
    with Progress(False, 1, samples_per_epoch=10) as shown:
        shown.epoch_done(grow(1))
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
        Progress(True, 2, samples_per_epoch=10) as shown,
    ):
        shown.epoch_done(grow(1))
        shown.epoch_done(grow(2))
    assert not caught
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "epoch 2/2  cost 0.5000" in err
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        del sys.modules[name]  # what was imported as in a notebook
