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

import typing as _typing

from chainrule import activations, convert, costs, equations, logic
from chainrule.checks.other_tools import OF_THE_PACKAGE as _OF_THE_PACKAGE
from chainrule.checks.words import hint as _hint
from chainrule.core._core import ACTIVATIONS, COSTS
from chainrule.course.descent import Descent, gradient_descent
from chainrule.course.gradient_check import (
    GradientCheck,
    NumericalGradient,
    check_gradient,
    numerical_gradient,
)  # fmt: skip
from chainrule.course.path_sums import Path, Paths, paths
from chainrule.course.perceptron import Perceptron, PerceptronReport
from chainrule.doctor.diagnose import diagnose
from chainrule.files.checkpoint import Checkpoint
from chainrule.initializers import INITIALIZERS
from chainrule.network import Network, resume
from chainrule.optimizers import SGD, Adagrad, Adam, Adamax, AdamW, RMSprop, Rprop
from chainrule.results.csv_log import CSVLog
from chainrule.results.gradient import Gradient, Sensitivity, Trace
from chainrule.results.history import History
from chainrule.results.live_plot import LivePlot
from chainrule.results.log import Log
from chainrule.results.tensorboard import TensorBoard
from chainrule.schedules import (
    Constant,
    CosineDecay,
    CosLog4,
    ExponentialDecay,
    FlatCosine,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)
from chainrule.sweeps.ensemble import Ensemble
from chainrule.sweeps.halving import halving
from chainrule.sweeps.many import fit_many
from chainrule.sweeps.snapshots import Snapshots
from chainrule.tables.loading import load
from chainrule.training.early_stopping import EarlyStopping
from chainrule.training.endings import DivergenceError, StopTraining
from chainrule.training.full_batch.lbfgs import LBFGS
from chainrule.training.full_batch.levenberg_marquardt import LevenbergMarquardt
from chainrule.training.range_test import learning_rate_range
from chainrule.training.trainer import Trainer

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
    "Checkpoint",
    "Constant",
    "CosLog4",
    "CosineDecay",
    "Descent",
    "DivergenceError",
    "EarlyStopping",
    "Ensemble",
    "ExponentialDecay",
    "FlatCosine",
    "Gradient",
    "GradientCheck",
    "History",
    "InverseScaling",
    "LevenbergMarquardt",
    "LivePlot",
    "Log",
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
    "Snapshots",
    "StepDecay",
    "StopTraining",
    "TensorBoard",
    "Trace",
    "Trainer",
    "__version__",
    "activations",
    "check_gradient",
    "convert",
    "costs",
    "diagnose",
    "equations",
    "fit_many",
    "gradient_descent",
    "halving",
    "learning_rate_range",
    "load",
    "logic",
    "numerical_gradient",
    "paths",
    "resume",
]


if _typing.TYPE_CHECKING:  # by what follows, any other name would be a string too
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Look the version up when it is asked for: the metadata take longer than all the rest.

        For all else that there is not, say what there is.
        """
        if name == "__version__":
            from chainrule.version import __version__

            return __version__
        meant = "" if name.startswith("_") else _hint(name, __all__, _OF_THE_PACKAGE)
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}.{meant}")


def __dir__() -> list[str]:
    return sorted([*globals(), "__version__"])
