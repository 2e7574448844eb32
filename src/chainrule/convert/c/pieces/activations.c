/* a = sigma(z), one number at a time; p is its parameter, where it has one (numbers.c says what these files are) */

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

/*: tanh needs absolute expm1_of */
static real tanh_of(real z, real p)
{
    const real m = expm1_of(REAL(-2.0) * absolute(z));
    const real t = m / (REAL(2.0) + m);
    (void)p;
    return (z < REAL(0.0)) ? t : -t;
}

/*: relu */
static real relu(real z, real p)
{
    (void)p;
    return (z < REAL(0.0)) ? REAL(0.0) : z;
}

/*: leaky_relu */
static real leaky_relu(real z, real p)
{
    return (z < REAL(0.0)) ? p * z : z;
}

/*: elu needs expm1_of */
static real elu(real z, real p)
{
    return (z < REAL(0.0)) ? p * expm1_of(z) : z;
}

/*: selu needs expm1_of */
static real selu(real z, real p)
{
    (void)p;
    return REAL(1.05070098735548049342) * ((z < REAL(0.0)) ? REAL(1.67326324235437728482) * expm1_of(z) : z);
}

/*: softplus needs absolute exp_of log1p_of */
static real softplus(real z, real p)
{
    (void)p;
    return ((z > REAL(0.0)) ? z : REAL(0.0)) + log1p_of(exp_of(-absolute(z)));
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

/*: swish needs sigmoid_of */
static real swish(real z, real p)
{
    return ((z < -HUGE_REAL) ? -HUGE_REAL : z) * sigmoid_of(p * z);
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

/*: softsign needs absolute clipped */
static real softsign(real z, real p)
{
    const real kept = clipped(z, -HUGE_REAL, HUGE_REAL);
    (void)p;
    return kept / (REAL(1.0) + absolute(kept));
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

/*: exponential needs exp_of */
static real exponential(real z, real p)
{
    (void)p;
    return exp_of(z);
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
