"""What do networks cost elsewhere, and do they say the same there?

Each way out of the package: .npz and safetensors (which come back), ONNX in ONNX Runtime, C,
JavaScript in Node, SQL in SQLite, PyTorch, Keras (with PyTorch behind it, unless KERAS_BACKEND says
otherwise) and scikit-learn. First two networks in float32, 4-16-16-1 (tanh, one sigmoid) and
784-30-10 (sigmoid, softmax): the bytes of the files, the time for one row, and how far outputs are
off from those of the network, for 1,000 random rows. C and JavaScript are called in loops of their
own, all others from Python, as `net(x)` is. The ways take turns, and the least time of each counts.

Then random networks: whether what comes back has the same bits in every parameter and output, and
by how much the outputs elsewhere are off, at most. Each has one hidden activation, of all that a
way takes but step, which falls to either side by rounding, and exponential, which makes more of any
rounding with each layer. Scalings are left to the tests.

An ulp is that of the largest output of a network, in float32. JavaScript and SQL compute in
float64, so that they are off by what the network itself rounds.

    python bench/convert.py --markdown docs/convert.md
    python bench/convert.py --ways c,onnx --networks 50
"""

import math
from dataclasses import dataclass, field

import numpy as np

import chainrule as cr
from parts.command import Command, UnavailableError, count
from parts.environment import in_one_thread
from parts.machine import header
from parts.output import four_digits, table, write_json, write_page
from parts.ways import WAYS, Left, each

ROWS = 1000
# The two networks that are timed.
SHOWN = {
    "4-16-16-1": {"hidden": "tanh", "output": "sigmoid", "cost": "cross_entropy"},
    "784-30-10": {"hidden": "sigmoid", "output": "softmax", "cost": "log_likelihood"},
}
COSTS = {"softmax": "log_likelihood", "sigmoid": "cross_entropy", "identity": "quadratic"}
HERE = "`net(x)`"


def draw_network(rng, without):
    """Return a network of random shape and weights, and rows for it."""
    sizes = rng.integers(1, 24, size=rng.integers(2, 6)).tolist()
    output = str(rng.choice(list(COSTS)))
    # Two outputs of classes would be one logistic function to scikit-learn.
    alone = output != "softmax" and rng.integers(2)
    sizes[-1] = 1 if alone else int(rng.integers(3, 24))
    hidden = str(rng.choice([name for name in cr.ACTIVATIONS if name not in without]))
    seed = int(rng.integers(2**31))
    net = cr.Network(sizes, hidden=hidden, output=output, cost=COSTS[output], seed=seed)
    for b in net.biases:
        b[:] = rng.normal(scale=0.3, size=b.shape)
    return net, rng.standard_normal((8, sizes[0]), dtype=np.float32)


def off(found, wanted):
    """How far outputs are off: in ulp of the largest, and at all."""
    most = float(np.abs(found - wanted.astype(np.float64)).max())
    return most / float(np.spacing(np.abs(wanted).max())), most


@dataclass
class Timed:
    """A network somewhere, and the least time of a row."""

    left: Left
    x: np.ndarray
    least: float  # seconds of a turn
    seconds: float = field(default=math.inf, init=False)

    def __post_init__(self):
        self.times = 1
        self.turn()
        while self.seconds * self.times < self.least:
            self.times *= 2
            self.turn()

    def turn(self):
        self.seconds = min(self.seconds, self.left.again(self.x, self.times) / self.times)


def shown(name, options):
    """Return what each way makes of a network, and why others are absent."""
    sizes = [int(n) for n in name.split("-")]
    net = cr.Network(sizes, **SHOWN[name], seed=0)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, sizes[0]), dtype=np.float32)
    said, found, absent = net(X), {}, {}
    timed = {HERE: Timed(Left(None, net, each(net)), X[0], options.seconds)}
    for way in options.ways:
        make, called, _ = WAYS[way]
        try:
            left = make(net, options.scratch / f"n{'_'.join(map(str, sizes))}")
        except (ImportError, UnavailableError) as why:
            absent[called] = str(why)
            continue
        ulp, most = off(left.answers(X), said)
        found[called] = {"bytes": left.bytes, "ulp": ulp, "absolute": most}
        timed[called] = Timed(left, X[0], options.seconds)
    for _ in range(options.rounds):
        for one in timed.values():
            one.turn()
    return found, {called: one.seconds for called, one in timed.items()}, absent


def table_of(found, seconds, absent):
    here = seconds[HERE]
    rows = [[HERE, "", four_digits(1e6 * here), "1", "", ""]]
    for called, it in found.items():
        size = "" if it["bytes"] is None else f"{it['bytes']:,}"
        took = [four_digits(1e6 * seconds[called]), f"{seconds[called] / here:.2f}"]
        rows.append([called, size, *took, f"{it['ulp']:.2g}", f"{it['absolute']:.1e}"])
    rows += [[called, "", "absent", "", "", ""] for called in absent]
    return table(["way", "bytes", "µs a row", "to `net(x)`", "off, ulp", "off"], rows)


def there_and_back(way, options):
    """Return how many networks had the same bits, back and there, and how far outputs were off."""
    make, _, without = WAYS[way]
    rng = np.random.default_rng(options.seed)
    found = {"back": None, "same": 0, "ulp": 0.0}  # None: nothing comes back
    for k in range(options.networks):
        net, X = draw_network(rng, without)
        left, said = make(net, options.scratch / f"{way}{k}"), net(X)
        answers = left.answers(X)
        found["ulp"] = max(found["ulp"], off(answers, said)[0])
        found["same"] += bool((answers == said).all())
        if left.back is not None:
            back = left.back()
            same = np.array_equal(back.parameters, net.parameters) and (back(X) == said).all()
            found["back"] = (found["back"] or 0) + int(same)
    return found


def main(options):
    texts, results, absent = [f"{header(options.about)}; one thread."], {}, {}
    for name in SHOWN:
        found, seconds, missing = shown(name, options)
        results[name] = {"ways": found, "seconds": seconds}
        texts += [f"{name}:", table_of(found, seconds, missing)]
        for called, why in missing.items():
            absent.setdefault((called, why), []).append(name)
    rows = []
    for way in options.ways:
        called = WAYS[way][1]
        try:
            it = there_and_back(way, options)
        except (ImportError, UnavailableError):
            rows.append([called, "absent", "", ""])
            continue
        results[way] = it
        counts = ("" if it[how] is None else str(it[how]) for how in ("back", "same"))
        rows.append([called, *counts, f"{it['ulp']:.2g}"])
    texts.append(f"Of {options.networks} random networks each:")
    texts.append(table(["way", "back with the same bits", "the same bits there", "off, ulp"], rows))
    if absent:
        lines = (f"- {called} of {', '.join(of)}: {why}" for (called, why), of in absent.items())
        texts.append("Absent:\n\n" + "\n".join(lines))
    text = "\n\n".join(texts)
    print(text)
    write_page(options.markdown, text)
    write_json(options.json, options.about, results=results)


def command():
    parser = Command(__doc__, rounds=15, seconds=0.02, files=("json", "markdown"))
    parser.add_names("ways", WAYS, list(WAYS), "all")
    parser.of_quick("networks", 2, count, 500, "how many random networks")
    parser.add_argument("--seed", type=int, default=0, help="that they are drawn by (default: 0)")
    return parser


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
