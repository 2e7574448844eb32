"""The platforms that get a wheel: what each is called by zig, CMake, pip and the wheel itself."""

import sysconfig
from dataclasses import dataclass
from pathlib import Path

ZIG = Path(sysconfig.get_path("platlib"), "ziglang", "zig")  # of the package ziglang


@dataclass(frozen=True)
class Target:
    """One platform; ``blas`` is pip's name of the platform whose OpenBLAS is bundled, or None."""

    name: str
    zig: str  # with the oldest C library or system that shall do
    system: str  # CMake's names
    processor: str
    tag: (
        str  # of the wheel as it is built; auditwheel replaces linux_ by the oldest glibc that does
    )
    blas: str | None


# macOS without OpenBLAS: a copy needs a name of its own and then a new signature, by Apple's tools.
# aarch64 with musl without: with it the wheel has more than ten megabytes.
TARGETS = {
    target.name: target
    for target in (
        Target("manylinux-x86_64", "x86_64-linux-gnu.2.17", "Linux", "x86_64",
               "linux_x86_64", "manylinux_2_28_x86_64"),
        Target("manylinux-aarch64", "aarch64-linux-gnu.2.17", "Linux", "aarch64",
               "linux_aarch64", "manylinux_2_28_aarch64"),
        Target("musllinux-x86_64", "x86_64-linux-musl", "Linux", "x86_64",
               "musllinux_1_2_x86_64", "musllinux_1_2_x86_64"),
        Target("musllinux-aarch64", "aarch64-linux-musl", "Linux", "aarch64",
               "musllinux_1_2_aarch64", None),
        Target("macos-arm64", "aarch64-macos.11.0", "Darwin", "arm64",
               "macosx_11_0_arm64", None),
        Target("macos-x86_64", "x86_64-macos.11.0", "Darwin", "x86_64",
               "macosx_11_0_x86_64", None),
        Target("windows-x86_64", "x86_64-windows-gnu", "Windows", "AMD64",
               "win_amd64", "win_amd64"),
    )
}  # fmt: skip


if __name__ == "__main__":
    print(*TARGETS)
