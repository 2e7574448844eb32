"""The nodes of a graph of ONNX that was read: who makes which tensor, and what is constant."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.onnx_file import DOUBLES, HOLDS, SINGLE, array_of

MOST_TURNS = 16  # of a constant, one behind the other
# What makes truth values and places, of which a Cast makes numbers.
NO_FLOATS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Not", "ArgMax"}


@dataclass(frozen=True, eq=False)
class Node:
    """One node.

    Attributes
    ----------
    op : str
        Its operator, those of ai.onnx.ml with their domain.
    inputs, outputs : list of str
        The names of tensors; "" for an input that is left out.
    attributes : dict
        int, float, str, list of these, or arrays.
    called : str
        How messages call it.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    called: str

    def input(self, k: int) -> str:
        """Return the name of an input, "" if it is left out."""
        return self.inputs[k] if k < len(self.inputs) else ""


class Nodes:
    """All nodes of a model but those that only pass on: Identity, and a Cast from float to float.

    Parameters
    ----------
    model : dict
        As `read_model` returns it.

    Attributes
    ----------
    all : list of Node
        Their inputs are what others made, whatever it was passed on by.
    input_values : list of dict
        What is put in, each a ValueInfoProto.
    output_names : list of str
        The tensors that are handed out.
    used : set of Node
        Those that somebody has understood.

    Raises
    ------
    ValueError
        For a graph in which a tensor is made twice, and nodes that are damaged.
    """

    def __init__(self, model: dict[str, Any]):
        graph = model["graph"]
        if graph["sparse_initializer"]:
            raise ValueError("expected dense weights, got sparse ones")
        self._tensors = {each["name"]: each for each in graph["initializer"]}
        self._arrays: dict[str, NDArray[Any]] = {}
        nodes = [_node(each, place) for place, each in enumerate(graph["node"])]
        self.input_values = [e for e in graph["input"] if e["name"] not in self._tensors]
        made = [name for node in nodes for name in node.outputs if name]
        made += [each["name"] for each in (*self.input_values, *graph["initializer"])]
        (name, times), *_ = Counter(made).most_common(1) or [("", 0)]
        if times > 1:
            raise ValueError(f"expected each tensor once, got {name!r:.80} more than once")
        self._makes = {node.outputs[0]: node for node in nodes if node.outputs}
        self._real: dict[str, str] = {}
        self.all = [
            replace(node, inputs=list(map(self._passed_on, node.inputs)))
            for node in nodes
            if not self._passes_on(node)
        ]
        self.output_names = [self._passed_on(each["name"]) for each in graph["output"]]
        self._makes = {node.outputs[0]: node for node in self.all if node.outputs}
        self.used: set[Node] = set()

    def _passes_on(self, node: Node) -> bool:
        """Whether a node hands on what it gets, but for the number of its digits."""
        if node.op != "Cast" or node.attributes.get("to") not in (SINGLE, DOUBLES):
            return node.op == "Identity"
        before = self._makes.get(node.input(0))
        return before is None or before.op not in NO_FLOATS

    def _passed_on(self, tensor: str) -> str:
        """Return the tensor that comes under this name."""
        way: list[str] = []
        while tensor not in self._real:
            node = self._makes.get(tensor)
            if node is None or not self._passes_on(node):
                self._real[tensor] = tensor
            elif len(way) > len(self._makes):
                raise ValueError(f"{node.called} stands in a circle")
            else:
                way.append(tensor)
                tensor = node.input(0)
        tensor = self._real[tensor]
        self._real.update(dict.fromkeys(way, tensor))
        return tensor

    def maker(self, tensor: str) -> Node | None:
        """Return the node whose first output a tensor is."""
        return self._makes.get(tensor)

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """Return the value of a tensor that has one whatever is put in; None for any other.

        Raises
        ------
        ValueError
            For a tensor that is damaged.
        """
        turns: list[Node] = []
        while (node := self.maker(tensor)) is not None and node.op == "Transpose":
            if len(turns) == MOST_TURNS:
                return None
            turns.append(node)
            tensor = node.input(0)
        if tensor not in self._arrays:
            if tensor in self._tensors:
                self._arrays[tensor] = array_of(self._tensors[tensor])
            elif node is not None and node.op == "Constant":
                self._arrays[tensor] = _value_of(node)
            else:
                return None
        array = self._arrays[tensor]
        for turn in reversed(turns):
            order = turn.attributes.get("perm", list(range(array.ndim))[::-1])
            if sorted(order) != list(range(array.ndim)):
                raise ValueError(f"{turn.called} does not fit its constant")
            array = array.transpose(order)
        self.used.update(turns)
        return array

    def number(self, tensor: str) -> float | None:
        """Return a constant that is one number."""
        array = self.constant(tensor)
        if array is None or array.size != 1 or array.dtype.kind not in "fiu":
            return None
        return float(array.reshape(())[()])


def _node(given: dict[str, Any], place: int) -> Node:
    domain = given["domain"]
    op = given["op_type"] if domain in ("", "ai.onnx") else f"{domain}.{given['op_type']}"
    called = f"node {given['name'] or place!r:.80} ({op:.80})"
    attributes: dict[str, Any] = {}
    for each in given["attribute"]:
        name, field = each["name"], HOLDS.get(each["type"])
        if field is None or name in attributes or each[field] is None:
            raise ValueError(f"{called} has an attribute {name!r:.80} of a kind that is not known")
        value: Any = array_of(each[field]) if field == "t" else each[field]
        if field in ("s", "strings"):
            try:
                value = value.decode() if field == "s" else [part.decode() for part in value]
            except UnicodeDecodeError:
                raise ValueError(
                    f"{called} has an attribute {name!r:.80} that is no text"
                ) from None
        attributes[name] = float(value) if field == "f" else value
    return Node(op, given["input"], given["output"], attributes, called)


def _value_of(node):
    """Return the array of a node Constant."""
    kinds = {"value": None, "value_float": np.float32, "value_int": np.int64,
             "value_floats": np.float32, "value_ints": np.int64}  # fmt: skip
    (name, value), *more = node.attributes.items() or [("", None)]
    if name not in kinds or more:
        raise ValueError(f"{node.called} has no value that is known")
    return np.asarray(value, kinds[name])
