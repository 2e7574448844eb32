"""Work of each kind while the n-th allocation fails; run by failing_memory.py with its library.

A network is as it was, or as so many finished epochs left it, and goes on to the same bits.
"""

import copy
import json
import pickle
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

import chainrule as cr
from allocations import Allocations
from carried import carried

EPOCHS = 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 6)).astype("f4")
LABELS = RNG.integers(3, size=30)
WEIGHTS = RNG.random(30)


class Rows:
    """A sparse matrix, as the package knows one."""

    def __init__(self, dense):
        self.format, self.shape, self.dtype = "csr", dense.shape, dense.dtype
        rows, self.indices = np.nonzero(dense)
        self.data = dense[rows, self.indices]
        self.indptr = np.searchsorted(rows, np.arange(len(dense) + 1))


def batches():
    for begin in range(0, 30, 10):
        yield X[begin : begin + 10], LABELS[begin : begin + 10]


def share(a, y):
    return float((a.argmax(1) == y).mean())


class Hooks:
    """A callback that does nothing, at every opportunity."""

    def on_batch_begin(self, batch):
        pass

    def on_batch_end(self, batch, cost):
        pass

    def on_epoch_end(self, net, history):
        pass


DATA = {"x": (X, LABELS), "sparse": (Rows(np.where(X > 0.5, X, 0)), LABELS), "batches": (batches,)}
FITS = {
    "SGD": ("x", {"optimizer": cr.SGD(0.5)}),
    "momentum, weights": ("x", {"optimizer": cr.SGD(0.1, 0.9), "sample_weight": WEIGHTS}),
    "Adam, average, dropout": ("x", {"optimizer": cr.Adam(), "average": 0.9, "dropout": 0.2}),
    "RMSprop, limits, records": (
        "x",
        {
            "optimizer": cr.RMSprop(),
            "clip_norm": 1.0,
            "l1": 1e-4,
            "record": ["layers", "gradients"],
        },
    ),
    "Adagrad, max_norm": ("x", {"optimizer": cr.Adagrad(), "max_norm": 1.0}),
    "Adamax, classes": ("x", {"optimizer": cr.Adamax(), "class_weight": "balanced"}),
    "Rprop, validation": ("x", {"optimizer": cr.Rprop(), "validation_data": (X, LABELS)}),
    "callbacks": ("x", {"optimizer": cr.SGD(0.5), "callbacks": Hooks()}),
    "threads": ("x", {"optimizer": cr.Adam(), "threads": 2, "batch_size": 30}),
    "sparse": ("sparse", {"optimizer": cr.SGD(0.5)}),
    "batches": ("batches", {"optimizer": cr.Adam(), "callbacks": Hooks()}),
    "LBFGS": ("x", {"optimizer": cr.LBFGS()}),
    "LevenbergMarquardt": ("x", {"optimizer": cr.LevenbergMarquardt()}),
}


def network():
    return cr.Network([6, 5, 3], hidden="tanh", seed=0)


class Fit:
    """A fit of so many epochs."""

    def __init__(self, data, options):
        self._data, self._options = DATA[data], options
        self._after = []  # what so many epochs leave
        for epochs in range(EPOCHS + 1):
            self.begin()
            self._fit(epochs)
            self._after.append((carried(self._net), list(self._costs())))

    def begin(self):
        self._net = network()
        self._before = self._net.history

    def work(self):
        self._fit(EPOCHS)

    def _fit(self, epochs):
        options = {"batch_size": 10} | self._options
        if callable(self._data[0]):
            del options["batch_size"]
        if epochs:
            self._net.fit(*self._data, epochs=epochs, **options)

    def _costs(self):
        return () if self._net.history is None else self._net.history.cost

    def check(self, error):
        done = self._net.epochs_trained
        if not error:
            assert done == EPOCHS, "it ended early without a word"
        assert (carried(self._net), list(self._costs())) == self._after[done], (
            f"after {done} epochs"
        )
        if isinstance(error, MemoryError):
            assert done or self._net.history is self._before, "a history of nothing"
        self._fit(EPOCHS - done)
        assert carried(self._net) == self._after[EPOCHS][0], f"went on otherwise after {done}"
        return "after some epochs" if done and error else ""


class Steps:
    """Steps of a trainer."""

    def __init__(self):
        self._after = []
        for steps in range(EPOCHS + 1):
            self.begin()
            self._take(steps)
            self._after.append(carried(self._net))

    def begin(self):
        self._net = network()
        self._trainer = self._net.trainer(cr.Adam(), dropout=0.2)

    def _take(self, steps):
        for _ in range(steps):
            self._trainer.step(X, LABELS)

    def work(self):
        self._take(EPOCHS)

    def check(self, error):
        done = self._trainer.steps
        assert done == EPOCHS or error, "it ended early without a word"
        assert carried(self._net) == self._after[done], f"after {done} steps"
        self._take(EPOCHS - done)
        assert carried(self._net) == self._after[EPOCHS], f"went on otherwise after {done}"
        return ""


class Call:
    """A question to a network, which it answers the same ever after."""

    def __init__(self, ask):
        self._ask = ask
        self.begin()
        self._answer = pickle.dumps(ask(self._net))

    def begin(self):
        self._net = network()
        self._net.fit(X, LABELS, optimizer=cr.Adam(), epochs=1)
        self._before, self._got = carried(self._net), None

    def work(self):
        self._got = self._ask(self._net)

    def check(self, error):
        assert carried(self._net) == self._before, "the network has changed"
        if not error:
            assert pickle.dumps(self._got) == self._answer, "another answer"
        assert pickle.dumps(self._ask(self._net)) == self._answer, "another answer later"
        return ""


class Save:
    """A network saved over another's file."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "net.npz"
        self._old, self._new = cr.Network([2, 1], seed=0), network()
        self._new.fit(X, LABELS, optimizer=cr.Adam(), epochs=1)
        self.begin()

    def begin(self):
        for path in Path(self._folder.name).iterdir():
            path.unlink()
        self._old.save(self._path)

    def work(self):
        self._new.save(self._path)

    def check(self, error):
        there = carried(cr.load(self._path))
        assert there == carried(self._new) or (error and there == carried(self._old)), "a third"
        left = len(list(Path(self._folder.name).iterdir())) - 1
        self.work()
        assert carried(cr.load(self._path)) == carried(self._new)
        return "and a temporary file is left" if left else ""


class Load:
    """A network loaded."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "net.npz"
        self._net = network()
        self._net.fit(X, LABELS, optimizer=cr.Adam(), epochs=1)
        self._net.save(self._path)

    def begin(self):
        self._got = None

    def work(self):
        self._got = cr.load(self._path)

    def check(self, error):
        if not error:
            assert carried(self._got) == carried(self._net), "another network"
        assert carried(cr.load(self._path)) == carried(self._net), "another network later"
        return ""


KINDS = {f"fit: {name}": lambda fit=fit: Fit(*fit) for name, fit in FITS.items()} | {
    "trainer": Steps,
    "feedforward": lambda: Call(lambda net: net(X)),
    "evaluate": lambda: Call(lambda net: net.evaluate(X, LABELS)),
    "backprop": lambda: Call(lambda net: net.backprop(X, LABELS).parameters),
    "trace": lambda: Call(lambda net: net.trace(X, LABELS).delta),
    "jacobian": lambda: Call(lambda net: net.jacobian(X)),
    "copy": lambda: Call(lambda net: copy.deepcopy(net).parameters),
    "save": Save,
    "load": Load,
}


def main():
    """Print, case by case, its number, kind and allocation; and then what happened."""
    given = json.loads(sys.argv[1])
    rng, allocations, number = np.random.default_rng(given["seed"]), Allocations(), 0
    if given["core"]:
        allocations.of_the_core()
    for name, make in KINDS.items():
        kind = make()
        kind.begin()
        assert allocations.during(kind.work) is None
        places = rng.permutation(allocations.seen)[: given["cases"]] + 1
        for place in sorted(places.tolist()):
            number += 1
            if number <= given["after"]:
                continue
            print(json.dumps([number, f"{name}, allocation {place}"]), flush=True)
            kind.begin()
            error = allocations.during(kind.work, place, given["for_ever"])
            print(json.dumps(judged(kind, error)), flush=True)


def judged(kind, error):
    """Return what happened, and whether something was lost."""
    try:
        also = kind.check(error)
    except Exception as wrong:
        return f"{error!r}: {wrong!r}", True
    if error is None:
        return "done all the same", False
    if isinstance(error, MemoryError):
        return f"MemoryError {also}".strip(), False
    return f"{type(error).__name__} of Python's or NumPy's", is_raised_here(error)


def is_raised_here(error):
    """Whether it is the package that says so: Python and NumPy tell some failures wrongly."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(cr.__file__).parent in Path(last.filename).parents and last.line.startswith("raise")


if __name__ == "__main__":
    main()
