"""Gradient descent on functions whose descent is known without it."""

import doctest
import importlib
import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import chainrule
from chainrule import DivergenceError, gradient_descent
from problems import draw_problem
from rosenbrock import rosenbrock, rosenbrock_gradient

CURVATURE = np.array([[1.0, 4.0, 0.5], [2.0, 3.0, 0.25]])


def bowl(w):
    """½ Σ λ_i w_i²; ∂/∂w_i = λ_i w_i."""
    return 0.5 * float((CURVATURE * w**2).sum())


def bowl_gradient(w):
    return CURVATURE * w


BEGINNING = np.array([[1.0, -2.0, 3.0], [-0.5, 0.25, 8.0]])


# ---------------------------------------------------------------- where it goes


def test_a_bowl_shrinks_by_its_factor_in_each_step():
    eta = 0.3  # |1 - ηλ| is 0.7, 0.2, 0.85, 0.4, 0.1 and 0.925
    descent = gradient_descent(bowl, BEGINNING, bowl_gradient, learning_rate=eta, max_steps=40)
    k = np.arange(41)[:, None, None]
    expected = (1 - eta * CURVATURE) ** k * BEGINNING
    np.testing.assert_allclose(descent.path, expected, rtol=1e-13)
    np.testing.assert_allclose(descent.values, [bowl(w) for w in expected], rtol=1e-12)
    assert descent.steps == 40
    assert (descent.f_calls, descent.gradient_calls) == (41, 41)
    np.testing.assert_array_equal(descent.w, descent.path[-1])
    np.testing.assert_array_equal(descent.gradient, bowl_gradient(descent.w))
    assert descent.value == descent.values[-1] == bowl(descent.w)
    assert descent.converged is False


@pytest.mark.parametrize("tolerance", [1e-2, 1e-8])
def test_it_stops_at_the_first_point_that_is_level(tolerance):
    # f = w², η = ¼ and w0 = 1 make w_k = 2^-k, and |f'| = 2^(1-k) ≤ tolerance first at k steps.
    k = int(np.ceil(1 - np.log2(tolerance)))
    descent = gradient_descent(
        lambda w: w**2, 1, lambda w: 2 * w, learning_rate=0.25, tolerance=tolerance
    )
    assert (descent.steps, descent.converged) == (k, True)
    assert descent.w == 2.0**-k
    assert descent.reason == "converged"
    assert repr(descent) == f"<Descent: converged after {k} steps, value {4.0**-k:.6g}>"


def test_level_from_the_beginning():
    descent = gradient_descent(bowl, np.zeros((2, 3)), bowl_gradient)
    assert (descent.steps, descent.converged, descent.value) == (0, True, 0.0)
    assert descent.path.shape == (1, 2, 3)


def test_no_steps():
    descent = gradient_descent(bowl, BEGINNING, bowl_gradient, max_steps=0)
    assert (descent.steps, descent.converged) == (0, False)
    np.testing.assert_array_equal(descent.path, [BEGINNING])
    assert descent.reason == "max_steps reached"
    value = f"{bowl(BEGINNING):.6g}"
    assert repr(descent) == (
        f"<Descent: not converged after 0 steps (max_steps reached), value {value}>"
    )


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1, 3)])
def test_any_shape(shape):
    w0 = np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape)  # whole numbers
    seen = []

    def square(w):
        seen.append((w.shape, w.dtype, type(w)))
        return (w**2).sum()

    descent = gradient_descent(square, w0, learning_rate=0.25, max_steps=3, tolerance=0)
    assert set(seen) == {(shape, np.dtype("float64"), np.ndarray)}
    for array in (descent.w, descent.gradient):
        assert isinstance(array, np.ndarray)
        assert array.shape == shape
    assert descent.path.shape == (4, *shape)
    np.testing.assert_allclose(descent.w, w0 / 8, rtol=1e-9)
    assert descent.f_calls == 4 + 2 * w0.size * 4  # 4 points, 2 more for each entry
    assert descent.gradient_calls == 0


def test_numerical_and_given_gradient_agree():
    options = {"learning_rate": 1e-3, "max_steps": 200}
    given = gradient_descent(rosenbrock, [-1.2, 1.0], rosenbrock_gradient, **options)
    numerical = gradient_descent(rosenbrock, [-1.2, 1.0], **options)
    assert not np.array_equal(given.path, numerical.path)
    np.testing.assert_allclose(numerical.path, given.path, rtol=0, atol=1e-7)


@pytest.mark.parametrize("w", [0.0, 1.0, -3.0, 1e6])
def test_numerical_gradient_steps_in_proportion(w):
    asked = []

    def cube(v):
        asked.append(float(v[0]))
        return (v[0] / 10) ** 3 + v[1]

    descent = gradient_descent(cube, [w, 5.0], max_steps=0)
    h = (2.0**-52) ** (1 / 3) * max(1, abs(w))
    np.testing.assert_allclose(asked, [w, w + h, w - h, w, w], rtol=0, atol=1e-9 * h)
    # Exactly ((3w² + h²) / 1000, 1); what is left is the rounding of f.
    expected = (3 * w**2 + h**2) / 1000
    rounding = 1e-15 * (abs(w / 10) ** 3 + 5) / np.array([h, 5 * 2.0 ** (-52 / 3)])
    assert (np.abs(descent.gradient - [expected, 1]) <= rounding).all()


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
def test_a_networks_cost_descends_as_full_batch_training_does(hidden):
    net, x, y = draw_problem((3, 4, 2), 7, hidden=hidden, cost="cross_entropy")
    beginning = net.parameters.copy()

    def cost(w):
        net.parameters = w
        return net.evaluate(x, y)["cost"]

    def slope(w):
        net.parameters = w
        return net.backprop(x, y).parameters

    # w0 is the very array that cost() writes to.
    descent = gradient_descent(cost, net.parameters, slope, learning_rate=0.5, max_steps=25)
    np.testing.assert_array_equal(descent.path[0], beginning)
    net.parameters = beginning
    for w, value in zip(descent.path[1:], descent.values[:-1], strict=True):
        history = net.fit(x, y, optimizer=chainrule.SGD(0.5), epochs=1, batch_size=7)
        np.testing.assert_allclose(w, net.parameters, rtol=0, atol=1e-13)
        np.testing.assert_allclose(value, history.cost, rtol=1e-13)
    assert np.abs(descent.w - beginning).max() > 0.1


# ---------------------------------------------------------------- monotone


@pytest.mark.parametrize("eta", [0.1, 1.0, 1e6])
def test_monotone_rosenbrock_falls_in_every_step(eta):
    descent = gradient_descent(
        rosenbrock, [-1.2, 1.0], rosenbrock_gradient, learning_rate=eta, max_steps=500,
        monotone=True,
    )  # fmt: skip
    assert descent.steps == 500
    assert (np.diff(descent.values) < 0).all()
    assert descent.value < 0.2  # from 24.2
    np.testing.assert_array_equal(descent.values, [rosenbrock(w) for w in descent.path])
    # Each step is η, halved some times, along the gradient.
    moved = np.linalg.norm(np.diff(descent.path, axis=0), axis=1)
    slope = np.linalg.norm([rosenbrock_gradient(w) for w in descent.path[:-1]], axis=1)
    halvings = np.log2(eta * slope / moved)
    np.testing.assert_allclose(halvings, np.round(halvings), atol=1e-6)
    assert descent.f_calls == 501 + np.round(halvings).sum()
    assert descent.gradient_calls == 501


def test_monotone_takes_the_first_halving_that_lets_f_fall():
    # f = w²: f(w - 2ηw) = (1 - 2η)² w² falls for 0 < η < 1. From 12.8 that is at 0.8 = 12.8 / 2⁴.
    descent = gradient_descent(
        lambda w: w**2, 1.0, lambda w: 2 * w, learning_rate=12.8, max_steps=3, monotone=True
    )
    np.testing.assert_allclose(descent.path, [1, -0.6, 0.36, -0.216], rtol=1e-14)
    assert descent.f_calls == 1 + 3 * 5


def test_monotone_does_not_jump_for_ever_between_two_points_of_one_height():
    # η = 1 takes w to -w on f = w², and the plain descent never ends; half of it hits the bottom.
    square = (lambda w: w**2, 3.0, lambda w: 2 * w)
    plain = gradient_descent(*square, learning_rate=1.0, max_steps=20)
    np.testing.assert_array_equal(plain.values, [9.0] * 21)
    monotone = gradient_descent(*square, learning_rate=1.0, monotone=True)
    np.testing.assert_array_equal(monotone.path, [3, 0])
    assert monotone.converged


def test_monotone_halves_where_f_is_not_finite():
    # -ln w + w has its minimum at 1 and is NaN, inf or unknown for w ≤ 0, where η = 100 leads.
    beyond = iter([np.nan, np.inf] * 20)
    descent = gradient_descent(
        lambda w: float(w - np.log(w)) if w > 0 else next(beyond),
        0.5, lambda w: 1 - 1 / w, learning_rate=100.0, monotone=True,
    )  # fmt: skip
    assert descent.converged
    assert descent.w == pytest.approx(1.0, abs=1e-7)
    assert (np.diff(descent.values) <= 0).all()


def test_monotone_does_not_ask_f_where_w_has_overflowed():
    def f(w):
        assert np.isfinite(w)
        return 1e300 * abs(float(w))

    descent = gradient_descent(
        f, 1.0, lambda w: 1e300, learning_rate=1e300, max_steps=1, monotone=True
    )
    assert descent.steps == 1
    assert descent.value < 1e300


@pytest.mark.parametrize("tolerance", [0.0, 1e-8])
def test_where_no_halving_helps_the_descent_ends_and_says_the_truth(tolerance):
    # A "gradient" that points the wrong way: no step along it lets f fall.
    descent = gradient_descent(
        bowl, BEGINNING, lambda w: -bowl_gradient(w), tolerance=tolerance, monotone=True
    )
    assert (descent.steps, descent.converged) == (0, False)
    np.testing.assert_array_equal(descent.path, [BEGINNING])
    assert descent.reason == "no step along -gradient lets f fall: is the gradient right?"
    assert descent.reason in repr(descent)
    # And at machine precision, on 1 + (w - 1)², whose last digit is the only one that can fall.
    level = gradient_descent(
        lambda w: 1 + (w - 1) ** 2, 3.0, lambda w: 2 * (w - 1) + 1e-17, tolerance=tolerance,
        monotone=True,
    )  # fmt: skip
    assert level.converged == (tolerance > 0)
    assert level.w == pytest.approx(1.0, abs=1e-8)
    assert level.steps < 1000
    assert level.reason == ("converged" if tolerance else "steps are lost in rounding")


def test_a_step_lost_in_the_rounding_ends_a_plain_descent_too():
    descent = gradient_descent(lambda w: w, 1.0, lambda w: 1.0, learning_rate=1e-17)
    assert (descent.steps, descent.converged) == (0, False)
    assert descent.f_calls == 1
    assert descent.reason == "steps are lost in rounding"


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("learning_rate", [0.1, 1.0, 5.0, 30.0])
def test_a_right_gradient_is_not_doubted(offset, learning_rate):
    scales = np.array([1.0, 3.0])
    descent = gradient_descent(
        lambda w: offset + scales @ (w - 1 / 3) ** 2, [0.0, 2.0],
        lambda w: 2 * scales * (w - 1 / 3), learning_rate=learning_rate, tolerance=0.0,
        monotone=True, max_steps=3000,
    )  # fmt: skip
    assert descent.reason in ("converged", "max_steps reached", "steps are lost in rounding")


# ---------------------------------------------------------------- what goes wrong


def test_divergence_names_the_step_and_the_learning_rate():
    # w_k = (1 - ηλ)^k = (-99)^k, and f = 50 w² is beyond 1.8e308 once 99^k > 1.9e153, from k = 77.
    with (
        np.errstate(over="ignore"),
        pytest.raises(DivergenceError, match=r"f stopped .* step 77 .* smaller than 1\.0, or mono"),
    ):
        gradient_descent(lambda w: 50 * w**2, 1.0, lambda w: 100 * w, learning_rate=1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_stops_being_finite(bad):
    with pytest.raises(DivergenceError, match=r"the gradient stopped being finite in step 3 "):
        gradient_descent(
            lambda w: w, 0.0, lambda w: 1.0 if w > -0.25 else bad, learning_rate=0.1, monotone=True
        )


def test_a_point_that_stops_being_finite():
    with pytest.raises(DivergenceError, match=r"w stopped being finite in step 2 "):
        gradient_descent(lambda w: 0.0, 0.0, lambda w: 1e308, learning_rate=1.0)


@pytest.mark.parametrize("error", [KeyboardInterrupt("mine"), ZeroDivisionError("mine")])
@pytest.mark.parametrize("where", ["f", "gradient"])
def test_exceptions_pass_through(error, where):
    def fail(w):
        raise error

    functions = (fail, bowl_gradient) if where == "f" else (bowl, fail)
    with pytest.raises(BaseException, match="mine") as caught:
        gradient_descent(functions[0], BEGINNING, functions[1])
    assert caught.value is error


def test_the_beginning_and_the_path_are_out_of_reach():
    w0 = BEGINNING.copy()
    buffer = np.empty_like(w0)

    def f(w):
        value = bowl(w)
        w[:] = np.nan
        return value

    def gradient(w):
        buffer[:] = bowl_gradient(w)
        w[:] = np.nan
        return buffer

    descent = gradient_descent(f, w0, gradient, max_steps=9)
    np.testing.assert_array_equal(w0, BEGINNING)
    same = gradient_descent(bowl, w0, bowl_gradient, max_steps=9)
    np.testing.assert_array_equal(descent.path, same.path)
    buffer[:] = 0
    np.testing.assert_array_equal(descent.gradient, same.gradient)


W = [1.0, 2.0]
BAD = {
    "w0 NaN": ({"w0": [1, np.nan]}, ValueError, r"w0 must be finite; w0\[1\] is nan"),
    "w0 text": ({"w0": "three"}, TypeError, "w0 must hold real numbers"),
    "w0 complex": ({"w0": [1j]}, TypeError, "w0 must hold real numbers"),
    "w0 empty": ({"w0": []}, ValueError, r"w0 must have at least one entry; got shape \(0,\)"),
    "f 3": ({"f": 3}, TypeError, "f must be a function; got 3"),
    "f an array": ({"f": lambda w: w}, TypeError, r"what f returns must be a number; got array"),
    "f nothing": ({"f": lambda w: None}, TypeError, "must be a number; got None"),
    "f a bool": ({"f": lambda w: True}, TypeError, "must be a number; got True"),
    "f complex": ({"f": lambda w: 1j}, TypeError, "must be a number; got 1j"),
    "f inf": ({"f": lambda w: np.inf}, ValueError, "must be finite at w0; f is not"),
    "gradient 3": ({"gradient": 3}, TypeError, "gradient must be a function; got 3"),
    "gradient short": (
        {"gradient": lambda w: [1.0]}, ValueError, r"w0's shape \(2,\); got \(1,\)"
    ),
    "gradient a number": ({"gradient": lambda w: 1.0}, ValueError, r"shape \(2,\); got \(\)"),
    "gradient a column": ({"gradient": lambda w: w[:, None]}, ValueError, r"got \(2, 1\)"),
    "gradient None": ({"gradient": lambda w: None}, TypeError, "what gradient returns must hold"),
    "gradient NaN": ({"gradient": lambda w: w * np.nan}, ValueError, "w0; the gradient is not"),
    "rate 0": ({"learning_rate": 0}, ValueError, "learning_rate must be a positive number; got 0"),
    "rate text": ({"learning_rate": "1"}, TypeError, "learning_rate must be a positive number"),
    "max_steps -1": ({"max_steps": -1}, ValueError, "max_steps must be 0 or more; got -1"),
    "max_steps 1.5": ({"max_steps": 1.5}, TypeError, "max_steps must be a whole number"),
    "tolerance -1": ({"tolerance": -1}, ValueError, "tolerance must be a number, 0 or more"),
    "monotone 1": ({"monotone": 1}, TypeError, "monotone must be True or False; got 1"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "exception", "message"), list(BAD.values()), ids=list(BAD))
def test_bad_input(given, exception, message):
    arguments = {"f": lambda w: w @ w, "w0": W, "gradient": lambda w: 2 * w, **given}
    with pytest.raises(exception, match=message):
        gradient_descent(**arguments)


# ---------------------------------------------------------------- the pictures


def test_plot_of_the_values():
    descent = gradient_descent(bowl, BEGINNING, bowl_gradient, max_steps=5)
    given = Figure().subplots()
    ax = descent.plot(given)
    assert ax is given
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), descent.values)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("step", "f(w)", "log")
    ax.figure.canvas.draw()
    negative = gradient_descent(lambda w: -np.exp(-(w**2)), 1.0, max_steps=5)
    assert negative.plot(Figure().subplots()).get_yscale() == "linear"


@pytest.mark.parametrize("shape", [(2,), (1, 2)])
def test_plot_of_the_path_over_contours(shape):
    def f(w):
        assert w.shape == shape
        return rosenbrock(w.ravel())

    descent = gradient_descent(f, np.reshape([-1.2, 1.0], shape), monotone=True, max_steps=20)
    ax = descent.plot(Figure().subplots(), f=f)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), descent.path.reshape(-1, 2))
    contours = ax.collections[0]
    assert len(contours.levels) > 5
    for level, lines in zip(contours.levels, contours.get_paths(), strict=True):
        heights = [rosenbrock(point) for point in lines.vertices]
        np.testing.assert_allclose(heights, level, rtol=0.3, atol=1.0)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    points = descent.path.reshape(-1, 2)
    assert ((points > [left, bottom]) & (points < [right, top])).all()
    ax.figure.canvas.draw()


def test_plot_of_a_single_point():
    descent = gradient_descent(lambda w: w @ w, [0.0, 0.0])
    descent.plot(Figure().subplots(), f=lambda w: w @ w).figure.canvas.draw()
    descent.plot(Figure().subplots()).figure.canvas.draw()


def test_plot_refuses_contours_of_more_than_two_variables():
    descent = gradient_descent(bowl, BEGINNING, bowl_gradient, max_steps=1)
    before = pyplot.get_fignums()
    with pytest.raises(ValueError, match=r"two entries; got shape \(2, 3\)"):
        descent.plot(f=bowl)
    assert pyplot.get_fignums() == before


def test_plot_refuses_an_f_that_is_finite_nowhere():
    descent = gradient_descent(lambda w: w @ w, [1.0, 0.0], max_steps=1)
    before = pyplot.get_fignums()
    with pytest.raises(ValueError, match="finite somewhere around the path"):
        descent.plot(f=lambda w: np.nan)
    assert pyplot.get_fignums() == before


def test_plot_names_the_extra_without_matplotlib(monkeypatch):
    descent = gradient_descent(bowl, BEGINNING, max_steps=1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[demo\]"'):
        descent.plot()


def test_the_example():
    results = doctest.testmod(importlib.import_module("chainrule.course.descent"))
    assert results.attempted > 0
    assert results.failed == 0
