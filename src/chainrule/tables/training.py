"""From a table and what is to be predicted of its rows to a `Predictor`."""

from math import ceil
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.threads import check_threads
from chainrule.costs import Cost, log_likelihood, quadratic, quantile
from chainrule.network import Network
from chainrule.sweeps.ensemble import Ensemble
from chainrule.sweeps.many import fit_many
from chainrule.sweeps.sweep import Histories
from chainrule.tables.predictor import Predictor
from chainrule.tables.preparation import Preparation
from chainrule.tables.recipe import METRICS, Recipe
from chainrule.tables.targets import Targets
from chainrule.tables.temperature import temperature_of
from chainrule.training.early_stopping import EarlyStopping

# What the history calls the figures by which the best epoch is chosen.
FIGURES = {
    "error": "validation_accuracy",
    "log_loss": "validation_cost",
    "rmse": "validation_cost",
    "mae": "mae",
}
LEAST_SECONDS = 1e-9  # where the time is over: one epoch


def train(
    recipe: Recipe,
    X: Any,
    targets: Targets,
    *,
    categorical: Any = "auto",
    sample_weight: NDArray[Any] | None = None,
    levels: tuple[float, ...] | None = None,
    refit: bool = False,
    calibrate: bool = False,
    time_limit: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: bool = False,
) -> tuple[Predictor, Histories]:
    """Return the model of a table, and the histories of its networks.

    The same seed makes the same model, to the last bit, with any number of threads.

    Parameters
    ----------
    recipe : Recipe
    X : frame or array (m, columns)
    targets : Targets
    categorical
        As of `Preparation.learn`.
    sample_weight : ndarray (m,), optional
        How much each row counts, 0 or more; rows of weight 0 are neither trained on nor held out.
    levels : tuple of float, optional
        Learn these quantiles of the values.
    refit : bool
        Train once more, on all rows, for as many epochs as were best on average.
    calibrate : bool
        Fit a temperature on what the networks say of the rows that they have not seen.
    time_limit : float, optional
        About how many seconds all of it may take, by which results may differ from run to run: each
        network has an equal part of the time and is, then, as it was at its best epoch so far.
    seed : int
    threads, progress
        As of `fit_many`.

    Raises
    ------
    ValueError, TypeError
        For data that do not fit, before anything is trained.
    """
    ends = None if time_limit is None else monotonic() + time_limit
    figure = _figure(recipe, targets, levels)
    y, m = targets.y, len(targets.y)
    rows = np.arange(m) if sample_weight is None else np.flatnonzero(sample_weight > 0)
    rng = np.random.default_rng(seed)
    splits = held_out(recipe, y, rows, rng)
    preparation = Preparation.learn(X, categorical=categorical, **recipe.preparation())
    inputs = preparation.transform(X)
    seeds = rng.integers(2**63, size=recipe.members).tolist()
    lengths = recipe.lengths(len(rows) - len(splits[0]))
    descent = recipe.descent(preparation.width, lengths["epochs"])

    def fit(each=None, share=1.0, **options):
        """Train networks from their beginning."""
        nets = [
            _network(recipe, scales, targets, levels, one)
            for scales, one in zip(_scales(recipe, preparation), seeds, strict=True)
        ]
        histories = fit_many(
            nets, inputs, y, each=each, sample_weight=sample_weight, threads=threads,
            max_seconds=_seconds(ends, share, len(nets), threads), progress=progress,
            **descent, **options,
        )  # fmt: skip
        for error in histories.failed.values():
            raise error
        return nets, histories

    each = [_own(recipe, figure, inputs, y, rows, held, sample_weight) for held in splits]
    nets, histories = fit(each, 0.5 if refit else 1.0, **lengths)
    temperature = _temperature(nets, inputs, y, splits, sample_weight) if calibrate else 1.0
    if refit:
        best = np.mean([own["callbacks"].best_epoch + 1 for own in each])
        size = recipe.lengths(len(rows))["batch_size"]
        nets, histories = fit(epochs=round(float(best)), batch_size=size, rows=rows)
    for net in nets:  # what training alone needs
        net.optimizer_state, net.history = {}, None
    predictor = Predictor(
        preparation, Ensemble(nets), classes=targets.classes, scale=targets.scale,
        shift=targets.shift, temperature=temperature,
    )  # fmt: skip
    return predictor, histories


def _own(recipe, figure, inputs, y, rows, held, sample_weight) -> dict[str, Any]:
    """Return the options of the network that holds out these rows."""
    rows = np.setdiff1d(rows, held, assume_unique=True)
    weights = None if sample_weight is None else sample_weight[held]
    is_share = figure == "validation_accuracy"
    stopping = EarlyStopping(figure, recipe.patience, ties=recipe.ties, larger_is_better=is_share)
    return {
        "rows": rows,
        "validation_data": (inputs[held], y[held], weights),
        "metrics": {"mae": _MeanError(weights)} if figure == "mae" else None,
        "callbacks": stopping,
    }


class _MeanError:
    """The weighted mean of |y - a|, a metric."""

    def __init__(self, weights):
        self._weights = weights

    def __call__(self, y, a):
        return np.average(np.abs(y - a), weights=self._weights)


def _figure(recipe: Recipe, targets: Targets, levels: Any) -> str:
    """Return what the history calls the figure that the best epoch goes by."""
    if levels is not None:
        return "validation_cost"
    known = METRICS[targets.task]
    metric = known[0] if recipe.metric == "auto" else recipe.metric
    if metric not in known:
        raise ValueError(
            f"metric must be one of {', '.join(known)} for {targets.task}; got {metric!r}"
        )
    return FIGURES[metric]


def held_out(
    recipe: Recipe, y: NDArray[Any], rows: NDArray[Any], rng: np.random.Generator
) -> list[NDArray[Any]]:
    """Return for each network the rows that it holds out, each in its order.

    Of all classes, or of small and large values, alike many; as long as there are enough, no row
    is held out twice.
    """
    m = len(rows)
    n = max(1, round(recipe.held_out * m))
    if m < 2 or n >= m:
        raise ValueError(
            f"some rows are held out to choose the best epoch by, so there must be 2 or more; got "
            f"n_samples = {m} with weight, of which {n} would be held out"
        )
    mixed = rng.permutation(rows)
    ranked = mixed[np.argsort(y[mixed], kind="stable")]
    # Every (m/n)th of the ranked rows; exactly n of the places have a phase in a span of n.
    phase = np.arange(m) * n % m
    starts = [0 if recipe.shared_split else k * n for k in range(recipe.members)]
    return [np.sort(ranked[(phase - start) % m < n]) for start in starts]


def _scales(recipe: Recipe, preparation: Preparation) -> list[NDArray[np.float64]]:
    """Return for each network what its inputs (width,) are multiplied by."""
    none = np.where(preparation.of_categories, recipe.categories_scale, 1.0)
    some = none.copy()
    none[preparation.of_bins], some[preparation.of_bins] = 0.0, recipe.bins_scale
    every = 1 if recipe.bins_for == "all" else 2
    return [none if k % every else some for k in range(recipe.members)]


def _network(
    recipe: Recipe, scales: NDArray[Any], targets: Targets, levels: Any, seed: int
) -> Network:
    cost: Cost
    if targets.classes is not None:
        n_out, output, cost = len(targets.classes), "softmax", log_likelihood(recipe.smoothing)
    elif levels is not None:
        n_out, output, cost = len(levels), "identity", quantile(levels)
    else:
        n_out, output, cost = 1, "identity", quadratic()
    return Network(
        [len(scales), *recipe.hidden, n_out], hidden=recipe.activation, output=output, cost=cost,
        init=recipe.beginnings(), trainable_scale=recipe.scale_rate > 0, dtype=recipe.dtype,
        input_scale=None if (scales == 1).all() else scales, seed=seed,
    )  # fmt: skip


def _seconds(ends, share, members, threads):
    """Return how long each network may train, as many at once as there are cores; or None."""
    if ends is None:
        return None
    left = max(ends - monotonic(), LEAST_SECONDS)
    return share * left / ceil(members / max(check_threads(threads)))


def _temperature(nets, X, y, splits, sample_weight) -> float:
    """Return that of what the networks say, on average, of rows that they have held out."""
    total, count = np.zeros((len(X), nets[0].sizes[-1])), np.zeros(len(X))
    for net, held in zip(nets, splits, strict=True):
        total[held] += net.feedforward(X[held])
        count[held] += 1
    seen = np.flatnonzero(count)
    p = total[seen] / count[seen, None]
    return temperature_of(p, y[seen], None if sample_weight is None else sample_weight[seen])
