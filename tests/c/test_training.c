/* A team trains a network by the kernels, as the core does: tiles of samples go forward and back, then each thread
 * makes its rows of the gradient and updates them. The parameters must be those of one thread, bit by bit, also where
 * two callers train at once. Built with the thread sanitizer by run.sh, kernels included. */
#include "callers.h"
#include "precision.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 37, N_HIDDEN = 50, N_OUT = 10, SAMPLES = 300, BATCH = 100, TILE = 17, ROWS = 7, EPOCHS = 20 };
enum { PARAMETERS = N_HIDDEN * (N_IN + 1) + N_OUT * (N_HIDDEN + 1), MOST_THREADS = 5 };

static real inputs[SAMPLES * N_IN], start[PARAMETERS];
static int32_t labels[SAMPLES];

typedef struct {
    real w[PARAMETERS], nabla[PARAMETERS], mean[PARAMETERS], square[PARAMETERS];
    int32_t order[SAMPLES], *batch; /* batch: within order */
    real x[BATCH * N_IN], y[BATCH * N_OUT];
    real hidden[BATCH * N_HIDDEN], hidden_delta[BATCH * N_HIDDEN];
    real z[BATCH * N_OUT], out[BATCH * N_OUT], out_delta[BATCH * N_OUT];
    double costs[(BATCH + TILE - 1) / TILE];
    cr_update update;
    int threads;
} training;

/* One layer of the parameters: weights (n_out, n_in), then biases (n_out,). */
typedef struct {
    size_t first, n_in, n_out;
} layer;
static const layer LAYERS[] = {{0, N_IN, N_HIDDEN}, {(size_t)N_HIDDEN * (N_IN + 1), N_HIDDEN, N_OUT}};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* z (rows, n_out) <- a W^T + b */
static void weigh(const training *t, const layer *l, const real *a, real *z, size_t rows) {
    const real *w = t->w + l->first;
    const int way = GEMM_WAY(0, 1, BATCH, l->n_out, l->n_in);
    GEMM(way, 0, 1, rows, l->n_out, l->n_in, 1, a, l->n_in, w, l->n_in, 0, z, l->n_out, w + l->n_out * l->n_in, NULL);
}

/* BP1 and BP2 of a tile of samples */
static void one_tile(void *context, size_t i, int thread) {
    training *t = context;
    const size_t first = i * TILE, rows = least(TILE, BATCH - first);
    real *x = t->x + first * N_IN, *y = t->y + first * N_OUT, *hidden = t->hidden + first * N_HIDDEN;
    real *z = t->z + first * N_OUT, *out = t->out + first * N_OUT, *delta = t->out_delta + first * N_OUT;
    real *hidden_delta = t->hidden_delta + first * N_HIDDEN;
    const double none[2] = {0, 0};
    (void)thread;
    KERNELS->gather(x, inputs, t->batch + first, rows, N_IN);
    KERNELS->one_hot(y, labels, t->batch + first, rows, N_OUT, 0);
    weigh(t, &LAYERS[0], x, hidden, rows);
    KERNELS->activate[CR_ACTIVATION_sigmoid](hidden, hidden, rows, N_HIDDEN, 0);
    weigh(t, &LAYERS[1], hidden, z, rows);
    KERNELS->activate[CR_ACTIVATION_softmax](out, z, rows, N_OUT, 0);
    t->costs[i] = KERNELS->cost[CR_COST_log_likelihood](z, out, y, NULL, rows, N_OUT, none);
    KERNELS->cost_delta[CR_COST_log_likelihood](delta, z, out, y, rows, N_OUT, none);
    const int way = GEMM_WAY(0, 0, BATCH, N_HIDDEN, N_OUT);
    GEMM(way, 0, 0, rows, N_HIDDEN, N_OUT, 1, delta, N_OUT, t->w + LAYERS[1].first, N_HIDDEN, 0, hidden_delta, N_HIDDEN,
         NULL, NULL);
    KERNELS->activate_prime[CR_ACTIVATION_sigmoid](hidden_delta, hidden, rows, N_HIDDEN, 0);
}

static void step(const training *t, size_t first, size_t n) {
    training *own = (training *)t;
    KERNELS->update[CR_OPTIMIZER_adam](own->w + first, own->mean + first, own->square + first, t->nabla + first, n,
                                       &t->update);
}

/* BP3 and BP4 of some neurons, and the step of their parameters */
static void some_neurons(training *t, const layer *l, const real *delta, const real *a, size_t i) {
    const size_t first = i * ROWS, rows = least(ROWS, l->n_out - first);
    const size_t weights = l->first + first * l->n_in, biases = l->first + l->n_out * l->n_in + first;
    const int way = GEMM_WAY(1, 0, l->n_out, l->n_in, BATCH);
    GEMM(way, 1, 0, rows, l->n_in, BATCH, (real)1 / BATCH, delta + first, l->n_out, a, l->n_in, 0, t->nabla + weights,
         l->n_in, NULL, NULL);
    KERNELS->sum_rows(t->nabla + biases, delta + first, BATCH, rows, l->n_out, (real)1 / BATCH, 0);
    step(t, weights, rows * l->n_in);
    step(t, biases, rows);
}

static void neurons(void *context, size_t i, int thread) {
    training *t = context;
    const size_t of_hidden = (N_HIDDEN + ROWS - 1) / ROWS;
    (void)thread;
    if (i < of_hidden)
        some_neurons(t, &LAYERS[0], t->hidden_delta, t->x, i);
    else
        some_neurons(t, &LAYERS[1], t->out_delta, t->hidden, i - of_hidden);
}

/* Returns the mean cost of the last epoch. */
static double train(training *t) {
    enum { TILES = (BATCH + TILE - 1) / TILE, PARTS = (N_HIDDEN + ROWS - 1) / ROWS + (N_OUT + ROWS - 1) / ROWS };
    cr_team *team = cr_team_open(t->threads, 0);
    double cost = 0, decay1 = 1, decay2 = 1;
    t->update = (cr_update){.rate = 0.02, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .scale = 1};
    memcpy(t->w, start, sizeof start);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        cost = 0;
        cr_shuffle(t->order, SAMPLES, 1, (uint64_t)epoch);
        for (size_t first = 0; first < SAMPLES; first += BATCH) {
            t->batch = t->order + first;
            t->update.bias1 = 1 - (decay1 *= t->update.beta1);
            t->update.bias2 = 1 - (decay2 *= t->update.beta2);
            cr_team_run(team, one_tile, t, TILES);
            cr_team_run(team, neurons, t, PARTS);
            for (size_t i = 0; i < TILES; i++) cost += t->costs[i] / SAMPLES;
        }
    }
    cr_team_close(team);
    return cost;
}

static training *begin(int threads) {
    training *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->threads = threads;
    return t;
}

static void caller(void *t) { train(t); }

static int failures;
static void expect_same(const training *t, const training *alone, const char *simd, const char *how) {
    if (!memcmp(t->w, alone->w, sizeof t->w)) return;
    fprintf(stderr, "%s %s: %d threads %s come to other parameters than one\n", PRECISION, simd, t->threads, how);
    failures++;
}

static void test_variant(const char *simd) {
    training *alone = begin(1);
    const double cost = train(alone);
    if (!(cost < 1)) { /* 2.3 at the start; not finite fails as well */
        fprintf(stderr, "%s %s: it did not learn, cost %g\n", PRECISION, simd, cost);
        failures++;
    }
    for (int threads = 2; threads <= MOST_THREADS; threads++) {
        training *t = begin(threads);
        train(t);
        expect_same(t, alone, simd, "together");
        free(t);
    }
    training *both[2] = {begin(3), begin(2)};
    call_at_once(caller, (void *[]){both[0], both[1]}, 2);
    for (int i = 0; i < 2; i++) {
        expect_same(both[i], alone, simd, "beside others");
        free(both[i]);
    }
    free(alone);
    printf("training: %s, %s, cost %.3f\n", PRECISION, simd, cost);
}

int main(void) {
    static const char *const variants[] = {"baseline", "avx2", "avx512"};
    uint32_t state = 1;
#define NEXT (state = state * 1664525u + 1013904223u, (double)(state >> 8) / (1 << 24) - 0.5) /* in [-0.5, 0.5) */
    for (size_t i = 0; i < SAMPLES; i++) { /* the class is the largest of the first inputs */
        for (size_t j = 0; j < N_IN; j++) {
            inputs[i * N_IN + j] = (real)(4 * NEXT);
            if (j && j < N_OUT && inputs[i * N_IN + j] > inputs[i * N_IN + (size_t)labels[i]]) labels[i] = (int32_t)j;
        }
    }
    for (size_t i = 0; i < PARAMETERS; i++) start[i] = (real)(0.5 * NEXT);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (cr_select_simd(variants[i])) test_variant(variants[i]);
    return failures > 0;
}
