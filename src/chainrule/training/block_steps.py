"""The mini-batches of an epoch that are made of blocks: which rows of each, and what they weigh."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.picked_rows import RowsOf
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.training.batches import Batches
from chainrule.training.ranks import Ranks
from chainrule.training.shares import Shares, cut_evenly


class Step(NamedTuple):
    """A mini-batch.

    Attributes
    ----------
    weight : float
        Σ w_i of all its samples, in its unit.
    unit : int
        That is 2**unit: the largest of what the ranks' weights are in.
    shift : int
        The weights of this rank's samples are so many 2**shift of it.
    rows : list of (start, end, place)
        For each of this rank's blocks: rows from start to end - 1, before which came `place` rows
        of the block in this epoch.
    """

    weight: float
    unit: int
    shift: int
    rows: list[tuple[int, int, int]]


def block_seed(seed: int, block: int) -> int:
    """Return the seed of a block's own random numbers, for its order and for dropout."""
    return int(np.random.SeedSequence(seed, spawn_key=(block,)).generate_state(1, np.uint64)[0])


def tree_sum(values: Sequence[Any]) -> Any:
    """Sum a power of two of values: neighbours first, then these sums, and so on."""
    while len(values) > 1:
        values = [a + b for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]


class ArraySteps:
    """Steps through arrays.

    Parameters
    ----------
    ranks : Ranks
    samples : Samples
        Of this rank.
    shares : Shares
    seeds : sequence of int
        Of its blocks.
    n_steps : int
        Of an epoch.
    shuffled : bool
        Whether each epoch has an order of its own.

    Attributes
    ----------
    data : _core.Data
    n_samples : int
        Of all ranks.
    """

    def __init__(
        self,
        ranks: Ranks,
        samples: Samples,
        shares: Shares,
        seeds: Sequence[int],
        n_steps: int,
        shuffled: bool,
    ):
        self._ranks, self._own, self._seeds, self._shuffled = ranks, shares.own, seeds, shuffled
        self._weights, self._n_steps, self.n_samples = samples.weights, n_steps, shares.m
        # where each step begins in each block, (blocks, S + 1)
        self._cuts = [size * np.arange(n_steps + 1) // n_steps for size in shares.sizes]
        self._order = np.arange(len(samples), dtype=np.int32)
        X, Y, labels, weights, output_weights = samples.for_core
        self.data = _core.Data(
            X[:] if isinstance(X, RowsOf) else X, Y, labels, weights, output_weights,
            self._order, batch_size=int(max(np.diff(cuts).max() for cuts in self._cuts)),
            exponent=samples.exponent, in_blocks=True,
        )  # fmt: skip

    def of_epoch(self, core: _core.Blocks, epoch: int) -> Iterator[Step]:
        """Draw each block's order, and go through the epoch."""
        if self._shuffled:
            for seed, (_, first, end) in zip(self._seeds, self._own, strict=True):
                order = self._order[first:end]
                _core.shuffled(end - first, seed, epoch, order)
                order += first
        weights = self._weights_of_steps()
        for s in range(self._n_steps):
            rows = []
            for block, first, _ in self._own:
                place, end = int(self._cuts[block][s]), int(self._cuts[block][s + 1])
                rows.append((first + place, first + end, place))
            yield Step(float(weights[s]), 0, 0, rows)

    def _weights_of_steps(self) -> NDArray:
        """Return what each step's samples weigh, (S,)."""
        if self._weights is None:
            return np.diff(self._cuts).sum(axis=0)
        weights = self._weights.astype(np.float64)[self._order]
        own = [
            np.array([weights[a:b].sum() for a, b in pairwise(first + self._cuts[block])])
            for block, first, _ in self._own
        ]
        return tree_sum([each for theirs in self._ranks.share(own) for each in theirs])


class BatchSteps:
    """Steps of which each rank's iterable hands out a batch, whose rows are cut into its blocks.

    Parameters
    ----------
    ranks : Ranks
    net : Model
        Which the first batch tells what it answers with.
    batches : Batches
        Of this rank.
    seeds : sequence of int
        Of its blocks.

    Attributes
    ----------
    data : _core.Data
    n_samples : int
        That came in this epoch, of all ranks.
    """

    def __init__(self, ranks: Ranks, net: Model, batches: Batches, seeds: Sequence[int]):
        self._ranks, self._net, self._batches, self._n_blocks = ranks, net, batches, len(seeds)
        self.n_samples = 0
        stream = _core.Stream(batches.following)
        self.data = _core.Data(batch_size=1, stream=stream, in_blocks=True)

    def of_epoch(self, core: _core.Blocks, epoch: int) -> Iterator[Step]:
        """Take batches until the epoch is over.

        Raises
        ------
        ValueError
            Where some ranks have no more batches, and others have; where they are not of one kind.
        """
        self._batches.begin_epoch()
        self.n_samples = 0
        places = [0] * self._n_blocks
        while True:
            batch = self._batches.following()
            told = self._ranks.share(None if batch is None else self._weighed(*batch))
            missing = [rank for rank, theirs in enumerate(told) if theirs is None]
            if len(missing) == len(told):
                return
            if missing:
                raise ValueError(
                    "all ranks must have as many batches in an epoch; after "
                    f"{min(self._ranks.share(self._batches.count))} there are no more on rank "
                    f"{', '.join(map(str, missing))}"
                )
            if not self.n_samples:
                net = self._net
                self._ranks.agree(
                    answers=net.answers, classes=net.classes, input_names=net.input_names
                )
            self.n_samples += sum(count for _, _, count in told)
            unit = max(exponent for _, exponent, _ in told)
            weight = tree_sum([np.ldexp(w, e - unit) for own, e, _ in told for w in own])
            samples, exponent = batch
            rows = []
            for i, (start, end) in enumerate(pairwise(cut_evenly(len(samples[0]), len(places)))):
                rows.append((start, end, places[i]))
                places[i] += end - start
            core.take(samples, exponent)
            yield Step(weight, unit, exponent - unit, rows)

    def _weighed(self, samples, exponent):
        """Return what the parts of a batch weigh, in which unit, and how many samples it has."""
        m, weights = len(samples[0]), samples[3]
        parts = pairwise(cut_evenly(m, self._n_blocks))
        if weights is None:
            return [float(end - start) for start, end in parts], exponent, m
        own = [float(weights[start:end].sum(dtype=np.float64)) for start, end in parts]
        return own, exponent, m
