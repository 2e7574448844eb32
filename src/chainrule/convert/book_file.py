"""Networks in the JSON files that the book's `network2` writes."""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.checks.arrays import as_real
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_dtype
from chainrule.convert.assembly import assembled
from chainrule.convert.blueprint import Layer
from chainrule.costs import Cost
from chainrule.files.header import check_nesting, listed, without_twins
from chainrule.files.model_file import content_of, told_with
from chainrule.model.sizes import check_sizes
from chainrule.network import Network

FIELDS = ("sizes", "weights", "biases", "cost")
DEEPEST = 4  # an object, its list of layers, rows, numbers
COSTS = {"CrossEntropyCost": "cross_entropy", "QuadraticCost": "quadratic"}


@known_options()
def from_book(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    cost: str | Cost | None = None,
    dtype: DTypeLike = "float64",
) -> Network:
    """Return the network of a file that the `save` of the book's `network2` wrote.

    All of its neurons are sigmoids; with several outputs it answers with the largest, as the book
    does, so its classes are 0, ..., n_L - 1.

    Parameters
    ----------
    source : str, path object, or mapping
        The file, or what is in it: "sizes", "weights", a matrix (n_l, n_{l-1}) a layer, "biases", a
        column (n_l, 1) a layer, and "cost", the name of a class.
    cost : str or Cost, optional
        By default that of the file, where it is CrossEntropyCost or QuadraticCost.
    dtype : dtype, default "float64"
        Of the network: float32 or float64.

    Returns
    -------
    Network

    Raises
    ------
    OSError
        For what is no file, or cannot be read.
    ValueError
        For all that is wrong inside. A file cannot run code; time and memory grow with its size.

    Examples
    --------
    >>> import chainrule.convert
    >>> record = {"sizes": [2, 1], "weights": [[[0.0, 1.0]]], "biases": [[[0.0]]],
    ...           "cost": "QuadraticCost"}
    >>> chainrule.convert.from_book(record)([5.0, 0.0])
    array([0.5])
    """
    if isinstance(source, Mapping):
        return _network_of(source, cost, check_dtype(dtype))
    dtype, content = check_dtype(dtype), content_of(source)
    with told_with(source):
        text = content.decode()
        check_nesting(text, DEEPEST)
        # Whole numbers become floats too, so that none is longer than a float.
        record = json.loads(text, object_pairs_hook=without_twins, parse_int=float)
        if type(record) is not dict:
            raise ValueError("expected a JSON object such as network2 writes, got another value")
        return _network_of(record, cost, dtype)


def _network_of(record: Mapping[str, Any], cost: Any, dtype: np.dtype[Any]) -> Network:
    if record.keys() != set(FIELDS):
        raise ValueError(f"expected {', '.join(FIELDS)} alone, got {listed(record) or 'nothing'}")
    if cost is None:
        if record["cost"] not in list(COSTS):
            raise ValueError(
                f"expected the cost to be {' or '.join(COSTS)}, got {str(record['cost'])[:60]!r}; "
                "for another give cost=..."
            )
        cost = COSTS[record["cost"]]
    sizes = as_real("sizes", record["sizes"], np.float64)
    if sizes.ndim != 1 or not (sizes == np.trunc(sizes)).all():
        raise ValueError("sizes must be a list of whole numbers")
    n = check_sizes(map(int, sizes.tolist()))
    weights = _arrays("weights", record["weights"], [*zip(n[1:], n[:-1], strict=True)], dtype)
    biases = _arrays("biases", record["biases"], [(each, 1) for each in n[1:]], dtype)
    return assembled(
        [Layer(W, b[:, 0], "sigmoid", 0.0) for W, b in zip(weights, biases, strict=True)],
        classes=np.arange(n[-1]) if n[-1] > 1 else None,
        cost=cost,
        bias=True,
        dtype=dtype,
    )


def _arrays(
    name: str, given: Any, shapes: list[tuple[int, int]], dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Return the arrays of all layers, which must have these shapes."""
    if not isinstance(given, list | tuple) or len(given) != len(shapes):
        raise ValueError(f"{name} must be a list of {len(shapes)}, one a layer after the input")
    arrays = [as_real(f"{name}[{i}]", each, dtype) for i, each in enumerate(given)]
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] must have shape {shape}; got {array.shape}")
    return arrays
