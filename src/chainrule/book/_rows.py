"""The book's data, a list of pairs (x, y) of columns, as arrays whose rows are samples."""

import random
from itertools import repeat, starmap

import numpy as np

from chainrule.checks.samples import Samples
from chainrule.core import _core


class Rows:
    """A list of pairs as arrays, checked and made once for all epochs.

    Attributes
    ----------
    net : chainrule.Network that is to see them
    samples : chainrule.checks.samples.Samples, m of them
    """

    def __init__(self, net, data, y_is_label):
        if len(data) == 0:
            raise ValueError("expected a list of pairs (x, y), got an empty one")
        ys = [y for _, y in data]
        self.samples = Samples(
            net,
            _stacked([x for x, _ in data], net.sizes[0], net.dtype, "x"),
            _labels(ys) if y_is_label else _stacked(ys, net.sizes[-1], net.dtype, "y"),
        )
        self.net, self.y_is_label = net, y_is_label

    def __len__(self):
        return len(self.samples)


def _stacked(columns, height, dtype, name):
    """Return the columns (height, 1) as the rows of one array (m, height)."""
    shapes = {np.shape(column) for column in columns}
    if shapes != {(height, 1)}:
        other = min(shapes - {(height, 1)})
        hint = "; a class where a column is expected? (see convert)" if other == () else ""
        raise ValueError(f"each {name} must be a column ({height}, 1); got {other}{hint}")
    # One conversion of the whole: with dtype=, concatenate converts column by column.
    return np.concatenate(columns).reshape(-1, height).astype(dtype, "C", "same_kind", copy=False)


def _labels(ys):
    shapes = {np.shape(y) for y in ys}
    if shapes != {()}:
        raise ValueError(
            f"each y must be an int, the class of its x; got {min(shapes - {()})}; "
            f"a column where a class is expected? (see convert)"
        )
    labels = np.array(ys)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"each y must be an int, the class of its x; got {labels.dtype}")
    return labels


def check_list(data, name):
    """Refuse the iterator that Python 3's zip gives where Python 2's gave a list."""
    if not isinstance(data, list):
        raise TypeError(
            f"{name} must be a list of pairs (x, y); got {type(data).__name__}, "
            f"which list(...) may make one"
        )


class Shuffled:
    """A list to be shuffled over and over: the order is kept here, the list follows when asked to.

    Used in a ``with`` block, at whose end the list is put into order however the block ends.
    """

    def __init__(self, items):
        self._items, self._unshuffled = items, list(items)
        self.order = np.arange(len(items), dtype=np.int32)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reorder()

    def reorder(self):
        """Put the list itself into the present order."""
        self._items[:] = map(self._unshuffled.__getitem__, self.order.tolist())

    def again(self):
        """Shuffle with the draws and swaps of ``random.shuffle`` in Python 2.

        Python 3's own draws differently. For i = n-1 ... 1: j = int(random.random() * (i+1)), swap.
        """
        n = len(self.order)
        draws = np.fromiter(starmap(random.random, repeat((), n - 1)), np.float64, max(n - 1, 0))
        _core.swap_by(draws, self.order)
