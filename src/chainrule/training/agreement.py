"""What several ranks must have in common before they train a network together."""

import zlib
from types import SimpleNamespace

import numpy as np

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


def check_ranks(net: Model, options: SimpleNamespace, ranks: Ranks) -> None:
    """Check that mini-batches can be made of blocks, and that all ranks mean the same training.

    What only the first rank does is taken from the options of the others.

    Raises
    ------
    ValueError
        For what blocks do not allow; and for what ranks disagree on, with what each has.
    """
    ranks.agree(**{name: getattr(net, name) for name in ("sizes", "dtype", "precision", "seed")})
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
        "drop_last": options.drop_last,
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
            "when training has ended; for drop_last no mini-batch is shorter there than the others "
            "by more than a sample of each block"
        )
    ranks.agree(**{name: value for name, value in vars(options).items() if name not in OF_A_RANK})
    if options.batch_size < blocks:
        raise ValueError(
            f"a mini-batch of batch_size={options.batch_size} cannot be made of blocks={blocks}; "
            "give at least as many samples as blocks"
        )
    if ranks.rank:
        options.validation_data, options.metrics, options.progress = None, {}, False
        options.callbacks, options.max_seconds = Callbacks(None), None
