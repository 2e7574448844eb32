"""Each activation in the operators of ONNX: how it is written, and how other tools write it.

A form is an expression of z. Of those of an activation the first is written, with operators of
opset 13 alone; all are known when a file is read.
"""

from dataclasses import dataclass
from math import isclose, sqrt
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.convert.onnx_file import FLOATING
from chainrule.convert.onnx_graph import Graph
from chainrule.convert.onnx_nodes import Node, Nodes


@dataclass(frozen=True)
class Z:
    """What σ is applied to."""


@dataclass(frozen=True)
class Parameter:
    """That of the activation."""


@dataclass(frozen=True)
class Form:
    """An operator, what it reads, and its attributes.

    Attributes
    ----------
    op : str
    inputs : tuple of Z, Parameter, float or Form
        A float is a constant.
    attributes : tuple of (str, value)
        A value may be Parameter().
    """

    op: str
    inputs: tuple[Any, ...]
    attributes: tuple[tuple[str, Any], ...] = ()


def of(op: str, *inputs: Any, **attributes: Any) -> Form:
    """Return the form of an operator."""
    return Form(op, inputs, tuple(attributes.items()))


z, p = Z(), Parameter()
HALF = 0.5
SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}


def _gelu_forms():
    """z/2 (1 + erf(z/√2)), in whatever order it is multiplied."""
    for scaled in (of("Mul", z, sqrt(0.5)), of("Div", z, sqrt(2))):
        twice = of("Add", of("Erf", scaled), 1.0)
        yield of("Mul", of("Mul", z, HALF), twice)
        yield of("Mul", of("Mul", z, twice), HALF)
        yield of("Mul", z, of("Mul", twice, HALF))


FORMS: dict[str, list[Form]] = {
    "sigmoid": [of("Sigmoid", z), of("Div", 1.0, of("Add", of("Exp", of("Neg", z)), 1.0))],
    "tanh": [of("Tanh", z)],
    "relu": [of("Relu", z), of("Max", z, 0.0)],
    "leaky_relu": [of("LeakyRelu", z, alpha=p), of("PRelu", z, p)],
    "elu": [of("Elu", z, alpha=p)],
    "selu": [of("Selu", z, **SELU)],
    "softplus": [
        of("Softplus", z),
        of("Where", of("Greater", z, 20.0), z, of("Softplus", z)),  # PyTorch's, with its threshold
        of("Log", of("Add", of("Exp", z), 1.0)),
    ],
    "gelu": [*_gelu_forms(), of("Gelu", z, approximate="none")],
    "swish": [
        of("Mul", z, of("Sigmoid", z)),
        of("Mul", z, of("Sigmoid", of("Mul", z, p))),
        of("Swish", z, alpha=p),
    ],
    "mish": [of("Mul", z, of("Tanh", of("Softplus", z))), of("Mish", z)],
    "softsign": [of("Softsign", z), of("Div", z, of("Add", of("Abs", z), 1.0))],
    "hard_sigmoid": [of("HardSigmoid", z, alpha=1 / 6, beta=0.5)],
    "exponential": [of("Exp", z)],
    "identity": [],
    "step": [of("Cast", of("Greater", z, 0.0), to=each) for each in sorted(FLOATING)],
    "softmax": [of("Softmax", z, axis=-1)],
}

# What an attribute is where a node does not name it.
DEFAULTS: dict[str, dict[str, Any]] = {
    "LeakyRelu": {"alpha": 0.01},
    "Elu": {"alpha": 1.0},
    "Selu": SELU,
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "Gelu": {"approximate": "none"},
    "Swish": {"alpha": 1.0},
    "Softmax": {"axis": -1},
}


def write_activation(graph: Graph, activation: str, parameter: float, tensor: str) -> str:
    """Add σ of a tensor to a graph; return the name of what it says."""
    for form in FORMS[activation]:
        if parameter == default_of(activation) or asks_parameter(form):
            return _write(graph, form, tensor, parameter, activation)
    return tensor  # the identity


def default_of(activation: str) -> float:
    """Return the parameter of an activation that a form without one stands for."""
    return ACTIVATIONS[activation]().compiled[1]


def asks_parameter(form: Form) -> bool:
    """Return whether a form has the parameter in it."""
    return any(
        asks_parameter(each) if isinstance(each, Form) else isinstance(each, Parameter)
        for each in (*form.inputs, *dict(form.attributes).values())
    )


def _write(graph, form, tensor, parameter, name=None):
    def known(each):
        return parameter if isinstance(each, Parameter) else each

    inputs = []
    for each in form.inputs:
        if isinstance(each, Form):
            inputs.append(_write(graph, each, tensor, parameter))
        else:
            inputs.append(tensor if isinstance(each, Z) else graph.constant(float(known(each))))
    attributes = {key: known(value) for key, value in form.attributes}
    return graph.add(form.op, *inputs, name=name, **attributes)


def read_activation(nodes: Nodes, tensor: str) -> tuple[str, float, str] | None:
    """Return the activation that makes a tensor, its parameter, and the tensor z; None if none."""
    node = nodes.maker(tensor)
    for activation, form in _BY_OP.get("" if node is None else node.op, ()):
        found = _Found(nodes)
        if found.matches(form, tensor):
            nodes.used |= found.used
            parameter = default_of(activation) if found.parameter is None else found.parameter
            return activation, parameter, found.z
    return None


_BY_OP: dict[str, list[tuple[str, Form]]] = {}
for _activation, _forms in FORMS.items():
    for _form in _forms:
        _BY_OP.setdefault(_form.op, []).append((_activation, _form))


class _Found:
    """What a form is found to stand for in a graph."""

    def __init__(self, nodes: Nodes):
        self.nodes, self.used = nodes, set[Node]()
        self.z = ""
        self.parameter: float | None = None

    def matches(self, form: Any, tensor: str) -> bool:
        """Whether a tensor is made as the form says."""
        if isinstance(form, Z):
            if self.z == "" and self.nodes.constant(tensor) is None:
                self.z = tensor
            return self.z == tensor
        if not isinstance(form, Form):
            return self.says(form, self.nodes.number(tensor))
        node = self.nodes.maker(tensor)
        if node is None or node.op != form.op or len(node.inputs) != len(form.inputs):
            return False
        known = DEFAULTS.get(node.op, {}) | node.attributes
        if node.op == "Softmax" and known["axis"] == 1:  # of two
            known["axis"] = -1
        if known.keys() != dict(form.attributes).keys():
            return False
        orders = [node.inputs]
        if form.op in ("Add", "Mul", "Max"):
            orders.append(node.inputs[::-1])
        before = self.z, self.parameter, self.used | {node}
        for inputs in orders:
            self.z, self.parameter, self.used = before
            if all(map(self.matches, form.inputs, inputs)):
                return all(self.says(value, known[key]) for key, value in form.attributes)
        return False

    def says(self, form: Any, value: Any) -> bool:
        """Whether a value is the constant of a form, or may be the parameter."""
        if isinstance(form, Parameter):
            if self.parameter is None and isinstance(value, float):
                self.parameter = shortest(value)
            return isinstance(value, float) and self.parameter == shortest(value)
        if isinstance(form, float):
            return isinstance(value, float) and isclose(form, value, rel_tol=1e-6)
        return form == value


def shortest(value: float) -> float:
    """Return the shortest decimal that float32 holds alike: 0.3, not 0.30000001192092896."""
    return float(str(np.float32(value)))
