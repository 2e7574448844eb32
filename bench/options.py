"""What an option of `fit` costs: the time of a training step with it over that of one without.

Goals:

    option                       case      at most
    record="layers"              book30    1.05
                                 tiny      1.05
                                 medium    1.05

What a callback costs that does nothing, in time of its own:

    callback                     at most
    after each batch             2 µs a step
    after each epoch             20 µs an epoch

The two take turns, an epoch or so each, on the same network; a ratio is that of the least times of
all turns. (A median would do on a machine of one's own.)

    python bench/options.py [--turns 300] [--json FILE]
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

import chainrule as cr
from cases import CASES, make_data

# The option, the case, and the goal.
GOALS = [
    ({"record": "layers"}, "book30", 1.05),
    ({"record": "layers"}, "tiny", 1.05),
    ({"record": "layers"}, "medium", 1.05),
]
SECONDS_A_TURN = 0.03


class AfterEachBatch:
    def on_batch_end(self, batch, cost):
        pass


def after_each_epoch(net, history):
    pass


# The callback, whether each epoch is one step, and the goal in seconds.
CALLBACKS = [(AfterEachBatch(), False, 2e-6), (after_each_epoch, True, 20e-6)]


def measure(option, case, turns):
    """Return the least seconds of a step without and with the option."""
    X, Y, labels = make_data(case, np.float32)
    y = labels if case.output == "softmax" else Y
    net = cr.Network(case.sizes, hidden=case.hidden, output=case.output, cost=case.cost, seed=0)

    def seconds(**options):
        history = net.fit(
            X, y, optimizer=cr.SGD(1e-3), epochs=epochs, batch_size=case.batch, **options
        )
        return history.seconds.mean() / case.steps

    epochs = 1
    epochs = max(1, round(SECONDS_A_TURN / (seconds() * case.steps)))
    times = [(seconds(), seconds(**option)) for _ in range(turns)]
    return np.min(times, axis=0).tolist()


def measure_callback(callback, one_step, turns):
    """Return the least seconds that `fit` takes for a step, without and with the callback."""
    case = CASES["tiny"]
    X, Y, _ = make_data(case, np.float32)
    rows = case.batch if one_step else len(X)
    net = cr.Network(case.sizes, hidden=case.hidden, output=case.output, cost=case.cost, seed=0)
    epochs = 1000 if one_step else 1

    def seconds(**options):
        start = perf_counter()
        net.fit(
            X[:rows],
            Y[:rows],
            optimizer=cr.SGD(1e-3),
            epochs=epochs,
            batch_size=case.batch,
            **options,
        )
        return (perf_counter() - start) / (epochs * -(-rows // case.batch))

    times = [(seconds(), seconds(callbacks=callback)) for _ in range(turns)]
    return np.min(times, axis=0).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for option, name, goal in GOALS:
        without, with_it = measure(option, CASES[name], options.turns)
        text = ", ".join(f"{key}={value!r}" for key, value in option.items())
        print(
            f"{text:20} {name:8} {without * 1e6:8.2f} µs -> {with_it * 1e6:8.2f} µs "
            f"{with_it / without:6.3f} (goal {goal})",
            flush=True,
        )
        results.append({"option": text, "case": name, "seconds": [without, with_it], "goal": goal})
    for callback, one_step, goal in CALLBACKS:
        without, with_it = measure_callback(callback, one_step, options.turns)
        text = "callback each " + ("epoch" if one_step else "batch")
        print(
            f"{text:20} {'tiny':8} {without * 1e6:8.2f} µs -> {with_it * 1e6:8.2f} µs "
            f"{(with_it - without) * 1e6:+6.2f} µs (goal {goal * 1e6:.0f} µs)",
            flush=True,
        )
        results.append(
            {"option": text, "case": "tiny", "seconds": [without, with_it], "goal": goal}
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
