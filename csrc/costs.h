/* The costs: `name_cost` is the sum over the rows of the cost of one sample, `name_delta` its gradient with respect to
 * a^L, or delta^L itself where the cost is for one output activation (chainrule.h). All (rows, width).
 */

/* sum of TERM(i) for i < n; TERM(i) is an expression in i */
#define SUM_TERMS(total, n, TERM)                                                                                      \
    do {                                                                                                               \
        double lanes[BLOCK] = {0};                                                                                     \
        size_t i = 0;                                                                                                  \
        for (; i + BLOCK <= (n); i += BLOCK) {                                                                         \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += (double)(TERM(i + k));                             \
        }                                                                                                              \
        for (int k = 0; i < (n); i++, k++) lanes[k] += (double)(TERM(i));                                              \
        (total) = fold(lanes);                                                                                         \
    } while (0)

INLINE real squared(real x) { return x * x; }

/* |y - a|^2: the course's C_0 */
static double squared_error_cost(const real *z, const real *a, const real *y, size_t rows, size_t width) {
    (void)z;
    double total;
#define TERM(i) squared(y[i] - a[i])
    SUM_TERMS(total, rows * width, TERM);
#undef TERM
    return total;
}

static void squared_error_delta(real *delta, const real *a, const real *y, size_t rows, size_t width) {
    INDEPENDENT for (size_t i = 0; i < rows * width; i++) delta[i] = -2 * (y[i] - a[i]);
}

/* 1/2 |y - a|^2 */
static double quadratic_cost(const real *z, const real *a, const real *y, size_t rows, size_t width) {
    return 0.5 * squared_error_cost(z, a, y, rows, width);
}

static void quadratic_delta(real *delta, const real *a, const real *y, size_t rows, size_t width) {
    INDEPENDENT for (size_t i = 0; i < rows * width; i++) delta[i] = a[i] - y[i];
}

/* -(y ln a + (1 - y) ln(1 - a)) with a = sigma(z) is ln(1 + e^z) - y z = max(z, 0) - y z + ln(1 + e^-|z|) */
static double cross_entropy_cost(const real *z, const real *a, const real *y, size_t rows, size_t width) {
    (void)a;
    double total;
#define TERM(i) (((z[i] > 0 ? z[i] : 0) - y[i] * z[i]) + log1p_unit(exp_one(-absolute(z[i]))))
    SUM_TERMS(total, rows * width, TERM);
#undef TERM
    return total;
}

/* delta^L = a - y: sigma' cancels, which is what the cost is for */
static void cross_entropy_delta(real *delta, const real *a, const real *y, size_t rows, size_t width) {
    quadratic_delta(delta, a, y, rows, width);
}

/* -sum_j y_j ln a_j with a = softmax(z). With k the largest output, ln a_j = (z_j - z_k) - ln(1 + sum_{i != k}
 * a_i/a_k): no ln of a number that has lost its digits. */
static double log_likelihood_cost(const real *z, const real *a, const real *y, size_t rows, size_t width) {
    double total = 0;
    for (size_t i = 0; i < rows; i++, z += width, a += width, y += width) {
        size_t top = argmax(z, width);
        double others = 0, weighted = 0, mass = 0;
        for (size_t j = 0; j < width; j++) {
            others += j == top ? 0 : (double)a[j];
            weighted += (double)y[j] * ((double)z[top] - (double)z[j]);
            mass += (double)y[j];
        }
        total += weighted + mass * log1p(others / (double)a[top]);
    }
    return total;
}

/* delta^L = a sum_k y_k - y; the sum is 1 where y is a distribution */
static void log_likelihood_delta(real *delta, const real *a, const real *y, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, delta += width, a += width, y += width) {
        real mass = sum(y, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) delta[j] = mass * a[j] - y[j];
    }
}
