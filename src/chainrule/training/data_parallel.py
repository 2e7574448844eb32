"""Mini-batches that are made of blocks, by one process or shared out among several (MPI).

The definitions stand with the options `blocks` and `comm` in `fit_options.py`. All ranks do the
same, each for its own blocks. A step: the gradient of each block, by the core; their sums in a
binary tree, first of a rank's own blocks, then between ranks, where each ends up with the sums of a
part of the parameters; the optimiser's step for that part; and all parts handed to all. Limits that
need the whole gradient, or whole rows of weights, have it handed out instead, and each rank makes
the whole step. Every number is made of the same numbers in the same order however many ranks there
are, so that it has the same bits.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from time import perf_counter
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.arrays import aligned_empty
from chainrule.checks.picked_rows import RowsOf
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.history import History
from chainrule.training.batches import Batches
from chainrule.training.first_rank import FirstRanksCallbacks, FirstRanksValidation
from chainrule.training.held_signals import HeldSignals
from chainrule.training.optimizer_state import check_kept
from chainrule.training.ranks import Ranks
from chainrule.training.shares import Shares, cut_evenly
from chainrule.training.training import Training, state_for_core

LIMITS_OF_ALL = ("max_norm", "clip_norm", "clip_value")


class Step(NamedTuple):
    """A mini-batch: what it weighs, and its rows in each of this rank's blocks.

    Attributes
    ----------
    weight : float
        Σ w_i of all its samples, in the units of the epoch.
    shift : int
        The weights of this rank's samples are so many 2**shift of these.
    rows : sequence of (start, end, place)
        For each block: rows from start to end - 1, before which came so many of it in this epoch.
    """

    weight: float
    shift: int
    rows: Sequence[tuple[int, int, int]]


class BlockTraining(Training):
    """A `Training` whose mini-batches are made of blocks.

    Parameters
    ----------
    net, samples, options, so_far
        As `Training` takes them; the samples are those of this rank.
    ranks : Ranks
    shares : Shares, optional
        Of samples that do not come batch by batch.
    """

    def __init__(
        self,
        net: Model,
        samples: Samples | Batches,
        options: SimpleNamespace,
        so_far: History | None,
        ranks: Ranks,
        shares: Shares | None = None,
    ):
        self.ranks, self.shares = ranks, shares
        each = options.blocks // ranks.size
        own = range(ranks.rank * each, (ranks.rank + 1) * each)
        self.seeds = [block_seed(net.seed, block) for block in own]
        if shares is not None:
            samples.of_all = shares.fingerprint(samples)
        super().__init__(net, samples, options, so_far=so_far)
        self.by_parts = not any(getattr(options, name) for name in LIMITS_OF_ALL)
        if ranks.size > 1:
            options.callbacks = FirstRanksCallbacks(options.callbacks, ranks, self.send_out)
        levels = each.bit_length() + (ranks.size > 1)
        self._sums = [aligned_empty(net.parameters.size, net.dtype) for _ in range(levels)]

    def _validation_of(self, held_out):
        own = super()._validation_of(held_out)
        if self.ranks.size > 1 and self.ranks.share(own is not None)[0]:
            return FirstRanksValidation(own, self.ranks)
        return own

    def _steps_per_epoch(self):
        if self.batches is not None:
            return super()._steps_per_epoch()
        return -(-self.shares.m // self.options.batch_size)

    def _samples_per_epoch(self):
        return self._seen if self.shares is None else self.shares.m

    def _data_for_core(self):
        if self.batches is not None:
            stream = _core.Stream(self.batches.following)
            return _core.Data(batch_size=1, stream=stream, in_blocks=True)
        X, *others = self.samples.for_core
        self._order = np.arange(len(self.samples), dtype=np.int32)
        return _core.Data(
            X[:] if isinstance(X, RowsOf) else X, *others, self._order,
            batch_size=int(-(-self.shares.sizes.max() // self.steps_per_epoch)),
            exponent=self.samples.exponent, in_blocks=True,
        )  # fmt: skip

    def run(self) -> History:
        """Train, and return the history; all ranks do, or none."""
        with self.ranks.together():
            super().run()
            self.ranks.share(None)  # what callbacks do at the very end may fail too
        return self.history

    def send_out(self) -> None:
        """Give all ranks the network and the state that the first has."""
        with HeldSignals():
            self.ranks.send_out([self.net.parameters, self.net._clock, *self.state.values()])

    def _some_epochs(self, count):
        net = self.net
        check_kept(self.state, self._kinds)
        state = state_for_core(net, self.optimizer, self.state)
        core = _core.Blocks(
            net._plan, net.parameters, self.recipe, state, self._data, self._log, count,
            *self.options.threads,
        )  # fmt: skip
        rates = self.schedule.coming(self.state, count, self.steps_per_epoch)
        with HeldSignals() as held:
            for rates_of_epoch in np.split(rates, count) if len(rates) > 1 else [rates] * count:
                self._epoch(core, rates_of_epoch, held)

    def _epoch(self, core, rates, held):
        """One epoch; or, whatever ends it, none."""
        began = perf_counter()
        core.begin_epoch()
        try:
            cost, rate = self._all_steps(core, rates, held)
            if self.by_parts:
                names = (*self.optimizer.states, "average")
                self.ranks.hand_out(self.state[name] for name in names if name in self.state)
            held.look()
            seconds = self.ranks.share(perf_counter() - began)[0]
            layer = core.end_epoch(cost, rate, seconds)
            self._check_diverged(layer, core.overflown)
        except BaseException:
            core.put_back()
            raise

    def _all_steps(self, core, rates, held):
        """Return the mean cost of the samples as they were seen, and the last learning rate."""
        total = weight = 0.0
        nabla, parameters, rate = self._sums[0], self.net.parameters, rates[0]
        steps = self._steps_of_arrays() if self.batches is None else self._steps_of_batches(core)
        for number, step in enumerate(steps):
            rate = rates[number] if len(rates) > 1 else rates[0]
            own = math.ldexp(step.weight, -step.shift)
            if not own:
                core.follow(nabla, rate, own, 0, 0)
                continue
            costs = self._sum(core, self.seeds, step.rows, own)
            held.look()
            told = self.ranks.share(([math.ldexp(cost, step.shift) for cost in costs], core.layer))
            cost = tree_sum([cost for costs, _ in told for cost in costs])
            if not math.isfinite(cost):
                self._check_diverged(
                    next((layer for _, layer in told if layer), len(self.net.sizes))
                )
            part = self.ranks.sum_up(nabla, self._sums[-1])
            if self.by_parts:
                core.follow(nabla, rate, own, *part)
                self.ranks.hand_out([parameters])
            else:
                self.ranks.hand_out([nabla])
                core.follow(nabla, rate, own, 0, nabla.size)
            total, weight = total + cost, weight + step.weight
        return total / weight, rate

    def _sum(self, core, seeds, rows, weight, level=0):
        """Sum the gradients of some blocks, in a binary tree, into the vector of a level.

        Returns the sums of the blocks' costs, in their order.
        """
        nabla = self._sums[level]
        if len(seeds) == 1:
            (seed,), ((start, end, place),) = seeds, rows
            if start < end:
                return [core.gradient(nabla, start, end - start, place, seed, weight)]
            nabla[:] = 0
            return [0.0]
        half = len(seeds) // 2
        costs = self._sum(core, seeds[:half], rows[:half], weight, level)
        costs += self._sum(core, seeds[half:], rows[half:], weight, level + 1)
        nabla += self._sums[level + 1]
        return costs

    def _steps_of_arrays(self) -> Iterator[Step]:
        """Draw each block's order, and go through the epoch."""
        if self.options.shuffle:
            epoch = self.net.epochs_trained
            for seed, (_, first, end) in zip(self.seeds, self.shares.own, strict=True):
                order = self._order[first:end]
                _core.shuffled(end - first, seed, epoch, order)
                order += first
        n_steps = self.steps_per_epoch
        cuts = [size * np.arange(n_steps + 1) // n_steps for size in self.shares.sizes]
        weights = self._weights(cuts)
        own = [(first, cuts[block]) for block, first, _ in self.shares.own]
        for s in range(n_steps):
            rows = [(first + cut[s], first + cut[s + 1], cut[s]) for first, cut in own]
            yield Step(weights[s], 0, rows)

    def _weights(self, cuts) -> NDArray:
        """Return what each step's samples weigh, (S,)."""
        if self.samples.weights is None:
            return np.diff(cuts).sum(axis=0, dtype=np.float64)
        weights = self.samples.weights.astype(np.float64)[self._order]
        own = []
        for block, first, _ in self.shares.own:
            own.append([weights[a:b].sum() for a, b in pairwise(first + cuts[block])])
        return tree_sum([np.array(each) for theirs in self.ranks.share(own) for each in theirs])

    def _steps_of_batches(self, core) -> Iterator[Step]:
        """Take a batch on each rank for each step; its rows are cut into the rank's blocks."""
        self.batches.begin_epoch()
        self._seen = 0
        places, unit = [0] * len(self.seeds), None
        while True:
            batch = self.batches.following()
            told = self.ranks.share(None if batch is None else self._weighed(*batch))
            missing = [rank for rank, theirs in enumerate(told) if theirs is None]
            if missing and len(missing) < len(told):
                raise ValueError(
                    "all ranks must have as many batches in an epoch; there are no more on rank "
                    f"{', '.join(map(str, missing))} after {self.batches.count}"
                )
            if batch is None:
                return
            if unit is None:
                unit = max(exponent for _, exponent, _ in told)
            weight = tree_sum(
                [math.ldexp(w, exponent - unit) for own, exponent, _ in told for w in own]
            )
            (samples, exponent), rows = batch, []
            cuts = cut_evenly(len(samples[0]), len(places))
            for i, (start, end) in enumerate(pairwise(cuts)):
                rows.append((start, end, places[i]))
                places[i] += end - start
            core.take(samples, exponent)
            self._seen += sum(count for _, _, count in told)
            yield Step(weight, exponent - unit, rows)

    def _weighed(self, samples, exponent):
        """Return what the parts of a batch weigh, in which unit, and how many samples it has."""
        m, weights = len(samples[0]), samples[3]
        cuts = cut_evenly(m, len(self.seeds))
        parts = list(pairwise(cuts))
        if weights is None:
            return [float(b - a) for a, b in parts], exponent, m
        return [float(weights[a:b].sum(dtype=np.float64)) for a, b in parts], exponent, m


def block_seed(seed: int, block: int) -> int:
    """Return the seed of a block's own random numbers, for its order and for dropout."""
    return int(np.random.SeedSequence(seed, spawn_key=(block,)).generate_state(1, np.uint64)[0])


def tree_sum(values: list) -> Any:
    """Sum a power of two of values: neighbours first, then these sums, and so on."""
    while len(values) > 1:
        values = [a + b for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]
