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
from collections.abc import Generator
from time import perf_counter
from types import SimpleNamespace

import numpy as np

from chainrule.checks.arrays import aligned_empty
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.model.model import Model
from chainrule.results.history import History
from chainrule.training.batches import Batches
from chainrule.training.block_steps import ArraySteps, BatchSteps, block_seed, tree_sum
from chainrule.training.first_rank import FirstRanksCallbacks, FirstRanksValidation
from chainrule.training.held_signals import HeldSignals
from chainrule.training.optimizer_state import check_kept
from chainrule.training.ranks import Ranks
from chainrule.training.shares import Shares
from chainrule.training.training import Training, state_for_core

LIMITS_OF_ALL = ("max_norm", "clip_norm", "clip_value")


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
        if shares is not None and isinstance(samples, Samples):
            samples.of_all = shares.fingerprint(samples)
        super().__init__(net, samples, options, so_far=so_far)
        if self.batches is not None and ranks.rank:
            self.batches.like = None  # validation data are the first rank's
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
        if self.shares is None:
            return super()._steps_per_epoch()
        return -(-self.shares.m // self.options.batch_size)

    def _samples_per_epoch(self):
        return self._steps.n_samples

    def _data_for_core(self):
        ranks, seeds = self.ranks, self.seeds
        if self.shares is None:
            self._steps: ArraySteps | BatchSteps = BatchSteps(ranks, self.net, self.batches, seeds)
        else:
            self._steps = ArraySteps(
                ranks, self.samples, self.shares, seeds, self.steps_per_epoch, self.options.shuffle
            )
        return self._steps.data

    def course(self, at_once: int = 1) -> Generator[None]:
        """Train as `Training` does, all ranks or none."""
        with self.ranks.together():
            yield from super().course(at_once)
            self.ranks.share(None)  # what callbacks do at the very end may fail too

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
        # what overflows is found where the core looks for it
        with HeldSignals() as held, np.errstate(over="ignore", invalid="ignore"):
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
        total, weight, unit = 0.0, 0.0, None
        nabla, parameters, rate = self._sums[0], self.net.parameters, rates[0]
        for number, step in enumerate(self._steps.of_epoch(core, self.net.epochs_trained)):
            rate = rates[number] if len(rates) > 1 else rates[0]
            own = np.ldexp(step.weight, -step.shift)
            if not own:
                core.follow(nabla, rate, own, 0, 0)
                continue
            costs = self._sum(core, self.seeds, step.rows, own)
            held.look()
            told = self.ranks.share(([np.ldexp(cost, step.shift) for cost in costs], core.layer))
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
            if unit is None or step.unit > unit:  # the largest so far
                total, weight = np.ldexp([total, weight], (unit or 0) - step.unit)
                unit = step.unit
            total += np.ldexp(cost, step.unit - unit)
            weight += np.ldexp(step.weight, step.unit - unit)
        return total / weight if weight else math.nan, rate

    def _sum(self, core, seeds, rows, weight, level=0):
        """Sum the gradients of some blocks, in a binary tree, into the vector of a level.

        Returns the sums of the blocks' costs, in their order.
        """
        nabla = self._sums[level]
        if len(seeds) == 1:
            (seed,), ((start, end, place),) = seeds, rows
            if start < end:
                return [core.block_gradient(nabla, start, end - start, place, seed, weight)]
            nabla[:] = 0
            return [0.0]
        half = len(seeds) // 2
        costs = self._sum(core, seeds[:half], rows[:half], weight, level)
        costs += self._sum(core, seeds[half:], rows[half:], weight, level + 1)
        nabla += self._sums[level + 1]
        return costs
