"""A model in the numbers that its C file has: in the type of its arithmetic, in its order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.blueprint import Blueprint, Chain

MOST_LANES = {"float32": 32, "float64": 16}  # sums side by side, for which processors have room


@dataclass(frozen=True, eq=False)
class Stage:
    """z = b + W a, a = σ(z).

    Attributes
    ----------
    weights : ndarray (n_in, n_out)
        (W^l)ᵀ: what goes out from one neuron stands together.
    biases : ndarray (n_out,)
    activation : str
    parameter : number of the dtype
    """

    weights: NDArray[Any]
    biases: NDArray[Any]
    activation: str
    parameter: Any

    @property
    def lanes(self) -> int:
        """How many sums run side by side: as many for each pass, in the fewest passes."""
        n_out = self.weights.shape[1]
        passes = -(-n_out // MOST_LANES[self.weights.dtype.name])
        return -(-n_out // passes)


@dataclass(frozen=True, eq=False)
class Member:
    """One network: scaling and output_scaling are (scale, shift), or None where all stay."""

    scaling: tuple[NDArray[Any], NDArray[Any]] | None
    stages: tuple[Stage, ...]
    output_scaling: tuple[NDArray[Any], NDArray[Any]] | None
    share: Any

    @property
    def flat(self) -> NDArray[Any]:
        """All parameters: of each layer the weights, then the biases."""
        pieces = [part for each in self.stages for part in (each.weights, each.biases)]
        return np.concatenate([part.ravel() for part in pieces])


@dataclass(frozen=True, eq=False)
class Program:
    """What the C file computes, of a row of numbers, or of prepared inputs of a table's row.

    Attributes
    ----------
    blueprint : Blueprint
        Where it is from.
    dtype : dtype
        float32 or float64: of all numbers here, and of the arithmetic.
    members : tuple of Member
        If one scales its inputs or outputs, all do.
    """

    blueprint: Blueprint
    dtype: np.dtype[Any]
    members: tuple[Member, ...]

    @property
    def n_in(self) -> int:
        """n_1."""
        return self.blueprint.n_in

    @property
    def n_out(self) -> int:
        """n_L."""
        return self.blueprint.n_out

    @property
    def stages(self) -> list[Stage]:
        """Those of all members."""
        return [stage for member in self.members for stage in member.stages]

    @property
    def is_tempered(self) -> bool:
        """Whether probabilities go by a temperature."""
        return self.blueprint.temperature != 1

    @property
    def is_sorted(self) -> bool:
        """Whether outputs are sorted: quantiles of a table."""
        return self.blueprint.levels is not None and len(self.blueprint.levels) > 1

    @property
    def widest(self) -> int:
        """The numbers that each of the two buffers of a network must hold."""
        widths = [len(stage.biases) for stage in self.stages]
        return max(widths + [self.n_in] * (self.members[0].scaling is not None))


def program_of(blueprint: Blueprint, dtype: np.dtype[Any]) -> Program:
    """Return a blueprint in the numbers of a dtype.

    Raises
    ------
    ValueError
        For numbers that the dtype cannot hold.
    """
    scaled = any(chain.scaling is not None for chain in blueprint.chains)
    rescaled = any(chain.output_scaling is not None for chain in blueprint.chains)
    members = []
    for chain, share in zip(blueprint.chains, blueprint.shares, strict=True):
        n_in, n_out = chain.sizes[0], chain.sizes[-1]
        members.append(
            Member(
                _pair(chain.scaling, n_in, dtype) if scaled else None,
                _stages(chain, dtype),
                _pair(chain.output_scaling, n_out, dtype) if rescaled else None,
                dtype.type(share),
            )
        )
    return Program(blueprint, dtype, tuple(members))


def _stages(chain: Chain, dtype: np.dtype[Any]) -> tuple[Stage, ...]:
    return tuple(
        Stage(
            np.ascontiguousarray(_held(layer.weights, dtype, f"weights of layer {l}").T),
            _held(layer.biases, dtype, f"biases of layer {l}"),
            layer.activation,
            _held(np.array(layer.parameter), dtype, f"parameter of layer {l}")[()],
        )
        for l, layer in enumerate(chain.layers, start=2)  # noqa: E741
    )


def _pair(pair: Any, n: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    scale, shift = (np.ones(n), np.zeros(n)) if pair is None else pair
    return _held(scale, dtype, "scale"), _held(shift, dtype, "shift")


def _held(values: NDArray[Any], dtype: np.dtype[Any], what: str) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # what overflows is refused
        held = values.astype(dtype)
    if not np.isfinite(held).all():
        raise ValueError(f"the {what} cannot be held in {dtype}; write dtype='float64'")
    return held
