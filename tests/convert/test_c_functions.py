"""The functions of C files, by their twins in NumPy: as exact as the bound takes them to be."""

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.convert.assembly import activation_of
from chainrule.convert.c import bound, model
from chainrule.convert.rounding import SLOPES
from oracle import activate

PARAMETERS = {"leaky_relu": [0.01, 0.3], "elu": [1.0, 0.7], "swish": [1.0, 2.0]}
CASES = [
    (name, p) for name in ACTIVATIONS if name != "softmax" for p in PARAMETERS.get(name, [0.0])
]


def points(dtype):
    """Over all that matters: evenly from -120 to 120, and of every size."""
    rng = np.random.default_rng(0)
    sizes = np.exp2(rng.uniform(-140, 7, 40_000)) * rng.choice([-1, 1], 40_000)
    return np.concatenate([np.linspace(-120, 120, 60_001), sizes]).astype(dtype)


@pytest.mark.parametrize(("name", "p"), CASES)
def test_float32_against_float64(name, p):
    z = points(np.float32)
    with np.errstate(all="ignore"):
        got = model.VALUES[name](z, np.float32(p)).astype(float)
        exact = activate(activation_of(name, float(np.float32(p))), z.astype(float))
        ulp = np.maximum(np.abs(exact) * 2.0**-23, 2.0**-149)
        within = np.abs(exact) < np.finfo(np.float32).max
        off = np.abs(got - exact) - np.abs(z) * 2.0**-149  # which may multiply a subnormal number
    # ulp as the bound counts: up to twice the true one
    assert (off / ulp)[within].max() <= max(bound.ULPS[name], 1e-6)


@pytest.mark.parametrize(("name", "p"), CASES)
def test_float64_against_many_digits(name, p):
    mpmath = pytest.importorskip("mpmath", reason="needs mpmath")
    z = points(np.float64)[::251]
    with np.errstate(all="ignore"):
        got = model.VALUES[name](z, np.float64(p))
    formula = FORMULAS[name]
    with mpmath.workdps(60):
        for each, value in zip(z.tolist(), got.tolist(), strict=True):
            exact = formula(mpmath, mpmath.mpf(each), mpmath.mpf(p))
            ulp = max(abs(float(exact)) * 2.0**-52, 2.0**-1074)
            off = abs(float(exact - mpmath.mpf(value))) - abs(each) * 2.0**-1074
            assert off / ulp <= max(bound.ULPS[name], 1e-6)


def _sigmoid(m, z):
    return 1 / (1 + m.exp(-z))


def _elu(m, z, p):
    return z if z > 0 else p * m.expm1(z)


FORMULAS = {
    "sigmoid": lambda m, z, p: _sigmoid(m, z),
    "tanh": lambda m, z, p: m.tanh(z),
    "relu": lambda m, z, p: max(z, m.mpf(0)),
    "leaky_relu": lambda m, z, p: z if z > 0 else p * z,
    "elu": _elu,
    "selu": lambda m, z, p: (
        m.mpf("1.05070098735548049342") * _elu(m, z, m.mpf("1.67326324235437728482"))
    ),
    "softplus": lambda m, z, p: m.log1p(m.exp(z)) if z < 50 else z + m.log1p(m.exp(-z)),
    "gelu": lambda m, z, p: z * m.ncdf(z),
    "swish": lambda m, z, p: z * _sigmoid(m, p * z),
    "mish": lambda m, z, p: z * m.tanh(m.log1p(m.exp(z))),
    "softsign": lambda m, z, p: z / (1 + abs(z)),
    "hard_sigmoid": lambda m, z, p: min(max((z + 3) / 6, m.mpf(0)), m.mpf(1)),
    "exponential": lambda m, z, p: m.exp(z),
    "identity": lambda m, z, p: z,
    "step": lambda m, z, p: m.mpf(z > 0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logarithms(dtype):
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    x = np.exp(rng.uniform(np.log(info.tiny), 0, 10_000)).astype(dtype).clip(info.tiny)
    exact = np.log(x.astype(np.longdouble))
    assert np.abs((model.log_of(x) - exact) / (info.eps * (1 + np.abs(exact)))).max() < 2


@pytest.mark.parametrize("name", sorted(set(SLOPES) - {"step", "softmax"}))
def test_no_slope_is_steeper_than_the_bounds_take_it(name):
    z = np.linspace(-12, 12, 200_001)
    steepest = np.abs(np.diff(activate(activation_of(name, 1.0), z))).max() / (z[1] - z[0])
    assert steepest <= SLOPES[name] * (1 + 1e-9)
    assert steepest > SLOPES[name] * 0.999


@pytest.mark.parametrize("temperature", [0.3, 1.7, 3.0])
def test_temperatures_are_as_near_as_the_bound_says(temperature):
    rng, units = np.random.default_rng(0), bound.Units(np.dtype("f4"), np.dtype("f4"))
    for size in (1.0, 10.0, 60.0):
        z = rng.normal(size=(400, 5), scale=size)
        p = model.softmax_of(z)
        other = model.softmax_of(z + rng.uniform(-1e-3, 1e-3, z.shape))
        apart = np.full(5, np.abs(p - other).max())
        logs = 2e-3 if np.abs(np.log(p) - np.log(other)).max() < 2e-3 else np.inf
        most = bound._tempered(apart, logs, temperature, units, np.dtype("f4"))
        off = np.abs(model.tempered(p, temperature) - model.tempered(other, temperature))
        assert (off <= most).all()
        assert (off <= bound._tempered(apart, np.inf, temperature, units, np.dtype("f4"))).all()
