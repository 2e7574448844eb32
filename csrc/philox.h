/* Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). The generator has
 * no state: block i of a stream is a function of (seed, stream, i), so any part of it can be drawn without the ones
 * before, on any machine and in any order. */
#ifndef CHAINRULE_PHILOX_H
#define CHAINRULE_PHILOX_H

#include <stdint.h>

enum { PHILOX_ROUNDS = 10, PHILOX_BLOCKS = 64, PHILOX_WORDS = 4 * PHILOX_BLOCKS };

/* PHILOX_BLOCKS consecutive blocks at once, one array per word of the block: the compiler makes vectors of them. */
static inline void philox(uint32_t out[4][PHILOX_BLOCKS], const uint32_t counter[4], const uint32_t key[2]) {
    for (uint32_t i = 0; i < PHILOX_BLOCKS; i++) {
        uint64_t low = ((uint64_t)counter[1] << 32 | counter[0]) + i;
        uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = counter[2], c3 = counter[3];
        uint32_t k0 = key[0], k1 = key[1];
        for (int round = 0; round < PHILOX_ROUNDS; round++) {
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

#endif
