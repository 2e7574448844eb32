"""C files that `to_c` writes, compiled and called: many in one library, which is quickest."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

_WARNINGS = """
-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror -ffp-contract=off
"""
WARNINGS = _WARNINGS.split()
C99 = ["-std=c99", *WARNINGS]
CXX17 = ["-std=c++17", "-x", "c++", *WARNINGS]


def compiler(name):
    """Return a compiler, or skip."""
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    return name


def run(*command, **options):
    """Run a command; a failure shows what it said."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def library(folder, files, *flags, cc="gcc"):
    """Compile C files into one library and load it."""
    target = folder / f"{files[0].stem}-{len(files)}.so"
    run(compiler(cc), *C99, *(flags or ["-O1"]), "-shared", "-fPIC", "-o", target, *files)
    return ctypes.CDLL(str(target))


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def feedforward(lib, name, X, n_out):
    """Call NAME_feedforward for each row of X (m, n_1); (m, n_L)."""
    X = np.ascontiguousarray(X)
    out = np.full((len(X), n_out), np.nan, X.dtype)
    function = getattr(lib, f"{name}_feedforward")
    for x, into in zip(X, out, strict=True):
        function(pointer(x), pointer(into))
    return out


def same_bits(got, expected):
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.view(np.uint8), np.ascontiguousarray(expected).view(np.uint8))
