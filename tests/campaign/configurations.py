"""Random networks, trained and asked in every way: what the sanitizers watch.

    python tests/campaign/configurations.py SEED FIRST LAST [apart]

prints for each number from FIRST to LAST - 1 what came of its configuration. All of it is drawn
from (SEED, number), so that one that was lost can be run again alone. With `apart` no network is
asked while it trains, which may see parameters within a step: a race by promise.
"""

import pickle
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import chainrule as cr
import oracle
import problems
from users_functions import Sine

DTYPES = ["float32", "float64", "uint8", "int16", "uint16", "int32", "int64", "float16", "bool"]
APART = sys.argv[4:] == ["apart"]
STATES = {"velocity", "mean", "mean_square", "sum_of_squares", "largest", "average", "steps"}


class Draw:
    """A configuration: what is drawn depends on (seed, number) and on nothing else."""

    def __init__(self, seed: int, number: int):
        self.rng = np.random.default_rng([seed, number])

    def one(self, *of):
        return of[self.rng.integers(len(of))]

    def coin(self, p=0.5) -> bool:
        return bool(self.rng.random() < p)

    def some(self, table: dict) -> dict:
        """Take few of the options, each drawn only where it is taken."""
        return {name: draw() for name, draw in table.items() if self.coin(0.15)}

    # ------------------------------------------------------------------ network and data
    def network(self) -> cr.Network:
        hidden, n = oracle.HIDDEN, self.rng.integers
        output, cost = self.one(*oracle.EVERY_PAIR)
        per_target = oracle.outputs_per_target(cost)
        sizes = [int(2 ** (9 * self.rng.random() ** 2)) for _ in range(n(2, 5))]
        sizes[-1] = per_target * (1 + sizes[-1] % 20)
        if oracle.name_of(output) == "softmax":
            sizes[-1] = max(sizes[-1], 2)
        of_layers = [Sine(2.0) if self.coin(0.03) else self.one(*hidden) for _ in sizes[1:-1]]
        scaled = {}
        if self.coin(0.3):
            scaled = {"input_scale": self.rng.uniform(0.1, 2, sizes[0])}
            scaled |= {"input_shift": 0.25} if self.coin() else {}
        elif self.coin(0.1):
            scaled = {"input_scale": "standard"}
        scaled["trainable_scale"] = self.coin(0.2)
        return cr.Network(
            sizes, hidden=of_layers, output=output, cost=cost, bias=self.coin(0.85),
            dtype=self.one("float32", "float64"), seed=int(n(1000)), **scaled,
        )  # fmt: skip

    def inputs(self, m: int, n: int):
        """X (m, n): of a dtype, an order, strides and an alignment that users have, or sparse."""
        x = self.rng.normal(size=(m, n)) * self.one(1.0, 1.0, 0.01, 30.0)
        dtype = self.one(*DTYPES)
        if not dtype.startswith("float"):
            x = np.abs(x) * 5
        x = x.astype(dtype)
        how = self.one("C", "C", "F", "strided", "backwards", "unaligned", "swapped", "sparse")
        if how == "F":
            return np.asfortranarray(x)
        if how == "strided":
            return np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
        if how == "backwards":
            return x[::-1, ::-1]
        if how == "unaligned":
            raw = np.empty(x.nbytes + 1, "u1")[1:].view(x.dtype).reshape(x.shape)
            raw[...] = x
            return raw
        if how == "swapped":
            return x.astype(x.dtype.newbyteorder())
        if how == "sparse" and dtype != "float16":
            x[self.rng.random(x.shape) < self.one(0.5, 0.95)] = 0
            return csr(x, self.one("i4", "i8"))
        return x

    def targets(self, net: cr.Network, m: int):
        """Y for its cost, as floats or as labels."""
        if net.cost == "log_likelihood" and self.coin(0.7):
            return self.rng.integers(net.sizes[-1], size=m).astype(self.one("i8", "u1", "i4"))
        reach = net._output.reach
        return problems.targets_for(net.cost, self.rng, m, net.sizes[-1], reach)

    # ------------------------------------------------------------------ how it is trained
    def optimizer(self):
        rates = (0.01, cr.StepDecay(0.01, epochs=1), cr.CosineDecay(0.01, epochs=50),
                 cr.ReduceOnPlateau(0.01, monitor="cost"), cr.InverseScaling(0.01))  # fmt: skip
        rate = self.one(*rates)
        return self.one(
            cr.SGD(rate), cr.SGD(rate), cr.SGD(rate, momentum=0.9, nesterov=self.coin()),
            cr.Adagrad(rate), cr.RMSprop(rate), cr.Adam(rate), cr.AdamW(rate), cr.Adamax(rate),
            cr.Rprop(0.01), cr.LBFGS(), cr.LevenbergMarquardt(),
        )  # fmt: skip

    def options(self, net: cr.Network, m: int) -> dict:
        n_targets = net.sizes[-1] // oracle.outputs_per_target(net.cost)
        table = {
            "l1": lambda: 1e-3, "l2": lambda: 1e-3, "max_norm": lambda: 1.0,
            "clip_norm": lambda: 0.1, "clip_value": lambda: 0.05, "average": lambda: 0.9,
            "sample_weight": lambda: self.rng.integers(3, size=m) + 0.0,
            "output_weight": lambda: self.rng.random((m, n_targets)),
            "shuffle": lambda: False, "dropout": lambda: self.one(0.2, 0.5),
            "validation_split": lambda: 0.2,
            "record": lambda: self.one("layers", "gradients", ["layers", "gradients"]),
            "callbacks": lambda: Meddler(self),
            "rates": lambda: [(self.one(0, 1), self.one(0, 1)) for _ in net.sizes[1:]]
            + [self.one(0, 1)] * bool(net.scale.size),
        }  # fmt: skip
        if isinstance(net.hidden, tuple) and len(net.sizes) == 2:
            table.pop("dropout")
        return self.some(table) | {
            "epochs": self.one(0, 1, 1, 2), "threads": self.one(None, 1, 2, 3),
            "batch_size": int(self.one(1, 3, 32, 32, m, 2 * m, 256)),
        }  # fmt: skip


def csr(x, index):
    """The parts of a CSR matrix, as SciPy has them."""
    rows, columns = np.nonzero(x)
    begins = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(x)))))
    return SimpleNamespace(
        format="csr", data=x[rows, columns], indices=columns.astype(index), shape=x.shape,
        indptr=begins.astype(index),
    )  # fmt: skip


class Meddler:
    """A callback that asks the network, and at times lays hands on its optimizer_state."""

    def __init__(self, draw: Draw):
        self.draw, self.spoils = draw, draw.coin()

    def on_batch_end(self, batch, cost):
        if self.spoils and self.draw.coin(0.2):
            self.spoil()

    def on_epoch_begin(self, net, epoch):
        self.net = net
        if self.draw.coin():
            net(np.zeros((3, net.sizes[0])))

    def spoil(self):
        state = self.net.optimizer_state
        for name in list(state):
            how = self.draw.one("cleared", "shorter", "swapped", "written", "kept")
            if how == "cleared":
                state.pop(name)
            elif how == "shorter":
                state[name] = state[name][:1].copy()
            elif how == "swapped":
                state[name] = state[name].astype(state[name].dtype.newbyteorder())
            elif how == "written" and name in STATES - {"steps"}:
                state[name] *= 0.5


# ---------------------------------------------------------------------- what is done with it


def train(draw: Draw, net: cr.Network, m: int):
    """One fit, of arrays or of batches as they come."""
    x, y, options = draw.inputs(m, net.sizes[0]), draw.targets(net, m), draw.options(net, m)
    options["optimizer"] = draw.optimizer()
    by_rows = {"sample_weight", "output_weight", "validation_split"} & options.keys()
    if draw.coin(0.15) and isinstance(x, np.ndarray) and not by_rows:
        edges = np.unique(draw.rng.integers(m, size=3)).tolist()
        pieces = [slice(a, b) for a, b in zip([0, *edges], [*edges, m], strict=True) if a < b]
        net.fit([(x[rows], y[rows]) for rows in pieces], **options)
    else:
        net.fit(x, y, **options)


def step(draw: Draw, net: cr.Network, m: int):
    """Single steps, gradients of the user's own, back to a state."""
    options = draw.some({"clip_norm": lambda: 0.1, "l2": lambda: 1e-3, "average": lambda: 0.9})
    trainer = net.trainer(cr.Adam(0.01), threads=draw.one(1, 2), **options)
    state = trainer.state()
    for _ in range(3):
        x = draw.inputs(int(draw.one(1, m)), net.sizes[0])
        trainer.step(x, draw.targets(net, x.shape[0]))
    trainer.apply(np.zeros_like(net.parameters))
    trainer.end_epoch()
    trainer.restore(state)


def ask(draw: Draw, net: cr.Network, m: int):
    """Every question a network answers, with arrays as users have them."""
    x, y = draw.inputs(m, net.sizes[0]), draw.targets(net, m)
    dense = x if isinstance(x, np.ndarray) else draw.rng.normal(size=x.shape)
    threads, few = draw.one(None, 1, 2, 3), slice(0, 4)
    out = np.empty((m, net.sizes[-1]), net.dtype)
    questions = [
        lambda: net(x, threads=threads), lambda: net(x, out=out), lambda: net.predict(x),
        lambda: net(dense[0]), lambda: net(dense[:1]), lambda: net(dense[0].tolist()),
        lambda: net(dense[0], out=out[0]),
        lambda: net.evaluate(x, y, threads=threads),
        lambda: net.backprop(x, y, threads=threads),
        lambda: net.backprop(dense, y, inputs=True, sample_weight=np.ones(m)),
        lambda: net.backprop(x, output_delta=np.ones((m, net.sizes[-1]))),
        lambda: net.backprop(x, output_gradient=np.ones((m, net.sizes[-1]))),
        lambda: net.trace(dense[few], y[few], gradients=True),
        lambda: net.jacobian(dense[few]), lambda: net.jacobian(dense[0]),
        lambda: net.sensitivity(dense[0]) if net.parameters.size < 3000 else None,
        lambda: net.hessian_vector(dense[few], y[few], np.ones(net.parameters.size)),
        lambda: net.input_hessian(dense[0]) if net.sizes[0] < 50 else None,
        lambda: net.blend(net.copy(), 0.3), lambda: net.averaged(),
        lambda: cr.numerical_gradient(net, dense[few], y[few])
        if net.parameters.size < 500 else None,
        lambda: cr.check_gradient(net, dense[few], y[few])
        if net.parameters.size < 500 else None,
        lambda: cr.diagnose(net, dense, y),
    ]  # fmt: skip
    for question in (questions[i] for i in draw.rng.permutation(len(questions))[:12]):
        with suppress_refusals():
            question()


def keep(draw: Draw, net: cr.Network, m: int):
    """To a file and back, as a copy and as a pickle."""
    with tempfile.TemporaryDirectory() as folder:
        net.save(f"{folder}/net.npz")
        again = cr.load(f"{folder}/net.npz")
    for twin in (again, net.copy(), pickle.loads(pickle.dumps(net))):
        if twin.parameters.tobytes() != net.parameters.tobytes():
            raise AssertionError("what came back is another network")


def together(draw: Draw, net: cr.Network, m: int):
    """Two networks trained at once, and one asked meanwhile."""
    twin, x = net.copy(), draw.inputs(m, net.sizes[0])
    asked = net.copy() if APART else net
    y, how = draw.targets(net, m), {"epochs": 2, "threads": 2, "optimizer": cr.SGD(0.01)}

    def run(what, *arguments, **options):
        with suppress_refusals():
            what(*arguments, **options)

    threads = [
        threading.Thread(target=run, args=(net.fit, x, y), kwargs=how),
        threading.Thread(target=run, args=(twin.fit, x, y), kwargs=how),
        threading.Thread(target=run, args=(asked, x)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class suppress_refusals:  # noqa: N801 # as contextlib.suppress
    """Let errors of the package's own pass; they say what does not fit."""

    def __enter__(self):
        self.refused = False
        return self

    def __exit__(self, kind, error, _):
        is_ours = isinstance(error, ValueError | TypeError | cr.DivergenceError)
        self.refused = is_ours
        return is_ours


def attempt(seed: int, number: int) -> str:
    """Run a configuration; say what came of it."""
    draw = Draw(seed, number)
    net = draw.network()
    m = int(draw.one(1, 7, 33, 100, 257))
    done = []
    actions = [train, train, ask, ask, step, keep, together]
    for action in [train, ask, *(draw.one(*actions) for _ in range(2))]:
        with suppress_refusals() as refusals:
            action(draw, net, m)
        done.append("refused" if refusals.refused else "done")
    return "a part refused" if "refused" in done else "done"


def main(seed: int, first: int, last: int):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for number in range(first, last):
        print(number, end=" ", flush=True)  # so that what kills the process is known
        print(attempt(seed, number), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
