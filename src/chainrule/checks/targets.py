"""Targets: what the network shall answer, as numbers for each output or as labels."""

import copy

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers, as_real
from chainrule.checks.classes import named_labels, places_of
from chainrule.checks.frames import is_frame, is_series
from chainrule.checks.output_weights import check_missing, output_weights_of, without_missing

FEW = 100  # rows


class Targets:
    """Targets of m samples: `Y` (m, n_L) in the network's dtype, or `labels` (m,) in int32.

    The other of the two is None. n_L is `width`, `cost` a `chainrule.costs.Cost`; `known` are the
    classes that a network has settled, or None, `answers` what it answers with, likewise. `part`:
    whether there are other targets, so that these may all be missing or count nothing. `weights`
    and `missing` are `fit`'s output_weight and missing_targets. `scaling` is what the network's
    outputs are scaled by (`chainrule.model.scaling`): where there is one, targets are numbers,
    never classes, and Y is what is learned of them, None until `learn_by` says what that is.

    Attributes
    ----------
    given : ndarray (m, n), or None for labels
        As users have them, NaN where missing; in float64 where there is a scaling.
    names : ndarray (n_classes,) or None
        What users call the classes, where y has such names.
    weights : ndarray (m, n), or None where all targets count alike
        How much each target counts; 0 where it is missing.
    U : ndarray (m, n_L), or None
        The same for each output.
    missing : ndarray (m, n), or None where no target is missing
        `Y` has some other target in the place of each that is.
    """

    def __init__(
        self, y, m, width, dtype, cost, name="y", known=None, scaling=None, *, answers=None,
        weights=None, missing="refuse", part=False, role="",
    ):  # fmt: skip
        self.Y = self.labels = self.names = self.given = None
        self.missing: NDArray | None = None
        if missing != "refuse":
            check_missing("missing_targets", missing)
        self._low, self._cost, self._dtype, self._name = cost.low, cost, dtype, name
        self._scaled = bool(scaling)
        self.outputs_per_target = cost.outputs_per_target
        self.n_classes = max(width, 2)
        of_classes = self.outputs_per_target == 1 and not self._scaled
        if of_classes:
            found = named_labels(name, y, self.n_classes, width, known, answers)
            if found is not None:
                y, self.names = found
                y = y if width > 1 else np.where(y == 1, 1, self._low)
        hint = "; labels must be integers from 0"
        if self._scaled:
            hint = "; with an output_scale targets are numbers, for classes leave it out"
        n = width // self.outputs_per_target
        may_miss = n == 1 or is_frame(y) or not is_series(y)  # a label may not
        given = as_numbers(name, y, hint, missing=may_miss)
        takes_labels = width > 1 and of_classes
        if given.dtype.kind in "iub" and given.ndim == 1 and takes_labels:
            self.labels = self._as_labels(given, width, name)
        else:
            matrix = self._shaped(given, n, name, takes_labels)
            filled, self.missing = without_missing(name, y, matrix, missing, part)
            filled = as_real(name, filled, np.float64 if self._scaled else dtype)
            read = cost.read_targets(name, filled)
            self.given = filled if self.missing is None else _with_nan(filled, self.missing)
            if not self._scaled:
                self.Y = cost.lay_out(read)
            elif not scaling.is_open:
                self.learn_by(scaling)
        if len(given) != m:
            raise ValueError(
                f"{name} must have a target for each of the {m} samples; got {len(given)}"
            )
        self.weights = output_weights_of(
            f"{role}output_weight", weights, self.missing, (m, n), dtype, cost, part
        )
        self.U = None if self.weights is None else cost.lay_out(self.weights)

    def learn_by(self, scaling) -> None:
        """Learn targets y as (y - shift)/scale, rounded once."""
        learned = scaling.learned(self.given)
        if self.missing is not None:
            learned[self.missing] = 0
        Y = as_real(f"{self._name} once scaled", learned, self._dtype)
        self.Y = self._cost.lay_out(Y)

    @staticmethod
    def _as_labels(given, width, name):
        outside = (given < 0) | (given >= width)
        if outside.any():
            where = int(np.argmax(outside))
            raise ValueError(
                f"{name} must hold labels from 0 to {width - 1}, one class per output; "
                f"{name}[{where}] is {given[where]}"
            )
        return np.array(given, np.int32)  # our own: the core relies on what was checked

    @staticmethod
    def _shaped(given, width, name, takes_labels):
        if given.ndim == 1 and width == 1:
            given = given[:, None]
        if given.ndim != 2 or given.shape[1] != width:
            expected = f"(samples, {width})" + (
                ", or integer labels (samples,)"
                if takes_labels
                else " or (samples,)"
                if width == 1
                else ""
            )
            hint = ""
            if given.ndim == 1 and takes_labels:
                hint = f" of {given.dtype}; labels must be integers (y.astype(int))"
            raise ValueError(f"{name} must be {expected}; got shape {given.shape}{hint}")
        return given

    @property
    def are_classes(self):
        """Whether accuracy has a meaning: labels, one-hot rows, or a single column of 0 and 1.

        For the hinge cost, -1 is in the place of 0. Where some are missing it has none.
        """
        if self.labels is not None:
            return True
        if self._scaled or self.missing is not None or not self._are_ones_and_lows:
            return False
        return self.Y.shape[1] == 1 or bool(((self.Y == 1).sum(axis=1) == 1).all())

    @property
    def _are_ones_and_lows(self):
        few = self.Y[:FEW]  # which mostly tell
        return all(bool(((Y == 1) | np.equal(Y, self._low)).all()) for Y in (few, self.Y))

    @property
    def classes(self) -> NDArray:
        """The class of each sample, (m,) from 0 to n_classes - 1, where `are_classes`."""
        if self.labels is not None:
            return self.labels
        return self.Y.argmax(axis=1) if self.Y.shape[1] > 1 else (self.Y[:, 0] > 0).astype(int)

    def classes_of(self, outputs) -> NDArray:
        """Return the class that each row of outputs (m, n_L) says, (m,)."""
        return places_of(outputs, self._low)

    def called(self, classes: NDArray) -> NDArray:
        """Return classes, given from 0 to n_classes - 1, as users call them."""
        return classes if self.names is None else self.names[classes]

    @property
    def answers(self) -> str:
        """What a network that learns them answers with: "classes", "multilabel" or "values"."""
        if self._cost.name == "poisson":  # counts
            return "values"
        if self.are_classes:
            return "classes"
        if self._scaled or self.outputs_per_target > 1 or not self._are_ones_and_lows:
            return "values"
        return "multilabel" if self.given.shape[1] > 1 else "classes"

    @property
    def values(self) -> NDArray:
        """The targets as they were given, (m, n), or (m,) if n = 1, where they are no labels.

        NaN where they are missing.
        """
        return self.given[:, 0] if self.given.shape[1] == 1 else self.given

    def of_rows(self, rows) -> "Targets":
        """Return the targets of the samples `rows` alone."""
        part = copy.copy(self)
        if self.labels is not None:
            part.labels = self.labels[rows]
        else:
            part.given = self.given[rows]
            part.Y = None if self.Y is None else self.Y[rows]
        if self.missing is not None:
            missing = self.missing[rows]
            part.missing = missing if missing.any() else None
        if self.weights is not None:
            part.weights, part.U = self.weights[rows], self.U[rows]
        return part

    def __len__(self):
        return len(self.given if self.labels is None else self.labels)


def _with_nan(given, missing):
    """Return targets (m, n) that are NaN where they are missing."""
    given = given.copy()
    given[missing] = np.nan
    return given
