"""Penalties, limits, averaged parameters and sample weights, against a replay in NumPy."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.core import _core
from optimizer_cases import compare
from optimizer_oracle import Replay
from oracle import assert_close

DTYPES = ["float32", "float64"]
RULES = ["SGD", "SGD nesterov", "Adam", "AdamW decay"]
OPTIONS = {
    "l1": {"l1": 0.02},
    "l2": {"l2": 0.2},
    "l2_of_batch": {"l2_of_batch": 2.0},
    "max_norm": {"max_norm": 0.8},
    "clip_norm": {"clip_norm": 0.05},
    "clip_value": {"clip_value": 0.02},
    "average": {"average": 0.95},
    "all": {
        "l1": 0.01, "l2": 0.1, "l2_of_batch": 1.0, "max_norm": 0.9, "clip_norm": 0.05,
        "clip_value": 0.02, "average": 0.8,
    },
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", OPTIONS)
@pytest.mark.parametrize("case", RULES)
def test_penalties_and_limits(draw_problem, case, given, dtype):
    compare(draw_problem, case, dtype, **OPTIONS[given])


@pytest.mark.parametrize("given", OPTIONS)
def test_in_tiles(draw_problem, given):
    """1101 rows are three tiles, whose gradients are added before they are limited."""
    compare(draw_problem, "SGD", "float64", rows=1101, batch_size=1101, **OPTIONS[given])


def fitted(draw_problem, **options):
    net, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    settings = {"optimizer": cr.SGD(0.3), "epochs": 5, "batch_size": 10, "shuffle": False}
    net.fit(x, y, **settings | options)
    return net


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in ("average", "all")])
def test_each_makes_a_difference(draw_problem, name):
    plain = fitted(draw_problem).parameters
    assert np.abs(fitted(draw_problem, **OPTIONS[name]).parameters - plain).max() > 1e-3


def test_limits_that_are_not_reached_change_nothing(draw_problem):
    loose = {"clip_norm": 1e9, "clip_value": 1e9, "max_norm": 1e9}
    free, limited = fitted(draw_problem), fitted(draw_problem, **loose)
    # plain SGD updates without a gradient of its own, and rounds otherwise
    assert_close(limited.parameters, free.parameters, 1e-14)
    momentum = {"optimizer": cr.SGD(0.3, momentum=0.5)}
    free, limited = fitted(draw_problem, **momentum), fitted(draw_problem, **momentum, **loose)
    assert limited.parameters.tobytes() == free.parameters.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_no_longer_than_max_norm(draw_problem, dtype):
    net, x, y = draw_problem((5, 40, 3), 47, dtype=dtype)
    biases = np.concatenate(net.biases)
    net.fit(x, y, optimizer=cr.SGD(1e-9), epochs=1, max_norm=0.5)
    lengths = np.concatenate([np.linalg.norm(w.astype(float), axis=1) for w in net.weights])
    assert lengths.max() <= 0.5 * (1 + 4 * np.finfo(dtype).eps)
    assert (lengths > 0.499).sum() > 10
    np.testing.assert_allclose(np.concatenate(net.biases), biases, atol=1e-6)  # not limited


def test_l1_makes_weights_small(draw_problem):
    sizes = [np.abs(fitted(draw_problem, l1=l1).weights[0]).sum() for l1 in (0, 0.01, 0.05)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_a_step_is_no_longer_than_clip_norm(draw_problem):
    net, x, y = draw_problem((5, 7, 3), 47, output="identity")
    before = net.parameters.copy()
    net.fit(1000 * x, 1000 * y, optimizer=cr.SGD(0.5), epochs=1, batch_size=47, clip_norm=0.01)
    assert np.linalg.norm(net.parameters - before) == pytest.approx(0.005, rel=1e-9)


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e15), ("float64", 1e154)])
def test_a_gradient_whose_squares_overflow_has_its_step_all_the_same(dtype, size):
    """∂C/∂w = -yx, of which the squares are beyond the numbers of the dtype."""
    net = cr.Network([3, 1], output="identity", init="zeros", bias=False, dtype=dtype, seed=0)
    x, y = np.array([[1.0, -2.0, 2.0]]) * size, np.array([1e6 if dtype == "float32" else 1e10])
    net.fit(x, y, optimizer=cr.SGD(0.5), epochs=1, batch_size=1, clip_norm=0.01)
    np.testing.assert_allclose(net.parameters, 0.005 * np.array([1.0, -2.0, 2.0]) / 3, rtol=1e-6)


def test_the_cost_is_without_penalties(draw_problem):
    net, x, y = draw_problem((5, 7, 3), 47)
    expected = net.evaluate(x, y)["cost"]
    history = net.fit(x, y, epochs=1, batch_size=47, l1=1.0, l2=1.0)
    assert history.cost[0] == pytest.approx(expected, rel=1e-12)


# ---------------------------------------------------------------- the average


def test_averaged_returns_the_network_with_the_average(draw_problem):
    net = fitted(draw_problem, average=0.9)
    averaged = net.averaged()
    np.testing.assert_array_equal(averaged.parameters, net.optimizer_state["average"])
    assert (averaged.parameters != net.parameters).any()
    assert averaged.optimizer_state == {}
    assert (averaged.sizes, averaged.seed) == (net.sizes, net.seed)
    averaged.parameters[:] = 0
    assert net.optimizer_state["average"].all()


def test_there_is_no_average_unless_asked(draw_problem):
    with pytest.raises(ValueError, match="no average: keep one with fit"):
        fitted(draw_problem).averaged()


# ---------------------------------------------------------------- sample weights


def weights_for(rows, seed=1):
    """Some 0, some large, and two mini-batches of ten with nothing but 0."""
    weights = np.random.default_rng(seed).choice([0, 0.25, 1, 3.5], size=rows)
    weights[10:20] = 0
    weights[40:] = 0
    return weights


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options",
    [{}, {"l1": 0.01, "l2": 0.1}, {"l2": 0.1, "l2_of_batch": 2.0}, {"clip_norm": 0.05}],
    ids=["plain", "penalties", "of batch", "clipped"],
)
@pytest.mark.parametrize("case", ["SGD", "SGD momentum", "Adam", "RMSprop"])
def test_weighted_mini_batches(draw_problem, case, options, dtype):
    compare(draw_problem, case, dtype, weights=weights_for(47), **options)


def test_weights_in_tiles(draw_problem):
    weights = np.random.default_rng(0).random(1101)
    compare(draw_problem, "SGD", "float64", rows=1101, batch_size=1101, epochs=3, weights=weights)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_weights_are_shuffled_with_their_rows(draw_problem, name):
    net, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    twin = draw_problem((5, 7, 3), 47, hidden="tanh")[0]
    weights, replay = np.random.default_rng(0).random(47), Replay(twin, name)
    order = np.empty(47, np.int32)
    for epoch in range(3):
        _core.shuffled(47, net.seed, epoch, order)
        rates = itertools.repeat(0.05)
        replay.epoch(x[order], y[order], 10, rates, weights=weights[order])
    rule = getattr(cr, name)(0.05)
    net.fit(x, y, optimizer=rule, epochs=3, batch_size=10, sample_weight=weights)
    assert_close(net.parameters, twin.parameters, 1e-12)


FULL = {"optimizer": cr.SGD(0.3), "epochs": 6, "shuffle": False}


def trained(draw_problem, x, y, **options):
    net, _, _ = draw_problem((5, 7, 3), 47, hidden="tanh")
    history = net.fit(x, y, batch_size=len(x), record="layers", **FULL | options)
    return net, history


@pytest.mark.parametrize("rule", [cr.SGD(0.3), cr.Adam(0.01)], ids=["SGD", "Adam"])
def test_in_full_batch_a_weight_of_k_is_k_times_the_row(draw_problem, rule):
    _, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    times = np.random.default_rng(0).integers(0, 4, size=47)
    options = {"optimizer": rule}
    net, history = trained(draw_problem, x, y, sample_weight=times, **options)
    x_times, y_times = np.repeat(x, times, axis=0), np.repeat(y, times, axis=0)
    other, expected = trained(draw_problem, x_times, y_times, **options)
    assert_close(net.parameters, other.parameters, 1e-11)
    assert_close(history.cost, expected.cost, 1e-12)
    doubled, _ = trained(draw_problem, x, y, sample_weight=2 * times, **options)
    assert_close(doubled.parameters, net.parameters, 1e-12)
    got, wanted = net.evaluate(x, y, sample_weight=times), net.evaluate(x_times, y_times)
    assert got == {"cost": pytest.approx(wanted["cost"], rel=1e-12)}


def test_what_is_recorded_of_layers_counts_by_weight(draw_problem):
    """Of so few rows all are looked at."""
    _, x, y = draw_problem((5, 7, 3), 8, hidden="tanh")
    times = np.array([3, 0, 1, 5, 2, 2, 1, 4])
    _, history = trained(draw_problem, x, y, sample_weight=times)
    x_times, y_times = np.repeat(x, times, axis=0), np.repeat(y, times, axis=0)
    _, expected = trained(draw_problem, x_times, y_times)
    assert_close(history.delta_norms, expected.delta_norms, 1e-11)


def test_rows_of_weight_0_might_as_well_be_absent(draw_problem):
    _, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    weights = np.ones(47)
    weights[::3] = 0
    x_spoiled = np.where(weights[:, None] == 0, 7.0, x)
    net, history = trained(draw_problem, x_spoiled, y, sample_weight=weights)
    other, expected = trained(draw_problem, x[weights > 0], y[weights > 0])
    assert_close(net.parameters, other.parameters, 1e-12)
    assert_close(history.cost, expected.cost, 1e-12)


def test_weights_of_one_are_no_weights(draw_problem):
    _, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    options = {"batch_size": 10, "record": "layers", **FULL, "shuffle": True}
    nets = [draw_problem((5, 7, 3), 47, hidden="tanh")[0] for _ in range(2)]
    plain = nets[0].fit(x, y, **options)
    weighted = nets[1].fit(x, y, sample_weight=np.ones(47, int), **options)
    assert_close(nets[1].parameters, nets[0].parameters, 1e-13)
    assert_close(weighted.cost, plain.cost, 1e-13)
    assert_close(weighted.delta_norms, plain.delta_norms, 1e-12)


def test_the_cost_of_an_epoch_is_the_weighted_mean(draw_problem):
    net, x, y = draw_problem((5, 7, 3), 47)
    weights = weights_for(47)
    costs = np.array([net.evaluate(x[i : i + 1], y[i : i + 1])["cost"] for i in range(47)])
    history = net.fit(x, y, optimizer=cr.SGD(1e-300), epochs=1, sample_weight=weights)
    assert history.cost[0] == pytest.approx(weights @ costs / weights.sum(), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [47, 1101])
def test_weighted_evaluation(dtype, rows):
    rng = np.random.default_rng(0)
    x, labels, weights = rng.normal(size=(rows, 4)), rng.integers(3, size=rows), rng.random(rows)
    options = {"output": "softmax", "cost": "log_likelihood", "dtype": dtype, "seed": 0}
    net = cr.Network((4, 6, 3), **options)
    right = net(x).argmax(axis=1) == labels
    assert 0 < right.mean() < 1
    p = net(x)[np.arange(rows), labels].astype(float)
    got = net.evaluate(x, labels, sample_weight=weights)
    assert got["accuracy"] == pytest.approx(weights @ right / weights.sum(), rel=1e-6)
    assert got["cost"] == pytest.approx(weights @ -np.log(p) / weights.sum(), rel=1e-5)
    everything = net.evaluate(x, net(x).argmax(axis=1), sample_weight=weights)
    assert everything["accuracy"] == 1


# ---------------------------------------------------------------- class weights


def labelled():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)), rng.choice(4, p=[0.1, 0.6, 0.3, 0.0], size=60)


def classes(y, n_out=4, **options):
    """Parameters after training on the four classes."""
    x, _ = labelled()
    net = cr.Network((4, 6, n_out), dtype="float64", seed=0)
    net.fit(x, y, optimizer=cr.SGD(0.5), epochs=3, batch_size=13, **options)
    return net.parameters


def test_class_weights_are_sample_weights():
    _, y = labelled()
    by_class = np.array([2.0, 1.0, 0.5, 1.0])
    got = classes(y, class_weight={0: 2, np.int64(2): np.float32(0.5)})
    np.testing.assert_array_equal(got, classes(y, sample_weight=by_class[y]))
    np.testing.assert_array_equal(got, classes(np.eye(4)[y], class_weight={0: 2, 2: 0.5}))
    assert (got != classes(y)).any()


def test_balanced_classes():
    """k is the number of classes that occur: three of four."""
    _, y = labelled()
    counts = [np.sum(y == c) for c in range(4)]
    assert counts[3] == 0
    assert len({*counts}) == 4
    expected = np.array([60 / (3 * counts[c]) for c in y])
    got = classes(y, class_weight="balanced")
    np.testing.assert_array_equal(got, classes(y, sample_weight=expected))


def test_both_weights_are_multiplied():
    _, y = labelled()
    own = np.random.default_rng(1).random(60)
    got = classes(y, class_weight={1: 0.25}, sample_weight=own)
    expected = own * np.where(y == 1, 0.25, 1)
    np.testing.assert_array_equal(got, classes(y, sample_weight=expected))


def test_a_single_output_has_two_classes():
    _, y = labelled()
    y = (y == 1).astype(float)
    got = classes(y, n_out=1, class_weight={1: 3.0})
    expected = classes(y, n_out=1, sample_weight=1 + 2 * y)
    np.testing.assert_array_equal(got, expected)


# ---------------------------------------------------------------- refused

X, Y = labelled()
NOT_NEGATIVE, POSITIVE = "0 or more", "positive"
BAD = [
    *[({name: value}, ValueError, [name, NOT_NEGATIVE])
      for name in ("l1", "l2") for value in (-1, np.nan, np.inf)],
    *[({name: value}, ValueError, [name, POSITIVE])
      for name in ("max_norm", "clip_norm", "clip_value") for value in (0, -1, np.nan, np.inf)],
    *[({name: value}, TypeError, [name, "number"])
      for name in ("l1", "max_norm", "clip_norm", "clip_value") for value in ("1", [1], True, 1j)],
    *[({"average": value}, ValueError, ["average", "0 < average < 1"])
      for value in (0, 1, -0.5, np.nan)],
    ({"average": True}, TypeError, ["average", "True"]),
    ({"average": "0.9"}, TypeError, ["average", "'0.9'"]),
    ({"sample_weight": np.ones(59)}, ValueError, ["sample_weight", "(60,)", "(59,)"]),
    ({"sample_weight": np.ones((60, 1))}, ValueError, ["sample_weight", "(60, 1)"]),
    ({"sample_weight": 1.0}, ValueError, ["sample_weight", "()"]),
    ({"sample_weight": -np.ones(60)}, ValueError, ["sample_weight[0]", "negative", "-1"]),
    ({"sample_weight": np.zeros(60)}, ValueError, ["weights", "all", "0"]),
    ({"sample_weight": np.full(60, np.nan)}, ValueError, ["sample_weight", "finite", "nan"]),
    ({"sample_weight": np.full(60, np.inf)}, ValueError, ["sample_weight", "finite", "inf"]),
    ({"sample_weight": ["a"] * 60}, TypeError, ["sample_weight", "real numbers"]),
    ({"class_weight": "even"}, TypeError, ["class_weight", "'balanced'", "'even'"]),
    ({"class_weight": [1, 1, 1, 1]}, TypeError, ["class_weight", "dict", "[1, 1, 1, 1]"]),
    ({"class_weight": {4: 1.0}}, ValueError, ["class_weight", "from 0 to 3", "4"]),
    ({"class_weight": {-1: 1.0}}, ValueError, ["class_weight", "from 0 to 3", "-1"]),
    ({"class_weight": {"a": 1.0}}, TypeError, ["class_weight", "'a'"]),
    ({"class_weight": {1.0: 1.0}}, TypeError, ["class_weight", "1.0"]),
    ({"class_weight": {0: -1}}, ValueError, ["class_weight[0]", NOT_NEGATIVE]),
    ({"class_weight": {0: np.nan}}, ValueError, ["class_weight[0]", NOT_NEGATIVE]),
    ({"class_weight": {0: "1"}}, TypeError, ["class_weight[0]", "'1'"]),
    ({"class_weight": dict.fromkeys(range(4), 0)}, ValueError, ["weights", "all", "0"]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "exception", "fragments"), BAD)
def test_bad_options(given, exception, fragments):
    net = cr.Network((4, 6, 4), seed=0)
    net.fit(X, Y, optimizer=cr.Adam(), epochs=1)
    history, state, before = net.history, net.optimizer_state, net.parameters.tobytes()
    with pytest.raises(exception) as caught:
        net.fit(X, Y, **given)
    message = str(caught.value)
    assert not [fragment for fragment in fragments if fragment not in message], message
    assert net.history is history
    assert net.optimizer_state is state
    assert (net.parameters.tobytes(), net.epochs_trained) == (before, 1)


def test_class_weights_need_classes():
    net = cr.Network((4, 2), seed=0)
    with pytest.raises(ValueError, match="class_weight needs targets that are classes"):
        net.fit(X, np.full((60, 2), 0.5), class_weight="balanced")


@pytest.mark.parametrize("given", [np.zeros(60), -np.ones(60), np.ones(3), "no"])
def test_bad_weights_of_an_evaluation(given):
    with pytest.raises((ValueError, TypeError), match="weight"):
        cr.Network((4, 6, 4), seed=0).evaluate(X, Y, sample_weight=given)


# ---------------------------------------------------------------- l2_of_batch


def test_l2_of_batch_goes_by_the_number_of_samples(draw_problem):
    """Of 47 samples, in mini-batches of ten and one of seven."""
    net, x, y = draw_problem((5, 7, 3), 47)
    twin = net.copy()
    net.fit(x, y, optimizer=cr.SGD(0.3), epochs=1, batch_size=10, shuffle=False, l2_of_batch=1.5)
    for start in range(0, 47, 10):
        part = slice(start, start + 10)
        twin.fit(x[part], y[part], optimizer=cr.SGD(0.3), epochs=1, batch_size=10, shuffle=False,
                 l2=1.5 / len(x[part]))  # fmt: skip
    assert net.parameters.tobytes() == twin.parameters.tobytes()


@pytest.mark.parametrize("power", [-900, 10, 900])
@pytest.mark.parametrize(
    "rule", [cr.SGD(0.1), cr.Adam(0.01), cr.LBFGS()], ids=["SGD", "Adam", "LBFGS"]
)
def test_a_factor_of_the_weights_counts_beside_l2_of_batch(draw_problem, rule, power):
    """It goes by what the weights are, not by what is kept of them once a power of two is out."""
    weights, options = np.random.default_rng(0).random(47), {"optimizer": rule, "epochs": 3}
    nets = [draw_problem((5, 7, 3), 47, hidden="tanh")[0] for _ in range(3)]
    _, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    nets[0].fit(x, y, sample_weight=weights, l2_of_batch=2.0, **options)
    larger = weights * 2.0**power
    nets[1].fit(x, y, sample_weight=larger, l2_of_batch=2.0 ** (power + 1), **options)
    nets[2].fit(x, y, sample_weight=4 * weights, l2_of_batch=2.0, **options)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    assert np.abs(nets[2].parameters - nets[0].parameters).max() > 1e-4


@pytest.mark.parametrize("sparse", [False, True])
def test_l2_of_batch_goes_by_the_weights_of_each_batch_that_comes(draw_problem, sparse):
    scipy = pytest.importorskip("scipy.sparse")
    net, x, y = draw_problem((5, 7, 3), 47, hidden="tanh")
    twin, options = net.copy(), {"optimizer": cr.Adam(0.01), "l2_of_batch": 1.0}
    weights = np.ldexp(np.random.default_rng(0).random(47), np.repeat([3, -4, 0, 60, -60], 10)[:47])
    x = scipy.csr_matrix(x) if sparse else x
    parts = [slice(start, start + 10) for start in range(0, 47, 10)]
    net.fit([(x[p], y[p], weights[p]) for p in parts], epochs=2, **options)
    twin.fit(x, y, sample_weight=weights, batch_size=10, shuffle=False, epochs=2, **options)
    assert_close(net.parameters, twin.parameters, 1e-13)


@pytest.mark.parametrize("way", ["arrays", "lists", "derivatives", "sparse"])
def test_single_steps_know_the_weights_of_l2_of_batch(draw_problem, way):
    """Whether the core reads them or Python does."""
    scipy = pytest.importorskip("scipy.sparse")
    net, x, y = draw_problem((5, 7, 3), 10, hidden="tanh", output="identity")
    twin, weights = net.copy(), 100 * np.random.default_rng(0).random(10)
    trainer = net.trainer(cr.SGD(0.1), l2_of_batch=20.0)
    given = {"y": y}
    if way == "derivatives":
        given = {"output_gradient": net(x) - y}
    elif way == "lists":
        x, given, weights = x.tolist(), {"y": y.tolist()}, weights.tolist()
    elif way == "sparse":
        x = scipy.csr_matrix(x)
    trainer.step(x, **given, sample_weight=weights)
    twin.fit(x, y, sample_weight=weights, optimizer=cr.SGD(0.1), epochs=1, shuffle=False,
             l2=20.0 / np.sum(weights))  # fmt: skip
    assert_close(net.parameters, twin.parameters, 1e-13)
    with pytest.raises(ValueError, match="does not say what l2_of_batch goes by"):
        trainer.apply(np.zeros(net.parameters.size))


@pytest.mark.parametrize("rule", [cr.LBFGS(), cr.LevenbergMarquardt()], ids=["LBFGS", "LM"])
def test_of_all_samples_it_is_an_l2(draw_problem, rule):
    _, x, y = draw_problem((5, 7, 3), 47, hidden="tanh", output="identity")
    weights = np.random.default_rng(0).random(47)
    for given, total in (({}, 47), ({"sample_weight": weights}, weights.sum())):
        nets = [draw_problem((5, 7, 3), 47, hidden="tanh", output="identity")[0] for _ in range(2)]
        for net, options in zip(nets, ({"l2_of_batch": 2.0}, {"l2": 2.0 / total}), strict=True):
            net.fit(x, y, optimizer=rule, epochs=5, **given, **options)
        assert_close(nets[0].parameters, nets[1].parameters, 1e-9)
