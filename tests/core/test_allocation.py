"""An epoch allocates the same number of blocks of memory whether it has N steps or 100 N.

A C library loaded before all others counts every block the process asks for. This file, run as a
script under it, trains and prints the counts.
"""

import ctypes
import json
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from children import python

COUNTER = r"""
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
static atomic_long blocks;

long counted_blocks(void) { return blocks; }
void *malloc(size_t n) { return blocks++, __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return blocks++, __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return blocks++, __libc_realloc(p, n); }
void *memalign(size_t to, size_t n) { return blocks++, __libc_memalign(to, n); }
void *aligned_alloc(size_t to, size_t n) { return blocks++, __libc_memalign(to, n); }
int posix_memalign(void **p, size_t to, size_t n) {
    blocks++;
    *p = __libc_memalign(to, n);
    return *p ? 0 : ENOMEM;
}
"""

# name: (steps N, batch_size, sizes, options of Network, options of fit, integer labels)
# Rows are so many that NumPy asks for a block for each of its temporary arrays, whose number is
# then the same: it keeps blocks of up to 1 KB, and reuses those above 256 KB in place.
SMALL = [20, 15, 10]
MOMENTUM = {"optimizer": cr.SGD(0.1, momentum=0.9)}
NESTEROV = {"optimizer": cr.SGD(0.1, momentum=0.9, nesterov=True)}
ADAM = {"optimizer": cr.Adam(cr.ExponentialDecay(0.01)), "average": 0.9, "max_norm": 2.0}
LIMITED = {"optimizer": cr.RMSprop(), "l1": 1e-4, "clip_norm": 1.0, "clip_value": 0.5}
SOFTMAX = {"output": "softmax", "cost": "log_likelihood"}
CASES = {
    "plain": (110, 10, SMALL, {}, {}, False),
    "float64": (110, 10, SMALL, {"dtype": "float64"}, {"l2": 1e-4}, False),
    "unshuffled": (110, 10, SMALL, {}, {"shuffle": False}, False),
    "momentum": (110, 10, SMALL, {}, MOMENTUM, False),
    "momentum float64": (110, 10, SMALL, {"dtype": "float64"}, NESTEROV, False),
    "adam": (200, 10, SMALL, {}, ADAM, False),
    "adam float64": (200, 10, SMALL, {"dtype": "float64"}, ADAM, True),
    "limits": (110, 10, SMALL, {}, LIMITED, False),
    "rprop": (110, 10, SMALL, {}, {"optimizer": cr.Rprop()}, False),
    "weights": (110, 10, SMALL, {}, {"sample_weight": np.ones}, False),
    "labels": (110, 10, SMALL, SOFTMAX, {}, True),
    "labels unshuffled": (110, 10, SMALL, {}, {"shuffle": False}, True),
    "no biases": (110, 10, SMALL, {"bias": False, "hidden": "relu"}, {}, False),
    "one row": (1100, 1, SMALL, {}, {}, False),
    "more rows than a tile": (2, 600, SMALL, {}, {}, False),
    "more rows than a tile, momentum": (2, 600, SMALL, SOFTMAX, MOMENTUM, True),
    "recorded layers": (110, 10, SMALL, {}, {"record": "layers"}, False),
    "recorded layers, tiles": (2, 600, SMALL, SOFTMAX, MOMENTUM | {"record": "layers"}, True),
    "more rows than a tile, limits": (2, 600, SMALL, {}, LIMITED, False),
    "recorded gradients": (110, 10, SMALL, {}, {"record": ["gradients", "layers"]}, False),
    "dropout": (110, 10, SMALL, {}, MOMENTUM | {"dropout": 0.5}, False),
    "dropout, tiles": (2, 600, SMALL, SOFTMAX, {"dropout": 0.5}, True),
    "long rows": (30, 10, [160, 30, 10], {}, {}, False),
    "large enough for a BLAS": (1, 512, [300, 250, 10], {}, {}, False),
}


def count_all():
    """{case: (blocks in N steps, blocks in 100 N steps)}, and the same for a faulty loop."""
    counted_blocks = ctypes.CDLL(None).counted_blocks
    counted_blocks.restype = ctypes.c_long

    def blocks_of(work, *args, **options):
        before = counted_blocks()
        work(*args, **options)
        return counted_blocks() - before

    counts = {}
    for name, (steps, batch_size, sizes, net_options, fit_options, labels) in CASES.items():
        net = cr.Network(sizes, seed=0, **net_options)
        rng = np.random.default_rng(0)
        rows = 100 * steps * batch_size
        X = rng.standard_normal((rows, sizes[0]), net.dtype)
        y = rng.integers(10, size=rows) if labels else rng.random((rows, 10), net.dtype)
        fit_options = {"epochs": 1, "batch_size": batch_size} | fit_options
        few = X[: steps * batch_size], y[: steps * batch_size]

        def options_for(data, options=fit_options):
            """The options, with arrays of a number for each sample."""
            return {k: v(len(data[0])) if callable(v) else v for k, v in options.items()}

        net.fit(*few, **options_for(few))  # from here on there is a state to go on with
        # The least of some fits: the first sets things up, and Python may do so later as well.
        counts[name] = [
            min(blocks_of(net.fit, *data, **options_for(data)) for _ in range(3))
            for data in (few, (X, y))
        ]

    def gradient_by_gradient(steps):
        for _ in range(steps):
            net.backprop(X[:10], y[:10])

    counts["faulty"] = [blocks_of(gradient_by_gradient, steps) for steps in (1, 100)]
    return counts


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """The counts, by the name of what allocates Python's objects: "pymalloc" or "malloc"."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        pytest.skip("blocks are counted by replacing the malloc of glibc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the counter with")
    folder = tmp_path_factory.mktemp("counter")
    source, library = folder / "counter.c", folder / "counter.so"
    source.write_text(COUNTER)
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", library], check=True)

    def counts(allocator):
        return json.loads(python(__file__, LD_PRELOAD=str(library), PYTHONMALLOC=allocator))

    return {allocator: counts(allocator) for allocator in ("pymalloc", "malloc")}


@pytest.mark.parametrize("case", CASES)
def test_steps_allocate_nothing(counted, case):
    few, many = counted["pymalloc"][case]
    assert few > 0  # the workspace at least
    assert many == few


@pytest.mark.parametrize("case", CASES)
def test_steps_make_no_python_objects(counted, case):
    few, many = counted["malloc"][case]  # now every object is a block
    assert few > 20
    assert abs(many - few) < 5


def test_an_allocation_per_step_is_seen(counted):
    few, many = counted["pymalloc"]["faulty"]
    assert many >= few + 99


if __name__ == "__main__":
    print(json.dumps(count_all()))
