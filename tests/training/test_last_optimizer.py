"""A fit that names no optimiser goes on with the network's last, wherever the network has been."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.optimizers import Optimizer
from chainrule.schedules import Schedule
from interruptions import interrupted_at_each_line
from model_files import rewrite
from optimizer_cases import CASES
from rules import SCHEDULES
from three_classes import three_classes

X, LABELS = three_classes(47)
VALUES = np.sin(X[:, :1]) + X[:, 1:2]
OPTIMIZERS = {name: getattr(cr, kind)(**settings) for name, (kind, settings) in CASES.items()}
OPTIMIZERS |= {
    f"Adam {name}": cr.Adam(schedule(0.01))
    for name, schedule in SCHEDULES.items()
    if name not in ("number", "function", "plateau of validation")
}
OPTIMIZERS |= {
    "LBFGS": cr.LBFGS(history=3, tolerance=1e-7),
    "LevenbergMarquardt": cr.LevenbergMarquardt(0.1, factor=4),
    "numbers of NumPy": cr.SGD(np.float32(0.1), momentum=np.float64(0.5), nesterov=np.bool_(True)),
    "counts of NumPy": cr.RMSprop(cr.ReduceOnPlateau(np.array(0.01), patience=np.int64(2))),
}


class Halving(Schedule):
    """A schedule of the user's own."""

    def _at(self, epoch):
        return 0.1 / 2**epoch


def falling(epoch):
    return 0.1 / (1 + epoch)


# A learning rate that no file can hold, and what it is called there.
OWN = {
    "falling": falling,
    "<lambda>": lambda epoch: 0.1 / (1 + epoch),
    "partial": partial(pow, 0.1),
    "Halving": Halving(),
}


def begin():
    return cr.Network([4, 5, 1], hidden="tanh", output="identity", seed=5)


def trained(optimizer, epochs=3):
    net = begin()
    net.fit(X, VALUES, optimizer=optimizer, epochs=epochs)
    return net


def through_a_file(net, folder):
    net.save(folder / "net.npz")
    return cr.load(folder / "net.npz")


def test_a_network_never_trained_takes_adam():
    net = begin()
    assert net.optimizer is None
    net.fit(X, VALUES)
    assert net.optimizer == cr.Adam()
    assert carried(net) == carried(trained(cr.Adam(), epochs=10))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_goes_on_with_the_last_one_to_the_last_bit(name, tmp_path):
    net = trained(OPTIMIZERS[name])
    assert net.optimizer is OPTIMIZERS[name]
    whole = trained(OPTIMIZERS[name], epochs=7)
    others = [
        through_a_file(through_a_file(net, tmp_path), tmp_path),
        pickle.loads(pickle.dumps(net)),
        copy.copy(net),
        copy.deepcopy(net),
    ]
    for one in (net, *others):
        assert one.optimizer == net.optimizer
        one.fit(X, VALUES, epochs=4)
        assert carried(one) == carried(whole)
        assert one.optimizer == OPTIMIZERS[name]


def test_every_optimiser_and_schedule_has_been_through_a_file():
    rates = [getattr(rule, "learning_rate", None) for rule in OPTIMIZERS.values()]
    kinds = {type(it).__name__ for it in (*OPTIMIZERS.values(), *rates)} | {"Constant"}
    exported = [getattr(cr, name) for name in cr.__all__]
    wanted = {k for k in exported if isinstance(k, type) and issubclass(k, Optimizer | Schedule)}
    assert {kind.__name__ for kind in wanted} <= kinds


@pytest.mark.parametrize("name", OWN)
def test_a_function_is_in_copies_and_asked_for_after_a_file(name, tmp_path):
    rule = cr.Adam(OWN[name], beta1=0.8)
    net, whole = trained(rule), trained(rule, epochs=5)
    for twin in (copy.copy(net), copy.deepcopy(net)):
        assert twin.optimizer.learning_rate is OWN[name]
        twin.fit(X, VALUES, epochs=2)
        assert carried(twin) == carried(whole)
    for back in (
        through_a_file(through_a_file(net, tmp_path), tmp_path),
        pickle.loads(pickle.dumps(net)),
    ):
        before = carried(back)
        assert back.optimizer.beta1 == 0.8
        with pytest.raises(ValueError, match=rf"was '{name}', a function .* fit\(\.\.\., optim"):
            back.fit(X, VALUES)
        with pytest.raises(ValueError, match="a function"):
            back.fit(X, VALUES, optimizer=back.optimizer, epochs=0)
        assert carried(back) == before
        cr.learning_rate_range(back, X, VALUES, steps=3)  # it has rates of its own
        back.fit(X, VALUES, optimizer=rule, epochs=2)
        assert carried(back) == carried(whole)
        assert back.optimizer is rule


def test_an_optimiser_of_the_users_own_is_not_in_a_file(tmp_path):
    class Mine(cr.Adam):
        pass

    back = through_a_file(trained(Mine()), tmp_path)
    assert back.optimizer is None
    with pytest.raises(ValueError, match="does not know which"):
        back.fit(X, VALUES)


# ---------------------------------------------------------------- files of before


def of_before(optimizer, path, **options):
    net = begin()
    net.fit(X, VALUES, optimizer=optimizer, epochs=2, **options)
    net.save(path)
    rewrite(path, drop=["optimizer"])
    return cr.load(path)


@pytest.mark.parametrize(
    "rule", [cr.SGD(momentum=0.5), cr.Adam(), cr.SGD(cr.StepDecay(0.1)), cr.LBFGS()], ids=repr
)
def test_a_file_of_before_with_a_state_wants_its_optimiser(rule, tmp_path):
    net = of_before(rule, tmp_path / "net.npz")
    state = ", ".join(map(repr, sorted(net.optimizer_state)))
    before = carried(net)
    with pytest.raises(ValueError, match=f"state of an optimiser, {state}, but does not know"):
        net.fit(X, VALUES)
    assert carried(net) == before
    net.fit(X, VALUES, optimizer=rule, epochs=2)
    assert carried(net) == carried(trained(rule, epochs=4))
    again = cr.load(tmp_path / "net.npz")
    again.optimizer = rule
    again.fit(X, VALUES, epochs=2)
    assert carried(again) == carried(net)
    again.optimizer, again.optimizer_state = None, {}
    again.fit(X, VALUES, epochs=1)
    assert again.optimizer == cr.Adam()


@pytest.mark.parametrize("options", [{}, {"average": 0.5}])
def test_a_file_of_before_without_a_state_goes_by_adam(tmp_path, options):
    net = of_before(cr.SGD(0.1), tmp_path / "net.npz", **options)
    net.fit(X, VALUES, epochs=1, **options)
    assert net.optimizer == cr.Adam()


# ---------------------------------------------------------------- assigned, kept, put back


def test_it_can_be_assigned_and_is_checked():
    net = begin()
    net.optimizer = cr.RMSprop(0.02)
    net.fit(X, VALUES, epochs=3)
    assert carried(net) == carried(trained(cr.RMSprop(0.02)))
    for wrong in ("adam", cr.Adam, 0.1):
        with pytest.raises(TypeError, match=r"optimizer must be an optimiser .* chainrule\."):
            net.optimizer = wrong
    assert net.optimizer == cr.RMSprop(0.02)


def stop(net, *_):
    raise cr.StopTraining


def fail(*_):
    raise RuntimeError


class At:
    """Calls `act` at a hook."""

    def __init__(self, hook, act):
        setattr(self, hook, act)


# What ends the fit, its options, and whether it has kept anything.
ENDS = {
    "no epochs": (None, {"epochs": 0}, False),
    "refused": (TypeError, {"early_stopping": True}, False),
    "a callback before it": (RuntimeError, {"callbacks": At("on_train_begin", fail)}, False),
    "stopped before it": (None, {"callbacks": At("on_train_begin", stop)}, False),
    "after the first batch": (RuntimeError, {"callbacks": At("on_batch_end", fail)}, True),
    "after the first epoch": (RuntimeError, {"callbacks": At("on_epoch_end", fail)}, True),
    "stopped after it": (None, {"callbacks": At("on_epoch_end", stop)}, True),
    "diverged at once": (cr.DivergenceError, {"optimizer": cr.SGD(1e30)}, False),
    "level at once": (None, {"optimizer": cr.LBFGS(tolerance=1e30)}, False),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_changed_nothing_leaves_it(name):
    error, options, kept = ENDS[name]
    net = trained(cr.RMSprop(0.01))
    before = carried(net)
    options = {"optimizer": cr.SGD(0.01, momentum=0.5), "epochs": 5} | options
    if error:
        with pytest.raises(error):
            net.fit(X, VALUES, **options)
    else:
        net.fit(X, VALUES, **options)
    assert net.optimizer == (options["optimizer"] if kept else cr.RMSprop(0.01))
    assert (carried(net) != before) == kept


def test_wherever_ctrl_c_comes_it_belongs_to_the_state():
    def fits():
        net = trained(cr.RMSprop(0.01), epochs=1)
        return net, partial(net.fit, X, VALUES, optimizer=cr.SGD(momentum=0.5), epochs=2)

    found = set()
    for line, net in interrupted_at_each_line(fits):
        assert set(net.optimizer.states) == net.optimizer_state.keys(), line
        found.add(type(net.optimizer))
    assert found == {cr.RMSprop, cr.SGD}


def test_an_average_keeps_it_and_begins_its_state_anew():
    net = begin()
    rule = cr.SGD(cr.CosineDecay(0.1, 3))
    history = net.fit(X, VALUES, optimizer=rule, epochs=3, average=0.9)
    twin = net.averaged()
    assert twin.optimizer is rule
    rates = twin.fit(X, VALUES, epochs=3).learning_rate
    assert rates.tolist() == history.learning_rate.tolist()


def test_full_batch_options_are_those_of_the_last_one():
    net = trained(cr.LBFGS())
    with pytest.raises(ValueError, match="dropout cannot be used with LBFGS"):
        net.fit(X, VALUES, dropout=0.5)
    net.fit(X, VALUES, epochs=2, optimizer=cr.SGD(0.01), dropout=0.5)
    net.fit(X, VALUES, epochs=2, dropout=0.5)
    assert net.optimizer == cr.SGD(0.01)


# ---------------------------------------------------------------- who else asks for it


def rate_named(net, **options):
    found = cr.diagnose(net, X, VALUES, **options)
    return [f.figures["learning_rate"] for f in found if "learning_rate" in f.figures]


def test_the_doctor_names_the_rate_of_the_last_one():
    net = begin()
    net.fit(X, VALUES, optimizer=cr.SGD(1e-9), epochs=20, diagnose=True)
    assert str(cr.diagnose(net, X, VALUES)) == str(net.history.diagnosis)
    assert rate_named(net) == [1e-9]
    assert rate_named(net, optimizer=cr.SGD(0.5)) == [0.5]
    assert rate_named(net, history=copy.copy(net.history)) != [1e-9]  # of another training
    with pytest.raises(cr.DivergenceError):
        net.fit(X, VALUES, optimizer=cr.SGD(1e30))
    assert rate_named(net) != [1e-9]  # that was not the one which diverged


def test_the_range_test_takes_the_last_one():
    net = trained(cr.SGD(0.1, momentum=0.9))
    found, said = (
        cr.learning_rate_range(net, X, VALUES, optimizer=rule).costs
        for rule in (None, cr.SGD(0.1, momentum=0.9))
    )
    assert found.tolist() == said.tolist()
    net.optimizer = cr.LBFGS()
    with pytest.raises(ValueError, match="LBFGS finds its own steps"):
        cr.learning_rate_range(net, X, VALUES)
