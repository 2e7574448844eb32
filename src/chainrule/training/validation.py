"""What is measured after each epoch, on samples that are not trained on."""

from collections.abc import Iterable

import numpy as np

from chainrule.checks.options import check_function, check_real
from chainrule.checks.other_tools import OF_METRICS
from chainrule.checks.samples import Samples
from chainrule.checks.words import hint
from chainrule.model.model import Model
from chainrule.model.passes import evaluate, outputs
from chainrule.results.history import RESERVED


class Validation:
    """Checked validation data, and the names of what is measured on them.

    Parameters
    ----------
    net : Model
    samples : Samples
    metrics : dict of str to function
    threads : tuple of int
        As `check_threads` returns them.
    """

    def __init__(self, net: Model, samples: Samples, metrics: dict, threads=(1, 0)):
        self.samples, self.metrics, self.threads = samples, metrics, threads
        targets = samples.targets
        self.of_classes = targets.are_classes
        self.measures = ["validation_cost"]
        if self.of_classes:
            self.measures.append("validation_accuracy")
        self.measures += metrics
        if metrics:
            self.truth = targets.called(targets.classes) if self.of_classes else targets.values
            self.outputs = np.empty((len(samples), net.sizes[-1]), net.dtype)

    @classmethod
    def of(
        cls,
        net: Model,
        options,
        held_out: Samples | None = None,
        like: Samples | None = None,
    ) -> "Validation | None":
        """Return what the options of a fit ask to be measured after each epoch, or None.

        held_out: the samples of validation_split. like: those trained on, as `Samples` takes them.
        """
        data, split, metrics = options.validation_data, options.validation_split, options.metrics
        if data is None and split is None:
            if metrics:
                raise ValueError("metrics need validation_data or validation_split")
            return None
        if data is not None and split is not None:
            raise ValueError("validation_data and validation_split: give one of the two")
        if held_out is not None:
            return cls(net, held_out, metrics, options.threads)
        samples = checked_validation(net, data, like, options.missing_targets)
        return cls(net, samples, metrics, options.threads)

    def evaluate(self, net: Model) -> dict[str, float]:
        """Return the measures on `net` as it is now."""
        cost, correct, total = evaluate(net, self.samples, self.threads)
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
        outputs(net, self.samples.X, self.threads, out=self.outputs)
        if self.of_classes:
            targets = self.samples.targets
            return targets.called(targets.classes_of(self.outputs))
        a = self.outputs.copy()  # a metric may keep it
        return a[:, 0] if a.shape[1] == 1 else a


def check_figure(who: str, monitor: str, measures: Iterable[str]):
    """Raise if `who` waits for a figure of the validation, `monitor`, that is not measured."""
    if monitor.startswith("validation_") and monitor in RESERVED and monitor not in measures:
        needed = "validation_data or validation_split"
        if "validation_cost" in measures:
            needed += " whose targets are classes"
        raise ValueError(f"{who}(monitor={monitor!r}) needs {needed}")


def checked_validation(
    net: Model, data, like: Samples | None = None, missing_targets: str = "refuse"
) -> Samples:
    """Return the samples of `fit`'s validation_data, checked; like: as `Samples` takes them."""
    given = tuple(data) if isinstance(data, Iterable) else ()
    if len(given) not in (2, 3, 4):
        raise TypeError(
            "validation_data must be (X, y), (X, y, sample_weight) or (X, y, sample_weight, "
            f"output_weight); got {type(data).__name__}"
        )
    X, y, sample_weight, output_weight = (*given, None, None)[:4]
    return Samples(
        net, X, y, sample_weight,
        output_weight=output_weight, missing_targets=missing_targets, role="validation ", like=like,
    )  # fmt: skip


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
            given = [metrics] if isinstance(metrics, str) else list(metrics)
        except TypeError:
            raise TypeError(
                "metrics must be a dict of functions by name, or a list of functions; "
                f"got {metrics!r}"
            ) from None
        metrics = {}
        for metric in given:
            if isinstance(metric, str):
                raise TypeError(
                    "each of metrics must be a function of (y_true, y_pred), such as those of "
                    f"sklearn.metrics; got {metric!r}.{hint(metric, (), OF_METRICS)}"
                )
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
