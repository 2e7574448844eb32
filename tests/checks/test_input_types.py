"""Inputs of another type than the network: the bytes of a converted copy, without the copy."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.checks.arrays import as_inputs
from chainrule.core import _core
from children import bytes_taken

TYPES = ["float32", "float64", "uint8", "int16", "uint16", "int32", "int64"]
M, N_IN, N_OUT = 1100, 13, 3  # three tiles


@pytest.fixture(params=TYPES)
def data(request):
    """X (m, n_1) of each type, with numbers that float32 rounds where it can have them; labels."""
    rng = np.random.default_rng(5)
    X = rng.normal(100, 50, size=(M, N_IN)).clip(0, 255)
    # float32 rounds whole numbers from 2**24 on
    X *= {"int16": 100, "uint16": 200, "int32": 1e6, "int64": 1e9}.get(request.param, 1)
    if request.param.startswith("int"):
        X *= rng.choice([-1, 1], size=X.shape)
    return X.astype(request.param), rng.integers(N_OUT, size=M)


def network(dtype):
    return cr.Network([N_IN, 9, N_OUT], hidden="tanh", init="small", dtype=dtype, seed=0)


def test_the_types_are_those_of_the_core():
    assert list(_core.INPUTS) == TYPES


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": False},
        {"batch_size": 1050},
        {"batch_size": 1, "shuffle": False},
        {"optimizer": cr.Adam(), "dropout": 0.3, "record": ("layers", "gradients")},
    ],
    ids=["shuffled", "in order", "tiles", "one by one", "adam"],
)
def test_training(data, dtype, options, threads):
    X, y = data
    nets = network(dtype), network(dtype)
    for net, inputs in zip(nets, (X, X.astype(dtype)), strict=True):
        net.fit(inputs, y, epochs=2, validation_split=0.1, threads=threads, **options)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()
    assert not np.array_equal(nets[0].parameters, network(dtype).parameters)
    for figure in ("cost", "validation_cost", "validation_accuracy"):
        ours, theirs = (getattr(net.history, figure) for net in nets)
        assert ours.tobytes() == theirs.tobytes()


def test_one_long_row_at_a_time(dtype):
    """Where rows that come next would be asked for of memory, if they were the network's own."""
    X = np.random.default_rng(1).integers(256, size=(64, 300)).astype(np.uint8)
    y = np.arange(64) % 2
    nets = [cr.Network([300, 4, 2], init="small", dtype=dtype, seed=0) for _ in range(2)]
    for net, inputs in zip(nets, (X, X.astype(dtype)), strict=True):
        net.fit(inputs, y, batch_size=4, epochs=3)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


def test_batches_of_types_that_differ(dtype):
    rng = np.random.default_rng(2)
    batches = [(rng.integers(100, size=(7, N_IN)).astype(kind), np.arange(7) % 3) for kind in TYPES]
    nets = network(dtype), network(dtype)
    nets[0].fit(batches, epochs=3)
    nets[1].fit([(X.astype(dtype), y) for X, y in batches], epochs=3)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_full_batch(data, dtype, optimizer):
    X, y = data[0][:50], data[1][:50]
    nets = network(dtype), network(dtype)
    for net, inputs in zip(nets, (X, X.astype(dtype)), strict=True):
        net.fit(inputs, y, epochs=3, optimizer=optimizer, validation_data=(inputs, y))
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_is_asked_of_a_network(data, dtype, threads):
    X, y = data
    net, dense = network(dtype), X.astype(dtype)
    assert net.feedforward(X, threads=threads).tobytes() == net(dense).tobytes()
    assert net(X[5]).tobytes() == net(dense[5]).tobytes()
    assert net.evaluate(X, y, threads=threads) == net.evaluate(dense, y)
    ours, theirs = net.backprop(X, y, threads=threads), net.backprop(dense, y)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()
    assert ours.cost == theirs.cost


def test_traces_and_derivatives(data, dtype):
    X, y = data
    net, dense = network(dtype), X.astype(dtype)
    ours, theirs = (net.trace(inputs, y, gradients=True) for inputs in (X, dense))
    for name in ("z", "a", "delta"):
        for one, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert one.tobytes() == other.tobytes()
    assert ours.gradients.parameters.tobytes() == theirs.gradients.parameters.tobytes()
    assert net.jacobian(X).tobytes() == net.jacobian(dense).tobytes()
    assert net.sensitivity(X[3]).inputs.tobytes() == net.sensitivity(dense[3]).inputs.tobytes()


def test_gradients_by_differences(data):
    X, y = data[0][:20], data[1][:20]
    net, dense = network("float64"), X.astype("float64")
    ours, theirs = cr.numerical_gradient(net, X, y), cr.numerical_gradient(net, dense, y)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()
    assert cr.check_gradient(net, X, y).errors == cr.check_gradient(net, dense, y).errors


def test_the_doctor_and_the_rate_test(data):
    X, y = data
    net = network("float32")
    assert str(cr.diagnose(net, X, y)) == str(cr.diagnose(net, X.astype("float32"), y))
    ours = cr.learning_rate_range(net, X, y, steps=10)
    theirs = cr.learning_rate_range(net, X.astype("float32"), y, steps=10)
    assert ours.costs.tobytes() == theirs.costs.tobytes()


@pytest.mark.parametrize("kind", ["int8", "uint32", "uint64", "bool", "float16"])
def test_other_types_are_converted_whole(kind, dtype):
    X = np.arange(6 * N_IN).reshape(6, N_IN).astype(kind)
    inputs = as_inputs(X, N_IN, np.dtype(dtype))
    assert inputs.dtype == dtype
    assert np.array_equal(inputs, X)


@pytest.mark.parametrize("letter", "ilqBHfd")
def test_types_go_by_their_size_whatever_c_calls_them(letter, dtype):
    """Of int, long and long long two are alike, and which two depends on the system."""
    X = np.arange(6 * N_IN).reshape(6, N_IN).astype(letter)
    inputs = as_inputs(X, N_IN, np.dtype(dtype))
    assert np.shares_memory(inputs, X)
    assert network(dtype)(X).tobytes() == network(dtype)(X.astype(dtype)).tobytes()


def test_arrays_in_c_order_are_not_copied(data, dtype):
    X = data[0]
    X.flags.writeable = False
    assert np.shares_memory(as_inputs(X, N_IN, np.dtype(dtype)), X)
    assert np.shares_memory(as_inputs(X[3:9], N_IN, np.dtype(dtype)), X)


def test_others_are_copied_in_their_own_type(data, dtype):
    X, y = data
    skewed = np.empty(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    skewed[:] = X
    twice = np.repeat(X, 2, axis=1)[:, ::2]
    swapped = X.astype(X.dtype.newbyteorder("S"))
    right = network(dtype).evaluate(X, y)
    for other in (np.asfortranarray(X), twice, swapped, skewed):
        kept = as_inputs(other, N_IN, np.dtype(dtype))
        assert kept.dtype == X.dtype
        assert kept.dtype.isnative
        assert kept.flags.c_contiguous
        assert kept.flags.aligned
        assert network(dtype).evaluate(other, y) == right


def test_a_memory_map_is_read_where_it_is(data, dtype, tmp_path):
    X, y = data
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert np.shares_memory(as_inputs(mapped, N_IN, np.dtype(dtype)), mapped)
    nets = network(dtype), network(dtype)
    nets[0].fit(mapped, y, epochs=2)
    nets[1].fit(X.astype(dtype), y, epochs=2)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


@pytest.mark.parametrize(
    ("kind", "bad", "text"),
    [
        ("float64", np.nan, r"X must be finite; X\[70000, 1\] is nan$"),
        ("float64", -np.inf, r"X must be finite; X\[70000, 1\] is -inf$"),
        ("float64", 1e39, r"X must be finite; X\[70000, 1\] is 1e\+39, too large for float32"),
        ("float32", np.inf, r"X must be finite; X\[70000, 1\] is inf$"),
    ],
)
def test_what_is_not_finite_is_named(kind, bad, text):
    X = np.zeros((80000, 2), kind)
    X[70000, 1] = X[75000, 0] = bad
    net = cr.Network([2, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=text):
        net.fit(X, np.zeros(80000))
    assert np.array_equal(net.parameters, before)
    with pytest.raises(ValueError, match="finite"):
        net(X)
    if kind == "float32" or not np.isfinite(bad):
        with pytest.raises(ValueError, match=r"X\[70000, 1\]"):
            cr.Network([2, 1], dtype="float64")(X)
    else:
        assert np.isfinite(cr.Network([2, 1], dtype="float64")(X)).all()


def test_the_largest_number_of_float32_passes_as_float64():
    largest = float(np.finfo("float32").max)
    net = cr.Network([1, 1], init="zeros", seed=0)
    assert net([[largest], [-largest]]).tolist() == [[0.5], [0.5]]
    with pytest.raises(ValueError, match="too large"):
        net([[largest * 1.001]])


def test_the_core_refuses_inputs_of_other_types():
    net = network("float32")
    with pytest.raises(ValueError, match=r"float32, float64, uint8, int16, uint16, int32, int64$"):
        _core.feedforward(
            net._plan, net.parameters, np.zeros((1, N_IN), "uint32"), np.zeros((1, 3), "float32")
        )


@pytest.mark.parametrize(
    ("kind", "m", "scaling"),
    [
        ("uint8", 60_000, {}),
        ("int64", 20_000, {"input_scale": 1e-3, "input_shift": -3e-3}),
        ("float64", 20_000, {"input_scale": 1e-3, "input_shift": -3e-3}),
    ],
)
def test_the_memory_that_a_large_set_of_images_needs(kind, m, scaling):
    """60,000 x 784 bytes are 47 MB, as float32 188 MB: beyond the data, less than a quarter."""
    taken = bytes_taken(f"""
        X = np.full(({m}, 784), 3, "{kind}")
        y = np.arange({m}) % 10
        net = cr.Network([784, 16, 10], init="small", seed=0, **{scaling})
        net.fit(X[:100], y[:100], epochs=1, validation_data=(X[:100], y[:100]))
        before = peak(anew=True)
        net.fit(X, y, epochs=1, batch_size=100, validation_data=(X, y), threads=1)
        net.evaluate(X, y, threads=1)
        net.feedforward(X, threads=1)
        print(peak() - before)
    """)
    assert 0 < taken < m * 784 * 4 / 4
