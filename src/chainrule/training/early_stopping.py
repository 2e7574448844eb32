"""Early stopping: training ends when it no longer helps, at the best parameters it has seen."""

from typing import Any

from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_flag, check_name, check_not_negative
from chainrule.checks.other_tools import OF_STOPPING
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.training.callbacks import check_state
from chainrule.training.endings import StopTraining
from chainrule.training.monitor import Monitor


@known_options(OF_STOPPING)
class EarlyStopping:
    """A callback that ends training when a figure has not become better for some epochs.

    The book's "no improvement in ten" (chapter 3) is ``EarlyStopping("validation_accuracy")``.

    Parameters
    ----------
    monitor : str, default "validation_cost"
        What to watch: any figure that the history records for each epoch, also a metric.
    patience : int, default 10
        Stop after so many epochs in a row none of which was the best so far; 1 or more.
    min_change : float, default 0
        By more than so much an epoch must better the best one to count as better.
    restore_best : bool, default True
        At the end of training, whether it was stopped or came to its last epoch, put the parameters
        and the `optimizer_state` back, in place, to what the best epoch left. `epochs_trained`
        stays, so that a later `fit` draws new orders. So they are where an exception ends training,
        as of a cost that is no longer finite. Only Ctrl-C leaves the network as the last finished
        epoch left it, so that training can go on from there; ``stopping.restore(net)`` then goes
        back.
    larger_is_better : bool, optional
        Needed for metrics; else by the figure: of accuracy more is better, of all others less.
    ties : str, default "first"
        Which of several epochs with the best figure is the best one, "first" or "last" (as of an
        accuracy, which has few values). An equal figure is no better one: whichever is kept,
        `patience` counts from the first.

    Attributes
    ----------
    best : float or None
        The best figure of the last `fit`, and
    best_epoch : int or None
        the number of its epoch, as in ``history.epoch``.
    best_parameters : ndarray (n_parameters,) or None
        The network's at the best epoch, read-only, where restore_best keeps them.
    stopped : bool
        Whether the last `fit` was ended by this.
    waited : int
        How many epochs have gone by since the best, since the first of them where there are ties.

    Notes
    -----
    Each `fit` begins anew: the best figure, the count of epochs without a better one and the
    parameters kept belong to that call alone, and a model file has none of them. So a training that
    was interrupted (Ctrl-C; saved and loaded, say) goes on from its last epoch to the same bytes as
    one that never stopped, but with its whole patience again, and the best it can go back to is
    the best of the epochs to come. A `Checkpoint` has them, and `resume` goes on with them. To go
    on after it has stopped is to train from the best epoch's parameters, with the optimiser's state
    as it was there.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5))
    >>> y = X[:, 0] + rng.normal(size=60)
    >>> net = cr.Network([5, 50, 1], hidden="tanh", output="identity", seed=0)
    >>> stopping = cr.EarlyStopping(patience=5)
    >>> history = net.fit(X, y, epochs=1000, validation_split=0.3, callbacks=stopping)
    >>> len(history) - 1 - stopping.best_epoch
    5
    """

    def __init__(
        self,
        monitor: str = "validation_cost",
        patience: int = 10,
        min_change: float = 0.0,
        restore_best: bool = True,
        *,
        larger_is_better: bool | None = None,
        ties: str = "first",
    ):
        self._monitor = Monitor(type(self).__name__, monitor, larger_is_better)
        self.patience = check_count("patience", patience, least=1)
        check_not_negative("min_change", min_change)
        self.min_change = float(min_change)
        self.restore_best = check_flag("restore_best", restore_best)
        self.ties = check_name("ties", ties, ("first", "last"))
        self._begin()

    @property
    def monitor(self) -> str:
        """What is watched."""
        return self._monitor.figure

    @property
    def larger_is_better(self) -> bool | None:
        """Whether more of it is better, if that was given."""
        return self._monitor.larger_is_better

    def _begin(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.stopped = False
        self.waited = 0
        # the best parameters, and the arrays of the optimiser's state
        self._kept: tuple[NDArray[Any], dict[str, NDArray[Any]]] | None = None

    def check_history(self, history):
        """Check that the figure will come, before training begins."""
        self._monitor.check(history)

    def on_train_begin(self, net):
        """Begin anew."""
        self.check_history(net.history)
        self._begin()

    def on_epoch_end(self, net, history):
        """Keep the network if it is the best so far; stop when it has not been for long."""
        figure = history.latest(self.monitor)
        if self._monitor.is_better(figure, self.best, self.min_change):
            self._keep(net)
            self.best, self.best_epoch, self.waited = figure, net.epochs_trained - 1, 0
            return
        if self.ties == "last" and figure == self.best:
            self._keep(net)
            self.best_epoch = net.epochs_trained - 1
        self.waited += 1
        if self.waited >= self.patience:
            self.stopped = True
            raise StopTraining

    def on_train_end(self, net, history):
        """Go back to the best epoch."""
        self.mend(net)

    def mend(self, net):
        """Go back to the best epoch, also where an exception ends training."""
        if self.restore_best and self._kept is not None:
            self.restore(net)

    def settings(self) -> dict[str, Any]:
        """Return what another like this is made of."""
        names = (
            "monitor", "patience", "min_change", "restore_best", "larger_is_better", "ties",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def state(self) -> dict[str, Any]:
        """Return what a `Checkpoint` keeps of the epochs so far."""
        names = ("best", "best_epoch", "stopped", "waited")
        counts: dict[str, Any] = {name: getattr(self, name) for name in names}
        if self._kept is None:
            return counts
        parameters, state = self._kept
        optimizer = {f"optimizer.{name}": values for name, values in state.items()}
        return counts | {"parameters": parameters} | optimizer

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned; where it had stopped, training ends again."""
        check_state(state, best=(float, type(None)), best_epoch=(int, type(None)))
        check_state(state, stopped=bool, waited=int)
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.stopped, self.waited = state["stopped"], state["waited"]
        if "parameters" in state:
            kept = {name: a for name, a in state.items() if name.startswith("optimizer.")}
            kept = {name.removeprefix("optimizer."): a for name, a in kept.items()}
            self._kept = state["parameters"], kept
        if self.stopped:
            raise StopTraining

    @property
    def best_parameters(self) -> NDArray | None:
        """Those of the best epoch of the last `fit`, (n_parameters,), read-only; None without."""
        if self._kept is None:
            return None
        view = self._kept[0].view()
        view.setflags(write=False)
        return view

    def restore(self, net: Model) -> None:
        """Give `net` the parameters and the `optimizer_state` of the best epoch, in place.

        Raises
        ------
        ValueError
            If there is no best epoch, or `net` is another network than the one trained.
        """
        if self._kept is None:
            raise ValueError(
                "there is no best epoch to go back to: fit(..., callbacks=stopping) with "
                "restore_best=True keeps it"
            )
        parameters, state = self._kept
        if (net.parameters.shape, net.dtype) != (parameters.shape, parameters.dtype):
            raise ValueError(
                f"net must have the {parameters.size} parameters in {parameters.dtype} of the "
                f"network that was trained; it has {net.parameters.size} in {net.dtype}"
            )
        pairs = [(net.parameters, parameters)]
        if net.optimizer_state.keys() == state.keys():
            pairs += [(net.optimizer_state[name], values) for name, values in state.items()]
            _core.restore(pairs)
        else:  # of LBFGS, which had fewer pairs then, or of another optimiser
            copies = {name: values.copy() for name, values in state.items()}
            _core.restore(pairs, net.optimizer_state, copies)

    def _keep(self, net):
        if self.restore_best:
            state = {name: values.copy() for name, values in net.optimizer_state.items()}
            self._kept = net.parameters.copy(), state

    def __repr__(self):
        return (
            f"EarlyStopping(monitor={self.monitor!r}, patience={self.patience}, "
            f"min_change={self.min_change}, restore_best={self.restore_best}, "
            f"ties={self.ties!r})"
        )
