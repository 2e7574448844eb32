"""Eight samples that every dtype can hold, their labels, and a network for them."""

import numpy as np

import chainrule

ROWS, WIDTH, CLASSES = 8, 3, 2


def inputs():
    """(8, 3) whole numbers from 0 to 15."""
    return np.random.default_rng(0).integers(16, size=(ROWS, WIDTH)).astype(float)


X = inputs()
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1])
Y = np.eye(CLASSES)[LABELS]


def network(**options):
    options = {"hidden": "tanh", "init": "glorot", "seed": 1, **options}
    return chainrule.Network([WIDTH, 5, CLASSES], **options)
