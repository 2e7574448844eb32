"""The compiled core: Python hands over arrays, C runs the epochs.

Arrays are checked before they come here (`chainrule.checks.arrays`); nothing here checks shapes again. The functions
stand in the files that are included below, one kind a file; the equations they run in `equations.pxd`, the names of the
elementwise kernels of `csrc/` in `kernels.pxd`.
"""

import os
import numpy

cimport cython
from cpython.bytes cimport PyBytes_AsString
from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.math cimport INFINITY, NAN, fabs, frexp, isfinite, isinf, isnan, ldexp, pow, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset, strchr

# Equations, descent and kernels go by their full names: equations.bp1[real](...), kernels.gemm[real](...).
from chainrule.core cimport descent, equations, kernels
from chainrule.core.descent cimport Descent, State
from chainrule.core.equations cimport (
    OF_THE_USER, Dropout, Layer, Net, Part, Rows, Sparse, Tape, UserFunctions, n_weights, whole,
)
from chainrule.core.kernels cimport (
    CR_ACTIVATION_any, CR_ACTIVATION_COUNT, CR_ACTIVATION_sigmoid, CR_ACTIVATION_softmax, CR_BLAS, CR_CELL,
    CR_COST_COUNT, CR_INPUT_COUNT, CR_INPUT_float32, CR_INPUT_float64, CR_INPUT_int32, CR_INPUT_int64,
    CR_INPUT_uint8, CR_OPTIMIZER_adam, CR_OPTIMIZER_adamax,
    CR_OPTIMIZER_COUNT, CR_OPTIMIZER_sgd, CR_OWN_WAY, CR_SPARSE_SUMS, CR_STRIPE_BYTES, cr_activation_names,
    cr_activation_sources, cr_aligned_alloc, cr_aligned_free, cr_blas_name, cr_cost_lows, cr_cost_names,
    cr_cost_outputs, cr_entries, cr_few_long_rows, cr_input_formats, cr_input_names, cr_input_sizes, cr_is_ready, cr_open_blas,
    cr_optimizer_names, cr_philox, cr_scaling, cr_seconds, cr_select_simd, cr_shuffle, cr_sparse, cr_team,
    cr_team_close, cr_team_open, cr_team_run, cr_team_size, cr_update, real,
)

cdef extern from "Python.h":
    ctypedef struct Py_buffer:
        void *buf
        Py_ssize_t len
        int ndim
        char *format
        Py_ssize_t itemsize
        Py_ssize_t *shape
    int PyObject_GetBuffer(object, Py_buffer *, int flags) except -1
    void PyBuffer_Release(Py_buffer *)
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_FORMAT, PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyBUF_WRITE
    int PyErr_CheckSignals() except -1
    int PyDict_Update(dict, dict) except -1

ACTIVATIONS = tuple(cr_activation_names[i].decode() for i in range(CR_ACTIVATION_COUNT))
COSTS = tuple(cr_cost_names[i].decode() for i in range(CR_COST_COUNT))
OPTIMIZERS = tuple(cr_optimizer_names[i].decode() for i in range(CR_OPTIMIZER_COUNT))
INPUTS = tuple(cr_input_names[i].decode() for i in range(CR_INPUT_COUNT))  # the dtypes that inputs may have
# the one output activation a cost is for, or None
COST_OUTPUTS = {cr_cost_names[i].decode(): None if cr_cost_outputs[i] == CR_ACTIVATION_any
                else cr_activation_names[cr_cost_outputs[i]].decode() for i in range(CR_COST_COUNT)}
# the target of all classes but the sample's own, whose target is 1
COST_LOWS = {cr_cost_names[i].decode(): cr_cost_lows[i] for i in range(CR_COST_COUNT)}

# what may stand in the place of targets, by its number
GIVEN = ("targets", "output_gradient", "output_delta")

# Each file uses what is included before it, and nothing that comes after it.

# what is computed, and with which memory
include "pace.pxi"
include "plan.pxi"
include "memory.pxi"
include "user.pxi"
include "workspace.pxi"
# data
include "samples.pxi"
include "stream.pxi"
include "stripes.pxi"
# a tile of samples
include "tile.pxi"
include "watch.pxi"
# a team, and many samples
include "team.pxi"
include "groups.pxi"
# training
include "recipe.pxi"
include "dropout.pxi"
include "data.pxi"
include "log.pxi"
include "transaction.pxi"
include "turn.pxi"
include "hooks.pxi"
include "trainee.pxi"
include "training.pxi"
include "blocks.pxi"
include "stepper.pxi"
include "full_batch.pxi"
# what else can be asked of a network
include "passes.pxi"
include "derivatives.pxi"
include "one_sample.pxi"
include "normal_equations.pxi"
# columns of tables
include "encoding.pxi"
# what users give, and single kernels, for Python
include "given.pxi"
include "single_kernels.pxi"


def blas_path():
    """The BLAS library inside the package, or None in a build that links another or has none."""
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(folder)):
        if name.startswith("libchainrule_blas."):
            return os.path.join(folder, name)
    return None


def blas_name():
    """What `gemm` runs on."""
    return cr_blas_name().decode()


def simd_name():
    """The SIMD variant of the elementwise kernels in use."""
    return _simd


cdef str select_kernels(variant, blas):
    """Select the kernels and load the BLAS; the two settings are for tests and for comparing."""
    cdef const char *selected
    cdef const char *problem
    cdef bytes text
    if variant is None:
        selected = cr_select_simd(NULL)
    else:
        text = variant.encode()
        selected = cr_select_simd(PyBytes_AsString(text))
    if not selected:
        raise ImportError(f"CHAINRULE_SIMD={variant}: this processor or build has no such variant "
                          "(known: baseline, avx2, avx512, avx512bf16)")
    if blas not in (None, "plain"):
        raise ImportError(f"CHAINRULE_BLAS={blas}: expected 'plain' or nothing")
    if blas != "plain":
        path = blas_path()
        text = os.fsencode(path or "")
        problem = cr_open_blas(PyBytes_AsString(text) if path else NULL)
        if problem:
            raise ImportError(f"could not load the BLAS library {path}: {problem.decode()}")
    return selected.decode()


_simd = select_kernels(os.environ.get("CHAINRULE_SIMD") or None, os.environ.get("CHAINRULE_BLAS") or None)
