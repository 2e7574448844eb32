"""The command ``chainrule export``: a model as a file of another tool."""

import os
from pathlib import Path
from typing import Any

from chainrule import convert
from chainrule.checks.words import hint
from chainrule.command.models import open_model

# By the ending of the file, the function of `chainrule.convert` that writes it.
WAYS = {
    ".onnx": "to_onnx",
    ".c": "to_c",
    ".js": "to_js",
    ".mjs": "to_js",
    ".html": "to_html",
    ".safetensors": "to_safetensors",
}
NAMED = {"to_c"}  # which take the name of what they write


def run_export(model: str, output: str, name: str | None) -> None:
    """Write a model as a file of another tool, by the ending of its name.

    Parameters
    ----------
    model : str
        Of a network, an ensemble, a table's model or an estimator, in a file.
    output : str
        One that ends as in `WAYS`.
    name : str or None
        What functions in C are called.

    Raises
    ------
    OSError, ValueError
        For an ending that there is not, files that do not fit, and a model that the other tool
        cannot hold.
    """
    way = way_of(output)
    options: dict[str, Any] = {}
    if name is not None:
        if way not in NAMED:
            raise ValueError("--name is for C alone")
        options["name"] = name
    found = open_model(model)
    try:
        getattr(convert, way)(found, output, **options)
    except TypeError as error:  # what cannot be converted, such as an activation of one's own
        raise ValueError(str(error)) from error
    print(f"Wrote {output}, {os.path.getsize(output):,} bytes")


def way_of(output: str) -> str:
    """Return the name of the function that writes such a file, or raise ValueError."""
    ending = Path(output).suffix.lower()
    if ending not in WAYS:
        raise ValueError(
            f"a model is exported by the ending of the file, one of {', '.join(WAYS)}; got "
            f"{output!r}.{hint(ending, WAYS)}"
        )
    return WAYS[ending]
