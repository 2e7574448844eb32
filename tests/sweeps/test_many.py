"""`fit_many`: each network comes to the bits of its own fit, whatever becomes of the others."""

import os
import signal
import threading
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import chainrule as cr
from carried import carried
from chainrule.sweeps.many import members_of
from chainrule.sweeps.sweep import Sweep

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 6))
LABELS = X[:, :3].argmax(axis=1)
SIZES = ([6, 5, 3], [6, 40, 20, 3], [6, 3], [6, 9, 9, 3], [6, 64, 3])
OPTIONS = {"optimizer": cr.Adam(0.01), "epochs": 4, "batch_size": 32}


def networks(n=10):
    kinds = [
        {"hidden": ["tanh", "relu"][k % 2], "dtype": ["float32", "float64"][k % 3 > 0], "seed": k}
        for k in range(n)
    ]
    return [
        cr.Network(SIZES[k % 5], output="softmax", cost="log_likelihood", **kind)
        if len(SIZES[k % 5]) > 2
        else cr.Network(SIZES[k % 5], output="softmax", cost="log_likelihood", seed=k)
        for k, kind in enumerate(kinds)
    ]


INPUTS = {
    "float64": X,
    "float32": X.astype("f4"),
    "a list": X.tolist(),
    "bytes": (X * 20 + 128).astype("u1"),
    "half": X.astype("f2"),
    "columns": np.asfortranarray(X),
    "sparse": sparse.csr_array(np.where(X > 1, X, 0)),
    "sparse columns": sparse.csc_array(np.where(X > 1, X, 0)),
    "a frame": pd.DataFrame(X, columns=list("abcdef")),
    "a frame of kinds": pd.DataFrame(X, columns=list("abcdef")).assign(
        b=np.arange(300), c=X[:, 2] > 0, d=X[:, 3].astype("f4")
    ),
}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("kind", INPUTS)
def test_each_comes_to_the_bits_of_its_own_fit(kind, threads):
    inputs = INPUTS[kind]
    alone, together = networks(), networks()
    expected = [net.fit(inputs, LABELS, **OPTIONS) for net in alone]
    histories = cr.fit_many(together, inputs, LABELS, threads=threads, **OPTIONS)
    assert not histories.failed
    for net, twin, history, its in zip(alone, together, expected, histories, strict=True):
        assert carried(net) == carried(twin)
        assert twin.history is its
        assert its.cost.tolist() == history.cost.tolist()


def test_options_of_their_own():
    own = [
        {"optimizer": cr.SGD(0.1, momentum=0.9)},
        {"epochs": 7, "batch_size": 10},
        {"sample_weight": np.arange(300.0)},
        {"rows": np.arange(0, 300, 2), "validation_data": (X[1::2], LABELS[1::2])},
        {"y": LABELS[::-1].copy()},
        {"optimizer": cr.LBFGS()},
        {"callbacks": cr.EarlyStopping(patience=1), "validation_split": 0.3, "epochs": 30},
        {"l2": 0.01, "clip_norm": 0.1},
        {"dropout": 0.2, "l1": 0.01},
    ]
    alone, together = networks(9), networks(9)
    for net, each in zip(alone, own, strict=True):
        given = OPTIONS | each
        if "callbacks" in given:
            given["callbacks"] = cr.EarlyStopping(patience=1)
        net.fit(X, given.pop("y", LABELS), **given)
    assert not cr.fit_many(together, X, LABELS, each=own, **OPTIONS).failed
    assert list(map(carried, together)) == list(map(carried, alone))


def test_one_that_fails_stops_no_other():
    def fail(net, history):
        raise OSError("a full disk")

    def run_out(net, history):
        raise StopIteration

    own = [{} for _ in range(6)]
    own[0] = {"callbacks": run_out}
    own[1] = {"optimizer": cr.SGD(1e30)}
    own[4] = {"callbacks": fail}
    nets, alone = networks(6), networks(6)
    histories = cr.fit_many(nets, X, LABELS, each=own, **OPTIONS)
    assert histories.failed.keys() == {0, 1, 4}
    assert isinstance(histories.failed[0], StopIteration)
    assert isinstance(histories.failed[1], cr.DivergenceError)
    assert str(histories.failed[4]) == "a full disk"
    for k in (2, 3, 5):
        alone[k].fit(X, LABELS, **OPTIONS)
        assert carried(nets[k]) == carried(alone[k])
        assert len(histories[k]) == 4


def test_callbacks_come_one_after_the_other_for_each():
    inside, most, seen = set(), [0], []
    lock = threading.Lock()

    class Watch:
        def __init__(self, k):
            self.k = k

        def on_epoch_end(self, net, history):
            with lock:
                assert self.k not in inside
                inside.add(self.k)
                most[0] = max(most[0], len(inside))
            seen.append((self.k, len(history)))
            with lock:
                inside.discard(self.k)

    own = [{"callbacks": Watch(k)} for k in range(10)]
    assert not cr.fit_many(networks(), X, LABELS, each=own, threads=4, **OPTIONS).failed
    assert sorted(seen) == [(k, epoch) for k in range(10) for epoch in range(1, 5)]


def test_ctrl_c_leaves_each_at_its_last_epoch(ctrl_c):
    nets, alone = networks(6), networks(6)
    course = [[carried(net)] for net in alone]
    long = OPTIONS | {"epochs": 100_000}

    def interrupt(net, history):
        if len(history) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    own = [{}, {"callbacks": interrupt}] + [{}] * 4  # of the longest, which comes first
    with pytest.raises(KeyboardInterrupt):
        cr.fit_many(nets, X, LABELS, each=own, threads=2, **long)
    for net, twin, epochs in zip(nets, alone, course, strict=True):
        assert net.epochs_trained < 100_000
        for _ in range(net.epochs_trained):
            twin.fit(X, LABELS, **OPTIONS | {"epochs": 1})
            epochs.append(carried(twin))
        assert carried(net) == epochs[-1]
    assert any(net.epochs_trained for net in nets)


def test_none_is_trained_elsewhere_while_it_waits_for_its_turn():
    nets, alone = networks(4), networks(4)
    refused = []

    def train(net, history):
        for other in nets:
            if not other.epochs_trained:
                with pytest.raises(RuntimeError, match="in training"):
                    other.fit(X, LABELS, **OPTIONS)
                refused.append(other)

    histories = cr.fit_many(nets, X, LABELS, callbacks=train, threads=1, **OPTIONS)
    assert refused
    assert not histories.failed
    for net, twin in zip(nets, alone, strict=True):
        twin.fit(X, LABELS, **OPTIONS)
        assert carried(net) == carried(twin)


def test_one_that_another_thread_takes_first_ends_none():
    nets = networks(3)
    sweep = Sweep(members_of(nets, X, LABELS, None, OPTIONS, 1), 1, False)
    nets[1]._in_training.begin()
    with pytest.raises(RuntimeError, match="in training"):
        sweep.run()
    with pytest.raises(RuntimeError, match="in training"):
        nets[1].fit(X, LABELS, **OPTIONS)
    nets[1]._in_training.end()
    assert not any(net.epochs_trained for net in nets)
    for net in nets:
        net.fit(X, LABELS, **OPTIONS)


@pytest.mark.parametrize("most", [0, 1])
def test_where_there_are_no_more_threads_fewer_do_all(most, monkeypatch):
    nets, alone = networks(4), networks(4)
    started, start = [], threading.Thread.start

    def start_some(thread):
        if len(started) == most:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    assert not cr.fit_many(nets, X, LABELS, threads=3, **OPTIONS).failed
    for net, twin in zip(nets, alone, strict=True):
        twin.fit(X, LABELS, **OPTIONS)
        assert carried(net) == carried(twin)


def test_callbacks_of_an_iterator_are_called_for_each():
    seen = []
    cr.fit_many(
        networks(3), X, LABELS, each=[{}, {}, {"epochs": 1}],
        callbacks=(each for each in [lambda net, history: seen.append(net.seed)]), **OPTIONS,
    )  # fmt: skip
    assert sorted(seen) == [0] * 4 + [1] * 4 + [2]


def test_what_ends_a_program_ends_all():
    def leave(net, history):
        raise SystemExit(3)

    own = [{}, {"callbacks": leave}] + [{}] * 4
    nets = networks(6)
    with pytest.raises(SystemExit):
        cr.fit_many(nets, X, LABELS, each=own, threads=2, **OPTIONS | {"epochs": 2000})
    assert max(net.epochs_trained for net in nets) < 2000


def test_progress_tells_of_networks(capfd):
    nets = networks(3)
    histories = cr.fit_many(nets, X, LABELS, progress=True, threads=1, **OPTIONS)
    title, *lines = (line.split() for line in capfd.readouterr().err.splitlines())
    assert title == ["done", "running", "best", "of", "network", "samples/s", "left"]
    done, running, figure, k, *_ = lines[-1]
    costs = [history.cost[-1] for history in histories]
    assert (done, running, k) == ("3/3", "0", str(np.argmin(costs)))
    assert figure == f"{min(costs):.4g}"


WATCHED = cr.EarlyStopping()
REFUSED = {
    "none": (lambda nets: ([],), {}, ValueError, "got none"),
    "no network": (lambda nets: ([*nets, 3],), {}, TypeError, r"nets\[3\]"),
    "twice": (lambda nets: ([*nets, nets[0]],), {}, ValueError, r"nets\[0\] and nets\[3\] are one"),
    "few dicts": (lambda nets: (nets,), {"each": [{}]}, ValueError, "for each of 3 nets; got 1"),
    "no dict": (lambda nets: (nets,), {"each": [{}, 1, {}]}, TypeError, r"each\[1\] must be"),
    "a name": (
        lambda nets: (nets,), {"each": [{}, {}, {"epoch": 3}]}, TypeError,
        r"each\[2\] has no option 'epoch'.*epochs",
    ),
    "of all": (lambda nets: (nets,), {"each": [{}, {}, {"threads": 3}]}, TypeError, "for all"),
    "a value": (
        lambda nets: (nets,), {"each": [{}, {"l2": -1.0}, {}]}, ValueError, r"nets\[1\]: l2 must",
    ),
    "labels": (
        lambda nets: (nets,), {"each": [{}, {}, {"y": LABELS[1:]}]}, ValueError, r"nets\[2\]: ",
    ),
    "rows": (
        lambda nets: (nets,), {"each": [{}, {"rows": [300]}, {}]}, ValueError, r"nets\[1\]: rows",
    ),
    "a state for all": (
        lambda nets: (nets,), {"callbacks": cr.EarlyStopping()}, ValueError, "each network its own",
    ),
    "a state for two": (
        lambda nets: (nets,), {"each": [{}, *[{"callbacks": [WATCHED]}] * 2]}, ValueError,
        r"nets\[1\] and nets\[2\] have one callback: EarlyStopping can be of one training alone",
    ),
    "a callback": (
        lambda nets: (nets,), {"each": [{}, {"callbacks": [3]}, {}]}, TypeError, r"nets\[1\]: a ",
    ),
    "sizes": (
        lambda nets: ([*nets, cr.Network([5, 3])],), {}, ValueError, r"nets\[3\]: X must be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_anything_changes(name):
    make, options, error, message = REFUSED[name]
    nets = networks(3)
    before = list(map(carried, nets))
    with pytest.raises(error, match=message):
        cr.fit_many(*make(nets), X, LABELS, **OPTIONS | options)
    assert list(map(carried, nets)) == before


def test_one_in_training_elsewhere_is_refused():
    nets = networks(3)

    def again(net, history):
        with pytest.raises(RuntimeError, match=r"nets\[1\]: the network is in training"):
            cr.fit_many(nets, X, LABELS, **OPTIONS)

    nets[1].fit(X, LABELS, callbacks=again, **OPTIONS | {"epochs": 1})
    assert [net.epochs_trained for net in nets] == [0, 1, 0]


@pytest.mark.parametrize("kind", INPUTS)
def test_folds_of_all_kinds_of_inputs(kind):
    inputs = INPUTS[kind]
    own = [{"rows": np.flatnonzero(np.arange(300) % 5 != k)} for k in range(5)]
    alone, together = networks(5), networks(5)
    for net, each in zip(alone, own, strict=True):
        net.fit(inputs, LABELS, **OPTIONS, **each)
    assert not cr.fit_many(together, inputs, LABELS, each=own, **OPTIONS).failed
    assert list(map(carried, together)) == list(map(carried, alone))
    for net in together:
        assert net.input_names == alone[0].input_names


MIXED = INPUTS["a frame of kinds"]
BAD_FRAMES = {
    "text": MIXED.assign(b="x"),
    "missing": MIXED.assign(a=np.where(np.arange(300) == 7, np.nan, X[:, 0])),
    "infinite": MIXED.assign(a=np.where(np.arange(300) == 7, np.inf, X[:, 0])),
    "one column less": MIXED.drop(columns="a"),
    "another order": MIXED[list("bacdef")],
}


@pytest.mark.parametrize("rows", [None, np.arange(5, 300)])
@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_what_is_wrong_with_a_frame_is_told_as_by_fit(kind, rows):
    def nets():
        made = networks(2)
        for net in made:
            net.fit(MIXED, LABELS, epochs=1)
        return made

    told = []
    for fit in (lambda *given, **options: nets()[0].fit(*given, **options),
                lambda *given, **options: cr.fit_many(nets(), *given, **options)):  # fmt: skip
        with pytest.raises((ValueError, TypeError)) as caught:
            fit(BAD_FRAMES[kind], LABELS, rows=rows)
        told.append(str(caught.value).removeprefix("nets[0]: "))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: pd.DataFrame(x).assign(k=np.arange(len(x))),
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(np.float16),
        lambda x: sparse.csc_array(x),
    ],
    ids=["a frame", "columns", "half", "sparse"],
)
def test_x_is_there_once(make):
    m, n, count = 20_000, 20, 12
    inputs = make(np.random.default_rng(0).standard_normal((m, n)))
    y = np.zeros(m, np.float32)
    width = inputs.shape[1]
    nets = [cr.Network([width, 2, 1], seed=k, output="identity") for k in range(count)]
    rows = np.arange(m // 2)
    own = [{} if k % 2 else {"rows": rows} for k in range(count)]
    tracemalloc.start()
    cr.fit_many(nets, inputs, y, each=own, epochs=1, batch_size=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    once = m * width * 8
    # beside X: the targets and an order of 4 bytes each a network, and what reading it takes
    assert peak < 3.5 * once + count * m * 3 * 8


def test_batches_are_gone_through_by_each():
    def batches():
        for start in range(0, 300, 50):
            yield X[start : start + 50], LABELS[start : start + 50]

    alone, together = networks(4), networks(4)
    for net in alone:
        net.fit(batches, epochs=3)
    assert not cr.fit_many(together, batches, epochs=3).failed
    assert list(map(carried, together)) == list(map(carried, alone))
    with pytest.raises(ValueError, match="gone through only once, not by 4 networks"):
        cr.fit_many(together, batches(), epochs=1)


def test_the_doctor_comes_where_it_is_asked_for(capfd):
    nets = networks(3)
    own = [{}, {"diagnose": True}, {}]
    histories = cr.fit_many(nets, X, LABELS, each=own, **OPTIONS)
    assert [history.diagnosis is not None for history in histories] == [False, True, False]


def test_the_last_ones_have_all_threads_for_their_validation_too():
    seen = []

    class Look:
        def join_training(self, training, given):
            self.training = training

        def on_epoch_end(self, net, history):
            seen.append((self.training.options.threads, self.training.validation.threads))
            if seen[-1] == ((4, 0), (4, 0)):
                raise cr.StopTraining

    own = [{"epochs": 1}, {"epochs": 30_000, "callbacks": Look()}]
    held = {"validation_data": (X[:50], LABELS[:50])}
    cr.fit_many(networks(2), X, LABELS, each=own, threads=4, **OPTIONS | held)
    assert set(seen[:-1]) <= {((2, 0), (2, 0))}
    assert seen[-1] == ((4, 0), (4, 0))
