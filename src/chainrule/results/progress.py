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
        How many epochs there are in all.
    done : int, default 0
        How many of these are done before it begins.
    """

    def __init__(self, enabled, epochs, done=0):
        self._enabled = bool(enabled) and epochs > done
        self._epochs = min(epochs, sys.maxsize)  # the time left of more is beyond all floats
        self._before = self._done = done
        self._bar = None
        self._lines = True

    def __enter__(self):
        self._began = time.perf_counter()
        notebook = in_notebook()
        if self._enabled and (notebook or in_terminal()):
            bar_alone = notebook or self._epochs - self._before > _MOST_LINES_IN_TERMINAL
            leave = True if notebook else None if bar_alone else False  # None: not below others
            bar = "{bar}" if notebook else "{bar:10}"
            self._bar = live_bar(self._epochs, self._before, leave, bar)
            self._lines = self._bar is None or not bar_alone
        return self

    def __exit__(self, kind, *_):
        if self._bar is None:
            return
        if self._done == self._before:
            self._bar.leave = False
        elif kind is None and self._done < self._epochs and not self._lines:  # early, and well
            self._bar.reset(total=self._done)
            self._bar.set_description_str(self._line(left=0), refresh=False)
            self._bar.update(self._done)
        self._bar.close()

    def epoch_done(self, history, n_samples):
        """Show the last entry of `history`, of an epoch of so many samples."""
        if not self._enabled:
            return
        self._done += 1
        self._history, self._n_samples = history, n_samples
        elapsed = time.perf_counter() - self._began
        left = elapsed / (self._done - self._before) * (self._epochs - self._done)
        line = self._line(left)
        if self._bar is not None:
            epochs = f"{self._done}/{self._epochs} epochs  {duration(left)} left"
            self._bar.set_description_str(epochs if self._lines else line, refresh=False)
            self._bar.update()
        if self._lines:
            self._enabled = say(line, print if self._bar is None else self._bar.write)

    def _line(self, left):
        """Return what is told of the last epoch, `left` seconds before the end."""
        history = self._history
        width = len(str(self._epochs))
        speed = short(self._n_samples / max(history.latest("seconds"), 1e-9))
        # The speed comes last: a narrow terminal cuts it off.
        parts = [f"epoch {self._done:{width}}/{self._epochs}", *_measures(history)]
        return "  ".join([*parts, f"{duration(left)} left", f"{speed} samples/s"])


def say(text, write=print):
    """Write lines to stderr, and return whether it can be written to: training goes on if not."""
    if sys.stderr is None or getattr(sys.stderr, "closed", False):
        return False
    try:
        write(text, file=sys.stderr)
        sys.stderr.flush()
    except OSError:  # a reader that has gone away, as of a closed pipe
        return False
    return True


def _measures(history):
    parts = [f"cost {history.latest('cost'):.4f}"]
    kinds = {"validation_cost": ".4f", "validation_accuracy": ".2%"}
    validation = [f"{history.latest(kind):{style}}" for kind, style in kinds.items()
                  if kind in history]  # fmt: skip
    if validation:
        parts.append("validation " + ", ".join(validation))
    parts += [f"{name} {history.latest(name):.4g}" for name in history.metrics]
    return parts


def short(number):
    """Write 1234567 as "1.23M", and 1e6 as "1.00M": in columns, digits should not come and go."""
    units = iter("kMGTPE")
    unit = ""
    while number >= 999.5:
        number, unit = number / 1000, next(units)
    return f"{number:#.3g}".rstrip(".") + unit


def duration(seconds):
    """Write 75 as "1:15", and less than a minute as "15 s", and 1e6 as "11 days"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def in_notebook():
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def in_terminal():
    """Whether there is a terminal on the other side of stderr, of some width."""
    try:
        # Some pseudo-terminals say they are 0 wide; no bar fits in there.
        return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):
        return False  # no stderr, or a stand-in for it


def live_bar(epochs, done, leave, bar):
    """Make a tqdm bar for this terminal or notebook; None without tqdm.

    tqdm puts a notebook's widget in the place of "{bar}", and of that alone.
    """
    try:
        with warnings.catch_warnings():
            # tqdm warns in notebooks without ipywidgets, and then draws its bar as text: fine.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(
        total=epochs,
        initial=done,
        leave=leave,
        file=sys.stderr,
        bar_format=bar + "| {desc}",
        dynamic_ncols=True,
    )
