"""Memory that fails, at each allocation and at each limit: MemoryError, and nothing lost.

The allocations of `short_of_memory.py` fail one by one, by a C library loaded before all others;
`limited_memory.py` sets limits to the address space, as `ulimit -v` does.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import allocations
from campaign import Effort, Lost

HERE = Path(__file__).parent
VARIANTS = ("baseline", "avx2", "avx512", "avx512bf16")


def lines(script: str, given: dict, **environment: str) -> Iterator[list]:
    """Yield what a script prints, line by line; at last its status and errors."""
    path = os.pathsep.join(map(str, (HERE, HERE.parent)))
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            ["timeout", "600", sys.executable, HERE / script, json.dumps(given)],
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            yield from map(json.loads, process.stdout)
        status = process.wait()
        errors.seek(0)
        yield ["status", status, errors.read()[-1000:]]


def allocations_fail(effort: Effort, core: bool, for_ever: bool, objects: str) -> Iterator[str]:
    """Each allocation of each kind of work, or some; objects: what allocates those of Python."""
    with tempfile.TemporaryDirectory() as folder:
        library = allocations.build(Path(folder))
        if library is None:
            yield "not tried: it takes Linux, glibc and a C compiler"
            return
        given = {"core": core, "for_ever": for_ever, "after": 0, "seed": effort.seed}
        given["cases"] = effort.cases(1 << 30, 100)
        settings = {"LD_PRELOAD": str(library), "PYTHONMALLOC": objects}
        begun = ""
        while True:
            for first, *more in lines("short_of_memory.py", given, **settings):
                if first == "status":
                    status, errors = more
                elif isinstance(first, int):
                    given["after"], begun = first, more[0]
                else:
                    yield Lost(f"{begun}: {first}") if more[0] else first
                    begun = ""
            if status == 0:
                return
            yield Lost(f"{begun or 'between two cases'}: status {status}, {errors}")
            if not begun:
                return


def limits(effort: Effort, variant: str, imports: bool) -> Iterator[str]:
    """Each megabyte of memory beyond what the process has already."""
    if sys.platform != "linux":
        yield "not tried: it takes Linux"
        return
    given = {"imports": imports, "to": 130 if imports else 100, "step": effort.cases(1, 10)}
    for what, *more in lines("limited_memory.py", given, CHAINRULE_SIMD=variant):
        if what == "status":
            status, errors = more
            if "has no such variant" in errors:
                yield f"not tried: no {variant} here"
            elif status:
                yield Lost(f"status {status}, {errors}")
        else:
            outcome, is_lost = more
            yield Lost(f"{what}: {outcome}") if is_lost else outcome


def rows():
    """Return the table ROWS."""
    table = {}
    for core, objects, what in [
        (True, "malloc", "an allocation of the core fails"),
        (False, "malloc", "any allocation fails, be it of the least object"),
        (False, "pymalloc", "any allocation of more than a small object fails"),
    ]:
        for for_ever in (False, True):
            if for_ever and objects == "malloc" and not core:
                continue  # without an object more, CPython 3.11 turns in circles (ceval.c)
            also = ", and all after it" if for_ever else ""
            table[what + also] = partial(
                allocations_fail, core=core, for_ever=for_ever, objects=objects
            )
    for variant in VARIANTS:
        table[f"{variant}: work within a limit"] = partial(limits, variant=variant, imports=False)
        table[f"{variant}: import within a limit"] = partial(limits, variant=variant, imports=True)
    return table


ROWS = rows()
