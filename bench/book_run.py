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

import contextlib
import importlib.util
import io
import random
import sys
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np

from chainrule.book import mnist_loader, network2
from chainrule.core import _core
from parts.command import Command, UnavailableError
from parts.environment import in_one_thread
from parts.machine import header, known_cores, pin
from parts.output import write_json

SEED = 12345678  # the author's
QUICK = 100  # digits of each kind in quick mode
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
        raise UnavailableError(f"--original: no network2.py in {folder}")
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


def digits(options):
    """Training, validation and test data; in quick mode a few, made up where MNIST is absent."""
    try:
        data = mnist_loader.load_data_wrapper(options.data)
    except FileNotFoundError as why:
        if not options.quick:
            raise UnavailableError(str(why)) from None
        print("MNIST: absent (--data PATH), so that digits are made up")
        data = made_up_digits(QUICK)
    return tuple(part[: QUICK if options.quick else None] for part in data)


def made_up_digits(n):
    rng = np.random.default_rng(0)
    xs, ys = rng.random((n, 784, 1), dtype=np.float32), rng.integers(0, 10, n)
    training = [(x, mnist_loader.vectorized_result(y)) for x, y in zip(xs, ys, strict=True)]
    others = list(zip(xs, ys, strict=True))
    return training, others, others


def contenders_of(options, data):
    """{name: a function that makes one run}; the original only where it is."""
    contenders = {
        "float64": lambda: run(network2, data, options, dtype="float64"),
        "float32": lambda: run(network2, data, options, dtype="float32"),
    }
    if options.original:
        original = original_module(options.original)
        contenders["original"] = lambda: run(original, data, options)
    return contenders


def measure(contenders, rounds):
    """The seconds and the last curves of each; in turn, so that a drift hits all alike."""
    seconds, curves = {name: [] for name in contenders}, {}
    for _ in range(rounds):
        for name, train in contenders.items():
            taken, curves[name] = train()
            seconds[name].append(taken)
            print(f"{name}: {taken:.2f} s", file=sys.stderr, flush=True)
    return seconds, curves


def line_of(name, seconds, options):
    """One line of the report."""
    times, original = seconds[name], seconds.get("original")
    line = f"{name:9}{median(times):9.3f} s (least {min(times):.3f}) "
    line += f"{median(times) / options.epochs * 1e3:9.1f} ms per epoch"
    if name == "original" or not original:
        return line
    ratio = median(a / b for a, b in zip(original, times, strict=True))
    line += f"   original / ours {ratio:.1f}x"
    if options.quick:
        return line
    return line + f", >= {GOALS[name]}x {'met' if ratio >= GOALS[name] else 'missed'}"


def print_accuracies(curves):
    if "original" in curves:
        same = identical_epochs(curves["original"], curves["float64"])
        print(f"float64: every accuracy of the first {same} epochs is the original's")
    else:
        print("original: absent (--original FOLDER)")
    for name in ("original", "float64"):
        if name in curves:
            print(f"test accuracies, {name}:", *(int(count) for count in curves[name][1]))


def command():
    parser = Command(__doc__, rounds=3, files=["json"], quick={"epochs": 2})
    parser.add_argument("--original", type=Path, metavar="FOLDER", help="the book's network2.py")
    parser.add_argument("--data", type=Path, metavar="PATH", help="MNIST: folder or mnist.pkl.gz")
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--monitors", choices=MONITORS, default="all", help="default: %(default)s")
    return parser


def main(options):
    pin(known_cores()[-1:])
    contenders = contenders_of(options, digits(options))
    seconds, curves = measure(contenders, options.rounds)
    about = options.about | {"BLAS": _core.blas_name()}
    print(f"{header(about)}; one core, {about['BLAS']}")
    monitors = MONITORS[options.monitors]
    print(f"run 3A, {options.epochs} epochs, monitors: {', '.join(monitors)}")
    for name in seconds:
        print(line_of(name, seconds, options))
    print_accuracies(curves)
    kept = {"curves": curves, "epochs": options.epochs, "monitors": monitors}
    write_json(options.json, about, seconds=seconds, **kept)


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
