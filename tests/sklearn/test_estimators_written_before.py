"""Estimators in files that earlier versions wrote load, and training goes on, for ever."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
import chainrule as cr
import chainrule.sklearn as ours
from estimator_kinds import ESTIMATORS, KINDS, answer, go_on
from model_file_kinds import X

NAMES = sorted(path.stem.removesuffix("-expected") for path in ESTIMATORS.glob("*-expected.npz"))


def test_there_is_a_file_of_each_kind():
    assert {name.partition("-")[2] for name in NAMES} == {name.replace(" ", "-") for name in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_goes_on(name):
    made, y = KINDS[name.partition("-")[2].replace("-", " ")]
    estimator = ours.load(ESTIMATORS / f"{name}.npz")
    assert repr(estimator) == repr(made)
    is_single = estimator.network_.dtype == np.float32
    close = {"rtol": 1e-4, "atol": 1e-6} if is_single else {"rtol": 1e-9, "atol": 1e-12}
    with np.load(ESTIMATORS / f"{name}-expected.npz") as expected:
        np.testing.assert_allclose(answer(estimator), expected["outputs"], **close)
        if hasattr(estimator, "classes_"):
            np.testing.assert_array_equal(estimator.predict(X), expected["predicted"])
        net = go_on(estimator, y).network_
        np.testing.assert_allclose(net.parameters, expected["parameters"], **close)
    assert cr.load(ESTIMATORS / f"{name}.npz").sizes == net.sizes
