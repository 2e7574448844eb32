"""What training saw, epoch by epoch, as plain arrays and as a picture."""

from array import array
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.other_tools import OF_FIGURES
from chainrule.checks.words import hint
from chainrule.results.csv_log import write_csv
from chainrule.results.pictures import (
    BLUE,
    LIGHT_BLUE,
    ORANGE,
    documents_axes,
    line_style,
    open_course,
)

_OF_THE_CORE = ("cost", "learning_rate", "seconds")
_RECORDED = ("gradient_norm", "objective", "penalty")
_IF_ASKED = (*_RECORDED, "validation_cost", "validation_accuracy")
_BY_LAYER = ("delta_norms", "saturation")
_NOT_MEASURED = (*_RECORDED, *_BY_LAYER)
RESERVED = ("epoch", *_OF_THE_CORE, *_IF_ASKED, *_BY_LAYER)  # not for metrics

_Figures: TypeAlias = "array[float]"  # a string: arrays take no index before Python 3.12
_IfAsked: TypeAlias = "array[float] | None"


class _Column(Protocol):
    """What type checkers know of a property that is an array."""

    def __get__(self, history: Any, owner: type | None = None, /) -> NDArray[np.float64]:
        """Return the array."""
        ...


def _column(name: str, about: str) -> _Column:
    """Return a column of the history as a property with a docstring."""
    return property(lambda history: history[name], doc=about)


class History:
    """The course of one call of `Network.fit`: an entry per finished epoch.

    Each column is read as an attribute (``history.cost``) or by name (``history["cost"]``), a
    metric by its name (``history["f1"]``), and is a fresh 1-D array. ``len(history)`` is the number
    of finished epochs, and ``pandas.DataFrame(dict(history))`` makes a table.

    Attributes
    ----------
    epoch : ndarray of int64
        Numbers of the epochs. They count from 0 over the life of the network, so a second call
        of `fit` goes on where the first one stopped.
    cost : ndarray of float64
        Mean cost of the samples as they were seen during the epoch, each by its weight, without
        penalties. Of a full-batch optimiser: of all samples after the epoch.
    learning_rate : ndarray of float64
        The learning rate of the epoch's last step; NaN for a full-batch optimiser, which has none.
    seconds : ndarray of float64
        Time the epoch's training took, in seconds; the validation is not in it.
    validation_cost, validation_accuracy : ndarray of float64
        Mean cost and share of right answers (0 to 1) on the validation data after the epoch.
        Empty without validation data; the accuracy also where the targets are not classes.
    gradient_norm : ndarray of float64
        With ``fit(..., record="gradients")``, else empty: the mean over the epoch's steps of the
        length ‖∂C/∂p‖ of the whole gradient, before limits and penalties.
    objective : ndarray of float64
        With ``fit(..., record="objective")``, else empty: the mean over the epoch's mini-batches,
        by their numbers of samples, of what each step minimised: the mini-batch's mean cost before
        the step, plus its penalties l1, l2 and l2_of_batch. scikit-learn's ``loss_curve_``.
    penalty : ndarray of float64
        Likewise, the part of the penalties in it.
    delta_norms : ndarray of float64 (epochs, L - 1)
        ‖δ^l‖ of the mean error δ^l = ∂C/∂z^l of layer l = 2 ... L, which is ∂C/∂b^l: the speed at
        which the layer learns. Recorded by ``fit(..., record="layers")`` alone; else reading it
        raises AttributeError.
    saturation : ndarray of float64 (epochs, L - 1)
        Likewise, the share of units, over samples, whose |σ'(z)| is below a twentieth of its
        largest value, or of 1 if that is larger (relu: that are off); NaN for softmax.
    diverged : bool
        Whether training ended since the cost of the epoch after these was not finite.
    diagnosis : Diagnosis or None
        What the doctor said at the end of ``fit(..., diagnose=True)``, as `chainrule.diagnose`
        returns it.

    Notes
    -----
    Those by layer are taken as training sees the samples: from all of them in an epoch of up to
    1024, else from about one in eight, spread over the epoch; of so many, a mean has its own noise,
    below which ‖δ^l‖ cannot fall. They have a column for each layer, and so are attributes only.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> net = cr.Network([2, 8, 1], task="regression", seed=0)
    >>> history = net.fit(X, X[:, 0], epochs=3, validation_split=0.2)
    >>> len(history), history.epoch.tolist(), history.validation_cost.shape
    (3, [0, 1, 2], (3,))
    >>> sorted(dict(history))
    ['cost', 'epoch', 'learning_rate', 'seconds', 'validation_cost']
    """

    def __init__(
        self,
        first_epoch: int = 0,
        measures: Iterable[str] = (),
        layers: int = 0,
        recorded: Iterable[str] = (),
    ):
        # An array.array grows in place, and NumPy copies it at the speed of memory. The core writes
        # to its own, makes them longer beforehand, and counts the epochs.
        self.first_epoch = first_epoch
        self._finished = np.zeros(1, np.uint64)
        self._columns = {name: array("d") for name in (*_OF_THE_CORE, *recorded, *measures)}
        self._layers = layers
        self._by_layer: tuple[_Figures, ...] = (array("d"), array("d")) if layers else ()
        self.diverged = False
        self.diagnosis: Any = None  # a Diagnosis, which stands above this

    def after(self, so_far: "History | None") -> "History":
        """Return it with the epochs of another before its own; itself for None.

        Raises
        ------
        ValueError
            Unless the two record the same.
        """
        if so_far is None:
            return self
        if so_far.figure_names() != self.figure_names():
            raise ValueError(
                f"it has recorded {', '.join(so_far.figure_names())} so far; what is given again "
                f"records {', '.join(self.figure_names())}"
            )
        self.first_epoch, self._finished[0] = so_far.first_epoch, len(so_far)
        for name, column in self._by_name().items():
            column.extend(so_far._by_name()[name][: so_far._most(name)])
        return self

    def state(self) -> dict[str, Any]:
        """Return what a file keeps of it."""
        columns = {n: np.array(column)[: self._most(n)] for n, column in self._by_name().items()}
        return {"first_epoch": self.first_epoch, "layers": self._layers, "columns": columns}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "History":
        """Return the history that `state` is of.

        Raises
        ------
        ValueError
            If it is of none.
        """
        columns = state["columns"]
        measures = [name for name in columns if name not in (*_OF_THE_CORE, *_NOT_MEASURED)]
        recorded = [name for name in _RECORDED if name in columns]
        history = cls(state["first_epoch"], measures, state["layers"], recorded)
        found = history._by_name()
        history._finished[0] = len(columns.get("cost", ()))
        if found.keys() != columns.keys():
            raise ValueError(f"expected the columns {', '.join(found)}; got {', '.join(columns)}")
        for name, column in found.items():
            column.extend(columns[name].ravel().tolist())
            most = history._most(name)
            if len(column) > most or (name not in measures and len(column) < most):
                raise ValueError(f"expected {most} figures of {name}, got {len(column)}")
        return history

    def _by_name(self) -> dict[str, _Figures]:
        """Return all that is recorded."""
        by_layer = zip(_BY_LAYER, self._by_layer, strict=False)  # there is none, or both
        return {**self._columns, **dict(by_layer)}

    def _most(self, name: str) -> int:
        """Return how many figures of that name its epochs have."""
        return len(self) * (self._layers if name in _BY_LAYER else 1)

    @property
    def core_columns(
        self,
    ) -> tuple[
        NDArray, _Figures, _Figures, _Figures, _IfAsked, _IfAsked, _IfAsked, _IfAsked, _IfAsked
    ]:
        """How many epochs are finished, (1,), and the arrays the core writes their figures to.

        All but the first three are None where they are not recorded.
        """
        costs, rates, seconds = (self._columns[name] for name in _OF_THE_CORE)
        norms, saturation = self._by_layer or (None, None)
        gradients, objectives, penalties = (self._columns.get(name) for name in _RECORDED)
        of_epochs = self._finished, costs, rates, seconds
        return *of_epochs, norms, saturation, gradients, objectives, penalties

    def latest(self, name: str) -> float | None:
        """Return the figure of the last epoch in a column, or None where it has none."""
        column, last = self._columns[name], len(self) - 1
        return column[last] if 0 <= last < len(column) else None

    def measure(self, **measures: float) -> None:
        """Add figures that came after the last epoch, such as those on validation data."""
        for name, value in measures.items():
            column = self._columns[name]
            column.extend([np.nan] * (len(self) - 1 - len(column)))  # epochs without a figure
            column.append(value)

    @property
    def epoch(self) -> NDArray[np.int64]:
        """Numbers of the epochs."""
        return self["epoch"]

    cost = _column("cost", "Mean training cost in each epoch.")
    learning_rate = _column("learning_rate", "The learning rate of the last step of each epoch.")
    seconds = _column("seconds", "Seconds each epoch's training took.")
    validation_cost = _column(
        "validation_cost", "Mean cost on the validation data after each epoch, or empty."
    )
    validation_accuracy = _column(
        "validation_accuracy",
        "Share of right answers on the validation data after each epoch, or empty.",
    )
    gradient_norm = _column(
        "gradient_norm", "The mean length of the gradient in each epoch, or empty."
    )
    objective = _column(
        "objective", "The mean of what the steps of each epoch minimised, or empty."
    )
    penalty = _column("penalty", "The part of the penalties in the objective, or empty.")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics."""
        return tuple(name for name in self._columns if name not in RESERVED)

    @property
    def delta_norms(self) -> NDArray[np.float64]:
        """‖δ^l‖ in each epoch, (epochs, L - 1)."""
        return self._of_layers(0)

    @property
    def saturation(self) -> NDArray[np.float64]:
        """Share of saturated units in each epoch, (epochs, L - 1)."""
        return self._of_layers(1)

    def _of_layers(self, which: int) -> NDArray[np.float64]:
        if not self._layers:
            raise AttributeError("fit(..., record='layers') records this; without it there is none")
        figures = np.array(self._by_layer[which])[: len(self) * self._layers]
        return figures.reshape(-1, self._layers)

    def __getitem__(self, name: str) -> NDArray:
        if name in _BY_LAYER:
            raise KeyError(f"{name} has a column for each layer, so it is history.{name}")
        known = dict.fromkeys(("epoch", *_OF_THE_CORE, *_IF_ASKED, *self._columns))
        if name not in known:
            meant = hint(name, known, OF_FIGURES) if isinstance(name, str) else ""
            raise KeyError(f"expected one of {', '.join(known)}; got {name!r}.{meant}")
        if name == "epoch":
            return np.arange(self.first_epoch, self.first_epoch + len(self))
        if name not in self._columns:
            return np.empty(0)
        values = np.array(self._columns[name])[: len(self)]
        return np.append(values, np.full(len(self) - len(values), np.nan))

    def __len__(self) -> int:
        return int(self._finished[0])

    def keys(self) -> list[str]:
        """Names of the columns that are recorded."""
        return ["epoch", *self._columns]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __repr__(self):
        if not len(self):
            return "<History: no epoch finished>"
        parts = [f"{len(self)} epoch{'s' if len(self) > 1 else ''}", f"cost {self.cost[-1]:.4g}"]
        if "validation_cost" in self._columns:
            parts.append(f"validation cost {self.validation_cost[-1]:.4g}")
        if "validation_accuracy" in self._columns:
            parts.append(f"validation accuracy {self.validation_accuracy[-1]:.2%}")
        return f"<History: {', '.join(parts)}, {self.seconds.sum():.3g} s>"

    def figure_names(self) -> list[str]:
        """Names of the columns of a table, those by layer one for each layer."""
        layers = range(2, self._layers + 2)
        by_layer = [f"{name}_{layer}" for name in ("delta_norm", "saturation") for layer in layers]
        return self.keys() + by_layer

    def figures(self, i: int) -> list:
        """Return what the history has of its entry i = 0 ... len - 1, in that order."""
        columns = self._columns.values()
        single = [column[i] if i < len(column) else np.nan for column in columns]
        n = self._layers
        by_layer = [value for column in self._by_layer for value in column[i * n : (i + 1) * n]]
        return [self.first_epoch + i, *single, *by_layer]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write a line for each epoch to the file `path`, all of it or nothing.

        The columns are those of `keys`, and those by layer with the layer's number:
        delta_norm_2, ... Reading gives the same numbers to the last bit; what an epoch lacks is
        ``nan``. To write while training goes on: `CSVLog`.

        Parameters
        ----------
        path : str or path object

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_csv(self, path)

    @documents_axes
    def plot(self, ax=None):
        """Draw the learning curves: cost on the left scale, accuracy (if any) on the right.

        Returns
        -------
            They are those of the cost.

        Raises
        ------
        ValueError
            If no epoch is finished.
        """
        if not len(self):
            raise ValueError("expected at least one finished epoch to plot, got none")
        ax = open_course(ax, "epoch")
        style = line_style(self)
        lines = ax.plot(self.epoch, self.cost, color=BLUE, label="training cost", **style)
        if "validation_cost" in self._columns:
            lines += ax.plot(
                self.epoch,
                self.validation_cost,
                color=LIGHT_BLUE,
                label="validation cost",
                **style,
            )
        ax.set_ylabel("cost per sample", color=BLUE)

        if "validation_accuracy" in self._columns:
            right = ax.twinx()
            lines += right.plot(
                self.epoch,
                100 * self.validation_accuracy,
                color=ORANGE,
                label="validation accuracy",
                **style,
            )
            right.set_ylabel("accuracy (%)", color=ORANGE)
            right.spines[["top", "left"]].set_visible(False)
        if len(lines) > 1:
            # Above the axes, where no curve can run through it.
            ax.legend(
                handles=lines,
                loc="lower left",
                bbox_to_anchor=(0, 1),
                ncols=len(lines),
                frameon=False,
                borderaxespad=0,
                handlelength=1.5,
                columnspacing=1.2,
            )
        return ax
