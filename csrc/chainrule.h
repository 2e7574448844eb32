/* The C half of chainrule's core: what C does better than Cython.
 *
 * Arrays are flat and in C order; (rows, width) gives a matrix its shape, one sample a row. Arguments run outputs,
 * inputs, sizes. `real` is float or double: every kernel exists for both, compiled once per SIMD variant from the same
 * source (variant.c). Nothing here allocates, prints, exits or calls Python.
 *
 * To add an activation or a cost: write its functions in activations.h or costs.h and name it in the list below.
 */
#ifndef CHAINRULE_H
#define CHAINRULE_H

#include <stddef.h>
#include <stdint.h>

#include "philox.h"

/* X(name, x): an activation sigma has `name`_values, a <- sigma(z), and `name`_prime, delta <- delta ⊙ sigma'(z), where
 * sigma' is computed from x, which is a or z. */
#define CR_ACTIVATIONS(X)                                                                                              \
    X(sigmoid, a)                                                                                                      \
    X(tanh, a)                                                                                                         \
    X(relu, a)                                                                                                         \
    X(leaky_relu, a)                                                                                                   \
    X(elu, z)                                                                                                          \
    X(selu, z)                                                                                                         \
    X(softplus, a)                                                                                                     \
    X(gelu, z)                                                                                                         \
    X(swish, z)                                                                                                        \
    X(mish, z)                                                                                                         \
    X(softsign, z)                                                                                                     \
    X(hard_sigmoid, a)                                                                                                 \
    X(exponential, a)                                                                                                  \
    X(identity, a)                                                                                                     \
    X(step, a)                                                                                                         \
    X(softmax, a)

/* X(name, output, low): a cost C has `name_cost` and `name_delta`. Where `output` names an activation, the cost is for
 * that output alone and `name_delta` is delta^L in closed form; where it is `any`, `name_delta` is the gradient of C
 * with respect to a^L, and BP1 multiplies by sigma'(z^L). The target of a class is 1, that of every other class is low.
 */
#define CR_COSTS(X)                                                                                                    \
    X(quadratic, any, 0)                                                                                               \
    X(squared_error, any, 0)                                                                                           \
    X(absolute_error, any, 0)                                                                                          \
    X(huber, any, 0)                                                                                                   \
    X(quantile, any, 0)                                                                                                \
    X(hinge, any, -1)                                                                                                  \
    X(cross_entropy, sigmoid, 0)                                                                                       \
    X(log_likelihood, softmax, 0)                                                                                      \
    X(poisson, exponential, 0)                                                                                         \
    X(gaussian, identity, 0)

/* X(name): an optimiser has an update of the parameters by that name. */
#define CR_OPTIMIZERS(X) X(sgd) X(adagrad) X(rmsprop) X(adam) X(adamax) X(rprop)

/* X(name, type, formats, exact): inputs may come in this type. Its code in Python's buffers is one of `formats`: on
 * each system the one of its size. exact: whether float holds all its numbers, so that a float network scales them in
 * float; the others it scales in double, before they are rounded. */
#define CR_INPUTS(X)                                                                                                   \
    X(float32, float, "f", 1)                                                                                          \
    X(float64, double, "d", 0)                                                                                         \
    X(uint8, uint8_t, "B", 1)                                                                                          \
    X(int16, int16_t, "h", 1)                                                                                          \
    X(uint16, uint16_t, "H", 1)                                                                                        \
    X(int32, int32_t, "il", 0)                                                                                         \
    X(int64, int64_t, "lq", 0)

#define CR_ENUM_ACTIVATION(name, x) CR_ACTIVATION_##name,
#define CR_ENUM_COST(name, output, low) CR_COST_##name,
enum { CR_ACTIVATION_any = -1, CR_ACTIVATIONS(CR_ENUM_ACTIVATION) CR_ACTIVATION_COUNT };
enum { CR_COSTS(CR_ENUM_COST) CR_COST_COUNT };
#define CR_ENUM_OPTIMIZER(name) CR_OPTIMIZER_##name,
enum { CR_OPTIMIZERS(CR_ENUM_OPTIMIZER) CR_OPTIMIZER_COUNT };
#define CR_ENUM_INPUT(name, type, formats, exact) CR_INPUT_##name,
enum { CR_INPUTS(CR_ENUM_INPUT) CR_INPUT_COUNT };

extern const char *const cr_activation_names[CR_ACTIVATION_COUNT];
extern const char cr_activation_sources[CR_ACTIVATION_COUNT]; /* what sigma' is computed from: 'a' or 'z' */
extern const char *const cr_cost_names[CR_COST_COUNT];
extern const char *const cr_optimizer_names[CR_OPTIMIZER_COUNT];
extern const char *const cr_input_names[CR_INPUT_COUNT];
extern const char *const cr_input_formats[CR_INPUT_COUNT];
extern const size_t cr_input_sizes[CR_INPUT_COUNT]; /* bytes of a number */
extern const int cr_cost_outputs[CR_COST_COUNT];    /* the one output activation it is for, or CR_ACTIVATION_any */
extern const int cr_cost_lows[CR_COST_COUNT];       /* the target of the other classes */

/* Whether a (m, k) has so few and so long rows that a w^T may go by dot products of rows. */
static inline int cr_few_long_rows(size_t m, size_t k) { return k >= 8 * m; }

/* How a product is made: by one of the kernels of gemm.h, or, from CR_BLAS on, by a BLAS in cells of CR_CELL(way) rows
 * or columns; CR_OWN_WAY: as its own size says. In float also of factors rounded to bfloat16 (gemm_bf16.h), which no
 * size asks for. */
enum { CR_OWN_WAY = -1, CR_INNER, CR_NARROW, CR_OUTER, CR_BFLOAT16, CR_BLAS, CR_LAST_WAY = CR_BLAS + 2 };
#define CR_CELL(way) ((size_t)64 << ((way) - CR_BLAS))

/* Rows of a data set that will be gathered soon, order[0..rows) of x (., width): scattered over memory, they take their
 * time to come. */
typedef struct {
    const void *x;
    const int32_t *order;
    size_t rows, width;
} cr_rows;

/* What inputs x are multiplied by, and what is added then: two rows (2, width), in double as they were given, and as
 * float rounds them. */
typedef struct {
    const float *f32;
    const double *f64;
} cr_scaling;

/* Weights that sparse rows meet stand in stripes of neurons, each two cache lines wide (sparse.h). */
enum { CR_STRIPE_BYTES = 128 };

/* The most sums of one sparse row that go on at once: its entries are filled up with zeros to a multiple. */
enum { CR_SPARSE_SUMS = 4 };

/* What is not 0 in the sparse rows of a tile, as numbers of the network's own type: row i has counts[i] of them, those
 * it is filled up with counted, from i * room on in both arrays. `room` is CR_SPARSE_SUMS more than any row has
 * numbers. */
typedef struct {
    void *values;
    int32_t *columns;
    int32_t *counts;
    size_t room;
} cr_entries;

/* A sparse matrix: row i has the numbers x[begins[i]..begins[i + 1]), of so many bytes each, in these columns. The rows
 * order[0..coming) will be read next, and order[coming..later) after these. */
typedef struct {
    const void *x;
    size_t size;
    const int32_t *columns;
    const int64_t *begins;
    const int32_t *order;
    size_t coming, later;
} cr_sparse;

/* What an optimiser's update needs to know; each uses some of it. */
typedef struct {
    double rate;                  /* the learning rate */
    double beta1, beta2, epsilon; /* momentum is beta1 */
    double bias1, bias2;          /* 1 - beta1^t and 1 - beta2^t in step t = 1, 2, ... */
    double decay;                 /* of weights, apart from the gradient (AdamW) */
    double l1, l2;                /* penalties: the gradient gains l1 sign(w) + l2 w */
    double scale;                 /* the gradient is multiplied by it: 1, or less where it is clipped by its norm */
    double least, most;           /* steps (rprop) */
    int nesterov;
} cr_update;

/* All kernels of one precision. */
#define CR_DECLARE_KERNELS(real, suffix)                                                                               \
    typedef struct {                                                                                                   \
        /* a <- sigma(z), with the activation's parameter p where it has one; in place where a == z */                 \
        void (*activate[CR_ACTIVATION_COUNT])(real *a, const real *z, size_t rows, size_t width, real p);              \
        /* delta <- delta ⊙ sigma'(z), with sigma' computed from x = a or x = z, as cr_activation_sources says */      \
        void (*activate_prime[CR_ACTIVATION_COUNT])(real *delta, const real *x, size_t rows, size_t width, real p);    \
        /* the sum over the rows of the cost of one sample; p are the cost's parameters where it has some; where u is  \
         * not NULL each output's share counts u times, which the costs that couple outputs do not know */             \
        double (*cost[CR_COST_COUNT])(const real *z, const real *a, const real *y, const real *u, size_t rows,         \
                                      size_t width, const double *p);                                                  \
        /* delta <- dC/da, or delta^L where the cost is for one output activation */                                   \
        void (*cost_delta[CR_COST_COUNT])(real *delta, const real *z, const real *a, const real *y, size_t rows,       \
                                          size_t width, const double *p);                                              \
        /* 1 if no x is infinite or NaN, else 0 */                                                                     \
        int (*all_finite)(const real *x, size_t n);                                                                    \
        /* BP3: out (width) <- beta out + alpha * column sums of delta (rows, width); rows stand `stride` apart */     \
        void (*sum_rows)(real *out, const real *delta, size_t rows, size_t width, size_t stride, real alpha,           \
                         real beta);                                                                                   \
        /* out (rows, width) <- rows order[0..rows) of x (., width) */                                                 \
        void (*gather)(real *out, const real *x, const int32_t *order, size_t rows, size_t width);                     \
        /* the same of an x of another type, or where numbers are to be scaled: each x_k becomes scale_k x_k +         \
         * shift_k (NULL: stays), the product rounded before the sum, both in real if float holds all numbers of this  \
         * type, else in double and then rounded to real; order NULL: the first rows */                                \
        void (*convert[CR_INPUT_COUNT])(real *out, const void *x, const int32_t *order, size_t rows, size_t width,     \
                                        const cr_scaling *scaling);                                                    \
        /* the same of a sparse matrix: row i has the numbers x[begins[i]..begins[i + 1]), in these columns */         \
        void (*densify[CR_INPUT_COUNT])(real *out, const void *x, const int32_t *columns, const int64_t *begins,       \
                                        const int32_t *order, size_t rows, size_t width, const cr_scaling *scaling);   \
        /* out (rows, width) <- 1 at the label of each row, labels[order[i]] or labels[i] without an order, else low   \
         */                                                                                                            \
        void (*one_hot)(real *out, const int32_t *labels, const int32_t *order, size_t rows, size_t width, real low);  \
        /* the number of rows whose largest entry (the first of equals) stands in the same column in a and y; of one   \
         * column, those that lie on the same side of the middle between low and 1 */                                  \
        size_t (*agreements)(const real *a, const real *y, size_t rows, size_t width, real low);                       \
        /* one step of an optimiser (updates.h has the formulas); s and t are its states, NULL where it has none */    \
        void (*update[CR_OPTIMIZER_COUNT])(real *w, real *s, real *t, const real *gradient, size_t n,                  \
                                           const cr_update *update);                                                   \
        /* mask <- 0 with probability p, else 1/(1 - p); out <- a ⊙ mask. The mask is drawn from the stream of       \
         * (seed, stream), whose block `first` begins a mask of which this is a part, from number `from` on; a mask    \
         * of n takes up to n + 63 blocks. */                                                                          \
        void (*dropout)(real *out, real *mask, const real *a, size_t n, double p, uint64_t seed, uint64_t stream,      \
                        uint64_t first, size_t from);                                                                  \
        /* PHILOX_BLOCKS blocks of four random words from block `counter` on, the first words of all together, then    \
         * the second ones ... */                                                                                      \
        void (*random_words)(uint32_t words[4][PHILOX_BLOCKS], const uint32_t counter[4], const uint32_t key[2]);      \
        /* x <- x ⊙ y */                                                                                               \
        void (*multiply)(real *x, const real *y, size_t n);                                                            \
        /* every row of w (rows, width) no longer than limit */                                                        \
        void (*limit_rows)(real *w, size_t rows, size_t width, real limit);                                            \
        /* every x between -limit and limit */                                                                         \
        void (*clip)(real *x, size_t n, real limit);                                                                   \
        double (*sum_of_squares)(const real *x, size_t n);                                                             \
        /* how many |x| are below limit */                                                                             \
        size_t (*count_below)(const real *x, size_t n, real limit);                                                    \
        /* average <- keep average + (1 - keep) w */                                                                   \
        void (*move_average)(real *average, const real *w, size_t n, double keep);                                     \
        /* up to this many products m n k our own gemm is as fast as a BLAS, or faster; it depends on the variant      \
         * alone */                                                                                                    \
        double small;                                                                                                  \
        /* which kernel a product of that size goes by; parts of it go the same way */                                 \
        int (*gemm_way)(int trans_a, int trans_b, size_t m, size_t n, size_t k);                                       \
        /* c (m, n) <- alpha op(a) op(b) + beta c, in row-major order, op(x) = x or its transpose: plain C. Where      \
         * `row` (n,) is not NULL it is added to every row, in the place of beta c; a is not transposed then. Memory   \
         * may be asked for the rows that come `next`, behind the arithmetic. */                                       \
        void (*gemm)(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha, const real *a,       \
                     size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc, const real *row,           \
                     const cr_rows *next);                                                                             \
        /* the same of a and b rounded to bfloat16, for CR_BFLOAT16; NULL in double */                                 \
        void (*gemm_bfloat16)(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, real alpha,             \
                              const real *a, size_t lda, const real *b, size_t ldb, real beta, real *c, size_t ldc,    \
                              const real *row, const cr_rows *next);                                                   \
        /* the rows of out from `first` on <- those that are order[0..rows) of x (., k), or its first ones where order \
         * is NULL, scaled likewise unless `scaling` is NULL; its shift is 0 */                                        \
        void (*unpack[CR_INPUT_COUNT])(const cr_entries *out, size_t first, const cr_sparse *x, const int32_t *order,  \
                                       size_t rows, size_t k, const cr_scaling *scaling);                              \
        /* z (rows, n) <- a w^T + b, in rows ldz apart, for the rows a of x (., k) from `first` on, striped w          \
         * (sparse.h) and b (n,) or NULL, asking memory for the rows that come next, unless that is NULL */            \
        void (*sparse_forward)(real *z, size_t ldz, const cr_entries *x, size_t first, size_t rows, const real *w,     \
                               size_t n, size_t k, const real *b, const cr_sparse *next);                              \
        /* w (n, k), striped, <- beta w + alpha delta^T x for delta (rows, n) in rows ldd apart and sparse x (rows, k) \
         */                                                                                                            \
        void (*sparse_outer)(real *w, const cr_entries *x, const real *delta, size_t ldd, size_t rows, size_t n,       \
                             size_t k, real alpha, real beta);                                                         \
        /* striped (⌈n / stripe⌉, k, stripe) <- w (n, k), and back */                                                  \
        void (*stripe)(real *striped, const real *w, size_t n, size_t k);                                              \
        void (*unstripe)(real *w, const real *striped, size_t n, size_t k);                                            \
    } cr_kernels_##suffix;

CR_DECLARE_KERNELS(float, f32)
CR_DECLARE_KERNELS(double, f64)

/* The kernels of the best SIMD variant this processor has; set by cr_select_simd. */
extern const cr_kernels_f32 *cr_f32;
extern const cr_kernels_f64 *cr_f64;

/* Select the SIMD variant of that name, or the best one where name is NULL. Returns the name of the variant selected,
 * or NULL (and changes nothing) where the processor or this build has none of that name. */
const char *cr_select_simd(const char *name);

/* The one seam to BLAS (blas.c): c (m, n) <- alpha op(a) op(b) + beta c or + row, by the kernel above where that is
 * faster or there is no BLAS. Every size and stride is below 2^31.
 *
 * A product may be made in parts, by several threads: rows of c where a is transposed, else columns. They come out as
 * in the whole if they go by its way, and if those that go to a BLAS begin and end at multiples of CR_CELL(way): it
 * gets cells of so many rows or columns in any case, since what it makes of one number may depend on how many others
 * it makes. */
int cr_gemm_way_f32(int trans_a, int trans_b, size_t m, size_t n, size_t k);
int cr_gemm_way_f64(int trans_a, int trans_b, size_t m, size_t n, size_t k);
void cr_gemm_f32(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                 size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc, const float *row,
                 const cr_rows *next);
void cr_gemm_f64(int way, int trans_a, int trans_b, size_t m, size_t n, size_t k, double alpha, const double *a,
                 size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc, const double *row,
                 const cr_rows *next);

/* Have cr_gemm use the BLAS of this build: the bundled one at `path`, one thread a call, or the one it is linked with.
 * Returns NULL, or why it could not be loaded. Call it once, before any cr_gemm. */
const char *cr_open_blas(const char *path);
const char *cr_blas_name(void);

/* A permutation of 0..n-1 drawn for (seed, stream): the same on every machine. See shuffle.c. */
void cr_shuffle(int32_t *order, size_t n, uint64_t seed, uint64_t stream);

/* The first block of Philox4x32-10, for the tests of the generator. */
void cr_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* team.c: threads that work together. A team has `threads` of them, the caller among them, or fewer: where all teams
 * together would have more than `cores` (0: no limit), or where the system has no more. NULL is a team of one. */
typedef struct cr_team cr_team;
typedef void (*cr_part)(void *context, size_t part, int thread);
cr_team *cr_team_open(int threads, int cores);
int cr_team_size(const cr_team *team);
/* Have part(context, i, thread) done for i = 0 ... parts - 1, by any thread 0 ... size - 1 in any order; returns when
 * all are done. The caller is thread 0. */
void cr_team_run(cr_team *team, cr_part part, void *context, size_t parts);
void cr_team_close(cr_team *team);

/* Makes what a thread needs to compute, unless it has it; NULL: it needs nothing. */
extern int (*cr_make_ready)(void);

/* Whether the calling thread can compute; 0: there is no memory for what it needs. To be asked before it does: workers
 * do, and without it leave their parts to others. */
static inline int cr_is_ready(void) { return !cr_make_ready || cr_make_ready(); }

/* platform.c: all else that is not standard C11. */
double cr_seconds(void);              /* since some moment in the past */
void *cr_aligned_alloc(size_t bytes); /* 64-byte aligned and zeroed, or NULL; bytes > 0 */
void cr_aligned_free(void *block);
int cr_has_memory(size_t bytes);         /* whether so much could be had at this moment */
void *cr_library_open(const char *path); /* private to the caller: its symbols are not offered to other libraries */
void *cr_library_symbol(void *library, const char *name);
const char *cr_library_error(void);
int cr_getenv(const char *name, char *value, size_t size); /* 1 if it is set and was copied to value */
void cr_setenv(const char *name, const char *value);       /* NULL removes it */
typedef struct {
    int avx2, avx512, avx512bf16; /* usable: the processor has them, with FMA, and the system saves their registers */
} cr_cpu;
cr_cpu cr_detect_cpu(void);

#endif
