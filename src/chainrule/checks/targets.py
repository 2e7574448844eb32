"""Targets: what the network shall answer, as numbers for each output or as labels."""

import copy
import math

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import as_numbers, as_real
from chainrule.checks.classes import named_labels, places_of
from chainrule.checks.frames import is_frame, is_series
from chainrule.checks.output_weights import check_missing, output_weights_of, without_missing
from chainrule.core import _core


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
        self._cost, self._dtype, self._name, self._width = cost, dtype, name, width
        self._scaled = bool(scaling)
        self.outputs_per_target = cost.outputs_per_target
        self.n_classes = max(width, 2)
        self._takes_labels = width > 1 and self.outputs_per_target == 1 and not self._scaled
        if self._takes_labels and (known is None or known.dtype.kind not in "iu"):
            self.labels = _core.labels_of(y, width)
        if self.labels is None:
            y = self._read(y, width, known, answers, scaling, missing, part)
        if len(y) != m:
            raise ValueError(f"{name} must have a target for each of the {m} samples; got {len(y)}")
        self.weights: NDArray | None = None
        if weights is not None or self.missing is not None:
            shape = m, width // self.outputs_per_target
            self.weights = output_weights_of(
                f"{role}output_weight", weights, self.missing, shape, dtype, cost, part
            )
        self.U = None if self.weights is None else cost.lay_out(self.weights)

    def _read(self, y, width, known, answers, scaling, missing_targets, part) -> NDArray:
        """Take y, whatever it is; return it as an array."""
        dtype = np.dtype(np.float64) if self._scaled else self._dtype
        is_ready = _core.is_ready(y, dtype, math.inf)
        given = y if is_ready else self._as_numbers(y, width, known, answers)
        if given.dtype.kind in "iub" and given.ndim == 1 and self._takes_labels:
            self.labels = self._as_labels(given, width, self._name)
            return given
        n = width // self.outputs_per_target
        filled = self._shaped(given, n, self._name, self._takes_labels)
        if not is_ready:
            filled, self.missing = without_missing(self._name, y, filled, missing_targets, part)
            filled = as_real(self._name, filled, dtype)
        read = self._cost.read_targets(self._name, filled)
        self.given = filled if self.missing is None else _with_nan(filled, self.missing)
        if not self._scaled:
            self.Y = self._cost.lay_out(read)
        elif not scaling.is_open:
            self.learn_by(scaling)
        return given

    def _as_numbers(self, y, width, known, answers) -> NDArray:
        """Return y as numbers; for names of classes their places."""
        if self.outputs_per_target == 1 and not self._scaled:
            found = named_labels(self._name, y, self.n_classes, width, known, answers)
            if found is not None:
                y, self.names = found
                y = y if width > 1 else np.where(y == 1, 1, self._cost.low)
        hint = "; labels must be integers from 0, or text in a vector, y.ravel()"
        if self._scaled:
            hint = "; with an output_scale targets are numbers, for classes leave it out"
        # a label may not be missing
        may_miss = width == self.outputs_per_target or is_frame(y) or not is_series(y)
        return as_numbers(self._name, y, hint, missing=may_miss)

    def learn_by(self, scaling) -> None:
        """Learn targets y as (y - shift)/scale, rounded once."""
        learned = scaling.learned(self.given)
        if self.missing is not None:
            learned[self.missing] = 0
        Y = as_real(f"{self._name} once scaled", learned, self._dtype)
        self.Y = self._cost.lay_out(Y)

    def weigh_all(self) -> None:
        """Have a weight for each target, 1 where none is given."""
        if self.weights is None:
            shape = len(self), self._width // self.outputs_per_target
            self.weights = np.ones(shape, self._dtype)
            self.U = self._cost.lay_out(self.weights)

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
                hint = (
                    f" of {given.dtype}; labels must be integers (y.astype(int)), or text; for one "
                    "number a sample write Network([..., 1], task='regression')"
                )
            elif given.ndim == 2 and given.shape[1] == 1 and takes_labels:
                hint = "; labels are a vector, y.ravel()"
            raise ValueError(f"{name} must be {expected}; got shape {given.shape}{hint}")
        return given

    @property
    def are_classes(self):
        """Whether accuracy has a meaning: labels, one-hot rows, or a single column of 0 and 1.

        For the hinge cost, -1 is in the place of 0. Where some are missing it has none.
        """
        if self.labels is not None:
            return True
        if self._scaled or self.missing is not None:
            return False
        m, n = self.Y.shape
        return self._rows_of_one >= (m if n > 1 else 0)

    @property
    def _rows_of_one(self):
        """How many rows of Y have a single 1; -1 if there are other numbers than 1 and the low."""
        return _core.rows_of_one(self.Y, self._cost.low)

    @property
    def classes(self) -> NDArray:
        """The class of each sample, (m,) from 0 to n_classes - 1, where `are_classes`."""
        if self.labels is not None:
            return self.labels
        return self.Y.argmax(axis=1) if self.Y.shape[1] > 1 else (self.Y[:, 0] > 0).astype(int)

    def classes_of(self, outputs) -> NDArray:
        """Return the class that each row of outputs (m, n_L) says, (m,)."""
        return places_of(outputs, self._cost.low)

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
        if self._scaled or self.outputs_per_target > 1 or self._rows_of_one < 0:
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
