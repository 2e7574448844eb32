"""Why backpropagation is fast: its gradient, and the naive one, measured in forward passes.

A network of a million weights needs a million and one forward passes to find its gradient one
weight at a time, and two to three, one forward and one backward that costs up to two, by
backpropagation (Nielsen, chapter 2: "about two"). Goals (float32, one thread), backpropagation with
its own forward pass included:

    case                                       batch   forward passes
    most weights in the first layer              128   <= 2.6
    weights spread evenly                        128   <= 3.4
    weights spread evenly                          1   <= 4

Forward pass and backpropagation take turns on the same arrays; the ratio is the median over the
turns. The naive gradient is timed on a sample of the weights, in the same compiled core but in
float64, as differences need, and extrapolated to all 1,000,001 passes; the table has the time of
such a float64 pass too.

    python bench/naive.py [--markdown FILE] [--json FILE]
"""

import time
from statistics import median

import numpy as np

import chainrule as cr
from chainrule.core import _core
from chainrule.course.gradient_check import STEPS
from parts.command import Command
from parts.machine import header
from parts.output import table, write_json, write_page

# About a million weights each; the ratio that is the goal.
CASES = {
    "most weights in the first layer, batch 128": ([1900, 500, 100], 128, 2.6),
    "weights spread evenly, batch 128": ([500, 500, 500, 500, 500], 128, 3.4),
    "weights spread evenly, batch 1": ([500, 500, 500, 500, 500], 1, 4.0),
}
QUICK = {
    "a few weights, batch 8": ([12, 8, 4], 8, None),
    "a few weights, batch 1": ([8, 8, 8, 8], 1, None),
}
SAMPLE = 40  # weights the naive gradient is timed on


def seconds(call, repeats):
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def measure(sizes, batch, options):
    """Return seconds of a forward pass, of a backprop and of the whole naive gradient."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch, sizes[0]), dtype=np.float32)
    Y = rng.random((batch, sizes[-1]), dtype=np.float32)
    net = cr.Network(sizes, init="glorot", seed=0)

    def forward():
        net.feedforward(X)

    def backprop():
        net.backprop(X, Y)

    forward(), backprop()
    repeats = max(1, int(options.seconds / seconds(forward, 3)))
    turns = [(seconds(forward, repeats), seconds(backprop, repeats)) for _ in range(options.rounds)]
    ratio = median(b / f for f, b in turns)

    indices = rng.choice(net.parameters.size, SAMPLE, replace=False)
    wide = (a.astype(np.float64) for a in (net.parameters, X, Y))
    parameters, X, Y = wide
    data = net._plan, parameters, X, Y, None, indices
    began = time.perf_counter()
    _, passes = _core.numerical_gradient(*data, STEPS["forward"], False, np.empty(SAMPLE))
    a_pass = (time.perf_counter() - began) / passes
    return {
        "weights": int(net.parameters.size),
        "forward_seconds": median(f for f, _ in turns),
        "backprop_seconds": median(b for _, b in turns),
        "ratio": ratio,
        "naive_pass_seconds": a_pass,
        "naive_passes": int(net.parameters.size) + 1,
        "naive_seconds": a_pass * (net.parameters.size + 1),
    }


def report(cases, results):
    head = ["a million weights", "a forward pass, float32", "backpropagation, float32"]
    head += ["in forward passes (goal)", "a forward pass, float64"]
    head += ["the naive gradient of such passes", "in forward passes"]
    rows = []
    for name, r in results.items():
        forward, backprop, pass_64 = (
            f"{r[key] * 1e6:.0f} µs"
            for key in ("forward_seconds", "backprop_seconds", "naive_pass_seconds")
        )
        goal = f" (≤ {cases[name][-1]})" if cases[name][-1] else ""
        cells = [name, forward, backprop, f"**{r['ratio']:.2f}**{goal}", pass_64]
        rows.append([*cells, f"{r['naive_seconds'] / 60:.1f} min", f"{r['naive_passes']:,}"])
    return table(head, rows)


def main(options):
    cases = QUICK if options.quick else CASES
    results = {name: measure(*case[:2], options) for name, case in cases.items()}
    text = f"{header(options.about)}\n\n{report(cases, results)}"
    print(text)
    write_page(options.markdown, text)
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    Command(__doc__, rounds=15, seconds=0.02, files=("json", "markdown")).run(main)
