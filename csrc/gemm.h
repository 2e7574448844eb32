/* The plain-C gemm: c (m, n) <- alpha op(a) op(b) + beta c, for builds without a BLAS.
 *
 * op(b) is packed a panel of KC rows by NR columns at a time on the stack; MR rows of op(a) then meet it in registers.
 * The order of every sum depends on the shapes alone. */

#if defined(__GNUC__)
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, MR = 8 };
#elif defined(__AVX2__)
enum { VECTOR_BYTES = 32, MR = 6 };
#else
enum { VECTOR_BYTES = 16, MR = 6 };
#endif
typedef real vector __attribute__((vector_size(VECTOR_BYTES), may_alias));
#else
enum { VECTOR_BYTES = sizeof(real), MR = 4 };
typedef real vector;
#endif
enum { LANES = VECTOR_BYTES / sizeof(real), NR = 2 * LANES, KC = 128 };

/* c (rows, cols) += alpha a b for rows <= MR, cols <= NR, a(i, p) = a[i * a_row + p * a_column], b (k, NR) packed */
INLINE void gemm_tile(real *c, size_t ldc, const real *a, size_t a_row, size_t a_column, const vector *b, size_t rows,
                      size_t cols, size_t k, real alpha) {
    vector left[MR], right[MR];
    const vector zero = {0};
    for (size_t i = 0; i < rows; i++) left[i] = right[i] = zero;
    for (size_t p = 0; p < k; p++) {
        vector b_left = b[2 * p], b_right = b[2 * p + 1];
        for (size_t i = 0; i < rows; i++) {
            real factor = a[i * a_row + p * a_column];
            left[i] += factor * b_left;
            right[i] += factor * b_right;
        }
    }
    for (size_t i = 0; i < rows; i++) {
        real sums[NR];
        memcpy(sums, &left[i], sizeof(vector));
        memcpy(sums + LANES, &right[i], sizeof(vector));
        for (size_t j = 0; j < cols; j++) c[i * ldc + j] += alpha * sums[j];
    }
}

static void gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a, size_t lda,
                 const real *b, size_t ldb, real beta, real *c, size_t ldc) {
    const size_t a_row = trans_a ? 1 : lda, a_column = trans_a ? lda : 1;
    const size_t b_row = trans_b ? 1 : ldb, b_column = trans_b ? ldb : 1;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    }
    vector panel[2 * KC];
    for (size_t p = 0; p < k; p += KC) {
        size_t depth = k - p < KC ? k - p : KC;
        for (size_t j = 0; j < n; j += NR) {
            size_t cols = n - j < NR ? n - j : NR;
            real *packed = (real *)panel;
            const real *corner = b + p * b_row + j * b_column;
            for (size_t q = 0; q < depth; q++) {
                for (size_t x = 0; x < cols; x++) packed[q * NR + x] = corner[q * b_row + x * b_column];
                for (size_t x = cols; x < NR; x++) packed[q * NR + x] = 0;
            }
            size_t i = 0;
            for (; i + MR <= m; i += MR) {
                gemm_tile(c + i * ldc + j, ldc, a + i * a_row + p * a_column, a_row, a_column, panel, MR, cols, depth,
                          alpha);
            }
            for (; i < m; i++) {
                gemm_tile(c + i * ldc + j, ldc, a + i * a_row + p * a_column, a_row, a_column, panel, 1, cols, depth,
                          alpha);
            }
        }
    }
}
