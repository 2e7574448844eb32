"""Derivatives by central differences: no formula of backpropagation is used."""

import numpy as np

STEP = 1e-5
AGREEMENT = 1e-8  # of the largest entry; differences with this step are good to about 1e-10


def differences(outputs, at):
    """∂outputs/∂at, (..., at.size), where outputs() reads the flat array `at`.

    It is moved in place and put back; what it is divided by is the step that was really taken.
    """
    columns = []
    for i, kept in enumerate(at.copy()):
        at[i] = up = kept + STEP
        above = outputs()
        at[i] = down = kept - STEP
        below = outputs()
        at[i] = kept
        columns.append((above - below) / (up - down))
    return np.stack(columns, axis=-1)
