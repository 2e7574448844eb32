"""Where the time of a training step goes, and how far it is from what the hardware allows.

For each case of parts/cases.py: the shares of the processor's time that go to each of GROUPS
(parts/sampling.py), as Linux's perf samples them while `fit` trains in a process of its own, on one
core, and with a thread on each where that is quicker. Beside them, the rate of its matrix products,
and how much longer a step is than

- the matrix products alone (bare BLAS, as in steps.py), and
- the memory: the rows of its mini-batch read once, the parameters and the optimiser's state read
  and written once, at the rate of NumPy's `max` and `copyto` over arrays as large as the data set,
  and as parameters and state; of 1 MB where these are smaller.

Both are times of one core, divided by the cores of the line, and the rate is that of each core.
perf needs the names of functions:

    pip install . -C install.strip=false
    python bench/step_profile.py --json profile.json --markdown docs/profile.md

Quick mode goes on without perf, with shares that are made up.
"""

import time
import timeit

import numpy as np

from parts.cases import CASES, TIMED, flops_of
from parts.command import Command, UnavailableError
from parts.contenders import BLAS, OURS
from parts.environment import in_one_thread
from parts.machine import header, known_cores
from parts.output import four_digits, table, write_json, write_page
from parts.runs import Run, step_times
from parts.sampling import GROUPS, REST, require_perf, sample_or_make_up, shares_of
from parts.worker import Worker

PROFILED = ("book30", "book100", "tiny", "rl", "medium-adam", "large", "matexp")
MOST_SECONDS = 12  # of a case, before perf has its turn
LEAST_GAIN = 0.9  # of the time on one core: else the line of all cores is left out


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
    kept_bytes = 4 * case.kept_numbers
    read = case.batch * sample_bytes / streaming_rates(case.samples * sample_bytes)[0]
    return read + 2 * kept_bytes / streaming_rates(kept_bytes)[1]


def workers_of(key, cores):
    """{number of threads: ours}, and the bare BLAS; all that waits in processes of its own."""
    most = max(1, len(cores))
    ours = {n: Worker(Run(OURS, n), key, "float32", cores, most) for n in sorted({1, most})}
    return ours, Worker(Run(BLAS, 1), key, "float32", cores, most)


def measure(key, options):
    """The rows of a case: one core, and all cores where that is quicker."""
    ours, blas = workers_of(key, known_cores())
    everyone = [*ours.values(), blas]
    try:
        absent = [one.entry for one in everyone if not one.alive]
        if absent:
            raise UnavailableError(f"{key}: {absent}")
        end = time.perf_counter() + MOST_SECONDS
        for _ in range(options.rounds):
            for one in everyone if time.perf_counter() < end else ():
                one.train(options.seconds)
        return rows_of(CASES[key], ours, min(step_times(blas.entry)), options)
    finally:
        for one in everyone:
            one.close()


def rows_of(case, ours, products, options):
    """`products`: the microseconds of a step's products alone."""
    memory, alone = 1e6 * memory_time(case), min(step_times(ours[1].entry))
    rows = []
    for n, worker in ours.items():
        us = min(step_times(worker.entry))
        if us <= alone * (1 if n == 1 else LEAST_GAIN):
            shares, largest = shares_of(
                sample_or_make_up(worker.process.pid, worker.train, options)
            )
            seconds = 1e-6 * us * n * shares["gemm"] / 100
            rate = flops_of(case.sizes, case.batch) / seconds if seconds else 0.0
            bounds = {"flops": rate, "over blas": us * n / products, "over memory": us * n / memory}
            row = {"case": case.label, "cores": n, "us": us, "shares": shares}
            rows.append(row | bounds | {"largest": largest})
    return rows


def report(rows, about):
    head = ["case", "cores", "µs a step", *(f"{group} %" for group in [*GROUPS, REST])]
    head += ["GFlop/s in gemm", "over bare BLAS", "over memory", "most of it in (%)"]
    lines = []
    for row in rows:
        cells = [row["case"], str(row["cores"]), four_digits(row["us"])]
        cells += [f"{share:.0f}" for share in row["shares"].values()]
        cells += [f"{row['flops'] / 1e9:.0f}", f"{row['over blas']:.2f}"]
        cells.append(f"{row['over memory']:.1f}")
        cells.append(", ".join(f"`{name}` {p:.0f}" for name, p in row["largest"].items() if p >= 2))
        lines.append(cells)
    return f"{header(about)}.\n\n{table(head, lines)}"


def command():
    files, quick = ("json", "markdown"), {"cases": ["quick"]}
    parser = Command(__doc__, rounds=7, seconds=0.1, files=files, quick=quick)
    parser.add_names("cases", TIMED, PROFILED, ", ".join(PROFILED))
    return parser


def main(options):
    require_perf(options)
    rows = [row for key in options.cases for row in measure(key, options)]
    text = report(rows, options.about)
    print(text)
    write_json(options.json, options.about, rows=rows)
    write_page(options.markdown, text)


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
