"""The command line of a script: how long it measures, what it writes, and quick mode.

`--quick` runs all of a script in seconds, to see that it works: one round of tiny cases, and every
file that it can write, those that are not named in a folder that goes away again. Its figures say
nothing, and no goal is judged.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chainrule.results.pictures import check_matplotlib
from parts.machine import machine
from parts.output import halves

NOTICE = "quick mode: shows that this script works; its figures say nothing, no goal is judged"
# What scripts can write: the default in quick mode, and what it is.
FILES = {
    "json": ("all.json", "machine and all raw timings"),
    "markdown": ("page.md", "page that gets the report: new, or with the two comments around it"),
    "picture": ("picture.png", "the report, drawn"),
}


class UnavailableError(Exception):
    """Something that is needed is not here; the text says what."""


class Command(argparse.ArgumentParser):
    """The options of a script: those that scripts share, and those that it adds.

    `rounds` and `seconds` are defaults, `files` names what it can write, `quick` has the other
    defaults of quick mode.
    """

    def __init__(self, text, *, rounds=None, seconds=None, files=(), quick=None):
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(description=text, formatter_class=formatter)
        self.files, self.quick = files, dict(quick or {})
        self.add_argument("--quick", action="store_true", help="run all of it in seconds")
        if rounds:
            self.of_quick("rounds", 1, count, rounds, "turns of everybody")
        if seconds:
            self.of_quick("seconds", 0.001, float, seconds, "least time of a turn")
        for name in files:
            kind = page if name == "markdown" else Path
            self.add_argument(f"--{name}", type=kind, metavar="PATH", help=FILES[name][1])

    def of_quick(self, name, quick, kind, default, text):
        """Add an option that has a default of its own in quick mode."""
        text += " (default: %(default)s)"
        self.add_argument(f"--{name}", type=kind, default=default, help=text)
        self.quick.setdefault(name, quick)

    def add_names(self, name, known, default, text):
        """Add an option of comma-separated names; `text` tells the default."""
        told = f"comma-separated, or `all`: {', '.join(known)} (default: {text})"
        self.add_argument(f"--{name}", type=names_of(known), default=default, help=told)

    def options(self):
        if self.parse_known_args()[0].quick:
            self.set_defaults(**self.quick)
        return self.parse_args()

    def run(self, main):
        """Call `main` with the options, with the machine as `about` and a folder as `scratch`."""
        options = self.options()
        options.about = machine()
        with TemporaryDirectory() as folder:
            options.scratch = Path(folder)
            if options.quick:
                print(NOTICE, flush=True)
                name_files(options, self.files)
            try:
                main(options)
            except UnavailableError as why:
                if not options.quick:
                    sys.exit(str(why))
                print(f"quick mode ends here: {why}")
            else:
                if options.quick:
                    tell_files(options, self.files)


def name_files(options, files):
    for name in files:
        if getattr(options, name) is None:
            setattr(options, name, options.scratch / FILES[name][0])


def tell_files(options, files):
    written = [name for name in files if (path := getattr(options, name)) and path.stat().st_size]
    if written:
        print(f"written: {', '.join(written)}")


def without_matplotlib(options):
    """Say before all is measured that there will be no picture."""
    try:
        check_matplotlib("--picture")
    except ImportError as why:
        if not options.quick:
            raise UnavailableError(str(why)) from None
        print(why)
        options.picture = None


def count(text):
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from 1 on")
    return int(text)


def page(text):
    """A page that is not there yet, or that has a place for the report; told before all is run."""
    try:
        halves(Path(text))
    except ValueError as why:
        raise argparse.ArgumentTypeError(str(why)) from None
    return Path(text)


def names_of(known):
    """A type of option: comma-separated names, each checked against those known; or `all`."""

    def names(text):
        found = list(known) if text == "all" else [name for name in text.split(",") if name]
        for name in found:
            if name not in known:
                told = f"unknown name {name!r}; known: {', '.join(known)}"
                raise argparse.ArgumentTypeError(told)
        return found

    return names
