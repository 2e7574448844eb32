"""The core under the compiler's sanitizers and valgrind, on random networks used in every way.

What they watch is `configurations.py`. A report is lost where it is of the package; what NumPy and
Python do in their own memory is not.
"""

import functools
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from builds import ROOT, build, must, python, run

from campaign import Effort, Lost
from chainrule.core import _core

SIMD = ["baseline", "avx2", "avx512", "avx512bf16"]
CONFIGURATIONS = ROOT / "tests" / "campaign" / "configurations.py"
OURS = re.compile(r"\bcsrc/|chainrule/core/|\b_core\.(c|abi3)")  # in a line of a stack
PYTHON = {"PYTHONMALLOC": "malloc"}  # each object is a block of its own, whose ends are watched


def here(simd: str) -> bool:
    return SIMD.index(simd) <= SIMD.index(_core.simd_name())


def configurations(effort: Effort, n: int, *command, also=(), **environment) -> Iterator[str]:
    """Try configurations 0 ... n - 1 by a command; go on behind one that ends the process."""
    number = -1
    while number < n - 1:
        tried = (CONFIGURATIONS, effort.seed, number + 1, n, *also)
        done = run(*command, *tried, **environment)
        for line in done.stdout.splitlines():
            number, _, outcome = line.partition(" ")
            number = int(number)
            if outcome:
                yield outcome
        if done.returncode:
            what = f"configuration {number} of seed {effort.seed}, exit {done.returncode}"
            yield Lost(f"{what}:\n{done.stderr[:6000]}")
            number += not done.stdout  # it did not even begin


@functools.cache
def runtime(*names: str) -> str | None:
    """Return the sanitizers' libraries, which must be loaded before all others."""
    paths = [must("cc", f"-print-file-name=lib{name}.so").strip() for name in names]
    return " ".join(paths) if all(Path(path).exists() for path in paths) else None


def under(
    sanitizers: str, names: tuple[str, ...], simd: str, cases: tuple[int, int], **environment
):
    """Return a row: the core built with these sanitizers, at an instruction set."""
    also = ("apart",) if sanitizers == "thread" else ()

    def row(effort: Effort) -> Iterator[str]:
        if not here(simd) or not runtime(*names):
            yield f"skipped: no {simd if not here(simd) else 'runtime of the compiler'} here"
            return
        site = build(sanitizers.replace(",", "-"), CHAINRULE_SANITIZE=sanitizers)
        yield from configurations(
            effort, effort.cases(*cases), python(), also=also, LD_PRELOAD=runtime(*names),
            PYTHONPATH=site, CHAINRULE_SIMD=simd, **PYTHON | environment,
        )  # fmt: skip

    return row


ASAN = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
TSAN = {"TSAN_OPTIONS": "halt_on_error=1"}
PLAIN = {"CHAINRULE_BLAS": "plain"}  # where OpenBLAS, whose memory nobody watches, does nothing


def leaks(effort: Effort) -> Iterator[str]:
    """What nobody can reach any more at the end, and was allocated by the core."""
    names = ("asan", "ubsan")
    if not runtime(*names):
        yield "skipped: no runtime of the compiler here"
        return
    site, n = (
        build("address-undefined", CHAINRULE_SANITIZE="address,undefined"),
        effort.cases(500, 40),
    )
    done = run(
        python(), CONFIGURATIONS, effort.seed, 0, n, LD_PRELOAD=runtime(*names), PYTHONPATH=site,
        ASAN_OPTIONS="detect_leaks=1:fast_unwind_on_malloc=0", LSAN_OPTIONS="exitcode=0", **PYTHON,
    )  # fmt: skip
    yield from (line.partition(" ")[2] for line in done.stdout.splitlines())
    yield from reports(done.stderr, " leak of ", deep=True)
    if done.returncode or "LeakSanitizer" not in done.stderr:  # those of NumPy are always there
        yield Lost(f"exit {done.returncode}: {done.stderr[-3000:]}")


def reports(text: str, kind: str, deep: bool) -> Iterator[str]:
    """The reports that are of the package: by their innermost frames, or by any if `deep`."""
    for report in re.split(r"\n(?:==\d+==\s*)?\n", text):
        frames = report.splitlines()[1:]
        if kind in report and OURS.search("\n".join(frames if deep else frames[:3])):
            yield Lost(report)


def valgrind(simd: str):
    """Return a row: the package as it is installed, every bit's origin watched."""

    def row(effort: Effort) -> Iterator[str]:
        if effort.fast or not shutil.which("valgrind") or not here(simd):
            yield "skipped: " + ("of the whole alone" if effort.fast else "no valgrind here")
            return
        site = build("symbols", CMAKE_COMPILE_WARNING_AS_ERROR="ON")
        with tempfile.NamedTemporaryFile("r") as log:
            watched = (
                "valgrind", "--quiet", "--num-callers=12", f"--log-file={log.name}",
                "--fullpath-after=", python().resolve(), "-S",
            )  # fmt: skip
            yield from configurations(
                effort, 80, *watched, CHAINRULE_SIMD=simd,
                PYTHONPATH=f"{site}:{packages()}", **PYTHON,
            )  # fmt: skip
            yield from reports(log.read(), "==", deep=False)

    return row


def packages() -> str:
    return must(python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()


def kernels_alone(effort: Effort) -> Iterator[str]:
    """Every kernel and the team without Python; in CI a step of its own."""
    if effort.fast or sys.platform == "win32":
        yield "skipped: a step of its own"
        return
    done = run("bash", ROOT / "tests" / "c" / "run.sh")
    yield "passed" if done.returncode == 0 else Lost(done.stdout + done.stderr)


ROWS = {"the kernels and the team alone, `tests/c/run.sh`": kernels_alone}
for simd in SIMD:
    fast = 60 if simd == "avx512" else 30
    names = ("asan", "ubsan")
    ROWS[f"addresses and undefined behaviour, {simd}"] = under(
        "address,undefined", names, simd, (1000, fast), **ASAN
    )
    ROWS[f"likewise, {simd}, all products our own"] = under(
        "address,undefined", names, simd, (500, fast // 3), **ASAN, **PLAIN
    )
ROWS["leaks"] = leaks
for simd in SIMD:
    ROWS[f"races between threads, {simd}"] = under(
        "thread", ("tsan",), simd, (400, 15), **TSAN, **PLAIN
    )
for simd in SIMD[:2]:
    ROWS[f"valgrind, {simd}"] = valgrind(simd)
