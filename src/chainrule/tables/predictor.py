"""`Predictor`: from a row of a table to its class or its value."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.options import check_name, check_positive
from chainrule.files import record as records
from chainrule.files.ensemble_file import write_ensemble
from chainrule.files.labels import read_labels, written_labels
from chainrule.results.pictures import documents_axes
from chainrule.results.strongest import draw_strongest
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.attributions import Answer, of_columns
from chainrule.tables.preparation import Preparation
from chainrule.tables.state import fields
from chainrule.tables.temperature import tempered

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
    target : str or None
        What it predicts is called; None where nobody named it.
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
        target: str | None = None,
    ):
        self.preparation, self.ensemble, self.classes = preparation, ensemble, classes
        self.scale, self.shift, self.temperature = scale, shift, temperature
        self.target = target
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
            return self.predict_quantiles(X)[:, self._middle]
        outputs = self._outputs(X)
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
        outputs = self._outputs(X)
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
        outputs = self._outputs(X)
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
            The class, or the level of the quantiles, that f is of in all rows; of levels it is what
            the networks say, before `predict_quantiles` sorts those that cross.
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
        x: Any = self.preparation.transform(X)
        picked = np.full(len(x), self._middle if output is None else self._place_of(output))
        if self.classes is not None and output is None:
            picked = self.ensemble.feedforward(x).argmax(axis=1)
        return self.scale * of_columns(
            Answer(self.ensemble, picked, self.temperature), x,
            [column.where for column in self.preparation.columns],
            tolerance if method == "integrated" else None,
        )  # fmt: skip

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

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return what the networks say of rows of a table, (m, n_L)."""
        inputs: Any = self.preparation.transform(X)
        return self.ensemble.feedforward(inputs)

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
            **({} if self.target is None else {"target": self.target}),
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
        kinds: dict[str, type] = dict.fromkeys(("scale", "shift", "temperature"), float)
        if type(state) is dict and "target" in state:
            kinds["target"] = str
        known = fields(state, preparation=dict, classes=labels, **kinds)
        made = cls(
            Preparation.of(known["preparation"]), ensemble,
            classes=None if known["classes"] is None else read_labels(known["classes"]),
            **{name: known[name] for name in kinds},
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
