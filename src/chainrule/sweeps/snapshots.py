"""`Snapshots`: networks of one training for an ensemble (Huang et al., 2017)."""

import copy
from typing import Any

from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count
from chainrule.network import Network
from chainrule.results.history import History
from chainrule.sweeps.ensemble import Ensemble
from chainrule.training.callbacks import check_state


@known_options()
class Snapshots:
    """A callback that keeps a copy of the network after every so many epochs.

    With a learning rate that comes down and jumps up again in each of these cycles, the copies are
    of different minima: an ensemble for the price of one training.

    Parameters
    ----------
    every : int
        N: after every N epochs of a `fit`.
    most : int, optional
        Keep the latest so many alone; all if not given.

    Attributes
    ----------
    networks : list of Network
        The copies of the last `fit`, the oldest first, each as the network was after its
        `epochs_trained`, without optimiser state and history.

    Notes
    -----
    Each `fit` begins anew. A `Checkpoint` keeps the copies, and `resume`, which is to be given the
    callbacks again, goes on with them. In `fit_many` each network has its own.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> net = cr.Network([1, 8, 1], task="regression", seed=0)
    >>> cycles = cr.SGD(lambda e: 0.1 * (1 + np.cos(np.pi * (e % 10) / 10)))
    >>> snapshots = cr.Snapshots(every=10, most=3)
    >>> history = net.fit(X, X**2, optimizer=cycles, epochs=50, callbacks=snapshots)
    >>> [each.epochs_trained for each in snapshots.ensemble]
    [30, 40, 50]
    """

    def __init__(self, every: int, most: int | None = None):
        self.every = check_count("every", every, least=1)
        self.most = None if most is None else check_count("most", most, least=1)
        self.networks: list[Network] = []
        self._net: Network | None = None  # that is trained

    @property
    def ensemble(self) -> Ensemble:
        """Of the copies, all of which count alike.

        Raises
        ------
        ValueError
            If there are none yet.
        """
        if not self.networks:
            raise ValueError(
                "there are no snapshots yet: fit(..., callbacks=snapshots) keeps the first after "
                f"{self.every} epochs"
            )
        return Ensemble(self.networks)

    def on_train_begin(self, net: Network) -> None:
        """Begin anew."""
        self._net, self.networks = net, []

    def on_epoch_end(self, net: Network, history: History) -> None:
        """Keep a copy, after every so many epochs."""
        if len(history) % self.every == 0:
            self._keep(net, net.epochs_trained, net.parameters)

    def on_train_end(self, net: Network, history: History) -> None:
        """Let the network go."""
        self._net = None

    def state(self) -> dict[str, Any]:
        """Return what a `Checkpoint` keeps."""
        return {
            "epochs": [each.epochs_trained for each in self.networks],
            "parameters": [each.parameters for each in self.networks],
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on with what `state` returned."""
        check_state(state, epochs=list, parameters=list)
        assert self._net is not None  # training begins before
        for epochs, parameters in zip(state["epochs"], state["parameters"], strict=True):
            self._keep(self._net, epochs, parameters)

    def _keep(self, net: Network, epochs: int, parameters: NDArray[Any]) -> None:
        twin = copy.copy(net)
        twin.optimizer_state, twin.history = {}, None
        twin.parameters, twin.epochs_trained = parameters, epochs
        self.networks.append(twin)
        if self.most is not None:
            del self.networks[: -self.most]

    def __repr__(self) -> str:
        return f"Snapshots(every={self.every}, most={self.most})"
