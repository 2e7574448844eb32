"""What was built and installed: files, metadata, the bundled BLAS, the time of an import."""

import hashlib
import json
import re
import shutil
import subprocess
import zlib
from importlib import metadata
from pathlib import Path

import pytest

import chainrule
from chainrule.core import _core
from children import python

IMPORT_SECONDS = 0.1  # beyond NumPy's own
IMPORTS = 5


@pytest.fixture(scope="module")
def installed():
    """{name: path} of the files that were installed in the package's folder and its dist-info."""
    listed = metadata.files("chainrule") or []
    files = {path.as_posix(): Path(path.locate()) for path in listed if ".." not in path.parts}
    if "chainrule/__init__.py" not in files:
        pytest.skip("an editable install has its files elsewhere")
    return {name: path for name, path in files.items() if "__pycache__" not in name}


@pytest.fixture(scope="module")
def blas(installed):
    """The path of the BLAS library inside the package."""
    paths = [path for name, path in installed.items() if path.name.startswith("libchainrule_blas.")]
    if not paths:
        pytest.skip("this build has no BLAS of its own")
    (path,) = paths
    assert str(path.resolve()) == str(Path(_core.blas_path()).resolve())
    return path


def test_nothing_but_the_package_is_installed(installed):
    wanted = {".py", ".pyi", ".typed", ".so", ".dylib", ".dll", ".pyd", ".txt"}
    package = {
        name: path.suffix for name, path in installed.items() if name.startswith("chainrule/")
    }
    others = {suffix for name, suffix in package.items() if "/convert/" not in name}
    assert others <= wanted  # no .pyx, .pxd, .c, .h
    parts = {suffix for name, suffix in package.items() if "/convert/" in name}
    assert parts == {".py", ".c", ".css", ".html", ".js"}  # the last four of files that it writes
    info = f"chainrule-{metadata.version('chainrule')}.dist-info"
    assert {name.split("/")[0] for name in installed} - {"bin"} == {"chainrule", info}


def test_stubs_and_their_marker_are_installed(installed):
    assert {"chainrule/py.typed", "chainrule/core/_core.pyi"} <= set(installed)


def test_one_extension_for_every_python(installed):
    (core,) = (name for name in installed if re.match(r"chainrule/core/_core\..*(so|pyd)$", name))
    assert core in ("chainrule/core/_core.abi3.so", "chainrule/core/_core.pyd")
    assert "Tag: cp311-abi3-" in metadata.distribution("chainrule").read_text("WHEEL")


def test_licence_is_installed(installed):
    (name,) = (name for name in installed if name.endswith(".dist-info/licenses/LICENSE"))
    assert "Redistribution and use" in installed[name].read_text(encoding="utf-8")


def test_blas_comes_with_its_licence(blas):
    text = (blas.parent / "LICENSE-OpenBLAS.txt").read_text(encoding="utf-8")
    for part in ("The OpenBLAS Project", "Redistribution and use", "LAPACK", "GCC runtime library"):
        assert part in text


def test_what_is_inside_is_listed(installed):
    (name,) = (name for name in installed if ".dist-info/sboms/" in name)
    bill = json.loads(installed[name].read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    ours = bill["metadata"]["component"]
    assert (ours["name"], ours["version"]) == ("chainrule", metadata.version("chainrule"))
    parts = {part["name"]: part for part in bill["components"]}
    assert all(part["version"] and part["licenses"] for part in parts.values())
    if _core.blas_path() is None:
        assert parts.keys() == {"Cython"}
        return
    assert {"Cython", "OpenBLAS", "LAPACK", "GCC runtime library"} <= parts.keys()
    assert parts["OpenBLAS"]["version"] in _core.blas_name()
    (kept,) = parts["OpenBLAS"]["hashes"]
    library = Path(_core.blas_path()).read_bytes()
    assert kept == {"alg": "SHA-256", "content": hashlib.sha256(library).hexdigest()}


def test_blas_has_a_name_of_its_own(blas):
    """Two libraries of one SONAME in a process would be one library to the loader."""
    if blas.suffix != ".so" or not shutil.which("readelf"):
        pytest.skip("the name is read with readelf, from an ELF library")
    command = ["readelf", "--dynamic", "--wide", blas]
    dynamic = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libchainrule_blas.so"]
    # what it needs is there on any Linux of that C library
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert all(re.match(r"lib(m|c|pthread|dl)\.so|ld-linux", name) for name in needed), needed


def test_wheel_is_below_ten_megabytes(installed):
    zipped = sum(len(zlib.compress(path.read_bytes())) for path in installed.values())
    assert 50e3 < zipped < 10e6


def test_numpy_is_the_only_dependency():
    needs = [need for need in metadata.requires("chainrule") if "extra ==" not in need]
    assert [re.match(r"[\w.-]+", need)[0] for need in needs] == ["numpy"]


def test_version_is_that_of_the_metadata():
    assert chainrule.__version__ == metadata.version("chainrule")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", chainrule.__version__)


def test_import_is_fast():
    """Processor time that `import chainrule` adds to `import numpy`."""
    code = """if True:
        import time
        import numpy
        began = time.process_time()
        import chainrule
        print(time.process_time() - began)
    """
    ours = [float(python("-c", code)) for _ in range(IMPORTS)]
    assert min(ours) < IMPORT_SECONDS  # the first may have had to compile
