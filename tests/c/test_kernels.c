/* The C kernels against plain loops, for every SIMD variant the processor has. run.sh compiles this file for float and
 * for double (CR_DOUBLE) and runs both.
 *
 * Most inputs are small whole numbers, and factors are powers of two: every product and every sum is then exact, in any
 * order, and what a kernel returns must equal what the plain loop gives. Only e^x and what is made of it has a bound.
 *
 * Arrays end where memory ends (check.h) and outputs start as NaN, so that a read or write too many, or one too few, is
 * seen at every size. */
#define _DEFAULT_SOURCE /* mmap */
#include "check.h"
#include "precision.h"

#include <math.h>

enum { IN, OUT, OUT2, TARGET, OTHER, ORDER, BEGINS, VALUES, COLUMNS, COUNTS, STRIPED, BIASES }; /* slots of check.h */
enum { MOST = 20000 }; /* entries of the largest result */

static double want[MOST]; /* what the plain loop gives */

/* Every size up to two blocks of 16, then the neighbours of further multiples; few rows and many. */
static size_t next_size(size_t n) { return n > 32 && n % 16 == 1 ? n + 14 : n + 1; }
static size_t next_rows(size_t rows) { return rows < 5 ? rows + 1 : rows + 4; }
enum { LONGEST = 257, TALLEST = 17 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static real *room_for(int slot, size_t n) { return room(slot, n, sizeof(real)); }

static real *whole_numbers(int slot, size_t n, int bound) {
    real *x = room_for(slot, n);
    for (size_t i = 0; i < n; i++) x[i] = (real)whole(bound);
    return x;
}

static real *copy(int slot, const real *x, size_t n) {
    real *y = room_for(slot, n);
    if (n) memcpy(y, x, n * sizeof *y);
    return y;
}

/* rows to visit, out of `among`: any, with the last and the first one in it */
static int32_t *draw_order(size_t rows, size_t among) {
    int32_t *order = room(ORDER, rows, sizeof *order);
    for (size_t i = 0; i < rows; i++) order[i] = (int32_t)(random_word() % among);
    if (rows > 0) order[rows - 1] = (int32_t)among - 1;
    if (rows > 1) order[0] = 0;
    return order;
}

/* --- how results are compared ------------------------------------------------------------------------------------ */

static void expect_equal(const real *got, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!((double)got[i] == want[i])) {
            check(0, "entry %zu is %.9g; expected %.9g", i, (double)got[i], want[i]);
            return;
        }
    }
    check(1, "");
}

static void expect_sum(double got, double expected, double allowed) {
    check(fabs(got - expected) <= allowed, "it is %.17g; expected %.17g to within %g", got, expected, allowed);
}

/* equal to the last bit */
static void expect_same(const char *what, const real *x, const real *y, size_t n) {
    check(n == 0 || memcmp(x, y, n * sizeof *x) == 0, "%s differs", what);
}

/* the distance of neighbouring numbers around x */
static long double spacing(long double x) {
    int exponent;
    frexpl(x, &exponent);
    const long double distance = ldexpl((long double)EPSILON, exponent - 1);
    return distance > (long double)SMALLEST ? distance : (long double)SMALLEST;
}

/* to within `allowed`; infinity stands for what is too large */
static int within(real got, long double expected, long double allowed) {
    if (isinf(got)) return fabsl(expected) >= (long double)LARGEST * (1 - 2 * (long double)EPSILON);
    return fabsl((long double)got - expected) <= allowed;
}

/* to within `allowed` units in the last place */
static int near(real got, long double expected, double allowed) {
    return (!isinf(got) || got > 0) && within(got, expected, (long double)allowed * spacing(expected));
}

/* --- activations ------------------------------------------------------------------------------------------------- */

static long double exact_sigmoid(long double z) {
    const long double e = expl(-fabsl(z));
    return (z < 0 ? e : 1) / (1 + e);
}

static long double exact_softplus(long double z) { return (z > 0 ? z : 0) + log1pl(expl(-fabsl(z))); }
static long double normal(long double z) { return erfcl(-z / sqrtl(2)) / 2; }
static long double elu(long double z, long double alpha) { return z > 0 ? z : alpha * expm1l(z); }

/* the numbers of the paper of selu */
#define SELU_SCALE 1.0507009873554804934193L
#define SELU_ALPHA 1.6732632423543772848170L

#define CURVE(name, formula)                                                                                           \
    static long double curve_##name(long double z, long double p) {                                                    \
        (void)p;                                                                                                       \
        return formula;                                                                                                \
    }
CURVE(exponential, expl(z))
CURVE(sigmoid, exact_sigmoid(z))
CURVE(tanh, tanhl(z))
CURVE(leaky_relu, z > 0 ? z : p * z)
CURVE(elu, elu(z, p))
CURVE(selu, SELU_SCALE *elu(z, SELU_ALPHA))
CURVE(softplus, exact_softplus(z))
CURVE(gelu, z *normal(z))
CURVE(swish, z *exact_sigmoid(p *z))
CURVE(mish, z *tanhl(exact_softplus(z)))
CURVE(softsign, z / (1 + fabsl(z)))
CURVE(hard_sigmoid, z <= -3 ? 0 : z >= 3 ? 1 : (z + 3) / 6)

/* sigma'(x) is the sum of these two, where x = a or x = z */
#define SLOPE(name, first, second)                                                                                     \
    static void slope_##name(long double terms[2], long double x, long double p) {                                     \
        (void)p;                                                                                                       \
        terms[0] = first, terms[1] = second;                                                                           \
    }
SLOPE(sigmoid, x * (1 - x), 0)
SLOPE(tanh, (1 - x) * (1 + x), 0)
SLOPE(exponential, x, 0)
SLOPE(leaky_relu, x > 0 ? 1 : p, 0)
SLOPE(elu, x > 0 ? 1 : p * expl(x), 0)
SLOPE(selu, SELU_SCALE *(x > 0 ? 1 : SELU_ALPHA * expl(x)), 0)
SLOPE(softplus, -expm1l(-x), 0)
SLOPE(gelu, normal(x), x *expl(-x *x / 2) / sqrtl(8 * atanl(1)))
SLOPE(swish, exact_sigmoid(p *x), p * x * exact_sigmoid(p * x) * exact_sigmoid(-p * x))
SLOPE(mish, tanhl(exact_softplus(x)), x *exact_sigmoid(x) / powl(coshl(exact_softplus(x)), 2))
SLOPE(softsign, 1 / ((1 + fabsl(x)) * (1 + fabsl(x))), 0)
SLOPE(hard_sigmoid, x > 0 && x < 1 ? 1 / 6.0L : 0, 0)

static const struct {
    int activation;
    double p;
    long double (*exact)(long double z, long double p);
    void (*slope)(long double terms[2], long double x, long double p);
    double ulps;
    double at_minus_infinity, at_infinity;
} curves[] = {
    {CR_ACTIVATION_exponential, 0, curve_exponential, slope_exponential, 2, 0, INFINITY},
    {CR_ACTIVATION_sigmoid, 0, curve_sigmoid, slope_sigmoid, 3, 0, 1},
    {CR_ACTIVATION_tanh, 0, curve_tanh, slope_tanh, 3, -1, 1},
    {CR_ACTIVATION_leaky_relu, 0.25, curve_leaky_relu, slope_leaky_relu, 1, -INFINITY, INFINITY},
    {CR_ACTIVATION_elu, 1, curve_elu, slope_elu, 2, -1, INFINITY},
    {CR_ACTIVATION_elu, 0.375, curve_elu, slope_elu, 3, -0.375, INFINITY},
    {CR_ACTIVATION_selu, 0, curve_selu, slope_selu, 3, (double)(-SELU_SCALE * SELU_ALPHA), INFINITY},
    {CR_ACTIVATION_softplus, 0, curve_softplus, slope_softplus, 3, 0, INFINITY},
    {CR_ACTIVATION_gelu, 0, curve_gelu, slope_gelu, 6, 0, INFINITY},
    {CR_ACTIVATION_swish, 1, curve_swish, slope_swish, 3, 0, INFINITY},
    {CR_ACTIVATION_swish, 2, curve_swish, slope_swish, 4, 0, INFINITY},
    {CR_ACTIVATION_mish, 0, curve_mish, slope_mish, 5, 0, INFINITY},
    {CR_ACTIVATION_softsign, 0, curve_softsign, slope_softsign, 2, -1, 1},
    {CR_ACTIVATION_hard_sigmoid, 0, curve_hard_sigmoid, slope_hard_sigmoid, 2, 0, 1},
};

/* both zeros, the ends of the numbers, where e^x under- and overflows, and much in between */
static real any_point(void) {
    static const double ends[] = {0,   SMALLEST, SMALLEST_NORMAL, EPSILON / 4, 0.6931472, 1,  20, LARGEST, 88, 89,
                                  103, 104,      708.3,           710,         745,       746};
    const double sign = random_word() & 1 ? 1 : -1;
    switch (random_word() % 4) {
    case 0:
        return (real)(sign * ends[random_word() % COUNT(ends)]);
    case 1:
        return (real)(sign * exp(-30 * uniform()));
    case 2:
        return (real)(sign * 20 * uniform());
    default:
        return (real)(sign * 800 * uniform());
    }
}

/* What a factor e^x loses where it is subnormal, after it is multiplied by a number like z. */
static long double lost(real z) { return (long double)SMALLEST * fminl(1 + fabsl((long double)z), 2000); }

static void test_curves(void) {
    for (size_t c = 0; c < COUNT(curves); c++) {
        void (*const kernel)(real *, const real *, size_t, size_t, real) = KERNELS->activate[curves[c].activation];
        const real p = (real)curves[c].p;
        for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
            AT(cr_activation_names[curves[c].activation], n, 1000 * curves[c].p);
            real *x = room_for(IN, n), *out = room_for(OUT, n);
            for (size_t i = 0; i < n; i++) x[i] = any_point();
            kernel(out, x, 1, n, p);
            int ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                const long double exact = curves[c].exact((long double)x[i], (long double)p);
                long double allowed = (long double)curves[c].ulps * spacing(exact);
                if (curves[c].activation == CR_ACTIVATION_swish || curves[c].activation == CR_ACTIVATION_mish)
                    allowed += lost(x[i]);
                ok = check(within(out[i], exact, allowed), "of %.9g it is %.9g; expected %.12Lg", (double)x[i],
                           (double)out[i], exact);
            }
            real *in_place = copy(OUT2, x, n);
            kernel(in_place, in_place, n, 1, p);
            expect_same("the result in place", in_place, out, n);
            ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                real *alone = copy(OUT2, x + i, 1);
                kernel(alone, alone, 1, 1, p);
                ok = check(memcmp(alone, out + i, sizeof *alone) == 0, "entry %zu alone is %.9g; among others %.9g", i,
                           (double)*alone, (double)out[i]);
            }
            for (size_t i = 0; i < n; i++) x[i] = i % 3 == 0 ? (real)NAN : (real)(i % 3 == 1 ? INFINITY : -INFINITY);
            kernel(out, x, n, 1, p);
            ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                const double limit = i % 3 == 1 ? curves[c].at_infinity : curves[c].at_minus_infinity;
                const double off = (double)out[i] == limit ? 0 : fabs((double)out[i] - limit);
                ok = check(i % 3 == 0 ? isnan(out[i]) : off <= EPSILON * 2, "of %g it is %g", (double)x[i],
                           (double)out[i]);
            }
        }
    }
}

/* delta ⊙ sigma'(z), from the a of the kernel or from z */
static void test_slopes(void) {
    for (size_t c = 0; c < COUNT(curves); c++) {
        const int activation = curves[c].activation;
        const real p = (real)curves[c].p;
        for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
            AT(cr_activation_names[activation], n, 1000 * curves[c].p);
            real *x = room_for(IN, n), *delta = room_for(OUT, n), *before = room_for(OTHER, n);
            for (size_t i = 0; i < n; i++) x[i] = any_point();
            for (size_t i = 0; i < n; i++) delta[i] = before[i] = (real)((i % 2 ? 1 : -1) * (0.5 + uniform()));
            real *z = copy(OUT2, x, n);
            if (cr_activation_sources[activation] == 'a') KERNELS->activate[activation](x, x, n, 1, p);
            KERNELS->activate_prime[activation](delta, x, 1, n, p);
            int ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                long double terms[2];
                curves[c].slope(terms, (long double)x[i], (long double)p);
                const long double d = (long double)before[i], exact = d * (terms[0] + terms[1]);
                const long double size = fabsl(d * terms[0]) + fabsl(d * terms[1]);
                const long double allowed = 5 * (long double)EPSILON * size + lost(z[i] * (p > 1 ? p : 1));
                ok = check(within(delta[i], exact, allowed), "at z = %.9g it is %.9g; expected %.12Lg", (double)z[i],
                           (double)delta[i], exact);
            }
            ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                real *alone = copy(TARGET, before + i, 1), *its_x = copy(ORDER, x + i, 1);
                KERNELS->activate_prime[activation](alone, its_x, 1, 1, p);
                ok = check(memcmp(alone, delta + i, sizeof *alone) == 0, "entry %zu alone is %.9g; among others %.9g",
                           i, (double)*alone, (double)delta[i]);
            }
        }
    }
}

static void test_relu_identity_and_step(void) {
    static const int activations[] = {CR_ACTIVATION_relu, CR_ACTIVATION_identity, CR_ACTIVATION_step};
    for (size_t k = 0; k < COUNT(activations); k++) {
        const int activation = activations[k];
        for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
            AT(cr_activation_names[activation], n);
            real *z = whole_numbers(IN, n, 3), *a = room_for(OUT, n);
            for (size_t i = 0; i < n; i++)
                want[i] = activation == CR_ACTIVATION_identity ? (double)z[i]
                          : z[i] <= 0                          ? 0
                          : activation == CR_ACTIVATION_relu   ? (double)z[i]
                                                               : 1;
            KERNELS->activate[activation](a, z, n, 1, 0);
            expect_equal(a, n);
            KERNELS->activate[activation](z, z, 1, n, 0);
            expect_same("the result in place", z, a, n);
            for (size_t i = 0; i < n; i++) z[i] = (real)NAN;
            KERNELS->activate[activation](a, z, n, 1, 0);
            int nan = 1;
            for (size_t i = 0; i < n; i++) nan &= isnan(a[i]);
            check(nan, "NaN has become a number");
        }
    }
}

/* Multiples of 1/4: then z - max z, whose rounding the bound would have to know, is exact. The sum, in 16 lanes, rounds
 * width/16 + 4 times by up to half a unit, which may be a whole one of the quotient; two for e^z and the quotient. */
static void test_softmax(void) {
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
            AT("softmax", rows, width);
            const size_t n = rows * width;
            real *z = whole_numbers(IN, n, rows % 2 ? 500 : 20), *a = room_for(OUT, n);
            for (size_t i = 0; i < n; i++) z[i] *= (real)0.25;
            KERNELS->activate[CR_ACTIVATION_softmax](a, z, rows, width, 0);
            for (size_t i = 0; i < rows; i++) {
                const real *row = z + i * width;
                long double highest = (long double)row[0], total = 0;
                for (size_t j = 0; j < width; j++) highest = fmaxl(highest, (long double)row[j]);
                for (size_t j = 0; j < width; j++) total += expl((long double)row[j] - highest);
                int ok = 1;
                for (size_t j = 0; j < width && ok; j++) {
                    const long double exact = expl((long double)row[j] - highest) / total;
                    const real got = a[i * width + j];
                    ok = check(near(got, exact, 6 + (double)width / 16), "at (%zu, %zu) is %.9g; expected %.12Lg", i, j,
                               (double)got, exact);
                }
            }
            KERNELS->activate[CR_ACTIVATION_softmax](z, z, rows, width, 0);
            expect_same("the result in place", z, a, n);
        }
    }
}

/* whether test_slopes has it */
static int is_curve(int activation) {
    for (size_t c = 0; c < COUNT(curves); c++) {
        if (curves[c].activation == activation) return 1;
    }
    return 0;
}

static void test_primes(void) {
    for (int activation = 0; activation < CR_ACTIVATION_COUNT; activation++) {
        if (is_curve(activation)) continue;
        for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
            for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
                AT(cr_activation_names[activation], rows, width);
                const size_t n = rows * width;
                const real *a = whole_numbers(IN, n, 3);
                real *delta = whole_numbers(OUT, n, 3);
                for (size_t i = 0; i < n; i++) {
                    const double d = (double)delta[i], x = (double)a[i];
                    const size_t first = i / width * width;
                    double mean = 0;
                    switch (activation) {
                    case CR_ACTIVATION_relu:
                        want[i] = x > 0 ? d : 0;
                        break;
                    case CR_ACTIVATION_identity:
                        want[i] = d;
                        break;
                    case CR_ACTIVATION_step:
                        want[i] = 0;
                        break;
                    case CR_ACTIVATION_softmax:
                        for (size_t j = first; j < first + width; j++) mean += (double)delta[j] * (double)a[j];
                        want[i] = x * (d - mean);
                        break;
                    default:
                        want[i] = NAN; /* a new activation needs its line here */
                    }
                }
                KERNELS->activate_prime[activation](delta, a, rows, width, 0);
                expect_equal(delta, n);
            }
        }
    }
}

/* --- costs ------------------------------------------------------------------------------------------------------- */

/* Parameters with which whole numbers give exact costs: sixteenths for the columns of quantile. */
static const double *exact_parameters(int cost, size_t width) {
    double *p = room(ORDER, width, sizeof *p);
    for (size_t j = 0; j < width; j++) p[j] = cost == CR_COST_quantile ? (double)(1 + j % 15) / 16 : 0;
    if (cost == CR_COST_huber) p[0] = 1.5;
    return p;
}

/* a term of the cost, by its definition */
static double plain_cost(int cost, double z, double a, double y, double p) {
    const double r = y - a, size = fabs(r);
    switch (cost) {
    case CR_COST_quadratic:
        return r * r / 2;
    case CR_COST_squared_error:
        return r * r;
    case CR_COST_absolute_error:
        return size;
    case CR_COST_huber:
        return size <= p ? r * r / 2 : p * (size - p / 2);
    case CR_COST_quantile:
        return r > 0 ? p * r : (1 - p) * -r;
    case CR_COST_hinge:
        return y * a < 1 ? 1 - y * a : 0;
    case CR_COST_poisson:
        return a - y * z;
    default:
        return NAN;
    }
}

/* of its gradient, or of delta^L */
static double plain_delta(int cost, double a, double y, double p, double mass) {
    switch (cost) {
    case CR_COST_quadratic:
    case CR_COST_cross_entropy:
    case CR_COST_poisson:
        return a - y;
    case CR_COST_squared_error:
        return 2 * (a - y);
    case CR_COST_absolute_error:
        return a > y ? 1 : a < y ? -1 : 0;
    case CR_COST_huber:
        return fabs(a - y) <= p ? a - y : a > y ? p : -p;
    case CR_COST_quantile:
        return y > a ? -p : y < a ? 1 - p : 0;
    case CR_COST_hinge:
        return y * a < 1 ? -y : 0;
    case CR_COST_log_likelihood:
        return mass * a - y;
    default:
        return NAN; /* a new cost needs its line here, or a test of its own */
    }
}

static void test_costs(void) {
    for (int cost = 0; cost < CR_COST_COUNT; cost++) {
        if (cost == CR_COST_gaussian) continue;
        for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
            for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
                AT(cr_cost_names[cost], rows, width);
                const size_t n = rows * width;
                const real *z = whole_numbers(OTHER, n, 5), *a = whole_numbers(IN, n, 5);
                const real *y = whole_numbers(TARGET, n, 5);
                const double *p = exact_parameters(cost, width);
                double total = 0;
                for (size_t i = 0; i < n; i++) {
                    const double level = cost == CR_COST_quantile ? p[i % width] : p[0];
                    double mass = 0;
                    for (size_t j = i / width * width; j < i / width * width + width; j++) mass += (double)y[j];
                    total += plain_cost(cost, (double)z[i], (double)a[i], (double)y[i], level);
                    want[i] = plain_delta(cost, (double)a[i], (double)y[i], level, mass);
                }
                /* those with logarithms have tests of their own */
                if (cost != CR_COST_cross_entropy && cost != CR_COST_log_likelihood) {
                    expect_sum(KERNELS->cost[cost](z, a, y, NULL, rows, width, p), total, 0);
                }
                real *delta = room_for(OUT, n);
                KERNELS->cost_delta[cost](delta, z, a, y, rows, width, p);
                expect_equal(delta, n);
                if (cost == CR_COST_log_likelihood || cost == CR_COST_cross_entropy) continue;
                double weighted = 0; /* each output's share by its weight */
                for (size_t i = 0; i < n; i++) {
                    const double level = cost == CR_COST_quantile ? p[i % width] : p[0];
                    delta[i] = (real)whole(3);
                    weighted += (double)delta[i] * plain_cost(cost, (double)z[i], (double)a[i], (double)y[i], level);
                }
                expect_sum(KERNELS->cost[cost](z, a, y, delta, rows, width, p), weighted, 0);
            }
        }
    }
}

/* half the columns are means m, the others s: (s + (y - m)^2 e^-s)/2, and its derivatives by m and by s */
static void test_gaussian(void) {
    static const double none = 0;
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t half = 1; half <= LONGEST / 2; half = next_size(half)) {
            AT("gaussian", rows, half);
            const size_t width = 2 * half, n = rows * width;
            real *a = room_for(IN, n), *y = room_for(TARGET, n), *delta = room_for(OUT, n);
            for (size_t i = 0; i < n; i++) a[i] = (real)(whole(100) * 0.05);
            for (size_t i = 0; i < n; i++) y[i] = i % width < half ? (real)whole(5) : y[i - half];
            long double total = 0;
            double size = 0;
            KERNELS->cost_delta[CR_COST_gaussian](delta, a, a, y, rows, width, &none);
            int ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                if (i % width >= half) continue;
                const long double r = (long double)a[i] - (long double)y[i], s = (long double)a[i + half];
                const long double precision = expl(-s), square = r * r * precision;
                total += (s + square) / 2;
                size += fabs((double)s) + (double)square;
                const long double by_mean = r * precision, by_s = (1 - square) / 2, eps = (long double)EPSILON;
                ok = check(within(delta[i], by_mean, 4 * eps * fabsl(by_mean)) &&
                               within(delta[i + half], by_s, 4 * eps * (1 + square)),
                           "at %zu it is %.9g and %.9g; expected %.12Lg and %.12Lg", i, (double)delta[i],
                           (double)delta[i + half], by_mean, by_s);
            }
            const double got = KERNELS->cost[CR_COST_gaussian](a, a, y, NULL, rows, width, &none);
            const double allowed = (4 * EPSILON + sqrt((double)n) * DBL_EPSILON) * size;
            expect_sum(got, (double)total, allowed);
        }
    }
}

/* ln(1 + e^z) - y z, a term */
static void test_cross_entropy(void) {
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 0; width <= LONGEST; width = next_size(width)) {
            AT("cross_entropy", rows, width);
            const size_t n = rows * width;
            real *z = room_for(IN, n), *a = room_for(OTHER, n), *y = room_for(TARGET, n);
            double size = 0;
            long double total = 0;
            for (size_t i = 0; i < n; i++) {
                z[i] = (real)(whole(100) * (i % 3 == 0 ? 8 : 0.05));
                a[i] = (real)exact_sigmoid((long double)z[i]);
                y[i] = (real)(i % 4 == 0 ? uniform() : (double)(i % 2));
                const long double x = (long double)z[i], larger = x > 0 ? x : 0;
                total += larger - (long double)y[i] * x + log1pl(expl(-fabsl(x)));
                size += fabs((double)x) + 1;
            }
            const double none = 0, got = KERNELS->cost[CR_COST_cross_entropy](z, a, y, NULL, rows, width, &none);
            expect_sum(got, (double)total, 4 * EPSILON * size);
        }
    }
}

/* sum_j t_j (ln sum_k e^z_k - z_j), a row, with t = (1 - p) y + p sum_k y_k/width */
static void test_log_likelihood(double p) {
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
            AT("log_likelihood", rows, width, 1000 * p);
            const size_t n = rows * width;
            real *z = room_for(IN, n), *a = room_for(OTHER, n), *y = room_for(TARGET, n);
            double size = 0;
            long double total = 0;
            for (size_t i = 0; i < rows; i++) {
                real *row = z + i * width;
                long double highest = -INFINITY, sum = 0;
                for (size_t j = 0; j < width; j++) {
                    row[j] = (real)(whole(100) * (i % 2 ? 3 : 0.05));
                    highest = fmaxl(highest, (long double)row[j]);
                }
                for (size_t j = 0; j < width; j++) sum += expl((long double)row[j] - highest);
                for (size_t j = 0; j < width; j++) {
                    const long double below = highest - (long double)row[j];
                    const real target = (real)(i % 3 == 0 ? uniform() : j == i % width);
                    a[i * width + j] = (real)(expl(-below) / sum);
                    y[i * width + j] = target;
                }
                long double mass = 0;
                for (size_t j = 0; j < width; j++) mass += (long double)y[i * width + j];
                for (size_t j = 0; j < width; j++) {
                    const long double below = highest - (long double)row[j], kept = 1 - (long double)p;
                    const long double t = kept * (long double)y[i * width + j] + (long double)p * mass / width;
                    total += t * (logl(sum) + below);
                    size += (double)t * (1 + (double)below);
                    want[i * width + j] = (double)(mass * (long double)a[i * width + j] - t);
                }
            }
            const double allowed = (4 + sqrt((double)width)) * EPSILON * size;
            expect_sum(KERNELS->cost[CR_COST_log_likelihood](z, a, y, NULL, rows, width, &p), (double)total, allowed);
            real *delta = room_for(OUT, n);
            KERNELS->cost_delta[CR_COST_log_likelihood](delta, z, a, y, rows, width, &p);
            int ok = 1;
            for (size_t i = 0; i < n && ok; i++) {
                const long double bound = (4 + sqrt((double)width)) * EPSILON * (double)width;
                ok = check(within(delta[i], (long double)want[i], bound), "delta at %zu is %.9g; expected %.9g", i,
                           (double)delta[i], want[i]);
            }
        }
    }
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

static void test_all_finite(void) {
    static const double foul[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
        AT("all_finite", n);
        real *x = room_for(IN, n);
        for (size_t i = 0; i < n; i++) x[i] = i % 2 ? LARGEST : -LARGEST;
        check(KERNELS->all_finite(x, n), "the largest numbers count as infinite");
        for (size_t i = 0; i < n; i++) x[i] = any_point();
        check(KERNELS->all_finite(x, n), "finite numbers count as infinite");
        for (size_t i = 0; i < n; i++) {
            const real kept = x[i];
            for (size_t f = 0; f < COUNT(foul); f++) {
                x[i] = (real)foul[f];
                check(!KERNELS->all_finite(x, n), "%g at %zu goes unseen", foul[f], i);
            }
            x[i] = kept;
        }
    }
}

static void test_rows(void) {
    static const real factors[][2] = {{1, 0}, {1, 1}, {(real)-0.5, 0}, {2, (real)-0.5}, {0, 1}};
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 0; width <= LONGEST; width = next_size(width)) {
            const size_t n = rows * width;
            const real *x = whole_numbers(IN, n, 9);
            for (size_t f = 0; f < COUNT(factors); f++) {
                const real alpha = factors[f][0], beta = factors[f][1];
                AT("sum_rows", rows, width, 2 * alpha, 2 * beta);
                real *out = beta == 0 ? room_for(OUT, width) : whole_numbers(OUT, width, 9);
                for (size_t j = 0; j < width; j++) {
                    double sum = 0;
                    for (size_t i = 0; i < rows; i++) sum += (double)x[i * width + j];
                    want[j] = (double)alpha * sum + (beta == 0 ? 0 : (double)beta * (double)out[j]);
                }
                KERNELS->sum_rows(out, x, rows, width, width, alpha, beta);
                expect_equal(out, width);
                if (beta == 0 && rows > 0) { /* the columns from some on */
                    const size_t from = width / 3;
                    for (size_t j = from; j < width; j++) out[j] = (real)NAN;
                    KERNELS->sum_rows(out + from, x + from, rows, width - from, width, alpha, beta);
                    expect_equal(out, width);
                }
            }
            if (rows == 0) continue;

            AT("gather", rows, width);
            const int32_t *order = draw_order(rows + 3, rows);
            real *out = room_for(OUT, n + 3 * width);
            KERNELS->gather(out, x, order, rows + 3, width);
            for (size_t i = 0; i < rows + 3; i++) {
                expect_same("a row", out + i * width, x + (size_t)order[i] * width, width);
            }
        }
    }
}

/* Numbers of a type: its ends are among them, or near, and those that float or double rounds, once or twice. */
static double any_number(int whole_numbers, int least_is_0, int number_bits) {
    static const double values[] = {0,           1,      7,     100,      1 / 3.0,     -1 / 3.0,
                                    254,         -32768, 32766, 16777217, -1700000001, 1700000002,
                                    -2147483648, 0x1p53, 65534, -3e18,    0x1p62,      0x1p60 + 0x1p36};
    const double end = ldexp(1, number_bits - !least_is_0);
    for (;;) {
        const double value = values[random_word() % COUNT(values)];
        if (!whole_numbers || (value < end && value >= (least_is_0 ? 0 : -end))) return value;
    }
}
#define ANY_NUMBER(type)                                                                                               \
    (type)((type)any_number((type)0.5 == 0, (type) - 1 > 0, 8 * (int)sizeof(type)) + (type)(random_word() % 2))

/* What float rounds, shifts that nearly cancel 1.7e9 among it. */
static cr_scaling any_scaling(int slot, int rounded_slot, size_t width) {
    double *const scaling = room(slot, 2 * width, sizeof *scaling);
    float *const rounded = room(rounded_slot, 2 * width, sizeof *rounded);
    for (size_t j = 0; j < width; j++) {
        scaling[j] = (uniform() - 0.5) / 7;
        scaling[width + j] = uniform() - (j % 2 ? 1.7e9 * scaling[j] : 0.5);
    }
    for (size_t j = 0; j < 2 * width; j++) rounded[j] = (float)scaling[j];
    return (cr_scaling){.f32 = rounded, .f64 = scaling};
}

/* scale x + shift for one number of a column, in double and then rounded, or in float; volatile: rounded at once */
static double scaled(const cr_scaling *scaling, size_t width, size_t column, int in_double, double x, float rounded) {
    if (in_double) {
        const volatile double product = scaling->f64[column] * x;
        const volatile double sum = product + scaling->f64[width + column];
        return (double)(real)sum;
    }
    const volatile float product = scaling->f32[column] * rounded;
    const volatile float sum = product + scaling->f32[width + column];
    return (double)sum;
}
#define SCALED(x, column, exact)                                                                                       \
    scaled(&scaling, width, column, sizeof(real) == sizeof(double) || !(exact), (double)(x), (float)(x))

#define TEST_CONVERT(name, type, formats, exact)                                                                       \
    static void test_convert_##name(void) {                                                                            \
        for (size_t rows = 1; rows <= TALLEST; rows = next_rows(rows)) {                                               \
            for (size_t width = 1; width <= LONGEST; width = next_size(width)) {                                       \
                type *x = room(IN, rows * width, sizeof(type));                                                        \
                for (size_t i = 0; i < rows * width; i++) x[i] = ANY_NUMBER(type);                                     \
                const cr_scaling scaling = any_scaling(TARGET, OTHER, width);                                          \
                for (int way = 0; way < 4; way++) {                                                                    \
                    AT("convert " #name, rows, width, way);                                                            \
                    const int32_t *order = way & 1 ? draw_order(rows, rows) : NULL;                                    \
                    for (size_t i = 0; i < rows * width; i++) {                                                        \
                        const type entry = x[(order ? (size_t)order[i / width] : i / width) * width + i % width];      \
                        want[i] = way & 2 ? SCALED(entry, i % width, exact) : (double)(real)entry;                     \
                    }                                                                                                  \
                    real *out = room_for(OUT, rows * width);                                                           \
                    KERNELS->convert[CR_INPUT_##name](out, x, order, rows, width, way & 2 ? &scaling : NULL);          \
                    expect_equal(out, rows * width);                                                                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
CR_INPUTS(TEST_CONVERT)

/* about every third number of a matrix is kept; a column beyond it stands at the end of the first row */
#define TEST_DENSIFY(name, type, formats, exact)                                                                       \
    static void test_densify_##name(void) {                                                                            \
        for (size_t rows = 1; rows <= TALLEST; rows = next_rows(rows)) {                                               \
            for (size_t width = 1; width <= LONGEST; width = next_size(width)) {                                       \
                type *const dense = room(TARGET, rows * width, sizeof(type));                                          \
                for (size_t i = 0; i < rows * width; i++) dense[i] = random_word() % 3 ? 0 : ANY_NUMBER(type);         \
                size_t kept = 1, k = 0;                                                                                \
                for (size_t i = 0; i < rows * width; i++) kept += dense[i] != 0;                                       \
                type *const x = room(IN, kept, sizeof(type));                                                          \
                int32_t *const columns = room(OTHER, kept, sizeof *columns);                                           \
                int64_t *const begins = room(BEGINS, rows + 1, sizeof *begins);                                        \
                for (size_t i = 0; i < rows * width; i++) {                                                            \
                    if (i % width == 0) begins[i / width] = (int64_t)k;                                                \
                    if (dense[i] != 0) x[k] = dense[i], columns[k++] = (int32_t)(i % width);                           \
                    if (i == width - 1) x[k] = 1, columns[k++] = rows % 2 ? -1 : (int32_t)width;                       \
                }                                                                                                      \
                begins[rows] = (int64_t)k;                                                                             \
                const cr_scaling scaling = any_scaling(VALUES, OUT2, width);                                           \
                for (int way = 0; way < 4; way++) {                                                                    \
                    AT("densify " #name, rows, width, way);                                                            \
                    const int32_t *order = way & 1 ? draw_order(rows, rows) : NULL;                                    \
                    for (size_t i = 0; i < rows * width; i++) {                                                        \
                        const type entry = dense[(order ? (size_t)order[i / width] : i / width) * width + i % width];  \
                        want[i] = way & 2 ? SCALED(entry, i % width, exact) : (double)(real)entry;                     \
                    }                                                                                                  \
                    real *out = room_for(OUT, rows * width);                                                           \
                    KERNELS->densify[CR_INPUT_##name](out, x, columns, begins, order, rows, width,                     \
                                                      way & 2 ? &scaling : NULL);                                      \
                    expect_equal(out, rows * width);                                                                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
CR_INPUTS(TEST_DENSIFY)

static void test_one_hot(void) {
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
            for (int ordered = 0; ordered < 2; ordered++) {
                const int low = (int)(random_word() % 2) - 1;
                AT("one_hot", rows, width, ordered, low);
                const size_t among = ordered ? 5 : rows;
                int32_t *labels = room(IN, among, sizeof *labels);
                for (size_t i = 0; i < among; i++) labels[i] = (int32_t)(random_word() % width);
                if (among) labels[among - 1] = (int32_t)width - 1;
                const int32_t *order = ordered ? draw_order(rows, among) : NULL;
                real *out = room_for(OUT, rows * width);
                for (size_t i = 0; i < rows * width; i++) {
                    const size_t row = i / width, label = (size_t)labels[order ? (size_t)order[row] : row];
                    want[i] = i % width == label ? 1 : low;
                }
                KERNELS->one_hot(out, labels, order, rows, width, (real)low);
                expect_equal(out, rows * width);
            }
        }
    }
}

static void test_agreements(void) {
    for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
        for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
            const int low = (int)(random_word() % 2) - 1;
            AT("agreements", rows, width, low);
            const size_t n = rows * width;
            real *a = whole_numbers(IN, n, 4), *y = whole_numbers(TARGET, n, 4); /* with many equals */
            size_t expected = 0;
            for (size_t i = 0; i < rows; i++) {
                real *row = a + i * width, *other = y + i * width;
                if (i % 3 == 0) memcpy(other, row, width * sizeof *row);
                size_t top[2] = {0, 0};
                for (size_t j = 0; j < width; j++) {
                    if (row[j] > row[top[0]]) top[0] = j;
                    if (other[j] > other[top[1]]) top[1] = j;
                }
                if (width == 1) {
                    row[0] *= (real)0.25; /* the middle itself is on the side of low */
                    other[0] *= (real)0.25;
                    top[0] = (double)row[0] > (low ? 0 : 0.5);
                    top[1] = (double)other[0] > (low ? 0 : 0.5);
                }
                expected += top[0] == top[1];
            }
            const size_t got = KERNELS->agreements(a, y, rows, width, (real)low);
            check(got == expected, "it is %zu; expected %zu", got, expected);
        }
    }
}

/* --- updates --------------------------------------------------------------------------------------------------- */

#include "sparse.h"
#include "updates.h"

/* --- gemm -------------------------------------------------------------------------------------------------------- */

/* Whole numbers (rows, columns), NaN between the rows where the stride is larger. */
static real *matrix(int slot, size_t rows, size_t columns, size_t stride) {
    real *x = room_for(slot, (rows - 1) * stride + columns);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) x[i * stride + j] = (real)whole(3);
    }
    return x;
}

typedef void (*gemm_kernel)(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a,
                            size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc, const real *row,
                            const cr_rows *next);
static gemm_kernel gemm_by(int way) { return way == CR_BFLOAT16 ? KERNELS->gemm_bfloat16 : KERNELS->gemm; }

/* c <- alpha op(a) op(b) + beta c, or a row in the place of beta c, with `extra` numbers between the rows of each, by
 * the kernel or through the seam; `way`: CR_OWN_WAY, or another. Whole numbers as small are bfloat16 as they are. */
static void check_gemm(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, real beta,
                       size_t extra, int seam) {
    AT("gemm", way, trans_a, trans_b, m, n, k, 4 * alpha, 4 * beta, extra, seam);
    const size_t lda = (trans_a ? m : k) + extra, ldb = (trans_b ? k : n) + extra, ldc = n + extra;
    const real *a = matrix(IN, trans_a ? k : m, trans_a ? m : k, lda);
    const real *b = matrix(TARGET, trans_b ? n : k, trans_b ? k : n, ldb);
    const real *row = !trans_a && random_word() % 3 == 0 ? matrix(OTHER, 1, n, n) : NULL;
    real *c = beta == 0 || row ? room_for(OUT, (m - 1) * ldc + n) : matrix(OUT, m, n, ldc);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const real *x = trans_a ? a + i : a + i * lda, *y = trans_b ? b + j * ldb : b + j;
            double sum = 0;
            for (size_t p = 0; p < k; p++, x += trans_a ? lda : 1, y += trans_b ? 1 : ldb) sum += (double)(*x * *y);
            want[i * n + j] = (double)alpha * sum + (row         ? (double)row[j]
                                                     : beta == 0 ? 0
                                                                 : (double)beta * (double)c[i * ldc + j]);
        }
    }
    /* rows that come next are data of the caller: the order ends where it ends, and so do the rows */
    const size_t coming = random_word() % 4 * m / 2, width = random_word() % 40 + 1;
    const cr_rows next = {
        .x = matrix(VALUES, 4, width, width), .order = draw_order(coming, 4), .rows = coming, .width = width};
    if (way == CR_OWN_WAY) {
        way = (seam ? GEMM_WAY : KERNELS->gemm_way)(trans_a, trans_b, m, n, k);
        if (!seam && !trans_a && trans_b)
            way = random_word() % 2 ? CR_INNER : CR_OUTER; /* both, whichever is quicker */
    }
    (seam ? GEMM : gemm_by(way))(way, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, row,
                                 random_word() % 2 ? &next : NULL);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const double got = (double)c[i * ldc + j];
            if (!(got == want[i * n + j])) {
                check(0, "entry (%zu, %zu) is %.9g; expected %.9g", i, j, got, want[i * n + j]);
                return;
            }
        }
        for (size_t j = n; j < ldc && i + 1 < m; j++) {
            if (!isnan(c[i * ldc + j])) {
                check(0, "something was written after row %zu", i);
                return;
            }
        }
    }
    check(1, "");
}

/* A product in parts, of some rows and columns each, is the whole to the last bit, for numbers that round. */
static void check_gemm_in_parts(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, size_t rows,
                                size_t columns) {
    AT("gemm in parts", way, trans_a, trans_b, m, n, k, rows, columns);
    const size_t lda = trans_a ? m : k, ldb = trans_b ? k : n;
    real *a = room_for(IN, m * k), *b = room_for(TARGET, n * k), *all = room_for(OUT, m * n);
    real *parts = room_for(OUT2, m * n);
    for (size_t i = 0; i < m * k; i++) a[i] = (real)whole(20) / 7;
    for (size_t i = 0; i < n * k; i++) b[i] = (real)whole(20) / 3;
    for (size_t i = 0; i < m * n; i++) all[i] = parts[i] = (real)whole(20) / 9;
    if (way == CR_OWN_WAY) way = KERNELS->gemm_way(trans_a, trans_b, m, n, k);
    gemm_by(way)(way, trans_a, trans_b, m, n, k, (real)0.3, a, lda, b, ldb, (real)0.9, all, n, NULL, NULL);
    for (size_t i = 0; i < m; i += rows) {
        for (size_t j = 0; j < n; j += columns) {
            gemm_by(way)(way, trans_a, trans_b, m - i < rows ? m - i : rows, n - j < columns ? n - j : columns, k,
                         (real)0.3, trans_a ? a + i : a + i * lda, lda, trans_b ? b + j * ldb : b + j, ldb, (real)0.9,
                         parts + i * n + j, n, NULL, NULL);
        }
    }
    check(memcmp(all, parts, m * n * sizeof(real)) == 0, "the parts differ from the whole");
}

static void test_gemm_in_parts(void) {
    static const size_t sizes[][3] = {{64, 64, 64},    {10, 30, 784}, {33, 10, 100}, {5, 3, 17},
                                      {128, 100, 300}, {48, 97, 513}, {32, 4, 200},  {7, 150, 31},
                                      {100, 1, 9},     {1, 100, 50},  {16, 40, 130}, {16, 40, 128}};
    static const size_t steps[] = {1, 3, 8, 16, 32, 48, 1000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (int ways = 0; ways < 4; ways++) {
            for (size_t r = 0; r < COUNT(steps); r++) {
                const size_t *size = sizes[i], columns = steps[random_word() % COUNT(steps)];
                check_gemm_in_parts(CR_OWN_WAY, ways & 1, ways >> 1, size[0], size[1], size[2], steps[r], columns);
                if (!CR_DOUBLE) {
                    check_gemm_in_parts(CR_BFLOAT16, ways & 1, ways >> 1, size[0], size[1], size[2], steps[r], columns);
                }
            }
        }
    }
}

/* Where dot products of rows pay. */
static void test_way_of_rows_by_rows(void) {
    AT("gemm_way");
    check(KERNELS->gemm_way(0, 1, 10, 30, CR_DOUBLE ? 400 : 784) == CR_INNER, "few rows go by dot products");
    check(KERNELS->gemm_way(0, 1, 10, 30, 79) == CR_INNER, "shorter ones, too");
    check(KERNELS->gemm_way(0, 1, 15, 200, 250) == CR_INNER, "so do they with many rows of b");
    check(KERNELS->gemm_way(0, 1, 20, 3, 200) == CR_INNER, "and more rows with few of b");
    if (!CR_DOUBLE) check(KERNELS->gemm_way(0, 1, 64, 3, 2048) == CR_INNER, "also many of them");
    check(KERNELS->gemm_way(0, 1, 200, 100, 64) == CR_OUTER, "but not many with many");
    check(KERNELS->gemm_way(0, 1, 1000, 30, 784) == CR_OUTER, "nor so many that they do not stay near");
    check(KERNELS->gemm_way(0, 1, 10, 30, 6) == CR_OUTER, "nor rows so short that most of the work would be sums");
}

static void gemm_all_ways(size_t m, size_t n, size_t k) {
    static const real factors[][2] = {{1, 0},  {1, 1}, {(real)-0.5, 0},  {2, (real)-0.5},
                                      {-1, 1}, {0, 1}, {(real)0.25, -1}, {0, 0}};
    static const size_t extras[] = {0, 0, 0, 0, 1, 3, 16, 600}; /* 600: rows far apart in memory */
    for (int trans_a = 0; trans_a < 2; trans_a++) {
        for (int trans_b = 0; trans_b < 2; trans_b++) {
            const real *factor = factors[random_word() % COUNT(factors)];
            const size_t extra = m > 64 || n > 64 || k > 64 ? 0 : extras[random_word() % COUNT(extras)];
            check_gemm(CR_OWN_WAY, trans_a, trans_b, m, n, k, factor[0], factor[1], extra, 0);
            if (!CR_DOUBLE) check_gemm(CR_BFLOAT16, trans_a, trans_b, m, n, k, factor[0], factor[1], extra, 0);
        }
    }
}

static void test_gemm(void) {
    for (size_t m = 1; m <= 20; m++) {
        for (size_t n = 1; n <= 20; n++) {
            for (size_t k = 1; k <= 20; k++) gemm_all_ways(m, n, k);
        }
    }
    /* one size around a multiple of the tiles and panels, the others small */
    static const size_t edges[] = {23, 24, 25, 31,  32,  33,  47,  48,  49,  63,  64, 65,
                                   95, 96, 97, 127, 128, 129, 255, 256, 257, 260, 513};
    static const size_t small[] = {1, 2, 3, 5, 8, 9, 13, 17};
    for (size_t e = 0; e < COUNT(edges); e++) {
        for (size_t s = 0; s < COUNT(small); s++) {
            for (size_t t = 0; t < COUNT(small); t++) {
                gemm_all_ways(edges[e], small[s], small[t]);
                gemm_all_ways(small[s], edges[e], small[t]);
                gemm_all_ways(small[s], small[t], edges[e]);
            }
        }
    }
    /* two or three at once */
    static const size_t large[][3] = {{48, 48, 48},   {49, 47, 50},  {64, 64, 64},   {65, 63, 17},   {33, 97, 66},
                                      {16, 129, 257}, {17, 96, 260}, {128, 10, 256}, {10, 128, 513}, {130, 49, 260}};
    for (size_t i = 0; i < COUNT(large); i++) gemm_all_ways(large[i][0], large[i][1], large[i][2]);
    check_gemm(CR_OWN_WAY, 0, 0, 7, 9, 11, 2, (real)-0.5, 3, 1);
    check_gemm(CR_OWN_WAY, 1, 1, 9, 7, 20, 1, 0, 0, 1);
    if (!CR_DOUBLE) check_gemm(CR_BFLOAT16, 0, 1, 9, 7, 20, 1, 0, 0, 1);
}

#include "bfloat16.h"

/* --- shuffle.c --------------------------------------------------------------------------------------------------- */

/* one block, as in the paper */
static void plain_philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t next[] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k1,
                                 (uint32_t)a};
        memcpy(c, next, sizeof next);
    }
}

static void test_philox(void) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {/* kat_vectors of Random123, philox4x32 with 10 rounds */
                 {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                 {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                  {0xffffffff, 0xffffffff},
                  {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                 {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                  {0xa4093822, 0x299f31d0},
                  {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (size_t i = 0; i < COUNT(known); i++) {
        AT("cr_philox", i);
        uint32_t out[4], again[4];
        cr_philox(out, known[i].counter, known[i].key);
        check(!memcmp(out, known[i].out, sizeof out), "not the known answer: %08x %08x %08x %08x", (unsigned)out[0],
              (unsigned)out[1], (unsigned)out[2], (unsigned)out[3]);
        memcpy(again, known[i].counter, sizeof again);
        plain_philox(again, known[i].key[0], known[i].key[1]);
        check(!memcmp(again, known[i].out, sizeof again), "the generator of this test is wrong");
    }
}

/* Word i of a stream: from each 64 blocks all first words come first, then all second ones... */
static uint32_t word_of(uint64_t i, uint64_t seed, uint64_t stream) {
    const uint64_t block = i / 256 * 64 + i % 64;
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    plain_philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    return c[i % 256 / 64];
}

/* Fisher and Yates's, drawing without bias by throwing away the 2^32 mod bound lowest remainders. Returns how many. */
static size_t plain_shuffle(int32_t *order, size_t n, uint64_t seed, uint64_t stream) {
    size_t thrown_away = 0;
    uint64_t next = 0;
    for (size_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (size_t i = n; i > 1; i--) {
        uint64_t product = word_of(next++, seed, stream) * (uint64_t)i;
        for (; product % 4294967296u < 4294967296u % i; thrown_away++) product = word_of(next++, seed, stream) * i;
        const size_t j = (size_t)(product / 4294967296u);
        const int32_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
    return thrown_away;
}

static void test_shuffle(void) {
    static const uint64_t seeds[] = {0, 1, 20, 0x123456789abcdef0u, UINT64_MAX};
    for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
        for (size_t i = 0; i < COUNT(seeds); i++) {
            for (size_t j = 0; j < COUNT(seeds); j++) {
                const uint64_t seed = seeds[i], stream = seeds[j];
                AT("cr_shuffle", n, seed, stream);
                int32_t *order = room(OUT, n, sizeof *order), *plain = room(OUT2, n, sizeof *plain);
                cr_shuffle(order, n, seed, stream);
                plain_shuffle(plain, n, seed, stream);
                check(n == 0 || !memcmp(order, plain, n * sizeof *order), "it differs from the plain one");
            }
        }
    }
    enum { MANY = 300000 };
    AT("cr_shuffle", MANY);
    int32_t *order = room(OUT, MANY, sizeof *order), *plain = room(OUT2, MANY, sizeof *plain);
    cr_shuffle(order, MANY, 7, 3);
    check(plain_shuffle(plain, MANY, 7, 3) > 0, "no number was thrown away: try more");
    check(!memcmp(order, plain, MANY * sizeof *order), "it differs from the plain one");

    /* each of the 24 orders of 4 about equally often: chi square of 23 degrees of freedom, beyond 60 once in 25000 */
    enum { DRAWS = 24000 };
    AT("cr_shuffle", 4);
    int seen[256] = {0};
    for (uint64_t stream = 0; stream < DRAWS; stream++) {
        int32_t four[4];
        cr_shuffle(four, 4, 1, stream);
        seen[four[0] * 64 + four[1] * 16 + four[2] * 4 + four[3]]++;
    }
    double chi_square = 0;
    int orders = 0;
    for (int i = 0; i < 256; i++) {
        if (seen[i]) orders++, chi_square += (seen[i] - 1000.0) * (seen[i] - 1000.0) / 1000.0;
    }
    check(orders == 24 && chi_square < 60, "%d orders, chi square %g", orders, chi_square);
}

/* --- dropout.h --------------------------------------------------------------------------------------------------- */

/* The 16 bits of number k of a mask: 512 numbers take the low halves of 256 words, then their high halves. */
static uint32_t bits_of(size_t k, uint64_t seed, uint64_t stream, uint64_t first) {
    const uint32_t word = word_of(4 * first + k / 512 * 256 + k % 256, seed, stream);
    return k % 512 < 256 ? word & 0xFFFF : word >> 16;
}

static void test_dropout(void) {
    static const double probabilities[] = {0, 1e-9, 0.25, 0.3, 0.5, 0.99, 1 - 1e-9};
    static const size_t sizes[] = {0, 1, 15, 16, 17, 255, 256, 257, 511, 512, 513, 1300};
    static const uint64_t places[][3] = {/* seed, stream, first: a multiple of 64, also over the edge of a word */
                                         {0, 0, 0},
                                         {0x123456789abcdef0u, (uint64_t)1 << 63 | 7, 64 * 5},
                                         {UINT64_MAX, UINT64_MAX, ((uint64_t)1 << 32) - 64}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t j = 0; j < COUNT(probabilities); j++) {
            for (size_t k = 0; k < COUNT(places); k++) {
                const size_t n = sizes[i];
                const double p = probabilities[j];
                const uint64_t *place = places[k];
                AT("dropout", n, (long)(100 * p), k);
                const real *a = whole_numbers(IN, n, 9);
                real *out = room_for(OUT, n), *mask = room_for(OUT2, n);
                KERNELS->dropout(out, mask, a, n, p, place[0], place[1], place[2], 0);
                const double dropped = p > 0.999 ? 65535 : floor(p * 65536 + 0.5);
                const real kept = (real)(65536 / (65536 - dropped));
                for (size_t m = 0; m < n; m++) {
                    want[m] = bits_of(m, place[0], place[1], place[2]) < dropped ? 0 : (double)kept;
                }
                expect_equal(mask, n);
                /* from some number on */
                const size_t from = n / 3;
                for (size_t m = from; m < n; m++) mask[m] = out[m] = (real)NAN;
                KERNELS->dropout(out + from, mask + from, a + from, n - from, p, place[0], place[1], place[2], from);
                expect_equal(mask, n);
                for (size_t m = 0; m < n; m++) want[m] = (double)(real)(a[m] * mask[m]);
                expect_equal(out, n);
            }
        }
    }
}

static void test_multiply(void) {
    for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
        AT("multiply", n);
        real *x = whole_numbers(OUT, n, 9);
        const real *y = whole_numbers(IN, n, 9);
        for (size_t i = 0; i < n; i++) want[i] = (double)x[i] * (double)y[i];
        KERNELS->multiply(x, y, n);
        expect_equal(x, n);
    }
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static void test_names(void) {
    AT("the names", CR_ACTIVATION_COUNT, CR_COST_COUNT);
    check(!strcmp(cr_activation_names[CR_ACTIVATION_softmax], "softmax"), "softmax has another name");
    check(!strcmp(cr_cost_names[CR_COST_log_likelihood], "log_likelihood"), "log_likelihood has another name");
    check(cr_cost_outputs[CR_COST_quadratic] == CR_ACTIVATION_any, "the quadratic cost is for any output");
    check(cr_cost_outputs[CR_COST_cross_entropy] == CR_ACTIVATION_sigmoid, "cross-entropy is for sigmoid");
    check(cr_cost_outputs[CR_COST_log_likelihood] == CR_ACTIVATION_softmax, "log-likelihood is for softmax");
    check(cr_cost_lows[CR_COST_quadratic] == 0 && cr_cost_lows[CR_COST_hinge] == -1, "classes have other targets");
    check(!strcmp(cr_optimizer_names[CR_OPTIMIZER_rprop], "rprop"), "rprop has another name");
    check(cr_activation_sources[CR_ACTIVATION_tanh] == 'a', "the slope of tanh is computed from a");
    check(cr_activation_sources[CR_ACTIVATION_gelu] == 'z', "the slope of gelu is computed from z");

    AT("cr_select_simd", 0);
    const cr_kernels_f32 *before = cr_f32;
    check(cr_select_simd("abacus") == NULL && cr_f32 == before, "an unknown variant was selected");
    const char *best = cr_select_simd(NULL);
    check(best && cr_select_simd(best), "there is no best variant");
    check(cr_select_simd("baseline") != NULL, "there is no baseline");
}

static void test_platform(void) {
    AT("cr_aligned_alloc", 0);
    for (size_t bytes = 1; bytes < 300; bytes++) {
        unsigned char *block = cr_aligned_alloc(bytes), all = 0;
        if (!check(block != NULL, "no memory")) return;
        check((uintptr_t)block % 64 == 0, "%zu bytes are not aligned", bytes);
        for (size_t i = 0; i < bytes; i++) all |= block[i];
        check(all == 0, "%zu bytes are not zeroed", bytes);
        memset(block, 1, bytes);
        cr_aligned_free(block);
    }
    cr_aligned_free(NULL);
    check(cr_aligned_alloc(SIZE_MAX) == NULL && cr_aligned_alloc(SIZE_MAX - 62) == NULL, "the size has overflowed");

    AT("cr_getenv", 0);
    char value[8];
    cr_setenv("CHAINRULE_TEST", "1234567");
    check(cr_getenv("CHAINRULE_TEST", value, sizeof value) && !strcmp(value, "1234567"), "it is not what was set");
    cr_setenv("CHAINRULE_TEST", "12345678");
    check(!cr_getenv("CHAINRULE_TEST", value, sizeof value), "a value too long was taken");
    cr_setenv("CHAINRULE_TEST", NULL);
    check(!cr_getenv("CHAINRULE_TEST", value, sizeof value), "it is still set");

    AT("cr_library_open", 0);
    check(cr_library_open("no/such/library") == NULL && cr_library_error(), "a library that is not there was opened");
    check(cr_open_blas(NULL) == NULL && !strcmp(cr_blas_name(), "plain C"), "a BLAS was opened without a path");
}

int main(void) {
    static const char *const variants[] = {"baseline", "avx2", "avx512", "avx512bf16"};
    report_crashes();
    here.simd = "C";
    test_names();
    test_platform();
    for (size_t i = 0; i < COUNT(variants); i++) {
        if (!cr_select_simd(variants[i])) {
            printf("%s: this processor or build has no %s, not tested\n", PRECISION, variants[i]);
            continue;
        }
        here.simd = variants[i];
        const unsigned long before = checks;
        test_philox();
        test_shuffle();
        test_curves();
        test_slopes();
        test_relu_identity_and_step();
        test_softmax();
        test_primes();
        test_costs();
        test_cross_entropy();
        test_log_likelihood(0);
        test_log_likelihood(0.25);
        test_gaussian();
        test_all_finite();
        test_rows();
#define CALL_INPUT(name, type, formats, exact) test_convert_##name(), test_densify_##name(), test_unpack_##name();
        CR_INPUTS(CALL_INPUT)
        test_one_hot();
        test_agreements();
        test_updates();
        test_limits();
        test_move_average();
        test_dropout();
        test_multiply();
        test_gemm();
        test_gemm_in_parts();
        test_bfloat16();
        test_way_of_rows_by_rows();
        test_sparse();
        printf("%s: %s, %lu checks\n", PRECISION, variants[i], checks - before);
    }
    printf("%s: %lu checks, %lu failures\n", PRECISION, checks, failures);
    return failures > 0;
}
