/* Products with sparse rows against plain loops over the dense ones. Whole numbers: all is exact. */

/* the dense rows, about every third number kept */
static real sparse_dense[MOST];

/* The matrix of sparse_dense (rows, k) in compressed rows; a column beyond it stands at the end of each row. */
static cr_sparse sparse_matrix(size_t rows, size_t k, size_t *longest) {
    size_t kept = rows, e = 0;
    for (size_t i = 0; i < rows * k; i++) {
        sparse_dense[i] = random_word() % 3 ? 0 : (real)whole(9);
        kept += sparse_dense[i] != 0;
    }
    real *const x = room_for(IN, kept);
    int32_t *const columns = room(OTHER, kept, sizeof *columns);
    int64_t *const begins = room(BEGINS, rows + 1, sizeof *begins);
    *longest = 0;
    for (size_t i = 0; i < rows; i++) {
        begins[i] = (int64_t)e;
        for (size_t c = 0; c < k; c++) {
            if (sparse_dense[i * k + c] != 0) x[e] = sparse_dense[i * k + c], columns[e++] = (int32_t)c;
        }
        x[e] = 7, columns[e++] = i % 2 ? -1 : (int32_t)k;
        if (e - (size_t)begins[i] > *longest) *longest = e - (size_t)begins[i];
    }
    begins[rows] = (int64_t)e;
    return (cr_sparse){.x = x, .size = sizeof(real), .columns = columns, .begins = begins};
}

static cr_entries sparse_room(size_t rows, size_t longest) {
    const size_t each = longest + CR_SPARSE_SUMS;
    return (cr_entries){.values = room_for(VALUES, rows * each),
                        .columns = room(COLUMNS, rows * each, sizeof(int32_t)),
                        .counts = room(COUNTS, rows, sizeof(int32_t)),
                        .room = each};
}

static size_t stripes_of(size_t n) { return (n * sizeof(real) + CR_STRIPE_BYTES - 1) / CR_STRIPE_BYTES; }

static void check_sparse(size_t rows, size_t n, size_t k, int way) {
    const size_t width = CR_STRIPE_BYTES / sizeof(real), striped_size = stripes_of(n) * width * k;
    const int kind = sizeof(real) == 4 ? CR_INPUT_float32 : CR_INPUT_float64;
    const real beta = (real)(way % 3), alpha = (real)(way % 5 - 2);
    size_t longest;
    cr_sparse x = sparse_matrix(rows, k, &longest);
    const int32_t *const order = way & 1 ? draw_order(rows, rows) : NULL;
    const cr_entries entries = sparse_room(rows, longest);
    real *const scale = way & 2 ? whole_numbers(OUT2, k, 3) : NULL;
    const cr_scaling scaling = {.f32 = (const void *)scale, .f64 = (const void *)scale}; /* only the own one is read */
    const size_t first = rows / 3; /* in two parts, the later one first */
    cr_sparse rest = x;
    if (!order) rest.begins += first;
    AT("unpack", rows, n, k, way);
    KERNELS->unpack[kind](&entries, first, &rest, order ? order + first : NULL, rows - first, k,
                          scale ? &scaling : NULL);
    KERNELS->unpack[kind](&entries, 0, &x, order, first, k, scale ? &scaling : NULL);
#define X(i, c) ((double)(sparse_dense[(order ? (size_t)order[i] : (i)) * k + (c)] * (scale ? scale[c] : 1)))

    AT("stripe", rows, n, k, way);
    real *const w = whole_numbers(TARGET, n * k, 9), *const striped = room_for(STRIPED, striped_size);
    KERNELS->stripe(striped, w, n, k);
    for (size_t i = 0; i < striped_size; i++) {
        const size_t c = i / width % k, neuron = i / (width * k) * width + i % width;
        check(striped[i] == (neuron < n ? w[neuron * k + c] : 0), "number %zu is %g", i, (double)striped[i]);
    }

    AT("sparse_forward", rows, n, k, way);
    x.order = order;
    x.coming = order ? rows - rows / 2 : 0;
    x.later = order ? rows : 0;
    const real *const b = way % 3 ? whole_numbers(BIASES, n, 9) : NULL;
    real *const z = room_for(OUT, rows * n);
    for (size_t i = 0; i < rows * n; i++) {
        want[i] = b ? (double)b[i % n] : 0;
        for (size_t c = 0; c < k; c++) want[i] += X(i / n, c) * (double)w[i % n * k + c];
    }
    KERNELS->sparse_forward(z + first * n, n, &entries, first, rows - first, striped, n, k, b, NULL);
    KERNELS->sparse_forward(z, n, &entries, 0, first, striped, n, k, b, order ? &x : NULL);
    expect_equal(z, rows * n);

    AT("sparse_outer", rows, n, k, way);
    for (size_t i = 0; i < n * k; i++) {
        want[i] = (double)(beta * w[i]);
        for (size_t r = 0; r < rows; r++) want[i] += (double)(alpha * z[r * n + i / k]) * X(r, i % k);
    }
    KERNELS->sparse_outer(striped, &entries, z, n, rows, n, k, alpha, beta);
    KERNELS->unstripe(w, striped, n, k);
    expect_equal(w, n * k);
    for (size_t i = 0; i < striped_size; i++) {
        const size_t neuron = i / (width * k) * width + i % width;
        check(neuron < n || striped[i] == 0, "number %zu, beyond the last neuron, is %g", i, (double)striped[i]);
    }
#undef X
}

/* Rows of up to some rounds of the kernels, about every third column beyond the matrix; without shifts. */
#define TEST_UNPACK(name, type, formats, exact)                                                                        \
    static void test_unpack_##name(void) {                                                                             \
        const size_t width = 9, rows = 3;                                                                              \
        static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 100};                                    \
        for (size_t l = 0; l < COUNT(lengths); l++) {                                                                  \
            const size_t each = lengths[l];                                                                            \
            type *const x = room(IN, rows * each, sizeof(type));                                                       \
            int32_t *const columns = room(OTHER, rows * each, sizeof *columns);                                        \
            const int64_t begins[] = {0, (int64_t)each, (int64_t)(2 * each), (int64_t)(3 * each)};                     \
            for (size_t e = 0; e < rows * each; e++)                                                                   \
                x[e] = ANY_NUMBER(type), columns[e] = (int32_t)(random_word() % 14) - 1;                               \
            cr_scaling scaling = any_scaling(TARGET, OUT2, width);                                                     \
            for (size_t j = width; j < 2 * width; j++) ((double *)scaling.f64)[j] = ((float *)scaling.f32)[j] = 0;     \
            const cr_sparse matrix = {.x = x, .size = sizeof(type), .columns = columns, .begins = begins};             \
            for (int way = 0; way < 4; way++) {                                                                        \
                const cr_entries out = sparse_room(rows, each);                                                        \
                const int32_t *const order = way & 1 ? draw_order(rows, rows) : NULL;                                  \
                AT("unpack " #name, each, way);                                                                        \
                KERNELS->unpack[CR_INPUT_##name](&out, 0, &matrix, order, rows, width, way & 2 ? &scaling : NULL);     \
                for (size_t i = 0; i < rows; i++) {                                                                    \
                    const size_t from = (order ? (size_t)order[i] : i) * each;                                         \
                    check((size_t)out.counts[i] >= each && (size_t)out.counts[i] < each + CR_SPARSE_SUMS, "row %zu",   \
                          i);                                                                                          \
                    for (size_t e = 0; e < (size_t)out.counts[i]; e++) {                                               \
                        const int known = e < each && columns[from + e] >= 0 && columns[from + e] < (int32_t)width;    \
                        const size_t column = known ? (size_t)columns[from + e] : 0;                                   \
                        const type entry = known ? x[from + e] : 0;                                                    \
                        check((size_t)out.columns[i * out.room + e] == column, "row %zu, column %zu", i, e);           \
                        want[e] = way & 2 ? SCALED(entry, column, exact) : (double)(real)entry;                        \
                    }                                                                                                  \
                    expect_equal((const real *)out.values + i * out.room, (size_t)out.counts[i]);                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
CR_INPUTS(TEST_UNPACK)

static void test_sparse(void) {
    static const size_t neurons[] = {1, 4, 8, 9, 15, 16, 17, 24, 30, 32, 33, 48, 65};
    static const size_t columns[] = {1, 2, 7, 16, 33, 100};
    for (size_t rows = 1; rows <= 7; rows += 2) {
        for (size_t n = 0; n < COUNT(neurons); n++) {
            for (size_t k = 0; k < COUNT(columns); k++) {
                for (int way = 0; way < 15; way++) check_sparse(rows, neurons[n], columns[k], way);
            }
        }
    }
}
