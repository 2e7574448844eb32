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

from chainrule import activations, costs, equations, logic
from chainrule._core import ACTIVATIONS, COSTS
from chainrule.callbacks import StopTraining
from chainrule.csv_log import CSVLog
from chainrule.descent import Descent, gradient_descent
from chainrule.doctor import diagnose
from chainrule.early_stopping import EarlyStopping
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
from chainrule.lbfgs import LBFGS
from chainrule.levenberg_marquardt import LevenbergMarquardt
from chainrule.live_plot import LivePlot
from chainrule.network import Network
from chainrule.optimizers import SGD, Adagrad, Adam, Adamax, AdamW, RMSprop, Rprop
from chainrule.path_sums import Path, Paths, paths
from chainrule.perceptron import Perceptron, PerceptronReport
from chainrule.rate_test import learning_rate_range
from chainrule.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)
from chainrule.training import DivergenceError

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "INITIALIZERS",
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CSVLog",
    "Constant",
    "CosineDecay",
    "Descent",
    "DivergenceError",
    "EarlyStopping",
    "ExponentialDecay",
    "Gradient",
    "GradientCheck",
    "History",
    "InverseScaling",
    "LevenbergMarquardt",
    "LivePlot",
    "Network",
    "NumericalGradient",
    "OneCycle",
    "Path",
    "Paths",
    "Perceptron",
    "PerceptronReport",
    "RMSprop",
    "ReduceOnPlateau",
    "Rprop",
    "Sensitivity",
    "StepDecay",
    "StopTraining",
    "Trace",
    "__version__",
    "activations",
    "check_gradient",
    "costs",
    "diagnose",
    "equations",
    "gradient_descent",
    "learning_rate_range",
    "load",
    "logic",
    "numerical_gradient",
    "paths",
]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: the metadata take longer than all the rest."""
    if name == "__version__":
        from chainrule.version import __version__

        return __version__
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "__version__"])
