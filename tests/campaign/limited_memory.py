"""Work while the address space of the process is limited; run by failing_memory.py.

Each limit has a process of its own, forked before the first work, so that nothing is at hand yet.
"""

import json
import os
import resource
import sys
import traceback
from pathlib import Path

import numpy as np

MB = 1 << 20
EPOCHS = 2


def works():
    """Return each kind of work as (begin, work): what work(begin()) returns is the same always."""
    import chainrule as cr
    from carried import carried

    rng = np.random.default_rng(0)
    X, Y = rng.random((600, 260)), rng.random((600, 10))
    few = X[:60, :8].copy(), Y[:60, :2].copy()

    def network(dtype):  # with products for a BLAS in each layer but the last
        return cr.Network([260, 270, 260, 10], dtype=dtype, seed=0)

    def fit(threads):
        def work(net):
            while net.epochs_trained < EPOCHS:
                net.fit(X, Y, epochs=EPOCHS - net.epochs_trained, batch_size=300, threads=threads)
            return carried(net)

        return work

    def levenberg_marquardt(net):
        while net.epochs_trained < EPOCHS:
            left = EPOCHS - net.epochs_trained
            net.fit(*few, epochs=left, optimizer=cr.LevenbergMarquardt())
        return carried(net)

    return {
        "fit": (lambda: network("float64"), fit(1)),
        "fit, 2 threads": (lambda: network("float64"), fit(2)),
        "fit, 4 threads, float32": (lambda: network("float32"), fit(4)),
        "feedforward": (lambda: network("float64"), lambda net: net(X).tobytes()),
        "backprop": (
            lambda: network("float64"),
            lambda net: net.backprop(X, Y).parameters.tobytes(),
        ),
        "LevenbergMarquardt": (lambda: cr.Network([8, 60, 2], seed=0), levenberg_marquardt),
    }


def import_it(_):
    import chainrule  # noqa: F401


def under_limit(megabytes, begin, work, expected):
    """Return what happened, and whether something was lost."""
    start = begin()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * MB
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, unlimited[1]))
    error = None
    try:
        got = work(start)
    except (MemoryError, ImportError, SystemError) as raised:
        error = raised
    finally:
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
    if work is not import_it:
        if error is not None:
            got = work(start)
        if got != expected or isinstance(error, ImportError):
            return f"{error!r}, and then {'the same' if got == expected else 'other'} bits", True
    if isinstance(error, SystemError):
        return "SystemError of Python's or NumPy's", False
    return type(error).__name__ if error else "done", False


def in_a_child(*arguments):
    """Return what `under_limit` does in a process of its own."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            outcome = under_limit(*arguments)
        except BaseException:
            outcome = traceback.format_exc(), True
        os.write(writing, json.dumps(outcome).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return tuple(json.loads(told)) if told else (f"the process ended, status {status}", True)


def main():
    """Print case by case what it is, what happened, and whether something was lost."""
    given = json.loads(sys.argv[1])
    limits = range(0, given["to"], given["step"])
    kinds = {"import": (lambda: None, import_it)} if given["imports"] else works()
    for name, (begin, work) in kinds.items():
        expected = None if given["imports"] else reference(begin, work)
        for megabytes in limits:
            outcome = in_a_child(megabytes, begin, work, expected)
            print(json.dumps([f"{name}, {megabytes} MB more", *outcome]), flush=True)


def reference(begin, work):
    """Return what comes of it without a limit, in a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        with open(writing, "wb") as pipe:
            pipe.write(repr(work(begin())).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    os.wait()
    return eval(told)


if __name__ == "__main__":
    main()
