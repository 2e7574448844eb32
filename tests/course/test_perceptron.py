"""The perceptron against its definition, its learning against plain loops and Novikoff's bound."""

import copy
import itertools
import math
import pickle
import signal
from fractions import Fraction

import numpy as np
import pytest

from chainrule import Perceptron
from chainrule.course import pocket

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
AND = XOR[0], np.array([0, 0, 0, 1])


def whole(p):
    """(w, b) as numbers of Python, exact."""
    return [Fraction(w) for w in p.weights.tolist()], Fraction(p.bias)


def output(w, b, x):
    """1 where w·x + b > 0, else 0, by the definition."""
    return int(sum(wk * Fraction(xk) for wk, xk in zip(w, x, strict=True)) + b > 0)


def errors(p, X, positive):
    w, b = whole(p)
    return sum(output(w, b, x) != k for x, k in zip(X.tolist(), positive, strict=True))


def separable(m, n, seed):
    """Points of whole numbers, labels 0 and 1, and their (R/γ)² with the separator drawn first."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n + 1)
    u /= np.linalg.norm(u)
    X = rng.integers(-20, 21, size=(50 * m, n))
    augmented = np.hstack([X, np.ones((len(X), 1))])
    margin = augmented @ u
    kept = np.flatnonzero(np.abs(margin) > 0.5)[:m]
    assert len(kept) == m
    radius = np.linalg.norm(augmented[kept], axis=1).max()
    y = (margin[kept] > 0).astype(int)
    assert 0 < y.sum() < m
    return X[kept], y, (radius / np.abs(margin[kept]).min()) ** 2


# ---------------------------------------------------------------- what a perceptron is


def test_the_nand_of_the_course():
    nand = Perceptron([-2, -2], 3)
    assert [nand(x) for x in itertools.product([0, 1], repeat=2)] == [1, 1, 1, 0]
    assert (nand.bias, nand.threshold) == (3.0, -3.0)
    assert nand.weights.tolist() == [-2, -2]
    assert repr(nand) == "Perceptron([-2.0, -2.0], 3.0)"


@pytest.mark.parametrize("n", [1, 2, 7])
def test_output(n):
    rng = np.random.default_rng(n)
    w, b = rng.integers(-3, 4, n), int(rng.integers(-3, 4))
    X = rng.integers(-4, 5, size=(300, n)) / 2
    expected = [output(w.tolist(), b, x) for x in X.tolist()]
    p = Perceptron(w, b)
    assert (X @ w + b == 0).any(), "no point on the plane itself"
    assert p(X).tolist() == expected
    assert p(X).dtype.kind == "i"
    assert [p(x) for x in X] == expected
    assert all(type(p(x)) is int for x in X[:3])


def test_threshold_and_bias_are_each_read_from_the_other():
    by_threshold, by_bias = Perceptron.from_threshold([1, 0.5], 1.25), Perceptron([1, 0.5], -1.25)
    assert (by_threshold.bias, by_threshold.threshold) == (by_bias.bias, by_bias.threshold)
    assert (by_bias.bias, by_bias.threshold) == (-1.25, 1.25)
    assert (by_bias([1, 0.5]), by_bias([1, 0.75])) == (0, 1)  # w·x = threshold is not above it
    for zero in (Perceptron([1], 0), Perceptron.from_threshold([1], 0)):
        assert math.copysign(1, zero.threshold) == math.copysign(1, zero.bias) == 1


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_copies_are_read_only_and_apart(again):
    p = Perceptron([-2, -2], 3)
    twin = again(p)
    assert (twin.weights.tolist(), twin.bias) == ([-2, -2], 3)
    with pytest.raises(ValueError, match="read-only"):
        twin.weights[0] = 7
    twin.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1], seed=0)
    assert (p.weights.tolist(), p.bias) == ([-2, -2], 3)


def test_weights_are_a_copy_and_read_only():
    w = np.array([1.0, 2.0])
    p = Perceptron(w, 0)
    w[0] = 5
    assert p.weights.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        p.weights[0] = 5


@pytest.mark.parametrize(
    ("make", "exception", "words"),
    [
        (lambda: Perceptron([], 0), ValueError, r"weights .*\(n,\).*shape \(0,\)"),
        (lambda: Perceptron([[1, 2]], 0), ValueError, r"shape \(1, 2\)"),
        (lambda: Perceptron(3, 0), ValueError, r"shape \(\)"),
        (lambda: Perceptron([1, np.nan], 0), ValueError, r"weights\[1\] is nan"),
        (lambda: Perceptron(["a"], 0), TypeError, "real numbers"),
        (lambda: Perceptron([1], np.inf), ValueError, "bias must be a finite number; got inf"),
        (lambda: Perceptron([1], "0"), TypeError, "bias must be a finite number; got '0'"),
        (lambda: Perceptron.from_threshold([1], None), TypeError, "threshold must .* None"),
        (lambda: Perceptron([1, 1], 0)([1]), ValueError, r"\(samples, 2\), or \(2,\); .*\(1,\)"),
        (lambda: Perceptron([1, 1], 0)(1), ValueError, r"shape \(\)"),
        (lambda: Perceptron([1, 1], 0)([[[1, 1]]]), ValueError, r"shape \(1, 1, 2\)"),
        (lambda: Perceptron([1, 1], 0)([1, np.inf]), ValueError, r"x\[1\] is inf"),
        (lambda: Perceptron([1e308, -1e308], 0)([1e9, 1e9]), OverflowError, "scale the inputs"),
    ],
)
def test_what_is_refused(make, exception, words):
    with pytest.raises(exception, match=words):
        make()


# ---------------------------------------------------------------- the learning rule


def naive_batch(w, b, X, y, rate, max_epochs):
    """w ← w + η Σ_M y x, b ← b + η Σ_M y with y = ±1; (w, b, updates, epochs)."""
    updates = 0
    for epoch in range(1, max_epochs + 1):
        M = [(x, s) for x, s in zip(X, y, strict=True) if output(w, b, x) != (s == 1)]
        if not M:
            return w, b, updates, epoch
        w = [wk + rate * sum(s * x[k] for x, s in M) for k, wk in enumerate(w)]
        b = b + rate * sum(s for _, s in M)
        updates += 1
    return w, b, updates, max_epochs


def naive_stochastic(w, b, X, y, rate, max_epochs, seed):
    """Each misclassified point in its turn: w ← w + η y x, b ← b + η y."""
    rng, updates = np.random.default_rng(seed), 0
    for epoch in range(1, max_epochs + 1):
        before = updates
        for i in rng.permutation(len(X)):
            x, s = X[i], y[i]
            if output(w, b, x) != (s == 1):
                w = [wk + rate * s * xk for wk, xk in zip(w, x, strict=True)]
                b = b + rate * s
                updates += 1
        if updates == before:
            return w, b, updates, epoch
    return w, b, updates, max_epochs


@pytest.mark.parametrize("rate", [1.0, 0.25])
@pytest.mark.parametrize("start", [([0, 0, 0], 0), ([5, -3, 1], -2)])
@pytest.mark.parametrize("seed", range(4))
def test_batch_is_the_plain_loop(seed, start, rate):
    X, y, _ = separable(120, 3, seed)
    p = Perceptron(*start)
    report = p.fit(X, y, mode="batch", learning_rate=rate, max_epochs=20000)
    *found, updates, epochs = naive_batch(
        *start, X.tolist(), (2 * y - 1).tolist(), Fraction(rate), 20000
    )
    assert whole(p) == tuple(found)
    assert (report.updates, report.epochs) == (updates, epochs)
    assert (report.converged, report.errors) == (True, 0)
    assert updates > 2


@pytest.mark.parametrize("rate", [1.0, 0.25])
@pytest.mark.parametrize("start", [([0, 0, 0], 0), ([5, -3, 1], -2)])
@pytest.mark.parametrize("m", [120, 3000])
@pytest.mark.parametrize("seed", range(3))
def test_stochastic_is_the_plain_loop(seed, m, start, rate):
    X, y, _ = separable(m, 3, seed)
    p = Perceptron(*start)
    report = p.fit(X, y, learning_rate=rate, max_epochs=5000, seed=seed + 7)
    *found, updates, epochs = naive_stochastic(
        *start, X.tolist(), (2 * y - 1).tolist(), Fraction(rate), 5000, seed + 7
    )
    assert whole(p) == tuple(found)
    assert (report.updates, report.epochs) == (updates, epochs)
    assert (report.converged, report.errors) == (True, 0)
    assert updates > 2


@pytest.mark.parametrize("n", [1, 2, 5, 20])
@pytest.mark.parametrize("seed", range(6))
def test_the_bound_of_novikoff(seed, n):
    X, y, bound = separable(200, n, seed)
    p = Perceptron(np.zeros(n), 0)
    report = p.fit(X, y, seed=seed, max_epochs=math.ceil(bound) + 1)  # each epoch has an update
    assert report.converged
    assert errors(p, X, y) == 0
    assert 0 < report.updates <= bound


def test_labels_of_both_kinds_teach_the_same():
    X, y, _ = separable(100, 3, 0)
    found = []
    for labels in (y, 2 * y - 1, y.astype(bool), y.astype(float), (2.0 * y - 1).tolist()):
        p = Perceptron([0, 0, 0], 0)
        report = p.fit(X, labels, seed=3)
        found.append((report, whole(p)))
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("label", [-1, 0, 1])
@pytest.mark.parametrize("mode", ["stochastic", "batch"])
def test_one_kind_alone(label, mode):
    p = Perceptron([1, 1], -1)
    assert p.fit(XOR[0], np.full(4, label), mode=mode, seed=0).converged
    assert p(XOR[0]).tolist() == [max(label, 0)] * 4


def test_weights_that_are_right_stay():
    p = Perceptron([2, 2], -3)
    report = p.fit(*AND)
    assert (report.updates, report.epochs, report.converged, report.errors) == (0, 1, True, 0)
    assert whole(p) == ([2, 2], -3)


def test_a_seed_decides():
    X, y, _ = separable(300, 5, 1)
    nets = [Perceptron(np.zeros(5), 0) for _ in range(3)]
    reports = [p.fit(X, y, seed=s) for p, s in zip(nets, (4, 4, 5), strict=True)]
    assert whole(nets[0]) == whole(nets[1]) != whole(nets[2])
    assert reports[0] == reports[1]


# ---------------------------------------------------------------- data that no plane separates


@pytest.mark.parametrize("mode", ["stochastic", "batch"])
@pytest.mark.parametrize("seed", range(5))
def test_xor_warns_and_keeps_the_best(seed, mode):
    """No plane gets all four right; three of four is the best there is."""
    start = [0, 0] if mode == "stochastic" else [3, 2]  # from 0 the batch goes round in a circle
    p = Perceptron(start, 0)
    with pytest.warns(UserWarning, match="1 of 4 points are still misclassified after 300 epochs"):
        report = p.fit(*XOR, mode=mode, max_epochs=300, seed=seed)
    assert (report.converged, report.errors, report.epochs) == (False, 1, 300)
    assert errors(p, *XOR) == 1


@pytest.mark.parametrize("mode", ["stochastic", "batch"])
@pytest.mark.parametrize("seed", range(3))
def test_no_epoch_began_or_ended_with_better_weights(seed, mode):
    X, y, _ = separable(150, 3, seed)
    y = y ^ (np.random.default_rng(seed).random(150) < 0.15)
    best, counts = Perceptron([0, 0, 0], 0), []
    with pytest.warns(UserWarning, match=" of 150 points"):
        report = best.fit(X, y, mode=mode, max_epochs=40, seed=seed)
    rng, w, b = np.random.default_rng(seed), [0, 0, 0], 0
    signs = (2 * y - 1).tolist()
    for _ in range(40):
        counts.append(sum(output(w, b, x) != k for x, k in zip(X.tolist(), y, strict=True)))
        if mode == "batch":
            w, b, *_ = naive_batch(w, b, X.tolist(), signs, 1, 1)
        else:
            for i in rng.permutation(150):
                if output(w, b, X[i].tolist()) != (signs[i] == 1):
                    w = [wk + signs[i] * xk for wk, xk in zip(w, X[i].tolist(), strict=True)]
                    b += signs[i]
    counts.append(sum(output(w, b, x) != k for x, k in zip(X.tolist(), y, strict=True)))
    assert report.errors == errors(best, X, y) <= min(counts) < counts[-1]
    assert mode == "stochastic" or report.errors == min(counts)


def test_a_long_run_brings_weights_into_the_pocket_within_an_epoch():
    """One epoch begins and ends with worse weights than those that had the longest run."""
    X, y, _ = separable(400, 2, 2)
    y = y ^ (np.random.default_rng(0).random(400) < 0.1)
    p, q = Perceptron([0, 0], 0), Perceptron([0, 0], 0)
    with pytest.warns(UserWarning, match="misclassified"):
        report = p.fit(X, y, max_epochs=1, seed=0)
    w, b, *_ = naive_stochastic([0, 0], 0, X.tolist(), (2 * y - 1).tolist(), 1, 1, 0)
    at_the_end = errors(Perceptron(w, b), X, y)
    assert report.errors == errors(p, X, y) < min(at_the_end, errors(q, X, y))


@pytest.mark.parametrize("again", [False, True])
def test_few_weights_are_counted(again, monkeypatch):
    """Only those that begin an epoch or had a long run: counting goes over all the points.

    Where good weights are trained again, their own first run is the one to exceed.
    """
    X, y, _ = separable(1000, 5, 0)
    p = Perceptron(np.zeros(5), 0)
    if again:
        p.fit(X, y, seed=0)
    y[::100] ^= 1
    counted, real = [], pocket.Search.try_pocket
    monkeypatch.setattr(pocket.Search, "try_pocket", lambda self: counted.append(1) or real(self))
    with pytest.warns(UserWarning, match="misclassified"):
        report = p.fit(X, y, max_epochs=20, seed=0)
    assert 20 < len(counted) < report.updates / 10


def test_the_weights_of_the_last_update_are_seen_too():
    p = Perceptron([0, 0], 0)
    report = p.fit(*AND, mode="batch", max_epochs=3)  # its third update is the last it needs
    assert (report.updates, report.epochs, report.converged, report.errors) == (3, 3, True, 0)
    assert p(AND[0]).tolist() == AND[1].tolist()


def test_present_weights_are_kept_where_nothing_better_is_seen():
    X, y, _ = separable(60, 2, 0)
    p = Perceptron([0, 0], 0)
    p.fit(X, y, seed=0)
    y[7] ^= 1
    before = whole(p)
    with pytest.warns(UserWarning, match="1 of 60 points"):
        report = p.fit(X, y, max_epochs=3, seed=0)
    assert report.errors == 1
    assert report.updates > 0
    assert whole(p) == before


# ---------------------------------------------------------------- refusals and interruptions


@pytest.mark.parametrize(
    ("given", "exception", "words"),
    [
        ({"y": [0, 1, 2, 1]}, ValueError, r"0 and 1, or -1 and \+1; y\[2\] is 2"),
        ({"y": [0, 1, np.nan, 1]}, ValueError, r"y\[2\] is nan"),
        ({"y": [0, 1, -1, 1]}, ValueError, "got both 0 and -1"),
        ({"y": [0.5, 1, 0, 1]}, ValueError, r"y\[0\] is 0.5"),
        ({"y": [0, 1, 1]}, ValueError, r"each of the 4 points, \(m,\); got \(3,\)"),
        ({"y": [[0], [1], [1], [0]]}, ValueError, r"got \(4, 1\)"),
        ({"y": ["a", "b", "a", "b"]}, TypeError, "labels are 0 and 1, or -1 and"),
        ({"X": [[0, 0, 0]] * 4}, ValueError, r"X must be \(samples, 2\)"),
        ({"X": np.empty((0, 2)), "y": []}, ValueError, "at least one sample"),
        ({"X": [[0, 0], [0, 1], [1, 0], [np.inf, 1]]}, ValueError, r"X\[3, 0\] is inf"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be a positive number; got 0"),
        ({"mode": "online"}, ValueError, "unknown mode 'online'.* stochastic, batch"),
        ({"max_epochs": 0}, ValueError, "max_epochs must be 1 or more; got 0"),
        ({"max_epochs": 1.5}, TypeError, "max_epochs"),
        ({"seed": -1}, ValueError, "seed"),
    ],
)
def test_what_fit_refuses(given, exception, words):
    p = Perceptron([0, 0], 0)
    options = {"X": AND[0], "y": AND[1], **given}
    with pytest.raises(exception, match=words):
        p.fit(**options)
    assert whole(p) == ([0, 0], 0)


@pytest.mark.parametrize("mode", ["stochastic", "batch"])
def test_sums_beyond_all_floats(mode):
    p = Perceptron([1, 0], 0)
    with pytest.raises(OverflowError, match="scale the inputs"):
        p.fit([[1, 1e308], [2, -1e308], [3, 0]], [0, 0, 1], mode=mode, learning_rate=1e10, seed=0)
    assert whole(p) == ([1, 0], 0)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("mode", ["stochastic", "batch"])
def test_an_interruption_leaves_the_best_weights_seen(mode, monkeypatch):
    X, y, _ = separable(100, 3, 0)
    y[:5] ^= 1
    seen, real = [], pocket.fires

    def interrupted(parameters, points):
        seen.append(parameters.copy())
        if len(seen) == 60:
            signal.raise_signal(signal.SIGINT)
        return real(parameters, points)

    monkeypatch.setattr(pocket, "fires", interrupted)
    p = Perceptron([0, 0, 0], 0)
    with pytest.raises(KeyboardInterrupt):
        p.fit(X, y, mode=mode, seed=0)
    assert errors(p, X, y) < errors(Perceptron([0, 0, 0], 0), X, y)
    assert any((np.append(p.weights, p.bias) == one).all() for one in seen)
    with pytest.warns(UserWarning, match="misclassified"):
        p.fit(X, y, mode=mode, seed=0, max_epochs=1)  # and training can go on
