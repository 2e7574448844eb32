"""The preparation of tables against an oracle of plain loops, written from the definitions."""

import warnings
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

import table_oracle as oracle
from chainrule.tables.preparation import Preparation

M = 60


class PlainFrame:
    """What a frame is to the package: names, and a column for each."""

    def __init__(self, columns):
        self._columns = dict(columns)
        self.columns = list(self._columns)

    def __getitem__(self, name):
        return self._columns[name]


def with_holes(values, places):
    return [None if place in places else value for place, value in enumerate(values)]


def columns():
    """One list for each kind of column; None is missing."""
    rng = np.random.default_rng(0)
    day = datetime(2021, 11, 30, 22)
    days = [day + timedelta(hours=int(h)) for h in rng.integers(0, 5000, M)]
    return {
        "area": (rng.normal(size=M) * 1e3).tolist(),
        "rooms": with_holes(rng.integers(1, 7, M).tolist(), {3, 40}),
        "mostly one": [1.0] * (M - 5) + [3.0, 9.0, -4.0, 8.0, 2.0],
        "district": with_holes(rng.choice(["hill", "centre", "Ödland"], M).tolist(), {0}),
        "heating": rng.choice(["oil", "gas"], M).tolist(),
        "fuel, holes": with_holes(rng.choice(["oil", "gas"], M).tolist(), {9}),
        "lift": (rng.random(M) < 0.4).tolist(),
        "garden": with_holes((rng.random(M) < 0.4).tolist(), {5, 6}),
        "sold": with_holes(days, {7}),
        "built": [each.replace(month=each.month % 2 + 5, day=3) for each in days],
    }


def expected(train, asked, bins=0):
    made = []
    for name, values in train.items():
        if name in ("area", "rooms", "mostly one"):
            made.append(oracle.number(values, asked[name], bins))
        elif name in ("sold", "built"):
            made.append(oracle.date(values, asked[name], bins))
        else:
            made.append(oracle.category(values, asked[name]))
    return oracle.joined(*made)


def as_objects(table):
    return np.array([np.array(values, object) for values in table.values()]).T


def as_pandas(table):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    return pandas.DataFrame(table)


def as_categorical(table):
    frame = as_pandas(table)
    kinds = dict.fromkeys(("district", "heating", "fuel, holes", "lift"), "category")
    return frame.astype(kinds)


def as_nullable(table):
    return as_pandas(table).convert_dtypes()


def as_arrow_backed(table):
    pytest.importorskip("pyarrow", reason="pyarrow backs these columns")
    return as_pandas(table).convert_dtypes(dtype_backend="pyarrow")


def as_polars(table):
    return pytest.importorskip("polars", reason="polars makes these frames").DataFrame(table)


def as_arrow(table):
    return pytest.importorskip("pyarrow", reason="pyarrow makes these tables").table(table)


def as_dictionaries(table):
    """Text as pyarrow's dictionaries, in several chunks."""
    arrow = pytest.importorskip("pyarrow", reason="pyarrow makes these tables")
    made = as_arrow(table)
    for name in ("district", "fuel, holes"):
        at = made.column_names.index(name)
        made = made.set_column(at, name, made[name].dictionary_encode())
    return arrow.concat_tables([made[:20], made[20:]])


FORMS = {
    "lists in a stand-in": PlainFrame,
    "objects": as_objects,
    "rows": lambda table: as_objects(table).tolist(),
    "pandas": as_pandas,
    "pandas, categorical": as_categorical,
    "pandas, nullable": as_nullable,
    "pandas on pyarrow": as_arrow_backed,
    "polars": as_polars,
    "pyarrow": as_arrow,
    "pyarrow, dictionaries": as_dictionaries,
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@every_form
@pytest.mark.parametrize("bins", [0, 4])
def test_every_form_of_a_table_becomes_what_the_definitions_say(form, bins):
    table = columns()
    prep = Preparation.learn(form(table), bins=bins)
    made = prep.transform(form(table))
    assert made.dtype == np.float32
    assert made.shape == (M, prep.width)
    assert made.flags.c_contiguous
    np.testing.assert_allclose(made, expected(table, table, bins), rtol=1e-6, atol=1e-6)


@every_form
def test_other_rows_few_or_many_and_a_choice_of_them(form):
    """Few rows of a frame of pandas are read in another way."""
    table = columns()
    prep = Preparation.learn(form(table), bins=3)
    other = {name: values[::-1][:50] for name, values in table.items()}
    other["district"][:3] = ["never seen", None, "hill"]
    wanted = prep.transform(as_objects(other))
    np.testing.assert_allclose(wanted, expected(table, other, 3), rtol=1e-6, atol=1e-6)
    for rows in (slice(None), slice(0, 1), slice(1, 2), slice(9, 12)):
        some = {name: values[rows] for name, values in other.items()}
        assert prep.transform(form(some)).tobytes() == wanted[rows].tobytes()
    chosen = np.array([4, 0, 33])
    assert prep.transform(form(other), chosen).tobytes() == wanted[chosen].tobytes()


def test_what_became_of_each_column():
    prep = Preparation.learn(as_objects(columns()))
    assert [column.kind for column in prep.columns] == ["number"] * 3 + ["category"] * 5 + [
        "date"
    ] * 2
    starts = [column.where.start for column in prep.columns]
    assert starts[:8] == [0, 1, 3, 4, 7, 8, 10, 11]
    assert prep.columns[-1].where.stop == prep.width
    assert prep.names is None


def test_numbers_of_any_type_are_as_float64():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 100, (M, 3))
    wanted = Preparation.learn(X.astype(float), bins=3).transform(X.astype(float))
    for dtype in ("u1", "i2", "i8", "u8", "f2", "f4", ">f8", "O"):
        given = X.astype(dtype)
        assert Preparation.learn(given, bins=3).transform(given).tobytes() == wanted.tobytes()
    turned = np.asfortranarray(X.astype(float))
    assert Preparation.learn(turned, bins=3).transform(turned).tobytes() == wanted.tobytes()


def test_many_rows_are_as_one_by_one():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(3000, 3))
    X[rng.random(X.shape) < 0.1] = np.nan
    prep = Preparation.learn(X, bins=5)
    made = prep.transform(X)
    for row in (0, 1023, 1024, 2999):
        assert prep.transform(X[row : row + 1]).tobytes() == made[row].tobytes()


def test_outliers_however_far_are_at_most_3():
    X = np.array([[0.0], [1], [2], [3], [1e308], [-1e308], [1e155]])
    made = Preparation.learn(X[:4]).transform(X)
    assert made[4:].tolist() == [[3], [-3], [3]]


def test_a_constant_column_is_0_whatever_comes():
    X = np.array([[5.0, 0], [5, 1], [5, 2]])
    prep = Preparation.learn(X, bins=3)
    assert not prep.transform(np.array([[7.0, 1], [-1e308, 2], [np.nan, 2]]))[:, 0].any()
    prep = Preparation.learn(X * [2e307, 1])
    assert not prep.transform(np.array([[-1e308, 1], [1e308, 2]]))[:, 0].any()


def test_zones_of_time_are_read_as_utc():
    zone = timezone(timedelta(hours=9))
    dates = [datetime(2020, 3, d + 1, 3, tzinfo=zone) for d in range(20)]
    as_utc = [each.astimezone(UTC).replace(tzinfo=None) for each in dates]
    wanted = oracle.joined(oracle.date(as_utc, as_utc))
    tables = [np.array(dates, object)[:, None], np.array(as_utc, "M8[s]")[:, None]]
    tables += [as_pandas({"d": dates}), as_polars({"d": dates}), as_arrow({"d": dates})]
    for table in tables:
        made = Preparation.learn(table).transform(table)
        np.testing.assert_allclose(made, wanted, rtol=1e-6, atol=1e-6)


def test_parts_of_dates_are_counted_as_python_does():
    dates = [datetime(2021, 12, 5, 23, 59), datetime(2022, 1, 3), datetime(1969, 7, 20, 20, 17)]
    encoder = Preparation.learn(np.array(dates, object)[:, None]).columns[0].encoder
    months, weekdays, hours = (part.categories for part in encoder.parts)
    assert months == sorted(each.month for each in dates)
    assert weekdays == sorted({each.weekday() for each in dates})
    assert hours == sorted(each.hour for each in dates)


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0, 2, 1], [2, 1, 0], [0, 1, 2]])
def test_numbers_may_stand_behind_dates_and_durations(order):
    dates = [datetime(2021, 3, 1) + timedelta(days=d * d) for d in range(8)]
    columns = [
        (dates, oracle.date(dates, dates)),
        ([0.5 * k**2 for k in range(8)], oracle.number([0.5 * k**2 for k in range(8)],
                                                       [0.5 * k**2 for k in range(8)])),
        ([None, *map(float, range(7))], oracle.number([None, *range(7)], [None, *range(7)])),
    ]  # fmt: skip
    table = np.array([columns[place][0] for place in order], object).T
    expected = oracle.joined(*[columns[place][1] for place in order])
    np.testing.assert_allclose(
        Preparation.learn(table).transform(table), expected, rtol=1e-6, atol=1e-6
    )


def test_durations_are_numbers_of_days():
    hours = [0, 6, 12, 30, None, 72]
    spans = [None if h is None else timedelta(hours=h) for h in hours]
    days = [None if h is None else h / 24 for h in hours]
    wanted = oracle.joined(oracle.number(days, days))
    tables = [np.array(spans, object)[:, None], np.array(spans, "m8[ms]")[:, None]]
    for table in (*tables, as_pandas({"d": spans}), as_polars({"d": spans})):
        made = Preparation.learn(table).transform(table)
        np.testing.assert_allclose(made, wanted, rtol=1e-6, atol=1e-6)


def test_text_among_numbers_is_text():
    table = np.array([["1"], [1], [1.0], [True], ["a"], [None], [2.5], [np.nan]], object)
    prep = Preparation.learn(table)
    assert prep.columns[0].encoder.categories == ["1", "2.5", "True", "a"]
    assert prep.transform(table).argmax(axis=1).tolist() == [0, 0, 0, 2, 3, 0, 1, 0]
    assert not prep.transform(table)[[5, 7]].any()
    assert prep.transform(np.array([[1], [7]])).tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert prep.transform(np.array([[True]])).tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize("categorical", [["b"], [1], np.array([False, True, False])])
def test_numbers_are_categories_where_users_say_so(categorical):
    frame = PlainFrame({"a": [0.5, 1, 2, 4], "b": [10, 20, 20, 30], "c": [1, 2, 3, 4]})
    prep = Preparation.learn(frame, categorical=categorical)
    assert [column.kind for column in prep.columns] == ["number", "category", "number"]
    other = PlainFrame({"a": [0.5, 1, 2], "b": [20.0, np.nan, 40], "c": [1, 2, 3]})
    assert prep.transform(other)[:, 1:4].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    array = np.array([[0.5, 20, 1], [1, np.nan, 2]])
    assert prep.transform(array)[:, 1:4].tolist() == [[0, 1, 0], [0, 0, 0]]


def test_a_categorical_dtype_says_it_too_and_intervals_are_categories():
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    frame = pandas.DataFrame({"n": [3, 1, 2, 1], "x": [0.1, 0.6, 0.9, 0.2]})
    frame["n"] = frame["n"].astype(pandas.CategoricalDtype([1, 2, 3, 4]))
    frame["part"] = pandas.cut(frame["x"], [0, 0.5, 1])
    prep = Preparation.learn(frame)
    wanted = oracle.joined(
        oracle.category([3, 1, 2, 1], [3, 1, 2, 1]),
        oracle.number(*[[0.1, 0.6, 0.9, 0.2]] * 2),
        [[-1], [1], [1], [-1]],
    )
    np.testing.assert_allclose(prep.transform(frame), wanted, rtol=1e-6, atol=1e-6)
    assert prep.transform(frame[2:3]).tobytes() == prep.transform(frame)[2:3].tobytes()


def test_missing_values_of_pyarrows_dictionaries_are_missing():
    arrow = pytest.importorskip("pyarrow", reason="pyarrow makes these tables")
    table = arrow.table({"n": arrow.array([1, 2, None, 4]).dictionary_encode()})
    assert Preparation.learn(table).transform(table)[2].tolist() == [0, 0, 0]


def test_rare_categories_are_as_never_seen():
    values = ["a"] * 5 + ["b"] * 2 + ["c"] * 3
    table = np.array(values, object)[:, None]
    prep = Preparation.learn(table, least_count=3)
    wanted = oracle.joined(oracle.category(values, values, 3))
    assert prep.transform(table).tolist() == wanted.tolist()
    assert prep.width == 2


def test_indicators_can_be_left_out():
    X = np.array([[1.0], [np.nan], [3]])
    assert Preparation.learn(X).width == 2
    assert Preparation.learn(X, indicators=False).width == 1


def test_without_warnings_where_there_is_nothing_to_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prep = Preparation.learn(as_objects(columns()), bins=3)
        prep.transform(as_objects(columns()))


# ------------------------------------------------------------ against scikit-learn's


def test_numbers_are_those_of_the_robust_scaler():
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="it scales them too")
    X = np.random.default_rng(3).normal(size=(M, 4)) * [1, 10, 1e5, 1e-5]
    z = preprocessing.RobustScaler().fit_transform(X)
    made = Preparation.learn(X).transform(X)
    np.testing.assert_allclose(made, z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5, atol=1e-6)


def test_categories_are_those_of_the_one_hot_encoder():
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="it encodes them too")
    rng = np.random.default_rng(4)
    X = rng.choice(list("abcdefg"), (M, 3)).astype(object)
    hot = preprocessing.OneHotEncoder(sparse_output=False).fit_transform(X)
    np.testing.assert_array_equal(Preparation.learn(X).transform(X), hot)
