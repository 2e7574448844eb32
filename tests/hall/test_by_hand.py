"""One step of SGD on a 3-2-1 network, worked with pencil and paper and compared digit by digit.

Sigmoid neurons, quadratic cost, one sample x = (1, 0.5, -1) with y = 1, η = 0.5.

    W² = [[0.2, -0.4,  0.1],    b² = (0.3, -0.2)    W³ = [[0.7, -0.3]]    b³ = (0.05)
          [0.3,  0.6, -0.5]]

Forward
    z²_1 = 0.2·1 - 0.4·0.5 + 0.1·(-1) + 0.3 = 0.2 - 0.2 - 0.1 + 0.3 = 0.2
    z²_2 = 0.3·1 + 0.6·0.5 - 0.5·(-1) - 0.2 = 0.3 + 0.3 + 0.5 - 0.2 = 0.9
    a²_1 = 1/(1 + e^-0.2) = 1/1.818730753 = 0.549833997
    a²_2 = 1/(1 + e^-0.9) = 1/1.406569660 = 0.710949503
    z³   = 0.7·0.549833997 - 0.3·0.710949503 + 0.05
         = 0.384883798 - 0.213284851 + 0.05 = 0.221598947
    a³   = 1/(1 + e^-0.221598947) = 1/1.801236638 = 0.555174139
    C    = ½ (1 - 0.555174139)² = ½ · 0.444825861² = ½ · 0.197870046 = 0.098935023
BP1 δ³ = (a³ - y) a³ (1 - a³) = -0.444825861 · 0.555174139 · 0.444825861
       = -0.444825861 · 0.246955814 = -0.109852333
BP2 δ²_1 = δ³·0.7    · a²_1 (1 - a²_1) = -0.076896633 · 0.247516573 = -0.019033191
    δ²_2 = δ³·(-0.3) · a²_2 (1 - a²_2) =  0.032955700 · 0.205500307 =  0.006772406
BP3 ∂C/∂b = δ
BP4 ∂C/∂W³ = δ³ a²   = (-0.109852333 · 0.549833997, -0.109852333 · 0.710949503)
                     = (-0.060400547, -0.078099461)
    ∂C/∂W² = δ²_j x_k = [[-0.019033191, -0.009516596,  0.019033191],
                         [ 0.006772406,  0.003386203, -0.006772406]]
Step, each parameter less 0.5 times its gradient
    W³ = (0.7 + 0.030200274, -0.3 + 0.039049731) = (0.730200274, -0.260950269)
    b³ = 0.05 + 0.054926166 = 0.104926166
    W² = [[0.2 + 0.009516596, -0.4 + 0.004758298,  0.1 - 0.009516596],
          [0.3 - 0.003386203,  0.6 - 0.001693102, -0.5 + 0.003386203]]
    b² = (0.3 + 0.009516596, -0.2 - 0.003386203) = (0.309516596, -0.203386203)
"""

import numpy as np
import pytest

import chainrule

X = [[1.0, 0.5, -1.0]]
Y = [[1.0]]
PRECISION = {"float32": 1e-7, "float64": 1e-9}  # the numbers below are rounded to 9 places


@pytest.fixture(params=["float32", "float64"])
def net(request):
    net = chainrule.Network([3, 2, 1], dtype=request.param, seed=0)
    net.weights[0][...] = [[0.2, -0.4, 0.1], [0.3, 0.6, -0.5]]
    net.biases[0][...] = [0.3, -0.2]
    net.weights[1][...] = [[0.7, -0.3]]
    net.biases[1][...] = [0.05]
    return net


@pytest.fixture
def same(net):
    def check(got, literal):
        assert np.shape(got) == np.shape(literal)
        np.testing.assert_allclose(got, literal, rtol=0, atol=PRECISION[net.dtype.name])

    return check


@pytest.fixture
def data(net):
    return np.array(X, net.dtype), np.array(Y, net.dtype)


def test_forward(net, data, same):
    trace = net.trace(*data)
    same(trace.z[0], [[0.2, 0.9]])
    same(trace.a[0], [[0.549833997, 0.710949503]])
    same(trace.z[1], [[0.221598947]])
    same(trace.a[1], [[0.555174139]])
    same(net.feedforward(data[0]), [[0.555174139]])
    same(net.evaluate(*data)["cost"], 0.098935023)


def test_backward(net, data, same):
    trace = net.trace(*data)
    same(trace.delta[1], [[-0.109852333]])
    same(trace.delta[0], [[-0.019033191, 0.006772406]])
    nabla = net.backprop(*data)
    same(nabla.biases[1], [-0.109852333])
    same(nabla.weights[1], [[-0.060400547, -0.078099461]])
    same(nabla.biases[0], [-0.019033191, 0.006772406])
    same(
        nabla.weights[0],
        [[-0.019033191, -0.009516596, 0.019033191], [0.006772406, 0.003386203, -0.006772406]],
    )
    same(nabla.cost, 0.098935023)


def test_step(net, data, same):
    history = net.fit(*data, optimizer=chainrule.SGD(0.5), epochs=1, batch_size=1)
    same(history.cost, [0.098935023])
    same(net.weights[1], [[0.730200274, -0.260950269]])
    same(net.biases[1], [0.104926166])
    same(
        net.weights[0],
        [[0.209516596, -0.395241702, 0.090483404], [0.296613797, 0.598306898, -0.496613797]],
    )
    same(net.biases[0], [0.309516596, -0.203386203])
