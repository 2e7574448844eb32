"""The book's ``network2``: chosen costs, L2, better initial weights, monitors, JSON files."""

import json
from pathlib import Path

import numpy as np

from chainrule.book._base import BookNetwork, sigmoid, sigmoid_prime
from chainrule.book._rows import Shuffled, check_list
from chainrule.book.mnist_loader import vectorized_result

__all__ = [
    "CrossEntropyCost",
    "Network",
    "QuadraticCost",
    "load",
    "sigmoid",
    "sigmoid_prime",
    "vectorized_result",
]


class QuadraticCost:
    """C = ½‖a - y‖² for one sample.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.book.network2 import QuadraticCost
    >>> float(QuadraticCost.fn(np.array([[0.5], [1.0]]), np.array([[1.0], [1.0]])))
    0.125
    """

    @staticmethod
    def fn(a, y):
        """Return the cost of the output a where y is wanted, both columns (n_L, 1)."""
        return 0.5 * np.sum((a - y) ** 2)

    @staticmethod
    def delta(z, a, y):
        """Return the error δ^L."""
        return (a - y) * sigmoid_prime(z)


class CrossEntropyCost:
    """C = -Σ y ln a + (1-y) ln(1-a) for one sample, with 0 ln 0 = 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.book.network2 import CrossEntropyCost
    >>> a, y = np.array([[0.5]]), np.array([[1.0]])
    >>> round(float(CrossEntropyCost.fn(a, y)), 4), CrossEntropyCost.delta(0.0, a, y)
    (0.6931, array([[-0.5]]))
    """

    @staticmethod
    def fn(a, y):
        """Return the cost of the output a where y is wanted, both columns (n_L, 1)."""
        return -np.sum(_times_log(y, a) + _times_log(1 - y, 1 - a))

    @staticmethod
    def delta(z, a, y):
        """Return the error δ^L; z plays no part in it."""
        return a - y


def _times_log(x, a):
    """Return x ln a, and 0 where x is 0 whatever a."""
    with np.errstate(divide="ignore"):
        return x * np.log(np.where(x == 0, 1.0, a))


# Any other class with fn and delta is a cost too, which goes through NumPy batch by batch.
COMPILED_COSTS = {QuadraticCost: "quadratic", CrossEntropyCost: "cross_entropy"}


class Network(BookNetwork):
    """The network of the book's chapter 3.

    Parameters
    ----------
    sizes : list of the numbers of neurons n_1 ... n_L
        Drawn by ``default_weight_initializer``.
    cost : class with static functions fn(a, y) and delta(z, a, y)
    dtype : "float64" or "float32"
        An addition to the book's.

    Examples
    --------
    >>> import random
    >>> import numpy as np
    >>> from chainrule.book import network2
    >>> random.seed(0)
    >>> np.random.seed(0)
    >>> net = network2.Network([2, 3, 2], cost=network2.CrossEntropyCost)
    >>> data = [(np.eye(2)[:, [j]], np.eye(2)[:, [j]]) for j in (0, 1)] * 100  # pairs of columns
    >>> found = net.SGD(data, 1, 5, 3.0, monitor_training_accuracy=True)
    Epoch 0 training complete
    Accuracy on training data: 200 / 200
    <BLANKLINE>
    """

    def __init__(self, sizes, cost=CrossEntropyCost, dtype="float64"):
        super().__init__(sizes, dtype)
        self.default_weight_initializer()
        self.cost = cost

    def default_weight_initializer(self):
        """Draw biases from N(0, 1), weights from N(0, 1/√n_in)."""
        self._draw(scaled=True)

    def large_weight_initializer(self):
        """Draw biases and weights from N(0, 1), as in chapter 1."""
        self._draw(scaled=False)

    def SGD(  # noqa: N802 - its name
        self,
        training_data,
        epochs,
        mini_batch_size,
        eta,
        lmbda=0.0,
        evaluation_data=None,
        monitor_evaluation_cost=False,
        monitor_evaluation_accuracy=False,
        monitor_training_cost=False,
        monitor_training_accuracy=False,
        early_stopping_n=0,
    ):
        """Train by mini-batch gradient descent; print and return what is monitored.

        Parameters
        ----------
        training_data : list of pairs of columns (n_1, 1) and (n_L, 1)
            Shuffled in place before each epoch.
        epochs, mini_batch_size : int
        eta, lmbda : the learning rate η and the L2 parameter λ
        evaluation_data : list of pairs (x, class), for the monitors of evaluation
        monitor_... : bool
        early_stopping_n : int
            Stop after so many epochs without a better accuracy on the evaluation data, which must
            be monitored. 0: never. An addition to the book's.

        Returns
        -------
        evaluation_cost, evaluation_accuracy, training_cost, training_accuracy : lists
            An entry for each epoch; empty where not monitored. Accuracies are counts.
        """
        if early_stopping_n and not monitor_evaluation_accuracy:
            raise ValueError("early_stopping_n needs monitor_evaluation_accuracy=True")
        rows = self._training_rows(training_data, mini_batch_size)
        n = len(training_data)
        on_training = _Monitor("training", monitor_training_cost, monitor_training_accuracy)
        on_evaluation = _Monitor("evaluation", monitor_evaluation_cost, monitor_evaluation_accuracy)
        evaluation_rows = None
        if on_evaluation.wanted:
            check_list(evaluation_data, "evaluation_data")
            if rows is not None:
                evaluation_rows = self._rows(evaluation_data, y_is_label=True)
        decay = lmbda / max(n, 1)
        with Shuffled(training_data) as shuffled:
            for j in range(epochs):
                self._train_epoch(
                    j, shuffled, training_data, rows, mini_batch_size, eta, decay, lmbda, n
                )
                print(f"Epoch {j} training complete")
                on_training.look(self, training_data, rows, lmbda, y_is_label=False)
                on_evaluation.look(self, evaluation_data, evaluation_rows, lmbda, y_is_label=True)
                print()
                if early_stopping_n and on_evaluation.epochs_since_best() >= early_stopping_n:
                    break
        return on_evaluation.cost, on_evaluation.accuracy, on_training.cost, on_training.accuracy

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        """Take one step of gradient descent with the mean gradient of a list of pairs (x, y).

        n is the size of the whole training set: weights decay by the factor 1 - ηλ/n.
        """
        self._step(mini_batch, eta, lmbda / n)

    def accuracy(self, data, convert=False):
        """Return the number of pairs whose largest output is the right one.

        Parameters
        ----------
        data : list of pairs (x, y)
        convert : bool
            True where y is a column, as in training data; False where it is the class.
        """
        if self._is_compiled():
            return self._score(self._rows(data, y_is_label=not convert))[1]
        return self._count_right(data, y_is_label=not convert)

    def total_cost(self, data, lmbda, convert=False):
        """Return the mean cost of the pairs plus (λ/2m) Σ‖w‖², m being their number.

        Parameters
        ----------
        data : list of pairs (x, y)
        lmbda : the L2 parameter λ
        convert : bool
            True where y is the class; False where it is a column, as in training data.
        """
        if self._is_compiled():
            cost = self._score(self._rows(data, y_is_label=convert))[0]
        else:
            columns = ((x, vectorized_result(y) if convert else y) for x, y in data)
            cost = sum(self.cost.fn(self.feedforward(x), y) for x, y in columns) / len(data)
        return float(cost) + self._l2(lmbda, len(data))

    def save(self, filename):
        """Write sizes, weights, biases and the name of the cost to a JSON file."""
        record = {
            "sizes": [int(n) for n in self.sizes],
            "weights": [w.tolist() for w in self.weights],
            "biases": [b.tolist() for b in self.biases],
            "cost": _class_of(self.cost).__name__,
        }
        Path(filename).write_text(json.dumps(record), encoding="ascii")

    def _l2(self, lmbda, m):
        return 0.5 * (lmbda / m) * float(sum(np.sum(w**2) for w in self.weights))

    def _delta(self, z, a, y):
        return self.cost.delta(z, a, y)

    def _cost_name(self):
        return COMPILED_COSTS.get(_class_of(self.cost))


class _Monitor:
    """Prints and collects the cost and the accuracy on one data set, as far as they are wanted."""

    def __init__(self, name, wants_cost, wants_accuracy):
        self.name, self.wants_cost, self.wants_accuracy = name, wants_cost, wants_accuracy
        self.wanted = wants_cost or wants_accuracy
        self.cost, self.accuracy = [], []

    def look(self, net, data, rows, lmbda, y_is_label):
        """Measure, after an epoch: both in one pass over the rows, or by the methods of the net."""
        if self.wanted and rows is not None:
            cost, right = net._score(rows)
            cost += net._l2(lmbda, len(rows))
        else:
            cost = net.total_cost(data, lmbda, convert=y_is_label) if self.wants_cost else None
            right = net.accuracy(data, convert=not y_is_label) if self.wants_accuracy else None
        if self.wants_cost:
            self.cost.append(cost)
            print(f"Cost on {self.name} data: {cost}")
        if self.wants_accuracy:
            self.accuracy.append(right)
            print(f"Accuracy on {self.name} data: {right} / {len(data)}")

    def epochs_since_best(self):
        """Epochs after the first one with the best accuracy."""
        return len(self.accuracy) - 1 - self.accuracy.index(max(self.accuracy))


def load(filename, dtype="float64"):
    """Return the Network that a JSON file of ``save`` holds.

    A cost of the user's own is found where it has been put into this module under its name.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> from chainrule.book import network2
    >>> net = network2.Network([2, 3, 2])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.json")
    ...     net.save(path)
    ...     network2.load(path).sizes
    [2, 3, 2]
    """
    record = json.loads(Path(filename).read_text(encoding="utf-8"))
    cost = globals().get(record["cost"])
    if not (hasattr(cost, "fn") and hasattr(cost, "delta")):
        raise ValueError(
            f"'{filename}' names the cost {record['cost']!r}, expected CrossEntropyCost or "
            f"QuadraticCost; put a class of your own into chainrule.book.network2 first"
        )
    net = Network(record["sizes"], cost=cost, dtype=dtype)
    net.weights = [np.array(w, dtype=net.dtype) for w in record["weights"]]
    net.biases = [np.array(b, dtype=net.dtype) for b in record["biases"]]
    return net


def _class_of(cost):
    """Its class, where an object is given in place of a class."""
    return cost if isinstance(cost, type) else type(cost)
