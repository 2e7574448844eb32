"""The options of `fit`, one row each: all that is said about an option stands in its row.

Over 400 lines for being one table, and the reference that `help` shows.

A row of `FitOptions` has the option's name and type, and in its `Option` the default, what is
checked before anything else, whether full-batch optimisers take it, and what the documentation
says. From the rows follow the signature and the docstring of `Network.fit`
(`documented_options.py`), what type checkers and editors know of it (``Unpack[FitOptions]``), the
refusal of other names, and what a fit goes by (`read_options`). To add an option is to add a row,
and to use it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from chainrule.checks.by_layer import ByLayer, check_by_layer
from chainrule.checks.options import (
    BOOLEANS,
    check_count,
    check_flag,
    check_name,
    check_not_negative,
    check_positive,
    check_share,
)
from chainrule.checks.output_weights import check_missing
from chainrule.checks.threads import check_threads
from chainrule.optimizers import Optimizer, check_optimizer
from chainrule.training.callbacks import Callbacks
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.ranks import check_comm
from chainrule.training.shares import check_blocks
from chainrule.training.time_limit import TimeLimit
from chainrule.training.validation import check_metrics

RECORDS = ("layers", "gradients", "objective")


@dataclass(frozen=True)
class Option:
    """What a row says besides the option's name and type.

    Attributes
    ----------
    default : object
        What it is where it is not given.
    shown : str
        Type and default, as the documentation has them.
    check : function of (name, value)
        Raises for what cannot be, and returns what training goes by. What depends on the network or
        on the data is checked where it is used.
    about : str
        What it does, for the documentation.
    full_batch : bool
        Whether it is for full-batch optimisers too.
    single_steps : bool
        Whether it is for `Network.trainer` too.
    again : bool
        Whether `resume` is to be given it again: data and functions are in no checkpoint.
    """

    default: Any
    shown: str
    check: Callable[[str, Any], Any] = lambda name, value: value
    _: KW_ONLY
    about: str
    full_batch: bool = False
    single_steps: bool = False
    again: bool = False


def _optimizer(name, value):
    is_checked = value is None or isinstance(value, FullBatchOptimizer)
    return value if is_checked else check_optimizer(value)


def _count(least, optional=False):
    def check(name, value):
        return None if optional and value is None else check_count(name, value, least)

    return check


def _number(check, optional=False):
    def checked(name, value):
        if not (optional and value is None):
            check(name, value)
        return value

    return checked


def _rates(name, value):
    return None if value is None else check_by_layer(name, value, check_not_negative)


def _shuffle(name, value):
    if callable(value) or isinstance(value, BOOLEANS):
        return value
    raise TypeError(
        f"{name} must be True or False, or a function of the number of rows; got {value!r}"
    )


def _metrics(name, value):
    return check_metrics(value)


def _callbacks(name, value):
    return Callbacks(value)


def _time_limit(name, value):
    if value is not None:
        check_positive(name, value)
        return TimeLimit(value)
    return None


def _threads(name, value):
    return check_threads(value)


def _records(name, value):
    """Return what to record as a set of names out of RECORDS; `value` is a name or several."""
    if value is None:
        return frozenset()
    try:
        names = [value] if isinstance(value, str) else list(value)
    except TypeError:
        names = [value]
    return frozenset(check_name(name, each, RECORDS) for each in names)


# Rows are as short as a table's: name, type, default, how the documentation shows both, check.
# fmt: off
class FitOptions(TypedDict, total=False):
    """The options of `Network.fit`, a row each."""

    optimizer: Annotated[Optimizer | FullBatchOptimizer | None, Option(
        None, "SGD, Adagrad, RMSprop, Adam, AdamW, Adamax or Rprop, optional",
        _optimizer, full_batch=True, single_steps=True, about="""
        If not given the network's last, ``net.optimizer``; for a network never trained
        ``Adam()``. It goes on with the `optimizer_state` that its kind left, and its schedule
        where it stood; after another kind both begin anew.
        LBFGS and LevenbergMarquardt are full-batch: each epoch is one iteration over all
        samples, for which batch_size and shuffle have no meaning, of the penalties only l2 and
        l2_of_batch are for them, and training ends before its epochs are over where no step
        lowers the cost.
        """)]
    epochs: Annotated[int, Option(10, "int, default 10", _count(least=0), full_batch=True, about="""
        How often every sample is seen; with 0 all is checked, and nothing trained.
        """)]
    batch_size: Annotated[int, Option(
        32, "int, default 32", _count(least=1), full_batch=True, about="""
        Samples in a mini-batch; the last of an epoch may be shorter, and counts by its own
        size.
        """)]
    drop_last: Annotated[bool, Option(False, "bool, default False", check_flag, about="""
        Leave out a shorter mini-batch at the end of an epoch, so that all steps are of batch_size
        samples, ⌊m/batch_size⌋ of them. The samples left out are the last of the epoch's order:
        others in each, where it shuffles. `History.cost` is the mean of those seen, NaN where all
        of these weigh 0.
        """)]
    steps_per_epoch: Annotated[int | None, Option(
        None, "int, optional", _count(least=1, optional=True), single_steps=True, about="""
        With an iterable: how many batches make an epoch, where it is endless, or where a
        schedule of the learning rate has to know and the iterable has no length. With single
        steps: how many, where a schedule has to know.
        """)]
    rates: Annotated[ByLayer | None, Option(
        None, "list with a pair (weights, biases) for each layer, optional", _rates,
        single_steps=True, about="""
        Factors on the learning rate, for the weights and the biases of each layer, l = 2 ... L; a
        number stands for both. A network with trainable_scale has one number more, at the end, for
        its scale. The decay of AdamW goes by the factor too. 0 freezes: these parameters and their
        optimiser's state do not change by a bit, whatever the penalties, momentum or max_norm.
        Rprop, which has no learning rate, takes 0 and 1 alone.
        """)]
    l1: Annotated[float, Option(
        0.0, "float, default 0", _number(check_not_negative), single_steps=True, about="""
        Add l1·Σ|W| to the mean cost, so the gradient gains l1·sign(W); biases are not decayed.
        """)]
    l2: Annotated[float, Option(
        0.0, "float, default 0", _number(check_not_negative), full_batch=True,
        single_steps=True, about="""
        Add (l2/2)Σ‖W‖² to the mean cost, so the gradient gains l2·W; biases are not decayed.
        The book's λ is l2·m.
        """)]
    l2_of_batch: Annotated[float, Option(
        0.0, "float, default 0", _number(check_not_negative), full_batch=True,
        single_steps=True, about="""
        Add to l2 in each step l2_of_batch / Σ w_i, of the mini-batch's sample weights, or by its
        number of samples without such: the ``alpha`` of scikit-learn. It pulls more in small
        batches, and a factor of the weights counts.
        """)]
    max_norm: Annotated[float | None, Option(
        None, "float, optional", _number(check_positive, optional=True),
        single_steps=True, about="""
        After each step, the weights into a neuron (a row of W^l) are scaled down to this
        length where they are longer.
        """)]
    clip_norm: Annotated[float | None, Option(
        None, "float, optional", _number(check_positive, optional=True),
        single_steps=True, about="""
        Before each step, after clip_value, the mini-batch's mean gradient is scaled down to
        this length if it is longer; the penalties come on top.
        """)]
    clip_value: Annotated[float | None, Option(
        None, "float, optional", _number(check_positive, optional=True),
        single_steps=True, about="""
        Before each step, every entry of the mini-batch's mean gradient is limited to
        ±clip_value; the penalties come on top.
        """)]
    average: Annotated[float | None, Option(
        None, "float, optional", _number(check_share, optional=True), single_steps=True, about="""
        In 0 < average < 1: also keep a moving average of the parameters w, after each step
        a ← average·a + (1-average)·w, which begins as w. It is
        ``optimizer_state["average"]``; `averaged` returns the network with it.
        """)]
    sample_weight: Annotated[ArrayLike | None, Option(
        None, "array (m,), optional", full_batch=True, again=True, about="""
        How much each sample counts, 0 or more: the cost of a mini-batch is Σ w_i C_i / Σ w_i.
        One whose weights are all 0 makes no step, but counts as one. A common factor changes
        nothing but rounding, a power of two not a bit; weights below 1e-31 times the largest
        (1e-292 in float64) are 0.
        """)]
    class_weight: Annotated[dict[int, float] | str | None, Option(
        None, 'dict of class to float, or "balanced", optional', full_batch=True,
        single_steps=True, about="""
        How much the samples of each class count, 1 for classes not named; "balanced":
        m / (k·count) for a class that occurs `count` times, one of k that occur. Multiplied
        with sample_weight.
        """)]
    output_weight: Annotated[ArrayLike | None, Option(
        None, "array (m, n), or (n,), optional", full_batch=True, again=True, about="""
        How much each of n targets counts, 0 or more; (n,) for all samples alike. A sample costs
        Σ_j u_ij C_ij, a mini-batch Σ_i w_i Σ_j u_ij C_ij / Σ_i w_i: output weights do not
        normalise. For gaussian and quantile a target's weight is that of all its outputs. Costs
        that are no sum over targets, log_likelihood and those of your own, do not take it.
        """)]
    missing_targets: Annotated[str, Option(
        "refuse", '"refuse" or "skip", default "refuse"', check_missing, full_batch=True,
        single_steps=True, about="""
        What to do with numeric targets that are NaN (in a frame or a series also None or NA):
        "skip" gives each of them, in the validation data too, an output weight of 0, by which
        it counts neither in the cost nor in the gradient. Its sample counts in Σ w_i all the
        same, even where all its targets are missing. There is no accuracy then, and metrics see
        NaN.
        """)]
    rows: Annotated[ArrayLike | None, Option(
        None, "array of int, or mask (m,), optional", full_batch=True, again=True, about="""
        Train on these rows of X alone, which is not copied for it: in any order, repeated as often
        as they stand there, to the bits of ``fit(X[rows], y[rows], ...)``. X, y and weights have
        all m rows; only what is said of those named is looked at.
        """)]
    shuffle: Annotated[bool | Callable[[int], ArrayLike], Option(
        True, "bool or function, default True", _shuffle, full_batch=True, about="""
        Draw a new order in each epoch, from (seed, epochs_trained); else take the rows as they
        stand. Or a function, which is called before each epoch with the number of rows m that are
        trained on and returns their order, (m,), each of 0 ... m - 1 once, such as
        ``np.random.default_rng(0).permutation``.
        """)]
    dropout: Annotated[float | Sequence[float], Option(
        0.0, "float or sequence of float, default 0", single_steps=True, about="""
        The probability p of each unit of the hidden layers to be dropped, or one for each
        layer; 0 <= p < 1. In training a^l becomes a^l ⊙ M^l, where an entry of M^l is 0 with
        probability p, else 1/(1-p), drawn anew for every sample and epoch from
        (seed, epochs_trained); outside of training nothing is dropped, nor scaled (Srivastava
        et al., 2014). p counts in steps of 2⁻¹⁶.
        """)]
    validation_data: Annotated[tuple[ArrayLike | None, ...] | None, Option(
        None, "(X, y), (X, y, sample_weight) or with output_weight, optional", full_batch=True,
        again=True, about="""
        Evaluated after each epoch, for the history: cost and accuracy by these weights, 1 if
        not given. (X, y, None, output_weight) has weights of targets alone. Metrics are called
        without weights.
        """)]
    validation_split: Annotated[float | None, Option(None, "float, optional", about="""
        In 0 < validation_split < 1, in the place of validation_data: hold out this share of the
        samples, round(share·m) of them but at least one, and train on the others. The rows are
        drawn from the network's seed and m alone, so that a later `fit` on the same data holds
        out the same. They are evaluated without sample weights, but by their output weights.
        (``class_weight="balanced"`` counts all m.)
        """)]
    metrics: Annotated[dict[str, Callable] | Iterable[Callable] | None, Option(
        None, "dict of str to function, or list of functions, optional", _metrics, again=True,
        about="""
        Each is called after each epoch as ``function(y_true, y_pred)`` on the validation data,
        and what it returns recorded in the history by its name. Where the targets are classes
        (as for accuracy, see `evaluate`) both are classes (m,), as `classes` calls them; else the
        targets as given and the outputs, (m, n), or (m,) where there is one column. The
        functions of sklearn.metrics fit that take labels, or values.
        """)]
    record: Annotated[str | Iterable[str] | None, Option(
        None, "str or list of str, optional", _records, about="""
        "layers": also record how each layer learns: `History.delta_norms` and
        `History.saturation`. "gradients": the length of the gradient,
        `History.gradient_norm`; each step then computes the whole gradient before it
        changes a parameter, which may round differently. "objective": what the steps
        minimise, the cost with its penalties, `History.objective`, and these alone,
        `History.penalty`.
        """)]
    callbacks: Annotated[Callable | object | Iterable | None, Option(
        None, "callback, or list of callbacks, optional", _callbacks, full_batch=True, about="""
        A function, called as ``callback(net, history)`` after each epoch; or an object with any
        of the methods on_train_begin(net), on_epoch_begin(net, epoch), on_batch_begin(batch),
        on_batch_end(batch, cost), on_epoch_end(net, history) and on_train_end(net, history).
        `epoch` counts as `epochs_trained`, `batch` from 0 in each epoch, `cost` is the
        mini-batch's mean before its step. on_epoch_end comes after validation;
        on_train_end not after an exception. A callback may raise `StopTraining` to end
        training quietly; any other exception comes out of `fit` as it is, and the batches
        and epochs done before it are kept. (Ctrl-C undoes the epoch it interrupts.) Full-batch
        optimisers have no batches to call them around. With sparse X each call of a batch hook
        takes a copy of W^2 and its optimiser's state.
        """)]
    max_seconds: Annotated[float | None, Option(
        None, "float, optional", _time_limit, full_batch=True, about="""
        End training quietly, as `StopTraining` does, after the epoch by which so many seconds have
        gone since it began, validation and callbacks included. `resume` counts anew.
        """)]
    progress: Annotated[bool, Option(
        False, "bool, default False", check_flag, full_batch=True, about="""
        Show one live line per epoch on stderr.
        """)]
    diagnose: Annotated[bool, Option(
        False, "bool, default False", check_flag, full_batch=True, about="""
        At the end, print on stderr what the doctor says of the network and its data
        (`chainrule.diagnose`), and keep it as `History.diagnosis`; also before a
        DivergenceError, where it is ``net.history.diagnosis``.
        """)]
    blocks: Annotated[int, Option(1, "int, default 1", check_blocks, about="""
        Of how many blocks B a mini-batch is made, a power of two. Block j has its own share of the
        m rows, those from j·m//B to (j+1)·m//B, and its own random numbers for their order and for
        dropout, from (seed, epochs_trained, j). An epoch has S = ⌈m/batch_size⌉ steps; step s takes
        of the m_j rows of each block those from s·m_j//S to (s+1)·m_j//S of its order. The blocks'
        gradients are summed in a binary tree. So the result hangs by B alone, not by how many
        processes share them out (comm). 1: mini-batches as they always are.
        """)]
    comm: Annotated[Any, Option(
        None, "mpi4py.MPI.Intracomm, optional", check_comm, again=True, about="""
        Train in all processes of this communicator together, a power of two of them and no more
        than blocks. Each calls `fit` with the same network and options and with its own rows alone:
        rank r of R those of its B/R blocks, from r·m//R on. Validation data, metrics, callbacks and
        progress are those of rank 0. All end with the network, the optimiser's state and the
        history that one process comes to by itself, to the last bit (seconds apart).
        """)]
    threads: Annotated[int | None, Option(
        None, "int, optional", _threads, full_batch=True, single_steps=True, about="""
        How many threads share the work of each step; as many as are worth it, out of the cores
        that this process may use (OMP_NUM_THREADS limits them), if not given. The result is the
        same to the last bit. One alone where activations or the cost are objects of your own.
        """)]
# fmt: on


ROWS = FitOptions.__annotations__
OPTIONS: dict[str, Option] = {name: row.__metadata__[0] for name, row in ROWS.items()}
OF_SINGLE_STEPS = {name: option for name, option in OPTIONS.items() if option.single_steps}
# What a fit goes by where nothing is given; the cores that a process may use can change.
_UNGIVEN = {
    name: option.check(name, option.default)
    for name, option in OPTIONS.items()
    if name != "threads"
}


def read_options(given: FitOptions) -> SimpleNamespace:
    """Return all options as a fit goes by them: what is given, checked, and else the defaults.

    Raises
    ------
    ValueError, TypeError
        For values that cannot be, and for what a full-batch optimiser does not take.
    """
    if isinstance(given.get("optimizer"), FullBatchOptimizer):
        _refuse_beyond_full_batch(given)
    options = SimpleNamespace(**_UNGIVEN)
    for name, value in given.items():
        setattr(options, name, OPTIONS[name].check(name, value))
    if "threads" not in given:
        options.threads = check_threads(None)
    if options.max_seconds is not None:
        if "callbacks" not in given:
            options.callbacks = Callbacks(None)  # of its own
        options.callbacks.add(options.max_seconds)
    return options


def _refuse_beyond_full_batch(given):
    others = [
        name
        for name, option in OPTIONS.items()
        if not option.full_batch and is_asked_for(name, given.get(name))
    ]
    others += ["shuffle=function"] if callable(given.get("shuffle")) else []
    if others:
        instead = "; in the place of validation_split give validation_data"
        raise ValueError(
            f"{', '.join(others)} cannot be used with {type(given['optimizer']).__name__}, which "
            "minimises the mean cost of all samples with l2 and l2_of_batch alone; use SGD or Adam "
            "for the others" + (instead if "validation_split" in others else "")
        )


def is_asked_for(name: str, value: Any) -> bool:
    """Whether an option is more than nothing."""
    if value is None or value is False:
        return False
    if name == "blocks":
        return value != 1
    if name in ("l1", "dropout"):
        return bool(np.any(value))
    if name in ("callbacks", "class_weight", "metrics", "record") and hasattr(value, "__len__"):
        return len(value) > 0
    return True
