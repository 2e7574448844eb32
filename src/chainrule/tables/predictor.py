"""`Predictor`: from a row of a table to its class or its value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.preparation import Preparation


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
