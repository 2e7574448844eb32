"""A graph of ONNX as it is written: node after node, each of a name of its own."""

from typing import Any

import numpy as np

from chainrule.checks.options import check_utf8
from chainrule.convert.onnx_file import HOLDS, ML, STRING, tensor_of
from chainrule.version import __version__

OPSET, OPSET_OF_ML, IR = 13, 2, 8
ROWS = "N"  # as the dimension of all inputs and outputs is called
_FIELDS = {field: number for number, field in HOLDS.items()}


class Graph:
    """What is written, in the order in which it is added.

    Parameters
    ----------
    name : str
        What the graph is called.
    """

    def __init__(self, name: str):
        self.name = name
        self._nodes: list[dict[str, Any]] = []
        self._constants: list[dict[str, Any]] = []
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []
        self._taken: set[str] = {""}
        self._asks_ml = False

    def free(self, name: str) -> str:
        """Return a name that no tensor has: this one, or with a number behind it."""
        found, k = name, 1
        while found in self._taken:
            k += 1
            found = f"{name}_{k}"
        self._taken.add(found)
        return found

    def input(self, name: str, element: int, width: int) -> str:
        """Add an input (N, width); return its name."""
        name = self.free(name)
        self._inputs.append(_value(name, _tensor_type(element, [ROWS, width])))
        return name

    def constant(self, value: Any, name: str = "constant") -> str:
        """Add an array, or what becomes one, a float of Python in float32; return its name."""
        array = np.asarray(value, np.float32 if type(value) is float else None)
        name = self.free(name)
        self._constants.append(tensor_of(name, array))
        return name

    def add(
        self,
        op: str,
        *inputs: str,
        name: str | None = None,
        ml: bool = False,
        besides: int = 0,
        **attributes: Any,
    ) -> str:
        """Add a node; return the name of its first output.

        Parameters
        ----------
        op : str
            The operator.
        *inputs : str
            The tensors it reads.
        name : str, optional
            What its output is called, if that is free.
        ml : bool
            Whether the operator is one of ai.onnx.ml.
        besides : int
            How many more outputs it has.
        **attributes
            int, float, str, or a list of these.
        """
        output = self.free(name or op.lower())
        outputs = [output, *(self.free(f"{output}_besides") for _ in range(besides))]
        node: dict[str, Any] = {
            "input": list(inputs),
            "output": outputs,
            "name": f"{output}/{op}",
            "op_type": op,
        }
        if attributes:
            node["attribute"] = [_attribute(*each) for each in attributes.items()]
        if ml:
            node["domain"] = ML
            self._asks_ml = True
        self._nodes.append(node)
        return output

    def output(self, tensor: str, name: str, element: int, shape: list[int | str]) -> None:
        """Hand out a tensor under that name, or one that begins with it."""
        name = self.add("Identity", tensor, name=name)
        self._outputs.append(_value(name, _tensor_type(element, shape)))

    def output_maps(self, tensor: str, name: str, keys: list[Any], key_element: int) -> None:
        """Hand out a tensor (N, k) as a map for each row, by these keys."""
        of_keys = "classlabels_strings" if key_element == STRING else "classlabels_int64s"
        attributes: dict[str, Any] = {of_keys: keys}
        name = self.add("ZipMap", tensor, name=name, ml=True, **attributes)
        number = {"tensor_type": {"elem_type": 1, "shape": {}}}
        of_map = {"map_type": {"key_type": key_element, "value_type": number}}
        self._outputs.append(_value(name, {"sequence_type": {"elem_type": of_map}}))

    def model(self, metadata: dict[str, str]) -> dict[str, Any]:
        """Return the model of this graph, to write."""
        opsets = [{"domain": "", "version": OPSET}]
        if self._asks_ml:
            opsets.append({"domain": ML, "version": OPSET_OF_ML})
        return {
            "ir_version": IR,
            "producer_name": "chainrule",
            "producer_version": __version__,
            "graph": {
                "node": self._nodes,
                "name": self.name,
                "initializer": self._constants,
                "input": self._inputs,
                "output": self._outputs,
            },
            "opset_import": opsets,
            "metadata_props": [{"key": key, "value": value} for key, value in metadata.items()],
        }


def _value(name, of_type):
    return {"name": name, "type": of_type}


def _tensor_type(element, shape):
    dims = [{"dim_param": n} if isinstance(n, str) else {"dim_value": n} for n in shape]
    return {"tensor_type": {"elem_type": element, "shape": {"dim": dims}}}


def _attribute(name: str, value: Any) -> dict[str, Any]:
    first = value[0] if isinstance(value, list) else value
    field = {int: "i", float: "f", str: "s"}[type(first)]
    if isinstance(value, list):
        field = {"i": "ints", "f": "floats", "s": "strings"}[field]
    if field in ("s", "strings"):
        several = value if field == "strings" else [value]
        encoded = [check_utf8("a class or category", each) for each in several]
        value = encoded if field == "strings" else encoded[0]
    return {"name": name, field: value, "type": _FIELDS[field]}
