"""The kinds of networks that model files hold: one of each is kept in `files/written/`, for ever.

`python tests/model_file_kinds.py` writes those that are not there yet, as the installed version
does: ``<version>-<kind>.npz``, and beside each, ``...-expected.npz``, what that version said of it.
A kind that stands here is never changed; another version, or a new feature, adds to them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from users_functions import Focal, Sine

WRITTEN = Path(__file__).parent / "files" / "written"
X = np.linspace(-1, 1, 60).reshape(20, 3)
CURVES = np.stack([X[:, 0] ** 2, np.sin(3 * X[:, 1]) ** 2], axis=1)
CLASSES = np.arange(20) % 2
SMALL = {"sizes": [3, 5, 2], "hidden": "tanh", "seed": 3}
SOFTMAX = {"output": "softmax", "cost": "log_likelihood"}


@dataclass(frozen=True)
class Kind:
    """Network(**network).fit(X, y, optimizer=..., epochs=..., **options), then two epochs more.

    again: what the later `fit` is given beside ``options``; else it goes on by the file alone. own:
    as `load` takes it. names: of the columns of X.
    """

    network: dict[str, Any]
    y: np.ndarray
    optimizer: Any
    options: dict[str, Any] = field(default_factory=dict)
    again: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    epochs: int = 2


def before(network, y, optimizer, options):
    """A kind of the first files, which did not know their optimiser."""
    return Kind(network, y, optimizer, options, {"optimizer": optimizer})


KINDS = {
    "momentum": before(SMALL, CURVES, cr.SGD(0.1, momentum=0.9), {"batch_size": 6, "l2": 1e-3}),
    "adam": before(
        SMALL | SOFTMAX | {"dtype": "float64"},
        CLASSES,
        cr.Adam(cr.CosineDecay(0.01, epochs=10)),
        {"batch_size": 6, "average": 0.9, "dropout": 0.2},
    ),
    "plateau": before(
        SMALL | {"input_scale": 2.0, "input_shift": [0.1, 0.2, 0.3], "dtype": "float64"},
        CURVES,
        cr.RMSprop(cr.ReduceOnPlateau(0.01, monitor="cost")),
        {},
    ),
    "lbfgs": before(
        {
            "sizes": [3, 4, 2],
            "hidden": cr.activations.elu(alpha=0.5),
            "output": "identity",
            "cost": cr.costs.huber(delta=2.0),
            "dtype": "float64",
            "seed": 1,
        },
        CURVES,
        cr.LBFGS(),
        {},
    ),
    "names": Kind(
        SMALL | SOFTMAX,
        np.where(CLASSES, "yes", "nö"),
        cr.AdamW(cr.StepDecay(0.01, epochs=3), weight_decay=0.1),
        names=("length", "width of the leaf", "größe"),
    ),
    "whole numbers": Kind(
        SMALL | {"task": "classification", "dtype": "float64"},
        np.where(CLASSES, 7, -3),
        cr.Adamax(cr.ExponentialDecay(0.01, factor=0.5)),
    ),
    "booleans": Kind(
        {"sizes": [3, 4, 1], "task": "classification", "seed": 2},
        CLASSES == 1,
        cr.Adagrad(cr.InverseScaling(0.1)),
    ),
    "several labels": Kind(
        {"sizes": [3, 4, 2], "task": "multilabel", "bias": False, "seed": 2},
        (CURVES > 0.5).astype(float),
        cr.Adam(cr.OneCycle(0.01, epochs=10)),
        {"average": 0.5},
    ),
    "regression": Kind(
        {"sizes": [3, 4, 4, 2], "task": "regression", "dtype": "float64", "seed": 2},
        1000 + 50 * CURVES,
        cr.RMSprop(cr.ReduceOnPlateau(0.01, monitor="cost", patience=1)),
    ),
    "scaled": Kind(
        SMALL
        | {
            "output": "identity",
            "input_scale": [0.5, 2, 1],
            "output_scale": [10.0, 100.0],
            "output_shift": -3.0,
        },
        10 * CURVES,
        cr.Rprop(0.001),
        {"batch_size": 20},
    ),
    "a trained scale": Kind(
        SMALL | {"trainable_scale": True, "dtype": "float64"},
        CURVES,
        cr.Adam(0.01),
    ),
    "quantiles": Kind(
        {
            "sizes": [3, 4, 3],
            "output": "identity",
            "cost": cr.costs.quantile([0.1, 0.5, 0.9]),
            "hidden": [cr.activations.swish(beta=2.0)],
            "output_scale": "standard",
            "seed": 4,
        },
        CURVES[:, 0],
        cr.SGD(cr.Constant(0.01), momentum=0.5, nesterov=True),
    ),
    "levenberg": Kind(
        {"sizes": [3, 3, 2], "output": "identity", "dtype": "float64", "seed": 1},
        CURVES,
        cr.LevenbergMarquardt(),
    ),
    "own": Kind(
        SMALL | {"hidden": [Sine(2.0)], "output": "softmax", "cost": Focal(2.0)},
        CLASSES,
        cr.Adam(0.01),
        own={"Sine": Sine(2.0), "Focal": Focal(2.0)},
    ),
    "a function": Kind(
        SMALL,
        CURVES,
        cr.SGD(lambda e: 0.1 / (1 + e)),
        again={"optimizer": cr.SGD(lambda e: 0.1 / (1 + e))},
    ),
    "untrained": Kind(
        {"sizes": [3, 4, 2], "task": "regression", "seed": 5, "dtype": "float64"},
        1000 + 50 * CURVES,
        None,
        again={"optimizer": cr.SGD(0.1)},
        epochs=0,
    ),
}


class Frame:
    """As much of a frame as is needed to have names."""

    def __init__(self, columns, X):
        self.columns, self._X = list(columns), X

    def __len__(self):
        return len(self._X)

    def __getitem__(self, name):
        return self._X[:, self.columns.index(name)]


def began(kind):
    """Return a network of a kind after its first epochs."""
    net = cr.Network(**kind.network)
    given = Frame(kind.names, X) if kind.names else X
    if kind.epochs:
        net.fit(given, kind.y, optimizer=kind.optimizer, epochs=kind.epochs, **kind.options)
    return net


def write(name, kind):
    path = WRITTEN / f"{cr.__version__}-{name.replace(' ', '-')}.npz"
    if path.exists():
        return
    net = began(kind)
    net.save(path)
    expected = {"outputs": net(X)} if kind.epochs else {}
    history = net.fit(X, kind.y, epochs=2, **kind.options, **kind.again)
    expected |= {"parameters": net.parameters, "cost": history.cost}
    np.savez(path.with_name(f"{path.stem}-expected.npz"), **expected)


if __name__ == "__main__":
    for each in KINDS.items():
        write(*each)
