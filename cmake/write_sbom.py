"""Write what is inside the package as a software bill of materials (CycloneDX 1.6; PEP 770).

    python write_sbom.py FILE VERSION [LIBRARY]

VERSION is the package's; LIBRARY the OpenBLAS in it, whose parts the licence text of
scipy-openblas32 lists. It has no time and no number of its own: the same build, the same bytes.
"""

import hashlib
import json
import pathlib
import re
import sys
from importlib import metadata


def component(name, version, license_id, **more):
    """Return one entry; ``purl`` names a package of PyPI."""
    entry = {"type": "library", "name": name, "bom-ref": name, "version": version} | more
    return entry | {"licenses": [{"license": {"id": license_id}}]}


def blas_parts(library):
    """Return OpenBLAS, and what is linked into it, by the records of its licence text."""
    version = metadata.version("scipy-openblas32")
    (text,) = (
        file.locate().read_text(encoding="utf-8")
        for file in metadata.files("scipy-openblas32")
        if file.name.upper().startswith("LICENSE")
    )
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


def main(file, version, library=None):
    """Write FILE."""
    cython = metadata.version("cython")
    inside = [
        component(
            "Cython", cython, "Apache-2.0", purl=f"pkg:pypi/cython@{cython}",
            description="its support code is compiled into the extension",
        ),
        *(blas_parts(pathlib.Path(library)) if library else ()),
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
