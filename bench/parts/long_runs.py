"""Whole runs of scikit-learn's perceptrons or of ours, for `sklearn_kernels.py`.

In a process of their own, since a BLAS chooses its kernels as it is loaded:
`python -m parts.long_runs sklearn.neural_network FILE EPOCHS NAME...`
"""

import sys
import warnings
from importlib import import_module

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from threadpoolctl import threadpool_info

DIGITS, NUMBERS = load_digits(return_X_y=True)
FEATURES, VALUES = load_diabetes(return_X_y=True)
TASKS = {
    "digits": ("MLPClassifier", DIGITS / 16, NUMBERS),
    "digits as they are": ("MLPClassifier", DIGITS, NUMBERS),
    "diabetes": ("MLPRegressor", FEATURES * 20, (VALUES - 152) / 77),
    "counts": ("MLPRegressor", FEATURES * 20, np.rint(VALUES / 20)),
}
TO_THE_LAST = {"tol": 0.0, "n_iter_no_change": np.inf}
DEEP = {"hidden_layer_sizes": (50, 50, 50), "batch_size": 32}
RUNS = {
    "adam": ("digits", {}),
    "adam, to its end": ("digits", {"tol": 1e-3, "activation": "tanh"}),
    "adam, early stopping": ("digits", {"early_stopping": True, "learning_rate_init": 0.01}),
    "adam, a high rate": ("digits as they are", {"learning_rate_init": 0.03} | TO_THE_LAST),
    "adam, deep": ("digits", DEEP),
    "adam, deep, a high rate": ("digits", DEEP | {"learning_rate_init": 0.01} | TO_THE_LAST),
    "sgd": ("digits", {"solver": "sgd", "learning_rate_init": 0.05}),
    "sgd, adaptive": ("digits", {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e-3}),
    "sgd, a wild rate": ("digits", {"solver": "sgd", "learning_rate_init": 1.0} | TO_THE_LAST),
    "values, adam": ("diabetes", {"learning_rate_init": 0.01}),
    "values, small batches": (
        "diabetes", {"batch_size": 8, "learning_rate_init": 0.01} | TO_THE_LAST,
    ),
    "values, sgd": ("diabetes", {"solver": "sgd", "batch_size": 20}),
    "counts": ("counts", {"loss": "poisson", "learning_rate_init": 0.03} | TO_THE_LAST),
}  # fmt: skip


def run(module, name, epochs):
    """Return the estimator of this module, fitted."""
    task, settings = RUNS[name]
    kind, X, y = TASKS[task]
    estimator = getattr(module, kind)(random_state=1, max_iter=epochs, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def main(module, path, epochs, *names):
    figures = {}
    for name in names:
        fitted = run(import_module(module), name, int(epochs))
        flat = [each.ravel() for each in (*fitted.coefs_, *fitted.intercepts_)]
        figures[name, "parameters"] = np.concatenate(flat)
        figures[name, "losses"] = np.array(fitted.loss_curve_)
    kernels = {each["architecture"] for each in threadpool_info() if "architecture" in each}
    np.savez(
        path, kernels=sorted(kernels), **{"|".join(key): value for key, value in figures.items()}
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
