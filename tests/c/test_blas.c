/* The BLAS of a wheel: it opens, and multiplies as plain loops do.
 *
 *     test_blas LIBRARY
 *
 * Built with CR_BLAS_BUNDLED for the platform of the wheel, and run where that can be, without a Python (.ci/release).
 */
#include "chainrule.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 1;

static double number(void) { /* from -1 to 1, and a float */
    state = state * 1664525u + 1013904223u;
    return (int32_t)(state & 0xffffff00u) / 2147483648.0;
}

/* Multiplies random matrices; returns the largest error, in units of the bound k ε |A| |B|. */
#define DEFINE_ERROR(real, suffix, epsilon)                                                                            \
    static double error_##suffix(int trans_a, int trans_b, size_t m, size_t n, size_t k) {                             \
        real *a = malloc(m * k * sizeof *a), *b = malloc(k * n * sizeof *b), *c = malloc(m * n * sizeof *c);           \
        double worst = a && b && c ? 0 : HUGE_VAL;                                                                     \
        for (size_t i = 0; worst == 0 && i < m * k; i++) a[i] = (real)number();                                        \
        for (size_t i = 0; worst == 0 && i < k * n; i++) b[i] = (real)number();                                        \
        if (worst == 0) {                                                                                              \
            cr_gemm_##suffix(CR_BLAS, trans_a, trans_b, m, n, k, 1, a, trans_a ? m : k, b, trans_b ? k : n, 0, c, n,   \
                             NULL, NULL);                                                                              \
        }                                                                                                              \
        for (size_t i = 0; worst < HUGE_VAL && i < m; i++) {                                                           \
            for (size_t j = 0; j < n; j++) {                                                                           \
                double sum = 0, size = 0;                                                                              \
                for (size_t l = 0; l < k; l++) {                                                                       \
                    const double part = (double)(trans_a ? a[l * m + i] : a[i * k + l]) *                              \
                                        (double)(trans_b ? b[j * k + l] : b[l * n + j]);                               \
                    sum += part;                                                                                       \
                    size += fabs(part);                                                                                \
                }                                                                                                      \
                const double error = fabs((double)c[i * n + j] - sum) / ((double)k * epsilon * size);                  \
                if (!(error <= worst)) worst = error; /* a NaN as well */                                              \
            }                                                                                                          \
        }                                                                                                              \
        free(a);                                                                                                       \
        free(b);                                                                                                       \
        free(c);                                                                                                       \
        return worst;                                                                                                  \
    }

DEFINE_ERROR(float, f32, FLT_EPSILON)
DEFINE_ERROR(double, f64, DBL_EPSILON)

int main(int count, char **words) {
    static const size_t shapes[][3] = {{64, 64, 64}, {300, 70, 129}, {33, 520, 65}};
    if (count != 2) return fprintf(stderr, "usage: test_blas LIBRARY\n"), 2;
    cr_select_simd(NULL);
    const char *why = cr_open_blas(words[1]);
    if (why) return fprintf(stderr, "FAILED: %s does not open: %s\n", words[1], why), 1;
    if (!strcmp(cr_blas_name(), "plain C")) return fprintf(stderr, "FAILED: no BLAS in this build\n"), 1;
    int failed = 0, passed = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const size_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        for (int way = 0; way < 4; way++) {
            const double errors[2] = {error_f32(way & 1, way >> 1, m, n, k), error_f64(way & 1, way >> 1, m, n, k)};
            for (int wide = 0; wide < 2; wide++) {
                if (errors[wide] <= 1) {
                    passed++;
                    continue;
                }
                failed++;
                printf("FAILED: float%d, (%zu, %zu, %zu), transposed %d %d: %g times what rounding explains\n",
                       wide ? 64 : 32, m, n, k, way & 1, way >> 1, errors[wide]);
            }
        }
    }
    printf("%s: ", cr_blas_name());
    if (failed) printf("%d failed, ", failed);
    printf("%d passed\n", passed);
    return failed != 0;
}
