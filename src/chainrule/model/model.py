"""What a network is: its sizes, its parameters, and the plan by which the core computes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.activations import Activation, OwnActivation, check_slope, find_hidden, find_output
from chainrule.checks.arrays import (
    Inputs,
    aligned_empty,
    as_asked,
    as_real,
)
from chainrule.checks.chosen_rows import choose_inputs
from chainrule.checks.classes import check_classes
from chainrule.checks.options import (
    check_count,
    check_dtype,
    check_flag,
    check_precision,
    check_seed,
)
from chainrule.checks.samples import Samples
from chainrule.checks.targets import Targets
from chainrule.core import _core
from chainrule.costs import Cost, OwnCost, UserCost, find_cost
from chainrule.initializers import Initializer, find_initializers
from chainrule.model.kept_optimizer import Carried
from chainrule.model.kinds_of_answers import answers_by, first_answers
from chainrule.model.own_functions import check_delta_of, check_slope_of
from chainrule.model.scaling import as_input_scaling, as_output_scaling
from chainrule.model.sizes import check_sizes, count_parameters
from chainrule.model.tasks import choices_of
from chainrule.results.gradient import layer_views
from chainrule.results.history import History

# What training goes by; while it goes on, its callbacks alone may assign parameters.
_GOES_BY = frozenset(
    (
        "parameters", "precision", "optimizer_state", "optimizer", "epochs_trained", "seed",
        "classes",
    )
)  # fmt: skip


class Model:
    """A feedforward network without what can be asked of it: `chainrule.Network` documents it."""

    def __init__(
        self,
        sizes: Iterable[int],
        *,
        task: str | None = None,
        hidden: str
        | Activation
        | OwnActivation
        | Sequence[str | Activation | OwnActivation]
        | None = None,
        output: str | Activation | OwnActivation | None = None,
        cost: str | Cost | OwnCost | None = None,
        init: str | Initializer | Sequence[str | Initializer] | None = None,
        bias: bool = True,
        dtype: DTypeLike = "float32",
        precision: str | None = None,
        input_scale: ArrayLike | str | None = None,
        input_shift: ArrayLike = 0.0,
        output_scale: ArrayLike | str | None = None,
        output_shift: ArrayLike = 0.0,
        trainable_scale: bool = False,
        seed: int | None = None,
    ):
        self._in_training = _core.Turn()
        self._sizes = check_sizes(sizes)
        given = {
            "hidden": hidden, "output": output, "cost": cost, "init": init,
            "input_scale": input_scale, "input_shift": input_shift,
            "output_scale": output_scale, "output_shift": output_shift,
        }  # fmt: skip
        chosen = choices_of(task, self.sizes[-1], given)
        self._hidden = find_hidden(chosen.hidden, self.sizes)
        self._output = find_output(chosen.output)
        self._cost = find_cost(chosen.cost, self._output.name, self.sizes[-1])
        for width, activation in zip(self.sizes[1:], (*self._hidden, self._output), strict=True):
            check_slope_of(activation, width)
        self._delta_checked = not isinstance(self._cost, UserCost)
        self._bias = check_flag("bias", bias)
        self._trainable_scale = check_flag("trainable_scale", trainable_scale)
        self._dtype = check_dtype(dtype)
        self._precision = check_precision(precision, self._dtype)
        of_inputs = chosen.input_scale, chosen.input_shift
        of_outputs = chosen.output_scale, chosen.output_shift
        self._scaling = as_input_scaling(*of_inputs, self.sizes[0], self.dtype)
        self._output_scaling = as_output_scaling(
            *of_outputs, self._cost, self.sizes[-1], self.dtype
        )
        self._input_names: tuple[str, ...] | None = None  # the first `fit` that gets some sets them
        self.seed = check_seed(seed)
        self._clock = np.zeros(1, np.uint64)  # epochs trained; the core counts it up
        self.optimizer_state: dict[str, NDArray] = {}
        self._optimizer: Any = None  # of the last fit that kept anything
        self.history: History | None = None
        self._named: NDArray | None = None  # the classes, where they have names
        self._by_task: str | None = chosen.answers
        self._answers: str | None = None  # what the first `fit` settles
        self._trainable = False  # until it was looked at
        self._compile()
        self._initialize(chosen.init)

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        return self._sizes

    @property
    def hidden(self) -> tuple[str | Activation | OwnActivation, ...]:
        """The activation of each hidden layer: the name, or an object with another parameter."""
        return tuple(activation.shown for activation in self._hidden)

    @property
    def output(self) -> str | Activation | OwnActivation:
        """The activation of the output layer, likewise."""
        return self._output.shown

    @property
    def cost(self) -> str | Cost | OwnCost:
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
    def precision(self) -> str:
        """What the factors of products are rounded to: "bfloat16", or else the dtype's name."""
        return self._precision

    @precision.setter
    def precision(self, precision: str | None):
        precision = check_precision(precision, self.dtype)
        if precision != self._precision:
            self._precision = precision
            self._set_plan()

    @property
    def input_scale(self) -> float | NDArray | str:
        """What inputs are multiplied by, as it was given: a number, or (n_1,) in float64.

        "standard" until the first `fit` has set it.
        """
        return self._scaling.scale

    @property
    def input_shift(self) -> float | NDArray:
        """What is added then, likewise."""
        return self._scaling.shift

    @property
    def output_scale(self) -> float | NDArray | str:
        """What outputs are multiplied by, a number, or one for each target, likewise."""
        return self._output_scaling.scale

    @property
    def output_shift(self) -> float | NDArray:
        """What is added then, likewise."""
        return self._output_scaling.shift

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """The names of the inputs, if it was trained on a frame that has names."""
        return self._input_names

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
    def answers(self) -> str:
        """What `predict` answers with: "classes", "multilabel" or "values"."""
        of_formulas = first_answers(self._output.name, self._cost.name, self.sizes[-1])
        return self._answers or self._by_task or of_formulas

    @property
    def classes(self) -> NDArray | None:
        """What `predict` calls the classes, in the order of the outputs; None for other answers."""
        if self.answers != "classes":
            return None
        return np.arange(max(self.sizes[-1], 2)) if self._named is None else self._named.copy()

    @classes.setter
    def classes(self, classes):
        if self._output_scaling:
            raise ValueError("a network with an output_scale learns numbers, which have no classes")
        self._named = check_classes(classes, max(self.sizes[-1], 2))
        self._answers = "classes"

    @property
    def parameters(self) -> NDArray:
        """All weights and biases, and `scale`, (n_parameters,); assigning copies the values in."""
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

    @property
    def scale(self) -> NDArray:
        """s: a writable view into `parameters`, (n_1,); empty without trainable_scale."""
        return self._scale

    def __setattr__(self, name, value):
        """Refuse what training goes by while it goes on."""
        if name in _GOES_BY:
            instead = f"Assign {name} before it or after it"
            self._in_training.check_free(instead, name == "parameters")
        super().__setattr__(name, value)

    def __repr__(self):
        return (
            f"{type(self).__name__}({list(self.sizes)}, hidden={list(self.hidden)}, "
            f"output={self.output!r}, cost={self.cost!r}, bias={self.bias}, dtype='{self.dtype}', "
            f"{f'precision={self.precision!r}, ' * self._rounds}"
            f"{self._scaling.shown}{self._output_scaling.shown}"
            f"{'trainable_scale=True, ' * self._trainable_scale}seed={self.seed})"
        )

    def __getstate__(self):
        """Pickle and copy what is not a view or compiled."""
        derived = ("_plan", "_weights", "_biases", "_scale", "_in_training")
        kept = {name: value for name, value in vars(self).items() if name not in derived}
        return kept | {"_optimizer": Carried(self._optimizer)}

    def __setstate__(self, state):
        vars(self).update(state, _in_training=_core.Turn())
        self._optimizer = self._optimizer.optimizer
        self._clock = self._clock.copy()
        self.optimizer_state = {name: a.copy() for name, a in self.optimizer_state.items()}
        self._compile()
        self._parameters[:] = state["_parameters"]

    @property
    def _rounds(self) -> bool:
        """Whether the factors of products are rounded to bfloat16."""
        return self._precision == "bfloat16"

    def _compile(self):
        """Make what follows from the shape: the plan, and room for the parameters."""
        self._set_plan()
        n_parameters = count_parameters(self.sizes, self.bias, self._trainable_scale)
        self._parameters = aligned_empty(n_parameters, self.dtype)
        views = layer_views(self._parameters, self.sizes, self.bias)
        self._weights, self._biases, self._scale = views

    def _go_by(self, optimizer: Any, state: dict[str, NDArray]) -> None:
        """Take an optimiser and its state, those of the training that goes on."""
        vars(self).update(_optimizer=optimizer, optimizer_state=state)

    def _set_plan(self):
        """Make the plan, once it is known how inputs and outputs are scaled; None before."""
        scalings = self._scaling, self._output_scaling
        self._plan: Any = None
        if not any(scaling.is_open for scaling in scalings):
            activations = [activation.compiled for activation in (*self._hidden, self._output)]
            cost = self._cost.compiled(self.sizes[-1])
            scaled = [scaling.for_core for scaling in scalings]
            self._plan = _core.Plan(
                self.sizes, activations, cost, self.bias, *scaled, self._trainable_scale,
                self._rounds,
            )  # fmt: skip

    def _check_set(self) -> None:
        """Raise if nothing can be computed yet."""
        if self._plan is None:
            self._scaling.check_set()
            self._output_scaling.check_set()

    def _inputs(self, X: Any, rows: ArrayLike | None = None) -> tuple[Inputs, bool]:
        """Return X, or some of its rows, as (m, n_1), and whether it is a single sample (n_1,)."""
        self._check_set()
        if rows is not None:
            X, _, _ = choose_inputs(rows, X)
        inputs, single = as_asked(
            X, self.sizes[0], self.dtype, scaling=self._scaling, names=self.input_names
        )
        if single and rows is not None:
            raise ValueError("rows are of samples (m, n_1); X is a single one, (n_1,)")
        return inputs, single

    def _settle(self, samples: Samples):
        """Keep what columns and classes are called, what to answer with, and how all is scaled."""
        self._settle_answers(samples.targets)
        if samples.names is not None:
            self._input_names = samples.names
        if self._plan is None:
            self._scaling, self._output_scaling = samples.scaling, samples.output_scaling
            self._set_plan()

    def _settle_answers(self, targets: Targets):
        """Keep what classes are called, and what to answer with."""
        if self._answers is None:  # it takes a look at all targets
            by_targets = answers_by(targets, self._output, self._cost)
            self._answers = self._by_task or by_targets
        if targets.names is not None:
            self._named = targets.names

    @property
    def _settled(self) -> tuple:
        """All that `_settle` sets."""
        return (
            self._answers, self._input_names, self._named, self._scaling, self._output_scaling,
            self._plan,
        )  # fmt: skip

    @_settled.setter
    def _settled(self, before):
        (
            self._answers, self._input_names, self._named, self._scaling, self._output_scaling,
            self._plan,
        ) = before  # fmt: skip

    def _check_delta(self, targets: Targets):
        """Check a user's cost once, the first time that its δ^L is needed."""
        if not self._delta_checked and isinstance(self._cost, UserCost):
            check_delta_of(self._cost, self._output, targets, self.sizes[-1])
            self._delta_checked = True

    def _initialize(self, init: str | Initializer | Sequence[str | Initializer]) -> None:
        begins = find_initializers(init, len(self._weights))
        self._scale[:] = 1
        rng = np.random.default_rng(self.seed)
        for i, W in enumerate(self._weights):
            given = begins[i](rng, W.shape[1], W.shape[0])
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


def check_trainable(net: Model) -> None:
    """Raise if any unit of `net` is a step, which gradient descent cannot train."""
    if net._trainable:  # found before
        return
    for layer, activation in enumerate((*net._hidden, net._output), start=2):
        check_slope(f"layer {layer} has step units", activation.name)
    net._trainable = True


def check_learns(net: Model) -> None:
    """Raise if training could change nothing of what `net` says."""
    check_trainable(net)
    if net.output == "softmax" and net.sizes[-1] == 1:
        raise ValueError(
            "softmax of a single output is 1 whatever the parameters are, so there is nothing to "
            "train. Use output='sigmoid' for two classes, or as many outputs as classes"
        )


def check_network(net: object, name: str = "net") -> None:
    """Raise TypeError for what is no network."""
    if not isinstance(net, Model):
        raise TypeError(f"{name} must be a chainrule.Network; got {type(net).__name__}")
