"""What the default recipe for tables was chosen from: recipes that differ from START in one thing.

Each row of CHANGES is one; `tables.py --study` measures them on the tables that are not kept
apart, each against START on the same splits, and tells what a change gains and costs. The last rows
change several things at once; one of them became the default.
"""

from dataclasses import replace

import numpy as np

from chainrule.tables.recipe import Recipe
from parts.output import table
from parts.public_tables import CLASSES, PUBLIC, SEEN, VALUES
from parts.table_models import Ours
from parts.table_report import Part, Times, cell, geometric

START = Recipe(
    members=6, hidden=(64, 64), activation="mish", bins=16, bins_for="half", scale_rate=3.0,
    epochs=60, steps=6000,
)  # fmt: skip
BASE = "study-start"
BY_LOG_LOSS = {"metric": {CLASSES: "log_loss", VALUES: "rmse"}}
CHANGES = {
    "1 network": {"members": 1},
    "3 networks": {"members": 3},
    "12 networks": {"members": 12},
    "layers of 32": {"hidden": (32, 32)},
    "layers of 128": {"hidden": (128, 128)},
    "3 layers of 64": {"hidden": (64, 64, 64)},
    "selu": {"activation": "selu"},
    "relu": {"activation": "relu", "init": "he"},
    "no bins": {"bins": 0},
    "bins for all networks": {"bins_for": "all"},
    "8 bins": {"bins": 8},
    "32 bins": {"bins": 32},
    "bins at full scale": {"bins_scale": 1.0},
    "categories at full scale": {"categories_scale": 1.0},
    "categories at 0.1": {"categories_scale": 0.1},
    "rare categories unseen": {"least_count": 5},
    "no indicators of holes": {"indicators": False},
    "no trainable scale": {"scale_rate": 0.0},
    "trainable scale, rate x 6": {"scale_rate": 6.0},
    "rate 0.005": {"learning_rate": 0.005},
    "rate 0.02": {"learning_rate": 0.02},
    "constant rate": {"schedule": "constant"},
    "flat, then cosine": {"schedule": "flat_cosine"},
    "coslog4": {"schedule": "coslog4"},
    "30 epochs": {"epochs": 30},
    "100 epochs": {"epochs": 100},
    "200 epochs": {"epochs": 200, "steps": 20_000},
    "batches of 32": {"batch_size": 32},
    "batches of 256": {"batch_size": 256},
    "no weight decay": {"weight_decay": 0.0},
    "weight decay 0.1": {"weight_decay": 0.1},
    "dropout 0.1": {"dropout": 0.1},
    "labels not smoothed": {"smoothing": 0.0},
    "a quarter held out": {"held_out": 0.25},
    "one held-out set": {"shared_split": True},
    "best epoch by the second measure": {"metric": {CLASSES: "log_loss", VALUES: "mae"}},
    # several at once, of those that gained
    "by log loss": BY_LOG_LOSS,
    "by log loss, rate 0.02": BY_LOG_LOSS | {"learning_rate": 0.02},
    "by log loss, rate 0.02, 32 bins": BY_LOG_LOSS | {"learning_rate": 0.02, "bins": 32},
    "by log loss, rate 0.02, 32 bins, no scale": BY_LOG_LOSS
    | {"learning_rate": 0.02, "bins": 32, "scale_rate": 0.0},
    "by log loss, 10 networks of 32": BY_LOG_LOSS | {"members": 10, "hidden": (32, 32)},
    "by log loss, 32 bins": BY_LOG_LOSS | {"bins": 32},
    "by log loss, 8 networks of 32, 32 bins": BY_LOG_LOSS
    | {"members": 8, "hidden": (32, 32), "bins": 32},
    "by log loss, 10 networks of 32, 32 bins": BY_LOG_LOSS
    | {"members": 10, "hidden": (32, 32), "bins": 32},
    "by log loss, rate 0.02, 10 networks of 32": BY_LOG_LOSS
    | {"learning_rate": 0.02, "members": 10, "hidden": (32, 32)},
}
SAME = 0.99, 1.01  # the ratios between which an error is no better and no worse


class Studied(Ours):
    """The estimator with a recipe that has no name."""

    change: dict = {}  # noqa: RUF012

    def __init__(self, task, threads, seed):
        change = {
            field: value[task] if isinstance(value, dict) else value
            for field, value in self.change.items()
        }
        self.preset = replace(START, **change)
        super().__init__(task, threads, seed)


class Periodic(Studied):
    """With sines and cosines of each number z, (x - median) / (q75 - q25), at four frequencies.

    The embedding of Gorishniy, Rubachev and Babenko (arXiv 2203.05556), with frequencies that do
    not learn: 1/4, 1/2, 1 and 2.
    """

    def fit(self, X, y):
        numbers = X.select_dtypes("number")
        low, self.middle, high = (numbers.quantile(q) for q in (0.25, 0.5, 0.75))
        self.width = (high - low).where(high > low, 1.0)
        super().fit(self.waves(X), y)

    def waves(self, X):
        z = (X[self.middle.index] - self.middle) / self.width
        more = {
            f"{wave.__name__} {frequency} {name}": wave(2 * np.pi * frequency * z[name])
            for name in z
            for frequency in (0.25, 0.5, 1.0, 2.0)
            for wave in (np.sin, np.cos)
        }
        return X.assign(**more)

    def predict(self, X):
        return super().predict(self.waves(X))


def _named(name):
    return "study-" + "-".join(name.replace(",", "").split())


STUDY = {BASE: Studied, "study-periodic": Periodic} | {
    _named(name): type("Studied", (Studied,), {"change": change})
    for name, change in CHANGES.items()
}
LABELS = {"study-periodic": "and sines of numbers"} | {_named(name): name for name in CHANGES}


def study(rows, threads):
    """The report in Markdown: each change against START, on the splits that both have."""
    part, times = Part(rows, SEEN, threads, STUDY), Times(rows, threads, STUDY)
    lines = []
    of_task = {task: [name for name in part.names if PUBLIC[name].task == task]
               for task in (VALUES, CLASSES)}  # fmt: skip
    for model, label in LABELS.items():
        by_task = [list(part.over(model, BASE, names)) for names in of_task.values()]
        errors = [ratio for ratios in by_task for ratio in ratios]
        if not errors:
            continue
        seconds = list(part.over(model, BASE, part.names, "log_loss"))
        lines.append([
            label, *(cell(geometric(ratios) if ratios else None, ".3f") for ratios in by_task),
            f"{geometric(seconds):.3f}",
            f"{sum(e < SAME[0] for e in errors)}, {sum(e > SAME[1] for e in errors)}",
            f"{max(errors):.2f}", f"{times.ratio(model, BASE, 'fit_cpu', part.names):.2f}",
        ])  # fmt: skip
    head = ["the start, but", "error, values", "error, classes", "log loss or absolute error",
            "tables better, worse", "worst table", "fit"]  # fmt: skip
    return table(head, lines)
