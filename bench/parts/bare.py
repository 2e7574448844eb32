"""What every training step has to do, timed alone: its matrix products, and one pass over memory.

The functions are contenders like those of contenders.py.
"""

import ctypes
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

from parts.command import UnavailableError
from parts.machine import known_cores, pin

NUMBERS_PASSED = 2**29  # read and written in one timed epoch of passes over the parameters


def aligned(values, dtype):
    """A copy on a 64-byte boundary, as the package's own buffers are."""
    room = np.empty(values.size + 64, dtype)
    offset = -room.ctypes.data % 64 // room.itemsize
    array = room[offset : offset + values.size].reshape(values.shape)
    array[...] = values
    return array


def blas_epoch(case, data, threads):
    """The gemm of the library inside chainrule, the very copy that chainrule has loaded.

    Its threads are set in this process alone, which does nothing else.
    """
    from chainrule.core import _core

    blas, path = _core.blas_name(), _core.blas_path()
    if not path or blas == "plain C":
        raise UnavailableError(f"chainrule runs without its own BLAS library here ({blas})")
    library = ctypes.CDLL(path)  # already loaded: the same copy, with the same settings
    library.scipy_openblas_set_num_threads(threads)
    if library.scipy_openblas_get_num_threads() != threads:
        raise UnavailableError(f"{blas} does not take {threads} threads")
    dtype = data[0].dtype
    name, real = ("cblas_sgemm", "float") if dtype == np.float32 else ("cblas_dgemm", "double")
    gemm = getattr(library, "scipy_" + name)
    bare_steps = compiled("bare_blas.c", real, "-O2").bare_steps

    rng = np.random.default_rng(1)
    sizes, m = case.sizes, case.batch
    A = [aligned(rng.random((m, n)), dtype) for n in sizes]
    D = [aligned(rng.standard_normal((m, n)), dtype) for n in sizes]
    W = [np.empty(0, dtype)]  # there is no W^1
    for n_in, n_out in pairwise(sizes):
        W.append(aligned(rng.standard_normal((n_out, n_in)) / n_in**0.5, dtype))

    def pointers(arrays):
        return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))

    held = (A, D, W)  # keeps the buffers alive as long as the epoch is
    arguments = [pointers(arrays) for arrays in held]
    arguments += [ctypes.cast(gemm, ctypes.c_void_p), (ctypes.c_int * len(sizes))(*sizes)]
    arguments += [len(sizes), m, case.steps]

    def epoch(held=held):
        bare_steps(*arguments)

    library.scipy_openblas_get_corename.restype = ctypes.c_char_p
    kernels = library.scipy_openblas_get_corename().decode()
    return epoch, case.steps, {"calls": name, "BLAS": blas, "BLAS kernels": kernels}


def pass_epoch(case, data, threads):
    """One pass over the parameters, and with Adam over its two moments, at their own size.

    Each thread has a core and a share of whole cache lines. Nobody waits between two passes: what
    counts is the rate.
    """
    dtype = data[0].dtype
    real = "float" if dtype == np.float32 else "double"
    bare_passes = compiled("bare_pass.c", real, "-O3", "-march=native").bare_passes
    size = case.kept_numbers
    passes = max(1, NUMBERS_PASSED // size)
    line = 64 // dtype.itemsize
    cuts = [-(-size // line) * t // threads * line for t in range(1, threads)]
    numbers = aligned(np.random.default_rng(1).random(size), dtype)
    shares = np.split(numbers, cuts)
    # Left to itself, the system can keep a fresh thread on its parent's core for milliseconds.
    workers = [ThreadPoolExecutor(1, "", pin, ([core],)) for core in known_cores()[:threads]]

    def share_of_passes(x):
        bare_passes(ctypes.c_void_p(x.ctypes.data), ctypes.c_long(x.size), passes)

    def epoch():
        pairs = zip(workers, shares, strict=True)
        for done in [worker.submit(share_of_passes, x) for worker, x in pairs]:
            done.result()

    return epoch, passes, {}


def compiled(source, real, *flags):
    """A C file of this folder as a library, from the compiler of this system."""
    compiler = os.environ.get("CC", "cc").split()
    path = Path(__file__).with_name(source)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "bare.so"
        command = [*compiler, *flags, "-shared", "-fPIC", f"-DREAL={real}", path, "-o", target]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise UnavailableError(f"no C compiler: {compiler[0]} not found") from None
        except subprocess.CalledProcessError as error:
            raise UnavailableError(f"{source} did not compile: {error.stderr.strip()}") from None
        return ctypes.CDLL(str(target))  # stays loaded after the file is gone
