"""`_core.gemm` against float64 NumPy, with the BLAS it came with and with the plain C one.

The plain C variants are picked when the package is imported, so each runs this file as a script in
a process of its own, over the same cases.
"""

from itertools import product

import numpy as np
import pytest

from chainrule.core import _core
from children import python

DTYPES = ["float32", "float64"]
FACTORS = [(1.0, 0.0), (1.0, 1.0), (-0.3, 0.7), (2.5, -1.0), (0.0, 0.5), (-1.0, 0.0)]
SHAPES = [  # m, n, k: C is m x n
    (1, 1, 1),
    (1, 7, 1),
    (7, 1, 13),
    (1, 1, 300),
    (2, 3, 5),
    (13, 17, 31),
    (16, 16, 16),
    (37, 41, 300),
    (64, 48, 257),
    (1, 131, 67),
    (131, 1, 67),
    (97, 103, 521),
]


def operand(rng, rows, columns, transposed, dtype):
    shape = (columns, rows) if transposed else (rows, columns)
    return rng.normal(size=shape).astype(dtype)


def plain(matrix, transposed):
    """op(matrix) in float64."""
    return (matrix.T if transposed else matrix).astype(float)


def check(dtype, trans_a, trans_b, shape, alpha, beta):
    m, n, k = shape
    rng = np.random.default_rng([m, n, k])
    a = operand(rng, m, k, trans_a, dtype)
    b = operand(rng, k, n, trans_b, dtype)
    c = rng.normal(size=(m, n)).astype(dtype)
    before = a.copy(), b.copy(), c.astype(float)
    if beta == 0:
        c[...] = np.nan  # what C held must not be read

    assert _core.gemm(a, b, c, trans_a, trans_b, alpha, beta) is None

    op_a, op_b = plain(a, trans_a), plain(b, trans_b)
    expected = alpha * (op_a @ op_b) + beta * before[2]
    size = abs(alpha) * (abs(op_a) @ abs(op_b)) + abs(beta * before[2])
    assert expected.any()
    # Rounding errors of a sum of k terms wander like √k.
    allowed = 4 * np.finfo(dtype).eps * (2 + np.sqrt(k)) * size
    assert np.all(np.abs(c - expected) <= allowed), np.abs((c - expected) / size).max()
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])


def check_all():
    cases = list(product(DTYPES, [False, True], [False, True], SHAPES, FACTORS))
    for dtype, trans_a, trans_b, shape, (alpha, beta) in cases:
        check(dtype, trans_a, trans_b, shape, alpha, beta)
    return len(cases)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("trans_a", [False, True], ids=["A", "At"])
@pytest.mark.parametrize("trans_b", [False, True], ids=["B", "Bt"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_gemm(dtype, trans_a, trans_b, shape):
    for alpha, beta in FACTORS:
        check(dtype, trans_a, trans_b, shape, alpha, beta)


def test_plain_c(simd):
    printed = python(__file__, CHAINRULE_BLAS="plain", CHAINRULE_SIMD=simd)
    assert printed.split("|") == ["plain C", simd, "576 cases\n"]


def test_keywords_and_defaults():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    c = np.full((2, 2), 100.0)
    _core.gemm(a, b, c)
    np.testing.assert_array_equal(c, [[19.0, 22.0], [43.0, 50.0]])
    _core.gemm(a, b, c, trans_a=True, trans_b=True, alpha=2.0, beta=1.0)
    np.testing.assert_array_equal(c, [[19.0 + 46.0, 22.0 + 62.0], [43.0 + 68.0, 50.0 + 92.0]])


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [((2, 3), (4, 5), (2, 5)), ((2, 3), (3, 5), (2, 4)), ((2, 3), (3, 5), (3, 5))],
)
def test_shapes_that_do_not_fit_are_refused(a, b, c):
    result = np.full(c, 7.0)
    with pytest.raises(ValueError, match=r"\d"):
        _core.gemm(np.ones(a), np.ones(b), result)
    assert np.all(result == 7.0)


if __name__ == "__main__":
    number = check_all()
    print(_core.blas_name(), _core.simd_name(), f"{number} cases", sep="|")
