/* The same of a and b rounded to bfloat16: float's exponent and 7 bits after the point, to nearest even, NaN to NaN.
 * Products of two such numbers are exact in float, and their sums are made in float.
 *
 * Some panels of op(b) are rounded and packed at once, so that each strip of rows of a, rounded too, meets all of them.
 * Both lie there in words of a real's size, what is filled up being 0:
 *   with AVX512_BF16 a word is two numbers one below the other, of which one instruction adds both products; it takes
 *   subnormal numbers for 0, and gives 0 in their place
 *   else it is a rounded number, and the outer kernel multiplies
 * The order of every sum depends on k alone, as in gemm.h. */

#if defined(__AVX512BF16__)
enum { NUMBERS = 2 }; /* in a word */
#else
enum { NUMBERS = 1 };
#endif
enum {
    PANEL_WORDS = PANEL_ROWS / NUMBERS,
    PANEL_BYTES = PANEL_WORDS * PANEL_COLUMNS * sizeof(real),
    PANELS = 18 * 32768 / PANEL_BYTES, /* at once: with a strip they stay in a near cache */
    GROUP_ROWS = MOST_ROWS * NUMBERS,
    GROUP_WORDS = GROUP_ROWS * PANEL_WORDS,
    STRIP_ROWS = 4 * GROUP_ROWS
};

/* A strip has up to four groups of rows of a, each (GROUP_ROWS, PANEL_WORDS), or (PANEL_WORDS, GROUP_ROWS) where what
 * lies together in a is its columns. */
typedef struct {
    size_t rows;
    int by_rows;
    const real *x;
} group_of_a;

#if defined(__AVX512BF16__)

INLINE vector paired(vector first, vector second) {
    return (vector)(__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

/* word i <- numbers i of both */
INLINE vector zip_rounded(vector above, vector below) {
    static const int16_t places[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (vector)_mm512_permutexvar_epi16(_mm512_loadu_si512(places), (__m512i)paired(above, below));
}

/* the first n numbers from x on, 0 after them */
INLINE vector load_up_to(const real *x, size_t n) { return n >= LANES ? load(x) : load_part(x, n); }

/* words <- so many numbers in a row, 2 LANES at most, 0 after them */
INLINE vector round_row(const real *x, size_t n) {
    const vector zero = {0};
    return paired(load_up_to(x, n), n > LANES ? load_up_to(x + LANES, n - LANES) : zero);
}

/* Words of x (depth, ldx) -> out: those of LANES columns at a time, `stride` from one word to the one below it, and
 * `apart` from one such block to the next; what is beyond `columns` is 0. */
INLINE void round_columns(real *out, size_t stride, size_t apart, const real *x, size_t ldx, size_t depth,
                          size_t columns) {
    const vector zero = {0};
    for (size_t p = 0; p < depth; p += 2, out += stride, x += 2 * ldx) {
        for (size_t j = 0; j < columns; j += LANES) {
            const vector below = p + 1 < depth ? load_up_to(x + ldx + j, columns - j) : zero;
            store(out + j / LANES * apart, zip_rounded(load_up_to(x + j, columns - j), below));
        }
    }
}

static void round_panel(real *panel, const real *b, size_t ldb, int trans_b, size_t depth, size_t columns) {
    if (!trans_b) {
        round_columns(panel, PANEL_COLUMNS, LANES, b, ldb, depth, columns);
        return;
    }
    const vector zero = {0};
    for (size_t j = 0; j < columns; j += LANES) {
        for (size_t p = 0; p < depth; p += 2 * LANES) {
            vector square[LANES];
            for (size_t i = 0; i < LANES; i++) {
                square[i] = j + i < columns ? round_row(b + (j + i) * ldb + p, depth - p) : zero;
            }
            turn(square, LANES, LANES);
            real *const out = panel + p / 2 * PANEL_COLUMNS + j;
            for (size_t i = 0; i < LANES && p + 2 * i < depth; i++) store(out + i * PANEL_COLUMNS, square[i]);
        }
    }
}

static void round_strip(real *strip, const real *a, size_t a_row, size_t a_column, size_t rows, size_t depth) {
    if (a_column != 1) {
        round_columns(strip, GROUP_ROWS, GROUP_WORDS, a, a_column, depth, rows);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        real *const out = strip + i * PANEL_WORDS;
        for (size_t p = 0; p < depth; p += 2 * LANES) store(out + p / 2, round_row(a + i * a_row + p, depth - p));
    }
}

INLINE void dot_tile(const panel_of_c *x, size_t a_row, size_t a_word, size_t rows, size_t vectors) {
    vector sums[MOST_ROWS][OUTER_VECTORS];
    const vector zero = {0};
    UNROLL for (size_t y = 0; y < rows; y++) { UNROLL for (size_t v = 0; v < vectors; v++) sums[y][v] = zero; }
    const real *a = x->a, *b = x->b;
    for (size_t p = 0, words = x->k; p < words; p++, a += a_word, b += PANEL_COLUMNS) {
        vector right[OUTER_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) right[v] = load(b + v * LANES);
        UNROLL for (size_t y = 0; y < rows; y++) {
            const __m512bh left = (__m512bh)(__m512i)_mm512_set1_ps(a[y * a_row]);
            UNROLL for (size_t v = 0; v < vectors; v++) {
                sums[y][v] = (vector)_mm512_dpbf16_ps((__m512)sums[y][v], left, (__m512bh)(__m512i)right[v]);
            }
        }
    }
    READ_LATER;
    finish_tile(x->c, x->ldc, x->row, sums, rows, vectors, x->columns - (vectors - 1) * LANES, x->alpha, x->beta);
}

/* Compiled for each height and width of a tile, and for either shape of a strip. */
typedef void (*dots)(const panel_of_c *x);
#define DEFINE_DOTS(ROWS, NAME, VECTORS)                                                                               \
    static NOINLINE void dots_by_rows_##NAME##_##ROWS(const panel_of_c *x) {                                           \
        dot_tile(x, PANEL_WORDS, 1, ROWS, VECTORS);                                                                    \
    }                                                                                                                  \
    static NOINLINE void dots_by_columns_##NAME##_##ROWS(const panel_of_c *x) {                                        \
        dot_tile(x, 1, GROUP_ROWS, ROWS, VECTORS);                                                                     \
    }
#define DEFINE_WIDTHS(ROWS) DEFINE_DOTS(ROWS, one, 1) DEFINE_DOTS(ROWS, two, 2) DEFINE_DOTS(ROWS, three, 3)
DEFINE_WIDTHS(1)
DEFINE_WIDTHS(2)
DEFINE_WIDTHS(3)
DEFINE_WIDTHS(4)
DEFINE_WIDTHS(5)
DEFINE_WIDTHS(6)
DEFINE_WIDTHS(7)
DEFINE_WIDTHS(8)
static const dots DOTS[2][OUTER_VECTORS][MOST_ROWS] = {
    {HEIGHTS(dots_by_rows_one), HEIGHTS(dots_by_rows_two), HEIGHTS(dots_by_rows_three)},
    {HEIGHTS(dots_by_columns_one), HEIGHTS(dots_by_columns_two), HEIGHTS(dots_by_columns_three)}};

/* c <- a group of the strip times a panel; the tiles are of about the same height */
static void multiply_group(panel_of_c *x, const group_of_a *group) {
    const size_t row = group->by_rows ? PANEL_WORDS : 1;
    const size_t high = group->rows > MOST_ROWS ? (group->rows + 1) / 2 : group->rows;
    const dots *const of_height = DOTS[!group->by_rows][(x->columns + LANES - 1) / LANES - 1];
    real *const c = x->c;
    for (size_t i = 0; i < group->rows; i += high) {
        const size_t rows = group->rows - i < high ? group->rows - i : high;
        x->a = group->x + i * row;
        x->c = c + i * x->ldc;
        if (x->far) ask_for(x, 0, rows);
        of_height[rows - 1](x);
    }
}

#else

/* As numbers.h: without branches. What overflows is infinite. */
INLINE real rounded_to_bfloat16(real x) {
    const bits b = bits_of(x), even = b + 0x7FFF + (b >> 16 & 1);
    return real_of((x != x ? b | 0x400000 : even) & 0xFFFF0000);
}

static void round_all(real *x, size_t n) {
    INDEPENDENT for (size_t i = 0; i < n; i++) x[i] = rounded_to_bfloat16(x[i]);
}

static void round_panel(real *panel, const real *b, size_t ldb, int trans_b, size_t depth, size_t columns) {
    if (trans_b) {
        pack_transposed(panel, b, ldb, depth, columns);
    } else {
        pack(panel, b, ldb, depth, columns);
    }
    for (size_t p = 0; p < depth; p++) round_all(panel + p * PANEL_COLUMNS, (columns + LANES - 1) / LANES * LANES);
}

static void round_strip(real *strip, const real *a, size_t a_row, size_t a_column, size_t rows, size_t depth) {
    const size_t line = a_column == 1 ? PANEL_WORDS : GROUP_ROWS, step = a_column == 1 ? a_row : a_column;
    for (size_t i = 0; i < rows; i += GROUP_ROWS, strip += GROUP_WORDS) {
        const size_t high = rows - i < GROUP_ROWS ? rows - i : GROUP_ROWS;
        const size_t lines = a_column == 1 ? high : depth, numbers = a_column == 1 ? depth : high;
        for (size_t y = 0; y < lines; y++) {
            memcpy(strip + y * line, a + i * a_row + y * step, numbers * sizeof(real));
            round_all(strip + y * line, numbers);
        }
    }
}

static void multiply_group(panel_of_c *x, const group_of_a *group) {
    x->rows = group->rows;
    x->a = group->x;
    x->a_row = group->by_rows ? PANEL_WORDS : 1;
    x->a_column = group->by_rows ? 1 : GROUP_ROWS;
    x->b_row = PANEL_COLUMNS;
    x->padded = 1;
    outer_panel(x);
}

#endif

/* c <- a strip of a times these panels of op(b), side by side from column j on */
static void multiply_strip(panel_of_c *x, size_t i, size_t j, const real *strip, size_t rows, int by_rows,
                           vector panels[][PANEL_BYTES / VECTOR_BYTES], const size_t *columns, size_t count) {
    real *const c = x->c;
    const real *const row = x->row;
    for (size_t y = 0; y < rows; y += GROUP_ROWS, strip += GROUP_WORDS) {
        const group_of_a group = {
            .rows = rows - y < GROUP_ROWS ? rows - y : GROUP_ROWS, .by_rows = by_rows, .x = strip};
        for (size_t v = 0, column = j; v < count; column += columns[v++]) {
            x->columns = columns[v];
            x->b = (const real *)panels[v];
            x->row = row ? row + column : NULL;
            x->c = c + (i + y) * x->ldc + column;
            multiply_group(x, &group);
        }
    }
    x->c = c;
    x->row = row;
}

static void gemm_bfloat16(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a,
                          size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc, const real *row,
                          const cr_rows *next) {
    (void)way, (void)next;
    const size_t a_row = trans_a ? 1 : lda, a_column = trans_a ? lda : 1;
    if (k == 0) no_products(c, ldc, row, m, n, beta);
    vector panels[PANELS][PANEL_BYTES / VECTOR_BYTES], room[STRIP_ROWS * PANEL_WORDS / LANES];
    real *const strip = (real *)room;
    panel_of_c x = {.alpha = alpha, .beta = beta, .row = row, .c = c, .ldc = ldc};
    x.far = m * ldc * sizeof(real) > NEAR_BYTES;
    for (size_t p = 0, depth; p < k; p += depth, x.beta = 1, x.row = NULL) {
        depth = k - p < PANEL_ROWS ? k - p : PANEL_ROWS;
        x.k = (depth + NUMBERS - 1) / NUMBERS;
        for (size_t j = 0, next; j < n; j = next) {
            size_t columns[PANELS], count = 0;
            for (next = j; count < PANELS && next < n; next += columns[count++]) {
                columns[count] = panel_width(n - next);
                round_panel((real *)panels[count], b + (trans_b ? next * ldb + p : p * ldb + next), ldb, trans_b, depth,
                            columns[count]);
            }
            for (size_t i = 0; i < m; i += STRIP_ROWS) {
                const size_t rows = m - i < STRIP_ROWS ? m - i : STRIP_ROWS;
                round_strip(strip, a + i * a_row + p * a_column, a_row, a_column, rows, depth);
                multiply_strip(&x, i, j, strip, rows, a_column == 1, panels, columns, count);
            }
        }
    }
}
