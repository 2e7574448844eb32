"""Pages in headless Chromium: z, a and δ of each neuron are those of `trace`."""

import numpy as np
import pytest

import chainrule as cr
from browser import look
from chainrule.convert import to_html
from chainrule.convert.assembly import activation_of
from chainrule.convert.js_literals import part
from chainrule.core import _core
from node import values
from oracle import ANY_OUTPUT_COSTS, COST_DELTA, HIDDEN, name_of

# All that the page says, to the last digit.
READ = """
const all = (within, kind) =>
  Array.from(page.querySelectorAll(`${within} data.${kind}`), (each) => Number(each.value));
return { z: all("#all", "z"), a: all("#all", "a"), delta: all("#all", "delta"),
         cost: all("#cost", "cost"), outputs: all("#outputs", "output"),
         answer: page.getElementById("answer").textContent };
"""


def of_network(net, x, y):
    """What the page should say, by the network itself: z, a (with the inputs), δ, cost."""
    X, Y = np.array([x], net.dtype), np.array([y])
    trace = net.trace(X, Y)
    scaling = net._scaling.for_core
    first = X[0] if scaling is None else X[0] * scaling[0] + scaling[1]
    return {
        "z": np.concatenate([each[0] for each in trace.z]),
        "a": np.concatenate([first, *(each[0] for each in trace.a)]),
        "delta": np.concatenate([each[0] for each in trace.delta]),
        "cost": [net.evaluate(X, Y)["cost"]],
        "outputs": net(X)[0],
    }


def assert_same(page, expected, net):
    tolerance = 1e-12 if net.dtype == np.float64 else 2e-6
    for key, numbers in expected.items():
        scale = 1 + np.abs(numbers).max()
        np.testing.assert_allclose(page[key], numbers, rtol=0, atol=tolerance * scale, err_msg=key)


def fitted(cost, output, classes=None, **options):
    options = {"hidden": "tanh", "dtype": "float64", "init": "glorot", "seed": 3} | options
    net = cr.Network([3, 5, 4, options.pop("n_out", 3)], output=output, cost=cost, **options)
    if classes is not None:
        net.classes = classes
    return net


X0 = [0.3, -1.2, 0.8]
CASES = {  # a network, what the address says is the target, and that target for `trace`
    "quadratic": (fitted("quadratic", "identity"), "0.5,-1,2", [0.5, -1, 2]),
    "squared_error": (
        fitted("squared_error", "identity", output_scale=2.5, output_shift=10.0),
        "8,9,12.5", [8, 9, 12.5],
    ),
    "cross_entropy": (fitted("cross_entropy", "sigmoid", n_out=1, classes=["n", "y"]), "1", [1.0]),
    "cross_entropy, the other": (
        fitted("cross_entropy", "sigmoid", n_out=1, classes=["n", "y"]), "0", [0.0],
    ),
    "log_likelihood": (fitted("log_likelihood", "softmax"), "2", 2),
    "in float32": (fitted("log_likelihood", "softmax", dtype="float32"), "1", 1),
    "smoothed": (fitted(cr.costs.log_likelihood(0.2), "softmax"), "0", 0),
    "quadratic, softmax": (fitted("quadratic", "softmax"), "1", 1),
    "poisson": (fitted("poisson", "exponential"), "0,3,1", [0, 3, 1]),
    "gaussian": (fitted("gaussian", "identity", n_out=4), "0.5,2", [0.5, 2]),
    "gaussian in units": (
        fitted("gaussian", "identity", n_out=4, output_scale=[2.0, 5.0], output_shift=[1.0, -3.0]),
        "0.5,2", [0.5, 2],
    ),
    "hinge": (fitted("hinge", "identity", n_out=1, classes=[3, 7]), "1", [1.0]),
    "hinge, the other": (fitted("hinge", "identity", n_out=1, classes=[3, 7]), "0", [0.0]),
    "huber": (fitted(cr.costs.huber(0.3), "identity"), "0.5,-1,2", [0.5, -1, 2]),
    "quantile": (
        fitted(cr.costs.quantile([0.1, 0.9]), "identity", n_out=4, output_scale=[2.0, 3.0]),
        "1,2", [1, 2],
    ),
    "absolute_error": (fitted("absolute_error", "identity"), "0.5,-1,2", [0.5, -1, 2]),
    "scaled inputs": (
        fitted("quadratic", "sigmoid", input_scale=[2.0, 0.5, 1.0], input_shift=[1.0, 0, -1]),
        "1,0,0.5", [1, 0, 0.5],
    ),
    "no biases": (fitted("quadratic", "tanh", bias=False), "1,0,0.5", [1, 0, 0.5]),
    **{
        f"hidden {name}": (fitted("quadratic", "identity", hidden=name), "0.5,-1,2", [0.5, -1, 2])
        for name in HIDDEN
    },
}  # fmt: skip

MOVE = """
const slider = page.querySelectorAll("#inputs input[type=range]")[1];
slider.value = slider.min; slider.dispatchEvent(new view.Event("input"));
slider.dispatchEvent(new view.Event("change"));
const field = page.querySelectorAll("#inputs input[type=number]")[0];
field.value = "0.125"; field.dispatchEvent(new view.Event("input"));
const choice = page.getElementById("target");
choice.value = "2"; choice.dispatchEvent(new view.Event("change"));
"""


def test_numbers_are_those_of_trace(tmp_path):
    assert {name_of(each) for each in [*ANY_OUTPUT_COSTS, *COST_DELTA]} == set(cr.costs.COSTS)
    questions = []
    for i, (net, target, _) in enumerate(CASES.values()):
        to_html(net, tmp_path / f"{i}.html")
        address = f"{i}.html#x={','.join(map(str, X0))}&target={target}"
        questions.append((address, READ))
    for (name, (net, _, y)), page in zip(CASES.items(), look(tmp_path, questions), strict=True):
        try:
            assert_same(page, of_network(net, X0, y), net)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


def test_moving_changes_what_is_said(tmp_path):
    net, _, _ = CASES["log_likelihood"]
    data = np.array([[-1.0, -2.0, 0.0], [1.0, 2.5, 4.0], [0.5, 0.0, 0.0]])
    to_html(net, tmp_path / "net.html", X=data, names=["a", "b", "c"])
    asked = [
        ("net.html", READ),
        ("net.html", MOVE + READ),
        ("net.html", MOVE + "return view.location.hash"),
        ("net.html#x=9,9&target=1", READ),  # not as many as there are: as if nothing were said
        ("net.html#x=1,2,nan&target=7", READ),
    ]
    first, moved, address, *others = look(tmp_path, asked)
    start = np.median(data, axis=0)
    assert_same(first, of_network(net, start, 0), net)
    assert_same(moved, of_network(net, [0.125, -2.0, 0.0], 2), net)
    assert moved["answer"] == str(net.predict([0.125, -2.0, 0.0]))
    assert address == "#x=0.125,-2,0&target=2"
    assert_same(others[0], of_network(net, start, 1), net)
    assert_same(others[1], of_network(net, start, 0), net)


ROW = """
const layer = page.querySelectorAll("svg .neuron");
layer[3 + 5 + 2].dispatchEvent(new view.Event("pointerenter"));
const read = (within) =>
  Array.from(page.querySelectorAll(`${within} data`), (each) =>
    [each.className, Number(each.value)]);
const found = { sums: read("#sums"), row: read("#row") };
found.who = page.getElementById("who").textContent;
const edges = page.querySelectorAll("svg .touch");
edges[3 * 1 + 2].dispatchEvent(new view.Event("pointerenter"));
found.edge = page.getElementById("who").textContent;
found.marked = Array.from(page.querySelectorAll("#row tr.on th"), (each) => each.textContent);
found.lit = page.querySelectorAll("svg .edge.on").length;
layer[0].focus();
layer[0].dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight" }));
page.activeElement.dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowDown" }));
found.walked = page.getElementById("who").textContent;
found.told = page.activeElement.getAttribute("aria-label");
return found;
"""


def test_a_neuron_shows_its_row(tmp_path):
    net, target, y = CASES["scaled inputs"]
    to_html(net, tmp_path / "net.html")
    (found,) = look(tmp_path, [(f"net.html#x={','.join(map(str, X0))}&target={target}", ROW)])
    trace = net.trace(np.array([X0]), np.array([y], float))
    W, a, delta = net.weights[1][2], trace.a[0][0], trace.delta[1][0, 2]
    assert found["who"] == "neuron 3, layer 3"
    expected = {"b": net.biases[1][2], "z": trace.z[1][0, 2], "a": trace.a[1][0, 2],
                "delta": delta, "db": delta}  # fmt: skip
    assert [kind for kind, _ in found["sums"]] == list(expected)
    np.testing.assert_allclose([v for _, v in found["sums"]], list(expected.values()), rtol=1e-12)
    rows = np.array([v for _, v in found["row"]]).reshape(-1, 4)
    nabla = net.backprop(np.array([X0]), np.array([y], float)).weights[1][2]
    np.testing.assert_allclose(rows, np.c_[W, a, W * a, nabla], rtol=1e-11)
    assert found["edge"] == "neuron 2, layer 2"
    assert (found["marked"], found["lit"]) == (["x₃"], 1)
    assert found["walked"] == "neuron 2, layer 2"
    assert found["told"].startswith("neuron 2, layer 2: z ")


FIT = """
const list = (what) => Array.from(page.querySelectorAll(what));
const wide = (each) => each.scrollWidth > each.clientWidth + 1;
const apart = (a, b) =>
  a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
const overlaps = (what) => list(what).map((each) => each.getBoundingClientRect())
  .flatMap((a, i, all) => all.slice(i + 1).filter((b) => !apart(a, b))).length;
const svg = page.querySelector("svg").getBoundingClientRect();
const inside = (each) => {
  const box = each.getBoundingClientRect();
  return box.left >= svg.left - 1 && box.right <= svg.right + 1 && box.bottom <= svg.bottom + 1;
};
return {
  page: wide(page.documentElement), sections: list("section").filter(wide).length,
  boxes: overlaps("section"), drawn: overlaps("svg .ground, svg .layer, svg .name"),
  outside: list("svg text").filter((each) => !inside(each)).map((each) => each.textContent),
  unlabelled: list("input, select").filter((each) => !each.labels.length && !each.ariaLabel).length,
};
"""


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_overlaps_or_sticks_out(tmp_path, width):
    many = cr.Network([4, 24, 12, 3], output="softmax", cost="log_likelihood", seed=0)
    many.classes = ["a rather long name of a class", "short", "😀"]
    deep = cr.Network([2, 5, 5, 5, 5, 5, 5, 1], hidden="hard_sigmoid", seed=0)
    one = cr.Network([1, 1], seed=0)
    for name, net in (("many", many), ("deep", deep), ("one", one)):
        to_html(net, tmp_path / f"{name}.html", title="A title " * 9)
    questions = [(f"{name}.html", FIT) for name in ("many", "deep", "one")]
    for found in look(tmp_path, questions, width):
        assert found == {
            "page": False, "sections": 0, "boxes": 0, "drawn": 0, "outside": [], "unlabelled": 0,
        }  # fmt: skip


def test_an_estimator_has_a_page_with_its_classes(tmp_path):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier

    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.where(X[:, 0] > 0, "right", "left")
    estimator = MLPClassifier((4,), random_state=0).partial_fit(X, y, classes=["left", "right"])
    to_html(estimator, tmp_path / "net.html")
    (found,) = look(tmp_path, [("net.html#x=3,-1&target=1", READ)])
    assert found["answer"] == estimator.predict([[3.0, -1.0]])[0]
    p = estimator.predict_proba([[3.0, -1.0]])[0, 1]
    np.testing.assert_allclose(found["outputs"], [p], rtol=1e-6)
    np.testing.assert_allclose(found["cost"], [-np.log(p)], rtol=1e-5)


def test_outputs_that_overflow_have_a_page(tmp_path):
    net = cr.Network([1, 1], output="exponential", cost="poisson", dtype="float64", seed=0)
    net.parameters[:] = [1e4, 0]
    to_html(net, tmp_path / "net.html")
    (found,) = look(tmp_path, [("net.html#x=3", READ)])
    assert found["z"] == [3e4]


class Cube:
    def value(self, a, y):
        return (np.abs(a - y) ** 3).sum(axis=1)

    def delta(self, z, a, y):
        return 3 * (a - y) * np.abs(a - y)


def test_why_there_is_no_delta(tmp_path):
    own = cr.Network([2, 3, 1], output="identity", cost=Cube(), seed=0)
    step = cr.Network([2, 3, 1], hidden="step", seed=0)
    to_html(own, tmp_path / "own.html")
    to_html(step, tmp_path / "step.html")
    code = READ.replace("return {", 'return { why: page.getElementById("targets").textContent,')
    found = look(tmp_path, [("own.html", code), ("step.html", code)])
    assert found[0]["why"] == "There is no δ here: the cost, Cube(), is a function in Python."
    assert found[1]["why"].startswith("There is no δ here: a step has no derivative")
    for page in found:
        assert page["delta"] == page["cost"] == []
        assert len(page["z"]) == 4


NASTY = ["</script><script>document.title = 'hurt'</script>", "\"'&<b>{{script}}", "\u2028😀$&"]


def test_names_are_text_and_nothing_else(tmp_path):
    net = cr.Network([3, 3], output="softmax", cost="log_likelihood", seed=0)
    net.classes = sorted(NASTY)
    to_html(net, tmp_path / "net.html", names=NASTY, title=NASTY[0] + NASTY[1])
    code = """
    const text = (what) => Array.from(page.querySelectorAll(what), (each) => each.textContent);
    return { title: page.title, h1: text("h1"), names: text("#inputs label"),
             bars: text("#outputs .name"), scripts: page.scripts.length,
             bold: page.querySelectorAll("b").length };
    """
    (found,) = look(tmp_path, [("net.html", code)])
    assert found == {
        "title": NASTY[0] + NASTY[1], "h1": [NASTY[0] + NASTY[1]], "names": NASTY,
        "bars": sorted(NASTY), "scripts": 1, "bold": 0,
    }  # fmt: skip


def test_a_page_needs_nothing_besides(tmp_path):
    to_html(cr.Network([2, 3, 1], seed=0), tmp_path / "net.html")
    text = (tmp_path / "net.html").read_text("utf-8")
    for each in ("src=", "@import", "url(", "fetch(", "href=", "import("):
        assert each not in text
    assert text.count("http") == 1  # the name of SVG's elements
    assert "http://www.w3.org/2000/svg" in text


def test_slopes_are_derivatives(tmp_path):
    """Of the compiled core: also far out, where powers overflow."""
    parts = part("js_functions.js") + part("js_backward.js")
    (tmp_path / "m.mjs").write_text(parts + "export { SLOPES, ACTIVATIONS };", "utf-8")
    z = np.concatenate([np.linspace(-9, 9, 37) + 0.01, [-700.5, 700.5], [-1e6, 1e6]])
    names = [name for name in cr.activations.ACTIVATIONS if name not in ("softmax", "step")]
    found = values(tmp_path, [
        ("./m.mjs", f"{z.tolist()}.map((z) => m.SLOPES.{name}(z, m.ACTIVATIONS.{name}(z, 1), 1))")
        for name in names
    ])  # fmt: skip
    for name, got in zip(names, found, strict=True):
        sigma = activation_of(name, 1.0)
        a, expected = np.empty((1, len(z))), np.ones((1, len(z)))
        _core.activate(sigma.compiled, z[None], a)
        _core.activation_prime(sigma.compiled, z[None], a, expected)
        finite = np.isfinite(expected[0])
        assert finite.sum() >= len(z) - 1
        got = np.array(got, np.float64)[finite]
        np.testing.assert_allclose(got, expected[0, finite], rtol=1e-13, atol=2e-15, err_msg=name)


def large():
    return cr.Network([2, 25, 1], seed=0)


def ensemble(n):
    return cr.Ensemble([cr.Network([2, 3, 1], seed=k) for k in range(n)])


NET = cr.Network([2, 3, 1], seed=0)


@pytest.mark.parametrize(
    ("net", "options", "kind", "message"),
    [
        (large(), {}, ValueError, r"24 neurons in each.*got sizes \[2, 25, 1\]"),
        (cr.Network([1] * 9, seed=0), {}, ValueError, "at most 8 layers"),
        (cr.Network([24, 24, 24, 1], seed=0), {}, ValueError, "800 weights.*1176 weights"),
        (ensemble(2), {}, ValueError, "a page holds one network, not an ensemble of 2"),
        (ensemble(1), {}, TypeError, r"expected a Network, .*ensemble\[0\]"),
        (3, {}, TypeError, "got builtins.int"),
        (NET, {"X": [[1, 2, 3]]}, ValueError, r"X must be inputs \(m, 2\), m >= 1; got shape"),
        (NET, {"X": np.empty((0, 2))}, ValueError, "X must be inputs"),
        (NET, {"X": [[1, np.nan]]}, ValueError, "X must be finite"),
        (NET, {"names": "ab"}, TypeError, "names must be a list of text"),
        (NET, {"names": ["a", 1]}, TypeError, "names must be a list of text"),
        (NET, {"names": ["a"]}, ValueError, "names must be 2, one for each input; got 1"),
        (NET, {"title": 3}, TypeError, "title must be a string"),
        (NET, {"titel": "a"}, TypeError, "to_html.* has no option 'titel'"),
    ],
)
def test_what_does_not_fit_changes_no_file(tmp_path, net, options, kind, message):
    path = tmp_path / "net.html"
    path.write_text("before")
    with pytest.raises(kind, match=message):
        to_html(net, path, **options)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_is_refused(tmp_path):
    from chainrule.tables.predictor import Predictor
    from chainrule.tables.preparation import Preparation

    preparation = Preparation.learn(np.random.default_rng(0).normal(size=(20, 2)))
    net = cr.Network([2, 1], output="identity", seed=0)
    with pytest.raises(ValueError, match="a page holds networks of numbers"):
        to_html(Predictor(preparation, cr.Ensemble([net])), tmp_path / "net.html")
