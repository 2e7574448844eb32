"""The network: what can be asked of it.

Over 400 lines for the docstrings alone, which are the reference that `help` shows.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_numbers, as_real, as_stored, check_out
from chainrule.checks.chosen_rows import choose
from chainrule.checks.given_gradients import GivenGradients, check_one_way
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag, check_index, check_part
from chainrule.checks.other_tools import OF_A_NETWORK, OF_FIT, OF_NETWORK, sizes_in_a_list
from chainrule.checks.samples import Samples
from chainrule.checks.sparse_rows import is_sparse
from chainrule.checks.threads import check_threads
from chainrule.checks.words import hint
from chainrule.core import _core
from chainrule.doctor.visit import run
from chainrule.files.checkpoint import read_checkpoint
from chainrule.files.model_file import write_network
from chainrule.model import passes, second_derivatives
from chainrule.model.answers import answers_of
from chainrule.model.model import Model, check_network, check_trainable
from chainrule.optimizers import Optimizer
from chainrule.results.gradient import Gradient, Sensitivity, Trace
from chainrule.results.history import History
from chainrule.training.documented_options import documents_options, documents_single_steps
from chainrule.training.fit import prepare
from chainrule.training.fit_options import OF_SINGLE_STEPS, OPTIONS, FitOptions
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.ranks import Ranks, check_comm
from chainrule.training.trainer import Trainer

# Beside the words of other tools, those of one that are options of the other.
_OF_FIT = dict.fromkeys(Model.__init__.__kwdefaults__ or (), "It is an option of Network(...).")
_OF_NETWORK = dict.fromkeys(OPTIONS, "It is an option of fit(...).")
_OF_EACH_STEP = dict.fromkeys(("sample_weight", "output_weight"), "Give it with each step.")
_OF_TRAINER = (
    _OF_FIT
    | dict.fromkeys(OPTIONS.keys() - OF_SINGLE_STEPS, "It is of whole epochs: fit(...) takes it.")
    | _OF_EACH_STEP
)


@known_options(OF_NETWORK | _OF_NETWORK, positional=sizes_in_a_list)
class Network(Model):
    """A feedforward network trained by backpropagation.

    z^l = a^{l-1} (W^l)ᵀ + b^l and a^l = σ(z^l) for l = 2 ... L, where a^1 is the input, or
    input_scale·x + input_shift for an input x; with trainable_scale z^2 = (s ⊙ a^1) (W^2)ᵀ + b^2.

    Parameters
    ----------
    sizes : sequence of int
        [n_1, ..., n_L]: the number of inputs, of neurons in each hidden layer, and of outputs.
    task : str, optional
        "regression", "classification" or "multilabel": where they are not given, hidden, output,
        cost, init, input_scale and output_scale become what learns data as they are,

        ==============  ===========  ==============  =================  ==========================
        task            output       cost            for                scaled by the first `fit`
        ==============  ===========  ==============  =================  ==========================
        regression      identity     quadratic       numbers in units   inputs and outputs
        regression      exponential  poisson         counts             inputs
        classification  softmax      log_likelihood  several outputs    inputs
        classification  sigmoid      cross_entropy   one output         inputs
        classification  identity     hinge           cost="hinge"       inputs
        multilabel      sigmoid      cross_entropy   several labels     inputs
        ==============  ===========  ==============  =================  ==========================

        with hidden="tanh" and init="glorot". An output or a cost that is given decides the row.
    hidden : str, Activation or object, or a sequence of these, default "sigmoid"
        The activation of the hidden layers, or one for each: sigmoid, tanh, relu, leaky_relu, elu,
        selu, softplus, gelu, swish, mish, softsign, hard_sigmoid, exponential, identity, step; or,
        with another parameter, such as ``chainrule.activations.leaky_relu(slope=0.2)``; or an
        object of your own with value(z) and slope(z, a) (`chainrule.activations`). step is the
        perceptron's (1 where z > 0, else 0): feedforward only, no training.
    output : str, Activation or object, default "sigmoid"
        The activation of the output layer: one of these, or softmax.
    cost : str, Cost or object, default "quadratic"
        A sample's cost; the network's is the mean over samples. For any output: quadratic,
        ½‖y-a‖²; squared_error, ‖y-a‖²; absolute_error; huber; quantile; hinge. For one output
        alone: cross_entropy, -Σ y ln a + (1-y) ln(1-a), with sigmoid; log_likelihood, -Σ y ln a,
        with softmax; poisson with exponential; gaussian with identity. With another parameter, such
        as ``chainrule.costs.quantile([0.1, 0.5, 0.9])``; or an object of your own with value(a, y)
        and delta(z, a, y). `chainrule.costs` has the formulas.
    init : str or callable, or a list of these, default "scaled"
        How the parameters begin: scaled, large, glorot, he, lecun, small, zeros
        (`chainrule.initializers`), or a function of (rng, n_in, n_out) that returns
        W (n_out, n_in) and b (n_out,). One for all layers, or a list with one for each of those
        after the input. They are called in their order, with one generator of the seed.
    bias : bool, default True
        Whether neurons have biases.
    dtype : dtype, default "float32"
        Of parameters and arithmetic: float32 or float64.
    precision : str, default that of the dtype
        "bfloat16": the factors of all products over layers, z^l = a^{l-1} (W^l)ᵀ, δ^{l+1} W^{l+1}
        and (δ^l)ᵀ a^{l-1}, are rounded to bfloat16, 8 binary digits, before they are multiplied;
        their sums are made in float32. Parameters, biases, σ, costs and the optimiser stay
        float32. Up to 1.8 times as fast for wide layers on processors with AVX512_BF16; for narrow
        ones no faster, and on other processors slower than float32. (docs/bfloat16.md has the
        bound of the rounding.) For dtype="float32" alone. It can be assigned later:
        ``net.precision = "float32"``. Sparse inputs are made dense, a few rows at a time. Refused
        by full-batch optimisers and by `chainrule.convert`; `check_gradient` and second
        derivatives are of the unrounded network.
    input_scale, input_shift : float or array (n_1,), default 1 and 0
        What the network reads of an input x is a^1 = input_scale·x + input_shift, in every method,
        computed for a few rows at a time, so that X stays as it is: images of uint8 with
        ``input_scale=1/255``, say. "standard": the first `fit` sets them by the mean μ and the
        spread s of each input, a^1 = (x - μ)/s, in float64, of the rows it trains on (none that
        are held out), each by its weight; s = 1 where all are alike; of sparse X a^1 = x/s. A fit
        that finishes no epoch, and of which no batch is kept, leaves them open; later ones keep
        them; before, nothing can be asked. Types that float32 does not hold to the last bit
        (float64, int32, int64, uint32, ...) are scaled and shifted in float64, by both numbers as
        they are given, and only a^1 is rounded to the network's dtype: times in seconds around
        1.7e9 stay apart with ``input_shift=-1.7e9``. All others are so in the network's dtype, to
        which both numbers are rounded first. The product is rounded before the sum.
        Derivatives by the inputs are those by x. They are part of the network, and of its file.
    output_scale, output_shift : float or array (n_L,), default 1 and 0
        What the network says is output_scale·a^L + output_shift, and a target y is learned as
        (y - output_shift)/output_scale, in float64 before it is rounded; output_scale > 0. So
        outputs, `predict`, `jacobian`, `sensitivity` and metrics are in the units of y, costs
        (`History.cost`, `evaluate`), gradients and `trace` those of what is learned. "standard":
        set by the mean and the spread of the targets like the inputs, so that no one has to write
        (y - mean)/spread. For costs of numbers: quadratic, squared_error, absolute_error, huber,
        quantile (all levels come back in units), gaussian (ln variance gains 2 ln output_scale)
        and your own; one number a target. Targets then are numbers, never classes.
    trainable_scale : bool, default False
        Whether layer 2 reads s ⊙ a^1, with a factor s_k for each input that is learned with the
        weights: it begins at 1, stands as `scale` at the end of `parameters`, and so goes wherever
        they go. It is not decayed (by l1, l2, max_norm, weight_decay), nor a bias. Given by layer,
        ``fit(rates=)`` and an optimiser's epsilon have one number more at the end, which is for s:
        a rate of 0 holds it where it is. A gradient takes no further product over the samples:
        with V = ∂C/∂(W^2 diag s), ∂C/∂s has the column sums of W^2 ⊙ V, and ∂C/∂W^2 is V diag s.
    seed : int, optional
        Decides the initial parameters, every shuffle, and what dropout drops; 0 <= seed < 2**64.
        Drawn if not given, and kept as `seed`.

    Attributes
    ----------
    parameters : ndarray (n_parameters,)
        All weights and biases in one vector, [W^2, b^2, W^3, b^3, ...], each W^l row by row; with
        trainable_scale s after them.
    weights : tuple of ndarray
        weights[i] is W^l for l = i + 2, (n_l, n_{l-1}): a writable view into `parameters`.
    biases : tuple of ndarray
        biases[i] is b^l, (n_l,), likewise; empty for bias=False.
    scale : ndarray (n_1,)
        s, likewise; empty without trainable_scale.
    answers : str
        What `predict` answers with: "classes", "multilabel" (rows of 0 and 1) or "values".
    classes : ndarray (n_L,) or None
        What the classes are called, in the order of the outputs, with one output (2,); None where
        targets are no classes. The first `fit` settles it: labels that are text, booleans, or
        whole numbers beyond 0 ... n_L - 1 are sorted. Assign it where the first batch of many has
        not all of them.
    input_names : tuple of str, or None
        The names of the inputs, read-only: those of the columns of the first frame that `fit`
        trained on. From then on every method takes only frames with the same columns in the same
        order, ``X[list(net.input_names)]``; arrays pass as before. They are part of the network's
        file. Frames without names, ``DataFrame(array)`` with its numbers 0 ... n-1, are as arrays.
    epochs_trained : int
        Epochs since the parameters were drawn; with `seed` it says how the next epoch is shuffled.
    optimizer_state : dict of str to ndarray
        What the optimiser carries from step to step: its own arrays, (n_parameters,) each (SGD with
        momentum: "velocity"; LBFGS: "s0", "y0", ...; LevenbergMarquardt: "damping"); "steps" (1,),
        how many it has taken, where it counts them; "epochs" (1,), how many it has done, where a
        schedule counts them, or it its steps; "average" (n_parameters,) for fit(average=); and what
        `ReduceOnPlateau` has seen.
        ``net.optimizer_state = {}`` begins anew.
    optimizer : SGD, Adam, ..., LBFGS or LevenbergMarquardt, or None
        That of the last `fit` that kept an epoch, or a batch; a `fit` that names none goes by it.
        None for a network never trained. It is in the network's file with all its settings and its
        schedule, but for a function in the place of one, which such a `fit` then asks for. Assign
        it to go on with another.
    history : History or None
        Of the last `fit`, also one that was interrupted.

    Raises
    ------
    ValueError, TypeError
        For sizes, names or combinations that do not fit.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([784, 30, 10], seed=0)
    >>> net.weights[0].shape, net.biases[1].shape
    ((30, 784), (10,))
    """

    @property
    def optimizer(self) -> Optimizer | FullBatchOptimizer | None:
        """The optimiser of the last `fit` that kept anything; what a `fit` without one goes by."""
        optimizer: Optimizer | FullBatchOptimizer | None = self._optimizer
        return optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Optimizer | FullBatchOptimizer | None) -> None:
        self._optimizer = OPTIONS["optimizer"].check("optimizer", optimizer)

    @known_options(_OF_FIT | OF_FIT)
    @documents_options
    def fit(
        self,
        X: ArrayLike | Iterable[Any] | Callable[[], Iterable[Any]],
        y: ArrayLike | None = None,
        **options: Unpack[FitOptions],
    ) -> History:
        """Train for `epochs` more epochs, from the present parameters and optimiser state.

        Two fits of 15 epochs equal one of 30 to the last bit. An interruption (Ctrl-C) or a cost
        that stops being finite ends training with an exception; the network then is as the last
        finished epoch left it, and `net.history` has the finished epochs.
        Several networks may train in as many threads at once; one network is for one thread.

        Parameters
        ----------
        X : array (m, n_1), frame, or an iterable of batches
            Inputs, one sample a row; finite in the network's dtype, once they are scaled. Arrays in
            C order of float32, float64, uint8, int16, uint16, int32 or int64 are not copied,
            memory-mapped ones (np.memmap) neither: rows are converted to the network's dtype as
            they are needed. Of a frame of pandas or polars (or of what has `columns` and gives each
            by its name) the columns may be real numbers and truth values of any types together;
            text, dates and missing values are refused by name. The columns of the first frame give
            the network its `input_names`. Sparse matrices of SciPy stay sparse, in compressed rows
            (CSR, to which its other formats are converted): products with W^2 and its update touch
            only what is not 0, and results are those of the dense form but for rounding. (With
            input_shift, max_norm or functions in Python, or where there are fewer than 32 rows, 256
            if W^2 is over 4 MB, they are made dense, a few at a time.)
            Without y: an iterable of mini-batches (X, y), (X, y, sample_weight) or (X, y,
            sample_weight, output_weight), for data that do not fit in memory, or a function that
            returns one. It is gone through anew in each
            epoch; what can be gone through only once, such as a generator, needs its function, or
            epochs=1, or steps_per_epoch, and then goes on from epoch to epoch. The batches are
            taken as they come (batch_size and shuffle have no meaning), and their making counts in
            ``history.seconds``. An exception of the iterable comes out as it is, like that of a
            callback.
        y : array (m, n_L), or labels (m,)
            Targets, also as a series or a frame. Integers from 0 to n_L - 1, when n_L > 1, stand
            for one-hot rows. Other integers, text and booleans are names of classes (`classes`),
            exactly n_L of them, or two for one output; numbers stay numbers there. With one output,
            (m,) is taken as (m, 1). For several labels a sample, rows of 0 and 1, with sigmoid
            outputs and cross_entropy. For quantile with k levels (m, n_L/k), for gaussian
            (m, n_L/2), without labels.

        Returns
        -------
        History
            Cost, seconds, validation figures and metrics, an entry per epoch.

        Raises
        ------
        ValueError, TypeError
            For data or options that do not fit, or a network with step units, before anything
            changes.
        DivergenceError
            When the cost, or what the optimiser keeps of the gradient, stops being finite; it names
            the epoch and the layer. A full-batch optimiser goes no such step; it raises where the
            cost is not finite to begin with.
        RuntimeError
            Where another training of the network is not over: of a callback of that, or of an
            iterable of batches, and in another thread. What it says may be asked meanwhile.
        """
        history: History = self._in_training.call(self._fit, X, y, options)
        return history

    def _fit(self, X: Any, y: Any, options: FitOptions) -> History:
        return run(prepare(self, X, y, options))

    def feedforward(
        self,
        X: ArrayLike,
        *,
        rows: ArrayLike | None = None,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the outputs a^L of samples, or of one sample.

        One sample takes about a microsecond: an array of a type that is read in place (`fit`), as
        (n_1,) or (1, n_1), or a list or tuple of numbers.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        rows : array of int, or mask (m,), optional
            As in `fit`: these rows of X alone, which is not copied for it.
        out : ndarray (m, n_L), or (n_L,) for a single sample; optional
            Where to write them, and what is returned: in the network's dtype, in C order, and not
            overlapping X.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (m, n_L), or (n_L,)
            In the network's dtype. With one output that is (m, 1): beside targets y (m,) NumPy
            makes (m, m) of ``net(X) - y``; take ``net(X)[:, 0]``, or `predict`, which is (m,).

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit.
        """
        if threads is not None:
            check_threads(threads)
        if rows is None:
            outputs = _core.feedforward_one(self._plan, self._parameters, X, out)
            if outputs is not None:  # one sample takes a microsecond, and no threads
                return outputs
        inputs, single = self._inputs(X, rows)
        shape = (len(inputs), self.sizes[-1])
        if out is None:
            outputs = np.empty(shape, self.dtype)
        else:
            wanted = shape[1:] if single else shape
            outputs = check_out(out, wanted, self.dtype, inputs, self._parameters)
            outputs = outputs.reshape(shape)
        passes.outputs(self, inputs, check_threads(threads), outputs)
        return out if out is not None else outputs[0] if single else outputs

    __call__ = feedforward

    def predict(
        self, X: ArrayLike, *, rows: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return what the network answers: classes, rows of 0 and 1, or values.

        Which of them, the first `fit` settles by its targets (`answers`); before it, output and
        cost say it.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        rows : array of int, or mask (m,), optional
            As in `feedforward`.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (m,), or (m, n_L)
            For targets that are classes the class of each sample, as `classes` calls it: that of
            its largest output, or with one output that on whose side of ½ it is (for the hinge cost
            of 0). For several labels a sample rows of 0 and 1, (m, n_L). For all other targets the
            outputs, (m, n_L), or (m,) where there is one, as targets y (m,) are: ``predict(X) - y``
            is (m,). Without the first axis for a single sample.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> net = cr.Network([1, 8, 2], output="softmax", cost="log_likelihood", seed=0)
        >>> history = net.fit(X, ["low", "low", "high", "high"], epochs=500)
        >>> net.classes.tolist(), net.predict(X).tolist()
        (['high', 'low'], ['low', 'low', 'high', 'high'])
        """
        outputs = self.feedforward(X, rows=rows, threads=threads)
        single = outputs.ndim == 1
        found = answers_of(self, outputs[None] if single else outputs)
        return found[0] if single else found

    @known_options()
    def evaluate(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        output_weight: ArrayLike | None = None,
        missing_targets: str = "refuse",
        rows: ArrayLike | None = None,
        threads: int | None = None,
    ) -> dict[str, float]:
        """Return the mean cost over the samples, and the accuracy where the targets are classes.

        Accuracy is the share of samples whose largest output is at the target's class; with a
        single output, of those on the target's side of ½ (for the hinge cost, of 0). Targets are
        classes if they are integer labels, one-hot rows, or one column of 0 and 1 (hinge: also of
        -1 and 1); rows with several labels, or none, are not, nor are those of which some are
        missing. The cost is without penalties.

        Parameters
        ----------
        X : array (m, n_1)
            As in `fit`.
        y : array (m, n_L), or integer labels (m,)
        sample_weight : array (m,), optional
            How much each sample counts in both, 0 or more.
        output_weight : array (m, n), or (n,), optional
            As in `fit`: how much each target counts in the cost.
        missing_targets : "refuse" or "skip", default "refuse"
            As in `fit`.
        rows : array of int, or mask (m,), optional
            As in `fit`: of these rows alone; y and weights have all m.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        dict
            {"cost": float, "accuracy": float}; without "accuracy" for other targets.
        """
        if rows is not None:
            X, y, sample_weight, output_weight = choose(rows, X, y, sample_weight, output_weight)
        samples = Samples(
            self, X, y, sample_weight, output_weight=output_weight, missing_targets=missing_targets
        )
        cost, correct, total = passes.evaluate(self, samples, check_threads(threads))
        are_classes = samples.targets.are_classes
        return {"cost": cost} | ({"accuracy": correct / total} if are_classes else {})

    def averaged(self) -> "Network":
        """Return a copy of the network with the average of its parameters, from `fit(average=)`.

        It has no optimiser state: its training begins anew, with the network's `optimizer`.

        Raises
        ------
        ValueError
            If the last fit kept no average.
        """
        if "average" not in self.optimizer_state:
            raise ValueError("there is no average: keep one with fit(..., average=0.999)")
        twin = copy.copy(self)
        twin.parameters = self.optimizer_state["average"]
        twin.optimizer_state = {}
        return twin

    def copy(self) -> "Network":
        """Return a network of its own that goes on as this one does, to the last bit.

        Parameters, `optimizer_state`, `epochs_trained` and seed are copies; `optimizer`, `history`
        and functions of your own, which nothing changes, are shared. ``copy.copy(net)`` is the
        same.
        """
        return copy.copy(self)

    def blend(self, other: "Network", tau: float) -> None:
        """Move the parameters towards those of another network: w ← (1-τ) w + τ w_other.

        That is how a target network follows, a little at each step; with τ = 1 it becomes as the
        other. Nothing but the parameters changes.

        Parameters
        ----------
        other : Network
            Of the same sizes, biases, dtype and trainable_scale.
        tau : float
            τ, 0 <= τ <= 1: 0 changes nothing, 1 copies.

        Raises
        ------
        ValueError, TypeError
            For a network that is shaped otherwise, and a number that is no such share.
        """
        check_network(other, "other")
        check_part("tau", tau)
        for what, ours, theirs in (
            ("sizes", self.sizes, other.sizes),
            ("bias", self.bias, other.bias),
            ("dtype", self.dtype, other.dtype),
            ("trainable_scale", self._trainable_scale, other._trainable_scale),
        ):
            if ours != theirs:
                raise ValueError(
                    "blend needs networks alike in sizes, bias, dtype and trainable_scale; "
                    f"this one has {what} {ours}, the other {theirs}"
                )
        _core.blend(self._parameters, other._parameters, tau)

    @known_options(_OF_TRAINER | OF_FIT)
    @documents_single_steps
    def trainer(
        self,
        optimizer: Optimizer | FullBatchOptimizer | None = None,
        /,
        **options: Unpack[FitOptions],  # pyright: ignore[reportGeneralTypeIssues]
    ) -> Trainer:
        """Return a trainer for a loop of your own: ``trainer.step(X, y)`` is one step.

        All is checked once, here. A step costs little more than its arithmetic, where a `fit` of
        one mini-batch costs some 150 µs beside it. `Trainer` says what a step may be given: targets
        or, in their place, derivatives.

        Parameters
        ----------
        optimizer : SGD, Adagrad, RMSprop, Adam, AdamW, Adamax or Rprop, optional
            As in `fit`, with or without its name.

        Returns
        -------
        Trainer

        Raises
        ------
        ValueError, TypeError
            For options that do not fit, full-batch optimisers, a schedule that counts epochs
            without steps_per_epoch, `ReduceOnPlateau`, and a network whose scaling the first `fit`
            has yet to set.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> net = cr.Network([4, 16, 2], hidden="tanh", output="identity", seed=0)
        >>> trainer = net.trainer(cr.Adam(1e-3), clip_norm=1.0)
        >>> for _ in range(3):
        ...     cost = trainer.step(np.ones((8, 4)), np.zeros((8, 2)))
        """
        if optimizer is not None:
            if "optimizer" in options:
                raise TypeError("trainer() got two optimizers, one of them without its name")
            options["optimizer"] = optimizer
        return Trainer(self, options)

    @known_options()
    def backprop(
        self,
        X: ArrayLike,
        Y: ArrayLike | None = None,
        *,
        output_gradient: ArrayLike | None = None,
        output_delta: ArrayLike | None = None,
        inputs: bool = False,
        sample_weight: ArrayLike | None = None,
        output_weight: ArrayLike | None = None,
        missing_targets: str = "refuse",
        threads: int | None = None,
    ) -> Gradient:
        """Return the mean gradient of the cost over the samples, by the four equations BP1-BP4.

        Parameters
        ----------
        X : array (m, n_1)
        Y : array (m, n_L), or integer labels (m,)
        output_gradient : array (m, n_L), optional
            In the place of Y: ∂C_i/∂a^L of each sample's own cost, whatever that is, by what the
            network says (with output_scale, by the outputs in their units).
        output_delta : array (m, n_L), optional
            In the place of Y: ∂C_i/∂z^L.
        inputs : bool, default False
            Also return ∂C_i/∂x_i of each sample; X is dense then.
        sample_weight : array (m,), optional
            How much each sample counts, 0 or more: Σ w_i ∂C_i / Σ w_i.
        output_weight, missing_targets
            As in `fit`.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        Gradient
            nabla.weights[i] = ∂C/∂W^l and nabla.biases[i] = ∂C/∂b^l for l = i + 2, shaped like the
            parameters; nabla.scale = ∂C/∂s (n_1,), empty without trainable_scale; nabla.cost, None
            where derivatives are given; and if asked nabla.inputs (m, n_1), ∂C_i/∂x_i of each
            sample's own cost: neither divided by m nor weighted.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, or a network with step units.
        """
        inputs = check_flag("inputs", inputs)
        if inputs and is_sparse(X):
            raise TypeError(
                "inputs=True needs dense X, as ∂C_i/∂x_i has a number for each input: X.toarray()"
            )
        samples: Samples | GivenGradients
        if Y is not None and output_gradient is None and output_delta is None:
            samples = Samples(
                self, X, Y, sample_weight,
                output_weight=output_weight, missing_targets=missing_targets,
            )  # fmt: skip
            self._check_descent(samples)
        else:
            check_one_way(Y, output_gradient, output_delta, output_weight)
            check_trainable(self)
            self._check_set()
            samples = GivenGradients(self, X, output_gradient, output_delta, sample_weight)
        return passes.gradient(self, samples, check_threads(threads), inputs=inputs)

    @known_options()
    def trace(self, X: ArrayLike, Y: ArrayLike, *, gradients: bool = False) -> Trace:
        """Return z, a and δ of every layer for every sample: backpropagation in the open.

        Parameters
        ----------
        X : array (m, n_1)
        Y : array (m, n_L), or integer labels (m,)
        gradients : bool, default False
            Also compute the gradient of each sample's own cost: m times as many numbers as the
            network has parameters.

        Returns
        -------
        Trace
            trace.z[i], trace.a[i] and trace.delta[i], each (m, n_l), belong to layer l = i + 2, as
            weights[i] does. delta is ∂C_x/∂z of each sample's own cost C_x, not divided by m.
            trace.gradients.weights[i] is (m, n_l, n_{l-1}), trace.gradients.biases[i] (m, n_l).

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, or a network with step units, which has no δ.
        """
        gradients = check_flag("gradients", gradients)
        samples = Samples(self, X, Y)
        self._check_descent(samples)
        return passes.trace(self, samples, gradients=gradients)

    def sensitivity(self, x: ArrayLike) -> Sensitivity:
        """Return the derivatives of each output for one sample, by every weight, bias and input.

        They say what a small change does: Δa^L ≈ Σ ∂a^L/∂w Δw + Σ ∂a^L/∂b Δb + Σ ∂a^L/∂x Δx.
        The four equations give them too, with an output in the place of the cost.

        Parameters
        ----------
        x : array (n_1,)
            One sample.

        Returns
        -------
        Sensitivity
            .weights[i] (n_L, n_l, n_{l-1}), .biases[i] (n_L, n_l), .inputs (n_L, n_1).

        Examples
        --------
        >>> import chainrule as cr
        >>> neuron = cr.Network([1, 1], init=lambda rng, n_in, n_out: ([[2.0]], [0.0]))
        >>> s = neuron.sensitivity([0.0])  # σ'(0) = 1/4, so w moves nothing here and b a quarter
        >>> float(s.weights[0][0, 0, 0]), float(s.biases[0][0, 0]), float(s.inputs[0, 0])
        (0.0, 0.25, 0.5)
        """
        check_trainable(self)
        self._check_set()
        given = as_numbers("x", x)
        if given.shape != (self.sizes[0],):
            raise ValueError(
                f"x must be one sample, ({self.sizes[0]},); got shape {given.shape}. "
                "For the derivatives by the inputs of many samples: jacobian(X)"
            )
        return passes.sensitivity(self, as_stored("x", given, self.dtype, self._scaling)[None, :])

    def jacobian(self, X: ArrayLike) -> NDArray[Any]:
        """Return the derivatives ∂a^L_q/∂x_k of each output q by each input k, sample by sample.

        BP1 with the output a^L_q in the place of the cost, and BP2 down to the inputs.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample

        Returns
        -------
        ndarray (m, n_L, n_1), or (n_L, n_1) for a single sample
            In the network's dtype.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, or a network with step units.

        Examples
        --------
        >>> import chainrule as cr
        >>> neuron = cr.Network([2, 1], init=lambda rng, n_in, n_out: ([[2.0, -4.0]], [0.0]))
        >>> neuron.jacobian([0.0, 0.0])  # σ'(0) w, and σ'(0) = 1/4
        array([[ 0.5, -1. ]], dtype=float32)
        """
        check_trainable(self)
        of_one = _core.jacobian_one(self._plan, self._parameters, X)
        if of_one is not None:
            return of_one
        inputs, single = self._inputs(X)
        out = passes.jacobian(self, inputs)
        return out[0] if single else out

    @known_options()
    def hessian_vector(self, X: ArrayLike, Y: ArrayLike, v: ArrayLike | Gradient) -> Gradient:
        """Return H v, where H has the second derivatives ∂²C/∂w_i∂w_j of the mean cost.

        By the R-operator (Pearlmutter, 1994), exactly and without H, in about the time of a few
        gradients: for Newton's method by conjugate gradients, or the sharpness of a minimum. In
        float64 throughout, whatever the network's dtype, and off the fast path of training.

        Parameters
        ----------
        X : array (m, n_1)
        Y : array (m, n_L), or integer labels (m,)
        v : array (n_parameters,), or Gradient
            Laid out as `parameters`.

        Returns
        -------
        Gradient
            Laid out like that of `backprop`, in the network's dtype.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, and for activations and costs that have no second derivative
            everywhere: there are those of sigmoid, tanh, softplus, gelu, swish, mish,
            exponential, identity and softmax, and of quadratic, squared_error, cross_entropy,
            log_likelihood, poisson and gaussian.

        Examples
        --------
        >>> import chainrule as cr
        >>> line = cr.Network([1, 1], output="identity", init="zeros")  # C = ½(wx + b - y)²
        >>> line.hessian_vector([[3.0]], [[1.0]], [1.0, 0.0]).parameters  # x² and x
        array([9., 3.], dtype=float32)
        """
        second_derivatives.check_smooth(self)
        second_derivatives.check_smooth_cost(self)
        samples = Samples(self, X, Y)
        v = as_real("v", v.parameters if isinstance(v, Gradient) else v, np.float64)
        if v.shape != self.parameters.shape:
            raise ValueError(
                f"v must have a number for each parameter, {self.parameters.shape}, or be a "
                f"Gradient of this network; got shape {v.shape}"
            )
        product = second_derivatives.hessian_vector(self, samples, v)
        return Gradient(product.astype(self.dtype), self.sizes, self.bias)

    @known_options()
    def input_hessian(self, x: ArrayLike, *, output: int = 0) -> NDArray[Any]:
        """Return the second derivatives ∂²a^L_k/∂x_i∂x_j of the output k for one sample.

        As `hessian_vector`, by the R-operator along each input. In units, as `jacobian`.

        Parameters
        ----------
        x : array (n_1,)
            One sample.
        output : int, default 0
            k, from 0 to n_L - 1.

        Returns
        -------
        ndarray (n_1, n_1)
            In the network's dtype.

        Raises
        ------
        ValueError, TypeError
            For what does not fit, and for activations that have no second derivative everywhere
            (`hessian_vector`).

        Examples
        --------
        >>> import chainrule as cr
        >>> net = cr.Network([2, 1], output="exponential", init=lambda *_: ([[1.0, 2.0]], [0.0]))
        >>> net.input_hessian([0.0, 0.0])  # e^z w wᵀ
        array([[1., 2.],
               [2., 4.]], dtype=float32)
        """
        second_derivatives.check_smooth(self)
        output = check_index("output", output, 0, self.sizes[-1] - 1)
        inputs, single = self._inputs(x)
        if not single:
            raise ValueError(f"x must be one sample, ({self.sizes[0]},); got shape {inputs.shape}")
        return second_derivatives.input_hessian(self, inputs, output).astype(self.dtype)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a file, with what an exact continuation of its training needs.

        The file (.npz) holds numbers and names only, also of `optimizer`; `chainrule.load` reads it
        without running code. It is written whole or not at all. An activation or cost that is an
        object of your own is kept by its name (its attribute `name`, or else its class's), its
        parameters are not: give it again, ``chainrule.load(path, own={"Focal": Focal(2.0)})``.

        Every later version reads it. A `pickle` of a network names modules of the package, and so
        is for the version that made it.
        """
        write_network(self, path)

    if not TYPE_CHECKING:  # to type checkers, any name would be there

        def __getattr__(self, name):
            """Say what there is in the place of what is not: Python asks for nothing else here."""
            if name.startswith("_") or hasattr(type(self), name):  # a property that has raised this
                return super().__getattribute__(name)
            known = [each for each in dir(self) if not each.startswith("_")]
            raise AttributeError(
                f"{type(self).__name__} has no attribute '{name}'.{hint(name, known, OF_A_NETWORK)}"
            )

    def _check_descent(self, samples: Samples) -> None:
        """Raise unless the cost of the samples has derivatives."""
        if not (self._trainable and self._delta_checked):  # found before
            check_trainable(self)
            self._check_delta(samples.targets)


@known_options(_OF_FIT | OF_FIT)
@documents_options
def resume(
    path: str | PathLike[str],
    X: ArrayLike | Iterable[Any] | Callable[[], Iterable[Any]],
    y: ArrayLike | None = None,
    *,
    own: Mapping[str, object] | None = None,
    **again: Unpack[FitOptions],
) -> History:
    """Train for the epochs that remain of the fit whose `Checkpoint` wrote a file.

    It comes to the same bytes as a fit that was never interrupted, and writes on in the same file:
    when it has ended, ``chainrule.load(path)`` is the network. In any number of processes: all of
    them read the file, and are given comm. A fit that had ended already (its
    last epoch done, or stopped by a callback) is not trained on. One that ended by max_seconds is.

    Options of `fit` are those it had, but for what a file cannot hold, which is to be given again:
    data (sample_weight, output_weight, validation_data), functions (metrics, an optimiser with a
    function as its rate), and, if one of them is your own or writes to a path, all callbacks. Any
    other that is given takes the place of what the fit had: ``epochs=`` trains for longer, say.

    Parameters
    ----------
    path : str or path object
        Of the latest checkpoint, or of one before it, from where training then goes on.
    X, y
        What the fit was given.
    own : dict of str to object, optional
        Activations and costs of your own, as `load` takes them.

    Returns
    -------
    History
        Of all epochs of the fit, with those before.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError, TypeError
        If it is no checkpoint, or damaged; for options that are missing or do not fit, by name; and
        for samples that are not those of the fit, by their number, targets and weights.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import numpy as np
    >>> import chainrule as cr
    >>> X, y = np.random.default_rng(0).normal(size=(100, 2)), np.zeros(100)
    >>> net = cr.Network([2, 4, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.npz")
    ...     history = net.fit(X, y, epochs=5, callbacks=cr.Checkpoint(path))
    ...     again = cr.resume(path, X, y, epochs=8)  # without epochs: for those that remain
    ...     len(again), cr.load(path).epochs_trained
    (8, 8)
    """
    ranks = Ranks(check_comm("comm", again.get("comm")))
    with ranks.together():
        found = read_checkpoint(path, Network, own, dict(again))
        ranks.share(None)  # all could read it
    if found.is_over:
        return found.history
    history: History = found.net._in_training.call(found.run, X, y)
    return history
