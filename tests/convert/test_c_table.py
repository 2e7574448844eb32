"""Models of tables as C: rows are prepared to the last bit, and classes and values are theirs."""

import ctypes
import re
from datetime import datetime, timedelta

import numpy as np
import pytest

import c_oracle
import chainrule as cr
from c_programs import C99, WARNINGS, compiler, library, run, same_bits
from chainrule.convert import to_c
from chainrule.convert.blueprint import blueprint_of
from chainrule.convert.c.names import names_of
from chainrule.tables.categories import Category
from chainrule.tables.dates import Date
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation

NO_DATE = -(2**63)


def table(seed, m=60):
    """Rows of all kinds of columns, with holes, and rows with all that was never seen."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.normal(size=m) * 10.0 ** rng.integers(-3, 6),
        rng.integers(0, 7, m).astype(float),
        np.array(["red", "blue", 'größe "x"', "a\\b", "??/"], object)[rng.integers(5, size=m)],
        rng.random(m) < 0.4,
        np.array(["yes", "no"], object)[rng.integers(2, size=m)],
        [datetime(1899, 12, 31) + timedelta(hours=int(h)) for h in rng.integers(0, 2_000_000, m)],
        [timedelta(minutes=int(each)) for each in rng.integers(-9999, 9999, m)],
        np.array([3, 1, "one", 2.5], object)[rng.integers(4, size=m)],
        [None] * m,
    ]
    X = np.empty((m, len(columns)), object)
    for place, column in enumerate(columns):
        X[:, place] = column
    holes = rng.random((m, len(columns))) < 0.1
    holes[0] = False
    X[holes] = None
    unseen = [1e300, 99.0, "green", None, "maybe", datetime(2999, 2, 28, 23), timedelta(days=9e5),
              "two", None]  # fmt: skip
    leap = [-1e-300, None, None, True, None, datetime(2000, 2, 29), timedelta(0), "1", None]
    more = np.empty((2, len(columns)), object)
    more[0], more[1] = unseen, leap
    return X, np.concatenate([X, more])


OPTIONS = [
    {},
    {"bins": 6},
    {"categorical": [1], "indicators": False},
    {"categorical": [1], "scale_categories": True, "bins": 3},
    {"least_count": 10},
]
KINDS = ["classes", "tempered", "values", "quantiles"]


def predictor(seed):
    """A table's model of random weights, which nobody trained."""
    X, more = table(seed)
    with pytest.warns(UserWarning, match="left out"):
        preparation = Preparation.learn(X, **OPTIONS[seed % len(OPTIONS)])
    kind = KINDS[seed // len(OPTIONS) % len(KINDS)]
    options = {"output": "softmax", "cost": "log_likelihood"}
    n_out, given = 3, {"classes": np.array(["no", "perhaps", "yes"])}
    if kind == "tempered":
        given["temperature"] = 1.7 if seed % 2 else 0.6
    if kind in ("values", "quantiles"):
        levels = [0.1, 0.5, 0.9]
        cost = cr.costs.quantile(levels) if kind == "quantiles" else "quadratic"
        n_out, options = (3 if kind == "quantiles" else 1), {"output": "identity", "cost": cost}
        given = {"scale": 2.5, "shift": -7.0}
    nets = [cr.Network([preparation.width, 6, n_out], hidden="mish", seed=seed + k, **options)
            for k in range(1 + seed % 3)]  # fmt: skip
    weights = np.arange(1.0, 1 + len(nets))
    return Predictor(preparation, cr.Ensemble(nets, weights), **given), more


def row_type(preparation):
    """The struct of a C file, and how a value becomes a field of it."""
    columns = [(place, each) for place, each in enumerate(preparation.columns) if each.encoder]
    names = names_of([each.name or f"column_{place}" for place, each in columns])
    fields = []
    for name, (_, column) in zip(names, columns, strict=True):
        kind = ctypes.c_double
        if isinstance(column.encoder, Date):
            kind = ctypes.c_int64
        elif isinstance(column.encoder, Category) and column.encoder.are_text:
            kind = ctypes.c_int32
        fields.append((name, kind))
    struct = type("Row", (ctypes.Structure,), {"_fields_": fields})

    def filled(row):
        values = [field_of(column.encoder, row[place]) for place, column in columns]
        return struct(*values)

    return filled


def field_of(encoder, value):
    if isinstance(encoder, Date):
        return NO_DATE if value is None else int(np.datetime64(value, "us").astype(np.int64))
    if isinstance(encoder, Category) and encoder.are_text:
        text = value if value is None or isinstance(value, str) else f"{value:g}"
        return encoder.categories.index(text) if text in encoder.categories else -1
    if isinstance(value, timedelta):
        return np.timedelta64(value, "us") / np.timedelta64(1, "D")
    return np.nan if value is None else float(value)


def test_rows_of_all_kinds(tmp_path):
    seeds = range(20)
    made = [predictor(seed) for seed in seeds]
    reports = [to_c(each, tmp_path / f"table{seed}.c", data=X, dtype=dtype_of(seed))
               for seed, (each, X) in zip(seeds, made, strict=True)]  # fmt: skip
    lib = library(tmp_path, [tmp_path / f"table{seed}.c" for seed in seeds], "-O0", "-lm")
    for seed, (each, X), report in zip(seeds, made, reports, strict=True):
        blueprint, filled = blueprint_of(each), row_type(each.preparation)
        got = np.empty((len(X), blueprint.n_out), dtype_of(seed))
        for row, into in zip(X, got, strict=True):
            given = filled(row)
            function = getattr(lib, f"table{seed}_feedforward")
            function(ctypes.byref(given), ctypes.c_void_p(into.ctypes.data))
            if each.classes is not None:
                place = getattr(lib, f"table{seed}_predict")(ctypes.byref(given))
                assert each.classes[place] == each.predict(row[None])[0]
        prepared = each.preparation.transform(X)
        same_bits(got, c_oracle.outputs(blueprint, prepared, dtype_of(seed)))
        said = expected(each, X)
        assert np.abs(got - said).max() == report.worst <= report.bound < 1e-2


def dtype_of(seed):
    return np.dtype("float64" if seed % 7 == 0 else "float32")


def expected(predictor, X):
    if predictor.classes is not None:
        return predictor.predict_proba(X)
    if predictor.levels is not None:
        return predictor.predict_quantiles(X)
    return predictor.predict(X)[:, None]


@pytest.mark.parametrize(("cc", "flags"), [
    ("gcc", C99), ("clang", C99), ("g++", ["-std=c++17", "-x", "c++", *C99[1:]]),
])  # fmt: skip
def test_the_self_test(tmp_path, cc, flags):
    compiler(cc)
    for seed in (0, 8, 13, 17):
        path = tmp_path / f"table{seed}.c"
        to_c(predictor(seed)[0], path)
        run(cc, *flags, "-DSELF_TEST", "-o", tmp_path / "program", path, "-lm")
        run(tmp_path / "program")


def test_the_header_names_columns_and_categories(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import TabularClassifier
    from chainrule.tables.recipe import Recipe

    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"island */": rng.choice(["Torgersen", "Biscoe", "größe"], 90), "double": rng.random(90),
         "Double": rng.random(90), "2nd": rng.random(90) > 0.5, "sex?": rng.random(90)}
    )  # fmt: skip
    y = np.where(frame["double"] > 0.5, "big", "small")
    recipe = Recipe(members=2, hidden=(4,), epochs=2)
    estimator = TabularClassifier(recipe, random_state=0, calibrate=True).fit(frame, y)
    report = to_c(estimator, tmp_path / "penguins.c", data=frame)
    text = (tmp_path / "penguins.h").read_text()
    for line in [
        "int32_t island; /* island * /: place in penguins_island_names; -1 for none of them */",
        "double double_; /* double: number; NAN where missing */",
        "double Double; /* number; NAN where missing */",
        "double c_2nd; /* 2nd: one of 0, 1; NAN where missing */",
        "extern const char *const penguins_island_names[3];",
        "int penguins_predict(const struct penguins_row *row);",
    ]:
        assert line in text
    assert report.worst < 1e-5
    lib = library(tmp_path, [tmp_path / "penguins.c"], "-O1", "-lm")
    names = (ctypes.c_char_p * 3).in_dll(lib, "penguins_island_names")
    assert [each.decode() for each in names] == ["Biscoe", "Torgersen", "größe"]


def named(columns):
    """Return a model of random weights, of a table with these columns."""
    preparation = Preparation.learn(pandas_frame(columns))
    net = cr.Network([preparation.width, 3, 1], output="identity", seed=0)
    return Predictor(preparation, cr.Ensemble([net]))


def pandas_frame(columns):
    return pytest.importorskip("pandas", reason="needs pandas").DataFrame(columns)


MACROS = r"^#define (?!_)(\w+) "
HEADERS = "".join(f"#include <{each}.h>\n" for each in ("math", "stddef", "stdint", "string"))


@pytest.mark.parametrize(("cc", "flags"), [
    ("gcc", ["-std=gnu99"]), ("clang", ["-std=gnu99"]), ("g++", ["-std=gnu++17", "-x", "c++"]),
])  # fmt: skip
def test_columns_may_be_called_as_what_headers_define(tmp_path, cc, flags):
    (tmp_path / "headers.c").write_text(HEADERS)
    macros = run(compiler(cc), *flags, "-dM", "-E", tmp_path / "headers.c")
    names = [*re.findall(MACROS, macros, re.MULTILINE), "int64_t", "int32_t", "size_t", "RESTRICT"]
    assert {"NAN", "INT64_MIN", "linux"} <= set(names)
    X = np.random.default_rng(0).normal(size=(20, len(names)))
    X[:, names.index("int64_t")] //= 1
    columns = dict(zip(names, X.T, strict=True))
    columns["size_t"] = np.array(["a", "b"] * 10, object)
    columns["int32_t"] = np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]")
    to_c(named(columns), tmp_path / "t.c")
    run(cc, *flags, *WARNINGS, "-DSELF_TEST", "-o", tmp_path / "t", tmp_path / "t.c", "-lm")
    run(tmp_path / "t")


def test_columns_may_be_called_as_the_macros_of_the_file(tmp_path):
    rng = np.random.default_rng(0)
    macros = ["T_H", "T_N_OUT", "T_N_CLASSES", "T_MIDDLE", "c_T_H"]
    to_c(named({each: rng.normal(size=20) for each in macros}), tmp_path / "t.c")
    run(compiler("gcc"), *C99, "-DSELF_TEST", "-o", tmp_path / "t", tmp_path / "t.c", "-lm")
    run(tmp_path / "t")


def test_columns_may_be_called_as_the_parts_of_dates(tmp_path):
    days = np.arange("2024-01-01", "2025-01-01", 9, dtype="datetime64[D]").astype("datetime64[h]")
    hours = np.arange(len(days))
    columns = {"date": days + hours % 24, "date_month": hours % 3 > 0, "date_hour": hours % 5 > 1}
    to_c(named(columns), tmp_path / "t.c")
    run(compiler("gcc"), *C99, "-DSELF_TEST", "-o", tmp_path / "t", tmp_path / "t.c", "-lm")
    run(tmp_path / "t")


def test_tables_have_no_gradient(tmp_path):
    model, _ = predictor(0)
    for options in ({"gradient": True}, {"train": True}):
        with pytest.raises(ValueError, match="table"):
            to_c(model, tmp_path / "table.c", **options)
    assert not list(tmp_path.iterdir())


def test_whole_numbers_for_a_table(tmp_path):
    X, more = table(0)
    with pytest.warns(UserWarning, match="left out"):
        preparation = Preparation.learn(X)
    net = cr.Network([preparation.width, 8, 2], output="softmax", cost="log_likelihood", seed=0)
    model = Predictor(preparation, cr.Ensemble([net]), classes=np.array(["a", "b"]))
    report = to_c(model, tmp_path / "table.c", fixed_point="int16", data=more)
    assert report.worst < 1e-3
    run(compiler("gcc"), *C99, "-DSELF_TEST", "-o", tmp_path / "t", tmp_path / "table.c", "-lm")
    run(tmp_path / "t")


def test_codes_beyond_a_double_are_refused(tmp_path):
    big = [2**60, 2**60 + 1]
    X = np.array([[big[i % 2], i % 3] for i in range(30)])
    preparation = Preparation.learn(X, categorical=[0])
    net = cr.Network([preparation.width, 2], output="softmax", cost="log_likelihood", seed=0)
    model = Predictor(preparation, cr.Ensemble([net]), classes=np.array(["a", "b"]))
    with pytest.raises(ValueError, match=r"categories beyond 2\*\*53"):
        to_c(model, tmp_path / "table.c")
