"""The activations a^l = σ(z^l), each with its formula and its derivative.

Over 400 lines for the docstrings alone, which are the reference that `help` shows.

A network takes the name, ``hidden="leaky_relu"``, or, to choose the parameter, an object:

>>> import chainrule as cr
>>> cr.Network([4, 8, 8, 2], hidden=[cr.activations.leaky_relu(slope=0.2), "tanh"], seed=0).hidden
(leaky_relu(slope=0.2), 'tanh')

Objects are immutable, and equal where formula and parameter are. The kernels are in
``csrc/kernels/activations.h``.

An activation of your own is any object with two methods, for a hidden layer or the output:

- ``value(z)`` returns a = σ(z), (m, n_l) for z (m, n_l), neuron by neuron;
- ``slope(z, a)`` returns σ'(z), (m, n_l).

They are called with read-only arrays in the network's dtype, or in float64 to be checked: when a
network is made `slope` is held against differences of `value`
(see `chainrule.model.own_functions`). The arrays are valid during the call; copy what you want to
keep.

>>> import numpy as np
>>> class Sine:
...     def value(self, z):
...         return np.sin(z)
...     def slope(self, z, a):
...         return np.cos(z)
>>> net = cr.Network([4, 8, 2], hidden=Sine(), seed=0)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from chainrule.checks.fields import Checks
from chainrule.checks.formulas import (
    LARGEST,
    Formula,
    UserFormula,
    check_positive_parameter,
    find_formula,
)
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_number
from chainrule.checks.words import words
from chainrule.core import _core


@dataclass(frozen=True, eq=False, repr=False)
class Activation(Formula):
    """An activation σ, with its parameter if it has one."""

    bounds = -math.inf, math.inf  # of a, where they hang by no parameter

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the largest a there is, or comes near."""
        return self.bounds

    @property
    def compiled(self) -> tuple[str, float]:
        """How the core takes it: name and parameter, where one without parameters has any."""
        return self.name, self.parameters[0] if self.parameters else 0.0


class sigmoid(Activation):
    """σ(z) = 1/(1 + e^-z), from 0 to 1; σ' = a(1 - a).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="sigmoid", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0.119, 0.5  , 0.881])
    """

    bounds = 0.0, 1.0


class tanh(Activation):
    """σ(z) = tanh z, from -1 to 1; σ' = 1 - a².

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="tanh", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.964,  0.   ,  0.964])
    """

    bounds = -1.0, 1.0


class relu(Activation):
    """σ(z) = max(z, 0); σ' = 1 for z > 0, else 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="relu", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0., 0., 2.])
    """

    bounds = 0.0, math.inf


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class leaky_relu(Activation):
    """σ(z) = z for z > 0, else slope·z; σ' = 1 or slope.

    Parameters
    ----------
    slope : float, default 0.01
        On the left; 0 or more.

    Examples
    --------
    >>> import chainrule as cr
    >>> kind = cr.activations.leaky_relu(slope=0.2)
    >>> net = cr.Network([1, 1], output=kind, bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.4,  0. ,  2. ])
    """

    slope: float = 0.01

    _checks: ClassVar[Checks] = {
        "slope": partial(
            check_number, valid=lambda x: 0 <= x <= LARGEST, expected="a number from 0 to 1e30"
        )
    }

    @property
    def reach(self) -> tuple[float, float]:
        """All numbers, unless the slope is 0."""
        return (-math.inf if self.slope else 0.0), math.inf


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class elu(Activation):
    """σ(z) = z for z > 0, else α(e^z - 1); σ' = 1 or αe^z (Clevert et al., 2015).

    Parameters
    ----------
    alpha : float, default 1.0
        α > 0: where it levels off on the left.

    Examples
    --------
    >>> import chainrule as cr
    >>> kind = cr.activations.elu(alpha=0.5)
    >>> net = cr.Network([1, 1], output=kind, bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.432,  0.   ,  2.   ])
    """

    alpha: float = 1.0

    _checks: ClassVar[Checks] = {"alpha": check_positive_parameter}

    @property
    def reach(self) -> tuple[float, float]:
        """-α and more."""
        return -self.alpha, math.inf


class selu(Activation):
    """σ(z) = λ elu(z) with α = 1.6732632 and λ = 1.0507010 (Klambauer et al., 2017).

    σ' = λ for z > 0, else λαe^z. With these, and weights from N(0, 1/√n_in) ("lecun"), mean 0 and
    variance 1 stay from layer to layer.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="selu", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-1.52 ,  0.   ,  2.101])
    """

    bounds = -1.0507010 * 1.6732633, math.inf


class softplus(Activation):
    """σ(z) = ln(1 + e^z), a smooth relu; σ' = 1/(1 + e^-z).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="softplus", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0.127, 0.693, 2.127])
    """

    bounds = 0.0, math.inf


class gelu(Activation):
    """σ(z) = z Φ(z) with Φ of the normal distribution; σ' = Φ(z) + zφ(z) (Hendrycks, 2016).

    The exact one, Φ(z) = (1 + erf(z/√2))/2, not an approximation by tanh.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="gelu", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.046,  0.   ,  1.954])
    """

    bounds = -0.1699713, math.inf  # at z = -0.7518


@known_options()
@dataclass(frozen=True, eq=False, repr=False)
class swish(Activation):
    """σ(z) = z s with s = 1/(1 + e^-βz); σ' = s + βz s(1 - s) (Ramachandran et al., 2017).

    Parameters
    ----------
    beta : float, default 1.0
        β > 0. The larger, the more like relu; with 1 also called SiLU.

    Examples
    --------
    >>> import chainrule as cr
    >>> kind = cr.activations.swish(beta=2.0)
    >>> net = cr.Network([1, 1], output=kind, bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.036,  0.   ,  1.964])
    """

    beta: float = 1.0

    _checks: ClassVar[Checks] = {"beta": check_positive_parameter}

    @property
    def reach(self) -> tuple[float, float]:
        """From where βz = -1.2785 on."""
        return -0.2784646 / self.beta, math.inf


class mish(Activation):
    """σ(z) = z t with t = tanh(ln(1 + e^z)); σ' = t + z(1 - t²)/(1 + e^-z) (Misra, 2019).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="mish", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.253,  0.   ,  1.944])
    """

    bounds = -0.3088434, math.inf  # at z = -1.1924


class softsign(Activation):
    """σ(z) = z/(1 + |z|), from -1 to 1; σ' = 1/(1 + |z|)².

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="softsign", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-0.667,  0.   ,  0.667])
    """

    bounds = -1.0, 1.0


class hard_sigmoid(Activation):
    """σ(z) = z/6 + 1/2, cut off at 0 and 1; σ' = 1/6 between, else 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="hard_sigmoid", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0.167, 0.5  , 0.833])
    """

    bounds = 0.0, 1.0


class exponential(Activation):
    """σ(z) = e^z, for rates and other positive outputs; σ' = a.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="exponential", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0.135, 1.   , 7.389])
    """

    bounds = 0.0, math.inf


class identity(Activation):
    """σ(z) = z; σ' = 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="identity", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([-2.,  0.,  2.])
    """


class step(Activation):
    """σ(z) = 1 for z > 0, else 0: the perceptron. It cannot be trained by gradient descent.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([1, 1], output="step", bias=False, dtype="float64")
    >>> net.parameters[:] = 1  # so that z is the input
    >>> net([[-2], [0], [2]]).ravel().round(3)
    array([0., 0., 1.])
    """

    bounds = 0.0, 1.0


class softmax(Activation):
    """a_j = e^{z_j}/Σ_k e^{z_k}, for the output alone; ∂a_k/∂z_j = a_k([j=k] - a_j).

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([3, 3], output="softmax", bias=False, dtype="float64")
    >>> net.weights[0][:] = np.eye(3)  # so that z is the input
    >>> net([1, 2, 3]).round(3)
    array([0.09 , 0.245, 0.665])
    """

    bounds = 0.0, 1.0


ACTIVATIONS: dict[str, type[Activation]] = {name: globals()[name] for name in _core.ACTIVATIONS}

# What other tools call them.
WORDS = words(
    {
        "Use 'swish'.": "silu SiLU",
        "Use 'identity'.": "linear Linear lin purelin none Identity",
        "Use 'sigmoid'.": "logistic logsig expit sigm",
        "Use 'tanh'.": "tansig hyperbolic_tangent",
        "Use 'relu'.": "rectifier rectified_linear ramp",
        "Use 'leaky_relu'.": "leaky lrelu LeakyReLU",
        "Use 'step'.": "heaviside threshold hardlim perceptron",
        "Use 'exponential'.": "exp",
        "Use 'mish'.": "Mish",
        "There is none; 'swish' is near it.": "hard_swish hardswish Hardswish",
        "There is none; 'relu' is near it.": "relu6 ReLU6",
        "There is none; 'leaky_relu' is near it.": "prelu PReLU rrelu",
        "There is none; 'tanh' is near it.": "hard_tanh hardtanh Hardtanh",
        "Use 'softmax', with cost='log_likelihood', which takes the logarithm itself.": ""
        "log_softmax logsoftmax LogSoftmax",
        "Use 'sigmoid', with cost='cross_entropy', which takes the logarithm itself.": ""
        "log_sigmoid logsigmoid LogSigmoid",
    }
)


class OwnActivation(Protocol):
    """What an activation of your own is: any object with these methods."""

    def value(self, z: NDArray[Any], /) -> NDArray[Any]:
        """Return a = σ(z), like z."""
        ...

    def slope(self, z: NDArray[Any], a: NDArray[Any], /) -> NDArray[Any]:
        """Return σ'(z), like z."""
        ...


class UserActivation(UserFormula, Activation):
    """An activation of the user's: an object with value(z) and slope(z, a)."""

    methods = ("value", "slope")

    @property
    def compiled(self) -> tuple[Any, float]:
        """How the core takes it: the object calls Python."""
        return self.function, 0.0


NEURON_BY_NEURON = [name for name in ACTIVATIONS if name != "softmax"]


def find_activation(
    what: str, given: str | Activation, names: Sequence[str] = tuple(ACTIVATIONS)
) -> Activation:
    """Return the activation that `given` is or names, one of `names`; `what` is for the message."""
    return find_formula(what, given, ACTIVATIONS, names, WORDS)


def find_output(given: Any) -> Activation:
    """Return the activation that `given` is or names, or an object of the user's as one."""
    what = "output activation"
    return UserActivation.of(what, given) or find_activation(what, given)


def find_hidden_activation(given: Any) -> Activation:
    """Return the activation of a hidden layer."""
    if "softmax" in (given, getattr(given, "name", None)):
        raise ValueError("softmax is for the output layer; got it as a hidden activation")
    return find_activation("hidden activation", given, NEURON_BY_NEURON)


def find_hidden(hidden: Any, sizes: tuple[int, ...]) -> tuple[Activation, ...]:
    """Return the activations of the hidden layers, for the sizes of all layers."""
    what, layers = "hidden activation", len(sizes) - 2
    if isinstance(hidden, str | Activation):
        return (find_hidden_activation(hidden),) * layers
    if (own := UserActivation.of(what, hidden)) is not None:
        return (own,) * layers
    try:
        given = (hidden,) if isinstance(hidden, Integral) else tuple(hidden)
    except TypeError:
        raise TypeError(
            f"hidden must be a name such as 'tanh', or one for each layer; got {hidden!r}"
        ) from None
    if given and all(isinstance(each, Integral) for each in given):
        meant = [sizes[0], *map(int, given), sizes[-1]]
        raise TypeError(
            f"hidden must be activations; got {hidden!r}. Sizes of hidden layers stand between "
            f"inputs and outputs: Network({meant})"
        )
    found = tuple(UserActivation.of(what, each) or find_hidden_activation(each) for each in given)
    if len(found) != layers:
        names = tuple(each.shown for each in found)
        raise ValueError(
            f"hidden must be one name, or one for each of the {layers} hidden layers; got {names}"
        )
    return found


def check_slope(name: str, activation: object) -> None:
    """Raise if the activation has no derivative to descend by; `name` begins the message."""
    if activation == "step":
        raise ValueError(
            f"{name}, which gradient descent cannot train: a small change of a weight flips an "
            "output or does nothing at all, so the derivative, 0 or none, does not say which way "
            "to go. Use sigmoid instead to train"
        )
