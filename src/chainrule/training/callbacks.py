"""Functions of the user's that `fit` calls while it trains."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from chainrule.checks.words import hint
from chainrule.core import _core
from chainrule.training.endings import StopTraining

# What each hook is called with.
HOOKS = {
    "on_train_begin": "net",
    "on_epoch_begin": "net, epoch",
    "on_batch_begin": "batch",
    "on_batch_end": "batch, cost",
    "on_epoch_end": "net, history",
    "on_train_end": "net, history",
}


class Callbacks:
    """The callbacks of one `fit`, sorted by the hooks they have.

    Parameters
    ----------
    given : None, a callback, or an iterable of callbacks
        A callback is a function of (net, history), called after each epoch, or an object with any
        of the methods in HOOKS.

    Raises
    ------
    TypeError
        For what is neither.
    ValueError
        For an object with a method ``on_...`` that is not a hook.
    """

    def __init__(self, given: Any):
        self._by_hook: dict[str, list[Callable]] = {hook: [] for hook in HOOKS}
        self._all: list[Any] = []
        self._states: Sequence[Any] = ()
        if given is None:
            given = ()
        elif callable(given) or _hooks_of(given) or not isinstance(given, Iterable):
            given = (given,)
        self.given = tuple(given)
        # What keeps the others' states comes when all of them have had their turn.
        for callback in sorted(self.given, key=lambda each: hasattr(each, "join_training")):
            self.add(callback)

    def add(self, callback: Any) -> None:
        """Add one after the others."""
        for hook, method in _checked(callback).items():
            self._by_hook[hook].append(method)
        self._all.append(callback)

    def __bool__(self):
        return any(self._by_hook.values())

    def _each(self, method: str) -> list[Callable]:
        return [getattr(callback, method) for callback in self._all if hasattr(callback, method)]

    def check(self, history):
        """Let those that need something of the history refuse it, before any of them begins."""
        for check_history in self._each("check_history"):
            check_history(history)

    def join(self, training, given):
        """Let those that keep a training know it, and what `fit` was `given`, before it begins."""
        for join_training in self._each("join_training"):
            join_training(training, given)

    def go_on_from(self, states: Sequence[Any]) -> None:
        """Have each of those given, once training begins, resume its state of these, or None."""
        self._states = states

    def resume(self):
        """Give each its state, if it is to go on from one."""
        for callback, state in zip(self.given, self._states, strict=False):
            if state is not None:
                if not keeps_state(callback):
                    raise ValueError(
                        f"{type(callback).__name__} has no methods state() and resume(state), "
                        "which it had when the checkpoint was written"
                    )
                callback.resume(state)

    def mend(self, net):
        """Let those that can mend what an exception has left of training."""
        for mend in self._each("mend"):
            mend(net)

    def leave(self, net, history):
        """Let those that joined know that it is over, however it ended."""
        for leave_training in self._each("leave_training"):
            leave_training(net, history)

    @property
    def of_batches(self) -> list[str]:
        """The hooks around batches that there are."""
        return [hook for hook, methods in self._by_hook.items() if "batch" in hook and methods]

    def call(self, hook: str, *arguments):
        """Call all that have the hook; a StopTraining of one comes after the others' turn."""
        stop = None
        for method in self._by_hook[hook]:
            try:
                method(*arguments)
            except StopTraining as raised:
                stop = raised
        if stop is not None:
            raise stop

    def batch_hooks(self) -> _core.Hooks:
        """Return what the core calls around each batch."""
        return _core.Hooks(self._joined("on_batch_begin"), self._joined("on_batch_end"))

    def _joined(self, hook):
        """Return one function for all that have the hook, or None."""
        methods = self._by_hook[hook]
        if len(methods) > 1:
            return partial(self.call, hook)
        return methods[0] if methods else None


def keeps_state(callback: Any) -> bool:
    """Whether it can go on from what it has seen in another process."""
    methods = (getattr(callback, name, None) for name in ("state", "resume"))
    return all(map(callable, methods))


def check_state(state: Any, **kinds: Any) -> None:
    """Raise unless what a callback is to go on from has these fields, of these types.

    Raises
    ------
    ValueError
        Of a file that `Checkpoint` has not written so.
    """
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise ValueError(f"expected the state of a callback, got {state!r:.200}")
    for name, kind in kinds.items():
        if not isinstance(state.get(name, kinds), kind):
            raise ValueError(f"expected {name!r} in the state of a callback; got {state!r:.200}")


def _hooks_of(callback) -> dict[str, Callable]:
    return {hook: getattr(callback, hook) for hook in HOOKS if hasattr(callback, hook)}


def _checked(callback) -> dict[str, Callable]:
    """Return the methods of a callback by their hooks."""
    if isinstance(callback, type):
        raise TypeError(f"a callback must be an object; got the class: use {callback.__name__}()")
    for name in dir(callback):
        if name.startswith("on_") and name not in HOOKS:
            raise ValueError(
                f"unknown hook '{name}' of a callback {type(callback).__name__}."
                f"{hint(name, HOOKS)} Known: {_listed()}"
            )
    hooks = _hooks_of(callback)
    if not hooks and callable(callback):
        hooks = {"on_epoch_end": callback}
    if not hooks or not all(map(callable, hooks.values())):
        raise TypeError(
            "a callback must be a function of (net, history), or an object with one or more of "
            f"the methods {_listed()}; got {callback!r}"
        )
    return hooks


def _listed():
    return ", ".join(f"{hook}({arguments})" for hook, arguments in HOOKS.items())
