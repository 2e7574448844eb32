"""Categories that are treated as numbers, as RealMLP has it, against its oracle."""

import numpy as np
import pytest

from chainrule.tables.categories import Category
from chainrule.tables.preparation import Preparation
from realmlp_oracle import prepared


def table(m=60):
    """A rare, a common and a constant category, two categories with a hole, and numbers."""
    rng = np.random.default_rng(0)
    rows = np.empty((m, 4), object)
    rows[:, 0] = np.where(np.arange(m) < 5, "rare", np.where(np.arange(m) < 30, "some", "most"))
    rows[:, 1] = np.where(rng.random(m) < 0.6, "no", "yes")
    rows[7, 1] = None
    rows[:, 2] = rng.normal(size=m)
    rows[:, 3] = np.arange(m) % 2 == 0
    return rows


def one_hot(rows):
    a, b = rows[:, 0], rows[:, 1]
    columns = [a == "most", a == "rare", a == "some", 1.0 * (b == "yes") - (b == "no"), rows[:, 2],
               np.where(rows[:, 3] == True, 1, -1)]  # fmt: skip  # noqa: E712
    return np.stack([np.asarray(column, float) for column in columns], axis=1)


def test_they_are_scaled_and_bent_as_numbers():
    prep = Preparation.learn(table(), scale_categories=True)
    expected = prepared(one_hot(table()))
    assert [column.kind for column in prep.columns] == [
        "category",
        "category",
        "number",
        "category",
    ]
    np.testing.assert_allclose(prep.transform(table()), expected, rtol=1e-6, atol=1e-7)


def test_one_never_seen_is_as_a_missing_one():
    prep = Preparation.learn(table(), scale_categories=True)
    never, missing = table()[:1], table()[:1]
    never[0, :2] = "never"
    missing[0, :2] = None
    np.testing.assert_array_equal(prep.transform(never), prep.transform(missing))
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(prep.transform(never), prep.transform(table()[:1]))


def test_they_come_back_from_their_state():
    prep = Preparation.learn(table(), scale_categories=True)
    again = Preparation.of(prep.state())
    np.testing.assert_array_equal(again.transform(table()), prep.transform(table()))


@pytest.mark.parametrize(
    ("medians", "scales"),
    [([0.0], []), ([0.0, 0.0], [1.0, 1.0]), ([0], [1]), (["a"], ["b"]), ([0.0], [-1.0]),
     ([np.nan], [1.0]), ([np.inf], [1.0]), ([[0.0]], [[1.0]])],
)  # fmt: skip
def test_no_other_state_is_read(medians, scales):
    state = {"categories": ["a", "b"], "signed": True, "medians": [0.0], "scales": [1.0]}
    assert Category.of(state).state() == state
    with pytest.raises(ValueError, match="expected"):
        Category.of(state | {"medians": medians, "scales": scales})
