"""Many categories as sparse rows, so that no zeros are written that the network would only skip."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.sparse_rows import SparseRows
from chainrule.tables.categories import Category

WIDE = 512  # one-hot inputs, up to which dense rows are as fast
FEWEST_ZEROS = 7 / 8  # of the inputs of a row


class SparseLayout:
    """Where inputs stand: those that are dense, and the one of each one-hot column that is 1.

    Parameters
    ----------
    width : int
        All inputs.
    hot : list of (place, Category, start)
        The one-hot columns: their places among those of categories, and their first inputs.

    Attributes
    ----------
    dense_width : int
        How many of the inputs are of no one-hot column.
    """

    def __init__(self, width: int, hot: list[tuple[int, Category, int]]):
        self._width, self._hot = width, [place for place, _, _ in hot]
        self._starts = np.array([start for _, _, start in hot], np.int32)
        is_dense = np.ones(width, bool)
        for _, category, start in hot:
            is_dense[start : start + category.width] = False
        self._inputs = np.flatnonzero(is_dense).astype(np.int32)
        self._hot_starts = set(self._starts.tolist())
        self.dense_width = len(self._inputs)
        # In a row the columns grow: dense inputs and one-hot columns lie in the order of the table.
        self._order = np.argsort(np.concatenate([self._inputs, self._starts]))

    @classmethod
    def of(cls, width: int, categories: Sequence[tuple[Category, int]]) -> "SparseLayout | None":
        """Return the layout for categories, each with its first input; None if dense is better."""
        hot = [
            (place, category, start)
            for place, (category, start) in enumerate(categories)
            if not category.signed
        ]
        wide = sum(category.width for _, category, _ in hot)
        filled = width - wide + len(hot)
        return cls(width, hot) if wide > WIDE and filled < (1 - FEWEST_ZEROS) * width else None

    def encoded(self, places: list[NDArray]) -> list[NDArray]:
        """Return the places of those categories that are not one-hot."""
        return [each for place, each in enumerate(places) if place not in self._hot]

    def dense(self, encoders: Sequence[tuple[Any, int]]) -> list[tuple[Any, int]]:
        """Return encoders that are not one-hot, each with its first among the dense inputs."""
        return [
            (encoder, int(np.searchsorted(self._inputs, start)))
            for encoder, start in encoders
            if start not in self._hot_starts
        ]

    def joined(self, dense: NDArray, places: list[NDArray]) -> SparseRows:
        """Return rows (m, width) of the dense inputs (m, dense_width) and places of categories."""
        m, n = dense.shape
        hot = np.stack([places[place] for place in self._hot], axis=1)
        there = np.concatenate([dense != 0, hot >= 0], axis=1)[:, self._order]
        data = np.concatenate([dense, np.ones(hot.shape, np.float32)], axis=1)[:, self._order]
        inputs = np.concatenate(
            [np.broadcast_to(self._inputs, (m, n)), hot.astype(np.int32) + self._starts], axis=1
        )[:, self._order]
        indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(there, axis=1))])
        return SparseRows(data[there], inputs[there], indptr, (m, self._width))
