"""Each optimiser with its default and with other settings, compared with the replay in NumPy."""

import itertools

import numpy as np

import chainrule as cr
from optimizer_oracle import Replay
from oracle import assert_close

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

# Settings other than the default as well, so that none can be ignored.
CASES = {
    "SGD": ("SGD", {}),
    "SGD momentum": ("SGD", {"momentum": 0.9}),
    "SGD nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    "Adagrad": ("Adagrad", {}),
    "Adagrad epsilon": ("Adagrad", {"learning_rate": 0.05, "epsilon": 0.1}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop rho": ("RMSprop", {"learning_rate": 0.02, "rho": 0.8, "epsilon": 1e-3}),
    "Adam": ("Adam", {}),
    "Adam betas": ("Adam", {"learning_rate": 0.02, "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3}),
    "Adam epsilon hat": ("Adam", {"epsilon": 1e-2, "epsilon_hat": True}),
    "AdamW": ("AdamW", {}),
    "AdamW decay": ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.5}),
    "AdamW epsilon hat": ("AdamW", {"epsilon": 1e-2, "epsilon_hat": True}),
    "Adamax": ("Adamax", {}),
    "Adamax betas": ("Adamax", {"learning_rate": 0.02, "beta1": 0.5, "beta2": 0.8}),
    "Rprop": ("Rprop", {}),
    "Rprop limits": (
        "Rprop",
        {"learning_rate": 0.02, "shrink": 0.3, "grow": 1.5, "min_step": 0.01, "max_step": 0.03},
    ),
}
DEFAULT_RATE = {
    "SGD": 0.1, "Adagrad": 0.01, "RMSprop": 0.01, "Adam": 1e-3, "AdamW": 1e-3, "Adamax": 2e-3,
    "Rprop": 0.01,
}  # fmt: skip


def compare(draw_problem, case, dtype, *, epochs=10, batch_size=10, rows=47, **options):
    """Train with the package and with the replay; both end at the same parameters and state."""
    name, settings = CASES[case]
    net, x, y = draw_problem((5, 7, 3), rows, hidden="tanh", dtype=dtype)
    twin = cr.Network((5, 7, 3), hidden="tanh", dtype="float64", seed=0)
    twin.parameters = net.parameters
    start = net.parameters.copy()
    rule = getattr(cr, name)(**settings)
    replay = Replay(twin, name, **{k: v for k, v in settings.items() if k != "learning_rate"})
    rates = itertools.repeat(settings.get("learning_rate", DEFAULT_RATE[name]))
    for _ in range(epochs):
        replay.epoch(x.astype(float), y.astype(float), batch_size, rates, **options)
    if "weights" in options:
        options["sample_weight"] = options.pop("weights")
    net.fit(x, y, optimizer=rule, epochs=epochs, batch_size=batch_size, shuffle=False, **options)
    assert_close(net.parameters, twin.parameters, TOLERANCE[dtype])
    assert np.abs(net.parameters - start).max() > 100 * TOLERANCE[dtype]
    for state in rule.states:
        assert_close(net.optimizer_state[state], replay.state[state], 100 * TOLERANCE[dtype])
        assert net.optimizer_state[state].dtype == dtype
    if rule.counts_steps:
        assert net.optimizer_state["steps"].tolist() == [replay.t]
    if "average" in options:
        assert_close(net.optimizer_state["average"], replay.average, TOLERANCE[dtype])
    return net, replay
