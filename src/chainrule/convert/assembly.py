"""A network made of the layers that a file or another tool has: every way in ends here."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.convert.blueprint import Layer
from chainrule.costs import Cost, find_cost
from chainrule.model.sizes import check_sizes
from chainrule.network import Network

# What a network with that output has most likely learned by, and what it learns by from now on.
COSTS = {"softmax": "log_likelihood", "sigmoid": "cross_entropy", "exponential": "poisson"}


def activation_of(name: str, parameter: float) -> Activation:
    """Return an activation by its name and, where it has one, its parameter."""
    kind: Any = ACTIVATIONS[name]
    return kind(parameter) if kind().parameters else kind()


def of_targets(cost: Cost, scaling: tuple[ArrayLike, ArrayLike], n_out: int) -> dict[str, Any]:
    """Return output_scale and output_shift, of targets, by which outputs are scaled like that.

    Raises
    ------
    ValueError
        Where there are none, as the outputs of a target are scaled apart.
    """
    if cost.outputs_per_target == 1:
        return dict(zip(("output_scale", "output_shift"), scaling, strict=True))
    of_outputs = [np.broadcast_to(np.asarray(each, np.float64), n_out) for each in scaling]
    targets = cost.lay_out(np.arange(n_out // cost.outputs_per_target)[None])[0]
    _, first = np.unique(targets, return_index=True)
    scale, shift = (each[first] for each in of_outputs)
    with np.errstate(all="ignore"):
        if not np.allclose(cost.in_units(scale, shift), of_outputs, rtol=1e-6):
            raise ValueError(
                f"the outputs that cost={cost.name!r} has for a target must be scaled together"
            )
    return {"output_scale": scale, "output_shift": shift}


def assembled(
    layers: Sequence[Layer],
    *,
    scaling: tuple[ArrayLike, ArrayLike] = (1.0, 0.0),
    output_scaling: tuple[ArrayLike, ArrayLike] = (1.0, 0.0),
    classes: ArrayLike | None = None,
    cost: str | Cost | None = None,
    dtype: DTypeLike = "float32",
) -> Network:
    """Return a network of these layers.

    Parameters
    ----------
    layers : sequence of Layer
        2, ..., L.
    scaling, output_scaling : tuple of array-like
        (scale, shift) of inputs and outputs.
    classes : array-like, optional
        What the classes are called.
    cost : str or Cost, optional
        By default that which goes with the output, "quadratic" where none does.
    dtype : {"float32", "float64"}

    Raises
    ------
    ValueError
        For layers that do not fit each other, and for numbers that are not finite in `dtype`.
    """
    if not layers:
        raise ValueError("expected at least one layer of weights, got none")
    for i, (before, after) in enumerate(pairwise(layers)):
        if before.n_out != after.n_in:
            raise ValueError(
                f"layers must fit: layer {i + 2} has {before.n_out} neurons, and the next reads "
                f"{after.n_in}"
            )
    sizes = check_sizes([layers[0].n_in, *(layer.n_out for layer in layers)])
    *hidden, output = (activation_of(each.activation, each.parameter) for each in layers)
    has_biases = any(np.any(each.biases) for each in layers)
    cost = find_cost(cost or COSTS.get(output.name, "quadratic"), output.name, sizes[-1])
    net = Network(
        sizes,
        hidden=hidden,
        output=output,
        cost=cost.shown,
        init="zeros",
        bias=has_biases,
        dtype=dtype,
        input_scale=scaling[0],
        input_shift=scaling[1],
        **of_targets(cost, output_scaling, sizes[-1]),
    )
    pieces = []
    with np.errstate(over="ignore"):  # what overflows is refused below
        for i, layer in enumerate(layers):
            pieces.append(np.asarray(layer.weights, net.dtype).ravel())
            pieces += [np.asarray(layer.biases, net.dtype)] if has_biases else []
            if not all(np.isfinite(each).all() for each in pieces[-2:]):
                raise ValueError(
                    f"layer {i + 2} has weights or biases that {net.dtype} cannot hold"
                )
    net.parameters = np.concatenate(pieces)
    if classes is not None:
        net.classes = classes
    return net
