"""Stopped anywhere, saved, loaded and continued, training gives the bytes it gives in one go.

Whatever it is made of: each optimiser with each schedule, dropout, an average, penalties, limits,
weights, a split; and however it is stopped.
"""

import contextlib
import copy
import signal
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from interruptions import interrupted_at_each_line
from rules import PAIRS, RULES, SCHEDULES
from three_classes import three_classes
from users_functions import Focal, Sine

pytestmark = pytest.mark.usefixtures("ctrl_c")

EPOCHS, STOP = 9, 4  # of the whole training; in which epoch, from 0, it is stopped
X, _ = three_classes(47)
LABELS = np.random.default_rng(1).integers(3, size=47)
NOISY = np.random.default_rng(2).integers(3, size=47)
ALL = {
    "batch_size": 10,
    "dropout": 0.3,
    "average": 0.9,
    "l1": 1e-3,
    "l2": 1e-3,
    "max_norm": 1.5,
    "clip_norm": 0.5,
    "clip_value": 0.2,
    "sample_weight": np.linspace(0.1, 2, 47),
    "class_weight": "balanced",
    "validation_split": 0.3,
    "metrics": {"right": lambda truth, said: np.mean(truth == said)},
}


def interrupt(*_):
    raise KeyboardInterrupt


def real_signal(*_):
    signal.raise_signal(signal.SIGINT)


def quietly(*_):
    raise cr.StopTraining


class At:
    """Calls `act` at a hook of a batch, or of the epoch's end, in epoch number STOP of the fit."""

    def __init__(self, hook, act, batch=None):
        self.epochs = 0
        setattr(self, hook, self._seen)
        self.hook, self.act, self.batch = hook, act, batch

    def on_epoch_begin(self, net, epoch):
        self.epochs += 1

    def _seen(self, *arguments):
        if self.epochs > STOP and self.batch in (None, arguments[0]):
            self.act()


# How it is stopped, and how many epochs are finished then.
STOPS = {
    "StopTraining after an epoch": (lambda: At("on_epoch_end", quietly), STOP + 1),
    "Ctrl-C after an epoch": (lambda: At("on_epoch_end", interrupt), STOP + 1),
    "a signal after an epoch": (lambda: At("on_epoch_end", real_signal), STOP + 1),
    "Ctrl-C after a batch": (lambda: At("on_batch_end", interrupt, 2), STOP),
    "a signal after a batch": (lambda: At("on_batch_end", real_signal, 2), STOP),
    "a signal after the last batch": (lambda: At("on_batch_end", real_signal, 3), STOP),
    "a signal before a batch": (lambda: At("on_batch_begin", real_signal, 1), STOP),
}


def stopped_and_continued(net, path, stop, data=(X, LABELS), own=None, **options):
    """Fit until `stop`, a callback, ends it; save, load and fit what is left; net and costs."""
    with contextlib.suppress(KeyboardInterrupt):
        net.fit(*data, epochs=EPOCHS, callbacks=stop, **options)
    costs, finished = net.history.cost, net.epochs_trained
    net.save(path)
    back = cr.load(path, own=own)
    assert carried(back) == carried(net)
    costs = np.append(costs, back.fit(*data, epochs=EPOCHS - finished, **options).cost)
    return back, costs, finished


def begin(dtype="float32", hidden="tanh", output="softmax", cost="log_likelihood"):
    return cr.Network([4, 9, 6, 3], hidden=hidden, output=output, cost=cost, dtype=dtype, seed=5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rule", "schedule"), PAIRS)
def test_it_gives_the_bytes_of_one_that_never_stopped(tmp_path, rule, schedule, dtype):
    options = ALL | {"optimizer": RULES[rule](SCHEDULES[schedule](0.05))}
    whole = begin(dtype)
    history = whole.fit(X, LABELS, epochs=EPOCHS, **options)
    for name, (stop, epochs) in STOPS.items():
        net, costs, finished = stopped_and_continued(
            begin(dtype), tmp_path / "net.npz", stop(), **options
        )
        assert finished == epochs, name
        assert carried(net) == carried(whole), name
        assert costs.tobytes() == history.cost.tobytes(), name
        assert net.averaged()(X).tobytes() == whole.averaged()(X).tobytes(), name


@pytest.mark.parametrize("without", [None, *ALL])
def test_each_option_counts_and_goes_on(tmp_path, without):
    """Without any one of them the bytes are others, so that the test above can see them all."""
    rule = cr.Adam(cr.ReduceOnPlateau(0.1, 0.5, 1, monitor="validation_accuracy"))
    options = {"optimizer": rule} | ALL
    whole = begin()
    whole.fit(X, LABELS, epochs=EPOCHS, **options)
    options = {name: value for name, value in options.items() if name != without}
    if without == "validation_split":
        options |= {"validation_data": (X[:14], LABELS[:14])}
    one = begin()
    one.fit(X, LABELS, epochs=EPOCHS, **options)
    for stop, _ in STOPS.values():
        net, _, _ = stopped_and_continued(begin(), tmp_path / "net.npz", stop(), **options)
        assert carried(net) == carried(one)
    assert (carried(one) == carried(whole)) == (without in (None, "metrics"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_also_with_objects_of_the_users_own(tmp_path, rule, dtype):
    def own():
        return {"Sine": Sine(1.5), "Focal": Focal(2.0)}

    def made():
        return begin(dtype, hidden=[own()["Sine"], "relu"], cost=own()["Focal"])

    options = ALL | {"optimizer": RULES[rule](0.02)}
    whole = made()
    whole.fit(X, LABELS, epochs=EPOCHS, **options)
    for name, (stop, _) in STOPS.items():
        net, _, _ = stopped_and_continued(
            made(), tmp_path / "net.npz", stop(), own=own(), **options
        )
        assert carried(net) == carried(whole), name


# ---------------------------------------------------------------- wherever the validation is


class Interrupts:
    """A metric that a Ctrl-C comes in, the given times that it is called (from 0)."""

    def __init__(self, *calls):
        self.called, self.calls = -1, calls

    def __call__(self, truth, said):
        self.called += 1
        if self.called in self.calls:
            signal.raise_signal(signal.SIGINT)
        return 0.0


@pytest.mark.parametrize("monitor", ["cost", "validation_cost", "validation_accuracy"])
@pytest.mark.parametrize("calls", [(0,), (3,), (3, 4), (3, 4, 5), (3, 8), (8,)])
def test_a_validation_that_ctrl_c_ended_is_made_up_for(tmp_path, monitor, calls):
    """The plateau waits for one figure of each epoch, also of those in which it did not come."""
    rule = cr.Adam(cr.ReduceOnPlateau(0.3, 0.5, 1, monitor=monitor))
    options = {"optimizer": rule, "batch_size": 10, "validation_data": (X[:9] + 0.1, NOISY[:9])}
    whole = begin()
    rates = whole.fit(X, NOISY, epochs=EPOCHS, **options).learning_rate
    assert len(set(rates)) > 2
    net, metric, seen, interrupted = begin(), Interrupts(*calls), [], 0
    while net.epochs_trained < EPOCHS or interrupted < len(calls):
        left = EPOCHS - net.epochs_trained
        try:
            net.fit(X, NOISY, epochs=left, metrics={"none": metric}, **options)
        except KeyboardInterrupt:
            interrupted += 1
        seen.extend(net.history.learning_rate)
        net.save(tmp_path / "net.npz")
        net = cr.load(tmp_path / "net.npz")
    assert net.parameters.tobytes() == whole.parameters.tobytes()
    assert seen == rates.tolist()


# ---------------------------------------------------------------- all samples at once


class Interrupting(Sine):
    """Ctrl-C comes when `value` is called so often."""

    left = -1

    def value(self, z):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return super().value(z)


@pytest.mark.parametrize("validate", [False, True], ids=["alone", "validation"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer", [cr.LBFGS(), cr.LBFGS(history=2), cr.LevenbergMarquardt()], ids=repr
)
def test_full_batches_go_on_wherever_ctrl_c_comes(tmp_path, optimizer, dtype, validate):
    y = np.sin(X[:, :1]) + X[:, 1:2]
    data = X, y
    options = {"optimizer": optimizer, "l2": 1e-4}
    if validate:
        options["validation_data"] = (X[:9] + 0.1, y[:9])

    def made(left=-1):
        sine = Interrupting(1.5)
        net = cr.Network([4, 5, 1], hidden=sine, output="identity", dtype=dtype, seed=3)
        sine.left = left
        return net

    whole = made()
    calls = whole.hidden[0].left
    history = whole.fit(*data, epochs=EPOCHS, **options)
    calls -= whole.hidden[0].left
    assert len(history) == EPOCHS
    interrupted = set()
    for call in range(1, calls + 1, max(1, calls // 100)):
        net = made(call)
        with pytest.raises(KeyboardInterrupt):
            net.fit(*data, epochs=EPOCHS, **options)
        costs, finished = net.history.cost, net.epochs_trained
        interrupted.add(finished)
        net.save(tmp_path / "net.npz")
        back = cr.load(tmp_path / "net.npz", own={"Interrupting": Interrupting(1.5)})
        costs = np.append(costs, back.fit(*data, epochs=EPOCHS - finished, **options).cost)
        assert carried(back) == carried(whole), call
        assert costs.tobytes() == history.cost.tobytes(), call
    assert interrupted >= set(range(EPOCHS))


# ---------------------------------------------------------------- early stopping


@pytest.mark.parametrize("restore_best", [False, True])
def test_early_stopping_counts_anew_and_the_training_goes_on(tmp_path, restore_best):
    """Ctrl-C leaves the last epoch's network, of which a later fit knows nothing but the bytes."""
    options = {"optimizer": cr.Adam(0.05), "batch_size": 10, "validation_split": 0.3}
    whole = begin()
    figures = whole.fit(X, NOISY, epochs=EPOCHS, **options).validation_cost
    patience = STOP + 1
    assert np.argmin(figures) == 0  # an uninterrupted fit would stop after `patience` epochs more
    net, stopping = begin(), cr.EarlyStopping(patience=patience, restore_best=restore_best)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, NOISY, epochs=EPOCHS, callbacks=[At("on_epoch_end", interrupt), stopping],
                **options)  # fmt: skip
    assert net.epochs_trained == STOP + 1
    net.save(tmp_path / "net.npz")
    plain, again = (cr.load(tmp_path / "net.npz") for _ in range(2))
    plain.fit(X, NOISY, epochs=EPOCHS - STOP - 1, **options)
    assert carried(plain) == carried(whole)

    # the continued fit looks for the best of its own epochs, with its whole patience
    history = again.fit(X, NOISY, epochs=EPOCHS - STOP - 1, callbacks=stopping, **options)
    np.testing.assert_array_equal(
        history.validation_cost, figures[STOP + 1 : STOP + 1 + len(history)]
    )
    assert len(history) == EPOCHS - STOP - 1
    assert not stopping.stopped
    assert stopping.best_epoch == STOP + 1 + int(np.argmin(history.validation_cost))
    best = begin()
    best.fit(X, NOISY, epochs=stopping.best_epoch + 1 if restore_best else EPOCHS, **options)
    assert carried(again)[:2] == carried(best)[:2]


def test_ctrl_c_never_leaves_half_of_the_best_epoch():
    """A Ctrl-C at every line in turn: all that is carried is of the last epoch, or of the best."""
    rule = cr.Adam(cr.ReduceOnPlateau(0.1, 0.5, 1))
    options = {"optimizer": rule, "average": 0.9, "batch_size": 10, "validation_split": 0.3}
    course = [begin()]
    for _ in range(4):
        course.append(copy.copy(course[-1]))
        course[-1].fit(X, NOISY, epochs=1, **options)
    course = [carried(net)[:2] for net in course]

    def stopping():
        net = begin()
        watch = cr.EarlyStopping("learning_rate", patience=3, larger_is_better=True)
        return (net, watch), partial(net.fit, X, NOISY, epochs=4, callbacks=watch, **options)

    (net, watch), fit = stopping()
    fit()
    assert watch.best_epoch == 0
    assert carried(net)[:2] == course[1] != course[4]
    found = set()
    for line, (net, _) in interrupted_at_each_line(stopping):
        left = carried(net)[:2]
        assert left in (course[net.epochs_trained], course[1]), f"Ctrl-C at line {line}"
        found.add(course.index(left))
    assert found == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_batches_of_an_iterable_go_on_too(tmp_path, rule, dtype):
    batches = [(X[i : i + 10], LABELS[i : i + 10], ALL["sample_weight"][i : i + 10])
               for i in range(0, 47, 10)]  # fmt: skip
    arrays = ("batch_size", "sample_weight", "class_weight", "validation_split")
    options = {name: value for name, value in ALL.items() if name not in arrays}
    rate = 0.05 if rule == "Rprop" else cr.CosineDecay(0.05, EPOCHS)
    options |= {"optimizer": RULES[rule](rate), "validation_data": (X[:9] + 0.1, LABELS[:9])}
    whole = begin(dtype)
    history = whole.fit(batches, epochs=EPOCHS, **options)
    for name, (stop, epochs) in STOPS.items():
        net, costs, finished = stopped_and_continued(
            begin(dtype), tmp_path / "net.npz", stop(), data=(batches,), **options
        )
        assert finished == epochs, name
        assert carried(net) == carried(whole), name
        assert costs.tobytes() == history.cost.tobytes(), name
