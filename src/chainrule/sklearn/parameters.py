"""The parameters of the estimators: what each may be, and which are options of `Network.fit`."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.costs import COSTS, Cost
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import Optimizer
from chainrule.training.fit_options import OPTIONS, is_asked_for
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
    "momentum": [SHARE],  # theirs may be 1, with which steps never fade
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

# What a network is made of, which cannot become another one later.
OF_NETWORK = (
    "hidden_layer_sizes", "activation", "loss", "quantiles", "cost", "out_activation", "dtype",
)  # fmt: skip


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the sizes of the hidden layers, checked, as are their activations."""
    given = estimator.hidden_layer_sizes
    hidden = list(given) if hasattr(given, "__iter__") else [given]
    if np.any(np.array(hidden) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
    if not all(isinstance(size, Integral) for size in hidden):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {hidden}.")
    activations = estimator.activation
    if isinstance(activations, (list, tuple, np.ndarray)):
        for each in activations:
            validate_parameter_constraints(
                {"activation": ACTIVATION}, {"activation": each}, type(estimator).__name__
            )
        if len(activations) != len(hidden):
            raise ValueError(
                "activation must be one, or one for each hidden layer: "
                f"of {len(hidden)}, got {len(activations)}"
            )
    return [int(size) for size in hidden]


def made_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters of its network."""
    found = {name: getattr(estimator, name) for name in OF_NETWORK if hasattr(estimator, name)}
    return found | {"dtype": estimator.dtype and np.dtype(estimator.dtype).name}


def check_unchanged(estimator: Any) -> None:
    """Raise if the network would be another one by now."""
    made = made_of(estimator)
    for name, before in estimator._made_of.items():
        now = made[name]
        if now is not before and not np.array_equal(now, before):
            raise ValueError(
                f"the network was made with {name}={before!r}, and goes on with that; {name} is "
                f"{now!r} now. Set it back, or fit with warm_start=False"
            )


def check_full_batch(estimator: Any) -> None:
    """Raise for parameters that a solver of all samples does not know."""
    asked = [
        name
        for name in (*OF_FIT, "class_weight")
        if not OPTIONS[name].full_batch and is_asked_for(name, getattr(estimator, name, None))
    ]
    if asked:
        raise ValueError(
            f"{', '.join(asked)} cannot be used with solver={estimator.solver!r}, which minimises "
            "the mean cost of all samples; use 'adam', 'sgd' or another optimiser that steps"
        )
