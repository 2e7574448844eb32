"""What the parts of the campaign are made of: rows, each of which tries many cases.

A row is a function that yields, case by case, what happened, in a few words ("refused", "the same
bits"); what must never happen it yields as a `Lost`, and an exception that it lets out is one too.
It says by `Effort.cases` how many cases are the whole, and draws them from a seed of its own, so
that each can be found again.
"""

import os
import platform
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

MOST_SHOWN = 20  # lost cases of a row, one by one


class Lost(str):
    """What happened in a case where something was lost, with what is needed to see it again."""

    __slots__ = ()


class Effort:
    """How much of a row is tried: the whole, or a fast part of it."""

    def __init__(self, fast: bool, seed: int = 0):
        self.fast, self.seed, self.rng = fast, seed, np.random.default_rng(seed)

    def cases(self, whole: int, fast: int) -> int:
        """Return how many of something are to be tried."""
        return fast if self.fast else whole


Try = Callable[[Effort], Iterator[str]]


@dataclass
class Row:
    """What was tried, and what came of it."""

    what: str
    outcomes: Counter = field(default_factory=Counter)
    lost: list[Lost] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        return self.outcomes.total() + len(self.lost)

    def __str__(self):
        happened = ", ".join(f"{what} {n:,}" for what, n in self.outcomes.most_common())
        return (
            f"| {self.what} | {self.cases:,} | {happened or '-'} | {len(self.lost)} "
            f"| {self.seconds:.0f} |"
        )


HEAD = ["| what | cases | what happened | lost | seconds |", "|---|---|---|---|---|"]


def run_row(what: str, cases: Try, effort: Effort) -> Row:
    """Try all cases of a row; show those that are lost as they come."""
    row, began = Row(what), perf_counter()
    try:
        for outcome in cases(effort):
            if isinstance(outcome, Lost):
                row.lost.append(outcome)
                if len(row.lost) <= MOST_SHOWN:
                    print(f"LOST, {what}: {outcome}", flush=True)
            else:
                row.outcomes[outcome] += 1
    except Exception:
        row.lost.append(Lost(traceback.format_exc()))
        print(f"LOST, {what}: {row.lost[-1]}", flush=True)
    row.seconds = perf_counter() - began
    return row


def machine() -> str:
    """Return the processor, its cores and the system."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(": ")[2] if names else model
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {model}, {platform.system()}, {python}"
