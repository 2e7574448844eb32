"""What is to be predicted: labels of any kind, and numbers; what is missing is named by its row."""

import numpy as np
import pytest

from chainrule.tables.targets import classes_of, values_of
from refusals import table

LABELS = {
    "text": np.array(["no", "yes", "no", "maybe"]),
    "objects": np.array(["no", "yes", "no", "maybe"], object),
    "booleans": np.array([True, False, True, True]),
    "integers": np.array([7, -3, 7, 100]),
    "floats": np.array([2.0, 1.0, 1.0, 0.5]),
    "dates": np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2021-01-01"], "datetime64[D]"),
    "a list": ["no", "yes", "no", "maybe"],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(kind):
    y = LABELS[kind]
    targets = classes_of(y)
    assert targets.y.dtype == np.int32
    assert np.array_equal(targets.classes[targets.y], np.asarray(y))
    assert np.array_equal(targets.classes, np.unique(y))
    assert targets.classes.dtype == np.asarray(y).dtype
    assert targets.task == "classes"


def test_values_are_standardised():
    y = np.array([1e9 + 1, 1e9 + 2, 1e9 + 6])
    targets = values_of(y)
    assert targets.task == "values"
    assert targets.y.dtype == np.float32
    np.testing.assert_allclose(targets.y, (y - y.mean()) / y.std(), rtol=1e-6)
    np.testing.assert_allclose(
        targets.y.astype(float) * targets.scale + targets.shift, y, rtol=1e-12
    )
    always = values_of([3, 3, 3])
    assert (always.y.tolist(), always.scale, always.shift) == ([0, 0, 0], 1.0, 3.0)
    assert values_of([True, False]).shift == 0.5


FRAMES = ["pandas", "polars", "pyarrow"]


@pytest.mark.parametrize("package", FRAMES)
def test_series(package):
    made = pytest.importorskip(package)
    series = {"pandas": "Series", "polars": "Series", "pyarrow": "array"}[package]
    column = getattr(made, series)
    assert classes_of(column(["b", "a", "b"])).y.tolist() == [1, 0, 1]
    assert values_of(column([1, 2, 6])).shift == 3
    with pytest.raises(ValueError, match=r"y\[1\] is (None|nan), and 1 of 3 are missing"):
        classes_of(column(["b", None, "b"]))
    with pytest.raises(ValueError, match=r"y\[2\] is nan|y\[2\] is None"):
        values_of(column([1.0, 2.0, None]))


@table(
    {
        "one class": (["a", "a"], ValueError, ["two classes or more", "1 class, 'a', in all of 2"]),
        "None": (["a", None, "b"], ValueError, ["y[1] is None", "1 of 3 are missing"]),
        "NaN": ([1.0, 2.0, np.nan, np.nan], ValueError, ["y[2] is nan", "2 of 4 are missing"]),
        "no date": (np.array(["2020", "NaT"], "M8[D]"), ValueError, ["y[1] is NaT"]),
        "kinds": (np.array([1, "a"], object), TypeError, ["one kind", "int and str"]),
        "two columns": (np.eye(2), ValueError, ["(m,); got shape (2, 2)"]),
        "none": ([], ValueError, ["n_samples = 0"]),
    }
)
def test_what_are_no_classes(given, exception, fragments):
    with pytest.raises(exception) as error:
        classes_of(given)
    assert all(each in str(error.value) for each in fragments)


@table(
    {
        "NaN": ([1.0, np.nan], ValueError, ["y[1] is nan", "1 of 2"]),
        "infinity": ([1.0, 2.0, -np.inf], ValueError, ["finite", "y[2] is -inf"]),
        "text": (["1", "a"], ValueError, ["y must hold numbers; y[1] is 'a'"]),
        "dates": (
            np.array(["2020", "2021"], "M8[D]"),
            TypeError,
            ["numbers; got dates: make"],
        ),
        "durations": (np.array([1, 2], "m8[D]"), TypeError, ["got durations"]),
        "a column": (np.ones((2, 1)), ValueError, ["got shape (2, 1)"]),
    }
)
def test_what_are_no_values(given, exception, fragments):
    with pytest.raises(exception) as error:
        values_of(given)
    assert all(each in str(error.value) for each in fragments)
