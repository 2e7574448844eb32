"""`from_onnx`: there and back with the same bits, and from other tools with their outputs."""

import os
import warnings
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_onnx, to_onnx
from onnx_sessions import onnx, opened
from random_networks import draw_network

TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


# ---------------------------------------------------------------- our own


def there_and_back(path, net, **options):
    to_onnx(net, path)
    return from_onnx(path, **options)


def assert_alike(again, net):
    assert (again.sizes, again.hidden, again.output) == (net.sizes, net.hidden, net.output)
    assert (again.cost, again.answers, again.bias) == (net.cost, net.answers, net.bias)


@pytest.mark.parametrize("seeds", [range(k, k + 125) for k in range(0, 500, 125)])
def test_500_networks_there_and_back_have_the_same_bits(path, seeds):
    for seed in seeds:
        net, X = draw_network(seed, dtype="float32")
        again = there_and_back(path, net)
        assert_alike(again, net)
        of_layers = net.parameters[: len(net.parameters) - len(net.scale)]
        np.testing.assert_array_equal(again.parameters, of_layers)
        if net.scale.size == 0:
            np.testing.assert_array_equal(again(X), net(X))
            np.testing.assert_array_equal(again(X.astype(np.float64)), net(X.astype(np.float64)))
        else:
            scale = net.input_scale * net.scale.astype(np.float64)
            np.testing.assert_array_equal(again.input_scale, scale)


@pytest.mark.parametrize("seed", range(40))
def test_float64_comes_back_rounded(path, seed):
    net, _ = draw_network(seed, dtype="float64")
    again = there_and_back(path, net, dtype="float64")
    of_layers = net.parameters[: len(net.parameters) - len(net.scale)]
    np.testing.assert_array_equal(again.parameters, of_layers.astype(np.float32))
    np.testing.assert_array_equal(again.output_scale, net.output_scale)
    np.testing.assert_array_equal(again.output_shift, net.output_shift)


def named(classes, n, output="softmax", cost="log_likelihood"):
    net = cr.Network([3, 4, n], output=output, cost=cost, seed=0)
    net.classes = classes
    return net


def multilabel():
    net = cr.Network([3, 2], task="multilabel", seed=0)
    net.fit(np.eye(3), [[0, 1], [1, 1], [0, 0]], epochs=1)
    return net


ANSWERS = {
    "text": lambda: named(["a", "b", "日"], 3),
    "integers": lambda: named([-1, 5, 7], 3),
    "truth values": lambda: named([False, True], 1, "sigmoid", "cross_entropy"),
    "two": lambda: named(["no", "yes"], 1, "sigmoid", "cross_entropy"),
    "places": lambda: cr.Network([3, 4], output="softmax", cost="log_likelihood"),
    "hinge": lambda: named(["no", "yes"], 1, "identity", "hinge"),
    "hinge of three": lambda: named(["a", "b", "c"], 3, "identity", "hinge"),
    "perceptron": lambda: named(["no", "yes"], 1, "step", "quadratic"),
    "the book's": lambda: named(["a", "b", "c"], 3, "sigmoid", "quadratic"),
    "labels": multilabel,
    "values": lambda: cr.Network([3, 2], output="identity"),
}


@pytest.mark.parametrize("make", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("zipmap", [False, True])
def test_answers_come_back(path, tmp_path, make, zipmap):
    net = make()
    if zipmap and (net.answers != "classes" or net.cost not in ("log_likelihood", "cross_entropy")):
        return
    net._input_names = ("x", "größe", "z")
    to_onnx(net, path, zipmap=zipmap)
    again = from_onnx(path)
    assert_alike(again, net)
    if net.classes is not None:
        assert again.classes.tolist() == net.classes.tolist()
        assert again.classes.dtype == net.classes.dtype
    assert again.input_names == net.input_names
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert (again.predict(X) == net.predict(X)).all()
    again.save(tmp_path / "again.npz")
    assert (cr.load(tmp_path / "again.npz")(X) == net(X)).all()


COSTS = {
    "huber": (2, cr.costs.huber(2.5)),
    "quantile": (6, cr.costs.quantile([0.1, 0.5, 0.9])),
    "gaussian": (4, "gaussian"),
}


@pytest.mark.parametrize(("n", "cost"), COSTS.values(), ids=COSTS)
def test_costs_and_outputs_in_units_come_back(path, n, cost):
    net = cr.Network([3, n], output="identity", cost=cost, output_scale=[2.0, 0.1],
                     output_shift=[5.0, -1.0], seed=0)  # fmt: skip
    again = there_and_back(path, net)
    assert again.cost == net.cost
    np.testing.assert_array_equal(again.output_scale, net.output_scale)
    np.testing.assert_array_equal(again.output_shift, net.output_shift)
    X = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(again(X), net(X))


@pytest.mark.parametrize("bias", [False, True])
def test_biases_that_are_all_0_come_back(path, bias):
    net = cr.Network([3, 4, 2], init="zeros", bias=bias)
    assert there_and_back(path, net).bias == bias


@pytest.mark.parametrize("input_dtype", ["uint8", "float64"])
def test_inputs_of_other_types_come_back(path, input_dtype):
    net = cr.Network([4, 2], input_scale=1 / 255, input_shift=-0.1, seed=0)
    to_onnx(net, path, input_dtype=input_dtype)
    again = from_onnx(path)
    X = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert (again(X) == net(X)).all()
    assert np.ravel(again.input_scale)[0] == net.input_scale


def test_a_cost_and_a_dtype_that_are_given(path):
    net = cr.Network([3, 2], output="sigmoid", cost="cross_entropy", seed=0)
    again = there_and_back(path, net, cost="quadratic", dtype="float64")
    assert (again.cost, again.dtype) == ("quadratic", np.float64)
    with pytest.raises(ValueError, match=r"model\.onnx cannot be loaded: cost 'poisson' is for"):
        from_onnx(path, cost="poisson")


def test_what_was_read_learns_on(path):
    net = there_and_back(path, cr.Network([2, 8, 1], hidden="tanh", output="identity", seed=0))
    X = np.random.default_rng(0).normal(size=(50, 2))
    y = X.sum(axis=1)
    net.fit(X, y, epochs=30)
    assert net.history.cost[-1] < net.history.cost[0]


def test_an_ensemble_is_told_where_it_is_read(path):
    nets = [cr.Network([2, 3, 1], seed=k) for k in range(3)]
    to_onnx(cr.Ensemble(nets), path)
    with pytest.raises(ValueError, match=r"the mean of 3 networks.*chainrule\.load reads it"):
        from_onnx(path)


# ---------------------------------------------------------------- other tools


def say_the_same(path, net, X, atol=2e-6):
    """Assert that the network says what ONNX Runtime says of the file."""
    asked = opened(path)
    found = asked.run(None, {asked.get_inputs()[0].name: X})[-1]
    if isinstance(found, list):  # a map by class for each row
        found = np.array([list(row.values()) for row in found])
    wanted = net(X.reshape(len(X), -1))
    assert np.abs(found[:, -wanted.shape[1] :] - wanted).max() < atol


OF_TORCH = {
    "relu": (("ReLU",), "relu"),
    "leaky_relu": (("LeakyReLU", 0.3), cr.activations.leaky_relu(0.3)),
    "prelu": (("PReLU",), cr.activations.leaky_relu(0.25)),
    "elu": (("ELU", 0.7), cr.activations.elu(0.7)),
    "selu": (("SELU",), "selu"),
    "softplus": (("Softplus",), "softplus"),
    "gelu": (("GELU",), "gelu"),
    "silu": (("SiLU",), "swish"),
    "mish": (("Mish",), "mish"),
    "softsign": (("Softsign",), "softsign"),
    "hard_sigmoid": (("Hardsigmoid",), "hard_sigmoid"),
    "sigmoid": (("Sigmoid",), "sigmoid"),
    "tanh": (("Tanh",), "tanh"),
}


def of_torch(path, layers, example, opset):
    """Write a model of PyTorch, by its first exporter, or, with opset 18, by its second."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        *[getattr(torch.nn, name)(*options) for name, *options in layers]
    ).eval()
    example = (torch.tensor(example),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of exporters that will change
        if opset == 18:
            pytest.importorskip("onnxscript", reason="needs onnxscript")
            rows = ({0: torch.export.Dim("rows")},)
            torch.onnx.export(
                model, example, path, dynamo=True, external_data=False, verbose=False,
                opset_version=opset, dynamic_shapes=rows,
            )  # fmt: skip
        else:
            torch.onnx.export(
                model, example, path, dynamo=False, opset_version=opset, input_names=["x"],
                dynamic_axes={"x": {0: "rows"}},
            )  # fmt: skip


@pytest.mark.parametrize("opset", [13, 20])
@pytest.mark.parametrize("name", OF_TORCH)
def test_pytorch(path, name, opset):
    layer, activation = OF_TORCH[name]
    X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    of_torch(path, [("Linear", 5, 4), layer, ("Dropout",), ("Linear", 4, 3)], X[:2], opset)
    net = from_onnx(path)
    assert net.hidden == (getattr(activation, "shown", activation),)
    say_the_same(path, net, X)


def test_the_second_exporter_of_pytorch(path):
    X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    layers = [("Linear", 5, 4), ("GELU",), ("Linear", 4, 4), ("Softplus",), ("Linear", 4, 4),
              ("Mish",), ("Linear", 4, 3), ("Softmax", 1)]  # fmt: skip
    of_torch(path, layers, X[:2], 18)
    net = from_onnx(path)
    assert (net.hidden, net.output, net.answers) == (
        ("gelu", "softplus", "mish"), "softmax", "classes",
    )  # fmt: skip
    say_the_same(path, net, X)


def test_pictures_that_become_rows(path):
    X = np.random.default_rng(0).normal(size=(7, 1, 3, 2)).astype(np.float32)
    of_torch(path, [("Flatten",), ("Linear", 6, 4), ("ReLU",), ("Linear", 4, 2)], X[:2], 13)
    net = from_onnx(path)
    assert net.sizes == (6, 4, 2)
    say_the_same(path, net, X)


@pytest.mark.parametrize(
    ("layers", "fragment"),
    [
        ([("Linear", 5, 3), ("LogSoftmax", 1)], r"\(LogSoftmax\) cannot be read.*whose logarithm"),
        (
            [("Linear", 5, 3), ("BatchNorm1d", 3), ("ReLU",), ("Linear", 3, 1)],
            "BatchNormalization|scaled",
        ),
        ([("Linear", 5, 3), ("ReLU6",), ("Linear", 3, 1)], r"\(Clip\) cannot be read"),
        (
            [("Linear", 5, 3), ("ReLU",), ("Tanh",), ("Linear", 3, 1)],
            "there are no weights between",
        ),
        ([("ReLU",), ("Linear", 5, 1)], "it has no weights before it"),
        (
            [("Linear", 5, 3), ("LayerNorm", 3), ("Linear", 3, 1)],
            r"node '.*' \(.*\) cannot be read",
        ),
        ([("Linear", 5, 3), ("Softmax", 1), ("Linear", 3, 1)], "softmax is for the output layer"),
    ],
)
def test_what_pytorch_writes_and_no_network_is(path, layers, fragment):
    of_torch(path, layers, np.zeros((2, 5), np.float32), 17)
    with pytest.raises(ValueError, match=fragment):
        from_onnx(path)


DENSE = ["linear", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "mish",
         "softsign", "hard_sigmoid", "exponential", "sigmoid", "tanh"]  # fmt: skip


@pytest.mark.parametrize("names", [DENSE[:5], DENSE[5:10], DENSE[10:]], ids=str)
def test_keras(path, names):
    pytest.importorskip("torch", reason="needs PyTorch, by which Keras exports here")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs Keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras has another backend already")
    X = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((3,)),
        layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]),
        *(layers.Dense(4, name) for name in names),
        layers.Dropout(0.5), layers.Flatten(), layers.Dense(2, "softmax", use_bias=False),
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter of PyTorch
        model(X)
        model.export(path, format="onnx", verbose=False)
    net = from_onnx(path)
    assert (len(net.hidden), net.output) == (len(names), "softmax")
    say_the_same(path, net, X)
    np.testing.assert_allclose(net.input_scale, [4**-0.5, 5**-0.5, 6**-0.5], rtol=1e-6)


def of_scikit_learn(path, model, X, y, **options):
    skl2onnx = pytest.importorskip("skl2onnx", reason="needs skl2onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of trainings that are not over
        model.fit(X, y)
        written = skl2onnx.to_onnx(model, X[:1], options=options and {id(model): options})
    path.write_bytes(written.SerializeToString())


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [3, 5, 9], ["a", "b", "c"]], ids=str)
def test_classifiers_of_scikit_learn(path, labels, activation, zipmap):
    neural = pytest.importorskip("sklearn.neural_network", reason="needs scikit-learn")
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.array(labels)[np.arange(60) % len(labels)]
    model = neural.MLPClassifier((5,), activation=activation, max_iter=3, random_state=0)
    of_scikit_learn(path, model, X, y, zipmap=zipmap)
    net = from_onnx(path)
    assert (net.answers, net.classes.tolist()) == ("classes", labels)
    assert (net.predict(X) == model.predict(X)).all()
    say_the_same(path, net, X)


def test_regressors_of_scikit_learn(path):
    neural = pytest.importorskip("sklearn.neural_network", reason="needs scikit-learn")
    pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline
    scalers = pytest.importorskip("sklearn.preprocessing")
    X = np.random.default_rng(0).normal(3, 5, size=(60, 3)).astype(np.float32)
    make = partial(neural.MLPRegressor, hidden_layer_sizes=(5, 4), max_iter=3, random_state=0)
    for before in ([], [scalers.StandardScaler()], [scalers.MinMaxScaler()]):
        model = pipeline(*before, make())
        of_scikit_learn(path, model, X, X[:, 0])
        net = from_onnx(path)
        assert (net.answers, net.hidden) == ("values", ("relu", "relu"))
        assert (net.input_names, np.ndim(net.input_scale)) == (None, len(before))
        say_the_same(path, net, X, atol=1e-5)


def test_several_labels_of_scikit_learn(path):
    neural = pytest.importorskip("sklearn.neural_network", reason="needs scikit-learn")
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0], axis=1).astype(int)
    model = neural.MLPClassifier((5,), max_iter=3, random_state=0)
    of_scikit_learn(path, model, X, y, zipmap=False)
    net = from_onnx(path)
    assert (net.answers, net.output) == ("multilabel", "sigmoid")
    assert (net.predict(X) == model.predict(X)).all()


# ---------------------------------------------------------------- graphs by hand

W, B = np.array([[1.0, 2.0], [3.0, -4.0]], np.float32), np.array([0.5, -1], np.float32)


def written(path, nodes, constants=(), shape=("N", 2), outputs=("y",), **of_model):
    """Write a graph from x to y; `w`, `b` and others are constants."""
    constants = {"w": W, "b": B, **dict(constants)}
    values = [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in outputs]
    graph = helper.make_graph(
        [helper.make_node(op, inputs.split(), outs.split(), name=f"the {outs}", **attributes)
         for op, inputs, outs, attributes in nodes],
        "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)], values,
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )  # fmt: skip
    of_model = {"opset_imports": [helper.make_opsetid("", 13)], "ir_version": 8} | of_model
    onnx.save(helper.make_model(graph, **of_model), path)


GEMM = ("Gemm", "x w b", "z", {"transB": 1})
LAST = ("Identity", "z", "y", {})

READ = {
    "gemm": [GEMM, LAST],
    "gemm, turned": [("Transpose", "w", "v", {"perm": [1, 0]}), ("Gemm", "x v b", "y", {})],
    "gemm without biases": [("Gemm", "x w", "y", {})],
    "matmul alone": [("MatMul", "x w", "y", {})],
    "matmul and add": [("MatMul", "x w", "z", {}), ("Add", "b z", "y", {})],
    "gemm and add": [("Gemm", "x w", "z", {}), ("Add", "z b", "y", {})],
    "input scaled": [("Sub", "x b", "c", {}), ("Mul", "c b", "d", {}), ("MatMul", "d w", "y", {})],
    "input turned": [("Sub", "b x", "c", {}), ("MatMul", "c w", "y", {})],
    "input divided": [("Div", "x b", "c", {}), ("MatMul", "c w", "y", {})],
    "output scaled": [GEMM, ("Mul", "z p", "s", {}), ("Add", "b s", "y", {})],
    "of constants": [
        ("Constant", "", "k", {"value": numpy_helper.from_array(W)}), ("MatMul", "x k", "y", {}),
    ],
    "casts": [
        ("Cast", "x", "d", {"to": TensorProto.DOUBLE}), ("Cast", "w", "e", {"to": 11}),
        ("MatMul", "d e", "z", {}), ("Cast", "z", "y", {"to": 1}),
    ],
    "reshapes": [("Reshape", "x r", "c", {}), ("MatMul", "c w", "z", {}),
                 ("Reshape", "z q", "y", {})],
    "sigmoid": [
        GEMM, ("Neg", "z", "n", {}), ("Exp", "n", "e", {}), ("Add", "one e", "a", {}),
        ("Div", "one a", "y", {}),
    ],
    "relu": [GEMM, ("Max", "zero z", "y", {})],
    "softplus": [GEMM, ("Exp", "z", "e", {}), ("Add", "e one", "a", {}), ("Log", "a", "y", {})],
    "swish": [GEMM, ("Mul", "z p1", "s", {}), ("Sigmoid", "s", "t", {}), ("Mul", "t z", "y", {})],
    "gelu": [
        GEMM, ("Div", "z root", "d", {}), ("Erf", "d", "e", {}), ("Add", "one e", "a", {}),
        ("Mul", "a z", "m", {}), ("Mul", "half m", "y", {}),
    ],
    "step": [GEMM, ("Greater", "z zero", "g", {}), ("Cast", "g", "y", {"to": 1})],
    "softmax by its place": [GEMM, ("Softmax", "z", "y", {"axis": 1})],
    "hard sigmoid": [GEMM, ("HardSigmoid", "z", "y", {"alpha": 1 / 6})],
}  # fmt: skip
NUMBERS = {"one": np.float32(1), "zero": np.float32(0), "half": np.float32(0.5),
           "root": np.float32(2**0.5), "p": np.array([2, 3], np.float32),
           "p1": np.float32(1.5), "r": np.array([-1, 2]), "q": np.array([0, -1])}  # fmt: skip


@pytest.mark.parametrize("nodes", READ.values(), ids=READ)
def test_forms_that_are_read(path, nodes):
    used = {name for _, inputs, _, _ in nodes for name in inputs.split()}
    written(path, nodes, {name: each for name, each in NUMBERS.items() if name in used})
    X = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    net = from_onnx(path)
    say_the_same(path, net, X, 1e-5)


REFUSED = {
    "another operator": ([GEMM, ("Celu", "z", "y", {})], r"node 'the y' \(Celu\) cannot be read"),
    "alpha": ([("Gemm", "x w b", "y", {"alpha": 2.0})], "alpha and beta must be 1"),
    "weights that vary": ([("MatMul", "x x", "y", {})], "must be a constant matrix"),
    "a wide bias": ([("Gemm", "x w three", "y", {})], r"expected 2 biases, got shape \(3,\)"),
    "two paths": ([GEMM, ("Add", "z x", "y", {})], r"node 'the y' \(Add\) cannot be read"),
    "gelu by tanh": ([GEMM, ("Gelu", "z", "y", {"approximate": "tanh"})], "gelu is the exact one"),
    "hard sigmoid": ([GEMM, ("HardSigmoid", "z", "y", {})], r"\(HardSigmoid\) cannot be read"),
    "scaled within": (
        [GEMM, ("Mul", "z b", "s", {}), ("MatMul", "s w", "y", {})],
        r"node 'the s' \(Mul\) cannot be read.*only inputs and outputs can be scaled",
    ),
    "idle": ([GEMM, LAST, ("Sin", "z", "s", {})], r"node 'the s' \(Sin\) cannot be read"),
    "no layer": ([("Mul", "x b", "y", {})], "expected layers with weights"),
    "another shape": ([GEMM, ("Reshape", "z three", "y", {})], r"\(Reshape\) cannot be read"),
    "rows that change": ([GEMM, ("Reshape", "z column", "y", {})], "what follows reads 1"),
    "a slope below 0": ([GEMM, ("LeakyRelu", "z", "y", {"alpha": -1.0})], "slope of leaky_relu"),
    "another domain": ([GEMM, ("Relu", "z", "y", {"domain": "mine"})], r"\(mine\.Relu\)"),
    "training": ([("Dropout", "x half yes", "c", {}), ("MatMul", "c w", "y", {})], "Dropout"),
}
MORE = {"three": np.ones(3, np.float32), "column": np.array([-1, 1]), "yes": np.array(True)}


@pytest.mark.parametrize(("nodes", "fragment"), REFUSED.values(), ids=REFUSED)
def test_graphs_that_are_refused(path, nodes, fragment):
    used = {name for _, inputs, _, _ in nodes for name in inputs.split()}
    constants = {name: each for name, each in (NUMBERS | MORE).items() if name in used}
    written(path, nodes, constants)
    with pytest.raises(ValueError, match=f"{path} cannot be loaded: .*{fragment}"):
        from_onnx(path)


@pytest.mark.parametrize(
    ("shape", "fragment"),
    [(("N", 3), "as rows of 2 numbers"), ((2,), "as rows of 2"), (("N", 1, 2), "as rows of 2")],
)
def test_inputs_that_are_no_rows(path, shape, fragment):
    written(path, [GEMM, LAST], shape=shape)
    with pytest.raises(ValueError, match=fragment):
        from_onnx(path)


def test_outputs_of_two_networks(path):
    written(path, [GEMM, LAST, ("MatMul", "x w", "v", {})], outputs=["y", "v"])
    with pytest.raises(ValueError, match="expected the outputs of one network"):
        from_onnx(path)


LABELS = {
    "another threshold": ([("Greater", "y third", "g", {})], "above 0.33.*, those of a network"),
    "of other outputs": ([("Greater", "z half", "g", {})], "by the outputs that are handed out"),
    "a threshold that varies": ([("Greater", "y z", "g", {})], "expected a constant number"),
    "the last of equals": (
        [("ArgMax", "y", "g", {"axis": 1, "select_last_index": 1})], "the first of the largest",
    ),
    "by columns": ([("ArgMax", "y", "g", {})], "the first of the largest"),
    "classes that vary": (
        [("ArgMax", "y", "p", {"axis": 1}), ("Gather", "z p", "g", {})], "constant list of classes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "fragment"), LABELS.values(), ids=LABELS)
def test_labels_that_no_network_gives(path, nodes, fragment):
    label = ("Cast", "g", "l", {"to": TensorProto.INT64})
    constants = {"third": np.float32(1 / 3), "half": NUMBERS["half"]}
    written(path, [GEMM, ("Sigmoid", "z", "y", {}), *nodes, label], constants, outputs=["l", "y"])
    with pytest.raises(ValueError, match=fragment):
        from_onnx(path)


def test_labels_above_one_half(path):
    nodes = [GEMM, ("Sigmoid", "z", "y", {}), ("Greater", "y half", "g", {}),
             ("Cast", "g", "l", {"to": TensorProto.INT64})]  # fmt: skip
    written(path, nodes, {"half": NUMBERS["half"]}, outputs=["l", "y"])
    assert from_onnx(path).answers == "multilabel"


def test_data_in_another_file(path):
    written(path, [GEMM, LAST])
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="data.bin")
    with pytest.raises(ValueError, match="has its data in another file"):
        from_onnx(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(path, value):
    written(path, [("MatMul", "x v", "y", {})], {"v": np.full((2, 2), value, np.float32)})
    with pytest.raises(ValueError, match="has weights or biases that float32 cannot hold"):
        from_onnx(path)


def test_numbers_in_fields_of_their_own(path):
    """Not as they lie in memory, as small writers have it."""
    written(path, [GEMM, LAST])
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        tensor.CopyFrom(
            helper.make_tensor(tensor.name, TensorProto.FLOAT, array.shape, array.ravel().tolist())
        )
    onnx.save(model, path)
    assert (from_onnx(path).weights[0] == W).all()


def test_half_precision(path):
    written(path, [("MatMul", "x v", "y", {})], {"v": W.astype(np.float16)})
    assert (from_onnx(path).weights[0] == W.T).all()
