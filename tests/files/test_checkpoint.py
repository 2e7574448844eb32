"""A training that is interrupted anywhere goes on from its checkpoint to the same bytes."""

import logging
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from children import attempt
from histories import assert_same_figures
from model_files import header_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 5))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
VALUES = X @ RNG.normal(size=(5, 2))
WEIGHTS = RNG.random(120)


class Sine:
    """An activation of the user's own."""

    def value(self, z):
        return np.sin(z)

    def slope(self, z, a):
        return np.cos(z)


class Counts:
    """A callback of the user's own, with a state of its own."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, history):
        self.seen.append(history.cost[-1])

    def state(self):
        return {"seen": np.array(self.seen), "of": {"a": [1, None, "b", True]}}

    def resume(self, state):
        assert state["of"] == {"a": [1, None, "b", True]}
        self.seen = state["seen"].tolist()


class InterruptAt:
    """Ctrl-C at the end of an epoch, before or after the checkpoint is written."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_begin(self, net, epoch):
        if len(net.history) == self.epochs:
            raise KeyboardInterrupt


def classifier(**options):
    options = {"hidden": "tanh", "cost": "cross_entropy", "seed": 0} | options
    return cr.Network([5, 8, 1], **options)


def regressor(**options):
    return cr.Network([5, 6, 2], task="regression", seed=1, **options)


def mismatch(truth, predicted):
    return float(np.abs(truth - predicted).mean())


def rate(epochs):
    return 0.1 / (1 + epochs)


# name: network, targets, options of fit, those to give again, objects of the user's own
FITS = {
    "plain": (classifier, LABELS, {}, (), {}),
    "all that is numbers and names": (
        classifier, LABELS,
        {"optimizer": cr.AdamW(cr.CosineDecay(0.01, epochs=12)), "batch_size": np.int64(7),
         "l1": 1e-4, "l2": 1e-3, "max_norm": 3.0, "clip_norm": 1.0, "clip_value": 0.5,
         "average": 0.9, "class_weight": {0: 1.0, np.int64(1): 2.5}, "dropout": (0.2,),
         "validation_split": 0.25, "record": {"layers", "gradients"}, "threads": 1},
        (), {},
    ),
    "in order, as they come": (classifier, LABELS, {"shuffle": False, "record": "layers"}, (), {}),
    "plateau": (
        classifier, LABELS,
        {"optimizer": cr.RMSprop(cr.ReduceOnPlateau(0.01, patience=2)), "validation_split": 0.2},
        (), {},
    ),
    "balanced": (classifier, LABELS, {"class_weight": "balanced"}, (), {}),
    "data given again": (
        regressor, VALUES,
        {"sample_weight": WEIGHTS, "output_weight": [1.0, 2.0], "validation_data": (X, VALUES)},
        ("sample_weight", "output_weight", "validation_data"), {},
    ),
    "metrics": (
        classifier, LABELS, {"validation_split": 0.2, "metrics": {"most": mismatch}},
        ("metrics",), {},
    ),
    "a rate that is a function": (
        classifier, LABELS, {"optimizer": cr.SGD(rate, momentum=0.9)}, ("optimizer",), {}
    ),
    "an activation of one's own": (
        lambda: classifier(hidden=Sine()), LABELS, {}, (), {"Sine": Sine()}
    ),
    "standard scaling, float64": (
        lambda: regressor(dtype="float64"), VALUES, {"optimizer": cr.Rprop()}, (), {}
    ),
    "LBFGS": (regressor, VALUES, {"optimizer": cr.LBFGS(), "l2": 1e-3}, (), {}),
    "LevenbergMarquardt": (regressor, VALUES, {"optimizer": cr.LevenbergMarquardt()}, (), {}),
}  # fmt: skip
EPOCHS = 12


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def interrupted(net, y, epochs, path, callbacks=(), **options):
    """Train with a checkpoint until so many epochs are done."""
    callbacks = [InterruptAt(epochs), *callbacks, cr.Checkpoint(path)]
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, y, epochs=EPOCHS, callbacks=callbacks, **options)
    return [InterruptAt(-1), *callbacks[1:]]


def assert_same(history, net, path, own=None):
    """The history of a resumed training, and the network in its file, are those of `net`."""
    loaded = cr.load(path, own=own)
    assert carried(loaded) == carried(net)
    assert_same_figures(history, net.history)


@pytest.mark.parametrize("epochs", [1, 5, 11])
@pytest.mark.parametrize("name", FITS)
def test_a_training_goes_on_to_the_same_bytes(name, epochs, path):
    make, y, options, again, own = FITS[name]
    net = make()
    net.fit(X, y, epochs=EPOCHS, **options)
    callbacks = interrupted(make(), y, epochs, path, **options)
    given = {name: options[name] for name in again}
    history = cr.resume(path, X, y, own=own or None, callbacks=callbacks, **given)
    assert_same(history, net, path, own or None)


@pytest.mark.parametrize("name", [name for name, fit in FITS.items() if fit[3]])
def test_what_a_file_cannot_hold_is_asked_for_by_name(name, path):
    make, y, options, again, own = FITS[name]
    callbacks = interrupted(make(), y, 3, path, **options)
    with pytest.raises(ValueError, match=f"{', '.join(again)} cannot be in a file") as caught:
        cr.resume(path, X, y, own=own or None, callbacks=callbacks)
    assert f"chainrule.resume(path, X, y, {'=..., '.join(again)}=...)" in str(caught.value)


class StopsAfter(logging.Handler):
    """Ctrl-C with a message of the log: no callback of the user's own."""

    def __init__(self, messages):
        super().__init__()
        self.left = messages

    def emit(self, record):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("ties", ["first", "last"])
def test_ties_are_kept_in_a_checkpoint(ties, path):
    """Epochs of one learning rate are all ties; half of the training is before the checkpoint."""

    def train(*further):
        net = regressor()
        stopping = cr.EarlyStopping("learning_rate", 9, larger_is_better=False, ties=ties)
        callbacks = [stopping, cr.Log("chainrule.ties"), *further]
        net.fit(X, VALUES, optimizer=cr.Adam(0.02), epochs=100, callbacks=callbacks)
        return net, stopping

    net, stopping = train()
    assert (len(net.history), stopping.best_epoch) == (10, 0 if ties == "first" else 9)
    logger, handler = logging.getLogger("chainrule.ties"), StopsAfter(4)
    logger.setLevel("INFO")
    logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(cr.Checkpoint(path))
    finally:
        logger.removeHandler(handler)
    assert_same(cr.resume(path, X, VALUES), net, path)


@pytest.mark.parametrize("messages", [2, 5, 7])
def test_callbacks_of_the_package_need_not_be_given_again(messages, path):
    def train(*further):
        net = regressor()
        stopping = cr.EarlyStopping("cost", patience=3, min_change=2e-3)
        log = cr.Log("chainrule.checkpoints", every=2)
        net.fit(X, VALUES, optimizer=cr.Adam(0.02), epochs=100, callbacks=[stopping, log, *further])
        return net, stopping

    net, stopping = train()
    assert stopping.stopped
    assert len(net.history) > 14
    logger, handler = logging.getLogger("chainrule.checkpoints"), StopsAfter(messages)
    logger.setLevel("INFO")
    logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(cr.Checkpoint(path))
    finally:
        logger.removeHandler(handler)
    assert cr.load(path).epochs_trained == 2 * messages - 1
    assert_same(cr.resume(path, X, VALUES), net, path)


def test_those_of_ones_own_are_and_get_their_state_back(path):
    whole = Counts()
    classifier().fit(X, LABELS, epochs=EPOCHS, callbacks=whole)
    begun, net = Counts(), classifier()
    callbacks = interrupted(net, LABELS, 5, path, [begun])
    with pytest.raises(ValueError, match=r"does not hold InterruptAt, Counts\)"):
        cr.resume(path, X, LABELS)
    for wrong in ([Counts()], [Counts(), *callbacks], callbacks[::-1]):
        with pytest.raises(ValueError, match=r"must be those of the fit, in their order"):
            cr.resume(path, X, LABELS, callbacks=wrong)
    callbacks[1] = Counts()
    cr.resume(path, X, LABELS, callbacks=callbacks)
    assert callbacks[1].seen == whole.seen


def test_one_that_has_lost_its_state_is_refused(path):
    callbacks = interrupted(classifier(), LABELS, 5, path, [Counts()])
    callbacks[1] = type("Counts", (), {"on_epoch_end": lambda *_: None})()
    with pytest.raises(ValueError, match=r"Counts has no methods state\(\) and resume\(state\)"):
        cr.resume(path, X, LABELS, callbacks=callbacks)


def test_a_state_that_is_no_numbers_is_refused(path):
    counts = Counts()
    counts.state = lambda: {"seen": object()}
    with pytest.raises(TypeError, match=r"Counts.state\(\) returns must hold numbers"):
        classifier().fit(X, LABELS, callbacks=[counts, cr.Checkpoint(path)])


def test_a_stop_before_the_interruption_is_the_end(path):
    """The process is killed after the stop, and before the best parameters are back."""
    net = classifier()
    net.fit(X, LABELS, epochs=100, validation_split=0.3, callbacks=cr.EarlyStopping(patience=2))

    class Killed(cr.Checkpoint):
        def on_train_end(self, net, history):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classifier().fit(
            X, LABELS, epochs=100, validation_split=0.3,
            callbacks=[cr.EarlyStopping(patience=2), Killed(path)],
        )  # fmt: skip
    callbacks = [cr.EarlyStopping(patience=2), Killed(path)]
    callbacks[1].on_train_end = lambda net, history: cr.Checkpoint.on_train_end(
        callbacks[1], net, history
    )
    history = cr.resume(path, X, LABELS, callbacks=callbacks)
    assert_same(history, net, path)


def test_a_training_that_is_over_stays_as_it_is(path):
    def stop(net, history):
        raise cr.StopTraining

    net = classifier()
    net.fit(X, LABELS, callbacks=[stop, cr.Checkpoint(path)])
    before = path.read_bytes()
    history = cr.resume(path, X, LABELS, callbacks=[stop, cr.Checkpoint(path)])
    assert len(history) == 1
    assert path.read_bytes() == before
    assert_same(history, net, path)


def test_what_max_seconds_ended_goes_on(path):
    net, twin = classifier(), classifier()
    net.fit(X, LABELS, epochs=4, max_seconds=1e-9, callbacks=cr.Checkpoint(path))
    assert net.epochs_trained == 1
    assert len(cr.resume(path, X, LABELS)) == 2
    history = cr.resume(path, X, LABELS, max_seconds=None)
    twin.fit(X, LABELS, epochs=4)
    assert_same(history, twin, path)


def test_batches_of_an_iterable(path):
    def batches():
        yield X[:60], LABELS[:60]
        yield X[60:], LABELS[60:]

    net = classifier()
    net.fit(batches, epochs=EPOCHS)
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(batches, epochs=EPOCHS, callbacks=[InterruptAt(4), cr.Checkpoint(path)])
    history = cr.resume(path, batches, callbacks=[InterruptAt(-1), cr.Checkpoint(path)])
    assert_same(history, net, path)


@pytest.mark.parametrize(
    ("rows", "y"), [(slice(0, 119), LABELS[:119]), (slice(None), 1 - LABELS)], ids=["rows", "y"]
)
def test_other_samples_are_refused(rows, y, path):
    interrupted(classifier(), LABELS, 3, path)
    callbacks = [InterruptAt(-1), cr.Checkpoint(path)]
    with pytest.raises(ValueError, match="must be the samples that the checkpoint was trained on"):
        cr.resume(path, X[rows], y, callbacks=callbacks)


def test_a_checkpoint_is_a_model_file_and_a_model_file_is_no_checkpoint(path):
    net = classifier()
    net.fit(X, LABELS, callbacks=cr.Checkpoint(path))
    assert carried(cr.load(path)) == carried(net)
    assert header_of(path)["sizes"] == [5, 8, 1]
    net.save(path)
    with pytest.raises(ValueError, match="is no checkpoint"):
        cr.resume(path, X, LABELS)


# ---------------------------------------------------------------- which files there are


def names(path):
    return sorted(os.listdir(path.parent))


def test_every_and_keep(path):
    seen = {}

    class Look:
        """Comes before the checkpoint, wherever it stands."""

        def on_epoch_begin(self, net, epoch):
            seen[epoch] = names(path)

    classifier().fit(X, LABELS, epochs=11, callbacks=[cr.Checkpoint(path, every=2, keep=3), Look()])
    assert seen[1] == []
    assert seen[2] == ["run.npz"]
    assert seen[4] == ["run.1.npz", "run.npz"]
    assert seen[8] == ["run.3.npz", "run.5.npz", "run.npz"]
    assert names(path) == ["run.7.npz", "run.9.npz", "run.npz"]
    epochs = {name: cr.load(path.parent / name).epochs_trained for name in names(path)}
    assert epochs == {"run.7.npz": 8, "run.9.npz": 10, "run.npz": 11}


def test_older_ones_are_known_after_a_resumption(path):
    checkpoint = cr.Checkpoint(path, keep=3)
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(X, LABELS, epochs=8, callbacks=[InterruptAt(5), checkpoint])
    assert names(path) == ["run.2.npz", "run.3.npz", "run.npz"]
    cr.resume(path, X, LABELS, callbacks=[InterruptAt(-1), cr.Checkpoint(path, keep=3)])
    assert names(path) == ["run.5.npz", "run.6.npz", "run.npz"]


def test_one_before_the_latest_can_be_gone_on_with(path):
    net = classifier()
    net.fit(X, LABELS, epochs=6, callbacks=cr.Checkpoint(path, keep=4))
    older = path.parent / "run.3.npz"
    history = cr.resume(older, X, LABELS)
    assert_same(history, net, older)


@pytest.mark.parametrize("monitor", ["validation_cost", "validation_accuracy", "half"])
def test_the_best_of_those_written(monitor, path):
    figures = []

    def keep(net, history):
        figures.append((history[monitor][-1], net.parameters.copy()))

    def half(truth, predicted):
        return (truth[:10] == predicted[:10]).mean()

    checkpoint = cr.Checkpoint(
        path, every=2, monitor=monitor, larger_is_better=True if monitor == "half" else None
    )
    classifier().fit(
        X, LABELS, epochs=30, validation_split=0.2, callbacks=[keep, checkpoint],
        metrics={"half": half},
    )  # fmt: skip
    sign = 1 if monitor == "validation_cost" else -1
    best, parameters = min(figures[1::2], key=lambda each: sign * each[0])
    loaded = cr.load(path.parent / "run.best.npz")
    assert checkpoint.best == best
    assert loaded.parameters.tobytes() == parameters.tobytes()


def test_the_same_object_begins_anew_with_each_fit(path):
    checkpoint = cr.Checkpoint(path, keep=2, monitor="cost")
    for _ in range(2):
        path.parent.joinpath("run.best.npz").unlink(missing_ok=True)
        net = classifier()
        net.fit(X, LABELS, epochs=3, callbacks=checkpoint)
        assert cr.load(path).epochs_trained == 3
        assert path.parent.joinpath("run.best.npz").exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"every": 0}, ValueError, "every"),
        ({"keep": 0}, ValueError, "keep"),
        ({"sigterm": 1}, TypeError, "sigterm"),
        ({"monitor": 3}, TypeError, "monitor"),
        ({"larger_is_better": True}, ValueError, "give monitor too"),
    ],
)
def test_settings_that_cannot_be(options, error, message, path):
    with pytest.raises(error, match=message):
        cr.Checkpoint(path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monitor": "validation_cost"}, "needs validation_data"),
        ({"monitor": "valid_cost"}, "monitor"),
    ],
)
def test_a_figure_that_will_not_come_is_refused_before_training(options, message, path):
    net = classifier()
    with pytest.raises(ValueError, match=message):
        net.fit(X, LABELS, callbacks=cr.Checkpoint(path, **options))
    assert net.epochs_trained == 0


@pytest.mark.parametrize("bad", ["none/run.npz", "folder", "slash/"])
def test_a_place_that_cannot_be_written_is_refused_before_training(bad, tmp_path):
    (tmp_path / "folder").mkdir()
    net = classifier()
    with pytest.raises(OSError, match="folder"):
        net.fit(X, LABELS, callbacks=cr.Checkpoint(f"{tmp_path}/{bad}"))
    assert net.epochs_trained == 0


# ---------------------------------------------------------------- interruptions


def test_what_is_finished_is_written_when_it_is_interrupted(path):
    net = classifier()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, LABELS, epochs=9, callbacks=[InterruptAt(7), cr.Checkpoint(path, every=5)])
    assert carried(cr.load(path)) == carried(net)
    assert net.epochs_trained == 7


def test_an_error_leaves_the_last_file(path):
    def fail(net, history):
        if len(history) == 4:
            raise ValueError("of the user's")

    with pytest.raises(ValueError, match="of the user's"):
        classifier().fit(X, LABELS, callbacks=[fail, cr.Checkpoint(path, every=3)])
    assert cr.load(path).epochs_trained == 3


def test_a_full_disk_ends_training_and_leaves_the_last_file(path, monkeypatch):
    count = 0

    def savez(*arguments, **arrays):
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(28, "No space left on device")
        return original(*arguments, **arrays)

    original = np.savez
    monkeypatch.setattr(np, "savez", savez)
    net = classifier()
    with pytest.raises(OSError, match="No space"):
        net.fit(X, LABELS, callbacks=cr.Checkpoint(path))
    assert net.epochs_trained == 3
    assert cr.load(path).epochs_trained == 2
    assert names(path) == ["run.npz"]
    twin = classifier()
    twin.fit(X, LABELS)
    assert_same(cr.resume(path, X, LABELS), twin, path)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_sigterm_is_ctrl_c_while_training_and_what_it_was_after(path):
    before = signal.getsignal(signal.SIGTERM)
    handled = []

    class Terminate:
        def on_epoch_begin(self, net, epoch):
            if epoch == 3:
                signal.raise_signal(signal.SIGTERM)

    checkpoint = cr.Checkpoint(path, every=100, sigterm=True)
    signal.signal(signal.SIGTERM, lambda *_: handled.append(1))
    try:
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            classifier().fit(X, LABELS, callbacks=[Terminate(), checkpoint])
        assert cr.load(path).epochs_trained == 3
        assert not handled
        signal.raise_signal(signal.SIGTERM)
        assert handled
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_second_sigterm_does_not_keep_the_file_from_being_written(path, monkeypatch):
    net, original = classifier(), np.savez

    def savez(*arguments, **arrays):
        signal.raise_signal(signal.SIGTERM)
        return original(*arguments, **arrays)

    class Terminate:
        def on_epoch_begin(self, net, epoch):
            if epoch == 3:
                monkeypatch.setattr(np, "savez", savez)
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        net.fit(X, LABELS, callbacks=[Terminate(), cr.Checkpoint(path, every=100, sigterm=True)])
    assert cr.load(path).epochs_trained == 3


def test_sigterm_is_for_the_main_thread(path):
    errors = []

    def train():
        try:
            classifier().fit(X, LABELS, callbacks=cr.Checkpoint(path, sigterm=True))
        except ValueError as error:
            errors.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert "main thread" in errors[0]


KILLED = """
import sys
import numpy as np
import chainrule as cr
rng = np.random.default_rng(0)
X = rng.normal(size=(500, 20))
y = X[:, 0] * X[:, 1]
def train(callbacks=None):
    net = cr.Network([20, 30, 1], task="regression", seed=0)
    net.fit(X, y, epochs=60, validation_split=0.2, callbacks=callbacks)
    return net
if __name__ == "__main__":
    train([cr.EarlyStopping(patience=100), cr.Checkpoint(sys.argv[1])])
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_killed_process_goes_on_in_another(tmp_path):
    script, path = tmp_path / "train.py", tmp_path / "run.npz"
    script.write_text(KILLED)
    process = subprocess.Popen([sys.executable, script, path])
    while not path.exists():
        assert process.poll() is None
    process.kill()
    process.wait()
    code = f"""if True:
        import sys; sys.path.insert(0, {str(tmp_path)!r})
        import chainrule as cr
        from train import X, train, y
        done = cr.load({str(path)!r}).epochs_trained
        history = cr.resume({str(path)!r}, X, y)
        twin = train(cr.EarlyStopping(patience=100))
        assert cr.load({str(path)!r}).parameters.tobytes() == twin.parameters.tobytes()
        assert (history.validation_cost == twin.history.validation_cost).all()
        print(done)
    """
    done = attempt("-c", code)
    assert done.returncode == 0, done.stderr
    assert 1 <= int(done.stdout) <= 60
