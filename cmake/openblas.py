"""Where the OpenBLAS of the package scipy-openblas32 is: found without importing it.

Its import loads the library, which is another processor's where a wheel is built for one.
"""

import sys
from importlib import metadata

PACKAGE = "scipy-openblas32"


def package(folder=None):
    """Return the distribution, of this Python or as it was installed into FOLDER."""
    where = {"path": [str(folder)]} if folder else {}
    for found in metadata.distributions(name=PACKAGE, **where):
        return found
    sys.exit(f"{PACKAGE} is not installed in {folder or 'this Python'}; run\n"
             f"    pip install {PACKAGE}{f' --target {folder}' if folder else ''}\n"
             "with the version that cmake/build-requirements.in pins, "
             "or build with -C cmake.define.CHAINRULE_BLAS=none")  # fmt: skip


def library(found):
    """Return the path of the shared library."""
    names = ("libscipy_openblas.so", "libscipy_openblas.dylib", "libscipy_openblas.dll")
    return only(found, "shared library", lambda name: name in names).locate()


def licence(found):
    """Return the text of the licences of all that is in the library."""
    file = only(found, "licence text", lambda name: name.upper().startswith("LICENSE"))
    return file.locate().read_text(encoding="utf-8")


def only(found, what, is_it):
    """Return the one file whose name ``is_it`` accepts."""
    files = [file for file in found.files or () if is_it(file.name)]
    if len(files) != 1:
        sys.exit(f"{PACKAGE} {found.version} has {len(files)} files that are its {what}, not 1")
    return files[0]
