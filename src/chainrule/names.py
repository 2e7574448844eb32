"""Names that users choose from: activations, costs, initialisers."""

import difflib


def check_name(kind, name, known):
    """Return `name` if it is one of `known`, else raise with the nearest known one.

    Parameters
    ----------
    kind : str
        What the name is of, for the message: "hidden activation", "cost".
    name : str
        The user's choice.
    known : iterable of str
        The names there are.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If it is not known.
    """
    known = list(known)
    if not isinstance(name, str):
        raise TypeError(f"{kind} must be a name, one of {', '.join(known)}; got {name!r}")
    if name not in known:
        nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
        raise ValueError(f"unknown {kind} '{name}'.{hint} Known: {', '.join(known)}")
    return name
