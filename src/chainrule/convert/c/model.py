"""The arithmetic of the C file in NumPy, operation by operation: the same bits, for self-tests.

Each function here is that of the same name in pieces.c, for arrays of one dtype. NumPy rounds each
operation by itself, as C does without contraction.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.c.program import Member, Program

Reals = NDArray[Any]
ROWS = 1024  # at a time

# q of exp_rest, p of log1p_of, tail_of: coefficients of the highest power first
EXP = {
    "float32": (1.39263256181334621e-3, 8.3632927530306023112e-3, 4.1666553762567638397e-2,
                1.6666576305560638271e-1, 0.5),
    "float64": (2.5100569275813682631e-8, 2.762032742826823816e-7, 2.7557268072890098263e-6,
                2.4801520792572692843e-5, 1.9841269863303223296e-4, 1.3888888917538295848e-3,
                8.3333333333300117609e-3, 4.1666666666623476764e-2, 1.6666666666666667468e-1, 0.5),
}  # fmt: skip
LOG = {
    "float32": (0.11615127803448179542, 0.10852713536419283124, 0.14296213037334131581,
                0.19999852539504327204, 0.33333333661987504681),
    "float64": (0.08086486882582435819, 0.043982635133370287926, 0.060009487603518856891,
                0.066570287400614316425, 0.076927876777579189876, 0.090908946237957681686,
                0.11111111360589110707, 0.14285714283535833874, 0.20000000000007361312,
                0.33333333333333329238),
}  # fmt: skip
TAIL = {
    "float32": (-0.0642858967, 0.0845439211, 0.167329103, -0.306477368, -0.14064236, 1.02689493,
                -1.74201345, 1.85151649, -1.42780888, 0.837700486),
    "float64": (-0.00075804545712216265651, 0.0045846240400022313793, 0.0027063782962932765412,
                -0.011653142660188332835, -0.0068364671026266109199, 0.019839133421875737584,
                0.01385392957747213355, -0.033423508816938868327, -0.023382529513665571003,
                0.064239017085356467374, 0.027664245135749419152, -0.13953249007645973645,
                0.023955130287787569643, 0.29186124312405276049, -0.36729942106042429151,
                -0.24057183109531379839, 1.4703051914056106675, -2.738967954965548568,
                3.4125154323960127378, -3.2614357719128643787, 2.5191166396838511332,
                -1.6105665056657956224, 0.8607598605188376828),
}  # fmt: skip
# Of each dtype: its bits, mantissa and bias; what rounds to whole numbers, and its bits; ln 2 in
# two parts; from where to where e^x is a number; e^x - 1 is -1 below; half of the mantissa; the
# scale and the end of the tail.
OF: dict[str, dict[str, Any]] = {
    "float32": {
        "bits": np.uint32, "mantissa": 23, "bias": 127, "rounder": 12582912.0,
        "rounder_bits": 0x4B400000, "ln2": (0.693359375, -2.12194440054690582767e-4),
        "exp": (-104.0, 89.0), "expm1": -30.0, "half": 0xFFFFF000, "tail": (4.0, 15.0),
        "ln2_whole": 0.693147182464599609375,
    },
    "float64": {
        "bits": np.uint64, "mantissa": 52, "bias": 1023, "rounder": 6755399441055744.0,
        "rounder_bits": 0x4338000000000000,
        "ln2": (6.93145751953125e-1, 1.42860682030941723212e-6),
        "exp": (-746.0, 710.0), "expm1": -60.0, "half": 0xFFFFFFFFF8000000, "tail": (5.0, 40.0),
        "ln2_whole": 0.69314718055994530942,
    },
}  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], x: Reals) -> Reals:
    kind = x.dtype.type
    p = np.full_like(x, kind(coefficients[0]))
    for each in coefficients[1:]:
        p = p * x + kind(each)
    return p


def _clipped(x: Reals, low: float, high: float) -> Reals:
    kind = x.dtype.type
    return np.where(x < kind(low), kind(low), np.where(x > kind(high), kind(high), x))


def _bits_of(x: Reals) -> NDArray[Any]:
    return np.ascontiguousarray(x).view(OF[x.dtype.name]["bits"])


def _exp_rest(x: Reals) -> tuple[Reals, NDArray[Any]]:
    kind, of = x.dtype.type, OF[x.dtype.name]
    shifted = x * kind(1.44269504088896340736) + kind(of["rounder"])
    whole = shifted - kind(of["rounder"])
    high, low = of["ln2"]
    r = (x - whole * kind(high)) - whole * kind(low)
    n = _bits_of(shifted) - of["bits"](of["rounder_bits"])
    return r + (r * r) * _polynomial(EXP[x.dtype.name], r), n


def exp_of(x: Reals) -> Reals:
    """e^x."""
    kind, of = x.dtype.type, OF[x.dtype.name]
    rest, n = _exp_rest(_clipped(x, *of["exp"]))
    both = n + of["bits"](2 * of["bias"])
    first, shift = both >> of["bits"](1), of["bits"](of["mantissa"])
    e = kind(1) + rest
    return (e * ((both - first) << shift).view(kind)) * (first << shift).view(kind)


def expm1_of(x: Reals) -> Reals:
    """e^x - 1 for x <= 0."""
    kind, of = x.dtype.type, OF[x.dtype.name]
    low = kind(of["expm1"])
    e, n = _exp_rest(np.where(x < low, low, x))
    scale = ((n + of["bits"](of["bias"])) << of["bits"](of["mantissa"])).view(kind)
    return scale * e + (scale - kind(1))


def log1p_of(u: Reals) -> Reals:
    """ln(1 + u) for u from 0 to 1."""
    two = u.dtype.type(2)
    s = u / (two + u)
    w = s * s
    return two * s + (two * (s * w)) * _polynomial(LOG[u.dtype.name], w)


def log_of(x: Reals) -> Reals:
    """Natural logarithm of normal numbers above 0."""
    kind, of = x.dtype.type, OF[x.dtype.name]
    b, mantissa = _bits_of(x), of["bits"](of["mantissa"])
    n = (b >> mantissa).astype(kind) - kind(of["bias"])
    below = b & of["bits"](2 ** of["mantissa"] - 1)
    u = (below | (of["bits"](of["bias"]) << mantissa)).view(kind) - kind(1)
    return n * kind(of["ln2_whole"]) + log1p_of(u)


def _gaussian(x: Reals) -> Reals:
    kind, of = x.dtype.type, OF[x.dtype.name]
    high = (_bits_of(x) & of["bits"](of["half"])).view(kind)
    rest = (kind(-0.5) * (x - high)) * (x + high)
    q = kind(0.16666666666666666667) + rest * kind(0.041666666666666666667)
    for each in (0.5, 1, 1):
        q = kind(each) + rest * q
    return exp_of((kind(-0.5) * high) * high) * q


def _sigmoid(z: Reals) -> Reals:
    one = z.dtype.type(1)
    e = exp_of(-np.abs(z))
    return np.where(z < 0, e, one) / (one + e)


def _tanh(z: Reals) -> Reals:
    kind = z.dtype.type
    m = expm1_of(kind(-2) * np.abs(z))
    t = m / (kind(2) + m)
    return np.where(z < 0, t, -t)


def _gelu(z: Reals) -> Reals:
    scale, end = OF[z.dtype.name]["tail"]
    kept = _clipped(z, -end, end)
    u = kept / (z.dtype.type(scale) + np.abs(kept))
    tail = _gaussian(np.abs(kept)) * (
        _polynomial(TAIL[z.dtype.name], np.abs(u) - z.dtype.type(0.4375)) * u
    )
    return np.where(z > 0, z - tail, tail)


def _elu(z: Reals, p: Any) -> Reals:
    return np.where(z < 0, p * expm1_of(np.minimum(z, 0)), z)


def _mish(z: Reals) -> Reals:
    kind = z.dtype.type
    e = exp_of(-np.abs(z))
    n = np.where(z < 0, e * (e + kind(2)), kind(1) + kind(2) * e)
    d = n + np.where(z < 0, kind(2), (kind(2) * e) * e)
    return _not_infinite(z) * (n / d)


def _not_infinite(z: Reals) -> Reals:
    return np.maximum(z, np.finfo(z.dtype).min)


def _softsign(z: Reals) -> Reals:
    kept = _clipped(z, np.finfo(z.dtype).min, np.finfo(z.dtype).max)
    return kept / (z.dtype.type(1) + np.abs(kept))


def _hard_sigmoid(z: Reals) -> Reals:
    kind = z.dtype.type
    line = (z + kind(3)) * kind(0.16666666666666666667)
    return np.where(z <= -3, kind(0), np.where(z >= 3, kind(1), line))


def softmax_of(z: Reals) -> Reals:
    """Rows (m, n) of e^(z_j - max z) over their sum."""
    a = exp_of(z - z.max(axis=1, keepdims=True))
    total = np.zeros(len(z), z.dtype)
    for column in a.T:
        total = total + column
    return a / total[:, None]


def tempered(p: Reals, temperature: Any) -> Reals:
    """Rows (m, n) of p^(1/T), whose sum is 1."""
    return softmax_of(log_of(np.maximum(p, np.finfo(p.dtype).tiny)) / temperature)


VALUES: dict[str, Callable[[Reals, Any], Reals]] = {
    "sigmoid": lambda z, p: _sigmoid(z),
    "tanh": lambda z, p: _tanh(z),
    "relu": lambda z, p: np.where(z < 0, z.dtype.type(0), z),
    "leaky_relu": lambda z, p: np.where(z < 0, p * z, z),
    "elu": _elu,
    "selu": lambda z, p: (
        z.dtype.type(1.05070098735548049342) * _elu(z, z.dtype.type(1.67326324235437728482))
    ),
    "softplus": lambda z, p: np.where(z > 0, z, z.dtype.type(0)) + log1p_of(exp_of(-np.abs(z))),
    "gelu": lambda z, p: _gelu(z),
    "swish": lambda z, p: _not_infinite(z) * _sigmoid(p * z),
    "mish": lambda z, p: _mish(z),
    "softsign": lambda z, p: _softsign(z),
    "hard_sigmoid": lambda z, p: _hard_sigmoid(z),
    "exponential": lambda z, p: exp_of(z),
    "identity": lambda z, p: z,
    "step": lambda z, p: np.where(z > 0, z.dtype.type(1), np.where(z <= 0, z.dtype.type(0), z)),
    "softmax": lambda z, p: softmax_of(z),
}


def finished(program: Program, found: Reals) -> Reals:
    """Return what becomes of what the networks say together, (m, n_L): tempered, or sorted."""
    if program.is_tempered:
        found = tempered(found, program.dtype.type(program.blueprint.temperature))
    return np.sort(found, axis=1) if program.is_sorted else found


def means(program: Program, x: Reals) -> Reals:
    """Return what the networks say together of rows x (m, n_1), (m, n_L)."""
    found = np.empty((len(x), program.n_out), program.dtype)
    with np.errstate(all="ignore"):  # as C does
        for start in range(0, len(x), ROWS):
            rows = x[start : start + ROWS].astype(program.dtype)
            if len(program.members) == 1:
                said = said_by(program.members[0], rows)
            else:
                said = np.zeros((len(rows), program.n_out), program.dtype)
                for member in program.members:
                    said = said + member.share * said_by(member, rows)
            found[start : start + ROWS] = said
    return found


def reaches(program: Program, x: Reals) -> list[float]:
    """Return the largest |a^l| that each layer reads, for rows x (m, n_1) of one network."""
    found = np.zeros(len(program.members[0].stages))
    with np.errstate(all="ignore"):
        for start in range(0, len(x), ROWS):
            rows = x[start : start + ROWS].astype(program.dtype)
            layers = [np.abs(a).max() for a in _layers(program.members[0], rows)]
            found = np.maximum(found, layers[:-1])
    return found.tolist()


def said_by(member: Member, a: Reals) -> Reals:
    """Return what one network says of rows (m, n_1), (m, n_L)."""
    for each in _layers(member, a):
        a = each
    if member.output_scaling is not None:
        a = a * member.output_scaling[0] + member.output_scaling[1]
    return a


def _layers(member: Member, a: Reals) -> Iterator[Reals]:
    """Yield a^1, ..., a^L of rows (m, n_1)."""
    if member.scaling is not None:
        a = a * member.scaling[0] + member.scaling[1]
    yield a
    for stage in member.stages:
        z = np.broadcast_to(stage.biases, (len(a), len(stage.biases)))
        for from_one, weights in zip(a.T, stage.weights, strict=True):
            z = z + weights * from_one[:, None]
        a = VALUES[stage.activation](z, stage.parameter)
        yield a
