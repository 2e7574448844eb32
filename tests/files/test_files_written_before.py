"""Model files that earlier versions wrote load, and training goes on from them, for ever.

`written/` holds a file of each kind and version, with what the version that wrote it gave: outputs,
and parameters and costs after two more epochs. `model_file_kinds.py` writes them.
"""

import numpy as np
import pytest

import chainrule as cr
from model_file_kinds import KINDS, WRITTEN, X

NAMES = sorted(path.stem.removesuffix("-expected") for path in WRITTEN.glob("*-expected.npz"))


def close(net):
    """Return how close results are: they may round differently on another processor."""
    return (
        {"rtol": 1e-9, "atol": 1e-12} if net.dtype == np.float64 else {"rtol": 1e-4, "atol": 1e-6}
    )


def test_there_is_a_file_of_each_kind():
    assert {name.partition("-")[2] for name in NAMES} == {name.replace(" ", "-") for name in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_goes_on(name):
    kind = KINDS[name.partition("-")[2].replace("-", " ")]
    net = cr.load(WRITTEN / f"{name}.npz", own=kind.own)
    assert net.sizes == tuple(kind.network["sizes"])
    assert net.input_names == (kind.names or None)
    with np.load(WRITTEN / f"{name}-expected.npz") as expected:
        if kind.epochs:  # else it is open how its inputs are scaled
            np.testing.assert_allclose(net(X), expected["outputs"], **close(net))
        history = net.fit(X, kind.y, epochs=2, **kind.options, **kind.again)
        np.testing.assert_allclose(net.parameters, expected["parameters"], **close(net))
        np.testing.assert_allclose(history.cost, expected["cost"], **close(net))
    assert net.epochs_trained == kind.epochs + 2


@pytest.mark.parametrize(
    ("name", "classes"),
    {"names": ["nö", "yes"], "whole numbers": [-3, 7], "booleans": [False, True]}.items(),
)
def test_it_answers_with_the_classes_it_learned(name, classes):
    net = cr.load(WRITTEN / f"0.1.0-{name.replace(' ', '-')}.npz")
    assert net.classes.tolist() == classes
    assert set(net.predict(X).tolist()) <= set(classes)
