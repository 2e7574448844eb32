"""Are the results of a fixed set of fits the same to the last bit as before a change?

    python bench/same_bits.py --write before.json --models FOLDER      with the package as it was
    python bench/same_bits.py --compare before.json --models FOLDER    with the package as it is

With --quick both in one go, for a handful of the fits.

Every optimiser, every cost, every activation, both precisions, one thread and two, and the options
of `fit` that change results. FOLDER gets a model file in the middle of each training, which the
later package reads and goes on with, to the same bits. Bits depend on the processor's instruction
set, so that both runs belong on one machine.
"""

import hashlib
import json
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np

import chainrule as cr
from parts.command import Command

M = 300  # samples
OPTIMIZERS = {
    "SGD": cr.SGD(0.1),
    "momentum": cr.SGD(0.05, momentum=0.9),
    "nesterov": cr.SGD(0.05, momentum=0.9, nesterov=True),
    "Adagrad": cr.Adagrad(0.05),
    "RMSprop": cr.RMSprop(0.003),
    "Adam": cr.Adam(0.01),
    "AdamW": cr.AdamW(0.01),
    "Adamax": cr.Adamax(0.01),
    "Rprop": cr.Rprop(0.01),
    "LBFGS": cr.LBFGS(),
}
SCHEDULES = {
    "CosineDecay": cr.CosineDecay(0.1, epochs=10),
    "StepDecay": cr.StepDecay(0.1, epochs=1),
    "ExponentialDecay": cr.ExponentialDecay(0.1),
    "InverseScaling": cr.InverseScaling(0.1),
    "OneCycle": cr.OneCycle(0.1, epochs=10),
    "function": lambda epoch: 0.1 / (1 + epoch),
}
FITS = {
    "l1, l2": {"l1": 1e-4, "l2": 1e-3},
    "limits": {"max_norm": 1.0, "clip_norm": 0.5, "clip_value": 0.1},
    "average": {"average": 0.9},
    "dropout": {"dropout": [0.1, 0.3]},
    "weights": {"class_weight": "balanced", "sample_weight": np.linspace(0, 2, M)},
    "split": {"validation_split": 0.2},
    "layers": {"record": "layers"},
    "gradients": {"record": ["layers", "gradients"]},
    "in order": {"shuffle": False},
    "full batch": {"batch_size": M},
    "many tiles": {"batch_size": 10_000, "repeat": 9},
    "stopping": {"validation_split": 0.3, "callbacks": "stopping"},
    "diagnose": {"validation_split": 0.3, "diagnose": True},
}
QUICK = {
    "optimiser Adam float32",
    "optimiser LBFGS float64",
    "schedule OneCycle float32",
    "cost gaussian float64",
    "option dropout float32",
    "option many tiles float64",
    "option diagnose float32",
    "uint8 float32",
}


def data(classes):
    """Return inputs (m, 8) and labels (m,)."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(M, 8))
    return X, (X @ rng.normal(size=(8, classes))).argmax(axis=1)


def target_of(cost, y):
    """Return targets (m, n) that the cost is defined for."""
    Y = np.eye(3)[y]
    if cost == "gaussian":
        return Y[:, :1]
    return Y


def cases():
    """Yield the name of each fit, its network, data and options."""
    X, y = data(3)
    sizes, softmax = [8, 20, 16, 3], {"output": "softmax", "cost": "log_likelihood"}
    for dtype in ("float32", "float64"):
        base = {"dtype": dtype, "seed": 7}
        for name, optimizer in OPTIMIZERS.items():
            yield f"optimiser {name} {dtype}", sizes, softmax | base, X, y, {"optimizer": optimizer}
        small = {"hidden": "tanh", "output": "identity"} | base
        rule = {"optimizer": cr.LevenbergMarquardt()}
        yield f"optimiser LevenbergMarquardt {dtype}", [8, 6, 3], small, X, np.eye(3)[y], rule
        for name, schedule in SCHEDULES.items():
            rule = {"optimizer": cr.SGD(schedule, momentum=0.5)}
            yield f"schedule {name} {dtype}", sizes, softmax | base, X, y, rule
        for cost in cr.COSTS:
            output = {"cross_entropy": "sigmoid", "log_likelihood": "softmax",
                      "poisson": "exponential"}.get(cost, "identity")  # fmt: skip
            kinds = {"cost": cost, "output": output} | base
            widths = [8, 20, 2 if cost == "gaussian" else 3]
            rule = {"optimizer": cr.Adam(0.01)}
            yield f"cost {cost} {dtype}", widths, kinds, X, target_of(cost, y), rule
        for activation in cr.ACTIVATIONS:
            if activation not in ("step", "softmax"):
                kinds = softmax | {"hidden": activation} | base
                rule = {"optimizer": cr.SGD()}
                yield f"activation {activation} {dtype}", sizes, kinds, X, y, rule
        for name, options in FITS.items():
            kinds = softmax | {"hidden": ["relu", "tanh"]} | base
            yield f"option {name} {dtype}", sizes, kinds, X, y, {"optimizer": cr.Adam()} | options
        wide = {"input_scale": 1 / 255, "input_shift": -0.5} | softmax | base
        images = (np.abs(X) * 60).astype(np.uint8)
        rule = {"optimizer": cr.SGD(), "batch_size": 64}
        yield f"uint8 {dtype}", [8, 300, 300, 3], wide, images, y, rule


def hash_of(net, X, y, options):
    """Return a hash of all that a fit leaves behind, a divergence too, but for the time it took."""
    digest = hashlib.sha256()
    try:
        net.fit(X, y, **options)
    except cr.DivergenceError as error:
        digest.update(str(error).encode())
    history = net.history
    digest.update(net.parameters.tobytes())
    for name, values in sorted(net.optimizer_state.items()):
        digest.update(name.encode() + values.tobytes())
    for name in history:
        if name != "seconds":
            digest.update(name.encode() + np.asarray(history[name]).tobytes())
    digest.update(str(net.epochs_trained).encode())
    digest.update(str(history.diagnosis).encode())
    digest.update(net(np.linspace(-1, 1, net.sizes[0])).tobytes())
    return digest.hexdigest()[:16]


def results(models, writing, chosen):
    """Return the hash of each fit that is chosen, and of each that goes on from a model file."""
    found = {}
    for name, sizes, kinds, X, y, options in cases():
        if not chosen(name):
            continue
        options = dict(options)
        times = options.pop("repeat", 1)
        X, y = np.tile(X, (times, 1)), np.tile(y, (times,) + (1,) * (y.ndim - 1))
        for threads in (1, 2):
            net = cr.Network(sizes, **kinds)
            given = {"epochs": 3, "threads": threads} | options
            if given.get("callbacks") == "stopping":
                given["callbacks"] = cr.EarlyStopping(patience=2)
            full = f"{name}, threads={threads}"
            found[full] = hash_of(net, X, y, given)
            file = models / f"{full}.npz"
            if threads == 1:
                if writing:
                    net.save(file)
                net = cr.load(file)
                found[f"{full}, from the file"] = hash_of(net, X, y, given)
    return found


def found_now(options, writing):
    """Return the results, without what the doctor says of them on stderr."""
    options.models.mkdir(parents=True, exist_ok=True)
    chosen = QUICK.__contains__ if options.quick else lambda name: True
    with open(os.devnull, "w") as quiet, redirect_stderr(quiet):
        return results(options.models, writing, chosen)


def write(options):
    found = found_now(options, writing=True)
    options.write.write_text(json.dumps(found, indent=0))
    print(f"{len(found)} results written")


def compare(options):
    """Tell which results differ; end with status 1 if any do."""
    before, found = json.loads(options.compare.read_text()), found_now(options, writing=False)
    differ = [name for name in before.keys() | found.keys() if before.get(name) != found.get(name)]
    print(f"{len(before)} results before, {len(found)} now; {len(differ)} differ")
    for name in sorted(differ):
        print(f"  {name}")
    if differ:
        sys.exit(1)


def command():
    parser = Command(__doc__)
    parser.add_argument("--write", metavar="FILE", type=Path)
    parser.add_argument("--compare", metavar="FILE", type=Path)
    parser.add_argument("--models", metavar="FOLDER", type=Path)
    return parser


def main(options):
    if options.quick:
        options.write = options.compare = options.scratch / "before.json"
        options.models = options.scratch
    elif options.models is None or (options.write is None) == (options.compare is None):
        sys.exit("give --models, and one of --write and --compare")
    if options.write:
        write(options)
    if options.compare:
        compare(options)


if __name__ == "__main__":
    command().run(main)
