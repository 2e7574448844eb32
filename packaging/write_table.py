"""Write which wheel was tested and which only built, from the records of .ci/release.

python write_table.py RECORDS FILE COMMIT
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from targets import TARGETS

SYSTEMS = {"manylinux": "glibc", "musllinux": "musl", "macos": "macOS", "windows": "Windows"}
HEAD = """\
# Wheels

What `bash .ci/release` made, and how much of it was tested; [releases](releases.md) tells how.

| wheel for | needs | OpenBLAS | MB | inspected | tests passed |
|---|---|---|---|---|---|
"""


def cell_of_tests(runs):
    """Return what was run of a wheel, or that nothing was."""
    said = []
    for run in runs:
        if "missing" in run:
            said.append(f"not run: {run['missing']}")
            continue
        counts = f"{run['passed']:,}"
        counts += f", **{run['failed']:,} failed**" if run["failed"] else ""
        counts += f", {run['skipped']:,} skipped" if run["skipped"] else ""
        said.append(f"{run['where']}: {counts}")
    return "; ".join(said) or "only built"


def row_of(target, records):
    """Return the row of a target; one whose wheel was not built has no figures."""
    runs = [record for record in records if "wheel" not in record]
    made = next((record for record in records if "wheel" in record), None)
    if made is None:
        cells = ["", "", "", "no", "; ".join(run["missing"] for run in runs)]
    else:
        system = SYSTEMS[target.name.split("-")[0]]
        cells = [
            f"{system} {made['system']}" if made["system"] else system,
            made["openblas"] or "none",
            f"{made['megabytes']:.2f}",
            "yes",
            cell_of_tests(runs),
        ]
    return f"| {' | '.join([f'`{target.name}`', *cells])} |"


def table(records):
    """Return the rows of the targets that were asked for, in the order of ``targets.py``."""
    rows = []
    for target in TARGETS.values():
        of_it = [record for record in records if record["target"] == target.name]
        rows += [row_of(target, of_it)] if of_it else []
    return rows


def main(records, file, commit):
    """Write FILE."""
    lines = Path(records).read_text(encoding="utf-8").splitlines()
    rows = table([json.loads(line) for line in lines])
    made = f"\n`bash .ci/release`, {datetime.now(UTC):%-d %B %Y}, commit {commit}.\n"
    Path(file).write_text(HEAD + "\n".join(rows) + "\n" + made, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
