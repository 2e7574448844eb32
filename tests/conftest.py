"""The fixtures that several test files share."""

import os
import signal

import pytest

# NumPy's own BLAS looks at this when it is loaded. Its threads would be in each other's way where
# several processes test, and gain nothing with matrices as small as here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from children import python
from problems import draw_problem

SIMD = ["baseline", "avx2", "avx512", "avx512bf16"]


@pytest.fixture(scope="session")
def best_simd():
    """The variant picked when none is forced: the best this machine supports."""
    code = "from chainrule.core import _core; print(_core.simd_name())"
    return python("-c", code, CHAINRULE_SIMD="").strip()


@pytest.fixture(scope="session", params=SIMD)
def simd(request, best_simd):
    """Each SIMD variant, from the one that runs everywhere to the widest."""
    if SIMD.index(request.param) > SIMD.index(best_simd):
        pytest.skip(f"this machine goes no further than {best_simd}")
    return request.param


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Each precision that a network may have."""
    return request.param


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, also where the tests' own process ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(name="draw_problem", scope="session")
def draw_problem_fixture():
    return draw_problem
