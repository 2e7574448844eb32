"""`fit_many`: many networks trained at once, each to the bits that its `fit` alone comes to."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from chainrule.checks.arrays import as_numbers
from chainrule.checks.frames import is_frame
from chainrule.checks.keywords import known_options
from chainrule.checks.other_tools import OF_FIT
from chainrule.checks.sparse_rows import is_sparse
from chainrule.checks.threads import check_threads
from chainrule.checks.words import hint
from chainrule.core import _core
from chainrule.model.model import check_network
from chainrule.network import Network
from chainrule.results.history import History
from chainrule.results.progress import say
from chainrule.training.callbacks import Callbacks, keeps_state
from chainrule.training.documented_options import documents_options
from chainrule.training.endings import StopTraining
from chainrule.training.fit import prepare
from chainrule.training.fit_options import OPTIONS, FitOptions


class Histories(list[History]):
    """What `fit_many` returns: the history of each network, of the epochs that it has done.

    Attributes
    ----------
    failed : dict of int to Exception
        Of the networks whose training ended with one, by index.
    """

    def __init__(self, histories: Iterable[History], failed: dict[int, Exception]):
        super().__init__(histories)
        self.failed = failed


@known_options(OF_FIT)
@documents_options
def fit_many(
    nets: Sequence[Network],
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    **options: Unpack[FitOptions],  # pyright: ignore[reportGeneralTypeIssues]
) -> Histories:
    """Train many networks on the same X at once, on all cores, without copies or processes.

    Each comes to the same bits as by its own ``net.fit(X, y, **options)``, whatever the others do.
    While there are as many networks as cores, each has one; the last ones share the cores. A
    network that fails or diverges stops no other. Ctrl-C leaves each at its last finished epoch.

    Parameters
    ----------
    nets : sequence of Network
        Of any sizes, activations, costs, dtypes and seeds, none of them twice.
    X : array (m, n_1), frame or sparse matrix
        As in `fit`; arrays that are read in place are there once for all.
    y : array (m, n_L), or labels (m,)
        As in `fit`.
    each : sequence of dict, optional
        For each network options of its own, which count before the others, and maybe its "y".
        Callbacks that keep something of a training (`EarlyStopping`, `Checkpoint`) belong here.
        They are called in other threads than the caller's, those of one network never at once.

    Returns
    -------
    Histories
        A list of the histories; ``.failed`` has the exceptions, by index.

    Raises
    ------
    ValueError, TypeError
        For networks, data or options that do not fit, with the index, before anything changes.
    RuntimeError
        For a network that is in training elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> nets = [cr.Network([4, 8, 2], seed=seed) for seed in range(10)]
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> histories = cr.fit_many(nets, X, y, optimizer=cr.Adam(0.01), epochs=5)
    >>> len(histories), histories.failed
    (10, {})
    """
    nets = _checked_nets(nets)
    own = _checked_each(each, nets)
    _check_common(options, nets)
    X = _at_hand(X)
    cores = max(check_threads(options.pop("threads", None)))
    sweep = Sweep(cores, options.pop("progress", False))
    for k, net in enumerate(nets):
        given: Any = {**options, **own[k], "threads": max(1, cores // len(nets))}
        try:
            sweep.add(net, X, given.pop("y", y), given)
        except (ValueError, TypeError) as error:
            raise type(error)(f"nets[{k}]: {error}") from error
    return sweep.run()


class Sweep:
    """Trainings side by side, each in a thread of its own, as many at once as there are cores.

    Parameters
    ----------
    cores : int
    shows : bool
        Whether to tell of each that is over.
    """

    def __init__(self, cores: int, shows: bool):
        self._cores, self._shows = cores, shows
        self._nets: list[Network] = []
        self._trainings: list[Any] = []
        self._failed: dict[int, Exception] = {}
        self._ends: BaseException | None = None
        self._waiting: deque[int] = deque()
        self._running = 0
        self._changes = threading.Condition()

    def add(self, net: Network, X: Any, y: Any, given: Any) -> None:
        """Add the training that ``net.fit(X, y, **given)`` is, all checked."""
        turn = _Turn(self)
        callbacks = [*Callbacks(given.get("callbacks")).given, turn]
        turn.training = prepare(net, X, y, {**given, "callbacks": callbacks})
        self._nets.append(net)
        self._trainings.append(turn.training)

    def run(self) -> Histories:
        """Train all, the longest first, so that none is left over alone for long."""
        self._left, self._began = len(self._nets), perf_counter()
        order = sorted(range(len(self._nets)), key=lambda k: -_work(self._trainings[k]))
        self._waiting = deque(order)
        threads = [
            threading.Thread(target=self._train_some) for _ in range(min(self._cores, len(order)))
        ]
        while not self._is_over():
            try:
                while threads:
                    threads.pop().start()
                with self._changes:
                    self._changes.wait_for(self._is_over)
            except BaseException as error:  # Ctrl-C: each ends with its epoch, no other begins
                self._ends = error
        if self._ends:
            raise self._ends
        return Histories((training.history for training in self._trainings), self._failed)

    def _is_over(self) -> bool:
        return self._running == 0 and (self._ends is not None or not self._waiting)

    def _train_some(self) -> None:
        """Train those that come next, as long as there are any."""
        while True:
            with self._changes:
                if self._ends or not self._waiting:
                    return
                k = self._waiting.popleft()
                self._running += 1
            try:
                self._train(k)
            except BaseException as error:  # a callback's that is no Exception: all end
                self._ends = error
            with self._changes:
                self._running -= 1
                self._changes.notify_all()

    def _train(self, k: int) -> None:
        net, training = self._nets[k], self._trainings[k]
        try:
            net._in_training.call(training.run)
        except Exception as error:
            self._failed[k] = error
        with self._changes:
            self._left -= 1
            if self._shows:
                self._tell()

    def between_epochs(self, training: Any) -> None:
        """Share out the cores anew; the last ones get more than one each."""
        if self._ends:
            raise StopTraining
        training.options.threads = max(1, self._cores // self._left), 0

    def _tell(self) -> None:
        done, all_of_them = len(self._nets) - self._left, len(self._nets)
        costs = [each.history.cost[-1] for each in self._trainings if len(each.history)]
        best = f", best cost {min(costs):.4f}" if costs else ""
        left = (perf_counter() - self._began) / done * self._left
        self._shows = say(f"{done}/{all_of_them} networks{best}, {left:.0f} s left")


class _Turn:
    """The callback of a sweep in each training."""

    training: Any

    def __init__(self, sweep: Sweep):
        self._sweep = sweep

    def on_train_begin(self, net: Any) -> None:
        self._sweep.between_epochs(self.training)

    def on_epoch_end(self, net: Any, history: Any) -> None:
        self._sweep.between_epochs(self.training)


def _work(training: Any) -> float:
    """Return about how long it takes: multiplications of its epochs."""
    net, samples = training.net, training.samples
    m = 1 if samples is None else len(samples)
    return net.parameters.size * m * training.options.epochs


def _checked_nets(nets: Any) -> list[Network]:
    nets = [nets] if isinstance(nets, Network) else list(nets)
    first: dict[int, int] = {}
    for k, net in enumerate(nets):
        check_network(net, f"nets[{k}]")
        if id(net) in first:
            raise ValueError(f"nets[{first[id(net)]}] and nets[{k}] are one; give net.copy()")
        first[id(net)] = k
        net._in_training.check_free("Train a copy, net.copy(), or wait")
    if not nets:
        raise ValueError("nets must hold networks; got none")
    return nets


def _checked_each(each: Any, nets: Sequence[Network]) -> list[Mapping[str, Any]]:
    if each is None:
        return [{}] * len(nets)
    each = list(each)
    if len(each) != len(nets):
        raise ValueError(f"each must have a dict for each of {len(nets)} nets; got {len(each)}")
    known = dict.fromkeys(["y", *(name for name in OPTIONS if name not in _OF_ALL)])
    for k, own in enumerate(each):
        if not isinstance(own, Mapping):
            raise TypeError(f"each[{k}] must be a dict of options; got {type(own).__name__}")
        for name in own:
            if name not in known:
                raise TypeError(
                    f"each[{k}] has no option {name!r}.{hint(name, known, _OF_ALL)} "
                    f"Known: {', '.join(known)}"
                )
    return each


_OF_ALL = dict.fromkeys(["threads", "progress"], "It is for all networks: fit_many(...).")
_OF_ALL["comm"] = "It is for one network over several processes: net.fit(..., comm=)."


def _check_common(options: Mapping[str, Any], nets: Sequence[Network]) -> None:
    """Raise for what only one training can have: processes, and callbacks that keep something."""
    if options.get("comm") is not None:
        raise ValueError(
            "comm is for one network over several processes, net.fit(..., comm=); fit_many trains "
            "many in this one"
        )
    kept = [
        type(callback).__name__
        for callback in Callbacks(options.get("callbacks")).given
        if keeps_state(callback) or hasattr(callback, "join_training")
    ]
    if kept and len(nets) > 1:
        raise ValueError(
            f"{', '.join(kept)} can be of one training alone: give each network its own, "
            'each=[{"callbacks": ...}, ...]'
        )


def _at_hand(X: Any) -> Any:
    """Return X so that no network has to copy it, if there is a way that keeps every number."""
    if is_sparse(X) or is_frame(X):
        return X
    numbers = as_numbers("X", X)
    small = numbers.dtype.kind in "biu" and numbers.dtype.itemsize < 8
    if (small or numbers.dtype == np.float16) and numbers.dtype.name not in _core.INPUTS:
        numbers = numbers.astype(np.float64)
    return np.require(numbers, requirements=["C", "A"])
