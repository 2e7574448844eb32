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
    python bench/steps.py --cases book30,rl --rounds 5     # some, or `all` (see parts/cases.py)
    python bench/steps.py --json steps.json --markdown steps.md
"""

import random
import sys
import time

from parts.cases import CASES, TIMED, default_cases
from parts.command import Command
from parts.contenders import PEERS
from parts.environment import inherited
from parts.machine import known_cores
from parts.output import write_json, write_page
from parts.report import markdown, summary
from parts.runs import others_of, runs_of
from parts.worker import Worker

# Seconds between turns of several threads: OpenBLAS's spin for 2^26 cycles before they sleep.
REST = 0.05
ABOUT = ("dtype", "rounds", "threads", "pinned", "peers")  # options that the report tells of


def run_case(case, options):
    """All runs of one case, in turn, round after round: {run: entry}."""
    others = others_of(CASES[case], options.threads, options.peers)
    runs = runs_of(CASES[case], options.threads, others)
    workers = []
    shuffled = random.Random(0).sample  # so that nobody always follows the same neighbour
    try:
        for run in runs:
            workers.append(Worker(run, case, options.dtype, options.pinned, options.threads))
        for _ in range(options.rounds):
            for worker in shuffled(workers, len(workers)):
                if worker.alive:
                    time.sleep(REST if options.threads > 1 else 0)
                    worker.train(options.seconds)
        return {run: worker.entry for run, worker in zip(runs, workers, strict=True)}
    finally:
        for worker in workers:
            worker.close()


def command():
    known = len(known_cores())
    quick = {"cases": ["quick", "quick-csr"], "threads": 2 if known > 1 else 1}
    parser = Command(__doc__, rounds=15, seconds=0.1, files=("json", "markdown"), quick=quick)
    parser.add_names("cases", TIMED, None, "those of the goals above")
    told = "all, without scikit-learn where there are several threads; an empty text: none"
    parser.add_names("peers", PEERS, None, told)
    parser.add_argument(
        "--threads", type=int, default=1, help="the most anybody may have (default: %(default)s)"
    )
    parser.add_argument("--dtype", choices=["f32", "f64"], default="f32")
    return parser


def complete(options):
    """The options with all that follows from others, as the report tells it."""
    cores = known_cores()
    if options.threads != 1 and not 1 <= options.threads <= len(cores):
        sys.exit(f"--threads must be from 1 to the cores that can be chosen, {len(cores)}")
    # The last cores: interrupts and the system's own work favour the first.
    options.pinned = cores[-options.threads :]
    options.dtype = {"f32": "float32", "f64": "float64"}[options.dtype]
    if options.cases is None:
        options.cases = default_cases(options.threads)
    if options.peers is None:
        options.peers = [name for name in PEERS if name != "sklearn" or options.threads == 1]
    options.about |= {key: getattr(options, key) for key in ABOUT}
    options.about["not passed on"] = inherited()


def main(options):
    complete(options)
    about, results = options.about, {}
    for case in options.cases:
        print(f"{CASES[case].label} ...", file=sys.stderr, flush=True)
        results[case] = run_case(case, options)
    report = markdown(results, about)
    print(report)
    write_page(options.markdown, report)
    figures = {case: summary(case, runs, about) for case, runs in results.items()}
    timings = {
        case: {str(run): entry for run, entry in runs.items()} for case, runs in results.items()
    }
    write_json(options.json, about, figures=figures, timings=timings)


if __name__ == "__main__":
    command().run(main)
