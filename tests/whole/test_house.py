"""The plan of the house: which wing may import which, read from the imports themselves."""

import ast
import importlib.util
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
architecture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(architecture)

PACKAGE, RANK, place_of = architecture.PACKAGE, architecture.RANK, architecture.place_of
MODULES = architecture.modules()
ARROWS = architecture.arrows()
# Wings that users import from: their `__init__.py` lists names.
PUBLIC_WINGS = {"book", "convert", "sklearn"}
GUIDE = ROOT / "CONTRIBUTING.md"


def test_every_module_has_a_place():
    assert {place_of(module) for module in MODULES} == set(RANK)
    assert len(ARROWS) > 200


@pytest.mark.parametrize("module", list(MODULES))
def test_imports_run_downward(module):
    """Also those inside functions, which would only hide a circle."""
    above = [
        arrow.target
        for arrow in ARROWS
        if arrow.source == module and RANK[place_of(arrow.target)] > RANK[place_of(module)]
    ]
    assert not above


def test_no_two_modules_import_each_other_in_a_circle():
    needs = {module: set() for module in MODULES}
    for arrow in ARROWS:
        needs[arrow.source].add(arrow.target)
    while free := [module for module, others in needs.items() if not others & needs.keys()]:
        for module in free:
            del needs[module]
    assert not needs


def test_the_results_do_not_know_the_words():
    words = {arrow.target for arrow in ARROWS if place_of(arrow.source) == "results"}
    assert not {place_of(target) for target in words} & architecture.WORDS


def test_no_wing_but_the_book_imports_the_face():
    who = {place_of(arrow.source) for arrow in ARROWS if arrow.target == "__init__"}
    assert who == {"book", "__main__"}


def test_an_inner_wing_opens_with_a_docstring_alone():
    for module, path in MODULES.items():
        wing, _, last = module.rpartition(".")
        if last == "__init__" and wing and wing not in PUBLIC_WINGS:
            (only,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(only, ast.Expr)
            assert isinstance(only.value, ast.Constant)


def test_the_hall_has_no_more_than_the_words_of_users():
    hall = {path.stem for path in PACKAGE.glob("*.py")}
    assert hall == architecture.WORDS | {
        "__init__", "__main__", "network", "logic", "version",
    }  # fmt: skip


def test_files_are_short_or_say_why_they_are_not():
    for path in PACKAGE.rglob("*.p[yx]*"):
        if path.suffix in (".py", ".pyx", ".pxi", ".pxd"):
            text = path.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= 400 or "Over 400 lines for " in text[:300], path


def test_the_picture_is_of_the_imports_as_they_are():
    """`python docs/architecture.py` draws it anew."""
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.draw()


def test_the_six_names_of_the_way_through_the_house_are_there():
    rows = re.findall(r"^\| (`.*?`) \| `(src/.*?)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 6
    for names, file in rows:
        text = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            assert re.search(rf"^(    )?(cdef|def) (.* )?{name}\(", text, re.MULTILINE), name


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
