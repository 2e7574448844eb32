"""How weights and biases begin.

Each initialiser is a function of (rng, n_in, n_out) that returns W (n_out, n_in) and b (n_out,)
in float64. To add one, write it and name it in `INITIALIZERS`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.options import check_name
from chainrule.checks.words import words

if TYPE_CHECKING:  # it takes long, and not every use of the package draws numbers
    from numpy.random import Generator

Initializer = Callable[["Generator", int, int], tuple[ArrayLike, ArrayLike]]  # as users write one
Beginning = tuple[NDArray[np.float64], NDArray[np.float64]]  # W, b


def scaled(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ N(0, 1/√n_in), b ~ N(0, 1): the default of the book's network2 (chapter 3).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import scaled
    >>> W, b = scaled(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.05, (100,), 0.982)
    """
    return rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), rng.standard_normal(n_out)


def large(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ N(0, 1), b ~ N(0, 1): the book's network (chapter 1), slow to learn for wide layers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import large
    >>> W, b = large(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 1.002, (100,), 0.982)
    """
    return rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out)


def glorot(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ U(±√(6/(n_in + n_out))), b = 0: Glorot and Bengio (2010), for tanh and sigmoid.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import glorot
    >>> W, b = glorot(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.063, (100,), 0.0)
    """
    limit = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_out, n_in)), np.zeros(n_out)


def he(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ N(0, √(2/n_in)), b = 0: He, Zhang, Ren and Sun (2015), for relu.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import he
    >>> W, b = he(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.071, (100,), 0.0)
    """
    return rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out)


def lecun(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ N(0, 1/√n_in), b = 0: LeCun, Bottou, Orr and Müller (1998).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import lecun
    >>> W, b = lecun(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.05, (100,), 0.0)
    """
    return rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), np.zeros(n_out)


def small(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W ~ U(±0.05), b = 0: the "small random numbers" of the classical courses (Mitchell, 1997).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import small
    >>> W, b = small(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.029, (100,), 0.0)
    """
    return rng.uniform(-0.05, 0.05, (n_out, n_in)), np.zeros(n_out)


def zeros(rng: "Generator", n_in: int, n_out: int) -> Beginning:
    """W = 0, b = 0: neurons of a layer stay alike, so for networks without hidden layers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.initializers import zeros
    >>> W, b = zeros(np.random.default_rng(0), 400, 100)
    >>> W.shape, float(W.std().round(3)), b.shape, float(b.std().round(3))
    ((100, 400), 0.0, (100,), 0.0)
    """
    return np.zeros((n_out, n_in)), np.zeros(n_out)


INITIALIZERS = {f.__name__: f for f in (scaled, large, glorot, he, lecun, small, zeros)}

# What other tools call them.
WORDS = words(
    {
        "Use 'glorot'.": "xavier Xavier xavier_uniform xavier_normal glorot_uniform glorot_normal",
        "Use 'he'.": "kaiming Kaiming kaiming_uniform kaiming_normal he_uniform he_normal",
        "Use 'lecun'.": "lecun_uniform lecun_normal",
        "Use 'small'.": "uniform random_uniform random",
        "Use 'large'.": "normal random_normal gaussian",
        "Use 'zeros', or a function of (rng, n_in, n_out).": "constant ones zero",
        "Give a function of (rng, n_in, n_out) that returns W and b.": "orthogonal "
        "truncated_normal trunc_normal sparse variance_scaling",
    }
)


def find_initializers(
    init: str | Initializer | Sequence[str | Initializer], layers: int
) -> tuple[Initializer, ...]:
    """Return the initialiser of each of `layers` layers: one for all of them, or one for each."""
    if isinstance(init, list | tuple):
        if len(init) != layers:
            raise ValueError(
                "init must be one initialiser, or one for each layer after the input, "
                f"{layers} of them; got {len(init)}"
            )
        return tuple(_find(each) for each in init)
    return (_find(init),) * layers


def _find(init: Any) -> Initializer:
    if callable(init):
        return cast("Initializer", init)
    return INITIALIZERS[check_name("init", init, INITIALIZERS, WORDS)]
