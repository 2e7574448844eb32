"""How long until a validation accuracy is reached: ours, scikit-learn's, PyTorch's by skorch?

Each has the same network, rectified units, Adam at 0.001 and mini-batches of 200, from the same
split. The accuracy to reach is 99 % of the best of scikit-learn in so many epochs. Of each is
looked up after which epoch it is there, and then the time of a `fit` of so many epochs, without
any evaluation; from three seeds, theirs and ours in turn. Ours beside scikit-learn in float64, with
the same random numbers, beside skorch in float32. What is told is the median of the seeds.

    pip install scikit-learn statsmodels torch skorch
    python bench/time_to_accuracy.py [--data MNIST_FOLDER] [--json FILE] [--markdown FILE]
"""

import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np

from chainrule.book import mnist_loader
from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import table, write_json, write_page
from parts.tables import tables

REST, BATCH, RATE, PART = 0.1, 200, 1e-3, 0.99
HIDDEN = {"MNIST": (256, 128)}  # of all others (100,)
TABLES = ["digits", "breast_cancer", "wine", "fair"]
EPOCHS = {"MNIST": 20}  # of all others 200


def data_sets(options):
    """Yield (name, X, labels, validation X, its labels), standardised."""
    found, missing = tables(options.tables)
    for package, names in missing.items():
        print(f"{', '.join(names)} absent: no {package}")
    for each in found:
        order = np.random.default_rng(0).permutation(len(each.y))
        X, y = each.X[order], each.y[order]
        n = len(y) // 5
        mean, scale = X[n:].mean(axis=0), X[n:].std(axis=0)
        X = (X - mean) / np.where(scale > 0, scale, 1)
        yield each.name, X[n:], y[n:], X[:n], y[:n]
    try:
        (X, y), validation, _ = mnist_loader.load_data(options.data)
    except FileNotFoundError as why:
        print(f"MNIST absent: {why}")
    else:
        if not options.quick:
            yield "MNIST", X, y, *validation


# ------------------------------------------------------------ contenders: estimators, unfitted


def theirs(hidden, epochs, seed):
    from sklearn.neural_network import MLPClassifier

    return settings(MLPClassifier, hidden, epochs, seed)


def ours(hidden, epochs, seed):
    from chainrule.sklearn import MLPClassifier

    return settings(MLPClassifier, hidden, epochs, seed)


def settings(estimator, hidden, epochs, seed):
    return estimator(
        hidden, max_iter=epochs, random_state=seed, alpha=0, n_iter_no_change=epochs + 1,
        learning_rate_init=RATE,
    )  # fmt: skip


def torchs(hidden, epochs, seed):
    import skorch
    import torch

    class Layers(torch.nn.Sequential):
        def __init__(self, sizes):
            layers = [
                layer
                for pair in pairwise(sizes)
                for layer in (torch.nn.Linear(*pair), torch.nn.ReLU())
            ]
            super().__init__(*layers[:-1])

    class Classifier(skorch.NeuralNetClassifier):
        def fit(self, X, y):
            torch.manual_seed(seed)
            sizes = [X.shape[1], *hidden, len(np.unique(y))]
            return self.set_params(module__sizes=sizes).partial_fit(X, y)

    return Classifier(
        Layers, module__sizes=[1, 1], criterion=torch.nn.CrossEntropyLoss, max_epochs=epochs,
        optimizer=torch.optim.Adam, lr=RATE, batch_size=BATCH, iterator_train__shuffle=True,
        train_split=None, verbose=0, callbacks="disable", warm_start=False,
    )  # fmt: skip


# ------------------------------------------------------------ measure


def accuracies(make, hidden, epochs, seed, data):
    """The validation accuracy after each epoch."""
    X, y, other, labels = data
    if make is torchs:
        estimator = make(hidden, 1, seed)
        estimator.fit(X, y)
        found = [np.mean(estimator.predict(other) == labels)]
        for _ in range(epochs - 1):
            estimator.partial_fit(X, y)
            found.append(np.mean(estimator.predict(other) == labels))
        return np.array(found)
    estimator = ours(hidden, epochs, seed)  # scikit-learn's are the same to 1e-9
    estimator.fit(X, y, validation_data=(other, labels))
    return estimator.network_.history.validation_accuracy


def seconds_of(estimator, X, y):
    time.sleep(REST)
    began = time.perf_counter()
    estimator.fit(X, y)
    return time.perf_counter() - began


def compare(pair, dtype, goal, data, options, hidden, epochs):
    """The epochs and median seconds of both, theirs first; None where one does not get there."""
    X, y, other, labels = data
    data = X.astype(dtype), y, other.astype(dtype), labels
    told = []
    for seed in range(options.seeds):
        runs = []
        for make in pair:
            reached = np.flatnonzero(accuracies(make, hidden, epochs, seed, data) >= goal)
            runs.append(int(reached[0]) + 1 if len(reached) else None)
        if None in runs:
            return None
        turns = [
            [
                seconds_of(make(hidden, n, seed), *data[:2])
                for make, n in zip(pair, runs, strict=True)
            ]
            for _ in range(options.rounds)
        ]
        told.append([*runs, *np.median(turns, axis=0)])
    return np.median(told, axis=0).tolist()


def main(options):
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UnavailableError("scikit-learn is not installed") from None
    warnings.simplefilter("ignore")
    pairs = {"scikit-learn": (theirs, "float64")}
    try:
        import skorch  # noqa: F401

        pairs["skorch"] = (torchs, "float32")
    except ImportError as why:
        print(f"skorch absent: {why}")
    print(header(options.about))
    rows, results = [], {}
    for name, *data in data_sets(options):
        hidden = HIDDEN.get(name, (100,))
        epochs = 3 if options.quick else EPOCHS.get(name, 200)
        reference = [
            accuracies(ours, hidden, epochs, seed, data).max() for seed in range(options.seeds)
        ]
        goal = PART * min(reference)
        cells = [name, f"{data[0].shape[0]:,} x {data[0].shape[1]}", f"{goal:.3f}"]
        for peer, (make, dtype) in pairs.items():
            found = compare((make, ours), dtype, goal, data, options, hidden, epochs)
            results[f"{name}, {peer}"] = found
            if found is None:
                cells.append("not reached by one")
                continue
            n_theirs, n_ours, t_theirs, t_ours = found
            ratio = f"{t_theirs / t_ours:.1f}x"
            cells.append(
                f"{t_theirs:.3g} s : {t_ours:.3g} s = **{ratio}** ({n_theirs:g} : {n_ours:g})"
            )
        rows.append(cells)
        print("  ".join(cells), flush=True)
    head = ["data", "samples", "accuracy", *(f"{peer} : ours (epochs)" for peer in pairs)]
    shown = table(head, rows)
    print(shown)
    write_page(options.markdown, f"{header(options.about)}\n\n{shown}")
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    quick = {"tables": ["wine"], "seeds": 1}
    parser = Command(__doc__, rounds=5, files=["json", "markdown"], quick=quick)
    parser.add_names("tables", TABLES, TABLES, "all")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--data", type=Path, metavar="PATH", help="MNIST: folder or mnist.pkl.gz")
    parser.run(main)
