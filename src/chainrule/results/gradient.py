"""What backpropagation gives back: gradients shaped like the network, and the trace of a pass."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from numpy.typing import NDArray


def layer_views(
    flat: NDArray, sizes: Sequence[int], bias: bool
) -> tuple[list[NDArray], list[NDArray], NDArray]:
    """Return the views of flat (..., n_parameters) for W^2 ... W^L, b^2 ... b^L, and s.

    They are (..., n_l, n_{l-1}), (..., n_l), and (..., n_1); there are no biases without `bias`. s
    is what comes after these, (..., 0) of a network without one.
    """
    weights, biases, start = [], [], 0
    for n_in, n_out in pairwise(sizes):
        end = start + n_out * n_in
        weights.append(flat[..., start:end].reshape(*flat.shape[:-1], n_out, n_in))
        start = end
        if bias:
            biases.append(flat[..., start : start + n_out])
            start += n_out
    return weights, biases, flat[..., start:]


def shapes(arrays: list[NDArray]) -> str:
    """Write the shapes of arrays one after another."""
    return ", ".join(str(array.shape) for array in arrays) or "none"


class Gradient:
    """Derivatives with respect to every parameter, shaped like the network's.

    Of the mean cost from `Network.backprop`; of each sample's own cost, with an axis (m, ...) in
    front, from `Network.trace`.

    Attributes
    ----------
    parameters : ndarray (..., n_parameters)
        The whole gradient, flat.
    weights, biases : list of ndarray
        ∂C/∂W^l (..., n_l, n_{l-1}) and ∂C/∂b^l (..., n_l): views into `parameters`.
    scale : ndarray (..., n_1)
        ∂C/∂s of a network with trainable_scale, likewise; of others empty, (..., 0).
    cost : float or None
        The mean cost of the same samples, where it was computed.
    inputs : ndarray (m, n_1) or None
        ∂C_i/∂x_i of each sample's own cost, not divided by m, where it was asked for.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> gradient = net.backprop([[0.5, -1.0], [2.0, 0.0]], [[1.0], [0.0]])
    >>> [w.shape for w in gradient.weights], [b.shape for b in gradient.biases]
    ([(3, 2), (1, 3)], [(3,), (1,)])
    >>> net.parameters -= 0.1 * gradient.parameters  # a step of gradient descent by hand
    """

    def __init__(
        self,
        parameters: NDArray,
        sizes: Sequence[int],
        bias: bool,
        cost: float | None = None,
        inputs: NDArray | None = None,
    ):
        self.parameters = parameters
        self.cost = cost
        self.inputs = inputs
        self._shape = sizes, bias

    @cached_property
    def _layers(self):  # made when they are asked for: to make them takes as long as small batches
        return layer_views(self.parameters, *self._shape)

    @property
    def weights(self) -> list[NDArray]:
        """∂C/∂W^l, (..., n_l, n_{l-1}) each: views into `parameters`."""
        return self._layers[0]

    @property
    def biases(self) -> list[NDArray]:
        """∂C/∂b^l, (..., n_l) each, likewise."""
        return self._layers[1]

    @property
    def scale(self) -> NDArray:
        """∂C/∂s, (..., n_1), likewise; empty where the inputs have no scale to train."""
        return self._layers[2]

    def __repr__(self):
        cost = "" if self.cost is None else f"; cost {self.cost:.4g}"
        return (
            f"<{type(self).__name__}: weights {shapes(self.weights)}; "
            f"biases {shapes(self.biases)}{cost}>"
        )


class Sensitivity(Gradient):
    """The derivatives of each output a^L_q for one sample: how a small change moves the outputs.

    Δa^L_q ≈ Σ ∂a^L_q/∂w Δw + Σ ∂a^L_q/∂b Δb + Σ ∂a^L_q/∂x Δx.

    Attributes
    ----------
    parameters : ndarray (n_L, n_parameters)
        ∂a^L_q/∂ of all parameters; ``sensitivity.parameters @ step`` estimates Δa^L.
    weights, biases : list of ndarray
        ∂a^L_q/∂W^l (n_L, n_l, n_{l-1}) and ∂a^L_q/∂b^l (n_L, n_l): views into `parameters`.
    inputs : ndarray (n_L, n_1)
        ∂a^L_q/∂x.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], dtype="float64", seed=0)
    >>> x, step = np.array([0.5, -1.0]), np.array([1e-3, 0.0])
    >>> told = net.sensitivity(x).inputs @ step
    >>> bool(np.allclose(told, net(x + step) - net(x), rtol=1e-2))
    True
    """

    def __init__(self, parameters: NDArray, sizes: Sequence[int], bias: bool, inputs: NDArray):
        super().__init__(parameters, sizes, bias, inputs=inputs)


class Trace:
    """z^l, a^l and δ^l of every sample, (m, n_l) each, for l = 2 ... L.

    Attributes
    ----------
    z, a, delta : list of ndarray
    gradients : Gradient or None
        Of each sample's own cost, weights (m, n_l, n_{l-1}) and biases (m, n_l), if asked for.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> trace = net.trace([[0.5, -1.0], [2.0, 0.0]], [[1.0], [0.0]])
    >>> trace
    <Trace: z, a and delta, each (2, 3), (2, 1)>
    >>> trace.delta[-1].shape  # δ^L, a row for each sample
    (2, 1)
    """

    def __init__(
        self,
        z: list[NDArray],
        a: list[NDArray],
        delta: list[NDArray],
        gradients: Gradient | None = None,
    ):
        self.z = z
        self.a = a
        self.delta = delta
        self.gradients = gradients

    def __repr__(self):
        return f"<Trace: z, a and delta, each {shapes(self.z)}>"
