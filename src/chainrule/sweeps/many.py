"""`fit_many`: many networks trained at once, each to the bits that its `fit` alone comes to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack

from numpy.typing import ArrayLike

from chainrule.checks.at_hand import at_hand
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag, check_function
from chainrule.checks.other_tools import OF_FIT
from chainrule.checks.threads import check_threads
from chainrule.checks.words import hint
from chainrule.network import Network
from chainrule.sweeps.members import check_free, checked_nets
from chainrule.sweeps.rungs import Choice, check_rungs
from chainrule.sweeps.sweep import Histories, Member, Sweep
from chainrule.training.callbacks import Callbacks, keeps_state
from chainrule.training.documented_options import documents_options
from chainrule.training.fit import prepare
from chainrule.training.fit_options import OPTIONS, FitOptions


@known_options(OF_FIT)
@documents_options
def fit_many(
    nets: Sequence[Network],
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    each: Sequence[Mapping[str, Any]] | None = None,
    rungs: int | Sequence[int] | None = None,
    on_rung: Choice | None = None,
    **options: Unpack[FitOptions],  # pyright: ignore[reportGeneralTypeIssues]
) -> Histories:
    """Train many networks on the same X at once, on all cores, without copies or processes.

    Each comes to the same bits as by its own ``net.fit(X, y, **options)``, whatever the others do.
    While there are as many networks as cores, each has one; the last ones share the cores. A
    network that fails or diverges stops no other. Ctrl-C leaves each at its last finished epoch.

    Parameters
    ----------
    nets : sequence of Network
        Of any sizes, activations, costs, dtypes and seeds, none of them twice.
    X : array (m, n_1), frame or sparse matrix, or an iterable of batches
        As in `fit`; it is there once for all. Batches are gone through by each on its own.
    y : array (m, n_L), or labels (m,)
        As in `fit`.
    each : sequence of dict, optional
        For each network options of its own, which count before the others, and maybe its "y".
        Callbacks that keep something of a training (`EarlyStopping`, `Checkpoint`) belong here.
        They are called in other threads than the caller's, those of one network never at once.
    rungs : int, or sequence of int, optional
        Every so many epochs, or after these, all wait for each other, and
    on_rung : function of (nets, figures), optional
        says which go on: indices into its nets, or a mask; None: all. The others end as they stand,
        as by `StopTraining`. Its nets are those that have not failed nor been left out, in their
        order, also such as have ended by themselves; figures has their latest by name, an array of
        one each, NaN where one has none. It may write to their `parameters` and to the arrays of
        `optimizer_state`. It is called in the caller's thread.
    progress : bool, default False
        Show on stderr how many are done and running, the best, the rate and the time left.

    Returns
    -------
    Histories
        A list of the histories; ``.failed`` has the exceptions, by index, ``.rungs`` who went on.

    Raises
    ------
    ValueError, TypeError
        For networks, data or options that do not fit, with the index, before anything changes.
    RuntimeError
        For a network that is in training elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> nets = [cr.Network([4, 8, 2], seed=seed) for seed in range(10)]
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> histories = cr.fit_many(nets, X, y, optimizer=cr.Adam(0.01), epochs=5)
    >>> len(histories), histories.failed
    (10, {})
    >>> def better_half(nets, figures):
    ...     return figures["cost"] <= np.median(figures["cost"])
    >>> histories = cr.fit_many(nets, X, y, epochs=9, rungs=[2, 4], on_rung=better_half)
    >>> sorted(len(history) for history in histories)
    [2, 2, 2, 2, 2, 4, 4, 9, 9, 9]
    """
    cores, shows = of_all(options)
    members = members_of(nets, X, y, each, options, cores)
    if (rungs is None) != (on_rung is None):
        raise ValueError("rungs and on_rung belong together: when all wait, and what is done then")
    if on_rung is not None:
        check_function("on_rung", on_rung)
    longest = max(member.training.options.epochs for member in members)
    return Sweep(members, cores, shows, check_rungs(rungs, longest), on_rung).run()


def of_all(options: Any) -> tuple[int, bool]:
    """Take out of the options of `fit` how many cores all have, and whether to show progress."""
    cores = max(check_threads(options.pop("threads", None)))
    return cores, check_flag("progress", options.pop("progress", False))


def members_of(nets: Any, X: Any, y: Any, each: Any, options: Any, cores: int) -> list[Member]:
    """Return the trainings that `fit_many` is asked for, all checked, before anything changes."""
    nets = checked_nets(nets)
    check_free(nets)
    own = [
        _with_callbacks(given, f"nets[{k}]: ") for k, given in enumerate(checked_each(each, nets))
    ]
    options = _with_callbacks(options)
    _check_common(options, own)
    by_batches = [k for k, given in enumerate(own) if given.get("y", y) is None]
    if by_batches and len(nets) > 1 and isinstance(X, Iterator):
        raise ValueError(
            f"a {type(X).__name__} can be gone through only once, not by {len(nets)} networks; "
            "give the function that makes it"
        )
    if not by_batches:
        X = at_hand("X", X)
    options = _with_data_at_hand(options)
    members = []
    for k, net in enumerate(nets):
        given: Any = {**options, **own[k], "threads": max(1, cores // len(nets))}
        try:
            members.append(Member(net, prepare(net, X, given.pop("y", y), given)))
        except (ValueError, TypeError) as error:
            raise type(error)(f"nets[{k}]: {error}") from error
    return members


def _with_data_at_hand(options):
    """Return the options with inputs of validation_data that no network copies."""
    data = options.get("validation_data")
    if not isinstance(data, tuple | list) or len(data) < 2:
        return options
    return options | {"validation_data": (at_hand("validation X", data[0]), *data[1:])}


def checked_each(each: Any, nets: Sequence[Network]) -> list[Mapping[str, Any]]:
    """Return the options of each network's own.

    Raises
    ------
    ValueError, TypeError
        For what is no dict of options for each.
    """
    if each is None:
        return [{}] * len(nets)
    each = list(each)
    if len(each) != len(nets):
        raise ValueError(f"each must have a dict for each of {len(nets)} nets; got {len(each)}")
    known = dict.fromkeys(["y", *(name for name in OPTIONS if name not in _OF_ALL)])
    for k, own in enumerate(each):
        if not isinstance(own, Mapping):
            raise TypeError(f"each[{k}] must be a dict of options; got {type(own).__name__}")
        for name in own:
            if name not in known:
                raise TypeError(
                    f"each[{k}] has no option {name!r}.{hint(name, known, _OF_ALL)} "
                    f"Known: {', '.join(known)}"
                )
    return each


_OF_ALL = dict.fromkeys(["threads", "progress"], "It is for all networks: fit_many(...).")
_OF_ALL["comm"] = "It is for one network over several processes: net.fit(..., comm=)."


def _check_common(options: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> None:
    """Raise for what only one training can have: processes, and callbacks that keep something."""
    if options.get("comm") is not None:
        raise ValueError(
            "comm is for one network over several processes, net.fit(..., comm=); fit_many trains "
            "many in this one"
        )
    first: dict[int, int] = {}
    for k, given in enumerate(own):
        for callback in given.get("callbacks", options.get("callbacks", ())):
            is_of_one = keeps_state(callback) or hasattr(callback, "join_training")
            if is_of_one and first.setdefault(id(callback), k) != k:
                raise ValueError(
                    f"nets[{first[id(callback)]}] and nets[{k}] have one callback: "
                    f"{type(callback).__name__} can be of one training alone; give each network "
                    'its own, each=[{"callbacks": ...}, ...]'
                )


def _with_callbacks(options: Mapping[str, Any], where: str = "") -> Mapping[str, Any]:
    """Return options whose callbacks, which may be an iterator, can be gone through again."""
    if "callbacks" not in options:
        return options
    try:
        return {**options, "callbacks": Callbacks(options["callbacks"]).given}
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}{error}") from error
