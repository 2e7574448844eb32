"""`to_onnx`: what ONNX Runtime says of its files is what the models say."""

import json
import os

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import to_onnx
from chainrule.convert.blueprint import blueprint_of
from chainrule.results import whole_file
from onnx_sessions import checked, outputs_of, said, session
from random_networks import HIDDEN, OUTPUTS, draw_network
from rounding_bounds import outputs_and_bounds

SMOOTH = [each for each in HIDDEN if each != "step"]  # which a rounding may flip
BOUNDED = ["sigmoid", "tanh", "softsign", "hard_sigmoid"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def equal(path, model, X, **options):
    """Assert that the file says what the model says, within the bound of float32."""
    to_onnx(model, path, **options)
    handed_out = said(path, X)
    found, wanted = outputs_of(handed_out), model(X)
    _, bound = outputs_and_bounds(blueprint_of(model), X)
    if found.shape != wanted.shape:  # of two classes
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
        found = found[:, 1:]
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) <= 2 * bound).all()
    return handed_out


@pytest.mark.parametrize("seeds", [range(k, k + 50) for k in range(0, 250, 50)])
def test_random_networks_say_the_same(path, seeds):
    for seed in seeds:
        net, X = draw_network(seed, hidden=SMOOTH, outputs=["softmax", *SMOOTH])
        equal(path, net, X.astype(np.float32))


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_every_activation_with_every_output(path, hidden, output):
    """Where something may jump, sums are exact, so that it jumps on the same side."""
    rng = np.random.default_rng(0)
    name = str(getattr(output, "name", output))
    cost = {"softmax": "log_likelihood", "sigmoid": "cross_entropy"}.get(name, "quadratic")
    scaled = {} if cost != "quadratic" else {"output_scale": 4.0, "output_shift": -1.0}
    net = cr.Network(
        [3, 4, 2], hidden=hidden, output=output, cost=cost, input_scale=0.5, input_shift=0.25,
        seed=0, **scaled,
    )  # fmt: skip
    net.parameters = np.round(16 * net.parameters) / 16
    X = np.round(rng.normal(size=(9, 3)) * 8).astype(np.float32) / 8
    if "step" not in (hidden, output):
        equal(path, net, X)
    elif hidden == "step":
        to_onnx(net, path)
        np.testing.assert_allclose(outputs_of(said(path, X)), net(X), rtol=1e-6, atol=1e-6)
    else:  # a weighted input next to 0 may fall on either side
        to_onnx(net, path)
        z = cr.Network([3, 4, 2], hidden=hidden, output="identity", input_scale=0.5,
                       input_shift=0.25, seed=0)  # fmt: skip
        z.parameters = net.parameters
        clear = np.abs(z(X)) > 1e-5
        assert clear.mean() > 0.9
        assert (outputs_of(said(path, X)) == net(X))[clear].all()


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_probabilities_are_off_by_no_more_than_two_millionths(path, output):
    for seed in range(30):
        net, X = draw_network(seed, hidden=BOUNDED, outputs=[output], dtype="float32")
        handed_out = equal(path, net, X)
        p = handed_out["probabilities"]
        assert np.abs(p[:, -net.sizes[-1] :] - net(X)).max() < 2e-6


@pytest.mark.parametrize("m", [1, 2, 1000])
def test_any_number_of_rows(path, m):
    net = cr.Network([4, 8, 3], hidden="gelu", output="identity", seed=0)
    equal(path, net, np.random.default_rng(m).normal(size=(m, 4)).astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pictures_of_uint8(path, dtype):
    net = cr.Network([64, 16, 10], output="softmax", cost="log_likelihood", dtype=dtype,
                     input_scale=1 / 255, input_shift=-0.5, seed=0)  # fmt: skip
    X = np.random.default_rng(0).integers(0, 256, (20, 64), np.uint8)
    equal(path, net, X, input_dtype="uint8")
    assert session(path).get_inputs()[0].type == "tensor(uint8)"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_times_in_seconds_stay_apart_in_float64(path, dtype):
    """float32 would round them to minutes; the scaled inputs have the bits of the network's."""
    net = cr.Network([2, 2], output="identity", dtype=dtype, bias=False, input_scale=[1 / 60, 1],
                     input_shift=[-1.7e9 / 60, 0], seed=0)  # fmt: skip
    net.weights[0][:] = np.eye(2)
    X = np.array([[1.7e9 + k, 0.5] for k in range(100)])
    to_onnx(net, path, input_dtype="float64")
    found = said(path, X)["variable"]
    assert (found == net(X).astype(np.float32)).all()
    assert len(set(found[:, 0])) == 100


def test_inputs_in_float32_are_scaled_with_the_bits_of_the_network(path):
    rng = np.random.default_rng(0)
    net = cr.Network([50, 50], output="identity", bias=False, input_scale=rng.uniform(0.1, 3, 50),
                     input_shift=rng.normal(size=50), seed=0)  # fmt: skip
    net.weights[0][:] = np.eye(50)
    X = rng.normal(size=(100, 50)).astype(np.float32)
    to_onnx(net, path)
    assert (said(path, X)["variable"] == net(X)).all()


# ---------------------------------------------------------------- answers


def of_classes(output, n, classes, cost=None):
    cost = cost or {"softmax": "log_likelihood", "sigmoid": "cross_entropy"}[output]
    net = cr.Network([3, 5, n], hidden="tanh", output=output, cost=cost, init="large", seed=1)
    if classes is not None:
        net.classes = classes
    return net


ANSWERS = {
    "softmax": (of_classes("softmax", 3, None), "probabilities", 3),
    "text": (of_classes("softmax", 3, ["a", "nö", "日"]), "probabilities", 3),
    "integers": (of_classes("softmax", 3, [-5, 7, 10**12]), "probabilities", 3),
    "sigmoid": (of_classes("sigmoid", 1, None), "probabilities", 2),
    "two words": (of_classes("sigmoid", 1, ["no", "yes"]), "probabilities", 2),
    "truth values": (of_classes("sigmoid", 1, [False, True]), "probabilities", 2),
    "two outputs": (of_classes("softmax", 2, ["no", "yes"]), "probabilities", 2),
    "hinge": (of_classes("identity", 1, ["no", "yes"], "hinge"), "scores", 1),
    "hinge of three": (of_classes("identity", 3, list("abc"), "hinge"), "scores", 3),
    "the book's": (of_classes("sigmoid", 3, list("abc"), "quadratic"), "scores", 3),
}


@pytest.mark.parametrize(("net", "name", "width"), ANSWERS.values(), ids=ANSWERS)
def test_classes(path, net, name, width):
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    handed_out = equal(path, net, X)
    assert list(handed_out) == ["label", name]
    assert handed_out["label"].tolist() == net.predict(X).tolist()
    assert len(set(handed_out["label"].tolist())) > 1
    assert handed_out[name].shape == (200, width)
    kept = session(path).get_outputs()
    assert [each.shape for each in kept] == [["N"], ["N", width]]


def test_the_first_of_equal_outputs(path):
    net = cr.Network([2, 3], output="softmax", cost="log_likelihood", init="zeros", seed=0)
    to_onnx(net, path)
    X = np.zeros((4, 2), np.float32)
    assert said(path, X)["label"].tolist() == net.predict(X).tolist() == [0] * 4


def test_several_labels(path):
    net = cr.Network([3, 5, 4], task="multilabel", init="large", seed=0)
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    net.fit(X, (X[:, [0, 1, 2, 0]] > 0).astype(int), epochs=1)
    handed_out = equal(path, net, X)
    assert list(handed_out) == ["label", "probabilities"]
    assert handed_out["label"].dtype == np.int64
    assert (handed_out["label"] == net.predict(X)).all()


@pytest.mark.parametrize("kind", ["softmax", "text", "two words", "integers"])
def test_zipmap(path, kind):
    net = ANSWERS[kind][0]
    X = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    to_onnx(net, path, zipmap=True)
    handed_out = said(path, X)
    assert handed_out["output_label"].tolist() == net.predict(X).tolist()
    rows = handed_out["output_probability"]
    assert list(rows[0]) == net.classes.tolist()
    p = np.array([list(row.values()) for row in rows])
    assert np.abs(p[:, -net.sizes[-1] :] - net(X)).max() < 1e-6


def test_values_that_softmax_says(path):
    """By what was learned, not by the formulas."""
    net = cr.Network([3, 4], output="softmax", cost="log_likelihood", seed=0)
    to_onnx(net, path)
    assert list(said(path, np.zeros((1, 3), np.float32))) == ["label", "probabilities"]
    net._answers = "values"
    to_onnx(net, path)
    assert list(said(path, np.zeros((1, 3), np.float32))) == ["variable"]


@pytest.mark.parametrize("K", [1, 2, 5])
def test_ensembles(path, K):
    nets = [cr.Network([3, 4 + k, 2], hidden="mish", output="softmax", cost="log_likelihood",
                       dtype=["float32", "float64"][k % 2], seed=k) for k in range(K)]  # fmt: skip
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    ensemble = cr.Ensemble(nets, weights=range(1, K + 1))
    handed_out = equal(path, ensemble, X)
    assert (handed_out["label"] == ensemble.predict(X)).all()


def test_an_estimator(path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier

    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.where(X[:, 0] > 0, 2.0, 1.0)  # floats, which are whole
    estimator = MLPClassifier((4,), random_state=0, max_iter=3, batch_size=20)
    estimator.partial_fit(X, y, classes=[1.0, 2.0])
    to_onnx(estimator, path)
    handed_out = said(path, X)
    assert (handed_out["label"] == estimator.predict(X)).all()
    np.testing.assert_allclose(handed_out["probabilities"], estimator.predict_proba(X), atol=1e-6)
    large = np.array([1, 2**63], np.uint64)
    estimator = MLPClassifier((4,)).partial_fit(X, large[y.astype(int) - 1], classes=large)
    with pytest.raises(ValueError, match="does not hold the class 9223372036854775808"):
        to_onnx(estimator, path)


# ---------------------------------------------------------------- the file


def test_what_it_says_of_itself(path):
    net = of_classes("softmax", 3, ["a", "b", "c"])
    net._input_names = ("x", "y", "z")
    to_onnx(net, path, name="flowers")
    model = checked(path)
    assert (model.ir_version, model.producer_name) == (8, "chainrule")
    assert model.producer_version == cr.__version__
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 13)]
    assert model.graph.name == "flowers"
    (kept,) = model.metadata_props
    assert json.loads(kept.value) == {
        "networks": 1, "columns": None, "sizes": [3, 5, 3], "bias": True,
        "cost": "log_likelihood", "cost_parameters": [0.0],
        "answers": "classes", "classes": ["a", "b", "c"], "inputs": ["x", "y", "z"],
    }  # fmt: skip


class Square:
    def value(self, z):
        return z * z

    def slope(self, z, a):
        return 2 * z


def spoilt(dtype, value):
    net = cr.Network([2, 3, 1], seed=0, dtype=dtype)
    net.weights[1][0, 2] = value
    return net


REFUSED = {
    "own": (lambda: cr.Network([2, 3, 1], hidden=Square(), seed=0), {}, TypeError, "layer 2 has"),
    "NaN": (lambda: spoilt("float32", np.nan), {}, ValueError, "finite parameters"),
    "beyond float32": (lambda: spoilt("float64", 1e300), {}, ValueError, "layer 3 has weights"),
    "open": (lambda: cr.Network([2, 1], task="regression"), {}, ValueError, "not trained yet"),
    "foreign": (lambda: 3, {}, TypeError, r"got builtins\.int"),
    "zipmap": (lambda: cr.Network([2, 1]), {"zipmap": True}, ValueError, "zipmap is for the prob"),
    "zipmap of scores": (lambda: ANSWERS["hinge"][0], {"zipmap": True}, ValueError, "has none"),
    "dtype": (lambda: cr.Network([2, 1]), {"input_dtype": "int8"}, ValueError, "input_dtype"),
    "name": (lambda: cr.Network([2, 1]), {"name": ""}, TypeError, "name must be text"),
    "name in no UTF-8": (lambda: cr.Network([2, 1]), {"name": "\ud800"}, ValueError, "UTF-8 can"),
    "class in no UTF-8": (
        lambda: of_classes("softmax", 2, ["a", "\ud800"]),
        {},
        ValueError,
        "a class must be text",
    ),
}


@pytest.mark.parametrize(("make", "options", "kind", "fragment"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_the_old_file(path, make, options, kind, fragment):
    path.write_bytes(b"old")
    with pytest.raises(kind, match=fragment):
        to_onnx(make(), path, **options)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_the_old_file(path, monkeypatch):
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    for owner, name in [(os, "fsync"), (os, "replace"), (whole_file, "_lock")]:
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, fail)
            with pytest.raises(OSError, match="No space left"):
                to_onnx(cr.Network([2, 3, 1]), path)
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == [path.name]
    to_onnx(cr.Network([2, 3, 1]), path)
    checked(path)
