"""Training in the program's own log, by `logging`."""

from typing import TYPE_CHECKING, Any

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count

if TYPE_CHECKING:
    import logging


@known_options()
class Log:
    """A callback that logs the figures of an epoch, at the level INFO.

    Parameters
    ----------
    logger : logging.Logger or str, optional
        Which to write to, or its name; ``logging.getLogger("chainrule")`` if not given. What
        becomes of a message, the program's configuration of `logging` says.
    every : int, default 1
        Log after every so many epochs, and at the end.

    Examples
    --------
    >>> import logging
    >>> import sys
    >>> import numpy as np
    >>> import chainrule as cr
    >>> logger = logging.Logger("training", logging.INFO)
    >>> logger.addHandler(logging.StreamHandler(sys.stdout))
    >>> net = cr.Network([2, 1], seed=0)
    >>> history = net.fit(np.eye(2), np.ones(2), epochs=10, callbacks=cr.Log(logger, every=5))
    ... # doctest: +ELLIPSIS
    epoch 4: cost=... learning_rate=0.001 seconds=...
    epoch 9: cost=... learning_rate=0.001 seconds=...
    training has ended after 10 epochs
    """

    def __init__(self, logger: "logging.Logger | str | None" = None, every: int = 1):
        import logging  # only here: few programs that train need it

        if logger is None or isinstance(logger, str):
            logger = logging.getLogger(logger or "chainrule")
        if not isinstance(logger, logging.Logger | logging.LoggerAdapter):
            raise TypeError(f"logger must be a logging.Logger or its name; got {logger!r}")
        self.logger = logger
        self.every = check_count("every", every, least=1)

    def settings(self) -> dict[str, Any]:
        """Return what another like this is made of."""
        return {"logger": self.logger.name, "every": self.every}

    def on_epoch_end(self, net: Any, history: Any) -> None:
        """Log the figures."""
        if len(history) % self.every == 0:
            self._log_figures(history)

    def on_train_end(self, net: Any, history: Any) -> None:
        """Log that it has ended, and the figures of the last epoch if they are not logged yet."""
        if len(history) % self.every:
            self._log_figures(history)
        self.logger.info("training has ended after %d epochs", len(history))

    def _log_figures(self, history: Any) -> None:
        names, figures = history.figure_names(), history.figures(len(history) - 1)
        shown = [f"{name}={value:.6g}" for name, value in zip(names, figures, strict=True)]
        self.logger.info("epoch %d: %s", figures[0], " ".join(shown[1:]))

    def __repr__(self) -> str:
        return f"Log({self.logger.name!r}, every={self.every})"
