"""Dataclasses that check their fields, by a table, whenever one is made."""

from collections.abc import Callable
from typing import Any, ClassVar

Checks = dict[str, Callable[[str, Any], Any]]  # of fields: called with name and value, they raise

# Metadata of a field that model files of earlier versions lack: one that is its default is not
# written, so that these read what does not need it.
LATER = {"later": True}


class CheckedFields:
    """What a dataclass inherits to have its fields checked, in the order of its table.

    What one field allows may depend on another: such checks stand in `__post_init__`.
    """

    _checks: ClassVar[Checks] = {}

    def __post_init__(self) -> None:
        """Check the fields."""
        for name, check in self._checks.items():
            check(self._called(name), getattr(self, name))

    def _called(self, name: str) -> str:
        """Return what messages call the field."""
        return name
