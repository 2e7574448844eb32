"""`to_onnx` of tables: their rows go into ONNX Runtime as they are, and come out as predicted."""

import json
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_onnx, to_onnx
from chainrule.convert.blueprint import blueprint_of
from chainrule.convert.onnx_file import SINGLE, write_model
from chainrule.convert.onnx_graph import Graph
from chainrule.convert.onnx_table import missing_text, write_preparation
from chainrule.tables.preparation import Preparation
from chainrule.tables.recipe import PRESETS, Recipe
from onnx_sessions import checked, said, session
from rounding_bounds import outputs_and_bounds
from table_kinds import ROWS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAT = -(2**63)
SMALL = Recipe(members=2, hidden=(6,), epochs=3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.onnx"


def microseconds(date):
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (date - EPOCH) // timedelta(microseconds=1)


def as_given(value, holds):
    """Return a value as the file takes it, by the table in the docstring of `to_onnx`.

    Here "" may be a category.
    """
    missing = value is None or value != value
    if holds == "dates":
        return NAT if missing else microseconds(value)
    if holds in ("text", "text and numbers"):
        return "no category" if missing else str(value)
    if missing:
        return np.nan
    return value / timedelta(days=1) if holds == "durations" else float(value)


def fed(preparation, rows):
    """Return rows of Python values as a tensor a column."""
    dtypes = {"dates": np.int64, "text": object, "text and numbers": object}
    return {
        column.name or f"column_{k}": np.array(
            [[as_given(row[k], column.holds)] for row in rows], dtypes.get(column.holds, float)
        )
        for k, column in enumerate(preparation.columns)
        if column.kind != "left out"
    }


def prepared(path, preparation, feeds):
    """Return what becomes of rows, (m, width)."""
    graph = Graph("preparation")
    inputs, _ = write_preparation(graph, preparation)
    graph.output(inputs, "inputs", SINGLE, ["N", preparation.width])
    write_model(path, graph.model({}))
    return said(path, feeds)["inputs"]


def rows_of(seed, m=200):
    rng = np.random.default_rng(seed)
    start = datetime(int(rng.integers(1600, 2300)), 2, 27, 23)
    words = ["red", "blue", "größe", "日本", "", "x y", "0"]
    return [
        [
            None if rng.random() < 0.1 else float(rng.normal() * 10.0 ** rng.integers(-3, 6)),
            float(rng.integers(5)),
            None if rng.random() < 0.2 else words[rng.integers(len(words))],
            bool(rng.integers(2)),
            None if rng.random() < 0.1 else bool(rng.integers(2)),
            None if rng.random() < 0.1 else start + timedelta(hours=float(rng.uniform(0, 9e4))),
            timedelta(seconds=float(rng.normal())),
            int(rng.integers(9)) if rng.random() < 0.7 else words[rng.integers(4)],
            1.7e15 + float(rng.normal()),
        ]
        for _ in range(m)
    ]


@pytest.mark.parametrize("bins", [0, 7])
@pytest.mark.parametrize("scale_categories", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_inputs_have_the_bits_of_the_preparation(path, seed, bins, scale_categories):
    rows = rows_of(seed)
    preparation = Preparation.learn(
        rows,
        categorical=[1],
        bins=bins,
        scale_categories=scale_categories,
        least_count=1 + seed % 2,
    )
    asked = rows_of(seed)[:20] + rows_of(seed + 100, 50)  # also categories that are not known
    inputs = prepared(path, preparation, fed(preparation, asked))
    np.testing.assert_array_equal(inputs, preparation.transform(asked))


def test_dates_of_eight_centuries(path):
    """Months, weekdays and hours as NumPy has them, also at the ends of months and years."""
    rng = np.random.default_rng(0)
    first, last = (np.datetime64(f"{year}-01-01", "us").astype(int) for year in (1600, 2400))
    years = np.arange("1600", "2401", dtype="M8[Y]").astype("M8[us]").astype(int)
    leaps = (np.arange("1600-03", "2400-03", 12, dtype="M8[M]")).astype("M8[us]").astype(int)
    edges = np.concatenate([years, leaps])
    micros = np.concatenate([rng.integers(first, last, 5000), edges, edges - 1, [0, -1, 1]])
    X = micros.astype("M8[us]")[:, None]
    preparation = Preparation.learn(X)
    assert preparation.width == 1 + 12 + 7 + 24
    inputs = prepared(path, preparation, {"column_0": micros[:, None]})
    np.testing.assert_array_equal(inputs, preparation.transform(X))


def test_missing_dates(path):
    X = np.array([["2020-01-31"], ["NaT"], ["2021-07-01"]], "M8[us]")
    preparation = Preparation.learn(X)
    inputs = prepared(path, preparation, {"column_0": X.astype(np.int64)})
    np.testing.assert_array_equal(inputs, preparation.transform(X))
    assert (inputs[1, preparation.of_categories] == 0).all()


def test_a_text_that_stands_for_what_is_missing():
    assert missing_text(["a", "b"]) == ""
    assert missing_text(["", "?", "b"]) == "??"


def test_a_thousand_categories(path):
    rng = np.random.default_rng(0)
    rows = [[f"c{k % 1000}", float(rng.normal())] for k in range(3000)]
    preparation = Preparation.learn(rows, categorical=[0])
    asked = [*rows[:50], ["unknown", 0.0]]
    wanted = preparation.transform(asked)
    assert not isinstance(wanted, np.ndarray)  # sparse
    inputs = prepared(path, preparation, fed(preparation, asked))
    dense = np.zeros(inputs.shape, np.float32)
    rows_of_entries = np.repeat(np.arange(len(asked)), np.diff(wanted.indptr))
    dense[rows_of_entries, wanted.indices] = wanted.data
    np.testing.assert_array_equal(inputs, dense)


# ---------------------------------------------------------------- whole models


def fitted(kind, rows, y, preset=SMALL, **options):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns left out
        return kind(preset, random_state=0, **options).fit(rows, y)


def estimators():
    sklearn = pytest.importorskip("chainrule.sklearn", reason="needs scikit-learn")
    return sklearn.TabularClassifier, sklearn.TabularRegressor


def asked(path, table, rows):
    """Write a model and ask it; return what it hands out, and its bound in float32."""
    to_onnx(table, path)
    predictor = getattr(table, "predictor_", table)
    blueprint = blueprint_of(predictor)
    inputs = predictor.preparation.transform(rows)
    return said(path, fed(predictor.preparation, rows)), outputs_and_bounds(blueprint, inputs)[1]


LABELS = {
    "text": ["nö", "so", "yes"],
    "numbers": [3, -1, 10**12],
    "truth values": [True, False],
    "floats": [1.0, 2.0],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("calibrate", [True, False])
def test_classes_of_rows(path, labels, calibrate):
    Classifier, _ = estimators()
    y = np.array(labels)[np.arange(len(ROWS)) % len(labels)]
    table = fitted(Classifier, ROWS, y, calibrate=calibrate)
    handed_out, _ = asked(path, table, ROWS)
    assert (table.predictor_.temperature == 1) != calibrate
    assert handed_out["label"].tolist() == table.predict(ROWS).tolist()
    p = table.predict_proba(ROWS)
    assert np.abs(handed_out["probabilities"] - p).max() < 2e-6


@pytest.mark.parametrize("preset", ["small", "bins", "realmlp", "float64", "half"])
def test_values_of_rows(path, preset):
    _, Regressor = estimators()
    recipe = {
        "small": SMALL,
        "bins": SMALL.of(bins=5),
        "realmlp": PRESETS["realmlp"]["values"].of(epochs=3, hidden=(8, 8)),
        "float64": SMALL.of(dtype="float64"),
        "half": SMALL.of(bins=5, bins_for="half", scale_rate=3.0, activation="mish"),
    }[preset]
    y = 1e6 + 3 * np.sin(np.arange(len(ROWS)))
    table = fitted(Regressor, ROWS, y, recipe)
    handed_out, bound = asked(path, table, ROWS)
    found = handed_out["variable"]
    assert (found.shape, found.dtype) == ((len(ROWS), 1), np.float64)
    # In float64, so that 1e6 has not taken the digits of the rest.
    assert (np.abs(found[:, 0] - table.predict(ROWS)) <= 2 * bound[:, 0] + 1e-9).all()
    assert np.abs(found[:, 0] - table.predict(ROWS)).max() < 1e-5


@pytest.mark.parametrize("levels", [[0.1, 0.5, 0.9], [0.3, 0.35], [0.5]])
def test_quantiles_of_rows(path, levels):
    _, Regressor = estimators()
    y = np.sin(np.arange(len(ROWS)) * 1.7)
    table = fitted(Regressor, ROWS, y, SMALL.of(epochs=1, members=1), quantiles=levels)
    handed_out, _ = asked(path, table, ROWS)
    quantiles = table.predict_quantiles(ROWS)
    np.testing.assert_allclose(handed_out["quantiles"], quantiles, atol=2e-6)
    np.testing.assert_allclose(handed_out["variable"][:, 0], table.predict(ROWS), atol=2e-6)
    assert (np.diff(handed_out["quantiles"]) >= 0).all()


def test_one_row_and_many(path):
    Classifier, _ = estimators()
    table = fitted(Classifier, ROWS, np.arange(len(ROWS)) % 3)
    for rows in (ROWS[3:4], ROWS * 40):
        handed_out, _ = asked(path, table, rows)
        assert (handed_out["label"] == table.predict(rows)).all()


def test_a_model_that_was_saved(path, tmp_path):
    """The file of the model, without scikit-learn, becomes the same."""
    Classifier, _ = estimators()
    table = fitted(Classifier, ROWS, np.arange(len(ROWS)) % 3)
    table.save(tmp_path / "table.npz")
    to_onnx(table, path)
    to_onnx(cr.load(tmp_path / "table.npz"), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_columns_are_inputs_by_their_names(path):
    pd = pytest.importorskip("pandas", reason="needs pandas")
    _, Regressor = estimators()
    frame = pd.DataFrame(
        {"variable": [1.0, 2.0, np.nan, 4.0] * 8, "größe m": ["a", "b", "c", None] * 8,
         "empty": [np.nan] * 32, "z": range(32)}
    )  # fmt: skip
    table = fitted(Regressor, frame, np.arange(32.0))
    to_onnx(table, path)
    asked = session(path)
    kept = [(each.name, each.type, each.shape) for each in asked.get_inputs()]
    assert kept == [
        ("variable", "tensor(double)", ["N", 1]),
        ("größe m", "tensor(string)", ["N", 1]),
        ("z", "tensor(double)", ["N", 1]),
    ]
    told = json.loads(checked(path).metadata_props[0].value)
    assert told["columns"] == [
        {"input": "variable", "holds": "numbers", "missing": "NaN"},
        {"input": "größe m", "holds": "text", "missing": ""},
        {"input": "z", "holds": "numbers", "missing": "NaN"},
    ]
    # The name is taken.
    assert [each.name for each in asked.get_outputs()] == ["variable_2"]


def test_columns_may_be_called_as_operators(path):
    """Whose tensors have their names."""
    pd = pytest.importorskip("pandas", reason="needs pandas")
    _, Regressor = estimators()
    names = ["equal", "cast", "constant", "where", "add", "gather", "concat", "isnan", "gemm"]
    frame = pd.DataFrame({each: np.arange(24.0) for each in names})
    frame.insert(0, "which", ["a", "b"] * 12)  # a category, of whose operators the first are
    table = fitted(Regressor, frame, np.arange(24.0))
    to_onnx(table, path)
    kept = [each.name for each in session(path).get_inputs()]
    assert kept == list(frame.columns)


def test_what_cannot_be_written(path):
    Classifier, _ = estimators()
    y = np.arange(30) % 2
    large = np.array([[2**53 + 1 + k % 3, k] for k in range(30)])
    table = fitted(Classifier, large, y, categorical_features=[0])
    with pytest.raises(ValueError, match="column 'column_0' has the category 9007199254740993"):
        to_onnx(table, path)
    broken = [["\ud800" if k % 3 else "b", float(k)] for k in range(30)]
    table = fitted(Classifier, broken, y)
    with pytest.raises(ValueError, match="text that UTF-8 can hold"):
        to_onnx(table, path)
    table = fitted(Classifier, ROWS, np.arange(len(ROWS)) % 2)
    with pytest.raises(ValueError, match="of a table each column has its own"):
        to_onnx(table, path, input_dtype="uint8")
    assert not path.exists()


def test_from_onnx_says_where_the_model_of_a_table_is_read(path):
    Classifier, _ = estimators()
    to_onnx(fitted(Classifier, ROWS, np.arange(len(ROWS)) % 2), path)
    with pytest.raises(ValueError, match=r"how the rows of a table become.*chainrule\.load"):
        from_onnx(path)
