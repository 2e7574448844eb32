"""`chainrule train`: from a table in a file to a model, and what it tells."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from tables_in_files import FAST, PENGUINS, figures, refused, write

pandas = pytest.importorskip("pandas", reason="the command line reads tables by pandas")
pytest.importorskip("sklearn", reason="estimators of tables need scikit-learn")
import chainrule.sklearn as crs  # noqa: E402
from sklearn import metrics  # noqa: E402


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


def test_a_file_to_be_tried_on_is_looked_at_before_the_training(here, capsysbinary, monkeypatch):
    monkeypatch.setattr(crs.TabularClassifier, "fit", None)
    pandas.read_csv(PENGUINS).drop(columns="island").to_csv("new.csv", index=False)
    said = refused(capsysbinary, "train", PENGUINS, "--target", "sex", "-o", "m.npz",
                   "--validation", "new.csv")  # fmt: skip
    assert said.startswith("new.csv: there is no column 'island' as in ")
