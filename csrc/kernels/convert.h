/* Rows of data of another type, or to be scaled, into rows as a network reads them. */

/* x <- scale ⊙ x + shift, the product rounded before the sum */
static void scale_row(real *x, const real *scale, const real *shift, size_t width) {
    for (size_t j = 0; j < width; j += LANES) {
        const size_t lanes = width - j < LANES ? width - j : LANES;
        const int whole = lanes == LANES;
        vector product = whole ? load(scale + j) * load(x + j) : load_part(scale + j, lanes) * load_part(x + j, lanes);
        ROUNDED(product);
        if (whole) {
            store(x + j, product + load(shift + j));
        } else {
            store_part(x + j, product + load_part(shift + j, lanes), lanes);
        }
    }
}

#define CONVERT(name, type, format)                                                                                    \
    static void convert_##name(real *out, const void *x, const int32_t *order, size_t rows, size_t width,              \
                               const real *scale, const real *shift) {                                                 \
        for (size_t i = 0; i < rows; i++, out += width) {                                                              \
            const type *row = (const type *)x + (order ? (size_t)order[i] : i) * width;                                \
            INDEPENDENT for (size_t j = 0; j < width; j++) out[j] = (real)row[j];                                      \
            if (scale) scale_row(out, scale, shift, width);                                                            \
        }                                                                                                              \
    }
CR_INPUTS(CONVERT)

/* Columns that the matrix does not have are passed over: whoever holds the arrays may have changed them. */
#define DENSIFY(name, type, format)                                                                                    \
    static void densify_##name(real *out, const void *x, const int32_t *columns, const int64_t *begins,                \
                               const int32_t *order, size_t rows, size_t width, const real *scale,                     \
                               const real *shift) {                                                                    \
        for (size_t i = 0; i < rows; i++, out += width) {                                                              \
            const int64_t *const begin = begins + (order ? (size_t)order[i] : i);                                      \
            memset(out, 0, width * sizeof(real));                                                                      \
            for (int64_t k = begin[0]; k < begin[1]; k++) {                                                            \
                const uint32_t column = (uint32_t)columns[k];                                                          \
                if (column < width) out[column] = (real)((const type *)x)[k];                                          \
            }                                                                                                          \
            if (scale) scale_row(out, scale, shift, width);                                                            \
        }                                                                                                              \
    }
CR_INPUTS(DENSIFY)
