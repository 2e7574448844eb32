"""Every gradient against central differences of the cost: no formula of backpropagation is used."""

import numpy as np
import pytest

import chainrule
import oracle
from differences import differences

TOLERANCE = 1e-7  # of the largest entry of the layer; the differences are good to about 1e-9
SMALLEST_NORM = 1e-4  # a layer with less gradient than this says nothing


def check_gradient(cost, parameters, pieces):
    """Raise AssertionError unless each gradient in `pieces` is the slope of `cost`.

    cost() is the cost at the present `parameters`, a flat float64 vector changed in place and put
    back; `pieces` are the gradients in the order of the parameters, a piece a layer and kind.
    """
    sizes = [np.size(piece) for piece in pieces]
    assert sum(sizes) == parameters.size, f"{sum(sizes)} slopes for {parameters.size} parameters"
    slopes_of_all, start = differences(cost, parameters), 0
    for number, piece in enumerate(pieces):
        piece = np.ravel(piece)
        norm = np.linalg.norm(piece)
        assert norm > SMALLEST_NORM, f"piece {number}: the gradient is all but zero ({norm:.3g})"
        slopes = slopes_of_all[start : start + piece.size]
        error = np.abs(piece - slopes).max()
        scale = np.abs(slopes).max()
        assert error <= TOLERANCE * scale, f"piece {number}: wrong by {error:.3g} of {scale:.3g}"
        start += piece.size


def pieces_of(net, nabla):
    if not net.bias:
        return list(nabla.weights)
    return [piece for pair in zip(nabla.weights, nabla.biases, strict=True) for piece in pair]


# No relu meets its kink: draw_problem keeps every |z| above 1e-3, and a step of 1e-5 moves a z by
# less than 1e-4 (inputs, activations and products of weights here are all below 10).
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
@pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
@pytest.mark.parametrize("sizes", [(3, 5, 4, 2), (4, 3)], ids=["deep", "flat"])
def test_every_parameter(draw_problem, sizes, hidden, output, cost, bias):
    if len(sizes) == 2 and hidden != "sigmoid":
        hidden = []  # no hidden layer: nothing to name
    net, x, y = draw_problem(sizes, 6, hidden=hidden, output=output, cost=cost, bias=bias)
    pieces = pieces_of(net, net.backprop(x, y))
    assert len(pieces) == (len(sizes) - 1) * (1 + bias)
    check_gradient(lambda: net.evaluate(x, y)["cost"], net.parameters, pieces)


@pytest.mark.parametrize("hidden", oracle.HIDDEN, ids=str)
def test_every_hidden_activation(draw_problem, hidden):
    net, x, y = draw_problem((3, 5, 4, 2), 6, hidden=hidden)
    check_gradient(
        lambda: net.evaluate(x, y)["cost"], net.parameters, pieces_of(net, net.backprop(x, y))
    )
    net.parameters *= 0.3  # e^(e^z) leaves no digits to compare otherwise
    assert chainrule.check_gradient(net, x, y).passed


@pytest.mark.parametrize(("output", "cost"), oracle.EVERY_PAIR, ids=str)
def test_every_output_with_every_cost(draw_problem, output, cost):
    sizes = (3, 5, 2 * oracle.outputs_per_target(cost))
    net, x, y = draw_problem(sizes, 6, hidden="tanh", output=output, cost=cost)
    check_gradient(
        lambda: net.evaluate(x, y)["cost"], net.parameters, pieces_of(net, net.backprop(x, y))
    )
    assert chainrule.check_gradient(net, x, y).passed


def test_integer_labels(draw_problem):
    net, x, _ = draw_problem((3, 5, 3), 6, output="softmax", cost="log_likelihood")
    labels = np.array([0, 2, 1, 2, 2, 0])
    pieces = pieces_of(net, net.backprop(x, labels))
    check_gradient(lambda: net.evaluate(x, labels)["cost"], net.parameters, pieces)


# ---------------------------------------------------------------- the checker itself


class Bowl:
    """C(w) = Σ c_i w_i² + w_0 w_3, whose gradient is known without any network."""

    def __init__(self):
        self.w = np.array([0.5, -1.0, 2.0, 0.25])
        self.c = np.array([1.0, 2.0, 0.5, 3.0])

    def cost(self):
        return float(self.c @ self.w**2 + self.w[0] * self.w[3])

    def pieces(self):
        gradient = 2 * self.c * self.w
        gradient[0] += self.w[3]
        gradient[3] += self.w[0]
        return [gradient[:2].copy(), gradient[2:].copy()]


def test_checker_accepts_the_right_gradient():
    bowl = Bowl()
    before = bowl.w.copy()
    check_gradient(bowl.cost, bowl.w, bowl.pieces())
    np.testing.assert_array_equal(bowl.w, before)


def off_by_a_millionth(pieces):
    pieces[1][1] *= 1 + 1e-6


def negated(pieces):
    pieces[0] *= -1


def doubled(pieces):
    pieces[1] *= 2


def swapped(pieces):
    pieces[0][:] = pieces[0][::-1].copy()


def zeroed(pieces):
    pieces[1][:] = 0


@pytest.mark.parametrize("spoil", [off_by_a_millionth, negated, doubled, swapped])
def test_checker_refuses_a_wrong_gradient(spoil):
    bowl = Bowl()
    pieces = bowl.pieces()
    spoil(pieces)
    with pytest.raises(AssertionError, match="wrong by"):
        check_gradient(bowl.cost, bowl.w, pieces)


def test_checker_refuses_zeros():
    bowl = Bowl()
    pieces = bowl.pieces()
    zeroed(pieces)
    with pytest.raises(AssertionError, match="all but zero"):
        check_gradient(bowl.cost, bowl.w, pieces)


def test_checker_refuses_zeros_even_where_the_cost_is_flat():
    with pytest.raises(AssertionError, match="all but zero"):
        check_gradient(lambda: 1.0, np.ones(3), [np.zeros(3)])


def test_checker_refuses_a_missing_piece():
    bowl = Bowl()
    with pytest.raises(AssertionError, match="2 slopes for 4"):
        check_gradient(bowl.cost, bowl.w, bowl.pieces()[:1])
