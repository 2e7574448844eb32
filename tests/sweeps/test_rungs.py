"""Rungs: networks that wait for each other, and which of them go on; halving."""

import os
import signal
import threading

import numpy as np
import pytest

import chainrule as cr
from carried import carried

RNG = np.random.default_rng(1)
X = RNG.standard_normal((200, 5))
Y = np.tanh(X @ RNG.standard_normal(5))
OPTIONS = {"optimizer": cr.Adam(0.01), "batch_size": 20, "epochs": 9}


def networks(n=9):
    return [cr.Network([5, 2 + k, 1], output="identity", seed=k) for k in range(n)]


def trained_alone(epochs):
    """Return what networks carry, each trained alone for so many epochs of its own."""
    nets = networks(len(epochs))
    for net, count in zip(nets, epochs, strict=True):
        net.fit(X, Y, **OPTIONS | {"epochs": count})
    return list(map(carried, nets))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_those_that_go_on_come_to_the_bits_of_their_fit(threads):
    seen = []

    def look(nets, figures):
        seen.append([net.epochs_trained for net in nets])
        assert figures["cost"].shape == (len(nets),)
        return [len(nets) - 1, 0, 1]

    nets = networks()
    histories = cr.fit_many(nets, X, Y, rungs=[2, 5], on_rung=look, threads=threads, **OPTIONS)
    assert seen == [[2] * 9, [5] * 3]
    assert histories.rungs == [[0, 1, 8]] * 2
    epochs = [9, 9, *[2] * 6, 9]
    assert list(map(len, histories)) == epochs
    assert list(map(carried, nets)) == trained_alone(epochs)


def test_all_go_on_where_nothing_is_said():
    rungs = []
    nets = networks(4)
    histories = cr.fit_many(
        nets, X, Y, rungs=3, on_rung=lambda nets, figures: rungs.append(len(nets)), **OPTIONS
    )
    assert rungs == [4, 4]  # after 3 and 6 epochs; after the last there is nothing to choose
    assert histories.rungs == [[0, 1, 2, 3]] * 2
    assert list(map(carried, nets)) == trained_alone([9] * 4)


def test_which_go_on():
    nets = networks()

    def some(nets, figures):
        return np.arange(len(nets)) % 2 == 0  # a mask

    histories = cr.fit_many(nets, X, Y, rungs=[1, 4], on_rung=some, **OPTIONS)
    assert histories.rungs == [[0, 2, 4, 6, 8], [0, 4, 8]]
    epochs = [9, 1, 4, 1, 9, 1, 4, 1, 9]
    assert list(map(len, histories)) == epochs
    assert list(map(carried, nets)) == trained_alone(epochs)
    assert histories.best("cost") == min([0, 4, 8], key=lambda k: histories[k].cost[-1])
    for net in nets:  # none is held any longer
        net.fit(X, Y, **OPTIONS | {"epochs": 1})


def test_none_goes_on():
    nets = networks(3)
    histories = cr.fit_many(nets, X, Y, rungs=[4], on_rung=lambda *_: [], **OPTIONS)
    assert list(map(len, histories)) == [4, 4, 4]
    assert histories.rungs == [[]]


def test_what_has_ended_or_failed():
    """What ends by itself stays in the race; what fails leaves it."""

    def stop(net, history):
        if len(history) == 2:
            raise cr.StopTraining

    def fail(net, history):
        raise OSError("a full disk")

    own = [{}, {"callbacks": stop}, {"callbacks": fail}, {"epochs": 3}]
    seen = []

    def look(nets, figures):
        seen.append([net.epochs_trained for net in nets])
        assert np.isfinite(figures["cost"]).all()

    nets = networks(4)
    histories = cr.fit_many(nets, X, Y, each=own, rungs=[4, 6], on_rung=look, **OPTIONS)
    assert seen == [[4, 2, 3], [6, 2, 3]]
    assert histories.failed.keys() == {2}
    assert histories.rungs == [[0, 1, 3]] * 2
    assert list(map(len, histories)) == [9, 2, 1, 3]


def test_figures_that_only_some_have():
    own = [{}, {"validation_data": (X[:50], Y[:50])}]
    found = []
    cr.fit_many(
        networks(2), X, Y, each=own, rungs=[4], on_rung=lambda _, figures: found.append(figures),
        **OPTIONS,
    )  # fmt: skip
    (figures,) = found
    assert np.isnan(figures["validation_cost"][0])
    assert np.isfinite(figures["validation_cost"][1])


def test_a_population_that_learns_from_its_best():
    """Population-based training (Jaderberg et al., 2017): exploit, explore."""
    rates = [10.0 ** -(1 + k % 4) for k in range(8)]
    own = [{"optimizer": cr.Adam(lambda epoch, k=k: rates[k])} for k in range(8)]
    nets = [cr.Network([5, 6, 1], output="identity", seed=k) for k in range(8)]
    copies = []

    def exploit(nets, figures):
        order = np.argsort(figures["cost"])
        for worse, better in zip(order[-2:], order[:2], strict=True):
            nets[worse].parameters = nets[better].parameters
            for name, values in nets[better].optimizer_state.items():
                nets[worse].optimizer_state[name][...] = values
            rates[worse] = rates[better] * 0.8
            copies.append((worse, better))

    histories = cr.fit_many(nets, X, Y, each=own, rungs=3, on_rung=exploit, epochs=9, batch_size=20)
    assert len(copies) == 4
    assert not histories.failed
    for k, history in enumerate(histories):
        assert history.learning_rate[-1] == rates[k]


def test_early_stopping_counts_on_over_the_rungs():
    nets, alone = networks(3), networks(3)
    options = OPTIONS | {"epochs": 60, "validation_split": 0.2}
    own = [{"callbacks": cr.EarlyStopping(patience=2)} for _ in nets]
    cr.fit_many(nets, X, Y, each=own, rungs=1, on_rung=lambda *_: None, **options)
    for net in alone:
        net.fit(X, Y, callbacks=cr.EarlyStopping(patience=2), **options)
    assert list(map(carried, nets)) == list(map(carried, alone))


def test_an_error_of_on_rung_ends_all_as_they_stand():
    nets = networks(4)

    def fail(nets, figures):
        raise KeyError("a figure")

    with pytest.raises(KeyError, match="a figure"):
        cr.fit_many(nets, X, Y, rungs=[3], on_rung=fail, **OPTIONS)
    assert list(map(carried, nets)) == trained_alone([3] * 4)
    for net in nets:
        net.fit(X, Y, **OPTIONS)


def test_what_ends_a_program_as_all_are_stopped_leaves_none_in_training():
    class Leave:
        def on_train_end(self, net, history):
            raise SystemExit(3)

    def fail(nets, figures):
        raise KeyError("a figure")

    for on_rung, ends in (fail, KeyError), (lambda *_: [0], SystemExit):
        nets = networks(4)
        own = [{}, {"callbacks": Leave()}, {"callbacks": Leave()}, {}]
        with pytest.raises(ends):
            cr.fit_many(nets, X, Y, each=own, rungs=[3], on_rung=on_rung, **OPTIONS)
        for net in nets:
            net.fit(X, Y, **OPTIONS)


def test_callbacks_of_those_left_out_are_called_in_other_threads_too():
    seen = []

    class Watch:
        def on_train_end(self, net, history):
            seen.append((len(history), threading.current_thread() is threading.main_thread()))

    own = [{"callbacks": Watch()} for _ in range(3)]
    cr.fit_many(networks(3), X, Y, each=own, rungs=[3], on_rung=lambda *_: [1], **OPTIONS)
    assert sorted(seen) == [(3, False), (3, False), (9, False)]


def test_ctrl_c_at_a_rung(ctrl_c):
    nets = networks(4)

    def interrupt(nets, figures):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cr.fit_many(nets, X, Y, rungs=[3], on_rung=interrupt, **OPTIONS | {"epochs": 3000})
    for net in nets:
        assert 3 <= net.epochs_trained < 3000
        net.fit(X, Y, **OPTIONS)


def test_a_network_at_a_rung_is_in_training():
    def train(nets, figures):
        with pytest.raises(RuntimeError, match="in training"):
            nets[0].fit(X, Y)
        with pytest.raises(RuntimeError, match="in training"):
            nets[0].optimizer = cr.SGD(1.0)

    cr.fit_many(networks(2), X, Y, rungs=[3], on_rung=train, **OPTIONS)


REFUSED = {
    "no rungs": ({"on_rung": lambda *_: None}, ValueError, "belong together"),
    "no on_rung": ({"rungs": [1]}, ValueError, "belong together"),
    "no function": ({"rungs": [1], "on_rung": 3}, TypeError, "on_rung must be"),
    "zero": ({"rungs": 0, "on_rung": lambda *_: None}, ValueError, "rungs must be"),
    "a float": ({"rungs": [1.5], "on_rung": lambda *_: None}, TypeError, r"rungs\[0\]"),
    "nothing": ({"rungs": 1.5, "on_rung": lambda *_: None}, TypeError, "rungs must be"),
    "down": ({"rungs": [3, 2], "on_rung": lambda *_: None}, ValueError, "must grow"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_anything_changes(name):
    options, error, message = REFUSED[name]
    nets = networks(3)
    before = list(map(carried, nets))
    with pytest.raises(error, match=message):
        cr.fit_many(nets, X, Y, **OPTIONS | options)
    assert list(map(carried, nets)) == before


@pytest.mark.parametrize("choice", [[3], [-1], [0.5], "all", [[0]], [True]])
def test_what_says_nothing_of_the_networks_is_refused(choice):
    nets = networks(3)
    with pytest.raises((ValueError, TypeError), match="what on_rung returns"):
        cr.fit_many(nets, X, Y, rungs=[1], on_rung=lambda *_: choice, **OPTIONS)
    assert list(map(carried, nets)) == trained_alone([1] * 3)


# ------------------------------------------------------------------------- halving


def halved_by_hand(nets, rungs, epochs, factor):
    """Return who trains for how long, by the definition: who is best goes on."""
    racing = list(range(len(nets)))
    lengths = [0] * len(nets)
    done = 0
    for rung in [*rungs, epochs]:
        figures = {}
        for k in racing:
            options = OPTIONS | {"epochs": rung - done, "validation_data": (X[:60], Y[:60])}
            figures[k] = nets[k].fit(X, Y, **options).validation_cost[-1]
            lengths[k] = rung
        done = rung
        if rung < epochs:
            racing = sorted(sorted(racing, key=figures.get)[: -(-len(racing) // factor)])
    return lengths


@pytest.mark.parametrize(("factor", "rungs"), [(3, [1, 3]), (2, [1, 2, 4])])
def test_halving_is_its_definition(factor, rungs):
    by_hand, nets = networks(9), networks(9)
    lengths = halved_by_hand(by_hand, rungs, 9, factor)
    validation = {"validation_data": (X[:60], Y[:60])}
    histories = cr.halving(nets, X, Y, factor=factor, **OPTIONS | validation)
    assert list(map(len, histories)) == lengths
    assert list(map(carried, nets)) == list(map(carried, by_hand))
    winner = histories.best()
    finals = [k for k, length in enumerate(lengths) if length == 9]
    assert winner == min(finals, key=lambda k: histories[k].validation_cost[-1])


def test_more_of_some_figures_is_better():
    def worst(y_true, y_pred):
        return float(np.abs(y_true - y_pred).max())

    given = {"validation_split": 0.3, "metrics": {"worst": worst}}
    finals = []
    for larger in (True, False):
        histories = cr.halving(
            networks(9), X, Y, figure="worst", larger_is_better=larger, **OPTIONS | given
        )
        best = histories.best("worst", larger_is_better=larger)
        finals.append(histories[best]["worst"][-1])
    assert finals[0] > finals[1]


def test_what_fails_and_nan_come_last():
    nets = networks(6)
    own = [{"optimizer": cr.SGD(1e30)}] * 2 + [{}] * 4
    histories = cr.halving(nets, X, Y, each=own, figure="cost", **OPTIONS)
    assert histories.failed.keys() <= {0, 1}
    assert histories.best("cost") >= 2


def test_few_epochs_have_few_rungs():
    histories = cr.halving(networks(9), X, Y, figure="cost", **OPTIONS | {"epochs": 2})
    assert list(map(len, histories)) == [2] * 9  # 2 / 3 epochs are none
    assert histories.rungs == []


OF_HALVING = {
    "figure": ({"figure": "cots"}, ValueError, "cost"),
    "no validation": ({}, ValueError, "needs validation_data"),
    "epochs": ({"each": [{}, {"epochs": 3}, {}], "figure": "cost"}, ValueError, r"each\[1\]"),
    "factor": ({"factor": 1, "figure": "cost"}, ValueError, "factor must"),
    "metric": (
        {"figure": "worst", "metrics": {"worst": lambda a, b: 0}, "validation_split": 0.2},
        ValueError, "needs larger_is_better",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_HALVING)
def test_what_halving_refuses(name):
    options, error, message = OF_HALVING[name]
    nets = networks(3)
    before = list(map(carried, nets))
    with pytest.raises(error, match=message):
        cr.halving(nets, X, Y, **OPTIONS | options)
    assert list(map(carried, nets)) == before
