"""Tables that cannot be learned from, or are not as they were: which column, which row, and why."""

import copy
import json
import pickle
import re
import warnings
from datetime import date, time

import numpy as np
import pytest
from scipy import sparse

from chainrule.files.record import fields_of, parse, written
from chainrule.tables.categories import Category
from chainrule.tables.numbers import Number
from chainrule.tables.preparation import Preparation

M = 60


def frame(**columns):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    return pandas.DataFrame(columns)


def table(m=M):
    """One column of each kind, as objects."""
    rng = np.random.default_rng(0)
    dates = np.array("2020-01-01", "M8[D]") + rng.integers(0, 400, m)
    columns = [
        rng.normal(size=m).tolist(),
        rng.choice(["a", "b", "c"], m).tolist(),
        (rng.random(m) < 0.5).tolist(),
        dates.tolist(),
        (dates - dates.min()).tolist(),
        [*rng.choice(["x", 1, 2.5], m - 1).astype(object).tolist(), 1],
        [f"id{i}" for i in range(m)],
    ]
    return np.array([np.array(column, object) for column in columns]).T


@pytest.fixture
def prep():
    with pytest.warns(UserWarning, match="column 6 is left out"):
        return Preparation.learn(table(), bins=3)


def lists():
    column = np.empty((2, 1), object)
    column[0, 0], column[1, 0] = [1, 2], [3]
    return column


# ------------------------------------------------------------ learning


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, np.inf]], r"X must be finite; X\[0, 1\] is inf"),
        ([[1.0, "a"], [-np.inf, "b"]], r"X must be finite; X\[1, 0\] is -inf"),
        ([[1.0, 2.0]], "nothing to learn from: each column is always the same"),
        ([["a"], ["a"]], "nothing to learn from"),
        ([[None], [None]], "nothing to learn from.*column 0 is left out, since all"),
        (np.empty((0, 3)), "at least one row"),
        (np.empty((3, 0)), "no columns"),
        ([1.0, 2.0], r"must be a table \(rows, columns\); got shape \(2,\)"),
        ([[1.0, 2.0], [3.0]], "not a rectangular table"),
        ([[1e308], [-1e308]] * 2, r"column 0: its numbers, from -1e\+308 to 1e\+308"),
        ([[0.0], [5e-324]], "too near"),
    ],
)
def test_what_cannot_be_learned_from(X, message):
    with pytest.raises(ValueError, match=message):
        Preparation.learn(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[1j], [2]]), "column 0 holds complex numbers: give the real"),
        (lists(), "column 0 holds lists"),
        (np.array([[b"a"], [b"b"]]), "column 0 holds bytes: decode"),
        (np.array([[b"a"], [None]], object), "column 0 holds bytes: decode"),
        ([[time(1)], [time(2)]], "column 0 holds times of day"),
        ([["a"], [date(2020, 1, 1)]], "column 0 holds dates and text"),
        ([[object()], [object()]], "column 0 holds values of type object"),
        (sparse.csr_array(np.eye(3)), "sparse"),
        ([{"a": 1}], "make them a frame"),
        (np.ma.masked_array([[1.0], [2.0]], [[True], [False]]), "masked"),
    ],
)
def test_what_is_no_table_of_known_kinds(X, message):
    with pytest.raises(TypeError, match=message):
        Preparation.learn(X)


def test_columns_of_frames_go_by_name():
    with pytest.raises(ValueError, match=r"row 1 \(counted from 0\) of column 'b' is inf"):
        Preparation.learn(frame(a=[1, 2], b=[0, np.inf]))
    with pytest.raises(TypeError, match="column 'b' holds lists"):
        Preparation.learn(frame(a=[1, 2], b=[[1], [2]]))


@pytest.mark.parametrize(
    ("categorical", "message"),
    [
        (["nowhere"], "none called 'nowhere'"),
        ([9], "places from 0 to 1; got 9"),
        ([True], "a mask of 2 columns; got 1"),
        ("a", "'auto', or a list"),
        (3, "'auto', or a list"),
        (["b"], "column 'b' holds dates, which are no categories"),
    ],
)
def test_categorical_names_columns(categorical, message):
    X = frame(a=[1, 2], b=np.array(["2020", "2021"], "M8[s]"))
    with pytest.raises(ValueError, match=message):
        Preparation.learn(X, categorical=categorical)


def test_columns_of_no_use_are_named_in_warnings():
    m = 120
    X = frame(x=np.random.default_rng(0).normal(size=m), id=[f"i{i}" for i in range(m)],
              none=[None] * m, row=np.arange(7, m + 7))  # fmt: skip
    with pytest.warns(UserWarning, match="^X: column") as told:
        prep = Preparation.learn(X)
    said = "\n".join(str(each.message) for each in told)
    assert "column 'id' is left out, since it looks like ids or free text: 120 different" in said
    assert "column 'none' is left out, since all of it is missing" in said
    assert "column 'row' only counts the rows" in said
    assert len(told) == 3
    assert [column.kind for column in prep.columns] == ["number", "left out", "left out", "number"]
    assert prep.width == 2
    with pytest.warns(UserWarning, match="^X: column") as told:
        assert Preparation.learn(X, categorical=["id"]).width == 2 + m
    assert len(told) == 2


def test_whole_numbers_that_are_another_in_each_row_look_like_ids():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    with pytest.warns(UserWarning, match="column 'id' has another whole number in each row") as t:
        prep = Preparation.learn(frame(x=x, id=rng.choice(np.arange(5000, 5790), 200, False)))
    assert len(t) == 1
    assert [column.kind for column in prep.columns] == ["number", "number"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for plain in (
            rng.integers(0, 790, 200),
            rng.choice(10**6, 200, False),
            np.arange(40)[::-1],
        ):
            Preparation.learn(frame(x=x[: len(plain)], n=plain))


def test_fifty_different_texts_and_half_of_the_rows_are_categories():
    def kind(n, m):
        X = np.array([f"t{i % n}" for i in range(m)], object)[:, None]
        X = np.hstack([X, np.random.default_rng(0).normal(size=(m, 1)).astype(object)])
        return Preparation.learn(X).columns[0].kind

    assert kind(50, 50) == "category"
    assert kind(51, 102) == "category"
    with pytest.warns(UserWarning, match="51 different values in 101 rows"):
        assert kind(51, 101) == "left out"


@pytest.mark.parametrize("wrong", [{"bins": -1}, {"bins": 2.5}, {"least_count": 0}])
def test_counts_are_whole_numbers(wrong):
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Preparation.learn([[1.0], [2.0]], **wrong)


# ------------------------------------------------------------ prediction


def test_names_must_be_those_that_were_learned():
    X = frame(a=[1.0, 2, 3], b=["x", "y", "x"], c=[3, 1, 2])
    prep = Preparation.learn(X)
    for other, message in (
        (X[["a", "c"]], "'b' is missing: give what is missing"),
        (X.assign(d=1), "'d' is unknown"),
        (X[["c", "b", "a"]], "'c' is out of place, at 0 where 'a' belongs"),
    ):
        with pytest.raises(ValueError, match=message):
            prep.transform(other)
    with pytest.raises(ValueError, match="must have 3 columns, as it has learned; got 2"):
        prep.transform(X.to_numpy()[:, :2])
    assert prep.transform(X.to_numpy()).tobytes() == prep.transform(X).tobytes()


@pytest.mark.parametrize("m", [5, 40])
@pytest.mark.parametrize(
    ("place", "value", "holds"),
    [
        (0, "many", "numbers"),
        (0, date(2020, 1, 1), "numbers"),
        (1, 3.5, "text"),
        (1, True, "text"),
        (2, "yes", "truth values"),
        (3, 7, "dates"),
        (3, "2020-01-01", "dates"),
        (4, 7.0, "durations"),
    ],
)
def test_another_kind_than_was_learned_names_column_and_row(prep, m, place, value, holds):
    X = table()[:m]
    X[2, place], X[3, place] = None, value
    with pytest.raises(TypeError, match=re.escape(f"column {place} must hold {holds}, ")) as error:
        prep.transform(X)
    assert f"X[3, {place}] is {value!r}" in str(error.value)
    X[:, place] = value
    with pytest.raises(TypeError, match=re.escape(f"X[0, {place}] is {value!r}")):
        prep.transform(X)


def test_rows_are_those_of_the_whole_table(prep):
    X = table()
    X[7, 0] = np.inf
    prep.transform(X, np.arange(7))
    with pytest.raises(ValueError, match=r"X\[7, 0\] is inf"):
        prep.transform(X, np.array([1, 7]))
    X[7, 0] = "x"
    with pytest.raises(TypeError, match=r"X\[7, 0\] is 'x'"):
        prep.transform(X, np.array([1, 7]))


@pytest.mark.parametrize("missing", [None, np.nan, "NaT"])
def test_a_column_of_which_all_is_missing_is_of_any_kind(prep, missing):
    X = table()[:3]
    X[:, :6] = np.datetime64("NaT", "us") if missing == "NaT" else missing
    made = prep.transform(X)
    assert not made.any()


def test_what_was_left_out_is_not_looked_at(prep):
    X = table()
    wanted = prep.transform(X)
    X[:, 6] = [[1, 2]] * M
    assert prep.transform(X).tobytes() == wanted.tobytes()


def test_columns_of_one_length():
    class Uneven:
        columns = ("a", "b")

        def __getitem__(self, key):
            return np.arange(4.0) if key == "a" else np.arange(3.0)

    with pytest.raises(ValueError, match="'a' has 4 rows, column 'b' 3"):
        Preparation.learn(Uneven())


# ------------------------------------------------------------ files


def as_read(state):
    """Return a state as it comes out of a file."""
    arrays = written({"preparation": state})
    record = parse(arrays.pop("training").tobytes())
    return fields_of(record, arrays, {"preparation": dict})["preparation"]


def test_a_file_has_all_of_it(prep):
    X = table()
    for again in (Preparation.of(as_read(prep.state())), copy.deepcopy(prep),
                  pickle.loads(pickle.dumps(prep))):  # fmt: skip
        assert again.transform(X).tobytes() == prep.transform(X).tobytes()
        assert [c.where for c in again.columns] == [c.where for c in prep.columns]
    named = Preparation.learn(frame(a=[1.0, 2], b=["x", "y"]))
    assert Preparation.of(as_read(named.state())).names == ("a", "b")


def places_in(state, path=()):
    """Yield where each value of a state is, the containers too."""
    yield path
    if isinstance(state, dict | list):
        for key in state if isinstance(state, dict) else range(len(state)):
            yield from places_in(state[key], (*path, key))


WRONG = [None, True, 0, -1, 10**30, 2.5, np.nan, np.inf, [], [1, 1], [None], [np.nan], {}, {"a": 1},
         "text", "numbers", "dates", "durations", "number", "category", "date", "left out",
         np.array([-1e308, 1e308]), np.array([0.0, np.inf]),
         np.array([1.0, np.nan]), np.array([2.0, 1.0]), np.zeros((2, 2)), np.arange(3)]  # fmt: skip


def test_a_damaged_state_is_refused_or_does_no_harm(prep):
    """Whatever stands anywhere in it, and whatever is missing."""
    state = as_read({**prep.state(), "names": list("abcdefg")})
    X, refused, taken, others = table()[:3], 0, 0, 0
    for path in places_in(state):
        for wrong in (*WRONG, "missing", "twice"):
            damaged = copy.deepcopy(state)
            inside = damaged
            for key in path[:-1]:
                inside = inside[key]
            if not path:
                damaged = wrong
            elif isinstance(wrong, str) and wrong == "missing":
                del inside[path[-1]]
            elif isinstance(wrong, str) and wrong == "twice":
                if not isinstance(inside, list):
                    continue
                inside.append(copy.deepcopy(inside[path[-1]]))
            else:
                inside[path[-1]] = wrong
            try:
                other = Preparation.of(damaged)
            except ValueError:
                refused += 1
                continue
            taken += 1
            try:
                made = other.transform(X)
            except (ValueError, TypeError) as error:
                others += "must" not in str(error)
                continue
            assert made.shape == (3, other.width)
            assert np.isfinite(made).all()
    assert refused > 10 * taken > 0
    assert not others


@pytest.mark.parametrize(
    "categories", [[np.nan], [np.inf], [0, np.inf], [2, 1], [1, 1], [1, "a"], []]
)
def test_categories_are_finite_and_sorted(categories):
    with pytest.raises(ValueError, match="expected"):
        Category.of({"categories": categories, "signed": False})


@pytest.mark.parametrize("edges", [[-1e308, 1e308], [0, np.nan], [1, 1], [2, 1], [1]])
def test_edges_of_bins_grow_by_finite_steps(edges):
    state = {"median": 0.0, "scale": 1.0, "indicator": False}
    assert Number.of({**state, "edges": np.array([0.0, 1])}).width == 2
    with pytest.raises(ValueError, match="growing edges"):
        Number.of({**state, "edges": np.array(edges, float)})


def test_a_state_is_plain():
    assert json.dumps(Preparation.learn([["a", True], ["b", False], ["c", None]]).state())
