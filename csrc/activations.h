/* The activations: `name` is a <- sigma(z), `name_prime` is delta <- delta ⊙ sigma'(z), from a. All (rows, width). */

/* out[i] <- FUNCTION(x[i]) for i < n; x may be out */
#define DEFINE_MAP(NAME, FUNCTION)                                                                                     \
    static void NAME(real *out, const real *x, size_t n) {                                                             \
        size_t i = 0;                                                                                                  \
        for (; i + BLOCK <= n; i += BLOCK) {                                                                           \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) out[i + k] = FUNCTION(x[i + k]);                               \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            real tail[BLOCK] = {0};                                                                                    \
            memcpy(tail, x + i, (n - i) * sizeof(real));                                                               \
            INDEPENDENT for (int k = 0; k < BLOCK; k++) tail[k] = FUNCTION(tail[k]);                                   \
            memcpy(out + i, tail, (n - i) * sizeof(real));                                                             \
        }                                                                                                              \
    }

/* delta[i] <- FUNCTION(delta[i], a[i]), the Hadamard product delta ⊙ sigma'; products round alike in vector and scalar
 * code, so the tail needs no copy */
#define DEFINE_PRIME(NAME, FUNCTION)                                                                                   \
    static void NAME(real *delta, const real *a, size_t rows, size_t width) {                                          \
        INDEPENDENT for (size_t i = 0; i < rows * width; i++) delta[i] = FUNCTION(delta[i], a[i]);                     \
    }

#define SIGMOID_PRIME(delta, a) ((delta) * ((a) * (1 - (a))))
#define TANH_PRIME(delta, a) ((delta) * ((1 - (a)) * (1 + (a))))
#define RELU_PRIME(delta, a) ((a) > 0 ? (delta) : 0)

DEFINE_MAP(exponential, exp_one)
DEFINE_MAP(sigmoid_map, sigmoid_one)
DEFINE_MAP(tanh_map, tanh_one)

static void sigmoid(real *a, const real *z, size_t rows, size_t width) { sigmoid_map(a, z, rows * width); }

DEFINE_PRIME(sigmoid_prime, SIGMOID_PRIME)

static void tanh_activation(real *a, const real *z, size_t rows, size_t width) { tanh_map(a, z, rows * width); }
#define tanh tanh_activation /* the C library has a tanh of its own */

DEFINE_PRIME(tanh_prime, TANH_PRIME)

static void relu(real *a, const real *z, size_t rows, size_t width) {
    INDEPENDENT for (size_t i = 0; i < rows * width; i++) a[i] = z[i] < 0 ? 0 : z[i]; /* NaN stays NaN */
}

DEFINE_PRIME(relu_prime, RELU_PRIME)

static void identity(real *a, const real *z, size_t rows, size_t width) {
    if (a != z) memcpy(a, z, rows * width * sizeof(real));
}

static void identity_prime(real *delta, const real *a, size_t rows, size_t width) {
    (void)delta, (void)a, (void)rows, (void)width; /* sigma' = 1 */
}

/* the perceptron: a = 1 where z > 0, else 0; NaN stays NaN */
INLINE real step_one(real z) { return z > 0 ? 1 : z <= 0 ? 0 : z; }

static void step(real *a, const real *z, size_t rows, size_t width) {
    INDEPENDENT for (size_t i = 0; i < rows * width; i++) a[i] = step_one(z[i]);
}

/* sigma' = 0 wherever there is a derivative */
static void step_prime(real *delta, const real *a, size_t rows, size_t width) {
    (void)a;
    memset(delta, 0, rows * width * sizeof(real));
}

/* a_j = e^(z_j - max z) / sum_k e^(z_k - max z), row by row */
static void softmax(real *a, const real *z, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, a += width, z += width) {
        real highest = largest(z, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) a[j] = z[j] - highest;
        exponential(a, a, width);
        real total = sum(a, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) a[j] /= total;
    }
}

/* softmax couples the outputs: da_k/dz_j = a_k ([j = k] - a_j), so delta_j <- a_j (delta_j - sum_k delta_k a_k) */
static void softmax_prime(real *delta, const real *a, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, delta += width, a += width) {
        real mean = dot(delta, a, width);
        INDEPENDENT for (size_t j = 0; j < width; j++) delta[j] = a[j] * (delta[j] - mean);
    }
}
