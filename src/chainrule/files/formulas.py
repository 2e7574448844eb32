"""Activations, costs and the optimiser in a model file's header: names, numbers, names of objects.

A formula of the package is its name, or {"name": ..., parameter: value, ...} where a parameter is
not the default. An object of the user's own is {"own": name}: the file says where it belongs, and
who loads the file gives the object. An optimiser is {"name": ..., setting: value, ...} with every
setting but for those of LATER; its learning rate is a number, or a schedule, written likewise.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from itertools import chain
from numbers import Real

import numpy as np

from chainrule.activations import ACTIVATIONS, UserActivation
from chainrule.checks.fields import LATER
from chainrule.checks.formulas import Formula, find_formula
from chainrule.checks.options import check_name
from chainrule.costs import COSTS, UserCost
from chainrule.model.kept_optimizer import SCHEDULES, without_function
from chainrule.optimizers import OPTIMIZERS
from chainrule.training.full_batch.lbfgs import LBFGS
from chainrule.training.full_batch.levenberg_marquardt import LevenbergMarquardt

# What each of the header's fields holds, what it is if it is the user's own, and the package's.
_ROLES = {
    "hidden": ("hidden activation", UserActivation, ACTIVATIONS),
    "output": ("output activation", UserActivation, ACTIVATIONS),
    "cost": ("cost", UserCost, COSTS),
}
KEPT_OPTIMIZERS = OPTIMIZERS | {kind.__name__: kind for kind in (LBFGS, LevenbergMarquardt)}


def is_formula(value) -> bool:
    """Whether it is written like an activation or a cost."""
    if isinstance(value, str):
        return True
    if type(value) is not dict:
        return False
    name = value.get("own") if value.keys() == {"own"} else value.get("name")
    return isinstance(name, str) and (len(value) == 1 or "own" not in value)


def is_object(value) -> bool:
    """Whether it is written like an optimiser."""
    return type(value) is dict and isinstance(value.get("name"), str)


def written_formulas(net, own: dict[str, object] | None = None) -> tuple[dict, dict[str, object]]:
    """Return the fields of the header, and the user's own objects among them by name.

    These come to those of other networks of the same file, `own`.

    Raises
    ------
    ValueError
        For two objects of one name, or a name that is no string.
    """
    own = {} if own is None else own
    header = {
        "hidden": [_written(each, own) for each in net.hidden],
        "output": _written(net.output, own),
        "cost": _written(net.cost, own),
    }
    return header, own


def read_formulas(header: dict, own: Mapping[str, object]) -> dict:
    """Return the activations and the cost of a header as `Network` takes them, `own` among them.

    Raises
    ------
    ValueError, TypeError
        For names that are not known, and for objects that are missing, not needed or no object of
        the kind.
    """
    check_own(needed_of(header), own)
    return {
        "hidden": [_read("hidden", each, own) for each in header["hidden"]],
        "output": _read("output", header["output"], own),
        "cost": _read("cost", header["cost"], own),
    }


def written_optimizer(net) -> dict:
    """Return the field of the header, without which nothing is known of it."""
    if not _is_known(net._optimizer):  # None, or of a class of the user's own
        return {}
    return {"optimizer": as_object(without_function(net._optimizer))}


def _is_known(optimizer) -> bool:
    kind = type(optimizer)
    return KEPT_OPTIMIZERS.get(kind.__name__) is kind


def is_kept(optimizer) -> bool:
    """Whether a file holds all of it."""
    return _is_known(optimizer) and without_function(optimizer) is optimizer


def read_optimizer(header: dict):
    """Return the optimiser of a header, or None.

    Raises
    ------
    ValueError, TypeError
        For names that are not known, and for settings that cannot be.
    """
    written = header.get("optimizer")
    if written is None:
        return None
    rate = written.get("learning_rate")
    if type(rate) is dict:
        written = written | {"learning_rate": made("schedule", rate, SCHEDULES)}
    return made("optimizer", written, KEPT_OPTIMIZERS)


def check_mapping(own) -> Mapping[str, object]:
    """Return `load`'s option `own` as a mapping; empty for None."""
    if own is None:
        return {}
    if not isinstance(own, Mapping):
        raise TypeError(
            f"own must be a dict of objects by name, such as {{'Focal': Focal()}}; got {own!r}"
        )
    return own


def _written(formula, own):
    """Return what JSON holds of an activation or a cost; put an object of the user's in `own`."""
    if isinstance(formula, str):
        return formula
    if isinstance(formula, Formula):
        return as_object(formula)
    name = getattr(formula, "name", type(formula).__name__)
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"expected the attribute 'name' of an object of your own to be a string, got {name!r} "
            f"of {type(formula).__name__}()"
        )
    if own.setdefault(name, formula) is not formula:
        raise ValueError(
            f"expected a name for each object of your own, got two objects of the name {name!r}. "
            "Use one object in both places, or give each an attribute 'name' of its own"
        )
    return {"own": name}


def needed_of(header: dict) -> set[str]:
    """Return the names of the user's own objects in a header."""
    written = chain(header["hidden"], (header["output"], header["cost"]))
    return {each["own"] for each in written if type(each) is dict and "own" in each}


def check_own(needed: set[str], own: Mapping[str, object]) -> None:
    """Raise unless `own` has the objects of these names, and no others.

    Raises
    ------
    ValueError
        With what to write.
    """
    wanted = f"own={{{', '.join(f'{name!r}: ...' for name in sorted(needed))}}}"
    if missing := sorted(needed - own.keys()):
        raise ValueError(
            f"expected the objects of your own that the network was made with, without "
            f"{', '.join(map(repr, missing))}. A file cannot hold them: give each by its name, "
            f"chainrule.load(path, {wanted})"
        )
    if unneeded := [name for name in own if name not in needed]:
        raise ValueError(
            f"expected {wanted if needed else 'no objects'} of your own for this network, "
            f"got also {', '.join(map(repr, unneeded))}; leave them out"
        )


def _read(role, written, own):
    """Return the activation or cost that `_written` wrote."""
    what, of_user, known = _ROLES[role]
    if isinstance(written, str):
        return find_formula(what, written, known, known)
    if "own" in written:
        return _checked(what, written["own"], own, of_user)
    return made(what, written, known)


def as_object(value):
    """Return what JSON holds of a formula, an optimiser or a schedule: its name and its fields."""
    return {"name": type(value).__name__} | {
        field.name: _plain(getattr(value, field.name))
        for field in fields(value)
        if field.metadata != LATER or getattr(value, field.name) != field.default
    }


def _plain(value):
    if is_dataclass(value):
        return as_object(value)
    if isinstance(value, np.generic | np.ndarray):
        value = value.item()
    return float(value) if isinstance(value, Real) and not isinstance(value, int) else value


def made(what, written, known):
    """Return one of `known` that `as_object` wrote."""
    kind = known[check_name(what, written.get("name"), known)]
    expected = {"name", *(field.name for field in fields(kind))}
    later = {field.name for field in fields(kind) if field.metadata == LATER}
    if not expected - later <= written.keys() <= expected:
        raise ValueError(
            f"expected {', '.join(map(repr, sorted(expected)))} alone in {str(written)[:60]}"
        )
    return kind(**{name: value for name, value in written.items() if name != "name"})


def _checked(what, name, own, of_user):
    """Return the object `name`, if it has the methods."""
    if of_user.of(what, own[name]) is None:
        raise TypeError(
            f"own[{name!r}] must be a {what} with {of_user.wanted()}; got {own[name]!r}"
        )
    return own[name]
