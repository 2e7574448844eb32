/* The pieces of C that `to_c` writes from: those a model needs, in this order (pieces.py).
 *
 * `real` becomes float or double, `bits` the unsigned integer of that size, and constants in REAL() get the suffix of their
 * type. A piece begins with its name, and what it needs; of those with a type behind the name, that of the model is taken.
 * model.py has the same arithmetic in NumPy, operation by operation: who changes one changes the other. */

/*: absolute */
static real absolute(real x)
{
    return (x < REAL(0.0)) ? -x : x;
}

/*: clipped */
/* x, or the nearest of low and high; NaN stays NaN */
static real clipped(real x, real low, real high)
{
    if (x < low) {
        return low;
    }
    return (x > high) ? high : x;
}

/*: bits_of */
static bits bits_of(real x)
{
    bits b;
    (void)memcpy(&b, &x, sizeof b);
    return b;
}

/*: real_of */
static real real_of(bits b)
{
    real x;
    (void)memcpy(&x, &b, sizeof x);
    return x;
}

/*: exp_rest float needs bits_of */
/* x = n ln 2 + r with |r| <= ln(2)/2: returns e^r - 1 = r + r^2 q(r); *n is n as an integer of two's complement */
static float exp_rest(float x, uint32_t *n)
{
    const float shifted = x * 1.44269504088896340736f + 12582912.0f; /* 1.5 2^23: rounds to a whole number */
    const float whole = shifted - 12582912.0f;
    const float r = (x - whole * 0.693359375f) - whole * -2.12194440054690582767e-4f;
    float q = 1.39263256181334621e-3f;
    q = q * r + 8.3632927530306023112e-3f;
    q = q * r + 4.1666553762567638397e-2f;
    q = q * r + 1.6666576305560638271e-1f;
    q = q * r + 0.5f;
    *n = bits_of(shifted) - UINT32_C(0x4B400000);
    return r + (r * r) * q;
}

/*: exp_rest double needs bits_of */
/* x = n ln 2 + r with |r| <= ln(2)/2: returns e^r - 1 = r + r^2 q(r); *n is n as an integer of two's complement */
static double exp_rest(double x, uint64_t *n)
{
    const double shifted = x * 1.44269504088896340736 + 6755399441055744.0; /* 1.5 2^52: rounds to a whole number */
    const double whole = shifted - 6755399441055744.0;
    const double r = (x - whole * 6.93145751953125e-1) - whole * 1.42860682030941723212e-6;
    double q = 2.5100569275813682631e-8;
    q = q * r + 2.762032742826823816e-7;
    q = q * r + 2.7557268072890098263e-6;
    q = q * r + 2.4801520792572692843e-5;
    q = q * r + 1.9841269863303223296e-4;
    q = q * r + 1.3888888917538295848e-3;
    q = q * r + 8.3333333333300117609e-3;
    q = q * r + 4.1666666666623476764e-2;
    q = q * r + 1.6666666666666667468e-1;
    q = q * r + 0.5;
    *n = bits_of(shifted) - UINT64_C(0x4338000000000000);
    return r + (r * r) * q;
}

/*: exp_of float needs clipped exp_rest real_of */
/* e^x; 2^n in two factors, as n may lie beyond the exponents of normal numbers */
static float exp_of(float x)
{
    uint32_t n;
    const float e = 1.0f + exp_rest(clipped(x, -104.0f, 89.0f), &n);
    const uint32_t both = n + 254U;
    const uint32_t first = both >> 1U;
    return (e * real_of((both - first) << 23U)) * real_of(first << 23U);
}

/*: exp_of double needs clipped exp_rest real_of */
/* e^x; 2^n in two factors, as n may lie beyond the exponents of normal numbers */
static double exp_of(double x)
{
    uint64_t n;
    const double e = 1.0 + exp_rest(clipped(x, -746.0, 710.0), &n);
    const uint64_t both = n + 2046U;
    const uint64_t first = both >> 1U;
    return (e * real_of((both - first) << 52U)) * real_of(first << 52U);
}

/*: expm1_of float needs exp_rest real_of */
/* e^x - 1 for x <= 0, without the cancellation kept 0 */
static float expm1_of(float x)
{
    uint32_t n;
    const float e = exp_rest((x < -30.0f) ? -30.0f : x, &n);
    const float power = real_of((n + 127U) << 23U);
    return power * e + (power - 1.0f);
}

/*: expm1_of double needs exp_rest real_of */
/* e^x - 1 for x <= 0, without the cancellation kept 0 */
static double expm1_of(double x)
{
    uint64_t n;
    const double e = exp_rest((x < -60.0) ? -60.0 : x, &n);
    const double power = real_of((n + 1023U) << 52U);
    return power * e + (power - 1.0);
}

/*: log1p_of float */
/* ln(1 + u) for 0 <= u <= 1: 2 artanh(s) with s = u/(2 + u) */
static float log1p_of(float u)
{
    const float s = u / (2.0f + u);
    const float w = s * s;
    float p = 0.11615127803448179542f;
    p = p * w + 0.10852713536419283124f;
    p = p * w + 0.14296213037334131581f;
    p = p * w + 0.19999852539504327204f;
    p = p * w + 0.33333333661987504681f;
    return 2.0f * s + (2.0f * (s * w)) * p;
}

/*: log1p_of double */
/* ln(1 + u) for 0 <= u <= 1: 2 artanh(s) with s = u/(2 + u) */
static double log1p_of(double u)
{
    const double s = u / (2.0 + u);
    const double w = s * s;
    double p = 0.08086486882582435819;
    p = p * w + 0.043982635133370287926;
    p = p * w + 0.060009487603518856891;
    p = p * w + 0.066570287400614316425;
    p = p * w + 0.076927876777579189876;
    p = p * w + 0.090908946237957681686;
    p = p * w + 0.11111111360589110707;
    p = p * w + 0.14285714283535833874;
    p = p * w + 0.20000000000007361312;
    p = p * w + 0.33333333333333329238;
    return 2.0 * s + (2.0 * (s * w)) * p;
}

/*: log_of float needs bits_of real_of log1p_of */
/* ln x of a normal x > 0: x = 2^n (1 + u) */
static float log_of(float x)
{
    const uint32_t b = bits_of(x);
    const float n = (float)(b >> 23U) - 127.0f;
    const float u = real_of((b & UINT32_C(0x7FFFFF)) | UINT32_C(0x3F800000)) - 1.0f;
    return n * 0.693147182464599609375f + log1p_of(u);
}

/*: log_of double needs bits_of real_of log1p_of */
/* ln x of a normal x > 0: x = 2^n (1 + u) */
static double log_of(double x)
{
    const uint64_t b = bits_of(x);
    const double n = (double)(b >> 52U) - 1023.0;
    const double u = real_of((b & UINT64_C(0xFFFFFFFFFFFFF)) | UINT64_C(0x3FF0000000000000)) - 1.0;
    return n * 0.69314718055994530942 + log1p_of(u);
}

/*: gaussian_of float needs bits_of real_of exp_of */
/* e^(-x^2/2) for 0 <= x <= 15: x^2 of the upper half of x is exact, and the rest is small */
static float gaussian_of(float x)
{
    const float high = real_of(bits_of(x) & UINT32_C(0xFFFFF000));
    const float rest = (-0.5f * (x - high)) * (x + high);
    float q = 0.16666666666666666667f + rest * 0.041666666666666666667f;
    q = 0.5f + rest * q;
    q = 1.0f + rest * q;
    q = 1.0f + rest * q;
    return exp_of((-0.5f * high) * high) * q;
}

/*: gaussian_of double needs bits_of real_of exp_of */
/* e^(-x^2/2) for 0 <= x <= 40: x^2 of the upper half of x is exact, and the rest is small */
static double gaussian_of(double x)
{
    const double high = real_of(bits_of(x) & UINT64_C(0xFFFFFFFFF8000000));
    const double rest = (-0.5 * (x - high)) * (x + high);
    double q = 0.16666666666666666667 + rest * 0.041666666666666666667;
    q = 0.5 + rest * q;
    q = 1.0 + rest * q;
    q = 1.0 + rest * q;
    return exp_of((-0.5 * high) * high) * q;
}

/*: tail_of float */
/* The upper tail of the normal distribution is e^(-x^2/2) times this over (4 + x), with u = x/(4 + x). */
static float tail_of(float u)
{
    const float v = u - 0.4375f;
    float p = -0.0642858967f;
    p = p * v + 0.0845439211f;
    p = p * v + 0.167329103f;
    p = p * v - 0.306477368f;
    p = p * v - 0.14064236f;
    p = p * v + 1.02689493f;
    p = p * v - 1.74201345f;
    p = p * v + 1.85151649f;
    p = p * v - 1.42780888f;
    p = p * v + 0.837700486f;
    return p;
}

/*: tail_of double */
/* The upper tail of the normal distribution is e^(-x^2/2) times this over (5 + x), with u = x/(5 + x). */
static double tail_of(double u)
{
    const double v = u - 0.4375;
    double p = -0.00075804545712216265651;
    p = p * v + 0.0045846240400022313793;
    p = p * v + 0.0027063782962932765412;
    p = p * v - 0.011653142660188332835;
    p = p * v - 0.0068364671026266109199;
    p = p * v + 0.019839133421875737584;
    p = p * v + 0.01385392957747213355;
    p = p * v - 0.033423508816938868327;
    p = p * v - 0.023382529513665571003;
    p = p * v + 0.064239017085356467374;
    p = p * v + 0.027664245135749419152;
    p = p * v - 0.13953249007645973645;
    p = p * v + 0.023955130287787569643;
    p = p * v + 0.29186124312405276049;
    p = p * v - 0.36729942106042429151;
    p = p * v - 0.24057183109531379839;
    p = p * v + 1.4703051914056106675;
    p = p * v - 2.738967954965548568;
    p = p * v + 3.4125154323960127378;
    p = p * v - 3.2614357719128643787;
    p = p * v + 2.5191166396838511332;
    p = p * v - 1.6105665056657956224;
    p = p * v + 0.8607598605188376828;
    return p;
}

/*: sigmoid_of needs absolute exp_of */
/* 1/(1 + e^-z), and e^z/(1 + e^z) on the left */
static real sigmoid_of(real z)
{
    const real e = exp_of(-absolute(z));
    return ((z < REAL(0.0)) ? e : REAL(1.0)) / (REAL(1.0) + e);
}

/*: sigmoid needs sigmoid_of */
static real sigmoid(real z, real p)
{
    (void)p;
    return sigmoid_of(z);
}

/*: sigmoid_slope */
static real sigmoid_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return a * (REAL(1.0) - a);
}

/*: tanh needs absolute expm1_of */
static real tanh_of(real z, real p)
{
    const real m = expm1_of(REAL(-2.0) * absolute(z));
    const real t = m / (REAL(2.0) + m);
    (void)p;
    return (z < REAL(0.0)) ? t : -t;
}

/*: tanh_slope */
static real tanh_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return (REAL(1.0) - a) * (REAL(1.0) + a);
}

/*: relu */
static real relu(real z, real p)
{
    (void)p;
    return (z < REAL(0.0)) ? REAL(0.0) : z;
}

/*: relu_slope */
static real relu_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return (z > REAL(0.0)) ? REAL(1.0) : REAL(0.0);
}

/*: leaky_relu */
static real leaky_relu(real z, real p)
{
    return (z < REAL(0.0)) ? p * z : z;
}

/*: leaky_relu_slope */
static real leaky_relu_slope(real z, real a, real p)
{
    (void)a;
    return (z > REAL(0.0)) ? REAL(1.0) : p;
}

/*: elu needs expm1_of */
static real elu(real z, real p)
{
    return (z < REAL(0.0)) ? p * expm1_of(z) : z;
}

/*: elu_slope needs exp_of */
static real elu_slope(real z, real a, real p)
{
    (void)a;
    return (z > REAL(0.0)) ? REAL(1.0) : p * exp_of(z);
}

/*: selu needs expm1_of */
static real selu(real z, real p)
{
    (void)p;
    return REAL(1.05070098735548049342) * ((z < REAL(0.0)) ? REAL(1.67326324235437728482) * expm1_of(z) : z);
}

/*: selu_slope needs exp_of */
static real selu_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return REAL(1.05070098735548049342) * ((z > REAL(0.0)) ? REAL(1.0) : REAL(1.67326324235437728482) * exp_of(z));
}

/*: softplus needs absolute exp_of log1p_of */
static real softplus(real z, real p)
{
    (void)p;
    return ((z > REAL(0.0)) ? z : REAL(0.0)) + log1p_of(exp_of(-absolute(z)));
}

/*: softplus_slope needs sigmoid_of */
static real softplus_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return sigmoid_of(z);
}

/*: gelu float needs absolute clipped gaussian_of tail_of */
/* z Phi(z), where Phi(z) is 1 less the tail on the right, and the tail on the left */
static float gelu(float z, float p)
{
    const float kept = clipped(z, -15.0f, 15.0f);
    const float u = kept / (4.0f + absolute(kept));
    const float tail = gaussian_of(absolute(kept)) * (tail_of(absolute(u)) * u);
    (void)p;
    return (z > 0.0f) ? z - tail : tail;
}

/*: gelu double needs absolute clipped gaussian_of tail_of */
/* z Phi(z), where Phi(z) is 1 less the tail on the right, and the tail on the left */
static double gelu(double z, double p)
{
    const double kept = clipped(z, -40.0, 40.0);
    const double u = kept / (5.0 + absolute(kept));
    const double tail = gaussian_of(absolute(kept)) * (tail_of(absolute(u)) * u);
    (void)p;
    return (z > 0.0) ? z - tail : tail;
}

/*: gelu_slope float needs absolute clipped gaussian_of tail_of */
/* Phi(z) + z phi(z) */
static float gelu_slope(float z, float a, float p)
{
    const float kept = clipped(z, -15.0f, 15.0f);
    const float share = 1.0f / (4.0f + absolute(kept));
    const float g = gaussian_of(absolute(kept));
    const float q = g * (tail_of(absolute(kept) * share) * share);
    (void)a;
    (void)p;
    return ((z > 0.0f) ? 1.0f - q : q) + g * (kept * 0.39894228040143267794f);
}

/*: gelu_slope double needs absolute clipped gaussian_of tail_of */
/* Phi(z) + z phi(z) */
static double gelu_slope(double z, double a, double p)
{
    const double kept = clipped(z, -40.0, 40.0);
    const double share = 1.0 / (5.0 + absolute(kept));
    const double g = gaussian_of(absolute(kept));
    const double q = g * (tail_of(absolute(kept) * share) * share);
    (void)a;
    (void)p;
    return ((z > 0.0) ? 1.0 - q : q) + g * (kept * 0.39894228040143267794);
}

/*: swish needs sigmoid_of */
static real swish(real z, real p)
{
    return ((z < -HUGE_REAL) ? -HUGE_REAL : z) * sigmoid_of(p * z);
}

/*: swish_slope needs clipped sigmoid_of */
static real swish_slope(real z, real a, real p)
{
    const real t = clipped(p * z, -FAR_REAL, FAR_REAL);
    (void)a;
    return sigmoid_of(t) * (REAL(1.0) + t * sigmoid_of(-t));
}

/*: mish needs absolute exp_of */
/* z tanh(ln(1 + e^z)) = z n/d with e = e^-|z|: no power overflows, and no sum cancels */
static real mish(real z, real p)
{
    const real e = exp_of(-absolute(z));
    const real n = (z < REAL(0.0)) ? e * (e + REAL(2.0)) : REAL(1.0) + REAL(2.0) * e;
    const real d = n + ((z < REAL(0.0)) ? REAL(2.0) : (REAL(2.0) * e) * e);
    (void)p;
    return ((z < -HUGE_REAL) ? -HUGE_REAL : z) * (n / d);
}

/*: mish_slope needs absolute clipped exp_of */
static real mish_slope(real z, real a, real p)
{
    const real t = clipped(z, -FAR_REAL, FAR_REAL);
    const real e = exp_of(-absolute(t));
    const real n = (t < REAL(0.0)) ? e * (e + REAL(2.0)) : REAL(1.0) + REAL(2.0) * e;
    const real d = n + ((t < REAL(0.0)) ? REAL(2.0) : (REAL(2.0) * e) * e);
    const real last = (t < REAL(0.0)) ? e : e * e;
    (void)a;
    (void)p;
    return (n + (((REAL(4.0) * t) * (REAL(1.0) + e)) / d) * last) / d;
}

/*: softsign needs absolute clipped */
static real softsign(real z, real p)
{
    const real kept = clipped(z, -HUGE_REAL, HUGE_REAL);
    (void)p;
    return kept / (REAL(1.0) + absolute(kept));
}

/*: softsign_slope needs absolute */
static real softsign_slope(real z, real a, real p)
{
    const real share = REAL(1.0) / (REAL(1.0) + absolute(z));
    (void)a;
    (void)p;
    return share * share;
}

/*: hard_sigmoid */
static real hard_sigmoid(real z, real p)
{
    (void)p;
    if (z <= REAL(-3.0)) {
        return REAL(0.0);
    }
    return (z >= REAL(3.0)) ? REAL(1.0) : (z + REAL(3.0)) * REAL(0.16666666666666666667);
}

/*: hard_sigmoid_slope */
static real hard_sigmoid_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return ((a > REAL(0.0)) && (a < REAL(1.0))) ? REAL(0.16666666666666666667) : REAL(0.0);
}

/*: exponential needs exp_of */
static real exponential(real z, real p)
{
    (void)p;
    return exp_of(z);
}

/*: exponential_slope */
static real exponential_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return a;
}

/*: step */
static real step(real z, real p)
{
    (void)p;
    if (z > REAL(0.0)) {
        return REAL(1.0);
    }
    return (z <= REAL(0.0)) ? REAL(0.0) : z; /* NaN stays NaN */
}

/*: step_slope */
static real step_slope(real z, real a, real p)
{
    (void)z;
    (void)a;
    (void)p;
    return REAL(0.0);
}

/*: identity_slope */
static real identity_slope(real z, real a, real p)
{
    (void)z;
    (void)a;
    (void)p;
    return REAL(1.0);
}

/*: identity_values */
static void identity_values(real *a, size_t n, real p)
{
    (void)a;
    (void)n;
    (void)p;
}

/*: softmax_values needs exp_of */
/* a_j = e^(z_j - max z) / sum_k e^(z_k - max z) */
static void softmax_values(real *a, size_t n, real p)
{
    real most = a[0];
    real total = REAL(0.0);
    (void)p;
    for (size_t j = 1U; j < n; j++) {
        most = (a[j] > most) ? a[j] : most;
    }
    for (size_t j = 0U; j < n; j++) {
        a[j] = exp_of(a[j] - most);
        total += a[j];
    }
    for (size_t j = 0U; j < n; j++) {
        a[j] /= total;
    }
}

/*: temper needs log_of softmax_values */
/* Probabilities by p^(1/T), whose sum is 1 */
static void temper(real *p, size_t n, real temperature)
{
    for (size_t j = 0U; j < n; j++) {
        p[j] = log_of((p[j] < TINY_REAL) ? TINY_REAL : p[j]) / temperature;
    }
    softmax_values(p, n, REAL(0.0));
}

/*: sort */
/* No two quantiles cross. */
static void sort(real *a, size_t n)
{
    for (size_t i = 1U; i < n; i++) {
        const real moved = a[i];
        size_t j = i;
        while ((j > 0U) && (a[j - 1U] > moved)) {
            a[j] = a[j - 1U];
            j--;
        }
        a[j] = moved;
    }
}

/*: values_NAME */
static void CALLED_values(real *a, size_t n, real p)
{
    for (size_t j = 0U; j < n; j++) {
        a[j] = FUNCTION(a[j], p);
    }
}

/*: sums_N */
/* z = W a + b, LANES neurons side by side; each sum begins with b and takes its products in the order of a. The weight
 * from neuron k to neuron j is w[k * n_out + j], and the biases are behind them. */
static void sums_LANES(real *RESTRICT z, const real *RESTRICT a, const real *RESTRICT w, size_t n_in, size_t n_out)
{
    const real *const b = &w[n_in * n_out];
    for (size_t next = 0U; next < n_out; next += LANESU) {
        const size_t j = (n_out - next < LANESU) ? n_out - LANESU : next;
        const real *column = &w[j];
        real s[LANES];
        UNROLLED
        for (size_t i = 0U; i < LANESU; i++) {
            s[i] = b[j + i];
        }
        for (size_t k = 0U; k < n_in; k++) {
            const real from = a[k];
            UNROLLED
            for (size_t i = 0U; i < LANESU; i++) {
                s[i] += column[i] * from;
            }
            column = &column[n_out];
        }
        UNROLLED
        for (size_t i = 0U; i < LANESU; i++) {
            z[j + i] = s[i];
        }
    }
}

/*: feed */
/* From a^1 in `a` to a^L, whose place is returned: `z` and `other`, each as wide as the widest layer, take turns. */
static const real *feed(const struct chain *chain, const real *w, const real *a, real *z, real *other)
{
    for (size_t l = 0U; l < chain->n_layers; l++) {
        const struct layer *const layer = &chain->layers[l];
        real *const written = z;
        layer->sums(z, a, w, layer->n_in, layer->n_out);
        layer->values(z, layer->n_out, layer->p);
        w = &w[(layer->n_in + 1U) * layer->n_out];
        a = written;
        z = other;
        other = written;
    }
    return a;
}
