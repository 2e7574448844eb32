# A x = b for a symmetric A = JᵀJ + ..., of which only the lower triangle is kept.
#
# On the package's own `gemm`: the bits depend on no number of threads, and a signal waits for a block of columns only.

cdef enum:
    BLOCK = 64

def add_gram(const double[:, ::1] J, double[:, ::1] A, double alpha):
    """A (n, n) <- A + alpha JᵀJ in the lower triangle, for J (rows, n). What is above the diagonal has no meaning."""
    cdef Py_ssize_t k, width, n = A.shape[0]
    check_ready()
    for k in range(0, n, BLOCK):
        width = min(n - k, <Py_ssize_t> BLOCK)
        with nogil:
            kernels.gemm[double](CR_OWN_WAY, True, False, width, k + width, J.shape[0], alpha, &J[0, k], n, &J[0, 0], n,
                                 1, &A[k, 0], n)
        PyErr_CheckSignals()


cdef bint factorize(double *a, Py_ssize_t n, Py_ssize_t first, Py_ssize_t width) noexcept nogil:
    """Columns first ... first + width of L in place of those of A (n, n), from which the columns of L before them have
    been taken off: the left half, that off the right half, the right half. Whether all pivots are positive."""
    cdef Py_ssize_t i, half = width // 2, middle = first + half
    cdef double pivot
    if width == 1:
        pivot = sqrt(a[first * n + first])
        for i in range(first, n):
            a[i * n + first] /= pivot
        return pivot > 0 and isfinite(pivot)
    if not factorize(a, n, first, half):
        return False
    kernels.gemm[double](CR_OWN_WAY, False, True, n - middle, width - half, half, -1, a + middle * n + first, n,
                         a + middle * n + first, n, 1, a + middle * n + middle, n)
    return factorize(a, n, middle, width - half)


def solve_positive_definite(double[:, ::1] A, double[::1] x):
    """x (n,) <- A⁻¹ x by Cholesky's A = L Lᵀ; A (n, n), given by its lower triangle, becomes L there.

    Returns whether A is positive definite; if not, x is as it was.
    """
    cdef Py_ssize_t i, j, k, width, n = A.shape[0]
    cdef bint definite
    cdef double *a = &A[0, 0]
    check_ready()
    for k in range(0, n, BLOCK):
        width = min(n - k, <Py_ssize_t> BLOCK)
        with nogil:
            if k:
                kernels.gemm[double](CR_OWN_WAY, False, True, n - k, width, k, -1, a + k * n, n, a + k * n, n,
                                     1, a + k * n + k, n)
            definite = factorize(a, n, k, width)
        PyErr_CheckSignals()
        if not definite:
            return False
    with nogil:
        for i in range(n):  # L z = x
            for j in range(i):
                x[i] -= a[i * n + j] * x[j]
            x[i] /= a[i * n + i]
        for i in range(n - 1, -1, -1):  # Lᵀ x = z
            x[i] /= a[i * n + i]
            for j in range(i):
                x[j] -= a[i * n + j] * x[i]
    return True
