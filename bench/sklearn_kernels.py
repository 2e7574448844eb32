"""How far our estimators end whole runs from scikit-learn's, beside what BLAS kernels make of it.

The same numbers are drawn, so that runs are the same but for rounding, which training lets grow by
as much as it will. By how much, scikit-learn shows by itself: its runs from the same seed differ
with the kernels of its BLAS, which OPENBLAS_CORETYPE names. No time is measured.

A distance is the largest difference of two parameters over the largest parameter, or of the losses
of an epoch over the largest loss. Its own is the largest between two runs of scikit-learn's; ours
is to the nearest of these, since a run that differs by no more than they do lies among them.

Goal: ours is no larger than its own, or than CALM.

    python bench/sklearn_kernels.py --markdown kernels.md
    python bench/sklearn_kernels.py --kernels Haswell,SkylakeX --epochs 500
"""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np

from parts.command import Command, UnavailableError, count
from parts.environment import for_threads, in_one_thread
from parts.machine import header
from parts.output import table, write_json, write_page

try:
    from parts.long_runs import RUNS
except ImportError:
    RUNS = ()

# Processors that OpenBLAS has kernels for; what runs those of Haswell runs all three.
KERNELS = ("Haswell", "Nehalem", "Prescott", "Sandybridge", "SkylakeX", "Zen")
THREE = ["Haswell", "Nehalem", "Sandybridge"]
CALM = 1e-9
HEAD = ["run", "epochs", "parameters", "its own", "losses", "its own"]


def estimators(module, options, kernel=None):
    """Return {(run, figure): values} of a process with these kernels, and their name in it."""
    path = options.scratch / f"{module}-{kernel}.npz"
    steered = {} if kernel is None else {"OPENBLAS_CORETYPE": kernel}
    done = subprocess.run(
        [sys.executable, "-m", "parts.long_runs", module, path, str(options.epochs), *options.runs],
        env=for_threads(1) | steered, cwd=Path(__file__).parent, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise UnavailableError(f"{module} with the kernels for {kernel}: {done.stderr[-500:]}")
    with np.load(path) as file:
        figures = {tuple(key.split("|")): file[key] for key in file.files if "|" in key}
        return figures, " and ".join(file["kernels"].tolist())


def distance(one, other):
    """Return the largest difference over the largest number, of the epochs that both have."""
    n = min(len(one), len(other))
    return float(np.abs(one[:n] - other[:n]).max() / np.abs(one[:n]).max())


def distances(name, ours, theirs):
    """Return {figure: (ours, its own)} of a run; theirs: one {(run, figure): values} for each."""
    found = {"epochs": sorted({len(each[name, "losses"]) for each in (ours, *theirs)})}
    for figure in ("parameters", "losses"):
        runs = [each[name, figure] for each in theirs]
        least = min(distance(run, ours[name, figure]) for run in runs)
        found[figure] = least, max(distance(*pair) for pair in combinations(runs, 2))
    return found


def is_within(found):
    return all(ours <= max(own, CALM) for ours, own in (found["parameters"], found["losses"]))


def row(name, found):
    cells = [f"{far:.1e}" for figure in ("parameters", "losses") for far in found[figure]]
    return [name, " or ".join(map(str, found["epochs"])), *cells]


def command():
    quick = {"runs": ["adam", "values, sgd"], "kernels": THREE[:2]}
    parser = Command(__doc__, files=("json", "markdown"), quick=quick)
    parser.of_quick("epochs", 3, count, 100, "the most that a run has")
    parser.add_names("kernels", KERNELS, THREE, ",".join(THREE))
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), help="all of them")
    return parser


def main(options):
    if not RUNS:
        raise UnavailableError("scikit-learn is not installed")
    ours, _ = estimators("chainrule.sklearn", options)
    runs, kernels = zip(
        *(estimators("sklearn.neural_network", options, kernel) for kernel in options.kernels),
        strict=True,
    )
    if len(set(kernels)) < 2:
        raise UnavailableError(f"scikit-learn's BLAS has these kernels only: {kernels[0]}")
    print(table(HEAD, []))
    results = {}
    for name in options.runs:
        results[name] = distances(name, ours, runs)
        print(table(row(name, results[name]), []).partition("\n")[0], flush=True)
    told = [f"the kernels of scikit-learn's BLAS: {', '.join(kernels)}"]
    if not options.quick:
        beyond = [name for name, found in results.items() if not is_within(found)]
        told.append(f"no further than its own, or than {CALM:g}: "
                    f"{'missed: ' + '; '.join(beyond) if beyond else 'met'}")  # fmt: skip
    print("", *told, sep="\n")
    write_json(options.json, options.about, runs=results)
    rows = [row(name, found) for name, found in results.items()]
    lines = [f"{header(options.about)}:", "", table(HEAD, rows), ""]
    write_page(options.markdown, "\n".join([*lines, *(f"- {text}" for text in told)]))


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
