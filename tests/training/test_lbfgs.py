"""L-BFGS, against its matrix form, Wolfe's conditions by definition, SciPy's and least squares."""

import doctest
from itertools import pairwise

import numpy as np
import pytest

import oracle
from chainrule import LBFGS, Network
from chainrule.training.full_batch import lbfgs
from chainrule.training.full_batch.cost import Point
from oracle import assert_close
from rosenbrock import rosenbrock, rosenbrock_gradient


def function(f, gradient):
    """f and ∇f as `minimize` asks for them; counts its calls."""

    def at(w):
        at.calls += 1
        with np.errstate(all="ignore"):
            return Point(w, f(w), f(w), np.array(gradient(w)))

    at.calls = 0
    return at


def minimize(at, w0, **options):
    """The points from w0 on."""
    start = at(np.array(w0, float))
    return [start, *(point for point, _ in LBFGS(**options).minimize(at, start, []))]


# ---------------------------------------------------------------- the direction


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_two_loops_are_the_product_of_matrices(count):
    """H' = (1 - ρ s yᵀ) H (1 - ρ y sᵀ) + ρ s sᵀ from H = (sᵀy/yᵀy) 1, written out."""
    rng = np.random.default_rng(count)
    root = rng.normal(size=(7, 7))
    hessian = root @ root.T + np.eye(7)
    pairs = [(s, hessian @ s) for s in rng.normal(size=(count, 7))]
    H = np.eye(7)
    if pairs:
        s, y = pairs[-1]
        H *= (s @ y) / (y @ y)
    for s, y in pairs:
        rho = 1 / (y @ s)
        V = np.eye(7) - rho * np.outer(y, s)
        H = V.T @ H @ V + rho * np.outer(s, s)
    g = rng.normal(size=7)
    kept = g.copy()
    assert_close(lbfgs.two_loops(g, pairs), H @ g, 1e-12)
    assert (g == kept).all()


def test_pairs_of_float32_are_multiplied_in_float64():
    rng = np.random.default_rng(0)
    pairs = [(s, s + rng.normal(0, 0.1, 9)) for s in rng.normal(size=(3, 9))]
    pairs = [(s.astype(np.float32), y.astype(np.float32)) for s, y in pairs]
    g = rng.normal(size=9)
    wide = [(s.astype(float), y.astype(float)) for s, y in pairs]
    assert lbfgs.two_loops(g, pairs).tolist() == lbfgs.two_loops(g, wide).tolist()


# ---------------------------------------------------------------- the line search


@pytest.mark.parametrize("w0", [(-1.2, 1.0), (3.0, -4.0), (100.0, 0.0), (0.0, 0.0)])
def test_every_step_on_rosenbrocks_valley_keeps_wolfes_conditions(w0):
    at = function(rosenbrock, rosenbrock_gradient)
    points = minimize(at, w0)
    assert len(points) < 80
    assert at.calls < 2 * len(points) + 10
    assert np.abs(points[-1].w - 1).max() < 1e-7
    for here, there in pairwise(points):
        s = there.w - here.w
        promised = here.gradient @ s
        assert promised < 0
        assert there.gradient @ s >= 0.9 * promised
        assert there.value <= here.value
        if here.value - there.value > 1e-12 * here.value:  # else f is lost in rounding
            assert there.value <= here.value + 0.99e-4 * promised


@pytest.mark.parametrize("first", [1e-6, 1.0, 1e6])
def test_the_first_trial_may_be_far_too_short_or_too_long(first):
    at = function(lambda w: float(w[0] ** 4), lambda w: 4 * w**3)
    start = at(np.array([3.0]))
    there = lbfgs.line_search(at, start, -start.gradient, first)
    s = there.w - start.w
    assert there.value <= start.value + 1e-4 * start.gradient @ s
    assert there.gradient @ s >= 0.9 * start.gradient @ s


def test_trials_that_are_not_finite_are_steps_too_long():
    """x - ln x has no value below 0; its least is at 1."""
    at = function(lambda w: float(np.sum(w - np.log(w))), lambda w: 1 - 1 / w)
    points = minimize(at, [1e-4, 50.0])
    assert np.abs(points[-1].w - 1).max() < 1e-7
    assert all(point.is_finite for point in points)


def test_a_finite_value_with_a_gradient_that_is_not_is_no_place_to_go():
    at = function(
        lambda w: float(w[0] ** 2), lambda w: 2 * w if abs(w[0] - 3) > 0.5 else np.full(1, np.nan)
    )
    points = minimize(at, [4.0])  # the first trial is at 3
    assert all(point.is_finite for point in points)
    assert abs(points[-1].w[0]) < 1e-8


@pytest.mark.parametrize(
    ("value", "slope", "taken"),
    [
        (-0.5, 3.0, True),  # it falls enough, though it is far up the other side
        (-0.9e-4, 3.0, False),  # it falls by less than was promised, and rises steeply
        (0.0, 0.9, True),  # as far as rounding shows it does not rise, and the slope is less
        (0.0, 1.0, False),
        (1e-16, 0.0, False),  # it rises
        (-0.5, -0.95, False),  # much of the slope is left
        (-0.5, -0.85, True),
        (-np.inf, 0.0, False),
        (-0.5, np.nan, False),
    ],
)
def test_which_steps_are_taken_at_once(value, slope, taken):
    """From f = 0 with the slope -1, the trial at α = 1 alone decides."""

    def at(w):
        tried.append(w[0])
        f, g = {0.0: (0.0, -1.0), 1.0: (value, slope)}.get(w[0], (-1.0, 0.0))
        return Point(w, f, f, np.array([g]))

    tried = []
    there = lbfgs.line_search(at, at(np.zeros(1)), np.ones(1), 1.0)
    assert tried[:2] == [0.0, 1.0]
    assert (len(tried) == 2) == taken
    assert (there.w[0] == 1.0) == taken
    if not taken and slope == -0.95:
        assert there.w[0] > 1
    elif not taken:
        assert 0 < there.w[0] < 1


@pytest.mark.parametrize(
    ("s", "y", "kept"),
    [
        ([1, 2], [3, 1], True),
        ([1, 2], [-3, 1], False),
        ([1, 2], [-2, 1], False),
        ([1, 2], [0, 0], False),
        ([1e10, 1e10], [-1, 1 + 2.3e-16], False),  # rounding
        ([1e200, 0], [1e200, 0], False),  # its curvature overflows
    ],
)
def test_a_pair_without_curvature_is_not_kept(s, y, kept):
    s, y = np.array(s, float), np.array(y, float)
    start, there = Point(0 * s, 0.0, 0.0, 0 * y), Point(s, 0.0, 0.0, y)
    pairs = lbfgs.pair_between(start, there)
    assert len(pairs) == kept
    for pair in pairs:
        assert [values.tolist() for values in pair] == [s.tolist(), y.tolist()]


def test_without_a_step_that_lowers_the_function_it_ends():
    nowhere = function(lambda w: float(w[0] != 3), lambda w: np.ones(1))  # the slope lies
    assert len(minimize(nowhere, [3.0])) == 1
    not_finite = function(
        lambda w: 0.0 if w[0] == 3 else np.nan, lambda w: np.ones(1) if w[0] == 3 else w * np.nan
    )
    assert len(minimize(not_finite, [3.0])) == 1


@pytest.mark.parametrize("curvature", [1e-30, 0.0, -1.0, 1e-300])
def test_pairs_that_mislead_are_forgotten(curvature):
    """With these, the step goes far beyond all that is finite, or up: then down the slope."""
    at = function(
        lambda w: float(w @ w) if np.abs(w).max() < 10 else np.nan,
        lambda w: 2 * w if np.abs(w).max() < 10 else w * np.nan,
    )
    start = at(np.array([1.0, 2.0]))
    s = np.array([1.0, 0.0])
    wrong = [(s, curvature * s)]
    steps = list(LBFGS().minimize(at, start, wrong))
    assert np.abs(steps[-1][0].w).max() < 1e-8
    assert all(pair[1][0] != curvature for _, pairs in steps for pair in pairs)


def test_of_the_pairs_the_last_are_kept():
    at = function(rosenbrock, rosenbrock_gradient)
    start = at(np.array([-1.2, 1.0]))
    points, kept = [start], []
    for point, pairs in LBFGS(3).minimize(at, start, []):
        kept.append((point.w - points[-1].w, point.gradient - points[-1].gradient))
        points.append(point)
        assert len(pairs) == min(3, len(kept))
        for (s, y), (s_expected, y_expected) in zip(reversed(pairs), reversed(kept), strict=False):
            assert s.tolist() == s_expected.tolist()
            assert y.tolist() == y_expected.tolist()


# ---------------------------------------------------------------- networks


def scipy_minimum(net, x, y, l2, iterations):
    """What SciPy's L-BFGS-B makes of the oracle's cost, from the net's parameters."""
    optimize = pytest.importorskip("scipy.optimize")
    twin = oracle.copy_of(net)
    shapes = [a.shape for pair in zip(twin.weights, twin.biases, strict=True) for a in pair]
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def cost(w):
        parts = [a.reshape(shape) for a, shape in zip(np.split(w, ends), shapes, strict=True)]
        twin.weights, twin.biases = parts[::2], parts[1::2]
        nabla_w, nabla_b, c = oracle.backprop(twin, x, y)
        c += l2 / 2 * sum((W**2).sum() for W in twin.weights)
        nabla_w = [g + l2 * W for g, W in zip(nabla_w, twin.weights, strict=True)]
        flat = [g.ravel() for pair in zip(nabla_w, nabla_b, strict=True) for g in pair]
        return c, np.concatenate(flat)

    options = {"maxiter": iterations, "maxcor": 10, "ftol": 0, "gtol": 1e-8, "maxfun": 10**5}
    return optimize.minimize(cost, net.parameters, jac=True, method="L-BFGS-B", options=options).fun


def penalised(net, x, y, l2):
    twin = oracle.copy_of(net)
    return oracle.backprop(twin, x, y)[2] + l2 / 2 * sum((W**2).sum() for W in twin.weights)


CASES = {
    "sigmoid and cross_entropy": ([5, 8, 3], "tanh", "sigmoid", "cross_entropy", 1e-2),
    "softmax and log_likelihood": ([5, 8, 3], "sigmoid", "softmax", "log_likelihood", 1e-2),
    "regression": ([5, 8, 3], "tanh", "identity", "quadratic", 1e-2),
    "regression, squared_error": ([5, 8, 3], "tanh", "identity", "squared_error", 3e-2),
    "convex": ([5, 3], [], "softmax", "log_likelihood", 1e-3),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_minimum_is_as_deep_as_scipys(draw_problem, case):
    sizes, hidden, output, cost, l2 = case
    net, x, y = draw_problem(sizes, 60, hidden=hidden, output=output, cost=cost)
    expected = scipy_minimum(net, x, y, l2, 1000)
    net.fit(x, y, optimizer=LBFGS(), epochs=1000, l2=l2)
    assert net.epochs_trained < 1000, "not converged"
    assert penalised(net, x, y, l2) <= expected * (1 + 1e-10)


def test_a_linear_network_reaches_the_least_squares_solution():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) * [1, 2, 0.3, 1, 5, 1] + 1
    y = x @ rng.normal(size=(6, 2)) + rng.normal(size=(200, 2)) + 3
    expected = np.linalg.lstsq(np.c_[x, np.ones(200)], y, rcond=None)[0].T
    net = Network([6, 2], output="identity", dtype="float64", seed=0)
    history = net.fit(x, y, optimizer=LBFGS(), epochs=300)
    assert len(history) < 100
    assert_close(np.c_[net.weights[0], net.biases[0]], expected, 1e-8)


def test_l2_gives_ridge_regression():
    rng = np.random.default_rng(0)
    x, l2 = rng.normal(size=(50, 4)), 0.3
    y = x @ rng.normal(size=(4, 1)) + 2
    a = np.c_[x, np.ones(50)]
    normal = a.T @ a / 50 + l2 * np.diag([1, 1, 1, 1, 0])  # the bias is not decayed
    expected = np.linalg.solve(normal, a.T @ y / 50).T
    net = Network([4, 1], output="identity", dtype="float64", seed=0)
    net.fit(x, y, optimizer=LBFGS(), epochs=300, l2=l2)
    assert_close(np.c_[net.weights[0], net.biases[0]], expected, 1e-8)


def test_float32_comes_close_to_the_least_squares_solution():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    y = x @ rng.normal(size=(6, 2)) + rng.normal(size=(200, 2)) + 3
    expected = np.linalg.lstsq(np.c_[x, np.ones(200)], y, rcond=None)[0].T
    net = Network([6, 2], output="identity", seed=0)
    history = net.fit(x, y, optimizer=LBFGS(), epochs=300)
    assert len(history) < 100
    assert_close(np.c_[net.weights[0], net.biases[0]], expected, 1e-4)
    residuals = y - np.c_[x, np.ones(200)] @ expected.T
    assert history.cost[-1] == pytest.approx((residuals**2).sum() / 400, rel=1e-6)


def test_the_example_runs_as_printed():
    assert doctest.testmod(lbfgs) == (0, 6)
