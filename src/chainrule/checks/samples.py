"""Samples: inputs paired with their targets and weights, checked together."""

import copy
import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.checks.arrays import PIECE, Inputs, Scaling, as_inputs
from chainrule.checks.frames import names_of
from chainrule.checks.options import check_share
from chainrule.checks.picked_rows import RowsOf, pick
from chainrule.checks.sample_weights import weights_of, without_tiny
from chainrule.checks.targets import Targets
from chainrule.core import _core

SPLIT_STREAM = 2**64 - 1  # of random numbers: not one of an epoch


class Shape(Protocol):
    """What samples ask of a network: its inputs and outputs, of which numbers and cost."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of parameters and arithmetic."""
        ...

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """Of the columns of X, if it has names for them."""
        ...

    _cost: Any
    _named: NDArray | None  # the classes, where they have names
    _answers: str | None  # what it answers with, where that is settled

    @property
    def _scaling(self) -> Scaling:
        """What is done to inputs before they are read."""
        ...

    @property
    def _output_scaling(self) -> Any:
        """What is done to outputs before they are handed out."""
        ...


class Samples:
    """Checked inputs with their targets and weights.

    Parameters
    ----------
    net : Model
        Whose samples they are.
    X, y, sample_weight, class_weight, output_weight, missing_targets
        As `Network.fit` takes them.
    dtype : dtype, optional
        Of targets and weights, if not the network's.
    role : str, default ""
        What messages say before "X" and "y", with a space behind it.
    like : Samples, optional
        Those trained on: what columns and classes are called there, and how they are scaled,
        counts, where the network does not know it yet.
    learns : bool, default False
        Whether the network learns from them: only then may a scaling be open.
    part : bool, default False
        Whether there are others beside them, so that none of these needs to count.
    classes : ndarray (n_classes,), optional
        What the classes of all are called, where these need not have each of them.

    Attributes
    ----------
    X : ndarray (m, n_1), SparseRows, or a RowsOf one of these
    targets : Targets
    scaling, output_scaling : chainrule.model.scaling.Scaling
        Of X, and of what is said of it.
    weights : ndarray (m,), or None where all count alike
    exponent : int
        The power of two that was taken out of the weights, which counts beside other samples.
    output_weights : ndarray (m, n_targets), or None where all targets count alike
    names : tuple of str, or None
        Of the columns of X, where it is a frame that has names.
    """

    X: Inputs
    targets: Targets
    weights: NDArray | None
    exponent: int
    names: tuple[str, ...] | None
    given: int = 0  # which of `_core.GIVEN` the core finds in the place of Y
    of_all: NDArray | None = None  # the fingerprint of all, where other processes have the others

    def __init__(
        self,
        net: Shape,
        X,
        y,
        sample_weight=None,
        class_weight=None,
        *,
        output_weight=None,
        missing_targets="refuse",
        dtype: DTypeLike | None = None,
        role: str = "",
        like: "Samples | None" = None,
        learns: bool = False,
        part: bool = False,
        classes: NDArray | None = None,
    ):
        self.scaling: Any = net._scaling if like is None else like.scaling
        self.output_scaling: Any = net._output_scaling if like is None else like.output_scaling
        if not learns and (self.scaling.is_open or self.output_scaling.is_open):
            self.scaling.check_set()
            self.output_scaling.check_set()
        dtype = net.dtype if dtype is None else np.dtype(dtype)
        known, written = net.input_names, "list(net.input_names)"
        answers = net._answers
        classes = net._named if classes is None else classes
        if known is None and like is not None and like.names is not None:
            known, written = like.names, "list(X.columns)"
        if answers is None and like is not None:
            classes, answers = like.targets.names, like.targets.answers
        called = role + "X" if role else "X"
        self.X = as_inputs(
            X, net.sizes[0], dtype, called, scaling=self.scaling, names=known, written=written
        )
        given = X.of if isinstance(X, RowsOf) else X
        self.names = None if isinstance(given, np.ndarray) else names_of(called, given)
        self.targets = Targets(
            y, len(self.X), net.sizes[-1], dtype, net._cost, role + "y" if role else "y", classes,
            self.output_scaling, answers=answers, weights=output_weight, missing=missing_targets,
            part=part, role=role,
        )  # fmt: skip
        self._dtype, self._role = dtype, role
        self.weights, self.exponent = None, 0
        self.weigh(sample_weight, class_weight, part)

    def weigh(self, sample_weight, class_weight, part: bool) -> None:
        """Have the weights of `weights_of`, if any are given."""
        if sample_weight is not None or class_weight is not None:
            self.weights, self.exponent = weights_of(
                f"{self._role}sample_weight", sample_weight, class_weight, self.targets,
                self._dtype, part,
            )  # fmt: skip

    def weigh_in_units_of(self, exponent: int) -> None:
        """Have the weights as so many 2**exponent, which is at least as much as before."""
        weights: Any = self.weights
        if exponent != self.exponent:
            self.weights = without_tiny(np.ldexp(weights, self.exponent - exponent))
            self.exponent = exponent

    @property
    def output_weights(self) -> NDArray | None:
        """How much each target counts, (m, n_targets)."""
        return self.targets.weights

    @property
    def total_weight(self) -> float:
        """Σ w_i, as the weights were given; the number of samples where all count alike."""
        if self.weights is None:
            return float(len(self))
        with np.errstate(over="ignore"):
            return np.ldexp(self.weights.sum(dtype=np.float64), self.exponent)

    @property
    def for_core(
        self,
    ) -> tuple[Inputs, NDArray | None, NDArray | None, NDArray | None, NDArray | None]:
        """X, Y, labels, and the weights of samples and of outputs, as the core takes them."""
        return self.X, self.targets.Y, self.targets.labels, self.weights, self.targets.U

    def read_by(self, scaling: Scaling) -> None:
        """Read X by a scaling that was open before."""
        named = f"{self._role}X"
        self.X = as_inputs(self.X, self.X.shape[1], self._dtype, named, scaling=scaling)
        self.scaling = scaling

    def learn_by(self, scaling) -> None:
        """Learn the targets by a scaling that was open before."""
        self.targets.learn_by(scaling)
        self.output_scaling = scaling

    def of_rows(self, rows: NDArray) -> "Samples":
        """Return some of the samples, in the order of `rows`."""
        return self._of(self.X[rows], rows)

    def unweighted(self) -> "Samples":
        """Return the same samples, all of which count alike; their targets keep their weights."""
        return self._with(self.X, self.targets, None)

    def complete(self) -> "Samples | None":
        """Return the samples of which no target is missing; None where there are none."""
        if self.targets.missing is None:
            return self
        rows = np.flatnonzero(~self.targets.missing.any(axis=1))
        return self.of_rows(rows) if len(rows) else None

    def split(self, share: float, seed: int, shuffled: bool = True) -> tuple["Samples", "Samples"]:
        """Return the samples to train on, and those of `split_rows` that are held out.

        Many inputs to train on are not copied, unless they are gone through as they stand, not
        `shuffled`, which is faster where they stand together.

        Raises
        ------
        ValueError
            If the first have no weight at all.
        """
        rows, held_out = split_rows(len(self), share, seed)
        is_large = self.X.shape[0] * self.X.shape[1] > PIECE
        kept = self._of(pick(self.X, rows) if shuffled and is_large else self.X[rows], rows)
        for of, weights in (("samples", kept.weights), ("targets", kept.output_weights)):
            if weights is not None and not weights.any():
                raise ValueError(f"the weights of all {of} that are not held out are 0")
        return kept, self.of_rows(held_out).unweighted()

    def _of(self, X, rows):
        """Return the samples `rows`, whose inputs are X."""
        weights = None if self.weights is None else self.weights[rows]
        return self._with(X, self.targets.of_rows(rows), weights)

    def _with(self, X, targets, weights):
        other = copy.copy(self)
        other.X, other.targets, other.weights = X, targets, weights
        other.exponent = 0 if weights is None else self.exponent
        return other

    def __len__(self) -> int:
        return len(self.X)


def split_rows(m: int, share: float, seed: int) -> tuple[NDArray, NDArray]:
    """Return the rows to train on and those to validate on, each in their order.

    The seed and m alone decide, so that a later `fit` on the same data holds out the same rows: the
    first round(share·m), at least 1, of ``_core.shuffled(m, seed, 2**64 - 1)``.
    """
    check_share("validation_split", share)
    if m < 2:
        raise ValueError(f"validation_split needs two samples or more; got {m}")
    order = np.empty(m, np.int32)
    _core.shuffled(m, seed, SPLIT_STREAM, order)
    count = min(max(1, math.floor(share * m + 0.5)), m - 1)
    return np.sort(order[count:]), np.sort(order[:count])
