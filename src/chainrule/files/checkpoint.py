"""Checkpoints: a training that goes on where the process that began it was killed."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Any, TypeVar

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_flag
from chainrule.checks.other_tools import OF_CHECKPOINT
from chainrule.doctor.visit import run
from chainrule.files import record as records
from chainrule.files.formulas import is_kept
from chainrule.files.model_file import read_network, write_network
from chainrule.files.objects import CALLBACKS
from chainrule.model.model import Model
from chainrule.results.history import History
from chainrule.results.whole_file import check_place, write_whole
from chainrule.training.callbacks import Callbacks, check_state, keeps_state
from chainrule.training.fit import prepare
from chainrule.training.fit_options import OPTIONS, FitOptions
from chainrule.training.monitor import Monitor
from chainrule.training.plateau import fingerprint

Net = TypeVar("Net", bound=Model)

FIELDS: dict[str, type] = {
    "over": bool,  # whether training has come to its end
    "options": dict,  # those of `fit` that were given, and
    "again": list,  # the names of those that a file cannot hold
    "callbacks": list,  # of each its class, its settings or None, its state or None
    "history": dict,
    "samples": list,  # how many, and their checksum; empty where that is not known
}


@known_options(OF_CHECKPOINT)
class Checkpoint:
    """A callback that writes the training to a file after each epoch, for `resume` to go on with.

    The file has the network and all else that the fit goes by: the options, but for data and
    functions, the history, and what the callbacks have seen. It is a model file too, which `load`
    reads. It is written whole, or the one before stays: wherever the process is killed, a file is
    there, and training goes on from it to the same bytes as one that was never killed.

    Parameters
    ----------
    path : str or path object
        Of the latest. An old file there is replaced after the first epoch.
    every : int, default 1
        Write after every so many epochs; in any case when training ends, and when it is
        interrupted (Ctrl-C) between two epochs that the callbacks have seen, or within one.
    keep : int, default 1
        How many to keep: the latest, and of those before it the newest, named by the number of
        their last epoch, ``run.17.npz`` for a path ``run.npz``.
    monitor : str, optional
        A figure of the history, by which the best of those written is kept too, ``run.best.npz``.
    sigterm : bool, default False
        While training, take the signal SIGTERM, by which clusters announce the end, for Ctrl-C: the
        epoch it interrupts is undone, the last finished one written. For fits in the main thread.
    larger_is_better : bool, optional
        Of `monitor`: needed for metrics, else by the figure.

    Attributes
    ----------
    best : float or None
        The best figure of those written.

    Notes
    -----
    Whatever its place among the callbacks, it comes after the others, so that it has what they have
    seen. A callback of your own that goes by the epochs before has a method ``state()``, which
    returns numbers, names, arrays, lists and dicts of them, and ``resume(state)``, which gets them
    back after on_train_begin; and is given to `resume` again.

    An epoch that ends while a file cannot be written (a full disk, say) ends training with that
    error; the file before is still there. An error of training itself, as a cost that is no longer
    finite, leaves the last file as it is.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, y = np.eye(4), np.array([0.0, 1.0, 0.0, 1.0])
    >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
    >>> net = cr.Network([4, 3, 1], seed=0)
    >>> history = net.fit(X, y, epochs=2, callbacks=cr.Checkpoint(path))
    >>> len(cr.resume(path, X, y, epochs=5))
    5
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int = 1,
        keep: int = 1,
        monitor: str | None = None,
        sigterm: bool = False,
        *,
        larger_is_better: bool | None = None,
    ):
        self.path = os.fspath(path)
        self.every = check_count("every", every, least=1)
        self.keep = check_count("keep", keep, least=1)
        self.sigterm = check_flag("sigterm", sigterm)
        self._monitor = None
        if monitor is not None:
            self._monitor = Monitor(type(self).__name__, monitor, larger_is_better)
        elif larger_is_better is not None:
            raise ValueError("larger_is_better is of a figure: give monitor too")
        self._begin()

    def _begin(self) -> None:
        self.best: float | None = None
        self._older: list[int] = []  # the last epochs of those that are kept
        self._written: int | None = None  # the last epoch of the file, and
        self._last: int | None = None  # of that which is about to be written
        self._seen = 0  # how many epochs the callbacks have seen
        self._fails = self._is_stopping = False
        self._handler: Any = None

    @property
    def monitor(self) -> str | None:
        """The figure by which the best is kept."""
        return None if self._monitor is None else self._monitor.figure

    @property
    def larger_is_better(self) -> bool | None:
        """Whether more of it is better, if that was given."""
        return None if self._monitor is None else self._monitor.larger_is_better

    def settings(self) -> dict[str, Any]:
        """Return what another like this is made of, but for the path."""
        names = ("every", "keep", "monitor", "sigterm", "larger_is_better")
        return {name: getattr(self, name) for name in names}

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of those before it."""
        return {"best": self.best, "older": self._older, "last": self._last}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on with what `state` returned."""
        check_state(state, best=(float, type(None)), older=list, last=int)
        self.best, self._written = state["best"], state["last"]
        self._older = [check_count("the epoch of a checkpoint", n, 0) for n in state["older"]]

    def check_history(self, history: History) -> None:
        """Check that the figure will come, before training begins."""
        if self._monitor is not None:
            self._monitor.check(history)

    def join_training(self, training: Any, given: FitOptions) -> None:
        """Take what is the same in all files of a training; refuse what could not be written."""
        check_place(self.path)
        if self.sigterm and threading.current_thread() is not threading.main_thread():
            raise ValueError(
                "Checkpoint(sigterm=True) is for fits in the main thread, which alone gets "
                "signals; this is another"
            )
        self._options = training.options
        samples = training.samples
        same = [] if samples is None else fingerprint(samples).tolist()
        self._fixed = {**_kept_options(given), "samples": same}

    def on_train_begin(self, net: Model) -> None:
        """Begin anew; from here on SIGTERM is Ctrl-C, if it is to be."""
        self._begin()
        if self.sigterm:
            self._handler = signal.signal(signal.SIGTERM, self._terminate) or signal.SIG_DFL

    def _terminate(self, *_: Any) -> None:
        if not self._is_stopping:  # once: what comes then is writing the file
            self._is_stopping = True
            raise KeyboardInterrupt("SIGTERM")

    def on_epoch_end(self, net: Model, history: History) -> None:
        """Write, after every so many epochs."""
        self._seen = len(history)
        if len(history) % self.every == 0:
            self._write(net, history)

    def on_train_end(self, net: Model, history: History) -> None:
        """Write how training has ended."""
        limit = self._options.max_seconds
        self._write(net, history, over=limit is None or not limit.has_passed)

    def mend(self, net: Model) -> None:
        """Leave the file as it is: an exception ends training."""
        self._fails = True

    def leave_training(self, net: Model, history: History) -> None:
        """Write what is finished and is not in the file yet; SIGTERM is as it was before."""
        try:
            is_behind = self._seen and self._written != net.epochs_trained - 1
            if is_behind and self._seen == len(history) and not self._fails:
                self._write(net, history)
        finally:
            if self._handler is not None:
                signal.signal(signal.SIGTERM, self._handler)
                self._handler = None

    def _write(self, net: Model, history: History, over: bool = False) -> None:
        self._last = net.epochs_trained - 1
        if self.keep > 1 and self._written not in (None, self._last):
            self._keep_latest()
        is_best = self._monitor is not None and self._is_best(history)
        fields = {
            **self._fixed,
            "over": over,
            "callbacks": [list(astuple(_Kept.of(each))) for each in self._options.callbacks.given],
            "history": history.state(),
        }
        record = records.written(fields)
        write_network(net, self.path, record)
        self._written = self._last
        if is_best:
            write_network(net, self._beside("best"), record)
        while len(self._older) > self.keep - 1:
            oldest = self._beside(str(self._older.pop(0)))
            if os.path.exists(oldest):
                os.unlink(oldest)

    def _is_best(self, history: History) -> bool:
        """Whether the last epoch is the best of those written; `best` is then its figure."""
        assert self._monitor is not None
        figure = history.latest(self._monitor.figure)
        if figure is None or not self._monitor.is_better(figure, self.best):
            return False
        self.best = figure
        return True

    def _keep_latest(self) -> None:
        """Keep the file that is to be replaced, by the number of its last epoch."""
        assert self._written is not None
        try:
            with open(self.path, "rb") as latest:
                content = latest.read()
        except FileNotFoundError:  # someone has moved it
            return
        write_whole(self._beside(str(self._written)), lambda file: file.write(content))
        self._older.append(self._written)

    def _beside(self, what: str) -> str:
        stem, suffix = os.path.splitext(self.path)
        return f"{stem}.{what}{suffix}"

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"Checkpoint({self.path!r}, {settings})"


_CALLBACKS = CALLBACKS | {"Checkpoint": Checkpoint}  # which goes on in the file it is read from


@dataclass(frozen=True)
class Resumable:
    """What a checkpoint had: a fit, and how far it has come."""

    net: Any
    options: Any  # those of fit, and those given again
    states: list[Any]  # of its callbacks
    samples: list[Any]
    history: History
    is_over: bool

    def run(self, X: Any, y: Any) -> History:
        """Train for the epochs that remain, and return the history of all."""
        training = prepare(self.net, X, y, self.options, self.history)
        found = [] if training.samples is None else fingerprint(training.samples).tolist()
        if self.samples and found != self.samples:
            raise ValueError(
                "X and y must be the samples that the checkpoint was trained on, "
                f"{self.samples[0]} with the same targets and weights; got {found[0]} or others. "
                "To train on others: net = chainrule.load(path), then net.fit(...)"
                if found
                else "X and y must be the arrays that the checkpoint was trained on; got batches"
            )
        training.options.callbacks.go_on_from(self.states)
        return run(training)


def read_checkpoint(
    path: str | os.PathLike[str],
    make: Callable[..., Net],
    own: Mapping[str, object] | None,
    again: dict[str, Any],
) -> Resumable:
    """Return what `resume` goes on with.

    Parameters
    ----------
    path, make, own
        As `read_network` takes them.
    again : dict of str to object
        The options that are given again.
    """
    net, record, arrays = read_network(path, make, own)
    if record is None or "over" not in record:
        raise ValueError(
            f"{path} is no checkpoint: it is without the training that Checkpoint(path) keeps; "
            "net = chainrule.load(path), then net.fit(...)"
        )
    try:
        fields = records.fields_of(record, arrays, FIELDS)
        history = History.of(fields["history"])
        kept = [_Kept(*each) for each in fields["callbacks"]]
        options = _options_of(fields, again, kept)
        if "callbacks" not in again:
            options["callbacks"] = [each.made(path) for each in kept]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} cannot be resumed: {error}") from error
    net.history = history
    states = [each.state for each in kept]
    is_over = fields["over"] and "epochs" not in again
    return Resumable(net, options, states, fields["samples"], history, is_over)


def _kept_options(given: FitOptions) -> dict[str, Any]:
    """Return of the options of a fit what a file holds, and the names of the others."""
    held, others = {}, []
    for name, value in given.items():
        if name in ("callbacks", "comm") or value is None:  # any ranks may go on
            continue
        if name == "optimizer":  # it is the network's
            if not is_kept(value):
                others.append(name)
        elif OPTIONS[name].again or not records.is_plain(value):
            others.append(name)
        else:
            held[name] = value
    return {"options": held, "again": others}


def _options_of(fields: dict, again: dict[str, Any], kept: list["_Kept"]) -> dict[str, Any]:
    """Return the options of a fit that goes on: what a file held, and what is given again."""
    missing = [str(name) for name in fields["again"] if name not in again]
    if "callbacks" in again:
        names = [_name_of(each) for each in Callbacks(again["callbacks"]).given]
        if names != [each.name for each in kept]:
            raise ValueError(
                "callbacks must be those of the fit, in their order, "
                f"[{', '.join(str(each.name) for each in kept)}]; got [{', '.join(names)}]"
            )
    elif not all(each.is_known for each in kept):
        missing.append("callbacks")
    if missing:
        others = [str(each.name) for each in kept if not each.is_known]
        which = f" (all of them; a file does not hold {', '.join(others)})" if others else ""
        raise ValueError(
            f"{', '.join(missing)} cannot be in a file, being data, functions or paths of your "
            f"own. Give what the fit had{which}: chainrule.resume(path, X, y, "
            f"{', '.join(f'{name}=...' for name in missing)})"
        )
    options = fields["options"] | again
    if unknown := options.keys() - OPTIONS.keys():
        raise ValueError(f"expected options of fit, got {', '.join(sorted(map(str, unknown)))}")
    return options


@dataclass(frozen=True)
class _Kept:
    """What a file keeps of a callback."""

    name: str
    settings: dict[str, Any] | None
    state: dict[str, Any] | None

    @classmethod
    def of(cls, callback: Any) -> "_Kept":
        kind = type(callback)
        is_known = _CALLBACKS.get(kind.__name__) is kind
        state = callback.state() if keeps_state(callback) else None
        if not records.is_plain(state):
            raise TypeError(
                f"what {kind.__name__}.state() returns must hold numbers, strings, arrays, lists "
                f"and dicts alone, for a file; got {state!r:.200}"
            )
        return cls(_name_of(callback), callback.settings() if is_known else None, state)

    @property
    def is_known(self) -> bool:
        return self.settings is not None and self.name in _CALLBACKS

    def made(self, path: Any) -> Any:
        """Return one like it; a `Checkpoint` goes on in the file it is read from."""
        kind = _CALLBACKS[self.name]
        return kind(*([path] if kind is Checkpoint else []), **(self.settings or {}))


def _name_of(callback: Any) -> str:
    name = getattr(callback, "__name__", None)
    return name if isinstance(name, str) else type(callback).__name__
