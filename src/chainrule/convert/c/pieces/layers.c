/* Layers, and what is done to all outputs together (numbers.c says what these files are) */

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
