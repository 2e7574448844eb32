"""Models that leave for another tool, and models that come from one.

A public name is a line of `_WHERE`; its module is imported when the name is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.convert.book_file import from_book as from_book
    from chainrule.convert.c.writing import to_c as to_c
    from chainrule.convert.javascript import to_js as to_js
    from chainrule.convert.keras_models import from_keras as from_keras
    from chainrule.convert.keras_models import to_keras as to_keras
    from chainrule.convert.onnx_reader import from_onnx as from_onnx
    from chainrule.convert.onnx_writer import to_onnx as to_onnx
    from chainrule.convert.pytorch import from_torch as from_torch
    from chainrule.convert.pytorch import to_torch as to_torch
    from chainrule.convert.scikit_learn import from_sklearn as from_sklearn
    from chainrule.convert.scikit_learn import to_sklearn as to_sklearn
    from chainrule.convert.sql import to_sql as to_sql
    from chainrule.convert.tensors_file import from_safetensors as from_safetensors
    from chainrule.convert.tensors_file import to_safetensors as to_safetensors
    from chainrule.convert.web_page import to_html as to_html

_WHERE: dict[str, str] = {  # each name, and the module of this wing that has it
    "from_book": "book_file",
    "from_keras": "keras_models",
    "from_onnx": "onnx_reader",
    "from_safetensors": "tensors_file",
    "from_sklearn": "scikit_learn",
    "from_torch": "pytorch",
    "to_c": "c.writing",
    "to_html": "web_page",
    "to_js": "javascript",
    "to_keras": "keras_models",
    "to_onnx": "onnx_writer",
    "to_safetensors": "tensors_file",
    "to_sklearn": "scikit_learn",
    "to_sql": "sql",
    "to_torch": "pytorch",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a way in or out with the first use of its name."""
    if name not in _WHERE:
        raise AttributeError(f"module 'chainrule.convert' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.convert.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
