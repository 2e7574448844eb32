"""Importing and using the package changes no setting of the process, and opens no connection."""

from children import python

USED = """
import os, signal, sys, warnings
import numpy as np

sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)

def settings():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    interval = sys.getswitchinterval()
    return dict(os.environ), np.geterr(), handlers, os.getcwd(), interval, subnormal()

def subnormal():  # 0 where the processor takes such numbers for 0
    return float(np.float32(1e-40) * np.float32(1)), float(np.float64(1e-310) * np.float64(1))

before, filters = settings(), list(warnings.filters)
import chainrule as cr
X = np.random.default_rng(0).normal(size=(400, 20))
net = cr.Network([20, 300, 300, 2], output="identity", seed=0)
net.fit(X, X[:, :2], epochs=3, batch_size=200, validation_split=0.2, threads=2)
net(X), net.backprop(X, X[:, :2]), cr.diagnose(net, X, X[:, :2])
assert settings() == before
assert list(warnings.filters) == filters
assert before[-1][0] > 0 and not sockets
print("as it was")
"""


def test_the_process_is_left_as_it_was():
    assert python("-c", USED) == "as it was\n"
