"""`Predictor`: from a row of a table to its class or its value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.options import check_name, check_positive
from chainrule.results.pictures import documents_axes
from chainrule.results.strongest import draw_strongest
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.attributions import Answer, integrated_gradients
from chainrule.tables.preparation import Preparation
from chainrule.tables.temperature import tempered


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

    def attributions(
        self, X: Any, *, method: str = "integrated", output: Any = None, tolerance: float = 1e-3
    ) -> NDArray[np.float64]:
        """Return what each column has added to the answer of each row, (m, columns).

        Of classes f is the probability of the one that is predicted, of values the value. The
        inputs that a column becomes, such as those of its categories, are added up. Against them
        stands a row whose inputs are all 0: of medians, and of no category.

        Parameters
        ----------
        X : frame or array (m, columns)
        method : "integrated" or "gradient"
            Integrated gradients (Sundararajan, Taly and Yan, 2017), x_k ∫₀¹ ∂f/∂x_k (αx) dα, whose
            sum over a row is f(x) - f(0); or x_k ∂f/∂x_k at the row itself, which is quick, and the
            same where f is linear.
        output : label or float, optional
            The class, or the level of the quantiles, that f is of in all rows.
        tolerance : float, default 1e-3
            By how much a row's sum may miss f(x) - f(0) at most: of a probability, or of a standard
            deviation of the values that were learned. Steps are added to the integral until then,
            from 16 to 4,096.

        Warns
        -----
        UserWarning
            Where that many do not suffice.

        Raises
        ------
        ValueError, TypeError
            As `predict`; and for a class or a level that there is not.
        """
        check_name("method", method, ("integrated", "gradient"))
        check_positive("tolerance", tolerance)
        x = self.preparation.transform(X)
        picked = np.full(len(x), self._middle if output is None else self._place_of(output))
        if self.classes is not None and output is None:
            picked = self.ensemble.feedforward(x).argmax(axis=1)
        answer = Answer(self.ensemble, picked, self.temperature)
        if method == "integrated":
            by_input = integrated_gradients(answer, x, tolerance)
        else:
            by_input = x * answer.slopes(x)
        columns = self.preparation.columns
        return self.scale * np.stack([by_input[:, c.where].sum(axis=1) for c in columns], axis=1)

    @documents_axes
    def plot_attributions(self, X: Any, *, most: int = 10, ax: Any = None, **options: Any) -> Any:
        """Draw what the strongest columns have added to the answers, the strongest on top.

        Of one row with its sign, of several the mean of its size.

        Parameters
        ----------
        X : frame or array (m, columns)
        most : int, default 10
            How many columns there are at most.
        **options
            As of `attributions`.

        Raises
        ------
        ValueError, TypeError
            As `attributions`.
        """
        added = self.attributions(X, **options)
        names = self.preparation.names or [f"column {k}" for k in range(added.shape[1])]
        return draw_strongest(names, added, ax, most)

    @property
    def _middle(self) -> int:
        """The output that `predict` goes by for values: of several quantiles that next to ½."""
        return 0 if self.levels is None else int(np.argmin(np.abs(np.subtract(self.levels, 0.5))))

    def _place_of(self, output: Any) -> int:
        """Return the place of a class, or of a level."""
        known = list(self.levels or ()) if self.classes is None else self.classes.tolist()
        if output not in known:
            choice = f"one of {known}, or None" if known else "None, as there is one value a row"
            raise ValueError(f"output must be {choice}; got {output!r}")
        return known.index(output)

    def _in_units(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        return outputs * np.float64(self.scale) + self.shift
