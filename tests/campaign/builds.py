"""The package built as a row of the campaign wants it, away from the one that is installed."""

import functools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "campaign"  # kept, so that a second run builds what changed


def run(*command, **environment) -> subprocess.CompletedProcess:
    """Run a command with these variables beside those that are set; its output comes back."""
    given = os.environ | {name: str(value) for name, value in environment.items()}
    command = [str(part) for part in command]
    return subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True)


def must(*command, **environment) -> str:
    """Run a command that has to succeed; return what it printed."""
    done = run(*command, **environment)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


@functools.cache
def python() -> Path:
    """Return a Python with what a build needs, by its hashes, and NumPy; not the package."""
    home = FOLDER / "python"
    found = home / "bin" / "python"
    if not found.exists():
        must(sys.executable, "-m", "venv", home)
        pip = (found, "-m", "pip", "install", "--quiet")
        must(*pip, "--require-hashes", "-r", ROOT / "cmake" / "build-requirements.txt")
        must(*pip, "numpy")
    return found


@functools.cache
def build(name: str, **defines) -> Path:
    """Build and install the package with these settings of CMake; return what goes on PYTHONPATH.

    It keeps its symbols, so that reports name functions and lines.
    """
    options = [f"-Ccmake.define.{setting}={value}" for setting, value in defines.items()]
    must(
        python(), "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps",
        "--upgrade", "--target", FOLDER / name, f"-Cbuild-dir={FOLDER / 'objects' / name}",
        "-Cinstall.strip=false", *options, ROOT,
        PATH=f"{python().parent}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    return FOLDER / name
