"""Single steps, held to `fit` on the same rows, bit by bit."""

import copy
import itertools
import os
import pickle
import threading

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from interruptions import time_to_stop
from refusals import refuse, table

ROWS, BATCH = 64, 10
SIZES = [6, 8, 5, 3]


def problem(dtype="float32", **options):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(ROWS, SIZES[0])).astype(dtype)
    Y = rng.normal(size=(ROWS, SIZES[-1])).astype(dtype)
    options = {"hidden": "tanh", "output": "identity"} | options
    return cr.Network(SIZES, dtype=dtype, seed=3, **options), X, Y


def classes(dtype="float32"):
    net, X, _ = problem(dtype, output="softmax", cost="log_likelihood")
    return net, X, np.random.default_rng(6).integers(0, 3, ROWS)


def parts(*arrays, batch=BATCH):
    return [tuple(a[i : i + batch] for a in arrays) for i in range(0, len(arrays[0]), batch)]


def take(trainer, batches, epochs=1, **options):
    """So many epochs of steps; the cost of each."""
    costs = []
    for _ in range(epochs):
        costs += [trainer.step(*batch, **options) for batch in batches]
        trainer.end_epoch()
    return costs


STEPS = -(-ROWS // BATCH)
CASES = {
    "sgd": {"optimizer": cr.SGD(0.1)},
    "sgd, l2": {"optimizer": cr.SGD(0.1), "l2": 1e-2, "max_norm": 0.9},
    "sgd, l1": {"optimizer": cr.SGD(0.1), "l1": 1e-3},
    "sgd, l2 of batch": {"optimizer": cr.SGD(0.1), "l2_of_batch": 0.3},
    "momentum": {"optimizer": cr.SGD(0.1, momentum=0.9), "clip_value": 0.02},
    "nesterov": {"optimizer": cr.SGD(0.1, momentum=0.9, nesterov=True)},
    "adagrad": {"optimizer": cr.Adagrad()},
    "rmsprop": {"optimizer": cr.RMSprop(), "clip_norm": 0.1},
    "adam": {"optimizer": cr.Adam()},
    "adam, dropout, average": {"optimizer": cr.Adam(), "dropout": [0.5, 0.2], "average": 0.9},
    "adam, cosine": {"optimizer": cr.Adam(cr.CosineDecay(1e-2, 7)), "dropout": 0.3, "l2": 1e-3},
    "adamw, one cycle": {"optimizer": cr.AdamW(cr.OneCycle(1e-2, epochs=9))},
    "adamax, steps": {"optimizer": cr.Adamax(cr.StepDecay(1e-2, 0.5, 2))},
    "rprop": {"optimizer": cr.Rprop()},
}


@pytest.mark.parametrize("case", CASES)
def test_steps_leave_what_fit_leaves(case, dtype):
    ours, X, Y = problem(dtype)
    theirs, *_ = problem(dtype)
    start = theirs.parameters.copy()
    for epochs in (2, 3):  # a trainer goes on from where another was
        trainer = ours.trainer(**CASES[case], steps_per_epoch=STEPS)
        take(trainer, parts(X, Y), epochs)
        theirs.fit(X, Y, batch_size=BATCH, shuffle=False, epochs=epochs, **CASES[case])
        assert carried(ours) == carried(theirs)
    assert ours.epochs_trained == 5
    assert ours.optimizer == theirs.optimizer
    assert np.abs(theirs.parameters - start).max() > 1e-3


@pytest.mark.parametrize("threads", [1, 2, None])
@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam()])
def test_batches_of_more_rows_than_a_tile_and_any_number_of_threads(optimizer, threads):
    rng = np.random.default_rng(0)
    for rows in (100, 1200, 9000):
        X = rng.normal(size=(rows + 300, 3)).astype("f4")
        Y = rng.normal(size=(rows + 300, 2)).astype("f4")
        ours, theirs = (cr.Network([3, 40, 2], output="identity", seed=1) for _ in range(2))
        trainer = ours.trainer(optimizer, dropout=0.2, threads=threads)
        take(trainer, parts(X, Y, batch=rows), 2)
        theirs.fit(
            X, Y, batch_size=rows, shuffle=False, optimizer=optimizer, epochs=2, dropout=0.2,
            threads=1,
        )  # fmt: skip
        assert carried(ours) == carried(theirs)


def test_the_cost_is_that_of_the_batch_before_its_step():
    net, X, Y = problem("float64")
    twin = net.copy()
    costs = take(net.trainer(cr.SGD(0.1)), parts(X, Y))
    seen = []

    class Costs:
        def on_batch_end(self, batch, cost):
            seen.append(cost)

    twin.fit(X, Y, batch_size=BATCH, shuffle=False, epochs=1, optimizer=cr.SGD(0.1),
             callbacks=Costs())  # fmt: skip
    assert costs == seen
    assert len(set(costs)) == STEPS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_penalties_are_what_the_objective_has_beyond_the_cost(dtype):
    net, X, Y = problem(dtype)
    options = {"l1": 0.01, "l2": 0.1, "l2_of_batch": 3.0}
    trainer = net.copy().trainer(cr.SGD(0.1), **options)
    W = np.concatenate([W.ravel().astype(float) for W in net.weights])
    expected = 0.01 * abs(W).sum() + (0.1 + 3 / 7) / 2 * (W**2).sum()
    assert trainer.penalty(7) == pytest.approx(expected, rel=1e-12)
    history = net.fit(X, Y, batch_size=len(X), epochs=1, record="objective", **options)
    assert trainer.penalty(len(X)) == pytest.approx(history.penalty[0], rel=1e-12)
    with pytest.raises(ValueError, match="weight must be a positive number"):
        trainer.penalty(0)


KINDS = {
    "float64": lambda X, Y: (X.astype("f8"), Y.astype("f8")),
    "lists": lambda X, Y: (X.tolist(), Y.tolist()),
    "columns": lambda X, Y: (np.asfortranarray(X), np.asfortranarray(Y)),
    "every other": lambda X, Y: (np.repeat(X, 2, axis=0)[::2], np.repeat(Y, 2, axis=1)[:, ::2]),
    "read-only": lambda X, Y: (np.frombuffer(X.tobytes(), "f4").reshape(X.shape), Y),
    "unaligned": lambda X, Y: (unaligned(X), unaligned(Y)),
    "big-endian": lambda X, Y: (X.astype(">f4"), Y.astype(">f8")),
    "half": lambda X, Y: (X.astype("f2").astype("f2"), Y),
}


def unaligned(a):
    block = np.zeros(a.nbytes + 1, "u1")
    block[1:] = np.frombuffer(a.tobytes(), "u1")
    return block[1:].view(a.dtype).reshape(a.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_any_kind_are_read_as_fit_reads_them(kind):
    ours, X, Y = problem()
    theirs, *_ = problem()
    x, y = KINDS[kind](X.astype("f2").astype("f4"), Y)
    trainer = ours.trainer(cr.Adam())
    take(trainer, [(x, y)], 3)
    theirs.fit(x, y, batch_size=ROWS, shuffle=False, epochs=3, optimizer=cr.Adam())
    assert carried(ours) == carried(theirs)


@pytest.mark.parametrize("stored", ["uint8", "int16", "int64", "float32", "float64"])
def test_stored_inputs_and_scaled_networks(stored, dtype):
    scales = {"input_scale": np.linspace(0.01, 0.02, 6), "input_shift": -1.0,
              "output_scale": [3.0, 0.1, 7.0], "output_shift": 1.5}  # fmt: skip
    ours, X, Y = problem(dtype, **scales)
    theirs, *_ = problem(dtype, **scales)
    X = np.random.default_rng(1).integers(0, 200, X.shape).astype(stored)
    for y in (Y, Y.astype("f8"), Y.astype("f4")):
        take(ours.trainer(cr.Adam()), parts(X, y), 2)
        theirs.fit(X, y, batch_size=BATCH, shuffle=False, epochs=2, optimizer=cr.Adam())
        assert carried(ours) == carried(theirs)


@pytest.mark.parametrize("labels", ["i4", "i8", "u1"])
def test_labels(labels):
    (ours, X, y), (theirs, *_) = classes(), classes()
    take(ours.trainer(cr.Adam()), parts(X, y.astype(labels)), 2)
    theirs.fit(X, y, batch_size=BATCH, shuffle=False, epochs=2, optimizer=cr.Adam())
    assert carried(ours) == carried(theirs)
    assert ours.answers == "classes"


def test_labels_with_names_and_class_weights():
    names = np.array(["ash", "beech", "oak"])
    (ours, X, y), (theirs, *_) = classes(), classes()
    for label in (names[y], y + 1):
        ours.classes = theirs.classes = np.unique(label)
        weights = {"class_weight": {ours.classes[1].item(): 3.0}}
        take(ours.trainer(cr.Adam(), **weights), parts(X, label), 2)
        theirs.fit(X, label, batch_size=BATCH, shuffle=False, epochs=2, optimizer=cr.Adam(),
                   **weights)  # fmt: skip
        assert carried(ours) == carried(theirs)
    assert ours.predict(X[:5]).tolist() == theirs.predict(X[:5]).tolist()


def test_weights_and_missing_targets():
    ours, X, Y = problem("float64")
    theirs, *_ = problem("float64")
    rng = np.random.default_rng(2)
    w, u = rng.uniform(0.5, 2, ROWS), rng.uniform(0, 2, Y.shape)
    Y[rng.random(Y.shape) < 0.2] = np.nan
    trainer = ours.trainer(cr.Adam(), missing_targets="skip")
    for x, y, v, t in parts(X, Y, w, u):
        trainer.step(x, y, sample_weight=v, output_weight=t)
    trainer.end_epoch()
    theirs.fit(X, Y, batch_size=BATCH, shuffle=False, epochs=1, optimizer=cr.Adam(),
               missing_targets="skip", sample_weight=w, output_weight=u)  # fmt: skip
    assert carried(ours) == carried(theirs)


@pytest.mark.parametrize("factor", [1, 1e-300, 1e300, 3])
@pytest.mark.parametrize("weight_dtype", ["f4", "f8"])
def test_weights_read_in_the_core_are_those_of_fit(factor, weight_dtype, dtype):
    """Also of any size: only what they are beside each other counts."""
    ours, X, Y = problem(dtype)
    theirs, *_ = problem(dtype)
    w = np.random.default_rng(2).uniform(0, 2, ROWS)
    w[:6] = 0, 1e-25, 1e-31, 1e-32, 1e-38, 1e-300
    if weight_dtype == "f8":
        w *= factor
    w = w.astype(weight_dtype)
    trainer = ours.trainer(cr.Adam())
    for _ in range(3):
        trainer.step(X, Y, sample_weight=w)
        trainer.end_epoch()
    theirs.fit(X, Y, batch_size=ROWS, shuffle=False, epochs=3, optimizer=cr.Adam(),
               sample_weight=w)  # fmt: skip
    assert carried(ours) == carried(theirs)


def test_a_weight_too_small_to_divide_by_is_0_as_in_fit(dtype):
    (ours, X, Y), (theirs, *_) = problem(dtype), problem(dtype)
    Y[0] = 0  # what zeros say, so that all of the gradient is that of the other sample
    for small, counts in (("1e-33", False), ("1e-30", True)):
        w = np.array([1, float(small) if dtype == "float32" else float(small) ** 9])
        for net in (ours, theirs):
            net.parameters[:] = 0
            net.optimizer_state = {}
        trainer = ours.trainer(cr.SGD(1.0, momentum=0.9))
        trainer.step(X[:1], Y[:1])  # settles what y is
        trainer.step(X[:2], Y[:2], sample_weight=w)
        theirs.fit(X[:1], Y[:1], batch_size=1, epochs=1, optimizer=cr.SGD(1.0, momentum=0.9))
        theirs.fit(X[:2], Y[:2], batch_size=2, epochs=1, shuffle=False, sample_weight=w)
        velocity = ours.optimizer_state["velocity"]
        assert velocity.tobytes() == theirs.optimizer_state["velocity"].tobytes()
        assert bool(velocity.any()) == counts


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam()])
@pytest.mark.parametrize("rows", [50, 20])  # sparse kernels, and too few for them
def test_sparse_rows(optimizer, rows):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    X = scipy_sparse.random(rows, 30, 0.2, format="csr", dtype="f4", rng=np.random.default_rng(1))
    Y = np.random.default_rng(2).normal(size=(rows, 3)).astype("f4")
    ours, theirs = (cr.Network([30, 8, 3], output="identity", seed=1) for _ in range(2))
    trainer = ours.trainer(optimizer, dropout=0.5)
    for _ in range(2):
        trainer.step(X, Y)
        trainer.end_epoch()
    theirs.fit(X, Y, batch_size=rows, shuffle=False, epochs=2, optimizer=optimizer, dropout=0.5)
    assert carried(ours) == carried(theirs)
    trainer.step(X.toarray(), Y)  # and dense ones among them
    theirs.fit(X.toarray(), Y, batch_size=rows, shuffle=False, epochs=1, dropout=0.5)
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()


def test_frames_give_the_inputs_their_names():
    pandas = pytest.importorskip("pandas")
    ours, X, Y = problem()
    theirs, *_ = problem()
    X, Y = (pandas.DataFrame(a).rename(columns="c{}".format) for a in (X, Y))
    trainer = ours.trainer(cr.Adam())
    trainer.step(X, Y)
    theirs.fit(X, Y, batch_size=ROWS, shuffle=False, epochs=1, optimizer=cr.Adam())
    assert ours.parameters.tobytes() == theirs.parameters.tobytes()
    assert ours.input_names == theirs.input_names == tuple(X.columns)


class Half:
    """½‖y - a‖², by hand, for an identity output."""

    def value(self, a, y):
        return ((y - a) ** 2).sum(axis=1) / 2

    def delta(self, z, a, y):
        return a - y


def test_a_cost_of_ones_own():
    ours, X, Y = problem("float64", cost=Half())
    theirs, *_ = problem("float64", cost=Half())
    take(ours.trainer(cr.SGD(0.1)), parts(X, Y), 2)
    theirs.fit(X, Y, batch_size=BATCH, shuffle=False, epochs=2, optimizer=cr.SGD(0.1))
    assert carried(ours) == carried(theirs)


def test_what_a_function_of_ones_own_raises_comes_out_and_the_step_is_not_taken():
    class Fails(Half):
        calls = 0

        def delta(self, z, a, y):
            Fails.calls += 1
            if Fails.calls == 5:
                raise RuntimeError("no delta")
            return super().delta(z, a, y)

    net, X, Y = problem("float64", cost=Fails())
    trainer = net.trainer(cr.Adam())
    while Fails.calls < 4:
        trainer.step(X, Y)
    refuse(lambda: trainer.step(X, Y), RuntimeError, ["no delta"], net)
    before = carried(net)
    trainer.step(X, Y)  # it goes on
    assert carried(net) != before


def test_a_step_within_a_step_is_refused():
    class Steps(Half):
        trainer = None

        def value(self, a, y):
            if self.trainer is not None and len(a) == ROWS:
                self.trainer.step(X, Y)
            return super().value(a, y)

    cost = Steps()
    net, X, Y = problem("float64", cost=cost)
    trainer = net.trainer(cr.Adam())
    trainer.step(X, Y)
    cost.trainer = trainer
    refuse(lambda: trainer.step(X, Y), RuntimeError, ["the network is in training"], net)


def test_the_views_of_the_network_show_each_step_and_may_be_written():
    net, X, Y = problem()
    weights = net.weights[0]
    trainer = net.trainer(cr.SGD(0.1))
    trainer.step(X, Y)
    assert weights is not None
    net.parameters[:] = 0
    net.parameters = np.full_like(net.parameters, 0.1)
    twin = net.copy()
    trainer.step(X, Y)
    twin.fit(X, Y, batch_size=ROWS, shuffle=False, epochs=1, optimizer=cr.SGD(0.1))
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    np.testing.assert_array_equal(weights, twin.weights[0])


def test_optimizer_and_history():
    net, X, Y = problem()
    net.fit(X, Y, epochs=2, optimizer=cr.SGD(0.1, momentum=0.5))
    history = net.history
    trainer = net.trainer()
    assert trainer.optimizer == cr.SGD(0.1, momentum=0.5) == net.optimizer
    take(trainer, parts(X, Y))
    assert net.history is history
    assert net.trainer(cr.Adam(0.5)).optimizer == net.optimizer == cr.Adam(0.5)
    assert problem()[0].trainer().optimizer == cr.Adam()
    assert repr(trainer).startswith("Trainer(Network([6, 8, 5, 3]")


def test_trainers_in_threads_of_their_own():
    nets = [problem()[0] for _ in range(4)]
    _, X, Y = problem()
    threads = [
        threading.Thread(target=take, args=(net.trainer(cr.Adam()), parts(X, Y), 50))
        for net in nets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({net.parameters.tobytes() for net in nets}) == 1


def test_ctrl_c_ends_a_long_step_before_it_changes_anything(ctrl_c):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60_000, 300)).astype("f4"), np.zeros((60_000, 300), "f4")
    net = cr.Network([300, 400, 400, 300], hidden="tanh", output="identity", seed=0)
    trainer = net.trainer(cr.Adam(), threads=1)
    trainer.step(X[:9], Y[:9])
    before = carried(net)
    time_to_stop(lambda: trainer.step(X, Y), after=0.05)
    assert carried(net) == before
    assert (trainer.steps, trainer.samples) == (1, 9)
    trainer.step(X[:9], Y[:9])
    assert carried(net) != before


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts the threads of Linux")
def test_an_idle_trainer_keeps_no_threads_from_others():
    """Those of a step are there for all others after it."""
    X, Y = np.random.default_rng(0).normal(size=(2, 2000, 20))
    nets = [cr.Network([20, 200, 20], output="identity", seed=0) for _ in range(20)]
    trainers = [net.trainer(cr.SGD(0.1), threads=2) for net in nets]
    before = len(os.listdir("/proc/self/task"))
    for trainer in trainers:
        trainer.step(X, Y)
    assert len({net.parameters.tobytes() for net in nets}) == 1
    assert len(os.listdir("/proc/self/task")) <= before + 1


# ------------------------------------------------------------------------------ divergence


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam()])
def test_a_cost_that_is_not_finite_raises_before_its_step(optimizer):
    net, X, Y = problem()
    trainer = net.trainer(optimizer)
    trainer.step(X, Y)
    net.weights[1][0, 0] = np.nan
    for call in (
        lambda: trainer.step(X, Y),
        lambda: trainer.step(X.tolist(), Y),
        lambda: trainer.step(X, output_gradient=Y),
        lambda: trainer.step(X, Y[:, 0].copy(), actions=np.zeros(ROWS, int)),
    ):
        refuse(call, cr.DivergenceError, ["step 1 of the epoch", "layer 3", "not taken"], net)
    assert (trainer.steps, trainer.samples) == (1, ROWS)
    net.weights[1][0, 0] = 0
    trainer.step(X, Y)
    assert trainer.steps == 2


# ------------------------------------------------------------------------------ refusals

OPTIONS = table(
    {
        "full batch": ({"optimizer": cr.LBFGS()}, ValueError, ["LBFGS", "all samples at once"]),
        "epochs": ({"epochs": 3}, TypeError, ["trainer() has no option 'epochs'", "fit(...)"]),
        "batch_size": ({"batch_size": 3}, TypeError, ["batch_size", "fit(...)"]),
        "shuffle": ({"shuffle": True}, TypeError, ["shuffle", "fit(...)"]),
        "callbacks": ({"callbacks": []}, TypeError, ["callbacks", "fit(...)"]),
        "sample_weight": ({"sample_weight": [1]}, TypeError, ["Give it with each step"]),
        "a misspelt one": ({"clip_nrom": 1}, TypeError, ["clip_norm"]),
        "of a network": ({"hidden": "relu"}, TypeError, ["It is an option of Network(...)"]),
        "a schedule": ({"optimizer": cr.SGD(cr.StepDecay(0.1))}, ValueError, ["steps_per_epoch"]),
        "plateau": (
            {"optimizer": cr.SGD(cr.ReduceOnPlateau(0.1)), "steps_per_epoch": 3},
            ValueError,
            ["ReduceOnPlateau", "whole epochs"],
        ),
        "balanced": ({"class_weight": "balanced"}, ValueError, ["balanced", "single steps"]),
        "dropout": ({"dropout": [0.5]}, ValueError, ["2 hidden layers"]),
        "l2": ({"l2": -1}, ValueError, ["l2"]),
        "threads": ({"threads": 0}, ValueError, ["threads"]),
        "no optimiser": ({"optimizer": "adam"}, TypeError, ["chainrule.Adam()"]),
    }
)


@OPTIONS
def test_options_that_do_not_fit(given, exception, fragments):
    net, X, Y = problem()
    net.fit(X, Y, epochs=1)
    refuse(lambda: net.trainer(**given), exception, fragments, net)
    assert net.optimizer == cr.Adam()


def test_two_optimizers():
    net, *_ = problem()
    refuse(lambda: net.trainer(cr.SGD(), optimizer=cr.SGD()), TypeError, ["two optimizers"], net)
    assert net.trainer(optimizer=cr.SGD()).optimizer == cr.SGD()


def test_networks_that_cannot_be_trained_step_by_step():
    for options, fragments in (
        ({"hidden": "step"}, ["step units"]),
        ({"input_scale": "standard"}, ["input_scale='standard' is set by the first fit"]),
        ({"output_scale": "standard"}, ["output_scale='standard' is set by the first fit"]),
    ):
        net, *_ = problem(**options)
        refuse(net.trainer, ValueError, fragments, net)
    net, X, Y = problem(input_scale="standard")
    net.fit(X, Y, epochs=1)
    assert net.trainer().step(X, Y) > 0


def bad(**changes):
    def call(trainer, X, Y):
        arrays = {"X": X, "y": Y}
        arrays |= {name: make(X, Y) for name, make in changes.items()}
        trainer.step(arrays.pop("X"), **arrays)

    return call


def with_entry(array, value):
    array = array.copy()
    array[3, 1] = value
    return array


DATA = table(
    {
        "X too wide": (bad(X=lambda X, Y: Y), ValueError, ["X must be (samples, 6)"]),
        "one sample": (bad(X=lambda X, Y: X[0]), ValueError, ["x[None, :]"]),
        "no sample": (bad(X=lambda X, Y: X[:0]), ValueError, ["at least one sample"]),
        "text": (bad(X=lambda X, Y: X.astype(str)), TypeError, ["X must hold real numbers"]),
        "NaN in X": (bad(X=lambda X, Y: with_entry(X, np.nan)), ValueError, ["X[3, 1] is nan"]),
        "infinite X": (bad(X=lambda X, Y: with_entry(X, np.inf)), ValueError, ["X[3, 1] is inf"]),
        "too large": (
            bad(X=lambda X, Y: with_entry(X.astype("f8"), 1e300)), ValueError, ["too large"]
        ),
        "y too wide": (bad(y=lambda X, Y: X), ValueError, ["y must be (samples, 3)"]),
        "y short": (bad(y=lambda X, Y: Y[:-1].copy()), ValueError, ["64 samples; got 63"]),
        "NaN in y": (bad(y=lambda X, Y: with_entry(Y, np.nan)), ValueError, ["y[3, 1] is nan"]),
        "infinite y": (bad(y=lambda X, Y: with_entry(Y, -np.inf)), ValueError, ["y[3, 1] is -inf"]),
        "nothing": (bad(y=lambda X, Y: None), TypeError, ["exactly one", "none of them"]),
        "both": (bad(output_gradient=lambda X, Y: Y), TypeError, ["y and output_gradient"]),
        "weights": (bad(sample_weight=lambda X, Y: [1.0]), ValueError, ["sample_weight must be"]),
        "negative weights": (
            bad(sample_weight=lambda X, Y: -np.ones(ROWS)), ValueError, ["must not be negative"]
        ),
        "NaN in weights": (
            bad(sample_weight=lambda X, Y: np.full(ROWS, np.nan)), ValueError, ["must be finite"]
        ),
        "no weight": (
            bad(sample_weight=lambda X, Y: np.zeros(ROWS)), ValueError, ["all samples are 0"]
        ),
        "gradient's shape": (
            bad(y=lambda X, Y: None, output_gradient=lambda X, Y: Y[:, :2].copy()),
            ValueError,
            ["output_gradient must be (64, 3)"],
        ),
        "NaN in a gradient": (
            bad(y=lambda X, Y: None, output_gradient=lambda X, Y: with_entry(Y, np.nan)),
            ValueError,
            ["output_gradient must be finite", "[3, 1] is nan"],
        ),
        "NaN in a delta": (
            bad(y=lambda X, Y: None, output_delta=lambda X, Y: with_entry(Y, np.nan)),
            ValueError,
            ["output_delta must be finite", "[3, 1] is nan"],
        ),
        "gradient and output_weight": (
            bad(y=lambda X, Y: None, output_delta=lambda X, Y: Y, output_weight=lambda X, Y: Y),
            ValueError,
            ["multiply output_delta by it"],
        ),
        "gradient and actions": (
            bad(y=lambda X, Y: None, output_delta=lambda X, Y: Y, actions=lambda X, Y: [0] * ROWS),
            ValueError,
            ["actions needs targets y"],
        ),
        "actions too large": (
            bad(y=lambda X, Y: Y[:, 0].copy(), actions=lambda X, Y: np.arange(ROWS)),
            ValueError,
            ["actions must be from 0 to 2", "actions[3] is 3"],
        ),
        "negative actions": (
            bad(y=lambda X, Y: Y[:, 0].copy(), actions=lambda X, Y: np.full(ROWS, -1)),
            ValueError,
            ["actions[0] is -1"],
        ),
        "actions that are no integers": (
            bad(y=lambda X, Y: Y[:, 0].copy(), actions=lambda X, Y: np.zeros(ROWS)),
            TypeError,
            ["actions must be whole numbers"],
        ),
        "actions with all targets": (
            bad(actions=lambda X, Y: np.zeros(ROWS, int)),
            ValueError,
            ["with actions, y must be (64,)"],
        ),
        "too few actions": (
            bad(y=lambda X, Y: Y[:, 0].copy(), actions=lambda X, Y: np.zeros(5, int)),
            ValueError,
            ["actions must be (64,)"],
        ),
        "NaN beside an action": (
            bad(y=lambda X, Y: np.full(ROWS, np.nan), actions=lambda X, Y: np.zeros(ROWS, int)),
            ValueError,
            ["y must be finite"],
        ),
    }
)  # fmt: skip


@DATA
def test_data_that_do_not_fit(given, exception, fragments):
    for taken in (0, 1):  # also the first step, which looks longer
        net, X, Y = problem()
        trainer = net.trainer(cr.Adam())
        for _ in range(taken):
            trainer.step(X, Y)
        refuse(lambda t=trainer, x=X, y=Y: given(t, x, y), exception, fragments, net)
        assert (trainer.steps, trainer.samples) == (taken, taken * ROWS)


def test_targets_that_the_cost_or_the_output_does_not_reach():
    for options, y, message in (
        ({"output": "sigmoid", "cost": "cross_entropy"}, 1.5, "[0, 1]"),
        ({"output": "exponential", "cost": "poisson"}, -0.5, "negative"),
        ({"output": "tanh"}, 1.5, "within the reach"),
        ({"cost": "hinge"}, 0.5, "hinge"),
    ):
        net, X, _ = problem(**options)
        good, wrong = (np.full((ROWS, 3), value, "f4") for value in (1.0, y))
        trainer = net.trainer(cr.SGD(0.1))
        for _ in range(2):
            trainer.step(X, good)
        refuse(lambda t=trainer, x=X, w=wrong: t.step(x, w), ValueError, [message], net)
    net, X, y = classes()
    trainer = net.trainer(cr.SGD(0.1))
    trainer.step(X, y)
    for wrong, message in (
        (y + 1, "labels from 0 to 2"),
        (y + 3 * (np.arange(ROWS) > 30), "labels from 0 to 2"),
    ):
        refuse(lambda w=wrong: trainer.step(X, w), ValueError, [message], net)
    assert net.classes.tolist() == [0, 1, 2]


CHANGES = {
    "fit": lambda net, X, Y: net.fit(X, Y, epochs=1),
    "state": lambda net, X, Y: setattr(net, "optimizer_state", {}),
    "an array of it": lambda net, X, Y: net.optimizer_state.update(mean=np.zeros_like),
    "an array more": lambda net, X, Y: net.optimizer_state.update(average=net.parameters.copy()),
    "an array less": lambda net, X, Y: net.optimizer_state.pop("mean"),
    "optimizer": lambda net, X, Y: setattr(net, "optimizer", cr.SGD()),
    "another trainer": lambda net, X, Y: net.trainer(cr.Adam()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_network_changed_elsewhere_needs_a_new_trainer(change):
    net, X, Y = problem()
    trainer = net.trainer(cr.Adam())
    trainer.step(X, Y)
    kept = trainer.state()
    CHANGES[change](net, X, Y)
    if change == "an array of it":
        net.optimizer_state["mean"] = np.zeros_like(net.parameters)
    for call in (
        lambda: trainer.step(X, Y),
        lambda: trainer.step(X.tolist(), Y),
        lambda: trainer.apply(net.parameters),
        trainer.end_epoch,
        trainer.state,
        lambda: trainer.restore(kept),
    ):
        refuse(call, ValueError, ["make a new one, net.trainer(...)"], net)
    if change != "another trainer":
        net.optimizer_state = {}
    net.trainer(cr.Adam()).step(X, Y)


def test_a_fit_that_is_refused_or_does_nothing_leaves_the_trainer():
    net, X, Y = problem()
    trainer = net.trainer(cr.Adam())
    net.fit(X, Y, epochs=0)
    with pytest.raises(ValueError, match="epochs"):
        net.fit(X, Y, epochs=-1)
    trainer.step(X, Y)


def test_an_epoch_has_its_steps_where_a_schedule_counts_them():
    net, X, Y = problem()
    trainer = net.trainer(cr.SGD(cr.StepDecay(0.1)), steps_per_epoch=2)
    trainer.step(X, Y)
    trainer.step(X, Y)
    for call in (lambda: trainer.step(X, Y), lambda: trainer.apply(net.parameters)):
        refuse(call, ValueError, ["steps_per_epoch=2", "trainer.end_epoch()"], net)
    trainer.end_epoch()
    trainer.step(X, Y)
    trainer = net.trainer(cr.SGD(cr.StepDecay(0.1)), steps_per_epoch=1)
    trainer.step(X, Y)
    refuse(lambda: trainer.step(X, Y), ValueError, ["steps_per_epoch=1"], net)
    trainer = net.trainer(cr.SGD(0.1), steps_per_epoch=1)  # nothing goes by it
    for _ in range(3):
        trainer.step(X, Y)


def test_a_schedule_that_is_over_is_refused_as_in_fit():
    net, X, Y = problem()
    trainer = net.trainer(cr.SGD(cr.CosineDecay(0.1, 2)), steps_per_epoch=1)
    for _ in range(2):
        trainer.step(X, Y)
        trainer.end_epoch()
    refuse(lambda: trainer.step(X, Y), ValueError, ["comes down to learning rate 0"], net)


# ------------------------------------------------------------------------------ state and copies


@pytest.mark.parametrize("case", CASES)
def test_a_state_brings_all_back(case):
    net, X, Y = problem()
    batches = parts(X, Y)
    trainer = net.trainer(**CASES[case], steps_per_epoch=STEPS)
    take(trainer, batches)
    for batch in batches[:3]:
        trainer.step(*batch)
    kept = trainer.state()
    assert (kept["steps"], kept["samples"], kept["epochs_trained"]) == (3, 3 * BATCH, 1)

    def goes_on(net, trainer):
        for batch in batches[3:]:
            trainer.step(*batch)
        trainer.end_epoch()
        trainer.step(*batches[0])
        return carried(net)

    expected = goes_on(net, trainer)
    trainer.restore(kept)
    assert goes_on(net, trainer) == expected
    other, *_ = problem()  # and by another trainer of the same kind, also after a pickle
    again = other.trainer(**CASES[case], steps_per_epoch=STEPS)
    again.restore(pickle.loads(pickle.dumps(kept)))
    assert goes_on(other, again) == expected


STATES = table(
    {
        "no dict": (lambda kept: [], ValueError, ["Trainer.state()"]),
        "one short": (lambda kept: kept.pop("steps"), ValueError, ["steps"]),
        "parameters": (
            lambda kept: kept.update(parameters=kept["parameters"][1:]), ValueError, ["shape"]
        ),
        "dtype": (
            lambda kept: kept.update(parameters=kept["parameters"].astype("f8")),
            ValueError,
            ['state["parameters"] must be float32'],
        ),
        "of another optimiser": (
            lambda kept: kept["optimizer_state"].pop("mean"), ValueError, ["mean", "Adam"]
        ),
        "NaN": (lambda kept: kept["parameters"].fill(np.nan), ValueError, ["finite"]),
        "negative": (lambda kept: kept.update(samples=-1), ValueError, ["samples"]),
        "epochs": (lambda kept: kept.update(epochs_trained=1.5), TypeError, ["epochs_trained"]),
    }
)  # fmt: skip


@STATES
def test_states_that_do_not_fit(given, exception, fragments):
    net, X, Y = problem()
    trainer = net.trainer(cr.Adam())
    trainer.step(X, Y)
    kept = trainer.state()
    trainer.step(X, Y)
    result = given(kept)
    kept = result if isinstance(result, list) else kept
    refuse(lambda: trainer.restore(kept), exception, fragments, net)
    assert trainer.steps == 2


def test_a_copy_goes_on_as_the_network_does():
    net, X, Y = problem()
    net.fit(X, Y, epochs=2, optimizer=cr.Adam(), average=0.9)
    twin = net.copy()
    assert type(twin) is cr.Network
    assert carried(twin) == carried(net)
    assert twin.history is net.history
    assert twin.optimizer == net.optimizer
    before = carried(net)
    twin.fit(X, Y, epochs=1, average=0.9)
    assert carried(net) == before
    net.fit(X, Y, epochs=1, average=0.9)
    assert carried(twin) == carried(net)
    assert carried(copy.deepcopy(net)) == carried(net.copy())


def test_blend(dtype):
    (net, *_), (other, *_) = problem(dtype), problem(dtype)
    other.parameters = np.random.default_rng(1).normal(size=other.parameters.size)
    net.optimizer_state["average"] = net.parameters.copy()
    first, second = net.parameters.copy(), other.parameters.copy()
    state, weights = net.optimizer_state["average"].copy(), net.weights[0]
    net.blend(other, 0)
    assert net.parameters.tobytes() == first.tobytes()
    net.blend(other, 0.25)
    np.testing.assert_allclose(net.parameters, 0.75 * first + 0.25 * second, atol=1e-6)
    assert np.abs(net.parameters - first).max() > 0.1
    np.testing.assert_array_equal(weights.ravel(), net.parameters[: weights.size])
    net.blend(other, 1)
    assert net.parameters.tobytes() == second.tobytes() == other.parameters.tobytes()
    np.testing.assert_array_equal(net.optimizer_state["average"], state)


def test_blend_refuses():
    net, *_ = problem()
    for other, exception, fragments in (
        (cr.Network([6, 8, 3]), ValueError, ["alike", "(6, 8, 5, 3)", "(6, 8, 3)"]),
        (cr.Network(SIZES, dtype="float64"), ValueError, ["dtype float32", "float64"]),
        (cr.Network(SIZES, bias=False), ValueError, ["bias True", "False"]),
        (net.parameters, TypeError, ["other must be a chainrule.Network"]),
    ):
        refuse(lambda o=other: net.blend(o, 0.5), exception, fragments, net)
    for tau in (-0.1, 1.1, np.nan):
        refuse(lambda t=tau: net.blend(net.copy(), t), ValueError, ["tau", "from 0 to 1"], net)
    refuse(lambda: net.blend(net.copy(), "all"), TypeError, ["tau"], net)


def test_every_option_for_single_steps_is_used():
    """Each of the rows that say so changes what comes out, or how."""
    used = set(itertools.chain.from_iterable(CASES.values()))
    used |= {"steps_per_epoch", "threads", "class_weight", "missing_targets"}  # in tests above
    used.add("rates")  # in test_rates.py
    from chainrule.training.fit_options import OF_SINGLE_STEPS

    assert used == set(OF_SINGLE_STEPS)
