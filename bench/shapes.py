"""How near to the peak of the core are training steps of networks of any shape?

Random shapes: 4 to 800 inputs, one to three hidden layers of 8 to 360, 1 to 32 outputs, batches of
8 to 360, each drawn evenly on a logarithmic scale; tanh, relu or sigmoid, SGD or Adam. Shapes whose
matrix products take less than 1.5 µs at the peak are drawn anew: there the call counts, not the
arithmetic. float32, one thread.

The share of a shape is the time that its matrix products would take at the peak, over the time of a
whole step: rows gathered, forward, BP1 to BP4, σ, σ', the cost and the update. The peak is the best
rate of a sgemm of 1024 x 1024 x 1024 in the same rounds. Beside it stands what lanes allow: of each
product the side that fills the registers best counts as if it filled them alone.

Goals over 60 shapes of any seed: with AVX-512 a median of at least 0.70, a lower quarter of 0.58, a
worst of 0.40; with AVX2 (CHAINRULE_SIMD=avx2) 0.65, 0.52 and 0.35.

The shapes take turns and the least time of each counts. With --profile Linux's perf samples where
the time of the worst quarter goes: rows gathered, products, σ and σ' with the cost and biases,
updates, and the rest, which is the call and the loops around all (parts/sampling.py).

    python bench/shapes.py --picture docs/pictures/shapes.png
    python bench/shapes.py --seed 7 --shapes 20 --rounds 3
    python bench/shapes.py --profile     # with a build by pip install . -C install.strip=false
"""

import math
import os
import time
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

import chainrule as cr
from chainrule.core import _core
from chainrule.results.pictures import GREY
from parts.cases import flops_of
from parts.command import Command, count, without_matplotlib
from parts.environment import in_one_thread
from parts.machine import header
from parts.output import four_digits, table, write_json, write_page
from parts.sampling import GROUPS, REST, require_perf, sample_or_make_up, shares_of

OF_AVX512 = (0.70, 0.58, 0.40)  # median, lower quarter, worst
GOALS = {"avx512bf16": OF_AVX512, "avx512": OF_AVX512, "avx2": (0.65, 0.52, 0.35)}
LEAST_SECONDS, RATE = 1.5e-6, 105e9  # of the products at a peak that shapes are drawn for
SQUARE = 1024
LANES = {"avx512bf16": 16, "avx512": 16, "avx2": 8, "baseline": 4}
MOST_NUMBERS = 1 << 20  # of the inputs of an epoch
PROFILED = [*(group for group in GROUPS if group != "waiting"), REST]


def draw_shape(rng):
    """Return the sizes and the batch of a random network."""
    while True:
        inputs, batch, outputs = (
            round(math.exp(rng.uniform(math.log(low), math.log(high))))
            for low, high in ((4, 800), (8, 360), (1, 32))
        )
        hidden = np.exp(rng.uniform(math.log(8), math.log(360), rng.integers(1, 4)))
        sizes = [inputs, *np.round(hidden).astype(int).tolist(), outputs]
        if flops_of(sizes, batch) >= LEAST_SECONDS * RATE:
            return sizes, batch


@dataclass
class Shape:
    """A network of a random shape, and the least time of its steps."""

    sizes: list
    batch: int
    hidden: str
    optimizer: str
    least: float  # seconds of a turn
    seconds: float = field(default=math.inf, init=False)

    def __post_init__(self):
        self.flops = flops_of(self.sizes, self.batch)
        self.steps = max(1, min(50, MOST_NUMBERS // (self.batch * self.sizes[0])))
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((self.steps * self.batch, self.sizes[0]), dtype=np.float32)
        self.Y = rng.random((len(self.X), self.sizes[-1]), dtype=np.float32)
        self.rule = cr.SGD(1e-3) if self.optimizer == "SGD" else cr.Adam(1e-4)
        self.net = cr.Network(self.sizes, hidden=self.hidden, output="identity", seed=0)
        self.epochs = max(1, round(self.least / self.train(1)))

    def train(self, epochs):
        """Return the seconds of the quickest epoch."""
        return self.net.fit(
            self.X, self.Y, optimizer=self.rule, epochs=epochs, batch_size=self.batch, threads=1
        ).seconds.min()

    def turn(self):
        self.seconds = min(self.seconds, self.train(self.epochs) / self.steps)

    def work(self, seconds):
        """Train for at least so long."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.train(self.epochs)

    def allowed(self, lanes):
        """The share that registers of so many lanes allow."""
        spent = useful = 0.0
        for layer, (n_in, n_out) in enumerate(pairwise(self.sizes)):
            products = 2 if layer == 0 else 3  # W^2 has no BP2 below it
            work = products * n_in * n_out
            filled = max(n / (math.ceil(n / lanes) * lanes) for n in (self.batch, n_in, n_out))
            useful += work
            spent += work / filled
        return useful / spent

    @property
    def label(self):
        sizes = "-".join(map(str, self.sizes))
        return f"{sizes} batch {self.batch}, {self.hidden}, {self.optimizer}"


class Peak:
    """The best rate of a large sgemm so far."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.a, self.b = rng.standard_normal((2, SQUARE, SQUARE), dtype=np.float32)
        self.rate = 0.0

    def turn(self):
        began = time.perf_counter()
        self.a @ self.b
        self.rate = max(self.rate, 2 * SQUARE**3 / (time.perf_counter() - began))


def draw_shapes(options):
    rng = np.random.default_rng(options.seed)
    return [
        Shape(
            *draw_shape(rng), str(rng.choice(["tanh", "relu", "sigmoid"])),
            str(rng.choice(["SGD", "Adam"])), options.seconds,
        )
        for _ in range(options.shapes)
    ]  # fmt: skip


def shares_of_peak(shapes, peak):
    return np.array([shape.flops / peak.rate / shape.seconds for shape in shapes])


def report(shapes, peak, options):
    """The figures beside their goals, and the worst quarter with what lanes allow."""
    simd = _core.simd_name()
    shares = shares_of_peak(shapes, peak)
    found = np.median(shares), np.quantile(shares, 0.25), shares.min()
    goals = GOALS.get(simd)
    rows = [
        [name, f"{value:.2f}", f"{goals[i]:.2f}" if goals else ""]
        for i, (name, value) in enumerate(
            zip(("median", "lower quarter", "worst"), found, strict=True)
        )
    ]
    worst = np.argsort(shares)[: max(1, len(shapes) // 4)]
    lanes = LANES[simd]
    head, shown = ["shape", "µs a step", "share", "what lanes allow"], []
    if options.profile:
        head += [f"{group} %" for group in PROFILED]
    for i in worst:
        shape = shapes[i]
        shown.append([shape.label, four_digits(1e6 * shape.seconds), f"{shares[i]:.2f}"])
        shown[-1].append(f"{shape.allowed(lanes):.2f}")
        if options.profile:
            spent, _ = shares_of(sample_or_make_up(os.getpid(), shape.work, options))
            shown[-1] += [f"{spent[group]:.0f}" for group in PROFILED]
    return "\n\n".join(
        [
            f"{header(options.about)}; {simd}, {len(shapes)} shapes of seed {options.seed}, peak "
            f"{peak.rate / 1e9:.0f} GFlop/s:",
            table(["share of the peak", "found", "goal"], rows),
            "The worst quarter:",
            table(head, shown),
        ]
    )


def draw(shapes, peak, path):
    """The share of each shape against its multiply-adds, coloured by its narrowest layer."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    simd = _core.simd_name()
    figure = Figure(figsize=(7.2, 4), dpi=100, layout="constrained")
    ax = figure.subplots()
    narrowest = [min(shape.sizes) for shape in shapes]
    dots = ax.scatter(
        [shape.flops / 2 for shape in shapes], shares_of_peak(shapes, peak), c=narrowest,
        norm=LogNorm(1, 64), cmap="viridis", s=28, edgecolors="white", linewidths=0.5,
    )  # fmt: skip
    for goal in GOALS.get(simd, ()):
        ax.axhline(goal, color=GREY, linewidth=1, zorder=0)
    ax.set(
        xscale="log", ylim=(0, 1), xlabel="multiply-adds of a step",
        ylabel=f"share of the peak, {peak.rate / 1e9:.0f} GFlop/s",
        title=f"steps of {len(shapes)} random shapes, {simd}, one thread; lines: the goals for "
        "median, lower quarter, worst",
    )  # fmt: skip
    ax.title.set_fontsize(9)
    ax.spines[["top", "right"]].set_visible(False)
    bar = figure.colorbar(dots, label="narrowest layer")
    bar.set_ticks([1, 2, 4, 8, 16, 32, 64], labels=["1", "2", "4", "8", "16", "32", "64"])
    FigureCanvasAgg(figure).print_png(path)


def command():
    quick = {"shapes": 3}
    parser = Command(
        __doc__, rounds=7, seconds=0.02, files=("json", "picture", "markdown"), quick=quick
    )
    parser.add_argument("--shapes", type=count, default=60, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="that they are drawn by (default: 0)")
    parser.add_argument("--profile", action="store_true", help="sample the worst quarter by perf")
    return parser


def main(options):
    if options.profile:
        require_perf(options)
    if options.picture:
        without_matplotlib(options)
    shapes, peak = draw_shapes(options), Peak()
    for _ in range(options.rounds):
        for shape in shapes:
            shape.turn()
            peak.turn()
    text = report(shapes, peak, options)
    print(text)
    write_page(options.markdown, text)
    names = ("sizes", "batch", "hidden", "optimizer", "flops", "seconds")
    figures = [{name: getattr(shape, name) for name in names} for shape in shapes]
    write_json(options.json, options.about, peak=peak.rate, shapes=figures)
    if options.picture:
        draw(shapes, peak, options.picture)


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
