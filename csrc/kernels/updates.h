/* The optimisers' updates of n parameters w from their gradient, one step each; chainrule.h explains cr_update. s and t
 * are the optimiser's states, shaped like w. The square roots and quotients are correctly rounded, so that a step is
 * the same with any instruction set but for fused multiply-adds. */

#if CR_DOUBLE
#define square_root sqrt
#else
#define square_root sqrtf
#endif

/* g = scale * gradient + l2 w + l1 sign(w): of the cost with its penalties */
#define PENALISED(i) (scale * gradient[i] + l2 * w[i] + (w[i] == 0 ? 0 : with_sign_of(l1, w[i])))
#define PENALTIES const real scale = (real)u->scale, l2 = (real)u->l2, l1 = (real)u->l1

/* w <- w - rate g; with momentum: v <- momentum v - rate g, w <- w + v; Nesterov: w <- w + momentum v - rate g */
static void sgd(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    (void)t;
    PENALTIES;
    const real rate = (real)u->rate, momentum = (real)u->beta1;
    const int nesterov = u->nesterov;
    if (momentum == 0) {
        INDEPENDENT for (size_t i = 0; i < n; i++) w[i] -= rate * PENALISED(i);
        return;
    }
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real step = rate * PENALISED(i), v = momentum * s[i] - step;
        s[i] = v;
        w[i] += nesterov ? momentum * v - step : v;
    }
}

/* s <- s + g^2, w <- w - rate g/(sqrt s + epsilon) */
static void adagrad(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    (void)t;
    PENALTIES;
    const real rate = (real)u->rate, epsilon = (real)u->epsilon;
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real g = PENALISED(i);
        s[i] += g * g;
        w[i] -= rate * g / (square_root(s[i]) + epsilon);
    }
}

/* s <- beta2 s + (1 - beta2) g^2, w <- w - rate g/(sqrt s + epsilon) */
static void rmsprop(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    (void)t;
    PENALTIES;
    const real rate = (real)u->rate, epsilon = (real)u->epsilon;
    const real keep = (real)u->beta2, take = (real)(1 - u->beta2);
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real g = PENALISED(i);
        s[i] = keep * s[i] + take * (g * g);
        w[i] -= rate * g / (square_root(s[i]) + epsilon);
    }
}

/* s <- beta1 s + (1 - beta1) g, t <- beta2 t + (1 - beta2) g^2,
 * w <- (1 - rate decay) w - rate (s/bias1)/(sqrt(t/bias2) + epsilon) */
static void adam(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    PENALTIES;
    const real rate = (real)(u->rate / u->bias1), root = (real)(1 / sqrt(u->bias2)), epsilon = (real)u->epsilon;
    const real keep1 = (real)u->beta1, take1 = (real)(1 - u->beta1);
    const real keep2 = (real)u->beta2, take2 = (real)(1 - u->beta2), stay = (real)(1 - u->rate * u->decay);
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real g = PENALISED(i);
        s[i] = keep1 * s[i] + take1 * g;
        t[i] = keep2 * t[i] + take2 * (g * g);
        w[i] = stay * w[i] - rate * s[i] / (square_root(t[i]) * root + epsilon);
    }
}

/* s as for adam, t <- max(beta2 t, |g| + epsilon), w <- w - rate (s/bias1)/t */
static void adamax(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    PENALTIES;
    const real rate = (real)(u->rate / u->bias1), epsilon = (real)u->epsilon;
    const real keep1 = (real)u->beta1, take1 = (real)(1 - u->beta1), keep2 = (real)u->beta2;
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real g = PENALISED(i), now = absolute(g) + epsilon, before = keep2 * t[i];
        s[i] = keep1 * s[i] + take1 * g;
        t[i] = before > now ? before : now;
        w[i] -= rate * s[i] / t[i];
    }
}

/* s is the gradient before, t the step of each parameter: longer (beta2) while the sign stays, shorter (beta1) where it
 * has changed, and there no step is made; between `least` and `most`. w <- w - t sign(g) */
static void rprop(real *w, real *s, real *t, const real *gradient, size_t n, const cr_update *u) {
    PENALTIES;
    const real shorter = (real)u->beta1, longer = (real)u->beta2, least = (real)u->least, most = (real)u->most;
    INDEPENDENT for (size_t i = 0; i < n; i++) {
        const real given = PENALISED(i), agreement = given * s[i];
        real step = t[i] * (agreement > 0 ? longer : agreement < 0 ? shorter : 1);
        step = step < least ? least : step > most ? most : step;
        const real g = agreement < 0 ? 0 : given;
        t[i] = step;
        s[i] = g;
        w[i] -= sign(g) * step;
    }
}

/* each row of w (rows, width) <- itself, scaled to the length `limit` if it is longer */
static void limit_rows(real *w, size_t rows, size_t width, real limit) {
    for (size_t i = 0; i < rows; i++, w += width) {
        const real length = square_root(dot(w, w, width));
        if (!(length > limit)) continue;
        const real scale = limit / length;
        INDEPENDENT for (size_t j = 0; j < width; j++) w[j] *= scale;
    }
}

/* x between -limit and limit */
static void clip(real *x, size_t n, real limit) {
    INDEPENDENT for (size_t i = 0; i < n; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

/* the sum of squares, of parts that fit the lanes of a real, added as doubles */
static double sum_of_squares(const real *x, size_t n) {
    double lanes[BLOCK] = {0};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += (double)x[i + k] * (double)x[i + k];
    }
    for (int k = 0; i < n; i++, k++) lanes[k] += (double)x[i] * (double)x[i];
    return fold(lanes);
}

/* average <- keep average + (1 - keep) w */
static void move_average(real *average, const real *w, size_t n, double keep) {
    const real stay = (real)keep, take = (real)(1 - keep);
    INDEPENDENT for (size_t i = 0; i < n; i++) average[i] = stay * average[i] + take * w[i];
}
