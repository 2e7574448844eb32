"""Modules of JavaScript, run by Node: they say what the models say."""

import json

import mpmath
import numpy as np
import pytest

import chainrule as cr
from blueprint_oracle import said
from chainrule.convert import to_js
from chainrule.convert.blueprint import blueprint_of
from chainrule.convert.js_literals import numbers_js, part
from chainrule.convert.rounding import exactly
from node import ask, values
from random_networks import draw_network


def all_of(name, X):
    """The question after what a function of the module says of each row."""
    return f"{json.dumps(np.asarray(X).tolist())}.map((x) => m.{name}(x))"


def test_random_networks_say_what_they_say_here(tmp_path):
    drawn = [draw_network(seed) for seed in range(200)]
    questions = []
    for i, (net, X) in enumerate(drawn):
        to_js(net, tmp_path / f"{i}.mjs")
        questions += [
            (f"./{i}.mjs", f"{all_of('feedforward', X)}.map((each) => Array.from(each))"),
            (f"./{i}.mjs", "m.selfTest()"),
        ]
    found, largest = values(tmp_path, questions), 0.0
    for (net, X), outputs, worst in zip(drawn, found[::2], found[1::2], strict=True):
        blueprint = blueprint_of(net)
        outputs = np.array(outputs)
        _, bound = exactly(blueprint, X)
        assert np.isfinite(bound).mean() > 0.9
        assert (np.abs(outputs - said(blueprint, X)) <= bound).all()
        assert 0 <= worst <= 1
        if "step" not in (net.output, *net.hidden):
            tolerance = 1e-4 if net.dtype == np.float32 else 1e-11
            np.testing.assert_allclose(outputs, net(X), rtol=tolerance, atol=tolerance)
            largest = max(largest, (bound / np.maximum(np.abs(outputs), 1)).max())
    assert 0 < largest < 1e-9  # the bound is no empty promise


# ---------------------------------------------------------------- the functions

EXACT = {
    "sigmoid": lambda z, p: 1 / (1 + mpmath.exp(-z)),
    "tanh": lambda z, p: mpmath.tanh(z),
    "leaky_relu": lambda z, p: z if z > 0 else p * z,
    "elu": lambda z, p: z if z > 0 else p * mpmath.expm1(z),
    "selu": lambda z, p: (
        mpmath.mpf("1.05070098735548049342")
        * (z if z > 0 else mpmath.mpf("1.67326324235437728482") * mpmath.expm1(z))
    ),
    "softplus": lambda z, p: mpmath.log1p(mpmath.exp(z)),
    "gelu": lambda z, p: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "swish": lambda z, p: z / (1 + mpmath.exp(-p * z)),
    "mish": lambda z, p: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "softsign": lambda z, p: z / (1 + abs(z)),
    "hard_sigmoid": lambda z, p: min(max(z / 6 + mpmath.mpf(1) / 2, 0), 1),
    "exponential": lambda z, p: mpmath.exp(z),
}
PLAIN = {"relu", "identity", "step"}  # exact, and held against the oracle above


def test_functions_are_right_to_a_few_ulp(tmp_path):
    assert EXACT.keys() | PLAIN | {"softmax"} == set(cr.activations.ACTIVATIONS)
    (tmp_path / "functions.mjs").write_text(
        part("js_functions.js") + "export { ACTIVATIONS };", "ascii"
    )
    z = np.concatenate(
        [np.linspace(-36.7, 36.9, 149), np.linspace(-2, 2, 82), [-500, -1e-9, 1e-20]]
    )
    cases = [(name, 1.0) for name in EXACT] + [("swish", 1.7), ("elu", 0.3), ("leaky_relu", 0.2)]
    found = values(tmp_path, [
        ("./functions.mjs", f"{z.tolist()}.map((z) => m.ACTIVATIONS.{name}(z, {p}))")
        for name, p in cases
    ])  # fmt: skip
    for (name, p), got in zip(cases, found, strict=True):
        with mpmath.workprec(200):
            exact = [EXACT[name](mpmath.mpf(each), mpmath.mpf(p)) for each in z.tolist()]
            off = np.array(
                [
                    float(abs(mpmath.mpf(a) - e) / max(abs(e), mpmath.mpf(2.0**-1000)))
                    for a, e in zip(got, exact, strict=True)
                ]
            )
        allowed = 4 if p == 1 else 4 + np.abs(p * z)  # the product pz is rounded
        assert (off <= allowed * 2.0**-52).all(), (name, z[np.argmax(off)], off.max() * 2.0**52)


def test_numbers_come_back():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, size=4000, dtype=np.uint64).astype(np.uint32)
    bits[0] = 0x15AE43FD  # 7.038531e-26, which as a double would be rounded twice
    for array in (bits.view(np.float32), rng.normal(size=500) * 10.0 ** rng.integers(-300, 300)):
        finite = array[np.isfinite(array)]
        written = numbers_js(finite).partition("[")[2].rpartition("]")[0]
        read = np.array([float(each) for each in written.split(",")[:-1]])
        np.testing.assert_array_equal(read.astype(array.dtype), finite)


# ---------------------------------------------------------------- what models answer


def classifier(**options):
    net = cr.Network([3, 5, 3], output="softmax", cost="log_likelihood", seed=3, **options)
    net.classes = ["a", "b", "c"]
    return net


def models():
    """One of each kind of answer, and what the module exports for it besides."""
    X = np.random.default_rng(1).normal(size=(40, 3))
    labels = cr.Network([3, 4, 3], cost="cross_entropy", seed=0)
    labels.fit(X, np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, :2].sum(1) > 0].astype(float), epochs=3)
    hinge = cr.Network([3, 4, 1], output="identity", cost="hinge", seed=2)
    hinge.fit(X, (X[:, 0] > 0) * 1.0, epochs=3)
    two = cr.Network([3, 4, 1], cost="cross_entropy", seed=2)
    two.classes = [False, True]
    return {
        "classes": classifier(),
        "classes in float64": classifier(dtype="float64"),
        "two classes, one output": two,
        "the hinge": hinge,
        "labels": labels,
        "a value": cr.Network([3, 4, 1], output="identity", output_scale=3.0, seed=4),
        "values": cr.Network([3, 4, 2], output="identity", output_shift=[1.0, 5.0], seed=4),
        "an ensemble": cr.Ensemble([classifier(), classifier(init="glorot")], weights=[1, 3]),
        "an ensemble of values": cr.Ensemble(
            [cr.Network([3, k, 1], output="identity", seed=k) for k in range(1, 5)]
        ),
    }


def test_each_model_answers_as_here(tmp_path):
    X = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
    known = models()
    files = {name: f"./{i}.mjs" for i, name in enumerate(known)}
    for name, model in known.items():
        to_js(model, tmp_path / files[name])
    predicted = values(tmp_path, [(file, all_of("predict", X)) for file in files.values()])
    for (name, model), got in zip(known.items(), predicted, strict=True):
        expected = model.predict(X)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(np.array(got), expected, rtol=2e-5, atol=2e-5, err_msg=name)
        else:
            assert got == expected.tolist(), name
    has_probabilities = [
        "classes", "classes in float64", "two classes, one output", "an ensemble",
    ]  # fmt: skip
    kinds = values(tmp_path, [(file, "typeof m.probabilities") for file in files.values()])
    assert [name for name, kind in zip(files, kinds, strict=True) if kind == "function"] == (
        has_probabilities
    )
    told = [(files[name], all_of("probabilities", X)) for name in has_probabilities]
    for name, found in zip(has_probabilities, values(tmp_path, told), strict=True):
        p = np.array(found)
        expected = known[name].feedforward(X)
        expected = np.hstack([1 - expected, expected]) if expected.shape[1] == 1 else expected
        np.testing.assert_allclose(p, expected, atol=1e-6)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)


def test_estimators(tmp_path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier, MLPRegressor

    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    three = MLPClassifier((6,), max_iter=5, random_state=0).partial_fit(
        X, y, classes=sorted(set(y))
    )
    two = MLPClassifier((6,), random_state=0).partial_fit(X, X[:, 0] > 0, classes=[False, True])
    value = MLPRegressor(hidden_layer_sizes=(6,), random_state=0).partial_fit(X, X[:, 0] * 1.0)
    for name, estimator in (("3", three), ("2", two), ("v", value)):
        to_js(estimator, tmp_path / f"{name}.mjs")
    found = values(tmp_path, [(f"./{name}.mjs", all_of("predict", X)) for name in "32v"])
    assert found[0] == three.predict(X).tolist()
    assert found[1] == two.predict(X).tolist()
    np.testing.assert_allclose(found[2], value.predict(X), rtol=1e-5, atol=1e-6)
    (p,) = values(tmp_path, [("./2.mjs", all_of("probabilities", X))])
    np.testing.assert_allclose(p, two.predict_proba(X), atol=1e-6)


def test_typed_arrays_are_taken_too(tmp_path):
    net = classifier()
    to_js(net, tmp_path / "net.mjs")
    for kind in ("Float32Array", "Float64Array", "Int8Array"):
        (got,) = values(tmp_path, [("./net.mjs", f"m.feedforward({kind}.of(1, 2, 3))")])
        np.testing.assert_allclose(got, net([1.0, 2.0, 3.0]), rtol=1e-5)


# ---------------------------------------------------------------- text, bad input, files

NASTY = [
    "\"'`${1}\\", "</script><script>alert(1)", "\u2028\u2029", "😀 ß", "__proto__", "\x00\n",
]  # fmt: skip


def test_text_comes_as_it_is(tmp_path):
    net = cr.Network([6, 3, 6], output="softmax", cost="log_likelihood", seed=0)
    net.classes = sorted(NASTY)
    to_js(net, tmp_path / "net.mjs")
    written = (tmp_path / "net.mjs").read_bytes()
    assert b"</script" not in written
    assert written.isascii()
    (names,) = values(tmp_path, [("./net.mjs", "m.classes")])
    assert names == sorted(NASTY)


NO_NUMBERS = [
    ("[1, 2]", "expected an array of 3 numbers; got 2 numbers"),
    ("5", "expected an array of 3 numbers; got 5"),
    ("null", "expected an array of 3 numbers; got null"),
    ("undefined", "expected an array of 3 numbers; got undefined"),
    ("{ a: 1 }", "expected an array of 3 numbers; got an object"),
    ('"1,2,3"', 'expected an array of 3 numbers; got "1,2,3"'),
    ("[1, NaN, 3]", "expected finite numbers; x[1] is NaN"),
    ("[1, 2, -Infinity]", "expected finite numbers; x[2] is -Infinity"),
    ('[1, "2", 3]', 'expected finite numbers; x[1] is "2"'),
    ("[1, , 3]", "expected finite numbers; x[1] is undefined"),
    ("[[1, 2, 3], 2, 3]", "expected finite numbers; x[0] is an array of 3"),
    ("new DataView(new ArrayBuffer(3))", "expected an array of 3 numbers; got an o"),
]


def test_what_does_not_fit_is_refused(tmp_path):
    to_js(classifier(), tmp_path / "net.mjs")
    for name in ("feedforward", "predict", "probabilities"):
        answers = ask(tmp_path, [("./net.mjs", f"m.{name}({given})") for given, _ in NO_NUMBERS])
        for (value, error), (_, message) in zip(answers, NO_NUMBERS, strict=True):
            assert value is None
            assert error.startswith(f"TypeError: {message}")


def test_a_module_that_was_changed_finds_it_out(tmp_path):
    net = cr.Network([3, 4, 2], dtype="float64", seed=0)
    to_js(net, tmp_path / "net.mjs")
    (worst,) = values(tmp_path, [("./net.mjs", "m.selfTest()")])
    assert 0 <= worst <= 1
    text, number = (tmp_path / "net.mjs").read_text(), repr(float(net.weights[1][1, 2]))
    assert text.count(number) == 1
    changed = repr(float(net.weights[1][1, 2] + 1e-9))
    (tmp_path / "changed.mjs").write_text(text.replace(number, changed))
    ((_, error),) = ask(tmp_path, [("./changed.mjs", "m.selfTest()")])
    assert error.startswith("Error: of ")


class Square:
    def value(self, z):
        return z * z

    def slope(self, z, a):
        return 2 * z


def test_what_cannot_leave_changes_no_file(tmp_path):
    path = tmp_path / "net.mjs"
    path.write_text("before")
    net = cr.Network([2, 3, 1], seed=0)
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="expected finite parameters"):
        to_js(net, path)
    with pytest.raises(TypeError, match="of your own, Square"):
        to_js(cr.Network([2, 3, 1], hidden=Square(), seed=0), path)
    net = cr.Network([2, 2], output="softmax", cost="log_likelihood", seed=0)
    net.classes = [2**53, 2**53 + 1]  # which are one number in JavaScript
    with pytest.raises(ValueError, match=r"classes that are text, or numbers up to 2\*\*53"):
        to_js(net, path)
    with pytest.raises(FileNotFoundError):
        to_js(cr.Network([2, 3, 1], seed=0), tmp_path / "nowhere" / "net.mjs")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_many_weights_are_no_call_with_many_arguments(tmp_path):
    net = cr.Network([400, 500, 2], seed=0)
    to_js(net, tmp_path / "net.mjs")
    assert values(tmp_path, [("./net.mjs", "m.selfTest() <= 1")]) == [True]
