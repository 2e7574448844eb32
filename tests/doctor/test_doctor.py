"""The doctor: each ailment is made on purpose and found alone, with figures computed anew here."""

import doctest
import importlib

import numpy as np
import pytest

import oracle
from chainrule import SGD, Network, diagnose
from chainrule.datasets import load_digits8x8
from chainrule.doctor.findings import Score
from chainrule.doctor.symptoms_of_training import look_at_scores
from chainrule.results.history import History

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
    finished, column = history.core_columns[:2]
    column.extend(costs)
    finished[0] = len(column)
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
    scaled = X * [7, 1, 3, 200, 1, 1] + [0, 0, 0, 50, 1.5, 40]
    finding = alone(diagnose(classifier([6, 8, 3]), scaled, LABELS), "unscaled_inputs")
    column = scaled[:, 3]
    assert finding.figures["columns"] == 3  # of sizes 7, 200 and 40; 3 is near enough
    assert (finding.figures["of"], finding.figures["worst"]) == (6, 3)
    assert finding.figures["mean"] == pytest.approx(column.mean())
    assert finding.figures["deviation"] == pytest.approx(column.std())
    assert (finding.figures["least"], finding.figures["largest"]) == (column.min(), column.max())
    says(finding, "3 of 6 columns", "X[:, 3]", f"{column.mean():.4g}", f"{column.std():.4g}")
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
    assert "fit(..., class_weight='balanced')" in finding.advice


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
        "first": pytest.approx(delta[0], rel=1e-9, abs=0),
        "last": pytest.approx(delta[9], rel=1e-9),
        "ratio": pytest.approx(delta[0] / delta[9], rel=1e-9, abs=0),
        "layers": (2, 11),
    }
    says(finding, f"{delta[0]:.2g} in layer 2", f"{delta[9]:.2g} in layer 11")


def test_an_exploding_gradient():
    net = regressor([6, *[30] * 5, 2], hidden="relu", init="he")
    for w in net.weights:
        w *= 5
    y = X[:, :2]
    finding = alone(diagnose(net, X, y), "exploding_gradient")
    delta = [mean_norm(d) for d in of_oracle(net, X, y)[1]]
    assert finding.figures["ratio"] == pytest.approx(delta[0] / delta[4], rel=1e-9)
    assert finding.figures["layers"] == (2, 6)
    says(finding, f"{delta[0] / delta[4]:.2g} times more")


def test_float32_neither_overflows_nor_underflows_in_a_norm():
    net = Network([6, 5, 5, 1], hidden="identity", output="identity", init="glorot", seed=0)
    net.weights[2][:] *= 1e-30  # δ^2 and δ^3 are some 1e-30, whose squares are 0 in float32
    layers = diagnose(net, X, X[:, 0]).layers
    delta = [mean_norm(d) for d in of_oracle(net, X.astype("float32"), X[:, :1])[1]]
    assert [layer.delta for layer in layers] == pytest.approx(delta, rel=1e-5, abs=0)


def test_an_output_that_is_saturated_and_wrong():
    net = classifier(hidden="tanh", init="glorot", output="sigmoid", cost="quadratic")
    net.biases[-1][:] = [9, -9, -9]
    finding = alone(diagnose(net, X, LABELS), "saturated_output", "warning")
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


def test_the_table_of_the_layers():
    net = classifier(hidden=["relu", "tanh"])
    net.biases[0][3] = -50
    layers = diagnose(net, X, LABELS).layers
    zs, delta = of_oracle(net)
    off, flat = zs[0] <= 0, oracle.PRIME["tanh"](zs[1]) < 1 / 20
    assert [(x.number, x.activation, x.units) for x in layers] == [
        (2, "relu", 8), (3, "tanh", 7), (4, "softmax", 3)
    ]  # fmt: skip
    assert [x.stuck for x in layers] == [off.all(axis=0).sum(), flat.all(axis=0).sum(), 0]
    assert [x.saturated for x in layers[:2]] == pytest.approx([off.mean(), flat.mean()])
    assert np.isnan(layers[2].saturated)
    assert [x.delta for x in layers] == pytest.approx([mean_norm(d) for d in delta])
    norms = [np.sqrt((w**2).sum()) for w in oracle.copy_of(net).weights]
    assert [x.weights for x in layers] == pytest.approx(norms)
    lines = str(layers).splitlines()
    assert lines[0].split() == ["layer", "activation", "units", "saturated", "stuck", "‖δ‖", "‖W‖"]
    percentages = [f"{100 * off.mean():.0f}%", f"{100 * flat.mean():.0f}%", "-"]
    assert [line.split()[3] for line in lines[1:]] == percentages
    assert len({len(line) for line in lines}) == 1


# ---------------------------------------------------------------- the course of training


def test_a_rate_far_too_high():
    net = regressor([6, 1])
    net.fit(X, X[:, :1], optimizer=SGD(2.2), epochs=8, batch_size=300)  # beyond 2/λ of XᵀX/m
    costs = net.history.cost
    assert costs[-1] > 2 * costs.min()
    finding = alone(diagnose(net, X, X[:, :1], optimizer=SGD(2.2)), "cost_rising")
    assert finding.figures == {
        "first": costs[0],
        "lowest": costs.min(),
        "last": costs[-1],
        "epoch": costs.argmin(),
        "learning_rate": 2.2,
    }
    says(finding, f"{costs.min():.3g} in epoch {costs.argmin()}", f"{costs[-1]:.3g} in epoch 7")
    assert "0.22 instead of 2.2" in finding.advice


def test_a_cost_that_rises_after_it_fell():
    history = course([2.0, 1.0, 0.5, 1.0, 1.2])
    finding = alone(diagnose(classifier(), X, LABELS, history=history), "cost_rising")
    assert (finding.figures["lowest"], finding.figures["epoch"]) == (0.5, 2)
    assert finding.advice == "a tenth of the learning rate."


@pytest.mark.parametrize(
    "costs",
    [
        [2.0, 1.0, 0.5, 0.4, 0.9],  # once, perhaps by chance
        [2.0, 1.0, 0.1, 0.2, 0.2],  # by little of what was gained
        [1.0, 0.99, 0.9, 0.97, 0.97],  # by little of what it is
        [3.0, *[1e-3, 3e-3] * 6],  # at nearly nothing
        [1.0, 1.0, 1.0, 1.0],  # in too few epochs
        [],
    ],
)
def test_courses_that_are_well(costs):
    assert list(diagnose(classifier(), X, LABELS, history=course(costs))) == []


def test_a_rate_far_too_low():
    net = classifier()
    net.fit(X, LABELS, optimizer=SGD(1e-6), epochs=20)
    assert net.evaluate(X, LABELS)["accuracy"] < 0.38  # the commonest class: 0.39
    finding = alone(diagnose(net, X, LABELS, optimizer=SGD(1e-6)), "cost_flat")
    costs = net.history.cost
    assert finding.figures == {
        "first": costs[0], "last": costs[-1], "epochs": 20, "learning_rate": 1e-6
    }  # fmt: skip
    says(finding, f"{costs[0]:.4g}", f"{costs[-1]:.4g}", "20 epochs")
    assert "1e-05 instead of 1e-06" in finding.advice


def test_a_flat_cost_is_a_warning_where_something_was_learned_before():
    net = classifier()
    net.fit(X, LABELS, optimizer=SGD(0.1), epochs=2)
    assert 0.5 < net.evaluate(X, LABELS)["accuracy"] < 0.8
    net.fit(X, LABELS, optimizer=SGD(1e-6), epochs=20)
    alone(diagnose(net, X, LABELS), "cost_flat", "warning")


def test_a_cost_that_goes_up_and_down():
    costs = [3.0, 2.0, 1.5, 1.2, 1.0, 0.9, 0.9, 1.2, 0.8, 1.1, 0.7, 1.0, 0.7, 1.0]
    finding = alone(
        diagnose(classifier(), X, LABELS, history=course(costs)), "cost_oscillating", "warning"
    )
    assert finding.figures == {
        "rises": 3,
        "of": 6,
        "rise": pytest.approx(0.3),
        "level": pytest.approx(np.mean(costs[7:])),
    }


def test_up_and_down_is_no_finding_where_the_task_is_learned():
    net = classifier()
    net.fit(X, LABELS, optimizer=SGD(0.3), epochs=40)
    assert net.evaluate(X, LABELS)["accuracy"] > 0.9
    costs = [3.0, 2.0, 1.5, 1.2, 1.0, 0.9, 0.9, 1.2, 0.8, 1.1, 0.7, 1.0, 0.7, 1.0]
    kinds = [finding.kind for finding in diagnose(net, X, LABELS, history=course(costs))]
    assert "cost_oscillating" not in kinds


def test_a_cost_that_is_not_finite():
    history = course([1.0, 0.8, np.inf])
    finding = alone(diagnose(classifier(), X, LABELS, history=history), "cost_not_finite")
    assert finding.figures == {"epoch": 2}


def test_the_history_is_that_of_the_network_if_none_is_given():
    net = classifier()
    assert list(diagnose(net, X, LABELS)) == []
    net.history = course([2.0, 1.0, 0.5, 1.0, 1.2])
    assert diagnose(net, X, LABELS)[0].kind == "cost_rising"
    assert list(diagnose(net, X, LABELS, history=course([2.0, 1.0, 0.5]))) == []


# ---------------------------------------------------------------- how well it does


def test_random_labels_learned_by_heart():
    rng = np.random.default_rng(2)
    labels, unseen = (rng.permutation(np.arange(m) % 3) for m in (30, 90))
    net = classifier([6, 60, 3])
    net.fit(X[:30], labels, optimizer=SGD(0.5), epochs=300, batch_size=30)
    validation = X[100:190], unseen
    finding = alone(diagnose(net, X[:30], labels, validation_data=validation), "overfitting")
    right = np.mean(net(X[100:190]).argmax(axis=1) == unseen)
    assert finding.figures == {
        "training": 1.0, "validation": pytest.approx(right), "gap": pytest.approx(1 - right)
    }  # fmt: skip
    says(finding, "100% of the training", f"{100 * right:.0f}% of the validation")


def test_noise_learned_by_heart():
    rng = np.random.default_rng(3)
    y, unseen = rng.normal(size=(12, 1)), rng.normal(size=(100, 1))
    net = regressor([6, 60, 1])
    net.fit(X[:12], y, optimizer=SGD(0.1), epochs=2000, batch_size=12)
    finding = alone(diagnose(net, X[:12], y, validation_data=(X[100:200], unseen)), "overfitting")

    def explained(x, y):
        return 1 - ((y - net(x)) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    assert finding.figures["training"] == pytest.approx(explained(X[:12], y))
    assert finding.figures["validation"] == pytest.approx(explained(X[100:200], unseen))


@pytest.mark.parametrize(
    ("right", "samples", "severity"),
    [
        (850, 1000, "warning"),  # still good
        (700, 1000, "serious"),
        (880, 1000, None),  # 0.12, less two standard errors of 0.010
        (4, 5, None),  # of so few, one may be chance
        (2, 3, None),
        (0, 3, "serious"),
    ],
)
def test_how_large_a_gap_is_overfitting(right, samples, severity):
    training, validation = Score(1.0, 0.1, True, 500), Score(right / samples, 0.1, True, samples)
    found = look_at_scores(training, validation, classifier(), False)
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_a_validation_cost_that_turned():
    validation = [2.0, 1.0, 0.6, 1.0, 1.1]
    history = course([2.0, 1.0, 0.5, 0.3, 0.2], validation_cost=validation)
    finding = alone(diagnose(classifier(), X, LABELS, history=history), "overfitting", "warning")
    assert finding.figures == {"epoch": 2, "lowest": 0.6, "last": 1.1}
    history = course([2.0, 1.0, 0.5, 0.3, 0.2], validation_cost=[2.0, 1.0, 0.6, 0.65, 0.7])
    assert list(diagnose(classifier(), X, LABELS, history=history)) == []


def test_a_network_that_has_learned_next_to_nothing():
    y = np.random.default_rng(4).permutation(np.repeat([0, 0, 1, 2], 75))
    net = classifier([6, 2, 3], hidden="tanh", init="glorot")
    net.fit(X, y, optimizer=SGD(0.1), epochs=30)
    accuracy = np.mean(net(X).argmax(axis=1) == y)
    assert accuracy < 0.54
    finding = alone(diagnose(net, X, y), "underfitting")
    assert finding.figures == {
        "score": pytest.approx(accuracy), "guess": 0.5, "epochs": 30
    }  # fmt: skip
    says(finding, f"{100 * accuracy:.0f}%", "50%", "30 epochs")


# ---------------------------------------------------------------- no false alarms


def serious(diagnosis):
    return [str(finding) for finding in diagnosis if finding.severity == "serious"]


@pytest.mark.parametrize(
    ("hidden", "init"), [("sigmoid", "scaled"), ("tanh", "glorot"), ("relu", "he")]
)
@pytest.mark.parametrize(
    ("output", "cost", "rate"),
    [
        ("sigmoid", "quadratic", 1.0),
        ("sigmoid", "cross_entropy", 0.1),
        ("softmax", "log_likelihood", 0.1),
    ],
)
def test_healthy_networks_for_digits(hidden, init, output, cost, rate):
    pytest.importorskip("sklearn")
    digits, labels = load_digits8x8()
    order = np.random.default_rng(0).permutation(len(digits))
    train, unseen = order[:1400], order[1400:]
    data = digits[train], labels[train]
    validation = digits[unseen], labels[unseen]
    net = Network([64, 30, 20, 10], hidden=hidden, init=init, output=output, cost=cost, seed=0)
    if (hidden, cost) == ("relu", "quadratic"):
        rate = 0.3  # at 1.0 the cost does go up and down, with one seed in four
    for epochs in (0, 2, 18):
        net.fit(*data, optimizer=SGD(rate), epochs=epochs, batch_size=10)
        diagnosis = diagnose(net, *data, validation_data=validation)
        assert serious(diagnosis) == []
    assert net.evaluate(*validation)["accuracy"] > 0.9
    assert {f.kind for f in diagnosis if f.severity != "note"} == set()


@pytest.mark.parametrize("seed", range(5))
def test_healthy_networks_for_xor(seed):
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    net = Network([2, 8, 1], hidden="tanh", cost="cross_entropy", seed=seed)
    assert list(diagnose(net, x, y)) == []
    net.fit(x, y, optimizer=SGD(0.5, momentum=0.9), epochs=300, batch_size=4)
    assert net.evaluate(x, y)["accuracy"] == 1
    assert list(diagnose(net, x, y)) == []


@pytest.mark.parametrize(("hidden", "init"), [("tanh", "scaled"), ("relu", "he")])
@pytest.mark.parametrize("sizes", [[1, 20, 1], [1, 16, 16, 1]])
def test_healthy_networks_for_a_sine(hidden, init, sizes):
    x = np.linspace(-np.pi, np.pi, 200)[:, None]
    net = regressor(sizes, hidden=hidden, init=init)
    assert serious(diagnose(net, x, np.sin(x))) == []
    net.fit(x, np.sin(x), optimizer=SGD(0.02, momentum=0.9), epochs=100, batch_size=10)
    between = x[:-1] + 0.01
    diagnosis = diagnose(net, x, np.sin(x), validation_data=(between, np.sin(between)))
    assert serious(diagnosis) == []
    assert net.evaluate(x, np.sin(x))["cost"] < 0.02


# ---------------------------------------------------------------- the note, the sample, bad input


def test_the_note_begins_with_what_is_most_serious():
    net = classifier([6, 8, 5])
    net.biases[0][:] = -100
    x = np.c_[X[:, :5], np.ones(300)]
    diagnosis = diagnose(net, x, LABELS)
    kinds = ["dead_units", "missing_classes", "constant_inputs"]
    assert [finding.kind for finding in diagnosis] == kinds
    assert repr(diagnosis) == f"<Diagnosis: {', '.join(kinds)}>"
    assert diagnosis[-1].kind == "constant_inputs"
    text = str(diagnosis)
    assert text.startswith("The network 6-8-5, looked at with 300 samples:\n\n1. Serious: 8 of the")
    assert "\n\n2. Warning: " in text
    assert "\n\n3. Note: " in text
    assert max(map(len, text.splitlines())) <= 88
    flat = " ".join(text.split())
    for finding in diagnosis:
        assert f"{finding.text} Try: {finding.advice}" in flat


def test_of_many_samples_it_takes_the_same_few_each_time():
    x, labels = samples(5000)
    first, second = (diagnose(classifier(), x, labels) for _ in range(2))
    assert first.samples == 2000
    assert first.layers[0] == second.layers[0]
    everything = diagnose(classifier(), x, labels, limit=5000)
    assert everything.samples == 5000
    delta = mean_norm(of_oracle(classifier(), x, oracle.one_hot(labels, 3))[1][0])
    assert everything.layers[0].delta == pytest.approx(delta)
    assert first.layers[0].delta != everything.layers[0].delta
    assert first.layers[0].delta == pytest.approx(delta, rel=0.1)


def test_few_samples_are_no_evidence_of_constants():
    assert list(diagnose(classifier(), X[:1], LABELS[:1])) == []


def test_nothing_changes():
    net = classifier()
    net.fit(X, LABELS, optimizer=SGD(0.1, momentum=0.9), epochs=3)
    before = net.parameters.copy(), net.optimizer_state["velocity"].copy(), net.history.cost
    given = X.copy(), LABELS.copy()
    diagnose(net, *given, validation_data=(X, LABELS), optimizer=SGD(0.1))
    after = net.parameters, net.optimizer_state["velocity"], net.history.cost
    for old, new in zip((*before, X, LABELS), (*after, *given), strict=True):
        np.testing.assert_array_equal(old, new)
    assert net.epochs_trained == 3


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"net": "a net"}, TypeError, r"net must be a chainrule\.Network; got str"),
        ({"net": Network([6, 2, 3], hidden="step")}, ValueError, "layer 2 has step units"),
        ({"X": X[:, :5]}, ValueError, r"X must be \(samples, 6\); got shape \(300, 5\)"),
        ({"X": X * np.nan}, ValueError, "X must be finite"),
        ({"y": LABELS[:-1]}, ValueError, "for each of the 300 samples; got 299"),
        ({"y": LABELS + np.arange(300) % 2}, ValueError, "labels from 0 to 2"),
        ({"validation_data": X}, TypeError, r"validation_data must be \(X, y\), \(X, y, sample"),
        ({"validation_data": (X[:0], LABELS[:0])}, ValueError, "validation X must have at least"),
        ({"history": [1.0, 2.0]}, TypeError, r"history must be a chainrule\.History; got list"),
        ({"optimizer": 0.1}, TypeError, r"optimizer must be one such as .*SGD.*got 0\.1"),
        ({"limit": 0}, ValueError, "limit must be 1 or more; got 0"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    arguments = {"net": classifier(), "X": X, "y": LABELS, **change}
    with pytest.raises(error, match=message):
        diagnose(**arguments)


def test_the_example_in_the_docstring():
    results = doctest.testmod(importlib.import_module("chainrule.doctor.diagnose"))
    assert results.attempted > 0
    assert results.failed == 0
