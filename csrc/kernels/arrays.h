/* Moving rows about, and sums and checks over whole arrays. */

/* x - x is 0 for finite x, else NaN, and NaN stays in a sum */
static int all_finite(const real *x, size_t n) {
    real lanes[BLOCK] = {0};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += x[i + k] - x[i + k];
    }
    for (int k = 0; i < n; i++, k++) lanes[k] += x[i] - x[i];
    real total = 0;
    for (int k = 0; k < BLOCK; k++) total += lanes[k];
    return total == 0;
}

/* counted in numbers as wide as a real, which a vector holds as many of */
static size_t count_below(const real *x, size_t n, real limit) {
    bits lanes[BLOCK] = {0};
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        INDEPENDENT for (int k = 0; k < BLOCK; k++) lanes[k] += absolute(x[i + k]) < limit;
    }
    for (int k = 0; i < n; i++, k++) lanes[k] += absolute(x[i]) < limit;
    size_t total = 0;
    for (int k = 0; k < BLOCK; k++) total += lanes[k];
    return total;
}

/* Column j of every fourth row has a sum of its own, so that additions need not wait for each other. */
static void sum_rows(real *out, const real *delta, size_t rows, size_t width, size_t stride, real alpha, real beta) {
    enum { STREAMS = 4 };
    for (size_t j = 0; j < width; j += LANES) {
        const size_t columns = width - j < LANES ? width - j : LANES;
        const vector zero = {0};
        vector sums[STREAMS] = {zero, zero, zero, zero};
        size_t i = 0;
        for (; i + STREAMS <= rows; i += STREAMS) {
            UNROLL for (size_t s = 0; s < STREAMS; s++) {
                const real *x = delta + (i + s) * stride + j;
                sums[s] += columns == LANES ? load(x) : load_part(x, columns);
            }
        }
        for (; i < rows; i++) {
            const real *x = delta + i * stride + j;
            sums[0] += columns == LANES ? load(x) : load_part(x, columns);
        }
        const vector total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        scale_add(out + j, total, columns, alpha, beta);
    }
}

static void gather(real *out, const real *x, const int32_t *order, size_t rows, size_t width) {
#define SHORT_ROWS(WIDTH)                                                                                              \
    if (width == (WIDTH)) {                                                                                            \
        for (size_t i = 0; i < rows; i++) {                                                                            \
            memcpy(out + i * (WIDTH), x + (size_t)order[i] * (WIDTH), (WIDTH) * sizeof(real));                         \
        }                                                                                                              \
        return;                                                                                                        \
    }
    SHORT_ROWS(1)
    SHORT_ROWS(2)
    SHORT_ROWS(4)
#undef SHORT_ROWS
    if (width < LANES / 2) {
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < width; j++) out[i * width + j] = x[(size_t)order[i] * width + j];
        }
        return;
    }
    for (size_t i = 0; i < rows; i++, out += width) {
        const real *row = x + (size_t)order[i] * width;
        size_t j = 0;
        for (; j + LANES <= width; j += LANES) store(out + j, load(row + j));
        if (j < width) store_part(out + j, load_part(row + j, width - j), width - j);
    }
}

static void one_hot(real *out, const int32_t *labels, const int32_t *order, size_t rows, size_t width, real low) {
    for (size_t i = 0; i < rows * width; i++) out[i] = low;
    for (size_t i = 0; i < rows; i++) out[i * width + (size_t)labels[order ? (size_t)order[i] : i]] = 1;
}

/* An output that is not a number is never right. */
static size_t agreements(const real *a, const real *y, size_t rows, size_t width, real low) {
    const real middle = (low + 1) * REAL(0.5);
    size_t count = 0;
    for (size_t i = 0; i < rows; i++, a += width, y += width) {
        const int right = width == 1 ? (a[0] > middle) == (y[0] > middle) : argmax(a, width) == argmax(y, width);
        count += right && sum(a, width) == sum(a, width);
    }
    return count;
}
