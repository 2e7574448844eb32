"""The book's classes against its definitions, written out sample by sample."""

import json
import random
import sys

import numpy as np
import pytest

import chainrule
from chainrule.book import network, network2
from chainrule.book.network2 import CrossEntropyCost, QuadraticCost

# ---------------------------------------------------------------- the definitions


def logistic(z):
    return 1 / (1 + np.exp(-z))


def quadratic(a, y):
    return 0.5 * sum((y_j - a_j) ** 2 for a_j, y_j in zip(a.flat, y.flat, strict=True))


def cross_entropy(a, y):
    pairs = zip(a.flat, y.flat, strict=True)
    return -sum(y_j * np.log(a_j) + (1 - y_j) * np.log(1 - a_j) for a_j, y_j in pairs)


COSTS = {  # C_x, and δ^L of it
    "quadratic": (quadratic, lambda a, y: (a - y) * a * (1 - a)),
    "cross_entropy": (cross_entropy, lambda a, y: a - y),
    "cubic": (lambda a, y: (abs(a - y) ** 3).sum() / 3, lambda a, y: (a - y) * abs(a - y)),
}


class Cubic:
    """A cost of the user's own."""

    @staticmethod
    def fn(a, y):
        return np.sum(np.abs(a - y) ** 3) / 3

    @staticmethod
    def delta(z, a, y):
        assert z.shape == a.shape == y.shape == (len(y), 1)  # a column, as in the book
        return (a - y) * np.abs(a - y)


CLASSES = {"quadratic": QuadraticCost, "cross_entropy": CrossEntropyCost, "cubic": Cubic}


class Literal:
    """BP1-BP4 and gradient descent, one sample and one layer at a time."""

    def __init__(self, net, cost):
        self.weights = [np.array(w, float) for w in net.weights]
        self.biases = [np.array(b, float) for b in net.biases]
        self.cost, self.delta = COSTS[cost]

    def activations(self, x):
        a = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            a.append(logistic(w.dot(a[-1]) + b))
        return a

    def gradient(self, x, y):
        a = self.activations(x)
        delta = self.delta(a[-1], y)
        nabla_b, nabla_w = [delta], [delta.dot(a[-2].T)]
        for w, a_l, a_before in zip(self.weights[:0:-1], a[-2:0:-1], a[-3::-1], strict=True):
            delta = w.T.dot(delta) * a_l * (1 - a_l)
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta.dot(a_before.T))
        return nabla_b, nabla_w

    def step(self, batch, eta, decay):
        gradients = [self.gradient(x, y) for x, y in batch]
        for i in range(len(self.weights)):
            self.weights[i] = (1 - eta * decay) * self.weights[i]
        for nabla_b, nabla_w in gradients:
            for i in range(len(self.weights)):
                self.weights[i] = self.weights[i] - eta / len(batch) * nabla_w[i]
                self.biases[i] = self.biases[i] - eta / len(batch) * nabla_b[i]

    def train(self, epochs, eta, decay):
        """Over epochs, lists of samples in the order in which they were shuffled, by fives."""
        for samples in epochs:
            for start in range(0, len(samples), 5):
                self.step(samples[start : start + 5], eta, decay)

    def total_cost(self, pairs, lmbda):
        cost = sum(self.cost(self.activations(x)[-1], y) for x, y in pairs) / len(pairs)
        return cost + lmbda / (2 * len(pairs)) * sum((w**2).sum() for w in self.weights)

    def right(self, pairs):
        return sum(self.activations(x)[-1].argmax() == y.argmax() for x, y in pairs)


def shuffled_as_python_2(items):
    for i in range(len(items) - 1, 0, -1):
        j = int(random.random() * (i + 1))
        items[i], items[j] = items[j], items[i]
    return items


SIZES = [4, 6, 5, 3]


def unit(digit, n=10):
    column = np.zeros((n, 1))
    column[digit] = 1
    return column


def draw(m, seed=0, sizes=SIZES):
    """Training data of m pairs, and the same as evaluation data."""
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=(sizes[0], 1)).astype(np.float32) for _ in range(m)]
    digits = rng.integers(0, sizes[-1], m)
    return (
        [(x, unit(digit, sizes[-1])) for x, digit in zip(xs, digits, strict=True)],
        list(zip(xs, digits, strict=True)),
    )


def assert_close(net, literal, tolerance=1e-12):
    for ours, theirs in ((net.weights, literal.weights), (net.biases, literal.biases)):
        assert [p.shape for p in ours] == [p.shape for p in theirs]
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p, q, rtol=0, atol=tolerance)


# ---------------------------------------------------------------- random numbers

PYTHON_2 = {  # range(12) after each of three shuffles by Python 2.7, and the next random.random()
    12345678: (
        [11, 3, 10, 1, 0, 5, 7, 4, 9, 2, 6, 8],
        [2, 8, 1, 4, 10, 3, 5, 9, 7, 0, 6, 11],
        [5, 4, 8, 3, 2, 6, 0, 7, 9, 1, 11, 10],
        0.8785183170690273,
    ),
    0: (
        [0, 6, 3, 5, 1, 7, 11, 9, 2, 4, 8, 10],
        [4, 6, 0, 8, 1, 2, 10, 3, 7, 9, 5, 11],
        [11, 7, 0, 6, 10, 2, 9, 8, 4, 1, 3, 5],
        0.8050278270130223,
    ),
}


@pytest.mark.parametrize("seed", PYTHON_2)
@pytest.mark.parametrize("net", ["network", "network2", "own cost"])
def test_the_list_stays_shuffled_as_python_2_would(seed, net):
    net = {
        "network": network.Network(SIZES),
        "network2": network2.Network(SIZES),
        "own cost": network2.Network(SIZES, cost=Cubic),
    }[net]
    training, _ = draw(12)
    number = {id(x): i for i, (x, _) in enumerate(training)}
    *orders, following = PYTHON_2[seed]
    random.seed(seed)
    net.SGD(training, 1, 5, 0.1)
    assert [number[id(x)] for x, _ in training] == orders[0]
    net.SGD(training, 2, 5, 0.1)
    # the second call begins with the list as the first has left it
    assert [number[id(x)] for x, _ in training] == orders[2]
    assert random.random() == following


def test_one_pair_draws_nothing():
    training, _ = draw(1)
    random.seed(1)
    network2.Network(SIZES).SGD(training, 2, 5, 0.1)
    assert random.random() == 0.13436424411240122


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_initial_parameters_come_from_the_global_generator_in_the_books_order(dtype):
    def expected(generator, scaled):
        biases = [generator.randn(n, 1) for n in SIZES[1:]]
        pairs = list(zip(SIZES[1:], SIZES[:-1], strict=True))
        weights = [generator.randn(n, n_in) / (n_in**0.5 if scaled else 1) for n, n_in in pairs]
        return [p.astype(dtype) for p in biases + weights]

    def check(net, scaled):
        for p, q in zip(net.biases + net.weights, expected(generator, scaled), strict=True):
            assert p.dtype == dtype
            np.testing.assert_allclose(p, q, rtol=2e-16 if dtype == "float64" else 0)

    generator = np.random.RandomState(7)
    np.random.seed(7)  # noqa: NPY002 - the generator of the original
    net = network2.Network(SIZES, dtype=dtype)
    check(net, scaled=True)
    net.large_weight_initializer()
    check(net, scaled=False)
    net.default_weight_initializer()
    check(net, scaled=True)
    check(network.Network(SIZES, dtype=dtype), scaled=False)


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("cost", CLASSES)
@pytest.mark.parametrize("lmbda", [0.0, 3.0])
@pytest.mark.parametrize("sizes", [SIZES, [4, 3], [4, 5, 1]])
def test_network2_trains_by_the_equations(cost, lmbda, sizes):
    training, _ = draw(23, sizes=sizes)  # batches of 5, 5, 5, 5 and 3
    net = network2.Network(sizes, cost=CLASSES[cost])
    assert net._is_compiled() == (cost != "cubic")
    literal = Literal(net, cost)
    random.seed(3)
    order = list(training)
    literal.train([list(shuffled_as_python_2(order)) for _ in range(4)], 0.7, lmbda / 23)
    random.seed(3)
    net.SGD(training, 4, 5, 0.7, lmbda)
    assert_close(net, literal)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_network_trains_by_the_equations(dtype):
    training, _ = draw(23)
    net = network.Network(SIZES, dtype=dtype)
    literal = Literal(net, "quadratic")
    random.seed(3)
    order = list(training)
    literal.train([list(shuffled_as_python_2(order)) for _ in range(4)], 3, 0)
    random.seed(3)
    net.SGD(training, 4, 5, 3)
    assert {p.dtype for p in net.weights + net.biases} == {np.dtype(dtype)}
    assert_close(net, literal, 1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("cost", CLASSES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_backprop_and_update_mini_batch(cost, dtype):
    training, _ = draw(5)
    net = network2.Network(SIZES, CLASSES[cost], dtype)
    literal = Literal(net, cost)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    for ours, theirs in zip(
        net.backprop(*training[0]), literal.gradient(*training[0]), strict=True
    ):
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p, q, rtol=0, atol=tolerance)
    net.update_mini_batch(training, 0.5, 2.0, 40)
    literal.step(training, 0.5, 2.0 / 40)
    assert_close(net, literal, tolerance)
    assert {p.dtype for p in net.weights + net.biases} == {np.dtype(dtype)}


def test_backprop_and_update_mini_batch_of_network():
    training, _ = draw(5)
    net = network.Network(SIZES)
    literal = Literal(net, "quadratic")
    np.testing.assert_allclose(
        net.backprop(*training[0])[1][0], literal.gradient(*training[0])[1][0], rtol=1e-12
    )
    net.update_mini_batch(training, 0.5)
    literal.step(training, 0.5, 0)
    assert_close(net, literal)
    np.testing.assert_array_equal(net.cost_derivative(np.array([[3.0]]), np.array([[1.0]])), [[2]])


@pytest.mark.parametrize("cost", ["cross_entropy", "cubic"])
def test_the_user_may_replace_parameters_and_keep_them(cost):
    training, _ = draw(10)
    net = network2.Network(SIZES, CLASSES[cost])
    net.weights = [w + 0.1 for w in net.weights]
    net.weights[1] = np.full((5, 6), 0.25)
    net.biases[2][1, 0] = 7
    given = net.weights[1]
    literal = Literal(net, cost)
    before = net.weights, net.biases
    order = list(training)
    random.seed(5)
    literal.train([list(shuffled_as_python_2(order))], 0.5, 0)
    random.seed(5)
    net.SGD(training, 1, 5, 0.5)
    assert_close(net, literal)
    # what the caller has kept, as the best so far perhaps, is as it was
    assert before[0][1] is given
    assert (given == 0.25).all()
    assert before[1][2][1, 0] == 7


def test_weights_of_another_shape_are_refused():
    training, _ = draw(4)
    net = network2.Network(SIZES)
    net.biases[1] = np.zeros(5)
    with pytest.raises(ValueError, match=r"biases\[1\] must have shape \(5, 1\); got \(5,\)"):
        net.SGD(training, 1, 2, 0.1)


class SignSteps(network2.Network):
    """An exercise: another rule for the step."""

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.seen = [*getattr(self, "seen", []), (len(mini_batch), eta, lmbda, n)]
        self.biases = [b - eta for b in self.biases]


class Counting(network2.Network):
    """Sees one sample at a time, as in the book."""

    def backprop(self, x, y):
        assert x.shape == (4, 1)
        return super().backprop(x, y)

    def feedforward(self, a):
        return 1 - super().feedforward(a)


def test_methods_of_a_subclass_are_used():
    training, evaluation = draw(8)
    net = SignSteps(SIZES)
    start = [b.copy() for b in net.biases]
    net.SGD(training, 2, 5, 0.25, 1.5)
    assert net.seen == [(5, 0.25, 1.5, 8), (3, 0.25, 1.5, 8)] * 2
    np.testing.assert_array_equal(net.biases[0], start[0] - 1)

    net = Counting(SIZES)
    literal = Literal(net, "cross_entropy")
    order = list(training)
    random.seed(5)
    literal.train([list(shuffled_as_python_2(order))], 0.5, 0)
    random.seed(5)
    curves = net.SGD(training, 1, 5, 0.5, 0.0, evaluation, False, True)
    assert_close(net, literal)
    least = sum(literal.activations(x)[-1].argmin() == digit for x, digit in evaluation)
    assert curves[1] == [least]
    assert net.accuracy(training, convert=True) == least


def test_a_replaced_cost_derivative_is_used():
    training, _ = draw(8)
    net = network.Network(SIZES)
    net.cost_derivative = lambda a, y: (a - y) * 0
    start = [w.copy() for w in net.weights]
    net.SGD(training, 2, 5, 3.0)
    np.testing.assert_array_equal(net.weights[0], start[0])


# ---------------------------------------------------------------- what is monitored and printed


@pytest.mark.parametrize("cost", CLASSES)
def test_monitors_print_and_return_the_books_measures(cost, capsys):
    # ten outputs, as the book makes a class a unit vector of ten
    training, evaluation = draw(23, sizes=[4, 10])[0], draw(9, seed=1, sizes=[4, 10])[1]
    net = network2.Network([4, 6, 10], CLASSES[cost])
    literal = Literal(net, cost)
    random.seed(3)
    order, curves = list(training), ([], [], [], [])
    for _ in range(3):
        literal.train([shuffled_as_python_2(order)], 0.7, 2.0 / 23)
        for i, pairs in ((0, [(x, unit(digit)) for x, digit in evaluation]), (2, training)):
            curves[i].append(literal.total_cost(pairs, 2.0))
            curves[i + 1].append(literal.right(pairs))
    random.seed(3)
    found = net.SGD(training, 3, 5, 0.7, 2.0, evaluation, True, True, True, True)
    printed = [
        f"Epoch {j} training complete\n"
        f"Cost on training data: {found[2][j]}\nAccuracy on training data: {found[3][j]} / 23\n"
        f"Cost on evaluation data: {found[0][j]}\nAccuracy on evaluation data: {found[1][j]} / 9\n"
        "\n"
        for j in range(3)
    ]
    assert capsys.readouterr().out == "".join(printed)
    assert found[1] == curves[1]
    assert found[3] == curves[3]
    assert {type(value) for curve in found for value in curve} == {float, int}
    np.testing.assert_allclose(found[0], curves[0], rtol=1e-13)
    np.testing.assert_allclose(found[2], curves[2], rtol=1e-13)
    # and the methods say the same
    assert net.total_cost(evaluation, 2.0, convert=True) == pytest.approx(curves[0][-1], rel=1e-13)
    assert net.total_cost(training, 2.0) == pytest.approx(curves[2][-1], rel=1e-13)
    assert net.accuracy(evaluation) == curves[1][-1]
    assert net.accuracy(training, convert=True) == curves[3][-1]


@pytest.mark.parametrize("which", range(4))
def test_each_monitor_alone(which, capsys):
    training, evaluation = draw(12)
    curves = network2.Network(SIZES).SGD(
        training, 2, 5, 0.1, 0.0, evaluation, *(i == which for i in range(4))
    )
    assert [len(curve) for curve in curves] == [2 * (i == which) for i in range(4)]
    name = ["Cost on eval", "Accuracy on eval", "Cost on train", "Accuracy on train"][which]
    assert [line[: len(name)] for line in capsys.readouterr().out.splitlines()] == [
        "Epoch 0 training complete"[: len(name)], name, "",
        "Epoch 1 training complete"[: len(name)], name, "",
    ]  # fmt: skip


def test_network_prints_and_evaluates(capsys):
    training, evaluation = draw(23)
    net = network.Network(SIZES)
    literal = Literal(net, "quadratic")
    assert net.evaluate(evaluation) == literal.right(training)
    assert net.SGD(training, 2, 5, 0.1) is None
    net.SGD(training, 1, 5, 0.1, test_data=evaluation)
    right = Literal(net, "quadratic").right(training)
    assert capsys.readouterr().out == (
        f"Epoch 0 complete\nEpoch 1 complete\nEpoch 0: {right} / 23\n"
    )


def test_accuracy_of_targets_that_are_not_unit_vectors():
    training, _ = draw(20)
    training = [(x, 0.1 + 0.8 * y) for x, y in training]
    net = network2.Network(SIZES)
    assert net.accuracy(training, convert=True) == Literal(net, "cross_entropy").right(training)
    assert net.total_cost(training, 0) == pytest.approx(
        Literal(net, "cross_entropy").total_cost(training, 0), rel=1e-13
    )


@pytest.mark.parametrize("cost", ["quadratic", "cubic"])
def test_accuracy_of_one_output_is_the_books(cost):
    training, _ = draw(7, sizes=[4, 5, 1])
    net = network2.Network([4, 5, 1], CLASSES[cost])
    assert net.accuracy(training, convert=True) == 7  # the largest of one output is number 0
    assert net.accuracy([(x, i % 2) for i, (x, _) in enumerate(training)]) == 4


def test_early_stopping(capsys):
    training, evaluation = draw(23)
    net = network2.Network(SIZES)
    curves = net.SGD(
        training, 50, 5, 0.0, 0.0, evaluation,
        monitor_evaluation_accuracy=True, early_stopping_n=3,
    )  # fmt: skip
    assert len(curves[1]) == 4  # the first is the best, and three that are no better
    with pytest.raises(ValueError, match="needs monitor_evaluation_accuracy"):
        net.SGD(training, 50, 5, 0.0, early_stopping_n=3)


class Listener:
    """Takes the place of stdout, and calls a function with each line."""

    def __init__(self, listen):
        self.write = listen

    def flush(self):
        pass


def test_what_is_kept_after_one_epoch_is_not_changed_by_the_next(monkeypatch):
    training, _ = draw(12)
    net = network2.Network(SIZES)
    kept, copied = [], []

    def listen(text):
        kept.append(net.weights + net.biases)
        copied.append([p.copy() for p in kept[-1]])

    monkeypatch.setattr(sys, "stdout", Listener(listen))
    net.SGD(training, 3, 5, 0.1)
    for of_kept, of_copied in zip(kept, copied, strict=True):
        for p, q in zip(of_kept, of_copied, strict=True):
            np.testing.assert_array_equal(p, q)
    assert (kept[0][0] != kept[-1][0]).all()


@pytest.mark.parametrize("cost", ["cross_entropy", "cubic"])
def test_an_interruption_leaves_list_and_network_as_far_as_they_came(cost, monkeypatch):
    training, _ = draw(12)
    start = list(training)
    net = network2.Network(SIZES, CLASSES[cost])
    literal = Literal(net, cost)
    random.seed(12345678)
    literal.train([list(shuffled_as_python_2(start)) for _ in range(3)], 0.1, 0)
    random.seed(12345678)

    def listen(text):
        if "Epoch 2" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Listener(listen))
    with pytest.raises(KeyboardInterrupt) as interruption:  # its traceback keeps frames alive
        net.SGD(training, 9, 5, 0.1)
    assert [id(x) for x, _ in training] == [id(x) for x, _ in start]
    assert_close(net, literal)
    assert interruption.tb is not None


def test_divergence_names_the_epoch():
    training, _ = draw(10)
    net = network2.Network(SIZES)
    with pytest.raises(chainrule.DivergenceError, match=r"in epoch [1-9]"):
        net.SGD(training, 100, 5, 1.0, 1e6)
    assert all(np.isfinite(w).all() for w in net.weights)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("cost", [QuadraticCost, CrossEntropyCost, CrossEntropyCost()])
def test_save_and_load(tmp_path, cost):
    net = network2.Network(np.array(SIZES), cost=cost)
    net.save(tmp_path / "net.json")
    record = json.loads((tmp_path / "net.json").read_text())
    name = "QuadraticCost" if cost is QuadraticCost else "CrossEntropyCost"
    assert sorted(record) == ["biases", "cost", "sizes", "weights"]
    assert (record["sizes"], record["cost"]) == (SIZES, name)
    loaded = network2.load(tmp_path / "net.json")
    assert loaded.sizes == SIZES
    assert loaded.num_layers == 4
    assert loaded.cost is getattr(network2, name)
    for p, q in zip(net.weights + net.biases, loaded.weights + loaded.biases, strict=True):
        np.testing.assert_array_equal(p, q)
    float32 = network2.load(tmp_path / "net.json", dtype="float32")
    assert {p.dtype for p in float32.weights + float32.biases} == {np.dtype("float32")}


def test_load_a_file_of_the_original(tmp_path):
    # as json.dump of Python 2 writes it
    (tmp_path / "net.json").write_text(
        '{"cost": "QuadraticCost", "biases": [[[0.5], [-0.25]]], "sizes": [3, 2], '
        '"weights": [[[1.0, 2.0, -1.0], [0.0, 1e-05, 3.0]]]}'
    )
    net = network2.load(str(tmp_path / "net.json"))
    assert net.cost is QuadraticCost
    np.testing.assert_array_equal(net.weights[0], [[1, 2, -1], [0, 1e-5, 3]])
    z = np.array([[0.5 + 1 + 2 - 1], [-0.25 + 1e-5 + 3]])
    np.testing.assert_allclose(net.feedforward(np.ones((3, 1))), logistic(z), rtol=1e-15)


def test_load_finds_a_cost_put_into_the_module(tmp_path, monkeypatch):
    net = network2.Network(SIZES, cost=Cubic)
    net.save(tmp_path / "net.json")
    with pytest.raises(ValueError, match="names the cost 'Cubic', expected CrossEntropyCost"):
        network2.load(tmp_path / "net.json")
    monkeypatch.setattr(network2, "Cubic", Cubic, raising=False)
    assert network2.load(tmp_path / "net.json").cost is Cubic
    (tmp_path / "net.json").write_text('{"cost": "np", "sizes": [1, 1]}')
    with pytest.raises(ValueError, match="names the cost 'np'"):
        network2.load(tmp_path / "net.json")


# ---------------------------------------------------------------- the small functions


def test_attributes_and_feedforward():
    net = network.Network(SIZES)
    assert net.sizes is SIZES
    assert net.num_layers == 4
    assert [w.shape for w in net.weights] == [(6, 4), (5, 6), (3, 5)]
    assert [b.shape for b in net.biases] == [(6, 1), (5, 1), (3, 1)]
    x = np.linspace(-2, 2, 8).reshape(4, 2)
    literal = Literal(net, "quadratic")
    both = np.hstack([literal.activations(x[:, [i]])[-1] for i in (0, 1)])
    np.testing.assert_allclose(net.feedforward(x), both, rtol=1e-14)
    assert net.feedforward(x[:, [0]]).shape == (3, 1)


@pytest.mark.parametrize("module", [network, network2])
def test_sigmoid_takes_any_shape_and_any_number(module):
    z = np.array([[-1e4, -2.0, 0.0], [1.0, 40.0, 1e4]])
    expected = [[0, 1 / (1 + np.e**2), 0.5], [1 / (1 + 1 / np.e), 1, 1]]
    np.testing.assert_allclose(module.sigmoid(z), expected, rtol=1e-15)
    np.testing.assert_allclose(module.sigmoid(z.T), np.transpose(expected), rtol=1e-15)
    assert module.sigmoid(0) == 0.5
    assert module.sigmoid(z.astype(np.float32)).dtype == np.float32
    assert module.sigmoid(np.zeros((2, 0))).shape == (2, 0)
    assert module.sigmoid_prime(0.0) == 0.25
    slope = (module.sigmoid(0.7 + 1e-5) - module.sigmoid(0.7 - 1e-5)) / 2e-5
    assert module.sigmoid_prime(0.7) == pytest.approx(slope, rel=1e-8)


def test_vectorized_result():
    np.testing.assert_array_equal(network2.vectorized_result(3), unit(3))


def test_costs_are_the_definitions():
    a, y, z = np.array([[0.25], [0.9]]), np.array([[0.0], [1.0]]), np.array([[-1.0], [2.0]])
    assert QuadraticCost.fn(a, y) == pytest.approx(0.5 * (0.25**2 + 0.1**2), rel=1e-14)
    assert CrossEntropyCost.fn(a, y) == pytest.approx(-np.log(0.75) - np.log(0.9), rel=1e-14)
    slope = logistic(z) * (1 - logistic(z))
    np.testing.assert_allclose(QuadraticCost.delta(z, a, y), (a - y) * slope, rtol=1e-14)
    np.testing.assert_array_equal(CrossEntropyCost.delta(z, a, y), a - y)
    assert CrossEntropyCost.fn(y, y) == 0  # 0 ln 0 = 0
    assert CrossEntropyCost.fn(1 - y, y) == np.inf


# ---------------------------------------------------------------- mistakes


def test_mistakes_are_explained():
    training, evaluation = draw(6)
    net = network2.Network(SIZES)
    start = list(training)
    with pytest.raises(TypeError, match=r"training_data must be a list .* got zip"):
        net.SGD(zip(*training, strict=True), 1, 5, 0.1)
    with pytest.raises(TypeError, match=r"evaluation_data must be a list .* got NoneType"):
        net.SGD(training, 1, 5, 0.1, monitor_evaluation_cost=True)
    with pytest.raises(TypeError, match=r"test_data must be a list .* got zip"):
        network.Network(SIZES).SGD(training, 1, 5, 0.1, test_data=zip(training, strict=True))
    with pytest.raises(ValueError, match="mini_batch_size must be 1 or more; got 0"):
        net.SGD(training, 1, 0, 0.1)
    with pytest.raises(ValueError, match="got an empty one"):
        net.SGD([], 1, 5, 0.1)
    with pytest.raises(ValueError, match=r"each y must be a column \(3, 1\); got \(\); a class"):
        net.SGD(evaluation, 1, 5, 0.1)
    with pytest.raises(ValueError, match=r"each y must be an int, .* got \(3, 1\); a column"):
        net.accuracy(training)
    with pytest.raises(ValueError, match=r"each y must be an int, .* got float64"):
        net.accuracy([(x, 1.0) for x, _ in training])
    with pytest.raises(ValueError, match=r"each x must be a column \(4, 1\); got \(4,\)"):
        net.SGD([(x[:, 0], y) for x, y in training], 1, 5, 0.1)
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        net.accuracy([(x, 3) for x, _ in training])
    with pytest.raises(ValueError, match="finite"):
        net.SGD([(x * np.nan, y) for x, y in training], 1, 5, 0.1)
    assert all(a is b for a, b in zip(training, start, strict=True))
