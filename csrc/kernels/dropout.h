/* Dropout (Srivastava et al., 2014), inverted: what is kept is scaled up, so that nothing changes where nothing is
 * dropped. The units to drop come from the stream (seed, stream), from its block number `first` on: the mask of a
 * number depends on its place alone. Each unit takes 16 random bits, so p is rounded to a multiple of 2^-16 below 1. */

/* mask (n) <- 0 with probability p, else 1/(1 - p); out (n) <- a ⊙ mask; for the numbers from number `from` of the mask
 * on */
static void dropout(real *out, real *mask, const real *a, size_t n, double p, uint64_t seed, uint64_t stream,
                    uint64_t first, size_t from) {
    enum { TOGETHER = 2 * PHILOX_WORDS };
    const uint32_t rounded = (uint32_t)(p * 65536 + 0.5), limit = rounded < 65535 ? rounded : 65535;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const real kept = (real)(65536.0 / (65536.0 - limit));
    size_t skip = from % TOGETHER;
    first += from / TOGETHER * PHILOX_BLOCKS;
    for (size_t start = 0, count; start < n; start += count, first += PHILOX_BLOCKS, skip = 0) {
        const uint32_t counter[4] = {(uint32_t)first, (uint32_t)(first >> 32), (uint32_t)stream,
                                     (uint32_t)(stream >> 32)};
        uint32_t words[4][PHILOX_BLOCKS];
        real masks[TOGETHER];
        philox(words, counter, key);
        const uint32_t *word = &words[0][0];
        INDEPENDENT for (size_t k = 0; k < PHILOX_WORDS; k++) {
            masks[k] = (word[k] & 0xFFFF) < limit ? 0 : kept;
            masks[PHILOX_WORDS + k] = (word[k] >> 16) < limit ? 0 : kept;
        }
        count = n - start < TOGETHER - skip ? n - start : TOGETHER - skip;
        memcpy(mask + start, masks + skip, count * sizeof(real));
        INDEPENDENT for (size_t k = 0; k < count; k++) out[start + k] = a[start + k] * mask[start + k];
    }
}

/* x <- x ⊙ y */
static void multiply(real *x, const real *y, size_t n) { INDEPENDENT for (size_t i = 0; i < n; i++) x[i] *= y[i]; }
