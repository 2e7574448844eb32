"""An estimator of tables in a file: its predictor, and beside it its parameters."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from chainrule.files import record as records
from chainrule.sklearn.model_file import check_parameters, written_parameter
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.predictor import FIELD, Predictor
from chainrule.tables.recipe import Recipe

FIELDS: dict[str, type] = {
    FIELD: dict,
    "estimator": str,  # the name of its class
    "parameters": dict,
    "has_names": bool,  # whether the columns have names that scikit-learn takes for such
    "scikit_learn_version": str,  # of what wrote it, for people to read
}


class SavedTable:
    """An estimator of tables that can be saved."""

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file, which cannot run code, for `chainrule.sklearn.load`.

        `chainrule.load` reads the predictor alone, without scikit-learn. The histories of the
        training are not in the file.

        Parameters
        ----------
        path : str or path object
            Used as it is. An old file there is replaced when the new one is whole.

        Raises
        ------
        NotFittedError
            Before it is fitted.
        OSError
            If the file cannot be written.
        ValueError
            For a parameter that a file cannot hold, such as a RandomState (a whole number does),
            classes that are no numbers and no text, and a class derived from this one.
        """
        check_is_fitted(self)
        estimator: Any = self
        kind = type(self)
        try:
            if kind.__module__.partition(".")[0] != "chainrule":
                raise ValueError(
                    f"a file holds estimators of chainrule.sklearn, not a {kind.__name__}"
                )
            parameters = {
                name: written_parameter(name, _plain(value), {})
                for name, value in estimator.get_params(deep=False).items()
            }
            estimator.predictor_.save(
                path, estimator=kind.__name__, parameters=parameters,
                has_names=hasattr(self, "feature_names_in_"),
                scikit_learn_version=version("scikit-learn"),
            )  # fmt: skip
        except (ValueError, TypeError) as error:
            raise ValueError(f"this estimator cannot be saved: {error}") from error

    @classmethod
    def _of_file(cls, ensemble: Any, record: Any, arrays: Any, own: Mapping[str, object]) -> Any:
        """Return one of the parts of a file, all checked."""
        if not isinstance(ensemble, Ensemble):
            raise ValueError(f"expected networks of a {cls.__name__}, got one alone")
        fields = records.fields_of(record, arrays, FIELDS)
        given = fields["parameters"]
        check_parameters(cls, given)
        if type(given.get("preset")) is dict:
            given["preset"] = Recipe(**given["preset"])
        estimator: Any = cls(**given)
        estimator._validate_params()
        predictor = estimator.predictor_ = Predictor.of(ensemble, record, arrays)
        if is_classifier(estimator) != (predictor.classes is not None):
            raise ValueError(f"expected classes for a classifier alone; this is a {cls.__name__}")
        if predictor.classes is not None:
            estimator.classes_ = predictor.classes
        names = predictor.preparation.names
        estimator.n_features_in_ = len(predictor.preparation.columns)
        if fields["has_names"]:
            if names is None:
                raise ValueError("expected names of columns, got none")
            estimator.feature_names_in_ = np.array(names, object)
        return estimator


def _plain(value: Any) -> Any:
    """Return a recipe as its fields, and an array, or what is like one, as a list."""
    if isinstance(value, Recipe):
        return asdict(value)
    return value.tolist() if hasattr(value, "tolist") else value
