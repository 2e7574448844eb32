/* The costs: `name_cost` is the sum over the rows of the cost of one sample, `name_delta` its gradient with respect to
 * a^L, or delta^L itself where the cost is for one output activation (chainrule.h). All (rows, width); p are the
 * parameters of those that have some. In `name_cost` each output counts u times, where u is not NULL; the gradient is
 * multiplied by u behind `name_delta`. Sums over outputs are written once, and compiled once for each of the two. */
#define COUNTED(u, cost) ((u) ? (double)*(u) * (double)(cost) : (double)(cost))
#define NEXT(u, step) ((u) ? (u) + (step) : (u))

/* A cost that is a sum over single outputs: COST and SLOPE are expressions in z, a, y and the parameters p. */
#define DEFINE_COST(NAME, COST, SLOPE)                                                                                 \
    INLINE real NAME##_one(real z, real a, real y, const real p) {                                                     \
        (void)z, (void)a, (void)p;                                                                                     \
        return COST;                                                                                                   \
    }                                                                                                                  \
    INLINE double NAME##_sum(const real *zs, const real *as, const real *ys, const real *us, size_t n,                 \
                             const double *p) {                                                                        \
        const real first = (real)p[0];                                                                                 \
        double lanes[BLOCK] = {0};                                                                                     \
        size_t i = 0;                                                                                                  \
        for (; i + BLOCK <= n; i += BLOCK) {                                                                           \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) {                                                              \
                lanes[k] += COUNTED(NEXT(us, i + k), NAME##_one(zs[i + k], as[i + k], ys[i + k], first));              \
            }                                                                                                          \
        }                                                                                                              \
        for (int k = 0; i < n; i++, k++) lanes[k] += COUNTED(NEXT(us, i), NAME##_one(zs[i], as[i], ys[i], first));     \
        return fold(lanes);                                                                                            \
    }                                                                                                                  \
    static double NAME##_cost(const real *zs, const real *as, const real *ys, const real *us, size_t rows,             \
                              size_t width, const double *p) {                                                         \
        const size_t n = rows * width;                                                                                 \
        return us ? NAME##_sum(zs, as, ys, us, n, p) : NAME##_sum(zs, as, ys, NULL, n, p);                             \
    }                                                                                                                  \
    static void NAME##_delta(real *delta, const real *zs, const real *as, const real *ys, size_t rows, size_t width,   \
                             const double *ps) {                                                                       \
        (void)zs;                                                                                                      \
        const real p = (real)ps[0];                                                                                    \
        (void)p;                                                                                                       \
        INDEPENDENT for (size_t i = 0; i < rows * width; i++) {                                                        \
            const real a = as[i], y = ys[i];                                                                           \
            delta[i] = SLOPE;                                                                                          \
        }                                                                                                              \
    }

INLINE real squared(real x) { return x * x; }
INLINE real positive(real x) { return x < 0 ? 0 : x; } /* NaN stays NaN */
INLINE real sign(real x) { return (real)(x > 0) - (real)(x < 0); }

/* |y - a|^2: the course's C_0 */
DEFINE_COST(squared_error, squared(y - a), -2 * (y - a))

/* 1/2 |y - a|^2 */
DEFINE_COST(quadratic, REAL(0.5) * squared(y - a), a - y)

/* sum |y - a|; 0 counts as its slope where a = y */
DEFINE_COST(absolute_error, absolute(y - a), sign(a - y))

/* Huber (1964): 1/2 (y - a)^2 up to |y - a| = p, then a straight line */
INLINE real huber_of(real r, real p) { return r <= p ? REAL(0.5) * r * r : p * (r - REAL(0.5) * p); }
DEFINE_COST(huber, huber_of(absolute(y - a), p), clipped(a - y, p))

/* -(y ln a + (1 - y) ln(1 - a)) with a = sigma(z) is ln(1 + e^z) - y z; delta^L = a - y: sigma' cancels, which is what
 * the cost is for */
DEFINE_COST(cross_entropy, (positive(z) - y * z) + log1p_unit(exp_one(-absolute(z))), a - y)

/* -ln of the Poisson probability of the count y at the rate a = e^z, without its ln y!: a - y z; delta^L = a - y */
DEFINE_COST(poisson, a - y * z, a - y)

/* max(0, 1 - y a) for y = -1 or 1 */
DEFINE_COST(hinge, positive(1 - y * a), 1 - y * a > 0 ? -y : 0)

/* The pinball cost of column j, whose output is to be the p[j]-quantile (Koenker and Bassett, 1978): p (y - a) where y
 * is above a, (1 - p)(a - y) where it is below */
INLINE double quantile_sum(const real *a, const real *y, const real *u, size_t rows, size_t width, const double *p) {
    double total = 0;
    for (size_t i = 0; i < rows; i++, a += width, y += width, u = NEXT(u, width)) {
        for (size_t j = 0; j < width; j++) {
            const double r = (double)y[j] - (double)a[j];
            total += COUNTED(NEXT(u, j), r > 0 ? p[j] * r : (p[j] - 1) * r);
        }
    }
    return total;
}

static double quantile_cost(const real *z, const real *a, const real *y, const real *u, size_t rows, size_t width,
                            const double *p) {
    (void)z;
    return u ? quantile_sum(a, y, u, rows, width, p) : quantile_sum(a, y, NULL, rows, width, p);
}

static void quantile_delta(real *delta, const real *z, const real *a, const real *y, size_t rows, size_t width,
                           const double *p) {
    (void)z;
    for (size_t i = 0; i < rows; i++, delta += width, a += width, y += width) {
        for (size_t j = 0; j < width; j++) {
            delta[j] = y[j] > a[j] ? (real)-p[j] : y[j] < a[j] ? (real)(1 - p[j]) : 0;
        }
    }
}

/* -ln of the normal density, without its ln(2 pi)/2: half the columns are means m, the others s = ln of the variances:
 * (s + (y - m)^2 e^-s)/2. y holds its targets twice, to be as wide as a. */
INLINE double gaussian_sum(const real *a, const real *y, const real *u, size_t rows, size_t width) {
    const size_t half = width / 2;
    double total = 0;
    for (size_t i = 0; i < rows; i++, a += width, y += width, u = NEXT(u, width)) {
        for (size_t j = 0; j < half; j++) {
            const real s = a[half + j];
            total += COUNTED(NEXT(u, j), 0.5 * ((double)s + (double)(squared(y[j] - a[j]) * exp_one(-s))));
        }
    }
    return total;
}

static double gaussian_cost(const real *z, const real *a, const real *y, const real *u, size_t rows, size_t width,
                            const double *p) {
    (void)z, (void)p;
    return u ? gaussian_sum(a, y, u, rows, width) : gaussian_sum(a, y, NULL, rows, width);
}

/* by m: (m - y) e^-s; by s: (1 - (y - m)^2 e^-s)/2 */
static void gaussian_delta(real *delta, const real *z, const real *a, const real *y, size_t rows, size_t width,
                           const double *p) {
    (void)z, (void)p;
    const size_t half = width / 2;
    for (size_t i = 0; i < rows; i++, delta += width, a += width, y += width) {
        INDEPENDENT for (size_t j = 0; j < half; j++) {
            const real r = a[j] - y[j], precision = exp_one(-a[half + j]);
            delta[j] = r * precision;
            delta[half + j] = REAL(0.5) * (1 - squared(r) * precision);
        }
    }
}

/* -sum_j t_j ln a_j with a = softmax(z), t_j = (1 - p) y_j + p/width: the target, smoothed by p (Szegedy et al., 2016).
 * With k the largest output, ln a_j = (z_j - z_k) - ln(1 + sum_{i != k} a_i/a_k): no ln of a number that has lost its
 * digits. It couples the outputs, which are not weighted one by one: u is NULL. */
static double log_likelihood_cost(const real *z, const real *a, const real *y, const real *u, size_t rows, size_t width,
                                  const double *p) {
    (void)u;
    const double share = p[0] / (double)width;
    double total = 0;
    for (size_t i = 0; i < rows; i++, z += width, a += width, y += width) {
        const size_t top = argmax(z, width);
        double others = 0, weighted = 0, mass = 0, spread = 0;
        for (size_t j = 0; j < width; j++) {
            const double behind = (double)z[top] - (double)z[j];
            others += j == top ? 0 : (double)a[j];
            weighted += (double)y[j] * behind;
            spread += share * behind;
            mass += (double)y[j];
        }
        total += (1 - p[0]) * weighted + mass * (spread + log1p(others / (double)a[top]));
    }
    return total;
}

/* delta^L = a sum_k y_k - t; the sum is 1 where y is a distribution, and smoothing keeps it */
static void log_likelihood_delta(real *delta, const real *z, const real *a, const real *y, size_t rows, size_t width,
                                 const double *p) {
    (void)z;
    for (size_t i = 0; i < rows; i++, delta += width, a += width, y += width) {
        const real mass = sum(y, width), kept = (real)(1 - p[0]), spread = (real)p[0] * mass / (real)width;
        INDEPENDENT for (size_t j = 0; j < width; j++) delta[j] = mass * a[j] - (kept * y[j] + spread);
    }
}
