"""Learning curves that grow in a notebook while training goes on."""

import math
import time

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_not_negative
from chainrule.results.pictures import check_matplotlib, png_of
from chainrule.results.progress import in_notebook


@known_options()
class LivePlot:
    """A callback that draws `History.plot` into the output of a notebook's cell, again and again.

    It draws after the first epoch, then after the first epoch to end `seconds` after the last
    drawing (which takes about a tenth of a second), and at the end of training, also where
    `StopTraining` ended it. What ends with an exception (Ctrl-C) leaves the picture as it was last
    drawn; ``net.history.plot()`` there draws all of it.

    It is for notebooks alone, and refuses to begin elsewhere: a window would need an event loop
    beside the training, and many machines have none to show. Use ``fit(..., progress=True)`` there,
    and ``history.plot().figure.savefig("curves.png")`` after it. No figure of pyplot is opened.

    Parameters
    ----------
    seconds : float, default 1
        Pause between two drawings; 0 or more.

    Examples
    --------
    In a notebook::

        history = net.fit(X, y, epochs=1000, validation_split=0.2, callbacks=cr.LivePlot())

    Drawn twice a second:

    >>> import chainrule as cr
    >>> live = cr.LivePlot(seconds=0.5)
    >>> live.seconds
    0.5
    """

    def __init__(self, seconds: float = 1.0):
        check_not_negative("seconds", seconds)
        self.seconds = float(seconds)

    def on_train_begin(self, net):
        """Check that there is where to draw, and what to draw with.

        Raises
        ------
        RuntimeError
            Outside of a notebook.
        ImportError
            If matplotlib is not installed.
        """
        if not in_notebook():
            raise RuntimeError(
                "LivePlot draws into the output of a notebook's cell, and this is no notebook (no "
                "kernel of IPython). Use fit(..., progress=True) here, and after it "
                'history.plot().figure.savefig("curves.png")'
            )
        check_matplotlib("LivePlot")
        self._picture = None  # the one in the cell, once there is one
        self._epochs = 0  # how many it shows
        self._drawn = -math.inf  # when it was

    def on_epoch_end(self, net, history):
        """Draw, if the last time is long enough ago."""
        if time.perf_counter() - self._drawn >= self.seconds:
            self._draw(history)

    def on_train_end(self, net, history):
        """Draw what has come since the last time."""
        if len(history) > self._epochs:
            self._draw(history)

    def _draw(self, history):
        from IPython.display import Image, display  # a notebook has it; nothing else needs it

        image = Image(data=png_of(history.plot), format="png")
        if self._picture is None:
            self._picture = display(image, display_id=True)
        else:
            self._picture.update(image)
        self._epochs, self._drawn = len(history), time.perf_counter()

    def __repr__(self):
        return f"LivePlot(seconds={self.seconds})"
