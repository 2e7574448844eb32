"""`halving`: successive halving, which spends the epochs on the networks that do best."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from numpy.typing import ArrayLike

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_above_1
from chainrule.checks.other_tools import OF_FIT
from chainrule.network import Network
from chainrule.sweeps.many import members_of, of_all
from chainrule.sweeps.rungs import best_first
from chainrule.sweeps.sweep import Histories, Sweep
from chainrule.training.documented_options import documents_options
from chainrule.training.fit_options import OPTIONS, FitOptions
from chainrule.training.monitor import Monitor


@known_options(OF_FIT)
@documents_options
def halving(
    nets: Sequence[Network],
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    factor: float = 3,
    figure: str = "validation_cost",
    larger_is_better: bool | None = None,
    each: Sequence[Mapping[str, Any]] | None = None,
    **options: Unpack[FitOptions],  # pyright: ignore[reportGeneralTypeIssues]
) -> Histories:
    """Train many networks for a while, the best of them for longer, and few to the end.

    Successive halving (Jamieson and Talwalkar, 2016). After epochs/factor^n epochs one in `factor`
    goes on, with the best figures; after `factor` times as many one in `factor` of these, and so
    on, n times, until fewer than `factor` train for all the epochs. (Where factor^n is more than
    the epochs, the first of these rungs are left out.) None begins anew: each goes on from where it
    stands, to the bits of `fit`. Of K networks all together do at most
    (n + 1)·K·epochs/factor^n epochs.

    Parameters
    ----------
    nets, X, y, each
        As `fit_many` takes them; but `epochs`, those of networks that come to the end, are for all.
    factor : float, default 3
        Above 1.
    figure : str, default "validation_cost"
        What they are compared by: any figure of the history.
    larger_is_better : bool, optional
        Needed for metrics; else by the figure: of accuracy more is better, of all others less.

    Returns
    -------
    Histories
        As `fit_many` does: ``histories.best(figure)`` is the index of the winner.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As `fit_many`.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> y = np.tanh(X @ [1, 2, 3])
    >>> nets = [cr.Network([3, n, 1], output="identity", seed=n) for n in range(1, 10)]
    >>> histories = cr.halving(nets, X, y, epochs=18, validation_split=0.2)
    >>> sorted(map(len, histories))
    [2, 2, 2, 2, 2, 2, 6, 6, 18]
    >>> len(histories[histories.best()])
    18
    """
    epochs = OPTIONS["epochs"].check("epochs", options.get("epochs", OPTIONS["epochs"].default))
    check_above_1("factor", factor)
    monitor = Monitor("halving", figure, larger_is_better)
    cores, shows = of_all(options)
    members = members_of(nets, X, y, each, options, cores)
    for k, member in enumerate(members):
        if member.training.options.epochs != epochs:
            raise ValueError(f"each[{k}] has epochs of its own; those of halving are for all")
        monitor.check(member.training.history)

    def one_in_factor(nets, figures):
        return best_first(figures[figure], monitor.wants_more)[: math.ceil(len(nets) / factor)]

    rungs = rungs_of(len(members), epochs, factor)
    return Sweep(members, cores, shows, rungs, one_in_factor).run()


def rungs_of(count: int, epochs: int, factor: float) -> list[int]:
    """Return after how many epochs one in `factor` goes on, of so many networks."""
    n = 0
    while factor ** (n + 1) <= count * (1 + 1e-9):
        n += 1
    at = [int(epochs / factor ** (n - i) + 1e-9) for i in range(n)]
    return [rung for i, rung in enumerate(at) if rung >= 1 and rung not in at[:i]]
