/* Products with sparse rows: only what is not 0 is touched.
 *
 * The weights w of n neurons stand in stripes, (⌈n / STRIPE⌉, k, STRIPE): w[s][c][q] joins column c to neuron
 * s STRIPE + q, so that what meets one number of x lies together. The last stripe is filled up with neurons of weight
 * 0. */

enum { STRIPE = CR_STRIPE_BYTES / sizeof(real), STRIPE_VECTORS = STRIPE / LANES };

/* sums of one row that go on at once, so that additions need not wait for each other: as registers allow */
enum { SUMS = VECTOR_BYTES == 64 ? 4 : VECTOR_BYTES == 32 ? 2 : 1 };
_Static_assert(CR_SPARSE_SUMS % SUMS == 0, "rows are filled up to a multiple of CR_SPARSE_SUMS");

/* Columns that the matrix does not have become numbers 0: whoever holds the arrays may have changed them. */
#define UNPACK(name, type, formats, exact)                                                                             \
    static void unpack_##name(const cr_entries *out, size_t first, const cr_sparse *x, const int32_t *order,           \
                              size_t rows, size_t k, const cr_scaling *scaling) {                                      \
        const real *const scale = scaling ? scaling->SUFFIX : NULL;                                                    \
        const double *const wide = IN_DOUBLE(exact) && scaling ? scaling->f64 : NULL;                                  \
        for (size_t i = 0; i < rows; i++) {                                                                            \
            const int64_t *const begin = x->begins + (order ? (size_t)order[i] : i);                                   \
            const type *const number = (const type *)x->x + begin[0];                                                  \
            const int32_t *const where = x->columns + begin[0];                                                        \
            const size_t count = (size_t)(begin[1] - begin[0]);                                                        \
            real *const values = (real *)out->values + (first + i) * out->room;                                        \
            int32_t *const columns = out->columns + (first + i) * out->room;                                           \
            out->counts[first + i] = (int32_t)((count + SUMS - 1) / SUMS * SUMS);                                      \
            INDEPENDENT for (size_t e = 0; e < count; e++) {                                                           \
                const int known = (uint32_t)where[e] < (uint32_t)k;                                                    \
                columns[e] = known ? where[e] : 0;                                                                     \
                values[e] = known ? (real)number[e] : 0;                                                               \
            }                                                                                                          \
            if (wide) {                                                                                                \
                INDEPENDENT for (size_t e = 0; e < count; e++) {                                                       \
                    const int known = (uint32_t)where[e] < (uint32_t)k;                                                \
                    values[e] = known ? (real)(wide[where[e]] * (double)number[e]) : 0;                                \
                }                                                                                                      \
            } else if (scale) {                                                                                        \
                INDEPENDENT for (size_t e = 0; e < count; e++) values[e] *= scale[columns[e]];                         \
            }                                                                                                          \
            for (size_t e = count; e < count + SUMS - 1; e++) { /* to whole rounds */                                  \
                columns[e] = 0;                                                                                        \
                values[e] = 0;                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }
CR_INPUTS(UNPACK)

/* Ask memory for the i-th of the rows that come, and for where a later one begins. */
INLINE void ask_for_entries(const cr_sparse *x, size_t i) {
    if (i < x->coming) {
        const int64_t *const begin = x->begins + x->order[i];
        const int64_t step = CACHE_LINE / (int64_t)(x->size > sizeof(int32_t) ? x->size : sizeof(int32_t));
        for (int64_t e = begin[0]; e < begin[1] + step - 1; e += step) { /* they may end on one line more */
            PREFETCH((const char *)x->x + (size_t)e * x->size);
            PREFETCH(x->columns + e);
        }
    }
    if (x->coming + i < x->later) PREFETCH(x->begins + x->order[x->coming + i]);
}

/* z (n,) <- x w^T + b, unless b is NULL, for one row and one stripe of w, of which `vectors` are in use */
INLINE void sparse_dots(real *z, const real *b, const real *values, const int32_t *columns, size_t count, const real *w,
                        size_t vectors, size_t n) {
    vector sums[SUMS][STRIPE_VECTORS];
    const vector zero = {0};
    UNROLL for (size_t s = 0; s < SUMS; s++) { UNROLL for (size_t v = 0; v < vectors; v++) sums[s][v] = zero; }
    for (size_t e = 0; e < count; e += SUMS) {
        UNROLL for (size_t s = 0; s < SUMS; s++) {
            const real *const right = w + (size_t)columns[e + s] * STRIPE;
            UNROLL for (size_t v = 0; v < vectors; v++) sums[s][v] += values[e + s] * load(right + v * LANES);
        }
    }
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const size_t first = v * LANES, lanes = first >= n ? 0 : n - first < LANES ? n - first : LANES;
        UNROLL for (size_t s = 1; s < SUMS; s++) sums[0][v] += sums[s][v];
        if (lanes) {
            const vector old = !b ? zero : lanes == LANES ? load(b + first) : load_part(b + first, lanes);
            scale_add_to(z + first, old, sums[0][v], lanes, 1);
        }
    }
}

static void sparse_forward(real *z, size_t ldz, const cr_entries *x, size_t first, size_t rows, const real *w, size_t n,
                           size_t k, const real *b, const cr_sparse *next) {
    for (size_t i = first; i < first + rows; i++, z += ldz) {
        const real *const values = (const real *)x->values + i * x->room;
        const int32_t *const columns = x->columns + i * x->room;
        const size_t count = (size_t)x->counts[i];
        if (next) ask_for_entries(next, i);
        for (size_t j = 0; j < n; j += STRIPE) {
            if (n - j > STRIPE / 2) {
                sparse_dots(z + j, b ? b + j : NULL, values, columns, count, w + j * k, STRIPE_VECTORS, n - j);
            } else {
                sparse_dots(z + j, b ? b + j : NULL, values, columns, count, w + j * k, STRIPE_VECTORS / 2, n - j);
            }
        }
    }
}

/* w <- w + alpha deltaᵀ x for one row of x, one stripe of w, and delta (n,) */
INLINE void add_sparse_outer(real *w, const real *delta, size_t n, real alpha, const real *values,
                             const int32_t *columns, size_t count, size_t vectors) {
    vector factors[STRIPE_VECTORS];
    UNROLL for (size_t v = 0; v < vectors; v++) {
        const size_t first = v * LANES, lanes = first >= n ? 0 : n - first < LANES ? n - first : LANES;
        factors[v] = alpha * (lanes == LANES ? load(delta + first) : load_part(delta + first, lanes));
    }
    for (size_t e = 0; e < count; e += SUMS) {
        UNROLL for (size_t s = 0; s < SUMS; s++) {
            real *const place = w + (size_t)columns[e + s] * STRIPE;
            UNROLL for (size_t v = 0; v < vectors; v++) {
                store(place + v * LANES, load(place + v * LANES) + values[e + s] * factors[v]);
            }
        }
    }
}

static void sparse_outer(real *w, const cr_entries *x, const real *delta, size_t ldd, size_t rows, size_t n, size_t k,
                         real alpha, real beta) {
    if (beta != 1) {
        const size_t numbers = (n + STRIPE - 1) / STRIPE * STRIPE * k;
        INDEPENDENT for (size_t i = 0; i < numbers; i++) w[i] = beta == 0 ? 0 : beta * w[i];
    }
    for (size_t j = 0; j < n; j += STRIPE) {
        for (size_t i = rows; i-- > 0;) { /* the last rows went forward last: their weights are near */
            const real *const values = (const real *)x->values + i * x->room, *const d = delta + i * ldd + j;
            const int32_t *const columns = x->columns + i * x->room;
            const size_t count = (size_t)x->counts[i];
            if (n - j > STRIPE / 2) {
                add_sparse_outer(w + j * k, d, n - j, alpha, values, columns, count, STRIPE_VECTORS);
            } else {
                add_sparse_outer(w + j * k, d, n - j, alpha, values, columns, count, STRIPE_VECTORS / 2);
            }
        }
    }
}

/* Some columns at a time: their rows lie far apart in w. */
enum { COLUMNS_AT_ONCE = 16 };

static void stripe(real *striped, const real *w, size_t n, size_t k) {
    for (size_t j = 0; j < n; j += STRIPE, striped += STRIPE * k) {
        for (size_t first = 0, end; first < k; first = end) {
            end = k - first < COLUMNS_AT_ONCE ? k : first + COLUMNS_AT_ONCE;
            for (size_t q = 0; q < STRIPE; q++) {
                for (size_t c = first; c < end; c++) striped[c * STRIPE + q] = j + q < n ? w[(j + q) * k + c] : 0;
            }
        }
    }
}

static void unstripe(real *w, const real *striped, size_t n, size_t k) {
    for (size_t j = 0; j < n; j += STRIPE, striped += STRIPE * k) {
        for (size_t first = 0, end; first < k; first = end) {
            end = k - first < COLUMNS_AT_ONCE ? k : first + COLUMNS_AT_ONCE;
            for (size_t q = 0; q < STRIPE && j + q < n; q++) {
                for (size_t c = first; c < end; c++) w[(j + q) * k + c] = striped[c * STRIPE + q];
            }
        }
    }
}
