"""What is handed out: built without a warning, to the same bytes wherever, from what is pinned."""

import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from builds import ROOT, build, must, python

from campaign import Effort, Lost

EPOCH = "1700000000"  # the time that archives bear


def wheel(source: Path) -> Path:
    """Build a wheel from a source distribution that lies unpacked there."""
    must(
        python(), "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps",
        f"--wheel-dir={source.parent}", "-Ccmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON", source,
        PATH=f"{python().parent}{os.pathsep}{os.environ['PATH']}", SOURCE_DATE_EPOCH=EPOCH,
    )  # fmt: skip
    (made,) = source.parent.glob("*.whl")
    return made


def source_distribution(folder: Path) -> Path:
    code = f"from scikit_build_core.build import build_sdist as b; print(b({str(folder)!r}))"
    return folder / must(python(), "-c", code, SOURCE_DATE_EPOCH=EPOCH).splitlines()[-1]


def same_bytes(effort: Effort) -> Iterator[str]:
    """Two source distributions; two wheels of one, in folders of different depth and name."""
    with tempfile.TemporaryDirectory() as work:
        places = [Path(work, "a"), Path(work, "another", "much deeper")]
        for place in places:
            place.mkdir(parents=True)
        archives = [source_distribution(place) for place in places]
        yield compared("source distribution", *archives)
        if effort.fast:  # CI builds it in any case, and the row below once more
            return
        wheels = []
        for place, archive in zip(places, archives, strict=True):
            with tarfile.open(archive) as files:
                files.extractall(place, filter="data")
            (source,) = (path for path in place.iterdir() if path.is_dir())
            wheels.append(wheel(source))
            shutil.rmtree(source)
        yield compared("wheel", *wheels)


def compared(what: str, first: Path, second: Path) -> str:
    if first.read_bytes() == second.read_bytes():
        return f"{what}: the same bytes"
    if first.suffix != ".whl":
        return Lost(f"{what}: other bytes")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        differ = [name for name in one.namelist() if one.read(name) != other.read(name)]
    return Lost(f"{what}: other bytes in {differ}")


def without_warnings(effort: Effort) -> Iterator[str]:
    """With all warnings of -Wall -Wextra as errors, but those that CMakeLists.txt lists."""
    build("symbols", CMAKE_COMPILE_WARNING_AS_ERROR="ON")
    yield "built"


def pins(effort: Effort) -> Iterator[str]:
    """Each thing a build needs is there in one version, by the hashes of its files."""
    listed = (ROOT / "cmake" / "build-requirements.txt").read_text(encoding="utf-8")
    installed = json.loads(must(python(), "-m", "pip", "list", "--format=json"))
    names = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in installed}
    for line in listed.replace("\\\n", "").splitlines():
        if not line.startswith("#") and "==" in line:
            name, _, version = line.split()[0].partition("==")
            good = names.get(name) == version and "--hash=sha256:" in line
            yield "pinned" if good else Lost(f"{name} {version} is not what is installed")


ROWS = {
    "what a build needs, installed by its hashes": pins,
    "built with warnings as errors": without_warnings,
    "built twice, in two folders": same_bytes,
}
