"""input_scale and input_shift: a^1 = scale·x + shift, the same bytes as NumPy's step by step."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.checks.arrays import as_inputs, first_activations
from model_files import header_of, refused, rewrite

M, N_IN, N_OUT = 1100, 13, 3  # three tiles
EACH = np.linspace(-0.03, 0.05, N_IN)  # of both signs
SCALINGS = {
    "a number": {"input_scale": 1 / 255},
    "shift alone": {"input_shift": -0.7},
    "both": {"input_scale": 1 / 51, "input_shift": -1.3},
    "arrays": {"input_scale": EACH, "input_shift": 1 / (3 + EACH)},
    "an array and a number": {"input_scale": EACH.tolist(), "input_shift": 0.1},
}


@pytest.fixture(params=SCALINGS.values(), ids=SCALINGS.keys())
def scaling(request):
    return request.param


HELD_BY_FLOAT32 = ["float32", "uint8", "int16", "uint16", "int8", "bool", "float16"]


@pytest.fixture(params=["float32", "float64", "uint8", "int16", "uint16", "int32", "int64"])
def data(request):
    rng = np.random.default_rng(5)
    X = rng.normal(100, 50, size=(M, N_IN)).clip(0, 255).astype(request.param)
    return X, rng.integers(N_OUT, size=M)


def network(dtype, **options):
    options = {"hidden": "tanh", "init": "small", "seed": 0} | options
    return cr.Network([N_IN, 9, N_OUT], dtype=dtype, **options)


def scaled(X, dtype, input_scale=1.0, input_shift=0.0):
    """a^1 in two roundings; of types that float32 does not hold in float64, rounded once more."""
    precision = dtype if X.dtype.name in HELD_BY_FLOAT32 else "float64"
    product = X.astype(precision) * np.asarray(input_scale, precision)
    return (product + np.asarray(input_shift, precision)).astype(dtype)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [{}, {"shuffle": False}, {"batch_size": 1050}, {"optimizer": cr.Adam(), "dropout": 0.3}],
    ids=["shuffled", "in order", "tiles", "adam"],
)
def test_training(data, dtype, scaling, options, threads):
    X, y = data
    ours, theirs = network(dtype, **scaling), network(dtype)
    ours.fit(X, y, epochs=2, validation_split=0.1, threads=threads, **options)
    theirs.fit(scaled(X, dtype, **scaling), y, epochs=2, validation_split=0.1, **options)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()
    assert ours.history.validation_cost.tobytes() == theirs.history.validation_cost.tobytes()
    unscaled = network(dtype).fit(X, y, epochs=2, validation_split=0.1, **options)
    assert not np.array_equal(ours.history.cost, unscaled.cost)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_is_asked_of_a_network(data, dtype, scaling, threads):
    X, y = data
    ours, theirs, a = network(dtype, **scaling), network(dtype), scaled(X, dtype, **scaling)
    assert ours.feedforward(X, threads=threads).tobytes() == theirs(a).tobytes()
    assert ours.evaluate(X, y, threads=threads) == theirs.evaluate(a, y)
    nablas = ours.backprop(X, y, threads=threads), theirs.backprop(a, y)
    assert nablas[0].parameters.tobytes() == nablas[1].parameters.tobytes()
    traces = ours.trace(X, y, gradients=True), theirs.trace(a, y, gradients=True)
    for name in ("z", "a", "delta"):
        for one, other in zip(*(getattr(trace, name) for trace in traces), strict=True):
            assert one.tobytes() == other.tobytes()
    gradients = [trace.gradients.parameters.tobytes() for trace in traces]
    assert gradients[0] == gradients[1]


def test_one_sample(data, dtype, scaling):
    X, _ = data
    net, right = network(dtype, **scaling), network(dtype)(scaled(X, dtype, **scaling))
    for i in (0, 7):
        for x in (X[i], X[i].astype(dtype)):
            assert net(x).tobytes() == net(x[None, :]).tobytes()
            assert np.allclose(net(x), right[i], rtol=1e-5)
    wide = cr.Network([300, 4], input_scale=0.25, input_shift=np.arange(300), dtype=dtype, seed=0)
    x = np.arange(300).astype(dtype)
    one = cr.Network([300, 4], dtype=dtype, seed=0)(x * dtype_of(dtype)(0.25) + x)
    assert wide(x).tobytes() == one.tobytes()
    assert np.array_equal(x, np.arange(300))


def dtype_of(name):
    return np.dtype(name).type


def test_batches(dtype, scaling):
    rng = np.random.default_rng(2)
    batches = [
        (rng.integers(100, size=(7, N_IN)).astype(kind), np.arange(7) % 3)
        for kind in ("uint8", dtype, "float64", "int64")
    ]
    ours, theirs = network(dtype, **scaling), network(dtype)
    ours.fit(batches, epochs=3)
    theirs.fit([(scaled(X, dtype, **scaling), y) for X, y in batches], epochs=3)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()


def test_numbers_that_a_shift_brings_near():
    """Times in seconds: float32 has one number in 128 of them."""
    x = 1.7e9 + np.arange(1000)[:, None]
    net = cr.Network([1, 1], output="identity", bias=False, init=ones, input_shift=-1.7e9)
    for kind in ("float64", "int64", "int32", "uint32", "uint64", "longdouble"):
        assert net(x.astype(kind)).ravel().tolist() == list(range(1000))
    assert len(np.unique(net(x.astype("float32")))) == 9


def ones(rng, n_in, n_out):
    return np.ones((n_out, n_in)), np.zeros(n_out)


KINDS = [*HELD_BY_FLOAT32, "float64", "int32", "int64", "uint32", "uint64", "longdouble"]
NEAR = {"input_scale": 1 + EACH, "input_shift": -1.7e9 * (1 + EACH)}


def large(kind):
    """(M, N_IN), most of which is 0, and the rest around 1.7e9 or as large as the type has it."""
    rng = np.random.default_rng(4)
    X = rng.normal(1.7e9, 1e4, size=(M, N_IN)) * (rng.random((M, N_IN)) < 0.2)
    largest = {"int8": 127, "uint8": 255, "int16": 32767, "uint16": 65535, "float16": 6e4}
    return np.minimum(X * (rng.random(X.shape) + 0.5), largest.get(kind, 2.1e9)).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaling", [{}, {"input_scale": 1 + EACH}, NEAR], ids=len)
@pytest.mark.parametrize("made", [np.asarray, sparse.csr_array])
def test_what_is_read_of_every_type(kind, made, scaling, dtype):
    if made is sparse.csr_array and kind in ("float16", "longdouble"):
        pytest.skip("SciPy has no such matrices everywhere")
    X, net = large(kind), network(dtype, **scaling)
    inputs = as_inputs(made(X), N_IN, net.dtype, scaling=net._scaling)
    a = first_activations(net._plan, inputs, net.dtype)
    right = scaled(X, dtype, **scaling) if scaling else X.astype(dtype)
    assert a.tobytes() == right.tobytes()
    assert net(made(X[:20])).tobytes() == network(dtype)(right[:20]).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1.0, 1e-9 + EACH * 1e-9])
def test_what_is_read_of_sparse_rows(kind, scale, dtype):
    """Without a shift only what is not 0 is read: the bytes of the same rows, scaled before."""
    if kind in ("float16", "longdouble"):
        pytest.skip("SciPy has no such matrices everywhere")
    X, y = sparse.csr_array(large(kind)), np.arange(M) % N_OUT
    each = np.broadcast_to(scale, N_IN)[X.indices]
    numbers = scaled(X.data, dtype, each) if np.ndim(scale) else X.data.astype(dtype)
    read = sparse.csr_array((numbers, X.indices, X.indptr), X.shape)
    ours, theirs = network(dtype, input_scale=scale), network(dtype)
    for net, inputs in ((ours, X), (theirs, read)):
        net.fit(inputs, y, epochs=2, validation_data=(inputs, y))
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()
    assert ours.history.validation_cost.tobytes() == theirs.history.validation_cost.tobytes()


def test_the_numbers_are_not_rounded_before():
    """In a float32 network float64 inputs meet the scale and the shift as they were given."""
    x, scale, shift = np.array([[1 / 3]]), 1 / 3 + 1e-12, -1 / 9
    net = cr.Network(
        [1, 1], output="identity", bias=False, init=ones, input_scale=scale, input_shift=shift
    )
    assert net(x)[0, 0] == np.float32(x[0, 0] * scale + shift)
    assert np.isclose(net(x)[0, 0], 1e-12 / 3, rtol=1e-3)


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_full_batch(data, dtype, scaling, optimizer):
    X, y = data[0][:50], data[1][:50]
    ours, theirs = network(dtype, **scaling), network(dtype)
    ours.fit(X, y, epochs=3, optimizer=optimizer)
    theirs.fit(scaled(X, dtype, **scaling), y, epochs=3, optimizer=optimizer)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()


def by_differences(net, x):
    """∂a^L_q/∂x_k, (n_L, n_1), by central differences in x itself."""
    h = 1e-4 * np.eye(N_IN)
    return ((net(x + h) - net(x - h)) / 2e-4).T


def test_derivatives_are_by_the_raw_inputs(scaling):
    net = network("float64", init="scaled", **scaling)
    X = np.random.default_rng(3).normal(0, 2, size=(5, N_IN))
    J = net.jacobian(X)
    for i, x in enumerate(X):
        right = by_differences(net, x)
        assert np.abs(right).max() > 1e-6
        assert np.allclose(J[i], right, rtol=1e-5, atol=1e-9)
        s = net.sensitivity(x)
        assert np.allclose(s.inputs, right, rtol=1e-5, atol=1e-9)
        twin = network("float64", init="scaled").sensitivity(scaled(x, "float64", **scaling))
        for one, other in zip(s.weights, twin.weights, strict=True):
            assert np.array_equal(one, other)


def test_gradients_by_differences(data, dtype, scaling):
    X, y = data[0][:20], data[1][:20]
    net = network(dtype, init="scaled", **scaling)
    check = cr.check_gradient(net, X, y)
    assert check.passed, check
    by_differences, ours = cr.numerical_gradient(net, X, y), net.backprop(X, y)
    assert np.allclose(ours.parameters, by_differences.parameters, rtol=1e-3, atol=1e-5)


def test_path_sums(dtype):
    net = network(dtype, init="scaled", input_scale=0.01, input_shift=0.5)
    x = np.arange(N_IN)
    found = cr.paths(net, x, 1, layer=2, j=3, k=4)
    assert np.isclose(found.total, net.backprop(x[None], [1]).weights[0][3, 4], rtol=1e-4)


def test_the_doctor_sees_what_the_network_sees():
    rng = np.random.default_rng(0)
    X, y = rng.normal(100, 10, size=(300, N_IN)), rng.integers(N_OUT, size=300)
    kinds = {f.kind for f in cr.diagnose(network("float32"), X, y)}
    assert "unscaled_inputs" in kinds
    net = network("float32", input_scale=0.1, input_shift=-10)
    kinds = {f.kind for f in cr.diagnose(net, X, y)}
    assert not kinds & {"unscaled_inputs", "different_scales"}


@pytest.mark.parametrize(
    ("X", "scale", "dtype", "right"),
    [
        ([[1e39], [-1e39]], 1e-3, "float32", [[1e36], [-1e36]]),
        ([[1e300]], 1e-270, "float32", [[1e30]]),
        (np.full((1, 1), 2**62), 7e19, "float32", [[2**62 * 7e19]]),
        (np.full((1, 1), 255, "uint8"), 1.3e36, "float32", [[np.float32(1.3e36) * 255]]),
        (
            np.full((1, 1), 3e38, "float32"),
            1e200,
            "float64",
            [[np.float64(np.float32(3e38)) * 1e200]],
        ),
    ],
)
def test_what_is_finite_once_it_is_scaled(X, scale, dtype, right):
    options = {"output": "identity", "bias": False, "init": ones, "dtype": dtype}
    net = cr.Network([1, 1], input_scale=scale, **options)
    assert np.array_equal(net(X), np.array(right, dtype))


@pytest.mark.parametrize(
    ("kind", "bad", "scaling", "text"),
    [
        (
            "float64",
            1e42,
            {"input_scale": 1e-3},
            r"1e\+42, too large for float32 once it is scaled$",
        ),
        ("float64", 1.0, {"input_scale": 3e38, "input_shift": 3e38}, "1.0, too large for float32 "),
        ("float64", np.nan, {"input_scale": 0}, "nan$"),
        ("float64", -np.inf, {"input_shift": 1}, "-inf$"),
        ("float32", 1e38, {"input_scale": [1, -10]}, r"9\S*e\+37, too large for float32 once"),
        ("float32", np.inf, {"input_scale": 0}, "inf$"),
        ("float16", 6e4, {"input_scale": 1e34}, "60000.0, too large for float32 once"),
        ("uint8", 4, {"input_scale": 1e38}, "4, too large for float32 once"),
        ("int64", 2**62, {"input_scale": 1e20}, "4611686018427387904, too large for float32 once"),
        ("uint32", 2**31, {"input_scale": 1e30}, "2147483648, too large for float32 once"),
    ],
)
def test_what_is_not_finite_once_it_is_scaled(kind, bad, scaling, text):
    X = np.zeros((80000, 2), kind)
    X[70000, 1] = bad
    net = cr.Network([2, 1], seed=0, **scaling)
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=rf"^X must be finite; X\[70000, 1\] is {text}"):
        net.fit(X, np.zeros(80000))
    assert np.array_equal(net.parameters, before)
    assert net.epochs_trained == 0
    with pytest.raises(ValueError, match=rf"^X must be finite; X\[1\] is {text}"):
        net(X[70000])
    if kind != "float16":
        with pytest.raises(ValueError, match=rf"^X.data must be finite; X.data\[0\] is {text}"):
            net(sparse.csr_array(X))
    assert np.isfinite(net(X[:70000])).all()


def test_a_number_that_only_its_column_makes_too_large():
    X = np.full((3, 2), 1e30)
    assert cr.Network([2, 1], input_scale=[1, 1e8])(X).shape == (3, 1)
    with pytest.raises(ValueError, match=r"X\[0, 1\] is 1e\+30, too large for float32 once"):
        cr.Network([2, 1], input_scale=[1, 1e9])(X)
    rows = sparse.csr_array(X)
    with pytest.raises(ValueError, match=r"X.data\[1\] is 1e\+30, too large for float32 once"):
        cr.Network([2, 1], input_scale=[1, 1e9])(rows)


def test_finiteness_is_seen_without_a_copy():
    """Where the largest numbers alone do not say it: 32 MB are gone through piece by piece."""
    X = np.full((1_000_000, 4), 0.9)
    net = cr.Network([4, 1], input_scale=3e38)
    tracemalloc.start()
    inputs = as_inputs(X, 4, net.dtype, scaling=net._scaling)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(inputs, X)
    assert peak < 4e6


def test_inputs_stay_as_they_are(data):
    X, y = data
    before = X.copy()
    network("float32", input_scale=2, input_shift=1).fit(X, y, epochs=1)
    assert np.array_equal(X, before)


def test_what_a_network_says_of_it():
    net = network("float32", input_scale=1 / 255, input_shift=EACH)
    assert net.input_scale == 1 / 255
    assert np.array_equal(net.input_shift, EACH)
    for name in ("input_scale", "input_shift"):
        with pytest.raises(AttributeError):
            setattr(net, name, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        net.input_shift[0] = 1
    assert (network("float32").input_scale, network("float32").input_shift) == (1.0, 0.0)


def test_the_options_are_taken_over():
    shift = EACH.copy()
    net = network("float64", input_shift=shift)
    shift[:] = 9
    assert np.array_equal(net.input_shift, EACH)
    assert not np.array_equal(net(np.zeros(N_IN)), network("float64")(np.zeros(N_IN)))


def test_repr():
    assert "input" not in repr(network("float32"))
    assert "input" not in repr(network("float32", input_scale=1, input_shift=0))
    for options in (
        {"input_scale": 1 / 255},
        {"input_scale": 0.1, "input_shift": [0.25, -1 / 3, 2.0]},
    ):
        net = cr.Network([3, 2], seed=4, **options)
        again = eval(repr(net), {"Network": cr.Network})
        x = np.array([5, 6, 7])
        assert again(x).tobytes() == net(x).tobytes() != cr.Network([3, 2], seed=4)(x).tobytes()
        assert repr(again) == repr(net)
    assert "input_shift=[-0.03, " in repr(network("float32", input_shift=EACH))
    assert ", ..., 0.05], " in repr(network("float32", input_shift=EACH))


def twins(net, path):
    net.save(path)
    yield cr.load(path)
    yield copy.copy(net)
    yield copy.deepcopy(net)
    yield pickle.loads(pickle.dumps(net))


def test_files_and_copies(data, dtype, scaling, tmp_path):
    X, y = data
    net = network(dtype, **scaling)
    net.fit(X, y, epochs=1, average=0.5)
    assert np.array_equal(net.averaged().input_scale, net.input_scale)
    for twin in twins(net, tmp_path / "net.npz"):
        assert twin(X).tobytes() == net(X).tobytes()
        for name in ("input_scale", "input_shift"):
            assert type(getattr(twin, name)) is type(getattr(net, name))
            assert np.array_equal(getattr(twin, name), getattr(net, name))
        if isinstance(twin.input_scale, np.ndarray):
            assert not twin.input_scale.flags.writeable
        assert repr(twin) == repr(net)


def test_the_file_says_what_is_not_the_default(tmp_path):
    path = tmp_path / "net.npz"
    network("float32").save(path)
    assert not {"input_scale", "input_shift"} & header_of(path).keys()
    network("float32", input_scale=0.5, input_shift=EACH).save(path)
    assert header_of(path)["format_version"] == 1
    assert header_of(path)["input_scale"] == 0.5
    assert header_of(path)["input_shift"] == EACH.tolist()


@pytest.mark.parametrize("name", ["input_scale", "input_shift"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1", "to be a number, or a list of numbers.*, got '1'"),
        (None, "to be a number, or a list of numbers.*, got None"),
        (True, "to be a number, or a list of numbers.*, got True"),
        (float("nan"), "to be a number, or a list of numbers.*, got nan"),
        (10**400, "to be a number, or a list of numbers.*, got 1000"),
        ([0.0] * 12 + ["x"], "to be a number, or a list of numbers.*"),
        ([[0.0] * 13], "to be a number, or a list of numbers.*"),
        ([1.0] * 12, r"one for each input, \(13,\); got shape \(12,\)"),
        ([], r"one for each input, \(13,\); got shape \(0,\)"),
        (1e300, "must be finite; input_s.* is 1e.300, too large for float32"),
    ],
)
def test_what_a_file_says_is_checked(name, value, message, tmp_path):
    path = tmp_path / "net.npz"
    network("float32").save(path)
    rewrite(path, header={name: value})
    refused(path, message)


@pytest.mark.parametrize("name", ["input_scale", "input_shift"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.nan, ValueError, "must be finite; .* is nan"),
        ([0.0] * 12 + [np.inf], ValueError, r"\[12\] is inf"),
        (1e39, ValueError, "too large for float32"),
        (np.ones(12), ValueError, r"one for each input, \(13,\); got shape \(12,\)"),
        (np.ones((1, 13)), ValueError, r"got shape \(1, 13\)"),
        ("1", TypeError, "must hold real numbers"),
        (1j, TypeError, "must hold real numbers"),
    ],
)
def test_what_cannot_be_is_refused(name, value, error, message):
    with pytest.raises(error, match=f"{name}.*{message}|{message}"):
        network("float32", **{name: value})
