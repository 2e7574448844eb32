"""Networks from and to PyTorch: a Sequential of dense layers, or the arrays of one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.checks.keywords import known_options
from chainrule.convert.blueprint import blueprint_of, one_chain
from chainrule.convert.folded import folded
from chainrule.convert.stack import Stack
from chainrule.convert.state_dict import as_array, pile
from chainrule.network import Network

if TYPE_CHECKING:
    import torch

# Modules that do nothing once a network is trained.
IDLE = {
    "Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout",
    "FeatureAlphaDropout",
}  # fmt: skip
# The activation of each module, with its parameter; None where its settings are another function.
ACTIVATIONS: dict[str, Callable[[Any], tuple[str, float] | None]] = {
    "Sigmoid": lambda module: ("sigmoid", 0.0),
    "Tanh": lambda module: ("tanh", 0.0),
    "ReLU": lambda module: ("relu", 0.0),
    "LeakyReLU": lambda module: ("leaky_relu", float(module.negative_slope)),
    "ELU": lambda module: ("elu", float(module.alpha)),
    "SELU": lambda module: ("selu", 0.0),
    # beyond the threshold it is z: from 20 on that is less than 2.1e-9 off
    "Softplus": lambda module: (
        ("softplus", 0.0) if module.beta == 1 and module.threshold >= 20 else None
    ),
    "GELU": lambda module: ("gelu", 0.0) if module.approximate == "none" else None,
    "SiLU": lambda module: ("swish", 1.0),
    "Mish": lambda module: ("mish", 0.0),
    "Softsign": lambda module: ("softsign", 0.0),
    "Hardsigmoid": lambda module: ("hard_sigmoid", 0.0),
    "Softmax": lambda module: ("softmax", 0.0) if module.dim in (None, 1, -1) else None,
}
FLAT = 40.0  # a softplus' threshold: ln(1 + e^z) is z to the last bit of float64


@known_options()
def from_torch(source: Any, *, hidden: Any = None, output: Any = None) -> Network:
    """Return the network that a model of PyTorch is.

    Parameters
    ----------
    source : torch.nn.Sequential, or dict of str to array
        Linear layers with an activation, or none, after each: Sigmoid, Tanh, ReLU, LeakyReLU, ELU,
        SELU, Softplus, GELU, SiLU, Mish, Softsign, Hardsigmoid, and Softmax at the end. Sequentials
        may stand in it; dropout is left out, as in ``module.eval()``, and so is a Flatten before
        the first layer, for X (m, n_1) is flat already. Or what ``module.state_dict()`` returns,
        "<layer>.weight" (n_out, n_in) and "<layer>.bias" (n_out,), the layers in their order, as
        tensors or arrays: so comes a module with a `forward` of its own, and PyTorch is not needed.
    hidden : str, Activation, or a list of these, optional
        The activations of the hidden layers, as `Network` takes them; for a dict alone.
    output : str or Activation, optional
        That of the output, for a dict; also for a module that ends in a Linear, after which the
        loss takes the softmax (CrossEntropyLoss) or the sigmoid (BCEWithLogitsLoss).

    Returns
    -------
    Network
        In float64 if any tensor is, else in float32, which holds float16 and bfloat16 too. Its
        cost goes with the output: log_likelihood, cross_entropy, poisson, or quadratic.

    Raises
    ------
    TypeError
        For what is neither.
    ValueError
        For modules that are no chain of dense layers, by their places and names, for a setting that
        makes another function of an activation, and for numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule.convert
    >>> arrays = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3), "2.weight": np.ones((1, 3))}
    >>> chainrule.convert.from_torch(arrays, hidden="relu", output="identity")([1.0, 2.0])
    array([9.])
    """
    stack = Stack()
    if isinstance(source, Mapping):
        pile(stack, source, hidden, output)
        return stack.network()
    if not hasattr(source, "state_dict"):
        raise TypeError(
            "expected a torch.nn.Sequential, or the dict of its state_dict(); got "
            f"{type(source).__module__}.{type(source).__qualname__}"
        )
    if hidden is not None:
        raise ValueError("a module has its activations in it; leave hidden out")
    _walk(stack, source, "")
    if not stack.sizes:
        raise ValueError("expected at least one Linear, got none")
    stack.activate(None, output)
    return stack.network()


@known_options()
def to_torch(model: Any) -> "torch.nn.Sequential":
    """Return a network as a Sequential of PyTorch, with weights of its own, on the CPU.

    It is Linear, activation, Linear, ..., in the network's dtype. Scalings are in the weights of
    the first and the last layer (or one more), computed in float64 and rounded: without any, the
    weights are the network's to the last bit. For PyTorch's CrossEntropyLoss, which takes the
    softmax itself, leave the last module out, ``to_torch(net)[:-1]``.

    Parameters
    ----------
    model : Network, or an estimator of chainrule.sklearn that has one

    Returns
    -------
    torch.nn.Sequential

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError, TypeError
        For an ensemble, the model of a table, parameters that are not finite, activations that
        PyTorch has no module for (exponential, step, swish with another β than 1), and your own.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([4, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> [type(module).__name__ for module in cr.convert.to_torch(net)]
    ['Linear', 'Tanh', 'Linear']
    """
    chain = one_chain(blueprint_of(model), "to_torch")
    layers = folded(chain, "to_torch")
    try:
        import torch
    except ImportError as error:
        raise ImportError("to_torch needs PyTorch: pip install torch") from error
    nn = torch.nn
    kinds: dict[str, Callable[[float], Any]] = {  # None where there is none
        "sigmoid": lambda _: nn.Sigmoid(),
        "tanh": lambda _: nn.Tanh(),
        "relu": lambda _: nn.ReLU(),
        "leaky_relu": lambda slope: nn.LeakyReLU(slope),
        "elu": lambda alpha: nn.ELU(alpha),
        "selu": lambda _: nn.SELU(),
        "softplus": lambda _: nn.Softplus(threshold=FLAT),
        "gelu": lambda _: nn.GELU(),
        "swish": lambda beta: nn.SiLU() if beta == 1 else None,
        "mish": lambda _: nn.Mish(),
        "softsign": lambda _: nn.Softsign(),
        "hard_sigmoid": lambda _: nn.Hardsigmoid(),
        "identity": lambda _: nn.Identity(),
        "softmax": lambda _: nn.Softmax(dim=-1),
    }
    modules: list[Any] = []
    for i, layer in enumerate(layers):
        activation = kinds.get(layer.activation, lambda _: None)(layer.parameter)
        if activation is None:
            raise ValueError(
                f"layer {i + 2} has the activation '{layer.activation}'"
                f"{f' ({layer.parameter:g})' if layer.parameter else ''}, which PyTorch has no "
                "module for"
            )
        # made without numbers, so that PyTorch's generator stays where it is
        linear = nn.utils.skip_init(
            nn.Linear, layer.n_in, layer.n_out, dtype=getattr(torch, chain.dtype.name)
        )
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weights))
            linear.bias.copy_(torch.from_numpy(layer.biases))
        modules += [linear, activation]
    if layers[-1].activation == "identity":
        modules.pop()
    return nn.Sequential(*modules)


def _walk(stack: Stack, module: Any, place: str) -> None:
    """Take a module, and what stands in it, to the stack."""
    name, where = type(module).__name__, f"module {place or '0'} ({type(module).__name__})"
    if not type(module).__module__.startswith("torch.nn.modules."):
        raise ValueError(
            f"{where} is no module of torch.nn, and may compute anything: give its parts as a "
            "Sequential, or from_torch(module.state_dict(), hidden=..., output=...)"
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{where} has hooks, which may change what it computes; remove them")
    if name == "Sequential":
        for i, each in enumerate(module):
            _walk(stack, each, f"{place}.{i}" if place else str(i))
    elif name == "Linear":
        bias = None if module.bias is None else as_array(f"{place}.bias", module.bias)
        stack.linear(where, as_array(f"{place}.weight", module.weight), bias)
    elif name == "Flatten" and not stack.sizes and (module.start_dim, module.end_dim) == (1, -1):
        pass  # X (m, n_1) is flat
    elif name in ACTIVATIONS:
        found = ACTIVATIONS[name](module)
        if found is None:
            raise ValueError(f"{where} is another function with its settings: {module!r}")
        stack.activation(where, *found)
    elif name == "LogSoftmax":
        raise ValueError(
            f"{where} takes a logarithm, which the cost log_likelihood takes itself: give the "
            "module without it, and output='softmax'"
        )
    elif name not in IDLE:
        stack.activation(where, name)
