"""The stub of the core, `core/_core.pyi`, says what the compiled core has.

Type checkers read the stub alone, so a wrong one would pass wrong calls, and refuse right ones.
"""

import ast
import inspect
import re
from pathlib import Path

import pytest

from chainrule.core import _core

CORE = Path(__file__).parents[2] / "src" / "chainrule" / "core"
if not (CORE / "_core.pyx").is_file():
    pytest.skip("the sources of the core are not beside the tests", allow_module_level=True)

STUB = ast.parse((CORE / "_core.pyi").read_text(encoding="utf-8"))
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
IMPORTED = {"numpy", "os"}
# made by the core alone
INSIDE = {"Column", "Copy", "Exchange", "Memory", "OneSample", "Team", "Trainee", "Workspace"}


def annotated(body):
    """The names that are annotated, but for the names of types."""
    return {
        node.target.id
        for node in body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) != "TypeAlias"
    }


def parameters_of(arguments):
    """(name, whether by its name alone, default or "needed") for each parameter, without self."""
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = [None] * (len(positional) - len(arguments.defaults))
    rows = [
        *((arg, False, value) for arg, value in zip(positional, [*needed, *arguments.defaults],
                                                    strict=True)),
        *((arg, True, value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults,
                                                   strict=True)),
    ]  # fmt: skip
    return [
        (arg.arg, by_name, "needed" if value is None else ast.literal_eval(value))
        for arg, by_name, value in rows
        if arg.arg != "self"
    ]


def compiled_parameters(function):
    """The same of a compiled function."""
    return [
        (each.name, each.kind is each.KEYWORD_ONLY,
         "needed" if each.default is each.empty else each.default)
        for each in inspect.signature(function).parameters.values()
    ]  # fmt: skip


def cython_parameters(name):
    """The same of a class of the core, by the header of its `__cinit__`: it has no signature."""
    for path in CORE.glob("*.pxi"):
        _, found, text = path.read_text(encoding="utf-8").partition(f"\ncdef class {name}:")
        if found:
            header = re.search(r"\n    def __cinit__\((.*?)\):\n", text, re.DOTALL)[1]
            header = re.sub(r"\[[^]]*\]", "", header)  # of memoryviews: no commas but between
            bare = [part.split("=") for part in header.split(",")]
            header = ", ".join(
                "=".join([declared.split()[-1], *default]) for declared, *default in bare
            )
            return parameters_of(ast.parse(f"def __cinit__({header}): ...").body[0].args)
    raise LookupError(name)


def test_the_names_are_those_of_the_core():
    had = {name for name in vars(_core) if not name.startswith("_")} - IMPORTED - INSIDE
    assert {*FUNCTIONS, *CLASSES, *annotated(STUB.body)} == had
    assert vars(_core).keys() >= IMPORTED | INSIDE


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_parameters_of_the_core(name):
    assert parameters_of(FUNCTIONS[name].args) == compiled_parameters(getattr(_core, name))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_made_as_in_the_core(name):
    functions = (node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef))
    (init,) = (node for node in functions if node.name == "__init__")
    assert parameters_of(init.args) == cython_parameters(name)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_attributes_of_the_core(name):
    had = {each for each in vars(getattr(_core, name)) if not each.startswith("__")}
    methods = {node.name for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)}
    assert annotated(CLASSES[name].body) | methods - {"__init__"} == had
