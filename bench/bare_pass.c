/* One pass over the numbers that a training step has to read and write once: the parameters, and
 * what the optimiser keeps for each of them. Nothing is computed but a change of sign, so that the
 * numbers stay what they are, however many passes are timed.
 *
 * Compiled for the processor at hand, with -DREAL=float or -DREAL=double, when the benchmark runs.
 */
#include <pthread.h>

enum { MOST_THREADS = 256, LINE = 64 / sizeof(REAL) };

typedef struct {
    REAL *x;
    long size;
    int passes;
} part;

/* Not inlined: a compiler that sees the passes as well could take them together. */
__attribute__((noinline)) static void one_pass(REAL *restrict x, long size) {
    for (long i = 0; i < size; i++) x[i] = -x[i];
}

static void *run(void *given) {
    const part *p = given;
    for (int pass = 0; pass < p->passes; pass++) one_pass(p->x, p->size);
    return NULL;
}

/* All of x (size,), `passes` times, each thread its own share of whole cache lines. Nobody waits between two passes:
 * what counts is the rate. Returns how many threads it was. */
int bare_passes(REAL *x, long size, int passes, int threads) {
    part parts[MOST_THREADS];
    pthread_t others[MOST_THREADS];
    int started = 1;

    if (threads > MOST_THREADS) threads = MOST_THREADS;
    for (int t = 0; t < threads; t++) {
        const long lines = (size + LINE - 1) / LINE;
        const long begin = lines * t / threads * LINE, end = lines * (t + 1) / threads * LINE;
        parts[t] = (part){x + begin, (end < size ? end : size) - begin, passes};
    }
    while (started < threads && pthread_create(&others[started], NULL, run, &parts[started]) == 0) started++;
    run(&parts[0]);
    for (int t = 1; t < started; t++) pthread_join(others[t], NULL);
    return started;
}
