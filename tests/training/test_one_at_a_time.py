"""A network is trained by one at a time; what it says may be asked meanwhile."""

import contextlib
import copy
import pickle
import threading

import numpy as np
import pytest

import chainrule as cr
from carried import carried

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 3)).astype("f4"), RNG.random((64, 2)).astype("f4")
BUSY = "the network is in training: a fit, or a step of a trainer, has yet to end"


def network():
    return cr.Network([3, 5, 2], seed=0)


def ways(net, trainer):
    """All that trains it."""
    yield lambda: net.fit(X, Y)
    yield lambda: net.fit(X, Y, optimizer=cr.LBFGS())
    yield lambda: net.fit([(X, Y)])
    yield lambda: net.trainer(cr.SGD(0.1))
    yield lambda: trainer.step(X, Y)
    yield lambda: trainer.apply(np.zeros_like(net.parameters))
    yield trainer.end_epoch


def fitted(net, way):
    def refused(*_):
        with pytest.raises(RuntimeError, match=BUSY):
            way()

    net.fit(X, Y, epochs=2, callbacks=type("Nested", (), {"on_epoch_begin": refused})())


@pytest.mark.parametrize("place", range(7))
def test_a_callback_cannot_train_its_own_network(place):
    net, twin = network(), network()
    fitted(net, list(ways(net, net.trainer(cr.SGD(0.1))))[place])
    twin.trainer(cr.SGD(0.1))
    twin.fit(X, Y, epochs=2)
    assert carried(net) == carried(twin)


def test_an_iterable_of_batches_cannot_either():
    net = network()

    def batches():
        with pytest.raises(RuntimeError, match=BUSY):
            net.fit(X, Y)
        yield X, Y

    net.fit(batches, epochs=1)
    assert net.epochs_trained == 1


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt, cr.StopTraining])
def test_however_a_fit_ends_another_may_begin(error):
    net = network()

    def ends(net, history):
        if error:
            raise error

    with contextlib.suppress(ValueError, KeyboardInterrupt):
        net.fit(X, Y, epochs=1, callbacks=ends)
    net.fit(X, Y, epochs=1)
    with pytest.raises(ValueError, match="X must be"):
        net.fit(X[:, :2], Y)
    net.trainer(cr.SGD(0.1)).step(X, Y)
    assert net.epochs_trained == 2


def test_callbacks_may_ask_train_copies_and_save():
    net, asked = network(), []

    def ask(net, history):
        asked.append((net(X), net.evaluate(X, Y), net.backprop(X, Y).cost))
        net.copy().fit(X, Y, epochs=1)
        copy.deepcopy(net).fit(X, Y, epochs=1)
        pickle.loads(pickle.dumps(net)).fit(X, Y, epochs=1)

    net.fit(X, Y, epochs=3, callbacks=ask)
    assert len(asked) == 3


def test_of_two_threads_one_is_refused_while_the_other_trains():
    net, began, end = network(), threading.Event(), threading.Event()

    def wait(net, history):
        began.set()
        assert end.wait(30)

    worker = threading.Thread(target=net.fit, args=(X, Y), kwargs={"epochs": 1, "callbacks": wait})
    worker.start()
    assert began.wait(30)
    with pytest.raises(RuntimeError, match=BUSY):
        net.fit(X, Y)
    assert net(X).shape == (64, 2)
    end.set()
    worker.join()
    net.fit(X, Y, epochs=1)
    assert net.epochs_trained == 2


ASSIGNED = {
    "optimizer_state": {},
    "optimizer": cr.SGD(0.1),
    "epochs_trained": 7,
    "seed": 3,
    "classes": ["a", "b"],
}


@pytest.mark.parametrize("name", ASSIGNED)
@pytest.mark.parametrize("hook", ["on_train_begin", "on_batch_end", "on_epoch_end"])
def test_what_training_goes_by_cannot_be_assigned_meanwhile(name, hook):
    net, twin = network(), network()

    def assign(*_):
        with pytest.raises(RuntimeError, match=f"{BUSY}.* Assign {name} before it or after it"):
            setattr(net, name, ASSIGNED[name])

    net.fit(X, Y, epochs=2, callbacks=type("Assigns", (), {hook: staticmethod(assign)})())
    twin.fit(X, Y, epochs=2)
    assert carried(net) == carried(twin)
    setattr(net, name, ASSIGNED[name])
    for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        setattr(other, name, ASSIGNED[name])


def test_a_callback_may_assign_parameters_and_no_other_thread():
    net, refused = network(), []
    target = np.linspace(-1, 1, net.parameters.size).astype("f4")

    def elsewhere():
        try:
            net.parameters = 0 * target
        except RuntimeError as error:
            refused.append(str(error))

    def assign(net, history):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        net.parameters = target

    net.fit(X, Y, epochs=1, callbacks=assign)
    assert len(refused) == 1
    assert "Assign parameters before it or after it" in refused[0]
    assert (net.parameters == target).all()
