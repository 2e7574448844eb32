"""What several ranks must have in common before they train a network together."""

import zlib
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.checks.sample_weights import balanced
from chainrule.checks.samples import Samples
from chainrule.checks.targets import Targets
from chainrule.model.model import Model
from chainrule.training.callbacks import Callbacks
from chainrule.training.ranks import Ranks

# Options that each rank may have its own of: data, and what only the first does.
OF_A_RANK = frozenset(
    (
        "sample_weight", "output_weight", "rows", "validation_data", "metrics", "callbacks",
        "max_seconds", "progress", "threads", "comm",
    )
)  # fmt: skip


def check_blocks(net: Model, options: SimpleNamespace, ranks: Ranks) -> None:
    """Check that mini-batches can be made of blocks, and that all ranks mean the same training.

    What only the first rank does is taken from the options of the others.

    Raises
    ------
    ValueError
        For what blocks do not allow; and for what ranks disagree on, with what each has.
    """
    ranks.agree(**{name: getattr(net, name) for name in ("sizes", "dtype", "seed")})
    ranks.agree(
        network=net,
        scaling=[
            None if scaling.for_core is None else zlib.crc32(scaling.for_core.data)
            for scaling in (net._scaling, net._output_scaling)
        ],
        parameters=f"those with checksum {zlib.crc32(net.parameters.data)}",
        epochs_trained=net.epochs_trained,
        optimizer_state={
            name: zlib.crc32(np.ascontiguousarray(values).data)
            for name, values in sorted(net.optimizer_state.items())
        },
    )
    blocks, size = options.blocks, ranks.size
    if size & (size - 1) or blocks < size:
        raise ValueError(
            f"the blocks of a mini-batch are shared out evenly among the ranks of comm, a power of "
            f"two of them, no more than blocks={blocks}; there are {size}. Start another number, "
            "or give more blocks, to which the result belongs"
        )
    refused = {
        "validation_split": options.validation_split is not None,
        "shuffle=function": callable(options.shuffle),
        "record": options.record,
        "diagnose": size > 1 and options.diagnose,
        "callbacks with on_batch_begin or on_batch_end": options.callbacks.of_batches,
    }
    if any(refused.values()):
        names = ", ".join(name for name, is_given in refused.items() if is_given)
        raise ValueError(
            f"{names} cannot be used where mini-batches are made of blocks ({blocks=}); in the "
            "place of validation_split give validation_data, of shuffle=function False; diagnose "
            "when training has ended"
        )
    ranks.agree(**{name: value for name, value in vars(options).items() if name not in OF_A_RANK})
    if net._plan is None:
        raise ValueError(
            "blocks need a network whose inputs and outputs are scaled by numbers, not yet "
            "'standard': give Network(input_scale=, input_shift=, ...) those of all rows"
        )
    if options.batch_size < blocks:
        raise ValueError(
            f"a mini-batch of batch_size={options.batch_size} cannot be made of blocks={blocks}; "
            "give at least as many samples as blocks"
        )
    if ranks.rank:
        options.validation_data, options.metrics, options.progress = None, {}, False
        options.callbacks, options.max_seconds = Callbacks(None), None


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


def cut_evenly(m: int, parts: int) -> list[int]:
    """Return where each of so many parts of 0 ... m begins, and the last ends."""
    return [part * m // parts for part in range(parts + 1)]


def shares_of(ranks: Ranks, own: int, blocks: int) -> tuple[int, list[int]]:
    """Return how many rows all ranks have, of which this has `own`, and where each block begins.

    Raises
    ------
    ValueError
        Where a rank does not have the rows of its blocks, or there are too few.
    """
    counts = ranks.share(own)
    m = sum(counts)
    if m < blocks:
        raise ValueError(f"blocks={blocks} need a row each, or more; there are {m} in all")
    first = cut_evenly(m, ranks.size)
    wrong = [
        f"rank {rank} has {count}, and should have {end - start}, rows {start} to {end - 1}"
        for rank, (count, start, end) in enumerate(zip(counts, first, first[1:], strict=False))
        if count != end - start
    ]
    if wrong:
        raise ValueError(
            f"each rank must have the rows of its blocks, of {m} in all those from rank·{m}//"
            f"{ranks.size} to (rank + 1)·{m}//{ranks.size}; {'; '.join(wrong)}"
        )
    return m, cut_evenly(m, blocks)


def join(ranks: Ranks, samples: Samples, bounds: Sequence[int]) -> None:
    """Have samples of several ranks go by one unit of weights, and know what all of them are."""
    targets = samples.targets
    ranks.agree(
        **{
            "names of the columns": samples.names,
            "what targets mean (Network(task=...) says it)": targets.answers,
            "classes (net.classes = [...] says them)": (
                None if targets.names is None else targets.names.tolist()
            ),
            "whether there are sample weights": samples.weights is not None,
        }
    )
    _weigh_alike(ranks, samples)
    marks = []
    for first, end in pairwise(bounds):
        mark = 0
        for values in samples.for_core[1:]:
            if values is not None:
                mark = zlib.crc32(np.ascontiguousarray(values[first:end]).data, mark)
        marks.append((end - first, mark))
    all_marks = np.array([mark for theirs in ranks.share(marks) for mark in theirs], np.uint64)
    samples.of_all = np.array([all_marks[:, 0].sum(), zlib.crc32(all_marks.data)], np.uint64)


def _weigh_alike(ranks, samples):
    """Have weights in the largest unit of all ranks, and output weights if any rank has some."""
    weights, targets = samples.weights, samples.targets
    counts = weights is not None and weights.any()
    units = [unit for unit in ranks.share(samples.exponent if counts else None) if unit is not None]
    if weights is not None:
        if not units:
            raise ValueError("the weights of all samples are 0; at least one must count")
        samples.weigh_in_units_of(max(units))
    some = ranks.share(None if targets.U is None else targets.U.any())
    if any(each is not None for each in some):
        if not any(some):
            raise ValueError("the weights of all targets are 0; at least one must count")
        targets.weigh_all()
