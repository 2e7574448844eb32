"""The progress that `fit` shows while it trains."""

import os
import sys
import time
import warnings

# A run of more epochs than this only moves the live bar instead of filling the terminal.
_MOST_LINES_IN_TERMINAL = 100


class Progress:
    """Report finished epochs on stderr: one line each, and a live bar where that can be shown.

    With tqdm installed, a terminal gets a live bar under the lines (alone, if there are more
    than 100 epochs to come) and a notebook gets the bar alone. Files, pipes and terminals
    without tqdm get one line per epoch.

    Parameters
    ----------
    enabled : bool
        Whether to show anything at all.
    epochs : int
        How many epochs are to come.
    """

    def __init__(self, enabled, epochs):
        self._enabled = bool(enabled)
        self._epochs = epochs
        self._done = 0
        self._bar = None
        self._lines = True

    def __enter__(self):
        self._began = time.perf_counter()
        in_notebook = _in_notebook()
        if self._enabled and (in_notebook or _in_terminal()):
            bar_alone = in_notebook or self._epochs > _MOST_LINES_IN_TERMINAL
            self._bar = _live_bar(self._epochs, leave=bar_alone)
            self._lines = self._bar is None or not bar_alone
        return self

    def __exit__(self, *exception):
        if self._bar is not None:
            self._bar.close()

    def epoch_done(self, history, samples):
        """Show the last entry of `history`, of an epoch of so many samples."""
        if not self._enabled:
            return
        self._done += 1
        elapsed = time.perf_counter() - self._began
        left = _duration(elapsed / self._done * (self._epochs - self._done)) + " left"
        speed = _count(samples / max(history.seconds[-1], 1e-9)) + " samples/s"
        width = len(str(self._epochs))
        # The speed comes last: a narrow terminal cuts it off.
        line = "  ".join(
            [f"epoch {self._done:{width}}/{self._epochs}", *_measures(history), left, speed]
        )
        if self._bar is not None:
            beside_bar = f"{self._done}/{self._epochs} epochs  {left}" if self._lines else line
            self._bar.set_description_str(beside_bar, refresh=False)
            self._bar.update()
        if self._lines:
            self._write(line)

    def _write(self, line):
        try:
            if self._bar is not None:
                self._bar.write(line, file=sys.stderr)
            elif sys.stderr is not None:
                print(line, file=sys.stderr, flush=True)
        except OSError:
            # A reader that has gone away (a closed pipe) must not stop the training.
            self._enabled = False


def _measures(history):
    parts = [f"cost {history.cost[-1]:.4f}"]
    validation = []
    if len(history.validation_cost):
        validation.append(f"{history.validation_cost[-1]:.4f}")
    if len(history.validation_accuracy):
        validation.append(f"{history.validation_accuracy[-1]:.2%}")
    if validation:
        parts.append("validation " + ", ".join(validation))
    parts += [f"{name} {history.latest(name):.4g}" for name in history.metrics]
    return parts


def _count(number):
    """Write 1234567 as "1.23M", and 1e6 as "1.00M": in columns, digits should not come and go."""
    units = iter("kMGTPE")
    unit = ""
    while number >= 999.5:
        number, unit = number / 1000, next(units)
    return f"{number:#.3g}".rstrip(".") + unit


def _duration(seconds):
    """Write 75 as "1:15", and seconds below a minute as "15 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _in_notebook():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def _in_terminal():
    try:
        # Some pseudo-terminals say they are 0 wide; no bar fits in there.
        return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):
        return False  # no stderr, or a stand-in for it


def _live_bar(epochs, leave):
    """Make a tqdm bar for this terminal or notebook; None without tqdm."""
    try:
        with warnings.catch_warnings():
            # tqdm warns in notebooks without ipywidgets, and then draws its bar as text: fine.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(
        total=epochs,
        leave=leave,
        file=sys.stderr,
        bar_format="{bar:10}| {desc}",
        dynamic_ncols=True,
    )
