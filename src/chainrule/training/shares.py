"""Which rows each block of the mini-batches has, and each rank; and what all ranks' rows say."""

import zlib
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.classes import as_names, named_labels
from chainrule.checks.moments import Moments, moments_of
from chainrule.checks.options import check_count
from chainrule.checks.sample_weights import balanced
from chainrule.checks.samples import Samples
from chainrule.checks.targets import Targets
from chainrule.model.model import Model
from chainrule.training.ranks import Ranks


def check_blocks(name: str, value: Any) -> int:
    """Return a number of blocks as an int; raise for what is no power of two."""
    blocks = check_count(name, value, least=1)
    if blocks & (blocks - 1):
        raise ValueError(f"{name} must be a power of two, 1, 2, 4, ...; got {value}")
    return blocks


def cut_evenly(m: int, parts: int) -> list[int]:
    """Return where each of so many parts of 0 ... m begins, and where the last ends."""
    return [part * m // parts for part in range(parts + 1)]


class Shares:
    """The rows of blocks, of which each rank has as many, in order.

    Parameters
    ----------
    ranks : Ranks
    samples : Samples
        Of this rank. Their weights are afterwards in the unit of all ranks.
    blocks : int

    Attributes
    ----------
    m : int
        The rows of all ranks.
    sizes : ndarray (blocks,)
        m_j, of each block.
    own : list of (block, first, end)
        The blocks of this rank, and which of its rows are theirs.

    Raises
    ------
    ValueError
        Where a rank does not have the rows of its blocks, where there are too few, and where the
        samples of the ranks are not of one kind.
    """

    def __init__(self, ranks: Ranks, samples: Samples, blocks: int):
        self._ranks = ranks
        counts = ranks.share(len(samples))
        self.m = sum(counts)
        if self.m < blocks:
            raise ValueError(f"blocks={blocks} need a row each, or more; there are {self.m} in all")
        _check_counts(counts, self.m)
        bounds = cut_evenly(self.m, blocks)
        self.sizes = np.diff(bounds)
        each = blocks // ranks.size
        before = bounds[ranks.rank * each]
        self.own = [
            (block, bounds[block] - before, bounds[block + 1] - before)
            for block in range(ranks.rank * each, (ranks.rank + 1) * each)
        ]
        self._check_kinds(samples)
        self._weigh_alike(samples)

    def _check_kinds(self, samples):
        targets, X = samples.targets, samples.X
        kinds = {
            "the data type of X": f"{type(X[:1]).__name__} of {X.dtype}",
            "the names of the columns": samples.names,
            "whether there are sample weights": samples.weights is not None,
            "the classes (net.classes = [...] says them)": (
                None if targets.names is None else targets.names.tolist()
            ),
        }
        if targets.labels is not None or targets.Y is not None:
            kinds["what targets mean (Network(task=...) says it)"] = targets.answers
        self._ranks.agree(**kinds)

    def _weigh_alike(self, samples):
        """Have weights in the largest unit, and output weights if any rank has some.

        Those of 1 change no bit of the training, but count in the fingerprint.
        """
        weights, targets = samples.weights, samples.targets
        counts = weights is not None and weights.any()
        units = self._ranks.share(samples.exponent if counts else None)
        units = [unit for unit in units if unit is not None]
        if weights is not None:
            if not units:
                raise ValueError("the weights of all samples are 0; at least one must count")
            samples.weigh_in_units_of(max(units))
        some = self._ranks.share(None if targets.U is None else targets.U.any())
        if any(each is not None for each in some):
            if not any(some):
                raise ValueError("the weights of all targets are 0; at least one must count")
            targets.weigh_all()
            if self._ranks.size > 1 and samples.output_scaling.is_open:
                raise ValueError(
                    "output_scale='standard' cannot go by the output weights of several ranks; "
                    "give Network(output_scale=, output_shift=) numbers"
                )

    def moments(self, rows: Any, weights: NDArray | None = None) -> Moments:
        """Return the moments of the columns of all ranks' rows, joined block by block."""
        own = []
        for _, first, end in self.own:
            some = None if weights is None else weights[first:end]
            if end > first and (some is None or some.any()):
                own.append(moments_of(rows[first:end], some))
        first, *others = [each for theirs in self._ranks.share(own) for each in theirs]
        for other in others:
            first = first.join(other)
        return first

    def fingerprint(self, samples: Samples) -> NDArray:
        """Return how many samples all ranks have, and a checksum of targets and weights."""
        _, Y, labels, weights, output_weights = samples.for_core
        if Y is not None and output_weights is not None:
            Y = np.where(output_weights > 0, Y, 0)  # missing ones have numbers of their rank
        marks = []
        for _, first, end in self.own:
            mark = 0
            for values in (Y, labels, weights, output_weights):
                if values is not None:
                    mark = zlib.crc32(np.ascontiguousarray(values[first:end]).data, mark)
            marks.append(mark)
        of_all = np.array([mark for theirs in self._ranks.share(marks) for mark in theirs])
        return np.array([self.m, zlib.crc32(of_all.data)], np.uint64)


def _check_counts(counts: list[int], m: int) -> None:
    """Raise unless each rank has as many rows as its blocks have."""
    wrong = [
        f"rank {rank} has {count}, and should have {end - first}, rows {first} to {end - 1}"
        for rank, (count, (first, end)) in enumerate(
            zip(counts, pairwise(cut_evenly(m, len(counts))), strict=True)
        )
        if count != end - first
    ]
    if wrong:
        raise ValueError(
            f"each rank must have the rows of its blocks: rank r of {len(counts)} those from r·m//"
            f"{len(counts)} to (r + 1)·m//{len(counts)} of m = {m}; {'; '.join(wrong)}"
        )


def classes_over(ranks: Ranks, net: Model, y: Any) -> NDArray | None:
    """Return what all ranks' labels together say that the classes are called, if anything.

    None too where the network knows that already.

    Raises
    ------
    ValueError
        Where these are not as many as the network tells apart.
    """
    if net._answers is not None or net._output_scaling or net._cost.outputs_per_target > 1:
        return net._named
    given = as_names("y", y)
    told = ranks.share(None if given is None or given.ndim > 1 else np.unique(given))
    if any(each is None for each in told) or len({each.dtype.kind for each in told}) > 1:
        return None
    width = net.sizes[-1]
    found = named_labels("y", np.concatenate(told), max(width, 2), width, net._named, None)
    return None if found is None else found[1]


def balanced_over(ranks: Ranks, targets: Targets) -> dict[Any, float]:
    """Return the class weights of "balanced", for the targets of all ranks.

    Raises
    ------
    ValueError
        For targets that are no classes.
    """
    if not targets.are_classes:
        raise ValueError(
            'class_weight="balanced" needs targets that are classes: integer labels, one-hot rows, '
            "or a column of 0 and 1"
        )
    counts = ranks.share(np.bincount(targets.classes, minlength=targets.n_classes))
    known = np.arange(targets.n_classes) if targets.names is None else targets.names
    return dict(zip(known.tolist(), balanced(sum(counts)).tolist(), strict=True))
