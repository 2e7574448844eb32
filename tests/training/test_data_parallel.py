"""Mini-batches of blocks: held to the definitions, and the same bits for any number of ranks.

The ranks are threads here; `test_mpi.py` has true processes.
"""

import os
import signal
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
import oracle
from carried import carried
from chainrule.core import _core
from chainrule.training.block_steps import tree_sum
from chainrule.training.ranks import Ranks
from oracle import assert_close
from ranks_in_threads import shard, together
from refusals import refuse, table

M = 53
RNG = np.random.default_rng(7)
X = RNG.normal(size=(M, 4))
VALUES = RNG.normal(size=(M, 2))
LABELS = RNG.integers(3, size=M)
WEIGHTS = np.where(np.arange(M) < 20, 1e-4, 4.0) * RNG.random(M)


def network(dtype="float64", n_out=2, **options):
    options = {"hidden": "tanh", "output": "identity", "seed": 3} | options
    if n_out == 3:
        options |= {"output": "softmax", "cost": "log_likelihood"}
    return cr.Network([4, 9, 5, n_out], dtype=dtype, **options)


def figures(net):
    """All that a training leaves but the seconds, to the last bit."""
    history = net.history
    columns = {name: history[name].tobytes() for name in history if name != "seconds"}
    return carried(net), columns


# ---------------------------------------------------------------- the definitions


def seed_of(seed, block):
    return int(np.random.SeedSequence(seed, spawn_key=(block,)).generate_state(1, np.uint64)[0])


def steps(net, m, blocks, batch_size, shuffle=True):
    """Each step of an epoch: for each block the rows, and how many of it came before."""
    n_steps = -(-m // batch_size)
    bounds = [j * m // blocks for j in range(blocks + 1)]
    orders = []
    for j, (first, end) in enumerate(pairwise(bounds)):
        order = np.arange(end - first, dtype=np.int32)
        if shuffle:
            _core.shuffled(end - first, seed_of(net.seed, j), net.epochs_trained, order)
        orders.append(first + order)
    for s in range(n_steps):
        cuts = [(s * len(o) // n_steps, (s + 1) * len(o) // n_steps) for o in orders]
        yield [(order[a:b], a) for order, (a, b) in zip(orders, cuts, strict=True)]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("blocks", "batch_size"), [(2, 10), (4, 7), (8, 8), (4, 100)])
def test_a_step_is_that_of_the_blocks_rows(blocks, batch_size, weighted, shuffle):
    """In plain NumPy: SGD along the weighted mean gradient of the blocks' rows."""
    net = network()
    net.epochs_trained = 5
    twin, weights = oracle.copy_of(net), WEIGHTS if weighted else np.ones(M)
    rate, seen, total = 0.1, 0.0, 0.0
    for parts in steps(net, M, blocks, batch_size, shuffle):
        rows = np.concatenate([rows for rows, _ in parts])
        assert len(rows) > 0
        w = weights[rows] / weights[rows].sum()
        sums_w, sums_b = [0.0] * len(twin.weights), [0.0] * len(twin.weights)
        for row, share in zip(rows, w, strict=True):
            nabla_w, nabla_b, *_ = oracle.backprop(twin, X[[row]], VALUES[[row]])
            sums_w = [a + share * b for a, b in zip(sums_w, nabla_w, strict=True)]
            sums_b = [a + share * b for a, b in zip(sums_b, nabla_b, strict=True)]
            zs, _ = oracle.feedforward(twin, X[[row]])
            seen += weights[row] * oracle.mean_cost(twin, zs[-1], VALUES[[row]])
        total += weights[rows].sum()
        twin.weights = [a - rate * b for a, b in zip(twin.weights, sums_w, strict=True)]
        twin.biases = [a - rate * b for a, b in zip(twin.biases, sums_b, strict=True)]
    history = net.fit(
        X, VALUES, optimizer=cr.SGD(rate), epochs=1, batch_size=batch_size, blocks=blocks,
        shuffle=shuffle, sample_weight=WEIGHTS if weighted else None,
    )  # fmt: skip
    assert_close(history.cost[0], seen / total, 1e-12)
    for ours, theirs in zip(net.weights, twin.weights, strict=True):
        assert_close(ours, theirs, 1e-12)
    for ours, theirs in zip(net.biases, twin.biases, strict=True):
        assert_close(ours, theirs, 1e-12)


def test_units_are_dropped_by_the_blocks_own_numbers():
    """As a trainer drops them whose network has the seed of the block."""
    options = {"dropout": [0.4, 0.0], "batch_size": 12}
    ours, theirs = network(), network()
    ours.fit(X, VALUES, optimizer=cr.SGD(0.1), epochs=2, blocks=4, **options)
    for epoch in range(2):
        for parts in steps(theirs, M, 4, 12):
            total, n = np.zeros_like(theirs.parameters), 0
            for j, (rows, place) in enumerate(parts):
                alone = theirs.copy()
                alone.optimizer_state = {}
                alone.seed, alone.epochs_trained = seed_of(theirs.seed, j), epoch
                trainer = alone.trainer(cr.SGD(1.0), dropout=options["dropout"])
                trainer.restore(trainer.state() | {"samples": place})
                trainer.step(X[rows], VALUES[rows])
                total += len(rows) * (theirs.parameters - alone.parameters)
                n += len(rows)
            theirs.parameters -= 0.1 * total / n
        theirs.epochs_trained += 1
    assert_close(ours.parameters, theirs.parameters, 1e-10)
    plain = network()
    plain.fit(X, VALUES, optimizer=cr.SGD(0.1), epochs=2, blocks=4, batch_size=12)
    assert np.abs(plain.parameters - ours.parameters).max() > 1e-3


def test_one_block_is_plain_training():
    ours, theirs = network(), network()
    options = {"optimizer": cr.Adam(0.01), "epochs": 3, "batch_size": 10, "dropout": 0.2}
    ours.fit(X, VALUES, blocks=1, **options)
    theirs.fit(X, VALUES, **options)
    assert figures(ours) == figures(theirs)


# ---------------------------------------------------------------- ranks

CASES = {
    "plain SGD": {"optimizer": cr.SGD(0.1)},
    "momentum": {"optimizer": cr.SGD(0.1, momentum=0.9, nesterov=True), "average": 0.9},
    "Adam": {"optimizer": cr.Adam(cr.CosineDecay(0.01, epochs=9)), "l1": 1e-3, "l2": 1e-3},
    "AdamW": {"optimizer": cr.AdamW(0.01), "l2_of_batch": 0.1, "sample_weight": WEIGHTS},
    "Adamax": {"optimizer": cr.Adamax(0.01), "clip_norm": 0.1},
    "RMSprop": {"optimizer": cr.RMSprop(0.01), "clip_value": 0.05},
    "Adagrad": {"optimizer": cr.Adagrad(0.1), "max_norm": 0.8, "average": 0.5},
    "Rprop": {"optimizer": cr.Rprop(), "batch_size": 100},
    "dropout": {"dropout": 0.3, "shuffle": False},
    "plateau": {"optimizer": cr.SGD(cr.ReduceOnPlateau(5.0, patience=1)), "epochs": 6},
    "output weights": {"output_weight": RNG.random((M, 2))},
    "in one's own units": {"net": {"input_scale": "standard", "output_scale": "standard"}},
    "standard by weights": {"net": {"input_scale": "standard"}, "sample_weight": WEIGHTS},
    "balanced": {"class_weight": "balanced", "sample_weight": WEIGHTS, "net": {"n_out": 3}},
    "float32": {"net": {"dtype": "float32"}, "optimizer": cr.Adam(0.01)},
    "more than a tile": {"net": {"dtype": "float32"}, "times": 40, "batch_size": 4000},
    "validation": {"validation_data": (X[:9], VALUES[:9]), "metrics": {"m": lambda y, a: a.sum()}},
    "missing on one rank": {  # the state knows which samples it is of
        "y": np.where(np.arange(M) > 50, np.nan, VALUES.T).T,
        "optimizer": cr.SGD(cr.ReduceOnPlateau(0.1)),
    },
    "sparse": {"sparse": True, "optimizer": cr.Adam(0.01)},
}
DATA = ("sample_weight", "output_weight")


def train(case, comm=None, blocks=8):
    case = {"epochs": 3, "batch_size": 11, "optimizer": cr.SGD(0.1)} | case
    net = network(**case.pop("net", {}))
    x, y = X, case.pop("y", LABELS if net.sizes[-1] == 3 else VALUES)
    if np.isnan(y).any():
        case["missing_targets"] = "skip"
    if times := case.pop("times", 0):
        x, y = np.tile(x, (times, 1)), np.tile(y, (times, 1))
    if comm is not None:
        x, y = shard(comm, x, y)
        case |= {name: shard(comm, case[name])[0] for name in DATA if name in case}
    if case.pop("sparse", False):
        x = sparse.csr_matrix(np.where(x > 0.5, x, 0))
    net.fit(x, y, blocks=blocks, comm=comm, threads=1, **case)
    return (
        figures(net),
        np.asarray(net.input_scale).tobytes(),
        np.asarray(net.output_shift).tobytes(),
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_any_number_of_ranks_comes_to_the_same_bits(case):
    alone = train(case)
    for size in (2, 8):
        assert together(size, partial(train, case)) == [alone] * size
    assert alone != train(case, blocks=2)


def test_threads_come_to_the_same_bits():
    nets = []
    for threads in (1, 2, 3):
        net = cr.Network([4, 300, 2], hidden="relu", output="identity", seed=0)
        net.fit(np.tile(X, (30, 1)), np.tile(VALUES, (30, 1)), optimizer=cr.Adam(0.01), epochs=2,
                batch_size=1000, blocks=2, dropout=0.2, threads=threads)  # fmt: skip
        nets.append(figures(net))
    assert nets[0] == nets[1] == nets[2]


def test_rows_are_those_of_a_copy():
    rows = RNG.permutation(M)[:40]
    ours, theirs = network(), network()
    options = {"blocks": 4, "epochs": 2, "batch_size": 10}
    ours.fit(X, VALUES, rows=rows, **options)
    theirs.fit(X[rows], VALUES[rows], **options)
    assert figures(ours) == figures(theirs)


def test_two_fits_go_on_as_one():
    ours, theirs = network(), network()
    options = {"blocks": 4, "batch_size": 10, "optimizer": cr.Adam(0.01), "dropout": 0.2}
    ours.fit(X, VALUES, epochs=2, **options)
    ours.fit(X, VALUES, epochs=3, **options)
    theirs.fit(X, VALUES, epochs=5, **options)
    assert carried(ours) == carried(theirs)


def test_sums_of_ranks_are_those_of_the_tree():
    """A part of the vector each; numbers that do not add up exactly, in any other order."""
    vectors = (
        np.random.default_rng(1).normal(size=(8, 71)).astype("f4")
        * 10.0 ** np.arange(-3, 5)[:, None]
    )
    vectors = vectors.astype("f4")
    expected = tree_sum(list(vectors))
    assert (expected != vectors.sum(axis=0)).any()

    def sums(comm):
        ranks, own = Ranks(comm), vectors[comm.rank].copy()
        first, end = ranks.sum_up(own, np.empty(71, "f4"))
        part = own[first:end].copy()
        own[:first] = own[end:] = np.nan
        ranks.hand_out([own])
        return first, end, part, own

    outcomes = together(8, sums)
    assert sorted(i for first, end, *_ in outcomes for i in range(first, end)) == list(range(71))
    for first, end, part, whole in outcomes:
        assert part.tobytes() == expected[first:end].tobytes()
        assert whole.tobytes() == expected.tobytes()


def batches(comm=None):
    size, rank = (1, 0) if comm is None else (comm.Get_size(), comm.Get_rank())
    for start in range(0, 48, 16):
        n = 16 // size
        rows = slice(start + rank * n, start + (rank + 1) * n)
        yield X[rows], VALUES[rows], WEIGHTS[rows]


def test_batches_of_each_rank():
    def run(comm=None):
        net = network()
        net.fit(
            partial(batches, comm),
            optimizer=cr.Adam(0.01),
            epochs=3,
            blocks=4,
            comm=comm,
            dropout=0.2,
        )
        return figures(net)

    alone = run()
    assert together(2, run) == [alone] * 2
    assert together(4, run) == [alone] * 4


@pytest.mark.parametrize("exponents", [(0, 900), (900, -900), (-900, 0), (-900, -900)], ids=str)
def test_weights_of_batches_in_units_of_any_size(exponents):
    """Which of the ranks' weights is the largest changes from step to step; some vanish beside."""

    def given(comm=None):
        for i, first in enumerate((0, 16, 32)):
            rows = np.arange(first, first + 16)
            w = np.ldexp(WEIGHTS[20:36], np.repeat(np.roll(exponents, i), 8))
            x, y, w = X[rows], VALUES[rows], w
            yield (x, y, w) if comm is None else shard(comm, x, y, w)

    def run(comm=None):
        net = network()
        history = net.fit(partial(given, comm), epochs=2, blocks=2, comm=comm)
        assert np.isfinite(history.cost).all()
        return net.parameters, history.cost

    plain = network()
    course = plain.fit(given, epochs=2)
    for parameters, costs in (run(), *together(2, run)):
        assert_close(parameters, plain.parameters, 1e-12)
        assert_close(costs, course.cost, 1e-12)


def test_ranks_with_another_number_of_batches():
    def run(comm):
        own = [(X[:8], VALUES[:8])] * (2 + comm.rank)
        network().fit(own, epochs=1, blocks=2, comm=comm)

    for error in together(2, run):
        assert "as many batches" in str(error)
        assert "after 2 there are no more on rank 0" in str(error)


# ---------------------------------------------------------------- callbacks


def test_callbacks_of_the_first_rank_alone():
    called = []

    def run(comm):
        net = network()
        x, y = shard(comm, X, VALUES)

        def look(net, history):
            called.append((comm.rank, len(history)))
            if len(history) == 2:
                net.parameters *= 2  # all ranks see it
            if len(history) == 4:
                raise cr.StopTraining

        net.fit(x, y, epochs=9, blocks=4, comm=comm, callbacks=look)
        return figures(net)

    first, *others = together(4, run)
    assert called == [(0, n) for n in (1, 2, 3, 4)]
    assert others == [first] * 3
    assert first[0][2] == 4

    def alone(net, history):
        if len(history) == 2:
            net.parameters *= 2

    net = network()
    net.fit(X, VALUES, epochs=4, blocks=4, callbacks=alone)
    assert figures(net) == first


@pytest.mark.parametrize("restore_best", [True, False])
def test_early_stopping_stops_all_and_goes_back(restore_best):
    def run(comm=None):
        net = network(n_out=3)
        x, y = (X, LABELS) if comm is None else shard(comm, X, LABELS)
        stopping = cr.EarlyStopping(patience=2, restore_best=restore_best)
        first = comm is None or comm.rank == 0
        net.fit(
            x, y, epochs=60, blocks=2, comm=comm, optimizer=cr.Adam(0.1), callbacks=stopping,
            validation_data=(X[::3], LABELS[::-3]) if first else None,
        )  # fmt: skip
        return figures(net)

    alone = run()
    assert 2 < len(np.frombuffer(alone[1]["cost"])) < 60
    assert together(2, run) == [alone] * 2


def test_a_training_goes_on_with_another_number_of_ranks(tmp_path):
    options = {"optimizer": cr.Adam(0.02), "batch_size": 11, "blocks": 4, "sample_weight": WEIGHTS}
    whole = network()
    whole.fit(X, VALUES, epochs=6, **options)

    def begin(comm):
        x, y, w = shard(comm, X, VALUES, WEIGHTS)
        callbacks = cr.Checkpoint(tmp_path / "run.npz")
        given = options | {"sample_weight": w, "comm": comm}
        network().fit(x, y, epochs=2, callbacks=callbacks, **given)

    def go_on(epochs, comm):
        x, y, w = shard(comm, X, VALUES, WEIGHTS)
        return cr.resume(tmp_path / "run.npz", x, y, epochs=epochs, sample_weight=w, comm=comm)

    assert together(2, begin) == [None] * 2
    first, *_ = together(4, partial(go_on, 4))
    assert len(first) == 4
    history = cr.resume(tmp_path / "run.npz", X, VALUES, epochs=6, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(history.cost, whole.history.cost)
    assert carried(cr.load(tmp_path / "run.npz")) == carried(whole)
    refuse(
        lambda: cr.resume(tmp_path / "run.npz", X, VALUES[::-1], epochs=7, sample_weight=WEIGHTS),
        ValueError, ["must be the samples"],
    )  # fmt: skip


def test_a_file_that_one_rank_does_not_see(tmp_path):
    network().fit(X, VALUES, epochs=1, blocks=2, callbacks=cr.Checkpoint(tmp_path / "run.npz"))

    def go_on(comm):
        path = tmp_path / ("run.npz" if comm.rank else "other.npz")
        cr.resume(path, *shard(comm, X, VALUES), epochs=2, comm=comm)

    missing, other = together(2, go_on)
    assert isinstance(missing, FileNotFoundError)
    assert "rank 0: FileNotFoundError" in str(other)


def test_ctrl_c_undoes_the_epoch(ctrl_c):
    """It waits for the end of the step."""
    net, other = network(), network()
    net.fit(X, VALUES, epochs=1, blocks=2, optimizer=cr.Adam(0.01))
    before = carried(net)

    def press():
        yield X[:8], VALUES[:8]
        os.kill(os.getpid(), signal.SIGINT)
        yield X[8:16], VALUES[8:16]

    with pytest.raises(KeyboardInterrupt):
        net.fit(press(), epochs=1, blocks=2)
    assert carried(net) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        other.fit(press(), epochs=1, blocks=2)
    assert carried(other) == carried(network())


@pytest.mark.parametrize("size", [1, 2])
def test_divergence_leaves_the_last_finished_epoch(size):
    options = {
        "blocks": 4,
        "batch_size": 60,
        "optimizer": cr.SGD(lambda t: 0.1 if t < 2 else 1e200),
    }

    def run(comm):
        net, twin = network(), network()
        x, y = shard(comm, X, VALUES)
        with pytest.raises(cr.DivergenceError, match="in epoch 3"):
            net.fit(x, y, epochs=50, comm=comm, **options)
        twin.fit(x, y, epochs=3, comm=comm, **options)
        assert figures(net) == figures(twin)
        return net.epochs_trained

    assert together(size, run) == [3] * size


# ---------------------------------------------------------------- refusals

REFUSED = {
    "no power": ({"blocks": 3}, ValueError, ["blocks must be a power of two", "got 3"]),
    "none": ({"blocks": 0}, ValueError, ["blocks must be"]),
    "a word": ({"blocks": "two"}, TypeError, ["blocks must be"]),
    "small batches": ({"blocks": 8, "batch_size": 4}, ValueError, ["batch_size=4", "blocks=8"]),
    "few rows": ({"blocks": 64, "batch_size": 64}, ValueError, ["blocks=64", "53 in all"]),
    "no comm": ({"comm": 3}, TypeError, ["comm must be a communicator", "chainrule[mpi]"]),
    "split": ({"blocks": 2, "validation_split": 0.1}, ValueError, ["validation_split", "blocks=2"]),
    "orders": ({"blocks": 2, "shuffle": np.arange}, ValueError, ["shuffle=function"]),
    "record": ({"blocks": 2, "record": "layers"}, ValueError, ["record"]),
    "LBFGS": ({"blocks": 2, "optimizer": cr.LBFGS()}, ValueError, ["blocks", "LBFGS"]),
    "LM": ({"comm": 0, "optimizer": cr.LevenbergMarquardt()}, TypeError, ["comm"]),
}  # fmt: skip


@table(REFUSED)
def test_what_blocks_do_not_allow(given, exception, fragments):
    net = network()
    refuse(lambda: net.fit(X, VALUES, **given), exception, fragments, net)


class EachBatch:
    def on_batch_end(self, batch, cost):
        pass


def test_hooks_around_batches_are_refused():
    fragments = ["on_batch_begin or on_batch_end"]
    refuse(lambda: network().fit(X, VALUES, blocks=2, callbacks=EachBatch()), ValueError, fragments)


def test_full_batch_optimisers_take_no_ranks():
    def run(comm):
        network().fit(*shard(comm, X, VALUES), comm=comm, blocks=2, optimizer=cr.LBFGS())

    for error in together(2, run):
        assert isinstance(error, ValueError)
        assert "blocks, comm cannot be used with LBFGS" in str(error)


def of_rank(rank, otherwise, given):
    """An option that only one rank has."""
    return lambda comm: given if comm.rank == rank else otherwise


def fit(comm, net=None, x=X, y=VALUES, size=None, **options):
    given = {name: value(comm) if callable(value) else value for name, value in options.items()}
    net = network() if net is None else net(comm)
    given = {"blocks": 4, "epochs": 1, "batch_size": 16} | given
    return net.fit(*shard(comm, x, y), comm=comm, **given)


DISAGREE = {
    "blocks": ({"blocks": of_rank(1, 4, 8)}, ["blocks", "4 on rank 0", "8 on rank 1"]),
    "batch_size": ({"batch_size": of_rank(0, 16, 20)}, ["batch_size", "20 on rank 0", "16 on"]),
    "optimiser": ({"optimizer": of_rank(1, cr.SGD(0.1), cr.SGD(0.2))}, ["optimizer", "0.2"]),
    "sizes": (
        {"net": of_rank(1, network(), cr.Network([4, 9, 2], dtype="float64", seed=3))},
        ["sizes", "(4, 9, 5, 2) on rank 0", "(4, 9, 2) on rank 1"],
    ),
    "dtype": (
        {"net": of_rank(0, network(), network("float32"))},
        ["dtype", "float32 on rank 0", "float64 on rank 1"],
    ),
    "seed": ({"net": lambda comm: network(seed=comm.rank)}, ["seed", "0 on rank 0", "1 on rank 1"]),
    "activation": (
        {"net": lambda comm: network(hidden=["tanh", "relu"][comm.rank])}, ["network", "relu"],
    ),
    "weights": (
        {"sample_weight": of_rank(1, None, WEIGHTS[M // 2 :])},
        ["sample weights", "False on rank 0", "True on rank 1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "fragments"), DISAGREE.values(), ids=DISAGREE)
def test_ranks_that_disagree(given, fragments):
    for error in together(2, lambda comm: fit(comm, **given)):
        assert isinstance(error, ValueError), error
        for fragment in [*fragments, "the same on all ranks"]:
            assert fragment in str(error)


def test_other_parameters_are_refused():
    def run(comm):
        net = network()
        net.parameters[0] += comm.rank
        fit(comm, net=lambda comm: net)

    for error in together(2, run):
        assert "parameters must be the same on all ranks" in str(error)


def test_shards_of_other_sizes():
    def run(comm):
        n = [20, 33][comm.rank]
        network().fit(X[:n], VALUES[:n], comm=comm, blocks=4)

    for error in together(2, run):
        assert "rank 0 has 20, and should have 26, rows 0 to 25" in str(error)
        assert "rank 1 has 33, and should have 27, rows 26 to 52" in str(error)


@pytest.mark.parametrize("size", [3, 8])
def test_ranks_that_blocks_cannot_be_shared_out_to(size):
    for error in together(size, fit):
        assert isinstance(error, ValueError)
        assert f"no more than blocks=4; there are {size}" in str(error)


def test_bad_data_on_one_rank():
    def run(comm):
        x, y = shard(comm, X, VALUES)
        if comm.rank == 1:
            x[3, 2] = np.nan
        net = network()
        try:
            net.fit(x, y, comm=comm, blocks=4, batch_size=16)
        finally:
            assert net.epochs_trained == 0

    first, second = together(2, run)
    assert isinstance(first, RuntimeError)
    assert "rank 1: ValueError: X" in str(first)
    assert isinstance(second, ValueError)
    assert second.__notes__ == ["(on rank 1 of 2)"]


@pytest.mark.parametrize("names", [["a", "b", "c"], [1, 2, 3], [0, 1, 2]], ids=str)
@pytest.mark.parametrize("said_before", [True, False])
def test_labels_of_which_a_rank_does_not_see_all(names, said_before):
    def run(comm=None):
        net = network(n_out=3)
        if said_before:
            net.classes = names
        x, y = X, np.sort(np.array(names)[LABELS])
        x, y = (x, y) if comm is None else shard(comm, x, y)
        net.fit(x, y, blocks=4, epochs=2, comm=comm, class_weight="balanced")
        return figures(net), net.classes.tolist()

    alone = run()
    assert alone[1] == names
    assert together(4, run) == [alone] * 4


def test_labels_that_are_too_many_in_all():
    def run(comm):
        fit(
            comm,
            y=np.array(["a", "b", "c", "d"])[np.arange(M) // 14],
            net=lambda comm: network(n_out=3),
        )

    for error in together(2, run):
        assert "y holds 4 classes, 'a', 'b', 'c', 'd'" in str(error)


@pytest.mark.parametrize("kind", [OSError, StopIteration])
def test_a_callback_that_raises_ends_all(kind):
    def run(comm):
        def fail(net, history):
            raise kind("the disk is full")

        fit(comm, callbacks=lambda comm: fail)

    first, *others = together(4, run)
    assert isinstance(first, kind)
    for other in others:
        assert isinstance(other, RuntimeError)
        assert f"rank 0: {kind.__name__}: the disk is full" in str(other)


def test_an_iterable_that_fails_on_one_rank_ends_all_and_undoes_the_epoch():
    def run(comm):
        def given():
            yield X[:8], VALUES[:8]
            if comm.rank == 2:
                raise OSError("no more")
            yield X[:8], VALUES[:8]

        net = network()
        try:
            net.fit(given, epochs=2, blocks=4, comm=comm)
        except (OSError, RuntimeError) as error:
            return str(error), carried(net) == carried(network())

    for rank, (said, unchanged) in enumerate(together(4, run)):
        assert unchanged
        assert said == "no more" if rank == 2 else "rank 2: OSError: no more" in said


def test_many_networks_have_no_ranks():
    def run(comm):
        cr.fit_many([network()], X, VALUES, comm=comm)

    (error,) = together(1, run)
    assert "net.fit(..., comm=)" in str(error)
