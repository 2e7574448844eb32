"""What a ``random_state`` draws, in scikit-learn's order: the same numbers for the same seed."""

import pickle
import sys
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split


@lru_cache(maxsize=64)  # many fits begin alike, and a long state takes its time to be written
def _seed_of(pickled: bytes) -> int:
    with np.printoptions(threshold=sys.maxsize):  # of any bit generator
        state = repr(pickle.loads(pickled))
    return zlib.crc32(state.encode())


class Draws:
    """The random numbers of one fit.

    Parameters
    ----------
    random_state : RandomState
    """

    def __init__(self, random_state: np.random.RandomState):
        self._random_state = random_state
        self.order: NDArray[Any] | None = None  # of the last epoch

    def seed(self) -> int:
        """Return a seed for what scikit-learn has not (dropout), without drawing a number."""
        return _seed_of(pickle.dumps(self._random_state.get_state(legacy=False)))

    def initializer(self, activation: Any) -> Any:
        """Return how parameters begin: uniform in ±√(6/(n_in + n_out)), √2/... if logistic.

        Glorot and Bengio (2010), with biases drawn likewise.
        """
        factor = 2.0 if activation == "logistic" else 6.0

        def begin(_: Any, n_in: int, n_out: int) -> tuple[NDArray[Any], NDArray[Any]]:
            bound = np.sqrt(factor / (n_in + n_out))
            weights = self._random_state.uniform(-bound, bound, (n_in, n_out))
            return weights.T, self._random_state.uniform(-bound, bound, n_out)

        return begin

    def shuffled(self, m: int) -> Any:
        """Return a function of m that draws an epoch's order from that of the epoch before."""
        order = np.arange(m)

        def following(_: int) -> NDArray[Any]:
            nonlocal order
            drawn = np.arange(m)
            self._random_state.shuffle(drawn)
            self.order = order = order.take(drawn)
            return order

        return following

    def split(
        self, m: int, share: float, stratify: NDArray[Any] | None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the rows to train on, and those held out."""
        rows: Any = train_test_split(
            np.arange(m), random_state=self._random_state, test_size=share, stratify=stratify
        )
        return rows[0], rows[1]
