"""Networks as C: bit by bit what an oracle says, near the network, and clean to every compiler."""

import ctypes
import re
import subprocess

import numpy as np
import pytest

import c_oracle
import chainrule as cr
from c_programs import C99, CXX17, compiler, feedforward, library, pointer, run, same_bits
from chainrule.activations import ACTIVATIONS
from chainrule.convert import to_c
from chainrule.convert.blueprint import blueprint_of
from random_networks import draw_network

SEEDS = range(200)
OTHER = {"float32": "float64", "float64": "float32"}


def activation_nets():
    """A network for each activation, of each dtype, with inputs far out too."""
    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        for name in ACTIVATIONS:
            hidden = "tanh" if name in ("softmax", "exponential") else name
            output = name if name in ("softmax", "exponential", "sigmoid") else "identity"
            net = cr.Network([2, 6, 3], hidden=hidden, output=output, dtype=dtype, seed=1)
            X = rng.normal(size=(6, 2)) * np.array([[0.1], [1], [3], [10], [30], [100]])
            yield name, net, X.astype(dtype)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """(name, network, inputs, dtype of the C file, report) of many networks, and their library."""
    folder, cases = tmp_path_factory.mktemp("drawn"), []
    for seed in SEEDS:
        net, X = draw_network(seed)
        dtype = net.dtype.name if seed % 8 else OTHER[net.dtype.name]
        cases.append((f"net{seed}", net, X, dtype))
    for name, net, X in activation_nets():
        cases.append((f"{name}_{net.dtype}", net, X, net.dtype.name))
    reports = [
        to_c(net, folder / f"{name}.c", dtype=dtype, data=X) for name, net, X, dtype in cases
    ]
    lib = library(folder, [folder / f"{name}.c" for name, *_ in cases], "-O0")
    return [(*case, report) for case, report in zip(cases, reports, strict=True)], lib


def test_every_bit_is_that_of_the_oracle(drawn):
    cases, lib = drawn
    for name, net, X, dtype, _ in cases:
        got = feedforward(lib, name, X.astype(dtype), net.sizes[-1])
        same_bits(got, c_oracle.outputs(blueprint_of(net), X, dtype))


def test_it_is_as_near_to_the_network_as_it_says(drawn):
    cases, lib = drawn
    for name, net, X, dtype, report in cases:
        x = X.astype(dtype)
        off = np.abs(feedforward(lib, name, x, net.sizes[-1]).astype(float) - net(x)).max()
        assert off == report.worst
        assert off <= report.bound
    bounds = np.array([report.bound for *_, report in cases])
    assert np.isfinite(bounds).all()
    assert np.median(bounds) < 1e-4


def test_the_bound_holds_for_inputs_at_its_ends():
    """Inputs of ±1, where sums are largest: it is made for these."""
    rng = np.random.default_rng(0)
    for seed in range(30):
        net, _ = draw_network(seed, hidden=["tanh", "relu", "elu", "gelu"], scaled=False)
        ends = rng.choice([-1, 1], size=(100, net.sizes[0])).astype(net.dtype)
        with_data = check_report(net, ends)
        without = check_report(net, None)
        assert with_data.worst <= without.bound
        assert with_data.bound <= without.bound * 1.001


def check_report(net, data):
    from chainrule.convert.c import writing

    written = []
    keep, writing.write_whole = writing.write_whole, lambda path, write: written.append(path)
    try:
        return to_c(net, "unwritten.c", data=data)
    finally:
        writing.write_whole = keep


def sources(folder, step):
    """Files of all kinds: many activations, an ensemble, gradients, training, fixed point."""
    found = []
    for name, net, X in list(activation_nets())[::step]:
        path = folder / f"{name}_{net.dtype}.c"
        trains = name != "step"
        to_c(net, path, gradient=True, train=trains)
        found.append(path)
        if name in ("gelu", "softmax"):
            for kind in ("int8", "int16"):
                found.append(folder / f"{name}_{net.dtype}_{kind}.c")
                to_c(net, found[-1], fixed_point=kind, data=X)
    nets = [draw_network(seed, dtype="float32")[0] for seed in range(3)]
    for seed, net in enumerate(nets):
        found.append(folder / f"net{seed}.c")
        to_c(net, found[-1], header=False)
    alike = [cr.Network([3, 40, 4], task="classification", input_scale=2.0, seed=k)
             for k in range(3)]  # fmt: skip
    found.append(folder / "ensemble.c")
    to_c(cr.Ensemble(alike, weights=[1, 2, 3]), found[-1], gradient=True)
    return found


@pytest.mark.parametrize(
    ("cc", "flags"),
    [
        ("gcc", [*C99, "-O0"]),
        ("gcc", [*C99, "-O2"]),
        ("clang", [*C99, "-O0"]),
        ("g++", [*CXX17, "-O0"]),
        ("clang++", [*CXX17, "-O0"]),
    ],
)
def test_no_compiler_has_anything_to_say(tmp_path, cc, flags):
    compiler(cc)
    for path in sources(tmp_path, 1 if cc == "clang" else 4):
        run(cc, *flags, "-DSELF_TEST", "-o", tmp_path / "program", path)
        run(tmp_path / "program")


def test_a_vectorised_program_has_the_same_bits(tmp_path):
    """With wide registers and multiply-add, which -ffp-contract=off leaves out."""
    compiler("gcc")
    net = cr.Network([30, 50, 10], hidden="tanh", seed=0)
    to_c(net, tmp_path / "net.c")
    flags = ["-O3", "-march=native"]
    run("gcc", *C99, *flags, "-DSELF_TEST", "-o", tmp_path / "program", tmp_path / "net.c")
    run(tmp_path / "program")


def test_the_self_test_sees_one_wrong_bit(tmp_path):
    compiler("gcc")
    net = cr.Network([3, 4, 2], task="classification", input_scale=1.0, seed=0)
    path = tmp_path / "net.c"
    to_c(net, path)
    text = path.read_text()
    weights = re.search(r"parameters\[\d+\] = \{\n    (\S+?)f,", text)
    changed = np.nextafter(np.float32(weights[1]), np.float32(9))
    path.write_text(text[: weights.start(1)] + str(changed) + text[weights.end(1) :])
    run("gcc", *C99, "-DSELF_TEST", "-o", tmp_path / "program", path)
    assert subprocess.run([tmp_path / "program"]).returncode == 1


# ------------------------------------------------------------ what models answer


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """Models of each kind of answer, their inputs and their library."""
    folder = tmp_path_factory.mktemp("answering")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype(np.float32)
    labels = np.array(["low", 'mid"dle\\', "größ??e"])[(X[:, 0] * 2).round().astype(int) % 3]
    three = cr.Network([4, 8, 3], output="softmax", cost="log_likelihood", seed=0)
    three.fit(X, labels, epochs=1)
    two = cr.Network([4, 8, 1], output="sigmoid", cost="cross_entropy", seed=0)
    two.fit(X, X[:, 0] > 0, epochs=3)
    many = cr.Network([4, 8, 5], output="sigmoid", cost="cross_entropy", seed=0)
    many.fit(X, (rng.random((60, 5)) < 0.5).astype(np.float32), epochs=1)
    margin = cr.Network([4, 8, 1], output="identity", cost="hinge", seed=0)
    margin.fit(X, np.where(X[:, 1] > 0, 1.0, -1.0)[:, None], epochs=3)
    members = [cr.Network([4, 9, 3], output="softmax", cost="log_likelihood", seed=k,
                          input_scale=1.5, input_shift=0.25) for k in range(4)]  # fmt: skip
    ensemble = cr.Ensemble(members, weights=[1, 0, 2, 0.5])
    ensemble.fit(X, labels, epochs=2)
    values = cr.Network([4, 8, 2], task="regression", seed=0)
    values.fit(X, 100 + 5 * X[:, :2], epochs=2)
    models = {"three": three, "two": two, "many": many, "margin": margin, "ensemble": ensemble,
              "values": values}  # fmt: skip
    for name, model in models.items():
        to_c(model, folder / f"{name}.c", data=X)
    lib = library(folder, [folder / f"{name}.c" for name in models])
    return models, X, lib


@pytest.mark.parametrize("name", ["three", "two", "many", "margin", "ensemble", "values"])
def test_outputs_of_each_kind(answering, name):
    models, X, lib = answering
    model = models[name]
    got = feedforward(lib, name, X, model(X).shape[1])
    same_bits(got, c_oracle.outputs(blueprint_of(model), X, np.float32))
    np.testing.assert_allclose(got, model(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["three", "two", "margin", "ensemble"])
def test_classes_by_their_names(answering, name):
    models, X, lib = answering
    model = models[name]
    got = [getattr(lib, f"{name}_predict")(pointer(x)) for x in X]
    called = model.classes if model.classes is not None else np.arange(2)
    assert model.predict(X).tolist() == called[got].tolist()
    strings = (ctypes.c_char_p * len(called)).in_dll(lib, f"{name}_classes")
    assert [each.decode() for each in strings] == [str(each) for each in called.tolist()]


def test_several_labels(answering):
    models, X, lib = answering
    labels = np.zeros((len(X), 5), np.uint8)
    for x, into in zip(X, labels, strict=True):
        lib.many_predict(pointer(x), pointer(into))
    assert labels.tolist() == models["many"].predict(X).tolist()


def test_estimators(tmp_path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)).astype(np.float32)
    y = np.array(["a", "b", "c"])[np.arange(80) % 3]
    options = {"hidden_layer_sizes": (6,), "random_state": 0}
    classifier = MLPClassifier(**options).partial_fit(X, y, classes=["a", "b", "c"])
    regressor = MLPRegressor(**options, max_iter=3, early_stopping=False)
    regressor.partial_fit(X, X[:, 0])
    to_c(classifier, tmp_path / "classifier.c", data=X)
    to_c(regressor, tmp_path / "regressor.c", data=X)
    lib = library(tmp_path, [tmp_path / "classifier.c", tmp_path / "regressor.c"])
    kind = blueprint_of(classifier).chains[0].dtype
    x = X.astype(kind)
    got = feedforward(lib, "classifier", x, 3)
    np.testing.assert_allclose(got, classifier.predict_proba(x), rtol=1e-5)
    places = [lib.classifier_predict(pointer(each)) for each in x]
    assert np.array(["a", "b", "c"])[places].tolist() == classifier.predict(x).tolist()
    said = feedforward(lib, "regressor", x, 1)[:, 0]
    np.testing.assert_allclose(said, regressor.predict(x), rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------ files and options


def test_the_table_stands_in_the_file(tmp_path):
    net = cr.Network([4, 16, 16, 1], hidden="tanh", seed=0)
    report = to_c(net, tmp_path / "a b-3.c")
    assert report.files == (str(tmp_path / "a b-3.c"), str(tmp_path / "a b-3.h"))
    assert report.name == "a_b_3"
    assert (report.operations, report.activations) == (336, 33)
    assert report.flash == 4 * net.parameters.size + 3 * 20
    assert report.ram == 4 * 2 * 16
    text = (tmp_path / "a b-3.h").read_text()
    for what, value in report.rows:
        assert re.search(rf"\* +{re.escape(what)} +{re.escape(value)}", text)
        assert what in repr(report)
    assert "a_b_3_feedforward(const float x[A_B_3_N_IN], float out[A_B_3_N_OUT]);" in text


def test_one_file_has_all(tmp_path):
    net = cr.Network([2, 3, 1], seed=0)
    report = to_c(net, tmp_path / "net.c", header=False, name="gate")
    assert [path.name for path in tmp_path.iterdir()] == ["net.c"]
    assert report.files == (str(tmp_path / "net.c"),)
    lib = library(tmp_path, [tmp_path / "net.c"])
    X = np.eye(2, dtype=np.float32)
    same_bits(feedforward(lib, "gate", X, 1), c_oracle.outputs(blueprint_of(net), X, np.float32))


NET = cr.Network([2, 3, 1], seed=0)
ENSEMBLE = cr.Ensemble([cr.Network([2, 3, 1], seed=k) for k in range(2)])


@pytest.mark.parametrize(
    ("model", "options", "kind", "fragment"),
    [
        (NET, {"path": "net.txt"}, ValueError, "path must be that of a C file"),
        (NET, {"path": 'a"b.c'}, ValueError, "without quotes"),
        (NET, {"name": "2nd"}, ValueError, "name must be a word that C knows"),
        (NET, {"name": "double"}, ValueError, "must not be a word of C or C"),
        (NET, {"name": "a\n"}, ValueError, "name must be a word that C knows"),
        (NET, {"dtype": "int8"}, ValueError, "dtype must be 'float32' or 'float64'; got 'int8'"),
        (NET, {"dtype": "real"}, ValueError, "dtype must be 'float32' or 'float64'"),
        (NET, {"header": 1}, TypeError, "header"),
        (NET, {"data": [1, 2]}, ValueError, r"data must be rows \(m, 2\); got shape \(2,\)"),
        (NET, {"data": np.ones((3, 5))}, ValueError, "2"),
        (NET, {"fixed_point": "int8"}, ValueError, "fixed_point needs data"),
        (NET, {"fixed_point": "int4", "data": np.ones((3, 2))}, ValueError, "unknown fixed_point"),
        (
            NET,
            {"fixed_point": "int8", "data": np.ones((3, 2)), "train": True},
            ValueError,
            "no slopes",
        ),
        (ENSEMBLE, {"fixed_point": "int8", "data": np.ones((3, 2))}, ValueError, "ensemble of 2"),
        (ENSEMBLE, {"train": True}, ValueError, "train=True is for one network"),
        (cr.Network([2, 3, 1], hidden="step", seed=0), {"train": True}, ValueError, "slopes"),
        (
            cr.Network([2, 1], trainable_scale=True, seed=0),
            {"train": True},
            ValueError,
            "trainable_scale=False",
        ),
        (cr.Network([2, 1], task="regression", seed=0), {}, ValueError, "not trained yet"),
        ("net", {}, TypeError, "expected a Network"),
    ],
)
def test_what_is_refused_leaves_no_file(tmp_path, model, options, kind, fragment):
    options = {"path": "net.c"} | options
    with pytest.raises(kind, match=fragment):
        to_c(model, tmp_path / options.pop("path"), **options)
    assert not list(tmp_path.iterdir())


def test_weights_beyond_float_are_refused(tmp_path):
    net = cr.Network([2, 1], dtype="float64", seed=0)
    net.weights[0][0, 0] = 1e300
    with pytest.raises(ValueError, match="weights of layer 2 cannot be held in float32"):
        to_c(net, tmp_path / "net.c", dtype="float32")
    assert to_c(net, tmp_path / "net.c").bound > 0


def test_where_numbers_may_overflow_there_is_no_bound(tmp_path):
    net = cr.Network([2, 3, 1], hidden="exponential", output="identity", init="large", seed=0)
    for W in net.weights:
        W[:] = 60
    report = to_c(net, tmp_path / "net.c")
    assert report.bound == np.inf
    assert "no bound" in repr(report)


def test_an_old_file_stays_where_writing_fails(tmp_path):
    (tmp_path / "net.h").mkdir()
    (tmp_path / "net.c").write_text("old")
    with pytest.raises(OSError, match="expected a file"):
        to_c(NET, tmp_path / "net.c")
    assert (tmp_path / "net.c").read_text() == "old"
