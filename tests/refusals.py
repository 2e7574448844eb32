"""What is refused: the exception, what its message must contain, and that nothing has changed."""

import pytest

from carried import carried


def state(net):
    """All of a network that a refused call might have changed."""
    return *carried(net), id(net.history), len(net.history or ())


def refuse(call, exception, fragments, net=None):
    """`call` raises `exception`, with every fragment in its message, and leaves `net` as it is."""
    before = state(net) if net is not None else None
    with pytest.raises(exception) as caught:
        call()
    message = str(caught.value)
    missing = [fragment for fragment in fragments if fragment not in message]
    assert not missing, f"{missing} not in: {message}"
    assert before == (state(net) if net is not None else None), "the network has changed"


def table(rows):
    """Parametrise over {id: (what is handed over, exception, fragments of the message)}."""
    names = ("given", "exception", "fragments")
    return pytest.mark.parametrize(names, list(rows.values()), ids=list(rows))
