"""Where the processor's time goes, by kinds of the core's functions, as Linux's perf samples it.

perf needs the names of functions: `pip install . -C install.strip=false`.
"""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from parts.command import UnavailableError

# Group: the functions of the core that belong to it, by the first of these that fits.
GROUPS = {
    "gather": r"gather|(convert|densify|unpack)_\w+|one_hot|cr_shuffle|philox|scale_row|"
    r"\w*read_samples",
    "gemm": r"\w*gemm(_way|_f\d\d)?|outer_panel|by_(rows|columns)_\w+|inner_\d_\d|pack\w*|"
    r"(dots_are|transpose_is)_quicker|sparse_\w+",
    "elementwise": r"\w+_(values|prime|map|product|cost|delta)|sum_rows|multiply|sum|"
    r"dropout|\w*(part_of_sum|cost_of_rows|total_cost|output_deltas)",
    "update": r"sgd|adam|adamax|adagrad|rmsprop|rprop|all_finite|move_average|limit_rows|clip|"
    r"sum_of_squares",
    "waiting": r"work|take_part|cr_team_run|run_some|cr_seconds",
}
REST = "rest"
NO_PERF = "the command perf is missing: it comes with the tools of the Linux kernel"
SAMPLED, QUICK_SAMPLED = 2, 0.2  # seconds under perf


def group_of(library, function):
    if "chainrule_blas" in library:
        return "gemm"
    if re.search("clock_gettime|sched|futex", function):
        return "waiting"
    if "_core" not in library:
        return REST
    name = function.split(".")[0]
    return next((group for group, names in GROUPS.items() if re.fullmatch(names, name)), REST)


def sample(process, train, seconds):
    """{(library, function): percent} of a process, by its number, while train(seconds) runs."""
    if shutil.which("perf") is None:
        raise UnavailableError(NO_PERF)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        command = f"perf record -q -F 4000 -o {data} -p {process}".split()
        recorder = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)  # until it is attached
        train(seconds)
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
        raise UnavailableError(f"perf took no samples: {(errors or report.stderr).strip()}")
    if any("_core" in library and function.startswith("0x") for library, function in found):
        told = "the package holds no names of functions: pip install . -C install.strip=false"
        raise UnavailableError(told)
    return found


def sample_or_make_up(process, train, options):
    """What perf finds. Quick mode takes less time, and goes on where perf finds nothing."""
    if not options.quick:
        return sample(process, train, SAMPLED)
    try:
        return sample(process, train, QUICK_SAMPLED)
    except UnavailableError as why:
        print(f"shares are made up: {why}")
        return {("_core", "outer_gemm"): 60.0, ("_core", "gather"): 40.0}


def shares_of(found):
    """Percent by group, and of the functions that take most."""
    total, shares = sum(found.values()), dict.fromkeys([*GROUPS, REST], 0.0)
    for (library, function), percent in found.items():
        shares[group_of(library, function)] += 100 * percent / total
    largest = sorted(found.items(), key=lambda item: -item[1])[:6]
    return shares, {name.split("_core_")[-1]: 100 * p / total for (_, name), p in largest}


def require_perf(options):
    """Before all is measured."""
    if not options.quick and shutil.which("perf") is None:
        raise UnavailableError(NO_PERF)
