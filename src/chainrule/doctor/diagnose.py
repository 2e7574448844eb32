"""A doctor for networks: what is wrong, with the figures, and what to try next."""

import copy
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import first_activations
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count
from chainrule.checks.samples import Samples
from chainrule.checks.threads import check_threads
from chainrule.doctor.findings import SEVERITIES, Finding, Score
from chainrule.doctor.layer_states import Layers, measure_layers
from chainrule.doctor.symptoms_of_data import class_counts, look_at_inputs, look_at_targets
from chainrule.doctor.symptoms_of_layers import look_at_layers
from chainrule.doctor.symptoms_of_training import look_at_course, look_at_scores, look_for_turn
from chainrule.model import passes
from chainrule.model.model import Model, check_network, check_trainable
from chainrule.optimizers import Optimizer
from chainrule.results.gradient import Gradient, Trace
from chainrule.results.history import History
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.validation import checked_validation

WIDTH = 88  # of a printed line
LIMIT = 2000  # of samples that go through the network


class Diagnosis(Sequence[Finding]):
    """The findings, most serious first; printed, a note in plain English.

    Attributes
    ----------
    layers : Layers
        A `Layer` for each l = 2 ... L: activation, units, share saturated, units stuck, ‖δ^l‖,
        ‖W^l‖. ``print(diagnosis.layers)`` shows the table.
    samples : int
        How many samples went through the network.
    """

    def __init__(self, net: Model, found: Iterable[Finding], layers: Layers, n_samples: int):
        self.layers = layers
        self.samples = n_samples
        self._name = "-".join(map(str, net.sizes))
        self._found = sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Finding]: ...

    def __getitem__(self, index):
        return self._found[index]

    def __repr__(self):
        return f"<Diagnosis: {', '.join(finding.kind for finding in self) or 'nothing found'}>"

    def __str__(self):
        count = f"{self.samples} sample{'' if self.samples == 1 else 's'}"
        head = f"The network {self._name}, looked at with {count}:"
        if not self._found:
            return f"{head} nothing found."
        paragraphs = [head]
        for number, finding in enumerate(self, start=1):
            mark = f"{number}. "
            lines = [f"{finding.severity.capitalize()}: {finding.text}", f"Try: {finding.advice}"]
            indents = (mark, " " * len(mark))
            filled = [
                textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indents[1])
                for line, indent in zip(lines, indents, strict=True)
            ]
            paragraphs.append("\n".join(filled))
        return "\n\n".join(paragraphs)


@dataclass(frozen=True)
class Case:
    """A network, and what came of a pass forward and back for the samples looked at."""

    net: Model
    Y: NDArray | None  # (m, n_L); None where a target is for several outputs
    trace: Trace
    nabla: Gradient
    layers: Layers
    saturated: list  # where units are, (m, n_l) for each layer; None for softmax
    score: Score


@known_options()
def diagnose(
    net: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    history: History | None = None,
    optimizer: Optimizer | FullBatchOptimizer | None = None,
    limit: int = LIMIT,
) -> Diagnosis:
    """Say in plain words what keeps a network from learning, or from learning well.

    It looks at the data, at one pass forward and back, at the course of training, and at how well
    the network does now; it changes nothing. ``fit(..., diagnose=True)`` asks for it in the end.
    The limits, with their reasons, stand at the top of ``symptoms_of_data.py``,
    ``symptoms_of_layers.py`` and ``symptoms_of_training.py`` of ``chainrule/doctor``, and of
    ``chainrule/training/causes.py``. The kinds of
    finding:

    - of inputs: unscaled_inputs, different_scales, constant_inputs;
    - of targets: same_targets, missing_classes, class_imbalance, targets_out_of_range,
      unscaled_targets;
    - of layers: not_finite, identical_units, dead_units, saturated_units, saturated_output,
      zero_gradient, vanishing_gradient, exploding_gradient, same_outputs;
    - of training: cost_not_finite, cost_blown_up, cost_rising, cost_oscillating, cost_flat,
      cost_slow, overfitting, underfitting.

    Unscaled data and dead units are a "note" in a network that has learned its task all the same;
    saturated units, a δ that vanishes or explodes, and a cost that goes up and down, as with
    dropout, then are no finding at all.

    Parameters
    ----------
    net : Network
        Of units that have a derivative: not step.
    X : array (m, n_1)
    y : array (m, n_L), or integer labels (m,)
        The samples it is, or shall be, trained on. All targets are looked at, and inputs as the
        network reads them, a^1 = input_scale·x + input_shift.
    validation_data : (X, y), optional
        Samples it is not trained on, to see whether it has learned its own by heart.
    history : History, optional
        The course of training; that of the last `fit`, ``net.history``, if not given.
    optimizer : SGD, Adam, ..., optional
        The one in use: advice on the learning rate names its figures. That of the last `fit`,
        ``net.optimizer``, if not given.
    limit : int, default 2000
        How many samples go through the network. Of more, so many are drawn, the same ones each
        time.

    Returns
    -------
    Diagnosis
        A sequence of `Finding`, most serious first; ``print`` shows it as a note.

    Raises
    ------
    ValueError, TypeError
        For data or options that do not fit, or a network with step units.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([2, 4, 1], hidden="relu", init="he", seed=0)
    >>> net.biases[0][:] = -100
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> diagnosis = cr.diagnose(net, X, X[:, 0] > 0)
    >>> diagnosis
    <Diagnosis: dead_units>
    >>> print(diagnosis.layers)
    layer  activation  units  saturated  stuck      ‖δ‖      ‖W‖
        2  relu            4       100%      4        0     1.86
        3  sigmoid         1         0%      0     0.12     1.12
    """
    check_network(net)
    check_trainable(net)
    samples = Samples(net, X, y)
    net._check_delta(samples.targets)
    held_out = None
    if validation_data is not None:
        held_out = checked_validation(net, validation_data, samples)
    history = net.history if history is None else history
    if not isinstance(history, History | None):
        raise TypeError(f"history must be a chainrule.History; got {type(history).__name__}")
    if optimizer is None and history and history is net.history:  # without epochs it is another's
        optimizer = net._optimizer
    return examine(net, samples, held_out, history, optimizer, limit)


def examine(
    net: Model,
    samples: Samples,
    held_out: Samples | None,
    history: History | None,
    optimizer: Optimizer | FullBatchOptimizer | None,
    limit: int = LIMIT,
) -> Diagnosis:
    """Diagnose a network by samples that are checked already; `diagnose` has the rest."""
    limit = check_count("limit", limit, least=1)
    rate = _learning_rate(optimizer)
    targets, seen = samples.targets, _some(samples, limit)
    case = _look(net, seen)
    score, counts = case.score, class_counts(targets, net.sizes[-1])
    found = look_at_inputs(first_activations(net._plan, seen.X, net.dtype), score, net.input_names)
    found += look_at_targets(targets, counts, net._output, score)
    plain_cost = None if _any_serious(found) else _plain_cost(net, seen)
    of_layers = look_at_layers(case)
    if history is not None and (len(history) or history.diverged):
        explained = _any_serious([*found, *of_layers])
        found += look_at_course(history, score, rate, explained, plain_cost)
    found += of_layers
    unseen = None if held_out is None else score_of(net, held_out)
    found += look_at_scores(score, unseen, net, _any_serious(found))
    if history is not None and not any(finding.kind == "overfitting" for finding in found):
        found += look_for_turn(history)
    return Diagnosis(net, found, case.layers, len(seen))


def _learning_rate(optimizer):
    """Return the number it is, or None where there is none: full-batch, or a schedule."""
    if optimizer is None or isinstance(optimizer, FullBatchOptimizer):
        return None
    if not hasattr(optimizer, "learning_rate"):
        raise TypeError(f"optimizer must be one such as chainrule.SGD(0.1); got {optimizer!r}")
    return optimizer.learning_rate if isinstance(optimizer.learning_rate, Real) else None


def _some(samples, limit):
    """Return at most `limit` of the samples, the same ones each time."""
    m = len(samples)
    if m <= limit:
        return samples
    return samples.of_rows(np.sort(np.random.default_rng(0).choice(m, limit, replace=False)))


def _look(net, samples):
    """Send the samples forward and back."""
    trace, nabla = passes.trace(net, samples), passes.gradient(net, samples, check_threads(None))
    layers, saturated = measure_layers(net, trace)
    Y = as_matrix(samples.targets, net.sizes[-1])
    return Case(net, Y, trace, nabla, layers, saturated, score_of(net, samples))


def as_matrix(targets, n_out):
    """Return targets as (m, n_out), or None where a target is for several outputs."""
    if targets.labels is not None:
        return np.eye(n_out)[targets.labels]
    return targets.Y.astype(np.float64) if targets.outputs_per_target == 1 else None


def score_of(net, samples):
    """Return the `Score` of the network for samples."""
    counts, m = class_counts(samples.targets, net.sizes[-1]), len(samples)
    if counts is not None:
        _, right, total = passes.evaluate(net, samples, check_threads(None))
        return Score(right / total, float(counts.max() / counts.sum()), True, m)
    Y = as_matrix(samples.targets, net.sizes[-1])
    if Y is None:
        return Score(np.nan, 0.0, False, m)
    with np.errstate(all="ignore"):  # outputs may be huge, or targets all alike
        said = passes.outputs(net, samples.X, check_threads(None))
        residual = ((Y - net._output_scaling.outputs(said)) ** 2).sum()
        value = float(1 - residual / ((Y - Y.mean(axis=0)) ** 2).sum())
    return Score(value, 0.0, False, m)


def _plain_cost(net, samples):
    """Return the mean cost of always answering σ(0)."""
    twin = copy.copy(net)
    twin.parameters[:] = 0
    return passes.evaluate(twin, samples, check_threads(None))[0]


def _any_serious(found):
    return any(finding.severity == "serious" for finding in found)
