"""Calls of `fit` as type checkers see them; mypy and basedpyright read this file, nothing runs it.

Every call that is wrong says so by `type: ignore`; an `ignore` where nothing is wrong is an error
of its own. So the file is clean as long as both checkers tell right from wrong.
"""

from collections.abc import Iterator
from typing import assert_type

import numpy as np

import chainrule as cr

X, y = np.zeros((10, 4)), np.zeros(10, np.int64)
net = cr.Network([4, 8, 3], hidden=["relu"], cost=cr.costs.huber(delta=2.0), seed=0)


def stop(network: cr.Network, history: cr.History) -> None:
    """Stop at once."""
    raise cr.StopTraining


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hand out one batch."""
    yield X, y


# right
assert_type(net.fit(X, y), cr.History)
net.fit(X, y, optimizer=cr.Adam(1e-3), epochs=5, batch_size=2, l1=0, l2=1e-4, shuffle=False)
net.fit(X, y, optimizer=cr.LBFGS(history=5), validation_data=(X, y), progress=True)
net.fit(X, y, dropout=[0.1], class_weight={0: 2.0}, metrics=[max], record=["layers"], threads=2)
net.fit(X, y, class_weight="balanced", record="gradients", callbacks=[stop, cr.EarlyStopping()])
net.fit(batches, steps_per_epoch=1, callbacks=stop)
net.fit(X.tolist(), y.tolist(), validation_split=0.2, diagnose=True)
assert_type(net.evaluate(X, y), dict[str, float])
assert_type(net.backprop(X, y), cr.Gradient)
assert_type(net.trace(X, y, gradients=True), cr.Trace)
assert_type(net.sensitivity(X[0]), cr.Sensitivity)
assert_type(cr.load("net.npz"), cr.Network)
assert_type(net.averaged(), cr.Network)

# wrong
net.fit(X, y, epoch=5)  # type: ignore[call-arg]
net.fit(X, y, epochs="5")  # type: ignore[arg-type]
net.fit(X, y, 5)  # type: ignore  # mypy finds one reason, or two
net.fit(X, y, optimizer="adam")  # type: ignore[arg-type]
net.fit(X, y, dropout="a")  # type: ignore[arg-type]
net.fit(X, y, learning_rate=0.1)  # type: ignore[call-arg]
net.fit(X, y, shuffle=None)  # type: ignore[arg-type]
net.evaluate(X, y, weights=None)  # type: ignore[call-arg]
cr.Network([4, 8, 3], activation="relu")  # type: ignore[call-arg]
