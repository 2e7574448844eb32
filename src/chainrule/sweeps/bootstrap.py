"""Samples drawn with replacement: for each network of an ensemble rows of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.checks.chosen_rows import as_rows, taken
from chainrule.checks.targets import Targets
from chainrule.network import Network
from chainrule.sweeps.many import checked_each

STREAM = 1  # of random numbers, beside that of a network's seed alone, which draws its parameters


def drawn(
    nets: Sequence[Network],
    X: Any,
    y: Any,
    each: Sequence[Mapping[str, Any]] | None,
    options: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    """Return `each` of `fit_many` with the rows that each network draws.

    The networks settle what classes there are by all rows that they draw from, as a draw may lack
    some.

    Raises
    ------
    ValueError, TypeError
        For data and options that leave nothing to draw from, or that draws would spoil.
    """
    first: dict[int, int] = {}
    for k, net in enumerate(nets):
        if first.setdefault(net.seed, k) != k:
            raise ValueError(
                f"nets[{first[net.seed]}] and nets[{k}] have the same seed, {net.seed}, by which "
                "bootstrap=True would draw the same rows for both; give each its own"
            )
    m = X.shape[0] if getattr(X, "shape", ()) else len(X) if hasattr(X, "__len__") else 0
    return [
        {**own, **_drawn(k, net, m, {"y": y, **options, **own})}
        for k, (net, own) in enumerate(zip(nets, checked_each(each, nets), strict=True))
    ]


def _drawn(k: int, net: Network, m: int, given: Mapping[str, Any]) -> dict[str, Any]:
    y, rows = given["y"], given.get("rows")
    if y is None:
        raise ValueError(
            f"nets[{k}]: bootstrap=True draws rows of arrays, X and y; batches have none"
        )
    if given.get("validation_split") is not None:
        raise ValueError(
            "bootstrap=True draws samples more than once, of which validation_split would hold out "
            "some and train on others; give validation_data"
        )
    if not m:  # which fit refuses
        return {}
    try:
        rows = np.arange(m, dtype=np.int32) if rows is None else as_rows(rows, m)
        targets = Targets(
            taken("y", y, rows, m), len(rows), net.sizes[-1], net.dtype, net._cost, "y",
            net._named, net._output_scaling, answers=net._answers,
            missing=given.get("missing_targets", "refuse"),
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise type(error)(f"nets[{k}]: {error}") from error
    net._settle_answers(targets)
    draws = np.random.default_rng((net.seed, STREAM)).integers(len(rows), size=len(rows))
    return {"rows": rows[draws]}
