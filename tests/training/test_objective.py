"""What the steps minimise, `record="objective"`: costs of batches, and penalties in NumPy."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from oracle import assert_close


class Objective:
    """Its mean over the mini-batches of each epoch: their costs, and penalties of what came before.

    sizes, weights: the number of samples of each mini-batch, and their total weight.
    """

    def __init__(self, sizes, weights=None, *, l1=0.0, l2=0.0, l2_of_batch=0.0):
        self.sizes, self.weights = sizes, sizes if weights is None else weights
        self.l1, self.l2, self.l2_of_batch = l1, l2, l2_of_batch
        self.epochs, self.penalties = [], []

    def on_train_begin(self, net):
        self.net = net

    def on_epoch_begin(self, net, epoch):
        self.each = []

    def on_batch_begin(self, batch):
        flat = np.concatenate([W.ravel() for W in self.net.weights]).astype(float)
        if self.weights[batch]:
            l2 = self.l2 + self.l2_of_batch / self.weights[batch]
            self.penalty = self.l1 * np.abs(flat).sum() + l2 / 2 * (flat**2).sum()

    def on_batch_end(self, batch, cost):
        if self.weights[batch]:
            self.each.append((self.sizes[batch], cost + self.penalty, self.penalty))

    def on_epoch_end(self, net, history):
        sizes, objectives, penalties = np.array(self.each).T
        self.epochs.append(sizes @ objectives / sizes.sum())
        self.penalties.append(sizes @ penalties / sizes.sum())


PENALTIES = {
    "none": {},
    "l1": {"l1": 0.02},
    "l2": {"l2": 0.3},
    "of batch": {"l2_of_batch": 2.0},
    "all": {"l1": 0.02, "l2": 0.3, "l2_of_batch": 2.0},
}
TEN_AT_A_TIME = [10, 10, 10, 10, 7]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", [cr.SGD(0.3), cr.Adam(0.01)], ids=["SGD", "Adam"])
def test_it_is_the_cost_of_each_batch_and_its_penalties(draw_problem, rule, penalty, dtype):
    net, x, y = draw_problem((5, 17, 3), 47, hidden="tanh", dtype=dtype)
    expected, without = Objective(TEN_AT_A_TIME, **PENALTIES[penalty]), net.copy()
    options = {"optimizer": rule, "epochs": 3, "batch_size": 10, **PENALTIES[penalty]}
    history = net.fit(x, y, record="objective", callbacks=expected, dropout=0.2, **options)
    assert history.objective.tolist() == history["objective"].tolist()
    assert_close(history.objective, expected.epochs, 1e-12)
    if penalty == "none":
        assert not history.penalty.any()
    else:
        assert_close(history.penalty, expected.penalties, 1e-12)
        assert (history.objective > history.cost + 0.01).all()
    without.fit(x, y, dropout=0.2, **options)
    assert carried(net) == carried(without)  # to record it changes nothing


@pytest.mark.parametrize("factor", [1.0, 2.0**70])
def test_mini_batches_count_by_their_samples_whatever_these_weigh(draw_problem, factor):
    """One that weighs nothing makes no step, and has no objective."""
    net, x, y = draw_problem((5, 17, 3), 47, hidden="tanh")
    weights = factor * np.random.default_rng(0).random(47)
    weights[10:20] = 0
    penalties = {"l2_of_batch": 2.0 * factor}
    of_batches = np.add.reduceat(weights, range(0, 47, 10))
    expected = Objective(TEN_AT_A_TIME, of_batches, **penalties)
    history = net.fit(x, y, sample_weight=weights, batch_size=10, shuffle=False, epochs=3,
                      record="objective", callbacks=expected, **penalties)  # fmt: skip
    assert_close(history.objective, expected.epochs, 1e-12)
    assert np.isfinite(history.objective).all()


@pytest.mark.parametrize("kind", ["tiles", "groups", "sparse", "batches"])
def test_it_is_the_same_of_tiles_of_groups_of_sparse_rows_and_of_batches(draw_problem, kind):
    m = {"tiles": 700, "groups": 5000}.get(kind, 60)
    net, x, y = draw_problem((5, 17, 3), m, hidden="tanh")
    size = m if kind in ("tiles", "groups") else 40
    sizes = [size] if size == m else [40, 20]
    expected = Objective(sizes, **PENALTIES["all"])
    options = {"epochs": 2, "record": ["objective"], "callbacks": expected} | PENALTIES["all"]
    if kind == "batches":
        history = net.fit([(x[:40], y[:40]), (x[40:], y[40:])], **options)
    else:
        if kind == "sparse":
            x = pytest.importorskip("scipy.sparse").csr_matrix(np.where(np.abs(x) > 1, x, 0))
        history = net.fit(x, y, batch_size=size, shuffle=False, **options)
    assert_close(history.objective, expected.epochs, 1e-12)


def test_it_is_a_column_that_goes_on_and_can_be_watched(draw_problem, tmp_path):
    net, x, y = draw_problem((5, 17, 3), 47, hidden="tanh")
    whole, path = net.copy(), tmp_path / "run.npz"
    options = {"record": ["objective", "layers", "gradients"], "l2_of_batch": 1.0}
    expected = whole.fit(x, y, epochs=5, **options)
    net.fit(x, y, epochs=2, callbacks=cr.Checkpoint(path, monitor="objective"), **options)
    resumed = cr.resume(path, x, y, epochs=5)
    assert resumed.objective.tolist() == expected.objective.tolist()
    expected.to_csv(tmp_path / "history.csv")
    names = (tmp_path / "history.csv").read_text().splitlines()[0].split(",")
    assert names[4:7] == ["gradient_norm", "objective", "penalty"]
    assert len(net.fit(x, y, epochs=1).objective) == 0
    stopping = cr.EarlyStopping("objective", patience=1, min_change=1e9)
    assert len(net.fit(x, y, callbacks=stopping, record="objective")) == 2
