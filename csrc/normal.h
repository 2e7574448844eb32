/* The normal distribution, for gelu: density phi and the two sides of Phi.
 *
 * For x >= 0 the upper tail is Q(x) = 1 - Phi(x) = e^(-x^2/2) R(x) with R(x) = e^(x^2/2) erfc(x/sqrt 2)/2, which falls
 * slowly from 1/2: R = t P(v) with t = C/(C + x) and v = x/(C + x) - 7/16, and P interpolates R/t at Chebyshev nodes of
 * 0 <= x <= TAIL_END (relative error below 0.9 ulp, rounded coefficients included).
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
    const real inverse = 1 / (TAIL_SCALE + x), v = x * inverse - REAL(0.4375);
#if CR_DOUBLE
    real r = -0.00015160909142443253672;
    r = r * v + 0.00091692480800044634092;
    r = r * v + 0.00054127565925865528656;
    r = r * v - 0.0023306285320376664803;
    r = r * v - 0.0013672934205253221406;
    r = r * v + 0.0039678266843751475168;
    r = r * v + 0.0027707859154944267967;
    r = r * v - 0.0066847017633877734918;
    r = r * v - 0.0046765059027331140271;
    r = r * v + 0.012847803417071293822;
    r = r * v + 0.00553284902714988331;
    r = r * v - 0.027906498015291950066;
    r = r * v + 0.0047910260575575137551;
    r = r * v + 0.058372248624810552098;
    r = r * v - 0.07345988421208485275;
    r = r * v - 0.048114366219062759678;
    r = r * v + 0.2940610382811221224;
    r = r * v - 0.54779359099310964698;
    r = r * v + 0.68250308647920254757;
    r = r * v - 0.65228715438257289794;
    r = r * v + 0.50382332793677020444;
    r = r * v - 0.32211330113315911339;
    r = r * v + 0.17215197210376753656;
#else
    real r = -0.0160714742f;
    r = r * v + 0.0211359803f;
    r = r * v + 0.0418322757f;
    r = r * v - 0.076619342f;
    r = r * v - 0.03516059f;
    r = r * v + 0.256723732f;
    r = r * v - 0.435503364f;
    r = r * v + 0.462879121f;
    r = r * v - 0.35695222f;
    r = r * v + 0.209425122f;
#endif
    return r * (TAIL_SCALE * inverse);
}

/* gelu(z) = z Phi(z), where Phi(z) is 1 - Q(z) on the right and Q(-z) on the left. The smallest factor comes last, so
 * that a subnormal one is not multiplied by a large one. */
INLINE real gelu_one(real z) {
    const real bounded = clipped(z, TAIL_END), x = absolute(bounded);
    const real tail = gaussian(x) * (tail_ratio(x) * bounded);
    return z > 0 ? z - tail : tail;
}

/* gelu'(z) = Phi(z) + z phi(z) */
INLINE real gelu_slope(real z) {
    const real bounded = clipped(z, TAIL_END), x = absolute(bounded);
    const real g = gaussian(x), q = g * tail_ratio(x);
    return (z > 0 ? 1 - q : q) + g * (bounded * INVERSE_SQRT_2PI);
}
