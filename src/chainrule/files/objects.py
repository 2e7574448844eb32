"""Objects of the package in a record: each by its name, and what another like it is made of."""

from typing import Any

from chainrule.activations import ACTIVATIONS
from chainrule.costs import COSTS
from chainrule.files.formulas import KEPT_OPTIMIZERS, as_object, made
from chainrule.model.kept_optimizer import SCHEDULES, without_function
from chainrule.results.log import Log
from chainrule.training.early_stopping import EarlyStopping

# Of callbacks those that write nowhere: a file may come from anyone.
CALLBACKS: dict[str, type] = {kind.__name__: kind for kind in (EarlyStopping, Log)}
_WITH_FIELDS: dict[str, type] = ACTIVATIONS | COSTS | KEPT_OPTIMIZERS | SCHEDULES
_OBJECTS = _WITH_FIELDS | CALLBACKS


def is_held(value: Any) -> bool:
    """Whether a file holds all that it is made of."""
    kind = type(value)
    return _OBJECTS.get(kind.__name__) is kind and without_function(value) is value


def written_object(value: Any) -> dict[str, Any]:
    """Return what JSON holds of an object that `is_held`."""
    if type(value).__name__ in CALLBACKS:
        return {"name": type(value).__name__} | value.settings()
    return as_object(value)


def read_object(written: Any) -> Any:
    """Return the object that `written_object` wrote.

    Raises
    ------
    ValueError, TypeError
        For what it cannot have written.
    """
    if type(written) is not dict:
        raise ValueError(f"expected an object with a name, got {written!s:.60}")
    parts = {
        name: read_object(part) if type(part) is dict else part for name, part in written.items()
    }
    if (kind := CALLBACKS.get(str(parts.get("name")))) is not None:
        return kind(**{name: part for name, part in parts.items() if name != "name"})
    return made("object", parts, _WITH_FIELDS)
