"""The plan of the house: which wing may import which, read from the imports themselves."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "chainrule"

# From the bottom up: a line may know the lines before it, and itself. A file of the hall goes by
# its module, a wing by its folder.
STOREYS = [
    {"version"},
    {"core"},
    {"checks"},
    {"activations", "costs", "initializers", "schedules", "optimizers", "equations", "datasets"},
    {"results"},
    {"model"},
    {"training"},
    {"doctor"},
    {"files"},
    {"network"},
    {"course"},
    {"logic"},
    {"book"},
    {"__init__"},  # the face
    {"__main__"},
]
WORDS = STOREYS[3]
RANK = {place: rank for rank, places in enumerate(STOREYS) for place in places}
# Besides `book`, which users import from and which lists its names, these wings' `__init__.py` may
# list names that come on first use.
PUBLIC_WINGS = {"book"}


def name_of(path):
    """Return the dotted name of a module below the package."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def place_of(module):
    """Return the wing, or the file of the hall, that a module is in."""
    return module.partition(".")[0]


def modules_named(dotted):
    """Return the modules that `import dotted`, or a name out of it, leads to."""
    below = dotted.removeprefix("chainrule").removeprefix(".")
    if not below:
        return "__init__"
    while below and below not in MODULES and f"{below}.__init__" not in MODULES:
        below = below.rpartition(".")[0]
    return below if below in MODULES else f"{below}.__init__" if below else None


def imports_of(path):
    """Yield each module of the package that a file imports, and whether inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(node) for function in ast.walk(tree)
              if isinstance(function, ast.FunctionDef | ast.Lambda)
              for node in ast.walk(function)}  # fmt: skip
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name == "chainrule" or name.startswith("chainrule."):
                yield modules_named(name), id(node) in inside


ARROWS = [
    (module, imported, lazy)
    for module, path in MODULES.items()
    for imported, lazy in imports_of(path)
    if imported and not imported.startswith("core.")
]


def test_every_module_has_a_place():
    assert {place_of(module) for module in MODULES} == set(RANK)
    assert len(ARROWS) > 200


@pytest.mark.parametrize("module", list(MODULES))
def test_imports_run_downward(module):
    """Law 2, also for imports inside functions, which only hide a circle where they run upward."""
    above = [
        imported
        for source, imported, _ in ARROWS
        if source == module and RANK[place_of(imported)] > RANK[place_of(module)]
    ]
    if place_of(module) == "book":  # it stands on the face, as its users do
        above = [imported for imported in above if imported != "__init__"]
    assert not above


def test_the_words_do_not_need_the_results_nor_these_them():
    for source, imported, _ in ARROWS:
        assert not (place_of(source) == "results" and place_of(imported) in WORDS)


def test_no_two_modules_import_each_other_in_a_circle():
    needs = {module: set() for module in MODULES}
    for source, imported, _ in ARROWS:
        needs[source].add(imported)
    while free := [module for module, others in needs.items() if not others & needs.keys()]:
        for module in free:
            del needs[module]
    assert not needs


def test_no_wing_but_the_book_imports_the_face():
    assert {place_of(source) for source, imported, _ in ARROWS if imported == "__init__"} <= {
        "book",
        "__main__",
    }


def test_an_inner_wing_opens_with_a_docstring_alone():
    for module, path in MODULES.items():
        wing, _, last = module.rpartition(".")
        if last == "__init__" and wing and wing not in PUBLIC_WINGS:
            (only,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(only, ast.Expr)
            assert isinstance(only.value, ast.Constant)


def test_each_public_name_has_one_path():
    import chainrule

    for name in chainrule.__all__:
        assert hasattr(chainrule, name)
    classes = [value for name in chainrule.__all__
               if isinstance(value := getattr(chainrule, name), type)]  # fmt: skip
    assert len({(each.__module__, each.__qualname__) for each in classes}) == len(classes)


# ------------------------------------------------------------ the core: an extension in storeys

CORE = PACKAGE / "core"
INCLUDES = re.findall(
    r'^include "(\w+\.pxi)"$', (CORE / "_core.pyx").read_text(encoding="utf-8"), re.MULTILINE
)


def defined_in(name):
    """Return what an included file defines: functions, classes, structs, enums and numbers."""
    text = (CORE / name).read_text(encoding="utf-8")
    defined = re.findall(r"^(?:cdef|def)\b[^\n(=:]*?(\w+) *[(=:]", text, re.MULTILINE)
    for members in re.findall(r"^cdef enum\b.*\n((?:[ \t]+.*\n|\n)+)", text, re.MULTILINE):
        for line in members.splitlines():
            values = line.partition("#")[0].split(",")
            defined += [value.partition("=")[0].strip() for value in values]
    return set(defined) - {"enum", ""}


def used_in(name):
    """Return the words of an included file's code that do not follow a dot, as attributes do."""
    used, before = set(), ""
    with (CORE / name).open(encoding="utf-8") as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.NAME and before != ".":
                used.add(token.string)
            before = token.string
    return used


DEFINED = {name: defined_in(name) for name in INCLUDES}
USED = {name: used_in(name) for name in INCLUDES}


def uses_of_later_files(includes):
    """Return (file, name, the later file that defines it) for each name that is used too early.

    A variable must not have the name of a function of a later file, either: here it would count as
    its use, and to a reader it may seem so.
    """
    return [
        (name, used, later)
        for i, name in enumerate(includes)
        for later in includes[i + 1 :]
        for used in sorted(USED[name] & DEFINED[later])
    ]


def test_every_file_of_the_core_is_included_once():
    assert sorted(INCLUDES) == sorted(path.name for path in CORE.glob("*.pxi"))


def test_a_file_of_the_core_uses_what_was_included_before_it():
    assert uses_of_later_files(INCLUDES) == []


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("plan.pxi", "workspace.pxi", "Plan"),  # a class
        ("samples.pxi", "tile.pxi", "Samples"),  # a struct
        ("tile.pxi", "groups.pxi", "forward_part"),  # a function
        ("memory.pxi", "stream.pxi", "FINISHED"),  # one of several in a line of an enum
        ("tile.pxi", "trainee.pxi", "MOST_COSTS"),  # one with a value
        ("memory.pxi", "groups.pxi", "WORK_BETWEEN_SIGNALS"),  # a number
    ],
)
def test_two_includes_exchanged_are_found(first, second, name):
    exchanged = {first: second, second: first}
    includes = [exchanged.get(include, include) for include in INCLUDES]
    assert (second, name, first) in uses_of_later_files(includes)
