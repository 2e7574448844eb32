"""Recipes: everything by which the model of a table is made, and those that have a name."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from chainrule.activations import find_hidden_activation
from chainrule.checks.fields import CheckedFields, Checks
from chainrule.checks.options import (
    check_count,
    check_flag,
    check_keep,
    check_name,
    check_not_negative,
    check_positive,
    check_share,
)
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import AdamW
from chainrule.schedules import Constant, CosineDecay, CosLog4, FlatCosine

CLASSES, VALUES = "classes", "values"  # what there is to predict
SCHEDULES: dict[str, Any] = {
    "constant": lambda rate, epochs: Constant(rate),
    "cosine": CosineDecay,
    "flat_cosine": FlatCosine,
    "coslog4": CosLog4,
}
# The figures of the held-out rows by which the best epoch is chosen; the first is "auto".
METRICS = {CLASSES: ("error", "log_loss"), VALUES: ("rmse", "mae")}


def _check_hidden(name: str, value: Any) -> None:
    if not isinstance(value, tuple):
        raise TypeError(f"{name} must be a tuple of sizes of layers; got {value!r}")
    for size in value:
        check_count(f"each of {name}", size, least=1)


def _check_count(least: int) -> Any:
    return partial(check_count, least=least)


@dataclass(frozen=True, eq=False, repr=False)
class Recipe(CheckedFields):
    """By what the model of a table is made: its preparation, its networks, and their training.

    Parameters
    ----------
    members : int
        Networks, whose mean is the answer.
    hidden : tuple of int
        The sizes of their hidden layers.
    activation, init : str
        Of the hidden layers, and how parameters begin, as of `chainrule.Network`.
    bins : int
        The most bins of the piecewise-linear encoding of each number; 0 for none.
    least_count : int
        Categories that occur less often are as if they were never seen.
    learning_rate : float
        The highest, of AdamW.
    schedule : "constant", "cosine", "flat_cosine" or "coslog4"
        How it changes over the epochs.
    beta1, beta2, weight_decay : float
        Of AdamW.
    epochs : int
        The most there are.
    batch_size : int
        Of mini-batches; all rows at once where there are fewer.
    dropout : float
        Of the hidden layers.
    smoothing : float
        Of the labels, for classes.
    held_out : float
        The share of the rows that a network is not trained on, by which its best epoch is chosen.
    shared_split : bool
        Whether these are the same for all networks; else each holds out its own.
    metric : str
        The figure of these by which the best epoch is chosen: of classes "error", the share of
        wrong answers, or "log_loss", the mean cost; of values "rmse" or "mae"; "auto" is the first
        of both. Of quantiles it is always their cost.
    ties : "first" or "last"
        Which of equally good epochs is the best.
    patience : int
        A network that was not better for so many epochs is not trained on.
    """

    members: int = 5
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "selu"
    init: str = "lecun"
    bins: int = 0
    least_count: int = 1
    learning_rate: float = 0.01
    schedule: str = "cosine"
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.01
    epochs: int = 100
    batch_size: int = 256
    dropout: float = 0.0
    smoothing: float = 0.1
    held_out: float = 0.15
    shared_split: bool = False
    metric: str = "auto"
    ties: str = "last"
    patience: int = 100

    _checks: ClassVar[Checks] = {
        "members": _check_count(1),
        "hidden": _check_hidden,
        "activation": lambda _, value: find_hidden_activation(value),
        "init": partial(check_name, known=INITIALIZERS),
        "bins": _check_count(0),
        "least_count": _check_count(1),
        "learning_rate": check_positive,
        "schedule": partial(check_name, known=SCHEDULES),
        "beta1": check_keep,
        "beta2": check_keep,
        "weight_decay": check_not_negative,
        "epochs": _check_count(1),
        "batch_size": _check_count(1),
        "dropout": check_keep,
        "smoothing": check_keep,
        "held_out": check_share,
        "shared_split": check_flag,
        "metric": partial(check_name, known=("auto", *METRICS[CLASSES], *METRICS[VALUES])),
        "ties": partial(check_name, known=("first", "last")),
        "patience": _check_count(1),
    }

    def optimizer(self) -> AdamW:
        """Return what its networks are trained by."""
        return AdamW(
            SCHEDULES[self.schedule](self.learning_rate, self.epochs),
            beta1=self.beta1, beta2=self.beta2, weight_decay=self.weight_decay,
        )  # fmt: skip

    def of(self, **given: Any) -> "Recipe":
        """Return it with other fields where they are given, not None."""
        return replace(self, **{name: v for name, v in given.items() if v is not None})


_DEFAULT = Recipe()
# By name, for classes and for values.
PRESETS: dict[str, dict[str, Recipe]] = {
    "fast": dict.fromkeys((CLASSES, VALUES), replace(_DEFAULT, members=1)),
    "default": dict.fromkeys((CLASSES, VALUES), _DEFAULT),
    "best": dict.fromkeys((CLASSES, VALUES), replace(_DEFAULT, members=15, epochs=200)),
}


def recipe_of(preset: Any, task: str) -> Recipe:
    """Return the recipe that a preset is or names; task: "classes" or "values".

    Raises
    ------
    ValueError, TypeError
        For a name that there is not, and for what is neither.
    """
    if isinstance(preset, Recipe):
        return preset
    return PRESETS[check_name("preset", preset, PRESETS)][task]
