"""`fit(drop_last=True)` against fits of one epoch each on the rows that are left."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.core import _core
from refusals import refuse, table
from three_classes import three_classes

X, LABELS = three_classes(47)
RULES = {
    "SGD": cr.SGD(0.3),
    "Adam, a schedule": cr.Adam(cr.CosLog4(0.05, epochs=5)),
}
OPTIONS = {
    "plain": {},
    "weights": {"sample_weight": np.linspace(0.5, 2, 47)},
    "layers": {"record": ["layers", "gradients", "objective"]},
    "dropout": {"dropout": 0.3, "average": 0.9},
    "threads": {"threads": 2},
}


def network(dtype="float32"):
    options = {"hidden": "tanh", "output": "softmax", "cost": "log_likelihood"}
    return cr.Network([4, 9, 3], dtype=dtype, seed=5, **options)


def by_hand(net, x, order, size, options):
    """One epoch on the rows that whole mini-batches have."""
    rows = order[: len(order) // size * size]
    if "sample_weight" in options:
        options = options | {"sample_weight": options["sample_weight"][rows]}
    return net.fit(x[rows], LABELS[rows], epochs=1, batch_size=size, shuffle=False, **options)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_it_is_a_fit_on_the_rows_of_whole_batches(rule, name, dtype, sparse):
    ours, theirs, orders = network(dtype), network(dtype), []

    def shuffle(m):
        orders.append(np.random.default_rng(len(orders)).permutation(m))
        return orders[-1]

    x = pytest.importorskip("scipy.sparse").csr_matrix(X) if sparse else X
    options = {"optimizer": RULES[rule], **OPTIONS[name]}
    history = ours.fit(
        x, LABELS, epochs=4, batch_size=10, drop_last=True, shuffle=shuffle, **options
    )
    costs = [by_hand(theirs, x, order, 10, options).cost[0] for order in orders]
    assert [len(order) for order in orders] == [47] * 4
    assert carried(ours)[:2] == carried(theirs)[:2]
    assert history.cost.tolist() == costs
    whole = network(dtype)
    whole.fit(x, LABELS, epochs=4, batch_size=10, **options)
    assert carried(whole)[:2] != carried(ours)[:2]  # or nothing was tested


@pytest.mark.parametrize("name", ["layers", "gradients", "objective"])
def test_what_is_recorded_is_of_the_samples_seen(name):
    """2,100 rows are more than all of which are looked at, 1,000 of them are not."""
    rows = np.arange(2100) % 47
    ours, theirs = network(), network()
    options = {"epochs": 2, "batch_size": 1000, "shuffle": False, "record": name}
    got = ours.fit(X[rows], LABELS[rows], drop_last=True, **options)
    expected = theirs.fit(X[rows[:2000]], LABELS[rows[:2000]], **options)
    figures = [each for each in expected if each != "seconds"]
    assert len(figures) > 3 or name == "layers"
    for each in figures:
        np.testing.assert_array_equal(got[each], expected[each])
    if name == "layers":
        np.testing.assert_array_equal(got.delta_norms, expected.delta_norms)
        np.testing.assert_array_equal(got.saturation, expected.saturation)


def test_the_order_of_the_seed_decides_which_are_left_out():
    """Rows of the last places of each epoch's order may be anything; the others count."""
    order = np.empty(47, np.int32)
    _core.shuffled(47, 5, 0, order)
    other = X.copy()
    other[order[40:]] = 1e3
    nets = []
    for x in (X, other):
        nets.append(network())
        nets[-1].fit(x, LABELS, epochs=1, batch_size=10, drop_last=True)
    assert carried(nets[0]) == carried(nets[1])
    nets[1].fit(other, LABELS, epochs=1, batch_size=10, drop_last=True)
    nets[0].fit(X, LABELS, epochs=1, batch_size=10, drop_last=True)
    assert carried(nets[0]) != carried(nets[1])  # others are left out in the next epoch


@pytest.mark.parametrize("size", [1, 47])
def test_where_nothing_is_left_over_nothing_changes(size):
    nets = network(), network()
    for net, drop_last in zip(nets, (False, True), strict=True):
        net.fit(X, LABELS, epochs=3, batch_size=size, drop_last=drop_last)
    assert carried(nets[0]) == carried(nets[1])


def test_schedules_and_callbacks_count_the_steps_there_are():
    seen, batches = [], []

    class Batches:
        def on_batch_end(self, batch, cost):
            batches.append(batch)

    def rate(epoch):
        seen.append(epoch)
        return 0.1

    options = {"epochs": 2, "batch_size": 10, "drop_last": True, "callbacks": Batches()}
    net = network()
    net.fit(X, LABELS, optimizer=cr.Adam(rate), validation_split=0.2, **options)  # 38 are left
    assert seen[-6:] == [e + k / 3 for e in range(2) for k in range(3)]
    assert batches == [0, 1, 2] * 2
    assert net.optimizer_state["steps"].tolist() == [6]


def test_a_fit_goes_on_after_a_checkpoint(tmp_path):
    """Two epochs of four, in a file, and the others by `resume`."""
    path, is_stopped = tmp_path / "checkpoint.npz", []

    def stop(net, history):
        if len(history) == 2 and not is_stopped:
            is_stopped.append(True)
            raise KeyboardInterrupt

    net, whole = network(), network()
    options = {"optimizer": cr.Adam(0.05), "epochs": 4, "batch_size": 10, "drop_last": True}
    whole.fit(X, LABELS, **options)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, LABELS, callbacks=[cr.Checkpoint(path), stop], **options)
    cr.resume(path, X, LABELS, callbacks=[cr.Checkpoint(path), stop])
    assert carried(cr.load(path)) == carried(whole)


def test_an_epoch_of_samples_that_weigh_nothing_has_no_cost():
    weights = np.where(np.arange(47) < 40, 0, 1)
    net = network()
    before = net.parameters.tobytes()
    options = {"batch_size": 20, "drop_last": True, "shuffle": False, "epochs": 2}
    assert np.isnan(net.fit(X, LABELS, sample_weight=weights, **options).cost).all()
    assert net.parameters.tobytes() == before


BAD = {
    "too few": ({"batch_size": 48}, ValueError, ["drop_last=True", "batch_size=48", "all 47"]),
    "too few are trained on": (
        {"batch_size": 40, "validation_split": 0.2}, ValueError, ["all 38", "38 or less"],
    ),
    "full batch": ({"optimizer": cr.LBFGS()}, ValueError, ["drop_last cannot be used with LBFGS"]),
    "blocks": (
        {"blocks": 2}, ValueError, ["drop_last cannot be used", "no mini-batch is shorter"],
    ),
    "a number": ({"drop_last": 1}, TypeError, ["drop_last must be True or False"]),
}  # fmt: skip


@table(BAD)
def test_what_is_refused(given, exception, fragments):
    net = network()
    refuse(lambda: net.fit(X, LABELS, **{"drop_last": True} | given), exception, fragments, net)


def test_batches_from_an_iterable_are_not_left_out():
    net = network()
    batches = [(X[:10], LABELS[:10])]
    fragments = ["drop_last is for arrays", "left out there"]
    refuse(lambda: net.fit(batches, drop_last=True), ValueError, fragments, net)


def test_single_steps_have_no_last_batch():
    refuse(lambda: network().trainer(drop_last=True), (TypeError, ValueError), ["drop_last"])
