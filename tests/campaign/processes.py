"""Threads, forks, signals and interpreters: nothing crashes, hangs or is mixed up."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from campaign import Effort, Lost
from carried import carried

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 16))
Y = np.tanh(X[:, :4])
LABELS = X[:, :10].argmax(axis=1)

# name: network, targets, options of fit. Each takes some milliseconds an epoch.
FITS: dict[str, tuple[Callable[[], cr.Network], np.ndarray, dict[str, Any]]] = {
    "SGD": (lambda: small(), Y, {"optimizer": cr.SGD(0.05)}),
    "one thread": (lambda: small(), Y, {"optimizer": cr.Adam(), "threads": 1}),
    "Adam, dropout": (
        lambda: classes(), LABELS,
        {"optimizer": cr.Adam(), "dropout": 0.2, "average": 0.9, "validation_split": 0.1},
    ),
    "momentum, limits": (
        lambda: classes(), LABELS,
        {"optimizer": cr.SGD(0.1, momentum=0.9), "clip_norm": 1.0, "max_norm": 2.0, "l1": 1e-5},
    ),
    "by neurons": (lambda: wide(), Y, {"optimizer": cr.RMSprop(), "batch_size": 64}),
    "full batch": (lambda: small(), Y, {"batch_size": 3000, "optimizer": cr.Rprop()}),
    "LBFGS": (lambda: small(), Y, {"optimizer": cr.LBFGS()}),
}  # fmt: skip


def small() -> cr.Network:
    return cr.Network([16, 24, 4], task="regression", seed=0)


def classes() -> cr.Network:
    return cr.Network([16, 40, 20, 10], task="classification", seed=0)


def wide() -> cr.Network:
    return cr.Network([16, 300, 200, 4], hidden="relu", init="he", output="identity", seed=0)


def fit(name: str, epochs: int, net: cr.Network | None = None, **further: Any) -> cr.Network:
    make, y, options = FITS[name]
    net = make() if net is None else net
    net.fit(X, y, epochs=epochs, **(options | further))
    return net


def waited(child: int, seconds: float = 60) -> int | None:
    """Return the exit status of a child, or None if it hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def side_by_side(effort: Effort) -> Iterator[str]:
    """Networks in many threads at once get the bits that they get alone."""
    alone = {name: carried(fit(name, 4)) for name in FITS}
    for _ in range(effort.cases(60, 3)):
        names = effort.rng.choice(list(FITS), effort.rng.integers(2, 7)).tolist()
        found: dict[int, Any] = {}

        def work(i: int, name: str, found: dict[int, Any] = found) -> None:
            found[i] = carried(fit(name, 4))

        workers = [threading.Thread(target=work, args=each) for each in enumerate(names)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for i, name in enumerate(names):
            is_same = found.get(i) == alone[name]
            yield "the bits it gets alone" if is_same else Lost(f"{name} among {names}")


def one_in_two_threads(effort: Effort) -> Iterator[str]:
    """A network that is trained by one is refused to another, which may ask it meanwhile."""
    for i in range(effort.cases(100, 6)):
        name = list(FITS)[i % len(FITS)]
        net, expected, log = FITS[name][0](), carried(fit(name, 6)), []

        def train(net: cr.Network = net, name: str = name, log: list = log) -> None:
            try:
                fit(name, 6, net)
                log.append("trained")
            except RuntimeError:
                log.append("refused")

        fit(name, 0, net)
        scaled = fit(name, 1)  # a network that is scaled may be asked before it is trained
        net._scaling, net._output_scaling = scaled._scaling, scaled._output_scaling
        net._set_plan()
        workers = [threading.Thread(target=train) for _ in range(2)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            if not np.isfinite(net(X[:50])).all():
                log.append("not finite")
        for worker in workers:
            worker.join()
        if "not finite" in log or "trained" not in log:
            yield Lost(f"{name}: {log}")
        elif log.count("trained") == 2:
            yield "one after the other"
        else:
            is_same = carried(net) == expected
            yield "one refused, the other as alone" if is_same else Lost(f"{name}: mixed up")


def forks(effort: Effort) -> Iterator[str]:
    """A child trains on, whatever the parent and its threads were about."""
    expected = {name: carried(fit(name, 3)) for name in FITS}
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            fit("by neurons", 1)

    workers = [threading.Thread(target=busy) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for i in range(effort.cases(120, 10)):
            name = list(FITS)[i % len(FITS)]
            time.sleep(effort.rng.random() * 0.01)
            child = os.fork()
            if not child:
                code = 1
                try:
                    code = 0 if carried(fit(name, 3)) == expected[name] else 3
                finally:
                    os._exit(code)
            status = waited(child)
            yield "the same bits" if status == 0 else Lost(f"{name}: exit status {status}")
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def pools(effort: Effort) -> Iterator[str]:
    """Processes of multiprocessing, of each way to begin them, give the same bits."""
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        nets = [small() for _ in range(4)]
        for net in nets:
            fit("SGD", 1, net)
        with context.Pool(2) as pool:
            found = pool.starmap(_trained, [(net, X, Y) for net in nets])
        for net, there in zip(nets, found, strict=True):
            net.fit(X, Y, epochs=2)
            is_same = carried(net) == there
            yield f"the same bits, by {method}" if is_same else Lost(f"other bits, by {method}")


def _trained(net: cr.Network, inputs: np.ndarray, targets: np.ndarray) -> Any:
    net.fit(inputs, targets, epochs=2)
    return carried(net)


class Alarm(Exception):  # noqa: N818 - what a signal handler of the user's raises
    pass


def signals(effort: Effort) -> Iterator[str]:
    """A handler raises at some time: what is finished stays, and goes on to the same bytes."""

    def ring(*_: Any) -> None:
        raise kind

    before = signal.signal(signal.SIGALRM, ring)
    try:
        wholes = {name: carried(fit(name, 9)) for name in FITS}
        for i in range(effort.cases(300, 14)):
            name = list(FITS)[i % len(FITS)]
            kind: Any = (KeyboardInterrupt, Alarm)[i % 2]
            net, began = FITS[name][0](), time.perf_counter()
            fit(name, 9)
            seconds = time.perf_counter() - began
            try:
                signal.setitimer(signal.ITIMER_REAL, effort.rng.random() * seconds + 1e-5)
                fit(name, 9, net)
                signal.setitimer(signal.ITIMER_REAL, 0)
                outcome = "not in time"
            except kind:
                outcome = "stopped, went on to the same bytes"
            with contextlib.suppress(kind):
                signal.setitimer(signal.ITIMER_REAL, 0)
            done = net.epochs_trained
            fit(name, 9 - done, net)
            is_same = carried(net) == wholes[name]
            yield outcome if is_same else Lost(f"{name}: other bytes, stopped after {done}")
    finally:
        signal.signal(signal.SIGALRM, before)


ASKED: dict[str, Callable[[cr.Network], Any]] = {
    "feedforward": lambda net: net(X),
    "evaluate": lambda net: net.evaluate(X, LABELS),
    "backprop": lambda net: net.backprop(X, LABELS),
    "trace": lambda net: net.trace(X, LABELS),
    "jacobian": lambda net: net.jacobian(X[:300]),
    "save": lambda net: net.save(os.devnull + "-none"),
    "check_gradient": lambda net: cr.check_gradient(net, X[:3], LABELS[:3]),
    "learning_rate_range": lambda net: cr.learning_rate_range(net, X, LABELS),
    "diagnose": lambda net: cr.diagnose(net, X, LABELS),
}


def signals_while_asked(effort: Effort) -> Iterator[str]:
    """Likewise while a network is asked: it stays as it was."""

    def ring(*_: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    net = fit("Adam, dropout", 2)
    was = carried(net)
    try:
        for i in range(effort.cases(300, 18)):
            name = list(ASKED)[i % len(ASKED)]
            outcome = "not in time"
            try:
                signal.setitimer(signal.ITIMER_REAL, effort.rng.random() * 0.01 + 1e-5)
                with contextlib.suppress(OSError):
                    ASKED[name](net)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Alarm:
                outcome = "stopped, as it was"
            with contextlib.suppress(Alarm):
                signal.setitimer(signal.ITIMER_REAL, 0)
            yield outcome if carried(net) == was else Lost(f"{name} has changed the network")
    finally:
        signal.signal(signal.SIGALRM, before)


AT_EXIT = """
import threading, time, sys
import numpy as np
import chainrule as cr
X = np.random.default_rng(0).normal(size=(2000, 16))
def train():
    net = cr.Network([16, 200, 200, 4], hidden="relu", init="he", output="identity", seed=0)
    while True:
        net.fit(X, np.tanh(X[:, :4]), epochs=1)
for _ in range(2):
    threading.Thread(target=train, daemon=True).start()
time.sleep(float(sys.argv[1]))
"""


def exits(effort: Effort) -> Iterator[str]:
    """The interpreter ends while daemon threads train."""
    for _ in range(effort.cases(60, 4)):
        seconds = f"{effort.rng.random() * 0.1:.4f}"
        command = [sys.executable, "-c", AT_EXIT, seconds]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            yield Lost(f"hangs at its end, after {seconds} s")
            continue
        is_well = done.returncode == 0
        yield "ends" if is_well else Lost(f"{done.returncode} after {seconds} s: {done.stderr}")


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import chainrule
new = interpreters.create()
try:
    failed = interpreters.run_string(new, '''
try:
    import chainrule as cr, numpy as np
except ImportError as error:
    print("refused")
else:
    net = cr.Network([2, 3, 1], seed=0)
    net.fit(np.eye(2), np.ones(2), epochs=2)
    print("works")
''')
    if failed: print("refused")
except Exception as error:
    print("refused")
"""


def subinterpreters(effort: Effort) -> Iterator[str]:
    command = [sys.executable, "-c", SUBINTERPRETER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = done.stdout.strip()
    is_well = done.returncode == 0 and said in ("refused", "works")
    yield said if is_well else Lost(f"{done.returncode}: {said} {done.stderr[-300:]}")


ROWS = {
    "networks trained in up to six threads at once": side_by_side,
    "one network trained and asked by several threads": one_in_two_threads,
    "forks while two threads train": forks,
    "pools of processes": pools,
    "signals whose handlers raise, while it trains": signals,
    "signals whose handlers raise, while it is asked": signals_while_asked,
    "the interpreter ends while threads train": exits,
    "a second interpreter in the process": subinterpreters,
}
