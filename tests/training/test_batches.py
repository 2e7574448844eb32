"""Training from an iterable of batches, held to training from arrays in the same order."""

import itertools
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import chainrule as cr

ROWS, BATCH = 64, 10


def problem(dtype="float32", **options):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(ROWS, 6))
    y = rng.integers(0, 3, ROWS)
    options = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"} | options
    return cr.Network([6, 8, 5, 3], dtype=dtype, seed=3, **options), X, y


def slices(*arrays, batch=BATCH):
    return [tuple(a[i : i + batch] for a in arrays) for i in range(0, len(arrays[0]), batch)]


def state_of(net):
    """All that is carried on but which samples they are, which of batches is not known."""
    state = {n: a.tobytes() for n, a in net.optimizer_state.items() if n != "plateau_data"}
    return net.parameters.tobytes(), state


OPTIONS = {
    "plain": lambda: {"optimizer": cr.SGD(0.5)},
    "momentum": lambda: {"optimizer": cr.SGD(0.1, momentum=0.9), "l2": 1e-3, "l1": 1e-4},
    "adam, dropout, average": lambda: {
        "optimizer": cr.Adam(cr.CosineDecay(1e-2, 5)),
        "dropout": [0.5, 0.2],
        "average": 0.9,
        "clip_norm": 1.0,
    },
    "plateau, classes": lambda: {
        "optimizer": cr.SGD(cr.ReduceOnPlateau(0.5, patience=1)),
        "class_weight": {0: 2.0, 2: 0.5},
        "max_norm": 1.0,
    },
    "records": lambda: {"optimizer": cr.RMSprop(), "record": ["layers", "gradients"]},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIONS)
def test_slices_train_as_the_arrays_do_in_their_order(name, dtype):
    ours, X, y = problem(dtype)
    theirs, *_ = problem(dtype)
    weights = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    for epochs in (2, 3):
        got = ours.fit(slices(X, y, weights), epochs=epochs, **OPTIONS[name]())
        expected = theirs.fit(
            X, y, sample_weight=weights, batch_size=BATCH, shuffle=False, epochs=epochs,
            **OPTIONS[name](),
        )  # fmt: skip
        assert state_of(ours) == state_of(theirs)
        for figure in ("epoch", "cost", "learning_rate", "gradient_norm"):
            np.testing.assert_array_equal(got[figure], expected[figure])
        if name == "records":
            np.testing.assert_array_equal(got.delta_norms, expected.delta_norms)
            np.testing.assert_array_equal(got.saturation, expected.saturation)


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Adam()])
def test_batches_of_more_rows_than_a_tile(optimizer):
    rng = np.random.default_rng(0)
    for rows in (1200, 20000):
        X, Y = rng.normal(size=(rows + 300, 3)), rng.normal(size=(rows + 300, 2))
        nets = [cr.Network([3, 4, 2], output="identity", seed=1) for _ in range(2)]
        nets[0].fit([(X[:rows], Y[:rows]), (X[rows:], Y[rows:])], optimizer=optimizer, epochs=2)
        nets[1].fit(X, Y, batch_size=rows, shuffle=False, optimizer=optimizer, epochs=2)
        assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


def test_batches_of_any_size_are_steps_by_their_own_mean_gradient():
    net, X, y = problem("float64")
    expected, costs = net.parameters.copy(), []
    twin, *_ = problem("float64")
    sizes = [1, 30, 7, 26]
    ends = np.cumsum(sizes)
    parts = [(X[e - n : e], y[e - n : e]) for n, e in zip(sizes, ends, strict=True)]
    for x_part, y_part in parts:
        twin.parameters = expected
        nabla = twin.backprop(x_part, y_part)
        costs.append(nabla.cost * len(x_part))
        flat = [a.ravel() for pair in zip(nabla.weights, nabla.biases, strict=True) for a in pair]
        expected -= 0.3 * np.concatenate(flat)
    history = net.fit(parts, optimizer=cr.SGD(0.3), epochs=1)
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-12, atol=1e-14)
    assert history.cost[0] == pytest.approx(sum(costs) / ROWS, rel=1e-12)


class Loader:
    """Goes through its slices, as a data loader does."""

    def __init__(self, data):
        self.data, self.begun = data, 0

    def __iter__(self):
        self.begun += 1
        yield from self.data


def test_all_that_can_be_gone_through_is_taken():
    reference, X, y = problem()
    parts = slices(X, y)
    reference.fit(parts, epochs=3)
    loader = Loader(parts)
    makers = [
        lambda: loader,
        lambda: tuple(map(list, parts)),
        lambda: lambda: iter(parts),  # a function that returns an iterator
        lambda: lambda: (part for part in parts),
        lambda: iter(parts * 3),
        lambda: itertools.cycle(parts),
    ]
    for make in makers:
        net, *_ = problem()
        given = make()
        steps = len(parts) if isinstance(given, Iterator) else None
        net.fit(given, epochs=3, steps_per_epoch=steps)
        assert net.parameters.tobytes() == reference.parameters.tobytes()
    assert loader.begun == 3


def test_an_iterator_goes_on_from_epoch_to_epoch():
    net, X, y = problem()
    seen = []

    def endless():
        for i in itertools.count():
            seen.append(i)
            yield X[i % 60 : i % 60 + 4], y[i % 60 : i % 60 + 4]

    history = net.fit(endless(), epochs=4, steps_per_epoch=5)
    assert seen == list(range(20))
    assert len(history) == net.epochs_trained == 4


def test_steps_per_epoch_takes_the_first_of_what_begins_anew():
    nets = [problem()[0] for _ in range(2)]
    _, X, y = problem()
    nets[0].fit(lambda: itertools.cycle(slices(X, y)), epochs=2, steps_per_epoch=3)
    nets[1].fit(X[:30], y[:30], batch_size=10, shuffle=False, epochs=2)
    assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes()


def test_schedules_count_the_steps_of_an_epoch():
    net, X, y = problem()
    optimizer = cr.SGD(cr.StepDecay(0.8, 0.5, epochs=1))
    history = net.fit(slices(X, y), optimizer=optimizer, epochs=3)
    np.testing.assert_array_equal(history.learning_rate, [0.8, 0.4, 0.2])
    with pytest.raises(ValueError, match="StepDecay of the learning rate needs steps_per_epoch"):
        net.fit(lambda: iter(slices(X, y)), optimizer=optimizer)


def test_only_the_batch_in_use_is_kept():
    net, X, y = problem()
    given, alive = [], []

    class Rows(np.ndarray):
        pass

    def parts():
        for x_part, y_part in slices(X.astype("f4"), y):
            rows = x_part.copy().view(Rows)
            given.append(weakref.ref(rows))
            alive.append(sum(each() is not None for each in given))
            yield rows, y_part
            del rows

    net.fit(parts, epochs=2)
    assert max(alive) <= 2  # that in use, and the next


def test_validation_metrics_progress_and_callbacks(capsys):
    net, X, y = problem()
    twin, *_ = problem()
    batches, rows = [], []

    class Watch:
        def on_batch_begin(self, batch):
            batches.append(batch)

        def on_batch_end(self, batch, cost):
            rows.append(cost)

    options = {
        "validation_data": (X, y),
        "metrics": [hits],
        "epochs": 2,
        "progress": True,
    }
    got = net.fit(slices(X, y), callbacks=Watch(), **options)
    expected = twin.fit(X, y, batch_size=BATCH, shuffle=False, **options)
    np.testing.assert_array_equal(got.validation_cost, expected.validation_cost)
    np.testing.assert_array_equal(got["hits"], expected["hits"])
    assert batches == [*range(7)] * 2
    assert len(rows) == 14
    assert np.isfinite(rows).all()
    assert capsys.readouterr().err.count("samples/s") == 4


def hits(truth, predicted):
    return float(np.mean(truth == predicted))


def test_an_exception_of_the_iterable_leaves_the_batches_done():
    net, X, y = problem()
    twin, *_ = problem()

    def parts():
        yield from slices(X, y)[:3]
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        net.fit(parts, epochs=2)
    assert net.epochs_trained == len(net.history) == 0
    twin.fit(X[:30], y[:30], batch_size=BATCH, shuffle=False, epochs=1)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


def test_ctrl_c_in_the_iterable_undoes_the_epoch():
    net, X, y = problem()
    twin, *_ = problem()

    def parts():
        yield from slices(X, y)[:4]
        if net.epochs_trained == 1:
            raise KeyboardInterrupt
        yield from slices(X, y)[4:]

    with pytest.raises(KeyboardInterrupt):
        net.fit(parts, optimizer=cr.Adam(), epochs=3)
    assert net.epochs_trained == 1
    net.fit(slices(X, y), optimizer=cr.Adam(), epochs=2)
    twin.fit(slices(X, y), optimizer=cr.Adam(), epochs=3)
    assert state_of(net) == state_of(twin)


def test_the_iterable_may_stop_training():
    net, X, y = problem()

    def parts():
        if net.epochs_trained == 2:
            raise cr.StopTraining
        yield from slices(X, y)

    assert len(net.fit(parts, epochs=10)) == 2


def test_divergence_undoes_the_epoch():
    net, *_ = problem(cost="quadratic", output="identity", hidden="identity")
    before = net.parameters.tobytes()
    huge = [(np.full((2, 6), 1e18), np.eye(3)[:2]) for _ in range(4)]
    with pytest.raises(cr.DivergenceError):
        net.fit(huge, optimizer=cr.SGD(1e18), epochs=1)
    assert net.parameters.tobytes() == before


def test_a_bad_batch_is_named_and_not_trained_on():
    net, X, y = problem()
    twin, *_ = problem()
    bad = X[10:20].copy()
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"X must be finite; X\[2, 3\] is nan") as raised:
        net.fit([(X[:10], y[:10]), (bad, y[10:20])], epochs=1)
    assert raised.value.__notes__ == ["(batch 1 of epoch 0)"]
    twin.fit(X[:10], y[:10], batch_size=10, shuffle=False, epochs=1)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


def bad_calls():
    _, X, y = problem()
    parts = slices(X, y)
    yield (X,), {}, TypeError, r"without y, X must be an iterable of batches \(X, y\).*ndarray"
    yield (3,), {}, TypeError, "without y, X must be an iterable of batches.*int"
    yield (iter(parts),), {}, ValueError, "can be gone through only once, not in 10 epochs; give"
    yield ([],), {}, ValueError, "the number of batches must be 1 or more"
    yield (parts,), {"sample_weight": np.ones(10)}, ValueError, "come with each batch"
    yield (parts,), {"validation_split": 0.1}, ValueError, "give validation_data"
    yield (parts,), {"class_weight": "balanced"}, ValueError, "counts all samples before"
    yield (parts,), {"optimizer": cr.LBFGS()}, ValueError, "LBFGS needs all samples at once"
    yield (X, y), {"steps_per_epoch": 3}, ValueError, "steps_per_epoch is for batches"
    yield (parts,), {"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be 1 or more"
    yield (parts,), {"steps_per_epoch": 1.5}, TypeError, "steps_per_epoch must be a whole number"


@pytest.mark.parametrize(("data", "options", "error", "message"), list(bad_calls()))
def test_what_does_not_fit_is_refused_before_anything_changes(data, options, error, message):
    net, X, y = problem()
    net.fit(X, y, epochs=1, optimizer=cr.Adam())
    before, history = state_of(net), net.history
    with pytest.raises(error, match=message):
        net.fit(*data, **options)
    assert (state_of(net), net.epochs_trained) == (before, 1)
    assert net.history is history


@pytest.mark.parametrize(
    ("batches", "options", "error", "message"),
    [
        ([5], {}, TypeError, r"a batch must be \(X, y\), .* output_weight\); batch 0 is a int"),
        ([(np.eye(6), np.arange(3))], {}, ValueError, "y must have a target for each of the 6"),
        (lambda: iter([]), {}, ValueError, r"expected some batches in epoch 0 .* after 0"),
        (
            [(np.eye(6), np.arange(6) % 3)],
            {"steps_per_epoch": 2},
            ValueError,
            "expected 2 batches in epoch 0 .* ended after 1",
        ),
        (lambda: 5, {}, TypeError, "not iterable"),
    ],
)
def test_what_turns_out_not_to_fit(batches, options, error, message):
    net, *_ = problem()
    with pytest.raises(error, match=message):
        net.fit(batches, epochs=1, **options)
    assert net.epochs_trained == 0
