"""Models that leave for another tool, and models that come from one.

A public name is a line of `_WHERE`; its module is imported when the name is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.convert.onnx_reader import from_onnx as from_onnx
    from chainrule.convert.onnx_writer import to_onnx as to_onnx

_WHERE: dict[str, str] = {
    "from_onnx": "onnx_reader",
    "to_onnx": "onnx_writer",
}  # each name, and the module of this wing that has it

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a way in or out with the first use of its name."""
    if name not in _WHERE:
        raise AttributeError(f"module 'chainrule.convert' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.convert.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
