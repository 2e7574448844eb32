"""`chainrule train`, `predict` and `evaluate`: from a CSV file to a model, and to its answers."""

import csv
import io
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.command import models, reading
from children import attempt, bytes_taken

pandas = pytest.importorskip("pandas", reason="the command line reads tables by pandas")
sklearn = pytest.importorskip("sklearn", reason="estimators of tables need scikit-learn")
import chainrule.sklearn as crs  # noqa: E402
from sklearn import metrics  # noqa: E402

PENGUINS = Path(__file__).parents[2] / "docs" / "penguins.csv"
FAST = ["--preset", "fast"]


@pytest.fixture(scope="module")
def sex(tmp_path_factory):
    """A model of the penguins' sex, in a file."""
    path = tmp_path_factory.mktemp("models") / "sex.npz"
    assert main(["train", str(PENGUINS), "--target", "sex", "-o", str(path), *FAST]) == 0
    return path


@pytest.fixture(scope="module")
def mass(tmp_path_factory):
    """A model of their mass."""
    path = tmp_path_factory.mktemp("models") / "mass.npz"
    assert main(["train", str(PENGUINS), "--target", "body_mass_g", "-o", str(path), *FAST]) == 0
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsysbinary, *arguments):
    """Return what the command printed, which has to succeed."""
    status = main([*map(str, arguments)])
    out, err = capsysbinary.readouterr()
    assert status == 0, err
    return out.decode()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def figures(text):
    """The numbers that stand behind words at the beginning of lines."""
    found = re.findall(r"^(accuracy|guessing|log loss|RMSE|MAE|R²) +([\d.-]+)(%?)", text, re.M)
    return {name: float(number) / (100 if percent else 1) for name, number, percent in found}


def write(path, text, encoding="utf-8"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


# ---------------------------------------------------------------- train


def test_it_tells_what_it_found_and_how_good_it_is(here, capsys):
    assert main(["train", str(PENGUINS), "--target", "sex", "-o", "sex.npz", *FAST]) == 0
    out, err = capsys.readouterr()
    assert "344 rows, 8 columns" in out
    assert "target sex: classes (text, 2 different ones)\n  rows without it, left out: 11" in out
    assert "male 168, female 165" in out
    assert "2 of categories: species, island" in out
    assert "learning from 266 rows" in out
    assert "on the 67 rows that it has not seen" in out
    told = figures(out)
    assert told["accuracy"] > 0.85
    assert 0.4 < told["guessing"] < 0.6
    assert f"Wrote sex.npz, {Path('sex.npz').stat().st_size:,} bytes" in out
    assert "running" in err  # the progress


def test_the_model_is_that_of_the_estimator_on_the_rows_that_were_not_kept_back(sex, here):
    model = crs.load(sex)
    frame = pandas.read_csv(PENGUINS).dropna(subset="sex").reset_index(drop=True)
    y = frame.pop("sex")
    assert model.predictor_.target == "sex"
    assert model.get_params()["preset"] == "fast"
    assert main(["train", str(PENGUINS), "--target", "sex", "-o", "all.npz", "--validation", "0",
                 "--seed", "7", *FAST]) == 0  # fmt: skip
    alone = crs.TabularClassifier("fast", random_state=7).fit(frame, y)
    np.testing.assert_array_equal(
        cr.load("all.npz").predict_proba(frame), alone.predict_proba(frame)
    )


def test_the_rows_kept_back_are_no_part_of_what_is_learned_from(here, capsys, monkeypatch):
    """What it tells of them is what the model says of just these, by scikit-learn's figures."""
    fitted = []
    fit = crs.TabularClassifier.fit
    monkeypatch.setattr(
        crs.TabularClassifier, "fit", lambda self, X, y: fitted.append(X) or fit(self, X, y)
    )
    assert main(["train", str(PENGUINS), "--target", "sex", "-o", "sex.npz", *FAST,
                 "--validation", "0.3"]) == 0  # fmt: skip
    frame = pandas.read_csv(PENGUINS).dropna(subset="sex").reset_index(drop=True)
    unseen = frame.drop(index=fitted[0].index)
    assert len(unseen) == 100
    p = cr.load("sex.npz").predict_proba(unseen.drop(columns="sex"))
    told = figures(capsys.readouterr().out)
    right = np.array(["female", "male"])[p.argmax(axis=1)] == unseen["sex"]
    assert told["accuracy"] == pytest.approx(right.mean(), abs=1e-4)
    assert told["log loss"] == pytest.approx(metrics.log_loss(unseen["sex"], p), abs=1e-4)
    assert told["guessing"] == pytest.approx(unseen["sex"].value_counts().max() / 100, abs=1e-4)


def test_the_same_seed_makes_the_same_file(here, sex):
    for seed, name in ((0, "a.npz"), (1, "b.npz")):
        assert main(["train", str(PENGUINS), "--target", "sex", "-o", name, *FAST,
                     "--seed", str(seed), "--threads", "1"]) == 0  # fmt: skip
    one, other = cr.load("a.npz"), cr.load("b.npz")
    np.testing.assert_array_equal(one.ensemble[0].parameters, cr.load(sex).ensemble[0].parameters)
    assert not np.array_equal(one.ensemble[0].parameters, other.ensemble[0].parameters)


def test_values_and_a_file_to_be_tried_on(here, capsys):
    frame = pandas.read_csv(PENGUINS)
    frame[:250].to_csv("old.csv", index=False)
    frame[250:].to_csv("new.csv", index=False)
    assert main(["train", "old.csv", "--target", "body_mass_g", "-o", "m.npz", *FAST,
                 "--validation", "new.csv", "--drop", "year", "island"]) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "target body_mass_g: values (numbers, 84 different ones)" in out
    assert "on the rows of new.csv" in out
    model = cr.load("m.npz")
    assert set(model.preparation.names) == set(frame) - {"body_mass_g", "year", "island"}
    new = frame[250:].dropna(subset="body_mass_g")
    y, said = new["body_mass_g"], model.predict(new[list(model.preparation.names)])
    told = figures(out)
    assert told["RMSE"] == pytest.approx(metrics.root_mean_squared_error(y, said), rel=1e-5)
    assert told["MAE"] == pytest.approx(metrics.mean_absolute_error(y, said), rel=1e-5)
    assert told["R²"] == pytest.approx(metrics.r2_score(y, said), abs=1e-4)
    assert told["guessing"] == pytest.approx(y.std(ddof=0), rel=1e-5)


TARGETS = {
    "yes,no": ("classes", "text, 2"),
    "True,False": ("classes", "truth values"),
    "1,2,3": ("classes", "whole numbers, only 3"),
    "1.0,2.0,": ("classes", "whole numbers, only 2"),
    "1.5,2,3": ("values", "numbers that are not all whole"),
    ",".join(map(str, range(11))): ("values", "numbers, 11"),
    "2024-01-01,2024-01-02": (None, "dates, which cannot"),
}


@pytest.mark.parametrize("given", TARGETS)
def test_what_the_target_is(given, here, capsys):
    task, why = TARGETS[given]
    values = given.split(",") * 20
    write(here / "t.csv", "x,y\n" + "".join(f"{k},{each}\n" for k, each in enumerate(values)))
    status = main(["train", "t.csv", "--target", "y", "-o", "m.npz", *FAST])
    out, err = capsys.readouterr()
    if task is None:
        assert status == 2
        assert why in err
    else:
        assert status == 0, err
        assert f"target y: {task} ({why}" in out
        if given == "1.0,2.0,":
            assert cr.load("m.npz").classes.tolist() == [1, 2]


def test_the_task_may_be_said(here, capsys):
    write(here / "t.csv", "x,y\n" + "".join(f"{k},{k % 3}\n" for k in range(60)))
    assert main(["train", "t.csv", "--target", "y", "-o", "m.npz", "--task", "values", *FAST]) == 0
    assert "target y: values (as --task says)" in capsys.readouterr().out
    assert cr.load("m.npz").classes is None
    assert main(["train", str(PENGUINS), "--target", "sex", "-o", "m", "--task", "values"]) == 2
    assert "must hold numbers; it holds 'male'" in capsys.readouterr().err


def test_columns_by_what_they_look_like(here, capsys):
    rows = [
        [f"2024-{1 + k % 12:02}-0{1 + k % 9}", f"{k % 4:03}", k % 5, "abc"[k % 3], str(k % 2 == 0),
         "", f"name {k}", ["in", "out"][k % 3 == 0]]
        for k in range(120)
    ]  # fmt: skip
    names = "day,code,number,word,truth,nothing,who,y"
    write(here / "t.csv", f"{names}\n" + "".join(",".join(map(str, r)) + "\n" for r in rows))
    assert main(["train", "t.csv", "--target", "y", "-o", "m.npz", *FAST,
                 "--categorical", "number"]) == 0  # fmt: skip
    out = capsys.readouterr().out
    model = cr.load("m.npz")
    columns = {each.name: (each.kind, each.holds) for each in model.preparation.columns}
    assert columns == {
        "day": ("date", "dates"),
        "code": ("category", "text"),  # as it begins with 0
        "number": ("category", "numbers"),
        "word": ("category", "text"),
        "truth": ("category", "truth values"),
        "nothing": ("left out", "numbers"),
        "who": ("left out", "text"),
    }
    assert "note: column 'nothing' is left out, since all of it is missing" in out
    assert "note: column 'who' is left out, since it looks like ids" in out
    # What was learned of the first piece holds for the others: of columns that pandas would take
    # for something else there, if it were asked.
    write(
        here / "new.csv", f"{names}\n2024-05-05,003,1,a,True,surprise,8,\n,,,,,,,\n,002,2,1,1,,,\n"
    )
    assert main(["predict", "m.npz", "new.csv"]) == 0
    assert capsys.readouterr().out.count("\n") == 4


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
    with PENGUINS.open(newline="") as file:
        given = list(csv.DictReader(file))
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
    assert taken < 20e6


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


# ---------------------------------------------------------------- ends


def test_ctrl_c_leaves_what_stood_there(sex, here, capsysbinary, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 50)
    write(here / "out.csv", "old")
    asked = []

    def interrupted(self, frame):
        asked.append(frame)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return np.zeros(len(frame))

    monkeypatch.setattr(models.Asked, "predict", interrupted)
    assert main(["predict", str(sex), str(PENGUINS), "-o", "out.csv"]) == 130
    assert [path.name for path in here.iterdir()] == ["out.csv"]
    assert (here / "out.csv").read_text() == "old"


def test_ctrl_c_in_training_writes_nothing(here, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(crs.TabularClassifier, "fit", interrupted)
    assert (
        main(["train", str(PENGUINS), "--target", "sex", "-o", "m.npz", "--picture", "p.png"])
        == 130
    )
    assert capsys.readouterr().err.endswith("chainrule: stopped\n")
    assert not list(here.iterdir())


@pytest.mark.skipif(shutil.which("head") is None, reason="there is no head")
def test_a_broken_pipe_ends_quietly(sex, here):
    head, rows = PENGUINS.read_text().split("\n", 1)
    write(here / "long.csv", f"{head}\n{rows * 60}")
    command = f'"{sys.executable}" -W error -m chainrule predict "{sex}" long.csv --proba | head -3'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, encoding="utf-8", cwd=here
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_a_process_of_its_own(here):
    """While it waits for stdin: no traceback, status 130, no file."""
    net = cr.Network([2, 1], seed=0)
    net.save("net.npz")
    command = [sys.executable, "-m", "chainrule", "predict", "net.npz", "-", "-o", "out.csv"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here
    ) as process:
        process.stdin.write(b"a,b\n" + b"1,2\n" * 20_000)  # more than a piece
        process.stdin.flush()
        while not any(path.name.startswith(".chainrule") for path in here.iterdir()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.stderr.read() == b"chainrule: stopped\n"
        assert process.wait() == 130
    assert [path.name for path in here.iterdir()] == ["net.npz"]


def test_what_is_quick_imports_no_pandas():
    code = (
        "import sys\nfrom chainrule.__main__ import main\n"
        "assert main(['info']) == 0\n"
        "assert not {'pandas', 'sklearn', 'matplotlib', 'pyarrow'} & sys.modules.keys()\n"
    )
    done = attempt("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("pandas", ["train", "t.csv", "--target", "y", "-o", "m"]),
        ("sklearn", ["train", "t.csv", "--target", "y", "-o", "m"]),
        ("matplotlib.figure", ["train", "t.csv", "--target", "y", "-o", "m", "--picture", "p.png"]),
    ],
)
def test_a_missing_package_names_the_extra(missing, arguments, here, monkeypatch, capsys):
    write(here / "t.csv", "x,y\n1,2\n")
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert 'pip install "chainrule[command]"' in err
    assert err.count("\n") == 1
