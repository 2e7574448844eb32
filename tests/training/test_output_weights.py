"""A weight for each target, and targets that are missing.

What a target costs is the oracle's cost of that target alone, so that only costs which are sums
over targets can pass.
"""

import itertools

import numpy as np
import pytest

import chainrule as cr
import oracle
from chainrule.checks.samples import Samples, split_rows
from chainrule.core import _core
from chainrule.training.full_batch.cost import FullBatch
from differences import differences
from oracle import TOLERANCE, assert_close, name_of, outputs_per_target, parameters_of
from problems import targets_for
from refusals import refuse, table

SIZES = 5, 7, 6  # six outputs are six targets, three means and variances, two of three levels
QUANTILES = cr.costs.quantile([0.1, 0.5, 0.9])
PAIRS = [
    *itertools.product(["identity", "sigmoid", "softmax"], oracle.COST_GRADIENT),
    ("tanh", QUANTILES),
    ("identity", cr.costs.huber(delta=0.4)),
    ("sigmoid", "cross_entropy"),
    ("exponential", "poisson"),
    ("identity", "gaussian"),
]
by_pair = pytest.mark.parametrize(("output", "cost"), PAIRS, ids=map(str, PAIRS))


def problem(output="identity", cost="quadratic", rows=40, dtype="float64", **options):
    """(net, X, Y, weights of samples, weights of targets); some of both are 0."""
    net = cr.Network(SIZES, hidden="tanh", output=output, cost=cost, dtype=dtype, seed=4, **options)
    rng = np.random.default_rng(rows)
    X, Y = rng.normal(size=(rows, 5)), targets_for(cost, rng, rows, 6)
    w, u = rng.uniform(0, 2, rows), rng.uniform(0, 3, Y.shape)
    w[::7] = 0
    u[rng.random(u.shape) < 0.3] = 0
    return net, X.astype(dtype), Y.astype(dtype), w, u


def cost_of(net, X, Y, w, u):
    """Σ_i w_i Σ_j u_ij C_ij / Σ_i w_i, target by target."""
    z, a = (each[-1] for each in oracle.feedforward(oracle.copy_of(net), X))
    cost, total = name_of(net.cost), 0.0
    for j in range(Y.shape[1]):
        k = outputs_per_target(net.cost)
        columns = [j, j + Y.shape[1]] if cost == "gaussian" else list(range(k * j, k * j + k))
        y = Y[:, [j]].astype(float)
        own = oracle.COST[cost](z[:, columns], a[:, columns], y, *parameters_of(net.cost))
        total += np.sum(w * u[:, j] * own)
    return total / w.sum()


@by_pair
def test_the_cost_is_the_sum_of_those_of_targets_by_their_weights(output, cost, dtype):
    net, X, Y, w, u = problem(output, cost, dtype=dtype)
    got = net.evaluate(X, Y, sample_weight=w, output_weight=u)["cost"]
    assert got == pytest.approx(cost_of(net, X, Y, w, u), rel=10 * TOLERANCE[dtype])
    got = net.evaluate(X, Y, output_weight=u)["cost"]
    assert got == pytest.approx(cost_of(net, X, Y, np.ones(40), u), rel=10 * TOLERANCE[dtype])


@by_pair
def test_backprop_is_its_slope(output, cost):
    net, X, Y, w, u = problem(output, cost)
    got = net.backprop(X, Y, sample_weight=w, output_weight=u).parameters
    slopes = differences(lambda: np.array(cost_of(net, X, Y, w, u)), net.parameters)
    assert_close(got, slopes, 1e-7)
    assert np.abs(got - net.backprop(X, Y, sample_weight=w).parameters).max() > 1e-3


@pytest.mark.parametrize("rows", [47, 1101], ids=["one tile", "groups"])
@pytest.mark.parametrize("labels", [False, True], ids=["values", "labels"])
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_go_along_what_backprop_returns(rows, labels, weighted):
    net, X, Y, w, u = problem("sigmoid", "cross_entropy", rows)
    Y = Y.argmax(axis=1) if labels else Y
    twin, w = problem("sigmoid", "cross_entropy", rows)[0], w if weighted else None
    batch, order = 10 if rows == 47 else rows, np.empty(rows, np.int32)
    net.fit(X, Y, optimizer=cr.SGD(0.1), epochs=3, batch_size=batch, sample_weight=w,
            output_weight=u)  # fmt: skip
    for epoch in range(3):
        _core.shuffled(rows, net.seed, epoch, order)
        for at in range(0, rows, batch):
            some = order[at : at + batch]
            weights = {"sample_weight": None if w is None else w[some], "output_weight": u[some]}
            twin.parameters -= 0.1 * twin.backprop(X[some], Y[some], **weights).parameters
    assert_close(net.parameters, twin.parameters, 1e-12)


@pytest.mark.parametrize("momentum", [0, 0.5])
@pytest.mark.parametrize("options", [{}, {"dropout": 0.3}, {"record": ["layers", "gradients"]}])
def test_twice_the_weights_are_twice_the_cost(momentum, options, dtype):
    """Each step has twice the gradient, which half the rate undoes."""
    (net, X, Y, _, u), (twin, *_) = problem(dtype=dtype), problem(dtype=dtype)
    rule, half = cr.SGD(0.1, momentum=momentum), cr.SGD(0.05, momentum=momentum)
    got = net.fit(X, Y, optimizer=rule, output_weight=u, epochs=3, **options)
    doubled = twin.fit(X, Y, optimizer=half, output_weight=2 * u, epochs=3, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert (2 * got.cost).tobytes() == doubled.cost.tobytes()
    if "record" in options:
        assert_close(doubled.delta_norms, 2 * got.delta_norms, 10 * TOLERANCE[dtype])
        assert_close(doubled.gradient_norm, 2 * got.gradient_norm, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("given", [np.ones(6), np.ones((40, 6), int)], ids=["a target", "each"])
@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam(0.01)], ids=["SGD", "Adam"])
def test_weights_of_1_change_not_a_bit(given, optimizer, dtype):
    (net, X, Y, w, _), (twin, *_) = problem(dtype=dtype), problem(dtype=dtype)
    options = {"optimizer": optimizer, "sample_weight": w, "epochs": 3}
    got = net.fit(X, Y, output_weight=given, **options)
    expected = twin.fit(X, Y, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert got.cost.tobytes() == expected.cost.tobytes()


def test_a_weight_of_a_target_is_that_of_all_samples():
    (net, X, Y, w, _), (twin, *_) = problem(), problem()
    of_targets = np.array([1, 0, 2, 0.5, 3, 1])
    net.fit(X, Y, output_weight=of_targets, epochs=2)
    twin.fit(X, Y, output_weight=np.tile(of_targets, (40, 1)), epochs=2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert cost_of(net, X, Y, w, np.tile(of_targets, (40, 1))) == pytest.approx(
        net.evaluate(X, Y, sample_weight=w, output_weight=of_targets)["cost"], rel=1e-12
    )


@pytest.mark.parametrize("rows", [47, 1101])
@pytest.mark.parametrize("sizes", [(5, 7, 6), (5, 400, 6)], ids=["by rows", "by neurons"])
def test_any_number_of_threads_gives_the_same_bits(rows, sizes):
    _, X, Y, w, u = problem(rows=rows)
    found = set()
    for threads in (1, 2, 3):
        net = cr.Network(sizes, output="identity", seed=1)
        history = net.fit(X, Y, optimizer=cr.Adam(), batch_size=rows // 2, epochs=2,
                          sample_weight=w, output_weight=u, threads=threads)  # fmt: skip
        cost = net.evaluate(X, Y, sample_weight=w, output_weight=u, threads=threads)["cost"]
        nabla = net.backprop(X, Y, sample_weight=w, output_weight=u, threads=threads)
        found.add((net.parameters.tobytes(), history.cost.tobytes(), cost,
                   nabla.parameters.tobytes()))  # fmt: skip
    assert len(found) == 1


def test_sparse_inputs_train_as_dense_ones():
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(300, 400)) * (rng.random((300, 400)) < 0.02)
    Y, u = rng.normal(size=(300, 3)), rng.random((300, 3))
    nets = [cr.Network([400, 20, 3], output="identity", dtype="float64", seed=0) for _ in range(2)]
    for net, X in zip(nets, (dense, sparse.csr_array(dense)), strict=True):
        net.fit(X, Y, output_weight=u, epochs=3, batch_size=100)
    assert_close(nets[1].parameters, nets[0].parameters, 1e-12)
    got = nets[0].evaluate(sparse.csr_array(dense), Y, output_weight=u)["cost"]
    assert got == pytest.approx(nets[0].evaluate(dense, Y, output_weight=u)["cost"], rel=1e-12)


@pytest.mark.parametrize("record", [None, "layers"])
def test_batches_bring_theirs(record, dtype):
    (net, X, Y, w, u), (twin, *_) = problem(rows=47, dtype=dtype), problem(rows=47, dtype=dtype)
    parts = [slice(i, i + 10) for i in range(0, 47, 10)]
    batches = [(X[part], Y[part], w[part], u[part]) for part in parts]
    options = {"optimizer": cr.SGD(0.1), "epochs": 3, "record": record}
    got = net.fit(batches, **options)
    expected = twin.fit(
        X, Y, sample_weight=w, output_weight=u, batch_size=10, shuffle=False, **options
    )
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert_close(got.cost, expected.cost, TOLERANCE[dtype])
    net.fit([(X, Y, None, u), (X, Y)], epochs=1)  # some of them


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_with_all_samples_at_once_the_cost_falls_to_the_least(optimizer):
    """A straight line has its least cost where the weighted normal equations hold, by target."""
    rng = np.random.default_rng(3)
    X, Y, w, u = rng.normal(size=(30, 4)), rng.normal(size=(30, 2)), rng.random(30), None
    u = rng.random((30, 2))
    net = cr.Network([4, 2], output="identity", dtype="float64", seed=0)
    net.fit(X, Y, optimizer=optimizer, epochs=200, sample_weight=w, output_weight=u)
    A = np.hstack([X, np.ones((30, 1))])
    for j in range(2):
        v = w * u[:, j]
        line = np.linalg.solve(A.T @ (v[:, None] * A), A.T @ (v * Y[:, j]))
        assert_close([*net.weights[0][j], net.biases[0][j]], line, 1e-6)


def test_the_curvature_counts_by_weight(dtype):
    """Of a straight line the curvature by Gauss and Newton is all there is."""
    rng = np.random.default_rng(3)
    X, Y, w, u = (rng.random(shape) for shape in ((30, 4), (30, 2), 30, (30, 2)))
    net = cr.Network([4, 2], output="identity", dtype=dtype, seed=0)
    function = FullBatch(net, Samples(net, X, Y, w, output_weight=u), 0.0, (1, 0))
    got = function.curvature(function.at(net.parameters))
    A = np.hstack([X, np.ones((30, 1))])
    for j in range(2):
        rows = [*range(4 * j, 4 * j + 4), 8 + j]  # W^2 row by row, then b^2
        expected = A.T @ ((w * u[:, j])[:, None] * A) / w.sum()
        assert_close(np.tril(got[np.ix_(rows, rows)]), np.tril(expected), 3 * TOLERANCE[dtype])


def test_a_split_takes_them_along():
    net, X, Y, w, u = problem(rows=50)
    twin = problem(rows=50)[0]
    got = net.fit(X, Y, sample_weight=w, output_weight=u, validation_split=0.3, epochs=3)
    kept, held = split_rows(50, 0.3, net.seed)
    expected = twin.fit(
        X[kept], Y[kept], sample_weight=w[kept], output_weight=u[kept], epochs=3,
        validation_data=(X[held], Y[held], None, u[held]),
    )  # fmt: skip
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert got.validation_cost.tobytes() == expected.validation_cost.tobytes()
    held_out = net.evaluate(X[held], Y[held], output_weight=u[held])["cost"]
    assert got.validation_cost[-1] == held_out


def test_accuracy_does_not_count_by_them():
    net, X, Y, *_ = problem("sigmoid", "cross_entropy")
    labels = Y.argmax(axis=1)
    plain, weighted = net.evaluate(X, labels), net.evaluate(X, labels, output_weight=np.arange(6))
    assert plain["accuracy"] == weighted["accuracy"]
    assert plain["cost"] != weighted["cost"]


class OwnCost:
    """Half the squares."""

    def value(self, a, y):
        return 0.5 * ((a - y) ** 2).sum(axis=1)

    def delta(self, z, a, y):
        return a - y


X, Y = np.ones((8, 5)), np.ones((8, 6))
REFUSED = {
    "another shape": (np.ones((8, 5)), ValueError, ["(8, 6)", "(6,)", "got shape (8, 5)"]),
    "of samples": (np.ones(8), ValueError, ["(6,)", "got shape (8,)"]),
    "a number": (2.0, ValueError, ["got shape ()"]),
    "negative": (np.ones((8, 6)) - 2 * np.eye(8, 6, 2), ValueError, ["negative", "[0, 2] is -1.0"]),
    "negative target": ([1, 1, -2, 1, 1, 1], ValueError, ["output_weight[2] is -2"]),
    "nan": (np.full((8, 6), np.nan), ValueError, ["finite", "output_weight[0, 0] is nan"]),
    "too large": (np.full(6, 1e39), ValueError, ["finite", "too large for float32"]),
    "all 0": (np.zeros(6), ValueError, ["weights of all targets are 0"]),
    "text": (["a"] * 6, TypeError, ["output_weight", "real numbers"]),
}


@table(REFUSED)
def test_what_does_not_fit_is_refused(given, exception, fragments):
    net = cr.Network(SIZES, output="identity", seed=0)
    for call in (
        lambda: net.fit(X, Y, output_weight=given),
        lambda: net.fit(X, Y, output_weight=given, optimizer=cr.LBFGS()),
        lambda: net.fit(X, Y, validation_data=(X, Y, None, given)),
        lambda: net.evaluate(X, Y, output_weight=given),
        lambda: net.backprop(X, Y, output_weight=given),
    ):
        refuse(call, exception, fragments, net)


@pytest.mark.parametrize(
    ("output", "cost", "why"),
    [("softmax", "log_likelihood", "all its outputs together"),
     ("identity", OwnCost(), "a cost of your own")],
)  # fmt: skip
def test_costs_that_couple_outputs_refuse_them(output, cost, why):
    net = cr.Network(SIZES, output=output, cost=cost, seed=0)
    y = np.eye(8, 6)
    y[6:, 0] = 1
    missing = np.where(np.eye(8, 6, 3) == 1, np.nan, y)
    fragments = ["a sum over the targets", why, "Use sample_weight"]
    refuse(lambda: net.fit(X, y, output_weight=np.arange(6)), ValueError,
           ["output_weight", *fragments], net)  # fmt: skip
    refuse(lambda: net.fit(X, missing, missing_targets="skip"), ValueError,
           ["missing_targets", *fragments], net)  # fmt: skip
    net.fit(X, y, missing_targets="skip", epochs=1)  # none is missing


def test_batches_from_an_iterable_bring_theirs():
    net = cr.Network(SIZES, output="identity", seed=0)
    fragments = ["output_weight is for arrays", "(X, y, sample_weight, output_weight)"]
    refuse(lambda: net.fit([(X, Y)], output_weight=np.ones(6)), ValueError, fragments, net)
