"""The doctor: each ailment is made on purpose and found alone, with figures computed anew here."""

import numpy as np
import pytest

import oracle
from chainrule import SGD, Network, diagnose
from chainrule.history import History

SIZES = [6, 8, 7, 3]


def samples(m=300, seed=0):
    """(m, 6) standard normal inputs, and three classes that a linear map tells apart."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, 6))
    return X, (X @ rng.normal(size=(6, 3))).argmax(axis=1)


X, LABELS = samples()
Y = oracle.one_hot(LABELS, 3)


def classifier(sizes=SIZES, hidden="relu", init="he", seed=0, **options):
    options = {"output": "softmax", "cost": "log_likelihood", **options}
    return Network(sizes, hidden=hidden, init=init, dtype="float64", seed=seed, **options)


def regressor(sizes, hidden="tanh", init="glorot", **options):
    options = {"output": "identity", "cost": "quadratic", "seed": 0, **options}
    return Network(sizes, hidden=hidden, init=init, dtype="float64", **options)


def alone(diagnosis, kind, severity="serious"):
    """The finding, which must be the only one; its figures stand in its text as well."""
    assert [(finding.kind, finding.severity) for finding in diagnosis] == [(kind, severity)]
    assert diagnosis[0].text in " ".join(str(diagnosis[0]).split())
    assert diagnosis[0].advice
    return diagnosis[0]


def says(finding, *parts):
    for part in parts:
        assert part in finding.text, f"{part!r} is not in: {finding.text}"


def course(costs, **measures):
    """A History with these columns."""
    history = History(0, measures)
    history.core_columns[0].extend(costs)
    for name, values in measures.items():
        history._columns[name].extend(values)
    return history


def of_oracle(net, x=X, y=Y):
    """z and δ by the definitions, as lists by layer."""
    twin = oracle.copy_of(net)
    zs, _ = oracle.feedforward(twin, x)
    return zs, oracle.deltas(twin, zs, y)


def mean_norm(delta):
    """The root mean square over samples of ‖δ_x‖."""
    return np.sqrt(np.mean([row @ row for row in delta]))


def test_nothing_is_found_in_a_new_network_on_good_data():
    diagnosis = diagnose(classifier(), X, LABELS)
    assert list(diagnosis) == []
    assert repr(diagnosis) == "<Diagnosis: nothing found>"
    assert str(diagnosis) == "The network 6-8-7-3, looked at with 300 samples: nothing found."


# ---------------------------------------------------------------- inputs


def test_inputs_that_are_not_scaled():
    scaled = X * [1, 1, 3, 200, 1, 1] + [0, 0, 0, 50, 1.5, 40]
    finding = alone(diagnose(classifier([6, 8, 3]), scaled, LABELS), "unscaled_inputs")
    column = scaled[:, 3]
    assert finding.figures["columns"] == 2  # of size 200 and 40; 1.5 and 3 are near enough
    assert (finding.figures["of"], finding.figures["worst"]) == (6, 3)
    assert finding.figures["mean"] == pytest.approx(column.mean())
    assert finding.figures["deviation"] == pytest.approx(column.std())
    assert (finding.figures["least"], finding.figures["largest"]) == (column.min(), column.max())
    says(finding, "2 of 6 columns", "X[:, 3]", f"{column.mean():.4g}", f"{column.std():.4g}")
    spans = np.ptp(scaled, axis=0)
    assert finding.figures["factor"] == pytest.approx(spans[3] / spans.min())
    says(finding, f"a factor of {spans[3] / spans.min():.3g}")


def test_a_column_far_off_center_beside_its_spread():
    finding = alone(
        diagnose(classifier(hidden="sigmoid"), X + np.eye(6)[1] * 4, LABELS), "unscaled_inputs"
    )
    assert (finding.figures["columns"], finding.figures["worst"]) == (1, 1)
    assert "factor" not in finding.figures


def test_columns_of_different_scales():
    narrow = X * [1, 1, 1e-3, 1, 1, 1]
    finding = alone(diagnose(classifier(), narrow, LABELS), "different_scales", "warning")
    spans = np.ptp(narrow, axis=0)
    assert finding.figures == {
        "factor": pytest.approx(spans.max() / spans[2]),
        "widest": spans.argmax(),
        "narrowest": 2,
    }


@pytest.mark.parametrize(("columns", "severity"), [([1, 4], "note"), (range(6), "serious")])
def test_constant_columns(columns, severity):
    fixed = X.copy()
    fixed[:, columns] = 0.1
    # targets that do not depend on the inputs would otherwise be all alike to the network
    diagnosis = diagnose(classifier(), fixed, LABELS)
    finding = next(f for f in diagnosis if f.kind == "constant_inputs")
    assert finding.severity == severity
    assert finding.figures == {"columns": tuple(columns), "of": 6}
    says(finding, f"{len(columns)} of 6", f"X[:, {columns[0]}], always 0.1")


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("as_rows", [False, True])
def test_one_class_alone(as_rows):
    labels = np.full(300, 2)
    y = oracle.one_hot(labels, 3) if as_rows else labels
    finding = alone(diagnose(classifier(), X, y), "same_targets")
    assert finding.figures == {"samples": 300, "class": 2}
    says(finding, "All 300 samples", "class, 2")


def test_one_class_alone_after_training():
    net = classifier()
    net.fit(X, np.zeros(300, int), optimizer=SGD(0.1), epochs=20)
    alone(diagnose(net, X, np.zeros(300, int)), "same_targets")


def test_targets_that_are_all_the_same_number():
    alone(diagnose(regressor([6, 8, 1]), X, np.full(300, 0.5)), "same_targets")


def test_classes_that_never_occur():
    finding = alone(diagnose(classifier([6, 8, 5]), X, LABELS), "missing_classes", "warning")
    assert finding.figures == {"classes": (3, 4), "of": 5}
    says(finding, "Of 5 classes 2", "300 targets", "3, 4")


@pytest.mark.parametrize("outputs", [1, 2])
def test_unbalanced_classes(outputs):
    order = np.argsort(X[:, 0])
    y = np.zeros(300, int)
    y[order[:12]] = 1
    net = classifier([6, 8, 2])
    if outputs == 1:
        net = classifier([6, 8, 1], output="sigmoid", cost="cross_entropy")
    finding = alone(diagnose(net, X, y), "class_imbalance", "warning")
    assert finding.figures == {"most": 0, "least": 1, "counts": (288, 12), "ratio": 24.0}
    says(finding, "288 of 300", "96%", "only 12", "24 times")


@pytest.mark.parametrize(
    ("output", "y", "outside", "low", "high"),
    [
        ("sigmoid", np.linspace(-0.5, 1.5, 300), 150, 0, 1),
        ("tanh", np.linspace(-2, 2, 300), 150, -1, 1),
        ("relu", np.linspace(-1, 2, 300), 100, 0, np.inf),
        ("softmax", np.linspace(-1, 2, 300), 200, 0, 1),
    ],
)
def test_targets_that_the_output_cannot_give(output, y, outside, low, high):
    Y = np.c_[y, y[::-1]] if output == "softmax" else y[:, None]
    net = regressor([6, 8, Y.shape[1]], output=output)
    finding = alone(diagnose(net, X, Y), "targets_out_of_range")
    assert finding.figures == {
        "outside": outside * Y.shape[1],
        "share": outside / 300,
        "least": Y.min(),
        "largest": Y.max(),
        "low": low,
        "high": high,
    }
    says(finding, f"{output} output", f"{outside * Y.shape[1]} of {Y.size}")


def test_targets_at_the_ends_of_the_range_are_well():
    for output, ends in (("sigmoid", (0.0, 1.0)), ("tanh", (-1.0, 1.0)), ("relu", (0.0, 3.0))):
        y = np.where(X[:, 0] > 0, *ends)
        diagnosis = diagnose(regressor([6, 8, 1], output=output), X, y)
        assert "targets_out_of_range" not in [finding.kind for finding in diagnosis]


def test_targets_that_are_not_scaled():
    y = np.c_[X[:, 0], 500 + 30 * X[:, 1]]
    finding = alone(diagnose(regressor([6, 8, 2]), X, y), "unscaled_targets", "warning")
    assert finding.figures == {
        "worst": 1,
        "mean": pytest.approx(y[:, 1].mean()),
        "deviation": pytest.approx(y[:, 1].std()),
    }


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize("layer", [2, 3])
def test_a_relu_layer_that_is_dead(layer):
    net = classifier()
    net.biases[layer - 2][:] = -100
    finding = alone(diagnose(net, X, LABELS), "dead_units")
    units = SIZES[layer - 1]
    assert finding.figures == {"layers": (layer,), "units": (units,), "dead": (units,)}
    says(finding, f"{units} of the {units} relu units of layer {layer}")


def test_relu_layers_that_are_all_dead():
    net = classifier()
    for b in net.biases[:-1]:
        b[:] = -100
    finding = alone(diagnose(net, X, LABELS), "dead_units")  # the first, whose fault it is
    assert finding.figures == {"layers": (2,), "units": (8,), "dead": (8,)}


def test_some_dead_units():
    net = classifier()
    net.biases[0][[1, 5]] = -100
    finding = alone(diagnose(net, X, LABELS), "dead_units", "warning")
    off = (of_oracle(net)[0][0] <= 0).all(axis=0)
    assert finding.figures == {"layers": (2,), "units": (8,), "dead": (off.sum(),)}
    assert off.sum() == 2


@pytest.mark.parametrize(("hidden", "largest"), [("sigmoid", 0.25), ("tanh", 1.0)])
@pytest.mark.parametrize("layer", [2, 3])
def test_saturated_units(hidden, largest, layer):
    net = classifier(hidden=hidden, init="scaled")
    net.weights[layer - 2][:] *= 50
    net.biases[layer - 2][0] = 1000  # saturated for every sample
    finding = alone(diagnose(net, X, LABELS), "saturated_units")
    saturated = oracle.PRIME[hidden](of_oracle(net)[0][layer - 2]) < largest / 20
    assert saturated.mean() > 0.6
    assert finding.figures == {
        "layers": (layer,),
        "units": (SIZES[layer - 1],),
        "saturated": (pytest.approx(saturated.mean(), abs=1e-12),),
        "stuck": (saturated.all(axis=0).sum(),),
    }
    says(finding, f"{100 * saturated.mean():.0f}% of the {hidden} units of layer {layer}")


def test_units_stuck_in_saturation_are_found_where_few_are_saturated():
    net = classifier(hidden="tanh", init="glorot")
    net.biases[1][:2] = 30
    finding = alone(diagnose(net, X, LABELS), "saturated_units", "warning")
    assert (finding.figures["layers"], finding.figures["stuck"]) == ((3,), (2,))
    says(finding, "2 of 7 for every sample")


def test_a_vanishing_gradient():
    net = classifier([6, *[8] * 10, 3], hidden="sigmoid", init="scaled")
    finding = alone(diagnose(net, X, LABELS), "vanishing_gradient")
    delta = [mean_norm(d) for d in of_oracle(net)[1]]
    assert finding.figures == {
        "first": pytest.approx(delta[0], rel=1e-9),
        "last": pytest.approx(delta[9], rel=1e-9),
        "ratio": pytest.approx(delta[0] / delta[9], rel=1e-9),
        "layers": (2, 11),
    }
    says(finding, f"{delta[0]:.2g} in layer 2", f"{delta[9]:.2g} in layer 11")


def test_an_exploding_gradient():
    net = regressor([6, *[30] * 10, 2], hidden="relu", init="he")
    for w in net.weights:
        w *= 5
    y = X[:, :2]
    finding = alone(diagnose(net, X, y), "exploding_gradient")
    delta = [mean_norm(d) for d in of_oracle(net, X, y)[1]]
    assert finding.figures["ratio"] == pytest.approx(delta[0] / delta[9], rel=1e-9)
    assert finding.figures["layers"] == (2, 11)
    says(finding, f"{delta[0] / delta[9]:.2g} times more")


def test_float32_neither_overflows_nor_underflows_in_a_norm():
    net = Network([6, 5, 5, 1], hidden="identity", output="identity", init="glorot", seed=0)
    net.weights[2][:] *= 1e-30  # δ^2 and δ^3 are some 1e-30, whose squares are 0 in float32
    layers = diagnose(net, X, X[:, 0]).layers
    delta = [mean_norm(d) for d in of_oracle(net, X.astype("float32"), X[:, :1])[1]]
    assert [layer.delta for layer in layers] == pytest.approx(delta, rel=1e-5)


def test_an_output_that_is_saturated_and_wrong():
    net = classifier(hidden="tanh", init="glorot", output="sigmoid", cost="quadratic")
    net.biases[-1][:] = [9, -9, -9]
    finding = alone(diagnose(net, X, LABELS), "saturated_output")
    share = np.mean(LABELS != 0)  # always the answer (1, 0, 0)
    assert finding.figures == {"layer": 4, "share": pytest.approx(share)}
    says(finding, f"{100 * share:.0f}% of the samples", "layer 4")
    # The cross-entropy cancels σ', so that there it is no ailment; one answer for all it is.
    net = classifier(hidden="tanh", init="glorot", output="sigmoid", cost="cross_entropy")
    net.biases[-1][:] = [9, -9, -9]
    assert "saturated_output" not in [finding.kind for finding in diagnose(net, X, LABELS)]


def test_a_gradient_that_is_zero_everywhere():
    net = classifier(hidden="tanh", init="glorot", cost="quadratic")
    net.biases[-1][:] = [0, 500, 0]
    finding = alone(diagnose(net, X, LABELS), "zero_gradient")
    wrong = np.mean(LABELS != 1)  # by √2, for outputs (0, 1, 0)
    assert finding.figures == {
        "delta": pytest.approx(0, abs=1e-100),
        "error": pytest.approx(np.sqrt(2 * wrong)),
    }


def test_units_that_are_all_alike():
    finding = alone(diagnose(classifier(init="zeros"), X, LABELS), "identical_units")
    assert finding.figures == {"layers": (2, 3)}
    net = classifier(init="zeros")
    net.weights[1][:] = np.random.default_rng(0).normal(size=(7, 8))  # layer 2 is told apart by it
    diagnosis = diagnose(net, X, LABELS)
    assert "identical_units" not in [finding.kind for finding in diagnosis]


def test_one_answer_for_all_samples():
    net = regressor([6, 8, 2])
    net.weights[1][:] *= 1e-6
    finding = alone(diagnose(net, X, X[:, :2]), "same_outputs")
    spread = oracle.feedforward(oracle.copy_of(net), X)[1][-1].std(axis=0).max()
    assert finding.figures == {
        "spread": pytest.approx(spread),
        "wanted": pytest.approx(X[:, :2].std(axis=0).max()),
    }


@pytest.mark.parametrize(
    ("layer", "what", "spoil"),
    [
        (3, "W", lambda net: net.weights[1].__setitem__((2, 1), np.nan)),
        (2, "b", lambda net: net.biases[0].__setitem__(0, np.inf)),
        (3, "z", lambda net: [w.__imul__(1e25) for w in net.weights]),
        (3, "δ", lambda net: net.weights[2].__imul__(1e30)),
    ],
)
def test_numbers_that_are_not_finite(layer, what, spoil):
    net = Network(SIZES, hidden="identity", output="identity", init="glorot", seed=0)
    spoil(net)
    finding = alone(diagnose(net, X, X[:, :3]), "not_finite")
    assert finding.figures == {"layer": layer, "what": what}
    says(finding, f"{what} of layer {layer}")
