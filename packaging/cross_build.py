"""Build the wheel of a platform on another, with zig for a compiler.

    python cross_build.py TARGET SDIST WORK OUT

TARGET is a name of ``targets.py``, SDIST the source distribution, WORK a folder for all that is
made on the way, OUT where the wheel goes. zig brings the headers and stubs of each system's C
library, but none of Python's: those are the host's, with a ``pyconfig.h`` for any platform, since
the limited API asks little of it; and on Windows an import library for ``python3.dll``, made of the
names of the stable ABI.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import abi3info
import lief
from abi3info.models import PyVersion
from targets import TARGETS, ZIG

HERE = Path(__file__).resolve().parent
MACOS_NAME = "@rpath/chainrule_core.so"  # a name that no other library has
PYTHON = PyVersion(3, 11)  # the oldest whose stable ABI is used


def write_tool(path, *command):
    """Write a script that runs the command, with what it is called with behind."""
    path.write_text(f'#!/bin/sh\nexec {" ".join(map(str, command))} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def write_tools(folder, target):
    """Return {variable of CMake: tool} of compiler and binutils."""
    tools = {
        "C_COMPILER": ("cc", "-target", target.zig),
        "AR": ("ar",),
        "RANLIB": ("ranlib",),
        "RC_COMPILER": ("rc",),
    }
    made = {
        name: write_tool(folder / name.lower(), ZIG, *command) for name, command in tools.items()
    }
    # nothing is installed under another name, so that nothing is for it to do
    return made | {"INSTALL_NAME_TOOL": write_tool(folder / "install_name_tool", "true")}


def write_headers(folder):
    """Return FOLDER with a copy of Python's headers, and the ``pyconfig.h`` beside this script."""
    shutil.copytree(sysconfig.get_path("include"), folder)
    shutil.copyfile(HERE / "pyconfig.h", folder / "pyconfig.h")
    return folder


def write_import_libraries(folder):
    """Return {variable of CMake: library}, to link with ``python3.dll``, which has the stable ABI.

    CMake wants one for this very Python too, and to see the libraries themselves beside them; the
    extension is linked with the former alone.
    """
    lines = ["LIBRARY python3.dll", "EXPORTS"]
    for names, mark in ((abi3info.FUNCTIONS, ""), (abi3info.DATAS, " DATA")):
        lines += sorted(
            f"{symbol.name}{mark}" for symbol, known in names.items() if known.added <= PYTHON
        )
    name = f"python{sys.version_info.major}{sys.version_info.minor}"
    definitions, library, very = (
        folder / part for part in ("python3.def", "python3.lib", f"{name}.lib")
    )
    definitions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [ZIG, "dlltool", "-m", "i386:x86-64", "-D", "python3.dll"]
    subprocess.run([*command, "-d", definitions, "-l", library], check=True)
    shutil.copyfile(library, very)
    for seen in (library, very):
        seen.with_suffix(".dll").touch()
    return {"Python_SABI_LIBRARY": library, "Python_LIBRARY": very}


def toolchain(target, tools, cached):
    """Return CMake's toolchain file."""
    values = {f"CMAKE_{name}": tool for name, tool in tools.items()}
    values |= {
        "CMAKE_SYSTEM_NAME": target.system,
        "CMAKE_SYSTEM_PROCESSOR": target.processor,
        # Python is asked for its properties through it; what it says of the host is overruled here
        "CMAKE_CROSSCOMPILING_EMULATOR": "/usr/bin/env",
        "CMAKE_MODULE_LINKER_FLAGS_INIT": "-Wl,-s",  # a strip for each system is not at hand
        "CMAKE_FIND_ROOT_PATH_MODE_LIBRARY": "ONLY",
    }
    if target.system == "Darwin":
        values |= {
            "CMAKE_OSX_SYSROOT": "",
            "CMAKE_OSX_DEPLOYMENT_TARGET": "",
            # zig makes no bundles, and Python opens libraries as well. CMake reads these lines once
            # more after its own, which say -bundle.
            "CMAKE_USER_MAKE_RULES_OVERRIDE": "${CMAKE_CURRENT_LIST_FILE}",
            "CMAKE_SHARED_MODULE_CREATE_C_FLAGS": f"-dynamiclib -Wl,-install_name,{MACOS_NAME}",
        }
    lines = [f'set({name} "{value}")' for name, value in values.items()]
    lines += [f'set({name} "{value}" CACHE PATH "" FORCE)' for name, value in cached.items()]
    return "\n".join(lines) + "\n"


def fetch_openblas(target, folder):
    """Install the OpenBLAS package of the target into FOLDER, in the version of every build."""
    pinned = (HERE.parent / "cmake" / "build-requirements.txt").read_text(encoding="utf-8")
    wanted = folder.with_suffix(".txt")
    (block,) = re.findall(r"^scipy-openblas32==.*(?:\n +--hash=.*)+", pinned, re.MULTILINE)
    wanted.write_text(f"{block}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    where = ["--platform", target.blas, "--only-binary=:all:", "--target", folder]
    subprocess.run([*pip, *where, "--require-hashes", "-r", wanted], check=True)
    for library in folder.glob("scipy_openblas32/lib/*.so"):
        binary = lief.parse(library)
        binary.strip()  # of names that no loader reads, 0.3 MB of the wheel
        binary.write(str(library))


def main(name, sdist, work, out):
    """Build the wheel."""
    target, work = TARGETS[name], Path(work).resolve() / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tools = write_tools(work, target)
    cached = {"Python_INCLUDE_DIR": write_headers(work / "include")}
    if target.system == "Windows":
        cached |= write_import_libraries(work)
        # CMake names libraries for windows on a screen, whose parts zig would compile first
        cached["CMAKE_C_STANDARD_LIBRARIES"] = ""
    file = work / "toolchain.cmake"
    file.write_text(toolchain(target, tools, cached), encoding="utf-8")

    defines = {"CMAKE_TOOLCHAIN_FILE": file, "CHAINRULE_BLAS": "none"}
    if target.blas:
        fetch_openblas(target, work / "openblas")
        defines |= {"CHAINRULE_BLAS": "bundled", "CHAINRULE_OPENBLAS": work / "openblas"}
    settings = [f"-Ccmake.define.{key}={value}" for key, value in defines.items()]
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
    subprocess.run(
        [*command, f"--wheel-dir={out}", f"-Cbuild-dir={work / 'build'}", "-Cinstall.strip=false",
         *settings, sdist],
        env=os.environ | {
            "_PYTHON_HOST_PLATFORM": target.tag,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ZIG_GLOBAL_CACHE_DIR": str(work.parent / "zig"),
        },
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
