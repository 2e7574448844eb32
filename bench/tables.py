"""How good are estimators for tables with their defaults, and what do they cost?

The tables are public ones that Python packages bring (`parts/public_tables.py`), in five parts,
each of which is held out once. The contenders (`parts/table_models.py`) have their defaults; all
get the same frames with text, dates and holes. A model has a process of its own for each table, one
thread, and a fit that does not count before the first that does.

What is measured is appended to a file, and what is there is not measured again, so a run may be
broken off and gone on with. A third of the tables is kept apart from the choice of recipes: without
`--apart` or `--all` they are not touched. The report is of all that the file has. Goals:

    default: mean rank      ahead of HistGradientBoosting, LightGBM, XGBoost, scikit-learn's
                            MLP and RealMLP-TD-S, at ≤ 1/4 of RealMLP's processor time and
                            ≤ 3 times HistGradientBoosting's
    best: mean rank         ahead of CatBoost too, within its time
    realmlp                 ≥ 1.7 times as fast as RealMLP-TD-S, with its errors

    python bench/tables.py --models hgb,lightgbm --tables ames,telco
    python bench/tables.py --all --splits 1 --out times.csv          # times, in a quiet hour
    python bench/tables.py --all --times times.csv --markdown docs/tables-measured.md

With `--study` the contenders are the default recipe and those that differ from it in one thing
(`parts/table_study.py`), with a file of results of their own:

    python bench/tables.py --study --splits 3 --markdown docs/tables-study.md
"""

import sys
from pathlib import Path

from parts.command import Command, UnavailableError, count, without_matplotlib
from parts.machine import header
from parts.output import write_page
from parts.public_tables import FOLDS, KEPT_APART, PUBLIC, SEEN, missing
from parts.table_models import LABELS, MODELS
from parts.table_report import draw, report
from parts.table_runs import forget, measure, results
from parts.table_study import LABELS as CHANGES
from parts.table_study import STUDY, study

OUT = Path(__file__).parent / "results" / "tables.csv"
OF_STUDY = OUT.with_stem("tables-study")
TOLD = "/".join(OUT.parts[-3:])
NOT_HERE = ("ModuleNotFoundError", "ImportError", "AttributeError: module")


def tables_of(options):
    """The tables to measure that are installed; say which are not."""
    names = options.tables
    if names is None:
        names = PUBLIC if options.all else KEPT_APART if options.apart else SEEN
    lacking = {name: package for name in names if (package := missing(name))}
    for package in sorted(set(lacking.values())):
        print(
            f"{package} is not installed: {', '.join(n for n in lacking if lacking[n] == package)}"
        )
    return [name for name in names if name not in lacking]


def measure_all(options):
    """Measure what the file lacks, table by table; say who is absent or fails, and why."""
    absent = set()
    known = {} if options.again else results(options.out)
    for table in tables_of(options):
        for name in options.models:
            keys = {split: (table, name, split, options.threads) for split in range(options.splits)}
            lacking = [split for split, key in keys.items() if key not in known]
            if not lacking or name in absent:
                continue
            if options.again:
                forget(options.out, keys.values())
            why = measure(table, name, options.threads, lacking, options.out)
            label = (LABELS | CHANGES).get(name, name)
            print(f"{table}: {label}", file=sys.stderr, flush=True)
            if why and why.startswith(NOT_HERE):
                absent.add(name)
                print(f"{label} absent: {why}")
            elif why:
                print(f"{label} failed on {table}: {why}")


def main(options):
    if options.study:
        options.models = list(STUDY)[: 3 if options.quick else None]
        options.picture = None
    if options.out is None:
        out = OF_STUDY if options.study else OUT
        options.out = options.scratch / out.name if options.quick else out
    if not options.report:
        measure_all(options)
    if options.picture:
        without_matplotlib(options)
    rows = results(options.out)
    timed = results(options.times) if options.times else rows
    if not rows:
        raise UnavailableError(f"no results in {options.out}")
    if options.study:
        told = f"{header(options.about)}\n\n{study(rows, options.threads)}"
        print(told)
        write_page(options.markdown, told)
        return
    whole, parts, times = report(rows, timed, options.threads, judged=not options.quick)
    first = header(options.about)
    print(f"{first}\n\n{whole}")
    write_page(options.markdown, f"{first}\n\n{whole}")
    if options.picture:
        draw(parts, times, options.picture)


if __name__ == "__main__":
    parser = Command(
        __doc__, files=["markdown", "picture"],
        quick={"tables": ["cancer", "diabetes"], "models": ["hgb", "mlp"], "splits": 1},
    )  # fmt: skip
    parser.add_names("tables", list(PUBLIC), None, "all but those kept apart")
    parser.add_names("models", list(MODELS), list(MODELS), "all")
    parser.add_argument("--study", action="store_true", help="recipes instead of contenders")
    parser.add_argument("--apart", action="store_true", help="the tables that are kept apart")
    parser.add_argument("--all", action="store_true", help="all tables")
    parser.add_argument("--splits", type=count, default=FOLDS, help="how many of the five")
    parser.add_argument("--threads", type=count, default=1, help="of each contender")
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help=f"the file of results (default: {TOLD})"
    )
    parser.add_argument("--again", action="store_true", help="measure anew what the file has")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--times", type=Path, metavar="PATH", help="the file that has the times")
    parser.run(main)
