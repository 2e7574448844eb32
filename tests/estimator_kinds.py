"""The kinds of estimators that model files hold: one of each is kept in `files/written/estimators`.

`python tests/estimator_kinds.py` writes those that are not there yet, as the installed version
does: ``<version>-<kind>.npz``, and beside each, ``...-expected.npz``, what that version said of it.
A kind that stands here is never changed; another version, or a new feature, adds to them.
"""

import warnings
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.sklearn import MLPClassifier, MLPRegressor
from model_file_kinds import CLASSES, CURVES, WRITTEN, X

ESTIMATORS = WRITTEN / "estimators"
SMALL: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
KINDS: dict[str, tuple[Any, np.ndarray]] = {
    "names": (
        MLPClassifier(
            **SMALL,
            activation=[cr.activations.swish(beta=2.0)],
            solver=cr.AdamW(cr.CosineDecay(0.01, epochs=50), weight_decay=0.1),
            class_weight={"yes": 2.0, "nö": 1.0, "so": 0.5},
            callbacks=cr.EarlyStopping("cost"),
        ),
        np.array(["nö", "so", "yes"])[np.arange(20) % 3],
    ),
    "truth values": (MLPClassifier(**SMALL, solver="sgd", learning_rate="adaptive"), CLASSES == 1),
    "several labels": (MLPClassifier(**SMALL, warm_start=True), (CURVES > 0.5).astype(int)),
    "numbers": (MLPRegressor(**SMALL, solver="lbfgs"), CURVES),
    "quantiles": (
        MLPRegressor(**SMALL, loss="quantile", quantiles=[0.1, 0.5, 0.9], dtype="float32"),
        CURVES[:, 0],
    ),
}


def go_on(estimator, y):
    """Train an estimator on, in the way it has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(estimator, "partial_fit"):
            return estimator.partial_fit(X, y)
        return estimator.set_params(warm_start=True).fit(X, y)


def answer(estimator):
    """Return its numbers for X."""
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def write(name, estimator, y):
    path = ESTIMATORS / f"{cr.__version__}-{name.replace(' ', '-')}.npz"
    if path.exists():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    estimator.save(path)
    expected = {"outputs": answer(estimator), "predicted": estimator.predict(X)}
    expected["parameters"] = go_on(estimator, y).network_.parameters
    np.savez(path.with_name(f"{path.stem}-expected.npz"), **expected)


if __name__ == "__main__":
    for kind, (made, targets) in KINDS.items():
        write(kind, made, targets)
