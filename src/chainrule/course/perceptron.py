"""The perceptron: a step unit with a bias or a threshold, and the rule by which it learns."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_inputs, as_numbers, as_real
from chainrule.checks.keywords import known_options
from chainrule.checks.options import (
    check_count,
    check_name,
    check_number,
    check_positive,
    check_seed,
)
from chainrule.course.pocket import Search, fires


class Perceptron:
    """A perceptron: output 1 where w·x + b > 0, else 0.

    The bias is the negative threshold: w·x > threshold says the same.

    Parameters
    ----------
    weights : array (n,)
        w, finite; n >= 1.
    bias : float
        b, finite.

    Attributes
    ----------
    weights : ndarray (n,) of float64
        Read-only; `fit` puts a new array in its place.
    bias, threshold : float
        b and -b.

    Raises
    ------
    ValueError, TypeError
        For weights or a bias that are not finite real numbers of these shapes.

    Examples
    --------
    The book's NAND gate (chapter 1):

    >>> from chainrule import Perceptron
    >>> nand = Perceptron([-2, -2], 3)
    >>> nand([0, 1]), nand([1, 1])
    (1, 0)
    >>> nand([[0, 0], [0, 1], [1, 0], [1, 1]])
    array([1, 1, 1, 0])
    >>> nand.threshold
    -3.0
    """

    def __init__(self, weights: ArrayLike, bias: float):
        weights = as_real("weights", weights, "float64")
        if weights.ndim != 1 or weights.size == 0:
            raise ValueError(f"weights must be (n,), n >= 1; got shape {weights.shape}")
        check_number("bias", bias, lambda b: True, "a finite number")
        self._keep(np.append(weights, float(bias)))

    @classmethod
    def from_threshold(cls, weights: ArrayLike, threshold: float) -> "Perceptron":
        """Return the perceptron whose output is 1 where w·x > threshold."""
        check_number("threshold", threshold, lambda t: True, "a finite number")
        return cls(weights, 0.0 - threshold)

    @property
    def weights(self) -> NDArray:
        """The weights w, (n,), read-only."""
        return self._parameters[:-1]

    @property
    def bias(self) -> float:
        """The bias b."""
        return float(self._parameters[-1])

    @property
    def threshold(self) -> float:
        """What w·x must exceed for an output of 1: -b."""
        return 0.0 - self.bias

    def __call__(self, x: ArrayLike) -> int | NDArray:
        """Return the output for x (n,), 0 or 1, or an int array (m,) of them for x (m, n).

        Raises
        ------
        ValueError, TypeError
            For inputs that are not finite real numbers of these shapes.
        OverflowError
            Where w·x + b leaves the range of float64.
        """
        x = as_real("x", x, "float64")
        n = self.weights.size
        if x.ndim not in (1, 2) or x.shape[-1] != n:
            raise ValueError(f"x must be (samples, {n}), or ({n},); got shape {x.shape}")
        outputs = fires(self._parameters, np.atleast_2d(x)).astype(int)
        return int(outputs[0]) if x.ndim == 1 else outputs

    @known_options(name="Perceptron.fit")
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        learning_rate: float = 1.0,
        mode: str = "stochastic",
        max_epochs: int = 1000,
        seed: int | None = None,
    ) -> "PerceptronReport":
        """Learn to tell two kinds of points apart, from the present weights on.

        A point is misclassified where the output is not its label. With labels y = ±1 it then has
        y(w·x + b) <= 0, so that over the set M of misclassified points the cost

            C = -Σ_M y(w·x + b)

        is never negative, and 0 where M is empty. Its gradient is

            ∂C/∂w = -Σ_M y x,    ∂C/∂b = -Σ_M y,

        and a step against it *adds*: w ← w + η y x and b ← b + η y, for one misclassified point
        at a time (Rosenblatt, 1958), or summed over M. One widespread set of slides prints the
        gradient and the update with the wrong sign, and b - η x for the bias; these are the right
        ones.

        If some plane separates the two kinds, the stochastic rule finds one: from zero weights,
        after at most (R/γ)² updates, where R is the largest ‖(x, 1)‖ and γ the margin of any
        plane through the origin that separates the points (x, 1) (Novikoff, 1962). If none does,
        the weights never settle. Then those with the fewest misclassified points are kept, by the
        pocket algorithm with ratchet (S. I. Gallant, Perceptron-based learning algorithms, IEEE
        Transactions on Neural Networks 1, 1990): the misclassified points are counted at the
        start of every epoch, and after any run of right answers longer than those of the weights
        that have been in the pocket. An interruption (Ctrl-C) leaves the weights of the pocket too.

        Parameters
        ----------
        X : array (m, n)
            Points, one a row; finite.
        y : array (m,)
            Labels: 0 and 1, or -1 and +1.
        learning_rate : float, default 1
            η, positive. From zero weights it scales them and changes nothing else.
        mode : str, default "stochastic"
            stochastic: an update for each point that is misclassified when its turn comes, in a
            new random order each epoch. batch: one update an epoch, summed over M.
        max_epochs : int, default 1000
            When to give up.
        seed : int, optional
            Decides the orders (`numpy.random.default_rng`); drawn if not given.

        Returns
        -------
        PerceptronReport

        Raises
        ------
        ValueError, TypeError
            For data or options that do not fit, before anything changes.
        OverflowError
            Where w·x + b leaves the range of float64; the weights are those of the pocket.

        Warns
        -----
        UserWarning
            If points are still misclassified after `max_epochs`; it says how many.

        Examples
        --------
        >>> from chainrule import Perceptron
        >>> p = Perceptron([0, 0], 0)
        >>> p.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1], mode="batch")
        PerceptronReport(updates=3, epochs=4, converged=True, errors=0)
        >>> p.weights, p.bias
        (array([1., 1.]), -1.0)
        """
        points = as_inputs(as_real("X", X, "float64"), self.weights.size, "float64")
        m = len(points)
        positive = as_kinds(y, m)
        check_positive("learning_rate", learning_rate)
        check_name("mode", mode, ("stochastic", "batch"))
        max_epochs = check_count("max_epochs", max_epochs, least=1)
        rng = np.random.default_rng(check_seed(seed))

        search = Search(self._parameters, points, positive, float(learning_rate))
        try:
            while search.epochs < max_epochs:
                search.epochs += 1
                misclassified = search.try_pocket()
                if not misclassified.any():
                    break
                if mode == "batch":
                    search.update(misclassified)
                else:
                    search.sweep(rng.permutation(m))
            else:
                search.try_pocket()
        finally:
            self._keep(search.pocket.parameters)
        errors = search.pocket.errors
        if errors:
            warnings.warn(
                f"{errors} of {m} points are still misclassified after {max_epochs} epochs, "
                "by the best weights seen, which are kept. Perhaps no plane separates the two "
                "kinds of points; if one does, a larger max_epochs may find it (and a larger "
                "learning_rate, where steps are too small beside the weights to change them)",
                stacklevel=2,
            )
        return PerceptronReport(search.updates, search.epochs, errors == 0, errors)

    def _keep(self, parameters):
        """Take (w, b), (n + 1,), in one assignment, so that an interruption cannot part them."""
        parameters.flags.writeable = False
        self._parameters = parameters

    def __setstate__(self, state):
        """Keep what is copied or unpickled read-only too."""
        self._keep(state["_parameters"])

    def __repr__(self):
        return f"Perceptron({self.weights.tolist()}, {self.bias})"


@dataclass(frozen=True)
class PerceptronReport:
    """What a call of `Perceptron.fit` did.

    Attributes
    ----------
    updates : int
        How many were made, such too as were lost in the rounding of much larger weights.
    epochs : int
        Passes over the points; the last of them finds none misclassified, if it can.
    converged : bool
        Whether no point is left misclassified.
    errors : int
        Points misclassified by the weights kept.

    Examples
    --------
    >>> import chainrule as cr
    >>> learner = cr.Perceptron([0, 0], 0)
    >>> report = learner.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [1, 1, 1, 0])  # NAND
    >>> report.converged, report.errors
    (True, 0)
    """

    updates: int
    epochs: int
    converged: bool
    errors: int


def as_kinds(y, m):
    """Return whether each label is 1, (m,); the others are all 0, or all -1."""
    given = as_numbers("y", y, "; labels are 0 and 1, or -1 and +1")
    if given.shape != (m,):
        raise ValueError(f"y must have a label for each of the {m} points, (m,); got {given.shape}")
    known = [given == -1, given == 0, given == 1]
    unknown = ~np.any(known, axis=0)
    if unknown.any():
        where = int(np.argmax(unknown))
        raise ValueError(f"y must hold labels 0 and 1, or -1 and +1; y[{where}] is {given[where]}")
    if known[0].any() and known[1].any():
        raise ValueError("y must hold labels 0 and 1, or -1 and +1; got both 0 and -1")
    return known[2]
