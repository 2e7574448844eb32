"""`Ensemble`: what several networks say together, from the definitions in NumPy."""

import copy
import pickle
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from carried import carried
from chainrule.checks.arrays import as_asked
from chainrule.core import _core
from chainrule.sweeps import asked
from chainrule.sweeps.pooling import POOLS
from users_functions import Focal

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4))
LABELS = X[:, :3].argmax(axis=1)
WEIGHTS = [1.0, 0.0, 2.5, 0.5]
SOFTMAX = {"output": "softmax", "cost": "log_likelihood"}
KINDS = {
    "softmax": (SOFTMAX, 3, LABELS),
    "names": (SOFTMAX, 3, np.array(["a", "bb", "c"])[LABELS]),
    "one sigmoid": ({"output": "sigmoid", "cost": "cross_entropy"}, 1, LABELS == 0),
    "several labels": (
        {"output": "sigmoid", "cost": "cross_entropy"}, 3, (X[:, :3] > 0).astype(float),
    ),
    "smoothed": ({"output": "softmax", "cost": cr.costs.log_likelihood(0.1)}, 3, LABELS),
    "the book's": ({}, 3, LABELS),
    "hinge": ({"output": "identity", "cost": "hinge"}, 1, np.where(LABELS == 0, 1, -1)),
    "a cost of one's own": ({"output": "softmax", "cost": Focal(2.0)}, 3, LABELS),
    "counts": ({"output": "exponential", "cost": "poisson"}, 2, RNG.poisson(2, (40, 2)) * 1.0),
    "values": ({"output": "identity", "cost": "huber"}, 2, 5 * X[:, :2] ** 2),
    "in units": ({"task": "regression"}, 2, 100 + 5 * X[:, :2] ** 2),
    "normal": ({"task": "regression", "cost": "gaussian"}, 4, 100 + 5 * X[:, :2] ** 2),
    "quantiles": (
        {"task": "regression", "cost": cr.costs.quantile([0.1, 0.5, 0.9])}, 6, 5 * X[:, :2] ** 2,
    ),
}  # fmt: skip
VALUES = ("counts", "values", "in units", "normal", "quantiles")


def networks(kind, n=4, epochs=3):
    """Different ones in all that may differ, trained a little."""
    options, n_out, y = KINDS[kind]
    nets = [
        cr.Network(
            [4, 5 + k, n_out], **options, hidden=["tanh", "relu"][k % 2],
            dtype=["float32", "float64"][k // 2 % 2], seed=k,
        )
        for k in range(n)
    ]  # fmt: skip
    for k, net in enumerate(nets):
        net.fit(X[k:], y[k:], epochs=epochs, optimizer=cr.Adam(0.03))
    return nets


def shares():
    return np.array(WEIGHTS) / sum(WEIGHTS)


def said_by(nets, X=X):
    return np.array([net(X).astype(np.float64) for net in nets])


def mean(kind, nets, w):
    """The mean by the definition, in float64."""
    a = said_by(nets)
    if kind != "normal":
        return np.einsum("k,kmn->mn", w, a)
    mu, variance = a[:, :, :2], np.exp(a[:, :, 2:])
    center = np.einsum("k,kmn->mn", w, mu)
    total = np.einsum("k,kmn->mn", w, variance + (mu - center) ** 2)
    return np.hstack([center, np.log(total)])


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("kind", KINDS)
def test_the_mean(kind, weights):
    nets = networks(kind)
    ensemble = cr.Ensemble(nets, weights)
    expected = mean(kind, nets, np.full(4, 0.25) if weights is None else shares())
    found = ensemble(X)
    assert found.dtype == ensemble.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.ptp(said_by(nets), axis=0).min() > 1e-6  # they do differ
    np.testing.assert_allclose(ensemble(X[7]), found[7], rtol=1e-5)
    np.testing.assert_allclose(ensemble(X[7:8].tolist()), found[7:8], rtol=1e-5)
    single = ensemble[:2](X)  # both in float32
    assert single.dtype == np.float32
    out = np.empty_like(found)
    assert ensemble.feedforward(X, out=out) is out
    assert out.tobytes() == found.tobytes() == ensemble(X, threads=2).tobytes()


def test_one_sample_is_summed_in_order_and_rounded_once():
    nets = [cr.Network([4, 6, 3], seed=k) for k in range(7)]
    weights = np.arange(1.0, 8)
    ensemble, x = cr.Ensemble(nets, weights), X[0].astype("f4")
    total, w = np.zeros(3), weights / 7 / (weights / 7).sum()
    for net, share in zip(nets, w, strict=True):
        total += share * net(x).astype(np.float64)
    assert ensemble(x).tobytes() == total.astype("f4").tobytes()
    assert ensemble(x[None]).tobytes() == ensemble(x).tobytes()
    assert ensemble(x[None]).shape == (1, 3)
    assert ensemble(x.tolist()).tobytes() == ensemble(x).tobytes()
    total[:] = 0  # the same of many samples
    for net, share in zip(nets, w, strict=True):
        total += share * net(X)[5].astype(np.float64)
    assert ensemble(X)[5].tobytes() == total.astype("f4").tobytes()


INPUTS = {
    "float32": X.astype("f4"),
    "bytes": (X * 20 + 128).astype("u1"),
    "half": X.astype("f2"),
    "large whole numbers": (np.abs(X) * 2**60).astype("u8") * 0 + 2**24 + 1,
    "columns": np.asfortranarray(X),
    "lists": X.tolist(),
    "sparse": sparse.csr_array(np.where(X > 0, X, 0)),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_each_reads_inputs_as_it_does_alone(kind):
    """Converted once, to what networks of all dtypes and scalings read."""
    given = INPUTS[kind]
    nets = [
        cr.Network([4, 5, 2], dtype=dtype, input_scale=scale, seed=k)
        for k, (dtype, scale) in enumerate(
            (dtype, scale) for dtype in ("float32", "float64") for scale in (1, 0.5, [1, 2, 1, 1])
        )
    ]
    members = cr.Ensemble(nets).members(given)
    for net, said in zip(nets, members, strict=True):
        assert net(given).astype(np.float64).tobytes() == said.tobytes()


def test_inputs_are_looked_at_once(monkeypatch):
    """However many networks there are; once for each dtype, of those scaled and of those not."""
    looks = []
    monkeypatch.setattr(asked, "as_asked", lambda *a, **k: looks.append(a) or as_asked(*a, **k))
    nets = [cr.Network([4, 5, 2], input_scale=1 + k, seed=k) for k in range(1, 6)]
    cr.Ensemble(nets)(X)
    assert len(looks) == 1
    cr.Ensemble([*nets, cr.Network([4, 2], dtype="float64"), cr.Network([4, 2])]).spread(X)
    assert len(looks) == 1 + 3


def test_sparse_rows_a_piece_at_a_time(monkeypatch):
    monkeypatch.setattr(asked, "MOST_NUMBERS", 1)
    rows = sparse.csr_array(np.tile(np.where(X > 0, X, 0), (31, 1)))  # 1240: 512, and the rest
    nets = [cr.Network([4, 5, 2], seed=k) for k in range(3)]
    expected = np.std([net(rows) for net in nets], axis=0, dtype=np.float64)
    np.testing.assert_allclose(cr.Ensemble(nets).spread(rows), expected, rtol=1e-6)


def test_many_samples_a_piece_at_a_time(monkeypatch):
    """What is asked of all networks together has the bits of one piece."""
    nets = networks("softmax")
    ensemble, many = cr.Ensemble(nets, WEIGHTS), np.tile(X, (60, 1))
    y = np.tile(LABELS, 60)
    answers = lambda: (  # noqa: E731
        ensemble.spread(many), ensemble.votes(many), ensemble.quantiles(many, [0.2, 0.5]),
        np.array(list(ensemble.evaluate(many, y).values())),
    )  # fmt: skip
    whole = answers()
    monkeypatch.setattr(asked, "MOST_NUMBERS", 1)
    for a, b in zip(whole, answers(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_members_and_spread():
    nets = networks("in units")
    ensemble = cr.Ensemble(nets, WEIGHTS)
    said = said_by(nets)
    np.testing.assert_array_equal(ensemble.members(X), said)
    np.testing.assert_array_equal(ensemble.members(X[3]), [net(X[3]) for net in nets])
    center = np.einsum("k,kmn->mn", shares(), said)
    variance = np.einsum("k,kmn->mn", shares(), (said - center) ** 2)
    np.testing.assert_allclose(ensemble.spread(X), np.sqrt(variance), rtol=1e-10)
    np.testing.assert_allclose(cr.Ensemble(nets).spread(X), said.std(axis=0), rtol=1e-10)
    assert ensemble.spread(X[0]).shape == (2,)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in VALUES])
def test_votes_and_answers(kind):
    nets = networks(kind)
    ensemble = cr.Ensemble(nets, WEIGHTS)
    alone = np.array([net.predict(X) for net in nets])  # (K, m), or (K, m, n_L)
    w = np.array(WEIGHTS)
    if kind == "several labels":
        votes = np.einsum("k,kmn->mn", w, alone)
        voted = np.where(2 * votes == w.sum(), ensemble(X) > 0.5, 2 * votes > w.sum())
    else:
        votes = np.einsum("k,kmc->mc", w, alone[:, :, None] == ensemble.classes)
        voted = ensemble.classes[votes.argmax(axis=1)]
        assert (np.sort(votes)[:, -2] < votes.max(axis=1)).all()  # no equals: those are below
    np.testing.assert_allclose(ensemble.votes(X), votes)
    np.testing.assert_array_equal(ensemble.predict(X, vote=True), voted)
    assert ensemble.answers == nets[0].answers
    one = ensemble.predict(X[2], vote=True)
    np.testing.assert_array_equal(one, voted[2])
    a = mean(kind, nets, shares())
    by_mean = {
        "several labels": lambda: a > 0.5,
        "one sigmoid": lambda: a[:, 0] > 0.5,
        "hinge": lambda: np.where(a[:, 0] > 0, 1, 0),
    }.get(kind, lambda: ensemble.classes[a.argmax(axis=1)])()
    np.testing.assert_array_equal(ensemble.predict(X), by_mean)
    np.testing.assert_array_equal(ensemble.predict(X[2]), by_mean[2])


def constant(*outputs, **options):
    """A network that always says these."""
    return cr.Network(
        [4, len(outputs)], output="identity",
        init=lambda rng, n_in, n_out: (np.zeros((n_out, n_in)), outputs), **options,
    )  # fmt: skip


def test_between_equal_votes_the_mean_decides():
    nets = [constant(1.0, 0.0, 0.9), constant(0.0, 2.0, 1.9)]  # the mean: 0.5, 1.0, 1.4
    for net in nets:
        net.classes = ["a", "b", "c"]
    ensemble = cr.Ensemble(nets)
    assert ensemble.votes(X[:1]).tolist() == [[1, 1, 0]]
    assert ensemble.predict(X[0], vote=True) == "b"
    assert ensemble.predict(X[0]) == "c"
    pairs = [constant(0.9, cost="hinge"), constant(-0.8, cost="hinge")]
    assert cr.Ensemble(pairs).predict(X[0], vote=True) == 1
    assert cr.Ensemble(pairs, [1, 2]).predict(X[0], vote=True) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_cost_is_that_of_the_mean(kind):
    """As a network says it whose outputs are that mean."""
    nets, y = networks(kind), KINDS[kind][2]
    ensemble = cr.Ensemble(nets, WEIGHTS)
    first, a = nets[0], mean(kind, nets, shares())
    into = {"cross_entropy": lambda a: np.log(a / (1 - a)), "log_likelihood": np.log,
            "poisson": np.log}.get(first._cost.name, first._output_scaling.outputs)  # fmt: skip
    is_bound = first._cost.name in ("cross_entropy", "log_likelihood", "poisson")
    n = a.shape[1]
    head = cr.Network(
        [n, n], output=first.output if is_bound else "identity", cost=first.cost, dtype="float64",
        output_scale=first.output_scale, output_shift=first.output_shift,
        init=lambda rng, n_in, n_out: (np.eye(n), np.zeros(n)),
    )  # fmt: skip
    if kind == "names":
        head.classes = first.classes
    z = into(a)
    np.testing.assert_allclose(head(z), a, rtol=1e-7)  # to float32, which some networks are of
    w = np.arange(40.0)
    for options in ({}, {"sample_weight": w}):
        expected = head.evaluate(z, y, **options)
        found = ensemble.evaluate(X, y, **options)
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, rel=1e-6)
    alone = cr.Ensemble(nets[:1]).evaluate(X, y)
    assert alone == pytest.approx(nets[0].evaluate(X, y), rel=1e-5)


def test_each_cost_of_one_output_says_how_it_is_joined():
    bound = {name for name, output in _core.COST_OUTPUTS.items() if output is not None}
    assert bound == POOLS.keys()


@pytest.mark.parametrize("z", [-400.0, -30.0, 20.0, 60.0, 500.0])
@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood", "poisson"])
def test_the_cost_is_right_where_outputs_round(cost, z):
    """-ln of 1 - a, where a is 1 to the last bit of float32, has a value all the same."""
    outputs = {"cross_entropy": "sigmoid", "log_likelihood": "softmax", "poisson": "exponential"}
    at = [z, z - 2] if cost != "poisson" else [min(z, 60.0), min(z, 60.0) - 2]
    nets = [
        cr.Network(
            [4, 2], output=outputs[cost], cost=cost,
            init=lambda rng, n_in, n_out, z=z: (np.zeros((n_out, n_in)), [z, 0.0]),
        )
        for z in at
    ]  # fmt: skip
    y = np.array([[0.0, 1.0]])
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(400):
        e = [mpmath.exp(each) for each in at]
        if cost == "cross_entropy":
            no = sum(1 / (1 + each) for each in e) / 2
            expected = -mpmath.log(no) - mpmath.log(0.5)
        elif cost == "log_likelihood":
            expected = -mpmath.log(sum(1 / (1 + each) for each in e) / 2)
        else:
            expected = sum(e) / 2 + 1
        expected = float(expected)
    assert cr.Ensemble(nets).evaluate(X[:1], y)["cost"] == pytest.approx(expected, rel=1e-9)


# ------------------------------------------------------------------------------------- quantiles


def test_quantiles_of_numbers():
    nets = networks("in units", 7)
    ensemble, levels = cr.Ensemble(nets), [0.0, 0.03, 0.25, 0.5, 0.9, 1.0]
    expected = np.quantile(said_by(nets), levels, axis=0, method="hazen")
    np.testing.assert_allclose(ensemble.quantiles(X, levels), expected, rtol=1e-12)
    np.testing.assert_allclose(ensemble.quantiles(X, 0.5), expected[3], rtol=1e-12)
    assert ensemble.quantiles(X[0], levels).shape == (6, 2)
    low, high = ensemble.interval(X, 0.5)
    np.testing.assert_allclose(low, expected[2], rtol=1e-12)
    np.testing.assert_allclose(
        high, np.quantile(said_by(nets), 0.75, axis=0, method="hazen"), rtol=1e-12
    )


def test_quantiles_by_weights():
    nets = [constant(a, dtype="float64") for a in (3.0, 1.0, 2.0, 9.0)]
    ensemble = cr.Ensemble(nets, [2, 1, 5, 0])  # 1, 2, 3 in the middle of 1/8, 5/8 and 2/8
    places, values = [1 / 16, 7 / 16, 14 / 16], [1.0, 2.0, 3.0]
    q = np.linspace(0, 1, 33)
    np.testing.assert_allclose(
        ensemble.quantiles(X[0], q)[:, 0], np.interp(q, places, values), rtol=1e-12
    )
    assert cr.Ensemble(nets[:1]).quantiles(X[0], [0.1, 0.9]).tolist() == [[3], [3]]


def test_quantiles_of_a_mixture_of_normal_distributions():
    nets = networks("normal")
    ensemble, levels = cr.Ensemble(nets, WEIGHTS), [0.001, 0.05, 0.5, 0.95]
    a = said_by(nets)
    found = ensemble.quantiles(X, levels)
    assert found.shape == (4, 40, 2)
    for i, q in enumerate(levels):
        for m in range(0, 40, 13):
            for n in range(2):
                below = sum(
                    w * NormalDist(mu, np.exp(s / 2)).cdf(found[i, m, n])
                    for w, mu, s in zip(shares(), a[:, m, n], a[:, m, n + 2], strict=True)
                )
                assert below == pytest.approx(q, rel=1e-9)
    one = cr.Ensemble(nets[2:3])
    mu, s = one.members(X[0])[0, :2], one.members(X[0])[0, 2:]
    expected = mu + NormalDist().inv_cdf(0.95) * np.exp(s / 2)
    np.testing.assert_allclose(one.interval(X[0])[1], expected, rtol=1e-12)
    with pytest.raises(ValueError, match="above 0 and below 1"):
        ensemble.quantiles(X, [0.5, 1.0])


def test_quantiles_of_networks_that_learned_levels():
    nets = networks("quantiles")
    ensemble = cr.Ensemble(nets, WEIGHTS)
    by_level = ensemble(X).reshape(40, 2, 3)
    np.testing.assert_allclose(ensemble.quantiles(X, 0.5), by_level[:, :, 1], rtol=1e-12)
    np.testing.assert_allclose(
        ensemble.interval(X, 0.8), by_level[:, :, [0, 2]].transpose(2, 0, 1), rtol=1e-12
    )
    with pytest.raises(ValueError, match=r"among the levels .* 0.1, 0.5, 0.9; got \[0.2\]"):
        ensemble.quantiles(X, [0.2])


# ------------------------------------------------------------------------------------- selection


def cost_of(nets, chosen, y):
    """The cost of the mean of softmax outputs."""
    p = np.mean([net(X).astype(np.float64) for net in (nets[k] for k in chosen)], axis=0)
    return -np.log(p[np.arange(len(y)), y]).mean(), (p.argmax(axis=1) == y).sum()


@pytest.mark.parametrize("figure", ["cost", "accuracy"])
def test_greedy_selection(figure):
    nets = networks("softmax", 6)
    for net in nets:
        net.parameters += np.random.default_rng(net.seed).normal(0, 0.5, net.parameters.shape)
    chosen, best = [], None
    for _ in range(9):
        figures = [cost_of(nets, [*chosen, k], LABELS) for k in range(6)]
        keys = [(-right if figure == "accuracy" else cost, cost) for cost, right in figures]
        k = min(range(6), key=keys.__getitem__)
        chosen.append(k)
        if best is None or keys[k] < best[0]:
            best = keys[k], list(chosen)
    counts = np.bincount(best[1], minlength=6)
    assert len(best[1]) > 1
    selected = cr.Ensemble(nets).select(X, LABELS, size=9, figure=figure)
    assert list(selected) == [nets[k] for k in np.flatnonzero(counts)]
    assert selected.weights.tolist() == counts[counts > 0].tolist()
    assert selected.evaluate(X, LABELS)["cost"] == pytest.approx(best[0][1], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_that_is_selected_is_the_best(kind):
    nets, y = networks(kind), KINDS[kind][2]
    costs = [cr.Ensemble([net]).evaluate(X, y)["cost"] for net in nets]
    if kind in ("in units", "normal", "quantiles"):  # of which each has another scale
        costs = [cr.Ensemble(nets, np.eye(4)[k]).evaluate(X, y)["cost"] for k in range(4)]
    (best,) = cr.Ensemble(nets).select(X, y, size=1)
    assert best is nets[int(np.argmin(costs))]
    more = cr.Ensemble(nets).select(X, y, size=12)
    assert more.weights.sum() <= 12


# --------------------------------------------------------------------------------------- training


def test_fit_many_takes_it():
    nets, alone = networks("softmax"), networks("softmax")
    histories = cr.fit_many(cr.Ensemble(nets), X, LABELS, epochs=2)
    assert not histories.failed
    for net, twin in zip(nets, alone, strict=True):
        twin.fit(X, LABELS, epochs=2)
        assert carried(net) == carried(twin)


def test_fit():
    nets, alone = networks("softmax"), networks("softmax")
    histories = cr.Ensemble(nets).fit(X, LABELS, epochs=2, each=[{"l2": 0.1 * k} for k in range(4)])
    assert len(histories) == 4
    for k, (net, twin) in enumerate(zip(nets, alone, strict=True)):
        twin.fit(X, LABELS, epochs=2, l2=0.1 * k)
        assert carried(net) == carried(twin)


def test_bootstrap():
    """Each is trained on the documented rows, twice on the same."""
    new = lambda: [cr.Network([4, 5, 3], **SOFTMAX, seed=10 * k) for k in range(4)]  # noqa: E731
    nets, alone, some = new(), new(), np.arange(0, 40, 2)
    ensemble = cr.Ensemble(nets)
    for _ in range(2):
        ensemble.fit(X, LABELS, bootstrap=True, epochs=2, each=[{}, {}, {}, {"rows": some}])
    for k, net in enumerate(alone):
        rows = np.arange(40) if k < 3 else some
        rows = rows[np.random.default_rng((10 * k, 1)).integers(len(rows), size=len(rows))]
        net.fit(X, LABELS, rows=rows, epochs=4)
        assert carried(net) == carried(nets[k])
    assert len({net.parameters.tobytes() for net in nets}) == 4


def test_bootstrap_knows_classes_that_a_draw_lacks():
    y = np.array(["rare", "often"])[np.minimum(np.arange(40), 1)]
    nets = [cr.Network([4, 5, 2], **SOFTMAX, seed=k) for k in range(8)]
    draws = [np.random.default_rng((k, 1)).integers(40, size=40) for k in range(8)]
    assert not all(0 in rows for rows in draws)
    ensemble = cr.Ensemble(nets)
    assert not ensemble.fit(X, y, bootstrap=True, epochs=1).failed
    assert ensemble.classes.tolist() == ["often", "rare"]
    assert set(ensemble.predict(X)) <= {"often", "rare"}


REFUSED = {
    "no samples": ({"y": None}, ValueError, "batches have none"),
    "a split": ({"validation_split": 0.2}, ValueError, "validation_split would hold out"),
    "a split of one": (
        {"each": [{}, {"validation_split": 0.2}]}, ValueError, "validation_split would hold out",
    ),
    "an option": ({"epochs": -1}, ValueError, "epochs"),
    "a word": ({"bootstrap": "yes"}, TypeError, "bootstrap"),
    "rows": ({"rows": [40]}, ValueError, r"nets\[0\]: rows must be from 0 to 39"),
    "few targets": ({"y": LABELS[:9]}, ValueError, "y must have 40 rows"),
    "few dicts": ({"each": [{}]}, ValueError, "for each of 2 nets; got 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_bootstrap_that_does_not_fit_changes_nothing(name):
    options, error, message = REFUSED[name]
    nets = [cr.Network([4, 5, 3], **SOFTMAX, seed=k) for k in range(2)]
    before = [(carried(net), net._settled) for net in nets]
    given = {"y": np.array(["a", "b", "c"])[LABELS], "bootstrap": True} | options
    with pytest.raises(error, match=message):
        cr.Ensemble(nets).fit(X, given.pop("y"), **given)
    assert [(carried(net), net._settled) for net in nets] == before


@pytest.mark.parametrize(
    "batches", [lambda: iter([(X, LABELS)]), [(X, LABELS)], iter([(X, LABELS)])]
)
def test_a_bootstrap_of_batches_is_refused_whatever_hands_them_out(batches):
    nets = [cr.Network([4, 5, 3], **SOFTMAX, seed=k) for k in range(2)]
    before = list(map(carried, nets))
    with pytest.raises(ValueError, match=r"nets\[0\]: bootstrap=True.*batches have none"):
        cr.Ensemble(nets).fit(batches, bootstrap=True, epochs=1)
    assert list(map(carried, nets)) == before


@pytest.mark.parametrize("bootstrap", [False, True])
def test_one_in_training_elsewhere_is_refused(bootstrap):
    nets = [cr.Network([4, 3], **SOFTMAX, seed=k) for k in range(2)]
    ensemble = cr.Ensemble(nets)

    def again(net, history):
        before = nets[0]._settled
        with pytest.raises(RuntimeError, match="in training"):
            ensemble.fit(X, np.array(["a", "b", "c"])[LABELS], bootstrap=bootstrap)
        assert nets[0]._settled == before
        assert ensemble(X).shape == (40, 3)  # it may be asked meanwhile

    nets[1].fit(X, LABELS, epochs=1, callbacks=again)
    assert [net.epochs_trained for net in nets] == [0, 1]


def test_a_bootstrap_needs_different_seeds():
    nets = [cr.Network([4, 3], **SOFTMAX, seed=seed) for seed in (3, 4, 3)]
    with pytest.raises(ValueError, match=r"nets\[0\] and nets\[2\] have the same seed, 3"):
        cr.Ensemble(nets).fit(X, LABELS, bootstrap=True)


# ------------------------------------------------------------------------------- what it is made of


def test_a_sequence():
    nets = networks("softmax")
    ensemble = cr.Ensemble(iter(nets), WEIGHTS)
    assert len(ensemble) == 4
    assert ensemble[1] is nets[1]
    assert list(ensemble) == nets
    assert nets[2] in ensemble
    assert list(reversed(ensemble)) == nets[::-1]
    best = ensemble[::2]
    assert isinstance(best, cr.Ensemble)
    assert best.weights.tolist() == [1.0, 2.5]
    with pytest.raises(AttributeError):
        ensemble.weights = [1, 1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        ensemble.weights[0] = 3
    assert "of 4 networks" in repr(ensemble)
    assert "weights=[1.0, 0.0, 2.5, 0.5]" in repr(ensemble)


@pytest.mark.parametrize(
    "twin_of",
    [cr.Ensemble.copy, copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))],
    ids=["method", "copy", "deepcopy", "pickle"],
)
def test_copies_are_of_their_own(twin_of):
    ensemble = cr.Ensemble(networks("names"), WEIGHTS)
    twin, before = twin_of(ensemble), ensemble(X)
    assert twin(X).tobytes() == before.tobytes()
    assert twin.weights.tolist() == WEIGHTS
    assert not twin.weights.flags.writeable
    for net in twin:
        net.parameters[:] = 0
    assert ensemble(X).tobytes() == before.tobytes()


@pytest.mark.parametrize("weights", [[1e308, 1e308], [5e-324, 5e-324]])
def test_weights_of_any_size(weights):
    ensemble = cr.Ensemble([constant(1.0), constant(3.0)], weights)
    assert ensemble(X[0]).tolist() == [2.0]


UNLIKE = {
    "inputs": (cr.Network([5, 3], **SOFTMAX), r"nets\[0\] has inputs 4, nets\[1\] 5"),
    "outputs": (cr.Network([4, 2], **SOFTMAX), r"nets\[0\] has outputs 3, nets\[1\] 2"),
    "output": (cr.Network([4, 3]), r"has output softmax.*nets\[1\] sigmoid"),
    "cost": (cr.Network([4, 3], output="softmax"), r"has cost log_likelihood.*nets\[1\] quadratic"),
    "a parameter": (
        cr.Network([4, 3], output="softmax", cost=cr.costs.log_likelihood(0.1)),
        r"has cost .*, nets\[1\] log_likelihood\(smoothing=0.1\)",
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_networks_that_answer_another_question(name):
    other, message = UNLIKE[name]
    with pytest.raises(ValueError, match=message):
        cr.Ensemble([cr.Network([4, 3], **SOFTMAX), other])


def test_networks_that_learned_other_classes(tmp_path):
    nets = [cr.Network([4, 3], **SOFTMAX, seed=k) for k in range(3)]
    ensemble = cr.Ensemble(nets)
    nets[1].fit(X, np.array(["a", "b", "c"])[LABELS], epochs=1)
    assert ensemble.classes.tolist() == ["a", "b", "c"]
    nets[2].fit(X, np.array(["a", "b", "d"])[LABELS], epochs=1)
    of_labels = (partial(ask, y=LABELS) for ask in (ensemble.evaluate, ensemble.select))
    for ask in (ensemble.predict, ensemble.votes, *of_labels, lambda X: ensemble.save(tmp_path)):
        with pytest.raises(ValueError, match=r"nets\[1\] has classes .*'c'.*, nets\[2\] .*'d'"):
            ask(X)
    values = cr.Network([4, 3], seed=1), cr.Network([4, 3], seed=2)
    values[0].fit(X, LABELS, epochs=1)
    values[1].fit(X, (X[:, :3] > 0) * 1.0, epochs=1)
    with pytest.raises(ValueError, match=r"has answers classes, nets\[1\] multilabel"):
        cr.Ensemble(values)


GOOD = cr.Network([4, 3], **SOFTMAX, seed=0)
MADE = {
    "none": (([],), ValueError, "got none"),
    "no network": (([GOOD, "net"],), TypeError, r"nets\[1\] must be a chainrule.Network; got str"),
    "twice": (([GOOD, GOOD],), ValueError, r"nets\[0\] and nets\[1\] are one"),
    "few weights": (([GOOD], [1, 2]), ValueError, "for each of 1 networks"),
    "below 0": (([GOOD], [-1]), ValueError, "0 or more"),
    "all 0": (([GOOD], [0]), ValueError, "not all 0"),
    "NaN": (([GOOD], [np.nan]), ValueError, "weights must be finite"),
    "text": (([GOOD], ["a"]), TypeError, "weights must hold real numbers"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_no_ensemble(name):
    given, error, message = MADE[name]
    with pytest.raises(error, match=message):
        cr.Ensemble(*given)


ASKED = {
    "shape": (lambda e: e(np.zeros((3, 5))), ValueError, "X has 5 columns"),
    "one of another": (lambda e: e(np.zeros(5)), ValueError, r"or \(4,\); got shape \(5,\)"),
    "NaN": (lambda e: e(np.full((3, 4), np.nan)), ValueError, "X must be finite"),
    "one with NaN": (lambda e: e(np.full(4, np.nan)), ValueError, "X must be finite"),
    "threads": (lambda e: e(X[0], threads=0), ValueError, "threads"),
    "out": (lambda e: e.feedforward(X, out=np.zeros(3)), ValueError, "out must be"),
    "a vote": (lambda e: e.predict(X, vote=1), TypeError, "vote"),
    "level": (lambda e: e.interval(X, 1.0), ValueError, "level must be"),
    "q": (lambda e: e.quantiles(X, [0.5, 1.5]), ValueError, "q must be from 0 to 1"),
    "no q": (lambda e: e.quantiles(X, []), ValueError, "q must be a level"),
    "size": (lambda e: e.select(X, LABELS, size=0), ValueError, "size must be"),
    "figure": (lambda e: e.select(X, LABELS, figure="auc"), ValueError, "figure"),
    "one to evaluate": (lambda e: e.evaluate(X[0], LABELS[:1]), ValueError, "got one sample"),
    "labels": (lambda e: e.evaluate(X, LABELS + 1), ValueError, "y must hold"),
    "few labels": (lambda e: e.select(X, LABELS[1:]), ValueError, "each of the 40 samples"),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_cannot_be_asked(name):
    ask, error, message = ASKED[name]
    with pytest.raises(error, match=message):
        ask(cr.Ensemble(networks("softmax")))


def test_values_have_no_votes_and_no_accuracy():
    ensemble = cr.Ensemble(networks("values"))
    for ask in (ensemble.votes, lambda X: ensemble.predict(X, vote=True)):
        with pytest.raises(ValueError, match="votes are of classes"):
            ask(X)
    with pytest.raises(ValueError, match="needs targets that are classes"):
        ensemble.select(X, KINDS["values"][2], figure="accuracy")


def test_nothing_can_be_asked_before_scales_are_set():
    ensemble = cr.Ensemble([cr.Network([4, 1], task="regression", seed=k) for k in range(2)])
    for ask in (ensemble, ensemble.members, ensemble.spread):
        with pytest.raises(ValueError, match="not trained yet"):
            ask(X)


def test_what_is_too_large_for_one_is_refused():
    """Also where another has room for it."""
    scales = ([1e30, 1, 1, 1], [1, 1, 1, 1e30])
    nets = [cr.Network([4, 2], input_scale=scale, seed=0) for scale in scales]
    x = np.ones((2, 4), "f4")
    for column in (0, 3):
        x[:] = 1
        x[1, column] = 1e20
        assert sum(_takes(net, x) for net in nets) == 1
        with pytest.raises(
            ValueError, match=rf"X\[1, {column}\] is 1.0.*e\+20, too large for float32"
        ):
            cr.Ensemble(nets)(x)
    x[1] = [1, 1e20, 1, 1]  # which both take
    cr.Ensemble(nets)(x)
    nets = [cr.Network([4, 2], input_scale=scale, seed=0) for scale in (2, 1e30, 0.5)]
    with pytest.raises(ValueError, match=r"X\[1, 1\] is .*e\+20, too large for float32"):
        cr.Ensemble(nets)(x)


def _takes(net, x):
    try:
        net(x)
    except ValueError:
        return False
    return True


def test_frames_are_taken_by_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    nets = [cr.Network([4, 3], **SOFTMAX, seed=k) for k in range(2)]
    ensemble = cr.Ensemble(nets)
    ensemble.fit(frame, LABELS, bootstrap=True, epochs=1)
    assert ensemble(frame).tobytes() == ensemble(X).tobytes()
    with pytest.raises(ValueError, match=r"X must have the columns"):
        ensemble(frame[list("abdc")])
    other = cr.Network([4, 3], **SOFTMAX, seed=2)
    other.fit(frame[list("abdc")], LABELS, epochs=1)
    with pytest.raises(ValueError, match=r"nets\[0\] has input_names .*nets\[1\]"):
        cr.Ensemble([nets[0], other])
