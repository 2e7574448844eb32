"""Modules of JavaScript for tables: rows are prepared to the last bit as here."""

import json
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import to_js
from chainrule.convert.js_columns import trial_rows
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation
from node import ask, values

M = 60  # rows of a table
FIRST, LAST = datetime(1600, 1, 1), datetime(2400, 12, 31)


def draw_table(seed):
    """Return entries (m, n), objects, of columns of all kinds, with holes in some."""
    rng = np.random.default_rng(seed)
    span = (LAST - FIRST) // timedelta(microseconds=1)
    short = int(10.0 ** rng.uniform(9, 17))
    begin = FIRST + timedelta(microseconds=int(rng.integers(0, span - min(short, span - 1))))
    kinds = {
        "number": lambda: (rng.normal(size=M) * 10.0 ** rng.integers(-5, 9)).tolist(),
        "whole": lambda: rng.integers(-5, 50, size=M).tolist(),
        "constant": lambda: [3.0] * M,
        "truth": lambda: [bool(each) for each in rng.integers(2, size=M)],
        "text": lambda: [["red", "blue", "größe", "__proto__", "</x>"][k]
                         for k in rng.integers(5, size=M)],
        "two": lambda: [["no", "yes"][k] for k in rng.integers(2, size=M)],
        "mixed": lambda: [[1, 2.5, "none", 1e-05, 3.0, -2e-7, 1e22, True][k]
                          for k in rng.integers(8, size=M)],
        "date": lambda: [begin + timedelta(microseconds=int(each))
                         for each in rng.integers(min(short, span // 2), size=M)],
        "duration": lambda: [timedelta(seconds=float(each)) for each in rng.normal(size=M) * 1e5],
        "left out": lambda: [f"id {k}" for k in range(M)],
    }  # fmt: skip
    names = ["number", *rng.permutation([*kinds, *kinds])[: rng.integers(1, 8)]]
    table = np.empty((M, len(names)), object)
    for place, name in enumerate(names):
        table[:, place] = kinds[name]()
        if rng.integers(2):
            table[rng.random(M) < 0.2, place] = None
        if name == "mixed":
            table[0, place] = "none"  # among the rows that are learned from
    return names, table


def draw_preparation(seed, table):
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns that are left out
        return Preparation.learn(
            table[: M // 2],
            bins=int(rng.integers(2) * 4),
            indicators=bool(rng.integers(2)),
            least_count=int(rng.integers(1, 4)),
            scale_categories=bool(rng.integers(2)),
        )


def draw_predictor(seed, preparation):
    """Return a model that was never trained, for classes, a value, or quantiles."""
    rng = np.random.default_rng(seed)
    width, n_nets = preparation.width, int(rng.integers(1, 4))
    kind = ["classes", "value", "quantiles"][seed % 3]
    if kind == "classes":
        options = {"output": "softmax", "cost": "log_likelihood"}
        more = {"classes": np.array(["a", "b", "c"]), "temperature": float(rng.uniform(0.5, 2))}
    else:
        cost = "quadratic" if kind == "value" else cr.costs.quantile([0.1, 0.4, 0.9])
        options = {"output": "identity", "cost": cost}
        more = {"scale": 3.0, "shift": 100.0}
    n_out = 1 if kind == "value" else 3
    nets = [cr.Network([width, 5, n_out], hidden="relu", init="glorot", seed=seed + k, **options)
            for k in range(n_nets)]  # fmt: skip
    weights = rng.uniform(size=n_nets).tolist()
    return Predictor(preparation, cr.Ensemble(nets, weights=weights), **more)


def code(entry):
    """Return an entry as JavaScript has it; of dates every second one is a Date."""
    if isinstance(entry, datetime):
        text = json.dumps(entry.isoformat())
        is_whole = entry.microsecond % 1000 == 0 and entry.second % 2
        return f'new Date({text[:-1]}Z")' if is_whole else text
    if isinstance(entry, timedelta):
        return repr((entry / timedelta(microseconds=1)) / 86400e6)
    return json.dumps(entry)


def rows_code(table):
    return "[" + ", ".join("[" + ", ".join(map(code, row)) + "]" for row in table) + "]"


def dense(prepared):
    return prepared if isinstance(prepared, np.ndarray) else prepared.dense()


def test_random_tables_are_prepared_and_answered_as_here(tmp_path):
    questions, expected = [], []
    for seed in range(60):
        _, table = draw_table(seed)
        predictor = draw_predictor(seed, draw_preparation(seed, table))
        to_js(predictor, tmp_path / f"{seed}.mjs")
        rows = rows_code(table)
        asked = {
            "prepare": dense(predictor.preparation.transform(table)),
            "predict": predictor.predict(table),
        }
        if predictor.classes is not None:
            asked["probabilities"] = predictor.predict_proba(table)
        if predictor.levels is not None:
            asked["quantiles"] = predictor.predict_quantiles(table)
        questions.append((f"./{seed}.mjs", "m.selfTest()"))
        expected.append(("selfTest", None))
        for name, each in asked.items():
            questions.append((f"./{seed}.mjs", f"{rows}.map((row) => m.{name}(row))"))
            expected.append((name, each))
    kinds = set()
    for got, (name, wanted) in zip(values(tmp_path, questions), expected, strict=True):
        kinds.add(name)
        if name == "selfTest":
            assert 0 <= got <= 1
        elif name == "prepare":
            np.testing.assert_array_equal(np.array(got, np.float32), wanted)
            assert (np.array(got) == wanted).all()  # in float32 already
        elif wanted.dtype.kind == "U":
            assert got == wanted.tolist()
        else:
            np.testing.assert_allclose(np.array(got), wanted, rtol=1e-5, atol=2e-5)
    assert len(kinds) == 5


def test_the_rows_of_its_own_test_reach_every_kind_of_column(tmp_path):
    """Else a module could pass it whose dates are wrong."""
    _, table = draw_table(3)
    preparation = draw_preparation(3, table)
    rows, prepared = trial_rows(preparation, 8)
    assert len(rows) == 8
    for place, column in enumerate(preparation.columns):
        if column.encoder is not None:
            assert len({str(row[place]) for row in rows}) > 2
            assert any(row[place] is None for row in rows)
    assert prepared.shape == (8, preparation.width)


def test_many_categories(tmp_path):
    rng = np.random.default_rng(0)
    table = np.array([[f"c{k}", float(k % 7)] for k in rng.integers(900, size=3000)], object)
    preparation = Preparation.learn(table, categorical=[0])
    assert preparation._sparse is not None
    net = cr.Network([preparation.width, 3, 1], output="identity", seed=0)
    to_js(Predictor(preparation, cr.Ensemble([net])), tmp_path / "m.mjs")
    some = table[:20]
    (got,) = values(tmp_path, [("./m.mjs", f"{rows_code(some)}.map((row) => m.prepare(row))")])
    np.testing.assert_array_equal(got, dense(preparation.transform(some)))


# ---------------------------------------------------------------- rows by names


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A folder with the module of a table of houses, and its model."""
    pd = pytest.importorskip("pandas", reason="needs pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "area": rng.uniform(20, 200, size=80),
            "district": rng.choice(["hill", "lake", 'the "old" town'], size=80),
            "garden": rng.integers(2, size=80) == 1,
            "built": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(9000, size=80), "D"),
            "floors": np.where(rng.integers(3, size=80) == 0, "attic", rng.integers(5, size=80)),
            "empty": [None] * 80,
        }
    )
    frame["floors"] = [each if each == "attic" else int(each) for each in frame["floors"]]
    with pytest.warns(UserWarning, match="'empty' is left out"):
        preparation = Preparation.learn(frame)
    net = cr.Network([preparation.width, 6, 1], output="identity", init="glorot", seed=0)
    predictor = Predictor(preparation, cr.Ensemble([net]), scale=50.0, shift=300.0)
    folder = tmp_path_factory.mktemp("houses")
    to_js(predictor, folder / "m.mjs")
    return folder, predictor, frame


ROW = (
    '{ area: 50, district: "hill", garden: true, built: "2001-05-06", floors: 3, empty: "what", '
    "...{%s} }"
)


def test_rows_are_objects_or_arrays(houses):
    folder, predictor, frame = houses
    expected = predictor.predict(frame.iloc[:1])
    first = frame.iloc[0]
    given = {
        "area": first["area"], "district": first["district"], "garden": bool(first["garden"]),
        "built": first["built"].isoformat(), "floors": first["floors"],
    }  # fmt: skip
    text = json.dumps(given)
    found = values(
        folder,
        [
            ("./m.mjs", f"m.predict({text})"),
            ("./m.mjs", f"m.predict({{ ...{text}, empty: 7 }})"),
            ("./m.mjs", f"m.predict(m.inputs.map((name) => ({text})[name]))"),
            ("./m.mjs", f"m.predict(Object.fromEntries(Object.entries({text}).reverse()))"),
        ],
    )
    np.testing.assert_allclose(found, expected[0], rtol=1e-5)
    assert len(set(found)) == 1
    (names,) = values(folder, [("./m.mjs", "m.inputs")])
    assert names == frame.columns.tolist()


SAME = [  # two ways to say one thing
    ("area: null", "area: NaN"),
    ("area: undefined", "area: null"),
    ("area: 1", "area: true"),
    ("garden: 1", "garden: true"),
    ("garden: 0", "garden: false"),
    ("district: null", 'district: "never seen"'),
    ("floors: 3", 'floors: "3"'),
    ("floors: 3.0", 'floors: "3"'),
    ("built: null", "built: undefined"),
    ('built: "2001-05-06"', 'built: "2001-05-06T00:00Z"'),
    ('built: "2001-05-06T14:30:00.25"', 'built: "2001-05-06 14:30:00.250000+00:00"'),
    ('built: "2001-05-06T01:30+02:00"', 'built: "2001-05-05T23:30"'),
    ('built: "2001-05-05T23:30-0030"', 'built: "2001-05-06"'),
    ('built: "2001-05-06"', 'built: new Date("2001-05-06")'),
    ('built: "1600-02-29"', "built: new Date(Date.UTC(1600, 1, 29))"),
    ('built: "2001-05-06T00:00:00.123456789"', 'built: "2001-05-06T00:00:00.123456"'),
]


def test_there_are_two_ways_to_say_it(houses):
    questions = [("./m.mjs", f"m.prepare({ROW % each})") for pair in SAME for each in pair]
    found = values(houses[0], questions)
    for pair, one, other in zip(SAME, found[::2], found[1::2], strict=True):
        assert one == other, pair


def test_other_rows_become_other_numbers(houses):
    entries = ["", "area: 51", "area: null", "garden: false", "garden: null", "floors: 4",
               'district: "lake"', "district: null", 'built: "2001-05-07"', 'built: "2001-06-06"',
               "built: null", 'built: "2001-05-06T12:00"']  # fmt: skip
    found = values(houses[0], [("./m.mjs", f"m.prepare({ROW % each})") for each in entries])
    assert len(set(map(tuple, found))) == len(entries)


REFUSED = [
    ('area: "50"', 'column "area" must hold finite numbers or truth values; got "50"'),
    ("area: Infinity", 'column "area" must hold finite numbers or truth values; got Infinity'),
    ("area: 5n", 'column "area" must hold finite numbers or truth values; got 5'),
    ("area: {}", 'column "area" must hold finite numbers or truth values; got an object'),
    ('garden: "yes"', 'column "garden" must hold finite numbers or truth values; got "yes"'),
    ("district: 5", 'column "district" must hold text; got 5'),
    ("floors: -Infinity", 'column "floors" must hold text or finite numbers; got -Infinity'),
    ("floors: []", 'column "floors" must hold text or finite numbers; got an array of 0'),
    ("built: 5", 'column "built" must hold dates: a Date, or text such as "2024-03-01T12:30"; g'),
    ('built: "2001-02-29"', 'column "built" must hold dates'),
    ('built: "2001-13-01"', 'column "built" must hold dates'),
    ('built: "2001-12-01T24:00"', 'column "built" must hold dates'),
    ('built: "5 May"', 'column "built" must hold dates'),
    ('built: new Date("nonsense")', 'column "built" must hold dates: a Date, or text such as "202'),
    ("aera: 5", 'there is no column "aera"; there are area, district, garden'),
    ("__proto__: 5, toString: 1", 'there is no column "toString"'),
]


def test_what_a_column_does_not_hold_is_refused(houses):
    for name in ("predict", "prepare"):
        questions = [("./m.mjs", f"m.{name}({ROW % entry})") for entry, _ in REFUSED]
        for (_, error), (_, message) in zip(ask(houses[0], questions), REFUSED, strict=True):
            assert error.startswith(f"TypeError: {message}")


NO_ROWS = [
    ("null", "expected an object by the names of the columns, or an array; got null"),
    ("5", "expected an object by the names of the columns, or an array; got 5"),
    ('"hill"', 'expected an object by the names of the columns, or an array; got "hill"'),
    ("[1, 2]", "expected a row of 6 entries; got 2"),
    ("{}", 'column "area" is missing; write null where it is not known'),
    ("Object.create({ area: 1 })", 'column "area" is missing'),
]


def test_what_is_no_row_is_refused(houses):
    questions = [("./m.mjs", f"m.predict({row})") for row, _ in NO_ROWS]
    for (_, error), (_, message) in zip(ask(houses[0], questions), NO_ROWS, strict=True):
        assert error.startswith(f"TypeError: {message}")


def test_columns_without_names_are_an_array(tmp_path):
    table = np.random.default_rng(0).normal(size=(30, 2))
    preparation = Preparation.learn(table)
    net = cr.Network([preparation.width, 1], output="identity", seed=0)
    to_js(Predictor(preparation, cr.Ensemble([net])), tmp_path / "m.mjs")
    (first, second) = ask(tmp_path, [("./m.mjs", "m.predict({ 0: 1, 1: 2 })"),
                                     ("./m.mjs", "m.predict([1, '2'])")])  # fmt: skip
    assert first[1] == "TypeError: expected an array; got an object"
    assert second[1].startswith("TypeError: column 1 must hold finite numbers")


def test_whole_numbers_that_javascript_does_not_know_are_refused(tmp_path):
    table = np.array([[2**53, 1], [2**53 + 1, 2]] * 5)
    net_of = Preparation.learn(table, categorical=[0])
    net = cr.Network([net_of.width, 1], output="identity", seed=0)
    with pytest.raises(ValueError, match=r"numbers up to 2\*\*53.*got 9007199254740993"):
        to_js(Predictor(net_of, cr.Ensemble([net])), tmp_path / "m.mjs")


def test_dates_of_eight_centuries(tmp_path):
    """Each first and last of a month, each hour: against Python's own calendar."""
    dates = [datetime(year, month, 1, 13) + timedelta(days=days, microseconds=7)
             for year in range(1600, 2401, 25) for month in range(1, 13) for days in (-1, 0)
             ]  # fmt: skip
    table = np.array([[each] for each in dates], object)
    preparation = Preparation.learn(table)
    net = cr.Network([preparation.width, 1], output="identity", seed=0)
    to_js(Predictor(preparation, cr.Ensemble([net])), tmp_path / "m.mjs")
    (got,) = values(tmp_path, [("./m.mjs", f"{rows_code(table)}.map((row) => m.prepare(row))")])
    np.testing.assert_array_equal(got, preparation.transform(table))
    months = np.array(got)[:, 1:13].argmax(axis=1) + 1
    assert months.tolist() == [each.month for each in dates]
    assert datetime(1970, 1, 1, tzinfo=UTC).weekday() == 3
