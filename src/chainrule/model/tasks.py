"""What the options of a network are where they are not given: the book's, or those of a task."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.checks.options import check_name
from chainrule.checks.words import words
from chainrule.costs import COSTS
from chainrule.model.scaling import STANDARD

BOOK = {
    "hidden": "sigmoid",
    "output": "sigmoid",
    "cost": "quadratic",
    "init": "scaled",
    "input_scale": 1.0,
    "output_scale": 1.0,
}
ANSWERS = {"regression": "values", "classification": "classes", "multilabel": "multilabel"}

# The outputs and costs of each task that belong together, the usual ones first.
PAIRS = {
    "regression": [("identity", "quadratic"), ("exponential", "poisson")],
    "classification": [
        ("softmax", "log_likelihood"),
        ("sigmoid", "cross_entropy"),
        ("identity", "hinge"),
    ],
    "multilabel": [("sigmoid", "cross_entropy")],
}

# What other tools call them.
WORDS = words(
    {
        "Use task='classification'.": "classifier clf binary multiclass binary_classification "
        "multiclass_classification",
        "Use task='regression'.": "regressor reg values",
        "Use task='multilabel'.": "multi-label multilabel_classification",
    }
)


def choices_of(task: str | None, n_outputs: int, given: dict[str, Any]) -> SimpleNamespace:
    """Return the options in BOOK, and the shifts: those that are given, the others as they fit.

    And `answers`, what the network answers with, None where the first targets say it.

    Parameters
    ----------
    task : str or None
        One of PAIRS, for options that learn tables; None for those of BOOK.
    n_outputs : int
    given : dict
        The options by name; None where one is not given.

    Raises
    ------
    ValueError, TypeError
        For a task that is none, and for a cost that is not for it.
    """
    given = {name: it for name, it in given.items() if it is not None or name not in BOOK}
    if task is None:
        return SimpleNamespace(**BOOK | given, answers=None)
    pairs = PAIRS[check_name("task", task, PAIRS, WORDS)]
    if n_outputs == 1:  # of which softmax says nothing
        pairs = [pair for pair in pairs if pair[0] != "softmax"]
    names = {name: getattr(value, "name", value) for name, value in given.items()}
    asked = names.get("output"), names.get("cost")
    fitting = [pair for pair in pairs if _agree(pair, asked)] or pairs
    output, cost = fitting[0]
    kind = COSTS.get(str(asked[1]))
    if task == "regression" and kind is not None and not kind.has_units and asked[1] != "poisson":
        raise ValueError(f"task='regression' is for numbers and counts; got cost={asked[1]!r}")
    chosen: dict[str, Any] = {"hidden": "tanh", "init": "glorot", "output": output, "cost": cost}
    # A shift of the user's belongs to a scale of the user's, and what cannot reach all numbers to
    # targets as they are.
    is_free = names.get("output", output) == "identity" and task == "regression"
    standard = {"input": True, "output": is_free}
    for what, learns in standard.items():
        as_is = not np.any(given[f"{what}_shift"])
        chosen[f"{what}_scale"] = STANDARD if learns and as_is else 1.0
    return SimpleNamespace(**chosen | given, answers=ANSWERS[task])


def _agree(pair, asked):
    return all(wanted in (None, there) for there, wanted in zip(pair, asked, strict=True))
