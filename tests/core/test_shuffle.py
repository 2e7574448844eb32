"""The order of an epoch against Fisher and Yates's shuffle by Philox, from their definitions."""

import numpy as np
import pytest

from chainrule.core import _core
from philox import MASK, philox


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((MASK,) * 4, (MASK,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_known_answers(counter, key, words):
    """Of Random123, the authors' own code."""
    assert philox(counter, key) == words


def words_of(seed, number):
    """The words of a stream: 64 blocks' first words, their second words, ..."""
    block = 0
    while True:
        key = seed & MASK, seed >> 32
        blocks = np.arange(block, block + 64)
        for words in philox((blocks & MASK, blocks >> 32, number & MASK, number >> 32), key):
            yield from words.tolist()
        block += 64


def shuffled(n, seed, number):
    words, order = words_of(seed, number), list(range(n))
    for i in range(n, 1, -1):
        j, low = divmod(next(words) * i, 2**32)
        while low < 2**32 % i:  # the few products that would favor some j (Lemire, 2019)
            j, low = divmod(next(words) * i, 2**32)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


@pytest.mark.parametrize("n", [1, 2, 50, 1000])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (3, 7), (2**64 - 1, 2**40), (2**33 + 5, 1)])
def test_an_order_is_that_of_the_definition(n, seed, epoch):
    order = np.empty(n, np.int32)
    _core.shuffled(n, seed, epoch, order)
    assert order.tolist() == shuffled(n, seed, epoch)
