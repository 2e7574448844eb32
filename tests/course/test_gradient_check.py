"""`numerical_gradient` against a plain loop; whether `check_gradient` tells right from wrong."""

import re

import numpy as np
import pytest

import chainrule
import oracle
from chainrule import SGD, check_gradient, numerical_gradient
from chainrule.core import _core
from chainrule.course.difference_errors import difference_errors
from oracle import assert_close
from refusals import refuse, state

EPS = np.finfo(float).eps
STEP = {"central": EPS ** (1 / 3), "forward": EPS**0.5}
# Of the largest entry. Forward differences neglect C''h/2 with h = 1.5e-8, central ones C'''h²/6
# with h = 6e-6; both then have an error of ε C / h from rounding.
AGREEMENT = {"central": 1e-8, "forward": 1e-5}

each_scheme = pytest.mark.parametrize("scheme", STEP)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_hidden = pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
each_pair = pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
each_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])


def loop(net, x, y, scheme):
    """The differences, parameter by parameter, of the oracle's cost; (nabla, costs computed)."""
    twin, count = oracle.copy_of(net), 0

    def cost():
        nonlocal count
        count += 1
        return oracle.mean_cost(twin, oracle.feedforward(twin, x)[0][-1], oracle.float64(y))

    here, nabla = cost(), []
    for w, b in zip(twin.weights, twin.biases, strict=True):
        for parameters in (w, b) if net.bias else (w,):
            for place in np.ndindex(parameters.shape):
                kept = parameters[place]
                h = STEP[scheme] * max(1.0, abs(kept))
                parameters[place] = kept + h
                above = cost()
                if scheme == "central":
                    parameters[place] = kept - h
                    nabla.append((above - cost()) / (2 * h))
                else:
                    nabla.append((above - here) / h)
                parameters[place] = kept
    return np.array(nabla), here, count


# ---------------------------------------------------------------- numerical_gradient


@each_scheme
@each_dtype
@each_pair
@each_hidden
@each_bias
def test_differences(draw_problem, hidden, output, cost, bias, dtype, scheme):
    """In float64 whatever the network's dtype, so that float32 is held to the same bounds."""
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, y = draw_problem((3, 5, 4, 2), 6, **options)
    net.weights[1][0, 0] = 3.0  # a step larger than the others'
    before = state(net), x.tobytes(), y.tobytes()
    found = numerical_gradient(net, x, y, scheme=scheme)
    assert (state(net), x.tobytes(), y.tobytes()) == before
    expected, here, count = loop(net, x, y, scheme)
    assert found.passes == count == (1 + scheme.count("central")) * net.parameters.size + 1
    assert found.parameters.dtype == np.float64
    assert_close(found.cost, here, 1e-14)
    rounding = 20 * EPS * here / STEP[scheme]
    assert np.abs(expected).max() > 1e3 * rounding
    np.testing.assert_allclose(found.parameters, expected, rtol=0, atol=rounding)

    nabla_w, nabla_b, _ = oracle.backprop(oracle.copy_of(net), x, y)
    for got, right in zip(found.weights, nabla_w, strict=True):
        assert_close(got, right, AGREEMENT[scheme], max(1e-2, np.abs(right).max()))
    for got, right in zip(found.biases, nabla_b if bias else [], strict=True):
        assert_close(got, right, AGREEMENT[scheme], max(1e-2, np.abs(right).max()))


def test_integer_labels_are_one_hot_rows(draw_problem):
    net, x, _ = draw_problem((3, 5, 4), 6, output="softmax", cost="log_likelihood")
    labels = np.array([0, 3, 1, 2, 2, 0])
    got = numerical_gradient(net, x, labels)
    expected = numerical_gradient(net, x, oracle.one_hot(labels, 4))
    assert_close(got.parameters, expected.parameters, 1e-9)
    assert check_gradient(net, x, labels).passed


def test_more_rows_than_a_tile(draw_problem):
    net, x, y = draw_problem((3, 4, 2), 1100)
    assert_close(numerical_gradient(net, x, y).parameters, net.backprop(x, y).parameters, 1e-7)


def test_central_is_the_default(draw_problem):
    net, x, y = draw_problem((3, 4, 2), 5)
    found, central = numerical_gradient(net, x, y), numerical_gradient(net, x, y, scheme="central")
    assert found.passes == 2 * net.parameters.size + 1
    np.testing.assert_array_equal(found.parameters, central.parameters)
    assert check_gradient(net, x, y).passes == found.passes


# ---------------------------------------------------------------- check_gradient: right


def rows_of(net):
    return [f"{kind}^{i + 2}" for i in range(len(net.sizes) - 1) for kind in "Wb"[: 1 + net.bias]]


@each_scheme
@each_dtype
@each_pair
@each_hidden
@each_bias
def test_right_gradients_pass(draw_problem, hidden, output, cost, bias, dtype, scheme):
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    net, x, y = draw_problem((3, 5, 4, 2), 6, **options)
    before = state(net)
    found = check_gradient(net, x, y, scheme=scheme)
    assert state(net) == before
    assert found.passed
    assert found
    assert list(found.errors) == rows_of(net)
    assert all(0 <= error <= found.tolerance for error in found.errors.values())
    assert found.worst == max(found.errors.values())
    assert found.tolerance == {"central": 1e-5, "forward": 1e-3}[scheme]


@each_scheme
@pytest.mark.parametrize("depth", [3, 5, 7, 9])
def test_right_gradients_pass_in_deep_networks_that_hardly_learn(depth, scheme):
    """Sigmoids let a gradient vanish; with it the differences lose their digits."""
    net = chainrule.Network([2, *[4] * depth, 2], dtype="float64", seed=1)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 2)), rng.random((10, 2))
    nabla = net.backprop(x, y)
    assert np.abs(nabla.weights[0]).max() < 0.02 * np.abs(nabla.weights[-1]).max()
    found = check_gradient(net, x, y, scheme=scheme)
    assert found.verdict != "FAILED", f"\n{found}"
    assert found.errors[f"W^{depth + 2}"] <= found.tolerance
    numerical = numerical_gradient(net, x, y, scheme=scheme)
    for name, error in found.errors.items():  # the plain one, whatever rounding has to do with it
        arrays = [(g.weights, g.biases)["Wb".index(name[0])] for g in (nabla, numerical)]
        ours, theirs = (of_layers[int(name[2:]) - 2] for of_layers in arrays)
        scale = np.maximum(abs(ours), abs(theirs))
        errors = abs(ours - theirs) / np.maximum(scale, scale.max() / 100)
        if np.isnan(error):
            assert scale.max() < 1e-4
            continue
        assert error == pytest.approx(errors.max(), rel=1e-4)
        (line,) = [line for line in str(found).splitlines() if line.startswith(name)]
        place = np.unravel_index(errors.argmax(), errors.shape)
        assert "[" + ", ".join(map(str, place)) + "]" in line
        assert ("rounding" in line) == (error > found.tolerance)


CASES = {
    "quadratic": {},
    "linear": {"output": "identity"},
    "cross_entropy": {"cost": "cross_entropy"},
    "softmax": {"output": "softmax", "cost": "log_likelihood"},
    "tanh": {"output": "tanh", "cost": "squared_error"},
}


@each_scheme
@pytest.mark.parametrize("off", [0, 1e-9, 1e-4, 0.3])
@pytest.mark.parametrize("scale", [0.01, 1, 10])
@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_right_gradients_of_any_network_near_a_fit_do_not_fail(options, scale, off, scheme):
    inits = ["scaled", "small", "glorot", "large"][: 4 if scale == 1 else 3]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sizes = [int(n) for n in rng.integers(1, 5, int(rng.integers(2, 12)))]
        hidden = [str(name) for name in rng.choice(["sigmoid", "tanh", "identity"], len(sizes) - 2)]
        init = str(rng.choice(inits))
        net = chainrule.Network(
            sizes, hidden=hidden, init=init, dtype="float64", seed=seed, **options
        )
        x = rng.normal(size=(int(rng.integers(1, 20)), sizes[0])) * scale
        y = np.clip(net(x) + off * rng.normal(size=(len(x), sizes[-1])), 0, 1)
        if net.output == "identity" or off == 0:
            y = net(x) + off * rng.normal(size=(len(x), sizes[-1]))
        found = check_gradient(net, x, y, scheme=scheme)
        assert found.verdict != "FAILED", f"{net}\n{found}"


def test_a_perfect_fit_is_not_checked_and_does_not_fail():
    """Outputs 1 and 2 are right to some 1e-16, and all that the differences hold is that."""
    net = chainrule.Network(
        [1, 1], output="identity", dtype="float64", init=lambda *_: ([[1.0]], [0.0])
    )
    found = check_gradient(net, [[1.0], [2.0]], [[1.0], [2.0]])
    assert found.verdict == "not checked: W^2, b^2"
    assert not found


@pytest.mark.parametrize("large", [1e3, 1e6])
def test_least_squares_solved_for_large_outputs_do_not_fail(large):
    """The gradient is 0, the cost 1e-6, and the rounding that of the outputs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2))
    y = large + x @ [[1.0], [2.0]] + 1e-3 * rng.normal(size=(50, 1))
    solved = np.linalg.lstsq(np.hstack([x, np.ones((50, 1))]), y, rcond=None)[0][:, 0]
    net = chainrule.Network(
        [2, 1], output="identity", dtype="float64", init=lambda *_: ([solved[:2]], solved[2:])
    )
    assert check_gradient(net, x, y).verdict == "not checked: W^2, b^2"


@pytest.mark.parametrize("off", [0, 1e-3])
@pytest.mark.parametrize("large", [1e4, 1e8])
def test_outputs_that_are_small_by_cancellation_do_not_fail(large, off):
    """z is right to the rounding of its terms; the residuals make no gradient."""
    rng = np.random.default_rng(0)
    x = 1 + rng.normal(size=(50, 2)) / large
    net = chainrule.Network(
        [2, 1], output="identity", dtype="float64",
        init=lambda *_: ([[large, -large]], [0.0]),
    )  # fmt: skip
    residuals = rng.normal(size=50)
    columns = np.linalg.qr(np.hstack([x, np.ones((50, 1))]))[0]
    residuals -= columns @ (columns.T @ residuals)
    found = check_gradient(net, x, net(x) + off * residuals[:, None])
    assert found.verdict == "not checked: W^2, b^2", f"\n{found}"


@each_scheme
def test_only_arrays_that_stand_out_from_rounding_pass(scheme):
    """Where an entry is not 100 times what rounding does, that could hide errors above 1 %."""
    net = chainrule.Network([2, *[4] * 9, 2], dtype="float64", seed=1)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 2)), rng.random((10, 2))
    nabla, cost = net.backprop(x, y), net.evaluate(x, y)["cost"]
    unsure = difference_errors(net, (net._plan, net.parameters, x, y, None), cost, STEP[scheme])
    least = 20 * EPS * cost / STEP[scheme]
    hidden, between = [], []
    for name in rows_of(net):
        of_layers, errors = (
            (g.weights, g.biases)["Wb".index(name[0])][int(name[2:]) - 2] for g in (nabla, unsure)
        )
        assert least < errors.max() < 20 * least
        hidden += [name] * int(np.abs(of_layers).max() <= 100 * errors.max())
        between += [name] * int(2 < np.abs(of_layers).max() / errors.max() <= 100)
    assert between
    assert check_gradient(net, x, y, scheme=scheme).verdict == f"not checked: {', '.join(hidden)}"


def test_a_halved_gradient_does_not_pass_for_rounding(monkeypatch):
    net = chainrule.Network([3, 4, 4, 4, 2], init="small", dtype="float64", seed=2)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 3)), rng.random((10, 2))
    spoil(monkeypatch, lambda nabla: np.multiply(nabla[:12], 0.5, out=nabla[:12]))
    for scheme in STEP:
        found = check_gradient(net, x, y, scheme=scheme)
        assert not found.passed
        assert found.verdict.startswith(("FAILED", "not checked: W^2"))


@pytest.mark.parametrize("depth", [5, 7])
def test_a_vanishing_gradient_of_the_wrong_sign_fails(depth, monkeypatch):
    net = chainrule.Network([2, *[4] * depth, 2], dtype="float64", seed=1)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 2)), rng.random((10, 2))
    spoil(monkeypatch, lambda nabla: np.negative(nabla[:8], out=nabla[:8]))
    found = check_gradient(net, x, y)
    assert not found.passed
    wrong = [line for line in str(found).splitlines() if "too large" in line]
    assert [line.split()[0] for line in wrong] == ["W^2"]
    assert found.verdict == "FAILED"


# ---------------------------------------------------------------- check_gradient: wrong


def spoil(monkeypatch, change):
    """Have backpropagation's flat gradient changed before anyone sees it."""
    right = _core.gradient

    def wrong(*arguments):
        cost = right(*arguments)
        change(arguments[-1])
        return cost

    monkeypatch.setattr(_core, "gradient", wrong)


def place_of(net, row):
    """Where the array of a row of the table begins in the flat vector, and its shape."""
    start = 0
    for name in rows_of(net):
        arrays = net.weights if name[0] == "W" else net.biases
        shape = arrays[int(name[2:]) - 2].shape
        if name == row:
            return start, shape
        start += int(np.prod(shape))
    raise AssertionError(row)


@each_scheme
@each_dtype
@pytest.mark.parametrize("row", ["W^2", "b^2", "W^3", "b^3", "W^4", "b^4"])
def test_one_wrong_entry_is_found_where_it_is(draw_problem, monkeypatch, row, dtype, scheme):
    net, x, y = draw_problem((3, 5, 4, 2), 6, dtype=dtype)
    start, shape = place_of(net, row)
    last = tuple(n - 1 for n in shape)
    index = start + int(np.prod(shape)) - 1
    right = net.backprop(x, y).parameters
    largest = float(np.abs(right[start : index + 1]).max())

    def change(nabla):
        nabla[index] += 0.1 * largest

    spoil(monkeypatch, change)
    found = check_gradient(net, x, y, scheme=scheme)
    assert not found.passed
    assert not found
    assert [name for name, error in found.errors.items() if error > found.tolerance] == [row]
    assert found.worst == found.errors[row]
    size = max(abs(right[index]), abs(right[index] + 0.1 * largest), 0.01 * largest)
    assert found.worst == pytest.approx(0.1 * largest / size, rel=1e-3)
    (line,) = [line for line in str(found).splitlines() if "too large" in line]
    assert line.split()[0] == row
    assert "[" + ", ".join(map(str, last)) + "]" in line
    ours, theirs = map(float, line.split("]")[1].split()[:2])
    assert ours == pytest.approx(right[index] + 0.1 * largest, rel=1e-5)
    assert theirs == pytest.approx(right[index], rel=1e-4)
    assert "FAILED" in str(found)
    assert "FAILED" in repr(found)


WRONG = {
    "sign": lambda nabla: np.negative(nabla, out=nabla),
    "factor": lambda nabla: np.multiply(nabla, 2, out=nabla),
    "not the mean": lambda nabla: np.multiply(nabla, 6, out=nabla),
    "a little": lambda nabla: np.multiply(nabla, 1 + 2e-5, out=nabla),
    "zeros": lambda nabla: nabla.fill(0),
    "not a number": lambda nabla: nabla.fill(np.nan),
    "one not a number": lambda nabla: nabla.__setitem__(-1, np.nan),
    "infinite": lambda nabla: nabla.__setitem__(0, np.inf),
    "zeros but for one": lambda nabla: (nabla.fill(0), nabla.__setitem__(-1, np.nan)),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_wrong_gradients_fail(draw_problem, monkeypatch, change):
    net, x, y = draw_problem((3, 5, 4, 2), 6)
    spoil(monkeypatch, change)
    found = check_gradient(net, x, y)
    assert not found.passed
    assert found.worst > found.tolerance
    assert "too large" in str(found)


@pytest.mark.parametrize(
    ("tolerance", "passed"), [(1e-3, True), (1.1e-4, True), (0.9e-4, False), (1e-6, False)]
)
def test_the_tolerance_decides(draw_problem, monkeypatch, tolerance, passed):
    net, x, y = draw_problem((3, 5, 2), 6)
    spoil(monkeypatch, lambda nabla: np.multiply(nabla, 1 + 1e-4, out=nabla))
    found = check_gradient(net, x, y, tolerance=tolerance)
    assert found.passed == passed
    assert found.tolerance == tolerance


def test_what_is_zero_throughout_has_not_passed():
    """A dead relu layer: nothing was compared, so nothing was found right."""
    net = chainrule.Network([2, 3, 1], hidden="relu", output="identity", dtype="float64", seed=0)
    net.biases[0][...] = -100
    x, y = np.ones((4, 2)), np.full((4, 1), 7.0)
    found = check_gradient(net, x, y)
    assert not found.passed
    assert np.isnan([found.errors[name] for name in ("W^2", "b^2", "W^3")]).all()
    assert found.errors["b^3"] <= found.tolerance
    assert found.worst == found.errors["b^3"]
    assert found.verdict == "not checked: W^2, b^2, W^3"
    assert str(found).count("not checked: no entry above") == 3
    assert "not checked: W^2, b^2, W^3;" in repr(found)
    for text in (str(found), repr(found)):
        assert "too large" not in text
        assert "FAILED" not in text


def test_where_nothing_was_compared_no_error_is_named():
    net = chainrule.Network([2, 1], output="identity", init="zeros", dtype="float64")
    found = check_gradient(net, np.zeros((3, 2)), np.zeros((3, 1)))
    assert not found.passed
    assert np.isnan([*found.errors.values(), found.worst]).all()
    assert repr(found) == "<GradientCheck: not checked: W^2, b^2; tolerance 1e-05>"
    assert str(found).splitlines()[-1].startswith("not checked: W^2, b^2; tolerance 1e-05, 7 ")


# ---------------------------------------------------------------- the table


@each_dtype
@each_bias
def test_the_table_has_a_row_for_each_array(draw_problem, bias, dtype):
    net, x, y = draw_problem((3, 5, 4, 2), 6, bias=bias, dtype=dtype)
    found = check_gradient(net, x, y)
    head, *rows = str(found).splitlines()
    for word in ("worst error", "at", "backprop", "differences"):
        assert word in head
    names = rows_of(net)
    assert [row.split()[0] for row in rows[: len(names)]] == names
    nabla = oracle.backprop(oracle.copy_of(net), x, y)
    for name, row in zip(names, rows[: len(names)], strict=False):
        error, place, ours, theirs = re.fullmatch(
            r"\S+ +(\S+) +\[([\d, ]+)\] +(\S+) +(\S+)", row
        ).groups()
        assert float(error) == pytest.approx(found.errors[name], rel=0.06)
        place = tuple(map(int, place.split(", ")))
        right = nabla["Wb".index(name[0])][int(name[2:]) - 2][place]
        assert float(ours) == pytest.approx(right, rel=1e-5)
        assert float(theirs) == pytest.approx(right, rel=1e-4, abs=1e-9)
    passes = 2 * net.parameters.size + 1
    assert rows[len(names)] == f"passed; tolerance 1e-05, {passes} forward passes"
    assert rows[len(names) + 1 :] == (
        ["computed in float64 from the network's float32 parameters"] if dtype == "float32" else []
    )
    assert repr(found).startswith("<GradientCheck: passed; worst relative error ")


# ---------------------------------------------------------------- what is refused

X, Y = np.ones((5, 3)), np.zeros((5, 2))
BAD_OPTIONS = {
    "scheme": ({"scheme": "centrl"}, ValueError, ["'centrl'", "Did you mean 'central'?"]),
    "other scheme": ({"scheme": "forwrd"}, ValueError, ["Did you mean 'forward'?"]),
    "strange scheme": ({"scheme": "x"}, ValueError, ["unknown scheme 'x'", "forward, central"]),
    "no scheme": ({"scheme": None}, TypeError, ["scheme must be a name", "None"]),
}
BAD_TOLERANCES = {
    "zero": (0, ValueError, ["tolerance must be a number above 0", "got 0"]),
    "negative": (-1e-5, ValueError, ["tolerance", "-1e-05"]),
    "nan": (np.nan, ValueError, ["tolerance", "nan"]),
    "infinite": (np.inf, ValueError, ["tolerance", "inf"]),
    "text": ("1e-5", TypeError, ["tolerance", "'1e-5'"]),
    "flag": (True, TypeError, ["tolerance", "True"]),
}
BAD_DATA = {
    "no rows": (X[:0], Y[:0], ValueError, ["X must have at least one sample", "(0, 3)"]),
    "one sample": (X[0], Y[0], ValueError, ["X must be (samples, 3)", "x[None, :]"]),
    "too narrow": (X[:, :2], Y, ValueError, ["X must be (samples, 3)", "(5, 2)"]),
    "rows differ": (X, Y[:2], ValueError, ["y must have a target for each of the 5", "2"]),
    "width of y": (X, X, ValueError, ["y must be (samples, 2)", "(5, 3)"]),
    "nan": (np.full((5, 3), np.nan), Y, ValueError, ["X must be finite", "X[0, 0] is nan"]),
    "infinite": (X, np.full((5, 2), np.inf), ValueError, ["y must be finite", "is inf"]),
    "labels": (X, np.array([0, 1, 2, 0, 1]), ValueError, ["labels from 0 to 1", "y[2] is 2"]),
    "text": ("abc", Y, TypeError, ["X must hold real numbers"]),
}
each_function = pytest.mark.parametrize("function", [numerical_gradient, check_gradient])


@each_function
@pytest.mark.parametrize(
    ("options", "exception", "fragments"), BAD_OPTIONS.values(), ids=BAD_OPTIONS
)
def test_bad_options(function, options, exception, fragments):
    net = chainrule.Network([3, 4, 2], seed=0)
    refuse(lambda: function(net, X, Y, **options), exception, fragments)


@pytest.mark.parametrize(
    ("tolerance", "exception", "fragments"), BAD_TOLERANCES.values(), ids=BAD_TOLERANCES
)
def test_bad_tolerances(tolerance, exception, fragments):
    net = chainrule.Network([3, 4, 2], seed=0)
    refuse(lambda: check_gradient(net, X, Y, tolerance=tolerance), exception, fragments)


@each_function
@pytest.mark.parametrize(("x", "y", "exception", "fragments"), BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data(function, x, y, exception, fragments):
    net = chainrule.Network([3, 4, 2], seed=0)
    refuse(lambda: function(net, x, y), exception, fragments)


@each_function
@pytest.mark.parametrize("wrong", [X, None, [3, 4, 2]], ids=["array", "None", "list"])
def test_what_is_no_network(function, wrong):
    name = type(wrong).__name__
    refuse(lambda: function(wrong, X, Y), TypeError, ["net must be a chainrule.Network", name])


@pytest.mark.parametrize("value", [1e200, np.nan, np.inf])
def test_a_cost_that_is_not_finite_cannot_be_checked(value):
    net = chainrule.Network([3, 4, 2], output="identity", dtype="float64", seed=0)
    net.parameters[:] = value
    refuse(lambda: check_gradient(net, X, Y), ValueError, ["the cost of net", "only where", "Try"])


@pytest.mark.parametrize(("parameters", "inputs"), [(1e200, 1), (1, 1e200)])
def test_sizes_beyond_the_estimate_of_rounding_are_refused(parameters, inputs):
    net = chainrule.Network([3, 4, 2], dtype="float64", seed=0)
    net.parameters[:] *= parameters
    assert np.isfinite(net.evaluate(inputs * X, Y)["cost"])
    refuse(lambda: check_gradient(net, inputs * X, Y), ValueError, ["overflow", "Try smaller"])


@pytest.mark.parametrize("strange", ["lists", "big-endian", "strided", "fortran", "integers"])
def test_any_array_of_numbers_will_do(strange):
    net = chainrule.Network([3, 4, 2], seed=0)
    x = np.random.default_rng(0).integers(-2, 3, size=(5, 3))
    y = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]])
    expected = numerical_gradient(net, x.astype(float), y.astype(float)).parameters
    change = {
        "lists": lambda a: a.tolist(),
        "big-endian": lambda a: a.astype(">f8"),
        "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
        "fortran": lambda a: np.asfortranarray(a.astype("float32")),
        "integers": lambda a: a.astype("int8"),
    }[strange]
    assert expected.any()
    np.testing.assert_array_equal(
        numerical_gradient(net, change(x), change(y)).parameters, expected
    )


def test_a_checked_network_trains_on_as_if_it_had_not_been(draw_problem):
    net, x, y = draw_problem((3, 5, 2), 20)
    twin, _, _ = draw_problem((3, 5, 2), 20)
    options = {"optimizer": SGD(0.1, momentum=0.9), "epochs": 2}
    for one in (net, twin):
        one.fit(x, y, **options)
    check_gradient(net, x, y)
    for one in (net, twin):
        one.fit(x, y, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
