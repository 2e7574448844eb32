/* One SIMD variant of all kernels in one precision. Compiled several times with
 *   CR_VARIANT   the variant's name: baseline, avx2, avx512, avx512bf16
 *   CR_DOUBLE    1 for double, 0 for float
 * and the matching instruction-set options (CMakeLists.txt). */
#include "chainrule.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if CR_DOUBLE
#define SUFFIX f64
#define TABLE cr_kernels_f64
typedef double real;
typedef uint64_t bits; /* as wide as real; unsigned, since NaN may take it round the end */
#else
#define SUFFIX f32
#define TABLE cr_kernels_f32
typedef float real;
typedef uint32_t bits;
#endif

#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)

/* Loops run over blocks of this many numbers, a whole number of vectors of every variant, so that each number goes
 * through the same instructions wherever it stands in its array; the tail goes through a padded copy. */
enum { BLOCK = 16 };

/* The iterations of the next loop are independent: in and out are the same array or do not overlap. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#elif defined(_MSC_VER)
#define INDEPENDENT __pragma(loop(ivdep))
#else
#define INDEPENDENT
#endif

/* The next loop stays a loop until it becomes vector instructions. Unrolled before, as gcc does with one of BLOCK
 * iterations, its conditional expressions become a branch for each number. */
#if defined(__GNUC__) && !defined(__clang__)
#define ROLLED _Pragma("GCC unroll 1")
#else
#define ROLLED
#endif

/* The next loop has a constant number of iterations: no loop at all, so that its arrays become registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 32")
#else
#define UNROLL
#endif

/* INLINE also for what does nothing but PREFETCH: GCC takes a call of it for a call without effect, and drops it. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define READ_LATER __asm__ volatile("" ::: "memory") /* what is read after it is not read before it */
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINE static inline
#define NOINLINE
#define READ_LATER ((void)0)
#define PREFETCH(address) ((void)(address))
#endif

#if defined(__AVX512BF16__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

#include "vector.h"

#include "numbers.h"

#include "normal.h"
#include "reductions.h"

#include "activations.h"
#include "arrays.h"
#include "convert.h"
#include "costs.h"
#include "dropout.h"
#include "inner.h"

#include "gemm.h"
#if !CR_DOUBLE
#include "gemm_bf16.h"
#endif
#include "sparse.h"
#include "updates.h"

#define ENTRY_ACTIVATE(name, x) name##_values,
#define ENTRY_PRIME(name, x) name##_prime,
#define ENTRY_UPDATE(name) name,
#define ENTRY_CONVERT(name, type, formats, exact) convert_##name,
#define ENTRY_DENSIFY(name, type, formats, exact) densify_##name,
#define ENTRY_UNPACK(name, type, formats, exact) unpack_##name,
#define ENTRY_COST(name, output, low) name##_cost,
#define ENTRY_DELTA(name, output, low) name##_delta,

#if defined(__AVX512BF16__) /* has one kernel that avx512 has not (simd.c) */

#if !CR_DOUBLE
extern const TABLE JOIN(cr_kernels, CR_VARIANT, SUFFIX);
const TABLE JOIN(cr_kernels, CR_VARIANT, SUFFIX) = {.gemm_bfloat16 = gemm_bfloat16};
#endif

#else

extern const TABLE JOIN(cr_kernels, CR_VARIANT, SUFFIX);
const TABLE JOIN(cr_kernels, CR_VARIANT, SUFFIX) = {
    .activate = {CR_ACTIVATIONS(ENTRY_ACTIVATE)},
    .activate_prime = {CR_ACTIVATIONS(ENTRY_PRIME)},
    .cost = {CR_COSTS(ENTRY_COST)},
    .cost_delta = {CR_COSTS(ENTRY_DELTA)},
    .all_finite = all_finite,
    .sum_rows = sum_rows,
    .gather = gather,
    .convert = {CR_INPUTS(ENTRY_CONVERT)},
    .densify = {CR_INPUTS(ENTRY_DENSIFY)},
    .one_hot = one_hot,
    .agreements = agreements,
    .update = {CR_OPTIMIZERS(ENTRY_UPDATE)},
    .dropout = dropout,
    .random_words = philox,
    .multiply = multiply,
    .limit_rows = limit_rows,
    .clip = clip,
    .sum_of_squares = sum_of_squares,
    .count_below = count_below,
    .move_average = move_average,
    .small = SMALL,
    .gemm_way = gemm_way,
    .gemm = gemm,
#if !CR_DOUBLE
    .gemm_bfloat16 = gemm_bfloat16,
#endif
    .unpack = {CR_INPUTS(ENTRY_UNPACK)},
    .sparse_forward = sparse_forward,
    .sparse_outer = sparse_outer,
    .stripe = stripe,
    .unstripe = unstripe,
};

#endif
