"""The command ``chainrule train``: from a table in a file to a model in a file."""

import os
import time
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.command.csv_file import Layout
from chainrule.command.evaluate import add, scored
from chainrule.command.models import Asked
from chainrule.command.picture import check_picture, draw
from chainrule.command.reading import STDIN, check_extra, check_names, check_output, opened, whole
from chainrule.command.scores import ClassScore, ValueScore, score_of
from chainrule.tables.preparation import Preparation
from chainrule.tables.recipe import CLASSES, VALUES, recipe_of
from chainrule.tables.targets import classes_of, values_of
from chainrule.tables.training import held_out
from chainrule.training.endings import DivergenceError

FEW = 10  # different whole numbers, up to which they are classes
MANY = 50  # different words, from which on they may be ids
SHOWN = 8  # of names and classes
AUTO = "auto"


class Question(NamedTuple):
    """What is to be learned from a table.

    Attributes
    ----------
    X : pandas.DataFrame (m, columns)
    y : pandas.Series (m,)
        Its name is that of the target.
    task : "classes" or "values"
    why : str
        How that was told.
    without : int
        Rows that have no target, which are left out.
    """

    X: Any
    y: Any
    task: str
    why: str
    without: int


def run_train(
    data: str,
    target: str,
    output: str,
    *,
    preset: str,
    task: str,
    drop: Sequence[str],
    categorical: Sequence[str],
    validation: float | str,
    seed: int,
    time_limit: float | None,
    threads: int | None,
    picture: str | None,
    layout: Layout,
) -> None:
    """Learn to answer with one column of a table by the others, and write the model.

    It tells what it has found, and how good the model is on rows that it has not seen, beside the
    simplest guess.

    Parameters
    ----------
    data : str
        A CSV or Parquet file; "-" for stdin.
    target : str
        The column to answer with.
    output : str
        The model file to write, whole or not at all.
    preset : str
        As of `chainrule.sklearn.TabularClassifier`.
    task : "auto", "classes" or "values"
    drop, categorical : sequence of str
        Columns that are left out, and those of numbers that are categories.
    validation : float or str
        The share of the rows that the model is not trained on but tried on, 0 for none; or a file
        with such rows.
    seed : int
    time_limit : float or None
        About how many seconds the training may take.
    threads : int or None
    picture : str or None
        A file for the picture of the results.
    layout : Layout
        Of a CSV file.

    Raises
    ------
    ImportError
        For a package that is missing; the message names the extra.
    OSError, ValueError
        For files, columns and targets that do not fit.
    """
    check_extra("pandas", "sklearn", *(["matplotlib.figure"] if picture else []))
    if validation == STDIN:
        raise ValueError("--validation takes a file by its name, not stdin")
    tables = [data, validation] if isinstance(validation, str) else [data]
    check_output(output, *tables)
    if picture:
        check_picture(picture)
        check_output(picture, *tables)
    question = _read(data, target, task, drop, categorical, layout)
    if isinstance(validation, str):  # before the training, which would be lost
        with opened(validation, layout) as table:
            check_names(table, [target, *question.X.columns], f"as in {data}")
    _tell_target(question)
    kept, unseen = _split(question, validation, preset, seed)
    named = list(dict.fromkeys(categorical))
    _tell_columns(question, kept, named)
    model, seconds = _trained(
        question, kept, preset=preset, categorical_features=named or AUTO, random_state=seed,
        time_limit=time_limit, threads=threads,
    )  # fmt: skip
    print(f"trained in {seconds:.1f} s")
    asked = Asked(model.predictor_)
    score: ClassScore | ValueScore | None = None
    if isinstance(validation, str):
        score, _ = scored(asked, validation, target, layout)
        print(f"\non the rows of {validation}, which it has not seen:")
    elif len(unseen):
        score = score_of(asked.classes)
        add(score, asked, question.X.iloc[unseen], question.y.iloc[unseen])
        print(f"\non the {len(unseen):,} rows that it has not seen:")
    if score is not None:
        print("\n".join(score.lines()))
    model.save(output)
    print(f"\nWrote {output}, {os.path.getsize(output):,} bytes")
    if picture:
        rows = unseen if len(unseen) else kept
        seen = "rows that it has not seen" if len(unseen) else "the rows it has learned from"
        draw(picture, asked, question.X.iloc[rows], question.y.iloc[rows], seen)
        print(f"Wrote {picture}")
    print(f"Now: chainrule predict {output} NEW.csv -o ANSWERS.csv")


# ------------------------------------------------------------ what is asked


def _read(
    data: str,
    target: str,
    task: str,
    drop: Sequence[str],
    categorical: Sequence[str],
    layout: Layout,
) -> Question:
    """Read a table, and tell what it has to be learned from."""
    with opened(data, layout) as table:
        check_names(table, [target], "to answer with")
        check_names(table, drop, "to drop")
        check_names(table, categorical, "to be categories")
        for what, names in (("drop", drop), ("categorical", categorical)):
            if target in names:
                raise ValueError(f"--{what} {target}: that is the target")
        if both := sorted(set(drop) & set(categorical)):
            raise ValueError(f"column {both[0]!r} is both dropped and categorical")
        frame = whole(table, leave=drop).frame
        print(f"{table.called}: {len(frame):,} rows, {len(table.names)} columns")
        called = table.called
    if len(frame.columns) < 2:
        raise ValueError(f"{called} has no column besides the target {target!r} to learn from")
    there = frame[target].notna().to_numpy()
    if not there.any():
        raise ValueError(f"column {target!r} of {called} is empty, so there is nothing to learn")
    frame = frame[there].reset_index(drop=True)
    y = frame.pop(target).infer_objects()  # truth values, where some were missing
    task, why = _task_of(y, task)
    _check_target(y, task, called)
    if task == VALUES:
        y = y.astype(np.float64)
    elif y.dtype.kind == "f" and (y == y.round()).all():  # 1.0 for 1, where some are missing
        y = y.astype(np.int64)
    return Question(frame, y, task, why, int((~there).sum()))


def _task_of(y: Any, task: str) -> tuple[str, str]:
    """Return what the target is, "classes" or "values", and how that was told."""
    if task != AUTO:
        return task, "as --task says"
    kind, n = y.dtype.kind, y.nunique()
    if kind in "iuf":
        if not (y == y.round()).all():
            return VALUES, "numbers that are not all whole"
        if n <= FEW:
            return CLASSES, f"whole numbers, only {n} different ones"
        return VALUES, f"numbers, {n:,} different ones"
    return CLASSES, "truth values" if kind == "b" else f"text, {n:,} different ones"


def _check_target(y: Any, task: str, called: str) -> None:
    """Raise ValueError for a target that cannot be learned."""
    first, n = y.iloc[0], y.nunique()
    if n == 1:
        raise ValueError(
            f"column {y.name!r} of {called} is {first!r} in all rows, so there is nothing to learn"
        )
    if y.dtype.kind == "M":
        raise ValueError(
            f"column {y.name!r} of {called} holds dates, which cannot be answered with"
        )
    if task == VALUES and y.dtype.kind not in "iufb":
        import pandas

        row = int(np.argmax(pandas.to_numeric(y.astype(object), errors="coerce").isna()))
        raise ValueError(
            f"--task values: column {y.name!r} of {called} must hold numbers; it holds "
            f"{str(y.iloc[row])[:60]!r}"
        )
    if task == CLASSES and y.dtype.kind == "f" and not (whole_ones := y == y.round()).all():
        raise ValueError(
            f"--task classes: column {y.name!r} of {called} holds numbers that are not whole, such "
            f"as {y[~whole_ones].iloc[0]}; give --task values"
        )
    if task == CLASSES and n > max(MANY, len(y) / 2):
        raise ValueError(
            f"column {y.name!r} of {called} has {n:,} different values in {len(y):,} rows, too "
            "many to be classes" + ("; give --task values" if y.dtype.kind in "iuf" else "")
        )


def _split(question: Question, validation: float | str, preset: str, seed: int) -> tuple[Any, Any]:
    """Return the rows to learn from, and those to be tried on."""
    rows = np.arange(len(question.y))
    if isinstance(validation, str) or validation == 0:
        return rows, rows[:0]
    y = question.y.to_numpy()
    targets = classes_of(y) if question.task == CLASSES else values_of(y)
    recipe = recipe_of(preset, question.task).of(members=1, held_out=validation)
    (unseen,) = held_out(recipe, targets.y, rows, np.random.default_rng(seed))
    kept = np.setdiff1d(rows, unseen, assume_unique=True)
    if question.y.iloc[kept].nunique() == 1:
        raise ValueError(
            f"of {len(rows)} rows, {len(kept)} are left to learn from, with one answer alone: too "
            "few; --validation 0 learns from all"
        )
    return kept, unseen


# ------------------------------------------------------------ what is told


def _tell_target(question: Question) -> None:
    y, left = question.y, question.without
    print(f"target {y.name}: {question.task} ({question.why})")
    if left:
        print(f"  rows without it, left out: {left:,}")
    if question.task == CLASSES:
        counts = y.value_counts()
        most = [f"{name} {count:,}" for name, count in counts.head(SHOWN).items()]
        more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
        print(f"  {', '.join(most)}{more}")
    else:
        print(f"  from {y.min():g} to {y.max():g}, mean {y.mean():.6g}")


def _tell_columns(question: Question, kept: Any, named: list[str]) -> None:
    """Tell the kinds of columns, and what is odd about them, before anything is trained."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        preparation = _refused(
            lambda: Preparation.learn(question.X.iloc[kept], categorical=named or AUTO)
        )
    kinds: dict[str, list[str]] = {}
    for column in preparation.columns:
        kinds.setdefault(column.kind, []).append(str(column.name))
    print("columns to answer by:")
    for kind, names in kinds.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        print(f"  {len(names)} {TITLES.get(kind, kind)}: {', '.join(names[:SHOWN])}{more}")
    for each in told:
        print(f"  note: {str(each.message).removeprefix('X: ')}")


TITLES = {"number": "of numbers", "category": "of categories", "date": "of dates"}


# ------------------------------------------------------------ training


def _trained(question: Question, kept: Any, **options: Any) -> tuple[Any, float]:
    """Return the fitted estimator, and how many seconds it took."""
    from chainrule.sklearn.tabular_classifier import TabularClassifier
    from chainrule.sklearn.tabular_regressor import TabularRegressor

    kind: Any = TabularClassifier if question.task == CLASSES else TabularRegressor
    model = kind(progress=True, **options)
    print(f"learning from {len(kept):,} rows ...", flush=True)  # before the progress, on stderr
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they have been told
        _refused(lambda: model.fit(question.X.iloc[kept], question.y.iloc[kept]))
    return model, time.perf_counter() - began


def _refused(call: Any) -> Any:
    """Return what a call returns; what it refuses by its type, or cannot train, as a ValueError."""
    try:
        return call()
    except (TypeError, DivergenceError) as error:
        raise ValueError(str(error)) from error
