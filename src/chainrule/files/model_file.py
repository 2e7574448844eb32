"""The model file: a network as an .npz of plain numbers that cannot run code.

The archive is what `numpy.savez` writes, so `numpy.load` reads it too. Its arrays:

=====================  ==========================================================================
``header``             the bytes of a JSON object with the keys of `_FIELDS`; an activation or cost
                       is its name; where a parameter is not the default an object, such as
                       ``{"name": "huber", "delta": 2.0}``; where it is the user's own an object
                       with its name alone, ``{"own": "Focal"}``; and, where they are not the
                       default, those of `_OPTIONAL`, each a number or a list of n_1
``parameters``         the flat parameters ``[W^2, b^2, W^3, b^3, ...]`` in the network's dtype
``optimizer.<name>``   each array of the optimiser's state, flat and typed like the parameters,
                       but for ``steps`` (uint64, one number: how many it has taken),
                       ``plateau_<figure>`` (float64, three: reductions of the learning rate,
                       epochs since the best figure, the best), with ``unseen`` (uint64, one
                       number) where the last epoch's validation was interrupted
=====================  ==========================================================================

`save_network` checks what it is about to write with the same functions as `load_network` what it
has read, so a file that was written can be read.
"""

import json
import os
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from chainrule.carried import COUNTERS, as_counter
from chainrule.file_formulas import check_mapping, is_formula, read_formulas, written_formulas
from chainrule.input_scaling import DEFAULTS
from chainrule.keywords import known_options

if TYPE_CHECKING:
    from chainrule.network import Network

_FORMAT = "chainrule network"
_FORMAT_VERSION = 1
_DTYPES = ("float32", "float64")

# What a field must be, in words and as a test.
_FIELDS = {
    "format": (f"{_FORMAT!r}", lambda v: v == _FORMAT),
    "format_version": (f"{_FORMAT_VERSION}", lambda v: _is_whole(v) and v == _FORMAT_VERSION),
    "package_version": ("a string", lambda v: isinstance(v, str)),
    "sizes": (
        "a list of two or more whole numbers from 1 to 2**31 - 1",
        lambda v: isinstance(v, list) and len(v) >= 2 and all(_is_whole(n, 1, 2**31) for n in v),
    ),
    "hidden": ("a list of names", lambda v: isinstance(v, list) and all(map(is_formula, v))),
    "output": ("a name", is_formula),
    "cost": ("a name", is_formula),
    "bias": ("true or false", lambda v: isinstance(v, bool)),
    "dtype": (" or ".join(_DTYPES), lambda v: v in _DTYPES),
    "seed": ("a whole number from 0 to 2**64 - 1", lambda v: _is_whole(v, 0, 2**64)),
    "epochs_trained": ("a whole number from 0 to 2**63 - 1", lambda v: _is_whole(v)),
    "optimizer_state": (
        "a list of names",
        lambda v: isinstance(v, list) and all(map(_is_state, v)),
    ),
}

# What may be missing, where it is the default.
_SCALING = ("a number, or a list of numbers", lambda v: _is_number(v) or _is_numbers(v))
_OPTIONAL = dict.fromkeys(DEFAULTS, _SCALING)


def save_network(net, path):
    """Write `net` to the file `path`, all of it or nothing.

    The new file takes the place of an old one only when it is complete and on the disk: after an
    error (a full disk, say) or a crash the old file is still there.

    Parameters
    ----------
    net : Network
    path : str or path object
        Used as it is; unlike `numpy.savez`, no ``.npz`` is added, so that `load` finds the file
        under the same name.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the network holds numbers that are not finite, parts that a file cannot hold, or two
        different objects of your own of the same name.

    Notes
    -----
    Of an activation or cost that is an object of your own the file holds the name alone, for `load`
    to ask for: its attribute `name` if it has one, else the name of its class. Its code and its
    attributes (the gamma of a Focal(gamma=2), say) are yours to keep.
    """
    from chainrule import __version__

    path = _file_name(path)
    state = {name: np.asarray(values) for name, values in net.optimizer_state.items()}
    arrays = {"parameters": net.parameters}
    arrays |= {f"optimizer.{name}": values for name, values in state.items()}
    try:
        formulas, own = written_formulas(net)
        header = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "package_version": __version__,
            "sizes": [int(n) for n in net.sizes],
            **formulas,
            "bias": bool(net.bias),
            "dtype": np.dtype(net.dtype).name,
            "seed": int(net.seed),
            "epochs_trained": int(net.epochs_trained),
            "optimizer_state": list(state),
            **net._scaling.given,
        }
        _check_header(header)
        read_formulas(header, own)
        for name, (dtype, size) in _expected_arrays(header).items():
            _check_array(name, arrays[name], dtype, size)
    except ValueError as error:
        raise ValueError(f"this network cannot be saved: {error}") from error
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    write_whole(path, lambda file: np.savez(file, header=text, **arrays))


@known_options({"custom_objects": "Use own=..."}, name="load")
def load_network(path, *, own: Mapping[str, object] | None = None) -> "Network":
    """Read a network that `save_network` wrote, ready to feed forward or to train on.

    Parameters
    ----------
    path : str or path object
    own : dict of str to object, optional
        The activations and costs that are objects of your own, by the names that `save_network`
        wrote. Make each as it was made for the network: the file does not know its parameters.
        They are checked as when a network is made.

    Returns
    -------
    net : Network
        Gives the same outputs and continues training the same way, to the last bit. What belongs to
        a call of `fit`, such as the optimiser's settings, is not in the file; give it again.

    Raises
    ------
    OSError
        If there is no such file or it cannot be read.
    TypeError
        If `path` is no file name, or `own` no dict.
    ValueError
        If it is not a network file of this format version, is cut short or is damaged, or if `own`
        lacks an object, holds one too many or one that does not fit; the message names the file,
        what was expected and what came. Nothing in a file is ever run, and nothing is allocated
        beyond a small multiple of the file's size on the disk.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import chainrule as cr
    >>> class Sine:
    ...     def __init__(self, omega):
    ...         self.omega = omega
    ...     def value(self, z):
    ...         return np.sin(self.omega * z)
    ...     def slope(self, z, a):
    ...         return self.omega * np.cos(self.omega * z)
    >>> path = os.path.join(tempfile.mkdtemp(), "waves.npz")
    >>> cr.Network([4, 8, 2], hidden=Sine(2.0), seed=0).save(path)
    >>> net = cr.load(path, own={"Sine": Sine(2.0)})
    """
    from chainrule import Network

    path, own = _file_name(path), check_mapping(own)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"expected a file to load, got a folder or device: {path}")
    with open(path, "rb") as file:
        content = file.read()
    try:
        header, arrays = _unpack(content)
        net = Network(
            header["sizes"],
            **read_formulas(header, own),
            init="zeros",
            bias=header["bias"],
            dtype=header["dtype"],
            **{name: header[name] for name in _OPTIONAL if name in header},
            seed=header["seed"],
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be loaded: {error}") from error
    net.parameters[:] = arrays.pop("parameters")
    net.epochs_trained = header["epochs_trained"]
    net.optimizer_state = {name.removeprefix("optimizer."): a for name, a in arrays.items()}
    return net


def _file_name(path):
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected a file name as str or path object, got {type(path).__name__}")
    return os.fspath(path)


def write_whole(path, write):
    """Let `write(file)` fill a new file, and put it in the place of `path` once it is complete."""
    # Through a symbolic link the file it points to is replaced, as with a plain open().
    path = os.path.realpath(path)
    replaces = os.path.exists(path)
    if replaces and not os.path.isfile(path):
        raise OSError(f"expected a file to write to, got a folder or device: {path}")
    temporary = os.path.join(os.path.dirname(path), f".chainrule-{os.urandom(8).hex()}.tmp")
    try:
        # "x" refuses a file or link that someone else has put there, and, unlike tempfile, gives
        # the permissions of a plain open().
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _unpack(content):
    """Take the checked header and arrays out of the bytes of a model file."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if "header" not in members:
                raise ValueError(
                    "expected a network written by chainrule, "
                    f"got an archive of {_listed(members) or 'nothing'}"
                )
            # Stored members are as long as the bytes they occupy, so nothing can unfold into more
            # memory than the file takes on the disk, unless members overlap.
            if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
                raise ValueError("expected uncompressed arrays, got compressed ones")
            if sum(info.file_size for info in archive.infolist()) > len(content):
                raise ValueError("expected arrays no longer than the file, got longer ones")
            raw = {name: archive.read(info) for name, info in members.items()}
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise ValueError(
            f"expected a complete .npz file written by chainrule, got a damaged or foreign one "
            f"({error})"
        ) from error

    header = _parse_header(_read_array("header", raw.pop("header"), "uint8").tobytes())
    expected = _expected_arrays(header)
    if raw.keys() != expected.keys():
        raise ValueError(f"expected the arrays {_listed(expected)}; got {_listed(raw)}")
    arrays = {}
    for name, (dtype, size) in expected.items():
        arrays[name] = _read_array(name, raw.pop(name), dtype)
        _check_array(name, arrays[name], dtype, size)
    return header, arrays


def _parse_header(text):
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected a header in JSON, got {text[:40]!r} ({error})") from error
    if type(header) is not dict:
        raise ValueError(f"expected a JSON object as header, got {_shown(header)}")
    _check_header(header)
    return header


def _check_header(header):
    # The order of _FIELDS: of a file of another version, the version is told and nothing else.
    for name, (wanted, is_right) in _FIELDS.items():
        if name not in header:
            raise ValueError(f"expected {name!r} in the header, got only {_listed(header)}")
        if not is_right(header[name]):
            raise ValueError(f"expected {name!r} to be {wanted}, got {_shown(header[name])}")
    for name in _OPTIONAL.keys() & header.keys():
        wanted, is_right = _OPTIONAL[name]
        if not is_right(header[name]):
            raise ValueError(f"expected {name!r} to be {wanted}, got {_shown(header[name])}")
    known = _FIELDS | _OPTIONAL
    if header.keys() - known.keys():
        raise ValueError(f"expected only {_listed(known)} in the header, got {_listed(header)}")


def _expected_arrays(header):
    """Name, dtype and size of the arrays that belong to a header."""
    parameters = sum((n_in + header["bias"]) * n for n_in, n in pairwise(header["sizes"]))
    expected = {"parameters": (header["dtype"], parameters)}
    for name in header["optimizer_state"]:
        # The compiled core goes through the state as far as through the parameters.
        expected[f"optimizer.{name}"] = COUNTERS.get(name, expected["parameters"])
    return expected


def _read_array(name, raw, dtype):
    """Read the bytes of a one-dimensional .npy file of a dtype, of either byte order."""
    stream = BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"expected version 1.0 of the .npy format, got {version}")
        shape, _, found = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # NumPy lets out whatever a crafted header made it stumble over
        raise ValueError(f"expected {name!r} to be a plain .npy array: {error}") from error
    if found.newbyteorder("=") != np.dtype(dtype) or len(shape) != 1:
        raise ValueError(
            f"expected {name!r} to be a one-dimensional {dtype} array, "
            f"got shape {shape} and dtype {found}"
        )
    data = memoryview(raw)[stream.tell() :]
    if len(data) != shape[0] * found.itemsize:
        raise ValueError(
            f"expected {shape[0] * found.itemsize} bytes of data in {name!r}, got {len(data)}"
        )
    return np.frombuffer(data, found).astype(dtype)


def _check_array(name, values, dtype, size):
    if values.dtype != np.dtype(dtype) or values.shape != (size,):
        raise ValueError(
            f"expected {name!r} to be a flat {dtype} array of {size} numbers, "
            f"got dtype {values.dtype} and shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"expected finite numbers in {name!r}, got NaN or infinity")
    state = name.removeprefix("optimizer.")
    if state in COUNTERS:
        as_counter(state, values)


def _is_whole(value, least=0, end=2**63):
    # Not isinstance: to Python, True is a whole number too.
    return type(value) is int and least <= value < end


def _is_number(value):
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # not NaN, nor infinite


def _is_numbers(value):
    return isinstance(value, list) and all(map(_is_number, value))


def _is_state(name):
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None


def _listed(names):
    return ", ".join(repr(str(name))[:40] for name in list(names)[:20])


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
