"""What a network keeps of the optimiser of its last `fit`: all in copies, numbers in files."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from chainrule.checks.fields import Checks
from chainrule.checks.options import check_text
from chainrule.schedules import (
    Constant,
    CosineDecay,
    CosLog4,
    ExponentialDecay,
    FlatCosine,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    State,
    StepDecay,
)


@dataclass(frozen=True, eq=False, repr=False)
class Missing(Schedule):
    """In the place of a function, or of a schedule of the user's own, in what a file brought back.

    Model files and pickles of networks hold names and numbers only; a `fit` asks for it.

    Parameters
    ----------
    function : str
        What it was called.
    """

    function: str

    _checks: ClassVar[Checks] = {"function": check_text}

    def check_end(self, state: State, epochs: int) -> None:
        """Raise: there is nothing to go on with."""
        raise ValueError(
            f"the learning rate of the network's last optimiser was {self.function!r}, a function "
            "or an object of your own, which a file cannot hold. Give the optimiser again, with "
            "it: fit(..., optimizer=...)"
        )


# What a file holds of a learning rate that is no number.
SCHEDULES: dict[str, type[Schedule]] = {
    kind.__name__: kind
    for kind in (
        Constant, StepDecay, ExponentialDecay, InverseScaling, CosineDecay, FlatCosine, CosLog4,
        OneCycle, ReduceOnPlateau, Missing,
    )
}  # fmt: skip


def without_function(optimizer: Any) -> Any:
    """Return an optimiser, or None, as files hold it: names and numbers only.

    `Missing` stands in the place of a function or of a schedule of the user's own.
    """
    rate = getattr(optimizer, "learning_rate", None)
    if not (callable(rate) or isinstance(rate, Schedule)) or type(rate) in SCHEDULES.values():
        return optimizer
    return replace(optimizer, learning_rate=Missing(getattr(rate, "__name__", type(rate).__name__)))


@dataclass(frozen=True)
class Carried:
    """An optimiser in the state of a network: copies share it, pickles hold what files do."""

    optimizer: Any

    def __deepcopy__(self, memo: dict[int, Any]) -> "Carried":
        """Return itself: nothing in it changes."""
        return self

    def __reduce__(self) -> tuple[type["Carried"], tuple[Any]]:
        """Leave functions behind, which pickle may not find."""
        return Carried, (without_function(self.optimizer),)
