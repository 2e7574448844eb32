"""Python in a process of its own, where a test needs a fresh one or may not touch its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

TESTS = str(Path(__file__).parent)


def attempt(*arguments, cwd=None, **environment):
    """Run Python with these arguments, and with these variables beside those that are set.

    It finds what the tests share, as the test files do. The process that comes back has its output
    as text, and may have failed.
    """
    if "EMULATED_PYTHON" in os.environ:
        pytest.skip("an emulated Python starts no other")
    path = os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | environment,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def python(*arguments, **options):
    """What Python printed, which has to succeed."""
    done = attempt(*arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Linux lets a process begin with its parent's ru_maxrss, which would hide what it takes itself; and
# forgets the highest peak so far, which would hide a lower one to come.
PEAK = """
import contextlib, re, resource, sys
import numpy as np
import chainrule as cr

def peak(anew=False):
    if anew:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    if sys.platform == "linux":
        return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""


def bytes_taken(code):
    """What `code` prints of the growth of its peak() of memory since peak(anew=True), in bytes."""
    if sys.platform == "win32":
        pytest.skip("there is no module resource")
    return int(python("-c", PEAK + textwrap.dedent(code)))
