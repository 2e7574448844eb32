"""`Predictor`: from a row of a table to its class or its value."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.files import record as records
from chainrule.files.ensemble_file import write_ensemble
from chainrule.files.labels import read_labels, written_labels
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.preparation import Preparation
from chainrule.tables.state import fields

FIELD = "predictor"  # of a file's record


class Predictor:
    """A table's model: how its rows are prepared, the networks, and what they are to answer.

    NumPy is all it needs. The estimators of `chainrule.sklearn` make it, as ``predictor_``, and
    `chainrule.load` reads it from their files.

    Attributes
    ----------
    preparation : Preparation
        Makes numbers of rows.
    ensemble : Ensemble
        What answers; for values in units of `scale` about `shift`.
    classes : ndarray (k,) or None
        What the classes are called, in the order of the outputs; None for values.
    scale, shift : float
        A value is scale·a + shift of an output a.
    temperature : float
        T, by which the logarithms of the probabilities are divided.
    """

    def __init__(
        self,
        preparation: Preparation,
        ensemble: Ensemble,
        *,
        classes: NDArray[Any] | None = None,
        scale: float = 1.0,
        shift: float = 0.0,
        temperature: float = 1.0,
    ):
        self.preparation, self.ensemble, self.classes = preparation, ensemble, classes
        self.scale, self.shift, self.temperature = scale, shift, temperature
        cost: Any = ensemble[0]._cost
        self.levels: tuple[float, ...] | None = (
            tuple(cost.levels) if cost.name == "quantile" else None
        )

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes is not None else "values"
        return (
            f"Predictor of {what} from {len(self.preparation.columns)} columns, by "
            f"{len(self.ensemble)} networks"
        )

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class or the value of each row, (m,).

        Of several quantiles that of the level nearest to ½.

        Parameters
        ----------
        X : frame or array (m, columns)
            With the columns that were learned, in their order.

        Raises
        ------
        ValueError, TypeError
            For columns that do not fit; the message names the column, and the row.
        """
        if self.levels is not None:
            nearest = int(np.argmin(np.abs(np.subtract(self.levels, 0.5))))
            return self.predict_quantiles(X)[:, nearest]
        outputs = self.ensemble.feedforward(self.preparation.transform(X))
        if self.classes is None:
            return self._in_units(outputs[:, 0])
        return self.classes[outputs.argmax(axis=1)]

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, (m, k), in float32.

        Raises
        ------
        ValueError, TypeError
            As `predict`, and for values, which have none.
        """
        if self.classes is None:
            raise ValueError("there are probabilities of classes alone; this predicts values")
        outputs = self.ensemble.feedforward(self.preparation.transform(X))
        return outputs if self.temperature == 1 else tempered(outputs, self.temperature)

    def predict_quantiles(self, X: Any) -> NDArray[np.float64]:
        """Return a value for each of `levels`, (m, levels), in their order.

        Raises
        ------
        ValueError, TypeError
            As `predict`, and where no quantiles were learned.
        """
        if self.levels is None:
            raise ValueError(
                "no quantiles were learned; give their levels before fit, "
                "TabularRegressor(quantiles=[0.1, 0.5, 0.9])"
            )
        outputs = self.ensemble.feedforward(self.preparation.transform(X))
        return np.sort(self._in_units(outputs), axis=1)  # no two of them cross

    def _in_units(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        return outputs * np.float64(self.scale) + self.shift

    # ------------------------------------------------------------ files

    def save(self, path: str | PathLike[str], **besides: Any) -> None:
        """Write it to a file, which cannot run code, for `chainrule.load`.

        Numbers and text alone, whole or not at all: the networks' parameters, what the preparation
        has learned, and the classes.

        Parameters
        ----------
        path : str or path object
            Used as it is. An old file there is replaced when the new one is whole.
        **besides
            Further fields of the file's record: what an estimator is.

        Raises
        ------
        OSError
            If the file cannot be written.
        ValueError
            For classes that a file cannot hold, such as dates.
        """
        state = {
            "preparation": self.preparation.state(),
            "classes": None if self.classes is None else written_labels(self.classes),
            "scale": self.scale, "shift": self.shift, "temperature": self.temperature,
        }  # fmt: skip
        record = records.written({FIELD: state, **besides})
        write_ensemble(list(self.ensemble), self.ensemble.weights, path, record)

    @classmethod
    def of(
        cls, ensemble: Ensemble, record: dict[str, Any], arrays: Mapping[str, NDArray]
    ) -> "Predictor":
        """Return that which `save` wrote, of what `read_model` returns.

        Raises
        ------
        ValueError
            For what it cannot have written.
        """
        if FIELD not in record:
            raise ValueError(f"expected a record of a {FIELD}, got {', '.join(record):.60}")
        state = records.value_of(record[FIELD], arrays)
        labels = type(state.get("classes") if type(state) is dict else None)
        numbers = dict.fromkeys(("scale", "shift", "temperature"), float)
        known = fields(state, preparation=dict, classes=labels, **numbers)
        made = cls(
            Preparation.of(known["preparation"]), ensemble,
            classes=None if known["classes"] is None else read_labels(known["classes"]),
            **{name: known[name] for name in numbers},
        )  # fmt: skip
        made._check()
        return made

    def _check(self) -> None:
        """Raise ValueError for parts that do not belong together."""
        numbers = self.scale, self.shift, self.temperature
        if not (np.isfinite(numbers).all() and self.scale > 0 and self.temperature > 0):
            raise ValueError(f"expected a scale and a temperature above 0, finite; got {numbers}")
        net, classes = self.ensemble[0], self.classes
        if classes is not None and not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"expected sorted classes, each once; got {classes!s:.60}")
        found = net._output.name, (net.sizes[0], net.sizes[-1])
        each = net._cost.outputs_per_target
        output, n_out = ("identity", each) if classes is None else ("softmax", len(classes))
        if found != (output, (self.preparation.width, n_out)):
            raise ValueError(
                f"expected networks of {self.preparation.width} inputs and {n_out} {output} "
                f"outputs, by the columns and the classes; got {net!r:.200}"
            )


def tempered(p: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Return probabilities (m, k) by p^(1/T), whose sum is 1, in the dtype of p."""
    return _softmax(logarithms(p) / temperature).astype(p.dtype)


def temperature_of(p: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None) -> float:
    """Return the temperature T by which probabilities p (m, k) fit classes y (m,) best.

    The least Σ w ln(1/p_y) is where Σ w (E ln p - ln p_y) = 0, with E by the tempered p; the sum
    grows with 1/T, so halving finds it (Guo et al., 2017).
    """
    logs = logarithms(p)
    wanted = np.average(logs[np.arange(len(y)), y], weights=weights)
    low, high = 1 / 16, 16.0  # of 1/T
    for _ in range(50):
        middle = (low * high) ** 0.5
        expected = (_softmax(logs * middle) * logs).sum(axis=1)
        if np.average(expected, weights=weights) < wanted:
            low = middle
        else:
            high = middle
    return 1 / (low * high) ** 0.5


def logarithms(p: NDArray[Any]) -> NDArray[np.float64]:
    """Return ln p (m, k) in float64; of 0 that of the least number there is in the dtype of p."""
    return np.log(np.maximum(p, np.finfo(p.dtype).tiny), dtype=np.float64)


def _softmax(z: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
