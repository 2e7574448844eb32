"""A C library, loaded before all others, by which the n-th allocation of a process fails."""

import ctypes
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from chainrule.core import _core

SOURCE = r"""
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

volatile unsigned char is_armed; /* written by Python, which needs no memory for that */
unsigned char for_ever;
long first;            /* the allocation that fails, or from which on all do; 0: none */
uintptr_t begin, end;  /* where the calls come from that count; 0: from anywhere */
atomic_long seen;      /* allocations while it was armed */

static int fails(void *from) {
    if (!is_armed || (end && !(begin <= (uintptr_t)from && (uintptr_t)from < end))) return 0;
    const long n = ++seen;
    if (!(first && (for_ever ? n >= first : n == first))) return 0;
    errno = ENOMEM;
    return 1;
}
#define FAILS fails(__builtin_return_address(0))

void *malloc(size_t n) { return FAILS ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return FAILS ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return FAILS ? NULL : __libc_realloc(p, n); }
void *memalign(size_t to, size_t n) { return FAILS ? NULL : __libc_memalign(to, n); }
void *aligned_alloc(size_t to, size_t n) { return FAILS ? NULL : __libc_memalign(to, n); }
int posix_memalign(void **p, size_t to, size_t n) {
    if (FAILS) return ENOMEM;
    *p = __libc_memalign(to, n);
    return *p ? 0 : ENOMEM;
}
"""


def build(folder: Path) -> Path | None:
    """Build the library in a folder; None where the system has not what it takes."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc" or compiler is None:
        return None
    source, library = folder / "failing.c", folder / "failing.so"
    source.write_text(SOURCE)
    command = [compiler, "-O1", "-fno-builtin", "-shared", "-fPIC", source, "-o", library]
    subprocess.run(command, check=True)
    return library


class Allocations:
    """Those of this process, into which the library was loaded."""

    def __init__(self):
        library = ctypes.CDLL(None)

        def variable(kind, name):
            return kind.in_dll(library, name)

        self._armed = memoryview(variable(ctypes.c_ubyte, "is_armed")).cast("B")
        self._for_ever = variable(ctypes.c_ubyte, "for_ever")
        self._first, self._seen = variable(ctypes.c_long, "first"), variable(ctypes.c_long, "seen")
        self._begin = variable(ctypes.c_size_t, "begin")
        self._end = variable(ctypes.c_size_t, "end")

    def of_the_core(self):
        """Count the compiled core's own alone."""
        maps = Path("/proc/self/maps").read_text()
        name = re.escape(_core.__file__)
        places = re.findall(rf"^([0-9a-f]+)-([0-9a-f]+) .*{name}$", maps, re.MULTILINE)
        addresses = [int(address, 16) for place in places for address in place]
        self._begin.value, self._end.value = min(addresses), max(addresses)

    def during(self, work, first=0, for_ever=False):
        """Return the exception of ``work()``, or None; that allocation fails, or none with 0."""
        self._first.value, self._for_ever.value, self._seen.value = first, for_ever, 0
        armed = self._armed
        armed[0] = 1
        try:
            work()
        except BaseException as error:
            armed[0] = 0
            return error
        finally:
            armed[0] = 0

    @property
    def seen(self) -> int:
        """How many there were."""
        return self._seen.value
