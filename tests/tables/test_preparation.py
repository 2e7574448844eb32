"""The preparation of tables against an oracle of plain loops, written from the definitions."""

import numpy as np
import pytest

from chainrule.tables.preparation import Preparation


def test_numbers_are_as_the_definition_says():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * [1, 100, 1e-3]
    X[5, 1] = np.nan
    prep = Preparation.learn(X)
    expected = np.zeros((40, 4))
    for j, at in ((0, 0), (1, 1), (2, 3)):
        there = [x for x in X[:, j] if x == x]
        q25, median, q75 = np.quantile(there, [0.25, 0.5, 0.75])
        for i in range(40):
            if X[i, j] == X[i, j]:
                z = (X[i, j] - median) / (q75 - q25)
                expected[i, at] = z / (1 + (z / 3) ** 2) ** 0.5
    expected[5, 2] = 1
    np.testing.assert_allclose(prep.transform(X), expected, rtol=1e-6, atol=1e-7)
    assert prep.width == 4
    assert [column.where for column in prep.columns] == [slice(0, 1), slice(1, 3), slice(3, 4)]
    with pytest.raises(ValueError, match=r"X\[2, 1\] is inf"):
        prep.transform(np.array([[0, 0, 0], [0, 0, 0], [0, np.inf, 0.0]]))
