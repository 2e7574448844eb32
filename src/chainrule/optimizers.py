"""Optimisers: what a step makes of the gradient. The arithmetic is in `csrc/updates.h`."""

from dataclasses import dataclass

from chainrule.options import check_flag, check_number


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum if asked.

    Plain: w ← w - η g, where g is the mini-batch's mean gradient plus l2·w (weights only).
    With momentum μ: v ← μ v - η g and w ← w + v; with Nesterov's look-ahead w ← w + μ v - η g.
    That is the book's momentum (chapter 3); v begins at 0 and belongs to the network
    (`net.optimizer_state["velocity"]`), so that a later `fit` goes on with it.

    Parameters
    ----------
    learning_rate : float, default 0.1
        η, positive.
    momentum : float, default 0
        μ, 0 <= μ < 1.
    nesterov : bool, default False
        Look ahead (Sutskever et al., 2013); needs momentum.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        check_number("learning_rate", self.learning_rate, lambda x: x > 0, "a positive number")
        check_number("momentum", self.momentum, lambda x: 0 <= x < 1, "in 0 <= momentum < 1")
        check_flag("nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True needs momentum above 0, for example momentum=0.9")
