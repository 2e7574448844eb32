"""Training in the program's log, and in TensorBoard."""

import logging

import numpy as np
import pytest

import chainrule as cr

X, Y = np.eye(4), np.array([0.0, 1.0, 1.0, 0.0])


def train(callbacks, **options):
    net = cr.Network([4, 3, 1], seed=0)
    return net.fit(X, Y, epochs=7, callbacks=callbacks, **options)


@pytest.mark.parametrize("logger", [None, "of.a.run", logging.getLogger("of.a.run")])
def test_figures_are_logged(logger, caplog):
    name = "of.a.run" if logger else "chainrule"
    with caplog.at_level(logging.INFO, name):
        history = train(cr.Log(logger, every=3), validation_split=0.5, record="layers")
    assert {record.name for record in caplog.records} == {name}
    *epochs, last = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in epochs] == ["epoch 2", "epoch 5", "epoch 6"]
    assert last == "training has ended after 7 epochs"
    assert f"cost={history.cost[2]:.6g} learning_rate=0.001 seconds=" in epochs[0]
    assert f" validation_cost={history.validation_cost[5]:.6g}" in epochs[1]
    assert f" delta_norm_2={history.delta_norms[6, 0]:.6g}" in epochs[2]


def test_nothing_is_logged_twice(caplog):
    with caplog.at_level(logging.INFO, "chainrule"):
        train(cr.Log())
        train(cr.Log(every=7))
        train(cr.Log(every=100))
    assert len(caplog.records) == 8 + 2 + 2


def test_full_batch_optimisers_are_logged_too(caplog):
    with caplog.at_level(logging.INFO, "chainrule"):
        train(cr.Log(), optimizer=cr.LBFGS())
    assert "learning_rate=nan" in caplog.records[0].getMessage()


@pytest.mark.parametrize("logger", [3, print])
def test_what_is_no_logger_is_refused(logger):
    with pytest.raises(TypeError, match=r"logger must be a logging.Logger or its name"):
        cr.Log(logger)


# ---------------------------------------------------------------- TensorBoard


def scalars(folder):
    """Return what the files of a run have: (epoch, figure) by name."""
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:
            size = int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12 : 12 + size])
            content = content[12 + size + 4 :]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_gets_the_figures(tmp_path):
    pytest.importorskip("tensorboardX")
    history = train(cr.TensorBoard(tmp_path / "run"), validation_split=0.5)
    found = scalars(tmp_path / "run")
    for name in ("cost", "learning_rate", "validation_cost"):
        np.testing.assert_allclose(list(found[name].values()), history[name], rtol=1e-6)
        assert list(found[name]) == history.epoch.tolist()


def test_tensorboard_is_closed_however_training_ends(tmp_path):
    pytest.importorskip("tensorboardX")
    board = cr.TensorBoard(tmp_path)

    def fail(net, history):
        raise ValueError("of the user's")

    with pytest.raises(ValueError, match="of the user's"):
        train([board, fail])
    assert not hasattr(board, "_writer")
    assert scalars(tmp_path)["cost"].keys() == {0}


def test_tensorboard_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[tensorboard\]'"):
        cr.TensorBoard(tmp_path)
