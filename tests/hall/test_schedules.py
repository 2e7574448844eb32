"""Learning-rate schedules: their formulas, number by number, and what `fit` makes of them."""

import itertools
import math
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import schedules
from chainrule.schedules import Function, as_schedule
from optimizer_oracle import Replay
from oracle import assert_close

# schedule: η as a function of e, in plain Python
CURVES = {
    "constant": (cr.Constant(0.03), lambda e: 0.03),
    "step": (cr.StepDecay(0.04, 0.1, 2.5), lambda e: 0.04 * 0.1 ** math.floor(e / 2.5)),
    "step default": (cr.StepDecay(0.04), lambda e: 0.04 * 0.5 ** (e // 10)),
    "exponential": (cr.ExponentialDecay(0.04, 0.9), lambda e: 0.04 * 0.9**e),
    "inverse": (cr.InverseScaling(0.04, 0.75), lambda e: 0.04 / (1 + e) ** 0.75),
    "cosine": (
        cr.CosineDecay(0.04, 8),
        lambda e: 0.02 * (1 + math.cos(math.pi * e / 8)) if e < 8 else 0.0,
    ),
    "cosine after a rise": (
        cr.CosineDecay(0.04, 8, warmup_epochs=1.5, final_rate=0.01),
        lambda e: (
            0.04 * e / 1.5
            if e < 1.5
            else 0.01 + 0.015 * (1 + math.cos(math.pi * (e - 1.5) / 6.5))
            if e < 8
            else 0.01
        ),
    ),
    "flat, then cosine": (
        cr.FlatCosine(0.04, 8),
        lambda e: 0.04 if e < 4 else 0.02 * (1 + math.cos(math.pi * (e - 4) / 4)) if e < 8 else 0.0,
    ),
    "flat for long, then cosine to a rate": (
        cr.FlatCosine(0.04, 8, flat=0.75, final_rate=0.01),
        lambda e: (
            0.04
            if e < 6
            else 0.01 + 0.015 * (1 + math.cos(math.pi * (e - 6) / 2))
            if e < 8
            else 0.01
        ),
    ),
    "four waves": (
        cr.CosLog4(0.04, 9),
        lambda e: 0.04 * math.sin(math.pi * math.log2(1 + 15 * min(e / 9, 1))) ** 2,
    ),
    "one cycle": (
        cr.OneCycle(0.05, 10, rise=0.25, start_factor=0.1, final_factor=0.01),
        lambda e: (
            0.005 + 0.045 * (1 - math.cos(math.pi * e / 2.5)) / 2
            if e < 2.5
            else 0.05 + (0.0005 - 0.05) * (1 - math.cos(math.pi * (e - 2.5) / 7.5)) / 2
            if e < 10
            else 0.0005
        ),
    ),
    "function": (Function(lambda e: 0.04 / (2 + e)), lambda e: 0.04 / (2 + e)),
}


@pytest.mark.parametrize("name", CURVES)
def test_formulas(name):
    schedule, curve = CURVES[name]
    got = schedule.rates(0, 13, 7)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [curve(k / 7) for k in range(91)], rtol=1e-13, atol=1e-16)
    assert (got >= 0).all()


def test_no_schedule_is_left_out():
    kinds = {kind for kind in vars(schedules).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, schedules.Schedule)}
    kinds -= {schedules.Schedule, schedules.EndingSchedule}  # what others are made of
    assert {type(schedule) for schedule, _ in CURVES.values()} == kinds - {cr.ReduceOnPlateau}
    assert {kind.__name__ for kind in kinds - {Function}} <= set(cr.__all__)


@pytest.mark.parametrize("name", CURVES)
def test_pieces_have_the_bits_of_the_whole(name):
    schedule, _ = CURVES[name]
    whole = schedule.rates(0, 200, 77)
    rng = np.random.default_rng(0)
    cuts = [0, *sorted(rng.integers(1, 200, size=30).tolist()), 200]
    parts = [schedule.rates(a, b - a, 77) for a, b in itertools.pairwise(cuts)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_landmarks():
    cosine = cr.CosineDecay(1.0, 10, warmup_epochs=2)
    assert cosine.rates(0, 13, 1)[[0, 1, 2, 6, 10, 12]].tolist() == [0, 0.5, 1, 0.5, 0, 0]
    cycle = cr.OneCycle(1.0, 10).rates(0, 12, 1)
    assert cycle[[0, 3]].tolist() == [0.04, 1]
    assert cycle[[10, 11]] == pytest.approx([4e-6] * 2)
    assert cycle.argmax() == 3
    flat = cr.FlatCosine(1.0, 10).rates(0, 12, 1)
    assert flat[[0, 3, 5, 10, 11]].tolist() == [1, 1, 1, 0, 0]
    assert np.flatnonzero(flat < 1).tolist() == [6, 7, 8, 9, 10, 11]
    waves = cr.CosLog4(1.0, 15).rates(0, 17, 1)
    assert waves[[0, 1, 3, 7, 15, 16]] == pytest.approx([0] * 6, abs=1e-15)
    assert waves[15:].tolist() == [0, 0]
    tops = [2 ** (k + 0.5) - 1 for k in range(4)]  # of 15, where 1 + e is a half power of 2
    assert cr.CosLog4(1.0, 15)._at(np.array(tops)) == pytest.approx([1] * 4)


@pytest.mark.parametrize("name", [name for name in CURVES if name != "function"])
def test_schedules_are_values(name):
    schedule, _ = CURVES[name]
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert hash(schedule) == hash(pickle.loads(pickle.dumps(schedule)))
    assert cr.SGD(schedule) == cr.SGD(schedule) != cr.SGD(0.123)
    with pytest.raises(AttributeError):
        schedule.learning_rate = 1


# ---------------------------------------------------------------- in fit


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("rule", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax"])
def test_every_optimiser_follows_every_schedule(draw_problem, rule, name):
    schedule, curve = CURVES[name]
    net, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    twin = cr.Network((5, 7, 3), hidden="tanh", dtype="float64", seed=0)
    twin.parameters = net.parameters
    replay = Replay(twin, rule)
    rates = [curve(k / 5) for k in range(60)]
    remaining = iter(rates)
    ends = {"cosine": 8, "flat, then cosine": 8, "four waves": 9, "one cycle": 10}
    epochs = ends.get(name, 12)  # to go on from there is refused
    for _ in range(epochs):
        replay.epoch(x, y, 10, remaining)
    given = schedule.function if name == "function" else schedule
    options = {"batch_size": 10, "shuffle": False}
    history = net.fit(x, y, optimizer=getattr(cr, rule)(given), epochs=epochs, **options)
    # 1/√v amplifies what rounding leaves of a gradient near 0
    assert_close(net.parameters, twin.parameters, 1e-10)
    np.testing.assert_allclose(
        history.learning_rate, rates[4 : 5 * epochs : 5], rtol=1e-13, atol=1e-16
    )


def test_long_runs_are_handed_over_in_pieces(monkeypatch):
    import chainrule.training.training

    x, y = np.zeros((30, 2)), np.zeros(30, int)
    histories = []
    for most in (10**6, 31, 1):
        monkeypatch.setattr(chainrule.training.training, "RATES_PER_CALL", most)
        net = cr.Network((2, 2), seed=0)
        options = {"epochs": 20, "batch_size": 2}
        histories.append(net.fit(x, y, optimizer=cr.SGD(cr.OneCycle(0.5, 20)), **options))
    assert histories[0].learning_rate.tobytes() == histories[1].learning_rate.tobytes()
    assert histories[0].cost.tobytes() == histories[1].cost.tobytes() == histories[2].cost.tobytes()


def test_a_function_is_called_for_every_step():
    seen = []

    def rate(epoch):
        assert type(epoch) is float
        seen.append(epoch)
        return 0.1

    net = cr.Network((2, 2), seed=0)
    rule = cr.SGD(rate)
    assert seen == [0.0]  # tried at once
    net.fit(np.zeros((10, 2)), np.zeros(10, int), optimizer=rule, epochs=2, batch_size=4)
    assert seen[-6:] == [e + k / 3 for e in range(2) for k in range(3)]
    net.fit(np.zeros((10, 2)), np.zeros(10, int), optimizer=rule, epochs=1, batch_size=4)
    assert seen[-3:] == [2 + k / 3 for k in range(3)]
    assert net.optimizer_state["epochs"].tolist() == [3]
    assert "steps" not in net.optimizer_state  # SGD does not count them


@pytest.mark.parametrize("schedule", [cr.StepDecay(0.1, epochs=2), cr.OneCycle(0.1, epochs=8)])
def test_the_size_of_batches_and_data_does_not_move_it(schedule):
    """Five epochs of batch 2, then of batch 32, on other rows: each goes on where epochs stand."""
    x, y = np.random.default_rng(0).normal(size=(64, 2)), np.arange(64) % 2
    nets = [cr.Network((2, 2), seed=0) for _ in range(2)]
    for net, (first, size) in zip(nets, [(64, 2), (10, 32)], strict=True):
        net.fit(x[:first], y[:first], optimizer=cr.SGD(schedule), epochs=5, batch_size=size)
        history = net.fit(x, y, optimizer=cr.SGD(schedule), epochs=3, batch_size=16)
        last_steps = schedule.rates(5, 3, 4)[3::4]
        assert history.learning_rate.tolist() == last_steps.tolist()


def test_a_state_of_the_first_versions_goes_on_where_its_steps_stand():
    x, y = np.random.default_rng(0).normal(size=(64, 2)), np.arange(64) % 2
    for rule in (cr.SGD(cr.StepDecay(0.1, epochs=2)), cr.Adam(cr.StepDecay(0.1, epochs=2))):
        net, twin = cr.Network((2, 2), seed=0), cr.Network((2, 2), seed=0)
        for each in (net, twin):
            each.fit(x, y, optimizer=rule, epochs=3, batch_size=16)
        del twin.optimizer_state["epochs"]
        twin.optimizer_state["steps"] = np.array([12], np.uint64)
        for each in (net, twin):
            each.fit(x, y, optimizer=rule, epochs=3, batch_size=16)
        assert net.parameters.tobytes() == twin.parameters.tobytes()
        assert net.optimizer_state.keys() == twin.optimizer_state.keys()


def test_to_go_on_after_the_end_is_refused_where_nothing_is_left():
    x, y = np.zeros((6, 2)), np.zeros(6, int)
    for schedule, left in [
        (cr.OneCycle(0.1, 4), "4e-07"), (cr.CosineDecay(0.1, 4), "0"),
        (cr.FlatCosine(0.1, 4), "0"), (cr.CosLog4(0.1, 4), "0"),
    ]:  # fmt: skip
        net = cr.Network((2, 2), seed=0)
        net.fit(x, y, optimizer=cr.SGD(schedule), epochs=4)
        before = net.parameters.tobytes()
        with pytest.raises(ValueError, match=f"comes down to learning rate {left} in epoch 4"):
            net.fit(x, y, optimizer=cr.SGD(schedule), epochs=1)
        assert net.parameters.tobytes() == before
    net = cr.Network((2, 2), seed=0)
    rule = cr.SGD(cr.CosineDecay(0.1, 4, final_rate=0.01))
    assert net.fit(x, y, optimizer=rule, epochs=6).learning_rate[-2:] == pytest.approx([0.01, 0.01])


def test_a_function_that_fails_later_leaves_the_last_finished_epoch(draw_problem):
    net, x, y = draw_problem((5, 7, 3), 40)
    good = cr.SGD(0.1, momentum=0.5)
    net.fit(x, y, optimizer=good, epochs=1)
    before = net.parameters.tobytes(), net.optimizer_state["velocity"].tobytes()
    bad = cr.SGD(lambda e: 0.1 if e == 0 else -1.0, momentum=0.5)
    with pytest.raises(ValueError, match=r"learning_rate\(0.25\) must be a number, 0 or more"):
        net.fit(x, y, optimizer=bad, epochs=1, batch_size=10)
    assert net.epochs_trained == 1
    assert (net.parameters.tobytes(), net.optimizer_state["velocity"].tobytes()) == before
    assert list(net.optimizer_state) == ["velocity"]


# ---------------------------------------------------------------- on a plateau


def reduced(figures, factor, patience, rate, least):
    """The learning rate of each epoch, given the figures seen after each; less is better."""
    rates, best, waited = [], math.inf, 0
    for figure in figures:
        rates.append(rate)
        if figure < best:
            best, waited = figure, 0
            continue
        waited += 1
        if waited == patience:
            rate, waited = max(rate * factor, least), 0
    return rates


@pytest.mark.parametrize("monitor", schedules.MONITORS)
@pytest.mark.parametrize("patience", [1, 3])
def test_the_rate_falls_on_a_plateau(monitor, patience):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)  # nothing to learn but noise
    schedule = cr.ReduceOnPlateau(8.0, 0.5, patience, min_rate=0.2, monitor=monitor)
    net = cr.Network((4, 8, 3), hidden="tanh", dtype="float64", seed=0)
    options = {"batch_size": 10, "validation_data": (x[:20] + 0.1, y[::-1][:20])}
    history = net.fit(x, y, optimizer=cr.SGD(schedule), epochs=40, **options)
    figures = history[monitor] * (-1 if monitor == "validation_accuracy" else 1)
    expected = reduced(figures, 0.5, patience, 8.0, 0.2)
    np.testing.assert_allclose(history.learning_rate, expected, rtol=1e-15)
    assert len(set(expected)) >= 2
    assert list(net.optimizer_state) == [f"plateau_{monitor}", "plateau_data"]
    best = figures.min()
    assert net.optimizer_state[f"plateau_{monitor}"][2] == best


@pytest.mark.parametrize("monitor", ["validation_cost", "validation_accuracy"])
def test_a_plateau_of_what_is_not_measured(monitor):
    net = cr.Network((4, 3), seed=0)
    x, y = np.zeros((5, 4)), np.zeros((5, 3)) + 0.5
    rule = cr.SGD(cr.ReduceOnPlateau(0.1, monitor=monitor))
    with pytest.raises(ValueError, match=f"{monitor}.*needs validation_data"):
        net.fit(x, y, optimizer=rule)
    assert net.history is None
    if monitor == "validation_accuracy":
        with pytest.raises(ValueError, match="whose targets are classes"):
            net.fit(x, y, optimizer=rule, validation_data=(x, y))
    else:
        net.fit(x, y, optimizer=rule, validation_data=(x, y), epochs=1)


# ---------------------------------------------------------------- refused

NOT_FINITE = [0, -1, math.nan, math.inf]
BAD = [
    *[(kind, {"learning_rate": value}, "learning_rate")
      for kind in (cr.Constant, cr.StepDecay, cr.ExponentialDecay, cr.InverseScaling,
                   cr.ReduceOnPlateau) for value in NOT_FINITE],
    *[(kind, {"learning_rate": value, "epochs": 5}, "learning_rate")
      for kind in (cr.CosineDecay, cr.FlatCosine, cr.CosLog4, cr.OneCycle) for value in NOT_FINITE],
    *[(kind, {"learning_rate": 0.1, "epochs": value}, "epochs")
      for kind in (cr.StepDecay, cr.CosineDecay, cr.FlatCosine, cr.CosLog4, cr.OneCycle)
      for value in NOT_FINITE],
    *[(kind, {"learning_rate": 0.1, "factor": value}, "factor")
      for kind in (cr.StepDecay, cr.ExponentialDecay, cr.ReduceOnPlateau)
      for value in (*NOT_FINITE, 1, 2)],
    (cr.InverseScaling, {"learning_rate": 0.1, "power": 0}, "power"),
    (cr.CosineDecay, {"learning_rate": 0.1, "epochs": 5, "warmup_epochs": 5}, "warmup_epochs"),
    (cr.CosineDecay, {"learning_rate": 0.1, "epochs": 5, "warmup_epochs": -1}, "warmup_epochs"),
    (cr.CosineDecay, {"learning_rate": 0.1, "epochs": 5, "final_rate": 0.2}, "final_rate"),
    (cr.FlatCosine, {"learning_rate": 0.1, "epochs": 5, "flat": 0}, "flat"),
    (cr.FlatCosine, {"learning_rate": 0.1, "epochs": 5, "flat": 1}, "flat"),
    (cr.FlatCosine, {"learning_rate": 0.1, "epochs": 5, "final_rate": 0.2}, "final_rate"),
    (cr.OneCycle, {"learning_rate": 0.1, "epochs": 5, "rise": 0}, "rise"),
    (cr.OneCycle, {"learning_rate": 0.1, "epochs": 5, "rise": 1}, "rise"),
    (cr.OneCycle, {"learning_rate": 0.1, "epochs": 5, "start_factor": 1.1}, "start_factor"),
    (cr.OneCycle, {"learning_rate": 0.1, "epochs": 5, "final_factor": -1}, "final_factor"),
    (cr.ReduceOnPlateau, {"learning_rate": 0.1, "patience": 0}, "patience"),
    (cr.ReduceOnPlateau, {"learning_rate": 0.1, "min_rate": 0.2}, "min_rate"),
    (cr.ReduceOnPlateau, {"learning_rate": 0.1, "min_rate": math.nan}, "min_rate"),
    (cr.ReduceOnPlateau, {"learning_rate": 0.1, "monitor": "costs"}, "monitor"),
    (Function, {"function": lambda e: -1}, "learning_rate"),
    (Function, {"function": lambda e: math.nan}, "learning_rate"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "settings", "named"), BAD)
def test_bad_settings(kind, settings, named):
    with pytest.raises(ValueError, match=named):
        kind(**settings)


@pytest.mark.parametrize("value", ["0.1", None, [0.1], 1j, True, cr.StepDecay])
@pytest.mark.parametrize("kind", [cr.SGD, cr.Adam, cr.Rprop])
def test_what_is_no_learning_rate(kind, value):
    with pytest.raises(TypeError, match="learning_rate must be"):
        kind(value)


@pytest.mark.parametrize("value", ["0.1", None, [0.1], True])
def test_a_function_must_return_a_number(value):
    with pytest.raises(TypeError, match=r"learning_rate\(0\) must be a number"):
        cr.SGD(lambda e: value)


def test_rprop_has_no_schedule():
    with pytest.raises(TypeError, match="Rprop's own steps"):
        cr.Rprop(cr.StepDecay(0.1))


def test_what_a_learning_rate_stands_for():
    assert as_schedule(0.25) == cr.Constant(0.25)
    assert as_schedule(cr.StepDecay(1)) == cr.StepDecay(1)
    assert as_schedule(math.cos) == Function(math.cos)
