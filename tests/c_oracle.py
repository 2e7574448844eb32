"""What a C file of `to_c` must say to the last bit: number by number, one rounding an operation.

It goes by a blueprint, and knows nothing of how the files are written but the coefficients of their
polynomials, which it reads from the pieces of C themselves.
"""

import re
from pathlib import Path

import numpy as np

import chainrule

PIECES = Path(chainrule.__file__).parent / "convert" / "c" / "pieces" / "numbers.c"


def coefficients(name, kind):
    """Of the polynomial in a piece, the highest power first."""
    text = PIECES.read_text(encoding="utf-8")
    body = text.partition(f"/*: {name} {kind}")[2].partition("/*:")[0]
    first = re.search(r"(?:float|double) [pq] = ([-\d.e]+)f?;", body)
    rest = re.findall(r"[pq] = [pq] \* \w ([+-]) ([\d.e-]+)f?;", body)
    return [float(first[1])] + [float(sign + number) for sign, number in rest]


class Real:
    """The functions of one dtype."""

    def __init__(self, dtype):
        self.of = np.dtype(dtype).type
        single = self.of is np.float32
        kind = "float" if single else "double"
        self.unsigned = np.uint32 if single else np.uint64
        self.mantissa, self.bias = (23, 127) if single else (52, 1023)
        self.rounder = self.of(1.5 * 2.0**self.mantissa)
        self.ln2 = (0.693359375, -2.12194440054690582767e-4)
        if not single:
            self.ln2 = (6.93145751953125e-1, 1.42860682030941723212e-6)
        self.exp_range = (-104, 89) if single else (-746, 710)
        self.expm1_least = -30 if single else -60
        self.half_bits = 12 if single else 27
        self.tail_scale, self.tail_end = (4, 15) if single else (5, 40)
        self.largest, self.least = np.finfo(dtype).max, np.finfo(dtype).tiny
        self.exp_terms = coefficients("exp_rest", kind)
        self.log_terms = coefficients("log1p_of", kind)
        self.tail_terms = coefficients("tail_of", kind)

    def horner(self, terms, x):
        p = self.of(terms[0])
        for each in terms[1:]:
            p = self.of(p * x) + self.of(each)
        return p

    def bits(self, x):
        return int(self.of(x).view(self.unsigned))

    def number(self, bits):
        return self.unsigned(bits).view(self.of)

    def exp_rest(self, x):
        shifted = x * self.of(1.44269504088896340736) + self.rounder
        n = shifted - self.rounder
        r = (x - n * self.of(self.ln2[0])) - n * self.of(self.ln2[1])
        return r + (r * r) * self.horner(self.exp_terms, r), int(n)

    def exp(self, x):
        if np.isnan(x):
            return x
        low, high = self.exp_range
        rest, n = self.exp_rest(min(max(x, self.of(low)), self.of(high)))
        first = (n + 2 * self.bias) // 2
        second = n + 2 * self.bias - first
        e = (self.of(1) + rest) * self.number(second << self.mantissa)
        return e * self.number(first << self.mantissa)

    def expm1(self, x):
        rest, n = self.exp_rest(max(x, self.of(self.expm1_least)))
        power = self.number((n + self.bias) << self.mantissa)
        return power * rest + (power - self.of(1))

    def log1p(self, u):
        s = u / (self.of(2) + u)
        w = s * s
        return self.of(2) * s + (self.of(2) * (s * w)) * self.horner(self.log_terms, w)

    def log(self, x):
        n = (self.bits(x) >> self.mantissa) - self.bias
        u = x / self.of(2.0**n) - self.of(1)
        return self.of(n) * self.of(np.log(2)) + self.log1p(u)

    def sigmoid(self, z):
        e = self.exp(-abs(z))
        return (e if z < 0 else self.of(1)) / (self.of(1) + e)

    def tanh(self, z):
        m = self.expm1(self.of(-2) * abs(z))
        t = -(m / (self.of(2) + m))
        return -t if z < 0 else t

    def gelu(self, z):
        x = min(abs(z), self.of(self.tail_end))
        high = self.number(self.bits(x) >> self.half_bits << self.half_bits)
        rest = (self.of(-0.5) * (x - high)) * (x + high)
        q = self.of(1 / 6) + rest * self.of(1 / 24)
        for each in (0.5, 1, 1):
            q = self.of(each) + rest * q
        gaussian = self.exp((self.of(-0.5) * high) * high) * q
        u = x / (self.of(self.tail_scale) + x)
        tail = gaussian * (self.horner(self.tail_terms, u - self.of(0.4375)) * u)
        return z - tail if z > 0 else -tail

    def mish(self, z):
        one, two = self.of(1), self.of(2)
        e = self.exp(-abs(z))
        if z < 0:
            n = e * (e + two)
            d = n + two
        else:
            n = one + two * e
            d = n + (two * e) * e
        return max(z, -self.largest) * (n / d)

    def elu(self, z, p):
        return p * self.expm1(z) if z < 0 else z

    def activated(self, name, p, z):
        """a = σ(z) of one layer, a list."""
        if name == "softmax":
            return self.softmax(z)
        return [self.one(name, p, each) for each in z]

    def softmax(self, z):
        most = max(z)
        e = [self.exp(each - most) for each in z]
        total = self.of(0)
        for each in e:
            total = total + each
        return [each / total for each in e]

    def one(self, name, p, z):
        zero, one = self.of(0), self.of(1)
        if name == "sigmoid":
            return self.sigmoid(z)
        if name == "tanh":
            return self.tanh(z)
        if name == "relu":
            return max(z, zero)
        if name == "leaky_relu":
            return p * z if z < 0 else z
        if name == "elu":
            return self.elu(z, p)
        if name == "selu":
            elu = self.elu(z, self.of(1.67326324235437728482))
            return self.of(1.05070098735548049342) * elu
        if name == "softplus":
            return (z if z > 0 else zero) + self.log1p(self.exp(-abs(z)))
        if name == "gelu":
            return self.gelu(z)
        if name == "swish":
            return max(z, -self.largest) * self.sigmoid(p * z)
        if name == "mish":
            return self.mish(z)
        if name == "softsign":
            z = min(max(z, -self.largest), self.largest)
            return z / (one + abs(z))
        if name == "hard_sigmoid":
            if z <= -3 or z >= 3:
                return zero if z < 0 else one
            return (z + self.of(3)) * self.of(1 / 6)
        if name == "exponential":
            return self.exp(z)
        if name == "step":
            return one if z > 0 else zero
        assert name == "identity"
        return z


def outputs(blueprint, X, dtype):
    """(m, n_L) of rows X (m, n_1), or of prepared inputs."""
    real = Real(dtype)
    with np.errstate(all="ignore"):
        return np.array([row_of(blueprint, real, x) for x in X.astype(dtype)], dtype)


def row_of(blueprint, real, x):
    if len(blueprint.chains) == 1:
        said = said_by(blueprint, blueprint.chains[0], real, x)
    else:
        said = [real.of(0)] * blueprint.n_out
        for chain, share in zip(blueprint.chains, blueprint.shares, strict=True):
            part = said_by(blueprint, chain, real, x)
            said = [a + real.of(share) * b for a, b in zip(said, part, strict=True)]
    if blueprint.temperature != 1:
        least, T = real.of(real.least), real.of(blueprint.temperature)
        said = real.softmax([real.log(max(each, least)) / T for each in said])
    return sorted(said) if blueprint.levels is not None else said


def said_by(blueprint, chain, real, a):
    if any(each.scaling is not None for each in blueprint.chains):
        a = scaled(real, a, chain.scaling)
    for layer in chain.layers:
        z = []
        for row, b in zip(layer.weights.astype(real.of), layer.biases.astype(real.of), strict=True):
            total = b
            for w, each in zip(row, a, strict=True):
                total = total + w * each
            z.append(total)
        a = real.activated(layer.activation, real.of(layer.parameter), z)
    if any(each.output_scaling is not None for each in blueprint.chains):
        a = scaled(real, a, chain.output_scaling)
    return a


def scaled(real, a, pair):
    scale, shift = (np.ones(len(a)), np.zeros(len(a))) if pair is None else pair
    scale, shift = scale.astype(real.of), shift.astype(real.of)
    return [each * s + t for each, s, t in zip(a, scale, shift, strict=True)]
