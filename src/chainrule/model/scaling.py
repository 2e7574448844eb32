"""What a network does to its inputs before it reads them: a^1 = scale·x + shift."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.checks.arrays import as_real

DEFAULTS = {"input_scale": 1.0, "input_shift": 0.0}
MOST_SHOWN = 8  # numbers of an array


@dataclass(frozen=True)
class Scaling:
    """Checked options `input_scale` and `input_shift` of a network.

    Attributes
    ----------
    scale, shift : float or ndarray (n_1,)
        As they were given; arrays in float64, read-only.
    for_core : ndarray (2, n_1) or None
        Both, float64, as they were given; None where a^1 is x.
    """

    scale: float | NDArray
    shift: float | NDArray
    for_core: NDArray | None

    def __post_init__(self):
        for array in (self.scale, self.shift, self.for_core):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    def __reduce__(self):
        return Scaling, (self.scale, self.shift, self.for_core)

    def __bool__(self) -> bool:
        """Whether a^1 is another than x."""
        return self.for_core is not None

    @cached_property
    def _largest(self):
        return np.abs(self.for_core).max(axis=1).tolist()

    def limit(self, dtype: DTypeLike) -> float:
        """Return a number: where |x| is below it, a^1 is finite in `dtype`, roundings and all."""
        scale, shift = self._largest
        room = float(np.finfo(dtype).max) / 2 - shift
        return room / scale if scale else math.inf

    def apply(self, x: NDArray, columns: slice | NDArray, dtype: DTypeLike) -> NDArray:
        """Return a^1 of x, whose last axis is that of these columns, with the core's roundings."""
        if self.for_core is None:
            return x.astype(dtype)
        exact = np.can_cast(x.dtype, np.float32)
        precision = dtype if exact else np.float64
        scale, shift = self.for_core[:, columns].astype(precision)
        return (x.astype(precision) * scale + shift).astype(dtype)

    @property
    def given(self) -> dict[str, float | list[float]]:
        """What is not the default, by the names of the options, as numbers and lists."""
        options = zip(DEFAULTS, (self.scale, self.shift), strict=True)
        numbers = {name: np.asarray(value).tolist() for name, value in options}
        return {name: value for name, value in numbers.items() if value != DEFAULTS[name]}

    @property
    def shown(self) -> str:
        """The same as keywords, each with a comma after it; of many numbers only some."""
        return "".join(f"{name}={_shown(value)}, " for name, value in self.given.items())

    def chain(self, by_input: NDArray) -> None:
        """Make derivatives by a^1, (..., n_1), those by x: ∂/∂x_k = scale_k ∂/∂a^1_k."""
        if self.for_core is not None:
            by_input *= self.for_core[0].astype(by_input.dtype)


def as_scaling(scale: ArrayLike, shift: ArrayLike, n_in: int, dtype) -> Scaling:
    """Return the options as `Scaling`, for n_in inputs and a network of that dtype.

    Raises
    ------
    ValueError, TypeError
        For what is not finite in `dtype`, and neither a number nor (n_in,) numbers.
    """
    kept: list[float | NDArray] = []
    rows = []
    given: tuple[Any, Any] = (scale, shift)  # whether it is a number as_real says
    for name, value in zip(DEFAULTS, given, strict=True):
        rounded = as_real(name, value, dtype)
        if rounded.shape not in ((), (n_in,)):
            raise ValueError(
                f"{name} must be a number, or one for each input, ({n_in},); "
                f"got shape {rounded.shape}"
            )
        kept.append(np.array(value, np.float64) if rounded.ndim else float(value))
        rows.append(np.broadcast_to(kept[-1], n_in))
    scaling = np.array(rows, np.float64)
    changes = (scaling != np.array(list(DEFAULTS.values()))[:, None]).any()
    return Scaling(kept[0], kept[1], scaling if changes else None)


def _shown(value):
    if not isinstance(value, list) or len(value) <= MOST_SHOWN:
        return repr(value)
    return f"[{value[0]}, {value[1]}, ..., {value[-1]}]"
