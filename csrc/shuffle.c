/* The shuffle of an epoch: Fisher and Yates's, driven by Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", 2011). The generator has no state: block i of a stream is a function of (seed, stream,
 * i), so any epoch's order can be drawn without the ones before it, on any machine. */
#include "chainrule.h"

enum { ROUNDS = 10, BLOCKS = 64, WORDS = 4 * BLOCKS };

/* BLOCKS consecutive blocks at once, one array per word of the block: the compiler makes vectors of them. */
static void philox(uint32_t out[4][BLOCKS], const uint32_t counter[4], const uint32_t key[2]) {
    for (uint32_t i = 0; i < BLOCKS; i++) {
        uint64_t low = ((uint64_t)counter[1] << 32 | counter[0]) + i;
        uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = counter[2], c3 = counter[3];
        uint32_t k0 = key[0], k1 = key[1];
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t a = (uint64_t)c0 * 0xD2511F53u, b = (uint64_t)c2 * 0xCD9E8D57u;
            c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
            c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
            c1 = (uint32_t)b;
            c3 = (uint32_t)a;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        out[0][i] = c0;
        out[1][i] = c1;
        out[2][i] = c2;
        out[3][i] = c3;
    }
}

void cr_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t blocks[4][BLOCKS];
    philox(blocks, counter, key);
    for (int word = 0; word < 4; word++) out[word] = blocks[word][0];
}

typedef struct {
    uint32_t words[4][BLOCKS], key[2], counter[4];
    size_t used;
} stream;

static uint32_t next_word(stream *s) {
    if (s->used == WORDS) {
        philox(s->words, s->counter, s->key);
        uint64_t low = ((uint64_t)s->counter[1] << 32 | s->counter[0]) + BLOCKS;
        s->counter[0] = (uint32_t)low;
        s->counter[1] = (uint32_t)(low >> 32);
        s->used = 0;
    }
    return (&s->words[0][0])[s->used++];
}

/* Uniform on 0..bound-1 without bias: Lemire, "Fast random integer generation in an interval", 2019. */
static uint32_t below(stream *s, uint32_t bound) {
    uint64_t product = (uint64_t)next_word(s) * bound;
    if ((uint32_t)product < bound) {
        uint32_t reject = (0u - bound) % bound;
        while ((uint32_t)product < reject) product = (uint64_t)next_word(s) * bound;
    }
    return (uint32_t)(product >> 32);
}

void cr_shuffle(int32_t *order, size_t n, uint64_t seed, uint64_t number) {
    stream s = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                .counter = {0, 0, (uint32_t)number, (uint32_t)(number >> 32)},
                .used = WORDS};
    for (size_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = below(&s, (uint32_t)i);
        int32_t last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
