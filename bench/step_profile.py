"""Where the time of a training step goes, and how far it is from what the hardware allows.

For each case of cases.py: the shares of the processor's time that go to each of GROUPS, as Linux's
perf samples them while `fit` trains in a process of its own, on one core, and with a thread on each
where that is quicker. Beside them, the rate of its matrix products, and how much longer a step is
than

- the matrix products alone (bare BLAS, as in steps.py), and
- the memory: the rows of its mini-batch read once, the parameters and the optimiser's state read
  and written once, at the rate of NumPy's `max` and `copyto` over arrays as large as the data set,
  and as parameters and state; of 1 MB where these are smaller.

Both are times of one core, divided by the cores of the line, and the rate is that of each core.
perf needs the names of functions:

    pip install . -C install.strip=false
    python bench/step_profile.py --json profile.json --markdown docs/profile.md

--markdown puts the table into a page, between two comments (put_into in report.py).
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import timeit
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from cases import CASES, flops_of
from contenders import BLAS, OURS
from environment import in_one_thread
from report import four_digits, machine, put_into
from runs import Run, step_times

from steps import Worker, names_in

PROFILED = ("book30", "book100", "tiny", "rl", "medium-adam", "large", "matexp")
# Group: the functions of the core that belong to it, by the first of these that fits.
GROUPS = {
    "gather": r"gather|(convert|densify|unpack)_\w+|one_hot|cr_shuffle|philox|scale_row|"
    r"\w*read_samples",
    "gemm": r"\w*gemm(_way|_f\d\d)?|outer_panel|pack\w*|sparse_\w+",
    "elementwise": r"\w+_(values|prime|cost|delta)|exponential_map|sum_rows|multiply|sum|"
    r"dropout|\w*(part_of_sum|cost_of_rows|total_cost|output_deltas)",
    "update": r"sgd|adam|adamax|adagrad|rmsprop|rprop|all_finite|move_average|limit_rows|clip|"
    r"sum_of_squares",
    "waiting": r"work|take_part|cr_team_run|run_some|cr_seconds",
}
REST = "rest"
MOST_SECONDS = 12  # of a case, before perf has its turn
LEAST_GAIN = 0.9  # of the time on one core: else the line of all cores is left out


def group_of(library, function):
    if "chainrule_blas" in library:
        return "gemm"
    if re.search("clock_gettime|sched|futex", function):
        return "waiting"
    if "_core" not in library:
        return REST
    name = function.split(".")[0]
    return next((group for group, names in GROUPS.items() if re.fullmatch(names, name)), REST)


def sample(worker, seconds):
    """Train for so long under perf: {(library, function): percent}."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        command = f"perf record -q -F 4000 -o {data} -p {worker.process.pid}".split()
        recorder = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)  # until it is attached
        worker.train(seconds)
        recorder.send_signal(signal.SIGINT)
        errors = recorder.communicate()[1]
        command = f"perf report -i {data} --stdio -q -t | -F overhead,dso,sym".split()
        report = subprocess.run(command, capture_output=True, text=True)
    lines = [line.split("|") for line in report.stdout.splitlines() if line.count("|") == 2]
    found = {
        (library.strip(), function.split("] ", 1)[-1].strip()): float(percent.strip(" %"))
        for percent, library, function in lines
    }
    if not found:
        sys.exit(f"perf took no samples: {errors.strip() or report.stderr.strip()}")
    if any("_core" in library and function.startswith("0x") for library, function in found):
        sys.exit("the package holds no names of functions: pip install . -C install.strip=false")
    return found


def shares_of(found):
    """Percent by group, and of the functions that take most."""
    total, shares = sum(found.values()), dict.fromkeys([*GROUPS, REST], 0.0)
    for (library, function), percent in found.items():
        shares[group_of(library, function)] += 100 * percent / total
    largest = sorted(found.items(), key=lambda item: -item[1])[:6]
    return shares, {name.split("_core_")[-1]: 100 * p / total for (_, name), p in largest}


def streaming_rates(size):
    """Bytes a second read, and read and written, of arrays of so many bytes, at least 1 MB."""
    a = np.ones(max(size, 1 << 20) // 4, np.float32)
    b = np.ones_like(a)
    number = 1 + (1 << 26) // a.nbytes
    reading, copying = (
        min(timeit.repeat(function, number=number, repeat=7)) / number
        for function in (a.max, lambda: np.copyto(b, a))
    )
    return a.nbytes / reading, 2 * a.nbytes / copying


def memory_time(case):
    """The seconds that one core needs to move what a step has to move."""
    target = 1 if case.output == "softmax" else case.sizes[-1]  # a label, or a row
    sample_bytes = 4 * (case.sizes[0] + target)
    parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(case.sizes))
    kept_bytes = 4 * parameters * (1 if case.optimizer == "sgd" else 3)
    read = case.batch * sample_bytes / streaming_rates(case.samples * sample_bytes)[0]
    return read + 2 * kept_bytes / streaming_rates(kept_bytes)[1]


def measure(key, rounds):
    """The rows of a case: one core, and all cores where that is quicker."""
    cores = sorted(os.sched_getaffinity(0))
    options = SimpleNamespace(dtype="float32", pinned=cores, threads=len(cores))
    workers = {n: Worker(Run(OURS, n), key, options) for n in sorted({1, len(cores)})}
    blas = Worker(Run(BLAS, 1), key, options)
    everyone = [*workers.values(), blas]
    absent = [one.entry for one in everyone if not one.alive]
    if absent:
        sys.exit(f"{key}: {absent}")
    end = time.perf_counter() + MOST_SECONDS
    for _ in range(rounds):
        for one in everyone if time.perf_counter() < end else ():
            one.train(0.1)
    case = CASES[key]
    products, memory = min(step_times(blas.entry)), 1e6 * memory_time(case)
    alone = min(step_times(workers[1].entry))
    rows = []
    for n, worker in workers.items():
        us = min(step_times(worker.entry))
        if us <= alone * (1 if n == 1 else LEAST_GAIN):
            shares, largest = shares_of(sample(worker, 2))
            seconds = 1e-6 * us * n * shares["gemm"] / 100
            rate = flops_of(case.sizes, case.batch) / seconds
            bounds = {"flops": rate, "over blas": us * n / products, "over memory": us * n / memory}
            row = {"case": case.label, "cores": n, "us": us, "shares": shares}
            rows.append(row | bounds | {"largest": largest})
    for one in everyone:
        one.close()
    return rows


def markdown(rows, about):
    head = ["case", "cores", "µs a step", *(f"{group} %" for group in [*GROUPS, REST])]
    head += ["GFlop/s in gemm", "over bare BLAS", "over memory", "most of it in (%)"]
    table = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["case"], str(row["cores"]), four_digits(row["us"])]
        cells += [f"{share:.0f}" for share in row["shares"].values()]
        cells += [f"{row['flops'] / 1e9:.0f}", f"{row['over blas']:.2f}"]
        cells.append(f"{row['over memory']:.1f}")
        cells.append(", ".join(f"`{name}` {p:.0f}" for name, p in row["largest"].items() if p >= 2))
        table.append(cells)
    where = f"{about['cpu']}, {about['cores']} cores, {about['os']}, NumPy {about['numpy']}"
    lines = [f"{where}, {about['date']}, load at the start {about['load']}.", ""]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in table)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=lambda text: names_in(CASES, text), default=PROFILED)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path, help="the page whose table is replaced")
    options = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("the command perf is missing: it comes with the tools of the Linux kernel")
    about = machine()
    rows = [row for key in options.cases for row in measure(key, options.rounds)]
    table = markdown(rows, about)
    print(table)
    if options.json:
        options.json.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")
    if options.markdown:
        put_into(options.markdown, table)


if __name__ == "__main__":
    in_one_thread()
    main()
