"""Want of memory is a MemoryError and nothing else; tests/campaign tries it far and wide."""

import json
import os
import sys
from functools import partial

import numpy as np
import pytest

import allocations
import chainrule as cr
from carried import carried
from chainrule.core import _core
from children import attempt, python

X = np.random.default_rng(0).normal(size=(30, 6)).astype("f4")
LABELS = np.random.default_rng(1).integers(3, size=30)
EPOCHS = 2


def begin():
    return cr.Network([6, 5, 3], hidden="tanh", seed=0)


def figures(net):
    """What it carries, and its history but for the seconds."""
    history = net.history or {}
    return carried(net), [history[name].tobytes() for name in history if name != "seconds"]


def lost_figures(optimizer, whose):
    """The allocations of a fit whose failure leaves epochs and other figures."""
    fails, lost, seen = allocations.Allocations(), [], 0
    if whose == "the core's":
        fails.of_the_core()
    after = []
    for epochs in range(EPOCHS + 1):
        net = begin()
        if epochs:
            net.fit(X, LABELS, epochs=epochs, batch_size=10, optimizer=optimizer)
        after.append(figures(net))
    place = errors = 0
    while place <= seen or not seen:
        net, place = begin(), place + 1
        options = {"epochs": EPOCHS, "batch_size": 10, "optimizer": optimizer}
        error = fails.during(partial(net.fit, X, LABELS, **options), place)
        seen = max(seen, fails.seen)
        errors += isinstance(error, MemoryError)
        if figures(net) != after[net.epochs_trained]:
            lost.append([place, repr(error)])
    return {"seen": seen, "errors": errors, "lost": lost}


# Python 3.12 and 3.13 have no memory for a generator's frame, and go on with it.
PYTHON_ALONE = """
import allocations
fails = allocations.Allocations()
for place in range(1, 9):
    fails.during(lambda: tuple(each for each in range(9)), place)
"""


@pytest.mark.parametrize(
    ("whose", "seen", "errors"), [("everyone's", 200, 100), ("the core's", 2, 1)]
)
@pytest.mark.parametrize("optimizer", ["SGD", "LBFGS"])
def test_wherever_memory_fails_epochs_and_figures_belong_together(
    optimizer, whose, seen, errors, tmp_path
):
    library = allocations.build(tmp_path)
    if library is None:
        pytest.skip("allocations fail by a C library in the place of glibc's")
    settings = {"LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"}
    if whose == "everyone's" and attempt("-c", PYTHON_ALONE, **settings).returncode < 0:
        pytest.skip("this Python crashes by itself where a generator has no memory")
    told = json.loads(python(__file__, optimizer, whose, **settings))
    assert told["lost"] == []
    assert told["errors"] >= errors
    assert told["seen"] >= seen


class Failing:
    """A batch with which memory fails while it is checked."""

    def __array__(self, *_, **__):
        raise MemoryError("no memory for the batch")


@pytest.mark.parametrize("callbacks", [None, type("Hooks", (), {"on_batch_end": print})()])
def test_want_of_memory_for_a_batch_undoes_its_epoch(callbacks):
    net, twin = begin(), begin()
    good = [(X[:10], LABELS[:10]), (X[10:], LABELS[10:])]
    epochs = iter([good, [good[0], (Failing(), LABELS[:10])]])
    options = {"optimizer": cr.Adam(), "callbacks": callbacks}
    with pytest.raises(MemoryError, match="no memory for the batch"):
        net.fit(lambda: next(epochs), epochs=2, **options)
    twin.fit(good, epochs=1, **options)
    assert figures(net) == figures(twin)


def test_want_of_memory_in_a_restore_changes_nothing():
    held, kept = {"a": np.zeros(3)}, {"a": np.ones(3)}
    pairs = [(held["a"], kept["a"]), (np.zeros(2), np.ones(3))]
    with pytest.raises(ValueError, match="of one shape"):
        _core.restore(pairs, held, kept)
    assert held["a"].tolist() == [0, 0, 0]


def test_a_dict_is_taken_over_with_its_names():
    held, kept = {"s0": 1, "y0": 2, "s1": 3}, {"s0": 4, "z": 5}
    _core.restore([], held, kept)
    assert held == kept
    assert held is not kept


LIMITED = """
import resource
import numpy as np
import chainrule as cr
from carried import carried
X, Y = np.random.default_rng(0).random((600, 260)), np.zeros((600, 10))
def fit():
    net = cr.Network([260, 270, 260, 10], dtype="float64", seed=0)
    net.fit(X, Y, epochs=2, batch_size=300, threads=2)
    return carried(net)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (32 << 20)  # none for another buffer of OpenBLAS
resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
limited = fit()
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print(limited == fit())
"""


@pytest.mark.parametrize("variant", ["baseline", "avx2", "avx512", "avx512bf16"])
def test_calls_of_blas_take_turns_where_there_is_no_memory_for_another(variant):
    if sys.platform != "linux":
        pytest.skip("limits of the address space count on Linux")
    done = attempt("-c", LIMITED, CHAINRULE_SIMD=variant)
    if "no such variant" in done.stderr:
        pytest.skip(f"no {variant} here")
    assert (done.stdout, done.stderr) == ("True\n", "")


FRESH_THREAD = """
import resource, threading
import numpy as np
import chainrule as cr
from carried import carried
X, Y = np.ones((300, 260)), np.ones((300, 10))
def begin():
    net = cr.Network([260, 270, 10], dtype="float64", seed=0)
    trainer = net.trainer(cr.SGD(0.1), threads=1)
    trainer.step(X, Y)
    return net, trainer
net, trainer = begin()
told, rest = [], []
def step():
    limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
    try:
        while True:  # nor in what is left of the heap
            rest.append(bytearray(1 << 15))
    except MemoryError:
        pass
    try:
        trainer.step(X, Y)
    except MemoryError as error:
        told.append(error)
    rest.clear()
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
thread = threading.Thread(target=step)
thread.start()
thread.join()
print(told, trainer.steps, carried(net) == carried(begin()[0]))
"""


def test_a_thread_that_has_no_memory_to_begin_is_told_so():
    if sys.platform != "linux":
        pytest.skip("limits of the address space count on Linux")
    if not _core.blas_name().startswith("OpenBLAS"):
        pytest.skip("only OpenBLAS makes something for each thread")
    told = python("-c", FRESH_THREAD, CHAINRULE_SIMD="baseline")
    assert told == "[MemoryError('there is no memory for a thread to begin to compute')] 1 True\n"


if __name__ == "__main__":
    print(
        json.dumps(lost_figures(getattr(cr, sys.argv[1])(), sys.argv[2])),
        file=sys.stdout,
        flush=True,
    )
    os._exit(0)
