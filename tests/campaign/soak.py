"""Long use: what one process holds does not grow."""

import contextlib
import ctypes
import gc
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import chainrule as cr
from campaign import Effort, Lost

MOST_GROWTH = 16 << 20  # bytes, of what the allocators keep for themselves
MOST_WORKERS = 3  # threads of the core, which are kept: one each for three trainings side by side
Use = Callable[[np.random.Generator, Path], None]


def drawn(rng: np.random.Generator) -> tuple[cr.Network, np.ndarray, np.ndarray]:
    """Return a network of some size, with samples."""
    sizes = [int(n) for n in rng.integers(1, 80, rng.integers(2, 5))]
    hidden = rng.choice(["tanh", "relu", "sigmoid", "gelu", "softsign"])
    dtype = rng.choice(["float32", "float64"])
    net = cr.Network(sizes, hidden=str(hidden), output="identity", dtype=str(dtype), seed=0)
    rows = int(rng.integers(1, 400))
    return net, rng.normal(size=(rows, sizes[0])), rng.normal(size=(rows, sizes[-1]))


def trains(rng: np.random.Generator, folder: Path) -> None:
    net, X, y = drawn(rng)
    optimizers = cr.SGD(0.01, momentum=0.9), cr.Adam(), cr.RMSprop(), cr.LBFGS(), cr.Rprop()
    optimizer = optimizers[rng.integers(len(optimizers))]
    batch_size, threads = int(rng.integers(1, 100)), int(rng.integers(1, 3))
    with contextlib.suppress(cr.DivergenceError):  # a rate may be too large for what is drawn
        net.fit(X, y, optimizer=optimizer, batch_size=batch_size, epochs=3, threads=threads)


def watches(rng: np.random.Generator, folder: Path) -> None:
    net, X, y = drawn(rng)
    watching = [cr.EarlyStopping("cost", patience=2), cr.CSVLog(folder / "log.csv"), cr.Log()]
    watching.append(cr.Checkpoint(folder / "run.npz", keep=2, monitor="cost"))
    net.fit(X, y, epochs=5, callbacks=watching, record=["layers", "gradients"])


def asks(rng: np.random.Generator, folder: Path) -> None:
    net, X, y = drawn(rng)
    net(X), net(X[0]), net.predict(X), net.evaluate(X, y)
    net.backprop(X, y), net.trace(X, y), net.jacobian(X[:5]), net.sensitivity(X[0])


def keeps(rng: np.random.Generator, folder: Path) -> None:
    net, X, y = drawn(rng)
    net.fit(X, y, epochs=1)
    net.save(folder / "net.npz")
    cr.load(folder / "net.npz").fit(X, y, epochs=1)
    pickle.loads(pickle.dumps(net)).copy()


def steps(rng: np.random.Generator, folder: Path) -> None:
    net, X, y = drawn(rng)
    trainer = net.trainer(cr.Adam())
    for _ in range(20):
        trainer.step(X, y)


def side_by_side(rng: np.random.Generator, folder: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(trains, rng.spawn(3), [folder] * 3))


def forks(rng: np.random.Generator, folder: Path) -> None:
    child = os.fork()
    if not child:
        code = 1
        try:
            trains(rng, folder)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def fails(rng: np.random.Generator, folder: Path) -> None:
    """Errors hold nothing either."""
    net, X, y = drawn(rng)
    for wrong in (X[:, :-1], X * np.nan, "x"):
        try:
            net.fit(wrong, y)
        except (ValueError, TypeError):
            continue
    try:
        net.fit(X * 1e30, y * 1e30, optimizer=cr.SGD(1e30), epochs=3)
    except (cr.DivergenceError, ValueError):
        return


USES: list[Use] = [trains, watches, asks, keeps, steps, side_by_side, forks, fails]


def keep_one_arena() -> None:
    """Have glibc's malloc keep no arena for each thread, which would grow by what lies idle."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-8, 1)  # M_ARENA_MAX


def held() -> tuple[int, int, int]:
    """Return the process's memory in bytes, its open files, and its threads."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    anonymous = 1024 * int(fields["RssAnon"].split()[0])
    return anonymous, len(os.listdir("/proc/self/fd")), int(fields["Threads"])


def use(effort: Effort, seconds: float, folder: Path) -> Iterator[str]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind = USES[effort.rng.integers(len(USES))]
        kind(effort.rng, folder)
        yield kind.__name__.replace("_", " ")


def random_use(effort: Effort) -> Iterator[str]:
    """Half of the time to settle, half to see whether anything grows."""
    if not Path("/proc/self/status").exists():
        yield "skipped: there is no /proc here"
        return
    keep_one_arena()
    seconds = effort.cases(600, 20)
    most_threads = held()[2] + MOST_WORKERS
    with tempfile.TemporaryDirectory() as name:
        yield from use(effort, seconds / 2, Path(name))
        memory, files, _ = held()
        yield from use(effort, seconds / 2, Path(name))
        memory_after, files_after, threads_after = held()
    growth = memory_after - memory
    figures = f"memory {growth / 1e6:+.1f} MB, files {files_after - files:+}"
    if growth > MOST_GROWTH or files_after > files or threads_after > most_threads:
        yield Lost(f"{figures}, {threads_after} threads, at most {most_threads} expected")
    else:
        yield f"in the second half {figures}:"


ROWS = {"fits, questions, files, threads, forks and errors in one process": random_use}
