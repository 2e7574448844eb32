"""The learning-rate range test, against the same steps done one at a time."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot

import chainrule as cr
from chainrule.training.range_test import LearningRateRange


def problem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(70, 4))
    net = cr.Network((4, 8, 3), hidden="tanh", output="softmax", cost="log_likelihood", seed=3)
    return net, x, (x @ rng.normal(size=(4, 3))).argmax(axis=1)


@pytest.mark.parametrize("optimizer", [None, cr.SGD(0.3, momentum=0.5), cr.AdamW(0.5)])
def test_each_step_has_its_rate(optimizer):
    net, x, y = problem()
    found = cr.learning_rate_range(
        net, x, y, optimizer=optimizer, low=1e-4, high=1.0, steps=40, batch_size=32
    )
    assert len(found.rates) == len(found.costs) == len(found.smoothed) == 40
    np.testing.assert_allclose(found.rates, [10 ** (-4 + 4 * k / 39) for k in range(40)])

    twin, rng = problem()[0], np.random.default_rng(3)
    rows = [order[a : a + 32] for order in (rng.permutation(70) for _ in range(14))
            for a in (0, 32, 64)]  # fmt: skip
    settings = {"momentum": 0.5} if isinstance(optimizer, cr.SGD) else {}
    kind = cr.Adam if optimizer is None else type(optimizer)
    average = 0
    for k in range(40):
        batch = x[rows[k]], y[rows[k]]
        assert found.costs[k] == pytest.approx(twin.evaluate(*batch)["cost"], rel=1e-5)
        average = 0.9 * average + 0.1 * found.costs[k]
        assert found.smoothed[k] == pytest.approx(average / (1 - 0.9 ** (k + 1)), rel=1e-12)
        rule = kind(found.rates[k], **settings)
        twin.fit(*batch, optimizer=rule, epochs=1, batch_size=32)


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
    found = LearningRateRange(rates, np.ones(5), np.array([5.0, 4.9, 3, 2.5, 9]))
    # slopes over ln η: -0.1, -1, -1.2, +3, ... in steps of one
    assert found.suggestion == rates[2]
    assert "suggestion 0.01" in repr(found)
    rising = LearningRateRange(rates, np.ones(5), np.arange(5.0))
    assert rising.suggestion is None
    assert "suggestion none" in repr(rising)
    assert LearningRateRange(rates[:1], np.ones(1), np.ones(1)).suggestion is None


def test_the_first_steps_and_what_comes_after_the_least_do_not_count():
    rates = np.geomspace(1e-5, 1, 40)
    costs = np.linspace(5, 4, 40)
    costs[:3] = [90, 70, 50]
    costs[25] = 3.5
    costs[26:] = np.linspace(200, 50, 14)
    assert LearningRateRange(rates, costs, costs).suggestion == rates[24]


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
    np.testing.assert_array_equal(lines["mini-batch"].get_ydata(), found.costs)
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
        LearningRateRange(np.ones(2), np.ones(2), np.ones(2)).plot()


@pytest.mark.parametrize(
    ("given", "exception", "named"),
    [
        ({"low": 0}, ValueError, "low must be a positive"),
        ({"low": 1, "high": 1}, ValueError, "high must be a number above low"),
        ({"high": np.inf}, ValueError, "high"),
        ({"steps": 1}, ValueError, "steps must be 2 or more"),
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
