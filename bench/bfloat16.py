"""What do products of bfloat16 bring, and what do they cost in accuracy?

Time: a training step of large layers with two threads, ours in float32 and with
precision="bfloat16", PyTorch's in float32 and under `torch.autocast("cpu", torch.bfloat16)`; and of
smaller ones with one thread, ours alone. All in one run, in turn, each in a process of its own.
Accuracy: MNIST by a network of 784-30-10 after a few epochs, from so many seeds, with the same ones
in both precisions.

Goals, with AVX512_BF16: at 1024-2048-2048-1000, batch 512, ahead of PyTorch's bfloat16, and 1.85
times as fast as our float32; the mean accuracy of bfloat16 within the spread of float32's.

    pip install torch
    python bench/bfloat16.py --data MNIST_FOLDER --json FILE --markdown docs/bfloat16.md
"""

from pathlib import Path
from statistics import mean, median, stdev

import chainrule as cr
from chainrule.book import mnist_loader
from chainrule.core import _core
from parts.cases import CASES
from parts.command import Command, count
from parts.contenders import BFLOAT16, OURS, TORCH_BFLOAT16
from parts.machine import header, known_cores
from parts.output import four_digits, table, write_json, write_page
from parts.runs import Run, step_times
from parts.worker import Worker

TIMES, LARGE = 1.85, "large"
TITLES = {
    OURS: "chainrule, float32",
    BFLOAT16: "chainrule, bfloat16",
    "torch": "PyTorch, float32",
    TORCH_BFLOAT16: "PyTorch, bfloat16",
}
SMALLER = ("medium", "book100")  # with one thread
RATE, BATCH = 0.5, 10


def measure(case, threads, names, options):
    """Return {contender: its entry}, with the times of all rounds."""
    cores = known_cores()[-2:]
    workers = {name: Worker(Run(name, threads), case, "float32", cores, threads) for name in names}
    for _ in range(options.rounds):
        for worker in workers.values():
            if worker.alive:
                worker.train(options.seconds)
    for worker in workers.values():
        worker.close()
    return {name: worker.entry for name, worker in workers.items()}


def milliseconds(entry):
    return median(step_times(entry)) / 1e3


def rows_of(case, threads, entries):
    """Rows of the table of times, each beside ours in bfloat16."""
    ours = entries[BFLOAT16]
    shape = "-".join(map(str, CASES[case].sizes))
    for name, entry in entries.items():
        if "rounds" not in entry:
            why = entry.get("absent") or entry.get("failed")
            yield [shape, str(CASES[case].batch), str(threads), TITLES[name], f"absent: {why}", ""]
            continue
        found = milliseconds(entry)
        beside = "" if name == BFLOAT16 else f"{found / milliseconds(ours):.2f}"
        yield [
            shape, str(CASES[case].batch), str(threads), TITLES[name], four_digits(found), beside,
        ]  # fmt: skip


def accuracies(options):
    """Return {precision: accuracies on the test data, seed by seed}, or None without MNIST."""
    try:
        (X, y), _, (X_test, y_test) = mnist_loader.load_data(options.data)
    except FileNotFoundError as why:
        print(f"MNIST absent: {why}")
        return None
    found = {"float32": [], "bfloat16": []}
    if options.quick:
        X, y = X[:1000], y[:1000]
    for seed in range(options.seeds):
        for precision, told in found.items():
            net = cr.Network(
                [784, 30, 10], output="softmax", cost="log_likelihood", precision=precision,
                seed=seed,
            )  # fmt: skip
            net.fit(X, y, optimizer=cr.SGD(RATE), epochs=options.epochs, batch_size=BATCH)
            told.append(net.evaluate(X_test, y_test)["accuracy"])
    return found


def judged(times, accuracy, options):
    """Return what became of the goals, line by line."""
    if options.quick:
        return []
    told, entries = [], times[LARGE]
    ours = milliseconds(entries[BFLOAT16])
    ratio = milliseconds(entries[OURS]) / ours
    told.append(f"{ratio:.2f} times as fast as our float32 (goal {TIMES})")
    if "rounds" in entries[TORCH_BFLOAT16]:
        ratio = milliseconds(entries[TORCH_BFLOAT16]) / ours
        told.append(f"{ratio:.2f} times as fast as PyTorch's bfloat16 (goal: above 1)")
    if accuracy:
        apart = abs(mean(accuracy["float32"]) - mean(accuracy["bfloat16"]))
        told.append(
            f"mean accuracies {100 * apart:.3f} points apart, the spread of float32 over seeds "
            f"{100 * stdev(accuracy['float32']):.3f} (goal: within it)"
        )
    return told


def main(options):
    large, smaller = ("quick", ("quick-adam",)) if options.quick else (LARGE, SMALLER)
    times = {large: measure(large, 2, list(TITLES), options)}
    rows = list(rows_of(large, 2, times[large]))
    for case in smaller:
        times[case] = measure(case, 1, [OURS, BFLOAT16], options)
        rows += rows_of(case, 1, times[case])
    parts = [
        f"{header(options.about)}; kernels {_core.simd_name()}. The median step of "
        f"{options.rounds} rounds in turn.",
        table(["layers", "batch", "threads", "", "ms a step", "times ours in bfloat16"], rows),
    ]
    accuracy = accuracies(options)
    if accuracy:
        rows = []
        for name, each in accuracy.items():
            points = [100 * value for value in each]
            rows.append(
                [name, f"{mean(points):.2f} %", f"{stdev(points):.2f}", f"{min(points):.2f} %"]
            )
        parts += [
            f"MNIST, 784-30-10, {options.epochs} epochs of mini-batches of {BATCH}, SGD({RATE}), "
            f"{options.seeds} seeds:",
            table(["precision", "mean accuracy", "spread over seeds", "worst"], rows),
        ]
    parts += [f"- {each}" for each in judged(times, accuracy, options)]
    text = "\n\n".join(parts).replace("\n\n- ", "\n- ")
    print(text)
    write_json(options.json, options.about, times=times, accuracy=accuracy)
    write_page(options.markdown, text)


if __name__ == "__main__":
    command = Command(__doc__, rounds=7, seconds=0.6, files=("json", "markdown"))
    command.of_quick("seeds", 2, count, 10, "of the runs on MNIST")
    command.of_quick("epochs", 1, count, 5, "of each")
    command.add_argument("--data", type=Path, help="folder of MNIST (default: CHAINRULE_DATA)")
    command.run(main)
