"""Orders of a user's own, `fit(shuffle=function)`."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.core import _core
from refusals import refuse
from three_classes import three_classes

X, LABELS = three_classes(47)
OPTIONS = {"optimizer": cr.Adam(0.05), "batch_size": 10}


def network(dtype="float32"):
    options = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"}
    return cr.Network([4, 9, 3], dtype=dtype, seed=5, **options)


class Orders:
    """Each epoch another; and what it was asked for."""

    def __init__(self, kind=np.asarray):
        self.kind, self.rng, self.asked, self.given = kind, np.random.default_rng(3), [], []

    def __call__(self, m):
        self.asked.append(m)
        self.given.append(self.rng.permutation(m))
        return self.kind(self.given[-1])


KINDS = {
    "int64": np.asarray,
    "int32": lambda order: order.astype(np.int32),
    "uint8": lambda order: order.astype(np.uint8),
    "list": np.ndarray.tolist,
    "every other": lambda order: np.repeat(order, 2)[::2],
    "big-endian": lambda order: order.astype(">i4"),
}


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_epoch_goes_through_the_rows_in_the_order_that_is_said(kind, dtype, sparse):
    ours, theirs, orders = network(dtype), network(dtype), Orders(KINDS[kind])
    x = pytest.importorskip("scipy.sparse").csr_matrix(X) if sparse else X
    history = ours.fit(x, LABELS, epochs=4, shuffle=orders, **OPTIONS)
    assert orders.asked == [47] * 4
    assert type(orders.asked[0]) is int
    costs = [
        theirs.fit(x[order], LABELS[order], epochs=1, shuffle=False, **OPTIONS).cost[0]
        for order in orders.given
    ]
    assert carried(ours)[:2] == carried(theirs)[:2]
    assert history.cost.tolist() == costs


def test_the_order_of_the_seed_said_by_a_function_is_that_of_shuffle_true():
    ours, theirs = network(), network()

    def of_the_seed(m):
        order = np.empty(m, np.int32)
        _core.shuffled(m, ours.seed, ours.epochs_trained, order)
        return order

    weights = np.linspace(0, 2, 47)
    ours.fit(X, LABELS, epochs=3, shuffle=of_the_seed, sample_weight=weights, **OPTIONS)
    theirs.fit(X, LABELS, epochs=3, sample_weight=weights, **OPTIONS)
    assert carried(ours) == carried(theirs)


def test_it_is_an_order_of_those_that_are_trained_on():
    orders = Orders()
    network().fit(X, LABELS, epochs=2, shuffle=orders, validation_split=0.2, **OPTIONS)
    assert orders.asked == [38, 38]


REST = list(range(3, 47))
BAD = {
    "too short": (range(46), ["(47,), whole numbers from 0 to 46", "shape (46,)"]),
    "fractions": (np.arange(47.0), ["whole numbers", "dtype float64"]),
    "a mask": (np.ones(47, bool), ["whole numbers", "dtype bool"]),
    "a matrix": (np.arange(47)[None], ["(47,)", "shape (1, 47)"]),
    "twice": ([0, 1, 1, *REST], ["each of 0 to 46 once; 2 is not there"]),
    "negative": ([0, -1, 2, *REST], ["each of 0 to 46 once; 1 is not there"]),
    "beyond": ([0, 1, 47, *REST], ["each of 0 to 46 once; 2 is not there"]),
    "far beyond": ([0, 1, 2 + 2**32, *REST], ["each of 0 to 46 once; 2 is not there"]),
    "unsigned": (np.array([0, 1, 2**64 - 1, *REST], np.uint64), ["2 is not there"]),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_order_ends_training_after_the_epochs_before(bad):
    given, fragments = BAD[bad]
    ours, theirs = network(), network()
    orders = iter([np.arange(47), np.arange(47), given])
    with pytest.raises(ValueError, match="what the function given as shuffle returns") as caught:
        ours.fit(X, LABELS, epochs=9, shuffle=lambda m: next(orders), **OPTIONS)
    assert all(fragment in str(caught.value) for fragment in fragments), str(caught.value)
    theirs.fit(X, LABELS, epochs=2, shuffle=False, **OPTIONS)
    assert carried(ours) == carried(theirs)
    assert len(ours.history) == 2


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, cr.StopTraining])
def test_what_it_raises_comes_out_and_the_epochs_before_stay(error):
    ours, theirs = network(), network()

    def raising(m):
        if ours.epochs_trained == 2:
            raise error
        return np.arange(m)

    if error is cr.StopTraining:
        ours.fit(X, LABELS, epochs=9, shuffle=raising, **OPTIONS)
    else:
        with pytest.raises(error):
            ours.fit(X, LABELS, epochs=9, shuffle=raising, **OPTIONS)
    theirs.fit(X, LABELS, epochs=2, shuffle=False, **OPTIONS)
    assert carried(ours) == carried(theirs)


def test_where_there_is_no_order_to_say_it_is_refused():
    net = network()
    refuse(
        lambda: net.fit([(X, LABELS)], shuffle=np.arange, epochs=1), ValueError,
        ["shuffle=function is for arrays"], net,
    )  # fmt: skip
    refuse(
        lambda: net.fit(X, LABELS, shuffle=np.arange, optimizer=cr.LBFGS()), ValueError,
        ["shuffle=function cannot be used with LBFGS"], net,
    )  # fmt: skip
    for bad in ("yes", 1, None, [0, 1]):
        refuse(
            lambda bad=bad: net.fit(X, LABELS, shuffle=bad), TypeError,
            ["shuffle must be True or False, or a function", repr(bad)], net,
        )  # fmt: skip


def test_a_checkpoint_asks_for_it_again(tmp_path):
    path, whole, net = tmp_path / "run.npz", network(), network()

    def reversed_order(m):
        return np.arange(m)[::-1]

    options = OPTIONS | {"shuffle": reversed_order}
    net.fit(X, LABELS, epochs=2, callbacks=cr.Checkpoint(path), **options)
    with pytest.raises(ValueError, match="shuffle cannot be in a file"):
        cr.resume(path, X, LABELS, epochs=4)
    resumed = cr.resume(path, X, LABELS, epochs=4, shuffle=reversed_order)
    expected = whole.fit(X, LABELS, epochs=4, **options)
    assert resumed.cost.tolist() == expected.cost.tolist()
