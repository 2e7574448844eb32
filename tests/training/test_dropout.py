"""Dropout: its masks replayed from their definition, and steps with them in plain NumPy."""

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
import oracle
from chainrule.core import _core
from oracle import assert_close
from philox import MASK, philox


def test_philox_is_that_of_the_core():
    counters = np.random.default_rng(0).integers(2**32, size=(4, 5), dtype=np.uint64)
    words = philox(counters, (123, 2**32 - 1))
    for i in range(5):
        assert [int(w[i]) for w in words] == list(
            _core.philox(counters[:, i].tolist(), (123, 2**32 - 1))
        )


def draw_mask(shape, p, seed, epoch, first):
    """The mask of a layer in a tile of m rows, (m, n_l), from block number `first` on.

    64 blocks of four words make 512 numbers of 16 bits: the low halves of the first words of all
    blocks, of the second words, ...; then the high halves.
    """
    n = shape[0] * shape[1]
    groups = -(-n // 512)
    block = np.uint64(first) + np.arange(64 * groups, dtype=np.uint64)
    stream = np.uint64(epoch) | np.uint64(2**63)
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = (block & low, block >> shift, stream & low * np.ones_like(block), stream >> shift)
    counter = [np.broadcast_to(word, block.shape) for word in counter]
    words = np.array(philox(counter, (seed & MASK, seed >> 32)))  # (4, 64 groups)
    words = words.reshape(4, groups, 64).swapaxes(0, 1).reshape(groups, 256)
    bits = np.concatenate([words & np.uint64(0xFFFF), words >> np.uint64(16)], axis=1).ravel()[:n]
    limit = int(p * 65536 + 0.5)
    return np.where(bits < limit, 0.0, 65536 / (65536 - limit)).reshape(shape)


def masks(net, p, epoch, row, m):
    """The masks of all hidden layers for the m rows of a tile that begins at `row` of an epoch."""
    hidden, units, before, found = net.sizes[1:-1], sum(net.sizes[1:]), 0, []
    for n, each in zip(hidden, p, strict=True):
        first = 64 * (row * units + m * before)
        found.append(draw_mask((m, n), each, net.seed, epoch, first) if each else np.ones((m, n)))
        before += n
    return found


def gradient(twin, x, y, tile_masks):
    """∂C/∂W and ∂C/∂b summed over the rows, with a^l ⊙ M^l in the place of a^l."""
    a, zs, kept = x, [], [x]
    for i, name in enumerate(twin.activations):
        zs.append(oracle.weighted_input(twin.weights[i], twin.biases[i], a))
        a = oracle.activate(name, zs[-1])
        if i < len(tile_masks):
            a = a * tile_masks[i]
            kept.append(a)
    delta = oracle.bp1(zs[-1], y, twin.output, twin.cost)
    cost = oracle.COST[twin.cost](zs[-1], a, y).sum()
    nabla_w, nabla_b = [], []
    for i in reversed(range(len(zs))):
        nabla_w.insert(0, delta.T @ kept[i])
        nabla_b.insert(0, delta.sum(axis=0))
        if i:
            back = (delta @ twin.weights[i]) * tile_masks[i - 1]
            delta = oracle.pull_back(twin.hidden[i - 1], zs[i - 1], back)
    return nabla_w, nabla_b, cost


def tiles(start, end):
    """Where the tiles of a mini-batch begin and end.

    There is one of up to 512 samples, else 4, 8 or 16, of up to 256, else a multiple of 16, of up
    to 512. They share the samples evenly, in whole 32s.
    """
    m = end - start
    few = (n for n, most in ((1, 512), (4, 1024), (8, 2048), (16, 8192)) if m <= most)
    number = next(few, -(-m // 8192) * 16)
    places = [start + min(m, 32 * (-(-m // 32) * i // number)) for i in range(number + 1)]
    return list(pairwise(places))


def train(net, x, y, p, *, epochs, batch_size, rate, momentum, shuffle=True):
    """What `fit` should do, in float64; returns the trained copy and the costs."""
    twin, m = oracle.copy_of(net), len(x)
    v = [np.zeros_like(w) for w in (*twin.weights, *twin.biases)]
    costs, order = [], np.arange(m, dtype=np.int32)
    for epoch in range(net.epochs_trained, net.epochs_trained + epochs):
        if shuffle:
            _core.shuffled(m, net.seed, epoch, order)
        seen = 0.0
        for start in range(0, m, batch_size):
            end = min(start + batch_size, m)
            total = [0.0] * len(v)
            for row, next_row in tiles(start, end):
                rows = order[row:next_row]
                drawn = masks(net, p, epoch, row, len(rows))
                nabla_w, nabla_b, cost = gradient(twin, x[rows], y[rows], drawn)
                total = [t + g for t, g in zip(total, nabla_w + nabla_b, strict=True)]
                seen += cost
            for i, g in enumerate(total):
                v[i] = momentum * v[i] - rate * g / (end - start)
            for i in range(len(twin.weights)):
                twin.weights[i] = twin.weights[i] + v[i]
                twin.biases[i] = twin.biases[i] + v[len(twin.weights) + i]
        costs.append(seen / m)
    return twin, costs


def assert_same(net, twin, tolerance):
    for got, expected in zip(net.weights + net.biases, twin.weights + twin.biases, strict=True):
        assert_close(got, expected, tolerance)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("hidden", ["tanh", "relu"])
@pytest.mark.parametrize(
    ("rows", "batch_size"), [(47, 10), (1301, 1301), (1301, 700), (8500, 8500)],
    ids=["mini-batches", "tiles", "batches above a tile", "groups of tiles"],
)  # fmt: skip
def test_steps(draw_problem, hidden, momentum, rows, batch_size):
    net, x, y = draw_problem((5, 17, 12, 3), rows, hidden=hidden)
    net.seed = 2**40 + 7
    p = [0.5, 0.2]
    rule = {"epochs": 3, "batch_size": batch_size}
    twin, costs = train(net, x, y, p, rate=0.05, momentum=momentum, **rule)
    optimizer = cr.SGD(0.05, momentum=momentum)
    history = net.fit(x, y, optimizer=optimizer, dropout=p, **rule)
    assert_same(net, twin, 1e-11)
    assert_close(history.cost, costs, 1e-11)
    # it goes on with the epochs to come
    twin, _ = train(net, x, y, p, rate=0.05, momentum=0.0, **rule)
    net.fit(x, y, optimizer=cr.SGD(0.05), dropout=p, **rule)
    assert_same(net, twin, 1e-11)


def test_steps_in_float32(draw_problem):
    net, x, y = draw_problem((5, 17, 12, 3), 47, hidden="tanh", dtype="float32")
    twin, _ = train(net, x, y, [0.5, 0.0], epochs=3, batch_size=10, rate=0.1, momentum=0.9)
    net.fit(x, y, optimizer=cr.SGD(0.1, momentum=0.9), dropout=[0.5, 0.0], epochs=3, batch_size=10)
    assert_same(net, twin, 1e-4)


@pytest.mark.parametrize("p", [0.01, 0.25, 0.5, 0.9])
def test_the_share_that_is_dropped(p):
    """W^3 = 1 and a^2 = 1, so the output counts what is kept; nothing moves as η is tiny."""
    n, m = 100, 2000
    net = cr.Network([1, n, 1], hidden="identity", output="identity", dtype="float64", seed=5)
    net.weights[0][:], net.biases[0][:] = 0, 1
    net.weights[1][:], net.biases[1][:] = 1, 0
    x, y = np.zeros((m, 1)), np.zeros(m)
    cost = net.fit(x, y, dropout=p, epochs=1, optimizer=cr.SGD(1e-15)).cost[0]
    # C = ½ mean (Σ mask)², and Σ mask has the mean n and the variance n p/(1-p)
    spread = n * p / (1 - p)
    error = 2 * n * np.sqrt(spread / m) + spread * np.sqrt(3 / m)
    assert abs(2 * cost - n**2 - spread) < 4 * error
    drawn = draw_mask((m, n), p, 5, 0, 0)
    share = (drawn == 0).mean()
    assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / drawn.size)
    assert np.unique(drawn[drawn > 0]) == pytest.approx(1 / (1 - p), rel=1e-3)


def trained(epochs, x, y, dropout=0.3, seed=1, **options):
    net = cr.Network([5, 17, 9, 3], hidden="tanh", seed=seed)
    optimizer = cr.SGD(0.2, momentum=0.9)
    for number in epochs:
        net.fit(x, y, optimizer=optimizer, dropout=dropout, epochs=number, batch_size=10, **options)
    return net


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(53, 5)), rng.integers(3, size=53)


def test_the_same_bits_for_any_division_of_the_epochs(data, tmp_path):
    once = trained([12], *data).parameters.tobytes()
    assert trained([5, 7], *data).parameters.tobytes() == once
    assert trained([12], *data, callbacks=lambda net, history: None).parameters.tobytes() == once
    half = trained([5], *data)
    half.save(tmp_path / "half.npz")
    loaded = cr.load(tmp_path / "half.npz")
    optimizer = cr.SGD(0.2, momentum=0.9)
    loaded.fit(*data, optimizer=optimizer, dropout=0.3, epochs=7, batch_size=10)
    assert loaded.parameters.tobytes() == once


def test_no_dropout_has_the_bits_of_none(data):
    none = trained([3], *data, dropout=0.0).parameters.tobytes()
    assert trained([3], *data, dropout=[0, 0.0]).parameters.tobytes() == none
    assert trained([3], *data, dropout=[0, 0.1]).parameters.tobytes() != none


def test_a_seed_decides_the_masks(data):
    """One initialisation, one order of rows; only what is dropped differs."""
    x, y = data

    def after(seed):
        net = cr.Network([5, 17, 3], init="zeros", bias=False, seed=seed)
        net.weights[1][:] = 0.1
        net.fit(x, y, dropout=0.5, shuffle=False, epochs=1, batch_size=53)
        return net.parameters.tobytes()

    assert after(1) == after(1)
    assert after(1) != after(2)
    assert after(1) != after(1 + 2**32)


def test_outside_of_training_nothing_is_dropped(data):
    x, y = data
    net = trained([3], x, y, dropout=0.5)
    twin, rows = oracle.copy_of(net), oracle.one_hot(y, 3)
    nabla_w, _, cost = oracle.backprop(twin, x, rows)
    assert_close(net.feedforward(x), oracle.feedforward(twin, x)[1][-1], 1e-5)
    assert net.evaluate(x, y)["cost"] == pytest.approx(cost, rel=1e-5)
    assert_close(net.backprop(x, y).weights[0], nabla_w[0], 1e-5)
    history = net.fit(x, y, dropout=0.5, epochs=1, validation_data=(x, y))
    assert history.validation_cost[0] == net.evaluate(x, y)["cost"]


def test_other_options_work_with_it(data):
    """Against plain training, which other tests hold to its definitions: something changes."""
    options = {
        "record": ["layers", "gradients"],
        "sample_weight": np.linspace(0, 1, 53),
        "clip_norm": 1.0,
        "max_norm": 1.5,
        "average": 0.9,
    }
    net, plain = trained([4], *data, **options), trained([4], *data, dropout=0.0, **options)
    assert np.isfinite(net.parameters).all()
    assert not np.array_equal(net.parameters, plain.parameters)
    assert net.history.delta_norms.shape == (4, 3)


@pytest.mark.parametrize("p", [-0.1, 1.0, 2, np.nan, [0.1], [0.1, 0.2, 0.3], [0.1, 1.0]])
def test_what_is_no_probability_is_refused(data, p):
    net = trained([1], *data)
    before = net.parameters.tobytes()
    with pytest.raises(ValueError, match="dropout must be"):
        net.fit(*data, dropout=p)
    with pytest.raises(TypeError, match="dropout must be"):
        net.fit(*data, dropout="half")
    assert net.parameters.tobytes() == before


def test_without_a_hidden_layer_there_is_nothing_to_drop(data):
    x, y = data
    net = cr.Network([5, 3], seed=0)
    with pytest.raises(ValueError, match="no hidden layer"):
        net.fit(x, y, dropout=0.5)
    net.fit(x, y, dropout=0.0, epochs=1)


def test_almost_all_may_be_dropped(data):
    net = trained([2], *data, dropout=1 - 1e-9)
    assert np.isfinite(net.parameters).all()
