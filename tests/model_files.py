"""Model files opened without the package: what a header says, and files that say something else."""

import json

import numpy as np
import pytest

import chainrule


def header_of(path):
    with np.load(path, allow_pickle=False) as arrays:
        return json.loads(arrays["header"].tobytes())


def rewrite(path, *, header=(), drop=(), compress=False, **arrays):
    """Write the file again with other fields in its header, or other arrays."""
    with np.load(path, allow_pickle=False) as old:
        contents = dict(old)
    fields = header_of(path) | dict(header)
    fields = {name: value for name, value in fields.items() if name not in drop}
    contents["header"] = np.frombuffer(json.dumps(fields).encode(), np.uint8)
    contents = {name: a for name, a in (contents | arrays).items() if name not in drop}
    (np.savez_compressed if compress else np.savez)(path, **contents)


def refused(path, message, **options):
    """The file cannot be loaded, for the reason that `message` matches."""
    with pytest.raises(ValueError, match=message) as caught:
        chainrule.load(path, **options)
    assert str(caught.value).startswith(f"{path} cannot be loaded: ")
