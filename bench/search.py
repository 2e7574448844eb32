"""A search over parameters: `SearchCV` beside `GridSearchCV` of our estimator and scikit-learn's.

48 settings (alpha, learning rate, width) on 5 folds of 1,000 x 20 and of the digits, in batches of
32. The contenders take turns, after one search each on a tenth of the rows, with which processes
have begun; `SearchCV` trains all 240 networks in this process. Theirs takes a turn in the first
rounds alone, as many as --theirs says. What is told is the ratio of the medians, and of the least
times in brackets. Goals on 1,000 x 20, with two cores:

    over GridSearchCV of scikit-learn's MLPClassifier, n_jobs=2    >= 20x
    over GridSearchCV of ours, n_jobs=1                            >= 1.9x
    over GridSearchCV of ours, n_jobs=2                            >= 1.2x

    python bench/search.py [--json FILE] [--markdown FILE]
"""

import gc
import os
import sys
import time
import warnings

import numpy as np

from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import table, write_json, write_page

REST = 0.5
SETTINGS = {
    "alpha": np.logspace(-5, 0, 6), "learning_rate_init": [1e-4, 1e-3, 1e-2, 1e-1],
    "hidden_layer_sizes": [(30,), (50,)],
}  # fmt: skip
EPOCHS = {"1,000 x 20": 100, "digits": 30}
GOALS = {"theirs, 2 processes": 20, "ours, 1 process": 1.9, "ours, 2 processes": 1.2}


def data_sets():
    from sklearn.datasets import load_digits, make_classification

    return {
        "1,000 x 20": make_classification(1000, 20, n_classes=2, random_state=0),
        "digits": load_digits(return_X_y=True),
    }


def contenders(epochs, settings):
    """The searches by name, ours first."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    from chainrule.sklearn import MLPClassifier as Ours
    from chainrule.sklearn import SearchCV

    theirs, ours = (
        each(batch_size=32, max_iter=epochs, random_state=0) for each in (MLPClassifier, Ours)
    )
    return {
        "SearchCV": SearchCV(ours, settings),
        "ours, 1 process": GridSearchCV(ours, settings, n_jobs=1),
        "ours, 2 processes": GridSearchCV(ours, settings, n_jobs=2),
        "theirs, 2 processes": GridSearchCV(theirs, settings, n_jobs=2),
    }


def in_turns(searches, X, y, options):
    """The seconds of each, {name: [one a turn]}."""
    seconds = {name: [] for name in searches}
    for search in searches.values():
        search.fit(X[::10], y[::10])
    for turn in range(options.rounds):
        for name, search in searches.items():
            if name.startswith("theirs") and turn >= options.theirs:
                continue
            gc.collect()
            time.sleep(0 if options.quick else REST)
            began = time.perf_counter()
            search.fit(X, y)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def check_same(searches):
    """Raise where ours has other results than GridSearchCV."""
    ours, same = (searches[name].cv_results_ for name in ("SearchCV", "ours, 1 process"))
    if not np.array_equal(ours["mean_test_score"], same["mean_test_score"]):
        raise AssertionError("SearchCV and GridSearchCV of the same estimator do not agree")


def told(data, seconds, quick):
    """A row of the table for each contender."""
    ours = seconds["SearchCV"]
    for name, its in seconds.items():
        ratio, least = np.median(its) / np.median(ours), min(its) / min(ours)
        goal = GOALS.get(name) if data == "1,000 x 20" else None
        verdict = (
            "" if goal is None or quick else f"{goal}x: {'met' if ratio >= goal else 'missed'}"
        )
        shown = "" if its is ours else f"{ratio:.2f}x ({least:.2f}x)"
        name = name if its is ours else f"GridSearchCV, {name}"
        yield [data, name, f"{np.median(its):.3g}", shown, verdict]


def main(options):
    try:
        import sklearn
    except ImportError:
        raise UnavailableError("scikit-learn is not installed") from None
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the processes of a search
    first = header(options.about) + f"\nscikit-learn {sklearn.__version__}"
    print(first)
    settings, rows, results = SETTINGS, [], {}
    if options.quick:
        settings = {"alpha": [1e-4]}
    for data, (X, y) in data_sets().items():
        searches = contenders(1 if options.quick else EPOCHS[data], settings)
        seconds = results[data] = in_turns(searches, X, y, options)
        check_same(searches)
        for row in told(data, seconds, options.quick):
            rows.append(row)
            print("  ".join(row), file=sys.stderr, flush=True)
    shown = table(["data", "search", "s", "SearchCV is faster by", "goal"], rows)
    print(shown)
    write_page(options.markdown, f"{first}\n\n{shown}")
    write_json(options.json, options.about, results=results)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=5, files=["json", "markdown"])
    parser.of_quick("theirs", 1, int, 2, "turns of scikit-learn's")
    parser.run(main)
