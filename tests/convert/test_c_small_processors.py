"""C files on processors without an operating system: Cortex-M0 and M4, the latter under QEMU."""

import re
import subprocess

import numpy as np
import pytest

import chainrule as cr
from c_programs import C99, compiler, run
from chainrule.convert import to_c

ARM = "arm-none-eabi-gcc"
FLAGS = [each for each in C99 if each != "-ffp-contract=off"]  # which -std=c99 means
PROCESSORS = {
    "M0": ["-mcpu=cortex-m0", "-mthumb"],
    "M4": ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
}
# Vectors, and the floating-point unit switched on, before newlib's own start.
START = """
extern void _start(void);
extern unsigned long _stack_top;
void reset(void);
void reset(void) {
    *(volatile unsigned long *)0xE000ED88u |= 0xFu << 20;
    __asm volatile("dsb\\nisb");
    _start();
    for (;;) {}
}
static void stop(void) { for (;;) {} }
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &_stack_top, (void *)reset, (void *)stop, (void *)stop, (void *)stop, (void *)stop,
    (void *)stop, 0, 0, 0, 0, (void *)stop, (void *)stop, 0, (void *)stop, (void *)stop};
"""
LINK = """
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
ENTRY(reset)
SECTIONS {
    .text : {
        KEEP(*(.vectors)) *(.text*) KEEP(*(.init)) KEEP(*(.fini)) *(.rodata*) *(.ARM.ex*)
    } >FLASH
    .data : { *(.data*) *(.init_array) *(.fini_array) } >RAM
    .bss : { __bss_start__ = .; *(.bss*) *(COMMON) __bss_end__ = .; } >RAM
    end = .; __end__ = .;
    _stack_top = ORIGIN(RAM) + LENGTH(RAM);
    __stack = _stack_top;
}
"""


def sections(path):
    """Bytes of each section of an object file."""
    out = run(compiler("arm-none-eabi-size"), "-A", path)
    return {name: int(size) for name, size in re.findall(r"^(\.\S+) +(\d+)", out, re.MULTILINE)}


@pytest.mark.parametrize("optimise", ["-Os", "-O2"])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_small_network_needs_little_code(tmp_path, processor, optimise):
    compiler(ARM)
    net = cr.Network([4, 16, 16, 1], hidden="tanh", seed=0)
    report = to_c(net, tmp_path / "net.c")
    target = tmp_path / "net.o"
    run(ARM, *FLAGS, optimise, *PROCESSORS[processor], "-c", tmp_path / "net.c", "-o", target)
    sizes = sections(target)
    assert 0 < sizes[".text"] <= 1600  # of 3 kB
    assert sizes.get(".data", 0) == sizes.get(".bss", 0) == 0
    constants = sum(size for name, size in sizes.items() if name.startswith(".rodata"))
    assert constants <= report.flash + 64


def programs(folder):
    """Files of several kinds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4)).astype(np.float32)
    hidden = ["gelu", "mish", "softplus", "selu"]
    net = cr.Network([4, 16, 16, 9, 9, 3], hidden=hidden, output="softmax", cost="log_likelihood",
                     seed=0, input_scale=0.5)  # fmt: skip
    double = cr.Network([3, 8, 2], hidden="swish", output="sigmoid", dtype="float64", seed=0)
    pair = cr.Ensemble([cr.Network([4, 6, 2], output="identity", seed=k) for k in range(2)])
    to_c(net, folder / "float.c", gradient=True, train=True)
    to_c(net, folder / "whole.c", fixed_point="int8", data=X)
    to_c(net, folder / "wide.c", fixed_point="int16", data=X)
    to_c(double, folder / "double.c")
    to_c(pair, folder / "pair.c")
    return [folder / f"{name}.c" for name in ("float", "whole", "wide", "double", "pair")]


@pytest.mark.parametrize("processor", PROCESSORS)
def test_they_compile_without_a_warning(tmp_path, processor):
    compiler(ARM)
    for path in programs(tmp_path):
        target = path.with_suffix(".o")
        run(ARM, *FLAGS, "-Os", *PROCESSORS[processor], "-c", path, "-o", target)


@pytest.mark.parametrize(("processor", "machine"), [("M0", "mps2-an385"), ("M4", "mps2-an386")])
def test_they_have_the_same_bits_there(tmp_path, processor, machine):
    """For the M0 on a Cortex-M3, which runs what is compiled for it; its floats are software."""
    compiler(ARM)
    compiler("qemu-system-arm")
    (tmp_path / "start.c").write_text(START)
    (tmp_path / "link.ld").write_text(LINK)
    (tmp_path / "wrong.c").write_text("int main(void) { return 1; }")
    for path in [*programs(tmp_path), tmp_path / "wrong.c"]:
        program = path.with_suffix(".elf")
        run(
            ARM, "-std=c99", "-O2", *PROCESSORS[processor], "--specs=rdimon.specs",
            "-T", tmp_path / "link.ld", "-DSELF_TEST", "-o", program, tmp_path / "start.c", path,
            "-lm",
        )  # fmt: skip
        done = subprocess.run(
            ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none",
             "-semihosting-config", "enable=on,target=native", "-kernel", str(program)],
            timeout=60, capture_output=True, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert done.returncode == (path.name == "wrong.c"), f"{path.name}: {done.stderr}"
