/* c (m, n) <- alpha op(a) op(b) + beta c, or with one row added to all of alpha op(a) op(b), in plain C, for the shapes
 * of small networks, where a BLAS spends more on arranging the work than on doing it, and for builds without a BLAS.
 *
 * Two kernels, each a tile of c held in registers:
 *   outer  c += column of op(a) times row of op(b), for b not transposed, or transposed into a panel on the stack
 *   inner  c += dot products of rows of a and rows of b, for b transposed (inner.h)
 * The order of every sum depends on k and on which kernel it is alone, so that a part of the rows and columns of c
 * comes out as in the whole of it, if it goes the way of the whole. */

enum {
    MOST_ROWS = 8,
    OUTER_VECTORS = 3,
    PANEL_COLUMNS = OUTER_VECTORS * LANES,
    NARROW = 2 * LANES,
    PANEL_ROWS = 512,
    SPREAD_BYTES = 32768,
    NEAREST_BYTES = 1 << 15,
    NEAR_BYTES = 1 << 19,
    FAR_PRODUCTS = 1 << 26,
    CACHE_LINE = 64
};

/* The most rows of a tile: as many as have room in the registers with so many vectors each, or as hide how long a sum
 * takes. */
INLINE size_t tile_rows(size_t vectors) { return REGISTERS == 32 ? MOST_ROWS : MOST_ROWS + 2 - 2 * vectors; }

/* Registers of 64 bytes do as well as a BLAS or better at any size; those of 16 or 32 up to 2^21 products a lane;
 * single numbers only where its arrangements would cost more. */
#define SMALL (VECTOR_BYTES == 64 ? HUGE_VAL : LANES >= 4 ? (double)LANES * (1 << 21) : (double)(1 << 12))

/* how many of the `left` columns the next panel takes: the last two panels are of about equal width */
INLINE size_t panel_width(size_t left) {
    const size_t vectors = (left + LANES - 1) / LANES;
    const size_t width = (vectors == OUTER_VECTORS + 1 ? OUTER_VECTORS - 1 : OUTER_VECTORS) * LANES;
    return width < left ? width : left;
}

/* What is read after this, to be asked for during it, so many cache lines at each tile: asked for all at once, they
 * would keep memory waiting. */
typedef struct {
    const real *x;
    const int32_t *order; /* the rows order[0..rows) of x, or NULL: its first ones; each of so many numbers */
    size_t rows, width, stride, at_once, row, column;
} request;

/* shared evenly among so many tiles */
INLINE void share_among(request *next, size_t tiles) {
    next->at_once = next->rows * (next->width * sizeof(real) / CACHE_LINE + 1) / tiles + 1;
}

INLINE void ask_for_some(request *next) {
    const size_t step = CACHE_LINE / sizeof(real);
    for (size_t lines = next->at_once; lines > 0 && next->row < next->rows;) {
        const real *row = next->x + (next->order ? (size_t)next->order[next->row] : next->row) * next->stride;
        size_t end = next->column + lines * step;
        if (end > next->width) end = next->width;
        for (size_t j = next->column; j < end; j += step, lines--) PREFETCH(row + j);
        next->column = end;
        if (end == next->width) {
            PREFETCH(row + end - 1); /* a row need not begin on a line, and then ends on one more */
            next->column = 0;
            next->row++;
        }
    }
}

/* c (rows, columns) <- alpha a b + beta c, or + `row` in each unless that is NULL, of any number of rows and up to
 * PANEL_COLUMNS columns; a(i, p) = a[i * a_row + p * a_column], b(p, j) = b[p * b_row + j] */
typedef struct {
    size_t rows, columns, k;
    real alpha, beta;
    const real *a, *b, *row;
    real *c;
    size_t a_row, a_column, b_row, ldc;
    int padded;    /* b has whole vectors */
    int far;       /* c is not in a near cache */
    request *next; /* or NULL */
} panel_of_c;

/* A tile of c <- alpha sums + beta c, or + row: so many rows and vectors, of which the last has `last` columns. */
INLINE void finish_tile(real *c, size_t ldc, const real *row, vector sums[MOST_ROWS][OUTER_VECTORS], size_t rows,
                        size_t vectors, size_t last, real alpha, real beta) {
    if (row) {
        vector old[OUTER_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++) {
            old[v] = v + 1 < vectors || last == LANES ? load(row + v * LANES) : load_part(row + v * LANES, last);
        }
        UNROLL for (size_t y = 0; y < rows; y++, c += ldc) {
            UNROLL for (size_t v = 0; v < vectors; v++) {
                scale_add_to(c + v * LANES, old[v], sums[y][v], v + 1 < vectors ? LANES : last, alpha);
            }
        }
        return;
    }
    /* All is read before any is written: what is read beside what has just been written in parts has to wait for it. */
    const vector zero = {0}, each = alpha - zero;
    UNROLL for (size_t y = 0; y < rows; y++) {
        UNROLL for (size_t v = 0; v < vectors; v++) {
            const vector old = old_of(c + y * ldc + v * LANES, v + 1 < vectors ? LANES : last, beta);
            sums[y][v] = multiply_add(each, sums[y][v], old);
        }
    }
    UNROLL for (size_t y = 0; y < rows; y++, c += ldc) {
        UNROLL for (size_t v = 0; v < vectors; v++) {
            if (v + 1 < vectors || last == LANES) {
                store(c + v * LANES, sums[y][v]);
            } else {
                store_part(c + v * LANES, sums[y][v], last);
            }
        }
    }
}

/* The rows of c from i on. Their number, that of vectors and of halves and one of a's strides are constants where this
 * is inlined; the last vector has `last` columns, and is a half one if `halves`, else 0. */
INLINE void outer_tile(const panel_of_c *x, size_t i, size_t a_row, size_t a_column, size_t rows, size_t vectors,
                       size_t halves, size_t last) {
    vector sums[MOST_ROWS][OUTER_VECTORS];
    half half_sums[MOST_ROWS];
    const vector zero = {0};
    const half half_zero = {0};
    const size_t wholes = vectors - halves;
    UNROLL for (size_t y = 0; y < rows; y++) {
        UNROLL for (size_t v = 0; v < wholes; v++) sums[y][v] = zero;
        if (halves) half_sums[y] = half_zero;
    }
    const real *a = x->a + i * a_row, *b = x->b;
    const size_t k = x->k, b_row = x->b_row;
    const int plain = x->padded && !QUICK_PARTS;
    for (size_t p = 0; p < k; p++, b += b_row) {
        vector right[OUTER_VECTORS];
        half half_right;
        UNROLL for (size_t v = 0; v < wholes; v++) {
            right[v] = plain || v + 1 < vectors || last == LANES ? load(b + v * LANES) : load_part(b + v * LANES, last);
        }
        if (halves) half_right = load_half(b + wholes * LANES, last);
        UNROLL for (size_t y = 0; y < rows; y++) {
            real left = a[y * a_row + p * a_column];
            UNROLL for (size_t v = 0; v < wholes; v++) sums[y][v] += left * right[v];
            if (halves) half_sums[y] += left * half_right;
        }
    }
    READ_LATER; /* till now all registers are for the sums */
    if (halves) {
        UNROLL for (size_t y = 0; y < rows; y++) sums[y][wholes] = widened(half_sums[y]);
    }
    finish_tile(x->c + i * x->ldc, x->ldc, x->row, sums, rows, vectors, last, x->alpha, x->beta);
}

/* What a tile of c holds, to come from memory while its sums are made, and some of what follows. */
INLINE void ask_for(const panel_of_c *x, size_t i, size_t rows) {
    for (const real *row = x->c + i * x->ldc; x->far && rows > 0; rows--, row += x->ldc) {
        for (size_t j = 0; j < x->columns; j += CACHE_LINE / sizeof(real)) PREFETCH(row + j);
    }
    if (x->next) ask_for_some(x->next);
}

/* The rows first ... end - 1 of c in tiles of so many, a whole number of them. */
INLINE void outer_tiles(const panel_of_c *x, size_t first, size_t end, size_t a_row, size_t a_column, size_t rows,
                        size_t vectors, size_t halves, size_t last) {
    const int asks = x->far || x->next;
    for (size_t i = first; i < end; i += rows) {
        if (asks) ask_for(x, i, rows);
        outer_tile(x, i, a_row, a_column, rows, vectors, halves, last);
    }
}

/* Compiled for each height of a tile, for each kind of row, that is how many vectors it has and what the last one is,
 * and for either of the strides of a that is 1: in functions of their own, since together they would be short of
 * registers. */
typedef void (*outer_rows)(const panel_of_c *x, size_t first, size_t end);
#define DEFINE_OUTER(ROWS, KIND, VECTORS, HALF, LAST)                                                                  \
    static NOINLINE void by_rows_##KIND##_##ROWS(const panel_of_c *x, size_t first, size_t end) {                      \
        const size_t last = LAST;                                                                                      \
        outer_tiles(x, first, end, x->a_row, 1, ROWS, VECTORS, HALF, last);                                            \
    }                                                                                                                  \
    static NOINLINE void by_columns_##KIND##_##ROWS(const panel_of_c *x, size_t first, size_t end) {                   \
        const size_t last = LAST;                                                                                      \
        outer_tiles(x, first, end, 1, x->a_column, ROWS, VECTORS, HALF, last);                                         \
    }
#if defined(__AVX512F__)
#define DEFINE_HALVES(ROWS)                                                                                            \
    DEFINE_OUTER(ROWS, one_half, 1, 1, x->columns)                                                                     \
    DEFINE_OUTER(ROWS, two_half, 2, 1, x->columns - LANES)                                                             \
    DEFINE_OUTER(ROWS, three_half, 3, 1, x->columns - 2 * LANES)
#define ALL_KINDS(WAY)                                                                                                 \
    {HEIGHTS(WAY##_one_half),   HEIGHTS(WAY##_one),   HEIGHTS(WAY##_two_half), HEIGHTS(WAY##_two),                     \
     HEIGHTS(WAY##_three_half), HEIGHTS(WAY##_three), HEIGHTS(WAY##_whole)}
#else
#define DEFINE_HALVES(ROWS)
#define ALL_KINDS(WAY) {HEIGHTS(WAY##_one), HEIGHTS(WAY##_two), HEIGHTS(WAY##_three), HEIGHTS(WAY##_whole)}
#endif
#define DEFINE_KINDS(ROWS)                                                                                             \
    DEFINE_HALVES(ROWS)                                                                                                \
    DEFINE_OUTER(ROWS, one, 1, 0, x->columns)                                                                          \
    DEFINE_OUTER(ROWS, two, 2, 0, x->columns - LANES)                                                                  \
    DEFINE_OUTER(ROWS, three, 3, 0, x->columns - 2 * LANES)                                                            \
    DEFINE_OUTER(ROWS, whole, 3, 0, LANES)
#define HEIGHTS(NAME) {NAME##_1, NAME##_2, NAME##_3, NAME##_4, NAME##_5, NAME##_6, NAME##_7, NAME##_8}
DEFINE_KINDS(1)
DEFINE_KINDS(2)
DEFINE_KINDS(3)
DEFINE_KINDS(4)
DEFINE_KINDS(5)
DEFINE_KINDS(6)
DEFINE_KINDS(7)
DEFINE_KINDS(8)
static const outer_rows OUTER[2][OUTER_VECTORS * (1 + HALVES) + 1][MOST_ROWS] = {ALL_KINDS(by_rows),
                                                                                 ALL_KINDS(by_columns)};

/* Tiles of nearly the same height: one of a row or two would wait for its few sums. The higher ones come first. */
static void outer_panel(const panel_of_c *x) {
    const size_t m = x->rows, vectors = (x->columns + LANES - 1) / LANES, most = tile_rows(vectors);
    const size_t tiles = (m + most - 1) / most, low = m / tiles, high_ones = m % tiles;
    const size_t unit = HALVES ? LANES / 2 : LANES, kind = (x->columns - x->columns / PANEL_COLUMNS + unit - 1) / unit;
    const outer_rows *const of_height = OUTER[x->a_row == 1][kind - 1 + x->columns / PANEL_COLUMNS];
    if (high_ones) of_height[low](x, 0, high_ones * (low + 1));
    of_height[low - 1](x, high_ones * (low + 1), m);
}

/* panel (k, PANEL_COLUMNS) <- `columns` rows of b (columns, k), transposed; filled up with 0 to whole vectors. Here k
 * is a power of 2 up to LANES, and b's rows follow each other without a gap. */
INLINE void pack_short(real *panel, const real *b, size_t k, size_t columns) {
    for (size_t j = 0; j < columns; j += LANES) {
        vector x[LANES];
        const size_t numbers = (columns - j) * k;
        UNROLL for (size_t v = 0; v < k; v++) {
            const vector zero = {0};
            const size_t first = v * LANES, lanes = first >= numbers ? 0 : numbers - first;
            const real *part = b + j * k + first;
            x[v] = lanes >= LANES ? load(part) : lanes ? load_part(part, lanes) : zero;
        }
        turn(x, k, LANES);
        UNROLL for (size_t p = 0; p < k; p++) store(panel + p * PANEL_COLUMNS + j, x[p]);
    }
}

/* The same for any k, and rows ldb apart. */
static void pack_transposed(real *panel, const real *b, size_t ldb, size_t k, size_t columns) {
    for (size_t j = 0; j < columns; j += LANES) {
        for (size_t p = 0; p < k; p += LANES) {
            vector square[LANES];
            const size_t depth = k - p < LANES ? k - p : LANES;
            for (size_t i = 0; i < LANES; i++) {
                const vector zero = {0};
                const real *x = b + (j + i) * ldb + p;
                square[i] = j + i >= columns ? zero : depth == LANES ? load(x) : load_part(x, depth);
            }
            turn(square, LANES, LANES);
            for (size_t i = 0; i < depth; i++) store(panel + (p + i) * PANEL_COLUMNS + j, square[i]);
        }
    }
}

/* panel (k, PANEL_COLUMNS) <- `columns` columns of b (k, ldb), filled up likewise */
static void pack(real *panel, const real *b, size_t ldb, size_t k, size_t columns) {
    for (size_t p = 0; p < k; p++, panel += PANEL_COLUMNS, b += ldb) {
        size_t j = 0;
        for (; j + LANES <= columns; j += LANES) store(panel + j, load(b + j));
        if (j < columns) store(panel + j, load_part(b + j, columns - j));
    }
}

/* Where a panel of op(b) (k, n) begins, and its size. */
typedef struct {
    size_t p, depth, j, columns;
} place;

INLINE place place_at(size_t p, size_t j, size_t n, size_t k) {
    return (place){.p = p, .depth = k - p < PANEL_ROWS ? k - p : PANEL_ROWS, .j = j, .columns = panel_width(n - j)};
}

/* The panel after that one: down op(b) if `down`, else along it; its depth is 0 after the last. */
INLINE place place_after(place at, int down, size_t n, size_t k) {
    const size_t p = at.p + at.depth, j = at.j + at.columns;
    if (down) {
        return p < k ? place_at(p, at.j, n, k) : j < n ? place_at(0, j, n, k) : (place){0};
    }
    return j < n ? place_at(at.p, j, n, k) : p < k ? place_at(p, 0, n, k) : (place){0};
}

static void outer_gemm(real *c, size_t ldc, const real *row, const real *a, size_t a_row, size_t a_column,
                       const real *b, size_t ldb, int trans_b, size_t m, size_t n, size_t k, real alpha, real beta,
                       const cr_rows *rows) {
    vector block[PANEL_ROWS * OUTER_VECTORS];
    real *room = (real *)block;
    const size_t tiles = m / tile_rows(OUTER_VECTORS) + 1; /* of a panel */
    request next, later = {0};
    panel_of_c x = {.rows = m, .alpha = alpha, .a_row = a_row, .a_column = a_column, .ldc = ldc};
    x.far = m * ldc * sizeof(real) > NEAR_BYTES;
    /* b comes from memory, or meets so many rows of a that asking costs little */
    const int far_b = (double)m * (double)n * (double)k > FAR_PRODUCTS;
    if (rows) {
        later = (request){
            .x = rows->x, .order = rows->order, .rows = rows->rows, .width = rows->width, .stride = rows->width};
        share_among(&later, tiles * (n / PANEL_COLUMNS + 1));
    }
    for (place at = place_at(0, 0, n, k), after; at.depth; at = after) {
        after = place_after(at, trans_b, n, k); /* along the rows of b in memory */
        /* rows of b far apart, met by many rows of a, are worth bringing together */
        const int apart = ldb > PANEL_COLUMNS && at.depth * ldb * sizeof(real) > SPREAD_BYTES;
        const int spread = m >= 2 * tile_rows(OUTER_VECTORS) && apart;
        const real *corner = b + (trans_b ? at.j * ldb + at.p : at.p * ldb + at.j);
        x.columns = at.columns;
        x.k = at.depth;
        x.a = a + at.p * a_column;
        x.c = c + at.j;
        x.padded = trans_b || spread;
        x.b = x.padded ? room : corner;
        x.b_row = x.padded ? PANEL_COLUMNS : ldb;
        x.row = row && !at.p ? row + at.j : NULL;
        x.beta = at.p ? 1 : beta; /* after the first rows of b the others are added */
        x.next = rows ? &later : NULL;
        if (far_b && x.padded && after.depth) {
            next = (request){.x = b + (trans_b ? after.j * ldb + after.p : after.p * ldb + after.j),
                             .rows = trans_b ? after.columns : after.depth,
                             .width = trans_b ? after.depth : after.columns,
                             .stride = ldb};
            share_among(&next, tiles);
            x.next = &next;
        }
        if (trans_b && k == 4 && ldb == k && LANES >= 4) {
            pack_short(room, corner, 4, at.columns);
        } else if (trans_b && k == 8 && ldb == k && LANES >= 8) {
            pack_short(room, corner, 8, at.columns);
        } else if (trans_b) {
            pack_transposed(room, corner, ldb, at.depth, at.columns);
        } else if (spread) {
            pack(room, corner, ldb, at.depth, at.columns);
        }
        outer_panel(&x);
    }
}

/* c (rows, columns) <- its transpose in `turned`, rows PANEL_COLUMNS apart, + beta c, for up to LANES of both. All of c
 * is read before any is written, as in outer_tile. */
INLINE void turn_over(real *c, size_t ldc, const real *turned, size_t rows, size_t columns, real beta) {
    vector square[LANES];
    UNROLL for (size_t j = 0; j < LANES; j++) square[j] = load(turned + (j < columns ? j : 0) * PANEL_COLUMNS);
    turn(square, LANES, LANES);
    UNROLL for (size_t y = 0; y < LANES; y++) { square[y] += old_of(c + (y < rows ? y : 0) * ldc, columns, beta); }
    UNROLL for (size_t y = 0; y < LANES; y++) {
        if (y < rows && columns == LANES) {
            store(c + y * ldc, square[y]);
        } else if (y < rows) {
            store_part(c + y * ldc, square[y], columns);
        }
    }
}

/* The same for n columns, a power of 2, where the rows of c follow each other without a gap. */
INLINE void turn_over_whole(real *c, const real *turned, size_t rows, size_t n, real beta) {
    vector x[LANES];
    UNROLL for (size_t j = 0; j < n; j++) x[j] = load(turned + j * PANEL_COLUMNS);
    turn(x, n, n);
    const size_t numbers = rows * n;
    UNROLL for (size_t j = 0; j < n; j++) {
        const size_t first = j * LANES, lanes = first >= numbers ? 0 : numbers - first;
        if (lanes) scale_add(c + first, x[j], lanes < LANES ? lanes : LANES, 1, beta);
    }
}

/* c (m, n) <- alpha aᵀ b + beta c for n < NARROW columns: a panel of the transpose of c, whose rows are long, then
 * turned over. */
static void narrow_gemm(real *c, size_t ldc, const real *a, size_t lda, const real *b, size_t ldb, size_t m, size_t n,
                        size_t k, real alpha, real beta) {
    vector block[NARROW * OUTER_VECTORS];
    real *turned = (real *)block;
    panel_of_c x = {.rows = n,
                    .k = k,
                    .alpha = alpha,
                    .a = b,
                    .a_row = 1,
                    .a_column = ldb,
                    .b_row = lda,
                    .c = turned,
                    .ldc = PANEL_COLUMNS};
    for (size_t first = 0; first < m; first += x.columns) {
        x.columns = panel_width(m - first);
        x.b = a + first;
        outer_panel(&x);
        for (size_t i = 0; i < x.columns; i += LANES) {
            real *corner = c + (first + i) * ldc;
            const size_t rows = x.columns - i < LANES ? x.columns - i : LANES;
            if (n == 4 && ldc == n) {
                turn_over_whole(corner, turned + i, rows, 4, beta);
            } else if (n == 8 && ldc == n && LANES >= 8) {
                turn_over_whole(corner, turned + i, rows, 8, beta);
            } else if (n == 2 && ldc == n) {
                turn_over_whole(corner, turned + i, rows, 2, beta);
            } else {
                for (size_t j = 0; j < n; j += LANES) {
                    turn_over(corner + j, ldc, turned + j * PANEL_COLUMNS + i, rows, n - j < LANES ? n - j : LANES,
                              beta);
                }
            }
        }
    }
}

/* Whether dot products of rows of a (m, k) and b (n, k) take less time than transposing b for the outer kernel, by what
 * was measured in halves of a cycle, one for what half a register multiplies, or all of a shorter one: the lanes of
 * each register of dot products have to be summed, and each number of b to be turned over. Tiles of few registers read
 * a often, which takes longer where it does not stay in the nearest cache; the outer kernel reads it least. */
static int dots_are_quicker(size_t m, size_t n, size_t k) {
    const size_t unit = LANES / (1 + HALVES), registers = (n + ROWS_OF_B - 1) / ROWS_OF_B;
    const double again = REGISTERS < 32 && m * k * sizeof(real) > NEAREST_BYTES ? 1.4 : 1;
    const double dots = (double)(m * registers) * ((double)((k + ALONG_K - 1) / ALONG_K * (1 + HALVES)) * again + 6);
    const double outer = (double)(n * k) * 0.8 + (double)(m * k) * (double)((n + unit - 1) / unit) * 1.07 + 100;
    return m * k * sizeof(real) <= NEAR_BYTES && dots < outer;
}

/* Whether aᵀ b (m, n) takes less time as its transpose, whose rows fill more lanes, and which is turned over then, by
 * the same measure. */
static int transpose_is_quicker(size_t m, size_t n, size_t k) {
    const size_t unit = LANES / (1 + HALVES), squares = (m + LANES - 1) / LANES * ((n + LANES - 1) / LANES);
    const double as_it_is = (double)(m * k) * (double)((n + unit - 1) / unit);
    const double transposed = (double)(n * k) * (double)((m + unit - 1) / unit);
    return n < NARROW && transposed + 12.0 * (double)(squares * LANES) < as_it_is;
}

static int gemm_way(int trans_a, int trans_b, size_t m, size_t n, size_t k) {
    if (!trans_a && trans_b && dots_are_quicker(m, n, k)) return CR_INNER;
    return trans_a && !trans_b && transpose_is_quicker(m, n, k) ? CR_NARROW : CR_OUTER;
}

/* c where there is nothing to multiply */
static void no_products(real *c, size_t ldc, const real *row, size_t m, size_t n, real beta) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = row ? row[j] : beta == 0 ? 0 : beta * c[i * ldc + j];
    }
}

static void gemm(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a, size_t lda,
                 const real *b, size_t ldb, real beta, real *c, size_t ldc, const real *row, const cr_rows *next) {
    if (way == CR_OWN_WAY) way = gemm_way(trans_a, trans_b, m, n, k);
    if (k == 0) {
        no_products(c, ldc, row, m, n, beta);
    } else if (way == CR_INNER) {
        inner_gemm(c, ldc, row, a, lda, b, ldb, m, n, k, alpha, beta);
    } else if (way == CR_NARROW) {
        narrow_gemm(c, ldc, a, lda, b, ldb, m, n, k, alpha, beta);
    } else {
        outer_gemm(c, ldc, row, a, trans_a ? 1 : lda, trans_a ? lda : 1, b, ldb, trans_b, m, n, k, alpha, beta, next);
    }
}
