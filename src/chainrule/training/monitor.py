"""A figure of the history that a callback watches, and when one is better than another."""

import math
from typing import Any

from chainrule.checks.options import check_flag, check_name
from chainrule.checks.other_tools import OF_FIGURES
from chainrule.results.history import History
from chainrule.schedules import MONITORS
from chainrule.training.validation import check_figure

# The figures that say themselves whether more of them is better.
LARGER_IS_BETTER = {name: sign < 0 for name, sign in MONITORS.items()} | {
    "gradient_norm": False,
    "objective": False,
    "penalty": False,
}


class Monitor:
    """What ``monitor=`` of a callback names.

    Parameters
    ----------
    who : str
        The callback's class, for messages.
    figure : str
        A column of the history.
    larger_is_better : bool, optional
        Needed for metrics; else by the figure.
    """

    def __init__(self, who: str, figure: str, larger_is_better: bool | None):
        if not isinstance(figure, str):
            raise TypeError(f"monitor must be the name of a figure; got {figure!r}")
        if larger_is_better is not None:
            check_flag("larger_is_better", larger_is_better)
        self._who, self.figure, self.larger_is_better = who, figure, larger_is_better

    def check(self, history: History) -> None:
        """Raise unless the history will have the figure, and it is known which is better."""
        figures = [name for name in history if name not in ("epoch", "seconds")]
        check_figure(self._who, self.figure, figures)
        check_name("monitor", self.figure, figures, OF_FIGURES)
        if self.larger_is_better is None and self.figure not in LARGER_IS_BETTER:
            raise ValueError(
                f"{self._who}(monitor={self.figure!r}) needs larger_is_better=True or False"
            )

    @property
    def wants_more(self) -> bool:
        """Whether a larger figure is a better one."""
        known = LARGER_IS_BETTER.get(self.figure)
        return bool(known if self.larger_is_better is None else self.larger_is_better)

    def is_better(self, figure: Any, best: float | None, min_change: float = 0.0) -> bool:
        """Whether a figure betters the best by more than min_change; NaN never does."""
        if best is None:
            return not math.isnan(figure)
        return (figure - best if self.wants_more else best - figure) > min_change
