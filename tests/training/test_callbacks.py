"""Callbacks: who is called when and with what, and what an exception leaves behind."""

from functools import partial

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from interruptions import interrupted_at_each_line
from three_classes import three_classes

OPTIONS = {"optimizer": cr.SGD(0.5, momentum=0.5), "batch_size": 7}  # three batches an epoch


@pytest.fixture
def data():
    return three_classes(20)


def begin():
    return cr.Network([4, 5, 3], seed=0, dtype="float64")


class Recorder:
    """Keeps every call."""

    def __init__(self):
        self.calls = []

    def on_train_begin(self, net):
        self.calls.append(("train", len(net.history)))

    def on_epoch_begin(self, net, epoch):
        self.calls.append(("epoch", epoch, net.epochs_trained))

    def on_batch_begin(self, batch):
        self.calls.append(("batch", batch))

    def on_batch_end(self, batch, cost):
        self.calls.append(("end of batch", batch, cost))

    def on_epoch_end(self, net, history):
        self.calls.append(("end of epoch", net.epochs_trained, len(history)))

    def on_train_end(self, net, history):
        self.calls.append(("end", history is net.history, len(history)))


def test_each_hook_in_its_turn(data):
    recorder, net = Recorder(), begin()
    net.fit(*data, epochs=1, **OPTIONS)
    history = net.fit(*data, epochs=2, callbacks=recorder, **OPTIONS)
    costs = [call[2] for call in recorder.calls if call[0] == "end of batch"]
    batches = [[("batch", i), ("end of batch", i)] for i in range(3)]
    epoch = [call for pair in batches for call in pair]
    expected = [
        ("train", 0),
        ("epoch", 1, 1), *epoch, ("end of epoch", 2, 1),
        ("epoch", 2, 2), *epoch, ("end of epoch", 3, 2),
        ("end", True, 2),
    ]  # fmt: skip
    seen = [call[:2] if call[0] == "end of batch" else call for call in recorder.calls]
    assert seen == expected
    # an epoch's cost is the mean over its samples: batches of 7, 7 and 6
    for i in range(2):
        mean = np.average(costs[3 * i : 3 * i + 3], weights=[7, 7, 6])
        assert history.cost[i] == pytest.approx(mean, rel=1e-12)


def test_a_batch_s_cost_is_that_before_its_step(data):
    net, costs = begin(), []

    class Watch:
        def on_batch_end(self, batch, cost):
            costs.append(cost)

    before = net.evaluate(*data)["cost"]
    net.fit(*data, epochs=1, batch_size=20, callbacks=Watch())
    assert costs == [pytest.approx(before, rel=1e-12)]


def test_callbacks_change_no_bit(data):
    plain, net = begin(), begin()
    course = plain.fit(*data, epochs=5, **OPTIONS)
    called = []
    history = net.fit(
        *data, epochs=5, callbacks=[Recorder(), lambda *given: called.append(given)], **OPTIONS
    )
    assert carried(net) == carried(plain)
    assert history.cost.tolist() == course.cost.tolist()
    assert called == [(net, history)] * 5


def test_several_of_a_batch_are_called_in_their_order(data):
    calls = []

    class Numbered:
        def __init__(self, number):
            self.on_batch_end = lambda batch, cost: calls.append((batch, number))

    begin().fit(*data, epochs=1, callbacks=(Numbered(i) for i in range(3)), **OPTIONS)
    assert calls == [(batch, number) for batch in range(3) for number in range(3)]


def test_on_epoch_end_comes_after_validation(data):
    seen = []

    def look(net, history):
        seen.append((history.validation_cost[-1], net.evaluate(*data)["cost"]))

    begin().fit(*data, epochs=3, validation_data=data, callbacks=look, **OPTIONS)
    assert len(seen) == 3
    assert all(a == b for a, b in seen)


def test_a_callback_may_change_the_parameters(data):
    net = begin()

    def clear(net, history):
        net.parameters[:] = 0

    net.fit(*data, epochs=2, callbacks=clear, **OPTIONS)
    assert not net.parameters.any()


# ---------------------------------------------------------------- stopping


class Raise:
    """Raises at the n-th call of a hook, n = 0, 1, ..."""

    def __init__(self, hook, n, error):
        self.count, self.n, self.error = 0, n, error
        setattr(self, hook, self._call)

    def _call(self, *arguments):
        self.count += 1
        if self.count == self.n + 1:
            raise self.error


def course(data, batches):
    """The network after each of so many batches, done one by one without shuffling."""
    net, states = begin(), []
    x, y = data
    for i in range(batches):
        rows = slice(7 * (i % 3), min(7 * (i % 3) + 7, 20))
        states.append(net.parameters.copy())
        net.fit(x[rows], y[rows], epochs=1, shuffle=False, **OPTIONS)
    return [*states, net.parameters.copy()]


@pytest.mark.parametrize("error", [cr.StopTraining(), ValueError("mine"), SystemExit(3)])
@pytest.mark.parametrize(
    ("hook", "n", "epochs", "batches"),
    [
        ("on_train_begin", 0, 0, 0),
        ("on_epoch_begin", 0, 0, 0),
        ("on_epoch_begin", 2, 2, 6),
        ("on_batch_begin", 0, 0, 0),
        ("on_batch_begin", 4, 1, 4),
        ("on_batch_end", 0, 0, 1),
        ("on_batch_end", 4, 1, 5),
        ("on_batch_end", 5, 1, 6),  # after the last batch, before the epoch is counted
        ("on_epoch_end", 1, 2, 6),
        ("on_train_end", 0, 4, 12),
    ],
)
def test_what_is_done_is_kept(data, hook, n, epochs, batches, error):
    net = begin()
    fit = partial(net.fit, *data, epochs=4, shuffle=False, callbacks=Raise(hook, n, error))
    if isinstance(error, cr.StopTraining):
        history = fit(**OPTIONS)
        assert history is net.history
    else:
        with pytest.raises(type(error)) as caught:
            fit(**OPTIONS)
        assert caught.value is error
        assert caught.value.__cause__ is None
    if net.history is None:
        assert hook == "on_train_begin"
    else:
        assert len(net.history) == epochs
    assert net.epochs_trained == epochs
    expected = course(data, batches)[-1]
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-12, atol=1e-14)
    if batches:
        assert net.optimizer_state["velocity"].any()
    # it can go on
    net.fit(*data, epochs=1, **OPTIONS)
    assert net.epochs_trained == epochs + 1


def test_all_see_an_epoch_that_one_of_them_ends(data):
    seen = []
    stop = Raise("on_epoch_end", 1, cr.StopTraining())
    history = begin().fit(
        *data, epochs=9, callbacks=[stop, lambda net, history: seen.append(len(history))]
    )
    assert seen == [1, 2]
    assert len(history) == 2


def test_ctrl_c_in_a_batch_hook_undoes_the_epoch(data):
    net, twin = begin(), begin()
    with pytest.raises(KeyboardInterrupt):
        net.fit(*data, epochs=4, callbacks=Raise("on_batch_end", 4, KeyboardInterrupt()), **OPTIONS)
    twin.fit(*data, epochs=1, **OPTIONS)
    assert carried(net) == carried(twin)
    assert len(net.history) == 1


def test_a_step_that_diverges_is_not_kept(data):
    """The last step before the exception made parameters that are not finite."""
    x, y = data
    net = cr.Network([4, 3], output="identity", seed=0)
    before = net.parameters.tobytes()
    options = {"optimizer": cr.SGD(1e38), "batch_size": 20, "epochs": 1}
    with pytest.raises(ValueError, match="mine"):
        net.fit(1e3 * x, y, callbacks=Raise("on_batch_end", 0, ValueError("mine")), **options)
    assert net.parameters.tobytes() == before


@pytest.mark.usefixtures("ctrl_c")
def test_wherever_ctrl_c_comes_parameters_and_epochs_belong_together(data):
    options = {"callbacks": [Recorder(), cr.EarlyStopping(patience=9, restore_best=False)],
               "validation_split": 0.2, **OPTIONS}  # fmt: skip
    reference, states = begin(), []
    for _ in range(3):
        states.append(carried(reference))
        reference.fit(*data, epochs=1, validation_split=0.2, **OPTIONS)
    states.append(carried(reference))

    def fits():
        net = begin()
        return net, partial(net.fit, *data, epochs=3, **options)

    line = 0
    for line, net in interrupted_at_each_line(fits):
        assert carried(net) == states[net.epochs_trained], f"Ctrl-C at line {line}"
        assert len(net.history or ()) == net.epochs_trained
    assert line > 100


# ---------------------------------------------------------------- what is no callback


class Misspelled:
    def on_epoch_ends(self, net, history):
        raise AssertionError


class NotCallable:
    on_epoch_end = 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (3, TypeError, "a function of .net, history."),
        ([print, "log"], TypeError, "a function of .net, history."),
        (object(), TypeError, "a function of .net, history."),
        (NotCallable(), TypeError, "a function of .net, history."),
        (cr.EarlyStopping, TypeError, r"use EarlyStopping\(\)"),
        (Misspelled(), ValueError, "Did you mean 'on_epoch_end'"),
    ],
)
def test_refused_before_anything_changes(data, given, error, message):
    net = begin()
    before = carried(net)
    with pytest.raises(error, match=message):
        net.fit(*data, callbacks=given)
    assert carried(net) == before
    assert net.history is None
