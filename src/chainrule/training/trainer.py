"""Single steps: a loop of the user's own hands over mini-batches, one a call."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.actions import targets_of_actions
from chainrule.checks.arrays import as_real
from chainrule.checks.given_gradients import GivenGradients, check_one_way
from chainrule.checks.options import check_count, check_positive
from chainrule.checks.samples import Samples
from chainrule.core import _core
from chainrule.costs import UserCost
from chainrule.model.model import Model, check_learns
from chainrule.model.reach import check_reach
from chainrule.optimizers import Optimizer
from chainrule.results.gradient import Gradient
from chainrule.training.alone import alone
from chainrule.training.causes import likely_cause
from chainrule.training.endings import COST, DivergenceError, lost_state, step_diverged
from chainrule.training.fit import last_optimizer
from chainrule.training.fit_options import FitOptions, read_options
from chainrule.training.full_batch.cost import FullBatchOptimizer
from chainrule.training.optimizer_state import like_state, resumed_state
from chainrule.training.training import recipe_of, state_for_core

OUTPUT_GRADIENT, OUTPUT_DELTA = (_core.GIVEN.index(f"output_{of}") for of in ("gradient", "delta"))


class Trainer:
    """Single steps of a network's training, checked once and prepared: `Network.trainer` makes it.

    Steps over consecutive rows, and `end_epoch` behind the last of them, leave what
    ``net.fit(X, y, shuffle=False)`` leaves, to the last bit. The network shows every step at once:
    `parameters`, and the optimiser's state in `optimizer_state`; `history` stays that of the last
    `fit`. One trainer at a time: after a `fit`, an assigned `optimizer` or `optimizer_state`, or
    another trainer of the same network, `step` refuses, and a new trainer goes on from there.

    Attributes
    ----------
    optimizer : SGD, Adam, ...
        What it steps by.
    steps, samples : int
        How many of both this epoch has had.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> net = cr.Network([4, 16, 2], hidden="tanh", output="identity", seed=0)
    >>> trainer = net.trainer(cr.Adam(1e-2))
    >>> X, Y = np.ones((8, 4), np.float32), np.zeros((8, 2), np.float32)
    >>> costs = [trainer.step(X, Y) for _ in range(200)]
    >>> costs[-1] < costs[0] / 100
    True
    """

    def __init__(self, net: Model, given: FitOptions):
        self._net = net
        self._prepare(given)

    @alone
    def _prepare(self, given):
        """Check all, and be what the network is trained by."""
        net = self._net
        if given.get("optimizer") is None:
            given = {**given, "optimizer": last_optimizer(net)}
        options = read_options(given)
        check_learns(net)
        if isinstance(options.optimizer, FullBatchOptimizer):
            raise ValueError(
                f"{type(options.optimizer).__name__} needs all samples at once, fit(X, y); "
                "for single steps use SGD or Adam"
            )
        net._check_set()
        if isinstance(options.class_weight, str):
            raise ValueError(
                f"class_weight={options.class_weight!r} counts all samples before training, which "
                "single steps do not allow; give the weights, such as {0: 1.0, 1: 5.0}"
            )
        self.optimizer: Optimizer = options.optimizer
        schedule, steps = self.optimizer.schedule, options.steps_per_epoch
        if schedule.state:
            raise ValueError(
                "ReduceOnPlateau watches the figures of whole epochs, which single steps do not "
                "have; take another schedule, or fit(...)"
            )
        if schedule.counts_epochs and steps is None:
            raise ValueError(
                f"a {type(schedule).__name__} of the learning rate needs steps_per_epoch"
            )
        self._options = options
        recipe = recipe_of(options, net)
        averaging = options.average is not None
        self._state = resumed_state(
            net.optimizer_state, self.optimizer, schedule, averaging, net.parameters, steps
        )
        schedule.check_end(self._state, 1)
        self._in_core = state_for_core(net, self.optimizer, self._state)
        self._plan = net._plan
        self._core = _core.Stepper(
            self._plan, net.parameters, recipe, self._state, self._in_core, net.seed,
            **_read_as_they_are(net, options),
        )  # fmt: skip
        self._begun = False  # whether the rates of this epoch are known
        net._go_by(self.optimizer, self._state)

    @property
    def steps(self) -> int:
        """How many steps this epoch has had."""
        return self._core.steps_done

    @property
    def samples(self) -> int:
        """How many samples this epoch has had."""
        return self._core.samples_done

    def __repr__(self):
        return f"{type(self).__name__}({self._net!r}, {self.optimizer!r})"

    @alone
    def step(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        actions: ArrayLike | None = None,
        output_gradient: ArrayLike | None = None,
        output_delta: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        output_weight: ArrayLike | None = None,
    ) -> float | None:
        """Take one step of the optimiser by one mini-batch.

        Dense arrays in C order cost least: X of a dtype that `fit` does not copy, all else float32
        or float64, labels and actions int32 or int64. Others are converted first.

        Parameters
        ----------
        X : array (m, n_1)
            As in `fit`.
        y : array (m, n_L), or labels (m,)
            As in `fit`; with actions (m,).
        actions : array (m,), optional
            Whole numbers: sample i costs C of its output ``actions[i]`` against ``y[i]`` alone.
        output_gradient : array (m, n_L), optional
            In the place of y: ∂C_i/∂a^L of each sample's own cost, whatever that is, by what the
            network says (with output_scale, by the outputs in their units).
        output_delta : array (m, n_L), optional
            In the place of y: ∂C_i/∂z^L.
        sample_weight : array (m,), optional
            How much each sample counts: Σ w_i ∂C_i / Σ w_i.
        output_weight : array (m, n), or (n,), optional
            As in `fit`.

        Returns
        -------
        float or None
            The mean cost before the step, without penalties; None where derivatives are given.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, and where the network was trained elsewhere meanwhile.
            Nothing has changed.
        DivergenceError
            When the cost, or with given derivatives an output, is not finite; before the step,
            which is not taken. Those before it stay. Also where what the optimiser keeps of the
            gradient is infinite, so that steps are none: within 32 steps, then at each.
        """
        core = self._core
        self._check_at_hand()
        done: Any = NotImplemented  # by the core alone, where it can read all of it
        if output_weight is not None:
            pass
        elif y is not None and output_gradient is None and output_delta is None:
            if actions is not None or self._is_settled:
                done = core.step(X, y, 0, actions, sample_weight)
        elif y is None and actions is None and self._options.class_weight is None:
            if output_delta is None and output_gradient is not None:
                done = core.step(X, output_gradient, OUTPUT_GRADIENT, None, sample_weight)
            elif output_gradient is None and output_delta is not None:
                done = core.step(X, output_delta, OUTPUT_DELTA, None, sample_weight)
        if done is NotImplemented or done is None:
            samples = self._checked(
                X, y, actions, output_gradient, output_delta, sample_weight, output_weight
            )
            if done is NotImplemented:
                done = core.step_by(samples.for_core, samples.given, samples.exponent)
            known = samples if isinstance(samples, Samples) else None
            if done is None:
                raise self._ended(known)
            if known and actions is None:
                self._net._settle(samples)
            elif samples.names is not None:
                self._net._input_names = samples.names
        return done if y is not None else None

    def penalty(self, weight: float) -> float:
        """Return what l1, l2 and l2_of_batch add to the cost of a mini-batch, as parameters are.

        Parameters
        ----------
        weight : float
            Σ w_i of its samples, or without weights their number.
        """
        options, net = self._options, self._net
        check_positive("weight", weight)
        l2 = options.l2 + options.l2_of_batch / weight
        return _core.total_penalty(net._plan, net.parameters, options.l1, l2)

    @alone
    def apply(self, gradient: Gradient | ArrayLike) -> None:
        """Take one step of the optimiser along a gradient made elsewhere.

        Limits, penalties and average are those of `step`.

        Parameters
        ----------
        gradient : Gradient, or array (n_parameters,)
            Of `Network.backprop`, or shaped like `parameters`; a mean over samples, as everywhere.

        Raises
        ------
        ValueError, TypeError, DivergenceError
            As `step`.
        """
        self._check_at_hand()
        self._check_going_on()
        if self._options.l2_of_batch:
            raise ValueError("a gradient does not say what l2_of_batch goes by; give l2 instead")
        net = self._net
        flat = gradient.parameters if isinstance(gradient, Gradient) else gradient
        nabla = as_real("gradient", flat, net.dtype)
        if nabla.shape != net.parameters.shape:
            raise ValueError(
                f"gradient must have the shape {net.parameters.shape} of the parameters; "
                f"got {nabla.shape}"
            )
        if self._core.apply(nabla):
            raise self._ended(None)

    @alone
    def end_epoch(self) -> None:
        """End the epoch: `epochs_trained` gains 1, and the next step begins another.

        Schedules go by it, and so do the random numbers of dropout: (seed, epochs_trained, number
        of the sample in the epoch).
        """
        self._check_own()
        self._core.end_epoch()
        self._begun = False

    def state(self) -> dict[str, Any]:
        """Return all that an exact continuation needs, in arrays and numbers that are copies.

        Returns
        -------
        dict
            "parameters", "optimizer_state", "epochs_trained", and "steps" and "samples" of this
            epoch.
        """
        self._check_own()
        net = self._net
        return {
            "parameters": net.parameters.copy(),
            "optimizer_state": {name: a.copy() for name, a in self._state.items()},
            "epochs_trained": net.epochs_trained,
            "steps": self.steps,
            "samples": self.samples,
        }

    @alone
    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state` of a trainer like this one, to the last bit.

        Raises
        ------
        ValueError, TypeError
            For what is no such state, and as `step`; nothing has changed.
        """
        self._check_own()
        net = self._net
        now = {"parameters": net.parameters, **self._state}
        if not isinstance(state, dict) or state.keys() != self._kept_names:
            raise ValueError(
                f"state must be a dict of {', '.join(self._kept_names)}, as Trainer.state() "
                f"returns it; got {list(state) if isinstance(state, dict) else type(state)}"
            )
        carried = state["optimizer_state"]
        given = {"parameters": state["parameters"]}
        given |= carried if isinstance(carried, dict) else {"optimizer_state": carried}
        if given.keys() != now.keys():
            raise ValueError(
                f"the state must have {', '.join(now)}, for {self.optimizer!r}; "
                f"it has {', '.join(given)}"
            )
        pairs = [(array, like_state(name, given[name], array)) for name, array in now.items()]
        counts = [check_count(name, state[name], 0) for name in ("steps", "samples")]
        clock = np.array([check_count("epochs_trained", state["epochs_trained"], 0)], np.uint64)
        rates, steps = self._rates(given)
        if 0 < steps < counts[0]:
            raise ValueError(f"an epoch has {steps} steps; the state has done {counts[0]}")
        _core.restore([*pairs, (net._clock, clock)])
        self._core.begin_epoch(rates, steps, *counts)
        self._begun = True

    _kept_names = dict.fromkeys(
        ("parameters", "optimizer_state", "epochs_trained", "steps", "samples")
    ).keys()

    def _rates(self, state: dict[str, NDArray]) -> tuple[NDArray, int]:
        """Return the learning rates of an epoch that begins with `state`, and its number of steps.

        Where nothing depends on that it is 0, and there is one rate.
        """
        schedule, steps = self.optimizer.schedule, self._options.steps_per_epoch
        schedule.check_end(state, 1)
        return schedule.coming(state, 1, steps), steps if schedule.counts_epochs else 0

    @property
    def _is_settled(self):
        """Whether there is nothing to learn of targets but their numbers: no names of classes."""
        return self._net._answers is not None and self._net._named is None

    def _check_own(self):
        """Raise if the network is no longer as this trainer left it, but for its parameters."""
        net = self._net
        same_rule = net._optimizer is self.optimizer and self._core.owns(net.optimizer_state)
        if not same_rule or net._plan is not self._plan:
            raise ValueError(
                "the network was trained, or got another optimiser, optimizer_state or precision, "
                "since this trainer was made, or another trainer was; make a new one, "
                "net.trainer(...), which goes on from there"
            )

    def _check_at_hand(self):
        """Raise unless a step can follow; know its learning rate."""
        self._check_own()
        if not self._begun:
            self._core.begin_epoch(*self._rates(self._state))
            self._begun = True

    def _check_going_on(self):
        if self._core.epoch_is_over:
            raise ValueError(
                f"this epoch has had its steps_per_epoch={self._options.steps_per_epoch} steps, by "
                "which the learning rate goes; end it with trainer.end_epoch()"
            )

    def _ended(self, samples: Samples | None) -> DivergenceError:
        """Return the error of a step, by the core's account and the samples, if they are known."""
        net, rule = self._net, self.optimizer
        what = lost_state(rule, net.dtype) if self._in_core.overflown else COST
        return step_diverged(self._core.layer, self.steps, likely_cause(net, samples, rule), what)

    def _checked(self, X, y, actions, gradient, delta, sample_weight, output_weight):
        """Return the samples of a step, checked, or raise."""
        self._check_going_on()
        net, options = self._net, self._options
        if check_one_way(y, gradient, delta, output_weight):
            if actions is not None or options.class_weight is not None:
                what = "actions" if actions is not None else "class_weight"
                raise ValueError(f"{what} needs targets y; got derivatives in their place")
            return GivenGradients(net, X, gradient, delta, sample_weight)
        if actions is not None:
            if output_weight is not None:
                raise ValueError("actions say which output counts; leave output_weight out")
            n = net.sizes[-1] // net._cost.outputs_per_target
            y, output_weight = targets_of_actions(actions, y, len(np.asarray(y)), n)
        samples = Samples(
            net, X, y, sample_weight, options.class_weight,
            output_weight=output_weight, missing_targets=options.missing_targets,
        )  # fmt: skip
        check_reach(net, samples)
        net._check_delta(samples.targets)
        return samples


def _read_as_they_are(net: Model, options: SimpleNamespace) -> dict[str, Any]:
    """Return which inputs and targets the core reads without a look of Python's."""
    cost, scaling = net._cost, net._scaling
    limit = scaling.limit(net.dtype) if scaling else float(np.finfo(net.dtype).max)
    low, high = net._output.reach if cost.is_least_at_target else cost.span
    simple = cost.outputs_per_target == 1 and not isinstance(cost, UserCost)
    simple = simple and options.class_weight is None
    if not simple:
        low, high = math.inf, -math.inf
    threads, cores = options.threads
    return {
        "limit": limit, "low": low, "high": high,
        "takes_labels": simple and net.sizes[-1] > 1 and not net._output_scaling,
        "chooses": simple and not cost.coupling,
        "threads": threads, "cores": cores,
    }  # fmt: skip
