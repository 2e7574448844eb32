"""What a table costs with defaults: a fit of 1,000 rows, the answer to one row, the file.

Tables of 1,000 rows and 20 columns, of classes and of values: an array of numbers, one with holes,
and frames of pandas and polars with numbers, text, categories, truth values and dates. A row is
asked of the predictor, as `chainrule.load` gives it, and of the estimator; of classes their
probabilities too. What is told is the median of all turns. Goals:

    a fit                                           <= 1 s
    a row of an array                               <= 50 µs
    a row of a frame                                <= 300 µs
    the file                                        <= twice its parameters

    python bench/table_calls.py [--markdown PAGE]
"""

import os
from functools import partial
from importlib.util import find_spec
from time import perf_counter

import numpy as np

import chainrule as cr
from parts.command import Command, UnavailableError
from parts.machine import header
from parts.output import table, write_page

M, N = 1000, 20
GOALS = {"fit, s": 1.0, "file / parameters": 2.0}
OF_ARRAYS, OF_FRAMES = 50.0, 300.0  # µs
rng = np.random.default_rng(0)


def frame_of(X):
    """A frame of pandas whose columns are numbers, text, categories, truth values and dates."""
    import pandas

    numbers = {f"number {k}": X[:, k] for k in range(12)}
    words = {f"word {k}": rng.choice(["a", "b", "c", "d"], M) for k in range(4)}
    days = np.datetime64("2020-01-01", "us") + rng.integers(900, size=M) * np.timedelta64(1, "D")
    return pandas.DataFrame(
        numbers | words | {
            "category": pandas.Categorical(rng.choice(["p", "q"], M)),
            "truth": rng.random(M) > 0.5, "count": rng.integers(9, size=M), "day": days,
        }
    )  # fmt: skip


def tables():
    """The tables, and what there is to say of each row: a class and a value."""
    X = rng.standard_normal((M, N))
    values = X[:, 0] * X[:, 1] + X[:, 2]
    holes = np.where(rng.random((M, N)) < 0.1, np.nan, X)
    holes[0, 0], holes[0, 1:] = np.nan, X[0, 1:]
    found = {"array": X, "array with holes": holes}
    if find_spec("pandas"):
        found["frame of pandas"] = frame_of(X)
    if find_spec("pandas") and find_spec("polars"):
        import polars

        found["frame of polars"] = polars.DataFrame(
            {name: series.to_numpy() for name, series in found["frame of pandas"].items()}
        )
    return found, values > 0, values


def seconds(call, n):
    """The median of n calls."""
    found = []
    for _ in range(n):
        began = perf_counter()
        call()
        found.append(perf_counter() - began)
    return float(np.median(found))


def measured(kind, X, y, options):
    """The figures of a table, by the names of their columns."""
    fits = options.rounds
    took = seconds(partial(kind(random_state=0, threads=1).fit, X, y), fits)
    fitted = kind(random_state=0, threads=1).fit(X, y)
    path = options.scratch / "table.npz"
    fitted.save(path)
    predictor, row = cr.load(path), X[:1]
    size = sum(net.parameters.nbytes for net in fitted.ensemble_)
    calls = {"predictor": predictor.predict, "estimator": fitted.predict}
    if hasattr(fitted, "classes_"):
        calls["probabilities"] = predictor.predict_proba
    return {
        "fit, s": took, "file / parameters": os.path.getsize(path) / size,
        **{f"{name}, µs": 1e6 * seconds(partial(call, row), options.calls)
           for name, call in calls.items()},
    }  # fmt: skip


def cell(name, figure, X, quick):
    if figure is None:
        return ""
    goal = GOALS.get(name, OF_ARRAYS if isinstance(X, np.ndarray) else OF_FRAMES)
    verdict = "" if quick or figure <= goal else f" **missed: {goal:g}**"
    return f"{figure:.3g}{verdict}"


def main(options):
    if not find_spec("sklearn"):
        raise UnavailableError("scikit-learn is not installed")
    from chainrule.sklearn import TabularClassifier, TabularRegressor

    found, classes, values = tables()
    rows, names = [], None
    for task, kind, y in (
        ("classes", TabularClassifier, classes), ("values", TabularRegressor, values),
    ):  # fmt: skip
        for called, X in found.items():
            figures = measured(kind, X, y, options)
            names = names or list(figures)  # those of classes have more
            cells = [cell(name, figures.get(name), X, options.quick) for name in names]
            rows.append([f"{task}, {called}", *cells])
    told = f"{header(options.about)}\n\n{table(['1,000 rows x 20 columns', *names], rows)}"
    print(told)
    write_page(options.markdown, told)


if __name__ == "__main__":
    parser = Command(__doc__, rounds=3, files=["markdown"])
    parser.of_quick("calls", 2, int, 500, "how often a row is asked")
    parser.run(main)
