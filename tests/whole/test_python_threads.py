"""Several Python threads at once: with the global lock, and without it where Python has none."""

import sys
import threading

import numpy as np
import pytest

import chainrule as cr

X = np.random.default_rng(0).normal(size=(400, 16))
Y = np.tanh(X[:, :4])
THREADS = 4


def at_once(work):
    """Have work(i) done for all i < THREADS at once, and return what each came to."""
    found, start = [None] * THREADS, threading.Barrier(THREADS)

    def called(i):
        start.wait()
        found[i] = work(i)

    threads = [threading.Thread(target=called, args=(i,)) for i in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def trained(seed, threads=None):
    net = cr.Network([16, 40, 4], task="regression", seed=seed)
    net.fit(X, Y, epochs=5, optimizer=cr.Adam(), threads=threads)
    return net.parameters.tobytes()


def test_import_leaves_the_lock_as_it_was():
    if not hasattr(sys, "_is_gil_enabled") or "free-threading" not in sys.version:
        pytest.skip("this Python has a global lock")
    assert not sys._is_gil_enabled()


@pytest.mark.parametrize("threads", [1, 2, None])
def test_networks_trained_at_once_have_the_bits_they_get_alone(threads):
    alone = [trained(seed, threads) for seed in range(THREADS)]
    assert at_once(lambda seed: trained(seed, threads)) == alone


def test_one_network_is_trained_by_one_thread_at_a_time():
    """Of calls that meet one is refused; what is left are whole calls, one after another."""
    net = cr.Network([16, 40, 4], task="regression", seed=0)
    alone = net.copy()

    def fit(_):
        try:
            net.fit(X, Y, epochs=20, optimizer=cr.SGD(0.01), threads=1)
        except RuntimeError as error:
            return str(error)
        return "trained"

    found = [result for _ in range(5) for result in at_once(fit)]
    refused = [result for result in found if result != "trained"]
    assert all(result.startswith("the network is in training") for result in refused)
    for _ in range(len(found) - len(refused)):
        alone.fit(X, Y, epochs=20, optimizer=cr.SGD(0.01), threads=1)
    assert net.parameters.tobytes() == alone.parameters.tobytes()


def test_one_network_answers_several_threads():
    """Also of single samples, whose memory is kept from call to call."""
    net = cr.Network([16, 40, 4], task="regression", seed=0)
    net.fit(X, Y, epochs=1)
    expected = [net(x) for x in X]
    jacobian = [net.jacobian(x) for x in X[:20]]
    lists = X.tolist()

    def ask(i):
        same = True
        for k in range(i, len(X), 2):
            same &= np.array_equal(net(X[k]), expected[k])
            same &= np.array_equal(net(lists[k]), expected[k])
            same &= np.array_equal(net.jacobian(X[k % 20]), jacobian[k % 20])
        return same

    assert at_once(ask) == [True] * THREADS
