"""Words of other tools, and of other calls of this one: what a message says to write instead.

A table has the words beside the names that are meant. It is written with a row for each advice,
``{"Use 'swish'.": "silu SiLU"}``, and read by `hint`, wherever a name is refused.
"""

from collections.abc import Iterable, Mapping

Words = dict[str, str]  # what to do instead, by the word
NONE: Words = {}


def words(rows: Mapping[str, str]) -> Words:
    """Return the table of rows of an advice and its words, with spaces between them."""
    return {word: advice for advice, its in rows.items() for word in its.split()}


def hint(given: str, known: Iterable[str], others: Mapping[str, str] = NONE) -> str:
    """Return what a message that refuses `given` says to use, with a space before it, or nothing.

    That is the nearest name, or the advice for a word of `others`, also where this is spelled a
    little otherwise.
    """
    known = list(known)
    if given in others:
        return f" {others[given]}"
    meant = nearest_name(given, known, 0.8)
    if meant is None and (word := nearest_name(given, others, 0.85)) is not None:
        return f" Did you mean '{word}'? {others[word]}"
    meant = meant or nearest_name(given, known)
    return "" if meant is None else f" Did you mean '{meant}'?"


def nearest_name(name: str, known: Iterable[str], alike: float = 0.5) -> str | None:
    """Return the name out of `known` that `name` is most like, or None where it is like none.

    alike: how much, by `difflib`, 1 for all.
    """
    import difflib  # only here, where a name is refused: it is not there at once

    spelled = {k.lower(): k for k in known}
    nearest = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=alike)
    return spelled[nearest[0]] if nearest else None
