"""fit(record="layers"): how fast each layer learns, and how much of it is saturated.

About one row in eight is looked at. An epoch of one batch of up to 32 rows is looked at whole, so
that what is recorded there is exact, and the oracle replays it. Where all rows are the same it is
exact in any batch. For other data it is within the error of a sample.
"""

import copy
import pickle

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import SGD
from oracle import assert_close

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # errors of many steps add up
LARGEST_SLOPE = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "identity": 1.0}
RULES = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
}
# Enough to saturate some units, but not all.
STRETCH = {"sigmoid": 5.0, "tanh": 2.0, "relu": 1.0, "identity": 1.0}

pytestmark = pytest.mark.filterwarnings("ignore:softmax learns slowly")
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_hidden = pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
each_pair = pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def recorded(net, x, y, *, learning_rate=0.01, rule=None, **options):
    optimizer = SGD(learning_rate, **(rule or {}))
    return net.fit(x, y, optimizer=optimizer, **{"record": "layers", "shuffle": False, **options})


# ---------------------------------------------------------------- the definitions


class OnTheLimit(Exception):  # noqa: N818 - of the data, not of the code
    """Rounding might decide whether a unit is saturated."""


def saturated(name, z):
    """Where σ'(z) is below a twentieth of its largest value."""
    slopes = oracle.PRIME[name](z) / LARGEST_SLOPE[name]
    distances = np.abs(z) if name == "relu" else np.abs(slopes - 0.05)
    if distances.min() < 1e-5:
        raise OnTheLimit
    return slopes < 0.05


def learning(twin, x, y):
    """‖mean δ^l‖ and the share of saturated units, by layer."""
    zs, _ = oracle.feedforward(twin, x)
    norms = [np.linalg.norm(d.mean(axis=0)) for d in oracle.deltas(twin, zs, y)]
    shares = [
        np.nan if name == "softmax" else saturated(name, z).mean()
        for name, z in zip(twin.activations, zs, strict=True)
    ]
    return norms, shares


def replay(net, x, y, *, epochs, learning_rate=0.01, rule=None):
    """What an epoch of one batch is to record, epoch by epoch, in float64: two (epochs, L-1)."""
    twin, x, y = oracle.copy_of(net), oracle.float64(x), oracle.float64(y)
    options = {"learning_rate": learning_rate, **(rule or {})}
    velocity_w = [np.zeros_like(w) for w in twin.weights]
    velocity_b = [np.zeros_like(b) for b in twin.biases]
    course = []
    for _ in range(epochs):
        course.append(learning(twin, x, y))
        nabla_w, nabla_b, _ = oracle.backprop(twin, x, y)
        for i in range(len(nabla_w)):
            w, v = oracle.step(twin.weights[i], velocity_w[i], nabla_w[i], **options)
            twin.weights[i], velocity_w[i] = w, v
            if net.bias:
                b, v = oracle.step(twin.biases[i], velocity_b[i], nabla_b[i], **options)
                twin.biases[i], velocity_b[i] = b, v
    return tuple(np.array(column) for column in zip(*course, strict=True))


@pytest.fixture
def stretched(draw_problem):
    """draw_problem with larger parameters."""

    def draw(sizes, rows, *, hidden="sigmoid", **options):
        net, x, y = draw_problem(sizes, rows, hidden=hidden, **options)
        net.parameters[...] *= STRETCH[hidden]
        return net, x, y

    return draw


@pytest.fixture
def replayed(stretched):
    """A problem and what training on it is to record: (net, x, y, expected)."""

    def draw(sizes, rows, *, epochs, learning_rate, rule=None, **options):
        for seed in range(20):
            net, x, y = stretched(sizes, rows, seed=seed, **options)
            try:
                how = {"epochs": epochs, "learning_rate": learning_rate, "rule": rule}
                return net, x, y, replay(net, x, y, **how)
            except OnTheLimit:
                continue
        raise AssertionError("no data found with every unit clear of the limit")

    return draw


def assert_recorded(history, expected, dtype):
    norms, shares = expected
    assert history.delta_norms.dtype == history.saturation.dtype == np.float64
    assert history.delta_norms.shape == history.saturation.shape == norms.shape
    for i in range(norms.shape[1]):  # layers apart: the δ of the first may be small
        assert_close(history.delta_norms[:, i], norms[:, i], TOLERANCE[dtype])
    np.testing.assert_allclose(history.saturation, shares, rtol=0, atol=1e-15)


# ---------------------------------------------------------------- exactly


@each_dtype
@each_pair
@each_hidden
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
def test_an_epoch_of_one_small_batch(replayed, hidden, output, cost, bias, dtype):
    names = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    how = {"epochs": 4, "learning_rate": 0.2 if hidden in ("sigmoid", "tanh") else 0.02}
    net, x, y, expected = replayed((5, 16, 9, 3), 20, **how, **names)
    moved = np.abs(np.diff(expected[0], axis=0)).max() / expected[0].max()
    assert moved > 10 * TOLERANCE[dtype], "else which epoch is recorded could not be told"
    if hidden != "identity":
        assert 0 < expected[1][:, :2].mean() < 1
    assert_recorded(recorded(net, x, y, batch_size=20, **how), expected, dtype)


@each_dtype
@each_rule
@pytest.mark.parametrize("rows", [1, 2, 31, 32])
def test_up_to_32_rows_are_all_looked_at(replayed, rows, rule, dtype):
    how = {"epochs": 5, "learning_rate": 0.5, "rule": rule}
    net, x, y, expected = replayed((5, 16, 9, 3), rows, **how, dtype=dtype)
    assert_recorded(recorded(net, x, y, batch_size=1000, **how), expected, dtype)


@each_dtype
@each_rule
@pytest.mark.parametrize("rows", [33, 511, 512, 513, 1100])
def test_of_equal_rows_it_does_not_matter_which_are_looked_at(replayed, rows, rule, dtype):
    """Of more than 512 rows a batch goes through the network in tiles."""
    how = {"epochs": 3, "learning_rate": 0.5, "rule": rule}
    net, x, y, expected = replayed((5, 16, 9, 3), 1, **how, dtype=dtype)
    x, y = np.repeat(x, rows, axis=0), np.repeat(y, rows, axis=0)
    assert_recorded(recorded(net, x, y, batch_size=rows, **how), expected, dtype)


@pytest.mark.parametrize("hidden", oracle.HIDDEN, ids=str)
def test_every_activation(draw_problem, hidden):
    """|σ'| below 0.05 of its largest value, or of 1; over rows spread through a tile too."""
    net, x, y = draw_problem((5, 40, 3), 16, hidden=hidden)
    net.weights[0][...] *= 4
    z = oracle.feedforward(oracle.copy_of(net), x)[0]
    largest = 0.25 if hidden == "sigmoid" else 1.0
    expected = (np.abs(oracle.prime(hidden, z[0])) < 0.05 * largest).mean()
    assert (0 < expected < 1) or oracle.name_of(hidden) in ("identity", "leaky_relu", "softplus")
    history = recorded(net, x, y, learning_rate=1e-12, epochs=1, batch_size=16)
    assert history.saturation[0, 0] == expected
    # Each 16 rows in a row are the same, but in the second half of each tile they are 0.
    tile = np.concatenate([np.tile(x, (16, 1)), np.zeros((256, 5))])
    many = np.tile(tile, (8, 1)), np.tile(y, (256, 1))
    at_0 = (np.abs(oracle.prime(hidden, oracle.float64(net.biases[0]))) < 0.05 * largest).mean()
    history = recorded(net, *many, learning_rate=1e-12, epochs=1, batch_size=512)
    assert history.saturation[0, 0] == pytest.approx((expected + at_0) / 2, rel=1e-12)


@each_dtype
def test_no_hidden_layer(draw_problem, dtype):
    net, x, y = draw_problem((5, 3), 20, hidden=[], output="tanh", dtype=dtype)
    net.parameters[...] *= 2
    expected = replay(net, x, y, epochs=3)
    assert expected[1].any()
    assert_recorded(recorded(net, x, y, epochs=3), expected, dtype)


def test_integer_labels(stretched):
    net, x, _ = stretched((5, 16, 3), 20, output="softmax", cost="log_likelihood")
    labels = np.random.default_rng(0).integers(3, size=20)
    expected = replay(net, x, oracle.one_hot(labels, 3), epochs=3)
    assert_recorded(recorded(net, x, labels, epochs=3), expected, "float64")


def test_the_norm_is_that_of_the_gradient_of_the_biases(draw_problem):
    net, x, y = draw_problem((5, 16, 9, 3), 20)
    expected = [np.linalg.norm(b) for b in net.backprop(x, y).biases]
    assert_close(recorded(net, x, y, epochs=1).delta_norms[0], np.array(expected), 1e-12)


def test_by_hand():
    """z = (10, 0, -10): σ' is 0.00005, 0.25, 0.00005, two of three saturated; δ = a - y."""
    net = chainrule.Network([3, 3], init="zeros", dtype="float64", cost="cross_entropy")
    net.weights[0][...] = np.diag([10.0, 1.0, -10.0])
    got = recorded(net, [[1.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]], epochs=1)
    np.testing.assert_allclose(got.saturation, [[2 / 3]], rtol=1e-15)
    wrong = np.array([np.exp(-10) / (1 + np.exp(-10)), 0.5, np.exp(-10) / (1 + np.exp(-10))])
    np.testing.assert_allclose(got.delta_norms, [[np.linalg.norm(wrong)]], rtol=1e-12)


def test_softmax_has_no_saturation(draw_problem):
    net, x, y = draw_problem((5, 16, 3), 100, output="softmax", cost="log_likelihood")
    got = recorded(net, x, y, epochs=2)
    assert np.isnan(got.saturation).tolist() == [[False, True]] * 2
    assert (got.delta_norms > 0).all()


@pytest.mark.parametrize(("value", "share"), [(1e4, 1.0), (1e-4, 0.0)])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_all_and_none(name, value, share):
    net = chainrule.Network([2, 3, 1], hidden=name, output=name, init="zeros", bias=False)
    net.weights[0][...] = value
    net.weights[1][...] = value
    got = recorded(net, np.ones((100, 2)), np.zeros((100, 1)), epochs=1, learning_rate=1e-20)
    assert got.saturation.tolist() == [[share, share]]


# ---------------------------------------------------------------- about one row in eight


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 8, 10, 32, 33, 100, 512, 513, 700, 1000])
@pytest.mark.parametrize(
    ("rows", "least", "most"), [(1000, 1000, 1000), (3000, 3000 // 8 - 40, 3000 // 8)]
)
def test_how_many_rows_are_looked_at(batch_size, shuffle, rows, least, most):
    """With y the unit matrix and a = 0 the mean δ of n rows has n entries of -1/n: ‖δ‖² = 1/n."""
    net = chainrule.Network([1, rows], output="identity", init="zeros", dtype="float64", seed=0)
    options = {"batch_size": batch_size, "shuffle": shuffle, "epochs": 2, "learning_rate": 1e-30}
    got = recorded(net, np.ones((rows, 1)), np.eye(rows), **options)
    looked_at = 1 / got.delta_norms[:, 0] ** 2
    assert looked_at[0] == pytest.approx(looked_at[1], abs=1e-6)  # each epoch begins anew
    assert looked_at[0] == pytest.approx(round(looked_at[0]), abs=1e-6)
    assert least <= round(looked_at[0]) <= most


@pytest.mark.parametrize("batch_size", [1, 10, 128, 512, 4096])
def test_rows_looked_at_are_spread_and_follow_no_pattern(batch_size):
    """Sample k has the target (k + 1)/m, so the mean δ tells the mean k of those looked at; and
    k mod 8 is as if they were drawn by chance."""
    rows = 4096
    net = chainrule.Network([1, 1], output="identity", init="zeros", dtype="float64", seed=0)
    options = {"batch_size": batch_size, "shuffle": False, "epochs": 1, "learning_rate": 1e-30}

    def mean(targets):
        targets = np.asarray(targets, float)[:, None]
        return recorded(net, np.ones((rows, 1)), targets, **options).delta_norms[0, 0]

    k = np.arange(rows)
    assert mean(k / rows) == pytest.approx(0.5, abs=0.08)
    for residue in range(8):
        assert mean(k % 8 == residue) == pytest.approx(1 / 8, abs=0.03)


@each_dtype
@pytest.mark.parametrize("batch_size", [1, 10, 32, 100, 600])
@pytest.mark.parametrize("rule", [{}, {"momentum": 0.9}], ids=["plain", "momentum"])
def test_it_is_within_the_error_of_a_sample(stretched, batch_size, rule, dtype):
    """With steps too small to move anything: the value on all rows, and 5 standard errors."""
    net, x, y = stretched((5, 16, 9, 3), 4000, hidden="tanh", output="tanh", dtype=dtype)
    y[...] = 1  # δ does not average out
    options = {"batch_size": batch_size, "epochs": 5, "learning_rate": 1e-30, "rule": rule}
    before = net.parameters.copy()
    got = recorded(net, x, y, shuffle=True, **options)
    np.testing.assert_array_equal(net.parameters, before)

    twin = oracle.copy_of(net)
    zs, _ = oracle.feedforward(twin, x)
    delta = oracle.deltas(twin, zs, y)
    for i, (d, z, name) in enumerate(zip(delta, zs, twin.activations, strict=True)):
        full = np.linalg.norm(d.mean(axis=0))
        error = np.sqrt(d.var(axis=0).sum() / 500)
        assert 5 * error < full / 2  # or the bound would bind nothing
        assert np.abs(got.delta_norms[:, i] - full).max() <= 5 * error
        on = oracle.PRIME[name](z) / LARGEST_SLOPE[name] < 0.05
        share = on.mean(axis=1)
        error = share.std() / np.sqrt(500)
        assert 0.05 < share.mean() < 0.95
        assert 5 * error < share.mean() / 2
        assert np.abs(got.saturation[:, i] - share.mean()).max() <= 5 * error
    assert len(np.unique(got.delta_norms[:, 0])) == 5  # other rows in each epoch


# ---------------------------------------------------------------- what it does not change


@each_dtype
@each_rule
@pytest.mark.parametrize(("rows", "batch_size"), [(147, 10), (147, 147), (1300, 600)])
def test_training_has_the_same_bits(draw_problem, rows, batch_size, rule, dtype):
    problem = (5, 17, 3), rows
    options = {"epochs": 3, "batch_size": batch_size, "l2": 0.01, "rule": rule}
    net, x, y = draw_problem(*problem, hidden="relu", dtype=dtype)
    twin = copy.deepcopy(net)
    start = net.parameters.copy()
    watched = recorded(net, x, y, **options, shuffle=True)
    plain = recorded(twin, x, y, **options, shuffle=True, record=None)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert not np.array_equal(net.parameters, start)
    assert watched.cost.tobytes() == plain.cost.tobytes()
    for name, velocity in net.optimizer_state.items():
        assert velocity.tobytes() == twin.optimizer_state[name].tobytes()
    assert watched.keys() == plain.keys()
    assert not hasattr(plain, "delta_norms")


# ---------------------------------------------------------------- how it is kept


def kept(history):
    return history.delta_norms.tobytes(), history.saturation.tobytes()


def test_epochs_one_by_one_give_the_same(draw_problem, capsys):
    problem = draw_problem((5, 17, 9, 3), 147)
    options = {"epochs": 6, "batch_size": 10, "shuffle": True, "learning_rate": 0.3}

    def history(**more):
        net, x, y = problem
        more = {"validation_data": (x, y)} | more if more.pop("validate", False) else more
        return recorded(copy.deepcopy(net), x, y, **options, **more)

    together = history()
    assert together.delta_norms.shape == together.saturation.shape == (6, 3)
    assert len(np.unique(together.delta_norms)) == 18
    assert kept(history(validate=True)) == kept(together)
    assert kept(history(progress=True)) == kept(together)
    assert kept(history(validate=True, progress=True)) == kept(together)
    assert "epoch 6/6" in capsys.readouterr().err


def test_two_fits_give_what_one_gives(draw_problem):
    net, x, y = draw_problem((3, 4, 2), 40)
    twin = copy.deepcopy(net)
    options = {"batch_size": 10, "shuffle": True, "rule": {"momentum": 0.5}}
    once = recorded(net, x, y, epochs=1005, **options)  # the core takes 1000 at a time
    parts = [recorded(twin, x, y, epochs=epochs, **options) for epochs in (3, 1000, 2)]
    for column in ("delta_norms", "saturation"):
        whole = getattr(once, column)
        assert whole.shape == (1005, 2)
        np.testing.assert_array_equal(whole, np.concatenate([getattr(p, column) for p in parts]))


def test_shapes_without_epochs_and_without_a_record(draw_problem):
    net, x, y = draw_problem((5, 17, 9, 3), 20)
    none = recorded(net, x, y, epochs=0)
    assert none.delta_norms.shape == none.saturation.shape == (0, 3)
    for history in (recorded(net, x, y, epochs=2, record=None), chainrule.History()):
        for column in ("delta_norms", "saturation"):
            with pytest.raises(AttributeError, match=r"fit\(..., record='layers'\) records this"):
                getattr(history, column)
            with pytest.raises(KeyError, match=f"so it is history.{column}"):
                history[column]


def test_what_is_read_is_a_copy(draw_problem):
    net, x, y = draw_problem((5, 17, 3), 20)
    history = recorded(net, x, y, epochs=2)
    before = kept(history)
    history.delta_norms[...] = 7
    history.saturation[...] = 7
    assert kept(history) == before
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert kept(twin.history) == before


@each_dtype
def test_an_epoch_that_diverges_leaves_no_record(dtype):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.random((40, 2))
    names = {"hidden": "identity", "output": "identity", "dtype": dtype}
    net = chainrule.Network([3, 2], **names, seed=3)
    with pytest.raises(chainrule.DivergenceError):
        recorded(net, x, y, epochs=500, batch_size=8, learning_rate=2.0)
    finished = len(net.history)
    assert finished == net.epochs_trained > 1
    assert net.history.delta_norms.shape == net.history.saturation.shape == (finished, 1)
    assert np.isfinite(net.history.delta_norms).all()
    twin = chainrule.Network([3, 2], **names, seed=3)
    again = recorded(twin, x, y, epochs=finished, batch_size=8, learning_rate=2.0)
    assert kept(again) == kept(net.history)


# ---------------------------------------------------------------- what is refused

BAD = {
    "unknown": ("layer", ValueError, "unknown record 'layer'. Did you mean 'layers'"),
    "empty": ("", ValueError, "unknown record ''. Known: layers, gradients, objective"),
    "flag": (
        True,
        TypeError,
        "record must be a name, one of layers, gradients, objective; got True",
    ),
    "number": (1, TypeError, "record must be a name, one of layers, gradients, objective; got 1"),
    "list": (["layers", "layer"], ValueError, "unknown record 'layer'. Did you mean 'layers'"),
}


@pytest.mark.parametrize(("record", "exception", "message"), BAD.values(), ids=BAD)
def test_bad_records(draw_problem, record, exception, message):
    net, x, y = draw_problem((5, 17, 3), 20)
    history, before = recorded(net, x, y, epochs=1), net.parameters.tobytes()
    with pytest.raises(exception) as caught:
        net.fit(x, y, record=record)
    assert message in str(caught.value)
    assert net.parameters.tobytes() == before
    assert net.history is history
    assert net.epochs_trained == 1
