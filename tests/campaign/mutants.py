"""Small faults put into the core, one at a time: the tests have to find each.

Which ones a fixed seed decides, from the lines of code and the changes of MUTATIONS. Each is built
in a copy of the tree, and meets first the tests nearest to it, then all of TESTS. What changes
nothing that anyone could see is listed in EQUIVALENT, with the reason.
"""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from builds import FOLDER, ROOT, must, python

from campaign import Effort, Lost

COPY = FOLDER / "mutants" / "tree"
SECONDS = 480  # more is a loop without an end, which is found
MUTATIONS = [  # what stands there, and what stands there instead
    (r"(?<=[\w\])]) \+ (?=[\w(])", " - "),
    (r"(?<=[\w\])]) - (?=[\w(])", " + "),
    (r"(?<=[\w\])]) < (?=[\w(])", " <= "),
    (r"(?<=[\w\])]) <= (?=[\w(])", " < "),
    (r"(?<=[\w\])]) > (?=[\w(])", " >= "),
    (r"(?<=[\w\])]) >= (?=[\w(])", " > "),
    (r" == ", " != "),
    (r" \+ 1\b", ""),
    (r" - 1\b", ""),
    (r"(?<=[\w\])]) \+ [\w.]+(?=[;)\],])", ""),
    (r"(?<=[\w\])]) \* [\w.]+(?=[;)\],])", ""),
    (r" = 0(?=[;,\n])", " = 1"),
    (r"\bmin\(", "max("),
    (r"\+=", "-="),
    (r"-=", "+="),
    (r" && ", " || "),
    (r" and ", " or "),
    (r"\bbeta1\b", "beta2"),
    (r"\bn_in\b", "n_out"),
]
NO_CODE = re.compile(r"\s*(#|//|/?\*|cimport|from|import|include|def |cdef [\w *]+\()")
AREAS = {
    "the kernels, `csrc/kernels/`": ["csrc/kernels/*.h"],
    "the rest of `csrc/`": ["csrc/*.c"],
    "the equations and what runs them, `core/`": [
        f"src/chainrule/core/*.p{x}" for x in ("xi", "xd")
    ],
}
NEAREST = {  # what is tried first
    "csrc/": [f"tests/core/test_{of}.py" for of in ("elementwise", "gemm", "sparse", "shuffle")],
    "src/": [f"tests/core/test_{of}.py" for of in ("step", "gradients", "sparse")],
}
TESTS = ["tests/core", "tests/training", "tests/hall"]
OTHERS = [f"tests/{wing}" for wing in ("book", "course", "model", "files", "doctor", "results")]
EQUIVALENT = {  # str(mutant): why nothing changes
    "csrc/kernels/updates.h: `step = step < least ? least : step > most ? most : step;` becomes "
    "`step = step <= least ? least : step > most ? most : step;`": "one at the limit is the limit",
    "csrc/blas.c: `return blas && (double)m * (double)n * (double)k > cr_##suffix->small;` becomes "
    "`return blas && (double)m * (double)n * (double)k >= cr_##suffix->small;`": "speed alone: "
    "whose product it is at just that size",
    "csrc/blas.c: `if (way != CR_BLAS || ldc > INT_MAX) {` becomes "
    "`if (way != CR_BLAS || ldc >= INT_MAX) {`": "both can, where rows are just so far apart",
    "csrc/shuffle.c: `if ((uint32_t)product < bound) {` becomes "
    "`if ((uint32_t)product <= bound) {`": "what is rejected behind it is less than the bound",
    "src/chainrule/core/stream.pxi: `work.make_room(min(samples.m, work.rows), room_of(samples) if "
    "samples.begins` becomes `work.make_room(max(samples.m, work.rows), room_of(samples) if "
    "samples.begins`": "more memory than is needed",
    "src/chainrule/core/stripes.pxi: `if first.n_in * first.n_out * itemsize > BYTES_OF_A_CACHE:` "
    "becomes `if first.n_in * first.n_out * itemsize >= BYTES_OF_A_CACHE:`": "speed alone: which "
    "way weights of just that size go",
    "src/chainrule/core/pace.pxi: `looks_lost = 2 * (seconds / of_the_other - 1) # two looks: one "
    "does not count` becomes `looks_lost = 2 * (seconds / of_the_other) # two looks: one does not "
    "count`": "speed alone: how soon another number of threads is tried",
    "src/chainrule/core/memory.pxi: `self.oldest = (i + 1) % VIEWS` becomes "
    "`self.oldest = (i) % VIEWS`": "speed alone: which view is made anew",
}


@dataclass(frozen=True)
class Mutant:
    """One changed line."""

    file: str
    number: int
    line: str
    instead: str

    def __str__(self):
        shown = (" ".join(line.rstrip("\\\n").split()) for line in (self.line, self.instead))
        return f"{self.file}: `{'` becomes `'.join(shown)}`"


def code_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are compiled, by number: no comments, documentation or declarations."""
    quoted = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True)):
        quotes = line.count('"""')
        inside, quoted = quoted or quotes > 0, quoted != (quotes % 2 == 1)
        if not inside and not NO_CODE.match(line):
            yield number, line


def mutants_of(patterns: list[str]) -> list[Mutant]:
    """Every change of every line of code."""
    found = []
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        for number, line in code_of(path):
            bare = re.split(r"  #|/\*|//", line)[0]
            for before, after in MUTATIONS:
                for hit in re.finditer(before, bare):
                    if bare[: hit.start()].count('"') % 2:  # a word of a message
                        continue
                    instead = line[: hit.start()] + hit.expand(after) + line[hit.end() :]
                    found.append(Mutant(str(path.relative_to(ROOT)), number, line, instead))
    return found


def drawn(patterns: list[str], n: int, rng: np.random.Generator) -> list[Mutant]:
    """Draw some, files and lines alike: one of each line at most."""
    mutants = mutants_of(patterns)
    files = sorted({mutant.file for mutant in mutants})
    chosen: dict[tuple[str, int], Mutant] = {}
    while len(chosen) < n:
        file = files[rng.integers(len(files))]
        those = [mutant for mutant in mutants if mutant.file == file]
        mutant = those[rng.integers(len(those))]
        chosen.setdefault((mutant.file, mutant.number), mutant)
    return list(chosen.values())


# ---------------------------------------------------------------------- build and test


def call(*command, log: Path, **environment) -> bool:
    """Whether a command succeeds, in time, in the copy."""
    given = os.environ | {"PATH": f"{python().parent}{os.pathsep}{os.environ['PATH']}"}
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=COPY, env=given | environment,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(SECONDS) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False


def builds() -> bool:
    """Whether the copy does; what has not changed is not compiled again."""
    return call(
        python(), "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps",
        "--upgrade", "--target", COPY.parent / "site", f"-Cbuild-dir={COPY.parent / 'objects'}",
        "-Ccmake.define.CMAKE_C_FLAGS_RELEASE=-O1", ".",
        log=COPY.parent / "build.log",
    )  # fmt: skip


def passes(*tests: str) -> bool:
    command = (python(), "-m", "pytest", "-x", "-q", "-n", "2", "-p", "no:cacheprovider", *tests)
    site = str(COPY.parent / "site")
    return call(*command, log=COPY.parent / "tests.log", PYTHONPATH=site)


@functools.cache
def prepare():
    """A copy of the tree that builds and passes before anything is changed."""
    shutil.rmtree(COPY, ignore_errors=True)
    tracked = must("git", "-C", ROOT, "ls-files").splitlines()
    for name in tracked:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, COPY / name)  # as of now, so that no fault stays compiled
    needed = ("pytest", "pytest-xdist", "mpmath", "scipy", "matplotlib", "scikit-learn", "pandas")
    must(python(), "-m", "pip", "install", "--quiet", *needed)
    if not builds() or not passes(*TESTS):
        logs = ((COPY.parent / f"{of}.log").read_text()[-3000:] for of in ("build", "tests"))
        raise RuntimeError("fails as it is:\n" + "\n".join(logs))


def outcome(mutant: Mutant) -> str:
    """Put a fault in, and see who finds it."""
    place, area = COPY / mutant.file, mutant.file.partition("/")[0] + "/"
    whole = place.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [*whole[: mutant.number], mutant.instead, *whole[mutant.number + 1 :]]
    try:
        place.write_text("".join(changed), encoding="utf-8")
        if not builds():
            return "found by the compiler"
        if not passes(*NEAREST[area]):
            return "found by the nearest tests"
        if not passes(*TESTS) or not passes(*OTHERS):
            return "found by the tests"
        alone = ("bash", COPY / "tests" / "c" / "run.sh")
        if area == "csrc/" and not call(*alone, log=COPY.parent / "tests.log"):
            return "found by the kernels' own tests"
        return Lost(f"survives: {mutant}")
    finally:
        place.write_text("".join(whole), encoding="utf-8")


def row(patterns: list[str]):
    def try_all(effort: Effort) -> Iterator[str]:
        prepare()
        for mutant in drawn(patterns, effort.cases(20, 5), effort.rng):
            if str(mutant) in EQUIVALENT:
                yield "changes nothing"
                continue
            what = outcome(mutant)
            print(f"  {mutant}: {what}", flush=True)  # it takes a minute or more
            yield what

    return try_all


ROWS = {what: row(patterns) for what, patterns in AREAS.items()}
