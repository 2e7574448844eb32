/* The activations: `name` is a <- sigma(z); `name_prime` is delta <- delta ⊙ sigma'(z), from x = a or x = z, whichever
 * is stable: the list in chainrule.h says which. All (rows, width); p is the parameter, where there is one. */

/* out[i] <- VALUE(x[i], p) for i < n; out may be x. The tail goes through a padded copy, so that each number meets the
 * same instructions wherever it stands. */
#define DEFINE_MAP(NAME, VALUE)                                                                                        \
    static void NAME(real *out, const real *x, size_t n, real p) {                                                     \
        (void)p;                                                                                                       \
        size_t i = 0;                                                                                                  \
        for (; i + BLOCK <= n; i += BLOCK) {                                                                           \
            INDEPENDENT ROLLED for (int k = 0; k < BLOCK; k++) out[i + k] = VALUE(x[i + k], p);                        \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            real tail[BLOCK] = {0};                                                                                    \
            memcpy(tail, x + i, (n - i) * sizeof(real));                                                               \
            INDEPENDENT ROLLED for (int k = 0; k < BLOCK; k++) tail[k] = VALUE(tail[k], p);                            \
            memcpy(out + i, tail, (n - i) * sizeof(real));                                                             \
        }                                                                                                              \
    }

/* delta[i] <- PRODUCT(delta[i], x[i], p), likewise: the Hadamard product delta ⊙ sigma' */
#define DEFINE_PRODUCT(NAME, PRODUCT)                                                                                  \
    static void NAME(real *delta, const real *x, size_t n, real p) {                                                   \
        (void)p;                                                                                                       \
        size_t i = 0;                                                                                                  \
        for (; i + BLOCK <= n; i += BLOCK) {                                                                           \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) delta[i + k] = PRODUCT(delta[i + k], x[i + k], p);             \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            real tail[BLOCK] = {0}, x_tail[BLOCK] = {0};                                                               \
            memcpy(tail, delta + i, (n - i) * sizeof(real));                                                           \
            memcpy(x_tail, x + i, (n - i) * sizeof(real));                                                             \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) tail[k] = PRODUCT(tail[k], x_tail[k], p);                      \
            memcpy(delta + i, tail, (n - i) * sizeof(real));                                                           \
        }                                                                                                              \
    }

/* An activation of single numbers: sigma(z) = VALUE(z, p), and PRODUCT(d, x, p) = d sigma'(z), free of branches. */
#define DEFINE_ACTIVATION(NAME, VALUE, PRODUCT)                                                                        \
    DEFINE_MAP(NAME##_map, VALUE)                                                                                      \
    DEFINE_PRODUCT(NAME##_product, PRODUCT)                                                                            \
    static void NAME##_values(real *a, const real *z, size_t rows, size_t width, real p) {                             \
        NAME##_map(a, z, rows * width, p);                                                                             \
    }                                                                                                                  \
    static void NAME##_prime(real *delta, const real *x, size_t rows, size_t width, real p) {                          \
        NAME##_product(delta, x, rows * width, p);                                                                     \
    }

#define SIGMOID(z, p) sigmoid_one(z)
#define SIGMOID_TIMES(d, a, p) ((d) * ((a) * (1 - (a))))
DEFINE_ACTIVATION(sigmoid, SIGMOID, SIGMOID_TIMES)

#define TANH(z, p) tanh_one(z)
#define TANH_TIMES(d, a, p) ((d) * ((1 - (a)) * (1 + (a))))
DEFINE_ACTIVATION(tanh, TANH, TANH_TIMES)

#define RELU(z, p) ((z) < 0 ? 0 : (z)) /* NaN stays NaN */
#define RELU_TIMES(d, a, p) ((a) > 0 ? (d) : 0)
DEFINE_ACTIVATION(relu, RELU, RELU_TIMES)

/* p is the slope on the left */
#define LEAKY_RELU(z, p) ((z) < 0 ? (p) * (z) : (z))
#define LEAKY_RELU_TIMES(d, a, p) ((a) > 0 ? (d) : (p) * (d))
DEFINE_ACTIVATION(leaky_relu, LEAKY_RELU, LEAKY_RELU_TIMES)

/* p = alpha: p (e^z - 1) on the left. From a, sigma' = a + p would cancel. */
#define ELU(z, p) ((z) < 0 ? (p) * expm1_negative(z) : (z))
#define ELU_TIMES(d, z, p) ((d) * ((z) > 0 ? 1 : (p) * exp_one(z)))
DEFINE_ACTIVATION(elu, ELU, ELU_TIMES)

/* elu scaled so that mean 0 and variance 1 are kept from layer to layer (Klambauer et al., 2017) */
#define SELU_SCALE REAL(1.05070098735548049342)
#define SELU_ALPHA REAL(1.67326324235437728482)
#define SELU(z, p) (SELU_SCALE * ELU(z, SELU_ALPHA))
#define SELU_TIMES(d, z, p) (ELU_TIMES(d, z, SELU_ALPHA) * SELU_SCALE)
DEFINE_ACTIVATION(selu, SELU, SELU_TIMES)

/* ln(1 + e^z); sigma' = 1/(1 + e^-z) = 1 - e^-a */
#define SOFTPLUS(z, p) (((z) > 0 ? (z) : 0) + log1p_unit(exp_negative(-absolute(z))))
#define SOFTPLUS_TIMES(d, a, p) ((d) * -expm1_negative(-(a)))
DEFINE_ACTIVATION(softplus, SOFTPLUS, SOFTPLUS_TIMES)

#define GELU(z, p) gelu_one(z)
#define GELU_TIMES(d, z, p) ((d) * gelu_slope(z))
DEFINE_ACTIVATION(gelu, GELU, GELU_TIMES)

#define SWISH(z, p) swish_one(z, p)
#define SWISH_TIMES(d, z, p) ((d) * swish_slope(z, p))
DEFINE_ACTIVATION(swish, SWISH, SWISH_TIMES)

#define MISH(z, p) mish_one(z)
#define MISH_TIMES(d, z, p) ((d) * mish_slope(z))
DEFINE_ACTIVATION(mish, MISH, MISH_TIMES)

/* clipped, so that infinity goes to 1; sigma' = 1/(1 + |z|)^2, whose square would overflow */
#define SOFTSIGN(z, p) (clipped(z, LARGEST) / (1 + absolute(clipped(z, LARGEST))))
#define SOFTSIGN_TIMES(d, z, p) ((d) * (1 / (1 + absolute(z))) * (1 / (1 + absolute(z))))
DEFINE_ACTIVATION(softsign, SOFTSIGN, SOFTSIGN_TIMES)

/* the straight line (z + 3)/6 between 0 and 1 */
#define HARD_SIGMOID(z, p) ((z) <= -3 ? 0 : (z) >= 3 ? 1 : ((z) + 3) * REAL(0.16666666666666666667))
#define HARD_SIGMOID_TIMES(d, a, p) ((a) > 0 && (a) < 1 ? (d) * REAL(0.16666666666666666667) : 0)
DEFINE_ACTIVATION(hard_sigmoid, HARD_SIGMOID, HARD_SIGMOID_TIMES)

#define EXPONENTIAL(z, p) exp_one(z)
#define EXPONENTIAL_TIMES(d, a, p) ((d) * (a))
DEFINE_ACTIVATION(exponential, EXPONENTIAL, EXPONENTIAL_TIMES)

/* the perceptron; sigma' = 0 wherever there is a derivative */
#define STEP(z, p) ((z) > 0 ? 1 : (z) <= 0 ? 0 : (z)) /* NaN stays NaN */
#define STEP_TIMES(d, a, p) 0
DEFINE_ACTIVATION(step, STEP, STEP_TIMES)

static void identity_values(real *a, const real *z, size_t rows, size_t width, real p) {
    (void)p;
    if (a != z) memcpy(a, z, rows * width * sizeof(real));
}

static void identity_prime(real *delta, const real *a, size_t rows, size_t width, real p) {
    (void)delta, (void)a, (void)rows, (void)width, (void)p; /* sigma' = 1 */
}

/* a_j = e^(z_j - max z) / sum_k e^(z_k - max z), row by row */
static void softmax_values(real *a, const real *z, size_t rows, size_t width, real p) {
    (void)p;
    for (size_t i = 0; i < rows; i++, a += width, z += width) {
        real highest = largest(z, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) a[j] = z[j] - highest;
        exponential_map(a, a, width, 0);
        real total = sum(a, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) a[j] /= total;
    }
}

/* softmax couples the outputs: da_k/dz_j = a_k ([j = k] - a_j), so delta_j <- a_j (delta_j - sum_k delta_k a_k) */
static void softmax_prime(real *delta, const real *a, size_t rows, size_t width, real p) {
    (void)p;
    for (size_t i = 0; i < rows; i++, delta += width, a += width) {
        real mean = dot(delta, a, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) delta[j] = a[j] * (delta[j] - mean);
    }
}
