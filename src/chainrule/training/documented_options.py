"""The options of `fit` in the signature and in the docstring of what takes them."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chainrule.training.fit_options import OF_SINGLE_STEPS, OPTIONS, ROWS, Option

_Function = TypeVar("_Function", bound=Callable)


def documents_options(function: _Function, options: Mapping[str, Option] = OPTIONS) -> _Function:
    """Decorate a function with ``**options: Unpack[FitOptions]``: show rows, or all, as its own.

    They come into its signature, for `help` and editors, and into its docstring, behind the other
    parameters; `optimizer`, where it is a parameter of its own, stands in its row.
    """
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    named = {parameter.name for parameter in own}
    rows = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default,
                          annotation=ROWS[name].__origin__)
        for name, option in options.items() if name not in named
    ]  # fmt: skip
    documented: Any = function  # type checkers do not know that it has a __signature__
    documented.__signature__ = signature.replace(parameters=[*own, *rows])
    returns = re.search(r"\n( *)Returns\n", function.__doc__ or "")
    if returns:  # there is no docstring with python -OO
        doc, indent = returns.string, returns[1]
        shown = "".join(_paragraph(name, indent) for name in options if name not in named)
        head, tail = doc[: returns.start()].rstrip(), doc[returns.end() :]
        function.__doc__ = f"{head}\n{shown}\n{indent}Returns\n{tail}"
    return function


def documents_single_steps(function: _Function) -> _Function:
    """Decorate a function likewise: show the rows that are for single steps."""
    return documents_options(function, OF_SINGLE_STEPS)


def _paragraph(name: str, indent: str) -> str:
    option = OPTIONS[name]
    lines = [f"    {line}" if line else "" for line in inspect.cleandoc(option.about).splitlines()]
    return "".join(f"{indent}{line}\n" for line in (f"{name} : {option.shown}", *lines))
