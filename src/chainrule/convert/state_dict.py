"""The arrays of dense layers by the names that PyTorch gives them: "0.weight", "0.bias", ..."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.blueprint import Layer
from chainrule.convert.stack import Stack


def named(layers: Iterable[Layer], bias: bool) -> dict[str, NDArray[Any]]:
    """Return the arrays of layers as in a Sequential of a Linear and an activation a layer."""
    arrays = {}
    for i, layer in enumerate(layers):
        arrays[f"{2 * i}.weight"] = layer.weights
        if bias:
            arrays[f"{2 * i}.bias"] = layer.biases
    return arrays


def pile(stack: Stack, arrays: Mapping[str, Any], hidden: Any, output: Any) -> None:
    """Add the dense layers of the arrays to the stack, in their order.

    Parameters
    ----------
    stack : Stack
        Without layers.
    arrays : mapping of str to array or tensor
        "<layer>.weight" (n_out, n_in) and, maybe, "<layer>.bias" (n_out,), a layer after the other.
    hidden, output
        As `Network` takes them.
    """
    layers: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        layer, _, kind = str(name).rpartition(".")
        if kind not in ("weight", "bias"):
            raise ValueError(
                f"expected weight and bias of dense layers alone; got {str(name)[:80]!r}"
            )
        layers.setdefault(layer, {})[kind] = array
    if not layers:
        raise ValueError("expected weights such as '0.weight', got none")
    for layer, parts in layers.items():
        if "weight" not in parts:
            raise ValueError(f"expected {f'{layer}.weight'[:80]!r} beside its bias, got none")
        found = {kind: as_array(f"{layer}.{kind}", array) for kind, array in parts.items()}
        stack.linear(f"layer {layer[:60]!r}", found["weight"], found.get("bias"))
    if output is None or (hidden is None and len(layers) > 1):
        raise ValueError(
            "weights alone do not tell the activations: give hidden='relu', say, or one for each "
            f"of the {len(layers) - 1} hidden layers, and output='identity', or 'softmax', ..."
        )
    stack.activate(hidden, output)


def as_array(name: str, tensor: Any) -> NDArray[Any]:
    """Return a tensor, or what is an array already, in NumPy; bfloat16 as float32."""
    if not hasattr(tensor, "detach"):
        return np.asarray(tensor)
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():
        raise TypeError(f"expected floating-point numbers in {name!r}, got {tensor.dtype}")
    if str(tensor.dtype) not in ("torch.float32", "torch.float64"):
        tensor = tensor.float()
    found: NDArray[Any] = tensor.numpy()
    return found


def in_order(names: Iterable[str]) -> list[str]:
    """Return names that come sorted as text in the order of the numbers in them: 2 before 10.

    Raises
    ------
    ValueError
        For names that differ in more than numbers, whose order nobody can know.
    """
    split = {name: re.split(r"(\d+)", name.rpartition(".")[0], flags=re.ASCII) for name in names}
    if len({tuple(parts[::2]) for parts in split.values()}) > 1:
        shown = ", ".join(sorted({repr("".join(each)[:40]) for each in split.values()})[:8])
        raise ValueError(
            f"the names of the layers, {shown}, do not tell their order: read the arrays with the "
            "package safetensors, and hand them to from_torch as a dict, in the order of the layers"
        )
    return sorted(split, key=lambda name: [int(each[:18]) for each in split[name][1::2]])
