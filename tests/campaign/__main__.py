"""Run the campaign: ``python tests/campaign [--fast] [--write] [KIND ...]``.

Each kind is a file of this folder with a table ROWS of what it tries; without a KIND all are run,
but for those that take hours.
With --write the tables of docs/reliability.md are made anew, those of the kinds that were run.
It fails if anything was lost.
"""

import argparse
import importlib
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the oracles and problems of the tests

from campaign import HEAD, Effort, Row, machine, run_row  # noqa: E402

PAGE = HERE.parents[1] / "docs" / "reliability.md"
KINDS = [
    "damaged_files",
    "checkpoints",
    "failing_memory",
    "processes",
    "invariances",
    "sanitizers",
    "supply",
    "soak",
]  # a file each
ALONE = ["mutants"]  # run only where they are named


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", choices=[[], *KINDS, *ALONE], default=[]
    )
    parser.add_argument("--fast", action="store_true", help="some minutes in the place of an hour")
    parser.add_argument("--write", action="store_true", help="write the tables of the page anew")
    parser.add_argument("--seed", type=int, default=0, help="draw other cases; 0 if not given")
    given = parser.parse_args()
    n_lost, commit = 0, commit_here()
    for kind in given.kinds or KINDS:
        print(f"\n== {kind}\n" + "\n".join(HEAD), flush=True)
        rows = []
        for what, cases in importlib.import_module(kind).ROWS.items():
            rows.append(run_row(what, cases, Effort(given.fast, given.seed)))
            print(rows[-1], flush=True)
        n_lost += sum(len(row.lost) for row in rows)
        if given.write:
            write_table(kind, rows, given, commit)
    print(f"\nlost: {n_lost}")
    return n_lost > 0


def commit_here() -> str:
    """Return the commit that is tried, before the page is written."""
    git = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(git, cwd=HERE, capture_output=True, text=True).stdout.strip() or "unknown"


def write_table(kind: str, rows: list[Row], given: argparse.Namespace, commit: str):
    """Put the table of a kind into the page, between its marks."""
    today = datetime.now(UTC)
    when = f"{today.day} {today:%B %Y}, commit {commit}, {machine()}"
    fast = ", the fast part" if given.fast else ""
    page = PAGE.read_text(encoding="utf-8")
    head, mark, tail = page.partition(f"<!-- {kind} -->\n")
    end = f"<!-- end of {kind} -->\n"
    if not mark or end not in tail:
        raise SystemExit(f"expected the marks of {kind} in {PAGE.name}")
    table = "\n".join([*HEAD, *map(str, rows)])
    body = f"{table}\n\n`python tests/campaign {kind}`{fast}: {when}, seed {given.seed}.\n"
    PAGE.write_text(head + mark + body + end + tail.partition(end)[2], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
