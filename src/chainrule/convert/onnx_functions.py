"""Each activation in the operators of ONNX: how it is written, and how other tools write it.

A form is an expression of z. Of those of an activation the first is written, with operators of
opset 13 alone; all are known when a file is read.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from chainrule.activations import ACTIVATIONS
from chainrule.convert.onnx_file import FLOATING
from chainrule.convert.onnx_graph import Graph


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
