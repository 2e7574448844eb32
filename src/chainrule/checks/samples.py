"""The samples that `fit` trains on, as arrays."""

from chainrule.arrays import Targets, as_inputs
from chainrule.sample_weights import weights_of
from chainrule.validation import split_rows


class Samples:
    """Checked samples with their targets and weights.

    Parameters
    ----------
    net : Network
    X, y, sample_weight, class_weight
        As `fit` takes them.
    """

    def __init__(self, net, X, y, sample_weight, class_weight):
        self.X = as_inputs(X, net.sizes[0], net.dtype)
        self.targets = Targets(y, len(self.X), net.sizes[-1], net.dtype, net._cost)
        self.weights = weights_of(sample_weight, class_weight, self.targets, net.dtype)
        net._check_delta(self.targets)

    def hold_out(self, share: float, seed: int):
        """Take some samples out, those that `split_rows` says; return their inputs and targets."""
        rows, held_out = split_rows(len(self), share, seed)
        taken = self.X[held_out], self.targets.of_rows(held_out)
        self.X, self.targets = self.X[rows], self.targets.of_rows(rows)
        if self.weights is not None:
            self.weights = self.weights[rows]
            if not self.weights.any():
                raise ValueError("the weights of all samples that are not held out are 0")
        return taken

    @property
    def for_core(self):
        """X, Y, labels and weights, as the core takes them."""
        return self.X, self.targets.Y, self.targets.labels, self.weights

    def __len__(self):
        return len(self.X)
