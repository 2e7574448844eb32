"""The surface of `Network`: shapes, scores, views, first parameters, what a fit leaves behind."""

import copy
import doctest
import pickle

import numpy as np
import pytest

import chainrule
import chainrule.course.circuits
import chainrule.course.perceptron
import chainrule.network
from carried import carried
from chainrule import SGD, Network
from children import python
from three_classes import three_classes

DTYPES = ["float32", "float64"]


@pytest.fixture
def data():
    """(40, 4) inputs and labels 0, 1, 2."""
    return three_classes(40)


def draw(sizes=(4, 6, 3), **options):
    return Network(sizes, **{"hidden": "tanh", "seed": 5, **options})


# ---------------------------------------------------------------- names and attributes


def test_names_there_are():
    assert " ".join(chainrule.ACTIVATIONS) == (
        "sigmoid tanh relu leaky_relu elu selu softplus gelu swish mish softsign hard_sigmoid "
        "exponential identity step softmax"
    )
    assert " ".join(chainrule.COSTS) == (
        "quadratic squared_error absolute_error huber quantile hinge "
        "cross_entropy log_likelihood poisson gaussian"
    )
    assert list(chainrule.INITIALIZERS) == [
        "scaled",
        "large",
        "glorot",
        "he",
        "lecun",
        "small",
        "zeros",
    ]
    assert set(chainrule.__all__) <= set(dir(chainrule))
    results = ("Descent", "NumericalGradient", "Path", "Paths", "PerceptronReport")
    assert set(results) <= set(chainrule.__all__)  # to ask isinstance of what is returned


def test_a_network_says_what_it_is():
    net = Network([4, 6, 5, 3])
    assert net.sizes == (4, 6, 5, 3)
    assert net.hidden == ("sigmoid", "sigmoid")
    assert (net.output, net.cost, net.bias) == ("sigmoid", "quadratic", True)
    assert net.dtype == np.dtype("float32")
    assert net.parameters.dtype == net.dtype
    assert 0 <= net.seed < 2**64
    assert (net.epochs_trained, net.optimizer_state, net.history) == (0, {}, None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "dtype": "float64", "output": "softmax", "cost": "log_likelihood"},
        {"hidden": ["relu", "identity"], "seed": 2**64 - 1},
        {"hidden": np.array(["relu", "tanh"])},
        {name: np.str_("tanh") for name in ("hidden", "output")},
    ],
    ids=["defaults", "softmax", "hidden list", "hidden array", "NumPy strings"],
)
def test_the_repr_makes_the_same_network(options):
    net = draw((4, 6, 5, 3), **options)
    again = eval(repr(net), {"Network": Network})
    assert again.parameters.tobytes() == net.parameters.tobytes()
    assert repr(again) == repr(net)


# ---------------------------------------------------------------- parameters and their views


def test_what_comes_back_shows_its_shapes():
    net = chainrule.Network([3, 5, 2], seed=0)
    x, y = np.zeros((4, 3)), np.zeros((4, 2))
    nabla = net.backprop(x, y)
    shown = "weights (5, 3), (2, 5); biases (5,), (2,)"
    assert repr(nabla) == f"<Gradient: {shown}; cost {nabla.cost:.4g}>"
    assert repr(net.trace(x, y)) == "<Trace: z, a and delta, each (4, 5), (4, 2)>"
    assert "weights (2, 5, 3), (2, 2, 5); biases (2, 5), (2, 2)" in repr(net.sensitivity(x[0]))
    assert "biases none" in repr(chainrule.Network([3, 2], bias=False).backprop(x, y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
def test_views_stand_in_the_flat_vector(bias, dtype):
    net = draw((4, 6, 5, 3), bias=bias, dtype=dtype)
    assert [w.shape for w in net.weights] == [(6, 4), (5, 6), (3, 5)]
    assert [b.shape for b in net.biases] == ([(6,), (5,), (3,)] if bias else [])
    net.parameters[:] = np.arange(net.parameters.size)
    flat = []
    for i, w in enumerate(net.weights):
        flat += [w.ravel(), net.biases[i]] if bias else [w.ravel()]
    np.testing.assert_array_equal(np.concatenate(flat), np.arange(net.parameters.size))
    assert all(view.dtype == dtype for view in net.weights + net.biases)


def test_views_and_parameters_are_one_memory(data):
    net = draw()
    before = net(data[0])
    net.weights[0][2, 3] = 7
    net.biases[1][0] = -7
    assert net.parameters[2 * 4 + 3] == 7
    assert net.parameters[-3] == -7
    assert not np.array_equal(net(data[0]), before)
    net.parameters[...] = 0.25
    assert all((view == 0.25).all() for view in net.weights + net.biases)
    for view in net.weights + net.biases:
        assert np.shares_memory(view, net.parameters)
        assert view.flags.writeable


def test_a_fit_trains_in_place(data):
    net = draw()
    parameters, first, last = net.parameters, net.weights[0], net.biases[-1]
    before = parameters.copy()
    net.fit(*data, optimizer=SGD(0.5, momentum=0.5), epochs=2)
    assert net.parameters is parameters
    assert (parameters != before).all()
    np.testing.assert_array_equal(first, net.weights[0])
    np.testing.assert_array_equal(last, net.biases[-1])


def test_assigned_parameters_are_copied_in(data):
    net, twin = draw(seed=1), draw(seed=2)
    flat, view = net.parameters, net.weights[1]
    values = twin.parameters.astype(">f8")
    net.parameters = values
    assert net.parameters is flat
    np.testing.assert_array_equal(view, twin.weights[1])
    np.testing.assert_array_equal(net(data[0]), twin(data[0]))
    values[:] = 0
    assert (net.parameters == twin.parameters).all()
    net.parameters = net.parameters[::-1]  # of itself
    np.testing.assert_array_equal(net.parameters, twin.parameters[::-1])


def test_without_biases(data):
    net = draw(bias=False, output="identity")
    assert net.biases == ()
    assert net.parameters.size == 4 * 6 + 6 * 3
    np.testing.assert_array_equal(net(np.zeros(4)), np.zeros(3))  # tanh(0) = 0
    nabla = net.backprop(*data)
    assert nabla.biases == []
    assert nabla.parameters.shape == net.parameters.shape
    net.fit(*data, epochs=2)
    np.testing.assert_array_equal(net(np.zeros(4)), np.zeros(3))


def test_networks_share_nothing(data):
    net, twin = draw(), draw()
    net.fit(*data, optimizer=SGD(0.1, momentum=0.9), epochs=3)
    assert carried(twin) == carried(draw())
    assert not np.shares_memory(net.parameters, twin.parameters)


# ---------------------------------------------------------------- how parameters begin

# name: (standard deviation of W for n_in and n_out, whether W is normal, whether b ~ N(0, 1))
INITS = {
    "scaled": (lambda n_in, n_out: n_in**-0.5, True, True),
    "large": (lambda n_in, n_out: 1.0, True, True),
    "glorot": (lambda n_in, n_out: (2 / (n_in + n_out)) ** 0.5, False, False),
    "he": (lambda n_in, n_out: (2 / n_in) ** 0.5, True, False),
    "lecun": (lambda n_in, n_out: n_in**-0.5, True, False),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", INITS)
def test_distribution(name, dtype):
    """Over 50,000 numbers or more a mean is within 0.02 σ, and σ within 2%: 4 to 6 deviations."""
    spread, is_normal, has_biases = INITS[name]
    net = Network([400, 300, 200, 500], init=name, dtype=dtype, seed=0)
    for w in net.weights:
        n_out, n_in = w.shape
        sigma = spread(n_in, n_out)
        assert abs(w.mean()) < 0.02 * sigma
        assert w.std() == pytest.approx(sigma, rel=0.02)
        if is_normal:
            assert (np.abs(w) < sigma).mean() == pytest.approx(0.6827, abs=0.01)
            assert np.abs(w).max() > 3.5 * sigma
        else:  # uniform within √3 σ
            assert (np.abs(w) < sigma).mean() == pytest.approx(3**-0.5, abs=0.01)
            assert 0.99 * 3**0.5 * sigma < np.abs(w).max() <= 3**0.5 * sigma * (1 + 1e-6)
    biases = np.concatenate(net.biases)
    if has_biases:  # 1,000 numbers
        assert abs(biases.mean()) < 0.15
        assert biases.std() == pytest.approx(1, rel=0.1)
    else:
        assert not biases.any()


def test_small():
    net = Network([40, 60, 3], init="small", dtype="float64", seed=0)
    assert not net.biases[0].any()
    for W in net.weights:
        assert 0.04 < np.abs(W).max() <= 0.05
        assert abs(W.mean()) < 4 * 0.05 / np.sqrt(3 * W.size)


def test_zeros():
    assert not Network([4, 6, 3], init="zeros", seed=0).parameters.any()


@pytest.mark.parametrize("name", INITS)
def test_a_seed_settles_the_first_parameters(name):
    sizes = [9, 9, 9]  # layers of one shape, which must differ all the same
    net = Network(sizes, init=name, seed=3)
    assert net.parameters.tobytes() == Network(sizes, init=name, seed=3).parameters.tobytes()
    assert not np.any(net.weights[0] == net.weights[1])
    other = Network(sizes, init=name, seed=4)
    assert not np.any(net.weights[0] == other.weights[0])
    wide = Network(sizes, init=name, seed=3, dtype="float64")
    np.testing.assert_array_equal(net.parameters, wide.parameters.astype("float32"))


def test_names_stand_for_functions():
    for name, function in chainrule.INITIALIZERS.items():
        by_name, by_function = draw(init=name), draw(init=function)
        np.testing.assert_array_equal(by_name.parameters, by_function.parameters)


def test_without_a_seed_one_is_drawn_and_kept(data):
    nets = [Network([4, 6, 3]) for _ in range(5)]
    assert len({net.seed for net in nets}) == len(nets)
    again = Network([4, 6, 3], seed=nets[0].seed)
    for net in (nets[0], again):
        net.fit(*data, epochs=2)
    assert carried(nets[0]) == carried(again)


def test_the_global_generator_is_left_alone(data):
    np.random.seed(1)  # noqa: NPY002 - what others may use
    expected = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(seed=None).fit(*data, epochs=2)
    np.testing.assert_array_equal(np.random.get_state()[1], expected)  # noqa: NPY002


def test_an_init_of_ones_own():
    asked = []

    def init(rng, n_in, n_out):
        asked.append((n_in, n_out))
        return rng.integers(1, 9, (n_out, n_in)), [n_out] * n_out

    net = Network([4, 6, 3], init=init, seed=0)
    assert asked == [(4, 6), (6, 3)]
    assert [b.tolist() for b in net.biases] == [[6.0] * 6, [3.0] * 3]
    assert net.weights[0].min() >= 1
    again = Network([4, 6, 3], init=init, seed=0)
    assert again.parameters.tobytes() == net.parameters.tobytes()
    other = Network([4, 6, 3], init=init, seed=1)
    assert other.parameters.tobytes() != net.parameters.tobytes()


def test_an_init_for_each_layer():
    """The draws follow one another, as those of one for all layers do."""

    def shifted(rng, n_in, n_out):
        return rng.normal(size=(n_out, n_in)), np.full(n_out, 0.5)

    net = Network([4, 6, 5, 3], init=["he", shifted, "zeros"], dtype="float64", seed=7)
    rng = np.random.default_rng(7)
    by_hand = [chainrule.INITIALIZERS["he"](rng, 4, 6), shifted(rng, 6, 5)]
    for (W, b), weights, biases in zip(by_hand, net.weights[:2], net.biases[:2], strict=True):
        np.testing.assert_array_equal(weights, W)
        np.testing.assert_array_equal(biases, b)
    assert not net.weights[2].any()
    assert not net.biases[2].any()
    alike, one = (Network([4, 6, 3], init=each, seed=1) for each in (("glorot",) * 2, "glorot"))
    assert alike.parameters.tobytes() == one.parameters.tobytes()


def test_an_init_without_biases():
    no_biases = Network([4, 6, 3], init=lambda r, i, o: (np.ones((o, i)), None), bias=False)
    assert (no_biases.parameters == 1).all()


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(4, 6, 3), (4, 1), (1, 5), (1, 1)])
def test_one_sample_is_a_row_of_many(sizes, dtype):
    net = draw(sizes, hidden="tanh" if len(sizes) > 2 else [], dtype=dtype)
    x = np.random.default_rng(0).normal(size=(7, sizes[0]))
    many = net.feedforward(x)
    assert many.shape == (7, sizes[-1])
    assert many.dtype == dtype
    for row, expected in zip(x, many, strict=True):
        for sample in (row, row.tolist(), tuple(row)):
            assert net.feedforward(sample).shape == (sizes[-1],)
            np.testing.assert_allclose(net.feedforward(sample), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(net(x[:1])[0], net(x[0]))
    np.testing.assert_array_equal(net(x), many)


def test_outputs_belong_to_the_caller(data):
    x, _ = data
    net = draw(output="identity")
    parameters, given = net.parameters.copy(), x.copy()
    outputs = net(x)
    expected = outputs.copy()
    net(x + 1)
    np.testing.assert_array_equal(outputs, expected)
    outputs[:] = np.nan
    trace = net.trace(x, expected)
    for a in trace.z + trace.a + trace.delta:
        a[:] = np.nan
    np.testing.assert_array_equal(net(x), expected)
    np.testing.assert_array_equal(net.parameters, parameters)
    np.testing.assert_array_equal(x, given)


def test_asking_changes_nothing(data):
    net = draw()
    net.fit(*data, optimizer=SGD(0.1, momentum=0.9), epochs=2)
    before, history = carried(net), net.history
    for ask in (net.evaluate, net.backprop, net.trace, lambda x, y: net(x)):
        ask(*data)
    assert carried(net) == before
    assert net.history is history


# ---------------------------------------------------------------- evaluate


def copying_network(n):
    """Its output is its input."""
    net = Network([n, n] if n > 1 else [1, 1], output="identity", init="zeros", bias=False)
    net.weights[0][:] = np.eye(n)
    return net


OUTPUTS = np.array([[0.9, 0.1, 0.3], [0.2, 0.4, 0.6], [-3, -1, -2], [5, 7, 6]])  # 0, 2, 1, 1
SOFT = [[0.8, 0.2, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("targets", "accuracy"),
    [
        ([0, 2, 1, 1], 1.0),
        ([0, 2, 1, 0], 0.75),
        ([1, 0, 2, 2], 0.0),
        (np.eye(3)[[0, 2, 1, 0]], 0.75),
        (np.eye(3, dtype=int)[[0, 2, 1, 0]], 0.75),
        (np.eye(3, dtype=bool)[[1, 0, 1, 0]], 0.25),
        (SOFT, None),
        (2 * np.eye(3)[[0, 2, 1, 1]], None),
        ([[1, 1, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]], None),
        ([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]], None),
        (-np.eye(3)[[0, 2, 1, 1]], None),
    ],
    ids=[
        "labels, all right",
        "labels, one wrong",
        "labels, all wrong",
        "one-hot",
        "one-hot int",
        "one-hot bool",
        "probabilities",
        "twos",
        "two classes",
        "no class",
        "negative",
    ],
)
def test_accuracy_is_the_share_of_largest_outputs(targets, accuracy):
    scores = copying_network(3).evaluate(OUTPUTS, targets)
    assert scores.get("accuracy") == accuracy
    assert set(scores) == ({"cost"} if accuracy is None else {"cost", "accuracy"})
    assert all(type(score) is float for score in scores.values())


@pytest.mark.parametrize(
    ("targets", "accuracy"),
    [
        ([0, 1, 1, 0], 1.0),
        ([[0], [1], [1], [0]], 1.0),
        ([0.0, 1.0, 1.0, 0.0], 1.0),
        ([False, True, False, True], 0.5),
        ([1, 0, 0, 1], 0.0),
        ([1, 1, 1, 1], 0.5),
        ([0, 1, 2, 0], None),
        ([0.0, 1.0, 0.5, 0.0], None),
        ([-1, 1, 1, -1], None),
    ],
    ids=str,
)
def test_accuracy_of_one_output_is_about_a_half(targets, accuracy):
    scores = copying_network(1).evaluate([[0.49], [0.51], [7.0], [-7.0]], targets)
    assert scores.get("accuracy") == accuracy


def test_accuracy_over_more_rows_than_a_tile():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(5003, 3)), rng.integers(3, size=5003)
    expected = (x.astype("float32").argmax(axis=1) == labels).mean()
    assert copying_network(3).evaluate(x, labels)["accuracy"] == expected
    assert 0.2 < expected < 0.5


# ---------------------------------------------------------------- targets


def test_targets_of_every_kind_train_alike(data):
    x, labels = data
    rows = np.eye(3)[labels]
    trained = []
    for y in (labels, labels.tolist(), rows, rows.astype(int), rows.astype(bool), rows.tolist()):
        net = draw()
        history = net.fit(x, y, epochs=3, batch_size=7, validation_data=(x, y))
        trained.append((carried(net), history.cost.tolist(), history.validation_cost.tolist()))
    assert all(result == trained[0] for result in trained)


def test_targets_of_one_output_are_a_column_or_flat(data):
    x, labels = data
    flat = labels > 0
    trained = []
    for y in (flat, flat[:, None], flat.astype(int), flat.astype("f4"), flat[:, None].tolist()):
        net = draw((4, 6, 1), cost="cross_entropy")
        trained.append((net.fit(x, y, epochs=3).cost.tolist(), carried(net)))
    assert all(result == trained[0] for result in trained)


def test_with_one_output_whole_numbers_are_numbers(data):
    x, _ = data
    y = np.arange(40) - 20
    net = draw((4, 6, 1), output="identity")
    expected = 0.5 * np.mean((net(x)[:, 0].astype(float) - y) ** 2)
    assert net.evaluate(x, y) == {"cost": pytest.approx(expected, rel=1e-5)}


# ---------------------------------------------------------------- what a fit leaves behind


def test_no_epochs_change_nothing(data):
    net = draw()
    momentum = SGD(0.1, momentum=0.9)
    net.fit(*data, optimizer=momentum, epochs=2)
    before = carried(net)
    history = net.fit(*data, optimizer=momentum, epochs=0, validation_data=data)
    assert carried(net) == before
    assert len(history) == 0
    assert [len(history[name]) for name in ("epoch", "cost", "validation_cost")] == [0, 0, 0]


def test_the_optimiser_state_comes_and_goes(data):
    net = draw()
    assert net.optimizer_state == {}
    net.fit(*data, optimizer=SGD(0.1), epochs=1)
    assert net.optimizer_state == {}
    net.fit(*data, optimizer=SGD(0.1, momentum=0.9), epochs=1)
    assert list(net.optimizer_state) == ["velocity"]
    velocity = net.optimizer_state["velocity"].copy()
    assert velocity.shape == net.parameters.shape
    assert velocity.dtype == net.dtype
    assert velocity.any()
    net.fit(*data, optimizer=SGD(0.1, momentum=0.5, nesterov=True), epochs=1)
    assert (net.optimizer_state["velocity"] != velocity).any()
    net.fit(*data, optimizer=SGD(0.1), epochs=1)
    assert net.optimizer_state == {}


def test_the_velocity_is_carried_on_or_taken_away(data):
    """v ← μv - ηg: with η almost 0, a step is μ times the last velocity."""
    net = draw(dtype="float64")
    net.fit(*data, optimizer=SGD(0.1, momentum=0.5), epochs=1, batch_size=40)
    velocity, before = net.optimizer_state["velocity"].copy(), net.parameters.copy()
    still = {"optimizer": SGD(1e-300, momentum=0.5), "epochs": 1, "batch_size": 40}
    net.fit(*data, **still)
    np.testing.assert_allclose(net.parameters - before, 0.5 * velocity, rtol=1e-9, atol=1e-15)
    net.optimizer_state = {}
    before = net.parameters.copy()
    net.fit(*data, **still)
    np.testing.assert_array_equal(net.parameters, before)


def test_a_fit_that_diverges_at_once_leaves_the_velocity():
    """An epoch of plain descent would have ended it, but there was none."""
    x, y = np.ones((40, 4)), np.zeros((40, 3))
    net = draw(hidden="identity", output="identity")
    net.fit(x, y, optimizer=SGD(0.01, momentum=0.9), epochs=2)
    before = carried(net)
    with pytest.raises(chainrule.DivergenceError):
        net.fit(x, y, optimizer=SGD(1e30), epochs=2, batch_size=1)
    assert carried(net) == before


def test_every_fit_has_a_history_of_its_own(data):
    net = draw()
    first = net.fit(*data, epochs=3)
    assert net.history is first
    costs = first.cost
    second = net.fit(*data, epochs=2)
    assert net.history is second
    assert first is not second
    np.testing.assert_array_equal(first.cost, costs)
    assert first.epoch.tolist() + second.epoch.tolist() == [0, 1, 2, 3, 4]
    assert net.epochs_trained == 5


@pytest.mark.parametrize("classes", [True, False], ids=["classes", "numbers"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_validation_is_evaluate_after_each_epoch(data, dtype, classes):
    x, y = data
    y = y if classes else np.random.default_rng(2).random((40, 3))
    validation = x[:11] + 1, y[:11]
    net, twin = draw(dtype=dtype), draw(dtype=dtype)
    options = {"optimizer": SGD(0.3, momentum=0.5), "batch_size": 7}
    history = net.fit(x, y, epochs=4, validation_data=validation, **options)
    scores = []
    for _ in range(4):
        twin.fit(x, y, epochs=1, **options)
        scores.append(twin.evaluate(*validation))
    assert history.validation_cost.tolist() == [score["cost"] for score in scores]
    expected = [score["accuracy"] for score in scores] if classes else []
    assert history.validation_accuracy.tolist() == expected
    assert len(set(history.validation_cost)) == 4
    assert carried(net) == carried(twin)


def test_being_watched_changes_nothing(data, capsys):
    nets = [draw() for _ in range(3)]
    options = {"optimizer": SGD(0.3, momentum=0.5), "epochs": 4, "batch_size": 7}
    histories = [
        nets[0].fit(*data, **options),
        nets[1].fit(*data, validation_data=data, **options),
        nets[2].fit(*data, progress=True, **options),
    ]
    assert capsys.readouterr().err
    assert carried(nets[0]) == carried(nets[1]) == carried(nets[2])
    assert all(history.cost.tolist() == histories[0].cost.tolist() for history in histories)


def test_the_history_has_costs_and_seconds(data):
    history = draw().fit(*data, epochs=4)
    assert len(history) == len(history.cost) == len(history.seconds) == 4
    assert (history.seconds > 0).all()
    assert (np.diff(history.cost) < 0).all()
    assert len(history.validation_cost) == len(history.validation_accuracy) == 0


def test_an_optimiser_can_be_used_again(data):
    optimizer, nets = SGD(0.3, momentum=0.5), [draw(), draw()]
    for net in nets:
        net.fit(*data, optimizer=optimizer, epochs=2)
    assert carried(nets[0]) == carried(nets[1])
    assert optimizer == SGD(learning_rate=0.3, momentum=0.5, nesterov=False)


# ---------------------------------------------------------------- the package


@pytest.mark.parametrize(
    "module",
    [
        chainrule,
        chainrule.activations,
        chainrule.training.endings,
        chainrule.costs,
        chainrule.results.csv_log,
        chainrule.training.early_stopping,
        chainrule.network,
        chainrule.optimizers,
        chainrule.course.perceptron,
        chainrule.sweeps.ensemble,
        chainrule.sweeps.many,
        chainrule.sweeps.snapshots,
        chainrule.training.range_test,
    ],
    ids=lambda m: m.__name__,
)
def test_examples_in_docstrings(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_import_needs_numpy_alone():
    code = """
import sys
import numpy
before = set(sys.modules)
import chainrule
new = {name.partition(".")[0] for name in set(sys.modules) - before} - {"chainrule", "numpy"}
print(*sorted(name for name in new if name not in sys.stdlib_module_names))
print("asyncio" in sys.modules, "multiprocessing" in sys.modules)
"""
    packages, slow = python("-c", code).splitlines()
    packages = [name for name in packages.split() if "cython" not in name]  # its own run-time part
    assert packages == []
    assert "True" not in slow


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_a_copy_is_the_same_network_and_another_one(copied):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.integers(3, size=30)
    net = Network([4, 5, 3], seed=0)
    net.fit(x, y, optimizer=SGD(0.1, momentum=0.9), epochs=2)
    twin = copied(net)
    assert twin.parameters.tobytes() == net.parameters.tobytes()
    net.fit(x, y, optimizer=SGD(0.1, momentum=0.9), epochs=2)
    assert twin.epochs_trained == 2
    assert twin.parameters.tobytes() != net.parameters.tobytes()
    twin.fit(x, y, optimizer=SGD(0.1, momentum=0.9), epochs=2)
    assert twin.parameters.tobytes() == net.parameters.tobytes()
