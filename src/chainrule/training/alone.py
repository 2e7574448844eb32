"""What trains a network does so alone: another of its trainings is refused meanwhile."""

import functools
from collections.abc import Callable
from typing import TypeVar, cast

Method = TypeVar("Method", bound=Callable)


def alone(method: Method) -> Method:
    """Decorate a method of a trainer: nothing else trains its network meanwhile."""

    @functools.wraps(method)
    def called(self, *arguments, **options):
        return self._net._in_training.call(method, self, *arguments, **options)

    return cast("Method", called)
