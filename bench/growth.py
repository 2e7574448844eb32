"""How the cost of a training step grows: with the width, with the depth, and with the batch.

Goal: no cliff steeper than the arithmetic. From each point to the next, the time of a step may grow
as its floating-point operations do, times TOLERANCE for noise, and no more. Each axis goes up by
factors of √2: [width, width, width, 10] with mini-batches of 64; depth hidden layers of 64 in
[64, 64, ..., 10], likewise; [784, 64, 10] with mini-batches of so many. tanh and softmax, SGD,
float32, one thread and as many as the package chooses.

The points of an axis take turns and the least time of each counts. The two ends of what looks like
a cliff have more turns, to tell noise from truth.

    python bench/growth.py --markdown docs/growth.md --picture docs/pictures/growth.png
    python bench/growth.py --axes width --rounds 3
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

import chainrule as cr
from chainrule.results.pictures import BLUE, GREY, ORANGE
from parts.cases import flops_of
from parts.command import Command, without_matplotlib
from parts.environment import in_one_thread
from parts.machine import header
from parts.output import four_digits, write_json, write_page, write_picture

MOST_SAMPLES, MOST_FLOPS = 4096, 4e10  # of an epoch
TOLERANCE = 1.15
SPAN = 2  # of an axis in quick mode: from its first place to so many times that
LINES = {"one thread": 1, "threads as chosen": None}
# Axis: its label, where it begins and ends, and the sizes and the batch at a point of it.
AXES = {
    "width": ("width of [n, n, n, 10], batch 64", 8, 2048, lambda n: ([n, n, n, 10], 64)),
    "depth": ("hidden layers of 64, batch 64", 1, 32, lambda n: ([64] * (n + 1) + [10], 64)),
    "batch": ("batch of [784, 64, 10]", 1, 4096, lambda n: ([784, 64, 10], n)),
}


def places(first, last):
    """Whole numbers from first to last, by factors of √2."""
    halves = round(2 * np.log2(last / first))
    return sorted({round(first * 2 ** (i / 2)) for i in range(halves + 1)})


@dataclass
class Point:
    """A network at one place of an axis, and the least time of its steps for each line."""

    place: int
    sizes: list
    batch: int
    least: float  # seconds of a turn
    seconds: dict = field(default_factory=dict)

    def __post_init__(self):
        self.flops = flops_of(self.sizes, self.batch)
        rng = np.random.default_rng(0)
        self.steps = int(min(MOST_SAMPLES // self.batch, MOST_FLOPS // self.flops))
        self.X = rng.random((self.steps * self.batch, self.sizes[0]), dtype=np.float32)
        self.y = rng.integers(0, 10, len(self.X))
        kinds = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"}
        self.nets = {line: cr.Network(self.sizes, **kinds, seed=0) for line in LINES}
        self.epochs = {line: max(1, round(self.least / self.train(line, 1))) for line in LINES}

    def train(self, line, epochs):
        """Return the seconds of an epoch."""
        options = {"optimizer": cr.SGD(0.01), "batch_size": self.batch, "threads": LINES[line]}
        return self.nets[line].fit(self.X, self.y, epochs=epochs, **options).seconds.mean()

    def turn(self, line):
        """Train for a moment, and keep the time of a step if it is the least so far."""
        seconds = self.train(line, self.epochs[line]) / self.steps
        self.seconds[line] = min(seconds, self.seconds.get(line, np.inf))


def steepness(points, line):
    """How much more the time grows than the arithmetic does, from each point to the next."""
    rates = [point.seconds[line] / point.flops for point in points]
    return [after / before for before, after in pairwise(rates)]


def cliffs(points, line):
    """The pairs of neighbors between which the time grows too much."""
    found = zip(pairwise(points), steepness(points, line), strict=True)
    return [pair for pair, steep in found if steep > TOLERANCE]


def measure(axis, options):
    _, first, last, network = AXES[axis]
    last = SPAN * first if options.quick else last
    points = [Point(place, *network(place), options.seconds) for place in places(first, last)]
    for _ in range(options.rounds):
        for line in LINES:
            for point in points:
                point.turn(line)
    for line in LINES:
        for _ in range(options.rounds):
            for pair in cliffs(points, line):
                for point in pair:
                    point.turn(line)
    return points


def verdicts(axis, points, judged):
    """For each line of the picture, its steepest step and, where it is judged, every cliff."""
    for line in LINES:
        steep = steepness(points, line)
        at = int(np.argmax(steep))
        text = f"steepest {steep[at]:.2f}, {points[at].place} to {points[at + 1].place}"
        named = [
            f"{a.place} to {b.place}: {four_digits(1e6 * a.seconds[line])} to "
            f"{four_digits(1e6 * b.seconds[line])} µs, "
            f"time x{b.seconds[line] / a.seconds[line]:.2f}, arithmetic x{b.flops / a.flops:.2f}"
            for a, b in cliffs(points, line)
        ]
        if judged:
            text += f"; {'CLIFFS: ' + '; '.join(named) if named else 'no cliff'}"
        yield f"{axis}, {line}: {text}"


def summary(results):
    """What is kept: {axis: a list of points}."""
    names = ("place", "sizes", "batch", "flops", "seconds")
    return {
        axis: [{name: getattr(point, name) for name in names} for point in points]
        for axis, points in results.items()
    }


def draw(results, path):
    """The times of all axes, log-log, in as few colors as the other pictures of docs/."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    figure = Figure(figsize=(9.6, 3.6), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for ax, (axis, points) in zip(panels, results.items(), strict=True):
        along = [point.place for point in points]
        best = max(point.flops / point.seconds["one thread"] for point in points)
        arithmetic = [1e6 * point.flops / best for point in points]
        ax.plot(along, arithmetic, color="#808080", linewidth=1, label="arithmetic at that rate")
        for line, color in zip(LINES, (BLUE, ORANGE), strict=True):
            times = [1e6 * point.seconds[line] for point in points]
            ax.plot(along, times, "o-", color=color, markersize=3, linewidth=1.5, label=line)
            for pair in cliffs(points, line):
                ends = [(point.place, 1e6 * point.seconds[line]) for point in pair]
                ax.plot(*zip(*ends, strict=True), color="#c00000", linewidth=2.5)
        ax.set(xscale="log", yscale="log", xlabel=AXES[axis][0])
        ax.set_title(f"best rate of one thread: {best / 1e9:.0f} GFlop/s", fontsize=9)
        powers = [place for place in along if place.bit_count() == 1]
        ax.set_xticks(powers[:: 1 + (len(powers) - 1) // 6], minor=False)
        ax.xaxis.set_minor_locator(NullLocator())
        for one in (ax.xaxis, ax.yaxis):
            one.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color=GREY, linewidth=0.6)
    figure.axes[0].set_ylabel("µs a step")
    figure.axes[0].legend(frameon=False, fontsize=9)
    write_picture(path, figure)


def print_times(axis, points):
    print(f"{axis:>8} {'MFlop':>10}", *(f"{line:>20}" for line in LINES), "(µs a step, GFlop/s)")
    for point in points:
        times = point.seconds.values()
        cells = [f"{1e6 * t:12.2f} {point.flops / t / 1e9:7.1f}" for t in times]
        print(f"{point.place:8} {point.flops / 1e6:10.4g}", *cells)


def command():
    files = ("json", "picture", "markdown")
    parser = Command(__doc__, rounds=7, seconds=0.05, files=files)
    parser.add_names("axes", AXES, list(AXES), "all")
    return parser


def main(options):
    if options.picture:
        without_matplotlib(options)
    results = {axis: measure(axis, options) for axis in options.axes}
    told = []
    for axis, points in results.items():
        print_times(axis, points)
        found = list(verdicts(axis, points, judged=not options.quick))
        print("", *found, "", sep="\n")
        told += [f"- {text}" for text in found]
    write_json(options.json, options.about, axes=summary(results))
    write_page(options.markdown, "\n".join([f"{header(options.about)}:", "", *told]))
    if options.picture:
        draw(results, options.picture)


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
