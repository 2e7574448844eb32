"""Networks from and to Keras: a model of dense layers, on any of its backends."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.convert.blueprint import Layer, blueprint_of, one_chain
from chainrule.convert.stack import Stack
from chainrule.network import Network

if TYPE_CHECKING:
    import keras

# Layers that do nothing once a model is trained; Flatten is for images, X (m, n_1) is flat already.
IDLE = {
    "ActivityRegularization", "AlphaDropout", "Dropout", "Flatten", "GaussianDropout",
    "GaussianNoise", "Identity", "InputLayer",
}  # fmt: skip
# The activation of each layer, with its parameter; None where its settings are another function.
ACTIVATIONS: dict[str, Callable[[Any], tuple[str, float] | None]] = {
    "LeakyReLU": lambda layer: ("leaky_relu", float(layer.negative_slope)),
    "ELU": lambda layer: ("elu", float(layer.alpha)),
    "Softmax": lambda layer: ("softmax", 0.0) if layer.axis in (1, -1) else None,
    "ReLU": lambda layer: (
        None
        if layer.max_value is not None or layer.threshold
        else ("leaky_relu", float(layer.negative_slope))
        if layer.negative_slope
        else ("relu", 0.0)
    ),
}
# Functions of keras.activations that have another name here, or a parameter.
FUNCTIONS = {
    "linear": ("identity", 0.0),
    "silu": ("swish", 1.0),
    "leaky_relu": ("leaky_relu", 0.2),
    "elu": ("elu", 1.0),
}


@known_options()
def from_keras(model: Any, *, output: Any = None) -> Network:
    """Return the network that a model of Keras is.

    Parameters
    ----------
    model : keras.Sequential, or a functional keras.Model whose layers are one chain
        Dense layers with their activations, also as layers of their own (Activation, ReLU,
        LeakyReLU, ELU, Softmax); before the first, Normalization and Rescaling become the scaling
        of the inputs, behind the last Rescaling that of the outputs. Sequentials may stand in it;
        dropout and noise are left out, as in ``model.predict``, and so is a Flatten.
    output : str or Activation, optional
        The activation of the output of a model without one there, whose loss takes it
        (``from_logits=True``).

    Returns
    -------
    Network
        In float64 if any variable of a Dense is, else in float32. Its cost goes with the output:
        log_likelihood, cross_entropy, poisson, or quadratic.

    Raises
    ------
    ImportError
        For a Keras before 3, whose hard_sigmoid is another function.
    TypeError
        For what is no such model.
    ValueError
        For layers that are no chain of dense ones, by their names, for a setting that makes another
        function of an activation, for a model that is not built yet, and for numbers that are not
        finite.

    Examples
    --------
    >>> import keras
    >>> import chainrule as cr
    >>> layers = [keras.layers.Dense(8, "tanh"), keras.layers.Dense(3, "softmax")]
    >>> cr.convert.from_keras(keras.Sequential([keras.Input((4,)), *layers])).sizes
    (4, 8, 3)
    """
    if type(model).__name__ not in ("Sequential", "Functional") or not _is_of_keras(model):
        raise TypeError(
            "expected a keras.Sequential, or a functional keras.Model; got "
            f"{type(model).__module__}.{type(model).__qualname__}"
        )
    keras = _keras("from_keras")
    stack = Stack()
    _walk(stack, model, keras)
    if not stack.sizes:
        raise ValueError("expected at least one Dense layer, got none")
    stack.activate(None, output)
    return stack.network()


@known_options()
def to_keras(model: Any) -> "keras.Sequential":
    """Return a network as a Sequential of Keras, with weights of its own, not compiled.

    It is [Rescaling,] Dense, ..., Dense [, Rescaling] in the network's dtype, so that the weights
    are the network's to the last bit; leaky_relu and elu are layers of their own. With JAX and
    PyTorch behind it, Keras computes products in float32 whatever the dtype.

    Parameters
    ----------
    model : Network, or an estimator of chainrule.sklearn that has one

    Returns
    -------
    keras.Sequential

    Raises
    ------
    ImportError
        Without Keras 3.
    ValueError, TypeError
        For an ensemble, the model of a table, parameters that are not finite, activations that
        Keras has not (step, swish with another β than 1), and your own; and for a network in
        float64 where the backend holds float32 alone, as JAX does by default.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([4, 8, 1], hidden="tanh", output="identity", seed=0)
    >>> cr.convert.to_keras(net).count_params()
    49
    """
    chain = one_chain(blueprint_of(model), "to_keras")
    for i, layer in enumerate(chain.layers):
        if layer.activation == "step" or (layer.activation == "swish" and layer.parameter != 1):
            raise ValueError(
                f"layer {i + 2} has the activation '{layer.activation}'"
                f"{f' ({layer.parameter:g})' if layer.parameter else ''}, which Keras does not have"
            )
    keras = _keras("to_keras")
    _check_dtype(keras, chain.dtype.name)
    layers, dtype = keras.layers, chain.dtype.name
    parts: list[Any] = [keras.Input((chain.sizes[0],), dtype=dtype)]
    if chain.scaling is not None:
        parts.append(layers.Rescaling(*(each.tolist() for each in chain.scaling), dtype=dtype))
    for layer in chain.layers:
        parts += _parts(layers, layer, dtype)
    if chain.output_scaling is not None:
        scale, shift = (each.tolist() for each in chain.output_scaling)
        parts.append(layers.Rescaling(scale, shift, dtype=dtype))
    made = keras.Sequential(parts)
    dense = (each for each in made.layers if type(each).__name__ == "Dense")
    for part, layer in zip(dense, chain.layers, strict=True):
        part.set_weights([layer.weights.T, layer.biases])
    return made


def _parts(layers: Any, layer: Layer, dtype: str) -> list[Any]:
    """Return the layers of Keras that one of ours is; made of zeros, which take no random draws."""
    own = {"leaky_relu": layers.LeakyReLU, "elu": layers.ELU}.get(layer.activation)
    word = {"identity": "linear", "swish": "silu"}.get(layer.activation, layer.activation)
    dense = layers.Dense(
        layer.n_out, activation=None if own else word, kernel_initializer="zeros", dtype=dtype
    )
    return [dense, own(layer.parameter, dtype=dtype)] if own else [dense]


def _keras(name: str) -> Any:
    try:
        import keras
    except ImportError as error:
        raise ImportError(f"{name} needs Keras 3: pip install keras") from error
    if int(keras.__version__.partition(".")[0]) < 3:
        raise ImportError(f"{name} needs Keras 3: pip install keras; got {keras.__version__}")
    return keras


def _check_dtype(keras: Any, dtype: str) -> None:
    """Raise where the backend does not hold numbers in `dtype`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says so itself, and goes on
        held = keras.ops.convert_to_numpy(keras.ops.zeros((1,), dtype)).dtype
    if held != dtype:
        raise ValueError(
            f"the backend {keras.backend.backend()} takes {dtype} for {held}; let it hold {dtype}, "
            "such as jax.config.update('jax_enable_x64', True), or give a network in float32"
        )


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _walk(stack: Stack, model: Any, keras: Any) -> None:
    """Take the layers of a model to the stack."""
    if not model.built:
        raise ValueError(f"'{model.name}' is not built yet: give it a keras.Input, or call it once")
    if type(model).__name__ == "Functional":
        read = [*(id(each.input) for each in model.layers[1:]), *map(id, model.outputs)]
        if read != [id(each.output) for each in model.layers]:
            raise ValueError(
                f"expected layers that read one another in a chain, each called once, in "
                f"'{model.name}'; some branch or join"
            )
    for layer in model.layers:
        _take(stack, layer, keras)


def _take(stack: Stack, layer: Any, keras: Any) -> None:
    """Take a layer, and what stands in it, to the stack."""
    name, where = type(layer).__name__, f"layer '{layer.name}' ({type(layer).__name__})"
    if not _is_of_keras(layer):
        raise ValueError(f"{where} is a layer of your own, and may compute anything")
    if name in ("Sequential", "Functional"):
        _walk(stack, layer, keras)
    elif name == "Dense":
        if len(layer.input.shape) != 2:
            raise ValueError(
                f"{where} reads numbers of shape {layer.input.shape[1:]} a sample; expected one "
                "row, as of a Flatten"
            )
        if getattr(layer, "quantization_mode", None):
            raise ValueError(f"{where} is quantized: {layer.quantization_mode}")
        bias = _array(keras, layer.bias) if layer.use_bias else None
        stack.linear(where, _array(keras, layer.kernel).T, bias)
        _apply(stack, where, layer.activation, keras)
    elif name == "Activation":
        _apply(stack, where, layer.activation, keras)
    elif name in ACTIVATIONS:
        if (found := ACTIVATIONS[name](layer)) is None:
            raise ValueError(f"{where} is another function with its settings: {layer.get_config()}")
        stack.activation(where, *found)
    elif name == "Rescaling":
        stack.scaling(where, layer.scale, layer.offset)
    elif name == "Normalization":
        stack.scaling(where, *_normalization(keras, layer, where))
    elif name not in IDLE:
        stack.activation(where, name)


def _apply(stack: Stack, where: str, function: Any, keras: Any) -> None:
    """Take an activation that is a function, or a layer in the place of one, to the stack."""
    if isinstance(function, keras.layers.Layer):
        _take(stack, function, keras)
    elif (name := getattr(function, "__name__", None)) is None or not (
        function.__module__.startswith("keras.")
    ):
        raise ValueError(
            f"{where} has an activation of your own, {name or type(function).__name__!r}"
        )
    else:
        stack.activation(f"the activation of {where}", *FUNCTIONS.get(name, (name, 0.0)))


def _normalization(keras: Any, layer: Any, where: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return (scale, shift) of (x - mean)/max(√variance, epsilon), or of its inverse."""
    if layer.mean is None:
        raise ValueError(f"{where} has no mean and variance yet: call its adapt(X) first")
    mean, variance = (
        _array(keras, each).astype(np.float64).reshape(-1) for each in (layer.mean, layer.variance)
    )
    spread = np.maximum(np.sqrt(variance), keras.config.epsilon())
    return (spread, mean) if layer.invert else (1 / spread, -mean / spread)


def _array(keras: Any, values: Any) -> NDArray[Any]:
    """Return a variable in NumPy; types that NumPy does not have as float32."""
    if keras.backend.standardize_dtype(values.dtype) not in ("float32", "float64"):
        values = keras.ops.cast(values, "float32")
    found: NDArray[Any] = np.asarray(keras.ops.convert_to_numpy(values))
    return found
