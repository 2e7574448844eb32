"""What activations and costs have in common: a formula of the compiled core and its parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from chainrule.checks.fields import CheckedFields
from chainrule.checks.options import check_name, check_number
from chainrule.checks.words import NONE, Words

LARGEST = 1e30  # of a parameter: float32 holds it, and its products with ordinary numbers


@dataclass(frozen=True, eq=False, repr=False)
class Formula(CheckedFields):
    """A formula by its name, with the values of its parameters: the fields of the subclass."""

    @property
    def name(self) -> str:
        """The name of the formula."""
        return type(self).__name__

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The values of its parameters."""
        return tuple(vars(self).values())

    @property
    def shown(self) -> str | Self:
        """The name alone where that says it all: where every parameter has its default."""
        return self.name if self == type(self)() else self

    def __post_init__(self) -> None:
        """Check the parameters, and keep those that are checked as floats."""
        super().__post_init__()
        for name in self._checks:
            object.__setattr__(self, name, float(getattr(self, name)))

    def _called(self, name: str) -> str:
        return f"{name} of {self.name}"


_Kind = TypeVar("_Kind", bound=Formula)


@dataclass(frozen=True, eq=False, repr=False)
class UserFormula(Formula):
    """An object of the user's own in the place of a formula; a subclass says its methods."""

    methods: ClassVar[tuple[str, ...]]

    function: Any

    @classmethod
    def of(cls, what: str, given: Any) -> Self | None:
        """Return `given` as a formula if it is an object with the methods, else None.

        Raises
        ------
        TypeError
            For a class in the place of an object, and for an object with some of the methods only;
            `what` is for the message.
        """
        if isinstance(given, str | Formula):
            return None
        found = [name for name in cls.methods if callable(getattr(given, name, None))]
        if found and isinstance(given, type):
            raise TypeError(
                f"{what} must be an object with {cls.wanted()}; "
                f"got the class: use {given.__name__}()"
            )
        if found and len(found) < len(cls.methods):
            raise TypeError(
                f"a {what} of your own must have the methods {cls.wanted()}; "
                f"{type(given).__name__} has {found[0]} alone"
            )
        return cls(given) if found else None

    @classmethod
    def wanted(cls) -> str:
        """Write the methods for a message."""
        return " and ".join(f"{name}(...)" for name in cls.methods)

    @property
    def name(self) -> str:
        """For messages; not the name of any other."""
        return f"{type(self.function).__name__}()"

    @property
    def shown(self) -> Any:
        """The object."""
        return self.function


def check_positive_parameter(name: str, value: float) -> None:
    """Raise unless `value` is a positive number that float32 holds, and its reciprocal."""
    check_number(name, value, lambda x: 1 / LARGEST <= x <= LARGEST, "a number from 1e-30 to 1e30")


def find_formula(
    what: str,
    given: Any,
    known: dict[str, type[_Kind]],
    names: Iterable[str],
    others: Words = NONE,
) -> _Kind:
    """Return the formula that `given` is or names.

    Parameters
    ----------
    what : str
        For the message: "hidden activation", "cost".
    given : str or Formula
    known : dict of str to type
    names : iterable of str
        Those of `known` that are allowed.
    others : dict of str to str, optional
        What to use for the names of other tools.

    Raises
    ------
    ValueError, TypeError
        If it is none of them.
    """
    is_one = isinstance(given, tuple(known.values()))
    name = given.name if is_one else given
    name = check_name(what, name, names, others)
    return known[name]() if isinstance(given, str) else given
