/* A SIMD register as a C type: `vector` holds LANES numbers; + - * work on it lane by lane. Compilers without GNU
 * vector types get a register of one lane. */

#if defined(__AVX2__) && !defined(_MSC_VER)
#include <immintrin.h>
#define X86_VECTORS 1
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define ARM_VECTORS 1
#endif

#if defined(__GNUC__)
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64 };
#elif defined(__AVX2__)
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif
typedef real vector __attribute__((vector_size(VECTOR_BYTES), may_alias));
#else
enum { VECTOR_BYTES = sizeof(real) };
typedef real vector;
#endif
enum { LANES = VECTOR_BYTES / sizeof(real) };

INLINE vector load(const real *x) {
    vector v;
    memcpy(&v, x, sizeof v);
    return v;
}

INLINE void store(real *x, vector v) { memcpy(x, &v, sizeof v); }

/* x is rounded here: a compiler that may fuse a product with the addition that follows has no choice between two, which
 * it need not make in the same way in all places where this is inlined. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
#define ROUNDED(x) __asm__("" : "+x"(x))
#elif defined(__GNUC__) && defined(__aarch64__)
#define ROUNDED(x) __asm__("" : "+w"(x))
#elif defined(__GNUC__)
#define ROUNDED(x) __asm__("" : "+m"(x))
#else
#define ROUNDED(x) ((void)0)
#endif

/* The same of all numbers of an array, which then lie in memory. */
#if defined(__GNUC__)
#define ALL_ROUNDED(array) __asm__("" : "+m"(array))
#else
#define ALL_ROUNDED(array) ((void)0)
#endif

/* What an instruction set does in its own way:
 *   load_part, store_part  the first n < LANES numbers; the other lanes are 0, and memory beyond is not touched
 *   QUICK_PARTS            whether load_part is as quick as load
 *   half                   a register of half the lanes, of which the processor does two in the time of one, where
 *                          there is such a one (HALVES): load_half, the first n <= LANES / 2 numbers; widened, a vector
 *                          whose other lanes hold anything
 *   twice, pair            where registers have halves that are loaded each for itself (PAIRS): x, y <- half a register
 *                          of numbers at x in both halves; of x in the first, of y in the second. twice_part and
 *                          pair_part, the first n <= LANES / 2 of them, 0 in the other lanes. pair_sums: lanes 2i and
 *                          2i + 1 are the sums of the first and the second half of x[i], i < LANES / 2
 *   zip                    low, high <- the two halves of a0 b0 a1 b1 ...
 *   multiply_add           a b + c, fused or not, but the same in all places where it is inlined: a compiler may fuse
 *                          the two in one of them and not in another */

#if defined(X86_VECTORS)
enum { QUICK_PARTS = 1 };
#else
enum { QUICK_PARTS = 0 };
#endif

#if defined(X86_VECTORS) && defined(__AVX512F__) && CR_DOUBLE

INLINE vector load_part(const real *x, size_t n) { return (vector)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), x); }
INLINE void store_part(real *x, vector v, size_t n) { _mm512_mask_storeu_pd(x, (__mmask8)((1u << n) - 1), (__m512d)v); }
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
typedef real half __attribute__((vector_size(32), may_alias));
INLINE half load_half(const real *x, size_t n) { return (half)_mm256_maskz_loadu_pd((__mmask8)((1u << n) - 1), x); }
INLINE vector widened(half x) { return (vector)_mm512_castpd256_pd512((__m256d)x); }
INLINE __m256d first_half(const real *x, size_t n) { return _mm256_maskz_loadu_pd((__mmask8)((1u << n) - 1), x); }
INLINE vector twice(const real *x) { return (vector)_mm512_broadcast_f64x4(_mm256_loadu_pd(x)); }
INLINE vector twice_part(const real *x, size_t n) { return (vector)_mm512_broadcast_f64x4(first_half(x, n)); }
INLINE vector pair(const real *x, const real *y) {
    return (vector)_mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(x)), _mm256_loadu_pd(y), 1);
}
INLINE vector pair_part(const real *x, const real *y, size_t n) {
    return (vector)_mm512_insertf64x4(_mm512_castpd256_pd512(first_half(x, n)), first_half(y, n), 1);
}
INLINE __m512d by_twos(vector x, vector y) {
    return _mm512_unpacklo_pd((__m512d)x, (__m512d)y) + _mm512_unpackhi_pd((__m512d)x, (__m512d)y);
}
INLINE vector pair_sums(const vector x[LANES / 2]) {
    const __m512d a = by_twos(x[0], x[1]), b = by_twos(x[2], x[3]);
    const __m512d sums = _mm512_shuffle_f64x2(a, b, 0x88) + _mm512_shuffle_f64x2(a, b, 0xdd);
    return (vector)_mm512_permutexvar_pd(_mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7), sums);
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    const __m512i first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i second = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    *low = (vector)_mm512_permutex2var_pd((__m512d)a, first, (__m512d)b);
    *high = (vector)_mm512_permutex2var_pd((__m512d)a, second, (__m512d)b);
}

#elif defined(X86_VECTORS) && defined(__AVX512F__)

INLINE vector load_part(const real *x, size_t n) {
    return (vector)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), x);
}
INLINE void store_part(real *x, vector v, size_t n) { _mm512_mask_storeu_ps(x, (__mmask16)((1u << n) - 1), (__m512)v); }
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
typedef real half __attribute__((vector_size(32), may_alias));
INLINE half load_half(const real *x, size_t n) { return (half)_mm256_maskz_loadu_ps((__mmask8)((1u << n) - 1), x); }
INLINE vector widened(half x) { return (vector)_mm512_castps256_ps512((__m256)x); }
INLINE __m256 first_half(const real *x, size_t n) { return _mm256_maskz_loadu_ps((__mmask8)((1u << n) - 1), x); }
INLINE vector twice(const real *x) { return (vector)_mm512_broadcast_f32x8(_mm256_loadu_ps(x)); }
INLINE vector twice_part(const real *x, size_t n) { return (vector)_mm512_broadcast_f32x8(first_half(x, n)); }
INLINE vector pair(const real *x, const real *y) {
    return (vector)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(x)), _mm256_loadu_ps(y), 1);
}
INLINE vector pair_part(const real *x, const real *y, size_t n) {
    return (vector)_mm512_insertf32x8(_mm512_castps256_ps512(first_half(x, n)), first_half(y, n), 1);
}
INLINE __m512 by_twos(vector x, vector y) {
    return _mm512_unpacklo_ps((__m512)x, (__m512)y) + _mm512_unpackhi_ps((__m512)x, (__m512)y);
}
INLINE __m512 by_fours(const vector *x) {
    const __m512d a = (__m512d)by_twos(x[0], x[1]), b = (__m512d)by_twos(x[2], x[3]);
    return (__m512)_mm512_unpacklo_pd(a, b) + (__m512)_mm512_unpackhi_pd(a, b);
}
INLINE vector pair_sums(const vector x[LANES / 2]) {
    const __m512 a = by_fours(x), b = by_fours(x + 4);
    const __m512 sums = _mm512_shuffle_f32x4(a, b, 0x88) + _mm512_shuffle_f32x4(a, b, 0xdd);
    const __m512i order = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    return (vector)_mm512_permutexvar_ps(order, sums);
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    *low = (vector)_mm512_permutex2var_ps((__m512)a, first, (__m512)b);
    *high = (vector)_mm512_permutex2var_ps((__m512)a, second, (__m512)b);
}

#elif defined(X86_VECTORS) && CR_DOUBLE

INLINE __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}
INLINE vector load_part(const real *x, size_t n) { return (vector)_mm256_maskload_pd(x, first_lanes(n)); }
INLINE void store_part(real *x, vector v, size_t n) { /* some processors take 20 cycles for a masked store */
    __m128d part = _mm256_castpd256_pd128((__m256d)v);
    if (n & 2) {
        _mm_storeu_pd(x, part);
        x += 2;
        part = _mm256_extractf128_pd((__m256d)v, 1);
    }
    if (n & 1) _mm_store_sd(x, part);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
INLINE vector pair(const real *x, const real *y) {
    return (vector)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(x)), _mm_loadu_pd(y), 1);
}
INLINE vector twice(const real *x) { return pair(x, x); }
INLINE vector pair_part(const real *x, const real *y, size_t n) {
    const __m128i part = _mm256_castsi256_si128(first_lanes(n));
    return (vector)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_maskload_pd(x, part)), _mm_maskload_pd(y, part), 1);
}
INLINE vector twice_part(const real *x, size_t n) { return pair_part(x, x, n); }
INLINE vector pair_sums(const vector x[LANES / 2]) {
    const __m256d sums = _mm256_hadd_pd((__m256d)x[0], (__m256d)x[1]);
    return (vector)_mm256_permute4x64_pd(sums, 0xd8);
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    __m256d even = _mm256_unpacklo_pd((__m256d)a, (__m256d)b), odd = _mm256_unpackhi_pd((__m256d)a, (__m256d)b);
    *low = (vector)_mm256_permute2f128_pd(even, odd, 0x20);
    *high = (vector)_mm256_permute2f128_pd(even, odd, 0x31);
}

#elif defined(X86_VECTORS)

INLINE __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vector load_part(const real *x, size_t n) { return (vector)_mm256_maskload_ps(x, first_lanes(n)); }
INLINE void store_part(real *x, vector v, size_t n) { /* some processors take 20 cycles for a masked store */
    __m128 part = _mm256_castps256_ps128((__m256)v);
    if (n & 4) {
        _mm_storeu_ps(x, part);
        x += 4;
        part = _mm256_extractf128_ps((__m256)v, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)x, part);
        x += 2;
        part = _mm_movehl_ps(part, part);
    }
    if (n & 1) _mm_store_ss(x, part);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE vector pair(const real *x, const real *y) {
    return (vector)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)), _mm_loadu_ps(y), 1);
}
INLINE vector twice(const real *x) { return (vector)_mm256_broadcast_ps((const __m128 *)x); }
INLINE vector pair_part(const real *x, const real *y, size_t n) {
    const __m128i part = _mm256_castsi256_si128(first_lanes(n));
    return (vector)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_maskload_ps(x, part)), _mm_maskload_ps(y, part), 1);
}
INLINE vector twice_part(const real *x, size_t n) { return pair_part(x, x, n); }
INLINE __m256 by_twos(vector x, vector y) {
    return _mm256_unpacklo_ps((__m256)x, (__m256)y) + _mm256_unpackhi_ps((__m256)x, (__m256)y);
}
INLINE vector pair_sums(const vector x[LANES / 2]) {
    const __m256d a = (__m256d)by_twos(x[0], x[1]), b = (__m256d)by_twos(x[2], x[3]);
    const __m256 sums = (__m256)_mm256_unpacklo_pd(a, b) + (__m256)_mm256_unpackhi_pd(a, b);
    return (vector)_mm256_permutevar8x32_ps(sums, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    __m256 even = _mm256_unpacklo_ps((__m256)a, (__m256)b), odd = _mm256_unpackhi_ps((__m256)a, (__m256)b);
    *low = (vector)_mm256_permute2f128_ps(even, odd, 0x20);
    *high = (vector)_mm256_permute2f128_ps(even, odd, 0x31);
}

#elif defined(ARM_VECTORS) && CR_DOUBLE

INLINE vector load_part(const real *x, size_t n) {
    const float64x2_t none = vdupq_n_f64(0);
    return n == 0 ? (vector)none : n == 1 ? (vector)vld1q_lane_f64(x, none, 0) : load(x);
}
INLINE void store_part(real *x, vector v, size_t n) {
    if (n == 1) {
        vst1q_lane_f64(x, (float64x2_t)v, 0);
    } else if (n) {
        store(x, v);
    }
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    *low = (vector)vzip1q_f64((float64x2_t)a, (float64x2_t)b);
    *high = (vector)vzip2q_f64((float64x2_t)a, (float64x2_t)b);
}

#elif defined(ARM_VECTORS)

INLINE vector load_part(const real *x, size_t n) {
    float32x4_t v = vdupq_n_f32(0);
    if (n >= 4) return load(x);
    if (n >= 2) v = vcombine_f32(vld1_f32(x), vdup_n_f32(0));
    if (n == 3) v = vld1q_lane_f32(x + 2, v, 2);
    if (n == 1) v = vld1q_lane_f32(x, v, 0);
    return (vector)v;
}
INLINE void store_part(real *x, vector v, size_t n) {
    if (n >= 4) {
        store(x, v);
        return;
    }
    if (n >= 2) vst1_f32(x, vget_low_f32((float32x4_t)v));
    if (n == 3) vst1q_lane_f32(x + 2, (float32x4_t)v, 2);
    if (n == 1) vst1q_lane_f32(x, (float32x4_t)v, 0);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return (vector)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    *low = (vector)vzip1q_f32((float32x4_t)a, (float32x4_t)b);
    *high = (vector)vzip2q_f32((float32x4_t)a, (float32x4_t)b);
}

#else

INLINE vector load_part(const real *x, size_t n) {
    real padded[LANES] = {0};
    for (size_t i = 0; i < n; i++) padded[i] = x[i];
    return load(padded);
}
INLINE void store_part(real *x, vector v, size_t n) {
    real padded[LANES];
    store(padded, v);
    for (size_t i = 0; i < n; i++) x[i] = padded[i];
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    vector product = a * b;
    ROUNDED(product);
    return product + c;
}
INLINE void zip(vector *low, vector *high, vector a, vector b) {
    real x[LANES], y[LANES], zipped[2 * LANES];
    store(x, a);
    store(y, b);
    for (int i = 0; i < LANES; i++) {
        zipped[2 * i] = x[i];
        zipped[2 * i + 1] = y[i];
    }
    *low = load(zipped);
    *high = load(zipped + LANES);
}

#endif

#if defined(__AVX512F__) || defined(ARM_VECTORS)
enum { REGISTERS = 32 };
#else
enum { REGISTERS = 16 };
#endif

#if defined(__AVX512F__)
enum { HALVES = 1 };
#else
enum { HALVES = 0 };
typedef vector half;
INLINE half load_half(const real *x, size_t n) { return load_part(x, n); }
INLINE vector widened(half x) { return x; }
#endif

#if defined(X86_VECTORS)
enum { PAIRS = 1 };
#else
enum { PAIRS = 0 };
INLINE vector pair(const real *x, const real *y) { return (void)y, load(x); }
INLINE vector twice(const real *x) { return load(x); }
INLINE vector pair_part(const real *x, const real *y, size_t n) { return (void)y, load_part(x, n); }
INLINE vector twice_part(const real *x, size_t n) { return load_part(x, n); }
INLINE vector pair_sums(const vector *x) { return x[0]; }
#endif

/* n vectors, a power of 2, one after another in memory: each stage zips vector i with vector i + n/2. As many stages as
 * make n turn (n, LANES) numbers into (LANES, n), x[0][0] x[1][0] ...; as many as make LANES turn (LANES, n) into
 * (n, LANES). `rows` is how many there are before. */
INLINE void turn(vector *x, size_t n, size_t rows) {
    UNROLL for (size_t stage = 1; stage < rows; stage *= 2) {
        vector zipped[LANES];
        UNROLL for (size_t i = 0; i < n / 2; i++) zip(&zipped[2 * i], &zipped[2 * i + 1], x[i], x[i + n / 2]);
        UNROLL for (size_t i = 0; i < n; i++) x[i] = zipped[i];
    }
}

/* Lane i of the result is the sum of the lanes of x[i]. */
INLINE vector lane_sums(vector x[LANES]) {
    UNROLL for (int half = LANES / 2; half > 0; half /= 2) {
        UNROLL for (int i = 0; i < half; i++) {
            vector low, high;
            zip(&low, &high, x[i], x[i + half]);
            x[i] = low + high;
        }
    }
    return x[0];
}

/* c <- alpha sum + old for `lanes` <= LANES numbers */
INLINE void scale_add_to(real *c, vector old, vector sum, size_t lanes, real alpha) {
    const vector zero = {0}, result = multiply_add(alpha - zero, sum, old);
    if (lanes == LANES) {
        store(c, result);
    } else {
        store_part(c, result, lanes);
    }
}

/* beta c, likewise; what c holds does not matter where beta is 0 */
INLINE vector old_of(const real *c, size_t lanes, real beta) {
    vector old = {0};
    if (beta != 0) old = lanes == LANES ? load(c) : load_part(c, lanes);
    if (beta != 0 && beta != 1) {
        old = beta * old;
        ROUNDED(old);
    }
    return old;
}

/* c <- alpha sum + beta c */
INLINE void scale_add(real *c, vector sum, size_t lanes, real alpha, real beta) {
    scale_add_to(c, old_of(c, lanes, beta), sum, lanes, alpha);
}
