"""Networks that belong together: checked before they are trained, or asked, as one."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.model.model import check_network
from chainrule.network import Network


def checked_nets(given: Network | Iterable[Network]) -> list[Network]:
    """Return networks as a list, or one alone.

    Raises
    ------
    TypeError
        For what is none.
    ValueError
        For one that is there twice, and for none at all.
    """
    nets = [given] if isinstance(given, Network) else list(given)
    first: dict[int, int] = {}
    for k, net in enumerate(nets):
        check_network(net, f"nets[{k}]")
        if id(net) in first:
            raise ValueError(f"nets[{first[id(net)]}] and nets[{k}] are one; give net.copy()")
        first[id(net)] = k
    if not nets:
        raise ValueError("nets must hold networks; got none")
    return nets


def check_free(nets: Iterable[Network]) -> None:
    """Raise RuntimeError for a network that is in training elsewhere."""
    for k, net in enumerate(nets):
        try:
            net._in_training.check_free("Train a copy, net.copy(), or wait")
        except RuntimeError as error:
            raise RuntimeError(f"nets[{k}]: {error}") from error


def check_alike(nets: Sequence[Network]) -> None:
    """Raise unless a mean of what networks say has a meaning.

    Raises
    ------
    ValueError
        With the first network that answers another question than one before it.
    """
    known: dict[str, tuple[int, Any]] = {}
    for k, net in enumerate(nets):
        for what, value in _asked_of(net):
            first, wanted = known.setdefault(what, (k, value))
            if value != wanted:
                raise ValueError(
                    "the networks of an ensemble answer the same question, whatever is between "
                    f"inputs and outputs: nets[{first}] has {what} {wanted!s:.200}, nets[{k}] "
                    f"{value!s:.200}"
                )


def settled(nets: Sequence[Network]) -> Network:
    """Return the first network that knows from training what it answers with, or else the first."""
    return next((net for net in nets if net._answers is not None), nets[0])


def _asked_of(net: Network) -> Iterable[tuple[str, Any]]:
    """Yield all that must be alike, by what it is called; what training settles, once it has."""
    yield "inputs", net.sizes[0]
    yield "outputs", net.sizes[-1]
    yield "output", net._output
    yield "cost", net._cost
    if net.input_names is not None:
        yield "input_names", net.input_names
    if net._answers is not None:
        yield "answers", net.answers
        if net.classes is not None:
            yield "classes", [_shown(each) for each in net.classes]


def _shown(label: Any) -> Any:
    """Return a class so that 1 is not True."""
    return np.asarray(label).item() if np.asarray(label).dtype.kind != "b" else str(label)
