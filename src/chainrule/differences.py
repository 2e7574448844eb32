"""What every check of derivatives by differences has in common."""

import numpy as np

# h = step · max(1, |w|): where the errors of rounding and of the neglected terms are about equal
STEPS = {"forward": np.finfo(float).eps ** (1 / 2), "central": np.finfo(float).eps ** (1 / 3)}
# Entries below this share of their array's largest are compared with that share instead of with
# themselves: of such small ones the difference has few digits that are right.
SMALL_ENTRY = 1e-2
