"""What activations and costs have in common: a formula of the compiled core and its parameters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chainrule.checks.options import check_name, check_number

LARGEST = 1e30  # of a parameter: float32 holds it, and its products with ordinary numbers


@dataclass(frozen=True)
class Formula:
    """A formula by its name, with the values of its parameters: the fields of the subclass."""

    @property
    def name(self) -> str:
        """The name of the formula."""
        return type(self).__name__

    @property
    def parameters(self) -> tuple:
        """The values of its parameters."""
        return tuple(vars(self).values())

    @property
    def shown(self) -> "str | Formula":
        """The name alone where that says it all: where every parameter has its default."""
        return self.name if self == type(self)() else self

    def _keep_number(self, name: str, valid: Callable[[float], bool], expected: str):
        """Check the parameter `name` and keep it as a float."""
        value = getattr(self, name)
        check_number(f"{name} of {self.name}", value, valid, expected)
        object.__setattr__(self, name, float(value))

    def _keep_positive(self, name: str):
        self._keep_number(
            name, lambda x: 1 / LARGEST <= x <= LARGEST, "a number from 1e-30 to 1e30"
        )


def has_methods(what: str, given: Any, methods: tuple[str, ...]) -> bool:
    """Return whether `given` is an object of the user's own with these methods.

    Raises
    ------
    TypeError
        For a class in the place of an object, and for an object with some of the methods only.
    """
    if isinstance(given, str | Formula):
        return False
    found = [name for name in methods if callable(getattr(given, name, None))]
    wanted = " and ".join(f"{name}(...)" for name in methods)
    if found and isinstance(given, type):
        raise TypeError(
            f"{what} must be an object with {wanted}; got the class: use {given.__name__}()"
        )
    if found and len(found) < len(methods):
        raise TypeError(
            f"a {what} of your own must have the methods {wanted}; "
            f"{type(given).__name__} has {found[0]} alone"
        )
    return bool(found)


def find_formula(what: str, given: Any, known: dict[str, type], names: Iterable[str]):
    """Return the formula that `given` is or names.

    Parameters
    ----------
    what : str
        For the message: "hidden activation", "cost".
    given : str or Formula
    known : dict of str to type
    names : iterable of str
        Those of `known` that are allowed.

    Raises
    ------
    ValueError, TypeError
        If it is none of them.
    """
    name = given.name if isinstance(given, tuple(known.values())) else given
    name = check_name(what, name, names)
    return known[name]() if isinstance(given, str) else given
