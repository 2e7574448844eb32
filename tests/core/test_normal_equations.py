"""Symmetric systems, as Levenberg-Marquardt solves them, against NumPy's own."""

import numpy as np
import pytest

from chainrule.core import _core
from oracle import assert_close

# 64 columns are one block
SIZES = [1, 2, 3, 5, 63, 64, 65, 127, 128, 129, 200]


def draw(n, rows, seed=0):
    return np.random.default_rng([n, rows, seed]).normal(size=(rows, n))


@pytest.mark.parametrize("rows", [1, 2, 7, 300])
@pytest.mark.parametrize("n", SIZES)
def test_gram_adds_to_the_lower_triangle(n, rows):
    J, A = draw(n, rows), draw(n, n)
    expected = A + 0.3 * np.einsum("ri,rj->ij", J, J)
    _core.add_gram(J, A, 0.3)
    assert_close(np.tril(A), np.tril(expected), 1e-14, scale=rows)


@pytest.mark.parametrize("n", SIZES)
def test_solution_and_factor(n):
    J = draw(n, 2 * n + 3)
    A = J.T @ J / len(J)
    b = draw(n, 1, seed=1)[0]
    L, x = np.where(np.tril(np.ones((n, n))), A, np.nan), b.copy()  # the rest is not read
    assert _core.solve_positive_definite(L, x) is True
    assert_close(np.tril(L), np.linalg.cholesky(A), 1e-13)
    assert_close(x, np.linalg.solve(A, b), 1e-12)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("wrong", [-1.0, 0.0, np.nan, np.inf])
def test_what_is_not_positive_definite_is_said_to_be_so(n, wrong):
    for where in {0, n // 2, n - 1}:
        A, b = np.eye(n), np.ones(n)
        A[where, where] = wrong
        assert _core.solve_positive_definite(A, b) is False
        assert (b == 1).all()


def test_an_indefinite_matrix_with_a_positive_diagonal():
    A, b = np.array([[1.0, 0.0], [2.0, 1.0]]), np.ones(2)
    assert _core.solve_positive_definite(A, b) is False
