"""The kinds of ensembles that files hold: one of each is kept in `files/written/ensembles`.

`python tests/ensemble_kinds.py` writes those that are not there yet, as the installed version
does: ``<version>-<kind>.npz``, and beside each, ``...-expected.npz``, what that version said of it.
A kind that stands here is never changed; another version, or a new feature, adds to them.
"""

from typing import Any

import numpy as np

import chainrule as cr
from model_file_kinds import CLASSES, CURVES, SOFTMAX, WRITTEN, X
from users_functions import Focal, Sine

ENSEMBLES = WRITTEN / "ensembles"
OWN = {"Sine": Sine(2.0), "Focal": Focal(2.0)}
# The networks, as they are made, the weights, the targets, and what is the user's own.
KINDS: dict[str, tuple[list[dict[str, Any]], Any, np.ndarray, dict[str, object]]] = {
    "names": (
        [
            {"sizes": [3, 4, 2], **SOFTMAX, "hidden": "tanh", "dtype": "float64", "seed": 0},
            {"sizes": [3, 2], "task": "classification", "seed": 1},
            {"sizes": [3, 4, 4, 2], **SOFTMAX, "hidden": ["relu", "elu"], "bias": False, "seed": 2},
        ],
        [1.0, 2.5, 0.0],
        np.where(CLASSES, "yes", "nö"),
        {},
    ),
    "own": (
        [
            {"sizes": [3, 3, 2], "hidden": OWN["Sine"], "output": "softmax", "cost": OWN["Focal"],
             "seed": 3},
            {"sizes": [3, 4, 2], "hidden": OWN["Sine"], "output": "softmax", "cost": OWN["Focal"],
             "seed": 4},
        ],
        None,
        CLASSES,
        OWN,
    ),
    "scaled": (
        [{"sizes": [3, 3, 2], "task": "regression", "seed": k} for k in range(2)],
        None,
        1000 + 50 * CURVES,
        {},
    ),
}  # fmt: skip


def began(kind):
    """Return an ensemble of a kind after its first epochs."""
    networks, weights, y, _ = KINDS[kind]
    ensemble = cr.Ensemble([cr.Network(**each) for each in networks], weights)
    ensemble.fit(X, y, bootstrap=True, optimizer=cr.SGD(0.1, momentum=0.9), epochs=2)
    return ensemble


def write(kind):
    path = ENSEMBLES / f"{cr.__version__}-{kind}.npz"
    if path.exists():
        return
    ensemble = began(kind)
    ensemble.save(path)
    expected = {"outputs": ensemble(X)}
    ensemble.fit(X, KINDS[kind][2], epochs=2)
    expected |= {f"parameters.{k}": net.parameters for k, net in enumerate(ensemble)}
    np.savez(path.with_name(f"{path.stem}-expected.npz"), **expected)


if __name__ == "__main__":
    ENSEMBLES.mkdir(exist_ok=True)
    for each in KINDS:
        write(each)
