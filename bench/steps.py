"""Time one training step: ours, the bare BLAS calls of the same shapes, and the peers.

Goals (float32, one thread, all in one run on one machine):

    case          ours / bare BLAS   PyTorch / ours   scikit-learn / ours   JAX / ours
    book30        <= 1.3             >= 25            >= 14                 >= 3
    book100       <= 1.2             >= 12            >= 8                  >= 1.9
    tiny          <= 2.0             >= 150           >= 70                 >= 9
    medium (SGD)  <= 1.1             >= 2             >= 2                  >= 1.1

Goals with --threads 2, where everybody may have one thread or two (float32, one run likewise):

    case                ours / bound   PyTorch / ours   JAX / ours
    book30, one thread  <= 1.2         >= 27            >= 3.2
    book100             <= 1.15        >= 15            >= 2.5
    tiny, one thread    <= 1.7         >= 170           >= 10
    rl (Adam)           <= 1.25        >= 25            >= 3.3
    medium (Adam)       <= 1.12        >= 3             >= 1.35
    large (SGD)         <= 1.05        >= 1.2           >= 1.1
    matexp (Adam)                      >= 9             >= 3

The bound is the bare BLAS time and one pass, read and written, over the parameters and the
optimiser's state. Ours has the threads that the package chooses, the bound and the peers the better
of one thread and two; in the two cases of one thread, ours and the bound have one. The case
book30-csr compares ours with ours: from SciPy's CSR <= 0.5 of the time from an array.

PyTorch runs eager, JAX as a whole epoch compiled with `scan`. A machine that others use drifts, so
no figure stands alone: every contender waits in a process of its own, and each round lets all of
them train for a moment in turn, on the same core, or cores. The ratios compare times of the same
round.

    python bench/steps.py                                  # the four cases of one thread
    python bench/steps.py --threads 2                      # the seven of two
    python bench/steps.py --cases book30,rl --rounds 5     # some, or `all` (see cases.py)
    python bench/steps.py --json steps.json --markdown steps.md
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from cases import CASES, default_cases
from contenders import PEERS
from environment import for_threads, inherited
from report import machine, markdown, summary
from runs import others_of, runs_of

# Seconds between turns of several threads: OpenBLAS's spin for 2^26 cycles before they sleep.
REST = 0.05
ABOUT = ("dtype", "rounds", "threads", "pinned", "peers")  # options that the report tells of


class Worker:
    """A run on a case, in its own process; `entry` is its part of the results."""

    def __init__(self, run, case, options):
        cores = options.pinned[-1:] if run.threads == 1 else options.pinned
        specification = json.dumps([*run, case, options.dtype, cores])
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("worker.py"), specification],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=for_threads(run.threads or options.threads),
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


def run_case(case, options):
    """All runs of one case, in turn, round after round: {run: entry}."""
    others = others_of(CASES[case], options.threads, options.peers)
    runs = runs_of(CASES[case], options.threads, others)
    workers = []
    shuffled = random.Random(0).sample  # so that nobody always follows the same neighbour
    try:
        for run in runs:
            workers.append(Worker(run, case, options))
        for _ in range(options.rounds):
            for worker in shuffled(workers, len(workers)):
                if worker.alive:
                    time.sleep(REST if options.threads > 1 else 0)
                    worker.train(options.seconds)
        return {run: worker.entry for run, worker in zip(runs, workers, strict=True)}
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
        help=f"comma-separated, or `all`: {', '.join(CASES)} (default: those of the goals above)",
    )
    parser.add_argument(
        "--peers",
        type=lambda text: names_in(PEERS, text),
        help=f"comma-separated, or `all`: {', '.join(PEERS)} (default: all, without scikit-learn "
        "where there are several threads; an empty text: none)",
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="the most anybody may have (default: %(default)s)"
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
    # The last cores: interrupts and the system's own work favour the first.
    known = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if options.threads != 1 and not 1 <= options.threads <= len(known):
        parser.error(f"--threads must be from 1 to the cores that can be chosen, {len(known)}")
    options.pinned = known[-options.threads :]
    if options.cases is None:
        options.cases = default_cases(options.threads)
    if options.peers is None:
        options.peers = [name for name in PEERS if name != "sklearn" or options.threads == 1]
    return options


def main():
    options = arguments()
    about = machine() | {key: getattr(options, key) for key in ABOUT}
    about["not passed on"] = inherited()
    results = {}
    for case in options.cases:
        print(f"{CASES[case].label} ...", file=sys.stderr, flush=True)
        results[case] = run_case(case, options)
    report = markdown(results, about)
    print(report)
    if options.markdown:
        options.markdown.write_text(report)
    if options.json:
        whole = {
            "about": about,
            "figures": {case: summary(case, runs, about) for case, runs in results.items()},
            "timings": {
                case: {str(run): entry for run, entry in runs.items()}
                for case, runs in results.items()
            },
        }
        options.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
