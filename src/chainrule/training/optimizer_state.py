"""What an optimiser and its schedule carry from step to step: `net.optimizer_state`."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import aligned_empty, as_numbers, as_real
from chainrule.schedules import MONITORS

# The dtype and size of what counts. All others, as "average", are like the parameters.
UNSEEN = "unseen"  # there if ReduceOnPlateau has yet to see the last epoch's validation
PLATEAU_DATA = "plateau_data"  # which samples ReduceOnPlateau's best is of: count and checksum
COUNTERS = {"steps": ("uint64", 1), "epochs": ("float64", 1), UNSEEN: ("uint64", 1)}
COUNTERS |= {PLATEAU_DATA: ("uint64", 2)}
COUNTERS |= {f"plateau_{name}": ("float64", 3) for name in MONITORS}


def resumed_state(
    given: dict[str, NDArray],
    optimizer,
    schedule,
    averaging: bool,
    parameters: NDArray,
    steps_per_epoch: int | None,
) -> dict[str, NDArray]:
    """Return the state that a fit goes on with: copies of what is `given`, or its beginning.

    It goes on if `given` is the state of the same kind of optimiser. The average belongs to the
    parameters and goes on with any. A state without "epochs", as the first versions kept it, stands
    where its steps stand, counted in epochs of this fit.

    Raises
    ------
    ValueError, TypeError
        For a state that does not fit the network.
    """
    own = given.keys() - COUNTERS.keys() - {"average"}
    if own != set(optimizer.states) or (optimizer.counts_steps and "steps" not in given):
        given = {name: values for name, values in given.items() if name == "average"}
    state = {}
    for name in optimizer.states:
        state[name] = aligned_empty(parameters.size, parameters.dtype)
        if name in given:
            state[name][:] = like_parameters(name, given[name], parameters)
        else:
            optimizer.begin(name, state[name])
    if averaging:
        state["average"] = aligned_empty(parameters.size, parameters.dtype)
        average = given.get("average", parameters)
        state["average"][:] = like_parameters("average", average, parameters)
    if optimizer.counts_steps:
        state["steps"] = as_counter("steps", given.get("steps", np.zeros(1, np.uint64)))
    if optimizer.counts_steps or schedule.counts_epochs:
        done = np.zeros(1)
        if "epochs" not in given and "steps" in given and steps_per_epoch:
            done = as_counter("steps", given["steps"]) / steps_per_epoch
        state["epochs"] = as_counter("epochs", given.get("epochs", done))
    if schedule.state:
        seen = given.get(schedule.state, schedule.begin())
        state[schedule.state] = as_counter(schedule.state, seen)
        if schedule.state in given:
            also = [PLATEAU_DATA] if schedule.monitor == "cost" else [PLATEAU_DATA, UNSEEN]
            state |= {name: as_counter(name, given[name]) for name in also if name in given}
    return state


Kind = tuple[np.dtype, tuple[int, ...]]  # of an array


def kinds_of(state: dict[str, NDArray]) -> dict[str, Kind]:
    """Return what `check_kept` is to find of a state."""
    return {name: (kept.dtype, kept.shape) for name, kept in state.items() if name != UNSEEN}


def check_kept(state: dict[str, NDArray], kinds: dict[str, Kind]) -> None:
    """Raise unless a state has its arrays, or others of the same kinds.

    While a network is trained its state is in the user's hands, and their numbers may be written.

    Raises
    ------
    ValueError
        For one that is gone, or is no such array.
    """
    for name, kind in kinds.items():
        now: Any = state.get(name)
        is_array = isinstance(now, np.ndarray) and now.flags.carray
        if not is_array or (now.dtype, now.shape) != kind:
            got = f"{type(now).__name__} of shape {np.shape(now)}" if name in state else "none"
            raise ValueError(
                f"{_label(name)} must stay what training began with, a writable {kind[0]} array of "
                f"shape {kind[1]}, whose numbers may be written; got {got}"
            )


def like_parameters(name, values, parameters) -> NDArray:
    """Return a state, checked to be shaped like the parameters."""
    values = as_real(_label(name), values, parameters.dtype)
    if values.shape != parameters.shape:
        raise ValueError(
            f"{_label(name)} must have the shape {parameters.shape} of the parameters; "
            f"got {values.shape}"
        )
    return values


def as_counter(name, values) -> NDArray:
    """Return a checked copy of one of COUNTERS, a state that is not shaped like the parameters."""
    dtype, size = COUNTERS[name]
    values = as_numbers(_label(name), values)
    if values.shape != (size,) or values.dtype.kind not in ("iu" if dtype == "uint64" else "iuf"):
        raise ValueError(
            f"{_label(name)} must be a {dtype} array of {size}; "
            f"got dtype {values.dtype} and shape {values.shape}"
        )
    numbers = values.tolist()  # few: Python is done with them before NumPy has begun
    for count in numbers[:2]:  # of steps; of epochs; of reductions and epochs waited
        # of the first versions' steps some may be beyond a whole epoch
        whole = name == "epochs" or count % 1 == 0
        if not (0 <= count < 2**63 and whole):
            raise ValueError(
                f"{_label(name)} must count in whole numbers from 0 to 2**63 - 1; got {values}"
            )
    if not all(map(math.isfinite, numbers)):
        as_real(_label(name), values, np.float64)  # says which
    return values.astype(dtype)


def _label(name):
    return f'optimizer_state["{name}"]'


def like_state(name: str, values: Any, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of a state, checked to be like the one in whose place it comes."""
    values = np.asarray(values)
    if values.dtype != array.dtype or values.shape != array.shape:
        raise ValueError(
            f'state["{name}"] must be {array.dtype} of shape {array.shape}; '
            f"got {values.dtype} of shape {values.shape}"
        )
    return as_counter(name, values) if name in COUNTERS else like_parameters(name, values, array)
