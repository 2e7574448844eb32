"""Feedforward neural networks at the speed of the hardware.

>>> import numpy as np
>>> import chainrule as cr
>>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
>>> y = np.array([0, 1, 1, 0])
>>> net = cr.Network([2, 8, 1], hidden="tanh", cost="cross_entropy", seed=0)
>>> history = net.fit(X, y, optimizer=cr.SGD(0.5, momentum=0.9), epochs=300, batch_size=4)
>>> net.evaluate(X, y)["accuracy"]
1.0
"""

from chainrule import equations, logic
from chainrule._core import ACTIVATIONS, COSTS
from chainrule.descent import Descent, gradient_descent
from chainrule.files import load_network as load
from chainrule.gradient import Gradient, Sensitivity, Trace
from chainrule.gradient_check import (
    GradientCheck,
    NumericalGradient,
    check_gradient,
    numerical_gradient,
)  # fmt: skip
from chainrule.history import History
from chainrule.initializers import INITIALIZERS
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.path_sums import Path, Paths, paths
from chainrule.perceptron import Perceptron, PerceptronReport
from chainrule.training import DivergenceError
from chainrule.version import __version__

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "INITIALIZERS",
    "SGD",
    "Descent",
    "DivergenceError",
    "Gradient",
    "GradientCheck",
    "History",
    "Network",
    "NumericalGradient",
    "Path",
    "Paths",
    "Perceptron",
    "PerceptronReport",
    "Sensitivity",
    "Trace",
    "__version__",
    "check_gradient",
    "equations",
    "gradient_descent",
    "load",
    "logic",
    "numerical_gradient",
    "paths",
]
