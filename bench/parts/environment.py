"""So many threads, and no settings inherited that steer a numerical library.

Such a library reads its variables once, as it is loaded, so they are set before a process starts.
"""

import os
import sys

STEERING = ("OMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_", "ONEDNN_", "DNNL_", "XLA_")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def inherited():
    """What is set here and not passed on: OPENBLAS_CORETYPE, say, makes every OpenBLAS in every
    contender use the kernels of another processor, at half the speed."""
    found = {name: value for name, value in os.environ.items() if name.startswith(STEERING)}
    return dict(sorted(found.items()))


def for_threads(threads):
    """The environment for a process that is timed with so many threads."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    return kept | dict.fromkeys(THREADS, str(threads))


def in_one_thread():
    """Start this program again in that environment, unless it already has it."""
    if dict(os.environ) != for_threads(1):
        os.execve(sys.executable, sys.orig_argv, for_threads(1))
