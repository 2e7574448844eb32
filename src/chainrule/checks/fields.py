"""Dataclasses that check their fields, by a table, whenever one is made."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar

Checks = dict[str, Callable[[str, Any], Any]]  # of fields: called with name and value, they raise

# Metadata of a field that model files of earlier versions lack: one that is its default is not
# written, so that these read what does not need it.
LATER = {"later": True}


class CheckedFields:
    """What a dataclass inherits to have its fields checked, in the order of its table.

    What one field allows may depend on another: such checks stand in `__post_init__`. How they are
    compared and shown stands here, once: made for each of some 30 classes by `dataclass`, it took a
    tenth of the time of ``import chainrule``.
    """

    _checks: ClassVar[Checks] = {}

    def __post_init__(self) -> None:
        """Check the fields."""
        for name, check in self._checks.items():
            check(self._called(name), getattr(self, name))

    def _called(self, name: str) -> str:
        """Return what messages call the field."""
        return name

    def _compared(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self) if field.compare)  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def __repr__(self) -> str:
        shown = (field.name for field in fields(self) if field.repr)  # type: ignore[arg-type]
        return f"{type(self).__qualname__}({', '.join(f'{k}={getattr(self, k)!r}' for k in shown)})"
