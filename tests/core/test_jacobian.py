"""The derivatives of the outputs: by the inputs (`jacobian`) and by everything (`sensitivity`).

Each is held against central differences of feedforward, which use no formula, and against the
product of matrices diag(σ'(z^L)) W^L ... diag(σ'(z^2)) W^2 of the definition.
"""

import sys

import numpy as np
import pytest

import chainrule
import oracle
from children import attempt
from differences import AGREEMENT, differences
from oracle import TOLERANCE, assert_close

DTYPES = ["float32", "float64"]
HIDDEN = ["sigmoid", "tanh", "relu", "identity"]
OUTPUTS = ["sigmoid", "tanh", "relu", "identity", "softmax"]
SIZES = {
    "narrowing": (7, 6, 4, 3),
    "widening": (2, 6, 4, 5),
    "flat": (4, 3),
    "flat widening": (3, 9),
    "vector lanes and a rest": (19, 33, 17),
}


def slope(name, z):
    """∂a_j/∂z_k of a layer, (s, n, n): diag(σ'(z)), or diag(a) - a aᵀ for softmax."""
    if name != "softmax":
        return np.einsum("sj,jk->sjk", oracle.PRIME[name](z), np.eye(z.shape[1]))
    a = oracle.softmax(z)
    return np.einsum("sj,jk->sjk", a, np.eye(z.shape[1])) - np.einsum("sj,sk->sjk", a, a)


def product_of_matrices(twin, x):
    """∂a^L/∂x, (s, n_L, n_1)."""
    found = np.eye(x.shape[1])[None]
    zs, _ = oracle.feedforward(twin, x)
    for w, z, name in zip(twin.weights, zs, twin.activations, strict=True):
        found = slope(name, z) @ w @ found
    return found


each_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
each_hidden = pytest.mark.parametrize("hidden", HIDDEN)
each_output = pytest.mark.parametrize("output", OUTPUTS)
each_pair = pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)


@pytest.fixture
def alive(draw_problem):
    """draw_problem, with a first sample whose outputs are not all at rest."""

    def draw(sizes, rows, **options):
        for seed in range(20):
            net, x, y = draw_problem(sizes, rows, seed=seed, **options)
            if product_of_matrices(oracle.copy_of(net), x[:1]).any():
                return net, x, y
        raise AssertionError("no sample found whose inputs move an output")

    return draw


# ---------------------------------------------------------------- jacobian


@each_size
@each_output
@each_hidden
@each_bias
def test_jacobian_is_what_differences_of_feedforward_find(alive, sizes, hidden, output, bias):
    hidden = hidden if len(sizes) > 2 else []
    net, x, _ = alive(sizes, 3, hidden=hidden, output=output, bias=bias)
    got = net.jacobian(x)
    assert got.shape == (3, sizes[-1], sizes[0])
    for i, row in enumerate(x.copy()):
        expected = differences(lambda row=row: net.feedforward(row), row)
        if i == 0 or expected.any():  # relu outputs may all be off
            assert_close(got[i], expected, AGREEMENT)
        else:
            assert not got[i].any()


@each_dtype
@each_pair
@each_hidden
@each_bias
def test_jacobian_is_the_product_of_matrices(draw_problem, hidden, output, cost, bias, dtype):
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, _ = draw_problem((5, 17, 33, 3), 7, **options)
    got = net.jacobian(x)
    assert got.dtype == dtype
    assert_close(got, product_of_matrices(oracle.copy_of(net), x), 10 * TOLERANCE[dtype])


@each_dtype
@pytest.mark.parametrize("rows", [1, 3, 511, 512, 513, 1025])
@pytest.mark.parametrize("output", ["tanh", "softmax"])
def test_jacobian_of_batches(draw_problem, output, rows, dtype):
    """Tiles have 512 rows."""
    net, x, _ = draw_problem((4, 9, 3), rows, hidden="relu", output=output, dtype=dtype)
    expected = product_of_matrices(oracle.copy_of(net), x)
    assert_close(net.jacobian(x), expected, 10 * TOLERANCE[dtype])


@each_dtype
@each_size
def test_jacobian_of_one_sample_has_no_batch(alive, sizes, dtype):
    net, x, _ = alive(sizes, 2, hidden="tanh" if len(sizes) > 2 else [], dtype=dtype)
    got = net.jacobian(x[0])
    assert got.shape == (sizes[-1], sizes[0])
    expected = product_of_matrices(oracle.copy_of(net), x[:1])[0]
    assert_close(got, expected, 10 * TOLERANCE[dtype])


def test_jacobian_by_hand():
    """a = σ(w·x) with w·x = 0: σ'(0) = 1/4. And two linear layers: the product of their W."""
    neuron = chainrule.Network([2, 1], init=lambda *_: ([[2.0, -4.0]], [0.0]))
    assert neuron.jacobian([2.0, 1.0]).tolist() == [[0.5, -1.0]]
    linear = chainrule.Network([2, 2, 1], hidden="identity", output="identity", dtype="float64")
    linear.weights[0][...] = [[1, 2], [3, 4]]
    linear.weights[1][...] = [[5, 6]]
    assert linear.jacobian([[7.0, 8.0], [0.0, 0.0]]).tolist() == [[[23, 34]], [[23, 34]]]


def test_a_softmax_moves_without_changing_its_sum(draw_problem):
    net, x, _ = draw_problem((5, 8, 4), 6, output="softmax")
    got = net.jacobian(x)
    assert np.abs(got).max() > 1e-3
    np.testing.assert_allclose(got.sum(axis=1), 0, rtol=0, atol=1e-15)


FAR_APART = """
import signal
import numpy as np
from chainrule.core import _core

n, k = 46342, 200  # n² is just above 2³¹
x, parameters = np.ones((1, n), np.float32), np.ones(2 * n * k, np.float32)
out = np.empty((1, n, n), np.float32)  # its pages are never touched but for the first rows
plan = _core.Plan((n, k, n), [("identity", 0.0)] * 2, ("quadratic", ()), False)
signal.signal(signal.SIGPROF, signal.default_int_handler)
signal.setitimer(signal.ITIMER_PROF, 0.02)
try:
    _core.jacobian(plan, parameters, x, out)
except KeyboardInterrupt:
    assert (out[0, :3] == k).all(), out[0, :3]
    print("right")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs memory that is promised but not used")
def test_a_jacobian_of_more_entries_than_a_blas_can_count():
    """BLAS has 32 bits for the distance of rows. The baseline variant leaves most to BLAS."""
    done = attempt("-c", FAR_APART, CHAINRULE_SIMD="baseline")
    if "MemoryError" in done.stderr:
        pytest.skip("this machine does not promise 9 GB")
    assert done.stdout == "right\n", done.stdout[-300:] + done.stderr


# ---------------------------------------------------------------- sensitivity


@each_size
@each_output
@each_hidden
@each_bias
def test_sensitivity_is_what_differences_of_feedforward_find(alive, sizes, hidden, output, bias):
    hidden = hidden if len(sizes) > 2 else []
    net, x, _ = alive(sizes, 1, hidden=hidden, output=output, bias=bias)
    x = x[0]
    found = net.sensitivity(x)
    assert_close(found.parameters, differences(lambda: net(x), net.parameters), AGREEMENT)
    assert_close(found.inputs, differences(lambda: net(x), x), AGREEMENT)


@each_dtype
@each_pair
@each_hidden
@each_bias
def test_sensitivity_follows_from_the_chain_of_matrices(alive, hidden, output, cost, bias, dtype):
    """∂a^L/∂z^l is the product of matrices from above; times a^{l-1} it is ∂a^L/∂W^l."""
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    sizes = (5, 17, 33, 3)
    net, x, _ = alive(sizes, 1, **options)
    twin, found = oracle.copy_of(net), net.sensitivity(x[0])
    tolerance = 10 * TOLERANCE[dtype]
    assert found.parameters.shape == (3, net.parameters.size)
    assert len(found.weights) == 3
    assert len(found.biases) == 3 * bias
    zs, activations = oracle.feedforward(twin, x)
    below = [oracle.float64(x), *activations]
    by_z = slope(output, zs[-1])[0]
    for i in (2, 1, 0):
        expected = np.einsum("qj,k->qjk", by_z, below[i][0])
        assert found.weights[i].shape == (3, sizes[i + 1], sizes[i])
        assert found.weights[i].dtype == dtype
        assert_close(found.weights[i], expected, tolerance)
        if bias:
            assert found.biases[i].shape == (3, sizes[i + 1])
            assert_close(found.biases[i], by_z, tolerance)
        by_a = by_z @ twin.weights[i]
        by_z = by_a @ slope(hidden, zs[i - 1])[0] if i else None
    assert found.inputs.dtype == dtype
    assert_close(found.inputs, by_a, tolerance)


@each_dtype
def test_by_the_inputs_sensitivity_and_jacobian_agree(draw_problem, dtype):
    net, x, _ = draw_problem((5, 17, 4), 3, hidden="tanh", output="softmax", dtype=dtype)
    for row, expected in zip(x, net.jacobian(x), strict=True):
        assert_close(net.sensitivity(row).inputs, oracle.float64(expected), TOLERANCE[dtype])


@each_output
@each_hidden
def test_an_estimate_misses_by_the_square_of_the_step(alive, hidden, output):
    """Half the step, a quarter of the error: the estimate is right to first order.

    No relu passes its kink: a step of length 1e-4 moves a z by less than KINK.
    """
    net, x, _ = alive((4, 6, 5, 3), 1, hidden=hidden, output=output)
    x, rng = x[0], np.random.default_rng(1)
    found, before, start = net.sensitivity(x), net(x), net.parameters.copy()
    direction = rng.normal(size=start.size)
    direction /= np.linalg.norm(direction)

    def error(length):
        net.parameters = start + length * direction
        return np.linalg.norm(net(x) - before - found.parameters @ (net.parameters - start))

    whole, half = error(1e-4), error(0.5e-4)
    assert whole > 1e-11  # else only rounding is compared
    assert 3.9 < whole / half < 4.1
    net.parameters = start
    moved = found.inputs @ (1e-6 * direction[:4])
    assert_close(net(x + 1e-6 * direction[:4]) - before, moved, 1e-4)


@each_dtype
@each_pair
@each_hidden
@each_bias
def test_with_the_cost_on_top_it_is_backprop(alive, hidden, output, cost, bias, dtype):
    """∂C/∂w = Σ_q ∂C/∂a_q ∂a_q/∂w, with ∂C/∂a from the definition of the cost."""
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, y = alive((5, 9, 8, 3), 1, **options)
    a, y_true = oracle.feedforward(oracle.copy_of(net), x)[1][-1][0], oracle.float64(y[0])
    by_output = {
        "quadratic": lambda: a - y_true,
        "squared_error": lambda: 2 * (a - y_true),
        "cross_entropy": lambda: (1 - y_true) / (1 - a) - y_true / a,
        "log_likelihood": lambda: -y_true / a,
    }[cost]()
    found, nabla = net.sensitivity(x[0]), net.backprop(x, y)
    tolerance = 10 * TOLERANCE[dtype]
    for got, expected in zip(
        found.weights + found.biases, nabla.weights + nabla.biases, strict=True
    ):
        summed = np.tensordot(by_output, oracle.float64(got), 1)
        assert_close(summed, oracle.float64(expected), tolerance)


@each_bias
def test_the_parts_of_a_sensitivity_are_views_of_the_whole(draw_problem, bias):
    net, x, _ = draw_problem((3, 5, 2), 1, bias=bias)
    found = net.sensitivity(x[0])
    found.parameters[...] = np.arange(found.parameters.size).reshape(found.parameters.shape)
    kinds = [found.weights[0], *found.biases[:1], found.weights[1], *found.biases[1:]]
    flat = np.concatenate([part.reshape(2, -1) for part in kinds], axis=1)
    np.testing.assert_array_equal(flat, found.parameters)
    assert found.cost is None


# ---------------------------------------------------------------- what is handed over

METHODS = {"jacobian": "X", "sensitivity": "x"}
each_method = pytest.mark.parametrize("method", METHODS)


def values_of(found):
    return found if isinstance(found, np.ndarray) else np.c_[found.parameters, found.inputs]


@each_method
@pytest.mark.parametrize(
    "given",
    [
        [3, 1, 2],
        np.array([3, 1, 2], "uint8"),
        np.array([3, 1, 2], ">f4"),
        np.array([3, 1, 2], "float16"),
        np.array([3, 0, 1, 0, 2, 0], "float32")[::2],
        np.array([2, 1, 3], "float64")[::-1],
    ],
    ids=["list", "uint8", "big-endian", "float16", "strided", "reversed"],
)
@each_dtype
def test_any_array_of_numbers_will_do(method, given, dtype):
    net = chainrule.Network([3, 4, 2], dtype=dtype, seed=0)
    expected = values_of(getattr(net, method)(np.array([3, 1, 2], dtype)))
    assert expected.any()
    np.testing.assert_array_equal(values_of(getattr(net, method)(given)), expected)


SINGLE = {
    "too short": (np.ones(2), ValueError, "(3,); got shape (2,)"),
    "empty": (np.ones(0), ValueError, "(3,); got shape (0,)"),
    "a number": (5.0, ValueError, "got shape ()"),
    "3-d": (np.ones((1, 1, 3)), ValueError, "got shape (1, 1, 3)"),
    "too narrow": (np.ones((4, 2)), ValueError, "got shape (4, 2)"),
    "no rows": (np.ones((0, 3)), ValueError, "got shape (0, 3)"),
    "not a number": ([1.0, np.nan, 2.0], ValueError, "[1] is nan"),
    "infinite": ([1.0, 2.0, -np.inf], ValueError, "[2] is -inf"),
    "too large": ([1e39, 0, 0], ValueError, "[0] is 1e+39, too large for float32"),
    "complex": (np.ones(3, complex), TypeError, "must hold real numbers; got dtype complex128"),
    "text": ("abc", TypeError, "must hold real numbers; got dtype <U3"),
    "nothing": (None, TypeError, "must hold real numbers; got dtype object"),
    "ragged": ([[1, 2, 3], [1, 2]], ValueError, "is not a rectangular array of numbers"),
}


@each_method
@pytest.mark.parametrize(("given", "exception", "message"), SINGLE.values(), ids=SINGLE)
def test_what_does_not_fit_is_refused(method, given, exception, message):
    net = chainrule.Network([3, 4, 2], seed=0)
    with pytest.raises(exception) as caught:
        getattr(net, method)(given)
    assert message in str(caught.value)
    assert str(caught.value).startswith(METHODS[method] + " ")


@pytest.mark.parametrize("shape", [(1, 3), (5, 3), (5, 2), (0, 3), (2,), ()])
def test_sensitivity_says_that_it_takes_one_sample_and_where_to_go_with_more(shape):
    net = chainrule.Network([3, 4, 2], seed=0)
    with pytest.raises(ValueError, match=r"x must be one sample, \(3,\); got shape .*jacobian"):
        net.sensitivity(np.ones(shape))


def test_asking_changes_nothing(draw_problem):
    net, x, y = draw_problem((5, 6, 7, 3), 20, hidden=["relu", "sigmoid"])
    net.fit(x, y, optimizer=chainrule.SGD(0.1, momentum=0.9), epochs=1)
    before = net.parameters.tobytes(), net.optimizer_state["velocity"].tobytes(), x.tobytes()
    net.jacobian(x), net.sensitivity(x[0]), net.trace(x, y, gradients=True)
    after = net.parameters.tobytes(), net.optimizer_state["velocity"].tobytes(), x.tobytes()
    assert before == after
    assert net.epochs_trained == 1


@pytest.mark.parametrize("kind", [list, np.asarray])
def test_sensitivity_scales_before_it_rounds(kind):
    net = chainrule.Network([1, 1], output="tanh", input_shift=-1.7e9, seed=0)
    x = 1.7e9 + 1
    s = net.sensitivity(kind([x]))
    np.testing.assert_array_equal(s.inputs, net.jacobian(np.array([x])))
    assert (s.inputs != net.sensitivity([x + 1]).inputs).all()
