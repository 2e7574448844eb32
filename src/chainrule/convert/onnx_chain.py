"""A chain of layers in a graph of ONNX, found from its output back to its input.

Between output and input stand, in this order, what scales outputs, layers, and what scales inputs,
and anywhere what changes nothing. A layer is Gemm, or MatMul with an Add behind it, and behind that
an activation in one of its forms.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.blueprint import Layer
from chainrule.convert.onnx_file import ML
from chainrule.convert.onnx_functions import read_activation
from chainrule.convert.onnx_nodes import Node, Nodes

Floats = NDArray[np.float64]
ADVICE = {
    "LogSoftmax": "; a network hands out softmax, whose logarithm its cost takes: leave it out",
    "Gelu": "; gelu is the exact one here, approximate='none'",
    "BatchNormalization": "; fold it into the weights of the layer before, or after",
    "Conv": "; only full layers can be read",
}


@dataclass(frozen=True, eq=False)
class Found:
    """What is found of a chain.

    Attributes
    ----------
    layers : list of Layer
        2, ..., L.
    scaling, output_scaling : tuple of ndarray (n,) or (), or None
        (scale, shift) of inputs and outputs.
    flattens : bool
        Whether the first thing that happens to inputs is that they become rows.
    """

    layers: list[Layer]
    scaling: tuple[Floats, Floats] | None
    output_scaling: tuple[Floats, Floats] | None
    flattens: bool


def read_chain(nodes: Nodes, output: str, most: int) -> Found:
    """Return the chain from the graph's input to a tensor, of `most` weights at most.

    Raises
    ------
    ValueError
        For what is no such chain; it names the node.
    """
    return _Walk(nodes, output, most).found()


class _Walk:
    """The way back from an output."""

    def __init__(self, nodes: Nodes, output: str, most: int):
        self.nodes, self.tensor, self.left = nodes, output, most
        self.layers: list[Layer] = []  # the last first
        self.activation: tuple[str, float, Node] | None = None  # whose weights are yet to come
        self.of_inputs: Node | None = None  # what scales inputs, before which no layer may come
        self.scaling: tuple[Floats, Floats] | None = None
        self.output_scaling: tuple[Floats, Floats] | None = None
        self.width: int | None = None  # of the tensor, as what comes after it says
        self.flattens = False

    def found(self) -> Found:
        (given,) = self.nodes.input_values
        while self.tensor != given["name"]:
            node = self.nodes.maker(self.tensor)
            if node is None:
                raise ValueError(f"expected tensor {self.tensor!r:.80} to be made, and it is not")
            if node in self.nodes.used:
                raise ValueError(f"{node.called} stands in a circle")
            if not (self.activates(node) or self.weighs(node) or self.passes(node)):
                self.scales(node)
        if self.activation is not None:
            raise unknown(self.activation[2], "it has no weights before it")
        if not self.layers:
            raise ValueError("expected layers with weights, got none")
        return Found(self.layers[::-1], self.scaling, self.output_scaling, self.flattens)

    def activates(self, node: Node) -> bool:
        """Go past an activation, if it is one."""
        known = read_activation(self.nodes, self.tensor)
        if known is None:
            return False
        if self.activation is not None or self.of_inputs is not None:
            raise unknown(self.of_inputs or node, "there are no weights between")
        self.activation, self.tensor = (*known[:2], node), known[2]
        return True

    def passes(self, node: Node) -> bool:
        """Go past what changes nothing."""
        fits = False
        if node.op == "Dropout":
            training = self.nodes.constant(node.input(2)) if node.input(2) else None
            fits = training is None or not training.any()
        elif node.op == "Flatten":
            fits = node.attributes.get("axis", 1) in (1, -1)
        elif node.op == "Reshape":
            shape = self.new_shape(node.input(1))
            fits = shape is not None and shape.size == 2 and self.is_of_rows(*shape.ravel())
        if fits:
            self.go_past(node, node.input(0))
        return fits

    def new_shape(self, tensor: str) -> NDArray[Any] | None:
        """Return a constant shape, or one whose rows are counted, as 0: as many as there were."""
        node = self.nodes.maker(tensor)
        if node is None or node.op != "Concat" or len(node.inputs) != 2:
            return self.nodes.constant(tensor)
        n, counted = self.nodes.constant(node.inputs[1]), [node]
        for op in ("Unsqueeze", "Gather", "Shape"):  # the number in front of a shape, as a list
            made = self.nodes.maker(counted[-1].input(0))
            if made is None or made.op != op:
                return None
            counted.append(made)
        _, _, first, shape = counted
        if n is None or n.size != 1 or self.nodes.number(first.input(1)) != 0:
            return None
        if shape.attributes or self.nodes.constant(shape.input(0)) is not None:
            return None
        self.nodes.constant(counted[1].input(1))
        self.nodes.used.update(counted)
        return np.array([0, n.item()])

    def is_of_rows(self, rows: Any, n: Any) -> bool:
        """Whether a new shape is that of rows, each as wide as what comes after it says."""
        if rows == 0 and n == -1:
            return True
        fits = rows in (0, -1) and n > 0 and self.width in (None, n)
        if fits:
            self.width = int(n)
        return fits

    def weighs(self, node: Node) -> bool:
        """Go past the weights and biases of a layer, if that is what the node stands for."""
        product, biases = node, None
        if node.op == "Add":
            for tensor, other in (node.inputs, node.inputs[::-1]):
                made = self.nodes.maker(tensor)
                b = self.nodes.constant(other)
                if made is not None and b is not None and made.op in ("MatMul", "Gemm"):
                    product, biases = made, b
        if product.op not in ("MatMul", "Gemm") or (biases is not None and product.input(2)):
            return False
        attributes = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
        if product.op == "Gemm":
            attributes |= product.attributes
        if (attributes["alpha"], attributes["beta"], attributes["transA"]) != (1.0, 1.0, 0):
            raise unknown(product, "alpha and beta must be 1, and transA 0")
        W = self.nodes.constant(product.input(1))
        if W is None or W.ndim != 2 or W.dtype.kind != "f" or W.size == 0:
            raise unknown(product, "its weights must be a constant matrix of numbers")
        W = W if attributes["transB"] else W.T
        if product.input(2):
            biases = self.nodes.constant(product.input(2))
            if biases is None:
                raise unknown(product, "its biases must be constant")
        self.layer(product, W, np.zeros(len(W), W.dtype) if biases is None else biases)
        self.nodes.used.add(node)
        self.go_past(product, product.input(0))
        return True

    def layer(self, node: Node, W: NDArray[Any], b: NDArray[Any]) -> None:
        """Keep a layer, whose activation was found before."""
        if self.of_inputs is not None:
            raise unknown(self.of_inputs, "only inputs and outputs can be scaled")
        if self.width not in (None, len(W)):
            raise unknown(node, f"it has {len(W)} neurons, and what follows reads {self.width}")
        if b.dtype.kind != "f" or b.shape not in ((len(W),), (1, len(W)), (1,), ()):
            raise unknown(node, f"expected {len(W)} biases, got shape {b.shape}")
        self.left -= W.size
        if self.left < 0:
            raise unknown(node, "its weights are those of too many other layers, too")
        activation, parameter, _ = self.activation or ("identity", 0.0, None)
        b = np.broadcast_to(b.reshape(-1), len(W))
        self.layers.append(Layer(W, b, activation, parameter))
        self.activation, self.width = None, W.shape[1]

    def scales(self, node: Node) -> None:
        """Go past one number a column that is added or multiplied, or refuse the node."""
        step = self.step(node)
        if step is None:
            raise unknown(node)
        scale, shift, tensor = step
        for size in {scale.size, shift.size} - {1}:
            if self.width not in (None, size):
                raise unknown(node, f"it has {size} numbers, and what follows reads {self.width}")
            self.width = size
        if not self.layers and self.activation is None:
            self.output_scaling = _behind(scale, shift, self.output_scaling)
        else:
            self.of_inputs = node
            self.scaling = _behind(scale, shift, self.scaling)
        self.go_past(node, tensor)

    def step(self, node: Node) -> tuple[Floats, Floats, str] | None:
        """Return what a node multiplies by, what it adds, and of what; None if it is another."""
        if node.op == f"{ML}.Scaler":
            offset, scale = (
                np.asarray(node.attributes.get(name, ()), np.float64)
                for name in ("offset", "scale")
            )
            return scale, -offset * scale, node.input(0)
        if node.op not in ("Add", "Sub", "Mul", "Div") or len(node.inputs) != 2:
            return None
        first, second = map(self.nodes.constant, node.inputs)
        constant, tensor = (second, node.inputs[0]) if first is None else (first, node.inputs[1])
        turned = first is not None  # the constant stands first
        if constant is None or (first is not None and second is not None):
            return None
        if constant.dtype.kind != "f" or constant.size != max(constant.shape, default=1):
            return None
        c = constant.astype(np.float64).reshape(-1 if constant.size > 1 else ())
        one, zero = np.ones_like(c), np.zeros_like(c)
        with np.errstate(all="ignore"):  # what is not finite is refused with the network
            if node.op == "Add":
                return one, c, tensor
            if node.op == "Sub":
                return (-one, c, tensor) if turned else (one, -c, tensor)
            if node.op == "Mul":
                return c, zero, tensor
            return None if turned else (1 / c, zero, tensor)

    def go_past(self, node: Node, tensor: str) -> None:
        self.flattens = node.op in ("Flatten", "Reshape")
        self.nodes.used.add(node)
        self.tensor = tensor


def unknown(node: Node, why: str = "") -> ValueError:
    """Return the error of a node that has no place in a chain of layers."""
    said = f": {why}" if why else ADVICE.get(node.op, "")
    return ValueError(
        f"{node.called} cannot be read: only chains of full layers with the activations of "
        f"chainrule can{said}"
    )


def _behind(
    scale: Floats, shift: Floats, after: tuple[Floats, Floats] | None
) -> tuple[Floats, Floats]:
    """Return the scale and shift of x -> scale·x + shift with what comes after it."""
    if after is None:
        return scale, shift
    return after[0] * scale, after[0] * shift + after[1]
