"""Parts of another tool's model, one after the other, until they are the layers of a network."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.activations import (
    ACTIVATIONS,
    WORDS,
    Activation,
    UserActivation,
    find_hidden,
    find_output,
)
from chainrule.checks.arrays import as_numbers, as_real
from chainrule.checks.words import hint
from chainrule.convert.assembly import assembled
from chainrule.convert.blueprint import Floats, Layer
from chainrule.costs import Cost
from chainrule.network import Network

Affine = tuple[Floats, Floats]  # (scale, shift), numbers or one for each column


class Stack:
    """A chain of dense layers as it grows.

    Each part is checked as it comes, and refused with a ValueError or TypeError where it does not
    go on from those before; `where` is what it is called in the message.
    """

    def __init__(self) -> None:
        self._weights: list[NDArray[Any]] = []
        self._biases: list[NDArray[Any] | None] = []
        self._activations: list[tuple[str, float] | None] = []
        self._scaling: Affine | None = None
        self._output_scaling: Affine | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L as far as they are known."""
        return (*(W.shape[1] for W in self._weights[:1]), *map(len, self._weights))

    def linear(self, where: str, weights: ArrayLike, biases: ArrayLike | None) -> None:
        """Add z = Wa + b, with W (n_out, n_in) and b (n_out,), or no b."""
        self._check_open(where)
        W = _numbers(f"the weights of {where}", weights)
        if W.ndim != 2 or 0 in W.shape:
            raise ValueError(f"the weights of {where} must be (n_out, n_in); got shape {W.shape}")
        b = None if biases is None else _numbers(f"the biases of {where}", biases)
        if b is not None and b.shape != (len(W),):
            raise ValueError(f"the biases of {where} must be ({len(W)},); got shape {b.shape}")
        if self._weights and len(self._weights[-1]) != W.shape[1]:
            raise ValueError(
                f"layers must fit: {where} reads {W.shape[1]} numbers, the layer before has "
                f"{len(self._weights[-1])}"
            )
        self._weights.append(W)
        self._biases.append(b)
        self._activations.append(None)

    def activation(self, where: str, name: str, parameter: float = 0.0) -> None:
        """Add a = σ(z); "identity" adds nothing."""
        if name not in ACTIVATIONS:
            raise ValueError(
                f"{where} is '{name}', which chainrule does not have."
                f"{hint(name, ACTIVATIONS, WORDS)} Known: {', '.join(ACTIVATIONS)}"
            )
        if name == "identity":
            return
        self._check_open(where)
        if not self._weights:
            raise ValueError(f"{where} stands before all weights; expected a dense layer first")
        if (before := self._activations[-1]) is not None:
            raise ValueError(f"{where} follows '{before[0]}'; expected one activation a layer")
        self._activations[-1] = name, parameter

    def scaling(self, where: str, scale: ArrayLike, shift: ArrayLike) -> None:
        """Add scale ⊙ x + shift, of the inputs or of the outputs, in float64."""
        s, t = (
            as_real(f"the {what} of {where}", each, np.float64)
            for what, each in (("scale", scale), ("shift", shift))
        )
        of_outputs = bool(self._weights)
        before = self._output_scaling if of_outputs else self._scaling
        try:
            s, t = (s, t) if before is None else (before[0] * s, before[1] * s + t)
            np.broadcast_shapes(s.shape, t.shape, self.sizes[-1:] if of_outputs else ())
        except ValueError:
            raise ValueError(
                f"{where} must have a number, or one for each column; got shapes {s.shape} and "
                f"{t.shape}"
            ) from None
        if of_outputs:
            self._output_scaling = s, t
        else:
            self._scaling = s, t

    def activate(self, hidden: Any, output: Any) -> None:
        """Set activations that the parts do not tell, as `Network` takes them; None: none."""
        last = len(self._weights) - 1
        if hidden is not None:
            for i, each in enumerate(find_hidden(hidden, self.sizes)):
                self._activate(i, each)
        if output is not None:
            if (before := self._activations[last]) is not None:
                raise ValueError(f"the model ends in '{before[0]}'; leave output out")
            self._activate(last, find_output(output))

    def network(
        self, *, cost: str | Cost | None = None, classes: ArrayLike | None = None
    ) -> Network:
        """Return the network, in float64 if any of its weights and biases are."""
        has_biases = any(b is not None for b in self._biases)
        layers = []
        for W, b, activation in zip(self._weights, self._biases, self._activations, strict=True):
            b = np.zeros(len(W), W.dtype) if b is None else b
            layers.append(Layer(W, b, *(activation or ("identity", 0.0))))
        return assembled(
            layers,
            scaling=self._scaling or (1.0, 0.0),
            output_scaling=self._output_scaling or (1.0, 0.0),
            classes=classes,
            cost=cost,
            bias=has_biases,
            dtype=np.result_type(np.float32, *(each.weights for each in layers),
                                 *(each.biases for each in layers)),
        )  # fmt: skip

    def _activate(self, i: int, activation: Activation) -> None:
        if isinstance(activation, UserActivation):
            raise TypeError(
                f"expected one of {', '.join(ACTIVATIONS)}; got an activation of your own, "
                f"{activation.name}"
            )
        self._activations[i] = activation.compiled

    def _check_open(self, where: str) -> None:
        if self._output_scaling is not None:
            raise ValueError(
                f"{where} follows a scaling that stands between layers; expected scalings before "
                "the first dense layer or after the last"
            )


def _numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return finite numbers in float32, or in float64 where float32 does not hold their type."""
    given = as_numbers(name, values)
    return as_real(name, given, np.float32 if np.can_cast(given.dtype, np.float32) else np.float64)
