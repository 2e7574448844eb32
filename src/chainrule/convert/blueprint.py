"""What a model computes, in plain arrays: every way out writes from it, and asks no model again.

A row x of a table goes through the preparation, if there is one; then, in each of the K networks,

    a^1 = scale ⊙ x + shift,    a^l = σ_l(W^l a^{l-1} + b^l),    said = out_scale ⊙ a^L + out_shift,

and together they say Σ share_k said_k. Of classes it is then tempered: p^(1/T), whose sum is 1.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import UserActivation
from chainrule.costs import COSTS, Cost
from chainrule.network import Network
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation

Floats = NDArray[np.float64]

# What a network with that output has most likely learned by, where nobody knows.
_USUAL = {"softmax": "log_likelihood", "sigmoid": "cross_entropy", "exponential": "poisson"}


def usual_cost(output: str) -> str:
    """Return the cost that goes with an output, "quadratic" where none does."""
    return _USUAL.get(output, "quadratic")


@dataclass(frozen=True, eq=False)
class Layer:
    """a = σ(Wa + b).

    Attributes
    ----------
    weights : ndarray (n_l, n_{l-1})
        W^l, in the network's dtype.
    biases : ndarray (n_l,)
        b^l, likewise; zeros for a network without.
    activation : str
        The name of σ.
    parameter : float
        Its parameter, such as the slope of leaky_relu; 0 for one that has none.
    """

    weights: NDArray[Any]
    biases: NDArray[Any]
    activation: str
    parameter: float

    @property
    def n_in(self) -> int:
        """n_{l-1}."""
        return self.weights.shape[1]

    @property
    def n_out(self) -> int:
        """n_l."""
        return self.weights.shape[0]


@dataclass(frozen=True, eq=False)
class Chain:
    """One network: layer after layer.

    Attributes
    ----------
    scaling : tuple of ndarray (n_1,), or None
        (scale, shift) of the inputs in float64, the trained scale in them; None if they stay.
    layers : tuple of Layer
        2, ..., L.
    output_scaling : tuple of ndarray (n_L,), or None
        Likewise of the outputs.
    dtype : dtype
        Of its parameters and arithmetic.
    bias : bool
        Whether its neurons have biases; those of one without are zeros.
    trains_scale : bool
        Whether it learns the scale of its inputs too.
    """

    scaling: tuple[Floats, Floats] | None
    layers: tuple[Layer, ...]
    output_scaling: tuple[Floats, Floats] | None
    dtype: np.dtype[Any]
    bias: bool = True
    trains_scale: bool = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What a model computes.

    Attributes
    ----------
    chains : tuple of Chain
        The networks, of which there is one but for an ensemble.
    shares : ndarray (K,)
        How much each counts, in float64; their sum is 1.
    cost : str
        What they have learned by, for files to tell.
    answers : str
        "classes", "multilabel" or "values".
    classes : list, or None
        What the classes are called, as Python's int, float, bool or str, in the order of the
        outputs; None for other answers.
    threshold : float
        With one output for two classes, and for several labels: the output above which it is the
        second class, or has the label.
    inputs : tuple of str, or None
        What the inputs of the model are called; None where nobody named them.
    preparation : Preparation or None
        What makes numbers of a row of a table.
    temperature : float
        T, by which the logarithms of probabilities are divided; 1 changes nothing.
    levels : tuple of float, or None
        Those of the quantiles that the outputs are; they are sorted where a table was learned.
    cost_parameters : tuple
        Of the cost, in the order of its class in `chainrule.costs`.
    """

    chains: tuple[Chain, ...]
    shares: Floats
    cost: str
    answers: str
    classes: list[Any] | None
    threshold: float
    inputs: tuple[str, ...] | None
    preparation: Preparation | None = None
    temperature: float = 1.0
    levels: tuple[float, ...] | None = None
    cost_parameters: tuple[Any, ...] = ()

    @property
    def n_in(self) -> int:
        """Numbers that a network reads; of a table they are the prepared ones."""
        return self.chains[0].sizes[0]

    @property
    def n_out(self) -> int:
        """n_L."""
        return self.chains[0].sizes[-1]

    @property
    def output(self) -> str:
        """The activation of the outputs."""
        return self.chains[0].layers[-1].activation

    @property
    def middle(self) -> int:
        """Which output is the value: that whose level is nearest to 1/2."""
        return int(np.argmin(np.abs(np.subtract(self.levels or (0.5,), 0.5))))

    @property
    def are_probabilities(self) -> bool:
        """Whether outputs are probabilities of classes or labels, of two classes that of one."""
        if self.answers == "values":
            return False
        alone = self.n_out == 1 or self.answers == "multilabel"
        return self.output == "softmax" or (self.output == "sigmoid" and alone)

    @property
    def learned_by(self) -> Cost:
        """The cost as an object; `usual_cost` in the place of one of your own."""
        if self.cost not in COSTS:
            return COSTS[usual_cost(self.output)]()
        kind: Any = COSTS[self.cost]
        found: Cost = kind(*self.cost_parameters)
        return found

    @property
    def activations(self) -> list[tuple[str, float]]:
        """Each activation with its parameter, once, in the order in which they come."""
        layers = [layer for chain in self.chains for layer in chain.layers]
        return list(dict.fromkeys((each.activation, each.parameter) for each in layers))


def blueprint_of(model: Any) -> Blueprint:
    """Return what a network, an ensemble, or an estimator of chainrule computes.

    Parameters
    ----------
    model : Network, Ensemble, Predictor, or a fitted estimator of chainrule.sklearn

    Raises
    ------
    TypeError
        For what is none of these, and for activations that are objects in Python.
    ValueError
        For a network whose scaling is not set yet, for parameters that are not finite, for an
        ensemble whose answer is no mean, for a classifier that has seen one class alone, and for
        classes that are dates.
    """
    if hasattr(type(model), "predict") and hasattr(type(model), "get_params"):
        return _of_estimator(model)
    if isinstance(model, Predictor):
        return _of_predictor(model)
    if isinstance(model, Network):
        return _of_nets((model,), np.ones(1), model)
    if isinstance(model, Ensemble):
        if model._has_moments:
            raise ValueError(
                "an ensemble of cost='gaussian' answers with the variance of a mixture, which is "
                "no mean of outputs; convert its networks one by one, ensemble[0]"
            )
        return _of_nets(model._counting, model._shares, model)
    raise TypeError(
        "expected a Network, an Ensemble, a Predictor, or an estimator of chainrule.sklearn; got "
        f"{type(model).__module__}.{type(model).__qualname__}"
    )


def one_chain(blueprint: Blueprint, way: str) -> Chain:
    """Return the one network that there is, for a way out that has no room for more.

    Raises
    ------
    ValueError
        For an ensemble, and for the model of a table; `way` says what cannot hold it.
    """
    if blueprint.preparation is not None:
        raise ValueError(
            f"{way} holds networks of numbers, not how the rows of a table become numbers; "
            "to_onnx, to_c and to_js write both"
        )
    if len(blueprint.chains) != 1:
        raise ValueError(
            f"{way} holds one network, not an ensemble of {len(blueprint.chains)}; to_onnx, to_c "
            "and to_js write their mean, or give one of them, ensemble[0]"
        )
    return blueprint.chains[0]


def _of_estimator(estimator: Any) -> Blueprint:
    """Return the blueprint of the network or the predictor of a fitted estimator of ours."""
    for name in ("predictor_", "network_"):
        if isinstance(found := getattr(estimator, name, None), Network | Predictor):
            plain = blueprint_of(found)
            if plain.answers != "classes":
                return plain
            return replace(plain, classes=_named(estimator.classes_))
    kind = type(estimator)
    if kind.__module__.partition(".")[0] == "chainrule":
        raise ValueError(f"this {kind.__name__} is not fitted yet: call fit(X, y) first")
    raise TypeError(
        f"expected an estimator of chainrule.sklearn; got {kind.__module__}.{kind.__qualname__}"
    )


def _of_nets(nets: tuple[Network, ...], shares: Floats, model: Any) -> Blueprint:
    """Return the blueprint of networks that answer together as `model`, one of them or all."""
    classes, first = model.classes, nets[0]
    return Blueprint(
        chains=tuple(map(_chain_of, nets)),
        shares=shares,
        cost=first._cost.name,
        answers=model.answers,
        classes=None if classes is None else _named(classes),
        threshold=(first._cost.low + 1) / 2,
        inputs=first.input_names,
        cost_parameters=first._cost.parameters,
    )


def _of_predictor(predictor: Predictor) -> Blueprint:
    plain = blueprint_of(predictor.ensemble)
    chains = plain.chains
    if predictor.classes is None:
        chains = tuple(_in_units(each, predictor.scale, predictor.shift) for each in chains)
    classes = predictor.classes
    return Blueprint(
        chains=chains,
        shares=plain.shares,
        cost=plain.cost,
        answers="values" if classes is None else "classes",
        classes=None if classes is None else _named(classes),
        threshold=plain.threshold,
        inputs=predictor.preparation.names,
        preparation=predictor.preparation,
        temperature=predictor.temperature,
        levels=predictor.levels,
        cost_parameters=plain.cost_parameters,
    )


def _chain_of(net: Network) -> Chain:
    """Return a network's chain, all of whose numbers are its own."""
    net._check_set()
    if net._rounds:
        raise ValueError(
            "this network rounds the factors of its products to bfloat16, which other tools do "
            "not: they would say something else. With net.precision = 'float32' it has the same "
            "parameters, and says what they will say"
        )
    if not np.isfinite(net.parameters).all():
        raise ValueError(
            "expected finite parameters; got NaN or infinity, which no other tool would notice: "
            "chainrule.diagnose(net) says where"
        )
    layers = []
    for i, (W, activation) in enumerate(zip(net.weights, (*net._hidden, net._output), strict=True)):
        if isinstance(activation, UserActivation):
            raise TypeError(
                f"layer {i + 2} has an activation of your own, "
                f"{type(activation.function).__name__}, which is code in Python; only the "
                "activations of chainrule can be converted"
            )
        b = net.biases[i].copy() if net.bias else np.zeros(len(W), W.dtype)
        _, parameter = activation.compiled
        layers.append(Layer(W.copy(), b, activation.name, float(parameter)))
    scaling = net._scaling.for_core
    if net._trainable_scale:
        plain = np.array([np.ones(net.sizes[0]), np.zeros(net.sizes[0])])
        scaling = (plain if scaling is None else scaling) * net.scale.astype(np.float64)
    return Chain(
        _pair(scaling), tuple(layers), _pair(net._output_scaling.for_core), net.dtype,
        net.bias, net._trainable_scale,
    )  # fmt: skip


def _named(classes: NDArray[Any]) -> list[Any]:
    """Return what classes are called, if files can say so."""
    named: list[Any] = classes.tolist()
    if len(named) == 1:
        raise ValueError(
            f"this classifier has seen one class alone, {named[0]!r}, which it always answers "
            "with: fit it to two or more"
        )
    if not all(isinstance(each, int | float | str) for each in named):
        raise ValueError(
            "expected classes that are text, whole numbers or truth values; got "
            f"{type(named[0]).__name__}: fit to text, y.astype(str)"
        )
    return named


def _pair(scaling: Floats | None) -> tuple[Floats, Floats] | None:
    return None if scaling is None else (scaling[0].copy(), scaling[1].copy())


def _in_units(chain: Chain, scale: float, shift: float) -> Chain:
    """Return a chain whose outputs are multiplied by `scale` and moved by `shift` besides."""
    n = chain.sizes[-1]
    factor, offset = chain.output_scaling or (np.ones(n), np.zeros(n))
    scaled = factor * scale, offset * scale + shift
    return replace(chain, output_scaling=scaled)
