"""Time one training step: ours, the bare BLAS calls of the same shapes, and the peers.

Goals (float32, one thread, all in one run on one machine):

    case          ours / bare BLAS   PyTorch / ours   scikit-learn / ours   JAX / ours
    book30        <= 1.3             >= 25            >= 14                 >= 3
    book100       <= 1.2             >= 12            >= 8                  >= 1.9
    tiny          <= 2.0             >= 150           >= 70                 >= 9
    medium (SGD)  <= 1.1             >= 2             >= 2                  >= 1.1

PyTorch runs eager, JAX as a whole epoch compiled with `scan`. A machine that others use drifts, so
no figure stands alone: every contender waits in a process of its own, and each round lets all of
them train for a moment in turn, on the same core. The ratios compare times of the same round.

    python bench/steps.py                                  # the four cases above
    python bench/steps.py --cases book30,rl --rounds 5     # some, or `all` (see cases.py)
    python bench/steps.py --json steps.json --markdown steps.md
"""

import argparse
import json
import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cases import CASES, DEFAULT_CASES
from contenders import BLAS, OURS, PEERS
from environment import inherited, one_thread
from report import goals_for, machine, markdown, summary


class Worker:
    """A contender on a case, in its own process; `entry` is its part of the results."""

    def __init__(self, name, case, dtype, core):
        specification = json.dumps([name, case, dtype, core])
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("worker.py"), specification],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=one_thread(),
        )
        self.entry = self.reply()
        if self.alive:
            self.entry["rounds"] = []

    @property
    def alive(self):
        return "steps" in self.entry

    def reply(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        return {"failed": f"its process ended with status {self.process.wait()}"}

    def train(self, seconds):
        """At least `seconds` of whole epochs; their times join the entry."""
        with suppress(BrokenPipeError):  # it has ended: the reply tells how
            self.process.stdin.write(f"{seconds}\n")
        answer = self.reply()
        if "seconds" in answer:
            self.entry["rounds"].append(answer["seconds"])
        else:
            self.entry = answer

    def close(self):
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def run_case(case, names, options, core):
    """All contenders on one case, in turn, round after round: {contender: entry}."""
    workers = []
    shuffled = random.Random(0).sample  # so that nobody always follows the same neighbour
    try:
        for name in names:
            workers.append(Worker(name, case, options.dtype, core))
        for _ in range(options.rounds):
            for worker in shuffled(workers, len(workers)):
                if worker.alive:
                    worker.train(options.seconds)
        return {name: worker.entry for name, worker in zip(names, workers, strict=True)}
    finally:
        for worker in workers:
            worker.close()


def names_in(known, text):
    """The comma-separated names of an option, each checked against those known."""
    names = list(known) if text == "all" else [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"unknown name {name!r}; known: {', '.join(known)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases",
        type=lambda text: names_in(CASES, text),
        default=list(DEFAULT_CASES),
        help=f"comma-separated, or `all`: {', '.join(CASES)} (default: those with goals)",
    )
    parser.add_argument(
        "--peers",
        type=lambda text: names_in(PEERS, text),
        default=list(PEERS),
        help=f"comma-separated: {', '.join(PEERS)} (default: all; an empty text: none)",
    )
    parser.add_argument("--rounds", type=int, default=15, help="default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="least training in a turn (default: %(default)s)"
    )
    parser.add_argument("--dtype", choices=["f32", "f64"], default="f32")
    parser.add_argument("--json", type=Path, metavar="PATH", help="machine and all raw timings")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="the printed report")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.dtype = {"f32": "float32", "f64": "float64"}[options.dtype]
    return options


def main():
    options = arguments()
    # The last core: interrupts and the system's own work favour the first.
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None
    about = machine() | {"dtype": options.dtype, "rounds": options.rounds, "core": core}
    about["not passed on"] = inherited()
    others, results = [BLAS, *options.peers], {}
    for case in options.cases:
        print(f"{CASES[case].label} ...", file=sys.stderr, flush=True)
        results[case] = run_case(case, [OURS, *others], options, core)
    report = markdown(results, about, others)
    print(report)
    if options.markdown:
        options.markdown.write_text(report)
    if options.json:
        figures = {
            case: summary(entries, goals_for(case, options.dtype, others))
            for case, entries in results.items()
        }
        whole = {"about": about, "figures": figures, "timings": results}
        options.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
