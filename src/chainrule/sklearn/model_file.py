"""An estimator in a model file: its network, and beside it what scikit-learn knows of it."""

import math
from collections.abc import Callable, Mapping
from importlib.metadata import version
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from chainrule.files import record as records
from chainrule.files.archive import check_array
from chainrule.files.ensemble_file import read_model
from chainrule.files.formulas import check_mapping, written_formulas
from chainrule.files.header import DTYPES
from chainrule.files.labels import are_text, read_labels, written_labels
from chainrule.files.model_file import write_network
from chainrule.network import Network
from chainrule.results.history import History
from chainrule.sklearn.parameters import made_of
from chainrule.sklearn.stopping import Rate
from chainrule.sweeps.ensemble import Ensemble
from chainrule.training.callbacks import Callbacks

FIELDS: dict[str, type] = {
    "estimator": str,  # the name of its class
    "parameters": dict,
    "fitted": dict,  # OF_ALL, and for training by steps OF_STEPS
    "classes": dict,  # empty for numbers
    "feature_names": list,  # empty without
    "rate": list,  # of Rate, empty without
    "history": dict,
    "scikit_learn_version": str,  # of what wrote it, for people to read
}
_COUNT, _NUMBER = (int,), (float,)
# Attributes of a fitted estimator, and of which types each is.
OF_ALL: dict[str, tuple[type, ...]] = {
    "out_activation_": (str,),
    "n_iter_": _COUNT,
    "t_": _COUNT,
    "loss_": _NUMBER,
}
OF_STEPS: dict[str, tuple[type, ...]] = {
    "loss_curve_": (list,),
    "best_loss_": (float, type(None)),
    "validation_scores_": (list, type(None)),
    "best_validation_score_": (float, type(None)),
    "_no_improvement_count": _COUNT,
    "has_stopped_": (bool,),
    "_fit_held_out": (bool,),
    "_best_parameters": (np.ndarray, type(None)),
}
_FITTED = OF_ALL | OF_STEPS
_FORMULAS = ("activation", "out_activation", "cost")  # which may be objects of the user's own


class Saved:
    """An estimator that can be saved."""

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a model file, which cannot run code, for `chainrule.sklearn.load`.

        The file has the parameters, the classes, the names of the features, the network with its
        optimiser and its history, and all else that training goes on from. `chainrule.load` reads
        the network alone.

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
            For a parameter that a file cannot hold: a function, a RandomState (a whole number
            does), callbacks other than `EarlyStopping` and `Log`; and for a class derived from this
            one. Activations and costs of your own are kept by name, as by `chainrule.Network.save`.

        Notes
        -----
        Requests of metadata routing (``set_fit_request``) are not in the file.
        """
        check_is_fitted(self)
        _write_estimator(self, path)

    @classmethod
    def _of_file(cls, net: Any, record: Any, arrays: Any, own: Mapping[str, object]) -> Any:
        """Return one of the parts of a file, all checked."""
        if not isinstance(net, Network):
            raise ValueError(f"expected one network of a {cls.__name__}, got {len(net)}")
        return _made(cls, records.fields_of(record, arrays, FIELDS), net, own)


def _write_estimator(estimator: Any, path: str | PathLike[str]) -> None:
    net: Network = estimator.network_
    try:
        kind = type(estimator)
        if kind.__module__.partition(".")[0] != "chainrule":
            raise ValueError(f"a file holds estimators of chainrule.sklearn, not a {kind.__name__}")
        own = written_formulas(net)[1]
        rate = vars(estimator).get("_rate")
        fields = {
            "estimator": kind.__name__,
            "parameters": {
                name: written_parameter(name, value, own)
                for name, value in estimator.get_params(deep=False).items()
            },
            "fitted": {
                name: getattr(estimator, name) for name in _FITTED if name in vars(estimator)
            },
            "classes": _written_classes(estimator) if hasattr(estimator, "classes_") else {},
            "feature_names": list(getattr(estimator, "feature_names_in_", ())),
            "rate": [] if rate is None else [rate.kind, rate.first, rate.power, rate.now],
            "history": {} if net.history is None else net.history.state(),
            "scikit_learn_version": version("scikit-learn"),
        }
        record = records.written(fields)
        parsed = records.parse(record[records.MEMBER].tobytes())
        _made(kind, records.fields_of(parsed, record, FIELDS), net.copy(), own)
    except (ValueError, TypeError) as error:
        raise ValueError(f"this estimator cannot be saved: {error}") from error
    write_network(net, path, record)


def read_estimator(path: Any, kinds: Mapping[str, type], own: Mapping[str, object] | None) -> Any:
    """Return the estimator of a file that `Saved.save` wrote; `load` documents it.

    Parameters
    ----------
    path : str or path object
    kinds : dict of str to type
        The classes by name.
    own : dict of str to object, or None
    """
    model, record, arrays = read_model(path, Network, Ensemble, own)
    try:
        if record is None or "estimator" not in record:
            raise ValueError(
                "expected an estimator that its save(path) wrote, got a model without one: "
                "chainrule.load(path) returns it"
            )
        kind: Any = kinds.get(str(record["estimator"]))
        if kind is None:
            raise ValueError(f"expected one of {', '.join(kinds)}, got {record['estimator']!r:.60}")
        return kind._of_file(model, record, arrays, check_mapping(own))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path} cannot be loaded: {error!s:.1000}") from error


def _made(kind: type, fields: dict[str, Any], net: Network, own: Mapping[str, object]) -> Any:
    """Return an estimator of the fields of a record, all checked, with a network."""
    known: Any = kind
    check_parameters(known, fields["parameters"])
    given = {name: _read_parameter(name, each, own) for name, each in fields["parameters"].items()}
    estimator: Any = kind(**given)
    estimator._validate_params()
    if estimator.dtype not in (None, *DTYPES):
        raise ValueError(f"expected dtype to be one of {DTYPES}, got {estimator.dtype!r:.60}")
    Callbacks(estimator.callbacks)
    fitted = fields["fitted"]
    if fitted.keys() not in (OF_ALL.keys(), _FITTED.keys()):
        raise ValueError(
            f"expected {', '.join(OF_ALL)}, and for training by steps {', '.join(OF_STEPS)}; got "
            f"{', '.join(map(str, fitted)):.200}"
        )
    for name, value in fitted.items():
        are_numbers = type(value) is not list or all(type(each) is float for each in value)
        is_negative = type(value) is int and value < 0
        if type(value) not in _FITTED[name] or is_negative or not are_numbers:
            raise ValueError(f"expected attributes of a fitted one, got {name}={value!r:.60}")
        setattr(estimator, name, value)
    if (best := fitted.get("_best_parameters")) is not None:
        check_array("the best parameters", best, net.dtype.name, net.parameters.size)
    estimator.network_, estimator._made_of = net, made_of(estimator)
    if fields["history"]:
        net.history = History.of(fields["history"])
    estimator.n_features_in_, estimator.n_layers_ = net.sizes[0], len(net.sizes)
    estimator.n_outputs_ = net.sizes[-1] // net._cost.outputs_per_target
    if is_classifier(estimator) != bool(fields["classes"]):
        raise ValueError(f"expected classes for a classifier alone; this is a {kind.__name__}")
    if fields["classes"]:
        _set_classes(estimator, **fields["classes"])
    if fields["feature_names"]:
        names = np.array(fields["feature_names"], object)
        if names.shape != (net.sizes[0],) or not are_text(names.tolist()):
            raise ValueError(f"expected {net.sizes[0]} names of features, got {names!s:.60}")
        estimator.feature_names_in_ = names
    if fields["rate"]:
        estimator._rate = _read_rate(*fields["rate"])
    return estimator


def check_parameters(kind: Any, given: Mapping[str, Any]) -> None:
    """Raise ValueError for parameters that an estimator does not have."""
    if unknown := given.keys() - set(kind._get_param_names()):
        raise ValueError(f"expected parameters of {kind.__name__}, got {sorted(unknown)!r:.60}")


def written_parameter(name: str, value: Any, own: Mapping[str, object]) -> Any:
    """Return a parameter as `records.written` takes it, objects of the user's own by name."""
    if name == "dtype" and value is not None:
        value = np.dtype(value).name
    elif name in _FORMULAS:
        value = _exchanged(value, lambda each: _name_in(own, each))
    if not records.is_plain(value):
        raise ValueError(
            f"a file cannot hold {name}={value!r:.200}, which is more than numbers, names and "
            f"objects of chainrule. Give another with set_params({name}=...) before (of "
            "random_state a whole number), and what you had again after loading"
        )
    return value


def _read_parameter(name: str, value: Any, own: Mapping[str, object]) -> Any:
    if name not in _FORMULAS:
        return value
    return _exchanged(value, lambda each: own[each["own"]] if type(each) is dict else each)


def _exchanged(value: Any, exchange: Callable[[Any], Any]) -> Any:
    """Return what `exchange` makes of a value, or of each in a list or tuple of them."""
    if isinstance(value, list | tuple):
        return type(value)(map(exchange, value))
    return exchange(value)


def _name_in(own: Mapping[str, object], value: Any) -> Any:
    """Return ``{"own": name}`` for an object of the user's own that the network has."""
    return next(({"own": name} for name, each in own.items() if each is value), value)


def _written_classes(estimator: Any) -> dict[str, Any]:
    values = written_labels(estimator.classes_)
    is_multilabel = estimator._label_binarizer.y_type_.startswith("multilabel")
    return {"values": values, "is_multilabel": is_multilabel}


def _set_classes(estimator: Any, values: Any, is_multilabel: bool) -> None:
    """Give an estimator the classes that `_written_classes` wrote."""
    classes = read_labels(values)
    k = len(classes)
    n_outputs = k if is_multilabel or k > 2 else 1
    expected = np.arange(k) if is_multilabel else np.unique(classes)
    if n_outputs != estimator.network_.sizes[-1] or not np.array_equal(classes, expected):
        raise ValueError(
            f"expected classes of {estimator.network_.sizes[-1]} outputs, each once and sorted; "
            f"got {classes!s:.60}"
        )
    binarizer = LabelBinarizer()
    binarizer.classes_, binarizer.sparse_input_ = classes, False
    binarizer.y_type_ = (
        "multilabel-indicator" if is_multilabel else "multiclass" if k > 2 else "binary"
    )
    estimator.classes_, estimator._label_binarizer = classes, binarizer


def _read_rate(kind: Any, first: Any, power: Any, now: Any) -> Rate:
    numbers = (first, power, now)
    if type(kind) is not str or not all(_is_rate(x) for x in numbers):
        raise ValueError(f"expected a learning rate, got {kind!r:.40} and {numbers!r:.60}")
    rate = Rate(kind, first, power)
    rate.now = now
    return rate


def _is_rate(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf
