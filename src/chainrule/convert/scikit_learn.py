"""Networks from and to scikit-learn's own multi-layer perceptrons."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.convert.blueprint import Blueprint, Chain, Layer, blueprint_of, one_chain
from chainrule.convert.folded import folded
from chainrule.convert.stack import Stack
from chainrule.network import Network

# What scikit-learn calls activations, and what they are called here.
ACTIVATIONS = {
    "identity": "identity",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "softmax": "softmax",
    "exp": "exponential",
}
WORDS = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
# (scale, shift) of each transformer of columns: what it does is scale ⊙ x + shift.
SCALERS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "StandardScaler": lambda step: _centred(step.mean_ if step.with_mean else None, step.scale_),
    "MinMaxScaler": lambda step: (step.scale_, step.min_),
    "MaxAbsScaler": lambda step: _centred(None, step.scale_),
    "RobustScaler": lambda step: _centred(step.center_, step.scale_),
}


@known_options()
def from_sklearn(estimator: Any) -> Network:
    """Return the network of a multi-layer perceptron of scikit-learn, or of chainrule.sklearn.

    Parameters
    ----------
    estimator : fitted MLPClassifier or MLPRegressor, or a Pipeline that ends in one
        The steps before it may be StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler: they
        become the scaling of the inputs.

    Returns
    -------
    Network
        In the dtype of the estimator's weights, with its classes; of classes that are floats, whole
        ones become int. Its cost is what the estimator has learned by, without its penalty.

    Raises
    ------
    TypeError
        For another estimator or step, and for classes that are neither text, whole numbers nor
        booleans.
    ValueError
        For what is not fitted, for a MinMaxScaler that cuts off (clip=True), and for numbers that
        are not finite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> import chainrule as cr
    >>> X, y = load_iris(return_X_y=True)
    >>> estimator = MLPClassifier((8,), random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    >>> net = cr.convert.from_sklearn(estimator)
    >>> bool((net.predict(X) == estimator.predict(X)).all()), net.hidden
    (True, ('relu',))
    """
    *steps, last = _steps_of(estimator)
    stack = Stack()
    for step in steps:
        name = type(step).__name__
        if name not in SCALERS or not _is_of_sklearn(step):
            raise TypeError(f"expected one of {', '.join(SCALERS)} before the MLP; got {step!r}")
        _check_fitted(step, "scale_")
        if getattr(step, "clip", False):
            raise ValueError(f"{name}(clip=True) cuts inputs off, which no scaling does")
        stack.scaling(f"the {name}", *SCALERS[name](step))
    if type(last).__module__.startswith("chainrule.sklearn."):
        return _of_ours(stack, last)
    if not _is_of_sklearn(last) or type(last).__name__ not in ("MLPClassifier", "MLPRegressor"):
        raise TypeError(
            f"expected an MLPClassifier, an MLPRegressor, or a Pipeline of one; got {last!r}"
        )
    _check_fitted(last, "coefs_")
    n = len(last.coefs_)
    for i, (W, b) in enumerate(zip(last.coefs_, last.intercepts_, strict=True)):
        stack.linear(f"coefs_[{i}]", W.T, b)
        word = last.activation if i < n - 1 else last.out_activation_
        stack.activation(f"the activation of coefs_[{i}]", ACTIVATIONS.get(word, word))
    classes = getattr(last, "classes_", None)
    if classes is not None and last._label_binarizer.y_type_.startswith("multilabel"):
        classes = None
    net = stack.network(classes=classes)
    net._input_names = _names_of(estimator)
    return net


@known_options()
def to_sklearn(model: Any) -> Any:
    """Return a network as a fitted MLPClassifier or MLPRegressor of scikit-learn.

    It predicts, and goes on by `partial_fit`, with an optimiser that begins anew. Scalings are in
    the weights, computed in float64 and rounded to the network's dtype: without any, and but for a
    softmax of two outputs, which becomes the logistic function of their difference, the weights are
    the network's to the last bit. Parameters that say how to train are scikit-learn's defaults.

    Parameters
    ----------
    model : Network, or an estimator of chainrule.sklearn that has one
        All of its hidden layers with one activation: identity, sigmoid, tanh or relu. For classes
        softmax, or sigmoid with one output or more than two; for several labels sigmoid; for values
        identity, or exponential as of the cost poisson.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError, TypeError
        For other activations, an ensemble, the model of a table, parameters that are not finite,
        and activations of your own.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import chainrule as cr
    >>> X, y = load_iris(return_X_y=True)
    >>> net = cr.Network([4, 8, 3], task="classification", seed=0)
    >>> history = net.fit(X, y, epochs=10)
    >>> estimator = cr.convert.to_sklearn(net)
    >>> estimator.predict_proba(X).shape, bool((estimator.predict(X) == net.predict(X)).all())
    ((150, 3), True)
    """
    blueprint = blueprint_of(model)
    chain = one_chain(blueprint, "to_sklearn")
    layers = _single_logistic(folded(chain, "to_sklearn"), blueprint)
    options = _options_of(layers, blueprint)
    try:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
    except ImportError as error:
        raise ImportError(
            "to_sklearn needs scikit-learn: pip install 'chainrule[sklearn]'"
        ) from error
    # All that scikit-learn keeps it makes itself, in a step with rows of zeros.
    n = layers[-1].n_out
    if blueprint.answers == "values":
        made: Any = MLPRegressor(**options)
        made.partial_fit(_rows(chain, 1), np.zeros((1, n) if n > 1 else 1))
    elif blueprint.answers == "multilabel":
        made = MLPClassifier(**options)
        made.partial_fit(_rows(chain, 2), np.array([[0] * n, [1] * n]), classes=np.arange(n))
    else:
        made = MLPClassifier(**options)
        classes = np.asarray(blueprint.classes)
        made.partial_fit(_rows(chain, len(classes)), classes, classes=classes)
    del made._optimizer, made.loss_
    made.coefs_ = [np.ascontiguousarray(each.weights.T) for each in layers]
    made.intercepts_ = [each.biases for each in layers]
    made.out_activation_ = WORDS[layers[-1].activation]
    made.n_iter_ = made.t_ = made._no_improvement_count = 0
    made.loss_curve_, made.best_loss_ = [], np.inf
    if blueprint.inputs is not None:
        made.feature_names_in_ = np.array(blueprint.inputs, object)
    return made


def _single_logistic(layers: tuple[Layer, ...], blueprint: Blueprint) -> tuple[Layer, ...]:
    """Return layers whose softmax of two, if that is the output, is σ(z_2 - z_1)."""
    last = layers[-1]
    if blueprint.answers != "classes" or (last.activation, last.n_out) != ("softmax", 2):
        return layers
    W, b = last.weights, last.biases
    return (*layers[:-1], Layer(W[1:] - W[:1], b[1:] - b[:1], "sigmoid", 0.0))


def _options_of(layers: tuple[Layer, ...], blueprint: Blueprint) -> dict[str, Any]:
    """Return what makes the estimator, if scikit-learn has one that computes the same."""
    hidden = list(dict.fromkeys(each.activation for each in layers[:-1]))
    if len(hidden) > 1 or not {*hidden} <= {"identity", "sigmoid", "tanh", "relu"}:
        raise ValueError(
            "scikit-learn has one activation for all hidden layers: identity, sigmoid, tanh or "
            f"relu; got {', '.join(hidden)}"
        )
    last, answers = layers[-1], blueprint.answers
    fits = {
        "values": last.activation in ("identity", "exponential"),
        "multilabel": last.activation == "sigmoid" and last.n_out > 1,
        "classes": (last.activation == "softmax" and last.n_out > 2)
        or (last.activation == "sigmoid" and last.n_out != 2 and blueprint.threshold == 0.5),
    }
    if not fits[answers]:
        raise ValueError(
            "scikit-learn has classes of softmax outputs, or of sigmoids, one or more than two, "
            "several labels of sigmoids, and values of identity or exponential outputs; got "
            f"{answers} of {last.n_out} with the output '{last.activation}'"
        )
    options: dict[str, Any] = {
        "hidden_layer_sizes": tuple(each.n_out for each in layers[:-1]),
        **({"activation": WORDS[hidden[0]]} if hidden else {}),
    }
    return options | ({"loss": "poisson"} if last.activation == "exponential" else {})


def _rows(chain: Chain, m: int) -> NDArray[Any]:
    return np.zeros((m, chain.sizes[0]), chain.dtype)


def _of_ours(stack: Stack, estimator: Any) -> Network:
    """Return the network of an estimator of chainrule.sklearn, behind the scalings of the stack."""
    blueprint = blueprint_of(estimator)
    chain = one_chain(blueprint, "from_sklearn")
    if chain.scaling is not None:
        stack.scaling("the input", *chain.scaling)
    for i, layer in enumerate(chain.layers):
        stack.linear(f"layer {i + 2}", layer.weights, layer.biases if chain.bias else None)
        stack.activation(f"layer {i + 2}", layer.activation, layer.parameter)
    if chain.output_scaling is not None:
        stack.scaling("the output", *chain.output_scaling)
    net = stack.network(cost=blueprint.learned_by, classes=blueprint.classes)
    net._answers, net._input_names = blueprint.answers, blueprint.inputs
    return net


def _steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, or what is none as the only one."""
    if type(estimator).__name__ != "Pipeline" or not _is_of_sklearn(estimator):
        return [estimator]
    steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
    return steps or [estimator]


def _is_of_sklearn(given: Any) -> bool:
    return type(given).__module__.partition(".")[0] == "sklearn"


def _check_fitted(given: Any, name: str) -> None:
    if not hasattr(given, name):
        raise ValueError(f"this {type(given).__name__} is not fitted yet: call fit first")


def _centred(centre: Any, spread: Any) -> tuple[Any, Any]:
    """Return (scale, shift) of (x - centre)/spread, each of which may be None."""
    scale = 1.0 if spread is None else 1 / np.asarray(spread, np.float64)
    return scale, 0.0 if centre is None else -np.asarray(centre, np.float64) * scale


def _names_of(estimator: Any) -> tuple[str, ...] | None:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))
