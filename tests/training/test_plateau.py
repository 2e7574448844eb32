"""ReduceOnPlateau over several fits: on other data its best begins anew, on the same it goes on."""

import copy
import signal

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from model_files import rewrite
from three_classes import three_classes

X, _ = three_classes(47)
NOISE = np.random.default_rng(2).integers(3, size=47)
HELD_OUT = X[:9] + 0.1, NOISE[:9]
EASIER = X[:8], NOISE[:8]
MONITORS = ["cost", "validation_cost", "validation_accuracy"]


def rule(monitor):
    return cr.SGD(cr.ReduceOnPlateau(8.0, 0.5, patience=2, monitor=monitor))


def begin():
    return cr.Network([4, 9, 3], hidden="tanh", seed=5)


def fit(net, monitor="validation_cost", epochs=6, rows=slice(None), held_out=HELD_OUT, **options):
    options = {"optimizer": rule(monitor), "batch_size": 10, "validation_data": held_out} | options
    return net.fit(X[rows], NOISE[rows], epochs=epochs, **options)


def other(monitor):
    """Options of a fit whose figure is of other samples."""
    return {"rows": slice(40)} if monitor == "cost" else {"held_out": EASIER}


def best_of(figures, monitor):
    return float(np.max(figures) * -1 if monitor == "validation_accuracy" else np.min(figures))


def plateau(net, monitor):
    return net.optimizer_state[f"plateau_{monitor}"]


@pytest.mark.parametrize("monitor", MONITORS)
def test_the_best_and_the_wait_begin_anew_and_the_reductions_stay(monitor):
    net = begin()
    fit(net, monitor, epochs=12)
    reductions = plateau(net, monitor)[0]
    assert reductions >= 1
    plateau(net, monitor)[1:] = 1, -1e9  # one more without a best would lower the rate
    rate = 8.0 * 0.5**reductions
    history = fit(net, monitor, epochs=2, **other(monitor))
    assert history.learning_rate.tolist() == [rate, rate]
    assert plateau(net, monitor)[0] == reductions
    assert plateau(net, monitor)[2] == best_of(history[monitor], monitor)


@pytest.mark.parametrize("monitor", MONITORS)
@pytest.mark.parametrize("through_a_file", [False, True])
def test_on_the_same_data_two_fits_are_one(monitor, through_a_file, tmp_path):
    whole, net = begin(), begin()
    rates = fit(whole, monitor, epochs=30).learning_rate
    first = fit(net, monitor, epochs=15).learning_rate
    if through_a_file:
        net.save(tmp_path / "net.npz")
        net = cr.load(tmp_path / "net.npz")
    second = fit(net, monitor, epochs=15).learning_rate
    assert [*first, *second] == rates.tolist()
    assert carried(net) == carried(whole)
    assert len(set(rates)) > 2


# What makes the samples others, or leaves them the same, for the monitored figure.
DIFFERENT = {
    "fewer": ("validation_cost", {"held_out": EASIER}),
    "other targets": ("validation_cost", {"held_out": (HELD_OUT[0], (HELD_OUT[1] + 1) % 3)}),
    "other values": ("validation_cost", {"held_out": (HELD_OUT[0], np.eye(3)[HELD_OUT[1]] / 2)}),
    "a split": ("validation_cost", {"held_out": None, "validation_split": 0.3}),
    "other training targets": ("cost", {"rows": slice(None, None, -1)}),
    "other weights": ("cost", {"sample_weight": np.linspace(0.5, 1, 47)}),
}
SAME = {
    "as it was": ("validation_cost", {}),
    "another batch size": ("cost", {"batch_size": 20}),
    "other training data": ("validation_cost", {"rows": slice(40)}),
    "other validation data": ("cost", {"held_out": EASIER}),
    "another type": ("validation_cost", {"held_out": (HELD_OUT[0], HELD_OUT[1].astype("uint8"))}),
}


@pytest.mark.parametrize("name", [*DIFFERENT, *SAME])
def test_which_samples_are_others(name):
    monitor, options = (DIFFERENT | SAME)[name]
    net = begin()
    fit(net, monitor)
    plateau(net, monitor)[2] = -1e9
    fit(net, monitor, epochs=1, **options)
    assert (plateau(net, monitor)[2] > -1e9) == (name in DIFFERENT)


def test_refused_or_without_an_epoch_the_best_stays():
    net = begin()
    fit(net)
    before = carried(net)
    fit(net, epochs=0, held_out=EASIER)
    with pytest.raises(TypeError):
        fit(net, held_out=EASIER, early_stopping=True)
    assert carried(net) == before


def test_a_state_of_before_goes_on(tmp_path):
    """It does not say what its best is of: what comes next is taken for the same."""
    net = begin()
    fit(net)
    reductions = plateau(net, "validation_cost")[0]
    del net.optimizer_state["plateau_data"]
    net.save(tmp_path / "net.npz")
    back = cr.load(tmp_path / "net.npz")
    plateau(back, "validation_cost")[1:] = 0, -1e9
    fit(back, epochs=1, held_out=EASIER)
    assert plateau(back, "validation_cost").tolist() == [reductions, 1, -1e9]
    fit(back, epochs=1)
    assert plateau(back, "validation_cost")[2] > -1e9


def test_of_batches_the_cost_goes_on_whatever_they_are():
    net = begin()
    batches = [(X[i : i + 10], NOISE[i : i + 10]) for i in range(0, 47, 10)]
    net.fit(batches, optimizer=rule("cost"), epochs=3)
    assert list(net.optimizer_state) == ["plateau_cost"]
    plateau(net, "cost")[2] = -1e9
    net.fit(batches[:3], optimizer=rule("cost"), epochs=1)
    assert plateau(net, "cost")[2] == -1e9


def test_an_interrupted_validation_is_made_up_for_on_its_own_data_alone():
    def interrupt(truth, said):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    net = begin()
    try:
        fit(net)
        with pytest.raises(KeyboardInterrupt):
            fit(net, metrics={"none": interrupt})
    finally:
        signal.signal(signal.SIGINT, before)
    assert "unseen" in net.optimizer_state
    twin = copy.copy(net)
    history = fit(twin, epochs=1, held_out=EASIER)
    assert "unseen" not in twin.optimizer_state
    assert plateau(twin, "validation_cost")[2] == history.validation_cost[0]


@pytest.mark.parametrize("values", [np.zeros(3, "u8"), np.zeros(2), np.zeros(2, "u4")])
def test_what_a_file_says_of_the_samples_is_checked(tmp_path, values):
    net = begin()
    fit(net)
    net.save(tmp_path / "net.npz")
    rewrite(tmp_path / "net.npz", **{"optimizer.plateau_data": values})
    with pytest.raises(ValueError, match=r"optimizer\.plateau_data"):
        cr.load(tmp_path / "net.npz")
