"""Which learning rates the range test suggests on small real tables, and what its recipe is worth.

Each table is split once a seed: a fifth of its rows is held out. All columns, and values to learn,
are standardised by the rows that are trained on. The networks are [n, 40, 40, ...] of relu, with a
softmax for classes, else one identity output. The recipe is of docs/overview.md; beside it stands
plain Adam with the same early stopping. Scores are of the rows held out: the share of classes that
are right, or R². No time is measured.

The recipe was chosen by the seeds below FIRST_SEED, so that those measured here are new to it.

Goals: a suggestion each time, and MOST of them for Adam within WITHIN; no fit that diverges; and on
no table is the recipe behind plain Adam by more than two standard errors of the mean difference.

    python bench/rates.py --markdown docs/rates.md
    python bench/rates.py --tables diabetes,digits --seeds 5
"""

from functools import partial

import numpy as np

import chainrule as cr
from parts.command import Command, UnavailableError, count
from parts.environment import in_one_thread
from parts.machine import header
from parts.output import table, write_json, write_page
from parts.tables import TABLES, tables

FIRST_SEED = 100
WITHIN, MOST = (1e-3, 0.1), 0.95
STOPPING = {"epochs": 500, "validation_split": 0.2}
FAILED = cr.DivergenceError, ValueError


def split(one, seed):
    """Return X and y to train on, and X and y held out, standardised."""
    order = np.random.default_rng(seed).permutation(len(one.X))
    held_out, rows = np.split(order, [len(order) // 5])
    X, y = (standardised(values, rows) for values in (one.X, one.y))
    y = one.y if one.classes else y
    return X[rows], y[rows], X[held_out], y[held_out]


def standardised(values, rows):
    spread = values[rows].std(axis=0)
    return (values - values[rows].mean(axis=0)) / np.where(spread == 0, 1, spread)


def network(one, seed):
    kinds = {"output": "softmax", "cost": "log_likelihood"} if one.classes else {}
    sizes = [one.X.shape[1], 40, 40, one.classes or 1]
    return cr.Network(sizes, **{"hidden": "relu", "output": "identity", "init": "he"} | kinds,
                      seed=seed)  # fmt: skip


def plain(net, X, y):
    net.fit(X, y, **STOPPING, callbacks=cr.EarlyStopping(patience=40))


def recipe(net, X, y):
    found = cr.learning_rate_range(net, X, y)
    rule = cr.Adam(found.suggestion / 3)
    careful = {"l2": 3e-3, "dropout": 0.1, "callbacks": cr.EarlyStopping(patience=40)}
    net.fit(X, y, optimizer=rule, **STOPPING, **careful)


def score(net, X, y):
    """Return the share of classes that are right, or R²."""
    said = net.predict(X)
    if y.dtype.kind == "i":
        return float((said == y).mean())
    return float(1 - ((y - said) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def tried(train, one, seed):
    """Return the score, or NaN where training failed."""
    X, y, X_test, y_test = split(one, seed)
    net = network(one, seed)
    try:
        train(net, X, y)
    except FAILED:
        return np.nan
    return score(net, X_test, y_test)


def suggested(one, seed, optimizer):
    X, y, *_ = split(one, seed)
    try:
        return cr.learning_rate_range(network(one, seed), X, y, optimizer=optimizer).suggestion
    except FAILED:
        return np.nan


def measure(one, seeds):
    """Return {what: a figure for each seed}."""
    measures = {
        "plain": partial(tried, plain),
        "recipe": partial(tried, recipe),
        "adam": partial(suggested, optimizer=cr.Adam()),
        "momentum": partial(suggested, optimizer=cr.SGD(momentum=0.9)),
    }
    chosen = range(FIRST_SEED, FIRST_SEED + seeds)
    return {what: [f(one, seed=seed) for seed in chosen] for what, f in measures.items()}


def difference(figures):
    """Return how much better the recipe is than plain Adam, and the standard error of that."""
    by = np.subtract(figures["recipe"], figures["plain"])
    return by.mean(), by.std(ddof=1) / np.sqrt(len(by)) if len(by) > 1 else np.nan


def row(one, figures):
    better, error = difference(figures)
    rates = [f"{rate:.2g}" for rate in np.percentile(figures["adam"], [0, 50, 100])]
    return [
        one.name, f"{len(one.X):,} x {one.X.shape[1]}", "accuracy" if one.classes else "R²",
        f"{np.mean(figures['plain']):.3f}", f"{np.mean(figures['recipe']):.3f}",
        f"{better:+.3f} ± {error:.3f}", " ... ".join(rates),
    ]  # fmt: skip


HEAD = ["table", "rows x columns", "score", "plain Adam", "recipe", "better by", "suggestions"]


def counted(results, what):
    """Return how many suggestions are within WITHIN, and of how many."""
    rates = np.concatenate([figures[what] for figures in results.values()])
    least, most = WITHIN
    return int(((rates >= least) & (rates <= most)).sum()), len(rates)


def verdicts(results):
    for what, name in (("adam", "Adam"), ("momentum", "SGD with momentum 0.9")):
        right, of = counted(results, what)
        none = int(sum(np.isnan(figures[what]).sum() for figures in results.values()))
        within = "from {:g} to {:g}".format(*WITHIN)
        yield f"suggestions for {name}: {right} of {of} {within}, {none} none at all"
    failed = sum(np.isnan(figures["recipe"]).sum() for figures in results.values())
    yield f"fits by the recipe that failed: {failed}"


def judgement(results):
    right, of = counted(results, "adam")
    met = "met" if right >= MOST * of else "missed"
    behind = [name for name, figures in results.items() if not ahead(*difference(figures))]
    yield f"{MOST:.0%} of the suggestions for Adam in that range: {met}"
    yield f"behind plain Adam on no table: {'missed: ' + ', '.join(behind) if behind else 'met'}"


def ahead(better, error):
    return better >= -2 * error  # False for NaN


def command():
    parser = Command(__doc__, files=("json", "markdown"), quick={"tables": ["iris", "diabetes"]})
    parser.add_names("tables", TABLES, list(TABLES), "all that are installed")
    parser.of_quick("seeds", 1, count, 20, "splits of each table")
    return parser


def main(options):
    found, missing = tables(options.tables)
    told = [f"{package} is not installed: without {', '.join(names)}"
            for package, names in missing.items()]  # fmt: skip
    if not found:
        raise UnavailableError("; ".join(told))
    print(*told, table(HEAD, []), sep="\n")
    results, rows = {}, []
    for one in found:
        results[one.name] = measure(one, options.seeds)
        rows.append(row(one, results[one.name]))
        print(table(rows[-1], []).partition("\n")[0], flush=True)
    told += verdicts(results)
    if not options.quick:
        told += judgement(results)
    print("", *told, sep="\n")
    write_json(options.json, options.about, tables=results)
    lines = [
        f"{header(options.about)}; means over {options.seeds} seeds:",
        "",
        table(HEAD, rows),
        "",
    ]
    write_page(options.markdown, "\n".join([*lines, *(f"- {text}" for text in told)]))


if __name__ == "__main__":
    in_one_thread()
    command().run(main)
