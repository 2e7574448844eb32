"""Each optimiser with each schedule that it goes with."""

import itertools

import chainrule as cr
from chainrule.optimizers import OPTIMIZERS

SCHEDULES = {
    "number": lambda rate: rate,
    "step": lambda rate: cr.StepDecay(rate, 0.5, 4),
    "exponential": lambda rate: cr.ExponentialDecay(rate),
    "inverse": lambda rate: cr.InverseScaling(rate),
    "cosine": lambda rate: cr.CosineDecay(rate, 30, warmup_epochs=2.5),
    "flat, then cosine": lambda rate: cr.FlatCosine(rate, 30, flat=0.2),
    "four waves": lambda rate: cr.CosLog4(rate, 30),
    "one cycle": lambda rate: cr.OneCycle(rate, 30),
    "plateau": lambda rate: cr.ReduceOnPlateau(10 * rate, 0.5, 2),
    "plateau of validation": lambda rate: cr.ReduceOnPlateau(
        10 * rate, 0.5, 2, monitor="validation_cost"
    ),
    "function": lambda rate: lambda epoch: rate / (1 + epoch),
}
RULES = OPTIMIZERS | {"momentum": lambda rate: cr.SGD(rate, momentum=0.9)}
PAIRS = [
    pair
    for pair in itertools.product(RULES, SCHEDULES)
    if pair[0] != "Rprop" or pair[1] == "number"
]
