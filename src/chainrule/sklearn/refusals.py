"""What is refused changes nothing of an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unless_refused(estimator: Any) -> Iterator[None]:
    """Put back what scikit-learn's checks note in `estimator` as they go, where one of them raises.

    Classes, names and the number of features; all that is assigned meanwhile.
    """
    before = dict(vars(estimator))
    try:
        yield
    except Exception:
        estimator.__dict__ = before
        raise
