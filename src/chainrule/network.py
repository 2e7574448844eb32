"""The network: its shape, its parameters, and what can be asked of it."""

import copy
from collections.abc import Callable, Iterable, Sequence
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule import _core
from chainrule.activations import Activation, find_hidden, find_output
from chainrule.arrays import (
    Targets,
    aligned_empty,
    as_inputs,
    as_numbers,
    as_real,
    as_stored,
    check_out,
    first_activations,
)
from chainrule.costs import Cost, UserCost, find_cost
from chainrule.files import save_network
from chainrule.full_batch import FullBatchOptimizer
from chainrule.full_batch_training import fit_full_batch
from chainrule.function_check import check_delta_of, check_slope_of
from chainrule.gradient import Gradient, Sensitivity, Trace, layer_views
from chainrule.history import History
from chainrule.initializers import INITIALIZERS
from chainrule.input_scaling import as_scaling
from chainrule.keywords import OF_FIT, OF_NETWORK, known_options
from chainrule.optimizers import Optimizer
from chainrule.options import (
    check_count,
    check_dtype,
    check_flag,
    check_name,
    check_seed,
    check_sizes,
    check_trainable,
)
from chainrule.sample_weights import weights_of
from chainrule.sparse_rows import is_sparse
from chainrule.threads import check_threads
from chainrule.training import Training, check_finite


@known_options(OF_NETWORK)
class Network:
    """A feedforward network trained by backpropagation.

    z^l = a^{l-1} (W^l)ᵀ + b^l and a^l = σ(z^l) for l = 2 ... L, where a^1 is the input, or
    input_scale·x + input_shift for an input x.

    Parameters
    ----------
    sizes : sequence of int
        [n_1, ..., n_L]: the number of inputs, of neurons in each hidden layer, and of outputs.
    hidden : str, Activation or object, or a sequence of these, default "sigmoid"
        The activation of the hidden layers, or one for each: sigmoid, tanh, relu, leaky_relu, elu,
        selu, softplus, gelu, swish, softsign, hard_sigmoid, exponential, identity, step; or, with
        another parameter, such as ``chainrule.activations.leaky_relu(slope=0.2)``; or an object of
        your own with value(z) and slope(z, a) (`chainrule.activations`). step is the
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
    init : str or callable, default "scaled"
        How the parameters begin: scaled, large, glorot, he, lecun, small, zeros
        (`chainrule.initializers`), or a function of (rng, n_in, n_out) that returns
        W (n_out, n_in) and b (n_out,).
    bias : bool, default True
        Whether neurons have biases.
    dtype : dtype, default "float32"
        Of parameters and arithmetic: float32 or float64.
    input_scale, input_shift : float or array (n_1,), default 1 and 0
        What the network reads of an input x is a^1 = input_scale·x + input_shift, in every method,
        computed for a few rows at a time, so that X stays as it is: images of uint8 with
        ``input_scale=1/255``, say, or any X with ``input_scale=1/X.std(axis=0)`` and
        ``input_shift=-X.mean(axis=0)/X.std(axis=0)``. x and both numbers are rounded to the
        network's dtype, then the product, then the sum. Derivatives by the inputs are those by x.
        They are part of the network, and of its file.
    seed : int, optional
        Decides the initial parameters, every shuffle, and what dropout drops; 0 <= seed < 2**64.
        Drawn if not given, and kept as `seed`.

    Attributes
    ----------
    parameters : ndarray (n_parameters,)
        All weights and biases in one vector, [W^2, b^2, W^3, b^3, ...], each W^l row by row.
    weights : tuple of ndarray
        weights[i] is W^l for l = i + 2, (n_l, n_{l-1}): a writable view into `parameters`.
    biases : tuple of ndarray
        biases[i] is b^l, (n_l,), likewise; empty for bias=False.
    epochs_trained : int
        Epochs since the parameters were drawn; with `seed` it says how the next epoch is shuffled.
    optimizer_state : dict of str to ndarray
        What the optimiser carries from step to step: its own arrays, (n_parameters,) each (SGD with
        momentum: "velocity"; LBFGS: "s0", "y0", ...; LevenbergMarquardt: "damping"); "steps" (1,),
        how many it has taken, where the optimiser or a schedule counts them; "average"
        (n_parameters,) for fit(average=); and what `ReduceOnPlateau` has seen.
        ``net.optimizer_state = {}`` begins anew.
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

    def __init__(
        self,
        sizes: Iterable[int],
        *,
        hidden: str | Activation | Sequence[str | Activation] = "sigmoid",
        output: str | Activation = "sigmoid",
        cost: str | Cost = "quadratic",
        init: str | Callable = "scaled",
        bias: bool = True,
        dtype: DTypeLike = "float32",
        input_scale: ArrayLike = 1.0,
        input_shift: ArrayLike = 0.0,
        seed: int | None = None,
    ):
        self._sizes = check_sizes(sizes)
        self._hidden = find_hidden(hidden, len(self.sizes) - 2)
        self._output = find_output(output)
        self._cost = find_cost(cost, self._output.name, self.sizes[-1])
        for width, activation in zip(self.sizes[1:], (*self._hidden, self._output), strict=True):
            check_slope_of(activation, width)
        self._delta_checked = not isinstance(self._cost, UserCost)
        self._bias = check_flag("bias", bias)
        self._dtype = check_dtype(dtype)
        self._scaling = as_scaling(input_scale, input_shift, self.sizes[0], self.dtype)
        self.seed = check_seed(seed)
        self._clock = np.zeros(1, np.uint64)  # epochs trained; the core counts it up
        self.optimizer_state: dict[str, NDArray] = {}
        self.history: History | None = None
        self._compile()
        self._initialize(init)

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        return self._sizes

    @property
    def hidden(self) -> tuple[str | Activation, ...]:
        """The activation of each hidden layer: the name, or an object with another parameter."""
        return tuple(activation.shown for activation in self._hidden)

    @property
    def output(self) -> str | Activation:
        """The activation of the output layer, likewise."""
        return self._output.shown

    @property
    def cost(self) -> str | Cost:
        """The cost, likewise."""
        return self._cost.shown

    @property
    def bias(self) -> bool:
        """Whether neurons have biases."""
        return self._bias

    @property
    def dtype(self) -> np.dtype:
        """Of parameters and arithmetic."""
        return self._dtype

    @property
    def input_scale(self) -> float | NDArray:
        """What inputs are multiplied by, as it was given: a number, or (n_1,) in float64."""
        return self._scaling.scale

    @property
    def input_shift(self) -> float | NDArray:
        """What is added then, likewise."""
        return self._scaling.shift

    @property
    def epochs_trained(self) -> int:
        """Epochs since the parameters were drawn."""
        return int(self._clock[0])

    @epochs_trained.setter
    def epochs_trained(self, epochs: int):
        epochs = check_count("epochs_trained", epochs, least=0)
        if epochs >= 2**63:
            raise ValueError(f"epochs_trained must be below 2**63; got {epochs}")
        self._clock[0] = epochs

    @property
    def parameters(self) -> NDArray:
        """All weights and biases, (n_parameters,); assigning copies the values in."""
        return self._parameters

    @parameters.setter
    def parameters(self, values):
        values = as_real("parameters", values, self.dtype)
        if values.shape != self._parameters.shape:
            raise ValueError(
                f"parameters must have shape {self._parameters.shape}; got {values.shape}"
            )
        self._parameters[:] = values

    @property
    def weights(self) -> tuple[NDArray, ...]:
        """W^2, ..., W^L: writable views into `parameters`, (n_l, n_{l-1}) each."""
        return tuple(self._weights)

    @property
    def biases(self) -> tuple[NDArray, ...]:
        """b^2, ..., b^L: writable views into `parameters`, (n_l,) each; empty for bias=False."""
        return tuple(self._biases)

    @known_options(OF_FIT)
    def fit(
        self,
        X: ArrayLike | Iterable | Callable,
        y: ArrayLike | None = None,
        *,
        optimizer: Optimizer | FullBatchOptimizer | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        steps_per_epoch: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        average: float | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | str | None = None,
        shuffle: bool = True,
        dropout: float | Sequence[float] = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        validation_split: float | None = None,
        metrics: dict[str, Callable] | Iterable[Callable] | None = None,
        record: str | Iterable[str] | None = None,
        callbacks: Callable | object | Iterable | None = None,
        progress: bool = False,
        diagnose: bool = False,
        threads: int | None = None,
    ) -> History:
        """Train for `epochs` more epochs, from the present parameters and optimiser state.

        Two fits of 15 epochs equal one of 30 to the last bit. An interruption (Ctrl-C) or a cost
        that stops being finite ends training with an exception; the network then is as the last
        finished epoch left it, and `net.history` has the finished epochs.
        Several networks may train in as many threads at once; one network is for one thread.

        Parameters
        ----------
        X : array (m, n_1), or an iterable of batches
            Inputs, one sample a row; finite. Arrays in C order of float32, float64, uint8 or int16
            are not copied, memory-mapped ones (np.memmap) neither: rows are converted to the
            network's dtype as they are needed. Sparse matrices in compressed rows (SciPy's
            csr_array or csr_matrix) stay sparse: products with W^2 and its update touch only what
            is not 0, and results are those of the dense form but for rounding. (With input_shift,
            max_norm or functions in Python, or where there are fewer than 32 rows, 256 if W^2 is
            over 4 MB, they are made dense, a few at a time.)
            Without y: an iterable of mini-batches (X, y) or (X, y, sample_weight), for data that do
            not fit in memory, or a function that returns one. It is gone through anew in each
            epoch; what can be gone through only once, such as a generator, needs its function, or
            epochs=1, or steps_per_epoch, and then goes on from epoch to epoch. The batches are
            taken as they come (batch_size and shuffle have no meaning), and their making counts in
            ``history.seconds``. An exception of the iterable comes out as it is, like that of a
            callback.
        y : array (m, n_L), or integer labels (m,)
            Targets. Labels (0 to n_L - 1, when n_L > 1) stand for one-hot rows. With one output,
            (m,) is taken as (m, 1). For several labels a sample, rows of 0 and 1, with sigmoid
            outputs and cross_entropy. For quantile with k levels (m, n_L/k), for gaussian
            (m, n_L/2), without labels.
        optimizer : SGD, Adagrad, RMSprop, Adam, AdamW, Adamax or Rprop, optional
            ``SGD()`` if not given. It goes on with the `optimizer_state` that its kind left, and
            its schedule where it stood; after another kind both begin anew.
            LBFGS and LevenbergMarquardt are full-batch: each epoch is one iteration over all
            samples, for which batch_size and shuffle have no meaning, of the penalties only l2 is
            for them, and training ends before its epochs are over where no step lowers the cost.
        epochs : int, default 10
            How often every sample is seen; with 0 all is checked, and nothing trained.
        batch_size : int, default 32
            Samples in a mini-batch; the last of an epoch may be shorter, and counts by its own
            size.
        steps_per_epoch : int, optional
            With an iterable: how many batches make an epoch, where it is endless, or where a
            schedule of the learning rate has to know and the iterable has no length.
        l1, l2 : float, default 0
            Add l1·Σ|W| + (l2/2)Σ‖W‖² to the mean cost, so the gradient gains l1·sign(W) + l2·W;
            biases are not decayed. The book's λ is l2·m.
        max_norm : float, optional
            After each step, the weights into a neuron (a row of W^l) are scaled down to this
            length where they are longer.
        clip_value, clip_norm : float, optional
            Before each step, every entry of the mini-batch's mean gradient is limited to
            ±clip_value, then all of it scaled down to the length clip_norm if it is longer; the
            penalties come on top.
        average : float, optional
            In 0 < average < 1: also keep a moving average of the parameters w, after each step
            a ← average·a + (1-average)·w, which begins as w. It is
            ``optimizer_state["average"]``; `averaged` returns the network with it.
        sample_weight : array (m,), optional
            How much each sample counts, 0 or more: the cost of a mini-batch is Σ w_i C_i / Σ w_i.
            One whose weights are all 0 makes no step, but counts as one.
        class_weight : dict of int to float, or "balanced", optional
            How much the samples of each class count, 1 for classes not named; "balanced":
            m / (k·count) for a class that occurs `count` times, one of k that occur. Multiplied
            with sample_weight.
        shuffle : bool, default True
            Draw a new order in each epoch, from (seed, epochs_trained); else take the rows as they
            stand.
        dropout : float or sequence of float, default 0
            The probability p of each unit of the hidden layers to be dropped, or one for each
            layer; 0 <= p < 1. In training a^l becomes a^l ⊙ M^l, where an entry of M^l is 0 with
            probability p, else 1/(1-p), drawn anew for every sample and epoch from
            (seed, epochs_trained); outside of training nothing is dropped, nor scaled (Srivastava
            et al., 2014). p counts in steps of 2⁻¹⁶.
        validation_data : (X, y), optional
            Evaluated after each epoch, for the history; without sample weights.
        validation_split : float, optional
            In 0 < validation_split < 1, in the place of validation_data: hold out this share of the
            samples, round(share·m) of them but at least one, and train on the others. The rows are
            drawn from the network's seed and m alone, so that a later `fit` on the same data holds
            out the same. (``class_weight="balanced"`` counts all m.)
        metrics : dict of str to function, or list of functions, optional
            Each is called after each epoch as ``function(y_true, y_pred)`` on the validation data,
            and what it returns recorded in the history by its name. Where the targets are classes
            (as for accuracy, see `evaluate`) both are classes, integers (m,) from 0; else the
            targets as given and the outputs, (m, n), or (m,) where there is one column. The
            functions of sklearn.metrics fit that take labels, or values.
        record : str or list of str, optional
            "layers": also record how each layer learns: `History.delta_norms` and
            `History.saturation`. "gradients": the length of the gradient,
            `History.gradient_norm`; each step then computes the whole gradient before it
            changes a parameter, which may round differently.
        callbacks : callback, or list of callbacks, optional
            A function, called as ``callback(net, history)`` after each epoch; or an object with any
            of the methods on_train_begin(net), on_epoch_begin(net, epoch), on_batch_begin(batch),
            on_batch_end(batch, cost), on_epoch_end(net, history) and on_train_end(net, history).
            `epoch` counts as `epochs_trained`, `batch` from 0 in each epoch, `cost` is the
            mini-batch's mean before its step. on_epoch_end comes after validation;
            on_train_end not after an exception. A callback may raise `StopTraining` to end
            training quietly; any other exception comes out of `fit` as it is, and the batches
            and epochs done before it are kept. (Ctrl-C undoes the epoch it interrupts.) With sparse
            X each call of a batch hook takes a copy of W^2 and its optimiser's state.
        progress : bool, default False
            Show one live line per epoch on stderr.
        diagnose : bool, default False
            At the end, print on stderr what the doctor says of the network and its data
            (`chainrule.diagnose`), and keep it as `History.diagnosis`; also before a
            DivergenceError, where it is ``net.history.diagnosis``.
        threads : int, optional
            How many threads share the work of each step; as many as are worth it, out of the cores
            that this process may use, if not given. The result is the same to the last bit. One
            alone where activations or the cost are objects of your own.

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
            When the cost stops being finite; it names the epoch and the layer. A full-batch
            optimiser goes no such step; it raises where the cost is not finite to begin with.
        """
        options = {
            "optimizer": optimizer,
            "epochs": epochs,
            "batch_size": batch_size,
            "steps_per_epoch": steps_per_epoch,
            "l1": l1,
            "l2": l2,
            "max_norm": max_norm,
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "average": average,
            "sample_weight": sample_weight,
            "class_weight": class_weight,
            "shuffle": shuffle,
            "dropout": dropout,
            "validation_data": validation_data,
            "validation_split": validation_split,
            "metrics": metrics,
            "record": record,
            "callbacks": callbacks,
            "progress": progress,
            "threads": threads,
        }
        if check_flag("diagnose", diagnose):
            # Not above: the doctor imports this module.
            from chainrule.diagnosed_training import fit_and_diagnose

            return fit_and_diagnose(self, X, y, options)
        if isinstance(optimizer, FullBatchOptimizer):
            return fit_full_batch(self, X, y, **options)
        return Training(self, X, y, **options).run()

    def feedforward(
        self, X: ArrayLike, *, out: NDArray | None = None, threads: int | None = None
    ) -> NDArray:
        """Return the outputs a^L of samples, or of one sample.

        Parameters
        ----------
        X : array (m, n_1), or (n_1,) for a single sample
        out : ndarray (m, n_L), or (n_L,) for a single sample; optional
            Where to write them, and what is returned: in the network's dtype, in C order, and not
            overlapping X.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        ndarray (m, n_L), or (n_L,)
            In the network's dtype.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit.
        """
        if threads is None:  # one sample in a vector of the network's dtype takes a microsecond
            outputs = _core.feedforward_one(self._plan, self._parameters, X, out)
            if outputs is not None:
                return outputs
        inputs, single = self._inputs(X)
        shape = (len(inputs), self.sizes[-1])
        if out is None:
            outputs = np.empty(shape, self.dtype)
        else:
            outputs = check_out(out, shape[1:] if single else shape, self.dtype, inputs)
            outputs = outputs.reshape(shape)
        _core.feedforward(self._plan, self._parameters, inputs, outputs, *check_threads(threads))
        return out if out is not None else outputs[0] if single else outputs

    __call__ = feedforward

    @known_options()
    def evaluate(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        threads: int | None = None,
    ) -> dict[str, float]:
        """Return the mean cost over the samples, and the accuracy where the targets are classes.

        Accuracy is the share of samples whose largest output is at the target's class; with a
        single output, of those on the target's side of ½ (for the hinge cost, of 0). Targets are
        classes if they are integer labels, one-hot rows, or one column of 0 and 1 (hinge: also of
        -1 and 1); rows with several labels, or none, are not. The cost is without penalties.

        Parameters
        ----------
        X : array (m, n_1)
            As in `fit`.
        y : array (m, n_L), or integer labels (m,)
        sample_weight : array (m,), optional
            How much each sample counts in both, 0 or more.
        threads : int, optional
            As in `fit`.

        Returns
        -------
        dict
            {"cost": float, "accuracy": float}; without "accuracy" for other targets.
        """
        inputs, targets = self._samples(X, y)
        weights = weights_of(sample_weight, None, targets, self.dtype)
        cost, correct, total = _core.evaluate(
            self._plan, self._parameters, inputs, targets.Y, targets.labels, weights,
            *check_threads(threads),
        )  # fmt: skip
        return {"cost": cost} | ({"accuracy": correct / total} if targets.are_classes else {})

    def averaged(self) -> "Network":
        """Return a copy of the network with the average of its parameters, from `fit(average=)`.

        It has no optimiser state: its training begins anew.

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

    def backprop(self, X: ArrayLike, Y: ArrayLike, *, threads: int | None = None) -> Gradient:
        """Return the mean gradient of the cost over the samples, by the four equations BP1-BP4.

        Parameters
        ----------
        X : array (m, n_1)
        Y : array (m, n_L), or integer labels (m,)
        threads : int, optional
            As in `fit`.

        Returns
        -------
        Gradient
            nabla.weights[i] = ∂C/∂W^l and nabla.biases[i] = ∂C/∂b^l for l = i + 2, shaped like the
            parameters.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, or a network with step units.
        """
        check_trainable(self)
        inputs, targets = self._samples(X, Y)
        self._check_delta(targets)
        nabla = np.empty_like(self._parameters)
        cost = _core.gradient(
            self._plan, self._parameters, inputs, targets.Y, targets.labels, nabla,
            *check_threads(threads),
        )  # fmt: skip
        return Gradient(nabla, self.sizes, self.bias, cost)

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
        check_trainable(self)
        inputs, targets = self._samples(X, Y)
        self._check_delta(targets)
        gradients = check_flag("gradients", gradients)
        z, a, delta = (
            [np.empty((len(inputs), n), self.dtype) for n in self.sizes[1:]] for _ in range(3)
        )
        data = self._plan, self._parameters, inputs, targets.Y, targets.labels
        _core.trace(*data, z, a, delta)
        if not gradients:
            return Trace(z, a, delta)
        nabla = np.empty((len(inputs), self._parameters.size), self.dtype)
        _core.sample_gradients(*data, nabla)
        return Trace(z, a, delta, Gradient(nabla, self.sizes, self.bias))

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
        x = as_real("x", x, self.dtype)
        if x.shape != (self.sizes[0],):
            raise ValueError(
                f"x must be one sample, ({self.sizes[0]},); got shape {x.shape}. "
                "For the derivatives by the inputs of many samples: jacobian(X)"
            )
        n_out = self.sizes[-1]
        by_parameter = np.empty((n_out, self._parameters.size), self.dtype)
        by_input = np.empty((n_out, self.sizes[0]), self.dtype)
        a = first_activations(self._plan, x[None, :], self.dtype)
        _core.sensitivity(self._plan, self._parameters, a, by_parameter, by_input)
        self._scaling.chain(by_input)
        return Sensitivity(by_parameter, self.sizes, self.bias, by_input)

    def jacobian(self, X: ArrayLike) -> NDArray:
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
        inputs, single = self._inputs(X)
        a = first_activations(self._plan, inputs, self.dtype)
        out = np.empty((len(inputs), self.sizes[-1], self.sizes[0]), self.dtype)
        _core.jacobian(self._plan, self._parameters, a, out)
        self._scaling.chain(out)
        return out[0] if single else out

    def save(self, path: str | PathLike) -> None:
        """Write the network to a file, with what an exact continuation of its training needs.

        The file (.npz) holds numbers and names only; `chainrule.load` reads it without running
        code. It is written whole or not at all. An activation or cost that is an object of your own
        is kept by its name (its attribute `name`, or else its class's), its parameters are not:
        give it again, ``chainrule.load(path, own={"Focal": Focal(2.0)})``.
        """
        save_network(self, path)

    def __repr__(self):
        return (
            f"Network({list(self.sizes)}, hidden={list(self.hidden)}, output={self.output!r}, "
            f"cost={self.cost!r}, bias={self.bias}, dtype='{self.dtype}', {self._scaling.shown}"
            f"seed={self.seed})"
        )

    def __getstate__(self):
        """Pickle and copy what is not a view or compiled."""
        derived = ("_plan", "_weights", "_biases")
        return {name: value for name, value in vars(self).items() if name not in derived}

    def __setstate__(self, state):
        vars(self).update(state)
        self._clock = self._clock.copy()
        self.optimizer_state = {name: a.copy() for name, a in self.optimizer_state.items()}
        self._compile()
        self._parameters[:] = state["_parameters"]

    def _compile(self):
        """Make what follows from the shape: the plan, and room for the parameters."""
        activations = [activation.compiled for activation in (*self._hidden, self._output)]
        cost = self._cost.compiled(self.sizes[-1])
        self._plan = _core.Plan(self.sizes, activations, cost, self.bias, self._scaling.for_core)
        self._parameters = aligned_empty(self._plan.n_parameters, self.dtype)
        self._weights, self._biases = layer_views(self._parameters, self.sizes, self.bias)

    def _inputs(self, X: ArrayLike) -> tuple[NDArray, bool]:
        """Return X as (m, n_1), and whether it is a single sample (n_1,)."""
        n = self.sizes[0]
        if is_sparse(X):
            return as_inputs(X, n, self.dtype), False
        given = as_numbers("X", X)
        single = given.ndim == 1
        if single and given.shape != (n,):
            raise ValueError(f"X must be (samples, {n}), or ({n},); got shape {given.shape}")
        if single:
            given = as_stored("X", given, self.dtype)[None, :]
        return as_inputs(given, n, self.dtype), single

    def _samples(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray, Targets]:
        inputs = as_inputs(X, self.sizes[0], self.dtype)
        return inputs, Targets(y, len(inputs), self.sizes[-1], self.dtype, self._cost)

    def _check_delta(self, targets: Targets):
        """Check a user's cost once, the first time that its δ^L is needed."""
        if not self._delta_checked:
            check_delta_of(self._cost, self._output, targets, self.sizes[-1])
            self._delta_checked = True

    def _initialize(self, init):
        if not callable(init):
            init = INITIALIZERS[check_name("init", init, INITIALIZERS)]
        rng = np.random.default_rng(self.seed)
        for i, W in enumerate(self._weights):
            given = init(rng, W.shape[1], W.shape[0])
            try:
                weights, biases = given
            except (TypeError, ValueError):
                raise ValueError("init must return W (n_out, n_in) and b (n_out,)") from None
            views = [(W, weights)] + ([(self._biases[i], biases)] if self.bias else [])
            for view, values in views:
                values = as_real("what init returns", values, self.dtype)
                if values.shape != view.shape:
                    raise ValueError(f"init must return shape {view.shape}; got {values.shape}")
                view[:] = values

    def _train(self, X, targets, *, order, batch_size, learning_rate, weight_decay=0.0):
        """Do an epoch of plain SGD over the rows `order` of checked arrays; return its cost."""
        check_trainable(self)
        Y, labels = (None, targets) if targets.dtype == np.int32 else (targets, None)
        costs: list[float] = []
        layer = _core.train(
            self._plan, self._parameters, _core.Recipe("sgd", l2=weight_decay), None, None, None,
            np.zeros(1, np.uint64), X, Y, labels, None, order, batch_size, False, self.seed,
            np.array([learning_rate], np.float64), None, 1, self._clock, costs, [], [],
        )  # fmt: skip
        check_finite(layer, self.epochs_trained)
        return costs[0]
