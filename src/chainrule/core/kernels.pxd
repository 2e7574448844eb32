"""The C kernels of csrc/chainrule.h, one name for both precisions."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

# The precision of a network's numbers. `const real *precision`, as a parameter, says which it is and nothing else:
# nobody reads what it points to.
ctypedef fused real:
    float
    double

cdef extern from "chainrule.h" nogil:
    enum:
        CR_ACTIVATION_any
        CR_ACTIVATION_sigmoid
        CR_ACTIVATION_softmax
        CR_ACTIVATION_COUNT
        CR_COST_COUNT
        CR_OPTIMIZER_COUNT
        CR_INPUT_COUNT
        CR_INPUT_float32
        CR_INPUT_float64
        CR_INPUT_int32
        CR_INPUT_int64
        CR_INPUT_uint8
        CR_OPTIMIZER_adam
        CR_OPTIMIZER_adamax
        CR_OPTIMIZER_sgd
        CR_OWN_WAY
        CR_BLAS
        CR_BFLOAT16
    const char *cr_activation_names[]
    const char cr_activation_sources[]
    const char *cr_cost_names[]
    const int cr_cost_outputs[]
    const int cr_cost_lows[]
    const char *cr_optimizer_names[]
    const char *cr_input_names[]
    const char *cr_input_formats[]
    const size_t cr_input_sizes[]

    enum:
        CR_SPARSE_SUMS
        CR_STRIPE_BYTES

    ctypedef struct cr_rows:
        const void *x
        const int32_t *order
        size_t rows, width

    ctypedef struct cr_scaling:
        const float *f32
        const double *f64

    ctypedef struct cr_entries:
        void *values
        int32_t *columns
        int32_t *counts
        size_t room

    ctypedef struct cr_sparse:
        const void *x
        size_t size
        const int32_t *columns
        const int64_t *begins
        const int32_t *order
        size_t coming, later

    ctypedef struct cr_update:
        double rate, beta1, beta2, epsilon, bias1, bias2, decay, l1, l2, scale, least, most
        int nesterov

    # what is used of the tables, in any order
    ctypedef struct cr_kernels_f32:
        void (*activate[1])(float *, const float *, size_t, size_t, float) noexcept nogil
        void (*activate_prime[1])(float *, const float *, size_t, size_t, float) noexcept nogil
        double (*cost[1])(const float *, const float *, const float *, const float *, size_t, size_t,
                          const double *) noexcept nogil
        void (*cost_delta[1])(float *, const float *, const float *, const float *, size_t, size_t,
                              const double *) noexcept nogil
        int (*all_finite)(const float *, size_t) noexcept nogil
        void (*sum_rows)(float *, const float *, size_t, size_t, size_t, float, float) noexcept nogil
        void (*gather)(float *, const float *, const int32_t *, size_t, size_t) noexcept nogil
        void (*convert[1])(float *, const void *, const int32_t *, size_t, size_t,
                           const cr_scaling *) noexcept nogil
        void (*densify[1])(float *, const void *, const int32_t *, const int64_t *, const int32_t *, size_t, size_t,
                           const cr_scaling *) noexcept nogil
        void (*one_hot)(float *, const int32_t *, const int32_t *, size_t, size_t, float) noexcept nogil
        size_t (*agreements)(const float *, const float *, size_t, size_t, float) noexcept nogil
        void (*update[1])(float *, float *, float *, const float *, size_t, const cr_update *) noexcept nogil
        void (*dropout)(float *, float *, const float *, size_t, double, uint64_t, uint64_t, uint64_t,
                        size_t) noexcept nogil
        void (*multiply)(float *, const float *, size_t) noexcept nogil
        void (*limit_rows)(float *, size_t, size_t, float) noexcept nogil
        void (*clip)(float *, size_t, float) noexcept nogil
        double (*sum_of_squares)(const float *, size_t) noexcept nogil
        size_t (*count_below)(const float *, size_t, float) noexcept nogil
        void (*move_average)(float *, const float *, size_t, double) noexcept nogil
        void (*unpack[1])(const cr_entries *, size_t, const cr_sparse *, const int32_t *, size_t, size_t,
                          const cr_scaling *) noexcept nogil
        void (*sparse_forward)(float *, size_t, const cr_entries *, size_t, size_t, const float *, size_t, size_t,
                               const float *, const cr_sparse *) noexcept nogil
        void (*sparse_outer)(float *, const cr_entries *, const float *, size_t, size_t, size_t, size_t, float,
                             float) noexcept nogil
        void (*stripe)(float *, const float *, size_t, size_t) noexcept nogil
        void (*unstripe)(float *, const float *, size_t, size_t) noexcept nogil
    ctypedef struct cr_kernels_f64:
        void (*activate[1])(double *, const double *, size_t, size_t, double) noexcept nogil
        void (*activate_prime[1])(double *, const double *, size_t, size_t, double) noexcept nogil
        double (*cost[1])(const double *, const double *, const double *, const double *, size_t, size_t,
                          const double *) noexcept nogil
        void (*cost_delta[1])(double *, const double *, const double *, const double *, size_t, size_t,
                              const double *) noexcept nogil
        int (*all_finite)(const double *, size_t) noexcept nogil
        void (*sum_rows)(double *, const double *, size_t, size_t, size_t, double, double) noexcept nogil
        void (*gather)(double *, const double *, const int32_t *, size_t, size_t) noexcept nogil
        void (*convert[1])(double *, const void *, const int32_t *, size_t, size_t,
                           const cr_scaling *) noexcept nogil
        void (*densify[1])(double *, const void *, const int32_t *, const int64_t *, const int32_t *, size_t, size_t,
                           const cr_scaling *) noexcept nogil
        void (*one_hot)(double *, const int32_t *, const int32_t *, size_t, size_t, double) noexcept nogil
        size_t (*agreements)(const double *, const double *, size_t, size_t, double) noexcept nogil
        void (*update[1])(double *, double *, double *, const double *, size_t, const cr_update *) noexcept nogil
        void (*dropout)(double *, double *, const double *, size_t, double, uint64_t, uint64_t, uint64_t,
                        size_t) noexcept nogil
        void (*multiply)(double *, const double *, size_t) noexcept nogil
        void (*limit_rows)(double *, size_t, size_t, double) noexcept nogil
        void (*clip)(double *, size_t, double) noexcept nogil
        double (*sum_of_squares)(const double *, size_t) noexcept nogil
        size_t (*count_below)(const double *, size_t, double) noexcept nogil
        void (*move_average)(double *, const double *, size_t, double) noexcept nogil
        void (*unpack[1])(const cr_entries *, size_t, const cr_sparse *, const int32_t *, size_t, size_t,
                          const cr_scaling *) noexcept nogil
        void (*sparse_forward)(double *, size_t, const cr_entries *, size_t, size_t, const double *, size_t, size_t,
                               const double *, const cr_sparse *) noexcept nogil
        void (*sparse_outer)(double *, const cr_entries *, const double *, size_t, size_t, size_t, size_t, double,
                             double) noexcept nogil
        void (*stripe)(double *, const double *, size_t, size_t) noexcept nogil
        void (*unstripe)(double *, const double *, size_t, size_t) noexcept nogil

    bint cr_few_long_rows(size_t m, size_t k)
    size_t CR_CELL(int way)
    const cr_kernels_f32 *cr_f32
    const cr_kernels_f64 *cr_f64
    const char *cr_select_simd(const char *name)

    int cr_gemm_way_f32(int, int, size_t, size_t, size_t)
    void cr_gemm_f32(int, int, int, size_t, size_t, size_t, float, const float *, size_t, const float *, size_t,
                     float, float *, size_t, const float *, const cr_rows *)
    int cr_gemm_way_f64(int, int, size_t, size_t, size_t)
    void cr_gemm_f64(int, int, int, size_t, size_t, size_t, double, const double *, size_t, const double *, size_t,
                     double, double *, size_t, const double *, const cr_rows *)
    const char *cr_open_blas(const char *path)
    const char *cr_blas_name()

    void cr_shuffle(int32_t *order, size_t n, uint64_t seed, uint64_t stream)
    void cr_philox(uint32_t *out, const uint32_t *counter, const uint32_t *key)
    ctypedef struct cr_team:
        pass
    ctypedef void (*cr_part)(void *context, size_t part, int thread) noexcept nogil
    cr_team *cr_team_open(int threads, int cores)
    int cr_team_size(const cr_team *team)
    void cr_team_run(cr_team *team, cr_part part, void *context, size_t parts)
    void cr_team_close(cr_team *team)
    bint cr_is_ready()

    double cr_seconds()
    void *cr_aligned_alloc(size_t bytes)
    void cr_aligned_free(void *block)


cdef inline int gemm_way(int trans_a, int trans_b, size_t m, size_t n, size_t k, const real *precision) noexcept nogil:
    """Which way a product of that size goes; for `gemm`."""
    return cr_gemm_way_f32(trans_a, trans_b, m, n, k) if real is float else cr_gemm_way_f64(trans_a, trans_b, m, n, k)


cdef inline void gemm(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, double alpha,
                      const real *a, size_t lda, const real *b, size_t ldb,
                      double beta, real *c, size_t ldc, const real *row=NULL,
                      const cr_rows *next=NULL) noexcept nogil:
    """c (m, n) <- alpha op(a) op(b) + beta c, or a part of its columns (of its rows, where a is transposed). Where
    there is a row (n,), it is added to each in the place of beta c; a is not transposed then. Memory may be asked for
    the rows that come next."""
    if real is float:
        cr_gemm_f32(way, trans_a, trans_b, m, n, k, <float> alpha, a, lda, b, ldb, <float> beta, c, ldc, row, next)
    else:
        cr_gemm_f64(way, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, row, next)


cdef inline void activate(int activation, real *a, const real *z, size_t rows, size_t width,
                          double parameter) noexcept nogil:
    if real is float:
        cr_f32.activate[activation](a, z, rows, width, <float> parameter)
    else:
        cr_f64.activate[activation](a, z, rows, width, parameter)


cdef inline void activate_prime(int activation, real *delta, const real *x, size_t rows, size_t width,
                                double parameter) noexcept nogil:
    if real is float:
        cr_f32.activate_prime[activation](delta, x, rows, width, <float> parameter)
    else:
        cr_f64.activate_prime[activation](delta, x, rows, width, parameter)


cdef inline double cost_sum(int cost, const real *z, const real *a, const real *y, const real *u, size_t rows,
                            size_t width, const double *parameters) noexcept nogil:
    if real is float:
        return cr_f32.cost[cost](z, a, y, u, rows, width, parameters)
    else:
        return cr_f64.cost[cost](z, a, y, u, rows, width, parameters)


cdef inline void cost_delta(int cost, real *delta, const real *z, const real *a, const real *y,
                            size_t rows, size_t width, const double *parameters) noexcept nogil:
    if real is float:
        cr_f32.cost_delta[cost](delta, z, a, y, rows, width, parameters)
    else:
        cr_f64.cost_delta[cost](delta, z, a, y, rows, width, parameters)


cdef inline bint finite(const real *x, size_t n) noexcept nogil:
    if real is float:
        return cr_f32.all_finite(x, n)
    else:
        return cr_f64.all_finite(x, n)


cdef inline void sum_rows(real *out, const real *delta, size_t rows, size_t width, size_t stride,
                          double alpha, double beta) noexcept nogil:
    if real is float:
        cr_f32.sum_rows(out, delta, rows, width, stride, <float> alpha, <float> beta)
    else:
        cr_f64.sum_rows(out, delta, rows, width, stride, alpha, beta)


cdef inline void gather(real *out, const real *x, const int32_t *order, size_t rows, size_t width) noexcept nogil:
    if real is float:
        cr_f32.gather(out, x, order, rows, width)
    else:
        cr_f64.gather(out, x, order, rows, width)


cdef inline void convert(int kind, real *out, const void *x, const int32_t *order, size_t rows, size_t width,
                         const cr_scaling *scaling) noexcept nogil:
    if real is float:
        cr_f32.convert[kind](out, x, order, rows, width, scaling)
    else:
        cr_f64.convert[kind](out, x, order, rows, width, scaling)


cdef inline void densify(int kind, real *out, const void *x, const int32_t *columns, const int64_t *begins,
                         const int32_t *order, size_t rows, size_t width, const cr_scaling *scaling) noexcept nogil:
    if real is float:
        cr_f32.densify[kind](out, x, columns, begins, order, rows, width, scaling)
    else:
        cr_f64.densify[kind](out, x, columns, begins, order, rows, width, scaling)


cdef inline void one_hot(real *out, const int32_t *labels, const int32_t *order,
                         size_t rows, size_t width, int low) noexcept nogil:
    if real is float:
        cr_f32.one_hot(out, labels, order, rows, width, low)
    else:
        cr_f64.one_hot(out, labels, order, rows, width, low)


cdef inline size_t agreements(const real *a, const real *y, size_t rows, size_t width, int low) noexcept nogil:
    if real is float:
        return cr_f32.agreements(a, y, rows, width, low)
    else:
        return cr_f64.agreements(a, y, rows, width, low)


cdef inline void update_by(int optimizer, real *w, real *s, real *t, const real *gradient, size_t n,
                           const cr_update *update) noexcept nogil:
    if real is float:
        cr_f32.update[optimizer](w, s, t, gradient, n, update)
    else:
        cr_f64.update[optimizer](w, s, t, gradient, n, update)


cdef inline void dropout(real *out, real *mask, const real *a, size_t n, double p, uint64_t seed, uint64_t stream,
                         uint64_t first, size_t begin) noexcept nogil:
    if real is float:
        cr_f32.dropout(out, mask, a, n, p, seed, stream, first, begin)
    else:
        cr_f64.dropout(out, mask, a, n, p, seed, stream, first, begin)


cdef inline void multiply(real *x, const real *y, size_t n) noexcept nogil:
    if real is float:
        cr_f32.multiply(x, y, n)
    else:
        cr_f64.multiply(x, y, n)


cdef inline void limit_rows(real *w, size_t rows, size_t width, double limit) noexcept nogil:
    if real is float:
        cr_f32.limit_rows(w, rows, width, <float> limit)
    else:
        cr_f64.limit_rows(w, rows, width, limit)


cdef inline void clip(real *x, size_t n, double limit) noexcept nogil:
    if real is float:
        cr_f32.clip(x, n, <float> limit)
    else:
        cr_f64.clip(x, n, limit)


cdef inline double sum_of_squares(const real *x, size_t n) noexcept nogil:
    if real is float:
        return cr_f32.sum_of_squares(x, n)
    else:
        return cr_f64.sum_of_squares(x, n)


cdef inline size_t count_below(const real *x, size_t n, real limit) noexcept nogil:
    """How many |x| are below the limit."""
    if real is float:
        return cr_f32.count_below(x, n, limit)
    else:
        return cr_f64.count_below(x, n, limit)


cdef inline void move_average(real *average, const real *w, size_t n, double keep) noexcept nogil:
    if real is float:
        cr_f32.move_average(average, w, n, keep)
    else:
        cr_f64.move_average(average, w, n, keep)


cdef inline void unpack(int kind, const cr_entries *out, size_t first, const cr_sparse *x, const int32_t *order,
                        size_t rows, size_t k, const cr_scaling *scaling, const real *precision) noexcept nogil:
    if real is float:
        cr_f32.unpack[kind](out, first, x, order, rows, k, scaling)
    else:
        cr_f64.unpack[kind](out, first, x, order, rows, k, scaling)


cdef inline void sparse_forward(real *z, size_t ldz, const cr_entries *x, size_t first, size_t rows, const real *w,
                                size_t n, size_t k, const real *b, const cr_sparse *next) noexcept nogil:
    if real is float:
        cr_f32.sparse_forward(z, ldz, x, first, rows, w, n, k, b, next)
    else:
        cr_f64.sparse_forward(z, ldz, x, first, rows, w, n, k, b, next)


cdef inline void sparse_outer(real *w, const cr_entries *x, const real *delta, size_t ldd, size_t rows, size_t n,
                              size_t k, double alpha, double beta) noexcept nogil:
    if real is float:
        cr_f32.sparse_outer(w, x, delta, ldd, rows, n, k, <float> alpha, <float> beta)
    else:
        cr_f64.sparse_outer(w, x, delta, ldd, rows, n, k, alpha, beta)


cdef inline void stripe(real *striped, const real *w, size_t n, size_t k) noexcept nogil:
    if real is float:
        cr_f32.stripe(striped, w, n, k)
    else:
        cr_f64.stripe(striped, w, n, k)


cdef inline void unstripe(real *w, const real *striped, size_t n, size_t k) noexcept nogil:
    if real is float:
        cr_f32.unstripe(w, striped, n, k)
    else:
        cr_f64.unstripe(w, striped, n, k)
