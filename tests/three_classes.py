"""Samples of four numbers, each of one of three classes by chance."""

import numpy as np


def three_classes(rows):
    """X (rows, 4) and the labels (rows,)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)), rng.integers(3, size=rows)
