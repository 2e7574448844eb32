"""Any number of threads gives the same bits, in every kind of training and whatever the shapes."""

import os
import threading

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.checks import threads
from children import python

THREADS = (1, 2, 3, 7)

# What kind of network and batch; each names the way in which threads share the work of a step.
SHAPES = {
    "by samples": ([8, 64, 64, 4], 130, 130),
    "by samples, few": ([4, 16, 16, 1], 40, 40),
    "by neurons": ([50, 300, 200, 10], 64, 150),
    "by neurons, one row": ([300, 200, 10], 1, 5),
    "by neurons, few long rows": ([784, 100, 10], 10, 45),
    "in groups": ([6, 20, 5], 3000, 3500),
    "in groups, many": ([4, 32, 16, 4], 10000, 10000),
    "in groups, large": ([20, 400, 400, 3], 1200, 1300),
    "a narrow layer": ([30, 257, 2, 129, 3], 100, 230),
}
OPTIONS = {
    "sgd": {"optimizer": cr.SGD(0.05)},
    "sgd, all but momentum": {
        "optimizer": cr.SGD(0.05),
        "l1": 1e-4,
        "l2": 1e-3,
        "max_norm": 1.0,
        "average": 0.9,
        "clip_norm": 0.5,
        "record": ["layers", "gradients"],
    },
    "adam, dropout": {"optimizer": cr.Adam(1e-3), "dropout": 0.3, "average": 0.9},
    "momentum, l2": {"optimizer": cr.SGD(0.05, momentum=0.9), "l2": 1e-3, "max_norm": 1.0},
}


def everything(sizes, batch, samples, dtype="float32", *, threads, epochs=2, **options):
    """All that a training leaves, as bytes, and the history's figures."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(samples, sizes[0]))
    output = "softmax" if sizes[-1] > 1 else "sigmoid"
    y = rng.integers(0, sizes[-1], samples) if sizes[-1] > 1 else rng.random(samples)
    cost = "log_likelihood" if sizes[-1] > 1 else "cross_entropy"
    net = cr.Network(sizes, hidden="tanh", output=output, cost=cost, dtype=dtype, seed=1)
    history = net.fit(X, y, batch_size=batch, epochs=epochs, threads=threads, **options)
    figures = {name: history[name].tobytes() for name in history if name != "seconds"}
    if "record" in options:
        figures["delta_norms"] = history.delta_norms.tobytes()
        figures["saturation"] = history.saturation.tobytes()
    return carried(net), figures


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_training_is_the_same_with_any_number_of_threads(shape, options, dtype):
    alone, *others = (
        everything(*SHAPES[shape], dtype, threads=n, **OPTIONS[options]) for n in THREADS
    )
    for n, other in zip(THREADS[1:], others, strict=True):
        assert other == alone, f"{n} threads"


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_package_chooses_is_the_same_too(shape):
    assert everything(*SHAPES[shape], threads=None) == everything(*SHAPES[shape], threads=1)


# The first has products that go to the BLAS, in cells of each size, but for AVX-512.
LARGE = [1024, 1100, 600, 300, 10], 512, 600


def check_all_shapes():
    """For each way in which threads share the work, with the instruction set of this process."""
    for shape in LARGE, *SHAPES.values():
        for name, options in OPTIONS.items() if shape is not LARGE else [("sgd", {"epochs": 1})]:
            alone, *others = (everything(*shape, threads=n, **options) for n in THREADS)
            assert all(other == alone for other in others), (shape, name)


@pytest.mark.parametrize("blas", ["", "plain"])
def test_it_holds_for_every_instruction_set(simd, blas):
    python(__file__, CHAINRULE_SIMD=simd, CHAINRULE_BLAS=blas)


def test_samples_and_class_weights():
    weights = np.random.default_rng(3).uniform(size=150)
    options = {"sample_weight": weights, "class_weight": {0: 2.0}, "optimizer": cr.RMSprop()}
    for shape in ("by samples", "by neurons"):
        sizes, batch, samples = SHAPES[shape]
        given = dict(options, sample_weight=weights[:samples])
        alone, *others = (everything(sizes, batch, samples, threads=n, **given) for n in THREADS)
        assert all(other == alone for other in others)


@pytest.mark.parametrize("rows", [1, 511, 512, 513, 1030, 5000, 9000])
def test_what_does_not_train_is_the_same(rows):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, 30)).astype("f4"), rng.integers(0, 5, rows)
    net = cr.Network([30, 70, 5], output="softmax", cost="log_likelihood", seed=0)
    weights = rng.random(rows)
    for n in THREADS[1:]:
        assert net.feedforward(X, threads=n).tobytes() == net.feedforward(X, threads=1).tobytes()
        assert net.evaluate(X, y, threads=n) == net.evaluate(X, y, threads=1)
        evaluated = [net.evaluate(X, y, sample_weight=weights, threads=k) for k in (n, 1)]
        assert evaluated[0] == evaluated[1]
        ours, alone = (net.backprop(X, y, threads=k) for k in (n, 1))
        assert ours.cost == alone.cost
        assert all(
            a.tobytes() == b.tobytes() for a, b in zip(ours.weights, alone.weights, strict=True)
        )


def test_full_batches_are_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 3)), rng.normal(size=2000)
    nets = [cr.Network([3, 20, 1], output="identity", seed=0) for _ in range(2)]
    for net, n in zip(nets, (1, 3), strict=True):
        net.fit(X, y, optimizer=cr.LBFGS(), epochs=5, threads=n)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


def test_a_gradient_in_groups_is_the_sum_over_the_samples():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(1300, 4)), rng.random((1300, 2))
    net = cr.Network([4, 6, 2], dtype="float64", seed=0)
    nabla = net.backprop(X, Y, threads=2)
    parts = [net.backprop(X[i : i + 100], Y[i : i + 100]) for i in range(0, 1300, 100)]
    for i in range(2):
        mean = np.mean([part.weights[i] for part in parts], axis=0)
        np.testing.assert_allclose(nabla.weights[i], mean, rtol=1e-11, atol=1e-15)


def test_divergence_names_the_same_layer():
    X, y = np.full((3000, 2), 1e15), np.ones(3000)
    messages = []
    for n in (1, 3):
        net = cr.Network([2, 5, 1], hidden="identity", output="identity", seed=0)
        before = net.parameters.tobytes()
        with pytest.raises(cr.DivergenceError) as raised:
            net.fit(X, y, optimizer=cr.SGD(1e20), batch_size=3000, epochs=3, threads=n)
        messages.append(str(raised.value))
        assert net.parameters.tobytes() == before
    assert messages[0] == messages[1]


def test_two_networks_train_at_once():
    alone = everything(*SHAPES["by neurons"], threads=2, epochs=20)
    results = {}

    def train(i):
        results[i] = everything(*SHAPES["by neurons"], threads=1 + i % 3, epochs=20)

    running = [threading.Thread(target=train, args=(i,)) for i in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert all(results[i] == alone for i in range(4))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_has_threads_of_its_own():
    program = """
import os
import sys
import numpy as np
import chainrule as cr

X, y = np.random.default_rng(0).normal(size=(2000, 9)), np.arange(2000) % 3
def train():
    net = cr.Network([9, 40, 3], output="softmax", cost="log_likelihood", seed=0)
    net.fit(X, y, epochs=3, batch_size=1000, threads=3)
    return net.parameters.tobytes()

before = train()
child = os.fork()
if child == 0:
    os._exit(train() != before)
assert train() == before
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    python("-W", "ignore", "-c", program)


@pytest.mark.parametrize("given", [0, -1, 257, 1.5, "2", True])
def test_a_bad_number_of_threads(given):
    net = cr.Network([2, 2], seed=0)
    X, y = np.eye(2), np.arange(2)
    before = net.parameters.tobytes()
    for call in (
        lambda: net.fit(X, y, threads=given),
        lambda: net.feedforward(X, threads=given),
        lambda: net.evaluate(X, y, threads=given),
        lambda: net.backprop(X, y, threads=given),
    ):
        with pytest.raises((TypeError, ValueError), match="threads must be"):
            call()
    assert net.parameters.tobytes() == before


def test_the_cores_of_the_process(monkeypatch):
    assert 1 <= threads.available_cores() <= (os.cpu_count() or 1)
    for share, expected in ((0.5, 1), (1.5, 2), (3, 3), (np.inf, threads.MOST_THREADS)):
        monkeypatch.setattr(threads.control_groups, "quota", lambda share=share: share)
        assert threads._quota.__wrapped__() == expected


def test_hyper_threads_of_one_core_count_once(tmp_path):
    for each, siblings in enumerate(["0,4", "1,5", "2-3", "2-3", "0,4", "1,5"]):
        topology = tmp_path / f"sys/devices/system/cpu/cpu{each}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{siblings}\n")
    for processors, cores in (
        ({0, 1, 2, 3, 4, 5}, 3),
        ({0, 4}, 1),
        ({3, 5}, 2),
        ({1, 7, 8}, 3),  # nobody says what 7 and 8 are
    ):
        assert threads.cores_of(frozenset(processors), str(tmp_path)) == cores


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1), ("2,1", 2), (" 3 ", 3), ("0", 1), ("", 256), ("many", 256), ("-1", 256)],
)
def test_what_shares_cores_out_among_processes_counts(monkeypatch, text, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads._asked.__wrapped__() == expected
    code = "from chainrule.checks.threads import check_threads; print(*check_threads(None))"
    assert int(python("-c", code, OMP_NUM_THREADS=text).split()[1]) <= expected


def test_numpy_keeps_its_own_threads():
    """No setting of any library changes: the core's BLAS is a private copy of one thread a call."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    with threadpoolctl.threadpool_limits(2):
        before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        assert 2 in before
        everything(*SHAPES["by neurons"], threads=3)
        assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


if __name__ == "__main__":
    check_all_shapes()
