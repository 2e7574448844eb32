"""One call of `fit`: options and data are checked together, and the way of training is chosen."""

from chainrule.checks.chosen_rows import choose
from chainrule.checks.moments import moments_of
from chainrule.checks.samples import Samples
from chainrule.model.model import Model, check_learns
from chainrule.model.reach import check_reach, warn_of_slow_pair
from chainrule.model.standard import standardize
from chainrule.optimizers import Adam, Optimizer
from chainrule.results.history import History
from chainrule.training.agreement import check_ranks
from chainrule.training.batches import Batches, check_options_of_batches
from chainrule.training.data_parallel import BlockTraining
from chainrule.training.fit_options import FitOptions, read_options
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.full_batch.training import FullBatchTraining
from chainrule.training.ranks import Ranks, check_comm
from chainrule.training.shares import Shares, balanced_over, classes_over
from chainrule.training.training import Training


def prepare(
    net: Model, X, y, given: FitOptions, so_far: History | None = None
) -> Training | FullBatchTraining:
    """Return the training that ``net.fit(X, y, **given)`` is, all checked; its `run` does it.

    Nothing has changed yet, and nothing has if this raises. One that goes on has its history
    `so_far`, whose epochs count among those given.
    """
    ranks = Ranks(check_comm("comm", given.get("comm")))
    with ranks.together():
        training = _training(net, X, y, given, so_far, ranks)
        training.options.callbacks.join(training, given)
        ranks.share(None)  # all are ready
    return training


def _training(net, X, y, given, so_far, ranks):
    if given.get("optimizer") is None:
        given = {**given, "optimizer": last_optimizer(net)}
    options = read_options(given)
    check_learns(net)
    in_blocks = options.blocks > 1 or ranks.size > 1
    if in_blocks:
        check_ranks(net, options, ranks)
    full_batch = isinstance(options.optimizer, FullBatchOptimizer)
    if full_batch and net._rounds:
        raise ValueError(
            f"{type(options.optimizer).__name__} goes by differences of the cost that are smaller "
            "than what rounding to bfloat16 changes. Set net.precision = 'float32', or use SGD or "
            "Adam"
        )
    if y is None:
        if full_batch:
            raise ValueError(
                f"{type(options.optimizer).__name__} needs all samples at once, as arrays X and y; "
                "for batches from an iterable use SGD or Adam"
            )
        net._check_set()
        check_options_of_batches(options)
        batches = Batches(net, X, options)
        if in_blocks:
            return BlockTraining(net, batches, options, so_far, ranks)
        return Training(net, batches, options, so_far=so_far)
    if options.steps_per_epoch is not None:
        raise ValueError(
            "steps_per_epoch is for batches from an iterable, fit(batches); of arrays all "
            "samples are an epoch, in mini-batches of batch_size"
        )
    given_of = X, y, options.sample_weight, options.output_weight
    if options.rows is not None:
        given_of = choose(options.rows, *given_of)
    X, y, sample_weight, output_weight = given_of
    some = ranks.size > 1  # other ranks have the others, which count in "balanced"
    class_weight = None if some and options.class_weight == "balanced" else options.class_weight
    samples = Samples(
        net, X, y, sample_weight, class_weight, learns=True, part=some,
        classes=classes_over(ranks, net, y) if some else None,
        output_weight=output_weight, missing_targets=options.missing_targets,
    )  # fmt: skip
    if class_weight is not options.class_weight:
        samples.weigh(sample_weight, balanced_over(ranks, samples.targets), part=True)
    held_out = None
    if options.validation_split is not None and options.validation_data is None:
        samples, held_out = samples.split(
            options.validation_split, net.seed, shuffled=bool(options.shuffle)
        )
    shares = Shares(ranks, samples, options.blocks) if in_blocks else None
    look = moments_of if shares is None else shares.moments
    standardize(net, *([samples] if held_out is None else [samples, held_out]), look=look)
    check_reach(net, samples)
    if full_batch:
        return FullBatchTraining(net, samples, options, so_far)
    warn_of_slow_pair(net)
    if shares is not None:
        return BlockTraining(net, samples, options, so_far, ranks, shares)
    return Training(net, samples, options, held_out, so_far)


def last_optimizer(net: Model) -> Optimizer | FullBatchOptimizer:
    """Return what a fit that names no optimiser goes by: the network's last, or ``Adam()``.

    Raises
    ------
    ValueError
        Where the network has the state of one that it does not know, as from a file of a version
        that did not keep it.
    """
    unknown = net.optimizer_state.keys() - {"average"}  # the average goes on with any
    if net._optimizer is None and unknown:
        raise ValueError(
            "the network has the state of an optimiser, "
            f"{', '.join(map(repr, sorted(unknown)))}, but does not know which (nor do files of "
            "earlier versions). Give it, fit(..., optimizer=...), and training goes on; or "
            "begin anew with net.optimizer_state = {}"
        )
    return net._optimizer or Adam()
