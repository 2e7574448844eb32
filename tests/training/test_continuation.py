"""Training that stops and goes on is the same training: to the last bit, for all that is carried.

Every optimiser with every schedule, in one network or another (a file, a pickle, a copy), and after
a Ctrl-C anywhere.
"""

import copy
import itertools
import pickle
import signal
import sys
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from interruptions import interrupted_at_each_line, signal_after
from rules import PAIRS, RULES, SCHEDULES
from three_classes import three_classes

pytestmark = pytest.mark.usefixtures("ctrl_c")


@pytest.fixture(scope="module")
def data():
    return three_classes(47)


def begin(dtype="float32"):
    return cr.Network((4, 9, 3), hidden="tanh", dtype=dtype, seed=5)


def options_of(rule, schedule, data):
    given = {"optimizer": RULES[rule](SCHEDULES[schedule](0.05)), "batch_size": 10}
    if schedule == "plateau of validation":
        given["validation_data"] = data[0] + 0.1, data[1]
    return given


def through_a_file(net, folder):
    net.save(folder / "net.npz")
    return cr.load(folder / "net.npz")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rule", "schedule"), PAIRS)
def test_two_fits_of_15_epochs_are_one_of_30(data, tmp_path, rule, schedule, dtype):
    options = options_of(rule, schedule, data) | {"average": 0.9, "l2": 1e-3, "clip_norm": 1.0}
    whole = begin(dtype)
    history = whole.fit(*data, epochs=30, **options)
    first = begin(dtype)
    costs = [first.fit(*data, epochs=15, **options).cost]
    others = [
        through_a_file(first, tmp_path),
        pickle.loads(pickle.dumps(first)),
        copy.copy(first),
        copy.deepcopy(first),
    ]
    costs.append(first.fit(*data, epochs=15, **options).cost)
    assert carried(first) == carried(whole)
    assert np.concatenate(costs).tobytes() == history.cost.tobytes()
    for other in others:
        other.fit(*data, epochs=15, **options)
        assert carried(other) == carried(whole)
    shorter = begin(dtype)
    shorter.fit(*data, epochs=29, **options)
    assert carried(shorter) != carried(whole)


@pytest.mark.parametrize("schedule", ["number", "cosine", "plateau"])
def test_thirty_fits_of_one_epoch_are_one_of_30(data, schedule):
    options = options_of("Adam", schedule, data)
    whole, pieces = begin(), begin()
    history = whole.fit(*data, epochs=30, **options)
    rates = [pieces.fit(*data, epochs=1, **options).learning_rate[0] for _ in range(30)]
    assert carried(pieces) == carried(whole)
    assert rates == history.learning_rate.tolist()
    if schedule != "number":
        assert len(set(rates)) > 2


def test_copies_share_nothing(data):
    net = begin()
    net.fit(*data, optimizer=cr.Adam(), average=0.5, epochs=2)
    before = carried(net)
    for twin in (copy.copy(net), pickle.loads(pickle.dumps(net))):
        twin.fit(*data, optimizer=cr.Adam(), average=0.5, epochs=2)
        assert carried(twin) != before
    for twin in (copy.copy(net), pickle.loads(pickle.dumps(net))):
        twin.optimizer_state["mean"][:] = 0
        twin.optimizer_state["steps"][:] = 0
    assert carried(net) == before


# ---------------------------------------------------------------- what begins anew


def counts(net):
    """Steps and epochs, as far as they are counted."""
    state = net.optimizer_state
    return [state[name].tolist()[0] for name in ("steps", "epochs") if name in state]


def test_another_optimiser_begins_with_fresh_state(data):
    for first, second in itertools.permutations([*RULES], 2):
        if RULES[first](0.05).__class__.states == RULES[second](0.05).__class__.states:
            continue  # AdamW goes on with Adam's, and momentum with no other
        net = begin()
        net.fit(*data, optimizer=RULES[first](0.05), epochs=2)
        twin = begin()
        twin.parameters = net.parameters
        twin.epochs_trained = 2
        for one in (net, twin):
            one.fit(*data, optimizer=RULES[second](0.05), epochs=2)
        assert carried(net) == carried(twin), (first, second)


def test_moments_without_their_steps_begin_anew(data):
    """The bias corrections of a warm mean would be wrong."""
    net, twin = begin(), begin()
    net.optimizer_state = {name: np.ones(len(net.parameters), "f4") for name in cr.Adam.states}
    for one in (net, twin):
        one.fit(*data, optimizer=cr.Adam(), epochs=1)
    assert carried(net) == carried(twin)


def test_adamw_goes_on_where_adam_was(data):
    net, twin = begin(), begin()
    net.fit(*data, optimizer=cr.Adam(0.01), epochs=2)
    net.fit(*data, optimizer=cr.AdamW(0.01, weight_decay=0), epochs=2)
    twin.fit(*data, optimizer=cr.Adam(0.01), epochs=4)
    assert carried(net) == carried(twin)


def test_steps_count_on_and_end_with_the_schedule(data):
    net = begin()
    options = {"epochs": 2, "batch_size": 10}
    net.fit(*data, optimizer=cr.SGD(cr.StepDecay(0.1)), **options)
    assert counts(net) == [2]
    net.fit(*data, optimizer=cr.SGD(cr.CosineDecay(0.1, 10)), **options)
    assert counts(net) == [4]
    net.fit(*data, optimizer=cr.SGD(0.1), **options)
    assert net.optimizer_state == {}
    net.fit(*data, optimizer=cr.Adam(), **options)
    net.fit(*data, optimizer=cr.Adam(cr.StepDecay(0.1)), **options)
    assert counts(net) == [20, 4]
    net.fit(*data, optimizer=cr.SGD(cr.StepDecay(0.1)), **options)
    assert counts(net) == [2]


def test_the_average_goes_on_with_any_optimiser_and_ends_without(data):
    net = begin()
    net.fit(*data, optimizer=cr.Adam(), average=0.9, epochs=2)
    average = net.optimizer_state["average"].copy()
    net.fit(*data, optimizer=cr.SGD(1e-30), average=0.999999, epochs=1, batch_size=47)
    np.testing.assert_allclose(net.optimizer_state["average"], average, atol=1e-5)
    assert (net.parameters != average).any()
    net.fit(*data, epochs=1)
    assert net.optimizer_state == {}


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam(), cr.SGD(0.1, momentum=0.9)])
def test_no_epochs_leave_the_state_of_any_optimiser(data, optimizer):
    net = begin()
    net.fit(*data, optimizer=cr.Adam(), epochs=1)
    before = carried(net)
    net.fit(*data, optimizer=optimizer, epochs=0)
    assert carried(net) == before


# ---------------------------------------------------------------- interrupted

needs_signals = pytest.mark.skipif(
    not hasattr(signal, "raise_signal") or sys.platform == "win32", reason="needs POSIX signals"
)


@needs_signals
@pytest.mark.parametrize(
    ("rule", "schedule"),
    [("Adam", "cosine"), ("Adamax", "plateau"), ("Adam", "plateau of validation")],
)
def test_wherever_ctrl_c_comes_all_that_is_carried_belongs_together(data, rule, schedule):
    """A Ctrl-C at every line in turn; a validation that it ended is made up for by the next fit."""
    options = options_of(rule, schedule, data) | {"average": 0.9}
    reference = begin()
    reference.fit(*data, epochs=2, **options)
    first = pickle.dumps(reference)
    course = [carried(reference)]
    for _ in range(4):
        reference.fit(*data, epochs=1, **options)
        course.append(carried(reference))

    def fits():
        net = pickle.loads(first)
        return net, partial(net.fit, *data, epochs=3, **options)

    line = 0
    for line, net in interrupted_at_each_line(fits):
        finished = net.epochs_trained - 2
        if schedule == "plateau of validation" and np.isnan(net.history.validation_cost).any():
            unseen = dict(course[finished][1])
            unseen["plateau_validation_cost"] = course[finished - 1][1]["plateau_validation_cost"]
            unseen["unseen"] = ("<u8", np.ones(1, np.uint64).tobytes())
            assert carried(net) == (course[finished][0], unseen, 2 + finished)
        else:
            assert carried(net) == course[finished], f"Ctrl-C at line {line}"
        net.fit(*data, epochs=4 - finished, **options)
        assert carried(net) == course[4], f"continued after a Ctrl-C at line {line}"
    assert line > 50


def heavy():
    rng = np.random.default_rng(0)
    net = cr.Network([50, 1500, 1500, 10], hidden="relu", init="he", seed=0)
    return net, rng.random((30000, 50), dtype="float32"), rng.integers(10, size=30000)


@needs_signals
@pytest.mark.parametrize("rule", ["Adam", "Rprop"])
def test_an_epoch_that_does_not_finish_leaves_no_trace(rule):
    net, x, y = heavy()
    options = {"optimizer": RULES[rule](1e-3), "average": 0.9, "batch_size": 32}
    net.fit(x[:64], y[:64], epochs=1, **options)
    before = carried(net)
    for optimizer in (options["optimizer"], cr.SGD(cr.OneCycle(0.1, 5), momentum=0.9)):
        with pytest.raises(KeyboardInterrupt), signal_after(0.3):
            net.fit(x, y, epochs=1, **options | {"optimizer": optimizer})
        assert len(net.history) == 0
        assert carried(net) == before


@pytest.mark.parametrize("kind", [cr.Adam, cr.Adamax, cr.AdamW])
def test_what_a_later_epoch_changed_is_put_back(data, kind):
    """The third epoch diverges in its middle, after steps that were still good."""
    x, y = data[0], np.zeros((47, 3))
    nets = [cr.Network((4, 3), hidden=[], output="identity", seed=0) for _ in range(2)]
    options = {"average": 0.9, "batch_size": 5}
    explodes = kind(lambda epoch: 0.01 if epoch < 2.5 else 1e38)
    with pytest.raises(cr.DivergenceError):
        nets[0].fit(x, y, optimizer=explodes, epochs=5, **options)
    nets[1].fit(x, y, optimizer=kind(lambda epoch: 0.01), epochs=2, **options)
    assert carried(nets[0]) == carried(nets[1])
    assert len(nets[0].history) == len(nets[0].history.learning_rate) == 2


def test_a_diverging_epoch_leaves_no_trace(data):
    x, _ = data
    y = np.zeros((47, 3))
    net = cr.Network((4, 3), hidden=[], output="identity", seed=0)
    net.fit(x, y, optimizer=cr.Adam(), average=0.9, epochs=2)
    before = carried(net)
    with pytest.raises(cr.DivergenceError):
        net.fit(x, y, optimizer=cr.Adam(1e38), average=0.9, epochs=2, batch_size=1)
    assert carried(net) == before
