"""What a release is made by: OpenBLAS found unloaded, wheels refused for each fault, the table."""

import base64
import hashlib
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
extern void *PyModuleDef_Init(void *);
extern void *_PyObject_GetDictPtr(void *);
extern int foreign(void);
#include <stdlib.h>
__attribute__((visibility("default"))) void *PyInit__core(void) {
    free(malloc(1));
#ifdef UNSTABLE
    _PyObject_GetDictPtr(0);
#endif
#ifdef FOREIGN
    foreign();
#endif
    return PyModuleDef_Init(0);
}
#ifdef MORE
__attribute__((visibility("default"))) void more(void) {}
#endif
"""
INFO = "chainrule-1.0.dist-info"
CORE = "chainrule/core/_core.abi3.so"
GOOD = "chainrule-1.0-cp311-abi3-musllinux_1_2_x86_64.whl"
BLAS = "chainrule/core/libchainrule_blas.so"


@pytest.fixture
def module(monkeypatch):
    """A function that imports one of the scripts of packaging/."""
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    yield importlib.import_module
    for name in ("targets", "inspect_wheel", "write_table"):
        sys.modules.pop(name, None)


@pytest.fixture
def release(module):
    """The inspection, with wheels of x86-64 with glibc but no OpenBLAS, as cc links them."""
    pytest.importorskip("lief", reason="lief reads libraries of any system")
    pytest.importorskip("abi3info", reason="abi3info lists the stable ABI")
    if not shutil.which("cc"):
        pytest.skip("no C compiler")
    if not (ROOT / "packaging").is_dir():
        pytest.skip("no packaging/ here")
    return module("inspect_wheel")


def target(release, **changes):
    return release.TARGETS["manylinux-x86_64"].__class__(
        **{**vars(release.TARGETS["manylinux-x86_64"]), "blas": None, **changes}
    )


def core(folder, *options):
    source, made = folder / "core.c", folder / "core.so"
    source.write_text(CODE, encoding="utf-8")
    command = ["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-o", made, source, *options]
    subprocess.run(command, check=True)
    return made.read_bytes()


def contents(tag, library):
    """{name: bytes} of a wheel without RECORD."""
    bill = {"components": [{"name": "Cython"}]}
    return {
        "chainrule/__init__.py": b"",
        CORE: library,
        f"{INFO}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode(),
        f"{INFO}/licenses/LICENSE": b"Redistribution and use in source ...",
        f"{INFO}/sboms/chainrule.cdx.json": json.dumps(bill).encode(),
    }


def write_wheel(folder, files, tag, spoil=()):
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(content)}")
    path = folder / f"chainrule-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | dict(spoil)).items():
            archive.writestr(name, content)
        archive.writestr(f"{INFO}/RECORD", "\n".join([*rows, f"{INFO}/RECORD,,"]))
    return path


TAG = "cp311-abi3-manylinux_2_40_x86_64"


def test_a_good_wheel_is_taken(release, tmp_path):
    path = write_wheel(tmp_path, contents(TAG, core(tmp_path)), TAG)
    facts = release.inspect(path, target(release))
    assert facts["wheel"] == path.name
    assert facts["openblas"] is None
    assert re.fullmatch(r"2\.\d+", facts["system"])
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


FAULTS = {
    "another tag": ({"tag": "cp312-abi3-manylinux_2_40_x86_64"}, "not cp311-abi3"),
    "an older system promised": ({"tag": "cp311-abi3-manylinux_2_1_x86_64"}, "the tag promises"),
    "a path to look in": ({"options": ["-Wl,-rpath,/opt/lib"]}, "looks for libraries in"),
    "a name more": ({"options": ["-DMORE"]}, "exports"),
    "no stable ABI": ({"options": ["-DUNSTABLE"]}, "_PyObject_GetDictPtr.*no stable ABI of 3.11"),
    "a foreign library": ({"foreign": True}, "needs .*libforeign.so"),
    "another processor": ({"target": {"processor": "aarch64"}}, "not for aarch64"),
    "no OpenBLAS": ({"target": {"blas": "any"}}, "OpenBLAS is not in it"),
    "an unknown library": ({"more": {"chainrule/core/other.so": b""}}, "what is compiled in it"),
    "another licence": ({"more": {f"{INFO}/licenses/LICENSE": b"mine"}}, "another licence"),
    "no bill": ({"less": f"{INFO}/sboms/chainrule.cdx.json"}, "cdx.json is missing"),
    "a changed file": ({"spoil": {"chainrule/__init__.py": b"1"}}, "RECORD has not"),
    "a file more": ({"spoil": {"chainrule/more.py": b"1"}}, "RECORD lists other files"),
    "no library": ({"more": {CORE: b"text"}}, "is no library"),
}


@pytest.mark.parametrize(("change", "message"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_refused(release, tmp_path, change, message):
    tag, options = change.get("tag", TAG), change.get("options", [])
    if "foreign" in change:
        (tmp_path / "foreign.c").write_text("int foreign(void) { return 1; }")
        made = tmp_path / "libforeign.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", made, tmp_path / "foreign.c"], check=True)
        options = ["-DFOREIGN", "-L", tmp_path, "-lforeign"]
    files = contents(tag, core(tmp_path, *options)) | change.get("more", {})
    files.pop(change.get("less"), None)
    path = write_wheel(tmp_path, files, tag, change.get("spoil", {}))
    with pytest.raises(release.RefusedError, match=message):
        release.inspect(path, target(release, **change.get("target", {})))


def test_a_large_wheel_is_refused(release, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "LARGEST", 1000)
    path = write_wheel(tmp_path, contents(TAG, core(tmp_path)), TAG)
    with pytest.raises(release.RefusedError, match="not below 1000"):
        release.inspect(path, target(release))


@pytest.fixture
def foreign_package(tmp_path):
    """scipy-openblas32 as of another platform: whoever imports it fails."""
    package = tmp_path / "packages" / "scipy_openblas32"
    info = tmp_path / "packages" / "scipy_openblas32-1.2.3.dist-info"
    files = {
        package / "__init__.py": "raise SystemExit('this loads a library of another processor')",
        package / "lib" / "libscipy_openblas.dll": "a library",
        info / "METADATA": "Metadata-Version: 2.1\nName: scipy-openblas32\nVersion: 1.2.3\n",
        info / "licenses" / "LICENSE.txt": (
            "Name: OpenBLAS\nFiles: a\nDescription: blas\nAvailability: https://x\nLicense: BSD\n"
        ),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    names = [path.relative_to(package.parent).as_posix() for path in files]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in names), encoding="utf-8")
    return package.parent


def script(name, *arguments):
    command = [sys.executable, ROOT / "cmake" / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_openblas_is_found_without_importing_its_package(foreign_package, tmp_path):
    out = tmp_path / "out"
    ran = script("bundle_openblas.py", out, foreign_package)
    assert ran.returncode == 0, ran.stderr
    assert (out / "libchainrule_blas.dll").read_text() == "a library"
    assert "OpenBLAS" in (out / "LICENSE-OpenBLAS.txt").read_text()


def test_the_bill_is_that_of_the_other_platform(foreign_package, tmp_path):
    pytest.importorskip("Cython", reason="the bill names its version")
    bill, library = tmp_path / "bill.json", foreign_package / "scipy_openblas32/lib"
    ran = script("write_sbom.py", bill, "1.0", library / "libscipy_openblas.dll", foreign_package)
    assert ran.returncode == 0, ran.stderr
    parts = {part["name"]: part for part in json.loads(bill.read_text())["components"]}
    assert parts["OpenBLAS"]["version"] == "1.2.3"


@pytest.mark.parametrize("fault", ["no package", "no library"])
def test_what_openblas_lacks_is_said(foreign_package, tmp_path, fault):
    if fault == "no package":
        shutil.rmtree(foreign_package)
    else:
        record = next(foreign_package.glob("*.dist-info")) / "RECORD"
        record.write_text(record.read_text().replace("libscipy_openblas", "libother"))
    ran = script("bundle_openblas.py", tmp_path / "out", foreign_package)
    assert ran.returncode == 1
    assert {"no package": "is not installed in", "no library": "0 files that are its shared"}[
        fault
    ] in ran.stderr
    assert not list((tmp_path / "out").glob("*"))


def test_the_table_says_what_was_run_and_what_was_not(module, tmp_path):
    if not (ROOT / "packaging").is_dir():
        pytest.skip("no packaging/ here")
    made = {"wheel": "w", "megabytes": 1.5, "openblas": "0.3", "system": "2.17", "sha256": ""}
    records = [
        made | {"target": "manylinux-x86_64"},
        {"target": "manylinux-x86_64", "where": "Python 3.12.1", "passed": 12345, "failed": 0,
         "skipped": 3},
        {"target": "manylinux-x86_64", "where": "Python 3.13.0", "passed": 9, "failed": 2,
         "skipped": 0},
        {"target": "manylinux-x86_64", "missing": "no python3.14"},
        made | {"target": "macos-arm64", "openblas": None, "system": "11.0"},
        {"target": "windows-x86_64", "missing": "not built"},
    ]  # fmt: skip
    assert module("write_table").table(records) == [
        "| `manylinux-x86_64` | glibc 2.17 | 0.3 | 1.50 | yes | Python 3.12.1: 12,345, 3 skipped; "
        "Python 3.13.0: 9, **2 failed**; not run: no python3.14 |",
        "| `macos-arm64` | macOS 11.0 | none | 1.50 | yes | only built |",
        "| `windows-x86_64` |  |  |  | no | not built |",
    ]


def test_sizes_for_any_platform_are_true_here(tmp_path):
    """Each SIZEOF_ of packaging/pyconfig.h is what the compiler says."""
    header = ROOT / "packaging" / "pyconfig.h"
    if not header.is_file() or not shutil.which("cc") or sys.maxsize < 2**32:
        pytest.skip("no packaging/, no C compiler, or no platform of 64 bits")
    kinds = {"VOID_P": "void *", "TIME_T": "time_t", "PID_T": "pid_t", "PTHREAD_T": "pthread_t"}
    sizes = re.findall(r"define SIZEOF_(\w+)", header.read_text(encoding="utf-8"))
    assert {"LONG", "WCHAR_T", "SIZE_T"} <= set(sizes)
    checks = []
    for name in sizes:
        kind = kinds.get(
            name, name.lower() if name.endswith("_T") else name.lower().replace("_", " ")
        )
        checks.append(f'_Static_assert(SIZEOF_{name} == sizeof({kind}), "{name}");')
    includes = ("pthread.h", "stdint.h", "stddef.h", "sys/types.h", "time.h")
    lines = [f'#include "{header}"', *(f"#include <{name}>" for name in includes), *checks]
    (tmp_path / "sizes.c").write_text("\n".join(lines), encoding="utf-8")
    subprocess.run(["cc", "-fsyntax-only", tmp_path / "sizes.c"], check=True)


def test_one_openblas_is_pinned():
    """pyproject.toml and what cross builds fetch name one version."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        asked = tomllib.load(file)["build-system"]["requires"]
    pinned = (ROOT / "cmake" / "build-requirements.in").read_text().splitlines()
    (version,) = (line for line in pinned if line.startswith("scipy-openblas32=="))
    assert version in asked
