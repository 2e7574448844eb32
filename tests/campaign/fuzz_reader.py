"""Model files found by coverage: atheris turns bytes of a file wherever that leads to new lines.

    pip install atheris
    python tests/campaign/fuzz_reader.py FOLDER -max_total_time=3600

Of Linux, as atheris is; not part of the campaign, since it has no end. It begins with the files of
`tests/files/written/`, keeps in FOLDER what it found, and stops at the first file that brings up
anything but a network or the one error, which it leaves beside it as `crash-...`. What follows is
for libFuzzer (`-help=1`). Checksums are mended, so that it comes beyond them.
"""

import inspect
import struct
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from types import ModuleType

import atheris

import chainrule as cr
from chainrule.checks import formulas as names
from chainrule.files import archive, ensemble_file, formulas, header, model_file

sys.path.insert(0, str(Path(__file__).parents[1]))

from model_file_kinds import KINDS, WRITTEN

# whose lines are watched
READER = (zipfile, archive, header, formulas, model_file, ensemble_file, names)
OWN = KINDS["own"].own
MOST_BYTES = 1 << 16


def with_checksums(content: bytes) -> bytes:
    """Return an archive whose members have the checksums that their bytes have."""
    now, at = bytearray(content), 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0 and at + 46 <= len(content):
        size = struct.unpack_from("<I", now, at + 20)[0]
        local = struct.unpack_from("<I", now, at + 42)[0]
        if local + 30 <= len(now):
            lengths = struct.unpack_from("<HH", now, local + 26)
            start = local + 30 + sum(lengths)
            checksum = struct.pack("<I", zlib.crc32(now[start : start + size]))
            now[at + 16 : at + 20] = now[local + 14 : local + 18] = checksum
        at += 46
    return bytes(now)


def load(content: bytes) -> None:
    """Load it; what is no network is refused in one way."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(with_checksums(content))
        file.flush()
        for own in (None, OWN):
            try:
                cr.load(file.name, own=own)
            except ValueError as error:
                if not str(error).startswith(f"{file.name} cannot be loaded: "):
                    raise


def watch(holder: ModuleType | type) -> None:
    """Have atheris see the lines of all functions of a module, and of its classes."""
    for each in list(vars(holder).values()):
        if getattr(each, "__module__", None) != getattr(holder, "__module__", holder.__name__):
            continue
        if inspect.isfunction(each):
            atheris.instrument_func(each)
        elif inspect.isclass(each):
            watch(each)


def main():
    folder = next((each for each in sys.argv[1:] if not each.startswith("-")), None)
    if folder is None:
        sys.exit(__doc__)
    Path(folder).mkdir(exist_ok=True)
    for module in READER:
        watch(module)
    atheris.Setup([*sys.argv, str(WRITTEN), f"-max_len={MOST_BYTES}", "-rss_limit_mb=1024"], load)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
