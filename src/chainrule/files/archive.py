"""The archive of a model file: its arrays, taken out of the bytes without trusting any of them."""

import re
from io import BytesIO

import numpy as np

from chainrule.files import record as records
from chainrule.files.header import expected_arrays, listed, parse_header
from chainrule.training.optimizer_state import COUNTERS, as_counter

ENCRYPTED = 1  # a flag of a member
# How a .npy file begins: these bytes, two for the length of what follows, and a dict as text.
# NumPy's own reader evaluates it, and stumbles over crafted ones in many ways.
MAGIC = b"\x93NUMPY\x01\x00"
HEAD = re.compile(
    rb"\{'descr': '(?P<descr>[<>|=][A-Za-z]\d{0,4})', 'fortran_order': (True|False), "
    rb"'shape': \((?P<shape>[\d, ]{0,60})\),? ?\} *\n?"
)


def opened(content):
    """Return the members of the archive that the bytes of a file are, each one's bytes by name."""
    import zipfile  # only here: it takes a tenth of the time of `import chainrule`

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "header" not in members:
                raise ValueError(
                    "expected a network written by chainrule, "
                    f"got an archive of {listed(members) or 'nothing'}"
                )
            # Stored members are as long as the bytes they occupy, so nothing can unfold into more
            # memory than the file takes on the disk, unless members overlap.
            if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
                raise ValueError("expected uncompressed arrays, got compressed ones")
            if any(info.flag_bits & ENCRYPTED for info in members.values()):
                raise ValueError("expected plain arrays, got encrypted ones")
            if sum(info.file_size for info in archive.infolist()) > len(content):
                raise ValueError("expected arrays no longer than the file, got longer ones")
            if len(members) < len(archive.infolist()):
                names = [info.filename for info in archive.infolist()]
                raise ValueError(f"expected each member once, got {listed(names)}")
            return {name: archive.read(info) for name, info in members.items()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ValueError(
            f"expected a complete .npz file written by chainrule, got a damaged or foreign one "
            f"({error})"
        ) from error


def unpack(raw):
    """Take what there is, all checked, out of the members of a network's archive.

    Parameters
    ----------
    raw : dict of str to bytes
        Is empty afterwards, so that nothing is there twice.

    Returns
    -------
    header : dict
    arrays : dict of str to ndarray
        Those of the network.
    record : dict, or None
        Of a checkpoint or an estimator what it has besides, and
    further : dict of str to ndarray
        the arrays of that.
    """
    header = parse_header(text_of("header", raw))
    record, further = take_record(raw)
    expected = expected_arrays(header)
    if raw.keys() != expected.keys():
        raise ValueError(f"expected the arrays {listed(expected)}; got {listed(raw) or 'none'}")
    arrays = {}
    for name, (dtype, size) in expected.items():
        arrays[name] = read_array(name, raw.pop(name), dtype)
        check_array(name, arrays[name], dtype, size)
    return header, arrays, record, further


def take_record(raw):
    """Take what a file has besides out of its members: the record, or None, and its arrays."""
    if records.MEMBER not in raw:
        return None, {}
    record = records.parse(text_of(records.MEMBER, raw))
    if missing := record["arrays"].keys() - raw.keys():
        raise ValueError(f"expected the arrays {listed(sorted(missing))} too; got {listed(raw)}")
    further = {}
    for name, (dtype, size) in record["arrays"].items():
        further[name] = read_array(name, raw.pop(name), dtype)
        check_kind(name, further[name], dtype, size)
    return record, further


def text_of(name, raw):
    """Take the member `name` out of those of an archive, as the text that it holds."""
    return read_array(name, raw.pop(name), "uint8").tobytes()


def read_array(name, raw, dtype):
    """Read the bytes of a one-dimensional .npy file of a dtype, of either byte order."""
    size = int.from_bytes(raw[8:10], "little")
    head = HEAD.fullmatch(raw[10 : 10 + size])
    if raw[:8] != MAGIC or head is None:
        raise ValueError(f"expected {name!r} to be a plain .npy array, got {bytes(raw[:80])!r}")
    try:
        found = np.dtype(head["descr"].decode())
    except TypeError as error:
        raise ValueError(f"expected {name!r} to be a plain .npy array: {error}") from error
    shape = tuple(map(int, re.findall(rb"\d+", head["shape"])))
    if found.newbyteorder("=") != np.dtype(dtype) or len(shape) != 1:
        raise ValueError(
            f"expected {name!r} to be a one-dimensional {dtype} array, "
            f"got shape {shape} and dtype {found}"
        )
    data = memoryview(raw)[10 + size :]
    if len(data) != shape[0] * found.itemsize:
        raise ValueError(
            f"expected {shape[0] * found.itemsize} bytes of data in {name!r}, got {len(data)}"
        )
    return np.frombuffer(data, found).astype(dtype)


def check_array(name, values, dtype, size):
    """Raise ValueError unless it is a flat array of so many finite numbers, and a state fits."""
    check_kind(name, values, dtype, size)
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite numbers in {name!r}, got NaN or infinity")
    state = name.removeprefix("optimizer.")
    if state in COUNTERS:
        as_counter(state, values)


def check_kind(name, values, dtype, size):
    """Raise ValueError unless it is a flat array of so many numbers."""
    if values.dtype != np.dtype(dtype) or values.shape != (size,):
        raise ValueError(
            f"expected {name!r} to be a flat {dtype} array of {size} numbers, "
            f"got dtype {values.dtype} and shape {values.shape}"
        )
