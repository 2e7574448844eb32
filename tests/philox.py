"""Philox4x32-10, the random numbers of shuffle and dropout, from its definition."""

import numpy as np

MASK = 2**32 - 1


def philox(counter, key):
    """Four words (n,) of n counters (4, n) with one key of two words (Salmon et al., 2011)."""
    low, shift = np.uint64(MASK), np.uint64(32)
    a, b, c, d = (np.asarray(word, np.uint64) for word in counter)
    for r in range(10):
        k, kk = (np.uint64(key[0] + r * 0x9E3779B9 & MASK),
                 np.uint64(key[1] + r * 0xBB67AE85 & MASK))  # fmt: skip
        one, other = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (other >> shift) ^ b ^ k, other & low, (one >> shift) ^ d ^ kk, one & low
    return a, b, c, d
