"""Many small networks at once: `fit_many` beside `fit` one at a time, and what others have for it.

64 networks 20-50-50-3 (relu, softmax) from seeds of their own, 5,000 rows, 20 epochs of Adam at
0.001 in mini-batches of 32, float32: `fit` one at a time with one thread; `fit_many`; joblib with
scikit-learn's MLPClassifier in as many processes as there are cores, ready before the clock runs;
`torch.func.vmap` over the stacked networks, a step for all at once; JAX, the vmap of a jitted epoch
that scans over its mini-batches, compiled before the clock runs. Then networks of mixed sizes, one
of them as long as all others together. Each has all cores; ours and theirs in turn. Goals, of the
medians of the rounds' ratios:

    fit one at a time / fit_many        >= 1.9 on two cores (mixed sizes 1.8)
    torch.func.vmap / fit_many          >= 7
    JAX vmap / fit_many                 >= 4

    pip install scikit-learn joblib torch jax
    python bench/many.py [--json FILE] [--markdown FILE]
"""

import os
import warnings
from time import perf_counter

import numpy as np

import chainrule as cr
from parts.command import Command
from parts.machine import header
from parts.output import four_digits, table, write_json, write_page

SIZES, BATCH, RATE = (20, 50, 50, 3), 32, 1e-3
TRAINED = {"optimizer": cr.Adam(RATE), "batch_size": BATCH}
CORES = len(os.sched_getaffinity(0))
GOALS = {"fit, one at a time": 1.9, "torch.func.vmap": 7, "JAX vmap": 4, "mixed": 1.8}


def data(rows):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, SIZES[0])).astype(np.float32)
    return X, X[:, : SIZES[-1]].argmax(axis=1)


def networks(sizes):
    return [
        cr.Network(each, hidden="relu", output="softmax", cost="log_likelihood", seed=k)
        for k, each in enumerate(sizes)
    ]


# --------------------------------------- contenders: a function that trains count networks


def at_once(X, y, epochs, sizes):
    nets = networks(sizes)
    return lambda: cr.fit_many(nets, X, y, epochs=epochs, **TRAINED)


def one_at_a_time(X, y, epochs, sizes):
    nets = networks(sizes)

    def train():
        for net in nets:
            net.fit(X, y, epochs=epochs, threads=1, **TRAINED)

    return train


def by_joblib(X, y, epochs, sizes):
    from joblib import Parallel, delayed
    from sklearn.neural_network import MLPClassifier

    def estimators(epochs):
        return [
            MLPClassifier(each[1:-1], batch_size=BATCH, learning_rate_init=RATE, alpha=0,
                          max_iter=epochs, n_iter_no_change=epochs + 1, random_state=k)
            for k, each in enumerate(sizes)
        ]  # fmt: skip

    parallel = Parallel(CORES)

    def train(count=None, epochs=epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            parallel(delayed(silently_fit)(each, X, y) for each in estimators(epochs)[:count])

    train(CORES, 1)  # starts the processes
    return train


def silently_fit(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


def by_torch(X, y, epochs, sizes):
    import torch

    torch.set_num_threads(CORES)
    count = len(sizes)
    models = [
        torch.nn.Sequential(torch.nn.Linear(20, 50), torch.nn.ReLU(), torch.nn.Linear(50, 50),
                            torch.nn.ReLU(), torch.nn.Linear(50, 3))
        for _ in range(count)
    ]  # fmt: skip
    parameters, buffers = torch.func.stack_module_state(models)
    tensors = [each.detach().requires_grad_() for each in parameters.values()]
    names = list(parameters)
    optimizer = torch.optim.Adam(tensors, RATE)
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def cost(parameters, buffers, x, target):
        said = torch.func.functional_call(models[0], (parameters, buffers), (x,))
        return torch.nn.functional.cross_entropy(said, target)

    costs = torch.func.vmap(cost)

    def train(epochs=epochs):
        for _ in range(epochs):
            orders = torch.stack([torch.randperm(len(X)) for _ in range(count)])
            for start in range(0, len(X), BATCH):
                rows = orders[:, start : start + BATCH]
                optimizer.zero_grad(set_to_none=True)
                held = dict(zip(names, tensors, strict=True))
                costs(held, buffers, X[rows], y[rows]).sum().backward()
                optimizer.step()

    return train


def by_jax(X, y, epochs, sizes):
    import jax
    import jax.numpy as jnp

    steps = len(X) // BATCH  # JAX's scan wants mini-batches of one size: the last one is left out
    X, y, count = jnp.asarray(X), jnp.asarray(y), len(sizes)

    def begin(key):
        keys = jax.random.split(key, 3)
        return [
            (jax.random.normal(k, (n, m)) / n**0.5, jnp.zeros(m))
            for k, n, m in zip(keys, SIZES, SIZES[1:], strict=False)
        ]

    def cost(parameters, x, target):
        for W, b in parameters[:-1]:
            x = jax.nn.relu(x @ W + b)
        W, b = parameters[-1]
        said = jax.nn.log_softmax(x @ W + b)
        return -jnp.take_along_axis(said, target[:, None], axis=1).mean()

    def step(state, rows):
        p, m, v, t = state
        nabla = jax.grad(cost)(p, X[rows], y[rows])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, nabla)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, nabla)
        rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), p, m, v)
        return (p, m, v, t), None

    def epoch(state, key):
        order = jax.random.permutation(key, len(X))[: steps * BATCH].reshape(steps, BATCH)
        return jax.lax.scan(step, state, order)[0]

    epoch_of_all = jax.jit(jax.vmap(epoch))
    p = jax.vmap(begin)(jax.random.split(jax.random.key(0), count))
    zeros = jax.tree.map(jnp.zeros_like, p)
    state = p, zeros, zeros, jnp.zeros(count)

    def train(epochs=epochs):
        now = state
        for number in range(epochs):
            now = epoch_of_all(now, jax.random.split(jax.random.key(number), count))
        jax.block_until_ready(now)

    train(1)
    return train


CONTENDERS = {
    "fit, one at a time": one_at_a_time,
    "joblib, scikit-learn's MLP": by_joblib,
    "torch.func.vmap": by_torch,
    "JAX vmap": by_jax,
}


def seconds(make, *given):
    train = make(*given)
    began = perf_counter()
    train()
    return perf_counter() - began


def compared(name, theirs, ours, steps):
    """A row of the table, and the ratio."""
    ratio = float(np.median(np.divide(theirs, ours)))
    cells = [name, four_digits(np.median(theirs)), four_digits(np.median(theirs) / steps * 1e6)]
    return [*cells, f"{ratio:.2f}"], ratio


def measured(options):
    """Return the rows of the table, the goals judged, and all seconds."""
    X, y = data(options.rows)
    alike = [SIZES] * options.networks
    steps = options.networks * options.epochs * -(-len(X) // BATCH)
    taken, rows, judged = {"fit_many": []}, [], []
    contenders = dict(CONTENDERS)
    for _ in range(options.rounds):
        for name, make in list(contenders.items()):
            given = X, y, options.epochs, alike
            try:
                theirs = seconds(make, *given)
            except ImportError as why:
                print(f"{name} absent: {why}")
                del contenders[name]
                continue
            taken.setdefault(name, []).append((theirs, seconds(at_once, *given)))
    for name in contenders:
        theirs, ours = zip(*taken[name], strict=True)
        taken["fit_many"] += ours
        row, ratio = compared(name, theirs, ours, steps)
        rows.append(row)
        if name in GOALS:
            judged.append((name, ratio, GOALS[name]))
    ours = np.median(taken["fit_many"])
    rows.insert(0, ["fit_many", four_digits(ours), four_digits(ours / steps * 1e6), "1"])
    mixed = [(20, 300, 300, 3), *[SIZES] * 24]  # the first is about as long as all others
    pairs = [
        (seconds(one_at_a_time, X, y, options.epochs, mixed),
         seconds(at_once, X, y, options.epochs, mixed))
        for _ in range(options.rounds)
    ]  # fmt: skip
    taken["mixed"] = pairs
    judged.append(("mixed", float(np.median([a / b for a, b in pairs])), GOALS["mixed"]))
    return rows, judged, taken


def main(options):
    first = header(options.about)
    print(first)
    rows, judged, taken = measured(options)
    head = ["", "seconds", "µs a step of one network", "times fit_many"]
    whole = table(head, rows)
    verdicts = "\n".join(
        f"- {name} / fit_many: {ratio:.2f}"
        + ("" if options.quick else f", goal {goal}: {'met' if ratio >= goal else 'missed'}")
        for name, ratio, goal in judged
    )
    print(f"{whole}\n\n{verdicts}")
    write_page(options.markdown, f"{first}\n\n{whole}\n\n{verdicts}")
    write_json(options.json, options.about, seconds=taken)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=3, files=["json", "markdown"])
    parser.of_quick("networks", 2, int, 64, "how many networks")
    parser.of_quick("rows", 64, int, 5000, "samples")
    parser.of_quick("epochs", 1, int, 20, "of each")
    parser.run(main)
