"""The book's run 3A, with its evaluations: `chainrule.book.network2` against the book's own code.

Goals: at least 18 times as fast as the original in float64, with identical accuracies, and at least
40 times in float32, on one thread, over 30 epochs.

This run multiplies a difference of rounding by 100 to 10,000 an epoch (docs/numerics.md), so that
not even the original agrees with itself under another BLAS after a few epochs. The accuracies of
the first two epochs must be identical; how many are is told.

A 784-30-10 network, cross-entropy cost, large initial weights, 50,000 digits of MNIST, mini-batches
of 10, eta 0.5. `--monitors all` watches what the author's own script of this run watches: cost and
accuracy on the test data and on the training data, after every epoch. `--monitors accuracy` watches
the accuracy on the test data only. What is timed is one call of `SGD`, from lists of columns to
lists of results.

    python bench/book_run.py --original FOLDER               # 3 epochs
    python bench/book_run.py --original FOLDER --epochs 30   # the whole run

FOLDER holds the book's `network2.py` in Python 3 syntax; without it only our times are told. The
MNIST files are looked for in `--data`, else in the folder that CHAINRULE_DATA names.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import random
import sys
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np
from environment import in_one_thread
from report import machine

import chainrule
from chainrule.book import mnist_loader, network2
from chainrule.core import _core

SEED = 12345678  # the author's
GOALS = {"float64": 18, "float32": 40}
MONITORS = {
    "all": (
        "monitor_evaluation_cost",
        "monitor_evaluation_accuracy",
        "monitor_training_cost",
        "monitor_training_accuracy",
    ),
    "accuracy": ("monitor_evaluation_accuracy",),
}


def shuffle_as_python_2(items):
    """`random.shuffle` as the book knew it; that of Python 3 draws other numbers."""
    for i in reversed(range(1, len(items))):
        j = int(random.random() * (i + 1))
        items[i], items[j] = items[j], items[i]


def original_module(folder):
    """The book's network2, shuffling as under Python 2, so that both runs see the same batches."""
    path = folder / "network2.py"
    if not path.is_file():
        sys.exit(f"--original: no network2.py in {folder}")
    specification = importlib.util.spec_from_file_location("original_network2", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.random = SimpleNamespace(shuffle=shuffle_as_python_2)
    return module


def run(module, data, options, **network_options):
    """One seeded run: its seconds, and the four lists that SGD returns."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 (the generator that the book draws from)
    net = module.Network([784, 30, 10], cost=module.CrossEntropyCost, **network_options)
    net.large_weight_initializer()
    training, _, test = data
    training = list(training)  # SGD shuffles it in place, and each run starts from the same order
    monitors = dict.fromkeys(MONITORS[options.monitors], True)
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        start = time.perf_counter()
        curves = net.SGD(training, options.epochs, 10, 0.5, evaluation_data=test, **monitors)
        seconds = time.perf_counter() - start
    return seconds, [list(map(float, curve)) for curve in curves]


def identical_epochs(original, ours):
    """How many epochs from the first on have the same accuracies; the first two must."""
    same = len(original[1])
    for i in (1, 3):  # test, training
        for epoch, (a, b) in enumerate(zip(original[i], ours[i], strict=True)):
            if a != b:
                same = min(same, epoch)
    if same < 2:
        sys.exit(f"accuracies differ in the first two epochs: {original[1]} and {ours[1]}")
    return same


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--original", type=Path, metavar="FOLDER", help="the book's network2.py")
    parser.add_argument("--data", type=Path, metavar="PATH", help="MNIST: folder or mnist.pkl.gz")
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--monitors", choices=MONITORS, default="all", help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="PATH", help="machine and all raw timings")
    return parser.parse_args()


def main():
    options = arguments()
    in_one_thread()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    about = machine() | {"chainrule": chainrule.__version__, "BLAS": _core.blas_name()}
    data = mnist_loader.load_data_wrapper(options.data)
    contenders = {
        "float64": lambda: run(network2, data, options, dtype="float64"),
        "float32": lambda: run(network2, data, options, dtype="float32"),
    }
    if options.original:
        original = original_module(options.original)
        contenders["original"] = lambda: run(original, data, options)
    seconds, curves = {name: [] for name in contenders}, {}
    for _ in range(options.rounds):  # in turn, so that a drift of the machine hits all alike
        for name, train in contenders.items():
            taken, curves[name] = train()
            seconds[name].append(taken)
            print(f"{name}: {taken:.2f} s", file=sys.stderr, flush=True)

    print(f"{about['cpu']}, one core; NumPy {about['numpy']}, {about['BLAS']}; {about['date']}")
    print(f"run 3A, {options.epochs} epochs, monitors: {', '.join(MONITORS[options.monitors])}")
    for name, times in seconds.items():
        line = f"{name:9}{median(times):9.3f} s (least {min(times):.3f}) "
        line += f"{median(times) / options.epochs * 1e3:9.1f} ms per epoch"
        if name in GOALS and options.original:
            ratio = median(a / b for a, b in zip(seconds["original"], times, strict=True))
            verdict = "met" if ratio >= GOALS[name] else "missed"
            line += f"   original / ours {ratio:.1f}x, >= {GOALS[name]}x {verdict}"
        print(line)
    if options.original:
        same = identical_epochs(curves["original"], curves["float64"])
        print(f"float64: every accuracy of the first {same} epochs is the original's")
        print("test accuracies, original:", *(int(count) for count in curves["original"][1]))
    else:
        print("original: absent (--original FOLDER)")
    print("test accuracies, float64:", *(int(count) for count in curves["float64"][1]))
    if options.json:
        whole = {"about": about, "seconds": seconds, "curves": curves, "epochs": options.epochs}
        whole |= {"monitors": MONITORS[options.monitors]}
        options.json.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
