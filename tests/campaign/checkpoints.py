"""Trainings whose process is killed, or whose disk fails: they go on to the same bytes."""

import contextlib
import copy
import errno
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from campaign import Effort, Lost
from carried import carried
from histories import assert_same_figures

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 12))
Y = np.sin(X[:, :3])
LABELS = (Y[:, 0] > Y[:, 1]).astype(int)
EPOCHS = 40

Fit = tuple[Callable[[], cr.Network], np.ndarray, dict[str, Any]]


def regressor() -> cr.Network:
    return cr.Network([12, 20, 3], task="regression", seed=0)


def classifier() -> cr.Network:
    return cr.Network([12, 30, 10, 2], task="classification", seed=1)


FITS: list[Fit] = [
    (regressor, Y, {"optimizer": cr.SGD(0.05, momentum=0.9), "validation_split": 0.2}),
    (
        classifier, LABELS,
        {"optimizer": cr.Adam(cr.ReduceOnPlateau(0.01, patience=3)), "validation_split": 0.2,
         "dropout": 0.2, "average": 0.9, "record": "layers", "class_weight": "balanced"},
    ),
    (regressor, Y, {"optimizer": cr.RMSprop(cr.OneCycle(0.01, epochs=EPOCHS)), "l1": 1e-4}),
    (regressor, Y, {"optimizer": cr.LBFGS(), "l2": 1e-4}),
]  # fmt: skip


def stopping() -> cr.EarlyStopping:
    return cr.EarlyStopping("cost", patience=15)


def whole(fit: Fit) -> cr.Network:
    """Return the network that was never interrupted."""
    make, y, options = fit
    net = make()
    net.fit(X, y, epochs=EPOCHS, callbacks=stopping(), **options)
    return net


def begin(fit: Fit, path: Path, **settings: Any) -> None:
    make, y, options = fit
    checkpoint = cr.Checkpoint(path, **settings)
    make().fit(X, y, epochs=EPOCHS, callbacks=[stopping(), checkpoint], **options)


def difference(path: Path, history: cr.History, expected: cr.Network) -> str | None:
    """Say what a training that went on to its end has lost, if anything."""
    if carried(cr.load(path)) != carried(expected):
        return "another network"
    try:
        assert_same_figures(history, expected.history)
    except AssertionError as error:
        return f"other figures: {error}"
    return None


def in_child(work: Callable[[], object]) -> int:
    """Begin `work` in a process of its own; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        work()
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def kills(effort: Effort, signal_number: int, **settings: Any) -> Iterator[str]:
    """Send a signal at some time, again and again, until a process comes to the end."""
    fits = [(fit, whole(fit), how_long(fit)) for fit in FITS]
    sent = 0
    while sent < effort.cases(100, 12):
        fit, expected, seconds = fits[effort.rng.integers(len(fits))]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.npz"
            history = None
            while history is None:

                def work(path: Path = path, fit: Fit = fit) -> None:
                    if path.exists():
                        cr.resume(path, X, fit[1])
                    else:
                        begin(fit, path, **settings)

                child = in_child(work)
                time.sleep(effort.rng.random() * seconds)
                os.kill(child, signal_number)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                is_last = sent >= 100 or status == 0
                if status not in (0, 130, -signal_number):
                    yield Lost(f"exit status {status}, {fit}")
                    return
                sent += status != 0
                if status != 0:
                    yield "begun anew" if not path.exists() else "gone on"
                if is_last:
                    history = cr.resume(path, X, fit[1]) if path.exists() else expected.history
            left = [name for name in os.listdir(folder) if name.endswith(".tmp")]
            if left and path.exists():
                cr.load(path).save(path)
                left = [name for name in os.listdir(folder) if name.endswith(".tmp")]
            if left:
                yield Lost(f"unfinished files stay: {left}")
            if path.exists() and (what := difference(path, history, expected)):
                yield Lost(f"{what}, {fit}")
            else:
                yield "at the end, the same bytes"


def how_long(fit: Fit) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        begin(fit, Path(folder) / "run.npz")
        return time.perf_counter() - began


def sigkill(effort: Effort) -> Iterator[str]:
    yield from kills(effort, signal.SIGKILL)


def sigterm(effort: Effort) -> Iterator[str]:
    yield from kills(effort, signal.SIGTERM, every=7, keep=2, sigterm=True)


def full_disks(effort: Effort) -> Iterator[str]:
    """A file may have so many bytes and no more, which is how a quota ends a write."""
    fit = FITS[1]
    expected = whole(fit)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        begin(fit, path, keep=100)
        size = path.with_suffix(".3.npz").stat().st_size  # those after are larger
    for limit in effort.rng.integers(0, size, effort.cases(200, 15)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.npz"

            def work(path: Path = path, limit: int = limit) -> None:
                def shrink(net: cr.Network, so_far: cr.History) -> None:
                    if len(so_far) == 5:  # four are written
                        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                net, done = classifier(), cr.Checkpoint(path)
                options = fit[2]
                try:
                    callbacks = [shrink, stopping(), done]
                    net.fit(X, LABELS, epochs=EPOCHS, callbacks=callbacks, **options)
                except OSError as error:
                    os._exit(3 if error.errno == errno.EFBIG else 4)

            code = os.waitstatus_to_exitcode(os.waitpid(in_child(work), 0)[1])
            callbacks = [lambda net, history: None, stopping(), cr.Checkpoint(path)]
            callbacks[0].__name__ = "shrink"
            if code != 3 or len(os.listdir(folder)) != 1 or cr.load(path).epochs_trained != 4:
                yield Lost(f"limit {limit}: exit status {code}, {os.listdir(folder)}")
                continue
            history = cr.resume(path, X, LABELS, callbacks=callbacks)
            lost = difference(path, history, expected)
            yield Lost(f"limit {limit}: {lost}") if lost else "refused, the file before went on"


def small_disk(effort: Effort) -> Iterator[str]:
    """A file system of 512 kB, which is full from some epoch on."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder]
        try:
            is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
        except FileNotFoundError:
            is_mounted = False
        if not is_mounted:
            yield "skipped: cannot mount here"
            return
        try:
            path = Path(folder) / "run.npz"
            with contextlib.suppress(OSError):
                begin(FITS[1], path, keep=100)
            last = cr.load(path)
            for older in Path(folder).glob("run.*.npz"):
                older.unlink()
            history = cr.resume(path, X, LABELS, callbacks=[stopping(), cr.Checkpoint(path)])
            lost = difference(path, history, whole(FITS[1]))
            yield Lost(lost) if lost else f"full after {last.epochs_trained} epochs, went on"
        finally:
            subprocess.run(["umount", folder], check=True)


def places(effort: Effort) -> Iterator[str]:
    """Where no file can be written, or by way of a link."""
    for where in ("fifo", "folder", "loop", "no folder", "link", "link to nothing", "long name"):
        with tempfile.TemporaryDirectory() as folder:
            path, other = Path(folder) / "run.npz", Path(folder) / "other.npz"
            if where == "fifo":
                os.mkfifo(path)
            elif where == "folder":
                path.mkdir()
            elif where == "loop":
                path.symlink_to(path)
            elif where == "no folder":
                path = Path(folder) / "none" / "run.npz"
            elif where == "long name":
                path = Path(folder) / ("x" * 300 + ".npz")
            else:
                path.symlink_to(other)
                if where == "link":
                    regressor().save(other)
            before = sorted(os.listdir(folder))
            try:
                begin(FITS[0], path)
            except OSError:
                is_same = sorted(os.listdir(folder)) == before
                is_right = is_same and "link" not in where
                yield "refused" if is_right else Lost(f"{where}: {os.listdir(folder)}")
                continue
            is_right = path.is_symlink() and cr.load(other).epochs_trained > 0
            yield "through the link" if is_right else Lost(f"{where}: written")


def read_only(effort: Effort) -> Iterator[str]:
    if os.geteuid() == 0:  # whom permissions do not stop
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)

            def work() -> None:
                os.setuid(65534)
                try:
                    begin(FITS[0], Path(folder) / "run.npz")
                except PermissionError:
                    os._exit(3)

            code = os.waitstatus_to_exitcode(os.waitpid(in_child(work), 0)[1])
            is_right = code == 3 and not os.listdir(folder)
            yield "refused" if is_right else Lost(f"exit status {code}, {os.listdir(folder)}")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o500)
        try:
            begin(FITS[0], Path(folder) / "run.npz")
            yield Lost("written")
        except PermissionError:
            yield "refused"
        os.chmod(folder, 0o700)


# ---------------------------------------------------------------- damaged and forged


def a_checkpoint(folder: str) -> tuple[Path, cr.Network]:
    path = Path(folder) / "run.npz"
    make, y, options = FITS[1]
    net = make()
    with contextlib.suppress(ZeroDivisionError):
        net.fit(
            X, y, epochs=EPOCHS, max_seconds=1e-9, **options,
            callbacks=[stopping(), cr.Log(), cr.Checkpoint(path)],
        )  # fmt: skip
    return path, whole(FITS[1])


def resumed(path: Path, expected: cr.Network, *, is_forged: bool = False) -> str:
    """Go on from what may be no checkpoint."""
    again: dict[str, Any] = {"max_seconds": 0.05 if is_forged else None, "progress": False}
    try:
        history = cr.resume(path, X, LABELS, **again)
    except (ValueError, TypeError, cr.DivergenceError, OSError):
        return "refused"
    except Exception as error:
        return Lost(f"{type(error).__name__}: {error}")
    if is_forged:
        cr.load(path).fit(X, LABELS, epochs=1, optimizer=cr.SGD(0.01))
        return "another training, usable"
    lost = difference(path, history, expected)
    return Lost(lost) if lost else "the same training"


def damaged(effort: Effort) -> Iterator[str]:
    """Bits that are flipped, and files that are cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path, expected = a_checkpoint(folder)
        content = path.read_bytes()
        for _ in range(effort.cases(4000, 150)):
            other = bytearray(content)
            if effort.rng.random() < 0.2:
                del other[effort.rng.integers(len(other)) :]
            else:
                other[effort.rng.integers(len(other))] ^= 1 << effort.rng.integers(8)
            path.write_bytes(other)
            yield resumed(path, expected)


OTHERS: list[Any] = [
    None, True, 0, -1, 1.5, 2**70, float("nan"), "", "x" * 500, [], [[]], {}, {"dict": []},
    {"dict": [[[], 1]]}, {"dict": 3}, {"array": "training.0", "shape": [2**40]},
    {"array": "training.0", "shape": [-1]}, {"array": "none", "shape": [1]},
    {"array": "training.1", "shape": "a"}, {"array": ["x"], "shape": [1]},
]  # fmt: skip


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a JSON value: what it is in, and its key."""
    keys: Any = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from nodes(value[key])


def forged(effort: Effort) -> Iterator[str]:
    """Each part of the record replaced, with right checksums."""
    with tempfile.TemporaryDirectory() as folder:
        path, expected = a_checkpoint(folder)
        with np.load(path) as file:
            arrays = dict(file)
        record = json.loads(arrays["training"].tobytes())
        n_nodes = len(list(nodes(record)))
        tries = [(i, j) for i in range(n_nodes) for j in range(len(OTHERS) + 1)]
        effort.rng.shuffle(tries)
        for i, j in tries[: effort.cases(len(tries), 150)]:
            other = copy.deepcopy(record)
            parent, key = list(nodes(other))[i]
            if j < len(OTHERS):
                parent[key] = OTHERS[j]
            else:
                del parent[key]
            text = np.frombuffer(json.dumps(other).encode(), np.uint8)
            content = BytesIO()
            np.savez(content, **(arrays | {"training": text}))
            path.write_bytes(content.getvalue())
            outcome = resumed(path, expected, is_forged=True)
            if isinstance(outcome, Lost):
                outcome = Lost(f"{outcome} ({str(parent)[:80]}, {key!r}: {OTHERS[j : j + 1]})")
            yield outcome


ROWS = {
    "SIGKILL at any time, again and again": sigkill,
    "SIGTERM at any time, `sigterm=True`": sigterm,
    "a quota that ends a write after so many bytes": full_disks,
    "a disk of 512 kB": small_disk,
    "pipes, folders, links, loops, long names": places,
    "a folder that cannot be written": read_only,
    "flipped bits, files cut off": damaged,
    "each part of the record replaced": forged,
}
