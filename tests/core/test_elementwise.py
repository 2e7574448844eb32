"""Every σ and σ', softmax and the log-costs against mpmath, over the whole range, in ulps.

A SIMD variant is picked when the package is imported, so each computes everything in a process of
its own (this file run as a script) and hands the results over in an .npz file.
"""

import sys
from functools import cache

import mpmath
import numpy as np
import pytest

import chainrule
from chainrule.core import _core
from children import python

# Every activation but softmax, with its parameter (0 where it has none), and the largest error
# allowed in units in the last place of the exact result. A product βz that has to be rounded adds
# up to |βz| ulp to e^βz, so β is a power of 2 here.
MAX_ULP = {
    ("sigmoid", 0.0): 3.0,
    ("tanh", 0.0): 3.0,
    ("relu", 0.0): 0.0,
    ("leaky_relu", 0.01): 0.5,
    ("leaky_relu", 0.0): 0.0,
    ("leaky_relu", 3.0): 0.5,
    ("elu", 1.0): 1.5,
    ("elu", 0.3): 2.5,
    ("selu", 0.0): 3.0,
    ("softplus", 0.0): 3.0,
    ("gelu", 0.0): 5.0,
    ("swish", 1.0): 3.0,
    ("swish", 0.25): 3.0,
    ("mish", 0.0): 5.0,
    ("softsign", 0.0): 2.0,
    ("hard_sigmoid", 0.0): 2.0,
    ("exponential", 0.0): 2.0,
    ("identity", 0.0): 0.0,
    ("step", 0.0): 0.0,
}
EVERY = list(MAX_ULP)
# swish and mish multiply e^βz, which may be subnormal, by z: |z| units of the smallest number.
NOT_RISING = ("gelu", "swish", "mish")
# δ ⊙ σ', in machine epsilons of the terms that σ' is a sum of, and in 1 + |z| of the smallest
# number, where e^z is subnormal.
MAX_EPS_PRIME = 4.0
# Where the differences d = z_j - max z are exact; rounding one adds up to |d| ulp to e^d.
MAX_ULP_SOFTMAX = 5.0
MAX_ULP_COST = 4.0

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


def deltas(dtype):
    """A δ for each point, from ½ to 2 and of either sign."""
    n, rng = points(dtype).size, np.random.default_rng(5)
    return (rng.choice([-1, 1], n) * rng.uniform(0.5, 2, n)).astype(dtype)


# ---------------------------------------------------------------- what a process computes


def apply(activation, x, out):
    _core.activate(activation, x.reshape(1, -1), out.reshape(1, -1))


def apply_prime(activation, x, out):
    """out <- δ ⊙ σ'(x), where δ hangs on x alone."""
    a = np.empty_like(x)
    apply(activation, x, a)
    with np.errstate(over="ignore"):
        out[:] = 1 + x * x.dtype.type(0.1)
    _core.activation_prime(activation, *(array.reshape(1, -1) for array in (x, a, out)))


def moved_bits(apply, activation, dtype):
    """How often a result hangs on its place, or something beside the output was written."""
    inputs = np.random.default_rng(3).permutation(points(dtype))[: LONGEST + OFFSETS]
    expected = np.empty_like(inputs)
    apply(activation, inputs, expected)
    wrong = 0
    for offset in range(OFFSETS):
        for length in range(1, LONGEST + 1):
            buffer = np.full(LONGEST + 2 * OFFSETS, CANARY, dtype)
            first = (3 * offset + length) % OFFSETS
            apply(activation, inputs[offset : offset + length], buffer[first : first + length])
            want = np.full_like(buffer, CANARY)
            want[first : first + length] = expected[offset : offset + length]
            wrong += buffer.tobytes() != want.tobytes()
    return wrong


def softmax(z):
    out = np.full_like(z, CANARY)
    _core.activate(("softmax", 0.0), z, out)
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
        for activation in EVERY:
            x, key = points(dtype), f"{activation} {dtype}"
            out = np.empty_like(x)
            apply(activation, x, out)
            found[key] = out
            in_place = x.copy()
            apply(activation, in_place, in_place)
            found[f"{key} in place"] = in_place
            found[f"{key} moved"] = moved_bits(apply, activation, dtype)
            found[f"{key} prime moved"] = moved_bits(apply_prime, activation, dtype)
            delta = deltas(dtype)
            _core.activation_prime(activation, x[None], out[None], delta[None])
            found[f"{key} prime"] = delta
            odd = np.array([np.nan, np.inf, -np.inf, np.nan] * 5, dtype)
            z, slopes = odd.copy(), np.ones_like(odd)
            apply(activation, z, odd)
            found[f"{key} odd"] = odd
            _core.activation_prime(activation, z[None], odd[None], slopes[None])
            found[f"{key} odd prime"] = slopes
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
    python("-W", "error", __file__, path, CHAINRULE_SIMD=simd)
    with np.load(path) as file:
        return dict(file)


# ---------------------------------------------------------------- what is true


def exp(x):
    """e^x; beyond 2000 nothing changes that either type could show, but numbers grow long."""
    return mpmath.exp(max(min(x, 2000), -2000))


def logistic(z):
    return 1 / (1 + exp(-z))


def normal(z):
    """Φ(z)."""
    return mpmath.erfc(-max(min(z, 2000), -2000) / mpmath.sqrt(2)) / 2


def density(z):
    return exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)


def elu(z, alpha):
    return z if z > 0 else alpha * mpmath.expm1(max(z, -2000))


# the two numbers of Klambauer et al., 2017, to more digits than float64 has
SELU_SCALE, SELU_ALPHA = (
    mpmath.mpf(digits) for digits in ("1.0507009873554804934193", "1.6732632423543772848170")
)

EXACTLY = {  # σ(z), and p is the parameter
    "sigmoid": lambda z, p: logistic(z),
    "tanh": lambda z, p: mpmath.tanh(max(min(z, 2000), -2000)),
    "relu": lambda z, p: max(z, 0),
    "leaky_relu": lambda z, p: z if z > 0 else p * z,
    "elu": elu,
    "selu": lambda z, p: SELU_SCALE * elu(z, SELU_ALPHA),
    "softplus": lambda z, p: softplus(z),
    "gelu": lambda z, p: z * normal(z),
    "swish": lambda z, p: z * logistic(p * z),
    "mish": lambda z, p: z * mpmath.tanh(softplus(max(min(z, 2000), -2000))),
    "softsign": lambda z, p: z / (1 + abs(z)),
    "hard_sigmoid": lambda z, p: max(min((z + 3) / 6, 1), 0),
    "exponential": lambda z, p: exp(z),
    "identity": lambda z, p: z,
    "step": lambda z, p: 1 if z > 0 else 0,
}

# The terms that σ'(z) is the sum of; computed from a, which the network keeps, or from z.
PRIME_FROM_A = {
    "sigmoid": lambda a, p: [a * (1 - a)],
    "tanh": lambda a, p: [1 - a * a],
    "relu": lambda a, p: [a > 0],
    "leaky_relu": lambda a, p: [1 if a > 0 else p],
    "softplus": lambda a, p: [-mpmath.expm1(-min(a, 2000))],  # 1 - 1/(1 + e^z)
    "hard_sigmoid": lambda a, p: [mpmath.mpf(0 < a < 1) / 6],
    "exponential": lambda a, p: [a],
    "identity": lambda a, p: [1],
    "step": lambda a, p: [0],
}
PRIME_FROM_Z = {
    "elu": lambda z, p: [1 if z > 0 else p * exp(z)],
    "selu": lambda z, p: [SELU_SCALE * (1 if z > 0 else SELU_ALPHA * exp(z))],
    "gelu": lambda z, p: [normal(z), z * density(z)],
    "swish": lambda z, p: [logistic(p * z), p * z * logistic(p * z) * logistic(-p * z)],
    "mish": lambda z, p: mish_prime(max(min(z, 2000), -2000)),
    "softsign": lambda z, p: [1 / (1 + abs(z)) ** 2],
}

# σ and σ' at ∞ and -∞, and σ(0)
LIMITS = {
    "sigmoid": (1, 0, 0.5),
    "tanh": (1, -1, 0),
    "relu": (np.inf, 0, 0),
    "leaky_relu": (np.inf, -np.inf, 0),
    "elu": (np.inf, -1, 0),
    "selu": (np.inf, -float(SELU_SCALE * SELU_ALPHA), 0),
    "softplus": (np.inf, 0, np.log(2)),
    "gelu": (np.inf, 0, 0),
    "swish": (np.inf, 0, 0),
    "mish": (np.inf, 0, 0),
    "softsign": (1, -1, 0),
    "hard_sigmoid": (1, 0, 0.5),
    "exponential": (np.inf, 0, 1),
    "identity": (np.inf, -np.inf, 0),
    "step": (1, 0, 0),
}
LIMITS_PRIME = {
    "relu": (1, 0),
    "leaky_relu": (1, None),
    "elu": (1, 0),
    "selu": (float(SELU_SCALE), 0),
    "softplus": (1, 0),
    "gelu": (1, 0),
    "swish": (1, 0),
    "mish": (1, 0),
    "exponential": (np.inf, 0),
    "identity": (1, 1),
}


def softplus(z):
    """ln(1 + eᶻ) = max(z, 0) + ln(1 + e^-|z|)."""
    return max(z, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-min(abs(z), 2000)))


def mish_prime(z):
    """The terms t and zt', with t = tanh(ln(1 + eᶻ)) and t' = s/cosh²(ln(1 + eᶻ))."""
    return [mpmath.tanh(softplus(z)), z * logistic(z) / mpmath.cosh(softplus(z)) ** 2]


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
def truth(activation, dtype):
    name, parameter = activation
    parameter = mpmath.mpf(float(np.dtype(dtype).type(parameter)))
    exactly = EXACTLY[name]
    return Exact([exactly(mpmath.mpf(float(z)), parameter) for z in points(dtype)], dtype)


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


every_activation = pytest.mark.parametrize("activation", EVERY, ids=lambda a: f"{a[0]} {a[1]:g}")


def test_no_activation_is_left_out():
    named = {name for name, _ in EVERY}
    assert named == set(EXACTLY) == set(LIMITS) == {*PRIME_FROM_A, *PRIME_FROM_Z}
    assert named == set(chainrule.ACTIVATIONS) - {"softmax"}


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_accuracy(found, activation, dtype):
    name, _ = activation
    exact = truth(activation, dtype)
    tiny, smallest = np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal
    if name not in ("step", "hard_sigmoid"):  # subnormal results too
        assert np.any((exact.nearest != 0) & (np.abs(exact.nearest) < tiny))
    if name == "exponential":
        assert exact.overflow.any()
        assert np.any(exact.nearest == 0)
    bound = np.full(exact.nearest.shape, MAX_ULP[activation])
    if name in ("swish", "mish"):
        bound += np.abs(points(dtype).astype(float)).clip(0, 3e3) * (smallest / exact.ulp)
    assert_within(exact.ulps(found[f"{activation} {dtype}"]), bound)


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_results_stay_within_the_range_of_the_function(found, activation, dtype):
    name, parameter = activation
    x, got = points(dtype), found[f"{activation} {dtype}"]
    highest, lowest, at_zero = (np.dtype(dtype).type(value) for value in LIMITS[name])
    if name not in NOT_RISING:
        rising = got[np.argsort(x)][::7]  # neighbours may be an ulp out of order, not these
        assert np.all(rising[:-1] <= rising[1:])
        scale = parameter if name == "elu" else 1
        assert np.all(got >= np.nextafter(lowest * scale, np.dtype(dtype).type(-np.inf)))
    assert np.all(got <= highest)
    np.testing.assert_allclose(got[x == 0], at_zero, rtol=np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_infinities_and_nan(found, activation, dtype):
    """A NaN in z must come out as NaN, or training that diverges would go unseen."""
    name, parameter = activation
    got = found[f"{activation} {dtype} odd"]
    assert np.isnan(got[[0, 3, 4, -1]]).all()
    top, bottom, _ = LIMITS[name]
    if activation == ("leaky_relu", 0.0):
        bottom = np.nan  # 0·∞
    bottom = bottom * (parameter if name == "elu" else 1)
    expected = np.array([np.nan, top, bottom, np.nan] * 5)
    np.testing.assert_allclose(got, expected, rtol=np.finfo(dtype).eps, atol=0)
    assert found[f"{activation} {dtype} odd"].dtype == dtype

    slopes = found[f"{activation} {dtype} odd prime"]
    top, bottom = LIMITS_PRIME.get(name, (0, 0))
    bottom = np.dtype(dtype).type(parameter) if bottom is None else bottom
    np.testing.assert_allclose(slopes[1::4], top, rtol=np.finfo(dtype).eps, atol=0)
    np.testing.assert_allclose(slopes[2::4], bottom, rtol=np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("what", ["moved", "prime moved"])
@every_activation
def test_same_bits_at_every_place_and_length(found, activation, what, dtype):
    assert found[f"{activation} {dtype} {what}"] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_same_bits_in_place(found, activation, dtype):
    """Training writes a over z: σ' and the next layer are to see the a that feedforward gives."""
    assert (
        found[f"{activation} {dtype} in place"].tobytes()
        == found[f"{activation} {dtype}"].tobytes()
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_has_the_same_bits_in_every_row(found, dtype):
    assert found[f"softmax {dtype} moved"] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@every_activation
def test_prime(found, activation, dtype):
    """δ ⊙ σ'(z), from the a of the core where it is computed from a."""
    name, parameter = activation
    parameter = mpmath.mpf(float(np.dtype(dtype).type(parameter)))
    from_a = name in PRIME_FROM_A
    terms = PRIME_FROM_A[name] if from_a else PRIME_FROM_Z[name]
    z, a = points(dtype), found[f"{activation} {dtype}"]
    smallest = float(np.finfo(dtype).smallest_subnormal)
    allowed = smallest * (1 + np.abs(z.astype(float)).clip(0, 3e3))
    got = found[f"{activation} {dtype} prime"].astype(float)
    used = 0
    for i, (x, delta) in enumerate(zip(a if from_a else z, deltas(dtype), strict=True)):
        parts = [delta * mpmath.mpf(part) for part in terms(mpmath.mpf(float(x)), parameter)]
        size = float(sum(map(abs, parts)))
        if size > float(np.finfo(dtype).max):  # e^z, or the product
            assert np.isinf(got[i])
            continue
        error = abs(float(mpmath.mpf(got[i]) - sum(parts)))
        bound = MAX_EPS_PRIME * np.finfo(dtype).eps * size + allowed[i]
        assert error <= bound, f"{got[i]} is off by {error} > {bound} at z = {z[i]}"
        used += size > 0
    assert used > 100 or name == "step"


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
