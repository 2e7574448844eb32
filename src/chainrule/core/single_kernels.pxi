# Single kernels, for Python code that needs one, and for their tests.

def gemm(const real[:, ::1] A, const real[:, ::1] B, real[:, ::1] C, bint trans_a=False, bint trans_b=False,
         double alpha=1.0, double beta=0.0):
    """C (m, n) <- alpha op(A) op(B) + beta C, where op(A) is A (m, k) or the transpose of A (k, m), and so for B."""
    cdef Py_ssize_t m, k, n, inner
    m, k = (A.shape[1], A.shape[0]) if trans_a else (A.shape[0], A.shape[1])
    inner, n = (B.shape[1], B.shape[0]) if trans_b else (B.shape[0], B.shape[1])
    if k != inner or C.shape[0] != m or C.shape[1] != n:
        raise ValueError(f"op(A) is {m} x {k}, op(B) is {inner} x {n} and C is {C.shape[0]} x {C.shape[1]}: "
                         "the inner sizes must agree and C must take the outer ones")
    if m and n:
        kernels.gemm[real](CR_OWN_WAY, trans_a, trans_b, m, n, k, alpha, &A[0, 0], A.shape[1], &B[0, 0], B.shape[1],
                           beta, &C[0, 0], C.shape[1])


cdef Tape empty_tape() noexcept:
    """A tape for a single equation, which brings its own arrays."""
    cdef Tape tape
    tape.sparse, tape.dropout, tape.user = NULL, NULL, NULL
    return tape


def activate(activation, const real[:, ::1] Z, real[:, ::1] A):
    """A <- σ(Z), both (m, n), for an activation (name, parameter); softmax goes row by row."""
    name, parameter = activation
    if Z.shape[0] == 0 or Z.shape[1] == 0:  # then there is no first element to begin at
        return
    kernels.activate[real](ACTIVATIONS.index(name), &A[0, 0], &Z[0, 0], Z.shape[0], Z.shape[1], parameter)


def activation_prime(activation, const real[:, ::1] Z, const real[:, ::1] A, real[:, ::1] delta):
    """delta <- delta ⊙ σ'(Z), all (m, n), where A = σ(Z)."""
    cdef Plan plan = Plan((1, A.shape[1]), (activation,), ("quadratic", ()), False)
    cdef Tape tape = empty_tape()
    equations.multiply_by_slope[real](&delta[0, 0], &plan.net, 0, &Z[0, 0], &A[0, 0], A.shape[0], &tape)


def bp1(activation, cost, const real[:, ::1] Z, const real[:, ::1] A, const real[:, ::1] Y, real[:, ::1] delta):
    """BP1: delta (m, n_L) <- δ^L from Z = z^L, A = a^L and Y, all (m, n_L)."""
    cdef Plan plan = Plan((1, A.shape[1]), (activation,), cost, False)
    cdef Tape tape = empty_tape()
    equations.bp1[real](&delta[0, 0], &plan.net, &Z[0, 0], &A[0, 0], &Y[0, 0], NULL, A.shape[0], &tape)


def bp2(activation, const real[:, ::1] W, const real[:, ::1] delta_following, const real[:, ::1] Z,
        const real[:, ::1] A, real[:, ::1] delta):
    """BP2: delta (m, n_l) <- δ^l from W = W^{l+1} (n_{l+1}, n_l), δ^{l+1} (m, n_{l+1}), and z^l and a^l (m, n_l)."""
    cdef Plan plan = Plan((1, W.shape[1], W.shape[0]), (activation, ("identity", 0)), ("quadratic", ()), False)
    cdef Tape tape = empty_tape()
    cdef Part whole_layer = whole(A.shape[0], A.shape[1])
    plan.net.layers[1].weights = 0  # W stands alone
    equations.bp2[real](&delta[0, 0], &plan.net, 0, &W[0, 0], &delta_following[0, 0], &Z[0, 0], &A[0, 0],
                        &whole_layer, &tape)


def bp3(const real[:, ::1] delta, real[::1] nabla_b):
    """BP3: nabla_b (n_l,) <- the mean over the m samples of δ^l (m, n_l)."""
    cdef Plan plan = Plan((1, delta.shape[1]), (("identity", 0),), ("quadratic", ()), False)
    cdef Part whole_layer = whole(delta.shape[0], delta.shape[1])
    equations.bp3[real](&nabla_b[0], &plan.net.layers[0], &delta[0, 0], &whole_layer, 1.0 / delta.shape[0], 0)


def bp4(const real[:, ::1] delta, const real[:, ::1] A, real[:, ::1] nabla_w):
    """BP4: nabla_w (n_l, n_{l-1}) <- the mean over the m samples of δ^l (m, n_l) times A = a^{l-1} (m, n_{l-1})."""
    cdef Plan plan = Plan((A.shape[1], delta.shape[1]), (("identity", 0),), ("quadratic", ()), False)
    cdef Part whole_layer = whole(delta.shape[0], delta.shape[1])
    cdef Rows a
    a.a, a.sparse, a.coming.rows = &A[0, 0], NULL, 0
    equations.bp4[real](&nabla_w[0, 0], &plan.net.layers[0], &delta[0, 0], &a, &whole_layer, 1.0 / A.shape[0], 0)


def multiply(real[::1] x, const real[::1] y):
    """x <- x ⊙ y, the Hadamard product."""
    if x.shape[0]:
        kernels.multiply[real](&x[0], &y[0], x.shape[0])


def add_scaled(double[::1] total, const real[::1] x, double scale):
    """total <- total + scale x, both (n,), in float64."""
    cdef Py_ssize_t i
    if total.shape[0] != x.shape[0]:
        raise ValueError(f"total has {total.shape[0]} numbers, x {x.shape[0]}")
    for i in range(x.shape[0]):
        total[i] += scale * x[i]


def blend(real[::1] x, const real[::1] y, double tau):
    """x <- (1 - tau) x + tau y, both (n,)."""
    kernels.move_average[real](&x[0], &y[0], x.shape[0], 1 - tau)


def all_finite(const real[::1] x):
    """Whether x holds neither NaN nor infinity."""
    return kernels.finite[real](&x[0], x.shape[0]) if x.shape[0] else True


def all_below(const real[::1] x, double limit):
    """Whether every |x| is below the limit; NaN is not, infinity never."""
    return kernels.count_below[real](&x[0], x.shape[0], limit) == <size_t> x.shape[0] if x.shape[0] else True


def shuffled(Py_ssize_t n, uint64_t seed, uint64_t stream, int32_t[::1] order):
    """order (n,) <- the order in which epoch number `stream` of a network with this seed visits n rows."""
    cr_shuffle(&order[0], n, seed, stream)


def swap_by(const double[::1] draws, int32_t[::1] order):
    """Shuffle order (n,) by draws (n - 1,) from [0, 1): for i = n-1 ... 1 swap i and int(draws[n-1-i] * (i + 1))."""
    cdef Py_ssize_t i, j, n = order.shape[0]
    for i in range(n - 1, 0, -1):
        j = <Py_ssize_t> (draws[n - 1 - i] * (i + 1))
        order[i], order[j] = order[j], order[i]


def philox(counter, key):
    """The four words of one block of Philox4x32-10."""
    cdef uint32_t c[4]
    cdef uint32_t k[2]
    cdef uint32_t out[4]
    c[0], c[1], c[2], c[3] = counter
    k[0], k[1] = key
    cr_philox(out, c, k)
    return out[0], out[1], out[2], out[3]
