"""RealMLP-TD-S, a second time in plain NumPy float64, written from the paper's definitions.

Holzmüller, Grinsztajn and Steinwart, "Better by Default", arXiv 2407.04491: section 3, Table A.1
and appendix A.2. Nothing is shared with the package, and nothing is on the package's form: a layer
is z = x V/√d + b, V (d, n) ~ N(0, 1), as the paper has it (the neural tangent parametrisation).

The parameters are one list, [scale, V¹, b¹, ..., V⁴, b⁴], for any number of layers.
"""

from itertools import pairwise

import numpy as np

RATE = {"classes": 0.04, "values": 0.07}
OF_SCALE, OF_WEIGHTS, OF_BIASES = 6, 1, 0.1  # factors on it
EPOCHS, BATCH = 256, 256
BETA1, BETA2, EPSILON = 0.9, 0.95, 1e-8
SMOOTHING = 0.1


def begin(rng, sizes):
    """The scale is 1, V and b are N(0, 1); those of the last layer are 0."""
    parameters = [np.ones(sizes[0])]
    for d, n in pairwise(sizes[:-1]):
        parameters += [rng.standard_normal((d, n)), rng.standard_normal(n)]
    return [*parameters, np.zeros((sizes[-2], sizes[-1])), np.zeros(sizes[-1])]


def selu(z):
    """λz, or λα(eᶻ - 1) on the left; and its slope (Klambauer et al., 2017)."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    e = alpha * np.exp(np.minimum(z, 0))
    return scale * np.where(z > 0, z, e - alpha), scale * np.where(z > 0, 1, e)


def mish(z):
    """z tanh(ln(1 + eᶻ)), and its slope (Misra, 2019)."""
    t = np.tanh(np.logaddexp(0, z))
    return z * t, t + z * (1 - t**2) / (1 + np.exp(-z))


def forward(parameters, x, task):
    """The outputs (m, n_L) before any softmax; and what each layer read, and the slopes there."""
    act = {"classes": selu, "values": mish}[task]
    read, slopes = [x * parameters[0]], []
    for v, b in zip(parameters[1:-2:2], parameters[2:-2:2], strict=True):
        a, slope = act(read[-1] @ v / np.sqrt(len(v)) + b)
        read.append(a)
        slopes.append(slope)
    v, b = parameters[-2:]
    return read[-1] @ v / np.sqrt(len(v)) + b, read, slopes


def loss(parameters, x, y, task):
    """Mean over the batch: cross-entropy with smoothed labels y (m,), or (y - z)² of numbers."""
    z = forward(parameters, x, task)[0]
    if task == "values":
        return np.mean((z[:, 0] - y) ** 2)
    log_a = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return -np.mean(np.sum(smoothed(y, z.shape[1]) * log_a, axis=1))


def smoothed(labels, classes):
    """1 - s of a target for its class, and s shared by all of them."""
    return (1 - SMOOTHING) * np.eye(classes)[labels] + SMOOTHING / classes


def gradient(parameters, x, y, task):
    """The derivatives of `loss` by each of the parameters, in their order."""
    z, read, slopes = forward(parameters, x, task)
    if task == "values":
        delta = 2 * (z - y[:, None]) / len(x)
    else:
        a = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
        delta = (a - smoothed(y, z.shape[1])) / len(x)
    found = []
    for i in range(len(read) - 1, -1, -1):
        v = parameters[1 + 2 * i]
        found = [read[i].T @ delta / np.sqrt(len(v)), delta.sum(axis=0), *found]
        delta = delta @ v.T / np.sqrt(len(v))
        if i:
            delta = delta * slopes[i - 1]
    return [np.sum(delta * x, axis=0), *found]


def coslog4(t):
    """Four waves between 0 and 1, for t from 0 to 1."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))


def train(parameters, batches, task, steps_in_all):
    """The parameters after each step of Adam, one a batch (x, y); t goes by `steps_in_all`."""
    factors = [OF_SCALE] + [OF_WEIGHTS, OF_BIASES] * (len(parameters) // 2)
    m = [np.zeros_like(p) for p in parameters]
    v = [np.zeros_like(p) for p in parameters]
    after = []
    for step, (x, y) in enumerate(batches):
        rate = RATE[task] * coslog4(step / steps_in_all)
        g = gradient(parameters, x, y, task)
        m = [BETA1 * a + (1 - BETA1) * b for a, b in zip(m, g, strict=True)]
        v = [BETA2 * a + (1 - BETA2) * b**2 for a, b in zip(v, g, strict=True)]
        now = 1 - BETA1 ** (step + 1), 1 - BETA2 ** (step + 1)
        parameters = [
            p - rate * factor * (a / now[0]) / (np.sqrt(b / now[1]) + EPSILON)
            for p, factor, a, b in zip(parameters, factors, m, v, strict=True)
        ]
        after.append(parameters)
    return after


def prepared(x):
    """Scaled by the quartiles and clipped smoothly, column by column, those of 0 and 1 alike.

    s(x - median), s = 1/(q75 - q25); where that is 0, 2/(max - min); 0 for a constant; and then
    z/√(1 + (z/3)²).
    """
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    width = np.where(high > low, high - low, np.ptp(x, axis=0) / 2)
    scale = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    z = scale * (x - middle)
    return z / np.sqrt(1 + (z / 3) ** 2)
