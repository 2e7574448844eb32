"""Samples that several networks are asked about: checked and converted once, not by each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.checks.arrays import Inputs, as_asked
from chainrule.checks.threads import check_threads
from chainrule.core import _core
from chainrule.model import passes
from chainrule.network import Network

TILE = 512  # rows that the core takes together at most, or a part of these
MOST_NUMBERS = 2**22  # of all networks, that are looked at together


class Asked:
    """X, once for all networks that read the same of it.

    Parameters
    ----------
    nets : sequence of Network
    X : array (m, n_1), or (n_1,) for a single sample
    threads : int, optional

    Attributes
    ----------
    single : bool
        Whether X was a single sample.

    Raises
    ------
    ValueError, TypeError
        For what any of the networks would not take.
    """

    def __init__(self, nets: Sequence[Network], X: ArrayLike, threads: int | None = None):
        self._nets, self._threads = nets, check_threads(threads)
        scalings: dict[tuple, list[Any]] = {}
        for net in nets:
            net._check_set()
            scalings.setdefault(_kind(net), []).append(net._scaling)
        names = next((net.input_names for net in nets if net.input_names is not None), None)
        self._inputs: dict[tuple, Inputs] = {}
        self.single = False
        for kind, found in scalings.items():
            scaling: Any = _Strictest(found)
            self._inputs[kind], self.single = as_asked(
                X, nets[0].sizes[0], kind[0], scaling=scaling, names=names
            )
        self._shape = len(next(iter(self._inputs.values()))), nets[0].sizes[-1]

    def __len__(self) -> int:
        return self._shape[0]

    def inputs_of(self, net: Network) -> Inputs:
        """Return X (m, n_1) as a network takes it."""
        return self._inputs[_kind(net)]

    def outputs(self, net: Network, out: NDArray | None = None) -> NDArray:
        """Return what a network says, (m, n_L)."""
        return passes.outputs(net, self.inputs_of(net), self._threads, out)

    def mean(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ shares_k a_k over the networks in their order, (m, n_L), in float64."""
        total = np.zeros(self._shape)
        said: dict[np.dtype, NDArray] = {}
        for net, share in zip(self._nets, shares.tolist(), strict=True):
            said[net.dtype] = self.outputs(net, said.get(net.dtype))
            _core.add_scaled(total.reshape(-1), said[net.dtype].reshape(-1), share)
        return total

    def together(
        self, some: slice, ask: Callable[..., NDArray] = passes.outputs
    ) -> NDArray[np.float64]:
        """Return what each says of some samples, (K, samples, n_L), in float64."""
        said = [ask(net, self.inputs_of(net)[some], self._threads) for net in self._nets]
        return np.array(said, np.float64)

    def pieces(self) -> Iterator[slice]:
        """Yield the samples a piece at a time, so that no result depends on how many there are."""
        rows = MOST_NUMBERS // (len(self._nets) * self._shape[1])
        rows = max(TILE, rows // TILE * TILE)
        count = max(1, len(self) // rows)
        for i in range(count):
            yield slice(i * rows, len(self) if i == count - 1 else (i + 1) * rows)


def _kind(net: Network) -> tuple[np.dtype, bool]:
    """Return by what X is converted."""
    return net.dtype, bool(net._scaling)


class _Strictest:
    """Scalings of inputs at once: what is read is finite if it is so by each (`checks/arrays`)."""

    is_open = False

    def __init__(self, scalings: Sequence[Any]):
        self._scalings = scalings

    def __bool__(self) -> bool:
        return bool(self._scalings[0])

    def check_set(self) -> None:
        """Do nothing: all are set."""

    def limit(self, dtype: DTypeLike) -> float:
        """Return the least of all limits."""
        return min(scaling.limit(dtype) for scaling in self._scalings)

    def apply(self, x: NDArray, columns: Any, dtype: DTypeLike) -> NDArray:
        """Return the largest |a^1| that any reads."""
        largest = np.abs(self._scalings[0].apply(x, columns, dtype))
        for scaling in self._scalings[1:]:
            np.maximum(largest, np.abs(scaling.apply(x, columns, dtype)), out=largest)
        return largest
