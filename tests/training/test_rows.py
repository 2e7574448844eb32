"""Training on some rows of X, `fit(rows=)`: held to a fit on a copy of these rows, bit by bit."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import chainrule as cr
from carried import carried
from chainrule.checks.samples import split_rows
from refusals import refuse
from three_classes import three_classes

M = 90
X, _ = three_classes(M)
RNG = np.random.default_rng(4)
LABELS = RNG.integers(3, size=M)
VALUES = RNG.normal(size=(M, 2))
HOLED = np.where(RNG.random((M, 2)) < 0.2, np.nan, VALUES)
WEIGHTS = RNG.random(M)
OUTPUT_WEIGHTS = RNG.random((M, 2))
MASK = RNG.random(M) < 0.6
ROWS = {
    "in order": np.flatnonzero(MASK),
    "a mask": MASK,
    "any order": RNG.permutation(M)[:50],
    "repeated": RNG.integers(M, size=130),
    "a list": [5, 3, 3, 80, 41, 12, 77],
    "int8": np.arange(60, 10, -1, dtype=np.int8),
    "all": np.arange(M),
}


def reverse(m):
    return np.arange(m)[::-1]


def network(labels, dtype="float32", **options):
    options = {"hidden": "tanh", "output": "identity"} | options
    if labels:
        options |= {"output": "softmax", "cost": "log_likelihood"}
    return cr.Network([4, 9, 3 if labels else 2], dtype=dtype, seed=5, **options)


def compare(rows, labels=True, x=X, x_rows=None, y=None, make=network, dtype="float32", **options):
    """Fit on rows of arrays, and on the arrays of the rows."""
    y = (LABELS if labels else VALUES) if y is None else y
    options = {"epochs": 3, "batch_size": 10} | options
    ours, theirs = make(labels, dtype), make(labels, dtype)
    got = ours.fit(x, y, rows=rows, **options)
    for name in ("sample_weight", "output_weight"):
        if np.ndim(options.get(name)) > (name == "output_weight"):
            options[name] = options[name][rows]
    expected = theirs.fit(x[rows] if x_rows is None else x_rows, y[rows], **options)
    assert carried(ours) == carried(theirs)
    for name in expected:
        if name != "seconds":
            np.testing.assert_array_equal(got[name], expected[name])
    assert np.abs(ours.parameters - make(labels, dtype).parameters).max() > 1e-4
    return ours


@pytest.mark.parametrize("shuffle", [True, False, reverse], ids=["drawn", "as it is", "function"])
@pytest.mark.parametrize("rows", ROWS)
def test_it_has_the_bits_of_a_fit_on_a_copy_of_the_rows(rows, shuffle, dtype):
    compare(ROWS[rows], dtype=dtype, shuffle=shuffle, x=X.astype(dtype))


OPTIONS = {
    "SGD": (True, {"optimizer": cr.SGD(0.1)}),
    "weights": (True, {"sample_weight": WEIGHTS, "class_weight": {0: 2.0}}),
    "balanced": (True, {"class_weight": "balanced"}),
    "split": (True, {"validation_split": 0.3, "sample_weight": WEIGHTS}),
    "split, as it is": (True, {"validation_split": 0.3, "shuffle": False}),
    "dropout, records": (True, {"dropout": 0.3, "record": ["layers", "gradients", "objective"]}),
    "one batch": (False, {"batch_size": 1000}),
    "output weights": (False, {"output_weight": OUTPUT_WEIGHTS}),
    "output weights for all": (False, {"output_weight": [1.0, 0.5]}),
    "validation": (False, {"validation_data": (X, VALUES)}),
    "LBFGS": (False, {"optimizer": cr.LBFGS(), "l2": 1e-3, "sample_weight": WEIGHTS}),
    "LevenbergMarquardt": (False, {"optimizer": cr.LevenbergMarquardt()}),
    "penalty": (False, {"l2_of_batch": 0.3, "sample_weight": WEIGHTS}),
    "threads": (False, {"threads": 2, "batch_size": 64}),
}


@pytest.mark.parametrize("rows", ["a mask", "repeated"])
@pytest.mark.parametrize("name", OPTIONS)
def test_with_every_way_of_fitting(name, rows):
    labels, options = OPTIONS[name]
    compare(ROWS[rows], labels, **options)


@pytest.mark.parametrize("rows", ["a mask", "repeated"])
def test_missing_targets(rows):
    compare(ROWS[rows], labels=False, y=HOLED, missing_targets="skip")


KINDS = {
    "uint8": lambda: (RNG.random((M, 4)) * 255).astype(np.uint8),
    "int64": lambda: RNG.integers(-5, 5, size=(M, 4)),
    "float64": lambda: X.astype(np.float64),
    "float16": lambda: X.astype(np.float16),
    "columns": lambda: np.asfortranarray(X),
    "big-endian": lambda: X.astype(">f4"),
    "every other": lambda: np.repeat(X, 2, axis=0)[::2],
}


def scaled(labels, dtype, **options):
    return network(labels, dtype, input_scale="standard", **options)


@pytest.mark.parametrize("make", [network, scaled], ids=["as it is", "standard"])
@pytest.mark.parametrize("kind", KINDS)
def test_inputs_of_every_kind(kind, make):
    compare(ROWS["repeated"], x=KINDS[kind](), make=make)


@pytest.mark.parametrize("make", [network, scaled], ids=["as it is", "standard"])
@pytest.mark.parametrize("form", ["csr_matrix", "csc_array", "coo_array"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_sparse_inputs(form, make, shuffle):
    scipy = pytest.importorskip("scipy.sparse")
    x = scipy.csr_array(np.where(np.abs(X) > 0.5, X, 0))
    rows = ROWS["repeated"]
    x_rows = x[rows]
    x = getattr(scipy, form)(x)
    compare(rows, x=x, x_rows=x_rows, make=make, shuffle=shuffle, validation_split=0.2)


def test_a_task_that_sets_its_scaling_goes_by_the_rows_alone():
    def make(labels, dtype):
        return cr.Network([4, 9, 2], task="regression", dtype=dtype, seed=5)

    net = compare(ROWS["any order"], labels=False, make=make, sample_weight=WEIGHTS)
    np.testing.assert_allclose(
        net.output_shift,
        np.average(VALUES[ROWS["any order"]], axis=0, weights=WEIGHTS[ROWS["any order"]]),
        rtol=1e-5,  # weights are float32
    )


@pytest.mark.parametrize("package", ["pandas", "polars", "pyarrow"])
def test_frames_and_series(package):
    frames = pytest.importorskip(package)
    rows, names = ROWS["repeated"], list("abcd")
    columns = {name: X[:, i] for i, name in enumerate(names)}
    if package == "pyarrow":
        frame, y = frames.table(columns), frames.array(LABELS)
    else:
        frame, y = frames.DataFrame(columns), frames.Series(LABELS)
    if package == "pandas":  # rows go by their places, whatever the index says
        frame.index = y.index = np.arange(M)[::-1]
    ours, theirs = network(True), network(True)
    ours.fit(frame, y, rows=rows, epochs=2)
    theirs.fit(X[rows], LABELS[rows], epochs=2)
    assert carried(ours) == carried(theirs)
    assert ours.input_names == tuple(names)


def test_lists_and_names_of_classes():
    """Which classes there are is settled by the rows alone."""
    named = np.array(["cat", "dog", "eel", "fox"])[np.append(LABELS[:-1], 3)]
    ours, theirs = network(True), network(True)
    rows = list(range(60))
    ours.fit(X.tolist(), named.tolist(), rows=rows, epochs=2, sample_weight=WEIGHTS.tolist())
    theirs.fit(X[:60], named[:60], epochs=2, sample_weight=WEIGHTS[:60])
    assert ours.classes.tolist() == ["cat", "dog", "eel"]
    assert carried(ours) == carried(theirs)


def test_the_rows_alone_are_looked_at():
    x, y, weights = X.astype(np.float64), LABELS.copy(), WEIGHTS.copy()
    x[~MASK], y[~MASK], weights[~MASK] = np.nan, 77, -1
    ours, theirs = network(True), network(True)
    ours.fit(x, y, rows=MASK, sample_weight=weights, epochs=2)
    theirs.fit(x[MASK], y[MASK], sample_weight=weights[MASK], epochs=2)
    assert carried(ours) == carried(theirs)
    row = int(np.flatnonzero(MASK)[7])
    x[row, 2] = np.inf
    net = network(True)
    refuse(lambda: net.fit(x, y, rows=MASK, sample_weight=weights), ValueError,
           [f"X[{row}:][0, 2] is inf"], net)  # fmt: skip


def test_a_fit_with_rows_can_be_diagnosed_and_resumed(tmp_path, capsys):
    rows, path = ROWS["repeated"], tmp_path / "run.npz"
    ours, theirs = network(True), network(True)
    ours.fit(X, LABELS, rows=rows, epochs=2, diagnose=True, callbacks=cr.Checkpoint(path))
    said = capsys.readouterr().err
    theirs.fit(X[rows], LABELS[rows], epochs=2, diagnose=True)
    assert said == capsys.readouterr().err
    with pytest.raises(ValueError, match="rows cannot be in a file"):
        cr.resume(path, X, LABELS, epochs=4)
    with pytest.raises(ValueError, match="must be the samples that the checkpoint"):
        cr.resume(path, X, LABELS, epochs=4, rows=MASK)
    resumed = cr.resume(path, X, LABELS, epochs=4, rows=rows)
    expected = network(True).fit(X[rows], LABELS[rows], epochs=4)
    assert resumed.cost.tolist() == expected.cost.tolist()


def test_a_divergence_has_its_advice():
    with pytest.raises(cr.DivergenceError) as ours:
        network(False).fit(1e6 * X, VALUES, rows=MASK, optimizer=cr.SGD(1e6))
    with pytest.raises(cr.DivergenceError) as theirs:
        network(False).fit(1e6 * X[MASK], VALUES[MASK], optimizer=cr.SGD(1e6))
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("options", [{}, {"validation_split": 0.2}, {"rows": None}])
def test_inputs_are_not_copied(tmp_path, options):
    """Of a memory map of 48 MB half the rows are trained on; or all of which none is held out."""
    m, n = 60_000, 200
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (m, n))
    x[:] = 0.5
    y = np.zeros(m, np.int32)
    options = {"rows": np.arange(m)[::-2], "epochs": 1, "batch_size": 1000} | options
    if options["rows"] is None:
        options["validation_split"] = 0.01
    net = cr.Network([n, 2, 2], output="softmax", cost="log_likelihood", seed=0)
    net.fit(x, y, **options | {"epochs": 0})
    tracemalloc.start()
    net.fit(x, y, **options)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < (8e6 if "validation_split" in options else 3e6)


BAD = {
    "negative": ([0, 3, -1], ValueError, ["rows must be from 0 to 89", "rows[2] is -1"]),
    "beyond": ([90], ValueError, ["rows must be from 0 to 89", "rows[0] is 90"]),
    "fractions": ([0.5], ValueError, ["rows must be whole numbers", "float64"]),
    "text": (["a"], TypeError, ["rows must hold real numbers"]),
    "a matrix": ([[0, 1]], ValueError, ["in a vector", "shape (1, 2)"]),
    "a short mask": ([True, False], ValueError, ["a mask (90,)", "shape (2,)"]),
    "none": ([], ValueError, ["one or more rows", "got none"]),
    "an empty mask": (np.zeros(M, bool), ValueError, ["one or more rows", "got none"]),
    "a number": (3, ValueError, ["in a vector", "shape ()"]),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_are_no_rows(bad):
    rows, exception, fragments = BAD[bad]
    net = network(True)
    refuse(lambda: net.fit(X, LABELS, rows=rows), exception, fragments, net)


def test_all_have_all_rows():
    net = network(True)
    for given, name in (
        ({"y": LABELS[:50]}, "y"),
        ({"y": LABELS, "sample_weight": WEIGHTS[:50]}, "sample_weight"),
        ({"y": VALUES, "output_weight": OUTPUT_WEIGHTS[:50]}, "output_weight"),
    ):
        refuse(lambda given=given: net.fit(X, rows=[1, 2], **given), ValueError,
               [f"{name} must have 90 rows as X has", "got 50"], net)  # fmt: skip
    refuse(lambda: net.fit([(X, LABELS)], rows=[1], epochs=1), ValueError,
           ["rows are of arrays"], net)  # fmt: skip
    refuse(lambda: net.fit(X[:, :3], LABELS, rows=[1]), ValueError, ["X must be (samples, 4)"], net)
    refuse(lambda: net.fit(X[0], LABELS, rows=[1]), ValueError, ["y must have 4 rows"], net)
    refuse(lambda: net.fit(3.0, LABELS, rows=[1]), ValueError, ["X must be (samples, 4)"], net)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shuffle", [True, False, reverse], ids=["drawn", "as it is", "function"])
def test_a_split_of_many_inputs_has_the_bits_of_a_split_into_copies(shuffle, sparse):
    """What is trained on stays where it is, what is held out does not."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6000, 20)).astype(np.float32), rng.integers(3, size=6000)
    if sparse:
        x = pytest.importorskip("scipy.sparse").csr_array(np.where(x > 1, x, 0))
    ours, theirs = (cr.Network([20, 7, 3], task="classification", seed=5) for _ in range(2))
    kept, held_out = split_rows(6000, 0.2, ours.seed)
    options = {"epochs": 2, "shuffle": shuffle, "batch_size": 100}
    got = ours.fit(x, y, validation_split=0.2, **options)
    expected = theirs.fit(
        x[kept], y[kept], validation_data=(x[held_out], y[held_out]), **options
    )  # fmt: skip
    assert carried(ours) == carried(theirs)
    assert got.validation_cost.tolist() == expected.validation_cost.tolist()


INPUTS = {
    "float32": X.astype("f4"),
    "float64": np.asarray(X, "f8"),
    "a list": np.asarray(X, "f8").tolist(),
    "columns": np.asfortranarray(X),
    "sparse": sparse.csr_array(np.where(X > 0.5, X, 0)),
    "a frame": pd.DataFrame(X, columns=list("abcd")),
}


def picked(x, rows):
    if isinstance(x, list):
        return [x[row] for row in np.arange(M)[rows]]
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("which", ["a mask", "any order", "repeated"])
def test_questions_of_some_rows(which, kind):
    x, rows = INPUTS[kind], np.asarray(ROWS[which])
    net = network(True)
    net.fit(x, LABELS, epochs=1)
    some = picked(x, rows)
    np.testing.assert_array_equal(net(x, rows=rows), net(some))
    np.testing.assert_array_equal(net.predict(x, rows=rows), net.predict(some))
    out = np.empty((len(some) if isinstance(some, list) else some.shape[0], 3), np.float32)
    assert net.feedforward(x, rows=rows, out=out) is out
    np.testing.assert_array_equal(out, net(some))
    found = net.evaluate(x, LABELS, sample_weight=WEIGHTS, rows=rows)
    assert found == net.evaluate(some, LABELS[rows], sample_weight=WEIGHTS[rows])


def test_what_is_asked_of_rows_that_are_none():
    net = network(True)
    for refused, message in (
        (M, f"rows\\[0\\] is {M}"),
        ([], "got none"),
        ([0.5], "whole numbers"),
    ):
        rows = [refused] if refused == M else refused
        with pytest.raises(ValueError, match=message):
            net(X, rows=rows)
        with pytest.raises(ValueError, match=message):
            net.evaluate(X, LABELS, rows=rows)
    with pytest.raises(ValueError, match="a single one"):
        net(X[0], rows=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="y must have 90 rows"):
        net.evaluate(X, LABELS[:5], rows=[0, 1])
    big = np.zeros((M, 4), np.float32)
    with pytest.raises(ValueError, match="overlap"):
        network(False).feedforward(big, rows=np.arange(45), out=big.reshape(-1, 2)[:45])


def test_what_is_asked_of_rows_takes_no_copy_of_x():
    big = np.zeros((200_000, 4), np.float32)
    net, rows = network(False), np.arange(0, 200_000, 100)
    tracemalloc.start()
    net(big, rows=rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < big.nbytes / 8
