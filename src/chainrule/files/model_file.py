"""The model file: a network as an .npz of plain numbers that cannot run code.

The archive is what `numpy.savez` writes, so `numpy.load` reads it too. Its arrays:

=====================  ==========================================================================
``header``             the bytes of a JSON object with the keys of `FIELDS`; an activation or cost
                       is its name; where a parameter is not the default an object, such as
                       ``{"name": "huber", "delta": 2.0}``; where it is the user's own an object
                       with its name alone, ``{"own": "Focal"}``; and, where they are not the
                       default, those of `OPTIONAL`: ``input_scale`` and ``input_shift``, each a
                       number or a list of n_1, ``output_scale`` and ``output_shift``, each a
                       number or a list of one a target (a scale may be "standard", to be set by
                       the first training), ``input_names``, a list of n_1 strings, ``classes``
                       and ``answers``, what `predict` answers with (before the first training
                       ``task_answers``, what the task says), ``trainable_scale``, true,
                       ``precision``, "bfloat16", and ``optimizer``, an object such as
                       ``{"name": "SGD", "learning_rate": 0.1, "momentum": 0.9,
                       "nesterov": false}``
``parameters``         the flat parameters ``[W^2, b^2, W^3, b^3, ...]`` in the network's dtype;
                       with trainable_scale ``[W^2, b^2, ..., s]``
``optimizer.<name>``   each array of the optimiser's state, flat and typed like the parameters,
                       but for ``steps`` (uint64, one number: how many it has taken),
                       ``epochs`` (float64, one number: how many it has done; a fraction where the
                       first versions' steps were),
                       ``plateau_<figure>`` (float64, three: reductions of the learning rate,
                       epochs since the best figure, the best), with ``plateau_data`` (uint64,
                       two: how many samples these are of, and the checksum of their targets) and
                       ``unseen`` (uint64, one number) where the last epoch's validation was
                       interrupted
``training``           of a `Checkpoint` what `resume` goes on with, of an estimator of
                       `chainrule.sklearn` what it is beside its network: the bytes of a JSON object
                       (files/record.py), and ``training.<i>`` its arrays
=====================  ==========================================================================

`write_network` checks what it is about to write with the same functions as `read_network` what it
has read, so a file that was written can be read.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.files.archive import check_array, opened, unpack
from chainrule.files.formulas import (
    check_mapping,
    needed_of,
    read_formulas,
    read_optimizer,
    written_formulas,
    written_optimizer,
)
from chainrule.files.header import FORMAT, FORMAT_VERSION, check_header, expected_arrays
from chainrule.model.model import Model
from chainrule.model.scaling import SCALINGS
from chainrule.results.whole_file import write_whole

Net = TypeVar("Net", bound=Model)
LONGEST_MESSAGE = 1000


def write_network(net: Model, path, record: Mapping[str, NDArray] | None = None) -> None:
    """Write `net` to the file `path`, all of it or nothing.

    The new file takes the place of an old one only when it is complete and on the disk: after an
    error (a full disk, say) or a crash the old file is still there.

    Parameters
    ----------
    net : Model
    path : str or path object
        Used as it is; unlike `numpy.savez`, no ``.npz`` is added, so that `load` finds the file
        under the same name.
    record : dict of str to ndarray, optional
        What a checkpoint or an estimator has besides, as `record.written` returns it.

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
    path = file_name(path)
    try:
        arrays = arrays_of(net, {})
    except ValueError as error:
        raise ValueError(f"this network cannot be saved: {error}") from error
    write_arrays(path, arrays | dict(record or {}))


def arrays_of(net: Model, own: dict[str, object]) -> dict[str, NDArray]:
    """Return the arrays that a file holds of a network, its header among them, all checked.

    own: the user's own objects, by name, of other networks of the file; those of `net` come to it.
    """
    from chainrule.version import __version__  # only here: the metadata take long

    state = {name: np.asarray(values) for name, values in net.optimizer_state.items()}
    arrays = {"parameters": net.parameters}
    arrays |= {f"optimizer.{name}": values for name, values in state.items()}
    formulas, own = written_formulas(net, own)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
        "sizes": [int(n) for n in net.sizes],
        **formulas,
        "bias": bool(net.bias),
        "dtype": np.dtype(net.dtype).name,
        "seed": int(net.seed),
        "epochs_trained": int(net.epochs_trained),
        "optimizer_state": list(state),
        **net._scaling.given,
        **net._output_scaling.given,
        **({"trainable_scale": True} if net._trainable_scale else {}),
        **({"precision": net.precision} if net._rounds else {}),
        **({} if net.input_names is None else {"input_names": list(net.input_names)}),
        **_answers_of(net),
        **written_optimizer(net),
    }
    check_header(header)
    read_formulas(header, {name: own[name] for name in needed_of(header)})
    read_optimizer(header)
    for name, (dtype, size) in expected_arrays(header).items():
        check_array(name, arrays[name], dtype, size)
    return {"header": as_text(header), **arrays}


def as_text(header: dict) -> NDArray:
    """Return the bytes of a header as they stand in an archive."""
    return np.frombuffer(json.dumps(header).encode(), np.uint8)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray]) -> None:
    """Write an archive, all of it or nothing."""
    # type checkers see a name that could be allow_pickle, which none of these is
    write_whole(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def read_network(
    path, make: Callable[..., Net], own: Mapping[str, object] | None
) -> tuple[Net, dict | None, dict[str, NDArray]]:
    """Return the network of a file that `write_network` wrote; `Network` documents it as `load`.

    Parameters
    ----------
    path : str or path object
    make : function
        Called as ``make(sizes, hidden=..., output=..., cost=..., ...)`` with what `Network` takes.
    own : dict of str to object, or None

    Returns
    -------
    net : Network
    record, arrays
        What a checkpoint or an estimator has besides, as `record.fields_of` takes it; None and none
        of a network alone.
    """
    own = check_mapping(own)
    with reading(path) as raw:
        header, arrays, record, further = unpack(raw)
        return network_of(header, arrays, make, own), record, further


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[dict[str, bytes]]:
    """Read an archive; what is wrong with its members, too, is told with its name.

    Yields
    ------
    dict of str to bytes
        Its members.

    Raises
    ------
    TypeError
        For what is no file name.
    OSError
        For what is no file, or cannot be read.
    ValueError
        For all that is wrong inside.
    """
    content = content_of(path)
    with told_with(path):
        yield opened(content)


def content_of(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file, which is no folder or device."""
    path = file_name(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"expected a file to load, got a folder or device: {path}")
    with open(path, "rb") as file:
        return file.read()


@contextmanager
def told_with(path: str | os.PathLike[str]) -> Iterator[None]:
    """Have what is wrong with a file told with its name, as a ValueError."""
    try:
        yield
    except (ValueError, TypeError) as error:
        said = str(error)
        if len(said) > LONGEST_MESSAGE:  # with what the file holds in it, which may be megabytes
            said = f"{said[:LONGEST_MESSAGE]}..."
        raise ValueError(f"{os.fspath(path)} cannot be loaded: {said}") from error


def network_of(
    header: dict, arrays: dict[str, NDArray], make: Callable[..., Net], own: Mapping[str, object]
) -> Net:
    """Return the network of a checked header and its arrays; the objects `own` are those it needs.

    Raises
    ------
    ValueError, TypeError
        For what is no network's.
    """
    net = make(
        header["sizes"],
        **read_formulas(header, own),
        init="zeros",
        bias=header["bias"],
        dtype=header["dtype"],
        precision=header.get("precision"),
        **{name: header[name] for name in SCALINGS if name in header},
        trainable_scale=header.get("trainable_scale", False),
        seed=header["seed"],
    )
    if "classes" in header:
        net.classes = header["classes"]
    net._answers = header.get("answers", net._answers)
    net._by_task = header.get("task_answers")
    net._optimizer = read_optimizer(header)
    net.parameters[:] = arrays.pop("parameters")
    net.epochs_trained = header["epochs_trained"]
    net._input_names = tuple(header["input_names"]) if "input_names" in header else None
    net.optimizer_state = {name.removeprefix("optimizer."): a for name, a in arrays.items()}
    return net


def _answers_of(net):
    """Return the fields of what a network answers with, where that is settled, or its task's."""
    found = {} if net._named is None else {"classes": net._named.tolist()}
    if net._answers is not None:
        return found | {"answers": net._answers}
    return found | ({} if net._by_task is None else {"task_answers": net._by_task})


def file_name(path):
    """Return a path as text, as it is."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected a file name as str or path object, got {type(path).__name__}")
    return os.fspath(path)
