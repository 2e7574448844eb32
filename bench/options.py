"""What an option of `fit` costs: the time of a training step with it, beside that of one without.

The two take turns, an epoch or so each; what is told is the least time of all turns. (A median
would do on a machine of one's own.) GOALS says how much more a step may take: as a ratio, or in
seconds of its own. A cost in Python is timed without what its functions take by themselves.

    python bench/options.py [--only "Adam,layers tiny"] [--json FILE]
"""

from time import perf_counter

import numpy as np

import chainrule as cr
from parts.cases import CASES, make_data
from parts.command import Command
from parts.machine import header
from parts.ours import fit_options, network, targets
from parts.output import write_json


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


def step_timer(case, least, one_step=False, *, cost=None, **options):
    """Return a function that trains a network of its own and gives the seconds of a step.

    It trains for about the `least` seconds, or one step a thousand times.
    """
    X, Y, labels = make_data(case, np.float32)
    y = targets(case, Y, labels)
    rows = case.batch if one_step else len(X)
    net = network(case, cost=cost or case.cost)
    options = fit_options(case) | {"optimizer": cr.SGD(1e-3)} | options
    epochs = 1000 if one_step else 1

    def seconds():
        start = perf_counter()
        net.fit(X[:rows], y[:rows], epochs=epochs, **options)
        return (perf_counter() - start) / (epochs * -(-rows // case.batch))

    if not one_step:
        epochs = max(1, round(least / (seconds() * case.steps)))
    return seconds


def least_times(turns, *timers):
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


def measure(name, options):
    """Return the seconds of a step without and with, what it costs, and the goal."""
    turns, least = options.rounds, options.seconds
    if name in RATIOS:
        key, added, goal = RATIOS[name]
        case = CASES["quick" if options.quick else key]
        timers = step_timer(case, least), step_timer(case, least, **added)
        without, with_it = least_times(turns, *timers)
        return without, with_it, with_it / without, goal
    added, one_step, goal = SECONDS[name]
    case = CASES["quick-adam" if options.quick else "tiny"]
    timers = [step_timer(case, least, one_step), step_timer(case, least, one_step, **added)]
    own = own_time(case, added["cost"]) if "cost" in added else lambda: 0.0
    without, with_it, its_own = least_times(turns, *timers, own)
    return without, with_it, with_it - without - its_own, goal


def told(name, without, with_it, costs, goal):
    """One line of the report; a goal of None is not told."""
    unit, factor, digits = (" µs", 1e6, 2) if name in SECONDS else ("", 1, 3)
    line = f"{name:15} {without * 1e6:9.2f} µs -> {with_it * 1e6:9.2f} µs"
    line += f" {costs * factor:7.{digits}f}{unit}"
    return line if goal is None else f"{line} (at most {goal * factor:g})"


def command():
    names = [*RATIOS, *SECONDS]
    parser = Command(__doc__, rounds=300, seconds=0.03, files=["json"])
    parser.add_names("only", names, names, "all")
    return parser


def main(options):
    print(header(options.about))
    results = []
    for name in options.only:
        without, with_it, costs, goal = measure(name, options)
        goal = None if options.quick else goal
        print(told(name, without, with_it, costs, goal), flush=True)
        results.append(
            {"option": name, "seconds": [without, with_it], "costs": costs, "goal": goal}
        )
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    command().run(main)
