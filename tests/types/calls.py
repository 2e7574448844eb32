"""Calls as type checkers see them; mypy and basedpyright read this file, nothing runs it.

Every call that is wrong says so by `type: ignore`; an `ignore` where nothing is wrong is an error
of its own. So the file is clean as long as both checkers tell right from wrong. What is asserted
is what editors complete by.
"""

from collections.abc import Iterator
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.activations import Activation, OwnActivation
from chainrule.costs import Cost, OwnCost

X, y = np.zeros((10, 4)), np.zeros(10, np.int64)
net = cr.Network([4, 8, 3], hidden=["relu"], cost=cr.costs.huber(delta=2.0), seed=0)
Floats = NDArray[np.float64]


def stop(network: cr.Network, history: cr.History) -> None:
    """Stop at once."""
    raise cr.StopTraining


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hand out one batch."""
    yield X, y


def lowered(epoch: float) -> float:
    """Lower the learning rate from epoch to epoch."""
    return 0.1 / (1 + epoch)


class Sine:
    """An activation of one's own, with types."""

    def __init__(self, omega: float) -> None:
        self.omega = omega

    def value(self, z: Floats) -> Floats:
        """Return σ(z)."""
        return np.sin(self.omega * z)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return σ'(z)."""
        return self.omega * np.cos(self.omega * z)


class LogCosh:
    """A cost of one's own, with other names of the arguments."""

    def value(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return C_x."""
        return np.asarray(np.log(np.cosh(outputs - targets)).sum(axis=1))

    def delta(self, z: np.ndarray, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return δ^L."""
        return np.asarray(np.tanh(outputs - targets))


class Untyped:
    """Both, without types: those of arguments and results are Any then."""

    def value(self, *arrays: Any) -> Any:
        """Return σ(z), or C_x."""

    def slope(self, z: Any, a: Any) -> Any:
        """Return σ'(z)."""

    def delta(self, z: Any, a: Any, y: Any) -> Any:
        """Return δ^L."""


class OnlyValue:
    """Neither."""

    def value(self, z: Floats) -> Floats:
        """Return σ(z)."""
        return z


# ---------------------------------------------------------------- training: right
assert_type(net.fit(X, y), cr.History)
net.fit(X, y, optimizer=cr.Adam(1e-3), epochs=5, batch_size=2, l1=0, l2=1e-4, shuffle=False)
net.fit(X, y, optimizer=cr.LBFGS(history=5), validation_data=(X, y), progress=True)
net.fit(X, y, dropout=[0.1], class_weight={0: 2.0}, metrics=[max], record=["layers"], threads=2)
net.fit(X, y, class_weight="balanced", record="gradients", callbacks=[stop, cr.EarlyStopping()])
net.fit(
    X, y, output_weight=[1.0, 2.0], missing_targets="skip", validation_data=(X, y, None, [1, 0])
)
net.evaluate(X, y, sample_weight=[1, 2], output_weight=[1.0], missing_targets="refuse")
net.fit(batches, steps_per_epoch=1, callbacks=stop)
net.fit(batches(), epochs=1)
net.fit(X.tolist(), y.tolist(), validation_split=0.2, diagnose=True)
net.fit(X, y, rows=[0, 3, 3], shuffle=np.random.default_rng(0).permutation, record="objective")
net.fit(X, y, rows=y > 0, optimizer=cr.AdamW(epsilon_hat=True), l2_of_batch=1e-4)
net.fit(X, y, optimizer=cr.SGD(cr.FlatCosine(0.1, 20, flat=0.3)), drop_last=True)
net.fit(X, y, optimizer=cr.Adam(cr.CosLog4(0.1, 20)), callbacks=cr.EarlyStopping(ties="last"))
cr.Network([4, 3, 1], init=["he", lambda rng, n_in, n_out: (np.ones((n_out, n_in)), [0.0])])
net.fit(X, y, callbacks=[cr.EarlyStopping("cost", patience=3), cr.CSVLog("log.csv")])

# wrong
net.fit(X, y, epoch=5)  # type: ignore[call-arg]
net.fit(X, y, epochs="5")  # type: ignore[arg-type]
net.fit(X, y, 5)  # type: ignore  # mypy finds one reason, or two
net.fit(X, y, optimizer="adam")  # type: ignore[arg-type]
net.fit(X, y, optimizer=cr.Adam)  # type: ignore[arg-type]
net.fit(X, y, dropout="a")  # type: ignore[arg-type]
net.fit(X, y, learning_rate=0.1)  # type: ignore[call-arg]
net.fit(X, y, shuffle=None)  # type: ignore[arg-type]
net.fit(X, y, optimizer=cr.Adamax(epsilon_hat=True))  # type: ignore[call-arg]
cr.EarlyStopping(patience="10")  # type: ignore[arg-type]
cr.EarlyStopping(patient=10)  # type: ignore[call-arg]
cr.EarlyStopping("f1", 10, 0.0, True, True)  # type: ignore[call-arg]

# ---------------------------------------------------------------- optimisers and schedules: right
for optimizer in (
    cr.SGD(0.5, momentum=0.9, nesterov=True),
    cr.SGD(cr.StepDecay(0.1)),
    cr.SGD(lambda epoch: 0.1 / (1 + epoch)),
    cr.Adam(lowered, beta1=0.8),
    cr.AdamW(learning_rate=cr.CosineDecay(1e-3, 20, warmup_epochs=2), weight_decay=0.1),
    cr.RMSprop(cr.ReduceOnPlateau(0.01, patience=5, monitor="validation_cost")),
    cr.Rprop(max_step=1),
):
    net.fit(X, y, optimizer=optimizer)
assert_type(cr.SGD(0.5, momentum=0.9), cr.SGD)
assert_type(cr.SGD().momentum, float)
assert_type(cr.StepDecay(0.1, 0.5, 10), cr.StepDecay)
assert_type(cr.StepDecay(0.1).epochs, float)

# wrong
cr.StepDecay()  # type: ignore[call-arg]
cr.StepDecay("0.1")  # type: ignore[arg-type]
cr.CosineDecay(0.1)  # type: ignore[call-arg]
cr.CosineDecay(0.1, 20, 2)  # type: ignore[call-arg]
cr.SGD(lr=0.1)  # type: ignore[call-arg]
cr.SGD("0.1")  # type: ignore[arg-type]
cr.SGD(cr.StepDecay)  # type: ignore[arg-type]
cr.SGD(lambda: 0.1)  # type: ignore[arg-type, misc]
cr.Rprop(cr.StepDecay(0.1))  # type: ignore[arg-type]
cr.Adam().beta1 = 0.8  # type: ignore[misc]

# ---------------------------------------------------------------- what comes out
history = net.fit(X, y)
assert_type(history.epoch, NDArray[np.int64])
assert_type(history.cost, Floats)
assert_type(history.learning_rate, Floats)
assert_type(history.seconds, Floats)
assert_type(history.validation_accuracy, Floats)
assert_type(history.objective, Floats)
assert_type(history.penalty, Floats)
assert_type(history.delta_norms, Floats)
assert_type(history["f1"], NDArray[Any])
assert_type(history.metrics, tuple[str, ...])
assert_type(dict(history), dict[str, NDArray[Any]])
assert_type(cr.EarlyStopping().best_epoch, int | None)
assert_type(net.history, cr.History | None)
assert_type(net.feedforward(X), NDArray[Any])
assert_type(net(X), NDArray[Any])
assert_type(net.evaluate(X, y), dict[str, float])
assert_type(net.backprop(X, y), cr.Gradient)
assert_type(net.backprop(X, output_gradient=X, inputs=True), cr.Gradient)
assert_type(net.copy(), cr.Network)
net.copy().blend(net, 0.1)
trainer = net.trainer(cr.Adam(), clip_norm=1.0)
assert_type(trainer, cr.Trainer)
assert_type(trainer.step(X, y), float | None)
trainer.step(X, output_delta=X)
trainer.apply(net.backprop(X, y))
trainer.end_epoch()
net.trainer(cr.Adam(), clip_nrom=1.0)  # type: ignore
assert_type(net.backprop(X, y).weights, list[NDArray[Any]])
net.backprop(X, y, sample_weight=[1, 2], output_weight=X)
assert_type(net.trace(X, y, gradients=True), cr.Trace)
assert_type(net.trace(X, y).delta, list[NDArray[Any]])
assert_type(net.sensitivity(X[0]), cr.Sensitivity)
assert_type(net.jacobian(X), NDArray[Any])
assert_type(net.hessian_vector(X, y, net.backprop(X, y)), cr.Gradient)
assert_type(net.input_hessian(X[0], output=1), NDArray[Any])
assert_type(net.averaged(), cr.Network)
loaded = cr.load("net.npz")  # complete as a network is
assert_type(loaded, cr.Network | Any)
loaded.fit(X, y, epochs=5)
loaded.members(X)  # type: ignore  # in a file of which nothing is known; mypy and others say why
if isinstance(loaded, cr.Ensemble):
    assert_type(loaded.members(X), NDArray[Any])
ensemble = cr.Ensemble([net, net.copy()], weights=[1, 2])
assert_type(ensemble[0], cr.Network)
assert_type(ensemble[:1], cr.Ensemble)
assert_type(ensemble(X), NDArray[Any])
assert_type(ensemble.classes, NDArray[Any] | None)
assert_type(ensemble.evaluate(X, y)["cost"], float)
assert_type(ensemble.select(X, y, size=5, figure="accuracy"), cr.Ensemble)
ensemble.fit(X, y, bootstrap=True, optimizer=cr.Adam(1e-3), epochs=5)
low, high = ensemble.interval(X, 0.8)
net.fit(X, y, callbacks=cr.Snapshots(10, most=5))
assert_type(cr.numerical_gradient(net, X, y).cost, float)
assert_type(cr.check_gradient(net, X, y).passed, bool)
assert_type([finding.advice for finding in cr.diagnose(net, X, y)], list[str])
assert_type(cr.equations.bp3(X), NDArray[Any])
assert_type(cr.logic.XOR([0, 1]), NDArray[Any])
assert_type(cr.__version__, str)

# wrong
print(history.costs)  # type: ignore[attr-defined]
net.evaluate(X, y, weights=None)  # type: ignore[call-arg]
cr.Sgd(0.1)  # type: ignore[attr-defined]

# ---------------------------------------------------------------- networks: right
assert_type(net.sizes, tuple[int, ...])
assert_type(net.parameters, NDArray[Any])
assert_type(net.weights, tuple[NDArray[Any], ...])
assert_type(net.biases, tuple[NDArray[Any], ...])
assert_type(net.scale, NDArray[Any])
assert_type(net.optimizer_state, dict[str, NDArray[Any]])
assert_type(net.hidden, tuple[str | Activation | OwnActivation, ...])
assert_type(net.cost, str | Cost | OwnCost)
assert_type(cr.activations.leaky_relu(slope=0.2), cr.activations.leaky_relu)
assert_type(cr.activations.leaky_relu().slope, float)
assert_type(cr.costs.huber(delta=2.0).delta, float)
cr.Network(
    (4, 8, 8, 2), hidden=[cr.activations.elu(2.0), "tanh"], cost=cr.costs.quantile([0.1, 0.9])
)
cr.Network([4, 8, 2], hidden=Sine(2.0), output="identity", cost=LogCosh())
cr.Network([4, 8, 8, 2], hidden=[Sine(2.0), "tanh"], output=Sine(1.0))
cr.Network([4, 8, 2], hidden=[Untyped()], output=Untyped(), cost=Untyped())
cr.Network([2, 1], init=lambda rng, n_in, n_out: (rng.normal(size=(n_out, n_in)), [0.0]))
cr.Network([2, 1], init="he", dtype=np.float64, input_scale=1 / 255, input_shift=X[0], seed=1)
cr.Network([2, 1], trainable_scale=True)
cr.load("net.npz", own={"Sine": Sine(2.0), "LogCosh": LogCosh()})

# wrong
cr.Network()  # type: ignore[call-arg]
cr.Network(4, 8, 3)  # type: ignore[arg-type, call-arg]
cr.Network([4, 8, 3], activation="relu")  # type: ignore[call-arg]
cr.Network([4, 8, 3], hidden=5)  # type: ignore[arg-type]
cr.Network([4, 8, 3], hidden=OnlyValue())  # type: ignore[arg-type]
cr.Network([4, 8, 3], hidden=Sine)  # type: ignore[arg-type]
cr.Network([4, 8, 3], hidden=cr.costs.huber())  # type: ignore[arg-type]
cr.Network([4, 8, 3], output=LogCosh())  # type: ignore[arg-type]
cr.Network([4, 8, 3], cost=Sine(2.0))  # type: ignore[arg-type]
cr.Network([4, 8, 3], cost=cr.costs.huber)  # type: ignore[arg-type]
cr.Network([4, 8, 3], cost=cr.costs.huber("2"))  # type: ignore[arg-type]
cr.costs.huber(epsilon=1.0)  # type: ignore[call-arg]
cr.Network([4, 8, 3], init=lambda rng: 0)  # type: ignore[arg-type, misc]
net.weights = ()  # type: ignore[misc]
