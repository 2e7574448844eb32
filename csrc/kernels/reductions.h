/* Sums and the like over one array, in BLOCK lanes folded at the end: fast, and in an order that depends on the length
 * alone. */

INLINE double fold(const double lanes[BLOCK]) {
    double total = 0;
    for (int k = 0; k < BLOCK; k++) total += lanes[k];
    return total;
}

static real dot(const real *x, const real *y, size_t n) {
    real lanes[BLOCK] = {0};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += x[i + k] * y[i + k];
    }
    for (int k = 0; i < n; i++, k++) lanes[k] += x[i] * y[i];
    real total = 0;
    for (int k = 0; k < BLOCK; k++) total += lanes[k];
    return total;
}

static real sum(const real *x, size_t n) {
    real lanes[BLOCK] = {0};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += x[i + k];
    }
    for (int k = 0; i < n; i++, k++) lanes[k] += x[i];
    real total = 0;
    for (int k = 0; k < BLOCK; k++) total += lanes[k];
    return total;
}

static real largest(const real *x, size_t n) {
    real lanes[BLOCK];
    for (int k = 0; k < BLOCK; k++) lanes[k] = x[0];
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
    }
    for (int k = 0; i < n; i++, k++) lanes[k] = x[i] > lanes[k] ? x[i] : lanes[k];
    for (int k = 1; k < BLOCK; k++) lanes[0] = lanes[k] > lanes[0] ? lanes[k] : lanes[0];
    return lanes[0];
}

/* the first of equals */
INLINE size_t argmax(const real *x, size_t n) {
    size_t best = 0;
    for (size_t j = 1; j < n; j++) best = x[j] > x[best] ? j : best;
    return best;
}
