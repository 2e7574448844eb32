"""Which kind of answers a network gives, by its formulas and its first targets."""

import math

from chainrule.activations import Activation
from chainrule.checks.targets import Targets
from chainrule.costs import Cost


def first_answers(output: str, cost: str, n_outputs: int) -> str:
    """Return what a network that has learned nothing yet answers with, by its formulas."""
    if output == "softmax" or cost == "hinge" or (cost == "cross_entropy" and n_outputs == 1):
        return "classes"
    return "multilabel" if cost == "cross_entropy" else "values"


def answers_by(targets: Targets, output: Activation, cost: Cost) -> str:
    """Return what a network answers with whose first targets these are.

    Numbers that happen to be 0 and 1 are classes where the output cannot say much else.
    """
    are_labels = targets.labels is not None or targets.names is not None
    is_bounded = all(map(math.isfinite, output.reach))
    if are_labels or is_bounded or first_answers(output.name, cost.name, 1) == "classes":
        return targets.answers
    return "values"
