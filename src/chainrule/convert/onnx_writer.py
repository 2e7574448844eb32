"""`to_onnx`: a model as a file of ONNX, which ONNX Runtime and many other tools run."""

import json
from os import PathLike
from typing import Any

import numpy as np

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag, check_name
from chainrule.convert.blueprint import Blueprint, Chain, blueprint_of
from chainrule.convert.onnx_file import (
    DOUBLES,
    INT64,
    METADATA,
    SINGLE,
    STRING,
    UINT8,
    write_model,
)
from chainrule.convert.onnx_functions import write_activation
from chainrule.convert.onnx_graph import ROWS, Graph
from chainrule.convert.onnx_table import write_preparation
from chainrule.files.model_file import file_name

ELEMENTS = {"float32": SINGLE, "float64": DOUBLES, "uint8": UINT8}


@known_options()
def to_onnx(
    model: Any,
    path: str | PathLike[str],
    *,
    input_dtype: str = "float32",
    zipmap: bool = False,
    name: str = "chainrule",
) -> None:
    """Write a model as a file of ONNX, opset 13 and IR 8, in float32.

    The first dimension of all inputs and outputs, the rows, may be anything. What it hands out:

    ===========================  ==================================================================
    it answers with              outputs
    ===========================  ==================================================================
    values                       ``variable`` (N, n_L); of a table (N, 1) in float64, and with
                                 quantiles these as ``quantiles`` (N, levels), sorted
    classes                      ``label`` (N,), int64 or text, as `predict`; with a softmax output
                                 or one sigmoid output ``probabilities`` (N, k), of two classes two
                                 columns; with any other the outputs as ``scores`` (N, n_L)
    several labels a sample      ``label`` (N, n_L) of 0 and 1, int64, and ``probabilities``
    ===========================  ==================================================================

    Truth values and whole numbers are labels in int64. An ensemble is the weighted mean of its
    networks. `from_onnx` reads the file of one network back. The one input of networks and
    ensembles is ``X`` (N, n_1); the columns of a table are an input each (N, 1), by their names, or
    ``column_0``, ... where they have none:

    ===========================  =================  ================================================
    the column holds             is given as        missing is
    ===========================  =================  ================================================
    numbers                      float64            NaN
    truth values                 float64, 0 and 1   NaN
    durations                    float64, days      NaN
    text, with numbers or not    text               "", or any text that is no category
    dates                        int64, µs since    -2**63, as NumPy's NaT
                                 1970, in UTC
    ===========================  =================  ================================================

    Numbers among text are given as text, whole ones without a point. Columns that are left out are
    no inputs. Infinite numbers, which `predict` refuses, are as the largest.

    Parameters
    ----------
    model : Network, Ensemble, Predictor, or a fitted estimator of chainrule.sklearn
    path : str or path object
        An old file there is replaced when the new one is whole.
    input_dtype : {"float32", "float64", "uint8"}
        Of X: float64 where float32 does not hold the inputs, such as times in seconds, which are
        then scaled before they are rounded; uint8 for pictures. Of a table each column has its own.
    zipmap : bool
        Whether probabilities are a map by class for each row, ``output_probability``, as tools know
        it from scikit-learn's converter, and the label is ``output_label``.
    name : str
        Of the graph.

    Raises
    ------
    TypeError
        For what is no such model, and activations that are objects in Python.
    ValueError
        For a network that is not trained yet, parameters that are not finite in float32, a zipmap
        of what has no probabilities, an ensemble that is no mean of outputs.
    OSError
        If the file cannot be written.

    Notes
    -----
    A network in float64 is rounded to float32; its inputs are scaled in float64. Outputs are scaled
    in float64, as the network itself does. Softmax outputs are off from those of the network by
    some 1e-6, others by roundings of the sums that the layers are.

    Examples
    --------
    >>> import os, tempfile
    >>> import chainrule as cr
    >>> path = os.path.join(tempfile.mkdtemp(), "digits.onnx")
    >>> net = cr.Network([784, 30, 10], output="softmax", cost="log_likelihood", seed=0)
    >>> cr.convert.to_onnx(net, path)
    >>> (cr.convert.from_onnx(path).parameters == net.parameters).all()
    np.True_
    """
    path = file_name(path)
    check_name("input_dtype", input_dtype, ELEMENTS)
    check_flag("zipmap", zipmap)
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be text; got {name!r}")
    blueprint = blueprint_of(model)
    graph = Graph(name)
    if blueprint.preparation is not None:
        if input_dtype != "float32":
            raise ValueError("input_dtype is of networks; of a table each column has its own")
        (inputs, columns), given = write_preparation(graph, blueprint.preparation), SINGLE
    else:
        given, columns = ELEMENTS[input_dtype], None
        inputs = graph.input("X", given, blueprint.n_in)
    _Writer(graph, blueprint, zipmap).write(inputs, given)
    told = described(blueprint) | {"columns": columns}
    write_model(path, graph.model({METADATA: json.dumps(told)}))


def described(blueprint: Blueprint) -> dict[str, Any]:
    """Return what the file says of its model beside the graph."""
    return {
        "networks": len(blueprint.chains),
        "sizes": blueprint.chains[0].sizes,
        "bias": blueprint.chains[0].bias,
        "cost": blueprint.learned_by.name,
        "cost_parameters": blueprint.learned_by.parameters,
        "answers": blueprint.answers,
        "classes": blueprint.classes,
        "inputs": blueprint.inputs,
    }


class _Writer:
    """Writes what stands behind the inputs."""

    def __init__(self, graph: Graph, blueprint: Blueprint, zipmap: bool):
        self.graph, self.blueprint = graph, blueprint
        self.is_table = blueprint.preparation is not None
        self.zipmap = zipmap
        if self.kept == INT64 and self.classes and max(self.classes) >= 2**63:  # of uint64
            raise ValueError(
                f"labels in ONNX are of int64, which does not hold the class {max(self.classes)}: "
                "fit to text, y.astype(str)"
            )
        if zipmap and not (self.classes and self.blueprint.are_probabilities):
            raise ValueError(
                "zipmap is for the probabilities of classes, and this model has none: leave it out"
            )

    @property
    def classes(self):
        """The labels: of text, or whole numbers."""
        classes = self.blueprint.classes
        if classes is None or isinstance(classes[0], str):
            return classes
        return [int(each) for each in classes]

    def write(self, inputs, given):
        add, blueprint = self.graph.add, self.blueprint
        # Values of a table stay in float64, as `predict` returns them.
        wide = self.is_table and blueprint.classes is None
        said = [
            self.chain(chain, inputs, given, wide, f"network{k + 1}/" * (len(blueprint.chains) > 1))
            for k, chain in enumerate(blueprint.chains)
        ]
        if len(said) > 1:
            said = [self.mean(said, wide)]
        if blueprint.answers == "values":
            self.values(said[0], DOUBLES if wide else SINGLE)
            return
        label = self.labels(said[0])
        shown = self.tempered(said[0])
        of_one = blueprint.n_out == 1 and blueprint.answers == "classes"
        if of_one and blueprint.are_probabilities:
            one = self.graph.constant(1.0)
            shown = add("Concat", add("Sub", one, shown), shown, axis=1)
        self.answers(label, shown)

    def chain(self, chain: Chain, tensor, given, wide, prefix):
        """Write one network; return what it says, in float64 if `wide`."""
        add, graph = self.graph.add, self.graph
        tensor = self.scaled(chain, tensor, given)
        for i, layer in enumerate(chain.layers):
            called = f"{prefix}layer{i + 2}/"
            with np.errstate(over="ignore"):
                W, b = layer.weights.astype(np.float32), layer.biases.astype(np.float32)
            if not (np.isfinite(W).all() and np.isfinite(b).all()):
                raise ValueError(
                    f"layer {i + 2} has weights or biases that float32, in which ONNX is written, "
                    "cannot hold"
                )
            inputs = [tensor, graph.constant(W, f"{called}weights")]
            if b.any():
                inputs.append(graph.constant(b, f"{called}biases"))
            tensor = add("Gemm", *inputs, name=f"{called}z", transB=1)
            tensor = write_activation(graph, layer.activation, layer.parameter, tensor)
        if chain.output_scaling is None:
            return self.cast(tensor, DOUBLES) if wide else tensor
        scale, shift = map(graph.constant, chain.output_scaling)
        tensor = add("Add", add("Mul", self.cast(tensor, DOUBLES), scale), shift)
        return tensor if wide else self.cast(tensor, SINGLE)

    def scaled(self, chain, tensor, given):
        """Write a^1, with the roundings of the network itself."""
        in_double = given == DOUBLES or (chain.dtype == np.float64)
        if chain.scaling is None:
            return tensor if given == SINGLE else self.cast(tensor, SINGLE)
        element = DOUBLES if in_double else SINGLE
        if given != element:
            tensor = self.cast(tensor, element)
        for op, numbers in zip(("Mul", "Add"), chain.scaling, strict=True):
            tensor = self.graph.add(op, tensor, self.numbers(numbers, element))
        return self.cast(tensor, SINGLE) if in_double else tensor

    def numbers(self, numbers, element):
        """Write constants of float64, all of whose digits stay in the file."""
        single = numbers.astype(np.float32)
        if element == SINGLE and (single == numbers).all():
            return self.graph.constant(single)
        constant = self.graph.constant(numbers)
        return constant if element == DOUBLES else self.cast(constant, SINGLE)

    def mean(self, said, wide):
        """Write Σ share_k said_k in float64; return it so if `wide`, else rounded."""
        add, total = self.graph.add, ""
        for tensor, share in zip(said, self.blueprint.shares, strict=True):
            each = tensor if wide else self.cast(tensor, DOUBLES)
            part = add("Mul", each, self.graph.constant(share))
            total = add("Add", total, part) if total else part
        return total if wide else self.cast(total, SINGLE)

    def tempered(self, tensor):
        """Write p^(1/T), whose sum is 1, in float64."""
        add, constant = self.graph.add, self.graph.constant
        if self.blueprint.temperature == 1:
            return tensor
        least = constant(float(np.finfo(np.float32).tiny))
        logs = add("Log", self.cast(add("Max", tensor, least), DOUBLES))
        logs = add("Div", logs, constant(np.float64(self.blueprint.temperature)))
        return self.cast(add("Softmax", logs, axis=-1), SINGLE)

    def labels(self, tensor):
        """Write the label of each row, (N,), or rows of 0 and 1 for several labels."""
        add, blueprint = self.graph.add, self.blueprint
        if blueprint.answers == "classes" and blueprint.n_out > 1:
            places = add("ArgMax", tensor, axis=1, keepdims=0)
        else:
            above = add("Greater", tensor, self.graph.constant(float(blueprint.threshold)))
            places = self.cast(above, INT64)
            if blueprint.answers == "multilabel":
                return places
            places = add("Squeeze", places, self.graph.constant(np.array([1])))
        classes = np.array(self.classes, object if self.kept == STRING else np.int64)
        return add("Gather", self.graph.constant(classes, "classes"), places, axis=0)

    @property
    def kept(self):
        """What the labels are."""
        are_text = self.classes is not None and isinstance(self.classes[0], str)
        return STRING if are_text else INT64

    def answers(self, label, shown):
        several, k = self.blueprint.answers == "multilabel", self.blueprint.n_out
        shape: list[int | str] = [ROWS, k] if several else [ROWS]
        self.graph.output(label, "output_label" if self.zipmap else "label", self.kept, shape)
        if self.zipmap:
            self.graph.output_maps(shown, "output_probability", self.classes, self.kept)
            return
        width = k if several or not self.blueprint.are_probabilities else max(k, 2)
        called = "probabilities" if self.blueprint.are_probabilities else "scores"
        self.graph.output(shown, called, SINGLE, [ROWS, width])

    def values(self, tensor, element):
        add, constant = self.graph.add, self.graph.constant
        n = self.blueprint.n_out
        if self.blueprint.levels is None:
            self.graph.output(tensor, "variable", element, [ROWS, n])
            return
        # The smallest n of n, in their order.
        tensor = add("TopK", tensor, constant(np.array([n])), axis=1, largest=0, besides=1)
        column = add("Gather", tensor, constant(np.array([self.blueprint.middle])), axis=1)
        self.graph.output(column, "variable", element, [ROWS, 1])
        self.graph.output(tensor, "quantiles", element, [ROWS, n])

    def cast(self, tensor, element):
        return self.graph.add("Cast", tensor, to=element)
