"""fit(..., diagnose=True): the doctor looks at what training used and left, whatever ended it."""

import io
import re
import sys

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule import SGD, Adam, DivergenceError, LevenbergMarquardt, Network, diagnose

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
VALUES = X[:, 0] - X[:, 1]
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
WILD = {"X": 100 * X, "y": 1000 * VALUES}  # diverges soon with this rate:
FAST = SGD(0.5)


def begin(outputs=3, hidden="tanh"):
    return Network([5, 8, outputs], hidden=hidden, output="identity", seed=0)


def begin_wild():
    return begin(1, "relu")


def raise_after(epochs, error):
    def call(net, history):
        if len(history) == epochs:
            raise error

    return call


@pytest.mark.parametrize("targets", [LABELS, np.eye(3)[LABELS], np.stack([VALUES] * 3, axis=1)])
def test_it_says_and_keeps_what_the_doctor_says(targets, capsys):
    unseen = 3 * X[:50], targets[50:100]  # does not belong together
    options = {"optimizer": SGD(0.01), "validation_data": unseen}
    net = begin()
    history = net.fit(X, targets, epochs=30, diagnose=True, **options)
    expected = diagnose(net, X, targets, history=history, **options)
    assert "overfitting" in [finding.kind for finding in expected]
    assert list(history.diagnosis) == list(expected)
    assert history.diagnosis.samples == 200
    assert capsys.readouterr() == ("", f"{expected}\n")


def test_of_a_split_it_sees_the_rows_that_were_trained_on():
    seen = []

    def held_out(truth, said):
        seen[:] = truth
        return 0.0

    net, numbers = begin(1), np.arange(200) / 100
    history = net.fit(
        X.tolist(), numbers.tolist(), validation_split=0.3, metrics=[held_out], diagnose=True,
        epochs=300, batch_size=10, optimizer=Adam(0.01),
    )  # fmt: skip
    out = np.isin(numbers, np.round(np.float64(seen), 2))
    assert out.sum() == 60
    expected = diagnose(
        net, X[~out], numbers[~out], validation_data=(X[out], numbers[out]), optimizer=Adam(0.01)
    )
    assert "overfitting" in [finding.kind for finding in expected]
    assert str(history.diagnosis) == str(expected)
    assert history.diagnosis.samples == 140


def test_of_many_samples_it_takes_what_the_doctor_takes():
    many = np.tile(X, (15, 1))
    history = begin().fit(many, np.tile(LABELS, 15), epochs=1, diagnose=True)
    assert history.diagnosis.samples == 2000


def test_the_rate_that_its_advice_names_is_the_default_one():
    net = begin_wild()
    with pytest.raises(DivergenceError):
        net.fit(1e30 * X, 1e6 * VALUES, epochs=50, batch_size=10, diagnose=True)
    (finding,) = (f for f in net.history.diagnosis if f.kind == "cost_not_finite")
    assert finding.figures["learning_rate"] == Adam().learning_rate


def test_training_that_a_callback_ended(capsys):
    net = begin()
    stop = raise_after(3, cr.StopTraining)
    history = net.fit(X, LABELS, epochs=50, callbacks=stop, progress=True, diagnose=True)
    assert len(history) == 3
    assert str(history.diagnosis) == str(diagnose(net, X, LABELS, optimizer=Adam()))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["1/50", "2/50", "3/50"]
    assert lines[3].startswith("The network 5-8-3, looked at with 200 samples:")


def test_without_an_epoch_it_sees_the_network_as_it_is():
    history = begin().fit(100 * X, LABELS, epochs=0, diagnose=True)
    assert [finding.kind for finding in history.diagnosis][:1] == ["unscaled_inputs"]


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), LevenbergMarquardt()])
def test_full_batch_optimisers(optimizer, capsys):
    net = begin(1)
    history = net.fit(30 * X, VALUES, optimizer=optimizer, epochs=20, diagnose=True)
    expected = diagnose(net, 30 * X, VALUES, optimizer=optimizer)
    assert [finding.kind for finding in expected] == ["unscaled_inputs"]
    assert list(history.diagnosis) == list(expected)
    assert capsys.readouterr().err == f"{expected}\n"


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("batch_size", [10, 200])
def test_before_a_divergence_error_goes_out(batch_size, capsys):
    """In the first epoch by many steps, or after some epochs of one step each."""
    net = begin_wild()
    with pytest.raises(DivergenceError, match=r"in epoch \d ") as caught:
        net.fit(**WILD, optimizer=FAST, epochs=50, batch_size=batch_size, diagnose=True)
    epoch = int(re.search(r"epoch (\d)", str(caught.value))[1])
    assert (epoch > 0) == (batch_size == 200)
    history = net.history
    assert history.diverged
    assert len(history) == epoch
    found = {finding.kind: finding for finding in history.diagnosis}
    assert "unscaled_inputs" in found
    assert found["cost_not_finite"].severity == "serious"
    assert found["cost_not_finite"].figures == {"epoch": epoch, "learning_rate": 0.5}
    assert capsys.readouterr().err == f"{history.diagnosis}\n"


def test_the_doctor_knows_of_it_also_when_asked_later():
    net = begin_wild()
    net.fit(X, VALUES, epochs=2)
    with pytest.raises(DivergenceError):
        net.fit(**WILD, optimizer=FAST, epochs=50, batch_size=10)
    assert net.history.diagnosis is None
    kinds = {finding.kind: finding.figures for finding in diagnose(net, **WILD)}
    assert kinds["cost_not_finite"] == {"epoch": net.epochs_trained}
    net.fit(X, VALUES, epochs=1)
    assert not net.history.diverged
    assert "cost_not_finite" not in [finding.kind for finding in diagnose(net, X, VALUES)]


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), LevenbergMarquardt()])
def test_a_full_batch_optimiser_that_cannot_begin(optimizer):
    net = begin(1)
    with pytest.raises(DivergenceError):
        net.fit(X, 8e37 * VALUES, optimizer=optimizer, diagnose=True)
    kinds = [finding.kind for finding in net.history.diagnosis]
    assert kinds == ["not_finite", "unscaled_targets"]


def test_another_network_that_diverges_is_not_its_own_matter(capsys):
    class Other:
        def on_train_begin(self, net):
            begin_wild().fit(**WILD, optimizer=FAST, epochs=50, batch_size=10)

    net = begin()
    for earlier in (None, net.fit(X, LABELS, epochs=1)):
        net.history = earlier
        with pytest.raises(DivergenceError):
            net.fit(X, LABELS, callbacks=Other(), diagnose=True)
        assert net.history is earlier
    assert earlier.diagnosis is None
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------- and nothing else


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_who_breaks_off_hears_nothing(error, capsys):
    net = begin()
    with pytest.raises(type(error)):
        net.fit(X, LABELS, epochs=9, callbacks=raise_after(2, error), diagnose=True)
    assert len(net.history) == 2
    assert net.history.diagnosis is None
    assert capsys.readouterr().err == ""


def test_who_does_not_ask_hears_nothing(capsys):
    assert begin().fit(X, LABELS, epochs=1).diagnosis is None
    assert capsys.readouterr().err == ""


def test_training_is_the_same_with_it():
    nets = begin(), begin()
    for net, asked in zip(nets, (True, False), strict=True):
        net.fit(X, LABELS, epochs=3, optimizer=Adam(), validation_split=0.2, diagnose=asked)
    assert carried(nets[0]) == carried(nets[1])


def test_it_is_kept_where_stderr_cannot_be_written_to(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stderr in (None, closed):
        monkeypatch.setattr(sys, "stderr", stderr)
        assert begin().fit(X, LABELS, epochs=1, diagnose=True).diagnosis is not None


def test_bad_data_are_refused_as_ever(capsys):
    net = begin()
    with pytest.raises(ValueError, match="X must be finite"):
        net.fit(X * np.nan, LABELS, diagnose=True)
    with pytest.raises(TypeError, match="diagnose must be True or False; got 1"):
        net.fit(X, LABELS, diagnose=1)
    with pytest.raises(ValueError, match=r"diagnose=True needs .* arrays X and y"):
        net.fit([(X, LABELS)], diagnose=True)
    assert net.history is None
    assert capsys.readouterr().err == ""
