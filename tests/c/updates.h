/* The updates of the optimisers against plain loops. Whole numbers and powers of two: all is exact but the square roots
 * and quotients, so states must be equal, and parameters lie within some roundings. */

/* what one step of an optimiser makes of one parameter, its states, and its gradient with penalties */
static void plain_update(int optimizer, double *w, double *s, double *t, double g, const cr_update *u) {
    switch (optimizer) {
    case CR_OPTIMIZER_sgd: {
        const double v = u->beta1 * *s - u->rate * g;
        *w += u->nesterov ? u->beta1 * v - u->rate * g : v;
        *s = u->beta1 == 0 ? *s : v;
        return;
    }
    case CR_OPTIMIZER_adagrad:
        *s += g * g;
        *w -= u->rate * g / (sqrt(*s) + u->epsilon);
        return;
    case CR_OPTIMIZER_rmsprop:
        *s = u->beta2 * *s + (1 - u->beta2) * g * g;
        *w -= u->rate * g / (sqrt(*s) + u->epsilon);
        return;
    case CR_OPTIMIZER_adam:
        *s = u->beta1 * *s + (1 - u->beta1) * g;
        *t = u->beta2 * *t + (1 - u->beta2) * g * g;
        *w = *w * (1 - u->rate * u->decay) - u->rate * (*s / u->bias1) / (sqrt(*t / u->bias2) + u->epsilon);
        return;
    case CR_OPTIMIZER_adamax:
        *s = u->beta1 * *s + (1 - u->beta1) * g;
        *t = fmax(u->beta2 * *t, fabs(g) + u->epsilon);
        *w -= u->rate * (*s / u->bias1) / *t;
        return;
    case CR_OPTIMIZER_rprop: {
        const double factor = g * *s > 0 ? u->beta2 : g * *s < 0 ? u->beta1 : 1;
        *s = g * *s < 0 ? 0 : g;
        *t = fmin(fmax(*t * factor, u->least), u->most);
        *w -= *s > 0 ? *t : *s < 0 ? -*t : 0;
        return;
    }
    }
    check(0, "there is no plain loop for it");
}

static void check_update(int optimizer, size_t n, const cr_update *u) {
    AT(cr_optimizer_names[optimizer], n, 4 * u->beta1, 4 * u->l1, 4 * u->l2, 4 * u->scale, 4 * u->decay, u->nesterov);
    static double ws[MOST], ss[MOST], ts[MOST], sizes[MOST];
    real *w = whole_numbers(OUT, n, 9), *s = whole_numbers(OUT2, n, 9), *t = whole_numbers(OTHER, n, 9);
    const real *g = whole_numbers(IN, n, 9);
    const int plain = optimizer == CR_OPTIMIZER_sgd && u->beta1 == 0, signs = optimizer == CR_OPTIMIZER_rprop;
    for (size_t i = 0; i < n; i++) {
        if (!signs && optimizer != CR_OPTIMIZER_sgd) t[i] = (real)fabs((double)t[i]);
        if (optimizer == CR_OPTIMIZER_adagrad || optimizer == CR_OPTIMIZER_rmsprop) s[i] = (real)fabs((double)s[i]);
        if (signs) t[i] = (real)(1 + fabs((double)t[i]));
        ws[i] = (double)w[i], ss[i] = (double)s[i], ts[i] = (double)t[i];
        const double sign = ws[i] > 0 ? 1 : ws[i] < 0 ? -1 : 0;
        plain_update(optimizer, &ws[i], &ss[i], &ts[i], u->scale * (double)g[i] + u->l2 * ws[i] + u->l1 * sign, u);
        sizes[i] = fabs((double)w[i]) + fabs(ws[i] - (double)w[i]);
    }
    const int takes_t = optimizer >= CR_OPTIMIZER_adam;
    KERNELS->update[optimizer](w, plain ? NULL : s, takes_t ? t : NULL, g, n, u);
    if (optimizer == CR_OPTIMIZER_sgd || signs) memset(sizes, 0, sizeof sizes); /* exact */
    for (size_t i = 0; i < n; i++) {
        if (!within(w[i], (long double)ws[i], 8 * (long double)EPSILON * (long double)sizes[i])) {
            check(0, "entry %zu is %.9g; expected %.9g", i, (double)w[i], ws[i]);
            break;
        }
    }
    memcpy(want, ss, n * sizeof *want);
    if (!plain) expect_equal(s, n);
    memcpy(want, ts, n * sizeof *want);
    if (takes_t) expect_equal(t, n);
    check(1, "");
}

static real *any_numbers(int slot, size_t n, double least) {
    real *x = room_for(slot, n);
    for (size_t i = 0; i < n; i++) x[i] = (real)(least + (1 - least) * uniform());
    return x;
}

/* A number becomes the same to the last bit wherever it stands: an update of all is one of each alone, so that a step
 * has the same bits in however many parts it is made. */
static void check_parts(int optimizer, size_t n, const cr_update *u) {
    AT(cr_optimizer_names[optimizer], n, 4 * u->beta1, 4 * u->l1, 4 * u->l2, 4 * u->scale, 4 * u->decay, u->nesterov);
    real *w = any_numbers(OUT, n, -1), *s = any_numbers(OUT2, n, 0), *t = any_numbers(OTHER, n, 0);
    real *w1 = copy(TARGET, w, n), *s1 = copy(VALUES, s, n), *t1 = copy(STRIPED, t, n);
    const real *g = any_numbers(IN, n, -1);
    KERNELS->update[optimizer](w, s, t, g, n, u);
    for (size_t i = 0; i < n; i++) KERNELS->update[optimizer](w1 + i, s1 + i, t1 + i, g + i, 1, u);
    expect_same("a parameter updated alone", w, w1, n);
    expect_same("the first state of one updated alone", s, s1, n);
    expect_same("the second state of one updated alone", t, t1, n);
}

static void test_updates(void) {
    for (int optimizer = 0; optimizer < CR_OPTIMIZER_COUNT; optimizer++) {
        for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
            for (int way = 0; way < 32; way++) {
                cr_update u = {.rate = 0.5, .beta1 = way & 1 ? 0.25 : 0, .beta2 = 0.75, .epsilon = 0.5, .scale = 1};
                u.bias1 = way & 16 ? 0.25 : 1, u.bias2 = way & 16 ? 0.0625 : 1;
                u.least = 1, u.most = 6;
                if (optimizer == CR_OPTIMIZER_rprop) u.beta1 = 0.5, u.beta2 = 2;
                if (way & 2) u.l1 = 0.5;
                if (way & 4) u.l2 = 0.25, u.scale = 0.5;
                if (way & 8) u.nesterov = 1, u.decay = 0.5;
                check_update(optimizer, n, &u);
                u.rate = 0.3, u.beta1 /= 3, u.beta2 *= 1.1, u.l1 /= 3, u.l2 /= 3, u.scale /= 3, u.decay /= 3;
                check_parts(optimizer, n, &u);
            }
        }
    }
}

static void test_limits(void) {
    for (size_t width = 1; width <= LONGEST; width = next_size(width)) {
        for (size_t rows = 0; rows <= TALLEST; rows = next_rows(rows)) {
            const size_t n = rows * width;
            AT("limit_rows", rows, width);
            real *w = whole_numbers(OUT, n, 3);
            const real limit = (real)sqrt(2.5 * (double)width); /* some rows are longer, some are not */
            for (size_t i = 0; i < rows; i++) {
                double sum = 0;
                for (size_t j = 0; j < width; j++) sum += (double)w[i * width + j] * (double)w[i * width + j];
                const real length = (real)sqrt(sum), scale = length > limit ? limit / length : 1;
                for (size_t j = 0; j < width; j++) want[i * width + j] = (double)(w[i * width + j] * scale);
            }
            KERNELS->limit_rows(w, rows, width, limit);
            expect_equal(w, n);
        }
    }
    for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
        AT("clip", n);
        real *x = whole_numbers(OUT, n, 9);
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            want[i] = fmax(-4, fmin(4, (double)x[i]));
            sum += (double)x[i] * (double)x[i];
        }
        AT("sum_of_squares", n);
        expect_sum(KERNELS->sum_of_squares(x, n), sum, 0);
        AT("count_below", n);
        size_t below = 0;
        for (size_t i = 0; i < n; i++) below += fabs((double)x[i]) < 3;
        check(KERNELS->count_below(x, n, 3) == below, "not %zu are below 3", below);
        AT("clip", n);
        KERNELS->clip(x, n, 4);
        expect_equal(x, n);
        if (n == 0) continue;
        x[n - 1] = (real)NAN; /* stays, so that the end of the epoch sees it */
        KERNELS->clip(x, n, 4);
        check(isnan(x[n - 1]), "NaN has become %g", (double)x[n - 1]);
        AT("sum_of_squares", n);
        check(isnan(KERNELS->sum_of_squares(x, n)), "NaN is not in the sum");
        AT("count_below", n);
        check(KERNELS->count_below(x, n, (real)INFINITY) == n - 1, "NaN is below infinity");
    }
}

static void test_move_average(void) {
    for (size_t n = 0; n <= LONGEST; n = next_size(n)) {
        AT("move_average", n);
        real *average = whole_numbers(OUT, n, 9);
        const real *w = whole_numbers(IN, n, 9);
        for (size_t i = 0; i < n; i++) want[i] = 0.75 * (double)average[i] + 0.25 * (double)w[i];
        KERNELS->move_average(average, w, n, 0.75);
        expect_equal(average, n);
        real *together = any_numbers(OUT, n, -1), *alone = copy(OUT2, together, n);
        const real *now = any_numbers(IN, n, -1);
        KERNELS->move_average(together, now, n, 0.7);
        for (size_t i = 0; i < n; i++) KERNELS->move_average(alone + i, now + i, 1, 0.7);
        expect_same("a number averaged alone", together, alone, n);
    }
}
