"""What users call the classes: text, booleans, or whole numbers that are no places of outputs.

The classes of a network stand in the order of its outputs, sorted as NumPy sorts them; with one
output the first is at 0 (for the hinge cost at -1), the second at 1.
"""

import numpy as np
from numpy.typing import NDArray

MOST_SHOWN = 10  # of the classes in a message


def named_labels(
    name: str, y, n_classes: int, width: int, known: NDArray | None, answers: str | None
) -> tuple[NDArray, NDArray] | None:
    """Return the place of each label among the classes, (m,) in int32, and the classes.

    None where y has no names of classes: numbers for one output, integers from 0 to width - 1,
    which mean outputs, and arrays of more than one dimension.

    Parameters
    ----------
    name : str
        Of y, for messages.
    y : array (m,)
    n_classes : int
        How many the network tells apart.
    width : int
        n_L.
    known : ndarray (n_classes,), or None
        The classes that are settled, where they have names.
    answers : str or None
        What the network answers with, where that is settled: with "classes" that have no names,
        which are the outputs, and anything else, no label has a name.

    Raises
    ------
    ValueError
        For another number of classes, for a label that is none of those known, and for one that is
        missing.
    """
    given = as_names(name, y)
    if given is None or given.ndim != 1:
        return None
    if given.dtype.kind in "iu":
        means_outputs = len(given) == 0 or (given.min() >= 0 and given.max() < width)
        settled = known is not None and known.dtype.kind in "iu"
        if width == 1 or (known is None and (means_outputs or answers == "classes")):
            return None
        if means_outputs and not settled:
            return None
        if given.max(initial=0) >= 2**63:
            raise ValueError(
                f"{name} must hold labels from 0 to {width - 1}, or names of classes below 2**63; "
                f"{name}[{int(np.argmax(given))}] is {given.max()}"
            )
        given = given.astype(np.int64)
    if known is None and answers is not None:
        if given.dtype.kind == "b":  # 0 and 1
            return None
        knows = "numbers"
        if answers == "classes":
            knows = f"the classes that the network knows, {shown(np.arange(n_classes))}"
        raise ValueError(
            f"{name} must hold {knows}, as it has learned; got labels of dtype {given.dtype}"
        )
    if known is None:
        known = np.array([False, True]) if given.dtype.kind == "b" else np.unique(given)
        if len(known) != n_classes:
            raise ValueError(_another_number(name, given, known, n_classes, width))
    return _places(name, given, known), known


def _another_number(name, given, known, n_classes, width):
    """Return the message for another number of classes than the network tells apart."""
    outputs = "one output tells" if width == 1 else f"{width} outputs tell"
    message = (
        f"{name} holds {len(known)} class{'' if len(known) == 1 else 'es'}, {shown(known)}; "
        f"{outputs} exactly {n_classes} apart. Make the network with as many outputs as there are "
        "classes"
    )
    if given.dtype.kind in "iu":
        where = int(np.argmax((given < 0) | (given >= width)))
        message += (
            f", or give labels from 0 to {width - 1}, which mean outputs; "
            f"{name}[{where}] is {given[where]}"
        )
    return message


def as_names(name, y):
    """Return y as an array if it holds text, booleans or integers; None for anything else."""
    if type(y) is np.ndarray and y.dtype.kind not in "OTUSbiu":
        return None
    try:
        given = np.asarray(y)
    except ValueError:  # ragged lists
        return None
    if given.dtype.kind == "U" and not hasattr(y, "dtype"):  # text has swallowed all else
        given = np.asarray(y, object)
    if given.dtype.kind == "S":
        raise ValueError(f"{name} holds bytes; decode them, such as numpy.char.decode(y)")
    if given.dtype.kind in "OT" and given.ndim == 1:
        are_text = np.fromiter((isinstance(each, str) for each in given), bool, len(given))
        if not are_text.any():
            return None
        if not are_text.all():
            where = int(np.argmin(are_text))
            raise ValueError(
                f"{name} must hold text throughout, or no text; {name}[{where}] is "
                f"{given[where]!r}, {int((~are_text).sum())} of {len(given)} are not text. "
                "Leave out the samples whose class is missing"
            )
        return np.array(given.tolist(), str)
    return given if given.dtype.kind in "Ubiu" else None


def _places(name, given, known):
    if (given.dtype.kind in "iu") != (known.dtype.kind in "iu") or (
        (given.dtype.kind == "b") != (known.dtype.kind == "b")
    ):
        raise ValueError(
            f"{name} must hold the classes that the network knows, {shown(known)}; "
            f"got labels of dtype {given.dtype}"
        )
    places = np.searchsorted(known, given).clip(max=len(known) - 1)
    unknown = known[places] != given
    if unknown.any():
        where = int(np.argmax(unknown))
        raise ValueError(
            f"{name} must hold the classes that the network knows, {shown(known)}; "
            f"{name}[{where}] is {given[where].item()!r}"
        )
    return places.astype(np.int32)


def check_classes(classes, n_classes: int) -> NDArray:
    """Return classes as an array, sorted and all different, as many as there are.

    Raises
    ------
    ValueError, TypeError
        For anything else.
    """
    given = np.asarray(classes)
    given = np.array(given.tolist(), str) if given.dtype.kind in "OT" else given
    if given.dtype.kind not in "Ubiu" or given.ndim != 1:
        raise TypeError(
            "classes must be a list of text, whole numbers or booleans; "
            f"got dtype {given.dtype} and shape {given.shape}"
        )
    given = given.astype(np.int64) if given.dtype.kind in "iu" else given
    if len(given) != n_classes or not np.array_equal(given, np.unique(given)):
        raise ValueError(
            f"classes must be {n_classes}, sorted and all different; got {shown(given)}"
        )
    return given


def shown(classes: NDArray) -> str:
    """Write classes for a message, of many only some."""
    some = ", ".join(repr(each) for each in classes[:MOST_SHOWN].tolist())
    return some + (", ..." if len(classes) > MOST_SHOWN else "")


def places_of(outputs: NDArray, low: int) -> NDArray:
    """Return the place of the class that each row of outputs (m, n_L) says, (m,)."""
    if outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    return (outputs[:, 0] > (low + 1) / 2).astype(int)
