"""Sparse inputs in compressed rows: the results of the dense matrix, which is never made.

Their sums are made in another order, and so are the same but for rounding; where the rows are made
dense, a few at a time, they are the same to the last bit.
"""

import contextlib
import textwrap
import time

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.checks.arrays import as_inputs
from chainrule.checks.sparse_rows import SparseRows
from children import attempt, bytes_taken, python

M, N_IN, N_OUT = 1100, 40, 3  # three tiles


@pytest.fixture(params=[sparse.csr_matrix, sparse.csr_array])
def made(request):
    return request.param


@pytest.fixture(params=["float32", "float64", "uint8", "int16", "int64"])
def data(request, made):
    """X (m, n_1) with empty rows, its dense form, and labels."""
    rng = np.random.default_rng(7)
    dense = rng.normal(0, 3, size=(M, N_IN)) * (rng.random((M, N_IN)) < 0.1)
    dense[[0, 5, M - 1]] = 0
    dense = (np.abs(dense) * 10 if request.param == "uint8" else dense * 10).astype(request.param)
    return made(dense), dense, rng.integers(N_OUT, size=M)


def same(ours, theirs):
    """Whether they agree but for rounding, which some hundred steps have carried on."""
    tolerance = {"float32": 1e-4, "float64": 1e-12}[str(ours.dtype)]
    return np.allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


def network(dtype, **options):
    return cr.Network([N_IN, 9, N_OUT], hidden="tanh", dtype=dtype, seed=0, **options)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "scaling", [{}, {"input_scale": 0.3}, {"input_scale": 0.3, "input_shift": -0.1}]
)
@pytest.mark.parametrize(
    "options",
    [{}, {"shuffle": False}, {"batch_size": 1050}, {"batch_size": 1}, {"dropout": 0.3}],
    ids=["shuffled", "in order", "tiles", "one by one", "dropout"],
)
def test_training(data, dtype, scaling, options, threads):
    X, dense, y = data
    if options.get("batch_size") == 1:  # so many steps make rounding grow
        X, dense, y = X[:40], dense[:40], y[:40]
    nets = network(dtype, **scaling), network(dtype, **scaling)
    for net, inputs in zip(nets, (X, dense), strict=True):
        held_out = (inputs[:20], y[:20])
        net.fit(inputs, y, epochs=2, validation_data=held_out, threads=threads, **options)
    ours, theirs = (net.history.validation_cost for net in nets)
    if "input_shift" in scaling:  # nothing is 0 then
        assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
        assert ours.tobytes() == theirs.tobytes()
    assert same(nets[0].parameters, nets[1].parameters)
    assert np.allclose(ours, theirs, rtol=1e-4 if dtype == "float32" else 1e-12)


OPTIMIZERS = {
    "sgd": {"optimizer": cr.SGD(0.01)},
    "weight decay": {"optimizer": cr.SGD(0.01), "l2": 1e-3},
    "momentum": {"optimizer": cr.SGD(0.01, momentum=0.9), "l1": 1e-4},
    "adam": {"optimizer": cr.Adam()},
    "rprop": {"optimizer": cr.Rprop(), "batch_size": M},
    "average": {"optimizer": cr.RMSprop(), "average": 0.9},
    "clipped": {"optimizer": cr.SGD(0.01), "clip_value": 0.01, "clip_norm": 0.02},
    "longest": {"optimizer": cr.SGD(0.01), "max_norm": 1.0},
    "weights": {"optimizer": cr.SGD(0.01), "sample_weight": np.arange(M) % 3},
}


@pytest.mark.parametrize("hidden", [9, 16, 40, 70])
@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers(dtype, options, hidden):
    """With parts of a stripe of neurons, half of one, and one and a part of another."""
    rng = np.random.default_rng(3)
    dense = rng.normal(size=(M, N_IN)) * (rng.random((M, N_IN)) < 0.2)
    y = rng.integers(N_OUT, size=M)
    nets = [cr.Network([N_IN, hidden, N_OUT], dtype=dtype, seed=1) for _ in range(2)]
    for net, inputs in zip(nets, (sparse.csr_array(dense), dense), strict=True):
        net.fit(inputs, y, epochs=2, **options)
    assert same(nets[0].parameters, nets[1].parameters)


class Spy:
    """A callback that keeps the parameters as it sees them after each batch."""

    def on_train_begin(self, net):
        self.net = net

    def on_batch_end(self, batch, cost):
        self.seen = self.net.parameters.copy()


@pytest.mark.parametrize("batch_size", [10, 100, M])
@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_same_bits(data, dtype, options, batch_size):
    """With any number of threads, any division into calls, with and without callbacks."""
    X, _, y = data
    options = {"batch_size": batch_size} | options

    def trained(threads=1, calls=(3,), **more):
        net = cr.Network([N_IN, 70, N_OUT], dtype=dtype, seed=0, input_scale=0.1)
        for epochs in calls:
            net.fit(X, y, epochs=epochs, threads=threads, **options, **more)
        return net.parameters.tobytes()

    alone = trained()
    for threads in (2, 3, 7):
        assert trained(threads) == alone
    assert trained(calls=(1, 2)) == alone
    spy = Spy()
    assert trained(callbacks=spy) == alone
    assert spy.seen.tobytes() == alone
    assert trained(callbacks=lambda net, history: None) == alone
    assert trained(record="layers") == alone


def test_a_part_held_out(data, dtype):
    X, dense, y = data
    nets = network(dtype), network(dtype)
    for net, inputs in zip(nets, (X, dense), strict=True):
        net.fit(inputs, y, epochs=2, validation_split=0.2, metrics=[accuracy])
    assert same(nets[0].parameters, nets[1].parameters)
    assert nets[0].history["accuracy"].tobytes() == nets[1].history["accuracy"].tobytes()


def accuracy(true, predicted):
    return float((true == predicted).mean())


def test_batches(dtype, made):
    rng = np.random.default_rng(2)
    dense = [rng.normal(size=(7, N_IN)) * (rng.random((7, N_IN)) < 0.2) for _ in range(4)]
    y = np.arange(7) % N_OUT
    nets = network(dtype), network(dtype)
    nets[0].fit([(made(X), y) if i % 2 else (X, y) for i, X in enumerate(dense)], epochs=3)
    nets[1].fit([(X, y) for X in dense], epochs=3)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize("scaling", [{}, {"input_scale": 0.3}, {"input_shift": 0.5}])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "int16"])
def test_batches_that_begin_sparse(dtype, made, kind, scaling):
    """They are as arrays in their order, to the last bit; dense ones among them as if sparse."""
    rng = np.random.default_rng(2)
    dense = rng.integers(0, 9, size=(56, N_IN)) * (rng.random((56, N_IN)) < 0.2)
    y = np.arange(56) % N_OUT
    pieces = [slice(i, i + 7) for i in range(0, 56, 7)]
    X = made(dense.astype(kind))
    nets = [network(dtype, **scaling) for _ in range(3)]
    nets[0].fit(X, y, epochs=3, batch_size=7, shuffle=False)
    nets[1].fit([(X[rows], y[rows]) for rows in pieces], epochs=3)
    mixed = [(dense[rows].astype(kind) if rows.start % 2 else X[rows], y[rows]) for rows in pieces]
    nets[2].fit(mixed, epochs=3)
    assert nets[1].parameters.tobytes() == nets[0].parameters.tobytes()
    assert same(nets[2].parameters, nets[0].parameters)


class Touch:
    """A batch hook that looks at all that training carries on, and may change it."""

    def __init__(self, change=lambda net: None):
        self.change, self.seen = change, []

    def on_train_begin(self, net):
        self.net = net

    def on_batch_end(self, batch, cost):
        state = self.net.optimizer_state
        self.seen.append(
            [self.net.parameters.copy(), *(np.copy(state[key]) for key in sorted(state))]
        )
        self.change(self.net)


@pytest.mark.parametrize("order", ["ds", "sd", "sdsd", "ssdd"])
def test_epochs_of_a_stream_that_begin_sparse_or_dense(dtype, order):
    """Each is a call of its own; hooks must not meet the memory of one that has ended."""
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(64, 300)) * (rng.random((64, 300)) < 0.1)
    X, y = {"d": dense, "s": sparse.csr_array(dense)}, rng.integers(N_OUT, size=64)

    def trained(callbacks):
        coming = iter(order)
        net = cr.Network([300, 20, N_OUT], dtype=dtype, seed=0)
        net.fit(lambda: [(X[next(coming)], y)], epochs=len(order), callbacks=callbacks)
        return net.parameters

    alone = trained(None)
    assert trained(Touch()).tobytes() == alone.tobytes()


@pytest.mark.parametrize("optimizer", [cr.Adam(), cr.SGD(0.01, momentum=0.9)])
def test_batch_hooks_see_and_change_all_that_is_carried_on(dtype, optimizer):
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(96, N_IN)) * (rng.random((96, N_IN)) < 0.2)
    y = rng.integers(N_OUT, size=96)

    def forget(net):
        for values in net.optimizer_state.values():
            if np.ndim(values) and len(values) == len(net.parameters):
                values *= 0.5
        net.weights[0][0] *= 0.9

    hooks = Touch(forget), Touch(forget)
    for inputs, hook in zip((sparse.csr_array(dense), dense), hooks, strict=True):
        network(dtype).fit(inputs, y, optimizer=optimizer, epochs=2, average=0.9, callbacks=hook)
    for ours, theirs in zip(hooks[0].seen, hooks[1].seen, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert same(one.astype(dtype), other.astype(dtype))
    assert any(len(hooks[0].seen[2][i]) and hooks[0].seen[2][i].any() for i in range(1, 3))


@pytest.mark.parametrize("simd", ["avx2", "baseline"])
def test_the_same_bits_where_a_blas_takes_part(simd):
    """Products of a BLAS are cut at multiples of 256, also in a network whose W^2 is in stripes."""
    code = textwrap.dedent("""
        import numpy as np
        from scipy import sparse
        import chainrule as cr

        rng = np.random.default_rng(0)
        X = sparse.csr_array(rng.normal(size=(129, 60)) * (rng.random((129, 60)) < 0.2))
        y = rng.integers(10, size=129)
        for sizes in [60, 300, 600, 10], [60, 520, 280, 10]:
            net = cr.Network(sizes, seed=0)
            one, *others = (net.backprop(X, y, threads=n).parameters for n in (1, 2, 3, 5))
            assert all(other.tobytes() == one.tobytes() for other in others)
    """)
    done = attempt("-c", code, CHAINRULE_SIMD=simd)
    if "no such variant" in done.stderr:
        pytest.skip(f"this processor has no {simd}")
    assert done.returncode == 0, done.stderr


def test_the_making_of_the_first_batch_counts():
    X, y = sparse.csr_array(np.eye(40, N_IN)), np.zeros(40, int)

    def slow():
        time.sleep(0.05)
        yield X, y

    net = network("float32")
    net.fit(slow, epochs=2)
    assert (net.history.seconds > 0.05).all()


def test_functions_of_the_user_see_the_parameters_as_they_are(dtype):
    seen = []

    class Spying:
        def value(self, a, y):
            seen.append(net.parameters.copy())
            return ((a - y) ** 2).sum(axis=1)

        def delta(self, z, a, y):
            return 2 * (a - y) * a * (1 - a)

    X = sparse.csr_array(np.eye(40, N_IN))
    net = cr.Network([N_IN, 5, 2], cost=Spying(), dtype=dtype, seed=0)
    net.fit(X, np.zeros((40, 2)), epochs=1, batch_size=10)
    assert len({parameters.tobytes() for parameters in seen}) > 2


@pytest.mark.parametrize("optimizer", [cr.Adam, cr.RMSprop, cr.Adagrad, cr.Adamax])
def test_an_epsilon_that_vanishes_is_refused(optimizer):
    net = network("float32")
    with pytest.raises(ValueError, match="epsilon must not vanish in float32"):
        net.fit(np.eye(3, N_IN), np.zeros(3, int), optimizer=optimizer(epsilon=1e-50))
    network("float64").fit(np.eye(3, N_IN), np.zeros(3, int), optimizer=optimizer(epsilon=1e-50))


@pytest.mark.parametrize("where", ["stopped", "failed"])
def test_an_end_in_the_midst(dtype, where):
    """The batches done are kept where a hook stops or fails, as from the dense form."""
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(96, N_IN)) * (rng.random((96, N_IN)) < 0.2)
    y = rng.integers(N_OUT, size=96)

    class Stop:
        def on_batch_end(self, batch, cost):
            if batch == 1:
                raise cr.StopTraining if where == "stopped" else KeyError("of the user")

    nets = network(dtype), network(dtype)
    for net, inputs in zip(nets, (sparse.csr_array(dense), dense), strict=True):
        with contextlib.suppress(KeyError):
            net.fit(inputs, y, optimizer=cr.Adam(), callbacks=Stop())
    assert same(nets[0].parameters, nets[1].parameters)
    assert nets[0].optimizer_state["steps"] == nets[1].optimizer_state["steps"] == 2


def test_a_stream_of_wide_rows_takes_room_for_their_numbers():
    """Not for their columns: a tile of 512 rows of 10^6 would be 4 GB."""
    taken = bytes_taken("""
        from scipy import sparse

        X = sparse.random_array((40, 200_000), density=1e-4, format="csr", rng=0)
        net = cr.Network([200_000, 2, 2], seed=0)
        before = peak(anew=True)
        net.fit([(X[i : i + 10], np.arange(10) % 2) for i in range(0, 40, 10)], epochs=2,
                optimizer=cr.SGD())
        print(peak() - before)
    """)
    assert taken < 150e6  # W^2 and what keeps an epoch back, in whole stripes


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_is_asked_of_a_network(data, dtype, threads):
    X, dense, y = data
    net = network(dtype)
    assert same(net.feedforward(X, threads=threads), net(dense))
    out = np.empty((M, N_OUT), dtype)
    assert net.feedforward(X, out=out) is out
    assert out.tobytes() == net.feedforward(X, threads=threads).tobytes()
    assert net.evaluate(X, y, threads=threads) == pytest.approx(net.evaluate(dense, y), rel=1e-5)
    ours, theirs = net.backprop(X, y, threads=threads), net.backprop(dense, y)
    assert same(ours.parameters, theirs.parameters)
    assert net.jacobian(X).tobytes() == net.jacobian(dense).tobytes()
    traces = net.trace(X, y), net.trace(dense, y)
    assert traces[0].z[0].tobytes() == traces[1].z[0].tobytes()


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_full_batch(data, dtype, optimizer):
    X, dense, y = data
    nets = network(dtype), network(dtype)
    for net, inputs in zip(nets, (X[:40], dense[:40]), strict=True):
        net.fit(inputs, y[:40], epochs=2, optimizer=optimizer)
    assert same(nets[0].parameters, nets[1].parameters)


def test_the_doctor_and_the_rate_test(data):
    X, dense, y = data
    net = network("float32")
    assert str(cr.diagnose(net, X, y)) == str(cr.diagnose(net, dense, y))
    nets = network("float32"), network("float32")
    for twin, inputs in zip(nets, (X, dense), strict=True):
        twin.fit(inputs, y, epochs=1, validation_split=0.3, diagnose=True)
    assert str(nets[0].history.diagnosis) == str(nets[1].history.diagnosis)
    ours, theirs = (cr.learning_rate_range(net, inputs, y, steps=5) for inputs in (X, dense))
    assert np.allclose(ours.costs, theirs.costs, rtol=1e-4)


@pytest.mark.parametrize("rows", [5, 50])
def test_nothing_but_zeros(dtype, made, rows):
    X = made((rows, N_IN), dtype=dtype)
    assert X.nnz == 0
    net = network(dtype, input_shift=0.5)
    assert net(X).tobytes() == net(np.zeros((rows, N_IN))).tobytes()
    bare = network(dtype, bias=False)
    assert bare(X).tobytes() == bare(np.zeros((rows, N_IN))).tobytes()


def test_numbers_and_columns_are_not_copied(made):
    X = made(np.eye(6, N_IN, dtype="float32"))
    rows = as_inputs(X, N_IN, np.dtype("float64"))
    assert np.shares_memory(rows.data, X.data)
    assert np.shares_memory(rows.indices, X.indices)


def test_columns_twice_and_in_disorder(dtype, made):
    data = np.array([1.5, 2, 4, 8, -3])
    indices, indptr = np.array([7, 2, 7, 0, 0]), np.array([0, 3, 3, *[5] * 38])
    X = made((data, indices, indptr), shape=(40, N_IN))
    dense = np.zeros((40, N_IN))
    dense[0, 7], dense[0, 2], dense[2, 0] = 5.5, 2, 5
    net = network(dtype)
    assert same(net(X), net(dense))
    assert X.nnz == 5  # it stays as it is
    assert X.indices.tolist() == [7, 2, 7, 0, 0]


@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_wide_indices_and_room_at_the_end(kind, dtype):
    """What SciPy has: indices of int64 where there are many, and arrays with unused room."""
    X = sparse.csr_array(np.eye(40, N_IN))
    X.indices = np.append(X.indices, [99, 99]).astype(kind)
    X.data = np.append(X.data, [np.nan, 1])
    X.indptr = X.indptr.astype(kind)
    net = network(dtype)
    assert same(net(X), net(np.eye(40, N_IN)))


@pytest.mark.parametrize("rows", [slice(2, 9, 3), np.array([5, 0, 5, 2]), np.arange(0)])
def test_some_rows(data, rows):
    X, dense, _ = data
    some = as_inputs(X, N_IN, np.dtype("float64"))[rows]
    assert isinstance(some, SparseRows)
    assert some.shape == dense[rows].shape
    matrix = sparse.csr_array((some.data, some.indices, some.indptr), shape=some.shape)
    assert np.array_equal(matrix.toarray(), dense[rows])


def broken(**parts):
    X = sparse.csr_array(np.eye(4, N_IN))
    for name, values in parts.items():
        setattr(X, name, np.asarray(values))
    return X


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (broken(indices=[0, 1, N_IN, 3]), r"from 0 to 39; X.indices\[2\] is 40"),
        (broken(indices=[0, -1, 2, 3]), r"from 0 to 39; X.indices\[1\] is -1"),
        (broken(indices=[0, 1, 2, 2**32]), r"X.indices\[3\] is 4294967296"),
        (broken(indptr=[0, 1, 2, 3, 5]), "X.indptr must end at 4 or before; got 5"),
        (broken(indptr=[0, 3, 2, 3, 4]), "X.indptr must be 5 numbers that grow from 0"),
        (broken(indptr=[1, 1, 2, 3, 4]), "X.indptr must be 5 numbers that grow from 0"),
        (broken(indptr=[0, 1, 2, 4]), "X.indptr must be 5 numbers that grow from 0"),
        (broken(indptr=[0, 2**63 - 1, -(2**63), 3, 4]), "X.indptr must be 5 numbers that grow"),
        (
            broken(indptr=[0, 1.5, 2.5, 3, 4]),
            "X.indptr must be a vector of whole numbers; got .*64",
        ),
        (broken(indices=[0, 1.5, 2, 3]), "X.indices must be a vector of whole numbers; got .*64"),
        (broken(indices=[[0], [1], [2], [3]]), r"X.indices must be a vector .* shape \(4, 1\)"),
        (broken(data=np.ones((4, 2))), r"X.data must be a vector; got shape \(4, 2\)"),
        (broken(data=[1, 2, 3]), "X.indptr must end at 3 or before; got 4"),
        (broken(data=[1, 2, np.nan, 1]), r"X.data must be finite; X.data\[2\] is nan"),
        (broken(data=[1, 2, 3, 1e39]), r"X.data\[3\] is 1e\+39, too large for float32"),
        (sparse.csr_array((4, 41)), r"X must be \(samples, 40\); got shape \(4, 41\)"),
        (sparse.csr_array((0, 40)), "X must have at least one sample"),
    ],
)
def test_what_points_outside_is_refused(X, message):
    net = network("float32")
    before = net.parameters.copy()
    y = np.zeros(X.shape[0], int)
    for ask in (net.fit, net.evaluate, lambda X, y: net(X)):
        with pytest.raises(ValueError, match=message):
            ask(X, y)
    assert np.array_equal(net.parameters, before)


def test_columns_that_change_in_training_do_no_harm():
    """The columns are the caller's, and those out of bounds are passed over."""
    X, y = sparse.csr_array(np.eye(50, N_IN)), np.zeros(50, int)

    def spoil(net, history):
        X.indices[:] = 2**30

    net, zeros = network("float32"), network("float32")
    net.fit(X, y, epochs=2, callbacks=spoil)
    zeros.fit(np.eye(50, N_IN), y, epochs=1)
    zeros.fit(np.zeros((50, N_IN)), y, epochs=1)
    assert same(net.parameters, zeros.parameters)


def test_scipy_is_not_imported():
    code = "import sys, chainrule; assert not any(m.startswith('scipy.') for m in sys.modules)"
    python("-c", code)


def test_the_memory_that_a_large_sparse_set_needs():
    """60,000 x 5,000 numbers, one in a thousand not 0: 1.2 GB as float32, and under 30 MB here."""
    taken = bytes_taken("""
        from scipy import sparse

        X = sparse.random_array((60_000, 5_000), density=1e-3, format="csr", rng=0)
        y = np.arange(60_000) % 10
        net = cr.Network([5_000, 16, 10], seed=0)
        net.fit(X[:100], y[:100], epochs=1, validation_data=(X[:100], y[:100]))
        before = peak(anew=True)
        net.fit(X, y, epochs=1, batch_size=100, validation_data=(X, y), threads=1)
        print(peak() - before)
    """)
    assert taken < 30e6
