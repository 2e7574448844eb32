"""A network made of the layers that a file or another tool has: every way in ends here."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.convert.blueprint import Layer, usual_cost
from chainrule.costs import Cost, find_cost
from chainrule.model.sizes import check_sizes
from chainrule.network import Network


def activation_of(name: str, parameter: float) -> Activation:
    """Return an activation by its name and, where it has one, its parameter."""
    kind: Any = ACTIVATIONS[name]
    return kind(parameter) if kind().parameters else kind()


def assembled(
    layers: Sequence[Layer],
    *,
    scaling: tuple[ArrayLike, ArrayLike] = (1.0, 0.0),
    output_scaling: tuple[ArrayLike, ArrayLike] = (1.0, 0.0),
    classes: ArrayLike | None = None,
    cost: str | Cost | None = None,
    bias: bool | None = None,
    dtype: DTypeLike = "float32",
) -> Network:
    """Return a network of these layers.

    Parameters
    ----------
    layers : sequence of Layer
        2, ..., L.
    scaling, output_scaling : tuple of array-like
        (scale, shift) of inputs and outputs, a number or one for each.
    classes : array-like, optional
        What the classes are called, sorted; whole numbers may be floats.
    cost : str or Cost, optional
        By default `usual_cost`.
    bias : bool, optional
        Whether neurons have biases; by default if any is not 0.
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
    has_biases = any(np.any(each.biases) for each in layers) if bias is None else bias
    learned_by = find_cost(cost or usual_cost(output.name), output.name, sizes[-1])
    factor, offset = _of_targets(learned_by, output_scaling, sizes[-1])
    net = Network(
        sizes,
        hidden=hidden,
        output=output,
        cost=learned_by,
        init="zeros",
        bias=has_biases,
        dtype=dtype,
        input_scale=scaling[0],
        input_shift=scaling[1],
        output_scale=factor,
        output_shift=offset,
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
        net.classes = named_classes(classes)
    return net


def named_classes(classes: ArrayLike) -> NDArray[Any]:
    """Return what classes are called, whole numbers as such: a network has no floats for them."""
    given = np.asarray(classes)
    if given.dtype == object:  # a type that all of them have
        given = np.asarray(given.tolist())
    is_whole = (
        given.dtype.kind == "f" and (given == np.trunc(given)).all() and np.abs(given).max() < 2**53
    )
    return given.astype(np.int64) if is_whole else given


def _of_targets(
    cost: Cost, scaling: tuple[ArrayLike, ArrayLike], n_out: int
) -> tuple[ArrayLike, ArrayLike]:
    """Return (scale, shift) of the targets, for a cost with several outputs for each target."""
    if cost.outputs_per_target == 1:
        return scaling
    columns = np.array([np.broadcast_to(np.asarray(each, np.float64), n_out) for each in scaling])
    targets: NDArray[Any] = np.arange(n_out // cost.outputs_per_target)
    first = np.unique(cost.lay_out(targets[None])[0], return_index=True)[1]
    found = columns[:, first]
    if not (found[0] > 0).all() or not np.allclose(cost.in_units(*found), columns, rtol=1e-12):
        raise ValueError(
            f"outputs that are scaled one by one do not go with cost '{cost.name}', which has "
            f"{cost.outputs_per_target} for each target"
        )
    return found[0], found[1]
