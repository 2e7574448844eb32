"""`chainrule predict` and `evaluate`: from a model and a table to answers."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.command import reading
from children import bytes_taken
from tables_in_files import FAST, PENGUINS, figures, rows_of, run, write

pandas = pytest.importorskip("pandas", reason="the command line reads tables by pandas")
pytest.importorskip("sklearn", reason="estimators of tables need scikit-learn")
import chainrule.sklearn as crs  # noqa: E402
from sklearn import metrics  # noqa: E402

# ---------------------------------------------------------------- predict


@pytest.mark.parametrize("rows", [1, 7, 10**6])
def test_rows_keep_their_order_however_the_pieces_are_cut(
    rows, sex, here, capsysbinary, monkeypatch
):
    monkeypatch.setattr(reading, "ROWS", rows)
    out = run(capsysbinary, "predict", sex, PENGUINS, "--proba", "--keep", "year", "bill_length_mm")
    frame = pandas.read_csv(PENGUINS)
    X = frame.drop(columns="sex")
    model = cr.load(sex)
    found = rows_of(out)
    assert [each["prediction"] for each in found] == model.predict(X).tolist()
    p = np.array([[each["probability_female"], each["probability_male"]] for each in found])
    np.testing.assert_allclose(p.astype(np.float32), model.predict_proba(X), rtol=2e-6)
    # What is kept stands there as it stood in the file: 39.1, and 35 where it says so.
    given = rows_of(PENGUINS.read_text())
    for name in ("year", "bill_length_mm"):
        assert [each[name] for each in found] == [each[name] for each in given]


def test_values_to_the_last_bit_and_columns_in_any_order(mass, here, capsysbinary):
    frame = pandas.read_csv(PENGUINS)
    frame[sorted(frame)].to_csv("sorted.csv", index=False)
    out = run(capsysbinary, "predict", mass, "sorted.csv", "-o", "said.csv")
    assert out == ""
    said = [float(each["prediction"]) for each in rows_of(Path("said.csv").read_text())]
    expected = cr.load(mass).predict(frame.drop(columns="body_mass_g"))
    np.testing.assert_array_equal(said, expected)


def test_text_that_looks_like_numbers_stays_text(here, capsysbinary):
    """In a piece that holds nothing but 007, too."""
    codes = ["007", "012", "A1"]
    write(
        here / "t.csv", "code,y\n" + "".join(f"{codes[k % 3]},{'xyz'[k % 3]}\n" for k in range(90))
    )
    run(capsysbinary, "train", "t.csv", "--target", "y", "-o", "m.npz", *FAST)
    write(here / "new.csv", "code\n007\n012\n007\n")
    out = run(capsysbinary, "predict", "m.npz", "new.csv", "--keep", "code")
    assert out == "code,prediction\n007,x\n012,y\n007,x\n"


def test_stdin(sex, here, capsysbinary, monkeypatch):
    content = PENGUINS.read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    from_stdin = run(capsysbinary, "predict", sex, "-")
    assert from_stdin == run(capsysbinary, "predict", sex, PENGUINS)


LAYOUTS = {
    "separated by tabs": ("t.tsv", lambda s: s.replace(",", "\t"), []),
    "separated by ;": ("t.csv", lambda s: s.replace(",", ";"), []),
    "with decimal commas": (
        "t.csv", lambda s: s.replace(",", ";").replace(".", ","), ["--decimal", ","],
    ),
    "separated by what is said": ("t.csv", lambda s: s.replace(",", "^"), ["--separator", "^"]),
    "with a mark of UTF-8": ("t.csv", lambda s: "\ufeff" + s, []),
    "with lines of Windows": ("t.csv", lambda s: s.replace("\n", "\r\n"), []),
    "without an end": ("t.csv", lambda s: s.rstrip("\n"), []),
    "with empty lines": ("t.csv", lambda s: s.replace("\n", "\n\n"), []),
    "all in quotes": ("t.csv", lambda s: re.sub(r"[^,\n]+", r'"\g<0>"', s), []),
}  # fmt: skip


@pytest.mark.parametrize("how", LAYOUTS)
def test_files_however_they_are_written(how, sex, here, capsysbinary):
    name, change, options = LAYOUTS[how]
    write(here / name, change(PENGUINS.read_text()))
    out = run(capsysbinary, "predict", sex, name, *options)
    assert out == run(capsysbinary, "predict", sex, PENGUINS)


def test_quotes_separators_and_line_ends_within_fields(here, capsysbinary):
    words = ["a,b", 'say "hello"', "two\nlines", "größe"]
    frame = pandas.DataFrame({"x,1": words * 20, "y": [0, 1, 2, 3] * 20})
    frame.to_csv("t.csv", index=False)
    run(capsysbinary, "train", "t.csv", "--target", "y", "-o", "m.npz", *FAST)
    out = run(capsysbinary, "predict", "m.npz", "t.csv", "--keep", "x,1")
    assert [each["x,1"] for each in rows_of(out)] == words * 20
    assert [each["prediction"] for each in rows_of(out)] == [*"0123"] * 20
    frame.to_csv("l.csv", index=False, encoding="latin-1")
    assert run(capsysbinary, "predict", "m.npz", "l.csv", "--encoding", "latin-1") == run(
        capsysbinary, "predict", "m.npz", "t.csv"
    )


def test_parquet(sex, here, capsysbinary):
    pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow")
    frame = pandas.read_csv(PENGUINS)
    frame.to_parquet("t.parquet", row_group_size=50)
    frame.set_index("year").to_parquet("indexed.parquet")  # the index is a column, too
    expected = run(capsysbinary, "predict", sex, PENGUINS, "--keep", "island")
    for name in ("t.parquet", "indexed.parquet"):
        assert run(capsysbinary, "predict", sex, name, "--keep", "island") == expected
    run(
        capsysbinary,
        "train",
        "t.parquet",
        "--target",
        "sex",
        "-o",
        "m.npz",
        *FAST,
        "--threads",
        "1",
    )
    np.testing.assert_array_equal(
        cr.load("m.npz").ensemble[0].parameters, cr.load(sex).ensemble[0].parameters
    )
    told = run(capsysbinary, "evaluate", sex, "t.parquet")
    assert told == run(capsysbinary, "evaluate", sex, PENGUINS)
    write(here / "cut.parquet", (here / "t.parquet").read_bytes()[:-100])
    assert main(["predict", str(sex), "cut.parquet"]) == 2
    assert b"damaged Parquet file" in capsysbinary.readouterr().err


def test_a_file_much_larger_than_a_piece_takes_no_more_memory(here):
    """15 pieces: 40 MB of text, and 40 MB of numbers, of which a piece has 2.6 MB each."""
    net = cr.Network([20, 4, 1], seed=0)
    net.save("net.npz")
    rng = np.random.default_rng(0)
    lines = "\n".join(",".join(f"{x:.5f}" for x in row) for row in rng.normal(size=(4096, 20)))
    header = ",".join(f"x{k}" for k in range(20))
    with open("large.csv", "w") as file:
        file.write(f"{header}\n")
        for _ in range(60):
            file.write(f"{lines}\n")
    with open("small.csv", "w") as file:
        file.write(f"{header}\n")
        for _ in range(9):
            file.write(f"{lines}\n")
    taken = bytes_taken(
        """
        from chainrule.__main__ import main
        main(["predict", "net.npz", "small.csv", "-o", "small-out.csv"])
        begin = peak(anew=True)
        assert main(["predict", "net.npz", "large.csv", "-o", "out.csv"]) == 0
        print(peak() - begin)
        """
    )
    with open("out.csv") as file:
        assert sum(1 for _ in file) == 1 + 60 * 4096
    assert taken < 40e6  # 20 MB; more than 200 without pieces


# ---------------------------------------------------------------- evaluate


@pytest.mark.parametrize("rows", [11, 10**6])
def test_figures_are_those_of_scikit_learn(rows, sex, mass, here, capsysbinary, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", rows)
    frame = pandas.read_csv(PENGUINS)
    known = frame.dropna(subset="sex")
    model = cr.load(sex)
    p = model.predict_proba(known.drop(columns="sex"))
    said = model.predict(known.drop(columns="sex"))
    out = run(capsysbinary, "evaluate", sex, PENGUINS)
    told = figures(out)
    assert "rows without a target, left out: 11" in out
    assert told["accuracy"] == pytest.approx(metrics.accuracy_score(known["sex"], said), abs=1e-4)
    assert told["log loss"] == pytest.approx(metrics.log_loss(known["sex"], p), abs=1e-4)
    table = re.findall(r"^(?:fe)?male +(\d+) +(\d+)$", out, re.M)
    confusion = metrics.confusion_matrix(known["sex"], said)
    np.testing.assert_array_equal(np.array(table, int), confusion)

    known = frame.dropna(subset="body_mass_g")
    said = cr.load(mass).predict(known.drop(columns="body_mass_g"))
    y = known["body_mass_g"]
    told = figures(run(capsysbinary, "evaluate", mass, PENGUINS))
    assert told["RMSE"] == pytest.approx(metrics.root_mean_squared_error(y, said), rel=1e-5)
    assert told["MAE"] == pytest.approx(metrics.mean_absolute_error(y, said), rel=1e-5)
    assert told["R²"] == pytest.approx(metrics.r2_score(y, said), abs=1e-4)


@pytest.mark.parametrize("labels", ["True,False", "1,2,3", "007,A,010"])
def test_labels_of_any_kind(labels, here, capsysbinary):
    """As they stand in the file, so they are compared and written."""
    values = labels.split(",")
    k = len(values)
    rows = [(i % k * 10 + i % 3, values[i % k]) for i in range(120)]
    write("t.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows) + "5,\n")
    run(capsysbinary, "train", "t.csv", "--target", "y", "-o", "m.npz", *FAST, "--task", "classes")
    found = rows_of(run(capsysbinary, "predict", "m.npz", "t.csv"))
    assert [each["prediction"] for each in found[:-1]] == [y for _, y in rows]
    out = run(capsysbinary, "evaluate", "m.npz", "t.csv")
    assert "rows without a target, left out: 1\naccuracy  100.00%  (120 of 120" in out


def test_a_class_that_was_not_learned_is_wrong_and_told(sex, here, capsysbinary):
    frame = pandas.read_csv(PENGUINS).dropna(subset="sex")
    frame.loc[frame.index[:3], "sex"] = "unknown"
    frame.to_csv("t.csv", index=False)
    out = run(capsysbinary, "evaluate", sex, "t.csv")
    assert "rows of a class that was not learned, so wrong: 3" in out
    right = (cr.load(sex).predict(frame.drop(columns="sex")) == frame["sex"]).mean()
    assert figures(out)["accuracy"] == pytest.approx(right, abs=1e-4)


def test_another_column_may_be_the_target(sex, here, capsysbinary):
    pandas.read_csv(PENGUINS).rename(columns={"sex": "gender"}).to_csv("t.csv", index=False)
    assert main(["evaluate", str(sex), "t.csv"]) == 2
    assert b"there is no column 'sex' to compare with" in capsysbinary.readouterr().err
    assert "accuracy" in run(capsysbinary, "evaluate", sex, "t.csv", "--target", "gender")


# ---------------------------------------------------------------- models of other kinds


def make(kind, X, y):
    options = {"epochs": 3, "seed": 0} if kind != "ensemble" else {"epochs": 3}
    if kind == "network":
        net = cr.Network([3, 5, 2], task="classification", seed=0)
        net.fit(X, y, epochs=3)
        return net
    if kind == "one output":
        net = cr.Network([3, 5, 1], task="classification", seed=0)
        net.fit(X, y, epochs=3)
        return net
    if kind == "ensemble":
        nets = cr.Ensemble([cr.Network([3, 5, 2], task="classification", seed=k) for k in (0, 1)])
        nets.fit(X, y, **options)
        return nets
    return crs.MLPClassifier((5,), max_iter=300, tol=0.1, random_state=0).fit(X, y)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["network", "one output", "ensemble", "estimator"])
def test_networks_ensembles_and_estimators(kind, named, here, capsysbinary):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "c"])
    y = np.array(["no", "yes"])[(frame["a"] > 0).to_numpy().astype(int)]
    if kind != "estimator":
        y = np.array([0, 1])[(frame["a"] > 0).to_numpy().astype(int)]
    model = make(kind, frame if named else frame.to_numpy(), y)
    model.save("m.npz")
    frame.assign(y=y, id=range(50)).to_csv("t.csv", index=False)
    if not named:
        frame.assign(y=y).to_csv("t.csv", index=False)
    X = frame if named else frame.to_numpy()
    out = run(capsysbinary, "predict", "m.npz", "t.csv", "--keep", "y", "--proba")
    found = rows_of(out)
    assert [each["prediction"] for each in found] == [str(each) for each in model.predict(X)]
    second = [float(each[next(n for n in each if n in ("probability_1", "probability_yes"))])
              for each in found]  # fmt: skip
    p = model.predict_proba(X) if kind == "estimator" else model(X)
    np.testing.assert_allclose(second, p[:, -1], rtol=1e-5)
    told = figures(run(capsysbinary, "evaluate", "m.npz", "t.csv", "--target", "y"))
    assert told["accuracy"] == pytest.approx((model.predict(X) == y).mean(), abs=1e-4)


def test_numbers_without_a_header(here, capsysbinary):
    net = cr.Network([3, 4, 2], output="identity", cost="squared_error", seed=0)
    net.save("net.npz")
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    np.savetxt("x.csv", X, delimiter=",")
    out = run(capsysbinary, "predict", "net.npz", "x.csv", "--no-header", "--keep", "c2")
    found = [[float(each["prediction_1"]), float(each["prediction_2"])] for each in rows_of(out)]
    np.testing.assert_allclose(found, net(X), rtol=1e-5)
    assert main(["predict", "net.npz", "x.csv"]) == 2
    assert b"--no-header" in capsysbinary.readouterr().err


def test_no_probabilities_of_values(mass, here, capsysbinary):
    assert main(["predict", str(mass), str(PENGUINS), "--proba"]) == 2
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert b"there are no probabilities" in err


def test_quantiles_have_a_column_each(here, capsysbinary):
    frame = pandas.DataFrame({"a": np.linspace(0, 1, 80)})
    model = crs.TabularRegressor("fast", quantiles=[0.1, 0.5, 0.9], random_state=0)
    model.fit(frame, frame["a"].to_numpy() * 3)
    model.save("m.npz")
    frame.to_csv("t.csv", index=False)
    found = rows_of(run(capsysbinary, "predict", "m.npz", "t.csv"))
    said = [[float(each[f"quantile_{q}"]) for q in (0.1, 0.5, 0.9)] for each in found]
    np.testing.assert_allclose(said, model.predict_quantiles(frame), rtol=1e-6)
    assert found[5]["prediction"] == found[5]["quantile_0.5"]
