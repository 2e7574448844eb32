"""Costs and activations of the user's, written in NumPy: they must do what the package's do."""

import gc
import pickle
import signal

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.model import own_functions
from oracle import assert_close


class Tanh:
    def value(self, z):
        return np.tanh(z)

    def slope(self, z, a):
        return 1 - a * a


class Softplus:
    """Its slope needs z."""

    def value(self, z):
        return np.logaddexp(0, z)

    def slope(self, z, a):
        return 1 / (1 + np.exp(-z))


class HalfSquare:
    """With the softplus of the tests below: σ' = 1 - e^-a."""

    def value(self, a, y):
        return ((a - y) ** 2).sum(axis=1) / 2

    def delta(self, z, a, y):
        return (a - y) / (1 + np.exp(-z))


class CrossEntropy:
    def value(self, a, y):
        return -(y * np.log(a)).sum(axis=1)

    def delta(self, z, a, y):
        return a - y


def pairs(dtype="float64", sizes=(4, 7, 6, 3)):
    """(the user's, the package's) networks of the same parameters, and targets for them."""
    rng = np.random.default_rng(1)
    options = {"dtype": dtype, "seed": 0}
    own = {"hidden": [Tanh(), "relu"], "output": Softplus(), "cost": HalfSquare()}
    return [
        (
            cr.Network(sizes, **own, **options),
            cr.Network(sizes, hidden=["tanh", "relu"], output="softplus", **options),
            rng.random((700, 3)),
        ),
        (
            cr.Network(sizes, hidden=Softplus(), output="softmax", cost=CrossEntropy(), **options),
            cr.Network(
                sizes, hidden="softplus", output="softmax", cost="log_likelihood", **options
            ),
            rng.integers(3, size=700),
        ),
    ]  # fmt: skip


X = np.random.default_rng(0).normal(size=(700, 4))
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=[0, 1], ids=["values", "labels"])
def which(request):
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_that_can_be_asked(which, dtype):
    net, twin, y = pairs(dtype)[which]
    tolerance = TOLERANCE[dtype]
    assert_close(net(X), twin(X), tolerance)
    got, expected = net.backprop(X, y), twin.backprop(X, y)
    assert_close(got.parameters, expected.parameters, 10 * tolerance)
    assert got.cost == pytest.approx(expected.cost, rel=tolerance)
    got, expected = net.trace(X, y, gradients=True), twin.trace(X, y, gradients=True)
    for name in ("z", "a", "delta"):
        for ours, theirs in zip(getattr(got, name), getattr(expected, name), strict=True):
            assert_close(ours, theirs, 10 * tolerance)
    assert_close(got.gradients.parameters, expected.gradients.parameters, 10 * tolerance)
    assert_close(net.jacobian(X), twin.jacobian(X), 10 * tolerance)
    got, expected = net.sensitivity(X[0]), twin.sensitivity(X[0])
    assert_close(got.parameters, expected.parameters, 10 * tolerance)
    assert_close(got.inputs, expected.inputs, 10 * tolerance)
    w = np.linspace(0, 1, 700)
    for weights in (None, w):
        ours = net.evaluate(X, y, sample_weight=weights)
        theirs = twin.evaluate(X, y, sample_weight=weights)
        assert ours == pytest.approx(theirs, rel=10 * tolerance)
    few = X[:20], y[:20]
    assert_close(
        cr.numerical_gradient(net, *few).parameters,
        cr.numerical_gradient(twin, *few).parameters, 1e-7,
    )  # fmt: skip
    assert cr.check_gradient(net, *few).passed


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 10},
        {"batch_size": 700},
        {"batch_size": 10, "sample_weight": np.linspace(0, 1, 700)},
        {"batch_size": 10, "dropout": 0.3, "record": ["layers", "gradients"]},
        {"batch_size": 10, "optimizer": cr.Adam(), "clip_norm": 1.0, "max_norm": 1.0},
    ],
    ids=["mini-batches", "one batch", "weights", "dropout", "adam"],
)
def test_training(which, options):
    net, twin, y = pairs()[which]
    start = net.parameters.copy()
    histories = [n.fit(X, y, **{"epochs": 3, "record": "layers"} | options) for n in (net, twin)]
    assert_close(net.parameters, twin.parameters, 1e-9)
    assert np.abs(net.parameters - start).max() > 1e-3
    for name in ("cost", "delta_norms"):
        got, expected = (getattr(history, name) for history in histories)
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_two_fits_are_one(which):
    once, _, y = pairs()[which]
    twice = pairs()[which][0]
    once.fit(X, y, epochs=4)
    for _ in range(2):
        twice.fit(X, y, epochs=2)
    assert carried(once) == carried(twice)


# ---------------------------------------------------------------- copies; files: test_files_own.py


def test_pickled_and_shown(which):
    net, _, y = pairs()[which]
    net.fit(X, y, epochs=1)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again(X), net(X))
    again.fit(X, y, epochs=1)
    net.fit(X, y, epochs=1)
    assert carried(again) == carried(net)
    assert type(net.cost).__name__ in repr(net)
    assert type(net.hidden[0]).__name__ in repr(net)
    assert isinstance(net.cost, HalfSquare | CrossEntropy)


# ---------------------------------------------------------------- what is wrong is found out


class WrongDelta(HalfSquare):
    def delta(self, z, a, y):
        delta = a - y
        delta[:, 1] *= 1.001
        return delta


class WrongSlope(Tanh):
    def slope(self, z, a):
        return 1 - a


class Coupled(Tanh):
    """Not neuron by neuron; along the diagonal the slope is right."""

    def value(self, z):
        return np.tanh(z) + 0.1 * (np.roll(z, 1, axis=1) - np.roll(z, 2, axis=1))


def test_a_wrong_slope_is_found_where_it_is_worst():
    with pytest.raises(ValueError, match=r"slope\(z, a\) of WrongSlope\(\) is not") as caught:
        cr.Network([4, 5, 3], hidden=["tanh"], output=WrongSlope())
    message = str(caught.value)
    # what it names is there: z, the slope that was given, and the true one
    z, given, true = (float(message.split(mark)[1].split()[0].rstrip(",")) for mark in
                      ("] = ", "it gives ", "of value "))  # fmt: skip
    assert given == pytest.approx(1 - np.tanh(z), rel=1e-4)
    assert true == pytest.approx(1 - np.tanh(z) ** 2, rel=1e-4)
    with pytest.raises(ValueError, match="Coupled"):
        cr.Network([4, 5, 3], hidden=Coupled())


def test_a_wrong_delta_is_found_at_first_use():
    x, y = X[:20], np.random.default_rng(0).random((20, 3))
    for use in ("fit", "backprop", "trace"):
        net = cr.Network([4, 3], output="identity", cost=WrongDelta(), seed=0)
        before = carried(net)
        net.evaluate(x, y)  # does without δ
        with pytest.raises(ValueError, match=r"delta\(z, a, y\) of WrongDelta.*z\[\d, 1\]"):
            getattr(net, use)(x, y)
        assert carried(net) == before
        assert not cr.check_gradient(net, x, y).passed  # shows where


def test_a_large_constant_hides_no_more_than_its_rounding():
    """Differences of 1e9 + C lose nine digits; that is no error of delta, while a wrong one is."""

    class Lifted(HalfSquare):
        factor = 1

        def value(self, a, y):
            return super().value(a, y) + 1e9

        def delta(self, z, a, y):
            return self.factor * (a - y)

    class Wrong(Lifted):
        factor = 3

    x, y = X[:20], np.random.default_rng(0).random((20, 3))
    cr.Network([4, 3], output="identity", cost=Lifted()).backprop(x, y)
    with pytest.raises(ValueError, match="Wrong"):
        cr.Network([4, 3], output="identity", cost=Wrong()).backprop(x, y)


def test_the_check_is_made_once():
    class Counted(CrossEntropy):
        calls = 0

        def delta(self, z, a, y):
            self.calls += 1
            return a - y

    cost = Counted()
    net = cr.Network([4, 3], output="softmax", cost=cost, seed=0)
    for _ in range(3):
        net.backprop(X[:10], np.zeros(10, int))
    assert cost.calls == 1 + 3


def test_what_it_says_of_the_tolerance_holds():
    """Differences of smooth functions are right to far below the tolerance, for any width."""
    for width in (1, 3, 40):
        for activation in (Tanh(), Softplus()):
            found = cr.activations.UserActivation(activation)
            own_functions.check_slope_of(found, width)
    net, _, y = pairs()[0]
    before = own_functions.TOLERANCE
    try:
        own_functions.TOLERANCE = 1e-7
        net.backprop(X, y)
    finally:
        own_functions.TOLERANCE = before


class Misshapen:
    """Wrong only for many rows, so that the check of a few does not see it."""

    def value(self, z):
        return np.tanh(z) if len(z) < 10 else np.tanh(z)[:, :1]

    def slope(self, z, a):
        return 1 - a * a


class MeanCost(CrossEntropy):
    def value(self, a, y):
        return -(y * np.log(a)).sum(axis=1) if len(a) < 10 else 1.0


class NarrowDelta(CrossEntropy):
    def delta(self, z, a, y):
        return a - y if len(a) < 10 else (a - y)[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": Misshapen()}, r"value\(z\) of an activation .* \(20, 5\); got shape \(20, 1\)"),
        (
            {"output": "softmax", "cost": MeanCost()},
            r"value\(a, y\) of a cost .* \(20,\); got float",
        ),
        (
            {"output": "softmax", "cost": NarrowDelta()},
            r"delta\(z, a, y\) of a cost .* \(20, 3\); got shape \(3,\)",
        ),
    ],
)
def test_shapes_are_checked_each_time(options, message):
    net = cr.Network([4, 5, 3], seed=0, **options)
    before = carried(net)
    with pytest.raises(ValueError, match=message):
        net.fit(X[:20], np.zeros(20, int), epochs=2)
    assert carried(net) == before


class NoArray(Tanh):
    def value(self, z):
        return z.tolist()


class Objects(Tanh):
    def slope(self, z, a):
        return (1 - a * a).astype(complex)


class SlopeAlone:
    def slope(self, z, a):
        return a


class Nowhere(Tanh):
    def value(self, z):
        return z * np.nan


class Flat(HalfSquare):
    """With targets of (m,) where they come as (m, 1)."""

    def __init__(self, method):
        self.method = method

    def value(self, a, y):
        return (a - y.ravel()) ** 2 if self.method == "value" else super().value(a, y)

    def delta(self, z, a, y):
        return a - y.ravel() if self.method == "delta" else super().delta(z, a, y)


@pytest.mark.parametrize("method", ["value", "delta"])
def test_columns_beside_rows_are_told(method):
    net = cr.Network([2, 1], output="softplus", cost=Flat(method), seed=0)
    with pytest.raises(ValueError, match=rf"{method}\(.*shape \(4, 4\).*\(m, 1\) makes \(m, m\)"):
        net.fit(np.eye(2), [0.5, 1.0])


def test_predictions_go_with_targets_of_one_column_and_outputs_are_said_not_to():
    net, X, y = cr.Network([2, 1], output="identity", seed=0), np.eye(2), np.ones(2)
    assert (net.predict(X) - y).shape == (net(X)[:, 0] - y).shape == (2,)
    assert (net(X) - y).shape == (2, 2)
    for method in (net.feedforward, net.predict):
        assert " - y``" in method.__doc__


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hidden": Tanh}, TypeError, r"use Tanh\(\)"),
        ({"cost": HalfSquare}, TypeError, r"use HalfSquare\(\)"),
        ({"hidden": SlopeAlone()}, TypeError, "SlopeAlone has slope alone"),
        ({"cost": Tanh()}, TypeError, "Tanh has value alone"),
        ({"hidden": 3.0}, TypeError, "hidden must be a name"),
        ({"cost": 3}, TypeError, "cost must be a name"),
        ({"hidden": [Tanh(), Tanh()]}, ValueError, "1 hidden layers"),
        ({"hidden": NoArray()}, ValueError, r"shape \(4, 5\); got list"),
        ({"hidden": Objects()}, TypeError, "real numbers; got dtype complex128"),
        ({"hidden": Nowhere()}, ValueError, "not finite at any"),
        ({"output": Tanh(), "cost": "cross_entropy"}, ValueError, r"got output='Tanh\(\)'"),
    ],
)
def test_what_does_not_fit_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        cr.Network([4, 5, 3], **options)


def test_single_equations_take_names():
    with pytest.raises(TypeError, match="must be a name"):
        cr.equations.bp2(np.ones((2, 2)), [1, 1], [1, 1], activation=Tanh())


# ---------------------------------------------------------------- memory


def test_what_they_are_shown_is_read_only_and_may_be_kept():
    class Keeps(Tanh):
        kept = ()

        def slope(self, z, a):
            self.kept += (z, a)
            return 1 - a * a

    class KeepsToo(HalfSquare):
        kept = ()

        def value(self, a, y):
            self.kept += (a, y)
            return super().value(a, y)

    activation, cost = Keeps(), KeepsToo()
    net = cr.Network([4, 7, 3], hidden=activation, output="softplus", cost=cost, seed=0)
    y = np.random.default_rng(0).random((700, 3))
    net.fit(X, y, epochs=1)
    net.trace(X, y)
    net.backprop(X, y)
    net.evaluate(X, y)
    gc.collect()
    rubbish = [np.full(100_000, np.nan, "f4") for _ in range(50)]  # takes what was set free
    kept = activation.kept + cost.kept
    assert len(kept) > 30
    for array in kept:
        assert np.isfinite(array).all()
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 3
    del rubbish


# ---------------------------------------------------------------- exceptions


class Fails:
    """An activation and a cost; raises at the n-th call of a method from `armed` on."""

    def __init__(self):
        self.left, self.method, self.error = None, None, None

    def arm(self, method, n, error):
        self.method, self.left, self.error = method, n, error

    def _count(self, method):
        if method == self.method:
            self.left -= 1
            if self.left == 0:
                raise self.error


class FailingActivation(Fails, Tanh):
    def value(self, z):
        self._count("value")
        return super().value(z)

    def slope(self, z, a):
        self._count("slope")
        return super().slope(z, a)


class FailingCost(Fails, HalfSquare):
    def value(self, a, y):
        self._count("cost")
        return super().value(a, y)

    def delta(self, z, a, y):
        self._count("delta")
        return super().delta(z, a, y)


@pytest.mark.parametrize("optimizer", [cr.SGD(0.1), cr.Rprop()], ids=["sgd", "rprop"])
@pytest.mark.parametrize("error", [KeyError("mine"), KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("method", ["value", "slope", "cost", "delta"])
@pytest.mark.parametrize("at", [5, 10, 13])  # five batches an epoch
def test_what_they_raise_comes_out_and_undoes_the_epoch(method, error, optimizer, at):
    activation, cost = FailingActivation(), FailingCost()
    net, twin = (
        cr.Network([4, 7, 3], hidden=activation, output="softplus", cost=cost, seed=0)
        for _ in range(2)
    )
    y = np.random.default_rng(0).random((50, 3))
    options = {"batch_size": 10, "optimizer": optimizer, "clip_value": 0.1}
    net.fit(X[:50], y, epochs=0)  # so that it is checked
    (activation if method in ("value", "slope") else cost).arm(method, at, error)
    with pytest.raises(type(error)) as caught:
        net.fit(X[:50], y, epochs=4, **options)
    assert caught.value is error
    epochs = (at - 1) // 5
    assert net.epochs_trained == len(net.history) == epochs
    activation.method = cost.method = None
    if epochs:
        twin.fit(X[:50], y, epochs=epochs, **options)
    assert carried(net) == carried(twin)
    net.fit(X[:50], y, epochs=1, **options)


@pytest.mark.parametrize("ask", ["feedforward", "evaluate", "backprop", "trace", "jacobian"])
def test_what_they_raise_comes_out_of_questions(ask):
    activation = FailingActivation()
    net = cr.Network([4, 7, 3], hidden=activation, seed=0)
    activation.arm("value", 2, KeyError("mine"))  # several tiles are to come
    x, y = np.tile(X, (3, 1)), np.random.default_rng(0).random((3 * len(X), 3))
    arguments = (x,) if ask in ("feedforward", "jacobian") else (x, y)
    with pytest.raises(KeyError, match="mine"):
        getattr(net, ask)(*arguments)
    assert activation.left == 0  # and was not called again


def test_a_cost_that_is_not_finite_is_a_divergence():
    class Bounded(HalfSquare):
        def value(self, a, y):
            return np.where(np.abs(a).max() > 50, np.nan, 1.0) * super().value(a, y)

        def delta(self, z, a, y):
            return a - y

    net = cr.Network([4, 3], output="identity", cost=Bounded(), seed=0)
    y = np.random.default_rng(0).random((50, 3))
    with pytest.raises(cr.DivergenceError):
        net.fit(X[:50], y, epochs=200, optimizer=cr.SGD(3.0))
    assert np.isfinite(net.parameters).all()


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_inside_of_one(which):
    net, twin, y = pairs()[which][0], pairs()[which][0], pairs()[which][2]
    value, calls = Tanh.value, []

    def interrupted(self, z):
        calls.append(1)
        if len(calls) == 100:
            signal.raise_signal(signal.SIGINT)
        return value(self, z)

    net = cr.Network([4, 7, 3], hidden=Tanh(), dtype="float64", seed=0)
    twin = cr.Network([4, 7, 3], hidden=Tanh(), dtype="float64", seed=0)
    try:
        Tanh.value = interrupted
        with pytest.raises(KeyboardInterrupt):
            net.fit(X, y, epochs=20)  # 22 batches an epoch
    finally:
        Tanh.value = value
    assert net.epochs_trained == 4
    twin.fit(X, y, epochs=4)
    assert carried(net) == carried(twin)
