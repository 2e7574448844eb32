"""The search for a perceptron's weights: Rosenblatt's rule, with Gallant's pocket for the best.

`Perceptron.fit` documents both. (w, b) is one array (n + 1,) here. `fires` is the perceptron's own
rule, whether it outputs 1, which `Perceptron` asks for its answers too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.core import _core

SMALLEST_BLOCK, LARGEST_BLOCK = 16, 4096  # points classified at once in a sweep


class Pocket(NamedTuple):
    """The best weights seen."""

    parameters: NDArray  # (w, b), (n + 1,)
    errors: int
    run: int  # the longest run of right answers of any weights that were in the pocket
    updates: int  # how many had been made: says whether these are the present weights


class Search:
    """A search for weights: those under way, and the best so far in the pocket."""

    def __init__(self, parameters, X, positive, learning_rate):
        self.parameters = parameters.copy()
        self.X, self.positive = X, positive
        self.steps = np.where(positive, learning_rate, -learning_rate)  # η y, (m,)
        self.epochs = self.updates = 0
        self.run = 0  # points classified right since the last update
        self.pocket = Pocket(parameters.copy(), len(X) + 1, 0, 0)

    def misclassified(self, points=slice(None)):
        """Return for each of these points whether it is misclassified."""
        return fires(self.parameters, self.X[points]) != self.positive[points]

    def try_pocket(self):
        """Pocket the weights if they are the best; return the misclassified points, a mask (m,)."""
        mask = self.misclassified()
        errors = int(np.count_nonzero(mask))
        if errors < self.pocket.errors:
            run = max(self.run, self.pocket.run)
            self.pocket = Pocket(self.parameters.copy(), errors, run, self.updates)
        return mask

    def update(self, points):
        """Add to the weights, over these points: w ← w + η Σ y x and b ← b + η Σ y."""
        steps = self.steps[points]
        with np.errstate(over="ignore", invalid="ignore"):  # `fires` will notice
            self.parameters[:-1] += steps @ self.X[points]
            self.parameters[-1] += steps.sum()
        self.updates += 1
        self.run = 0

    def sweep(self, order):
        """Visit the points in this order, and update by each that is then misclassified.

        The next one is looked for in blocks that grow until it is found.
        """
        start, size = 0, SMALLEST_BLOCK
        while start < len(order):
            points = order[start : start + size]
            mask = self.misclassified(points)
            found = bool(mask.any())
            right = int(mask.argmax()) if found else len(points)
            self.run += right
            start += right + found
            size = SMALLEST_BLOCK if found else min(2 * size, LARGEST_BLOCK)
            if found:
                self.compare_runs()
                self.update(slice(points[right], points[right] + 1))

    def compare_runs(self):
        """Count where the run that has just ended is longer than any of a pocket before."""
        if self.run <= self.pocket.run:
            return
        if self.pocket.updates == self.updates:  # the run of the pocket's own weights
            self.pocket = self.pocket._replace(run=self.run)
        else:
            self.try_pocket()


def fires(parameters, X):
    """Whether w·x + b > 0 for each row x of X (m, n); parameters are (w, b), (n + 1,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        z = X @ parameters[:-1] + parameters[-1]
    if not _core.all_finite(z):
        raise OverflowError(
            "w·x + b leaves the range of float64; scale the inputs to about -1 ... 1, and the "
            "weights with them"
        )
    return z > 0
