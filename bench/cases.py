"""The networks that are timed, the data they see and the speed to reach on each.

A case fixes everything that decides the work of one training step. All contenders get the same
arrays, made from the same generator, so nobody gains from kinder data.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

# Steps timed together where one batch is the whole set: a single step is too short a time.
FULL_BATCH_STEPS = 200


@dataclass(frozen=True)
class Case:
    """One network with its batch, cost and optimiser.

    `goals`: contender -> ratio. For "blas" the most our time may be over the bare BLAS time, for a
    peer the least its time must be over ours. They hold for float32 on one thread.
    """

    label: str
    sizes: tuple
    batch: int
    hidden: str
    output: str
    cost: str
    optimizer: str
    samples: int
    goals: dict = field(default_factory=dict)

    @property
    def full_batch(self):
        return self.batch == self.samples

    @property
    def steps(self):
        """Training steps in one timed epoch."""
        return FULL_BATCH_STEPS if self.full_batch else self.samples // self.batch

    @property
    def learning_rate(self):
        return 0.01 if self.optimizer == "sgd" else 1e-4


CASES = {
    "book30": Case(
        "book30", (784, 30, 10), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 20000,
        {"blas": 1.3, "torch": 25, "sklearn": 14, "jax": 3},
    ),
    "book100": Case(
        "book100", (784, 100, 10), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 20000,
        {"blas": 1.2, "torch": 12, "sklearn": 8, "jax": 1.9},
    ),
    "tiny": Case(
        "tiny", (4, 16, 16, 1), 32, "tanh", "identity", "quadratic", "sgd", 64000,
        {"blas": 2.0, "torch": 150, "sklearn": 70, "jax": 9},
    ),
    "medium": Case(
        "medium (SGD)", (784, 256, 256, 10), 128, "relu", "softmax", "log_likelihood", "sgd", 12800,
        {"blas": 1.1, "torch": 2, "sklearn": 2, "jax": 1.1},
    ),
    "rl": Case(
        "rl (Adam)", (8, 64, 64, 4), 64, "tanh", "identity", "quadratic", "adam", 64000,
    ),
    "medium-adam": Case(
        "medium (Adam)", (784, 256, 256, 10), 128, "relu", "softmax", "log_likelihood", "adam",
        12800,
    ),
    "large": Case(
        "large (SGD)", (1024, 2048, 2048, 1000), 512, "relu", "softmax", "log_likelihood", "sgd",
        2048,
    ),
    "matexp": Case(
        "matexp (Adam)", (4, 32, 16, 4), 10000, "tanh", "identity", "quadratic", "adam", 10000,
    ),
}  # fmt: skip
DEFAULT_CASES = ("book30", "book100", "tiny", "medium")


def flops_of(sizes, batch):
    """The operations of a step's products: forward, BP4, and BP2 for all but the first weights."""
    weights = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 2 * batch * (3 * sum(weights) - weights[0])


def make_data(case, dtype):
    """X (m, n_1), one-hot or real targets Y (m, n_L), and class labels (m,)."""
    rng = np.random.default_rng(0)
    n_in, n_out = case.sizes[0], case.sizes[-1]
    X = rng.random((case.samples, n_in)).astype(dtype)
    labels = rng.integers(0, n_out, case.samples)
    if n_out > 1:
        Y = np.eye(n_out, dtype=dtype)[labels]
    else:
        Y = rng.random((case.samples, 1)).astype(dtype)
    return X, Y, labels
