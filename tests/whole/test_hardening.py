"""What keeps a fault of the compiled core from becoming more than a crash, as `checksec` looks for.

Builds for debugging (CMAKE_BUILD_TYPE=Debug, CHAINRULE_SANITIZE) are made otherwise.
"""

import re
import shutil
import subprocess

import pytest

from chainrule.core import _core


def readelf(library, *what):
    """What readelf says of an ELF library."""
    if not shutil.which("readelf") or not str(library).endswith(".so"):
        pytest.skip("read with readelf, from an ELF library")
    command = ["readelf", "--wide", *what, library]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=["the core", "the BLAS"])
def library(request):
    path = _core.__file__ if request.param == "the core" else _core.blas_path()
    if not path:
        pytest.skip("this build has no BLAS of its own")
    return path


def test_nothing_in_memory_is_both_written_and_run(library):
    segments = readelf(library, "--program-headers")
    (stack,) = re.findall(r"GNU_STACK +(?:0x\w+ +){5}(\S+)", segments)
    assert stack == "RW"
    assert not re.search(r"LOAD +(?:0x\w+ +){5}RWE", segments)


def test_the_code_is_the_same_wherever_it_is_loaded(library):
    assert "TEXTREL" not in readelf(library, "--dynamic")


def test_tables_of_functions_are_read_only_once_loaded():
    assert "GNU_RELRO" in readelf(_core.__file__, "--program-headers")
    assert re.search(r"FLAGS\S* +.*\bNOW\b|BIND_NOW", readelf(_core.__file__, "--dynamic"))


def test_stacks_are_guarded_and_sizes_checked_where_they_are_known():
    needed = readelf(_core.__file__, "--dyn-syms")
    assert "__stack_chk_fail" in needed
    assert re.search(r"UND __\w+_chk@", needed)


def test_no_path_of_the_building_machine_is_in_it():
    with open(_core.__file__, "rb") as file:
        content = file.read()
    assert b"chainrule/core/_core.pyx" in content  # as tracebacks name it
    assert not re.findall(rb"/[\w./-]*/(?:src/chainrule/core|csrc)/", content)
