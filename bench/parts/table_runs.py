"""Each model on each table in a process of its own, and the file that keeps what came out.

Run with a table, a model, a number of threads and splits, it fits the model to each of them
after a fit that does not count, and prints a line for each. Times are those of the wall
clock and of the processor (all threads, and processes that have ended).
"""

import csv
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from parts.environment import for_threads
from parts.public_tables import CLASSES, PUBLIC, load, splits
from parts.table_models import MODELS
from parts.table_study import STUDY

MEASURES = ("error", "log_loss", "auc_error", "mae")
TIMES = ("fit_wall", "fit_cpu", "predict_wall", "predict_cpu")
COLUMNS = ("table", "model", "split", "threads", *MEASURES, *TIMES, "version")
WARM_UP = 300  # rows
ROW = "row: "


def clocks():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return np.array([time.perf_counter(), sum(each.ru_utime + each.ru_stime for each in used)])


def timed(call, *arguments):
    """Return what the call returns, and its seconds by the two clocks."""
    began = clocks()
    found = call(*arguments)
    return found, [round(float(took), 5) for took in clocks() - began]


def measures(task, said, classes, y, spread):
    """The figures of one split: the headline error, and what else is asked of such a task."""
    if task != CLASSES:
        said = np.asarray(said, np.float64).ravel()
        off = abs(said - y) / spread
        return {"error": np.sqrt((off**2).mean()), "mae": off.mean()}
    from sklearn.metrics import log_loss, roc_auc_score

    said = np.asarray(said, np.float64)
    said /= said.sum(axis=1, keepdims=True)
    of_class = said[:, 1] if len(classes) == 2 else said
    return {
        "error": (classes[said.argmax(axis=1)] != y).mean(),
        "log_loss": log_loss(y, said, labels=classes),
        "auc_error": 1 - roc_auc_score(y, of_class, multi_class="ovr", labels=classes),
    }


def run(table, name, threads, chosen):
    """Yield a row for each of the splits."""
    kind, task = (MODELS | STUDY)[name], PUBLIC[table].task
    X, y = load(table)
    spread = y.std() if task != CLASSES else None
    learned = splits(table)[0][0]
    some = learned[:: max(1, len(learned) // WARM_UP)]
    first = kind(task, threads, 0)
    first.fit(X.iloc[some], y[some])
    first.predict(X.iloc[some])
    for split in chosen:
        learned, held_out = splits(table)[split]
        model = kind(task, threads, split)
        _, fitted = timed(model.fit, X.iloc[learned], y[learned])
        said, predicted = timed(model.predict, X.iloc[held_out])
        classes = model.classes if task == CLASSES else None
        found = measures(task, said, classes, y[held_out], spread)
        found = {measure: float(f"{value:.6g}") for measure, value in found.items()}
        yield {
            "table": table, "model": name, "split": split, "threads": threads, **found,
            **dict(zip(TIMES, fitted + predicted, strict=True)), "version": kind.version(),
        }  # fmt: skip


def results(path):
    """The rows of a file, {(table, model, split, threads): {column: number}}; {} without a file."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["table"], row["model"], int(row["split"]), int(row["threads"])): {
            name: float(row[name]) if row[name] else None for name in MEASURES + TIMES
        }
        | {"version": row["version"]}
        for row in rows
    }


def forget(path, dropped):
    """Write the file anew, if it is there, without the rows of these keys."""
    if path.exists():
        begins = tuple(",".join(map(str, key)) + "," for key in dropped)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(x for x in lines if not x.startswith(begins)), encoding="utf-8")


def append(path, row):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists() or path.stat().st_size == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def measure(table, name, threads, chosen, path):
    """Run those splits in a new process and append them to the file; return why not, if so."""
    command = [sys.executable, "-m", "parts.table_runs", table, name, str(threads)]
    command += [str(split) for split in chosen]
    environment = for_threads(threads) | {"CUDA_VISIBLE_DEVICES": ""}
    bench = Path(__file__).parents[1]
    with subprocess.Popen(
        command, cwd=bench, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as worker:  # fmt: skip
        last = "no word of why"
        for line in worker.stdout:
            if line.startswith(ROW):
                append(path, json.loads(line.removeprefix(ROW)))
            elif line.strip():
                last = line.strip()
    return last if worker.returncode else None


def main(table, name, threads, *chosen):
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        os.chdir(folder)  # some libraries write where they run
        for row in run(table, name, int(threads), map(int, chosen)):
            print(ROW + json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
