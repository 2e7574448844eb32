"""exp, σ, tanh, softmax and the log-costs against mpmath, over the whole range, in ulps; the step.

A SIMD variant is picked when the package is imported, so each computes everything in a process of
its own (this file run as a script) and hands the results over in an .npz file.
"""

import os
import subprocess
import sys
from functools import cache

import mpmath
import numpy as np
import pytest

import chainrule
from chainrule import _core

# Largest error allowed, in units in the last place of the exact result.
MAX_ULP = {"exp": 2.0, "sigmoid": 3.0, "tanh": 3.0}
ELEMENTWISE = [*MAX_ULP, "step"]
# Where the differences d = z_j - max z are exact; rounding one adds up to |d| ulp to e^d.
MAX_ULP_SOFTMAX = 5.0
MAX_ULP_COST = 4.0
MAX_EPS_PRIME = 3.0  # of |δ| times the largest σ', in machine epsilons

DTYPES = ["float32", "float64"]
WIDTHS = [2, 3, 10, 17, 50]
LONGEST, OFFSETS = 70, 16
CANARY = -7.0  # no function here returns it

mpmath.mp.prec = 160


# ---------------------------------------------------------------- what is fed in


def points(dtype):
    """Both signs of 0, subnormals, where results under- and overflow, 800, the largest numbers."""
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    ends = [abs(np.log(float(end))) for end in (info.smallest_subnormal, info.tiny, info.max)]
    pieces = [
        [0.0, info.smallest_subnormal, 37 * info.smallest_subnormal, info.tiny, info.tiny / 2],
        [info.eps / 4, info.eps, 0.5, np.log(2.0), 1.0, 100.0, 800.0, 1e30, info.max / 3, info.max],
        *[end + np.linspace(-1.5, 1.5, 61) for end in ends],
        *[rng.uniform(0, top, 250) for top in (1, 5, 20, 120, 800)],
        10.0 ** rng.uniform(low + 1, high - 0.1, 150),
        np.linspace(0, 3, 97),
    ]
    positive = np.concatenate([np.asarray(piece, dtype=float) for piece in pieces]).astype(dtype)
    return np.concatenate([positive, -positive])


def rows_of_z(width, dtype):
    """Rows with exact differences (multiples of 1/4), and rows of any numbers up to the largest."""
    rng = np.random.default_rng(width)
    exact = rng.integers(-120, 121, size=(12, width)) / 4
    exact[0] = 0.0
    exact[1, :] = -1000.0
    exact[1, width // 2] = 1000.0
    anything = rng.normal(size=(12, width)) * np.repeat([0.1, 1.0, 10.0, 40.0], 3)[:, None]
    largest = float(np.finfo(dtype).max)
    huge = np.stack([np.linspace(0.1, 0.9, width), np.full(width, 1.0)]) * largest
    return exact.astype(dtype), np.concatenate([anything, huge]).astype(dtype)


def cost_points(dtype):
    z = points(dtype)
    return np.concatenate([z[::17], z[1:16], -z[1:16]])


def prime_inputs(name, dtype):
    rng = np.random.default_rng(5)
    low = 0.0 if name == "sigmoid" else -1.0
    a = np.concatenate([[low, 1.0, 0.5], rng.uniform(low, 1, 300)]).astype(dtype)
    return a.reshape(3, -1), rng.normal(size=(3, a.size // 3)).astype(dtype)


# ---------------------------------------------------------------- what a process computes


def apply(name, x, out):
    if name == "exp":
        _core.exp(x, out)
    else:
        _core.activate(name, x.reshape(1, -1), out.reshape(1, -1))


def moved_bits(name, dtype):
    """How often a result hangs on its place, or something beside the output was written."""
    inputs = np.random.default_rng(3).permutation(points(dtype))[: LONGEST + OFFSETS]
    expected = np.empty_like(inputs)
    apply(name, inputs, expected)
    wrong = 0
    for offset in range(OFFSETS):
        for length in range(1, LONGEST + 1):
            buffer = np.full(LONGEST + 2 * OFFSETS, CANARY, dtype)
            first = (3 * offset + length) % OFFSETS
            apply(name, inputs[offset : offset + length], buffer[first : first + length])
            want = np.full_like(buffer, CANARY)
            want[first : first + length] = expected[offset : offset + length]
            wrong += buffer.tobytes() != want.tobytes()
    return wrong


def softmax(z):
    out = np.full_like(z, CANARY)
    _core.activate("softmax", z, out)
    return out


def moved_rows(dtype):
    """How often a row of softmax differs alone, and among others in another place."""
    wrong = 0
    for width in range(1, 40):
        z = np.random.default_rng(width).normal(scale=5, size=(21, width)).astype(dtype)
        together, backwards = softmax(z), softmax(z[::-1].copy())[::-1]
        wrong += together.tobytes() != backwards.tobytes()
        for row, expected in zip(z, together, strict=True):
            wrong += softmax(row[None].copy()).tobytes() != expected.tobytes()
    return wrong


def identity_net(width, dtype, output, cost):
    """A network whose z is its input."""
    names = {"output": output, "cost": cost}
    net = chainrule.Network([width, width], **names, bias=False, dtype=dtype, seed=0)
    net.weights[0][...] = np.eye(width)
    return net


def costs(net, rows, targets):
    """The cost of each row on its own."""
    every = zip(rows, targets, strict=True)
    return np.array([net.evaluate(row[None], target[None])["cost"] for row, target in every])


def cross_entropies(z, y):
    net = identity_net(1, z.dtype, "sigmoid", "cross_entropy")
    return costs(net, z[:, None], np.full((len(z), 1), y, z.dtype))


def log_likelihoods(z):
    net = identity_net(z.shape[1], z.dtype, "softmax", "log_likelihood")
    return costs(net, z, np.arange(len(z)) % z.shape[1])


def compute(path):
    found = {"simd": _core.simd_name()}
    for dtype in DTYPES:
        for name in ELEMENTWISE:
            x = points(dtype)
            out = np.empty_like(x)
            apply(name, x, out)
            found[f"{name} {dtype}"] = out
            found[f"{name} {dtype} moved"] = moved_bits(name, dtype)
            odd = np.array([np.nan, np.inf, -np.inf, np.nan] * 5, dtype)
            apply(name, odd.copy(), odd)
            found[f"{name} {dtype} odd"] = odd
        for name in ("sigmoid", "tanh", "step"):
            a, delta = prime_inputs(name, dtype)
            _core.activation_prime(name, a, delta)
            found[f"{name} {dtype} prime"] = delta
        for y in (0.0, 0.25, 1.0):
            found[f"cross_entropy {dtype} {y}"] = cross_entropies(cost_points(dtype), y)
        for width in WIDTHS:
            for kind, z in zip(("exact", "any"), rows_of_z(width, dtype), strict=True):
                found[f"softmax {dtype} {width} {kind}"] = softmax(z)
                found[f"log_likelihood {dtype} {width} {kind}"] = log_likelihoods(z)
        found[f"softmax {dtype} moved"] = moved_rows(dtype)
    np.savez(path, **found)


@pytest.fixture(scope="module")
def found(simd, tmp_path_factory):
    path = tmp_path_factory.mktemp(simd) / "found.npz"
    env = os.environ | {"CHAINRULE_SIMD": simd}
    command = [sys.executable, "-W", "error", __file__, str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(path) as file:
        return dict(file)


# ---------------------------------------------------------------- what is true


def exactly(name, x):
    # Beyond 2000 nothing changes that either type could show, and e^max would be a long number.
    x = mpmath.mpf(float(np.clip(x, -2000, 2000)))
    if name == "exp":
        return mpmath.exp(x)
    return mpmath.tanh(x) if name == "tanh" else 1 / (1 + mpmath.exp(-x))


def softplus(z):
    """ln(1 + eᶻ) = max(z, 0) + ln(1 + e^-|z|)."""
    return max(z, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-min(abs(z), 2000)))


def exact_softmax(row):
    """The row of activations, max z, and ln Σ e^{z_j - max z}; ln a_j is z_j less these two."""
    z = [mpmath.mpf(float(value)) for value in row]
    largest = max(z)
    e = [mpmath.exp(max(value - largest, -4000)) for value in z]
    # The one e⁰ = 1 is added inside log1p: the rest may be far below 1.
    rest = mpmath.fsum(sorted(e)[:-1])
    return [value / (1 + rest) for value in e], largest, mpmath.log1p(rest)


def typical_difference(row):
    """The mean |z_k - max z| in Σ e^{z_k - max z} less the max: what rounding adds, in ulps."""
    d = (row - row.max().astype(np.longdouble)).clip(-1e4).astype(float)
    d = np.sort(d)[:-1]
    weights = np.exp(d - d.max())
    return weights @ -d / weights.sum()


@cache
def truth(name, dtype):
    return Exact([exactly(name, x) for x in points(dtype)], dtype)


class Exact:
    """Exact numbers as the nearest one of `dtype` and what is left, in ulps of `dtype`."""

    def __init__(self, numbers, dtype):
        with np.errstate(over="ignore"):
            nearest = np.array([float(number) for number in numbers]).astype(dtype)
        self.overflow = np.isinf(nearest)
        self.nearest = nearest.astype(float)
        info = np.finfo(dtype)
        exponent = np.frexp(np.where(self.overflow, 1, self.nearest))[1]
        ulp = np.ldexp(float(info.eps), exponent - 1)
        self.ulp = np.maximum(ulp, float(info.smallest_subnormal))
        self.left = np.array(
            [
                0.0 if lost else float((number - mpmath.mpf(near)) / mpmath.mpf(ulp))
                for number, near, ulp, lost in zip(
                    numbers, self.nearest, self.ulp, self.overflow, strict=True
                )
            ]
        )

    def ulps(self, got):
        """The error of each of `got` in ulps, NaN where that is NaN; too large must be inf."""
        got = np.asarray(got, dtype=float)
        with np.errstate(over="ignore", invalid="ignore"):
            errors = np.abs((got - self.nearest) / self.ulp - self.left)
        return np.where(self.overflow, np.where(got == self.nearest, 0.0, np.inf), errors)


def assert_within(errors, bound):
    """Every error within its bound; NaN is not."""
    worst = np.argmax(np.where(np.isnan(errors), np.inf, errors - bound))
    assert np.all(errors <= bound), f"{errors.flat[worst]:.3f} ulp off at index {worst}"


# ---------------------------------------------------------------- the tests


def test_the_variant_asked_for_is_the_one_that_runs(simd, found):
    assert found["simd"] == simd


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MAX_ULP)
def test_accuracy(found, name, dtype):
    exact = truth(name, dtype)
    tiny = np.finfo(dtype).tiny
    assert np.any((exact.nearest != 0) & (np.abs(exact.nearest) < tiny))  # subnormal results too
    if name == "exp":
        assert exact.overflow.any()
        assert np.any(exact.nearest == 0)
    assert_within(exact.ulps(found[f"{name} {dtype}"]), MAX_ULP[name])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MAX_ULP)
def test_results_stay_within_the_range_of_the_function(found, name, dtype):
    x, got = points(dtype), found[f"{name} {dtype}"]
    rising = got[np.argsort(x)][::7]  # neighbours may be an ulp out of order, these are far apart
    assert np.all(rising[:-1] <= rising[1:])
    assert np.all(got >= (-1 if name == "tanh" else 0))
    assert name == "exp" or np.all(got <= 1)
    assert np.all(got[x == 0] == {"exp": 1.0, "sigmoid": 0.5, "tanh": 0.0}[name])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_infinities_and_nan(found, name, dtype):
    """A NaN in z must come out as NaN, or training that diverges would go unseen."""
    top, bottom = {"exp": (np.inf, 0), "tanh": (1, -1)}.get(name, (1, 0))
    np.testing.assert_array_equal(found[f"{name} {dtype} odd"], [np.nan, top, bottom, np.nan] * 5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax"])
def test_same_bits_at_every_place_and_length(found, name, dtype):
    assert found[f"{name} {dtype} moved"] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_step(found, dtype):
    """1 where z > 0, be it the smallest subnormal, else 0; and a derivative of 0."""
    expected = [1.0 if float(z) > 0 else 0.0 for z in points(dtype)]
    np.testing.assert_array_equal(found[f"step {dtype}"], expected)
    np.testing.assert_array_equal(found[f"step {dtype} prime"], np.zeros((3, 101)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_prime(found, name, dtype):
    """δ ⊙ σ'(z) from a: a(1 - a) for σ and 1 - a² for tanh."""
    a, delta = (array.astype(np.longdouble) for array in prime_inputs(name, dtype))
    prime, largest = (a * (1 - a), 0.25) if name == "sigmoid" else (1 - a * a, 1.0)
    expected = delta * prime
    assert np.any(expected != 0)
    errors = np.abs(found[f"{name} {dtype} prime"] - expected) / np.finfo(dtype).eps
    assert_within((errors / (np.abs(delta) * largest)).astype(float), MAX_EPS_PRIME)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["exact", "any"])
def test_softmax(found, kind, width, dtype):
    z = rows_of_z(width, dtype)[kind == "any"]
    got = found[f"softmax {dtype} {width} {kind}"]
    numbers = [number for row in z for number in exact_softmax(row)[0]]
    bound = np.full(z.shape, MAX_ULP_SOFTMAX)
    if kind == "any":
        half = z.max(axis=1, keepdims=True) / 2 - z / 2  # halves: the largest may be too far apart
        bound += 2 * np.minimum(half, 1e5)
    assert_within(Exact(numbers, dtype).ulps(got.ravel()), bound.ravel())
    assert np.abs(got.sum(axis=1, dtype=float) - 1).max() <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
def test_cross_entropy(found, y, dtype):
    z = [mpmath.mpf(float(value)) for value in cost_points(dtype)]
    exact = Exact([y * softplus(-value) + (1 - y) * softplus(value) for value in z], dtype)
    assert_within(exact.ulps(found[f"cross_entropy {dtype} {y}"]), MAX_ULP_COST)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["exact", "any"])
def test_log_likelihood(found, kind, width, dtype):
    z = rows_of_z(width, dtype)[kind == "any"]
    numbers = []
    for number, row in enumerate(z):
        _, largest, log_sum = exact_softmax(row)
        numbers.append(largest - mpmath.mpf(float(row[number % width])) + log_sum)
    bound = np.full(len(z), MAX_ULP_COST)
    if kind == "any":
        bound += [typical_difference(row) for row in z]
    errors = Exact(numbers, dtype).ulps(found[f"log_likelihood {dtype} {width} {kind}"])
    assert_within(errors, bound)


if __name__ == "__main__":
    compute(sys.argv[1])
