/* Backpropagation (numbers.c says what these files are) */

/*: forward */
/* All z^l and a^l from layer 2 on, one behind the other */
static void forward(const struct chain *chain, const real *w, const real *a, real *zs, real *as)
{
    for (size_t l = 0U; l < chain->n_layers; l++) {
        const struct layer *const layer = &chain->layers[l];
        layer->sums(zs, a, w, layer->n_in, layer->n_out);
        (void)memcpy(as, zs, layer->n_out * sizeof *as);
        layer->values(as, layer->n_out, layer->p);
        w = &w[(layer->n_in + 1U) * layer->n_out];
        a = as;
        zs = &zs[layer->n_out];
        as = &as[layer->n_out];
    }
}

/*: back */
/* BP2 without its sigma': below_k = sum_j w_jk delta_j */
static void back(real *RESTRICT below, const real *RESTRICT w, const real *RESTRICT delta, size_t n_in, size_t n_out)
{
    for (size_t k = 0U; k < n_in; k++) {
        real sum = REAL(0.0);
        for (size_t j = 0U; j < n_out; j++) {
            sum += w[k * n_out + j] * delta[j];
        }
        below[k] = sum;
    }
}

/*: descend */
/* BP3 and BP4: b_j <- b_j - rate delta_j, w_jk <- w_jk - rate delta_j a_k */
static void descend(real *RESTRICT w, const real *RESTRICT a, const real *RESTRICT delta, size_t n_in, size_t n_out, real rate)
{
    for (size_t k = 0U; k < n_in; k++) {
        const real from = rate * a[k];
        for (size_t j = 0U; j < n_out; j++) {
            w[k * n_out + j] -= from * delta[j];
        }
    }
    BIASES
}
