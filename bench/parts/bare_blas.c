/* The matrix products of one training step of a feedforward network, and nothing else: no gather,
 * bias, activation or cost. What is left above this time is what the package itself adds.
 *
 * Shapes (row-major; l = 1 is the input layer, L = layers the output):
 *   A[l-1]  (m, n_l)        activations, A[0] is the batch itself
 *   D[l-1]  (m, n_l)        errors delta^l, l >= 2
 *   W[l-1]  (n_l, n_{l-1})  weights, l >= 2
 *
 * Compiled with -DREAL=float or -DREAL=double when the benchmark runs. `gemm` is the cblas_?gemm
 * that the package itself calls.
 */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

typedef void gemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, REAL alpha, const REAL *A, int lda,
                     const REAL *B, int ldb, REAL beta, REAL *C, int ldc);

void bare_steps(REAL *const *A, REAL *const *D, REAL *const *W, gemm_fn *gemm, const int *sizes, int layers, int m,
                int steps) {
    /* As good as no learning: the values stay what they were, however many steps are timed. */
    const REAL eta = (REAL)1e-9;

    for (int step = 0; step < steps; step++) {
        for (int l = 1; l < layers; l++) /* Z = A W^T */
            gemm(ROW_MAJOR, NO_TRANS, TRANS, m, sizes[l], sizes[l - 1], 1, A[l - 1], sizes[l - 1], W[l], sizes[l - 1],
                 0, A[l], sizes[l]);
        for (int l = layers - 1; l > 0; l--) {
            if (l > 1) /* BP2: delta W, before W changes */
                gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, m, sizes[l - 1], sizes[l], 1, D[l], sizes[l], W[l], sizes[l - 1], 0,
                     D[l - 1], sizes[l - 1]);
            /* BP4 and the update in one: W <- W - eta delta^T A */
            gemm(ROW_MAJOR, TRANS, NO_TRANS, sizes[l], sizes[l - 1], m, -eta, D[l], sizes[l], A[l - 1], sizes[l - 1], 1,
                 W[l], sizes[l - 1]);
        }
    }
}
