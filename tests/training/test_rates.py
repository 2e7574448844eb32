"""A learning rate and an ε for each layer, weights and biases apart, against a replay in NumPy."""

import copy
import itertools

import numpy as np
import pytest

import chainrule as cr
from optimizer_cases import CASES, DEFAULT_RATE, TOLERANCE
from optimizer_oracle import Replay
from oracle import assert_close
from ranks_in_threads import shard, together

DTYPES = ["float32", "float64"]
RATES = [(0.5, 2.0), (1.5, 0.25)]
EPSILONS = [(1e-3, 0.2), (0.05, 1e-2)]
HAVE_RATE = [case for case in CASES if not case.startswith("Rprop")]
HAVE_EPSILON = ["Adagrad", "RMSprop", "Adam", "Adam epsilon hat", "AdamW decay", "Adamax"]
PENALTIES = {"l1": 0.01, "l2": 0.1, "max_norm": 0.9, "clip_norm": 0.05, "average": 0.8}


def spread_out(net, pairs):
    """(n_parameters,): what of `pairs` goes with each parameter."""
    return np.concatenate(
        [
            np.full(part.size, value)
            for w, b, pair in zip(net.weights, net.biases, pairs, strict=True)
            for part, value in zip((w, b), pair, strict=True)
        ]
    )


def settings_of(case):
    name, settings = CASES[case]
    return name, {k: v for k, v in settings.items() if k != "learning_rate"}, settings


def compare_with_replay(draw_problem, case, dtype, rates=None, epsilons=None, rows=47, **options):
    """Both end at the same parameters and states; the replay has its numbers entry by entry."""
    name, others, settings = settings_of(case)
    net, x, y = draw_problem((5, 7, 3), rows, hidden="tanh", dtype=dtype)
    twin = cr.Network((5, 7, 3), hidden="tanh", dtype="float64", seed=0)
    twin.parameters = net.parameters
    if epsilons:
        settings = settings | {"epsilon": epsilons}
        others = others | {"epsilon": spread_out(net, epsilons)}
    replay = Replay(twin, name, **others)
    rate = settings.get("learning_rate", DEFAULT_RATE[name])
    rate = rate * spread_out(net, rates) if rates else rate
    start = net.parameters.copy()
    for _ in range(5):
        replay.epoch(x.astype(float), y.astype(float), 10, itertools.repeat(rate), **options)
    rule = getattr(cr, name)(**settings)
    net.fit(x, y, optimizer=rule, epochs=5, batch_size=10, shuffle=False, rates=rates, **options)
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert np.abs(net.parameters - start).max() > 100 * TOLERANCE[dtype]
    for state in rule.states:
        assert_close(net.optimizer_state[state], replay.state[state], 100 * TOLERANCE[dtype])
    if "average" in options:
        assert_close(net.optimizer_state["average"], replay.average, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", HAVE_RATE)
def test_rates(draw_problem, case, dtype):
    compare_with_replay(draw_problem, case, dtype, RATES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", HAVE_EPSILON)
def test_epsilons(draw_problem, case, dtype):
    compare_with_replay(draw_problem, case, dtype, epsilons=EPSILONS)


@pytest.mark.parametrize("case", ["SGD", "SGD nesterov", "AdamW decay", "Adam epsilon hat"])
def test_with_penalties_and_limits(draw_problem, case):
    epsilons = EPSILONS if case in HAVE_EPSILON else None
    compare_with_replay(draw_problem, case, "float64", RATES, epsilons, **PENALTIES)


@pytest.mark.parametrize("case", HAVE_RATE)
def test_rates_of_1_and_equal_epsilons_change_no_bit(draw_problem, case):
    name, _, settings = settings_of(case)
    nets = []
    for options in ({}, {"rates": [(1, 1), 1]}):
        net, x, y = draw_problem((5, 7, 3), 47, dtype="float32")
        own = dict(settings)
        if options and "epsilon" in getattr(cr, name).settings:
            own["epsilon"] = [getattr(cr, name)(**settings).epsilon] * 2
        net.fit(x, y, optimizer=getattr(cr, name)(**own), epochs=3, l2=0.01, **options)
        nets.append(net)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    for state, values in nets[0].optimizer_state.items():
        assert values.tobytes() == nets[1].optimizer_state[state].tobytes()


FROZEN = [((0, 1), 1), ((1, 0), 1), (1, (0, 1)), (1, (1, 0)), (0, 1)]
WAYS = {
    "in place": {},
    "whole gradient": {"clip_norm": 0.1},
    "penalties": {"l1": 0.1, "l2": 0.1, "max_norm": 0.1, "dropout": 0.2},
    "blocks": {"blocks": 2},
}


@pytest.mark.parametrize("rates", FROZEN)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [case for case, (_, given) in CASES.items() if len(given) < 3])
def test_0_freezes_parameters_and_states(draw_problem, case, way, rates):
    name, _, settings = settings_of(case)
    net, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    rule = getattr(cr, name)(**settings)
    options = {"optimizer": rule, "batch_size": 10, "epochs": 2}
    net.fit(x, y, **options)  # so that there is momentum
    frozen = spread_out(net, [each if isinstance(each, tuple) else (each, each) for each in rates])
    before = copy.deepcopy({name: net.optimizer_state[name] for name in rule.states})
    before["parameters"] = net.parameters.copy()
    net.fit(x, y, **options, **WAYS[way], rates=rates)
    after = {name: net.optimizer_state[name] for name in rule.states}
    after["parameters"] = net.parameters
    for name, values in before.items():
        changed = values != after[name]
        assert not changed[frozen == 0].any(), name
        assert changed[frozen == 1].mean() > 0.5, name


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [47, 1101])
def test_in_tiles_and_by_threads(draw_problem, rows, threads):
    batch = {"batch_size": rows, "epochs": 2, "rates": RATES, "shuffle": False}
    one, x, y = draw_problem((5, 40, 3), rows)
    other, _, _ = draw_problem((5, 40, 3), rows)
    one.fit(x, y, optimizer=cr.Adam(0.01), threads=1, **batch)
    other.fit(x, y, optimizer=cr.Adam(0.01), threads=threads, **batch)
    assert one.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("case", ["SGD", "SGD momentum", "Adam epsilon hat"])
def test_single_steps_take_the_same_steps(draw_problem, case):
    name, _, settings = settings_of(case)
    if case == "Adam epsilon hat":
        settings = settings | {"epsilon": EPSILONS}
    rule = getattr(cr, name)(**settings)
    one, x, y = draw_problem((5, 7, 3), 40)
    other, _, _ = draw_problem((5, 7, 3), 40)
    one.fit(x, y, optimizer=rule, epochs=1, batch_size=10, shuffle=False, rates=RATES)
    trainer = other.trainer(rule, rates=RATES)
    for start in range(0, 40, 10):
        trainer.step(x[start : start + 10], y[start : start + 10])
    assert one.parameters.tobytes() == other.parameters.tobytes()


def test_sparse_rows_follow_the_same_rates(draw_problem):
    sparse = pytest.importorskip("scipy.sparse")
    one, x, y = draw_problem((5, 7, 3), 100)
    other, _, _ = draw_problem((5, 7, 3), 100)
    options = {"optimizer": cr.Adam(0.01, epsilon=EPSILONS), "rates": [(0, 2), (1.5, 0)]}
    frozen = other.weights[0].copy()
    one.fit(x, y, **options)
    other.fit(sparse.csr_matrix(x), y, **options)
    assert_close(other.parameters, one.parameters, 1e-12)
    assert other.weights[0].tobytes() == frozen.tobytes()


def test_ranks_follow_the_same_rates(draw_problem):
    """Two of them follow some of the numbers each, which begin and end amid weights and biases."""
    _, x, y = draw_problem((5, 7, 3), 48)
    options = {"epochs": 2, "batch_size": 12, "blocks": 2, "rates": [(0.5, 0), (1.5, 0.25)]}

    def fitted(comm=None):
        net = cr.Network((5, 7, 3), seed=1, dtype="float64")
        rows = (x, y) if comm is None else shard(comm, x, y)
        net.fit(*rows, optimizer=cr.Adam(0.01, epsilon=EPSILONS), comm=comm, **options)
        return net.parameters.tobytes()

    assert together(2, fitted) == [fitted()] * 2


def test_files_keep_an_epsilon_by_layer(draw_problem, tmp_path):
    net, x, y = draw_problem((5, 7, 3), 47)
    rule = cr.Adam(0.01, epsilon=np.array(EPSILONS))
    assert rule.epsilon == tuple(EPSILONS)
    assert rule == cr.Adam(0.01, epsilon=EPSILONS)
    net.fit(x, y, optimizer=rule, epochs=1)
    net.save(tmp_path / "net.npz")
    again = cr.load(tmp_path / "net.npz")
    assert again.optimizer == rule
    assert hash(again.optimizer) == hash(rule)
    for each in (net, again):
        each.fit(x, y, epochs=1)
    assert again.parameters.tobytes() == net.parameters.tobytes()


@pytest.mark.parametrize(
    "rates", [[(1, 0.5), 0], np.array(RATES), [np.float32(0.5), (np.float64(1), 0)]]
)
def test_checkpoints_keep_them(draw_problem, tmp_path, rates):
    whole, x, y = draw_problem((5, 7, 3), 47)
    part, _, _ = draw_problem((5, 7, 3), 47)
    options = {"optimizer": cr.Adam(0.01, epsilon=EPSILONS), "rates": rates}
    whole.fit(x, y, **options, epochs=4)
    part.fit(x, y, **options, epochs=2, callbacks=cr.Checkpoint(tmp_path / "run.npz"))
    given = {} if isinstance(rates, list) and isinstance(rates[0], tuple) else {"rates": rates}
    cr.resume(tmp_path / "run.npz", x, y, epochs=4, **given)
    again = cr.load(tmp_path / "run.npz")
    assert again.parameters.tobytes() == whole.parameters.tobytes()


def test_the_scaled_form_is_trained_as_the_plain_one(draw_problem):
    """z = V x/√d + b by Adam is z = W x + b, W = V/√d, by Adam at rate η/√d and with ε√d."""
    plain, x, y = draw_problem((16, 3), 40, output="identity")
    V, b, at, eta, epsilon = 4 * plain.weights[0], plain.biases[0].copy(), {}, 0.05, 1e-3
    for t in range(1, 11):
        delta = (x @ V.T / 4 + b - y) / len(x)
        for name, w, g in (("V", V, delta.T @ x / 4), ("b", b, delta.sum(axis=0))):
            s, r = at.get(name, (0, 0))
            s, r = at[name] = 0.9 * s + 0.1 * g, 0.999 * r + 0.001 * g**2
            w -= eta * s / (1 - 0.9**t) / (np.sqrt(r / (1 - 0.999**t)) + epsilon)
    rule = cr.Adam(eta, epsilon=[(4 * epsilon, epsilon)])
    plain.fit(x, y, optimizer=rule, rates=[(1 / 4, 1)], epochs=10, batch_size=40)
    assert_close(plain.weights[0], V / 4, 1e-12)
    assert_close(plain.biases[0], b, 1e-12)


REFUSED = {
    "a number": (0.5, TypeError, "rates must be a list"),
    "a word": ("half", TypeError, "rates must be a list"),
    "none": ([], TypeError, "rates must be a list"),
    "too few": ([(1, 1)], ValueError, "2 here; got 1"),
    "too many": ([1, 1, 1], ValueError, "2 here; got 3"),
    "negative": ([(1, -1), 1], ValueError, r"rates\[0\]\[1\] must be a number, 0 or more; got -1"),
    "not finite": ([1, float("nan")], ValueError, r"rates\[1\] must be"),
    "three": ([(1, 1, 1), 1], ValueError, r"rates\[0\] must be a pair"),
    "no number": ([(1, "1"), 1], TypeError, r"rates\[0\]\[1\] must be"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_refused_changes_nothing(draw_problem, given):
    rates, error, message = REFUSED[given]
    net, x, y = draw_problem((5, 7, 3), 47)
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(x, y, optimizer=cr.SGD(), rates=rates)
    with pytest.raises(error, match=message):
        net.trainer(cr.SGD(), rates=rates)
    assert net.parameters.tobytes() == before.tobytes()
    assert net.epochs_trained == 0


def test_refusals_of_epsilon_and_of_optimisers(draw_problem):
    net, x, y = draw_problem((5, 7, 3), 47, dtype="float32")
    with pytest.raises(ValueError, match=r"epsilon\[1\] must be a positive number; got 0"):
        cr.Adam(epsilon=[(1, 1), 0])
    with pytest.raises(TypeError, match="epsilon must be a positive number"):
        cr.Adam(epsilon="small")
    with pytest.raises(ValueError, match="2 here; got 1"):
        net.fit(x, y, optimizer=cr.Adam(epsilon=[1e-8]))
    with pytest.raises(ValueError, match="must not vanish in float32"):
        net.fit(x, y, optimizer=cr.Adam(epsilon=[1e-8, (1e-8, 1e-50)]))
    with pytest.raises(ValueError, match="rates cannot be used with LBFGS"):
        net.fit(x, y, optimizer=cr.LBFGS(), rates=[1, 1])
    with pytest.raises(ValueError, match=r"0 \(frozen\) or 1 with Rprop"):
        net.fit(x, y, optimizer=cr.Rprop(), rates=[1, 0.5])
