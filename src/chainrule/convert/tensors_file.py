"""Networks in safetensors files, by a writer and a strict reader of our own.

A file is a length (8 bytes, little-endian), so many bytes of JSON, which say of each array its
dtype, shape and place, and the numbers themselves, one array right behind the other.
"""

import json
import math
import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.convert.assembly import activation_of, named_classes
from chainrule.convert.blueprint import Blueprint, Layer, blueprint_of, one_chain
from chainrule.convert.folded import folded
from chainrule.convert.stack import Stack
from chainrule.convert.state_dict import in_order, named, pile
from chainrule.files.formulas import read_formulas, written_formulas
from chainrule.files.header import FIELDS, OPTIONAL, SHIFT, check_fields, listed, parse_object
from chainrule.files.model_file import content_of, file_name, told_with
from chainrule.model.kinds_of_answers import first_answers
from chainrule.model.scaling import SCALINGS
from chainrule.network import Network
from chainrule.results.whole_file import write_whole

LONGEST_HEADER = 2**22  # bytes; of a chain of layers it is some hundred, and the scalings
MOST_DIMENSIONS = 8
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # bytes of a number of each dtype
METADATA = "__metadata__"
OURS = "chainrule"  # the name of our text in the metadata: JSON with these fields
NEEDED = {
    "version": ("1", lambda v: type(v) is int and v == 1),
    **{name: FIELDS[name] for name in ("sizes", "hidden", "output", "cost")},
}
POSSIBLE = dict.fromkeys(SCALINGS, SHIFT) | {
    name: OPTIONAL[name] for name in ("answers", "classes", "input_names")
}


@known_options()
def to_safetensors(model: Any, path: str | os.PathLike[str], *, fold: bool = False) -> None:
    """Write a network to a safetensors file, whole or not at all.

    Its arrays have the names of a Sequential of PyTorch, "0.weight", "0.bias", "2.weight", ..., in
    the network's dtype. Under "chainrule" the metadata have JSON with sizes, activations, cost,
    classes, names of inputs and scalings, by which `from_safetensors` makes the network again.

    Parameters
    ----------
    model : Network, or an estimator of chainrule.sklearn that has one
    path : str or path object
        Used as it is.
    fold : bool, default False
        Whether scalings go into the weights, computed in float64 and rounded, so that programs
        compute the same that do not know these metadata.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError, TypeError
        For an ensemble, the model of a table, parameters that are not finite, and activations of
        your own.

    Examples
    --------
    >>> import os
    >>> import chainrule as cr
    >>> cr.convert.to_safetensors(cr.Network([4, 8, 3], seed=0), "digits.safetensors")
    >>> os.path.getsize("digits.safetensors") > 4 * (4 * 8 + 8 + 8 * 3 + 3)
    True
    """
    blueprint = blueprint_of(model)
    chain = one_chain(blueprint, "to_safetensors")
    path = file_name(path)
    layers, scalings = chain.layers, _scalings(chain.scaling, chain.output_scaling)
    if fold:
        layers, scalings = folded(chain, "to_safetensors(fold=True)"), {}
    bias = chain.bias or any(np.any(each.biases) for each in layers)
    arrays = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in named(layers, bias).items()
    }
    ours = _described(blueprint, layers) | scalings
    check_fields(ours, NEEDED, POSSIBLE)
    header: dict[str, Any] = {METADATA: {OURS: json.dumps(ours)}}
    kind, end = f"F{8 * chain.dtype.itemsize}", 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    if len(text) > LONGEST_HEADER:
        raise ValueError(
            f"what is to be told of this network takes {len(text)} bytes, over the "
            f"{LONGEST_HEADER} that a header may have; give fewer classes, or fold=True"
        )
    pieces: list[Any] = [
        len(text).to_bytes(8, "little"),
        text,
        *(each.data for each in arrays.values()),
    ]
    write_whole(path, lambda file: file.writelines(pieces))


@known_options()
def from_safetensors(
    path: str | os.PathLike[str], *, hidden: Any = None, output: Any = None
) -> Network:
    """Return the network of a safetensors file, of chainrule or of another program.

    Parameters
    ----------
    path : str or path object
        A file of `to_safetensors`; or one with nothing but "<layer>.weight" (n_out, n_in) and
        "<layer>.bias" (n_out,) of dense layers, whose names differ in numbers alone, by which they
        are put in order. Its dtypes may be F64, F32, F16 and BF16.
    hidden, output : str, Activation, or, of hidden, a list, optional
        The activations, as `Network` takes them, for a file of another program.

    Returns
    -------
    Network
        In float64 if any array is, else in float32.

    Raises
    ------
    OSError
        For what is no file, or cannot be read.
    ValueError
        For all that is wrong inside, and activations that are missing, or told twice. A file cannot
        run code; time and memory grow with its size, and a header is no longer than 4 MiB.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([4, 8, 3], output="softmax", cost="log_likelihood", seed=0)
    >>> cr.convert.to_safetensors(net, "digits.safetensors")
    >>> again = cr.convert.from_safetensors("digits.safetensors")
    >>> bool((again.parameters == net.parameters).all()), again.output
    (True, 'softmax')
    """
    content = content_of(path)
    with told_with(path):
        metadata, arrays = tensors_of(content)
        if OURS not in metadata:
            stack = Stack()
            pile(stack, {name: arrays[name] for name in in_order(arrays)}, hidden, output)
            return stack.network()
        if hidden is not None or output is not None:
            raise ValueError("the file tells its activations; leave hidden and output out")
        return _again(parse_object(metadata[OURS].encode()), arrays)


def tensors_of(content: bytes) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the arrays that the bytes of a safetensors file are.

    Raises
    ------
    ValueError
        For anything that is not as it must be.
    """
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > min(LONGEST_HEADER, len(content) - 8):
        raise ValueError(
            f"expected a length up to {LONGEST_HEADER}, and so many bytes of JSON; got "
            f"{size if len(content) >= 8 else 'nothing'} in a file of {len(content)} bytes"
        )
    header = parse_object(content[8 : 8 + size])
    metadata = header.pop(METADATA, {})
    if type(metadata) is not dict or not all(type(each) is str for each in metadata.values()):
        raise ValueError(f"expected {METADATA} to be an object of strings")
    data = memoryview(content)[8 + size :]
    arrays, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: _begin(*item)):
        begin, end = end, _end(name, entry, end)
        if end > len(data):
            raise ValueError(f"expected {end} bytes of numbers, got {len(data)}")
        arrays[name] = _array(data[begin:end], entry["dtype"]).reshape(entry["shape"])
    if end != len(data):
        raise ValueError(f"expected {end} bytes of numbers, got {len(data)}")
    return metadata, arrays


def _begin(name: str, entry: Any) -> int:
    """Return where an array begins, of an entry that has what it must have."""
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"expected dtype, shape and data_offsets of {name[:80]!r}")
    if entry["dtype"] not in list(WIDTHS):
        raise ValueError(
            f"expected one of {', '.join(WIDTHS)} for {name[:80]!r}, got {str(entry['dtype'])[:40]}"
        )
    for field, most in (("shape", MOST_DIMENSIONS), ("data_offsets", 2)):
        numbers = entry[field]
        if (
            type(numbers) is not list
            or len(numbers) > most
            or not all(type(n) is int and 0 <= n < 2**63 for n in numbers)
        ):
            raise ValueError(f"expected {field} of {name[:80]!r} to be up to {most} whole numbers")
    if len(entry["data_offsets"]) != 2:
        raise ValueError(f"expected two data_offsets of {name[:80]!r}")
    begin: int = entry["data_offsets"][0]
    return begin


def _end(name: str, entry: dict[str, Any], begin: int) -> int:
    """Return where an array ends that begins where the one before has ended."""
    end = begin + math.prod(entry["shape"]) * WIDTHS[entry["dtype"]]
    if entry["data_offsets"] != [begin, end]:
        raise ValueError(
            f"expected {name[:80]!r} from {begin} to {end}, behind the array before and as long as "
            f"its shape says; got data_offsets {entry['data_offsets']}"
        )
    return end


def _array(data: memoryview, dtype: str) -> NDArray[Any]:
    """Return numbers, (n,), in the machine's order; BF16, the upper half of F32, as float32."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, f"<f{WIDTHS[dtype]}").astype(f"=f{WIDTHS[dtype]}")


def _described(blueprint: Blueprint, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """Return the fields of a network but its scalings, those that are not the default."""
    *hidden, output = (activation_of(each.activation, each.parameter).shown for each in layers)
    cost = blueprint.learned_by
    formulas, _ = written_formulas(SimpleNamespace(hidden=hidden, output=output, cost=cost.shown))
    found = {
        "version": 1,
        "sizes": [layers[0].n_in, *(each.n_out for each in layers)],
        **formulas,
    }
    if blueprint.answers != first_answers(layers[-1].activation, cost.name, blueprint.n_out):
        found["answers"] = blueprint.answers
    if blueprint.classes is not None:
        classes = named_classes(blueprint.classes).tolist()
        if classes != list(range(len(classes))) or type(classes[0]) is not int:
            found["classes"] = classes
    if blueprint.inputs is not None:
        found["input_names"] = list(blueprint.inputs)
    return found


def _scalings(*pairs: tuple[NDArray[Any], NDArray[Any]] | None) -> dict[str, Any]:
    """Return those of inputs and outputs that there are, by the names of `Network`'s options."""
    names = iter(SCALINGS)
    return {
        name: pair[i].tolist()
        for pair in pairs
        for i, name in enumerate((next(names), next(names)))
        if pair is not None
    }


def _again(header: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Network:
    """Return the network of our metadata and the arrays of its file."""
    check_fields(header, NEEDED, POSSIBLE)
    formulas = read_formulas(header, {})
    stack = Stack()
    scale, shift, out_scale, out_shift = (header.get(name, SCALINGS[name]) for name in SCALINGS)
    stack.scaling("the input", scale, shift)
    pile(
        stack,
        {name: arrays[name] for name in in_order(arrays)},
        formulas["hidden"],
        formulas["output"],
    )
    if stack.sizes != tuple(header["sizes"]):
        raise ValueError(f"expected arrays of sizes {header['sizes']}, got {stack.sizes}")
    stack.scaling("the output", out_scale, out_shift)
    net = stack.network(cost=formulas["cost"], classes=header.get("classes"))
    names = header.get("input_names")
    if names is not None and len(names) != net.sizes[0]:
        raise ValueError(f"expected {net.sizes[0]} names of inputs, got {listed(names)}")
    net._input_names = None if names is None else tuple(names)
    net._answers = header.get("answers", net._answers)
    return net
