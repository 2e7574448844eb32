"""The instruction set that runs: the best the processor has, or the one that is asked for."""

import os
import platform
from pathlib import Path

import pytest

from chainrule.core import _core
from children import attempt, python

CPUINFO = Path("/proc/cpuinfo")
AVX512 = {"avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"}
SETS = {  # the best first, with what the processor has to have
    "avx512bf16": AVX512 | {"avx512_bf16"},
    "avx512": AVX512,
    "avx2": {"avx2", "fma"},
    "baseline": set(),
}
SAY = "from chainrule.core import _core; print(_core.simd_name())"


def usable():
    """The sets that this processor has, by the system's account."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), None)
    if flags is None or platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("needs Linux on x86-64, which tells what the processor has")
    return [name for name, needed in SETS.items() if needed <= set(flags)]


def test_the_best_is_chosen():
    environment = {"CHAINRULE_SIMD": ""} if "CHAINRULE_SIMD" in os.environ else {}
    assert python("-c", SAY, **environment).strip() == usable()[0]


@pytest.mark.parametrize("name", SETS)
def test_one_that_is_asked_for_is_chosen_or_refused(name):
    done = attempt("-c", SAY, CHAINRULE_SIMD=name)
    if name in usable():
        assert done.stdout.strip() == name
    else:
        assert done.returncode
        assert f"CHAINRULE_SIMD={name}" in done.stderr


def test_this_process_has_one_of_them():
    assert _core.simd_name() in SETS
