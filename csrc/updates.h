/* The optimisers' updates of n parameters w from their gradient. */

static void sgd(real *w, real *velocity, const real *gradient, size_t n, real rate, real momentum, real l2,
                int nesterov) {
    if (momentum == 0) {
        INDEPENDENT for (size_t i = 0; i < n; i++) w[i] = w[i] - rate * (gradient[i] + l2 * w[i]);
        return;
    }
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        real step = rate * (gradient[i] + l2 * w[i]);
        real v = momentum * velocity[i] - step;
        velocity[i] = v;
        w[i] += nesterov ? momentum * v - step : v;
    }
}
