"""Ctrl-C, and anything else a signal handler may raise: training stops soon, and nothing is lost.

How soon is measured in processor time, so that a busy machine makes no difference.
"""

import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

import chainrule
from carried import carried
from chainrule import LBFGS, SGD, LevenbergMarquardt, Network
from chainrule.core import _core
from interruptions import interrupted_at_each_line, signal_after, time_to_stop

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers"),
    pytest.mark.usefixtures("ctrl_c"),
]


def assert_consistent(history, epochs):
    assert len(history) == epochs
    assert np.isfinite(history.cost).all()
    assert len(history.epoch) == len(history.cost) == len(history.seconds) == epochs


# ---------------------------------------------------------------- soon

# Each of these would go on for many seconds.


@pytest.fixture(scope="module")
def heavy():
    """A network with 4 million weights, and 30,000 samples: 8 million products for each."""
    net = Network([50, 2000, 2000, 10], hidden="relu", init="he", seed=0)
    rng = np.random.default_rng(0)
    return net, rng.random((30000, 50), dtype="float32"), rng.integers(10, size=30000)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 32},
        {"batch_size": 30000},
        {"optimizer": SGD(0.1, momentum=0.9)},
        {"optimizer": LBFGS()},
    ],
    ids=["mini-batches", "one batch", "momentum", "LBFGS"],
)
def test_a_long_epoch_stops_within_a_second_and_leaves_no_trace(heavy, options):
    net, x, y = heavy
    before = net.parameters.tobytes()
    assert time_to_stop(lambda: net.fit(x, y, epochs=1, **options)) < 1
    assert net.parameters.tobytes() == before
    assert net.epochs_trained == len(net.history) == 0
    assert not any(velocity.any() for velocity in net.optimizer_state.values())


@pytest.mark.parametrize("after", [0.1, 0.3, 0.6, 0.9, 1.2, 1.5])
@pytest.mark.parametrize(
    ("sizes", "rows"), [([69, 70, 1], 2000), ([9, 490], 2000)], ids=["one output", "many outputs"]
)
def test_the_largest_least_squares_stop_within_a_second(sizes, rows, after):
    """Wherever it is: at the Jacobian, at its product, at the system, or at a trial."""
    net = Network(sizes, output="identity", dtype="float64", seed=0)
    assert 4900 <= net.parameters.size <= 5000
    x = np.random.default_rng(0).normal(size=(rows, sizes[0]))
    y = np.ones((rows, sizes[-1]))
    before = carried(net)
    stop = partial(net.fit, x, y, optimizer=LevenbergMarquardt(1e-3), epochs=10**6)
    assert time_to_stop(stop, after) < 1
    assert_consistent(net.history, net.epochs_trained)
    assert (carried(net) == before) == (net.epochs_trained == 0)


ASKED = {
    "feedforward": lambda net, x, y: net.feedforward(x),
    "evaluate": lambda net, x, y: net.evaluate(x, y),
    "backprop": lambda net, x, y: net.backprop(x, y),
    "trace": lambda net, x, y: net.trace(x[:8000], y[:8000]),
    "gradients of samples": lambda net, x, y: net.trace(x[:200], y[:200], gradients=True),
    "jacobian": lambda net, x, y: net.jacobian(x),
    "numerical_gradient": chainrule.numerical_gradient,
    "check_gradient": partial(chainrule.check_gradient, scheme="forward"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_questions_stop_within_a_second(heavy, ask):
    net, x, y = heavy
    before = carried(net)
    assert time_to_stop(lambda: ask(net, x, y)) < 1
    assert carried(net) == before


def test_a_sensitivity_of_many_outputs_stops_within_a_second():
    """There is more to write than to compute: 2 GB."""
    net = Network([50, 1000, 1000, 400], hidden="relu", seed=0)
    before = carried(net)
    assert time_to_stop(lambda: net.sensitivity(np.ones(50)), after=0.05) < 1
    assert carried(net) == before


def test_numerical_gradients_stop_within_a_second_amid_many_short_passes():
    net = Network([300, 300, 300], seed=0)
    before = carried(net)
    x = np.ones((1, 300))
    assert time_to_stop(lambda: chainrule.numerical_gradient(net, x, x)) < 1
    assert carried(net) == before


def test_no_layer_keeps_a_signal_waiting_for_long():
    """A pass takes a third of a tile's arithmetic, which cores do 1e11 or so of in a second."""
    layers = [("relu", 0.0), ("relu", 0.0), ("sigmoid", 0.0)]
    plans = {n: _core.Plan((3, n, n, 2), layers, ("quadratic", ()), True)
             for n in (30, 1000, 4000, 10000, 30000)}  # fmt: skip
    assert [plans[n].tile for n in (30, 1000, 4000)] == [512, 512, 512]
    assert plans[10000].tile * 2 * 10000**2 < 5e10
    assert plans[30000].tile * 2 * 30000**2 < 5e10


def test_short_epochs_stop_within_a_second():
    net = Network([3, 4, 2], seed=0)
    x, y = np.ones((20000, 3)), np.zeros(20000, int)
    assert time_to_stop(lambda: net.fit(x, y, epochs=1000, batch_size=1)) < 1
    assert net.epochs_trained < 1000


def test_a_thousand_layers_of_one_neuron_stop_within_a_second():
    """Much to do besides the arithmetic."""
    net = Network([1] * 1001, hidden="identity", init=lambda *_: ([[1.0]], [0.0]))
    x = np.ones((40000, 1))
    assert time_to_stop(lambda: net.fit(x, x, epochs=1, batch_size=1)) < 1


def test_a_validation_stops_within_a_second_and_its_epoch_counts(heavy):
    net, x, y = Network([50, 2000, 2000, 10], init="glorot", seed=0), *heavy[1:]
    few = x[:10], y[:10]
    stop = partial(net.fit, *few, epochs=5, validation_data=(x, y))
    assert time_to_stop(stop, after=0.5) < 1
    assert net.epochs_trained == 1  # it takes a thousandth of what the validation takes
    assert_consistent(net.history, 1)
    assert np.isnan(net.history.validation_cost).tolist() == [True]
    assert np.isnan(net.history.validation_accuracy).tolist() == [True]
    twin = Network([50, 2000, 2000, 10], init="glorot", seed=0)
    twin.fit(*few, epochs=1)
    assert carried(net) == carried(twin)
    assert net.history.cost.tolist() == twin.history.cost.tolist()


# ---------------------------------------------------------------- nothing is lost

EPOCHS = 1000  # of some milliseconds each


def problem(dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.random((5000, 100)).astype(dtype), rng.integers(10, size=5000)


@pytest.mark.parametrize("validate", [False, True], ids=["alone", "validation"])
@pytest.mark.parametrize(
    ("dtype", "optimizer"),
    [
        ("float32", SGD(0.5)),
        ("float64", SGD(0.1, momentum=0.9)),
        ("float64", LBFGS()),
    ],
    ids=["float32", "float64 momentum", "LBFGS"],
)
def test_finished_epochs_are_kept_and_continued(dtype, optimizer, validate):
    x, y = problem(dtype)
    options = {"optimizer": optimizer, "batch_size": 10}
    watched = {"validation_data": (x[:100], y[:100])} if validate else {}
    net, twin = (Network([100, 60, 10], dtype=dtype, seed=3) for _ in range(2))
    for rounds in range(2):  # also a fit that goes on from another is interrupted
        begun = net.epochs_trained
        with pytest.raises(KeyboardInterrupt), signal_after(0.25):
            net.fit(x, y, epochs=EPOCHS, **options, **watched)
        finished = net.epochs_trained - begun
        assert finished < EPOCHS
        assert_consistent(net.history, finished)
        assert (net.history.seconds > 0).all()
        assert net.history.epoch.tolist() == list(range(begun, begun + finished))
        expected = twin.fit(x, y, epochs=finished, **options)
        assert carried(net) == carried(twin), f"round {rounds}"
        assert net.history.cost.tolist() == expected.cost.tolist()
        if validate:
            assert len(net.history.validation_cost) == finished
    net.fit(x, y, epochs=2, **options, **watched)
    twin.fit(x, y, epochs=2, **options)
    assert carried(net) == carried(twin)
    assert net.epochs_trained > 2, "no epoch was finished before a Ctrl-C"


def test_without_a_finished_epoch_all_is_as_before(heavy):
    """Also the velocity, which an epoch of plain descent would have ended."""
    net, x, y = Network([50, 2000, 2000, 10], init="zeros"), *heavy[1:]
    net.fit(x[:32], y[:32], optimizer=SGD(0.1, momentum=0.9), epochs=1)
    before = carried(net)
    with pytest.raises(KeyboardInterrupt), signal_after(0.1):
        net.fit(x, y, optimizer=SGD(0.1), epochs=1)
    assert net.epochs_trained == 1
    assert carried(net) == before


@pytest.mark.parametrize(
    ("watched", "optimizer"),
    [
        ("nothing", SGD(0.5, momentum=0.5)),
        ("validation", SGD(0.5, momentum=0.5)),
        ("layers", SGD(0.5, momentum=0.5)),
        ("validation", LBFGS(2)),
        ("nothing", LevenbergMarquardt()),
    ],
    ids=["nothing", "validation", "layers", "LBFGS", "LevenbergMarquardt"],
)
def test_wherever_ctrl_c_comes_parameters_and_epochs_belong_together(watched, optimizer):
    """A Ctrl-C at every line in turn: what is finished counts, what is not has left nothing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.integers(3, size=20)
    options = {"optimizer": optimizer, "batch_size": 7}
    if watched == "validation":
        options["validation_data"] = x, y
    if watched == "layers":
        options["record"] = "layers"

    def begin():
        net = Network([4, 5, 3], seed=0)
        net.fit(x, y, epochs=2, **options)
        return net

    reference = begin()
    course, costs, norms = [carried(reference)], [], []
    for _ in range(6):
        costs.append(reference.fit(x, y, epochs=1, **options).cost[0])
        if watched == "layers":
            norms += reference.history.delta_norms.tolist()
        course.append(carried(reference))

    def fits():
        net = begin()
        return (net, net.history), partial(net.fit, x, y, epochs=3, **options)

    line = 0
    for line, (net, earlier) in interrupted_at_each_line(fits):
        finished = net.epochs_trained - 2
        assert carried(net) == course[finished], f"Ctrl-C at line {line}"
        if finished or net.history is not earlier:
            assert net.history is not earlier
            assert_consistent(net.history, finished)
            assert net.history.cost.tolist() == costs[:finished]
            assert len(net.history.validation_cost) == finished * (watched == "validation")
            assert hasattr(net.history, "delta_norms") == bool(norms)
            if norms:
                assert net.history.delta_norms.tolist() == norms[:finished]
                assert len(net.history.saturation) == finished
        net.fit(x, y, epochs=6 - finished, **options)
        assert carried(net) == course[6], f"continued after a Ctrl-C at line {line}"
    assert line > 50


# ---------------------------------------------------------------- other handlers


class Stop(Exception):  # noqa: N818 - not an error
    """Raised by a handler."""


@pytest.mark.parametrize("ask", [Network.fit, *ASKED.values()], ids=["fit", *ASKED])
def test_what_a_handler_raises_comes_out_unchanged(heavy, ask):
    net, x, y = heavy
    raised = Stop("enough")

    def handler(number, frame):
        assert number == signal.SIGPROF
        raise raised

    before = net.parameters.tobytes()
    with pytest.raises(Stop) as caught, signal_after(0.05, handler):
        ask(net, x, y)
    assert caught.value is raised
    assert raised.__cause__ is None
    assert net.parameters.tobytes() == before


def test_a_handler_that_does_not_raise_changes_nothing():
    x, y = problem()
    net, twin = (Network([100, 60, 10], seed=3) for _ in range(2))
    calls = []
    with signal_after(0.05, lambda *_: calls.append(net.evaluate(x[:9], y[:9])["cost"])):
        net.fit(x, y, epochs=100, batch_size=10)
    assert len(calls) == 1
    twin.fit(x, y, epochs=100, batch_size=10)
    assert carried(net) == carried(twin)
    assert net.history.cost.tolist() == twin.history.cost.tolist()


# ---------------------------------------------------------------- another process

CHILD = """
import signal
import sys
import numpy as np
import chainrule

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
rng = np.random.default_rng(0)
x, y = rng.random((3000, 20), dtype="float32"), rng.integers(10, size=3000)
options = {"optimizer": chainrule.SGD(0.1, momentum=0.9), "batch_size": 10}
net, twin = (chainrule.Network([20, 30, 10], seed=0) for _ in range(2))
print("training", flush=True)
try:
    net.fit(x, y, epochs=10**12, **options)
except KeyboardInterrupt:
    twin.fit(x, y, epochs=net.epochs_trained, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.history.cost.tolist() == twin.history.cost.tolist()
    assert len(net.history) == net.epochs_trained
    print("stopped", flush=True)
    raise
"""


def test_ctrl_c_ends_a_program_that_trains_for_ever():
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "training\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert output == "stopped\n", errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode == -signal.SIGINT


# ---------------------------------------------------------------- threads


def train(number, epochs=20):
    """One of several jobs that have nothing in common; returns all that comes of it."""
    dtype = ["float32", "float64"][number % 2]
    sizes, batch_size = [([100, 60, 10], 10), ([100, 30, 20, 10], 32), ([100, 10], 700)][number % 3]
    x, y = problem(dtype)
    net = Network(sizes, dtype=dtype, seed=number)
    options = {"optimizer": SGD(0.1, momentum=0.9), "epochs": epochs, "batch_size": batch_size}
    costs = net.fit(x, y, validation_data=(x, y), **options).cost.tolist()
    return carried(net), costs, net.evaluate(x, y), net.backprop(x, y).parameters.tobytes()


def in_threads(calls):
    """Start all at once; the results in their order."""
    results = [None] * len(calls)
    ready = threading.Barrier(len(calls) + 1)

    def run(i, call):
        ready.wait()
        results[i] = call()

    threads = [threading.Thread(target=run, args=job, daemon=True) for job in enumerate(calls)]
    for thread in threads:
        thread.start()
    ready.wait()
    return threads, results


def test_networks_trained_at_once_get_the_bits_they_get_alone():
    alone = [train(number) for number in range(6)]
    threads, results = in_threads([partial(train, number) for number in range(6)])
    for thread in threads:
        thread.join()
    assert results == alone
    assert len({result[0][0] for result in alone}) == 6


def test_ctrl_c_is_for_the_main_thread_alone(heavy):
    net, x, y = heavy
    job = partial(train, 0, epochs=200)
    alone = job()
    threads, results = in_threads([job])
    assert time_to_stop(lambda: net.fit(x, y, epochs=1)) < 1
    for thread in threads:
        thread.join()
    assert results == [alone]
