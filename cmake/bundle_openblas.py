"""Copy the OpenBLAS of scipy-openblas32 into FOLDER under a name of its own, with its licence.

    python bundle_openblas.py FOLDER [PACKAGES]

PACKAGES is where scipy-openblas32 of another platform was installed, this Python's own without it.

Two libraries of one internal name (SONAME) in a process are one library to the loader, so a copy
that kept the name could be handed to other packages, and theirs to us.
"""

import pathlib
import shutil
import subprocess
import sys

import openblas


def main(folder, packages=None):
    """Write the library and LICENSE-OpenBLAS.txt."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = openblas.package(packages)
    library = openblas.library(found)
    ours = folder / f"libchainrule_blas{library.suffix}"
    shutil.copyfile(library, ours)
    if ours.suffix == ".so":
        subprocess.run(["patchelf", "--set-soname", ours.name, ours], check=True)
    elif ours.suffix == ".dylib":
        subprocess.run(["install_name_tool", "-id", f"@rpath/{ours.name}", ours], check=True)
        subprocess.run(["codesign", "--force", "--sign", "-", ours], check=True)
    (folder / "LICENSE-OpenBLAS.txt").write_text(openblas.licence(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
