"""How many threads a call may use."""

import math
import os
from functools import cache

from chainrule.checks import control_groups
from chainrule.checks.options import check_index

MOST_THREADS = 256  # of the core's team


def check_threads(threads: int | None) -> tuple[int, int]:
    """Return the option `threads` for the core: how many, 0 for its own choice; of how many."""
    if type(threads) is int and 1 <= threads <= MOST_THREADS:  # at once, in calls of microseconds
        return threads, 0
    if threads is not None:
        return check_index("threads", threads, 1, MOST_THREADS), 0
    return 0, available_cores()


def available_cores() -> int:
    """Return how many processor cores this process may use.

    By its affinity, its quota, and OMP_NUM_THREADS, by which users and tools (joblib, Dask, batch
    systems) share the cores out among processes.
    """
    try:
        cores = cores_of(frozenset(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    return min(cores, _quota(), _asked())


@cache
def cores_of(processors: frozenset[int], root: str = "/") -> int:
    """Return on how many cores these processors of Linux are.

    Two that a core shows as its own (SMT, hyper-threads) share its arithmetic, which one thread of
    a step keeps busy. One of which nothing can be read counts as a core.
    """
    cores = set()
    for each in processors:
        place = f"sys/devices/system/cpu/cpu{each}/topology/thread_siblings_list"
        try:
            with open(os.path.join(root, place)) as file:
                cores.add(file.read().strip())
        except OSError:
            cores.add(f"{each} alone")
    return len(cores)


@cache  # as BLAS libraries: what it was when it was asked first
def _asked() -> int:
    """Return OMP_NUM_THREADS, of its list the first; where it is none, no limit."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(first)) if first.isdecimal() else MOST_THREADS


@cache
def _quota() -> int:
    """Return how many cores' time a container or service gets, begun ones counted."""
    return max(1, math.ceil(min(control_groups.quota(), MOST_THREADS)))
