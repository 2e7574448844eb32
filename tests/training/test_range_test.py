"""The learning-rate range test, against the same steps done one at a time."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot

import chainrule as cr
from chainrule.training.range_test import LearningRateRange, suggestion_of


def problem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(70, 4))
    net = cr.Network((4, 8, 3), hidden="tanh", output="softmax", cost="log_likelihood", seed=3)
    return net, x, (x @ rng.normal(size=(4, 3))).argmax(axis=1)


@pytest.mark.parametrize("batch_size", [None, 32])
@pytest.mark.parametrize("optimizer", [None, cr.SGD(0.3, momentum=0.5), cr.AdamW(0.5)])
def test_each_step_has_its_rate(optimizer, batch_size):
    net, x, y = problem()
    found = cr.learning_rate_range(
        net, x, y, optimizer=optimizer, low=1e-4, high=1.0, steps=40, batch_size=batch_size
    )
    assert len(found.rates) == len(found.costs) == len(found.smoothed) == 40
    np.testing.assert_allclose(found.rates, [10 ** (-4 + 4 * k / 39) for k in range(40)])

    twin, rng = problem()[0], np.random.default_rng(3)
    size = batch_size or 70
    rows = [order[a : a + size] for order in (rng.permutation(70) for _ in range(40))
            for a in range(0, 70, size)]  # fmt: skip
    settings = {"momentum": 0.5} if isinstance(optimizer, cr.SGD) else {}
    kind = cr.Adam if optimizer is None else type(optimizer)
    average = 0
    for k in range(40):
        assert found.costs[k] == pytest.approx(twin.evaluate(x, y)["cost"], rel=1e-5)
        average = 0.9 * average + 0.1 * found.costs[k]
        assert found.smoothed[k] == pytest.approx(average / (1 - 0.9 ** (k + 1)), rel=1e-12)
        rule = kind(found.rates[k], **settings)
        twin.fit(x[rows[k]], y[rows[k]], optimizer=rule, epochs=1, batch_size=size)


def test_of_many_samples_some_are_watched_and_512_make_a_step():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 4))
    y = (x @ rng.normal(size=(4, 3))).argmax(axis=1)
    found = cr.learning_rate_range(problem()[0], x, y, low=1e-3, high=1.0, steps=20)

    twin, rng = problem()[0], np.random.default_rng(3)
    watched = np.sort(rng.choice(3000, 2048, replace=False))
    rows = [order[a : a + 512] for order in (rng.permutation(3000) for _ in range(5))
            for a in range(0, 3000, 512)]  # fmt: skip
    for k in range(20):
        cost = twin.evaluate(x[watched], y[watched])["cost"]
        assert found.costs[k] == pytest.approx(cost, rel=1e-5)
        rule = cr.Adam(found.rates[k])
        twin.fit(x[rows[k]], y[rows[k]], optimizer=rule, epochs=1, batch_size=512)


def test_the_network_stays_as_it_is():
    net, x, y = problem()
    net.fit(x, y, optimizer=cr.Adam(), epochs=2)
    before = net.parameters.tobytes(), net.epochs_trained, net.history, net.optimizer_state
    mean = net.optimizer_state["mean"].tobytes()
    cr.learning_rate_range(net, x, y)
    after = net.parameters.tobytes(), net.epochs_trained, net.history, net.optimizer_state
    assert after == before
    assert net.optimizer_state["mean"].tobytes() == mean


def test_it_ends_when_the_cost_explodes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    net = cr.Network((3, 2), hidden=[], output="identity", seed=0)
    found = cr.learning_rate_range(
        net, x, x[:, :2], optimizer=cr.SGD(), low=1e-4, high=1e30, steps=200
    )
    assert 10 < len(found.rates) < 150
    assert np.isfinite(found.costs).all()
    # ‖1 - ηλ‖ < 1 up to η = 2/λ, with λ about 1
    assert 0.01 < found.suggestion < 2
    assert found.smoothed[-1] > 4 * found.smoothed.min() or found.rates[-1] > 1e3


def test_the_suggestion_is_where_the_cost_falls_most_steeply():
    rates = np.geomspace(1e-4, 1, 5)
    # slopes over ln η: -0.1, -1, -1.2, +3, ... in steps of one
    assert suggestion_of(rates, np.array([5.0, 4.9, 3, 2.5, 9])) == rates[2]
    assert "suggestion 0.01" in repr(LearningRateRange(rates, rates, rates, 0.01))


@pytest.mark.parametrize("smoothed", [np.arange(5.0), np.ones(5), np.ones(2), np.ones(1)])
def test_where_the_cost_does_not_fall_it_says_what_to_do(smoothed):
    rates = np.geomspace(1e-4, 1, 5)[: len(smoothed)]
    message = r"falls at no learning rate from 0\.0001 to .*diagnose.* smaller low=.* steps="
    with pytest.raises(ValueError, match=message):
        suggestion_of(rates, smoothed)


def test_a_network_with_nothing_to_learn_is_told():
    net, x, _ = problem()
    net.fit(x, np.full(70, 1), epochs=1)
    net.biases[-1][:] = -100, 100, -100  # sure of what is always right
    net.weights[-1][:] = 0
    with pytest.raises(ValueError, match="nothing left to learn"):
        cr.learning_rate_range(net, x, np.full(70, 1))


@pytest.mark.parametrize("low", [1e3, 1e30])
def test_rates_that_are_all_too_large_are_told(low):
    net, x, y = problem()
    with pytest.raises(ValueError, match="give a smaller low="):
        cr.learning_rate_range(net, x, y, optimizer=cr.SGD(), low=low, high=1e36)


def test_a_cost_that_is_never_finite():
    net, x, y = problem()
    net.parameters[:] = 3e38
    with pytest.raises(cr.DivergenceError, match="not finite before the first step"):
        cr.learning_rate_range(net, x, y)


def test_the_first_steps_and_what_comes_after_the_least_do_not_count():
    rates = np.geomspace(1e-5, 1, 40)
    costs = np.linspace(5, 4, 40)
    costs[:3] = [90, 70, 50]
    costs[25] = 3.5
    costs[26:] = np.linspace(200, 50, 14)
    assert suggestion_of(rates, costs) == rates[24]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("m", [80, 3000])
def test_noise_does_not_hide_the_suggestion(m, seed):
    """Costs of mini-batches of 32 fall and rise by themselves more than the first steps do."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, 6))
    y = x[:, 0] + rng.standard_t(3, size=m)
    kinds = {"hidden": "relu", "init": "he", "output": "identity"}
    net = cr.Network([6, 40, 40, 1], **kinds, seed=seed)
    assert 1e-3 <= cr.learning_rate_range(net, x, y / y.std()).suggestion <= 0.1


def test_the_suggestion_learns():
    net, x, y = problem()
    found = cr.learning_rate_range(net, x, y, optimizer=cr.SGD())
    start = net.evaluate(x, y)["cost"]
    net.fit(x, y, optimizer=cr.SGD(found.suggestion), epochs=20)
    assert net.evaluate(x, y)["cost"] < 0.8 * start


def test_plot():
    net, x, y = problem()
    found = cr.learning_rate_range(net, x, y)
    ax = found.plot()
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["before each step"].get_ydata(), found.costs)
    np.testing.assert_array_equal(lines["smoothed"].get_xdata(), found.rates)
    assert lines[f"suggestion {found.suggestion:.3g}"].get_xdata()[0] == found.suggestion
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "learning rate"
    ax.figure.canvas.draw()
    assert found.plot(ax) is ax
    pyplot.close(ax.figure)


def test_plot_names_the_extra_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[demo\]"'):
        LearningRateRange(*np.ones((3, 2)), 1.0).plot()


@pytest.mark.parametrize(
    ("given", "exception", "named"),
    [
        ({"low": 0}, ValueError, "low must be a positive"),
        ({"low": 1, "high": 1}, ValueError, "high must be a number above low"),
        ({"high": np.inf}, ValueError, "high"),
        ({"steps": 1}, ValueError, "steps must be 3 or more"),
        ({"steps": 2.5}, TypeError, "steps"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"optimizer": "adam"}, TypeError, "chainrule.Adam()"),
        ({"optimizer": cr.Rprop()}, ValueError, "Rprop finds its own steps"),
        ({"optimizer": cr.LBFGS()}, ValueError, "LBFGS finds its own steps"),
        ({"X": np.zeros((70, 3))}, ValueError, "X must be"),
        ({"y": np.full(70, 3)}, ValueError, "labels from 0 to 2"),
        ({"y": np.zeros(69, int)}, ValueError, "69"),
    ],
)
def test_bad_options(given, exception, named):
    net, x, y = problem()
    with pytest.raises(exception, match=named.replace("(", r"\(").replace(")", r"\)")):
        cr.learning_rate_range(net, **{"X": x, "y": y} | given)


@pytest.mark.parametrize("cost", ["poisson", "gaussian"])
def test_costs_below_0(cost):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = rng.poisson(20 * np.exp(0.3 * x[:, 0]))
    y, n = (y, 1) if cost == "poisson" else (0.01 * x[:, 0], 2)
    output = "exponential" if cost == "poisson" else "identity"
    net = cr.Network([3, 16, n], hidden="tanh", output=output, cost=cost, init="glorot", seed=0)
    found = cr.learning_rate_range(net, x, y)
    assert 1e-4 < found.suggestion < 1
    assert found.costs.min() < 0


def test_it_is_of_a_network():
    x = np.ones((4, 2))
    with pytest.raises(TypeError, match=r"net must be a chainrule\.Network; got ndarray"):
        cr.learning_rate_range(x, x, x)
