"""What an ensemble of ten costs beside its networks one by one, and what it is worth on real data.

Times, one thread: `ensemble(X)` beside the bare passes of its networks, the core's own work from
arrays that are checked already, for one row and for 10,000. Then ten networks 64-60-10 on 1,000 of
the 8x8 digits (with --data also ten of 784-60-10 on 2,000 of MNIST), by seeds and by bootstrap: the
mean and the best accuracy of one network on the others, and that of all together, by mean, by vote,
and of those selected on a third part. Goals:

    ensemble(X), one row and 10,000     <= 1.1 times its networks' bare passes
    the mean of ten on the digits       more accurate than the mean network

    python bench/ensembles.py [--data MNIST_FOLDER] [--json FILE] [--markdown FILE]
"""

from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

import chainrule as cr
from chainrule.core import _core
from chainrule.datasets import load_digits8x8, load_mnist
from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import four_digits, table, write_json, write_page

SIZES = [[4, 8, 2], [20, 50, 50, 3], [784, 30, 10]]
ROWS = [1, 10_000]
MOST = 1.1
TRAINED = {"optimizer": cr.Adam(0.003), "epochs": 30, "batch_size": 32}


def seconds_of(call, least):
    """The time of a call, of as many as take that long."""
    n, took = 1, 0.0
    while took < least:
        began = perf_counter()
        for _ in range(n):
            call()
        took, n = perf_counter() - began, 2 * n
    return took / (n // 2)


def bare(nets, X):
    """The passes of the networks alone, each into its own outputs."""
    if len(X) == 1:
        return [partial(_core.feedforward_one, net._plan, net._parameters, X[0], None)
                for net in nets]  # fmt: skip
    outs = [np.empty((len(X), net.sizes[-1]), net.dtype) for net in nets]
    return [partial(_core.feedforward, net._plan, net._parameters, X, out)
            for net, out in zip(nets, outs, strict=True)]  # fmt: skip


def times(options):
    """Yield rows of the first table, and (name, seconds) of each turn."""
    rng = np.random.default_rng(0)
    for sizes in SIZES:
        nets = [cr.Network(sizes, hidden="tanh", seed=k) for k in range(options.networks)]
        ensemble = cr.Ensemble(nets)
        for rows in ROWS:
            X = rng.standard_normal((rows if not options.quick else min(rows, 100), sizes[0]))
            X = X.astype("f4")
            given = X[0] if rows == 1 else X
            passes = bare(nets, X)
            turns = np.array([
                [seconds_of(lambda passes=passes: [each() for each in passes], options.seconds),
                 seconds_of(partial(ensemble, given, threads=1), options.seconds)]
                for _ in range(options.rounds)
            ])  # fmt: skip
            yield f"{'-'.join(map(str, sizes))}, {rows:,} row{'s' * (rows > 1)}", turns


def judged(ratio, options):
    return "" if options.quick else "met" if ratio <= MOST else "missed"


def data_sets(options):
    """Yield (name, X, labels, how many to train on)."""
    try:
        X, y = load_digits8x8()
        yield "digits", X, y, 1000
    except ImportError as why:
        print(f"digits absent: {why}")
    if options.data is not None:
        X, y = load_mnist(options.data)[0]
        yield "MNIST", X[:6000], y[:6000], 2000


def accuracies(nets, X, y):
    return np.array([net.evaluate(X, y)["accuracy"] for net in nets])


def worth(X, y, count, options):
    """Yield (how, accuracies of each, {what: accuracy together}, seconds)."""
    order = np.random.default_rng(0).permutation(len(X))
    some, chosen, rest = np.split(order, [count, (count + len(X)) // 2])
    for how, bootstrap in (("seeds", False), ("bootstrap", True)):
        ensemble = cr.Ensemble([
            cr.Network([X.shape[1], 60, 10], task="classification", seed=k)
            for k in range(options.networks)
        ])  # fmt: skip
        began = perf_counter()
        given = TRAINED | ({"epochs": 1} if options.quick else {})
        ensemble.fit(X[some], y[some], bootstrap=bootstrap, **given)
        trained = perf_counter() - began
        alone = accuracies(ensemble, X[rest], y[rest])
        began = perf_counter()
        found = ensemble.evaluate(X[rest], y[rest])
        asked = perf_counter() - began
        voted = (ensemble.predict(X[rest], vote=True) == y[rest]).mean()
        selected = ensemble.select(X[chosen], y[chosen], size=2 * options.networks)
        yield how, alone, {
            "mean": found["accuracy"],
            "vote": float(voted),
            f"{len(selected)} selected": selected.evaluate(X[rest], y[rest])["accuracy"],
        }, trained, asked  # fmt: skip


def main(options):
    first = header(options.about)
    print(first)
    found, shown = {}, []
    for name, turns in times(options):
        passes, together = 1e6 * np.median(turns, axis=0)
        ratio = float(np.median(turns[:, 1] / turns[:, 0]))
        found[name] = turns.tolist()
        verdict = judged(ratio, options)
        shown.append([name, *map(four_digits, (passes, together)), f"{ratio:.2f}", verdict])
    head = ["networks", "bare passes, µs", "together, µs", "ratio", f"goal {MOST}"]
    whole = table(head if not options.quick else [*head[:-1], ""], shown)
    print(whole)
    shown = []
    for name, X, y, count in data_sets(options):
        for how, alone, together, trained, asked in worth(X, y, count, options):
            found[f"{name}, {how}"] = together | {"alone": alone.tolist(), "seconds": trained}
            figures = [f"{what} {100 * share:.2f} %" for what, share in together.items()]
            shown.append([
                name, how, f"{100 * alone.mean():.2f} %", f"{100 * alone.max():.2f} %",
                ", ".join(figures), f"{trained:.2f} s", f"{1000 * asked:.1f} ms",
            ])  # fmt: skip
    if not shown:
        raise UnavailableError("neither digits nor MNIST are here")
    head = ["data", "by", "mean of one", "best of one", "together", "trained in", "asked in"]
    second = table(head, shown)
    print(f"\n{second}")
    write_page(options.markdown, f"{first}\n\n{whole}\n\n{second}")
    write_json(options.json, options.about, results=found)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=7, seconds=0.05, files=["json", "markdown"])
    parser.of_quick("networks", 2, int, 10, "how many networks")
    parser.add_argument("--data", type=Path, metavar="PATH", help="MNIST: its folder")
    parser.run(main)
