"""A model out of a file, of whichever kind, as the commands ask it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.command.reading import STDIN, File, check_extra, check_names
from chainrule.files.ensemble_file import read_model
from chainrule.network import Network
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.columns import NUMBERS, TEXT
from chainrule.tables.loading import load
from chainrule.tables.predictor import Predictor


def open_model(path: str) -> Any:
    """Return the network, the ensemble, the table's model or the estimator of a file.

    Raises
    ------
    OSError, ValueError
        For what is none.
    ImportError
        For an estimator without scikit-learn.
    """
    if path == STDIN:
        raise ValueError("a model is read from a file, not from stdin")
    model, record, _ = read_model(path, Network, Ensemble, None)
    if record is None or (isinstance(model, Network) and "estimator" not in record):
        return model
    if isinstance(model, Ensemble):
        return load(path)
    check_extra("sklearn")
    from chainrule.sklearn.loading import load as load_estimator

    return load_estimator(path)


class Asked:
    """What is to be known of a model to ask it about the rows of a file.

    Parameters
    ----------
    model : Network, Ensemble, Predictor, or an estimator of chainrule.sklearn

    Attributes
    ----------
    names : tuple of str, or None
        Of the columns it reads; None where it goes by their order.
    holds : list of str
        What each of them holds, by the words of `chainrule.tables.columns`.
    takes_holes : bool
        Whether values may be missing.
    answers : "classes", "multilabel" or "values"
    classes : ndarray (k,) or None
    target : str or None
        What it predicts is called, if the file says so.
    levels : tuple of float, or None
        Of the quantiles that it answers with.
    n_answers : int
        Outputs of a network; 1 of a table's model.
    """

    def __init__(self, model: Any):
        self.model = model
        self.target = self.levels = None
        self.n_answers = 1
        self.takes_holes = isinstance(model, Predictor)
        if isinstance(model, Predictor):
            self.names = model.preparation.names
            self.holds = [  # of those left out nobody looks at what they hold
                TEXT if column.encoder is None else column.holds
                for column in model.preparation.columns
            ]
            self.classes, self.target, self.levels = model.classes, model.target, model.levels
            self.answers = "values" if model.classes is None else "classes"
            return
        network = model if isinstance(model, Network | Ensemble) else model.network_
        first = network[0] if isinstance(network, Ensemble) else network
        given = getattr(model, "feature_names_in_", None)
        self.names = first.input_names if given is None else tuple(given)
        self.holds = [NUMBERS] * first.sizes[0]
        self.answers = network.answers
        self.classes = getattr(model, "classes_", network.classes)
        self._output = first._output.name
        self.n_answers = first.sizes[-1]

    def columns_of(self, table: File, others: Sequence[str] = ()) -> dict[str, str]:
        """Return the columns of a file that it reads, in its order, and what each holds.

        Parameters
        ----------
        table : CsvFile or ParquetFile
        others : sequence of str
            Columns that are none of them, where it goes by their order and there are too many.

        Raises
        ------
        ValueError
            For columns that are missing.
        """
        names: Sequence[str]
        if self.names is not None:
            check_names(table, self.names, "which the model reads")
            names = self.names
        else:
            names = table.names
            if len(names) != len(self.holds):
                names = [name for name in names if name not in others]
            if len(names) != len(self.holds):
                raise ValueError(
                    f"{table.called}: the model reads {len(self.holds)} columns, by their order; "
                    f"got {len(names)}: {', '.join(names[:20])}"
                )
        return dict(zip(names, self.holds, strict=True))

    @property
    def gives_probabilities(self) -> bool:
        """Whether `probabilities` are there to ask for."""
        if self.answers == "values":
            return False
        if not isinstance(self.model, Network | Ensemble):
            return True
        alone = self.n_answers == 1 or self.answers == "multilabel"
        return self._output == "softmax" or (self._output == "sigmoid" and alone)

    def predict(self, frame: Any) -> NDArray[Any]:
        """Return the answer to each row, (m,), or (m, n) where there are several a row."""
        return self._ask(self.model.predict, frame)

    def probabilities(self, frame: Any) -> NDArray[Any]:
        """Return the probability of each class, or each label, (m, k).

        Raises
        ------
        ValueError
            Where there are none.
        """
        if not self.gives_probabilities:
            what = "values" if self.answers == "values" else f"by outputs of {self._output}"
            raise ValueError(f"there are no probabilities: this model answers with {what}")
        if not isinstance(self.model, Network | Ensemble):
            return self._ask(self.model.predict_proba, frame)
        outputs = self._ask(self.model.feedforward, frame)
        if self.n_answers == 1 and self.answers == "classes":
            return np.hstack([1 - outputs, outputs])
        return outputs

    def quantiles(self, frame: Any) -> NDArray[Any]:
        """Return a value for each of `levels`, (m, levels)."""
        return self._ask(self.model.predict_quantiles, frame)

    def _ask(self, method: Any, frame: Any) -> NDArray[Any]:
        given = frame if self.names is not None else frame.to_numpy()
        try:
            return np.asarray(method(given))
        except TypeError as error:  # of a column of another kind
            raise ValueError(str(error)) from error
