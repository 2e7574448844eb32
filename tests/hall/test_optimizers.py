"""Each optimiser, step by step, against its definition in NumPy and against PyTorch's."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import optimizers
from chainrule.core import _core
from children import python
from optimizer_cases import CASES, compare
from oracle import assert_close


@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_in_float64(draw_problem, case):
    compare(draw_problem, case, "float64")


# Rprop asks for signs, which float32 may round to the other side: another way from there on.
@pytest.mark.parametrize("case", [case for case in CASES if "Rprop" not in case])
def test_fifty_steps_in_float32(draw_problem, case):
    compare(draw_problem, case, "float32")


@pytest.mark.parametrize("case", ["Rprop", "Rprop limits"])
def test_rprop_in_float32(draw_problem, case):
    compare(draw_problem, case, "float32", epochs=6, batch_size=47)


@pytest.mark.parametrize("case", CASES)
def test_with_penalties(draw_problem, case):
    compare(draw_problem, case, "float64", l1=0.002, l2=0.05)


@pytest.mark.parametrize("case", ["SGD", "SGD momentum", "Adam", "AdamW", "Rprop"])
@pytest.mark.parametrize("batch_size", [1, 600, 1100], ids=["one", "above a tile", "two tiles"])
def test_batch_sizes(draw_problem, case, batch_size):
    rows = 47 if batch_size == 1 else 1101
    epochs = 2 if batch_size == 1 else 6
    compare(draw_problem, case, "float64", rows=rows, batch_size=batch_size, epochs=epochs)


CHILD = """
import numpy as np
import chainrule as cr
for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Adamax", "Rprop"):
    for dtype in ("float32", "float64"):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(64, 5)), rng.random((64, 3))
        net = cr.Network((5, 37, 3), hidden="relu", output="identity", dtype=dtype, seed=0)
        net.fit(x, y, optimizer=getattr(cr, name)(0.01), epochs=3, batch_size=64, shuffle=False)
        print(name, dtype, *net.parameters.astype(float))
"""


def test_instruction_sets_agree(simd):
    """To within the rounding: fused multiply-adds are not in all of them."""

    def run(variant):
        printed = python("-c", CHILD, CHAINRULE_SIMD=variant)
        return [line.split() for line in printed.splitlines()]

    for got, expected in zip(run(simd), run("baseline"), strict=True):
        assert got[:2] == expected[:2]
        tolerance = 1e-4 if got[1] == "float32" else 1e-12
        assert_close(np.array(got[2:], float), np.array(expected[2:], float), tolerance)


# ---------------------------------------------------------------- PyTorch

TORCH = {
    "SGD": lambda torch, w: torch.optim.SGD(w, lr=0.1),
    "SGD momentum": lambda torch, w: torch.optim.SGD(w, lr=0.1, momentum=0.9),
    "SGD nesterov": lambda torch, w: torch.optim.SGD(w, lr=0.05, momentum=0.8, nesterov=True),
    "Adagrad": lambda torch, w: torch.optim.Adagrad(w, lr=0.01),
    "Adagrad epsilon": lambda torch, w: torch.optim.Adagrad(w, lr=0.05, eps=0.1),
    "RMSprop": lambda torch, w: torch.optim.RMSprop(w, lr=0.01),
    "RMSprop rho": lambda torch, w: torch.optim.RMSprop(w, lr=0.02, alpha=0.8, eps=1e-3),
    "Adam": lambda torch, w: torch.optim.Adam(w, lr=1e-3),
    "Adam betas": lambda torch, w: torch.optim.Adam(w, lr=0.02, betas=(0.7, 0.9), eps=1e-3),
    "AdamW": lambda torch, w: torch.optim.AdamW(w, lr=1e-3),
    "Adamax": lambda torch, w: torch.optim.Adamax(w, lr=2e-3),
    "Adamax betas": lambda torch, w: torch.optim.Adamax(w, lr=0.02, betas=(0.5, 0.8)),
    "Rprop": lambda torch, w: torch.optim.Rprop(w, lr=0.01),
    "Rprop limits": lambda torch, w: torch.optim.Rprop(
        w, lr=0.02, etas=(0.3, 1.5), step_sizes=(0.01, 0.03)
    ),
}


@pytest.mark.parametrize("clip_norm", [None, 0.05], ids=["", "clipped"])
@pytest.mark.parametrize("case", TORCH)
def test_fifty_steps_of_pytorch(draw_problem, case, clip_norm):
    torch = pytest.importorskip("torch")
    name, settings = CASES[case]
    bias = name != "AdamW"  # PyTorch's decays biases too
    net, x, y = draw_problem((5, 7, 3), 50, hidden="tanh", output="identity", bias=bias)
    layers = [torch.nn.Linear(5, 7, bias), torch.nn.Tanh(), torch.nn.Linear(7, 3, bias)]
    model = torch.nn.Sequential(*layers).double()
    with torch.no_grad():
        for i, layer in enumerate((model[0], model[2])):
            layer.weight.copy_(torch.tensor(net.weights[i]))
            if bias:
                layer.bias.copy_(torch.tensor(net.biases[i]))
    descent = TORCH[case](torch, model.parameters())
    for step in range(50):
        rows = slice(step % 5 * 10, step % 5 * 10 + 10)
        descent.zero_grad()
        cost = 0.5 * ((model(torch.tensor(x[rows])) - torch.tensor(y[rows])) ** 2).sum() / 10
        cost.backward()
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        descent.step()
    rule = getattr(cr, name)(**settings)
    net.fit(
        x, y, optimizer=rule, epochs=10, batch_size=10, shuffle=False, clip_norm=clip_norm
    )  # fmt: skip
    for i, layer in enumerate((model[0], model[2])):
        # clip_grad_norm_ divides by the norm plus 1e-6
        tolerance = 1e-11 if clip_norm is None else 1e-4
        assert_close(net.weights[i], layer.weight.detach().numpy(), tolerance)


# ---------------------------------------------------------------- what an optimiser is


@pytest.mark.parametrize("kind", optimizers.OPTIMIZERS.values(), ids=optimizers.OPTIMIZERS)
def test_an_optimiser_is_a_value(kind):
    assert kind() == kind()
    assert kind(0.03) == kind(learning_rate=0.03) != kind()
    assert eval(repr(kind(0.03)), vars(cr)) == kind(0.03)
    with pytest.raises(AttributeError):
        kind().learning_rate = 1
    assert kind.kernel in _core.OPTIMIZERS
    assert getattr(cr, kind.__name__) is kind
    assert kind.__name__ in cr.__all__
    assert kind.__module__ == "chainrule.optimizers"


def test_epsilon_hat_counts_more_in_the_first_steps(draw_problem):
    """w₁ - w₀ = -η g/(|g| + ε/√(1-β₂)): the correction makes ε larger."""
    for hat, least in ((False, 1.0), (True, 1 / np.sqrt(0.001))):
        net, x, y = draw_problem((5, 7, 3), 10)
        g, before = net.backprop(x, y).parameters, net.parameters.copy()
        net.fit(x, y, optimizer=cr.Adam(0.1, epsilon=0.01, epsilon_hat=hat), epochs=1)
        assert_close(net.parameters, before - 0.1 * g / (np.abs(g) + 0.01 * least), 1e-12)


def test_every_kernel_has_a_class():
    assert {kind.kernel for kind in optimizers.OPTIMIZERS.values()} == set(_core.OPTIMIZERS)


def test_no_optimiser_is_left_out():
    assert {name for name, _ in CASES.values()} == set(optimizers.OPTIMIZERS)


def test_biases_neither_decay_nor_are_penalised():
    """No gradient at all: the output is 0 as the target, so only decay and penalties move w."""
    x, y = np.zeros((4, 3)), np.zeros((4, 2))
    for rule, options in [
        (cr.AdamW(0.1, weight_decay=0.5), {}),
        (cr.SGD(0.1), {"l2": 0.5}),
        (cr.SGD(0.1, momentum=0.5), {"l1": 0.5}),
    ]:
        net = cr.Network((3, 2), output="identity", dtype="float64", seed=0)
        net.biases[0][:] = 0
        weights = net.weights[0].copy()
        net.fit(x, y, optimizer=rule, epochs=1, batch_size=4, **options)
        assert (net.biases[0] == 0).all()
        assert (np.abs(net.weights[0]) < np.abs(weights)).all()
        if isinstance(rule, cr.AdamW):
            np.testing.assert_allclose(net.weights[0], 0.95 * weights, rtol=1e-14)


@pytest.mark.parametrize("kind", optimizers.OPTIMIZERS.values(), ids=optimizers.OPTIMIZERS)
def test_all_learn(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    net = cr.Network((2, 16, 2), hidden="tanh", output="softmax", cost="log_likelihood", seed=0)
    net.fit(x, labels, optimizer=kind(0.05), epochs=150, batch_size=200)
    start = cr.Network((2, 16, 2), hidden="tanh", output="softmax", cost="log_likelihood", seed=0)
    assert net.evaluate(x, labels)["cost"] < 0.8 * start.evaluate(x, labels)["cost"]
