"""Write what is inside the package as a software bill of materials (CycloneDX 1.6; PEP 770).

    python write_sbom.py FILE VERSION [LIBRARY [PACKAGES]]

VERSION is the package's; LIBRARY the OpenBLAS in it, whose parts the licence text of
scipy-openblas32 lists; PACKAGES is that of ``bundle_openblas.py``. The file has no time and no
number of its own: the same build, the same bytes.
"""

import hashlib
import json
import pathlib
import re
import sys
from importlib import metadata

import openblas


def component(name, version, license_id, **more):
    """Return one entry; ``purl`` names a package of PyPI."""
    entry = {"type": "library", "name": name, "bom-ref": name, "version": version} | more
    return entry | {"licenses": [{"license": {"id": license_id}}]}


def blas_parts(library, packages):
    """Return OpenBLAS, and what is linked into it, by the records of its licence text."""
    found = openblas.package(packages)
    version, text = found.version, openblas.licence(found)
    record = r"^Name: (.+)\nFiles: .+\nDescription: (.+)\nAvailability: (\S+)\nLicense: (\S+)"
    records = re.findall(record, text, re.MULTILINE)
    if [name for name, *_ in records][:1] != ["OpenBLAS"]:
        sys.exit("the licence text of scipy-openblas32 no longer lists what is in it")
    parts = [
        component(
            name, version, license_id, description=description,
            externalReferences=[{"type": "vcs", "url": where}],
        )
        for name, description, where, license_id in records
    ]  # fmt: skip
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    parts[0]["hashes"] = [{"alg": "SHA-256", "content": digest}]
    parts[0]["purl"] = f"pkg:pypi/scipy-openblas32@{version}"
    return parts


def main(file, version, library=None, packages=None):
    """Write FILE."""
    cython = metadata.version("cython")
    inside = [
        component(
            "Cython", cython, "Apache-2.0", purl=f"pkg:pypi/cython@{cython}",
            description="its support code is compiled into the extension",
        ),
        *(blas_parts(pathlib.Path(library), packages) if library else ()),
    ]  # fmt: skip
    ours = component("chainrule", version, "BSD-3-Clause", purl=f"pkg:pypi/chainrule@{version}")
    links = [{"ref": "chainrule", "dependsOn": [entry["bom-ref"] for entry in inside]}]
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": ours}, "components": inside, "dependencies": links,
    }  # fmt: skip
    pathlib.Path(file).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
