"""The kinds of tables' models that files hold: one of each is kept in `files/written/tables`.

`python tests/table_kinds.py` writes those that are not there yet, as the installed version does:
``<version>-<kind>.npz``, and beside each, ``...-expected.npz``, what that version said of it. A
kind that stands here is never changed; another version, or a new feature, adds to them.
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.sklearn import TabularClassifier, TabularRegressor
from chainrule.tables.recipe import Recipe
from model_file_kinds import WRITTEN

TABLES = WRITTEN / "tables"
M = 30
PLACES = np.arange(M)
NUMBERS = np.sin(PLACES[:, None] * [1.0, 2.0, 3.0])
ROWS = [
    [
        None if i % 7 == 3 else float(NUMBERS[i, 0]),
        ["red", "blue", "größe", None][i % 4],
        i % 3 == 0,
        datetime(2024, 1, 1) + timedelta(days=11 * i),
        timedelta(hours=i),
        i if i % 5 else "none",
    ]
    for i in range(M)
]
CODES = np.c_[NUMBERS[:, :2], PLACES % 5]
SMALL = Recipe(members=2, hidden=(4,), epochs=3)
KINDS: dict[str, tuple[Any, Any, np.ndarray]] = {
    "classes": (
        TabularClassifier(SMALL, random_state=0, calibrate=True, class_weight={"nö": 2.0}),
        ROWS,
        np.array(["nö", "so", "yes"])[PLACES % 3],
    ),
    "truth values": (
        TabularClassifier(SMALL, random_state=0, calibrate=False),
        NUMBERS,
        PLACES % 2 == 0,
    ),
    "values": (
        TabularRegressor(SMALL, random_state=0, refit=True, categorical_features=[2]),
        CODES,
        1e6 + NUMBERS[:, 2],
    ),
    "quantiles": (
        TabularRegressor(
            Recipe(members=1, hidden=(4, 3), epochs=3, bins=3),
            random_state=0,
            quantiles=[0.1, 0.5, 0.9],
        ),
        NUMBERS,
        NUMBERS[:, 2],
    ),
}


def answer(table, X):
    """Return the numbers that an estimator, or its predictor, says."""
    if hasattr(table, "classes_") or getattr(table, "classes", None) is not None:
        return table.predict_proba(X)
    levels = getattr(table, "predictor_", table).levels
    return table.predict(X) if levels is None else table.predict_quantiles(X)


def write(kind):
    path = TABLES / f"{cr.__version__}-{kind.replace(' ', '-')}.npz"
    if path.exists():
        return
    estimator, X, y = KINDS[kind]
    estimator.fit(X, y).save(path)
    expected = {"outputs": answer(estimator, X), "predicted": estimator.predict(X)}
    np.savez(path.with_name(f"{path.stem}-expected.npz"), **expected)


if __name__ == "__main__":
    TABLES.mkdir(exist_ok=True)
    for each in KINDS:
        write(each)
