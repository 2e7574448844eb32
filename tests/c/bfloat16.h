/* Products of factors rounded to bfloat16, against the definition of the rounding, and sums in double. */

/* x to the nearest number of 8 binary digits, of two as near the even one: not by its bits, as the kernels do it */
static double nearest_of_8_digits(double x) {
    if (x == 0 || !isfinite(x)) return x;
    const double unit = ldexp(1, ilogb(x) - 7), nearest = nearbyint(x / unit) * unit;
    return fabs(nearest) < 0x1p128 ? nearest : copysign(INFINITY, x);
}

/* one number of any size and sign, often between two of bfloat16 */
static real any_factor(void) {
    const double size = ldexp(1, (int)(random_word() % 40) - 20);
    const double x = random_word() % 4 == 0 ? (256 + random_word() % 256) / 512.0 : random_word() * 0x1p-32 + 0x1p-20;
    return (real)(random_word() & 1 ? size * x : -size * x);
}

/* A factor times 1 is what it is rounded to; where it is NaN or infinite, too. */
static void test_rounding_to_bfloat16(void) {
    static const double ends[] = {0,
                                  1,
                                  0x1.01p0,
                                  0x1.03p0,
                                  0x1.010002p0,
                                  0x1.00fffep0,
                                  0x1.fep127,
                                  0x1.fefffep127,
                                  0x1.ffp127,
                                  0x1.fffffep127,
                                  0x1p-126,
                                  0x1.01p-126,
                                  INFINITY,
                                  NAN};
    enum { FACTORS = 200 };
    for (int left = 0; left < 2; left++) {
        real *const x = room_for(IN, FACTORS), *const c = room_for(OUT, FACTORS), *const one = room_for(TARGET, 1);
        one[0] = 1;
        for (size_t i = 0; i < FACTORS; i++) x[i] = any_factor();
        for (size_t i = 0; i < COUNT(ends); i++) x[2 * i] = (real)ends[i], x[2 * i + 1] = (real)-ends[i];
        AT("bfloat16", left);
        KERNELS->gemm_bfloat16(CR_BFLOAT16, 0, 0, left ? FACTORS : 1, left ? 1 : FACTORS, 1, 1, left ? x : one, 1,
                               left ? one : x, left ? 1 : FACTORS, 0, c, left ? 1 : FACTORS, NULL, NULL);
        for (size_t i = 0; i < FACTORS; i++) {
            const double got = (double)c[i], expected = nearest_of_8_digits((double)x[i]);
            check(isnan(expected) ? isnan(got) : got == expected, "%a is rounded to %a; expected %a", (double)x[i], got,
                  expected);
        }
    }
}

/* A sum of k products, whatever their order, is within k 2^-23 of its terms' sizes (docs/bfloat16.md). */
static void check_bfloat16_gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, real beta) {
    AT("bfloat16 gemm", trans_a, trans_b, m, n, k);
    const size_t lda = trans_a ? m : k, ldb = trans_b ? k : n;
    real *const a = room_for(IN, m * k), *const b = room_for(TARGET, n * k), *const c = room_for(OUT, m * n);
    real *const row = !trans_a && beta == 1 ? room_for(OTHER, n) : NULL;
    for (size_t i = 0; i < m * k; i++) a[i] = any_factor();
    for (size_t i = 0; i < n * k; i++) b[i] = any_factor();
    for (size_t i = 0; i < m * n; i++) c[i] = want[i] = any_factor();
    for (size_t j = 0; row && j < n; j++) row[j] = any_factor();
    KERNELS->gemm_bfloat16(CR_BFLOAT16, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, n, row, NULL);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = row ? (double)row[j] : (double)beta * want[i * n + j], size = fabs(sum);
            for (size_t p = 0; p < k; p++) {
                const double x = (double)alpha * nearest_of_8_digits((double)a[trans_a ? p * m + i : i * k + p]) *
                                 nearest_of_8_digits((double)b[trans_b ? j * k + p : p * n + j]);
                sum += x;
                size += fabs(x);
            }
            const double error = fabs((double)c[i * n + j] - sum);
            if (!(error <= (double)(k + 2) * EPSILON * size)) {
                check(0, "entry (%zu, %zu) is %.9g; expected %.9g, up to %.3g", i, j, (double)c[i * n + j], sum,
                      (double)(k + 2) * EPSILON * size);
                return;
            }
        }
    }
    check(1, "");
}

/* The last two have more panels than are packed at once. */
static void test_bfloat16(void) {
    static const size_t sizes[][3] = {{1, 1, 1},     {1, 30, 785}, {10, 10, 100},   {16, 48, 32},  {17, 49, 513},
                                      {64, 192, 64}, {65, 193, 7}, {130, 33, 1025}, {33, 250, 65}, {100, 100, 31},
                                      {8, 96, 512},  {9, 1, 3},    {5, 620, 130},   {9, 1200, 3}};
    if (CR_DOUBLE) return;
    test_rounding_to_bfloat16();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (int ways = 0; ways < 4; ways++) {
            check_bfloat16_gemm(ways & 1, ways >> 1, sizes[i][0], sizes[i][1], sizes[i][2], (real)0.75, 0);
            check_bfloat16_gemm(ways & 1, ways >> 1, sizes[i][0], sizes[i][1], sizes[i][2], -1, 1);
        }
    }
}
