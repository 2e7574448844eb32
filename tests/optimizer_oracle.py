"""The optimisers and all that `fit` does around them, a second time in plain NumPy float64.

Written from the definitions, nothing shared with the package; only the gradient of a mini-batch is
asked of the network itself (`Network.backprop`, which other tests hold to its definition), so that
the updates are compared on the same gradients.
"""

import numpy as np


def sgd(state, w, g, rate, t, momentum=0.0, nesterov=False):
    v = state["velocity"] = momentum * state.get("velocity", 0.0) - rate * g
    return w + momentum * v - rate * g if nesterov else w + v


def adagrad(state, w, g, rate, t, epsilon=1e-10):
    s = state["sum_of_squares"] = state.get("sum_of_squares", 0.0) + g**2
    return w - rate * g / (np.sqrt(s) + epsilon)


def rmsprop(state, w, g, rate, t, rho=0.99, epsilon=1e-8):
    s = state["mean_square"] = rho * state.get("mean_square", 0.0) + (1 - rho) * g**2
    return w - rate * g / (np.sqrt(s) + epsilon)


def adam(state, w, g, rate, t, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_hat=False):
    m = state["mean"] = beta1 * state.get("mean", 0.0) + (1 - beta1) * g
    v = state["mean_square"] = beta2 * state.get("mean_square", 0.0) + (1 - beta2) * g**2
    if epsilon_hat:
        return w - rate * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + epsilon)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * m_hat / (np.sqrt(v_hat) + epsilon)


def adamax(state, w, g, rate, t, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = state["mean"] = beta1 * state.get("mean", 0.0) + (1 - beta1) * g
    u = state["largest"] = np.maximum(beta2 * state.get("largest", 0.0), np.abs(g) + epsilon)
    return w - rate * (m / (1 - beta1**t)) / u


def rprop(state, w, g, rate, t, shrink=0.5, grow=1.2, min_step=1e-6, max_step=50.0):
    """Number by number, as the paper has it."""
    before = state.get("previous_gradient", np.zeros_like(w))
    steps = state.get("step_size", np.full_like(w, rate))
    w, g, steps = w.copy(), g.copy(), steps.copy()
    for i in range(len(w)):
        if before[i] * g[i] > 0:
            steps[i] = min(steps[i] * grow, max_step)
        elif before[i] * g[i] < 0:
            steps[i] = max(steps[i] * shrink, min_step)
            g[i] = 0.0
        w[i] -= np.sign(g[i]) * steps[i]
    state["previous_gradient"], state["step_size"] = g, steps
    return w


RULES = {
    "SGD": sgd,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": adam,
    "Adamax": adamax,
    "Rprop": rprop,
}


def where_weights_are(net):
    """(n_parameters,) of bool: entries of some W^l, not of a b^l; and the slices of all rows."""
    weights, rows, at = np.zeros(net.parameters.size, bool), [], 0
    for w in net.weights:
        weights[at : at + w.size] = True
        for _ in range(len(w)):
            rows.append(slice(at, at + w.shape[1]))
            at += w.shape[1]
        at += len(w) if net.bias else 0
    return weights, rows


def weighted_gradient(net, x, y, weights):
    """Σ w_i ∇C_i / Σ w_i, sample by sample."""
    total = sum(
        weight * net.backprop(x[i : i + 1], y[i : i + 1]).parameters
        for i, weight in enumerate(weights)
    )
    return total / weights.sum()


class Replay:
    """What `fit(shuffle=False)` does to `net`, a float64 network of its own, step by step."""

    def __init__(self, net, rule, **settings):
        self.net, self.rule = net, RULES[rule]
        self.decay = settings.pop("weight_decay", 0.01) if rule == "AdamW" else 0.0
        self.settings, self.state, self.t = settings, {}, 0
        self.average = net.parameters.copy()
        self.is_weight, self.rows = where_weights_are(net)

    def step(
        self, x, y, rate, *, l1=0.0, l2=0.0, l2_of_batch=0.0, clip_value=None, clip_norm=None,
        max_norm=None, average=None, weights=None,
    ):  # fmt: skip
        self.t += 1
        if weights is None:
            g = self.net.backprop(x, y).parameters.copy()
        elif weights.any():
            g = weighted_gradient(self.net, x, y, weights)
        else:
            return
        w = self.net.parameters.copy()
        l2 = l2 + l2_of_batch / (len(x) if weights is None else weights.sum())
        if clip_value is not None:
            g = np.clip(g, -clip_value, clip_value)
        if clip_norm is not None:
            g = g * min(1.0, clip_norm / np.linalg.norm(g))
        g = g + self.is_weight * (l2 * w + l1 * np.sign(w))
        decayed = np.where(self.is_weight, (1 - rate * self.decay) * w, w)
        w = decayed + self.rule(self.state, w, g, rate, self.t, **self.settings) - w
        if max_norm is not None:
            for row in self.rows:
                w[row] *= min(1.0, max_norm / np.linalg.norm(w[row]))
        self.net.parameters = w
        if average is not None:
            self.average = average * self.average + (1 - average) * w

    def epoch(self, x, y, batch_size, rates, *, weights=None, **options):
        """Each mini-batch with the next of `rates`; the weights, if any, are those of the rows."""
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            some = None if weights is None else weights[part]
            self.step(x[part], y[part], next(rates), weights=some, **options)
