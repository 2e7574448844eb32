"""Model files that earlier versions wrote load, and training goes on from them, for ever.

`written/` holds a file of each kind and version, with what the version that wrote it gave: outputs,
and parameters and costs after two more epochs.
"""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

WRITTEN = Path(__file__).parent / "written"
X = np.linspace(-1, 1, 60).reshape(20, 3)
SMALL = {"sizes": [3, 5, 2], "hidden": "tanh", "seed": 3}
SOFTMAX = {"output": "softmax", "cost": "log_likelihood"}

# Network(**...), the optimiser, and further options of fit.
KINDS = {
    "momentum": (SMALL, cr.SGD(0.1, momentum=0.9), {"batch_size": 6, "l2": 1e-3}),
    "adam": (
        SMALL | SOFTMAX | {"dtype": "float64"},
        cr.Adam(cr.CosineDecay(0.01, epochs=10)),
        {"batch_size": 6, "average": 0.9, "dropout": 0.2},
    ),
    "plateau": (
        SMALL | {"input_scale": 2.0, "input_shift": [0.1, 0.2, 0.3], "dtype": "float64"},
        cr.RMSprop(cr.ReduceOnPlateau(0.01, monitor="cost")),
        {},
    ),
    "lbfgs": (
        {"sizes": [3, 4, 2], "hidden": cr.activations.elu(alpha=0.5), "output": "identity",
         "cost": cr.costs.huber(delta=2.0), "dtype": "float64", "seed": 1},
        cr.LBFGS(),
        {},
    ),
}  # fmt: skip


def targets(net):
    """Return targets for X."""
    if net.output == "softmax":
        return np.arange(20) % 2
    return np.stack([X[:, 0] ** 2, np.sin(3 * X[:, 1]) ** 2], axis=1)


def close(net):
    """Return how close results are: they may round differently on another processor."""
    return (
        {"rtol": 1e-9, "atol": 1e-12} if net.dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-6}
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("version", ["0.1.0"])
def test_it_loads_and_goes_on(version, name):
    net = cr.load(WRITTEN / f"{version}-{name}.npz")
    kinds, optimizer, options = KINDS[name]
    assert net.sizes == tuple(kinds["sizes"])
    with np.load(WRITTEN / f"{version}-{name}-expected.npz") as expected:
        np.testing.assert_allclose(net(X), expected["outputs"], **close(net))
        history = net.fit(X, targets(net), optimizer=optimizer, epochs=2, **options)
        np.testing.assert_allclose(net.parameters, expected["parameters"], **close(net))
        np.testing.assert_allclose(history.cost, expected["cost"], **close(net))
    assert net.epochs_trained == 4
