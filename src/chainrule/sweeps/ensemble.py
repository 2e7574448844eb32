"""`Ensemble`: several networks that answer the same question as one.

Over 400 lines for the docstrings alone, which are the reference that `help` shows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import is_
from os import PathLike
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_real, check_out
from chainrule.checks.classes import places_of
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_count, check_flag, check_name, check_share
from chainrule.checks.other_tools import OF_FIT
from chainrule.checks.samples import Samples
from chainrule.checks.threads import check_threads
from chainrule.core import _core
from chainrule.files.ensemble_file import write_ensemble
from chainrule.model.answers import answers_of
from chainrule.network import Network
from chainrule.sweeps import selection
from chainrule.sweeps.asked import Asked
from chainrule.sweeps.bootstrap import drawn
from chainrule.sweeps.distributions import check_levels, quantiles_of
from chainrule.sweeps.many import Histories, fit_many
from chainrule.sweeps.members import check_alike, check_free, checked_nets, settled
from chainrule.sweeps.pooling import Moments, head_of, joined, mean_of, pool_of
from chainrule.training.documented_options import documents_options
from chainrule.training.fit_options import FitOptions

FIGURES = ("cost", "accuracy")


@known_options()
class Ensemble(Sequence[Network]):
    """Several networks that answer the same question as one: the weighted mean of what each says.

    A sequence of networks, for `fit_many`, loops and indices; a slice is an ensemble too. Its
    networks and weights are settled when it is made; the networks themselves can be trained.

    Parameters
    ----------
    nets : sequence of Network
        With the same inputs, outputs, output activation and cost, and trained for the same classes;
        hidden layers, scalings and dtypes are each one's own. None of them twice.
    weights : array (K,), optional
        How much each counts, 0 or more; all alike if not given.

    Attributes
    ----------
    weights : ndarray (K,)
        As they were given, float64, read-only; ones if they were not.
    answers, classes
        What `predict` answers with, as of each network.
    dtype : dtype
        float32 if all networks are of that, else float64: of what is answered.

    Raises
    ------
    ValueError, TypeError
        For networks that differ in what they answer, with the index, and for weights that do not
        fit.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> ensemble = cr.Ensemble([cr.Network([1, 8, 1], task="regression", seed=k) for k in range(5)])
    >>> histories = ensemble.fit(X, X**2, bootstrap=True, epochs=100)
    >>> ensemble(X).shape, ensemble.spread(X).shape, ensemble.members(X).shape
    ((40, 1), (40, 1), (5, 40, 1))
    """

    def __init__(self, nets: Iterable[Network], weights: ArrayLike | None = None):
        self._nets = tuple(checked_nets(nets))
        check_alike(self._nets)
        self._checked = self._state_of_nets()
        self._weights = _checked_weights(weights, len(self._nets))
        counts = np.flatnonzero(self._weights)
        # Those of weight 0 are asked for `members` alone.
        self._counting = tuple(self._nets[k] for k in counts)
        of_largest = self._weights[counts] / self._weights.max()  # whose sum is a number
        self._shares = of_largest / of_largest.sum()
        self._dtype = np.result_type(*(net.dtype for net in self._nets))
        self._in_float32 = self._dtype == np.float32
        self._has_moments = pool_of(self._nets[0]) is Moments

    def __len__(self) -> int:
        return len(self._nets)

    @overload
    def __getitem__(self, index: int) -> Network: ...
    @overload
    def __getitem__(self, index: slice) -> "Ensemble": ...
    def __getitem__(self, index):
        """Return a network, or an ensemble of some with their weights."""
        if isinstance(index, slice):
            return Ensemble(self._nets[index], self._weights[index])
        return self._nets[index]

    def __iter__(self) -> Iterator[Network]:
        return iter(self._nets)

    def __repr__(self) -> str:
        more = ", ..." if len(self) > 1 else ""
        weights = "" if (self._weights == 1).all() else f", weights={self._weights.tolist()}"
        return f"Ensemble([{self[0]!r}{more}]{weights}) of {len(self)} networks"

    def __reduce__(self):
        return Ensemble, (list(self._nets), self._weights)

    def copy(self) -> "Ensemble":
        """Return an ensemble of copies, ``net.copy()``; ``copy.copy(ensemble)`` is the same."""
        return Ensemble([net.copy() for net in self], self._weights)

    __copy__ = copy

    @property
    def weights(self) -> NDArray[np.float64]:
        """How much each network counts, (K,), as it was given."""
        return self._weights

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is answered."""
        return self._dtype

    @property
    def answers(self) -> str:
        """What `predict` answers with: "classes", "multilabel" or "values"."""
        return settled(self._nets).answers

    @property
    def classes(self) -> NDArray[Any] | None:
        """What the classes are called, in the order of the outputs; None for other answers."""
        return settled(self._nets).classes

    @known_options(OF_FIT)
    @documents_options
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        bootstrap: bool = False,
        each: Sequence[Mapping[str, Any]] | None = None,
        **options: Unpack[FitOptions],  # pyright: ignore[reportGeneralTypeIssues]
    ) -> Histories:
        """Train all networks on the same X at once, by `fit_many`.

        They differ by what they began with (their seeds), if asked by the samples they see, and by
        `each`.

        Parameters
        ----------
        X, y
            As in `fit_many`.
        bootstrap : bool, default False
            Each network trains on rows of its own, drawn with replacement, as many as there are
            (Breiman, 1996): of m rows ``np.random.default_rng((net.seed, 1)).integers(m, size=m)``,
            in every `fit` the same; where `rows` are given, of these. The classes are those of all
            rows.
        each : sequence of dict, optional
            As in `fit_many`.

        Returns
        -------
        Histories
            As `fit_many` returns it.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, before anything changes; so for bootstrap with networks of the
            same seed, without y, and with validation_split, which would hold out copies of samples
            that are trained on.
        RuntimeError
            For a network that is in training elsewhere.
        """
        given: Any = options
        if not check_flag("bootstrap", bootstrap):
            return fit_many(self, X, y, each=each, **given)
        check_free(self)
        before = [net._settled for net in self]
        try:
            rows = drawn(self, X, y, each, given)
            return fit_many(self, X, y, each=rows, **given)
        except Exception:  # that of a training does not come here
            for net, was in zip(self, before, strict=True):
                net._settled = was
            raise

    def feedforward(
        self, X: ArrayLike, *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return the weighted mean of the outputs, of samples, or of one sample.

        Σ w_k a_k / Σ w_k, summed in the order of the networks in float64, then rounded. For the
        gaussian cost, whose outputs are means and ln(variances), those of the mixture: μ = Σ w_k
        μ_k and σ² = Σ w_k (σ_k² + (μ_k - μ)²), the law of total variance. X is checked and
        converted once.

        Parameters
        ----------
        X, out, threads
            As in `Network.feedforward`.

        Returns
        -------
        ndarray (m, n_L), or (n_L,)
            In `dtype`.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit.
        """
        if threads is not None:
            check_threads(threads)
        if out is None and not self._has_moments:
            found = _core.mean_of_one(self._counting, self._shares, X, self._in_float32)
            if found is not None:  # as of a network, some microseconds
                return found
        asked = Asked(self._counting, X, threads)
        if self._has_moments:
            found = self._of_pieces(asked, lambda said: _mixture(said, self._shares))
        else:
            found = asked.mean(self._shares).astype(self._dtype)
            found = found[0] if asked.single else found
        if out is None:
            return found
        inputs = asked.inputs_of(self._counting[0])
        for net in self:
            check_out(out, found.shape, self._dtype, inputs, net.parameters)
        out[...] = found
        return out

    __call__ = feedforward

    def members(self, X: ArrayLike, *, threads: int | None = None) -> NDArray[Any]:
        """Return what each network says, (K, m, n_L), or (K, n_L) of a single sample, in `dtype`.

        Parameters
        ----------
        X, threads
            As in `feedforward`.
        """
        asked = Asked(self._nets, X, threads)
        found = np.empty((len(self), len(asked), self[0].sizes[-1]), self._dtype)
        for net, part in zip(self, found, strict=True):
            if net.dtype == self._dtype:
                asked.outputs(net, part)
            else:
                part[:] = asked.outputs(net)
        return found[:, 0] if asked.single else found

    @known_options()
    def predict(
        self, X: ArrayLike, *, vote: bool = False, threads: int | None = None
    ) -> NDArray[Any]:
        """Return what the ensemble answers: classes, rows of 0 and 1, or values.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        vote : bool, default False
            Answer with what networks of the most weight answer, each for itself; of equals, what
            the mean says. Else with what the mean says.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (m,), or (m, n_L)
            As `Network.predict` returns it.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit, and for a vote on values.
        """
        outputs = self.feedforward(X, threads=threads)
        single, outputs = outputs.ndim == 1, np.atleast_2d(outputs)
        net = self._agreed()
        if check_flag("vote", vote):
            votes = np.atleast_2d(self.votes(X, threads=threads))
            outputs = _as_voted(net, votes, outputs, self._weights.sum())
        found = answers_of(net, outputs)
        return found[0] if single else found

    def votes(self, X: ArrayLike, *, threads: int | None = None) -> NDArray[np.float64]:
        """Return the votes for each class: the weights of the networks that answer with it, summed.

        Without weights that is how many they are.

        Parameters
        ----------
        X, threads
            As in `feedforward`.

        Returns
        -------
        ndarray (m, n_classes), or (n_classes,) of a single sample
            In the order of `classes`; of several labels a sample (m, n_L), those for each label.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit, and for networks that answer with values.
        """
        net = self._agreed()
        if net.answers == "values":
            raise ValueError("votes are of classes; these networks answer with values: spread(X)")
        weights = self._weights[self._weights > 0]

        def count(said: NDArray[np.float64]) -> NDArray[np.float64]:
            if net.answers == "multilabel":
                return mean_of(np.array([answers_of(net, each) for each in said]), weights)
            n_classes = max(said.shape[2], 2)
            chosen = np.array([places_of(each, net._cost.low) for each in said])
            return mean_of((chosen[:, :, None] == np.arange(n_classes)).astype(float), weights)

        return self._of_pieces(Asked(self._counting, X, threads), count, np.dtype(np.float64))

    def spread(self, X: ArrayLike, *, threads: int | None = None) -> NDArray[Any]:
        """Return how far apart the networks are: the standard deviation of each output over them.

        √(Σ w_k (a_k - ā)² / Σ w_k) with their mean ā.

        Parameters
        ----------
        X, threads
            As in `feedforward`.

        Returns
        -------
        ndarray (m, n_L), or (n_L,) of a single sample
            In `dtype`.
        """

        def deviation(said: NDArray[np.float64]) -> NDArray[np.float64]:
            apart = said - mean_of(said, self._shares)
            return np.sqrt(mean_of(apart**2, self._shares))

        return self._of_pieces(Asked(self._counting, X, threads), deviation)

    def quantiles(self, X: ArrayLike, q: ArrayLike, *, threads: int | None = None) -> NDArray[Any]:
        """Return quantiles of what the networks say, for each sample and output.

        Of numbers between those of the networks in their order, each in the middle of its weight
        (of equal weights ``numpy.quantile(members, q, axis=0, method="hazen")``). For the gaussian
        cost, of the mixture of the networks' normal distributions; for quantile, whose outputs are
        such levels themselves, the mean of what the networks say for them.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        q : float or sequence of float
            Levels from 0 to 1; for quantile some of those learned.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (m, n), or (Q, m, n) for a sequence; without m for a single sample
            n is n_L, for gaussian and quantile the number of targets; in `dtype`.

        Raises
        ------
        ValueError, TypeError
            For arrays and levels that do not fit.
        """
        levels = check_levels(self[0], q)

        def found_of(said: NDArray[np.float64]) -> NDArray[np.float64]:
            return quantiles_of(self[0], said, self._shares, np.atleast_1d(levels))

        found = self._of_pieces(Asked(self._counting, X, threads), found_of)
        return found if levels.ndim else found[0]

    def interval(
        self, X: ArrayLike, level: float = 0.9, *, threads: int | None = None
    ) -> NDArray[Any]:
        """Return from where to where the middle `level` of what the networks say goes.

        Their quantiles (1 - level)/2 and (1 + level)/2: ``low, high = ensemble.interval(X)``.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        level : float, default 0.9
            Between 0 and 1.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (2, m, n), or (2, n) of a single sample
            As `quantiles` returns it.
        """
        check_share("level", level)
        return self.quantiles(X, [(1 - level) / 2, (1 + level) / 2], threads=threads)

    @known_options()
    def evaluate(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        output_weight: ArrayLike | None = None,
        missing_targets: str = "refuse",
        threads: int | None = None,
    ) -> dict[str, float]:
        """Return the cost of what the ensemble says, and the accuracy where targets are classes.

        Of probabilities and rates the cost is computed from z, whatever they round to. With an
        output_scale, which may be another in each network, it is that by the scale of the first.

        Parameters
        ----------
        X, y, sample_weight, output_weight, missing_targets, threads
            As in `Network.evaluate`.

        Returns
        -------
        dict
            {"cost": float, "accuracy": float}; without "accuracy" for other targets.
        """
        net = self._agreed()
        asked = self._of_many(X, threads)
        return head_of(net).evaluate(
            joined(asked, net, self._shares), y,
            sample_weight=sample_weight, output_weight=output_weight,
            missing_targets=missing_targets, threads=threads,
        )  # fmt: skip

    @known_options()
    def select(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        size: int | None = None,
        figure: str = "cost",
        sample_weight: ArrayLike | None = None,
        output_weight: ArrayLike | None = None,
        missing_targets: str = "refuse",
        threads: int | None = None,
    ) -> "Ensemble":
        """Return an ensemble of the networks that are best together on these samples.

        Beginning with none, that network is added, again and again, which makes the figure of all
        best; a network may come more than once, and so counts more (Caruana et al., 2004). Of all
        the ensembles on the way the first of the best is returned. Samples that were not trained
        on; what the networks say of them is computed once, and kept.

        Parameters
        ----------
        X, y, sample_weight, output_weight, missing_targets, threads
            As in `evaluate`.
        size : int, optional
            How many to add; as many as there are networks if not given.
        figure : "cost" or "accuracy", default "cost"
            Of equal accuracies the cost decides.

        Returns
        -------
        Ensemble
            Of the networks that were added (not copies), with how often as weights.

        Raises
        ------
        ValueError, TypeError
            For samples and options that do not fit, and for "accuracy" where targets are no
            classes.
        """
        size = len(self) if size is None else check_count("size", size, least=1)
        check_name("figure", figure, FIGURES)
        net = self._agreed()
        head, asked = head_of(net), self._of_many(X, threads, self._nets)
        samples = Samples(
            head, np.zeros((len(asked), net.sizes[-1])), y, sample_weight,
            output_weight=output_weight, missing_targets=missing_targets,
        )  # fmt: skip
        if figure == "accuracy" and not samples.targets.are_classes:
            raise ValueError("figure='accuracy' needs targets that are classes; take 'cost'")
        pool = pool_of(net)
        said = pool(asked.together(slice(None), pool.ask))
        counts = selection.select(said, head, samples, size, figure, threads)
        chosen = np.flatnonzero(counts)
        return Ensemble([self[k] for k in chosen.tolist()], counts[chosen])

    def save(self, path: str | PathLike[str]) -> None:
        """Write all networks, and their weights, to one file, for `chainrule.load`.

        As `Network.save` writes one: numbers and names only, whole or not at all, with what each
        needs to train on.
        """
        self._agreed()
        write_ensemble(self._nets, self._weights, path)

    def _agreed(self) -> Network:
        """Return a network that knows what they all answer with."""
        state = self._state_of_nets()
        if not all(map(is_, state, self._checked)):  # they have been trained since
            check_alike(self._nets)
            self._checked = state
        return settled(self._nets)

    def _state_of_nets(self) -> list[Any]:
        """Return what training may change of what must be alike."""
        return [each for net in self for each in (net._answers, net._named, net._input_names)]

    def _of_many(self, X: ArrayLike, threads: int | None, nets: Any = None) -> Asked:
        asked = Asked(nets or self._counting, X, threads)
        if asked.single:
            raise ValueError(f"X must be (samples, {self[0].sizes[0]}); got one sample, X[None, :]")
        return asked

    def _of_pieces(
        self,
        asked: Asked,
        answer: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        dtype: np.dtype[Any] | None = None,
    ) -> NDArray[Any]:
        """Return (..., m, n), without m of a single sample, of what is said, (K, m, n_L)."""
        found = [answer(asked.together(some)) for some in asked.pieces()]
        whole = np.concatenate(found, axis=-2).astype(dtype or self._dtype)
        return whole[..., 0, :] if asked.single else whole


def _checked_weights(given: ArrayLike | None, count: int) -> NDArray[np.float64]:
    weights = np.ones(count) if given is None else as_real("weights", given, np.float64).copy()
    if weights.shape != (count,) or (weights < 0).any() or not weights.any():
        raise ValueError(
            f"weights must be a number for each of {count} networks, 0 or more, and not all 0; got "
            f"{weights.tolist()!s:.200}"
        )
    weights.flags.writeable = False
    return weights


def _mixture(said: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    moments = Moments(said)
    return moments.joined(mean_of(moments.parts, shares))


def _as_voted(net: Network, votes: NDArray, outputs: NDArray, total: float) -> NDArray:
    """Return outputs (m, n_L) that answer as the votes do, and between equals as they did."""
    if net.answers == "classes" and outputs.shape[1] > 1:
        return np.where(votes == votes.max(axis=1, keepdims=True), outputs, -np.inf)
    yes, no = (
        (votes, total - votes) if net.answers == "multilabel" else (votes[:, 1:], votes[:, :1])
    )
    return np.where(yes > no, np.inf, np.where(yes < no, -np.inf, outputs))
