"""Models of tables in files that earlier versions wrote load, and say the same, for ever."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
import chainrule as cr
import chainrule.sklearn as ours
from table_kinds import KINDS, TABLES, answer

NAMES = sorted(path.stem.removesuffix("-expected") for path in TABLES.glob("*-expected.npz"))


def test_there_is_a_file_of_each_kind():
    assert {name.partition("-")[2] for name in NAMES} == {name.replace(" ", "-") for name in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_says_the_same(name):
    made, X, _ = KINDS[name.partition("-")[2].replace("-", " ")]
    estimator, predictor = (read(TABLES / f"{name}.npz") for read in (ours.load, cr.load))
    assert repr(estimator) == repr(made)
    with np.load(TABLES / f"{name}-expected.npz") as expected:
        for table in (estimator, predictor):
            np.testing.assert_allclose(answer(table, X), expected["outputs"], rtol=1e-4, atol=1e-6)
        if hasattr(estimator, "classes_"):
            np.testing.assert_array_equal(predictor.predict(X), expected["predicted"])
