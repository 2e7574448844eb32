"""`Snapshots`: an ensemble of one training."""

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from three_classes import three_classes

X, LABELS = three_classes(60)


def cycles(epoch):
    return 0.1 * (1 + np.cos(np.pi * (epoch % 3) / 3))


def options(epochs=10):
    return {"optimizer": cr.SGD(cycles, momentum=0.9), "epochs": epochs, "batch_size": 8}


def network(seed=0, **given):
    return cr.Network([4, 6, 3], output="softmax", cost="log_likelihood", seed=seed, **given)


def parameters_of(networks):
    return [(net.epochs_trained, net.parameters.tobytes()) for net in networks]


@pytest.mark.parametrize("most", [None, 1, 2, 5])
def test_they_are_the_network_as_it_was(most):
    net, twin = network(), network()
    snapshots = cr.Snapshots(every=3, most=most)
    net.fit(X, LABELS, callbacks=snapshots, **options())
    expected = []
    for epochs in range(1, 11):
        twin.fit(X, LABELS, **options(1))
        if epochs % 3 == 0:
            expected.append((epochs, twin.parameters.tobytes()))
    assert parameters_of(snapshots.networks) == expected[-3 if most is None else -most :]
    assert carried(net) == carried(twin)  # which none of it has changed
    ensemble = snapshots.ensemble
    assert list(ensemble) == snapshots.networks
    mean = np.mean([each(X) for each in snapshots.networks], axis=0, dtype=np.float64)
    np.testing.assert_allclose(ensemble(X), mean, rtol=1e-6)
    for each in ensemble:
        assert each.optimizer_state == {}
        assert each.history is None


def test_each_fit_begins_anew():
    net, snapshots = network(), cr.Snapshots(2)
    net.fit(X, LABELS, callbacks=snapshots, **options(5))
    first = snapshots.networks
    net.fit(X, LABELS, callbacks=snapshots, **options(4))
    assert [each.epochs_trained for each in first] == [2, 4]
    assert [each.epochs_trained for each in snapshots.networks] == [7, 9]


def test_scales_and_classes_are_the_network_s():
    net, snapshots = cr.Network([4, 5, 3], task="classification", seed=0), cr.Snapshots(1)
    names = np.array(["a", "b", "c"])[LABELS]
    net.fit(1000 + X, names, epochs=3, callbacks=snapshots)
    assert snapshots.ensemble.classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(snapshots.networks[-1](1000 + X), net(1000 + X))


@pytest.mark.parametrize("most", [None, 2])
def test_a_checkpoint_keeps_them(tmp_path, most):
    path = tmp_path / "run.npz"
    made = lambda: [cr.Snapshots(2, most), cr.Checkpoint(path)]  # noqa: E731
    net, callbacks = network(), [cr.Snapshots(2, most)]
    net.fit(X, LABELS, callbacks=callbacks, **options(9))

    def interrupt(net, history):
        if len(history) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network().fit(X, LABELS, callbacks=[*made(), interrupt], **options(9))
    again = [*made(), lambda net, history: None]
    again[-1].__name__ = "interrupt"
    cr.resume(path, X, LABELS, optimizer=cr.SGD(cycles, momentum=0.9), callbacks=again)
    kept = again[0].networks
    assert parameters_of(kept) == parameters_of(callbacks[0].networks)
    assert carried(cr.load(path)) == carried(net)


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"epochs": [1], "parameters": []},
        {"epochs": [1], "parameters": [np.zeros(3)]},
        {"epochs": [-1], "parameters": [np.zeros(51)]},
        {"epochs": ["a"], "parameters": [np.zeros(51)]},
        {"epochs": [1], "parameters": [np.full(51, np.nan)]},
    ],
)
def test_a_state_of_another_is_refused(state):
    snapshots = cr.Snapshots(1)
    snapshots.on_train_begin(network())
    with pytest.raises((ValueError, TypeError)):
        snapshots.resume(state)


def test_in_fit_many_each_network_has_its_own():
    nets = [network(seed) for seed in range(3)]
    with pytest.raises(ValueError, match="Snapshots can be of one training alone"):
        cr.fit_many(nets, X, LABELS, callbacks=cr.Snapshots(1), **options(2))
    own = [cr.Snapshots(2) for _ in nets]
    each = [{"callbacks": one} for one in own]
    assert not cr.fit_many(nets, X, LABELS, each=each, **options(4)).failed
    for seed, one in enumerate(own):
        alone = cr.Snapshots(2)
        network(seed).fit(X, LABELS, callbacks=alone, **options(4))
        assert parameters_of(one.networks) == parameters_of(alone.networks)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies_are_of_their_own(twin_of):
    snapshots = cr.Snapshots(2, 3)
    network().fit(X, LABELS, callbacks=snapshots, epochs=6)
    twin = twin_of(snapshots)
    assert parameters_of(twin.networks) == parameters_of(snapshots.networks)
    assert twin.networks[0] is not snapshots.networks[0]
    assert repr(twin) == "Snapshots(every=2, most=3)"


@pytest.mark.parametrize(
    ("given", "error"), [((0,), ValueError), ((1.5,), TypeError), ((2, 0), ValueError)]
)
def test_what_are_no_counts(given, error):
    with pytest.raises(error, match=r"every|most"):
        cr.Snapshots(*given)


def test_before_the_first_there_is_no_ensemble():
    snapshots = cr.Snapshots(5)
    network().fit(X, LABELS, epochs=4, callbacks=snapshots)
    with pytest.raises(ValueError, match=r"no snapshots yet.*after 5 epochs"):
        snapshots.ensemble  # noqa: B018
