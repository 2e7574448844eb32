"""What an option of `fit` costs: the time of a training step with it, beside that of one without.

The two take turns, an epoch or so each; what is told is the least time of all turns. (A median
would do on a machine of one's own.) GOALS says how much more a step may take: as a ratio, or in
seconds of its own. A cost in Python is timed without what its functions take by themselves.

    python bench/options.py [--turns 300] [--only NAME ...] [--json FILE]
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
from cases import CASES, make_data

import chainrule as cr

SECONDS_A_TURN = 0.03


class AfterEachBatch:
    def on_batch_end(self, batch, cost):
        pass


def after_each_epoch(net, history):
    pass


class PythonQuadratic:
    """½‖y-a‖² with identity outputs, as a user would write it."""

    def value(self, a, y):
        return 0.5 * ((a - y) ** 2).sum(axis=1)

    def delta(self, z, a, y):
        return a - y


# Name: the case, what is added to it, and the most it may cost, as a ratio.
RATIOS = {
    "Adam": ("medium", {"optimizer": cr.Adam(1e-3)}, 1.15),
    "dropout": ("medium", {"dropout": 0.5}, 1.1),
    "layers book30": ("book30", {"record": "layers"}, 1.05),
    "layers tiny": ("tiny", {"record": "layers"}, 1.05),
    "layers medium": ("medium", {"record": "layers"}, 1.05),
}
# Name: what is added to the case tiny, whether an epoch is one step, and the most it may cost.
SECONDS = {
    "batch callback": ({"callbacks": AfterEachBatch()}, False, 2e-6),
    "epoch callback": ({"callbacks": after_each_epoch}, True, 20e-6),
    "Python cost": ({"cost": PythonQuadratic()}, False, 2e-6),
}


def step_timer(case, one_step=False, *, cost=None, **options):
    """Return a function that trains a network of its own and gives the seconds of a step."""
    X, Y, labels = make_data(case, np.float32)
    y = labels if case.output == "softmax" else Y
    rows = case.batch if one_step else len(X)
    net = cr.Network(
        case.sizes, hidden=case.hidden, output=case.output, cost=cost or case.cost, seed=0
    )
    options = {"optimizer": cr.SGD(1e-3), "batch_size": case.batch} | options
    epochs = 1000 if one_step else 1

    def seconds():
        start = perf_counter()
        net.fit(X[:rows], y[:rows], epochs=epochs, **options)
        return (perf_counter() - start) / (epochs * -(-rows // case.batch))

    if not one_step:
        epochs = max(1, round(SECONDS_A_TURN / (seconds() * case.steps)))
    return seconds


def least(turns, *timers):
    """Return the least time of each of the timers, which take turns."""
    return np.min([[timer() for timer in timers] for _ in range(turns)], axis=0).tolist()


def own_time(case, cost):
    """Return a function that gives the seconds of a Python cost's functions for a batch."""
    rng = np.random.default_rng(0)
    z, a, y = rng.normal(size=(3, case.batch, case.sizes[-1])).astype(np.float32)

    def seconds(calls=2000):
        start = perf_counter()
        for _ in range(calls):
            cost.value(a, y)
            cost.delta(z, a, y)
        return (perf_counter() - start) / calls

    return seconds


def measure(name, turns):
    """Return the seconds of a step without and with, what it costs, and the goal."""
    if name in RATIOS:
        case, options, goal = RATIOS[name]
        case = CASES[case]
        without, with_it = least(turns, step_timer(case), step_timer(case, **options))
        return without, with_it, with_it / without, goal
    options, one_step, goal = SECONDS[name]
    case = CASES["tiny"]
    timers = [step_timer(case, one_step), step_timer(case, one_step, **options)]
    if "cost" not in options:
        without, with_it = least(turns, *timers)
        return without, with_it, with_it - without, goal
    without, with_it, own = least(turns, *timers, own_time(case, options["cost"]))
    return without, with_it, with_it - without - own, goal


def main():
    names = [*RATIOS, *SECONDS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", default=names)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for name in options.only:
        without, with_it, costs, goal = measure(name, options.turns)
        figures = f"{costs:7.3f}    (at most {goal})"
        if name in SECONDS:
            figures = f"{costs * 1e6:7.2f} µs (at most {goal * 1e6:.0f})"
        times = f"{without * 1e6:9.2f} µs -> {with_it * 1e6:9.2f} µs"
        print(f"{name:15} {times} {figures}", flush=True)
        results.append(
            {"option": name, "seconds": [without, with_it], "costs": costs, "goal": goal}
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
