"""Trainings side by side, each in one thread at a time, as many at once as there are cores."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from inspect import GEN_SUSPENDED, getgeneratorstate
from typing import Any

import numpy as np

from chainrule.doctor.visit import course
from chainrule.network import Network
from chainrule.results.history import History
from chainrule.results.progress_of_many import ProgressOfMany
from chainrule.sweeps.rungs import Choice, best_first, chosen, figures_of, latest
from chainrule.training.endings import StopTraining
from chainrule.training.held_signals import HeldSignals
from chainrule.training.monitor import Monitor
from chainrule.training.transaction import as_raised

TO_THE_END = float("inf")
LOOK = 0.05  # seconds


class Histories(list[History]):
    """What `fit_many` returns: the history of each network, of the epochs that it has done.

    Attributes
    ----------
    failed : dict of int to Exception
        Of the networks whose training ended with one, by index.
    rungs : list of list of int
        The networks that went on from each rung, by index.
    """

    def __init__(
        self,
        histories: Iterable[History],
        failed: dict[int, Exception],
        rungs: list[list[int]],
    ):
        super().__init__(histories)
        self.failed, self.rungs = failed, rungs

    def best(self, figure: str = "validation_cost", *, larger_is_better: bool | None = None) -> int:
        """Return which network has the best figure after its last epoch.

        Of those that trained to the end: not failed, and left out by no rung.

        Parameters
        ----------
        figure : str, default "validation_cost"
            Of the history.
        larger_is_better : bool, optional
            Needed for metrics; else by the figure: of accuracy more is better, of others less.

        Raises
        ------
        ValueError
            Where none has the figure.
        """
        monitor = Monitor("best", figure, larger_is_better)
        last = self.rungs[-1] if self.rungs else range(len(self))
        left = [k for k in last if k not in self.failed]
        for k in left:
            monitor.check(self[k])
        figures = latest((self[k] for k in left), figure)
        if not np.isfinite(figures).any():
            raise ValueError(f"none of the {len(self)} networks has a {figure}")
        return left[best_first(figures, monitor.wants_more)[0]]


class Member:
    """One network of a sweep: its training, which stands still between two epochs.

    Parameters
    ----------
    net : Network
    training : Training or FullBatchTraining
        All checked, as `prepare` returns it.
    """

    def __init__(self, net: Network, training: Any):
        self.net, self.training = net, training
        self.error: Exception | None = None
        self.is_over = False
        self._course = course(training)
        self._is_taken = False  # the network, for this training alone
        samples = training.samples
        self._samples_per_epoch = 0 if samples is None else len(samples)

    @property
    def work_left(self) -> float:
        """About how many multiplications it has yet to do, if nothing ends it before."""
        if self.is_over:
            return 0
        epochs = self.training.options.epochs - len(self.training.history)
        return epochs * self.net.parameters.size * max(1, self._samples_per_epoch)

    @property
    def samples_seen(self) -> int:
        """How many samples it has seen, each as often as it has."""
        return self._samples_per_epoch * len(self.training.history)

    def train(self, until: float, may_go_on: Callable[["Member"], bool]) -> None:
        """Train until its history has so many epochs, asking before each whether it may go on."""
        try:
            self.hold()
            while len(self.training.history) < until and may_go_on(self):
                next(self._course)
        except StopIteration:
            self._end()
        except Exception as error:
            self.error = as_raised(error)
            self._end()
        except BaseException:  # a callback's that is no error: all are to end
            self._end()
            raise

    def stop(self) -> None:
        """End it as it stands, as a callback's StopTraining does."""
        try:
            if getgeneratorstate(self._course) == GEN_SUSPENDED:
                self.hold()
                self._course.throw(StopTraining)
        except StopIteration:
            pass
        except Exception as error:
            self.error = as_raised(error)
        finally:
            self._end()

    def take(self) -> None:
        """Have the network train here alone from now on, until this training is over.

        Raises
        ------
        RuntimeError
            Where it is in training elsewhere.
        """
        self.net._in_training.begin()
        self._is_taken = True

    def hold(self) -> None:
        """Let this thread alone train the network, and its functions change it."""
        self.net._in_training.go_on()

    def _end(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self.net._in_training.end()
        self.is_over = True

    def share(self, threads: int) -> None:
        """Have so many threads do the work of its steps and of its validation."""
        self.training.options.threads = threads, 0
        if self.training.validation:
            self.training.validation.threads = threads, 0


class Sweep:
    """The trainings of one call of `fit_many`.

    Parameters
    ----------
    members : list of Member
    cores : int
        How many of them are at work at once.
    shows : bool
        Whether to show progress.
    rungs : sequence of int, default ()
        After so many epochs all wait for each other.
    on_rung : function, optional
        What is called then, as `fit_many` documents it.
    """

    def __init__(
        self,
        members: list[Member],
        cores: int,
        shows: bool,
        rungs: Sequence[int] = (),
        on_rung: Choice | None = None,
    ):
        self._members, self._cores = members, cores
        self._rungs, self._on_rung = rungs, on_rung
        self._racing = list(range(len(members)))  # those that no rung has left out
        self._went_on: list[list[int]] = []
        self._ends: BaseException | None = None  # what ends all of them
        self._progress = ProgressOfMany(shows, len(members))
        self._shown = "cost"  # what networks are compared by
        if all("validation_cost" in member.training.history for member in members):
            self._shown = "validation_cost"
        self._work = sum(member.work_left for member in members) or 1
        self._done = 0
        self._waiting: deque[Member] = deque()
        self._running = 0
        self._changes = threading.Condition()

    def run(self) -> Histories:
        """Train all."""
        try:
            with HeldSignals():
                for member in self._members:
                    member.take()
            for rung in self._rungs:
                self._train(rung)
                self._choose()
            self._train(TO_THE_END)
        except BaseException as error:  # of on_rung; of a callback, no error; Ctrl-C
            self._each(Member.stop, self._members, to_end=True)
            raise error
        finally:
            self._progress.close()
        failed = {k: member.error for k, member in enumerate(self._members) if member.error}
        histories = (member.training.history for member in self._members)
        return Histories(histories, failed, self._went_on)

    def _train(self, until):
        self._all(lambda member: member.train(until, self._may_go_on), self._members)

    def _all(self, work, members):
        self._each(work, members)
        if self._ends:
            raise self._ends

    def _choose(self):
        """Ask which go on, of those that have not failed; end the others."""
        asked = [k for k in self._racing if not self._members[k].error]
        members = [self._members[k] for k in asked]
        if not members or self._on_rung is None:
            return
        for member in members:
            if not member.is_over:
                member.hold()
        choice = self._on_rung(
            [member.net for member in members],
            figures_of(member.training.history for member in members),
        )
        self._racing = [asked[i] for i in chosen(choice, len(members))]
        self._went_on.append(self._racing)
        self._all(Member.stop, [self._members[k] for k in set(asked) - set(self._racing)])

    def _each(
        self, work: Callable[[Member], None], members: Iterable[Member], *, to_end: bool = False
    ) -> None:
        """Do the work on each that is not over, the longest first: none is left alone for long."""
        order = [member for member in members if not member.is_over]
        order.sort(key=lambda member: -member.work_left)
        self._waiting = deque(order)
        threads = [
            threading.Thread(target=self._work_off, args=(work, to_end))
            for _ in range(min(self._cores, len(order)))
        ]
        while True:
            try:
                while threads:
                    try:
                        threads.pop().start()
                    except RuntimeError:  # the system has no more: this one works too
                        threads.clear()
                        self._work_off(work, to_end)
                with self._changes:
                    # A signal that comes just before the wait wakes nobody: look again and again.
                    while not self._changes.wait_for(lambda: self._is_done(to_end), LOOK):
                        pass
                return
            except BaseException as error:  # Ctrl-C: each ends with its epoch, no other begins
                self._ends = error

    def _is_done(self, to_end):
        return self._running == 0 and not (self._waiting and (to_end or not self._ends))

    def _work_off(self, work, to_end):
        """Take those that come next, as long as there are any; in a thread of its own."""
        while True:
            with self._changes:
                if not self._waiting or (self._ends and not to_end):
                    return
                member = self._waiting.popleft()
                self._running += 1
            try:
                work(member)
            except BaseException as error:
                self._ends = error
            with self._changes:
                self._running -= 1
                self._done += member.is_over
                self._changes.notify_all()
                self._tell()

    def _may_go_on(self, member):
        """Give the member its share of the cores: more than one each to the last ones."""
        member.share(max(1, self._cores // (len(self._waiting) + self._running)))
        if self._progress.is_live:
            with self._changes:
                self._tell()
        return not self._ends

    def _tell(self):
        if self._progress.is_due(self._done):
            members = self._members
            left = sum(member.work_left for member in members) / self._work
            seen = sum(member.samples_seen for member in members)
            costs = latest((member.training.history for member in members), self._shown)
            k = int(best_first(costs, larger_is_better=False)[0])
            best = None if np.isnan(costs[k]) else (float(costs[k]), k)
            self._progress.show(self._done, self._running, best, seen, left)
