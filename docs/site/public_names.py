"""The public names of the package: what the reference has a page for, and what shows an example.

They are read from the package itself, so that a new name is there with the next build.
"""

import importlib
import inspect
from typing import Any, NamedTuple

MODULES = (
    "chainrule",
    "chainrule.activations",
    "chainrule.costs",
    "chainrule.initializers",
    "chainrule.equations",
    "chainrule.logic",
    "chainrule.datasets",
    "chainrule.sklearn",
    "chainrule.convert",
    "chainrule.book.network",
    "chainrule.book.network2",
    "chainrule.book.mnist_loader",
)


class PublicName(NamedTuple):
    """A name, the module that users import it from, and what it is of."""

    module: str
    name: str
    value: Any

    @property
    def path(self):
        """The name as users write it."""
        return f"{self.module}.{self.name}"

    @property
    def kind(self):
        """What it is: "class", "function" or "data"."""
        if inspect.isclass(self.value):
            return "class"
        return "function" if inspect.isroutine(self.value) else "data"


def names_of(module):
    """Return the public names of a module: those of ``__all__``, else of its table of names.

    The table of ``chainrule.costs`` is its ``COSTS``, and so on: what a network takes by its name.
    """
    found = importlib.import_module(module)
    table = module.rpartition(".")[2].upper()
    names = found.__all__ if hasattr(found, "__all__") else getattr(found, table)
    return [
        PublicName(module, name, value)
        for name in sorted(names, key=str.lower)
        if not inspect.ismodule(value := getattr(found, name)) and not name.startswith("_")
    ]


def public_names():
    """Return all public names, module by module."""
    return [name for module in MODULES for name in names_of(module)]
