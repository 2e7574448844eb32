"""The page on searches: its code runs, and prints what it shows."""

import importlib.util
import warnings
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, OPTUNA = (DOCS / "search.md").read_text(encoding="utf-8").split("\n## Optuna\n")
SPEC = importlib.util.spec_from_file_location("lessons", DOCS / "lessons" / "run.py")
lessons = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lessons)


def run(text, folder):
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lessons.run(page, folder)


def test_searches(tmp_path):
    run(PAGE, tmp_path)


def test_a_study_of_optuna_that_prunes(tmp_path):
    optuna = pytest.importorskip("optuna", reason="pip install optuna")
    data = "from sklearn.datasets import load_digits\n\nX, y = load_digits(return_X_y=True)\n"
    check = (
        "states = [trial.state.name for trial in study.trials]\n"
        'assert set(states) == {"COMPLETE", "PRUNED"}, states\n'
    )
    assert optuna
    alone = OPTUNA.replace("n_jobs=2", "n_jobs=1")  # in an order that is always the same
    blocks = f"```python\n{data}```\n{alone}\n```python\n{check}```\n"
    run(blocks, tmp_path)
