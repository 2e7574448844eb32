"""Inputs with what is given in the place of a cost: its derivative by each sample's outputs."""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import Inputs, as_inputs, as_real
from chainrule.checks.frames import names_of
from chainrule.checks.sample_weights import weights_of
from chainrule.checks.samples import Shape
from chainrule.core import _core


class GivenGradients:
    """Checked inputs X (m, n_1), and ∂C_i/∂a^L or ∂C_i/∂z^L of each of them.

    The core takes them as it takes `Samples`, and so does what goes by these four attributes.

    Parameters
    ----------
    net : Model
    X, sample_weight
        As `Network.fit` takes them.
    output_gradient : array (m, n_L), or None
        ∂C_i by each output as the network says it, in its units where outputs are scaled.
    output_delta : array (m, n_L), or None
        ∂C_i/∂z^L; exactly one of the two is given.

    Attributes
    ----------
    X : ndarray (m, n_1) or SparseRows
    deltas : ndarray (m, n_L)
        By a^L or z^L, in the network's dtype.
    weights : ndarray (m,), or None
    exponent : int
        The power of two that was taken out of the weights.
    given : int
        Which of `_core.GIVEN` they are.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit.
    """

    def __init__(self, net: Shape, X, output_gradient=None, output_delta=None, sample_weight=None):
        n, scaling = net.sizes[0], net._scaling
        self.X: Inputs = as_inputs(X, n, net.dtype, scaling=scaling, names=net.input_names)
        self.names = names_of("X", X)
        name = "output_delta" if output_gradient is None else "output_gradient"
        self.given = _core.GIVEN.index(name)
        scale = net._output_scaling.for_core if output_delta is None else None
        given: Any = output_gradient if output_delta is None else output_delta
        deltas = as_real(name, given, net.dtype if scale is None else np.float64)
        shape = len(self.X), net.sizes[-1]
        if deltas.shape != shape and not (shape[1] == 1 and deltas.shape == shape[:1]):
            raise ValueError(
                f"{name} must be {shape}, a number for each output of each sample; "
                f"got shape {deltas.shape}"
            )
        deltas = deltas.reshape(shape)
        if scale is not None:
            deltas = as_real(f"{name}, by a^L,", deltas * scale[0], net.dtype)
        self.deltas = deltas
        self.weights: NDArray | None = None
        self.exponent = 0
        if sample_weight is not None:
            self.weights, self.exponent = weights_of(
                "sample_weight", sample_weight, None, self.X, net.dtype
            )

    @property
    def for_core(self) -> tuple[Inputs, NDArray, None, NDArray | None, None]:
        """X, what is given, no labels, and the weights of samples; none of outputs."""
        return self.X, self.deltas, None, self.weights, None

    def unweighted(self) -> "GivenGradients":
        """Return the same, all of which count alike."""
        other = copy.copy(self)
        other.weights, other.exponent = None, 0
        return other

    def __len__(self) -> int:
        return len(self.X)


def check_one_way(y, output_gradient, output_delta, output_weight) -> bool:
    """Return whether derivatives are given in the place of y; exactly one of the three must be.

    Raises
    ------
    TypeError, ValueError
        For none or several, and for weights of outputs beside what is no cost.
    """
    ways = {"y": y, "output_gradient": output_gradient, "output_delta": output_delta}
    named = [name for name, value in ways.items() if value is not None]
    if len(named) != 1:
        raise TypeError(
            "give exactly one of y, output_gradient and output_delta: targets of the cost, or "
            f"∂C/∂a^L or ∂C/∂z^L in its place; got {' and '.join(named) or 'none of them'}"
        )
    if y is None and output_weight is not None:
        raise ValueError(
            f"output_weight counts each target of a cost; multiply {named[0]} by it in its place"
        )
    return y is None
