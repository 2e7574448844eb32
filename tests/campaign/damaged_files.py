"""Model files damaged, forged or foreign: one kind of error, in bounded time and memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import chainrule as cr
from campaign import Effort, Lost


def try_bytes(content: bytes, same: bytes) -> str:
    """Load what may be no model file; `same` are the parameters of the one it was made from."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(content)
        file.flush()
        try:
            net = cr.load(file.name)
        except ValueError as error:
            is_ours = str(error).startswith(f"{file.name} cannot be loaded: ")
            return "refused" if is_ours else Lost(f"a message of another kind: {error}")
    is_same = net.parameters.tobytes() == same
    return "loads the same network" if is_same else Lost("another network was loaded")


def a_network() -> tuple[bytes, bytes]:
    """Return a model file, and the parameters of its network."""
    net = cr.Network([3, 4, 2], hidden="tanh", seed=0)
    net.fit([[0, 0, 1], [1, 0, 1]], [0, 1], optimizer=cr.Adam(), epochs=2)
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        net.save(file.name)
        return Path(file.name).read_bytes(), net.parameters.tobytes()


def truncations(effort: Effort) -> Iterator[str]:
    content, same = a_network()
    for end in effort.rng.permutation(len(content))[: effort.cases(len(content), 300)]:
        yield try_bytes(content[:end], same)


ROWS = {"cut off after each byte": truncations}
