"""A process that loads what may be no model file, in little memory and time, and says what came."""

import os
import pickle
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

import chainrule as cr
import chainrule.sklearn
from campaign import Lost
from ensemble_kinds import ENSEMBLES
from ensemble_kinds import KINDS as KINDS_OF_ENSEMBLES
from estimator_kinds import ESTIMATORS
from model_file_kinds import KINDS, WRITTEN
from table_kinds import KINDS as KINDS_OF_TABLES
from table_kinds import TABLES

SECONDS = 2  # of a processor, for one file
ROOM = 64 << 20  # bytes beyond what the process takes before it has read one
LONGEST_MESSAGE = 1500
FILES = {
    path.relative_to(WRITTEN).with_suffix("").as_posix(): path
    for folder in (WRITTEN, ESTIMATORS, ENSEMBLES, TABLES)
    for path in folder.glob("*.npz")
    if "expected" not in path.stem
}


def loaded(path, name):
    """Return what is in a file, made of the file `name`: a network, an estimator, an ensemble."""
    if name.startswith((ESTIMATORS.name, TABLES.name)):
        return chainrule.sklearn.load(path)
    kind = name.partition("-")[2].replace("-", " ")
    if name.startswith(ENSEMBLES.name):
        return cr.load(path, own=KINDS_OF_ENSEMBLES[kind][3])
    return cr.load(path, own=KINDS[kind].own)


class Reader:
    """The process, anew where it was killed."""

    def __init__(self):
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process:
            self._process.stdin.close()
            self._process.wait()

    def load(self, name: str, content: bytes, what: str, *, may_differ: bool = False) -> str:
        """Return what comes of loading `content`, made of the file `name` by `what`.

        may_differ: whether it may be another network that one can use; else it is the same one, or
        none.
        """
        process = self._process = self._process or begun()
        try:
            pickle.dump((name, content, may_differ), process.stdin)
            process.stdin.flush()
            is_well, outcome = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self._process = None
            is_well, outcome = False, f"the process ended with {process.wait()}"
        if is_well:
            return outcome
        with tempfile.NamedTemporaryFile(suffix=".npz", delete=False) as kept:
            kept.write(content)
        return Lost(f"{name}, {what}: {outcome}; the file is {kept.name}")


def begun() -> subprocess.Popen:
    """Return the process, ready to load."""
    path = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, __file__],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if pickle.load(process.stdout) != "ready":  # EOFError, if it did not come so far
        raise RuntimeError("expected a process that is ready")
    return process


def load(path: Path, name: str, expected, may_differ: bool) -> tuple[bool, str]:
    """Load a file; whether nothing was lost, and what happened."""
    try:
        net = loaded(path, name)
    except ValueError as error:
        said = str(error)
        is_ours = said.startswith(f"{path} cannot be loaded: ") and len(said) < LONGEST_MESSAGE
        return is_ours, "refused" if is_ours else f"a message of another kind: {said[:500]}"
    except BaseException as error:
        return False, f"{type(error).__name__}: {error}"
    if said_of(net) == expected:
        return True, "loads the same network"
    if not may_differ:
        return False, "another network was loaded"
    try:
        return True, use(net)
    except BaseException as error:
        return False, f"{type(error).__name__} in use: {error}"


def said_of(net):
    """Return all that makes a network, an ensemble or an estimator what it is."""
    if isinstance(net, cr.Ensemble):
        return [said_of(each) for each in net], net.weights.tobytes()
    if not isinstance(net, cr.Network):
        parts = dict(vars(net))
        if "predictor_" in parts:
            table = parts.pop("predictor_")
            state = table.preparation.state(), table.scale, table.shift, table.temperature
            return said_of(table.ensemble), repr(parts), repr(state)
        rate, _ = parts.pop("_rate", None), parts.pop("_label_binarizer", None)
        return said_of(parts.pop("network_")), repr(parts), repr(rate and vars(rate))
    state = {name: (a.dtype.str, a.tobytes()) for name, a in net.optimizer_state.items()}
    named = None if net._named is None else [(type(each), each) for each in net._named.tolist()]
    settled = net.input_names, named, net._answers, net._by_task, net.epochs_trained
    return repr(net), repr(net._optimizer), net.parameters.tobytes(), state, settled


def use_estimator(estimator):
    """Save, load, ask and train another estimator; return what came of it."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        estimator.save(file.name)
        again = chainrule.sklearn.load(file.name)
    if said_of(again) != said_of(estimator):
        raise AssertionError("saved and loaded it is another")
    if hasattr(estimator, "predictor_"):
        return use_table(estimator)
    X = np.linspace(-1, 1, 4 * estimator.n_features_in_).reshape(4, -1)
    try:
        y = estimator.predict(X)
        # what was trained by all samples at once has no course of steps to go on with
        if hasattr(estimator, "partial_fit") and hasattr(estimator, "loss_curve_"):
            estimator.set_params(verbose=False).partial_fit(X, y)
    except (ValueError, TypeError, OverflowError, cr.DivergenceError):
        return "loads another estimator, which says why it cannot be used so"
    return "loads another estimator, which can be used"


def use_table(estimator):
    """Ask another estimator of tables about all rows there are; return what came of it."""
    answered = 0
    for _, X, _ in KINDS_OF_TABLES.values():
        try:
            answered += len(estimator.predict(X)) > 0
        except (ValueError, TypeError):  # of another table
            continue
    return f"loads another estimator, which answers about {answered} tables"


def use(net) -> str:
    """Ask, save, load and train another network; return what came of it."""
    if isinstance(net, cr.Ensemble):
        for each in net:
            use(each)
        return "loads another ensemble, each network of which says what it can be used for"
    if not isinstance(net, cr.Network):
        return use_estimator(net)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        net.save(file.name)
        own = {each.__class__.__name__: each for each in (*net.hidden, net.output, net.cost)}
        own = {name: own[name] for name in ("Sine", "Focal") if name in own}
        again = cr.load(file.name, own=own)
    if said_of(again) != said_of(net):
        raise AssertionError("saved and loaded it is another")
    X = np.linspace(-1, 1, 4 * net.sizes[0]).reshape(4, -1)
    try:
        if net._plan is not None:
            net(X)
        net.fit(X, targets_for(net, X), epochs=1, threads=1)
    except (ValueError, cr.DivergenceError):
        return "loads another network, which says why it cannot be used so"
    return "loads another network, which can be used"


def targets_for(net, X):
    if net._plan is not None and net.answers == "classes":
        return net.predict(X)
    return np.full((4, net.sizes[-1] // net._cost.outputs_per_target), 0.5)


def bound():
    """Limit memory from here on to what it is now, and some room."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def answer(what):
    pickle.dump(what, sys.stdout.buffer)
    sys.stdout.flush()


def main():
    warnings.simplefilter("ignore")
    expected = {name: said_of(loaded(path, name)) for name, path in FILES.items()}
    for name, path in FILES.items():  # what the first use of each part takes is taken
        use(loaded(path, name))
    bound()
    answer("ready")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        while True:
            try:
                name, content, may_differ = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            path.write_bytes(content)
            used = resource.getrusage(resource.RUSAGE_SELF)
            seconds = int(used.ru_utime + used.ru_stime) + SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
            answer(load(path, name, expected[name], may_differ))


if __name__ == "__main__":
    main()
