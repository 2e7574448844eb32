"""Recipes: everything by which the model of a table is made, and those that have a name."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil, log2
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

LEAST_EPOCHS = 10
OF_PREPARATION = ("bins", "least_count", "indicators", "scale_categories")


def _check_hidden(name: str, value: Any) -> None:
    if not isinstance(value, tuple):
        raise TypeError(f"{name} must be a tuple of sizes of layers; got {value!r}")
    for size in value:
        check_count(f"each of {name}", size, least=1)


def _check_count(least: int) -> Any:
    return partial(check_count, least=least)


def _check_count_if_given(name: str, value: Any) -> None:
    if value is not None:
        check_count(name, value, least=1)


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
    zero_output : bool
        Whether those of the last layer begin with 0.
    dtype : "float32" or "float64"
        Of the networks.
    bins : int
        The most bins of the piecewise-linear encoding of each number; 0 for none.
    bins_scale : float
        What their inputs are multiplied by.
    categories_scale : float
        What the inputs are multiplied by that say one of several categories: many of them, of few
        rows each, invite to learn by heart.
    bins_for : "all" or "half"
        Which networks read them: all, or every other, beginning with the first. Half of them are
        then good at steps, half at what is smooth.
    least_count : int
        Categories that occur less often are as if they were never seen.
    indicators, scale_categories : bool
        As of `Preparation.learn`.
    learning_rate : float
        The highest, of AdamW.
    schedule : "constant", "cosine", "flat_cosine" or "coslog4"
        How it changes over the epochs.
    beta1, beta2, epsilon, weight_decay : float
        Of AdamW.
    bias_rate : float
        The factor on the rate of biases.
    scale_rate : float
        That of a trainable scale of the inputs; 0 for none.
    by_width : bool
        Whether layers that read n numbers have the rate divided by √n, and ε multiplied by it, for
        their weights: what Adam does with W of z = xW/√n + b.
    epochs : int
        The most there are.
    steps : int, optional
        So many steps are enough: of many rows fewer epochs, but 10 of them at least.
    least_steps : int
        Of few rows more epochs, until there are so many steps.
    batch_size : int, optional
        Of mini-batches; all rows at once where there are fewer. If not given, a power of two
        near a 32nd of the rows, from 64 to 256.
    drop_last : bool
        Whether the last batch of an epoch is left out where it is smaller.
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
    zero_output: bool = False
    dtype: str = "float32"
    bins: int = 0
    bins_scale: float = 0.3
    bins_for: str = "all"
    categories_scale: float = 0.3
    least_count: int = 1
    indicators: bool = True
    scale_categories: bool = False
    learning_rate: float = 0.01
    schedule: str = "cosine"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    bias_rate: float = 1.0
    scale_rate: float = 0.0
    by_width: bool = False
    epochs: int = 100
    steps: int | None = None
    least_steps: int = 0
    batch_size: int | None = None
    drop_last: bool = False
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
        "zero_output": check_flag,
        "dtype": partial(check_name, known=("float32", "float64")),
        "bins": _check_count(0),
        "bins_scale": check_positive,
        "categories_scale": check_positive,
        "bins_for": partial(check_name, known=("all", "half")),
        "least_count": _check_count(1),
        "indicators": check_flag,
        "scale_categories": check_flag,
        "learning_rate": check_positive,
        "schedule": partial(check_name, known=SCHEDULES),
        "beta1": check_keep,
        "beta2": check_keep,
        "epsilon": check_positive,
        "weight_decay": check_not_negative,
        "bias_rate": check_not_negative,
        "scale_rate": check_not_negative,
        "by_width": check_flag,
        "epochs": _check_count(1),
        "steps": _check_count_if_given,
        "least_steps": _check_count(0),
        "batch_size": _check_count_if_given,
        "drop_last": check_flag,
        "dropout": check_keep,
        "smoothing": check_keep,
        "held_out": check_share,
        "shared_split": check_flag,
        "metric": partial(check_name, known=("auto", *METRICS[CLASSES], *METRICS[VALUES])),
        "ties": partial(check_name, known=("first", "last")),
        "patience": _check_count(1),
    }

    def preparation(self) -> dict[str, Any]:
        """Return the options of `Preparation.learn`."""
        return {name: getattr(self, name) for name in OF_PREPARATION}

    def beginnings(self) -> list[str]:
        """Return how the parameters of each layer begin."""
        return [self.init] * len(self.hidden) + ["zeros" if self.zero_output else self.init]

    def lengths(self, m: int) -> dict[str, int]:
        """Return the epochs and the batch_size for m rows to train on."""
        size = self.batch_size or 2 ** round(min(max(log2(m / 32), 6), 8))
        size = min(size, m)
        of_epoch = ceil(m / size)
        epochs = max(self.epochs, ceil(self.least_steps / of_epoch))
        if self.steps is not None:
            epochs = min(epochs, max(LEAST_EPOCHS, self.steps // of_epoch))
        return {"epochs": epochs, "batch_size": size}

    def descent(self, n_in: int, epochs: int) -> dict[str, Any]:
        """Return the options of `fit` by which networks with n_in inputs are trained so long."""
        roots = [n**0.5 if self.by_width else 1.0 for n in (n_in, *self.hidden)]
        rates: list[Any] = [(1 / root, self.bias_rate) for root in roots]
        epsilon: list[Any] = [(self.epsilon * root, self.epsilon) for root in roots]
        if self.scale_rate:
            rates.append(self.scale_rate)
            epsilon.append(self.epsilon)
        optimizer = AdamW(
            SCHEDULES[self.schedule](self.learning_rate, epochs),
            beta1=self.beta1, beta2=self.beta2, weight_decay=self.weight_decay,
            epsilon=epsilon if self.by_width else self.epsilon,
        )  # fmt: skip
        alike = all(rate in (1, (1, 1)) for rate in rates)
        return {
            "optimizer": optimizer,
            "rates": None if alike else rates,
            "dropout": self.dropout,
            "drop_last": self.drop_last,
        }

    def of(self, **given: Any) -> "Recipe":
        """Return it with other fields where they are given, not None."""
        return replace(self, **{name: v for name, v in given.items() if v is not None})


# Chosen on the tables of bench/tables.py that it does not keep apart: docs/tables-study.md.
_OF_VALUES = Recipe(
    members=7, hidden=(32, 32), activation="mish", bins=32, bins_for="half", scale_rate=3.0,
    epochs=60, steps=6000, least_steps=300,
)  # fmt: skip
_OF_CLASSES = replace(_OF_VALUES, metric="log_loss")
_DEFAULT = {CLASSES: _OF_CLASSES, VALUES: _OF_VALUES}
# RealMLP-TD-S of Holzmüller, Grinsztajn and Steinwart, "Better by Default" (arXiv 2407.04491), with
# its three layers of z = xW/√n + b, W ~ N(0, 1), as W ~ N(0, 1/n).
_REALMLP = Recipe(
    members=1, hidden=(256, 256, 256), activation="selu", init="scaled", zero_output=True,
    indicators=False, scale_categories=True, categories_scale=1.0, learning_rate=0.04,
    schedule="coslog4", beta2=0.95, weight_decay=0.0, bias_rate=0.1, scale_rate=6.0, by_width=True,
    epochs=256, batch_size=256, drop_last=True, held_out=0.2, patience=256,
)  # fmt: skip
# Their cost of values has no ½: with half the gradient, half of ε makes the same step of Adam.
_REALMLP_OF_VALUES = replace(_REALMLP, activation="mish", learning_rate=0.07, epsilon=0.5e-8)


def _but(**fields: Any) -> dict[str, Recipe]:
    return {task: replace(recipe, **fields) for task, recipe in _DEFAULT.items()}


# By name, for classes and for values.
PRESETS: dict[str, dict[str, Recipe]] = {
    "fast": _but(members=1),
    "default": _DEFAULT,
    "best": _but(members=16, epochs=150, steps=12_000),
    "realmlp": {CLASSES: _REALMLP, VALUES: _REALMLP_OF_VALUES},
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
