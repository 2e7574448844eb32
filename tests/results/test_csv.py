"""The history as a CSV file, at the end and line by line, and what else is recorded."""

import csv
import errno
import os
import time

import numpy as np
import pytest

import chainrule as cr
import oracle
from chainrule.results import csv_log
from interruptions import lines_of
from oracle import assert_close
from three_classes import three_classes


@pytest.fixture
def data():
    return three_classes(47)


def begin():
    return cr.Network([4, 5, 6, 3], hidden="tanh", dtype="float64", seed=0)


ALL = {"record": ["gradients", "layers"], "validation_split": 0.2, "batch_size": 10}


def read(path):
    with open(path, newline="") as file:
        names, *rows = csv.reader(file)
    return names, np.array([[float(value) for value in row] for row in rows])


def test_a_file_has_the_bits_of_the_history(data, tmp_path):
    net, path = begin(), tmp_path / "history.csv"
    net.fit(*data, epochs=2)
    metric = {"odd, name": lambda truth, said: np.mean(truth != said) / 3}
    history = net.fit(*data, epochs=5, metrics=metric, **ALL)
    history.to_csv(path)
    names, rows = read(path)
    layers = [f"{name}_{layer}" for name in ("delta_norm", "saturation") for layer in (2, 3, 4)]
    assert names == [*history.keys(), *layers]
    assert names[-7] == "odd, name"
    for i, name in enumerate(history):
        assert rows[:, i].tolist() == history[name].tolist(), name
    assert rows[:, 0].tolist() == [2, 3, 4, 5, 6]
    assert rows[:, -6:-3].tolist() == history.delta_norms.tolist()
    assert rows[:, -3:].tolist() == history.saturation.tolist()
    history.to_csv(path)  # takes the place of the old one
    assert os.listdir(tmp_path) == ["history.csv"]


def test_an_empty_history_has_its_names(data, tmp_path):
    history = begin().fit(*data, epochs=0)
    history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_bytes() == b"epoch,cost,learning_rate,seconds\n"


def test_a_log_is_the_file_so_far(data, tmp_path):
    log, so_far = tmp_path / "log.csv", tmp_path / "so far.csv"
    compared = []

    def compare(net, history):
        history.to_csv(so_far)
        compared.append(log.read_bytes() == so_far.read_bytes())

    begin().fit(*data, epochs=4, callbacks=[cr.CSVLog(log), compare], **ALL)
    assert compared == [True] * 4
    begin().fit(*data, epochs=2, callbacks=cr.CSVLog(log))  # begins anew
    assert len(log.read_text().splitlines()) == 3


def test_a_log_has_every_column(data, tmp_path):
    """Of a training that ends early, under a schedule, with a metric and both records."""
    log = tmp_path / "log.csv"
    history = begin().fit(
        *data, epochs=90, optimizer=cr.SGD(cr.ExponentialDecay(0.1, 0.9)),
        metrics={"half": lambda truth, said: 0.5}, **ALL,
        callbacks=[cr.EarlyStopping("half", patience=3, larger_is_better=True), cr.CSVLog(log)],
    )  # fmt: skip
    names, rows = read(log)
    columns = dict(zip(names, rows.T.tolist(), strict=True))
    for name in ("epoch", "cost", "learning_rate", "seconds", "gradient_norm", "validation_cost",
                 "validation_accuracy", "half"):  # fmt: skip
        assert columns.pop(name) == history[name].tolist()
    by_layer = [*history.delta_norms.T.tolist(), *history.saturation.T.tolist()]
    assert list(columns.values()) == by_layer
    assert history["half"].tolist() == [0.5] * 4


def test_the_seconds_are_those_of_training_alone(data):
    def slow(truth, said):
        time.sleep(0.1)
        return 0.0

    history = begin().fit(*data, epochs=3, validation_data=data, metrics=[slow])
    assert 0 < history.seconds.min() < 0.1


def test_a_log_goes_on(data, tmp_path):
    log, whole = tmp_path / "log.csv", tmp_path / "whole.csv"
    net = begin()
    for _ in range(2):
        net.fit(*data, epochs=3, callbacks=cr.CSVLog(log, append=True))
    begin().fit(*data, epochs=6, callbacks=cr.CSVLog(str(whole)))
    names, rows = read(log)
    assert (names, rows[:, :3].tolist()) == (read(whole)[0], read(whole)[1][:, :3].tolist())
    before = log.read_bytes()
    parameters = net.parameters.tobytes()
    with pytest.raises(ValueError, match="has other columns"):
        net.fit(*data, epochs=1, callbacks=cr.CSVLog(log, append=True), **ALL)
    assert log.read_bytes() == before
    assert net.parameters.tobytes() == parameters


@pytest.mark.parametrize("append", [False, True])
def test_a_log_of_a_training_that_is_resumed_has_each_epoch_once(append, data, tmp_path):
    """It had come further than the last checkpoint."""
    log, whole, path = tmp_path / "log.csv", tmp_path / "whole.csv", tmp_path / "run.npz"

    def callbacks(log, *others):
        return [*others, cr.CSVLog(log, append=append), cr.Checkpoint(path, every=4)]

    def stop(net, history):
        if len(history) == 7:
            raise StopIteration

    begun, never = begin(), begin()
    begun.fit(*data, epochs=2, callbacks=callbacks(log))
    never.fit(*data, epochs=2, callbacks=callbacks(whole))
    with pytest.raises(StopIteration):
        begun.fit(*data, epochs=9, callbacks=callbacks(log, stop))
    assert cr.load(path).epochs_trained < begun.epochs_trained
    del begun

    def stop(net, history):
        pass

    cr.resume(path, *data, callbacks=callbacks(log, stop))
    never.fit(*data, epochs=9, callbacks=callbacks(whole))
    (names, rows), (names_of_whole, rows_of_whole) = read(log), read(whole)
    assert names == names_of_whole
    np.testing.assert_array_equal(rows[:, :3], rows_of_whole[:, :3])
    assert rows[:, 0].tolist() == list(range(0 if append else 2, 11))


# one that comes before the file is closed leaves that to the garbage collector
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.usefixtures("ctrl_c")
def test_an_interruption_leaves_whole_lines(data, tmp_path):
    """A Ctrl-C at every line of the callback."""
    history = begin().fit(*data, epochs=2)
    log = cr.CSVLog(tmp_path / "log.csv")
    begin().fit(*data, epochs=1, callbacks=log)
    names = (tmp_path / "log.csv").read_bytes().splitlines(keepends=True)[0]
    lines = lines_of(lambda: log.on_epoch_end(None, history))
    found = set()
    for line in range(1, lines + 1):
        (tmp_path / "log.csv").write_bytes(names)
        with pytest.raises(KeyboardInterrupt):
            lines_of(lambda: log.on_epoch_end(None, history), interrupt_at=line)
        text = (tmp_path / "log.csv").read_text()
        assert text.endswith("\n")
        found.add(text.count("\n"))
        assert all(row.count(",") == 3 for row in text.splitlines())
    assert found == {1, 2}


def test_a_full_disk_leaves_whole_lines(data, tmp_path, monkeypatch):
    path = tmp_path / "log.csv"

    class Short:
        """A file that takes ten bytes of a line."""

        def __init__(self, *arguments, **options):
            self.file = open(*arguments, **options)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, line):
            return self.file.write(line[:10])

        def __getattr__(self, name):
            return getattr(self.file, name)

    log, net = cr.CSVLog(path), begin()

    def fill(net, history):
        if len(history) == 2:
            monkeypatch.setattr(csv_log, "open", Short, raising=False)

    with pytest.raises(OSError, match="wrote 10 of"):
        net.fit(*data, epochs=9, callbacks=[log, fill])
    assert net.epochs_trained == 3
    assert path.read_bytes().endswith(b"\n")
    assert len(path.read_text().splitlines()) == 3


def test_what_cannot_be_written_is_seen_first(data, tmp_path):
    net = begin()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which one is checked below
        net.fit(*data, callbacks=cr.CSVLog(tmp_path / "no" / "log.csv"))
    assert caught.value.errno == errno.ENOENT
    assert net.epochs_trained == 0
    assert net.history is None
    with pytest.raises(TypeError, match="append"):
        cr.CSVLog("log.csv", append=1)
    with pytest.raises(TypeError, match="PathLike"):
        cr.CSVLog(3)


# ---------------------------------------------------------------- record


@pytest.mark.parametrize("clip", [None, 0.01])
def test_gradient_norms(draw_problem, clip):
    """The mean over the steps of ‖∂C/∂p‖ before limits and penalties, by the oracle."""
    net, x, y = draw_problem((5, 17, 3), 47)
    twin, rate, norms = oracle.copy_of(net), 0.3, []
    for _ in range(3):
        lengths = []
        for start in range(0, 47, 10):
            rows = slice(start, start + 10)
            nabla_w, nabla_b, _ = oracle.backprop(twin, x[rows], y[rows])
            length = np.sqrt(sum((g**2).sum() for g in nabla_w + nabla_b))
            lengths.append(length)
            shrink = min(1.0, (clip or np.inf) / length)
            for i in range(2):
                twin.weights[i] -= rate * (shrink * nabla_w[i] + 0.1 * twin.weights[i])
                twin.biases[i] -= rate * shrink * nabla_b[i]
        norms.append(np.mean(lengths))
    history = net.fit(
        x, y, optimizer=cr.SGD(rate), epochs=3, batch_size=10, shuffle=False, l2=0.1,
        clip_norm=clip, record="gradients",
    )  # fmt: skip
    assert_close(history.gradient_norm, norms, 1e-11)
    assert history["gradient_norm"].tolist() == history.gradient_norm.tolist()
    assert_close(net.parameters[:85].reshape(17, 5), twin.weights[0], 1e-11)
    with pytest.raises(AttributeError, match="record='layers'"):
        _ = history.delta_norms


def test_both_records_at_once_are_each_alone(data):
    options = {"epochs": 3, "batch_size": 10}
    both = begin().fit(*data, record={"layers", "gradients"}, **options)
    layers = begin().fit(*data, record="layers", **options)
    gradients = begin().fit(*data, record=["gradients"], **options)
    np.testing.assert_allclose(both.delta_norms, layers.delta_norms, rtol=1e-12)
    assert both.gradient_norm.tolist() == gradients.gradient_norm.tolist()
    assert "gradient_norm" not in layers.keys()  # noqa: SIM118
    assert len(layers.gradient_norm) == 0


@pytest.mark.parametrize("record", ["layer", ["layers", "gradient"]])
def test_unknown_records_are_refused(data, record):
    with pytest.raises(ValueError, match=r"Did you mean '(layers|gradients)'"):
        begin().fit(*data, record=record)
    with pytest.raises(TypeError, match="record must be a name"):
        begin().fit(*data, record=3)


def test_metrics_are_in_the_progress(data, capfd):
    begin().fit(
        *data, epochs=1, validation_data=data, metrics={"third": lambda *_: 1 / 3}, progress=True
    )
    assert "third 0.3333" in capfd.readouterr().err
