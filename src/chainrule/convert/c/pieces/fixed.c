/* Whole numbers (numbers.c says what these files are) */

/*: fixed_layer */
/* z_j = factors_j sum_k q_k w_jk + biases_j, a = sigma(z), where q_k are the inputs in whole steps, `steps` to a unit */
struct layer {
    size_t n_in;
    size_t n_out;
    const WHOLE *weights;
    const real *factors;
    const real *biases;
    void (*values)(real *a, size_t n, real p);
    real p;
    real steps;
};

/* The nearest whole number; what lies beyond the data that it was made with is cut off. */
static WHOLE in_steps(real a, real steps)
{
    real t = a * steps;
    if (!(t > -LARGEST)) {
        t = -LARGEST;
    }
    t = (t > LARGEST) ? LARGEST : t;
    return (WHOLE)((t < REAL(0.0)) ? t - REAL(0.5) : t + REAL(0.5));
}

/* No sum can overflow: PROOF. */
static void weighted_sums(const struct layer *layer, const WHOLE *RESTRICT q, real *RESTRICT z)
{
    for (size_t j = 0U; j < layer->n_out; j++) {
        const WHOLE *const row = &layer->weights[j * layer->n_in];
        SUM sum = 0;
        for (size_t k = 0U; k < layer->n_in; k++) {
            sum += (SUM)row[k] * (SUM)q[k];
        }
        z[j] = (real)sum * layer->factors[j] + layer->biases[j];
    }
}

/*: fixed_answer */
/* What the network says of its inputs */
static void answer(const real *x, real *out)
{
    WHOLE q[READ];
    real a[WIDEST];
    for (size_t k = 0U; k < N_INU; k++) {
        a[k] = FIRST;
    }
    for (size_t l = 0U; l < N_LAYERSU; l++) {
        const struct layer *const layer = &layers[l];
        for (size_t k = 0U; k < layer->n_in; k++) {
            q[k] = in_steps(a[k], layer->steps);
        }
        weighted_sums(layer, q, a);
        layer->values(a, layer->n_out, layer->p);
    }
    for (size_t j = 0U; j < N_OUTU; j++) {
        out[j] = SAID;
    }
}
