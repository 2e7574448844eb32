"""Copy the OpenBLAS of scipy-openblas32 into FOLDER under a name of its own, with its licence.

    python bundle_openblas.py FOLDER

Two libraries of one internal name (SONAME) in a process are one library to the loader, so a copy
that kept the name could be handed to other packages, and theirs to us.
"""

import pathlib
import shutil
import subprocess
import sys
from importlib import metadata

import scipy_openblas32


def main(folder):
    """Write the library and LICENSE-OpenBLAS.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    (library,) = (
        path
        for path in pathlib.Path(scipy_openblas32.get_lib_dir()).iterdir()
        if path.name in ("libscipy_openblas.so", "libscipy_openblas.dylib", "libscipy_openblas.dll")
    )
    ours = folder / f"libchainrule_blas{library.suffix}"
    shutil.copyfile(library, ours)
    if ours.suffix == ".so":
        subprocess.run(["patchelf", "--set-soname", ours.name, ours], check=True)
    elif ours.suffix == ".dylib":
        subprocess.run(["install_name_tool", "-id", f"@rpath/{ours.name}", ours], check=True)
        subprocess.run(["codesign", "--force", "--sign", "-", ours], check=True)
    texts = [
        file.locate().read_text(encoding="utf-8")
        for file in metadata.files("scipy-openblas32")
        if file.name.upper().startswith("LICENSE")
    ]
    if not texts:
        sys.exit("scipy-openblas32 has no licence text to bundle")
    (folder / "LICENSE-OpenBLAS.txt").write_text("\n\n".join(texts), encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
