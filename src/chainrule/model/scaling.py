"""What a network does to inputs before it reads them, and to its outputs before it hands them out.

a^1 = input_scale·x + input_shift, and what is said of it is output_scale·a^L + output_shift: a
target y is learned as (y - output_shift)/output_scale. Where they are "standard", the first `fit`
sets them by the mean and the spread of what it learns from (`chainrule.model.standard`).
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.checks.arrays import as_real
from chainrule.costs import Cost

STANDARD = "standard"
MOST_SHOWN = 8  # numbers of an array


@dataclass(frozen=True)
class Scaling:
    """A checked pair of options: what numbers are multiplied by, and what is added then.

    Attributes
    ----------
    scale, shift : float or ndarray (n,)
        As they were given; arrays in float64, read-only. scale may be "standard".
    for_core : ndarray (2, n) or None
        Both, float64, for each input or output; None where numbers stay as they are.
    is_open : bool
        Whether the first `fit` has yet to set it.
    """

    scale: float | NDArray | str
    shift: float | NDArray
    for_core: NDArray | None
    is_open: bool = field(init=False, repr=False)

    defaults: ClassVar[dict[str, float]]

    def __post_init__(self):
        object.__setattr__(self, "is_open", isinstance(self.scale, str))
        for array in (self.scale, self.shift, self.for_core):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    def __reduce__(self):
        return type(self), (self.scale, self.shift, self.for_core)

    def check_set(self) -> None:
        """Raise if nothing can be said yet, since it is open."""
        if isinstance(self.scale, str):
            scale, shift = self.defaults
            raise ValueError(
                f"the network is not trained yet, and its {scale}='standard' is set by the first "
                f"fit: write net.fit(X, y) before, or give numbers, Network(..., {scale}=..., "
                f"{shift}=...)"
            )

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return self.for_core is not None or isinstance(self.scale, str)

    @property
    def given(self) -> dict[str, float | list[float] | str]:
        """What is not the default, by the names of the options, as numbers and lists."""
        options = zip(self.defaults, (self.scale, self.shift), strict=True)
        numbers = {name: np.asarray(value).tolist() for name, value in options}
        return {name: value for name, value in numbers.items() if value != self.defaults[name]}

    @property
    def shown(self) -> str:
        """The same as keywords, each with a comma after it; of many numbers only some."""
        return "".join(f"{name}={_shown(value)}, " for name, value in self.given.items())


class InputScaling(Scaling):
    """a^1 = scale·x + shift; for_core has a column for each input."""

    defaults: ClassVar = {"input_scale": 1.0, "input_shift": 0.0}

    @cached_property
    def _largest(self):
        return np.abs(self.for_core).max(axis=1).tolist()

    def limit(self, dtype: DTypeLike) -> float:
        """Return a number: where |x| is below it, a^1 is finite in `dtype`, roundings and all."""
        if self.is_open:
            return math.inf
        scale, shift = self._largest
        room = float(np.finfo(dtype).max) / 2 - shift
        return room / scale if scale else math.inf

    def apply(self, x: NDArray, columns: slice | NDArray, dtype: DTypeLike) -> NDArray:
        """Return a^1 of x, whose last axis is that of these columns, with the core's roundings.

        While it is open, x: then only what is infinite or NaN is none.
        """
        if self.for_core is None:
            return x if self.is_open else x.astype(dtype)
        exact = np.can_cast(x.dtype, np.float32)
        precision = dtype if exact else np.float64
        scale, shift = self.for_core[:, columns].astype(precision)
        return (x.astype(precision) * scale + shift).astype(dtype)


class OutputScaling(Scaling):
    """What is said is scale·a^L + shift; for_core has a column for each output.

    scale and shift are of the targets, some of which have more outputs than one.
    """

    defaults: ClassVar = {"output_scale": 1.0, "output_shift": 0.0}

    def learned(self, Y: NDArray) -> NDArray:
        """Return targets Y (m, n) as they are learned, (y - shift)/scale, in float64."""
        scale: Any = self.scale  # a word only while it is open
        return (Y - self.shift) / scale

    def outputs(self, said: NDArray) -> NDArray:
        """Return a^L (m, n_L) of what is said of it, in float64."""
        if self.for_core is None:
            return said.astype(np.float64)
        return (said - self.for_core[1]) / self.for_core[0]


SCALINGS = InputScaling.defaults | OutputScaling.defaults


def as_input_scaling(scale: ArrayLike, shift: ArrayLike, n_in: int, dtype) -> InputScaling:
    """Return the options as `InputScaling`, for n_in inputs and a network of that dtype.

    Raises
    ------
    ValueError, TypeError
        For what is not finite in `dtype`, and neither a number nor (n_in,) numbers.
    """
    kept, columns = _checked(InputScaling, scale, shift, n_in, dtype, "input")
    return InputScaling(*kept, columns if _changes(InputScaling, columns) else None)


def as_output_scaling(
    scale: ArrayLike, shift: ArrayLike, cost: Cost, n_out: int, dtype
) -> OutputScaling:
    """Return the options as `OutputScaling`, for n_out outputs that are learned by `cost`.

    Raises
    ------
    ValueError, TypeError
        Likewise; for a scale that is not above 0, and a cost whose targets have no units.
    """
    n = n_out // cost.outputs_per_target
    kept, columns = _checked(OutputScaling, scale, shift, n, dtype, "target")
    changes = isinstance(scale, str) or _changes(OutputScaling, columns)
    if changes and not cost.has_units:
        raise ValueError(
            "output_scale and output_shift are for costs of numbers in units, such as "
            f"cost='quadratic'; got them with cost='{cost.name}', whose outputs mean something else"
        )
    if columns is None or not changes:
        return OutputScaling(*kept, None)
    if not (columns[0] > 0).all():
        raise ValueError(f"output_scale must be above 0; got {scale!r}")
    return OutputScaling(*kept, np.array(cost.in_units(*columns)))


def _checked(
    kind: type[Scaling], scale: Any, shift: Any, n: int, dtype, of: str
) -> tuple[tuple[Any, Any], NDArray | None]:
    """Return (scale, shift) as they are kept, and both for each of n (2, n), None if open."""
    scale_name, shift_name = kind.defaults
    if isinstance(scale, str):
        if scale != STANDARD:
            raise TypeError(
                f"{scale_name} must hold real numbers, or be {STANDARD!r}; got {scale!r}"
            )
        if not np.array_equal(shift, kind.defaults[shift_name]):
            raise ValueError(
                f"{shift_name} is set together with {scale_name}='standard', by the first fit; "
                "leave it out, or give numbers for both"
            )
        return (scale, kind.defaults[shift_name]), None
    kept = []
    for name, value in ((scale_name, scale), (shift_name, shift)):
        rounded = as_real(name, value, dtype)
        if rounded.shape not in ((), (n,)):
            raise ValueError(
                f"{name} must be a number, or one for each {of}, ({n},); got shape {rounded.shape}"
            )
        kept.append(np.array(value, np.float64) if rounded.ndim else float(value))
    return (kept[0], kept[1]), np.array([np.broadcast_to(each, n) for each in kept], np.float64)


def _changes(kind, columns):
    """Whether numbers do not stay as they are; nothing is known where `columns` is None."""
    return columns is not None and (columns != [[each] for each in kind.defaults.values()]).any()


def _shown(value):
    if not isinstance(value, list) or len(value) <= MOST_SHOWN:
        return repr(value)
    return f"[{value[0]}, {value[1]}, ..., {value[-1]}]"
