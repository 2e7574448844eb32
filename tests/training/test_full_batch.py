"""What LBFGS and LevenbergMarquardt share: how `fit` goes on, ends, records and refuses."""

import numpy as np
import pytest

import oracle
from carried import carried
from chainrule import LBFGS, SGD, DivergenceError, LevenbergMarquardt, Network, load
from chainrule.core import _core
from chainrule.training.full_batch.cost import FullBatch
from histories import grow

each_optimizer = pytest.mark.parametrize(
    "optimizer", [LBFGS(4), LevenbergMarquardt()], ids=["LBFGS", "LevenbergMarquardt"]
)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def problem(rows=70):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    return x, np.sin(x @ rng.normal(size=(3, 2))) + 0.1 * rng.normal(size=(rows, 2))


def make(dtype="float64", **options):
    return Network([3, 7, 2], hidden="tanh", output="identity", dtype=dtype, seed=3, **options)


# ---------------------------------------------------------------- going on


@each_dtype
@each_optimizer
@pytest.mark.parametrize("first", [1, 2, 15])
def test_two_fits_are_one(optimizer, dtype, first, tmp_path):
    x, y = problem()
    whole, halves, saved = (make(dtype) for _ in range(3))
    options = {"optimizer": optimizer, "l2": 1e-3}
    course = whole.fit(x, y, epochs=30, **options).cost.tolist()
    costs = halves.fit(x, y, epochs=first, **options).cost.tolist()
    costs += halves.fit(x, y, epochs=30 - first, **options).cost.tolist()
    assert carried(halves) == carried(whole)
    assert costs == course
    assert len(course) > 15

    saved.fit(x, y, epochs=first, **options)
    saved.save(tmp_path / "net.npz")
    saved = load(tmp_path / "net.npz")
    saved.fit(x, y, epochs=30 - first, **options)
    assert carried(saved) == carried(whole)


def test_the_state_is_arrays_like_the_parameters():
    x, y = problem()
    net = make("float32")
    net.fit(x, y, optimizer=LBFGS(3), epochs=2)
    assert list(net.optimizer_state) == ["s0", "y0", "s1", "y1"]
    net.fit(x, y, optimizer=LBFGS(3), epochs=5)
    assert list(net.optimizer_state) == ["s0", "y0", "s1", "y1", "s2", "y2"]
    net.fit(x, y, optimizer=LevenbergMarquardt(), epochs=1)
    assert list(net.optimizer_state) == ["damping"]
    assert {(a.shape, a.dtype) for a in net.optimizer_state.values()} == {
        (net.parameters.shape, np.dtype("float32"))
    }


@each_optimizer
@pytest.mark.parametrize("other", [SGD(0.01, momentum=0.9), LBFGS(2), LevenbergMarquardt(5.0)])
def test_after_another_kind_of_optimizer_it_begins_anew(optimizer, other):
    x, y = problem()
    net = make()
    net.fit(x, y, optimizer=other, epochs=3)
    twin = make()
    twin.parameters = net.parameters
    if isinstance(other, type(optimizer)):
        twin.optimizer_state = dict(net.optimizer_state)
    net.fit(x, y, optimizer=optimizer, epochs=5)
    twin.fit(x, y, optimizer=optimizer, epochs=5)
    assert carried(net)[:2] == carried(twin)[:2]


def test_fewer_pairs_are_the_newest():
    x, y = problem()
    net = make()
    net.fit(x, y, optimizer=LBFGS(6), epochs=6)
    twin = make()
    twin.parameters = net.parameters
    last = [values for name, values in net.optimizer_state.items() if name[1] in "45"]
    twin.optimizer_state = dict(zip(["s0", "y0", "s1", "y1"], last, strict=True))
    net.fit(x, y, optimizer=LBFGS(2), epochs=4)
    twin.fit(x, y, optimizer=LBFGS(2), epochs=4)
    assert carried(net)[:2] == carried(twin)[:2]


def test_plain_descent_goes_on_after_them():
    x, y = problem()
    net = make()
    net.fit(x, y, optimizer=LBFGS(), epochs=3)
    net.fit(x, y, optimizer=SGD(0.01), epochs=1)
    assert net.optimizer_state == {}
    assert net.epochs_trained == 4


@each_optimizer
def test_batches_and_their_order_have_no_meaning(optimizer):
    x, y = problem()
    nets = [make() for _ in range(3)]
    nets[0].fit(x, y, optimizer=optimizer, epochs=5)
    nets[1].fit(x, y, optimizer=optimizer, epochs=5, batch_size=3, shuffle=False)
    nets[2].fit(x, y, optimizer=optimizer, epochs=5, batch_size=10**6)
    assert carried(nets[0]) == carried(nets[1]) == carried(nets[2])


# ---------------------------------------------------------------- history


@each_dtype
@each_optimizer
def test_the_history_has_the_cost_after_each_epoch(optimizer, dtype):
    x, y = problem()
    net, twin = make(dtype), make(dtype)
    net.fit(x, y, optimizer=optimizer, epochs=3)
    options = {"optimizer": optimizer, "l2": 1e-3}
    history = net.fit(x, y, epochs=6, validation_data=(x[:9], y[:9]), **options)
    twin.fit(x, y, optimizer=optimizer, epochs=3)
    assert history.epoch.tolist() == [3, 4, 5, 6, 7, 8]
    assert net.epochs_trained == 9
    assert (history.seconds > 0).all()
    for i in range(6):
        twin.fit(x, y, epochs=1, **options)
        assert history.cost[i] == twin.evaluate(x, y)["cost"]  # without the penalty
        assert history.validation_cost[i] == twin.evaluate(x[:9], y[:9])["cost"]


@each_dtype
@each_optimizer
@pytest.mark.parametrize("l2", [0.0, 0.05])
def test_what_is_minimised_never_rises(optimizer, dtype, l2):
    x, y = problem()
    net = make(dtype)
    values = []
    for _ in range(60):
        cost = net.evaluate(x, y)["cost"]
        values.append(cost + l2 / 2 * sum((W.astype(float) ** 2).sum() for W in net.weights))
        net.fit(x, y, optimizer=optimizer, epochs=1, l2=l2)
    assert np.diff(values).max() <= 1e-15  # of the sums here
    assert values[-1] < 0.8 * values[0]


@each_dtype
@each_optimizer
def test_it_ends_where_the_ground_is_level(optimizer, dtype):
    """At a minimum by the oracle's gradient; and further epochs do not happen."""
    x, y = problem()
    net, l2 = make(dtype), 0.1
    history = net.fit(x, y, optimizer=optimizer, epochs=1000, l2=l2)
    assert len(history) == net.epochs_trained < 1000
    nabla_w, nabla_b, _ = oracle.backprop(oracle.copy_of(net), x.astype(dtype), y.astype(dtype))
    slopes = [*nabla_b, *(g + l2 * W for g, W in zip(nabla_w, net.weights, strict=True))]
    largest = max(np.abs(slope).max() for slope in slopes)
    assert largest < {"float32": 1e-3, "float64": 1e-7}[dtype]
    before = carried(net)
    assert len(net.fit(x, y, optimizer=optimizer, epochs=50, l2=l2)) == 0
    assert carried(net) == before
    assert net.history.epoch.tolist() == []


@each_optimizer
def test_a_tolerance_ends_it_earlier(optimizer):
    x, y = problem()
    short, long = make(), make()
    kind = type(optimizer)
    short.fit(x, y, optimizer=kind(tolerance=1e-2), epochs=100)
    assert np.abs(short.backprop(x, y).parameters).max() <= 1e-2
    long.fit(x, y, optimizer=kind(tolerance=1e-3), epochs=100)
    assert 0 < short.epochs_trained < long.epochs_trained
    twin = make()
    twin.fit(x, y, optimizer=kind(), epochs=short.epochs_trained - 1)
    assert np.abs(twin.backprop(x, y).parameters).max() > 1e-2


@each_optimizer
def test_no_epochs_change_nothing(optimizer):
    x, y = problem()
    net = make()
    before = carried(net)
    assert len(net.fit(x, y, optimizer=optimizer, epochs=0)) == 0
    assert carried(net) == before


@each_optimizer
def test_progress_shows_each_epoch(optimizer, capsys):
    x, y = problem()
    make().fit(x, y, optimizer=optimizer, epochs=3, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]


# ---------------------------------------------------------------- numbers that are not finite


@each_dtype
@each_optimizer
@pytest.mark.parametrize("layer", [2, 3])
def test_a_cost_that_is_not_finite_to_begin_with(optimizer, dtype, layer):
    x, y = problem()
    net = make(dtype)
    net.fit(x, y, optimizer=optimizer, epochs=2)
    net.weights[layer - 2][0, 0] = np.inf
    before = carried(net)
    with pytest.raises(DivergenceError, match=f"epoch 2 .* first at layer {layer};"):
        net.fit(x, y, optimizer=optimizer, epochs=5)
    assert carried(net) == before
    assert len(net.history) == 0


@each_optimizer
def test_a_gradient_that_is_not_finite_to_begin_with(optimizer):
    """The cost is the last to say so: each δ of 1e30, times the input."""
    net = Network([1, 1], output="identity", init=lambda *_: ([[0.0]], [0.0]))
    with pytest.raises(DivergenceError, match=r"epoch 0 .* first at layer 2"):
        net.fit([[1e30]], [[1e15]], optimizer=optimizer, epochs=5)
    assert net.parameters.tolist() == [0.0, 0.0]


@each_dtype
@each_optimizer
def test_trials_that_are_not_finite_are_taken_back(optimizer, dtype, monkeypatch):
    """A function without value further than a little way from where it stands."""
    at, refused = FullBatch.at, []

    def near(self, w):
        point = at(self, w)
        if np.abs(point.w - net.parameters).max() < 1e-3:
            return point
        refused.append(w)
        return point._replace(value=np.nan)

    x, y = problem()
    net = make(dtype)
    begin = net.parameters.astype(float)
    monkeypatch.setattr(FullBatch, "at", near)
    history = net.fit(x, y, optimizer=optimizer, epochs=4)
    assert len(history) == 4
    assert len(refused) >= 4
    assert np.isfinite(history.cost).all()
    assert (np.diff(history.cost) < 0).all()
    assert 0 < np.abs(net.parameters - begin).max() < 4.01e-3


@each_optimizer
def test_targets_out_of_reach_make_no_warning(optimizer):
    x, y = problem()
    for scale in (1e15, 1e18):
        net = make("float32")
        history = net.fit(x, scale * y, optimizer=optimizer, epochs=20)
        assert len(history)
        assert np.isfinite(net.parameters).all()
        assert (np.diff(history.cost) <= 0).all()


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("optimizer", ["lbfgs", LBFGS, LevenbergMarquardt, 0.1])
def test_what_is_no_optimizer_is_refused(optimizer):
    x, y = problem()
    with pytest.raises(TypeError, match=r"such as .*LBFGS, LevenbergMarquardt"):
        make().fit(x, y, optimizer=optimizer)


@each_optimizer
def test_layers_are_not_recorded(optimizer):
    x, y = problem()
    net = make()
    with pytest.raises(ValueError, match=f"record cannot be used with {type(optimizer).__name__}"):
        net.fit(x, y, optimizer=optimizer, record="layers")
    assert net.history is None


def test_settings_of_lbfgs():
    for value in (0, -1):
        with pytest.raises(ValueError, match="history must be 1 or more"):
            LBFGS(value)
    with pytest.raises(TypeError, match="history must be a whole number"):
        LBFGS(2.5)
    with pytest.raises(ValueError, match="tolerance must be"):
        LBFGS(tolerance=-1)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("s1", np.ones(5), r'\["s1"\] must have the shape \(44,\)'),
        ("y0", np.full(44, np.nan), r'\["y0"\] must be finite'),
    ],
)
def test_pairs_that_do_not_fit_are_refused(name, values, message):
    x, y = problem()
    net = make()
    net.fit(x, y, optimizer=LBFGS(), epochs=2)
    net.optimizer_state[name] = values
    before = carried(net)
    with pytest.raises(ValueError, match=message):
        net.fit(x, y, optimizer=LBFGS(), epochs=2)
    assert carried(net) == before
    assert len(net.history) == 2


# ---------------------------------------------------------------- the core's part


@each_dtype
def test_accept_takes_over_all_of_an_epoch(dtype):
    parameters, w = np.zeros(3, dtype), np.arange(3, dtype=dtype)
    clock, state, history = np.array([4], np.uint64), {"s0": w, "s1": w}, grow(1, validation=False)
    carried = {"s0": 2 * w, "y0": w}
    _core.accept(parameters, w, clock, state, carried, _core.Log(*history.core_columns), 0.5, 3.0)
    assert parameters.tolist() == [0, 1, 2]
    assert clock.tolist() == [5]
    assert state == carried
    assert (history.cost.tolist(), history.seconds.tolist()) == ([1.0, 0.5], [0.25, 3.0])


@each_dtype
@pytest.mark.parametrize("row", [0, 511, 512, 1300])
def test_the_layer_that_diverged_is_found_on_any_row(dtype, row):
    net = make(dtype, init=lambda rng, n_in, n_out: (np.ones((n_out, n_in)), np.ones(n_out)))
    net.weights[1][0] = np.finfo(dtype).max
    x, y = -5 * np.ones((1301, 3), dtype), np.zeros((1301, 2), dtype)
    net.biases[0][:] = 15  # tanh(0) = 0 everywhere
    x[row] = 5
    assert _core.diverged_layer(net._plan, net.parameters, x, y, None) == 3


@each_optimizer
@pytest.mark.parametrize(
    "option",
    [
        {"l1": 0.1},
        {"max_norm": 1.0},
        {"clip_norm": 1.0},
        {"average": 0.9},
        {"dropout": 0.5},
        {"validation_split": 0.1},
    ],
    ids=lambda option: next(iter(option)),
)
def test_options_for_mini_batches_are_refused(optimizer, option):
    x, y = np.ones((40, 3)), np.ones((40, 2))
    net = Network([3, 4, 2], seed=0)
    before = net.parameters.tobytes()
    refused = f"{next(iter(option))}.* cannot be used with .*l2 and l2_of_batch alone"
    with pytest.raises(ValueError, match=refused):
        net.fit(x, y, optimizer=optimizer, **option)
    assert net.parameters.tobytes() == before
    assert net.history is None
