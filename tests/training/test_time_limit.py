"""``fit(max_seconds=)``: training ends quietly after the epoch by which the time has gone."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.training import time_limit

X, Y = np.eye(4), np.array([0.0, 1.0, 1.0, 0.0])


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by ten seconds with each look at it."""
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(time_limit, "monotonic", lambda: float(next(now)))


@pytest.mark.parametrize("optimizer", [cr.Adam(), cr.LBFGS()], ids=["Adam", "LBFGS"])
@pytest.mark.parametrize(("seconds", "epochs"), [(1e-3, 1), (10, 1), (10.5, 2), (35, 4), (1e9, 6)])
@pytest.mark.usefixtures("clock")
def test_the_epoch_that_passes_it_is_the_last(optimizer, seconds, epochs):
    ended = []
    callbacks = type("End", (), {"on_train_end": lambda _, net, history: ended.append(net)})()
    net, twin = (cr.Network([4, 3, 1], seed=0) for _ in range(2))
    history = net.fit(X, Y, optimizer=optimizer, epochs=6, max_seconds=seconds, callbacks=callbacks)
    twin.fit(X, Y, optimizer=optimizer, epochs=epochs)
    assert len(history) == net.epochs_trained == epochs
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert ended == [net]


@pytest.mark.usefixtures("clock")
def test_a_limit_is_of_one_fit():
    net = cr.Network([4, 3, 1], seed=0)
    net.fit(X, Y, epochs=6, max_seconds=5)
    net.fit(X, Y, epochs=6)
    net.fit(X, Y, epochs=6, max_seconds=25)
    assert net.epochs_trained == 1 + 6 + 3


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "1", True])
def test_what_is_no_time_is_refused(seconds):
    with pytest.raises((ValueError, TypeError), match="max_seconds"):
        cr.Network([4, 3, 1]).fit(X, Y, max_seconds=seconds)
