"""What the book's two Network classes share."""

import numpy as np

import chainrule
from chainrule.book._rows import Rows, check_list
from chainrule.checks.options import check_count
from chainrule.core import _core
from chainrule.model.passes import evaluate
from chainrule.results.history import History
from chainrule.training.endings import diverged

# A method that a subclass, or an assignment, has replaced is not passed over: where one of these
# comes from elsewhere, training and scoring go through the methods, batch by batch.
HOOKS = (
    "feedforward", "backprop", "update_mini_batch", "cost_derivative",
    "evaluate", "accuracy", "total_cost",
)  # fmt: skip


class BookNetwork:
    """A network of sigmoid neurons with the attributes and methods of the book's Network.

    ``weights`` and ``biases`` are ordinary lists of ordinary arrays, (n_l, n_{l-1}) and (n_l, 1).
    Training replaces the arrays, and never writes into one that the caller may have kept.

    Attributes
    ----------
    num_layers, sizes, weights, biases : as in the book
    dtype : np.dtype, float64 (the book's) or float32
    """

    def __init__(self, sizes, dtype):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.dtype = np.dtype(dtype)

    def _draw(self, scaled):
        """Draw biases then weights from N(0, 1), weights over √n_in if scaled."""
        randn = np.random.randn  # this generator, in this order: seeded runs replay
        self.biases = [randn(n, 1).astype(self.dtype) for n in self.sizes[1:]]
        self.weights = []
        for n_in, n in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            w = randn(n, n_in) / np.sqrt(n_in) if scaled else randn(n, n_in)
            self.weights.append(w.astype(self.dtype))

    def feedforward(self, a):
        """Return a^L for the input a: (n_1, 1) to (n_L, 1), or m columns at once."""
        for w, b in zip(self.weights, self.biases, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def backprop(self, x, y):
        """Return the gradient of the cost of one sample by BP1 to BP4.

        Parameters
        ----------
        x, y : columns (n_1, 1) and (n_L, 1)
            Of m columns side by side the gradients are summed.

        Returns
        -------
        nabla_b, nabla_w : lists of arrays shaped like ``biases`` and ``weights``
        """
        z, a = [], [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            z.append(w @ a[-1] + b)
            a.append(sigmoid(z[-1]))
        # A cost sees one column at a time: it need not work neuron by neuron.
        columns = [slice(i, i + 1) for i in range(x.shape[1])]
        delta = np.hstack([self._delta(z[-1][:, i], a[-1][:, i], y[:, i]) for i in columns])  # BP1
        nabla_b, nabla_w = [], []
        for layer in reversed(range(len(self.weights))):
            nabla_b.insert(0, delta.sum(axis=1, keepdims=True))  # BP3
            nabla_w.insert(0, delta @ a[layer].T)  # BP4
            if layer > 0:
                delta = (self.weights[layer].T @ delta) * sigmoid_prime(z[layer - 1])  # BP2
        return nabla_b, nabla_w

    def _step(self, mini_batch, eta, decay=0.0):
        """Take w <- (1 - η decay) w - (η/m) Σ∇w and b <- b - (η/m) Σ∇b over m pairs."""
        if self._is_original("backprop"):
            side_by_side = [np.hstack(columns) for columns in zip(*mini_batch, strict=True)]
            gradients = [self.backprop(*side_by_side)]
        else:
            gradients = [self.backprop(x, y) for x, y in mini_batch]
        nabla_b, nabla_w = (
            [sum(of_layer) for of_layer in zip(*of_all, strict=True)]
            for of_all in zip(*gradients, strict=True)
        )
        rate = eta / len(mini_batch)

        def stepped(parameters, nablas, shrink):
            pairs = zip(parameters, nablas, strict=True)
            return [(shrink * p - rate * nabla).astype(self.dtype) for p, nabla in pairs]

        self.weights = stepped(self.weights, nabla_w, 1 - eta * decay)
        self.biases = stepped(self.biases, nabla_b, 1)

    def _training_rows(self, training_data, mini_batch_size):
        """Return the training data as Rows, or None where the methods must see it pair by pair."""
        check_list(training_data, "training_data")
        check_count("mini_batch_size", mini_batch_size, least=1)
        return self._rows(training_data, y_is_label=False) if self._is_compiled() else None

    def _rows(self, data, y_is_label):
        net = chainrule.Network(
            self.sizes, cost=self._cost_name(), init="zeros", dtype=self.dtype, seed=0
        )
        return Rows(net, data, y_is_label)

    def _train_epoch(self, j, shuffled, training_data, rows, mini_batch_size, eta, decay, *more):
        """Train for epoch j, over the rows, or by ``update_mini_batch(mini_batch, eta, *more)``."""
        shuffled.again()
        if rows is None:
            shuffled.reorder()
            for start in range(0, len(training_data), mini_batch_size):
                mini_batch = training_data[start : start + mini_batch_size]
                self.update_mini_batch(mini_batch, eta, *more)
            return
        self._copy_into(rows.net)
        rows.net.epochs_trained = j  # named if training fails
        descend(rows.net, rows.samples, shuffled.order, mini_batch_size, eta, decay)
        self.weights = [w.copy() for w in rows.net.weights]
        self.biases = [b.reshape(-1, 1).copy() for b in rows.net.biases]

    def _score(self, rows):
        """Return the mean cost and the number of rows whose largest output is the right one."""
        net = self._copy_into(rows.net)
        cost, right, _ = evaluate(net, rows.samples)
        if net.sizes[-1] == 1:  # the largest output of one is number 0
            right = np.count_nonzero(rows.samples.targets.Y == 0) if rows.y_is_label else len(rows)
        return cost, int(right)

    def _copy_into(self, net):
        """Give a compiled network the present parameters, which the user may have replaced."""
        for views, arrays, name in (
            (net.weights, self.weights, "weights"),
            ([b.reshape(-1, 1) for b in net.biases], self.biases, "biases"),
        ):
            for i, (view, array) in enumerate(zip(views, arrays, strict=True)):
                if np.shape(array) != view.shape:
                    raise ValueError(
                        f"{name}[{i}] must have shape {view.shape}; got {np.shape(array)}"
                    )
                view[...] = array
        return net

    def _count_right(self, data, y_is_label):
        """Count the pairs whose largest output is the right one, by ``feedforward``."""
        right = (y if y_is_label else np.argmax(y) for _, y in data)
        found = (np.argmax(self.feedforward(x)) for x, _ in data)
        return sum(int(j == k) for j, k in zip(found, right, strict=True))

    def _is_compiled(self):
        """Whether the compiled core computes what the methods of this object would."""
        return self._cost_name() is not None and all(map(self._is_original, HOOKS))

    def _is_original(self, name):
        method = getattr(self, name, None)
        return method is None or str(method.__module__).startswith(f"{__package__}.")


def descend(net, samples, order, batch_size, learning_rate, weight_decay):
    """Do an epoch of plain SGD over the rows `order` of the samples."""
    layer = _core.train(
        net._plan,
        net.parameters,
        _core.Recipe("sgd", l2=weight_decay),
        _core.TrainingState(None, None, None, np.zeros(1, np.uint64), np.zeros(1), net._clock),
        _core.Data(*samples.for_core, order, batch_size=batch_size),
        _core.Log(*History().core_columns),
        np.array([learning_rate], np.float64),
    )
    if layer:
        advice = "Try a smaller eta, or inputs scaled to about -1 ... 1."
        raise diverged(layer, net.epochs_trained, advice)


def sigmoid(z):
    """σ(z) = 1 / (1 + exp(-z)), elementwise.

    Examples
    --------
    >>> from chainrule.book.network import sigmoid
    >>> float(sigmoid(0.0))
    0.5
    """
    z = np.asarray(z)
    if z.dtype != np.float32:
        z = z.astype(np.float64, copy=False)
    flat = np.ascontiguousarray(z).reshape(1, -1)
    a = np.empty_like(flat)
    _core.activate(("sigmoid", 0.0), flat, a)
    return a.reshape(z.shape)[()]


def sigmoid_prime(z):
    """σ'(z) = σ(z) (1 - σ(z)), elementwise.

    Examples
    --------
    >>> from chainrule.book.network import sigmoid_prime
    >>> float(sigmoid_prime(0.0))
    0.25
    """
    a = sigmoid(z)
    return a * (1 - a)
