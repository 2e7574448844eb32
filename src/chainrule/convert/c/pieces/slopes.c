/* sigma'(z), from z or a (numbers.c says what these files are) */

/*: sigmoid_slope */
static real sigmoid_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return a * (REAL(1.0) - a);
}

/*: tanh_slope */
static real tanh_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return (REAL(1.0) - a) * (REAL(1.0) + a);
}

/*: relu_slope */
static real relu_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return (z > REAL(0.0)) ? REAL(1.0) : REAL(0.0);
}

/*: leaky_relu_slope */
static real leaky_relu_slope(real z, real a, real p)
{
    (void)a;
    return (z > REAL(0.0)) ? REAL(1.0) : p;
}

/*: elu_slope needs exp_of */
static real elu_slope(real z, real a, real p)
{
    (void)a;
    return (z > REAL(0.0)) ? REAL(1.0) : p * exp_of(z);
}

/*: selu_slope needs exp_of */
static real selu_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return REAL(1.05070098735548049342) * ((z > REAL(0.0)) ? REAL(1.0) : REAL(1.67326324235437728482) * exp_of(z));
}

/*: softplus_slope needs sigmoid_of */
static real softplus_slope(real z, real a, real p)
{
    (void)a;
    (void)p;
    return sigmoid_of(z);
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

/*: swish_slope needs clipped sigmoid_of */
static real swish_slope(real z, real a, real p)
{
    const real t = clipped(p * z, -FAR_REAL, FAR_REAL);
    (void)a;
    return sigmoid_of(t) * (REAL(1.0) + t * sigmoid_of(-t));
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

/*: softsign_slope needs absolute */
static real softsign_slope(real z, real a, real p)
{
    const real share = REAL(1.0) / (REAL(1.0) + absolute(z));
    (void)a;
    (void)p;
    return share * share;
}

/*: hard_sigmoid_slope */
static real hard_sigmoid_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return ((a > REAL(0.0)) && (a < REAL(1.0))) ? REAL(0.16666666666666666667) : REAL(0.0);
}

/*: exponential_slope */
static real exponential_slope(real z, real a, real p)
{
    (void)z;
    (void)p;
    return a;
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

/*: times_slope */
/* delta <- delta sigma'(z), neuron by neuron; of softmax, which couples them, a_j (delta_j - sum_k delta_k a_k) */
static void times_slope(const struct layer *layer, const real *z, const real *a, real *delta)
{
    real mean = REAL(0.0);
    if (layer->slope != NULL) {
        for (size_t j = 0U; j < layer->n_out; j++) {
            delta[j] *= layer->slope(z[j], a[j], layer->p);
        }
        return;
    }
    for (size_t j = 0U; j < layer->n_out; j++) {
        mean += delta[j] * a[j];
    }
    for (size_t j = 0U; j < layer->n_out; j++) {
        delta[j] = a[j] * (delta[j] - mean);
    }
}
