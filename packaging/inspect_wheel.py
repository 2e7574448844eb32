"""Refuse a wheel that would not do on every machine of its platform; say what it is.

    python inspect_wheel.py TARGET WHEEL

TARGET is a name of ``targets.py``. Nothing is run of what is in the wheel, so that wheels of any
system can be looked at on any other. The last line is a record in JSON, for ``write_table.py``.
"""

import base64
import csv
import hashlib
import json
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import abi3info
import lief
from abi3info.models import PyVersion
from targets import TARGETS

STABLE_SINCE = PyVersion(3, 11)
LARGEST = 10_000_000  # bytes
MACHINES = {
    "x86_64": {"X86_64"},
    "AMD64": {"AMD64"},
    "aarch64": {"AARCH64"},
    "arm64": {"ARM64"},
}
# what every machine of the platform has
LIBRARIES = {
    "manylinux": r"lib(c|m|dl|pthread)\.so\.\d|ld-linux-.*\.so\.\d",
    "musllinux": r"libc\.so|libc\.musl-.*\.so\.1",
    "macos": r"/usr/lib/libSystem\.B\.dylib",
    "windows": r"(?i)python3\.dll|kernel32\.dll|ntdll\.dll|advapi32\.dll|msvcrt\.dll|ucrtbase\.dll"
    r"|api-ms-win-crt-[a-z0-9-]+\.dll",
}
CORES = {"Windows": "chainrule/core/_core.pyd"}
NUMBER = r"(\d+)_(\d+)"
YOUNGER_THAN_MUSL_1_2 = {"gettid", "qsort_r", "reallocarray", "tcgetwinsize", "_Fork", "strlcpy"}
MARKS = {"_mh_dylib_header", "__dso_handle"}  # that zig's linker leaves in libraries of macOS
lief.logging.disable()  # what it misses is said here


class RefusedError(Exception):
    """A wheel is not as it must be."""


def must(is_so, message):
    """Refuse with the message what is not so."""
    if not is_so:
        raise RefusedError(message)


def check_names(path, files):
    """Return the platform tags; the file's name, WHEEL and RECORD say what is there."""
    version, tags = re.fullmatch(r"chainrule-([\d.]+\w*)-(.+)\.whl", path.name).groups()
    info = f"chainrule-{version}.dist-info"
    python, abi, platforms = tags.split("-")
    must((python, abi) == ("cp311", "abi3"), f"the tag is {python}-{abi}, not cp311-abi3")
    said = set(re.findall(r"^Tag: (.+)$", files[f"{info}/WHEEL"].decode(), re.MULTILINE))
    named = {f"{python}-{abi}-{platform}" for platform in platforms.split(".")}
    must(said == named, f"WHEEL says {sorted(said)}, the file's name {sorted(named)}")
    record = f"{info}/RECORD"
    rows = {row[0]: row[1] for row in csv.reader(files[record].decode().splitlines())}
    must(rows.keys() == files.keys(), f"RECORD lists other files: {rows.keys() ^ files.keys()}")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        must(name == record or rows[name] == f"sha256={digest}", f"RECORD has not {name} as it is")
    return info, platforms.split(".")


def check_contents(info, files, target):
    """Return the core, all that is compiled and OpenBLAS's version; their papers are there."""
    ours = CORES.get(target.system, "chainrule/core/_core.abi3.so")
    compiled = {name for name in files if re.search(r"\.(so|dylib|dll|pyd)(\.|$)", name)}
    blas = {name for name in compiled if name.startswith("chainrule/core/libchainrule_blas.")}
    must(compiled == {ours} | blas, f"what is compiled in it: {sorted(compiled)}")
    must(bool(blas) == bool(target.blas), f"OpenBLAS is {'' if blas else 'not '}in it")
    licences = {f"{info}/licenses/LICENSE": b"Redistribution and use"}
    if blas:
        licences["chainrule/core/LICENSE-OpenBLAS.txt"] = b"The OpenBLAS Project"
    for name, words in licences.items():
        must(words in files.get(name, b""), f"{name} is missing, or another licence")
    bill = f"{info}/sboms/chainrule.cdx.json"
    must(bill in files, f"{bill} is missing")
    parts = {part["name"]: part for part in json.loads(files[bill])["components"]}
    must("Cython" in parts and ("OpenBLAS" in parts) == bool(blas), f"{bill} lists {list(parts)}")
    for name in blas:
        digest = hashlib.sha256(files[name]).hexdigest()
        must(parts["OpenBLAS"]["hashes"][0]["content"] == digest, f"{bill} has another OpenBLAS")
    return ours, compiled, parts["OpenBLAS"]["version"] if blas else None


@dataclass
class Facts:
    """What the three formats of libraries have in common."""

    machine: str
    libraries: list[str]  # that it needs
    paths: list[str]  # where these are looked for, beside where the system has them
    exported: set[str]
    imported: set[str]

    @classmethod
    def of(cls, binary):
        """Return those of what lief read."""
        if isinstance(binary, lief.ELF.Binary):
            tags = (lief.ELF.DynamicEntry.TAG.RPATH, lief.ELF.DynamicEntry.TAG.RUNPATH)
            named = [symbol for symbol in binary.dynamic_symbols if symbol.name]
            return cls(
                binary.header.machine_type.name,
                list(binary.libraries),
                [str(entry) for entry in binary.dynamic_entries if entry.tag in tags],
                {symbol.name for symbol in named if symbol.shndx},
                {symbol.name for symbol in named if not symbol.shndx},
            )
        if isinstance(binary, lief.MachO.Binary):
            itself = lief.MachO.LoadCommand.TYPE.ID_DYLIB
            return cls(  # whose symbols have an underscore before the name that C knows
                binary.header.cpu_type.name,
                [library.name for library in binary.libraries if library.command != itself],
                [path.path for path in binary.rpaths],
                {symbol.name[1:] for symbol in binary.exported_symbols} - MARKS,
                {symbol.name[1:] for symbol in binary.imported_symbols},
            )
        return cls(
            binary.header.machine.name,
            [library.name for library in binary.imports],
            [],
            {function.name for function in binary.exported_functions},
            {entry.name for library in binary.imports for entry in library.entries},
        )


def check_binary(name, content, target):
    """Return the binary and its facts: the target's machine, and needs that none of it lacks."""
    binary = lief.parse(content)
    if isinstance(binary, lief.MachO.FatBinary):
        must(binary.size == 1, f"{name} is of several processors")
        binary = binary.at(0)
    must(binary is not None, f"{name} is no library")
    facts = Facts.of(binary)
    wanted = MACHINES[target.processor]
    must(facts.machine in wanted, f"{name} is for {facts.machine}, not for {target.processor}")
    there = LIBRARIES[target.name.split("-")[0]]
    foreign = [library for library in facts.libraries if not re.fullmatch(there, library)]
    must(not foreign, f"{name} needs {foreign}")
    if target.name.startswith("musllinux"):
        younger = facts.imported & YOUNGER_THAN_MUSL_1_2
        must(not younger, f"{name} asks for {sorted(younger)}, which musl 1.2.0 lacks")
    must(not facts.paths, f"{name} looks for libraries in {facts.paths}")
    return binary, facts


def check_system(name, binary, platforms):
    """Return the version of the system that the binary needs, or (); the tag promises no older."""
    if isinstance(binary, lief.ELF.Binary):
        needed = [
            tuple(map(int, version.name.removeprefix("GLIBC_").split(".")))[:2]
            for library in binary.symbols_version_requirement
            for version in library.get_auxiliary_symbols()
            if version.name.startswith("GLIBC_")
        ]
        promised = [
            tuple(map(int, found.groups()))
            for found in (re.match(rf"manylinux_{NUMBER}_", tag) for tag in platforms)
            if found
        ]
    elif isinstance(binary, lief.MachO.Binary):
        needed = [tuple(binary.build_version.minos)[:2]]
        promised = [tuple(map(int, re.match(rf"macosx_{NUMBER}_", platforms[0]).groups()))]
        signed = binary.has_code_signature
        must(signed or "arm64" not in platforms[0], f"{name} is not signed, which arm64 asks for")
    else:
        return ()
    if not promised:
        return ()
    newest = max(needed, default=())
    must(newest <= min(promised), f"{name} needs {newest}, and the tag promises {min(promised)}")
    return newest


def check_core(name, facts):
    """Look at the extension: it exports its entry alone, and asks Python for its stable ABI."""
    must(facts.exported == {"PyInit__core"}, f"{name} exports {sorted(facts.exported)[:5]}")
    asked = {symbol for symbol in facts.imported if re.match(r"_?Py[A-Z_]", symbol)}
    must("PyModuleDef_Init" in asked, f"{name} asks nothing of Python: is it an extension?")
    stable = {
        symbol.name
        for names in (abi3info.FUNCTIONS, abi3info.DATAS)
        for symbol, known in names.items()
        if known.added <= STABLE_SINCE
    }
    must(asked <= stable, f"{name} asks for {sorted(asked - stable)}, in no stable ABI of 3.11")


def inspect(path, target):
    """Return what the wheel is, or raise RefusedError."""
    size = path.stat().st_size
    must(size < LARGEST, f"it has {size} bytes, not below {LARGEST}")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    info, platforms = check_names(path, files)
    core, compiled, blas = check_contents(info, files, target)
    systems = []
    for name in compiled:
        binary, facts = check_binary(name, files[name], target)
        systems.append(check_system(name, binary, platforms))
        if name == core:
            check_core(name, facts)
    return {
        "target": target.name,
        "wheel": path.name,
        "megabytes": round(size / 1e6, 2),
        "openblas": blas,
        "system": ".".join(map(str, max(systems))) or None,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


if __name__ == "__main__":
    try:
        print(json.dumps(inspect(Path(sys.argv[2]), TARGETS[sys.argv[1]])))
    except RefusedError as problem:
        sys.exit(f"{sys.argv[2]} is refused: {problem}")
