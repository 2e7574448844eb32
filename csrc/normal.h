/* The normal distribution, for gelu: density phi and the two sides of Phi.
 *
 * For x >= 0 the upper tail is Q(x) = phi-like e^(-x^2/2) R(x) with R(x) = e^(x^2/2) erfc(x/sqrt 2)/2, which falls
 * slowly from 1/2: R = t P(t) with t = C/(C + x), and P interpolates it at Chebyshev nodes (relative error below 0.2
 * ulp).
 */

#if CR_DOUBLE
#define TAIL_SCALE 5.0
#define TAIL_END 40.0                          /* Q is 0 from here on */
#define HALF_MANTISSA (~(((bits)1 << 27) - 1)) /* leaves 26 bits: their square is exact */
#else
#define TAIL_SCALE 4.0f
#define TAIL_END 15.0f
#define HALF_MANTISSA (~(((bits)1 << 12) - 1))
#endif
#define INVERSE_SQRT_2PI REAL(0.39894228040143267794)

/* e^(-x^2/2) for 0 <= x <= TAIL_END. x^2 must not be rounded first, since its error would grow with it: x = high + low.
 */
INLINE real gaussian(real x) {
    const real high = real_of(bits_of(x) & HALF_MANTISSA), low = x - high;
    const real rest = REAL(-0.5) * low * (x + high); /* |rest| < x^2/2^11 or so: small wherever the result is not 0 */
    return exp_one(REAL(-0.5) * high * high) *
           (1 + rest * (1 + rest * (REAL(0.5) +
                                    rest * (REAL(0.16666666666666666667) + rest * REAL(0.041666666666666666667)))));
}

INLINE real tail_ratio(real x) {
    const real t = TAIL_SCALE / (TAIL_SCALE + x);
#if CR_DOUBLE
    real r = -0.00012555242969358019886;
    r = r * t + 0.00063452176104748085376;
    r = r * t + 0.0021951209114855856307;
    r = r * t - 0.030110849644835176882;
    r = r * t + 0.13023715754323297663;
    r = r * t - 0.33283946455372645489;
    r = r * t + 0.57858513078659080851;
    r = r * t - 0.7340179912058738787;
    r = r * t + 0.71451887797237296779;
    r = r * t - 0.54896503446550176363;
    r = r * t + 0.33395200395025339021;
    r = r * t - 0.16788579113772586797;
    r = r * t + 0.068610379981595887387;
    r = r * t - 0.015101427581774057681;
    r = r * t + 0.020962270117331794754;
    r = r * t + 0.024381234618967703601;
    r = r * t + 0.03779741912036566583;
    r = r * t + 0.049759397043193535902;
    r = r * t + 0.061025134729428251274;
    r = r * t + 0.07021362139928118386;
    r = r * t + 0.076596929285262416567;
    r = r * t + 0.079788455712973505358;
    r = r * t + 0.07978845608574762485;
#else
    real r = 0.0157418441f;
    r = r * t - 0.05837098f;
    r = r * t + 0.0415892863f;
    r = r * t + 0.0413678096f;
    r = r * t + 0.00240035857f;
    r = r * t + 0.0919320949f;
    r = r * t + 0.0702728822f;
    r = r * t + 0.0958633854f;
    r = r * t + 0.0994535661f;
    r = r * t + 0.0997497554f;
#endif
    return r * t;
}

/* gelu(z) = z Phi(z), where Phi(z) is 1 - Q(z) on the right and Q(-z) on the left. The smallest factor comes last, so
 * that a subnormal one is not multiplied by a large one. */
INLINE real gelu_one(real z) {
    const real near = clipped(z, TAIL_END), x = absolute(near);
    const real tail = gaussian(x) * (tail_ratio(x) * near);
    return z > 0 ? z - tail : tail;
}

/* gelu'(z) = Phi(z) + z phi(z) */
INLINE real gelu_slope(real z) {
    const real near = clipped(z, TAIL_END), x = absolute(near);
    const real g = gaussian(x), q = g * tail_ratio(x);
    return (z > 0 ? 1 - q : q) + g * (near * INVERSE_SQRT_2PI);
}
