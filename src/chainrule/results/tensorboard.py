"""Training in TensorBoard, by tensorboardX."""

import os
from typing import Any

from chainrule.checks.keywords import known_options


@known_options()
class TensorBoard:
    """A callback that writes the figures of each epoch for TensorBoard, as scalars.

    It needs tensorboardX, ``pip install 'chainrule[tensorboard]'``; to look at them run
    ``tensorboard --logdir FOLDER``.

    Parameters
    ----------
    folder : str or path object
        Of one run; made if there is none. Give each run its own beside the others, ``"runs/a"``.

    Raises
    ------
    ImportError
        Without tensorboardX.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import chainrule as cr
    >>> net = cr.Network([2, 4, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as runs:
    ...     shown = cr.TensorBoard(os.path.join(runs, "a"))
    ...     history = net.fit([[0, 1], [1, 0]], [0, 1], epochs=2, callbacks=shown)
    ...     len(os.listdir(shown.folder))
    1
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = os.fspath(folder)
        _writer_class()

    def on_train_begin(self, net: Any) -> None:
        """Open the folder; what it has of epochs to come is not shown any more."""
        history = net.history
        self._writer = _writer_class()(self.folder, purge_step=history.first_epoch + len(history))

    def on_epoch_end(self, net: Any, history: Any) -> None:
        """Write the figures."""
        names, figures = history.figure_names(), history.figures(len(history) - 1)
        for name, value in zip(names[1:], figures[1:], strict=True):
            self._writer.add_scalar(name, value, figures[0])
        self._writer.flush()  # so that they can be looked at, and are there if it is killed

    def leave_training(self, net: Any, history: Any) -> None:
        """Close the folder, however training has ended."""
        writer = vars(self).pop("_writer", None)  # there is none where training did not begin
        if writer is not None:
            writer.close()

    def __repr__(self) -> str:
        return f"TensorBoard({self.folder!r})"


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "TensorBoard needs tensorboardX: pip install 'chainrule[tensorboard]'"
        ) from error
    return SummaryWriter
