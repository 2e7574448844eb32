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

/* Whether numbers of a type are scaled in double and rounded then: float would round 1.7e9 + 1 before a shift could
 * make it 1. */
#define IN_DOUBLE(exact) (!(exact) && !CR_DOUBLE)

/* products of a row that wait in memory for their shifts, so that none is fused with its sum */
enum { PRODUCTS = 64 };

/* out <- scale ⊙ x + shift in double, both (width,), the product rounded before the sum */
#define SCALE_IN_DOUBLE(name, type, formats, exact)                                                                    \
    INLINE void scale_##name(real *out, const type *x, const double *scale, const double *shift, size_t width) {       \
        double products[PRODUCTS];                                                                                     \
        for (size_t first = 0; first < width; first += PRODUCTS) {                                                     \
            const size_t n = width - first < PRODUCTS ? width - first : PRODUCTS;                                      \
            INDEPENDENT for (size_t j = 0; j < n; j++) products[j] = scale[first + j] * (double)x[first + j];          \
            ALL_ROUNDED(products);                                                                                     \
            INDEPENDENT for (size_t j = 0; j < n; j++) out[first + j] = (real)(products[j] + shift[first + j]);        \
        }                                                                                                              \
    }
CR_INPUTS(SCALE_IN_DOUBLE)

#define CONVERT(name, type, formats, exact)                                                                            \
    static void convert_##name(real *out, const void *x, const int32_t *order, size_t rows, size_t width,              \
                               const cr_scaling *scaling) {                                                            \
        if (IN_DOUBLE(exact) && scaling) { /* a loop of its own: the other is slower where both are one */             \
            for (size_t i = 0; i < rows; i++, out += width) {                                                          \
                const type *row = (const type *)x + (order ? (size_t)order[i] : i) * width;                            \
                scale_##name(out, row, scaling->f64, scaling->f64 + width, width);                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t i = 0; i < rows; i++, out += width) {                                                              \
            const type *row = (const type *)x + (order ? (size_t)order[i] : i) * width;                                \
            INDEPENDENT for (size_t j = 0; j < width; j++) out[j] = (real)row[j];                                      \
            if (scaling) scale_row(out, scaling->SUFFIX, scaling->SUFFIX + width, width);                              \
        }                                                                                                              \
    }
CR_INPUTS(CONVERT)

/* Columns that the matrix does not have are passed over: whoever holds the arrays may have changed them. Scaled in
 * double the numbers come after those that are 0. */
#define DENSIFY(name, type, formats, exact)                                                                            \
    INLINE void densify_##name##_in_double(real *out, const type *x, const int32_t *columns, size_t count,             \
                                           size_t width, const double *scale, const double *shift) {                   \
        INDEPENDENT for (size_t j = 0; j < width; j++) out[j] = (real)(scale[j] * 0 + shift[j]);                       \
        for (size_t k = 0; k < count; k++) {                                                                           \
            const uint32_t column = (uint32_t)columns[k];                                                              \
            if (column < width) scale_##name(out + column, x + k, scale + column, shift + column, 1);                  \
        }                                                                                                              \
    }                                                                                                                  \
    static void densify_##name(real *out, const void *x, const int32_t *columns, const int64_t *begins,                \
                               const int32_t *order, size_t rows, size_t width, const cr_scaling *scaling) {           \
        if (IN_DOUBLE(exact) && scaling) {                                                                             \
            for (size_t i = 0; i < rows; i++, out += width) {                                                          \
                const int64_t *const begin = begins + (order ? (size_t)order[i] : i);                                  \
                densify_##name##_in_double(out, (const type *)x + begin[0], columns + begin[0],                        \
                                           (size_t)(begin[1] - begin[0]), width, scaling->f64, scaling->f64 + width);  \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t i = 0; i < rows; i++, out += width) {                                                              \
            const int64_t *const begin = begins + (order ? (size_t)order[i] : i);                                      \
            memset(out, 0, width * sizeof(real));                                                                      \
            for (int64_t k = begin[0]; k < begin[1]; k++) {                                                            \
                const uint32_t column = (uint32_t)columns[k];                                                          \
                if (column < width) out[column] = (real)((const type *)x)[k];                                          \
            }                                                                                                          \
            if (scaling) scale_row(out, scaling->SUFFIX, scaling->SUFFIX + width, width);                              \
        }                                                                                                              \
    }
CR_INPUTS(DENSIFY)
