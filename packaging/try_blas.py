"""Multiply with the OpenBLAS of a wheel, by a program of its platform, where no Python of it runs.

    python try_blas.py TARGET WHEEL FOLDER [RUNNER...]

``tests/c/test_blas.c`` is compiled with zig for TARGET (a name of ``targets.py``) in FOLDER and
run, by RUNNER where this machine needs one (an emulator, Wine).
"""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from targets import TARGETS, ZIG

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("simd", "blas", "shuffle", "team", "platform")


def build(target, folder):
    """Return the program."""
    compiler = [
        ZIG,
        "cc",
        "-target",
        target.zig,
        "-std=gnu11",
        "-I",
        ROOT / "csrc",
        "-O1",
        "-Wno-pass-failed",
    ]
    kernels = [folder / f"kernels{double}.o" for double in (0, 1)]
    for double, made in enumerate(kernels):
        what = ["-DCR_VARIANT=baseline", f"-DCR_DOUBLE={double}", "-c", "-o", made]
        source = ROOT / "csrc" / "kernels" / "variant.c"
        subprocess.run([*compiler, "-ffp-contract=fast", *what, source], check=True)
    program = folder / "test_blas.exe"
    sources = [ROOT / "tests" / "c" / "test_blas.c"]
    sources += [ROOT / "csrc" / f"{part}.c" for part in PARTS]
    links = ["-dynamic"] if "musl" in target.zig else []  # zig's programs for musl open no library
    links += [] if target.system == "Windows" else ["-lm", "-ldl", "-pthread"]
    command = [*compiler, "-DCR_BLAS_BUNDLED", *sources, *kernels, *links, "-o", program]
    subprocess.run(command, check=True)
    return program


def main(name, wheel, folder, *runner):
    """Build, unpack the library and run; exit as the program does."""
    folder = Path(folder).resolve()
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        (inside,) = (
            file for file in archive.namelist() if re.search(r"/libchainrule_blas\.\w+$", file)
        )
        library = archive.extract(inside, folder)
    program = build(TARGETS[name], folder)
    sys.exit(subprocess.run([*runner, program, library], check=False).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
