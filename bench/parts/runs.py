"""Who runs a case with how many threads, and which of the runs stands for whom in the table.

A run is a contender with a number of threads. Where all have one thread, each contender has one
run that stands for itself. Where several are allowed, ours counts with the threads of its own
choice, and everybody it is compared with at the better number: one, or all of them. A case that
says so (`one_thread`) keeps ours and its bound to one; the peers still have the better.
"""

from statistics import median
from typing import NamedTuple

from parts.contenders import BLAS, DENSE, OURS, PASS, PEERS

OWN_CHOICE = None  # as a number of threads: the package decides
BOUND = "bound"  # no contender, but what two of them take together: the work every step has
PARTS = {BOUND: (BLAS, PASS)}


def with_threads(threads):
    """How a number of threads is told."""
    if threads is OWN_CHOICE:
        return "own choice"
    return f"{threads} thread{'s' if threads > 1 else ''}"


class Run(NamedTuple):
    """A contender with a number of threads; as text, its key in the JSON."""

    name: str
    threads: int | None

    def __str__(self):
        return self.name if self.threads == 1 else f"{self.name}, {with_threads(self.threads)}"


def parts_of(name):
    """The contenders whose times make up a column."""
    return PARTS.get(name, (name,))


def others_of(case, threads, peers):
    """The columns beside ours, in their order."""
    if case.sparse:
        return (DENSE,)
    return (BLAS if threads == 1 else BOUND, *peers)


def numbers_of(case, name, threads):
    """The numbers of threads of which the best counts for `name`."""
    if threads == 1 or (case.one_thread and name not in PEERS):
        return [1]
    return [OWN_CHOICE] if name == OURS else [1, threads]


def runs_of(case, threads, others):
    """All runs of a case; ours also with the numbers of threads that are not compared."""
    ours = [1] if threads == 1 or case.sparse else [1, threads, OWN_CHOICE]
    runs = [Run(OURS, number) for number in ours]
    for name in others:
        for part in parts_of(name):
            runs += [Run(part, number) for number in numbers_of(case, name, threads)]
    return runs


def step_times(entry):
    """Microseconds per step, one figure a round: the median epoch of that round."""
    return [median(seconds) / entry["steps"] * 1e6 for seconds in entry["rounds"]]


def times_of(entries, name, threads):
    """Microseconds per step of a column, round by round; empty if a part of it has not run."""
    each = [entries.get(Run(part, threads), {}) for part in parts_of(name)]
    if not all("rounds" in entry for entry in each):
        return []
    return [sum(times) for times in zip(*map(step_times, each), strict=True)]


def compared(entries, case, threads, others):
    """{column: (number of threads, its times)} at the number that counts, for those that ran."""
    best = {}
    for name in (OURS, *others):
        numbers = numbers_of(case, name, threads)
        timed = {number: times_of(entries, name, number) for number in numbers}
        timed = {number: times for number, times in timed.items() if times}
        if timed:
            best[name] = min(timed.items(), key=lambda item: median(item[1]))
    return best
