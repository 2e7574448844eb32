"""The command ``chainrule evaluate``: how good a model's answers are to rows with known ones."""

from typing import Any

from chainrule.command.csv_file import Layout
from chainrule.command.models import Asked, open_model
from chainrule.command.reading import check_names, opened, pieces
from chainrule.command.scores import ClassScore, ValueScore, score_of


def run_evaluate(model: str, data: str, target: str | None, layout: Layout) -> None:
    """Tell how good a model is on a table: accuracy and confusions, or errors of values.

    Of all rows only a piece is in memory at a time.

    Parameters
    ----------
    model, data, layout
        As of `run_predict`.
    target : str or None
        The column with the right answers; by default that which it was trained for, if its file
        says so.

    Raises
    ------
    ImportError
        Without pandas.
    OSError, ValueError
        For files and columns that do not fit, by the line; and for a table without a target.
    """
    asked = Asked(open_model(model))
    score, missing = scored(asked, data, target, layout)
    if missing:
        print(f"rows without a target, left out: {missing:,}")
    print("\n".join(score.lines()))


def scored(
    asked: Asked, data: str, target: str | None, layout: Layout
) -> tuple[ClassScore | ValueScore, int]:
    """Return the score of a model on a table, and how many rows of it have no target."""
    if asked.answers == "multilabel" or (asked.classes is None and asked.n_answers > 1):
        raise ValueError(
            "evaluate knows models with one answer a row; this one has several: in Python, "
            "chainrule.load(path).evaluate(X, y) takes them"
        )
    target = target or asked.target
    if target is None:
        raise ValueError("the model does not say which column has the answers: give --target NAME")
    score = score_of(asked.classes)
    missing = 0
    with opened(data, layout) as table:
        check_names(table, [target], "to compare with")
        columns = asked.columns_of(table, [target])
        if target in columns:
            raise ValueError(f"{target!r} is a column that the model reads, so no target")
        holds = columns | {target: score.holds}
        for piece in pieces(table, holds, holes=asked.takes_holes, may_miss=target):
            missing += add(score, asked, piece.frame[list(columns)], piece.frame[target])
        if score.rows == 0:
            raise ValueError(f"{table.called} has no row with a target in column {target!r}")
    return score, missing


def add(score: ClassScore | ValueScore, asked: Asked, frame: Any, target: Any) -> int:
    """Count the rows of a frame, and return how many have no target."""
    known = target.notna().to_numpy()
    if not known.any():
        return len(known)
    frame, truth = frame[known], target[known].to_numpy()
    p = asked.probabilities(frame) if asked.gives_probabilities else None
    score.add(truth, asked.predict(frame), p)  # type: ignore[arg-type]
    return int((~known).sum())
