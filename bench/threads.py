"""Time a training step with 1 ... N threads and with as many as the package chooses.

Goals: what it chooses is never more than 5 % slower than the best number, on the cases of cases.py
and on a sweep of widths and batches ([width, width, width, 10], tanh and softmax, SGD); large keeps
80 % efficiency to 16 threads.

The numbers take turns, in one process, and the least time of each counts. Run it on a machine with
nothing else to do.

    python bench/threads.py                        # the cases, with 1, 2, 4, ... threads
    python bench/threads.py --sweep --json t.json  # the sweep
    python bench/threads.py --cases large,medium --threads 1,2,3,4,8,16
"""

import argparse
import json
from pathlib import Path

import numpy as np
from cases import CASES, Case, make_data

import chainrule as cr
from chainrule.checks.threads import available_cores

SECONDS_A_TURN = 0.06
WIDTHS = (8, 32, 128, 512, 2048)
BATCHES = (1, 16, 128, 1024, 4096)


def sweep():
    """Cases of all widths and batches, but for those that take seconds a step."""
    cases = []
    for width in WIDTHS:
        for batch in BATCHES:
            if width**2 * batch <= 2048**2 * 1024:
                sizes = (width, width, width, 10)
                samples = batch * max(2, min(2000, 2**26 // (batch * width)))
                label = f"{width} wide, batch {batch}"
                cases.append(
                    Case(label, sizes, batch, "tanh", "softmax", "log_likelihood", "sgd", samples)
                )
    return cases


def measure(case, numbers, rounds):
    """Return the least seconds of a step for each number of threads; None: the package's choice."""
    X, Y, labels = make_data(case, np.float32)
    optimizer = (cr.SGD if case.optimizer == "sgd" else cr.Adam)(case.learning_rate)
    options = {"optimizer": optimizer, "batch_size": case.batch, "shuffle": not case.full_batch}
    steps = 1 if case.full_batch else case.samples // case.batch

    def trainer(threads):
        net = cr.Network(case.sizes, hidden=case.hidden, output=case.output, cost=case.cost, seed=0)
        y = labels if case.output == "softmax" else Y

        def seconds(epochs):
            return net.fit(X, y, epochs=epochs, threads=threads, **options).seconds.min() / steps

        return seconds

    trainers = [trainer(threads) for threads in numbers]
    epochs = max(1, round(SECONDS_A_TURN / (trainers[0](1) * steps)))
    times = np.array([[one(epochs) for one in trainers] for _ in range(rounds)])
    return times.min(axis=0).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    dense = [name for name, case in CASES.items() if not case.sparse]
    parser.add_argument("--cases", type=lambda text: text.split(","), default=dense)
    parser.add_argument("--sweep", action="store_true", help="widths and batches, not the cases")
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cores = available_cores()
    powers = [2**i for i in range(9) if 2**i <= cores]
    numbers = options.threads or sorted({*powers, cores})
    cases = sweep() if options.sweep else [CASES[name] for name in options.cases]
    results = []
    print(f"{'µs a step, threads':28}", *(f"{n:>10}" for n in numbers), "    chosen  over the best")
    for case in cases:
        *times, chosen = measure(case, [*numbers, None], options.rounds)
        columns = " ".join(f"{1e6 * t:10.2f}" for t in (*times, chosen))
        print(f"{case.label:28} {columns}  {chosen / min(times):8.3f}", flush=True)
        results.append({"case": case.label, "threads": numbers, "seconds": times, "chosen": chosen})
    if options.json:
        options.json.write_text(json.dumps({"cores": cores, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
