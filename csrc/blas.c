/* The one seam to BLAS: nothing else in the project knows that there is one.
 *
 * A build has one of three (CMakeLists.txt): CR_BLAS_BUNDLED opens the OpenBLAS inside the package at run time, so that
 * its symbols stay private and its settings can be chosen before it starts; CR_BLAS_SYSTEM links a CBLAS; without
 * either, every gemm is our own of gemm.h, which small shapes get in any build. */
#include "chainrule.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(CR_BLAS_BUNDLED) && defined(__aarch64__) && defined(__linux__)
#define MAY_HAVE_SME
#include <sys/auxv.h>
#endif

#if defined(CR_BLAS_BUNDLED) && !defined(_WIN32) && !defined(__STDC_NO_ATOMICS__)
#define COUNTS_CALLS
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#endif

/* CBLAS's own numbers */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112, UPPER = 121, LEFT = 141 };

typedef void (*sgemm_function)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                               int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*dgemm_function)(int order, int trans_a, int trans_b, int m, int n, int k, double alpha, const double *a,
                               int lda, const double *b, int ldb, double beta, double *c, int ldc);

static sgemm_function sgemm;
static dgemm_function dgemm;
static char name[160] = "plain C";

/* OpenBLAS makes a buffer for each call that goes on beside others, and keeps it for later ones; and something for each
 * thread that calls it. Where there is no memory for either, the process ends. So a call that may need one more buffer
 * looks for the memory first, and where there is none waits until another call leaves it its own; the first is made
 * when the library is opened. What a thread needs is made before it computes (cr_is_ready). */
enum { BUFFER_BYTES = 33 << 20, LIBRARY_BYTES = 27 << 20, THREAD_BYTES = 1 << 18 }; /* rather more than they are */

#if defined(CR_BLAS_BUNDLED)
typedef void (*ssymm_function)(int order, int side, int uplo, int m, int n, float alpha, const float *a, int lda,
                               const float *b, int ldb, float beta, float *c, int ldc);
static ssymm_function ssymm;
#endif

#if defined(COUNTS_CALLS)

enum { TRIES = 4 };
static atomic_int calls;                       /* that go on */
static atomic_int buffers;                     /* that there are for certain */
static atomic_flag growing = ATOMIC_FLAG_INIT; /* a call that may make another goes on */
static int tries;                              /* how many such calls there were since there are so many */

/* Returns whether the call that begins may make a buffer. */
static int begin_call(void) {
    for (;; sched_yield()) {
        int others = atomic_load(&calls);
        while (others < atomic_load(&buffers)) {
            if (atomic_compare_exchange_weak(&calls, &others, others + 1)) return 0;
        }
        if (atomic_flag_test_and_set(&growing)) continue;
        if (others == 0 || cr_has_memory(BUFFER_BYTES)) { /* without others there is nothing to wait for */
            atomic_fetch_add(&calls, 1);
            return 1;
        }
        atomic_flag_clear(&growing);
    }
}

/* A call that grows made no buffer if another ended just as it began, which does not happen time after time; `is_long`:
 * to calls that are not short. */
static void end_call(int grows, int is_long) {
    atomic_fetch_sub(&calls, 1);
    if (!grows) return;
    if (is_long && ++tries % TRIES == 0) atomic_fetch_add(&buffers, 1);
    atomic_flag_clear(&growing);
}

static pthread_key_t ready; /* not NULL: the thread is */

static int make_ready(void) {
    if (pthread_getspecific(ready)) return 1;
    if (!cr_has_memory(THREAD_BYTES)) return 0;
    float one = 1, product = 0; /* the least product that takes all that gemm does */
    const int grows = begin_call();
    ssymm(ROW_MAJOR, LEFT, UPPER, 1, 1, 1, &one, 1, &one, 1, 0, &product, 1);
    end_call(grows, 0);
    pthread_setspecific(ready, &ready);
    return 1;
}

/* The buffers of calls in the parent's other threads are lost to its child. */
static void in_child(void) {
    atomic_fetch_sub(&buffers, atomic_exchange(&calls, 0));
    atomic_flag_clear(&growing);
}

/* Returns whether there is memory to begin with. */
static int begin_counting(void) {
    if (!cr_has_memory(BUFFER_BYTES + THREAD_BYTES)) return 0;
    if (pthread_key_create(&ready, NULL) || pthread_atfork(NULL, NULL, in_child)) return 0;
    make_ready();
    atomic_store(&buffers, 1);
    cr_make_ready = make_ready;
    return 1;
}

#else

static int begin_call(void) { return 0; }
static void end_call(int grows, int is_long) { (void)grows, (void)is_long; }

#endif

#if defined(CR_BLAS_BUNDLED)

#if defined(MAY_HAVE_SME)
/* What OpenBLAS multiplies with ARM's matrix extension (SME) is wrong in 0.3.34: it is to take a processor that has it
 * for one that has not, unless the user names a core. Returns the core to name, or NULL. */
static const char *core_without_sme(void) {
    enum { SVE = 1 << 22, SME = 1 << 23 }; /* as Linux counts */
    char named[64];
    if (!(getauxval(AT_HWCAP2) & SME) || cr_getenv("OPENBLAS_CORETYPE", named, sizeof named)) return NULL;
    return getauxval(AT_HWCAP) & SVE ? "ARMV8SVE" : "ARMV8";
}
#endif

const char *cr_open_blas(const char *path) {
    if (!path) return "it is not in the package";
    if (!cr_has_memory(LIBRARY_BYTES + BUFFER_BYTES)) return "there is not enough memory";
    /* OpenBLAS reads the number of its threads as it is loaded, and starts them. One: the caller decides about threads.
     * The environment is put back as it was. */
    char threads[64];
    const int had_threads = cr_getenv("OPENBLAS_NUM_THREADS", threads, sizeof threads);
    cr_setenv("OPENBLAS_NUM_THREADS", "1");
#if defined(MAY_HAVE_SME)
    const char *core = core_without_sme();
    if (core) cr_setenv("OPENBLAS_CORETYPE", core);
#endif
    void *library = cr_library_open(path);
#if defined(MAY_HAVE_SME)
    if (core) cr_setenv("OPENBLAS_CORETYPE", NULL);
#endif
    cr_setenv("OPENBLAS_NUM_THREADS", had_threads ? threads : NULL);
    if (!library) {
        const char *why = cr_library_error();
        return why ? why : "for a reason the system does not tell";
    }

    sgemm_function s = (sgemm_function)cr_library_symbol(library, "scipy_cblas_sgemm");
    dgemm_function d = (dgemm_function)cr_library_symbol(library, "scipy_cblas_dgemm");
    char *(*config)(void) = (char *(*)(void))cr_library_symbol(library, "scipy_openblas_get_config");
    void (*set_threads)(int) = (void (*)(int))cr_library_symbol(library, "scipy_openblas_set_num_threads");
    ssymm = (ssymm_function)cr_library_symbol(library, "scipy_cblas_ssymm");
    if (!s || !d || !config || !set_threads || !ssymm) return "it lacks a function of OpenBLAS";
    set_threads(1);
    snprintf(name, sizeof name, "%s", config());
#if defined(COUNTS_CALLS)
    const int is_used = cr_f32->small < HUGE_VAL || cr_f64->small < HUGE_VAL;
    if (is_used && !begin_counting()) return "there is not enough memory";
#endif
    sgemm = s;
    dgemm = d;
    return NULL;
}

#elif defined(CR_BLAS_SYSTEM)

void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
void cblas_dgemm(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);

const char *cr_open_blas(const char *path) {
    (void)path;
    sgemm = cblas_sgemm;
    dgemm = cblas_dgemm;
    snprintf(name, sizeof name, "system CBLAS");
    return NULL;
}

#else

const char *cr_open_blas(const char *path) {
    (void)path;
    return NULL;
}

#endif

const char *cr_blas_name(void) { return name; }

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* In cells of 64, 128 or 256 rows or columns: each size costs some 4 % less than the one before, and whatever their
 * size, a product of more than 256 has at least five cells for threads to share. */
static int way_of_cells(size_t n) {
    int way = CR_BLAS;
    while (way < CR_LAST_WAY && 8 * CR_CELL(way) < n) way++;
    return way;
}

/* Sizes are below 2^31, as BLAS counts; only the rows of a Jacobian may be further apart. */
#define DEFINE_GEMM(real, suffix, blas)                                                                                \
    static int by_blas_##suffix(size_t m, size_t n, size_t k) {                                                        \
        return blas && (double)m * (double)n * (double)k > cr_##suffix->small;                                         \
    }                                                                                                                  \
    int cr_gemm_way_##suffix(int trans_a, int trans_b, size_t m, size_t n, size_t k) {                                 \
        if (by_blas_##suffix(m, n, k)) return way_of_cells(trans_a ? m : n);                                           \
        return cr_##suffix->gemm_way(trans_a, trans_b, m, n, k);                                                       \
    }                                                                                                                  \
    void cr_gemm_##suffix(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a,  \
                          size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc, const real *row,      \
                          const cr_rows *next) {                                                                       \
        if (way == CR_OWN_WAY && by_blas_##suffix(m, n, k)) way = way_of_cells(trans_a ? m : n);                       \
        if (way < CR_BLAS || ldc > INT_MAX) {                                                                          \
            (way == CR_BFLOAT16 ? cr_##suffix->gemm_bfloat16 : cr_##suffix->gemm)(                                     \
                way, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, row, next);                       \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t i = 0; row && i < m; i++) memcpy(c + i * ldc, row, n * sizeof *c);                                 \
        if (row) beta = 1;                                                                                             \
        const int by_rows = trans_a;                                                                                   \
        const int grows = begin_call();                                                                                \
        for (size_t i = 0, all = by_rows ? m : n; i < all; i += CR_CELL(way)) {                                        \
            const size_t cell = MIN(all - i, CR_CELL(way));                                                            \
            blas(ROW_MAJOR, trans_a ? TRANSPOSE : NO_TRANSPOSE, trans_b ? TRANSPOSE : NO_TRANSPOSE,                    \
                 (int)(by_rows ? cell : m), (int)(by_rows ? n : cell), (int)k, alpha, by_rows ? a + i : a, (int)lda,   \
                 by_rows   ? b                                                                                         \
                 : trans_b ? b + i * ldb                                                                               \
                           : b + i,                                                                                    \
                 (int)ldb, beta, by_rows ? c + i * ldc : c + i, (int)ldc);                                             \
        }                                                                                                              \
        end_call(grows, 1);                                                                                            \
    }

DEFINE_GEMM(float, f32, sgemm)
DEFINE_GEMM(double, f64, dgemm)
