"""The book's ``network``: sigmoid neurons, the quadratic cost, mini-batch gradient descent."""

from chainrule.book._base import BookNetwork, sigmoid, sigmoid_prime
from chainrule.book._rows import Shuffled, check_list

__all__ = ["Network", "sigmoid", "sigmoid_prime"]


class Network(BookNetwork):
    """The network of the book's chapter 1.

    Parameters
    ----------
    sizes : list of the numbers of neurons n_1 ... n_L
        All weights and biases are drawn from N(0, 1).
    dtype : "float64" or "float32"
        An addition to the book's.

    Examples
    --------
    >>> import random
    >>> import numpy as np
    >>> from chainrule.book import network
    >>> random.seed(0)
    >>> np.random.seed(0)
    >>> net = network.Network([2, 3, 2])
    >>> data = [(np.eye(2)[:, [j]], np.eye(2)[:, [j]]) for j in (0, 1)] * 100  # pairs of columns
    >>> net.SGD(data, 2, 5, 3.0, test_data=[(x, int(y.argmax())) for x, y in data])
    Epoch 0: 200 / 200
    Epoch 1: 200 / 200
    """

    def __init__(self, sizes, dtype="float64"):
        super().__init__(sizes, dtype)
        self._draw(scaled=False)

    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):  # noqa: N802 - its name
        """Train by mini-batch gradient descent and print a line for each epoch.

        Parameters
        ----------
        training_data : list of pairs of columns (n_1, 1) and (n_L, 1)
            Shuffled in place before each epoch.
        epochs, mini_batch_size : int
        eta : the learning rate η
        test_data : list of pairs (x, class), optional
            Counts the right answers after each epoch.
        """
        rows = self._training_rows(training_data, mini_batch_size)
        if test_data:
            check_list(test_data, "test_data")
            test_rows = None if rows is None else self._rows(test_data, y_is_label=True)
        with Shuffled(training_data) as shuffled:
            for j in range(epochs):
                self._train_epoch(j, shuffled, training_data, rows, mini_batch_size, eta, 0.0)
                if test_data:
                    right = self.evaluate(test_data) if rows is None else self._score(test_rows)[1]
                    print(f"Epoch {j}: {right} / {len(test_data)}")
                else:
                    print(f"Epoch {j} complete")

    def update_mini_batch(self, mini_batch, eta):
        """Take one step of gradient descent with the mean gradient of a list of pairs (x, y)."""
        self._step(mini_batch, eta)

    def evaluate(self, test_data):
        """Return the number of pairs (x, class) whose largest output is the right one."""
        if self._is_compiled():
            return self._score(self._rows(test_data, y_is_label=True))[1]
        return self._count_right(test_data, y_is_label=True)

    def cost_derivative(self, output_activations, y):
        """Return ∂C_x/∂a^L = a^L - y."""
        return output_activations - y

    def _delta(self, z, a, y):
        return self.cost_derivative(a, y) * sigmoid_prime(z)

    def _cost_name(self):
        return "quadratic"
