"""∂output/∂input and single steps of training in C, against the network's own."""

import ctypes

import numpy as np
import pytest

import chainrule as cr
from c_programs import library, pointer
from chainrule.convert import to_c
from random_networks import HIDDEN, draw_network

SMOOTH = [each for each in HIDDEN if each != "step"]
COSTS = [  # output, cost, number of outputs, targets of a sample
    ("sigmoid", "quadratic", 3, [0.2, 0.9, 0.4]),
    ("identity", "squared_error", 2, [3.0, -4.0]),
    ("tanh", "absolute_error", 2, [0.5, -0.5]),
    ("identity", cr.costs.huber(0.4), 3, [0.1, 5.0, -7.0]),
    ("identity", cr.costs.quantile([0.1, 0.5, 0.9]), 6, [2.0, -3.0]),
    ("identity", "hinge", 1, [-1.0]),
    ("sigmoid", "cross_entropy", 2, [1.0, 0.0]),
    ("exponential", "poisson", 2, [4.0, 0.0]),
    ("softmax", "log_likelihood", 4, [0.0, 1.0, 0.0, 0.0]),
    ("softmax", cr.costs.log_likelihood(smoothing=0.2), 4, [0.0, 1.0, 0.0, 0.0]),
    ("identity", "gaussian", 4, [1.0, -2.0]),
    ("softmax", "quadratic", 3, [0.0, 0.0, 1.0]),
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Networks with inputs, and the library of their C files."""
    folder, nets = tmp_path_factory.mktemp("drawn"), {}
    for seed in range(40):
        net, X = draw_network(seed, hidden=SMOOTH, outputs=["softmax", *SMOOTH], dtype="float64")
        nets[f"net{seed}"] = net, X
    for k, (output, cost, n_out, _) in enumerate(COSTS):
        for dtype in ("float32", "float64"):
            units = {}
            if output == "identity" and cost != "hinge" and dtype == "float64":
                units = {"output_scale": 1.5, "output_shift": 0.25}
            net = cr.Network([3, 5, 4, n_out], hidden="gelu", output=output, cost=cost,
                             bias=k % 3 > 0, dtype=dtype, input_scale=0.5, seed=k,
                             **units)  # fmt: skip
            nets[f"cost{k}_{dtype}"] = net, np.random.default_rng(k).normal(size=(2, 3))
    for name, (net, _) in nets.items():
        to_c(net, folder / f"{name}.c", gradient=True, train=not net.scale.size)
    return nets, library(folder, [folder / f"{name}.c" for name in nets], "-O0")


def jacobian(net, x):
    """∂output/∂input by differences."""
    steps = np.eye(len(x)) * 1e-6
    return np.array([(net(x + h) - net(x - h)) / 2e-6 for h in steps]).T


def test_the_gradient(drawn):
    nets, lib = drawn
    for name, (net, X) in nets.items():
        if net.dtype == np.float64:
            n_out, x = net.sizes[-1], X[0].copy()
            out, grad = np.empty(n_out), np.empty((n_out, len(x)))
            getattr(lib, f"{name}_gradient")(pointer(x), pointer(out), pointer(grad))
            expected = jacobian(net, x)
            np.testing.assert_allclose(out, net(x), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(grad, expected, rtol=1e-5, atol=1e-6 * (1 + abs(out).max()))


def test_the_gradient_of_an_ensemble(tmp_path):
    nets = [cr.Network([3, 5, 2], output="identity", dtype="float64", input_scale=k + 1.0, seed=k)
            for k in range(3)]  # fmt: skip
    ensemble = cr.Ensemble(nets, weights=[1, 2, 4])
    to_c(ensemble, tmp_path / "ensemble.c", gradient=True)
    lib = library(tmp_path, [tmp_path / "ensemble.c"])
    x, out, grad = np.array([0.3, -1.0, 2.0]), np.empty(2), np.empty((2, 3))
    lib.ensemble_gradient(pointer(x), pointer(out), pointer(grad))
    np.testing.assert_allclose(out, ensemble(x), rtol=1e-12)
    np.testing.assert_allclose(grad, jacobian(ensemble, x), rtol=1e-6, atol=1e-8)


def layers_of(net, flat):
    """W and b of each layer, from parameters as C has them."""
    at = 0
    for n_in, n_out in zip(net.sizes[:-1], net.sizes[1:], strict=True):
        W = flat[at : at + n_in * n_out].reshape(n_in, n_out).T
        at += n_in * n_out
        yield W, flat[at : at + n_out]
        at += n_out
    assert at == len(flat)


def parameters(lib, name, net):
    n = sum((a + 1) * b for a, b in zip(net.sizes[:-1], net.sizes[1:], strict=True))
    kind = ctypes.c_float if net.dtype == np.float32 else ctypes.c_double
    return np.array((kind * n).in_dll(lib, f"{name}_parameters")), kind


def test_training_steps(drawn):
    nets, lib = drawn
    steps = 0
    for k, (*_, targets) in enumerate(COSTS):
        for dtype in ("float32", "float64"):
            name = f"cost{k}_{dtype}"
            net, X = nets[name]
            held_to_the_trainer(lib, name, net.copy(), X, targets)
            steps += 1
    for seed in range(40):
        name = f"net{seed}"
        net, X = nets[name]
        if net.scale.size == 0:
            # between two outputs, so within the reach of any activation
            other = net(np.random.default_rng(seed).normal(size=net.sizes[0]))
            held_to_the_trainer(lib, name, net.copy(), X[:1], (net(X[0]) + 3 * other) / 4)
            steps += 1
    assert steps == 50


def held_to_the_trainer(lib, name, net, X, targets):
    flat, kind = parameters(lib, name, net)
    trainer, before = net.trainer(cr.SGD(0.01)), net.parameters.copy()
    y = np.array(targets, net.dtype)
    for x in X.astype(net.dtype):
        getattr(lib, f"{name}_train")(pointer(flat), pointer(x), pointer(y), kind(0.01))
        trainer.step(x[None], y[None])
    assert (net.parameters != before).any()
    tolerance = 1e-5 if net.dtype == np.float32 else 1e-12
    for i, (W, b) in enumerate(layers_of(net, flat)):
        np.testing.assert_allclose(W, net.weights[i], rtol=tolerance, atol=tolerance)
        expected = net.biases[i] if net.bias else 0
        np.testing.assert_allclose(
            b, np.broadcast_to(expected, b.shape), rtol=tolerance, atol=tolerance
        )
    out, x = np.empty(net.sizes[-1], net.dtype), X[0].astype(net.dtype)
    getattr(lib, f"{name}_feedforward_by")(pointer(flat), pointer(x), pointer(out))
    np.testing.assert_allclose(out, net(x), rtol=10 * tolerance, atol=10 * tolerance)


def test_a_cost_of_ones_own_is_refused(tmp_path):
    class Own:
        def value(self, a, y):
            return ((a - y) ** 2).sum(axis=1)

        def delta(self, z, a, y):
            return 2 * (a - y)

    net = cr.Network([2, 1], output="identity", cost=Own(), seed=0)
    to_c(net, tmp_path / "net.c")
    with pytest.raises(ValueError, match="train=True knows the costs of chainrule"):
        to_c(net, tmp_path / "trained.c", train=True)
