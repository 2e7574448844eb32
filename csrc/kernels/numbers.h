/* Functions of one number, free of branches so that the compiler turns a loop over them into vector instructions.
 *
 * e^x: x = n ln 2 + r with |r| <= ln(2)/2, e^x = 2^n e^r, e^r = 1 + r + r^2 q(r); q interpolates (e^r - 1 - r)/r^2 at
 * Chebyshev nodes (relative error of e^r below 0.1 ulp). log(1 + u) for 0 <= u <= 1: with s = u/(2 + u) it is
 * 2 atanh(s) = 2s + 2s^3 p(s^2), p interpolated alike on [0, 1/9]. */

#if CR_DOUBLE
#define REAL(x) x
#define absolute fabs
#define with_sign_of copysign
#define LARGEST DBL_MAX
#define ROUNDER 0x1.8p52 /* x + ROUNDER - ROUNDER is x rounded to the nearest integer */
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#define LN2_HIGH 6.93145751953125e-1 /* 16 bits: n LN2_HIGH is exact */
#define LN2_LOW 1.42860682030941723212e-6
#define EXP_LOWEST -746.0 /* e^x is 0 below and infinite above */
#define EXP_HIGHEST 710.0
#define EXPM1_LOWEST -60.0
#define UP 128 /* 1/DOWN is 2^UP */
#define DOWN 0x1p-128
#else
#define REAL(x) x##f
#define absolute fabsf
#define with_sign_of copysignf
#define LARGEST FLT_MAX
#define ROUNDER 0x1.8p23f
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440054690582767e-4f
#define EXP_LOWEST -104.0f
#define EXP_HIGHEST 89.0f
#define EXPM1_LOWEST -30.0f
#define UP 64
#define DOWN 0x1p-64f
#endif

INLINE bits bits_of(real x) {
    bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

INLINE real real_of(bits b) {
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

INLINE real clipped(real x, real limit) { return x > limit ? limit : x < -limit ? -limit : x; } /* NaN stays NaN */

/* 2^n in two factors, because n may lie beyond the exponents of normal numbers: *first is 2^floor(n/2). */
INLINE real power_of_two(real n, real *first) {
    real half = (n * REAL(0.5) - REAL(0.25)) + ROUNDER; /* floor(n/2) for integers n, in the low bits */
    bits low = bits_of(half) - bits_of(ROUNDER);
    bits high = (bits_of(n + ROUNDER) - bits_of(ROUNDER)) - low;
    *first = real_of((low + EXPONENT_BIAS) << MANTISSA_BITS);
    return real_of((high + EXPONENT_BIAS) << MANTISSA_BITS);
}

/* e^r - 1 for r = x - n ln 2; EXP_LOWEST <= x <= EXP_HIGHEST. */
INLINE real exp_reduced(real x, real *n) {
    *n = (x * REAL(1.44269504088896340736) + ROUNDER) - ROUNDER;
    real r = (x - *n * LN2_HIGH) - *n * LN2_LOW;
#if CR_DOUBLE
    real q = 2.5100569275813682631e-8;
    q = q * r + 2.762032742826823816e-7;
    q = q * r + 2.7557268072890098263e-6;
    q = q * r + 2.4801520792572692843e-5;
    q = q * r + 1.9841269863303223296e-4;
    q = q * r + 1.3888888917538295848e-3;
    q = q * r + 8.3333333333300117609e-3;
    q = q * r + 4.1666666666623476764e-2;
    q = q * r + 1.6666666666666667468e-1;
    q = q * r + 0.5;
#else
    real q = 1.39263256181334621e-3f;
    q = q * r + 8.3632927530306023112e-3f;
    q = q * r + 4.1666553762567638397e-2f;
    q = q * r + 1.6666576305560638271e-1f;
    q = q * r + 0.5f;
#endif
    return r + (r * r) * q;
}

INLINE real exp_one(real x) {
    real n, first;
    real clamped = x < EXP_LOWEST ? EXP_LOWEST : x;
    clamped = clamped > EXP_HIGHEST ? EXP_HIGHEST : clamped;
    real second;
    real p = exp_reduced(clamped, &n);
    second = power_of_two(n, &first);
    return ((1 + p) * second) * first;
}

/* e^x for x <= 0, of which one power of 2 suffices: n + UP is an exponent of normal numbers */
INLINE real exp_negative(real x) {
    real n;
    real p = exp_reduced(x < EXP_LOWEST ? EXP_LOWEST : x, &n);
    real scale = real_of((bits_of(n + ROUNDER) - bits_of(ROUNDER) + EXPONENT_BIAS + UP) << MANTISSA_BITS);
    return ((1 + p) * scale) * DOWN;
}

/* e^x - 1 for x <= 0, without the cancellation near 0; it is -1 to the last bit long before 2^n leaves the normal
 * numbers */
INLINE real expm1_negative(real x) {
    real n;
    real p = exp_reduced(x < EXPM1_LOWEST ? EXPM1_LOWEST : x, &n);
    real scale = real_of((bits_of(n + ROUNDER) - bits_of(ROUNDER) + EXPONENT_BIAS) << MANTISSA_BITS);
    return scale * p + (scale - 1);
}

INLINE real log1p_unit(real u) {
    real s = u / (2 + u);
    real w = s * s;
#if CR_DOUBLE
    real p = 0.08086486882582435819;
    p = p * w + 0.043982635133370287926;
    p = p * w + 0.060009487603518856891;
    p = p * w + 0.066570287400614316425;
    p = p * w + 0.076927876777579189876;
    p = p * w + 0.090908946237957681686;
    p = p * w + 0.11111111360589110707;
    p = p * w + 0.14285714283535833874;
    p = p * w + 0.20000000000007361312;
    p = p * w + 0.33333333333333329238;
#else
    real p = 0.11615127803448179542f;
    p = p * w + 0.10852713536419283124f;
    p = p * w + 0.14296213037334131581f;
    p = p * w + 0.19999852539504327204f;
    p = p * w + 0.33333333661987504681f;
#endif
    return 2 * s + 2 * (s * w) * p;
}

/* sigma(z) = 1/(1 + e^-z), and e^z/(1 + e^z) on the negative side, so that neither overflows nor cancels */
INLINE real sigmoid_one(real z) {
    real e = exp_negative(-absolute(z));
    return (z < 0 ? e : 1) / (1 + e);
}

INLINE real tanh_one(real z) {
    real m = expm1_negative(-2 * absolute(z));
    return with_sign_of(m / (2 + m), z);
}

/* z sigmoid(p z) for p > 0; -infinity, too, goes to 0 */
INLINE real swish_one(real z, real p) { return (z < -LARGEST ? -LARGEST : z) * sigmoid_one(p * z); }

/* with s = sigmoid(t), t = p z: s (1 + t (1 - s)), where 1 - s is sigmoid(-t) */
INLINE real swish_slope(real z, real p) {
    const real t = clipped(p * z, -EXP_LOWEST);
    const real e = exp_negative(-absolute(t)), share = 1 / (1 + e);
    const real s = (t < 0 ? e : 1) * share, rest = (t < 0 ? 1 : e) * share;
    return s * (1 + t * rest);
}

/* tanh(ln(1 + e^z)) = ((1 + e^z)^2 - 1)/((1 + e^z)^2 + 1) is n/d: with e = e^-|z| n = e (e + 2) and d = n + 2 on the
 * negative side, n = 1 + 2e and d = n + 2e^2 on the other: no power overflows, and no sum cancels. Returns n. */
INLINE real mish_ratio(real z, real e, real *d) {
    const real n = z < 0 ? e * (e + 2) : 1 + 2 * e;
    *d = n + (z < 0 ? 2 : 2 * e * e);
    return n;
}

/* z tanh(ln(1 + e^z)); -infinity, too, goes to 0 */
INLINE real mish_one(real z) {
    real d;
    const real n = mish_ratio(z, exp_negative(-absolute(z)), &d);
    return (z < -LARGEST ? -LARGEST : z) * (n / d);
}

/* tanh(ln(1 + e^z)) + z d/dz of it, which is 4e (1 + e)/d^2 on the negative side, 4e^2 (1 + e)/d^2 on the other. The
 * factor that may be subnormal comes last. */
INLINE real mish_slope(real z) {
    const real t = clipped(z, -EXP_LOWEST), e = exp_negative(-absolute(t));
    real d;
    const real n = mish_ratio(t, e, &d), share = 1 / d;
    return (n + 4 * t * (1 + e) * share * (t < 0 ? e : e * e)) * share;
}
