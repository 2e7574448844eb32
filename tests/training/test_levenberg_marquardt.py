"""Levenberg-Marquardt, against its formula in plain NumPy and on problems with known answers."""

import doctest

import numpy as np
import pytest

import oracle
from chainrule import LevenbergMarquardt, Network
from chainrule.training.full_batch import levenberg_marquardt
from chainrule.training.full_batch.cost import Point
from oracle import assert_close

STEP = 1e-6


def set_parameters(twin, net, w):
    """Write a flat vector into the oracle's copy of `net`."""
    begin = 0
    for i in range(len(twin.weights)):
        for arrays in (twin.weights, twin.biases) if net.bias else (twin.weights,):
            size = arrays[i].size
            arrays[i] = w[begin : begin + size].reshape(arrays[i].shape)
            begin += size


def transcription(net, x, y, *, damping, factor, l2, iterations):
    """The method as its sources have it, divided by m, with J from central differences.

    Returns w, μ, and how many steps were refused.
    """
    twin, w, m = oracle.copy_of(net), net.parameters.astype(float), len(x)
    scale = {"quadratic": 1.0, "squared_error": 2.0}[net.cost]
    decay = np.concatenate(
        [
            np.r_[np.full(W.size, l2), np.zeros(len(W) if net.bias else 0)]
            for W in net.weights
        ]
    )  # fmt: skip

    def residuals(w):
        set_parameters(twin, net, w)
        return (oracle.feedforward(twin, x)[1][-1] - y).ravel()

    def cost(w):
        return scale / 2 * (residuals(w) ** 2).sum() / m + (decay * w**2).sum() / 2

    refused = 0
    for _ in range(iterations):
        J = np.empty((y.size, w.size))
        for i in range(w.size):
            h = np.zeros(w.size)
            h[i] = STEP
            J[:, i] = (residuals(w + h) - residuals(w - h)) / (2 * STEP)
        A = scale / m * np.einsum("ri,rj->ij", J, J) + np.diag(decay)
        g = scale / m * np.einsum("ri,r->i", J, residuals(w)) + decay * w
        while True:
            trial = w - np.linalg.solve(A + damping * np.eye(w.size), g)
            if cost(trial) < cost(w):
                break
            damping *= factor
            refused += 1
        w, damping = trial, damping / factor
    return w, damping, refused


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
@pytest.mark.parametrize("l2", [0.0, 0.02])
@pytest.mark.parametrize("cost", ["quadratic", "squared_error"])
@pytest.mark.parametrize("output", ["sigmoid", "tanh", "relu", "identity", "softmax"])
def test_an_iteration_is_what_the_formula_says(draw_problem, output, cost, l2, bias):
    options = {"hidden": "tanh", "output": output, "cost": cost, "bias": bias}
    net, x, y = draw_problem((3, 5, 2), 40, **options)
    settings = {"damping": 0.05, "factor": 8.0}
    expected, damping, _ = transcription(net, x, y, l2=l2, iterations=1, **settings)
    net.fit(x, y, optimizer=LevenbergMarquardt(**settings), epochs=1, l2=l2)
    assert_close(net.parameters, expected, 1e-7)
    assert (net.optimizer_state["damping"] == damping).all()


def test_steps_that_would_rise_are_tried_again_with_more_damping(draw_problem):
    net, x, y = draw_problem((2, 5, 2), 30, hidden="tanh", output="identity")
    net.parameters *= 3
    settings = {"damping": 1e-5, "factor": 10.0}
    expected, damping, refused = transcription(net, x, y, l2=0, iterations=3, **settings)
    assert refused > 2
    net.fit(x, y, optimizer=LevenbergMarquardt(**settings), epochs=3)
    assert_close(net.parameters, expected, 1e-6)
    assert net.optimizer_state["damping"][0] == pytest.approx(damping, rel=1e-12)


@pytest.mark.parametrize(("rows", "outputs"), [(1, 1), (7, 3), (3000, 4)])
def test_tiles_of_samples_make_one_matrix(draw_problem, rows, outputs, monkeypatch):
    """However many samples' Jacobians are held at a time."""
    net, x, y = draw_problem((3, 6, outputs), rows, hidden="tanh", output="identity")
    settings = {"optimizer": LevenbergMarquardt(), "epochs": 1}
    begin = net.parameters.copy()
    net.fit(x, y, **settings)
    whole = net.parameters.copy()
    for numbers in (1, 5 * outputs * begin.size):
        monkeypatch.setattr("chainrule.training.full_batch.cost.NUMBERS_AT_ONCE", numbers)
        net.parameters, net.optimizer_state = begin, {}
        net.fit(x, y, **settings)
        assert_close(net.parameters, whole, 1e-9)


@pytest.mark.parametrize(("begin", "most"), [(0.0, 23), (1e10, 11)])
def test_without_a_step_that_lowers_the_function_it_ends(begin, most):
    """Where the damping is at its most, or earlier where a step is lost in rounding."""
    tried = []

    def at(w):
        tried.append(w[0])
        return Point(w, 1.0, 1.0, np.ones(1))

    steps = LevenbergMarquardt().minimize(at, lambda _: np.eye(1), at(np.array([begin])), 0.01)
    assert list(steps) == []
    assert most - 3 <= len(tried) <= most + 1


def test_a_finite_value_with_a_gradient_that_is_not_is_no_place_to_go():
    def at(w):
        f = float(w[0] ** 2) / 2
        return Point(w, f, f, w.copy() if w[0] > 0.5 else w * np.nan)

    steps = LevenbergMarquardt().minimize(at, lambda _: np.eye(1), at(np.ones(1)), 0.01)
    points = [point for point, _ in steps]
    assert points
    assert all(point.is_finite for point in points)


# ---------------------------------------------------------------- known answers


def assert_quadratic(costs):
    """Where all residuals vanish: √C, the error, is squared (but for a factor) near the end."""
    last = costs[(costs < 1e-4) & (costs > 1e-20)]
    assert len(last) >= 2
    orders = np.log(last[1:]) / np.log(last[:-1])
    assert orders.max() > 1.6, f"orders {orders}"
    assert costs[-1] < 1e-20


@pytest.mark.parametrize("seed", range(4))  # from 4 on some end in a local minimum
def test_xor_converges_quadratically(seed):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = 0.9 * np.array([-1, 1, 1, -1])
    net = Network([2, 4, 1], hidden="tanh", output="tanh", dtype="float64", seed=seed)
    history = net.fit(x, y, optimizer=LevenbergMarquardt(tolerance=0), epochs=100)
    assert len(history) < 100
    assert_quadratic(history.cost)


@pytest.mark.parametrize("seed", range(5))
def test_a_sine_is_fitted_to_1e_8(seed):
    x = np.linspace(-1, 1, 100)[:, None]
    net = Network([1, 10, 1], hidden="tanh", output="identity", dtype="float64", seed=seed)
    history = net.fit(x, np.sin(3 * x), optimizer=LevenbergMarquardt(), epochs=99)
    assert history.cost[-1] < 1e-8


def test_without_damping_to_speak_of_a_linear_network_is_solved_at_once():
    """Gauss-Newton's step is the least squares solution."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = x @ rng.normal(size=(5, 2)) + rng.normal(size=(60, 2))
    expected = np.linalg.lstsq(np.c_[x, np.ones(60)], y, rcond=None)[0].T
    net = Network([5, 2], output="identity", dtype="float64", seed=0)
    net.fit(x, y, optimizer=LevenbergMarquardt(1e-15), epochs=1)
    assert_close(np.c_[net.weights[0], net.biases[0]], expected, 1e-12)


def test_labels_are_one_hot_rows():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(30, 4)), rng.integers(3, size=30)
    net, twin = (Network([4, 3, 3], output="softmax", dtype="float64", seed=1) for _ in range(2))
    net.fit(x, labels, optimizer=LevenbergMarquardt(), epochs=5)
    twin.fit(x, np.eye(3)[labels], optimizer=LevenbergMarquardt(), epochs=5)
    assert net.parameters.tolist() == twin.parameters.tolist()


def test_float32_gets_as_far_as_its_rounding():
    x = np.linspace(-1, 1, 100)[:, None]
    net = Network([1, 10, 1], hidden="tanh", output="identity", seed=0)
    history = net.fit(x, np.sin(3 * x), optimizer=LevenbergMarquardt(), epochs=200)
    assert net.parameters.dtype == np.float32
    assert history.cost[-1] < 1e-8


# ---------------------------------------------------------------- refusals


def fit(net, **options):
    x, y = np.ones((4, net.sizes[0])), np.zeros((4, net.sizes[-1]))
    net.fit(x, y, optimizer=LevenbergMarquardt(**options), epochs=1)


@pytest.mark.parametrize(
    ("output", "cost"), [("sigmoid", "cross_entropy"), ("softmax", "log_likelihood")]
)
def test_costs_that_are_no_squares_are_refused(output, cost):
    net = Network([3, 4, 2], output=output, cost=cost)
    with pytest.raises(ValueError, match=rf"quadratic and squared_error; .*'{cost}'.*LBFGS"):
        fit(net)
    assert net.epochs_trained == 0
    assert net.history is None


def test_a_network_too_large_is_refused_with_the_memory_it_would_need():
    net = Network([99, 50, 1])
    assert net.parameters.size == 5051
    with pytest.raises(ValueError, match=r"at most 5000 .* has 5051, .* take 408 MB.*LBFGS"):
        fit(net)
    fit(Network([98, 50, 1], bias=False))


def test_step_units_are_refused():
    with pytest.raises(ValueError, match="step units"):
        fit(Network([2, 2, 1], hidden="step"))


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("damping", [0, -1, 1e-21, 1e21, np.nan]),
        ("factor", [1, 0.5, -2, np.inf]),
        ("tolerance", [-1e-9, np.nan]),
    ],
)
def test_settings_that_do_not_fit_are_refused(option, values):
    for value in values:
        with pytest.raises(ValueError, match=f"{option} must be"):
            LevenbergMarquardt(**{option: value})
    with pytest.raises(TypeError, match=f"{option} must be"):
        LevenbergMarquardt(**{option: "1"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(13), "one positive number"),
        (np.arange(1.0, 14.0), r"one positive number .* from 1.0 to 13.0"),
        (np.ones(12), r"must have the shape \(13,\)"),
        (np.full(13, np.nan), "must be finite"),
    ],
)
def test_a_damping_that_does_not_fit_is_refused(values, message):
    net = Network([2, 3, 1], dtype="float64", seed=0)
    net.optimizer_state = {"damping": values}
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=message):
        fit(net)
    assert (net.parameters == before).all()
    assert net.history is None


def test_the_example_runs_as_printed():
    assert doctest.testmod(levenberg_marquardt) == (0, 6)
