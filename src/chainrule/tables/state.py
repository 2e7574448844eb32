"""What a file keeps of an encoder is a dict of plain values; here it is looked at when read."""

from typing import Any


def fields(state: Any, **kinds: type) -> dict[str, Any]:
    """Return a state that has exactly these fields, each of its type.

    Raises
    ------
    ValueError
        For any other.
    """
    found = {key: type(each) for key, each in state.items()} if type(state) is dict else type(state)
    if found != kinds:
        expected = ", ".join(f"{name} ({kind.__name__})" for name, kind in kinds.items())
        raise ValueError(f"expected a dict of {expected}; got {str(found)[:200]}")
    return state
