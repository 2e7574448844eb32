"""What one changed import line brings: the estimators beside scikit-learn's, with equal settings.

`fit` for so many epochs, `partial_fit` of 32 rows, `predict`, a search over 24 settings, and the
import. Theirs and ours take turns in one process, with a rest between, since OpenBLAS's threads
spin for a while after a call; what is told is the ratio of the medians, and of the least times in
brackets. Goals, in float64 / float32:

    fit, 1,000 x 20, hidden (50,), batches of 32     >= 17x / 28x
    fit, digits, defaults                            >= 3.5x / 4.5x
    fit, 5,000 x 30, defaults                        >= 4.5x / 7.5x
    fit, MNIST, hidden (256, 128)                    >= 2x / 2.6x
    predict one row                                  >= 10x
    predict 10,000 rows                              >= 1x
    partial_fit 32 rows                              >= 15x
    GridSearchCV, 24 settings, 1 and 2 processes     >= 12x
    import                                           <= 30 ms over scikit-learn's

    python bench/estimators.py [--data MNIST_FOLDER] [--json FILE] [--markdown FILE]
"""

import gc
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from chainrule.book import mnist_loader
from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import table, write_json, write_page

REST = 0.05
DTYPES = ["float64", "float32"]
# case: (data, settings, epochs, in quick mode, goals by dtype)
FITS = {
    "fit, 1,000 x 20, hidden (50,), batches of 32": (
        "1,000 x 20", {"hidden_layer_sizes": (50,), "batch_size": 32}, 100, 1, (17, 28)),
    "fit, digits, defaults": ("digits", {}, 100, 1, (3.5, 4.5)),
    "fit, 5,000 x 30, defaults": ("5,000 x 30", {}, 100, 1, (4.5, 7.5)),
    "fit, MNIST, hidden (256, 128)": ("MNIST", {"hidden_layer_sizes": (256, 128)}, 2, 0, (2, 2.6)),
}  # fmt: skip
SHAPES = {"20-50": ("1,000 x 20", (50,)), "30-100": ("5,000 x 30", (100,)),
          "64-256-128": ("digits", (256, 128))}  # fmt: skip
IMPORT = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
IMPORTS = {
    "theirs": "from sklearn.neural_network import MLPClassifier",
    "ours": "from chainrule.sklearn import MLPClassifier",
}


def data_sets(options):
    """The data of all cases, {name: (X, labels)}; without MNIST where it is not there."""
    from sklearn.datasets import load_digits, make_classification

    made = {"n_classes": 2, "random_state": 0}
    found = {
        "1,000 x 20": make_classification(1000, 20, **made),
        "5,000 x 30": make_classification(5000, 30, **made),
        "digits": load_digits(return_X_y=True),
    }
    try:
        found["MNIST"] = mnist_loader.load_data(options.data)[0]
    except FileNotFoundError as why:
        print(f"MNIST absent: {why}")
    return found


def pair(**settings):
    """Scikit-learn's classifier and ours."""
    from sklearn.neural_network import MLPClassifier

    from chainrule.sklearn import MLPClassifier as Ours

    return [each(random_state=0, **settings) for each in (MLPClassifier, Ours)]


def seconds_of(call, repeats):
    gc.collect()
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def in_turns(calls, options):
    """The seconds of each call, (rounds, 2)."""
    repeats = [max(1, int(options.seconds / seconds_of(call, 1))) for call in calls]
    turns = []
    for _ in range(options.rounds):
        turns.append([])
        for call, n in zip(calls, repeats, strict=True):
            time.sleep(REST)
            turns[-1].append(seconds_of(call, n))
    return np.array(turns)


def cases(options):
    """Yield (name, dtype, calls of theirs and ours, goal)."""
    sets = data_sets(options)
    for name, (data, settings, epochs, quick, goals) in FITS.items():
        if data not in sets or (options.quick and not quick):
            continue
        X, y = sets[data]
        for dtype, goal in zip(DTYPES, goals, strict=True):
            both = pair(max_iter=2 if options.quick else epochs, **settings)
            rows = X.astype(dtype)
            yield name, dtype, [lambda e=e, X=rows, y=y: e.fit(X, y) for e in both], goal
    for dtype in DTYPES:
        X, y = sets["1,000 x 20"]
        X, both = X.astype(dtype), pair(hidden_layer_sizes=(50,), max_iter=2)
        for each in both:
            each.fit(X, y)
        yield (
            "partial_fit of 32 rows, 20-50", dtype,
            [lambda e=e, X=X[:32], y=y[:32]: e.partial_fit(X, y) for e in both], 15,
        )  # fmt: skip
        for shape, (data, hidden) in SHAPES.items():
            X, y = sets[data]
            X, both = X.astype(dtype), pair(hidden_layer_sizes=hidden, max_iter=2)
            for each in both:
                each.fit(X, y)
            for rows, goal in ((1, 10), (10_000, 1)):
                some = np.resize(X, (rows, X.shape[1]))
                calls = [lambda e=e, X=some: e.predict(X) for e in both]
                yield f"predict {rows:,} rows, {shape}", dtype, calls, goal
    for jobs in (1, 2):
        yield from search(sets["1,000 x 20"], jobs, options)


def search(data, jobs, options):
    """A search of 24 settings, five times each."""
    from sklearn.model_selection import GridSearchCV

    settings = {
        "alpha": np.logspace(-5, 0, 6), "learning_rate_init": [1e-4, 1e-3, 1e-2, 1e-1],
    }  # fmt: skip
    if options.quick:
        settings = {"alpha": [1e-4]}
    both = pair(hidden_layer_sizes=(50,), batch_size=32, max_iter=2 if options.quick else 100)
    searches = [GridSearchCV(each, settings, n_jobs=jobs) for each in both]
    calls = [lambda s=s: s.fit(*data) for s in searches]
    for call in calls:
        call()  # the processes have begun and imported what they need
    yield f"GridSearchCV, {jobs} process{'es' * (jobs > 1)}", "float64", calls, 12


def import_times(options):
    """The milliseconds of importing an estimator in a new process, (rounds, 2)."""
    turns = [
        [
            float(subprocess.check_output([sys.executable, "-c", IMPORT.format(line)]))
            for line in IMPORTS.values()
        ]
        for _ in range(options.rounds)
    ]
    return 1000 * np.array(turns)


def told(name, dtype, turns, goal, quick):
    theirs, ours = np.median(turns, axis=0)
    least = turns.min(axis=0)
    ratio = theirs / ours
    verdict = "" if quick else f"{goal}x: " + ("met" if ratio >= goal else "missed")
    times = [f"{1000 * t:.4g}" for t in (theirs, ours)]
    return [name, dtype, *times, f"{ratio:.1f}x ({least[0] / least[1]:.1f}x)", verdict]


def main(options):
    try:
        import sklearn
    except ImportError:
        raise UnavailableError("scikit-learn is not installed") from None
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the processes of a search
    first = header(options.about) + f"\nscikit-learn {sklearn.__version__}"
    print(first)
    rows, results = [], {}
    for name, dtype, calls, goal in cases(options):
        turns = in_turns(calls, options)
        rows.append(told(name, dtype, turns, goal, options.quick))
        results[f"{name}, {dtype}"] = turns.tolist()
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    imports = import_times(options)
    theirs, ours = np.median(imports, axis=0)
    verdict = "" if options.quick else f"30 ms: {'met' if ours - theirs <= 30 else 'missed'}"
    rows.append(["import", "", f"{theirs:.4g}", f"{ours:.4g}", f"{ours - theirs:+.1f} ms", verdict])
    results["import"] = imports.tolist()
    shown = table(["what", "dtype", "theirs, ms", "ours, ms", "theirs / ours", "goal"], rows)
    print(shown)
    write_page(options.markdown, f"{first}\n\n{shown}")
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=7, seconds=0.1, files=["json", "markdown"])
    parser.add_argument("--data", type=Path, metavar="PATH", help="MNIST: folder or mnist.pkl.gz")
    parser.run(main)
