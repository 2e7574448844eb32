"""What is measured after each epoch, on samples that are not trained on."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.arrays import Targets, as_inputs
from chainrule.history import RESERVED
from chainrule.options import check_function, check_number, check_real

SPLIT_STREAM = 2**64 - 1  # of random numbers: not one of an epoch


class Validation:
    """Checked validation data, and the names of what is measured on them.

    Parameters
    ----------
    net : Network
    X : array (m, n_1)
    targets : Targets
    metrics : dict of str to function
    threads : tuple of int
        As `check_threads` returns them.
    """

    def __init__(self, net, X: NDArray, targets: Targets, metrics: dict, threads=(1, 0)):
        self.threads = threads
        self.X, self.targets, self.metrics = X, targets, metrics
        self.of_classes = targets.are_classes
        self.measures = ["validation_cost"]
        if self.of_classes:
            self.measures.append("validation_accuracy")
        self.measures += metrics
        if metrics:
            self.truth = targets.classes if self.of_classes else targets.values
            self.outputs = np.empty((len(X), net.sizes[-1]), net.dtype)

    def evaluate(self, net) -> dict[str, float]:
        """Return the measures on `net` as it is now."""
        cost, correct, total = _core.evaluate(
            net._plan,
            net.parameters,
            self.X,
            self.targets.Y,
            self.targets.labels,
            None,
            *self.threads,
        )
        figures = {"validation_cost": cost}
        if self.of_classes:
            figures["validation_accuracy"] = correct / total
        if self.metrics:
            predicted = self._predicted(net)
            for name, metric in self.metrics.items():
                value = check_real(f"what metric '{name}' returns", metric(self.truth, predicted))
                figures[name] = float(value)
        return figures

    def _predicted(self, net):
        """Return classes (m,) where the targets are; else outputs (m, n_L), or (m,) if n_L = 1."""
        _core.feedforward(net._plan, net.parameters, self.X, self.outputs, *self.threads)
        if self.of_classes:
            return self.targets.classes_of(self.outputs)
        a = self.outputs.copy()  # a metric may keep it
        return a[:, 0] if a.shape[1] == 1 else a


def check_figure(who: str, monitor: str, measures: Iterable[str]):
    """Raise if `who` waits for a figure of the validation, `monitor`, that is not measured."""
    if monitor.startswith("validation_") and monitor in RESERVED and monitor not in measures:
        needed = "validation_data or validation_split"
        if "validation_cost" in measures:
            needed += " whose targets are classes"
        raise ValueError(f"{who}(monitor={monitor!r}) needs {needed}")


def checked_pair(net, data) -> tuple[NDArray, Targets]:
    """Return `fit`'s validation_data, checked."""
    try:
        X, y = data
    except (TypeError, ValueError):
        raise TypeError(
            f"validation_data must be a pair (X, y); got {type(data).__name__}"
        ) from None
    X = as_inputs(X, net.sizes[0], net.dtype, "validation X")
    return X, Targets(y, len(X), net.sizes[-1], net.dtype, net._cost, "validation y")


def split_rows(m: int, share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Return the rows to train on and those to validate on, each in their order.

    The seed and m alone decide, so that a later `fit` on the same data holds out the same rows: the
    first round(share·m), at least 1, of ``_core.shuffled(m, seed, 2**64 - 1)``.
    """
    check_number("validation_split", share, lambda x: 0 < x < 1, "in 0 < validation_split < 1")
    if m < 2:
        raise ValueError(f"validation_split needs two samples or more; got {m}")
    order = np.empty(m, np.int32)
    _core.shuffled(m, seed, SPLIT_STREAM, order)
    count = min(max(1, math.floor(share * m + 0.5)), m - 1)
    return np.sort(order[count:]), np.sort(order[:count])


def check_metrics(metrics) -> dict:
    """Return `fit`'s metrics as a dict of functions by name.

    Raises
    ------
    ValueError, TypeError
        For what is no function, and for names that are taken.
    """
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        try:
            given = list(metrics)
        except TypeError:
            raise TypeError(
                "metrics must be a dict of functions by name, or a list of functions; "
                f"got {metrics!r}"
            ) from None
        metrics = {}
        for metric in given:
            name = getattr(check_function("each of metrics", metric), "__name__", "<none>")
            if not name.isidentifier() or name in metrics:
                raise ValueError(
                    f"metrics must have names of their own; got {metric!r}: "
                    "give a dict, metrics={'name': function}"
                )
            metrics[name] = metric
    for name, metric in metrics.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a metric must be a string; got {name!r}")
        if name in RESERVED or not name:
            raise ValueError(f"the name {name!r} of a metric is taken; give it another")
        check_function(f"metric '{name}'", metric)
    return dict(metrics)
