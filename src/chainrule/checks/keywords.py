"""Options by their names: one that a call does not have is refused, with the nearest it has.

So are options without their names, where a call takes them by these alone.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from chainrule.checks.words import NONE, Words, hint

_Target = TypeVar("_Target", bound=Callable)


def known_options(
    others: Words = NONE,
    *,
    name: str | None = None,
    positional: Callable[[tuple[Any, ...]], str] = lambda values: "",
) -> Callable[[_Target], _Target]:
    """Decorate a function or a class so that an unknown keyword is refused with what to use.

    The signature stays what it is for `help` and `inspect.signature`.

    Parameters
    ----------
    others : dict of str to str, optional
        What to do instead, for names that come from elsewhere (`chainrule.checks.words`).
    name : str, optional
        What users call it, if not by its own name.
    positional : function, optional
        Of the values that were given without names, where they are too many: returns what to write
        instead, with a space before it, or nothing.

    Raises
    ------
    TypeError
        By what is decorated: with the nearest name it knows, the advice, and all that it knows.
    """

    def decorate(target):
        called = name or target.__name__
        if isinstance(target, type):
            target.__init__ = _checked(target.__init__, called, others, positional)
            return target
        return _checked(target, called, others, positional)

    return decorate


def _checked(function, name, others, positional):
    @functools.cache  # not before a call has options: to read a signature takes long
    def known():
        parameters = inspect.signature(function).parameters
        return dict.fromkeys(each for each in parameters if each != "self")

    @functools.cache
    def allowed():
        return frozenset(known())

    most = function.__code__.co_argcount
    unnamed = [each for each in function.__code__.co_varnames[:most] if each != "self"]

    @functools.wraps(function)
    def checked(*args, **options):
        if len(args) > most:
            values = args[most - len(unnamed) :]
            raise TypeError(
                f"{name}() takes {' and '.join(unnamed)} without a name, all else by name; got "
                f"{len(values)} values.{positional(values)} Known: {', '.join(known())}"
            )
        if options and not allowed().issuperset(options):
            given = next(each for each in options if each not in known())
            raise TypeError(
                f"{name}() has no option {given!r}.{hint(given, known(), others)} "
                f"Known: {', '.join(known())}"
            )
        return function(*args, **options)

    return checked
