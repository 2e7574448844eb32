"""Samples held out by validation_split, and metrics of the user's."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.core import _core
from sklearn import metrics as scores
from three_classes import three_classes


@pytest.fixture
def data():
    return three_classes(50)


def begin(outputs=3, **options):
    return cr.Network([4, 6, outputs], dtype="float64", seed=3, **options)


def held_out(m, share, seed):
    order = np.empty(m, np.int32)
    _core.shuffled(m, seed, 2**64 - 1, order)
    return np.sort(order[: max(1, round(share * m))])


# ---------------------------------------------------------------- validation_split


@pytest.mark.parametrize("share", [0.001, 0.1, 0.34])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_split_is_training_and_validation_on_rows_drawn_by_the_seed(data, share, weighted):
    x, y = data
    out = held_out(50, share, 3)
    kept = np.setdiff1d(np.arange(50), out)
    w = np.linspace(0.5, 2, 50)
    net, twin = begin(), begin()
    options = {"epochs": 4, "batch_size": 7}
    given = {"sample_weight": w} if weighted else {}
    history = net.fit(x, y, validation_split=share, **given, **options)
    given = {"sample_weight": w[kept]} if weighted else {}
    expected = twin.fit(x[kept], y[kept], validation_data=(x[out], y[out]), **given, **options)
    assert carried(net) == carried(twin)
    assert history.validation_cost.tolist() == expected.validation_cost.tolist()
    assert history.validation_accuracy.tolist() == expected.validation_accuracy.tolist()


def test_the_rows_are_a_draw_and_not_those_of_an_epoch():
    out = held_out(1000, 0.2, 3)
    assert out.tolist() != list(range(800, 1000))
    assert held_out(1000, 0.2, 4).tolist() != out.tolist()
    order = np.empty(1000, np.int32)
    for epoch in range(3):
        _core.shuffled(1000, 3, epoch, order)
        assert set(order[:200]) != set(out)
        assert set(order[800:]) != set(out)


def test_a_later_fit_holds_out_the_same(data):
    """Two fits are one: nothing of what is held out is ever seen."""
    once, twice = begin(), begin()
    once.fit(*data, epochs=6, validation_split=0.2)
    for _ in range(2):
        twice.fit(*data, epochs=3, validation_split=0.2)
    assert carried(once) == carried(twice)


def test_targets_of_every_form_can_be_split(data):
    x, _ = data
    for net, y in [
        (begin(1, output="identity"), x[:, 0]),
        (begin(4, output="identity", cost="gaussian"), x[:, :2]),
        (begin(1, output="identity", cost="hinge"), np.sign(x[:, 0])),
    ]:
        out = held_out(50, 0.2, 3)
        history = net.fit(x, y, epochs=2, validation_split=0.2)
        got = history.validation_cost[-1]
        assert got == pytest.approx(net.evaluate(x[out], y[out])["cost"], rel=1e-12)


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, np.nan])
def test_what_is_no_share_is_refused(data, share):
    with pytest.raises(ValueError, match="validation_split must be"):
        begin().fit(*data, validation_split=share)


def test_what_cannot_be_split_is_refused(data):
    x, y = data
    net = begin()
    with pytest.raises(ValueError, match="one of the two"):
        net.fit(x, y, validation_split=0.1, validation_data=(x, y))
    with pytest.raises(ValueError, match="two samples"):
        net.fit(x[:1], y[:1], validation_split=0.1)
    with pytest.raises(TypeError, match="validation_split must be"):
        net.fit(x, y, validation_split="0.1")
    w = np.zeros(50)
    w[held_out(50, 0.2, 3)] = 1
    with pytest.raises(ValueError, match="not held out"):
        net.fit(x, y, validation_split=0.2, sample_weight=w)
    assert net.history is None


# ---------------------------------------------------------------- metrics


def test_metrics_of_labels_are_recorded_by_name(data):
    x, y = data
    net = begin(output="softmax", cost="log_likelihood")
    macro = lambda truth, said: scores.f1_score(truth, said, average="macro")  # noqa: E731
    courses = []
    history = net.fit(
        x, y, epochs=3, validation_data=(x, y),
        metrics={"f1": macro, "kappa": scores.cohen_kappa_score},
        callbacks=lambda net, history: courses.append(net(x).argmax(axis=1)),
    )  # fmt: skip
    assert history.keys()[-2:] == ["f1", "kappa"]
    for name, metric in (("f1", macro), ("kappa", scores.cohen_kappa_score)):
        assert history[name].tolist() == [metric(y, said) for said in courses]
    assert dict(history)["f1"].tolist() == history["f1"].tolist()


def test_a_list_of_functions_names_itself(data):
    x, y = data
    history = begin().fit(
        x, y, epochs=2, validation_split=0.2, metrics=[scores.accuracy_score, scores.hamming_loss]
    )
    assert history["accuracy_score"].tolist() == history.validation_accuracy.tolist()
    np.testing.assert_allclose(history["hamming_loss"], 1 - history.validation_accuracy)


@pytest.mark.parametrize(
    ("low", "options"),
    [
        (0, {"output": "sigmoid", "cost": "cross_entropy"}),
        (0, {"output": "identity", "cost": "hinge"}),
        (-1, {"output": "identity", "cost": "hinge"}),
    ],
)
def test_two_classes_with_one_output(data, low, options):
    x, _ = data
    y = np.where(x[:, 0] + x[:, 1] > 0, 1, low)
    seen = []
    net = begin(1, **options)
    history = net.fit(
        x, y, epochs=100, optimizer=cr.SGD(), validation_data=(x, y),
        metrics={"f1": scores.f1_score, "kept": lambda *pair: seen.append(pair) or 0},
    )  # fmt: skip
    threshold = 0 if options["cost"] == "hinge" else 0.5
    outputs = net(x)[:, 0]
    assert ((outputs > 0) & (outputs < 0.5)).any()  # or any threshold would do
    expected = (outputs > threshold).astype(int)
    np.testing.assert_array_equal(seen[-1][0], (y == 1).astype(int))
    np.testing.assert_array_equal(seen[-1][1], expected)
    assert history["f1"][-1] == scores.f1_score(y == 1, expected)


def test_values_are_passed_as_given(data):
    x, _ = data
    seen = []
    keep = {"r2": lambda *pair: seen.append(pair) or scores.r2_score(*pair)}
    net = begin(1, output="identity")
    history = net.fit(x, x[:, :1], epochs=2, validation_data=(x, x[:, :1]), metrics=keep)
    np.testing.assert_array_equal(seen[-1][0], x[:, 0])
    np.testing.assert_array_equal(seen[-1][1], net(x)[:, 0])
    assert not np.array_equal(seen[0][1], seen[1][1])  # its own array, each time
    assert history["r2"][-1] == scores.r2_score(x[:, 0], net(x)[:, 0])
    net = begin(4, output="identity", cost="gaussian")
    net.fit(x, x[:, :2], epochs=1, validation_data=(x, x[:, :2]),
            metrics={"shapes": lambda *pair: seen.append(pair) or 0})  # fmt: skip
    np.testing.assert_array_equal(seen[-1][0], x[:, :2])
    np.testing.assert_array_equal(seen[-1][1], net(x))


def test_values_are_split_too(data):
    x, _ = data
    out = held_out(50, 0.2, 3)
    seen = []
    net = begin(1, output="identity")
    net.fit(
        x,
        x[:, 0],
        epochs=1,
        validation_split=0.2,
        metrics={"r2": lambda *pair: seen.append(pair) or 0},
    )
    np.testing.assert_array_equal(seen[0][0], x[out, 0])
    np.testing.assert_allclose(seen[0][1], net(x[out])[:, 0], rtol=1e-12)


def test_an_error_in_a_metric_comes_out_and_its_epoch_counts(data):
    net, twin, calls = begin(), begin(), []

    def fails(truth, said):
        calls.append(1)
        return 1 / (3 - len(calls))

    with pytest.raises(ZeroDivisionError):
        net.fit(*data, epochs=9, validation_data=data, metrics=[fails])
    twin.fit(*data, epochs=3)
    assert carried(net) == carried(twin)
    assert net.history["fails"].tolist()[:2] == [0.5, 1.0]
    assert np.isnan(net.history["fails"][2])
    assert len(net.history) == 3


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        (3, TypeError, "a dict of functions"),
        ("f1", TypeError, "must be a function"),
        ({"f1": "f1"}, TypeError, "must be a function"),
        ({3: max}, TypeError, "must be a string"),
        ({"cost": max}, ValueError, "taken"),
        ({"saturation": max}, ValueError, "taken"),
        ([max, max], ValueError, "names of their own"),
        ([lambda truth, said: 0], ValueError, "names of their own"),
    ],
)
def test_what_are_no_metrics_is_refused(data, metrics, error, message):
    net = begin()
    with pytest.raises(error, match=message):
        net.fit(*data, validation_split=0.2, metrics=metrics)
    assert net.epochs_trained == 0


def test_metrics_need_data(data):
    with pytest.raises(ValueError, match="metrics need"):
        begin().fit(*data, metrics=[max])


def test_what_a_metric_returns_is_checked(data):
    with pytest.raises(TypeError, match="what metric 'vector' returns must be a number"):
        begin().fit(*data, validation_data=data, metrics={"vector": lambda truth, said: truth})
