"""Model files from one processor to another, whatever the order of its bytes (tests/emulated.sh).

`python tests/exchanged_files.py write FOLDER` writes a file of each kind, and what the network says
there; `... read THEIRS OURS` reads those of another processor. What is in a file comes over bit by
bit: parameters, the optimiser's state, scalings. What is computed from it is close, since another
processor may fuse a product with a sum where this one does not.
"""

import sys
from pathlib import Path

import numpy as np

import chainrule as cr
from model_file_kinds import KINDS, X, began


def kept(net):
    """Return what its file holds, as arrays by name."""
    state = {
        f"state {name}": value for name, value in (net.optimizer_state or {}).items()
    }  # arrays, and numbers
    return {"parameters": net.parameters} | {name: np.asarray(a) for name, a in state.items()}


def write(folder):
    folder.mkdir(exist_ok=True)
    for name, kind in KINDS.items():
        net = began(kind)
        net.save(folder / f"{name}.npz")
        said = {"outputs": net(X)} if kind.epochs else {}
        np.savez(folder / f"{name}.expected.npz", **kept(net), **said)


def read(theirs, ours):
    for name, kind in KINDS.items():
        net = cr.load(theirs / f"{name}.npz", own=kind.own)
        bounds = {"rtol": 1e-9, "atol": 1e-12} if net.dtype == np.float64 else {"atol": 1e-5}
        with np.load(theirs / f"{name}.expected.npz") as expected:
            for what, values in kept(net).items():
                np.testing.assert_array_equal(values, expected[what], f"{name}: {what}")
            if kind.epochs:
                np.testing.assert_allclose(net(X), expected["outputs"], **bounds)
        net.save(ours / "again.npz")
        again = cr.load(ours / "again.npz", own=kind.own)
        for what, values in kept(again).items():
            np.testing.assert_array_equal(values, kept(net)[what], f"{name}: {what}")
    print(
        f"{len(KINDS)} kinds of model files read, of {theirs.name}; this is {sys.byteorder}-endian"
    )


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*map(Path, sys.argv[2:]))
