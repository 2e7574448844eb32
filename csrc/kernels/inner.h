/* c (m, n) <- alpha a bᵀ + beta c, or with one row added to all of alpha a bᵀ: dot products of rows of a and rows of b,
 * several at once, for a with few rows or b with few, whose panels would cost more to transpose, or fill fewer lanes.
 *
 * A register has as many numbers of a row as are in half of it, twice over, and of two rows of b: of the lanes of n
 * outputs one at most stays empty, and what is left of k fills more of them. At the end the sums of several registers
 * are added up together. The order of every sum depends on k alone. */

enum {
    ROWS_OF_B = PAIRS ? 2 : 1, /* in a register */
    ALONG_K = LANES / ROWS_OF_B,
    SUMS_AT_ONCE = LANES / ROWS_OF_B, /* registers whose lanes are added up together: LANES dot products */
    MOST_DOTS = REGISTERS == 32 ? 24 : 12,
    MOST_DOT_ROWS = 8,
    MOST_COLUMNS = 4,                                                   /* of registers, */
    AT_ONCE = REGISTERS == 32 ? MOST_COLUMNS : 3,                       /* what there is room for, */
    COLUMNS = AT_ONCE < LANES / ROWS_OF_B ? AT_ONCE : LANES / ROWS_OF_B /* and a row of c fills a register at most */
};

typedef struct {
    const real *a, *b, *row;
    real *c;
    size_t lda, ldb, ldc, k;
    real alpha, beta;
} dot_products;

/* Numbers of a row of a, and of one row or two of b: n of them. */
INLINE vector left_part(const real *a, size_t n) { return PAIRS ? twice_part(a, n) : load_part(a, n); }
INLINE vector right_part(const real *b, size_t step, size_t n) {
    return PAIRS ? pair_part(b, b + step, n) : load_part(b, n);
}

/* As many rows of c from i on as `rows` says, and columns from j on as `columns` registers hold, or one less if
 * `odd`. */
INLINE void inner_tile(const dot_products *x, size_t i, size_t j, size_t rows, size_t columns, size_t odd) {
    enum { ROOM = (MOST_DOTS + SUMS_AT_ONCE - 1) / SUMS_AT_ONCE * SUMS_AT_ONCE };
    vector sums[ROOM];
    const vector zero = {0};
    UNROLL for (size_t s = 0; s < ROOM; s++) sums[s] = zero;
    const size_t lda = x->lda, ldb = x->ldb, k = x->k;
    const real *a = x->a + i * lda, *b = x->b + j * ldb;
    const size_t last_step = odd ? 0 : ldb;
    size_t p = 0;
    for (; p + ALONG_K <= k; p += ALONG_K) {
        vector right[MOST_COLUMNS];
        UNROLL for (size_t g = 0; g < columns; g++) {
            const real *first = b + ROWS_OF_B * g * ldb + p;
            right[g] = PAIRS ? pair(first, first + (g + 1 < columns ? ldb : last_step)) : load(first);
        }
        UNROLL for (size_t y = 0; y < rows; y++) {
            const vector left = PAIRS ? twice(a + y * lda + p) : load(a + y * lda + p);
            UNROLL for (size_t g = 0; g < columns; g++) sums[y * columns + g] += left * right[g];
        }
    }
    if (p < k) {
        vector right[MOST_COLUMNS];
        UNROLL for (size_t g = 0; g < columns; g++) {
            right[g] = right_part(b + ROWS_OF_B * g * ldb + p, g + 1 < columns ? ldb : last_step, k - p);
        }
        UNROLL for (size_t y = 0; y < rows; y++) {
            const vector left = left_part(a + y * lda + p, k - p);
            UNROLL for (size_t g = 0; g < columns; g++) sums[y * columns + g] += left * right[g];
        }
    }
    real dots[(ROOM + SUMS_AT_ONCE) * ROWS_OF_B]; /* room to load a vector from any row's */
    UNROLL for (size_t s = 0; s < rows * columns; s += SUMS_AT_ONCE) {
        store(dots + s * ROWS_OF_B, PAIRS ? pair_sums(sums + s) : lane_sums(sums + s));
    }
    const size_t width = columns * ROWS_OF_B - odd;
    real *c = x->c + i * x->ldc + j;
    const vector old = !x->row ? zero : width == LANES ? load(x->row + j) : load_part(x->row + j, width);
    UNROLL for (size_t y = 0; y < rows; y++, c += x->ldc) {
        const vector sum = load(dots + y * columns * ROWS_OF_B);
        if (x->row) {
            scale_add_to(c, old, sum, width, x->alpha);
        } else {
            scale_add(c, sum, width, x->alpha, x->beta);
        }
    }
}

/* The rows first ... end - 1 of c in tiles of so many, a whole number of them. */
typedef void (*inner_tiles)(const dot_products *x, size_t first, size_t end, size_t j, size_t odd);
#define DEFINE_INNER(ROWS, COLUMNS)                                                                                    \
    static NOINLINE void inner_##ROWS##_##COLUMNS(const dot_products *x, size_t first, size_t end, size_t j,           \
                                                  size_t odd) {                                                        \
        for (size_t i = first; (ROWS) * (COLUMNS) <= MOST_DOTS && i < end; i += (ROWS)) {                              \
            inner_tile(x, i, j, ROWS, COLUMNS, odd);                                                                   \
        }                                                                                                              \
    }
#define DEFINE_INNER_ROWS(ROWS) DEFINE_INNER(ROWS, 1) DEFINE_INNER(ROWS, 2) DEFINE_INNER(ROWS, 3) DEFINE_INNER(ROWS, 4)
DEFINE_INNER_ROWS(1)
DEFINE_INNER_ROWS(2)
DEFINE_INNER_ROWS(3)
DEFINE_INNER_ROWS(4)
DEFINE_INNER_ROWS(5)
DEFINE_INNER_ROWS(6)
DEFINE_INNER_ROWS(7)
DEFINE_INNER_ROWS(8)
#define INNER_OF(ROWS) {inner_##ROWS##_1, inner_##ROWS##_2, inner_##ROWS##_3, inner_##ROWS##_4}
static const inner_tiles INNER[MOST_DOT_ROWS][MOST_COLUMNS] = {INNER_OF(1), INNER_OF(2), INNER_OF(3), INNER_OF(4),
                                                               INNER_OF(5), INNER_OF(6), INNER_OF(7), INNER_OF(8)};

/* Tiles of nearly the same height and width, as in gemm.h. */
static void inner_gemm(real *c, size_t ldc, const real *row, const real *a, size_t lda, const real *b, size_t ldb,
                       size_t m, size_t n, size_t k, real alpha, real beta) {
    const dot_products x = {
        .a = a, .b = b, .row = row, .c = c, .lda = lda, .ldb = ldb, .ldc = ldc, .k = k, .alpha = alpha, .beta = beta};
    const size_t registers = (n + ROWS_OF_B - 1) / ROWS_OF_B, panels = (registers + COLUMNS - 1) / COLUMNS;
    for (size_t panel = 0, j = 0; panel < panels; panel++) {
        const size_t columns = registers / panels + (panel < registers % panels);
        const size_t most = MOST_DOTS / columns < MOST_DOT_ROWS ? MOST_DOTS / columns : MOST_DOT_ROWS;
        const size_t tiles = (m + most - 1) / most, low = m / tiles, high_ones = m % tiles;
        const size_t odd = j + columns * ROWS_OF_B - n == 1;
        if (high_ones) INNER[low][columns - 1](&x, 0, high_ones * (low + 1), j, odd);
        INNER[low - 1][columns - 1](&x, high_ones * (low + 1), m, j, odd);
        j += columns * ROWS_OF_B;
    }
}
