"""The file of an ensemble: those of its networks in one archive, and how much each counts.

===================  ==============================================================================
``header``           the bytes of a JSON object with the keys of `FIELDS`
``weights``          (K,) float64, how much each of the K networks counts
``<k>.<name>``       for k = 0 ... K - 1, each array of a network's file (`model_file`), its
                     ``header`` too
``training``         of a table's model what it is beside its networks, as in a network's file, with
                     ``training.<i>``
===================  ==============================================================================
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.files.archive import read_array, take_record, text_of, unpack
from chainrule.files.formulas import check_mapping, check_own, needed_of
from chainrule.files.header import FIELDS as FIELDS_OF_A_NETWORK
from chainrule.files.header import check_fields, listed, parse_object
from chainrule.files.model_file import (
    Net,
    arrays_of,
    as_text,
    file_name,
    network_of,
    reading,
    write_arrays,
)

FORMAT = "chainrule ensemble"
FORMAT_VERSION = 1
# As of a network; what is not here stands in the headers of its networks.
FIELDS = {
    "format": (f"{FORMAT!r}", lambda v: v == FORMAT),
    **{name: FIELDS_OF_A_NETWORK[name] for name in ("format_version", "package_version")},
}
Whole = TypeVar("Whole")


def write_ensemble(
    nets: Sequence[Net],
    weights: NDArray[np.float64],
    path,
    record: Mapping[str, NDArray] | None = None,
) -> None:
    """Write networks and their weights to the file `path`, all of it or nothing.

    record: what a table's model has besides, as `record.written` returns it.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        For a network that `write_network` would not write, by its index, and for two different
        objects of your own of the same name.
    """
    from chainrule.version import __version__  # only here: the metadata take long

    path = file_name(path)
    values = FORMAT, FORMAT_VERSION, __version__
    header = dict(zip(FIELDS, values, strict=True))
    arrays = {"header": as_text(header), "weights": weights}
    own: dict[str, object] = {}
    for k, net in enumerate(nets):
        try:
            arrays |= {f"{k}.{name}": array for name, array in arrays_of(net, own).items()}
        except ValueError as error:
            raise ValueError(f"this ensemble cannot be saved: nets[{k}]: {error}") from error
    write_arrays(path, arrays | dict(record or {}))


def read_model(
    path,
    make: Callable[..., Net],
    gather: Callable[[list[Net], NDArray[np.float64]], Whole],
    own: Mapping[str, object] | None,
) -> tuple[Net | Whole, dict | None, dict[str, NDArray]]:
    """Return the network, or the ensemble, of a file, and what there is besides.

    Parameters
    ----------
    path, make, own
        As `read_network` takes them.
    gather : function
        Called as ``gather(nets, weights)``, what `write_ensemble` was given.

    Returns
    -------
    model : network or ensemble
    record, arrays
        As of `read_network`.
    """
    own = check_mapping(own)
    with reading(path) as raw:
        if "weights" not in raw:
            header, arrays, record, further = unpack(raw)
            return network_of(header, arrays, make, own), record, further
        check_fields(parse_object(text_of("header", raw)), FIELDS, {})
        weights = read_array("weights", raw.pop("weights"), "float64")
        record, further = take_record(raw)
        parts = [unpack(each)[:2] for each in _of_each(raw, len(weights))]
        needed = [needed_of(header) for header, _ in parts]
        check_own(set().union(*needed), own)
        nets = [
            network_of(header, arrays, make, {name: own[name] for name in names})
            for (header, arrays), names in zip(parts, needed, strict=True)
        ]
        return gather(nets, weights), record, further


def _of_each(raw: dict[str, bytes], count: int) -> list[dict[str, bytes]]:
    """Return the members of each of so many networks, out of those of the archive."""
    found: dict[str, dict[str, bytes]] = {}
    for name in list(raw):
        k, _, of_network = name.partition(".")
        found.setdefault(k, {})[of_network] = raw.pop(name)
    expected = list(map(str, range(count)))
    if found.keys() != set(expected) or any("header" not in each for each in found.values()):
        raise ValueError(
            f"expected a header of each of {count} networks, one for each of 'weights', with "
            f"arrays; got those of {listed(found) or 'none'}"
        )
    return [found[k] for k in expected]
