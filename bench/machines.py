"""One training in several processes: how much faster a step is, and what the model says.

Goals, on 1024-2048-2048-1000 in float32 with plain SGD and one thread a process: two ranks on two
cores ≥ 1.4 times as fast as one process at mini-batches of 512, ≥ 1.7 times at 2048. One process is
plain `fit`, without blocks.

The model of a step with R ranks is docs/machines.md's:

    t(R) = t(1)/R + 2 (1 - 1/R) bytes/β + 2 log2(R) α + σ

of t(1), one process's step, the bytes of the parameters, β and α, the speed and the delay of
messages between two ranks, and σ, the time of the few numbers that all tell each other. All but
t(R) are measured apart.

    pip install 'chainrule[mpi]' mpich
    python bench/machines.py --markdown docs/machines.md
"""

import json
import shutil
import subprocess
import sys
from math import log2
from pathlib import Path

from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import table, write_json, write_page

SIZES, QUICK_SIZES = [1024, 2048, 2048, 1000], [16, 32, 10]
GOALS = {512: 1.4, 2048: 1.7}
BEYOND = (2, 4, 8, 16)  # ranks that the model is asked about
RANK = """
import json, sys
from time import perf_counter
import numpy as np
from mpi4py import MPI
import chainrule as cr

sizes, batch, steps, blocks, epochs = json.loads(sys.argv[1])
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
rng = np.random.default_rng(rank)
m = batch * steps // size
X, y = rng.random((m, sizes[0]), dtype="f4"), rng.integers(sizes[-1], size=m)
net = cr.Network(sizes, hidden="relu", output="softmax", cost="log_likelihood", init="he", seed=0)
shared = {"blocks": blocks, "comm": comm} if blocks > 1 else {}
rule = cr.SGD(0.01)
history = net.fit(X, y, optimizer=rule, batch_size=batch, epochs=epochs, threads=1, **shared)
found = {"step": history.seconds.min() / steps}

def least(call, rounds=20):
    times = []
    for _ in range(rounds):
        comm.Barrier()
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return min(times)

if size == 2:
    for name, n in (("small", 16), ("large", net.parameters.size // 2)):
        out, back = np.zeros(n, "f4"), np.zeros(n, "f4")
        found[name] = least(lambda: comm.Sendrecv(out, 1 - rank, recvbuf=back, source=1 - rank))
    found["told"] = least(lambda: comm.allgather(([0.0], 0)))
if rank == 0:
    print(json.dumps(found | {"parameters": net.parameters.size}))
"""


def mpiexec():
    """Where it is: beside Python, as the wheels have it, or of the system."""
    path = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    path = path or shutil.which("mpiexec")
    if path is None:
        raise UnavailableError("mpiexec is not here: pip install mpich")
    return path


def run(ranks, *given):
    """What rank 0 of so many found."""
    command = [mpiexec(), "-n", str(ranks), sys.executable, "-c", RANK, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No module named 'mpi4py'" in done.stderr:
        raise UnavailableError("mpi4py is not here: pip install 'chainrule[mpi]'")
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def model(ranks, one, found):
    """Seconds of a step with so many ranks."""
    delay = found["small"]
    half = 4 * (found["parameters"] // 2)
    speed = half / max(found["large"] - delay, 1e-9)
    bytes_sent = 2 * (1 - 1 / ranks) * 4 * found["parameters"]
    return one / ranks + bytes_sent / speed + 2 * log2(ranks) * delay + found["told"]


def measure(options):
    """{batch: {"one": s, "two": s, ...}}: the least of all rounds, which take turns."""
    sizes = QUICK_SIZES if options.quick else SIZES
    results = {}
    for batch in GOALS:
        steps, epochs = max(1, 2048 // batch), 3
        turns = [
            (run(1, sizes, batch, steps, 1, epochs), run(2, sizes, batch, steps, 2, epochs))
            for _ in range(options.rounds)
        ]
        two = min((two for _, two in turns), key=lambda found: found["step"])
        one = min(one["step"] for one, _ in turns)
        results[batch] = {"one": one, "two": two["step"], "found": two}
    return results


def rows(results):
    for batch, result in results.items():
        one, two = result["one"], result["two"]
        said = [model(ranks, one, result["found"]) for ranks in BEYOND]
        yield [
            str(batch), f"{1e3 * one:.1f}", f"{1e3 * two:.1f}", f"{one / two:.2f}",
            *(f"{one / each:.2f}" for each in said),
        ]  # fmt: skip


HEAD = [
    "batch", "one process, ms", "two ranks, ms", "faster",
    *(f"model, {ranks} ranks" for ranks in BEYOND),
]  # fmt: skip


def main(options):
    results = measure(options)
    report = table(HEAD, list(rows(results)))
    print(report)
    if not options.quick:
        for batch, goal in GOALS.items():
            faster = results[batch]["one"] / results[batch]["two"]
            print(
                f"batch {batch}: {faster:.2f}, goal {goal}: {'met' if faster >= goal else 'missed'}"
            )
    if options.markdown:
        write_page(options.markdown, header(options.about) + "\n\n" + report)
    if options.json:
        write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=5, files=("json", "markdown"))
    parser.run(main)
