"""Network(trainable_scale=True): a scale s of the inputs that is learned with the weights."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.checks.samples import Samples
from chainrule.training.full_batch.cost import FullBatch
from optimizer_cases import CASES, DEFAULT_RATE, TOLERANCE
from optimizer_oracle import Replay
from oracle import assert_close
from ranks_in_threads import shard, together

DTYPES = ["float32", "float64"]
S = [1.5, -0.5, 0.0, 0.25, 2.0]  # at 0 a gradient is easily lost
RATES = [(0.5, 2.0), (1.5, 0.25), 6.0]
PENALTIES = {"l1": 0.01, "l2": 0.1, "max_norm": 0.9, "clip_norm": 0.05, "average": 0.8}


def drawn(draw_problem, rows=47, sizes=(5, 7, 3), dtype="float64", **options):
    """(net, x, y): a network whose s is S, and data."""
    options = {"hidden": "tanh"} | options
    net, x, y = draw_problem(sizes, rows, dtype=dtype, trainable_scale=True, **options)
    net.scale[:] = S
    return net, x, y


def plain(net, **options):
    """The network with W^2 diag s in the place of W^2 and s."""
    twin = cr.Network(net.sizes, hidden=net.hidden, dtype=net.dtype, seed=0, **options)
    twin.parameters = net.parameters[: twin.parameters.size]
    twin.weights[0][:] *= net.scale
    return twin


def test_it_begins_at_1_at_the_end_of_the_parameters():
    net = cr.Network([3, 4, 2], trainable_scale=True, seed=0)
    twin = cr.Network([3, 4, 2], seed=0)
    assert net.parameters.size == twin.parameters.size + 3
    assert (net.parameters[:-3] == twin.parameters).all()
    assert (net.scale == 1).all()
    assert twin.scale.shape == (0,)
    net.parameters[-3:] = [1, 2, 3]
    assert net.scale.tolist() == [1, 2, 3]
    net.scale[0] = 5
    assert net.parameters[-3] == 5
    assert "trainable_scale=True" in repr(net)
    assert "trainable_scale" not in repr(twin)


def test_it_does_nothing_while_it_is_1(draw_problem):
    _, x, _ = drawn(draw_problem)
    net = cr.Network([5, 7, 3], trainable_scale=True, dtype="float64", seed=0)
    twin = cr.Network([5, 7, 3], dtype="float64", seed=0)
    assert (net(x) == twin(x)).all()
    assert (net(x[0]) == twin(x[0])).all()


def test_all_that_is_asked_reads_s_x(draw_problem):
    net, x, y = drawn(draw_problem)
    twin = plain(net)
    for ask in (
        lambda net: net(x),
        lambda net: net(x[0]),
        lambda net: net(x[0].tolist()),
        lambda net: net.predict(x),
        lambda net: net.feedforward(x, threads=2),
        lambda net: net.evaluate(x, y)["cost"],
        lambda net: net.backprop(x, y, inputs=True).inputs,
        lambda net: net.jacobian(x),
        lambda net: net.jacobian(x[0]),
        lambda net: net.sensitivity(x[0]).inputs,
        lambda net: net.input_hessian(x[0], output=1),
        lambda net: np.concatenate(net.trace(x, y).delta, axis=1),
    ):
        assert_close(ask(net), ask(twin), 1e-12)


def test_a_written_scale_counts_at_once(draw_problem):
    net, x, _ = drawn(draw_problem)
    net.scale[:] = S[::-1]
    assert_close(net(x), plain(net)(x), 1e-12)
    net.weights[0][:] *= 2
    assert_close(net(x[0]), plain(net)(x[0]), 1e-12)


def by_differences(f, w, h=1e-6):
    """∂f/∂w, central, entry by entry of the writable w."""
    found = np.empty(w.size)
    for i, kept in enumerate(w.copy()):
        w[i] = kept + h
        above = f()
        w[i] = kept - h
        found[i] = (above - f()) / (2 * h)
        w[i] = kept
    return found


@pytest.mark.parametrize("rows", [47, 700])  # of one tile, and of groups of tiles
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_by_differences(draw_problem, rows, weighted):
    net, x, y = drawn(draw_problem, rows)
    weights = {"sample_weight": np.linspace(0, 2, rows)} if weighted else {}
    nabla = net.backprop(x, y, **weights)
    assert nabla.scale.shape == (5,)
    assert np.abs(nabla.scale).min() > 1e-5
    expected = by_differences(lambda: net.evaluate(x, y, **weights)["cost"], net.parameters)
    assert np.abs(expected[-5:]).min() > 1e-5
    assert_close(nabla.parameters, expected, 1e-8)


def test_gradients_of_samples_and_of_outputs_by_differences(draw_problem):
    net, x, y = drawn(draw_problem, 3)
    nabla = net.trace(x, y, gradients=True).gradients
    s = net.sensitivity(x[1])
    for i in range(3):
        of_cost = by_differences(
            lambda i=i: net.evaluate(x[i : i + 1], y[i : i + 1])["cost"], net.scale
        )
        of_output = by_differences(lambda i=i: net(x[1])[i], net.scale)
        assert np.abs(of_cost).min() > 1e-5
        assert_close(nabla.scale[i], of_cost, 1e-8)
        assert_close(s.scale[i], of_output, 1e-8)


def test_hessian_by_differences_of_gradients(draw_problem):
    net, x, y = drawn(draw_problem)
    v = np.random.default_rng(3).normal(size=net.parameters.size)
    kept, h = net.parameters.copy(), 1e-5
    ends = []
    for step in (h, -h):
        net.parameters = kept + step * v
        ends.append(net.backprop(x, y).parameters)
    net.parameters = kept
    expected = (ends[0] - ends[1]) / (2 * h)
    found = net.hessian_vector(x, y, v)
    assert np.abs(expected[-5:]).min() > 1e-4
    assert_close(found.scale, expected[-5:], 1e-8)
    assert_close(found.parameters, expected, 1e-8)


class Oracle:
    """[5, 7, 3] with tanh, sigmoid and the quadratic cost: (m, n) arrays, float64, no more."""

    def __init__(self, net):
        self.at = [each.copy() for each in (*net.weights, *net.biases, net.scale)]

    def gradient(self, x, y):
        W2, W3, b2, b3, s = self.at
        a2 = np.tanh(x @ (W2 * s).T + b2)
        a3 = 1 / (1 + np.exp(-(a2 @ W3.T + b3)))
        delta3 = (a3 - y) * a3 * (1 - a3) / len(x)
        delta2 = delta3 @ W3 * (1 - a2**2)
        by_E = delta2.T @ x
        return [by_E * s, delta3.T @ a2, delta2.sum(0), delta3.sum(0), (W2 * by_E).sum(0)]

    @property
    def parameters(self):
        W2, W3, b2, b3, s = self.at
        return np.concatenate([W2.ravel(), b2, W3.ravel(), b3, s])


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_20_steps_of_an_oracle(draw_problem, rule):
    net, x, y = drawn(draw_problem, 40)
    oracle, m, v = Oracle(net), [0] * 5, [0] * 5
    start, factors, rate = net.parameters.copy(), [0.5, 1.5, 2.0, 0.25, 6.0], 0.05
    for t in range(1, 21):
        batch = slice((t - 1) % 4 * 10, (t - 1) % 4 * 10 + 10)
        for k, g in enumerate(oracle.gradient(x[batch], y[batch])):
            if rule == "Adam":
                m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.95 * v[k] + 0.05 * g**2
                g = m[k] / (1 - 0.9**t) / (np.sqrt(v[k] / (1 - 0.95**t)) + 1e-8)
            oracle.at[k] = oracle.at[k] - rate * factors[k] * g
    optimizer = cr.SGD(rate) if rule == "SGD" else cr.Adam(rate, beta2=0.95)
    net.fit(x, y, optimizer=optimizer, epochs=5, batch_size=10, shuffle=False, rates=RATES)
    assert_close(net.parameters, oracle.parameters, 1e-11)
    assert np.abs(net.parameters - start).min() > 1e-6


@pytest.mark.parametrize("limits", [{}, PENALTIES], ids=["plain", "penalties"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_every_optimizer(draw_problem, case, dtype, limits):
    """By the replay in NumPy, which decays weights alone."""
    name, settings = CASES[case]
    net, x, y = drawn(draw_problem, dtype=dtype)
    twin, _, _ = drawn(draw_problem)
    twin.parameters = net.parameters
    replay = Replay(twin, name, **{k: v for k, v in settings.items() if k != "learning_rate"})
    factors = [1.0] * 5 if name == "Rprop" else [0.5, 2.0, 1.5, 0.25, 6.0]
    parts = (net.weights[0], net.biases[0], net.weights[1], net.biases[1], net.scale)
    each = np.concatenate([np.full(p.size, f) for p, f in zip(parts, factors, strict=True)])
    rate = settings.get("learning_rate", DEFAULT_RATE[name])
    start = net.scale.copy()
    for _ in range(5):
        given = itertools.repeat(rate if name == "Rprop" else rate * each)
        replay.epoch(x.astype(float), y.astype(float), 10, given, **limits)
    rates = None if name == "Rprop" else RATES
    rule = getattr(cr, name)(**settings)
    net.fit(x, y, optimizer=rule, epochs=5, batch_size=10, shuffle=False, rates=rates, **limits)
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert np.abs(net.scale - start).max() > 10 * TOLERANCE[dtype]
    for state in rule.states:
        assert_close(net.optimizer_state[state], replay.state[state], 100 * TOLERANCE[dtype])
    if limits:
        assert_close(net.optimizer_state["average"], replay.average, TOLERANCE[dtype])


@pytest.mark.parametrize("rows", [47, 1101])
@pytest.mark.parametrize("sizes", [(5, 40, 3), (5, 300, 300, 3)])  # by samples, by neurons
@pytest.mark.parametrize("rule", [cr.SGD(0.1), cr.Adam(0.01)], ids=["SGD", "Adam"])
def test_threads_change_no_bit(draw_problem, rows, sizes, rule):
    found = set()
    for threads in (1, 2, 3):
        net, x, y = drawn(draw_problem, rows, sizes, dtype="float32")
        options = {"average": 0.9, "max_norm": 1.0, "l2": 0.01, "threads": threads}
        net.fit(x, y, optimizer=rule, epochs=2, batch_size=rows, **options)
        found.add((net.parameters.tobytes(), net.optimizer_state["average"].tobytes()))
    assert len(found) == 1
    assert (net.scale != S).all()


def test_0_freezes_it(draw_problem):
    net, x, y = drawn(draw_problem)
    options = {"optimizer": cr.Adam(0.01), "epochs": 2, "batch_size": 10}
    net.fit(x, y, **options)
    before, state = net.parameters.copy(), net.optimizer_state["mean"].copy()
    net.fit(x, y, **options, rates=[1, 1, 0])
    assert (net.scale == before[-5:]).all()
    assert (net.optimizer_state["mean"][-5:] == state[-5:]).all()
    assert (net.parameters[:-5] != before[:-5]).mean() > 0.9
    frozen = net.parameters.copy()
    net.fit(x, y, **options, rates=[0, 0, 1])
    assert (net.parameters[:-5] == frozen[:-5]).all()
    assert (net.scale != frozen[-5:]).all()


def trained(draw_problem, rows=47, dtype="float32", **options):
    """A network on its way, with momentum, and its data."""
    net, x, y = drawn(draw_problem, rows, dtype=dtype)
    net.fit(x, y, optimizer=cr.Adam(0.01), epochs=2, batch_size=10, **options)
    return net, x, y


COPIES = {
    "copy": lambda net, folder: net.copy(),
    "copy.deepcopy": lambda net, folder: copy.deepcopy(net),
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)),
    "file": lambda net, folder: (net.save(folder / "net.npz"), cr.load(folder / "net.npz"))[1],
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_and_files_go_on_to_the_same_bits(draw_problem, tmp_path, way):
    net, x, y = trained(draw_problem)
    again = COPIES[way](net, tmp_path)
    assert (again.scale == net.scale).all()
    assert not np.shares_memory(again.scale, net.scale)
    assert np.shares_memory(again.scale, again.parameters)
    for each in (net, again):
        each.fit(x, y, epochs=2, batch_size=10)
    assert again.parameters.tobytes() == net.parameters.tobytes()
    assert (again(x[0]) == net(x[0])).all()


def test_files_name_it_only_where_it_is(draw_problem, tmp_path):
    for net in (drawn(draw_problem)[0], cr.Network([5, 7, 3])):
        net.save(tmp_path / "net.npz")
        with np.load(tmp_path / "net.npz") as arrays:
            header = arrays["header"].tobytes()
            assert arrays["parameters"].size == net.parameters.size
        assert (b'"trainable_scale": true' in header) == bool(net.scale.size)


def test_averages_and_blends_have_it(draw_problem):
    net, _, _ = trained(draw_problem, average=0.9)
    mean = net.averaged()
    assert (mean.scale == net.optimizer_state["average"][-5:]).all()
    assert (mean.scale != net.scale).all()
    half = (mean.scale + net.scale) / 2
    mean.blend(net, 0.5)
    assert_close(mean.scale, half, 1e-6)
    with pytest.raises(ValueError, match="alike in sizes, bias, dtype and trainable_scale"):
        mean.blend(cr.Network([5, 7, 3], hidden="tanh"), 0.5)


def test_checkpoints_resume_to_the_same_bits(draw_problem, tmp_path):
    whole, x, y = drawn(draw_problem)
    part, _, _ = drawn(draw_problem)
    options = {"optimizer": cr.Adam(0.01), "rates": RATES, "batch_size": 10}
    whole.fit(x, y, **options, epochs=4)
    part.fit(x, y, **options, epochs=2, callbacks=cr.Checkpoint(tmp_path / "run.npz"))
    cr.resume(tmp_path / "run.npz", x, y, epochs=4)
    assert cr.load(tmp_path / "run.npz").parameters.tobytes() == whole.parameters.tobytes()


@pytest.mark.parametrize("sizes", [(5, 7, 3), (5, 64, 64, 3)])
def test_fit_many_and_ensembles(draw_problem, sizes):
    nets, alone = [], []
    for seed in range(3):
        for into in (nets, alone):
            net, x, y = drawn(draw_problem, 100, sizes, dtype="float32", seed=seed)
            into.append(net)
    options = {"optimizer": cr.AdamW(0.01), "epochs": 2, "batch_size": 32, "drop_last": True}
    options["rates"] = [(1, 0.1)] * (len(sizes) - 1) + [6]
    cr.fit_many(nets, x, y, **options, threads=2)
    for net, other in zip(nets, alone, strict=True):
        other.fit(x, y, **options)
        assert net.parameters.tobytes() == other.parameters.tobytes()
    assert_close(cr.Ensemble(nets)(x), sum(net(x) for net in nets) / 3, 1e-6)
    assert_close(cr.Ensemble(nets)(x[0]), sum(net(x[0]) for net in nets) / 3, 1e-6)


def test_costs_of_ensembles_are_of_the_scaled_inputs(draw_problem):
    net, x, _ = drawn(draw_problem, output="softmax", cost="log_likelihood")
    labels = np.arange(len(x)) % 3
    cost = net.evaluate(x, labels)["cost"]
    assert cr.Ensemble([net, net.copy()]).evaluate(x, labels)["cost"] == pytest.approx(
        cost, rel=1e-12
    )


@pytest.mark.parametrize("case", ["SGD", "SGD momentum", "Adam"])
def test_single_steps_take_the_same_steps(draw_problem, case):
    name, settings = CASES[case]
    rule = getattr(cr, name)(**settings)
    net, x, y = drawn(draw_problem, 40)
    by_steps, by_gradients = net.copy(), net.copy()
    net.fit(x, y, optimizer=rule, epochs=1, batch_size=10, shuffle=False, rates=RATES)
    step, apply = (each.trainer(rule, rates=RATES) for each in (by_steps, by_gradients))
    for start in range(0, 40, 10):
        rows = slice(start, start + 10)
        step.step(x[rows], y[rows])
        apply.apply(by_gradients.backprop(x[rows], y[rows]))
    assert by_steps.parameters.tobytes() == net.parameters.tobytes()
    assert_close(by_gradients.parameters, net.parameters, 1e-12)


READS = {
    "float32": lambda x: x.astype("float32"),
    "uint8": lambda x: x,
    "sparse": lambda x: pytest.importorskip("scipy.sparse").csr_matrix(x.astype("float32")),
    "frame": lambda x: pytest.importorskip("pandas").DataFrame(x, columns=list("abcde")),
}


@pytest.mark.parametrize("kind", READS)
def test_inputs_of_all_kinds_are_scaled_after_input_scale(draw_problem, kind):
    x = np.random.default_rng(0).integers(0, 5, (100, 5), dtype=np.uint8)
    y = np.random.default_rng(1).random((100, 3))
    given = READS[kind](x)
    net, _, _ = drawn(draw_problem, input_scale=0.5)
    reads, _, _ = drawn(draw_problem)
    options = {"optimizer": cr.Adam(0.01), "epochs": 3, "batch_size": 40, "rates": RATES}
    net.fit(given, y, **options)
    reads.fit(x * 0.5, y, **options)
    assert_close(net.parameters, reads.parameters, 1e-12)
    assert (net.scale != S).all()
    assert_close(net(given), reads(x * 0.5), 1e-12)
    assert_close(net.evaluate(given, y)["cost"], reads.evaluate(x * 0.5, y)["cost"], 1e-12)
    weights = np.linspace(0, 2, 100)
    gradients = [
        each.backprop(x, y, sample_weight=weights).parameters
        for each, x in ((net, given), (reads, x * 0.5))
    ]
    assert_close(*gradients, 1e-12)


@pytest.mark.parametrize("rule", [cr.SGD(0.1), cr.Adam(0.01)], ids=["SGD", "Adam"])
@pytest.mark.parametrize("batch", [50, 700])  # of one tile, and of groups of tiles
@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_rows(draw_problem, rule, batch, dtype):
    csr = pytest.importorskip("scipy.sparse").csr_matrix
    net, x, y = drawn(draw_problem, 700, (5, 37, 3), dtype=dtype)  # stripes that are not full
    x[np.random.default_rng(0).random(x.shape) < 0.6] = 0
    sparse, streamed = net.copy(), net.copy()
    start = net.parameters.copy()
    options = {"optimizer": rule, "epochs": 2, "average": 0.9}
    net.fit(x, y, batch_size=batch, shuffle=False, threads=1, **options)
    sparse.fit(csr(x), y, batch_size=batch, shuffle=False, threads=2, **options)
    at = range(0, 700, batch)
    streamed.fit([(csr(x[i : i + batch]), y[i : i + batch]) for i in at], **options)
    tolerance = 20 * TOLERANCE[dtype]
    for each in (sparse, streamed):
        assert_close(each.parameters - start, net.parameters - start, tolerance)
        assert_close(each.optimizer_state["average"], net.optimizer_state["average"], tolerance)
    assert_close(net.feedforward(csr(x)), net(x), tolerance)
    nabla = net.backprop(x, y)
    assert_close(net.backprop(csr(x), y).parameters, nabla.parameters, tolerance)
    assert_close(net.backprop(csr(x), y).scale, nabla.scale, tolerance)


def test_standard_scaling_and_scale(draw_problem):
    net, x, y = drawn(draw_problem, input_scale="standard")
    reads, _, _ = drawn(draw_problem)
    net.fit(3 * x + 7, y, optimizer=cr.SGD(0.1), epochs=2)
    reads.fit((x - x.mean(0)) / x.std(0), y, optimizer=cr.SGD(0.1), epochs=2)
    assert_close(net.parameters, reads.parameters, 1e-10)


def test_chosen_rows_weights_and_dropout(draw_problem):
    net, x, y = drawn(draw_problem)
    chosen, weights = np.arange(0, 47, 2), np.linspace(0, 2, 47)
    twin = net.copy()
    options = {"optimizer": cr.Adam(0.01), "epochs": 2, "batch_size": 10, "dropout": 0.3}
    net.fit(x, y, **options, rows=chosen, sample_weight=weights)
    twin.fit(x[chosen], y[chosen], **options, sample_weight=weights[chosen])
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert (net.scale != S).all()


def test_blocks_and_ranks(draw_problem):
    """Two ranks follow half of the numbers each."""
    net, x, y = drawn(draw_problem, 48)
    alone = net.copy()
    options = {"epochs": 2, "batch_size": 12, "optimizer": cr.AdamW(0.01), "rates": RATES}
    options["average"] = 0.9

    def fitted(comm=None, **limits):
        each = net.copy()
        rows = (x, y) if comm is None else shard(comm, x, y)
        each.fit(*rows, comm=comm, blocks=2, **options, **limits)
        return each.parameters.tobytes(), each.optimizer_state["average"].tobytes()

    for limits in ({}, {"clip_norm": 0.05}):
        in_blocks = fitted(**limits)
        assert together(2, lambda comm, limits=limits: fitted(comm, **limits)) == [in_blocks] * 2
    options["batch_size"] = 48  # all rows in each step
    alone.fit(x, y, **options)
    assert_close(np.frombuffer(fitted()[0]), alone.parameters, 1e-12)


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()], ids=type)
def test_full_batch_optimizers(draw_problem, optimizer):
    net, x, _ = drawn(draw_problem, 60, output="identity")
    y = np.sin(x[:, :3])
    history = net.fit(x, y, optimizer=optimizer, epochs=40, l2=1e-4)
    assert (net.scale != S).all()
    assert history.cost[-1] < history.cost[0] / 20


def test_full_batch_l2_is_not_of_it(draw_problem):
    net, x, y = drawn(draw_problem)
    function = FullBatch(net, Samples(net, x, y), 0.1, (1, 0))
    point, nabla = function.at(net.parameters), net.backprop(x, y)
    assert (point.gradient[-5:] == nabla.scale).all()
    assert_close(point.gradient[:35], (nabla.weights[0] + 0.1 * net.weights[0]).ravel(), 1e-12)
    assert (np.diag(function.curvature(point))[-5:] > 1e-6).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_check(draw_problem, dtype):
    net, x, y = drawn(draw_problem, dtype=dtype)
    check = cr.check_gradient(net, x, y)
    assert check.passed
    assert "\ns " in str(check)


def test_a_wrong_gradient_by_it_is_found(draw_problem, monkeypatch):
    net, x, y = drawn(draw_problem)
    true = cr.core._core.gradient

    def wrong(plan, parameters, X, Y, labels, nabla, *others):
        cost = true(plan, parameters, X, Y, labels, nabla, *others)
        nabla[-2] *= 1.001
        return cost

    monkeypatch.setattr("chainrule.course.gradient_check._core.gradient", wrong)
    assert not cr.check_gradient(net, x, y).passed


def test_paths_sum_to_the_gradient(draw_problem):
    net, x, y = drawn(draw_problem)
    paths = cr.paths(net, x[0], y[0], layer=2, j=1, k=3)
    assert_close(sum(path.product for path in paths), paths.backprop, 1e-12)
    assert abs(paths.backprop) > 1e-6


def test_what_is_not_finite_is_of_layer_2(draw_problem):
    net, x, y = drawn(draw_problem, dtype="float32")
    net.scale[2] = np.inf
    assert "s of layer 2 has values that are not finite" in str(cr.diagnose(net, x, y))
    with pytest.raises(cr.DivergenceError, match="first at layer 2"):
        net.fit(x, y, optimizer=cr.SGD(0.1))
    net.scale[:] = 0  # so that ∂C/∂W^2 is 0, and ∂C/∂s has no squares in float32
    net.weights[0][:] *= 1e25
    with pytest.raises(cr.DivergenceError, match="layer 2"):
        net.fit(x, y, optimizer=cr.Adam(0.01))


REFUSED = {
    "none for it": ([1, 1], ValueError, "2 here, and then one number for net.scale; got 2"),
    "a pair": ([1, 1, (1, 1)], ValueError, r"rates\[2\] is for net.scale, one number; got \(1"),
    "too many": ([1, 1, 1, 1], ValueError, "2 here, and then one number for net.scale; got 4"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_refused_changes_nothing(draw_problem, given):
    rates, error, message = REFUSED[given]
    net, x, y = drawn(draw_problem)
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(x, y, optimizer=cr.SGD(), rates=rates)
    with pytest.raises(error, match=message.replace("rates", "epsilon")):
        net.fit(x, y, optimizer=cr.Adam(epsilon=rates))
    with pytest.raises(TypeError, match="trainable_scale must be True or False"):
        cr.Network([5, 7, 3], trainable_scale=S)
    assert net.parameters.tobytes() == before.tobytes()


def test_epsilon_by_layer(draw_problem):
    """One of 1e9 for s keeps it where it is; the others go on."""
    net, x, y = drawn(draw_problem)
    net.fit(x, y, optimizer=cr.Adam(0.01, epsilon=[1e-8, (1e-8, 1e-4), 1e9]), epochs=2)
    assert np.abs(net.scale - S).max() < 1e-9
    assert (net.scale != S).any()
    assert np.abs(net.biases[0] - drawn(draw_problem)[0].biases[0]).min() > 1e-5
