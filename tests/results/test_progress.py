"""The progress that fit shows: lines, a live bar in terminals and notebooks, or nothing at all."""

import io
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import chainrule
from chainrule.results import progress
from chainrule.results.history import History
from chainrule.results.progress import Progress
from histories import grow


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


def test_the_time_left_counts_the_validation_and_the_speed_does_not(monkeypatch, capsys):
    """Epochs of ten seconds, of which training takes a quarter of a second."""
    seconds = iter([100.0, 110.0, 120.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(seconds))
    with Progress(True, 20) as shown:
        shown.epoch_done(grow(1), 100)
        shown.epoch_done(grow(2), 100)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[-2:] for line in lines] == [
        ["3:10 left", "400 samples/s"],
        ["3:00 left", "400 samples/s"],
    ]


def test_an_epoch_s_line_costs_no_look_at_the_epochs_before_it(monkeypatch, capsys):
    history = grow(3)

    def whole_column(self, name):
        raise AssertionError(f"all of {name} was read")

    monkeypatch.setattr(History, "__getitem__", whole_column)
    with Progress(True, 9) as shown:
        shown.epoch_done(history, 100)
    assert "cost 0.3333  validation 0.6667, 83.33%" in capsys.readouterr().err


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
    closed = io.StringIO()
    closed.close()
    for stderr in (closed, None):  # None as under pythonw
        monkeypatch.setattr(sys, "stderr", stderr)
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
    assert progress.short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (75, "1:15"),
        (3661, "1:01:01"),
        (1e6, "11 days"),
    ],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


# ---------------------------------------------------------------- in a terminal

FIT = """
import sys, time
import numpy as np, chainrule as cr

def fit(epochs, callbacks=(), **options):
    net = cr.Network([2, 2], seed=0)
    net.fit(np.eye(2), np.arange(2), epochs=epochs, progress=True, callbacks=callbacks, **options)

def after(epochs, error):
    def stop(net, history):
        if len(history) == epochs:
            raise error
    return stop
"""


def in_terminal(code, columns=80):
    """What the lines show on a terminal so many columns wide, as it is sent."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-W", "error", "-c", FIT + code]
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


def screen(shown):
    """The lines on a terminal in the end: \\r, \\n and "up" move, all else overwrites."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[A|[\r\n]|[^\r\n\x1b]+", shown):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[A":
            row -= 1
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + part + line[column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize(
    ("epochs", "tqdm", "columns", "lines", "bar"),
    [
        (3, True, 80, 3, True),
        (101, True, 80, 1, True),  # the bar alone, with the last epoch's line beside it
        (3, False, 80, 3, False),
        (3, True, 0, 3, False),
    ],
)
def test_a_terminal_gets_lines_and_a_live_bar(epochs, tqdm, columns, lines, bar):
    without = "" if tqdm else 'sys.modules["tqdm"] = sys.modules["tqdm.auto"] = None\n'
    shown = in_terminal(f"{without}fit({epochs})", columns)
    assert ("| " in shown) == bar
    left = screen(shown)
    assert len(left) == lines
    assert f"epoch {epochs}/{epochs}  cost " in left[-1]


def test_training_that_ends_early_leaves_a_full_bar():
    (line,) = screen(in_terminal("fit(10**6, after(20, cr.StopTraining))"))
    assert re.fullmatch("█{10}[|] epoch +20/1000000  cost .*  0 s left  .* samples/s", line)
    shown = screen(in_terminal("fit(50, after(20, cr.StopTraining))"))
    assert [line.split()[1] for line in shown] == [f"{epoch}/50" for epoch in range(1, 21)]


@pytest.mark.parametrize("epochs", [10, 1000])
def test_an_exception_closes_the_bar(epochs):
    shown = screen(in_terminal(f"""
from tqdm import tqdm
try:
    fit({epochs}, after(4, ValueError("mine")))
except ValueError as error:
    print(error, len(tqdm._instances))
"""))  # fmt: skip
    assert shown[-1] == "mine 0"
    assert f"epoch {4:{len(str(epochs))}}/{epochs}" in shown[-2]
    assert "██████████" not in shown[-2]  # it has not arrived


def test_without_an_epoch_nothing_is_left():
    assert in_terminal("fit(0)") == ""
    stop = "class Stop:\n    def on_batch_begin(self, batch):\n        raise cr.StopTraining\n"
    assert screen(in_terminal(stop + "fit(1000, Stop())")) == []


@pytest.mark.parametrize("epochs", [10**9, 10**400], ids=["10**9", "10**400"])
def test_epochs_beyond_counting(epochs):
    (line,) = screen(in_terminal(f"fit(10**{len(str(epochs)) - 1}, after(9, cr.StopTraining))"))
    assert re.match(f"█{{10}}[|] epoch +9/{min(epochs, sys.maxsize)}  cost ", line)


@pytest.mark.parametrize("columns", [5, 20, 40])
def test_a_bar_stays_on_its_line_of_a_narrow_terminal(columns):
    slowly = "lambda net, history: time.sleep(0.002)"
    shown = in_terminal(f"fit(101, {slowly}, validation_split=0.5)\nprint('next')", columns)
    bar, following = screen(shown)
    assert len(bar) <= columns
    assert max(map(len, re.split(r"[\r\n]+", shown))) <= columns
    assert bar[:30] == "██████████| epoch 101/101  cost "[: len(bar)][:30].rstrip()
    assert following == "next"


@pytest.mark.parametrize("epochs", [2, 200])
def test_below_a_bar_of_the_user_s(epochs):
    *lines, bar = screen(in_terminal(f"""
from tqdm import tqdm
for _ in tqdm(range(3)):
    fit({epochs})
"""))  # fmt: skip
    assert bar.startswith("100%|█")
    assert " 3/3 " in bar
    assert [line.split()[1] for line in lines] == (["1/2", "2/2"] * 3 if epochs == 2 else [])


# ---------------------------------------------------------------- in a notebook


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
