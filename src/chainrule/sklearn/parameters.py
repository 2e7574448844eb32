"""The parameters of the estimators: what each may be, and which are options of `Network.fit`."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.costs import COSTS, Cost
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import Optimizer
from chainrule.training.full_batch.cost import FullBatchOptimizer

AT_LEAST_0 = Interval(Real, 0, None, closed="left")
ABOVE_0 = Interval(Real, 0, None, closed="neither")
SHARE = Interval(Real, 0, 1, closed="left")
INSIDE = Interval(Real, 0, 1, closed="neither")
AT_LEAST_1 = Interval(Integral, 1, None, closed="left")
ACTIVATION = [StrOptions({*ACTIVATIONS, "logistic"}), Activation, HasMethods(["value", "slope"])]

# With scikit-learn's own bounds where the parameter is scikit-learn's.
CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", AT_LEAST_1],
    "activation": [*ACTIVATION, "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"}), Optimizer, FullBatchOptimizer],
    "alpha": [AT_LEAST_0],
    "batch_size": [StrOptions({"auto"}), AT_LEAST_1],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [ABOVE_0],
    "power_t": [AT_LEAST_0],
    "max_iter": [AT_LEAST_1],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [AT_LEAST_0],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [ABOVE_0],
    "n_iter_no_change": [AT_LEAST_1, Options(Real, {np.inf})],
    "max_fun": [AT_LEAST_1],
    "cost": [None, StrOptions(set(COSTS)), Cost, HasMethods(["value", "delta"])],
    "out_activation": [None, *ACTIVATION],
    "init": [None, StrOptions(set(INITIALIZERS)), callable],
    "dtype": "no_validation",
    "keep_optimizer": ["boolean"],
    "callbacks": "no_validation",
    "metrics": "no_validation",
    "l1": [None, AT_LEAST_0],
    "l2": [None, AT_LEAST_0],
    "max_norm": [None, ABOVE_0],
    "clip_norm": [None, ABOVE_0],
    "clip_value": [None, ABOVE_0],
    "average": [None, INSIDE],
    "dropout": [None, SHARE, "array-like"],
    "progress": [None, "boolean"],
    "threads": [None, AT_LEAST_1],
    "max_seconds": [None, ABOVE_0],
}

# Those of `fit` that have the same name here, and are off unless they are given.
OF_FIT = (
    "l1", "l2", "max_norm", "clip_norm", "clip_value", "average", "dropout", "metrics", "progress",
    "threads", "max_seconds",
)  # fmt: skip
