/* One pass over the numbers that a training step has to read and write once: the parameters, and
 * what the optimiser keeps for each of them. Nothing is computed but a change of sign, so that the
 * numbers stay as large as they are, however many passes are timed.
 *
 * Compiled for the processor at hand, with -DREAL=float or -DREAL=double, when the benchmark runs.
 */

/* Not inlined: a compiler that sees the passes as well could take them together. */
__attribute__((noinline)) static void one_pass(REAL *x, long size) {
    for (long i = 0; i < size; i++) x[i] = -x[i];
}

void bare_passes(REAL *x, long size, int passes) {
    for (int pass = 0; pass < passes; pass++) one_pass(x, size);
}
