"""Early stopping against the rule applied by hand to the course of the same training without it."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried

OPTIONS = {"optimizer": cr.Adam(0.02), "batch_size": 10}


@pytest.fixture(scope="module")
def data():
    """Noisy targets, so that a large network soon learns the noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = (x[:, 0] + rng.normal(size=60) > 0).astype(int)
    return (x[:40], y[:40]), (x[40:], y[40:])


def begin():
    return cr.Network(
        [5, 40, 2], hidden="tanh", output="softmax", cost="log_likelihood", dtype="float64", seed=0
    )


def stop_of(figures, patience, min_change=0.0):
    """(epochs trained, the best one) by the rule, for figures of which less is better."""
    best, best_epoch = figures[0], 0
    for epoch, figure in enumerate(figures[1:], start=1):
        if best - figure > min_change:
            best, best_epoch = figure, epoch
        elif epoch - best_epoch == patience:
            return epoch + 1, best_epoch
    return len(figures), best_epoch


@pytest.fixture(scope="module")
def whole(data):
    """60 epochs without stopping."""
    return begin().fit(*data[0], epochs=60, validation_data=data[1], **OPTIONS)


@pytest.mark.parametrize("patience", [1, 3, 10])
@pytest.mark.parametrize("min_change", [0.0, 0.02])
@pytest.mark.parametrize("monitor", ["validation_cost", "validation_accuracy", "cost"])
def test_it_stops_where_the_rule_says(data, whole, monitor, patience, min_change):
    net = begin()
    stopping = cr.EarlyStopping(monitor, patience=patience, min_change=min_change)
    history = net.fit(*data[0], epochs=60, validation_data=data[1], callbacks=stopping, **OPTIONS)
    sign = -1 if monitor == "validation_accuracy" else 1
    epochs, best = stop_of(sign * whole[monitor], patience, min_change)
    assert (len(history), stopping.best_epoch) == (epochs, best)
    assert stopping.best == whole[monitor][best]
    assert stopping.stopped == (epochs < 60)
    assert history.cost.tolist() == whole.cost[:epochs].tolist()
    assert monitor == "cost" or epochs < 60  # or nothing was tested

    # the parameters and the state are those of the best epoch
    twin = begin()
    twin.fit(*data[0], epochs=best + 1, **OPTIONS)
    assert carried(net)[:2] == carried(twin)[:2]
    assert net.epochs_trained == epochs


@pytest.mark.parametrize("patience", [4, 10, 60])
def test_the_last_of_equal_epochs(data, whole, patience):
    """As the first, but for the epoch that is kept: training ends at the same one."""
    net = begin()
    stopping = cr.EarlyStopping("validation_accuracy", patience=patience, ties="last")
    history = net.fit(*data[0], epochs=60, validation_data=data[1], callbacks=stopping, **OPTIONS)
    figures = whole.validation_accuracy
    epochs, first = stop_of(-figures, patience)
    last = int(np.flatnonzero(figures[:epochs] == figures[first])[-1])
    assert last > first  # or nothing was tested
    assert (len(history), stopping.best_epoch) == (epochs, last)
    assert (stopping.best, stopping.waited) == (figures[first], epochs - 1 - first)
    twin = begin()
    twin.fit(*data[0], epochs=last + 1, **OPTIONS)
    assert carried(net)[:2] == carried(twin)[:2]


def test_the_last_parameters_stay_without_restore_best(data):
    net, twin = begin(), begin()
    stopping = cr.EarlyStopping(patience=3, restore_best=False)
    history = net.fit(*data[0], epochs=60, validation_data=data[1], callbacks=stopping, **OPTIONS)
    twin.fit(*data[0], epochs=len(history), **OPTIONS)
    assert carried(net) == carried(twin)


def test_parameters_are_restored_in_place(data):
    net = begin()
    w = net.weights[0]
    net.fit(*data[0], epochs=60, validation_data=data[1], callbacks=cr.EarlyStopping(), **OPTIONS)
    assert np.shares_memory(w, net.parameters)
    assert w is net.weights[0]


def test_it_works_with_a_split_and_metrics(data):
    x, y = data[0]
    stopping = cr.EarlyStopping("agreement", patience=4, larger_is_better=True)
    net = begin()
    history = net.fit(
        x, y, epochs=60, validation_split=0.3, callbacks=stopping,
        metrics={"agreement": lambda truth, said: np.mean(truth == said)}, **OPTIONS,
    )  # fmt: skip
    assert history["agreement"].tolist() == history.validation_accuracy.tolist()
    assert stopping.best_epoch == int(np.argmax(history["agreement"]))
    assert len(history) == stopping.best_epoch + 5


def test_each_fit_begins_anew(data):
    stopping = cr.EarlyStopping(patience=2)
    options = {"epochs": 60, "validation_data": data[1], "callbacks": stopping, **OPTIONS}
    begin().fit(*data[0], **options)
    first = stopping.best_epoch, stopping.best
    begin().fit(*data[0], **options)
    assert (stopping.best_epoch, stopping.best) == first


def test_a_figure_that_is_nan_is_no_progress(data):
    figures = iter([np.nan, 2.0, np.nan, 1.0, np.nan, np.nan, np.nan])
    stopping = cr.EarlyStopping("score", patience=3, larger_is_better=False)
    history = begin().fit(
        *data[0], epochs=60, validation_data=data[1], callbacks=stopping,
        metrics={"score": lambda truth, said: next(figures)},
    )  # fmt: skip
    assert (len(history), stopping.best, stopping.best_epoch) == (7, 1.0, 3)


@pytest.mark.parametrize(
    ("monitor", "options", "message"),
    [
        ("validation_cost", {}, "needs validation_data or validation_split"),
        ("validation_acuracy", {"validation_split": 0.2}, "Did you mean 'validation_accuracy'"),
        ("seconds", {}, "unknown monitor"),
        ("gradient_norm", {}, "unknown monitor"),
        ("f1", {"validation_split": 0.2, "metrics": {"f1": max}}, "needs larger_is_better"),
    ],
)
def test_a_figure_that_will_not_come_is_refused_first(data, monitor, options, message):
    net = begin()
    before = carried(net)
    with pytest.raises(ValueError, match=message):
        net.fit(*data[0], callbacks=cr.EarlyStopping(monitor), **options)
    assert carried(net) == before
    assert net.history is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"patience": 0}, ValueError),
        ({"min_change": -1}, ValueError),
        ({"restore_best": 1}, TypeError),
        ({"monitor": None}, TypeError),
        ({"larger_is_better": "yes"}, TypeError),
        ({"ties": "least"}, ValueError),
        ({"ties": None}, TypeError),
    ],
)
def test_options_are_checked(options, error):
    with pytest.raises(error, match=next(iter(options))):
        cr.EarlyStopping(**options)


# ---------------------------------------------------------------- what ends with an exception

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, :1] ** 2


class Fail:
    """Makes training fail after so many epochs: the cost, or by an exception of its own."""

    def __init__(self, epoch, error=None):
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, net, history):
        if len(history) == self.epoch:
            if self.error is not None:
                raise self.error
            net.parameters[:] = np.finfo(np.float32).max


def worse_and_worse(stopping, *more, epochs=6):
    """Train with a learning rate that soon does harm: the first epoch is the best."""
    net = cr.Network([3, 8, 1], hidden="tanh", output="identity", seed=0)
    rule = cr.SGD(lambda e: 0.1 if e < 1 else 3.0, momentum=0.5)
    return net, lambda: net.fit(X, Y, optimizer=rule, epochs=epochs, callbacks=[stopping, *more])


def after_its_first_epoch():
    net, fit = worse_and_worse(cr.EarlyStopping("cost", restore_best=False), epochs=1)
    fit()
    return net


@pytest.mark.parametrize(
    "error", [None, ValueError("mine"), MemoryError()], ids=["diverges", "fails", "memory"]
)
def test_an_exception_does_not_lose_the_best_epoch(error):
    stopping = cr.EarlyStopping("cost", patience=9)
    net, fit = worse_and_worse(stopping, Fail(2, error))
    with pytest.raises(cr.DivergenceError if error is None else type(error)):
        fit()
    # cost is told before each step, so that of the second epoch is the first's that is better
    assert stopping.best_epoch in (0, 1)
    assert net.parameters.tobytes() == stopping.best_parameters.tobytes()
    assert np.isfinite(net.parameters).all()
    if stopping.best_epoch == 0:
        assert net.parameters.tobytes() == after_its_first_epoch().parameters.tobytes()


def test_without_restore_best_an_exception_leaves_the_last_epoch():
    stopping = cr.EarlyStopping("cost", restore_best=False)
    net, fit = worse_and_worse(stopping, Fail(3, ValueError("mine")))
    with pytest.raises(ValueError, match="mine"):
        fit()
    assert (net.epochs_trained, stopping.best_parameters) == (3, None)
    with pytest.raises(ValueError, match="there is no best epoch to go back to"):
        stopping.restore(net)


def test_an_exception_before_training_does_not_bring_back_an_earlier_best():
    stopping = cr.EarlyStopping("cost", patience=9)
    net, fit = worse_and_worse(stopping)
    fit()
    before = net.parameters.tobytes()
    net.parameters[:] += 1
    moved = net.parameters.tobytes()

    class Refuses:
        def on_train_begin(self, net):
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        net.fit(X, Y, callbacks=[Refuses(), stopping])
    assert net.parameters.tobytes() == moved != before


def test_after_ctrl_c_training_may_go_on_or_back():
    stopping = cr.EarlyStopping("cost", patience=9)
    net, fit = worse_and_worse(stopping, Fail(4, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        fit()
    assert net.epochs_trained == 4
    last = net.parameters.tobytes()
    best = stopping.best_parameters
    assert best.tobytes() != last
    with pytest.raises(ValueError, match="read-only"):
        best[0] = 1
    stopping.restore(net)
    assert net.parameters.tobytes() == best.tobytes()
    with pytest.raises(ValueError, match="net must have the 41 parameters in float32"):
        stopping.restore(cr.Network([3, 2, 1], seed=0))


@pytest.mark.parametrize("optimizer", [cr.LBFGS(history=3), cr.LevenbergMarquardt()])
def test_full_batch_optimisers_take_it(optimizer):
    X_val = np.random.default_rng(1).normal(size=(40, 3))
    kinds = {"hidden": "tanh", "output": "identity", "dtype": "float64", "seed": 0}
    options = {"optimizer": optimizer, "validation_data": (X_val, X_val[:, :1] ** 2)}
    net, twin = cr.Network([3, 12, 1], **kinds), cr.Network([3, 12, 1], **kinds)
    stopping = cr.EarlyStopping(patience=5)
    history = net.fit(X[:12], Y[:12], epochs=60, callbacks=stopping, **options)
    assert stopping.best_epoch < len(history) - 1  # by then it had become worse
    twin.fit(X[:12], Y[:12], epochs=stopping.best_epoch + 1, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.optimizer_state.keys() == twin.optimizer_state.keys()
    for name, values in net.optimizer_state.items():
        assert values.tobytes() == twin.optimizer_state[name].tobytes()


def test_full_batch_optimisers_call_all_but_those_around_batches(tmp_path):
    seen = []

    class Watch:
        def on_train_begin(self, net):
            seen.append("begin")

        def on_epoch_begin(self, net, epoch):
            seen.append(epoch)

        def on_epoch_end(self, net, history):
            seen.append(round(history.cost[-1], 3) >= 0)

        def on_train_end(self, net, history):
            seen.append("end")

    class Batches(Watch):
        def on_batch_end(self, batch, cost):
            """Never called."""

    net = cr.Network([3, 4, 1], hidden="tanh", output="identity", seed=0)
    net.fit(X, Y, optimizer=cr.LBFGS(), epochs=2, callbacks=[Watch(), cr.CSVLog(tmp_path / "c")])
    assert seen == ["begin", 0, True, 1, True, "end"]
    assert len((tmp_path / "c").read_text().splitlines()) == 3
    with pytest.raises(ValueError, match="a callback with on_batch_end cannot be used with LBFGS"):
        net.fit(X, Y, optimizer=cr.LBFGS(), callbacks=Batches())
    assert net.epochs_trained == 2
