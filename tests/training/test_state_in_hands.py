"""While a network is trained its optimizer_state is in the user's hands, and is not trusted."""

import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.core import _core

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 3)), RNG.random((64, 2))
HOOKS = ["on_train_begin", "on_epoch_begin", "on_batch_begin", "on_batch_end", "on_epoch_end"]
OPTIMIZERS = {
    "momentum": (cr.SGD(0.1, momentum=0.9), {}),
    "Adam": (cr.Adam(), {}),
    "average": (cr.RMSprop(), {"average": 0.9}),
    "schedule": (cr.SGD(cr.StepDecay(0.1, epochs=2)), {}),
    "plateau": (cr.SGD(cr.ReduceOnPlateau(0.1, monitor="cost")), {}),
}


def reshape_in_place(array):
    with warnings.catch_warnings():  # NumPy 2.5 begins to want a new view instead
        warnings.simplefilter("ignore", DeprecationWarning)
        array.shape = (1, -1)


SPOILINGS = {
    "cleared": lambda state, name: state.clear(),
    "taken out": lambda state, name: state.pop(name),
    "shorter": lambda state, name: state.update({name: state[name][:0].copy()}),
    "longer": lambda state, name: state.update({name: np.tile(state[name], 3)}),
    "of another dtype": lambda state, name: state.update(
        {name: state[name].astype(state[name].dtype.newbyteorder())}
    ),
    "every second": lambda state, name: state.update({name: np.repeat(state[name], 4)[1::2][::2]}),
    "read-only": lambda state, name: state.update({name: np.frombuffer(state[name].tobytes(),
                                                                      state[name].dtype)}),
    "a list": lambda state, name: state.update({name: state[name].tolist()}),
    "reshaped": lambda state, name: reshape_in_place(state[name]),
}  # fmt: skip


def spoiled(hook, spoiling, optimizer, options):
    """Spoil each state, at the hook of the second epoch or batch."""
    net = cr.Network([3, 5, 2], seed=0)
    net.fit(X, Y, optimizer=optimizer, epochs=1, **options)
    for name, kept in net.optimizer_state.items():
        if spoiling == "every second" and kept.size == 1:
            continue  # as good as whole
        twin, seen = net.copy(), []

        def spoil(*_, twin=twin, seen=seen, name=name):
            seen.append(name)
            if len(seen) == (1 if hook == "on_train_begin" else 2):
                SPOILINGS[spoiling](twin.optimizer_state, name)

        yield twin, type("Spoils", (), {hook: staticmethod(spoil)})()


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("spoiling", SPOILINGS)
@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_state_that_is_spoiled_is_refused_before_the_core_is_entered(
    optimizer, options, spoiling, hook
):
    for net, callback in spoiled(hook, spoiling, optimizer, options):
        how = {"optimizer": optimizer, "epochs": 4, "batch_size": 16, "callbacks": callback}
        with pytest.raises(ValueError, match="must stay what training began with"):
            net.fit(X, Y, **how, **options)
        assert np.isfinite(net.parameters).all()


def test_its_numbers_may_be_written_and_arrays_like_it_put_in_its_place():
    def halve(net, history):
        net.optimizer_state["velocity"] *= 0.5
        net.optimizer_state["velocity"] = net.optimizer_state["velocity"].copy()

    net, twin = (cr.Network([3, 5, 2], seed=0) for _ in range(2))
    rule = cr.SGD(0.1, momentum=0.9)
    net.fit(X, Y, optimizer=rule, epochs=3, callbacks=halve)
    for _ in range(3):
        twin.fit(X, Y, optimizer=rule, epochs=1)
        twin.optimizer_state["velocity"] *= 0.5
    np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.parametrize("place", range(6))
def test_the_core_looks_at_sizes_itself(place, monkeypatch):
    net = cr.Network([3, 5, 2], seed=0)
    own = _core.TrainingState

    def state(*arrays):
        arrays = list(arrays)
        arrays[place] = np.zeros(3, getattr(arrays[place], "dtype", "f4"))
        return own(*arrays)

    monkeypatch.setattr(_core, "TrainingState", state)
    with pytest.raises(ValueError, match=r"expected (32|one) number"):
        net.fit(X, Y, optimizer=cr.Adam(), average=0.9)
