/* The normal distribution, for gelu: density phi and the two sides of Phi.
 *
 * For x >= 0 the upper tail is Q(x) = 1 - Phi(x) = e^(-x^2/2) R(x) with R(x) = e^(x^2/2) erfc(x/sqrt 2)/2, which falls
 * slowly from 1/2: R = P(u) C/(C + x) with u = x/(C + x), and P, in powers of u - 7/16, interpolates at Chebyshev nodes
 * of 0 <= x <= TAIL_END (relative error below 1 ulp, rounded coefficients included).
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

/* C P for u = x/(C + x) */
INLINE real tail_polynomial(real u) {
    const real v = u - REAL(0.4375);
#if CR_DOUBLE
    real p = -0.00075804545712216265651;
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
#else
    real p = -0.0642858967f;
    p = p * v + 0.0845439211f;
    p = p * v + 0.167329103f;
    p = p * v - 0.306477368f;
    p = p * v - 0.14064236f;
    p = p * v + 1.02689493f;
    p = p * v - 1.74201345f;
    p = p * v + 1.85151649f;
    p = p * v - 1.42780888f;
    p = p * v + 0.837700486f;
#endif
    return p;
}

/* gelu(z) = z Phi(z), where Phi(z) is 1 - Q(z) on the right and Q(-z) on the left. The smallest factor comes last, so
 * that a subnormal one is not multiplied by a large one. */
INLINE real gelu_one(real z) {
    const real bounded = clipped(z, TAIL_END), x = absolute(bounded), u = bounded / (TAIL_SCALE + x);
    const real tail = gaussian(x) * (tail_polynomial(absolute(u)) * u);
    return z > 0 ? z - tail : tail;
}

/* gelu'(z) = Phi(z) + z phi(z) */
INLINE real gelu_slope(real z) {
    const real bounded = clipped(z, TAIL_END), x = absolute(bounded), share = 1 / (TAIL_SCALE + x);
    const real g = gaussian(x), q = g * (tail_polynomial(x * share) * share);
    return (z > 0 ? 1 - q : q) + g * (bounded * INVERSE_SQRT_2PI);
}
