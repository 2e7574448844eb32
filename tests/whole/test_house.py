"""The plan of the house: which wing may import which, read from the imports themselves."""

import ast
import importlib.util
import re
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
PUBLIC_WINGS = {"book"}


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


# ------------------------------------------------------------ the core: an extension in storeys

CORE = PACKAGE / "core"


def words_of(path):
    text = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {
        word for line in text.splitlines() for word in re.findall(r"\w+", line.partition("#")[0])
    }


def definitions_of(path):
    """Return what an included file defines at its top: functions, classes, structs, numbers."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"^(?:cdef |def )(?:inline |class |struct |enum |const )*(?:[\w ]+?[ *]+)??(\w+)[(:\s]",
        text,
        re.MULTILINE,
    )
    return set(found)


INCLUDES = re.findall(r'^include "(\w+\.pxi)"$', (CORE / "_core.pyx").read_text(), re.MULTILINE)


def test_every_file_of_the_core_is_included_once():
    assert sorted(INCLUDES) == sorted(path.name for path in CORE.glob("*.pxi"))


@pytest.mark.parametrize("name", INCLUDES)
def test_a_file_of_the_core_uses_what_was_included_before_it(name):
    later = INCLUDES[INCLUDES.index(name) + 1 :]
    used = words_of(CORE / name)
    for other in later:
        types = re.findall(
            r"^cdef (?:class|struct|enum) (\w+)", (CORE / other).read_text(), re.MULTILINE
        )
        assert not used & set(types), f"{name} uses types of {other}, which comes after it"
