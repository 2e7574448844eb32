"""Options by their names: one that a call does not have is refused, with the nearest it has."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar

from chainrule.checks.options import did_you_mean, nearest_name

_OF_FIT = "It is an option of fit(...)."
_SETTINGS = {
    "learning_rate": "SGD(learning_rate=0.1)",
    "lr": "SGD(learning_rate=0.1)",
    "eta": "SGD(learning_rate=0.1)",
    "schedule": "SGD(chainrule.StepDecay(0.1))",
    "momentum": "SGD(0.1, momentum=0.9)",
    "nesterov": "SGD(0.1, momentum=0.9, nesterov=True)",
    "beta1": "Adam(beta1=0.9)",
    "beta2": "Adam(beta2=0.999)",
    "weight_decay": "AdamW(weight_decay=0.01)",
    "tolerance": "LBFGS(tolerance=1e-8)",
}

# What users of other packages, or of other calls of this one, may give, and what to do instead.
OF_OPTIMIZERS = dict.fromkeys(["lr", "eta"], "Use learning_rate=...") | dict.fromkeys(
    ["l1", "l2", "clip_norm", "clip_value", "max_norm", "average", "batch_size", "epochs"], _OF_FIT
)
OF_FIT = {
    name: f"Give it to the optimizer: fit(..., optimizer=chainrule.{example})."
    for name, example in _SETTINGS.items()
} | {
    "early_stopping": "Use fit(..., callbacks=chainrule.EarlyStopping()).",
    "verbose": "Use fit(..., progress=True).",
    "seed": "It is an option of Network(...), and decides shuffle and dropout too.",
}
OF_NETWORK = (
    OF_FIT
    | dict.fromkeys(
        ("optimizer", "epochs", "batch_size", "l1", "l2", "dropout", "metrics", "callbacks"),
        _OF_FIT,
    )
    | {
        "activation": "Use hidden=... for the hidden layers, output=... for the last.",
        "layers": "Use sizes, such as [784, 30, 10].",
        "loss": "Use cost=...",
        "random_state": "Use seed=...",
    }
)

_Target = TypeVar("_Target", bound=Callable)


def known_options(
    advice: dict[str, str] | None = None, *, name: str | None = None
) -> Callable[[_Target], _Target]:
    """Decorate a function or a class so that an unknown keyword is refused with what to use.

    The signature stays what it is for `help` and `inspect.signature`.

    Parameters
    ----------
    advice : dict of str to str, optional
        What to do instead, for names that come from elsewhere.
    name : str, optional
        What users call it, if not by its own name.

    Raises
    ------
    TypeError
        By what is decorated: with the nearest name it knows, the advice, and all that it knows.
    """

    def decorate(target):
        called = name or target.__name__
        if isinstance(target, type):
            target.__init__ = _checked(target.__init__, called, advice or {})
            return target
        return _checked(target, called, advice or {})

    return decorate


def _checked(function, name, advice):
    @functools.cache  # not before a call has options: to read a signature takes long
    def known():
        parameters = inspect.signature(function).parameters
        return dict.fromkeys(each for each in parameters if each != "self")

    @functools.wraps(function)
    def checked(*args, **options):
        for given in options:
            if given not in known():
                raise TypeError(_refusal(name, given, known(), advice))
        return function(*args, **options)

    return checked


def _refusal(name, given, known, advice):
    if given in advice:
        meant, hint = given, ""
    else:
        near = [*known, *(each for each in advice if len(each) > 3)]  # lr is like too much
        meant, hint = nearest_name(given, near), did_you_mean(given, near)
    if meant in advice and meant not in known:
        hint += f" {advice[meant]}"
    return f"{name}() has no option {given!r}.{hint} Known: {', '.join(known)}"
