/* The shuffle of an epoch: Fisher and Yates's, driven by the stream of (seed, epoch). */
#include "chainrule.h"

void cr_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t blocks[4][PHILOX_BLOCKS];
    cr_f32->random_words(blocks, counter, key);
    for (int word = 0; word < 4; word++) out[word] = blocks[word][0];
}

typedef struct {
    uint32_t words[4][PHILOX_BLOCKS], key[2], counter[4];
    size_t used;
} stream;

static uint32_t next_word(stream *s) {
    if (s->used == PHILOX_WORDS) {
        cr_f32->random_words(s->words, s->counter, s->key);
        uint64_t low = ((uint64_t)s->counter[1] << 32 | s->counter[0]) + PHILOX_BLOCKS;
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
                .used = PHILOX_WORDS};
    for (size_t i = 0; i < n; i++) order[i] = (int32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = below(&s, (uint32_t)i);
        int32_t last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
