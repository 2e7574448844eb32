/* e^x and what else is made of numbers alone. These files hold the pieces of C that `to_c` writes from: those a model needs,
 * in this order (pieces.py).
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
