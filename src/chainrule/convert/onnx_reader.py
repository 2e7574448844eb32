"""`from_onnx`: the network that is in a file of ONNX, whoever wrote it."""

import json
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

from chainrule.checks.keywords import known_options
from chainrule.convert.assembly import assembled
from chainrule.convert.onnx_answers import Answers, read_answers
from chainrule.convert.onnx_chain import Found, read_chain, unknown
from chainrule.convert.onnx_file import LARGEST, METADATA, read_model
from chainrule.convert.onnx_nodes import Nodes
from chainrule.costs import COSTS, Cost
from chainrule.files.model_file import file_name, told_with
from chainrule.network import Network


@known_options()
def from_onnx(
    path: str | PathLike[str], *, cost: str | Cost | None = None, dtype: DTypeLike = "float32"
) -> Network:
    """Read a network from a file of ONNX: one of `to_onnx`, or of another tool.

    It may be a chain of full layers, Gemm or MatMul with Add, with the activations of chainrule as
    exporters write them (PyTorch's, Keras', scikit-learn's), with one number a column that inputs
    and outputs are multiplied by and moved by, and with the labels and probabilities that
    scikit-learn's converter makes of outputs. What is idle in use, such as Dropout, is passed over.
    All else is refused, and told by the name of its node.

    Parameters
    ----------
    path : str or path object
    cost : str or Cost, optional
        By what it learns from now on. If not given, that which a file of `to_onnx` names; else by
        its output, "quadratic" where outputs are scaled, "log_likelihood" for softmax,
        "cross_entropy" for sigmoid, "poisson" for exponential, "quadratic" for all others.
    dtype : {"float32", "float64"}
        Of the network. Weights come as they are in the file.

    Returns
    -------
    Network
        With the classes that the file names. Of a file of `to_onnx` it has the same parameters to
        the last bit, and the same scaling, with a trainable scale within it.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    TypeError
        If `path` is no file name.
    ValueError
        For all that is wrong inside: a damaged file, one of more than 2 GiB, with data in another
        file, or with another model than such a chain: an ensemble, the model of a table. Nothing in
        a file is ever run, and what is allocated is a small multiple of the file's size.

    Examples
    --------
    >>> import os, tempfile
    >>> import chainrule as cr
    >>> path = os.path.join(tempfile.mkdtemp(), "net.onnx")
    >>> net = cr.Network([4, 8, 1], hidden="mish", output="identity", seed=0)
    >>> cr.convert.to_onnx(net, path)
    >>> cr.convert.from_onnx(path).hidden
    ('mish',)
    """
    content = read_whole(Path(file_name(path)))
    with told_with(path):
        model = read_model(content)
        own = read_metadata(model)
        if own.get("columns") is not None:
            raise ValueError(
                "it holds how the rows of a table become numbers too, which is no network: save "
                "the model with its save(), and chainrule.load reads it"
            )
        if own.get("networks", 1) != 1:
            raise ValueError(
                f"it holds the mean of {own['networks']} networks, and this reads one: save the "
                "ensemble with its save(), and chainrule.load reads it"
            )
        nodes = Nodes(model)
        if len(nodes.input_values) != 1:
            names = [each["name"] for each in nodes.input_values]
            raise ValueError(f"expected one input, got {names!s:.80}")
        answers = read_answers(nodes)
        chain = read_chain(nodes, answers.tensor, most=len(content))
        idle = [each for each in nodes.all if each not in nodes.used and each.op != "Constant"]
        if idle:
            raise unknown(idle[0])
        check_input(nodes.input_values[0], chain)
        return network_of(chain, answers, own, cost, dtype)


def network_of(
    chain: Found, answers: Answers, own: dict[str, Any], cost: str | Cost | None, dtype: DTypeLike
) -> Network:
    """Return the network of what was found, with what a file of our own says besides."""
    if cost is None and own:
        cost = cost_of(own)
    elif cost is None and chain.output_scaling is not None:
        cost = "quadratic"  # whose targets have units
    scalings = {"scaling": chain.scaling, "output_scaling": chain.output_scaling}
    if answers.answers is not None and chain.output_scaling is not None:
        raise ValueError("it has labels of outputs that are scaled, which are numbers in units")
    net = assembled(
        chain.layers,
        cost=cost,
        bias=own.get("bias") or None,
        dtype=dtype,
        **{name: pair for name, pair in scalings.items() if pair is not None},
    )
    threshold = (net._cost.low + 1) / 2
    if answers.threshold not in (None, threshold):
        raise ValueError(
            f"its labels are by what is above {answers.threshold}, those of a network with "
            f"cost={net._cost.name!r} by what is above {threshold}: give another cost"
        )
    classes, said = answers.classes, own.get("classes")
    if classes == [0, 1] and said == [False, True] and type(said[0]) is bool:
        net.classes = said
    elif classes is not None and classes != list(range(max(net.sizes[-1], 2))):
        net.classes = classes
    # What the first fit would settle otherwise.
    net._answers = answers.answers or ("values" if own else None)
    if (names := own.get("inputs")) is not None:
        if not len(set(names)) == len(names) == net.sizes[0]:
            raise ValueError(
                f"expected {net.sizes[0]} different names of inputs, got {names!s:.80}"
            )
        net._input_names = tuple(names)
    return net


def cost_of(own: dict[str, Any]) -> Cost:
    """Return the cost that a file of our own names.

    Raises
    ------
    ValueError
        For one that there is not.
    """
    kind: Any = COSTS.get(own["cost"])
    try:
        found: Cost = kind(*own["cost_parameters"])
    except TypeError:
        raise ValueError(
            f"expected a cost and its parameters, got {own['cost']!r:.80} and "
            f"{own['cost_parameters']!s:.80}"
        ) from None
    return found


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    OSError
        For what is no file.
    ValueError
        For one that is too large.
    """
    if not path.is_file():
        path.stat()  # raises if there is none
        raise OSError(f"expected a file to load, got a folder or device: {path}")
    with told_with(path):
        if (size := path.stat().st_size) > LARGEST:
            raise ValueError(f"expected at most {LARGEST} bytes, got {size}")
    return path.read_bytes()


def read_metadata(model: dict[str, Any]) -> dict[str, Any]:
    """Return what a file of our own says of its network; nothing of any other.

    Raises
    ------
    ValueError
        For what `to_onnx` cannot have written.
    """
    found = [each["value"] for each in model["metadata_props"] if each["key"] == METADATA]
    if not found:
        return {}
    try:
        own = json.loads(found[-1])
    except (ValueError, RecursionError):
        own = None
    kinds: dict[str, Any] = {
        "networks": int, "bias": bool, "cost": str, "cost_parameters": list,
        "inputs": list | None, "classes": list | None, "columns": list | None,
    }  # fmt: skip
    if (
        type(own) is not dict
        or not own.keys() >= kinds.keys()
        or not all(isinstance(own[key], kind) for key, kind in kinds.items())
        or not all(isinstance(each, str) for each in own["inputs"] or ())
    ):
        raise ValueError(f"expected what to_onnx writes under {METADATA!r}, got {found[-1]!r:.80}")
    return own


def check_input(given: dict[str, Any], chain: Found) -> None:
    """Raise unless the input is rows of as many numbers as the first layer reads."""
    of_tensor = (given["type"] or {}).get("tensor_type") or {}
    if (shape := of_tensor.get("shape")) is None:
        return
    sizes = [each["dim_value"] for each in shape["dim"]]  # 0 where it may be any
    n = chain.layers[0].n_in
    is_fine = len(sizes) == 2 or (len(sizes) > 2 and chain.flattens)
    if not is_fine or prod(sizes[1:]) not in (0, n):
        raise ValueError(
            f"expected input {given['name']!r:.80} as rows of {n} numbers; its shape is {sizes}"
        )
