"""The derivatives of all outputs by all parameters, for many samples."""

import numpy as np
import pytest

import oracle
from chainrule.core import _core
from differences import AGREEMENT, differences
from oracle import TOLERANCE, assert_close

HIDDEN = ["sigmoid", "tanh", "relu", "identity"]
OUTPUTS = ["sigmoid", "tanh", "relu", "identity", "softmax"]

each_hidden = pytest.mark.parametrize("hidden", HIDDEN)
each_output = pytest.mark.parametrize("output", OUTPUTS)
each_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])


def parameter_jacobian(net, x):
    out = np.full((len(x), net.sizes[-1], net.parameters.size), np.nan, net.dtype)
    _core.parameter_jacobian(net._plan, net.parameters, x, out)
    return out


def outputs(net, x):
    return oracle.feedforward(oracle.copy_of(net), x)[1][-1]


@each_hidden
@each_output
@each_bias
def test_it_is_what_differences_of_the_oracle_find(draw_problem, hidden, output, bias):
    net, x, _ = draw_problem((4, 6, 5, 3), 9, hidden=hidden, output=output, bias=bias)
    got = parameter_jacobian(net, x)
    expected = differences(lambda: outputs(net, x), net.parameters)
    assert_close(got, expected, AGREEMENT)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(3, 2), (7, 33, 17), (2, 6, 4, 5)])
@each_output
@each_bias
def test_it_is_the_sensitivity_of_every_sample(draw_problem, sizes, output, bias, dtype):
    hidden = "tanh" if len(sizes) > 2 else []
    net, x, _ = draw_problem(sizes, 5, hidden=hidden, output=output, bias=bias, dtype=dtype)
    got = parameter_jacobian(net, x)
    for i, row in enumerate(x):
        s = net.sensitivity(row)
        layers = []
        for j, by_weights in enumerate(s.weights):
            layers.append(by_weights.reshape(sizes[-1], -1))
            if bias:
                layers.append(s.biases[j])
        assert got[i].tolist() == np.hstack(layers).tolist()


@each_output
def test_with_the_residuals_it_gives_the_gradient(draw_problem, output):
    """∇C = Jᵀr/m: the chain rule."""
    net, x, y = draw_problem((5, 8, 4), 20, hidden="tanh", output=output)
    J = parameter_jacobian(net, x)
    expected = np.einsum("sqp,sq->p", J, outputs(net, x) - y) / len(x)
    assert_close(net.backprop(x, y).parameters, expected, TOLERANCE["float64"])
