"""The command ``python -m chainrule.book``: the book's experiments, run again."""

import argparse
import sys
import time

from chainrule.book import _report, mnist_loader
from chainrule.book._measures import Digits
from chainrule.book.experiments import EXPERIMENTS
from chainrule.checks.options import check_count, check_name


def main(argv=None):
    """Run the command with the arguments `argv` (of the process by default); returns its status.

    0 is success, 2 a wrong argument or a file that cannot be read or written (with one line on
    stderr), 130 an interrupt.
    """
    arguments = _parser().parse_args(argv)
    try:
        _run(arguments)
    except KeyboardInterrupt:
        print("chainrule.book: stopped", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        print(f"chainrule.book: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m chainrule.book",
        description="Run experiments of Nielsen's book on MNIST; print our figures and the book's.",
    )
    parser.add_argument(
        "ids",
        metavar="ID",
        nargs="*",
        default=["list"],
        help="experiments such as 3A, or all; list (the default) names them",
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", default=3, help="runs of each (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="MNIST: a folder of the IDX files, or the book's mnist.pkl.gz "
        "(default: what the environment variable CHAINRULE_DATA names)",
    )
    parser.add_argument(
        "--markdown",
        metavar="FILE",
        help="also write the table to FILE, between its two markers; only all replaces a table",
    )
    return parser


def _run(arguments):
    ids = [check_name("experiment", name, ["list", "all", *EXPERIMENTS]) for name in arguments.ids]
    seeds = check_count("--seeds", arguments.seeds, least=1)
    if "list" in ids:
        _list(ids, arguments.markdown)
        return
    ids = list(EXPERIMENTS) if "all" in ids else list(dict.fromkeys(ids))
    page = _report.Page(arguments.markdown) if arguments.markdown else None
    if page and page.table and ids != list(EXPERIMENTS):
        raise ValueError(
            f"'{page.path}' has a table, and its other rows would be lost: run all, or name a new "
            "file"
        )
    digits = Digits(*mnist_loader.load_data(arguments.data))
    print(_report.text_head(), flush=True)
    results = []
    for record in map(EXPERIMENTS.get, ids):
        results.append(_report.Result(record, *_measure(record, digits, seeds)))
        print(_report.text(results[-1]), flush=True)
    if page:
        page.write(_report.markdown(results))


def _list(ids, markdown):
    """Print what experiments there are."""
    if len(ids) > 1 or markdown:
        more = " ".join(name for name in ids if name != "list") or "--markdown"
        raise ValueError(f"list stands alone; got {more} with it. To run experiments leave it out")
    for record in EXPERIMENTS.values():
        print(f"{record.id}  {record.title}")


def _measure(record, digits, seeds):
    """Run an experiment for each seed; return the figures and the seconds of each run."""
    runs, seconds = [], []
    n = seeds * record.runs_per_seed
    for seed in range(n):
        _show_live(f"{record.id}: run {seed + 1} of {n}")
        began = time.perf_counter()
        runs.append(record.measure(record.settings, digits, seed))
        seconds.append(time.perf_counter() - began)
    _show_live("")
    return runs, seconds


def _show_live(line):
    """Show the line on stderr in the place of the one before, if that is a terminal."""
    if sys.stderr.isatty():
        print(f"\r{line:<30}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
