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

    `goals`: number of threads allowed -> contender -> ratio. For "blas", "bound" and "dense" the
    most our time may be over theirs, for a peer the least its time must be over ours. They hold for
    float32. `one_thread`: ours and its bound count with one thread also where more are allowed.
    `sparse`: most of the data is 0, and ours from SciPy's CSR meets ours from an array.
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
    one_thread: bool = False
    sparse: bool = False

    @property
    def full_batch(self):
        return self.batch == self.samples

    @property
    def steps(self):
        """Training steps in one timed epoch."""
        return FULL_BATCH_STEPS if self.full_batch else self.samples // self.batch

    @property
    def kept_numbers(self):
        """What a step reads and writes: the parameters, and with Adam their two moments."""
        parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))
        return parameters * (1 if self.optimizer == "sgd" else 3)

    @property
    def learning_rate(self):
        return 0.01 if self.optimizer == "sgd" else 1e-4


TIMED = {
    "book30": Case(
        "book30", (784, 30, 10), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 20000,
        {
            1: {"blas": 1.3, "torch": 25, "sklearn": 14, "jax": 3},
            2: {"bound": 1.2, "torch": 27, "jax": 3.2},
        },
        one_thread=True,
    ),
    "book100": Case(
        "book100", (784, 100, 10), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 20000,
        {
            1: {"blas": 1.2, "torch": 12, "sklearn": 8, "jax": 1.9},
            2: {"bound": 1.15, "torch": 15, "jax": 2.5},
        },
    ),
    "tiny": Case(
        "tiny", (4, 16, 16, 1), 32, "tanh", "identity", "quadratic", "sgd", 64000,
        {
            1: {"blas": 2.0, "torch": 150, "sklearn": 70, "jax": 9},
            2: {"bound": 1.7, "torch": 170, "jax": 10},
        },
        one_thread=True,
    ),
    "medium": Case(
        "medium (SGD)", (784, 256, 256, 10), 128, "relu", "softmax", "log_likelihood", "sgd", 12800,
        {1: {"blas": 1.1, "torch": 2, "sklearn": 2, "jax": 1.1}},
    ),
    "rl": Case(
        "rl (Adam)", (8, 64, 64, 4), 64, "tanh", "identity", "quadratic", "adam", 64000,
        {2: {"bound": 1.25, "torch": 25, "jax": 3.3}},
    ),
    "medium-adam": Case(
        "medium (Adam)", (784, 256, 256, 10), 128, "relu", "softmax", "log_likelihood", "adam",
        12800,
        {2: {"bound": 1.12, "torch": 3, "jax": 1.35}},
    ),
    "large": Case(
        "large (SGD)", (1024, 2048, 2048, 1000), 512, "relu", "softmax", "log_likelihood", "sgd",
        2048,
        {2: {"bound": 1.05, "torch": 1.2, "jax": 1.1}},
    ),
    "matexp": Case(
        "matexp (Adam)", (4, 32, 16, 4), 10000, "tanh", "identity", "quadratic", "adam", 10000,
        {2: {"torch": 9, "jax": 3}},
    ),
    "book30-csr": Case(
        "book30 from CSR", (784, 30, 10), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 20000,
        {1: {"dense": 0.5}, 2: {"dense": 0.5}},
        one_thread=True,
        sparse=True,
    ),
}  # fmt: skip
# For quick mode.
QUICK = {
    "quick": Case(
        "quick (SGD)", (6, 8, 3), 10, "relu", "softmax", "log_likelihood", "sgd", 100
    ),
    "quick-adam": Case(
        "quick (Adam)", (6, 8, 3), 50, "tanh", "identity", "quadratic", "adam", 50
    ),
    "quick-csr": Case(
        "quick from CSR", (784, 8, 3), 10, "sigmoid", "sigmoid", "quadratic", "sgd", 100,
        one_thread=True,
        sparse=True,
    ),
}  # fmt: skip
CASES = TIMED | QUICK


def default_cases(threads):
    """The cases that are timed if none are named."""
    if threads == 1:
        return ["book30", "book100", "tiny", "medium"]
    return ["book30", "book100", "tiny", "rl", "medium-adam", "large", "matexp"]


def flops_of(sizes, batch):
    """The operations of a step's products: forward, BP4, and BP2 for all but the first weights."""
    weights = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    return 2 * batch * (3 * sum(weights) - weights[0])


def make_data(case, dtype):
    """X (m, n_1), one-hot or real targets Y (m, n_L), and class labels (m,)."""
    rng = np.random.default_rng(0)
    n_in, n_out = case.sizes[0], case.sizes[-1]
    X = images(rng, case.samples) if case.sparse else rng.random((case.samples, n_in))
    X = X.astype(dtype)
    labels = rng.integers(0, n_out, case.samples)
    if n_out > 1:
        Y = np.eye(n_out, dtype=dtype)[labels]
    else:
        Y = rng.random((case.samples, 1)).astype(dtype)
    return X, Y, labels


def images(rng, n):
    """Images (n, 784) of blobs, with as many numbers that are not 0 as MNIST has.

    That is 19 %, give or take 5 from image to image, in some 26 runs of 6 pixels, while a third of
    the pixels at the border are next to never used: the hills of smooth noise that sinks from the
    middle outwards, cut at the height that leaves as many pixels as the image is to have.
    """
    side = 28
    height = rng.standard_normal((n, side, side), dtype=np.float32)
    for axis in (1, 2):
        for _ in range(3):
            height = height + np.roll(height, 1, axis) + np.roll(height, -1, axis)
    from_middle = ((np.arange(side) - (side - 1) / 2) / 10) ** 2
    height = height / height.std() - 2 * (from_middle[:, None] + from_middle)
    height = height.reshape(n, side * side)
    pixels = rng.normal(150, 40, n).clip(20, 400).astype(int)
    shore = np.take_along_axis(np.sort(height, axis=1), (side * side - pixels)[:, None], axis=1)
    return np.where(height >= shore, rng.uniform(1 / 255, 1, height.shape), 0)
