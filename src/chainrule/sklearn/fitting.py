"""What a fit of an estimator asks of its network, and what it makes of the answer.

Each is a course: a generator that yields what the network is to be trained on, a `Task`, and is
sent the history that comes of it, or thrown the exception. So one fit can be carried out on its own
(`trained_alone`), and those of a search together, without a second way of either.
"""

import warnings
from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.network import Network
from chainrule.results.history import History
from chainrule.sklearn.limited import LimitedLBFGS
from chainrule.sklearn.parameters import check_full_batch
from chainrule.sklearn.stopping import NOT_FINITE, Rate, Rules, mean_of_batches
from chainrule.training.endings import DivergenceError
from chainrule.training.full_batch.lbfgs import LBFGS


class Task(NamedTuple):
    """What a network is to be trained on, as `Network.fit` takes it.

    X: (m, n_features), also a `RowsOf`; y: (m,) or (m, n_outputs).
    """

    net: Network
    X: Any
    y: Any
    options: dict[str, Any]


Course = Generator[Task, History, Any]


def trained_alone(course: Course) -> Any:
    """Return what a course comes to, by the network's own `fit`."""
    try:
        task = next(course)
    except StopIteration as end:  # there is nothing to train
        return end.value
    try:
        history = task.net.fit(task.X, task.y, **task.options)
    except BaseException as error:
        return answered(course, error)
    return answered(course, history)


def answered(course: Course, answer: History | BaseException) -> Any:
    """Let a course go on with what came of its task; return what it comes to, or raise."""
    try:
        if isinstance(answer, BaseException):
            course.throw(answer)
        else:
            course.send(answer)
    except StopIteration as end:
        return end.value
    except RuntimeError as error:
        if isinstance(answer, StopIteration) and error.__cause__ is answer:
            raise answer from None  # of a callback; generators let no such error through
        raise
    raise AssertionError("a course has one task")


def descend(
    est: Any, draws: Any, X: Any, y: Any, sample_weight: Any, incremental: bool, validation: Any,
    begun: Any,
) -> Course:  # fmt: skip
    """Train by mini-batches."""
    if "loss_curve_" not in vars(est):
        est.loss_curve_ = []
        est._fit_held_out = False
        est._watch()
    if est.early_stopping != (est.best_loss_ is None):  # it was another parameter before
        est._watch()
    if est.early_stopping and incremental and est.has_stopped_:
        return
    est.has_stopped_ = False
    rows, score = None, None
    m = X.shape[0]
    if est.early_stopping and validation:
        score = est._scorer(*validation)
    elif est.early_stopping:
        if incremental and est._fit_held_out:
            raise ValueError(
                "partial_fit does not support early_stopping=True after a fit that held out "
                "samples, which it does not know; give validation_data"
            )
        rows, held_out = draws.split(m, est.validation_fraction, est._strata(y))
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size "
                "of your dataset."
            )
        weights = None if sample_weight is None else sample_weight[held_out]
        score = est._scorer(X, y[held_out], weights, held_out)
    if not incremental:
        est._fit_held_out = rows is not None
    n = m if rows is None else len(rows)
    net = est.network_
    kind = est.learning_rate if est.solver == "sgd" else "constant"
    new = Rate(kind, est.learning_rate_init, est.power_t)
    rate = vars(est).get("_rate") if incremental else None
    if rate is None and not (est.warm_start and est.keep_optimizer):
        net.optimizer_state = {}
    if rate is None or not rate.begins_as(new):
        rate = est._rate = new
    size = est._size_of_batches(n, stacklevel=7)
    seen = [each if rows is None or each is None else each[rows] for each in (y, sample_weight)]
    rules = Rules(est, n, rate, _loss_by_steps(est, draws, seen[0], seen[1], size), score)
    est.n_iter_ = 0
    options = est._options([begun, rules], validation) | {
        "optimizer": est._rule(rate),
        "epochs": 1 if incremental else est.max_iter,
        "batch_size": size,
        "shuffle": draws.shuffled(n) if est.shuffle else False,
        "record": "objective",
        "rows": rows,
    }
    diverges = False
    try:
        yield Task(net, X, est._targets(y), {"sample_weight": sample_weight, **options})
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=7)
    except DivergenceError as error:
        if not est.early_stopping:
            raise ValueError(NOT_FINITE) from error
        est.validation_scores_.append(np.nan)
        diverges = True
    if incremental and est.early_stopping:
        est.has_stopped_ = rules.has_converged or diverges
    settle(est, is_over=not incremental or est.has_stopped_)
    comes_to_the_last = est.n_iter_ == est.max_iter and not rules.has_converged
    if diverges or (comes_to_the_last and not incremental):
        why = f"Maximum iterations ({est.max_iter}) reached"
        if diverges:
            why = f"The cost stopped being finite after {est.n_iter_} iterations"
        warnings.warn(
            f"Stochastic Optimizer: {why} and the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=7,
        )


def settle(est: Any, is_over: bool = True) -> None:
    """Give the network what it answers with: the best of early stopping, or the average."""
    net = est.network_
    if est.early_stopping and is_over and est._best_parameters is not None:
        net.parameters = est._best_parameters
    elif "average" in net.optimizer_state:
        net.parameters = net.optimizer_state["average"]


def minimise(est: Any, X: Any, y: Any, sample_weight: Any, validation: Any, begun: Any) -> Course:
    """Train by iterations over all samples."""
    check_full_batch(est)
    net, m, targets = est.network_, X.shape[0], est._targets(y)
    limited = LimitedLBFGS(tolerance=est.tol, most=est.max_fun)
    solver = limited if est.solver == "lbfgs" else est.solver
    if not (est.warm_start and est.keep_optimizer):
        net.optimizer_state = {}
    options = est._options([begun], validation) | {
        "sample_weight": sample_weight, "optimizer": solver, "epochs": est.max_iter,
    }  # fmt: skip
    try:
        history = yield Task(net, X, targets, options)
    except DivergenceError as error:
        raise ValueError(NOT_FINITE) from error
    finally:
        if solver is limited:  # whose limits were of this fit
            net.optimizer = LBFGS(tolerance=est.tol)
    est.n_iter_ = len(history)
    cost = (
        history.cost[-1]
        if len(history)
        else net.evaluate(X[:], targets, sample_weight=sample_weight)["cost"]
    )
    total = m if sample_weight is None else sample_weight.sum()
    squares = sum(float((W * W).sum()) for W in net.weights)
    offsets = est._offsets(y)
    cost /= est._divisor()
    if offsets is not None:
        cost += np.average(offsets, weights=sample_weight)
    est.loss_ = float(cost + est.alpha / 2 * squares / total)
    if len(history) == est.max_iter or limited.has_ended:
        warnings.warn(
            f"lbfgs failed to converge after {len(history)} iteration(s). Increase the number "
            "of iterations (max_iter, max_fun) or scale the data.",
            ConvergenceWarning,
            stacklevel=7,
        )


def _loss_by_steps(est, draws, y, sample_weight, size):
    """Return what makes scikit-learn's loss of the last epoch out of a history.

    y, sample_weight: of the samples trained on, in mini-batches of so many.
    """
    offsets = est._offsets(y)

    def loss(history):
        objective, penalty = history.latest("objective"), history.latest("penalty")
        cost = (objective - penalty) / est._divisor()
        if offsets is not None:
            order = np.arange(len(y)) if draws.order is None else draws.order
            weights = np.ones(len(y)) if sample_weight is None else sample_weight[order]
            cost += mean_of_batches(offsets[order], weights, size)
        return float(cost + penalty)

    return loss
