"""input_scale="standard" and output_scale="standard": set by what the first fit learns from."""

import copy
import math
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from carried import carried
from chainrule import Adam, Network
from chainrule.checks.moments import mean_and_spread
from chainrule.checks.sparse_rows import as_sparse_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)) * [1.0, 1e-3, 400.0] + [0.0, 5.0, 1.7e9]
Y = np.stack([3000 + 500 * X[:, 0], -1e-4 * X[:, 1] * X[:, 0]], axis=1)
OPEN = {"input_scale": "standard", "output_scale": "standard"}


def network(sizes=(3, 8, 2), **options):
    options = {"hidden": "tanh", "output": "identity", "seed": 0, **OPEN, **options}
    return Network(sizes, **options)


def fitted(net, x=X, y=Y, **options):
    net.fit(x, y, **{"optimizer": Adam(0.01), "epochs": 3, **options})
    return net


def by_hand(x=X, y=Y, weights=None, **options):
    """The network of the numbers that NumPy finds."""
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    found = {}
    for what, values in (("input", x), ("output", y)):
        mean = np.average(values, axis=0, weights=w)
        spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=w))
        scale, shift = (1 / spread, -mean / spread) if what == "input" else (spread, mean)
        found |= {f"{what}_scale": scale, f"{what}_shift": shift}
    return network(**found, **options)


def scalings(net):
    names = "input_scale", "input_shift", "output_scale", "output_shift"
    return [getattr(net, name) for name in names]


# ---------------------------------------------------------------- what it is set to


@pytest.mark.parametrize("weights", [None, RNG.integers(4, size=120) / 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_set_by_the_mean_and_the_spread_of_what_is_trained_on(weights, dtype):
    net = fitted(network(dtype=dtype), sample_weight=weights)
    for found, right in zip(scalings(net), scalings(by_hand(weights=weights)), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


def test_training_is_that_by_given_numbers():
    net = fitted(network())
    given = {name: getattr(net, name) for name in OPEN} | {
        "input_shift": net.input_shift, "output_shift": net.output_shift,
    }  # fmt: skip
    assert carried(net) == carried(fitted(network(**given)))


def test_rows_held_out_do_not_count():
    net = network()
    fitted(net, validation_split=0.25)
    kept = cr.checks.samples.split_rows(120, 0.25, 0)[0]
    assert len(kept) == 90
    np.testing.assert_allclose(net.input_shift * net.output_scale[0], -X[kept].mean(axis=0)
                               / X[kept].std(axis=0) * Y[kept, 0].std(), rtol=1e-12)  # fmt: skip


def test_what_is_all_alike_is_only_shifted():
    x = np.column_stack([X[:, 0], np.full(120, 0.1)])
    net = fitted(network((2, 4, 1)), x, np.full(120, 0.3))
    assert (net.input_scale[1], net.input_shift[1]) == (1.0, -0.1)
    assert (net.output_scale, net.output_shift) == (1.0, 0.3)
    assert np.isfinite(net(x)).all()


def test_sparse_inputs_are_scaled_alone():
    dense = RNG.random((120, 5)) * (RNG.random((120, 5)) < 0.3)
    net = fitted(network((5, 4, 1)), scipy.sparse.csr_array(dense), dense.sum(axis=1))
    np.testing.assert_allclose(net.input_scale, 1 / dense.std(axis=0), rtol=1e-12)
    assert not np.any(net.input_shift)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_inputs_of_every_type(dtype):
    x = RNG.integers(0, 200, size=(120, 3)).astype(dtype)
    net = fitted(network(), x)
    np.testing.assert_allclose(net.input_scale, 1 / x.std(axis=0, dtype=float), rtol=1e-12)


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt(), cr.SGD(0.01)])
def test_every_kind_of_optimiser(optimizer):
    net = fitted(network(), optimizer=optimizer)
    np.testing.assert_allclose(net.output_shift, Y.mean(axis=0), rtol=1e-12)


def test_later_fits_keep_it():
    net = fitted(network())
    before = scalings(net)
    fitted(net, 2 * X + 1, 5 * Y)
    for old, new in zip(before, scalings(net), strict=True):
        np.testing.assert_array_equal(old, new)


# ---------------------------------------------------------------- moments


def naive(x, w):
    mean = [math.fsum(w * c) / math.fsum(w) for c in x.T]
    squares = [math.fsum(w * (c - m) ** 2) for c, m in zip(x.T, mean, strict=True)]
    return np.array(mean), np.sqrt(np.array(squares) / math.fsum(w))


@pytest.mark.parametrize("rows", [2, 1000, 70_000])
@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_moments_are_those_of_exact_sums(rows, offset):
    """In pieces, of which 70,000 rows have two."""
    x, w = RNG.normal(size=(rows, 4)) * [1, 10, 1e-3, 1e5] + offset, RNG.random(rows)
    mean, spread = mean_and_spread(x, w)
    right_mean, right_spread = naive(x, w)
    np.testing.assert_allclose(spread, right_spread, rtol=1e-7 if offset else 1e-12)
    assert (np.abs(mean - right_mean) <= 1e-12 * right_spread + 1e-15 * offset).all()


def test_moments_of_sparse_rows_are_those_of_dense_ones():
    dense = RNG.normal(size=(500, 6)) * (RNG.random((500, 6)) < 0.2)
    dense[:, 0], dense[:, 1] = 3.0, 0.0
    w = RNG.random(500)
    rows = as_sparse_rows("X", scipy.sparse.csr_array(dense))
    for given in (None, w):
        found, right = mean_and_spread(rows, given), mean_and_spread(dense, given)
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)
        assert (found[1][:2] == 1).all()


def test_moments_of_weights_for_each_number():
    x, w = RNG.normal(size=(300, 3)), RNG.random((300, 3)) * (RNG.random((300, 3)) < 0.5)
    found = mean_and_spread(np.where(w > 0, x, np.nan), w)
    for j in range(3):
        for each, right in zip(found, naive(x[:, j : j + 1], w[:, j]), strict=True):
            np.testing.assert_allclose(each[j], right[0], rtol=1e-12)


# ---------------------------------------------------------------- when it is set


def asks(net):
    yield lambda: net(X)
    yield lambda: net(X[0].astype(net.dtype))
    yield lambda: net.predict(X)
    yield lambda: net.evaluate(X, Y)
    yield lambda: net.backprop(X, Y)
    yield lambda: net.trace(X, Y)
    yield lambda: net.jacobian(X)
    yield lambda: net.sensitivity(X[0])
    yield lambda: cr.check_gradient(net, X, Y)
    yield lambda: cr.diagnose(net, X, Y)
    yield lambda: net.fit([(X, Y)])


@pytest.mark.parametrize("name", OPEN)
def test_before_it_is_set_nothing_can_be_asked(name):
    net = network(**({other: 1.0 for other in OPEN if other != name}))
    for ask in asks(net):
        with pytest.raises(ValueError, match=rf"{name}='standard' is set by the first fit: write"):
            ask()
    assert getattr(net, name) == "standard"


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_batch_begin"])
def test_a_fit_without_an_epoch_leaves_it_open(hook):
    net = network()
    callback = type("Fails", (), {hook: lambda *_: 1 / 0})()
    with pytest.raises(ZeroDivisionError):
        fitted(net, callbacks=callback)
    assert net.input_scale == net.output_scale == "standard"
    fitted(net, epochs=0)
    assert net.input_scale == "standard"
    fitted(net)
    assert net.input_scale.shape == (3,)


def test_a_fit_that_diverges_in_its_first_epoch_leaves_it_open():
    net = network(hidden="relu")
    with pytest.raises(cr.DivergenceError):
        fitted(net, optimizer=cr.SGD(1e30))
    assert net.input_scale == "standard"


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_batch_end"])
def test_a_fit_that_fails_when_something_is_learned_has_set_it(hook):
    """Batches before that of a hook that raises are kept."""
    net = network()
    with pytest.raises(ZeroDivisionError):
        fitted(net, callbacks=type("Fails", (), {hook: lambda *_: 1 / 0})())
    np.testing.assert_allclose(net.output_shift, Y.mean(axis=0), rtol=1e-12)


def test_the_range_test_sees_all_samples_and_leaves_it_open():
    net = network()
    cr.learning_rate_range(net, X, Y, optimizer=Adam())
    assert net.output_scale == "standard"


# ---------------------------------------------------------------- units


def raw(net):
    """The same network without its output scaling."""
    twin = Network(
        net.sizes,
        hidden=list(net.hidden),
        output=net.output,
        cost=net.cost,
        dtype=net.dtype,
        input_scale=net.input_scale,
        input_shift=net.input_shift,
    )
    twin.parameters = net.parameters
    return twin


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_said_is_in_the_units_of_y(dtype):
    net = fitted(network(dtype=dtype))
    x = X.astype(dtype)
    said = (raw(net)(x).astype(float) * net.output_scale + net.output_shift).astype(dtype)
    np.testing.assert_array_equal(net(x), said)
    np.testing.assert_array_equal(net(x, threads=2), said)
    np.testing.assert_array_equal(net.predict(x), said)
    alone = raw(net)(x[0]).astype(float)  # a product of one row may sum in another order
    said_alone = (alone * net.output_scale + net.output_shift).astype(dtype)
    np.testing.assert_array_equal(net(x[0]), said_alone)
    out = np.empty(2, dtype)
    assert net(x[0], out=out) is out
    np.testing.assert_array_equal(out, said_alone)


def test_derivatives_are_those_of_what_is_said():
    net = fitted(network(dtype="float64"))
    h = 1e-4 * X.std(axis=0)
    differences = np.stack([
        (net(X + step) - net(X - step)) / (2 * step.sum()) for step in np.diag(h)
    ], axis=2)  # fmt: skip
    J = net.jacobian(X)
    assert (np.abs(differences) > 0).all()
    np.testing.assert_allclose(J, differences, rtol=1e-4, atol=1e-6 * np.abs(J).max())
    s = net.sensitivity(X[0])
    np.testing.assert_allclose(s.inputs, J[0], rtol=1e-12)
    np.testing.assert_allclose(s.biases[-1], np.diag(net.output_scale), rtol=1e-12)


def test_costs_are_those_of_what_is_learned():
    net = fitted(network(dtype="float64"))
    learned = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    twin = raw(net)
    assert net.evaluate(X, Y)["cost"] == pytest.approx(twin.evaluate(X, learned)["cost"], rel=1e-9)
    for mine, its in zip(
        net.backprop(X, Y).weights, twin.backprop(X, learned).weights, strict=True
    ):
        np.testing.assert_allclose(mine, its, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(net.trace(X, Y).a[-1], twin(X), rtol=1e-12)
    assert cr.check_gradient(net, X, Y).passed


def test_metrics_are_in_units():
    seen = []
    net = network()
    fitted(net, validation_data=(X, Y), metrics={"m": lambda y, a: seen.append((y, a)) or 0.0})
    np.testing.assert_array_equal(seen[-1][0], Y)
    np.testing.assert_array_equal(seen[-1][1], net(X))


def test_quantiles_come_back_in_units():
    y = 1000 + 50 * RNG.normal(size=(4000, 2)) * [1, 10]
    net = network((1, 4), cost=cr.costs.quantile([0.1, 0.9]))
    fitted(net, np.zeros((4000, 1)), y, epochs=60, batch_size=200)
    right = [1000 + 50 * s * q for s in (1, 10) for q in (-1.2816, 1.2816)]
    assert (np.abs(net(np.zeros(1)) - right) < np.repeat([5, 50], 2)).all()  # 0.1 of the spread


def test_the_variance_comes_back_in_units():
    y = 1000 + 50 * RNG.normal(size=4000)
    net = network((1, 2), cost="gaussian")
    fitted(net, np.zeros((4000, 1)), y, epochs=60, batch_size=200)
    mean, logarithm = net(np.zeros(1))
    assert mean == pytest.approx(1000, abs=5)
    assert logarithm == pytest.approx(2 * math.log(50), abs=0.1)


def test_targets_far_from_0_keep_their_digits():
    y = 1.7e9 + np.arange(120.0)
    net = network((1, 1), hidden=[], dtype="float64")
    fitted(net, np.arange(120.0)[:, None], y, optimizer=cr.LBFGS(), epochs=50)
    np.testing.assert_allclose(net(np.arange(120.0)[:, None])[:, 0], y, rtol=1e-9)


def test_targets_of_0_and_1_are_numbers():
    net = network((3, 4, 1))
    history = fitted(net, X, (X[:, 0] > 0).astype(int), validation_split=0.2).history
    assert net.answers == "values"
    assert "validation_accuracy" not in list(history)


# ---------------------------------------------------------------- files and copies


@pytest.mark.parametrize("is_set", [False, True])
def test_files_and_copies_keep_it(is_set, tmp_path):
    net = fitted(network()) if is_set else network()
    net.save(tmp_path / "net.npz")
    for twin in (cr.load(tmp_path / "net.npz"), copy.copy(net), pickle.loads(pickle.dumps(net))):
        assert repr(twin) == repr(net)
        for mine, its in zip(scalings(net), scalings(twin), strict=True):
            np.testing.assert_array_equal(mine, its)
        assert carried(fitted(twin)) == carried(fitted(copy.copy(net)))
        np.testing.assert_array_equal(twin(X), fitted(copy.copy(net))(X))


# ---------------------------------------------------------------- refusals

BAD = {
    "other word": ({"input_scale": "robust"}, TypeError, "'standard'; got 'robust'"),
    "shift too": ({"input_shift": 1.0}, ValueError, "input_shift is set together with"),
    "output shift": ({"output_shift": 1.0}, ValueError, "output_shift is set together with"),
    "wrong cost": (
        {"output": "softmax", "cost": "log_likelihood"}, ValueError, "cost='log_likelihood'"),
    "scale 0": ({"output_scale": [1.0, 0.0]}, ValueError, "must be above 0"),
    "too many": ({"output_scale": [1.0] * 3}, ValueError, r"one for each target, \(2,\)"),
    "infinite": ({"output_scale": np.inf}, ValueError, "must be finite"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "error", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        network(**options)


@pytest.mark.parametrize("y", [np.array(list("ab" * 60)), RNG.integers(2, size=120)])
def test_classes_are_refused(y):
    with pytest.raises((ValueError, TypeError), match="y must"):
        fitted(network(), X, y)


def test_numbers_without_a_spread_are_refused():
    x = X.copy()
    x[:2, 0] = 1e308, -1e308
    net = network()
    with pytest.raises(ValueError, match="X cannot be standardised: column 0 has numbers too"):
        fitted(net, x)
    assert net.input_scale == "standard"


def test_rows_held_out_that_are_too_large_are_refused():
    x = X.copy()
    out = cr.checks.samples.split_rows(120, 0.25, 0)[1]
    x[out[3], 1] = 1e300
    with pytest.raises(ValueError, match="too large for float32 once it is scaled"):
        fitted(network(), x, validation_split=0.25)


def test_two_networks_in_two_threads_do_not_meet():
    nets = [network(seed=k) for k in range(2)]
    workers = [threading.Thread(target=fitted, args=(net,)) for net in nets]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k, net in enumerate(nets):
        assert carried(net) == carried(fitted(network(seed=k)))


# ---------------------------------------------------------------- far from 0, and near nothing


def test_sparse_columns_far_from_0_with_weights():
    dense, w = 1e8 + RNG.normal(size=(3000, 1)), RNG.random(3000)
    rows = as_sparse_rows("X", scipy.sparse.csr_array(dense))
    np.testing.assert_allclose(mean_and_spread(rows, w)[1], mean_and_spread(dense, w)[1], rtol=1e-6)


def test_products_of_small_weights_count():
    net = network((3, 8, 2))
    weights = {"sample_weight": np.full(120, 1e-25), "output_weight": np.full(2, 1e-25)}
    fitted(net, X, Y, **weights)
    np.testing.assert_allclose(net.output_shift, Y.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize(("x", "y", "name"), [
    (np.full((120, 3), 1e39), Y, "X"), (X * 1e-45, Y, "X"), (X, Y * 1e45, "y"),
])  # fmt: skip
def test_what_float32_cannot_scale_is_told_as_that(x, y, name):
    with pytest.raises(ValueError, match=f"^{name} cannot be standardised: .*float32"):
        fitted(network(), x, y)


@pytest.mark.parametrize("ending", ["diverges", "no epochs", "stopped"])
def test_the_doctor_looks_at_a_network_that_finished_no_epoch(ending):
    net = network(hidden="relu")
    options = {"optimizer": cr.SGD(1e30)} if ending == "diverges" else {}
    if ending == "stopped":

        def stop(net):
            raise cr.StopTraining

        options = {"callbacks": type("Stops", (), {"on_train_begin": staticmethod(stop)})()}
    if ending == "diverges":
        with pytest.raises(cr.DivergenceError):
            fitted(net, diagnose=True, **options)
    else:
        fitted(net, diagnose=True, epochs=3 if ending == "stopped" else 0, **options)
    assert net.history.diagnosis.samples == 120
    assert net.input_scale == "standard"
